//! When the machine fails: every door stays shut, the recorder does what it can, and nobody outside learns how the
//! inside looks. And when the process dies in the middle of a change: the old state or the new one, never half.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bartizan_tests::api::{self, Answer};
use bartizan_tests::disk::SmallDisk;
use bartizan_tests::gateway::{Role, Settings};
use bartizan_tests::house::House;
use bartizan_tests::{rounds, skipped, wait};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, Executor};

const CAMERA: &str = "synthetic:?width=320&height=240&fps=10&gop=1s";

/// What no answer may hold.
const INTERNALS: [&str; 14] = [
    "sqlite",
    "database",
    "sql",
    "/tmp",
    "/data",
    ".rs",
    "os error",
    "errno",
    "panicked",
    "readonly",
    "read-only",
    "locked",
    "busy",
    "backtrace",
];

/// A failure as the owner may see it: a problem with a reference, and nothing of the inside.
fn is_opaque(answer: &Answer) {
    let text = answer.text().to_lowercase();
    assert!(
        (500..600).contains(&answer.status),
        "{} {text}",
        answer.status
    );
    assert!(answer.is_problem(), "{text}");
    assert!(
        answer.json().unwrap()["reference"]
            .as_str()
            .is_some_and(|text| text.len() >= 8),
        "{text}"
    );
    for word in INTERNALS {
        assert!(!text.contains(word), "{word:?} in {text}");
    }
}

/// A stranger gets what a stranger always gets.
fn strangers_are_refused(port: u16) {
    for target in [
        "/api/v1/site",
        "/api/v1/cameras",
        "/api/v1/roster?from=0",
        "/api/v1/live?ticket=x",
    ] {
        let answer = api::get(port, target).unwrap();
        assert!(
            [400, 401, 403, 426].contains(&answer.status),
            "{target}: {} {}",
            answer.status,
            answer.text()
        );
    }
}

#[test]
fn g_21_a_locked_database_refuses_changes_says_little_and_recording_goes_on() {
    let mut house = House::claimed(Settings::with_cameras([CAMERA])).unwrap();
    house.wait_streaming(None).unwrap();
    let (member, stream) = (house.member().unwrap(), house.stream(None).unwrap());
    let target = format!("/api/v1/cameras/{}", stream.camera);
    let options =
        SqliteConnectOptions::new().filename(house.gateway.data().join("gateway/gateway.db"));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();

    let when = wait::now();
    let mut holder = runtime.block_on(options.connect()).unwrap();
    runtime.block_on(holder.execute("BEGIN IMMEDIATE")).unwrap();
    let answer = member
        .send("PATCH", &target, br#"{"name":"Renamed"}"#)
        .unwrap();
    is_opaque(&answer);
    strangers_are_refused(house.gateway.port());
    let refused = house.owner.run(["camera", "add", "More", CAMERA]).unwrap();
    assert_ne!(refused.code, Some(0), "{}", refused.text);
    runtime.block_on(holder.execute("ROLLBACK")).unwrap();
    runtime.block_on(holder.close()).unwrap();

    // As if nothing had been: the old name, one camera, and then the new name.
    assert_eq!(house.camera(None).unwrap()["name"], "Camera 1");
    assert_eq!(house.cameras().unwrap().len(), 1);
    let answer = member
        .send("PATCH", &target, br#"{"name":"Renamed"}"#)
        .unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    house.add("More", CAMERA, &[]).unwrap();
    wait::pause(Duration::from_secs(2));
    let recorded = house.viewer().unwrap().recorded(stream).unwrap();
    assert!(recorded.gaps.is_empty(), "{:?}", recorded.gaps);
    let since = recorded
        .pictures()
        .filter(|seen| seen.captured > when)
        .count();
    assert!(since > 40, "{since} pictures while the database was locked");
    house.gateway.stop().unwrap();
    house.must_verify().unwrap();
}

#[test]
fn g_21_a_failed_disk_refuses_changes_says_little_and_lets_nobody_in() {
    let disk = match SmallDisk::new(1_500) {
        Ok(disk) => disk,
        Err(error) => return skipped(&format!("{error:#}")),
    };
    let data = Some(disk.path().join("data"));
    let settings = Settings {
        data,
        keep_free_mib: 64,
        ..Settings::with_cameras([CAMERA])
    };
    let house = House::claimed(settings).unwrap();
    house.wait_streaming(None).unwrap();
    let (member, stream) = (house.member().unwrap(), house.stream(None).unwrap());
    wait::pause(Duration::from_secs(4));
    let pids = house.gateway.pids().unwrap();
    disk.fail().unwrap();

    let alert = wait::until(Duration::from_secs(40), "the owner is told", || {
        member.get("/api/v1/storage").ok()?["alert"]
            .as_str()
            .map(str::to_owned)
    });
    let alert = alert.unwrap();
    assert!(
        ["failing", "read-only"].contains(&alert.as_str()),
        "{alert}"
    );
    let target = format!("/api/v1/cameras/{}", stream.camera);
    is_opaque(
        &member
            .send("PATCH", &target, br#"{"name":"Renamed"}"#)
            .unwrap(),
    );
    strangers_are_refused(house.gateway.port());
    // What was recorded can still be seen, and what happens now as well.
    let recorded = house.viewer().unwrap().recorded(stream).unwrap();
    assert!(
        recorded.pictures().count() > 20,
        "{}",
        recorded.pictures().count()
    );
    assert_eq!(
        house.gateway.pids().unwrap(),
        pids,
        "a process died:\n{}",
        house.gateway.last_words()
    );
}

#[test]
fn g_2_a_change_survives_a_crash_whole_or_not_at_all() {
    let house = House::claimed(Settings::with_cameras([CAMERA])).unwrap();
    let member = house.member().unwrap();
    let target = format!("/api/v1/cameras/{}", house.stream(None).unwrap().camera);
    let acknowledged = AtomicU64::new(0);
    let mut next = 1_u64;
    for round in 0..3 * rounds() {
        let crashed = AtomicBool::new(false);
        let pid = house.gateway.pids().unwrap().serve;
        std::thread::scope(|scope| {
            scope.spawn(|| {
                wait::pause(Duration::from_millis(
                    150 + 97 * u64::try_from(round % 7).unwrap(),
                ));
                house.gateway.kill(Role::Serve).unwrap();
                crashed.store(true, Ordering::Release);
            });
            while !crashed.load(Ordering::Acquire) {
                let body = format!("{{\"name\":\"Name {next}\"}}");
                let answer = member.send("PATCH", &target, body.as_bytes());
                if answer.is_ok_and(|answer| answer.status == 200) {
                    acknowledged.store(next, Ordering::Release);
                }
                next += 1;
            }
        });
        house.gateway.wait_for_new(Role::Serve, pid).unwrap();
        let camera = member.get(&target).unwrap();
        let name = camera["name"].as_str().unwrap();
        // The crash may come before the first change.
        let kept: u64 = name
            .strip_prefix("Name ")
            .map_or(0, |kept| kept.parse().unwrap());
        let acknowledged = acknowledged.load(Ordering::Acquire);
        assert!(
            kept >= acknowledged && kept < next,
            "{name} is kept, {acknowledged} was acknowledged"
        );
        // The roster, too, is whole: the next change is a signed statement that follows the last one.
        house
            .add(
                &format!("Camera of round {round}"),
                "synthetic:?width=160&height=120&fps=1",
                &[],
            )
            .unwrap();
    }
    assert_eq!(house.cameras().unwrap().len(), 1 + 3 * rounds());
}
