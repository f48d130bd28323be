//! Cameras for measurements: a clip that is made once, and an RTSP server that loops it without encoding,
//! so that the load costs little and is the same for every recorder.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};

use super::film::Film;
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

/// Pictures a second.
pub(super) const FPS: u32 = 25;

/// 20 s of 1080p25 at a constant 4 Mbit/s with a keyframe every 2 s, and AAC at 64 kbit/s.
fn clip() -> Result<PathBuf> {
    let sound = "sine=frequency=440:beep_factor=4:sample_rate=48000:duration=20";
    made("clip-1080p25-4m.mp4", |command| {
        command.args(["-f", "lavfi", "-i", sound]);
        encode(command, 2 * FPS).args("-c:a aac -b:a 64k -ac 1".split(' '));
    })
}

/// The same pictures with a keyframe every `seconds`, in silence, taken apart; 20 must be a multiple of it.
pub(super) fn film(seconds: u32) -> Result<Film> {
    let stream = made(&format!("film-1080p25-4m-{seconds}s.h264"), |command| {
        encode(command, seconds * FPS).args(["-bsf:v", "h264_metadata=aud=insert"]);
    })?;
    Film::parse(&fs::read(stream).context("can't read the clip")?)
}

/// The clip of this name, made once. `rest` completes the encoder's command line behind the pictures.
fn made(name: &str, rest: impl FnOnce(&mut Command)) -> Result<PathBuf> {
    let path = repo::target_dir()?.join("xtask").join(name);
    if path.exists() {
        return Ok(path);
    }
    fs::create_dir_all(path.parent().context("the clip lies in a folder")?)?;
    let part = path.with_file_name(format!("part-{name}"));
    let pictures = "testsrc2=size=1920x1080:rate=25:duration=20";
    let mut command = run::program("ffmpeg");
    command.args(["-v", "error", "-y", "-f", "lavfi", "-i", pictures]);
    rest(&mut command);
    run::must(command.arg(&part))?;
    fs::rename(&part, &path).context("can't put the clip in place")?;
    Ok(path)
}

fn encode(command: &mut Command, keyframe_every: u32) -> &mut Command {
    command.args("-pix_fmt yuv420p -c:v libx264 -preset veryfast -tune zerolatency".split(' '));
    command.args("-profile:v high -level 4.0 -bf 0 -sc_threshold 0".split(' '));
    let every = keyframe_every.to_string();
    command.args(["-g", &every, "-keyint_min", &every]);
    command.args("-b:v 4M -maxrate 4M -minrate 4M -bufsize 2M".split(' '));
    command.args(["-x264-params", "nal-hrd=cbr"])
}
