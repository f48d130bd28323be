//! Makes the index of 30 days of 16 cameras, main and sub, and measures opening it and finding moments.
//!
//! `month make FOLDER` writes index files in the real format and volumes without data; `month find FOLDER`
//! opens the store and looks for random moments, `month cold FOLDER` does so after the page cache was
//! dropped (as root).
#![forbid(unsafe_code)]
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a measurement that meets what it does not expect ends there, and says where"
)]

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use bartizan_base::clock::{Clock, SystemClock};
use bartizan_domain::{CameraId, Rendition, StreamId, UtcMillis};
use bartizan_recordings::{
    BlockBuilder, Checkpoint, Config, Cursor, ExtentHeader, Geometry, Mark, Place, RealDisk,
    Recorder, RunName, SegmentRow, SegmentState,
};

const DAYS: u64 = 30;
const DAY: u64 = 86_400_000;
const FROM: u64 = 1_790_000_000_000;
const CAMERAS: u8 = 16;

fn streams() -> impl Iterator<Item = (u64, StreamId)> {
    let cameras = (1..=CAMERAS).map(|n| CameraId::new([n; 16]));
    let streams = cameras.flat_map(|camera| {
        Rendition::ALL.map(|r| StreamId {
            camera,
            rendition: r,
        })
    });
    (0..).zip(streams)
}

/// Bytes of a two-second segment.
fn segment_bytes(rendition: Rendition) -> u64 {
    match rendition {
        Rendition::Main => 1_000_000,
        Rendition::Sub => 125_000,
    }
}

/// One run per day; gives the number of extents and bytes of index.
fn make_stream(folder: &Path, geometry: &Geometry, n: u64, stream: StreamId) -> (u64, u64) {
    let dir = folder.join(format!("index/{}/{}", stream.camera, stream.rendition));
    fs::create_dir_all(&dir).unwrap();
    let mut cursor = Cursor {
        time: FROM,
        place: n,
        ..Cursor::default()
    };
    let mut bytes = 0;
    for day in 0..DAYS {
        let first = Mark {
            offset: cursor.offset,
            extent: cursor.extent,
            number: cursor.number,
            time: UtcMillis(FROM + day * DAY),
        };
        cursor.time = first.time.0;
        let (file, next) = make_day(geometry, n, stream, cursor);
        cursor = next;
        let end = Mark {
            offset: cursor.offset,
            extent: cursor.extent,
            number: cursor.number,
            time: UtcMillis(cursor.time + 2_000),
        };
        bytes += file.len() as u64;
        let name = RunName {
            first,
            end: Some(end),
        }
        .file_name();
        fs::write(dir.join(name), file).unwrap();
    }
    (cursor.extent, bytes)
}

fn make_day(geometry: &Geometry, n: u64, stream: StreamId, first: Cursor) -> (Vec<u8>, Cursor) {
    let mut file = Vec::new();
    let mut builder = BlockBuilder::new(stream, first);
    let len = segment_bytes(stream.rendition);
    let mut next = first;
    let mut push = |builder: &mut BlockBuilder, entry: &dyn Fn(&mut BlockBuilder) -> bool| {
        if !entry(builder) {
            file.extend_from_slice(&builder.encode());
            *builder = builder.follow();
            assert!(entry(builder));
        }
    };
    for at in 0..DAY / 2_000 {
        while geometry.start_of(next.extent) < next.offset + len {
            // As if all streams took extents in turn.
            let place = Place(next.extent * 18 + n);
            push(&mut builder, &|builder| {
                builder.push_extent(next.extent, place)
            });
            next.extent += 1;
            next.place = place.0;
        }
        let row = SegmentRow {
            number: next.number,
            start: UtcMillis(first.time + at * 2_000),
            duration: 2_000,
            offset: next.offset,
            len: len + at % 7,
            key_len: 80_000,
            state: SegmentState::Closed,
        };
        push(&mut builder, &|builder| builder.push_row(&row));
        next.number += 1;
        next.time = row.start.0;
        next.offset = row.end_offset();
    }
    file.extend_from_slice(&builder.encode());
    (file, next)
}

fn make(folder: &Path) {
    let config = Config::default();
    let geometry = Geometry::new(config.extent_bytes, config.volume_bytes).unwrap();
    fs::create_dir_all(folder.join("volumes")).unwrap();
    let mut checkpoint = Checkpoint::default();
    let mut total = 0;
    let oldest = fs::File::create(folder.join("volumes/00000000.vol")).unwrap();
    oldest.set_len(config.volume_bytes).unwrap();
    for (n, stream) in streams() {
        let (extents, bytes) = make_stream(folder, &geometry, n, stream);
        checkpoint.streams.push((stream, extents));
        total += bytes;
        let header = ExtentHeader {
            stream,
            fresh: true,
            number: 0,
            next_record: 0,
            segment: 0,
            time: UtcMillis(FROM),
        };
        let at = geometry.offset_of(Place(n));
        std::os::unix::fs::FileExt::write_all_at(&oldest, &header.encode(), at).unwrap();
    }
    // As many volumes as there would be, without data.
    let extents: u64 = checkpoint.streams.iter().map(|(_, extents)| extents).sum();
    let volumes = u32::try_from(extents / geometry.extents_per_volume()).unwrap();
    for volume in 1..volumes {
        fs::File::create(folder.join(format!("volumes/{volume:08x}.vol"))).unwrap();
    }
    checkpoint.volume = volumes - 8;
    fs::write(folder.join("index/checkpoint"), checkpoint.encode()).unwrap();
    let camera_hour = total / u64::from(CAMERAS) / (DAYS * 24);
    let mut out = std::io::stdout();
    writeln!(
        out,
        "{volumes} volumes, {total} bytes of index, {camera_hour} per camera-hour"
    )
    .unwrap();
}

fn find(folder: &Path) {
    let clock = SystemClock;
    let mut out = std::io::stdout();
    let millis = |since| clock.monotonic().since(since).as_secs_f64() * 1_000.0;
    let before = clock.monotonic();
    let disk = Arc::new(RealDisk::new(folder));
    let (recorder, report) = Recorder::open(disk, Config::default(), Arc::new(clock)).unwrap();
    let opened = millis(before);
    writeln!(
        out,
        "open {opened:.1} ms, {} streams, {} holes",
        report.streams.len(),
        report.holes
    )
    .unwrap();
    let all: Vec<StreamId> = streams().map(|(_, stream)| stream).collect();
    let mut dice: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut times = Vec::new();
    for _ in 0..500 {
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        let stream = all[usize::try_from(dice % all.len() as u64).unwrap()];
        let moment = UtcMillis(FROM + dice % (DAYS * DAY));
        let before = clock.monotonic();
        let to = moment.saturating_add(1);
        let row = recorder.segments(stream, moment, to, 1).unwrap()[0];
        // Where its first byte lies is found too; the byte itself is not there.
        drop(
            recorder
                .read(stream, row.offset, row.len)
                .unwrap()
                .next_piece(),
        );
        times.push(millis(before));
        assert!(row.start <= moment && moment < row.end());
    }
    writeln!(out, "first moment {:.2} ms", times[0]).unwrap();
    times.sort_by(f64::total_cmp);
    writeln!(
        out,
        "500 moments: median {:.2} ms, most {:.2} ms",
        times[250], times[499]
    )
    .unwrap();
    let before = clock.monotonic();
    let day = recorder
        .spans(all[0], UtcMillis(FROM + DAY), UtcMillis(FROM + 2 * DAY))
        .unwrap();
    writeln!(
        out,
        "spans of a day {:.2} ms ({})",
        millis(before),
        day.len()
    )
    .unwrap();
    let before = clock.monotonic();
    let month = recorder
        .spans(all[0], UtcMillis(FROM), UtcMillis(FROM + DAYS * DAY))
        .unwrap();
    writeln!(
        out,
        "spans of 30 days {:.2} ms ({})",
        millis(before),
        month.len()
    )
    .unwrap();
    recorder.close();
}

fn main() {
    let mut args = std::env::args().skip(1);
    let (act, folder) = (args.next().unwrap(), args.next().unwrap());
    let folder = Path::new(&folder);
    match act.as_str() {
        "make" => make(folder),
        "cold" => {
            fs::write("/proc/sys/vm/drop_caches", "3").unwrap();
            find(folder);
        }
        _ => find(folder),
    }
}
