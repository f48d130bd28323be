//! Speed, memory and delay of the whole product, as a person would see them, beside peers in the same run.
//! The last line of each scenario is one JSON object. Figures of single functions are not taken here.

mod load;
mod measure;
mod record;

use anyhow::{Result, bail};

use crate::provision::{self, Purpose};

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
    /// Serves live viewers of one camera: processor time of each.
    Live {
        /// Viewers at the same time.
        #[arg(long, default_value_t = 100)]
        viewers: u32,
    },
    /// From the first request to the first picture.
    Start,
    /// From the gateway's network socket to the viewer's.
    Latency,
}

/// `cargo xtask bench`.
pub(crate) fn run(args: &Args) -> Result<()> {
    provision::ensure(Purpose::Bench)?;
    match &args.scenario {
        Scenario::Record(args) => record::run(args),
        Scenario::Live { viewers } => bail!("no scenario measures {viewers} live viewers"),
        Scenario::Start => bail!("no scenario measures the first picture"),
        Scenario::Latency => bail!("no scenario measures the delay"),
    }
}
