//! The sealer's side: whatever cameras make of times and order, and whatever the gateway says of losses, what is
//! sealed opens, and the offline check finds nothing torn, forged or spliced in it.
#![no_main]

use std::sync::LazyLock;

use bartizan_domain::{GapReason, Hash, Rendition, StreamId, Track, UtcMillis};
use bartizan_fuzz::stream::{history, our_envelope};
use bartizan_fuzz::{SCOPE, START, epoch, key};
use bartizan_identity::SigningKey;
use bartizan_identity::roster::History;
use bartizan_sealing::stream::{Keys, Resume, StreamSealer};
use bartizan_sealing::verify::{Problem, StreamVerifier};
use bartizan_sealing::{EpochSecret, Frame, Gap, Kind, Record, SegmentEnd, SegmentOpener};
use libfuzzer_sys::fuzz_target;

static HISTORY: LazyLock<History> = LazyLock::new(history);
static ENVELOPE: LazyLock<(Vec<u8>, Hash)> = LazyLock::new(|| our_envelope(SCOPE.epoch));
static SIGNING: LazyLock<SigningKey> = LazyLock::new(|| key(4));
static EPOCH: LazyLock<EpochSecret> = LazyLock::new(epoch);

const STREAM: StreamId = StreamId {
    camera: SCOPE.camera,
    rendition: Rendition::Main,
};

/// What happens, flags, how much later by the gateway's clock, by the camera's, bytes.
type Step<'a> = (u8, u8, u32, i32, &'a [u8]);

fn later(time: UtcMillis, by: i32) -> UtcMillis {
    UtcMillis(time.0.saturating_add_signed(by.into()))
}

fn resume(choice: u8) -> Resume {
    let tail = SegmentEnd {
        number: 6,
        frames: 3,
        chain: Hash::new([7; 32]),
    };
    Resume {
        manifest: (choice & 1 != 0).then_some((4, Hash::new([8; 32]), START)),
        tail: (choice & 2 != 0).then_some(tail),
        until: (choice & 4 != 0).then_some(START.saturating_sub(5_000)),
        next_segment: 9,
        lost_from: (choice & 8 != 0).then_some(7),
    }
}

/// Opens every frame; the segments are whole.
fn open(mut bytes: &[u8], frames: usize) {
    let (mut opener, mut opened): (Option<SegmentOpener>, usize) = (None, 0);
    while let Some((record, rest)) = Record::split(bytes).expect("records only") {
        match (record.header.kind, &mut opener) {
            (Kind::SegmentHeader, _) => {
                opener = Some(SegmentOpener::begin(&EPOCH, &record).expect("our epoch"));
            }
            (Kind::Frame, Some(opener)) => {
                opener.frame(&record).expect("our frame");
                opened += 1;
            }
            (Kind::SegmentClose, Some(opener)) => {
                opener.close(&record).expect("our close");
            }
            (Kind::Manifest, _) => {}
            other => panic!("{other:?}"),
        }
        bytes = rest;
    }
    assert!(bytes.is_empty() && opened <= frames);
}

fuzz_target!(|input: (u8, Vec<Step<'_>>)| {
    let (choice, steps) = input;
    let mut random = |bytes: &mut [u8]| bytes.fill(5);
    let mut keys = Keys {
        signing: &SIGNING,
        epoch: &EPOCH,
        envelope: ENVELOPE.1,
        random: &mut random,
    };
    let (mut now, mut captured) = (START, START);
    let mut sealer = StreamSealer::resume(STREAM, &resume(choice), GapReason::Restart, now);
    sealer.begin_session(1);
    let (mut out, mut frames) = (Vec::new(), 0);
    for (what, flags, pass, camera, bytes) in &steps {
        now = now.saturating_add((*pass % 120_000).into());
        captured = later(
            captured,
            if flags & 128 == 0 {
                camera % 10_000
            } else {
                *camera
            },
        );
        let track = Track::from_code(flags & 3).expect("two bits");
        match what % 16 {
            0..8 => {
                let frame = Frame {
                    track,
                    key: flags & 4 != 0,
                    captured,
                    pts: i64::from(*camera),
                    decode_offset: -i32::from(flags >> 4),
                    config: None,
                    data: bytes,
                };
                frames += usize::from(sealer.seal(&mut keys, &frame, now, &mut out).is_ok());
            }
            8 | 9 => sealer.configure(track, bytes.to_vec()),
            10 => sealer.begin_session(u32::from(*flags)),
            11 => sealer.interrupt(&mut keys, GapReason::CameraOffline, now, &mut out),
            12 => sealer.clock_jumped(&mut keys, now, &mut out),
            13 => sealer.end_epoch(&mut keys, flags & 1 != 0, now, &mut out),
            14 => {
                let gap = Gap {
                    reason: GapReason::DiskFull,
                    from: now,
                    to: now.saturating_add(u64::from(*pass)),
                    first_segment: u64::from(*flags),
                    segments: u64::from(flags >> 4),
                };
                sealer.lost(&mut keys, gap, now, &mut out);
            }
            _ => sealer.tick(&mut keys, now, &mut out),
        }
    }
    sealer.finish(&mut keys, now, &mut out);
    open(&out, frames);
    let (envelope, hash) = &*ENVELOPE;
    let (parsed, _) = Record::split(envelope).expect("ours").expect("whole");
    let mut verifier = StreamVerifier::new(&HISTORY, |_| Some((parsed.body.to_vec(), *hash)));
    let mut rest = out.as_slice();
    while let Some((record, tail)) = Record::split(rest).expect("records only") {
        verifier.push(&record);
        rest = tail;
    }
    for finding in verifier.finish().findings {
        let torn = matches!(
            finding.problem,
            Problem::Malformed
                | Problem::Changed
                | Problem::Elsewhere
                | Problem::OutOfOrder
                | Problem::Repeated
                | Problem::Spliced
                | Problem::Unsigned
                | Problem::NotAsSigned
                | Problem::NoEnvelope
                | Problem::BadEnvelope(_)
                | Problem::BadManifest(_)
        );
        assert!(!torn, "{finding:?}");
    }
});
