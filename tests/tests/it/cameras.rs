//! What is changed of a camera after it was added: its small stream goes and comes back, and its limits stay what they
//! were unless they are named.

use std::time::Duration;

use bartizan_domain::{GapReason, Rendition, StreamId};
use bartizan_tests::gateway::Settings;
use bartizan_tests::hostile::film::Film;
use bartizan_tests::hostile::{Manner, Peer};
use bartizan_tests::house::{House, rfc3339};
use bartizan_tests::wait;
use serde_json::{Value, json};

fn peer(options: &str) -> Peer {
    Peer::start(Film::shoot(options, 4).unwrap(), Manner::Honest).unwrap()
}

/// The renditions that the API lists.
fn renditions(house: &House) -> Vec<Value> {
    let camera = house.camera(None).unwrap();
    let streams = camera["streams"].as_array().unwrap();
    streams.iter().map(|one| one["rendition"].clone()).collect()
}

/// Asks for a change by the API; gives the status of the answer.
fn patch(house: &House, stream: StreamId, change: &Value) -> u16 {
    let target = format!("/api/v1/cameras/{}", stream.camera);
    let member = house.member().unwrap();
    let body = change.to_string();
    let answer = member.send("PATCH", &target, body.as_bytes()).unwrap();
    answer.status
}

#[test]
fn a_small_stream_is_taken_away_keeps_its_recordings_and_comes_back() {
    let main = peer("width=640&height=360&fps=10&gop=2s");
    let small = peer("width=320&height=180&fps=5&gop=1s");
    let mut house = House::claimed(Settings::default()).unwrap();
    house
        .add("Door", &main.url(), &["--sub", &small.url()])
        .unwrap();
    for rendition in Rendition::ALL {
        house.wait_for(None, rendition, "streaming").unwrap();
    }
    wait::pause(Duration::from_secs(4));
    let sub = StreamId {
        rendition: Rendition::Sub,
        ..house.stream(None).unwrap()
    };

    // It ends: closed and signed by the time of the answer, and nothing more is recorded of it.
    house
        .owner
        .must(["camera", "set", "Door", "--no-sub"])
        .unwrap();
    assert_eq!(renditions(&house), ["main"]);
    let kept = house.viewer().unwrap().recorded(sub).unwrap();
    let (count, last) = (kept.pictures().count(), kept.reasons().last().copied());
    assert!(count > 10, "{count} pictures");
    assert_eq!(last, Some(GapReason::Paused));
    wait::pause(Duration::from_secs(3));
    let later = house.viewer().unwrap().recorded(sub).unwrap();
    assert_eq!(later.pictures().count(), count);
    let live = ["live", "Door", "--rendition", "sub", "--seconds", "1"];
    assert_ne!(house.owner.run(live).unwrap().code, Some(0));
    house.wait_streaming(None).unwrap();
    let before = house
        .viewer()
        .unwrap()
        .recorded(house.stream(None).unwrap());
    assert!(before.unwrap().longest_unsigned_hole() < 1_500);

    // What was recorded outlives a restart, which brings nothing back; people list and export it.
    house.gateway.stop().unwrap();
    house.gateway.begin().unwrap();
    house.wait_streaming(None).unwrap();
    assert_eq!(renditions(&house), ["main"]);
    let listed = house
        .owner
        .must(["recordings", "Door", "--rendition", "sub"])
        .unwrap();
    assert_eq!(listed["spans"].as_array().unwrap().len(), 1, "{listed}");
    let file = house.owner.file("sub.mp4");
    let output = file.to_str().unwrap();
    let (first, to) = (kept.frames[0].captured, rfc3339(wait::now()).unwrap());
    let from = rfc3339(first).unwrap();
    let range = ["--from", &from, "--to", &to, "-o", output];
    let mut export = vec!["export", "Door", "--rendition", "sub"];
    export.extend(range);
    house.owner.must(export).unwrap();

    // It comes back, and the time in between is signed as what it was.
    let again = ["camera", "set", "Door", "--sub", &small.url()];
    house.owner.must(again).unwrap();
    house.wait_for(None, Rendition::Sub, "streaming").unwrap();
    wait::pause(Duration::from_secs(3));
    let both = house.viewer().unwrap().recorded(sub).unwrap();
    assert!(both.pictures().count() > count);
    assert!(both.longest_unsigned_hole() < 1_500, "{:?}", both.gaps);
    assert!(
        both.reasons()
            .iter()
            .all(|reason| *reason == GapReason::Paused),
        "{:?}",
        both.gaps
    );

    // Away and back at one go loses nothing of what there is.
    let source = json!({ "sub": { "url": small.url() } });
    for change in [
        &json!({ "sub": null }),
        &source,
        &json!({ "sub": null }),
        &source,
    ] {
        assert_eq!(patch(&house, sub, change), 200);
    }
    house.wait_for(None, Rendition::Sub, "streaming").unwrap();
    wait::pause(Duration::from_secs(3));
    house.gateway.stop().unwrap();
    let said = house.must_verify().unwrap();
    assert_eq!(said["reports"].as_array().unwrap().len(), 2);
}

#[test]
fn a_change_names_what_it_changes_and_nothing_else() {
    let house = House::claimed(Settings::default()).unwrap();
    let limits = ["--retention-days", "14", "--retention-gb", "200"];
    house.add("Demo", "synthetic:", &limits).unwrap();
    let stream = house.stream(None).unwrap();
    let kept = || house.camera(None).unwrap()["retention"].clone();

    let days = ["camera", "set", "Demo", "--retention-days", "7"];
    house.owner.must(days).unwrap();
    assert_eq!(
        kept(),
        json!({ "maxBytes": 200_000_000_000_u64, "maxHours": 168 })
    );
    let lifted = ["camera", "set", "Demo", "--retention-gb", "none"];
    house.owner.must(lifted).unwrap();
    assert_eq!(kept(), json!({ "maxHours": 168 }));

    // There is none to take away, and a malformed source is refused and changes nothing.
    assert_eq!(patch(&house, stream, &json!({ "sub": null })), 200);
    for wrong in [
        json!({ "sub": false }),
        json!({ "sub": { "url": "http://cam/" } }),
    ] {
        let status = patch(&house, stream, &wrong);
        assert!((400..500).contains(&status), "{status}: {wrong}");
    }
    assert_eq!(renditions(&house), ["main"]);
    let usage = house.owner.run(["camera", "set", "Demo"]).unwrap();
    assert_eq!(usage.code, Some(64), "{}", usage.text);
    // Nothing was recorded of a stream that never was.
    let none = ["recordings", "Demo", "--rendition", "sub"];
    assert_ne!(house.owner.run(none).unwrap().code, Some(0));
}
