//! Cameras of others with real footage: what is exported is, picture for picture, what the camera sent.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bartizan_domain::UtcMillis;
use bartizan_tests::clips::{self, Clip};
use bartizan_tests::gateway::Settings;
use bartizan_tests::house::House;
use bartizan_tests::rtsp::{Camera, Options};
use bartizan_tests::{probe, wait};

const PASSWORD: &str = "correct horse%2Fbattery";

/// How long is recorded before something is exported.
const RECORDED: Duration = Duration::from_secs(19);

/// The part of it that is exported, in milliseconds.
const EXPORTED: Range<u64> = 3_000..17_500;

/// Seconds that sound may be beside its picture: fewer than anybody notices (ITU-R BT.1359: 45 ms early).
const LIPS: f64 = 0.045;

/// Watches and records `camera` from the command line, exports most of it and verifies all.
fn exported(camera: &Camera, clip: Clip, url: &str, more: &[&str]) -> (House, PathBuf) {
    let mut house = House::claimed(Settings::default()).unwrap();
    house.add("Street", url, more).unwrap();
    house.wait_streaming(None).unwrap();
    let (from, passed) = (wait::now(), wait::Watch::start());
    let live = house.owner.file("live.mp4");
    let output = live.to_str().unwrap();
    house
        .owner
        .must(["live", "Street", "--seconds", "4", "-o", output])
        .unwrap();
    probe::decodes(&live).unwrap();
    assert!(is_stretch(&live, clip).len() >= 40);
    wait::pause(RECORDED.saturating_sub(passed.elapsed()));

    // One span without an end holds it all.
    let window = (
        UtcMillis(from.0 + EXPORTED.start),
        UtcMillis(from.0 + EXPORTED.end),
    );
    let spans = house.owner.must(["recordings", "Street"]).unwrap()["spans"].take();
    let [start, end] = ["startMs", "endMs"].map(|field| spans[0][field].as_u64().unwrap());
    assert_eq!(spans.as_array().unwrap().len(), 1, "{spans}");
    assert!(
        start <= window.0.0 && end >= window.1.0,
        "{spans} {window:?}"
    );

    let file = house.owner.file("street.mp4");
    let said = house.export("Street", window, &file).unwrap();
    let [told] = said["files"].as_array().unwrap().as_slice() else {
        panic!("not one file: {said}");
    };
    assert_eq!(told["gaps"], serde_json::json!([]), "{said}");
    let proved = house
        .owner
        .must(["verify", file.to_str().unwrap()])
        .unwrap();
    let report = &proved["reports"][0];
    assert_eq!(
        (&proved["whole"], &report["frames"]),
        (&true.into(), &told["frames"]),
        "{proved}"
    );
    let counters = house.member().unwrap().get("/api/v1/counters").unwrap();
    assert_eq!(
        (&counters["lostPackets"], &counters["lostFrames"]),
        (&0.into(), &0.into()),
        "{}",
        camera.url()
    );
    house.gateway.stop().unwrap();
    let said = house.must_verify().unwrap();
    assert_eq!(said["reports"][0]["findingCount"], 0, "{said}");
    (house, file)
}

/// Where in the clip each decoded picture of `file` is, which must be a stretch of its loop, bit for bit.
fn is_stretch(file: &Path, clip: Clip) -> Vec<usize> {
    let (ours, theirs) = (
        probe::pictures(file).unwrap(),
        probe::pictures(&clip.file().unwrap()).unwrap(),
    );
    assert_eq!(theirs.len(), clips::PICTURES);
    let place = probe::place_in_loop(&ours, &theirs);
    let place = place.unwrap_or_else(|| panic!("{} is no stretch of the clip", file.display()));
    (place..)
        .map(|place| place % clips::PICTURES)
        .take(ours.len())
        .collect()
}

/// ffprobe's account of the export is its account of the source: kind, pictures, keyframes, pace, length. Gives the
/// time of the first picture, in the file and in the loop.
fn is_the_clip(file: &Path, clip: Clip) -> (f64, f64) {
    let (ours, theirs) = (
        probe::picture(file).unwrap(),
        probe::picture(&clip.file().unwrap()).unwrap(),
    );
    assert_eq!(theirs.size, clips::SIZE);
    assert_eq!((ours.looks(), &ours.rate), (theirs.looks(), &theirs.rate));
    probe::decodes(file).unwrap();
    let places = is_stretch(file, clip);
    // From the keyframe before, which is less than two seconds away, to the end of what was asked for.
    let count = ours.packets.len();
    assert_eq!(places.len(), count, "not every packet is a picture");
    assert!(
        (145..=167).contains(&count),
        "{count} pictures in 14.5 s and the rest of a group"
    );
    assert!(ours.packets[0].key);
    for (packet, place) in ours.packets.iter().zip(&places).take(count - 1) {
        let source = theirs.packets[*place];
        assert_eq!(packet.key, source.key, "picture {place} of the clip");
        assert!(
            (packet.duration - source.duration).abs() < 0.002,
            "{packet:?} {source:?}"
        );
    }
    let steps = ours
        .packets
        .windows(2)
        .map(|pair| pair[1].dts - pair[0].dts);
    let odd: Vec<_> = steps.filter(|step| (step - 0.1).abs() > 0.002).collect();
    assert!(odd.is_empty(), "not a tenth of a second: {odd:?}");
    let seconds = tenths(count);
    assert!(
        (ours.seconds - seconds).abs() < 0.005,
        "{} s of {seconds}",
        ours.seconds
    );
    (ours.packets[0].pts, tenths(places[0]))
}

/// Seconds that so many pictures of the clip take.
fn tenths(pictures: usize) -> f64 {
    f64::from(u32::try_from(pictures).unwrap()) / 10.0
}

/// The sound of the export is what the camera sent, byte for byte, and stays beside its picture, whose first one's
/// time in the file and in the loop is `picture`.
fn is_the_sound(file: &Path, camera: &Camera, kind: (&str, u64), picture: (f64, f64)) {
    let ours = probe::account(file, "a:0").unwrap().unwrap();
    assert_eq!(
        (ours.codec.as_str(), ours.sample_rate, ours.channels),
        (kind.0, kind.1, 1)
    );
    let bytes = probe::sound_bytes(file).unwrap();
    let place = camera.sound().unwrap().place(&bytes);
    let place = place.expect("the sound is no stretch of what the camera sends");
    let pictures = probe::picture(file).unwrap();
    assert!(
        (ours.seconds - pictures.seconds).abs() < 0.2,
        "{} s of sound, {} s of picture",
        ours.seconds,
        pictures.seconds
    );
    let (in_file, in_loop) = (
        ours.packets[0].pts - picture.0,
        place.as_secs_f64() - picture.1,
    );
    let length = f64::from(clips::SECONDS);
    let beside = (in_file - in_loop + length / 2.0).rem_euclid(length) - length / 2.0;
    assert!(
        beside.abs() < LIPS,
        "sound is {beside} s beside its picture"
    );
}

#[test]
fn h264_with_aac_over_tcp_behind_a_password_is_recorded_as_it_is() {
    let plain = "correct horse/battery";
    let options = Options {
        user: Some(("ada", plain)),
        transport: Some("tcp"),
        audio: Some("aac"),
        ..Options::default()
    };
    let camera = Camera::start(Clip::H264, options).unwrap();
    let url = camera.url_with("ada", &PASSWORD.replace(' ', "%20"));
    let (house, file) = exported(&camera, Clip::H264, &url, &[]);
    let first = is_the_clip(&file, Clip::H264);
    is_the_sound(&file, &camera, ("aac", 48_000), first);
    drop(house);
}

#[test]
fn h265_with_g711_over_udp_is_recorded_as_it_is() {
    let options = Options {
        transport: Some("udp"),
        audio: Some("pcmu"),
        ..Options::default()
    };
    let camera = Camera::start(Clip::H265, options).unwrap();
    let more = ["--transport", "udp"];
    let (_house, file) = exported(&camera, Clip::H265, camera.url(), &more);
    let first = is_the_clip(&file, Clip::H265);
    is_the_sound(&file, &camera, ("pcm_mulaw", 8_000), first);
}

#[test]
fn rtsps_wants_the_cameras_certificate_pinned_and_then_records() {
    let options = Options {
        user: Some(("ada", "secret")),
        audio: Some("pcma"),
        tls: true,
        ..Options::default()
    };
    let camera = Camera::start(Clip::H265, options).unwrap();
    let house = House::claimed(Settings::default()).unwrap();
    let (url, pin) = (
        camera.url_with("ada", "secret"),
        camera.fingerprint().unwrap(),
    );
    let refused = |url: &str, more: &[&str]| {
        let said = house
            .owner
            .run([&["camera", "test", url], more].concat())
            .unwrap();
        assert_ne!(said.code, Some(0), "{}", said.text);
        (said.json["error"]["problem"].clone(), said.text)
    };

    // Without a pin, and with another camera's, it is refused, and the owner learns what to pin.
    let (problem, text) = refused(&url, &[]);
    assert_eq!(problem, "camera-untrusted-certificate", "{text}");
    let mut words = text.split([' ', '"', '\n']);
    assert!(
        words.any(|word| same_fingerprint(word, pin)),
        "{pin} is not in {text}"
    );
    let (problem, text) = refused(&url, &["--certificate", &"11".repeat(32)]);
    assert_eq!(problem, "camera-untrusted-certificate", "{text}");
    let other = camera.url_with("ada", "guess");
    let (problem, text) = refused(&other, &["--certificate", pin]);
    assert_eq!(problem, "camera-unauthorized", "{text}");

    // With it, it records.
    house.add("Street", &url, &["--certificate", pin]).unwrap();
    house.wait_streaming(None).unwrap();
    let from = wait::now();
    wait::pause(Duration::from_secs(9));
    let file = house.owner.file("street.mp4");
    let window = (UtcMillis(from.0 + 1_000), UtcMillis(from.0 + 6_000));
    house.export("Street", window, &file).unwrap();
    let places = is_stretch(&file, Clip::H265);
    assert!(
        (50..=72).contains(&places.len()),
        "{} pictures",
        places.len()
    );
    let first = (
        probe::picture(&file).unwrap().packets[0].pts,
        tenths(places[0]),
    );
    is_the_sound(&file, &camera, ("pcm_alaw", 8_000), first);
}

/// Hexadecimal or our own base32 form of the same 32 bytes.
fn same_fingerprint(word: &str, hex: &str) -> bool {
    let word = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    let parsed = word.parse::<bartizan_domain::Fingerprint>();
    let own = parsed.map(|print| data_encoding::HEXLOWER.encode(print.as_bytes()));
    word == hex || own.is_ok_and(|own| own == hex)
}

#[test]
fn reordered_h264_and_open_groups_of_h265_keep_every_picture() {
    let clips = [Clip::H264Reordered, Clip::H265OpenGop];
    let cameras = clips.map(|clip| Camera::start(clip, Options::default()).unwrap());
    let house = House::claimed(Settings::default()).unwrap();
    for (clip, camera) in clips.iter().zip(&cameras) {
        house.add(clip.name(), camera.url(), &[]).unwrap();
        house.wait_streaming(Some(clip.name())).unwrap();
    }
    let from = wait::now();
    wait::pause(Duration::from_secs(12));
    for clip in clips {
        let file = house.owner.file(&format!("{}.mp4", clip.name()));
        let window = (UtcMillis(from.0 + 2_000), UtcMillis(from.0 + 8_000));
        house.export(clip.name(), window, &file).unwrap();
        is_reordered_like(&file, clip);
        house
            .owner
            .must(["verify", file.to_str().unwrap()])
            .unwrap();
    }
}

/// The export holds a stretch of the clip whose pictures are decoded in another order than they are shown.
fn is_reordered_like(file: &Path, clip: Clip) {
    let (ours, theirs) = (
        probe::picture(file).unwrap(),
        probe::picture(&clip.file().unwrap()).unwrap(),
    );
    assert_eq!(ours.looks(), theirs.looks());
    let mut decoded = ours.packets.windows(2);
    assert!(
        decoded.all(|pair| pair[1].dts > pair[0].dts),
        "{clip:?}: decoding goes back"
    );
    // How long each picture waits between being decoded and being shown.
    let waits = |account: &probe::Account| {
        let waits = account.packets.iter().map(|packet| packet.pts - packet.dts);
        waits.map(|wait| format!("{wait:.1}")).collect::<Vec<_>>()
    };
    let (own, source) = (waits(&ours), waits(&theirs));
    assert!(
        own.iter().any(|wait| *wait != own[0]),
        "{clip:?}: nothing is reordered"
    );
    let place = probe::place_in_loop(&own, &source);
    assert!(place.is_some(), "{clip:?}: {own:?} instead of {source:?}");

    let (ours, theirs) = (
        probe::pictures(file).unwrap(),
        probe::pictures(&clip.file().unwrap()).unwrap(),
    );
    // Leading pictures of an open group at the very start have lost their references, and a decoder drops
    // them; the same happens at the end, where what they refer to was captured later.
    let inner = &ours[4..ours.len() - 4];
    assert!(inner.len() >= 50, "{clip:?}: {} pictures", inner.len());
    let place = probe::place_in_loop(inner, &theirs);
    assert!(place.is_some(), "{clip:?}: the pictures are not the clip's");
}
