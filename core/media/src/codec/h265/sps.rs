//! The sequence parameter set of H.265 (23008-2 §7.3.2.2), its profile (§7.3.3) and VUI timing (§E.2.1).
//!
//! Everything up to the picture order must be right; what follows only serves to reach the frame rate
//! and is believed as far as it can be read.

use crate::VideoInfo;
use crate::codec::bits::BitReader;
use crate::codec::{CodecError, FrameRate, picture_size};

use super::NalType;

/// What a sequence parameter set says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sps {
    /// `sps_video_parameter_set_id`, 0–15.
    pub vps_id: u8,
    /// `sps_seq_parameter_set_id`, 0–15.
    pub id: u8,
    /// Temporal sub-layers, 1–7.
    pub temporal_layers: u8,
    /// `sps_temporal_id_nesting_flag`.
    pub temporal_id_nested: bool,
    /// Profile, tier and level of the whole stream.
    pub profile: ProfileTierLevel,
    /// `chroma_format_idc`: 1 is 4:2:0.
    pub chroma_format_idc: u8,
    /// Bits of a luma sample, 8–16.
    pub bit_depth_luma: u8,
    /// Bits of a chroma sample, 8–16.
    pub bit_depth_chroma: u8,
    /// Size after the conformance window.
    pub video: VideoInfo,
    /// `sps_max_num_reorder_pics` of the highest sub-layer.
    pub reorder_frames: u8,
    /// From the VUI's timing, else the VPS's.
    pub frame_rate: Option<FrameRate>,
}

/// The general part of `profile_tier_level()` (23008-2 §7.3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProfileTierLevel {
    /// `general_profile_space`, 0–3.
    pub space: u8,
    /// `general_tier_flag`: the high tier.
    pub high_tier: bool,
    /// `general_profile_idc`, 0–31: 1 Main, 2 Main 10.
    pub profile_idc: u8,
    /// `general_profile_compatibility_flag[0]` in the highest bit, and so on down.
    pub compatibility: u32,
    /// The six bytes from `general_progressive_source_flag` on.
    pub constraints: [u8; 6],
    /// `general_level_idc`: thirty times the level.
    pub level_idc: u8,
}

impl ProfileTierLevel {
    /// Reads it, and passes over that of `sub_layers` − 1 lower sub-layers.
    pub(super) fn parse(bits: &mut BitReader<'_>, sub_layers: u8) -> Result<Self, CodecError> {
        let space = bits.small("profile space", 2)?;
        let high_tier = bits.flag("tier")?;
        let profile_idc = bits.small("profile", 5)?;
        let compatibility = bits.bits("profile compatibility", 32)?;
        let mut constraints = [0; 6];
        for byte in &mut constraints {
            *byte = bits.small("profile constraints", 8)?;
        }
        let level_idc = bits.small("level", 8)?;
        Self::skip_sub_layers(bits, sub_layers.saturating_sub(1))?;
        Ok(Self {
            space,
            high_tier,
            profile_idc,
            compatibility,
            constraints,
            level_idc,
        })
    }

    fn skip_sub_layers(bits: &mut BitReader<'_>, count: u8) -> Result<(), CodecError> {
        let mut rest = 0;
        for layer in 0..8 {
            // Presence flags for each lower sub-layer, then padding up to eight pairs, if any.
            if layer < count {
                let profile = bits.flag("sub_layer_profile_present_flag")?;
                let level = bits.flag("sub_layer_level_present_flag")?;
                rest += 88 * u32::from(profile) + 8 * u32::from(level);
            } else if count > 0 {
                bits.skip("reserved_zero_2bits", 2)?;
            }
        }
        bits.skip("sub-layer profile", rest)
    }

    /// 14496-15 §E.3, behind `hvc1.`
    pub(super) fn codec_string(&self) -> String {
        let space = ["", "A", "B", "C"]
            .get(usize::from(self.space))
            .copied()
            .unwrap_or_default();
        let tier = if self.high_tier { 'H' } else { 'L' };
        let compatibility = self.compatibility.reverse_bits();
        let general = format!(
            "hvc1.{space}{}.{compatibility:X}.{tier}{}",
            self.profile_idc, self.level_idc
        );
        let kept = self.constraints.iter().rposition(|byte| *byte != 0);
        let kept = kept.map_or(0, |last| last.saturating_add(1));
        let constraints = self.constraints.iter().take(kept);
        let constraints = constraints.map(|byte| format!(".{byte:X}"));
        std::iter::once(general).chain(constraints).collect()
    }
}

impl Sps {
    /// Reads an SPS NAL unit of the base layer. Errors as of [`super::ParameterSets::parse`].
    pub fn parse(nal: &[u8]) -> Result<Self, CodecError> {
        let mut bits = super::open("SPS", nal, NalType::SPS)?;
        let vps_id = bits.small("VPS id of the SPS", 4)?;
        let temporal_layers = parse_temporal_layers(&mut bits)?;
        let temporal_id_nested = bits.flag("sps_temporal_id_nesting_flag")?;
        let profile = ProfileTierLevel::parse(&mut bits, temporal_layers)?;
        let id = bits.ue("SPS id", 15)?.to_le_bytes()[0];
        let chroma_format_idc = bits.ue("chroma_format_idc", 3)?.to_le_bytes()[0];
        let separate_planes = chroma_format_idc == 3 && bits.flag("separate_colour_plane_flag")?;
        let window_idc = if separate_planes {
            0
        } else {
            chroma_format_idc
        };
        let video = parse_size(&mut bits, window_idc)?;
        let bit_depth_luma = 8 + bits.ue("bit_depth_luma_minus8", 8)?.to_le_bytes()[0];
        let bit_depth_chroma = 8 + bits.ue("bit_depth_chroma_minus8", 8)?.to_le_bytes()[0];
        let poc_bits = 4 + bits.ue("log2_max_pic_order_cnt_lsb_minus4", 12)?;
        let reorder_frames = parse_reorder(&mut bits, temporal_layers)?;
        Ok(Self {
            vps_id,
            id,
            temporal_layers,
            temporal_id_nested,
            profile,
            chroma_format_idc,
            bit_depth_luma,
            bit_depth_chroma,
            video,
            reorder_frames,
            // What is broken here costs the frame rate, not the picture.
            frame_rate: find_frame_rate(&mut bits, poc_bits).unwrap_or(None),
        })
    }
}

/// `…_max_sub_layers_minus1` + 1, 1–7.
pub(super) fn parse_temporal_layers(bits: &mut BitReader<'_>) -> Result<u8, CodecError> {
    let field = "max_sub_layers_minus1";
    match bits.small(field, 3)? {
        7 => Err(CodecError::OutOfRange { field, value: 7 }),
        layers => Ok(layers + 1),
    }
}

fn parse_size(bits: &mut BitReader<'_>, chroma_format_idc: u8) -> Result<VideoInfo, CodecError> {
    let mut side = |field| bits.ue(field, u32::from(u16::MAX)).map(u64::from);
    let (width, height) = (
        side("pic_width_in_luma_samples")?,
        side("pic_height_in_luma_samples")?,
    );
    let (mut cut_x, mut cut_y) = (0, 0);
    if bits.flag("conformance_window_flag")? {
        let mut side = || {
            bits.ue("conformance window", u32::from(u16::MAX))
                .map(u64::from)
        };
        let (left, right, top, bottom) = (side()?, side()?, side()?, side()?);
        // 23008-2 table 6-1: SubWidthC, SubHeightC.
        let (unit_x, unit_y) = match chroma_format_idc {
            1 => (2, 2),
            2 => (2, 1),
            _ => (1, 1),
        };
        (cut_x, cut_y) = ((left + right) * unit_x, (top + bottom) * unit_y);
    }
    picture_size(width.saturating_sub(cut_x), height.saturating_sub(cut_y))
}

fn parse_reorder(bits: &mut BitReader<'_>, layers: u8) -> Result<u8, CodecError> {
    let of_each = bits.flag("sps_sub_layer_ordering_info_present_flag")?;
    let mut reorder = 0;
    for _ in 0..if of_each { layers } else { 1 } {
        bits.ue("sps_max_dec_pic_buffering_minus1", 15)?;
        reorder = bits.ue("sps_max_num_reorder_pics", 15)?;
        bits.ue("sps_max_latency_increase_plus1", u32::MAX)?;
    }
    Ok(reorder.to_le_bytes()[0])
}

/// From behind the picture order to the VUI's timing.
fn find_frame_rate(
    bits: &mut BitReader<'_>,
    poc_bits: u32,
) -> Result<Option<FrameRate>, CodecError> {
    for _ in 0..6 {
        bits.ue("block sizes", 31)?;
    }
    if bits.flag("scaling_list_enabled_flag")? && bits.flag("sps_scaling_list_data_present_flag")? {
        skip_scaling_lists(bits)?;
    }
    bits.skip("amp_enabled_flag, sample_adaptive_offset_enabled_flag", 2)?;
    if bits.flag("pcm_enabled_flag")? {
        bits.skip("pcm bit depths", 8)?;
        bits.ue("pcm block size", 31)?;
        bits.ue("pcm block size", 31)?;
        bits.skip("pcm_loop_filter_disabled_flag", 1)?;
    }
    skip_short_term_sets(bits)?;
    if bits.flag("long_term_ref_pics_present_flag")? {
        for _ in 0..bits.ue("num_long_term_ref_pics_sps", 32)? {
            bits.skip("long-term reference picture", poc_bits + 1)?;
        }
    }
    bits.skip(
        "sps_temporal_mvp_enabled_flag, strong_intra_smoothing_enabled_flag",
        2,
    )?;
    if bits.flag("vui_parameters_present_flag")? {
        read_vui_timing(bits)
    } else {
        Ok(None)
    }
}

/// 23008-2 §7.3.4.
fn skip_scaling_lists(bits: &mut BitReader<'_>) -> Result<(), CodecError> {
    for size in 0..4 {
        let (matrices, coefficients) = match size {
            0 => (6, 16),
            3 => (2, 64),
            _ => (6, 64),
        };
        for _ in 0..matrices {
            if bits.flag("scaling_list_pred_mode_flag")? {
                let dc = u32::from(size > 1);
                for _ in 0..coefficients + dc {
                    bits.se("scaling list")?;
                }
            } else {
                bits.ue("scaling_list_pred_matrix_id_delta", 5)?;
            }
        }
    }
    Ok(())
}

/// 23008-2 §7.3.7, for every set of the SPS.
fn skip_short_term_sets(bits: &mut BitReader<'_>) -> Result<(), CodecError> {
    const MAX_PICTURES: u32 = 16;
    let mut pictures = 0;
    for index in 0..bits.ue("num_short_term_ref_pic_sets", 64)? {
        if index > 0 && bits.flag("inter_ref_pic_set_prediction_flag")? {
            bits.skip("delta_rps_sign", 1)?;
            bits.ue("abs_delta_rps_minus1", 0x7fff)?;
            let mut kept = 0;
            for _ in 0..=pictures {
                let used = bits.flag("used_by_curr_pic_flag")?;
                kept += u32::from(used || bits.flag("use_delta_flag")?);
            }
            pictures = kept;
        } else {
            let before = bits.ue("num_negative_pics", MAX_PICTURES)?;
            let after = bits.ue("num_positive_pics", MAX_PICTURES)?;
            pictures = before + after;
            for _ in 0..pictures {
                bits.ue("delta_poc_minus1", 0x7fff)?;
                bits.skip("used_by_curr_pic_flag", 1)?;
            }
        }
        if pictures > MAX_PICTURES {
            let (field, value) = ("short-term reference pictures", u64::from(pictures));
            return Err(CodecError::OutOfRange { field, value });
        }
    }
    Ok(())
}

/// `aspect_ratio_idc` that has width and height behind it (23008-2 table E.1).
const EXTENDED_SAR: u32 = 255;

/// 23008-2 §E.2.1, up to the timing.
fn read_vui_timing(bits: &mut BitReader<'_>) -> Result<Option<FrameRate>, CodecError> {
    if bits.flag("aspect_ratio_info_present_flag")?
        && bits.bits("aspect_ratio_idc", 8)? == EXTENDED_SAR
    {
        bits.skip("sar_width, sar_height", 32)?;
    }
    if bits.flag("overscan_info_present_flag")? {
        bits.skip("overscan_appropriate_flag", 1)?;
    }
    if bits.flag("video_signal_type_present_flag")? {
        bits.skip("video_format, video_full_range_flag", 4)?;
        if bits.flag("colour_description_present_flag")? {
            bits.skip("colour description", 24)?;
        }
    }
    if bits.flag("chroma_loc_info_present_flag")? {
        bits.ue("chroma_sample_loc_type_top_field", 5)?;
        bits.ue("chroma_sample_loc_type_bottom_field", 5)?;
    }
    bits.skip("neutral_chroma, field_seq, frame_field_info", 3)?;
    if bits.flag("default_display_window_flag")? {
        for _ in 0..4 {
            bits.ue("default display window", u32::MAX)?;
        }
    }
    read_timing(bits)
}

/// `…_timing_info_present_flag` and what it announces, in VUI and VPS alike.
pub(super) fn read_timing(bits: &mut BitReader<'_>) -> Result<Option<FrameRate>, CodecError> {
    if !bits.flag("timing_info_present_flag")? {
        return Ok(None);
    }
    let units = bits.bits("num_units_in_tick", 32)?;
    let time_scale = bits.bits("time_scale", 32)?;
    Ok(FrameRate::new(time_scale, units))
}
