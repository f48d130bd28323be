//! The conversation with one camera, from greeting to goodbye.
//!
//! The caller owns sockets and clock: it feeds what arrives, calls at [`Session::poll_timeout`], and
//! sends what [`Session::poll_transmit`] gives. Everything that happens comes out as [`Event`]s. One
//! request is under way at a time, so answers need no matching and wrong sequence numbers do no harm.
//! After [`Event::Ended`] the session does nothing more; dialling again is the caller's business.

mod media;
mod requests;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::time::Duration;

use bartizan_domain::{Monotonic, Track};

use self::media::Slot;
use self::requests::{InFlight, Method};
use super::auth::{Answerer, Scheme};
use super::error::{SessionError, Step};
use super::framing::{Framer, Piece};
use super::offer::{self, TrackOffer};
use super::transport::{Transport, UdpChannel};
use crate::rtp::Arrival;
use crate::rtp::receiver::{Counters, Output};
use crate::url::RtspUrl;
use crate::{AccessUnit, TrackConfig};

/// How long a camera may take to answer.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// How long video may stay away after PLAY.
pub const STALL_TIMEOUT: Duration = Duration::from_secs(10);

/// A camera's session timeout when it names none (RFC 2326 §12.37).
pub const DEFAULT_SESSION_TIMEOUT: Duration = Duration::from_mins(1);

/// Redirections to the same server that are followed.
pub const MAX_REDIRECTS: u8 = 3;

/// What to ask a camera for.
#[derive(Debug, Clone)]
pub struct SessionConfig {
    /// Where, and with what credentials.
    pub url: RtspUrl,
    /// How packets travel; `rtsps` always takes TCP, so that nothing travels in clear.
    pub transport: Transport,
    /// Whether sound is wanted.
    pub sound: bool,
}

/// What happens in a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The camera told what it sends.
    Described {
        /// Everything that it offers.
        tracks: Vec<TrackOffer>,
        /// How it was signed in to, if at all.
        auth: Option<Scheme>,
    },
    /// Answer with [`Session::udp_bound`]: a pair of UDP ports for this track.
    NeedUdp {
        /// Which.
        track: Track,
    },
    /// Connect that pair to these ports of the camera and answer with [`Session::udp_connected`].
    UdpServerPorts {
        /// Which.
        track: Track,
        /// For media.
        rtp: u16,
        /// For reports.
        rtcp: u16,
    },
    /// The camera agreed to send. Access units may come a little earlier.
    Playing,
    /// A track is configured so from its next access unit on; comes before its first one.
    Config {
        /// Which.
        track: Track,
        /// How.
        config: TrackConfig,
    },
    /// The next access unit. Those before the first keyframe come too.
    Unit(AccessUnit),
    /// Nothing more will come.
    Ended(SessionError),
}

/// What is to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transmit {
    /// Over the RTSP connection.
    Tcp(Vec<u8>),
    /// Over a track's connected UDP socket.
    Udp {
        /// Which track's.
        track: Track,
        /// Which of the two.
        channel: UdpChannel,
        /// The datagram.
        data: Vec<u8>,
    },
}

/// Where the conversation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Options,
    Describe,
    /// Waiting for a track's sockets to be bound, by slot.
    Bind(usize),
    Setup(usize),
    /// Waiting for a track's sockets to be connected, by slot.
    Connect(usize),
    Play,
    Playing,
    Ended,
}

/// A session with one camera.
#[derive(Debug)]
pub struct Session {
    config: SessionConfig,
    /// What requests for all tracks name.
    base: String,
    state: State,
    framer: Framer,
    transmits: VecDeque<Transmit>,
    in_flight: Option<InFlight>,
    cseq: u32,
    auth: Option<Answerer>,
    redirects: u8,
    id: Option<String>,
    alive_for: Duration,
    keepalive: Method,
    offers: Vec<TrackOffer>,
    slots: Vec<Slot>,
    /// Arrival of the first packet: the zero of every track.
    epoch: Option<Monotonic>,
    last_video: Monotonic,
    playing_since: Monotonic,
    keepalive_at: Monotonic,
    report_at: Monotonic,
    /// When waiting for sockets ends.
    sockets_until: Monotonic,
}

impl Session {
    /// Begins: the greeting waits in [`poll_transmit`](Self::poll_transmit).
    pub fn new(mut config: SessionConfig, now: Monotonic) -> Self {
        if config.url.is_secure() {
            config.transport = Transport::Tcp;
        }
        let mut session = Self {
            base: config.url.request_uri(),
            config,
            state: State::Options,
            framer: Framer::default(),
            transmits: VecDeque::new(),
            in_flight: None,
            cseq: 0,
            auth: None,
            redirects: 0,
            id: None,
            alive_for: DEFAULT_SESSION_TIMEOUT,
            keepalive: Method::Options,
            offers: Vec::new(),
            slots: Vec::new(),
            epoch: None,
            last_video: now,
            playing_since: now,
            keepalive_at: now,
            report_at: now,
            sockets_until: now,
        };
        session.request(now, Method::Options, session.base.clone(), String::new());
        session
    }

    /// Takes bytes of the RTSP connection. Packets that lie whole in `data` are read in place.
    pub fn handle_tcp(&mut self, at: Arrival, data: &[u8], sink: &mut dyn FnMut(Event)) {
        if self.is_ended() {
            return;
        }
        let mut framer = std::mem::take(&mut self.framer);
        let fed = framer.feed(data, &mut |piece| match piece {
            Piece::Data { channel, payload } => self.interleaved(at, channel, payload, sink),
            Piece::Message { head, body } => self.message(at.now, &head, body, sink),
        });
        self.framer = framer;
        if let Err(fault) = fed {
            self.end(SessionError::Protocol(fault), sink);
        }
    }

    /// Takes a datagram of one of a track's UDP sockets.
    pub fn handle_udp(
        &mut self,
        at: Arrival,
        track: Track,
        channel: UdpChannel,
        data: &[u8],
        sink: &mut dyn FnMut(Event),
    ) {
        if let (false, Some(index)) = (self.is_ended(), self.slot_of(track)) {
            self.datagram(at, index, channel, data, sink);
        }
    }

    /// The connection was closed by the camera or broke.
    pub fn handle_closed(&mut self, sink: &mut dyn FnMut(Event)) {
        let during = self.step();
        self.end(SessionError::Closed { during }, sink);
    }

    /// Does what is due at `at`; call when [`poll_timeout`](Self::poll_timeout) has passed.
    pub fn handle_timeout(&mut self, at: Arrival, sink: &mut dyn FnMut(Event)) {
        if self.is_ended() {
            return;
        }
        self.release_late(at, sink);
        if self
            .in_flight
            .as_ref()
            .is_some_and(|r| r.deadline <= at.now)
        {
            self.in_flight = None;
            // A camera that sends is not given up for an unanswered keepalive.
            if self.state != State::Playing {
                let during = self.step();
                return self.end(SessionError::Timeout { during }, sink);
            }
        }
        match self.state {
            State::Playing => self.keep_playing(at.now, sink),
            State::Bind(_) | State::Connect(_) if self.sockets_until <= at.now => {
                let during = Step::Sockets;
                self.end(SessionError::Timeout { during }, sink);
            }
            _ => {}
        }
    }

    /// When to call [`handle_timeout`](Self::handle_timeout) next; nothing once it has ended.
    pub fn poll_timeout(&self) -> Option<Monotonic> {
        let requests = self.in_flight.as_ref().map(|request| request.deadline);
        let state = match self.state {
            State::Ended => return None,
            State::Playing => {
                let stall = self.last_video + STALL_TIMEOUT;
                Some(stall.min(self.keepalive_at).min(self.report_at))
            }
            State::Bind(_) | State::Connect(_) => Some(self.sockets_until),
            _ => None,
        };
        let late = self.slots.iter().filter_map(Slot::poll_timeout).min();
        [requests, state, late].into_iter().flatten().min()
    }

    /// The next thing to send.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.transmits.pop_front()
    }

    /// Answers [`Event::NeedUdp`]: sockets are bound to these local ports.
    pub fn udp_bound(&mut self, now: Monotonic, track: Track, rtp: u16, rtcp: u16) {
        if let State::Bind(index) = self.state
            && self.slot_of(track) == Some(index)
        {
            self.setup(now, index, super::transport::ask_udp(rtp, rtcp));
        }
    }

    /// Answers [`Event::UdpServerPorts`]: the sockets are connected.
    pub fn udp_connected(&mut self, now: Monotonic, track: Track, sink: &mut dyn FnMut(Event)) {
        if let State::Connect(index) = self.state
            && self.slot_of(track) == Some(index)
        {
            self.open_firewall(track);
            self.setup_next(now, index.saturating_add(1), sink);
        }
    }

    /// Says goodbye, as far as there is anything to end; then nothing more happens.
    pub fn close(&mut self, now: Monotonic) {
        let agreed = matches!(
            self.state,
            State::Setup(_) | State::Connect(_) | State::Play | State::Playing
        );
        if agreed && self.id.is_some() {
            self.request(now, Method::Teardown, self.base.clone(), String::new());
        }
        self.in_flight = None;
        self.state = State::Ended;
    }

    /// Whether nothing more will happen.
    pub fn is_ended(&self) -> bool {
        self.state == State::Ended
    }

    /// What has come in on a track; nothing for one that is not received.
    pub fn counters(&self, track: Track) -> Option<Counters> {
        let slot = self.slots.get(self.slot_of(track)?)?;
        Some(slot.receiver.counters())
    }

    /// What the session was asked for.
    pub const fn config(&self) -> &SessionConfig {
        &self.config
    }

    fn step(&self) -> Step {
        match self.state {
            State::Options => Step::Options,
            State::Describe => Step::Describe,
            State::Bind(_) | State::Connect(_) => Step::Sockets,
            State::Setup(_) => Step::Setup,
            State::Play => Step::Play,
            State::Playing | State::Ended => Step::Playing,
        }
    }

    fn slot_of(&self, track: Track) -> Option<usize> {
        self.slots
            .iter()
            .position(|slot| slot.receiver.track() == track)
    }

    fn end(&mut self, error: SessionError, sink: &mut dyn FnMut(Event)) {
        if !self.is_ended() {
            self.state = State::Ended;
            self.in_flight = None;
            sink(Event::Ended(error));
        }
    }

    /// Keepalive, reports, and whether the camera still sends.
    fn keep_playing(&mut self, now: Monotonic, sink: &mut dyn FnMut(Event)) {
        if now.since(self.last_video) >= STALL_TIMEOUT {
            return self.end(SessionError::Stalled, sink);
        }
        let undescribed = self
            .slots
            .first()
            .is_some_and(|s| !s.receiver.is_configured());
        if undescribed && now.since(self.playing_since) >= STALL_TIMEOUT {
            return self.end(SessionError::NoParameterSets, sink);
        }
        if self.keepalive_at <= now {
            self.keepalive_at = now + self.alive_for / 2;
            if self.in_flight.is_none() {
                self.request(now, self.keepalive, self.base.clone(), String::new());
            }
        }
        if self.report_at <= now {
            self.report_at = now + crate::rtp::rtcp::REPORT_INTERVAL;
            self.send_reports(now);
        }
    }
}

/// The event of a receiver's output.
fn event_of(track: Track, output: Output) -> Event {
    match output {
        Output::Config(config) => Event::Config { track, config },
        Output::Unit(unit) => Event::Unit(unit),
    }
}
