//! A typeface of strokes: glyphs are lines on a grid of 4 × 6, drawn with round ends at any size, once,
//! and kept.

use std::collections::BTreeMap;

use super::plane::{Mask, Plane};

/// Glyph width and height in grid units.
const GRID: (f32, f32) = (4.0, 6.0);
/// From one glyph to the next, in grid units.
const ADVANCE: f32 = 5.7;
/// Half the width of a stroke, in grid units.
const STROKE: f32 = 0.42;
/// Half the width of the thinnest stroke, in pixels.
const THINNEST: f32 = 0.55;

/// Glyphs as poly-lines: points are two digits, x and y from the top left; `;` lifts the pen.
const GLYPHS: &[(u8, &str)] = &[
    (b'0', "10 30 41 45 36 16 05 01 10"),
    (b'1', "11 20 26;16 36"),
    (b'2', "01 10 30 41 42 06 46"),
    (b'3', "01 10 30 41 42 33 13;33 44 45 36 16 05"),
    (b'4', "36 30 04 44"),
    (b'5', "40 00 02 32 43 45 36 16 05"),
    (b'6', "41 30 10 01 05 16 36 45 44 33 03"),
    (b'7', "00 40 16"),
    (b'8', "13 02 01 10 30 41 42 33 13 04 05 16 36 45 44 33"),
    (b'9', "05 16 36 45 41 30 10 01 02 13 43"),
    (b'A', "06 02 20 42 46;04 44"),
    (b'B', "03 33 42 41 30 00 06 36 45 44 33"),
    (b'C', "41 30 10 01 05 16 36 45"),
    (b'D', "00 30 41 45 36 06 00"),
    (b'E', "40 00 06 46;03 33"),
    (b'F', "40 00 06;03 33"),
    (b'G', "41 30 10 01 05 16 36 45 43 23"),
    (b'H', "00 06;40 46;03 43"),
    (b'I', "10 30;20 26;16 36"),
    (b'J', "40 45 36 16 05"),
    (b'K', "00 06;40 03 46"),
    (b'L', "00 06 46"),
    (b'M', "06 00 23 40 46"),
    (b'N', "06 00 46 40"),
    (b'O', "10 30 41 45 36 16 05 01 10"),
    (b'P', "06 00 30 41 42 33 03"),
    (b'Q', "10 30 41 45 36 16 05 01 10;24 46"),
    (b'R', "06 00 30 41 42 33 03;23 46"),
    (b'S', "41 30 10 01 02 13 33 44 45 36 16 05"),
    (b'T', "00 40;20 26"),
    (b'U', "00 05 16 36 45 40"),
    (b'V', "00 26 40"),
    (b'W', "00 16 22 36 40"),
    (b'X', "00 46;40 06"),
    (b'Y', "00 23 40;23 26"),
    (b'Z', "00 40 06 46"),
    (b' ', ""),
    (b'-', "13 33"),
    (b'.', "26 26"),
    (b',', "25 16"),
    (b':', "22 22;25 25"),
    (b'/', "06 40"),
    (b'_', "06 46"),
    (b'+', "21 25;03 43"),
    (b'*', "12 34;32 14"),
    (b'=', "02 42;04 44"),
    (b'#', "10 16;30 36;02 42;04 44"),
    (b'(', "30 21 25 36"),
    (b')', "10 21 25 16"),
    (b'\'', "20 21"),
    (b'!', "20 24;26 26"),
    (b'?', "01 10 30 41 42 24;26 26"),
];

/// Drawn for characters that have no glyph.
const BOX: &str = "00 40 46 06 00";

/// The typeface at one size.
#[derive(Debug)]
pub(crate) struct Face {
    unit: f32,
    glyphs: BTreeMap<u8, Mask>,
}

impl Face {
    /// With capitals of `cap_height` pixels, at least 6.
    pub(crate) fn new(cap_height: u16) -> Self {
        Self {
            unit: f32::from(cap_height.max(6)) / GRID.1,
            glyphs: BTreeMap::new(),
        }
    }

    /// Width of `chars` characters in pixels.
    pub(crate) fn width(&self, chars: usize) -> u16 {
        let chars = u16::try_from(chars).unwrap_or(u16::MAX);
        chars.saturating_mul(self.advance())
    }

    /// The box that a glyph is drawn in: as wide as from one glyph to the next, so that a glyph can be
    /// drawn again without harm to its neighbours.
    pub(crate) fn glyph_size(&self) -> (u16, u16) {
        let margin = 2.0 * f32::from(self.margin());
        (self.advance(), whole(GRID.1 * self.unit + margin))
    }

    /// Pixels between the top of the box and that of the capital.
    pub(crate) fn margin(&self) -> u16 {
        whole(self.stroke() + 1.0)
    }

    /// Draws `glyph` (a small letter as its capital) with its box's corner at `x`, `y`.
    pub(crate) fn draw(&mut self, luma: &mut Plane, x: u16, y: u16, glyph: u8, value: u8) {
        let (width, height) = self.glyph_size();
        let (unit, stroke) = (self.unit, self.stroke());
        let side = GRID.0.mul_add(-unit, f32::from(width)) / 2.0;
        let corner = (side, f32::from(self.margin()));
        let glyph = glyph.to_ascii_uppercase();
        let mask = self.glyphs.entry(glyph).or_insert_with(|| {
            let lines = lines(glyph, unit, corner);
            Mask::draw(width, height, |x, y| {
                let point = (f32::from(x) + 0.5, f32::from(y) + 0.5);
                let nearest = lines.iter().map(|line| distance(point, *line));
                cover(stroke + 0.5 - nearest.fold(f32::MAX, f32::min))
            })
        });
        luma.blend(x, y, mask, value);
    }

    fn advance(&self) -> u16 {
        whole(ADVANCE * self.unit - 0.5)
    }

    fn stroke(&self) -> f32 {
        (STROKE * self.unit).max(THINNEST)
    }
}

/// From 0 (not covered) to 1 (wholly), in 255ths.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to 0..=255 before"
)]
pub(crate) fn cover(share: f32) -> u8 {
    (share.clamp(0.0, 1.0) * 255.0) as u8
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "pixels of a picture, clamped before"
)]
fn whole(pixels: f32) -> u16 {
    pixels.ceil().clamp(0.0, 8_192.0) as u16
}

type Point = (f32, f32);

fn lines(glyph: u8, unit: f32, corner: Point) -> Vec<(Point, Point)> {
    let found = GLYPHS.iter().find(|(byte, _)| *byte == glyph);
    let strokes = found.map_or(BOX, |(_, strokes)| strokes);
    let mut lines = Vec::new();
    for stroke in strokes.split(';') {
        let points: Vec<Point> = stroke
            .split(' ')
            .filter_map(|point| <[u8; 2]>::try_from(point.as_bytes()).ok())
            .map(|point| point.map(|digit| f32::from(digit.saturating_sub(b'0')) * unit))
            .map(|[x, y]| (x + corner.0, y + corner.1))
            .collect();
        lines.extend(points.windows(2).filter_map(|pair| match pair {
            [from, to] => Some((*from, *to)),
            _ => None,
        }));
    }
    lines
}

/// From `point` to the nearest point of the line.
fn distance((x, y): Point, ((ax, ay), (bx, by)): (Point, Point)) -> f32 {
    let (dx, dy) = (bx - ax, by - ay);
    let length2 = dx.mul_add(dx, dy * dy);
    let along = if length2 > 0.0 {
        (((x - ax) * dx + (y - ay) * dy) / length2).clamp(0.0, 1.0)
    } else {
        0.0
    };
    (ax + along * dx - x).hypot(ay + along * dy - y)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ink(glyph: u8) -> usize {
        let mut face = Face::new(24);
        let (width, height) = face.glyph_size();
        let mut plane = Plane::new(width, height, 0);
        face.draw(&mut plane, 0, 0, glyph, 255);
        plane.bytes().iter().filter(|pixel| **pixel > 127).count()
    }

    #[test]
    fn every_glyph_has_its_own_shape() {
        for (glyph, strokes) in GLYPHS {
            assert_eq!(
                ink(*glyph) > 0,
                !strokes.is_empty(),
                "{}",
                char::from(*glyph)
            );
        }
        assert_ne!(ink(b'8'), ink(b'0'));
        assert_eq!(ink(b'a'), ink(b'A'));
        assert_eq!(ink(b'~'), ink(b'{'));
    }

    #[test]
    fn glyphs_stay_in_their_box() {
        let mut face = Face::new(30);
        let (width, height) = face.glyph_size();
        let mut plane = Plane::new(width + 2, height + 2, 0);
        for (glyph, _) in GLYPHS {
            face.draw(&mut plane, 1, 1, *glyph, 255);
        }
        let edge = plane.bytes().iter().take(usize::from(width) + 2);
        assert!(edge.clone().all(|pixel| *pixel == 0));
    }
}
