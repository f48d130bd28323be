//! Disks that are full, slow, read-only, worn or gone: each costs segments that are told, and nothing
//! else.

use std::io::ErrorKind;
use std::time::Duration;

use bartizan_domain::{GapReason, StreamId};
use bartizan_recordings::{Alert, Config, Event, Facilities, Loss, SegmentState};
use bartizan_sealing::record::{Kind, Record};

use crate::fault::Faults;
use crate::lab::{Lab, config};
use crate::sealer::{Sealer, camera, envelope, epoch_id, main_of};

/// Appends a segment of about 11 KB each second and lets the writer work.
fn record(lab: &mut Lab, sealer: &mut Sealer, seconds: usize) {
    for _ in 0..seconds {
        let segment = sealer.segment(lab.now(), 1_000, 5, 2_000);
        lab.append(sealer.stream, &segment);
        lab.pass(1_000);
    }
}

/// Whole segments that can be read, and every number that a loss covers, make up everything given.
fn account(lab: &Lab, stream: StreamId, given: u64, losses: &[Loss]) {
    let rows = lab.rows(stream);
    for row in &rows {
        let bytes = lab.bytes(stream, row.offset, row.len).unwrap();
        let mut rest = bytes.as_slice();
        while let Some((_, after)) = Record::split(rest).unwrap() {
            rest = after;
        }
        assert!(rest.is_empty());
    }
    for number in 0..given {
        let whole = rows
            .iter()
            .any(|row| row.number == number && matches!(row.state, SegmentState::Closed));
        let told = losses.iter().any(|loss| {
            number >= loss.first_segment && number - loss.first_segment < loss.segments
        });
        assert!(whole || told, "segment {number} is neither there nor told");
    }
}

fn has_alert(events: &[Event], wanted: fn(&Alert) -> bool) -> bool {
    events
        .iter()
        .any(|event| matches!(event, Event::Alert(alert) if wanted(alert)))
}

fn losses(events: &[Event]) -> Vec<Loss> {
    let lost = |event: &Event| match event {
        Event::Lost(loss) => Some(*loss),
        _ => None,
    };
    events.iter().filter_map(lost).collect()
}

#[test]
fn a_full_disk_costs_told_segments_and_recording_goes_on_when_there_is_room() {
    let config = Config {
        min_kept: Duration::from_mins(10),
        ..config()
    };
    let mut lab = Lab::with(config, 512 * 1024);
    let mut sealer = Sealer::new(main_of(1));
    record(&mut lab, &mut sealer, 120);
    let events = lab.events();
    assert!(has_alert(&events, |alert| matches!(
        alert,
        Alert::DiskFull { .. }
    )));
    let mut told = losses(&events);
    assert!(told.iter().all(|loss| loss.reason == GapReason::DiskFull));
    assert!(told.len() >= 2, "a loss that lasts is told again");
    lab.disk.set_capacity(64 * 1024 * 1024);
    record(&mut lab, &mut sealer, 20);
    let events = lab.events();
    assert!(has_alert(&events, |alert| matches!(
        alert,
        Alert::Recovered
    )));
    told.extend(losses(&events));
    account(&lab, main_of(1), sealer.number, &told);
    assert_eq!(
        lab.rows(main_of(1)).last().unwrap().number + 1,
        sealer.number
    );
    let mut lab = lab.reopen();
    account(&lab, main_of(1), sealer.number, &told);
    record(&mut lab, &mut sealer, 3);
    account(&lab, main_of(1), sealer.number, &told);
}

#[test]
fn the_oldest_makes_room_on_a_full_disk() {
    let config = Config {
        free_space_floor: 128 * 1024,
        ..config()
    };
    let mut lab = Lab::with(config, 1024 * 1024);
    let mut sealers = [Sealer::new(main_of(1)), Sealer::new(main_of(2))];
    for _ in 0..150 {
        sealers
            .iter_mut()
            .for_each(|sealer| record(&mut lab, sealer, 1));
    }
    assert_eq!(lab.losses(), []);
    assert!(lab.disk.used() <= 1024 * 1024 - 100 * 1024);
    for sealer in &sealers {
        let rows = lab.rows(sealer.stream);
        assert!(rows.len() > 20 && rows.len() < 100, "{}", rows.len());
        account(&lab, sealer.stream, 0, &[]);
    }
}

#[test]
fn young_recordings_are_not_deleted_for_room() {
    let free_space_floor = 512 * 1024;
    let config = Config {
        free_space_floor,
        min_kept: Duration::from_mins(10),
        ..config()
    };
    let mut lab = Lab::with(config, 1024 * 1024);
    let mut sealer = Sealer::new(main_of(1));
    record(&mut lab, &mut sealer, 100);
    let told = lab.losses();
    let full = |loss: &Loss| loss.reason == GapReason::DiskFull;
    assert!(told.iter().all(full) && !told.is_empty(), "{told:?}");
    assert_eq!(lab.rows(main_of(1))[0].number, 0);
    let free = 1024 * 1024 - lab.disk.used();
    assert!(free > 400 * 1024, "the floor holds: {free} bytes are free");
}

fn fails_and_comes_back(fail: fn(&mut Faults), heal: fn(&Lab)) {
    let mut lab = Lab::new();
    let mut sealers = [Sealer::new(main_of(1)), Sealer::new(main_of(2))];
    let second = |lab: &mut Lab, sealers: &mut [Sealer; 2]| {
        for sealer in sealers.iter_mut() {
            let segment = sealer.segment(lab.now(), 1_000, 5, 2_000);
            lab.append(sealer.stream, &segment);
        }
        lab.pass(1_000);
    };
    (0..10).for_each(|_| second(&mut lab, &mut sealers));
    lab.disk.set_faults(fail);
    (0..40).for_each(|_| second(&mut lab, &mut sealers));
    heal(&lab);
    (0..40).for_each(|_| second(&mut lab, &mut sealers));
    let events = lab.events();
    assert!(has_alert(&events, |alert| matches!(
        alert,
        Alert::DiskFailed { .. }
    )));
    assert!(has_alert(&events, |alert| matches!(
        alert,
        Alert::Recovered
    )));
    let told = losses(&events);
    assert!(told.iter().all(|loss| loss.reason == GapReason::DiskFailed));
    for sealer in &sealers {
        let told: Vec<Loss> = told
            .iter()
            .filter(|loss| loss.stream == sealer.stream)
            .copied()
            .collect();
        let lost: u64 = told.iter().map(|loss| loss.segments).sum();
        assert!((39..75).contains(&lost), "{lost}");
        account(&lab, sealer.stream, sealer.number, &told);
        assert_eq!(
            lab.rows(sealer.stream).last().unwrap().number + 1,
            sealer.number
        );
    }
    let lab = lab.reopen();
    for sealer in &sealers {
        assert_eq!(
            lab.rows(sealer.stream).last().unwrap().number + 1,
            sealer.number
        );
    }
}

#[test]
fn a_disk_that_turns_read_only_and_back_costs_only_that_time() {
    fails_and_comes_back(
        |faults| faults.read_only = Some(ErrorKind::ReadOnlyFilesystem),
        |lab| lab.disk.set_faults(|faults| faults.read_only = None),
    );
}

#[test]
fn a_disk_that_vanishes_and_comes_back_costs_only_that_time() {
    fails_and_comes_back(
        |faults| faults.gone = Some(ErrorKind::NotFound),
        |lab| lab.disk.set_faults(|faults| faults.gone = None),
    );
}

#[test]
fn a_replaced_disk_is_taken_and_gets_the_running_epochs_envelope() {
    let mut lab = Lab::new();
    let mut sealer = Sealer::new(main_of(1));
    sealer.epoch = epoch_id(lab.now(), 1);
    let record_bytes = envelope(camera(1), sealer.epoch, lab.now());
    lab.recorder
        .put_envelope(camera(1), sealer.epoch, &record_bytes)
        .unwrap();
    record(&mut lab, &mut sealer, 10);
    lab.disk
        .set_faults(|faults| faults.gone = Some(ErrorKind::NotFound));
    record(&mut lab, &mut sealer, 5);
    lab.disk.swap_empty();
    lab.disk.set_faults(|faults| faults.gone = None);
    record(&mut lab, &mut sealer, 60);
    let rows = lab.rows(main_of(1));
    assert!(rows.len() > 20 && rows[0].number >= 15);
    account(&lab, main_of(1), 0, &[]);
    let kept = lab.recorder.envelope(camera(1), sealer.epoch).unwrap();
    assert_eq!(kept.as_deref(), Some(record_bytes.as_slice()));
    let lab = lab.reopen();
    assert_eq!(lab.rows(main_of(1)), rows);
    assert!(
        lab.recorder
            .envelope(camera(1), sealer.epoch)
            .unwrap()
            .is_some()
    );
}

#[test]
fn a_disk_that_lags_behind_costs_told_segments_but_no_manifest() {
    let config = Config {
        queue_bytes: 256 * 1024,
        ..config()
    };
    let mut lab = Lab::with(config, 64 * 1024 * 1024);
    let stream = main_of(1);
    let mut sealer = Sealer::new(stream);
    // 256 KB may wait; nobody writes meanwhile.
    for _ in 0..60 {
        let segment = sealer.segment(lab.now(), 1_000, 5, 2_000);
        lab.append(stream, &segment);
        lab.clock.advance(Duration::from_secs(1));
    }
    lab.commit();
    record(&mut lab, &mut sealer, 5);
    let told = lab.losses();
    assert!(told.iter().all(|loss| loss.reason == GapReason::Overload) && !told.is_empty());
    account(&lab, stream, sealer.number, &told);
    let lost: u64 = told.iter().map(|loss| loss.segments).sum();
    assert!((30..45).contains(&lost), "{lost}");
    let all = lab.bytes_from(stream, 0);
    let (mut manifests, mut rest) = (0, all.as_slice());
    while let Some((record, after)) = Record::split(rest).unwrap() {
        manifests += u64::from(record.header.kind == Kind::Manifest);
        rest = after;
    }
    assert_eq!(manifests, sealer.counter);
}

#[test]
fn slow_syncs_are_told() {
    let mut lab = Lab::new();
    lab.disk
        .set_faults(|faults| faults.sync_takes = Duration::from_secs(2));
    let mut sealer = Sealer::new(main_of(1));
    record(&mut lab, &mut sealer, 3);
    let slow = |alert: &Alert| matches!(alert, Alert::Slow { commit_ms } if *commit_ms >= 2_000);
    assert!(has_alert(&lab.events(), slow));
    lab.disk
        .set_faults(|faults| faults.sync_takes = Duration::ZERO);
    record(&mut lab, &mut sealer, 3);
    assert!(has_alert(&lab.events(), |alert| matches!(
        alert,
        Alert::Recovered
    )));
}

#[test]
fn a_worn_spot_is_left_behind() {
    let mut lab = Lab::new();
    let mut sealers = [Sealer::new(main_of(1)), Sealer::new(main_of(2))];
    let volume = "volumes/00000001.vol".to_owned();
    lab.disk
        .set_faults(|faults| faults.bad = Some((volume, 20 * 1024..30 * 1024)));
    for _ in 0..40 {
        sealers
            .iter_mut()
            .for_each(|sealer| record(&mut lab, sealer, 1));
    }
    let events = lab.events();
    assert!(has_alert(&events, |alert| matches!(
        alert,
        Alert::DiskFailed { .. }
    )));
    let told = losses(&events);
    let lost: u64 = told.iter().map(|loss| loss.segments).sum();
    assert!(lost > 0 && lost < 10, "{told:?}");
    for sealer in &sealers {
        let told: Vec<Loss> = told
            .iter()
            .filter(|loss| loss.stream == sealer.stream)
            .copied()
            .collect();
        account(&lab, sealer.stream, sealer.number, &told);
    }
    let lab = lab.reopen();
    assert_eq!(
        lab.rows(main_of(1)).last().unwrap().number + 1,
        sealers[0].number
    );
}

#[test]
fn a_file_system_that_can_little_does() {
    let clock = bartizan_base::clock::TestClock::at(crate::lab::NOW);
    let disk = crate::fault::FaultDisk::new(&clock, 64 * 1024 * 1024);
    disk.set_faults(|faults| faults.poor = true);
    let mut lab = Lab::open(disk, clock, config());
    let mut sealer = Sealer::new(main_of(1));
    record(&mut lab, &mut sealer, 30);
    lab.disk = lab.disk.cut_power(5);
    let mut lab = lab.reopen();
    assert_eq!(lab.rows(main_of(1)).len(), 30);
    record(&mut lab, &mut sealer, 5);
    let retention = bartizan_recordings::Retention {
        max_bytes: Some(100 * 1024),
        max_age: None,
    };
    lab.recorder.set_retention(camera(1), retention);
    lab.recorder.enforce(lab.now());
    lab.commit();
    assert!(lab.rows(main_of(1)).len() < 12);
    account(&lab, main_of(1), 0, &[]);
    let lab = lab.reopen();
    let facilities = Facilities {
        direct: false,
        reserve: true,
        punch: false,
    };
    assert_eq!(lab.report.facilities, facilities);
    assert!(
        lab.disk
            .names()
            .iter()
            .filter(|name| name.starts_with("volumes"))
            .count()
            < 5
    );
}

#[test]
fn nonsense_is_refused_and_costs_the_segment() {
    let lab = Lab::new();
    let stream = main_of(1);
    let mut sealer = Sealer::new(stream);
    lab.append(stream, &sealer.header(lab.now()));
    lab.append(stream, &sealer.frame(100));
    let mut skipped = sealer.clone();
    skipped.frame(10);
    assert!(lab.recorder.append(stream, &skipped.frame(10)).is_err());
    assert!(lab.recorder.append(stream, b"short").is_err());
    let mut other = Sealer::new(main_of(2));
    assert!(
        lab.recorder
            .append(stream, &other.header(lab.now()))
            .is_err()
    );
    assert_eq!(lab.recorder.counts().records_refused, 3);
    lab.append(stream, &sealer.frame(100));
    sealer.close(lab.now());
    lab.append(stream, &sealer.segment(lab.now(), 1_000, 2, 100));
    let rows = lab.rows(stream);
    assert_eq!((rows.len(), rows[0].state), (2, SegmentState::Cut));
    let mut again = Sealer::new(stream);
    assert!(
        lab.recorder
            .append(stream, &again.header(lab.now()))
            .is_err(),
        "numbers go up"
    );
}
