//! The thread that wins, tells and defends the name until it is told to stop.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use bartizan_base::{Clock, random};
use bartizan_domain::Monotonic;
use bartizan_naming::{Label, Link, MAX_MESSAGE, Own, Packet, Responder};
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};

use crate::links::{Named, links};
use crate::sockets::Sockets;

/// How often the machine's own addresses are looked at.
const LOOK: Duration = Duration::from_secs(10);

/// Packets that are taken from one socket in a row.
const BATCH: usize = 32;

/// Why there is no name.
#[derive(Debug, thiserror::Error)]
pub enum LanError {
    /// The system gives no thread or no event.
    #[error("the own network can't be listened to")]
    Start(#[source] io::Error),
    /// No randomness.
    #[error("no random wait")]
    NoRandomness(#[from] random::NoRandomness),
}

/// What happens to the name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// The machine has a name.
    Named {
        /// As `gate.local`.
        name: String,
        /// What to start with the next time.
        own: Own,
    },
    /// Every name that may be tried belongs to others.
    GivenUp,
}

/// The running thread; it says goodbye to the network and ends when this is dropped.
#[derive(Debug)]
pub struct Speaker {
    stop: Arc<AtomicBool>,
    wake: Arc<OwnedFd>,
    thread: Option<JoinHandle<()>>,
}

impl Speaker {
    /// Begins to win a name of `label`, the `own` one first, for this machine and `port` on all its networks, or on that
    /// of the address `only`. `told` hears of every change.
    pub fn start(
        (label, own): (Label, Option<&Own>),
        port: u16,
        only: Option<IpAddr>,
        clock: Arc<dyn Clock>,
        told: impl Fn(News) + Send + 'static,
    ) -> Result<Self, LanError> {
        let wake = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK);
        let wake = Arc::new(wake.map_err(|errno| LanError::Start(errno.into()))?);
        let stop = Arc::new(AtomicBool::new(false));
        let [random] = random::bytes()?;
        let responder = Responder::new(label, own, port, random, clock.monotonic());
        let mut turn = Turn {
            only,
            clock,
            responder,
            sockets: Vec::new(),
            looked: None,
            known: Vec::new(),
            said: None,
            told: Box::new(told),
        };
        let (stopped, woken) = (Arc::clone(&stop), Arc::clone(&wake));
        let thread = thread::Builder::new()
            .name("lan-name".to_owned())
            .spawn(move || {
                while !stopped.load(Ordering::Acquire) {
                    turn.take(&woken);
                }
                turn.send(&turn.responder.goodbye());
            })
            .map_err(LanError::Start)?;
        Ok(Self {
            stop,
            wake,
            thread: Some(thread),
        })
    }
}

impl Drop for Speaker {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Err(errno) = rustix::io::write(&*self.wake, &1_u64.to_ne_bytes()) {
            // It then ends at its next look at the machine's addresses.
            tracing::debug!(error = %io::Error::from(errno), "a thread was not woken");
        }
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

struct Turn {
    only: Option<IpAddr>,
    clock: Arc<dyn Clock>,
    responder: Responder,
    sockets: Vec<Sockets>,
    looked: Option<Monotonic>,
    known: Vec<Named>,
    said: Option<News>,
    told: Box<dyn Fn(News) + Send>,
}

impl Turn {
    /// Looks, speaks, waits and listens once.
    fn take(&mut self, wake: &OwnedFd) {
        let now = self.clock.monotonic();
        if self.looked.is_none_or(|looked| now.since(looked) >= LOOK) {
            self.look(now);
        }
        let packets = self.responder.poll(now);
        self.send(&packets);
        self.tell();
        if self.wait(wake) {
            self.listen();
        }
    }

    fn look(&mut self, now: Monotonic) {
        self.looked = Some(now);
        let found = match links(self.only) {
            Ok(found) => found,
            Err(error) => {
                tracing::debug!(%error, "the machine's addresses can't be read");
                return;
            }
        };
        let complete = self.sockets.len() == found.len();
        if found == self.known && complete {
            return;
        }
        // New sockets only where something changed would save little: this is rare.
        let opened = found.iter().map(|named| (named, Sockets::open(named)));
        let mut links: Vec<Link> = Vec::new();
        self.sockets = opened
            .filter_map(|(named, opened)| match opened {
                Ok(sockets) => {
                    links.push(named.link.clone());
                    Some(sockets)
                }
                Err(error) => {
                    tracing::debug!(%error, "a network can't be spoken on");
                    None
                }
            })
            .collect();
        self.known = found;
        self.responder.set_links(links, now);
    }

    fn tell(&mut self) {
        let news = match (self.responder.name(), self.responder.own()) {
            _ if self.responder.has_given_up() => News::GivenUp,
            (Some(name), Some(own)) => News::Named {
                name: name.to_owned(),
                own,
            },
            _ => return,
        };
        if self.said.as_ref() != Some(&news) {
            self.said = Some(news.clone());
            (self.told)(news);
        }
    }

    fn send(&self, packets: &[Packet]) {
        for packet in packets {
            if let Some(sockets) = self.sockets.iter().find(|known| known.index == packet.link) {
                sockets.send(packet);
            }
        }
    }

    /// Whether anything came before there is something to do.
    fn wait(&self, wake: &OwnedFd) -> bool {
        let now = self.clock.monotonic();
        let look = self
            .looked
            .map_or(Duration::ZERO, |looked| (looked + LOOK).since(now));
        let due = self.responder.due().map_or(LOOK, |due| due.since(now));
        let mut polled = vec![PollFd::new(wake, PollFlags::IN)];
        let sockets = self.sockets.iter().flat_map(Sockets::all);
        polled.extend(sockets.map(|socket| PollFd::new(socket, PollFlags::IN)));
        let patience = Timespec::try_from(look.min(due)).ok();
        match poll(&mut polled, patience.as_ref()) {
            Ok(ready) => ready > 0,
            Err(errno) => {
                tracing::debug!(error = %io::Error::from(errno), "waiting for the network failed");
                false
            }
        }
    }

    fn listen(&mut self) {
        let now = self.clock.monotonic();
        let mut bytes = [0; MAX_MESSAGE];
        let mut answers = Vec::new();
        for sockets in &self.sockets {
            for socket in sockets.all() {
                for _ in 0..BATCH {
                    let Ok((count, from)) = socket.recv_from(&mut bytes) else {
                        break;
                    };
                    let from = SocketAddr::new(from.ip().to_canonical(), from.port());
                    let heard = bytes.get(..count).unwrap_or_default();
                    answers.extend(self.responder.receive(sockets.index, from, heard, now));
                }
            }
        }
        self.send(&answers);
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::sync::mpsc::channel;

    use bartizan_base::SystemClock;

    use super::*;

    #[test]
    fn loopback_is_no_network_to_tell_a_name_on() {
        assert_eq!(links(Some(Ipv4Addr::LOCALHOST.into())).unwrap(), []);
    }

    #[test]
    fn without_a_network_nothing_is_told_and_the_end_is_not_waited_for() {
        let (told, news) = channel();
        let label = Label::of_local("gate.local").unwrap();
        let only = Some(Ipv4Addr::LOCALHOST.into());
        let clock = Arc::new(SystemClock);
        let speaker = Speaker::start((label, None), 8440, only, clock, move |said| {
            told.send(said).unwrap();
        });
        let silent = news.recv_timeout(Duration::from_millis(1_500));
        assert!(silent.is_err(), "{silent:?}");
        let before = SystemClock.monotonic();
        drop(speaker.unwrap());
        assert!(SystemClock.monotonic().since(before) < LOOK / 2);
    }
}
