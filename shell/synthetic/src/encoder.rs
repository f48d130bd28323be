//! The H.264 encoder: openh264 in its real-time camera mode, Constrained Baseline, one slice a picture.

use std::fmt;

use bartizan_media::TrackConfig;
use bartizan_media::codec::h264::ParameterSets;
use bartizan_media::codec::nal;
use openh264::encoder::{
    BitRate, Complexity, Encoder, EncoderConfig, FrameRate, IntraFramePeriod, RateControlMode,
    UsageType, VuiConfig,
};
use openh264::formats::YUVSlices;
use openh264::{OpenH264API, Timestamp};

use crate::picture::Frame;
use crate::{SyntheticError, SyntheticOptions};

const SPS: u8 = 7;
const PPS: u8 = 8;
const IDR: u8 = 5;

/// How often a picture is offered: four seconds' worth of draining at 15 pictures a second.
const ATTEMPTS: u32 = 60;

/// One camera's encoder.
pub(crate) struct H264 {
    encoder: Encoder,
    width: usize,
    height: usize,
    fps: u64,
    /// Pictures given to the library so far, those that it left out included.
    attempts: u64,
}

/// One encoded picture.
#[derive(Debug)]
pub(crate) struct Encoded {
    /// Length-prefixed NAL units, without parameter sets.
    pub(crate) data: Vec<u8>,
    /// Decoding can start here.
    pub(crate) key: bool,
}

impl H264 {
    /// Starts the encoder, and encodes `first` once to learn what a decoder must know.
    pub(crate) fn new(
        options: &SyntheticOptions,
        first: &Frame,
    ) -> Result<(Self, TrackConfig), SyntheticError> {
        let api = OpenH264API::from_source();
        let encoder = Encoder::with_api_config(api, config(options));
        let mut new = Self {
            encoder: encoder.map_err(SyntheticError::Encoder)?,
            width: options.width.into(),
            height: options.height.into(),
            fps: options.fps.into(),
            attempts: 0,
        };
        let nals = new.attempt(first)?;
        let find = |kind| nals.iter().find(|nal| kind_of(nal) == Some(kind));
        let (Some(sps), Some(pps)) = (find(SPS), find(PPS)) else {
            return Err(SyntheticError::NoParameterSets);
        };
        let config = ParameterSets::parse(sps, pps)?.track_config();
        Ok((new, config))
    }

    /// Encodes `frame`, as a keyframe if `key`. `before`, if any, is put before the picture's slices.
    /// `None` when the encoder leaves the picture out even so.
    pub(crate) fn encode(
        &mut self,
        frame: &Frame,
        key: bool,
        before: Option<&[u8]>,
    ) -> Result<Option<Encoded>, SyntheticError> {
        for _ in 0..ATTEMPTS {
            if key {
                self.encoder.force_intra_frame();
            }
            let nals = self.attempt(frame)?;
            let slices: Vec<_> = nals.iter().filter(|nal| is_slice(nal)).collect();
            if !slices.is_empty() {
                let key = slices.iter().all(|nal| kind_of(nal) == Some(IDR));
                let mut data = Vec::with_capacity(nals.iter().map(|nal| nal.len() + 4).sum());
                for nal in before
                    .into_iter()
                    .chain(slices.into_iter().map(Vec::as_slice))
                {
                    nal::push(&mut data, nal)?;
                }
                return Ok(Some(Encoded { data, key }));
            }
        }
        Ok(None)
    }

    /// The NAL units of `frame` without start codes; none when the library leaves it out because its
    /// buffer is full. The buffer drains with the library's time, which goes on at each attempt.
    fn attempt(&mut self, frame: &Frame) -> Result<Vec<Vec<u8>>, SyntheticError> {
        let at = self.attempts.saturating_mul(1_000) / self.fps.max(1);
        self.attempts = self.attempts.saturating_add(1);
        let (width, half) = (self.width, self.width / 2);
        let planes = (frame.y.bytes(), frame.u.bytes(), frame.v.bytes());
        let source = YUVSlices::new(planes, (width, self.height), (width, half, half));
        // The library's clock is signed; nothing runs for 292 million years.
        let at = Timestamp::from_millis(at.min(i64::MAX.unsigned_abs()));
        let encoded = self.encoder.encode_at(&source, at);
        let stream = encoded.map_err(SyntheticError::Encoder)?;
        let mut nals = Vec::new();
        for layer in (0..stream.num_layers()).filter_map(|index| stream.layer(index)) {
            let units = (0..layer.nal_count()).filter_map(|index| layer.nal_unit(index));
            nals.extend(units.map(|unit| without_start_code(unit).to_vec()));
        }
        Ok(nals)
    }
}

impl fmt::Debug for H264 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { width, height, .. } = self;
        write!(f, "H264({width}x{height})")
    }
}

fn config(options: &SyntheticOptions) -> EncoderConfig {
    EncoderConfig::new()
        .usage_type(UsageType::CameraVideoRealTime)
        .complexity(Complexity::Low)
        .rate_control_mode(RateControlMode::Timestamp)
        .bitrate(BitRate::from_bps(options.bitrate_bps))
        .max_frame_rate(FrameRate::from_hz(f32::from(options.fps)))
        // What makes the library hold a bit rate; without, it complains on standard error. The
        // pictures that it leaves out are offered again, see `encode`.
        .skip_frames(true)
        // Keyframes are asked for one by one: the interval need not be a whole number of pictures.
        .intra_frame_period(IntraFramePeriod::auto())
        .scene_change_detect(false)
        .num_threads(1)
        .vui(VuiConfig::bt709())
}

/// 14496-10 §B.1.1.
fn without_start_code(unit: &[u8]) -> &[u8] {
    let rest = unit
        .strip_prefix(&[0, 0, 0, 1])
        .or_else(|| unit.strip_prefix(&[0, 0, 1]));
    rest.unwrap_or(unit)
}

/// A picture's slice of any kind (14496-10 table 7-1).
fn is_slice(nal: &[u8]) -> bool {
    matches!(kind_of(nal), Some(1..=IDR))
}

/// `nal_unit_type` (14496-10 §7.3.1).
fn kind_of(nal: &[u8]) -> Option<u8> {
    nal.first().map(|header| header & 0x1f)
}
