//! Viewers of a site in a process of their own, so that what they use is not the gateway's.

use std::io::{BufRead, BufReader, Lines};
use std::path::Path;
use std::process::{Child, ChildStdout, Stdio};

use anyhow::{Context, Result, bail};
use serde::de::DeserializeOwned;

use crate::{repo, run};

/// A running process of viewers; it ends when this is dropped.
#[derive(Debug)]
pub(super) struct Viewers {
    process: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Viewers {
    /// Builds the program.
    pub(super) fn build() -> Result<()> {
        let mut build = run::cargo(["build", "--release", "--locked"]);
        run::must(build.args(["--package", "bartizan-client", "--example", "viewers"]))
    }

    /// Starts one of the program's scenarios with the account in `profile`.
    pub(super) fn start(profile: &Path, scenario: &str, numbers: &[u32]) -> Result<Self> {
        let program = repo::target_dir()?.join("release/examples/viewers");
        let mut command = run::program(&program.to_string_lossy());
        command.arg(profile).arg(scenario);
        command.args(numbers.iter().map(u32::to_string));
        let mut process = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("can't start the viewers")?;
        let stdout = process.stdout.take().context("standard output is piped")?;
        let lines = BufReader::new(stdout).lines();
        Ok(Self { process, lines })
    }

    /// What they tell next; nothing after the end.
    pub(super) fn next<T: DeserializeOwned>(&mut self) -> Result<Option<T>> {
        if let Some(line) = self.lines.next() {
            let told = serde_json::from_str(&line?);
            return told.context("the viewers tell something else").map(Some);
        }
        let status = self.process.wait()?;
        if !status.success() {
            bail!("the viewers ended with {status}");
        }
        Ok(None)
    }

    /// What they must tell next.
    pub(super) fn expect<T: DeserializeOwned>(&mut self) -> Result<T> {
        self.next()?.context("the viewers ended without a word")
    }
}

impl Drop for Viewers {
    fn drop(&mut self) {
        // Ended already after a good run.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
