//! The real disk.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use bartizan_base::clock::SystemClock;
use bartizan_domain::UtcMillis;
use bartizan_recordings::{Config, OpenError, RealDisk, Recorder, Retention};

use crate::sealer::{Sealer, camera, envelope, main_of};

fn config() -> Config {
    let (extent_bytes, volume_bytes) = (64 * 1024, 1024 * 1024);
    Config {
        extent_bytes,
        volume_bytes,
        free_space_floor: 0,
        ..Config::default()
    }
}

fn open(folder: &Path) -> Result<(Recorder, bartizan_recordings::OpenReport), OpenError> {
    let disk = Arc::new(RealDisk::new(folder.join("recordings")));
    Recorder::open(disk, config(), Arc::new(SystemClock))
}

fn each_file(folder: &Path, act: &mut dyn FnMut(&Path, u32)) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        if path.is_dir() {
            assert_eq!(mode, 0o700, "{}", path.display());
            each_file(&path, act);
        } else {
            act(&path, mode);
        }
    }
}

#[test]
fn recordings_outlive_the_process_and_are_private() {
    let folder = tempfile::tempdir().unwrap();
    let mut all = Vec::new();
    let mut sealer = Sealer::new(main_of(1));
    for round in 0..3_u64 {
        let (recorder, report) = open(folder.path()).unwrap();
        assert_eq!(report.holes, 0);
        recorder
            .put_envelope(
                camera(1),
                sealer.epoch,
                &envelope(camera(1), sealer.epoch, UtcMillis(5)),
            )
            .unwrap();
        for n in 0..50 {
            let start = UtcMillis(1_000_000 + (round * 50 + n) * 2_000);
            let segment = sealer.segment(start, 2_000, 10, 3_000);
            recorder.append(main_of(1), &segment).unwrap();
            all.extend(segment);
        }
        let len = all.len() as u64;
        assert!(
            recorder
                .read(main_of(1), 0, len)
                .unwrap()
                .read_to_end()
                .unwrap()
                == all
        );
        recorder.close();
    }
    let (recorder, _) = open(folder.path()).unwrap();
    let rows = recorder
        .segments(main_of(1), UtcMillis(0), UtcMillis(u64::MAX), 1_000)
        .unwrap();
    assert_eq!(rows.len(), 150);
    assert!(
        recorder
            .envelope(camera(1), sealer.epoch)
            .unwrap()
            .is_some()
    );
    each_file(folder.path(), &mut |path, mode| {
        assert_eq!(mode, 0o600, "{}", path.display())
    });
}

#[test]
fn two_processes_do_not_share_a_store() {
    let folder = tempfile::tempdir().unwrap();
    let (_recorder, _) = open(folder.path()).unwrap();
    assert!(matches!(open(folder.path()), Err(OpenError::Busy)));
}

#[test]
fn deleted_room_goes_back_to_the_file_system() {
    use std::os::unix::fs::MetadataExt;
    let folder = tempfile::tempdir().unwrap();
    let (recorder, report) = open(folder.path()).unwrap();
    if !report.facilities.punch {
        return;
    }
    let events = recorder.events().unwrap();
    let mut sealer = Sealer::new(main_of(1));
    for n in 0..100 {
        let segment = sealer.segment(UtcMillis(1_000_000 + n * 2_000), 2_000, 30, 4_000);
        recorder.append(main_of(1), &segment).unwrap();
    }
    recorder.set_retention(
        camera(1),
        Retention {
            max_bytes: Some(2_000_000),
            max_age: None,
        },
    );
    let (again, taken) = (recorder.clone(), recorder.counts());
    recorder.enforce(UtcMillis(2_000_000));
    let deadline = std::time::Duration::from_secs(20);
    let waiting = events.recv_timeout(std::time::Duration::from_secs(2));
    assert!(
        waiting.is_err(),
        "nothing is lost: {waiting:?} {taken:?} {deadline:?}"
    );
    drop(recorder);
    again.enforce(UtcMillis(2_000_000));
    again.close();
    let mut blocks = 0;
    each_file(&folder.path().join("recordings/volumes"), &mut |path, _| {
        blocks += fs::metadata(path).unwrap().blocks() * 512;
    });
    assert!((500_000..3_000_000).contains(&blocks), "{blocks}");
}

#[test]
fn fifty_streams_are_taken_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let (recorder, _) = open(folder.path()).unwrap();
    let mut sealers: Vec<Sealer> = (1..=50).map(|n| Sealer::new(main_of(n))).collect();
    let segments: Vec<Vec<Vec<u8>>> = sealers
        .iter_mut()
        .map(|sealer| {
            let segment =
                |n: u64| sealer.segment(UtcMillis(1_000_000 + n * 1_000), 1_000, 25, 2_000);
            (0..4).map(segment).collect()
        })
        .collect();
    for second in 0..4 {
        for (sealer, segments) in sealers.iter().zip(&segments) {
            recorder.append(sealer.stream, &segments[second]).unwrap();
        }
    }
    recorder.clone().close();
    assert_eq!(recorder.counts().records_lost, 0);
    drop(recorder);
    let (recorder, report) = open(folder.path()).unwrap();
    assert_eq!(report.streams.len(), 50);
    for (sealer, segments) in sealers.iter().zip(&segments) {
        let all = segments.concat();
        let read = recorder
            .read(sealer.stream, 0, all.len() as u64)
            .unwrap()
            .read_to_end();
        assert!(read.unwrap() == all);
    }
}
