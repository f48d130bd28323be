//! Puts on the machine what a verb needs, so that two commands set up everything; where that takes
//! rights that we lack, it prints the command and ends with exit code 75. It installs Debian packages,
//! cargo tools of pinned versions (into the target folder) and the app's packages; no Rust, no Node.js.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use serde::Deserialize;

use crate::run::{self, Stop};
use crate::{repo, web};

/// What to provide for.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The verb whose needs are met.
    #[arg(value_enum, default_value_t = Purpose::Test)]
    verb: Purpose,
}

/// A verb, seen from what it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Purpose {
    /// A C compiler and an assembler, and the app's packages.
    Up,
    /// As `up`, with linters.
    Check,
    /// As `check`, with the test runner, the cameras of the system tests and browsers.
    Test,
    /// As `up`, with the cameras of the system tests and browsers.
    E2e,
    /// As `up`, without the app.
    Fuzz,
    /// As `up`, with the cameras of the system tests.
    Bench,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Tools {
    build: BTreeMap<String, String>,
    debian: BTreeMap<String, Vec<String>>,
    cargo: BTreeMap<String, CargoTool>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CargoTool {
    least: String,
    install: String,
    #[serde(default)]
    options: Vec<String>,
}

impl Tools {
    fn read() -> Result<Self> {
        toml::from_str(&repo::read("xtask/tools.toml")?).context("tools.toml")
    }
}

/// `cargo xtask provision`.
pub(crate) fn run(args: &Args) -> Result<()> {
    ensure(args.verb)?;
    run::say("everything is here");
    Ok(())
}

/// Meets the needs of `purpose`; quick when they are met already.
pub(crate) fn ensure(purpose: Purpose) -> Result<()> {
    let tools = Tools::read()?;
    install_debian(&missing_packages(&tools, purpose)?)?;
    if matches!(purpose, Purpose::Check | Purpose::Test) {
        ensure_components()?;
        ensure_cargo_tool("cargo-deny", &tools)?;
    }
    if purpose == Purpose::Test {
        ensure_cargo_tool("cargo-nextest", &tools)?;
    }
    if !matches!(purpose, Purpose::Fuzz) {
        web::install()?;
    }
    Ok(())
}

/// The one tool that judges dependencies, without anything else.
pub(crate) fn ensure_deny() -> Result<()> {
    ensure_cargo_tool("cargo-deny", &Tools::read()?)
}

/// Debian packages that `purpose` needs and the machine lacks.
fn missing_packages(tools: &Tools, purpose: Purpose) -> Result<Vec<String>> {
    let absent = tools
        .build
        .iter()
        .filter(|(program, _)| !run::exists(program));
    let mut missing: Vec<_> = absent.map(|(_, package)| package.clone()).collect();
    let sets: &[&str] = match purpose {
        Purpose::Up | Purpose::Check | Purpose::Fuzz => &[],
        Purpose::Bench => &["media"],
        Purpose::Test | Purpose::E2e => &["browser", "media"],
    };
    for set in sets {
        let wanted = tools.debian.get(*set);
        let wanted = wanted.with_context(|| format!("tools.toml lacks the set {set}"))?;
        missing.extend(uninstalled(wanted)?);
    }
    if missing
        .iter()
        .any(|package| package == "gcc" || package == "g++")
    {
        missing.push("libc6-dev".to_owned());
    }
    Ok(missing)
}

/// Which of `wanted` the package manager does not have.
fn uninstalled(wanted: &[String]) -> Result<Vec<String>> {
    if !run::exists("dpkg-query") {
        return Err(Stop::try_again(format!(
            "this machine is not Debian; install what these Debian packages hold, and put a \
             dpkg-query that knows them on the path: {}",
            wanted.join(" ")
        )));
    }
    let format = "--showformat=${Package} ${db:Status-Status}\n";
    let answer = run::quiet(
        run::program("dpkg-query")
            .args(["--show", format])
            .args(wanted),
    )?;
    Ok(not_installed(wanted, &answer.stdout))
}

/// Reads `package status` lines; dpkg-query keeps silent about what it has never heard of.
fn not_installed(wanted: &[String], listing: &str) -> Vec<String> {
    let installed = |package: &String| {
        let line = format!("{package} installed");
        listing.lines().any(|have| have == line)
    };
    wanted
        .iter()
        .filter(|package| !installed(package))
        .cloned()
        .collect()
}

/// Installs Debian packages, as root or by password-free sudo; else says what to type.
fn install_debian(packages: &[String]) -> Result<()> {
    if packages.is_empty() {
        return Ok(());
    }
    let prefix = if is_root()? {
        None
    } else if run::quiet(run::program("sudo").args(["-n", "true"]))
        .is_ok_and(|answer| answer.status.success())
    {
        Some("sudo")
    } else {
        return Err(Stop::try_again(format!(
            "Debian packages are missing. As root, run:\n  apt-get update && \
             apt-get install -y --no-install-recommends {}",
            packages.join(" ")
        )));
    };
    let apt = |words: &[&str]| {
        let mut command = run::program(prefix.unwrap_or("env"));
        command.args(prefix.map(|_| "env"));
        command
            .args(["DEBIAN_FRONTEND=noninteractive", "apt-get", "-q"])
            .args(words);
        command
    };
    run::must(&mut apt(&["update"]))?;
    run::must(apt(&["install", "-y", "--no-install-recommends"]).args(packages))
}

fn is_root() -> Result<bool> {
    Ok(fs::metadata("/proc/self").context("can't see /proc")?.uid() == 0)
}

/// Formatter and linter come with Rust; a minimal toolchain lacks them.
fn ensure_components() -> Result<()> {
    for (subcommand, component) in [("fmt", "rustfmt"), ("clippy", "clippy")] {
        if run::quiet(&mut run::cargo([subcommand, "--version"]))?
            .status
            .success()
        {
            continue;
        }
        let add = ["component", "add", component];
        if !run::exists("rustup") || run::must(run::program("rustup").args(add)).is_err() {
            return Err(Stop::try_again(format!(
                "Rust's `{component}` is missing. Run:\n  rustup component add {component}"
            )));
        }
    }
    Ok(())
}

/// Installs a cargo tool into the target folder, unless the machine has one that will do.
fn ensure_cargo_tool(name: &str, tools: &Tools) -> Result<()> {
    let tool = tools.cargo.get(name);
    let tool = tool.with_context(|| format!("tools.toml lacks {name}"))?;
    if found_version(name).is_some_and(|version| version >= numbers(&tool.least)) {
        return Ok(());
    }
    let root = tools_dir()?;
    let mut install = run::cargo([
        "install",
        "--locked",
        "--debug",
        "--version",
        &tool.install,
        name,
    ]);
    install
        .args(&tool.options)
        .arg("--root")
        .arg(&root)
        .env("CARGO_TARGET_DIR", root.join("build"))
        .env("CARGO_PROFILE_DEV_DEBUG", "0");
    run::must(&mut install)?;
    let Some(version) = found_version(name) else {
        bail!("{name} was installed but does not run");
    };
    run::complain(&format!("{name} {version:?} is ready"));
    // Its build takes a gigabyte and is not needed again.
    fs::remove_dir_all(root.join("build")).context("can't remove the tool's build folder")
}

fn tools_dir() -> Result<PathBuf> {
    Ok(repo::target_dir()?.join("tools"))
}

/// The search path with our own tools in front.
pub(crate) fn path_with_tools() -> Result<OsString> {
    let ours = tools_dir()?.join("bin");
    let others = std::env::var_os("PATH").unwrap_or_default();
    Ok(std::env::join_paths(
        std::iter::once(ours).chain(std::env::split_paths(&others)),
    )?)
}

/// The version of the cargo tool `name` that would run.
fn found_version(name: &str) -> Option<Vec<u64>> {
    let subcommand = name.strip_prefix("cargo-")?;
    let path = path_with_tools().ok()?;
    let answer = run::quiet(run::cargo([subcommand, "--version"]).env("PATH", path)).ok()?;
    let version = answer.stdout.split_whitespace().nth(1)?.to_owned();
    answer.status.success().then(|| numbers(&version))
}

/// `1.2.3` as numbers that compare.
fn numbers(version: &str) -> Vec<u64> {
    version
        .split('.')
        .map_while(|part| part.parse().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_complete() {
        let tools = Tools::read().unwrap();
        assert!(
            tools.cargo.contains_key("cargo-deny") && tools.cargo.contains_key("cargo-nextest")
        );
        assert!(
            ["browser", "media"]
                .iter()
                .all(|set| tools.debian.contains_key(*set))
        );
    }

    #[test]
    fn only_installed_packages_count() {
        let wanted = ["a", "b", "c"].map(str::to_owned);
        let listing = "a installed\nb config-files\n";
        assert_eq!(not_installed(&wanted, listing), ["b", "c"]);
    }

    #[test]
    fn versions_compare_as_numbers() {
        assert!(numbers("0.9.143") > numbers("0.9.99"));
        assert!(numbers("1.0.0") > numbers("0.20.2"));
    }
}
