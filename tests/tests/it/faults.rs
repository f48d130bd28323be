//! Recording through crashes, cut cables, a full disk and a clock that is set: what is lost is little, what was
//! closed stays, and every gap is signed with its reason. `BARTIZAN_STRETCHES` says how often.

use std::collections::BTreeSet;
use std::time::Duration;

use bartizan_domain::{GapReason, Rendition, UtcMillis};
use bartizan_sealing::manifest::Gap;
use bartizan_tests::clock::FakeClock;
use bartizan_tests::disk::SmallDisk;
use bartizan_tests::gateway::{Gateway, Role, Settings};
use bartizan_tests::hostile::film::Film;
use bartizan_tests::hostile::{Manner, Peer};
use bartizan_tests::house::House;
use bartizan_tests::viewer::Recorded;
use bartizan_tests::{figure, rounds, skipped, wait};
use serde_json::Value;

/// Milliseconds of received video that a crash may cost.
const LOSS: u64 = 1_000;

/// Milliseconds until it records again after a crash: processes start, cameras connect, a keyframe comes.
const BACK: u64 = 15_000;

/// Milliseconds around a crash that may be neither recorded nor in a signed gap: a few pictures' distance.
const SILENT: u64 = 250;

/// Length of one stretch of recording between two faults.
const STRETCH: Duration = Duration::from_secs(6);

/// A camera of ours with fifteen pictures a second and a keyframe every two seconds.
fn camera() -> Peer {
    let film = Film::shoot("width=320&height=240&fps=15&gop=2s", 4).unwrap();
    Peer::start(film, Manner::Honest).unwrap()
}

fn house(camera: &Peer, settings: Settings) -> House {
    let house = House::claimed(settings).unwrap();
    house.add("Yard", &camera.url(), &[]).unwrap();
    house.wait_streaming(None).unwrap();
    house
}

fn recorded(house: &House) -> Recorded {
    let stream = house.stream(None).unwrap();
    house.viewer().unwrap().recorded(stream).unwrap()
}

/// What is recorded before a fault.
struct Before {
    /// Segments as the API lists them, without the last one, to which more may come.
    segments: Vec<Value>,
    /// Capture times of pictures.
    pictures: Vec<UtcMillis>,
}

impl Before {
    fn now(house: &House) -> Self {
        let pictures = recorded(house);
        Self {
            segments: segments(house),
            pictures: pictures.pictures().map(|seen| seen.captured).collect(),
        }
    }

    /// All this is still there, apart from what was so new at `when` that the next commit was still to come.
    fn is_kept(&self, house: &House, recorded: &Recorded, when: UtcMillis) {
        let end = |segment: &Value| {
            let times = ["startMs", "durationMs"].map(|field| segment[field].as_u64().unwrap());
            times.iter().sum::<u64>()
        };
        let now = segments(house);
        let closed = self.segments.iter();
        let closed = closed.filter(|segment| end(segment) + LOSS <= when.0);
        let gone: Vec<_> = closed.filter(|segment| !now.contains(segment)).collect();
        assert!(
            gone.is_empty(),
            "closed and gone or changed at {when:?}: {gone:#?} of {now:#?}"
        );
        let now: BTreeSet<_> = recorded.pictures().map(|seen| seen.captured).collect();
        let old = self
            .pictures
            .iter()
            .filter(|picture| picture.0 + LOSS <= when.0);
        let gone: Vec<_> = old.filter(|picture| !now.contains(picture)).collect();
        assert!(gone.is_empty(), "pictures are gone at {when:?}: {gone:?}");
    }
}

/// All segments but the last.
fn segments(house: &House) -> Vec<Value> {
    let camera = house.stream(None).unwrap().camera;
    let target = format!("/api/v1/cameras/{camera}/segments?rendition=main");
    let mut segments = house.member().unwrap().get(&target).unwrap()["segments"].take();
    let segments = segments.as_array_mut().unwrap();
    segments.pop();
    segments.clone()
}

/// Waits until a picture that was captured after `time` is recorded.
fn records_again(house: &House, time: UtcMillis) -> UtcMillis {
    let viewer = house.viewer().unwrap();
    let stream = house.stream(None).unwrap();
    let mut last = String::new();
    let again = wait::until(Duration::from_mins(1), "it records again", || {
        let recorded = viewer
            .recorded(stream)
            .map_err(|error| last = format!("{error:#}"));
        recorded.ok()?.first_after(time)
    });
    again.unwrap_or_else(|error| panic!("{error}: {last}\n{}", house.gateway.last_words()))
}

/// A signed gap of this reason that touches `time`.
fn assert_gap(recorded: &Recorded, reason: GapReason, time: UtcMillis) {
    let found = recorded.gaps.iter().any(|gap| {
        gap.reason == reason && gap.from.0 <= time.0 + LOSS && gap.to.0 + LOSS >= time.0
    });
    assert!(
        found,
        "no signed gap {reason:?} at {time:?}, when the pictures before and after are of {:?} and {:?}: {:?}",
        recorded.last_before(time),
        recorded.first_after(time),
        recorded.gaps
    );
}

/// What the faults of one kind cost, in milliseconds, one number for each.
#[derive(Debug, Default)]
struct Toll {
    /// Video that was received and is lost.
    lost: Vec<u64>,
    /// Until it recorded again.
    away: Vec<u64>,
}

impl Toll {
    /// Notes what `recorded` lost at `when`, which must be little.
    fn loses(&mut self, recorded: &Recorded, when: UtcMillis) {
        let last = recorded.last_before(when);
        let lost = when.0 - last.expect("something was recorded before").0;
        assert!(lost <= LOSS, "{lost} ms of received video are lost");
        self.lost.push(lost);
    }

    /// As [`loses`](Self::loses); and the next picture comes soon, with a signed gap until then.
    fn crash(&mut self, recorded: &Recorded, when: UtcMillis) {
        self.loses(recorded, when);
        let next = recorded.first_after(when).expect("it records again");
        let away = next.0 - when.0;
        assert!(away < BACK, "back after {away} ms");
        let hole = recorded.unsigned_hole_at(when).unwrap_or(away);
        assert!(
            hole <= SILENT,
            "{hole} ms are neither recorded nor a gap: {:?}",
            recorded.gaps
        );
        self.away.push(away);
    }
}

/// Ends: everything must be whole, and no time be without a picture and without a signed gap.
fn ends(house: &mut House, kind: &str, toll: &Toll) {
    let hole = recorded(house).longest_unsigned_hole();
    assert!(hole <= LOSS, "{hole} ms are neither recorded nor a gap");
    house.gateway.stop().unwrap();
    let said = house.must_verify().unwrap();
    assert_eq!(said["reports"][0]["findingCount"], 0, "{said}");
    figure(kind, toll);
    figure("longest unsigned hole in ms", &hole);
}

/// Kills one process again and again.
fn crashes(role: Role, reason: GapReason) {
    let camera = camera();
    let mut house = house(&camera, Settings::default());
    let mut toll = Toll::default();
    for _ in 0..rounds() {
        wait::pause(STRETCH);
        let before = Before::now(&house);
        let pid = house.gateway.pids().unwrap().of(role);
        let when = house.gateway.kill(role).unwrap();
        house.gateway.wait_for_new(role, pid).unwrap();
        records_again(&house, UtcMillis(when.0 + LOSS));
        wait::pause(Duration::from_secs(3));

        let recorded = recorded(&house);
        toll.crash(&recorded, when);
        assert_gap(&recorded, reason, when);
        before.is_kept(&house, &recorded, when);
    }
    ends(&mut house, &format!("{role:?} killed"), &toll);
}

#[test]
fn a_killed_recorder_loses_less_than_a_second_and_nothing_that_was_closed() {
    crashes(Role::Serve, GapReason::RecorderAway);
}

#[test]
fn a_killed_sealer_loses_less_than_a_second_and_nothing_that_was_closed() {
    crashes(Role::Ingest, GapReason::Restart);
}

#[test]
fn a_power_cut_of_all_processes_loses_less_than_a_second_and_nothing_that_was_closed() {
    let camera = camera();
    let mut house = house(&camera, Settings::default());
    let mut toll = Toll::default();
    for _ in 0..rounds() {
        wait::pause(STRETCH);
        let before = Before::now(&house);
        let pids = house.gateway.pids().unwrap();
        for pid in [pids.supervisor, pids.serve, pids.ingest] {
            // The children follow their supervisor; whoever is gone already is gone.
            drop(bartizan_tests::process::signal(
                pid,
                rustix::process::Signal::KILL,
            ));
        }
        let when = wait::now();
        wait::pause(Duration::from_secs(1));
        house.gateway.begin().unwrap();
        records_again(&house, UtcMillis(when.0 + LOSS));
        wait::pause(Duration::from_secs(3));
        let recorded = recorded(&house);
        toll.crash(&recorded, when);
        assert_gap(&recorded, GapReason::Restart, when);
        before.is_kept(&house, &recorded, when);
    }
    ends(&mut house, "power cut", &toll);
}

#[test]
fn k_1_a_cut_camera_is_told_and_signed_as_a_gap() {
    let camera = camera();
    let mut house = house(&camera, Settings::default());
    let mut toll = Toll::default();
    for _ in 0..rounds() {
        wait::pause(STRETCH);
        let when = camera.cut();
        let told = wait::Watch::start();
        let status = house.wait_for(None, Rendition::Main, "connecting").unwrap();
        assert!(
            told.elapsed() < Duration::from_secs(5),
            "told after {:?}",
            told.elapsed()
        );
        assert!(
            ["closed", "unreachable"].contains(&status["problem"]["kind"].as_str().unwrap()),
            "{status}"
        );
        wait::pause(Duration::from_secs(3));
        camera.mend();
        let mended = wait::now();
        let again = records_again(&house, mended);
        toll.away.push(again.0 - mended.0);
        wait::pause(Duration::from_secs(3));
        let recorded = recorded(&house);
        toll.loses(&recorded, when);
        assert_gap(
            &recorded,
            GapReason::CameraOffline,
            UtcMillis(when.0 + 2_000),
        );
    }
    ends(&mut house, "camera cut", &toll);
}

#[test]
fn k_1_a_stalled_camera_is_told_and_signed_as_a_gap() {
    let camera = camera();
    let mut house = house(&camera, Settings::default());
    let mut toll = Toll::default();
    for _ in 0..rounds() {
        wait::pause(STRETCH);
        camera.set(Manner::Stall);
        let (when, told) = (wait::now(), wait::Watch::start());
        let status = house.wait_for(None, Rendition::Main, "connecting").unwrap();
        assert!(
            told.elapsed() < Duration::from_secs(20),
            "told after {:?}",
            told.elapsed()
        );
        assert_eq!(status["problem"]["kind"], "stalled", "{status}");
        camera.set(Manner::Honest);
        let mended = wait::now();
        let again = records_again(&house, mended);
        toll.away.push(again.0 - mended.0);
        wait::pause(Duration::from_secs(3));
        let recorded = recorded(&house);
        toll.loses(&recorded, when);
        assert_gap(
            &recorded,
            GapReason::CameraStalled,
            UtcMillis(when.0 + 4_000),
        );
    }
    ends(&mut house, "camera stalled", &toll);
}

#[test]
fn a_full_disk_is_a_signed_gap_and_recording_goes_on_when_there_is_room() {
    let disk = match SmallDisk::new(1_500) {
        Ok(disk) => disk,
        Err(error) => return skipped(&format!("{error:#}")),
    };
    // Four megabytes a second: what the recorder may keep waiting in memory is used up soon.
    let film = Film::shoot("width=320&height=240&fps=10&gop=1s", 2)
        .unwrap()
        .inflated(400_000);
    let camera = Peer::start(film, Manner::Honest).unwrap();
    let data = Some(disk.path().join("data"));
    let mut house = house(
        &camera,
        Settings {
            data,
            keep_free_mib: 64,
            ..Settings::default()
        },
    );
    let member = house.member().unwrap();
    let mut toll = Toll::default();
    let alert = || member.get("/api/v1/storage").unwrap()["alert"].clone();
    for _ in 0..rounds() {
        wait::pause(STRETCH);
        let before = Before::now(&house);
        disk.fill(8 * 1_024).unwrap();
        let told = wait::until(Duration::from_mins(1), "the owner is told", || {
            alert().as_str().map(str::to_owned)
        });
        let when = wait::now();
        assert_eq!(told.unwrap(), "full");
        wait::pause(Duration::from_secs(14));
        disk.clear().unwrap();
        let cleared = wait::now();
        let again = records_again(&house, cleared);
        toll.away.push(again.0 - cleared.0);
        wait::until(Duration::from_secs(20), "the alert ends", || {
            alert().is_null().then_some(())
        })
        .unwrap();
        wait::pause(Duration::from_secs(3));
        let recorded = recorded(&house);
        let full = |gap: &&Gap| gap.reason == GapReason::DiskFull && gap.to > when;
        let lost: Vec<_> = recorded.gaps.iter().filter(full).collect();
        let last = lost
            .last()
            .expect("a signed gap says that the disk was full");
        assert!(
            last.to.0 < cleared.0 + 5_000,
            "lost although there is room: {cleared:?} {lost:?}"
        );
        before.is_kept(&house, &recorded, when);
    }
    ends(&mut house, "disk full", &toll);
}

#[test]
fn a_clock_that_is_set_by_an_hour_is_a_signed_gap_and_nothing_is_lost() {
    let clock = match FakeClock::new() {
        Ok(clock) => clock,
        Err(error) => return skipped(&format!("{error:#}")),
    };
    let camera = camera();
    let settings = Settings {
        data: Some(clock.data().to_owned()),
        ingest: Some(clock.ingest().unwrap()),
        env: clock.env(),
        ..Settings::default()
    };
    let mut house = House::claimed(settings).unwrap();
    house
        .owner
        .must(["camera", "add", "Yard", &camera.url()])
        .unwrap();
    wait::pause(STRETCH);
    let pids = house.gateway.pids().unwrap();
    for _ in 0..rounds() {
        for seconds in [3_600, 0, -3_600, 0] {
            clock.set(seconds).unwrap();
            wait::pause(STRETCH);
        }
    }
    assert_eq!(
        house.gateway.pids().unwrap(),
        pids,
        "a process died:\n{}",
        house.gateway.last_words()
    );
    stop(&mut house.gateway);
    let said = house.must_verify().unwrap();
    let gaps = said["reports"][0]["gaps"].as_array().unwrap();
    let jumps = gaps
        .iter()
        .filter(|gap| gap["reason"] == "clock-jump")
        .count();
    assert_eq!(jumps, 4 * rounds(), "{said}");
    figure("signed clock jumps", &jumps);
    // Everything in between was recorded: a jump costs the time until the next keyframe at most.
    let pictures = said["reports"][0]["frames"].as_u64().unwrap();
    let stretches = u64::try_from(4 * rounds() + 1).unwrap();
    let expected = stretches * STRETCH.as_secs() * 15;
    assert!(
        pictures > expected * 6 / 10,
        "{pictures} pictures of about {expected}"
    );
    figure(
        "pictures recorded, and about to be expected",
        &(pictures, expected),
    );
}

fn stop(gateway: &mut Gateway) {
    gateway.stop().unwrap();
}
