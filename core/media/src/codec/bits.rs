//! Reading bits and Exp-Golomb codes out of NAL units, with every end and limit checked.
//!
//! Emulation prevention bytes are skipped while reading, so nothing is copied. Reading past the end is
//! an error, never zeros.

use super::CodecError;

/// The bytes of a NAL unit without its emulation prevention bytes (14496-10 §7.3.1, 23008-2 §7.3.1.1).
#[derive(Debug, Clone)]
pub struct Unescaped<'a> {
    bytes: &'a [u8],
    zeros: u8,
}

impl<'a> Unescaped<'a> {
    /// Reads `nal`, or any part of it that begins outside an escape.
    pub const fn new(nal: &'a [u8]) -> Self {
        Self {
            bytes: nal,
            zeros: 0,
        }
    }

    fn raw(&mut self) -> Option<u8> {
        let (first, rest) = self.bytes.split_first()?;
        self.bytes = rest;
        Some(*first)
    }
}

impl Iterator for Unescaped<'_> {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        let mut byte = self.raw()?;
        if self.zeros >= 2 && byte == 3 {
            self.zeros = 0;
            byte = self.raw()?;
        }
        self.zeros = if byte == 0 {
            self.zeros.saturating_add(1)
        } else {
            0
        };
        Some(byte)
    }
}

/// `nal` without emulation prevention bytes; never longer than `nal`.
pub fn unescape(nal: &[u8]) -> Vec<u8> {
    Unescaped::new(nal).collect()
}

/// `rbsp` with emulation prevention bytes put in, so that no start code appears; at most half longer.
/// An RBSP ends in its stop bit or in pairs of zeros, never in one zero (14496-10 §7.3.2.11).
pub fn escape(rbsp: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(rbsp.len());
    let mut zeros = 0_u8;
    for &byte in rbsp {
        if zeros >= 2 && byte <= 3 {
            out.push(3);
            zeros = 0;
        }
        zeros = if byte == 0 {
            zeros.saturating_add(1)
        } else {
            0
        };
        out.push(byte);
    }
    // 14496-10 §7.4.1: after cabac_zero_words a last 3 follows, so that no NAL unit ends in zero.
    if zeros >= 2 {
        out.push(3);
    }
    out
}

/// Reads bits from the front, most significant first.
#[derive(Debug, Clone)]
pub struct BitReader<'a> {
    bytes: Source<'a>,
    byte: u8,
    left: u8,
}

#[derive(Debug, Clone)]
enum Source<'a> {
    Nal(Unescaped<'a>),
    Plain(&'a [u8]),
}

impl Source<'_> {
    fn next(&mut self) -> Option<u8> {
        match self {
            Self::Nal(bytes) => bytes.next(),
            Self::Plain(bytes) => {
                let (first, rest) = bytes.split_first()?;
                *bytes = rest;
                Some(*first)
            }
        }
    }
}

impl<'a> BitReader<'a> {
    /// Reads a NAL unit, stepping over emulation prevention bytes.
    pub const fn of_nal(nal: &'a [u8]) -> Self {
        Self::new(Source::Nal(Unescaped::new(nal)))
    }

    /// Reads plain bytes, as of an `AudioSpecificConfig`.
    pub const fn of_bytes(bytes: &'a [u8]) -> Self {
        Self::new(Source::Plain(bytes))
    }

    const fn new(bytes: Source<'a>) -> Self {
        Self {
            bytes,
            byte: 0,
            left: 0,
        }
    }

    /// One bit.
    pub fn flag(&mut self, field: &'static str) -> Result<bool, CodecError> {
        if self.left == 0 {
            self.byte = self.bytes.next().ok_or(CodecError::Short { field })?;
            self.left = 8;
        }
        self.left -= 1;
        Ok((self.byte >> self.left) & 1 == 1)
    }

    /// `count` bits, at most 32, as u(n).
    pub fn bits(&mut self, field: &'static str, count: u8) -> Result<u32, CodecError> {
        let mut value = 0;
        for _ in 0..count.min(32) {
            value = (value << 1) | u32::from(self.flag(field)?);
        }
        Ok(value)
    }

    /// Eight bits or fewer.
    pub fn small(&mut self, field: &'static str, count: u8) -> Result<u8, CodecError> {
        Ok(self.bits(field, count.min(8))?.to_le_bytes()[0])
    }

    /// Passes over `count` bits.
    pub fn skip(&mut self, field: &'static str, count: u32) -> Result<(), CodecError> {
        for _ in 0..count {
            self.flag(field)?;
        }
        Ok(())
    }

    /// An unsigned Exp-Golomb code, ue(v), up to `max` (14496-10 §9.1).
    pub fn ue(&mut self, field: &'static str, max: u32) -> Result<u32, CodecError> {
        let value = self.golomb(field)?;
        match u32::try_from(value) {
            Ok(small) if small <= max => Ok(small),
            Ok(_) | Err(_) => Err(CodecError::OutOfRange { field, value }),
        }
    }

    /// A signed Exp-Golomb code, se(v) (14496-10 §9.1.1).
    pub fn se(&mut self, field: &'static str) -> Result<i32, CodecError> {
        let code = self.golomb(field)?;
        let half = i64::try_from(code.div_ceil(2)).unwrap_or(i64::MAX);
        let value = if code % 2 == 1 { half } else { -half };
        i32::try_from(value)
            .ok()
            .ok_or(CodecError::OutOfRange { field, value: code })
    }

    fn golomb(&mut self, field: &'static str) -> Result<u64, CodecError> {
        let mut zeros = 0_u8;
        while !self.flag(field)? {
            zeros += 1;
            if zeros > 32 {
                return Err(CodecError::OutOfRange {
                    field,
                    value: u64::MAX,
                });
            }
        }
        let rest = u64::from(self.bits(field, zeros)?);
        Ok(((1_u64 << zeros) - 1) + rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const F: &str = "field";

    #[test]
    fn golomb_codes_follow_the_standard_table() {
        // 14496-10 table 9-2: 1, 010, 011, 00100 are 0, 1, 2, 3.
        let bytes = [0b1010_0110, 0b0100_0000];
        let mut bits = BitReader::of_bytes(&bytes);
        let values: Vec<_> = (0..4).map(|_| bits.ue(F, 9).unwrap()).collect();
        assert_eq!(values, [0, 1, 2, 3]);
        // Table 9-3: 0, 1, -1, 2.
        let mut bits = BitReader::of_bytes(&bytes);
        let values: Vec<_> = (0..4).map(|_| bits.se(F).unwrap()).collect();
        assert_eq!(values, [0, 1, -1, 2]);
    }

    #[test]
    fn the_end_and_the_limit_are_errors() {
        assert_eq!(
            BitReader::of_bytes(&[0xff]).bits(F, 9),
            Err(CodecError::Short { field: F })
        );
        let too_big = BitReader::of_bytes(&[0b0010_0000]).ue(F, 2);
        assert_eq!(too_big, Err(CodecError::OutOfRange { field: F, value: 3 }));
        assert!(BitReader::of_bytes(&[0; 9]).ue(F, u32::MAX).is_err());
        let longest = [0, 0, 0, 0, 0x80, 0, 0, 0, 0x80];
        assert!(BitReader::of_bytes(&longest).ue(F, u32::MAX).is_err());
    }

    #[test]
    fn emulation_prevention_is_stepped_over() {
        assert_eq!(
            unescape(&[9, 0, 0, 3, 1, 0, 0, 3, 0, 0, 3]),
            [9, 0, 0, 1, 0, 0, 0, 0]
        );
        let mut bits = BitReader::of_nal(&[0, 0, 3, 1]);
        assert_eq!(bits.bits(F, 24), Ok(1));
    }

    proptest! {
        #[test]
        fn escaping_is_undone_and_hides_start_codes(mut rbsp in proptest::collection::vec(0_u8..5, 0..64)) {
            rbsp.push(0x80);
            let nal = escape(&rbsp);
            prop_assert_eq!(unescape(&nal), rbsp);
            prop_assert!(!nal.windows(3).any(|w| w[0] == 0 && w[1] == 0 && w[2] <= 2));
        }

        #[test]
        fn random_bits_never_panic(bytes: Vec<u8>, plan: Vec<u8>) {
            let mut bits = BitReader::of_nal(&bytes);
            for step in plan {
                let went = match step % 4 {
                    0 => bits.bits(F, step).map(drop),
                    1 => bits.ue(F, u32::MAX).map(drop),
                    2 => bits.se(F).map(drop),
                    _ => bits.skip(F, u32::from(step)),
                };
                let of_length = matches!(went, Err(CodecError::TooLong { .. }));
                prop_assert!(!of_length);
            }
        }
    }
}
