//! What can be typed: commands, options and their help. Nothing is done here.

use std::path::PathBuf;

use bartizan_domain::text::Name;
use bartizan_domain::{Fingerprint, Hash, Rendition};
use bartizan_protocol::api::Transport;
use clap::{Args, Parser, Subcommand};
use data_encoding::HEXLOWER;

/// Bartizan: your cameras, sealed so that only your household can watch.
///
/// Start with `bartizan claim LINK`, where LINK is what the gateway prints when it starts for the first time.
#[derive(Debug, Parser)]
#[command(name = "bartizan", version, max_term_width = 100)]
#[command(
    after_help = "Exit codes: 0 done, 64 wrong usage or set-up, 75 try again later, 1 anything else;\n\
    `verify` ends with 2 when something is wrong with the recording."
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(Debug, Clone, Args)]
pub(crate) struct Global {
    /// Print one JSON object as the last line; text for people goes to standard error
    #[arg(long, global = true, help_heading = "Everywhere")]
    pub(crate) json: bool,
    /// Folder of this device's account [default: `BARTIZAN_PROFILE`, else ~/.local/share/bartizan]
    #[arg(long, global = true, value_name = "DIR", help_heading = "Everywhere")]
    pub(crate) profile: Option<PathBuf>,
}

/// What can be done.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Become the owner of a new gateway
    #[command(
        after_help = "Example:\n  bartizan claim 'http://localhost:8440/claim#t=…' --name Ada --recovery-out recovery.txt\n\n\
        Print or copy the recovery file and keep it away from the gateway: its 24 words are the only way back \
        in when all devices are lost."
    )]
    Claim(Claim),
    /// Sign this device in, by an invitation of another device or with the recovery key
    #[command(
        after_help = "Examples:\n  bartizan sign-in 'https://bartizan.local:8440/join#i=…'\n  \
        bartizan sign-in https://bartizan.local:8440 --recovery recovery.txt\n\n\
        An invitation is made by the app (Settings, Devices) or by `bartizan device invite` on a device that is signed in."
    )]
    SignIn(SignIn),
    /// Take this device off the household and forget its keys
    #[command(after_help = "Example:\n  bartizan sign-out")]
    SignOut(SignOut),
    /// Show the gateway, the household and how the cameras are doing
    #[command(after_help = "Example:\n  bartizan status")]
    Status,
    /// Show what the recordings take on the gateway's disk
    #[command(after_help = "Example:\n  bartizan storage")]
    Storage,
    /// Add, list, test, change and remove cameras
    #[command(
        subcommand,
        after_help = "Example:\n  bartizan camera add Door 'rtsp://user:password@192.168.1.20/stream1'"
    )]
    Camera(Camera),
    /// Watch a camera for some seconds, and keep it as an MP4 file
    #[command(
        after_help = "Example:\n  bartizan live Door --seconds 10 -o door.mp4\n\n\
        The file starts at the keyframe at which you join, so it may begin a little before now."
    )]
    Live(Live),
    /// Show what was recorded
    #[command(after_help = "Examples:\n  bartizan recordings Door --from 'today 14:00'\n  bartizan recordings Door --from -2h\n\n{TIMES}".replace("{TIMES}", TIMES))]
    Recordings(Recordings),
    /// Save a recording as an MP4 file with a signed proof
    #[command(after_help = "Example:\n  bartizan export Door --from 'today 14:00' --to 'today 14:15' -o door.mp4\n\n{TIMES}\n\n\
        The proof is written to door.mp4.proof; `bartizan verify door.mp4` checks both.".replace("{TIMES}", TIMES))]
    Export(Export),
    /// Check an exported file, or the recordings in a gateway's data folder
    #[command(
        after_help = "Examples:\n  bartizan verify door.mp4\n  bartizan verify /var/lib/bartizan\n\n\
        No key and no network is needed. Ends with 2 when something is wrong, and says where and what."
    )]
    Verify(Verify),
    /// List, invite, rename and remove the household's devices
    #[command(
        subcommand,
        after_help = "Example:\n  bartizan device remove 'Old phone'"
    )]
    Device(Device),
}

const TIMES: &str = "Times: RFC 3339 (2026-11-22T14:00:00Z), local times (\"2026-11-22 14:00\", \"today 14:00\",\n\
    \"yesterday 9:30\"), `now`, or how long ago (-90s, -10m, -2h, -3d).";

/// A gateway's first owner.
#[derive(Debug, Args)]
pub(crate) struct Claim {
    /// The claim link that the gateway shows, in quotes; `-` reads it from standard input
    #[arg(value_name = "LINK")]
    pub(crate) link: String,
    /// Your name, as the household sees it
    #[arg(long, value_parser = name)]
    pub(crate) name: Name,
    /// Where to write the recovery key; must not exist yet
    #[arg(long, value_name = "FILE")]
    pub(crate) recovery_out: PathBuf,
    #[command(flatten)]
    pub(crate) device: ThisDevice,
}

/// How a new device is called, and how it knows the gateway.
#[derive(Debug, Args)]
pub(crate) struct ThisDevice {
    /// What this device is called [default: the host's name]
    #[arg(long, value_name = "NAME", value_parser = name)]
    pub(crate) device_name: Option<Name>,
    /// SHA-256 of the public key of the gateway's certificate or its site CA, for https:// [default: learned now]
    #[arg(long, value_name = "SHA256", value_parser = fingerprint)]
    pub(crate) pin: Option<Fingerprint>,
}

/// The doors for a further device.
#[derive(Debug, Args)]
pub(crate) struct SignIn {
    /// An invitation link, in quotes (`-` reads it from standard input); or with --recovery, the gateway's
    /// address: https://, then its host and port
    #[arg(value_name = "LINK|URL")]
    pub(crate) link: String,
    /// The file with the 24 words; `-` reads them from standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) recovery: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) device: ThisDevice,
}

/// Leaving.
#[derive(Debug, Args)]
pub(crate) struct SignOut {
    /// Only forget the keys here; the device stays on the household's list until somebody removes it
    #[arg(long)]
    pub(crate) local: bool,
}

/// Cameras.
#[derive(Debug, Subcommand)]
pub(crate) enum Camera {
    /// Add a camera
    #[command(
        after_help = "Examples:\n  bartizan camera add Door 'rtsp://user:password@192.168.1.20/stream1'\n  bartizan camera add Door 'rtsp://door.lan/1' --sub 'rtsp://door.lan/2'\n  \
        bartizan camera add Yard 'rtsps://user:password@yard.lan/live' --certificate 3f:a1:…\n  bartizan camera add Demo synthetic:"
    )]
    Add(CameraAdd),
    /// List cameras and how they are doing
    List,
    /// Let the gateway try a camera, or an address before it is added
    #[command(
        after_help = "Examples:\n  bartizan camera test Door\n  bartizan camera test 'rtsp://user:password@192.168.1.20/stream1'"
    )]
    Test(CameraTest),
    /// Change a camera's name, addresses or retention
    #[command(
        after_help = "Examples:\n  bartizan camera set Door --retention-days 14 --retention-gb none\n  bartizan camera set Door --url 'rtsp://user:password@192.168.1.21/stream1'\n  \
        bartizan camera set Door --sub 'rtsp://user:password@192.168.1.21/stream2'\n  bartizan camera set Door --no-sub"
    )]
    Set(CameraSet),
    /// Remove a camera and its recordings
    #[command(after_help = "Example:\n  bartizan camera remove Door")]
    Remove(CameraRemove),
}

/// How the gateway speaks to a camera.
#[derive(Debug, Clone, Args)]
pub(crate) struct Source {
    /// How the camera sends: `tcp`, or `udp` for cameras that cannot do otherwise
    #[arg(long, value_name = "tcp|udp", default_value = "tcp", value_parser = transport)]
    pub(crate) transport: Transport,
    /// SHA-256 of the camera's certificate, for rtsps://
    #[arg(long, value_name = "SHA256", value_parser = fingerprint)]
    pub(crate) certificate: Option<Fingerprint>,
}

/// How long recordings stay.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Keep {
    /// Delete recordings after so many days [default: when the disk is needed]
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=36_500))]
    pub(crate) retention_days: Option<u32>,
    /// Keep at most so many gigabytes (10^9 bytes) of this camera
    #[arg(long, value_name = "GB", value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub(crate) retention_gb: Option<u64>,
}

/// A new camera.
#[derive(Debug, Args)]
pub(crate) struct CameraAdd {
    /// What the camera is called
    #[arg(value_parser = name)]
    pub(crate) name: Name,
    /// Where its main stream is: rtsp://, rtsps:// or synthetic:; `-` reads it from standard input, so that
    /// its password stands in no list of processes
    pub(crate) url: String,
    /// Where its small stream is
    #[arg(long, value_name = "URL")]
    pub(crate) sub: Option<String>,
    #[command(flatten)]
    pub(crate) source: Source,
    #[command(flatten)]
    pub(crate) keep: Keep,
}

/// A try.
#[derive(Debug, Args)]
pub(crate) struct CameraTest {
    /// A camera's name or id, or an address
    pub(crate) camera: String,
    /// Which stream of a camera
    #[arg(long, default_value = "main", value_name = "main|sub")]
    pub(crate) rendition: Rendition,
    #[command(flatten)]
    pub(crate) source: Source,
}

/// Changes.
#[derive(Debug, Args)]
pub(crate) struct CameraSet {
    /// The camera's name or id
    pub(crate) camera: String,
    /// Its new name
    #[arg(long, value_parser = name)]
    pub(crate) name: Option<Name>,
    /// Where its main stream is from now on; `-` reads it from standard input
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<String>,
    /// Where its small stream is from now on; `-` reads it from standard input
    #[arg(long, value_name = "URL")]
    pub(crate) sub: Option<String>,
    /// Record its main stream only. What was recorded of the small one stays until retention removes it
    #[arg(long, conflicts_with = "sub")]
    pub(crate) no_sub: bool,
    #[command(flatten)]
    pub(crate) source: Source,
    #[command(flatten)]
    pub(crate) keep: KeepChange,
}

/// How long recordings stay from now on; what is not given stays as it is.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct KeepChange {
    /// Delete recordings after so many days; `none`: when the disk is needed
    #[arg(long, value_name = "DAYS", value_parser = days)]
    pub(crate) retention_days: Option<Limit<u32>>,
    /// Keep at most so many gigabytes (10^9 bytes) of this camera; `none`: as the disk allows
    #[arg(long, value_name = "GB", value_parser = gigabytes)]
    pub(crate) retention_gb: Option<Limit<u64>>,
}

/// A limit, or that there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limit<T>(pub(crate) Option<T>);

/// Removal.
#[derive(Debug, Args)]
pub(crate) struct CameraRemove {
    /// The camera's name or id
    pub(crate) camera: String,
    /// Do not ask
    #[arg(long, short)]
    pub(crate) yes: bool,
}

/// Which stream of which camera.
#[derive(Debug, Args)]
pub(crate) struct Stream {
    /// The camera's name or id
    #[arg(value_name = "CAMERA")]
    pub(crate) camera: String,
    /// `main` for the best picture, `sub` for the small one
    #[arg(long, default_value = "main", value_name = "main|sub")]
    pub(crate) rendition: Rendition,
}

/// Live.
#[derive(Debug, Args)]
pub(crate) struct Live {
    #[command(flatten)]
    pub(crate) stream: Stream,
    /// How many seconds of footage
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub(crate) seconds: u32,
    /// The MP4 file to write; must not exist yet. Without it nothing is kept
    #[arg(long, short, value_name = "FILE.mp4")]
    pub(crate) output: Option<PathBuf>,
}

/// What was recorded.
#[derive(Debug, Args)]
pub(crate) struct Recordings {
    #[command(flatten)]
    pub(crate) stream: Stream,
    /// From when on
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) from: Option<String>,
    /// Until when
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) to: Option<String>,
}

/// An export.
#[derive(Debug, Args)]
pub(crate) struct Export {
    #[command(flatten)]
    pub(crate) stream: Stream,
    /// From when on; starts at the keyframe before it
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) from: String,
    /// Until when
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) to: String,
    /// The MP4 file to write; must not exist yet
    #[arg(long, short, value_name = "FILE.mp4")]
    pub(crate) output: PathBuf,
}

/// A check.
#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// An exported MP4 file, or a gateway's data folder
    #[arg(value_name = "PATH")]
    pub(crate) path: PathBuf,
    /// The household that it must be of, as `bartizan status` shows [default: this device's, if signed in]
    #[arg(long, value_name = "HASH")]
    pub(crate) household: Option<Hash>,
}

/// Devices.
#[derive(Debug, Subcommand)]
pub(crate) enum Device {
    /// List the household's devices
    List,
    /// Let a further device of yours in: shows a link that is good once, for ten minutes
    #[command(
        after_help = "Example:\n  bartizan device invite\n\nOpen the link on the new device: a phone reads the code with its camera. \
        Whoever opens it first becomes you, so show it to nobody else."
    )]
    Invite,
    /// Rename a device, by a statement that you sign: no gateway can call it anything else
    #[command(after_help = "Example:\n  bartizan device rename 'Galaxy S24' \"Mum's phone\"")]
    Rename(DeviceRename),
    /// Take a device off the household: it can do nothing any more
    #[command(after_help = "Example:\n  bartizan device remove 'Old phone'")]
    Remove(DeviceRemove),
}

/// Another name.
#[derive(Debug, Args)]
pub(crate) struct DeviceRename {
    /// The device's name or id
    #[arg(value_name = "NAME")]
    pub(crate) device: String,
    /// What it is called from now on
    #[arg(value_name = "NEW", value_parser = name)]
    pub(crate) name: Name,
}

/// Removal.
#[derive(Debug, Args)]
pub(crate) struct DeviceRemove {
    /// The device's name or id
    pub(crate) device: String,
}

fn name(text: &str) -> Result<Name, bartizan_domain::text::NameError> {
    Name::parse(text)
}

fn transport(text: &str) -> Result<Transport, &'static str> {
    match text {
        "tcp" => Ok(Transport::Tcp),
        "udp" => Ok(Transport::Udp),
        _ => Err("`tcp` or `udp` is expected"),
    }
}

fn days(text: &str) -> Result<Limit<u32>, &'static str> {
    limit(text, 1, 36_500).ok_or("days between 1 and 36500, or `none`, are expected")
}

fn gigabytes(text: &str) -> Result<Limit<u64>, &'static str> {
    limit(text, 1, 1_000_000).ok_or("gigabytes between 1 and 1000000, or `none`, are expected")
}

/// A number from `least` to `most`, or `none`.
fn limit<T: std::str::FromStr + PartialOrd + Copy>(
    text: &str,
    least: T,
    most: T,
) -> Option<Limit<T>> {
    if text == "none" {
        return Some(Limit(None));
    }
    let number = text.parse().ok()?;
    (least <= number && number <= most).then_some(Limit(Some(number)))
}

/// 64 hexadecimal digits, with or without colons as `openssl` prints them, or our own form.
fn fingerprint(text: &str) -> Result<Fingerprint, &'static str> {
    let digits: String = text.chars().filter(|c| *c != ':').collect();
    let hex = HEXLOWER.decode(digits.to_ascii_lowercase().as_bytes()).ok();
    if let Some(Ok(bytes)) = hex.map(<[u8; 32]>::try_from) {
        return Ok(Fingerprint::new(bytes));
    }
    text.parse()
        .map_err(|_opaque| "a SHA-256 is expected: 64 hexadecimal digits, with or without colons")
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn limits_are_numbers_in_range_or_none() {
        assert_eq!(days("14"), Ok(Limit(Some(14))));
        assert_eq!(gigabytes("none"), Ok(Limit(None)));
        for text in ["0", "-1", "36501", "4294967296", "", "None", "1.5"] {
            assert!(days(text).is_err(), "{text}");
        }
    }

    #[test]
    fn fingerprints_are_read_as_they_are_printed() {
        let hex = "3f".repeat(32);
        let colons = vec!["3F"; 32].join(":");
        let own = Fingerprint::new([0x3f; 32]).to_string();
        for text in [hex, colons, own] {
            assert_eq!(fingerprint(&text), Ok(Fingerprint::new([0x3f; 32])));
        }
        assert!(fingerprint("3f:3f").is_err());
    }

    #[test]
    fn times_may_begin_with_a_hyphen() {
        let line = "bartizan export Door --from -10m --to now -o x.mp4 --json";
        let cli = Cli::try_parse_from(line.split(' ')).unwrap();
        let Command::Export(export) = cli.command else {
            panic!("an export");
        };
        assert_eq!((export.from.as_str(), cli.global.json), ("-10m", true));
    }
}
