//! Runs the app's tests with a row's control switched off: in the gateway by its variable, in the app by a build of its
//! own whose switch is open. Such a build goes nowhere but into these tests. Only the files that hold a row's tests are
//! loaded, because loading all of them takes longer than most rows do.

use std::process::Command;

use anyhow::Result;

use super::claims::{Runner, Sources};
use super::sabotage::{self, VARIABLE};
use crate::report::Counts;
use crate::{e2e, repo, run, web};

/// The app's own switch: the bundler puts its value in place of `import.meta.env`'s.
const APP_VARIABLE: &str = "VITE_SABOTAGE";

/// Where browser tests find another build of the app.
const APP: &str = "BARTIZAN_APP";

/// What vitest ends with when tests failed.
const TESTS_FAILED: i32 = 1;

/// Why the sabotage of `row` was not noticed by each of these unit tests, if it was not.
pub(super) fn unit_tests(row: &str, tests: &[String], sources: &Sources) -> Result<Option<String>> {
    let mut command = web::npm(&["exec", "--", "vitest", "run"]);
    command.args(files(sources, Runner::App, tests));
    judged(row, tests, command)
}

/// The same of tests in browsers.
pub(super) fn browser_tests(
    row: &str,
    tests: &[String],
    sources: &Sources,
) -> Result<Option<String>> {
    let mut command = e2e::vitest(e2e::TESTS)?;
    command.args(files(sources, Runner::Browser, tests));
    if sources.app_switches.contains(row) {
        let folder = repo::target_dir()?.join("e2e/sabotaged");
        let mut build = web::npm(&[
            "exec",
            "--",
            "vite",
            "build",
            "--mode",
            "sabotage",
            "--emptyOutDir",
        ]);
        build.arg("--outDir").arg(&folder).env(APP_VARIABLE, row);
        run::capture(&mut build)?;
        command.env(APP, folder);
    }
    judged(row, tests, command)
}

/// The files of `tests` as the runner takes them: from the app's folder.
fn files(sources: &Sources, runner: Runner, tests: &[String]) -> Vec<String> {
    let files = sources.files(runner, tests).into_iter();
    let own = files.map(|file| file.strip_prefix("web/").unwrap_or(file));
    own.map(str::to_owned).collect()
}

fn judged(row: &str, tests: &[String], mut command: Command) -> Result<Option<String>> {
    command.args(["-t", &format!("(^| )({})$", tests.join("|"))]);
    command.env(VARIABLE, row).env(APP_VARIABLE, row);
    let answer = run::quiet(&mut command)?;
    let text = format!("{}\n{}", answer.stdout, answer.stderr);
    let counts = web::counts(&answer.stdout);
    Ok(verdict(tests.len(), answer.status.code(), counts, &text))
}

/// What is wrong with a sabotaged run of `expected` tests, if anything is.
fn verdict(
    expected: usize,
    code: Option<i32>,
    counts: Option<Counts>,
    text: &str,
) -> Option<String> {
    if sabotage::off("A-8") {
        return None;
    }
    let counts = counts.unwrap_or_default();
    if counts.passed > 0 {
        return Some(format!(
            "{} of {expected} tests of the app pass with the control off",
            counts.passed
        ));
    }
    let failed = usize::try_from(counts.failed).unwrap_or(usize::MAX);
    let ended_badly = text.contains("Test timed out in") || text.contains("Failed Suites");
    (code != Some(TESTS_FAILED) || failed != expected || ended_badly).then(|| {
        format!(
            "{failed} of {expected} tests of the app failed, the runner ended with {code:?}:\n{}",
            text.trim_end()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_8_only_clean_failures_of_all_the_apps_tests_count() {
        let counts = |passed, failed| {
            Some(Counts {
                passed,
                failed,
                skipped: 9,
            })
        };
        assert_eq!(verdict(2, Some(1), counts(0, 2), ""), None);
        for (code, counts, text) in [
            (Some(0), counts(2, 0), ""),
            (Some(1), counts(1, 1), ""),
            (Some(1), counts(0, 1), ""),
            (Some(1), counts(0, 2), "Error: Test timed out in 5000ms."),
            (Some(1), counts(0, 2), " Failed Suites 1 "),
            (None, counts(0, 2), ""),
            (Some(1), None, "no test files"),
        ] {
            assert!(verdict(2, code, counts, text).is_some(), "{text}");
        }
    }
}
