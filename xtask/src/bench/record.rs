//! How much a recorder uses to record N streams: ours, or a peer's program beside it in the same run.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use serde::Serialize;

use super::load::Cameras;
use super::measure::{self, Usage};
use crate::{repo, run};

/// What to record, with what.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Streams at the same time.
    #[arg(long, default_value_t = 20)]
    streams: u32,
    /// Seconds that are measured, after the streams have settled.
    #[arg(long, default_value_t = 60)]
    seconds: u32,
    /// Another recorder: a name for the report, and a program that is given the folder to record into
    /// and then the streams' addresses; may be given again.
    #[arg(long = "peer", value_name = "NAME=PROGRAM")]
    peers: Vec<Peer>,
}

/// A recorder of others.
#[derive(Debug, Clone)]
struct Peer {
    name: String,
    program: String,
}

impl FromStr for Peer {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        match text.split_once('=') {
            Some((name, program)) if !name.is_empty() && !program.is_empty() => Ok(Self {
                name: name.to_owned(),
                program: program.to_owned(),
            }),
            _ => Err(anyhow!("a peer is NAME=PROGRAM")),
        }
    }
}

/// Streams connect, first keyframes arrive, caches fill.
const SETTLE: Duration = Duration::from_secs(10);

/// What one recorder used in the measured time, summed over all of its processes.
#[derive(Debug, Serialize)]
struct Row {
    name: String,
    streams: u32,
    seconds: u32,
    /// Pictures and sound packets that were recorded; only our recorder tells.
    frames_in: Option<u64>,
    /// Frames and packets that were lost anywhere between camera and disk.
    frames_lost: Option<u64>,
    cpu_ms_per_stream_s: f64,
    rss_mib: f64,
    /// Beyond what it takes without cameras.
    rss_mib_per_stream: f64,
    bytes_in: Option<u64>,
    bytes_written: u64,
    index_bytes_per_camera_hour: Option<f64>,
}

/// `cargo xtask bench record`.
pub(super) fn run(args: &Args) -> Result<()> {
    if args.streams == 0 || args.seconds == 0 {
        bail!("at least one stream and one second are needed");
    }
    let mut build = run::cargo([
        "build",
        "--release",
        "--locked",
        "--package",
        "bartizan-gateway",
    ]);
    run::must(build.args(["--package", "bartizan-ingest", "--package", "bartizan"]))?;
    let cameras = Cameras::start(args.streams)?;
    let mut rows = vec![ours(args, cameras.urls())?];
    for peer in &args.peers {
        rows.push(peers(peer, args, cameras.urls())?);
    }
    for row in &rows {
        run::say(&format!(
            "{}: {:.2} ms of CPU per stream-second, {:.1} MiB, {:.3} MiB per stream",
            row.name, row.cpu_ms_per_stream_s, row.rss_mib, row.rss_mib_per_stream
        ));
    }
    run::say(&serde_json::to_string(
        &serde_json::json!({ "scenario": "record", "rows": rows }),
    )?);
    Ok(())
}

/// A fresh folder for one recorder.
fn fresh(name: &str) -> Result<PathBuf> {
    let data = repo::target_dir()?.join("xtask/bench").join(name);
    if data.exists() {
        fs::remove_dir_all(&data).context("can't empty the recorder's folder")?;
    }
    fs::create_dir_all(&data).context("can't create the recorder's folder")?;
    Ok(data)
}

/// Measures our gateway: claims it, adds the cameras as an owner would, and lets it record.
fn ours(args: &Args, urls: &[String]) -> Result<Row> {
    let data = fresh("bartizan")?;
    let site = Site::start(&data)?;
    run::pause(SETTLE / 5);
    let base = measure::usage(&[site.gateway.id()])?;
    for (number, url) in urls.iter().enumerate() {
        site.command(&["camera", "add", &format!("Camera {number}"), url])?;
    }
    run::pause(SETTLE);
    let (counted, before) = (site.counters()?, measure::usage(&[site.gateway.id()])?);
    let index = Site::counter("indexBytes", &counted)?;
    let busy = measure::machine_busy()?;
    run::pause(Duration::from_secs(args.seconds.into()));
    let used = measure::usage(&[site.gateway.id()])? - before;
    let busy = measure::machine_busy()?.saturating_sub(busy).as_secs_f64();
    run::complain(&format!(
        "the whole machine was busy for {busy:.1} s of {} s",
        args.seconds
    ));
    let after = site.counters()?;
    let grown = |name| {
        Ok::<_, anyhow::Error>(Site::counter(name, &after)? - Site::counter(name, &counted)?)
    };
    let hours = f64::from(args.seconds) / 3_600.0 * f64::from(args.streams);
    let index = Site::counter("indexBytes", &after)?.saturating_sub(index);
    let mut row = row("bartizan", args, &used, &base);
    row.frames_in = Some(grown("frames")?);
    row.frames_lost = Some(grown("lostFrames")? + grown("lostPackets")?);
    row.bytes_in = Some(grown("bytesIn")?);
    row.index_bytes_per_camera_hour = Some(mega(index, hours));
    site.end()?;
    fs::remove_dir_all(&data).context("can't remove the recorder's folder")?;
    Ok(row)
}

/// Measures a peer, which is given everything when it starts.
fn peers(peer: &Peer, args: &Args, urls: &[String]) -> Result<Row> {
    let data = fresh(&peer.name)?;
    let mut command = run::program(&peer.program);
    let mut child = command
        .arg(&data)
        .args(urls)
        .stdout(Stdio::null())
        .spawn()
        .with_context(|| format!("can't start {}", peer.program))?;
    run::pause(SETTLE * 2);
    let before = measure::usage(&[child.id()])?;
    run::pause(Duration::from_secs(args.seconds.into()));
    let used = measure::usage(&[child.id()])? - before;
    if let Some(status) = child.try_wait()? {
        bail!("{} ended with {status} while it was measured", peer.name);
    }
    terminate(&mut child)?;
    fs::remove_dir_all(&data).context("can't remove the recorder's folder")?;
    Ok(row(&peer.name, args, &used, &Usage::default()))
}

fn row(name: &str, args: &Args, used: &Usage, base: &Usage) -> Row {
    let stream_seconds = f64::from(args.streams) * f64::from(args.seconds);
    let grown = used.memory_bytes.saturating_sub(base.memory_bytes);
    Row {
        name: name.to_owned(),
        streams: args.streams,
        seconds: args.seconds,
        frames_in: None,
        frames_lost: None,
        cpu_ms_per_stream_s: mega(used.cpu_ms, stream_seconds),
        rss_mib: mega(used.memory_bytes, MIB),
        rss_mib_per_stream: mega(grown, MIB * f64::from(args.streams)),
        bytes_in: None,
        bytes_written: used.written_bytes,
        index_bytes_per_camera_hour: None,
    }
}

const MIB: f64 = 1_048_576.0;

#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
fn mega(value: u64, unit: f64) -> f64 {
    value as f64 / unit
}

fn terminate(child: &mut Child) -> Result<()> {
    run::quiet(run::program("kill").args(["-TERM", &child.id().to_string()]))?;
    child.wait().context("can't wait for the recorder")?;
    Ok(())
}

/// A claimed gateway and the owner's account.
struct Site {
    gateway: Child,
    profile: PathBuf,
}

impl Site {
    fn start(data: &Path) -> Result<Self> {
        let program = repo::target_dir()?.join("release/bartizan-gateway");
        let mut command = run::program(&program.to_string_lossy());
        command.arg("run").arg("--data").arg(data.join("data"));
        command.args(["--listen", "127.0.0.1:0", "--log", "warn"]);
        let mut gateway = command
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("can't start the gateway")?;
        let stdout = gateway.stdout.take().context("standard output is piped")?;
        let (mut lines, mut link) = (BufReader::new(stdout).lines(), None);
        for line in lines.by_ref() {
            let line = line?;
            if let Some(found) = line.strip_prefix("claim: ") {
                link = Some(found.to_owned());
            }
            if line.starts_with("ready:") {
                break;
            }
        }
        // Later lines are drained, so that the gateway never blocks on a full pipe.
        drop(std::thread::spawn(move || lines.for_each(drop)));
        let site = Self {
            gateway,
            profile: data.join("profile"),
        };
        let link = link.context("the gateway printed no claim link")?;
        let recovery = data.join("recovery.txt");
        let recovery = recovery.to_string_lossy();
        site.command(&[
            "claim",
            &link,
            "--name",
            "Bench",
            "--recovery-out",
            &recovery,
        ])?;
        Ok(site)
    }

    /// Runs the command line and reads its JSON.
    fn command(&self, words: &[&str]) -> Result<serde_json::Value> {
        let program = repo::target_dir()?.join("release/bartizan");
        let mut command = run::program(&program.to_string_lossy());
        let output = command
            .arg("--profile")
            .arg(&self.profile)
            .arg("--json")
            .args(words)
            .output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        let last = text.lines().last().unwrap_or_default();
        if !output.status.success() {
            bail!("`bartizan {}` failed: {last}", words.first().unwrap_or(&""));
        }
        serde_json::from_str(last).context("the command line printed no JSON")
    }

    fn counters(&self) -> Result<serde_json::Value> {
        let status = self.command(&["status"])?;
        status
            .get("counters")
            .cloned()
            .context("the status has no counters")
    }

    fn counter(name: &str, counters: &serde_json::Value) -> Result<u64> {
        let found = counters.get(name).and_then(serde_json::Value::as_u64);
        found.with_context(|| format!("there is no counter {name}"))
    }

    /// Ends it as a service manager would.
    fn end(mut self) -> Result<()> {
        terminate(&mut self.gateway)
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        // Ended already after a good run.
        drop(self.gateway.kill());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peers_have_a_name_and_a_program() {
        let peer: Peer = "moonfire=/opt/x y".parse().unwrap();
        assert_eq!(
            (peer.name.as_str(), peer.program.as_str()),
            ("moonfire", "/opt/x y")
        );
        for text in ["moonfire", "=x", "x="] {
            assert!(text.parse::<Peer>().is_err(), "{text}");
        }
    }

    #[test]
    fn an_idle_program_uses_little() {
        let mut child = run::program("sleep").arg("30").spawn().unwrap();
        let usage = measure::usage(&[child.id()]).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(usage.cpu_ms < 1_000 && usage.processes == 1, "{usage:?}");
    }
}
