//! What a camera turns out to send: watches a session until codecs, size, frame rate and keyframe
//! interval are known.
//!
//! Figures are measured, for cameras state wrong ones. Running the session is the caller's business.

use std::time::Duration;

use bartizan_domain::{Monotonic, Track};

use super::auth::Scheme;
use super::offer::TrackOffer;
use super::session::Event;
use crate::codec::{VIDEO_TIMESCALE, codec_string};
use crate::{AccessUnit, Codec, TrackConfig};

/// How long a camera is watched at most, from the beginning.
pub const PROBE_TIMEOUT: Duration = Duration::from_secs(12);

/// Access units that must have come before a frame rate is told.
const MIN_UNITS: u32 = 10;

/// What a camera's video is.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VideoReport {
    /// How it is coded.
    pub codec: Codec,
    /// The same as a codec string (RFC 6381), empty when there is none.
    pub codec_string: String,
    /// Pixels across.
    pub width: u16,
    /// Pixels down.
    pub height: u16,
    /// Frames a second, measured; nothing when too few came.
    pub frame_rate: Option<f64>,
    /// From keyframe to keyframe in milliseconds, measured; nothing when only one came.
    pub keyframe_interval_ms: Option<u64>,
    /// Bits a second, measured.
    pub bitrate_bps: Option<u64>,
    /// Pictures are reordered (B-frames), which some players show late or not at all.
    pub reordered: bool,
}

/// What a camera's sound is.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AudioReport {
    /// How it is coded.
    pub codec: Codec,
    /// Samples a second.
    pub sample_rate: u32,
    /// Channels.
    pub channels: u8,
    /// Whether any came.
    pub heard: bool,
}

/// What a camera turned out to send.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProbeReport {
    /// Everything that it offers.
    pub tracks: Vec<TrackOffer>,
    /// How it was signed in to; nothing means that it asks nobody.
    pub auth: Option<Scheme>,
    /// Its picture.
    pub video: VideoReport,
    /// Its sound, when there is some that can be recorded.
    pub audio: Option<AudioReport>,
}

/// Watches a session.
#[derive(Debug, Default)]
pub struct Probe {
    tracks: Vec<TrackOffer>,
    auth: Option<Scheme>,
    video: Option<TrackConfig>,
    audio: Option<TrackConfig>,
    heard: bool,
    units: u32,
    bytes: u64,
    first_dts: Option<i64>,
    last_dts: i64,
    last_key: Option<i64>,
    key_interval: Option<i64>,
    reordered: bool,
}

impl Probe {
    /// Takes what happens in the session.
    pub fn watch(&mut self, event: &Event) {
        match event {
            Event::Described { tracks, auth } => {
                self.tracks.clone_from(tracks);
                self.auth = *auth;
            }
            Event::Config { track, config } => match track {
                Track::Video => self.video = Some(config.clone()),
                _ => self.audio = Some(config.clone()),
            },
            Event::Unit(unit) if unit.track == Track::Video => self.watch_video(unit),
            Event::Unit(_) => self.heard = true,
            _ => {}
        }
    }

    fn watch_video(&mut self, unit: &AccessUnit) {
        self.first_dts.get_or_insert(unit.dts);
        self.last_dts = unit.dts;
        self.reordered |= unit.pts != unit.dts;
        if unit.key
            && let Some(last) = self.last_key.replace(unit.dts)
        {
            self.key_interval = Some(unit.dts.saturating_sub(last));
        }
        self.units = self.units.saturating_add(1);
        let len = u64::try_from(unit.data.len()).unwrap_or(0);
        self.bytes = self.bytes.saturating_add(len);
    }

    /// Whether everything is known, or [`PROBE_TIMEOUT`] has passed since `began`.
    pub fn is_complete(&self, began: Monotonic, now: Monotonic) -> bool {
        let known = self.video.is_some() && self.units >= MIN_UNITS && self.key_interval.is_some();
        (known && (self.heard || self.audio.is_none())) || now.since(began) >= PROBE_TIMEOUT
    }

    /// What is known; nothing before the video's configuration.
    pub fn report(&self) -> Option<ProbeReport> {
        let config = self.video.as_ref()?;
        let size = config.video?;
        let span = self.last_dts.saturating_sub(self.first_dts?);
        let measured = self.units >= MIN_UNITS && span > 0;
        let video = VideoReport {
            codec: config.codec,
            codec_string: codec_string(config).unwrap_or_default(),
            width: size.width,
            height: size.height,
            frame_rate: measured.then(|| frame_rate(self.units, span)),
            keyframe_interval_ms: self.key_interval.map(millis),
            bitrate_bps: measured.then(|| bitrate(self.bytes, span)),
            reordered: self.reordered,
        };
        let audio = self.audio.as_ref().and_then(|config| {
            let info = config.audio?;
            Some(AudioReport {
                codec: config.codec,
                sample_rate: info.sample_rate,
                channels: info.channels,
                heard: self.heard,
            })
        });
        Some(ProbeReport {
            tracks: self.tracks.clone(),
            auth: self.auth,
            video,
            audio,
        })
    }
}

fn millis(ticks: i64) -> u64 {
    let millis = ticks.saturating_mul(1_000) / i64::from(VIDEO_TIMESCALE);
    u64::try_from(millis).unwrap_or(0)
}

/// Frames a second to two places, from `units` over `span` ticks.
fn frame_rate(units: u32, span: i64) -> f64 {
    let frames = i64::from(units.saturating_sub(1));
    let hundredths = frames
        .saturating_mul(i64::from(VIDEO_TIMESCALE))
        .saturating_mul(100)
        / span.max(1);
    f64::from(u32::try_from(hundredths).unwrap_or(u32::MAX)) / 100.0
}

fn bitrate(bytes: u64, span: i64) -> u64 {
    let bits = u128::from(bytes) * 8 * u128::from(VIDEO_TIMESCALE);
    let rate = bits / u128::from(span.max(1).unsigned_abs());
    u64::try_from(rate).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use bartizan_domain::UtcMillis;

    use super::*;
    use crate::VideoInfo;

    fn unit(n: i64) -> Event {
        Event::Unit(AccessUnit {
            track: Track::Video,
            captured: UtcMillis(0),
            pts: n * 3_600,
            dts: n * 3_600,
            key: n % 50 == 0,
            lost_packets: 0,
            data: vec![0; 1_000],
        })
    }

    fn configured() -> Probe {
        let mut probe = Probe::default();
        let config = TrackConfig {
            codec: Codec::H264,
            timescale: VIDEO_TIMESCALE,
            video: Some(VideoInfo {
                width: 640,
                height: 360,
            }),
            audio: None,
            extra: Vec::new(),
        };
        let track = Track::Video;
        probe.watch(&Event::Config { track, config });
        probe
    }

    #[test]
    fn figures_are_measured() {
        let mut probe = configured();
        let began = Monotonic::default();
        for n in 0..51 {
            assert!(!probe.is_complete(began, began));
            probe.watch(&unit(n));
        }
        assert!(probe.is_complete(began, began));
        let video = probe.report().unwrap().video;
        assert_eq!(video.frame_rate, Some(25.0));
        assert_eq!(video.keyframe_interval_ms, Some(2_000));
        assert_eq!(video.bitrate_bps, Some(204_000));
        assert!(!video.reordered);
    }

    #[test]
    fn what_is_not_known_is_left_out() {
        let mut probe = configured();
        assert_eq!(probe.report(), None);
        probe.watch(&unit(0));
        let video = probe.report().unwrap().video;
        assert_eq!((video.frame_rate, video.keyframe_interval_ms), (None, None));
        let late = Monotonic::from_start(PROBE_TIMEOUT);
        assert!(probe.is_complete(Monotonic::default(), late));
        let json = serde_json::to_string(&probe.report()).unwrap();
        assert!(json.contains("\"keyframeIntervalMs\":null"), "{json}");
    }
}
