//! Challenges, transport fields and answers' first lines, as cameras write them.
#![no_main]

use bartizan_domain::Secret;
use bartizan_fuzz::used;
use bartizan_media::rtsp::auth::Answerer;
use bartizan_media::rtsp::message::{Head, MAX_FIELDS};
use bartizan_media::rtsp::transport::Agreed;
use bartizan_media::url::Credentials;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    used(Agreed::parse(&text));
    if let Some(head) = Head::parse(bytes) {
        assert!(head.fields().all("a").count() <= MAX_FIELDS);
        used(head.fields().content_length());
    }
    let Ok(mut answerer) = Answerer::new(text.lines()) else {
        return;
    };
    let credentials = Credentials::new("user".to_owned(), Secret::new("password".to_owned()));
    let credentials = credentials.expect("plain text");
    for _ in 0..2 {
        if let Ok(answer) = answerer.answer(&credentials, "DESCRIBE", "rtsp://camera/stream") {
            assert!(!answer.contains(['\r', '\n']), "{answer:?}");
        }
    }
});
