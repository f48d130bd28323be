//! Records: what is split off fits, and a header has one encoding.
#![no_main]

use bartizan_domain::Hash;
use bartizan_domain::limits::MAX_RECORD_BODY;
use bartizan_sealing::Record;
use bartizan_sealing::record::{COVERED_LEN, HEADER_LEN};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut rest = bytes;
    while let Ok(Some((record, tail))) = Record::split(rest) {
        assert_eq!(record.bytes.len() + tail.len(), rest.len());
        assert_eq!(record.body.len(), record.header.body_len as usize);
        assert!(record.body.len() <= MAX_RECORD_BODY);
        assert_eq!(record.header.covered(), record.bytes[..COVERED_LEN]);
        if let Some(chain) = record.chain_after(&Hash::ZERO) {
            assert_eq!(record.header.encode(&chain), record.bytes[..HEADER_LEN]);
        }
        rest = tail;
    }
});
