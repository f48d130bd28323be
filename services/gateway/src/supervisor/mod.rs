//! The first process: starts the gateway's two others, restarts them when they die, and opens the
//! connections that the ingest may not open itself.
//!
//! It reads no camera, no network and no database; it holds no key, and hands the files of a given certificate
//! on unread. What it knows is which host each camera has.

mod broker;
mod certificate;
mod child;
mod hosts;

use std::collections::BTreeSet;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use bartizan_base::passing::{Lines, send_line};
use bartizan_base::{Clock, SystemClock};
use bartizan_domain::Monotonic;
use bartizan_protocol::broker::{Answer, FromSupervisor, Outcome, ToSupervisor};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

pub(crate) use self::certificate::Given;
use self::child::{Child, Role};
use self::hosts::Hosts;

/// Exit code for bad usage or configuration: starting again would not help.
const EX_USAGE: i32 = 64;

/// Pause before a process that died is started again.
const RESTART_PAUSE: Duration = Duration::from_millis(200);

/// Longest such pause, for one that dies again and again.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// A process that ran for this long is started again at once.
const GOOD_RUN: Duration = Duration::from_secs(10);

/// How long processes may take to end before they are killed.
const GRACE: Duration = Duration::from_secs(10);

/// What the supervisor starts.
#[derive(Debug, Clone)]
pub(crate) struct Programs {
    /// This very program.
    pub(crate) gateway: PathBuf,
    /// Arguments behind `serve`.
    pub(crate) gateway_args: Vec<String>,
    /// The ingest program.
    pub(crate) ingest: PathBuf,
    /// The ingest's private folder.
    pub(crate) ingest_state: PathBuf,
    /// Cameras that the owner is offered at the claim.
    pub(crate) suggested: Vec<String>,
    /// A certificate that the owner gives.
    pub(crate) certificate: Option<Given>,
    /// Log level of both.
    pub(crate) log: String,
}

/// What can happen.
enum Event {
    Signal,
    Certificate,
    Ended {
        role: Role,
        generation: u64,
        code: Option<i32>,
    },
}

struct Supervisor {
    programs: Programs,
    hosts: Arc<Hosts>,
    events: Sender<Event>,
    gateway: Option<Running>,
    ingest: Option<Running>,
    generation: u64,
    pauses: [(Role, Duration); 2],
}

/// A child and the supervisor's ends of its sockets.
struct Running {
    child: Child,
    generation: u64,
    since: Monotonic,
    /// Gateway: the control socket. Ingest: the broker socket.
    socket: UnixStream,
}

/// Runs until a signal comes or a child says that its configuration is bad.
pub(crate) fn run(programs: Programs) -> Result<ExitCode> {
    let (events, inbox) = channel();
    watch_signals(events.clone())?;
    if let Some(given) = programs.certificate.clone() {
        let events = events.clone();
        given.watch(move || events.send(Event::Certificate).is_ok())?;
    }
    let mut supervisor = Supervisor {
        programs,
        hosts: Arc::new(Hosts::default()),
        events,
        gateway: None,
        ingest: None,
        generation: 0,
        pauses: [
            (Role::Gateway, RESTART_PAUSE),
            (Role::Ingest, RESTART_PAUSE),
        ],
    };
    supervisor.start_gateway()?;
    supervisor.start_ingest()?;
    supervisor.link()?;
    supervisor.watch(&inbox)
}

fn watch_signals(events: Sender<Event>) -> Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM]).context("can't watch for signals")?;
    thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || {
            for _ in signals.forever() {
                if events.send(Event::Signal).is_err() {
                    break;
                }
            }
        })?;
    Ok(())
}

impl Supervisor {
    fn watch(&mut self, inbox: &Receiver<Event>) -> Result<ExitCode> {
        loop {
            match inbox
                .recv()
                .context("the supervisor lost its own channel")?
            {
                Event::Signal => return Ok(self.end(inbox, ExitCode::SUCCESS)),
                Event::Certificate => self.hand_certificate(),
                Event::Ended {
                    role,
                    generation,
                    code,
                } if self.is_current(role, generation) => {
                    tracing::warn!(process = role.name(), ?code, "process ended");
                    if code == Some(EX_USAGE) {
                        self.forget(role);
                        return Ok(self.end(inbox, ExitCode::from(64)));
                    }
                    self.restart(role)?;
                }
                Event::Ended { .. } => {}
            }
        }
    }

    fn is_current(&self, role: Role, generation: u64) -> bool {
        self.slot(role)
            .is_some_and(|running| running.generation == generation)
    }

    const fn slot(&self, role: Role) -> Option<&Running> {
        match role {
            Role::Gateway => self.gateway.as_ref(),
            Role::Ingest => self.ingest.as_ref(),
        }
    }

    fn forget(&mut self, role: Role) {
        match role {
            Role::Gateway => self.gateway = None,
            Role::Ingest => self.ingest = None,
        }
    }

    fn restart(&mut self, role: Role) -> Result<()> {
        let since = self
            .slot(role)
            .map(|running| running.since)
            .unwrap_or_default();
        let good = SystemClock.monotonic().since(since) >= GOOD_RUN;
        for (other, pause) in &mut self.pauses {
            if *other == role {
                let wait = *pause;
                *pause = if good {
                    RESTART_PAUSE
                } else {
                    (*pause * 2).min(LONGEST_PAUSE)
                };
                if !good {
                    thread::park_timeout(wait);
                }
            }
        }
        match role {
            Role::Gateway => {
                self.hosts.clear();
                self.start_gateway()?;
            }
            Role::Ingest => self.start_ingest()?,
        }
        self.link()
    }

    fn start_gateway(&mut self) -> Result<()> {
        let (ours, theirs) = UnixStream::pair()?;
        let child = Child::start_gateway(&self.programs, theirs)?;
        let cameras = self.programs.suggested.clone();
        send_line(
            &ours,
            &serde_json::to_vec(&FromSupervisor::Suggest { cameras })?,
            &[],
        )?;
        let given = self.programs.certificate.as_ref();
        if let Some(Err(error)) = given.map(|given| given.hand_to(&ours)) {
            // It is handed over as soon as it is there; recording does not wait for it.
            tracing::warn!(error = %format!("{error:#}"), "no certificate for now");
        }
        let (reader, hosts) = (ours.try_clone()?, Arc::clone(&self.hosts));
        thread::Builder::new()
            .name("control".to_owned())
            .spawn(move || read_control(&reader, &hosts))?;
        self.gateway = Some(self.running(child, ours)?);
        Ok(())
    }

    fn start_ingest(&mut self) -> Result<()> {
        let (link, unused) = UnixStream::pair()?;
        drop(unused);
        let (ours, theirs) = UnixStream::pair()?;
        // The first real link comes with `link()`; what it starts with is closed already.
        let child = Child::start_ingest(&self.programs, link, theirs)?;
        broker::serve(ours.try_clone()?, Arc::clone(&self.hosts))?;
        self.ingest = Some(self.running(child, ours)?);
        Ok(())
    }

    fn running(&mut self, child: Child, socket: UnixStream) -> Result<Running> {
        self.generation += 1;
        let generation = self.generation;
        let events = self.events.clone();
        child.watch(move |role, code| {
            // Nobody listens any more when the supervisor itself is ending.
            drop(events.send(Event::Ended {
                role,
                generation,
                code,
            }));
        })?;
        Ok(Running {
            child,
            generation,
            since: SystemClock.monotonic(),
            socket,
        })
    }

    fn hand_certificate(&self) {
        let (Some(given), Some(gateway)) = (&self.programs.certificate, &self.gateway) else {
            return;
        };
        if let Err(error) = given.hand_to(&gateway.socket) {
            tracing::warn!(error = %format!("{error:#}"), "the new certificate is not taken over");
        }
    }

    /// Connects the two children with a fresh pair of sockets.
    fn link(&self) -> Result<()> {
        let (Some(gateway), Some(ingest)) = (&self.gateway, &self.ingest) else {
            return Ok(());
        };
        let (near, far) = UnixStream::pair()?;
        let line = serde_json::to_vec(&FromSupervisor::Link)?;
        let told_gateway = send_line(&gateway.socket, &line, &[near.as_fd()]);
        let answer = Answer {
            id: 0,
            outcome: Outcome::Link,
        };
        let told_ingest = send_line(
            &ingest.socket,
            &serde_json::to_vec(&answer)?,
            &[far.as_fd()],
        );
        // A child that is gone already is started again, and linked then.
        if let Err(error) = told_gateway.and(told_ingest) {
            tracing::debug!(%error, "a process ended before it was linked");
        }
        Ok(())
    }

    /// Asks both to end, waits, and kills what is left.
    fn end(&mut self, inbox: &Receiver<Event>, code: ExitCode) -> ExitCode {
        // A signal to the whole group may end them in any order.
        let mut ended = BTreeSet::new();
        // The ingest first: what it signs on its way out is still recorded.
        for running in [&self.ingest, &self.gateway].into_iter().flatten() {
            running.child.terminate();
            let deadline = SystemClock.monotonic() + GRACE;
            while !ended.contains(&running.generation) {
                match inbox.recv_timeout(deadline.since(SystemClock.monotonic())) {
                    Ok(Event::Ended { generation, .. }) => drop(ended.insert(generation)),
                    Ok(_) => {}
                    Err(_) => {
                        running.child.kill();
                        break;
                    }
                }
            }
        }
        code
    }
}

/// Reads what the gateway says about hosts until it is gone.
fn read_control(socket: &UnixStream, hosts: &Hosts) {
    let mut lines = Lines::default();
    while lines.receive(socket).is_ok() {
        while let Some(line) = lines.next_line() {
            match serde_json::from_slice(&line) {
                Ok(ToSupervisor::Allow { camera, host, port }) => hosts.allow(camera, host, port),
                Ok(ToSupervisor::Forget { camera }) => hosts.forget(camera),
                Err(error) => {
                    tracing::error!(%error, "the gateway sent a malformed order");
                    return;
                }
            }
        }
    }
}
