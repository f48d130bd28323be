//! A running gateway: supervisor, recorder (`bartizan-gateway serve`) and sealer (`bartizan-ingest`), with its
//! data in a folder of its own. The harness knows of them what `ps` shows: it kills, it asks `/health`, it reads
//! what they log.

use std::ffi::OsString;
use std::fs;
use std::net::TcpListener;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::Signal;
use tempfile::TempDir;

use crate::api;
use crate::process::{self, Background};
use crate::programs;
use crate::wait;

/// How long a gateway may take until it serves. Debug builds on a busy machine are slow.
pub const START: Duration = Duration::from_secs(40);

/// How long it may take to end.
pub const STOP: Duration = Duration::from_secs(25);

/// How a gateway is started.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Cameras that are offered to the owner.
    pub cameras: Vec<String>,
    /// MiB that are always left free.
    pub keep_free_mib: u64,
    /// Log level.
    pub log: &'static str,
    /// Where the data goes; a fresh folder when absent.
    pub data: Option<PathBuf>,
    /// Another ingest program.
    pub ingest: Option<PathBuf>,
    /// Further variables of the environment.
    pub env: Vec<(OsString, OsString)>,
    /// What stands in front of the command, as `ip netns exec home`.
    pub within: Vec<OsString>,
    /// Where it listens; a free port of loopback when absent.
    pub listen: Option<String>,
    /// Further arguments.
    pub arguments: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            cameras: Vec::new(),
            keep_free_mib: 512,
            log: "debug",
            data: None,
            ingest: None,
            env: Vec::new(),
            within: Vec::new(),
            listen: None,
            arguments: Vec::new(),
        }
    }
}

impl Settings {
    /// A gateway that offers these cameras.
    pub fn with_cameras<T: Into<String>>(cameras: impl IntoIterator<Item = T>) -> Self {
        let cameras = cameras.into_iter().map(Into::into).collect();
        Self {
            cameras,
            ..Self::default()
        }
    }
}

/// Which of the three processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// API and recorder.
    Serve,
    /// The sealer.
    Ingest,
}

/// Process ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pids {
    /// The one that was started.
    pub supervisor: u32,
    /// API and recorder.
    pub serve: u32,
    /// The sealer.
    pub ingest: u32,
}

impl Pids {
    /// The one of `role`.
    pub const fn of(self, role: Role) -> u32 {
        match role {
            Role::Serve => self.serve,
            Role::Ingest => self.ingest,
        }
    }
}

/// A running gateway. It is ended when this is dropped.
#[derive(Debug)]
pub struct Gateway {
    settings: Settings,
    data: PathBuf,
    port: u16,
    process: Option<Background>,
    /// What earlier runs said.
    said: Vec<String>,
    /// Removed with everything in it when the gateway is dropped.
    _folder: Option<TempDir>,
}

impl Gateway {
    /// Starts one and waits until it serves.
    ///
    /// # Errors
    /// It does not; the message holds its log.
    pub fn start(settings: Settings) -> Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("bartizan-test-")
            .tempdir()?;
        let data = settings
            .data
            .clone()
            .unwrap_or_else(|| folder.path().join("data"));
        let mut gateway = Self {
            settings,
            data,
            port: free_port()?,
            process: None,
            said: Vec::new(),
            _folder: Some(folder),
        };
        gateway.begin()?;
        Ok(gateway)
    }

    /// Starts it again where it was, with the same data and port.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn begin(&mut self) -> Result<()> {
        self.said = self.log();
        self.process = None;
        let program = programs::find(programs::GATEWAY)?;
        let mut command = process::command_within(&self.settings.within, program);
        command.arg("run").arg("--data").arg(&self.data);
        let listen = self.settings.listen.clone();
        let listen = listen.unwrap_or_else(|| format!("127.0.0.1:{}", self.port));
        command
            .args(["--listen", &listen])
            .args(&self.settings.arguments);
        command.args(["--log", self.settings.log]);
        command.args(["--keep-free", &self.settings.keep_free_mib.to_string()]);
        for camera in &self.settings.cameras {
            command.args(["--camera", camera]);
        }
        if let Some(ingest) = &self.settings.ingest {
            command.arg("--ingest").arg(ingest);
        }
        command.envs(self.settings.env.iter().map(|(name, value)| (name, value)));
        let mut process = Background::start(&mut command)?;
        let ready = wait::until(START, "the gateway serves", || {
            let gone = process.ended().is_ok_and(|ended| ended.is_some());
            (gone || process.stdout().find(0, "ready: ").is_some()).then_some(gone)
        });
        let log = process.stderr().clone();
        if !matches!(ready, Ok(false)) {
            bail!("the gateway does not start:\n{}", log.all().join("\n"));
        }
        self.process = Some(process);
        Ok(())
    }

    fn process(&self) -> Result<&Background> {
        self.process.as_ref().context("the gateway was stopped")
    }

    /// The port that it serves on, unless the settings say where it listens.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Its data folder.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// The claim link, while it has no owner.
    ///
    /// # Errors
    /// It shows none.
    pub fn claim_link(&self) -> Result<String> {
        let link = self.process()?.stdout().find(0, "claim: ");
        link.context("the gateway shows no claim link")
    }

    /// Everything that it printed and logged, supervisor and children together, in all its runs.
    pub fn log(&self) -> Vec<String> {
        let lines =
            |process: &Background| [process.stdout().all(), process.stderr().all()].concat();
        let now = self.process.as_ref().map(lines).unwrap_or_default();
        [self.said.clone(), now].concat()
    }

    /// The processes now.
    ///
    /// # Errors
    /// One of them is not there at this moment.
    pub fn pids(&self) -> Result<Pids> {
        let supervisor = self.process()?.pid();
        let children = children(supervisor)?;
        let find = |prefix: &str| {
            let found = children.iter().find(|(_, name)| name.starts_with(prefix));
            found.map(|(pid, _)| *pid)
        };
        Ok(Pids {
            supervisor,
            serve: find("bartizan-g").context("no recorder runs")?,
            // A wrapper's name may stand there for a moment: it is not the recorder's.
            ingest: find("bartizan-i").context("no sealer runs")?,
        })
    }

    /// Kills one process as a crash does (SIGKILL), and says when.
    ///
    /// # Errors
    /// It does not run.
    pub fn kill(&self, role: Role) -> Result<bartizan_domain::UtcMillis> {
        let pid = self.pids()?.of(role);
        process::signal(pid, Signal::KILL)?;
        // Behind the signal: a test that had to wait for the processor before it would else blame the product.
        Ok(wait::now())
    }

    /// Waits until a process of `role` runs that is not `old`, and the API answers.
    ///
    /// # Errors
    /// It does not come back.
    pub fn wait_for_new(&self, role: Role, old: u32) -> Result<u32> {
        let new = wait::until(START, "a killed process is started again", || {
            self.pids()
                .ok()
                .map(|pids| pids.of(role))
                .filter(|pid| *pid != old)
        })?;
        wait::until(START, "the API answers again", || {
            api::get(self.port, "/api/v1/health")
                .ok()
                .filter(|answer| answer.status == 200)
        })?;
        Ok(new)
    }

    /// The end of its log, without the database's own remarks: for messages of tests that fail.
    pub fn last_words(&self) -> String {
        let mut lines = self.log();
        lines.retain(|line| !line.contains("sqlx::"));
        lines.split_off(lines.len().saturating_sub(40)).join("\n")
    }

    /// Asks it to end and waits. The data stays until this is dropped.
    ///
    /// # Errors
    /// It does not end by itself, or not with exit code 0.
    pub fn stop(&mut self) -> Result<()> {
        let mut process = self.process.take().context("the gateway was stopped")?;
        let status = process.stop(STOP);
        self.said
            .extend([process.stdout().all(), process.stderr().all()].concat());
        let status = status?;
        if status.success() {
            return Ok(());
        }
        bail!(
            "the gateway ended with {status}:\n{}",
            process.stderr().all().join("\n")
        )
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            // Its children follow it; how it ends is not what is tested here.
            drop(process.stop(STOP));
        }
    }
}

/// Ports below those that Linux gives to clients (ip(7), `ip_local_port_range`): no connection of another test takes one
/// of them before its server does.
const PORTS: Range<u16> = 20_000..32_000;

/// How far the ports of two processes begin apart, which is more than one asks for.
const PORTS_APART: u32 = 97;

/// A port that nobody listens on at this moment. Each call of each process gives another one.
///
/// # Errors
/// There is none.
pub fn free_port() -> Result<u16> {
    static ASKED: AtomicU16 = AtomicU16::new(0);
    let count = PORTS.end - PORTS.start;
    let own = std::process::id().wrapping_mul(PORTS_APART) % u32::from(count);
    let own = u16::try_from(own)?;
    let mut tries = (0..count).map(|_| {
        let asked = ASKED.fetch_add(1, Ordering::Relaxed) % count;
        PORTS.start + (own + asked) % count
    });
    let free = tries.find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok());
    free.context("no port is free")
}

/// Process ids and names of the children of `parent`.
fn children(parent: u32) -> Result<Vec<(u32, String)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")?.flatten() {
        let pid = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse::<u32>().ok());
        let stat = fs::read_to_string(entry.path().join("stat")).ok();
        if let (Some(pid), Some((name, of))) = (pid, stat.as_deref().and_then(name_and_parent))
            && of == parent
        {
            found.push((pid, name));
        }
    }
    found.sort();
    Ok(found)
}

/// Of a line of `/proc/PID/stat`: the name stands in brackets and may hold any.
fn name_and_parent(stat: &str) -> Option<(String, u32)> {
    let (front, back) = stat.rsplit_once(')')?;
    let (_, name) = front.split_once('(')?;
    let parent = back.split_whitespace().nth(1)?.parse().ok()?;
    Some((name.to_owned(), parent))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_does_not_shift_the_fields() {
        let found = name_and_parent("7 (a) b) S 5 7 7 0");
        assert_eq!(found, Some(("a) b".to_owned(), 5)));
    }

    #[test]
    fn each_asks_for_ports_of_its_own() {
        let ports = [free_port().unwrap(), free_port().unwrap()];
        assert_ne!(ports[0], ports[1]);
        assert!(ports.iter().all(|port| PORTS.contains(port)));
    }

    #[test]
    fn own_children_are_found() {
        let mut sleeper = Background::start(process::command("sleep").arg("20")).unwrap();
        let children = children(std::process::id()).unwrap();
        assert!(
            children
                .iter()
                .any(|(pid, name)| *pid == sleeper.pid() && name == "sleep")
        );
        sleeper.stop(Duration::from_secs(5)).unwrap();
    }
}
