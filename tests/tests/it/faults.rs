//! Recording through crashes, cut cables, a full disk and a clock that is set: what is lost is little, what was
//! closed stays, and every gap is signed with its reason. `BARTIZAN_STRETCHES` says how often.

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
use bartizan_tests::{rounds, skipped, wait};
use serde_json::Value;

/// Milliseconds of received video that a crash may cost.
const LOSS: u64 = 1_000;

/// Milliseconds until it records again after a crash: processes start, cameras connect, a keyframe comes.
const BACK: u64 = 15_000;

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

/// Closed segments as the API lists them: all but the last.
fn closed_segments(house: &House) -> Vec<Value> {
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
        "no signed gap {reason:?} at {time:?}: {:?}",
        recorded.gaps
    );
}

fn whole_after_stop(house: &mut House) {
    house.gateway.stop().unwrap();
    let said = house.must_verify().unwrap();
    assert_eq!(said["reports"][0]["findingCount"], 0, "{said}");
}

/// Kills one process again and again.
fn crashes(role: Role, reason: GapReason) {
    let camera = camera();
    let mut house = house(&camera, Settings::default());
    for _ in 0..rounds() {
        wait::pause(STRETCH);
        let before = closed_segments(&house);
        let pid = house.gateway.pids().unwrap().of(role);
        let when = house.gateway.kill(role).unwrap();
        house.gateway.wait_for_new(role, pid).unwrap();
        let again = records_again(&house, UtcMillis(when.0 + LOSS));
        assert!(
            again.0 - when.0 < BACK,
            "back after {} ms",
            again.0 - when.0
        );
        wait::pause(Duration::from_secs(3));

        let recorded = recorded(&house);
        let last = recorded
            .last_before(when)
            .expect("something was recorded before");
        assert!(
            when.0 - last.0 <= LOSS,
            "{} ms of received video are lost",
            when.0 - last.0
        );
        assert_gap(&recorded, reason, when);
        let after = closed_segments(&house);
        assert!(
            before.iter().all(|segment| after.contains(segment)),
            "closed segments are gone or changed"
        );
    }
    whole_after_stop(&mut house);
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
    for _ in 0..rounds() {
        wait::pause(STRETCH);
        let before = closed_segments(&house);
        let pids = house.gateway.pids().unwrap();
        let when = wait::now();
        for pid in [pids.supervisor, pids.serve, pids.ingest] {
            // The children follow their supervisor; whoever is gone already is gone.
            drop(bartizan_tests::process::signal(
                pid,
                rustix::process::Signal::KILL,
            ));
        }
        wait::pause(Duration::from_secs(1));
        house.gateway.begin().unwrap();
        records_again(&house, UtcMillis(when.0 + LOSS));
        wait::pause(Duration::from_secs(3));
        let recorded = recorded(&house);
        let last = recorded
            .last_before(when)
            .expect("something was recorded before");
        assert!(
            when.0 - last.0 <= LOSS,
            "{} ms of received video are lost",
            when.0 - last.0
        );
        assert_gap(&recorded, GapReason::Restart, when);
        let after = closed_segments(&house);
        assert!(
            before.iter().all(|segment| after.contains(segment)),
            "closed segments are gone or changed"
        );
    }
    whole_after_stop(&mut house);
}

#[test]
fn k_1_a_cut_camera_is_told_and_signed_as_a_gap() {
    let camera = camera();
    let mut house = house(&camera, Settings::default());
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
        records_again(&house, mended);
        wait::pause(Duration::from_secs(3));
        let recorded = recorded(&house);
        assert!(when.0 - recorded.last_before(when).unwrap().0 <= LOSS);
        assert_gap(
            &recorded,
            GapReason::CameraOffline,
            UtcMillis(when.0 + 2_000),
        );
    }
    whole_after_stop(&mut house);
}

#[test]
fn k_1_a_stalled_camera_is_told_and_signed_as_a_gap() {
    let camera = camera();
    let mut house = house(&camera, Settings::default());
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
        records_again(&house, UtcMillis(when.0 + 9_000));
        wait::pause(Duration::from_secs(3));
        assert_gap(
            &recorded(&house),
            GapReason::CameraStalled,
            UtcMillis(when.0 + 4_000),
        );
    }
    whole_after_stop(&mut house);
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
    let alert = || member.get("/api/v1/storage").unwrap()["alert"].clone();
    for _ in 0..rounds() {
        wait::pause(STRETCH);
        let before = closed_segments(&house);
        disk.fill(8 * 1_024).unwrap();
        let told = wait::until(Duration::from_mins(1), "the owner is told", || {
            alert().as_str().map(str::to_owned)
        });
        let when = wait::now();
        assert!(told.unwrap().contains("full"));
        wait::pause(Duration::from_secs(14));
        disk.clear().unwrap();
        let cleared = wait::now();
        records_again(&house, cleared);
        wait::until(Duration::from_secs(20), "the alert ends", || {
            alert().is_null().then_some(())
        })
        .unwrap();
        wait::pause(Duration::from_secs(3));
        let recorded = recorded(&house);
        let full = |gap: &&Gap| gap.reason == GapReason::DiskFull && gap.from > when;
        let lost: Vec<_> = recorded.gaps.iter().filter(full).collect();
        let last = lost
            .last()
            .expect("a signed gap says that the disk was full");
        assert!(
            last.to.0 < cleared.0 + 5_000,
            "lost although there is room: {cleared:?} {lost:?}"
        );
        let after = closed_segments(&house);
        assert!(
            before.iter().all(|segment| after.contains(segment)),
            "closed segments are gone or changed"
        );
    }
    whole_after_stop(&mut house);
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
    // Everything in between was recorded: a jump costs the time until the next keyframe at most.
    let pictures = said["reports"][0]["frames"].as_u64().unwrap();
    let stretches = u64::try_from(4 * rounds() + 1).unwrap();
    let expected = stretches * STRETCH.as_secs() * 15;
    assert!(
        pictures > expected * 6 / 10,
        "{pictures} pictures of about {expected}"
    );
}

fn stop(gateway: &mut Gateway) {
    gateway.stop().unwrap();
}
