//! DPoP proofs: no foreign text passes; and any claims under a good signature pass only when they say what
//! is expected.
#![no_main]

use std::sync::LazyLock;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use bartizan_access::dpop::{Expected, Freshness, MAX_JTI, verify};
use bartizan_domain::UtcMillis;
use data_encoding::BASE64URL_NOPAD;
use libfuzzer_sys::fuzz_target;

static KEY: LazyLock<EcdsaKeyPair> =
    LazyLock::new(|| EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key"));

const EXPECTED: Expected<'_> = Expected {
    method: "GET",
    url: "https://gateway/api/site",
    freshness: Freshness::Clock(UtcMillis(1_700_000_000_000)),
    token: None,
};

/// `claims` under a good header and signature.
fn proof(claims: &[u8]) -> String {
    let (_, point) = KEY.public_key().as_ref().split_at(1);
    let [x, y] = [&point[..32], &point[32..]].map(|half| BASE64URL_NOPAD.encode(half));
    let jwk = format!(r#"{{"kty":"EC","crv":"P-256","x":"{x}","y":"{y}"}}"#);
    let header = format!(r#"{{"typ":"dpop+jwt","alg":"ES256","jwk":{jwk}}}"#);
    let [header, claims] = [header.as_bytes(), claims].map(|part| BASE64URL_NOPAD.encode(part));
    let message = format!("{header}.{claims}");
    let signature = KEY
        .sign(&SystemRandom::new(), message.as_bytes())
        .expect("our own key");
    format!("{message}.{}", BASE64URL_NOPAD.encode(signature.as_ref()))
}

fuzz_target!(|bytes: &[u8]| {
    if let Ok(text) = std::str::from_utf8(bytes) {
        assert!(verify(text, &EXPECTED).is_err());
    }
    if verify(&proof(bytes), &EXPECTED).is_ok() {
        let claims: serde_json::Value = serde_json::from_slice(bytes).expect("it was read");
        assert_eq!(claims["htm"], "GET");
        assert!(
            claims["jti"]
                .as_str()
                .is_some_and(|jti| (1..=MAX_JTI).contains(&jti.len()))
        );
        assert!(
            claims["iat"]
                .as_u64()
                .is_some_and(|iat| iat.abs_diff(1_700_000_000) <= 60)
        );
    }
});
