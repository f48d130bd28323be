//! The writer: the one thread that changes anything on disk.
//!
//! It takes chunks in the order in which they were sent, makes envelopes durable before the data that
//! follows them, and commits all streams together a few times in two seconds. When the disk is full it keeps what it
//! has and tries again; when the disk fails it forgets what is not committed, reads the store again as
//! soon as it is back, and goes on.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Sender;
use std::time::Duration;

use bartizan_domain::{CameraId, GapReason, Monotonic, StreamId, UtcMillis};

use crate::checkpoint::Checkpoint;
use crate::disk::{Access, Device};
use crate::event::{Alert, Event, add};
use crate::extent::Place;
use crate::index::{self, Hole, StreamIndex};
use crate::recover::{OpenOptions, Store, open_layout, open_store};
use crate::shared::{Command, Envelope, Health, Job, Shared, lock};
use crate::stream::{Cell, Inner, inner};
use crate::volumes::{Volumes, is_full};

/// Pause before a failed disk is tried again, doubled up to the limit.
const RETRY: Duration = Duration::from_secs(1);
const MAX_RETRY: Duration = Duration::from_secs(30);

/// A commit that takes longer is told.
const SLOW_COMMIT_MS: u64 = 1_000;

/// The writer's state. Hand it to a thread, or step it in tests.
#[derive(Debug)]
pub struct Writer {
    pub(crate) shared: Arc<Shared>,
    pub(crate) volumes: Volumes,
    active: BTreeMap<StreamId, (u64, Place)>,
    backlog: VecDeque<Job>,
    /// Each camera's newest envelope, for a disk that comes back without it.
    latest: BTreeMap<CameraId, Envelope>,
    /// Streams whose extent refused a write: they go on in another one.
    suspects: BTreeSet<StreamId>,
    pub(crate) saved_floors: BTreeMap<StreamId, u64>,
    /// No room above the free-space floor, whatever is deleted.
    pub(crate) below_floor: bool,
    next_commit: Monotonic,
    next_retention: Monotonic,
    retry: Option<Retry>,
    cycle: Cycle,
    device: Device,
    holes: Sender<(StreamId, Hole)>,
}

#[derive(Debug, Clone, Copy)]
struct Retry {
    at: Monotonic,
    pause: Duration,
}

/// The round in which every index is made durable once.
#[derive(Debug, Clone, Copy, Default)]
struct Cycle {
    /// Commits since the last index was settled.
    commits: u32,
    last: Option<StreamId>,
    /// The newest volume when the round began.
    volume: u32,
    /// The newest volume when the last complete round began.
    settled: u32,
}

/// What a commit covers of one stream.
#[derive(Debug, Clone, Copy)]
struct Mark {
    /// Logical offset behind the last byte.
    end: u64,
    /// How many ended segments.
    rows: usize,
    /// Number and start of the segment after those. By the time that they are in the index, others may have ended.
    next: Option<(u64, UtcMillis)>,
    manifest: Option<(u64, u32)>,
}

impl Mark {
    /// `None` when there is nothing to commit.
    fn of(inner: &Inner) -> Option<Self> {
        let (end, rows) = (inner.pos, inner.rows.len());
        let is_due = inner.committed < end || rows > 0 || !inner.extents.is_empty();
        let next = inner.tracker.open.map(|open| (open.number, open.start));
        let manifest = inner.tracker.manifest;
        is_due.then_some(Self {
            end,
            rows,
            next,
            manifest,
        })
    }
}

impl Writer {
    pub(crate) fn new(
        shared: Arc<Shared>,
        store: Store,
        device: Device,
        holes: Sender<(StreamId, Hole)>,
    ) -> Self {
        let now = shared.clock.monotonic();
        let newest = store.volumes.newest();
        let mut writer = Self {
            next_commit: now + shared.config.commit_interval(),
            next_retention: now + shared.config.retention_interval,
            volumes: store.volumes,
            active: BTreeMap::new(),
            backlog: VecDeque::new(),
            latest: BTreeMap::new(),
            suspects: BTreeSet::new(),
            saved_floors: BTreeMap::new(),
            below_floor: false,
            retry: None,
            cycle: Cycle {
                volume: newest,
                ..Cycle::default()
            },
            device,
            holes,
            shared,
        };
        *lock(&writer.shared.epochs) = store.epochs;
        writer.adopt(store.streams);
        writer
    }

    /// Works until the recorder is closed.
    pub fn run(mut self) {
        while self.step() {
            let now = self.shared.clock.monotonic();
            match self.retry {
                Some(retry) => self.shared.wait_idle(retry.at.since(now)),
                None => self.shared.wait(self.next_commit.since(now)),
            }
        }
    }

    /// Does what is due now; `false` once the recorder is closed and everything is on disk.
    pub fn step(&mut self) -> bool {
        let stop = self.fetch();
        let now = self.shared.clock.monotonic();
        if let Some(retry) = self.retry {
            self.report_losses();
            if now < retry.at && !stop {
                return true;
            }
        }
        let done = self.work(now, stop);
        if let Err(error) = done {
            self.trouble(error, now);
        }
        !stop
    }

    fn work(&mut self, now: Monotonic, stop: bool) -> io::Result<()> {
        if self.shared.health() == Health::Failed {
            self.reconnect()?;
        }
        for command in self
            .shared
            .with_queue(|queue| std::mem::take(&mut queue.commands))
        {
            self.obey(&command)?;
        }
        self.write_backlog()?;
        if now >= self.next_commit || stop {
            self.next_commit = now + self.shared.config.commit_interval();
            self.commit(now)?;
        }
        if now >= self.next_retention {
            self.next_retention = now + self.shared.config.retention_interval;
            self.enforce(self.shared.clock.utc())?;
        }
        if stop {
            self.finish()?;
        }
        Ok(())
    }

    fn obey(&mut self, command: &Command) -> io::Result<()> {
        match command {
            Command::Enforce(now) => self.enforce(*now),
            Command::Remove(camera) => self.remove_camera(*camera),
            Command::Damaged(stream, run) => self.drop_damaged(*stream, *run),
        }
    }

    fn ask_rebuild(&self, stream: StreamId, hole: Hole) {
        self.shared
            .emit(Event::Alert(Alert::IndexDamaged { stream }));
        if self.holes.send((stream, hole)).is_err() {
            tracing::debug!(%stream, "nobody makes indexes anew");
        }
    }

    fn drop_damaged(&self, stream: StreamId, run: index::Mark) -> io::Result<()> {
        let Some(cell) = self.shared.cell(stream) else {
            return Ok(());
        };
        let taken = lock(&cell.index).take_damaged(run);
        if let Some((path, hole)) = taken {
            crate::disk::unlink_if_there(&*self.shared.disk, &path)?;
            self.ask_rebuild(stream, hole);
        }
        Ok(())
    }

    /// Takes over what waits; gives whether the recorder is being closed.
    fn fetch(&mut self) -> bool {
        let Self {
            shared, backlog, ..
        } = self;
        shared.with_queue(|queue| {
            backlog.extend(queue.jobs.drain(..));
            queue.stop
        })
    }

    fn write_backlog(&mut self) -> io::Result<()> {
        self.write_envelopes()?;
        while let Some(job) = self.backlog.front().cloned() {
            self.write_job(&job)?;
            self.backlog.pop_front();
            let written = inner(&job.cell).written();
            drop(job);
            if let Some(chunk) = written {
                self.shared.settle(chunk);
            }
        }
        Ok(())
    }

    /// Makes the envelopes durable that were given before the chunks at hand.
    fn write_envelopes(&mut self) -> io::Result<()> {
        let envelopes = self.shared.with_queue(|queue| queue.envelopes.clone());
        if envelopes.is_empty() {
            return Ok(());
        }
        let syncs = lock(&self.shared.epochs).write(&*self.shared.disk, &envelopes)?;
        add(&self.shared.counters.syncs, syncs);
        self.shared.with_queue(|queue| {
            queue
                .envelopes
                .retain(|waiting| !envelopes.iter().any(|done| done.is(waiting)));
        });
        for envelope in envelopes {
            self.latest.insert(envelope.camera, envelope);
        }
        Ok(())
    }

    fn write_job(&mut self, job: &Job) -> io::Result<()> {
        let place = match self.active.get(&job.cell.id) {
            Some((extent, place)) if *extent == job.chunk.extent => *place,
            _ => self.allocate(&job.cell, job.chunk.extent)?,
        };
        let bytes = job.chunk.padded();
        let written = self.volumes.write(place, job.chunk.page, bytes);
        if written.as_ref().is_err_and(|error| !is_full(error)) {
            self.suspects.insert(job.cell.id);
        }
        written?;
        let counters = &self.shared.counters;
        add(
            &counters.bytes_written,
            u64::try_from(bytes.len()).unwrap_or(u64::MAX),
        );
        add(&counters.writes, 1);
        Ok(())
    }

    fn allocate(&mut self, cell: &Cell, extent: u64) -> io::Result<Place> {
        if self.below_floor && !self.make_room(self.shared.clock.utc(), 0)? {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let place = match self.volumes.allocate() {
            Err(error) if is_full(&error) => {
                let room = self.shared.geometry.extent_bytes.saturating_mul(8);
                self.make_room(self.shared.clock.utc(), room)?;
                self.volumes.allocate()?
            }
            place => place?,
        };
        self.active.insert(cell.id, (extent, place));
        inner(cell).extents.push((extent, place));
        Ok(place)
    }

    /// Makes everything durable that was taken before now.
    fn commit(&mut self, now: Monotonic) -> io::Result<()> {
        let started = self.shared.clock.monotonic();
        self.watch_room()?;
        let mut marks = Vec::new();
        let utc = self.shared.clock.utc();
        for cell in self.shared.all_cells() {
            let (flushed, mark) = {
                let mut inner = inner(&cell);
                inner.report_loss(&self.shared, utc);
                (inner.flush(&self.shared, &cell), Mark::of(&inner))
            };
            if flushed {
                // One stream after the other, so that the next uses the same memory.
                self.fetch();
                self.write_backlog()?;
            }
            marks.extend(mark.map(|mark| (cell, mark)));
        }
        self.fetch();
        self.write_backlog()?;
        let mut syncs = self.volumes.sync()?;
        for (cell, mark) in &marks {
            self.index(cell, mark)?;
        }
        syncs = syncs.saturating_add(self.settle_index()?);
        let active = self.active.values();
        let active: BTreeSet<u32> = active
            .filter_map(|(_, place)| self.shared.geometry.volume_of(*place))
            .collect();
        self.volumes.close_idle(&active);
        self.committed(started, now, syncs);
        Ok(())
    }

    fn committed(&mut self, started: Monotonic, now: Monotonic, syncs: u64) {
        let took = self.shared.clock.monotonic().since(started).as_millis();
        let commit_ms = u64::try_from(took).unwrap_or(u64::MAX);
        let counters = &self.shared.counters;
        add(&counters.commits, 1);
        self.shared.note_commit();
        add(&counters.syncs, syncs);
        counters
            .commit_ms_max
            .fetch_max(commit_ms, Ordering::Relaxed);
        let lagging = commit_ms > SLOW_COMMIT_MS
            || self.shared.pending() > self.shared.config.queue_bytes / 2;
        if lagging {
            self.shared.note_slow(commit_ms);
        } else if self.shared.is_slow() || self.shared.health() != Health::Good {
            self.shared.note_well();
        }
        self.retry = None;
        tracing::trace!(at = ?now, commit_ms, syncs, "committed");
    }

    fn watch_room(&mut self) -> io::Result<()> {
        let floor = self.shared.config.free_space_floor;
        if floor > 0 && self.shared.disk.space()?.free < floor {
            self.make_room(self.shared.clock.utc(), 0)?;
        } else {
            self.below_floor = false;
        }
        Ok(())
    }

    /// Enters what a commit covered into the stream's index. Rows move under no lock but their own: a
    /// reader that looks at the stream first and at the index then finds them in one of both.
    fn index(&self, cell: &Cell, mark: &Mark) -> io::Result<()> {
        let (extents, rows) = {
            let inner = inner(cell);
            let rows = inner.rows.get(..mark.rows).unwrap_or_default().to_vec();
            (inner.extents.clone(), rows)
        };
        let (taken, written) = {
            let mut index = lock(&cell.index);
            let taken = index.append(&extents, &rows, mark.next);
            index.note_manifest(mark.manifest);
            (taken, index.write(&*self.shared.disk))
        };
        let mut inner = inner(cell);
        drop(inner.rows.drain(..rows.len()));
        if taken {
            drop(inner.extents.drain(..extents.len()));
        }
        inner.committed = inner.committed.max(mark.end);
        written
    }

    /// Every second commit makes one index durable; after a round of all of them the checkpoint moves.
    fn settle_index(&mut self) -> io::Result<u64> {
        self.cycle.commits = self.cycle.commits.saturating_add(1);
        if !self.cycle.commits.is_multiple_of(2) {
            return Ok(0);
        }
        let cells = self.shared.all_cells();
        let last = self.cycle.last;
        let mut rest = cells
            .iter()
            .filter(|cell| last.is_none_or(|last| cell.id > last));
        let due = rest.find(|cell| !lock(&cell.index).is_settled());
        if let Some(cell) = due {
            self.cycle.last = Some(cell.id);
            return lock(&cell.index).settle(&*self.shared.disk);
        }
        let unindexed = cells.iter().flat_map(|cell| inner(cell).extents.clone());
        let oldest = unindexed
            .filter_map(|(_, place)| self.shared.geometry.volume_of(place))
            .min();
        let moved = oldest.map_or(self.cycle.volume, |oldest| oldest.min(self.cycle.volume));
        self.cycle.last = None;
        self.cycle.volume = self.volumes.newest();
        if moved <= self.cycle.settled && self.cycle.settled != 0 {
            return Ok(0);
        }
        self.cycle.settled = moved;
        self.save_checkpoint()?;
        Ok(1)
    }

    pub(crate) fn save_checkpoint(&self) -> io::Result<()> {
        let cells = self.shared.all_cells();
        let extents = |cell: &Arc<Cell>| (cell.id, lock(&cell.index).settled_extents());
        let streams = cells.iter().map(extents).collect();
        Checkpoint {
            volume: self.cycle.settled,
            streams,
        }
        .save(&*self.shared.disk)
    }

    /// Makes all indexes durable, because the recorder is being closed.
    fn finish(&mut self) -> io::Result<()> {
        for cell in self.shared.all_cells() {
            lock(&cell.index).settle(&*self.shared.disk)?;
        }
        let mut unindexed = BTreeSet::from([self.volumes.newest()]);
        for cell in self.shared.all_cells() {
            let extents = inner(&cell).extents.clone();
            let volume = |(_, place): (u64, Place)| self.shared.geometry.volume_of(place);
            unindexed.extend(extents.into_iter().filter_map(volume));
        }
        self.cycle.settled = unindexed.first().copied().unwrap_or_default();
        self.save_checkpoint()
    }

    fn report_losses(&self) {
        let now = self.shared.clock.utc();
        for cell in self.shared.all_cells() {
            inner(&cell).report_loss(&self.shared, now);
        }
    }

    /// A disk that is full keeps its state; any other failure means that nothing is known until the store
    /// was read again.
    fn trouble(&mut self, error: io::Error, now: Monotonic) {
        if is_full(&error) && self.shared.health() != Health::Failed {
            if self.shared.health() != Health::Full {
                let free = self.shared.disk.space().map_or(0, |space| space.free);
                self.shared.emit(Event::Alert(Alert::DiskFull { free }));
            }
            self.shared.set_health(Health::Full);
            self.retry = Some(Retry {
                at: now + RETRY,
                pause: RETRY,
            });
            return;
        }
        let pause = match self.retry {
            Some(retry) if self.shared.health() == Health::Failed => {
                retry.pause.saturating_mul(2).min(MAX_RETRY)
            }
            _ => RETRY,
        };
        if self.shared.health() != Health::Failed {
            tracing::warn!(err = %error, "the disk failed");
            self.shared.emit(Event::Alert(Alert::DiskFailed { error }));
            self.shared.set_health(Health::Failed);
            for cell in self.shared.all_cells() {
                inner(&cell).fail(&self.shared, GapReason::DiskFailed);
            }
            self.drop_jobs(|_| true);
        }
        self.retry = Some(Retry {
            at: now + pause,
            pause,
        });
    }

    /// Takes the jobs of some streams out of the queue, unwritten.
    pub(crate) fn drop_jobs(&mut self, which: impl Fn(&Cell) -> bool) {
        self.fetch();
        let jobs = std::mem::take(&mut self.backlog);
        let (dropped, kept): (Vec<Job>, Vec<Job>) =
            jobs.into_iter().partition(|job| which(&job.cell));
        self.backlog = kept.into();
        for job in dropped {
            let Job { cell, chunk } = job;
            drop(cell);
            self.shared.settle(chunk);
        }
    }

    pub(crate) fn forget(&mut self, stream: StreamId) {
        self.latest.remove(&stream.camera);
        self.active.remove(&stream);
        self.saved_floors.remove(&stream);
    }

    /// Reads the store again after a failure.
    fn reconnect(&mut self) -> io::Result<()> {
        let disk = &self.shared.disk;
        disk.make_dir("")?;
        let device = disk.device()?;
        if device.is_root && !self.device.is_root {
            // The bare mount point of a disk that is away: nothing may be written there.
            return Err(io::ErrorKind::NotFound.into());
        }
        probe(&*self.shared.disk)?;
        disk.lock()?;
        if open_layout(&**disk, self.shared.geometry)? != self.shared.geometry {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let options = OpenOptions {
            geometry: self.shared.geometry,
            direct: self.shared.config.direct,
            avoid: &self.suspects,
            queue_bytes: self.shared.config.queue_bytes,
        };
        let mut store = open_store(disk, options)?;
        self.device = device;
        store.volumes.skip_past(&self.volumes);
        self.volumes = store.volumes;
        self.suspects.clear();
        let missing = |envelope: &&Envelope| {
            store
                .epochs
                .sequence(envelope.camera, envelope.epoch)
                .is_none()
        };
        let missing: Vec<Envelope> = self.latest.values().filter(missing).cloned().collect();
        self.shared
            .with_queue(|queue| drop(queue.envelopes.splice(0..0, missing)));
        *lock(&self.shared.epochs) = store.epochs;
        self.active.clear();
        self.saved_floors.clear();
        let newest = self.volumes.newest();
        self.cycle = Cycle {
            volume: newest,
            ..Cycle::default()
        };
        let on_disk: BTreeSet<StreamId> = store.streams.iter().map(|stream| stream.0).collect();
        for cell in self.shared.all_cells() {
            if !on_disk.contains(&cell.id) {
                *lock(&cell.index) = StreamIndex::new(cell.id);
                let mut inner = inner(&cell);
                inner.start_over(&self.shared);
                cell.publish_floor(&inner);
            }
        }
        self.adopt(store.streams);
        self.shared.set_health(Health::Good);
        self.shared.emit(Event::Alert(Alert::Recovered));
        self.retry = None;
        Ok(())
    }

    /// Every stream goes on where the store ends.
    fn adopt(&mut self, streams: Vec<(StreamId, StreamIndex, crate::recover::Found)>) {
        for (id, index, mut found) in streams {
            if let Some(cell) = self.shared.cell(id) {
                found.keep_above(&self.shared.geometry, cell.floor_offset());
            }
            self.saved_floors.insert(id, found.floor.offset);
            if let Some(active) = found.active {
                self.active.insert(id, active);
            }
            for hole in &found.holes {
                self.ask_rebuild(id, *hole);
            }
            if let Some(cell) = self.shared.cell(id) {
                *lock(&cell.index) = index;
                let mut inner = inner(&cell);
                inner.adopt(&self.shared, found);
                cell.publish_floor(&inner);
            } else {
                let mut inner = Inner::new(id, found.end);
                inner.adopt(&self.shared, found);
                self.shared
                    .insert_cell(Arc::new(Cell::new(id, index, inner)));
            }
        }
    }
}

/// Whether a small file can be made durable.
fn probe(disk: &dyn crate::disk::Disk) -> io::Result<()> {
    let file = disk.open("probe", Access::CREATE)?;
    file.write_at(b"probe", 0)?;
    file.sync()?;
    disk.unlink("probe")
}
