//! Recovery words as people type them; and any words of the list, by their numbers, so that checksums
//! are met.
#![no_main]

use bartizan_identity::recovery::{RecoveryKey, WORDS};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(key) = RecoveryKey::parse(text) {
        let words = key.words();
        assert_eq!(words.expose().split(' ').count(), WORDS);
        let again = RecoveryKey::parse(words.expose()).expect("its own words");
        assert_eq!(again.lock(), key.lock());
    }
});
