//! AudioSpecificConfig: what is accepted keeps its bytes and has a possible shape.
#![no_main]

use bartizan_fuzz::used;
use bartizan_media::codec::aac::AudioSpecificConfig;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(config) = AudioSpecificConfig::parse(bytes) {
        assert!(bytes.starts_with(config.as_bytes()));
        assert_eq!(
            AudioSpecificConfig::parse(config.as_bytes()).as_ref(),
            Ok(&config)
        );
        let audio = config.audio();
        assert!(audio.sample_rate > 0 && audio.channels > 0);
        assert!(config.frame_samples() > 0);
        used(config.frame_ticks(audio.sample_rate));
        assert!(config.codec_string().starts_with("mp4a.40."));
    }
});
