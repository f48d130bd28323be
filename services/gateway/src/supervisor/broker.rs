//! Opens connections for the ingest: only to the hosts of its cameras, and hands the sockets over.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::Result;
use bartizan_base::passing::{Lines, send_line};
use bartizan_domain::CameraId;
use bartizan_protocol::broker::{Answer, Failure, Outcome, Request, Want};

use super::hosts::Hosts;

/// How long a camera may take to accept a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Connections that are being made at the same time.
const MAX_WORKERS: usize = 64;

/// UDP pairs that wait to be connected.
const MAX_PAIRS: usize = 1_024;

/// Tries for an even port whose successor is free too.
const PORT_TRIES: usize = 64;

/// Receive buffer of a UDP socket: a keyframe may come all at once.
const UDP_BUFFER: usize = 4 * 1_024 * 1_024;

/// How often and how long to wait for the gateway's word on a camera that the ingest asks for.
const ALLOW_TRIES: usize = 20;
const ALLOW_PAUSE: Duration = Duration::from_millis(25);

struct Broker {
    socket: UnixStream,
    hosts: Arc<Hosts>,
    pairs: Mutex<BTreeMap<u64, (CameraId, u16, UdpSocket, UdpSocket)>>,
    workers: Mutex<usize>,
}

/// Serves one ingest process in a thread of its own, until that process is gone.
pub(super) fn serve(socket: UnixStream, hosts: Arc<Hosts>) -> Result<()> {
    let broker = Arc::new(Broker {
        socket,
        hosts,
        pairs: Mutex::new(BTreeMap::new()),
        workers: Mutex::new(0),
    });
    thread::Builder::new()
        .name("broker".to_owned())
        .spawn(move || {
            if let Err(error) = listen(&broker) {
                tracing::debug!(%error, "broker ended");
            }
        })?;
    Ok(())
}

fn listen(broker: &Arc<Broker>) -> io::Result<()> {
    let mut lines = Lines::default();
    loop {
        lines.receive(&broker.socket)?;
        while let Some(line) = lines.next_line() {
            let request: Request = serde_json::from_slice(&line)?;
            broker.begin(request);
        }
    }
}

impl Broker {
    /// Answers at once, or starts a worker: resolving and connecting take time.
    fn begin(self: &Arc<Self>, request: Request) {
        let mut workers = self.workers.lock().unwrap_or_else(PoisonError::into_inner);
        if *workers >= MAX_WORKERS {
            return self.fail(request.id, Failure::OutOfSockets);
        }
        *workers += 1;
        let broker = Arc::clone(self);
        let started = thread::Builder::new()
            .name("dial".to_owned())
            .spawn(move || {
                broker.answer(&request);
                *broker
                    .workers
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner) -= 1;
            });
        if started.is_err() {
            *workers -= 1;
            drop(workers);
            self.fail(request.id, Failure::OutOfSockets);
        }
    }

    fn answer(&self, request: &Request) {
        let done = match request.want {
            Want::Tcp { port } => self.tcp(request, port),
            Want::UdpPair { port } => self.udp_pair(request, port),
            Want::UdpConnect { pair, rtp, rtcp } => self.udp_connect(request, pair, (rtp, rtcp)),
        };
        if let Err(failure) = done {
            self.fail(request.id, failure);
        }
    }

    fn tcp(&self, request: &Request, port: u16) -> Result<(), Failure> {
        let address = self.resolve(request.camera, port)?;
        let stream = TcpStream::connect_timeout(&address, CONNECT_TIMEOUT)
            .map_err(|error| failure_of(&error))?;
        // A camera's pictures do not wait for fuller packets, and our requests are small.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "no TCP_NODELAY");
        }
        self.send(request.id, Outcome::Tcp, &[stream.as_fd()]);
        Ok(())
    }

    fn udp_pair(&self, request: &Request, port: u16) -> Result<(), Failure> {
        let address = self.resolve(request.camera, port)?;
        let (rtp, rtcp, local) = bind_pair(address.ip()).ok_or(Failure::OutOfSockets)?;
        self.send(
            request.id,
            Outcome::UdpPair { port: local },
            &[rtp.as_fd(), rtcp.as_fd()],
        );
        let mut pairs = self.pairs.lock().unwrap_or_else(PoisonError::into_inner);
        if pairs.len() >= MAX_PAIRS {
            pairs.pop_first();
        }
        pairs.insert(request.id, (request.camera, port, rtp, rtcp));
        Ok(())
    }

    /// Connecting our copies connects the ingest's too: they are the same sockets.
    fn udp_connect(
        &self,
        request: &Request,
        pair: u64,
        (rtp_port, rtcp_port): (u16, u16),
    ) -> Result<(), Failure> {
        let known = self
            .pairs
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&pair);
        let (camera, port, rtp, rtcp) = known.ok_or(Failure::UnknownCamera)?;
        if camera != request.camera {
            return Err(Failure::UnknownCamera);
        }
        let host = self.resolve(camera, port)?.ip();
        rtp.connect(SocketAddr::new(host, rtp_port))
            .map_err(|error| failure_of(&error))?;
        rtcp.connect(SocketAddr::new(host, rtcp_port))
            .map_err(|error| failure_of(&error))?;
        self.send(request.id, Outcome::UdpConnected, &[]);
        Ok(())
    }

    fn resolve(&self, camera: CameraId, port: u16) -> Result<SocketAddr, Failure> {
        let host = self
            .allowed_host(camera, port)
            .ok_or(Failure::UnknownCamera)?;
        let mut addresses = (host.as_str(), port)
            .to_socket_addrs()
            .map_err(|_opaque| Failure::NoSuchHost)?;
        addresses.next().ok_or(Failure::NoSuchHost)
    }

    /// The gateway's word on a camera comes over another socket than the ingest's request, and may be a
    /// moment later.
    fn allowed_host(&self, camera: CameraId, port: u16) -> Option<String> {
        for _ in 0..ALLOW_TRIES {
            let host = self.hosts.find(camera, port);
            if host.is_some() {
                return host;
            }
            thread::park_timeout(ALLOW_PAUSE);
        }
        None
    }

    fn fail(&self, id: u64, failure: Failure) {
        self.send(id, Outcome::Failed(failure), &[]);
    }

    fn send(&self, id: u64, outcome: Outcome, files: &[BorrowedFd<'_>]) {
        let line =
            serde_json::to_vec(&Answer { id, outcome }).expect("an answer has string keys only");
        // An ingest that is gone needs no answer.
        if let Err(error) = send_line(&self.socket, &line, files) {
            tracing::debug!(%error, "the ingest took no answer");
        }
    }
}

fn failure_of(error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Failure::Refused,
        io::ErrorKind::TimedOut => Failure::TimedOut,
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => Failure::Unreachable,
        _ => Failure::OutOfSockets,
    }
}

/// RTP on an even port and RTCP on the next (RFC 3550 §11).
fn bind_pair(towards: IpAddr) -> Option<(UdpSocket, UdpSocket, u16)> {
    let any: IpAddr = match towards {
        IpAddr::V4(_) => std::net::Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => std::net::Ipv6Addr::UNSPECIFIED.into(),
    };
    for _ in 0..PORT_TRIES {
        let first = UdpSocket::bind((any, 0)).ok()?;
        let port = first.local_addr().ok()?.port();
        let (even, odd) = (port & !1, port | 1);
        let other = UdpSocket::bind((any, if port == even { odd } else { even }));
        let Ok(second) = other else { continue };
        let (rtp, rtcp) = if port == even {
            (first, second)
        } else {
            (second, first)
        };
        enlarge_buffer(&rtp);
        return Some((rtp, rtcp, even));
    }
    None
}

fn enlarge_buffer(socket: &UdpSocket) {
    use rustix::net::sockopt;
    // Beyond the system's limit where we may, up to it where we may not.
    if sockopt::set_socket_recv_buffer_size_force(socket, UDP_BUFFER).is_err()
        && let Err(error) = sockopt::set_socket_recv_buffer_size(socket, UDP_BUFFER)
    {
        tracing::debug!(%error, "the UDP receive buffer stays small");
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::net::TcpListener;

    use super::*;

    const CAMERA: CameraId = CameraId::new([1; 16]);

    struct Client {
        socket: UnixStream,
        lines: Lines,
    }

    impl Client {
        fn new(hosts: Hosts) -> Self {
            let (ours, theirs) = UnixStream::pair().unwrap();
            serve(theirs, Arc::new(hosts)).unwrap();
            Self {
                socket: ours,
                lines: Lines::default(),
            }
        }

        fn ask(&mut self, id: u64, camera: CameraId, want: Want) -> Outcome {
            let mut line = serde_json::to_vec(&Request { id, camera, want }).unwrap();
            line.push(b'\n');
            self.socket.write_all(&line).unwrap();
            loop {
                if let Some(line) = self.lines.next_line() {
                    return serde_json::from_slice::<Answer>(&line).unwrap().outcome;
                }
                self.lines.receive(&self.socket).unwrap();
            }
        }
    }

    #[test]
    fn a_cameras_host_is_reached_and_no_other() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let hosts = Hosts::default();
        hosts.allow(CAMERA, "127.0.0.1".to_owned(), port);
        let mut client = Client::new(hosts);
        assert_eq!(client.ask(1, CAMERA, Want::Tcp { port }), Outcome::Tcp);
        assert!(client.lines.next_file().is_some());
        let unknown = Outcome::Failed(Failure::UnknownCamera);
        let other = CameraId::new([2; 16]);
        assert_eq!(client.ask(2, other, Want::Tcp { port }), unknown);
        assert_eq!(client.ask(3, CAMERA, Want::Tcp { port: 22 }), unknown);
        let stolen = Want::UdpConnect {
            pair: 77,
            rtp: 1,
            rtcp: 2,
        };
        assert_eq!(client.ask(4, CAMERA, stolen), unknown);
    }

    #[test]
    fn a_closed_port_is_told() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let hosts = Hosts::default();
        hosts.allow(CAMERA, "127.0.0.1".to_owned(), port);
        let outcome = Client::new(hosts).ask(1, CAMERA, Want::Tcp { port });
        assert_eq!(outcome, Outcome::Failed(Failure::Refused));
    }

    #[test]
    fn udp_pairs_are_even_and_odd_and_connect_to_the_camera() {
        let camera = UdpSocket::bind("127.0.0.1:0").unwrap();
        let rtp = camera.local_addr().unwrap().port();
        let hosts = Hosts::default();
        hosts.allow(CAMERA, "127.0.0.1".to_owned(), 554);
        let mut client = Client::new(hosts);
        let pair = client.ask(1, CAMERA, Want::UdpPair { port: 554 });
        let Outcome::UdpPair { port } = pair else {
            panic!("{pair:?}")
        };
        assert_eq!(port % 2, 0);
        let socket = UdpSocket::from(client.lines.next_file().unwrap());
        let connect = Want::UdpConnect {
            pair: 1,
            rtp,
            rtcp: rtp,
        };
        assert_eq!(client.ask(2, CAMERA, connect), Outcome::UdpConnected);
        socket.send(b"hello").unwrap();
        let mut bytes = [0; 8];
        assert_eq!(camera.recv(&mut bytes).unwrap(), 5);
    }
}
