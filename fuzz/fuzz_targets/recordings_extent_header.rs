//! Extent headers and the layout file, with and without a good check behind them.
#![no_main]

use bartizan_fuzz::checked;
use bartizan_recordings::{ExtentHeader, parse_layout};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    for bytes in [bytes, &checked(bytes)] {
        if let Ok(header) = ExtentHeader::parse(bytes) {
            let page = header.encode();
            assert!(page.starts_with(bytes) || bytes.starts_with(page.trim_ascii_end()));
            assert_eq!(ExtentHeader::parse(&page), Ok(header));
        }
        if let Ok(geometry) = parse_layout(bytes) {
            assert!(geometry.extents_per_volume() > 0 && geometry.payload() > 0);
            std::hint::black_box(geometry.within(u64::MAX));
            std::hint::black_box(geometry.start_of(u64::MAX));
        }
    }
});
