//! What the recorder can be told, and the limits that it cannot be talked out of.

use std::time::Duration;

use bartizan_domain::limits::MAX_CAMERAS;

use crate::page::PAGE;

/// Streams of one recorder: both renditions of every camera.
pub const MAX_STREAMS: usize = MAX_CAMERAS * 2;

/// Longest commit period: with it and a disk that syncs within 250 ms a power cut costs a second.
pub const MAX_COMMIT_INTERVAL: Duration = Duration::from_millis(750);

/// Events that wait for their reader; beyond this they are counted and dropped.
pub const MAX_EVENTS: usize = 16_384;

/// Envelopes of one camera that wait for a disk that does not work.
pub const MAX_WAITING_ENVELOPES: usize = 64;

/// Settings of a recorder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Config {
    /// Bytes of an extent. A store that exists keeps its own.
    pub extent_bytes: u64,
    /// Bytes of a volume. A store that exists keeps its own.
    pub volume_bytes: u64,
    /// Bytes of a stream's write buffer: whole pages, 8 KiB to 4 MiB.
    pub chunk_bytes: usize,
    /// Time between two commits, at most [`MAX_COMMIT_INTERVAL`].
    pub commit_interval: Duration,
    /// Bytes of all streams that may wait for the disk. Beyond this segments are dropped and reported.
    pub queue_bytes: usize,
    /// Room in bytes that is left free on the file system.
    pub free_space_floor: u64,
    /// What is younger is never deleted to keep the free-space floor.
    pub min_kept: Duration,
    /// Time between two looks at retention.
    pub retention_interval: Duration,
    /// Writes go past the page cache where the file system can.
    pub direct: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            extent_bytes: 1024 * 1024,
            volume_bytes: 256 * 1024 * 1024,
            chunk_bytes: 96 * 1024,
            commit_interval: Duration::from_millis(700),
            queue_bytes: 32 * 1024 * 1024,
            free_space_floor: 2 * 1024 * 1024 * 1024,
            min_kept: Duration::from_mins(10),
            retention_interval: Duration::from_mins(1),
            direct: true,
        }
    }
}

impl Config {
    pub(crate) fn chunk_pages(&self) -> usize {
        (self.chunk_bytes / PAGE).clamp(2, 1024)
    }

    pub(crate) fn commit_interval(&self) -> Duration {
        self.commit_interval
            .clamp(Duration::from_millis(10), MAX_COMMIT_INTERVAL)
    }
}

/// How long a camera's recordings are kept; both limits count for both renditions together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Retention {
    /// At most this many bytes on disk.
    pub max_bytes: Option<u64>,
    /// Nothing that ended longer ago.
    pub max_age: Option<Duration>,
}
