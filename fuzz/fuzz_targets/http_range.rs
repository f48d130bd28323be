//! `Range` headers: what is given lies within what is kept, and is what was asked for.
#![no_main]

use bartizan_http::fuzzing::range;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u64, u64, &str)| {
    let (a, b, value) = input;
    let kept = a.min(b)..a.max(b);
    for value in [value, &format!("bytes={value}")] {
        let Some(given) = range(value, &kept) else {
            continue;
        };
        assert!(kept.start <= given.start && given.start < given.end && given.end <= kept.end);
        // Asked for by its exact bytes, it is the same.
        let exact = format!("bytes={}-{}", given.start, given.end - 1);
        assert_eq!(range(&exact, &kept), Some(given));
    }
});
