//! Where decoding may start in H.264: the first fields of slice headers (14496-10 §7.3.3) and the
//! recovery point message (§D.1.8).

use super::{CodecError, NalType};
use crate::codec::bits::BitReader;
use crate::codec::nal;

/// Most SEI messages looked through in one NAL unit.
const MAX_SEI_MESSAGES: usize = 64;

/// `payloadType` of a recovery point (14496-10 §D.1.1).
const RECOVERY_POINT: u32 = 6;

/// How the macroblocks of a slice may be predicted (14496-10 table 7-6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SliceKind {
    /// From earlier pictures.
    P,
    /// From earlier and later pictures.
    B,
    /// From itself only.
    I,
    /// Switching P.
    Sp,
    /// Switching I.
    Si,
}

/// The first fields of a slice header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SliceHeader {
    /// Address of its first macroblock; 0 begins a picture.
    pub first_mb_in_slice: u32,
    /// How it is predicted.
    pub kind: SliceKind,
    /// The PPS that it uses.
    pub pps_id: u8,
}

impl SliceHeader {
    /// Reads the header of a slice NAL unit (types 1, 2 and 5).
    pub fn parse(nal: &[u8]) -> Result<Self, CodecError> {
        let field = "slice header";
        let (header, rest) = nal.split_first().ok_or(CodecError::Short { field })?;
        if !matches!(NalType::of(nal), Some(NalType(1 | 2 | 5))) {
            let value = u64::from(*header);
            return Err(CodecError::OutOfRange { field, value });
        }
        let mut bits = BitReader::of_nal(rest);
        let first_mb_in_slice = bits.ue("first_mb_in_slice", u32::MAX)?;
        let kind = match bits.ue("slice_type", 9)? % 5 {
            0 => SliceKind::P,
            1 => SliceKind::B,
            2 => SliceKind::I,
            3 => SliceKind::Sp,
            _ => SliceKind::Si,
        };
        let pps_id = bits.ue("pic_parameter_set_id", 255)?.to_le_bytes()[0];
        Ok(Self {
            first_mb_in_slice,
            kind,
            pps_id,
        })
    }
}

/// `recovery_frame_cnt` of an SEI NAL unit: how many frames after it the picture is whole; nothing
/// when it holds no recovery point (14496-10 §7.3.2.3, §D.1.8).
pub fn recovery_frame_count(sei: &[u8]) -> Result<Option<u16>, CodecError> {
    const FIELD: &str = "SEI";
    if NalType::of(sei) != Some(NalType::SEI) {
        return Err(CodecError::Mismatch { field: FIELD });
    }
    let mut bits = BitReader::of_nal(sei.get(1..).unwrap_or(&[]));
    for _ in 0..MAX_SEI_MESSAGES {
        // The trailing bits are read as a type without a size: that is the end.
        let Ok(kind) = sei_number(&mut bits) else {
            return Ok(None);
        };
        let Ok(size) = sei_number(&mut bits) else {
            return Ok(None);
        };
        if kind == RECOVERY_POINT {
            let frames = bits.ue("recovery_frame_cnt", u32::from(u16::MAX))?;
            return Ok(u16::try_from(frames).ok());
        }
        bits.skip(FIELD, size.saturating_mul(8))?;
    }
    Ok(None)
}

/// A number as a run of 255s and a last byte (14496-10 §7.3.2.3.1).
fn sei_number(bits: &mut BitReader<'_>) -> Result<u32, CodecError> {
    let mut value = 0_u32;
    loop {
        let byte = bits.bits("SEI", 8)?;
        value = value.saturating_add(byte);
        if byte != 255 {
            return Ok(value);
        }
    }
}

/// Whether decoding can start at this length-prefixed access unit: it is IDR, or it is coded from
/// itself alone behind a recovery point of zero frames (open GOPs). Errors as of [`nal::units`]; an
/// unreadable SEI or slice header makes it no keyframe.
pub fn is_key(access_unit: &[u8]) -> Result<bool, CodecError> {
    let (mut recovers, mut slices, mut intra) = (false, false, true);
    for unit in nal::units(access_unit) {
        let unit = unit?;
        match NalType::of(unit) {
            Some(NalType::IDR) => return Ok(true),
            Some(NalType::SEI) => {
                recovers = recovers || recovery_frame_count(unit) == Ok(Some(0));
            }
            Some(kind) if kind.is_slice() => {
                slices = true;
                let header = SliceHeader::parse(unit);
                intra = intra && header.is_ok_and(|header| header.kind == SliceKind::I);
            }
            Some(_) | None => {}
        }
    }
    Ok(recovers && slices && intra)
}
