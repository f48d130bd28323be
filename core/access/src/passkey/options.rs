//! What the browser is asked for: options documents (`WebAuthn` L3 §5.4, §5.5) in the form that
//! `parseCreationOptionsFromJSON` and `parseRequestOptionsFromJSON` take.

use bartizan_domain::MemberId;
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};

use super::authenticator::ALGORITHMS;
use super::{CEREMONY_LIFETIME, RelyingParty};

/// Asks for a new passkey of a member: discoverable, with user verification, on an authenticator that has none of
/// `present` (credential ids). `name` is what the authenticator shows.
pub fn creation(
    party: &RelyingParty,
    (member, name): (MemberId, &str),
    present: &[&[u8]],
    ceremony: &[u8],
) -> Value {
    let parameter = |algorithm: &i64| json!({ "type": "public-key", "alg": algorithm });
    let parameters: Vec<_> = ALGORITHMS.iter().map(parameter).collect();
    let descriptor = |id: &&[u8]| json!({ "type": "public-key", "id": BASE64URL_NOPAD.encode(id) });
    let present: Vec<_> = present.iter().map(descriptor).collect();
    json!({
        "rp": { "id": party.id(), "name": "Bartizan" },
        "user": {
            "id": BASE64URL_NOPAD.encode(member.as_bytes()),
            "name": name,
            "displayName": name,
        },
        "challenge": BASE64URL_NOPAD.encode(ceremony),
        "pubKeyCredParams": parameters,
        "timeout": timeout_ms(),
        "excludeCredentials": present,
        "authenticatorSelection": {
            "residentKey": "required",
            "requireResidentKey": true,
            "userVerification": "required",
        },
        "attestation": "none",
    })
}

/// Asks for any passkey of this RP id, with user verification. It names none: strangers learn nothing.
pub fn request(party: &RelyingParty, ceremony: &[u8]) -> Value {
    json!({
        "challenge": BASE64URL_NOPAD.encode(ceremony),
        "timeout": timeout_ms(),
        "rpId": party.id(),
        "allowCredentials": [],
        "userVerification": "required",
    })
}

fn timeout_ms() -> u64 {
    u64::try_from(CEREMONY_LIFETIME.as_millis()).unwrap_or(u64::MAX)
}
