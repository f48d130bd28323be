//! The app in a browser, as a person meets it: how soon a picture stands, how old it is, what scrubbing costs. What is
//! measured and how is written in `web/e2e/measure`; this file builds what is measured, and shows the figures.

use std::fs;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use super::site;
use crate::provision::{self, Purpose};
use crate::{e2e, repo, run, web};

/// What to measure.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Only measurements whose names hold this.
    filter: Option<String>,
    /// For how many minutes the page's memory is watched.
    #[arg(long, default_value_t = 5)]
    minutes: u32,
    /// Prints JSON instead of words.
    #[arg(long)]
    json: bool,
}

const MEASUREMENTS: &str = "e2e/measure/vitest.config.ts";

/// The measurements that look back on thirty days have this in their names.
const MONTH: &str = "month";

/// One line of the figures' file.
#[derive(Debug, Serialize, Deserialize)]
struct Figure {
    name: String,
    value: f64,
    unit: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

impl Figure {
    /// Its row for people.
    fn row(&self) -> String {
        let Self {
            name, value, unit, ..
        } = self;
        let limit = self.limit.map(|limit| format!(" (limit {limit} {unit})"));
        let (limit, note) = (
            limit.unwrap_or_default(),
            self.note.as_deref().unwrap_or_default(),
        );
        let mark = if self.holds() { "" } else { "  OVER THE LIMIT" };
        format!("{name:<44} {value:>9.1} {unit:<6}{limit:<18} {note}{mark}")
    }

    fn holds(&self) -> bool {
        self.limit.is_none_or(|limit| self.value <= limit)
    }
}

/// Measures, and fails when a figure is over its limit.
pub(super) fn run(args: &Args) -> Result<()> {
    provision::ensure(Purpose::E2e)?;
    web::build()?;
    site::build()?;
    if args
        .filter
        .as_deref()
        .is_none_or(|filter| filter.contains(MONTH))
    {
        month()?;
    }
    let target = repo::target_dir()?;
    let file = target.join("xtask/app-figures.jsonl");
    fs::create_dir_all(target.join("xtask"))?;
    fs::write(&file, "").context("can't empty the file of figures")?;
    let mut command = e2e::vitest(MEASUREMENTS)?;
    command
        .args(args.filter.iter().flat_map(|filter| ["-t", filter]))
        .env("BARTIZAN_PROGRAMS", target.join("release"))
        .env("BARTIZAN_FIGURES", &file)
        .env("BARTIZAN_MINUTES", args.minutes.to_string());
    let status = if args.json {
        run::quiet(&mut command)?.status
    } else {
        run::status(&mut command)?
    };
    let figures = read(&fs::read_to_string(&file)?)?;
    if args.json {
        run::say(&serde_json::to_string(&figures)?);
    } else {
        for figure in &figures {
            run::say(&figure.row());
        }
    }
    let over = figures.iter().filter(|figure| !figure.holds()).count();
    if !status.success() || over > 0 || figures.is_empty() {
        bail!("{over} figures are over their limits; the measurements ended with {status}");
    }
    Ok(())
}

/// Builds what writes a month of recording.
fn month() -> Result<()> {
    let mut build = run::cargo(["build", "--release", "--locked"]);
    run::must(build.args(["--package", "bartizan-tests", "--example", "sealed_month"]))
}

fn read(text: &str) -> Result<Vec<Figure>> {
    let lines = text.lines().map(serde_json::from_str);
    lines
        .collect::<Result<_, _>>()
        .context("a figure is not JSON")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_read_and_judged() {
        let text = "{\"name\":\"a\",\"value\":12.5,\"unit\":\"ms\",\"limit\":10,\"note\":\"n\"}\n\
                    {\"name\":\"b\",\"value\":3,\"unit\":\"kB\"}\n";
        let figures = read(text).unwrap();
        assert!(figures[0].row().ends_with("n  OVER THE LIMIT"));
        assert!(!figures[0].holds() && figures[1].holds());
        assert!(read("{}").is_err());
    }
}
