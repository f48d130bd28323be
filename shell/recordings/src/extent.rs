//! Extents: the pieces that a stream's bytes are laid on, and the header page that says whose each is.
//!
//! A stream is one row of logical bytes, addressed by `u64`. Extent `n` of a stream holds the logical
//! bytes from `n × payload` on. Numbers are never used twice, so a header found on disk names exactly
//! one stretch of one stream, even when every index is gone.

use bartizan_domain::wire::{Reader, WireError, Writer};
use bartizan_domain::{CameraId, StreamId, UtcMillis};

use crate::digest::{CHECK_LEN, check};
use crate::page::{PAGE, PAGE_U64};

/// Bytes of an extent header in front of the zeroes that fill its page.
pub const EXTENT_HEADER_LEN: usize = 8 + 1 + 16 + 1 + 1 + 8 + 8 + 8 + 8 + CHECK_LEN;

const MAGIC: [u8; 8] = *b"BZEXTENT";
const VERSION: u8 = 1;

/// The sizes that a store is cut by; fixed when it is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Geometry {
    /// Bytes of an extent, header page included: a multiple of [`PAGE`], 8 KiB to 64 MiB.
    pub extent_bytes: u64,
    /// Bytes of a volume: a multiple of `extent_bytes`, at most 65,536 extents.
    pub volume_bytes: u64,
}

/// Sizes that cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("extents of {extent_bytes} bytes in volumes of {volume_bytes} are not possible")]
pub struct GeometryError {
    extent_bytes: u64,
    volume_bytes: u64,
}

/// Where an extent lies: volume × extents per volume + place in the volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place(pub u64);

impl Geometry {
    const MAX_EXTENT: u64 = 64 * 1024 * 1024;
    const MAX_EXTENTS: u64 = 65_536;

    /// Checks the sizes.
    pub const fn new(extent_bytes: u64, volume_bytes: u64) -> Result<Self, GeometryError> {
        let wrong = GeometryError {
            extent_bytes,
            volume_bytes,
        };
        let extent_fits = extent_bytes >= 2 * PAGE_U64
            && extent_bytes <= Self::MAX_EXTENT
            && extent_bytes.is_multiple_of(PAGE_U64);
        if !extent_fits || volume_bytes == 0 || !volume_bytes.is_multiple_of(extent_bytes) {
            return Err(wrong);
        }
        if volume_bytes / extent_bytes > Self::MAX_EXTENTS {
            return Err(wrong);
        }
        Ok(Self {
            extent_bytes,
            volume_bytes,
        })
    }

    /// Data bytes of an extent.
    pub const fn payload(&self) -> u64 {
        self.extent_bytes - PAGE_U64
    }

    /// Extents of a volume.
    pub const fn extents_per_volume(&self) -> u64 {
        self.volume_bytes / self.extent_bytes
    }

    /// The extent that holds logical byte `offset`.
    pub const fn extent_of(&self, offset: u64) -> u64 {
        offset / self.payload()
    }

    /// The first extent that starts at or after logical byte `offset`.
    pub const fn extent_from(&self, offset: u64) -> u64 {
        offset.div_ceil(self.payload())
    }

    /// Logical offset of an extent's first data byte.
    pub const fn start_of(&self, extent: u64) -> u64 {
        extent.saturating_mul(self.payload())
    }

    /// Where logical byte `offset` lies in its extent, header page counted.
    pub const fn within(&self, offset: u64) -> u64 {
        PAGE_U64 + offset % self.payload()
    }

    /// Data bytes from `offset` to the end of its extent.
    pub const fn left(&self, offset: u64) -> u64 {
        self.payload() - offset % self.payload()
    }

    /// The place of extent `slot` of volume `volume`.
    pub const fn place(&self, volume: u32, slot: u64) -> Place {
        Place(
            (volume as u64)
                .saturating_mul(self.extents_per_volume())
                .saturating_add(slot),
        )
    }

    /// The volume of a place; `None` for a number that no volume can have.
    pub fn volume_of(&self, place: Place) -> Option<u32> {
        u32::try_from(place.0 / self.extents_per_volume()).ok()
    }

    /// Byte offset of a place in its volume.
    pub const fn offset_of(&self, place: Place) -> u64 {
        (place.0 % self.extents_per_volume()).saturating_mul(self.extent_bytes)
    }
}

/// What an extent's first page says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExtentHeader {
    /// Whose bytes these are.
    pub stream: StreamId,
    /// Nothing continues here from the extent before: the first record starts with the first byte.
    pub fresh: bool,
    /// Number of the extent in the stream.
    pub number: u64,
    /// Logical offset of the first record that starts at or after this extent's first byte.
    pub next_record: u64,
    /// Logical offset of the header record of the segment that is open where the extent starts; equal to
    /// `next_record` when none is.
    pub segment: u64,
    /// When the extent was begun.
    pub time: UtcMillis,
}

impl ExtentHeader {
    /// The header page.
    pub fn encode(&self) -> [u8; PAGE] {
        let mut out = Writer::new();
        out.fixed(&MAGIC).u8(VERSION);
        out.fixed(self.stream.camera.as_bytes())
            .u8(self.stream.rendition.code());
        out.u8(u8::from(self.fresh))
            .u64(self.number)
            .u64(self.next_record);
        out.u64(self.segment).time(self.time);
        let sum = check(out.as_slice());
        out.fixed(&sum);
        let mut page = [0; PAGE];
        if let Some(space) = page.get_mut(..EXTENT_HEADER_LEN) {
            space.copy_from_slice(out.as_slice());
        }
        page
    }

    /// Reads a header from the start of a page. What follows it in the page is not looked at.
    ///
    /// # Errors
    /// The page is no extent header, or a torn one.
    pub fn parse(page: &[u8]) -> Result<Self, WireError> {
        let field = "extent header";
        let bytes = page
            .get(..EXTENT_HEADER_LEN)
            .ok_or(WireError::Short { field })?;
        let body = crate::digest::open(bytes).ok_or(WireError::Unknown { field, value: 0 })?;
        let mut input = Reader::new(body);
        if input.array(field)? != MAGIC {
            return Err(WireError::Unknown { field, value: 0 });
        }
        input.exactly("extent version", VERSION)?;
        let camera = CameraId::new(input.array("camera")?);
        let rendition = input.rendition("rendition")?;
        let fresh = match input.u8("fresh")? {
            0 => false,
            1 => true,
            value => {
                return Err(WireError::Unknown {
                    field: "fresh",
                    value: value.into(),
                });
            }
        };
        let header = Self {
            stream: StreamId { camera, rendition },
            fresh,
            number: input.u64("extent number")?,
            next_record: input.u64("next record")?,
            segment: input.u64("segment")?,
            time: input.time("time")?,
        };
        input.finish()?;
        Ok(header)
    }
}

/// Reads a store's layout file: its sizes.
pub fn parse_layout(bytes: &[u8]) -> Result<Geometry, WireError> {
    let field = "layout";
    let body = crate::digest::open(bytes).ok_or(WireError::Unknown { field, value: 0 })?;
    let mut input = Reader::new(body);
    if input.array(field)? != *b"BZLAYOUT" {
        return Err(WireError::Unknown { field, value: 0 });
    }
    input.exactly("layout version", VERSION)?;
    let (extent, volume) = (input.u64("extent bytes")?, input.u64("volume bytes")?);
    input.finish()?;
    Geometry::new(extent, volume).map_err(|_opaque| WireError::Unknown {
        field,
        value: extent,
    })
}

/// The bytes of a layout file.
pub(crate) fn encode_layout(geometry: &Geometry) -> Vec<u8> {
    let mut out = Writer::new();
    out.fixed(b"BZLAYOUT")
        .u8(VERSION)
        .u64(geometry.extent_bytes)
        .u64(geometry.volume_bytes);
    crate::digest::seal(out.into_vec())
}

#[cfg(test)]
mod tests {
    use bartizan_domain::Rendition;

    use super::*;

    fn header() -> ExtentHeader {
        let camera = CameraId::new([5; 16]);
        let stream = StreamId {
            camera,
            rendition: Rendition::Sub,
        };
        let time = UtcMillis(4);
        ExtentHeader {
            stream,
            fresh: true,
            number: 1,
            next_record: 2,
            segment: 3,
            time,
        }
    }

    #[test]
    fn headers_round_trip() {
        assert_eq!(ExtentHeader::parse(&header().encode()), Ok(header()));
    }

    #[test]
    fn no_changed_byte_is_taken_for_a_header() {
        for at in 0..EXTENT_HEADER_LEN {
            let mut page = header().encode();
            page[at] ^= 1;
            assert!(ExtentHeader::parse(&page).is_err(), "byte {at}");
        }
        assert!(ExtentHeader::parse(&[0; PAGE]).is_err());
    }

    #[test]
    fn places_are_found_again() {
        let geometry = Geometry::new(8 * 1024, 32 * 1024).unwrap();
        let place = geometry.place(3, 2);
        assert_eq!(geometry.volume_of(place), Some(3));
        assert_eq!(geometry.offset_of(place), 16 * 1024);
        assert_eq!(geometry.within(geometry.payload() + 1), PAGE_U64 + 1);
    }

    #[test]
    fn impossible_sizes_are_refused() {
        for (extent, volume) in [
            (0, 1),
            (4096, 4096),
            (10_000, 20_000),
            (8192, 8193),
            (8192, 0),
        ] {
            assert!(Geometry::new(extent, volume).is_err());
        }
    }

    #[test]
    fn layouts_round_trip() {
        let geometry = Geometry::new(8 * 1024, 32 * 1024).unwrap();
        assert_eq!(parse_layout(&encode_layout(&geometry)), Ok(geometry));
        assert!(parse_layout(b"nonsense").is_err());
    }
}
