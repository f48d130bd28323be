//! `ffmpeg` and `ffprobe` as witnesses.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

/// One packet as ffprobe sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Packet {
    pub(crate) pts: i64,
    pub(crate) dts: i64,
    pub(crate) duration: i64,
    pub(crate) size: usize,
    pub(crate) key: bool,
}

/// Runs `ffmpeg` with `args`, all of which must go well, and returns what it writes to its output.
pub(crate) fn ffmpeg<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Vec<u8> {
    let mut command = command("ffmpeg");
    command.args(["-nostdin", "-y", "-v", "error"]).args(args);
    let output = run(command);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "ffmpeg failed: {complaint}");
    output.stdout
}

/// All of `file` is decoded without a single complaint.
pub(crate) fn decodes_without_complaint(file: &Path) {
    let mut command = command("ffmpeg");
    command.args(["-nostdin", "-v", "error", "-xerror", "-i"]);
    command.arg(file).args(["-f", "null", "-"]);
    let output = run(command);
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert!(output.status.success());
}

/// MD5 of each decoded picture of `file`, with its times.
pub(crate) fn pictures(file: &Path) -> String {
    let args = ["-i".as_ref(), file.as_os_str()];
    let rest = ["-map", "0:v", "-vsync", "0", "-f", "framemd5", "-"].map(OsStr::new);
    String::from_utf8(ffmpeg(args.into_iter().chain(rest))).unwrap()
}

/// ffprobe's account of stream `selector` (`v:0`, `a:0`) of `file`.
pub(crate) fn stream(file: &Path, selector: &str) -> Value {
    let mut all = probe(file, selector, "-show_streams");
    all["streams"][0].take()
}

/// ffprobe's account of every packet of stream `selector`.
pub(crate) fn packets(file: &Path, selector: &str) -> Vec<Packet> {
    let mut all = probe(file, selector, "-show_packets");
    let packets = all["packets"].take();
    let list = packets.as_array().expect("ffprobe lists packets").iter();
    list.map(|packet| Packet {
        pts: packet["pts"].as_i64().unwrap_or(i64::MIN),
        dts: packet["dts"].as_i64().unwrap_or(i64::MIN),
        duration: packet["duration"].as_i64().unwrap_or(0),
        size: packet["size"].as_str().unwrap().parse().unwrap(),
        key: packet["flags"].as_str().unwrap().starts_with('K'),
    })
    .collect()
}

fn probe(file: &Path, selector: &str, what: &str) -> Value {
    let mut command = command("ffprobe");
    command.args([
        "-v",
        "error",
        "-of",
        "json",
        "-select_streams",
        selector,
        what,
    ]);
    command.arg(file);
    let output = run(command);
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    serde_json::from_slice(&output.stdout).expect("ffprobe writes JSON")
}

#[expect(
    clippy::disallowed_methods,
    reason = "the test asks other programs about our files"
)]
fn command(program: &str) -> Command {
    Command::new(program)
}

fn run(mut command: Command) -> Output {
    let program = command.get_program().to_owned();
    command.output().unwrap_or_else(|err| {
        panic!(
            "these tests need {}: install ffmpeg ({err})",
            program.display()
        )
    })
}
