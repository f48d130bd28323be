//! How long a picture takes from the camera's socket to a viewer's, and until it is opened there.

use anyhow::Result;
use serde::{Deserialize, Serialize};

use super::camera::Camera;
use super::figures::Spread;
use super::load;
use super::site::{self, Door, Site};
use super::viewers::Viewers;
use crate::run;

/// How long to measure.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Seconds that are measured, after the viewer has settled.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..))]
    seconds: u32,
    /// One JSON object instead of words.
    #[arg(long)]
    json: bool,
}

/// What one viewer saw; times since the camera wrote each picture to its socket.
#[derive(Debug, Deserialize)]
struct Seen {
    expected: u64,
    arrived_us: Vec<u64>,
    opened_us: Vec<u64>,
}

#[derive(Debug, Serialize)]
struct Figures {
    scenario: &'static str,
    seconds: u32,
    frames: usize,
    /// From the first of them to the last.
    frames_expected: u64,
    arrived_median_ms: f64,
    arrived_p99_ms: f64,
    arrived_max_ms: f64,
    opened_median_ms: f64,
    opened_p99_ms: f64,
    opened_max_ms: f64,
}

/// `cargo xtask bench latency`.
pub(super) fn run(args: &Args) -> Result<()> {
    site::build()?;
    Viewers::build()?;
    let camera = Camera::start(load::film(2)?)?;
    let site = Site::start(&site::fresh("latency")?, Door::Tls)?;
    site.add_camera("Camera", &camera.url())?;
    run::pause(site::SETTLE);
    let seen: Seen = Viewers::start(&site.profile(), "latency", &[args.seconds])?.expect()?;
    site.end()?;
    let frames = seen.arrived_us.len();
    let (arrived, opened) = (
        Spread::of_micros(seen.arrived_us)?,
        Spread::of_micros(seen.opened_us)?,
    );
    let figures = Figures {
        scenario: "latency",
        seconds: args.seconds,
        frames,
        frames_expected: seen.expected,
        arrived_median_ms: arrived.median,
        arrived_p99_ms: arrived.p99,
        arrived_max_ms: arrived.max,
        opened_median_ms: opened.median,
        opened_p99_ms: opened.p99,
        opened_max_ms: opened.max,
    };
    let words = |spread: Spread| {
        let Spread {
            median, p99, max, ..
        } = spread;
        format!("median {median:.2} ms, p99 {p99:.2} ms, max {max:.2} ms")
    };
    let table = [
        ("camera to sealed record", words(arrived)),
        ("camera to opened picture", words(opened)),
        ("pictures", format!("{frames} of {}", seen.expected)),
    ];
    super::show(args.json, &figures, &table)
}
