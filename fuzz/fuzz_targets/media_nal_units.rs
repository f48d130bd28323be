//! NAL units behind lengths and behind start codes: both forms tell the same units.
#![no_main]

use bartizan_domain::limits::MAX_ACCESS_UNIT;
use bartizan_media::codec::bits::{escape, unescape};
use bartizan_media::codec::nal::{MAX_NALS, annex_b, from_annex_b, retain, to_annex_b, units};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(data) = from_annex_b(bytes) {
        assert!(data.len() <= MAX_ACCESS_UNIT);
        let found: Vec<_> = annex_b(bytes).collect();
        let kept: Vec<_> = units(&data).collect::<Result<_, _>>().expect("ours");
        assert_eq!(found, kept);
        assert_eq!(
            from_annex_b(&to_annex_b(&data).expect("ours")).as_ref(),
            Ok(&data)
        );
    }
    assert!(units(bytes).count() <= MAX_NALS + 1);
    if let Ok(data) = retain(bytes, |_| true) {
        assert_eq!(data, bytes);
    }
    assert_eq!(unescape(&escape(bytes)), bytes);
});
