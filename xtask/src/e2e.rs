//! The app in real browsers: builds app and programs, and runs `web/e2e`. What is tested is written there. A browser that
//! does not start is a failure, never a skipped test.

use std::process::{Command, ExitCode};

use anyhow::{Result, bail};

use crate::provision::{self, Purpose};
use crate::report::{Counts, Report};
use crate::{check, repo, run, web};

/// What to test.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only tests whose names hold this.
    filter: Option<String>,
    /// Shows the browser's window.
    #[arg(long)]
    headed: bool,
    /// Takes the pictures of the owner's guide (docs/guide) instead.
    #[arg(long, conflicts_with = "filter")]
    guide: bool,
}

/// The programs that a browser test starts. `FEATURES` belongs to the shared words, so they are selected too.
const PROGRAMS: [&str; 8] = [
    "--package",
    "bartizan-domain",
    "--package",
    "bartizan-gateway",
    "--package",
    "bartizan-ingest",
    "--package",
    "bartizan",
];

/// Tests in browsers.
pub(crate) const TESTS: &str = "e2e/vitest.config.ts";

/// Pictures of the guide.
const GUIDE: &str = "e2e/guide/vitest.config.ts";

/// `cargo xtask e2e`.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    provision::ensure(Purpose::E2e)?;
    web::build()?;
    check::build(&PROGRAMS)?;
    let mut report = Report::new();
    let (name, config) = if args.guide {
        ("guide", GUIDE)
    } else {
        ("e2e", TESTS)
    };
    report.runner(name, || {
        let mut command = vitest(config)?;
        command.args(args.filter.iter().flat_map(|filter| ["-t", filter]));
        if args.headed {
            command.env("BARTIZAN_HEADED", "1");
        }
        counted(&mut command)
    });
    Ok(report.finish())
}

/// All tests in browsers; programs are built already.
pub(crate) fn check(report: &mut Report) {
    report.runner("e2e", || {
        web::build()?;
        counted(&mut vitest(TESTS)?)
    });
}

/// The runner with one of its configurations, told where programs and clips lie.
pub(crate) fn vitest(config: &str) -> Result<Command> {
    let mut command = web::npm(&["exec", "--", "vitest", "run", "--config", config]);
    let target = repo::target_dir()?;
    command.env("BARTIZAN_PROGRAMS", target.join("debug"));
    command.env("BARTIZAN_FIXTURES", target.join("fixtures"));
    Ok(command)
}

fn counted(command: &mut Command) -> Result<Counts> {
    let answer = run::tee(command)?;
    match web::counts(&answer.stdout) {
        Some(counts) if answer.status.success() || counts.failed > 0 => Ok(counts),
        _ => bail!("vitest ended with {}", answer.status),
    }
}
