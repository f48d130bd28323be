//! Session descriptions: whatever comes, the limits hold.
#![no_main]

use bartizan_fuzz::used;
use bartizan_media::sdp::{Description, MAX_FORMATS, MAX_MEDIA};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let description = Description::parse(bytes);
    assert!(description.media.len() <= MAX_MEDIA);
    for media in &description.media {
        assert!(media.formats.len() <= MAX_FORMATS);
        for format in &media.formats {
            assert!(format.payload_type <= 127);
            used(format.parameter("sprop-parameter-sets"));
        }
    }
});
