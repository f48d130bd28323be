//! Whole dialogues with cameras that are written down here as bytes.

use bartizan_domain::{Secret, UtcMillis};
use proptest::prelude::*;

use super::*;
use crate::rtp::testing;
use crate::rtsp::error::{AuthFailure, Fault};
use crate::url::Credentials;

const URL: &str = "rtsp://cam/stream?x=1";

const SDP: &str = "v=0\r\no=bad\r\na=control:*\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n\
    a=fmtp:96 packetization-mode=1;sprop-parameter-sets=Z0LAKNkAeAIn5cBEAAADAAQAAAMAyDxgySA=,aMuDyyA=\r\n\
    a=control:trackID=0\r\nm=audio 0 RTP/AVP 8\r\na=control:trackID=1\r\n";

/// A camera's side, and everything that came out of ours.
struct Bench {
    session: Session,
    now: Monotonic,
    events: Vec<Event>,
}

impl Bench {
    fn new(url: &str, transport: Transport) -> Self {
        let config = SessionConfig {
            url: RtspUrl::parse(url).unwrap(),
            transport,
            sound: true,
        };
        let now = Monotonic::from_start(Duration::from_secs(1));
        Self {
            session: Session::new(config, now),
            now,
            events: Vec::new(),
        }
    }

    fn at(&self) -> Arrival {
        let millis = u64::try_from(self.now.since_start().as_millis()).unwrap();
        Arrival {
            now: self.now,
            utc: UtcMillis(1_700_000_000_000 + millis),
        }
    }

    /// The next request as text.
    fn request(&mut self) -> String {
        match self.session.poll_transmit() {
            Some(Transmit::Tcp(bytes)) => String::from_utf8(bytes).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    fn expect(&mut self, start: &str) -> String {
        let request = self.request();
        assert!(request.starts_with(start), "{request}");
        request
    }

    fn feed(&mut self, bytes: &[u8]) {
        let (at, events) = (self.at(), &mut self.events);
        self.session
            .handle_tcp(at, bytes, &mut |event| events.push(event));
    }

    fn answer(&mut self, status: &str, fields: &str, body: &str) {
        let len = body.len();
        let text = format!("RTSP/1.0 {status}\r\n{fields}Content-Length: {len}\r\n\r\n{body}");
        self.feed(text.as_bytes());
    }

    fn ok(&mut self, fields: &str) {
        self.answer("200 OK", fields, "");
    }

    fn pass(&mut self, time: Duration) {
        self.now = self.now + time;
        let (at, events) = (self.at(), &mut self.events);
        self.session
            .handle_timeout(at, &mut |event| events.push(event));
    }

    fn ended(&self) -> Option<&SessionError> {
        match self.events.last() {
            Some(Event::Ended(error)) => Some(error),
            _ => None,
        }
    }

    /// Up to the described streams.
    fn describe(&mut self, sdp: &str) {
        self.expect("OPTIONS rtsp://cam/stream?x=1 RTSP/1.0\r\nCSeq: 1\r\n");
        self.ok("Public: DESCRIBE, GET_PARAMETER\r\n");
        self.expect("DESCRIBE ");
        self.answer("200 OK", "", sdp);
    }

    /// A session that plays video and sound over TCP.
    fn playing() -> Self {
        let mut bench = Self::new(URL, Transport::Tcp);
        bench.describe(SDP);
        let setup = bench.expect("SETUP rtsp://cam/stream?x=1/trackID=0 RTSP/1.0\r\n");
        assert!(setup.contains("Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n"));
        bench.ok("Session: abc;timeout=30\r\nTransport: RTP/AVP/TCP;interleaved=0-1\r\n");
        let setup = bench.expect("SETUP rtsp://cam/stream?x=1/trackID=1 RTSP/1.0\r\n");
        assert!(setup.contains("Session: abc\r\n"));
        bench.ok("Session: abc\r\nTransport: RTP/AVP/TCP;interleaved=4-5\r\n");
        bench.expect("PLAY rtsp://cam/stream?x=1 RTSP/1.0\r\n");
        bench.ok("Session: abc\r\n");
        assert_eq!(bench.events.last(), Some(&Event::Playing));
        bench
    }

    fn units(&self) -> Vec<&AccessUnit> {
        let events = self.events.iter();
        events
            .filter_map(|event| match event {
                Event::Unit(unit) => Some(unit),
                _ => None,
            })
            .collect()
    }
}

fn interleave(channel: u8, packet: &[u8]) -> Vec<u8> {
    let len = u16::try_from(packet.len()).unwrap().to_be_bytes();
    [&[b'$', channel], &len[..], packet].concat()
}

/// A video packet that is an access unit of its own.
fn video(sequence: u16, timestamp: u32) -> Vec<u8> {
    interleave(
        0,
        &testing::packet(true, sequence, timestamp, &[0x65, 0x88, 1, 2]),
    )
}

#[test]
fn a_camera_that_sends_before_play_is_configured_first() {
    let mut bench = Bench::new(URL, Transport::Tcp);
    bench.describe(SDP);
    bench.expect("SETUP ");
    bench.ok("Session: abc;timeout=30\r\nTransport: RTP/AVP/TCP;interleaved=0-1\r\n");
    for sequence in 1..4 {
        bench.feed(&video(sequence, 3_600 * u32::from(sequence)));
    }
    let first = |found: fn(&Event) -> bool| bench.events.iter().position(found).unwrap();
    let config = first(|event| matches!(event, Event::Config { .. }));
    assert!(config < first(|event| matches!(event, Event::Unit(_))));
}

#[test]
fn a_plain_session_delivers_both_tracks() {
    let mut bench = Bench::playing();
    let configs: Vec<_> = bench
        .events
        .iter()
        .filter(|e| matches!(e, Event::Config { .. }))
        .collect();
    assert_eq!(configs.len(), 2);
    for n in 0..4 {
        bench.feed(&video(n, u32::from(n) * 3_600));
        bench.feed(&interleave(
            4,
            &testing::packet(false, n, u32::from(n) * 160, b"pcm"),
        ));
    }
    let count = |track| bench.units().iter().filter(|u| u.track == track).count();
    assert_eq!((count(Track::Video), count(Track::Audio)), (4, 4));
    assert_eq!(bench.session.counters(Track::Video).unwrap().packets, 4);
    bench.session.close(bench.now);
    bench.expect("TEARDOWN ");
    assert!(bench.session.is_ended());
}

#[test]
fn data_before_the_answer_to_play_is_taken() {
    let mut bench = Bench::new(URL, Transport::Tcp);
    bench.describe(SDP.split("m=audio").next().unwrap());
    bench.expect("SETUP ");
    bench.ok("Session: 1\r\nTransport: RTP/AVP/TCP;interleaved=0-1\r\n");
    bench.expect("PLAY ");
    let stream = [
        video(1, 0),
        video(2, 3_600),
        b"\r\nRTSP/1.0 200 OK\r\n\r\n".to_vec(),
    ]
    .concat();
    bench.feed(&stream);
    assert_eq!(bench.units().len(), 1);
    assert_eq!(bench.events.last(), Some(&Event::Playing));
}

#[test]
fn digest_and_basic_are_answered_once() {
    for (challenge, start) in [
        (
            "Digest realm=\"r\", nonce=\"n\", qop=\"auth\"",
            "Authorization: Digest username=\"u\"",
        ),
        ("Basic realm=\"r\"", "Authorization: Basic dTpw"),
    ] {
        let mut bench = Bench::new("rtsp://u:p@cam/", Transport::Tcp);
        let first = bench.expect("OPTIONS rtsp://cam/ ");
        assert!(!first.contains("Authorization"));
        let field = format!("WWW-Authenticate: {challenge}\r\n");
        bench.answer("401 Unauthorized", &field, "");
        let second = bench.expect("OPTIONS ");
        assert!(second.contains(start), "{second}");
        bench.ok("");
        assert!(bench.expect("DESCRIBE ").contains(start));
        bench.answer("401 Unauthorized", &field, "");
        bench.expect("DESCRIBE ");
        bench.answer("401 Unauthorized", &field, "");
        let refused = SessionError::Unauthorized(AuthFailure::Refused);
        assert_eq!(bench.ended(), Some(&refused));
    }
}

#[test]
fn a_stale_nonce_gets_another_try() {
    let mut bench = Bench::new("rtsp://u:p@cam/", Transport::Tcp);
    bench.expect("OPTIONS ");
    for nonce in ["a", "b"] {
        let field =
            format!("WWW-Authenticate: Digest realm=\"r\", nonce=\"{nonce}\", stale=true\r\n");
        bench.answer("401 Unauthorized", &field, "");
        let again = bench.expect("OPTIONS ");
        assert!(again.contains(&format!("nonce=\"{nonce}\"")));
    }
    bench.answer(
        "401 Unauthorized",
        "WWW-Authenticate: Digest realm=\"r\", nonce=\"c\", stale=true\r\n",
        "",
    );
    assert!(bench.ended().is_some());
}

#[test]
fn missing_credentials_are_asked_for() {
    let mut bench = Bench::new(URL, Transport::Tcp);
    bench.answer(
        "401 Unauthorized",
        "WWW-Authenticate: Basic realm=\"r\"\r\n",
        "",
    );
    let missing = SessionError::Unauthorized(AuthFailure::NoCredentials);
    assert_eq!(bench.ended(), Some(&missing));
}

#[test]
fn a_camera_without_options_is_described_all_the_same() {
    let mut bench = Bench::new(URL, Transport::Tcp);
    bench.expect("OPTIONS ");
    bench.answer("501 Not Implemented", "", "");
    bench.expect("DESCRIBE ");
}

#[test]
fn redirections_are_followed_on_the_same_server_only() {
    let mut bench = Bench::new("rtsp://u:p@cam/a", Transport::Tcp);
    bench.ok("");
    bench.answer("302 Moved", "Location: rtsp://CAM:554/b\r\n", "");
    bench.expect("OPTIONS ");
    bench.expect("DESCRIBE rtsp://cam/a ");
    bench.expect("DESCRIBE rtsp://CAM:554/b ");
    bench.answer("301 Moved", "Location: rtsp://x:y@evil/b\r\n", "");
    let Some(SessionError::Redirected { to }) = bench.ended() else {
        panic!()
    };
    assert_eq!((to.host(), to.credentials()), ("evil", None));
}

#[test]
fn redirections_in_circles_end() {
    let mut bench = Bench::new(URL, Transport::Tcp);
    bench.ok("");
    for _ in 0..=MAX_REDIRECTS {
        bench.answer("302 Moved", "Location: rtsp://cam/stream\r\n", "");
    }
    let fault = Fault::TooManyRedirects;
    assert_eq!(bench.ended(), Some(&SessionError::Protocol(fault)));
    let mut bench = Bench::new(URL, Transport::Tcp);
    bench.ok("");
    bench.answer("302 Moved", "", "");
    assert_eq!(
        bench.ended(),
        Some(&SessionError::Protocol(Fault::BadLocation))
    );
}

#[test]
fn refusals_are_told_apart() {
    for (status, expected) in [
        ("403 Forbidden", SessionError::Forbidden),
        ("404 Not Found", SessionError::NotFound),
        (
            "503 Busy",
            SessionError::Protocol(Fault::Status {
                code: 503,
                step: Step::Describe,
            }),
        ),
    ] {
        let mut bench = Bench::new(URL, Transport::Tcp);
        bench.ok("");
        bench.answer(status, "", "");
        assert_eq!(bench.ended(), Some(&expected));
    }
    let mut bench = Bench::new(URL, Transport::Tcp);
    bench.describe("m=video 0 RTP/AVP 26\r\n");
    let Some(SessionError::UnsupportedVideo { encoding }) = bench.ended() else {
        panic!()
    };
    assert_eq!(encoding.as_str(), "JPEG");
}

#[test]
fn bases_and_controls_are_resolved_as_cameras_mean_them() {
    for (fields, control, expected) in [
        (
            "Content-Base: rtsp://1.2.3.4/live/\r\n",
            "trackID=0",
            "rtsp://1.2.3.4/live/trackID=0",
        ),
        (
            "Content-Base: rtsp://0.0.0.0/live/\r\n",
            "t",
            "rtsp://cam/stream?x=1/t",
        ),
        (
            "Content-Base: nonsense\r\n",
            "/t",
            "rtsp://cam/stream?x=1/t",
        ),
        (
            "",
            "RTSP://1.2.3.4:8554/abs/t?y",
            "RTSP://1.2.3.4:8554/abs/t?y",
        ),
        (
            "Content-Location: rtsp://cam/other\r\n",
            "",
            "rtsp://cam/other",
        ),
        ("", "*", "rtsp://cam/stream?x=1"),
    ] {
        let mut bench = Bench::new(URL, Transport::Tcp);
        bench.request();
        bench.ok("");
        bench.request();
        let sdp = format!("m=video 0 RTP/AVP 96\na=rtpmap:96 H264/90000\na=control:{control}\n");
        bench.answer("200 OK", fields, &sdp);
        bench.expect(&format!("SETUP {expected} RTSP/1.0\r\n"));
    }
}

#[test]
fn sound_that_is_refused_leaves_the_video() {
    let mut bench = Bench::new(URL, Transport::Tcp);
    bench.describe(SDP);
    bench.expect("SETUP ");
    bench.ok("Session: 1\r\n");
    bench.expect("SETUP ");
    bench.answer("451 Parameter Not Understood", "", "");
    bench.expect("PLAY ");
    bench.ok("");
    assert_eq!(bench.events.last(), Some(&Event::Playing));
    assert_eq!(bench.session.counters(Track::Audio), None);
}

#[test]
fn a_camera_that_names_one_channel_twice_is_asked_for_ours() {
    let mut bench = Bench::new(URL, Transport::Tcp);
    bench.describe(SDP);
    bench.ok("Session: 1\r\nTransport: RTP/AVP/TCP;interleaved=0-1\r\n");
    bench.ok("Session: 1\r\nTransport: RTP/AVP/TCP;interleaved=0-1\r\n");
    bench.ok("");
    bench.feed(&interleave(2, &testing::packet(false, 1, 1, b"pcm")));
    assert_eq!(bench.units().len(), 1);
}

#[test]
fn silence_at_any_step_is_a_timeout() {
    let mut bench = Bench::new(URL, Transport::Tcp);
    let due = bench.session.poll_timeout().unwrap();
    assert_eq!(due.since(bench.now), REQUEST_TIMEOUT);
    bench.pass(REQUEST_TIMEOUT);
    let during = Step::Options;
    assert_eq!(bench.ended(), Some(&SessionError::Timeout { during }));
    assert_eq!(bench.session.poll_timeout(), None);
}

#[test]
fn keepalives_go_out_at_half_the_timeout_and_may_stay_unanswered() {
    let mut bench = Bench::playing();
    for round in 0..3_u16 {
        for second in 0..15 {
            bench.feed(&video(round * 15 + second, 0));
            bench.pass(Duration::from_secs(1));
        }
        let sent: Vec<_> = std::iter::from_fn(|| bench.session.poll_transmit()).collect();
        let keepalive = sent
            .iter()
            .any(|t| matches!(t, Transmit::Tcp(b) if b.starts_with(b"GET_P")));
        assert!(keepalive, "{sent:?}");
        let reports = sent
            .iter()
            .filter(|t| matches!(t, Transmit::Tcp(b) if b[..2] == *b"$\x01"));
        assert_eq!(reports.count(), 3);
    }
    assert_eq!(bench.ended(), None);
    bench.answer("551 Option not supported", "CSeq: 77\r\n", "");
    for second in 50..66 {
        bench.feed(&video(second, 0));
        bench.pass(Duration::from_secs(1));
    }
    let sent: Vec<_> = std::iter::from_fn(|| bench.session.poll_transmit()).collect();
    assert!(
        sent.iter()
            .any(|t| matches!(t, Transmit::Tcp(b) if b.starts_with(b"OPTIONS")))
    );
}

#[test]
fn a_camera_that_stops_is_stalled() {
    let mut bench = Bench::playing();
    bench.pass(Duration::from_secs(9));
    assert_eq!(bench.ended(), None);
    bench.pass(Duration::from_secs(1));
    assert_eq!(bench.ended(), Some(&SessionError::Stalled));
}

#[test]
fn video_that_nobody_can_decode_ends() {
    let mut bench = Bench::new(URL, Transport::Tcp);
    bench.describe("m=video 0 RTP/AVP 96\na=rtpmap:96 H264/90000\n");
    bench.ok("");
    bench.ok("");
    for n in 0..11 {
        bench.feed(&video(n, u32::from(n) * 90_000));
        bench.pass(Duration::from_secs(1));
    }
    assert_eq!(bench.ended(), Some(&SessionError::NoParameterSets));
}

#[test]
fn a_goodbye_or_a_closed_connection_ends() {
    let mut bench = Bench::playing();
    bench.feed(&video(1, 0));
    bench.feed(&interleave(1, &[0x81, 203, 0, 1, 0x12, 0x34, 0x56, 0x78]));
    let during = Step::Playing;
    assert_eq!(bench.ended(), Some(&SessionError::Closed { during }));
    let mut bench = Bench::new(URL, Transport::Tcp);
    let events = &mut bench.events;
    bench.session.handle_closed(&mut |event| events.push(event));
    let during = Step::Options;
    assert_eq!(bench.ended(), Some(&SessionError::Closed { during }));
}

#[test]
fn the_camera_may_ask_whether_we_live() {
    let mut bench = Bench::playing();
    bench.feed(b"OPTIONS rtsp://cam/ RTSP/1.0\r\nCSeq: 41\r\n\r\n");
    bench.expect("RTSP/1.0 200 OK\r\nCSeq: 41\r\n");
    for _ in 0..100 {
        bench.feed(b"ANNOUNCE rtsp://cam/ RTSP/1.0\r\nCSeq: 42\r\n\r\n");
    }
    bench.expect("RTSP/1.0 501 ");
    assert!(std::iter::from_fn(|| bench.session.poll_transmit()).count() < 20);
}

#[test]
fn times_follow_rtp_info_when_it_names_every_track() {
    let mut bench = Bench::new(URL, Transport::Tcp);
    bench.describe(SDP);
    bench.ok("Session: 1\r\nTransport: RTP/AVP/TCP;interleaved=0-1\r\n");
    bench.ok("Session: 1\r\nTransport: RTP/AVP/TCP;interleaved=2-3\r\n");
    bench.ok("RTP-Info: url=rtsp://other/x/trackID=1;seq=1;rtptime=1000,url=trackID=0;seq=5;rtptime=9000\r\n");
    bench.feed(&interleave(2, &testing::packet(false, 1, 1_080, b"pcm")));
    bench.feed(&video(5, 9_900));
    bench.feed(&video(6, 13_500));
    let pts: Vec<_> = bench.units().iter().map(|unit| unit.pts).collect();
    assert_eq!(pts, [80, 900]);
}

#[test]
fn udp_asks_for_sockets_and_restores_order() {
    let mut bench = Bench::new(URL, Transport::Udp);
    bench.describe(SDP.split("m=audio").next().unwrap());
    let track = Track::Video;
    assert_eq!(bench.events.last(), Some(&Event::NeedUdp { track }));
    bench.session.udp_bound(bench.now, track, 5_000, 5_001);
    let setup = bench.expect("SETUP ");
    assert!(setup.contains("Transport: RTP/AVP;unicast;client_port=5000-5001\r\n"));
    bench.ok("Session: 1\r\nTransport: RTP/AVP;source=9.9.9.9;server_port=6970-6971\r\n");
    let ports = Event::UdpServerPorts {
        track,
        rtp: 6_970,
        rtcp: 6_971,
    };
    assert_eq!(bench.events.last(), Some(&ports));
    let events = &mut bench.events;
    bench
        .session
        .udp_connected(bench.now, track, &mut |event| events.push(event));
    assert!(matches!(
        bench.session.poll_transmit(),
        Some(Transmit::Udp { .. })
    ));
    assert!(matches!(
        bench.session.poll_transmit(),
        Some(Transmit::Udp { .. })
    ));
    bench.expect("PLAY ");
    bench.ok("");
    for n in [0, 2, 1, 3, 5_u16] {
        let packet = testing::packet(true, n, u32::from(n) * 3_600, &[0x65, 0x88, 1]);
        let (at, events) = (bench.at(), &mut bench.events);
        let sink = &mut |event| events.push(event);
        bench
            .session
            .handle_udp(at, track, UdpChannel::Rtp, &packet, sink);
    }
    assert_eq!(bench.units().len(), 4);
    bench.pass(Duration::from_millis(100));
    let last = bench.units().last().map(|unit| unit.lost_packets);
    assert_eq!((bench.units().len(), last), (5, Some(1)));
    bench.pass(Duration::from_secs(5));
    let report = bench.session.poll_transmit();
    let channel = UdpChannel::Rtcp;
    assert!(matches!(report, Some(Transmit::Udp { channel: c, .. }) if c == channel));
}

#[test]
fn udp_without_ports_or_sockets_ends() {
    let mut bench = Bench::new(URL, Transport::Udp);
    bench.describe(SDP);
    bench.pass(REQUEST_TIMEOUT);
    let during = Step::Sockets;
    assert_eq!(bench.ended(), Some(&SessionError::Timeout { during }));
    let mut bench = Bench::new(URL, Transport::Udp);
    bench.describe(SDP);
    bench
        .session
        .udp_bound(bench.now, Track::Video, 5_000, 5_001);
    bench.ok("Session: 1\r\nTransport: RTP/AVP;unicast\r\n");
    assert_eq!(
        bench.ended(),
        Some(&SessionError::Protocol(Fault::NoServerPorts))
    );
}

#[test]
fn rtsps_never_uses_udp() {
    let bench = Bench::new("rtsps://cam/", Transport::Udp);
    assert_eq!(bench.session.config().transport, Transport::Tcp);
}

#[test]
fn nothing_private_is_printed_when_debugging() {
    let mut bench = Bench::new("rtsp://u:hunter2@cam/", Transport::Tcp);
    bench.answer(
        "401 Unauthorized",
        "WWW-Authenticate: Basic realm=\"r\"\r\n",
        "",
    );
    let config = SessionConfig {
        url: RtspUrl::parse("rtsp://u:hunter2@cam/").unwrap(),
        transport: Transport::Tcp,
        sound: false,
    };
    let credentials = Credentials::new("u".to_owned(), Secret::new("hunter2".to_owned()));
    let printed = format!("{config:?} {credentials:?} {:?}", bench.session.config);
    assert!(!printed.contains("hunter2"), "{printed}");
}

fn any_piece() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..40),
        (0..6_u8, proptest::collection::vec(any::<u8>(), 0..40))
            .prop_map(|(channel, packet)| interleave(channel, &packet)),
        (
            0..6_u8,
            any::<bool>(),
            any::<u16>(),
            any::<u32>(),
            proptest::collection::vec(any::<u8>(), 0..40)
        )
            .prop_map(|(channel, marker, sequence, timestamp, payload)| {
                interleave(
                    channel,
                    &testing::packet(marker, sequence, timestamp, &payload),
                )
            }),
        ("(200|302|401|454|500)", "[ -~]{0,30}").prop_map(|(status, value)| {
            let fields = [
                "Session",
                "Transport",
                "WWW-Authenticate",
                "Location",
                "RTP-Info",
            ];
            let fields = fields.map(|name| format!("{name}: {value}\r\n")).concat();
            format!("RTSP/1.0 {status} x\r\n{fields}\r\n").into_bytes()
        }),
        Just(
            format!(
                "RTSP/1.0 200 OK\r\nContent-Length: {}\r\n\r\n{SDP}",
                SDP.len()
            )
            .into_bytes()
        ),
    ]
}

proptest! {
    #[test]
    fn random_cameras_never_panic(
        pieces in proptest::collection::vec((any_piece(), 0..3_000_u64), 0..40),
        udp: bool,
        playing: bool,
    ) {
        let transport = if udp { Transport::Udp } else { Transport::Tcp };
        let mut bench = if playing {
            Bench::playing()
        } else {
            Bench::new("rtsp://u:p@cam/", transport)
        };
        for (piece, millis) in pieces {
            bench.feed(&piece);
            bench.session.udp_bound(bench.now, Track::Video, 1, 2);
            bench.pass(Duration::from_millis(millis));
            let events = &mut bench.events;
            bench.session.udp_connected(bench.now, Track::Video, &mut |e| events.push(e));
            while bench.session.poll_transmit().is_some() {}
        }
        let ends = bench.events.iter().filter(|e| matches!(e, Event::Ended(_))).count();
        prop_assert!(ends <= 1);
    }
}
