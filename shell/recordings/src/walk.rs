//! Reading a stream's records back in order, each held against its check, to find where a stream ends
//! and to make an index anew.

use std::io;

use bartizan_domain::{Hash, StreamId, UtcMillis};
use bartizan_sealing::record::{HEADER_LEN, Header, Kind, Record};

use crate::disk::Disk;
use crate::extent::{ExtentHeader, Geometry, Place};
use crate::read::ExtentFile;
use crate::track::{SegmentRow, Tracker, record_len};

const READ_BYTES: usize = 256 * 1024;

/// What the last segment of a stream looks like on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tail {
    /// Its number.
    pub number: u64,
    /// Its intact frame records.
    pub frames: u32,
    /// The chain after the last intact record.
    pub chain: Hash,
    /// Whether its close record is there.
    pub closed: bool,
    /// The end that its close gives, or the time of the last manifest that saw it running.
    pub end: UtcMillis,
}

/// Where extents lie.
pub(crate) type Locate<'a> = dyn Fn(u64) -> io::Result<Option<Place>> + 'a;

/// The bytes of a stream, extent after extent.
pub(crate) struct Source<'a> {
    pub(crate) disk: &'a dyn Disk,
    pub(crate) geometry: &'a Geometry,
    pub(crate) stream: StreamId,
    pub(crate) locate: &'a Locate<'a>,
    /// No extent from this number on is looked for.
    pub(crate) extents_end: u64,
    /// Whether to give up.
    pub(crate) is_over: &'a dyn Fn() -> bool,
}

impl Source<'_> {
    pub(crate) fn extent(&self, number: u64) -> io::Result<Option<ExtentFile>> {
        if number >= self.extents_end {
            return Ok(None);
        }
        match (self.locate)(number)? {
            Some(place) => ExtentFile::open(self.disk, self.geometry, self.stream, number, place),
            None => Ok(None),
        }
    }

    const fn is_same_extent(&self, a: u64, b: u64) -> bool {
        self.geometry.extent_of(a) == self.geometry.extent_of(b)
    }

    /// At most `len` bytes from `offset` on; fewer where the stream ends.
    pub(crate) fn bytes(&self, mut offset: u64, len: usize) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        while bytes.len() < len {
            let Some(extent) = self.extent(self.geometry.extent_of(offset))? else {
                break;
            };
            let before = bytes.len();
            extent.read(
                self.geometry,
                offset,
                len.saturating_sub(before),
                &mut bytes,
            )?;
            let read = bytes.len().saturating_sub(before);
            if read == 0 {
                break;
            }
            offset = offset.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
        }
        Ok(bytes)
    }
}

/// Bytes around the position of a walk.
struct Window<'a> {
    source: &'a Source<'a>,
    extent: Option<(u64, Option<ExtentFile>)>,
    base: u64,
    bytes: Vec<u8>,
}

impl<'a> Window<'a> {
    const fn new(source: &'a Source<'a>) -> Self {
        Self {
            source,
            extent: None,
            base: 0,
            bytes: Vec::new(),
        }
    }

    fn seek(&mut self, at: u64) {
        let passed = at
            .checked_sub(self.base)
            .and_then(|passed| usize::try_from(passed).ok());
        match passed {
            Some(passed) if passed < self.bytes.len() => {
                if passed >= READ_BYTES {
                    self.bytes.drain(..passed);
                    self.base = at;
                }
            }
            _ => {
                self.bytes.clear();
                self.base = at;
            }
        }
    }

    /// Whether `len` bytes from `at` on are in the window, after reading on as far as needed.
    fn holds(&mut self, at: u64, len: usize) -> io::Result<bool> {
        self.seek(at);
        let skip = usize::try_from(at.saturating_sub(self.base)).unwrap_or(usize::MAX);
        while self.bytes.len() < skip.saturating_add(len) {
            let have = u64::try_from(self.bytes.len()).unwrap_or(u64::MAX);
            let offset = self.base.saturating_add(have);
            let before = self.bytes.len();
            self.read_on(offset)?;
            if self.bytes.len() == before {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn read_on(&mut self, offset: u64) -> io::Result<()> {
        if (self.source.is_over)() {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let number = self.source.geometry.extent_of(offset);
        if self.extent.as_ref().is_none_or(|(open, _)| *open != number) {
            self.extent = Some((number, self.source.extent(number)?));
        }
        if let Some((_, Some(extent))) = &self.extent {
            extent.read(self.source.geometry, offset, READ_BYTES, &mut self.bytes)?;
        }
        Ok(())
    }

    /// The complete record at `at`; `None` when there is none.
    fn record(&mut self, at: u64) -> io::Result<Option<Record<'_>>> {
        if !self.holds(at, HEADER_LEN)? {
            return Ok(None);
        }
        let header = self
            .tail(at)
            .first_chunk::<HEADER_LEN>()
            .map(Header::decode);
        let Some(Ok((header, _))) = header else {
            return Ok(None);
        };
        if !self.holds(at, header.record_len())? {
            return Ok(None);
        }
        let record = Record::split(self.tail(at)).ok().flatten();
        Ok(record.map(|(record, _)| record))
    }

    fn tail(&self, at: u64) -> &[u8] {
        let skip = usize::try_from(at.saturating_sub(self.base)).unwrap_or(usize::MAX);
        self.bytes.get(skip..).unwrap_or_default()
    }
}

/// How far to go, and what to do at damage.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Route {
    /// Logical offset of the first record.
    pub(crate) from: u64,
    /// No record from here on is looked at.
    pub(crate) to: u64,
    /// Go on in the next extent behind a damaged record, instead of ending there. Extents that continue
    /// nothing are entered in any case.
    pub(crate) skip_damage: bool,
    /// The first record may lie within a segment; what comes before the first header cannot be checked
    /// and is passed over.
    pub(crate) within_segment: bool,
}

/// What became of a record.
enum Step {
    /// It is intact and ends here.
    Taken(u64),
    /// Nobody knows its chain; it seems to end here.
    Unknown(u64),
    Damaged,
}

impl Route {
    const fn may_skip(&self) -> bool {
        self.skip_damage || self.within_segment
    }
}

/// Where a walk ended.
#[derive(Debug)]
pub(crate) struct Walked {
    /// Logical offset behind the last intact record.
    pub(crate) end: u64,
    pub(crate) tail: Option<Tail>,
}

/// Walks over the records of `source` and gives the rows of all segments that end on the way to `row`.
/// The segment that is open at the end stays so in `tracker`.
pub(crate) fn walk(
    source: &Source<'_>,
    route: Route,
    tracker: &mut Tracker,
    row: &mut dyn FnMut(SegmentRow),
) -> io::Result<Walked> {
    let mut window = Window::new(source);
    let mut chain = None;
    let mut tail = None;
    let mut at = route.from;
    while at < route.to {
        let step = match window.record(at)? {
            Some(record) => step(&record, at, tracker, &mut chain, row),
            None => Step::Damaged,
        };
        let next = match step {
            Step::Taken(next) => {
                tail = tail_of(tracker, chain).or(tail);
                Some(next)
            }
            Step::Unknown(next) if route.may_skip() && source.is_same_extent(at, next) => {
                Some(next)
            }
            Step::Unknown(_) if route.may_skip() => next_entry(source, at, true)?,
            Step::Unknown(_) | Step::Damaged => {
                let entry = next_entry(source, at, route.skip_damage)?;
                if entry.is_some() {
                    tracker.cut(at).into_iter().for_each(&mut *row);
                    chain = None;
                }
                entry
            }
        };
        match next {
            Some(next) => at = next,
            None => break,
        }
    }
    Ok(Walked { end: at, tail })
}

/// Takes one record.
fn step(
    record: &Record<'_>,
    at: u64,
    tracker: &mut Tracker,
    chain: &mut Option<Hash>,
    row: &mut dyn FnMut(SegmentRow),
) -> Step {
    let Some(next) = at.checked_add(record_len(record)) else {
        return Step::Damaged;
    };
    let before = match (record.header.kind, *chain) {
        (Kind::Frame | Kind::SegmentClose, None) => return Step::Unknown(next),
        (_, before) => before.unwrap_or(Hash::ZERO),
    };
    let Some(after) = record.chain_after(&before) else {
        return Step::Damaged;
    };
    let Ok(ended) = tracker.observe(record, at) else {
        return Step::Damaged;
    };
    if record.header.kind != Kind::Manifest {
        *chain = Some(after);
    }
    ended.into_iter().for_each(row);
    Step::Taken(next)
}

fn tail_of(tracker: &Tracker, chain: Option<Hash>) -> Option<Tail> {
    let open = tracker.open?;
    Some(Tail {
        number: open.number,
        frames: open.frames,
        chain: chain?,
        closed: open.closed.is_some(),
        end: open.closed.unwrap_or(open.signed),
    })
}

/// Where records go on behind damage at `at`.
fn next_entry(source: &Source<'_>, at: u64, skip_damage: bool) -> io::Result<Option<u64>> {
    let geometry = source.geometry;
    for number in geometry.extent_of(at).saturating_add(1)..source.extents_end {
        let Some(ExtentHeader {
            fresh, next_record, ..
        }) = source.extent(number)?.map(|extent| extent.header)
        else {
            continue;
        };
        let start = geometry.start_of(number);
        if fresh {
            return Ok(Some(start));
        }
        if skip_damage && next_record >= start && geometry.extent_of(next_record) == number {
            return Ok(Some(next_record));
        }
    }
    Ok(None)
}
