//! Names that people give: what is accepted stays as it is when it is parsed again.
#![no_main]

use bartizan_domain::limits::MAX_NAME_CHARS;
use bartizan_domain::text::Name;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(name) = Name::parse(text) {
        assert!((1..=MAX_NAME_CHARS).contains(&name.as_str().chars().count()));
        assert!(!name.as_str().chars().any(char::is_control));
        assert_eq!(Name::parse(name.as_str()), Ok(name));
    }
});
