//! The recorder's disk engine: sealed records in, found again by time, deleted when their time is over.
//!
//! It runs in the gateway, holds ciphertext only and opens nothing. Streams are cut into extents of a few
//! big volumes (`volumes/`), written in aligned chunks and committed together for all cameras; a small
//! index (`index/`) finds any moment and can be made anew from the extents; envelopes (`epochs/`) lie
//! apart, so that deletion takes the wraps first and the bytes after. A full, slow, read-only or vanished
//! disk costs segments, which are reported for the sealer to sign, never the recorder and never a file.
//!
//! Reading order: `track` what records mean · `stream` records to chunks · `writer` chunks to disk ·
//! `index` and `find` · `recover` and `walk` what a crash left · `retention`.
#![forbid(unsafe_code)]

mod checkpoint;
mod config;
mod digest;
pub mod disk;
mod epochs;
mod event;
mod extent;
mod find;
mod floor;
mod index;
mod page;
mod read;
mod rebuild;
mod recorder;
mod recover;
mod retention;
mod shared;
mod stream;
mod tail;
mod track;
mod usage;
mod volumes;
mod walk;
mod writer;

pub use checkpoint::Checkpoint;
pub use config::{
    Config, MAX_COMMIT_INTERVAL, MAX_EVENTS, MAX_STREAMS, MAX_WAITING_ENVELOPES, Retention,
};
pub use disk::{Disk, DiskFile, RealDisk};
pub use epochs::{MAX_ENVELOPE, epoch_start};
pub use event::{Alert, Counts, Event, Loss};
pub use extent::{EXTENT_HEADER_LEN, ExtentHeader, Geometry, GeometryError, Place, parse_layout};
pub use find::{MAX_PAUSE, Span};
pub use floor::Floor;
pub use index::{Block, Builder as BlockBuilder, Cursor, Mark, RunName, parse_block};
pub use page::PAGE;
pub use read::{MAX_PIECE, RangeReader, ReadError};
pub use rebuild::Rebuilder;
pub use recorder::{
    AppendError, EnvelopeRefused, MAX_SPANS, OpenError, OpenReport, Recorder, Running, StreamState,
    Unattended,
};
pub use recover::Tail;
pub use track::{Misplaced, SegmentRow, SegmentState};
pub use usage::{StreamUsage, Usage};
pub use volumes::Facilities;
pub use writer::Writer;
