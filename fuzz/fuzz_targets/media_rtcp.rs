//! RTCP: reports end, and times do not overflow.
#![no_main]

use bartizan_fuzz::used;
use bartizan_media::rtp::rtcp::{Report, parse};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut reports = 0;
    for report in parse(bytes) {
        if let Report::Sender(sender) = report {
            used((sender.utc(), sender.short_ntp()));
        }
        reports += 1;
    }
    assert!(reports <= bytes.len() / 4);
});
