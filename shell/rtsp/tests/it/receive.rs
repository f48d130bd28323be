//! What arrives is what the clip holds: every frame, every keyframe, in order, decodable.

use std::time::Duration;

use bartizan_domain::Track;
use bartizan_media::codec::{h264, h265, nal};
use bartizan_media::rtsp::Transport;
use bartizan_media::{Codec, TrackConfig};

use crate::camera::{self, CLIP_SECONDS, Camera, Clip};
use crate::viewer::{self, Seen};

const TICK: Duration = Duration::from_millis(20);

/// Watches a clip that is played once, to its end.
fn watch_once(clip: Clip, transport: Transport, tick: Duration) -> Seen {
    let camera = Camera::serve(&[clip], &["--once"]);
    let settings = viewer::settings(camera.url(), transport, None);
    let frames = usize::try_from(CLIP_SECONDS * 25).unwrap();
    let (seen, _) = viewer::watch(settings, tick, |seen| {
        seen.units(Track::Video).len() >= frames
    });
    seen
}

/// The parameter sets of a configuration as a byte stream.
fn parameter_sets(config: &TrackConfig) -> Vec<u8> {
    let nals: Vec<Vec<u8>> = if config.codec == Codec::H264 {
        let sets = h264::ParameterSets::from_avcc(&config.extra).unwrap();
        sets.nals().map(<[u8]>::to_vec).collect()
    } else {
        let sets = h265::ParameterSets::from_hvcc(&config.extra).unwrap();
        sets.nals().map(<[u8]>::to_vec).collect()
    };
    nals.iter()
        .flat_map(|nal| [&[0, 0, 0, 1], &nal[..]].concat())
        .collect()
}

/// ffmpeg decodes the recorded video without complaint; returns how many frames.
fn decoded_frames(clip: Clip, seen: &Seen) -> usize {
    let mut stream = parameter_sets(seen.config(Track::Video));
    for unit in seen.units(Track::Video) {
        stream.extend(nal::to_annex_b(&unit.data).unwrap());
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stream");
    std::fs::write(&path, stream).unwrap();
    let args = [
        "-v",
        "error",
        "-xerror",
        "-f",
        clip.raw(),
        "-i",
        path.to_str().unwrap(),
        "-f",
        "framecrc",
        "-",
    ];
    let frames = camera::run("ffmpeg", &args);
    frames.lines().filter(|line| !line.starts_with('#')).count()
}

fn assert_whole(clip: Clip, seen: &Seen) {
    let units = seen.units(Track::Video);
    let keys: Vec<_> = units.iter().map(|unit| unit.key).collect();
    assert_eq!(keys, camera::keyframes(clip), "{clip:?}");
    assert!(
        units
            .iter()
            .all(|unit| unit.lost_packets == 0 && unit.dts <= unit.pts)
    );
    assert!(units.windows(2).all(|pair| pair[0].dts < pair[1].dts));
    let mut pts: Vec<_> = units.iter().map(|unit| unit.pts).collect();
    pts.sort_unstable();
    assert!(
        pts.windows(2)
            .all(|pair| (3_590..=3_610).contains(&(pair[1] - pair[0]))),
        "{pts:?}"
    );
    let size = seen.config(Track::Video).video.unwrap();
    assert_eq!((size.width, size.height), (640, 360));
    assert_eq!(decoded_frames(clip, seen), units.len(), "{clip:?}");
}

#[test]
fn every_frame_of_h264_arrives_over_tcp() {
    for clip in [Clip::H264, Clip::H264Reordered] {
        assert_whole(clip, &watch_once(clip, Transport::Tcp, TICK));
    }
}

#[test]
fn every_frame_of_h265_arrives_over_tcp() {
    for clip in [Clip::H265, Clip::H265Reordered] {
        assert_whole(clip, &watch_once(clip, Transport::Tcp, TICK));
    }
}

#[test]
fn every_frame_arrives_over_udp_too() {
    for clip in [Clip::H264, Clip::H265Reordered] {
        assert_whole(clip, &watch_once(clip, Transport::Udp, TICK));
    }
}

#[test]
fn a_slow_tick_loses_nothing() {
    let seen = watch_once(Clip::H264, Transport::Tcp, Duration::from_millis(100));
    assert_whole(Clip::H264, &seen);
}

#[test]
fn every_kind_of_sound_arrives_in_step_with_the_picture() {
    let kinds = [
        ("aac", Codec::Aac, 48_000, 1_024),
        ("pcmu", Codec::Pcmu, 8_000, 0),
        ("pcma", Codec::Pcma, 8_000, 0),
        ("opus", Codec::Opus, 48_000, 960),
    ];
    for (name, codec, rate, step) in kinds {
        let camera = Camera::serve(&[Clip::H264], &["--audio", name]);
        let settings = viewer::settings(camera.url(), Transport::Tcp, None);
        let (seen, error) = viewer::watch(settings, TICK, |seen| {
            seen.units(Track::Audio).len() >= 60 && seen.units(Track::Video).len() >= 60
        });
        assert!(error.is_none(), "{error:?}");
        let config = seen.config(Track::Audio);
        assert_eq!((config.codec, config.timescale), (codec, rate), "{name}");
        let units = seen.units(Track::Audio);
        assert!(units.iter().all(|unit| unit.key && unit.pts == unit.dts));
        if step > 0 {
            let steps = units.windows(2).map(|pair| pair[1].pts - pair[0].pts);
            let steps: Vec<i64> = steps.collect();
            // The server shortens the first Opus packet by the encoder's delay.
            let even = steps.iter().skip(1).all(|found| (found - step).abs() <= 2);
            assert!(even, "{name} {steps:?}");
        }
        let video = seen.units(Track::Video);
        let millis = |pts: i64, rate: u32| pts * 1_000 / i64::from(rate);
        let apart = millis(units[0].pts, rate) - millis(video[0].pts, 90_000);
        assert!(apart.abs() < 250, "{name} {apart}");
    }
}

#[test]
fn capture_times_are_close_to_now() {
    let seen = watch_once(Clip::H264, Transport::Tcp, TICK);
    let now = viewer::arrival().utc;
    for unit in seen.units(Track::Video) {
        assert!(now.0.abs_diff(unit.captured.0) < 10_000, "{unit:?}");
    }
}
