//! H.264 parameter sets and `avcC`: what is accepted is written and read again as the same; slices and
//! SEI do not matter.
#![no_main]

use bartizan_fuzz::used;
use bartizan_media::codec::h264::{ParameterSets, SliceHeader, Sps, is_key, recovery_frame_count};
use bartizan_media::track::MAX_CODEC_EXTRA;
use libfuzzer_sys::fuzz_target;

fn check(sets: &ParameterSets) {
    let avcc = sets.avcc();
    assert!(avcc.len() <= MAX_CODEC_EXTRA);
    assert_eq!(ParameterSets::from_avcc(&avcc).as_ref(), Ok(sets));
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

fuzz_target!(|input: (&[u8], &[u8], &[u8])| {
    let (sps, pps, other) = input;
    used((
        Sps::parse(sps),
        SliceHeader::parse(other),
        recovery_frame_count(other),
        is_key(other),
    ));
    if let Ok(mut sets) = ParameterSets::parse(sps, pps) {
        used(sets.add_pps(other));
        check(&sets);
    }
    if let Ok(sets) = ParameterSets::from_avcc(other) {
        check(&sets);
    }
});
