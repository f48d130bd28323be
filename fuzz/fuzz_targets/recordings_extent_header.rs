//! Extent headers and the layout file, with and without a good check behind them.
#![no_main]

use bartizan_fuzz::{checked, used};
use bartizan_recordings::{EXTENT_HEADER_LEN, ExtentHeader, parse_layout};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    for bytes in [bytes, &checked(bytes)] {
        if let Ok(header) = ExtentHeader::parse(bytes) {
            let page = header.encode();
            assert_eq!(page[..EXTENT_HEADER_LEN], bytes[..EXTENT_HEADER_LEN]);
            assert_eq!(ExtentHeader::parse(&page), Ok(header));
        }
        if let Ok(geometry) = parse_layout(bytes) {
            assert!(geometry.extents_per_volume() > 0 && geometry.payload() > 0);
            used(geometry.within(u64::MAX));
            used(geometry.start_of(u64::MAX));
        }
    }
});
