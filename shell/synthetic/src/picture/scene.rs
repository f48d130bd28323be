//! What is in the picture and where. Everything that stands still is drawn once; per frame only changed
//! glyphs, changed cells and the disc are.

use std::f32::consts::PI;

use bartizan_domain::UtcMillis;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;

use super::face::{Face, cover};
use super::plane::{Area, Frame, Mask};
use crate::SyntheticOptions;
use crate::barcode::{Block, Place, Stamp, canary_data, stamp_data};

/// Luma of text, bright and quiet.
const BRIGHT: u8 = 225;
const QUIET: u8 = 150;
/// Neutral chroma.
const GREY: u8 = 128;
/// Luma behind the blocks' cells and chips.
const EDGE: u8 = 22;
/// The disc's way there, in milliseconds.
const CROSSING_MS: u64 = 6_000;

/// Background and disc colours, as chroma, and chroma with luma; a camera's seed chooses.
const TINTS: [([u8; 2], [u8; 3]); 6] = [
    ([139, 122], [176, 92, 158]),
    ([134, 117], [186, 84, 148]),
    ([137, 131], [182, 110, 160]),
    ([122, 119], [190, 96, 144]),
    ([132, 126], [178, 152, 104]),
    ([131, 134], [184, 128, 112]),
];

/// Colour chips for judging colour: white, yellow, cyan, green, magenta, red, blue at 75 % (BT.709).
const CHIPS: [[u8; 3]; 7] = [
    [180, 128, 128],
    [168, 44, 136],
    [145, 147, 44],
    [133, 63, 52],
    [63, 193, 204],
    [51, 109, 212],
    [28, 212, 120],
];

/// The picture of one camera.
#[derive(Debug)]
pub(crate) struct Scene {
    still: Frame,
    frame: Frame,
    date: Field,
    clock: Field,
    millis: Field,
    counter: Field,
    disc: Disc,
    stamp: Block,
    canary: Option<(Block, Vec<u8>)>,
    fps: u8,
}

impl Scene {
    /// Draws what stands still.
    pub(crate) fn new(options: &SyntheticOptions) -> Self {
        let (width, height) = (options.width, options.height);
        let (tint, colour) = tint(options.seed);
        let mut still = background(width, height, tint);
        chips(&mut still, width, height);
        let disc = Disc::new(width, height, options.seed, colour);
        disc.draw_way(&mut still);
        captions(&mut still, options);

        let stamp = Block::new(width, height, Place::Stamp);
        let canary = options.canary.as_ref().map(|text| {
            (
                Block::new(width, height, Place::Canary),
                text.clone().into_bytes(),
            )
        });
        let blocks = [
            Some(stamp.area()),
            canary.as_ref().map(|(block, _)| block.area()),
        ];
        for area in blocks.into_iter().flatten() {
            still.fill(area, [EDGE, GREY, GREY]);
        }
        let [date, clock, millis, counter] = fields(width, height);
        let frame = still.clone();
        let fps = options.fps;
        Self {
            still,
            frame,
            date,
            clock,
            millis,
            counter,
            disc,
            stamp,
            canary,
            fps,
        }
    }

    /// Brings the picture to frame `number`, captured at `captured`.
    pub(crate) fn draw(&mut self, number: u64, captured: UtcMillis) -> &Frame {
        let Self { still, frame, .. } = self;
        let time = civil(captured);
        let (year, month, day) = (time.year(), time.month(), time.day());
        self.date
            .show(frame, still, &format!("{year:04}-{month:02}-{day:02}"));
        let (hour, minute, second) = (time.hour(), time.minute(), time.second());
        self.clock
            .show(frame, still, &format!("{hour:02}:{minute:02}:{second:02}"));
        self.millis
            .show(frame, still, &format!(".{:03}", time.millisecond()));
        self.counter.show(frame, still, &format!("{number:08}"));
        let elapsed_ms = number.saturating_mul(1_000) / u64::from(self.fps.max(1));
        self.disc.draw(frame, still, elapsed_ms);

        let short = u32::try_from(number & u64::from(u32::MAX)).unwrap_or_default();
        let stamp = Stamp {
            frame: short,
            captured,
        };
        self.stamp.draw(&mut frame.y, stamp_data(stamp));
        if let Some((block, text)) = &mut self.canary {
            block.draw(&mut frame.y, canary_data(text, short));
        }
        frame
    }
}

/// UTC as people write it; 1970 for what calendars don't reach.
fn civil(time: UtcMillis) -> DateTime {
    let millis = i64::try_from(time.0).unwrap_or_default();
    Offset::UTC.to_datetime(Timestamp::from_millisecond(millis).unwrap_or_default())
}

fn tint(seed: u64) -> ([u8; 2], [u8; 3]) {
    let mut turns = TINTS
        .iter()
        .cycle()
        .skip(usize::try_from(seed % 6).unwrap_or_default());
    turns
        .next()
        .copied()
        .unwrap_or(([GREY; 2], [180, GREY, GREY]))
}

/// `share` thousandths of `whole`.
fn part(whole: u16, share: u16) -> u16 {
    let product = u32::from(whole).saturating_mul(share.into()) / 1_000;
    u16::try_from(product).unwrap_or(u16::MAX)
}

/// Dark, with a soft light above the middle.
fn background(width: u16, height: u16, [u, v]: [u8; 2]) -> Frame {
    let mut frame = Frame::new(width, height, [EDGE, u, v]);
    let (middle_x, middle_y) = (i64::from(width) / 2, i64::from(height) * 36 / 100);
    let (reach_x, reach_y) = (i64::from(width) * 62 / 100, i64::from(height) * 80 / 100);
    frame.y.paint(|x, y| {
        // Squared distance in 1,024ths of the reach; the light falls to nothing at 1,024.
        let square = |at: u16, middle: i64, reach: i64| {
            let away = (i64::from(at) - middle) * 1_024 / reach.max(1);
            away * away / 1_024
        };
        let away = square(x, middle_x, reach_x) + square(y, middle_y, reach_y);
        let light = (1_024 - away).max(0);
        EDGE.saturating_add(u8::try_from(light * light * 36 / (1_024 * 1_024)).unwrap_or(36))
    });
    frame
}

fn chips(still: &mut Frame, width: u16, height: u16) {
    let (chip, tall) = (part(width, 26), part(height, 26));
    let start = width
        .saturating_sub(part(width, 50))
        .saturating_sub(chip.saturating_mul(7));
    for (index, colour) in (0_u16..).zip(CHIPS) {
        let x = start.saturating_add(index.saturating_mul(chip));
        let area = Area {
            x,
            y: part(height, 60),
            width: chip,
            height: tall,
        };
        still.fill(area, colour);
    }
}

/// Label, what is encoded, and the words beside the fields.
fn captions(still: &mut Frame, options: &SyntheticOptions) {
    let (width, height) = (options.width, options.height);
    let size = format!("{width}*{height} {} FPS", options.fps);
    let (left, small) = (part(width, 50), small(width, height));
    let empty = still.clone();
    let mut write = |x, y, value, face, text: &str| {
        Field {
            x,
            y,
            value,
            face: Face::new(face),
            shown: Vec::new(),
        }
        .show(still, &empty, text);
    };
    write(
        left,
        part(height, 56),
        BRIGHT,
        part(height, 40),
        &options.label,
    );
    let tail = width
        .saturating_sub(left)
        .saturating_sub(Face::new(small).width(size.len()));
    write(tail, line(height), QUIET, small, &size);
    write(left, line(height), QUIET, small, "FRAME");
    let zone = date_place(width, height);
    let after = zone
        .0
        .saturating_add(Face::new(zone.2).width("0000-00-00 ".len()));
    write(after, zone.1, QUIET, zone.2, "UTC");
}

/// Cap height of small print.
fn small(width: u16, height: u16) -> u16 {
    part(height, 32).min(part(width, 20))
}

/// Top of the line of small print.
fn line(height: u16) -> u16 {
    part(height, 610)
}

/// Left, top and cap height of the clock: as wide as three quarters of the picture, with milliseconds
/// at half its size.
fn clock_place(width: u16, height: u16) -> (u16, u16, u16) {
    let cap = part(width, 75).min(part(height, 180));
    let all = Face::new(cap)
        .width(8)
        .saturating_add(Face::new(cap / 2).width(4));
    (width.saturating_sub(all) / 2, part(height, 300), cap)
}

/// Left, top and cap height of the date: above the clock.
fn date_place(width: u16, height: u16) -> (u16, u16, u16) {
    let (x, _, cap) = clock_place(width, height);
    (x, part(height, 186), cap * 2 / 5)
}

/// Date, clock, milliseconds and frame counter.
fn fields(width: u16, height: u16) -> [Field; 4] {
    let (x, y, cap) = clock_place(width, height);
    let big = Face::new(cap);
    let millis_x = x.saturating_add(big.width(8));
    let millis_y = y.saturating_add(cap.saturating_sub(cap / 2));
    let (date_x, date_y, date_cap) = date_place(width, height);
    let small = small(width, height);
    let counter_x = part(width, 50).saturating_add(Face::new(small).width("FRAME ".len()));
    [
        (date_x, date_y, date_cap, QUIET),
        (x, y, cap, BRIGHT),
        (millis_x, millis_y, cap / 2, QUIET),
        (counter_x, line(height), small, BRIGHT),
    ]
    .map(|(x, y, cap, value)| Field {
        x,
        y,
        value,
        face: Face::new(cap),
        shown: Vec::new(),
    })
}

/// A line of text of which only changed characters are drawn again.
#[derive(Debug)]
struct Field {
    x: u16,
    y: u16,
    value: u8,
    face: Face,
    shown: Vec<u8>,
}

impl Field {
    fn show(&mut self, frame: &mut Frame, still: &Frame, text: &str) {
        let (width, height) = self.face.glyph_size();
        let top = self.y.saturating_sub(self.face.margin());
        for (index, glyph) in text.bytes().enumerate() {
            if self.shown.get(index) == Some(&glyph) {
                continue;
            }
            let x = self.x.saturating_add(self.face.width(index));
            frame.y.copy(
                &still.y,
                Area {
                    x,
                    y: top,
                    width,
                    height,
                },
            );
            self.face.draw(&mut frame.y, x, top, glyph, self.value);
        }
        self.shown = text.as_bytes().to_vec();
    }
}

/// The disc that crosses the picture, and comes back.
#[derive(Debug)]
struct Disc {
    left: u16,
    way: u16,
    top: u16,
    start_ms: u64,
    colour: [u8; 3],
    luma: Mask,
    chroma: Mask,
    shown: Option<Area>,
}

impl Disc {
    fn new(width: u16, height: u16, seed: u64, colour: [u8; 3]) -> Self {
        let size = part(height.min(width), 90).max(8) & !3;
        let left = part(width, 50);
        Self {
            left,
            way: width
                .saturating_sub(left.saturating_mul(2))
                .saturating_sub(size),
            top: part(height, 540).saturating_sub(size / 2) & !1,
            start_ms: seed.wrapping_mul(1_700) % (2 * CROSSING_MS),
            colour,
            luma: glow(size),
            chroma: glow(size / 2),
            shown: None,
        }
    }

    /// The line that it runs along.
    fn draw_way(&self, still: &mut Frame) {
        let middle = self.top.saturating_add(self.luma.height / 2) & !1;
        let width = self.way.saturating_add(self.luma.width);
        let area = Area {
            x: self.left,
            y: middle,
            width,
            height: 2,
        };
        still.y.fill(area.evened(), 64);
    }

    fn draw(&mut self, frame: &mut Frame, still: &Frame, elapsed_ms: u64) {
        if let Some(shown) = self.shown {
            frame.copy(still, shown);
        }
        let at = elapsed_ms.wrapping_add(self.start_ms) % (2 * CROSSING_MS);
        let along = at.min(2 * CROSSING_MS - at);
        let offset = u64::from(self.way) * along / CROSSING_MS;
        let x = self
            .left
            .saturating_add(u16::try_from(offset).unwrap_or_default())
            & !1;
        let [y, u, v] = self.colour;
        frame.y.blend(x, self.top, &self.luma, y);
        frame.u.blend(x / 2, self.top / 2, &self.chroma, u);
        frame.v.blend(x / 2, self.top / 2, &self.chroma, v);
        let (width, height) = (self.luma.width, self.luma.height);
        self.shown = Some(Area {
            x,
            y: self.top,
            width,
            height,
        });
    }
}

/// A disc with a soft edge.
fn glow(size: u16) -> Mask {
    let radius = f32::from(size) / 2.0;
    Mask::draw(size, size, |x, y| {
        let (dx, dy) = (f32::from(x) + 0.5 - radius, f32::from(y) + 0.5 - radius);
        let away = dx.hypot(dy) / radius;
        // Full up to six tenths of the radius, then falling as half a cosine.
        let fall = ((away - 0.6) / 0.4).clamp(0.0, 1.0);
        cover((fall * PI).cos().mul_add(0.5, 0.5))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::barcode::{Luma, read_stamp};

    fn options(address: &str) -> SyntheticOptions {
        SyntheticOptions::parse(address).unwrap()
    }

    #[test]
    fn only_what_moves_is_drawn_again_and_nothing_is_left_behind() {
        let options = options("synthetic:?width=640&height=360&canary=a+secret+text&seed=3");
        let mut kept = Scene::new(&options);
        let mut fresh = Scene::new(&options);
        let time = |number: u64| UtcMillis(1_790_000_000_000 + number * 67);
        for number in 0..200 {
            kept.draw(number, time(number));
        }
        let kept = kept.draw(200, time(200)).clone();
        let fresh = fresh.draw(200, time(200));
        assert_eq!(kept.y.bytes(), fresh.y.bytes());
        assert_eq!(kept.u.bytes(), fresh.u.bytes());
        assert_eq!(kept.v.bytes(), fresh.v.bytes());
    }

    #[test]
    fn the_stamp_is_right_at_every_size() {
        for (width, height) in [
            (160, 120),
            (1_920, 1_080),
            (160, 1_080),
            (1_920, 120),
            (322, 242),
        ] {
            let address = format!("synthetic:?width={width}&height={height}");
            let mut scene = Scene::new(&options(&address));
            let captured = UtcMillis(1_790_000_123_456);
            let luma = scene.draw(77, captured).y.bytes();
            let luma = Luma {
                width,
                height,
                stride: width.into(),
                bytes: luma,
            };
            assert_eq!(
                read_stamp(&luma),
                Some(Stamp {
                    frame: 77,
                    captured
                })
            );
        }
    }

    #[test]
    fn absurd_times_and_numbers_are_drawn_too() {
        let mut scene = Scene::new(&SyntheticOptions::default());
        scene.draw(u64::MAX, UtcMillis(u64::MAX));
        scene.draw(u64::MAX, UtcMillis(0));
    }
}
