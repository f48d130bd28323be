//! ffprobe and ffmpeg as judges of what the product writes: nothing of ours reads the files here.

use std::path::Path;
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
    /// Samples a second; zero for pictures.
    pub sample_rate: u64,
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
    /// How long it is shown.
    pub duration: f64,
    /// Bytes.
    pub size: u64,
    /// Whether decoding can start here.
    pub key: bool,
}

impl Account {
    /// From the first packet's time to the end of the last one, in seconds.
    pub fn seconds(&self) -> f64 {
        let start = self
            .packets
            .iter()
            .map(|packet| packet.pts)
            .fold(f64::INFINITY, f64::min);
        let end = self
            .packets
            .iter()
            .map(|packet| packet.pts + packet.duration);
        end.fold(f64::NEG_INFINITY, f64::max) - start
    }

    /// Keyframes.
    pub fn keys(&self) -> usize {
        self.packets.iter().filter(|packet| packet.key).count()
    }
}

/// What ffprobe says of stream `selector` (`v:0`, `a:0`) of `file`; `None` when there is none.
///
/// # Errors
/// ffprobe is missing, or complains about the file.
pub fn account(file: &Path, selector: &str) -> Result<Option<Account>> {
    let all = ffprobe(file, selector)?;
    let stream = &all["streams"][0];
    let Some(codec) = stream["codec_name"].as_str() else {
        return Ok(None);
    };
    let rate = stream["sample_rate"]
        .as_str()
        .and_then(|text| text.parse().ok());
    let packets = all["packets"].as_array().context("ffprobe lists packets")?;
    Ok(Some(Account {
        codec: codec.to_owned(),
        size: (
            stream["width"].as_u64().unwrap_or(0),
            stream["height"].as_u64().unwrap_or(0),
        ),
        sample_rate: rate.unwrap_or(0),
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
    let finished = judged(process::must(&mut command, LIMIT))?;
    match finished.stderr.trim() {
        "" => Ok(()),
        complaint => bail!("ffmpeg complains about {}: {complaint}", file.display()),
    }
}

/// Fingerprints of all decoded pictures of `file`, in order of presentation.
///
/// # Errors
/// ffmpeg fails.
pub fn pictures(file: &Path) -> Result<Vec<String>> {
    hashes(file, &["-map", "0:v", "-fps_mode", "passthrough"])
}

/// Fingerprints of the packets of sound of `file`, as they are stored.
///
/// # Errors
/// ffmpeg fails.
pub fn sounds(file: &Path) -> Result<Vec<String>> {
    hashes(file, &["-map", "0:a", "-c", "copy"])
}

fn hashes(file: &Path, what: &[&str]) -> Result<Vec<String>> {
    let mut command = process::command("ffmpeg");
    // Edit lists would hide packets at the start, which are what is compared.
    command
        .args(["-nostdin", "-v", "error", "-ignore_editlist", "1", "-i"])
        .arg(file);
    let finished = judged(process::must(
        command.args(what).args(["-f", "framemd5", "-"]),
        LIMIT,
    ))?;
    let text = finished.text();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    Ok(lines
        .filter_map(|line| line.rsplit(',').next())
        .map(|hash| hash.trim().to_owned())
        .collect())
}

fn judged(finished: Result<Finished>) -> Result<Finished> {
    finished.context("these tests need ffmpeg and ffprobe: apt-get install ffmpeg")
}

/// Where `part` begins in `whole` repeated without end, if it is a stretch of it.
pub fn place_in_loop(part: &[String], whole: &[String]) -> Option<usize> {
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
