//! The blocks of cells that carry data through the codec, and their reader. The layout is described at
//! the head of this crate; the web app's delay measurement follows the same description.

use bartizan_domain::UtcMillis;

use crate::picture::{Area, Plane};

/// Cells of a row.
pub const COLUMNS: u16 = 28;
/// Rows of a block.
pub const ROWS: u16 = 4;

const LIGHT: u8 = 208;
const DARK: u8 = 48;
const THRESHOLD: u32 = 128;
/// Bytes of a block before its check.
const DATA: usize = 12;
/// Bytes of canary text in a block.
const PART: usize = 10;

/// What the stamp of a picture says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// Number of the picture since the camera started, modulo 2³².
    pub frame: u32,
    /// When it was captured.
    pub captured: UtcMillis,
}

/// One part of the canary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CanaryPart {
    /// Which, from 0.
    pub part: u8,
    /// Of how many.
    pub parts: u8,
    /// The text's bytes, at most ten.
    pub text: Vec<u8>,
}

/// A decoded picture's luma, to be read.
#[derive(Debug, Clone, Copy)]
pub struct Luma<'a> {
    /// Pixels across.
    pub width: u16,
    /// Pixels down.
    pub height: u16,
    /// Bytes from row to row.
    pub stride: usize,
    /// The rows.
    pub bytes: &'a [u8],
}

/// Reads the stamp; `None` when the picture has none or it is too damaged. Noise passes for a stamp once
/// in 65,536 pictures.
pub fn read_stamp(luma: &Luma<'_>) -> Option<Stamp> {
    let data = read(luma, Place::Stamp)?;
    let (frame, captured) = data.split_first_chunk()?;
    Some(Stamp {
        frame: u32::from_be_bytes(*frame),
        captured: UtcMillis(u64::from_be_bytes(captured.try_into().ok()?)),
    })
}

/// Reads the part of the canary that this picture shows; `None` as for [`read_stamp`].
pub fn read_canary(luma: &Luma<'_>) -> Option<CanaryPart> {
    let [part, parts, text @ ..] = read(luma, Place::Canary)?;
    let len = text
        .iter()
        .rposition(|byte| *byte != 0)
        .map_or(0, |last| last.saturating_add(1));
    Some(CanaryPart {
        part,
        parts,
        text: text.get(..len)?.to_vec(),
    })
}

/// The twelve bytes of a stamp.
pub(crate) fn stamp_data(stamp: Stamp) -> [u8; DATA] {
    let mut data = [0; DATA];
    let bytes = stamp
        .frame
        .to_be_bytes()
        .into_iter()
        .chain(stamp.captured.0.to_be_bytes());
    data.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
    data
}

/// The twelve bytes of the part of `canary` that picture `frame` shows.
pub(crate) fn canary_data(canary: &[u8], frame: u32) -> [u8; DATA] {
    let count = canary.chunks(PART).count().max(1);
    let parts = u8::try_from(count).unwrap_or(u8::MAX);
    let part = u8::try_from(frame % u32::from(parts)).unwrap_or_default();
    let text = canary.chunks(PART).nth(part.into()).unwrap_or_default();
    let mut data = [0; DATA];
    let bytes = [part, parts].into_iter().chain(text.iter().copied());
    data.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
    data
}

/// Which block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Stamp,
    Canary,
}

/// A block on a picture of a certain size, and what is drawn there now.
#[derive(Debug)]
pub(crate) struct Block {
    grid: Grid,
    shown: Option<[u8; DATA + 2]>,
}

impl Block {
    pub(crate) fn new(width: u16, height: u16, place: Place) -> Self {
        let grid = Grid::new(width, height, place);
        Self { grid, shown: None }
    }

    /// The pixels that it covers.
    pub(crate) fn area(&self) -> Area {
        let Grid {
            x,
            y,
            cell_width,
            cell_height,
        } = self.grid;
        let (width, height) = (
            cell_width.saturating_mul(COLUMNS),
            cell_height.saturating_mul(ROWS),
        );
        Area {
            x,
            y,
            width,
            height,
        }
    }

    /// Draws the cells that differ from what is shown.
    pub(crate) fn draw(&mut self, luma: &mut Plane, data: [u8; DATA]) {
        let bytes = with_check(data);
        for (index, row, column) in cells() {
            let new = bit(&bytes, index);
            let old = self.shown.map(|shown| bit(&shown, index));
            if old != Some(new) {
                luma.fill(self.grid.cell(row, column), if new { LIGHT } else { DARK });
            }
        }
        self.shown = Some(bytes);
    }
}

/// Where the cells of a block lie.
#[derive(Debug, Clone, Copy)]
struct Grid {
    x: u16,
    y: u16,
    cell_width: u16,
    cell_height: u16,
}

impl Grid {
    fn new(width: u16, height: u16, place: Place) -> Self {
        let (cell_width, cell_height) = (width / 32, height / 30);
        let rows_up = match place {
            Place::Stamp => 5,
            Place::Canary => 10,
        };
        Self {
            x: width.saturating_sub(cell_width.saturating_mul(COLUMNS)) / 2,
            y: height.saturating_sub(cell_height.saturating_mul(rows_up)),
            cell_width,
            cell_height,
        }
    }

    fn cell(self, row: u16, column: u16) -> Area {
        Area {
            x: self
                .x
                .saturating_add(column.saturating_mul(self.cell_width)),
            y: self.y.saturating_add(row.saturating_mul(self.cell_height)),
            width: self.cell_width,
            height: self.cell_height,
        }
    }
}

/// Index of the bit, row and column, from the top left.
fn cells() -> impl Iterator<Item = (usize, u16, u16)> {
    let places = (0..ROWS).flat_map(|row| (0..COLUMNS).map(move |column| (row, column)));
    places
        .enumerate()
        .map(|(index, (row, column))| (index, row, column))
}

fn bit(bytes: &[u8], index: usize) -> bool {
    let byte = bytes.get(index / 8).copied().unwrap_or_default();
    byte.rotate_left(u32::try_from(index % 8).unwrap_or_default()) & 0x80 != 0
}

fn with_check(data: [u8; DATA]) -> [u8; DATA + 2] {
    let mut bytes = [0; DATA + 2];
    let all = data.into_iter().chain(crc16(&data).to_be_bytes());
    bytes.iter_mut().zip(all).for_each(|(to, from)| *to = from);
    bytes
}

/// CRC-16/CCITT-FALSE.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0xffff, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(*byte) << 8), |crc: u16, _| {
            (crc << 1) ^ if crc & 0x8000 != 0 { 0x1021 } else { 0 }
        })
    })
}

fn read(luma: &Luma<'_>, place: Place) -> Option<[u8; DATA]> {
    let grid = Grid::new(luma.width, luma.height, place);
    let mut bytes = [0_u8; DATA + 2];
    for (index, row, column) in cells() {
        let light = average(luma, inner(grid.cell(row, column)))? > THRESHOLD;
        let byte = bytes.get_mut(index / 8)?;
        *byte = byte.rotate_left(1) | u8::from(light);
    }
    let (data, check) = bytes.split_first_chunk::<DATA>()?;
    (crc16(data).to_be_bytes() == check).then_some(*data)
}

/// The middle half of a cell in both directions.
fn inner(cell: Area) -> Area {
    Area {
        x: cell.x.saturating_add(cell.width / 4),
        y: cell.y.saturating_add(cell.height / 4),
        width: (cell.width / 2).max(1),
        height: (cell.height / 2).max(1),
    }
}

fn average(luma: &Luma<'_>, area: Area) -> Option<u32> {
    let (mut sum, mut count) = (0_u32, 0_u32);
    for row in area.y..area.y.saturating_add(area.height) {
        let start = usize::from(row)
            .checked_mul(luma.stride)?
            .checked_add(area.x.into())?;
        let pixels = luma
            .bytes
            .get(start..start.checked_add(area.width.into())?)?;
        sum = pixels
            .iter()
            .fold(sum, |sum, pixel| sum.saturating_add(u32::from(*pixel)));
        count = count.saturating_add(u32::from(area.width));
    }
    sum.checked_div(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAMP: Stamp = Stamp {
        frame: 0x0102_0304,
        captured: UtcMillis(1_790_000_000_123),
    };

    fn luma(plane: &Plane, width: u16, height: u16) -> Luma<'_> {
        Luma {
            width,
            height,
            stride: width.into(),
            bytes: plane.bytes(),
        }
    }

    #[test]
    fn the_check_is_the_published_one() {
        // The check value of CRC-16/CCITT-FALSE.
        assert_eq!(crc16(b"123456789"), 0x29b1);
    }

    #[test]
    fn what_is_drawn_is_read() {
        for (width, height) in [
            (160, 120),
            (178, 122),
            (640, 360),
            (1_280, 720),
            (1_920, 1_080),
        ] {
            let mut plane = Plane::new(width, height, 90);
            let mut block = Block::new(width, height, Place::Stamp);
            let mut canary = Block::new(width, height, Place::Canary);
            for frame in [0, 1, STAMP.frame] {
                let stamp = Stamp { frame, ..STAMP };
                block.draw(&mut plane, stamp_data(stamp));
                canary.draw(&mut plane, canary_data(b"never in clear, please", frame));
                let luma = luma(&plane, width, height);
                assert_eq!(read_stamp(&luma), Some(stamp));
                let part = read_canary(&luma).unwrap();
                assert_eq!((u32::from(part.part), part.parts), (frame % 3, 3));
            }
        }
    }

    #[test]
    fn the_parts_of_a_canary_make_the_whole() {
        let text = b"never in clear, please";
        let whole: Vec<u8> = (0..3)
            .flat_map(|frame| {
                let (width, height) = (320, 240);
                let mut plane = Plane::new(width, height, 0);
                let mut block = Block::new(width, height, Place::Canary);
                block.draw(&mut plane, canary_data(text, frame));
                read_canary(&luma(&plane, width, height)).unwrap().text
            })
            .collect();
        assert_eq!(whole, text);
    }

    #[test]
    fn a_picture_without_a_block_reads_as_none() {
        for value in [0, 127, 255] {
            let plane = Plane::new(320, 240, value);
            assert_eq!(read_stamp(&luma(&plane, 320, 240)), None);
        }
        let short = Luma {
            width: 320,
            height: 240,
            stride: 320,
            bytes: &[0; 100],
        };
        assert_eq!(read_stamp(&short), None);
        let absurd = Luma {
            width: 320,
            height: 240,
            stride: usize::MAX,
            bytes: &[0; 100],
        };
        assert_eq!(read_stamp(&absurd), None);
    }
}
