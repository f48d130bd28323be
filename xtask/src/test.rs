//! Everything that continuous integration runs, in one verb: checks, tests, and each control's sabotage.

use std::num::NonZero;
use std::process::{Command, ExitCode};
use std::thread;

use anyhow::{Result, bail};

use crate::check::{self, FEATURES};
use crate::provision::{self, Purpose};
use crate::report::{Counts, Report};
use crate::{controls, e2e, run};

/// What to test.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// One package only, without the checks of the whole repository.
    package: Option<String>,
}

/// `cargo xtask test`.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    provision::ensure(Purpose::Test)?;
    let mut report = Report::new();
    if let Some(package) = &args.package {
        // `FEATURES` belongs to the shared words, so they are always selected.
        let scope = ["--package", package, "--package", "bartizan-domain"];
        report.section("clippy", || check::clippy(&scope));
        tests(&scope, &mut report);
    } else {
        check::sections(&mut report);
        tests(&["--workspace"], &mut report);
        e2e::check(&mut report);
        controls::sabotage(&mut report);
    }
    Ok(report.finish())
}

fn tests(scope: &[&str], report: &mut Report) {
    report.runner("tests", || {
        // System tests start our programs, so these are built even where no test of their own asks.
        check::build(scope)?;
        let mut nextest = nextest("run")?;
        nextest
            .args(["--locked", "--no-fail-fast", "--features", FEATURES])
            .args(scope);
        let answer = run::tee(&mut nextest)?;
        match summary(&answer.stderr) {
            Some(counts) if answer.status.success() || counts.failed > 0 => Ok(counts),
            _ => bail!("nextest ended with {}", answer.status),
        }
    });
    report.runner("doc tests", || {
        let mut command = run::cargo(["test", "--quiet", "--locked", "--doc", "--no-fail-fast"]);
        let answer = run::tee(command.args(["--features", FEATURES]).args(scope))?;
        let counts = doc_counts(&answer.stdout);
        if answer.status.success() || counts.failed > 0 || no_library(&answer.stderr) {
            return Ok(counts);
        }
        bail!("doc tests ended with {}", answer.status)
    });
}

/// A package that is only a program has no documentation tests, which cargo calls an error.
fn no_library(stderr: &str) -> bool {
    stderr.contains("no library targets found")
}

/// How many tests run at once at least, however few processors there are: many of them wait.
const MIN_THREADS: usize = 4;

/// `cargo nextest`, our own copy if the machine has none.
pub(crate) fn nextest(verb: &str) -> Result<Command> {
    let mut command = run::cargo(["nextest", verb, "--color", "never"]);
    if verb == "run" {
        let processors = thread::available_parallelism().map_or(1, NonZero::get);
        let threads = processors.max(MIN_THREADS).to_string();
        command.args(["--test-threads", &threads]);
    }
    command.env("PATH", provision::path_with_tools()?);
    Ok(command)
}

/// Reads nextest's last word: `Summary [ 0.1s] 7 tests run: 5 passed (1 slow), 2 failed, 0 skipped`.
/// Failed are also those that could not be started or ran into the time limit.
pub(crate) fn summary(output: &str) -> Option<Counts> {
    let line = output
        .lines()
        .rev()
        .find(|line| line.trim_start().starts_with("Summary ["))?;
    let (_, results) = line.split_once(" run: ")?;
    let mut counts = Counts::default();
    for part in results.split(", ") {
        let mut words = part.split_whitespace();
        let Some(Ok(number)) = words.next().map(str::parse::<u64>) else {
            continue;
        };
        match words.next() {
            Some("passed") => counts.passed += number,
            Some("failed" | "exec" | "timed") => counts.failed += number,
            Some("skipped") => counts.skipped += number,
            _ => {}
        }
    }
    Some(counts)
}

/// Sums `test result: ok. 3 passed; 0 failed; 1 ignored; …` over all crates.
fn doc_counts(output: &str) -> Counts {
    let mut counts = Counts::default();
    for line in output
        .lines()
        .filter_map(|line| line.strip_prefix("test result: "))
    {
        let words: Vec<_> = line
            .split([' ', ';'])
            .filter(|word| !word.is_empty())
            .collect();
        for pair in words.windows(2) {
            match pair {
                [number, "passed"] => counts.passed += number.parse().unwrap_or(0),
                [number, "failed"] => counts.failed += number.parse().unwrap_or(0),
                [number, "ignored"] => counts.skipped += number.parse().unwrap_or(0),
                _ => {}
            }
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_of_both_runners_are_read() {
        let text = "   Summary [   0.006s] 9 tests run: 5 passed (1 slow), 2 failed, 1 exec failed, \
                    1 timed out, 3 skipped\nerror: test run failed\n";
        let expected = Counts {
            passed: 5,
            failed: 4,
            skipped: 3,
        };
        assert_eq!(summary(text), Some(expected));
        let one = summary("     Summary [   0.01s] 1 test run: 1 passed, 0 skipped");
        assert_eq!(
            one,
            Some(Counts {
                passed: 1,
                failed: 0,
                skipped: 0
            })
        );
        assert_eq!(summary("error: could not compile"), None);
        let text = "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out\n\
                    test result: FAILED. 0 passed; 2 failed; 0 ignored; 0 measured\n";
        assert_eq!(
            doc_counts(text),
            Counts {
                passed: 3,
                failed: 2,
                skipped: 1
            }
        );
    }
}
