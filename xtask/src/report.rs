//! What was checked, how it ended, and the sum in the last line.
//!
//! A check whose facility is missing is `SKIPPED(reason)`, never a pass.

use std::process::ExitCode;

use anyhow::Result;

use crate::run::{Stopwatch, complain, say};

/// How a check ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It held.
    Pass,
    /// It did not; the text says why.
    Fail(String),
    /// It could not be run here; the text says why.
    Skip(String),
}

/// Counts of single tests inside a check.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Those that held.
    pub(crate) passed: u64,
    /// Those that did not.
    pub(crate) failed: u64,
    /// Those that were not run.
    pub(crate) skipped: u64,
}

/// Everything that one call of the door checked.
#[derive(Debug)]
pub(crate) struct Report {
    lines: Vec<String>,
    counts: Counts,
    start: Stopwatch,
}

impl Report {
    /// An empty report that starts counting time.
    pub(crate) fn new() -> Self {
        Self {
            lines: Vec::new(),
            counts: Counts::default(),
            start: Stopwatch::start(),
        }
    }

    /// Runs a check that lists problems: none is a pass.
    pub(crate) fn check(&mut self, name: &str, body: impl FnOnce() -> Result<Vec<String>>) {
        self.section(name, || {
            let problems = body()?;
            for problem in &problems {
                complain(&format!("{name}: {problem}"));
            }
            Ok(match problems.len() {
                0 => Outcome::Pass,
                1 => Outcome::Fail("1 problem".to_owned()),
                many => Outcome::Fail(format!("{many} problems")),
            })
        });
    }

    /// Runs a check; an error is a failure, so that later checks still run.
    pub(crate) fn section(&mut self, name: &str, body: impl FnOnce() -> Result<Outcome>) {
        let watch = Stopwatch::start();
        let outcome = body().unwrap_or_else(|error| Outcome::Fail(format!("{error:#}")));
        let seconds = watch.elapsed().as_secs_f64();
        let line = match &outcome {
            Outcome::Pass => format!("{name}: PASS ({seconds:.1} s)"),
            Outcome::Fail(why) => format!("{name}: FAIL ({seconds:.1} s): {why}"),
            Outcome::Skip(why) => format!("{name}: SKIPPED({why})"),
        };
        match outcome {
            Outcome::Pass => self.counts.passed += 1,
            Outcome::Fail(_) => self.counts.failed += 1,
            Outcome::Skip(_) => self.counts.skipped += 1,
        }
        say(&line);
        self.lines.push(line);
    }

    /// Runs a test runner, whose single tests enter the sum; an error counts as one failure.
    pub(crate) fn runner(&mut self, name: &str, body: impl FnOnce() -> Result<Counts>) {
        let watch = Stopwatch::start();
        let (counts, why) = match body() {
            Ok(counts) => (counts, String::new()),
            Err(error) => {
                let failed = 1;
                (
                    Counts {
                        failed,
                        ..Counts::default()
                    },
                    format!(": {error:#}"),
                )
            }
        };
        let Counts {
            passed,
            failed,
            skipped,
        } = counts;
        self.counts.passed += passed;
        self.counts.failed += failed;
        self.counts.skipped += skipped;
        let word = if failed == 0 { "PASS" } else { "FAIL" };
        let seconds = watch.elapsed().as_secs_f64();
        let line = format!(
            "{name}: {word} ({seconds:.1} s): {passed} passed, {failed} failed, {skipped} skipped{why}"
        );
        say(&line);
        self.lines.push(line);
    }

    /// Prints the summary and gives the exit code: 0 when nothing failed.
    pub(crate) fn finish(self) -> ExitCode {
        let Self {
            lines,
            counts,
            start,
        } = self;
        say("");
        for line in &lines {
            say(&format!("  {line}"));
        }
        say(&format!(
            "  total time {:.1} s",
            start.elapsed().as_secs_f64()
        ));
        let Counts {
            passed,
            failed,
            skipped,
        } = counts;
        say(&format!(
            "{passed} passed, {failed} failed, {skipped} skipped"
        ));
        if failed == 0 {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::bail;

    #[test]
    fn an_error_is_a_failure_and_a_missing_facility_is_not_a_pass() {
        let mut report = Report::new();
        report.section("a", || Ok(Outcome::Pass));
        report.section("b", || bail!("broken"));
        report.section("c", || Ok(Outcome::Skip("no network".to_owned())));
        report.check("d", || Ok(vec!["x".to_owned()]));
        report.runner("e", || {
            Ok(Counts {
                passed: 5,
                failed: 0,
                skipped: 1,
            })
        });
        report.runner("f", || bail!("did not start"));
        let expected = Counts {
            passed: 6,
            failed: 3,
            skipped: 2,
        };
        assert_eq!(report.counts, expected);
        assert_eq!(report.lines[2], "c: SKIPPED(no network)");
        assert_eq!(
            format!("{:?}", report.finish()),
            format!("{:?}", ExitCode::FAILURE)
        );
    }
}
