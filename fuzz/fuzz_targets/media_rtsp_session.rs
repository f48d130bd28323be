//! A whole session with a camera that says anything, over TCP and UDP, with time passing.
#![no_main]

use std::time::Duration;

use bartizan_domain::limits::MAX_ACCESS_UNIT;
use bartizan_domain::{Monotonic, Track, UtcMillis};
use bartizan_media::rtp::Arrival;
use bartizan_media::rtsp::{Event, Session, SessionConfig, Transmit, Transport, UdpChannel};
use bartizan_media::url::RtspUrl;
use libfuzzer_sys::fuzz_target;

/// What has come out of the session so far.
#[derive(Default)]
struct Seen {
    pending: Vec<Event>,
    configured: [bool; 4],
    last: [Option<i64>; 4],
    ended: bool,
}

impl Seen {
    fn take(&mut self, event: Event) {
        assert!(!self.ended, "something came after the end: {event:?}");
        match &event {
            Event::Config { track, .. } => self.configured[usize::from(track.code())] = true,
            Event::Unit(unit) => {
                let track = usize::from(unit.track.code());
                assert!(
                    self.configured[track],
                    "a unit came before its configuration"
                );
                assert!(unit.data.len() <= MAX_ACCESS_UNIT && !unit.data.is_empty());
                assert!(unit.dts <= unit.pts);
                assert!(
                    self.last[track].is_none_or(|last| last <= unit.dts),
                    "time goes back"
                );
                self.last[track] = Some(unit.dts);
            }
            Event::Ended(_) => self.ended = true,
            _ => {}
        }
        self.pending.push(event);
    }
}

fn answer(session: &mut Session, now: Monotonic, seen: &mut Seen) {
    for event in std::mem::take(&mut seen.pending) {
        match event {
            Event::NeedUdp { track } => session.udp_bound(now, track, 50_000, 50_001),
            Event::UdpServerPorts { track, .. } => {
                session.udp_connected(now, track, &mut |event| seen.take(event));
            }
            _ => {}
        }
    }
    while let Some(transmit) = session.poll_transmit() {
        let (Transmit::Tcp(bytes) | Transmit::Udp { data: bytes, .. }) = transmit;
        assert!(bytes.len() < 64 * 1024);
    }
}

// The input is cut into pieces by a byte of kind and a byte of length in front of each.
fuzz_target!(|bytes: &[u8]| {
    let Some((choice, mut bytes)) = bytes.split_first() else {
        return;
    };
    let url = "rtsp://user:password@camera/stream?x=1";
    let transport = if choice & 1 == 0 {
        Transport::Tcp
    } else {
        Transport::Udp
    };
    let url = RtspUrl::parse(url).expect("a good address");
    let mut now = Monotonic::from_start(Duration::from_secs(1));
    let sound = choice & 2 == 0;
    let mut session = Session::new(
        SessionConfig {
            url,
            transport,
            sound,
        },
        now,
    );
    let mut seen = Seen::default();
    while let Some(([kind, len], rest)) = bytes.split_first_chunk() {
        let len = if kind & 0x80 == 0 {
            usize::from(*len)
        } else {
            16 * usize::from(*len)
        };
        let (piece, rest) = rest.split_at(len.min(rest.len()));
        bytes = rest;
        let since = u64::try_from(now.since_start().as_millis()).expect("little time passes");
        let utc = UtcMillis(1_700_000_000_000 + since);
        let at = Arrival { now, utc };
        let udp = |code: u8| {
            if code & 8 == 0 {
                Track::Video
            } else {
                Track::Audio
            }
        };
        match kind & 7 {
            0..4 => session.handle_tcp(at, piece, &mut |event| seen.take(event)),
            4 | 5 => {
                let channel = if kind & 1 == 0 {
                    UdpChannel::Rtp
                } else {
                    UdpChannel::Rtcp
                };
                let track = udp(*kind);
                session.handle_udp(at, track, channel, piece, &mut |event| seen.take(event));
            }
            6 => {
                let due = session.poll_timeout().unwrap_or(now);
                now = if due.since(now).is_zero() {
                    now + Duration::from_millis(100)
                } else {
                    due
                };
                let at = Arrival { now, utc };
                session.handle_timeout(at, &mut |event| seen.take(event));
            }
            _ => now = now + Duration::from_millis(u64::from(kind & 0x78) * 40),
        }
        answer(&mut session, now, &mut seen);
    }
    let counters = session.counters(Track::Video).unwrap_or_default();
    assert!(counters.refused <= u64::MAX / 2);
    session.close(now);
    assert!(session.is_ended());
});
