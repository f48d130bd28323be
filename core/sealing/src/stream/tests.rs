//! What a sealer writes must verify, whatever happens in between.

use bartizan_domain::{EpochId, Rendition, Secret};
use bartizan_identity::roster::History;
use proptest::prelude::*;

use super::*;
use crate::envelope::{self, EpochStart};
use crate::fixture::{Household, SEALER_SEED, START, household, key};
use crate::record::{Kind, Record};
use crate::segment::Scope;
use crate::verify::{Report, StreamVerifier};

/// A sealer with its household, its epochs and all that it wrote.
struct Bench {
    home: Household,
    signing: SigningKey,
    epochs: Vec<(EpochId, EpochSecret, Vec<u8>, Hash)>,
    sealer: StreamSealer,
    out: Vec<u8>,
    now: UtcMillis,
    random: u8,
}

impl Bench {
    fn new() -> Self {
        let home = household();
        let stream = StreamId {
            camera: home.scope.camera,
            rendition: Rendition::Main,
        };
        let sealer = StreamSealer::resume(stream, &Resume::FRESH, GapReason::Restart, START);
        let signing = key(SEALER_SEED);
        let mut bench = Self {
            home,
            signing,
            epochs: Vec::new(),
            sealer,
            out: Vec::new(),
            now: START,
            random: 0,
        };
        bench.roll();
        bench.connect();
        bench
    }

    fn roll(&mut self) {
        let number = u8::try_from(self.epochs.len()).unwrap() + 1;
        let scope = Scope {
            epoch: EpochId::new([number; 16]),
            ..self.home.scope
        };
        let secret = EpochSecret::new(scope, Secret::new([number; 32]));
        let start = EpochStart {
            scope,
            start: self.now,
            previous: [Hash::ZERO; 2],
        };
        let mut out = Vec::new();
        let hash =
            envelope::seal(&self.signing, &self.home.roster, &start, &secret, &mut out).unwrap();
        let (record, _) = Record::split(&out).unwrap().unwrap();
        self.epochs
            .push((scope.epoch, secret, record.body.to_vec(), hash));
    }

    fn connect(&mut self) {
        self.sealer.begin_session(7);
        self.sealer.configure(Track::Video, b"avc".to_vec());
        self.sealer.configure(Track::Audio, b"aac".to_vec());
    }

    fn with<R>(
        &mut self,
        act: impl FnOnce(&mut StreamSealer, &mut Keys<'_>, UtcMillis, &mut Vec<u8>) -> R,
    ) -> R {
        let (_, epoch, _, envelope) = self.epochs.last().unwrap();
        let seed = &mut self.random;
        let mut random = |bytes: &mut [u8]| {
            *seed = seed.wrapping_add(1);
            bytes.fill(*seed);
        };
        let mut keys = Keys {
            signing: &self.signing,
            epoch,
            envelope: *envelope,
            random: &mut random,
        };
        act(&mut self.sealer, &mut keys, self.now, &mut self.out)
    }

    fn unit(&mut self, track: Track, key: bool) {
        let frame = Frame {
            track,
            key,
            captured: self.now,
            pts: i64::try_from(self.now.0).unwrap(),
            decode_offset: 0,
            config: None,
            data: b"access unit",
        };
        self.with(|sealer, keys, now, out| sealer.seal(keys, &frame, now, out))
            .unwrap();
        self.now = self.now.saturating_add(40);
    }

    /// `seconds` of 25 pictures with sound, a keyframe each `gop` pictures.
    fn film(&mut self, seconds: usize, gop: usize) {
        for index in 0..seconds * 25 {
            self.unit(Track::Video, index % gop == 0);
            self.now = self.now.saturating_sub(40);
            self.unit(Track::Audio, true);
        }
    }

    fn verify(&self) -> Report {
        let history =
            History::replay(self.home.roster.genesis(), self.home.statements.clone()).unwrap();
        let lookup = |epoch| {
            let (_, _, body, hash) = self.epochs.iter().find(|(id, ..)| *id == epoch)?;
            Some((body.clone(), *hash))
        };
        let mut verifier = StreamVerifier::new(&history, lookup);
        let mut rest = self.out.as_slice();
        while let Some((record, tail)) = Record::split(rest).unwrap() {
            verifier.push(&record);
            rest = tail;
        }
        verifier.finish()
    }

    fn count(&self, kind: Kind) -> usize {
        let (mut rest, mut count) = (self.out.as_slice(), 0);
        while let Some((record, tail)) = Record::split(rest).unwrap() {
            count += usize::from(record.header.kind == kind);
            rest = tail;
        }
        count
    }
}

#[test]
fn a_film_is_cut_at_keyframes_and_verifies() {
    let mut bench = Bench::new();
    bench.film(10, 50);
    bench.with(StreamSealer::finish);
    let report = bench.verify();
    assert!(report.is_whole(), "{report:?}");
    assert_eq!(
        (report.segments, report.frames, report.unsigned_tail),
        (5, 500, 0)
    );
    assert!(report.gaps.is_empty());
}

#[test]
fn keyframes_too_close_together_share_a_segment() {
    let mut bench = Bench::new();
    bench.film(10, 1);
    assert!(bench.count(Kind::SegmentHeader) <= 14);
    assert!(bench.verify().is_whole());
}

#[test]
fn long_groups_of_pictures_are_signed_on_the_way() {
    let mut bench = Bench::new();
    bench.film(20, 1_000);
    assert_eq!(bench.count(Kind::SegmentHeader), 1);
    assert!(bench.count(Kind::Manifest) >= 9);
    let report = bench.verify();
    assert!(report.is_whole(), "{report:?}");
}

#[test]
fn sound_before_the_first_keyframe_is_left_out() {
    let mut bench = Bench::new();
    bench.unit(Track::Audio, true);
    bench.unit(Track::Video, false);
    assert!(bench.out.is_empty());
    bench.unit(Track::Video, true);
    assert_eq!(bench.count(Kind::Frame), 1);
}

#[test]
fn a_camera_that_goes_and_comes_leaves_a_signed_gap() {
    let mut bench = Bench::new();
    bench.film(4, 50);
    let from = bench.sealer.until;
    bench.with(|sealer, keys, now, out| {
        sealer.interrupt(keys, GapReason::CameraOffline, now, out);
    });
    bench.now = bench.now.saturating_add(30_000);
    bench.connect();
    bench.film(4, 50);
    let report = bench.verify();
    assert!(report.is_whole(), "{report:?}");
    let [gap] = report.gaps[..] else {
        panic!("{:?}", report.gaps)
    };
    assert_eq!((gap.reason, gap.from), (GapReason::CameraOffline, from));
    assert!(gap.to.since(gap.from) >= 30_000);
}

#[test]
fn what_a_member_switched_off_is_a_gap_of_its_own() {
    let mut bench = Bench::new();
    bench.film(4, 50);
    // Offline for half a minute, then switched off for a while, then offline again before the first picture.
    let reasons = [
        GapReason::CameraOffline,
        GapReason::Paused,
        GapReason::CameraOffline,
    ];
    for reason in reasons {
        bench.with(|sealer, keys, now, out| sealer.interrupt(keys, reason, now, out));
        bench.now = bench.now.saturating_add(30_000);
    }
    bench.connect();
    bench.film(4, 50);
    let report = bench.verify();
    assert!(report.is_whole(), "{report:?}");
    let signed: Vec<_> = report.gaps.iter().map(|gap| gap.reason).collect();
    assert_eq!(signed, reasons);
    for pair in report.gaps.windows(2) {
        assert_eq!(pair[0].to, pair[1].from);
    }
}

#[test]
fn a_stream_that_never_was_leaves_nothing_when_it_is_switched_off() {
    let mut bench = Bench::new();
    bench.with(|sealer, keys, now, out| {
        sealer.interrupt(keys, GapReason::Paused, now, out);
        sealer.finish(keys, now, out);
    });
    assert!(bench.out.is_empty());
}

#[test]
fn a_lasting_gap_is_signed_every_minute() {
    let mut bench = Bench::new();
    bench.film(4, 50);
    bench.with(|sealer, keys, now, out| {
        sealer.interrupt(keys, GapReason::CameraStalled, now, out);
    });
    let before = bench.count(Kind::Manifest);
    for _ in 0..300 {
        bench.now = bench.now.saturating_add(1_000);
        bench.with(StreamSealer::tick);
    }
    assert_eq!(bench.count(Kind::Manifest) - before, 5);
    bench.film(4, 50);
    let report = bench.verify();
    assert!(report.is_whole(), "{report:?}");
}

#[test]
fn a_clock_that_is_set_leaves_a_signed_gap_and_the_recording_whole() {
    for hours in [-1_i64, 1] {
        let mut bench = Bench::new();
        bench.now = UtcMillis(10_000_000_000);
        bench.film(5, 50);
        bench.now = UtcMillis(bench.now.0.checked_add_signed(hours * 3_600_000).unwrap());
        bench.with(StreamSealer::clock_jumped);
        bench.connect();
        bench.film(10, 50);
        bench.with(StreamSealer::finish);
        let report = bench.verify();
        assert!(report.is_whole(), "{report:?}");
        assert!(
            report
                .gaps
                .iter()
                .any(|gap| gap.reason == GapReason::ClockJump)
        );
    }
}

#[test]
fn p3_a_roll_at_once_goes_on_in_the_new_epoch_without_a_keyframe() {
    let mut bench = Bench::new();
    bench.film(4, 1_000);
    bench.with(|sealer, keys, now, out| sealer.end_epoch(keys, true, now, out));
    bench.roll();
    let before = bench.count(Kind::Frame);
    bench.unit(Track::Video, false);
    assert_eq!(bench.count(Kind::Frame), before + 1);
    bench.film(4, 50);
    let report = bench.verify();
    assert!(report.is_whole(), "{report:?}");
}

#[test]
fn p3_two_rolls_before_the_next_picture_lose_none() {
    let mut bench = Bench::new();
    bench.film(4, 1_000);
    for _ in 0..2 {
        bench.with(|sealer, keys, now, out| sealer.end_epoch(keys, true, now, out));
        bench.roll();
    }
    let before = bench.count(Kind::Frame);
    bench.unit(Track::Video, false);
    assert_eq!(bench.count(Kind::Frame), before + 1);
    bench.film(4, 50);
    let report = bench.verify();
    assert!(report.is_whole(), "{report:?}");
}

#[test]
fn a_restart_signs_the_tail_it_finds() {
    let mut bench = Bench::new();
    bench.film(5, 50);
    // The process dies; the recorder has all but the last five frames.
    let head = bench.sealer.position();
    let mut kept = 0;
    let mut ends = Vec::new();
    let (mut chain, mut number, mut frames) = (Hash::ZERO, 0, 0);
    let mut last_manifest = None;
    let mut rest = bench.out.as_slice();
    while let Some((record, tail)) = Record::split(rest).unwrap() {
        kept += record.bytes.len();
        match record.header.kind {
            Kind::Manifest => {
                let manifest = Manifest::decode(record.body).unwrap();
                let hash = record.chain_after(&Hash::ZERO).unwrap();
                last_manifest = Some((manifest.counter, hash, manifest.time));
            }
            kind => {
                chain = record.chain_after(&chain).unwrap();
                if kind == Kind::SegmentHeader {
                    number = SegmentHeader::decode(record.body).unwrap().number;
                    frames = 0;
                }
                frames += u32::from(kind == Kind::Frame);
            }
        }
        ends.push((
            kept,
            SegmentEnd {
                number,
                frames,
                chain,
            },
        ));
        rest = tail;
    }
    let (kept, tail) = ends[ends.len() - 6];
    bench.out.truncate(kept);
    let resume = Resume {
        manifest: last_manifest,
        tail: Some(tail),
        until: Some(bench.now.saturating_sub(240)),
        next_segment: head.next_segment,
        lost_from: None,
    };
    bench.now = bench.now.saturating_add(3_000);
    let stream = StreamId {
        camera: bench.home.scope.camera,
        rendition: Rendition::Main,
    };
    bench.sealer = StreamSealer::resume(stream, &resume, GapReason::Restart, bench.now);
    bench.roll();
    bench.connect();
    bench.film(4, 50);
    let report = bench.verify();
    assert!(report.is_whole(), "{report:?}");
    assert_eq!(report.gaps[0].reason, GapReason::Restart);
}

/// What a recorder that reads `bytes` back says of them.
fn recorded(bytes: &[u8]) -> Recorded {
    let (mut recorded, mut chain, mut rest) = (Recorded::default(), Hash::ZERO, bytes);
    while let Some((record, after)) = Record::split(rest).unwrap() {
        rest = after;
        if record.header.kind == Kind::Manifest {
            let manifest = Manifest::decode(record.body).unwrap();
            let hash = record.chain_after(&Hash::ZERO).unwrap();
            recorded.manifest = Some((manifest.counter, hash, manifest.time));
            continue;
        }
        if record.header.kind == Kind::SegmentHeader {
            let header = SegmentHeader::decode(record.body).unwrap();
            let segment = SegmentEnd {
                number: header.number,
                frames: 0,
                chain: Hash::ZERO,
            };
            (recorded.tail, chain) = (Some((segment, header.start)), Hash::ZERO);
            recorded.next_segment = header.number + 1;
        }
        chain = record.chain_after(&chain).unwrap();
        if let Some((segment, _)) = &mut recorded.tail {
            segment.chain = chain;
            segment.frames += u32::from(record.header.kind == Kind::Frame);
        }
    }
    recorded
}

/// Wherever the link is cut, and whatever the recorder has after that of what it was given: what it has not is a
/// signed gap. It may count numbers of segments that it does not have.
#[test]
fn wherever_the_recorder_stops_what_it_has_not_is_a_signed_gap() {
    let mut bench = Bench::new();
    bench.film(5, 25);
    let (own, stream, whole) = (bench.sealer.position(), bench.sealer.stream, bench.out);
    let now = bench.now.saturating_add(2_000);
    let mut ends = vec![0];
    while let Some((record, _)) = Record::split(&whole[ends[ends.len() - 1]..]).unwrap() {
        ends.push(ends[ends.len() - 1] + record.bytes.len());
    }
    for kept in ends {
        let recorded = recorded(&whole[..kept]);
        for next_segment in recorded.next_segment..=own.next_segment {
            let said = Recorded {
                next_segment,
                ..recorded
            };
            let resume = Resume::join(Some(own), &said);
            bench.out = whole[..kept].to_vec();
            bench.now = now;
            bench.sealer = StreamSealer::resume(stream, &resume, GapReason::RecorderAway, now);
            bench.connect();
            bench.film(2, 25);
            let report = bench.verify();
            assert!(
                report.is_whole(),
                "{kept} bytes, {next_segment} counted: {report:?}"
            );
            assert_eq!(report.gaps.len(), 1);
        }
    }
}

/// A machine that is set back to a snapshot seals into the same epoch with the same numbers again.
#[test]
fn g_22_p8_no_key_and_nonce_come_twice_even_on_a_machine_that_is_set_back() {
    let mut bench = Bench::new();
    bench.film(4, 50);
    let stream = StreamId {
        camera: bench.home.scope.camera,
        rendition: Rendition::Main,
    };
    bench.sealer = StreamSealer::resume(stream, &Resume::FRESH, GapReason::Restart, START);
    bench.connect();
    bench.film(4, 50);
    let (mut keys, mut key, mut nonces) = (Vec::new(), None, Vec::new());
    let mut rest = bench.out.as_slice();
    while let Some((record, tail)) = Record::split(rest).unwrap() {
        match record.header.kind {
            Kind::SegmentHeader => {
                let header = SegmentHeader::decode(record.body).unwrap();
                key = Some((header.scope.epoch, header.number, header.salt));
                assert!(!keys.contains(&key), "a segment's key came twice: {key:?}");
                keys.push(key);
            }
            Kind::Frame | Kind::SegmentClose => {
                let nonce = (key, record.header.kind as u8, record.header.index);
                assert!(!nonces.contains(&nonce), "a nonce came twice: {nonce:?}");
                nonces.push(nonce);
            }
            _ => {}
        }
        rest = tail;
    }
    // The same place in the same epoch, twice, each time under another key.
    let first = |key: &&Option<(EpochId, u64, [u8; 16])>| key.is_some_and(|key| key.1 == 0);
    assert_eq!(keys.iter().filter(first).count(), 2);
}

#[test]
fn what_the_recorder_lost_is_signed() {
    let mut bench = Bench::new();
    bench.film(4, 50);
    // The disk is full: the running segment is cut short and the next three are never stored.
    let mut stored = std::mem::take(&mut bench.out);
    let (first_segment, from) = (bench.sealer.position().next_segment - 1, bench.now);
    bench.film(8, 50);
    let (mut rest, mut last_header) = (bench.out.as_slice(), 0);
    while let Some((record, tail)) = Record::split(rest).unwrap() {
        if record.header.kind == Kind::SegmentHeader {
            last_header = bench.out.len() - rest.len();
        }
        rest = tail;
    }
    stored.extend_from_slice(&bench.out[last_header..]);
    bench.out = stored;
    let segments = bench.sealer.position().next_segment - 1 - first_segment;
    let (reason, to) = (GapReason::DiskFull, bench.now);
    let gap = Gap {
        reason,
        from,
        to,
        first_segment,
        segments,
    };
    bench.with(|sealer, keys, now, out| sealer.lost(keys, gap, now, out));
    bench.film(2, 50);
    let report = bench.verify();
    assert!(report.is_whole(), "{report:?}");
    assert_eq!(report.gaps, [gap]);
}

#[test]
fn pictures_that_stay_away_leave_a_gap_even_when_nobody_says_so() {
    let mut bench = Bench::new();
    bench.film(4, 50);
    bench.with(|sealer, keys, now, out| sealer.end_epoch(keys, false, now, out));
    bench.roll();
    bench.now = bench.now.saturating_add(20_000);
    bench.film(4, 50);
    let report = bench.verify();
    assert!(report.is_whole(), "{report:?}");
    assert_eq!(report.gaps[0].reason, GapReason::CameraStalled);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn any_course_of_events_verifies(steps in prop::collection::vec(0..8_u8, 1..60)) {
        let mut bench = Bench::new();
        for step in steps {
            match step {
                0 => bench.with(|s, keys, now, out| s.interrupt(keys, GapReason::CameraOffline, now, out)),
                1 => bench.connect(),
                2 => {
                    bench.with(|s, keys, now, out| s.end_epoch(keys, true, now, out));
                    bench.roll();
                }
                3 => {
                    bench.with(|s, keys, now, out| s.end_epoch(keys, false, now, out));
                    bench.roll();
                }
                4 => {
                    bench.now = bench.now.saturating_add(5_000);
                    bench.with(StreamSealer::tick);
                }
                5 => bench.film(1, 1_000),
                6 => bench.film(3, 25),
                _ => bench.unit(Track::Video, false),
            }
        }
        let report = bench.verify();
        prop_assert!(report.is_whole(), "{:?}", report);
    }
}
