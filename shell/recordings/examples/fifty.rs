//! Records many streams of 4 Mbit/s at their own pace and says what it cost.
//!
//! `fifty FOLDER [STREAMS] [SECONDS] [with-sub]`. Making the records is not counted.
#![forbid(unsafe_code)]
#![expect(
    clippy::unwrap_used,
    clippy::too_many_lines,
    reason = "a measurement that meets what it does not expect ends there, and says where"
)]

#[path = "../tests/it/sealer.rs"]
#[expect(dead_code, reason = "shared with the tests")]
mod sealer;

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use bartizan_base::clock::{Clock, SystemClock};
use bartizan_domain::{Rendition, StreamId};
use bartizan_recordings::{Config, RealDisk, Recorder};
use rustix::time::{ClockId, Timespec, clock_gettime};
use sealer::{Sealer, main_of};

const FRAMES_PER_SECOND: u64 = 25;
const FRAMES_PER_SEGMENT: u64 = 50;
const TICK: Duration = Duration::from_millis(100);

fn seconds(time: Timespec) -> f64 {
    Duration::new(
        time.tv_sec.unsigned_abs(),
        u32::try_from(time.tv_nsec).unwrap(),
    )
    .as_secs_f64()
}

fn cpu(clock: ClockId) -> f64 {
    seconds(clock_gettime(clock))
}

struct Camera {
    sealer: Sealer,
    frame_bytes: usize,
    phase: u64,
}

impl Camera {
    /// The records of frame `n`: video, and two of sound.
    fn frame(&mut self, n: u64, out: &mut Vec<u8>) {
        let now = SystemClock.utc();
        let place = (n + self.phase) % FRAMES_PER_SEGMENT;
        if place == 0 {
            if n > 0 {
                out.extend(self.sealer.close(now));
                out.extend(self.sealer.manifest(now));
            }
            out.extend(self.sealer.header(now));
        } else if n == 0 {
            out.extend(self.sealer.header(now));
        }
        let len = if place == 0 {
            self.frame_bytes * 4
        } else {
            self.frame_bytes * 46 / 49
        };
        out.extend(self.sealer.frame(len));
        for _ in 0..2 {
            out.extend(self.sealer.frame(190));
        }
    }
}

fn memory_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS"))
        .unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn main() {
    let mut args = std::env::args().skip(1);
    let folder = args.next().expect("the first argument is a folder");
    let streams: u8 = args.next().map_or(50, |text| text.parse().unwrap());
    let length: u64 = args.next().map_or(30, |text| text.parse().unwrap());
    let with_sub = args.next().is_some();
    let disk = Arc::new(RealDisk::new(&folder));
    let chunk_bytes = std::env::args()
        .nth(5)
        .map_or(64 * 1024, |text| text.parse().unwrap());
    let config = Config {
        chunk_bytes,
        ..Config::default()
    };
    let (recorder, report) = Recorder::open(disk, config, Arc::new(SystemClock)).unwrap();
    let mut cameras: Vec<Camera> = Vec::new();
    for n in 1..=streams {
        let stream = main_of(n);
        let mut add = |stream, frame_bytes| {
            let mut sealer = Sealer::new(stream);
            sealer.number = recorder.stream_state(stream).unwrap().next_segment;
            cameras.push(Camera {
                sealer,
                frame_bytes,
                phase: u64::from(n) * 7,
            });
        };
        add(stream, 20_000);
        if with_sub {
            add(
                StreamId {
                    rendition: Rendition::Sub,
                    ..stream
                },
                2_500,
            );
        }
    }
    let mut buffers = vec![Vec::with_capacity(512 * 1024); cameras.len()];
    let rss_before = memory_kib();
    let started = SystemClock.monotonic();
    let (process, thread) = (cpu(ClockId::ProcessCPUTime), cpu(ClockId::ThreadCPUTime));
    let (mut appending, mut frame) = (0.0, 0);
    let ticks = length * 1_000 / 100;
    let (_never, pause) = std::sync::mpsc::channel::<()>();
    for tick in 1..=ticks {
        let until = tick * FRAMES_PER_SECOND / 10;
        for (camera, buffer) in cameras.iter_mut().zip(&mut buffers) {
            buffer.clear();
            (frame..until).for_each(|n| camera.frame(n, buffer));
        }
        frame = until;
        let before = cpu(ClockId::ThreadCPUTime);
        for (camera, buffer) in cameras.iter().zip(&buffers) {
            recorder.append(camera.sealer.stream, buffer).unwrap();
        }
        appending += cpu(ClockId::ThreadCPUTime) - before;
        let due = started + TICK * u32::try_from(tick).unwrap();
        // Nobody sends: this is a pause that ends in time.
        let woken = pause.recv_timeout(due.since(SystemClock.monotonic()));
        assert!(woken.is_err());
    }
    let elapsed = SystemClock.monotonic().since(started).as_secs_f64();
    let process = cpu(ClockId::ProcessCPUTime) - process;
    let writing = process - (cpu(ClockId::ThreadCPUTime) - thread);
    let rss = memory_kib();
    let counts = recorder.counts();
    let usage = recorder.usage().unwrap();
    let index: u64 = usage.streams.iter().map(|stream| stream.index_bytes).sum();
    recorder.close();
    let stream_seconds = f64::from(streams) * elapsed;
    let mut out = std::io::stdout();
    let per_stream = |cpu: f64| cpu * 1_000.0 / stream_seconds;
    writeln!(out, "facilities           {:?}", report.facilities).unwrap();
    writeln!(
        out,
        "cpu ms/camera-s      {:.3} = append {:.3} + writer {:.3}",
        per_stream(appending + writing),
        per_stream(appending),
        per_stream(writing)
    )
    .unwrap();
    #[expect(clippy::cast_precision_loss, reason = "figures for people")]
    {
        let mbit = counts.bytes_in as f64 * 8.0 / 1e6 / stream_seconds;
        writeln!(out, "Mbit/s per camera    {mbit:.2}").unwrap();
        let ratio = counts.bytes_written as f64 / counts.bytes_in as f64;
        writeln!(out, "written per received {ratio:.4}").unwrap();
        writeln!(
            out,
            "writes/s             {:.1}",
            counts.writes as f64 / elapsed
        )
        .unwrap();
        writeln!(
            out,
            "commits/s, syncs/s   {:.2}, {:.2}",
            counts.commits as f64 / elapsed,
            counts.syncs as f64 / elapsed
        )
        .unwrap();
        let hour = index as f64 / 1024.0 / stream_seconds * 3_600.0;
        writeln!(
            out,
            "index KiB/camera-h   {hour:.1} (last blocks counted whole)"
        )
        .unwrap();
    }
    writeln!(out, "commit ms max        {}", counts.commit_ms_max).unwrap();
    writeln!(out, "lost                 {}", counts.records_lost).unwrap();
    writeln!(out, "RSS KiB              {rss_before} -> {rss}").unwrap();
}
