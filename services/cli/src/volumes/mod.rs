//! A gateway's recordings as they lie on a disk, read without changing a byte: for `bartizan verify`.
//!
//! Extents are found by their own headers, so no index is needed and none is believed. Bytes that the
//! recorder itself would not take for records (the torn end of a power cut) are passed over when nothing comes
//! after them; where records go on behind them, or must go on and do not, the verifier is told. What the records say is checked by `bartizan-sealing`.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use bartizan_domain::{CameraId, EpochId, Hash, StreamId};
use bartizan_recordings::{ExtentHeader, Geometry, MAX_ENVELOPE, PAGE, parse_layout};
use bartizan_sealing::record::Kind;
use bartizan_sealing::verify::{Envelopes, StreamVerifier};
use bartizan_sealing::{Manifest, Record};

/// Bytes of a layout file.
const MAX_LAYOUT: usize = 1_024;

/// Largest record that is looked for behind a damaged one: segment headers and manifests are far smaller.
const MAX_ANCHOR: usize = 8 * 1024;

/// Bytes that are read at a time.
const PIECE: usize = 1024 * 1024;

/// Where an extent lies.
#[derive(Debug, Clone)]
struct Extent {
    header: ExtentHeader,
    volume: PathBuf,
    at: u64,
}

/// The recordings of a gateway.
#[derive(Debug)]
pub(crate) struct Store {
    root: PathBuf,
    geometry: Geometry,
    streams: BTreeMap<StreamId, Vec<Extent>>,
}

/// What a walk saw besides what the verifier reports.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Walked {
    /// Counter of the last manifest.
    pub(crate) last_counter: Option<u64>,
}

impl Store {
    /// Opens the recordings in `path`, or in `recordings` below it; `None` when there are none.
    pub(crate) fn open(path: &Path) -> io::Result<Option<Self>> {
        let below = ["gateway/recordings", "recordings"].map(|name| path.join(name));
        for root in std::iter::once(path.to_owned()).chain(below) {
            match read_bounded(&root.join("layout"), MAX_LAYOUT) {
                Ok(layout) => {
                    let geometry = parse_layout(&layout).map_err(invalid)?;
                    return Self::scan(root, geometry).map(Some);
                }
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    fn scan(root: PathBuf, geometry: Geometry) -> io::Result<Self> {
        let mut volumes = Vec::new();
        for entry in fs::read_dir(root.join("volumes"))? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "vol") {
                volumes.push(path);
            }
        }
        volumes.sort_unstable();
        let mut streams: BTreeMap<StreamId, Vec<Extent>> = BTreeMap::new();
        for volume in volumes {
            let file = File::open(&volume)?;
            for slot in 0..geometry.extents_per_volume() {
                let at = slot.saturating_mul(geometry.extent_bytes);
                let mut page = [0; PAGE];
                if file.read_at(&mut page, at)? == 0 {
                    break;
                }
                let Ok(header) = ExtentHeader::parse(&page) else {
                    continue;
                };
                let volume = volume.clone();
                let extent = Extent { header, volume, at };
                streams.entry(header.stream).or_default().push(extent);
            }
        }
        for extents in streams.values_mut() {
            extents.sort_by_key(|extent| extent.header.number);
        }
        Ok(Self {
            root,
            geometry,
            streams,
        })
    }

    /// Whose recordings there are.
    pub(crate) fn streams(&self) -> impl Iterator<Item = StreamId> {
        self.streams.keys().copied()
    }

    /// Bytes of all extents of a stream, for progress.
    pub(crate) fn size(&self, stream: StreamId) -> u64 {
        let extents = self.streams.get(&stream).map_or(0, Vec::len);
        self.geometry.payload().saturating_mul(extents as u64)
    }

    /// Gives every record of a stream to `verifier`, from the first whole segment on.
    pub(crate) fn walk<E: Envelopes>(
        &self,
        stream: StreamId,
        verifier: &mut StreamVerifier<'_, E>,
        mut progress: impl FnMut(u64),
    ) -> io::Result<Walked> {
        let mut walk = Walk::default();
        let mut before: Option<u64> = None;
        for extent in self.streams.get(&stream).into_iter().flatten() {
            let header = &extent.header;
            let follows = before.and_then(|number| number.checked_add(1)) == Some(header.number);
            if !follows || header.fresh || walk.lost {
                walk.enter(follows && !header.fresh, before.is_some(), verifier);
                walk.skip = if header.fresh {
                    0
                } else {
                    let start = self.geometry.start_of(header.number);
                    header.next_record.saturating_sub(start)
                };
            }
            self.read(extent, &mut walk, verifier, &mut progress)?;
            before = Some(header.number);
        }
        Ok(walk.walked)
    }

    fn read<E: Envelopes>(
        &self,
        extent: &Extent,
        walk: &mut Walk,
        verifier: &mut StreamVerifier<'_, E>,
        progress: &mut impl FnMut(u64),
    ) -> io::Result<()> {
        let file = File::open(&extent.volume)?;
        let payload = self.geometry.payload();
        let mut done = walk.skip.min(payload);
        walk.skip = walk.skip.saturating_sub(payload);
        let mut piece = vec![0; PIECE];
        while done < payload {
            let want = usize::try_from(payload.saturating_sub(done)).unwrap_or(PIECE);
            let space = piece.get_mut(..want.min(PIECE)).unwrap_or_default();
            let at = extent.at.saturating_add(PAGE as u64).saturating_add(done);
            let read = file.read_at(space, at)?;
            let Some(bytes) = piece.get(..read).filter(|bytes| !bytes.is_empty()) else {
                break;
            };
            walk.take(bytes, verifier);
            done = done.saturating_add(read as u64);
            progress(read as u64);
        }
        Ok(())
    }

    /// The envelope record's body of an epoch, and the record's hash.
    pub(crate) fn envelope(&self, camera: CameraId, epoch: EpochId) -> Option<(Vec<u8>, Hash)> {
        let folder = self.root.join("epochs").join(camera.to_string());
        let ending = format!("-{epoch}.env");
        let mut entries = fs::read_dir(folder).ok()?.filter_map(Result::ok);
        let found = entries.find(|entry| entry.file_name().to_string_lossy().ends_with(&ending))?;
        let bytes = read_bounded(&found.path(), MAX_ENVELOPE).ok()?;
        let (record, rest) = Record::split(&bytes).ok()??;
        if record.header.kind != Kind::Envelope || !rest.is_empty() {
            return None;
        }
        let hash = record.chain_after(&Hash::ZERO)?;
        Some((record.body.to_vec(), hash))
    }
}

/// Bytes into records.
#[derive(Debug, Default)]
struct Walk {
    /// Bytes that are no whole record yet.
    carry: Vec<u8>,
    /// Data bytes to pass over before the next record.
    skip: u64,
    /// A segment has begun; what lies before the first one is the rest of a deleted one.
    started: bool,
    /// The chain of the segment that is open, when it is known.
    chain: Option<Hash>,
    /// What came last is no record, and none was found behind it yet.
    lost: bool,
    /// The segment that is open is damaged: its frames no longer chain, and are passed over.
    damaged: bool,
    walked: Walked,
}

impl Walk {
    /// Begins anew in an extent. `torn`: the extent goes on with what came before, which could not be read.
    fn enter<E: Envelopes>(
        &mut self,
        torn: bool,
        not_first: bool,
        verifier: &mut StreamVerifier<'_, E>,
    ) {
        if torn && not_first && self.lost {
            verifier.push_garbage();
        }
        self.carry.clear();
        self.lost = false;
        self.damaged = false;
        self.chain = None;
    }

    fn take<E: Envelopes>(&mut self, bytes: &[u8], verifier: &mut StreamVerifier<'_, E>) {
        self.carry.extend_from_slice(bytes);
        let carry = std::mem::take(&mut self.carry);
        let mut rest = carry.as_slice();
        loop {
            if self.lost {
                let Some(found) = anchor(rest) else {
                    // The first bytes of an anchor may be the last ones here.
                    let from = rest.len().saturating_sub(MAX_ANCHOR);
                    rest = rest.get(from..).unwrap_or_default();
                    break;
                };
                verifier.push_garbage();
                (self.lost, self.damaged, self.chain) = (false, true, None);
                rest = rest.get(found..).unwrap_or_default();
            }
            match Record::split(rest) {
                Ok(Some((record, after))) if self.is_intact(&record) => {
                    self.push(&record, verifier);
                    rest = after;
                }
                Ok(None) => break,
                Ok(Some(_)) | Err(_) => {
                    self.lost = true;
                    rest = rest.get(1..).unwrap_or_default();
                }
            }
        }
        self.carry = rest.to_vec();
    }

    fn push<E: Envelopes>(&mut self, record: &Record<'_>, verifier: &mut StreamVerifier<'_, E>) {
        let kind = record.header.kind;
        if kind == Kind::SegmentHeader {
            (self.started, self.damaged) = (true, false);
        }
        let passed_over = self.damaged && kind != Kind::Manifest;
        if self.started && !passed_over {
            verifier.push(record);
        }
    }

    /// Whether the recorder takes it for a record, too. Follows the chain.
    fn is_intact(&mut self, record: &Record<'_>) -> bool {
        match (record.header.kind, self.chain) {
            // The rest of a segment whose beginning was deleted or lost.
            (Kind::Frame | Kind::SegmentClose, None) => true,
            (Kind::Frame | Kind::SegmentClose, Some(before)) => {
                self.chain = record.chain_after(&before);
                self.chain.is_some()
            }
            (Kind::SegmentHeader, _) => {
                self.chain = record.chain_after(&Hash::ZERO);
                self.chain.is_some()
            }
            (Kind::Manifest, _) => {
                let counter = Manifest::decode(record.body).map(|manifest| manifest.counter);
                self.walked.last_counter = counter.ok().or(self.walked.last_counter);
                record.chain_after(&Hash::ZERO).is_some()
            }
            (Kind::Envelope, _) => false,
        }
    }
}

/// Where in `bytes` the first record begins that stands for itself: a segment's header or a manifest whose
/// check fits. Sealed bytes do not look like one by chance.
fn anchor(bytes: &[u8]) -> Option<usize> {
    (0..bytes.len()).find(|at| {
        let record = bytes.get(*at..).map(Record::split);
        let Some(Ok(Some((record, _)))) = record else {
            return false;
        };
        let stands = matches!(record.header.kind, Kind::SegmentHeader | Kind::Manifest);
        stands && record.bytes.len() <= MAX_ANCHOR && record.chain_after(&Hash::ZERO).is_some()
    })
}

fn read_bounded(path: &Path, max: usize) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    let mut bytes = vec![0; max.saturating_add(1)];
    let mut len = 0;
    while let Some(space) = bytes.get_mut(len..).filter(|space| !space.is_empty()) {
        match file.read_at(space, len as u64)? {
            0 => break,
            read => len = len.saturating_add(read),
        }
    }
    if len > max {
        return Err(invalid("the file is larger than it can be"));
    }
    bytes.truncate(len);
    Ok(bytes)
}

fn invalid(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, error)
}

#[cfg(test)]
mod tests;
