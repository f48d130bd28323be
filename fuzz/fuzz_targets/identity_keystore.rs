//! Key stores: clear and locked. What opens has one encoding; foreign bytes never open.
#![no_main]

use bartizan_domain::Secret;
use bartizan_identity::keystore::{Keystore, MAX_READER_KEYS};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let lock = Secret::new([5; 32]);
    assert!(Keystore::unlock(bytes, &lock).is_err());
    if let Ok(store) = Keystore::decode(bytes) {
        assert!(store.readers().len() <= MAX_READER_KEYS);
        assert_eq!(store.encode().expose(), bytes);
        let opened = Keystore::unlock(&store.lock(&lock, [6; 12]), &lock).expect("its own lock");
        assert_eq!(opened.encode().expose(), bytes);
    }
});
