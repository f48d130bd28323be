//! Opus: `dOps` bodies are written as they were read, and packets last at most 120 ms.
#![no_main]

use bartizan_fuzz::used;
use bartizan_media::codec::opus::{OpusConfig, packet_samples};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(samples) = packet_samples(bytes) {
        assert!((120..=5_760).contains(&samples));
    }
    if let Ok(config) = OpusConfig::parse(bytes) {
        assert_eq!(OpusConfig::parse(&config.dops()).as_ref(), Ok(&config));
        used(config.track_config());
    }
});
