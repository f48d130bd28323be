//! The ingest's side of the broker: asks for connections and receives the sockets, and a new socket to
//! the gateway when that was restarted.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::net::{TcpStream, UdpSocket};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream as StdUnixStream;

use bartizan_base::passing::Lines;
use bartizan_domain::CameraId;
use bartizan_protocol::broker::{Answer, Failure, MAX_PENDING, Outcome, Request, Want};
use mio::net::UnixStream;

/// What the broker gave.
#[derive(Debug)]
pub(crate) enum Dialed {
    /// A connected TCP socket.
    Tcp(TcpStream),
    /// RTP and RTCP sockets; the RTP one is bound to this port, the other to the next.
    UdpPair(UdpSocket, UdpSocket, u16),
    /// The pair is connected.
    UdpConnected,
    /// A new socket to the gateway; nobody asked.
    Link(StdUnixStream),
    /// Nothing, for this reason.
    Failed(Failure),
}

/// The socket to the broker.
#[derive(Debug)]
pub(crate) struct Dialer {
    socket: UnixStream,
    next: u64,
    pending: BTreeMap<u64, CameraId>,
    lines: Lines,
}

impl Dialer {
    /// Speaks over a connected, non-blocking socket.
    pub(crate) fn new(socket: UnixStream) -> Self {
        Self {
            socket,
            next: 1,
            pending: BTreeMap::new(),
            lines: Lines::default(),
        }
    }

    /// For registering with a poll.
    pub(crate) const fn socket(&mut self) -> &mut UnixStream {
        &mut self.socket
    }

    /// Asks; the answer comes from [`receive`](Self::receive) under the id that is returned.
    ///
    /// # Errors
    /// Too many requests are under way, or the broker is gone.
    pub(crate) fn ask(&mut self, camera: CameraId, want: Want) -> io::Result<u64> {
        if self.pending.len() >= MAX_PENDING {
            return Err(io::ErrorKind::ResourceBusy.into());
        }
        let id = self.next;
        send_request(
            &mut self.socket,
            &serde_json::to_vec(&Request { id, camera, want })?,
        )?;
        self.next += 1;
        self.pending.insert(id, camera);
        Ok(id)
    }

    /// Reads answers and gives each to `act`; what nobody asked for has id 0.
    pub(crate) fn receive(&mut self, mut act: impl FnMut(u64, Dialed)) -> io::Result<()> {
        while self.lines.receive(self.socket.as_fd())? {}
        while let Some(line) = self.lines.next_line() {
            let answer: Answer = serde_json::from_slice(&line)?;
            let dialed = self.take(answer.outcome)?;
            let asked = self.pending.remove(&answer.id).is_some();
            if asked || matches!(dialed, Dialed::Link(_)) {
                act(answer.id, dialed);
            }
        }
        Ok(())
    }

    /// Joins an answer with the sockets that came with it.
    fn take(&mut self, outcome: Outcome) -> io::Result<Dialed> {
        Ok(match outcome {
            Outcome::Tcp => Dialed::Tcp(TcpStream::from(self.next_socket()?)),
            Outcome::UdpPair { port } => {
                let rtp = UdpSocket::from(self.next_socket()?);
                Dialed::UdpPair(rtp, UdpSocket::from(self.next_socket()?), port)
            }
            Outcome::UdpConnected => Dialed::UdpConnected,
            Outcome::Link => Dialed::Link(StdUnixStream::from(self.next_socket()?)),
            Outcome::Failed(failure) => Dialed::Failed(failure),
        })
    }

    fn next_socket(&mut self) -> io::Result<OwnedFd> {
        self.lines
            .next_file()
            .ok_or_else(|| io::ErrorKind::InvalidData.into())
    }
}

/// The ingest's sandbox forbids `sendmsg`: it must not pass files on.
fn send_request(socket: &mut UnixStream, line: &[u8]) -> io::Result<()> {
    let whole = [line, b"\n"].concat();
    if socket.write(&whole)? == whole.len() {
        Ok(())
    } else {
        Err(io::ErrorKind::WriteZero.into())
    }
}
