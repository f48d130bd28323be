//! A recorder's disk as it is found at a start, every check field in order: opening it ends, tears nothing that
//! it kept, and finds the same a second time.
#![no_main]

#[expect(dead_code, reason = "the recorder's tests need more of it than this")]
#[path = "../../shell/recordings/tests/it/fault.rs"]
mod fault;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use bartizan_base::clock::{Clock, TestClock};
use bartizan_domain::{Hash, Rendition, StreamId, UtcMillis};
use bartizan_fuzz::stream::{our_envelope, sealed};
use bartizan_fuzz::{SCOPE, START, checked, rechained, used};
use bartizan_recordings::disk::{Access, Disk};
use bartizan_recordings::{
    BlockBuilder, Config, Cursor, ExtentHeader, PAGE, Place, ReadError, Recorder, SegmentRow,
    SegmentState, StreamState, Unattended,
};
use fault::FaultDisk;
use libfuzzer_sys::fuzz_target;

const EXTENT: usize = 2 * PAGE;
const EXTENTS: usize = 8;

/// What it is, a number, another, bytes.
type Piece<'a> = (u8, u64, u64, &'a [u8]);

static ENVELOPE: LazyLock<(Vec<u8>, Hash)> = LazyLock::new(|| our_envelope(SCOPE.epoch));

fn config() -> Config {
    Config {
        extent_bytes: EXTENT as u64,
        volume_bytes: (EXTENTS * EXTENT) as u64,
        chunk_bytes: 2 * PAGE,
        commit_interval: Duration::from_millis(500),
        queue_bytes: 64 * 1024,
        free_space_floor: 0,
        min_kept: Duration::ZERO,
        ..Config::default()
    }
}

fn stream(flags: u8) -> StreamId {
    let rendition = if flags & 8 == 0 {
        Rendition::Main
    } else {
        Rendition::Sub
    };
    let camera = SCOPE.camera;
    StreamId { camera, rendition }
}

fn put(disk: &FaultDisk, path: &str, bytes: &[u8], at: u64) {
    let file = disk.open(path, Access::CREATE).expect("room");
    file.write_at(bytes, at).expect("room");
}

/// The numbers that a recorder wrote fit each other: one that is absurd under a good check field is its own.
fn small(value: u64) -> u64 {
    value % 24
}

/// A floor or a checkpoint: eight bytes of magic, then numbers.
fn numbered(bytes: &[u8], width: usize) -> Vec<u8> {
    let (magic, rest) = bytes.split_at(bytes.len().min(8));
    let mut out = magic.to_vec();
    for field in rest.chunks(width) {
        match <[u8; 8]>::try_from(field) {
            Ok(field) => {
                let value = u64::from_be_bytes(field) % (24 * (EXTENT - PAGE) as u64);
                out.extend_from_slice(&value.to_be_bytes());
            }
            Err(_) => out.extend_from_slice(field),
        }
    }
    checked(&out)
}

/// The name of a run that is `sealed` or still grows.
fn run_name(sealed: bool, mark: &Cursor, end: &Cursor) -> String {
    let text = |mark: &Cursor| {
        let Cursor {
            extent,
            number,
            time,
            offset,
            ..
        } = mark;
        format!("{offset:016x}-{extent:016x}-{number:016x}-{time:016x}")
    };
    if sealed {
        format!("{}-{}.idx", text(mark), text(end))
    } else {
        format!("{}.run", text(mark))
    }
}

/// A run's file: four bytes for each entry.
fn run(stream: StreamId, first: Cursor, entries: &[u8]) -> (Vec<u8>, Cursor) {
    let mut builder = BlockBuilder::new(stream, first);
    let (mut next, mut out) = (first, Vec::new());
    for entry in entries.chunks_exact(4) {
        let [what, a, b, c] = *entry else { continue };
        let fits = if what & 1 == 0 {
            let number = next.extent + u64::from(a & 1);
            let place = Place(u64::from(b) % (2 * EXTENTS as u64));
            (next.extent, next.place) = (number + 1, place.0);
            builder.push_extent(number, place)
        } else {
            let row = SegmentRow {
                number: next.number + u64::from(a & 3),
                start: UtcMillis(next.time + u64::from(b) * 100),
                duration: u64::from(c) * 100,
                offset: next.offset + u64::from(a >> 6) * 100,
                len: u64::from(c) * 20,
                key_len: u32::from(b),
                state: if what & 2 == 0 {
                    SegmentState::Closed
                } else {
                    SegmentState::Cut
                },
            };
            (next.number, next.time) = (row.number + 1, row.start.0);
            next.offset = row.end_offset();
            builder.push_row(&row)
        };
        if !fits {
            out.extend_from_slice(&builder.encode());
            builder = builder.follow();
        }
    }
    out.extend_from_slice(&builder.encode());
    (out, next)
}

/// What lies on the disk.
fn lay(disk: &FaultDisk, pieces: &[Piece<'_>]) {
    let (mut slot, mut taken) = (0, BTreeSet::new());
    for (flags, first, second, bytes) in pieces {
        let stream = stream(*flags);
        let folder = format!("index/{}/{}", stream.camera, stream.rendition);
        match flags & 7 {
            0 => put(disk, &format!("{folder}/floor"), &numbered(bytes, 8), 0),
            1 => put(disk, "index/checkpoint", &checked(bytes), 0),
            2 => put(disk, &format!("{folder}/manifest"), bytes, 0),
            3 => {
                let extent = small(*first);
                let mark = Cursor {
                    extent,
                    place: 0,
                    number: small(*second),
                    time: START.0,
                    offset: extent * (EXTENT - PAGE) as u64,
                };
                let (mut file, end) = run(stream, mark, bytes);
                if flags & 32 != 0 {
                    file.truncate(file.len() / 2);
                }
                let name = run_name(flags & 64 != 0, &mark, &end);
                put(disk, &format!("{folder}/{name}"), &file, 0);
            }
            _ => {
                let number = small(*first);
                // A number is given once.
                if !taken.insert((stream, number)) {
                    continue;
                }
                let start = number * (EXTENT - PAGE) as u64;
                let header = ExtentHeader {
                    stream,
                    fresh: flags & 32 != 0,
                    number,
                    next_record: start + second % (2 * EXTENT as u64),
                    segment: start,
                    time: START,
                };
                let body = match flags >> 6 {
                    0 => bytes.to_vec(),
                    1 => rechained(bytes),
                    _ => sealed(bytes, ENVELOPE.1),
                };
                let mut image = [header.encode().as_slice(), &body].concat();
                image.truncate(EXTENT);
                let volume = slot / EXTENTS;
                let at = (slot % EXTENTS * EXTENT) as u64;
                put(disk, &format!("volumes/{volume:08x}.vol"), &image, at);
                slot += 1;
            }
        }
    }
}

fn open(disk: &FaultDisk, clock: &TestClock) -> Option<Unattended> {
    let disk: Arc<dyn Disk> = Arc::new(disk.clone());
    let clock: Arc<dyn Clock> = Arc::new(clock.clone());
    Recorder::open_unattended(disk, config(), clock).ok()
}

/// Reads a stream as a viewer would, from end to end.
fn look(recorder: &Recorder, stream: StreamId) -> Result<(), ReadError> {
    let rows = recorder.segments(stream, UtcMillis(0), UtcMillis(u64::MAX), 100)?;
    for row in rows {
        let mut reader = recorder.read(stream, row.offset, 4 * EXTENT as u64)?;
        while reader.next_piece()?.is_some() {}
    }
    used(recorder.running_segment(stream));
    Ok(())
}

/// Streams of which there is something.
fn states(opened: &Unattended) -> BTreeMap<StreamId, StreamState> {
    let streams = opened.report.streams.iter().cloned();
    streams
        .filter(|(_, state)| *state != StreamState::default())
        .collect()
}

fuzz_target!(|pieces: Vec<Piece<'_>>| {
    let clock = TestClock::at(START);
    let disk = FaultDisk::new(&clock, 4 * 1024 * 1024);
    lay(&disk, pieces.get(..16).unwrap_or(&pieces));
    let Some(first) = open(&disk, &clock) else {
        return;
    };
    let found = states(&first);
    drop(first);
    let mut second = open(&disk, &clock).expect("what was opened opens again");
    assert_eq!(states(&second), found);
    second.rebuilder.step();
    for stream in [stream(0), stream(8)] {
        used(look(&second.recorder, stream));
    }
    for _ in 0..3 {
        clock.advance(Duration::from_millis(600));
        second.writer.step();
    }
    for stream in [stream(0), stream(8)] {
        used(look(&second.recorder, stream));
    }
});
