//! One track from packets to timed access units: sequence, payload format, times and reports together.
//!
//! How packets travel is not known here; UDP passes [`super::reorder`] before.

use bartizan_domain::{Monotonic, Track, UtcMillis};

use super::audio::{Sound, SoundReader};
use super::dts::DecodeTimes;
use super::h26x::{Assembled, Assembler, VideoParameters};
use super::rtcp::{self, Report, SenderReport};
use super::sequence::{Sequence, Verdict};
use super::timeline::Timeline;
use super::{Arrival, Packet};
use crate::codec::VIDEO_TIMESCALE;
use crate::{AccessUnit, TrackConfig};

/// How far a sender report's clock may be off the arrival time to be believed, in milliseconds.
pub const MAX_CLOCK_ERROR_MS: u64 = 10_000;

/// Ticks of a frame until the parameter sets or the stream tell: 25 a second.
const DEFAULT_FRAME_TICKS: u32 = VIDEO_TIMESCALE / 25;

/// What comes out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// The track is configured so from the next access unit on.
    Config(TrackConfig),
    /// The next access unit.
    Unit(AccessUnit),
}

/// What has come in so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// RTP packets taken.
    pub packets: u64,
    /// Bytes of their payloads.
    pub bytes: u64,
    /// Packets missing.
    pub lost: u64,
    /// Access units given away.
    pub units: u64,
    /// Access units that came before any parameter sets.
    pub unconfigured: u64,
    /// Packets that are no RTP, came twice or too late.
    pub refused: u64,
}

#[derive(Debug)]
enum Media {
    Audio(SoundReader),
    Video(Box<Assembler>),
}

/// The times of a track.
#[derive(Debug)]
struct Clock {
    track: Track,
    rate: u32,
    timeline: Timeline,
    times: DecodeTimes,
    sender: Option<(SenderReport, Monotonic)>,
    configured: bool,
}

/// Receives one track.
#[derive(Debug)]
pub struct Receiver {
    media: Media,
    clock: Clock,
    /// Told before the first packet.
    initial: Option<TrackConfig>,
    /// Payload types of the same medium that are not this track's, such as comfort noise.
    foreign: Vec<u8>,
    sequence: Option<Sequence>,
    counters: Counters,
}

impl Receiver {
    /// A track of sound, configured once for all.
    pub fn audio(reader: SoundReader, config: TrackConfig) -> Self {
        let clock = Clock::new(Track::Audio, config.timescale, DecodeTimes::audio());
        Self::new(Media::Audio(reader), clock, Some(config))
    }

    /// A track of picture.
    pub fn video(mut assembler: Assembler) -> Self {
        let times = DecodeTimes::video(DEFAULT_FRAME_TICKS);
        let mut clock = Clock::new(Track::Video, VIDEO_TIMESCALE, times);
        let initial = assembler.initial_parameters();
        let config = initial.map(|parameters| clock.configure(parameters));
        Self::new(Media::Video(Box::new(assembler)), clock, config)
    }

    fn new(media: Media, mut clock: Clock, initial: Option<TrackConfig>) -> Self {
        clock.configured = initial.is_some();
        Self {
            media,
            clock,
            initial,
            foreign: Vec::new(),
            sequence: None,
            counters: Counters::default(),
        }
    }

    /// Packets of these payload types are passed over.
    #[must_use]
    pub fn without(mut self, payload_types: Vec<u8>) -> Self {
        self.foreign = payload_types;
        self
    }

    /// Which track it is.
    pub const fn track(&self) -> Track {
        self.clock.track
    }

    /// The configuration that is known before the first packet; given once.
    pub const fn take_initial_config(&mut self) -> Option<TrackConfig> {
        self.initial.take()
    }

    /// Whether the track's configuration is known.
    pub const fn is_configured(&self) -> bool {
        self.clock.configured
    }

    /// The camera says that `timestamp` is the session's zero (`RTP-Info`).
    pub const fn set_origin(&mut self, timestamp: u32) {
        self.clock.timeline.set_origin(timestamp);
    }

    /// What has come in so far.
    pub const fn counters(&self) -> Counters {
        self.counters
    }

    /// Takes an RTP packet that arrived `at`; `epoch` is the session's zero, the same for all tracks.
    pub fn handle_rtp(
        &mut self,
        at: Arrival,
        epoch: Monotonic,
        bytes: &[u8],
        out: &mut dyn FnMut(Output),
    ) {
        let Ok(packet) = Packet::parse(bytes) else {
            self.counters.refused = self.counters.refused.saturating_add(1);
            return;
        };
        if self.foreign.contains(&packet.payload_type) {
            return;
        }
        let Some(lost) = self.account(&packet, at) else {
            self.counters.refused = self.counters.refused.saturating_add(1);
            return;
        };
        let (clock, counters) = (&mut self.clock, &mut self.counters);
        match &mut self.media {
            Media::Audio(reader) => reader.push(&packet, lost, &mut |sound: Sound| {
                counters.units = counters.units.saturating_add(1);
                out(Output::Unit(clock.sound(at, epoch, sound)));
            }),
            Media::Video(assembler) => {
                assembler.push(&packet, lost, &mut |unit: Assembled| {
                    clock.picture(at, epoch, unit, counters, out);
                });
            }
        }
    }

    /// Takes RTCP; tells whether the sender has said goodbye.
    pub fn handle_rtcp(&mut self, at: Arrival, bytes: &[u8]) -> bool {
        let ours = self.sequence.as_ref().map(Sequence::ssrc);
        let mut bye = false;
        for report in rtcp::parse(bytes) {
            match report {
                Report::Bye { ssrc } => bye |= Some(ssrc) == ours,
                Report::Sender(sender) => {
                    if ours.is_none_or(|ours| ours == sender.ssrc) {
                        self.clock.sender = Some((sender, at.now));
                    }
                }
            }
        }
        bye
    }

    /// A receiver report about what has come so far; nothing before the first packet.
    pub fn report(&mut self, now: Monotonic) -> Option<Vec<u8>> {
        let reception = self.sequence.as_mut()?.reception();
        let last = self.clock.sender.map(|(report, at)| {
            let age = now.since(at).as_micros().saturating_mul(65_536) / 1_000_000;
            (report, u32::try_from(age).unwrap_or(u32::MAX))
        });
        Some(rtcp::receiver_report(&reception, last))
    }

    /// Counts `packet`; how many are missing before it, or nothing when it is old.
    fn account(&mut self, packet: &Packet<'_>, at: Arrival) -> Option<u32> {
        let lost = match &mut self.sequence {
            None => {
                self.sequence = Some(Sequence::new(packet));
                0
            }
            Some(sequence) => match sequence.judge(packet) {
                Verdict::Next { lost } => lost,
                Verdict::Old => return None,
                Verdict::Restart => {
                    self.restart();
                    1
                }
            },
        };
        if let Some(sequence) = &mut self.sequence {
            sequence.note_arrival(packet.timestamp, at, self.clock.rate);
        }
        let len = u64::try_from(packet.payload.len()).unwrap_or(0);
        self.counters.packets = self.counters.packets.saturating_add(1);
        self.counters.bytes = self.counters.bytes.saturating_add(len);
        self.counters.lost = self.counters.lost.saturating_add(lost.into());
        Some(lost)
    }

    fn restart(&mut self) {
        self.clock.sender = None;
        self.clock.timeline.restart();
        match &mut self.media {
            Media::Audio(reader) => reader.restart(),
            Media::Video(assembler) => assembler.restart(),
        }
    }
}

impl Clock {
    fn new(track: Track, rate: u32, times: DecodeTimes) -> Self {
        Self {
            track,
            rate,
            timeline: Timeline::new(rate),
            times,
            sender: None,
            configured: false,
        }
    }

    fn configure(&mut self, parameters: VideoParameters) -> TrackConfig {
        self.times
            .configure(parameters.reorder_frames, parameters.frame_ticks);
        self.configured = true;
        parameters.config
    }

    fn sound(&mut self, at: Arrival, epoch: Monotonic, sound: Sound) -> AccessUnit {
        self.unit(at, epoch, sound.timestamp, |unit| AccessUnit {
            key: true,
            lost_packets: sound.lost,
            data: sound.data,
            ..unit
        })
    }

    fn picture(
        &mut self,
        at: Arrival,
        epoch: Monotonic,
        assembled: Assembled,
        counters: &mut Counters,
        out: &mut dyn FnMut(Output),
    ) {
        if let Some(parameters) = assembled.parameters {
            out(Output::Config(self.configure(parameters)));
        }
        if !self.configured {
            counters.unconfigured = counters.unconfigured.saturating_add(1);
            return;
        }
        counters.units = counters.units.saturating_add(1);
        out(Output::Unit(self.unit(
            at,
            epoch,
            assembled.timestamp,
            |unit| AccessUnit {
                key: assembled.key,
                lost_packets: assembled.lost,
                data: assembled.data,
                ..unit
            },
        )));
    }

    fn unit(
        &mut self,
        at: Arrival,
        epoch: Monotonic,
        timestamp: u32,
        fill: impl FnOnce(AccessUnit) -> AccessUnit,
    ) -> AccessUnit {
        let micros = at.now.since(epoch).as_micros();
        let arrival = micros.saturating_mul(self.rate.into()) / 1_000_000;
        let arrival = i64::try_from(arrival).unwrap_or(i64::MAX);
        let (pts, dts) = self.times.place(self.timeline.place(timestamp, arrival));
        fill(AccessUnit {
            track: self.track,
            captured: self.captured(at.utc, timestamp),
            pts,
            dts,
            key: false,
            lost_packets: 0,
            data: Vec::new(),
        })
    }

    /// The sender's clock when it is within [`MAX_CLOCK_ERROR_MS`] of ours, else the time of arrival.
    fn captured(&self, arrival: UtcMillis, timestamp: u32) -> UtcMillis {
        let told = self.sender.map(|(report, _)| {
            let ticks = timestamp.wrapping_sub(report.timestamp).cast_signed();
            let millis = i64::from(ticks) * 1_000 / i64::from(self.rate.max(1));
            UtcMillis(report.utc().0.saturating_add_signed(millis))
        });
        told.filter(|told| told.0.abs_diff(arrival.0) <= MAX_CLOCK_ERROR_MS)
            .unwrap_or(arrival)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::Codec;
    use crate::codec::g711;
    use crate::rtp::testing;

    fn at(millis: u64) -> Arrival {
        Arrival {
            now: Monotonic::from_start(Duration::from_millis(millis)),
            utc: UtcMillis(1_700_000_000_000 + millis),
        }
    }

    fn pcm() -> Receiver {
        let config = g711::track_config(Codec::Pcma, 8_000, 1).unwrap();
        Receiver::audio(SoundReader::whole_packets(), config)
    }

    fn feed(receiver: &mut Receiver, at: Arrival, packet: &[u8]) -> Vec<AccessUnit> {
        let mut units = Vec::new();
        let epoch = Monotonic::default();
        receiver.handle_rtp(at, epoch, packet, &mut |output| match output {
            Output::Unit(unit) => units.push(unit),
            Output::Config(config) => panic!("{config:?}"),
        });
        units
    }

    fn sender_report(millis: u64, timestamp: u32) -> Vec<u8> {
        let seconds = 2_208_988_800 + millis / 1_000;
        let ntp = (seconds << 32) | (((millis % 1_000) << 32) / 1_000);
        let mut bytes = vec![0x80, 200, 0, 6, 0x12, 0x34, 0x56, 0x78];
        bytes.extend_from_slice(&ntp.to_be_bytes());
        bytes.extend_from_slice(&timestamp.to_be_bytes());
        bytes.extend_from_slice(&[0; 8]);
        bytes
    }

    #[test]
    fn sound_comes_with_times_and_loss() {
        let mut receiver = pcm();
        assert!(receiver.take_initial_config().is_some());
        let first = feed(
            &mut receiver,
            at(20),
            &testing::packet(true, 1, 1_000, b"a"),
        );
        let [first] = &first[..] else { panic!() };
        assert_eq!((first.pts, first.dts, first.key), (160, 160, true));
        assert_eq!(first.captured, at(20).utc);
        let next = feed(
            &mut receiver,
            at(60),
            &testing::packet(true, 3, 1_320, b"b"),
        );
        assert_eq!((next[0].pts, next[0].lost_packets), (480, 1));
        assert_eq!(
            feed(
                &mut receiver,
                at(61),
                &testing::packet(true, 2, 1_160, b"c")
            ),
            []
        );
        assert_eq!(receiver.counters().refused, 1);
    }

    #[test]
    fn a_sane_sender_clock_is_believed_and_a_wrong_one_is_not() {
        let mut receiver = pcm();
        feed(&mut receiver, at(0), &testing::packet(true, 1, 1_000, b"a"));
        assert!(!receiver.handle_rtcp(at(0), &sender_report(1_699_999_999_500, 1_000)));
        let unit = feed(
            &mut receiver,
            at(100),
            &testing::packet(true, 2, 1_800, b"a"),
        );
        assert_eq!(unit[0].captured, UtcMillis(1_699_999_999_600));
        receiver.handle_rtcp(at(0), &sender_report(1_000, 1_000));
        let unit = feed(
            &mut receiver,
            at(200),
            &testing::packet(true, 3, 2_600, b"a"),
        );
        assert_eq!(unit[0].captured, at(200).utc);
    }

    #[test]
    fn goodbye_counts_from_the_own_source_only() {
        let mut receiver = pcm();
        feed(&mut receiver, at(0), &testing::packet(true, 1, 1_000, b"a"));
        assert!(!receiver.handle_rtcp(at(0), &[0x81, 203, 0, 1, 0, 0, 0, 1]));
        assert!(receiver.handle_rtcp(at(0), &[0x81, 203, 0, 1, 0x12, 0x34, 0x56, 0x78]));
    }

    #[test]
    fn reports_need_a_packet_first() {
        let mut receiver = pcm();
        assert_eq!(receiver.report(at(0).now), None);
        feed(&mut receiver, at(0), &testing::packet(true, 1, 1_000, b"a"));
        assert!(receiver.report(at(5).now).is_some());
    }

    #[test]
    fn foreign_payload_types_are_passed_over() {
        let mut receiver = pcm().without(vec![96]);
        assert_eq!(
            feed(&mut receiver, at(0), &testing::packet(true, 1, 1, b"a")),
            []
        );
    }
}
