//! Reads the little of CBOR (RFC 8949) that authenticators write: definite lengths, nested a few levels deep
//! (CTAP 2.1 §8). It writes nothing, and knows no tags and no floating point beyond passing over them.

use super::PasskeyError;

/// Levels of arrays and maps that are passed over.
const MAX_DEPTH: u8 = 4;

/// Entries of a map that is read.
pub(super) const MAX_ENTRIES: u64 = 16;

const MALFORMED: PasskeyError = PasskeyError::Malformed("the authenticator's data is no CBOR");

/// Bytes that are still to be read.
pub(super) struct Reader<'a>(&'a [u8]);

/// One item; of arrays and maps only their head.
pub(super) enum Item<'a> {
    Int(i64),
    Bytes(&'a [u8]),
    Text(&'a str),
    Array(u64),
    Map(u64),
    /// Before the item that it is about.
    Tag,
    /// A simple value or a floating-point number.
    Simple,
}

impl<'a> Reader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// What has not been read.
    pub(super) const fn rest(&self) -> &'a [u8] {
        self.0
    }

    pub(super) fn item(&mut self) -> Result<Item<'a>, PasskeyError> {
        let first = self.take(1)?.first().copied().ok_or(MALFORMED)?;
        let argument = self.argument(first & 0x1f)?;
        let length = usize::try_from(argument).map_err(|_wide| MALFORMED);
        Ok(match first >> 5 {
            0 => Item::Int(i64::try_from(argument).map_err(|_wide| MALFORMED)?),
            // RFC 8949 §3.1: -1 - argument, which is its complement.
            1 => Item::Int(!i64::try_from(argument).map_err(|_wide| MALFORMED)?),
            2 => Item::Bytes(self.take(length?)?),
            3 => Item::Text(str::from_utf8(self.take(length?)?).map_err(|_foreign| MALFORMED)?),
            4 => Item::Array(argument),
            5 => Item::Map(argument),
            6 => Item::Tag,
            _ => Item::Simple,
        })
    }

    /// The head of a map with few entries.
    pub(super) fn map(&mut self) -> Result<u64, PasskeyError> {
        match self.item()? {
            Item::Map(entries) if entries <= MAX_ENTRIES => Ok(entries),
            _ => Err(MALFORMED),
        }
    }

    pub(super) fn bytes(&mut self) -> Result<&'a [u8], PasskeyError> {
        match self.item()? {
            Item::Bytes(bytes) => Ok(bytes),
            _ => Err(MALFORMED),
        }
    }

    /// Passes over one item with all that is in it.
    pub(super) fn skip(&mut self) -> Result<(), PasskeyError> {
        self.skip_within(MAX_DEPTH)
    }

    fn skip_within(&mut self, depth: u8) -> Result<(), PasskeyError> {
        let inside = match self.item()? {
            Item::Array(entries) => entries,
            Item::Map(entries) => entries.saturating_mul(2),
            Item::Tag => 1,
            _ => return Ok(()),
        };
        let depth = depth.checked_sub(1).ok_or(MALFORMED)?;
        // Every item takes a byte, so a false count ends with the bytes.
        for _ in 0..inside {
            self.skip_within(depth)?;
        }
        Ok(())
    }

    /// RFC 8949 §3: 28 to 30 are reserved, 31 stands for an indefinite length.
    fn argument(&mut self, info: u8) -> Result<u64, PasskeyError> {
        let bytes = match info {
            0..=23 => return Ok(u64::from(info)),
            24 => self.take(1)?,
            25 => self.take(2)?,
            26 => self.take(4)?,
            27 => self.take(8)?,
            _ => return Err(MALFORMED),
        };
        let fold = |value: u64, byte: &u8| (value << 8) | u64::from(*byte);
        Ok(bytes.iter().fold(0, fold))
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8], PasskeyError> {
        let (taken, rest) = self.0.split_at_checked(len).ok_or(MALFORMED)?;
        self.0 = rest;
        Ok(taken)
    }
}
