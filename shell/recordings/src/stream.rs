//! One stream on its way to disk: records in, chunks out, and what to do when the disk lags behind.
//!
//! The appending thread works here under the stream's own lock and never waits for a disk. A record is
//! either taken whole or dropped; once one is dropped the rest of its segment is too, and the loss is
//! told when the stream is stored again, or while it lasts.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use bartizan_domain::{GapReason, StreamId, UtcMillis};
use bartizan_sealing::SegmentHeader;
use bartizan_sealing::record::{Kind, Record};

use crate::event::{Event, Loss, add};
use crate::extent::{ExtentHeader, Place};
use crate::floor::Floor;
use crate::index::StreamIndex;
use crate::page::{Chunk, PAGE_U64};
use crate::recover::{Found, Tail};
use crate::shared::{Health, Job, Shared, lock};
use crate::track::{Misplaced, Open, SegmentRow, Tracker};

/// How often a loss that lasts is told again, in milliseconds.
pub(crate) const REPORT_EVERY: u64 = 10_000;

/// Everything about one stream.
///
/// Lock order: `inner`, then `index`, then the queue; `append` takes `inner` and the queue only.
#[derive(Debug)]
pub(crate) struct Cell {
    pub(crate) id: StreamId,
    pub(crate) inner: Mutex<Inner>,
    pub(crate) index: Mutex<StreamIndex>,
    /// Logical offset below which nothing may be read. Raised before bytes are freed.
    floor_offset: AtomicU64,
}

impl Cell {
    pub(crate) fn new(id: StreamId, index: StreamIndex, inner: Inner) -> Self {
        let floor_offset = AtomicU64::new(inner.floor.offset);
        Self {
            id,
            inner: Mutex::new(inner),
            index: Mutex::new(index),
            floor_offset,
        }
    }

    pub(crate) fn floor_offset(&self) -> u64 {
        self.floor_offset.load(Ordering::SeqCst)
    }

    pub(crate) fn raise_floor(&self, inner: &mut Inner, floor: Floor) {
        inner.floor = floor;
        self.publish_floor(inner);
    }

    /// Lets readers know the floor.
    pub(crate) fn publish_floor(&self, inner: &Inner) {
        self.floor_offset
            .fetch_max(inner.floor.offset, Ordering::SeqCst);
    }
}

/// What happens to the next record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// Nothing is stored before a segment begins.
    Waiting,
    Storing,
    Losing(Losing),
}

/// A loss that lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Losing {
    /// First segment not yet told.
    first: u64,
    /// One more than the last segment that was dropped or cut.
    next: u64,
    from: UtcMillis,
    reason: GapReason,
}

/// The part of a stream that the appending thread changes.
pub(crate) struct Inner {
    mode: Mode,
    pub(crate) tracker: Tracker,
    /// Logical offset behind the last byte taken.
    pub(crate) pos: u64,
    /// Whether the next extent continues nothing.
    fresh: bool,
    chunk: Option<Chunk>,
    /// Chunks that wait for the disk, oldest first.
    inflight: VecDeque<Arc<Chunk>>,
    /// Extents that the index does not have yet.
    pub(crate) extents: Vec<(u64, Place)>,
    /// Ended segments that the index does not have yet.
    pub(crate) rows: Vec<SegmentRow>,
    /// The record of the last manifest.
    pub(crate) manifest: Vec<u8>,
    /// What the last process left, until a segment begins.
    pub(crate) tail: Option<Tail>,
    /// What is kept.
    pub(crate) floor: Floor,
    /// Everything before this is durable.
    pub(crate) committed: u64,
    /// The camera was removed: nothing more is taken.
    pub(crate) removed: bool,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inner")
            .field("mode", &self.mode)
            .field("pos", &self.pos)
            .finish_non_exhaustive()
    }
}

impl Inner {
    /// A stream whose next byte goes to the start of `extent`.
    pub(crate) fn new(id: StreamId, start: u64) -> Self {
        Self {
            mode: Mode::Waiting,
            tracker: Tracker::new(id),
            pos: start,
            fresh: true,
            chunk: None,
            inflight: VecDeque::new(),
            extents: Vec::new(),
            rows: Vec::new(),
            manifest: Vec::new(),
            tail: None,
            floor: Floor::default(),
            committed: start,
            removed: false,
        }
    }

    /// Takes one record, or drops it and remembers why.
    pub(crate) fn take(
        &mut self,
        shared: &Shared,
        cell: &Arc<Cell>,
        record: &Record<'_>,
    ) -> Result<(), Misplaced> {
        if self.removed {
            return Ok(());
        }
        let begins = match record.header.kind {
            Kind::SegmentHeader => Some(SegmentHeader::decode(record.body)?),
            _ => None,
        };
        let stored = match shared.room(record.bytes.len(), record.header.kind) {
            Ok(()) => self.is_wanted(record.header.kind),
            Err(reason) => {
                self.lose(shared, begins.as_ref(), reason);
                false
            }
        };
        if !stored {
            self.note_dropped(shared, begins.as_ref());
            return Ok(());
        }
        let ended = self.tracker.observe(record, self.pos)?;
        if let Some(header) = &begins {
            self.resume(shared, header);
        }
        self.rows.extend(ended);
        if record.header.kind == Kind::Manifest {
            self.manifest.clear();
            self.manifest.extend_from_slice(record.bytes);
        }
        self.put(shared, cell, record.bytes);
        add(&shared.counters.records, 1);
        Ok(())
    }

    /// The stream is nonsense from here on: its segment is cut, and nothing is stored until the next.
    pub(crate) fn refuse(&mut self) {
        if self.mode == Mode::Storing {
            self.mode = Mode::Waiting;
        }
    }

    /// Manifests are kept even between lost segments, so that their counters have no holes.
    fn is_wanted(&self, kind: Kind) -> bool {
        self.mode == Mode::Storing || matches!(kind, Kind::SegmentHeader | Kind::Manifest)
    }

    fn lose(&mut self, shared: &Shared, begins: Option<&SegmentHeader>, reason: GapReason) {
        if reason == GapReason::Overload {
            shared.note_slow(shared.since_commit());
        }
        match (self.mode, begins) {
            (Mode::Storing, None) => self.cut_now(shared, reason),
            (Mode::Storing | Mode::Waiting, Some(header)) => {
                let (first, next) = (header.number, header.number.saturating_add(1));
                self.mode = Mode::Losing(Losing {
                    first,
                    next,
                    from: header.start,
                    reason,
                });
            }
            (Mode::Waiting, None) | (Mode::Losing(_), _) => {}
        }
    }

    /// The running segment ends here; a closed one stays whole.
    fn cut_now(&mut self, shared: &Shared, reason: GapReason) {
        let now = shared.clock.utc();
        let next = self
            .tracker
            .last_number
            .map_or(0, |last| last.saturating_add(1));
        let (first, from) = match &self.tracker.open {
            Some(open) if open.closed.is_none() => (open.number, now.max(open.start)),
            Some(Open {
                closed: Some(end), ..
            }) => (next, *end),
            _ => (next, now),
        };
        self.mode = Mode::Losing(Losing {
            first,
            next,
            from,
            reason,
        });
    }

    fn note_dropped(&mut self, shared: &Shared, begins: Option<&SegmentHeader>) {
        add(&shared.counters.records_lost, 1);
        if let (Mode::Losing(losing), Some(header)) = (&mut self.mode, begins) {
            losing.next = losing.next.max(header.number.saturating_add(1));
            // The writer may hang in a call: a loss is told from here, too.
            self.report_loss(shared, shared.clock.utc());
        }
    }

    fn resume(&mut self, shared: &Shared, header: &SegmentHeader) {
        if let Mode::Losing(losing) = self.mode {
            let told = Losing {
                next: header.number,
                ..losing
            };
            self.tell(shared, &told, header.start);
        }
        self.mode = Mode::Storing;
        self.tail = None;
    }

    fn tell(&self, shared: &Shared, losing: &Losing, to: UtcMillis) {
        let segments = losing.next.saturating_sub(losing.first);
        add(&shared.counters.segments_lost, segments);
        shared.emit(Event::Lost(Loss {
            stream: self.tracker.stream(),
            first_segment: losing.first,
            segments,
            from: losing.from,
            to: to.max(losing.from),
            reason: losing.reason,
        }));
    }

    /// Tells of a loss that has lasted for a while.
    pub(crate) fn report_loss(&mut self, shared: &Shared, now: UtcMillis) {
        if let Mode::Losing(losing) = self.mode
            && now.since(losing.from) >= REPORT_EVERY
        {
            self.tell(shared, &losing, now);
            self.mode = Mode::Losing(Losing {
                first: losing.next,
                from: now,
                ..losing
            });
        }
    }

    fn put(&mut self, shared: &Shared, cell: &Arc<Cell>, bytes: &[u8]) {
        let start = self.pos;
        let end = start.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        let mut rest = bytes;
        while !rest.is_empty() {
            if self.chunk.is_none() {
                let next_record = if self.pos == start { start } else { end };
                self.chunk = Some(self.begin_chunk(shared, next_record));
            }
            if let Some(chunk) = &mut self.chunk {
                let before = rest.len();
                rest = chunk.fill(rest);
                let taken = before.saturating_sub(rest.len());
                self.pos = self
                    .pos
                    .saturating_add(u64::try_from(taken).unwrap_or(u64::MAX));
            }
            if let Some(chunk) = self.chunk.take_if(|chunk| chunk.is_full()) {
                self.send(shared, cell, chunk);
            }
        }
        add(&shared.counters.bytes_in, end.saturating_sub(start));
    }

    /// A chunk at the current position, which is at the start of a page; at the start of an extent it
    /// begins with the header page.
    fn begin_chunk(&mut self, shared: &Shared, next_record: u64) -> Chunk {
        let geometry = &shared.geometry;
        let extent = geometry.extent_of(self.pos);
        if self.pos != geometry.start_of(extent) {
            let page = geometry.within(self.pos) / PAGE_U64;
            return Chunk::new(geometry, extent, page, shared.take_pages());
        }
        let header = ExtentHeader {
            stream: self.tracker.stream(),
            fresh: std::mem::take(&mut self.fresh),
            number: extent,
            next_record,
            segment: self.tracker.open.map_or(next_record, |open| open.offset),
            time: shared.clock.utc(),
        };
        let mut chunk = Chunk::new(geometry, extent, 0, shared.take_pages());
        chunk.fill(&header.encode());
        chunk
    }

    fn send(&mut self, shared: &Shared, cell: &Arc<Cell>, mut chunk: Chunk) {
        chunk.pad();
        let chunk = Arc::new(chunk);
        self.inflight.push_back(Arc::clone(&chunk));
        shared.enqueue(Job {
            cell: Arc::clone(cell),
            chunk,
        });
    }

    /// Sends what the stream has buffered, so that a commit covers it; `false` when that is nothing.
    pub(crate) fn flush(&mut self, shared: &Shared, cell: &Arc<Cell>) -> bool {
        let Some(chunk) = self.chunk.take_if(|chunk| chunk.is_dirty()) else {
            return false;
        };
        self.chunk = Some(chunk.follow(&shared.geometry, shared.take_pages()));
        self.send(shared, cell, chunk);
        true
    }

    /// The oldest waiting chunk is on disk.
    pub(crate) fn written(&mut self) -> Option<Arc<Chunk>> {
        self.inflight.pop_front()
    }

    /// The disk failed: what is not committed is forgotten, and its first segment is the first lost.
    pub(crate) fn fail(&mut self, shared: &Shared, reason: GapReason) {
        let uncommitted = |row: &&SegmentRow| row.end_offset() > self.committed;
        let row = self
            .rows
            .iter()
            .find(uncommitted)
            .map(|row| (row.number, row.start));
        let open = self.tracker.open.filter(|_| self.pos > self.committed);
        let first = row.or(open.map(|open| (open.number, open.start)));
        if self.mode == Mode::Storing || (self.mode == Mode::Waiting && first.is_some()) {
            self.cut_now(shared, reason);
        }
        if let (Mode::Losing(losing), Some((number, start))) = (&mut self.mode, first) {
            losing.first = losing.first.min(number);
            losing.from = losing.from.min(start);
        }
        self.chunk = None;
        self.inflight.clear();
        // What is durable can be read for as long as the disk lets it.
        let behind = shared.geometry.extent_from(self.committed);
        self.extents.retain(|(extent, _)| *extent < behind);
        self.rows.retain(|row| row.end_offset() <= self.committed);
    }

    /// Logical offset behind the last byte that can be read: while the disk fails, what was not committed is
    /// neither in memory nor, for all that is known, on the disk.
    pub(crate) fn readable_end(&self, shared: &Shared) -> u64 {
        if shared.health() == Health::Failed {
            self.pos.min(self.committed)
        } else {
            self.pos
        }
    }

    /// Goes on with what was found on disk: a new process, or a disk that came back.
    pub(crate) fn adopt(&mut self, shared: &Shared, found: Found) {
        let last_number = self.tracker.last_number.max(found.tracker.last_number);
        self.tracker = found.tracker;
        self.tracker.last_number = last_number;
        self.rows.clear();
        self.pos = found.end;
        self.committed = found.end;
        self.fresh = found.fresh;
        self.chunk = (!found.page.is_empty()).then(|| {
            let geometry = &shared.geometry;
            let extent = geometry.extent_of(found.end);
            let page = geometry.within(found.end) / PAGE_U64;
            Chunk::resume(geometry, extent, page, shared.take_pages(), &found.page)
        });
        if let (Mode::Losing(losing), Some(tail)) = (&mut self.mode, &found.tail) {
            let first = if tail.closed {
                tail.number.saturating_add(1)
            } else {
                tail.number
            };
            losing.first = losing.first.max(first).min(losing.next);
            losing.from = losing.from.max(tail.end);
        }
        if !found.manifest.is_empty() {
            self.manifest = found.manifest;
        }
        self.tail = found.tail;
        self.floor = found.floor;
        self.extents = found.extents;
    }

    /// The disk has nothing of this stream, which goes on at the start of an extent.
    pub(crate) fn start_over(&mut self, shared: &Shared) {
        self.tracker.open = None;
        self.tracker.manifest = None;
        self.rows.clear();
        self.extents.clear();
        self.pos = shared
            .geometry
            .start_of(shared.geometry.extent_from(self.pos));
        self.committed = self.pos;
        self.fresh = true;
        let extent = shared.geometry.extent_of(self.pos);
        self.floor = Floor {
            offset: self.pos,
            extent,
            freed: extent,
            ..Floor::default()
        };
        self.tail = None;
    }

    /// Whether nothing is on its way to disk and no segment is being stored.
    pub(crate) fn is_quiet(&self) -> bool {
        let running = self.tracker.open.is_some_and(|open| open.closed.is_none());
        self.committed == self.pos && self.rows.is_empty() && !(running && self.is_storing())
    }

    /// Whether every record since the running segment's header was taken.
    pub(crate) fn is_storing(&self) -> bool {
        self.mode == Mode::Storing
    }

    /// One more than the highest segment number seen, dropped ones included.
    pub(crate) fn next_number(&self) -> u64 {
        let seen = self
            .tracker
            .last_number
            .map_or(0, |last| last.saturating_add(1));
        match self.mode {
            Mode::Losing(losing) => seen.max(losing.next),
            Mode::Waiting | Mode::Storing => seen,
        }
    }

    /// Logical offset from which on bytes are in memory.
    pub(crate) fn memory_start(&self, shared: &Shared) -> u64 {
        let oldest = self
            .inflight
            .front()
            .map(|chunk| &**chunk)
            .or(self.chunk.as_ref());
        oldest.map_or(self.pos, |chunk| chunk.start(&shared.geometry))
    }

    /// Appends at most `max` bytes from `offset` on to `out`, when they are in memory.
    pub(crate) fn copy(&self, shared: &Shared, offset: u64, max: usize, out: &mut Vec<u8>) -> bool {
        let newest_first = self
            .chunk
            .iter()
            .chain(self.inflight.iter().rev().map(|chunk| &**chunk));
        for chunk in newest_first {
            let Some(skip) = offset.checked_sub(chunk.start(&shared.geometry)) else {
                continue;
            };
            let skip = usize::try_from(skip).unwrap_or(usize::MAX);
            let data = chunk.data().get(skip..).unwrap_or_default();
            let piece = data.get(..max).unwrap_or(data);
            out.extend_from_slice(piece);
            return !piece.is_empty();
        }
        false
    }
}

/// Locks a stream's changing part.
pub(crate) fn inner(cell: &Cell) -> std::sync::MutexGuard<'_, Inner> {
    lock(&cell.inner)
}
