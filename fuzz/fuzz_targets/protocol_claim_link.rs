//! Claim links as they are pasted: what is read is written the same way again.
#![no_main]

use bartizan_protocol::claim::ClaimLink;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(link) = text.parse::<ClaimLink>() {
        let written = link.to_string();
        let again: ClaimLink = written.parse().expect("its own text");
        assert_eq!(again.to_string(), written);
        assert_eq!((again.token, again.sealer), (link.token, link.sealer));
    }
});
