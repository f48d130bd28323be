//! Finding moments, also after the clock was set.

use bartizan_domain::{StreamId, UtcMillis};
use bartizan_recordings::disk::{Access, Disk};
use bartizan_recordings::{
    Alert, BlockBuilder, Cursor, Event, ExtentHeader, Mark, Place, RunName, SegmentRow,
    SegmentState,
};

use crate::fault::FaultDisk;
use crate::lab::{Lab, NOW, config};
use crate::sealer::{Sealer, main_of};

fn record(lab: &mut Lab, sealer: &mut Sealer, segments: usize) {
    for _ in 0..segments {
        let segment = sealer.segment(lab.now(), 1_000, 2, 300);
        lab.append(sealer.stream, &segment);
        lab.pass(1_000);
    }
}

fn touching(rows: &[SegmentRow], from: u64, to: u64) -> Vec<u64> {
    let touches =
        |row: &&SegmentRow| row.start.0 < to && (row.end().0 > from || row.start.0 >= from);
    rows.iter().filter(touches).map(|row| row.number).collect()
}

#[test]
fn every_moment_finds_its_segments() {
    let mut lab = Lab::new();
    let stream = main_of(1);
    let mut sealer = Sealer::new(stream);
    record(&mut lab, &mut sealer, 400);
    lab.clock.advance(std::time::Duration::from_secs(30));
    record(&mut lab, &mut sealer, 900);
    for lab in [lab.reopen()] {
        let rows = lab.rows(stream);
        assert_eq!(rows.len(), 1_300);
        for (from, to) in [
            (0, 1),
            (399_500, 400_500),
            (410_000, 420_000),
            (1_000_100, 1_000_200),
        ] {
            let (from, to) = (NOW.0 + from, NOW.0 + to);
            let found = lab
                .recorder
                .segments(stream, UtcMillis(from), UtcMillis(to), 100)
                .unwrap();
            let found: Vec<u64> = found.iter().map(|row| row.number).collect();
            assert_eq!(found, touching(&rows, from, to));
        }
        for number in [0, 1, 399, 400, 777, 1_299] {
            let found = lab.recorder.segment(stream, number).unwrap().unwrap();
            assert_eq!(found, rows[usize::try_from(number).unwrap()]);
        }
        assert_eq!(lab.recorder.segment(stream, 1_300).unwrap(), None);
        assert_eq!(
            lab.recorder.segments_from(stream, 1_290, 4).unwrap(),
            rows[1_290..1_294]
        );
        let spans = lab
            .recorder
            .spans(stream, NOW, UtcMillis(u64::MAX))
            .unwrap();
        let plain: Vec<_> = spans
            .iter()
            .map(|s| (s.first_segment, s.last_segment))
            .collect();
        assert_eq!(plain, [(0, 399), (400, 1_299)]);
        assert_eq!(spans[0].end.0 - spans[0].start.0, 400_000);
    }
}

#[test]
fn a_clock_that_jumps_hides_nothing() {
    let mut lab = Lab::new();
    let stream = main_of(1);
    let mut sealer = Sealer::new(stream);
    let hour = 3_600_000;
    for jump in [0, -hour, hour, 7 * hour, -8 * hour, hour] {
        lab.clock
            .set_utc(UtcMillis(lab.now().0.saturating_add_signed(jump)));
        record(&mut lab, &mut sealer, 50);
    }
    let check = |lab: &Lab| {
        let rows = lab.rows(stream);
        assert_eq!(
            rows.iter().map(|row| row.number).collect::<Vec<_>>(),
            (0..300).collect::<Vec<_>>()
        );
        for row in &rows {
            let to = row.start.saturating_add(1);
            let found = lab.recorder.segments(stream, row.start, to, 10).unwrap();
            assert!(found.contains(row));
        }
        let spans = lab
            .recorder
            .spans(stream, UtcMillis(0), UtcMillis(u64::MAX))
            .unwrap();
        assert!(spans.len() >= 5);
    };
    check(&lab);
    let lab = lab.reopen();
    check(&lab);
    lab.disk.lose("index/");
    let lab = lab.reopen();
    lab.rebuilder.step();
    check(&lab);
}

#[test]
fn a_running_segment_is_found_with_what_it_has() {
    let lab = Lab::new();
    let stream = main_of(1);
    let mut sealer = Sealer::new(stream);
    lab.append(stream, &sealer.header(lab.now()));
    lab.append(stream, &sealer.frame(1_000));
    lab.clock.advance(std::time::Duration::from_secs(3));
    let rows = lab.rows(stream);
    assert_eq!(
        (rows.len(), rows[0].state, rows[0].duration),
        (1, SegmentState::Running, 3_000)
    );
    assert_eq!(u64::from(rows[0].key_len), rows[0].len);
}

#[test]
fn a_damaged_index_is_noticed_and_made_anew() {
    let mut lab = Lab::new();
    let stream = main_of(1);
    let mut sealer = Sealer::new(stream);
    record(&mut lab, &mut sealer, 200);
    lab.clock.set_utc(UtcMillis(NOW.0 + 100_000));
    record(&mut lab, &mut sealer, 200);
    lab.recorder.clone().close();
    lab.writer.step();
    let mut lab = lab.reopen();
    let rows = lab.rows(stream);
    let sealed: Vec<String> = lab
        .disk
        .names()
        .into_iter()
        .filter(|name| name.ends_with(".idx"))
        .collect();
    lab.disk.damage(sealed.first().unwrap(), 500);
    assert!(
        lab.recorder
            .segments(stream, NOW, UtcMillis(u64::MAX), 1_000)
            .is_err()
    );
    lab.commit();
    let left = lab
        .recorder
        .segments(stream, NOW, UtcMillis(u64::MAX), 1_000)
        .unwrap();
    assert_eq!(
        left,
        rows[rows.len() - left.len()..],
        "what is sound is shown meanwhile"
    );
    lab.rebuilder.step();
    assert_eq!(lab.rows(stream), rows);
    assert_eq!(lab.reopen().rows(stream), rows);
}

/// Writes an extent at `place`, and an index file that knows it and one segment in it.
fn lay_run(disk: &FaultDisk, stream: StreamId, extent: u64, place: u64) {
    let time = NOW.saturating_add(extent * 1_000);
    let first = Mark {
        offset: extent * 12 * 1024,
        extent,
        number: extent,
        time,
    };
    let row = SegmentRow {
        number: extent,
        start: time,
        duration: 1_000,
        offset: first.offset,
        len: 100,
        key_len: 50,
        state: SegmentState::Closed,
    };
    let cursor = Cursor {
        extent,
        place: 0,
        number: extent,
        time: time.0,
        offset: first.offset,
    };
    let mut builder = BlockBuilder::new(stream, cursor);
    assert!(builder.push_extent(extent, Place(place)) && builder.push_row(&row));
    let end = Mark {
        offset: row.end_offset(),
        extent: extent + 1,
        number: extent + 1,
        time: row.end(),
    };
    let end = Some(end);
    let name = RunName { first, end }.file_name();
    let path = format!("index/{}/{}/{name}", stream.camera, stream.rendition);
    let file = disk.open(&path, Access::CREATE).unwrap();
    file.write_at(&builder.encode(), 0).unwrap();
    let header = ExtentHeader {
        stream,
        fresh: true,
        number: extent,
        next_record: first.offset,
        segment: first.offset,
        time,
    };
    let path = format!("volumes/{:08x}.vol", place / 4);
    let file = disk.open(&path, Access::CREATE).unwrap();
    let at = place % 4 * config().extent_bytes;
    file.write_at(&header.encode(), at).unwrap();
}

#[test]
fn a_hole_between_volumes_in_the_wrong_order_is_looked_for_everywhere() {
    let mut lab = Lab::new();
    record(&mut lab, &mut Sealer::new(main_of(2)), 3);
    let stream = main_of(1);
    // The older extent lies in a later volume than the newer one.
    lay_run(&lab.disk, stream, 0, 9);
    lay_run(&lab.disk, stream, 5, 1);
    let lab = lab.reopen();
    assert_eq!(lab.report.holes, 1);
    lab.rebuilder.step();
    let made_anew = |event: &Event| matches!(event, Event::Alert(Alert::IndexRebuilt { stream: other, .. }) if *other == stream);
    assert!(lab.events().iter().any(made_anew));
}

#[test]
fn the_tail_is_known_while_recording() {
    let mut lab = Lab::new();
    let stream = main_of(1);
    let mut sealer = Sealer::new(stream);
    record(&mut lab, &mut sealer, 3);
    lab.append(stream, &sealer.header(lab.now()));
    for _ in 0..10 {
        lab.append(stream, &sealer.frame(3_000));
    }
    let state = lab.recorder.stream_state(stream).unwrap();
    let tail = state.tail.unwrap();
    assert_eq!(
        (tail.number, tail.closed, state.next_segment),
        (3, false, 4)
    );
    assert_eq!((tail.frames, tail.chain), sealer.head());
    lab.commit();
    let tail = lab
        .reopen()
        .recorder
        .stream_state(stream)
        .unwrap()
        .tail
        .unwrap();
    assert_eq!((tail.frames, tail.chain), sealer.head());
}

#[test]
fn a_running_tail_ends_where_it_was_signed_last_however_long_the_sealer_is_away() {
    let mut lab = Lab::new();
    let stream = main_of(1);
    let mut sealer = Sealer::new(stream);
    lab.append(stream, &sealer.header(lab.now()));
    lab.append(stream, &sealer.frame(3_000));
    lab.pass(1_500);
    let signed = lab.now();
    lab.append(stream, &sealer.manifest(signed));
    lab.append(stream, &sealer.frame(3_000));
    lab.pass(60_000);
    let tail = lab.recorder.stream_state(stream).unwrap().tail.unwrap();
    assert_eq!(tail.end, signed);
}
