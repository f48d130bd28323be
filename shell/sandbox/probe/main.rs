//! A helper of the tests: enters a profile, attempts one thing and prints how it went: `ok`, or the
//! error's name. Never installed.
//!
//! `sandbox-probe PROFILE CASE OWN OTHER`, with PROFILE `ingest` or `gateway`, OWN the profile's own
//! folder and OTHER one that it must not reach. Standard input is a Unix socket to the test.
#![forbid(unsafe_code)]
#![expect(
    clippy::disallowed_methods,
    reason = "it attempts on purpose what the sandbox forbids"
)]

mod attempts;

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use bartizan_sandbox::{GatewayPaths, ParentDeath, Report, SandboxError};

/// What an attempt may use.
pub(crate) struct Env {
    own: PathBuf,
    other: PathBuf,
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [profile, case, own, other] = args.as_slice() else {
        return ExitCode::from(64);
    };
    let env = Env {
        own: own.into(),
        other: other.into(),
    };
    if case == "second-thread" {
        std::thread::spawn(std::thread::park);
    }
    let outcome = match lock(profile, &env) {
        Err(SandboxError::Threads { threads }) => format!("{threads} threads"),
        Err(error) => format!("not locked: {error:?}"),
        Ok(report) if case == "report" => format!("{report:?}"),
        Ok(_) => name(attempts::run(case, &env)),
    };
    match writeln!(io::stdout(), "{outcome}") {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn lock(profile: &str, env: &Env) -> Result<Report, SandboxError> {
    if profile == "ingest" {
        return bartizan_sandbox::lock_ingest(&env.own, ParentDeath::Survives);
    }
    let paths = GatewayPaths {
        writable: &[&env.own],
        readable: &[],
        keep_out: &[&env.other],
    };
    bartizan_sandbox::lock_gateway(&paths, ParentDeath::Survives)
}

fn name(outcome: io::Result<()>) -> String {
    let Err(error) = outcome else {
        return "ok".to_owned();
    };
    match error.raw_os_error() {
        Some(libc::EPERM) => "EPERM".to_owned(),
        Some(libc::EACCES) => "EACCES".to_owned(),
        _ => format!("{error:?}"),
    }
}
