//! Parameter sets that x265 wrote, against the `hvcC` that ffmpeg made of them; then rubbish.

use data_encoding::HEXLOWER_PERMISSIVE as HEX;
use proptest::prelude::*;

use super::*;
use crate::codec::{bits, nal, returns};

const MAIN: [&str; 3] = [
    "40010c01ffff016000000300900000030000030078959809",
    "420101016000000300900000030000030078a003c08010e596566924caf0168080000003008000000c84",
    "4401c172b46240",
];
const MAIN_HVCC: &str = "01016000000090000000000078f000fcfdf8f800000f03a00001001840010c01ffff016000000300900000030000030078959809a10001002a420101016000000300900000030000030078a003c08010e596566924caf0168080000003008000000c84a2000100074401c172b46240";
const MAIN10: [&str; 3] = [
    "40010c01ffff02200000030090000003000003005a959809",
    "42010102200000030090000003000003005aa006b201e1d6d96566924caf01680800001f480003a98040",
    "4401c172b46240",
];
const MAIN10_HVCC: &str = "0102200000009000000000005af000fcfdfafa00000f03a00001001840010c01ffff02200000030090000003000003005a959809a10001002a42010102200000030090000003000003005aa006b201e1d6d96566924caf01680800001f480003a98040a2000100074401c172b46240";

fn hex(text: &str) -> Vec<u8> {
    HEX.decode(text.as_bytes()).unwrap()
}

fn sets(texts: [&str; 3]) -> ParameterSets {
    let [vps, sps, pps] = texts.map(hex);
    ParameterSets::parse(&vps, &sps, &pps).unwrap()
}

#[test]
fn main_profile_1080p_is_cropped() {
    let sets = sets(MAIN);
    let size = VideoInfo {
        width: 1_920,
        height: 1_080,
    };
    assert_eq!(sets.video(), size);
    assert_eq!(sets.reorder_frames(), Some(2));
    assert_eq!(sets.frame_rate(), FrameRate::new(25, 1));
    assert_eq!(sets.codec_string(), "hvc1.1.6.L120.90");
    assert_eq!(sets.hvcc(), hex(MAIN_HVCC));
}

#[test]
fn main10_480p_keeps_depth_and_fractional_rate() {
    let sets = sets(MAIN10);
    let size = VideoInfo {
        width: 854,
        height: 480,
    };
    assert_eq!(sets.video(), size);
    assert_eq!(sets.sps().bit_depth_luma, 10);
    assert_eq!(sets.frame_rate(), FrameRate::new(30_000, 1_001));
    assert_eq!(sets.codec_string(), "hvc1.2.4.L90.90");
    assert_eq!(sets.hvcc(), hex(MAIN10_HVCC));
    assert_eq!(sets.track_config().extra, hex(MAIN10_HVCC));
}

#[test]
fn parameter_sets_come_back_out_of_hvcc() {
    for sets in [sets(MAIN), sets(MAIN10)] {
        assert_eq!(ParameterSets::from_hvcc(&sets.hvcc()), Ok(sets));
    }
}

#[test]
fn the_frame_rate_is_found_in_the_vps_too() {
    let [vps, sps, pps] = MAIN.map(hex);
    // The VPS with timing in place of its last bits: 1 unit of 30 a second.
    let plain = bits::unescape(&vps);
    let (head, _) = plain.split_at(plain.len() - 3);
    let ordering = "10010101100110000000";
    let timing = format!("{ordering}11{:032b}{:032b}0101", 1, 30);
    let tail = timing.as_bytes().chunks(8).map(|octet| {
        let bit = |(at, bit): (usize, &u8)| (bit & 1) << (7 - at);
        octet.iter().enumerate().map(bit).sum::<u8>()
    });
    let vps = bits::escape(&[head.to_vec(), tail.collect()].concat());
    // The SPS without its VUI.
    let sets = ParameterSets::parse(&vps, &sps[..sps.len() - 8], &pps).unwrap();
    assert_eq!(sets.frame_rate(), FrameRate::new(30, 1));
}

#[test]
fn sets_that_do_not_name_each_other_are_refused() {
    let [mut vps, sps, pps] = MAIN.map(hex);
    vps[2] |= 0x10;
    let foreign = ParameterSets::parse(&vps, &sps, &pps);
    assert_eq!(foreign, Err(CodecError::Mismatch { field: "SPS" }));
    // PPS id 0 (1), SPS id 1 (010).
    let foreign = sets(MAIN).add_pps(&[0x44, 1, 0b1010_1000]);
    assert_eq!(foreign, Err(CodecError::Mismatch { field: "PPS" }));
    let mut several = sets(MAIN);
    // PPS id 1 (010), SPS id 0 (1).
    several.add_pps(&[0x44, 1, 0b0101_1000]).unwrap();
    assert_eq!(several.nals().count(), 4);
    assert_eq!(ParameterSets::from_hvcc(&several.hvcc()), Ok(several));
}

#[test]
fn wrong_types_layers_and_sizes_are_refused() {
    let [vps, sps, pps] = MAIN.map(hex);
    assert!(ParameterSets::parse(&sps, &vps, &pps).is_err());
    assert!(ParameterSets::parse(&[], &sps, &pps).is_err());
    let mut upper = sps.clone();
    upper[1] |= 8;
    assert!(Sps::parse(&upper).is_err());
    let long = [sps.as_slice(), &[1; MAX_PARAMETER_SET]].concat();
    assert!(matches!(Sps::parse(&long), Err(CodecError::TooLong { .. })));
    let cut = &sps[..sps.len() - 8];
    assert_eq!(Sps::parse(cut).unwrap().frame_rate, None);
}

#[test]
fn types_are_classified() {
    let kind = |code: u8| NalType::of(&[code << 1, 1]).unwrap();
    for code in 0..64 {
        assert_eq!(kind(code).is_irap(), (16..=21).contains(&code));
        assert_eq!(kind(code).is_rasl(), code == 8 || code == 9);
        assert_eq!(kind(code).is_slice(), code < 32);
    }
    assert_eq!(NalType::of(&[0x80, 1]), None);
    assert_eq!(NalType::of(&[0x26]), None);
}

#[test]
fn keyframes_are_random_access_points() {
    let unit = |nals: &[&[u8]]| {
        let mut out = Vec::new();
        for each in nals {
            nal::push(&mut out, each).unwrap();
        }
        is_key(&out).unwrap()
    };
    let (cra, trail): (&[u8], &[u8]) = (&[21 << 1, 1, 0x80], &[1 << 1, 1, 0x80]);
    assert!(unit(&[&[39 << 1, 1, 0], cra, cra]));
    assert!(unit(&[cra, &[1 << 1, 9, 0x80]]));
    assert!(!unit(&[trail]));
    assert!(!unit(&[cra, trail]));
    assert!(!unit(&[&[39 << 1, 1, 0]]));
    assert!(is_key(&[0, 0, 0, 9, 1]).is_err());
    assert_eq!(first_slice_segment_in_pic(cra), Ok(true));
    assert_eq!(first_slice_segment_in_pic(&[2, 1, 0x40]), Ok(false));
    assert!(first_slice_segment_in_pic(&[2, 1]).is_err());
    assert!(first_slice_segment_in_pic(&[0x40, 1, 0x80]).is_err());
}

proptest! {
    #[test]
    fn random_bytes_never_panic(bytes: Vec<u8>) {
        let vps = [&[0x40, 1][..], &bytes].concat();
        let sps = [&[0x42, 1][..], &bytes].concat();
        let pps = [&[0x44, 1][..], &bytes].concat();
        if let Ok(sets) = ParameterSets::parse(&vps, &sps, &pps) {
            prop_assert_eq!(ParameterSets::from_hvcc(&sets.hvcc()), Ok(sets));
        }
        returns(first_slice_segment_in_pic(&bytes));
        returns(is_key(&bytes));
        returns(ParameterSets::from_hvcc(&bytes));
    }

    #[test]
    fn flipped_bits_never_panic_and_never_pass_the_limits(
        in_vps in 0_usize..192, in_sps in 0_usize..336, in_pps in 0_usize..56,
    ) {
        let [mut vps, mut sps, mut pps] = MAIN10.map(hex);
        for (nal, at) in [(&mut vps, in_vps), (&mut sps, in_sps), (&mut pps, in_pps)] {
            nal[at / 8] ^= 1 << (at % 8);
        }
        if let Ok(sets) = ParameterSets::parse(&vps, &sps, &pps) {
            prop_assert!(sets.hvcc().len() <= crate::track::MAX_CODEC_EXTRA);
            prop_assert_eq!(ParameterSets::from_hvcc(&sets.hvcc()), Ok(sets));
        }
        returns(Sps::parse(&bits::escape(&sps)));
    }
}
