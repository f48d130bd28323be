//! Cameras for measurements: a clip that is made once, and an RTSP server that loops it without encoding,
//! so that the load costs little and is the same for every recorder.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::{repo, run};

/// The server that the system tests use, too.
const SERVER: &str = "tests/rtsp_server.py";

/// Debian's own interpreter: others lack its GStreamer bindings.
const PYTHON: &str = "/usr/bin/python3";

/// How long the server may take to listen.
const START: Duration = Duration::from_secs(20);

/// A running server; it ends when this is dropped.
#[derive(Debug)]
pub(super) struct Cameras {
    server: Child,
    port: u16,
    count: u32,
}

impl Cameras {
    /// Starts `count` cameras on a free port of this machine.
    pub(super) fn start(count: u32) -> Result<Self> {
        let clip = clip()?;
        let port = free_port()?;
        let mut command = run::program(PYTHON);
        command
            .arg(SERVER)
            .args(["--port", &port.to_string(), "--n", &count.to_string()]);
        let server = command
            .arg(clip)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .with_context(|| format!("can't start {SERVER}"))?;
        let mut cameras = Self {
            server,
            port,
            count,
        };
        cameras.wait()?;
        Ok(cameras)
    }

    /// The cameras' addresses.
    pub(super) fn urls(&self) -> impl Iterator<Item = String> {
        (0..self.count).map(|number| format!("rtsp://127.0.0.1:{}/cam{number}", self.port))
    }

    fn wait(&mut self) -> Result<()> {
        let watch = run::Stopwatch::start();
        while watch.elapsed() < START {
            if let Some(status) = self.server.try_wait()? {
                bail!("{SERVER} ended with {status}");
            }
            if TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                return Ok(());
            }
            run::pause(Duration::from_millis(100));
        }
        bail!("{SERVER} does not listen after {} s", START.as_secs())
    }
}

impl Drop for Cameras {
    fn drop(&mut self) {
        // It may have ended by itself; there is nothing left to do about it here.
        drop(self.server.kill());
        drop(self.server.wait());
    }
}

/// A port that nobody listens on now.
pub(super) fn free_port() -> Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("can't bind a loopback port")?;
    Ok(listener.local_addr()?.port())
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
