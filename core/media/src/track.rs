//! A track's configuration and its access units: what the RTP side produces, the sealer seals, and the
//! player and the MP4 writer consume.

use std::fmt;

use bartizan_domain::wire::{Reader, WireError, Writer};
use bartizan_domain::{Track, UtcMillis};

/// Largest codec configuration (`avcC`, `hvcC` …) in bytes.
pub const MAX_CODEC_EXTRA: usize = 4_096;

/// A codec that is recorded as it comes. Codes are part of the sealed stream and never change.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum Codec {
    /// H.264 (ISO/IEC 14496-10); access units are length-prefixed NAL units, four bytes each.
    H264 = 1,
    /// H.265 (ISO/IEC 23008-2); access units as for H.264.
    H265 = 2,
    /// AAC (ISO/IEC 14496-3); raw access units without ADTS.
    Aac = 3,
    /// G.711 µ-law.
    Pcmu = 4,
    /// G.711 A-law.
    Pcma = 5,
    /// Opus (RFC 6716) packets.
    Opus = 6,
}

impl Codec {
    /// Every codec.
    pub const ALL: [Self; 6] = [
        Self::H264,
        Self::H265,
        Self::Aac,
        Self::Pcmu,
        Self::Pcma,
        Self::Opus,
    ];

    /// Whether it is picture rather than sound.
    pub const fn is_video(self) -> bool {
        matches!(self, Self::H264 | Self::H265)
    }
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::H264 => "H.264",
            Self::H265 => "H.265",
            Self::Aac => "AAC",
            Self::Pcmu => "G.711 µ-law",
            Self::Pcma => "G.711 A-law",
            Self::Opus => "Opus",
        })
    }
}

/// Size of the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VideoInfo {
    /// Pixels across, after cropping.
    pub width: u16,
    /// Pixels down, after cropping.
    pub height: u16,
}

/// Shape of the sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AudioInfo {
    /// Samples a second.
    pub sample_rate: u32,
    /// Channels.
    pub channels: u8,
}

/// All that a decoder must know before the first access unit of a track.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrackConfig {
    /// How access units are coded.
    pub codec: Codec,
    /// Ticks a second of this track's times: 90,000 for video, the RTP clock rate for audio.
    pub timescale: u32,
    /// For video.
    pub video: Option<VideoInfo>,
    /// For audio.
    pub audio: Option<AudioInfo>,
    /// `AVCDecoderConfigurationRecord` (14496-15 §5.3.3.1), `HEVCDecoderConfigurationRecord` (§8.3.3.1),
    /// `AudioSpecificConfig` (14496-3 §1.6.2.1), `OpusSpecificBox` body, or nothing (G.711).
    pub extra: Vec<u8>,
}

impl TrackConfig {
    /// The canonical bytes, as sealed into the first frame of each segment.
    ///
    /// `codec u8 ‖ timescale u32 ‖ a u32 ‖ b u32 ‖ extra<vec16>`, where a, b are width and height, or
    /// sample rate and channels.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::new();
        let (a, b) = match (self.video, self.audio) {
            (Some(video), _) => (u32::from(video.width), u32::from(video.height)),
            (None, Some(audio)) => (audio.sample_rate, u32::from(audio.channels)),
            (None, None) => (0, 0),
        };
        out.u8(self.codec as u8)
            .u32(self.timescale)
            .u32(a)
            .u32(b)
            .vec16(&self.extra);
        out.into_vec()
    }

    /// Reads what [`encode`](Self::encode) wrote.
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        let mut input = Reader::new(bytes);
        let code = input.u8("codec")?;
        let codec = Codec::ALL
            .into_iter()
            .find(|codec| *codec as u8 == code)
            .ok_or(WireError::Unknown {
                field: "codec",
                value: code.into(),
            })?;
        let timescale = match input.u32("timescale")? {
            0 => {
                return Err(WireError::Unknown {
                    field: "timescale",
                    value: 0,
                });
            }
            timescale => timescale,
        };
        let (a, b) = (
            input.u32("width or rate")?,
            input.u32("height or channels")?,
        );
        let narrow = |field| {
            move |_| WireError::Unknown {
                field,
                value: u64::from(a.max(b)),
            }
        };
        let (video, audio) = if codec.is_video() {
            let width = u16::try_from(a).map_err(narrow("width"))?;
            let height = u16::try_from(b).map_err(narrow("height"))?;
            (Some(VideoInfo { width, height }), None)
        } else {
            let channels = u8::try_from(b).map_err(narrow("channels"))?;
            (
                None,
                Some(AudioInfo {
                    sample_rate: a,
                    channels,
                }),
            )
        };
        let extra = input.vec16("codec extra", MAX_CODEC_EXTRA)?.to_vec();
        input.finish()?;
        Ok(Self {
            codec,
            timescale,
            video,
            audio,
            extra,
        })
    }
}

/// One access unit of video or audio, as it came out of the camera.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessUnit {
    /// Video or audio.
    pub track: Track,
    /// When the camera captured it, as well as is known: its RTCP time when that is sane, else arrival.
    pub captured: UtcMillis,
    /// Presentation time in ticks of the track's timescale, on one line since the session began.
    pub pts: i64,
    /// Decode time in the same ticks; never after `pts`, never going back within a session.
    pub dts: i64,
    /// Decoding can start here (IDR, CRA, BLA; every audio access unit).
    pub key: bool,
    /// Packets that were lost just before it.
    pub lost_packets: u32,
    /// The access unit, in the form that its [`Codec`] names.
    pub data: Vec<u8>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn configurations_round_trip() {
        let video = TrackConfig {
            codec: Codec::H265,
            timescale: 90_000,
            video: Some(VideoInfo {
                width: 3840,
                height: 2160,
            }),
            audio: None,
            extra: vec![1, 2, 3],
        };
        let audio = TrackConfig {
            codec: Codec::Aac,
            timescale: 48_000,
            video: None,
            audio: Some(AudioInfo {
                sample_rate: 48_000,
                channels: 2,
            }),
            extra: vec![0x11, 0x90],
        };
        for config in [video, audio] {
            assert_eq!(TrackConfig::decode(&config.encode()), Ok(config));
        }
    }

    #[test]
    fn nonsense_is_refused() {
        assert!(TrackConfig::decode(&[]).is_err());
        assert!(TrackConfig::decode(&[99; 15]).is_err());
        let no_timescale = [1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0];
        assert!(TrackConfig::decode(&no_timescale).is_err());
    }
}
