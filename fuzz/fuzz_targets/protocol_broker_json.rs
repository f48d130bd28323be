//! The lines between ingest, supervisor and gateway: what is read means the same when it is written again.
#![no_main]

use bartizan_protocol::broker::{Answer, FromSupervisor, Request, ToSupervisor};
use libfuzzer_sys::fuzz_target;

fn check<T: serde::Serialize + serde::de::DeserializeOwned + PartialEq>(line: &[u8]) {
    if let Ok(document) = serde_json::from_slice::<T>(line) {
        let written = serde_json::to_vec(&document).expect("documents have string keys only");
        assert!(!written.contains(&b'\n'));
        assert!(serde_json::from_slice::<T>(&written).is_ok_and(|again| again == document));
    }
}

fuzz_target!(|line: &[u8]| {
    check::<Request>(line);
    check::<Answer>(line);
    check::<ToSupervisor>(line);
    check::<FromSupervisor>(line);
});
