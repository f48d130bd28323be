//! `Host`, request target, `Origin` and `Sec-Fetch-Site`: a request is taken for one of the listener's own names
//! only, and never for another site's page. An origin has one form.
#![no_main]

use std::sync::LazyLock;

use bartizan_http::fuzzing::admitted;
use bartizan_http::{Origin, Scheme};
use http::header::{HOST, ORIGIN};
use http::{HeaderValue, Request};
use libfuzzer_sys::fuzz_target;

const NAMES: [&str; 4] = [
    "http://127.0.0.1:8440",
    "http://[::1]:8440",
    "http://localhost:8440",
    "https://gateway.home",
];

static ORIGINS: LazyLock<Vec<Origin>> = LazyLock::new(|| {
    let names = NAMES.iter().map(|name| name.parse().expect("an origin"));
    names.collect()
});

fuzz_target!(|input: (u8, &[u8], &str, &[u8], &[u8])| {
    let (flags, host, target, origin, site) = input;
    if let Ok(parsed) = target.parse::<Origin>() {
        let written = parsed.to_string();
        assert_eq!(written.parse::<Origin>(), Ok(parsed));
        assert!(!written.contains('@'));
    }
    let target = if flags & 1 == 0 {
        "/api/v1/site"
    } else {
        target
    };
    let mut request = Request::builder().uri(target);
    for (flag, name, value) in [
        (2, HOST, host),
        (4, HOST, host),
        (8, ORIGIN, origin),
        (16, http::HeaderName::from_static("sec-fetch-site"), site),
    ] {
        if flags & flag != 0
            && let Ok(value) = HeaderValue::from_bytes(value)
        {
            request = request.header(name, value);
        }
    }
    let Ok(request) = request.body(()) else {
        return;
    };
    let (parts, ()) = request.into_parts();
    let Some(own) = admitted(Scheme::Http, &ORIGINS, &parts) else {
        return;
    };
    assert!(NAMES.contains(&own.as_str()));
    assert_eq!(parts.headers.get_all(HOST).iter().count(), 1);
    let pages = parts.headers.get_all(ORIGIN).iter();
    assert!(
        pages
            .into_iter()
            .all(|page| page.as_bytes() == own.as_bytes())
    );
    let (_, authority) = own.split_once("://").expect("an origin");
    let (name, _) = authority.rsplit_once(':').unwrap_or((authority, ""));
    let host = parts.headers[HOST].to_str().expect("it was read");
    assert!(host.to_ascii_lowercase().starts_with(name));
});
