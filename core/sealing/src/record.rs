//! Records: how a sealed stream is cut into pieces that lie on disk, travel to viewers and are chained.
//!
//! A record is a 16-byte header and a body (`docs/sealed-stream.md` §2). This room knows frames of
//! bytes only; what the bodies mean is next door. Whoever holds no key can still walk a stream, find
//! segments and keyframes, and see by the chain whether a byte was changed.

use aws_lc_rs::digest;
use bartizan_domain::limits::MAX_RECORD_BODY;
use bartizan_domain::wire::{Reader, WireError};
use bartizan_domain::{Hash, Rendition, Track};

/// Length of a record header in bytes.
pub const HEADER_LEN: usize = 16;

/// The part of the header that the chain and the AEAD cover: all but the check field.
pub const COVERED_LEN: usize = 12;

/// What a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Kind {
    /// Who may open an epoch; signed.
    Envelope = 1,
    /// The start of a segment.
    SegmentHeader = 2,
    /// One sealed access unit, event or thumbnail.
    Frame = 3,
    /// The end of a segment.
    SegmentClose = 4,
    /// A signed statement of what has been recorded and what has not.
    Manifest = 5,
}

impl Kind {
    const fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::Envelope),
            2 => Some(Self::SegmentHeader),
            3 => Some(Self::Frame),
            4 => Some(Self::SegmentClose),
            5 => Some(Self::Manifest),
            _ => None,
        }
    }
}

/// The flags of a frame record.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Flags {
    /// Decoding can start here.
    pub key: bool,
    /// The body carries the track's configuration.
    pub config: bool,
}

impl Flags {
    const KEY: u8 = 1;
    const CONFIG: u8 = 2;

    const fn code(self) -> u8 {
        (if self.key { Self::KEY } else { 0 }) | (if self.config { Self::CONFIG } else { 0 })
    }

    const fn from_code(code: u8) -> Option<Self> {
        if code & !(Self::KEY | Self::CONFIG) != 0 {
            return None;
        }
        Some(Self {
            key: code & Self::KEY != 0,
            config: code & Self::CONFIG != 0,
        })
    }
}

/// A record's header, without its check field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Bytes of body behind the header, at most [`MAX_RECORD_BODY`].
    pub body_len: u32,
    /// What the record is.
    pub kind: Kind,
    /// For frames; all clear otherwise.
    pub flags: Flags,
    /// Whose.
    pub rendition: Rendition,
    /// For frames; video otherwise.
    pub track: Track,
    /// Frame: its place in the segment, from 0. Close: how many frames there were. Else 0.
    pub index: u32,
}

impl Header {
    /// The twelve covered bytes.
    pub fn covered(&self) -> [u8; COVERED_LEN] {
        let mut out = [0; COVERED_LEN];
        let mut place = out.iter_mut();
        let middle = [
            self.kind as u8,
            self.flags.code(),
            self.rendition.code(),
            self.track.code(),
        ];
        for byte in [
            self.body_len.to_be_bytes(),
            middle,
            self.index.to_be_bytes(),
        ]
        .as_flattened()
        {
            place.next().into_iter().for_each(|to| *to = *byte);
        }
        out
    }

    /// The whole header, for a record that ends the chain at `chain`.
    pub fn encode(&self, chain: &Hash) -> [u8; HEADER_LEN] {
        let mut out = [0; HEADER_LEN];
        let (covered, check) = out.split_at_mut(COVERED_LEN);
        covered.copy_from_slice(&self.covered());
        check.copy_from_slice(&check_of(chain));
        out
    }

    /// Reads a header and its check field; refuses unknown codes and lengths over the limit.
    pub fn decode(bytes: &[u8; HEADER_LEN]) -> Result<(Self, [u8; 4]), WireError> {
        let mut input = Reader::new(bytes);
        let body_len = input.u32("record body")?;
        if body_len as usize > MAX_RECORD_BODY {
            let (len, max) = (body_len as usize, MAX_RECORD_BODY);
            return Err(WireError::TooLong {
                field: "record body",
                len,
                max,
            });
        }
        let unknown = |field, value: u8| WireError::Unknown {
            field,
            value: value.into(),
        };
        let code = input.u8("record kind")?;
        let kind = Kind::from_code(code).ok_or(unknown("record kind", code))?;
        let code = input.u8("record flags")?;
        let flags = Flags::from_code(code).ok_or(unknown("record flags", code))?;
        let rendition = input.rendition("record rendition")?;
        let code = input.u8("record track")?;
        let track = Track::from_code(code).ok_or(unknown("record track", code))?;
        let index = input.u32("record index")?;
        let check = input.array("record check")?;
        if kind != Kind::Frame && (flags != Flags::default() || track != Track::Video) {
            return Err(unknown("record flags", flags.code()));
        }
        if !matches!(kind, Kind::Frame | Kind::SegmentClose) && index != 0 {
            return Err(WireError::Unknown {
                field: "record index",
                value: index.into(),
            });
        }
        Ok((
            Self {
                body_len,
                kind,
                flags,
                rendition,
                track,
                index,
            },
            check,
        ))
    }

    /// Bytes of the whole record.
    pub const fn record_len(&self) -> usize {
        HEADER_LEN + self.body_len as usize
    }
}

/// The chain after a record: SHA-256 over the chain before it, its covered header and its body.
///
/// A segment's chain starts anew at its header record, as does that of every record outside segments.
pub fn link(before: &Hash, covered: &[u8; COVERED_LEN], body: &[u8]) -> Hash {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(before.as_bytes());
    context.update(covered);
    context.update(body);
    let mut out = [0; 32];
    out.copy_from_slice(context.finish().as_ref());
    Hash::new(out)
}

/// The check field of a record that ends the chain at `chain`: its first four bytes.
pub fn check_of(chain: &Hash) -> [u8; 4] {
    let [a, b, c, d, ..] = *chain.as_bytes();
    [a, b, c, d]
}

/// One record inside a larger slice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// What it is.
    pub header: Header,
    /// The check field as given; compare it with [`check_of`] the chain.
    pub check: [u8; 4],
    /// Its body.
    pub body: &'a [u8],
    /// Header and body.
    pub bytes: &'a [u8],
}

impl<'a> Record<'a> {
    /// Takes the first record off `input`: `None` when it is not complete yet.
    ///
    /// # Errors
    /// The header is not one; nothing after it can be read.
    pub fn split(input: &'a [u8]) -> Result<Option<(Self, &'a [u8])>, WireError> {
        let Some(head) = input.first_chunk::<HEADER_LEN>() else {
            return Ok(None);
        };
        let (header, check) = Header::decode(head)?;
        let Some((bytes, rest)) = input.split_at_checked(header.record_len()) else {
            return Ok(None);
        };
        let body = bytes.get(HEADER_LEN..).unwrap_or_default();
        Ok(Some((
            Self {
                header,
                check,
                body,
                bytes,
            },
            rest,
        )))
    }

    /// The chain after this record, when its check field agrees.
    pub fn chain_after(&self, before: &Hash) -> Option<Hash> {
        let start = if self.header.kind.starts_chain() {
            &Hash::ZERO
        } else {
            before
        };
        let chain = link(start, &self.header.covered(), self.body);
        (check_of(&chain) == self.check).then_some(chain)
    }
}

impl Kind {
    /// Whether the chain starts anew with records of this kind.
    pub const fn starts_chain(self) -> bool {
        !matches!(self, Self::Frame | Self::SegmentClose)
    }
}

/// Appends a record that stands outside segments (envelope, manifest) and gives its chain, which is its
/// hash.
pub fn append_single(out: &mut Vec<u8>, kind: Kind, rendition: Rendition, body: &[u8]) -> Hash {
    let header = Header {
        body_len: u32::try_from(body.len()).unwrap_or(u32::MAX),
        kind,
        flags: Flags::default(),
        rendition,
        track: Track::Video,
        index: 0,
    };
    let chain = link(&Hash::ZERO, &header.covered(), body);
    out.extend_from_slice(&header.encode(&chain));
    out.extend_from_slice(body);
    chain
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn records_round_trip() {
        let mut out = Vec::new();
        let hash = append_single(&mut out, Kind::Manifest, Rendition::Sub, b"body");
        let (record, rest) = Record::split(&out).unwrap().unwrap();
        assert_eq!((record.body, rest), (b"body".as_slice(), [].as_slice()));
        assert_eq!(record.chain_after(&Hash::new([9; 32])), Some(hash));
    }

    #[test]
    fn a_changed_byte_breaks_the_check() {
        let mut out = Vec::new();
        append_single(&mut out, Kind::Envelope, Rendition::Main, b"body");
        *out.last_mut().unwrap() ^= 1;
        let (record, _) = Record::split(&out).unwrap().unwrap();
        assert_eq!(record.chain_after(&Hash::ZERO), None);
    }

    #[test]
    fn incomplete_records_wait() {
        let mut out = Vec::new();
        append_single(&mut out, Kind::Envelope, Rendition::Main, b"body");
        for len in 0..out.len() {
            assert_eq!(Record::split(&out[..len]), Ok(None));
        }
    }

    #[test]
    fn lengths_over_the_limit_are_refused_before_the_body_is_awaited() {
        let mut head = [0; HEADER_LEN];
        head[..4].copy_from_slice(&u32::MAX.to_be_bytes());
        head[4] = 1;
        assert!(matches!(
            Record::split(&head),
            Err(WireError::TooLong { .. })
        ));
    }

    proptest! {
        #[test]
        fn foreign_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            if let Ok(Some((record, _))) = Record::split(&bytes) {
                let (again, _) = Header::decode(&record.header.encode(&Hash::ZERO)).unwrap();
                prop_assert_eq!(again, record.header);
            }
        }
    }
}
