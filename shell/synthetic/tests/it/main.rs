//! The camera as its users see it: access units, decoded again.
#![forbid(unsafe_code)]

#[cfg(test)]
mod watch;

use std::time::Duration;

use bartizan_domain::{Monotonic, Track, UtcMillis};
use bartizan_media::codec::h264::ParameterSets;
use bartizan_media::{AccessUnit, Codec};

use watch::{START, Viewer, camera, run};

fn of(units: &[AccessUnit], track: Track) -> impl Iterator<Item = &AccessUnit> {
    units.iter().filter(move |unit| unit.track == track)
}

fn holds(bytes: &[u8], text: &[u8]) -> bool {
    bytes.windows(text.len()).any(|window| window == text)
}

#[test]
fn every_stamp_survives_the_codec_even_at_low_bit_rates() {
    for address in [
        "synthetic:?width=1280&height=720&bitrate=400k",
        "synthetic:?width=640&height=360&bitrate=150k",
        "synthetic:?width=320&height=240&bitrate=60k&canary=do+not+let+this+out",
        "synthetic:?width=160&height=120&bitrate=50k&canary=do+not+let+this+out",
        "synthetic:?width=1920&height=1080&fps=5&bitrate=600k",
    ] {
        let mut camera = camera(address);
        let mut viewer = Viewer::new(camera.video_config());
        let units = run(&mut camera, Duration::from_secs(5));
        let pictures = of(&units, Track::Video).count();
        assert!(pictures > 0);
        for (unit, number) in of(&units, Track::Video).zip(0_u32..) {
            let stamp = viewer
                .stamp(unit)
                .unwrap_or_else(|| panic!("{address}: {number}"));
            assert_eq!(stamp.captured, unit.captured, "{address}");
            let fps = i64::from(camera.options().fps());
            assert_eq!(i64::from(stamp.frame) * 90_000 / fps, unit.pts, "{address}");
        }
    }
}

#[test]
fn the_canary_is_in_every_access_unit_that_promises_it() {
    let text = "never outside the seal";
    let mut camera = camera(&format!("synthetic:?width=320&height=240&canary={text}"));
    let mut viewer = Viewer::new(camera.video_config());
    let units = run(&mut camera, Duration::from_secs(4));
    assert!(of(&units, Track::Video).all(|unit| holds(&unit.data, text.as_bytes())));
    let sounds = of(&units, Track::Audio).filter(|unit| holds(&unit.data, text.as_bytes()));
    assert_eq!(sounds.count(), 4);
    let parts: Vec<u8> = of(&units, Track::Video)
        .take(3)
        .flat_map(|unit| viewer.canary(unit).unwrap().text)
        .collect();
    assert_eq!(parts, text.as_bytes());
}

#[test]
fn without_a_canary_there_is_none() {
    let mut camera = camera("synthetic:?width=320&height=240");
    let units = run(&mut camera, Duration::from_secs(1));
    assert!(
        !units
            .iter()
            .any(|unit| holds(&unit.data, b"bartizan-canary"))
    );
}

#[test]
fn keyframes_come_in_exact_intervals() {
    // 0.75 s is 7.5 pictures: the first picture at or after each interval's start.
    let mut camera = camera("synthetic:?width=160&height=120&fps=10&gop=0.75s&audio=false");
    let units = run(&mut camera, Duration::from_secs(6));
    let keys: Vec<i64> = units
        .iter()
        .filter(|unit| unit.key)
        .map(|unit| unit.pts / 9_000)
        .collect();
    assert_eq!(keys, [0, 8, 15, 23, 30, 38, 45, 53]);
}

#[test]
fn a_keyframe_can_be_asked_for() {
    let mut camera = camera("synthetic:?width=160&height=120&audio=false&gop=30s");
    run(&mut camera, Duration::from_secs(1));
    camera.force_keyframe();
    let (now, utc) = (
        START + Duration::from_millis(1_010),
        UtcMillis(1_790_000_001_010),
    );
    assert!(camera.next(now, utc).unwrap().unwrap().key);
}

#[test]
fn times_are_strictly_regular() {
    for fps in [7, 15, 30] {
        let mut camera = camera(&format!("synthetic:?width=160&height=120&fps={fps}"));
        let units = run(&mut camera, Duration::from_secs(3));
        for (unit, number) in of(&units, Track::Video).zip(0..) {
            assert_eq!(
                (unit.pts, unit.dts),
                (number * 90_000 / fps, number * 90_000 / fps)
            );
        }
        for (unit, number) in of(&units, Track::Audio).zip(0..) {
            assert_eq!((unit.pts, unit.data.len()), (number * 160, 160));
        }
        assert!(
            units
                .windows(2)
                .all(|pair| pair[0].captured <= pair[1].captured)
        );
    }
}

#[test]
fn configurations_describe_what_comes() {
    let camera = camera("synthetic:?width=322&height=242");
    let video = camera.video_config();
    assert_eq!((video.codec, video.timescale), (Codec::H264, 90_000));
    let size = video.video.unwrap();
    assert_eq!((size.width, size.height), (322, 242));
    assert!(ParameterSets::from_avcc(&video.extra).is_ok());
    let audio = camera.audio_config().unwrap();
    assert_eq!((audio.codec, audio.timescale), (Codec::Pcmu, 8_000));
}

#[test]
fn a_late_caller_gets_no_backlog_and_no_shifted_times() {
    let mut camera = camera("synthetic:?width=160&height=120&fps=10");
    let first = camera.next(START, UtcMillis(1_790_000_000_000)).unwrap();
    assert_eq!(first.map(|unit| unit.pts), Some(0));
    let mut units = Vec::new();
    let (late, utc) = (START + Duration::from_mins(1), UtcMillis(1_790_000_060_000));
    while let Some(unit) = camera.next(late, utc).unwrap() {
        units.push(unit);
    }
    let video: Vec<i64> = of(&units, Track::Video).map(|unit| unit.pts).collect();
    assert_eq!(video, [60 * 90_000]);
    assert!(of(&units, Track::Audio).all(|unit| unit.pts == 60 * 8_000));
    assert!(camera.next_due() > late);
    assert!(units.iter().all(|unit| unit.captured == utc));
}

#[test]
fn it_waits_until_the_next_unit_is_due() {
    let mut camera = camera("synthetic:?width=160&height=120&fps=10&audio=false");
    assert_eq!(camera.next_due(), Monotonic::default());
    let utc = UtcMillis(1_790_000_000_000);
    assert!(camera.next(START, utc).unwrap().is_some());
    assert_eq!(camera.next_due(), START + Duration::from_millis(100));
    assert_eq!(
        camera.next(START + Duration::from_millis(99), utc).unwrap(),
        None
    );
}
