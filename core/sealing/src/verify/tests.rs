//! Whole recordings, and each way to break one.

use bartizan_domain::{GapReason, KeyId, Secret, Track};

use super::*;
use crate::envelope::{self, EpochStart};
use crate::fixture::{Household, SEALER_SEED, START, household, key};
use crate::segment::{EpochSecret, Frame, SegmentSealer};

/// A recording under construction: what a sealer writes.
struct Recording {
    home: Household,
    secret: EpochSecret,
    envelope: (Vec<u8>, Hash),
    records: Vec<Vec<u8>>,
    counter: u64,
    previous_manifest: Hash,
    previous: Hash,
    next: u64,
    time: UtcMillis,
}

impl Recording {
    fn begin() -> Self {
        let home = household();
        let secret = EpochSecret::new(home.scope, Secret::new([42; 32]));
        let mut out = Vec::new();
        let start = EpochStart {
            scope: home.scope,
            start: START,
            previous: [Hash::ZERO; 2],
        };
        let hash =
            envelope::seal(&key(SEALER_SEED), &home.roster, &start, &secret, &mut out).unwrap();
        let (record, _) = Record::split(&out).unwrap().unwrap();
        let envelope = (record.body.to_vec(), hash);
        let (previous_manifest, previous) = (Hash::ZERO, Hash::ZERO);
        let (records, counter, next, time) = (Vec::new(), 0, 0, START);
        Self {
            home,
            secret,
            envelope,
            records,
            counter,
            previous_manifest,
            previous,
            next,
            time,
        }
    }

    fn sealer() -> KeyId {
        key(SEALER_SEED).public().id()
    }

    fn emit(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while let Some((record, tail)) = Record::split(rest).unwrap() {
            self.records.push(record.bytes.to_vec());
            rest = tail;
        }
    }

    /// One segment of three frames; `closed` or cut short.
    fn segment(&mut self, closed: bool) -> SegmentEnd {
        let header = SegmentHeader {
            scope: self.home.scope,
            rendition: Rendition::Main,
            number: self.next,
            salt: [u8::try_from(self.next).unwrap(); 16],
            start: self.time,
            session: 1,
            previous: self.previous,
            sealer: Self::sealer(),
        };
        let mut out = Vec::new();
        let mut sealer = SegmentSealer::begin(&self.secret, &header, &mut out);
        for index in 0..3_u8 {
            let frame = Frame {
                track: Track::Video,
                key: index == 0,
                captured: self.time,
                pts: i64::from(index) * 3_000,
                decode_offset: 0,
                config: None,
                data: &[index; 50],
            };
            sealer.frame(&frame, &mut out).unwrap();
        }
        self.time = self.time.saturating_add(2_000);
        let end = if closed {
            sealer.close(self.time, &mut out)
        } else {
            sealer.head()
        };
        self.emit(&out);
        (self.previous, self.next) = (end.chain, self.next + 1);
        end
    }

    fn manifest(&mut self, heads: Vec<Head>, gaps: Vec<Gap>) {
        let manifest = Manifest {
            scope: self.home.scope,
            rendition: Rendition::Main,
            sealer: Self::sealer(),
            envelope: self.envelope.1,
            counter: self.counter,
            time: self.time,
            previous: self.previous_manifest,
            heads,
            gaps,
        };
        let mut out = Vec::new();
        self.previous_manifest = manifest.sign(&key(SEALER_SEED), &mut out);
        self.counter += 1;
        self.emit(&out);
    }

    fn closed_segment(&mut self) {
        let segment = self.segment(true);
        self.manifest(
            vec![Head {
                state: HeadState::Closed,
                segment,
            }],
            Vec::new(),
        );
    }

    fn verify(&self) -> Report {
        self.verify_records(&self.records)
    }

    fn verify_records(&self, records: &[Vec<u8>]) -> Report {
        let history =
            History::replay(self.home.roster.genesis(), self.home.statements.clone()).unwrap();
        let envelope = self.envelope.clone();
        let lookup = |epoch| (epoch == self.home.scope.epoch).then(|| envelope.clone());
        let mut verifier = StreamVerifier::new(&history, lookup);
        for bytes in records {
            match Record::split(bytes) {
                Ok(Some((record, _))) => verifier.push(&record),
                _ => verifier.push_garbage(),
            }
        }
        verifier.finish()
    }
}

fn four_segments() -> Recording {
    let mut recording = Recording::begin();
    for _ in 0..4 {
        recording.closed_segment();
    }
    recording
}

/// Records of one segment of [`four_segments`]: header, three frames, close, manifest.
const PER_SEGMENT: usize = 6;

#[test]
fn a_whole_recording_passes() {
    let report = four_segments().verify();
    assert!(report.is_whole(), "{report:?}");
    assert_eq!(
        (report.segments, report.frames, report.manifests),
        (4, 12, 4)
    );
    assert_eq!(report.unsigned_tail, 0);
}

#[test]
fn any_start_and_end_at_a_segment_pass() {
    let recording = four_segments();
    let middle = &recording.records[PER_SEGMENT..3 * PER_SEGMENT];
    assert!(recording.verify_records(middle).is_whole());
}

#[test]
fn n_4_p10_every_single_changed_byte_is_found() {
    let recording = four_segments();
    for (at, record) in recording.records.iter().enumerate() {
        for byte in 0..record.len() {
            let mut records = recording.records.clone();
            records[at][byte] ^= 1;
            assert!(
                !recording.verify_records(&records).is_whole(),
                "record {at} byte {byte}"
            );
        }
    }
}

#[test]
fn n_4_p10_dropped_repeated_and_swapped_records_are_found() {
    let recording = four_segments();
    // The last segment is left out: its end is the recording's end, which only a higher head that an
    // app saw can contradict.
    for at in 0..3 * PER_SEGMENT {
        let mut dropped = recording.records.clone();
        dropped.remove(at);
        assert!(
            !recording.verify_records(&dropped).is_whole() || at == 0,
            "drop {at}"
        );
        let mut repeated = recording.records.clone();
        repeated.insert(at, recording.records[at].clone());
        assert!(
            !recording.verify_records(&repeated).is_whole(),
            "repeat {at}"
        );
        let mut swapped = recording.records.clone();
        swapped.swap(at, at + 1);
        assert!(!recording.verify_records(&swapped).is_whole(), "swap {at}");
    }
}

#[test]
fn n_4_p10_a_dropped_segment_is_found_and_named() {
    let recording = four_segments();
    let mut records = recording.records.clone();
    records.drain(PER_SEGMENT..2 * PER_SEGMENT);
    let report = recording.verify_records(&records);
    let missing = Problem::Missing { count: 1 };
    assert!(
        report
            .findings
            .iter()
            .any(|f| f.problem == missing && f.segment == Some(1))
    );
}

#[test]
fn a_missing_segment_with_a_signed_gap_is_whole() {
    let mut recording = Recording::begin();
    recording.closed_segment();
    let from = recording.time;
    let kept = recording.records.len();
    recording.closed_segment();
    recording.records.truncate(kept);
    let gap = Gap {
        reason: GapReason::DiskFull,
        from,
        to: recording.time,
        first_segment: 1,
        segments: 1,
    };
    let segment = recording.segment(true);
    recording.manifest(
        vec![Head {
            state: HeadState::Closed,
            segment,
        }],
        vec![gap],
    );
    let report = recording.verify();
    assert!(report.is_whole(), "{report:?}");
    assert_eq!(report.gaps, [gap]);
}

#[test]
fn a_segment_that_a_crash_cut_short_needs_its_recovery_signed() {
    for recovered in [true, false] {
        let mut recording = Recording::begin();
        recording.closed_segment();
        let segment = recording.segment(false);
        if recovered {
            let gap = Gap {
                reason: GapReason::Restart,
                from: recording.time,
                to: recording.time,
                first_segment: 0,
                segments: 0,
            };
            recording.manifest(
                vec![Head {
                    state: HeadState::Recovered,
                    segment,
                }],
                vec![gap],
            );
        }
        recording.closed_segment();
        let report = recording.verify();
        assert_eq!(report.is_whole(), recovered, "{report:?}");
    }
}

#[test]
fn n_4_a_recording_without_its_manifests_is_found() {
    let recording = four_segments();
    let is_manifest = |bytes: &Vec<u8>| bytes[4] == Kind::Manifest as u8;
    let stripped: Vec<_> = recording
        .records
        .iter()
        .filter(|bytes| !is_manifest(bytes))
        .cloned()
        .collect();
    let report = recording.verify_records(&stripped);
    assert!(
        report
            .findings
            .iter()
            .any(|finding| finding.problem == Problem::Unsigned)
    );
}

#[test]
fn n_4_a_segment_of_a_reader_with_the_epochs_key_is_found() {
    let mut recording = four_segments();
    // A member holds the epoch's secret, so frames of theirs open; the sealer never signed them.
    let genuine = recording.records.clone();
    recording.records.clear();
    recording.next = 1;
    (recording.previous, recording.time) = (Hash::ZERO, START.saturating_add(2_000));
    recording.segment(true);
    let mut forged = genuine;
    forged.splice(PER_SEGMENT..2 * PER_SEGMENT - 1, recording.records.clone());
    assert!(!recording.verify_records(&forged).is_whole());
}

#[test]
fn a_missing_envelope_is_found() {
    let mut recording = four_segments();
    recording.home.scope.epoch = EpochId::new([99; 16]);
    let report = recording.verify();
    assert_eq!(report.findings[0].problem, Problem::NoEnvelope);
}

#[test]
fn silence_without_a_gap_is_found() {
    let mut recording = Recording::begin();
    recording.closed_segment();
    recording.time = recording.time.saturating_add(60_000);
    recording.closed_segment();
    let report = recording.verify();
    assert_eq!(report.findings[0].problem, Problem::Silent { seconds: 62 });
}

#[test]
fn the_unsigned_tail_is_counted() {
    let mut recording = four_segments();
    recording.segment(false);
    let report = recording.verify();
    assert!(report.is_whole());
    assert_eq!(report.unsigned_tail, 3);
}

#[test]
fn n_4_a_segment_that_is_dropped_while_its_manifest_stays_is_found() {
    let recording = four_segments();
    let mut records = recording.records.clone();
    records.drain(3 * PER_SEGMENT..4 * PER_SEGMENT - 1);
    let report = recording.verify_records(&records);
    let missing = Problem::Missing { count: 1 };
    assert!(
        report
            .findings
            .iter()
            .any(|f| f.problem == missing && f.segment == Some(3))
    );
}

#[test]
fn n_4_a_manifest_about_another_envelope_is_found() {
    let mut recording = four_segments();
    recording.envelope.1 = Hash::new([7; 32]);
    assert!(!recording.verify().is_whole());
}

#[test]
fn a_clean_end_and_a_new_start_verify() {
    let mut recording = Recording::begin();
    recording.closed_segment();
    let segment = recording.segment(true);
    recording.manifest(
        vec![Head {
            state: HeadState::Closed,
            segment,
        }],
        Vec::new(),
    );
    // The next process finds the closed segment and says so.
    recording.manifest(
        vec![Head {
            state: HeadState::Recovered,
            segment,
        }],
        Vec::new(),
    );
    recording.closed_segment();
    let report = recording.verify();
    assert!(report.is_whole(), "{report:?}");
}

#[test]
fn a_frame_with_the_highest_index_is_out_of_order_and_so_is_the_next() {
    let mut recording = Recording::begin();
    recording.segment(false);
    let mut records = recording.records[..1].to_vec();
    for body in [b"a", b"b"] {
        let mut frame = [0, 0, 0, 1, Kind::Frame as u8, 0, 0, 0].to_vec();
        frame.extend_from_slice(&u32::MAX.to_be_bytes());
        frame.extend_from_slice(&[0; 4]);
        frame.extend_from_slice(body);
        records.push(frame);
    }
    let report = recording.verify_records(&records);
    let out_of_order = |finding: &&Finding| finding.problem == Problem::OutOfOrder;
    assert_eq!(report.findings.iter().filter(out_of_order).count(), 2);
}
