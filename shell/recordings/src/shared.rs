//! What the appending thread, the writer and readers share: the streams, the queue, counters, events.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use bartizan_base::clock::Clock;
use bartizan_domain::{CameraId, EpochId, GapReason, StreamId, UtcMillis};

use bartizan_sealing::record::Kind;

use crate::config::{Config, MAX_EVENTS, MAX_STREAMS, MAX_WAITING_ENVELOPES, Retention};
use crate::disk::Disk;
use crate::epochs::Epochs;
use crate::event::{Alert, Counters, Event, add};
use crate::extent::Geometry;
use crate::index::{Mark, StreamIndex};
use crate::page::{Chunk, Pages, fresh_pages};
use crate::stream::{Cell, Inner};

/// Chunks that are kept for reuse instead of given back to the allocator.
const MAX_SPARE: usize = 24;

/// Waiting bytes at which the writer is woken before its time.
const WAKE_BYTES: usize = 512 * 1024;

/// A poisoned lock is used as it is: a panic ends the process in release builds, and state is only
/// changed by whole steps.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A chunk on its way to disk.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    pub(crate) cell: Arc<Cell>,
    pub(crate) chunk: Arc<Chunk>,
}

/// An envelope on its way to disk.
#[derive(Debug, Clone)]
pub(crate) struct Envelope {
    pub(crate) camera: CameraId,
    pub(crate) epoch: EpochId,
    pub(crate) record: Arc<[u8]>,
}

impl Envelope {
    /// Whether both are of the same epoch.
    pub(crate) fn is(&self, other: &Self) -> bool {
        (self.camera, self.epoch) == (other.camera, other.epoch)
    }
}

/// What the writer is asked to do besides writing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Command {
    Enforce(UtcMillis),
    Remove(CameraId),
    /// The run that begins here cannot be read.
    Damaged(StreamId, Mark),
}

#[derive(Default)]
pub(crate) struct Queue {
    pub(crate) jobs: VecDeque<Job>,
    /// They stay here until they are durable.
    pub(crate) envelopes: Vec<Envelope>,
    pub(crate) commands: Vec<Command>,
    pub(crate) stop: bool,
}

/// How the disk is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Health {
    Good = 0,
    Full = 1,
    Failed = 2,
}

pub(crate) struct Shared {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) config: Config,
    pub(crate) geometry: Geometry,
    pub(crate) cells: RwLock<BTreeMap<StreamId, Arc<Cell>>>,
    pub(crate) epochs: Mutex<Epochs>,
    pub(crate) retention: Mutex<BTreeMap<CameraId, Retention>>,
    pub(crate) counters: Counters,
    queue: Mutex<Queue>,
    wake: Condvar,
    /// Bytes in the queue and in the writer's hands.
    pending: AtomicUsize,
    health: AtomicU8,
    slow: AtomicBool,
    /// When the last commit ended, in milliseconds of the monotonic clock.
    committed_at: AtomicU64,
    spare: Mutex<Vec<Pages>>,
    events: SyncSender<Event>,
    receiver: Mutex<Option<Receiver<Event>>>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared")
            .field("disk", &self.disk)
            .finish_non_exhaustive()
    }
}

impl Queue {
    /// Takes an envelope. Of each camera only the newest wait: nothing was stored under the others.
    pub(crate) fn push_envelope(&mut self, envelope: Envelope) {
        let mut own = self
            .envelopes
            .iter()
            .filter(|other| other.camera == envelope.camera);
        if own.clone().count() >= MAX_WAITING_ENVELOPES
            && let Some(oldest) = own.next().map(|oldest| oldest.epoch)
        {
            self.envelopes.retain(|other| other.epoch != oldest);
        }
        self.envelopes.push(envelope);
    }
}

impl Shared {
    pub(crate) fn new(
        disk: Arc<dyn Disk>,
        clock: Arc<dyn Clock>,
        config: Config,
        geometry: Geometry,
    ) -> Self {
        let (events, receiver) = sync_channel(MAX_EVENTS);
        Self {
            disk,
            clock,
            config,
            geometry,
            cells: RwLock::default(),
            epochs: Mutex::default(),
            retention: Mutex::default(),
            counters: Counters::default(),
            queue: Mutex::default(),
            wake: Condvar::new(),
            pending: AtomicUsize::new(0),
            health: AtomicU8::new(Health::Good as u8),
            slow: AtomicBool::new(false),
            committed_at: AtomicU64::new(0),
            spare: Mutex::default(),
            events,
            receiver: Mutex::new(Some(receiver)),
        }
    }

    /// Whether a record of `len` bytes may wait for the disk; the reason when not. An eighth more is set
    /// aside for manifests, which are small and whose counters should have no holes.
    pub(crate) fn room(&self, len: usize, kind: Kind) -> Result<(), GapReason> {
        let health = self.health();
        let pending = self.pending.load(Ordering::Relaxed);
        let limit = match kind {
            Kind::Manifest => self
                .config
                .queue_bytes
                .saturating_add(self.config.queue_bytes / 8),
            _ => self.config.queue_bytes,
        };
        let fits = pending == 0 || pending.saturating_add(len) <= limit;
        match health {
            Health::Failed => Err(GapReason::DiskFailed),
            Health::Good | Health::Full if fits => Ok(()),
            Health::Full => Err(GapReason::DiskFull),
            Health::Good => Err(GapReason::Overload),
        }
    }

    pub(crate) fn health(&self) -> Health {
        match self.health.load(Ordering::Relaxed) {
            1 => Health::Full,
            2 => Health::Failed,
            _ => Health::Good,
        }
    }

    pub(crate) fn set_health(&self, health: Health) {
        self.health.store(health as u8, Ordering::Relaxed);
    }

    pub(crate) fn is_slow(&self) -> bool {
        self.slow.load(Ordering::Relaxed)
    }

    /// The disk lags behind: told once, by the writer or, when that hangs in a call, by who appends.
    pub(crate) fn note_slow(&self, commit_ms: u64) {
        if !self.slow.swap(true, Ordering::Relaxed) {
            self.emit(Event::Alert(Alert::Slow { commit_ms }));
        }
    }

    /// A commit worked as it should.
    pub(crate) fn note_well(&self) {
        self.slow.store(false, Ordering::Relaxed);
        self.set_health(Health::Good);
        self.emit(Event::Alert(Alert::Recovered));
    }

    fn monotonic_ms(&self) -> u64 {
        let now = self.clock.monotonic().since_start().as_millis();
        u64::try_from(now).unwrap_or(u64::MAX)
    }

    pub(crate) fn note_commit(&self) {
        self.committed_at
            .store(self.monotonic_ms(), Ordering::Relaxed);
    }

    /// Milliseconds since the last commit ended.
    pub(crate) fn since_commit(&self) -> u64 {
        self.monotonic_ms()
            .saturating_sub(self.committed_at.load(Ordering::Relaxed))
    }

    pub(crate) fn is_stopping(&self) -> bool {
        lock(&self.queue).stop
    }

    pub(crate) fn pending(&self) -> usize {
        self.pending.load(Ordering::Relaxed)
    }

    pub(crate) fn enqueue(&self, job: Job) {
        let len = job.chunk.len();
        let before = self.pending.fetch_add(len, Ordering::Relaxed);
        lock(&self.queue).jobs.push_back(job);
        if before / WAKE_BYTES != before.saturating_add(len) / WAKE_BYTES {
            self.wake.notify_one();
        }
    }

    /// A chunk left the queue for good; its pages are used again.
    pub(crate) fn settle(&self, chunk: Arc<Chunk>) {
        self.pending.fetch_sub(chunk.len(), Ordering::Relaxed);
        if let Some(chunk) = Arc::into_inner(chunk) {
            let mut spare = lock(&self.spare);
            if spare.len() < MAX_SPARE {
                spare.push(chunk.into_pages());
            }
        }
    }

    pub(crate) fn take_pages(&self) -> Pages {
        let spare = lock(&self.spare).pop();
        spare.unwrap_or_else(|| fresh_pages(self.config.chunk_pages()))
    }

    pub(crate) fn with_queue<T>(&self, act: impl FnOnce(&mut Queue) -> T) -> T {
        act(&mut lock(&self.queue))
    }

    /// Asks the writer for something, now.
    pub(crate) fn command(&self, command: Command) {
        let mut queue = lock(&self.queue);
        if !queue.commands.contains(&command) {
            queue.commands.push(command);
        }
        drop(queue);
        self.wake.notify_one();
    }

    pub(crate) fn stop(&self) {
        lock(&self.queue).stop = true;
        self.wake.notify_one();
    }

    /// Waits until the writer has something to do, or for `time`.
    pub(crate) fn wait(&self, time: Duration) {
        let queue = lock(&self.queue);
        let idle = |queue: &mut Queue| {
            queue.commands.is_empty() && !queue.stop && self.pending() < WAKE_BYTES
        };
        drop(self.wake.wait_timeout_while(queue, time, idle));
    }

    /// Waits for `time`, unless the recorder is closed.
    pub(crate) fn wait_idle(&self, time: Duration) {
        let queue = lock(&self.queue);
        drop(
            self.wake
                .wait_timeout_while(queue, time, |queue| !queue.stop),
        );
    }

    pub(crate) fn emit(&self, event: Event) {
        if let Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) =
            self.events.try_send(event)
        {
            add(&self.counters.events_dropped, 1);
        }
    }

    pub(crate) fn take_receiver(&self) -> Option<Receiver<Event>> {
        lock(&self.receiver).take()
    }

    pub(crate) fn cell(&self, stream: StreamId) -> Option<Arc<Cell>> {
        let cells = self.cells.read().unwrap_or_else(PoisonError::into_inner);
        cells.get(&stream).map(Arc::clone)
    }

    pub(crate) fn all_cells(&self) -> Vec<Arc<Cell>> {
        let cells = self.cells.read().unwrap_or_else(PoisonError::into_inner);
        cells.values().map(Arc::clone).collect()
    }

    /// The stream's cell, made when it is new; `None` over [`MAX_STREAMS`].
    pub(crate) fn cell_or_new(&self, stream: StreamId) -> Option<Arc<Cell>> {
        if let Some(cell) = self.cell(stream) {
            return Some(cell);
        }
        let mut cells = self.cells.write().unwrap_or_else(PoisonError::into_inner);
        if cells.len() >= MAX_STREAMS {
            return None;
        }
        let new = || {
            Arc::new(Cell::new(
                stream,
                StreamIndex::new(stream),
                Inner::new(stream, 0),
            ))
        };
        Some(Arc::clone(cells.entry(stream).or_insert_with(new)))
    }

    pub(crate) fn insert_cell(&self, cell: Arc<Cell>) {
        let mut cells = self.cells.write().unwrap_or_else(PoisonError::into_inner);
        cells.insert(cell.id, cell);
    }

    pub(crate) fn remove_cell(&self, stream: StreamId) {
        let mut cells = self.cells.write().unwrap_or_else(PoisonError::into_inner);
        cells.remove(&stream);
    }
}
