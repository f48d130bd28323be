//! Camera addresses as people type them: what goes into requests holds no credentials and nothing that
//! ends a line, and reads as the same address.
#![no_main]

use bartizan_domain::limits::MAX_URL_BYTES;
use bartizan_media::url::{RtspUrl, Source};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Ok(Source::Rtsp(url)) = Source::parse(text) else {
        return;
    };
    let uri = url.request_uri();
    assert!(uri.len() <= 3 * MAX_URL_BYTES);
    assert!(uri.bytes().all(|byte| byte.is_ascii_graphic()));
    assert!(!format!("{url} {url:?}").contains(url.host()) || url.host().len() < 10);
    if uri.len() <= MAX_URL_BYTES {
        let again = RtspUrl::parse(&uri).expect("its own text");
        assert!(again.same_server(&url) && again.credentials().is_none());
        assert_eq!(again.request_uri(), uri);
    }
});
