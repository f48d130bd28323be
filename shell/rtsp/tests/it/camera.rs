//! The camera of these tests: `tests/rtsp_server.py` with clips that ffmpeg makes.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use tempfile::TempDir;

const NEEDED: &str = "these tests need ffmpeg and GStreamer's RTSP server: apt-get install ffmpeg \
    python3-gi gir1.2-gst-rtsp-server-1.0 gstreamer1.0-rtsp gstreamer1.0-plugins-base \
    gstreamer1.0-plugins-good gstreamer1.0-plugins-bad gstreamer1.0-libav";

/// Seconds of a clip; 25 frames a second, a keyframe each second.
pub(crate) const CLIP_SECONDS: u32 = 3;

#[expect(
    clippy::disallowed_methods,
    reason = "tests start the tools that judge"
)]
pub(crate) fn command(program: &str) -> Command {
    Command::new(program)
}

/// Runs a tool and returns what it prints.
pub(crate) fn run(program: &str, args: &[&str]) -> String {
    let output = command(program).args(args).output();
    let output = output.unwrap_or_else(|error| panic!("{program}: {error}; {NEEDED}"));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {args:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// Which clip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Clip {
    H264,
    H264Reordered,
    H265,
    H265Reordered,
}

impl Clip {
    fn name(self) -> &'static str {
        match self {
            Self::H264 => "plain264",
            Self::H264Reordered => "reordered264",
            Self::H265 => "plain265",
            Self::H265Reordered => "reordered265",
        }
    }

    /// Bit stream filter and file name extension for raw streams.
    pub(crate) fn raw(self) -> &'static str {
        match self {
            Self::H264 | Self::H264Reordered => "h264",
            Self::H265 | Self::H265Reordered => "hevc",
        }
    }

    fn encoder(self) -> &'static [&'static str] {
        match self {
            Self::H264 => &[
                "-c:v",
                "libx264",
                "-preset",
                "ultrafast",
                "-tune",
                "zerolatency",
                "-g",
                "25",
            ],
            Self::H264Reordered => &[
                "-c:v",
                "libx264",
                "-preset",
                "ultrafast",
                "-bf",
                "2",
                "-g",
                "25",
            ],
            Self::H265 => &[
                "-c:v",
                "libx265",
                "-preset",
                "ultrafast",
                "-tag:v",
                "hvc1",
                "-x265-params",
                "log-level=none:keyint=25:min-keyint=25:bframes=0:open-gop=0",
            ],
            Self::H265Reordered => &[
                "-c:v",
                "libx265",
                "-preset",
                "ultrafast",
                "-tag:v",
                "hvc1",
                "-x265-params",
                "log-level=none:keyint=25:min-keyint=25:bframes=2:b-adapt=0:scenecut=0:open-gop=1",
            ],
        }
    }

    /// The clip's file, made once for all tests of a process.
    pub(crate) fn path(self) -> PathBuf {
        static FOLDER: OnceLock<TempDir> = OnceLock::new();
        static MADE: [OnceLock<PathBuf>; 4] = [const { OnceLock::new() }; 4];
        let folder = FOLDER.get_or_init(|| tempfile::tempdir().unwrap());
        MADE[self as usize]
            .get_or_init(|| {
                let path = folder.path().join(format!("{}.mp4", self.name()));
                make(self.encoder(), &path);
                path
            })
            .clone()
    }
}

fn make(encoder: &[&str], path: &Path) {
    let picture = format!("testsrc2=size=640x360:rate=25:duration={CLIP_SECONDS}");
    let sound = format!("sine=frequency=440:sample_rate=48000:duration={CLIP_SECONDS}");
    let mut args = vec!["-v", "error", "-y", "-f", "lavfi", "-i", &picture];
    args.extend(["-f", "lavfi", "-i", &sound, "-pix_fmt", "yuv420p"]);
    args.extend(encoder);
    args.extend([
        "-c:a",
        "aac",
        "-b:a",
        "64k",
        "-ac",
        "1",
        path.to_str().unwrap(),
    ]);
    run("ffmpeg", &args);
}

/// What ffprobe says of a clip's video: for each frame in decoding order whether it is a keyframe.
pub(crate) fn keyframes(clip: Clip) -> Vec<bool> {
    let path = clip.path();
    let args = [
        "-v",
        "error",
        "-select_streams",
        "v",
        "-show_entries",
        "packet=flags",
        "-of",
        "csv=p=0",
        path.to_str().unwrap(),
    ];
    run("ffprobe", &args)
        .lines()
        .map(|flags| flags.starts_with('K'))
        .collect()
}

/// A running server. It ends when this is dropped.
pub(crate) struct Camera {
    child: Child,
    pub(crate) urls: Vec<String>,
}

impl Camera {
    /// Serves `clips` with the server's further `options`.
    pub(crate) fn serve(clips: &[Clip], options: &[&str]) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/rtsp_server.py");
        let mut server = command("/usr/bin/python3");
        server.arg(script).args(options);
        server.args(clips.iter().map(|clip| clip.path()));
        let mut child = server
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap_or_else(|error| panic!("/usr/bin/python3: {error}; {NEEDED}"));
        let mut urls = Vec::new();
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            match line.unwrap() {
                line if line == "ready" => return Self { child, urls },
                line => urls.push(line),
            }
        }
        panic!("the camera did not start; {NEEDED}");
    }

    /// The only URL.
    pub(crate) fn url(&self) -> &str {
        &self.urls[0]
    }
}

impl Drop for Camera {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}
