//! Sample entries: how a track's configuration is written into `stsd` (14496-12 §8.5.2, -14 §5.6,
//! -15 §5.4.2 and §8.4.1, Opus in ISOBMFF §4.3).
//!
//! `avc1` and `hvc1` promise that the parameter sets are in the entry; those that a camera repeats in its
//! access units stay there, every player passes over them. G.711 has the `ulaw` and `alaw`
//! of `QuickTime`, with a packet instead of a byte a sample, so that gaps can be told.

use super::Mp4Error;
use super::boxes::Boxes;
use crate::codec::{CodecError, aac, access_unit_ticks, g711, h264, h265, opus};
use crate::{AudioInfo, Codec, TrackConfig, VideoInfo};

/// A configuration that was checked.
#[derive(Debug)]
pub(super) struct Entry {
    config: TrackConfig,
    shape: Shape,
}

#[derive(Debug, Clone, Copy)]
enum Shape {
    Sound(AudioInfo, u16),
    /// Size, and ticks of a frame when the parameter sets say so.
    Picture(VideoInfo, Option<u32>),
}

impl Entry {
    pub(super) fn new(config: &TrackConfig) -> Result<Self, Mp4Error> {
        if config.timescale == 0 {
            let (field, value) = ("timescale", 0);
            return Err(CodecError::OutOfRange { field, value }.into());
        }
        Ok(Self {
            shape: shape(config)?,
            config: config.clone(),
        })
    }

    pub(super) const fn config(&self) -> &TrackConfig {
        &self.config
    }

    pub(super) const fn timescale(&self) -> u32 {
        self.config.timescale
    }

    pub(super) const fn is_video(&self) -> bool {
        matches!(self.shape, Shape::Picture(..))
    }

    /// Size of the picture, for `tkhd`.
    pub(super) const fn video(&self) -> Option<VideoInfo> {
        match self.shape {
            Shape::Picture(video, _) => Some(video),
            Shape::Sound(..) => None,
        }
    }

    /// How long the access unit `data` lasts by itself, if that is known.
    pub(super) fn ticks(&self, data: &[u8]) -> Option<u32> {
        match self.shape {
            Shape::Picture(_, ticks) => ticks,
            Shape::Sound(..) => access_unit_ticks(&self.config, data),
        }
    }

    /// Ticks at the start that a player decodes but does not play (Opus `PreSkip`).
    pub(super) fn pre_skip_ticks(&self) -> i64 {
        match self.shape {
            Shape::Sound(_, pre_skip) => {
                let ticks = u64::from(pre_skip) * u64::from(self.config.timescale);
                i64::try_from(ticks / u64::from(opus::SAMPLE_RATE)).unwrap_or(0)
            }
            Shape::Picture(..) => 0,
        }
    }

    /// Writes the sample entry.
    pub(super) fn write(&self, out: &mut Boxes) {
        let (kind, codec_box) = match self.config.codec {
            Codec::H264 => (*b"avc1", Some(*b"avcC")),
            Codec::H265 => (*b"hvc1", Some(*b"hvcC")),
            Codec::Aac => (*b"mp4a", None),
            Codec::Opus => (*b"Opus", Some(*b"dOps")),
            Codec::Pcmu => (*b"ulaw", None),
            Codec::Pcma => (*b"alaw", None),
        };
        out.boxed(kind, |out| {
            out.zeros(6).u16(1); // reserved, data_reference_index
            match self.shape {
                Shape::Picture(video, _) => picture(out, video),
                Shape::Sound(audio, _) => sound(out, audio),
            }
            if let Some(kind) = codec_box {
                out.boxed(kind, |out| {
                    out.bytes(&self.config.extra);
                });
            } else if self.config.codec == Codec::Aac {
                esds(out, &self.config.extra);
            }
        });
    }
}

/// Checks that the configuration is one of its codec.
fn shape(config: &TrackConfig) -> Result<Shape, CodecError> {
    let frame = |rate: crate::codec::FrameRate| rate.frame_ticks(config.timescale);
    match config.codec {
        Codec::H264 => {
            let sets = h264::ParameterSets::from_avcc(&config.extra)?;
            Ok(Shape::Picture(sets.video(), sets.frame_rate().map(frame)))
        }
        Codec::H265 => {
            let sets = h265::ParameterSets::from_hvcc(&config.extra)?;
            Ok(Shape::Picture(sets.video(), sets.frame_rate().map(frame)))
        }
        Codec::Aac => {
            let audio = aac::AudioSpecificConfig::parse(&config.extra)?.audio();
            Ok(Shape::Sound(audio, 0))
        }
        Codec::Opus => {
            let opus = opus::OpusConfig::parse(&config.extra)?;
            let audio = AudioInfo {
                sample_rate: opus::SAMPLE_RATE,
                channels: opus.channels,
            };
            Ok(Shape::Sound(audio, opus.pre_skip))
        }
        Codec::Pcma | Codec::Pcmu => {
            let field = "audio";
            let audio = config.audio.ok_or(CodecError::Mismatch { field })?;
            g711::track_config(config.codec, audio.sample_rate, audio.channels)?;
            Ok(Shape::Sound(audio, 0))
        }
    }
}

/// `VisualSampleEntry` (14496-12 §12.1.3).
fn picture(out: &mut Boxes, video: VideoInfo) {
    const DPI_72: u32 = 0x0048_0000;
    out.zeros(16)
        .u16(video.width)
        .u16(video.height)
        .u32(DPI_72)
        .u32(DPI_72)
        .zeros(4)
        .u16(1) // frames a sample
        .zeros(32) // no compressor's name
        .u16(0x0018) // colour without alpha
        .i16(-1);
}

/// `AudioSampleEntry` (14496-12 §12.2.3).
fn sound(out: &mut Boxes, audio: AudioInfo) {
    // 16.16 holds up to 65,535 Hz; above that the decoder's own configuration tells the rate.
    let rate = u16::try_from(audio.sample_rate).unwrap_or(0);
    out.zeros(8)
        .u16(audio.channels.into())
        .u16(16) // bits of a decoded sample
        .zeros(4)
        .u16(rate)
        .u16(0);
}

/// `ESDBox` (14496-14 §5.6.1) with the descriptors of 14496-1 §7.2.6.
fn esds(out: &mut Boxes, config: &[u8]) {
    const ES: u8 = 3;
    const DECODER_CONFIG: u8 = 4;
    const DECODER_SPECIFIC: u8 = 5;
    const SYNC_LAYER: u8 = 6;
    const AUDIO_14496_3: u8 = 0x40;
    const AUDIO_STREAM: u8 = 0x15;

    let mut decoder = vec![AUDIO_14496_3, AUDIO_STREAM];
    decoder.extend([0; 11]); // buffer size and bit rates: unknown
    decoder.extend(descriptor(DECODER_SPECIFIC, config));
    let mut stream = vec![0, 0, 0]; // ES_ID in a file, no flags (14496-14 §3.1.2)
    stream.extend(descriptor(DECODER_CONFIG, &decoder));
    stream.extend(descriptor(SYNC_LAYER, &[2]));
    out.full(*b"esds", 0, 0, |out| {
        out.bytes(&descriptor(ES, &stream));
    });
}

/// A descriptor with its expandable size of four bytes (14496-1 §8.3.3), which holds up to 2^28 − 1.
fn descriptor(tag: u8, body: &[u8]) -> Vec<u8> {
    let len = u32::try_from(body.len()).unwrap_or(u32::MAX);
    let seven = |shift: u32| ((len >> shift) & 0x7f).to_le_bytes()[0];
    let mut out = vec![
        tag,
        0x80 | seven(21),
        0x80 | seven(14),
        0x80 | seven(7),
        seven(0),
    ];
    out.extend_from_slice(body);
    out
}
