//! Sealed columns of the database: foreign bytes never open, and what was sealed opens as it was.
#![no_main]

use std::sync::LazyLock;

use bartizan_base::rootkey::{RootKey, RootKeySource};
use bartizan_base::seal_at_rest::{AtRest, OVERHEAD, Purpose};
use libfuzzer_sys::fuzz_target;

static AT_REST: LazyLock<AtRest> =
    LazyLock::new(|| AtRest::new(&RootKey::from_bytes([3; 32], RootKeySource::File)));

const PURPOSE: Purpose = Purpose::new("fuzz.column");

fuzz_target!(|input: (&[u8], &[u8])| {
    let (id, bytes) = input;
    assert!(AT_REST.open(PURPOSE, id, bytes).is_err());
    // With the one version that there is.
    assert!(AT_REST.open(PURPOSE, id, &[&[1], bytes].concat()).is_err());
    let sealed = AT_REST.seal(PURPOSE, id, bytes).expect("a short value");
    assert_eq!(sealed.len(), bytes.len() + OVERHEAD);
    assert_eq!(AT_REST.open(PURPOSE, id, &sealed).as_deref(), Ok(bytes));
});
