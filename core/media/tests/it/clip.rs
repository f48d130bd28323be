//! Clips that ffmpeg makes, taken apart into access units as a camera would deliver them.

use std::fs;
use std::path::{Path, PathBuf};

use bartizan_domain::UtcMillis;
use bartizan_media::codec::{h264, h265, nal};
use bartizan_media::mp4::{ConfigNo, Finished, Mp4Error, Mp4Writer, Sample, TrackNo};
use bartizan_media::{Codec, TrackConfig};
use tempfile::TempDir;

use crate::tools::{Packet, ffmpeg, packets};

/// One access unit with its times.
#[derive(Debug, Clone)]
pub(crate) struct Unit {
    pub(crate) pts: i64,
    pub(crate) dts: i64,
    pub(crate) key: bool,
    pub(crate) data: Vec<u8>,
}

/// A track out of ffmpeg's hands.
#[derive(Debug, Clone)]
pub(crate) struct Clip {
    pub(crate) config: TrackConfig,
    pub(crate) units: Vec<Unit>,
}

impl Clip {
    /// The same, `ticks` later.
    pub(crate) fn later(mut self, ticks: i64) -> Self {
        for unit in &mut self.units {
            unit.pts += ticks;
            unit.dts += ticks;
        }
        self
    }

    /// A clip whose first unit is presented at 0.
    pub(crate) fn rebased(self) -> Self {
        let first = self.units[0].pts;
        self.later(-first)
    }
}

/// Makes `name` in `dir` from a test source with `args`.
pub(crate) fn make(dir: &TempDir, name: &str, source: &str, args: &[&str]) -> PathBuf {
    let file = dir.path().join(name);
    let path = file.to_str().unwrap();
    let front = ["-f", "lavfi", "-i", source];
    let timescale = ["-video_track_timescale", "90000", path];
    ffmpeg(front.iter().chain(args).chain(&timescale));
    file
}

/// The video of `file`, read as an Annex B stream; its times are those of `file`.
pub(crate) fn video(file: &Path, codec: Codec) -> Clip {
    let format = if codec == Codec::H264 { "h264" } else { "hevc" };
    let path = file.to_str().unwrap();
    let stream = ffmpeg(["-i", path, "-map", "0:v", "-c", "copy", "-f", format, "-"]);
    let nals: Vec<_> = nal::annex_b(&stream).collect();
    let (config, units) = match codec {
        Codec::H264 => (
            h264_config(&nals),
            split(&nals, h264_begins, h264_is_parameter_set),
        ),
        _ => (
            h265_config(&nals),
            split(&nals, h265_begins, h265_is_parameter_set),
        ),
    };
    let is_key = if codec == Codec::H264 {
        h264::is_key
    } else {
        h265::is_key
    };
    let times = packets(file, "v:0");
    assert_eq!(units.len(), times.len(), "access units are told apart");
    let unit = |(data, packet): (Vec<u8>, Packet)| {
        let key = is_key(&data).unwrap();
        assert_eq!(key, packet.key, "keyframes are told apart");
        let Packet { pts, dts, .. } = packet;
        Unit {
            pts,
            dts,
            key,
            data,
        }
    };
    let units = units.into_iter().zip(times).map(unit).collect();
    Clip { config, units }
}

/// The sound of `file`, packet by packet.
pub(crate) fn sound(file: &Path, config: TrackConfig) -> Clip {
    let path = file.to_str().unwrap();
    let stream = ffmpeg(["-i", path, "-map", "0:a", "-c", "copy", "-f", "data", "-"]);
    let mut rest = stream.as_slice();
    let unit = |packet: Packet| {
        let (data, after) = rest.split_at(packet.size);
        rest = after;
        let Packet { pts, dts, .. } = packet;
        Unit {
            pts,
            dts,
            key: true,
            data: data.to_vec(),
        }
    };
    let units = packets(file, "a:0").into_iter().map(unit).collect();
    assert!(rest.is_empty());
    Clip { config, units }
}

/// Writes `clips` as the tracks of one file, in the order of their decode times.
pub(crate) fn export(dir: &TempDir, name: &str, clips: &[Clip]) -> PathBuf {
    let mut file = Vec::new();
    let mut writer = Mp4Writer::new(UtcMillis(1_790_000_000_000), &mut file);
    let mut queue = Vec::new();
    for clip in clips {
        let track = writer.add_track(&clip.config).unwrap();
        let scale = i64::from(clip.config.timescale);
        queue.extend(
            clip.units
                .iter()
                .map(|unit| (unit.dts * 90_000 / scale, track, unit)),
        );
    }
    queue.sort_by_key(|(dts, ..)| *dts);
    for (_, track, unit) in queue {
        put(&mut writer, track, ConfigNo::FIRST, unit, &mut file).unwrap();
    }
    save(dir, name, writer, file)
}

/// Hands one unit to the writer.
pub(crate) fn put(
    writer: &mut Mp4Writer,
    track: TrackNo,
    config: ConfigNo,
    unit: &Unit,
    out: &mut Vec<u8>,
) -> Result<(), Mp4Error> {
    let Unit {
        pts,
        dts,
        key,
        ref data,
    } = *unit;
    writer.sample(
        track,
        Sample {
            pts,
            dts,
            key,
            config,
            data,
        },
        out,
    )
}

/// Ends the file and stores it, `moov` last.
pub(crate) fn save(dir: &TempDir, name: &str, writer: Mp4Writer, mut file: Vec<u8>) -> PathBuf {
    let done = end(writer, &mut file);
    file.extend(done.moov().unwrap());
    let path = dir.path().join(name);
    fs::write(&path, file).unwrap();
    path
}

/// Ends the file and stores it, `moov` before the media.
pub(crate) fn save_fast_start(
    dir: &TempDir,
    name: &str,
    writer: Mp4Writer,
    mut file: Vec<u8>,
) -> PathBuf {
    let front = end(writer, &mut file).fast_start().unwrap();
    let at = usize::try_from(front.offset).unwrap();
    file.splice(at..at, front.moov);
    let path = dir.path().join(name);
    fs::write(&path, file).unwrap();
    path
}

fn end(writer: Mp4Writer, file: &mut Vec<u8>) -> Finished {
    let done = writer.finish(file).unwrap();
    let patch = done.mdat_size();
    let at = usize::try_from(patch.offset).unwrap();
    file[at..at + patch.bytes.len()].copy_from_slice(&patch.bytes);
    done
}

/// Groups NAL units into length-prefixed access units without parameter sets.
fn split(
    nals: &[&[u8]],
    begins: impl Fn(&[u8]) -> (bool, bool),
    is_parameter_set: impl Fn(&[u8]) -> bool,
) -> Vec<Vec<u8>> {
    let mut units = vec![Vec::new()];
    let mut has_slice = false;
    for unit in nals {
        let (is_slice, begins) = begins(unit);
        if begins && has_slice {
            units.push(Vec::new());
            has_slice = false;
        }
        has_slice |= is_slice;
        if !is_parameter_set(unit) {
            nal::push(units.last_mut().unwrap(), unit).unwrap();
        }
    }
    units
}

fn h264_begins(unit: &[u8]) -> (bool, bool) {
    let kind = h264::NalType::of(unit).unwrap();
    if kind.is_slice() {
        let header = h264::SliceHeader::parse(unit).unwrap();
        return (true, header.first_mb_in_slice == 0);
    }
    (false, kind.begins_access_unit())
}

fn h264_is_parameter_set(unit: &[u8]) -> bool {
    h264::NalType::of(unit).is_some_and(h264::NalType::is_parameter_set)
}

fn h264_config(nals: &[&[u8]]) -> TrackConfig {
    let find = |kind| {
        nals.iter()
            .find(|unit| h264::NalType::of(unit) == Some(kind))
            .unwrap()
    };
    let sets = h264::ParameterSets::parse(find(h264::NalType::SPS), find(h264::NalType::PPS));
    sets.unwrap().track_config()
}

fn h265_begins(unit: &[u8]) -> (bool, bool) {
    let kind = h265::NalType::of(unit).unwrap();
    if kind.is_slice() {
        return (true, h265::first_slice_segment_in_pic(unit).unwrap());
    }
    (false, kind.begins_access_unit())
}

fn h265_is_parameter_set(unit: &[u8]) -> bool {
    h265::NalType::of(unit).is_some_and(h265::NalType::is_parameter_set)
}

fn h265_config(nals: &[&[u8]]) -> TrackConfig {
    let find = |kind| {
        nals.iter()
            .find(|unit| h265::NalType::of(unit) == Some(kind))
            .unwrap()
    };
    let [vps, sps, pps] = [h265::NalType::VPS, h265::NalType::SPS, h265::NalType::PPS].map(find);
    h265::ParameterSets::parse(vps, sps, pps)
        .unwrap()
        .track_config()
}
