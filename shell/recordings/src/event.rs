//! What the recorder has to tell: losses for the sealer to sign, alerts for people.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use bartizan_domain::{CameraId, GapReason, StreamId, UtcMillis};

/// Segments that are not, or not wholly, on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loss {
    /// Whose.
    pub stream: StreamId,
    /// First segment that is missing or cut short.
    pub first_segment: u64,
    /// How many are; 0 when none was begun.
    pub segments: u64,
    /// Last moment that was recorded.
    pub from: UtcMillis,
    /// First moment that is recorded again, or now while the loss lasts.
    pub to: UtcMillis,
    /// Why.
    pub reason: GapReason,
}

/// Something happened.
#[derive(Debug)]
pub enum Event {
    /// Segments were lost; the sealer signs this as a gap.
    Lost(Loss),
    /// People should know.
    Alert(Alert),
    /// A camera's wraps and bytes are gone.
    Removed(CameraId),
}

/// What people should know about the disk.
#[derive(Debug)]
pub enum Alert {
    /// No room although all that may be deleted was.
    DiskFull {
        /// Free bytes.
        free: u64,
    },
    /// The disk failed, is read-only or has vanished.
    DiskFailed {
        /// The operating system's reason.
        error: io::Error,
    },
    /// The disk does not keep up.
    Slow {
        /// Milliseconds that the last commit took.
        commit_ms: u64,
    },
    /// It works again.
    Recovered,
    /// A part of an index was damaged; it is being made anew from the recordings.
    IndexDamaged {
        /// Whose.
        stream: StreamId,
    },
    /// A part of an index was made anew.
    IndexRebuilt {
        /// Whose.
        stream: StreamId,
        /// How many segments it has.
        segments: u64,
    },
}

/// Counts since the recorder was opened.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) records: AtomicU64,
    pub(crate) bytes_in: AtomicU64,
    pub(crate) bytes_written: AtomicU64,
    pub(crate) writes: AtomicU64,
    pub(crate) commits: AtomicU64,
    pub(crate) syncs: AtomicU64,
    pub(crate) commit_ms_max: AtomicU64,
    pub(crate) records_lost: AtomicU64,
    pub(crate) segments_lost: AtomicU64,
    pub(crate) records_refused: AtomicU64,
    pub(crate) events_dropped: AtomicU64,
}

/// Counts since the recorder was opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Records that were taken.
    pub records: u64,
    /// Their bytes.
    pub bytes_in: u64,
    /// Bytes of recordings written, repeated and padded pages included; without the index.
    pub bytes_written: u64,
    /// Write calls for them.
    pub writes: u64,
    /// Commits.
    pub commits: u64,
    /// Syncs of files and folders.
    pub syncs: u64,
    /// Longest commit in milliseconds.
    pub commit_ms_max: u64,
    /// Records that were dropped because the disk was full, slow or failed.
    pub records_lost: u64,
    /// Segments reported as lost.
    pub segments_lost: u64,
    /// Records that were not what may come next in their stream.
    pub records_refused: u64,
    /// Events that nobody fetched in time.
    pub events_dropped: u64,
}

pub(crate) fn add(counter: &AtomicU64, value: u64) {
    counter.fetch_add(value, Ordering::Relaxed);
}

impl Counters {
    pub(crate) fn read(&self) -> Counts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            records: read(&self.records),
            bytes_in: read(&self.bytes_in),
            bytes_written: read(&self.bytes_written),
            writes: read(&self.writes),
            commits: read(&self.commits),
            syncs: read(&self.syncs),
            commit_ms_max: read(&self.commit_ms_max),
            records_lost: read(&self.records_lost),
            segments_lost: read(&self.segments_lost),
            records_refused: read(&self.records_refused),
            events_dropped: read(&self.events_dropped),
        }
    }
}
