//! Starting other programs: once and to their end with a time limit, or in the background with what they say
//! collected. The only place of the tests that makes a process.

use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use rustix::process::{Pid, Signal, kill_process};

use crate::wait::{self, Watch};

/// A command that starts `program`.
#[expect(
    clippy::disallowed_methods,
    reason = "the tests run the product and its judges"
)]
pub fn command(program: impl AsRef<OsStr>) -> Command {
    Command::new(program)
}

/// As [`command`], behind a program that runs it somewhere else, as `ip netns exec home`.
pub fn command_within(within: &[OsString], program: impl AsRef<OsStr>) -> Command {
    let Some((front, rest)) = within.split_first() else {
        return command(program);
    };
    let mut outer = command(front);
    outer.args(rest).arg(program);
    outer
}

/// What a program that ended left.
#[derive(Debug, Clone)]
pub struct Finished {
    /// Its exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// Its standard output.
    pub stdout: Vec<u8>,
    /// Its standard error, as text.
    pub stderr: String,
}

impl Finished {
    /// Standard output as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }
}

/// Runs to the end; after `limit` it is killed.
///
/// # Errors
/// It can't be started, or did not end in time.
pub fn run(command: &mut Command, limit: Duration) -> Result<Finished> {
    let name = command.get_program().to_owned();
    let name = name.display();
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command
        .spawn()
        .with_context(|| format!("can't start {name}"))?;
    let stdout = read_aside(child.stdout.take());
    let stderr = read_aside(child.stderr.take());
    let watch = Watch::start();
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if watch.elapsed() > limit {
            child.kill()?;
            child.wait()?;
            bail!("{name} did not end within {limit:?}");
        }
        wait::pause(Duration::from_millis(10));
    };
    let joined = |reader: thread::JoinHandle<Vec<u8>>| {
        reader
            .join()
            .map_err(|_panic| anyhow!("the reader of {name} panicked"))
    };
    let (stdout, stderr) = (joined(stdout)?, joined(stderr)?);
    let stderr = String::from_utf8_lossy(&stderr).into_owned();
    Ok(Finished {
        code: status.code(),
        stdout,
        stderr,
    })
}

/// Runs to the end, and everything must have gone well.
///
/// # Errors
/// As [`run`], and any exit code but 0.
pub fn must(command: &mut Command, limit: Duration) -> Result<Finished> {
    let finished = run(command, limit)?;
    if finished.code == Some(0) {
        return Ok(finished);
    }
    bail!(
        "{command:?} ended with {:?}:\n{}",
        finished.code,
        finished.stderr
    )
}

fn read_aside(stream: Option<impl Read + Send + 'static>) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut stream) = stream {
            // What came before a broken pipe is what there is.
            drop(stream.read_to_end(&mut bytes));
        }
        bytes
    })
}

/// Lines that a program in the background said.
#[derive(Debug, Clone, Default)]
pub struct Lines(Arc<Mutex<Vec<String>>>);

impl Lines {
    /// All of them so far.
    pub fn all(&self) -> Vec<String> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// How many so far.
    pub fn count(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// The rest of the first line from number `from` on that starts with `prefix`.
    pub fn find(&self, from: usize, prefix: &str) -> Option<String> {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut rest = lines
            .iter()
            .skip(from)
            .filter_map(|line| line.strip_prefix(prefix));
        rest.next().map(str::to_owned)
    }

    fn collect(&self, stream: Option<impl Read + Send + 'static>) {
        let (lines, Some(stream)) = (self.clone(), stream) else {
            return;
        };
        thread::spawn(move || {
            let mut stream = BufReader::new(stream);
            let mut line = Vec::new();
            while stream
                .read_until(b'\n', &mut line)
                .is_ok_and(|count| count > 0)
            {
                let text = String::from_utf8_lossy(&line).trim_end().to_owned();
                lines
                    .0
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(text);
                line.clear();
            }
        });
    }
}

/// A program in the background. It is killed when this is dropped.
#[derive(Debug)]
pub struct Background {
    child: Child,
    stdout: Lines,
    stderr: Lines,
}

impl Background {
    /// Starts it.
    ///
    /// # Errors
    /// It can't be started.
    pub fn start(command: &mut Command) -> Result<Self> {
        let name = command.get_program().to_owned();
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command
            .spawn()
            .with_context(|| format!("can't start {}", name.display()))?;
        let (stdout, stderr) = (Lines::default(), Lines::default());
        stdout.collect(child.stdout.take());
        stderr.collect(child.stderr.take());
        Ok(Self {
            child,
            stdout,
            stderr,
        })
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it said on standard output.
    pub const fn stdout(&self) -> &Lines {
        &self.stdout
    }

    /// What it said on standard error.
    pub const fn stderr(&self) -> &Lines {
        &self.stderr
    }

    /// How it ended, if it has.
    ///
    /// # Errors
    /// The system does not say.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// Asks it to end and waits; after `limit` it is killed, which is an error.
    ///
    /// # Errors
    /// It did not end by itself.
    pub fn stop(&mut self, limit: Duration) -> Result<ExitStatus> {
        if let Some(status) = self.child.try_wait()? {
            return Ok(status);
        }
        signal(self.pid(), Signal::TERM)?;
        let watch = Watch::start();
        while watch.elapsed() < limit {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            wait::pause(Duration::from_millis(20));
        }
        self.child.kill()?;
        self.child.wait()?;
        bail!("it did not end within {limit:?} of being asked to")
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        // It may have ended already, which is what is wanted.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Sends a signal to a process that the test itself started, directly or not.
///
/// # Errors
/// It is gone.
pub fn signal(pid: u32, signal: Signal) -> Result<()> {
    let raw = i32::try_from(pid).context("a process id is small")?;
    let pid = Pid::from_raw(raw).context("process 0 is nobody's")?;
    kill_process(pid, signal).with_context(|| format!("process {raw} can't be signalled"))
}
