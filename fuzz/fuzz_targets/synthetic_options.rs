//! Addresses of synthetic cameras: what is accepted is within the limits that are written down.
#![no_main]

#[expect(dead_code, reason = "the camera needs more of it than this")]
#[path = "../../shell/synthetic/src/options.rs"]
mod options;

use libfuzzer_sys::fuzz_target;
use options::{BITRATE, FPS, GOP_MS, HEIGHT, MAX_CANARY, MAX_LABEL, SyntheticOptions, WIDTH};

fuzz_target!(|text: &str| {
    let Ok(options) = text.parse::<SyntheticOptions>() else {
        return;
    };
    assert!(WIDTH.contains(&options.width()) && options.width().is_multiple_of(2));
    assert!(HEIGHT.contains(&options.height()) && options.height().is_multiple_of(2));
    assert!(FPS.contains(&options.fps()));
    assert!(BITRATE.contains(&options.bitrate_bps()));
    let gop = u32::try_from(options.gop().as_millis()).expect("at most 30 s");
    assert!(GOP_MS.contains(&gop));
    assert!((1..=MAX_LABEL).contains(&options.label().len()));
    assert!(
        options
            .canary()
            .is_none_or(|canary| canary.len() <= MAX_CANARY)
    );
});
