//! Builds the fuzzers of `fuzz/` with stable Rust and runs one or all of them.
//!
//! Coverage comes from LLVM's own instrumentation (no nightly flag), libFuzzer from `libfuzzer-sys`.
//! There is no address sanitizer: our crates hold no unsafe code, so panics, memory and time are what
//! can go wrong.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

use crate::provision::{self, Purpose};
use crate::{repo, run};

/// What to fuzz, and how long.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// One target; all of them when it is left out.
    target: Option<String>,
    /// Seconds for each target.
    #[arg(default_value_t = 60)]
    seconds: u32,
    /// Lists the targets and runs nothing.
    #[arg(long)]
    list: bool,
}

/// The target platform is named so that build scripts and macros stay uninstrumented.
const PLATFORM: &str = "x86_64-unknown-linux-gnu";

/// What `cargo fuzz` passes, without its sanitizer.
const RUSTFLAGS: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1";

/// Longest input in bytes.
const MAX_LEN: u32 = 16 * 1024;

/// Memory that a target may use in MiB, all of libFuzzer's own included.
const MEMORY_MIB: u32 = 1_024;

/// Seconds that one input may take.
const TIMEOUT_S: u32 = 5;

/// What fuzzing one target showed.
#[derive(Debug)]
struct Finding {
    target: String,
    executions: u64,
    artifacts: Vec<String>,
}

/// `cargo xtask fuzz`.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let targets = chosen(&targets()?, args.target.as_deref())?;
    if args.list {
        run::say(&targets.join("\n"));
        return Ok(ExitCode::SUCCESS);
    }
    provision::ensure(Purpose::Fuzz)?;
    build()?;
    let run_one = |target: &String| fuzz(target, args.seconds);
    let findings = targets.iter().map(run_one).collect::<Result<Vec<_>>>()?;
    Ok(sum_up(&findings))
}

/// Every target: one file each, with an entry in the manifest.
fn targets() -> Result<Vec<String>> {
    let manifest = repo::read("fuzz/Cargo.toml")?;
    let files = repo::files(&repo::root().join("fuzz/fuzz_targets"))?;
    let names = files
        .iter()
        .filter_map(|file| file.path.strip_suffix(".rs"));
    let names: Vec<_> = names.map(str::to_owned).collect();
    for name in &names {
        if !manifest.contains(&format!("name = \"{name}\"")) {
            bail!("fuzz/Cargo.toml has no [[bin]] called {name}");
        }
    }
    Ok(names)
}

fn chosen(all: &[String], wanted: Option<&str>) -> Result<Vec<String>> {
    let chosen: Vec<_> = all
        .iter()
        .filter(|target| wanted.is_none_or(|wanted| wanted == *target))
        .cloned()
        .collect();
    if chosen.is_empty() {
        bail!("no such target; there are: {}", all.join(", "));
    }
    Ok(chosen)
}

fn build() -> Result<()> {
    let mut command = run::cargo(["build", "--release", "--bins", "--target", PLATFORM]);
    command.args(["--manifest-path", "fuzz/Cargo.toml"]);
    command
        .env("RUSTFLAGS", RUSTFLAGS)
        .env_remove("CARGO_TARGET_DIR");
    run::must(&mut command)
}

fn fuzz(target: &str, seconds: u32) -> Result<Finding> {
    let folder = |kind: &str| -> Result<PathBuf> {
        let path = repo::root().join("fuzz").join(kind).join(target);
        fs::create_dir_all(&path).with_context(|| format!("can't create fuzz/{kind}/{target}"))?;
        Ok(path)
    };
    let (corpus, artifacts) = (folder("corpus")?, folder("artifacts")?);
    let before = listing(&artifacts)?;
    let answer = run::tee(&mut command(target, seconds, &corpus, &artifacts))?;
    let mut new = listing(&artifacts)?;
    new.retain(|name| !before.contains(name));
    if !answer.status.success() && new.is_empty() {
        bail!("{target} ended with {} and left no artifact", answer.status);
    }
    Ok(Finding {
        target: target.to_owned(),
        executions: executions(&answer.stderr).unwrap_or(0),
        artifacts: new,
    })
}

fn command(target: &str, seconds: u32, corpus: &Path, artifacts: &Path) -> Command {
    let program = format!("fuzz/target/{PLATFORM}/release/{target}");
    let mut command = run::program(&repo::root().join(program).to_string_lossy());
    command
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-max_len={MAX_LEN}"))
        .arg(format!("-rss_limit_mb={MEMORY_MIB}"))
        .arg(format!("-timeout={TIMEOUT_S}"))
        .arg(format!("-artifact_prefix={}/", artifacts.display()))
        .arg("-print_final_stats=1")
        .arg(corpus);
    let seeds = format!("fixtures/fuzz/{target}");
    if repo::has(&seeds) {
        command.arg(seeds);
    }
    command
}

fn listing(dir: &Path) -> Result<Vec<String>> {
    let entries = fs::read_dir(dir).with_context(|| format!("can't list {}", dir.display()))?;
    let name = |entry: std::io::Result<fs::DirEntry>| {
        Ok(entry?.file_name().to_string_lossy().into_owned())
    };
    entries.map(name).collect()
}

/// Reads libFuzzer's `stat::number_of_executed_units: 123`.
fn executions(output: &str) -> Option<u64> {
    let line = output
        .lines()
        .find_map(|line| line.strip_prefix("stat::number_of_executed_units:"))?;
    line.trim().parse().ok()
}

fn sum_up(findings: &[Finding]) -> ExitCode {
    run::say("");
    for Finding {
        target,
        executions,
        artifacts,
    } in findings
    {
        run::say(&format!(
            "{target}: {executions} executions, {} findings",
            artifacts.len()
        ));
        for name in artifacts {
            run::say(&format!("  fuzz/artifacts/{target}/{name}"));
        }
    }
    if findings.iter().all(|finding| finding.artifacts.is_empty()) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_are_read() {
        let text =
            "Done 5 runs\nstat::number_of_executed_units: 123456\nstat::average_exec_per_sec: 7\n";
        assert_eq!(executions(text), Some(123_456));
        assert_eq!(executions("crashed"), None);
    }

    #[test]
    fn an_unknown_target_is_refused() {
        let all = ["a".to_owned(), "b".to_owned()];
        assert_eq!(chosen(&all, None).unwrap().len(), 2);
        assert_eq!(chosen(&all, Some("b")).unwrap(), ["b"]);
        assert!(chosen(&all, Some("c")).is_err());
    }
}
