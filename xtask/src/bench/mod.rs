//! Speed, memory and delay of the whole product, as a person would see them, beside peers in the same run.
//! The last line of each scenario is one JSON object: always when recording is measured, with `--json`
//! instead of words for people else. Figures of single functions are not taken here.
//!
//! [`record`], [`live`], [`start`], [`latency`] and [`app`] are the scenarios · [`site`] the gateway that is measured ·
//! [`load`], [`camera`] and [`film`] what it records · [`viewers`] who watches · [`measure`] and [`figures`]
//! what processes use and how times spread.

mod app;
mod camera;
mod figures;
mod film;
mod latency;
mod live;
mod load;
mod measure;
mod record;
mod site;
mod start;
mod viewers;

use anyhow::Result;
use serde::Serialize;

use crate::provision::{self, Purpose};
use crate::run;

/// Which scenario.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    scenario: Scenario,
}

#[derive(Debug, clap::Subcommand)]
enum Scenario {
    /// Records 1080p25 streams of 4 Mbit/s: processor time, memory and disk writes.
    Record(record::Args),
    /// Serves live viewers of one 1080p25 camera of 4 Mbit/s over TLS: pictures, delay, processor time.
    Live(live::Args),
    /// From joining a camera with keyframes 10 s apart to the first picture, and the gateway's own start.
    Start(start::Args),
    /// From the camera's socket to a viewer over TLS, sealed and opened.
    Latency(latency::Args),
    /// The app in Chromium: first and live picture, delay, scrubbing, seeking, nine tiles, memory, start.
    App(app::Args),
}

/// `cargo xtask bench`.
pub(crate) fn run(args: &Args) -> Result<()> {
    provision::ensure(Purpose::Bench)?;
    match &args.scenario {
        Scenario::Record(args) => record::run(args),
        Scenario::Live(args) => live::run(args),
        Scenario::Start(args) => start::run(args),
        Scenario::Latency(args) => latency::run(args),
        Scenario::App(args) => app::run(args),
    }
}

/// Prints a scenario's result: for people, or as JSON.
fn show(json: bool, figures: &impl Serialize, table: &[(&str, String)]) -> Result<()> {
    if json {
        run::say(&serde_json::to_string(figures)?);
        return Ok(());
    }
    for (name, value) in table {
        run::say(&format!("{name:<26} {value}"));
    }
    Ok(())
}
