//! Runs each row's tests with the row's control switched off, and demands that every one fails.
//! A security test that was never seen failing proves nothing. Which rows go side by side is the business of [`lanes`].

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use super::claims::{Runner as Who, Sources};
use super::lanes::{Part, Row};
use super::registry::Registry;
use super::{app, lanes};
use crate::check::{self, FEATURES};
use crate::report::Counts;
use crate::test::{nextest, summary};
use crate::{repo, run};

/// The variable that switches one control off.
pub(super) const VARIABLE: &str = "BARTIZAN_SABOTAGE";

/// What nextest ends with when tests failed, and only then.
const TESTS_FAILED: i32 = 100;

/// Whether a control of this register's own checks is off: in a test build only, when the variable names
/// it. No room of the product is used here, so neither is `bartizan_domain::sabotage`.
pub(super) fn off(row: &str) -> bool {
    cfg!(test) && std::env::var_os(VARIABLE).is_some_and(|value| value == row)
}

/// Sabotages every row that lists tests, or `only` one. Counts single tests: `passed` is one that failed
/// as it should.
pub(super) fn run(registry: &Registry, sources: &Sources, only: Option<&str>) -> Result<Counts> {
    let rows = chosen(registry, sources, only)?;
    if rows.is_empty() {
        return Ok(Counts::default());
    }
    let runner = Runner::build()?;
    let mut counts = Counts::default();
    lanes::run(
        &rows,
        |part| runner.sabotage(part, sources),
        |row, problem| {
            let all = u64::try_from(row.tests.len()).unwrap_or(u64::MAX);
            let problem = if sources.switches.contains(row.id) {
                problem
            } else {
                Some("it has no switch".to_owned())
            };
            match problem {
                None => {
                    counts.passed += all;
                    run::say(&format!(
                        "sabotage: {}: {all} tests fail as they should",
                        row.id
                    ));
                }
                Some(why) => {
                    counts.failed += all;
                    run::complain(&format!("sabotage: {}: {why}", row.id));
                }
            }
        },
    )?;
    Ok(counts)
}

/// All rows with their tests, or `only` one.
fn chosen<'a>(
    registry: &'a Registry,
    sources: &Sources,
    only: Option<&str>,
) -> Result<Vec<Row<'a>>> {
    let wanted = |id: &str| only.is_none_or(|only| id == only);
    let rows = registry.rows.iter().filter(|row| wanted(&row.id));
    let mut rows: Vec<_> = rows
        .map(|row| {
            let tests = match (row.tests.as_slice(), only) {
                ([], Some(id)) => sources.claiming(id),
                (tests, _) => tests.to_vec(),
            };
            Row::new(&row.id, tests, sources)
        })
        .collect();
    rows.retain(|row| !row.tests.is_empty());
    if let Some(test) = rows.iter().find_map(Row::nobodys) {
        bail!("there is no test {test}");
    }
    match only {
        Some(id) if rows.is_empty() => bail!("no test claims {id}"),
        _ => Ok(rows),
    }
}

/// Test binaries that are built already, so that a run costs no more than its tests.
#[derive(Debug)]
struct Runner {
    metadata: PathBuf,
    binaries: PathBuf,
}

impl Runner {
    fn build() -> Result<Self> {
        // System tests start the programs, which must have their switches, too.
        check::build(&["--workspace"])?;
        let folder = repo::target_dir()?.join("xtask");
        fs::create_dir_all(&folder).context("can't create a folder in the target folder")?;
        let runner = Self {
            metadata: folder.join("cargo-metadata.json"),
            binaries: folder.join("test-binaries.json"),
        };
        let metadata = run::capture(&mut run::cargo([
            "metadata",
            "--locked",
            "--format-version=1",
        ]))?;
        fs::write(&runner.metadata, metadata)?;
        let mut list = nextest("list")?;
        list.args(["--locked", "--workspace", "--features", FEATURES]);
        list.args(["--list-type", "binaries-only", "--message-format", "json"]);
        fs::write(&runner.binaries, run::capture(&mut list)?)?;
        Ok(runner)
    }

    /// Why the sabotage of a row was not noticed by each of these tests, if it was not.
    fn sabotage(&self, part: &Part<'_>, sources: &Sources) -> Result<Option<String>> {
        match part.who {
            Who::Rust => self.rust(part.row, &part.tests),
            Who::App => app::unit_tests(part.row, &part.tests, sources),
            Who::Browser => app::browser_tests(part.row, &part.tests, sources),
        }
    }

    /// Tests that nextest runs.
    fn rust(&self, row: &str, tests: &[String]) -> Result<Option<String>> {
        let mut command = nextest("run")?;
        command.arg("--cargo-metadata").arg(&self.metadata);
        command.arg("--binaries-metadata").arg(&self.binaries);
        command.args([
            "--no-fail-fast",
            "--failure-output",
            "never",
            "-E",
            &filter(tests),
        ]);
        // What a property finds without its control is no regression to keep.
        command.env("PROPTEST_DISABLE_FAILURE_PERSISTENCE", "1");
        let answer = run::quiet(command.env(VARIABLE, row))?;
        Ok(verdict(tests.len(), answer.status.code(), &answer.stderr))
    }
}

/// Selects the tests by name, in whichever module they are.
fn filter(tests: &[String]) -> String {
    format!("test(/(^|::)({})$/)", tests.join("|"))
}

/// What is wrong with a sabotaged run of `expected` tests, if anything is.
fn verdict(expected: usize, code: Option<i32>, output: &str) -> Option<String> {
    let Some(counts) = summary(output) else {
        return Some(format!(
            "the runner ended with {code:?}:\n{}",
            output.trim_end()
        ));
    };
    if off("A-8") {
        return None;
    }
    let ended_badly = output.contains(" timed out") || output.contains(" exec failed");
    let failed = usize::try_from(counts.failed).unwrap_or(usize::MAX);
    if counts.passed > 0 {
        let survivors: Vec<_> = output
            .lines()
            .filter(|line| line.trim_start().starts_with("PASS ["))
            .filter_map(|line| line.split_whitespace().last())
            .collect();
        return Some(format!(
            "these tests pass with the control off: {}",
            survivors.join(", ")
        ));
    }
    if code != Some(TESTS_FAILED) || failed != expected || ended_badly {
        return Some(format!(
            "{failed} of {expected} tests failed, the runner ended with {code:?}:\n{}",
            output.trim_end()
        ));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_8_only_clean_failures_of_all_tests_count() {
        let text = |results: &str| format!("     Summary [ 0.1s] 2 tests run: {results}\n");
        assert_eq!(
            verdict(2, Some(100), &text("0 passed, 2 failed, 9 skipped")),
            None
        );
        for (code, results) in [
            (Some(0), "2 passed, 9 skipped"),
            (Some(100), "1 passed, 1 failed, 9 skipped"),
            (Some(100), "0 passed, 1 failed, 9 skipped"),
            (Some(100), "0 passed, 1 failed, 1 timed out, 9 skipped"),
            (Some(1), "0 passed, 2 failed"),
            (None, "0 passed, 2 failed"),
        ] {
            assert!(verdict(2, code, &text(results)).is_some(), "{results}");
        }
        assert!(verdict(2, Some(4), "error: no tests to run").is_some());
    }

    #[test]
    fn survivors_are_named() {
        let text = "        PASS [   0.004s] bartizan-sealing suite::tests::g_22_a\n     \
                    Summary [ 0.1s] 1 test run: 1 passed, 0 skipped\n";
        let why = verdict(1, Some(0), text).unwrap();
        assert!(why.ends_with("suite::tests::g_22_a"), "{why}");
    }

    #[test]
    fn tests_are_selected_by_their_whole_names() {
        let tests = ["g_22_a".to_owned(), "g_22_b".to_owned()];
        assert_eq!(filter(&tests), "test(/(^|::)(g_22_a|g_22_b)$/)");
    }
}
