//! Where pictures begin and decoding may start in H.265 (23008-2 §7.3.6.1, §7.4.2.2).

use super::{CodecError, NalType, is_of_upper_layer};
use crate::codec::nal;

/// `first_slice_segment_in_pic_flag` of a slice segment NAL unit; anything else is `OutOfRange`.
pub fn first_slice_segment_in_pic(unit: &[u8]) -> Result<bool, CodecError> {
    let field = "slice segment";
    match NalType::of(unit) {
        Some(kind) if kind.is_slice() => {
            let payload = unit.get(2).ok_or(CodecError::Short { field })?;
            Ok(payload & 0x80 != 0)
        }
        Some(kind) => Err(CodecError::OutOfRange {
            field,
            value: kind.code().into(),
        }),
        None => Err(CodecError::Short { field }),
    }
}

/// Whether decoding can start at this length-prefixed access unit: every slice segment of its base
/// layer is of a random access point. Errors as of [`nal::units`].
pub fn is_key(access_unit: &[u8]) -> Result<bool, CodecError> {
    let (mut slices, mut irap) = (false, true);
    for unit in nal::units(access_unit) {
        let unit = unit?;
        let kind = NalType::of(unit).filter(|kind| kind.is_slice() && !is_of_upper_layer(unit));
        if let Some(kind) = kind {
            slices = true;
            irap = irap && kind.is_irap();
        }
    }
    Ok(slices && irap)
}
