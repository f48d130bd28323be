//! What a browser hands over: the credential documents (`WebAuthn` L3 §5.1, `toJSON()`) and the client data that
//! the authenticator's signature covers (§5.8.1).

use std::borrow::Cow;

use bartizan_domain::sabotage;
use bartizan_identity::key::sha256;
use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::authenticator::MAX_CREDENTIAL_ID;
use super::{PasskeyError, RelyingParty};

/// Bytes of client data at most.
const MAX_CLIENT_DATA: usize = 4 * 1_024;

/// Bytes of an attestation object at most; certificates in it are passed over.
const MAX_ATTESTATION: usize = 32 * 1_024;

/// Bytes of authenticator data at an assertion at most.
const MAX_AUTHENTICATOR_DATA: usize = 2 * 1_024;

/// Bytes of a signature at most (RSA with 4,096 bits).
const MAX_SIGNATURE: usize = 512;

/// Bytes of a user handle at most (`WebAuthn` L3 §5.4.3).
const MAX_USER_HANDLE: usize = 64;

const MALFORMED: PasskeyError =
    PasskeyError::Malformed("this is not what a browser gives for a passkey");

#[derive(Deserialize)]
struct Document<R> {
    id: String,
    #[serde(rename = "rawId", deserialize_with = "bytes")]
    raw_id: Vec<u8>,
    #[serde(rename = "type")]
    kind: String,
    response: R,
    #[serde(rename = "clientExtensionResults", default)]
    extensions: Value,
}

#[derive(Deserialize)]
struct Attestation {
    #[serde(rename = "clientDataJSON", deserialize_with = "bytes")]
    client_data: Vec<u8>,
    #[serde(rename = "attestationObject", deserialize_with = "bytes")]
    object: Vec<u8>,
}

#[derive(Deserialize)]
struct Assertion {
    #[serde(rename = "clientDataJSON", deserialize_with = "bytes")]
    client_data: Vec<u8>,
    #[serde(rename = "authenticatorData", deserialize_with = "bytes")]
    authenticator_data: Vec<u8>,
    #[serde(deserialize_with = "bytes")]
    signature: Vec<u8>,
    #[serde(rename = "userHandle", default)]
    user_handle: Option<String>,
}

fn bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let bytes = BASE64URL_NOPAD.decode(text.as_bytes());
    bytes.map_err(|_opaque| serde::de::Error::custom("not unpadded base64url"))
}

/// A new passkey as a browser hands it over (`RegistrationResponseJSON`).
pub(super) struct Registration {
    pub(super) id: Vec<u8>,
    pub(super) client_data: Vec<u8>,
    pub(super) object: Vec<u8>,
}

impl Registration {
    pub(super) fn parse(credential: &Value) -> Result<Self, PasskeyError> {
        let (id, response) = document::<Attestation>(credential)?;
        if response.client_data.len() > MAX_CLIENT_DATA || response.object.len() > MAX_ATTESTATION {
            return Err(MALFORMED);
        }
        Ok(Self {
            id,
            client_data: response.client_data,
            object: response.object,
        })
    }
}

/// A passkey's answer as a browser hands it over (`AuthenticationResponseJSON`). Nothing is verified yet.
#[derive(Debug, Clone)]
pub struct Answer {
    pub(super) id: Vec<u8>,
    pub(super) client_data: Vec<u8>,
    pub(super) authenticator_data: Vec<u8>,
    pub(super) signature: Vec<u8>,
    pub(super) user_handle: Option<Vec<u8>>,
}

impl Answer {
    /// Takes the document apart, within bounds.
    pub fn parse(credential: &Value) -> Result<Self, PasskeyError> {
        let (id, response) = document::<Assertion>(credential)?;
        let handle = response
            .user_handle
            .map(|text| BASE64URL_NOPAD.decode(text.as_bytes()));
        let user_handle = handle.transpose().map_err(|_opaque| MALFORMED)?;
        let too_long = response.client_data.len() > MAX_CLIENT_DATA
            || response.authenticator_data.len() > MAX_AUTHENTICATOR_DATA
            || response.signature.len() > MAX_SIGNATURE
            || user_handle
                .as_ref()
                .is_some_and(|handle| handle.len() > MAX_USER_HANDLE);
        if too_long {
            return Err(MALFORMED);
        }
        Ok(Self {
            id,
            client_data: response.client_data,
            authenticator_data: response.authenticator_data,
            signature: response.signature,
            user_handle,
        })
    }

    /// Which passkey it claims to be of.
    pub fn credential(&self) -> &[u8] {
        &self.id
    }

    /// What the authenticator signs (`WebAuthn` L3 §6.3.3): its data and the hash of the client's.
    pub(super) fn signed(&self) -> Vec<u8> {
        let hash = sha256(&[&self.client_data]);
        [self.authenticator_data.as_slice(), hash.as_bytes()].concat()
    }
}

fn document<R: for<'de> Deserialize<'de>>(
    credential: &Value,
) -> Result<(Vec<u8>, R), PasskeyError> {
    let document = Document::<R>::deserialize(credential).map_err(|_opaque| MALFORMED)?;
    if holds_secret(&document.extensions) {
        return Err(PasskeyError::SecretSent);
    }
    let named = document.id == BASE64URL_NOPAD.encode(&document.raw_id);
    let bounded = (1..=MAX_CREDENTIAL_ID).contains(&document.raw_id.len());
    if document.kind != "public-key" || !named || !bounded {
        return Err(MALFORMED);
    }
    Ok((document.raw_id, document.response))
}

/// Outputs that only the member's device may know (`WebAuthn` L3 §10.1.4, §10.1.5; CTAP 2.1 §12.7).
fn holds_secret(extensions: &Value) -> bool {
    let filled = |path: &str| {
        extensions
            .pointer(path)
            .is_some_and(|value| !value.is_null())
    };
    ["/prf/results", "/hmacGetSecret", "/largeBlob/blob"]
        .iter()
        .any(|path| filled(path))
}

/// What the browser was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Create,
    Get,
}

#[derive(Deserialize)]
struct ClientData<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    challenge: Cow<'a, str>,
    #[serde(borrow)]
    origin: Cow<'a, str>,
    #[serde(rename = "crossOrigin", default)]
    cross_origin: bool,
    #[serde(rename = "topOrigin", default, borrow)]
    top_origin: Option<Cow<'a, str>>,
}

/// Whether the client data is of this ceremony and of the gateway's own page (`WebAuthn` L3 §7.1, 7–11; §7.2, 10–14).
pub(super) fn of_own_page(
    client_data: &[u8],
    kind: Kind,
    party: &RelyingParty,
    challenge: &[u8],
) -> Result<(), PasskeyError> {
    let data: ClientData<'_> = serde_json::from_slice(client_data).map_err(|_opaque| MALFORMED)?;
    let wanted = match kind {
        Kind::Create => "webauthn.create",
        Kind::Get => "webauthn.get",
    };
    let framed = data.cross_origin || data.top_origin.is_some();
    let own = data.kind == wanted && data.origin == party.origin() && !framed;
    if !own && !sabotage::off("R-4") {
        return Err(PasskeyError::OtherPage);
    }
    if data.challenge != BASE64URL_NOPAD.encode(challenge) && !sabotage::off("R-4") {
        return Err(PasskeyError::BadCeremony);
    }
    Ok(())
}
