//! The one byte codec of everything that is signed, sealed or stored: big-endian integers, fixed
//! fields, and byte strings with a length in front (the presentation language of RFC 8446 §3).
//!
//! There is exactly one encoding of a value, and a reader refuses every other: lengths are checked
//! against the field's limit before anything is copied, and left-over bytes are an error.

use crate::{Hash, Rendition, UtcMillis, sabotage};

/// Why bytes are not the value that was expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// The bytes end before the value does.
    #[error("{field} is cut short")]
    Short {
        /// The field that was being read.
        field: &'static str,
    },
    /// A length or count passes the field's limit.
    #[error("{field} has a length of {len}; the limit is {max}")]
    TooLong {
        /// The field that was being read.
        field: &'static str,
        /// Length or count given.
        len: usize,
        /// Length or count allowed.
        max: usize,
    },
    /// A code that this version does not know, or a value outside its range.
    #[error("{field} has the unknown value {value}")]
    Unknown {
        /// The field that was being read.
        field: &'static str,
        /// The value given.
        value: u64,
    },
    /// Bytes are left over.
    #[error("{len} bytes are left over after the value")]
    Trailing {
        /// How many.
        len: usize,
    },
}

/// Appends values to a growing buffer.
#[derive(Debug, Default, Clone)]
pub struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// An empty buffer.
    pub const fn new() -> Self {
        Self { bytes: Vec::new() }
    }

    /// One byte.
    pub fn u8(&mut self, value: u8) -> &mut Self {
        self.bytes.push(value);
        self
    }

    /// Two bytes.
    pub fn u16(&mut self, value: u16) -> &mut Self {
        self.fixed(&value.to_be_bytes())
    }

    /// Four bytes.
    pub fn u32(&mut self, value: u32) -> &mut Self {
        self.fixed(&value.to_be_bytes())
    }

    /// Eight bytes.
    pub fn u64(&mut self, value: u64) -> &mut Self {
        self.fixed(&value.to_be_bytes())
    }

    /// Eight bytes, two's complement.
    pub fn i64(&mut self, value: i64) -> &mut Self {
        self.fixed(&value.to_be_bytes())
    }

    /// Four bytes, two's complement.
    pub fn i32(&mut self, value: i32) -> &mut Self {
        self.fixed(&value.to_be_bytes())
    }

    /// A time, as eight bytes of milliseconds.
    pub fn time(&mut self, value: UtcMillis) -> &mut Self {
        self.u64(value.0)
    }

    /// Bytes whose length both sides know.
    pub fn fixed(&mut self, bytes: &[u8]) -> &mut Self {
        self.bytes.extend_from_slice(bytes);
        self
    }

    /// Up to 255 bytes behind a one-byte length; what is longer is cut, so callers hold the limit.
    pub fn vec8(&mut self, bytes: &[u8]) -> &mut Self {
        let len = u8::try_from(bytes.len()).unwrap_or(u8::MAX);
        self.u8(len)
            .fixed(bytes.get(..usize::from(len)).unwrap_or(bytes))
    }

    /// Up to 65,535 bytes behind a two-byte length; what is longer is cut, so callers hold the limit.
    pub fn vec16(&mut self, bytes: &[u8]) -> &mut Self {
        let len = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
        self.u16(len)
            .fixed(bytes.get(..usize::from(len)).unwrap_or(bytes))
    }

    /// What has been written.
    pub fn as_slice(&self) -> &[u8] {
        &self.bytes
    }

    /// What has been written, given away.
    pub fn into_vec(self) -> Vec<u8> {
        self.bytes
    }
}

/// Reads values from the front of a slice.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Reads `bytes` from their start.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// `len` bytes.
    pub fn take(&mut self, field: &'static str, len: usize) -> Result<&'a [u8], WireError> {
        let (head, rest) = self
            .rest
            .split_at_checked(len)
            .ok_or(WireError::Short { field })?;
        self.rest = rest;
        Ok(head)
    }

    /// `N` bytes.
    pub fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], WireError> {
        let (head, rest) = self
            .rest
            .split_first_chunk()
            .ok_or(WireError::Short { field })?;
        self.rest = rest;
        Ok(*head)
    }

    /// One byte.
    pub fn u8(&mut self, field: &'static str) -> Result<u8, WireError> {
        Ok(u8::from_be_bytes(self.array(field)?))
    }

    /// Two bytes.
    pub fn u16(&mut self, field: &'static str) -> Result<u16, WireError> {
        Ok(u16::from_be_bytes(self.array(field)?))
    }

    /// Four bytes.
    pub fn u32(&mut self, field: &'static str) -> Result<u32, WireError> {
        Ok(u32::from_be_bytes(self.array(field)?))
    }

    /// Eight bytes.
    pub fn u64(&mut self, field: &'static str) -> Result<u64, WireError> {
        Ok(u64::from_be_bytes(self.array(field)?))
    }

    /// Eight bytes, two's complement.
    pub fn i64(&mut self, field: &'static str) -> Result<i64, WireError> {
        Ok(i64::from_be_bytes(self.array(field)?))
    }

    /// Four bytes, two's complement.
    pub fn i32(&mut self, field: &'static str) -> Result<i32, WireError> {
        Ok(i32::from_be_bytes(self.array(field)?))
    }

    /// A time.
    pub fn time(&mut self, field: &'static str) -> Result<UtcMillis, WireError> {
        Ok(UtcMillis(self.u64(field)?))
    }

    /// A digest.
    pub fn hash(&mut self, field: &'static str) -> Result<Hash, WireError> {
        Ok(Hash::new(self.array(field)?))
    }

    /// A rendition.
    pub fn rendition(&mut self, field: &'static str) -> Result<Rendition, WireError> {
        let code = self.u8(field)?;
        Rendition::from_code(code).ok_or(WireError::Unknown {
            field,
            value: code.into(),
        })
    }

    /// A version or type byte that must be `expected`.
    pub fn exactly(&mut self, field: &'static str, expected: u8) -> Result<(), WireError> {
        match self.u8(field)? {
            value if value == expected => Ok(()),
            value => Err(WireError::Unknown {
                field,
                value: value.into(),
            }),
        }
    }

    /// A count that may be at most `max`.
    pub fn count16(&mut self, field: &'static str, max: usize) -> Result<usize, WireError> {
        let len = usize::from(self.u16(field)?);
        if len > max && !sabotage::off("G-20") {
            Err(WireError::TooLong { field, len, max })
        } else {
            Ok(len)
        }
    }

    /// Bytes behind a one-byte length of at most `max`.
    pub fn vec8(&mut self, field: &'static str, max: usize) -> Result<&'a [u8], WireError> {
        let len = usize::from(self.u8(field)?);
        if len > max && !sabotage::off("G-20") {
            return Err(WireError::TooLong { field, len, max });
        }
        self.take(field, len)
    }

    /// Bytes behind a two-byte length of at most `max`.
    pub fn vec16(&mut self, field: &'static str, max: usize) -> Result<&'a [u8], WireError> {
        let len = self.count16(field, max)?;
        self.take(field, len)
    }

    /// What has not been read.
    pub const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Everything must have been read.
    pub const fn finish(self) -> Result<(), WireError> {
        match self.rest.len() {
            0 => Ok(()),
            len => Err(WireError::Trailing { len }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_round_trip() {
        let mut writer = Writer::new();
        writer
            .u8(1)
            .u16(2)
            .u32(3)
            .u64(4)
            .i64(-5)
            .vec8(b"six")
            .vec16(b"seven")
            .fixed(&[8; 3]);
        let mut reader = Reader::new(writer.as_slice());
        assert_eq!(reader.u8("a"), Ok(1));
        assert_eq!(reader.u16("b"), Ok(2));
        assert_eq!(reader.u32("c"), Ok(3));
        assert_eq!(reader.u64("d"), Ok(4));
        assert_eq!(reader.i64("e"), Ok(-5));
        assert_eq!(reader.vec8("f", 3), Ok(b"six".as_slice()));
        assert_eq!(reader.vec16("g", 5), Ok(b"seven".as_slice()));
        assert_eq!(reader.array("h"), Ok([8; 3]));
        assert_eq!(reader.finish(), Ok(()));
    }

    #[test]
    fn g_20_every_limit_is_checked_before_the_bytes() {
        let field = "x";
        assert_eq!(
            Reader::new(&[0]).u16(field),
            Err(WireError::Short { field })
        );
        let long = Reader::new(&[9]).vec8(field, 8);
        assert_eq!(
            long,
            Err(WireError::TooLong {
                field,
                len: 9,
                max: 8
            })
        );
        assert_eq!(
            Reader::new(&[2, 0]).vec8(field, 8),
            Err(WireError::Short { field })
        );
        assert_eq!(
            Reader::new(&[0]).finish(),
            Err(WireError::Trailing { len: 1 })
        );
        let unknown = Reader::new(&[7]).exactly(field, 1);
        assert_eq!(unknown, Err(WireError::Unknown { field, value: 7 }));
    }
}
