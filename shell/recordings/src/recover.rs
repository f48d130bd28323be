//! Opening a store: what the last process left is read, torn ends are cut, and every stream learns where
//! it goes on. The same happens when a disk comes back.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;

use bartizan_domain::{CameraId, Rendition, StreamId};
use bartizan_sealing::Manifest;
use bartizan_sealing::record::{Kind, Record};

use crate::checkpoint::Checkpoint;
use crate::disk::{Access, Disk, list_if_there, read_file};
use crate::epochs::Epochs;
use crate::extent::{ExtentHeader, Geometry, Place, encode_layout, parse_layout};
use crate::floor::Floor;
use crate::index::{Hole, IndexError, Mark, StreamIndex, index_dir};
use crate::page::PAGE_U64;
use crate::read::ExtentFile;
use crate::track::{SegmentRow, Tracker};
use crate::volumes::Volumes;
pub use crate::walk::Tail;
use crate::walk::{Route, Source, Walked, walk};

/// The extent that the next byte goes into, and what its unfinished page holds.
type PartialPage = (Option<(u64, Place)>, Vec<u8>);

/// Fewest extents of one stream that are read when a store is opened. Older ones that no index knows
/// are read in the background.
const TAIL_EXTENTS: usize = 16;

/// How a store is opened.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OpenOptions<'a> {
    pub(crate) geometry: Geometry,
    pub(crate) direct: bool,
    /// Streams that do not go on in their last extent, because it refused a write.
    pub(crate) avoid: &'a BTreeSet<StreamId>,
    /// Most bytes that waited for the disk when the last process ended.
    pub(crate) queue_bytes: usize,
}

/// A store as it was found.
#[derive(Debug)]
pub(crate) struct Store {
    pub(crate) volumes: Volumes,
    pub(crate) epochs: Epochs,
    pub(crate) streams: Vec<(StreamId, StreamIndex, Found)>,
}

/// Where a stream goes on.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) tracker: Tracker,
    /// Logical offset of the next byte.
    pub(crate) end: u64,
    /// Nothing continues there.
    pub(crate) fresh: bool,
    /// The bytes before `end` in its page.
    pub(crate) page: Vec<u8>,
    /// The extent that is partly filled.
    pub(crate) active: Option<(u64, Place)>,
    /// Extents that the index could not take yet.
    pub(crate) extents: Vec<(u64, Place)>,
    pub(crate) manifest: Vec<u8>,
    pub(crate) tail: Option<Tail>,
    pub(crate) floor: Floor,
    pub(crate) holes: Vec<Hole>,
    /// Segments that were not in the index.
    pub(crate) segments: u64,
}

impl Found {
    /// What was deleted before the disk went away stays deleted, even if the disk forgot.
    pub(crate) fn keep_above(&mut self, geometry: &Geometry, floor: u64) {
        if self.end >= floor {
            return;
        }
        let extent = geometry.extent_from(floor);
        self.end = geometry.start_of(extent);
        self.fresh = true;
        self.page.clear();
        self.active = None;
        self.tracker.open = None;
        self.floor = Floor {
            offset: self.end,
            extent,
            epoch: None,
            ..self.floor
        };
    }
}

/// Reads the layout of the store on `disk`, or makes one with `wanted`.
pub(crate) fn open_layout(disk: &dyn Disk, wanted: Geometry) -> io::Result<Geometry> {
    match read_file(disk, "layout", 1024) {
        Ok(bytes) => parse_layout(&bytes).map_err(|_opaque| io::ErrorKind::InvalidData.into()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let draft = disk.open("layout.tmp", Access::CREATE)?;
            draft.set_len(0)?;
            draft.write_at(&encode_layout(&wanted), 0)?;
            draft.sync()?;
            disk.rename("layout.tmp", "layout")?;
            disk.sync_dir("")?;
            Ok(wanted)
        }
        Err(error) => Err(error),
    }
}

type Scanned = BTreeMap<u64, (Place, ExtentHeader)>;

/// Reads a store. What is torn is cut for good before this returns.
pub(crate) fn open_store(disk: &Arc<dyn Disk>, options: OpenOptions<'_>) -> io::Result<Store> {
    let OpenOptions {
        geometry,
        direct,
        avoid,
        queue_bytes,
    } = options;
    let waiting = queue_bytes / usize::try_from(geometry.extent_bytes).unwrap_or(usize::MAX);
    let tail_extents = waiting.saturating_add(2).max(TAIL_EXTENTS);
    for dir in ["index", "epochs"] {
        disk.make_dir(dir)?;
    }
    let epochs = Epochs::load(&**disk)?;
    let mut volumes = Volumes::open(Arc::clone(disk), geometry, direct)?;
    volumes.cut_unused()?;
    let mut indexes = BTreeMap::new();
    for stream in indexed_streams(&**disk)? {
        indexes.insert(stream, StreamIndex::load(&**disk, stream)?);
    }
    let from = scan_from(&**disk, &indexes, &epochs)?;
    let mut scanned: BTreeMap<StreamId, Scanned> = BTreeMap::new();
    for (place, header) in volumes.scan(from, u32::MAX)? {
        scanned
            .entry(header.stream)
            .or_default()
            .insert(header.number, (place, header));
    }
    let ids: BTreeSet<StreamId> = indexes.keys().chain(scanned.keys()).copied().collect();
    let mut streams = Vec::new();
    for id in ids {
        let index = indexes.remove(&id).unwrap_or_else(|| StreamIndex::new(id));
        let scanned = scanned.remove(&id).unwrap_or_default();
        let avoid = avoid.contains(&id);
        let volumes = &mut volumes;
        let indexed = Scanned::new();
        let mut recovery = Recovery {
            disk: &**disk,
            geometry,
            volumes,
            id,
            scanned,
            indexed,
            avoid,
            tail_extents,
        };
        let (index, found) = recovery.run(index)?;
        streams.push((id, index, found));
    }
    volumes.sync()?;
    volumes.reap()?;
    Ok(Store {
        volumes,
        epochs,
        streams,
    })
}

fn indexed_streams(disk: &dyn Disk) -> io::Result<Vec<StreamId>> {
    let mut streams = Vec::new();
    for camera in list_if_there(disk, "index")? {
        let Ok(id) = camera.parse::<CameraId>() else {
            continue;
        };
        let renditions = disk.list(&format!("index/{camera}"))?;
        let renditions = renditions
            .iter()
            .filter_map(|name| name.parse::<Rendition>().ok());
        streams.extend(renditions.map(|rendition| StreamId {
            camera: id,
            rendition,
        }));
    }
    Ok(streams)
}

/// The first volume that may hold extents that no index has.
fn scan_from(
    disk: &dyn Disk,
    indexes: &BTreeMap<StreamId, StreamIndex>,
    epochs: &Epochs,
) -> io::Result<u32> {
    let Some(checkpoint) = Checkpoint::load(disk)? else {
        return Ok(0);
    };
    let lost = |(stream, extents): &(StreamId, u64)| {
        indexes.get(stream).map_or(0, |index| index.end().extent) < *extents
    };
    for index in indexes.values() {
        if !index
            .holes(floor_mark(Floor::load(disk, &index.dir)?))
            .is_empty()
        {
            return Ok(0);
        }
    }
    let indexed = |camera: CameraId| indexes.keys().any(|stream| stream.camera == camera);
    let orphaned = epochs.cameras().any(|camera| !indexed(camera));
    if orphaned || checkpoint.streams.iter().any(lost) {
        Ok(0)
    } else {
        Ok(checkpoint.volume)
    }
}

/// One stream's recovery.
struct Recovery<'a> {
    disk: &'a dyn Disk,
    geometry: Geometry,
    volumes: &'a mut Volumes,
    id: StreamId,
    /// Extents found by their headers; once the floor is settled, those behind the index.
    scanned: Scanned,
    /// Those that the index should have.
    indexed: Scanned,
    /// Go on in another extent.
    avoid: bool,
    /// Unindexed extents that are read at once.
    tail_extents: usize,
}

impl Recovery<'_> {
    fn run(&mut self, mut index: StreamIndex) -> io::Result<(StreamIndex, Found)> {
        let mut floor = self.settle_floor(&index)?;
        self.free_below(&index, floor)?;
        let damage = Damage::default();
        let start = self.start(&index, floor);
        let mut tracker = Tracker::new(self.id);
        tracker.last_number = index.end().number.checked_sub(1);
        let (mut rows, mut walked) = self.walk(&index, start, &mut tracker, &damage)?;
        if walked.tail.is_none() {
            walked.tail = self.last_tail(&index, &damage)?;
        }
        tracker.manifest = tracker.manifest.or_else(|| index.manifest(self.disk));
        let mut manifest = self.last_manifest(&index, &tracker, &damage)?;
        if manifest.is_empty() {
            manifest = self.kept_manifest(&index)?;
        }
        tracker.last_number = tracker.last_number.max(last_named(&manifest));
        if start.skipped {
            floor = self.leave_hole(&mut index, &rows, &tracker, start, floor);
        }
        let (end, fresh) = self.continuation(&index, walked.end, &damage)?;
        if fresh {
            rows.extend(tracker.cut(walked.end));
        }
        self.make_durable(&index, start.offset, walked.end)?;
        let extents = self.cut_behind(&index, end)?;
        let hint = tracker.open.map(|open| (open.number, open.start));
        let taken = index.append(&extents, &rows, hint);
        index.note_manifest(tracker.manifest);
        let (active, page) = self.partial_page(&index, end, &damage)?;
        for run in damage.take() {
            if let Some((path, _)) = index.take_damaged(run) {
                self.disk.unlink(&path)?;
            }
        }
        let found = Found {
            tracker,
            end,
            fresh,
            page,
            active,
            extents: if taken { Vec::new() } else { extents },
            manifest,
            tail: walked.tail,
            floor,
            holes: index.holes(floor_mark(floor)),
            segments: u64::try_from(rows.len()).unwrap_or(u64::MAX),
        };
        Ok((index, found))
    }

    fn place(
        &self,
        index: &StreamIndex,
        number: u64,
        damage: &Damage,
    ) -> io::Result<Option<Place>> {
        if let Some((place, _)) = self.scanned.get(&number) {
            return Ok(Some(*place));
        }
        let lost = self.indexed.get(&number).map(|(place, _)| *place);
        let Some(view) = index.view_of_extent(number) else {
            return Ok(lost);
        };
        match view.open(self.disk).and_then(|run| run.place(number)) {
            Ok(place) => Ok(place.or(lost)),
            Err(IndexError::Io(error)) => Err(error),
            Err(IndexError::Damaged { run }) => {
                damage.note(run);
                Ok(lost)
            }
        }
    }

    fn extents_end(&self, index: &StreamIndex) -> u64 {
        let scanned = self
            .scanned
            .keys()
            .next_back()
            .map_or(0, |last| last.saturating_add(1));
        scanned.max(index.end().extent)
    }

    fn with_source<T>(
        &self,
        index: &StreamIndex,
        damage: &Damage,
        act: impl FnOnce(&Source<'_>) -> io::Result<T>,
    ) -> io::Result<T> {
        let locate = |number| self.place(index, number, damage);
        act(&Source {
            disk: self.disk,
            geometry: &self.geometry,
            stream: self.id,
            locate: &locate,
            extents_end: self.extents_end(index),
            is_over: &|| false,
        })
    }

    /// The floor file may be older than what was freed: the first extent that is there decides.
    fn settle_floor(&self, index: &StreamIndex) -> io::Result<Floor> {
        let mut floor = Floor::load(self.disk, &index.dir)?;
        let there = |number| -> io::Result<bool> {
            let damage = Damage::default();
            let Some(place) = self.place(index, number, &damage)? else {
                return Ok(self.scanned.contains_key(&number) || !damage.take().is_empty());
            };
            let found = ExtentFile::open(self.disk, &self.geometry, self.id, number, place)?;
            Ok(found.is_some())
        };
        let (mut low, mut high) = (floor.extent, index.end().extent);
        if low >= high || there(low)? {
            return Ok(floor);
        }
        while low < high {
            let middle = low.midpoint(high);
            if there(middle)? {
                high = middle;
            } else {
                low = middle.saturating_add(1);
            }
        }
        floor.extent = low;
        floor.freed = floor.freed.max(low);
        floor.offset = floor.offset.max(self.geometry.start_of(low));
        Ok(floor)
    }

    /// Frees what the last process was about to free.
    fn free_below(&mut self, index: &StreamIndex, floor: Floor) -> io::Result<()> {
        let damage = Damage::default();
        for number in floor.freed..floor.extent {
            if let Some(place) = self.place(index, number, &damage)?
                && ExtentFile::open(self.disk, &self.geometry, self.id, number, place)?.is_some()
            {
                self.volumes.free(place)?;
            }
        }
        let kept = self.scanned.split_off(&floor.extent);
        for (place, _) in std::mem::replace(&mut self.scanned, kept).into_values() {
            self.volumes.free(place)?;
        }
        let unindexed = self.scanned.split_off(&index.end().extent);
        self.indexed = std::mem::replace(&mut self.scanned, unindexed);
        Ok(())
    }

    /// Where to begin reading: behind the index, or near the end when too much is unknown.
    fn start(&self, index: &StreamIndex, floor: Floor) -> Start {
        let end = index.end();
        let behind_index = Start {
            offset: end.offset.max(floor.offset),
            skipped: false,
            extent: 0,
        };
        let excess = self.scanned.len().saturating_sub(self.tail_extents);
        // A gap right behind the index is a torn tail; so much as could wait for the disk may be torn.
        let torn = u64::try_from(self.tail_extents).unwrap_or(u64::MAX);
        let is_cut_off = |number: u64| index.is_empty() && number > torn;
        let first = self.scanned.iter().nth(excess);
        match first {
            Some((number, (_, header))) if excess > 0 || is_cut_off(*number) => Start {
                offset: header.next_record.max(self.geometry.start_of(*number)),
                skipped: true,
                extent: *number,
            },
            _ => behind_index,
        }
    }

    fn walk(
        &self,
        index: &StreamIndex,
        start: Start,
        tracker: &mut Tracker,
        damage: &Damage,
    ) -> io::Result<(Vec<SegmentRow>, Walked)> {
        let mut rows = Vec::new();
        let route = Route {
            from: start.offset,
            to: u64::MAX,
            skip_damage: false,
            within_segment: start.skipped,
        };
        let walked = self.with_source(index, damage, |source| {
            walk(source, route, tracker, &mut |row| rows.push(row))
        })?;
        Ok((rows, walked))
    }

    /// The tail when nothing follows the last row.
    fn last_tail(&self, index: &StreamIndex, damage: &Damage) -> io::Result<Option<Tail>> {
        let row = match index.last_row(self.disk) {
            Ok(Some(row)) => row,
            Err(IndexError::Io(error)) => return Err(error),
            Ok(None) | Err(IndexError::Damaged { .. }) => return Ok(None),
        };
        let route = Route {
            from: row.offset,
            to: row.end_offset(),
            skip_damage: false,
            within_segment: false,
        };
        let mut tracker = Tracker::new(self.id);
        let walked = self.with_source(index, damage, |source| {
            walk(source, route, &mut tracker, &mut |_| {})
        })?;
        Ok(walked.tail)
    }

    fn last_manifest(
        &self,
        index: &StreamIndex,
        tracker: &Tracker,
        damage: &Damage,
    ) -> io::Result<Vec<u8>> {
        let Some((offset, len)) = tracker.manifest else {
            return Ok(Vec::new());
        };
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        let bytes = self.with_source(index, damage, |source| source.bytes(offset, len))?;
        Ok(if is_manifest(&bytes) {
            bytes
        } else {
            Vec::new()
        })
    }

    /// The last manifest that retention set aside.
    fn kept_manifest(&self, index: &StreamIndex) -> io::Result<Vec<u8>> {
        let path = format!("{}/manifest", index.dir);
        match read_file(self.disk, &path, MAX_MANIFEST) {
            Ok(bytes) if is_manifest(&bytes) => Ok(bytes),
            Ok(_) => Ok(Vec::new()),
            Err(error) => match error.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::InvalidData => Ok(Vec::new()),
                _ => Err(error),
            },
        }
    }

    /// The index goes on at the first segment that was found, behind a hole; or the stream begins there
    /// when nothing older is left.
    fn leave_hole(
        &self,
        index: &mut StreamIndex,
        rows: &[SegmentRow],
        tracker: &Tracker,
        start: Start,
        floor: Floor,
    ) -> Floor {
        let open = tracker
            .open
            .map(|open| (open.offset, open.number, open.start));
        let first = rows
            .first()
            .map(|row| (row.offset, row.number, row.start))
            .or(open);
        let Some((offset, number, time)) = first else {
            return floor;
        };
        let is_first = index.is_empty()
            && self.scanned.first_key_value().map(|(n, _)| *n) == Some(start.extent);
        let extent = start.extent;
        index.skip_to(Mark {
            offset,
            extent,
            number,
            time,
        });
        if is_first {
            Floor {
                offset,
                extent,
                freed: extent,
                time,
                epoch: None,
            }
        } else {
            floor
        }
    }

    /// Where the stream goes on: right behind its last record, unless that extent cannot be used.
    fn continuation(
        &self,
        index: &StreamIndex,
        end: u64,
        damage: &Damage,
    ) -> io::Result<(u64, bool)> {
        let geometry = &self.geometry;
        let next = geometry.extent_from(end);
        let known = index.end().extent;
        if next < known {
            return Ok((geometry.start_of(known), true));
        }
        if end == geometry.start_of(next) {
            return Ok((end, end == 0));
        }
        let partial = geometry.extent_of(end);
        let there = match self.place(index, partial, damage)? {
            Some(place) if !self.avoid => {
                ExtentFile::open(self.disk, geometry, self.id, partial, place)?.is_some()
                    && self.unfinished_page(index, end, damage)?.is_some()
            }
            _ => false,
        };
        if there {
            Ok((end, false))
        } else {
            Ok((geometry.start_of(next), true))
        }
    }

    /// Frees torn extents at and behind `end` and clears the rest of the one it lies in, so that nothing
    /// of the old tail can ever be taken for new. Gives the extents that hold the stream.
    fn cut_behind(&mut self, index: &StreamIndex, end: u64) -> io::Result<Vec<(u64, Place)>> {
        let torn = self.scanned.split_off(&self.geometry.extent_from(end));
        for (place, _) in torn.into_values() {
            self.volumes.free(place)?;
        }
        let partial = self.geometry.extent_of(end);
        if end != self.geometry.start_of(partial)
            && let Some(place) = self.place(index, partial, &Damage::default())?
        {
            let page = self.geometry.within(end).div_ceil(PAGE_U64);
            self.volumes.clear_from(place, page)?;
        }
        let first = index.end().extent;
        let kept = self
            .scanned
            .range(first..)
            .map(|(number, (place, _))| (*number, *place));
        Ok(kept.collect())
    }

    /// What the sealer is told to be there must stay there: the last process may not have come to make
    /// it durable.
    fn make_durable(&mut self, index: &StreamIndex, from: u64, to: u64) -> io::Result<()> {
        for number in self.geometry.extent_of(from)..=self.geometry.extent_of(to) {
            if let Some(place) = self.place(index, number, &Damage::default())? {
                self.volumes.touch(place)?;
            }
        }
        Ok(())
    }

    /// The bytes before `end` in its page; `None` when they are not all there.
    fn unfinished_page(
        &self,
        index: &StreamIndex,
        end: u64,
        damage: &Damage,
    ) -> io::Result<Option<Vec<u8>>> {
        let filled = self.geometry.within(end) % PAGE_U64;
        let len = usize::try_from(filled).unwrap_or_default();
        let from = end.saturating_sub(filled);
        let page = self.with_source(index, damage, |source| source.bytes(from, len))?;
        Ok((page.len() == len).then_some(page))
    }

    fn partial_page(
        &self,
        index: &StreamIndex,
        end: u64,
        damage: &Damage,
    ) -> io::Result<PartialPage> {
        let number = self.geometry.extent_of(end);
        if end == self.geometry.start_of(number) {
            return Ok((None, Vec::new()));
        }
        let active = self
            .place(index, number, damage)?
            .map(|place| (number, place));
        let page = self.unfinished_page(index, end, damage)?;
        let page = page.ok_or(io::ErrorKind::UnexpectedEof)?;
        Ok((active, page))
    }
}

const MAX_MANIFEST: u64 = 64 * 1024;

fn is_manifest(bytes: &[u8]) -> bool {
    matches!(Record::split(bytes), Ok(Some((record, []))) if record.header.kind == Kind::Manifest)
}

/// The highest segment number that a manifest names: numbers are not used again even when their segments
/// are gone.
fn last_named(manifest: &[u8]) -> Option<u64> {
    let (record, _) = Record::split(manifest).ok()??;
    let manifest = Manifest::decode(record.body).ok()?;
    manifest.heads.iter().map(|head| head.segment.number).max()
}

/// Where a stream's recovery begins to read.
#[derive(Debug, Clone, Copy)]
struct Start {
    offset: u64,
    /// Extents before `extent` are left to the background.
    skipped: bool,
    extent: u64,
}

/// Runs of an index that turned out to be unreadable.
#[derive(Debug, Default)]
struct Damage(RefCell<Vec<Mark>>);

impl Damage {
    fn note(&self, run: Mark) {
        let mut runs = self.0.borrow_mut();
        if !runs.contains(&run) {
            runs.push(run);
        }
    }

    fn take(&self) -> Vec<Mark> {
        self.0.take()
    }
}

fn floor_mark(floor: Floor) -> Mark {
    Mark {
        offset: floor.offset,
        extent: floor.extent,
        ..Mark::default()
    }
}

/// The folder of a stream's index is no longer needed.
pub(crate) fn remove_index(disk: &dyn Disk, stream: StreamId) -> io::Result<()> {
    let dir = index_dir(stream);
    for name in list_if_there(disk, &dir)? {
        disk.unlink(&format!("{dir}/{name}"))?;
    }
    for dir in [dir, format!("index/{}", stream.camera)] {
        let gone = disk.remove_dir(&dir).or_else(|error| match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::DirectoryNotEmpty => Ok(()),
            _ => Err(error),
        });
        gone?;
    }
    Ok(())
}
