//! The recorder as the gateway uses it: records in, stretches of records out.

use std::io;
use std::ops::Range;
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex};
use std::thread::{Builder, JoinHandle};

use bartizan_base::clock::Clock;
use bartizan_domain::wire::WireError;
use bartizan_domain::{CameraId, EpochId, StreamId, UtcMillis};
use bartizan_sealing::record::{Kind, Record};

use crate::config::{Config, Retention};
use crate::disk::Disk;
use crate::epochs::{MAX_ENVELOPE, read_envelope};
use crate::event::{Counts, Event, add};
use crate::extent::{Geometry, GeometryError};
use crate::find::{Query, Span, first, unindexed, visit};
use crate::read::{RangeReader, ReadError};
use crate::rebuild::Rebuilder;
use crate::recover::{OpenOptions, Tail, open_layout, open_store};
use crate::shared::{Command, Envelope, Shared, lock};
use crate::stream::{Cell, inner};
use crate::track::{Misplaced, SegmentRow, SegmentState};
use crate::usage::{Usage, usage};
use crate::volumes::Facilities;
use crate::writer::Writer;

/// Most spans that are given at once.
pub const MAX_SPANS: usize = 10_000;

/// A store of recordings. Clones are handles to the same one; the last that is dropped closes it.
#[derive(Debug, Clone)]
pub struct Recorder {
    shared: Arc<Shared>,
    threads: Arc<Threads>,
}

/// The threads behind a recorder, ended when the last handle goes.
#[derive(Debug)]
struct Threads {
    shared: Arc<Shared>,
    handles: Mutex<Vec<JoinHandle<()>>>,
}

impl Threads {
    fn end(&self) {
        self.shared.stop();
        for handle in lock(&self.handles).drain(..) {
            if handle.join().is_err() {
                tracing::error!("a recorder thread panicked");
            }
        }
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.end();
    }
}

/// Why a store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it.
    #[error("the recordings are in use by another process")]
    Busy,
    /// The sizes in the configuration cannot be.
    #[error("the configured sizes are not possible")]
    Geometry(#[from] GeometryError),
    /// The file system failed.
    #[error("the recordings can't be opened")]
    Io(#[from] io::Error),
}

/// What was found when a store was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenReport {
    /// Every stream and where it stands.
    pub streams: Vec<(StreamId, StreamState)>,
    /// Segments that were on disk but not in an index.
    pub segments_found: u64,
    /// Parts of indexes that are being made anew in the background.
    pub holes: usize,
    /// What the file system offers.
    pub facilities: Facilities,
}

/// Where a stream stands; what a sealer needs to go on with it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StreamState {
    /// The record of the last manifest.
    pub last_manifest: Option<Vec<u8>>,
    /// The last segment.
    pub tail: Option<Tail>,
    /// No number below this one may be used again.
    pub next_segment: u64,
}

/// The running segment of a stream at one moment between two calls of `append`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Running {
    /// Its number.
    pub number: u64,
    /// Its epoch.
    pub epoch: EpochId,
    /// Its start.
    pub start: UtcMillis,
    /// Logical offset of its header record.
    pub offset: u64,
    /// Logical offset behind its last record: what is appended from now on begins here.
    pub end: u64,
}

/// Why records were not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// The bytes do not end with a record.
    #[error("{len} bytes of an incomplete record")]
    Incomplete {
        /// How many.
        len: usize,
    },
    /// Not a record, or not one that may come next.
    #[error("the record was refused")]
    Refused(#[from] Misplaced),
    /// There are [`crate::MAX_STREAMS`] already.
    #[error("too many streams")]
    TooManyStreams,
}

/// Why an envelope was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeRefused {
    /// Not one envelope record, or over [`MAX_ENVELOPE`].
    #[error("not an envelope record")]
    Malformed,
    /// It is another camera's or epoch's.
    #[error("the envelope is for another camera or epoch")]
    Other,
}

/// A recorder whose work is done by whoever holds the parts, not by threads.
#[derive(Debug)]
pub struct Unattended {
    /// The recorder.
    pub recorder: Recorder,
    /// To be stepped: nothing reaches the disk otherwise.
    pub writer: Writer,
    /// To be stepped: lost parts of an index stay lost otherwise.
    pub rebuilder: Rebuilder,
    /// What was found.
    pub report: OpenReport,
}

impl Recorder {
    /// Opens or makes a store on `disk` and starts the threads that write it and repair its index.
    ///
    /// # Errors
    /// The store is in use, its disk fails, or no thread can be started. Damage is no error: what is torn
    /// is cut and reported.
    pub fn open(
        disk: Arc<dyn Disk>,
        config: Config,
        clock: Arc<dyn Clock>,
    ) -> Result<(Self, OpenReport), OpenError> {
        let Unattended {
            recorder,
            writer,
            rebuilder,
            report,
        } = Self::open_unattended(disk, config, clock)?;
        let writer = spawn("recorder", move || writer.run())?;
        lock(&recorder.threads.handles).push(writer);
        let rebuilder = spawn("recorder-index", move || rebuilder.run())?;
        lock(&recorder.threads.handles).push(rebuilder);
        Ok((recorder, report))
    }

    /// Opens or makes a store; the caller steps the writer. For tests.
    pub fn open_unattended(
        disk: Arc<dyn Disk>,
        config: Config,
        clock: Arc<dyn Clock>,
    ) -> Result<Unattended, OpenError> {
        let wanted = Geometry::new(config.extent_bytes, config.volume_bytes)?;
        disk.make_dir("")?;
        disk.lock().map_err(|error| match error.kind() {
            io::ErrorKind::WouldBlock => OpenError::Busy,
            _ => OpenError::Io(error),
        })?;
        let geometry = open_layout(&*disk, wanted)?;
        let avoid = &std::collections::BTreeSet::new();
        let store = open_store(
            &disk,
            OpenOptions {
                geometry,
                direct: config.direct,
                avoid,
                queue_bytes: config.queue_bytes,
            },
        )?;
        let device = disk.device()?;
        let shared = Arc::new(Shared::new(disk, clock, config, geometry));
        let (holes, receiver) = std::sync::mpsc::channel();
        let found = store.streams.iter();
        let segments_found = found.clone().map(|(.., found)| found.segments).sum();
        let hole_count = found.map(|(.., found)| found.holes.len()).sum();
        let writer = Writer::new(Arc::clone(&shared), store, device, holes);
        let cells = shared.all_cells();
        let report = OpenReport {
            streams: cells
                .iter()
                .map(|cell| (cell.id, state_at_rest(cell)))
                .collect(),
            segments_found,
            holes: hole_count,
            facilities: writer.volumes.facilities,
        };
        let rebuilder = Rebuilder::new(Arc::clone(&shared), receiver);
        let threads = Threads {
            shared: Arc::clone(&shared),
            handles: Mutex::default(),
        };
        let recorder = Self {
            shared,
            threads: Arc::new(threads),
        };
        Ok(Unattended {
            recorder,
            writer,
            rebuilder,
            report,
        })
    }

    /// Takes whole records of one stream, in order, from one thread. Never waits for a disk: what does
    /// not fit is dropped up to the next segment and reported as an event.
    ///
    /// # Errors
    /// The sealer sent what is no stream. The records before the wrong one were taken; the rest of their
    /// segment is refused.
    pub fn append(&self, stream: StreamId, records: &[u8]) -> Result<(), AppendError> {
        let cell = self
            .shared
            .cell_or_new(stream)
            .ok_or(AppendError::TooManyStreams)?;
        let mut inner = inner(&cell);
        let mut rest = records;
        while !rest.is_empty() {
            let taken = match Record::split(rest) {
                Ok(Some((record, after))) => {
                    rest = after;
                    inner
                        .take(&self.shared, &cell, &record)
                        .map_err(AppendError::Refused)
                }
                Ok(None) => Err(AppendError::Incomplete { len: rest.len() }),
                Err(error) => Err(AppendError::Refused(Misplaced::Malformed(error))),
            };
            if taken.is_err() {
                inner.refuse();
                add(&self.shared.counters.records_refused, 1);
            }
            taken?;
        }
        Ok(())
    }

    /// Takes the envelope record of an epoch. It is durable before anything that is appended later is
    /// written.
    pub fn put_envelope(
        &self,
        camera: CameraId,
        epoch: EpochId,
        record: &[u8],
    ) -> Result<(), EnvelopeRefused> {
        check_envelope(camera, epoch, record)?;
        let envelope = Envelope {
            camera,
            epoch,
            record: record.into(),
        };
        self.shared
            .with_queue(|queue| queue.push_envelope(envelope));
        Ok(())
    }

    /// Where a stream stands. Reads the last segment back when it was recorded by this process, so it may
    /// wait for the disk.
    pub fn stream_state(&self, stream: StreamId) -> Result<StreamState, ReadError> {
        let Some(cell) = self.shared.cell(stream) else {
            return Ok(StreamState::default());
        };
        let (mut state, last) = {
            let inner = inner(&cell);
            let mut last = unindexed(&self.shared, &inner).last().copied();
            // Who looks sees a running segment last until now; a sealer that was away signs a gap from where
            // it speaks of last.
            if let (Some(row), Some(open)) = (&mut last, &inner.tracker.open)
                && row.state == SegmentState::Running
            {
                row.duration = open.signed.since(open.start);
            }
            (state_of(&inner), last)
        };
        if state.tail.is_none()
            && let Some(row) = last
        {
            let reader = RangeReader::new(Arc::clone(&self.shared), cell, row.offset, row.len);
            state.tail = crate::tail::read_tail(stream, reader, &row)?;
        }
        Ok(state)
    }

    /// The events; `None` when they were taken before.
    pub fn events(&self) -> Option<Receiver<Event>> {
        self.shared.take_receiver()
    }

    /// The running segment, for a viewer who joins now: all of it is read by [`Self::read`], and what is
    /// appended after this call begins at its `end`. `None` between segments and while records are lost.
    /// Call it from the appending thread.
    pub fn running_segment(&self, stream: StreamId) -> Option<Running> {
        let cell = self.shared.cell(stream)?;
        let inner = inner(&cell);
        let open = inner
            .tracker
            .open
            .filter(|open| open.closed.is_none() && inner.is_storing())?;
        Some(Running {
            number: open.number,
            epoch: open.epoch,
            start: open.start,
            offset: open.offset,
            end: inner.pos,
        })
    }

    /// Stretches of `from .. to` that were recorded, at most [`MAX_SPANS`], in the order of the stream.
    pub fn spans(
        &self,
        stream: StreamId,
        from: UtcMillis,
        to: UtcMillis,
    ) -> Result<Vec<Span>, ReadError> {
        let cell = self.cell(stream)?;
        let mut spans: Vec<Span> = Vec::new();
        visit(&self.shared, &cell, Query::Time(from, to), &mut |row| {
            if !spans.last_mut().is_some_and(|span| span.extend(row)) {
                spans.push(Span::of(row));
            }
            spans.len() <= MAX_SPANS
        })?;
        spans.truncate(MAX_SPANS);
        Ok(spans)
    }

    /// At most `limit` segments that touch `from .. to`, in the order of the stream.
    pub fn segments(
        &self,
        stream: StreamId,
        from: UtcMillis,
        to: UtcMillis,
        limit: usize,
    ) -> Result<Vec<SegmentRow>, ReadError> {
        self.rows(stream, Query::Time(from, to), limit)
    }

    /// At most `limit` segments from number `first` on.
    pub fn segments_from(
        &self,
        stream: StreamId,
        first: u64,
        limit: usize,
    ) -> Result<Vec<SegmentRow>, ReadError> {
        self.rows(stream, Query::Number(first), limit)
    }

    /// Segment `number`, when it is kept.
    pub fn segment(&self, stream: StreamId, number: u64) -> Result<Option<SegmentRow>, ReadError> {
        let cell = self.cell(stream)?;
        let found = first(&self.shared, &cell, Query::Number(number))?;
        Ok(found.filter(|row| row.number == number))
    }

    fn rows(
        &self,
        stream: StreamId,
        query: Query,
        limit: usize,
    ) -> Result<Vec<SegmentRow>, ReadError> {
        let cell = self.cell(stream)?;
        let mut rows = Vec::new();
        visit(&self.shared, &cell, query, &mut |row| {
            if rows.len() < limit {
                rows.push(*row);
            }
            rows.len() < limit
        })?;
        Ok(rows)
    }

    fn cell(&self, stream: StreamId) -> Result<Arc<Cell>, ReadError> {
        self.shared.cell(stream).ok_or(ReadError::UnknownStream)
    }

    /// Reads `len` bytes of a stream from logical `offset` on: segments' ranges, or parts of them.
    pub fn read(&self, stream: StreamId, offset: u64, len: u64) -> Result<RangeReader, ReadError> {
        let cell = self.cell(stream)?;
        Ok(RangeReader::new(
            Arc::clone(&self.shared),
            cell,
            offset,
            len,
        ))
    }

    /// Which logical bytes of a stream are kept: from the first that was not deleted to the end.
    pub fn extent(&self, stream: StreamId) -> Result<Range<u64>, ReadError> {
        let cell = self.cell(stream)?;
        let end = inner(&cell).pos;
        Ok(cell.floor_offset().min(end)..end)
    }

    /// The envelope record of an epoch; `None` when there is none (any more).
    pub fn envelope(&self, camera: CameraId, epoch: EpochId) -> io::Result<Option<Vec<u8>>> {
        let waiting = |envelopes: &[Envelope]| {
            let mut of_epoch = envelopes
                .iter()
                .filter(|e| e.camera == camera && e.epoch == epoch);
            of_epoch.next().map(|envelope| envelope.record.to_vec())
        };
        if let Some(record) = self.shared.with_queue(|queue| waiting(&queue.envelopes)) {
            return Ok(Some(record));
        }
        let Some(path) = lock(&self.shared.epochs).path(camera, epoch) else {
            return Ok(None);
        };
        match read_envelope(&*self.shared.disk, &path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            record => record.map(Some),
        }
    }

    /// Epochs of a camera that may hold something between `from` and `to`, in the order of arrival.
    pub fn epochs(&self, camera: CameraId, from: UtcMillis, to: UtcMillis) -> Vec<EpochId> {
        lock(&self.shared.epochs).between(camera, from, to)
    }

    /// Sets how long a camera's recordings are kept, from the next look at retention on.
    pub fn set_retention(&self, camera: CameraId, retention: Retention) {
        lock(&self.shared.retention).insert(camera, retention);
    }

    /// Asks the writer to look at retention now, taking `now` as the time. It does so by itself once a
    /// minute and when room is needed.
    pub fn enforce(&self, now: UtcMillis) {
        self.shared.command(Command::Enforce(now));
    }

    /// Asks the writer to delete all of a camera: wraps first, then bytes. Nothing can be read once this
    /// returns to the writer; [`Event::Removed`] tells when everything is gone.
    pub fn remove_camera(&self, camera: CameraId) {
        self.shared.command(Command::Remove(camera));
    }

    /// What is stored, and the counts since the recorder was opened.
    pub fn usage(&self) -> io::Result<Usage> {
        usage(&self.shared)
    }

    /// The counts alone, without touching the disk.
    pub fn counts(&self) -> Counts {
        self.shared.counters.read()
    }

    /// Writes and syncs everything and ends the threads. Other handles can still read.
    pub fn close(self) {
        self.threads.end();
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    Builder::new().name(name.to_owned()).spawn(work)
}

fn state_of(inner: &crate::stream::Inner) -> StreamState {
    let has_manifest = !inner.manifest.is_empty();
    StreamState {
        last_manifest: has_manifest.then(|| inner.manifest.clone()),
        tail: inner.tail,
        next_segment: inner.next_number(),
    }
}

fn state_at_rest(cell: &Cell) -> StreamState {
    state_of(&inner(cell))
}

fn check_envelope(camera: CameraId, epoch: EpochId, record: &[u8]) -> Result<(), EnvelopeRefused> {
    let malformed = |_: WireError| EnvelopeRefused::Malformed;
    if record.len() > MAX_ENVELOPE {
        return Err(EnvelopeRefused::Malformed);
    }
    let Some((record, [])) = Record::split(record).map_err(malformed)? else {
        return Err(EnvelopeRefused::Malformed);
    };
    if record.header.kind != Kind::Envelope {
        return Err(EnvelopeRefused::Malformed);
    }
    let envelope = bartizan_sealing::Envelope::decode(record.body).map_err(malformed)?;
    if envelope.scope.camera != camera || envelope.scope.epoch != epoch {
        return Err(EnvelopeRefused::Other);
    }
    Ok(())
}
