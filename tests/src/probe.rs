//! ffprobe and ffmpeg as judges of what the product writes: nothing of ours reads the files here.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::process::{self, Finished};

/// How long a judge may take.
const LIMIT: Duration = Duration::from_mins(2);

/// One track of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Account {
    /// `h264`, `hevc`, `aac`, `pcm_mulaw` and so on.
    pub codec: String,
    /// Pixels across and down; zero for sound.
    pub size: (u64, u64),
    /// How long it lasts.
    pub seconds: f64,
    /// Pictures a second on the average, as a fraction (`10/1`).
    pub rate: String,
    /// Samples a second; zero for pictures.
    pub sample_rate: u64,
    /// Channels of sound; zero for pictures.
    pub channels: u64,
    /// Profile and level of the codec, as far as it has any.
    pub profile: (String, i64),
    /// How pixels are stored (`yuv420p`); empty for sound.
    pub pixels: String,
    /// Of every packet, in decoding order.
    pub packets: Vec<Packet>,
}

/// One packet; times in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Packet {
    /// Presentation time.
    pub pts: f64,
    /// Decoding time.
    pub dts: f64,
    /// How long it is shown; ffprobe takes a late start of the track off the last one's.
    pub duration: f64,
    /// Bytes.
    pub size: u64,
    /// Whether decoding can start here.
    pub key: bool,
}

impl Account {
    /// What kind of picture it is: codec, profile and level, size, and how pixels are stored.
    pub fn looks(&self) -> (&str, &(String, i64), (u64, u64), &str) {
        (&self.codec, &self.profile, self.size, &self.pixels)
    }
}

/// What ffprobe says of stream `selector` (`v:0`, `a:0`) of `file`; `None` when there is none.
///
/// # Errors
/// ffprobe is missing, or has a complaint about the file, however small.
pub fn account(file: &Path, selector: &str) -> Result<Option<Account>> {
    let all = ffprobe(file, selector)?;
    let stream = &all["streams"][0];
    let Some(codec) = stream["codec_name"].as_str() else {
        return Ok(None);
    };
    let text = |name: &str| stream[name].as_str().unwrap_or_default().to_owned();
    let count = |name: &str| stream[name].as_u64().unwrap_or(0);
    let packets = all["packets"].as_array().context("ffprobe lists packets")?;
    Ok(Some(Account {
        codec: codec.to_owned(),
        size: (count("width"), count("height")),
        seconds: text("duration").parse().unwrap_or(f64::NAN),
        rate: text("avg_frame_rate"),
        sample_rate: text("sample_rate").parse().unwrap_or(0),
        channels: count("channels"),
        profile: (text("profile"), stream["level"].as_i64().unwrap_or(0)),
        pixels: text("pix_fmt"),
        packets: packets.iter().map(packet).collect(),
    }))
}

/// What ffprobe says of the picture of `file`.
///
/// # Errors
/// As [`account`], or there is no picture.
pub fn picture(file: &Path) -> Result<Account> {
    account(file, "v:0")?.with_context(|| format!("{} has no picture", file.display()))
}

fn packet(value: &Value) -> Packet {
    let seconds = |name: &str| value[name].as_str().and_then(|text| text.parse().ok());
    Packet {
        pts: seconds("pts_time").unwrap_or(f64::NAN),
        dts: seconds("dts_time").unwrap_or(f64::NAN),
        duration: seconds("duration_time").unwrap_or(0.0),
        size: value["size"]
            .as_str()
            .and_then(|text| text.parse().ok())
            .unwrap_or(0),
        key: value["flags"]
            .as_str()
            .is_some_and(|flags| flags.starts_with('K')),
    }
}

fn ffprobe(file: &Path, selector: &str) -> Result<Value> {
    let mut command = process::command("ffprobe");
    command.args([
        "-v",
        "error",
        "-of",
        "json",
        "-show_streams",
        "-show_packets",
    ]);
    command.args(["-select_streams", selector]).arg(file);
    let finished = judged(process::must(&mut command, LIMIT))?;
    silent(&finished, file)?;
    serde_json::from_slice(&finished.stdout).context("ffprobe writes JSON")
}

/// Decodes all of `file`.
///
/// # Errors
/// ffmpeg has a complaint, however small.
pub fn decodes(file: &Path) -> Result<()> {
    let mut command = process::command("ffmpeg");
    command
        .args(["-nostdin", "-v", "error", "-xerror", "-i"])
        .arg(file);
    // Pictures as they are: none is doubled or left out to keep a rate.
    command.args([
        "-fps_mode",
        "passthrough",
        "-enc_time_base",
        "-1",
        "-f",
        "null",
        "-",
    ]);
    silent(&judged(process::must(&mut command, LIMIT))?, file)
}

fn silent(judge: &Finished, file: &Path) -> Result<()> {
    match judge.stderr.trim() {
        "" => Ok(()),
        complaint => bail!("a complaint about {}: {complaint}", file.display()),
    }
}

/// Fingerprints of all decoded pictures of `file`, in order of presentation.
///
/// # Errors
/// ffmpeg fails.
pub fn pictures(file: &Path) -> Result<Vec<String>> {
    let mut command = reader(file);
    command.args([
        "-map",
        "0:v",
        "-fps_mode",
        "passthrough",
        "-f",
        "framemd5",
        "-",
    ]);
    let text = judged(process::must(&mut command, LIMIT))?.text();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    Ok(lines
        .filter_map(|line| line.rsplit(',').next())
        .map(|hash| hash.trim().to_owned())
        .collect())
}

/// All packets of sound of `file`, as they are stored and one behind the other.
///
/// # Errors
/// ffmpeg fails.
pub fn sound_bytes(file: &Path) -> Result<Vec<u8>> {
    let mut command = reader(file);
    command.args(["-map", "0:a", "-c", "copy", "-f", "data", "-"]);
    Ok(judged(process::must(&mut command, LIMIT))?.stdout)
}

/// ffmpeg about to read `file`. Edit lists would hide packets at the start, which are what is compared.
fn reader(file: &Path) -> Command {
    let mut command = process::command("ffmpeg");
    command
        .args(["-nostdin", "-v", "error", "-ignore_editlist", "1", "-i"])
        .arg(file);
    command
}

fn judged(finished: Result<Finished>) -> Result<Finished> {
    finished.context("these tests need ffmpeg and ffprobe: apt-get install ffmpeg")
}

/// Where `part` begins in `whole` repeated without end, if it is a stretch of it.
pub fn place_in_loop<T: PartialEq>(part: &[T], whole: &[T]) -> Option<usize> {
    let fits = |start: &usize| {
        let looped = whole.iter().cycle().skip(*start);
        part.iter().zip(looped).all(|(own, theirs)| own == theirs)
    };
    (0..whole.len()).find(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stretch_is_found_across_the_seam_of_a_loop() {
        let texts = |text: &str| text.chars().map(String::from).collect::<Vec<_>>();
        assert_eq!(place_in_loop(&texts("deab"), &texts("abcde")), Some(3));
        assert_eq!(place_in_loop(&texts("deac"), &texts("abcde")), None);
    }
}
