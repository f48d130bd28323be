//! What an owner does on the first day: claim, look, record, export, check; and what happens to somebody who
//! touches a recording.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::time::Duration;

use bartizan_domain::UtcMillis;
use bartizan_tests::gateway::Settings;
use bartizan_tests::house::House;
use bartizan_tests::{probe, wait};

const CAMERA: &str = "synthetic:?width=640&height=360&fps=15&gop=2s&label=TOUR";

#[test]
fn an_owner_claims_watches_records_exports_and_verifies() {
    let mut house = House::claimed(Settings::with_cameras([CAMERA])).unwrap();
    house.wait_streaming(None).unwrap();
    let name = house.name().unwrap();

    // Live, as a file.
    let live = house.owner.file("live.mp4");
    let said = house
        .owner
        .must([
            "live",
            &name,
            "--seconds",
            "5",
            "-o",
            live.to_str().unwrap(),
        ])
        .unwrap();
    let picture = probe::picture(&live).unwrap();
    assert_eq!((picture.codec.as_str(), picture.size), ("h264", (640, 360)));
    assert!(
        (4.5..=9.0).contains(&picture.seconds),
        "{} s",
        picture.seconds
    );
    assert_eq!(said["pictures"], picture.packets.len());
    assert!(picture.packets[0].key && said["rejoins"] == 0, "{said}");
    let sound = probe::account(&live, "a:0").unwrap().unwrap();
    assert_eq!(
        (sound.codec.as_str(), sound.sample_rate),
        ("pcm_mulaw", 8_000)
    );
    probe::decodes(&live).unwrap();

    // Recorded, as a file with a proof.
    wait::pause(Duration::from_secs(4));
    let spans = house.owner.must(["recordings", &name]).unwrap()["spans"].take();
    let span = spans.as_array().unwrap().last().unwrap();
    let [start, end] = ["startMs", "endMs"].map(|field| span[field].as_u64().unwrap());
    assert!(end - start > 8_000, "{span}");
    let file = house.owner.file("recorded.mp4");
    house
        .export(&name, (UtcMillis(start), UtcMillis(start + 6_000)), &file)
        .unwrap();
    let picture = probe::picture(&file).unwrap();
    assert!(
        (85..=95).contains(&picture.packets.len()),
        "{}",
        picture.packets.len()
    );
    probe::decodes(&file).unwrap();
    let said = house
        .owner
        .must(["verify", file.to_str().unwrap()])
        .unwrap();
    assert_eq!(said["whole"], true, "{said}");

    // The recordings themselves.
    house.gateway.stop().unwrap();
    let said = house.must_verify().unwrap();
    let report = &said["reports"][0];
    assert!(report["frames"].as_u64().unwrap() > 100, "{said}");
    assert_eq!(
        (
            report["findingCount"].as_u64(),
            report["unsignedFrames"].as_u64()
        ),
        (Some(0), Some(0)),
        "{said}"
    );
}

#[test]
fn n_4_a_changed_byte_of_a_recording_is_found_and_located() {
    let mut house = House::claimed(Settings::with_cameras([CAMERA])).unwrap();
    house.wait_streaming(None).unwrap();
    wait::pause(Duration::from_secs(8));
    house.gateway.stop().unwrap();
    let whole = house.must_verify().unwrap();
    let [first, last] =
        ["firstMs", "lastMs"].map(|field| whole["reports"][0][field].as_u64().unwrap());

    // A page that is full of what looks like noise is in the middle of a sealed frame.
    let volume = house.volumes().unwrap().remove(0);
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .open(&volume)
        .unwrap();
    let pages = noisy_pages(&file);
    let place = pages[pages.len() / 2] + 2_000;
    let mut byte = [0];
    file.read_exact_at(&mut byte, place).unwrap();
    file.write_all_at(&[byte[0] ^ 1], place).unwrap();

    let said = house.verify().unwrap();
    assert_eq!(said.code, Some(2), "{}", said.text);
    let finding = &said.json["reports"][0]["findings"][0];
    let when = finding["timeMs"].as_u64().unwrap();
    assert!(
        (first..=last).contains(&when) && finding["segment"].is_u64(),
        "{}",
        said.text
    );

    // Put back, everything is well again: it was this byte.
    file.write_all_at(&byte, place).unwrap();
    house.must_verify().unwrap();
}

/// Where pages begin that are full: volumes are allocated ahead, and their slack is empty.
fn noisy_pages(file: &std::fs::File) -> Vec<u64> {
    let pages = file.metadata().unwrap().len() / 4_096;
    let mut page = [0; 4_096];
    let full = |at: &u64| {
        file.read_exact_at(&mut page, *at).unwrap();
        page.iter().map(|byte| u32::from(*byte == 0)).sum::<u32>() < 60
    };
    (0..pages).map(|page| page * 4_096).filter(full).collect()
}

#[test]
fn m_5_a_changed_byte_of_an_export_is_found() {
    let house = House::claimed(Settings::with_cameras([CAMERA])).unwrap();
    house.wait_streaming(None).unwrap();
    let from = wait::now();
    wait::pause(Duration::from_secs(7));
    let file = house.owner.file("export.mp4");
    let name = house.name().unwrap();
    house
        .export(&name, (from, UtcMillis(from.0 + 4_000)), &file)
        .unwrap();
    let path = file.to_str().unwrap();
    house.owner.must(["verify", path]).unwrap();
    let opened = OpenOptions::new().write(true).open(&file).unwrap();
    let middle = opened.metadata().unwrap().len() / 2;
    opened.write_all_at(b"\0\0\0\0", middle).unwrap();
    let said = house.owner.run(["verify", path]).unwrap();
    assert_eq!(
        (said.code, &said.json["whole"]),
        (Some(2), &false.into()),
        "{}",
        said.text
    );
}
