//! Segment headers: what is accepted has one encoding.
#![no_main]

use bartizan_sealing::SegmentHeader;
use bartizan_sealing::segment::SEGMENT_HEADER_LEN;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(header) = SegmentHeader::decode(bytes) {
        assert_eq!(header.encode(), bytes);
        assert_eq!(bytes.len(), SEGMENT_HEADER_LEN);
    }
});
