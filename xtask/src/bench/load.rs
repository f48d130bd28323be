//! Cameras for measurements: a clip that is made once, and an RTSP server that loops it without encoding,
//! so that the load costs little and is the same for every recorder.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Stdio};

use anyhow::{Context, Result, bail};

use crate::{repo, run};

/// The server that the system tests use, too.
const SERVER: &str = "tests/rtsp_server.py";

/// Debian's own interpreter: others lack its GStreamer bindings.
const PYTHON: &str = "/usr/bin/python3";

/// A running server; it ends when this is dropped.
#[derive(Debug)]
pub(super) struct Cameras {
    server: Child,
    urls: Vec<String>,
}

impl Cameras {
    /// Starts `count` cameras on a free port of this machine.
    pub(super) fn start(count: u32) -> Result<Self> {
        let clip = clip()?;
        let mut command = run::program(PYTHON);
        command
            .arg(SERVER)
            .args(["--port", "0", "--n", &count.to_string()])
            .arg(clip);
        let server = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("can't start {SERVER}"))?;
        let mut cameras = Self {
            server,
            urls: Vec::new(),
        };
        cameras.wait()?;
        Ok(cameras)
    }

    /// The cameras' addresses.
    pub(super) fn urls(&self) -> &[String] {
        &self.urls
    }

    /// Reads the addresses that the server prints, up to its last line, `ready`.
    fn wait(&mut self) -> Result<()> {
        let stdout = self
            .server
            .stdout
            .take()
            .context("standard output is piped")?;
        for line in BufReader::new(stdout).lines() {
            match line? {
                ready if ready == "ready" => return Ok(()),
                url => self.urls.push(url),
            }
        }
        let status = self.server.wait()?;
        bail!("{SERVER} ended with {status}")
    }
}

impl Drop for Cameras {
    fn drop(&mut self) {
        // It may have ended by itself; there is nothing left to do about it here.
        drop(self.server.kill());
        drop(self.server.wait());
    }
}

/// 20 s of 1080p25 at a constant 4 Mbit/s with a keyframe every 2 s, and AAC at 64 kbit/s.
fn clip() -> Result<PathBuf> {
    let path = repo::target_dir()?.join("xtask/clip-1080p25-4m.mp4");
    if path.exists() {
        return Ok(path);
    }
    fs::create_dir_all(path.parent().context("the clip lies in a folder")?)?;
    let part = path.with_extension("part.mp4");
    let inputs = [
        "testsrc2=size=1920x1080:rate=25:duration=20",
        "sine=frequency=440:beep_factor=4:sample_rate=48000:duration=20",
    ];
    let mut command = run::program("ffmpeg");
    command.args(["-v", "error", "-y"]);
    for input in inputs {
        command.args(["-f", "lavfi", "-i", input]);
    }
    command.args("-pix_fmt yuv420p -c:v libx264 -preset veryfast -tune zerolatency".split(' '));
    command
        .args("-profile:v high -level 4.0 -bf 0 -g 50 -keyint_min 50 -sc_threshold 0".split(' '));
    command.args("-b:v 4M -maxrate 4M -minrate 4M -bufsize 2M".split(' '));
    command.args("-x264-params nal-hrd=cbr -c:a aac -b:a 64k -ac 1".split(' '));
    run::must(command.arg(&part))?;
    fs::rename(&part, &path).context("can't put the clip in place")?;
    Ok(path)
}
