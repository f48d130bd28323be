//! H.265 parameter sets and `hvcC`: what is accepted is written and read again as the same.
#![no_main]

use bartizan_fuzz::used;
use bartizan_media::codec::h265::{ParameterSets, Sps, first_slice_segment_in_pic, is_key};
use bartizan_media::track::MAX_CODEC_EXTRA;
use libfuzzer_sys::fuzz_target;

fn check(sets: &ParameterSets) {
    let hvcc = sets.hvcc();
    assert!(hvcc.len() <= MAX_CODEC_EXTRA);
    assert_eq!(ParameterSets::from_hvcc(&hvcc).as_ref(), Ok(sets));
    let config = sets.track_config();
    assert_eq!(
        bartizan_media::TrackConfig::decode(&config.encode()),
        Ok(config)
    );
    let video = sets.video();
    assert!(video.width > 0 && video.height > 0);
    assert!(
        sets.frame_rate()
            .is_none_or(|rate| rate.frame_ticks(90_000) > 0)
    );
    assert!(sets.codec_string().is_ascii());
}

fuzz_target!(|input: (&[u8], &[u8], &[u8], &[u8])| {
    let (vps, sps, pps, other) = input;
    used((
        Sps::parse(sps),
        first_slice_segment_in_pic(other),
        is_key(other),
    ));
    if let Ok(mut sets) = ParameterSets::parse(vps, sps, pps) {
        used(sets.add_pps(other));
        check(&sets);
    }
    if let Ok(sets) = ParameterSets::from_hvcc(other) {
        check(&sets);
    }
});
