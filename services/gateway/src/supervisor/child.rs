//! One child process: how it is started, watched and ended.

use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process};

use super::Programs;

/// Which child.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// API and recorder.
    Gateway,
    /// The sandboxed sealer.
    Ingest,
}

impl Role {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Ingest => "ingest",
        }
    }
}

/// A running child.
#[derive(Debug)]
pub(crate) struct Child {
    role: Role,
    pid: Pid,
    process: Arc<Mutex<Option<std::process::Child>>>,
}

impl Child {
    /// Starts the API and recorder; its standard input is the control socket.
    pub(super) fn start_gateway(programs: &Programs, control: UnixStream) -> Result<Self> {
        let mut command = command(programs, Role::Gateway);
        command
            .arg("serve")
            .args(&programs.gateway_args)
            .arg("--log")
            .arg(&programs.log);
        command
            .stdin(OwnedFd::from(control))
            .stdout(Stdio::inherit());
        Self::start(Role::Gateway, command)
    }

    /// Starts the sealer; its standard input is the link, its standard output the broker's socket.
    pub(super) fn start_ingest(
        programs: &Programs,
        link: UnixStream,
        broker: UnixStream,
    ) -> Result<Self> {
        let mut command = command(programs, Role::Ingest);
        command
            .arg("--state")
            .arg(&programs.ingest_state)
            .arg("--log")
            .arg(&programs.log);
        command
            .stdin(OwnedFd::from(link))
            .stdout(OwnedFd::from(broker));
        Self::start(Role::Ingest, command)
    }

    fn start(role: Role, mut command: Command) -> Result<Self> {
        let process = command
            .spawn()
            .with_context(|| format!("can't start the {}", role.name()))?;
        let pid = Pid::from_child(&process);
        Ok(Self {
            role,
            pid,
            process: Arc::new(Mutex::new(Some(process))),
        })
    }

    /// Calls `ended` with the exit code once it is over (`None`: by a signal).
    pub(super) fn watch(
        &self,
        ended: impl FnOnce(Role, Option<i32>) + Send + 'static,
    ) -> Result<()> {
        let (role, process) = (self.role, Arc::clone(&self.process));
        let taken = process
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let mut taken = taken.context("a child is watched once")?;
        thread::Builder::new()
            .name(format!("wait-{}", role.name()))
            .spawn(move || {
                let code = taken.wait().ok().and_then(|status| status.code());
                ended(role, code);
            })?;
        Ok(())
    }

    /// Asks it to end.
    pub(super) fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Ends it.
    pub(super) fn kill(&self) {
        self.signal(Signal::KILL);
    }

    fn signal(&self, signal: Signal) {
        // It may be gone already, which is what is wanted.
        if let Err(error) = kill_process(self.pid, signal) {
            tracing::debug!(process = self.role.name(), %error, "process is gone already");
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the supervisor starts the gateway's processes"
)]
fn command(programs: &Programs, role: Role) -> Command {
    let mut command = Command::new(match role {
        Role::Gateway => &programs.gateway,
        Role::Ingest => &programs.ingest,
    });
    if role == Role::Ingest {
        // Nothing of the environment is the ingest's business but the switches of test builds.
        command.env_clear();
        command.envs(bartizan_domain::sabotage::handed_on());
    }
    command
}
