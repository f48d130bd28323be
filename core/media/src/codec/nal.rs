//! NAL units in their two dresses: behind four-byte lengths (what is sealed and stored) and behind
//! start codes (Annex B, what encoders and raw files speak).
//!
//! What a NAL unit means is told by [`super::h264`] and [`super::h265`].

use bartizan_domain::limits::MAX_ACCESS_UNIT;

use super::CodecError;

/// Bytes of the length before each NAL unit.
pub const LENGTH_SIZE: usize = 4;

/// Most NAL units of one access unit: a slice for each row of macroblocks of the tallest picture, twice.
pub const MAX_NALS: usize = 2_048;

/// Iterates over the NAL units of a length-prefixed access unit; after an error it ends.
///
/// Errors: `Short` when a length passes the end, `OutOfRange` for an empty NAL unit, `TooLong` past
/// [`MAX_NALS`].
pub const fn units(access_unit: &[u8]) -> Units<'_> {
    Units {
        rest: access_unit,
        count: 0,
    }
}

/// See [`units`].
#[derive(Debug, Clone)]
pub struct Units<'a> {
    rest: &'a [u8],
    count: usize,
}

impl<'a> Iterator for Units<'a> {
    type Item = Result<&'a [u8], CodecError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let unit = self.split();
        if unit.is_err() {
            self.rest = &[];
        }
        Some(unit)
    }
}

impl<'a> Units<'a> {
    fn split(&mut self) -> Result<&'a [u8], CodecError> {
        const SHORT: CodecError = CodecError::Short { field: "NAL unit" };
        self.count = self.count.saturating_add(1);
        if self.count > MAX_NALS {
            return Err(too_many(self.count));
        }
        let (len, rest) = self.rest.split_first_chunk().ok_or(SHORT)?;
        let len = u32::from_be_bytes(*len);
        if len == 0 {
            return Err(EMPTY);
        }
        let len = usize::try_from(len).ok().ok_or(SHORT)?;
        let (unit, rest) = rest.split_at_checked(len).ok_or(SHORT)?;
        self.rest = rest;
        Ok(unit)
    }
}

const EMPTY: CodecError = CodecError::OutOfRange {
    field: "NAL unit length",
    value: 0,
};

const fn too_many(len: usize) -> CodecError {
    CodecError::TooLong {
        field: "NAL units of an access unit",
        len,
        max: MAX_NALS,
    }
}

/// Appends `unit` behind its length. `out` never grows past [`MAX_ACCESS_UNIT`]: that is `TooLong`.
pub fn push(out: &mut Vec<u8>, unit: &[u8]) -> Result<(), CodecError> {
    if unit.is_empty() {
        return Err(EMPTY);
    }
    let whole = out
        .len()
        .saturating_add(LENGTH_SIZE)
        .saturating_add(unit.len());
    let too_long = CodecError::TooLong {
        field: "access unit",
        len: whole,
        max: MAX_ACCESS_UNIT,
    };
    if whole > MAX_ACCESS_UNIT {
        return Err(too_long);
    }
    let len = u32::try_from(unit.len()).ok().ok_or(too_long)?;
    out.extend_from_slice(&len.to_be_bytes());
    out.extend_from_slice(unit);
    Ok(())
}

/// Iterates over the NAL units of an Annex B byte stream (14496-10 §B.1), without start codes and
/// trailing zeros. Bytes before the first start code are passed over, empty units too.
pub fn annex_b(stream: &[u8]) -> AnnexB<'_> {
    let rest = find_start_code(stream).map_or(&[][..], |(_, after)| after);
    AnnexB { rest }
}

/// See [`annex_b`].
#[derive(Debug, Clone)]
pub struct AnnexB<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for AnnexB<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        while !self.rest.is_empty() {
            let (unit, after) = find_start_code(self.rest).unwrap_or((self.rest, &[]));
            self.rest = after;
            let unit = without_padding(unit);
            if !unit.is_empty() {
                return Some(unit);
            }
        }
        None
    }
}

/// What is before the first `00 00 01` and what is after it.
fn find_start_code(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = bytes.windows(3).position(|window| window == [0, 0, 1])?;
    let (before, rest) = bytes.split_at_checked(at)?;
    Some((before, rest.get(3..)?))
}

/// Start-code splitters and some cameras leave zeros behind a NAL unit; its stop bit is never in them.
pub(super) fn without_padding(unit: &[u8]) -> &[u8] {
    let kept = unit.iter().rposition(|byte| *byte != 0);
    kept.and_then(|last| unit.get(..=last)).unwrap_or(&[])
}

/// An Annex B access unit as a length-prefixed one. Errors as of [`push`].
pub fn from_annex_b(stream: &[u8]) -> Result<Vec<u8>, CodecError> {
    let mut out = Vec::with_capacity(stream.len().min(MAX_ACCESS_UNIT));
    for (index, unit) in annex_b(stream).enumerate() {
        if index >= MAX_NALS {
            return Err(too_many(index.saturating_add(1)));
        }
        push(&mut out, unit)?;
    }
    Ok(out)
}

/// A length-prefixed access unit as Annex B, each unit behind `00 00 00 01`. Errors as of [`units`].
pub fn to_annex_b(access_unit: &[u8]) -> Result<Vec<u8>, CodecError> {
    let mut out = Vec::with_capacity(access_unit.len());
    for unit in units(access_unit) {
        out.extend_from_slice(&[0, 0, 0, 1]);
        out.extend_from_slice(unit?);
    }
    Ok(out)
}

/// The access unit with only those NAL units that `keep` says, such as all but parameter sets. Errors
/// as of [`units`].
pub fn retain(access_unit: &[u8], keep: impl Fn(&[u8]) -> bool) -> Result<Vec<u8>, CodecError> {
    let mut out = Vec::with_capacity(access_unit.len());
    for unit in units(access_unit) {
        let unit = unit?;
        if keep(unit) {
            push(&mut out, unit)?;
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn start_codes_of_both_lengths_are_found() {
        let stream = [7, 0, 0, 0, 1, 9, 9, 0, 0, 1, 8, 0, 0, 0, 0, 1, 0, 0, 1, 5];
        let units: Vec<_> = annex_b(&stream).collect();
        assert_eq!(units, [&[9, 9][..], &[8], &[5]]);
        assert_eq!(annex_b(&[1, 2, 3]).count(), 0);
    }

    #[test]
    fn the_two_dresses_convert() {
        let prefixed = [0, 0, 0, 2, 9, 9, 0, 0, 0, 1, 8];
        let annexed = [0, 0, 0, 1, 9, 9, 0, 0, 0, 1, 8];
        assert_eq!(to_annex_b(&prefixed).unwrap(), annexed);
        assert_eq!(from_annex_b(&annexed).unwrap(), prefixed);
        let kept = retain(&prefixed, |unit| unit.first() == Some(&8)).unwrap();
        assert_eq!(kept, [0, 0, 0, 1, 8]);
    }

    #[test]
    fn bad_lengths_end_the_iteration() {
        for (bad, count) in [
            (&[0, 0, 0, 0, 1][..], 1),
            (&[0, 0, 0, 2, 1], 1),
            (&[0, 0, 1], 1),
            (&[0, 0, 0, 1, 5, 0xff, 0xff, 0xff, 0xff], 2),
        ] {
            let all: Vec<_> = units(bad).collect();
            assert_eq!(all.len(), count);
            assert!(all.last().unwrap().is_err());
        }
        let many = [0, 0, 0, 1, 5].repeat(MAX_NALS + 1);
        assert_eq!(units(&many).last().unwrap(), Err(too_many(MAX_NALS + 1)));
    }

    #[test]
    fn an_access_unit_has_a_limit() {
        let mut out = vec![0; MAX_ACCESS_UNIT - 5];
        assert!(push(&mut out.clone(), &[1, 2]).is_err());
        assert!(push(&mut out, &[1]).is_ok());
        assert_eq!(push(&mut Vec::new(), &[]), Err(EMPTY));
    }

    proptest! {
        #[test]
        fn random_bytes_never_panic(bytes: Vec<u8>) {
            let total: usize = units(&bytes).flatten().map(<[u8]>::len).sum();
            prop_assert!(total <= bytes.len());
            let total: usize = annex_b(&bytes).map(<[u8]>::len).sum();
            prop_assert!(total <= bytes.len());
        }

        #[test]
        fn conversion_keeps_every_unit(rbsps in proptest::collection::vec(
            proptest::collection::vec(any::<u8>(), 1..40), 0..8)) {
            let mut prefixed = Vec::new();
            for mut rbsp in rbsps {
                rbsp.push(0x80);
                push(&mut prefixed, &crate::codec::bits::escape(&rbsp)).unwrap();
            }
            let there = to_annex_b(&prefixed).unwrap();
            prop_assert_eq!(from_annex_b(&there).unwrap(), prefixed);
        }
    }
}
