//! What the reader gives out, and what it refuses.

use bartizan_domain::UtcMillis;
use bartizan_identity::{Operation, Statement};
use proptest::prelude::*;

use super::*;
use crate::fixture::{FRAMES, OWNER, SITE, START, STREAM, Sealer, history, keystore};

fn reader() -> StreamReader {
    StreamReader::recorded(STREAM, Arc::new(history()), Arc::new(keystore()))
}

fn recording(segments: u32) -> Sealer {
    let mut sealer = Sealer::new(Arc::new(history()));
    for _ in 0..segments {
        sealer.segment();
    }
    sealer
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Seen {
    segments: Vec<u64>,
    frames: usize,
    closed: usize,
    manifests: Vec<u64>,
    heads: usize,
}

/// Reads all of `bytes` in pieces of `piece`, with the envelopes of `sealer`.
fn read(
    reader: &mut StreamReader,
    sealer: &Sealer,
    bytes: &[u8],
    piece: usize,
) -> Result<Seen, StreamError> {
    let mut seen = Seen::default();
    for chunk in bytes.chunks(piece) {
        reader.push(chunk)?;
        loop {
            match reader.next()? {
                Step::More => break,
                Step::NeedEnvelope(epoch) => {
                    let record = sealer.envelopes.get(&epoch);
                    let record = record.ok_or(StreamError::OtherEpoch)?;
                    reader.envelope(epoch, record)?;
                }
                Step::NeedRoster(len) => panic!("the roster of {len} is there"),
                Step::Envelope(_) => {}
                Step::Segment(begun) => seen.segments.push(begun.header.number),
                Step::Frame(_) => seen.frames += 1,
                Step::Closed(_) => seen.closed += 1,
                Step::Manifest(signed) => {
                    seen.manifests.push(signed.manifest.counter);
                    seen.heads += usize::from(signed.head.is_some());
                }
            }
        }
    }
    Ok(seen)
}

#[test]
fn a_recording_opens_whole_however_it_is_cut() {
    let mut sealer = recording(2);
    sealer.roll(2);
    sealer.segment();
    for piece in [1, 17, 4_096, usize::MAX] {
        let mut reader = reader();
        let seen = read(&mut reader, &sealer, &sealer.out, piece).unwrap();
        let frames = 3 * 2 * FRAMES as usize;
        let expected = Seen {
            segments: vec![0, 1, 2],
            frames,
            closed: 3,
            manifests: vec![0, 1, 2],
            heads: 3,
        };
        assert_eq!(seen, expected);
        assert!(reader.is_drained());
        assert_eq!(reader.high_water().unwrap().counter, 2);
    }
}

#[test]
fn an_envelope_in_the_stream_needs_no_asking() {
    let sealer = recording(1);
    let live = [sealer.envelopes[&sealer.epoch()].as_slice(), &sealer.out].concat();
    let mut reader = StreamReader::live(STREAM, Arc::new(history()), Arc::new(keystore()), None);
    reader.push(&live).unwrap();
    assert!(matches!(reader.next().unwrap(), Step::Envelope(_)));
    assert!(matches!(reader.next().unwrap(), Step::Segment(_)));
    let Step::Frame(frame) = reader.next().unwrap() else {
        panic!("a frame is next");
    };
    assert!(frame.key && frame.config.is_some());
}

#[test]
fn every_changed_byte_stops_the_stream() {
    let sealer = recording(1);
    for at in (0..sealer.out.len()).step_by(7) {
        let mut bytes = sealer.out.clone();
        bytes[at] ^= 0x10;
        let mut reader = reader();
        let read = read(&mut reader, &sealer, &bytes, usize::MAX);
        let whole = read.is_ok_and(|seen| seen.closed == 1 && seen.manifests.len() == 1);
        assert!(!whole, "byte {at}");
    }
}

#[test]
fn a_viewer_that_is_moved_on_sees_the_next_segment() {
    let mut sealer = recording(3);
    sealer.segment();
    let cut = [
        &sealer.out[..sealer.places[0].0 + 4_000],
        &sealer.out[sealer.places[2].0..],
    ];
    // The end of the first piece is moved to the end of a record.
    let mut whole = 0;
    while let Ok(Some((record, _))) = Record::split(&cut[0][whole..]) {
        whole += record.bytes.len();
    }
    let bytes = [&cut[0][..whole], cut[1]].concat();
    let (history, keys) = (Arc::new(history()), Arc::new(keystore()));
    let mut live = StreamReader::live(STREAM, history, keys, None);
    let seen = read(&mut live, &sealer, &bytes, 1_000).unwrap();
    assert_eq!((seen.segments, seen.closed), (vec![0, 2, 3], 2));
}

#[test]
fn n_4_segments_that_were_swapped_for_others_are_refused() {
    let (one, mut other) = (recording(2), Sealer::new(Arc::new(history())));
    other.now = UtcMillis(1_790_000_500_000);
    other.segment();
    other.segment();
    let bytes = [&one.out[..one.places[1].0], &other.out[other.places[1].0..]].concat();
    let refused = read(&mut reader(), &one, &bytes, usize::MAX);
    assert_eq!(refused, Err(StreamError::Spliced { segment: 1 }));
}

#[test]
fn n_4_a_stream_behind_the_floor_is_refused() {
    let sealer = recording(2);
    let floor = HighWater {
        counter: 5,
        time: UtcMillis(1),
        hash: Hash::new([1; 32]),
    };
    let mut live = StreamReader::live(
        STREAM,
        Arc::new(history()),
        Arc::new(keystore()),
        Some(floor),
    );
    let refused = read(&mut live, &sealer, &sealer.out, usize::MAX);
    assert_eq!(refused, Err(StreamError::RolledBack { seen: 5, given: 0 }));
}

#[test]
fn a_rejoined_stream_may_show_what_was_seen_before() {
    let sealer = recording(3);
    let mut first = reader();
    read(&mut first, &sealer, &sealer.out, usize::MAX).unwrap();
    let floor = first.high_water();
    let (history, keys) = (Arc::new(history()), Arc::new(keystore()));
    let mut live = StreamReader::live(STREAM, history, keys, floor);
    let middle = sealer.places[1].0;
    read(
        &mut live,
        &sealer,
        &sealer.out[middle..sealer.places[2].0],
        512,
    )
    .unwrap();
    assert!(!live.has_caught_up());
    read(&mut live, &sealer, &sealer.out[sealer.places[2].0..], 512).unwrap();
    assert!(live.has_caught_up());
}

#[test]
fn an_envelope_of_a_newer_roster_waits_for_it() {
    let mut longer = history();
    let add = Operation::RemoveCamera {
        camera: bartizan_domain::CameraId::new([66; 16]),
    };
    let next = longer.current().next();
    let none = Statement::sign(&keystore().identity(), SITE, next, START, add);
    assert!(longer.append(none).is_err());
    let device = Operation::AddDevice {
        member: OWNER,
        device: bartizan_domain::DeviceId::new([67; 16]),
        thumbprint: bartizan_domain::Fingerprint::new([1; 32]),
    };
    let more = Statement::sign(&keystore().identity(), SITE, next, START, device);
    longer.append(more).unwrap();
    let longer = Arc::new(longer);
    let mut sealer = Sealer::new(Arc::clone(&longer));
    sealer.segment();

    let mut reader = reader();
    reader.push(&sealer.out).unwrap();
    let Step::NeedEnvelope(epoch) = reader.next().unwrap() else {
        panic!("the envelope is next");
    };
    reader.envelope(epoch, &sealer.envelopes[&epoch]).unwrap();
    assert!(matches!(reader.next().unwrap(), Step::NeedRoster(3)));
    reader.roster(longer);
    assert!(matches!(reader.next().unwrap(), Step::Segment(_)));
}

#[test]
fn another_epochs_envelope_is_refused() {
    let mut sealer = recording(1);
    sealer.roll(2);
    let mut reader = reader();
    reader.push(&sealer.out).unwrap();
    let Step::NeedEnvelope(epoch) = reader.next().unwrap() else {
        panic!("the envelope is next");
    };
    let other = &sealer.envelopes[&sealer.epoch()];
    assert_eq!(reader.envelope(epoch, other), Err(StreamError::OtherEpoch));
    assert_eq!(reader.envelope(epoch, b""), Err(StreamError::Changed));
}

#[test]
fn an_envelope_in_the_sub_stream_is_refused() {
    let sealer = recording(1);
    let mut reader = reader();
    reader.push(&sealer.out).unwrap();
    let Step::NeedEnvelope(epoch) = reader.next().unwrap() else {
        panic!("the envelope is next");
    };
    let mut other = sealer.envelopes[&epoch].clone();
    other[6] = 1;
    reader.envelope(epoch, &other).unwrap();
    assert_eq!(reader.next().unwrap_err(), StreamError::Elsewhere);
}

#[test]
fn an_epoch_from_before_the_clock_was_set_back_opens_among_many() {
    let mut sealer = Sealer::new(Arc::new(history()));
    let epochs = u8::try_from(MAX_EPOCHS).unwrap() + 2;
    for id in (0..epochs).rev() {
        sealer.roll(id);
        sealer.segment();
    }
    let seen = read(&mut reader(), &sealer, &sealer.out, usize::MAX).unwrap();
    assert_eq!(seen.closed, usize::from(epochs));
}

#[test]
fn what_waits_is_bounded() {
    let mut reader = reader();
    let piece = vec![0; MAX_BUFFER];
    reader.push(&piece).unwrap();
    assert_eq!(reader.push(&[0]), Err(StreamError::Overfull));
}

proptest! {
    #[test]
    fn foreign_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let sealer = recording(0);
        let mut reader = reader();
        drop(read(&mut reader, &sealer, &bytes, 64));
    }

    #[test]
    fn a_cut_recording_gives_its_beginning(len in 0_usize..20_000) {
        let sealer = recording(2);
        let len = len.min(sealer.out.len());
        let seen = read(&mut reader(), &sealer, &sealer.out[..len], 999).unwrap();
        prop_assert!(seen.frames <= 2 * 2 * FRAMES as usize);
    }
}
