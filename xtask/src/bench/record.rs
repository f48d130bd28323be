//! How much a recorder uses to record N streams: ours, or a peer's program beside it in the same run.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use serde::Serialize;

use super::load::{Cameras, free_port};
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

/// What one recorder used in the measured time.
#[derive(Debug, Serialize)]
struct Row {
    name: String,
    /// Processor time for one second of one stream.
    cpu_ms_per_stream_second: f64,
    #[serde(flatten)]
    usage: Usage,
}

#[derive(Debug, Serialize)]
struct Figures {
    scenario: &'static str,
    streams: u32,
    seconds: u32,
    rows: Vec<Row>,
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
    run::must(build.args(["--package", "bartizan-ingest"]))?;
    let cameras = Cameras::start(args.streams)?;
    let urls: Vec<_> = cameras.urls().collect();
    let mut rows = vec![measured("bartizan", args, |data| gateway(data, &urls))?];
    for peer in &args.peers {
        rows.push(measured(&peer.name, args, |data| {
            let mut command = run::program(&peer.program);
            command.arg(data).args(&urls).stdout(Stdio::null());
            command
                .spawn()
                .with_context(|| format!("can't start {}", peer.program))
        })?);
    }
    for row in &rows {
        run::say(&format!(
            "{}: {:.2} ms per stream-second, {:.1} MiB, {:.1} MB written",
            row.name,
            row.cpu_ms_per_stream_second,
            mega(row.usage.memory_bytes, 1_048_576.0),
            mega(row.usage.written_bytes, 1e6)
        ));
    }
    let (streams, seconds) = (args.streams, args.seconds);
    let figures = Figures {
        scenario: "record",
        streams,
        seconds,
        rows,
    };
    run::say(&serde_json::to_string(&figures)?);
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
fn mega(bytes: u64, unit: f64) -> f64 {
    bytes as f64 / unit
}

/// Our gateway, once it says that it is ready.
fn gateway(data: &Path, urls: &[String]) -> Result<Child> {
    let program = repo::target_dir()?.join("release/bartizan-gateway");
    let mut command = run::program(&program.to_string_lossy());
    command.arg("run").arg("--data").arg(data);
    command.args(["--listen", &format!("127.0.0.1:{}", free_port()?)]);
    for url in urls {
        command.args(["--camera", url]);
    }
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .context("can't start the gateway")?;
    let stdout = child.stdout.take().context("standard output is piped")?;
    let mut lines = BufReader::new(stdout).lines();
    if !lines.any(|line| line.is_ok_and(|line| line.starts_with("ready:"))) {
        let status = child.wait()?;
        bail!("the gateway ended with {status} before it was ready");
    }
    // Later lines are drained, so that the gateway never blocks on a full pipe.
    drop(std::thread::spawn(move || lines.for_each(drop)));
    Ok(child)
}

/// Starts a recorder in a fresh folder, lets it settle, and measures it.
fn measured(name: &str, args: &Args, start: impl FnOnce(&Path) -> Result<Child>) -> Result<Row> {
    let data = repo::target_dir()?.join("xtask/bench").join(name);
    if data.exists() {
        fs::remove_dir_all(&data).context("can't empty the recorder's folder")?;
    }
    fs::create_dir_all(&data).context("can't create the recorder's folder")?;
    let mut child = start(&data)?;
    let usage = observe(&mut child, args.seconds);
    // A recorder that ended already is reported by `observe`.
    drop(run::quiet(
        run::program("kill").args(["-TERM", &child.id().to_string()]),
    ));
    let ended = child.wait().context("can't wait for the recorder")?;
    run::complain(&format!("{name} ended with {ended}"));
    fs::remove_dir_all(&data).context("can't remove the recorder's folder")?;
    let usage = usage?;
    let stream_seconds = f64::from(args.streams) * f64::from(args.seconds);
    Ok(Row {
        name: name.to_owned(),
        cpu_ms_per_stream_second: mega(usage.cpu_ms, stream_seconds),
        usage,
    })
}

fn observe(child: &mut Child, seconds: u32) -> Result<Usage> {
    run::pause(SETTLE);
    let (before, busy) = (measure::usage(&[child.id()])?, measure::machine_busy()?);
    run::pause(Duration::from_secs(seconds.into()));
    let used = measure::usage(&[child.id()])? - before;
    let busy = measure::machine_busy()?.saturating_sub(busy);
    run::complain(&format!(
        "the whole machine was busy for {:.1} s",
        busy.as_secs_f64()
    ));
    if let Some(status) = child.try_wait()? {
        bail!("the recorder ended with {status} while it was measured");
    }
    Ok(used)
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
