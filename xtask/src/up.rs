//! A gateway from the sources, in the foreground: builds it and becomes it, so that its output, signals
//! and exit code are the caller's own. What the gateway then does is its business.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, anyhow};

use crate::provision::{self, Purpose};
use crate::{repo, run, web};

/// How the gateway runs.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A camera's RTSP or RTSPS address; may be given again. Without one, a synthetic camera is used.
    #[arg(long = "camera", value_name = "URL", default_value = "synthetic:")]
    cameras: Vec<String>,
    /// Where recordings and keys are kept [default: the folder `data` of the repository]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The port on this machine.
    #[arg(long, default_value_t = 8440)]
    port: u16,
    /// Serves the home network too, with TLS, under a name that phones there find. Without it, this machine only.
    #[arg(long)]
    lan: bool,
    /// The name on the home network; may be given again [default: bartizan.local]
    #[arg(long = "name", value_name = "HOST", requires = "lan")]
    names: Vec<String>,
    /// One JSON object per line instead of text.
    #[arg(long)]
    json: bool,
}

/// `cargo xtask up`: returns only when the gateway could not be started.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    provision::ensure(Purpose::Up)?;
    web::build()?;
    let mut build = run::cargo(["build", "--locked", "--package", "bartizan-gateway"]);
    run::must(build.args(["--package", "bartizan-ingest", "--package", "bartizan"]))?;
    let program = repo::target_dir()?.join("debug/bartizan-gateway");
    let error = gateway(&program, args)?.exec();
    Err(anyhow!(error)).with_context(|| format!("can't start {}", program.display()))
}

/// The gateway's command line. It runs where the caller stands, so that relative paths are the caller's.
fn gateway(program: &Path, args: &Args) -> Result<Command> {
    let here = std::env::current_dir().context("can't see the current folder")?;
    let data = args
        .data
        .as_ref()
        .map_or_else(|| repo::root().join("data"), |data| here.join(data));
    let mut command = run::program(&program.to_string_lossy());
    command
        .current_dir(&here)
        .arg("run")
        .arg("--data")
        .arg(data);
    let address = if args.lan { "0.0.0.0" } else { "127.0.0.1" };
    command
        .arg("--listen")
        .arg(format!("{address}:{}", args.port));
    for name in &args.names {
        command.args(["--name", name]);
    }
    // Not as arguments: a URL may hold a password, and every user of the machine can list arguments.
    command.env("BARTIZAN_CAMERAS", args.cameras.join(" "));
    command.args(args.json.then_some("--json"));
    Ok(command)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(flatten)]
        args: Args,
    }

    fn words(line: &[&str]) -> (Vec<String>, String) {
        let args = Cli::parse_from([&["up"], line].concat()).args;
        let command = gateway(Path::new("gateway"), &args).unwrap();
        let text = |word: &std::ffi::OsStr| word.to_string_lossy().into_owned();
        let cameras = command
            .get_envs()
            .find(|(name, _)| *name == "BARTIZAN_CAMERAS");
        let cameras = cameras.and_then(|(_, value)| value).map(text);
        (command.get_args().map(text).collect(), cameras.unwrap())
    }

    #[test]
    fn a_synthetic_camera_is_the_default() {
        let (words, cameras) = words(&[]);
        assert_eq!(words[3..], ["--listen", "127.0.0.1:8440"]);
        assert!(words[2].ends_with("/data"));
        assert_eq!(cameras, "synthetic:");
    }

    #[test]
    fn the_home_network_is_served_only_when_asked_for() {
        let (words, _) = words(&["--lan", "--name", "door.local"]);
        assert_eq!(
            words[3..],
            ["--listen", "0.0.0.0:8440", "--name", "door.local"]
        );
        assert!(Cli::try_parse_from(["up", "--name", "door.local"]).is_err());
    }

    #[test]
    fn given_cameras_replace_the_default_and_are_no_arguments() {
        let line = [
            "--camera",
            "rtsp://u:secret@a/",
            "--camera",
            "rtsp://b/",
            "--port",
            "1",
            "--json",
        ];
        let (words, cameras) = words(&line);
        assert_eq!(words[4..], ["127.0.0.1:1", "--json"]);
        assert_eq!(cameras, "rtsp://u:secret@a/ rtsp://b/");
        assert!(!words.iter().any(|word| word.contains("secret")));
    }
}
