//! A home network of two: namespaces `home` and `phone` with one wire between them, made by
//! `tests/netns/home-and-phone.sh`, which the app's own tests use too. It needs root and iproute2.

use std::ffi::OsString;
use std::fs::File;
use std::net::{IpAddr, Ipv4Addr, UdpSocket};
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::process;

/// The gateway's address on the wire.
pub const HOME: Ipv4Addr = Ipv4Addr::new(10, 87, 0, 1);

/// The phone's.
pub const PHONE: Ipv4Addr = Ipv4Addr::new(10, 87, 0, 2);

/// How long the script may take.
const LIMIT: Duration = Duration::from_secs(30);

/// How often a name is asked for, with half a second between.
const TRIES: usize = 10;

/// Both namespaces; they are removed when this is dropped.
#[derive(Debug)]
pub struct Wire {
    id: String,
}

fn script() -> PathBuf {
    PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/netns/home-and-phone.sh"
    ))
}

impl Wire {
    /// Makes both.
    ///
    /// # Errors
    /// The machine does not let us: the reason is for [`skipped`](crate::skipped).
    pub fn up() -> Result<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        if !rustix::process::geteuid().is_root() {
            bail!("network namespaces need root");
        }
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let wire = Self {
            id: format!("t{}n{number}", std::process::id()),
        };
        wire.script(&["up"]).context("no network namespaces here")?;
        Ok(wire)
    }

    fn script(&self, words: &[&str]) -> Result<()> {
        let [verb, rest @ ..] = words else {
            bail!("a verb is expected")
        };
        let mut command = process::command(script());
        command.arg(verb).arg(&self.id).args(rest);
        let finished = process::run(&mut command, LIMIT)?;
        match finished.code {
            Some(0) => Ok(()),
            _ => Err(anyhow!("{}", finished.stderr)),
        }
    }

    fn space(&self, of: &str) -> String {
        format!("bz-{of}-{}", self.id)
    }

    fn within(&self, of: &str) -> Vec<OsString> {
        let space = self.space(of);
        ["ip", "netns", "exec", &space].map(OsString::from).into()
    }

    /// What to put in front of a command that runs at home.
    pub fn at_home(&self) -> Vec<OsString> {
        self.within("home")
    }

    /// What to put in front of a command that runs on the phone.
    pub fn on_phone(&self) -> Vec<OsString> {
        self.within("phone")
    }

    /// Does `act` in a thread whose sockets are the phone's.
    ///
    /// # Errors
    /// The thread can't get there.
    pub fn as_phone<T: Send>(&self, act: impl FnOnce() -> T + Send) -> Result<T> {
        let path = format!("/run/netns/{}", self.space("phone"));
        let space = File::open(&path).with_context(|| path.clone())?;
        thread::scope(|scope| {
            let there = scope.spawn(|| {
                move_into_link_name_space(space.as_fd(), Some(LinkNameSpaceType::Network))?;
                Ok::<_, rustix::io::Errno>(act())
            });
            let done = there
                .join()
                .map_err(|panic| std::panic::resume_unwind(panic));
            done.and_then(|done| done.context("no way into the phone's namespace"))
        })
    }

    /// Lets programs of the phone that have no multicast DNS know a name.
    ///
    /// # Errors
    /// Its file can't be written.
    pub fn knows(&self, name: &str, address: IpAddr) -> Result<()> {
        self.script(&["hosts", name, &address.to_string()])
    }

    /// Asks the network for a name's IPv4 address, as a phone does (RFC 6762 §5.1).
    ///
    /// # Errors
    /// Nobody answers.
    pub fn resolve(&self, name: &str) -> Result<Ipv4Addr> {
        self.as_phone(|| ask(name))?
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        if let Err(error) = self.script(&["down"]) {
            crate::skipped(&format!("namespaces are left behind: {error:#}"));
        }
    }
}

fn ask(name: &str) -> Result<Ipv4Addr> {
    let mut query = b"\x42\x5a\0\0\0\x01\0\0\0\0\0\0".to_vec();
    for label in name.split('.') {
        query.push(u8::try_from(label.len())?);
        query.extend(label.as_bytes());
    }
    query.extend(b"\0\0\x01\0\x01");
    let socket = UdpSocket::bind((PHONE, 0))?;
    socket.set_read_timeout(Some(Duration::from_millis(500)))?;
    let mut bytes = [0; 9_000];
    for _ in 0..TRIES {
        socket.send_to(&query, "224.0.0.251:5353")?;
        if let Ok((count, _)) = socket.recv_from(&mut bytes)
            && let Some(address) = address(&bytes[..count])
        {
            return Ok(address);
        }
    }
    bail!("nobody on the network is called {name}")
}

/// The first IPv4 address of an answer: type A, class IN with or without the top bit, four bytes.
fn address(message: &[u8]) -> Option<Ipv4Addr> {
    message.windows(14).find_map(|window| match window {
        [0, 1, 0 | 0x80, 1, _, _, _, _, 0, 4, a, b, c, d] => Some(Ipv4Addr::new(*a, *b, *c, *d)),
        _ => None,
    })
}
