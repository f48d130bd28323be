//! How tasks start programs, print, and end: the only place of this crate that touches any of the
//! three. It decides nothing about what is run.

use std::fmt;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};

use crate::repo;

/// Something that the machine lacks today (sysexits `EX_TEMPFAIL`).
pub(crate) const EXIT_TRY_AGAIN: u8 = 75;

/// An error that ends the task with an exit code of its own.
#[derive(Debug)]
pub(crate) struct Stop {
    code: u8,
    message: String,
}

impl Stop {
    /// The machine lacks something; `message` says what to do.
    pub(crate) fn try_again(message: impl Into<String>) -> anyhow::Error {
        let (code, message) = (EXIT_TRY_AGAIN, message.into());
        Self { code, message }.into()
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Stop {}

/// The exit code that `error` asks for, else 1.
pub(crate) fn exit_code_of(error: &anyhow::Error) -> u8 {
    error.downcast_ref::<Stop>().map_or(1, |stop| stop.code)
}

/// One line on standard output.
#[expect(clippy::print_stdout, reason = "a task's output is its purpose")]
pub(crate) fn say(line: &str) {
    println!("{line}");
}

/// One line on standard error.
#[expect(clippy::print_stderr, reason = "a task's output is its purpose")]
pub(crate) fn complain(line: &str) {
    eprintln!("{line}");
}

/// Measures how long a task takes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts now.
    #[expect(clippy::disallowed_methods, reason = "tasks measure themselves")]
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    /// Time since the start.
    pub(crate) fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}

/// Waits, for a program that is being started or measured.
#[expect(clippy::disallowed_methods, reason = "a task waits for other programs")]
pub(crate) fn pause(span: Duration) {
    thread::sleep(span);
}

/// A program, started in the root of the repository. Words reach it as they are: no shell is between.
#[expect(
    clippy::disallowed_methods,
    reason = "starting programs is a task's job"
)]
pub(crate) fn program(name: &str) -> Command {
    let mut command = Command::new(name);
    command.current_dir(repo::root());
    command
}

/// Cargo, as it was called itself.
pub(crate) fn cargo<'a>(words: impl IntoIterator<Item = &'a str>) -> Command {
    let mut command = program("cargo");
    command.args(words);
    command
}

/// The command as a person would type it.
pub(crate) fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
    words.join(" ")
}

/// Runs `command` with our own standard streams.
pub(crate) fn status(command: &mut Command) -> Result<ExitStatus> {
    complain(&format!("$ {}", shown(command)));
    command
        .status()
        .with_context(|| format!("can't start `{}`", shown(command)))
}

/// Runs `command` with our own standard streams; anything but success is an error.
pub(crate) fn must(command: &mut Command) -> Result<()> {
    let status = status(command)?;
    if status.success() {
        return Ok(());
    }
    bail!("`{}` ended with {status}", shown(command))
}

/// What a program answered.
#[derive(Debug)]
pub(crate) struct Answer {
    /// How it ended.
    pub(crate) status: ExitStatus,
    /// Its standard output.
    pub(crate) stdout: String,
    /// Its standard error.
    pub(crate) stderr: String,
}

/// Runs `command` silently and keeps what it printed.
pub(crate) fn quiet(command: &mut Command) -> Result<Answer> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("can't start `{}`", shown(command)))?;
    Ok(Answer {
        status: output.status,
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

/// Runs `command` silently; the standard output of a success.
pub(crate) fn capture(command: &mut Command) -> Result<String> {
    let answer = quiet(command)?;
    if answer.status.success() {
        return Ok(answer.stdout);
    }
    bail!(
        "`{}` ended with {}\n{}",
        shown(command),
        answer.status,
        answer.stderr.trim_end()
    )
}

/// Runs `command`, shows what it prints while it runs, and keeps it.
pub(crate) fn tee(command: &mut Command) -> Result<Answer> {
    complain(&format!("$ {}", shown(command)));
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("can't start `{}`", shown(command)))?;
    let stdout = child.stdout.take().context("standard output is piped")?;
    let stderr = child.stderr.take().context("standard error is piped")?;
    let (stdout, stderr) = thread::scope(|scope| {
        let stdout = scope.spawn(|| forward(stdout, std::io::stdout()));
        let stderr = scope.spawn(|| forward(stderr, std::io::stderr()));
        (stdout.join(), stderr.join())
    });
    let lost = |_| anyhow!("a reader of the program's output panicked");
    Ok(Answer {
        status: child.wait().context("can't wait for the program")?,
        stdout: stdout.map_err(lost)??,
        stderr: stderr.map_err(lost)??,
    })
}

/// Copies lines from `source` to `sink` until the end, and keeps them.
fn forward(source: impl Read, mut sink: impl Write) -> Result<String> {
    let mut source = BufReader::new(source);
    let (mut kept, mut line) = (String::new(), Vec::new());
    while source.read_until(b'\n', &mut line)? > 0 {
        sink.write_all(&line)?;
        kept.push_str(&String::from_utf8_lossy(&line));
        line.clear();
    }
    sink.flush()?;
    Ok(kept)
}

/// Whether `name` can be started at all.
pub(crate) fn exists(name: &str) -> bool {
    program(name)
        .arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_reach_a_program_unchanged() {
        let text = capture(program("printf").args(["%s|", "a b", "$(id)"])).unwrap();
        assert_eq!(text, "a b|$(id)|");
    }

    #[test]
    fn failure_carries_the_command_and_its_complaint() {
        let error = capture(program("ls").arg("no/such/folder")).unwrap_err();
        let text = error.to_string();
        assert!(text.starts_with("`ls no/such/folder` ended with"), "{text}");
    }

    #[test]
    fn output_is_kept_while_it_is_shown() {
        let answer = tee(program("printf").arg("one\ntwo")).unwrap();
        assert_eq!(answer.stdout, "one\ntwo");
        assert!(answer.status.success() && answer.stderr.is_empty());
    }

    #[test]
    fn a_missing_program_is_noticed() {
        assert!(exists("ls") && !exists("no-such-program-anywhere"));
    }

    #[test]
    fn exit_codes_follow_the_error() {
        let wrapped = Stop::try_again("install it").context("while testing");
        assert_eq!(exit_code_of(&wrapped), EXIT_TRY_AGAIN);
        assert_eq!(exit_code_of(&anyhow!("plain")), 1);
    }
}
