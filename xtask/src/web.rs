//! The app's own checks, run through its package manager without install scripts.
//! What they check is written in `web/`.

use std::fs;
use std::process::Command;
use std::thread;
use std::time::SystemTime;

use anyhow::{Context, Result, anyhow, bail};

use crate::repo;
use crate::report::{Counts, Outcome, Report};
use crate::run::{self, Answer, Stop};

/// A copy of the lock file that the installed packages follow.
const STAMP: &str = "web/node_modules/.installed-lock.json";

const LOCK: &str = "web/package-lock.json";

/// What the app is built from, beside `web/src`.
const SOURCES: [&str; 5] = [
    "web/index.html",
    "web/package.json",
    "web/svelte.config.js",
    "web/vite.config.ts",
    LOCK,
];

/// Whether the app is part of this tree.
fn exists() -> bool {
    repo::has("web/package.json")
}

/// npm in the app's folder; it never runs packages' install scripts. Without colours, which some runners print
/// into a pipe too when they find themselves in a CI, because [`counts`] reads what they print.
pub(crate) fn npm(words: &[&str]) -> Command {
    let mut command = run::program("npm");
    command
        .current_dir(repo::root().join("web"))
        .env("NO_COLOR", "1")
        .env_remove("FORCE_COLOR")
        .args(words);
    command
}

/// Installs exactly the locked packages, unless they are installed already.
pub(crate) fn install() -> Result<()> {
    if !exists() {
        return Ok(());
    }
    let lock = repo::read(LOCK)?;
    if repo::read(STAMP).is_ok_and(|stamp| stamp == lock) {
        return Ok(());
    }
    if !run::exists("npm") {
        return Err(Stop::try_again(
            "the app needs Node.js 20 or later with npm; install it and run this again",
        ));
    }
    run::must(&mut npm(&[
        "ci",
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
    ]))?;
    fs::write(repo::root().join(STAMP), lock).context("can't write the stamp of installed packages")
}

/// Builds the app into `web/dist` when a source is newer than it.
pub(crate) fn build() -> Result<()> {
    if !exists() || !repo::read("web/package.json")?.contains("\"build\":") || !is_stale()? {
        return Ok(());
    }
    run::must(&mut npm(&["run", "--silent", "build"]))
}

fn is_stale() -> Result<bool> {
    let modified =
        |path: &str| fs::metadata(repo::root().join(path)).and_then(|file| file.modified());
    let Ok(built) = modified("web/dist/index.html") else {
        return Ok(true);
    };
    let newer = |time: std::io::Result<SystemTime>| time.is_ok_and(|time| time > built);
    if SOURCES.iter().any(|path| newer(modified(path))) {
        return Ok(true);
    }
    for dir in ["web/src", "web/public"]
        .into_iter()
        .filter(|dir| repo::has(dir))
    {
        let files = repo::files(&repo::root().join(dir))?;
        if files
            .iter()
            .any(|file| newer(modified(&format!("{dir}/{}", file.path))))
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The build, as a check.
pub(crate) fn check_build(report: &mut Report) {
    report.section("web build", || {
        install()?;
        build()?;
        Ok(Outcome::Pass)
    });
}

/// Looks at types, style and accessibility (`npm run check`), silently, so that something else can run beside it.
pub(crate) fn look() -> Result<Option<Answer>> {
    if !exists() {
        return Ok(None);
    }
    install()?;
    run::quiet(&mut npm(&["run", "--silent", "check"])).map(Some)
}

/// Prints what was found by [`look`], which ran in a thread of its own.
pub(crate) fn judge(found: thread::Result<Result<Option<Answer>>>) -> Result<Outcome> {
    let found = found.map_err(|_panic| anyhow!("the check of the app panicked"))??;
    let Some(answer) = found else {
        return Ok(Outcome::Skip("there is no app in this tree".to_owned()));
    };
    run::complain("$ npm run --silent check");
    run::say(answer.stdout.trim_end());
    run::complain(answer.stderr.trim_end());
    if answer.status.success() {
        return Ok(Outcome::Pass);
    }
    bail!("`npm run check` ended with {}", answer.status)
}

/// The app's unit tests (`npm test`).
pub(crate) fn test(report: &mut Report) {
    if !exists() {
        return;
    }
    report.runner("web tests", || {
        let answer = run::tee(&mut npm(&["test", "--silent"]))?;
        match counts(&answer.stdout) {
            Some(counts) if answer.status.success() || counts.failed > 0 => Ok(counts),
            Some(_) => bail!("npm test ended with {}", answer.status),
            None => bail!("npm test printed no sum; it ended with {}", answer.status),
        }
    });
}

/// Reads the sum that Node's own runner (`# pass 3`, `ℹ pass 3`) or vitest (`Tests  3 passed (3)`) prints.
pub(crate) fn counts(output: &str) -> Option<Counts> {
    let line_of = |name: &str| {
        output.lines().rev().find_map(|line| {
            let mut words = line.split_whitespace().skip(1);
            (words.next()? == name)
                .then(|| words.next()?.parse().ok())
                .flatten()
        })
    };
    if let Some(passed) = line_of("pass") {
        let (failed, skipped) = (line_of("fail")?, line_of("skipped").unwrap_or(0));
        return Some(Counts {
            passed,
            failed,
            skipped,
        });
    }
    let sum = output
        .lines()
        .rev()
        .find_map(|line| line.trim().strip_prefix("Tests "))?;
    let words: Vec<_> = sum.split_whitespace().collect();
    let before = |name: &str| {
        words
            .windows(2)
            .find_map(|pair| match pair {
                [number, word] if *word == name => number.parse().ok(),
                _ => None,
            })
            .unwrap_or(0)
    };
    let (passed, failed, skipped) = (before("passed"), before("failed"), before("skipped"));
    Some(Counts {
        passed,
        failed,
        skipped,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_runners_sums_are_read() {
        let expected = Some(Counts {
            passed: 12,
            failed: 1,
            skipped: 2,
        });
        assert_eq!(
            counts("# tests 15\n# pass 12\n# fail 1\n# skipped 2\n"),
            expected
        );
        assert_eq!(counts("ℹ pass 12\nℹ fail 1\nℹ skipped 2\n"), expected);
        let vitest =
            " Test Files  3 passed (3)\n      Tests  1 failed | 12 passed | 2 skipped (15)\n";
        assert_eq!(counts(vitest), expected);
        assert_eq!(counts("nothing"), None);
    }
}
