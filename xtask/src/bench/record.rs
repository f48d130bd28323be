//! How much a recorder uses to record N streams: ours, or a peer's program beside it in the same run.

use std::process::Stdio;
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use serde::Serialize;

use super::figures::{MIB, ratio};
use super::load::Cameras;
use super::measure::{self, Usage};
use super::site::{self, Door, Site};
use crate::run;

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
    site::build()?;
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

/// Measures our gateway: claims it, adds the cameras as an owner would, and lets it record.
fn ours(args: &Args, urls: &[String]) -> Result<Row> {
    let site = Site::start(&site::fresh("bartizan")?, Door::Clear)?;
    run::pause(site::SETTLE / 5);
    let base = measure::usage(&[site.pid()])?;
    for (number, url) in urls.iter().enumerate() {
        site.add_camera(&format!("Camera {number}"), url)?;
    }
    run::pause(site::SETTLE);
    let (counted, before) = (site.counters()?, measure::usage(&[site.pid()])?);
    let busy = measure::machine_busy()?;
    run::pause(Duration::from_secs(args.seconds.into()));
    let used = measure::usage(&[site.pid()])? - before;
    let busy = measure::machine_busy()?.saturating_sub(busy).as_secs_f64();
    run::complain(&format!(
        "the whole machine was busy for {busy:.1} s of {} s",
        args.seconds
    ));
    let after = site.counters()?;
    let hours = f64::from(args.seconds) / 3_600.0 * f64::from(args.streams);
    // It shrinks when the oldest recordings go.
    let index = after
        .get("indexBytes")?
        .saturating_sub(counted.get("indexBytes")?);
    let mut row = row("bartizan", args, &used, &base);
    row.frames_in = Some(after.grown("frames", &counted)?);
    row.frames_lost = Some(after.lost(&counted)?);
    row.bytes_in = Some(after.grown("bytesIn", &counted)?);
    row.index_bytes_per_camera_hour = Some(ratio(index, hours));
    site.end()?;
    Ok(row)
}

/// Measures a peer, which is given everything when it starts.
fn peers(peer: &Peer, args: &Args, urls: &[String]) -> Result<Row> {
    let data = site::fresh(&peer.name)?;
    let mut command = run::program(&peer.program);
    let mut child = command
        .arg(&data)
        .args(urls)
        .stdout(Stdio::null())
        .spawn()
        .with_context(|| format!("can't start {}", peer.program))?;
    run::pause(site::SETTLE * 2);
    let before = measure::usage(&[child.id()])?;
    run::pause(Duration::from_secs(args.seconds.into()));
    let used = measure::usage(&[child.id()])? - before;
    if let Some(status) = child.try_wait()? {
        bail!("{} ended with {status} while it was measured", peer.name);
    }
    site::terminate(&mut child)?;
    site::remove(&data)?;
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
        cpu_ms_per_stream_s: ratio(used.cpu_ms, stream_seconds),
        rss_mib: ratio(used.memory_bytes, MIB),
        rss_mib_per_stream: ratio(grown, MIB * f64::from(args.streams)),
        bytes_in: None,
        bytes_written: used.written_bytes,
        index_bytes_per_camera_hour: None,
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
