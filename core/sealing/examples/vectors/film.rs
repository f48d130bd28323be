//! What the camera records: both renditions, through an expiry, a roster change, a long group of pictures,
//! an interruption, a crash and a full disk.

use std::collections::BTreeMap;

use bartizan_domain::{
    CameraId, EpochId, GapReason, Hash, Millis, Rendition, StreamId, Track, UtcMillis,
};
use bartizan_identity::Roster;
use bartizan_sealing::camera::{CameraSealer, Context, Sink};
use bartizan_sealing::manifest::Gap;
use bartizan_sealing::stream::Resume;
use bartizan_sealing::{Frame, Kind, Manifest, Record, SegmentEnd, SegmentHeader};

use crate::format::{FrameText, Hex};
use crate::house::{CAMERA, Log, SEALER_KEY, T0, change, key, rotate};

/// Between two pictures: ten a second.
const TICK: Millis = 100;

/// Deterministic bytes, nothing else: the vectors are public.
pub(crate) struct Noise(pub(crate) u64);

impl Noise {
    pub(crate) fn fill(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005);
            self.0 = self.0.wrapping_add(1_442_695_040_888_963_407);
            *byte = self.0.to_be_bytes()[0];
        }
    }
}

/// Where sealed bytes go.
#[derive(Default)]
pub(crate) struct Shelf {
    pub(crate) streams: BTreeMap<Rendition, Vec<u8>>,
    pub(crate) envelopes: Vec<(EpochId, Vec<u8>)>,
}

impl Sink for Shelf {
    fn records(&mut self, stream: StreamId) -> &mut Vec<u8> {
        self.streams.entry(stream.rendition).or_default()
    }

    fn envelope(&mut self, _camera: CameraId, epoch: EpochId, record: Vec<u8>) {
        self.envelopes.push((epoch, record));
    }
}

/// Splits bytes that are ours.
pub(crate) fn split(mut bytes: &[u8]) -> Vec<Record<'_>> {
    let mut out = Vec::new();
    while let Ok(Some((record, rest))) = Record::split(bytes) {
        out.push(record);
        bytes = rest;
    }
    out
}

/// `codec ‖ timescale ‖ a ‖ b ‖ extra` (`docs/sealed-stream.md` §6).
fn config(codec: u8, timescale: u32, a: u32, b: u32, extra: &[u8]) -> Vec<u8> {
    let numbers = [timescale, a, b].map(u32::to_be_bytes);
    let len = u16::try_from(extra.len()).expect("short").to_be_bytes();
    [&[codec], numbers.as_flattened(), &len, extra].concat()
}

/// A real camera's parameter sets as `avcC` (ISO/IEC 14496-15 §5.3.3.1).
fn avcc() -> Vec<u8> {
    let sps = b"\x67\x42\xc0\x28\xd9\x00\x78\x02\x27\xe5\xc0\x44\x00\x00\x03\x00\x04\x00\x00\x03\x00\xc8\x3c\x60\xc9\x20";
    let pps = b"\x68\xcb\x83\xcb\x20";
    let head = [1, 0x42, 0xc0, 0x28, 0xff, 0xe1, 0, 26];
    [head.as_slice(), sps, &[1, 0, 5], pps].concat()
}

pub(crate) fn video_config(width: u32, height: u32) -> Vec<u8> {
    config(1, 90_000, width, height, &avcc())
}

pub(crate) fn audio_config() -> Vec<u8> {
    config(4, 8_000, 8_000, 1, &[])
}

/// A slice behind its length: like H.264, and noise.
fn picture(noise: &mut Noise, key: bool) -> Vec<u8> {
    let mut slice = vec![0; if key { 30 } else { 12 }];
    noise.fill(&mut slice);
    slice[0] = if key { 0x65 } else { 0x41 };
    let len = u32::try_from(slice.len()).expect("short").to_be_bytes();
    [&len, slice.as_slice()].concat()
}

/// The camera, its sealer and all that they did.
pub(crate) struct Film {
    sealer: CameraSealer,
    pub(crate) shelf: Shelf,
    pub(crate) frames: Vec<FrameText>,
    /// What the sealer drew with 32 bytes: the epochs' secrets.
    pub(crate) secrets: Vec<[u8; 32]>,
    noise: Noise,
    now: UtcMillis,
    tick: u32,
}

impl Film {
    fn new() -> Self {
        Self {
            sealer: CameraSealer::new(CAMERA),
            shelf: Shelf::default(),
            frames: Vec::new(),
            secrets: Vec::new(),
            noise: Noise(1),
            now: T0,
            tick: 0,
        }
    }

    fn act<R>(
        &mut self,
        roster: &Roster,
        act: impl FnOnce(&mut CameraSealer, &mut Context<'_>, &mut Shelf) -> R,
    ) -> R {
        let signing = key(SEALER_KEY);
        let (noise, secrets) = (&mut self.noise, &mut self.secrets);
        let mut random = |bytes: &mut [u8]| {
            noise.fill(bytes);
            secrets.extend(<[u8; 32]>::try_from(&*bytes));
        };
        let mut context = Context {
            signing: &signing,
            roster,
            random: &mut random,
            now: self.now,
        };
        act(&mut self.sealer, &mut context, &mut self.shelf)
    }

    fn connect(&mut self, rendition: Rendition, session: u32, height: u32) {
        self.sealer.begin_session(rendition, session);
        let width = height * 16 / 9;
        self.sealer
            .configure(rendition, Track::Video, video_config(width, height));
        self.sealer
            .configure(rendition, Track::Audio, audio_config());
        for track in [Track::Event, Track::Thumbnail] {
            self.sealer.configure(rendition, track, Vec::new());
        }
    }

    fn seal(
        &mut self,
        roster: &Roster,
        rendition: Rendition,
        track: Track,
        (key, data): (bool, &[u8]),
    ) {
        let captured = self.now;
        let scale = match track {
            Track::Video => 9_000,
            Track::Audio => 800,
            Track::Event | Track::Thumbnail => 100,
        };
        let pts = i64::from(self.tick) * scale - 9;
        let offset = track == Track::Video && !key;
        let decode_offset = if offset {
            -i32::try_from(self.tick % 3).expect("small")
        } else {
            0
        };
        let frame = Frame {
            track,
            key,
            captured,
            pts,
            decode_offset,
            config: None,
            data,
        };
        let before = self.len(rendition);
        self.act(roster, |sealer, context, shelf| {
            sealer.seal(rendition, context, &frame, shelf)
        })
        .expect("a small frame");
        if self.len(rendition) == before {
            return;
        }
        self.frames.push(FrameText {
            rendition: rendition.to_string(),
            track: format!("{track:?}").to_lowercase(),
            key,
            captured: captured.0.to_string(),
            pts: pts.to_string(),
            decode_offset,
            data: Hex(data.to_vec()),
        });
    }

    fn len(&self, rendition: Rendition) -> usize {
        self.shelf.streams.get(&rendition).map_or(0, Vec::len)
    }

    /// `ticks` of both renditions, a keyframe every `gop`; sound every other tick, an event and a
    /// thumbnail in the sub stream every second.
    fn shoot(&mut self, roster: &Roster, ticks: u32, gop: u32) {
        self.go_on(roster, (0, ticks), gop);
    }

    /// The same from the middle of a group on.
    fn go_on(&mut self, roster: &Roster, (phase, ticks): (u32, u32), gop: u32) {
        for index in phase..phase + ticks {
            let sink =
                |s: &mut CameraSealer, c: &mut Context<'_>, sink: &mut Shelf| s.keep_epoch(c, sink);
            self.act(roster, sink).expect("the camera's sealer");
            for rendition in Rendition::ALL {
                let key = index % gop == 0;
                let data = picture(&mut self.noise, key);
                self.seal(roster, rendition, Track::Video, (key, &data));
            }
            if self.tick.is_multiple_of(2) {
                self.seal(
                    roster,
                    Rendition::Main,
                    Track::Audio,
                    (true, &[0xff, 0x7f, 0x55, 0xd5]),
                );
            }
            if self.tick % 10 == 5 {
                let event = format!("{{\"motion\":{}}}", self.tick);
                self.seal(
                    roster,
                    Rendition::Sub,
                    Track::Event,
                    (true, event.as_bytes()),
                );
                self.seal(
                    roster,
                    Rendition::Sub,
                    Track::Thumbnail,
                    (true, b"\xff\xd8\xff\xd9"),
                );
            }
            self.now = self.now.saturating_add(TICK);
            self.tick += 1;
            self.act(roster, CameraSealer::tick);
        }
    }

    /// Nothing comes from the camera.
    fn wait(&mut self, roster: &Roster, ticks: u32) {
        for _ in 0..ticks {
            self.now = self.now.saturating_add(TICK);
            self.tick += 1;
            self.act(roster, CameraSealer::tick);
        }
    }

    /// The process dies, and the recorder had not got the last `lost` records of the main stream. The next
    /// process goes on after 2 s.
    fn crash(&mut self, roster: &Roster, lost: usize) {
        self.sealer = CameraSealer::new(CAMERA);
        self.now = self.now.saturating_add(2_000);
        self.tick += 20;
        for rendition in Rendition::ALL {
            let bytes = self.shelf.streams.entry(rendition).or_default();
            let records = split(bytes);
            let lost = if rendition == Rendition::Main {
                lost
            } else {
                0
            };
            let (kept, gone) = records.split_at(records.len() - lost);
            let frames = gone
                .iter()
                .filter(|record| record.header.kind == Kind::Frame)
                .count();
            let len = kept.iter().map(|record| record.bytes.len()).sum();
            let resume = resume(kept);
            bytes.truncate(len);
            let name = rendition.to_string();
            for _ in 0..frames {
                let last = self
                    .frames
                    .iter()
                    .rposition(|frame| frame.rendition == name);
                self.frames.remove(last.expect("it was sealed"));
            }
            self.sealer
                .resume(rendition, &resume, GapReason::Restart, self.now);
        }
        let sink =
            |s: &mut CameraSealer, c: &mut Context<'_>, sink: &mut Shelf| s.keep_epoch(c, sink);
        self.act(roster, sink).expect("the camera's sealer");
    }

    /// The disk is full: of the main stream's next segments only the manifests are kept.
    fn full_disk(&mut self, roster: &Roster) {
        let main = Rendition::Main;
        let (from, kept, frames) = (self.now, self.len(main), self.frames.len());
        let next = |film: &Self| {
            film.sealer
                .position(main)
                .expect("it is there")
                .next_segment
        };
        let first_segment = next(self);
        self.shoot(roster, 16, 8);
        let segments = next(self) - first_segment;
        let to = self.now;
        // The last of them still runs; its close comes with the next keyframe.
        self.shoot(roster, 1, 1);
        let bytes = self.shelf.streams.entry(main).or_default();
        let after = bytes.split_off(kept);
        let mut lost = false;
        for record in split(&after) {
            if record.header.kind == Kind::SegmentHeader {
                let number = SegmentHeader::decode(record.body).expect("ours").number;
                lost = (first_segment..first_segment + segments).contains(&number);
            }
            // The close of the segment before, and everything of those after.
            if !lost || record.header.kind == Kind::Manifest {
                bytes.extend_from_slice(record.bytes);
            }
        }
        let (start, end) = (from.0, to.0);
        let gone = |frame: &FrameText| {
            let time: u64 = frame.captured.parse().expect("ours");
            frame.rendition == "main" && (start..end).contains(&time)
        };
        let tail = self.frames.split_off(frames);
        self.frames
            .extend(tail.into_iter().filter(|frame| !gone(frame)));
        let reason = GapReason::DiskFull;
        let gap = Gap {
            reason,
            from,
            to,
            first_segment,
            segments,
        };
        self.act(roster, |sealer, context, shelf| {
            sealer.lost(main, context, gap, shelf);
        });
    }
}

/// Where the stream of `records` stands.
fn resume(records: &[Record<'_>]) -> Resume {
    let mut resume = Resume::FRESH;
    let (mut chain, mut tail) = (Hash::ZERO, None::<SegmentEnd>);
    for record in records {
        let hash = record.chain_after(&chain).expect("our own chain");
        match record.header.kind {
            Kind::Manifest => {
                let manifest = Manifest::decode(record.body).expect("ours");
                resume.manifest = Some((manifest.counter, hash, manifest.time));
                resume.until = Some(manifest.time);
                continue;
            }
            Kind::SegmentHeader => {
                let header = SegmentHeader::decode(record.body).expect("ours");
                let (number, frames) = (header.number, 0);
                tail = Some(SegmentEnd {
                    number,
                    frames,
                    chain: hash,
                });
                resume.next_segment = number + 1;
            }
            kind => tail.iter_mut().for_each(|tail| {
                tail.frames += u32::from(kind == Kind::Frame);
                tail.chain = hash;
            }),
        }
        chain = hash;
    }
    resume.tail = tail;
    resume
}

/// The whole film; statements are added to `log` on the way.
pub(crate) fn shoot(log: &mut Log) -> Film {
    let mut film = Film::new();
    let [main, sub] = Rendition::ALL;
    for (rendition, height) in [(main, 1_080), (sub, 360)] {
        film.sealer
            .resume(rendition, &Resume::FRESH, GapReason::Restart, T0);
        film.connect(rendition, 7, height);
    }
    // Ten seconds in groups of 0.8 s; then the viewer's time is over, and the epoch rolls at once.
    let before = log.history.current().clone();
    film.shoot(&before, 104, 8);
    // The camera's picture changes.
    film.sealer
        .configure(main, Track::Video, video_config(1_280, 720));
    film.shoot(&before, 12, 8);
    rotate(log);
    let rotated = log.history.current().clone();
    // The roster changed: the rest of the group follows in the next epoch, and a long group after it.
    film.go_on(&rotated, (4, 4), 8);
    film.shoot(&rotated, 56, 56);
    film.act(&rotated, |s, c, shelf| {
        s.interrupt(main, c, GapReason::CameraOffline, shelf);
    });
    film.wait(&rotated, 30);
    film.connect(main, 8, 1_080);
    film.shoot(&rotated, 20, 10);
    change(log);
    let changed = log.history.current().clone();
    film.crash(&changed, 3);
    for (rendition, height) in [(main, 1_080), (sub, 360)] {
        film.connect(rendition, 9, height);
    }
    film.shoot(&changed, 16, 8);
    film.full_disk(&changed);
    film.shoot(&changed, 9, 9);
    film.act(&changed, |sealer, context, shelf| {
        sealer.finish(context, shelf);
    });
    film
}
