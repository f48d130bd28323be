//! `bartizan`: the household's command line. It parses, calls the client, and says what came of it.
//!
//! What can be typed is in `args`, what is printed in `output`, what exit codes mean in `failure`; each
//! command has its file in `commands`. Keys, transport and formats are `bartizan-client`'s.
#![forbid(unsafe_code)]

mod args;
mod commands;
mod context;
mod failure;
mod moment;
mod output;
mod volumes;

use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;

use args::Cli;
use context::Context;
use failure::USAGE;
use output::Output;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return refuse(&error),
    };
    let output = Output::new(cli.global.json);
    let done = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|source| failure::Failure::Machine {
            what: "the program can't be started".to_owned(),
            source,
        })
        .and_then(|runtime| {
            let context = Context::new(&cli.global, output)?;
            runtime.block_on(commands::run(&context, cli.command))
        });
    match done {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            output.failed(&failure.message(), &failure.value());
            ExitCode::from(failure.exit_code())
        }
    }
}

/// Help and version are no errors; everything else is wrong usage.
fn refuse(error: &clap::Error) -> ExitCode {
    // Nobody is left to be told when even this can't be printed.
    drop(error.print());
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => ExitCode::SUCCESS,
        _ => ExitCode::from(USAGE),
    }
}
