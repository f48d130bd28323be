//! A gateway's refusals: whatever they say, what is shown is short and can't rewrite a terminal.
#![no_main]

use bartizan_client::transport::fuzzing::{first_byte, refusal};
use http::header::{CONTENT_RANGE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, StatusCode};
use libfuzzer_sys::fuzz_target;

/// As long as the gateway's own words may be.
const MAX_SHOWN: usize = 500;

fn check(text: &str) {
    assert!(text.chars().count() <= MAX_SHOWN);
    let rewrites = |c: char| c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c);
    assert!(!text.chars().any(rewrites));
}

fuzz_target!(|input: (u16, &[u8], &[u8], &[u8])| {
    let (status, retry, range, body) = input;
    let status = StatusCode::from_u16(100 + status % 900).expect("three digits");
    let mut headers = HeaderMap::new();
    for (name, value) in [(RETRY_AFTER, retry), (CONTENT_RANGE, range)] {
        if let Ok(value) = HeaderValue::from_bytes(value) {
            headers.insert(name, value);
        }
    }
    let error = refusal(status, &headers, body);
    for text in [&error.kind, &error.detail, &error.to_string()] {
        check(text);
    }
    error.reference.as_deref().into_iter().for_each(check);
    assert!(!error.detail.is_empty());
    assert_eq!(error.status, status.as_u16());
    if first_byte(&headers).is_some() {
        assert!(range.starts_with(b"bytes "));
    }
});
