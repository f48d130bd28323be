//! One stream of one camera, from dialling to access units, and again from dialling when it ends.
//!
//! A feed knows no keys and seals nothing; it gives configurations and access units to its caller.

use std::fmt;
use std::net::{TcpStream, UdpSocket};
use std::time::Duration;

use bartizan_domain::{CameraId, Fingerprint, Monotonic, Track};
use bartizan_media::rtp::Arrival;
use bartizan_media::rtsp::backoff::Backoff;
use bartizan_media::rtsp::{Event, SessionConfig, Transport as RtspTransport};
use bartizan_media::url::Source;
use bartizan_protocol::api::{CameraProblem, CameraProblemKind, SourceSettings, Transport};
use bartizan_protocol::broker::{Failure, Want};
use bartizan_rtsp::connection::Progress;
use bartizan_rtsp::{Connection, Settings, UdpSockets};
use bartizan_synthetic::{SyntheticCamera, SyntheticOptions};
use mio::{Registry, Token};

use crate::dialer::{Dialed, Dialer};
use crate::problem;

/// How long the broker may take to answer.
const DIAL_TIMEOUT: Duration = Duration::from_secs(15);

/// Where a feed's pictures come from.
#[derive(Debug, Clone)]
enum Origin {
    Rtsp {
        config: SessionConfig,
        pin: Option<Fingerprint>,
    },
    Synthetic(SyntheticOptions),
    /// The settings are malformed; nothing is tried.
    Broken(CameraProblem),
}

enum Phase {
    Waiting {
        until: Monotonic,
    },
    Dialing {
        request: u64,
        since: Monotonic,
    },
    Connected {
        connection: Box<Connection>,
        more: bool,
    },
    Synthetic(Box<SyntheticCamera>),
}

/// What the broker was asked for besides the first connection.
enum UdpStep {
    Pair(Track),
    Connect(Track),
}

/// What a feed gives.
#[derive(Debug)]
pub(crate) enum FeedEvent {
    /// It is connected; times of what follows are on a new line.
    Began,
    /// What the session says.
    Session(Event),
    /// It ended and will be tried again.
    Failed(CameraProblem),
}

/// What a feed works with in one turn of the loop.
pub(crate) struct Turn<'a> {
    pub(crate) at: Arrival,
    pub(crate) dialer: &'a mut Dialer,
    pub(crate) registry: &'a Registry,
    pub(crate) scratch: &'a mut [u8],
    pub(crate) random: u32,
}

impl fmt::Debug for Turn<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Turn({:?})", self.at.now)
    }
}

/// One stream of one camera.
pub(crate) struct Feed {
    camera: CameraId,
    token: Token,
    settings: SourceSettings,
    origin: Origin,
    phase: Phase,
    backoff: Backoff,
    /// Requests to the broker that are under way.
    udp: Vec<(u64, UdpStep)>,
    /// The request that made each track's pair of sockets.
    pairs: Vec<(Track, u64)>,
    playing: bool,
}

impl fmt::Debug for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Feed({}, {:?})", self.camera, self.token)
    }
}

type Out<'a> = &'a mut dyn FnMut(FeedEvent);

impl Feed {
    /// Begins at once.
    pub(crate) fn new(camera: CameraId, token: Token, settings: SourceSettings) -> Self {
        Self {
            camera,
            token,
            origin: origin(&settings),
            settings,
            phase: Phase::Waiting {
                until: Monotonic::default(),
            },
            backoff: Backoff::new(),
            udp: Vec::new(),
            pairs: Vec::new(),
            playing: false,
        }
    }

    /// Whether it was made of these very settings.
    pub(crate) fn is_of(&self, settings: &SourceSettings) -> bool {
        self.settings == *settings
    }

    /// For finding it by a poll's event.
    pub(crate) const fn token(&self) -> Token {
        self.token
    }

    /// Whether it still shakes hands, so that quick turns pay.
    pub(crate) fn is_starting(&self) -> bool {
        match self.phase {
            Phase::Dialing { .. } => true,
            Phase::Connected { .. } => !self.playing,
            Phase::Waiting { .. } | Phase::Synthetic(_) => false,
        }
    }

    /// Whether it must be visited often: UDP buffers are small.
    pub(crate) fn is_hasty(&self) -> bool {
        !self.pairs.is_empty() || self.is_starting()
    }

    /// Visits the feed: reads if `readable`, and does what time asks for.
    pub(crate) fn turn(&mut self, turn: &mut Turn<'_>, readable: Option<bool>, out: Out<'_>) {
        match &mut self.phase {
            Phase::Waiting { until } if *until <= turn.at.now => self.begin(turn, out),
            Phase::Dialing { since, .. } if turn.at.now.since(*since) > DIAL_TIMEOUT => {
                self.fail(problem::of_failure(Failure::TimedOut), turn, out);
            }
            Phase::Waiting { .. } | Phase::Dialing { .. } => {}
            Phase::Connected { .. } => self.turn_connection(turn, readable, out),
            Phase::Synthetic(_) => self.turn_synthetic(turn, out),
        }
    }

    /// Ends it politely.
    pub(crate) fn close(self, now: Monotonic) {
        if let Phase::Connected { connection, .. } = self.phase {
            connection.close(now);
        }
    }

    fn begin(&mut self, turn: &mut Turn<'_>, out: Out<'_>) {
        match &self.origin {
            Origin::Broken(problem) => {
                let problem = problem.clone();
                self.fail(problem, turn, out);
            }
            Origin::Synthetic(options) => match SyntheticCamera::new(options.clone()) {
                Ok(camera) => self.begin_synthetic(camera, turn, out),
                Err(error) => self.fail(problem::of_synthetic(&error), turn, out),
            },
            Origin::Rtsp { config, .. } => {
                let want = Want::Tcp {
                    port: config.url.port(),
                };
                match turn.dialer.ask(self.camera, want) {
                    Ok(request) => {
                        self.phase = Phase::Dialing {
                            request,
                            since: turn.at.now,
                        }
                    }
                    Err(_busy) => {
                        self.fail(problem::of_failure(Failure::OutOfSockets), turn, out);
                    }
                }
            }
        }
    }

    fn begin_synthetic(&mut self, camera: SyntheticCamera, turn: &mut Turn<'_>, out: Out<'_>) {
        out(FeedEvent::Began);
        let video = (Track::Video, Some(camera.video_config().clone()));
        let audio = (Track::Audio, camera.audio_config());
        self.phase = Phase::Synthetic(Box::new(camera));
        for (track, config) in [video, audio] {
            if let Some(config) = config {
                out(FeedEvent::Session(Event::Config { track, config }));
            }
        }
        out(FeedEvent::Session(Event::Playing));
        self.turn_synthetic(turn, out);
    }

    fn turn_synthetic(&mut self, turn: &mut Turn<'_>, out: Out<'_>) {
        let Phase::Synthetic(camera) = &mut self.phase else {
            return;
        };
        loop {
            match camera.next(turn.at.now, turn.at.utc) {
                Ok(Some(unit)) => out(FeedEvent::Session(Event::Unit(unit))),
                Ok(None) => return,
                Err(error) => return self.fail(problem::of_synthetic(&error), turn, out),
            }
        }
    }

    /// Takes an answer of the broker; gives it back when it is for another feed.
    pub(crate) fn dialed(
        &mut self,
        request: u64,
        dialed: Dialed,
        turn: &mut Turn<'_>,
        out: Out<'_>,
    ) -> Option<Dialed> {
        if matches!(self.phase, Phase::Dialing { request: asked, .. } if asked == request) {
            match dialed {
                Dialed::Tcp(stream) => self.connect(stream, turn, out),
                Dialed::Failed(failure) => self.fail(problem::of_failure(failure), turn, out),
                _ => self.fail(problem::of_failure(Failure::OutOfSockets), turn, out),
            }
            return None;
        }
        let Some(place) = self.udp.iter().position(|(id, ..)| *id == request) else {
            return Some(dialed);
        };
        let (_, step) = self.udp.remove(place);
        self.udp_answer(request, step, dialed, turn, out);
        None
    }

    fn connect(&mut self, stream: TcpStream, turn: &mut Turn<'_>, out: Out<'_>) {
        let Origin::Rtsp { config, pin } = &self.origin else {
            return;
        };
        let settings = Settings {
            session: config.clone(),
            pin: *pin,
        };
        let stream = match stream.set_nonblocking(true) {
            Ok(()) => mio::net::TcpStream::from_std(stream),
            Err(_unusable) => {
                return self.fail(problem::of_failure(Failure::OutOfSockets), turn, out);
            }
        };
        let started = Connection::new(stream, settings, turn.at.now).and_then(|mut connection| {
            connection.start(turn.registry, self.token, turn.at.now)?;
            Ok(connection)
        });
        match started {
            Ok(connection) => {
                self.playing = false;
                self.phase = Phase::Connected {
                    connection: Box::new(connection),
                    more: false,
                };
                out(FeedEvent::Began);
            }
            Err(error) => self.fail(problem::of_connection(&error), turn, out),
        }
    }

    fn turn_connection(&mut self, turn: &mut Turn<'_>, readable: Option<bool>, out: Out<'_>) {
        let Phase::Connected { connection, more } = &mut self.phase else {
            return;
        };
        let mut asked = Vec::new();
        let (playing, backoff, now) = (&mut self.playing, &mut self.backoff, turn.at.now);
        let mut sink = |event: Event| {
            match &event {
                Event::NeedUdp { track } => asked.push((*track, None)),
                Event::UdpServerPorts { track, rtp, rtcp } => {
                    asked.push((*track, Some((*rtp, *rtcp))));
                }
                Event::Playing => *playing = true,
                Event::Unit(_) => backoff.note_good(now),
                _ => {}
            }
            out(FeedEvent::Session(event));
        };
        let mut done = Ok(());
        if readable.is_some() || *more {
            let closed = readable.unwrap_or(false);
            let read = connection.readable(turn.scratch, turn.at, closed, &mut sink);
            done = read.map(|progress| *more = progress == Progress::More);
        }
        if done.is_ok()
            && connection
                .next_timeout()
                .is_some_and(|due| due <= turn.at.now)
        {
            done = connection.tick(turn.at, &mut sink);
        }
        if let Err(error) = done {
            return self.fail(problem::of_connection(&error), turn, out);
        }
        for (track, ports) in asked {
            self.ask_udp(track, ports, turn, out);
        }
    }

    fn ask_udp(
        &mut self,
        track: Track,
        ports: Option<(u16, u16)>,
        turn: &mut Turn<'_>,
        out: Out<'_>,
    ) {
        let Origin::Rtsp { config, .. } = &self.origin else {
            return;
        };
        let pair = self
            .pairs
            .iter()
            .find(|(other, _)| *other == track)
            .map(|(_, pair)| *pair);
        let (want, step) = match (ports, pair) {
            (None, _) => (
                Want::UdpPair {
                    port: config.url.port(),
                },
                UdpStep::Pair(track),
            ),
            (Some((rtp, rtcp)), Some(pair)) => (
                Want::UdpConnect { pair, rtp, rtcp },
                UdpStep::Connect(track),
            ),
            (Some(_), None) => return,
        };
        match turn.dialer.ask(self.camera, want) {
            Ok(request) => self.udp.push((request, step)),
            Err(_busy) => self.fail(problem::of_failure(Failure::OutOfSockets), turn, out),
        }
    }

    fn udp_answer(
        &mut self,
        request: u64,
        step: UdpStep,
        dialed: Dialed,
        turn: &mut Turn<'_>,
        out: Out<'_>,
    ) {
        let Phase::Connected { connection, .. } = &mut self.phase else {
            return;
        };
        let now = turn.at.now;
        let mut asked = Vec::new();
        let done = match (step, dialed) {
            (UdpStep::Pair(track), Dialed::UdpPair(rtp, rtcp, port)) => {
                self.pairs.push((track, request));
                match udp_sockets(rtp, rtcp, port) {
                    Some(sockets) => {
                        let place = (turn.registry, self.token);
                        connection.provide_udp(track, sockets, place, now)
                    }
                    None => {
                        return self.fail(problem::of_failure(Failure::OutOfSockets), turn, out);
                    }
                }
            }
            (UdpStep::Connect(track), Dialed::UdpConnected) => {
                connection.udp_connected(track, now, &mut |event| {
                    // The next track's turn.
                    if let Event::NeedUdp { track } = event {
                        asked.push(track);
                    }
                    out(FeedEvent::Session(event));
                })
            }
            (_, Dialed::Failed(failure)) => {
                return self.fail(problem::of_failure(failure), turn, out);
            }
            _ => return self.fail(problem::of_failure(Failure::OutOfSockets), turn, out),
        };
        if let Err(error) = done {
            return self.fail(problem::of_connection(&error), turn, out);
        }
        for track in asked {
            self.ask_udp(track, None, turn, out);
        }
    }

    fn fail(&mut self, problem: CameraProblem, turn: &mut Turn<'_>, out: Out<'_>) {
        let pause = self
            .backoff
            .fail(turn.random, problem::needs_person(problem.kind));
        self.phase = Phase::Waiting {
            until: turn.at.now + pause,
        };
        self.udp.clear();
        self.pairs.clear();
        self.playing = false;
        out(FeedEvent::Failed(problem));
    }

    /// Packets that were sent and did not arrive, since the connection began.
    pub(crate) fn lost_packets(&self) -> u64 {
        let Phase::Connected { connection, .. } = &self.phase else {
            return 0;
        };
        [Track::Video, Track::Audio]
            .into_iter()
            .filter_map(|track| connection.counters(track))
            .map(|counters| counters.lost)
            .sum()
    }
}

fn origin(settings: &SourceSettings) -> Origin {
    let broken = |message: String| {
        Origin::Broken(CameraProblem {
            kind: CameraProblemKind::BadUrl,
            message,
        })
    };
    match Source::parse(settings.url.expose()) {
        Err(error) => broken(error.to_string()),
        Ok(Source::Synthetic(_)) => match SyntheticOptions::parse(settings.url.expose()) {
            Ok(options) => Origin::Synthetic(options),
            Err(error) => broken(error.to_string()),
        },
        Ok(Source::Rtsp(url)) => {
            let transport = match settings.transport {
                Transport::Tcp => RtspTransport::Tcp,
                Transport::Udp => RtspTransport::Udp,
            };
            let config = SessionConfig {
                url,
                transport,
                sound: true,
            };
            Origin::Rtsp {
                config,
                pin: settings.certificate,
            }
        }
    }
}

fn udp_sockets(rtp: UdpSocket, rtcp: UdpSocket, port: u16) -> Option<UdpSockets> {
    rtp.set_nonblocking(true).ok()?;
    rtcp.set_nonblocking(true).ok()?;
    Some(UdpSockets {
        rtp: mio::net::UdpSocket::from_std(rtp),
        rtcp: mio::net::UdpSocket::from_std(rtcp),
        rtp_port: port,
        rtcp_port: port.saturating_add(1),
    })
}
