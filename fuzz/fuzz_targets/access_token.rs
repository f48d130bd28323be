//! Tokens, nonces and tickets as requests show them: foreign text is none, and a token's text has one form.
#![no_main]

use std::time::Duration;

use bartizan_access::Nonces;
use bartizan_access::ticket::Tickets;
use bartizan_access::token::{PREFIX, TEXT_LEN, TokenHash, parse};
use bartizan_domain::{Monotonic, Secret};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Some(hash) = parse(text) {
        assert!(text.len() == TEXT_LEN && text.starts_with(PREFIX));
        assert_eq!(hash, TokenHash::of(text));
    }
    let now = Monotonic::from_start(Duration::from_secs(1_000));
    let nonces = Nonces::new(&Secret::new([9; 32]));
    assert!(!nonces.accepts(text, now));
    assert!(Tickets::new().spend(text, now).is_err());
});
