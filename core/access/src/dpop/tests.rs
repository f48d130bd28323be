//! Proofs against the standard's own examples, and every way in which one can be wrong.

use std::time::Duration;

use bartizan_domain::{Monotonic, Secret, UtcMillis};
use data_encoding::BASE64URL_NOPAD;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::nonce::Nonces;
use crate::token::TokenHash;

const URL: &str = "http://127.0.0.1:8440/api/v1/site";
const TOKEN: &str = "bzn_token";
const NOW_S: u64 = 1_800_000_000;

fn request() -> ProofRequest<'static> {
    ProofRequest {
        method: "GET",
        url: URL,
        iat_s: NOW_S,
        jti: "one",
        nonce: None,
        token: Some(TOKEN),
    }
}

fn expected() -> Expected<'static> {
    Expected {
        method: "GET",
        url: URL,
        freshness: Freshness::Clock(UtcMillis(NOW_S * 1_000)),
        token: Some(TokenHash::of(TOKEN)),
    }
}

fn judged(request: &ProofRequest<'_>, expected: &Expected<'_>) -> Result<VerifiedProof, DpopError> {
    verify(&signed(request), expected)
}

fn signed(request: &ProofRequest<'_>) -> String {
    DeviceKey::generate().unwrap().proof(request).unwrap()
}

#[test]
fn a_proof_names_its_key() {
    let key = DeviceKey::generate().unwrap();
    let proof = verify(&key.proof(&request()).unwrap(), &expected()).unwrap();
    assert_eq!(proof.thumbprint(), key.thumbprint());
}

/// RFC 9449 §4.1.
const RFC_TOKEN_REQUEST: &str = concat!(
    "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6Ik",
    "VDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCR",
    "nMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JE",
    "QSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIj",
    "oiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwia",
    "WF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg",
    "4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg",
);

/// RFC 9449 §7.1.
const RFC_RESOURCE_REQUEST: &str = concat!(
    "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6Ik",
    "VDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCR",
    "nMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JE",
    "QSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIj",
    "oiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0Z",
    "WRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNF",
    "c05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71E",
    "OptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA",
);

#[test]
fn the_standards_own_proofs_are_accepted() {
    let without_token = Expected {
        method: "POST",
        url: "https://server.example.com/token",
        freshness: Freshness::Clock(UtcMillis(1_562_262_616_000)),
        token: None,
    };
    let with_token = Expected {
        method: "GET",
        url: "https://resource.example.org/protectedresource",
        freshness: Freshness::Clock(UtcMillis(1_562_262_618_000)),
        token: Some(TokenHash::of("Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU")),
    };
    for (proof, expected) in [
        (RFC_TOKEN_REQUEST, without_token),
        (RFC_RESOURCE_REQUEST, with_token),
    ] {
        let verified = verify(proof, &expected).unwrap();
        // RFC 9449 §6.1: the `jkt` of this key.
        let jkt = BASE64URL_NOPAD.encode(verified.thumbprint().as_bytes());
        assert_eq!(jkt, "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");
    }
}

#[test]
fn a_key_survives_storage() {
    let key = DeviceKey::generate().unwrap();
    let stored = key.to_pkcs8().unwrap();
    let again = DeviceKey::from_pkcs8(stored.expose()).unwrap();
    assert_eq!(again.public(), key.public());
    assert_eq!(
        DeviceKey::from_pkcs8(b"rubbish").unwrap_err(),
        KeyError::Malformed
    );
    assert!(!format!("{key:?} {stored:?}").contains("PRIVATE"));
}

#[test]
fn method_address_and_token_all_count() {
    assert!(judged(&request(), &expected()).is_ok());
    let post = Expected {
        method: "POST",
        ..expected()
    };
    assert_eq!(judged(&request(), &post), Err(DpopError::Method));
    let other_token = Expected {
        token: Some(TokenHash::of("other")),
        ..expected()
    };
    assert_eq!(judged(&request(), &other_token), Err(DpopError::Token));
    let no_token = Expected {
        token: None,
        ..expected()
    };
    assert_eq!(judged(&request(), &no_token), Err(DpopError::Token));
    let bare = ProofRequest {
        token: None,
        ..request()
    };
    assert_eq!(judged(&bare, &expected()), Err(DpopError::Token));
}

#[test]
fn addresses_are_compared_in_one_form() {
    for same in [
        "HTTP://127.0.0.1:8440/api/v1/site",
        "http://127.0.0.1:8440/api/v1/site?from=1#x",
    ] {
        assert!(
            judged(
                &ProofRequest {
                    url: same,
                    ..request()
                },
                &expected()
            )
            .is_ok(),
            "{same}"
        );
    }
    for other in [
        "https://127.0.0.1:8440/api/v1/site",
        "http://127.0.0.1:8441/api/v1/site",
        "http://127.0.0.1/api/v1/site",
        "http://localhost:8440/api/v1/site",
        "http://127.0.0.1:8440/api/v1/site/",
        "http://127.0.0.1:8440/api/v1/Site",
        "http://127.0.0.1:8440/api/v1/%73ite",
        "http://user@127.0.0.1:8440/api/v1/site",
        "http://127.0.0.1:8440",
        "http://127.0.0.1:8440x/api/v1/site",
        "http://127.0.0.1:99999/api/v1/site",
        "ftp://127.0.0.1:8440/api/v1/site",
        "/api/v1/site",
        "",
    ] {
        let proof = judged(
            &ProofRequest {
                url: other,
                ..request()
            },
            &expected(),
        );
        assert_eq!(proof, Err(DpopError::Url), "{other}");
    }
}

#[test]
fn default_ports_may_be_left_out() {
    let https = "https://gateway.home:443/a";
    let default_port = Expected {
        url: "https://Gateway.home/a",
        ..expected()
    };
    assert!(
        judged(
            &ProofRequest {
                url: https,
                ..request()
            },
            &default_port
        )
        .is_ok()
    );
    let six = "http://[::1]/a";
    let with_port = Expected {
        url: "http://[::1]:80/a",
        ..expected()
    };
    assert!(
        judged(
            &ProofRequest {
                url: six,
                ..request()
            },
            &with_port
        )
        .is_ok()
    );
    let nowhere = Expected {
        url: "",
        ..expected()
    };
    assert_eq!(
        judged(
            &ProofRequest {
                url: "",
                ..request()
            },
            &nowhere
        ),
        Err(DpopError::Url)
    );
}

#[test]
fn r_4_old_and_future_proofs_are_refused() {
    for (iat_s, skew) in [
        (NOW_S - 60, None),
        (NOW_S + 60, None),
        (NOW_S - 61, Some(61)),
        (NOW_S + 61, Some(61)),
        (0, Some(NOW_S)),
        (u64::MAX, Some(u64::MAX - NOW_S)),
    ] {
        let error = judged(&ProofRequest { iat_s, ..request() }, &expected()).err();
        assert_eq!(
            error,
            skew.map(|skew_s| DpopError::Time { skew_s }),
            "{iat_s}"
        );
    }
}

#[test]
fn r_4_the_servers_nonce_is_wanted_where_there_is_one() {
    let nonces = Nonces::new(&Secret::new([1; 32]));
    let now = Monotonic::from_start(Duration::from_secs(500));
    let wanted = Expected {
        freshness: Freshness::Nonce(&nonces, now),
        ..expected()
    };
    let fresh = nonces.current(now);
    let old = nonces.current(Monotonic::from_start(Duration::from_secs(200)));
    let wrong_clock = ProofRequest {
        nonce: Some(&fresh),
        iat_s: 5,
        ..request()
    };
    assert!(judged(&wrong_clock, &wanted).is_ok());
    for nonce in [None, Some("guessed"), Some(old.as_str())] {
        let proof = judged(&ProofRequest { nonce, ..request() }, &wanted);
        assert_eq!(proof, Err(DpopError::Nonce), "{nonce:?}");
    }
}

#[test]
fn jtis_are_bounded() {
    let long = "j".repeat(MAX_JTI + 1);
    for jti in ["", &long] {
        let proof = judged(&ProofRequest { jti, ..request() }, &expected());
        assert_eq!(proof, Err(DpopError::Malformed));
    }
    let longest = "j".repeat(MAX_JTI);
    assert!(
        judged(
            &ProofRequest {
                jti: &longest,
                ..request()
            },
            &expected()
        )
        .is_ok()
    );
}

/// A proof with a header or claims changed, signed again by the same key.
fn forged(change: impl FnOnce(&mut Value, &mut Value)) -> Result<VerifiedProof, DpopError> {
    verify(&resigned(change), &expected())
}

fn resigned(change: impl FnOnce(&mut Value, &mut Value)) -> String {
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
    let key = DeviceKey::generate().unwrap();
    let honest = key.proof(&request()).unwrap();
    let parts: Vec<&str> = honest.split('.').collect();
    let value = |part: &str| -> Value {
        serde_json::from_slice(&BASE64URL_NOPAD.decode(part.as_bytes()).unwrap()).unwrap()
    };
    let (mut header, mut claims) = (value(parts[0]), value(parts[1]));
    change(&mut header, &mut claims);
    let encode = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
    let message = format!("{}.{}", encode(&header), encode(&claims));
    let pkcs8 = key.to_pkcs8().unwrap();
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.expose()).unwrap();
    let signature = pair.sign(&SystemRandom::new(), message.as_bytes()).unwrap();
    format!("{message}.{}", BASE64URL_NOPAD.encode(signature.as_ref()))
}

type Change = fn(&mut Value, &mut Value);

#[test]
fn headers_and_claims_have_one_form() {
    assert!(forged(|_, _| ()).is_ok());
    assert!(forged(|_, c| c["extra"] = json!(1)).is_ok());
    let faults: [(Change, DpopError); 18] = [
        (|h, _| h["typ"] = json!("JWT"), DpopError::Type),
        (|h, _| h["alg"] = json!("none"), DpopError::Algorithm),
        (|h, _| h["alg"] = json!("HS256"), DpopError::Algorithm),
        (|h, _| h["alg"] = json!("EdDSA"), DpopError::Algorithm),
        (|h, _| h["crit"] = json!(["b64"]), DpopError::Malformed),
        (|h, _| h["kid"] = json!("1"), DpopError::Malformed),
        (|h, _| h["jwk"]["d"] = json!("AAAA"), DpopError::PrivateKey),
        (|h, _| h["jwk"]["k"] = json!("AAAA"), DpopError::Malformed),
        (|h, _| h["jwk"]["kty"] = json!("OKP"), DpopError::KeyKind),
        (|h, _| h["jwk"]["crv"] = json!("P-384"), DpopError::KeyKind),
        (|h, _| h["jwk"]["x"] = json!("AAAA"), DpopError::NotAPoint),
        (
            |h, _| h["jwk"]["x"] = h["jwk"]["y"].clone(),
            DpopError::NotAPoint,
        ),
        (
            |h, _| h["jwk"]["x"] = json!("_".repeat(42) + "8"),
            DpopError::NotAPoint,
        ),
        (|h, _| h["jwk"] = json!(null), DpopError::Malformed),
        (|_, c| c["iat"] = json!("1800000000"), DpopError::Malformed),
        (|_, c| c["iat"] = json!(-1), DpopError::Malformed),
        (|_, c| c["jti"] = json!(7), DpopError::Malformed),
        (|_, c| c["ath"] = json!(""), DpopError::Token),
    ];
    for (number, (change, expected)) in faults.into_iter().enumerate() {
        assert_eq!(forged(change).unwrap_err(), expected, "fault {number}");
    }
}

#[test]
fn a_foreign_key_in_the_header_does_not_verify() {
    let other = DeviceKey::generate().unwrap().proof(&request()).unwrap();
    let header = other.split('.').next().unwrap();
    let jwk = BASE64URL_NOPAD.decode(header.as_bytes()).unwrap();
    let jwk: Value = serde_json::from_slice(&jwk).unwrap();
    let swapped = forged(move_in(&jwk["jwk"]));
    assert_eq!(swapped, Err(DpopError::Signature));
}

fn move_in(jwk: &Value) -> impl FnOnce(&mut Value, &mut Value) {
    let jwk = jwk.clone();
    move |header, _| header["jwk"] = jwk
}

#[test]
fn every_changed_character_is_noticed() {
    let proof = DeviceKey::generate().unwrap().proof(&request()).unwrap();
    for at in 0..proof.len() {
        let mut changed = proof.clone().into_bytes();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).unwrap();
        assert!(verify(&changed, &expected()).is_err(), "character {at}");
    }
}

#[test]
fn what_is_no_proof_is_refused_without_work() {
    let len = MAX_PROOF + 1;
    assert_eq!(
        verify(&"A".repeat(len), &expected()),
        Err(DpopError::TooLong { len })
    );
    let deep = BASE64URL_NOPAD.encode("[".repeat(2_000).as_bytes());
    for text in [
        "",
        ".",
        "..",
        "...",
        "a.b",
        "a.b.c.d",
        "e30.e30.e30",
        &format!("{deep}.e30.AA"),
        "€.€.€",
    ] {
        assert_eq!(
            verify(text, &expected()),
            Err(DpopError::Malformed),
            "{text}"
        );
    }
}

proptest! {
    #[test]
    fn foreign_text_never_panics(text in "[A-Za-z0-9._=-]{0,300}") {
        prop_assert!(verify(&text, &expected()).is_err());
    }

    #[test]
    fn foreign_json_never_panics(header in ".{0,80}", claims in ".{0,80}") {
        let encode = |text: &str| BASE64URL_NOPAD.encode(text.as_bytes());
        let proof = format!("{}.{}.AAAA", encode(&header), encode(&claims));
        prop_assert!(verify(&proof, &expected()).is_err());
    }

    #[test]
    fn any_address_of_ours_is_equal_to_itself(host in "[a-zA-Z0-9.-]{1,20}", port in any::<u16>(), path in "(/[a-z0-9-]{1,8}){0,4}") {
        let url = format!("https://{host}:{port}{path}");
        let expected = Expected { url: &url, ..expected() };
        let proof = judged(&ProofRequest { url: &url, ..request() }, &expected);
        prop_assert!(proof.is_ok());
    }
}
