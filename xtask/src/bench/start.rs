//! How long a viewer waits for its first picture, however far apart keyframes are; and how long the gateway
//! takes until it is ready.

use anyhow::Result;
use serde::{Deserialize, Serialize};

use super::camera::Camera;
use super::figures::{Spread, ratio};
use super::load;
use super::site::{self, Door, Site};
use super::viewers::Viewers;
use crate::run;

/// How often to join.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Viewers, one after the other, each at a random moment between two keyframes.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// One JSON object instead of words.
    #[arg(long)]
    json: bool,
}

/// Seconds from keyframe to keyframe.
const GOP_S: u32 = 10;

/// How long a viewer may wait: the goal, half of the time.
const GOAL_MS: f64 = 300.0;

/// Starts of a gateway that has been claimed and has recorded.
const RESTARTS: usize = 5;

/// One viewer, in microseconds.
#[derive(Debug, Deserialize)]
struct Joined {
    join_us: u64,
    /// How old the keyframe was that it began with.
    key_age_us: u64,
}

#[derive(Debug, Serialize)]
struct Figures {
    scenario: &'static str,
    runs: u32,
    gop_ms: u32,
    join_median_ms: f64,
    join_p95_ms: f64,
    join_max_ms: f64,
    join_goal_ms: f64,
    /// Of the keyframes that viewers began with: they came at all moments between two.
    key_age_median_ms: f64,
    key_age_max_ms: f64,
    /// From the process's start to `ready`, with an empty folder: keys and databases are made.
    ready_first_ms: f64,
    /// The same of a claimed gateway with recordings.
    ready_median_ms: f64,
    ready_max_ms: f64,
}

/// `cargo xtask bench start`.
pub(super) fn run(args: &Args) -> Result<()> {
    site::build()?;
    Viewers::build()?;
    let camera = Camera::start(load::film(GOP_S)?)?;
    let mut site = Site::start(&site::fresh("start")?, Door::Tls)?;
    let first = site.ready();
    site.add_camera("Camera", &camera.url())?;
    run::pause(site::SETTLE);
    let mut viewers = Viewers::start(&site.profile(), "start", &[args.runs, GOP_S * 1_000])?;
    let (mut joins, mut ages) = (Vec::new(), Vec::new());
    while let Some(Joined {
        join_us,
        key_age_us,
    }) = viewers.next()?
    {
        joins.push(join_us);
        ages.push(key_age_us);
    }
    let mut ready = Vec::new();
    for _ in 0..RESTARTS {
        site.restart()?;
        ready.push(u64::try_from(site.ready().as_micros())?);
        run::pause(site::SETTLE / 5);
    }
    site.end()?;
    let (join, age) = (Spread::of_micros(joins)?, Spread::of_micros(ages)?);
    let ready = Spread::of_micros(ready)?;
    let figures = Figures {
        scenario: "start",
        runs: args.runs,
        gop_ms: GOP_S * 1_000,
        join_median_ms: join.median,
        join_p95_ms: join.p95,
        join_max_ms: join.max,
        join_goal_ms: GOAL_MS,
        key_age_median_ms: age.median,
        key_age_max_ms: age.max,
        ready_first_ms: ratio(u64::try_from(first.as_micros())?, 1_000.0),
        ready_median_ms: ready.median,
        ready_max_ms: ready.max,
    };
    report(args.json, &figures)
}

fn report(json: bool, figures: &Figures) -> Result<()> {
    let met = if figures.join_median_ms <= GOAL_MS {
        "met"
    } else {
        "missed"
    };
    let join = format!(
        "median {:.1} ms, p95 {:.1} ms, max {:.1} ms of {} viewers (goal: median {GOAL_MS:.0} ms, {met})",
        figures.join_median_ms, figures.join_p95_ms, figures.join_max_ms, figures.runs
    );
    let age = format!(
        "median {:.0} ms, max {:.0} ms",
        figures.key_age_median_ms, figures.key_age_max_ms
    );
    let ready = format!(
        "{:.0} ms at first, then median {:.0} ms, max {:.0} ms of {RESTARTS}",
        figures.ready_first_ms, figures.ready_median_ms, figures.ready_max_ms
    );
    let table = [
        ("join to first picture", join),
        ("age of that keyframe", age),
        ("gateway start to ready", ready),
    ];
    super::show(json, figures, &table)
}
