//! Cameras of others with real footage: what is exported is, picture for picture, what the camera sent.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bartizan_domain::UtcMillis;
use bartizan_tests::clips::{self, Clip};
use bartizan_tests::gateway::Settings;
use bartizan_tests::house::House;
use bartizan_tests::rtsp::{Camera, Options};
use bartizan_tests::{probe, wait};

const PASSWORD: &str = "correct horse%2Fbattery";

/// Seconds that are recorded before something is exported: more than a loop of the clip.
const RECORDED: Duration = Duration::from_secs(clips::SECONDS as u64 + 6);

/// Records `camera` for a while and exports fifteen seconds from the middle.
fn exported(camera: &Camera, url: &str, more: &[&str]) -> (House, PathBuf) {
    let house = House::claimed(Settings::default()).unwrap();
    house.add("Street", url, more).unwrap();
    house.wait_streaming(None).unwrap();
    let from = wait::now();
    wait::pause(RECORDED);
    let file = house.owner.file("street.mp4");
    let window = (UtcMillis(from.0 + 8_000), UtcMillis(from.0 + 23_000));
    house.export("Street", window, &file).unwrap();
    house
        .owner
        .must(["verify", file.to_str().unwrap()])
        .unwrap();
    let counters = house.member().unwrap().get("/api/v1/counters").unwrap();
    assert_eq!(
        (&counters["lostPackets"], &counters["lostFrames"]),
        (&0.into(), &0.into()),
        "{}",
        camera.url()
    );
    (house, file)
}

/// The export holds fifteen seconds (from the keyframe before) of the clip, bit for bit, at the clip's own pace.
fn is_the_clip(file: &Path, clip: Clip, codec: &str) {
    let picture = probe::picture(file).unwrap();
    assert_eq!((picture.codec.as_str(), picture.size), (codec, clips::SIZE));
    let count = picture.packets.len();
    assert!(
        (150..=172).contains(&count),
        "{count} pictures in 15 s and the rest of a group"
    );
    assert!(
        picture.packets[0].key && picture.keys() >= 7,
        "{} keyframes",
        picture.keys()
    );
    let steps = picture
        .packets
        .windows(2)
        .map(|pair| pair[1].dts - pair[0].dts);
    let odd: Vec<_> = steps.filter(|step| (step - 0.1).abs() > 0.002).collect();
    assert!(odd.is_empty(), "not a tenth of a second: {odd:?}");
    probe::decodes(file).unwrap();
    let (ours, theirs) = (
        probe::pictures(file).unwrap(),
        probe::pictures(&clip.file().unwrap()).unwrap(),
    );
    assert_eq!((ours.len(), theirs.len()), (count, clips::PICTURES));
    let place = probe::place_in_loop(&ours, &theirs);
    assert!(
        place.is_some(),
        "the pictures are not a stretch of the clip"
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
    let (_house, file) = exported(&camera, &url, &[]);
    is_the_clip(&file, Clip::H264, "h264");
    let sound = probe::account(&file, "a:0").unwrap().unwrap();
    assert_eq!((sound.codec.as_str(), sound.sample_rate), ("aac", 48_000));
    let (ours, theirs) = (
        probe::sounds(&file).unwrap(),
        probe::sounds(&Clip::H264.file().unwrap()).unwrap(),
    );
    assert!(ours.len() > 600, "{} packets of sound", ours.len());
    // A loop ends in the middle of a packet of sound, so the seam is not the clip's: look on one side of it.
    let part = &ours[..200];
    let other = &ours[ours.len() - 200..];
    assert!(
        [part, other]
            .iter()
            .any(|part| probe::place_in_loop(part, &theirs).is_some()),
        "the sound is not the clip's"
    );
    let picture = probe::picture(&file).unwrap();
    assert!(
        (sound.seconds() - picture.seconds()).abs() < 0.5,
        "{} {}",
        sound.seconds(),
        picture.seconds()
    );
}

#[test]
fn h265_with_g711_over_udp_is_recorded_as_it_is() {
    let options = Options {
        transport: Some("udp"),
        audio: Some("pcmu"),
        ..Options::default()
    };
    let camera = Camera::start(Clip::H265, options).unwrap();
    let (_house, file) = exported(&camera, camera.url(), &["--transport", "udp"]);
    is_the_clip(&file, Clip::H265, "hevc");
    let sound = probe::account(&file, "a:0").unwrap().unwrap();
    assert_eq!(
        (sound.codec.as_str(), sound.sample_rate),
        ("pcm_mulaw", 8_000)
    );
    let picture = probe::picture(&file).unwrap();
    assert!(
        (sound.seconds() - picture.seconds()).abs() < 0.5,
        "{} {}",
        sound.seconds(),
        picture.seconds()
    );
}

#[test]
fn rtsps_wants_the_cameras_certificate_pinned_and_then_records() {
    let camera = Camera::start(
        Clip::H264,
        Options {
            tls: true,
            ..Options::default()
        },
    )
    .unwrap();
    let house = House::claimed(Settings::default()).unwrap();
    let fingerprint = camera.fingerprint().unwrap();

    // Without a pin, and with another camera's, it is refused, and the owner learns what to pin.
    let said = house.owner.run(["camera", "test", camera.url()]).unwrap();
    assert_eq!(
        said.json["error"]["problem"], "camera-untrusted-certificate",
        "{}",
        said.text
    );
    let shown = |text: &str| {
        text.split([' ', '"', '\n'])
            .any(|word| same_fingerprint(word, fingerprint))
    };
    assert!(shown(&said.text), "{fingerprint} is not in {}", said.text);
    let wrong = "11".repeat(32);
    let said = house
        .owner
        .run(["camera", "test", camera.url(), "--certificate", &wrong])
        .unwrap();
    assert_ne!(said.code, Some(0), "{}", said.text);

    // With it, it records.
    house
        .add("Street", camera.url(), &["--certificate", fingerprint])
        .unwrap();
    house.wait_streaming(None).unwrap();
    let from = wait::now();
    wait::pause(Duration::from_secs(7));
    let file = house.owner.file("street.mp4");
    house
        .export("Street", (from, UtcMillis(from.0 + 4_000)), &file)
        .unwrap();
    let ours = probe::pictures(&file).unwrap();
    let theirs = probe::pictures(&Clip::H264.file().unwrap()).unwrap();
    assert!(
        ours.len() > 35 && probe::place_in_loop(&ours, &theirs).is_some(),
        "{} pictures",
        ours.len()
    );
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
    for (clip, codec) in [(Clip::H264Reordered, "h264"), (Clip::H265OpenGop, "hevc")] {
        let camera = Camera::start(clip, Options::default()).unwrap();
        let house = House::claimed(Settings::default()).unwrap();
        house.add("Street", camera.url(), &[]).unwrap();
        house.wait_streaming(None).unwrap();
        let from = wait::now();
        wait::pause(Duration::from_secs(12));
        let file = house.owner.file("street.mp4");
        house
            .export(
                "Street",
                (UtcMillis(from.0 + 2_000), UtcMillis(from.0 + 8_000)),
                &file,
            )
            .unwrap();
        let picture = probe::picture(&file).unwrap();
        assert_eq!((picture.codec.as_str(), picture.size), (codec, clips::SIZE));
        let going_back = picture
            .packets
            .windows(2)
            .any(|pair| pair[1].pts < pair[0].pts);
        assert!(going_back, "{clip:?}: nothing is reordered");
        assert!(
            picture
                .packets
                .windows(2)
                .all(|pair| pair[1].dts > pair[0].dts),
            "{clip:?}: decoding goes back"
        );
        let (ours, theirs) = (
            probe::pictures(&file).unwrap(),
            probe::pictures(&clip.file().unwrap()).unwrap(),
        );
        // Leading pictures of an open group at the very start have lost their references, and a decoder drops
        // them; the same happens at the end, where what they refer to was captured later.
        let inner = &ours[4..ours.len() - 4];
        assert!(inner.len() >= 45, "{clip:?}: {} pictures", inner.len());
        assert!(
            probe::place_in_loop(inner, &theirs).is_some(),
            "{clip:?}: the pictures are not the clip's"
        );
        house
            .owner
            .must(["verify", file.to_str().unwrap()])
            .unwrap();
    }
}
