//! The program as it is started: help, exit codes, and what goes where.
//!
//! Help is compared with the files in `tests/help`; with `BARTIZAN_WRITE_HELP` set they are written instead.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn bartizan(args: &[&str], profile: &Path) -> Output {
    #[expect(
        clippy::disallowed_methods,
        reason = "the test starts the program that it is about"
    )]
    let mut command = Command::new(env!("CARGO_BIN_EXE_bartizan"));
    command
        .args(args)
        .env("BARTIZAN_PROFILE", profile)
        .env("COLUMNS", "100");
    command.output().expect("the program was built")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("it prints UTF-8")
}

const COMMANDS: [&str; 20] = [
    "",
    "claim",
    "sign-in",
    "sign-out",
    "status",
    "storage",
    "camera",
    "camera add",
    "camera list",
    "camera test",
    "camera set",
    "camera remove",
    "live",
    "recordings",
    "export",
    "verify",
    "device",
    "device invite",
    "device rename",
    "device remove",
];

#[test]
fn help_is_as_reviewed() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/help");
    let tmp = tempfile::tempdir().unwrap();
    for command in COMMANDS {
        let mut args: Vec<&str> = command.split_whitespace().collect();
        args.push("--help");
        let output = bartizan(&args, tmp.path());
        assert_eq!(output.status.code(), Some(0), "{command}");
        let name = format!("bartizan {command}").trim().replace(' ', "-");
        let file = folder.join(format!("{name}.txt"));
        let help = text(&output.stdout);
        if std::env::var_os("BARTIZAN_WRITE_HELP").is_some() {
            std::fs::write(&file, &help).unwrap();
        }
        let reviewed = std::fs::read_to_string(&file).unwrap_or_default();
        assert_eq!(help, reviewed, "{name}");
    }
}

#[test]
fn wrong_usage_ends_with_64() {
    let tmp = tempfile::tempdir().unwrap();
    let ten = "2026-11-22T10:00:00Z";
    for args in [
        vec!["nonsense"],
        vec!["live", "Door"],
        vec![
            "claim",
            "not a link",
            "--name",
            "Ada",
            "--recovery-out",
            "r.txt",
        ],
        vec!["status"],
        vec!["sign-in", "http://192.168.1.1", "--recovery", "-"],
        vec!["export", "Door", "--from", ten, "--to", ten, "-o", "x.mp4"],
        vec![
            "export", "Door", "--from", "soon", "--to", "now", "-o", "x.mp4",
        ],
        vec!["camera", "add", "Door", "http://camera/"],
    ] {
        let output = bartizan(&args, tmp.path());
        assert_eq!(
            output.status.code(),
            Some(64),
            "{args:?}: {}",
            text(&output.stderr)
        );
        assert!(output.stdout.is_empty(), "{args:?}");
        assert!(!output.stderr.is_empty(), "{args:?}");
    }
}

#[test]
fn a_gateway_that_is_away_ends_with_75() {
    let tmp = tempfile::tempdir().unwrap();
    let recovery = tmp.path().join("recovery.txt");
    let words = "legal winner thank year wave sausage worth useful legal winner thank year \
        wave sausage worth useful legal winner thank year wave sausage worth title";
    std::fs::write(&recovery, format!("# words\n{words}\n")).unwrap();
    // Nobody listens on the discard port.
    let args = [
        "sign-in",
        "http://127.0.0.1:9",
        "--recovery",
        recovery.to_str().unwrap(),
        "--json",
    ];
    let output = bartizan(&args, &tmp.path().join("profile"));
    assert_eq!(output.status.code(), Some(75), "{}", text(&output.stderr));
    let stdout = text(&output.stdout);
    let value: serde_json::Value = serde_json::from_str(stdout.lines().last().unwrap()).unwrap();
    assert_eq!(value["error"]["kind"], "try-again");
    assert_eq!(value["error"]["exitCode"], 75);
    assert!(!text(&output.stderr).contains("legal winner"));
}

#[test]
fn addresses_with_passwords_are_not_repeated() {
    let tmp = tempfile::tempdir().unwrap();
    let args = ["camera", "add", "Door", "rtsp://me:hunter2@cam lan/"];
    let output = bartizan(&args, tmp.path());
    assert_eq!(output.status.code(), Some(64));
    assert!(!text(&output.stderr).contains("hunter2"));
}

#[test]
fn a_file_without_a_proof_is_told() {
    let tmp = tempfile::tempdir().unwrap();
    let file = tmp.path().join("x.mp4");
    std::fs::write(&file, b"x").unwrap();
    let output = bartizan(&["verify", file.to_str().unwrap()], tmp.path());
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("x.mp4.proof can't be read"));
    std::fs::write(tmp.path().join("x.mp4.proof"), b"rubbish").unwrap();
    let output = bartizan(&["verify", file.to_str().unwrap()], tmp.path());
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("no proof of an export"));
}
