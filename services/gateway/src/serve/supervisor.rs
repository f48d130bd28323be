//! The gateway's end of the control socket: tells the supervisor which hosts the ingest may reach, and
//! receives the socket of each new ingest process.

use std::io;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use bartizan_base::passing::{Lines, send_line};
use bartizan_domain::CameraId;
use bartizan_protocol::broker::{FromSupervisor, ToSupervisor};
use tokio::sync::mpsc;

/// The control socket.
#[derive(Debug, Clone)]
pub(crate) struct Supervisor(Arc<Mutex<UnixStream>>);

impl Supervisor {
    /// Takes the first message, the cameras that were named at the start, and goes on reading; each new
    /// ingest's socket comes over the channel, which ends with the supervisor.
    pub(crate) fn start(
        socket: UnixStream,
    ) -> io::Result<(Self, Vec<String>, mpsc::Receiver<UnixStream>)> {
        let (links, inbox) = mpsc::channel(4);
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
                if let Err(error) = read(&reading, &links, lines) {
                    tracing::debug!(%error, "the supervisor is gone");
                }
            })?;
        Ok((Self(Arc::new(Mutex::new(socket))), suggested, inbox))
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

fn read(socket: &UnixStream, links: &mpsc::Sender<UnixStream>, mut lines: Lines) -> io::Result<()> {
    loop {
        while let Some(line) = lines.next_line() {
            let FromSupervisor::Link = serde_json::from_slice(&line)? else {
                return Err(io::ErrorKind::InvalidData.into());
            };
            let file = lines.next_file().ok_or(io::ErrorKind::InvalidData)?;
            if links.blocking_send(UnixStream::from(file)).is_err() {
                return Ok(());
            }
        }
        lines.receive(socket)?;
    }
}
