//! The video parameter set of H.265 (23008-2 §7.3.2.1): its id, and the frame rate that many cameras
//! write only here.

use super::sps::{ProfileTierLevel, parse_temporal_layers, read_timing};
use super::{CodecError, NalType};
use crate::codec::FrameRate;
use crate::codec::bits::BitReader;

/// What a video parameter set says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Vps {
    /// `vps_video_parameter_set_id`, 0–15.
    pub(super) id: u8,
    /// From `vps_timing_info`, as far as it can be read.
    pub(super) frame_rate: Option<FrameRate>,
}

impl Vps {
    /// Reads a VPS NAL unit of the base layer; only type, length and id must be right.
    pub(super) fn parse(nal: &[u8]) -> Result<Self, CodecError> {
        let mut bits = super::open("VPS", nal, NalType::VPS)?;
        Ok(Self {
            id: bits.small("VPS id", 4)?,
            frame_rate: find_frame_rate(&mut bits).unwrap_or(None),
        })
    }
}

fn find_frame_rate(bits: &mut BitReader<'_>) -> Result<Option<FrameRate>, CodecError> {
    bits.skip("base layer flags, vps_max_layers_minus1", 8)?;
    let layers = parse_temporal_layers(bits)?;
    bits.skip("vps_temporal_id_nesting_flag, reserved", 17)?;
    ProfileTierLevel::parse(bits, layers)?;
    let of_each = bits.flag("vps_sub_layer_ordering_info_present_flag")?;
    for _ in 0..if of_each { layers } else { 1 } {
        for _ in 0..3 {
            bits.ue("sub-layer ordering", u32::MAX)?;
        }
    }
    let max_layer_id = bits.bits("vps_max_layer_id", 6)?;
    let layer_sets = bits.ue("vps_num_layer_sets_minus1", 1_023)?;
    bits.skip("layer_id_included_flag", layer_sets * (max_layer_id + 1))?;
    read_timing(bits)
}
