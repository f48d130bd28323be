//! Times as people type them: each is read or refused, and can be shown.
#![no_main]

#[path = "../../services/cli/src/moment.rs"]
mod moment;

use std::sync::LazyLock;

use bartizan_domain::UtcMillis;
use bartizan_fuzz::used;
use jiff::tz::TimeZone;
use libfuzzer_sys::fuzz_target;

/// With summer time, so that some local times are there twice or not at all.
static ZONE: LazyLock<TimeZone> =
    LazyLock::new(|| TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").expect("a POSIX zone"));

fuzz_target!(|input: (u64, &str)| {
    let (now, text) = input;
    for now in [UtcMillis(now), UtcMillis(now % 4_000_000_000_000)] {
        used(moment::show(now, &ZONE));
        if let Ok(time) = moment::parse(text, now, &ZONE) {
            let shown = moment::show(time, &ZONE);
            assert!(!shown.is_empty());
            used(moment::show_span(time.since(now)));
        }
    }
});
