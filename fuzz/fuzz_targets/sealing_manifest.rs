//! Manifests: what is accepted has one encoding, and only a sealer's signature passes.
#![no_main]

use std::sync::LazyLock;

use bartizan_fuzz::{key, roster, used};
use bartizan_identity::{Roster, Signature};
use bartizan_sealing::{Manifest, Record};
use libfuzzer_sys::fuzz_target;

static ROSTER: LazyLock<Roster> = LazyLock::new(roster);

fuzz_target!(|bytes: &[u8]| {
    let Ok(manifest) = Manifest::decode(bytes) else {
        return;
    };
    let mut out = Vec::new();
    manifest.sign(&key(4), &mut out);
    let (record, _) = Record::split(&out).expect("ours").expect("whole");
    let unsigned = |body: &[u8]| body[..body.len() - Signature::LEN].to_vec();
    assert_eq!(unsigned(record.body), unsigned(bytes));
    for gap in &manifest.gaps {
        used(gap.covers(gap.first_segment.saturating_add(gap.segments)));
    }
    if let Ok(verified) = Manifest::verify(record.body, &ROSTER) {
        assert_eq!(verified, manifest);
    }
    if let Ok(verified) = Manifest::verify(bytes, &ROSTER) {
        assert_eq!(
            (verified.sealer, record.body),
            (key(4).public().id(), bytes)
        );
    }
});
