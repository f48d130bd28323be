//! Cameras with the worst of manners: they hurt themselves and nobody else.

use std::time::Duration;

use bartizan_domain::{Rendition, UtcMillis};
use bartizan_tests::gateway::{Role, Settings};
use bartizan_tests::hostile::film::Film;
use bartizan_tests::hostile::{Manner, Peer};
use bartizan_tests::house::House;
use bartizan_tests::viewer::Recorded;
use bartizan_tests::{figure, probe, wait};

const GOOD: &str = "synthetic:?width=320&height=240&fps=10&gop=1s";

/// MiB that a sealer with a dozen small cameras may use, in a debug build.
const MEMORY: u64 = 300;

/// Longest time between two pictures of a camera that sends ten a second.
const HICCUP: u64 = 600;

fn film() -> Film {
    Film::shoot("width=160&height=120&fps=10&gop=1s", 3).unwrap()
}

/// Resident memory of a process in MiB.
fn memory(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .unwrap();
    line.split_whitespace()
        .next()
        .unwrap()
        .parse::<u64>()
        .unwrap()
        / 1_024
}

/// The longest time without a picture between `from` and `to`, and how long after `from` it began.
fn longest_pause(recorded: &Recorded, (from, to): (UtcMillis, UtcMillis)) -> (u64, u64) {
    let times = recorded
        .pictures()
        .map(|seen| seen.captured.0)
        .filter(|time| (from.0..=to.0).contains(time));
    let times: Vec<u64> = std::iter::once(from.0).chain(times).chain([to.0]).collect();
    times
        .windows(2)
        .map(|pair| (pair[1] - pair[0], pair[0] - from.0))
        .max()
        .unwrap()
}

#[test]
fn hostile_cameras_neither_stop_nor_crash_the_others_and_are_called_less_and_less() {
    let manners = Manner::all_without_picture();
    let peers: Vec<Peer> = manners
        .iter()
        .map(|manner| Peer::start(film(), manner.clone()).unwrap())
        .collect();
    let mut house = House::claimed(Settings::with_cameras([GOOD])).unwrap();
    let good = house.name().unwrap();
    house.wait_streaming(Some(&good)).unwrap();
    let (pids, began) = (house.gateway.pids().unwrap(), wait::now());
    for (manner, peer) in manners.iter().zip(&peers) {
        let name = format!("{manner:?}").chars().take(40).collect::<String>();
        house.add(&name, &peer.url(), &[]).unwrap();
    }
    wait::pause(Duration::from_secs(25));
    let ended = wait::now();

    // Everybody lives, and nobody has grown.
    assert_eq!(
        house.gateway.pids().unwrap(),
        pids,
        "a process died:\n{}",
        house.gateway.last_words()
    );
    let used = [pids.serve, pids.ingest].map(memory);
    assert!(used.iter().all(|mib| *mib < MEMORY), "{used:?} MiB");

    // Each is told, and those that will not change are left alone for longer.
    for (manner, peer) in manners.iter().zip(&peers) {
        let name = format!("{manner:?}").chars().take(40).collect::<String>();
        let status = house.status(Some(&name), Rendition::Main).unwrap();
        // A resetting camera may just have been answered; all others never got that far.
        let may_stream = [Manner::Reset, Manner::Stall, Manner::CrowdedSdp].contains(manner);
        assert!(
            status["state"] == "connecting" || may_stream,
            "{name}: {status}"
        );
        let visits = peer.visits();
        figure(&name, &visits.len());
        let most = if manner.needs_person() { 2 } else { 14 };
        assert!(
            (1..=most).contains(&visits.len()),
            "{name}: {} visits",
            visits.len()
        );
        let pauses: Vec<u64> = visits
            .windows(2)
            .map(|pair| pair[1].0 - pair[0].0)
            .collect();
        let longest = pauses
            .iter()
            .copied()
            .chain([ended.0 - visits[visits.len() - 1].0])
            .max()
            .unwrap();
        assert!(
            longest > 2_000,
            "{name}: called again and again: {pauses:?} ms"
        );
    }

    // And the good camera did not notice.
    let stream = house.stream(Some(&good)).unwrap();
    let recorded = house.viewer().unwrap().recorded(stream).unwrap();
    let (pause, after) = longest_pause(&recorded, (began, UtcMillis(ended.0 - 2_000)));
    assert!(
        pause < HICCUP,
        "{pause} ms without a picture, {after} ms after the first hostile camera came"
    );
    house.gateway.stop().unwrap();
    house.must_verify().unwrap();
}

#[test]
fn packets_that_lie_cost_their_own_camera_at_most() {
    let peer = Peer::start(film(), Manner::Lies).unwrap();
    let mut house = House::claimed(Settings::with_cameras([GOOD])).unwrap();
    let pids = house.gateway.pids().unwrap();
    house.add("Liar", &peer.url(), &[]).unwrap();
    wait::pause(Duration::from_secs(15));
    assert_eq!(
        house.gateway.pids().unwrap(),
        pids,
        "a process died:\n{}",
        house.gateway.last_words()
    );
    // The good pictures between the lies are recorded, once it tells the truth at the latest.
    peer.set(Manner::Honest);
    house.wait_streaming(Some("Liar")).unwrap();
    wait::pause(Duration::from_secs(4));
    let stream = house.stream(Some("Liar")).unwrap();
    let recorded = house.viewer().unwrap().recorded(stream).unwrap();
    assert!(
        recorded.pictures().count() > 20,
        "{} pictures",
        recorded.pictures().count()
    );
    house.gateway.kill(Role::Serve).unwrap();
    wait::pause(Duration::from_secs(2));
    house.gateway.stop().unwrap();
    house.must_verify().unwrap();
}

#[test]
fn time_stamps_that_freeze_jump_or_wrap_do_not_spoil_a_recording() {
    let manners = [
        Manner::FrozenTime,
        Manner::JumpingTime,
        Manner::WrappingTime,
    ];
    let peers: Vec<Peer> = manners
        .iter()
        .map(|manner| Peer::start(film(), manner.clone()).unwrap())
        .collect();
    let mut house = House::claimed(Settings::default()).unwrap();
    let pids = house.gateway.pids().unwrap();
    let began = wait::now();
    for (manner, peer) in manners.iter().zip(&peers) {
        house.add(&format!("{manner:?}"), &peer.url(), &[]).unwrap();
    }
    wait::pause(Duration::from_secs(20));
    assert_eq!(
        house.gateway.pids().unwrap(),
        pids,
        "a process died:\n{}",
        house.gateway.last_words()
    );
    for manner in &manners {
        let name = format!("{manner:?}");
        let stream = house.stream(Some(&name)).unwrap();
        let recorded = house.viewer().unwrap().recorded(stream).unwrap();
        let times: Vec<u64> = recorded.pictures().map(|seen| seen.captured.0).collect();
        // Whatever the packets say, what is captured when is known from when it came.
        assert!(times.len() > 100, "{name}: {} pictures", times.len());
        assert!(
            times.windows(2).all(|pair| pair[1] + 500 >= pair[0]),
            "{name}: capture times go back"
        );
        let (span, most) = (times[times.len() - 1] - times[0], wait::now().0 - began.0);
        assert!((12_000..=most).contains(&span), "{name}: {span} ms");
        let file = house.owner.file(&format!("{name}.mp4"));
        let window = (UtcMillis(times[20]), UtcMillis(times[20] + 6_000));
        let said = house.export(&name, window, &file).unwrap();
        // Nor does whoever plays it see it frozen or rushed: it lasts as long as what was asked for, and the rest
        // of a group.
        let mut seconds = 0.0;
        for part in said["files"].as_array().unwrap() {
            let part = part["file"].as_str().unwrap().as_ref();
            probe::decodes(part).unwrap();
            seconds += probe::picture(part).unwrap().seconds;
        }
        figure(&name, &seconds);
        assert!((5.5..=7.5).contains(&seconds), "{name}: {seconds} s");
    }
    house.gateway.stop().unwrap();
    house.must_verify().unwrap();
}
