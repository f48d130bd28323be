//! `AVCDecoderConfigurationRecord` (14496-15 §5.3.3.1), built and read.

use std::collections::BTreeMap;

use bartizan_domain::wire::{Reader, WireError, Writer};

use super::{CodecError, ParameterSets, Sps};
use crate::codec::MAX_PARAMETER_SET;
use crate::codec::nal::LENGTH_SIZE;
use crate::track::MAX_CODEC_EXTRA;

/// `numOfPictureParameterSets` is one byte.
pub(super) const MAX_PPS: usize = 255;

pub(super) fn build(sets: &ParameterSets) -> Vec<u8> {
    let sps = &sets.sps;
    let mut out = Writer::new();
    out.u8(1)
        .u8(sps.profile_idc)
        .u8(sps.constraint_flags)
        .u8(sps.level_idc)
        .u8(0xff) // reserved 111111, lengthSizeMinusOne 3
        .u8(0xe1) // reserved 111, one SPS
        .vec16(&sets.sps_nal)
        .u8(u8::try_from(sets.pps.len()).unwrap_or(u8::MAX));
    for pps in sets.pps.values() {
        out.vec16(pps);
    }
    if super::sps::has_chroma_format(sps.profile_idc) {
        out.u8(0xfc | sps.chroma_format_idc)
            .u8(0xf8 | sps.bit_depth_luma.saturating_sub(8))
            .u8(0xf8 | sps.bit_depth_chroma.saturating_sub(8))
            .u8(0); // no SPS extension
    }
    out.into_vec()
}

/// Takes records of one SPS and four-byte lengths. The bytes behind the PPS, which repeat what the SPS
/// says and which some writers leave out, are passed over.
pub(super) fn parse(bytes: &[u8]) -> Result<ParameterSets, CodecError> {
    let (len, max, field) = (bytes.len(), MAX_CODEC_EXTRA, "avcC");
    if len > max {
        return Err(CodecError::TooLong { field, len, max });
    }
    let mut input = Reader::new(bytes);
    input.exactly("avcC version", 1).map_err(fault)?;
    input.take("avcC", 3).map_err(fault)?;
    let length_size = usize::from(input.u8("avcC").map_err(fault)? & 3) + 1;
    if length_size != LENGTH_SIZE {
        let what = "a NAL length of other than four bytes";
        return Err(CodecError::Unsupported { what });
    }
    if input.u8("avcC").map_err(fault)? & 0x1f != 1 {
        let what = "an avcC of other than one SPS";
        return Err(CodecError::Unsupported { what });
    }
    let sps = set(&mut input, "SPS")?;
    let count = input.u8("avcC").map_err(fault)?;
    let mut sets = ParameterSets {
        sps: Sps::parse(sps)?,
        sps_nal: sps.to_vec(),
        pps: BTreeMap::new(),
    };
    for _ in 0..count {
        let pps = set(&mut input, "PPS")?;
        let id = super::parse_pps_id(pps, sets.sps.id)?;
        sets.pps.insert(id, pps.to_vec());
    }
    if sets.pps.is_empty() {
        return Err(CodecError::Short { field: "PPS" });
    }
    Ok(sets)
}

fn set<'a>(input: &mut Reader<'a>, field: &'static str) -> Result<&'a [u8], CodecError> {
    input.vec16(field, MAX_PARAMETER_SET).map_err(fault)
}

/// A fault of the bytes in this room's words.
pub(in crate::codec) fn fault(err: WireError) -> CodecError {
    match err {
        WireError::Short { field } => CodecError::Short { field },
        WireError::TooLong { field, len, max } => CodecError::TooLong { field, len, max },
        WireError::Unknown { field, value } => CodecError::OutOfRange { field, value },
        WireError::Trailing { len } => CodecError::TooLong {
            field: "what follows",
            len,
            max: 0,
        },
    }
}
