//! The site's certificate as it lies in the database: what is read can be written, renewed or refused.
#![no_main]

use std::sync::LazyLock;

use bartizan_domain::UtcMillis;
use bartizan_fuzz::{START, used};
use bartizan_http::tls::{SiteCertificate, site_certificate};
use libfuzzer_sys::fuzz_target;

/// What the gateway once stored.
static STORED: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let made = site_certificate(None, &names(), START).expect("a certificate");
    made.to_bytes().expose().clone()
});

fn names() -> [String; 2] {
    ["gateway.local", "192.168.1.2"].map(str::to_owned)
}

/// What is stored with something else in one place.
fn changed(at: u16, len: u8, with: &[u8]) -> Vec<u8> {
    let at = usize::from(at) % STORED.len();
    let end = (at + usize::from(len)).min(STORED.len());
    [&STORED[..at], with, &STORED[end..]].concat()
}

fuzz_target!(|input: (u64, u8, u16, u8, &[u8])| {
    let (later, choice, at, len, with) = input;
    let bytes = if choice & 1 == 0 {
        changed(at, len, with)
    } else {
        with.to_vec()
    };
    let Ok(stored) = SiteCertificate::from_bytes(&bytes) else {
        return;
    };
    let written = stored.to_bytes();
    let again = SiteCertificate::from_bytes(written.expose()).expect("its own bytes");
    assert_eq!(again.to_bytes().expose(), written.expose());
    used(stored.server_config().map(drop));
    for now in [UtcMillis(later), START.saturating_add(later % (1 << 40))] {
        let before = SiteCertificate::from_bytes(&bytes).ok();
        if let Ok(made) = site_certificate(before, &names(), now) {
            used(made.server_config().map(drop));
        }
    }
});
