//! What a segment must give back, and everything that it must refuse.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

fn scope(camera: u8, epoch: u8) -> Scope {
    let (camera, epoch) = (CameraId::new([camera; 16]), EpochId::new([epoch; 16]));
    Scope {
        site: SiteId::new([1; 16]),
        camera,
        epoch,
    }
}

fn secret(seed: u8) -> EpochSecret {
    EpochSecret::new(scope(2, 3), Secret::new([seed; 32]))
}

fn header(number: u64, salt: u8) -> SegmentHeader {
    SegmentHeader {
        scope: scope(2, 3),
        rendition: Rendition::Main,
        number,
        salt: [salt; 16],
        start: UtcMillis(1_000),
        session: 7,
        previous: Hash::ZERO,
        sealer: KeyId::new([9; 16]),
    }
}

fn frame(data: &[u8], first: bool) -> Frame<'_> {
    Frame {
        track: Track::Video,
        key: first,
        captured: UtcMillis(1_000),
        pts: -90_000,
        decode_offset: -3_000,
        config: first.then_some(b"config".as_slice()),
        data,
    }
}

fn sealed(secret: &EpochSecret, header: &SegmentHeader, frames: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut sealer = SegmentSealer::begin(secret, header, &mut out);
    for (index, data) in frames.iter().enumerate() {
        sealer.frame(&frame(data, index == 0), &mut out).unwrap();
    }
    sealer.close(UtcMillis(2_000), &mut out);
    out
}

fn records(mut bytes: &[u8]) -> Vec<Record<'_>> {
    let mut out = Vec::new();
    while let Some((record, rest)) = Record::split(bytes).unwrap() {
        out.push(record);
        bytes = rest;
    }
    out
}

/// Opens everything; gives the frames' data and whether the segment was closed.
fn open(secret: &EpochSecret, records: &[Record<'_>]) -> Result<(Vec<Vec<u8>>, bool), OpenError> {
    let mut opener = SegmentOpener::begin(secret, &records[0])?;
    let (mut out, mut closed) = (Vec::new(), false);
    for record in &records[1..] {
        if record.header.kind == Kind::SegmentClose {
            opener.close(record)?;
            closed = true;
        } else {
            out.push(opener.frame(record)?.data.to_vec());
        }
    }
    Ok((out, closed))
}

#[test]
fn frames_come_back_as_they_went_in() {
    let bytes = sealed(&secret(1), &header(0, 0), &[b"key", b"", b"next"]);
    let records = records(&bytes);
    let mut opener = SegmentOpener::begin(&secret(1), &records[0]).unwrap();
    assert_eq!(opener.frame(&records[1]).unwrap(), frame(b"key", true));
    assert_eq!(opener.frame(&records[2]).unwrap(), frame(b"", false));
    assert_eq!(opener.frame(&records[3]).unwrap(), frame(b"next", false));
    let close = opener.close(&records[4]).unwrap();
    assert_eq!(
        (close.number, close.frames, close.end),
        (0, 3, UtcMillis(2_000))
    );
    assert_eq!(close.bytes, (bytes.len() - records[4].bytes.len()) as u64);
}

#[test]
fn the_chain_can_be_walked_without_a_key() {
    let bytes = sealed(&secret(1), &header(0, 0), &[b"a", b"b"]);
    let mut chain = Hash::ZERO;
    for record in records(&bytes) {
        chain = record.chain_after(&chain).unwrap();
    }
}

#[test]
fn no_clear_byte_is_in_the_records() {
    let canary = b"CANARY-IN-EVERY-FRAME";
    let bytes = sealed(&secret(1), &header(0, 0), &[canary, canary]);
    assert!(!bytes.windows(canary.len()).any(|window| window == canary));
}

#[test]
fn every_flipped_bit_of_every_record_is_refused() {
    let bytes = sealed(&secret(1), &header(5, 6), &[b"key", b"next"]);
    for at in 0..bytes.len() {
        for bit in [1, 0x80] {
            let mut changed = bytes.clone();
            changed[at] ^= bit;
            let mut rest = changed.as_slice();
            let (mut parsed, mut chain, mut intact) = (Vec::new(), Hash::ZERO, true);
            while let Ok(Some((record, tail))) = Record::split(rest) {
                match record.chain_after(&chain) {
                    Some(next) => chain = next,
                    None => intact = false,
                }
                parsed.push(record);
                rest = tail;
            }
            let opened = !parsed.is_empty() && open(&secret(1), &parsed).is_ok_and(|(_, end)| end);
            assert!(!(opened && intact && rest.is_empty()), "byte {at}");
        }
    }
}

#[test]
fn p10_reordering_dropping_and_repeating_are_refused() {
    let bytes = sealed(&secret(1), &header(0, 0), &[b"a", b"b", b"c"]);
    let all = records(&bytes);
    let refused = |order: &[usize]| {
        let picked: Vec<_> = order.iter().map(|at| all[*at]).collect();
        open(&secret(1), &picked).unwrap_err()
    };
    assert!(matches!(refused(&[0, 2, 1]), OpenError::OutOfOrder { .. }));
    assert!(matches!(refused(&[0, 1, 1]), OpenError::OutOfOrder { .. }));
    assert!(matches!(
        refused(&[0, 1, 2, 4]),
        OpenError::OutOfOrder { .. }
    ));
    assert_eq!(refused(&[0, 1, 2, 3, 4, 4]), OpenError::AfterClose);
}

#[test]
fn p10_a_truncated_segment_is_not_closed() {
    let bytes = sealed(&secret(1), &header(0, 0), &[b"a", b"b"]);
    let all = records(&bytes);
    let (frames, closed) = open(&secret(1), &all[..all.len() - 1]).unwrap();
    assert_eq!((frames.len(), closed), (2, false));
}

#[test]
fn p13_frames_of_another_segment_camera_or_epoch_do_not_open() {
    let mine = sealed(&secret(1), &header(0, 0), &[b"a"]);
    let other_number = sealed(&secret(1), &header(1, 0), &[b"x"]);
    let other_salt = sealed(&secret(1), &header(0, 1), &[b"x"]);
    let mut camera = header(0, 0);
    camera.scope = scope(66, 3);
    let elsewhere = EpochSecret::new(camera.scope, Secret::new([1; 32]));
    let other_camera = sealed(&elsewhere, &camera, &[b"x"]);
    for other in [&other_number, &other_salt, &other_camera] {
        let spliced = [records(&mine)[0], records(other)[1]];
        assert_eq!(open(&secret(1), &spliced), Err(OpenError::Forged));
    }
    assert_eq!(
        open(&secret(1), &records(&other_camera)),
        Err(OpenError::OtherScope)
    );
    assert_eq!(open(&secret(2), &records(&mine)), Err(OpenError::Forged));
}

#[test]
fn p16_nothing_is_released_when_the_tag_is_wrong() {
    let mut bytes = sealed(&secret(1), &header(0, 0), &[b"first half is right"]);
    let close = records(&bytes)[2].bytes.len();
    let at = bytes.len() - close - 1;
    bytes[at] ^= 1;
    let all = records(&bytes);
    let mut opener = SegmentOpener::begin(&secret(1), &all[0]).unwrap();
    assert_eq!(opener.frame(&all[1]), Err(OpenError::Forged));
}

/// P8: ten thousand processes that start with the same counters, as after a restored snapshot.
#[test]
fn p8_ten_thousand_restarts_use_no_key_and_nonce_twice() {
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random
    };
    let mut keys = BTreeSet::new();
    for _ in 0..10_000 {
        let mut header = header(0, 0);
        let (a, b) = (next().to_be_bytes(), next().to_be_bytes());
        header.salt = [a, b].concat().try_into().unwrap();
        // Same secret, segment number and nonces: the worst case. What differs must be the key, and
        // with one key the tag over an empty text would be the same.
        let mut out = Vec::new();
        let sealer = SegmentSealer::begin(&secret(1), &header, &mut out);
        let mut probe = Vec::new();
        let tag = sealer
            .key
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key([0; 12]),
                Aad::empty(),
                &mut probe,
            )
            .unwrap();
        assert!(keys.insert(tag.as_ref().to_vec()), "a key was used twice");
    }
}

#[test]
fn limits_hold() {
    let mut out = Vec::new();
    let mut sealer = SegmentSealer::begin(&secret(1), &header(0, 0), &mut out);
    let before = out.len();
    let data = vec![0; MAX_ACCESS_UNIT + 1];
    let error = sealer.frame(&frame(&data, false), &mut out).unwrap_err();
    assert_eq!(error, SealError::TooLarge { len: data.len() });
    let long = vec![0; MAX_CONFIG + 1];
    let mut first = frame(b"", true);
    first.config = Some(&long);
    let error = sealer.frame(&first, &mut out).unwrap_err();
    assert_eq!(error, SealError::ConfigTooLarge { len: long.len() });
    assert_eq!(out.len(), before);
    sealer.frame(&frame(&data[1..], true), &mut out).unwrap();
}

proptest! {
    #[test]
    fn foreign_segment_headers_never_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(header) = SegmentHeader::decode(&body) {
            prop_assert_eq!(header.encode(), body);
        }
    }

    #[test]
    fn any_frames_round_trip(frames in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 1..12)) {
        let slices: Vec<&[u8]> = frames.iter().map(Vec::as_slice).collect();
        let bytes = sealed(&secret(4), &header(1, 2), &slices);
        prop_assert_eq!(open(&secret(4), &records(&bytes)), Ok((frames, true)));
    }
}

#[test]
fn a_close_that_counts_other_bytes_is_refused() {
    let mut out = Vec::new();
    let mut sealer = SegmentSealer::begin(&secret(1), &header(1, 1), &mut out);
    sealer.frame(&frame(b"one", true), &mut out).unwrap();
    // Who holds the secret seals a good tag over a wrong count.
    sealer.bytes += 1;
    sealer.close(UtcMillis(2_000), &mut out);
    assert_eq!(
        open(&secret(1), &records(&out)).unwrap_err(),
        OpenError::Forged
    );
}

#[test]
fn an_access_unit_over_the_limit_is_refused_under_a_good_tag() {
    let (secret, header) = (secret(1), header(1, 1));
    let mut out = Vec::new();
    let mut sealer = SegmentSealer::begin(&secret, &header, &mut out);
    let start = out.len();
    let clear = vec![0; FRAME_FIXED_LEN + MAX_ACCESS_UNIT + 1];
    let record = Header {
        body_len: u32::try_from(clear.len() + TAG_LEN).unwrap(),
        kind: Kind::Frame,
        flags: Flags::default(),
        rendition: Rendition::Main,
        track: Track::Video,
        index: 0,
    };
    out.extend_from_slice(&[0; HEADER_LEN]);
    out.extend_from_slice(&clear);
    sealer.seal_tail(&record, start, &mut out);
    let refused = open(&secret, &records(&out)).unwrap_err();
    assert!(matches!(
        refused,
        OpenError::Malformed(WireError::TooLong { field: "data", .. })
    ));
}
