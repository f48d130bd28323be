//! One camera's sockets and its session.
//!
//! Made for one thread and one tick for all cameras: the loop sleeps until the tick, asks the poll once,
//! calls [`Connection::readable`] for those that have something and [`Connection::tick`] for those whose
//! time has come. Reads are large, go into a buffer that all cameras share, and packets are taken apart
//! where they lie. Dialling, waiting and trying again are the caller's business.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::time::Duration;

use bartizan_domain::{Fingerprint, Monotonic, Track};
use bartizan_media::rtp::Arrival;
use bartizan_media::rtp::receiver::Counters;
use bartizan_media::rtsp::{Event, Session, SessionConfig, Transmit, UdpChannel};
use mio::net::{TcpStream, UdpSocket};
use mio::{Interest, Registry, Token};

use crate::error::ConnectionError;
use crate::tls::Tls;

/// A good size for the shared buffer, in bytes.
pub const SCRATCH_BYTES: usize = 256 * 1024;

/// Most bytes that are read from one camera at a time, so that one cannot starve the others.
pub const MAX_BYTES_PER_TICK: usize = 2 * 1024 * 1024;

/// Most datagrams that are read from one socket at a time.
pub const MAX_DATAGRAMS_PER_TICK: usize = 4_096;

/// Most bytes that wait for a camera to read them.
pub const MAX_UNSENT: usize = 64 * 1024;

/// When sending is tried again after the socket was full.
const RESEND_AFTER: Duration = Duration::from_millis(100);

/// What a connection is for.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What to ask the camera for.
    pub session: SessionConfig,
    /// For `rtsps`: SHA-256 of the certificate that is trusted. Without one the handshake stops and tells
    /// the fingerprint.
    pub pin: Option<Fingerprint>,
}

/// A track's two UDP sockets.
#[derive(Debug)]
pub struct UdpSockets {
    /// For media.
    pub rtp: UdpSocket,
    /// For reports.
    pub rtcp: UdpSocket,
    /// Local port of `rtp`.
    pub rtp_port: u16,
    /// Local port of `rtcp`.
    pub rtcp_port: u16,
}

/// How far reading came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Nothing is left until the poll tells.
    Drained,
    /// The share of this tick is used up: call again at the next one, the poll will not tell.
    More,
}

/// One camera.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    tls: Option<Box<Tls>>,
    session: Session,
    udp: Vec<(Track, UdpSockets)>,
    unsent: Vec<u8>,
    resend_at: Option<Monotonic>,
}

impl Connection {
    /// Over `stream`, which is connected. Errors are those of a TLS configuration.
    pub fn new(
        stream: TcpStream,
        settings: Settings,
        now: Monotonic,
    ) -> Result<Self, ConnectionError> {
        let url = &settings.session.url;
        let tls = if url.is_secure() {
            Some(Box::new(Tls::new(url.host(), settings.pin)?))
        } else {
            None
        };
        Ok(Self {
            stream,
            tls,
            session: Session::new(settings.session, now),
            udp: Vec::new(),
            unsent: Vec::new(),
            resend_at: None,
        })
    }

    /// Registers with the caller's poll and greets the camera. One token serves all sockets of a camera.
    pub fn start(
        &mut self,
        registry: &Registry,
        token: Token,
        now: Monotonic,
    ) -> Result<(), ConnectionError> {
        let registered = registry.register(&mut self.stream, token, Interest::READABLE);
        registered.map_err(fault("being registered"))?;
        self.flush(now)
    }

    /// Reads what the sockets have. `closed` is the poll event's `is_read_closed`. `scratch` is the
    /// shared buffer, [`SCRATCH_BYTES`] or so. After an error the connection is of no more use.
    pub fn readable(
        &mut self,
        scratch: &mut [u8],
        at: Arrival,
        closed: bool,
        sink: &mut dyn FnMut(Event),
    ) -> Result<Progress, ConnectionError> {
        let mut ended = None;
        let read = {
            let mut guarded = until_end(&mut ended, sink);
            let udp = self.read_udp(scratch, at, &mut guarded);
            let tcp = self.read_tcp(scratch, at, closed, &mut guarded);
            tcp.map(|tcp| tcp.max_with(udp))
        };
        ended.map_or(Ok(()), Err)?;
        let progress = read?;
        self.flush(at.now)?;
        Ok(progress)
    }

    /// Does what is due and sends what waits. Call when [`next_timeout`](Self::next_timeout) has passed.
    pub fn tick(
        &mut self,
        at: Arrival,
        sink: &mut dyn FnMut(Event),
    ) -> Result<(), ConnectionError> {
        let mut ended = None;
        self.session
            .handle_timeout(at, &mut until_end(&mut ended, sink));
        ended.map_or(Ok(()), Err)?;
        self.flush(at.now)
    }

    /// When to call [`tick`](Self::tick) next.
    pub fn next_timeout(&self) -> Option<Monotonic> {
        [self.session.poll_timeout(), self.resend_at]
            .into_iter()
            .flatten()
            .min()
    }

    /// Answers [`Event::NeedUdp`]: bound sockets for `track`, registered with the same token.
    pub fn provide_udp(
        &mut self,
        track: Track,
        mut sockets: UdpSockets,
        (registry, token): (&Registry, Token),
        now: Monotonic,
    ) -> Result<(), ConnectionError> {
        for socket in [&mut sockets.rtp, &mut sockets.rtcp] {
            let registered = registry.register(socket, token, Interest::READABLE);
            registered.map_err(fault("being registered"))?;
        }
        let (rtp, rtcp) = (sockets.rtp_port, sockets.rtcp_port);
        self.udp.retain(|(other, _)| *other != track);
        self.udp.push((track, sockets));
        self.session.udp_bound(now, track, rtp, rtcp);
        self.flush(now)
    }

    /// The sockets of `track`, for whoever connects them.
    pub fn udp_sockets(&self, track: Track) -> Option<&UdpSockets> {
        let mut pairs = self.udp.iter();
        pairs.find_map(|(other, sockets)| (*other == track).then_some(sockets))
    }

    /// Answers [`Event::UdpServerPorts`]: the sockets of `track` are connected to these ports.
    pub fn udp_connected(
        &mut self,
        track: Track,
        now: Monotonic,
        sink: &mut dyn FnMut(Event),
    ) -> Result<(), ConnectionError> {
        let mut ended = None;
        self.session
            .udp_connected(now, track, &mut until_end(&mut ended, sink));
        ended.map_or(Ok(()), Err)?;
        self.flush(now)
    }

    /// Says goodbye as far as the camera listens, and closes. Failures do not matter any more.
    pub fn close(mut self, now: Monotonic) {
        self.session.close(now);
        if self.queue().is_ok()
            && let Some(tls) = &mut self.tls
        {
            tls.close();
        }
        if self.flush(now).is_ok() {
            self.stream.shutdown(Shutdown::Write).unwrap_or_default();
        }
    }

    /// What has come in on a track.
    pub fn counters(&self, track: Track) -> Option<Counters> {
        self.session.counters(track)
    }

    fn read_tcp(
        &mut self,
        scratch: &mut [u8],
        at: Arrival,
        closed: bool,
        sink: &mut dyn FnMut(Event),
    ) -> Result<Progress, ConnectionError> {
        let mut left = MAX_BYTES_PER_TICK;
        while left > 0 {
            let len = match self.stream.read(scratch) {
                Ok(0) => return Ok(self.closed(sink)),
                Ok(len) => len,
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock => return Ok(Progress::Drained),
                    io::ErrorKind::Interrupted => continue,
                    // A camera that is switched off, restarted or has too many viewers.
                    io::ErrorKind::ConnectionReset => return Ok(self.closed(sink)),
                    _ => return Err(fault("reading")(error)),
                },
            };
            let bytes = scratch.get(..len).unwrap_or_default();
            let session = &mut self.session;
            match &mut self.tls {
                None => session.handle_tcp(at, bytes, sink),
                Some(tls) => {
                    let read = tls.read(bytes, &mut |plain| session.handle_tcp(at, plain, sink));
                    if read.inspect_err(|_| self.send_alert())? {
                        return Ok(self.closed(sink));
                    }
                }
            }
            left = left.saturating_sub(len);
            // A short read has emptied the socket (epoll(7), edge-triggered); the end comes with it.
            if (len < scratch.len() && !closed) || self.session.is_ended() {
                return Ok(Progress::Drained);
            }
        }
        Ok(Progress::More)
    }

    fn closed(&mut self, sink: &mut dyn FnMut(Event)) -> Progress {
        self.session.handle_closed(sink);
        Progress::Drained
    }

    fn read_udp(
        &mut self,
        scratch: &mut [u8],
        at: Arrival,
        sink: &mut dyn FnMut(Event),
    ) -> Progress {
        let mut progress = Progress::Drained;
        for (track, sockets) in &self.udp {
            let both = [
                (&sockets.rtcp, UdpChannel::Rtcp),
                (&sockets.rtp, UdpChannel::Rtp),
            ];
            for (socket, channel) in both {
                let mut left = MAX_DATAGRAMS_PER_TICK;
                // An error is an empty socket, one that is not connected yet, or an ICMP message about
                // something sent; if the camera is gone, its video stalls.
                while let (1.., Ok(len)) = (left, socket.recv(scratch)) {
                    let bytes = scratch.get(..len).unwrap_or_default();
                    self.session.handle_udp(at, *track, channel, bytes, sink);
                    left = left.saturating_sub(1);
                }
                if left == 0 {
                    progress = Progress::More;
                }
            }
        }
        progress
    }

    /// Sends what waits, as far as the socket takes it.
    fn flush(&mut self, now: Monotonic) -> Result<(), ConnectionError> {
        self.queue()?;
        self.resend_at = None;
        while !self.unsent.is_empty() {
            match self.stream.write(&self.unsent) {
                Ok(len) => drop(self.unsent.drain(..len.min(self.unsent.len()))),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.resend_at = Some(now + RESEND_AFTER);
                    break;
                }
                Err(source) => return Err(fault("sending")(source)),
            }
        }
        if self.unsent.is_empty() {
            self.unsent = Vec::new();
        }
        Ok(())
    }

    /// Moves what the session wants sent to where it goes.
    fn queue(&mut self) -> Result<(), ConnectionError> {
        while let Some(transmit) = self.session.poll_transmit() {
            match (transmit, &mut self.tls) {
                (Transmit::Tcp(bytes), None) => self.unsent.extend_from_slice(&bytes),
                (Transmit::Tcp(bytes), Some(tls)) => tls.write(&bytes)?,
                (
                    Transmit::Udp {
                        track,
                        channel,
                        data,
                    },
                    _,
                ) => self.send_udp(track, channel, &data),
            }
        }
        if let Some(tls) = &mut self.tls {
            tls.take_output(&mut self.unsent)?;
        }
        if self.unsent.len() > MAX_UNSENT {
            return Err(ConnectionError::Unread);
        }
        Ok(())
    }

    /// Datagrams are reports; one that is lost does no harm.
    fn send_udp(&self, track: Track, channel: UdpChannel, data: &[u8]) {
        if let Some(sockets) = self.udp_sockets(track) {
            let socket = match channel {
                UdpChannel::Rtp => &sockets.rtp,
                UdpChannel::Rtcp => &sockets.rtcp,
            };
            socket.send(data).unwrap_or_default();
        }
    }

    /// Tells the camera why its handshake failed, if that works.
    fn send_alert(&mut self) {
        let Some(tls) = &mut self.tls else {
            return;
        };
        let mut alert = Vec::new();
        if tls.take_output(&mut alert).is_ok() {
            self.stream.write(&alert).unwrap_or_default();
        }
    }
}

impl Progress {
    const fn max_with(self, other: Self) -> Self {
        match (self, other) {
            (Self::Drained, Self::Drained) => Self::Drained,
            _ => Self::More,
        }
    }
}

/// Passes events on, but keeps the last one for the caller's error.
fn until_end(
    ended: &mut Option<ConnectionError>,
    sink: &mut dyn FnMut(Event),
) -> impl FnMut(Event) {
    move |event| match event {
        Event::Ended(error) => *ended = Some(ConnectionError::Session(error)),
        event => sink(event),
    }
}

fn fault(doing: &'static str) -> impl FnOnce(io::Error) -> ConnectionError {
    move |source| ConnectionError::Io { doing, source }
}
