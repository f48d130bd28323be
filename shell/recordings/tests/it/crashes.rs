//! Power cuts at random moments: what was committed is there, identical; nothing foreign ever is.

use bartizan_base::clock::Clock;
use bartizan_domain::{Hash, StreamId, UtcMillis};
use bartizan_recordings::disk::{Access, Disk};
use bartizan_recordings::{ExtentHeader, SegmentRow, SegmentState};
use bartizan_sealing::SegmentHeader;
use bartizan_sealing::record::{Kind, Record};
use bartizan_sealing::segment::SegmentClose;
use proptest::prelude::*;

use crate::fault::FaultDisk;
use crate::lab::{Lab, config};
use crate::sealer::{Sealer, main_of};

/// What a stream should hold, found with no code of the recorder's.
#[derive(Debug, Clone)]
struct Model {
    sealer: Sealer,
    bytes: Vec<u8>,
    /// Bytes that a commit covered.
    safe: usize,
    running: bool,
    /// Where this process began: records before it are not continued.
    start: usize,
}

impl Model {
    fn new(stream: StreamId) -> Self {
        let sealer = Sealer::new(stream);
        Self {
            sealer,
            bytes: Vec::new(),
            safe: 0,
            running: false,
            start: 0,
        }
    }

    /// Rows without durations of cut segments, which need manifests.
    fn rows(&self) -> Vec<(u64, UtcMillis, u64, u64, u32, bool)> {
        let mut rows: Vec<(u64, UtcMillis, u64, u64, u32, bool)> = Vec::new();
        let mut rest = self.bytes.as_slice();
        while let Some((record, after)) = Record::split(rest).unwrap() {
            let at = (self.bytes.len() - rest.len()) as u64;
            rest = after;
            match record.header.kind {
                Kind::SegmentHeader => {
                    let header = SegmentHeader::decode(record.body).unwrap();
                    if let Some(last) = rows.last_mut() {
                        last.3 = at - last.2;
                    }
                    rows.push((header.number, header.start, at, 0, 0, false));
                }
                Kind::Frame => {
                    let last = rows.last_mut().unwrap();
                    if last.4 == 0 {
                        last.4 = u32::try_from(at + record.bytes.len() as u64 - last.2).unwrap();
                    }
                }
                Kind::SegmentClose => {
                    SegmentClose::decode(&record).unwrap();
                    rows.last_mut().unwrap().5 = true;
                }
                _ => {}
            }
        }
        if let Some(last) = rows.last_mut() {
            last.3 = self.bytes.len() as u64 - last.2;
        }
        rows
    }

    fn last_manifest(&self) -> Option<Vec<u8>> {
        let (mut last, mut rest) = (None, self.bytes.as_slice());
        while let Some((record, after)) = Record::split(rest).unwrap() {
            if record.header.kind == Kind::Manifest {
                last = Some(record.bytes.to_vec());
            }
            rest = after;
        }
        last
    }

    /// Frames and chain of the last segment.
    fn tail(&self) -> Option<(u64, u32, Hash)> {
        let (mut tail, mut rest) = (None::<(u64, u32, Hash)>, self.bytes.as_slice());
        while let Some((record, after)) = Record::split(rest).unwrap() {
            rest = after;
            tail = match (record.header.kind, tail) {
                (Kind::SegmentHeader, _) => {
                    let number = SegmentHeader::decode(record.body).unwrap().number;
                    Some((number, 0, record.chain_after(&Hash::ZERO).unwrap()))
                }
                (Kind::Frame, Some((number, frames, chain))) => {
                    Some((number, frames + 1, record.chain_after(&chain).unwrap()))
                }
                (Kind::SegmentClose, Some((number, frames, chain))) => {
                    Some((number, frames, record.chain_after(&chain).unwrap()))
                }
                (_, tail) => tail,
            };
        }
        tail
    }

    fn give(&mut self, lab: &Lab, records: &[u8]) {
        lab.append(self.sealer.stream, records);
        self.bytes.extend_from_slice(records);
    }

    /// The next records: what `kind` asks for as far as it may come now.
    fn next(&mut self, now: UtcMillis, kind: u8, len: usize) -> Vec<u8> {
        match (kind, self.running) {
            (0, true) => self.sealer.manifest(now),
            (1, true) => {
                self.running = false;
                self.sealer.close(now)
            }
            (_, true) => self.sealer.frame(len),
            (0, false) => self.sealer.manifest(now),
            (_, false) => {
                self.running = true;
                self.sealer.header(now)
            }
        }
    }

    fn act(&mut self, lab: &Lab, kind: u8, len: usize) {
        let records = self.next(lab.now(), kind, len);
        self.give(lab, &records);
    }

    /// Records that come while the next sync lasts, or as soon as the writer has worked.
    fn act_while_it_syncs(&mut self, lab: &Lab, acts: &[(u8, usize)]) -> Vec<u8> {
        let now = lab.now();
        let records: Vec<u8> = acts
            .iter()
            .flat_map(|(kind, len)| self.next(now, *kind, *len))
            .collect();
        let (recorder, stream, given) = (lab.recorder.clone(), self.sealer.stream, records.clone());
        lab.disk
            .while_it_syncs(move || recorder.append(stream, &given).unwrap());
        records
    }
}

fn plain(rows: &[SegmentRow]) -> Vec<(u64, UtcMillis, u64, u64, u32, bool)> {
    let plain = |row: &SegmentRow| {
        let closed = row.state == SegmentState::Closed;
        (
            row.number,
            row.start,
            row.offset,
            row.len,
            row.key_len,
            closed,
        )
    };
    rows.iter().map(plain).collect()
}

/// Holds a reopened recorder against the models, and lets them go on from there.
fn check(lab: &Lab, models: &mut [Model]) {
    // A run whose name did not survive is made anew in the background.
    lab.rebuilder.step();
    for model in models {
        let stream = model.sealer.stream;
        let found = lab.bytes_from(stream, 0);
        assert!(
            found.len() >= model.safe,
            "{} of {} safe bytes",
            found.len(),
            model.safe
        );
        assert!(model.bytes.starts_with(&found), "what is read was written");
        model.bytes.truncate(found.len());
        assert_eq!(plain(&lab.rows(stream)), model.rows());
        let state = lab.recorder.stream_state(stream).unwrap();
        assert_eq!(state.last_manifest, model.last_manifest());
        let tail = state
            .tail
            .map(|tail| (tail.number, tail.frames, tail.chain));
        assert_eq!(tail, model.tail());
        let next = model.rows().last().map_or(0, |row| row.0 + 1);
        assert!(state.next_segment >= next && state.next_segment <= model.sealer.number + 1);
        model.safe = found.len();
        model.start = found.len();
        model.running = false;
        model.sealer.number = state.next_segment;
    }
}

/// The same disk without (some of) its index gives the same rows.
fn check_rebuilt(disk: &FaultDisk, lab: &Lab, models: &[Model], lose: &str) {
    let fork = disk.fork();
    fork.lose(lose);
    let rebuilt = Lab::open(fork, lab.clock.clone(), config());
    rebuilt.rebuilder.step();
    for model in models {
        let stream = model.sealer.stream;
        assert_eq!(rebuilt.rows(stream), lab.rows(stream), "without {lose}");
        assert_eq!(rebuilt.bytes_from(stream, 0), lab.bytes_from(stream, 0));
    }
}

#[derive(Debug, Clone)]
enum Step {
    Act {
        stream: usize,
        kind: u8,
        len: usize,
    },
    Pass(u64),
    /// Records come while the writer commits.
    PassBusy {
        stream: usize,
        acts: Vec<(u8, usize)>,
    },
    SetClock(i64),
    CutPower(u64),
    Close,
    Kill,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        30 => (0..3_usize, 0..6_u8, prop_oneof![0..300_usize, 0..9_000_usize])
            .prop_map(|(stream, kind, len)| Step::Act { stream, kind, len }),
        6 => (10..700_u64).prop_map(Step::Pass),
        2 => (0..3_usize, prop::collection::vec((0..6_u8, 0..2_000_usize), 1..6))
            .prop_map(|(stream, acts)| Step::PassBusy { stream, acts }),
        1 => (-3_600_000..3_600_000_i64).prop_map(Step::SetClock),
        1 => any::<u64>().prop_map(Step::CutPower),
        1 => Just(Step::Close),
        1 => Just(Step::Kill),
    ]
}

fn run(steps: Vec<Step>) {
    let mut lab = Lab::new();
    let mut models: Vec<Model> = (1..=3).map(|n| Model::new(main_of(n))).collect();
    for step in steps {
        match step {
            Step::Act { stream, kind, len } => {
                // More than may wait for the disk would be dropped, which is another test's matter.
                if lab.recorder.usage().unwrap().pending_bytes > 40 * 1024 {
                    lab.writer.step();
                }
                models[stream].act(&lab, kind, len);
            }
            Step::Pass(millis) => {
                let commits = lab.recorder.counts().commits;
                lab.pass(millis);
                if lab.recorder.counts().commits > commits {
                    models
                        .iter_mut()
                        .for_each(|model| model.safe = model.bytes.len());
                }
            }
            Step::PassBusy { stream, acts } => {
                let more = models[stream].act_while_it_syncs(&lab, &acts);
                lab.commit();
                lab.disk.hurry();
                models
                    .iter_mut()
                    .for_each(|model| model.safe = model.bytes.len());
                models[stream].bytes.extend(more);
            }
            Step::SetClock(by) => {
                lab.clock
                    .set_utc(UtcMillis(lab.now().0.saturating_add_signed(by)));
            }
            Step::CutPower(seed) => {
                lab.disk = lab.disk.cut_power(seed);
                lab = lab.reopen();
                check(&lab, &mut models);
                check_rebuilt(&lab.disk, &lab, &models, "index/");
            }
            Step::Kill => {
                // The page cache survives.
                lab = lab.reopen();
                check(&lab, &mut models);
            }
            Step::Close => {
                lab.recorder.clone().close();
                assert!(!lab.writer.step());
                models
                    .iter_mut()
                    .for_each(|model| model.safe = model.bytes.len());
                lab = lab.reopen();
                check(&lab, &mut models);
                check_rebuilt(&lab.disk, &lab, &models, ".run");
                check_rebuilt(&lab.disk, &lab, &models, ".idx");
            }
        }
        assert!(lab.losses().is_empty(), "a disk that works loses nothing");
        assert_eq!(lab.recorder.counts().segments_lost, 0);
    }
}

/// A quarter of the usual number of cases; `PROPTEST_CASES` scales it.
fn cases() -> ProptestConfig {
    let usual = ProptestConfig::default();
    ProptestConfig {
        cases: usual.cases / 4,
        failure_persistence: None,
        ..usual
    }
}

proptest! {
    #![proptest_config(cases())]
    #[test]
    fn what_was_committed_survives_and_nothing_else_appears(
        steps in prop::collection::vec(step(), 1..160),
    ) {
        run(steps);
    }
}

/// Two runs began at one offset, the first of them empty, and the damage of the second was blamed on the first.
#[test]
fn a_damaged_run_behind_an_empty_one_is_made_anew() {
    let act = |stream, kind, len| Step::Act { stream, kind, len };
    run(vec![
        act(2, 1, 0),
        act(2, 2, 3300),
        Step::Close,
        act(0, 1, 0),
        act(0, 0, 0),
        act(0, 0, 69),
        act(2, 5, 7359),
        act(2, 1, 244),
        Step::SetClock(-561_537),
        act(2, 4, 73),
        Step::Close,
        act(0, 4, 1406),
        act(2, 4, 211),
        act(2, 3, 6279),
        act(2, 5, 6383),
        Step::Pass(622),
        Step::CutPower(11_877_900_585_318_684_592),
    ]);
}

/// The header page of an extent was lost and a page behind it was not: the next process took the extent again.
#[test]
fn nothing_of_an_extent_that_lost_its_header_is_taken_for_new() {
    let act = |stream, kind, len| Step::Act { stream, kind, len };
    run(vec![
        act(0, 0, 0),
        act(2, 1, 0),
        act(0, 0, 0),
        act(2, 2, 3928),
        Step::Pass(10),
        Step::CutPower(10_830_950_948_989_396_834),
        act(2, 1, 0),
        act(2, 2, 3928),
        Step::Pass(10),
        Step::CutPower(15_134_210_926_942_257_196),
    ]);
}

/// The index of a stream begins with the number of the segment that the disk has, not of the one that runs when the
/// disk is done: with wrong numbers in the index, the next process would cut the last segment off.
#[test]
fn a_segment_that_begins_while_the_first_is_committed_keeps_its_number() {
    let mut lab = Lab::new();
    let mut model = Model::new(main_of(1));
    // Header and a frame.
    model.act(&lab, 2, 0);
    model.act(&lab, 2, 3_000);
    // Close, manifest, header and a frame.
    let second = model.act_while_it_syncs(&lab, &[(1, 0), (0, 0), (2, 0), (2, 3_000)]);
    lab.commit();
    model.bytes.extend(second);
    assert_eq!(plain(&lab.rows(main_of(1))), model.rows());
    lab.commit();
    model.safe = model.bytes.len();
    assert_eq!(plain(&lab.rows(main_of(1))), model.rows());
    lab = lab.reopen();
    check(&lab, std::slice::from_mut(&mut model));
}

#[test]
fn a_long_recording_survives_every_kind_of_end() {
    let mut lab = Lab::new();
    let mut model = Model::new(main_of(1));
    for round in 0..6_u64 {
        for _ in 0..40 {
            let start = lab.now();
            let segment = model.sealer.segment(start, 1_000, 5, 2_000);
            model.give(&lab, &segment);
            lab.pass(1_000);
        }
        model.safe = model.bytes.len();
        lab.disk = lab.disk.cut_power(round);
        lab = lab.reopen();
        check(&lab, std::slice::from_mut(&mut model));
        check_rebuilt(&lab.disk, &lab, std::slice::from_ref(&model), "index/");
    }
    assert_eq!(lab.rows(main_of(1)).len(), 240);
}

#[test]
fn a_torn_record_is_cut_and_never_comes_back() {
    let mut lab = Lab::new();
    let mut model = Model::new(main_of(1));
    let segment = model.sealer.segment(lab.now(), 1_000, 3, 3_000);
    model.give(&lab, &segment);
    lab.commit();
    model.safe = model.bytes.len();
    let start = lab.now();
    let second = model.sealer.segment(start, 1_000, 8, 3_000);
    model.give(&lab, &second);
    lab.pass(10);
    for seed in 0..20 {
        let disk = lab.disk.fork().cut_power(seed * 77 + 1);
        let mut again = Lab::open(disk, lab.clock.clone(), config());
        let mut model = model.clone();
        check(&again, std::slice::from_mut(&mut model));
        let third = model.sealer.segment(again.clock.utc(), 1_000, 1, 10);
        model.give(&again, &third);
        again.commit();
        model.safe = model.bytes.len();
        let disk = again.disk.cut_power(seed);
        let again = Lab::open(disk, lab.clock.clone(), config());
        check(&again, std::slice::from_mut(&mut model));
        check_rebuilt(&again.disk, &again, std::slice::from_ref(&model), "index/");
    }
}

#[test]
fn an_extent_of_which_only_the_header_is_left_keeps_no_store_shut() {
    let lab = Lab::new();
    let (stream, number) = (main_of(1), 30);
    let start = number * 12 * 1024;
    let header = ExtentHeader {
        stream,
        fresh: false,
        number,
        next_record: start + 5_000,
        segment: start + 5_000,
        time: lab.now(),
    };
    // The index is lost with all that was before, and the file ends behind the header.
    let file = lab.disk.open("volumes/00000000.vol", Access::CREATE);
    file.unwrap().write_at(&header.encode(), 0).unwrap();
    let mut lab = lab.reopen();
    let mut sealer = Sealer::new(stream);
    let segment = sealer.segment(lab.now(), 1_000, 3, 3_000);
    lab.append(stream, &segment);
    lab.commit();
    let lab = lab.reopen();
    let rows = lab.rows(stream);
    assert_eq!(rows.len(), 1);
    let found = lab.bytes(stream, rows[0].offset, rows[0].len).unwrap();
    assert_eq!(found, segment);
}
