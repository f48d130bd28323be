//! The command line as a member uses it, one call at a time, judged by its exit code and its JSON.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;
use tempfile::TempDir;

use crate::process;
use crate::programs;

/// How long one call may take.
const LIMIT: Duration = Duration::from_mins(2);

/// What one call said.
#[derive(Debug, Clone)]
pub struct Said {
    /// Exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// The JSON object of the last line; null when there is none.
    pub json: Value,
    /// Everything, for people and for searching.
    pub text: String,
}

/// A member's device: a profile folder, and a folder for what commands write.
#[derive(Debug)]
pub struct Cli {
    folder: TempDir,
    env: Vec<(OsString, OsString)>,
    within: Vec<OsString>,
}

impl Cli {
    /// A device without an account.
    ///
    /// # Errors
    /// No folder can be made.
    pub fn new() -> Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("bartizan-device-")
            .tempdir()?;
        Ok(Self {
            folder,
            env: Vec::new(),
            within: Vec::new(),
        })
    }

    /// With further variables of the environment.
    #[must_use]
    pub fn with_env(self, env: &[(OsString, OsString)]) -> Self {
        Self {
            env: env.to_vec(),
            ..self
        }
    }

    /// Behind a program that runs it somewhere else, as `ip netns exec phone`.
    #[must_use]
    pub fn within(self, within: Vec<OsString>) -> Self {
        Self { within, ..self }
    }

    /// Where the account is.
    pub fn profile(&self) -> PathBuf {
        self.folder.path().join("profile")
    }

    /// A path for a file that a command writes.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The folder of everything that this device has.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Runs one command.
    ///
    /// # Errors
    /// It can't be started, or does not end.
    pub fn run<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Result<Said> {
        let mut command = process::command_within(&self.within, programs::find(programs::CLI)?);
        // In front: behind `--` everything is an argument of the command.
        command
            .arg("--json")
            .arg("--profile")
            .arg(self.profile())
            .args(arguments);
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        let finished = process::run(&mut command, LIMIT)?;
        let stdout = finished.text();
        let last = stdout.lines().last().unwrap_or_default();
        Ok(Said {
            code: finished.code,
            json: serde_json::from_str(last).unwrap_or_default(),
            text: format!("{stdout}{}", finished.stderr),
        })
    }

    /// Runs one command, which must go well.
    ///
    /// # Errors
    /// As [`run`](Self::run), or its exit code is not 0, or it says no JSON.
    pub fn must<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Result<Value> {
        let arguments: Vec<OsString> = arguments
            .into_iter()
            .map(|a| a.as_ref().to_owned())
            .collect();
        let said = self.run(&arguments)?;
        if said.code != Some(0) {
            bail!(
                "bartizan {arguments:?} ended with {:?}: {}",
                said.code,
                said.text
            );
        }
        if said.json.is_object() {
            Ok(said.json)
        } else {
            bail!(
                "bartizan {arguments:?} said no JSON object last: {}",
                said.text
            )
        }
    }

    /// Claims a gateway by the link that it shows.
    ///
    /// # Errors
    /// As [`must`](Self::must).
    pub fn claim(&self, link: &str) -> Result<Value> {
        let recovery = self.file("recovery.txt");
        let recovery = recovery.to_str().context("our own folder's name is text")?;
        self.must(["claim", link, "--name", "Ada", "--recovery-out", recovery])
    }
}
