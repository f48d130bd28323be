//! Track configurations, as they stand in the first frame of a segment: what is accepted has one encoding.
#![no_main]

use bartizan_media::TrackConfig;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(config) = TrackConfig::decode(bytes) {
        assert_eq!(config.encode(), bytes);
    }
});
