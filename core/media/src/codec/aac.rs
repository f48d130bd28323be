//! AAC: `AudioSpecificConfig` (14496-3 §1.6.2.1), read and built.
//!
//! Taken are the object types that raw access units of cameras have: Main, LC, SSR and LTP, with or
//! without SBR and PS, signalled explicitly in front or behind. Error-resilient, scalable and USAC forms
//! are refused by name, never guessed at.

use super::bits::BitReader;
use super::{CodecError, MAX_CHANNELS};
use crate::{AudioInfo, Codec, TrackConfig};

/// Largest `AudioSpecificConfig` in bytes; one with a program configuration element has up to ~320.
pub const MAX_CONFIG: usize = 512;

/// Highest sampling frequency that is taken, in Hz.
pub const MAX_SAMPLE_RATE: u32 = 192_000;

/// `samplingFrequencyIndex` (14496-3 table 1.18).
const SAMPLE_RATES: [u32; 13] = [
    96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000,
    7_350,
];

/// `samplingFrequencyIndex` that has 24 bits of frequency behind it.
const ESCAPE_RATE: u8 = 15;

/// Object types of 14496-3 table 1.17 that matter here.
mod object {
    pub(super) const LC: u8 = 2;
    pub(super) const LTP: u8 = 4;
    pub(super) const SBR: u8 = 5;
    pub(super) const PS: u8 = 29;
    pub(super) const ESCAPE: u8 = 31;
}

/// `syncExtensionType` of SBR and of PS behind the configuration (14496-3 §1.6.2.1).
const SYNC_SBR: u32 = 0x2b7;
const SYNC_PS: u32 = 0x548;

/// Spectral band replication on top of the core codec.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sbr {
    /// Samples a second that come out, usually twice those of the core.
    pub sample_rate: u32,
    /// Parametric stereo: a mono core comes out as two channels.
    pub parametric_stereo: bool,
}

/// What a decoder of AAC must know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AudioSpecificConfig {
    object_type: u8,
    sample_rate: u32,
    channels: u8,
    frame_samples: u16,
    sbr: Option<Sbr>,
    bytes: Vec<u8>,
}

impl AudioSpecificConfig {
    /// Reads the configuration, as SDP's `config=` holds it (RFC 3640 §4.1). Bits behind the known
    /// parts are kept and passed over.
    pub fn parse(bytes: &[u8]) -> Result<Self, CodecError> {
        let (len, max, field) = (bytes.len(), MAX_CONFIG, "AudioSpecificConfig");
        if len > max {
            return Err(CodecError::TooLong { field, len, max });
        }
        let mut bits = BitReader::of_bytes(bytes);
        let outer = parse_object_type(&mut bits)?;
        let sample_rate = parse_rate(&mut bits)?;
        let channel_code = bits.small("channelConfiguration", 4)?;
        let (object_type, mut sbr) = if matches!(outer, object::SBR | object::PS) {
            let sbr = Sbr {
                sample_rate: parse_rate(&mut bits)?,
                parametric_stereo: outer == object::PS,
            };
            (parse_object_type(&mut bits)?, Some(sbr))
        } else {
            (outer, None)
        };
        if !(1..=object::LTP).contains(&object_type) {
            let what = "an AAC object type other than Main, LC, SSR and LTP";
            return Err(CodecError::Unsupported { what });
        }
        let (frame_samples, channels) = parse_general(&mut bits, channel_code)?;
        if sbr.is_none() {
            // Nothing behind is no extension.
            sbr = parse_trailing_sbr(&mut bits).unwrap_or(None);
        }
        Ok(Self {
            object_type,
            sample_rate,
            channels,
            frame_samples,
            sbr,
            bytes: bytes.to_vec(),
        })
    }

    /// AAC-LC of 1 to 8 channels in their standard arrangement and 1,024 samples a frame.
    pub fn low_complexity(sample_rate: u32, channels: u8) -> Result<Self, CodecError> {
        let code = match channels {
            1..=6 => channels,
            8 => 7,
            _ => {
                return Err(CodecError::OutOfRange {
                    field: "channels",
                    value: channels.into(),
                });
            }
        };
        let mut bits = BitWriter::default();
        bits.push(object::LC.into(), 5);
        let known = SAMPLE_RATES.iter().position(|rate| *rate == sample_rate);
        if let Some(index) = known {
            bits.push(u32::try_from(index).unwrap_or_default(), 4);
        } else {
            bits.push(ESCAPE_RATE.into(), 4);
            bits.push(check_rate(sample_rate)?, 24);
        }
        bits.push(code.into(), 4);
        bits.push(0, 3); // 1,024 samples, no core coder, no extension
        Self::parse(&bits.bytes)
    }

    /// The bytes, exactly as they were read.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Object type of the core codec: 1 Main, 2 LC, 3 SSR, 4 LTP.
    pub const fn object_type(&self) -> u8 {
        self.object_type
    }

    /// Samples a second of the core codec.
    pub const fn core_sample_rate(&self) -> u32 {
        self.sample_rate
    }

    /// Samples of one access unit at the core's rate: 1,024 or 960.
    pub const fn frame_samples(&self) -> u16 {
        self.frame_samples
    }

    /// SBR, when it is signalled.
    pub const fn sbr(&self) -> Option<Sbr> {
        self.sbr
    }

    /// What comes out of a decoder: rate and channels.
    pub fn audio(&self) -> AudioInfo {
        let doubled = self.channels == 1 && self.sbr.is_some_and(|sbr| sbr.parametric_stereo);
        AudioInfo {
            sample_rate: self.sbr.map_or(self.sample_rate, |sbr| sbr.sample_rate),
            channels: if doubled { 2 } else { self.channels },
        }
    }

    /// Length of one access unit in ticks of `timescale`, rounded, at least 1.
    pub fn frame_ticks(&self, timescale: u32) -> u32 {
        let rate = u64::from(self.sample_rate).max(1);
        let ticks = (u64::from(self.frame_samples) * u64::from(timescale) + rate / 2) / rate;
        u32::try_from(ticks).unwrap_or(u32::MAX).max(1)
    }

    /// The codec string, `mp4a.40.` and the object type (RFC 6381 §3.3).
    pub fn codec_string(&self) -> String {
        let object_type = match self.sbr {
            Some(sbr) if sbr.parametric_stereo => object::PS,
            Some(_) => object::SBR,
            None => self.object_type,
        };
        format!("mp4a.40.{object_type}")
    }

    /// The track's configuration; `timescale` is the RTP clock rate.
    pub fn track_config(&self, timescale: u32) -> TrackConfig {
        TrackConfig {
            codec: Codec::Aac,
            timescale,
            video: None,
            audio: Some(self.audio()),
            extra: self.bytes.clone(),
        }
    }
}

/// 14496-3 §1.6.2.1, `GetAudioObjectType`.
fn parse_object_type(bits: &mut BitReader<'_>) -> Result<u8, CodecError> {
    let kind = bits.small("audioObjectType", 5)?;
    if kind == object::ESCAPE {
        Ok(bits.small("audioObjectTypeExt", 6)? + 32)
    } else {
        Ok(kind)
    }
}

fn parse_rate(bits: &mut BitReader<'_>) -> Result<u32, CodecError> {
    let field = "samplingFrequencyIndex";
    let index = bits.small(field, 4)?;
    if index == ESCAPE_RATE {
        return check_rate(bits.bits("samplingFrequency", 24)?);
    }
    let rate = SAMPLE_RATES.get(usize::from(index)).copied();
    rate.ok_or(CodecError::OutOfRange {
        field,
        value: index.into(),
    })
}

fn check_rate(rate: u32) -> Result<u32, CodecError> {
    if (1..=MAX_SAMPLE_RATE).contains(&rate) {
        Ok(rate)
    } else {
        Err(CodecError::OutOfRange {
            field: "samplingFrequency",
            value: rate.into(),
        })
    }
}

/// `GASpecificConfig` (14496-3 §4.4.1): samples of a frame, and channels.
fn parse_general(bits: &mut BitReader<'_>, channel_code: u8) -> Result<(u16, u8), CodecError> {
    let frame_samples = if bits.flag("frameLengthFlag")? {
        960
    } else {
        1_024
    };
    if bits.flag("dependsOnCoreCoder")? {
        bits.skip("coreCoderDelay", 14)?;
    }
    let extension = bits.flag("extensionFlag")?;
    let channels = match channel_code {
        0 => parse_program(bits)?,
        1..=6 => channel_code,
        7 | 12 | 14 => 8,
        11 => 7,
        code => {
            return Err(CodecError::OutOfRange {
                field: "channelConfiguration",
                value: code.into(),
            });
        }
    };
    if extension {
        bits.skip("extensionFlag3", 1)?;
    }
    Ok((frame_samples, channels))
}

/// `program_config_element` (14496-3 §4.4.1.1): its channels.
fn parse_program(bits: &mut BitReader<'_>) -> Result<u8, CodecError> {
    const FIELD: &str = "program_config_element";
    bits.skip(FIELD, 10)?;
    let speakers = bits.bits(FIELD, 4)? + bits.bits(FIELD, 4)? + bits.bits(FIELD, 4)?;
    let low_frequency = bits.bits(FIELD, 2)?;
    let data = bits.bits(FIELD, 3)?;
    let coupling = bits.bits(FIELD, 4)?;
    for mixdown_bits in [4, 4, 3] {
        if bits.flag(FIELD)? {
            bits.skip(FIELD, mixdown_bits)?;
        }
    }
    let mut channels = low_frequency;
    for _ in 0..speakers {
        channels += 1 + u32::from(bits.flag("element_is_cpe")?);
        bits.skip("element_tag_select", 4)?;
    }
    bits.skip(FIELD, 4 * (low_frequency + data) + 5 * coupling)?;
    // The alignment and the comment that follow say nothing about the sound.
    match u8::try_from(channels) {
        Ok(count) if (1..=MAX_CHANNELS).contains(&count) => Ok(count),
        Ok(_) | Err(_) => Err(CodecError::OutOfRange {
            field: FIELD,
            value: channels.into(),
        }),
    }
}

/// The backward-compatible signalling behind the configuration (14496-3 §1.6.2.1).
fn parse_trailing_sbr(bits: &mut BitReader<'_>) -> Result<Option<Sbr>, CodecError> {
    if bits.bits("syncExtensionType", 11)? != SYNC_SBR
        || parse_object_type(bits)? != object::SBR
        || !bits.flag("sbrPresentFlag")?
    {
        return Ok(None);
    }
    let sample_rate = parse_rate(bits)?;
    let sync = bits.bits("syncExtensionType", 11);
    let parametric_stereo = sync == Ok(SYNC_PS) && bits.flag("psPresentFlag") == Ok(true);
    Ok(Some(Sbr {
        sample_rate,
        parametric_stereo,
    }))
}

/// Appends bits, most significant first.
#[derive(Default)]
struct BitWriter {
    bytes: Vec<u8>,
    used: u8,
}

impl BitWriter {
    fn push(&mut self, value: u32, count: u8) {
        for shift in (0..count).rev() {
            if self.used == 0 {
                self.bytes.push(0);
            }
            if let Some(last) = self.bytes.last_mut() {
                let bit = u8::from((value >> shift) & 1 == 1);
                *last |= bit << (7 - self.used);
            }
            self.used = (self.used + 1) % 8;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(bytes: &[u8]) -> AudioSpecificConfig {
        AudioSpecificConfig::parse(bytes).unwrap()
    }

    #[test]
    fn plain_lc_is_read() {
        let config = parse(&[0x11, 0x90]);
        let audio = AudioInfo {
            sample_rate: 48_000,
            channels: 2,
        };
        assert_eq!(config.audio(), audio);
        assert_eq!(config.codec_string(), "mp4a.40.2");
        assert_eq!(config.frame_ticks(48_000), 1_024);
        assert_eq!(parse(&[0x15, 0x88]).audio().sample_rate, 8_000);
        assert_eq!(config.track_config(48_000).extra, [0x11, 0x90]);
    }

    #[test]
    fn sbr_and_ps_in_front_are_read() {
        // 5 | 24 kHz | mono | 48 kHz | 2 | 000
        let sbr = parse(&[0x2b, 0x09, 0x88, 0x00]);
        assert_eq!(sbr.core_sample_rate(), 24_000);
        let audio = AudioInfo {
            sample_rate: 48_000,
            channels: 1,
        };
        assert_eq!(sbr.audio(), audio);
        assert_eq!(sbr.codec_string(), "mp4a.40.5");
        assert_eq!(sbr.frame_ticks(48_000), 2_048);
        // 29 | 24 kHz | mono | 48 kHz | 2 | 000
        let ps = parse(&[0xeb, 0x09, 0x88, 0x00]);
        assert_eq!(ps.audio().channels, 2);
        assert_eq!(ps.codec_string(), "mp4a.40.29");
    }

    #[test]
    fn sbr_behind_is_read() {
        // 2 | 24 kHz | mono | 000 | 0x2b7 | 5 | 1 | 48 kHz
        let config = parse(&[0x13, 0x08, 0x56, 0xe5, 0x98]);
        let sbr = Sbr {
            sample_rate: 48_000,
            parametric_stereo: false,
        };
        assert_eq!(config.sbr(), Some(sbr));
        let with_ps = parse(&[0x13, 0x08, 0x56, 0xe5, 0x9d, 0x48, 0x80]);
        assert_eq!(with_ps.audio().channels, 2);
    }

    #[test]
    fn a_program_element_is_counted() {
        let mut bits = BitWriter::default();
        for (value, count) in [(2, 5), (3, 4), (0, 4), (0, 3)] {
            bits.push(value, count);
        }
        // tag, object, rate | front 2, side 0, back 1 | lfe 1 | data 0 | coupling 0 | no mixdowns
        for (value, count) in [
            (0, 10),
            (2, 4),
            (0, 4),
            (1, 4),
            (1, 2),
            (0, 3),
            (0, 4),
            (0, 3),
        ] {
            bits.push(value, count);
        }
        for (value, count) in [(0, 5), (0b1_0000, 5), (0b1_0000, 5), (0, 4)] {
            bits.push(value, count);
        }
        assert_eq!(parse(&bits.bytes).audio().channels, 6);
    }

    #[test]
    fn other_forms_are_refused() {
        let short = CodecError::Short {
            field: "audioObjectType",
        };
        assert_eq!(AudioSpecificConfig::parse(&[]), Err(short));
        // ER AAC LD, reserved rate 13, channel code 8, USAC.
        for bad in [
            [0xb9, 0x90, 0],
            [0x16, 0x90, 0],
            [0x11, 0xc0, 0],
            [0xf9, 0x48, 0x40],
        ] {
            assert!(AudioSpecificConfig::parse(&bad).is_err());
        }
        assert!(AudioSpecificConfig::parse(&[0x11; MAX_CONFIG + 1]).is_err());
        assert!(AudioSpecificConfig::low_complexity(48_000, 7).is_err());
        assert!(AudioSpecificConfig::low_complexity(0, 1).is_err());
    }

    proptest! {
        #[test]
        fn what_is_built_is_read_back(rate in 1_u32..=MAX_SAMPLE_RATE, table in 0_usize..26, channels in 1_u8..=6) {
            let rate = SAMPLE_RATES.get(table).copied().unwrap_or(rate);
            let config = AudioSpecificConfig::low_complexity(rate, channels).unwrap();
            prop_assert_eq!(config.audio(), AudioInfo { sample_rate: rate, channels });
            prop_assert_eq!(parse(config.as_bytes()), config);
        }

        #[test]
        fn random_bytes_never_panic(bytes: Vec<u8>) {
            if let Ok(config) = AudioSpecificConfig::parse(&bytes) {
                prop_assert!((1..=MAX_CHANNELS).contains(&config.audio().channels));
                prop_assert!(config.frame_ticks(u32::MAX) >= 1);
            }
        }
    }
}
