//! `HEVCDecoderConfigurationRecord` (14496-15 §8.3.3.1), built and read.
//!
//! Segmentation, parallelism and frame rate stay "unknown" (0): they are hints that no player needs.

use bartizan_domain::wire::{Reader, Writer};

use super::{CodecError, NalType, ParameterSets};
use crate::codec::h264::fault;
use crate::codec::nal::LENGTH_SIZE;
use crate::codec::{MAX_PARAMETER_SET, nal};
use crate::track::MAX_CODEC_EXTRA;

/// Arrays of NAL units that a record may have, known and unknown.
const MAX_ARRAYS: u8 = 16;

pub(super) fn build(sets: &ParameterSets) -> Vec<u8> {
    let sps = &sets.sps;
    let profile = &sps.profile;
    let mut out = Writer::new();
    out.u8(1)
        .u8(profile.space << 6 | u8::from(profile.high_tier) << 5 | profile.profile_idc)
        .u32(profile.compatibility)
        .fixed(&profile.constraints)
        .u8(profile.level_idc)
        .u16(0xf000) // reserved 1111, min_spatial_segmentation_idc unknown
        .u8(0xfc) // reserved 111111, parallelismType unknown
        .u8(0xfc | sps.chroma_format_idc)
        .u8(0xf8 | sps.bit_depth_luma.saturating_sub(8))
        .u8(0xf8 | sps.bit_depth_chroma.saturating_sub(8))
        .u16(0) // avgFrameRate unknown
        // constantFrameRate unknown, numTemporalLayers, temporalIdNested, lengthSizeMinusOne 3
        .u8(sps.temporal_layers << 3 | u8::from(sps.temporal_id_nested) << 2 | 3)
        .u8(3);
    array(&mut out, NalType::VPS, &[&sets.vps_nal]);
    array(&mut out, NalType::SPS, &[&sets.sps_nal]);
    let pps: Vec<_> = sets.pps.values().map(Vec::as_slice).collect();
    array(&mut out, NalType::PPS, &pps);
    out.into_vec()
}

fn array(out: &mut Writer, kind: NalType, units: &[&[u8]]) {
    const COMPLETE: u8 = 0x80;
    out.u8(COMPLETE | kind.code())
        .u16(u16::try_from(units.len()).unwrap_or(u16::MAX));
    for unit in units {
        out.vec16(unit);
    }
}

/// Takes records of one VPS, one SPS and four-byte lengths; arrays of other NAL units, such as SEI, are
/// passed over.
pub(super) fn parse(bytes: &[u8]) -> Result<ParameterSets, CodecError> {
    const FIELD: &str = "hvcC";
    let (len, max) = (bytes.len(), MAX_CODEC_EXTRA);
    if len > max {
        let field = FIELD;
        return Err(CodecError::TooLong { field, len, max });
    }
    let mut input = Reader::new(bytes);
    input.exactly("hvcC version", 1).map_err(fault)?;
    input.take(FIELD, 20).map_err(fault)?;
    let length_size = usize::from(input.u8(FIELD).map_err(fault)? & 3) + 1;
    if length_size != LENGTH_SIZE {
        let what = "a NAL length of other than four bytes";
        return Err(CodecError::Unsupported { what });
    }
    let (mut vps, mut sps, mut pps) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..input.u8(FIELD).map_err(fault)?.min(MAX_ARRAYS) {
        let kind = input.u8(FIELD).map_err(fault)? & 0x3f;
        let count = input.count16(FIELD, nal::MAX_NALS).map_err(fault)?;
        for _ in 0..count {
            let unit = input.vec16(FIELD, MAX_PARAMETER_SET).map_err(fault)?;
            match kind {
                32 => vps.push(unit),
                33 => sps.push(unit),
                34 => pps.push(unit),
                _ => {}
            }
        }
    }
    let mut sets = ParameterSets::without_pps(only(&vps)?, only(&sps)?)?;
    for unit in &pps {
        let id = super::parse_pps_id(unit, sets.sps.id)?;
        sets.pps.insert(id, unit.to_vec());
    }
    if sets.pps.is_empty() {
        return Err(CodecError::Short { field: "PPS" });
    }
    Ok(sets)
}

fn only<'a>(units: &[&'a [u8]]) -> Result<&'a [u8], CodecError> {
    match units {
        [unit] => Ok(unit),
        _ => Err(CodecError::Unsupported {
            what: "an hvcC of other than one VPS and one SPS",
        }),
    }
}
