//! Index blocks: one page of rows, each a few bytes, that stands alone.
//!
//! A block starts from a cursor (what came before it) and holds two kinds of entry in the order of the
//! stream: *extents* (where the next piece of the stream lies) and *segments*. Both are written as
//! differences in LEB128, so a segment takes about eleven bytes and an extent two or three. A check
//! covers the page: a torn block is no block.

use bartizan_domain::wire::{Reader, WireError, Writer};
use bartizan_domain::{CameraId, StreamId, UtcMillis};

use crate::digest::{CHECK_LEN, check, open};
use crate::extent::Place;
use crate::page::PAGE;
use crate::track::{SegmentRow, SegmentState};

const MAGIC: [u8; 4] = *b"BZIX";
const VERSION: u8 = 1;
const HEADER_LEN: usize = 4 + 1 + 16 + 1 + 5 * 8 + 8 + 4 + 2;
const CAPACITY: usize = PAGE - HEADER_LEN - CHECK_LEN;

const TAG_SEGMENT: u8 = 1;
const TAG_CLOSED: u8 = 2;
const TAG_NUMBER_SKIP: u8 = 4;
const TAG_OFFSET_SKIP: u8 = 8;
const TAG_EXTENT: u8 = 0;
const TAG_EXTENT_SKIP: u8 = 2;

/// What an entry is the difference to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cursor {
    /// Number of the next extent.
    pub extent: u64,
    /// Place of the extent before.
    pub place: u64,
    /// Number of the next segment when none is missing.
    pub number: u64,
    /// Start of the segment before.
    pub time: u64,
    /// Logical offset behind the segment before.
    pub offset: u64,
}

/// A parsed block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// Whose.
    pub stream: StreamId,
    /// What came before.
    pub first: Cursor,
    /// What follows.
    pub next: Cursor,
    /// Extents by number, ascending.
    pub extents: Vec<(u64, Place)>,
    /// Segments in the order of the stream.
    pub rows: Vec<SegmentRow>,
    /// Logical offset and length of the last manifest when the block was written.
    pub manifest: Option<(u64, u32)>,
}

/// Writes one block.
#[derive(Debug, Clone)]
pub struct Builder {
    stream: StreamId,
    first: Cursor,
    /// What the next entry is the difference to.
    pub(crate) next: Cursor,
    pub(crate) manifest: Option<(u64, u32)>,
    body: Vec<u8>,
}

impl Builder {
    /// An empty block.
    pub const fn new(stream: StreamId, first: Cursor) -> Self {
        Self {
            stream,
            first,
            next: first,
            manifest: None,
            body: Vec::new(),
        }
    }

    /// A builder that goes on where `block`, the last of its file, ended.
    pub(crate) fn resume(block: &Block) -> Self {
        let mut builder = Self::new(block.stream, block.first);
        builder.manifest = block.manifest;
        // Extents and rows do not refer to each other, so their order among themselves is enough, and
        // the size stays what it was.
        let extents = block
            .extents
            .iter()
            .all(|(n, place)| builder.push_extent(*n, *place));
        let rows = block.rows.iter().all(|row| builder.push_row(row));
        debug_assert!(extents && rows, "what was in a block fits into one");
        builder
    }

    /// The block after this one.
    #[must_use]
    pub const fn follow(&self) -> Self {
        let mut next = Self::new(self.stream, self.next);
        next.manifest = self.manifest;
        next
    }

    /// Adds an extent; `false` when the block is full.
    #[must_use]
    pub fn push_extent(&mut self, number: u64, place: Place) -> bool {
        let mut entry = Vec::with_capacity(24);
        match number.saturating_sub(self.next.extent) {
            0 => entry.push(TAG_EXTENT),
            skip => {
                entry.push(TAG_EXTENT_SKIP);
                put_varint(&mut entry, skip);
            }
        }
        put_varint(&mut entry, zigzag(place.0.wrapping_sub(self.next.place)));
        let next = Cursor {
            extent: number.saturating_add(1),
            place: place.0,
            ..self.next
        };
        self.push(&entry, next)
    }

    /// Adds a segment, which starts no earlier than the one before; `false` when the block is full.
    #[must_use]
    pub fn push_row(&mut self, row: &SegmentRow) -> bool {
        let number_skip = row.number.saturating_sub(self.next.number);
        let offset_skip = row.offset.saturating_sub(self.next.offset);
        let mut tag = TAG_SEGMENT;
        for (on, bit) in [
            (row.state == SegmentState::Closed, TAG_CLOSED),
            (number_skip != 0, TAG_NUMBER_SKIP),
            (offset_skip != 0, TAG_OFFSET_SKIP),
        ] {
            tag |= if on { bit } else { 0 };
        }
        let mut entry = vec![tag];
        put_varint(&mut entry, row.start.0.saturating_sub(self.next.time));
        put_varint(&mut entry, row.duration);
        put_varint(&mut entry, row.len);
        put_varint(&mut entry, row.key_len.into());
        for skip in [number_skip, offset_skip]
            .into_iter()
            .filter(|skip| *skip != 0)
        {
            put_varint(&mut entry, skip);
        }
        let next = Cursor {
            number: row.number.saturating_add(1),
            time: row.start.0,
            offset: row.end_offset(),
            ..self.next
        };
        self.push(&entry, next)
    }

    fn push(&mut self, entry: &[u8], next: Cursor) -> bool {
        if self.body.len().saturating_add(entry.len()) > CAPACITY {
            return false;
        }
        self.body.extend_from_slice(entry);
        self.next = next;
        true
    }

    /// The page as it stands.
    pub fn encode(&self) -> [u8; PAGE] {
        let mut out = Writer::new();
        out.fixed(&MAGIC).u8(VERSION);
        out.fixed(self.stream.camera.as_bytes())
            .u8(self.stream.rendition.code());
        let first = self.first;
        out.u64(first.extent)
            .u64(first.place)
            .u64(first.number)
            .u64(first.time)
            .u64(first.offset);
        let (at, len) = self.manifest.unwrap_or_default();
        out.u64(at).u32(len).vec16(&self.body);
        let mut bytes = out.into_vec();
        bytes.resize(PAGE - CHECK_LEN, 0);
        let sum = check(&bytes);
        bytes.extend_from_slice(&sum);
        let mut page = [0; PAGE];
        page.copy_from_slice(&bytes);
        page
    }
}

/// Reads a block: one page of an index file.
///
/// # Errors
/// The page is no index block, a torn one, or holds values that do not fit together.
pub fn parse_block(page: &[u8]) -> Result<Block, WireError> {
    let field = "index block";
    let page = page.get(..PAGE).ok_or(WireError::Short { field })?;
    let mut input = Reader::new(open(page).ok_or(WireError::Unknown { field, value: 0 })?);
    if input.array(field)? != MAGIC {
        return Err(WireError::Unknown { field, value: 0 });
    }
    input.exactly("index version", VERSION)?;
    let camera = CameraId::new(input.array("camera")?);
    let stream = StreamId {
        camera,
        rendition: input.rendition("rendition")?,
    };
    let first = Cursor {
        extent: input.u64("extent")?,
        place: input.u64("place")?,
        number: input.u64("segment number")?,
        time: input.u64("time")?,
        offset: input.u64("offset")?,
    };
    let manifest = (input.u64("manifest offset")?, input.u32("manifest length")?);
    let body = input.vec16("index entries", CAPACITY)?;
    let mut block = Block {
        stream,
        first,
        next: first,
        extents: Vec::new(),
        rows: Vec::new(),
        manifest: (manifest.1 != 0).then_some(manifest),
    };
    let mut entries = Reader::new(body);
    while !entries.rest().is_empty() {
        block.read_entry(&mut entries)?;
    }
    Ok(block)
}

impl Block {
    fn read_entry(&mut self, input: &mut Reader<'_>) -> Result<(), WireError> {
        let field = "index entry";
        let tag = input.u8(field)?;
        match tag {
            TAG_EXTENT | TAG_EXTENT_SKIP => self.read_extent(tag, input),
            _ if tag & TAG_SEGMENT != 0 && tag < 16 => self.read_row(tag, input),
            _ => Err(WireError::Unknown {
                field,
                value: tag.into(),
            }),
        }
    }

    fn read_extent(&mut self, tag: u8, input: &mut Reader<'_>) -> Result<(), WireError> {
        let skip = if tag == TAG_EXTENT_SKIP {
            varint(input)?
        } else {
            0
        };
        let number = sum(self.next.extent, skip)?;
        let place = self.next.place.wrapping_add(unzigzag(varint(input)?));
        self.extents.push((number, Place(place)));
        self.next.extent = sum(number, 1)?;
        self.next.place = place;
        Ok(())
    }

    fn read_row(&mut self, tag: u8, input: &mut Reader<'_>) -> Result<(), WireError> {
        let start = sum(self.next.time, varint(input)?)?;
        let duration = varint(input)?;
        let len = varint(input)?;
        let key_len = varint(input)?;
        let number_skip = if tag & TAG_NUMBER_SKIP == 0 {
            0
        } else {
            varint(input)?
        };
        let offset_skip = if tag & TAG_OFFSET_SKIP == 0 {
            0
        } else {
            varint(input)?
        };
        let closed = tag & TAG_CLOSED != 0;
        let row = SegmentRow {
            number: sum(self.next.number, number_skip)?,
            start: UtcMillis(start),
            duration,
            offset: sum(self.next.offset, offset_skip)?,
            len,
            key_len: u32::try_from(key_len).map_err(|_opaque| WireError::Unknown {
                field: "key length",
                value: key_len,
            })?,
            state: if closed {
                SegmentState::Closed
            } else {
                SegmentState::Cut
            },
        };
        self.next.number = sum(row.number, 1)?;
        self.next.time = start;
        self.next.offset = sum(row.offset, len)?;
        self.rows.push(row);
        Ok(())
    }
}

fn sum(a: u64, b: u64) -> Result<u64, WireError> {
    a.checked_add(b).ok_or(WireError::Unknown {
        field: "index difference",
        value: b,
    })
}

fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    loop {
        let low = u8::try_from(value & 0x7f).unwrap_or_default();
        value >>= 7;
        if value == 0 {
            out.push(low);
            return;
        }
        out.push(low | 0x80);
    }
}

/// LEB128, at most ten bytes.
fn varint(input: &mut Reader<'_>) -> Result<u64, WireError> {
    let field = "index difference";
    let mut value: u64 = 0;
    for shift in (0..64).step_by(7) {
        let byte = input.u8(field)?;
        let low = u64::from(byte & 0x7f);
        if shift == 63 && low > 1 {
            break;
        }
        value |= low << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(WireError::Unknown { field, value })
}

/// Small differences in both directions as small numbers.
const fn zigzag(difference: u64) -> u64 {
    let sign = if difference >> 63 == 1 { u64::MAX } else { 0 };
    (difference << 1) ^ sign
}

const fn unzigzag(code: u64) -> u64 {
    let sign = if code & 1 == 1 { u64::MAX } else { 0 };
    (code >> 1) ^ sign
}

#[cfg(test)]
mod tests {
    use bartizan_domain::Rendition;
    use proptest::prelude::*;

    use super::*;

    fn stream() -> StreamId {
        StreamId {
            camera: CameraId::new([3; 16]),
            rendition: Rendition::Main,
        }
    }

    fn row(number: u64, start: u64, offset: u64, len: u64) -> SegmentRow {
        let (duration, key_len) = (len % 7_000, u32::try_from(len % 90_000).unwrap());
        let state = if len.is_multiple_of(3) {
            SegmentState::Cut
        } else {
            SegmentState::Closed
        };
        SegmentRow {
            number,
            start: UtcMillis(start),
            duration,
            offset,
            len,
            key_len,
            state,
        }
    }

    #[test]
    fn an_hour_of_one_second_segments_takes_less_than_fifty_kibibytes() {
        let mut blocks = 1;
        let mut builder = Builder::new(stream(), Cursor::default());
        let (mut offset, len) = (0, 507_321);
        for number in 0..3_600 {
            let row = SegmentRow {
                number,
                start: UtcMillis(1_700_000_000_000 + number * 1_001),
                duration: 1_001,
                offset,
                len,
                key_len: 81_234,
                state: SegmentState::Closed,
            };
            let extent = offset / 1_044_480;
            if builder.next.extent <= extent {
                assert!(builder.push_extent(extent, Place(extent * 50)), "they fit");
            }
            if !builder.push_row(&row) {
                blocks += 1;
                builder = Builder::new(stream(), builder.next);
                assert!(builder.push_row(&row));
            }
            offset += len;
        }
        assert!(blocks * PAGE < 50 * 1024, "{} bytes", blocks * PAGE);
    }

    #[test]
    fn a_resumed_block_is_the_same() {
        let mut builder = Builder::new(
            stream(),
            Cursor {
                number: 7,
                ..Cursor::default()
            },
        );
        assert!(builder.push_extent(2, Place(40)));
        assert!(builder.push_row(&row(9, 100, 10, 20)));
        assert!(builder.push_extent(3, Place(12)));
        let block = parse_block(&builder.encode()).unwrap();
        let again = parse_block(&Builder::resume(&block).encode()).unwrap();
        assert_eq!((&again.rows, &again.extents), (&block.rows, &block.extents));
        assert_eq!((again.first, again.next), (block.first, block.next));
    }

    #[test]
    fn a_torn_block_is_no_block() {
        let mut builder = Builder::new(stream(), Cursor::default());
        assert!(builder.push_row(&row(0, 1, 2, 3)));
        let page = builder.encode();
        for at in [0, 5, 30, 90, PAGE - 1] {
            let mut torn = page;
            torn[at] ^= 0x10;
            assert!(parse_block(&torn).is_err());
        }
        assert!(parse_block(&[]).is_err());
    }

    proptest! {
        #[test]
        fn rows_and_extents_round_trip(
            steps in prop::collection::vec((0..3_u64, 0..u64::from(u32::MAX), 0..1_u64 << 40), 0..100),
        ) {
            let mut builder = Builder::new(stream(), Cursor::default());
            let (mut rows, mut extents) = (Vec::new(), Vec::new());
            for (skip, time, len) in steps {
                let next = builder.next;
                let entry = row(next.number + skip, next.time + time, next.offset + skip, len);
                if builder.push_row(&entry) {
                    rows.push(entry);
                }
                let entry = (next.extent + skip, Place(len.wrapping_mul(time)));
                if builder.push_extent(entry.0, entry.1) {
                    extents.push(entry);
                }
            }
            let block = parse_block(&builder.encode()).unwrap();
            prop_assert_eq!(block.rows, rows);
            prop_assert_eq!(block.extents, extents);
            prop_assert_eq!(block.next, builder.next);
        }

        #[test]
        fn sealed_nonsense_never_panics(body in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut builder = Builder::new(stream(), Cursor::default());
            builder.body = body;
            drop(parse_block(&builder.encode()));
        }
    }
}
