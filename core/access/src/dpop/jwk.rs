//! The public key inside a proof: a P-256 point as a JSON Web Key (RFC 7518 §6.2.1), and its thumbprint.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ParsedPublicKey};
use bartizan_domain::Fingerprint;
use bartizan_identity::key::sha256;
use data_encoding::BASE64URL_NOPAD;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::DpopError;

/// Bytes of a coordinate (RFC 7518 §6.2.1.2).
const COORDINATE: usize = 32;

/// First byte of an uncompressed point (SEC 1 §2.3.3).
const UNCOMPRESSED: u8 = 4;

/// A public key that can't be anything but a point on P-256.
#[derive(Debug, Clone)]
pub struct Jwk {
    point: [u8; 1 + 2 * COORDINATE],
    parsed: ParsedPublicKey,
}

/// As it stands in a header. Other members (`kid`, `alg`, `ext` …) are refused: no client of ours sends them.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct JwkText {
    crv: String,
    kty: String,
    x: String,
    y: String,
    #[serde(skip_serializing, default)]
    d: Option<IgnoredAny>,
}

impl Jwk {
    /// Takes an uncompressed point.
    pub(super) fn from_point(point: &[u8]) -> Option<Self> {
        let point: [u8; 1 + 2 * COORDINATE] = point.try_into().ok()?;
        if point.first() != Some(&UNCOMPRESSED) {
            return None;
        }
        // Refuses coordinates that are not reduced and points that are not on the curve.
        let parsed = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).ok()?;
        Some(Self { point, parsed })
    }

    /// Reads the `jwk` member of a proof's header.
    pub(super) fn parse(text: &JwkText) -> Result<Self, DpopError> {
        if text.d.is_some() {
            return Err(DpopError::PrivateKey);
        }
        if text.kty != "EC" || text.crv != "P-256" {
            return Err(DpopError::KeyKind);
        }
        let point = [
            vec![UNCOMPRESSED],
            coordinate(&text.x)?,
            coordinate(&text.y)?,
        ]
        .concat();
        Self::from_point(&point).ok_or(DpopError::NotAPoint)
    }

    pub(super) fn text(&self) -> JwkText {
        let (x, y) = self.coordinates();
        JwkText {
            crv: "P-256".to_owned(),
            kty: "EC".to_owned(),
            x,
            y,
            d: None,
        }
    }

    /// SHA-256 over the required members in their one canonical form (RFC 7638 §3).
    pub fn thumbprint(&self) -> Fingerprint {
        let (x, y) = self.coordinates();
        let canonical = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
        Fingerprint::new(*sha256(&[canonical.as_bytes()]).as_bytes())
    }

    /// Checks a signature `r ‖ s` (RFC 7518 §3.4) over `message`.
    pub(super) fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), DpopError> {
        self.parsed
            .verify_sig(message, signature)
            .map_err(|_opaque| DpopError::Signature)
    }

    fn coordinates(&self) -> (String, String) {
        let (_, both) = self.point.split_at(1);
        let (x, y) = both.split_at(COORDINATE);
        (BASE64URL_NOPAD.encode(x), BASE64URL_NOPAD.encode(y))
    }
}

impl PartialEq for Jwk {
    fn eq(&self, other: &Self) -> bool {
        self.point == other.point
    }
}

impl Eq for Jwk {}

/// Exactly 32 bytes: a shorter one has lost its leading zeros and is not canonical.
fn coordinate(text: &str) -> Result<Vec<u8>, DpopError> {
    let bytes = BASE64URL_NOPAD
        .decode(text.as_bytes())
        .map_err(|_opaque| DpopError::NotAPoint)?;
    if bytes.len() == COORDINATE {
        Ok(bytes)
    } else {
        Err(DpopError::NotAPoint)
    }
}
