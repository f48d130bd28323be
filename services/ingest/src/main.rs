//! `bartizan-ingest`: the sandboxed sealer of foreign cameras. Started by the gateway's supervisor, with
//! a socket to the gateway's broker as standard output; standard input is not used.
//!
//! It parses untrusted media, holds plaintext and epoch secrets, and can reach nothing but its cameras
//! and the gateway: it locks itself in before it reads the first byte.
#![forbid(unsafe_code)]

mod camera;
mod dialer;
mod feed;
mod link;
mod probe;
mod problem;
mod run;
mod state;

use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use bartizan_base::log;
use bartizan_sandbox::{ParentDeath, lock_ingest};

/// Exit code for bad usage.
const EX_USAGE: u8 = 64;

struct Arguments {
    state: PathBuf,
    log: String,
}

fn main() -> ExitCode {
    let arguments = match arguments(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(error) => {
            drop(log::start("info"));
            tracing::error!(%error, "bad usage");
            return ExitCode::from(EX_USAGE);
        }
    };
    match work(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = %format!("{error:#}"), "ingest ended");
            ExitCode::FAILURE
        }
    }
}

fn arguments(mut given: impl Iterator<Item = String>) -> Result<Arguments> {
    let (mut state, mut log) = (None, "info".to_owned());
    while let Some(name) = given.next() {
        let value = given
            .next()
            .with_context(|| format!("{name} needs a value"))?;
        match name.as_str() {
            "--state" => state = Some(PathBuf::from(value)),
            "--log" => log = value,
            _ => bail!("unknown argument {name}"),
        }
    }
    Ok(Arguments {
        state: state.context("--state DIR is missing")?,
        log,
    })
}

fn work(arguments: &Arguments) -> Result<()> {
    log::start(&arguments.log)?;
    bartizan_base::files::create_private_dir(&arguments.state)?;
    let report = lock_ingest(&arguments.state, ParentDeath::Follows)?;
    if report.is_complete() {
        tracing::info!(%report, "locked in");
    } else {
        tracing::warn!(%report, "locked in less than this program wants: a newer kernel has all of it");
    }
    let broker = UnixStream::from(std::io::stdout().as_fd().try_clone_to_owned()?);
    let stop = stop_signal()?;
    let state = state::PrivateState::open(&arguments.state)?;
    run::Ingest::new(state, broker, stop)?.run()
}

/// A socket that becomes readable when the process is asked to end.
fn stop_signal() -> Result<UnixStream> {
    let (ours, theirs) = UnixStream::pair()?;
    signal_hook::low_level::pipe::register(signal_hook::consts::SIGTERM, theirs)?;
    // A terminal's interrupt goes to the whole group; the supervisor decides what ends when.
    let ignored = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    signal_hook::flag::register(signal_hook::consts::SIGINT, ignored)?;
    Ok(ours)
}
