//! Packetizes access units as cameras do, well or badly, and expects them back.

use proptest::prelude::*;

use super::*;
use crate::rtp::Packet;

const SPS: &[u8] = &[
    0x67, 0x42, 0xc0, 0x28, 0xd9, 0x00, 0x78, 0x02, 0x27, 0xe5, 0xc0, 0x44, 0x00, 0x00, 0x03, 0x00,
    0x04, 0x00, 0x00, 0x03, 0x00, 0xc8, 0x3c, 0x60, 0xc9, 0x20,
];
const PPS: &[u8] = &[0x68, 0xcb, 0x83, 0xcb, 0x20];
const OTHER_PPS: &[u8] = &[0x68, 0xcb, 0x83, 0xcb, 0x21, 0x80];
const SEI: &[u8] = &[0x06, 0x05, 0x02, 0xaa, 0xbb, 0x80];
const DELIMITER: &[u8] = &[0x09, 0xf0];
const FILLER: &[u8] = &[0x0c, 0xff, 0x80];

fn idr(len: usize) -> Vec<u8> {
    slice(0x65, 0x88, len)
}

fn inter(len: usize) -> Vec<u8> {
    slice(0x41, 0x9a, len)
}

/// A slice that is not the first of its picture.
fn later(header: u8, len: usize) -> Vec<u8> {
    slice(header, 0x42, len)
}

fn slice(header: u8, first: u8, len: usize) -> Vec<u8> {
    let mut nal = vec![header, first];
    nal.extend((0..len).map(|n| u8::try_from(n % 200 + 4).unwrap()));
    nal
}

fn prefixed(nals: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::new();
    for nal in nals {
        nal::push(&mut out, nal).unwrap();
    }
    out
}

/// A packet to be: marker, timestamp, payload.
type Draft = (bool, u32, Vec<u8>);

/// NAL units as packets of at most `max` bytes: single or FU-A.
fn packetize(timestamp: u32, nals: &[&[u8]], max: usize) -> Vec<Draft> {
    let mut out: Vec<Draft> = Vec::new();
    for nal in nals {
        if nal.len() <= max {
            out.push((false, timestamp, nal.to_vec()));
            continue;
        }
        let chunks: Vec<_> = nal[1..].chunks(max).collect();
        for (n, chunk) in chunks.iter().enumerate() {
            let start = if n == 0 { 0x80 } else { 0 };
            let end = if n + 1 == chunks.len() { 0x40 } else { 0 };
            let mut payload = vec![(nal[0] & 0xe0) | 0x1c, (nal[0] & 0x1f) | start | end];
            payload.extend_from_slice(chunk);
            out.push((false, timestamp, payload));
        }
    }
    if let Some(last) = out.last_mut() {
        last.0 = true;
    }
    out
}

/// A test's view of an assembler: packets in with numbers, access units out.
struct Bench {
    assembler: Assembler,
    out: Vec<Assembled>,
}

impl Bench {
    fn new(flavor: Flavor) -> Self {
        Self {
            assembler: Assembler::new(flavor, &[]),
            out: Vec::new(),
        }
    }

    fn feed(&mut self, lost: u32, drafts: &[Draft]) {
        let mut lost = lost;
        for (marker, timestamp, payload) in drafts {
            let packet = Packet {
                marker: *marker,
                payload_type: 96,
                sequence: 0,
                timestamp: *timestamp,
                ssrc: 1,
                payload,
            };
            let out = &mut self.out;
            self.assembler
                .push(&packet, std::mem::take(&mut lost), &mut |unit| {
                    out.push(unit);
                });
        }
    }

    /// Teaches the marker with `LESSONS` + 1 access units and forgets them.
    fn taught(flavor: Flavor) -> Self {
        let mut bench = Self::new(flavor);
        for n in 0..=u32::from(LESSONS) {
            let nal = match flavor {
                Flavor::H264 => idr(10),
                Flavor::H265 => slice265(19, true),
            };
            bench.feed(0, &[(true, 1_000_000 + n, nal)]);
        }
        bench.out.clear();
        bench
    }

    fn data(&self) -> Vec<Vec<u8>> {
        self.out.iter().map(|unit| unit.data.clone()).collect()
    }
}

/// An H.265 slice of the given type.
fn slice265(kind: u8, first: bool) -> Vec<u8> {
    vec![kind << 1, 1, if first { 0x80 } else { 0x10 }, 7, 7, 7]
}

#[test]
fn sets_are_taken_out_and_told_once() {
    let mut bench = Bench::taught(Flavor::H264);
    let idr = idr(3_000);
    for timestamp in [0, 3_600] {
        let nals = [DELIMITER, SPS, PPS, SEI, &idr, FILLER];
        bench.feed(0, &packetize(timestamp, &nals, 1_000));
    }
    let [first, second] = &bench.out[..] else {
        panic!("{:?}", bench.out);
    };
    let video = first.parameters.as_ref().unwrap().config.video.unwrap();
    assert_eq!((video.width, video.height), (1_920, 1_080));
    assert_eq!(second.parameters, None);
    assert!(first.key && second.key);
    assert_eq!(first.data, prefixed(&[SEI, &idr]));
}

#[test]
fn a_changed_set_is_told() {
    let mut bench = Bench::taught(Flavor::H264);
    for (timestamp, pps) in [(0, PPS), (1, PPS), (2, OTHER_PPS)] {
        bench.feed(0, &packetize(timestamp, &[SPS, pps, &idr(10)], 1_000));
    }
    let told: Vec<_> = bench.out.iter().map(|u| u.parameters.is_some()).collect();
    assert_eq!(told, [true, false, true]);
}

#[test]
fn sets_between_the_slices_of_a_picture_are_dropped() {
    let mut bench = Bench::taught(Flavor::H264);
    let (one, two) = (idr(10), later(0x65, 10));
    bench.feed(0, &packetize(5, &[SPS, PPS, &one, SPS, PPS, &two], 1_000));
    assert_eq!(bench.data(), [prefixed(&[&one, &two])]);
}

#[test]
fn sets_of_the_description_are_told_first() {
    let mut assembler = Assembler::new(Flavor::H264, &[SPS.to_vec(), PPS.to_vec()]);
    assert!(assembler.initial_parameters().is_some());
    assert_eq!(assembler.initial_parameters(), None);
}

#[test]
fn aggregated_packets_are_split() {
    let mut bench = Bench::taught(Flavor::H264);
    let idr = idr(20);
    let mut payload = vec![24];
    for nal in [SPS, PPS, &idr] {
        payload.extend_from_slice(&u16::try_from(nal.len()).unwrap().to_be_bytes());
        payload.extend_from_slice(nal);
    }
    payload.push(0);
    bench.feed(0, &[(true, 1, payload)]);
    assert_eq!(bench.data(), [prefixed(&[&idr])]);
    assert!(bench.out[0].parameters.is_some());
}

#[test]
fn start_codes_within_a_packet_are_split() {
    let mut bench = Bench::taught(Flavor::H264);
    let idr = idr(20);
    let payload = [&[0, 0, 0, 1][..], SPS, &[0, 0, 0, 1], PPS, &[0, 0, 1], &idr].concat();
    bench.feed(0, &[(true, 1, payload)]);
    let bare = [SPS, &[0, 0, 1], PPS, &[0, 0, 1], &idr].concat();
    bench.feed(0, &[(true, 2, bare)]);
    assert_eq!(bench.data(), [prefixed(&[&idr]), prefixed(&[&idr])]);
}

#[test]
fn cameras_without_markers_end_at_the_next_timestamp() {
    let mut bench = Bench::new(Flavor::H264);
    for timestamp in 0..5 {
        bench.feed(0, &[(false, timestamp, idr(10))]);
    }
    assert_eq!(bench.out.len(), 4);
}

#[test]
fn cameras_with_a_marker_on_every_slice_keep_pictures_whole() {
    let mut bench = Bench::new(Flavor::H264);
    for timestamp in 0..5 {
        let slices = [
            (true, timestamp, idr(10)),
            (true, timestamp, later(0x65, 10)),
        ];
        bench.feed(0, &slices);
    }
    assert_eq!(
        bench.data(),
        vec![prefixed(&[&idr(10), &later(0x65, 10)]); 4]
    );
}

#[test]
fn a_marker_that_turns_wrong_costs_one_picture() {
    let mut bench = Bench::taught(Flavor::H264);
    for timestamp in 0..4 {
        let slices = [
            (true, timestamp, idr(10)),
            (true, timestamp, later(0x65, 10)),
        ];
        bench.feed(0, &slices);
    }
    let whole = prefixed(&[&idr(10), &later(0x65, 10)]);
    assert_eq!(bench.data(), [prefixed(&[&idr(10)]), whole.clone(), whole]);
    assert_eq!(bench.out[1].lost, 1);
}

#[test]
fn a_frozen_clock_is_divided_by_markers() {
    let mut bench = Bench::new(Flavor::H264);
    for _ in 0..5 {
        bench.feed(0, &packetize(77, &[SPS, PPS, &idr(2_000)], 500));
    }
    assert_eq!(bench.data(), vec![prefixed(&[&idr(2_000)]); 5]);
}

#[test]
fn sets_with_a_timestamp_of_their_own_join_their_picture() {
    let mut bench = Bench::taught(Flavor::H264);
    bench.feed(
        0,
        &[
            (true, 10, SPS.to_vec()),
            (true, 10, PPS.to_vec()),
            (true, 13, idr(10)),
        ],
    );
    let [unit] = &bench.out[..] else { panic!() };
    assert_eq!(unit.timestamp, 13);
    assert!(unit.parameters.is_some());
}

#[test]
fn a_missing_middle_drops_the_picture_and_is_told() {
    let mut bench = Bench::taught(Flavor::H264);
    let packets = packetize(1, &[&idr(3_000)], 1_000);
    bench.feed(0, &packets[..1]);
    bench.feed(1, &packets[2..]);
    bench.feed(0, &packetize(2, &[&inter(10)], 1_000));
    let [unit] = &bench.out[..] else {
        panic!("{:?}", bench.out)
    };
    assert_eq!((unit.timestamp, unit.lost, unit.key), (2, 1, false));
}

#[test]
fn a_missing_end_drops_the_picture_and_spares_the_next() {
    let mut bench = Bench::taught(Flavor::H264);
    let packets = packetize(1, &[&idr(3_000)], 1_000);
    bench.feed(0, &packets[..2]);
    bench.feed(1, &packetize(2, &[&inter(3_000)], 1_000));
    assert_eq!(bench.data(), [prefixed(&[&inter(3_000)])]);
}

#[test]
fn a_missing_beginning_drops_the_picture() {
    let mut bench = Bench::taught(Flavor::H264);
    let packets = packetize(1, &[&idr(3_000)], 1_000);
    bench.feed(1, &packets[1..]);
    bench.feed(1, &[(true, 2, later(0x41, 10))]);
    bench.feed(0, &packetize(3, &[&inter(10)], 1_000));
    let [unit] = &bench.out[..] else {
        panic!("{:?}", bench.out)
    };
    assert_eq!((unit.timestamp, unit.lost), (3, 2));
}

#[test]
fn loss_between_pictures_costs_none_when_the_first_is_whole() {
    let mut bench = Bench::new(Flavor::H264);
    bench.feed(0, &packetize(1, &[&idr(10)], 1_000));
    bench.feed(3, &packetize(2, &[&inter(10)], 1_000));
    bench.feed(0, &packetize(3, &[&inter(10)], 1_000));
    let lost: Vec<_> = bench.out.iter().map(|unit| unit.lost).collect();
    assert_eq!(lost, [0, 3, 0]);
}

#[test]
fn a_fragment_without_start_or_end_bit_is_forgiven() {
    let mut bench = Bench::taught(Flavor::H264);
    let idr = idr(3_000);
    let mut packets = packetize(1, &[&idr], 1_000);
    packets[0].2[1] &= 0x7f;
    let last = packets.len() - 1;
    packets[last].2[1] &= 0xbf;
    bench.feed(0, &packets);
    assert_eq!(bench.data(), [prefixed(&[&idr])]);
}

#[test]
fn a_session_that_starts_within_a_picture_waits_for_the_next() {
    let mut bench = Bench::new(Flavor::H264);
    bench.feed(0, &packetize(1, &[&idr(3_000)], 1_000)[1..]);
    bench.feed(0, &packetize(2, &[&idr(10)], 1_000));
    bench.feed(0, &packetize(3, &[&idr(20)], 1_000));
    assert_eq!(bench.data(), [prefixed(&[&idr(10)])]);
}

#[test]
fn an_endless_picture_is_dropped_at_the_limit() {
    let mut bench = Bench::taught(Flavor::H264);
    let mut fragment = vec![0x7c, 0x85, 0x88];
    fragment.resize(60_000, 1);
    bench.feed(0, &[(false, 1, fragment.clone())]);
    fragment[1] = 0x05;
    for _ in 0..200 {
        bench.feed(0, &[(false, 1, fragment.clone())]);
        let held = bench.assembler.pending.as_ref().unwrap().data.capacity();
        assert!(held <= 2 * MAX_ACCESS_UNIT);
    }
    bench.feed(0, &[(true, 1, fragment), (true, 2, idr(10))]);
    let [unit] = &bench.out[..] else { panic!() };
    assert_eq!((unit.timestamp, unit.lost), (2, 1));
}

#[test]
fn h265_fragments_and_aggregates_are_joined() {
    let mut bench = Bench::taught(Flavor::H265);
    let idr = [&[19 << 1, 1, 0x80][..], &[9; 50]].concat();
    let sei = [39 << 1, 1, 5, 1, 0xaa, 0x80];
    let mut payload = vec![48 << 1, 1];
    for nal in [&sei[..], &[35 << 1, 1, 0x50]] {
        payload.extend_from_slice(&u16::try_from(nal.len()).unwrap().to_be_bytes());
        payload.extend_from_slice(nal);
    }
    let fragment = |flags: u8, data: &[u8]| [&[49 << 1, 1, flags | 0x13], data].concat();
    bench.feed(
        0,
        &[
            (false, 1, payload),
            (false, 1, fragment(0x80, &idr[2..20])),
            (false, 1, fragment(0, &idr[20..40])),
            (true, 1, fragment(0x40, &idr[40..])),
        ],
    );
    assert_eq!(bench.data(), [prefixed(&[&sei, &idr])]);
    assert!(bench.out[0].key);
}

#[test]
fn h265_random_access_types_are_keys() {
    let mut bench = Bench::taught(Flavor::H265);
    for (timestamp, kind) in (0..).zip([1, 16, 18, 19, 20, 21, 0]) {
        bench.feed(0, &[(true, timestamp, slice265(kind, true))]);
    }
    let keys: Vec<_> = bench.out.iter().map(|unit| unit.key).collect();
    assert_eq!(keys, [false, true, true, true, true, true, false]);
}

#[test]
fn leading_pictures_of_a_first_cra_are_dropped_and_later_ones_kept() {
    let mut bench = Bench::new(Flavor::H265);
    for (timestamp, kind) in (0..).zip([21, 8, 9, 6, 1, 21, 9, 1, 1]) {
        bench.feed(0, &[(true, timestamp, slice265(kind, true))]);
    }
    let kept: Vec<_> = bench.out.iter().map(|unit| unit.timestamp).collect();
    assert_eq!(kept, [0, 3, 4, 5, 6, 7, 8]);
}

#[test]
fn leading_pictures_of_a_broken_link_are_dropped() {
    let mut bench = Bench::taught(Flavor::H265);
    for (timestamp, kind) in (0..).zip([16, 9, 1]) {
        bench.feed(0, &[(true, timestamp, slice265(kind, true))]);
    }
    let kept: Vec<_> = bench.out.iter().map(|unit| unit.timestamp).collect();
    assert_eq!(kept, [0, 2]);
}

fn any_draft() -> impl Strategy<Value = (u32, Draft)> {
    let payload = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..40),
        (any::<u8>(), proptest::collection::vec(any::<u8>(), 0..40)).prop_map(|(kind, rest)| {
            let heads: [&[u8]; 6] = [&[24], &[28, 0x85], &[28, 5], &[28, 0x45], &[0x65], &[98, 1]];
            [heads[usize::from(kind) % 6], &rest].concat()
        }),
    ];
    (
        prop_oneof![9 => Just(0), 1 => 1..4_u32],
        (any::<bool>(), 0..6_u32, payload),
    )
}

proptest! {
    #[test]
    fn random_packets_never_panic(drafts in proptest::collection::vec(any_draft(), 0..80), h265: bool) {
        let flavor = if h265 { Flavor::H265 } else { Flavor::H264 };
        let mut bench = Bench::new(flavor);
        for (lost, draft) in drafts {
            bench.feed(lost, &[draft]);
        }
        for unit in &bench.out {
            let nals: Result<Vec<_>, _> = nal::units(&unit.data).collect();
            prop_assert!(!nals.unwrap().is_empty());
        }
    }

    #[test]
    fn access_units_survive_packetizing(
        sizes in proptest::collection::vec((0..5_000_usize, 0..3_usize), 1..12),
        max in 40..1_500_usize,
    ) {
        let mut bench = Bench::new(Flavor::H264);
        let mut expected = Vec::new();
        for (n, (size, slices)) in (0_u32..).zip(sizes) {
            let mut nals = vec![if n % 4 == 0 { idr(size) } else { inter(size) }];
            let header = nals[0][0];
            nals.extend((0..slices).map(|s| later(header, size / (s + 1))));
            let nals: Vec<&[u8]> = nals.iter().map(Vec::as_slice).collect();
            bench.feed(0, &packetize(n * 3_600, &nals, max));
            expected.push(prefixed(&nals));
        }
        bench.assembler.flush(&mut |unit| bench.out.push(unit));
        prop_assert_eq!(bench.data(), expected);
    }
}
