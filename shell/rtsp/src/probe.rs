//! A first look at a camera: connects, watches for some seconds, tells what it sends.
//!
//! It uses the very connection that recording uses, so that what it reports is what will be recorded.

use std::io;
use std::time::Duration;

use bartizan_base::Clock;
use bartizan_media::rtp::Arrival;
use bartizan_media::rtsp::Event;
use bartizan_media::rtsp::probe::{Probe, ProbeReport};
use bartizan_media::url::RtspUrl;
use mio::net::TcpStream;
use mio::{Events, Poll, Token};

use crate::connection::{Connection, Progress, SCRATCH_BYTES, Settings, UdpSockets};
use crate::error::ConnectionError;

/// How often the sockets are looked at.
const TICK: Duration = Duration::from_millis(20);

const TOKEN: Token = Token(0);

/// Whoever may open sockets. In a sandboxed process that is a broker in another one.
pub trait Dial {
    /// A connected, non-blocking stream to the host and port of `url`.
    fn tcp(&mut self, url: &RtspUrl) -> io::Result<TcpStream>;

    /// Two non-blocking UDP sockets on neighbouring local ports, the even one first (RFC 3550 §11).
    fn bind_udp(&mut self) -> io::Result<UdpSockets>;

    /// Connects `sockets` to these ports of the host of `url`, so that nobody else is heard.
    fn connect_udp(
        &mut self,
        url: &RtspUrl,
        sockets: &UdpSockets,
        ports: (u16, u16),
    ) -> io::Result<()>;
}

/// Why a look at a camera showed nothing.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// The camera cannot be reached.
    #[error("the camera cannot be reached")]
    Dial(#[source] io::Error),
    /// The connection failed, or the camera refused.
    #[error(transparent)]
    Connection(#[from] ConnectionError),
    /// The machine does not let us wait for sockets.
    #[error("waiting for the camera failed")]
    Poll(#[source] io::Error),
    /// The camera was connected, but sent no video within
    /// [`PROBE_TIMEOUT`](bartizan_media::rtsp::probe::PROBE_TIMEOUT).
    #[error("the camera sent no video that can be decoded")]
    NoVideo,
}

/// Looks at the camera that `settings` name, for
/// [`PROBE_TIMEOUT`](bartizan_media::rtsp::probe::PROBE_TIMEOUT) at most.
pub fn probe(
    settings: &Settings,
    dial: &mut dyn Dial,
    clock: &dyn Clock,
) -> Result<ProbeReport, ProbeError> {
    let url = &settings.session.url;
    let began = clock.monotonic();
    let mut poll = Poll::new().map_err(ProbeError::Poll)?;
    let stream = dial.tcp(url).map_err(ProbeError::Dial)?;
    let mut connection = Connection::new(stream, settings.clone(), began)?;
    connection.start(poll.registry(), TOKEN, began)?;
    let mut looking = Looking {
        settings,
        dial,
        connection,
        probe: Probe::default(),
        scratch: vec![0; SCRATCH_BYTES],
        more: false,
    };
    let mut events = Events::with_capacity(16);
    while !looking.probe.is_complete(began, clock.monotonic()) {
        if let Err(error) = poll.poll(&mut events, Some(TICK))
            && error.kind() != io::ErrorKind::Interrupted
        {
            return Err(ProbeError::Poll(error));
        }
        let at = Arrival {
            now: clock.monotonic(),
            utc: clock.utc(),
        };
        looking.step(&poll, &events, at)?;
    }
    looking.connection.close(clock.monotonic());
    looking.probe.report().ok_or(ProbeError::NoVideo)
}

struct Looking<'a> {
    settings: &'a Settings,
    dial: &'a mut dyn Dial,
    connection: Connection,
    probe: Probe,
    scratch: Vec<u8>,
    more: bool,
}

impl Looking<'_> {
    fn step(&mut self, poll: &Poll, events: &Events, at: Arrival) -> Result<(), ProbeError> {
        let mut wishes = Vec::new();
        let probe = &mut self.probe;
        let mut sink = |event| {
            probe.watch(&event);
            if matches!(event, Event::NeedUdp { .. } | Event::UdpServerPorts { .. }) {
                wishes.push(event);
            }
        };
        if self.more || !events.is_empty() {
            let closed = events.iter().any(mio::event::Event::is_read_closed);
            let read = self
                .connection
                .readable(&mut self.scratch, at, closed, &mut sink)?;
            self.more = read == Progress::More;
        }
        if self
            .connection
            .next_timeout()
            .is_some_and(|due| due <= at.now)
        {
            self.connection.tick(at, &mut sink)?;
        }
        while let Some(wish) = wishes.pop() {
            self.grant(poll, &wish, at, &mut wishes)?;
        }
        Ok(())
    }

    /// Provides the sockets that the session asks for.
    fn grant(
        &mut self,
        poll: &Poll,
        wish: &Event,
        at: Arrival,
        wishes: &mut Vec<Event>,
    ) -> Result<(), ProbeError> {
        match *wish {
            Event::NeedUdp { track } => {
                let sockets = self.dial.bind_udp().map_err(ProbeError::Dial)?;
                let place = (poll.registry(), TOKEN);
                self.connection.provide_udp(track, sockets, place, at.now)?;
            }
            Event::UdpServerPorts { track, rtp, rtcp } => {
                if let Some(sockets) = self.connection.udp_sockets(track) {
                    let url = &self.settings.session.url;
                    let connected = self.dial.connect_udp(url, sockets, (rtp, rtcp));
                    connected.map_err(ProbeError::Dial)?;
                }
                let probe = &mut self.probe;
                self.connection.udp_connected(track, at.now, &mut |event| {
                    probe.watch(&event);
                    wishes.push(event);
                })?;
            }
            _ => {}
        }
        Ok(())
    }
}
