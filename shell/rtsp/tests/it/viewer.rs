//! The other side of the camera: a loop with one tick, as the ingest's, around one connection.

use std::io;
use std::net::{TcpStream as StdTcpStream, UdpSocket as StdUdpSocket};
use std::time::Duration;

use bartizan_base::{Clock, SystemClock};
use bartizan_domain::{Fingerprint, Track};
use bartizan_media::rtp::Arrival;
use bartizan_media::rtsp::{Event, SessionConfig, Transport};
use bartizan_media::url::RtspUrl;
use bartizan_media::{AccessUnit, TrackConfig};
use bartizan_rtsp::connection::SCRATCH_BYTES;
use bartizan_rtsp::{Connection, ConnectionError, Dial, Progress, Settings, UdpSockets};
use mio::net::{TcpStream, UdpSocket};
use mio::{Events, Poll, Token};

const TOKEN: Token = Token(7);

/// Opens sockets itself.
pub(crate) struct DirectDial;

impl Dial for DirectDial {
    fn tcp(&mut self, url: &RtspUrl) -> io::Result<TcpStream> {
        let stream = StdTcpStream::connect((url.host(), url.port()))?;
        stream.set_nonblocking(true)?;
        Ok(TcpStream::from_std(stream))
    }

    fn bind_udp(&mut self) -> io::Result<UdpSockets> {
        loop {
            let rtp = StdUdpSocket::bind("127.0.0.1:0")?;
            let rtp_port = rtp.local_addr()?.port();
            let Ok(rtcp) = StdUdpSocket::bind(("127.0.0.1", rtp_port.wrapping_add(1))) else {
                continue;
            };
            if rtp_port % 2 == 0 {
                rtp.set_nonblocking(true)?;
                rtcp.set_nonblocking(true)?;
                return Ok(UdpSockets {
                    rtp: UdpSocket::from_std(rtp),
                    rtcp: UdpSocket::from_std(rtcp),
                    rtp_port,
                    rtcp_port: rtp_port + 1,
                });
            }
        }
    }

    fn connect_udp(
        &mut self,
        url: &RtspUrl,
        sockets: &UdpSockets,
        (rtp, rtcp): (u16, u16),
    ) -> io::Result<()> {
        let host: std::net::IpAddr = url.host().parse().unwrap();
        sockets.rtp.connect((host, rtp).into())?;
        sockets.rtcp.connect((host, rtcp).into())
    }
}

/// Settings for `url`.
pub(crate) fn settings(url: &str, transport: Transport, pin: Option<Fingerprint>) -> Settings {
    Settings {
        session: SessionConfig {
            url: RtspUrl::parse(url).unwrap(),
            transport,
            sound: true,
        },
        pin,
    }
}

pub(crate) fn arrival() -> Arrival {
    Arrival {
        now: SystemClock.monotonic(),
        utc: SystemClock.utc(),
    }
}

/// Everything that came.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) events: Vec<Event>,
}

impl Seen {
    pub(crate) fn units(&self, track: Track) -> Vec<&AccessUnit> {
        let events = self.events.iter();
        events
            .filter_map(|event| match event {
                Event::Unit(unit) if unit.track == track => Some(unit),
                _ => None,
            })
            .collect()
    }

    pub(crate) fn config(&self, wanted: Track) -> &TrackConfig {
        let mut events = self.events.iter();
        let config = events.find_map(|event| match event {
            Event::Config { track, config } if *track == wanted => Some(config),
            _ => None,
        });
        config.expect("a configuration comes before the access units")
    }
}

/// Watches until `enough`, an error, or 20 seconds.
pub(crate) fn watch(
    settings: Settings,
    tick: Duration,
    enough: impl Fn(&Seen) -> bool,
) -> (Seen, Option<ConnectionError>) {
    let mut seen = Seen::default();
    let error = watch_into(&mut seen, settings, tick, enough).err();
    (seen, error)
}

fn watch_into(
    seen: &mut Seen,
    settings: Settings,
    tick: Duration,
    enough: impl Fn(&Seen) -> bool,
) -> Result<(), ConnectionError> {
    let url = settings.session.url.clone();
    let mut dial = DirectDial;
    let mut poll = Poll::new().unwrap();
    let began = arrival().now;
    let mut connection = Connection::new(dial.tcp(&url).unwrap(), settings, began)?;
    connection.start(poll.registry(), TOKEN, began)?;
    let mut scratch = vec![0; SCRATCH_BYTES];
    let mut events = Events::with_capacity(16);
    let (mut more, mut granted) = (false, 0);
    while !enough(seen) {
        poll.poll(&mut events, Some(tick)).unwrap();
        let at = arrival();
        assert!(
            at.now.since(began) < Duration::from_secs(20),
            "{:?}",
            seen.events.last()
        );
        let closed = events.iter().any(mio::event::Event::is_read_closed);
        if more || !events.is_empty() {
            let mut sink = |event| seen.events.push(event);
            let progress = connection.readable(&mut scratch, at, closed, &mut sink)?;
            more = progress == Progress::More;
        }
        if connection.next_timeout().is_some_and(|due| due <= at.now) {
            connection.tick(at, &mut |event| seen.events.push(event))?;
        }
        while let Some(event) = seen.events.get(granted).cloned() {
            granted += 1;
            match event {
                Event::NeedUdp { track } => {
                    let place = (poll.registry(), TOKEN);
                    let sockets = dial.bind_udp().unwrap();
                    connection.provide_udp(track, sockets, place, at.now)?;
                }
                Event::UdpServerPorts { track, rtp, rtcp } => {
                    let sockets = connection.udp_sockets(track).unwrap();
                    dial.connect_udp(&url, sockets, (rtp, rtcp)).unwrap();
                    let mut sink = |event| seen.events.push(event);
                    connection.udp_connected(track, at.now, &mut sink)?;
                }
                _ => {}
            }
        }
    }
    connection.close(arrival().now);
    Ok(())
}
