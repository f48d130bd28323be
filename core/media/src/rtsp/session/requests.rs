//! Requests and answers of a session, step by step.

use std::time::Duration;

use bartizan_domain::Monotonic;

use super::media::Slot;
use super::{Event, MAX_REDIRECTS, REQUEST_TIMEOUT, Session, State, Transmit};
use crate::rtsp::auth::Answerer;
use crate::rtsp::error::{AuthFailure, Fault, SessionError};
use crate::rtsp::message::{self, Fields, Head};
use crate::rtsp::offer;
use crate::rtsp::transport::{self, Agreed, Transport};
use crate::sdp::Description;
use crate::url::RtspUrl;

/// Longest session id that is kept.
const MAX_SESSION_ID: usize = 256;

/// Longest address that a camera may name, in bytes.
const MAX_URI: usize = 4_096;

/// Shortest and longest session timeout that are believed.
const SESSION_TIMEOUTS: (Duration, Duration) = (Duration::from_secs(10), Duration::from_hours(1));

/// What is asked of a camera.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    Describe,
    GetParameter,
    Options,
    Play,
    Setup,
    Teardown,
}

impl Method {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Describe => "DESCRIBE",
            Self::GetParameter => "GET_PARAMETER",
            Self::Options => "OPTIONS",
            Self::Play => "PLAY",
            Self::Setup => "SETUP",
            Self::Teardown => "TEARDOWN",
        }
    }
}

/// What a camera answers.
#[derive(Clone, Copy)]
struct Answer<'a> {
    status: u16,
    fields: &'a Fields,
    body: &'a [u8],
}

/// A request that waits for its answer.
#[derive(Debug)]
pub(super) struct InFlight {
    method: Method,
    uri: String,
    /// Value of `Transport`, for SETUP.
    transport: String,
    /// Challenges that were answered for it.
    answered: u8,
    pub(super) deadline: Monotonic,
}

impl Session {
    /// Queues a request; `transport` is empty but for SETUP.
    pub(super) fn request(
        &mut self,
        now: Monotonic,
        method: Method,
        uri: String,
        transport: String,
    ) {
        self.send(InFlight {
            method,
            uri,
            transport,
            answered: 0,
            deadline: now + REQUEST_TIMEOUT,
        });
    }

    fn send(&mut self, request: InFlight) {
        self.cseq = self.cseq.wrapping_add(1);
        let cseq = self.cseq.to_string();
        let method = request.method.as_str();
        let authorization = match (&mut self.auth, self.config.url.credentials()) {
            (Some(auth), Some(credentials)) => auth.answer(credentials, method, &request.uri).ok(),
            _ => None,
        };
        let mut fields = vec![("CSeq", cseq.as_str()), ("User-Agent", "Bartizan")];
        if let Some(id) = &self.id {
            fields.push(("Session", id));
        }
        if let Some(authorization) = &authorization {
            fields.push(("Authorization", authorization));
        }
        match request.method {
            Method::Describe => fields.push(("Accept", "application/sdp")),
            Method::Play => fields.push(("Range", "npt=0.000-")),
            Method::Setup => fields.push(("Transport", &request.transport)),
            Method::GetParameter | Method::Options | Method::Teardown => {}
        }
        let bytes = message::write_request(method, &request.uri, &fields);
        self.transmits.push_back(Transmit::Tcp(bytes));
        self.in_flight = Some(request);
    }

    /// Takes a message of the camera.
    pub(super) fn message(
        &mut self,
        now: Monotonic,
        head: &Head,
        body: &[u8],
        sink: &mut dyn FnMut(Event),
    ) {
        if self.is_ended() {
            return;
        }
        match head {
            Head::Request { method, fields } => self.answer(method, fields),
            Head::Response { status, fields } => {
                let answer = Answer {
                    status: *status,
                    fields,
                    body,
                };
                if let Some(request) = self.in_flight.take()
                    && let Err(error) = self.response(now, request, answer, sink)
                {
                    self.end(error, sink);
                }
            }
        }
    }

    /// Answers a camera that asks whether we are still there; anything else is not done.
    fn answer(&mut self, method: &str, fields: &Fields) {
        let (status, reason) = match method {
            "GET_PARAMETER" | "OPTIONS" | "SET_PARAMETER" => (200, "OK"),
            _ => (501, "Not Implemented"),
        };
        // A camera that asks without end does not fill the queue.
        if self.transmits.len() < 16 {
            let answer = message::write_response(status, reason, fields.get("CSeq"));
            self.transmits.push_back(Transmit::Tcp(answer));
        }
    }

    fn response(
        &mut self,
        now: Monotonic,
        request: InFlight,
        answer: Answer<'_>,
        sink: &mut dyn FnMut(Event),
    ) -> Result<(), SessionError> {
        let Answer {
            status,
            fields,
            body,
        } = answer;
        match status {
            // Interim answers (RFC 2326 §7.1.1).
            100..=199 => {
                self.in_flight = Some(request);
                return Ok(());
            }
            401 => return self.challenged(request, fields),
            300..=399 if self.state == State::Describe => return self.redirected(now, fields),
            _ => {}
        }
        let good = (200..=299).contains(&status);
        match self.state {
            State::Options => {
                if good {
                    self.note_public(fields);
                }
                self.state = State::Describe;
                self.request(now, Method::Describe, self.base.clone(), String::new());
                Ok(())
            }
            State::Describe if good => self.described(now, fields, body, sink),
            State::Setup(index) if good => self.agreed(now, index, fields, sink),
            State::Setup(index) if index > 0 => {
                // Video alone is better than nothing.
                self.drop_slot(index);
                self.setup_next(now, index, sink);
                Ok(())
            }
            State::Play if good => {
                self.played(now, fields, sink);
                Ok(())
            }
            State::Playing if good => Ok(()),
            State::Playing if status != 454 => {
                self.keepalive = Method::Options;
                Ok(())
            }
            _ => Err(self.refusal(status)),
        }
    }

    fn refusal(&self, status: u16) -> SessionError {
        match status {
            403 => SessionError::Forbidden,
            404 => SessionError::NotFound,
            461 => SessionError::Protocol(Fault::TransportRefused),
            code => {
                let step = self.step();
                SessionError::Protocol(Fault::Status { code, step })
            }
        }
    }

    /// 401: answers the challenge and asks again, once, and once more if only the nonce was stale.
    fn challenged(&mut self, mut request: InFlight, fields: &Fields) -> Result<(), SessionError> {
        let refused = |failure| Err(SessionError::Unauthorized(failure));
        if self.config.url.credentials().is_none() {
            return refused(AuthFailure::NoCredentials);
        }
        let auth = Answerer::new(fields.all("WWW-Authenticate"));
        let auth = auth.map_err(SessionError::Unauthorized)?;
        let again = request.answered == 0 || (request.answered == 1 && auth.is_stale());
        if !again {
            return refused(AuthFailure::Refused);
        }
        request.answered = request.answered.saturating_add(1);
        self.auth = Some(auth);
        self.send(request);
        Ok(())
    }

    /// Follows within the same server; elsewhere is the caller's decision.
    fn redirected(&mut self, now: Monotonic, fields: &Fields) -> Result<(), SessionError> {
        let location = fields.get("Location").unwrap_or_default();
        let bad = |_| SessionError::Protocol(Fault::BadLocation);
        let to = RtspUrl::parse(location).map_err(bad)?;
        let to = to.with_credentials(None);
        if !to.same_server(&self.config.url) {
            let to = Box::new(to);
            return Err(SessionError::Redirected { to });
        }
        self.redirects = self.redirects.saturating_add(1);
        if self.redirects > MAX_REDIRECTS {
            return Err(SessionError::Protocol(Fault::TooManyRedirects));
        }
        self.base = to.request_uri();
        self.request(now, Method::Describe, self.base.clone(), String::new());
        Ok(())
    }

    fn note_public(&mut self, fields: &Fields) {
        let mut methods = fields.all("Public").flat_map(|value| value.split(','));
        if methods.any(|method| method.trim().eq_ignore_ascii_case("GET_PARAMETER")) {
            self.keepalive = Method::GetParameter;
        }
    }

    fn described(
        &mut self,
        now: Monotonic,
        fields: &Fields,
        body: &[u8],
        sink: &mut dyn FnMut(Event),
    ) -> Result<(), SessionError> {
        let description = Description::parse(body);
        let choice = offer::choose(&description, self.config.sound)?;
        let named = fields
            .get("Content-Base")
            .or(fields.get("Content-Location"));
        // RFC 2326 §C.1.1; an unusable base is passed over.
        let base = named.filter(|base| is_usable(base)).unwrap_or(&self.base);
        let base = base.to_owned();
        let tracks = choice.chosen.into_iter().map(|chosen| {
            let uri = resolve(&base, chosen.control.as_deref());
            Slot::new(uri, chosen.receiver)
        });
        self.slots = tracks.collect();
        self.base = resolve(&base, description.control.as_deref());
        self.offers = choice.offers;
        sink(Event::Described {
            tracks: self.offers.clone(),
            auth: self.auth.as_ref().map(Answerer::scheme),
        });
        self.setup_next(now, 0, sink);
        Ok(())
    }

    /// Goes on with the track of slot `index`, or with PLAY behind the last one.
    pub(super) fn setup_next(&mut self, now: Monotonic, index: usize, sink: &mut dyn FnMut(Event)) {
        let Some(slot) = self.slots.get(index) else {
            return self.play(now, sink);
        };
        match self.config.transport {
            Transport::Tcp => {
                let ask = transport::ask_tcp(asked_channel(index));
                self.setup(now, index, ask);
            }
            Transport::Udp => {
                self.state = State::Bind(index);
                self.sockets_until = now + REQUEST_TIMEOUT;
                let track = slot.receiver.track();
                sink(Event::NeedUdp { track });
            }
        }
    }

    pub(super) fn setup(&mut self, now: Monotonic, index: usize, transport: String) {
        if let Some(slot) = self.slots.get(index) {
            self.state = State::Setup(index);
            self.request(now, Method::Setup, slot.uri.clone(), transport);
        }
    }

    /// The camera agreed to a track's transport.
    fn agreed(
        &mut self,
        now: Monotonic,
        index: usize,
        fields: &Fields,
        sink: &mut dyn FnMut(Event),
    ) -> Result<(), SessionError> {
        self.note_session(fields);
        let agreed = Agreed::parse(fields.get("Transport").unwrap_or_default());
        let refused = SessionError::Protocol(Fault::TransportRefused);
        let udp = self.config.transport == Transport::Udp;
        let interleaved = agreed.interleaved.is_some() || agreed.tcp || !udp;
        if agreed.server_ports.is_some() && (!udp || agreed.tcp) {
            return Err(refused);
        }
        let taken: Vec<_> = self.slots.iter().filter_map(|slot| slot.channels).collect();
        let slot = self.slots.get_mut(index).ok_or(refused)?;
        if interleaved {
            let first = asked_channel(index);
            let asked = (first, first.saturating_add(1));
            let named = agreed.interleaved.filter(|named| !taken.contains(named));
            slot.channels = Some(named.unwrap_or(asked));
            self.setup_next(now, index.saturating_add(1), sink);
            return Ok(());
        }
        let ports = agreed.server_ports;
        let (rtp, rtcp) = ports.ok_or(SessionError::Protocol(Fault::NoServerPorts))?;
        let track = slot.receiver.track();
        self.state = State::Connect(index);
        self.sockets_until = now + REQUEST_TIMEOUT;
        sink(Event::UdpServerPorts { track, rtp, rtcp });
        Ok(())
    }

    /// `Session: <id>[;timeout=<seconds>]` (RFC 2326 §12.37).
    fn note_session(&mut self, fields: &Fields) {
        let Some(field) = fields.get("Session") else {
            return;
        };
        let mut parts = field.split(';').map(str::trim);
        let id = parts.next().unwrap_or_default();
        if !id.is_empty() && id.len() <= MAX_SESSION_ID {
            self.id = Some(id.to_owned());
        }
        let timeout = parts.find_map(|part| {
            let (name, value) = part.split_once('=')?;
            let seconds = value.trim().parse().ok()?;
            (name.trim().eq_ignore_ascii_case("timeout")).then(|| Duration::from_secs(seconds))
        });
        if let Some(timeout) = timeout {
            let (shortest, longest) = SESSION_TIMEOUTS;
            self.alive_for = timeout.clamp(shortest, longest);
        }
    }

    fn drop_slot(&mut self, index: usize) {
        if index < self.slots.len() {
            self.slots.remove(index);
        }
    }

    /// Every track is agreed on: tells what is known of them and asks for their packets.
    fn play(&mut self, now: Monotonic, sink: &mut dyn FnMut(Event)) {
        for slot in &mut self.slots {
            slot.tell_config(sink);
        }
        self.state = State::Play;
        self.request(now, Method::Play, self.base.clone(), String::new());
    }

    fn played(&mut self, now: Monotonic, fields: &Fields, sink: &mut dyn FnMut(Event)) {
        self.note_session(fields);
        if let Some(info) = fields.get("RTP-Info") {
            self.note_origins(info);
        }
        self.state = State::Playing;
        self.playing_since = now;
        self.last_video = now;
        self.keepalive_at = now + self.alive_for / 2;
        self.report_at = now + crate::rtp::rtcp::REPORT_INTERVAL;
        sink(Event::Playing);
    }

    /// `RTP-Info` (RFC 2326 §12.33) puts all tracks on one line, if it names every one of them.
    fn note_origins(&mut self, info: &str) {
        let times: Vec<_> = info.split("url=").skip(1).filter_map(rtp_time).collect();
        let find = |(index, slot): (usize, &Slot)| {
            let named = times.iter().find(|(uri, _)| same_track(&slot.uri, uri));
            let by_place = (times.len() == self.slots.len()).then(|| times.get(index));
            named.or(by_place.flatten()).map(|(_, time)| *time)
        };
        let origins: Option<Vec<u32>> = self.slots.iter().enumerate().map(find).collect();
        for (slot, origin) in self.slots.iter_mut().zip(origins.unwrap_or_default()) {
            slot.receiver.set_origin(origin);
        }
    }
}

/// The channel that is asked for a slot's media.
fn asked_channel(index: usize) -> u8 {
    u8::try_from(index).map_or(0, |index| index.saturating_mul(2))
}

/// One entry of `RTP-Info` behind its `url=`: the track and its timestamp.
fn rtp_time(entry: &str) -> Option<(&str, u32)> {
    let (uri, rest) = entry.split_once(';')?;
    let mut parts = rest
        .split([';', ','])
        .filter_map(|part| part.split_once('='));
    let (_, value) = parts.find(|(name, _)| name.trim() == "rtptime")?;
    Some((uri.trim_matches(['"', ' ']), value.trim().parse().ok()?))
}

/// Whether two addresses name the same track, though one may be relative or name another host.
fn same_track(ours: &str, theirs: &str) -> bool {
    let name = |uri: &str| {
        uri.trim_end_matches('/')
            .rsplit('/')
            .next()
            .map(str::to_owned)
    };
    ours == theirs || (!theirs.is_empty() && name(ours) == name(theirs))
}

/// Whether `base` is an address with a host that can be meant.
fn is_usable(base: &str) -> bool {
    let url = RtspUrl::parse(base);
    url.is_ok_and(|url| !matches!(url.host(), "0.0.0.0" | "::"))
}

/// The address of a control attribute. Relative ones are appended, query or not: that is what cameras
/// are made for, whatever RFC 2326 §C.1.1 says.
fn resolve(base: &str, control: Option<&str>) -> String {
    let control = control.unwrap_or_default().trim();
    let absolute = control
        .get(..7)
        .is_some_and(|s| s.eq_ignore_ascii_case("rtsp://"))
        || control
            .get(..8)
            .is_some_and(|s| s.eq_ignore_ascii_case("rtsps://"));
    let joined = match control {
        "" | "*" => base.to_owned(),
        _ if absolute => control.to_owned(),
        _ => {
            let (base, control) = (base.trim_end_matches('/'), control.trim_start_matches('/'));
            format!("{base}/{control}")
        }
    };
    let printable = |c: &char| c.is_ascii_graphic();
    joined.chars().filter(printable).take(MAX_URI).collect()
}
