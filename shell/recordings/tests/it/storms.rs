//! Everything at once: disks that fill, fail, vanish and lose power while cameras record. Whatever was
//! given is there, whole, or was told as lost.

use std::io::ErrorKind;
use std::time::Duration;

use bartizan_domain::Hash;
use bartizan_recordings::{Config, Event, Loss, SegmentState};
use bartizan_sealing::record::{Kind, Record};
use proptest::prelude::*;

use crate::lab::{Lab, config};
use crate::sealer::{Sealer, main_of};

#[derive(Debug, Clone)]
enum Step {
    Segments { stream: usize, count: usize },
    Cut { stream: usize },
    Pass(u64),
    Capacity(u64),
    Fault(u8),
    CutPower(u64),
    Enforce,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        20 => (0..3_usize, 1..8_usize)
            .prop_map(|(stream, count)| Step::Segments { stream, count }),
        2 => (0..3_usize).prop_map(|stream| Step::Cut { stream }),
        12 => (50..3_000_u64).prop_map(Step::Pass),
        2 => (100_000..1_500_000_u64).prop_map(Step::Capacity),
        4 => (0..6_u8).prop_map(Step::Fault),
        1 => any::<u64>().prop_map(Step::CutPower),
        1 => Just(Step::Enforce),
    ]
}

struct Storm {
    lab: Lab,
    sealers: Vec<Sealer>,
    told: Vec<Loss>,
    /// Per stream: segments that its sealer itself knows to be lost, after a restart.
    known: Vec<Vec<u64>>,
    /// Per stream: segments that were cut by their sealer.
    cut: Vec<Vec<u64>>,
}

fn storm_config() -> Config {
    Config {
        min_kept: Duration::from_secs(20),
        ..config()
    }
}

impl Storm {
    fn segment(&mut self, stream: usize) {
        let sealer = &mut self.sealers[stream];
        let segment = sealer.segment(self.lab.now(), 500, 4, 1_500);
        self.lab.append(sealer.stream, &segment);
    }

    fn cut(&mut self, stream: usize) {
        let sealer = &mut self.sealers[stream];
        let mut records = sealer.header(self.lab.now());
        records.extend(sealer.frame(3_000));
        self.lab.append(sealer.stream, &records);
        self.cut[stream].push(sealer.number);
        sealer.number += 1;
    }

    fn fault(&self, fault: u8) {
        self.lab.disk.set_faults(|faults| match fault {
            0 => faults.read_only = Some(ErrorKind::ReadOnlyFilesystem),
            1 => faults.gone = Some(ErrorKind::NotFound),
            2 => faults.sync_takes = Duration::from_secs(3),
            3 => faults.bad = Some(("volumes/00000001.vol".to_owned(), 0..40_000)),
            _ => *faults = crate::fault::Faults::default(),
        });
    }

    fn hear(&mut self) {
        for event in self.lab.events() {
            if let Event::Lost(loss) = event {
                self.told.push(loss);
            }
        }
    }

    fn restart(self, seed: u64) -> Self {
        let Self {
            lab,
            mut sealers,
            told,
            mut known,
            cut,
        } = self;
        let disk = lab.disk.cut_power(seed);
        let clock = lab.clock.clone();
        drop(lab);
        let lab = Lab::open(disk, clock, storm_config());
        for (sealer, known) in sealers.iter_mut().zip(&mut known) {
            let state = lab.recorder.stream_state(sealer.stream).unwrap();
            let first = match state.tail {
                Some(tail) if tail.closed => tail.number + 1,
                Some(tail) => tail.number,
                None => 0,
            };
            known.extend(first..sealer.number);
            sealer.number = state.next_segment.max(sealer.number);
        }
        Self {
            lab,
            sealers,
            told,
            known,
            cut,
        }
    }

    fn run(mut self, steps: Vec<Step>) {
        for step in steps {
            match step {
                Step::Segments { stream, count } => (0..count).for_each(|_| self.segment(stream)),
                Step::Cut { stream } => self.cut(stream),
                Step::Pass(millis) => self.lab.pass(millis),
                Step::Capacity(capacity) => self.lab.disk.set_capacity(capacity),
                Step::Fault(fault) => self.fault(fault),
                Step::CutPower(seed) => {
                    self.hear();
                    self = self.restart(seed);
                }
                Step::Enforce => self.lab.recorder.enforce(self.lab.now()),
            }
        }
        self.calm();
        self.check();
    }

    /// The disk is well and large again, and everybody records a little more.
    fn calm(&mut self) {
        self.fault(9);
        self.lab.disk.set_capacity(64 * 1024 * 1024);
        for _ in 0..40 {
            self.lab.pass(1_000);
        }
        for stream in 0..self.sealers.len() {
            for _ in 0..3 {
                self.segment(stream);
                self.lab.pass(700);
            }
        }
        self.lab.pass(1_000);
        self.lab.rebuilder.step();
        self.hear();
    }

    fn check(&self) {
        for (at, sealer) in self.sealers.iter().enumerate() {
            let rows = self.lab.rows(sealer.stream);
            assert!(rows.is_sorted_by(|a, b| a.number < b.number && a.end_offset() <= b.offset));
            let last: Vec<u64> = rows.iter().rev().take(3).map(|row| row.number).collect();
            assert_eq!(last[0] + 1, sealer.number, "recording goes on");
            for row in &rows {
                self.check_bytes(sealer, row.offset, row.len, row.state);
            }
            let first = rows[0].number;
            for number in first..sealer.number {
                let row = rows.iter().find(|row| row.number == number);
                let whole = row.is_some_and(|row| row.state == SegmentState::Closed);
                let of_stream = self.told.iter().filter(|loss| loss.stream == sealer.stream);
                let told = of_stream.clone().any(|loss| {
                    number >= loss.first_segment && number - loss.first_segment < loss.segments
                });
                let known = self.known[at].contains(&number) || self.cut[at].contains(&number);
                let of_stream: Vec<_> = of_stream.collect();
                assert!(
                    whole || told || known,
                    "{number} of {at}: {row:?} {of_stream:?}"
                );
            }
        }
    }

    fn check_bytes(&self, sealer: &Sealer, offset: u64, len: u64, state: SegmentState) {
        let bytes = self.lab.bytes(sealer.stream, offset, len).unwrap();
        let (mut rest, mut chain, mut closed) = (bytes.as_slice(), Hash::ZERO, false);
        while let Some((record, after)) = Record::split(rest).unwrap() {
            let next = record.chain_after(&chain).expect("every record chains");
            if record.header.kind != Kind::Manifest {
                chain = next;
            }
            closed |= record.header.kind == Kind::SegmentClose;
            rest = after;
        }
        assert!(rest.is_empty());
        assert_eq!(closed, state == SegmentState::Closed);
    }
}

/// An eighth of the usual number of cases; `PROPTEST_CASES` scales it.
fn cases() -> ProptestConfig {
    let usual = ProptestConfig::default();
    ProptestConfig {
        cases: usual.cases / 8,
        failure_persistence: None,
        ..usual
    }
}

proptest! {
    #![proptest_config(cases())]
    #[test]
    fn nothing_is_lost_silently(steps in prop::collection::vec(step(), 1..80)) {
        let storm = Storm {
            lab: Lab::with(storm_config(), 64 * 1024 * 1024),
            sealers: (1..=3).map(|n| Sealer::new(main_of(n))).collect(),
            told: Vec::new(),
            known: vec![Vec::new(); 3],
            cut: vec![Vec::new(); 3],
        };
        storm.run(steps);
    }
}
