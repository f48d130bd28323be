//! What codecs say about themselves: parameter sets, headers and configurations, parsed and built.
//!
//! Rooms: [`bits`] a checked bit reader · [`nal`] NAL units and access units of H.264 and H.265 ·
//! [`h264`], [`h265`] parameter sets, `avcC`/`hvcC`, keyframes · [`aac`], [`opus`], [`g711`] sound.
//! No picture and no sound is decoded here, and nothing is asked of a camera: callers bring the bytes.

pub mod aac;
pub mod bits;
pub mod g711;
pub mod h264;
pub mod h265;
pub mod nal;
pub mod opus;

use crate::{Codec, TrackConfig};

/// Ticks a second of every video track (RFC 6184 §8.2.1, RFC 7798 §7.1).
pub const VIDEO_TIMESCALE: u32 = 90_000;

/// Largest SPS, PPS or VPS in bytes, its NAL header included: three of them and their frame fit
/// [`crate::track::MAX_CODEC_EXTRA`].
pub const MAX_PARAMETER_SET: usize = 1_280;

/// Smallest width or height of a picture that is taken, in pixels.
pub const MIN_DIMENSION: u32 = 16;

/// Largest width or height of a picture that is taken, in pixels.
pub const MAX_DIMENSION: u32 = 16_384;

/// Most channels of sound.
pub const MAX_CHANNELS: u8 = 8;

/// Highest frame rate that a camera's timing information is believed for, in frames a second.
pub const MAX_FRAME_RATE: u32 = 1_000;

/// Why a parameter set, configuration or access unit is not taken. Always the sender's fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// The bytes end before the value does.
    #[error("{field} is cut short")]
    Short {
        /// What was being read.
        field: &'static str,
    },
    /// More bytes or entries than the field's limit.
    #[error("{field} has a length of {len}; the limit is {max}")]
    TooLong {
        /// What was being read.
        field: &'static str,
        /// Length or count given.
        len: usize,
        /// Length or count allowed.
        max: usize,
    },
    /// A value that the standard forbids or that passes our limits.
    #[error("{field} has the impossible value {value}")]
    OutOfRange {
        /// What was being read.
        field: &'static str,
        /// The value given.
        value: u64,
    },
    /// Two parts that must name each other do not.
    #[error("{field} does not belong to the rest")]
    Mismatch {
        /// What does not fit.
        field: &'static str,
    },
    /// Valid, but a form that is not recorded.
    #[error("{what} is not supported")]
    Unsupported {
        /// What it is.
        what: &'static str,
    },
}

/// How many pictures a second the encoder says that it makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameRate {
    numerator: u32,
    denominator: u32,
}

impl FrameRate {
    /// `numerator ÷ denominator` frames a second; nothing for what no camera makes: zero, or more than
    /// [`MAX_FRAME_RATE`].
    pub fn new(numerator: u32, denominator: u32) -> Option<Self> {
        let highest = u64::from(denominator) * u64::from(MAX_FRAME_RATE);
        (numerator != 0 && denominator != 0 && u64::from(numerator) <= highest).then_some(Self {
            numerator,
            denominator,
        })
    }

    /// Frames a second, as a fraction: (numerator, denominator), both above zero.
    pub const fn as_fraction(self) -> (u32, u32) {
        (self.numerator, self.denominator)
    }

    /// Length of one frame in ticks of `timescale`, rounded, at least 1.
    pub fn frame_ticks(self, timescale: u32) -> u32 {
        let (num, den) = (u64::from(self.numerator), u64::from(self.denominator));
        let ticks = (u64::from(timescale) * den + num / 2) / num;
        u32::try_from(ticks).unwrap_or(u32::MAX).max(1)
    }
}

/// The codec string of RFC 6381 and the codecs' own registrations, as `MediaSource`, `WebCodecs` and
/// HLS want it: `avc1.640028`, `hvc1.1.6.L93.B0`, `mp4a.40.2`, `opus`, `ulaw`, `alaw`.
pub fn codec_string(config: &TrackConfig) -> Result<String, CodecError> {
    Ok(match config.codec {
        Codec::H264 => h264::ParameterSets::from_avcc(&config.extra)?.codec_string(),
        Codec::H265 => h265::ParameterSets::from_hvcc(&config.extra)?.codec_string(),
        Codec::Aac => aac::AudioSpecificConfig::parse(&config.extra)?.codec_string(),
        Codec::Opus => "opus".to_owned(),
        Codec::Pcmu => "ulaw".to_owned(),
        Codec::Pcma => "alaw".to_owned(),
    })
}

/// How long one access unit lasts by itself, in ticks of the track: known for every sound codec, and
/// for video when its parameter sets name a frame rate.
pub fn access_unit_ticks(config: &TrackConfig, data: &[u8]) -> Option<u32> {
    let rate = |rate: Option<FrameRate>| rate.map(|rate| rate.frame_ticks(config.timescale));
    match config.codec {
        Codec::H264 => rate(
            h264::ParameterSets::from_avcc(&config.extra)
                .ok()?
                .frame_rate(),
        ),
        Codec::H265 => rate(
            h265::ParameterSets::from_hvcc(&config.extra)
                .ok()?
                .frame_rate(),
        ),
        Codec::Aac => Some(
            aac::AudioSpecificConfig::parse(&config.extra)
                .ok()?
                .frame_ticks(config.timescale),
        ),
        Codec::Opus => {
            let samples = u64::from(opus::packet_samples(data).ok()?);
            scale(samples, opus::SAMPLE_RATE, config.timescale)
        }
        Codec::Pcmu | Codec::Pcma => {
            let audio = config.audio?;
            let samples = data.len().checked_div(usize::from(audio.channels))?;
            scale(
                u64::try_from(samples).ok()?,
                audio.sample_rate,
                config.timescale,
            )
        }
    }
}

/// `samples` of `rate` a second in ticks of `timescale`; nothing when that is zero or past 32 bits.
fn scale(samples: u64, rate: u32, timescale: u32) -> Option<u32> {
    let ticks = samples
        .checked_mul(u64::from(timescale))?
        .checked_div(u64::from(rate))?;
    u32::try_from(ticks).ok().filter(|ticks| *ticks > 0)
}

/// Width and height after cropping, held to the limits above.
fn picture_size(width: u64, height: u64) -> Result<crate::VideoInfo, CodecError> {
    let side = |field, value: u64| match u16::try_from(value) {
        Ok(side) if (MIN_DIMENSION..=MAX_DIMENSION).contains(&u32::from(side)) => Ok(side),
        Ok(_) | Err(_) => Err(CodecError::OutOfRange { field, value }),
    };
    Ok(crate::VideoInfo {
        width: side("width", width)?,
        height: side("height", height)?,
    })
}

/// Takes what a parser made of rubbish: that it returned is the test.
#[cfg(test)]
fn returns<T>(_outcome: T) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frame_rates_become_ticks() {
        let ticks = |num, den| FrameRate::new(num, den).map(|rate| rate.frame_ticks(90_000));
        assert_eq!(ticks(25, 1), Some(3_600));
        assert_eq!(ticks(30_000, 1_001), Some(3_003));
        assert_eq!(ticks(1, u32::MAX), Some(u32::MAX));
        assert_eq!(ticks(0, 1), None);
        assert_eq!(ticks(25, 0), None);
        assert_eq!(ticks(90_000, 1), None);
    }

    #[test]
    fn only_sane_pictures_are_taken() {
        assert!(picture_size(1_920, 1_080).is_ok());
        assert!(picture_size(15, 1_080).is_err());
        assert!(picture_size(1_920, 16_385).is_err());
        assert!(picture_size(u64::MAX, 1_080).is_err());
    }
}
