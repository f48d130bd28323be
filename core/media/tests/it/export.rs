//! Exported files against ffprobe and ffmpeg: the account of our file must equal that of the source.

use std::path::{Path, PathBuf};
use std::slice;

use bartizan_domain::UtcMillis;
use bartizan_media::codec::{aac, codec_string, g711, h264, h265, opus};
use bartizan_media::mp4::{ConfigNo, Mp4Writer, proof_box};
use bartizan_media::{Codec, TrackConfig};
use tempfile::TempDir;

use crate::clip::{self, Clip};
use crate::tools::{decodes_without_complaint, ffmpeg, packets, pictures, stream};

const X264: [&str; 4] = ["-c:v", "libx264", "-pix_fmt", "yuv420p"];
const X265: [&str; 4] = ["-c:v", "libx265", "-pix_fmt", "yuv420p"];

fn dir() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// Everything that ffprobe says of the source's video it says of `ours`.
fn same_video(source: &Path, ours: &Path) {
    let (theirs, our_stream) = (stream(source, "v:0"), stream(ours, "v:0"));
    for field in [
        "codec_name",
        "codec_tag_string",
        "profile",
        "level",
        "width",
        "height",
        "pix_fmt",
        "has_b_frames",
        "time_base",
        "start_pts",
        "duration_ts",
        "nb_frames",
        "r_frame_rate",
        "extradata_size",
    ] {
        assert_eq!(our_stream[field], theirs[field], "{field}");
    }
    assert_eq!(packets(ours, "v:0"), packets(source, "v:0"));
    decodes_without_complaint(ours);
    assert_eq!(pictures(ours), pictures(source));
}

fn h264_round_trip(source: &str, args: &[&str]) -> Clip {
    let dir = dir();
    let made = clip::make(&dir, "source.mp4", source, &[&X264, args].concat());
    let clip = clip::video(&made, Codec::H264);
    same_video(
        &made,
        &clip::export(&dir, "ours.mp4", slice::from_ref(&clip)),
    );
    clip
}

fn h265_round_trip(source: &str, args: &[&str]) -> Clip {
    let dir = dir();
    let tag = ["-tag:v", "hvc1"];
    let made = clip::make(&dir, "source.mp4", source, &[&X265, args, &tag].concat());
    let clip = clip::video(&made, Codec::H265);
    same_video(
        &made,
        &clip::export(&dir, "ours.mp4", slice::from_ref(&clip)),
    );
    clip
}

#[test]
fn h264_baseline_1080p_is_exported_unchanged() {
    let source = "testsrc2=s=1920x1080:r=25:d=1.2";
    let clip = h264_round_trip(source, &["-profile:v", "baseline", "-g", "10"]);
    let sets = h264::ParameterSets::from_avcc(&clip.config.extra).unwrap();
    assert_eq!((sets.video().width, sets.video().height), (1_920, 1_080));
    assert_eq!(sets.reorder_frames(), Some(0));
    assert_eq!(codec_string(&clip.config).unwrap(), "avc1.42C028");
}

#[test]
fn h264_high_with_two_b_frames_and_odd_width_is_exported_unchanged() {
    let source = "testsrc2=s=854x480:r=30000/1001:d=2";
    let clip = h264_round_trip(source, &["-profile:v", "high", "-bf", "2", "-g", "24"]);
    let sets = h264::ParameterSets::from_avcc(&clip.config.extra).unwrap();
    assert_eq!((sets.video().width, sets.video().height), (854, 480));
    assert_eq!(sets.reorder_frames(), Some(2));
}

#[test]
fn h264_of_several_slices_and_open_gops_is_exported_unchanged() {
    let options = [
        "-bf",
        "2",
        "-x264-params",
        "open-gop=1:keyint=12:slices=4:aud=1",
    ];
    let clip = h264_round_trip("testsrc2=s=640x360:r=25:d=2", &options);
    assert!(clip.units.iter().filter(|unit| unit.key).count() >= 4);
    // The pictures before the keyframe are broken, as in every cut of an open GOP; the rest is not.
    let dir = dir();
    let later = from_the_second_keyframe(&dir, clip);
    assert!(pictures(&later).lines().count() > 30);
}

#[test]
fn h264_interlaced_is_exported_unchanged() {
    let options = ["-bf", "0", "-flags", "+ildct+ilme", "-g", "10"];
    h264_round_trip("testsrc2=s=720x576:r=25:d=1", &options);
}

#[test]
fn h265_open_gop_is_exported_unchanged() {
    let options = [
        "-x265-params",
        "log-level=none:info=0:keyint=12:min-keyint=12:open-gop=1:bframes=3",
    ];
    let clip = h265_round_trip("testsrc2=s=854x480:r=25:d=2", &options);
    let sets = h265::ParameterSets::from_hvcc(&clip.config.extra).unwrap();
    assert_eq!((sets.video().width, sets.video().height), (854, 480));
    assert!(sets.reorder_frames() > Some(0));
    assert!(clip.units.iter().filter(|unit| unit.key).count() >= 4);
    let dir = dir();
    decodes_without_complaint(&from_the_second_keyframe(&dir, clip));
}

#[test]
fn h265_1080p_without_reordering_is_exported_unchanged() {
    let options = ["-x265-params", "log-level=none:info=0:keyint=10:bframes=0"];
    let clip = h265_round_trip("testsrc2=s=1920x1080:r=25:d=0.8", &options);
    let sets = h265::ParameterSets::from_hvcc(&clip.config.extra).unwrap();
    assert_eq!(sets.video().height, 1_080);
    assert_eq!(sets.reorder_frames(), Some(0));
}

/// An export begins wherever the owner says, at any keyframe.
fn from_the_second_keyframe(dir: &TempDir, mut clip: Clip) -> PathBuf {
    let second = clip.units.iter().skip(1).position(|unit| unit.key).unwrap() + 1;
    let leading =
        |units: &[clip::Unit]| units.iter().filter(|unit| unit.pts < units[0].pts).count();
    clip.units.drain(..second);
    assert!(
        leading(&clip.units) > 0,
        "pictures before the keyframe come after it"
    );
    let ours = clip::export(dir, "later.mp4", slice::from_ref(&clip));
    assert_eq!(stream(&ours, "v:0")["start_pts"], 0);
    let found = packets(&ours, "v:0");
    assert_eq!(found.len(), clip.units.len());
    assert_eq!(found[0].pts, 0);
    assert!(found[0].key);
    ours
}

/// Encodes a tone with `args`, exports it as `config` and compares packets and shape.
fn sound_round_trip(name: &str, args: &[&str], config: TrackConfig) {
    let dir = dir();
    let source = "sine=f=440:d=2,aformat=sample_fmts=s16";
    let made = clip::make(&dir, name, source, args);
    let clip = clip::sound(&made, config).rebased();
    let ours = clip::export(&dir, "ours.mp4", slice::from_ref(&clip));
    let (theirs, our_stream) = (stream(&made, "a:0"), stream(&ours, "a:0"));
    for field in [
        "codec_name",
        "profile",
        "sample_rate",
        "channels",
        "time_base",
    ] {
        assert_eq!(our_stream[field], theirs[field], "{field}");
    }
    assert_eq!(our_stream["nb_frames"], clip.units.len().to_string());
    let found = packets(&ours, "a:0");
    assert_eq!(found.len(), clip.units.len());
    let first = found[0].pts;
    for (packet, unit) in found.iter().zip(&clip.units) {
        assert_eq!(packet.pts - first, unit.pts);
        assert_eq!(packet.size, unit.data.len());
    }
    decodes_without_complaint(&ours);
}

#[test]
fn aac_is_exported_in_mono_and_stereo() {
    for (rate, channels) in [(48_000, 2), (16_000, 1), (44_100, 1)] {
        let (rate_text, channels_text) = (rate.to_string(), channels.to_string());
        let args = ["-c:a", "aac", "-ar", &rate_text, "-ac", &channels_text];
        let config = aac::AudioSpecificConfig::low_complexity(rate, channels).unwrap();
        sound_round_trip("aac.mp4", &args, config.track_config(rate));
    }
}

#[test]
fn opus_is_exported() {
    let config = opus::OpusConfig::live(2).unwrap().track_config();
    sound_round_trip(
        "opus.mp4",
        &["-c:a", "libopus", "-ac", "2", "-ar", "48000"],
        config,
    );
}

#[test]
fn g711_is_exported() {
    for (codec, encoder) in [(Codec::Pcmu, "pcm_mulaw"), (Codec::Pcma, "pcm_alaw")] {
        let config = g711::track_config(codec, 8_000, 1).unwrap();
        sound_round_trip(
            "g711.mov",
            &["-c:a", encoder, "-ar", "8000", "-ac", "1"],
            config,
        );
    }
}

fn small_h264(dir: &TempDir, size: &str) -> Clip {
    let source = format!("testsrc2=s={size}:r=25:d=2");
    let name = format!("{size}.mp4");
    let made = clip::make(
        dir,
        &name,
        &source,
        &[&X264[..], &["-bf", "2", "-g", "25"]].concat(),
    );
    clip::video(&made, Codec::H264).rebased()
}

fn tone(dir: &TempDir) -> Clip {
    let args = ["-c:a", "aac", "-ar", "48000", "-ac", "1"];
    let made = clip::make(dir, "tone.mp4", "sine=f=440:d=2", &args);
    let config = aac::AudioSpecificConfig::low_complexity(48_000, 1).unwrap();
    clip::sound(&made, config.track_config(48_000)).rebased()
}

fn start_time(file: &Path, selector: &str) -> f64 {
    stream(file, selector)["start_time"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap()
}

#[test]
fn tracks_that_start_apart_stay_in_sync_and_begin_at_zero() {
    let dir = dir();
    let (picture, sound) = (small_h264(&dir, "640x360"), tone(&dir));
    for (picture_at, sound_at) in [
        (0, 24_000),
        (45_000, 0),
        (900_000, 480_000),
        (-90_000, -48_000),
    ] {
        let tracks = [
            picture.clone().later(picture_at),
            sound.clone().later(sound_at),
        ];
        let ours = clip::export(&dir, "both.mp4", &tracks);
        let [wanted_picture, wanted_sound] = [picture_at * 16, sound_at * 30].map(|at| at / 1_440);
        let earliest = wanted_picture.min(wanted_sound);
        let millis = |selector| (start_time(&ours, selector) * 1_000.0).round();
        for (selector, wanted) in [("v:0", wanted_picture), ("a:0", wanted_sound)] {
            let wanted = i32::try_from(wanted - earliest).unwrap();
            assert!(
                (millis(selector) - f64::from(wanted)).abs() < 1.0,
                "{selector}"
            );
        }
        assert_eq!(packets(&ours, "v:0").len(), picture.units.len());
        assert_eq!(packets(&ours, "a:0").len(), sound.units.len());
        decodes_without_complaint(&ours);
    }
}

#[test]
fn a_gap_keeps_wall_clock_time() {
    const HOUR: i64 = 3_600;
    let dir = dir();
    let (picture, sound) = (small_h264(&dir, "640x360"), tone(&dir));
    let mut tracks = [picture.clone(), sound.clone()];
    tracks[0].units.extend(picture.later(HOUR * 90_000).units);
    tracks[1].units.extend(sound.later(HOUR * 48_000).units);
    let ours = clip::export(&dir, "gap.mp4", &tracks);
    for (selector, track) in [("v:0", &tracks[0]), ("a:0", &tracks[1])] {
        let found = packets(&ours, selector);
        let found: Vec<_> = found.iter().map(|packet| packet.pts).collect();
        let given: Vec<_> = track.units.iter().map(|unit| unit.pts).collect();
        assert_eq!(found, given, "{selector}");
    }
    decodes_without_complaint(&ours);
}

#[test]
fn a_camera_that_changes_its_picture_is_one_track() {
    let dir = dir();
    let (first, second) = (small_h264(&dir, "640x360"), small_h264(&dir, "320x240"));
    let mut file = Vec::new();
    let mut writer = Mp4Writer::new(UtcMillis(0), &mut file);
    let track = writer.add_track(&first.config).unwrap();
    let changed = writer.add_config(track, &second.config).unwrap();
    let second = second.later(180_000);
    let count = first.units.len() + second.units.len();
    for (clip, config) in [(first, ConfigNo::FIRST), (second, changed)] {
        for unit in &clip.units {
            clip::put(&mut writer, track, config, unit, &mut file).unwrap();
        }
    }
    let ours = clip::save(&dir, "changed.mp4", writer, file);
    assert_eq!(stream(&ours, "v:0")["nb_frames"], count.to_string());
    decodes_without_complaint(&ours);
    let decoded = ffmpeg(["-i", ours.to_str().unwrap(), "-f", "framemd5", "-"]);
    let decoded = String::from_utf8(decoded).unwrap();
    let pictures = decoded
        .lines()
        .filter(|line| !line.starts_with('#'))
        .count();
    assert_eq!(pictures, count);
}

#[test]
fn the_index_can_go_in_front() {
    let dir = dir();
    let clip = small_h264(&dir, "320x240");
    let plain = clip::export(&dir, "plain.mp4", slice::from_ref(&clip));
    let mut file = Vec::new();
    let mut writer = Mp4Writer::new(UtcMillis(0), &mut file);
    let track = writer.add_track(&clip.config).unwrap();
    for unit in &clip.units {
        clip::put(&mut writer, track, ConfigNo::FIRST, unit, &mut file).unwrap();
    }
    let front = clip::save_fast_start(&dir, "front.mp4", writer, file);
    assert_eq!(packets(&front, "v:0"), packets(&plain, "v:0"));
    assert_eq!(pictures(&front), pictures(&plain));
}

#[test]
fn a_proof_behind_the_file_disturbs_nobody() {
    let dir = dir();
    let picture = small_h264(&dir, "640x360");
    let ours = clip::export(&dir, "plain.mp4", &[picture]);
    let proved = dir.path().join("proved.mp4");
    let bytes = std::fs::read(&ours).unwrap();
    std::fs::write(&proved, [bytes, proof_box(&[7; 5_000]).unwrap()].concat()).unwrap();
    assert_eq!(packets(&ours, "v:0"), packets(&proved, "v:0"));
    decodes_without_complaint(&proved);
}
