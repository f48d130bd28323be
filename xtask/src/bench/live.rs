//! What many viewers of one camera get and cost, while it is recorded.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

use super::camera::Camera;
use super::figures::{MIB, Spread, ratio};
use super::load;
use super::measure::{self, Usage};
use super::site::{self, Door, Site};
use super::viewers::Viewers;
use crate::run;

/// How many watch, and how long.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Viewers at the same time, each with its own ticket and connection; 1,000 is the gateway's limit.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    viewers: u32,
    /// Seconds that are measured, after the viewers have settled.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..))]
    seconds: u32,
    /// One JSON object instead of words.
    #[arg(long)]
    json: bool,
}

/// How long the gateway records without viewers, for comparison.
const ALONE_S: u32 = 10;

/// The viewers' word on where they are.
#[derive(Debug, Deserialize)]
struct Event {
    event: String,
}

/// What they saw.
#[derive(Debug, Deserialize)]
struct Seen {
    expected: u64,
    received: Vec<u64>,
    join_us: Vec<u64>,
    latency_us: Vec<u64>,
    broken: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Figures {
    scenario: &'static str,
    viewers: u32,
    seconds: u32,
    /// Pictures that the camera sent in the measured time.
    frames_per_viewer_expected: u64,
    frames_per_viewer_received: f64,
    /// What the viewer with the fewest got.
    frames_per_viewer_received_min: u64,
    /// Of all viewers: they were moved on, or cut off.
    frames_lost: u64,
    viewers_with_loss: usize,
    viewers_cut_off: usize,
    join_median_ms: f64,
    join_p99_ms: f64,
    latency_median_ms: f64,
    latency_p99_ms: f64,
    /// Of all of the gateway's processes, recording included.
    cpu_ms_per_viewer_s: f64,
    /// The same processes before the viewers came.
    cpu_ms_per_s_without_viewers: f64,
    rss_mib: f64,
    rss_mib_without_viewers: f64,
    /// Pictures recorded from before the viewers came until they had left.
    recorder_frames: u64,
    /// Must be 0.
    recorder_frames_lost: u64,
    /// Processor time of the whole machine in the measured time, camera and viewers included.
    machine_busy_s: f64,
}

/// What the gateway used while it was measured.
struct Used {
    alone: Usage,
    watched: Usage,
    machine: Duration,
}

/// `cargo xtask bench live`.
pub(super) fn run(args: &Args) -> Result<()> {
    site::build()?;
    Viewers::build()?;
    let camera = Camera::start(load::film(2)?)?;
    let site = Site::start(&site::fresh("live")?, Door::Tls)?;
    site.add_camera("Camera", &camera.url())?;
    run::pause(site::SETTLE);
    let before = site.counters()?;
    let (used, seen) = watch(args, &site)?;
    let after = site.counters()?;
    let recorded = (after.grown("frames", &before)?, after.lost(&before)?);
    site.end()?;
    for broken in &seen.broken {
        run::complain(&format!("a viewer was cut off: {broken}"));
    }
    let figures = figures(args, &used, seen, recorded)?;
    report(args.json, &figures)?;
    ensure!(recorded.1 == 0, "the recorder lost {} frames", recorded.1);
    Ok(())
}

/// Lets the viewers come, watch and go.
fn watch(args: &Args, site: &Site) -> Result<(Used, Seen)> {
    let pids = [site.pid()];
    let before = measure::usage(&pids)?;
    run::pause(Duration::from_secs(ALONE_S.into()));
    let alone = measure::usage(&pids)? - before;
    let numbers = [args.viewers, args.seconds];
    let mut viewers = Viewers::start(&site.profile(), "crowd", &numbers)?;
    expect(&mut viewers, "begin")?;
    let (before, busy) = (measure::usage(&pids)?, measure::machine_busy()?);
    expect(&mut viewers, "end")?;
    let watched = measure::usage(&pids)? - before;
    let machine = measure::machine_busy()?.saturating_sub(busy);
    let seen = viewers.expect()?;
    let used = Used {
        alone,
        watched,
        machine,
    };
    Ok((used, seen))
}

fn expect(viewers: &mut Viewers, wanted: &str) -> Result<()> {
    let Event { event } = viewers.expect()?;
    ensure!(
        event == wanted,
        "the viewers tell {event} instead of {wanted}"
    );
    Ok(())
}

fn figures(args: &Args, used: &Used, seen: Seen, recorded: (u64, u64)) -> Result<Figures> {
    let (join, latency) = (
        Spread::of_micros(seen.join_us)?,
        Spread::of_micros(seen.latency_us)?,
    );
    let lost = |received: &u64| seen.expected.saturating_sub(*received);
    let viewers = f64::from(args.viewers);
    let viewer_seconds = viewers * f64::from(args.seconds);
    Ok(Figures {
        scenario: "live",
        viewers: args.viewers,
        seconds: args.seconds,
        frames_per_viewer_expected: seen.expected,
        frames_per_viewer_received: ratio(seen.received.iter().sum(), viewers),
        frames_per_viewer_received_min: seen.received.iter().min().copied().unwrap_or(0),
        frames_lost: seen.received.iter().map(lost).sum(),
        viewers_with_loss: seen.received.iter().filter(|got| lost(got) > 0).count(),
        viewers_cut_off: seen.broken.len(),
        join_median_ms: join.median,
        join_p99_ms: join.p99,
        latency_median_ms: latency.median,
        latency_p99_ms: latency.p99,
        cpu_ms_per_viewer_s: ratio(used.watched.cpu_ms, viewer_seconds),
        cpu_ms_per_s_without_viewers: ratio(used.alone.cpu_ms, ALONE_S.into()),
        rss_mib: ratio(used.watched.memory_bytes, MIB),
        rss_mib_without_viewers: ratio(used.alone.memory_bytes, MIB),
        recorder_frames: recorded.0,
        recorder_frames_lost: recorded.1,
        machine_busy_s: used.machine.as_secs_f64(),
    })
}

fn report(json: bool, figures: &Figures) -> Result<()> {
    let Figures {
        viewers, seconds, ..
    } = figures;
    let frames = format!(
        "{:.1} of {} each; lost {} in all, by {} viewers; {} viewers cut off",
        figures.frames_per_viewer_received,
        figures.frames_per_viewer_expected,
        figures.frames_lost,
        figures.viewers_with_loss,
        figures.viewers_cut_off
    );
    let spread = |median: f64, p99: f64| format!("median {median:.1} ms, p99 {p99:.1} ms");
    let cpu = format!(
        "{:.3} ms per viewer-second, recording included ({:.1} ms a second without viewers)",
        figures.cpu_ms_per_viewer_s, figures.cpu_ms_per_s_without_viewers
    );
    let memory = format!(
        "{:.1} MiB ({:.1} without viewers)",
        figures.rss_mib, figures.rss_mib_without_viewers
    );
    let recorder = format!(
        "{} frames, {} lost",
        figures.recorder_frames, figures.recorder_frames_lost
    );
    let table = [
        ("viewers", format!("{viewers} for {seconds} s")),
        ("pictures", frames),
        (
            "join to first picture",
            spread(figures.join_median_ms, figures.join_p99_ms),
        ),
        (
            "camera to sealed record",
            spread(figures.latency_median_ms, figures.latency_p99_ms),
        ),
        ("gateway's processor time", cpu),
        ("gateway's memory", memory),
        ("recorder", recorder),
        (
            "whole machine busy",
            format!("{:.1} s of {seconds} s", figures.machine_busy_s),
        ),
    ];
    super::show(json, figures, &table)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_that_did_not_come_are_lost() {
        let args = Args {
            viewers: 2,
            seconds: 10,
            json: true,
        };
        let used = |cpu_ms| Usage {
            cpu_ms,
            ..Usage::default()
        };
        let used = Used {
            alone: used(50),
            watched: used(100),
            machine: Duration::ZERO,
        };
        let seen = Seen {
            expected: 250,
            received: vec![250, 200],
            join_us: vec![1_000],
            latency_us: vec![2_000],
            broken: Vec::new(),
        };
        let figures = figures(&args, &used, seen, (500, 0)).unwrap();
        assert_eq!((figures.frames_lost, figures.viewers_with_loss), (50, 1));
        let rates = (
            figures.frames_per_viewer_received,
            figures.cpu_ms_per_viewer_s,
            figures.cpu_ms_per_s_without_viewers,
        );
        assert_eq!(rates, (225.0, 5.0, 5.0));
    }
}
