//! The gateway's end of the control socket: tells the supervisor which hosts the ingest may reach, and
//! receives the socket of each new ingest process and the files of a given certificate.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use anyhow::{Context, Result};
use bartizan_base::files;
use bartizan_base::passing::{Lines, send_line};
use bartizan_domain::{CameraId, Secret};
use bartizan_protocol::broker::{FromSupervisor, ToSupervisor};
use tokio::sync::mpsc;

use super::listening::Pair;

/// Largest certificate or key file in bytes.
const MAX_PEM: u64 = 64 * 1_024;

/// Permission bits that a key file must not have: others can't read or write it.
const KEY_MODE: u32 = 0o007;

/// Given certificates that wait to be read.
const WAITING: usize = 4;

/// What comes over the control socket once it is read on.
pub(crate) struct Arrivals {
    /// Sockets to new ingest processes.
    pub(crate) links: mpsc::Receiver<UnixStream>,
    /// Given certificates.
    pub(crate) pairs: Pairs,
}

/// Given certificates, the first and each that replaces one.
#[derive(Debug)]
pub(crate) struct Pairs(mpsc::Receiver<[OwnedFd; 2]>);

impl Pairs {
    /// The next one; `None` when the supervisor is gone.
    pub(crate) async fn next(&mut self) -> Option<Result<Pair>> {
        self.0.recv().await.map(read_pair)
    }
}

/// Two files of 64 KiB at most: no task waits for long.
fn read_pair([chain, key]: [OwnedFd; 2]) -> Result<Pair> {
    let chain = files::read_open(File::from(chain), "the certificate".as_ref(), MAX_PEM, 0)?;
    let key = files::read_open(File::from(key), "its key".as_ref(), MAX_PEM, KEY_MODE)?;
    let chain = String::from_utf8(chain).context("the certificate is no PEM file")?;
    let key = String::from_utf8(key)
        .ok()
        .context("the key is no PEM file")?;
    Ok((chain, Secret::new(key)))
}

/// The control socket.
#[derive(Debug, Clone)]
pub(crate) struct Supervisor(Arc<Mutex<UnixStream>>);

impl Supervisor {
    /// Takes the first message, the cameras that were named at the start, and goes on reading; the channels end
    /// with the supervisor.
    pub(crate) fn start(socket: UnixStream) -> io::Result<(Self, Vec<String>, Arrivals)> {
        let (links, inbox) = mpsc::channel(4);
        let (pairs, given) = mpsc::channel(WAITING);
        let reading = socket.try_clone()?;
        let mut lines = Lines::default();
        let suggested = loop {
            if let Some(line) = lines.next_line() {
                let FromSupervisor::Suggest { cameras } = serde_json::from_slice(&line)? else {
                    return Err(io::ErrorKind::InvalidData.into());
                };
                break cameras;
            }
            lines.receive(&reading)?;
        };
        thread::Builder::new()
            .name("control".to_owned())
            .spawn(move || {
                if let Err(error) = read(&reading, (&links, &pairs), lines) {
                    tracing::debug!(%error, "the supervisor is gone");
                }
            })?;
        let arrivals = Arrivals {
            links: inbox,
            pairs: Pairs(given),
        };
        Ok((Self(Arc::new(Mutex::new(socket))), suggested, arrivals))
    }

    /// Lets the ingest reach a camera's host.
    pub(crate) fn allow(&self, camera: CameraId, host: &str, port: u16) {
        self.send(&ToSupervisor::Allow {
            camera,
            host: host.to_owned(),
            port,
        });
    }

    /// Lets the ingest reach nothing of a camera any more.
    pub(crate) fn forget(&self, camera: CameraId) {
        self.send(&ToSupervisor::Forget { camera });
    }

    fn send(&self, order: &ToSupervisor) {
        let line = serde_json::to_vec(order).expect("these documents have string keys only");
        let socket = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Without its supervisor this process is about to be ended.
        if let Err(error) = send_line(&*socket, &line, &[]) {
            tracing::debug!(%error, "the supervisor took no order");
        }
    }
}

fn read(
    socket: &UnixStream,
    (links, pairs): (&mpsc::Sender<UnixStream>, &mpsc::Sender<[OwnedFd; 2]>),
    mut lines: Lines,
) -> io::Result<()> {
    loop {
        while let Some(line) = lines.next_line() {
            let mut file = || lines.next_file().ok_or(io::ErrorKind::InvalidData);
            match serde_json::from_slice(&line)? {
                FromSupervisor::Link => {
                    if links.blocking_send(UnixStream::from(file()?)).is_err() {
                        return Ok(());
                    }
                }
                FromSupervisor::Certificate => {
                    let pair = [file()?, file()?];
                    // Nobody asks for one, or several wait already: a later one follows.
                    if let Err(error) = pairs.try_send(pair) {
                        tracing::debug!(%error, "a given certificate was not taken over");
                    }
                }
                FromSupervisor::Suggest { .. } => return Err(io::ErrorKind::InvalidData.into()),
            }
        }
        lines.receive(socket)?;
    }
}
