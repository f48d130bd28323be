//! Planes of bytes and the few ways of drawing on them. Whatever lies outside is not drawn.

/// A rectangle in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Area {
    pub(crate) x: u16,
    pub(crate) y: u16,
    pub(crate) width: u16,
    pub(crate) height: u16,
}

impl Area {
    /// The same part of a plane with half the resolution, for even rectangles.
    pub(crate) const fn half(self) -> Self {
        Self {
            x: self.x / 2,
            y: self.y / 2,
            width: self.width / 2,
            height: self.height / 2,
        }
    }

    /// The smallest rectangle of even position and size that covers this one.
    pub(crate) const fn evened(self) -> Self {
        let (x, y) = (self.x & !1, self.y & !1);
        let right = self.x.saturating_add(self.width).saturating_add(1) & !1;
        let bottom = self.y.saturating_add(self.height).saturating_add(1) & !1;
        Self {
            x,
            y,
            width: right.saturating_sub(x),
            height: bottom.saturating_sub(y),
        }
    }
}

/// How much of each pixel of a shape is covered, 0 to 255.
#[derive(Debug, Clone)]
pub(crate) struct Mask {
    pub(crate) width: u16,
    pub(crate) height: u16,
    coverage: Vec<u8>,
}

impl Mask {
    /// Asks `cover` for each pixel, row by row.
    pub(crate) fn draw(width: u16, height: u16, cover: impl Fn(u16, u16) -> u8) -> Self {
        let coverage = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        Self {
            width,
            height,
            coverage: coverage.map(|(x, y)| cover(x, y)).collect(),
        }
    }

    fn rows(&self) -> impl Iterator<Item = &[u8]> {
        self.coverage.chunks_exact(usize::from(self.width).max(1))
    }
}

/// One component of a picture.
#[derive(Debug, Clone)]
pub(crate) struct Plane {
    width: u16,
    height: u16,
    bytes: Vec<u8>,
}

impl Plane {
    /// All of `value`.
    pub(crate) fn new(width: u16, height: u16, value: u8) -> Self {
        let len = usize::from(width).saturating_mul(height.into());
        Self {
            width,
            height,
            bytes: vec![value; len],
        }
    }

    /// The rows, one after the other without gaps.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Asks `value` for each pixel.
    pub(crate) fn paint(&mut self, value: impl Fn(u16, u16) -> u8) {
        for (y, row) in (0..).zip(self.bytes.chunks_exact_mut(usize::from(self.width).max(1))) {
            for (x, pixel) in (0..).zip(row) {
                *pixel = value(x, y);
            }
        }
    }

    pub(crate) fn fill(&mut self, area: Area, value: u8) {
        self.rows_mut(area).for_each(|row| row.fill(value));
    }

    /// Takes `area` from a plane of the same size.
    pub(crate) fn copy(&mut self, from: &Self, area: Area) {
        let area = self.clipped(area);
        for (to, from) in self.rows_mut(area).zip(from.rows(area)) {
            if to.len() == from.len() {
                to.copy_from_slice(from);
            }
        }
    }

    /// Mixes `value` in where `mask`, put with its corner at `x`, `y`, covers.
    pub(crate) fn blend(&mut self, x: u16, y: u16, mask: &Mask, value: u8) {
        let (width, height) = (mask.width, mask.height);
        let rows = self.rows_mut(Area {
            x,
            y,
            width,
            height,
        });
        for (row, coverage) in rows.zip(mask.rows()) {
            for (pixel, coverage) in row.iter_mut().zip(coverage) {
                *pixel = mix(*pixel, value, *coverage);
            }
        }
    }

    fn clipped(&self, area: Area) -> Area {
        let (x, y) = (area.x.min(self.width), area.y.min(self.height));
        Area {
            x,
            y,
            width: area.width.min(self.width.saturating_sub(x)),
            height: area.height.min(self.height.saturating_sub(y)),
        }
    }

    fn rows(&self, area: Area) -> impl Iterator<Item = &[u8]> {
        let (start, end) = (
            usize::from(area.x),
            usize::from(area.x.saturating_add(area.width)),
        );
        self.bytes
            .chunks_exact(usize::from(self.width).max(1))
            .skip(area.y.into())
            .take(area.height.into())
            .filter_map(move |row| row.get(start..end))
    }

    fn rows_mut(&mut self, area: Area) -> impl Iterator<Item = &mut [u8]> {
        let area = self.clipped(area);
        let (start, end) = (
            usize::from(area.x),
            usize::from(area.x.saturating_add(area.width)),
        );
        self.bytes
            .chunks_exact_mut(usize::from(self.width).max(1))
            .skip(area.y.into())
            .take(area.height.into())
            .filter_map(move |row| row.get_mut(start..end))
    }
}

/// `old` and `new` in the proportion of `coverage`.
fn mix(old: u8, new: u8, coverage: u8) -> u8 {
    let (old, new, part) = (u32::from(old), u32::from(new), u32::from(coverage));
    let sum = old * (255 - part) + new * part + 127;
    u8::try_from(sum / 255).unwrap_or(u8::MAX)
}

/// A picture in 4:2:0.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    pub(crate) y: Plane,
    pub(crate) u: Plane,
    pub(crate) v: Plane,
}

impl Frame {
    /// A picture of even size in one colour.
    pub(crate) fn new(width: u16, height: u16, [y, u, v]: [u8; 3]) -> Self {
        Self {
            y: Plane::new(width, height, y),
            u: Plane::new(width / 2, height / 2, u),
            v: Plane::new(width / 2, height / 2, v),
        }
    }

    /// Fills the smallest even rectangle that covers `area`.
    pub(crate) fn fill(&mut self, area: Area, [y, u, v]: [u8; 3]) {
        let area = area.evened();
        self.y.fill(area, y);
        self.u.fill(area.half(), u);
        self.v.fill(area.half(), v);
    }

    /// Takes the smallest even rectangle that covers `area` from another picture of the same size.
    pub(crate) fn copy(&mut self, from: &Self, area: Area) {
        let area = area.evened();
        self.y.copy(&from.y, area);
        self.u.copy(&from.u, area.half());
        self.v.copy(&from.v, area.half());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawing_stays_inside() {
        let mut plane = Plane::new(8, 4, 0);
        let outside = Area {
            x: 6,
            y: 3,
            width: 100,
            height: u16::MAX,
        };
        plane.fill(outside, 9);
        assert!(plane.bytes().ends_with(&[0, 9, 9]));
        plane.fill(
            Area {
                x: 100,
                y: 100,
                width: 1,
                height: 1,
            },
            9,
        );
        let mask = Mask::draw(4, 4, |_, _| 255);
        plane.blend(7, 3, &mask, 5);
        assert_eq!(plane.bytes().last(), Some(&5));
        let other = Plane::new(8, 4, 1);
        plane.copy(&other, outside);
        assert_eq!(plane.bytes().last(), Some(&1));
    }

    #[test]
    fn mixing_keeps_its_ends() {
        assert_eq!((mix(10, 200, 0), mix(10, 200, 255)), (10, 200));
        assert_eq!(mix(0, 255, 128), 128);
    }

    #[test]
    fn a_rectangle_grows_to_even_numbers() {
        let area = Area {
            x: 3,
            y: 4,
            width: 2,
            height: 1,
        };
        assert_eq!(
            area.evened(),
            Area {
                x: 2,
                y: 4,
                width: 4,
                height: 2
            }
        );
    }
}
