//! H.264 (ISO/IEC 14496-10): parameter sets, `avcC`, slice headers and keyframes, as far as recording,
//! fragmenting and exporting need them.
//!
//! Macroblocks are never looked at. One SPS is kept per track; several PPS may refer to it.

mod avcc;
mod slice;
mod sps;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

pub(super) use avcc::fault;
pub use slice::{SliceHeader, SliceKind, is_key, recovery_frame_count};
pub use sps::Sps;

use super::bits::BitReader;
use super::nal::without_padding;
use super::{CodecError, FrameRate, MAX_PARAMETER_SET, VIDEO_TIMESCALE};
use crate::{Codec, TrackConfig, VideoInfo};

/// The type of a NAL unit, 0–31 (14496-10 table 7-1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct NalType(u8);

impl NalType {
    /// Slice of a picture that is not IDR.
    pub const SLICE: Self = Self(1);
    /// Slice of an IDR picture.
    pub const IDR: Self = Self(5);
    /// Supplemental enhancement information.
    pub const SEI: Self = Self(6);
    /// Sequence parameter set.
    pub const SPS: Self = Self(7);
    /// Picture parameter set.
    pub const PPS: Self = Self(8);
    /// Access unit delimiter.
    pub const DELIMITER: Self = Self(9);
    /// End of sequence.
    pub const END_OF_SEQUENCE: Self = Self(10);
    /// Filler data.
    pub const FILLER: Self = Self(12);
    /// Sequence parameter set extension.
    pub const SPS_EXTENSION: Self = Self(13);

    /// The type of `nal`; nothing for an empty unit or a set forbidden bit.
    pub fn of(nal: &[u8]) -> Option<Self> {
        let header = nal.first()?;
        (header & 0x80 == 0).then_some(Self(header & 0x1f))
    }

    /// The number.
    pub const fn code(self) -> u8 {
        self.0
    }

    /// Whether it holds a slice or slice partition of the primary picture.
    pub const fn is_slice(self) -> bool {
        matches!(self.0, 1..=5)
    }

    /// Whether it is an SPS, PPS or SPS extension, which the sample entry carries.
    pub const fn is_parameter_set(self) -> bool {
        matches!(self.0, 7 | 8 | 13)
    }

    /// Whether, after a slice, it begins the next access unit (14496-10 §7.4.1.2.3). A slice does so
    /// when its [`SliceHeader::first_mb_in_slice`] is 0.
    pub const fn begins_access_unit(self) -> bool {
        matches!(self.0, 6..=9 | 14..=18)
    }
}

/// One SPS and the PPS that refer to it: all that a decoder needs before the first slice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParameterSets {
    sps_nal: Vec<u8>,
    sps: Sps,
    pps: BTreeMap<u8, Vec<u8>>,
}

impl ParameterSets {
    /// Reads an SPS and a PPS, both with NAL header and emulation prevention, without start codes
    /// (14496-10 §7.3.2.1, §7.3.2.2). The NAL types, the limits of [`super`] and that the PPS names the
    /// SPS are checked; broken VUI is passed over, for such cameras exist and their pictures are fine.
    pub fn parse(sps: &[u8], pps: &[u8]) -> Result<Self, CodecError> {
        let (sps, pps) = (without_padding(sps), without_padding(pps));
        let mut sets = Self {
            sps: Sps::parse(sps)?,
            sps_nal: sps.to_vec(),
            pps: BTreeMap::new(),
        };
        sets.add_pps(pps)?;
        Ok(sets)
    }

    /// Adds a further PPS, or replaces the one of the same id. `TooLong` when `avcC` would pass
    /// [`crate::track::MAX_CODEC_EXTRA`]; nothing changes on an error.
    pub fn add_pps(&mut self, pps: &[u8]) -> Result<(), CodecError> {
        let pps = without_padding(pps);
        let id = parse_pps_id(pps, self.sps.id)?;
        let before = self.pps.insert(id, pps.to_vec());
        let too_long = self.check_size();
        if too_long.is_err() {
            match before {
                Some(before) => self.pps.insert(id, before),
                None => self.pps.remove(&id),
            };
        }
        too_long
    }

    /// Reads them out of an `AVCDecoderConfigurationRecord` (14496-15 §5.3.3.1).
    pub fn from_avcc(avcc: &[u8]) -> Result<Self, CodecError> {
        avcc::parse(avcc)
    }

    /// The `AVCDecoderConfigurationRecord`, with four-byte NAL lengths.
    pub fn avcc(&self) -> Vec<u8> {
        avcc::build(self)
    }

    /// What the SPS says.
    pub const fn sps(&self) -> &Sps {
        &self.sps
    }

    /// The SPS as a NAL unit.
    pub fn sps_nal(&self) -> &[u8] {
        &self.sps_nal
    }

    /// Every PPS as a NAL unit, by ascending id.
    pub fn pps_nals(&self) -> impl Iterator<Item = &[u8]> {
        self.pps.values().map(Vec::as_slice)
    }

    /// Every parameter set, in the order that a decoder wants them.
    pub fn nals(&self) -> impl Iterator<Item = &[u8]> {
        std::iter::once(self.sps_nal()).chain(self.pps_nals())
    }

    /// Size after cropping.
    pub const fn video(&self) -> VideoInfo {
        self.sps.video
    }

    /// Frames a second, when the VUI says so.
    pub const fn frame_rate(&self) -> Option<FrameRate> {
        self.sps.frame_rate
    }

    /// How many frames may come before a frame in decoding order and after it in output order; 0 means
    /// that decode and presentation times are equal, nothing that the stream does not say.
    pub const fn reorder_frames(&self) -> Option<u8> {
        self.sps.reorder_frames
    }

    /// The codec string, `avc1.` and profile, constraints and level in hexadecimal (RFC 6381 §3.3).
    pub fn codec_string(&self) -> String {
        let Sps {
            profile_idc,
            constraint_flags,
            level_idc,
            ..
        } = self.sps;
        format!("avc1.{profile_idc:02X}{constraint_flags:02X}{level_idc:02X}")
    }

    /// The track's configuration, with `avcC` and 90,000 ticks a second.
    pub fn track_config(&self) -> TrackConfig {
        TrackConfig {
            codec: Codec::H264,
            timescale: VIDEO_TIMESCALE,
            video: Some(self.sps.video),
            audio: None,
            extra: self.avcc(),
        }
    }

    fn check_size(&self) -> Result<(), CodecError> {
        let (len, max) = (self.avcc().len(), crate::track::MAX_CODEC_EXTRA);
        let field = "avcC";
        if self.pps.len() > avcc::MAX_PPS || len > max {
            return Err(CodecError::TooLong { field, len, max });
        }
        Ok(())
    }
}

/// Checks that `nal` is a parameter set of type `expected` and returns a reader behind its header.
fn open<'a>(
    field: &'static str,
    nal: &'a [u8],
    expected: NalType,
) -> Result<BitReader<'a>, CodecError> {
    let (len, max) = (nal.len(), MAX_PARAMETER_SET);
    if len > max {
        return Err(CodecError::TooLong { field, len, max });
    }
    let (header, rest) = nal.split_first().ok_or(CodecError::Short { field })?;
    if NalType::of(nal) != Some(expected) {
        let value = u64::from(*header);
        return Err(CodecError::OutOfRange { field, value });
    }
    Ok(BitReader::of_nal(rest))
}

/// 14496-10 §7.3.2.2: `pic_parameter_set_id`, `seq_parameter_set_id`.
fn parse_pps_id(nal: &[u8], sps_id: u8) -> Result<u8, CodecError> {
    let mut bits = open("PPS", nal, NalType::PPS)?;
    let id = bits.ue("PPS id", 255)?;
    if bits.ue("SPS id of the PPS", 31)? != u32::from(sps_id) {
        return Err(CodecError::Mismatch { field: "PPS" });
    }
    Ok(id.to_le_bytes()[0])
}
