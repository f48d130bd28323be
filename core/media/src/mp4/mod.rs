//! An ordinary MP4 file (ISO/IEC 14496-12, -14, -15) out of access units, for export: any player opens
//! it, no key and no program of ours is needed.
//!
//! The writer does no I/O and holds no more than about a second of media per track: it gives bytes to
//! append, and at the end the `moov` box and one patch for the size of `mdat`. Its index takes 4 bytes a
//! sample plus what differs from the sample before. Nothing is read back, encrypted or fragmented here.
//!
//! **Time.** Tracks share one line: time 0 of each track's timescale is the same instant. The file's
//! presentation begins at the earliest track's first sample; edit lists (14496-12 §8.6.6) shift later
//! tracks, so that sound and picture stay together. Wall-clock distances are kept: over a gap in the
//! recording the last sample before it lasts until the next one, so "12 minutes into the file" is 12
//! minutes after its start. A gap of more than [`MAX_DELTA`] ticks needs a new file.

mod boxes;
mod entry;
mod index;
mod moov;
#[cfg(test)]
mod tests;
mod writer;

pub use writer::{FastStart, Finished, Mp4Writer, Patch};

use bartizan_domain::limits::MAX_RECORD_BODY;

use crate::AccessUnit;
use crate::codec::CodecError;

/// Most tracks of a file.
pub const MAX_TRACKS: usize = 4;

/// Most configurations of a track.
pub const MAX_CONFIGS: usize = 255;

/// Largest sample in bytes.
pub const MAX_SAMPLE: usize = MAX_RECORD_BODY;

/// Most samples of a file, all tracks together: ten days of 25 frames and 50 packets of sound a second.
/// It keeps every box of the index below 4 GiB.
pub const MAX_SAMPLES: u32 = 1 << 26;

/// Longest time between two samples of a track, in ticks of its timescale: 6 h 37 min of video.
/// Players read longer ones as negative.
pub const MAX_DELTA: i64 = i32::MAX as i64;

/// Latest and, negated, earliest presentation or decode time in ticks.
pub const MAX_TIME: i64 = 1 << 56;

/// Largest body of a [`proof_box`] in bytes.
pub const MAX_PROOF: usize = 1024 * 1024;

/// Ticks a second of the movie's own times.
pub const MOVIE_TIMESCALE: u32 = 90_000;

/// The `uuid` of a [`proof_box`]: e7c2d1e3-e40f-4aca-99f9-4a2dd05cfe6f.
pub const PROOF_UUID: [u8; 16] = [
    0xe7, 0xc2, 0xd1, 0xe3, 0xe4, 0x0f, 0x4a, 0xca, 0x99, 0xf9, 0x4a, 0x2d, 0xd0, 0x5c, 0xfe, 0x6f,
];

/// Why something cannot be put into the file. After an error the writer is as it was before the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Mp4Error {
    /// More than [`MAX_TRACKS`].
    #[error("a file has at most {MAX_TRACKS} tracks")]
    TooManyTracks,
    /// More than [`MAX_CONFIGS`] on one track.
    #[error("a track has at most {MAX_CONFIGS} configurations")]
    TooManyConfigs,
    /// More than [`MAX_SAMPLES`].
    #[error("a file has at most {MAX_SAMPLES} samples")]
    TooManySamples,
    /// The track or its configuration was never added to this writer.
    #[error("no such track or configuration")]
    Unknown,
    /// The configuration is none that its codec can have.
    #[error("the track's configuration cannot be used")]
    Config(#[from] CodecError),
    /// A later configuration has another codec or timescale than the track.
    #[error("a track keeps its codec and timescale")]
    TrackChanged,
    /// The first sample of a track or of a configuration is no keyframe.
    #[error("a track and every new configuration begin with a keyframe")]
    NotKey,
    /// No bytes, or more than [`MAX_SAMPLE`].
    #[error("a sample of {len} bytes; 1 to {MAX_SAMPLE} are possible")]
    SampleSize {
        /// Bytes given.
        len: usize,
    },
    /// Times outside ±[`MAX_TIME`], or a decode time after its presentation time.
    #[error("impossible times")]
    Time,
    /// A decode time before that of the sample before.
    #[error("decode times go back by {ticks} ticks")]
    Backwards {
        /// How far.
        ticks: u64,
    },
    /// More than [`MAX_DELTA`] since the sample before: the rest belongs into a new file.
    #[error("{ticks} ticks lie between two samples; {MAX_DELTA} are possible")]
    GapTooLong {
        /// How far.
        ticks: u64,
    },
    /// The file has no sample.
    #[error("a file without samples")]
    Empty,
    /// A proof of more than [`MAX_PROOF`] bytes.
    #[error("a proof of {len} bytes; {MAX_PROOF} are possible")]
    ProofTooLong {
        /// Bytes given.
        len: usize,
    },
}

/// A track of one writer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TrackNo(usize);

/// A configuration of one track.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConfigNo(usize);

impl ConfigNo {
    /// The configuration that the track was added with.
    pub const FIRST: Self = Self(0);
}

/// One access unit on its way into the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample<'a> {
    /// Presentation time in ticks of the track's timescale; 0 is the same instant on every track.
    pub pts: i64,
    /// Decode time in the same ticks: not after `pts`, not before that of the sample before. An equal
    /// one is moved one tick on.
    pub dts: i64,
    /// Decoding can start here.
    pub key: bool,
    /// The configuration that it is coded by.
    pub config: ConfigNo,
    /// The access unit in the form that its codec names; copied as it is.
    pub data: &'a [u8],
}

impl<'a> Sample<'a> {
    /// `unit`, coded by `config` of its track.
    pub fn of(unit: &'a AccessUnit, config: ConfigNo) -> Self {
        Self {
            pts: unit.pts,
            dts: unit.dts,
            key: unit.key,
            config,
            data: &unit.data,
        }
    }
}

/// A `uuid` box for the end of the file, after `moov`, that carries `body`: what proves the recording, or
/// where that is. Players pass over it.
pub fn proof_box(body: &[u8]) -> Result<Vec<u8>, Mp4Error> {
    let len = body.len();
    if len > MAX_PROOF {
        return Err(Mp4Error::ProofTooLong { len });
    }
    let mut out = boxes::Boxes::default();
    out.boxed(*b"uuid", |out| {
        out.bytes(&PROOF_UUID).bytes(body);
    });
    Ok(out.into_vec())
}
