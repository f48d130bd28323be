//! People who watch: both streams of a camera, a picture at once however long its groups are, and a slow one who
//! holds up nobody.

use std::time::Duration;

use bartizan_domain::{Rendition, StreamId, Track};
use bartizan_tests::gateway::Settings;
use bartizan_tests::hostile::film::Film;
use bartizan_tests::hostile::{Manner, Peer};
use bartizan_tests::house::House;
use bartizan_tests::viewer::Seen;
use bartizan_tests::{probe, wait};

/// The longest that a joining viewer waits for a picture on this machine.
const FIRST_PICTURE: Duration = Duration::from_millis(300);

fn peer(options: &str, seconds: u64) -> Peer {
    Peer::start(Film::shoot(options, seconds).unwrap(), Manner::Honest).unwrap()
}

#[test]
fn both_streams_of_a_camera_are_recorded_and_watched() {
    let (main, sub) = (
        peer("width=640&height=360&fps=15&gop=2s", 4),
        peer("width=320&height=180&fps=5&gop=1s", 2),
    );
    let mut house = House::claimed(Settings::default()).unwrap();
    house
        .add("Door", &main.url(), &["--sub", &sub.url()])
        .unwrap();
    for rendition in Rendition::ALL {
        house.wait_for(None, rendition, "streaming").unwrap();
    }
    wait::pause(Duration::from_secs(8));
    let camera = house.stream(None).unwrap().camera;
    for (rendition, size, most) in [
        (Rendition::Main, (640, 360), 140),
        (Rendition::Sub, (320, 180), 60),
    ] {
        let stream = StreamId { camera, rendition };
        let (_, first) = house.viewer().unwrap().first_picture(stream).unwrap();
        assert_eq!(
            first.size.map(|size| (size.width, size.height)),
            Some(size),
            "{rendition}"
        );
        let count = house
            .viewer()
            .unwrap()
            .recorded(stream)
            .unwrap()
            .pictures()
            .count();
        assert!(count > most / 3, "{rendition}: {count} pictures");
        let file = house.owner.file(&format!("{rendition}.mp4"));
        let output = file.to_str().unwrap();
        let rendition = rendition.to_string();
        house
            .owner
            .must([
                "live",
                "Door",
                "--rendition",
                &rendition,
                "--seconds",
                "2",
                "-o",
                output,
            ])
            .unwrap();
        assert_eq!(
            probe::picture(&file).unwrap().size,
            (u64::from(size.0), u64::from(size.1))
        );
        probe::decodes(&file).unwrap();
    }
    house.gateway.stop().unwrap();
    let said = house.must_verify().unwrap();
    assert_eq!(said["reports"].as_array().unwrap().len(), 2);
}

#[test]
fn a_joining_viewer_has_a_picture_at_once_in_the_middle_of_a_long_group() {
    let camera = peer("width=640&height=360&fps=10&gop=10s", 10);
    let house = House::claimed(Settings::default()).unwrap();
    house.add("Long", &camera.url(), &[]).unwrap();
    house.wait_streaming(None).unwrap();
    let (stream, viewer) = (house.stream(None).unwrap(), house.viewer().unwrap());
    // The first one pays for connections and the like.
    viewer.first_picture(stream).unwrap();
    let mut waits = Vec::new();
    for _ in 0..7 {
        wait::pause(Duration::from_millis(1_700));
        let (took, first) = viewer.first_picture(stream).unwrap();
        assert!(first.key && first.place.index == 0);
        waits.push(took);
    }
    waits.sort();
    assert!(waits[waits.len() - 1] <= FIRST_PICTURE, "{waits:?}");

    // From that keyframe on nothing is missing, up to now.
    let mut seen: Vec<Seen> = Vec::new();
    viewer
        .watch(stream, |frame| {
            seen.push(*frame);
            frame.captured.0 + 300 < wait::now().0 || seen.len() < 20
        })
        .unwrap();
    let together = |pair: &[Seen]| {
        let (one, two) = (pair[0].place, pair[1].place);
        (two.segment == one.segment && two.index == one.index + 1)
            || (two.segment == one.segment + 1 && two.index == 0)
    };
    assert!(seen.windows(2).all(together), "{seen:?}");
}

#[test]
fn a_slow_viewer_is_moved_on_and_holds_up_nobody() {
    // Four megabytes a second fill every buffer on the way within a few seconds.
    let film = Film::shoot("width=320&height=240&fps=10&gop=1s", 2)
        .unwrap()
        .inflated(400_000);
    let camera = Peer::start(film, Manner::Honest).unwrap();
    let mut house = House::claimed(Settings::default()).unwrap();
    house.add("Fast", &camera.url(), &[]).unwrap();
    house.wait_streaming(None).unwrap();
    let stream = house.stream(None).unwrap();
    let (slow, quick) = (house.viewer().unwrap(), house.viewer().unwrap());

    let (slow_seen, quick_seen) = std::thread::scope(|scope| {
        let slow = scope.spawn(move || {
            let mut seen: Vec<Seen> = Vec::new();
            slow.watch(stream, |frame| {
                seen.push(*frame);
                if seen.len() == 10 {
                    wait::pause(Duration::from_secs(8));
                }
                // Until it is back at the present, and some more.
                seen.len() < 120 && !(seen.len() > 40 && frame.captured.0 + 500 > wait::now().0)
            })
            .map(|()| seen)
        });
        let quick = scope.spawn(move || {
            let mut seen: Vec<(Seen, u64)> = Vec::new();
            quick
                .watch(stream, |frame| {
                    seen.push((*frame, wait::now().0.saturating_sub(frame.captured.0)));
                    seen.len() < 130
                })
                .map(|()| seen)
        });
        (
            slow.join().unwrap().unwrap(),
            quick.join().unwrap().unwrap(),
        )
    });
    // The slow one missed something, goes on with a keyframe, and is at the present again.
    let jumps: Vec<_> = slow_seen
        .windows(2)
        .filter(|pair| pair[1].place.segment > pair[0].place.segment + 1)
        .collect();
    assert!(!jumps.is_empty(), "nothing was left out");
    assert!(
        jumps
            .iter()
            .all(|pair| pair[1].key && pair[1].place.index == 0),
        "{jumps:?}"
    );
    let last = slow_seen[slow_seen.len() - 1];
    assert!(last.track == Track::Video);
    // The quick one missed nothing and was never late.
    let late = quick_seen
        .iter()
        .skip(20)
        .map(|(_, late)| *late)
        .max()
        .unwrap();
    assert!(late < 1_500, "{late} ms late");
    let places: Vec<_> = quick_seen.iter().map(|(seen, _)| seen.place).collect();
    assert!(
        places
            .windows(2)
            .all(|pair| pair[1].segment <= pair[0].segment + 1),
        "{places:?}"
    );
    // And the recorder has it all.
    let recorded = house.viewer().unwrap().recorded(stream).unwrap();
    assert!(recorded.gaps.is_empty(), "{:?}", recorded.gaps);
    let times: Vec<u64> = recorded.pictures().map(|seen| seen.captured.0).collect();
    let pause = times
        .windows(2)
        .map(|pair| pair[1] - pair[0])
        .max()
        .unwrap();
    assert!(pause < 700, "{pause} ms without a picture");
    house.gateway.stop().unwrap();
    house.must_verify().unwrap();
}

#[test]
fn a_camera_that_changes_its_resolution_is_recorded_and_exported_in_both() {
    // Groups are so short that the change comes in the middle of what is else one segment.
    let small = Film::shoot("width=320&height=240&fps=10&gop=0.3s", 3).unwrap();
    let large = Film::shoot("width=640&height=480&fps=10&gop=0.3s", 3).unwrap();
    let camera = Peer::start(small.then(large), Manner::Honest).unwrap();
    let mut house = House::claimed(Settings::default()).unwrap();
    house.add("Zoom", &camera.url(), &[]).unwrap();
    house.wait_streaming(None).unwrap();
    let from = wait::now();
    wait::pause(Duration::from_secs(14));
    let recorded = house
        .viewer()
        .unwrap()
        .recorded(house.stream(None).unwrap())
        .unwrap();
    let mut sizes: Vec<_> = recorded
        .frames
        .iter()
        .filter_map(|seen| seen.size)
        .collect();
    sizes.dedup_by_key(|size| size.width);
    assert!(sizes.len() >= 4, "{sizes:?}");
    let file = house.owner.file("zoom.mp4");
    let window = (from, bartizan_domain::UtcMillis(from.0 + 12_000));
    let said = house.export("Zoom", window, &file).unwrap();
    let mut pictures = 0;
    for part in said["files"].as_array().unwrap() {
        let file = part["file"].as_str().unwrap();
        probe::decodes(file.as_ref()).unwrap();
        house.owner.must(["verify", file]).unwrap();
        pictures += probe::pictures(file.as_ref()).unwrap().len();
    }
    assert!((115..=135).contains(&pictures), "{pictures} pictures");
    house.gateway.stop().unwrap();
    house.must_verify().unwrap();
}
