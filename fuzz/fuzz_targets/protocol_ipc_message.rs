//! Messages between gateway and ingest: what is split off fits, and documents mean the same when they
//! are written again.
#![no_main]

use bartizan_protocol::ipc::{
    FromIngest, Message, ToIngest, envelope_message, json_message, records_prefix,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut rest = bytes;
    while let Ok(Some((message, tail))) = Message::split(rest) {
        let taken = &rest[..rest.len() - tail.len()];
        match message {
            Message::Records { stream, bytes } => {
                let prefix = records_prefix(stream, bytes.len());
                assert_eq!([prefix.as_slice(), bytes].concat(), taken);
            }
            Message::Envelope {
                camera,
                epoch,
                bytes,
            } => {
                assert_eq!(envelope_message(camera, epoch, bytes), taken);
            }
            Message::Json(json) => documents(json),
        }
        rest = tail;
    }
    documents(bytes);
});

fn documents(json: &[u8]) {
    if let Ok(document) = serde_json::from_slice::<FromIngest>(json) {
        assert_eq!(again::<FromIngest>(&json_message(&document)), document);
    }
    if let Ok(document) = serde_json::from_slice::<ToIngest>(json) {
        assert_eq!(again::<ToIngest>(&json_message(&document)), document);
    }
}

fn again<T: serde::de::DeserializeOwned>(message: &[u8]) -> T {
    match Message::split(message).expect("ours").expect("whole") {
        (Message::Json(json), []) => serde_json::from_slice(json).expect("ours"),
        other => panic!("{other:?}"),
    }
}
