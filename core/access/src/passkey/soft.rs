//! A passkey in software, for tests: it makes and signs what browsers and authenticators hand over, rightly or
//! with one thing wrong at a time. It asks nobody for a finger.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};

/// Somebody was there.
pub(crate) const PRESENT: u8 = 0b0000_0001;

/// Somebody was there, and it was the right person.
pub(crate) const VERIFIED: u8 = PRESENT | 0b0000_0100;

/// One credential on one authenticator, in one browser; everything that it says can be changed.
pub(crate) struct Soft {
    pair: EcdsaKeyPair,
    pub(crate) id: Vec<u8>,
    pub(crate) user: Vec<u8>,
    pub(crate) origin: String,
    pub(crate) rp_id: String,
    pub(crate) flags: u8,
    pub(crate) counter: u32,
    pub(crate) cross_origin: bool,
    pub(crate) extensions: Value,
}

impl Soft {
    /// An honest one for a page.
    pub(crate) fn new(origin: &str, rp_id: &str, user: &[u8]) -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
        let id = sha256(pair.public_key().as_ref());
        Self {
            pair,
            id,
            user: user.to_vec(),
            origin: origin.to_owned(),
            rp_id: rp_id.to_owned(),
            flags: VERIFIED,
            counter: 0,
            cross_origin: false,
            extensions: json!({}),
        }
    }

    /// What `navigator.credentials.create()` gives, as `toJSON()` writes it.
    pub(crate) fn creates(&self, challenge: &[u8]) -> Value {
        let mut data = self.data(0x40);
        data.extend([0; 16]);
        data.extend(u16::try_from(self.id.len()).unwrap().to_be_bytes());
        data.extend(&self.id);
        data.extend(self.cose());
        let mut object = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x59".to_vec();
        object.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
        object.extend(data);
        let response = json!({
            "clientDataJSON": text(&self.client_data("webauthn.create", challenge)),
            "attestationObject": text(&object),
            "transports": ["internal"],
        });
        self.credential(&response)
    }

    /// What `navigator.credentials.get()` gives.
    pub(crate) fn gets(&self, challenge: &[u8]) -> Value {
        let client_data = self.client_data("webauthn.get", challenge);
        let data = self.data(0);
        let message = [data.as_slice(), &sha256(&client_data)].concat();
        let signature = self.pair.sign(&SystemRandom::new(), &message).unwrap();
        let response = json!({
            "clientDataJSON": text(&client_data),
            "authenticatorData": text(&data),
            "signature": text(signature.as_ref()),
            "userHandle": text(&self.user),
        });
        self.credential(&response)
    }

    fn credential(&self, response: &Value) -> Value {
        json!({
            "id": text(&self.id),
            "rawId": text(&self.id),
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "response": response,
            "clientExtensionResults": self.extensions,
        })
    }

    fn client_data(&self, kind: &str, challenge: &[u8]) -> Vec<u8> {
        let data = json!({
            "type": kind,
            "challenge": text(challenge),
            "origin": self.origin,
            "crossOrigin": self.cross_origin,
            "other_keys_can_be_added_here": "do not compare clientDataJSON against a template",
        });
        data.to_string().into_bytes()
    }

    fn data(&self, flags: u8) -> Vec<u8> {
        let mut data = sha256(self.rp_id.as_bytes());
        data.push(self.flags | flags);
        data.extend(self.counter.to_be_bytes());
        data
    }

    /// RFC 9053 §7.1.1, an EC2 key for ES256.
    fn cose(&self) -> Vec<u8> {
        let point = self.pair.public_key().as_ref();
        let (x, y) = point[1..].split_at(32);
        let head = b"\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20".as_slice();
        [head, x, b"\x22\x58\x20", y].concat()
    }
}

fn sha256(bytes: &[u8]) -> Vec<u8> {
    digest(&SHA256, bytes).as_ref().to_vec()
}

fn text(bytes: &[u8]) -> String {
    BASE64URL_NOPAD.encode(bytes)
}
