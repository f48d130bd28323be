//! G.711, µ-law and A-law: one byte a sample and channel, so there is nothing to parse.

use super::{CodecError, MAX_CHANNELS};
use crate::{AudioInfo, Codec, TrackConfig};

/// Samples a second, unless a session says otherwise (RFC 3551 §4.5.14).
pub const SAMPLE_RATE: u32 = 8_000;

/// Highest sampling frequency that is taken, in Hz.
pub const MAX_SAMPLE_RATE: u32 = 96_000;

/// The configuration of a G.711 track; its timescale is `sample_rate`, 1–96,000 Hz, and `channels` is
/// 1–8. A `codec` other than the two G.711 ones is `Unsupported`.
pub fn track_config(
    codec: Codec,
    sample_rate: u32,
    channels: u8,
) -> Result<TrackConfig, CodecError> {
    if !matches!(codec, Codec::Pcma | Codec::Pcmu) {
        let what = "G.711 of another codec";
        return Err(CodecError::Unsupported { what });
    }
    check("sample rate", sample_rate, MAX_SAMPLE_RATE)?;
    check("channels", channels.into(), MAX_CHANNELS.into())?;
    Ok(TrackConfig {
        codec,
        timescale: sample_rate,
        video: None,
        audio: Some(AudioInfo {
            sample_rate,
            channels,
        }),
        extra: Vec::new(),
    })
}

fn check(field: &'static str, value: u32, max: u32) -> Result<(), CodecError> {
    if (1..=max).contains(&value) {
        Ok(())
    } else {
        let value = value.into();
        Err(CodecError::OutOfRange { field, value })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn configurations_are_checked() {
        let config = track_config(Codec::Pcmu, SAMPLE_RATE, 1).unwrap();
        assert_eq!(config.timescale, 8_000);
        assert_eq!(
            crate::codec::access_unit_ticks(&config, &[0; 160]),
            Some(160)
        );
        assert!(track_config(Codec::Pcma, 0, 1).is_err());
        assert!(track_config(Codec::Pcma, 8_000, 9).is_err());
        assert!(track_config(Codec::Opus, 8_000, 1).is_err());
    }
}
