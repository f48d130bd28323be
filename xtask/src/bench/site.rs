//! A gateway of its own for a measurement, claimed, with its owner's account; both in a fresh folder.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::repo;
use crate::run::{self, Answer, Stopwatch};

/// Streams connect, first keyframes arrive, caches fill.
pub(super) const SETTLE: Duration = Duration::from_secs(10);

/// Builds what is measured, as it is released.
pub(super) fn build() -> Result<()> {
    let mut build = run::cargo([
        "build",
        "--release",
        "--locked",
        "--package",
        "bartizan-gateway",
    ]);
    run::must(build.args(["--package", "bartizan-ingest", "--package", "bartizan"]))
}

/// A fresh folder for one recorder.
pub(super) fn fresh(name: &str) -> Result<PathBuf> {
    let data = repo::target_dir()?.join("xtask/bench").join(name);
    if data.exists() {
        fs::remove_dir_all(&data).context("can't empty the recorder's folder")?;
    }
    fs::create_dir_all(&data).context("can't create the recorder's folder")?;
    Ok(data)
}

/// Removes a recorder's folder.
pub(super) fn remove(data: &Path) -> Result<()> {
    fs::remove_dir_all(data).context("can't remove the recorder's folder")
}

/// Ends a recorder as a service manager would.
pub(super) fn terminate(child: &mut Child) -> Result<()> {
    run::quiet(run::program("kill").args(["-TERM", &child.id().to_string()]))?;
    child.wait().context("can't wait for the recorder")?;
    Ok(())
}

/// How a gateway on this machine is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Door {
    /// In clear, as on the machine itself.
    Clear,
    /// With TLS, as from everywhere else.
    Tls,
}

/// A running gateway.
#[derive(Debug)]
struct Gateway {
    process: Child,
    claim: Option<String>,
    ready: Duration,
}

impl Gateway {
    /// Starts it and waits until it says that it is ready.
    fn start(data: &Path, door: Door) -> Result<Self> {
        let program = repo::target_dir()?.join("release/bartizan-gateway");
        let mut command = run::program(&program.to_string_lossy());
        command.arg("run").arg("--data").arg(data.join("data"));
        command.args(["--listen", "127.0.0.1:0", "--log", "warn"]);
        command.args((door == Door::Tls).then_some("--tls"));
        let watch = Stopwatch::start();
        let mut process = command
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("can't start the gateway")?;
        let stdout = process.stdout.take().context("standard output is piped")?;
        let mut gateway = Self {
            process,
            claim: None,
            ready: Duration::ZERO,
        };
        let mut lines = BufReader::new(stdout).lines();
        loop {
            let line = lines.next().context("the gateway ended at once")??;
            if let Some(found) = line.strip_prefix("claim: ") {
                gateway.claim = Some(found.to_owned());
            }
            if line.starts_with("ready:") {
                break;
            }
        }
        gateway.ready = watch.elapsed();
        // Later lines are drained, so that the gateway never blocks on a full pipe.
        drop(std::thread::spawn(move || lines.for_each(drop)));
        Ok(gateway)
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // Ended already after a good run.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// A claimed gateway and the owner's account.
#[derive(Debug)]
pub(super) struct Site {
    gateway: Gateway,
    data: PathBuf,
    door: Door,
}

impl Site {
    /// Starts and claims one in the empty folder `data`.
    pub(super) fn start(data: &Path, door: Door) -> Result<Self> {
        let site = Self {
            gateway: Gateway::start(data, door)?,
            data: data.to_owned(),
            door,
        };
        let link = site.gateway.claim.as_deref();
        let link = link.context("the gateway printed no claim link")?;
        let recovery = data.join("recovery.txt");
        let recovery = recovery.to_string_lossy();
        let words = ["claim", link, "--name", "Bench", "--recovery-out"];
        site.command(&[words.as_slice(), &[&recovery]].concat())?;
        Ok(site)
    }

    /// The owner's account.
    pub(super) fn profile(&self) -> PathBuf {
        self.data.join("profile")
    }

    /// The gateway's first process.
    pub(super) fn pid(&self) -> u32 {
        self.gateway.process.id()
    }

    /// From the last start of the process until it said that it is ready.
    pub(super) const fn ready(&self) -> Duration {
        self.gateway.ready
    }

    /// Adds a camera as an owner would.
    pub(super) fn add_camera(&self, name: &str, url: &str) -> Result<()> {
        self.command(&["camera", "add", name, url]).map(drop)
    }

    /// Ends the gateway and starts it again; on another port, which the account does not know.
    pub(super) fn restart(&mut self) -> Result<()> {
        terminate(&mut self.gateway.process)?;
        self.gateway = Gateway::start(&self.data, self.door)?;
        Ok(())
    }

    /// Runs the command line and reads its JSON.
    fn command(&self, words: &[&str]) -> Result<serde_json::Value> {
        let program = repo::target_dir()?.join("release/bartizan");
        let mut command = run::program(&program.to_string_lossy());
        command.arg("--profile").arg(self.profile()).arg("--json");
        let Answer { status, stdout, .. } = run::quiet(command.args(words))?;
        let last = stdout.lines().last().unwrap_or_default();
        if !status.success() {
            bail!("`bartizan {}` failed: {last}", words.first().unwrap_or(&""));
        }
        serde_json::from_str(last).context("the command line printed no JSON")
    }

    /// What the gateway has counted.
    pub(super) fn counters(&self) -> Result<Counters> {
        let status = self.command(&["status"])?;
        let counters = status.get("counters").cloned();
        counters.map(Counters).context("the status has no counters")
    }

    /// Ends it as a service manager would, and removes its folder.
    pub(super) fn end(mut self) -> Result<()> {
        terminate(&mut self.gateway.process)?;
        remove(&self.data)
    }
}

/// The gateway's counters at one moment.
#[derive(Debug)]
pub(super) struct Counters(serde_json::Value);

impl Counters {
    /// One of them.
    pub(super) fn get(&self, name: &str) -> Result<u64> {
        let found = self.0.get(name).and_then(serde_json::Value::as_u64);
        found.with_context(|| format!("there is no counter {name}"))
    }

    /// How much one has grown since `before`.
    pub(super) fn grown(&self, name: &str, before: &Self) -> Result<u64> {
        let grown = self.get(name)?.checked_sub(before.get(name)?);
        grown.with_context(|| format!("the counter {name} went back"))
    }

    /// Pictures and sound that were lost between camera and disk since `before`.
    pub(super) fn lost(&self, before: &Self) -> Result<u64> {
        Ok(self.grown("lostFrames", before)? + self.grown("lostPackets", before)?)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn counters_only_grow() {
        let before = Counters(json!({ "frames": 5, "lostFrames": 1, "lostPackets": 0 }));
        let after = Counters(json!({ "frames": 9, "lostFrames": 2, "lostPackets": 3 }));
        assert_eq!(after.grown("frames", &before).unwrap(), 4);
        assert_eq!(after.lost(&before).unwrap(), 4);
        assert!(before.grown("frames", &after).is_err());
        assert!(after.get("bytesIn").is_err());
    }
}
