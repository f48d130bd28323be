//! Parameter sets that x264 wrote, against the `avcC` that ffmpeg made of them; then rubbish.

use data_encoding::HEXLOWER_PERMISSIVE as HEX;
use proptest::prelude::*;

use super::*;
use crate::codec::{bits, nal, returns};

const BASELINE_SPS: &str = "6742c028d900780227e5c044000003000400000300c83c60c920";
const BASELINE_PPS: &str = "68cb83cb20";
const BASELINE_AVCC: &str =
    "0142c028ffe1001a6742c028d900780227e5c044000003000400000300c83c60c92001000568cb83cb20";
const HIGH_SPS: &str = "6764001facd940d83de6f0110000030001000003003c0f183196";
const HIGH_PPS: &str = "68ebe3cb22c0";
const HIGH_AVCC: &str = "0164001fffe1001a6764001facd940d83de6f0110000030001000003003c0f18319601000668ebe3cb22c0fdf8f800";

fn hex(text: &str) -> Vec<u8> {
    HEX.decode(text.as_bytes()).unwrap()
}

fn baseline() -> ParameterSets {
    ParameterSets::parse(&hex(BASELINE_SPS), &hex(BASELINE_PPS)).unwrap()
}

fn high() -> ParameterSets {
    ParameterSets::parse(&hex(HIGH_SPS), &hex(HIGH_PPS)).unwrap()
}

#[test]
fn baseline_1080p_is_cropped_and_in_order() {
    let sets = baseline();
    let size = VideoInfo {
        width: 1_920,
        height: 1_080,
    };
    assert_eq!(sets.video(), size);
    assert_eq!(sets.reorder_frames(), Some(0));
    assert_eq!(sets.frame_rate(), FrameRate::new(50, 2));
    assert_eq!(sets.codec_string(), "avc1.42C028");
    assert_eq!(sets.avcc(), hex(BASELINE_AVCC));
}

#[test]
fn high_with_b_frames_reorders_and_extends_its_avcc() {
    let sets = high();
    let size = VideoInfo {
        width: 854,
        height: 480,
    };
    assert_eq!(sets.video(), size);
    assert_eq!(sets.reorder_frames(), Some(2));
    assert_eq!(sets.frame_rate(), FrameRate::new(60, 2));
    assert_eq!(sets.codec_string(), "avc1.64001F");
    assert_eq!(sets.avcc(), hex(HIGH_AVCC));
    assert_eq!(sets.track_config().extra, hex(HIGH_AVCC));
}

#[test]
fn parameter_sets_come_back_out_of_avcc() {
    for sets in [baseline(), high()] {
        assert_eq!(ParameterSets::from_avcc(&sets.avcc()), Ok(sets));
    }
    let without_extension = &hex(HIGH_AVCC)[..HIGH_AVCC.len() / 2 - 4];
    assert_eq!(ParameterSets::from_avcc(without_extension), Ok(high()));
}

#[test]
fn further_pps_join_and_foreign_ones_do_not() {
    let mut sets = baseline();
    // PPS id 1 (010), SPS id 0 (1), stop bit.
    sets.add_pps(&[0x68, 0b0101_1000]).unwrap();
    assert_eq!(sets.pps_nals().count(), 2);
    assert_eq!(ParameterSets::from_avcc(&sets.avcc()), Ok(sets.clone()));
    // PPS id 2 (011), SPS id 1 (010).
    let foreign = sets.add_pps(&[0x68, 0b0110_1010]);
    assert_eq!(foreign, Err(CodecError::Mismatch { field: "PPS" }));

    let mut large = vec![0x68, 0b0110_1000, 0x80, 0, 0];
    large.resize(MAX_PARAMETER_SET, 0x55);
    let ids = [0b0111_0000_u8, 0b0010_0100, 0b0010_1100, 0b0011_0100];
    let results: Vec<_> = ids
        .into_iter()
        .map(|id| {
            large[1] = id;
            sets.add_pps(&large)
        })
        .collect();
    assert!(matches!(
        results.last(),
        Some(Err(CodecError::TooLong { .. }))
    ));
    assert!(sets.avcc().len() <= crate::track::MAX_CODEC_EXTRA);
}

#[test]
fn padding_behind_parameter_sets_is_dropped() {
    let (mut sps, mut pps) = (hex(BASELINE_SPS), hex(BASELINE_PPS));
    sps.extend([0, 0]);
    pps.push(0);
    assert_eq!(ParameterSets::parse(&sps, &pps), Ok(baseline()));
}

#[test]
fn a_broken_vui_costs_only_the_vui() {
    let cut = &hex(BASELINE_SPS)[..14];
    let sps = Sps::parse(cut).unwrap();
    assert_eq!(sps.video, baseline().video());
    assert_eq!(sps.frame_rate, None);
}

#[test]
fn wrong_types_and_sizes_are_refused() {
    let (sps, pps) = (hex(BASELINE_SPS), hex(BASELINE_PPS));
    assert!(ParameterSets::parse(&pps, &sps).is_err());
    assert!(ParameterSets::parse(&[], &pps).is_err());
    assert!(ParameterSets::parse(&sps, &[]).is_err());
    let long = [sps.as_slice(), &[1; MAX_PARAMETER_SET]].concat();
    assert!(matches!(Sps::parse(&long), Err(CodecError::TooLong { .. })));
    for len in 0..10 {
        assert!(Sps::parse(&sps[..len]).is_err());
    }
}

#[test]
fn unusual_avcc_is_unsupported_not_guessed() {
    let mut short_lengths = hex(BASELINE_AVCC);
    short_lengths[4] = 0xfd;
    let mut no_sps = hex(BASELINE_AVCC);
    no_sps[5] = 0xe0;
    for bad in [short_lengths, no_sps] {
        let parsed = ParameterSets::from_avcc(&bad);
        assert!(matches!(parsed, Err(CodecError::Unsupported { .. })));
    }
}

fn unit(nals: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::new();
    for each in nals {
        nal::push(&mut out, each).unwrap();
    }
    out
}

#[test]
fn keyframes_are_idr_or_intra_at_a_recovery_point() {
    // first_mb 0 (1), slice_type 7 = I (0001000), pps 0 (1); slice_type 5 = P (00110).
    let intra: &[u8] = &[0x41, 0b1000_1000, 0b1100_0000];
    let inter: &[u8] = &[0x41, 0b1001_1010, 0b1000_0000];
    let now: &[u8] = &[6, 6, 1, 0b1100_0100, 0x80];
    let later: &[u8] = &[6, 6, 1, 0b0111_0010, 0x80];
    let user_data: &[u8] = &[6, 5, 2, 9, 9, 6, 1, 0b1100_0100, 0x80];
    let key = |nals: &[&[u8]]| is_key(&unit(nals)).unwrap();

    assert!(key(&[&[0x65, 0x88, 0x80]]));
    assert!(key(&[now, intra]));
    assert!(key(&[user_data, intra, intra]));
    assert!(!key(&[intra]));
    assert!(!key(&[later, intra]));
    assert!(!key(&[now, intra, inter]));
    assert!(!key(&[now]));
    assert!(is_key(&[0, 0, 0, 9, 1]).is_err());
    assert_eq!(recovery_frame_count(later), Ok(Some(2)));
    assert_eq!(recovery_frame_count(&[6, 0x80]), Ok(None));
}

#[test]
fn slice_headers_tell_where_a_picture_begins() {
    let header = SliceHeader::parse(&[0x41, 0b0101_0011, 0b0100_0000]).unwrap();
    assert_eq!(header.first_mb_in_slice, 1);
    assert_eq!(header.kind, SliceKind::P);
    assert_eq!(header.pps_id, 5);
    assert!(SliceHeader::parse(&[0x67, 0xff]).is_err());
    assert!(SliceHeader::parse(&[0x41]).is_err());
}

proptest! {
    #[test]
    fn random_bytes_never_panic(bytes: Vec<u8>) {
        let sps = [&[0x67][..], &bytes].concat();
        let high = [&[0x67, 100][..], &bytes].concat();
        let pps = [&[0x68][..], &bytes].concat();
        let sei = [&[0x06][..], &bytes].concat();
        let slice = [&[0x41][..], &bytes].concat();
        if let Ok(sets) = ParameterSets::parse(&sps, &pps) {
            prop_assert_eq!(ParameterSets::from_avcc(&sets.avcc()), Ok(sets));
        }
        if let Ok(sps) = Sps::parse(&high) {
            prop_assert!((16..=16_384).contains(&sps.video.width));
        }
        returns(recovery_frame_count(&sei));
        returns(SliceHeader::parse(&slice));
        returns(is_key(&bytes));
        returns(ParameterSets::from_avcc(&bytes));
    }

    #[test]
    fn a_flipped_bit_never_panics_and_never_passes_the_limits(at in 0_usize..208, pps in 0_usize..48) {
        let (mut sps, mut pps_nal) = (hex(HIGH_SPS), hex(HIGH_PPS));
        sps[at / 8] ^= 1 << (at % 8);
        pps_nal[pps / 8] ^= 1 << (pps % 8);
        if let Ok(sets) = ParameterSets::parse(&sps, &pps_nal) {
            prop_assert!(sets.avcc().len() <= crate::track::MAX_CODEC_EXTRA);
            prop_assert_eq!(ParameterSets::from_avcc(&sets.avcc()), Ok(sets));
        }
        let escaped = bits::escape(&bits::unescape(&sps));
        prop_assert_eq!(bits::unescape(&escaped), bits::unescape(&sps));
    }
}
