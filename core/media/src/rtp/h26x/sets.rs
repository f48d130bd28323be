//! The parameter sets of a track: collected from the session description and the stream, and told
//! apart from mere repetitions.

use std::collections::BTreeMap;

use super::Flavor;
use crate::TrackConfig;
use crate::codec::bits::BitReader;
use crate::codec::{FrameRate, MAX_PARAMETER_SET, VIDEO_TIMESCALE, h264, h265};

/// Most picture parameter sets that are held while it is not known which are used.
const MAX_PPS: usize = 32;

/// What the parameter sets say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VideoParameters {
    /// Configuration of the track.
    pub config: TrackConfig,
    /// How many pictures may precede one in decoding order and follow it in output order, when said.
    pub reorder_frames: Option<u8>,
    /// Ticks of a frame, when said.
    pub frame_ticks: Option<u32>,
}

/// Sets as they came last.
#[derive(Debug)]
pub(super) struct Sets {
    flavor: Flavor,
    vps: Vec<u8>,
    sps: Vec<u8>,
    pps: BTreeMap<u32, Vec<u8>>,
    dirty: bool,
    current: Option<VideoParameters>,
}

impl Sets {
    pub(super) const fn new(flavor: Flavor) -> Self {
        Self {
            flavor,
            vps: Vec::new(),
            sps: Vec::new(),
            pps: BTreeMap::new(),
            dirty: false,
            current: None,
        }
    }

    /// Takes a NAL unit; one that is no parameter set, or is known already, changes nothing.
    pub(super) fn offer(&mut self, nal: &[u8]) {
        if nal.len() > MAX_PARAMETER_SET {
            return;
        }
        let changed = match self.flavor {
            Flavor::H264 => match h264::NalType::of(nal) {
                Some(h264::NalType::SPS) => replace(&mut self.sps, nal),
                Some(h264::NalType::PPS) => self.offer_pps(nal),
                _ => false,
            },
            Flavor::H265 => match h265::NalType::of(nal) {
                Some(h265::NalType::VPS) => replace(&mut self.vps, nal),
                Some(h265::NalType::SPS) => replace(&mut self.sps, nal),
                Some(h265::NalType::PPS) => self.offer_pps(nal),
                _ => false,
            },
        };
        self.dirty |= changed;
    }

    /// The parameters, when they are complete and differ from what was told last.
    pub(super) fn changed(&mut self) -> Option<VideoParameters> {
        if !std::mem::take(&mut self.dirty) {
            return None;
        }
        // Sets that cannot be read are passed over; the old ones go on.
        let parameters = self.parse()?;
        if self.current.as_ref() == Some(&parameters) {
            return None;
        }
        self.current = Some(parameters.clone());
        Some(parameters)
    }

    fn offer_pps(&mut self, nal: &[u8]) -> bool {
        let body = nal.get(self.flavor.header_len()..).unwrap_or(&[]);
        let Ok(id) = BitReader::of_nal(body).ue("PPS id", 255) else {
            return false;
        };
        if !self.pps.contains_key(&id) && self.pps.len() >= MAX_PPS {
            return false;
        }
        replace(self.pps.entry(id).or_default(), nal)
    }

    /// Reads the sets; PPS that cannot be read or refer to another SPS are left out.
    fn parse(&self) -> Option<VideoParameters> {
        let mut pps = self.pps.values();
        match self.flavor {
            Flavor::H264 => {
                let parse = |pps: &Vec<u8>| h264::ParameterSets::parse(&self.sps, pps).ok();
                let mut sets = pps.by_ref().find_map(parse)?;
                pps.for_each(|pps| sets.add_pps(pps).unwrap_or_default());
                let config = sets.track_config();
                Some(tell(config, sets.reorder_frames(), sets.frame_rate()))
            }
            Flavor::H265 => {
                let parse =
                    |pps: &Vec<u8>| h265::ParameterSets::parse(&self.vps, &self.sps, pps).ok();
                let mut sets = pps.by_ref().find_map(parse)?;
                pps.for_each(|pps| sets.add_pps(pps).unwrap_or_default());
                let config = sets.track_config();
                Some(tell(config, sets.reorder_frames(), sets.frame_rate()))
            }
        }
    }
}

fn tell(config: TrackConfig, reorder: Option<u8>, rate: Option<FrameRate>) -> VideoParameters {
    VideoParameters {
        config,
        reorder_frames: reorder,
        frame_ticks: rate.map(|rate| rate.frame_ticks(VIDEO_TIMESCALE)),
    }
}

fn replace(old: &mut Vec<u8>, new: &[u8]) -> bool {
    if old == new {
        return false;
    }
    new.clone_into(old);
    true
}
