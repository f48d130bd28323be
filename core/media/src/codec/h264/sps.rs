//! The sequence parameter set of H.264 (14496-10 §7.3.2.1.1) and its VUI (§E.1.1).
//!
//! Everything up to cropping must be right; the VUI is believed as far as it can be read.

use crate::VideoInfo;
use crate::codec::bits::BitReader;
use crate::codec::{CodecError, FrameRate, picture_size};

use super::NalType;

/// What a sequence parameter set says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sps {
    /// `profile_idc`: 66 Baseline, 77 Main, 100 High …
    pub profile_idc: u8,
    /// `constraint_set0_flag` in the highest bit, and so on down.
    pub constraint_flags: u8,
    /// `level_idc`: ten times the level.
    pub level_idc: u8,
    /// `seq_parameter_set_id`, 0–31.
    pub id: u8,
    /// `chroma_format_idc`: 1 is 4:2:0.
    pub chroma_format_idc: u8,
    /// Bits of a luma sample, 8–14.
    pub bit_depth_luma: u8,
    /// Bits of a chroma sample, 8–14.
    pub bit_depth_chroma: u8,
    /// Size after cropping.
    pub video: VideoInfo,
    /// Every picture is a whole frame, never a field.
    pub frame_mbs_only: bool,
    /// From the VUI's timing.
    pub frame_rate: Option<FrameRate>,
    /// `max_num_reorder_frames`, or 0 where the profile or picture order type allows no other.
    pub reorder_frames: Option<u8>,
}

/// Profiles whose SPS carries chroma format and bit depth (14496-10 §7.3.2.1.1), and so whose `avcC`
/// has the extension bytes.
pub(super) const fn has_chroma_format(profile_idc: u8) -> bool {
    matches!(
        profile_idc,
        44 | 83 | 86 | 100 | 110 | 118 | 122 | 128 | 134 | 135 | 138 | 139 | 244
    )
}

impl Sps {
    /// Reads an SPS NAL unit. Errors as of [`super::ParameterSets::parse`].
    pub fn parse(nal: &[u8]) -> Result<Self, CodecError> {
        let mut bits = super::open("SPS", nal, NalType::SPS)?;
        let profile_idc = bits.small("profile", 8)?;
        let constraint_flags = bits.small("constraint flags", 8)?;
        let level_idc = bits.small("level", 8)?;
        let id = bits.ue("SPS id", 31)?.to_le_bytes()[0];
        let chroma = if has_chroma_format(profile_idc) {
            Colour::parse(&mut bits)?
        } else {
            Colour::DEFAULT
        };
        bits.ue("log2_max_frame_num_minus4", 12)?;
        let poc_type = parse_picture_order(&mut bits)?;
        bits.ue("max_num_ref_frames", 16)?;
        bits.skip("gaps_in_frame_num_value_allowed_flag", 1)?;
        let (video, frame_mbs_only) = parse_size(&mut bits, chroma)?;

        let vui = parse_vui(&mut bits);
        let intra_only =
            constraint_flags & 0x10 != 0 && matches!(profile_idc, 44 | 86 | 100 | 110 | 122 | 244);
        let in_order = profile_idc == 66 || poc_type == 2 || intra_only;
        Ok(Self {
            profile_idc,
            constraint_flags,
            level_idc,
            id,
            chroma_format_idc: chroma.format,
            bit_depth_luma: chroma.depth_of_luma,
            bit_depth_chroma: chroma.depth_of_chroma,
            video,
            frame_mbs_only,
            frame_rate: vui.frame_rate,
            reorder_frames: vui.reorder_frames.or(in_order.then_some(0)),
        })
    }
}

#[derive(Clone, Copy)]
struct Colour {
    format: u8,
    separate_planes: bool,
    depth_of_luma: u8,
    depth_of_chroma: u8,
}

impl Colour {
    const DEFAULT: Self = Self {
        format: 1,
        separate_planes: false,
        depth_of_luma: 8,
        depth_of_chroma: 8,
    };

    fn parse(bits: &mut BitReader<'_>) -> Result<Self, CodecError> {
        let format = bits.ue("chroma_format_idc", 3)?.to_le_bytes()[0];
        let separate_planes = format == 3 && bits.flag("separate_colour_plane_flag")?;
        let depth_of_luma = 8 + bits.ue("bit_depth_luma_minus8", 6)?.to_le_bytes()[0];
        let depth_of_chroma = 8 + bits.ue("bit_depth_chroma_minus8", 6)?.to_le_bytes()[0];
        bits.skip("qpprime_y_zero_transform_bypass_flag", 1)?;
        if bits.flag("seq_scaling_matrix_present_flag")? {
            let lists = if format == 3 { 12 } else { 8 };
            for list in 0..lists {
                if bits.flag("seq_scaling_list_present_flag")? {
                    skip_scaling_list(bits, if list < 6 { 16 } else { 64 })?;
                }
            }
        }
        Ok(Self {
            format,
            separate_planes,
            depth_of_luma,
            depth_of_chroma,
        })
    }

    /// Pixels of one cropping unit, across and down (14496-10 §7.4.2.1.1, `CropUnitX`, `CropUnitY`).
    const fn crop_unit(self, frame_mbs_only: bool) -> (u64, u64) {
        let (x, y) = match (self.separate_planes, self.format) {
            (false, 1) => (2, 2),
            (false, 2) => (2, 1),
            _ => (1, 1),
        };
        (x, if frame_mbs_only { y } else { y * 2 })
    }
}

/// 14496-10 §7.3.2.1.1.1.
fn skip_scaling_list(bits: &mut BitReader<'_>, size: u32) -> Result<(), CodecError> {
    let (mut last, mut next) = (8_i32, 8_i32);
    for _ in 0..size {
        if next != 0 {
            let delta = bits.se("delta_scale")?;
            next = last.wrapping_add(delta) & 0xff;
        }
        last = if next == 0 { last } else { next };
    }
    Ok(())
}

fn parse_picture_order(bits: &mut BitReader<'_>) -> Result<u32, CodecError> {
    let kind = bits.ue("pic_order_cnt_type", 2)?;
    if kind == 0 {
        bits.ue("log2_max_pic_order_cnt_lsb_minus4", 12)?;
    } else if kind == 1 {
        bits.skip("delta_pic_order_always_zero_flag", 1)?;
        bits.se("offset_for_non_ref_pic")?;
        bits.se("offset_for_top_to_bottom_field")?;
        for _ in 0..bits.ue("num_ref_frames_in_pic_order_cnt_cycle", 255)? {
            bits.se("offset_for_ref_frame")?;
        }
    }
    Ok(kind)
}

/// Size after cropping, and `frame_mbs_only_flag`.
fn parse_size(bits: &mut BitReader<'_>, chroma: Colour) -> Result<(VideoInfo, bool), CodecError> {
    let coded_width = (u64::from(bits.ue("pic_width_in_mbs_minus1", 1_100)?) + 1) * 16;
    let map_units = u64::from(bits.ue("pic_height_in_map_units_minus1", 1_100)?) + 1;
    let frame_mbs_only = bits.flag("frame_mbs_only_flag")?;
    let coded_height = map_units * if frame_mbs_only { 16 } else { 32 };
    if !frame_mbs_only {
        bits.skip("mb_adaptive_frame_field_flag", 1)?;
    }
    bits.skip("direct_8x8_inference_flag", 1)?;
    let (mut cut_x, mut cut_y) = (0, 0);
    if bits.flag("frame_cropping_flag")? {
        let mut side = || {
            bits.ue("frame_crop_offset", u32::from(u16::MAX))
                .map(u64::from)
        };
        let (left, right, top, bottom) = (side()?, side()?, side()?, side()?);
        let (unit_x, unit_y) = chroma.crop_unit(frame_mbs_only);
        (cut_x, cut_y) = ((left + right) * unit_x, (top + bottom) * unit_y);
    }
    let video = picture_size(
        coded_width.saturating_sub(cut_x),
        coded_height.saturating_sub(cut_y),
    )?;
    Ok((video, frame_mbs_only))
}

#[derive(Default)]
struct Vui {
    frame_rate: Option<FrameRate>,
    reorder_frames: Option<u8>,
}

/// The VUI as far as it can be read.
fn parse_vui(bits: &mut BitReader<'_>) -> Vui {
    let mut vui = Vui::default();
    // A broken VUI says nothing about the picture: what was read before the fault is kept.
    let _: Option<()> = read_vui(bits, &mut vui).ok();
    vui
}

/// `aspect_ratio_idc` that has width and height behind it (14496-10 table E-1).
const EXTENDED_SAR: u32 = 255;

/// 14496-10 §E.1.1.
fn read_vui(bits: &mut BitReader<'_>, vui: &mut Vui) -> Result<(), CodecError> {
    if !bits.flag("vui_parameters_present_flag")? {
        return Ok(());
    }
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
    if bits.flag("timing_info_present_flag")? {
        let units = bits.bits("num_units_in_tick", 32)?;
        let time_scale = bits.bits("time_scale", 32)?;
        bits.skip("fixed_frame_rate_flag", 1)?;
        // §E.2.1: a tick is a field, so a frame is two.
        vui.frame_rate = units
            .checked_mul(2)
            .and_then(|units| FrameRate::new(time_scale, units));
    }
    read_restriction(bits, vui)
}

/// The rest of §E.1.1: HRD, `pic_struct`, bitstream restriction.
fn read_restriction(bits: &mut BitReader<'_>, vui: &mut Vui) -> Result<(), CodecError> {
    let nal_hrd = bits.flag("nal_hrd_parameters_present_flag")?;
    if nal_hrd {
        skip_hrd(bits)?;
    }
    let vcl_hrd = bits.flag("vcl_hrd_parameters_present_flag")?;
    if vcl_hrd {
        skip_hrd(bits)?;
    }
    if nal_hrd || vcl_hrd {
        bits.skip("low_delay_hrd_flag", 1)?;
    }
    bits.skip("pic_struct_present_flag", 1)?;
    if bits.flag("bitstream_restriction_flag")? {
        bits.skip("motion_vectors_over_pic_boundaries_flag", 1)?;
        for _ in 0..4 {
            bits.ue("bitstream restriction", u32::MAX)?;
        }
        let frames = bits.ue("max_num_reorder_frames", 16)?;
        vui.reorder_frames = Some(frames.to_le_bytes()[0]);
    }
    Ok(())
}

/// 14496-10 §E.1.2.
fn skip_hrd(bits: &mut BitReader<'_>) -> Result<(), CodecError> {
    let count = bits.ue("cpb_cnt_minus1", 31)? + 1;
    bits.skip("bit_rate_scale, cpb_size_scale", 8)?;
    for _ in 0..count {
        bits.ue("bit_rate_value_minus1", u32::MAX)?;
        bits.ue("cpb_size_value_minus1", u32::MAX)?;
        bits.skip("cbr_flag", 1)?;
    }
    bits.skip("HRD delay lengths", 20)
}
