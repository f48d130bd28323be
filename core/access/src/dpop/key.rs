//! A device's key, and the proofs that it makes.

use std::fmt;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use bartizan_domain::{Fingerprint, Secret};
use data_encoding::BASE64URL_NOPAD;
use serde::Serialize;

use super::jwk::JwkText;
use super::{ALG, Jwk, TYP};
use crate::token::TokenHash;

/// Why a device key can't be made or used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The bytes are not a P-256 key in PKCS#8.
    #[error("not a device key")]
    Malformed,
    /// The cryptography provider gave up.
    #[error("the cryptography provider can't make or use a key")]
    Provider,
}

/// The private key of one device (P-256).
pub struct DeviceKey {
    pair: EcdsaKeyPair,
    public: Jwk,
}

/// What a proof is to say.
#[derive(Debug, Clone, Copy)]
pub struct ProofRequest<'a> {
    /// HTTP method, as in the request line.
    pub method: &'a str,
    /// `scheme://authority/path`; a query is left out.
    pub url: &'a str,
    /// Seconds since 1970, by the device's clock.
    pub iat_s: u64,
    /// Never used before with this key: 16 random bytes as base64url are good. At most 128 bytes.
    pub jti: &'a str,
    /// The server's last `DPoP-Nonce`.
    pub nonce: Option<&'a str>,
    /// The token that the request carries.
    pub token: Option<&'a str>,
}

#[derive(Serialize)]
struct Header {
    typ: &'static str,
    alg: &'static str,
    jwk: JwkText,
}

#[derive(Serialize)]
struct Claims<'a> {
    jti: &'a str,
    htm: &'a str,
    htu: &'a str,
    iat: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ath: Option<String>,
}

impl DeviceKey {
    /// A new key, drawn by the cryptography provider.
    pub fn generate() -> Result<Self, KeyError> {
        EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)
            .map_err(|_opaque| KeyError::Provider)
            .and_then(Self::new)
    }

    /// A stored key, as [`to_pkcs8`](Self::to_pkcs8) gave it.
    pub fn from_pkcs8(bytes: &[u8]) -> Result<Self, KeyError> {
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, bytes)
            .map_err(|_opaque| KeyError::Malformed)
            .and_then(Self::new)
    }

    fn new(pair: EcdsaKeyPair) -> Result<Self, KeyError> {
        let public = Jwk::from_point(pair.public_key().as_ref()).ok_or(KeyError::Malformed)?;
        Ok(Self { pair, public })
    }

    /// The key for a store that keeps secrets (PKCS#8 v1, RFC 5208).
    pub fn to_pkcs8(&self) -> Result<Secret<Vec<u8>>, KeyError> {
        let document = self
            .pair
            .to_pkcs8v1()
            .map_err(|_opaque| KeyError::Provider)?;
        Ok(Secret::new(document.as_ref().to_vec()))
    }

    /// The public half.
    pub const fn public(&self) -> &Jwk {
        &self.public
    }

    /// How the roster names this key (RFC 7638).
    pub fn thumbprint(&self) -> Fingerprint {
        self.public.thumbprint()
    }

    /// The value of a `DPoP` header.
    pub fn proof(&self, request: &ProofRequest<'_>) -> Result<String, KeyError> {
        let header = Header {
            typ: TYP,
            alg: ALG,
            jwk: self.public.text(),
        };
        let claims = Claims {
            jti: request.jti,
            htm: request.method,
            htu: without_query(request.url),
            iat: request.iat_s,
            nonce: request.nonce,
            ath: request.token.map(|token| TokenHash::of(token).ath()),
        };
        let message = format!("{}.{}", part(&header), part(&claims));
        let signature = self
            .pair
            .sign(&SystemRandom::new(), message.as_bytes())
            .map_err(|_opaque| KeyError::Provider)?;
        Ok(format!(
            "{message}.{}",
            BASE64URL_NOPAD.encode(signature.as_ref())
        ))
    }
}

impl fmt::Debug for DeviceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DeviceKey({})", self.thumbprint())
    }
}

fn part(value: &impl Serialize) -> String {
    let json = serde_json::to_vec(value).expect("headers and claims have string keys only");
    BASE64URL_NOPAD.encode(&json)
}

// RFC 9449 §4.2: `htu` is the request's URI without query and fragment.
fn without_query(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or(url)
}
