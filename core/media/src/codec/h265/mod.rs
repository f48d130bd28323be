//! H.265 (ISO/IEC 23008-2): parameter sets, `hvcC`, slice headers and keyframes, as far as recording,
//! fragmenting and exporting need them.
//!
//! Coding units are never looked at, layers above the base layer are refused. One VPS and SPS are kept
//! per track; several PPS may refer to them.

mod hvcc;
mod slice;
mod sps;
#[cfg(test)]
mod tests;
mod vps;

use std::collections::BTreeMap;

pub use slice::{first_slice_segment_in_pic, is_key};
pub use sps::{ProfileTierLevel, Sps};

use super::bits::BitReader;
use super::nal::without_padding;
use super::{CodecError, FrameRate, MAX_PARAMETER_SET, VIDEO_TIMESCALE};
use crate::{Codec, TrackConfig, VideoInfo};

/// The type of a NAL unit, 0–63 (23008-2 table 7-1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct NalType(u8);

impl NalType {
    /// Random access skipped leading picture that nothing refers to.
    pub const RASL_N: Self = Self(8);
    /// Random access skipped leading picture.
    pub const RASL_R: Self = Self(9);
    /// IDR picture with leading pictures that can be decoded.
    pub const IDR_W_RADL: Self = Self(19);
    /// IDR picture without leading pictures.
    pub const IDR_N_LP: Self = Self(20);
    /// Clean random access picture: the keyframe of an open GOP.
    pub const CRA: Self = Self(21);
    /// Video parameter set.
    pub const VPS: Self = Self(32);
    /// Sequence parameter set.
    pub const SPS: Self = Self(33);
    /// Picture parameter set.
    pub const PPS: Self = Self(34);
    /// Access unit delimiter.
    pub const DELIMITER: Self = Self(35);
    /// End of sequence.
    pub const END_OF_SEQUENCE: Self = Self(36);
    /// Filler data.
    pub const FILLER: Self = Self(38);
    /// Supplemental enhancement information before the slices.
    pub const PREFIX_SEI: Self = Self(39);
    /// Supplemental enhancement information after the slices.
    pub const SUFFIX_SEI: Self = Self(40);

    /// The type of `nal`; nothing for a unit without the two header bytes or with the forbidden bit set.
    pub fn of(nal: &[u8]) -> Option<Self> {
        let (header, _) = nal.split_first_chunk::<2>()?;
        let [first, _] = *header;
        (first & 0x80 == 0).then_some(Self(first >> 1))
    }

    /// The number.
    pub const fn code(self) -> u8 {
        self.0
    }

    /// Whether it holds a slice segment.
    pub const fn is_slice(self) -> bool {
        self.0 <= 31
    }

    /// Whether it belongs to an intra random access point, BLA, IDR or CRA: decoding can start there. The
    /// reserved types 22 and 23 do not count, for decoders pass over them.
    pub const fn is_irap(self) -> bool {
        matches!(self.0, 16..=21)
    }

    /// Whether it belongs to a leading picture that cannot be decoded when decoding starts at the
    /// random access point before it.
    pub const fn is_rasl(self) -> bool {
        matches!(self, Self::RASL_N | Self::RASL_R)
    }

    /// Whether it is a VPS, SPS or PPS, which the sample entry carries.
    pub const fn is_parameter_set(self) -> bool {
        matches!(self.0, 32..=34)
    }

    /// Whether, after a slice segment, it begins the next access unit (23008-2 §7.4.2.4.4). A slice
    /// segment does so when its [`first_slice_segment_in_pic`] is set.
    pub const fn begins_access_unit(self) -> bool {
        matches!(self.0, 32..=35 | 39 | 41..=44 | 48..=55)
    }
}

/// Whether `nal` is of a layer above the base layer (`nuh_layer_id` above 0).
pub fn is_of_upper_layer(nal: &[u8]) -> bool {
    nal.split_first_chunk::<2>()
        .is_some_and(|([first, second], _)| first & 1 != 0 || second >> 3 != 0)
}

/// One VPS, one SPS and the PPS that refer to it: all that a decoder needs before the first slice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParameterSets {
    vps_nal: Vec<u8>,
    sps_nal: Vec<u8>,
    sps: Sps,
    pps: BTreeMap<u8, Vec<u8>>,
}

impl ParameterSets {
    /// Reads a VPS, an SPS and a PPS, each with NAL header and emulation prevention, without start
    /// codes (23008-2 §7.3.2.1–3). The NAL types, the limits of [`super`] and that each names the one
    /// above are checked; what follows the picture order in the SPS is believed as far as it can be read.
    pub fn parse(vps: &[u8], sps: &[u8], pps: &[u8]) -> Result<Self, CodecError> {
        let mut sets = Self::without_pps(vps, sps)?;
        sets.add_pps(pps)?;
        Ok(sets)
    }

    fn without_pps(vps: &[u8], sps: &[u8]) -> Result<Self, CodecError> {
        let (vps, sps_nal) = (without_padding(vps), without_padding(sps));
        let mut sps = Sps::parse(sps_nal)?;
        let vps_says = vps::Vps::parse(vps)?;
        if vps_says.id != sps.vps_id {
            return Err(CodecError::Mismatch { field: "SPS" });
        }
        sps.frame_rate = sps.frame_rate.or(vps_says.frame_rate);
        Ok(Self {
            vps_nal: vps.to_vec(),
            sps_nal: sps_nal.to_vec(),
            sps,
            pps: BTreeMap::new(),
        })
    }

    /// Adds a further PPS, or replaces the one of the same id. `TooLong` when `hvcC` would pass
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

    /// Reads them out of an `HEVCDecoderConfigurationRecord` (14496-15 §8.3.3.1).
    pub fn from_hvcc(hvcc: &[u8]) -> Result<Self, CodecError> {
        hvcc::parse(hvcc)
    }

    /// The `HEVCDecoderConfigurationRecord`, with four-byte NAL lengths and complete arrays of VPS, SPS
    /// and PPS, as `hvc1` asks.
    pub fn hvcc(&self) -> Vec<u8> {
        hvcc::build(self)
    }

    /// What the SPS says.
    pub const fn sps(&self) -> &Sps {
        &self.sps
    }

    /// The VPS as a NAL unit.
    pub fn vps_nal(&self) -> &[u8] {
        &self.vps_nal
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
        [self.vps_nal(), self.sps_nal()]
            .into_iter()
            .chain(self.pps_nals())
    }

    /// Size after the conformance window.
    pub const fn video(&self) -> VideoInfo {
        self.sps.video
    }

    /// Frames a second, when VUI or VPS say so.
    pub const fn frame_rate(&self) -> Option<FrameRate> {
        self.sps.frame_rate
    }

    /// `sps_max_num_reorder_pics` of the highest temporal layer: how many pictures may come before a
    /// picture in decoding order and after it in output order. Always known in H.265.
    pub const fn reorder_frames(&self) -> Option<u8> {
        Some(self.sps.reorder_frames)
    }

    /// The codec string (14496-15 §E.3): `hvc1.1.6.L93.B0`.
    pub fn codec_string(&self) -> String {
        self.sps.profile.codec_string()
    }

    /// The track's configuration, with `hvcC` and 90,000 ticks a second.
    pub fn track_config(&self) -> TrackConfig {
        TrackConfig {
            codec: Codec::H265,
            timescale: VIDEO_TIMESCALE,
            video: Some(self.sps.video),
            audio: None,
            extra: self.hvcc(),
        }
    }

    fn check_size(&self) -> Result<(), CodecError> {
        let (len, max) = (self.hvcc().len(), crate::track::MAX_CODEC_EXTRA);
        if len > max {
            let field = "hvcC";
            return Err(CodecError::TooLong { field, len, max });
        }
        Ok(())
    }
}

/// Checks that `nal` is a base-layer parameter set of type `expected` and returns a reader behind its
/// header.
fn open<'a>(
    field: &'static str,
    nal: &'a [u8],
    expected: NalType,
) -> Result<BitReader<'a>, CodecError> {
    let (len, max) = (nal.len(), MAX_PARAMETER_SET);
    if len > max {
        return Err(CodecError::TooLong { field, len, max });
    }
    let (header, rest) = nal
        .split_first_chunk::<2>()
        .ok_or(CodecError::Short { field })?;
    if NalType::of(nal) != Some(expected) || is_of_upper_layer(nal) {
        let value = u64::from(u16::from_be_bytes(*header));
        return Err(CodecError::OutOfRange { field, value });
    }
    Ok(BitReader::of_nal(rest))
}

/// 23008-2 §7.3.2.3.1: `pps_pic_parameter_set_id`, `pps_seq_parameter_set_id`.
fn parse_pps_id(nal: &[u8], sps_id: u8) -> Result<u8, CodecError> {
    let mut bits = open("PPS", nal, NalType::PPS)?;
    let id = bits.ue("PPS id", 63)?;
    if bits.ue("SPS id of the PPS", 15)? != u32::from(sps_id) {
        return Err(CodecError::Mismatch { field: "PPS" });
    }
    Ok(id.to_le_bytes()[0])
}
