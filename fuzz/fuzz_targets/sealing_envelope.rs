//! Envelopes: wraps ascend, and no bytes but the sealer's pass the roster, signed anew or not.
#![no_main]

use std::sync::LazyLock;

use bartizan_fuzz::{key, reader, roster, used};
use bartizan_identity::{Roster, Signature};
use bartizan_sealing::Envelope;
use libfuzzer_sys::fuzz_target;

static ROSTER: LazyLock<Roster> = LazyLock::new(roster);

fuzz_target!(|bytes: &[u8]| {
    if let Ok(envelope) = Envelope::decode(bytes) {
        assert!((1..=256).contains(&envelope.wraps.len()));
        assert!(envelope.wraps.is_sorted_by(|a, b| a.key < b.key));
        used(envelope.verify(&ROSTER));
    }
    // The sealer itself may be broken: its signature is right, what it signs is not.
    let Some((message, _)) = bytes.split_last_chunk::<{ Signature::LEN }>() else {
        return;
    };
    let signature = key(4).sign(b"bartizan/v1/envelope", message);
    let signed = [message, signature.as_bytes()].concat();
    let Ok(envelope) = Envelope::decode(&signed) else {
        return;
    };
    if let Ok(verified) = envelope.verify(&ROSTER) {
        assert_eq!(verified.envelope().sealer, key(4).public().id());
        for seed in [1, 2] {
            if let Ok(epoch) = verified.open(&reader(seed)) {
                assert_eq!(epoch.commitment(), verified.envelope().commitment);
            }
        }
    }
});
