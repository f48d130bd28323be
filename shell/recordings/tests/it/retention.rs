//! Deletion: how much, how old, and in which order.

use std::time::Duration;

use bartizan_domain::{EpochId, Rendition, StreamId, UtcMillis};
use bartizan_recordings::{Event, ReadError, Retention};

use crate::fault::Did;
use crate::lab::{Lab, NOW, config};
use crate::sealer::{Sealer, camera, envelope, epoch_id, main_of};

/// One camera, both renditions, a new epoch each minute.
struct House {
    lab: Lab,
    main: Sealer,
    sub: Sealer,
    epochs: Vec<EpochId>,
}

impl House {
    fn new() -> Self {
        let stream = StreamId {
            camera: camera(1),
            rendition: Rendition::Sub,
        };
        let (main, sub) = (Sealer::new(main_of(1)), Sealer::new(stream));
        Self {
            lab: Lab::new(),
            main,
            sub,
            epochs: Vec::new(),
        }
    }

    fn minutes(&mut self, minutes: usize) {
        for _ in 0..minutes {
            let salt = u8::try_from(self.epochs.len() + 1).unwrap();
            let epoch = epoch_id(self.lab.now(), salt);
            let record = envelope(camera(1), epoch, self.lab.now());
            self.lab
                .recorder
                .put_envelope(camera(1), epoch, &record)
                .unwrap();
            (self.main.epoch, self.sub.epoch) = (epoch, epoch);
            self.epochs.push(epoch);
            for _ in 0..30 {
                let start = self.lab.now();
                let segment = self.main.segment(start, 2_000, 4, 2_000);
                self.lab.append(self.main.stream, &segment);
                let segment = self.sub.segment(start, 2_000, 4, 300);
                self.lab.append(self.sub.stream, &segment);
                self.lab.pass(2_000);
            }
        }
    }

    fn keep(&mut self, retention: Retention) {
        self.lab.recorder.set_retention(camera(1), retention);
        self.lab.recorder.enforce(self.lab.now());
        self.lab.commit();
    }

    fn kept_epochs(&self) -> usize {
        let all = self
            .lab
            .recorder
            .epochs(camera(1), UtcMillis(0), UtcMillis(u64::MAX));
        assert_eq!(all, self.epochs[self.epochs.len() - all.len()..]);
        all.len()
    }

    fn readable(&self, stream: StreamId) {
        for row in self.lab.rows(stream) {
            let bytes = self.lab.bytes(stream, row.offset, row.len).unwrap();
            assert_eq!(bytes.len() as u64, row.len);
        }
    }
}

fn age(minutes: u64) -> Retention {
    Retention {
        max_age: Some(Duration::from_mins(minutes)),
        max_bytes: None,
    }
}

#[test]
fn what_is_too_old_goes() {
    let mut house = House::new();
    house.minutes(12);
    let old = house.lab.rows(main_of(1))[0];
    let used = house.lab.disk.used();
    house.keep(age(3));
    for stream in [house.main.stream, house.sub.stream] {
        let rows = house.lab.rows(stream);
        assert!((89..=91).contains(&rows.len()), "{}", rows.len());
        house.readable(stream);
    }
    assert_eq!(house.kept_epochs(), 3);
    assert!(house.lab.disk.used() < used / 3);
    let gone = house.lab.bytes(main_of(1), old.offset, old.len);
    assert!(matches!(gone, Err(ReadError::Deleted { offset }) if offset == old.offset));
    let rows = house.lab.rows(main_of(1));
    let lab = house.lab.reopen();
    assert_eq!(lab.rows(main_of(1)), rows);
    let gone = lab.bytes(main_of(1), old.offset, old.len);
    assert!(matches!(gone, Err(ReadError::Deleted { .. })));
}

#[test]
fn what_is_too_much_goes() {
    let mut house = House::new();
    house.minutes(10);
    house.keep(Retention {
        max_bytes: Some(800 * 1024),
        max_age: None,
    });
    let usage = house.lab.recorder.usage().unwrap();
    assert!(
        usage.bytes <= 800 * 1024 && usage.bytes > 500 * 1024,
        "{}",
        usage.bytes
    );
    house.readable(house.main.stream);
    house.readable(house.sub.stream);
    let oldest: Vec<UtcMillis> = usage.streams.iter().map(|s| s.oldest.unwrap()).collect();
    assert!(
        oldest[0].0.abs_diff(oldest[1].0) < 120_000,
        "both renditions reach equally far back"
    );
    assert!(house.kept_epochs() < 8);
}

#[test]
fn wraps_go_before_bytes() {
    let mut house = House::new();
    house.minutes(8);
    house.lab.disk.take_log();
    house.keep(age(2));
    let log = house.lab.disk.take_log();
    let last_wrap = log
        .iter()
        .rposition(|did| matches!(did, Did::Unlinked(path) if path.ends_with(".env")));
    let synced = log
        .iter()
        .position(|did| matches!(did, Did::Synced(path) if path.starts_with("epochs/")));
    let first_byte = log.iter().position(|did| matches!(did, Did::Punched(..)));
    let first_volume = log
        .iter()
        .position(|did| matches!(did, Did::Unlinked(path) if path.ends_with(".vol")));
    assert!(
        last_wrap.unwrap() < synced.unwrap() && synced < first_byte,
        "{log:?}"
    );
    assert!(first_byte < first_volume);
}

#[test]
fn an_envelope_is_durable_before_the_data_behind_it() {
    let mut house = House::new();
    house.lab.disk.take_log();
    house.minutes(3);
    let log = house.lab.disk.take_log();
    let mut seen = 0;
    for (at, did) in log.iter().enumerate() {
        if matches!(did, Did::Wrote(path) if path.ends_with(".env.tmp")) {
            seen += 1;
            let rest = &log[at..];
            let synced = rest.iter().position(|did| {
                matches!(did, Did::Synced(path) if path.starts_with("epochs/") && !path.ends_with(".tmp"))
            });
            let data = rest
                .iter()
                .position(|did| matches!(did, Did::Wrote(path) if path.ends_with(".vol")));
            assert!(synced.unwrap() < data.unwrap());
        }
    }
    assert_eq!(seen, 3);
}

#[test]
fn an_envelope_stays_as_long_as_either_rendition_needs_it() {
    let mut house = House::new();
    house.minutes(3);
    // Only main goes on.
    for _ in 0..3 {
        let epoch = epoch_id(house.lab.now(), 99);
        let record = envelope(camera(1), epoch, house.lab.now());
        house
            .lab
            .recorder
            .put_envelope(camera(1), epoch, &record)
            .unwrap();
        house.main.epoch = epoch;
        for _ in 0..30 {
            let segment = house.main.segment(house.lab.now(), 2_000, 4, 2_000);
            house.lab.append(main_of(1), &segment);
            house.lab.pass(2_000);
        }
    }
    // Room for all of sub but little of main: sub's epochs stay.
    let sub_bytes = house.lab.recorder.usage().unwrap().streams[1].bytes;
    let retention = Retention {
        max_bytes: Some(sub_bytes + 200 * 1024),
        max_age: None,
    };
    house.keep(retention);
    let kept = house.lab.rows(house.sub.stream);
    let first_epoch = house.epochs.iter().position(|epoch| {
        house
            .lab
            .recorder
            .envelope(camera(1), *epoch)
            .unwrap()
            .is_some()
    });
    let first_minute = kept.first().map(|row| (row.start.0 - NOW.0) / 60_000);
    assert_eq!(first_epoch.map(|n| n as u64), first_minute);
}

#[test]
fn a_quiet_camera_is_forgotten_but_its_counters_are_not() {
    let mut house = House::new();
    house.minutes(2);
    let before = house.lab.recorder.stream_state(main_of(1)).unwrap();
    house.lab.clock.advance(Duration::from_hours(5));
    house.keep(age(60));
    for stream in [house.main.stream, house.sub.stream] {
        assert!(house.lab.rows(stream).is_empty());
        let used = house.lab.recorder.usage().unwrap();
        assert!(used.bytes <= 2 * 16 * 1024, "{}", used.bytes);
    }
    for _ in 0..3 {
        let after = house.lab.recorder.stream_state(main_of(1)).unwrap();
        assert_eq!(after.last_manifest, before.last_manifest);
        assert_eq!(after.next_segment, before.next_segment);
        house.lab = house.lab.reopen();
        house.lab.recorder.set_retention(camera(1), age(60));
        house.lab.recorder.enforce(house.lab.now());
        house.lab.commit();
    }
    house.minutes(1);
    assert_eq!(house.lab.rows(main_of(1)).len(), 30);
    house.readable(main_of(1));
}

#[test]
fn a_removed_camera_is_gone_wraps_first() {
    let mut house = House::new();
    house.minutes(3);
    let mut other = Sealer::new(main_of(2));
    let kept = other.segment(house.lab.now(), 1_000, 3, 5_000);
    house.lab.append(main_of(2), &kept);
    house
        .lab
        .append(main_of(1), &house.main.header(house.lab.now()));
    house.lab.commit();
    house.lab.disk.take_log();
    house.lab.recorder.remove_camera(camera(1));
    house.lab.commit();
    assert!(
        house
            .lab
            .events()
            .iter()
            .any(|event| matches!(event, Event::Removed(id) if *id == camera(1)))
    );
    let log = house.lab.disk.take_log();
    let last_wrap = log
        .iter()
        .rposition(|did| matches!(did, Did::Unlinked(path) if path.ends_with(".env")));
    let first_byte = log.iter().position(|did| matches!(did, Did::Punched(..)));
    assert!(last_wrap.unwrap() < first_byte.unwrap());
    let of_camera = camera(1).to_string();
    assert!(
        !house
            .lab
            .disk
            .names()
            .iter()
            .any(|name| name.contains(&of_camera))
    );
    assert_eq!(house.lab.bytes_from(main_of(2), 0), kept);
    assert!(house.lab.rows(main_of(1)).is_empty());
    let lab = house.lab.reopen();
    assert_eq!(lab.report.streams.len(), 1);
    assert_eq!(lab.bytes_from(main_of(2), 0), kept);
}

#[test]
fn a_wrong_clock_deletes_nothing_that_is_younger() {
    let mut house = House::new();
    house.minutes(2);
    // A board without a battery: everything is recorded in 1970 for a while.
    let real = house.lab.now();
    house.lab.clock.set_utc(UtcMillis(1_000));
    house.minutes(1);
    house.lab.clock.set_utc(real.saturating_add(60_000));
    house.minutes(2);
    house.keep(age(60));
    assert_eq!(house.lab.rows(main_of(1)).len(), 150);
    // And one that is years ahead for a while does not keep what is behind it for ever.
    let real = house.lab.now();
    house.lab.clock.set_utc(UtcMillis(real.0 * 2));
    house.minutes(1);
    house.lab.clock.set_utc(real.saturating_add(60_000));
    house.minutes(3);
    house.keep(age(2));
    let rows = house.lab.rows(main_of(1));
    assert!((59..=61).contains(&rows.len()), "{}", rows.len());
    house.readable(main_of(1));
}

#[test]
fn deletion_that_a_power_cut_interrupts_is_finished() {
    for seed in 0..12 {
        let mut house = House::new();
        house.minutes(6);
        house.keep(age(2));
        let rows = house.lab.rows(main_of(1));
        let disk = house.lab.disk.cut_power(seed);
        let mut lab = Lab::open(disk, house.lab.clock.clone(), config());
        lab.rebuilder.step();
        lab.recorder.set_retention(camera(1), age(2));
        lab.recorder.enforce(lab.now());
        lab.commit();
        lab.rebuilder.step();
        let again = lab.rows(main_of(1));
        assert_eq!(again, rows[rows.len() - again.len()..], "seed {seed}");
        assert!(again.len() + 2 >= rows.len());
        for row in &again {
            assert_eq!(
                lab.bytes(main_of(1), row.offset, row.len).unwrap().len() as u64,
                row.len
            );
        }
        let usage = lab.recorder.usage().unwrap();
        assert!(
            lab.disk.used() < usage.bytes + 200 * 1024,
            "{} of {}",
            lab.disk.used(),
            usage.bytes
        );
    }
}
