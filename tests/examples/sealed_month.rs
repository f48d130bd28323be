//! Writes thirty days of sealed recording into a gateway's data folder, for measuring what a month costs whoever looks
//! back: `sealed_month DATA [DAYS]`. The gateway is claimed, has one camera, and is not running.
//!
//! Everything but the pictures is what recording would have left: the sealer's own key and pinned roster, an envelope each
//! hour, a segment with a keyframe every two seconds in each rendition that the camera has recorded, manifests, gaps that
//! are signed, and the recorder's own files. The pictures are few, small, and come round again every [`CYCLE`]; their stamp
//! (`shell/synthetic`) shows the moment within it. What was recorded before is removed first: a stream's order is that of time.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use bartizan_base::clock::{Clock, SystemClock, TestClock};
use bartizan_base::random;
use bartizan_domain::wire::Reader;
use bartizan_domain::{
    CameraId, EpochId, GapReason, Rendition, Secret, StreamId, Track, UtcMillis,
};
use bartizan_identity::SigningKey;
use bartizan_identity::roster::{History, MAX_STATEMENT_BYTES, Statement};
use bartizan_recordings::{Config, RealDisk, Recorder, Unattended, Writer};
use bartizan_sealing::Frame;
use bartizan_sealing::camera::{CameraSealer, Context, Sink};
use bartizan_sealing::stream::Resume;
use bartizan_synthetic::{SyntheticCamera, SyntheticOptions};

/// Milliseconds of a segment.
const SEGMENT: u64 = 2_000;

/// Pictures of a segment: a keyframe and what leans on it.
const PICTURES: u64 = 3;

/// Segments whose pictures differ.
const GROUPS: u64 = 512;

/// After so many milliseconds the pictures come round again.
const CYCLE: u64 = GROUPS * SEGMENT;

const HOUR: u64 = 3_600_000;

/// What was sealed waits this long for the disk.
const STORE_EVERY: u64 = 2 * HOUR;

/// Recording stops this often.
const GAP_EVERY: u64 = 31 * HOUR;

/// How long, in turn, and why.
const GAPS: [(u64, GapReason); 5] = [
    (90_000, GapReason::CameraOffline),
    (13 * 60_000, GapReason::CameraStalled),
    (7 * HOUR, GapReason::CameraOffline),
    (20_000, GapReason::CameraRefused),
    (2 * HOUR, GapReason::CameraOffline),
];

/// Ticks of a millisecond of the pictures' presentation times.
const TICKS: u64 = 90;

/// One picture.
struct Picture {
    key: bool,
    data: Vec<u8>,
}

/// The pictures of one rendition.
struct Film {
    rendition: Rendition,
    config: Vec<u8>,
    groups: Vec<Vec<Picture>>,
}

impl Film {
    /// Draws and encodes all that there is.
    fn make(rendition: Rendition) -> Result<Self> {
        let size = match rendition {
            Rendition::Main => "width=320&height=180",
            Rendition::Sub => "width=160&height=120",
        };
        // Few bits for many pictures, so that keyframes are small; when they are shown is told by the sealer's frames.
        let address =
            format!("synthetic:?{size}&fps=30&gop=200ms&bitrate=50k&audio=false&label={rendition}");
        let mut camera = SyntheticCamera::new(SyntheticOptions::parse(&address)?)?;
        let config = camera.video_config().encode();
        let mut groups = Vec::new();
        for group in 0..GROUPS {
            camera.force_keyframe();
            let mut pictures = Vec::new();
            for number in 0..PICTURES {
                let stamp = UtcMillis(group * SEGMENT + offset(number));
                let unit = camera.next(camera.next_due(), stamp)?;
                let unit = unit.context("the encoder left a picture out")?;
                ensure!(
                    unit.key == (number == 0),
                    "a keyframe is not where it was asked for"
                );
                pictures.push(Picture {
                    key: unit.key,
                    data: unit.data,
                });
            }
            groups.push(pictures);
        }
        Ok(Self {
            rendition,
            config,
            groups,
        })
    }

    /// The pictures of the segment that begins at `time`.
    fn at(&self, time: UtcMillis) -> impl Iterator<Item = (u64, &Picture)> {
        let group = usize::try_from(time.0 % CYCLE / SEGMENT).unwrap_or_default();
        let pictures = self.groups.get(group).into_iter().flatten();
        (0..).map(offset).zip(pictures)
    }
}

/// When a segment's picture is captured, from its start.
const fn offset(number: u64) -> u64 {
    number * SEGMENT / PICTURES
}

/// Sealed bytes on their way to the recorder.
struct Out {
    recorder: Recorder,
    records: BTreeMap<StreamId, Vec<u8>>,
}

impl Out {
    fn flush(&mut self) -> Result<()> {
        for (stream, records) in &mut self.records {
            self.recorder.append(*stream, records)?;
            records.clear();
        }
        Ok(())
    }
}

impl Sink for Out {
    fn records(&mut self, stream: StreamId) -> &mut Vec<u8> {
        self.records.entry(stream).or_default()
    }

    fn envelope(&mut self, camera: CameraId, epoch: EpochId, record: Vec<u8>) {
        let taken = self.recorder.put_envelope(camera, epoch, &record);
        taken.expect("the recorder takes what a sealer makes");
    }
}

/// What the ingest keeps in its folder.
struct Sealing {
    signing: SigningKey,
    history: History,
}

impl Sealing {
    fn open(dir: &Path) -> Result<Self> {
        let seed = fs::read(dir.join("sealer.key"))
            .context("no sealer's key: is it a gateway's folder?")?;
        let seed = <[u8; 32]>::try_from(seed)
            .ok()
            .context("the sealer's key is malformed")?;
        let log =
            fs::read(dir.join("roster.log")).context("no roster: the gateway is not claimed")?;
        let mut input = Reader::new(&log);
        let mut statements = Vec::new();
        while !input.rest().is_empty() {
            let bytes = input.vec16("statement", MAX_STATEMENT_BYTES)?;
            statements.push(Statement::decode(bytes)?);
        }
        let mut statements = statements.into_iter();
        let mut history = History::begin(statements.next().context("the roster is empty")?)?;
        for statement in statements {
            history.append(statement)?;
        }
        Ok(Self {
            signing: SigningKey::from_seed(&Secret::new(seed)),
            history,
        })
    }

    fn context<'a>(&'a self, random: &'a mut dyn FnMut(&mut [u8]), now: UtcMillis) -> Context<'a> {
        Context {
            signing: &self.signing,
            roster: self.history.current(),
            random,
            now,
        }
    }
}

/// The camera at work.
struct Month {
    sealing: Sealing,
    films: Vec<Film>,
    sealer: CameraSealer,
    out: Out,
    writer: Writer,
    clock: TestClock,
    /// When the running session began.
    session: UtcMillis,
    segments: u64,
    /// When nothing came.
    gaps: Vec<[u64; 2]>,
}

impl Month {
    /// Records from `from` to `to`.
    fn record(&mut self, from: UtcMillis, to: UtcMillis) -> Result<()> {
        let mut gaps = (0..).zip(GAPS.iter().cycle());
        let mut gap = gaps.next();
        let mut now = from;
        self.begin(now);
        while now < to {
            let due = gap.filter(|(number, _)| now.since(from) >= (number + 1) * GAP_EVERY);
            if let Some((_, (length, reason))) = due {
                now = self.pause(now, *length, *reason)?;
                gap = gaps.next();
                continue;
            }
            self.segment(now)?;
            now = now.saturating_add(SEGMENT);
            if now.0.is_multiple_of(STORE_EVERY) {
                self.store(now)?;
            }
        }
        let fill = &mut fill;
        self.sealer
            .finish(&mut self.sealing.context(fill, now), &mut self.out);
        self.store(now)
    }

    /// A new connection to the camera.
    fn begin(&mut self, now: UtcMillis) {
        self.session = now;
        for film in &self.films {
            let number = u32::try_from(now.0 % u64::from(u32::MAX)).unwrap_or_default();
            self.sealer.begin_session(film.rendition, number);
            self.sealer
                .configure(film.rendition, Track::Video, film.config.clone());
        }
    }

    fn segment(&mut self, start: UtcMillis) -> Result<()> {
        let fill = &mut fill;
        self.sealer
            .keep_epoch(&mut self.sealing.context(fill, start), &mut self.out)?;
        for film in &self.films {
            for (after, picture) in film.at(start) {
                let captured = start.saturating_add(after);
                let pts = i64::try_from(captured.since(self.session) * TICKS)?;
                let frame = Frame {
                    track: Track::Video,
                    key: picture.key,
                    captured,
                    pts,
                    decode_offset: 0,
                    config: None,
                    data: &picture.data,
                };
                let mut context = self.sealing.context(fill, captured);
                self.sealer
                    .seal(film.rendition, &mut context, &frame, &mut self.out)?;
            }
            self.segments += 1;
        }
        Ok(())
    }

    /// Nothing comes for a while; gives when it comes again.
    fn pause(&mut self, from: UtcMillis, length: u64, reason: GapReason) -> Result<UtcMillis> {
        let fill = &mut fill;
        for film in &self.films {
            let mut context = self.sealing.context(fill, from);
            self.sealer
                .interrupt(film.rendition, &mut context, reason, &mut self.out);
        }
        let to = from.saturating_add(length);
        let mut now = from;
        while now < to {
            let mut context = self.sealing.context(fill, now);
            self.sealer.keep_epoch(&mut context, &mut self.out)?;
            self.sealer.tick(&mut context, &mut self.out);
            now = now.saturating_add(10_000);
        }
        self.store(to)?;
        self.begin(to);
        self.gaps.push([from.0, to.0]);
        Ok(to)
    }

    /// What was sealed goes to the disk.
    fn store(&mut self, now: UtcMillis) -> Result<()> {
        self.out.flush()?;
        self.clock
            .advance(Duration::from_millis(now.since(self.clock.utc())));
        self.writer.step();
        let counts = self.out.recorder.counts();
        ensure!(
            counts.segments_lost == 0,
            "the disk did not keep up: {counts:?}"
        );
        Ok(())
    }

    /// Ends the recorder, and says what was written.
    fn close(self, from: UtcMillis, to: UtcMillis) -> Result<serde_json::Value> {
        let Self {
            out,
            mut writer,
            segments,
            gaps,
            ..
        } = self;
        let usage = out.recorder.usage()?;
        out.recorder.close();
        while writer.step() {}
        let index: u64 = usage.streams.iter().map(|stream| stream.index_bytes).sum();
        Ok(serde_json::json!({
            "segments": segments,
            "bytes": usage.bytes,
            "indexBytes": index,
            "fromMs": from.0,
            "toMs": to.0,
            "cycleMs": CYCLE,
            "gaps": gaps,
        }))
    }
}

fn fill(out: &mut [u8]) {
    random::fill(out).expect("the machine has randomness");
}

/// The renditions that the camera has recorded.
fn renditions(recordings: &Path, camera: CameraId) -> Vec<Rendition> {
    let index = recordings.join(format!("index/{camera}"));
    let has = |rendition: &Rendition| index.join(rendition.to_string()).exists();
    Rendition::ALL.into_iter().filter(has).collect()
}

/// Removes what was recorded before, and the counters that go with it.
fn forget(recordings: &Path, ingest: &Path) -> Result<()> {
    for old in ["index", "volumes", "epochs"] {
        fs::remove_dir_all(recordings.join(old)).with_context(|| format!("can't remove {old}"))?;
    }
    fs::remove_file(ingest.join("positions")).context("can't forget the old counters")
}

fn main() -> Result<()> {
    let mut words = std::env::args().skip(1);
    let data = words.next().context("sealed_month DATA [DAYS]")?;
    let days: u64 = words.next().map_or(Ok(30), |days| days.parse())?;
    let data = Path::new(&data);
    let (recordings, ingest) = (data.join("gateway/recordings"), data.join("ingest"));
    let sealing = Sealing::open(&ingest)?;
    let mut cameras = sealing
        .history
        .current()
        .cameras()
        .map(|(camera, _)| camera);
    let camera = cameras.next().context("the household has no camera")?;
    ensure!(
        cameras.next().is_none(),
        "the household has several cameras"
    );
    drop(cameras);
    let renditions = renditions(&recordings, camera);
    ensure!(
        !renditions.is_empty(),
        "the camera has recorded nothing yet"
    );
    forget(&recordings, &ingest)?;

    let began = SystemClock.monotonic();
    let films = renditions.iter().map(|rendition| Film::make(*rendition));
    let films = films.collect::<Result<Vec<_>>>()?;
    // Segments begin at whole multiples of their length, as stamps do; what is newer than the last is the gateway's own.
    let to = UtcMillis((SystemClock.utc().0 - 20_000) / SEGMENT * SEGMENT);
    let from = to.saturating_sub(days * 24 * HOUR);
    let clock = TestClock::at(from);
    let config = Config {
        queue_bytes: 512 * 1024 * 1024,
        free_space_floor: 512 * 1024 * 1024,
        ..Config::default()
    };
    let disk = Arc::new(RealDisk::new(&recordings));
    let Unattended {
        recorder,
        mut writer,
        ..
    } = Recorder::open_unattended(disk, config, Arc::new(clock.clone()))?;
    writer.step();
    let mut sealer = CameraSealer::new(camera);
    for rendition in renditions {
        sealer.resume(rendition, &Resume::FRESH, GapReason::Restart, from);
    }
    let out = Out {
        recorder,
        records: BTreeMap::new(),
    };
    let session = from;
    let mut month = Month {
        sealing,
        films,
        sealer,
        out,
        writer,
        clock,
        session,
        segments: 0,
        gaps: Vec::new(),
    };
    month.record(from, to)?;
    writeln!(std::io::stdout(), "{}", month.close(from, to)?)?;
    let took = SystemClock.monotonic().since(began).as_secs();
    writeln!(std::io::stderr(), "{took} s")?;
    Ok(())
}
