//! `cargo xtask`: the one door for building, checking, testing, running and measuring Bartizan.
//!
//! Continuous integration walks through the same door as a developer. Nothing here ships to an owner,
//! and no rule about the product lives here: the rooms and their tests hold those.
#![forbid(unsafe_code)]

mod bench;
mod budgets;
mod check;
mod controls;
mod deny;
mod e2e;
mod fuzz;
mod generated;
mod layers;
mod packaging;
mod provision;
mod repo;
mod report;
mod run;
mod test;
mod tidy;
mod types;
mod up;
mod web;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use report::Report;

/// Wrong usage (sysexits `EX_USAGE`).
const EXIT_USAGE: u8 = 64;

/// The developer's and the owner's door to this repository.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", version, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Builds and runs a gateway with its cameras in the foreground.
    Up(up::Args),
    /// Runs everything that continuous integration runs.
    Test(test::Args),
    /// Runs the app in real browsers, or takes the pictures of the owner's guide.
    E2e(e2e::Args),
    /// Formats, lints, and checks floors, tidiness, controls, licences, documents and the app.
    Check,
    /// Installs what a verb needs; other verbs do this by themselves.
    Provision(provision::Args),
    /// Checks that arrows between rooms only go down, and that the dependency budget holds.
    Layers,
    /// Checks headers, lengths, left-overs, fixtures, decisions and lock files.
    Tidy,
    /// Checks the register of security controls against the tests that claim them.
    Controls(controls::Args),
    /// Builds the app, and checks its size, its packages, and that it holds nothing inline or of others.
    Budgets,
    /// Checks licences, sources, banned crates and known vulnerabilities.
    Deny,
    /// Writes the generated documents, or checks that they are up to date.
    Gen(generated::Args),
    /// Builds the fuzzers and runs one or all of them.
    Fuzz(fuzz::Args),
    /// Measures speed, memory and delay.
    Bench(bench::Args),
}

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(problem) => return usage(&problem),
    };
    match dispatch(cli.verb) {
        Ok(code) => code,
        Err(error) => {
            run::complain(&format!("xtask: {error:#}"));
            ExitCode::from(run::exit_code_of(&error))
        }
    }
}

/// Prints help or what is wrong with the arguments.
fn usage(problem: &clap::Error) -> ExitCode {
    if problem.print().is_err() || problem.use_stderr() {
        return ExitCode::from(EXIT_USAGE);
    }
    ExitCode::SUCCESS
}

fn dispatch(verb: Verb) -> Result<ExitCode> {
    match verb {
        Verb::Up(args) => up::run(&args),
        Verb::Test(args) => test::run(&args),
        Verb::E2e(args) => e2e::run(&args),
        Verb::Check => section(check::run),
        Verb::Provision(args) => provision::run(&args).map(|()| ExitCode::SUCCESS),
        Verb::Layers => section(|report| {
            report.check("layers", layers::problems);
            Ok(())
        }),
        Verb::Tidy => section(|report| {
            report.check("tidy", tidy::problems);
            Ok(())
        }),
        Verb::Controls(args) => section(|report| controls::run(&args, report)),
        Verb::Budgets => section(|report| {
            web::check_build(report);
            budgets::check(report);
            Ok(())
        }),
        Verb::Deny => section(deny::run),
        Verb::Gen(args) => section(|report| generated::run(&args, report)),
        Verb::Fuzz(args) => fuzz::run(&args),
        Verb::Bench(args) => bench::run(&args).map(|()| ExitCode::SUCCESS),
    }
}

/// Runs a verb that consists of checks, and sums them up.
fn section(body: impl FnOnce(&mut Report) -> Result<()>) -> Result<ExitCode> {
    let mut report = Report::new();
    body(&mut report)?;
    Ok(report.finish())
}
