//! Opus: the `OpusSpecificBox` body (Opus in ISOBMFF §4.3.2), and how long a packet lasts (RFC 6716 §3).
//!
//! Only mono and stereo (channel mapping family 0): RTP has no other (RFC 7587 §4.2).

use bartizan_domain::wire::{Reader, Writer};

use super::CodecError;
use super::h264::fault;
use crate::{AudioInfo, Codec, TrackConfig};

/// Opus always runs at 48 kHz, on RTP (RFC 7587 §4.1) as in files.
pub const SAMPLE_RATE: u32 = 48_000;

/// Samples that a player drops at the start: 80 ms.
///
/// A recording begins in the middle of a live stream, where a decoder needs up to 80 ms until its state
/// agrees with the encoder's; RFC 7845 §4.2 recommends at least 3,840 samples for streams that are cut
/// out like this. RTP does not tell the encoder's own, always smaller, delay.
pub const PRE_SKIP: u16 = 3_840;

/// Longest packet in samples: 120 ms (RFC 6716 §3.2.5).
pub const MAX_PACKET_SAMPLES: u32 = 5_760;

/// The `OpusSpecificBox` body of a track.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpusConfig {
    /// 1 or 2.
    pub channels: u8,
    /// Samples at 48 kHz to drop at the start.
    pub pre_skip: u16,
    /// Samples a second before encoding; a remark, 0 when unknown.
    pub input_sample_rate: u32,
    /// Gain to apply, in 1/256 dB.
    pub output_gain: i16,
}

impl OpusConfig {
    /// A track from RTP of 1 or 2 channels; others are `OutOfRange`.
    pub fn live(channels: u8) -> Result<Self, CodecError> {
        let config = Self {
            channels,
            pre_skip: PRE_SKIP,
            input_sample_rate: SAMPLE_RATE,
            output_gain: 0,
        };
        config.check()
    }

    /// Reads the body of a `dOps` box of version 0 and mapping family 0.
    pub fn parse(bytes: &[u8]) -> Result<Self, CodecError> {
        const FIELD: &str = "dOps";
        let mut input = Reader::new(bytes);
        input.exactly("dOps version", 0).map_err(fault)?;
        let config = Self {
            channels: input.u8(FIELD).map_err(fault)?,
            pre_skip: input.u16(FIELD).map_err(fault)?,
            input_sample_rate: input.u32(FIELD).map_err(fault)?,
            output_gain: i16::from_be_bytes(input.array(FIELD).map_err(fault)?),
        };
        if input.u8(FIELD).map_err(fault)? != 0 {
            let what = "an Opus channel mapping family other than 0";
            return Err(CodecError::Unsupported { what });
        }
        input.finish().map_err(fault)?;
        config.check()
    }

    /// The body of the `dOps` box.
    pub fn dops(&self) -> Vec<u8> {
        let mut out = Writer::new();
        out.u8(0)
            .u8(self.channels)
            .u16(self.pre_skip)
            .u32(self.input_sample_rate)
            .fixed(&self.output_gain.to_be_bytes())
            .u8(0);
        out.into_vec()
    }

    /// The track's configuration, with 48,000 ticks a second.
    pub fn track_config(&self) -> TrackConfig {
        TrackConfig {
            codec: Codec::Opus,
            timescale: SAMPLE_RATE,
            video: None,
            audio: Some(AudioInfo {
                sample_rate: SAMPLE_RATE,
                channels: self.channels,
            }),
            extra: self.dops(),
        }
    }

    fn check(self) -> Result<Self, CodecError> {
        match self.channels {
            1 | 2 => Ok(self),
            other => Err(CodecError::OutOfRange {
                field: "Opus channels",
                value: other.into(),
            }),
        }
    }
}

/// How many samples at 48 kHz a packet holds, 120–5,760 (RFC 6716 §3.1, §3.2). `Short` for one without
/// its first bytes, `OutOfRange` for more than 120 ms.
pub fn packet_samples(packet: &[u8]) -> Result<u32, CodecError> {
    let field = "Opus packet";
    let (toc, rest) = packet.split_first().ok_or(CodecError::Short { field })?;
    let config = toc >> 3;
    // SILK: 10, 20, 40, 60 ms. Hybrid: 10, 20 ms. CELT: 2.5, 5, 10, 20 ms.
    let frame = match config {
        16 | 20 | 24 | 28 => 120,
        17 | 21 | 25 | 29 => 240,
        0 | 4 | 8 | 12 | 14 | 18 | 22 | 26 | 30 => 480,
        2 | 6 | 10 => 1_920,
        3 | 7 | 11 => 2_880,
        _ => 960,
    };
    let frames = match toc & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => u32::from(rest.first().ok_or(CodecError::Short { field })? & 0x3f),
    };
    let samples = frame * frames;
    if (1..=MAX_PACKET_SAMPLES).contains(&samples) {
        Ok(samples)
    } else {
        let value = samples.into();
        Err(CodecError::OutOfRange { field, value })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::returns;
    use proptest::prelude::*;

    #[test]
    fn packets_tell_how_long_they_last() {
        assert_eq!(packet_samples(&[0b1111_1000]), Ok(960)); // CELT 20 ms, one frame
        assert_eq!(packet_samples(&[0b0110_0001]), Ok(960)); // hybrid 10 ms, two frames
        assert_eq!(packet_samples(&[0b0001_1011, 2]), Ok(5_760)); // SILK 60 ms, counted
        assert!(packet_samples(&[0b0001_1011, 3]).is_err());
        assert!(packet_samples(&[0b0001_1011, 0]).is_err());
        assert!(packet_samples(&[0b0001_1011]).is_err());
        assert!(packet_samples(&[]).is_err());
    }

    #[test]
    fn only_mono_and_stereo_are_taken() {
        assert!(OpusConfig::live(2).is_ok());
        assert!(OpusConfig::live(3).is_err());
        let mut family_one = OpusConfig::live(2).unwrap().dops();
        family_one[10] = 1;
        assert!(OpusConfig::parse(&family_one).is_err());
    }

    proptest! {
        #[test]
        fn what_is_built_is_read_back(
            channels in 1_u8..=2, pre_skip: u16, input_sample_rate: u32, output_gain: i16,
        ) {
            let config = OpusConfig { channels, pre_skip, input_sample_rate, output_gain };
            prop_assert_eq!(OpusConfig::parse(&config.dops()), Ok(config));
        }

        #[test]
        fn random_bytes_never_panic(bytes: Vec<u8>) {
            returns(OpusConfig::parse(&bytes));
            if let Ok(samples) = packet_samples(&bytes) {
                prop_assert!((120..=MAX_PACKET_SAMPLES).contains(&samples));
            }
        }
    }
}
