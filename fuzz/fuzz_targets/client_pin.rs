//! The certificates that a stranger shows: only one with the pinned key, or one that the pinned authority signed
//! for this name and time, is a gateway's.
#![no_main]

use std::sync::LazyLock;

use bartizan_client::transport::Trust;
use bartizan_client::transport::fuzzing::recognised;
use bartizan_domain::Fingerprint;
use bartizan_fuzz::START;
use bartizan_http::tls::site_certificate;
use libfuzzer_sys::fuzz_target;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};

/// The gateway's certificate and its authority's.
static CHAIN: LazyLock<[CertificateDer<'static>; 2]> = LazyLock::new(|| {
    let names = ["gateway.local".to_owned()];
    let made = site_certificate(None, &names, START).expect("a certificate");
    [made.certificate_pem(), made.authority_pem()]
        .map(|pem| CertificateDer::from_pem_slice(pem.as_bytes()).expect("our own certificate"))
});

static NAME: LazyLock<ServerName<'static>> =
    LazyLock::new(|| ServerName::try_from("gateway.local").expect("a name"));

/// The pin that is learned from the real gateway: its authority's.
static PIN: LazyLock<Fingerprint> = LazyLock::new(|| {
    recognised(Trust::FirstUse, &*CHAIN, &NAME, START).expect("our own certificate")
});

/// Changes bytes of a certificate: place and value.
fn changed(certificate: &CertificateDer<'_>, changes: &[(u16, u8)]) -> CertificateDer<'static> {
    let mut bytes = certificate.to_vec();
    for (at, value) in changes {
        let at = usize::from(*at) % bytes.len();
        bytes[at] = *value;
    }
    bytes.into()
}

fuzz_target!(|input: (u8, Vec<(u16, u8)>, Vec<(u16, u8)>, u32, &[u8])| {
    let (choice, leaf, authority, later, foreign) = input;
    let [ours, above] = &*CHAIN;
    let foreign = CertificateDer::from(foreign.to_vec());
    let leaf = if choice & 1 == 0 {
        foreign.clone()
    } else {
        changed(ours, &leaf)
    };
    let mut chain = vec![leaf.clone()];
    chain.extend((choice & 2 != 0).then(|| changed(above, &authority)));
    chain.extend((choice & 4 != 0).then_some(foreign));
    chain.extend((choice & 8 != 0).then(|| above.clone()));
    let now = START.saturating_add(later.into());
    let pinned = recognised(Trust::Pinned(*PIN), &chain, &NAME, now);
    assert!(pinned.is_none_or(|pin| pin == *PIN));
    // Only the certificate that the authority signed stands for it.
    assert!(pinned.is_none() || leaf == *ours);
    let learned = recognised(Trust::FirstUse, &chain, &NAME, now);
    if let Some(learned) = learned {
        let again = recognised(Trust::Pinned(learned), &chain, &NAME, now);
        assert_eq!(again, Some(learned), "what is learned is recognised");
    }
});
