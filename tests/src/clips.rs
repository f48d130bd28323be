//! Clips for the GStreamer camera, made once by ffmpeg and kept in `target/fixtures`. The picture is real footage:
//! the street scene `vtest.avi` of Debian's `opencv-doc` (768 × 576, ten pictures a second), so that codecs
//! meet motion and noise, and every picture is different from every other.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::{process, programs};

/// Seconds of a clip.
pub const SECONDS: u32 = 20;

/// Pictures of a clip.
pub const PICTURES: usize = 200;

/// Pixels across and down.
pub const SIZE: (u64, u64) = (768, 576);

/// Where Debian puts the footage, as it is or compressed.
const FOOTAGE: [&str; 2] = [
    "/usr/share/doc/opencv-doc/examples/data/vtest.avi",
    "/usr/share/doc/opencv-doc/examples/data/vtest.avi.gz",
];

/// How long encoding may take.
const LIMIT: Duration = Duration::from_secs(200);

/// Which clip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clip {
    /// H.264, a keyframe every two seconds, AAC.
    H264,
    /// H.265, likewise.
    H265,
    /// H.264 with B-frames.
    H264Reordered,
    /// H.265 with B-frames and open groups: its keyframes are CRA pictures with leading ones.
    H265OpenGop,
}

impl Clip {
    /// The clip's name, which is also its path on the camera.
    pub const fn name(self) -> &'static str {
        match self {
            Self::H264 => "street264",
            Self::H265 => "street265",
            Self::H264Reordered => "reordered264",
            Self::H265OpenGop => "opengop265",
        }
    }

    const fn encoder(self) -> &'static str {
        match self {
            Self::H264 => "-c:v libx264 -preset veryfast -bf 0 -g 20 -sc_threshold 0 -b:v 1500k",
            Self::H264Reordered => {
                "-c:v libx264 -preset veryfast -bf 2 -b_strategy 0 -g 20 -sc_threshold 0 -b:v 1500k"
            }
            Self::H265 => {
                "-c:v libx265 -preset ultrafast -tag:v hvc1 -b:v 1000k -x265-params \
                 log-level=none:keyint=20:min-keyint=20:bframes=0:open-gop=0:scenecut=0"
            }
            Self::H265OpenGop => {
                "-c:v libx265 -preset ultrafast -tag:v hvc1 -b:v 1000k -x265-params \
                 log-level=none:keyint=20:min-keyint=20:bframes=2:b-adapt=0:open-gop=1:scenecut=0"
            }
        }
    }

    /// Its file.
    ///
    /// # Errors
    /// The footage or ffmpeg is missing; the message says what to install.
    pub fn file(self) -> Result<PathBuf> {
        let path = programs::fixtures()?.join(format!("{}.mp4", self.name()));
        if !path.exists() {
            // Another test's process may be making it: each writes its own part, and the last one stays.
            let part = path.with_extension(format!("{}.part.mp4", std::process::id()));
            encode(self.encoder(), &part)?;
            fs::rename(&part, &path).context("can't put the clip in place")?;
        }
        Ok(path)
    }
}

fn encode(encoder: &str, to: &Path) -> Result<()> {
    let seconds = SECONDS.to_string();
    let sound = format!("sine=frequency=440:beep_factor=4:sample_rate=48000:duration={seconds}");
    let mut command = process::command("ffmpeg");
    command
        .args(["-nostdin", "-y", "-v", "error", "-t", &seconds, "-i"])
        .arg(footage()?);
    command.args(["-f", "lavfi", "-i", &sound, "-map", "0:v", "-map", "1:a"]);
    command
        .args(["-pix_fmt", "yuv420p", "-r", "10"])
        .args(encoder.split_whitespace());
    command
        .args(["-c:a", "aac", "-b:a", "64k", "-ac", "1"])
        .arg(to);
    process::must(&mut command, LIMIT)
        .context("these tests need ffmpeg with libx264 and libx265")?;
    Ok(())
}

/// The footage, unpacked where the distribution compressed it.
fn footage() -> Result<PathBuf> {
    let found = FOOTAGE.iter().map(PathBuf::from).find(|path| path.exists());
    let Some(found) = found else {
        bail!("these tests need real footage: apt-get install opencv-doc");
    };
    if found.extension().is_none_or(|kind| kind != "gz") {
        return Ok(found);
    }
    let path = programs::fixtures()?.join("vtest.avi");
    if !path.exists() {
        let mut gunzip = process::command("gunzip");
        let plain = process::must(gunzip.arg("-c").arg(&found), LIMIT)?;
        fs::write(&path, plain.stdout)?;
    }
    Ok(path)
}
