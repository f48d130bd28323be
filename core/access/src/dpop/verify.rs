//! The judgement over a proof: every check of RFC 9449 §4.3, in its order where order matters.

use bartizan_domain::{Fingerprint, Monotonic, UtcMillis, sabotage};
use bartizan_identity::key::sha256;
use data_encoding::BASE64URL_NOPAD;
use serde::Deserialize;
use subtle::ConstantTimeEq;

use super::jwk::JwkText;
use super::{ALG, Jwk, MAX_JTI, MAX_PROOF, MAX_SKEW_S, TYP};
use crate::nonce::Nonces;
use crate::token::TokenHash;

/// Why a proof does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DpopError {
    /// Over the limit.
    #[error("a proof has at most {MAX_PROOF} bytes; this has {len}")]
    TooLong {
        /// Bytes given.
        len: usize,
    },
    /// Not three parts of base64url with the JSON that a proof has.
    #[error("not a proof: a compact JWS with the claims jti, htm, htu and iat is expected")]
    Malformed,
    /// `typ` is another.
    #[error("the proof's typ is not dpop+jwt")]
    Type,
    /// `alg` is another: there is no negotiation.
    #[error("the proof's alg is not ES256")]
    Algorithm,
    /// A private key was sent.
    #[error("the proof holds a private key: throw that key away")]
    PrivateKey,
    /// Not a P-256 key.
    #[error("the proof's key is not an EC key on P-256")]
    KeyKind,
    /// Not canonical, or not on the curve.
    #[error("the proof's key is not a point on P-256")]
    NotAPoint,
    /// The signature does not verify.
    #[error("the proof's signature does not verify")]
    Signature,
    /// Made for another method.
    #[error("the proof is for another method")]
    Method,
    /// Made for another address.
    #[error("the proof is for another address")]
    Url,
    /// Made too long ago or in the future.
    #[error("the proof's time is {skew_s} s away from the server's; {MAX_SKEW_S} s are allowed")]
    Time {
        /// Seconds between the two.
        skew_s: u64,
    },
    /// The server asks for its nonce, and the proof holds none or an old one.
    #[error("the proof lacks the server's current nonce")]
    Nonce,
    /// Made for another token, or for none.
    #[error("the proof is for another token")]
    Token,
}

/// How a proof shows that it is new.
#[derive(Debug, Clone, Copy)]
pub enum Freshness<'a> {
    /// By its `iat`, within [`MAX_SKEW_S`] of now.
    Clock(UtcMillis),
    /// By one of these nonces; its `iat` then says nothing, so a device may have a wrong clock.
    Nonce(&'a Nonces, Monotonic),
}

/// What a proof has to say.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// The request's method.
    pub method: &'a str,
    /// The request's `scheme://authority/path`.
    pub url: &'a str,
    /// How it shows that it is new.
    pub freshness: Freshness<'a>,
    /// Of the token that came with the request; `None` when none did.
    pub token: Option<TokenHash>,
}

/// Names a proof: the first half of its `jti`'s SHA-256.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct JtiHash(pub(crate) [u8; 16]);

/// A proof that says what is expected. There is no other way to make one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VerifiedProof {
    thumbprint: Fingerprint,
    jti: JtiHash,
}

impl VerifiedProof {
    /// RFC 7638 thumbprint of the key that signed.
    pub const fn thumbprint(&self) -> Fingerprint {
        self.thumbprint
    }

    /// What [`crate::replay`] remembers.
    pub const fn jti(&self) -> JtiHash {
        self.jti
    }

    /// For this crate's own tests of what comes after.
    #[cfg(test)]
    pub(crate) const fn for_tests(thumbprint: Fingerprint, jti: JtiHash) -> Self {
        Self { thumbprint, jti }
    }
}

/// Unknown members (`crit`, `kid` …) are refused: what is not understood is not trusted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    typ: String,
    alg: String,
    jwk: JwkText,
}

/// Unknown claims are ignored (RFC 7519 §4); a claim that stands there twice is an error.
#[derive(Deserialize)]
struct Claims {
    jti: String,
    htm: String,
    htu: String,
    iat: u64,
    nonce: Option<String>,
    ath: Option<String>,
}

/// Judges the value of a `DPoP` header. That there is only one header is checked by the caller.
pub fn verify(proof: &str, expected: &Expected<'_>) -> Result<VerifiedProof, DpopError> {
    if proof.len() > MAX_PROOF {
        return Err(DpopError::TooLong { len: proof.len() });
    }
    let (message, signature) = proof.rsplit_once('.').ok_or(DpopError::Malformed)?;
    let (header, claims) = message.split_once('.').ok_or(DpopError::Malformed)?;
    let key = check_header(&json(header)?)?;
    key.verify(message.as_bytes(), &decode(signature)?)?;
    let claims: Claims = json(claims)?;
    check_claims(&claims, expected)?;
    Ok(VerifiedProof {
        thumbprint: key.thumbprint(),
        jti: hash_of(&claims.jti),
    })
}

fn check_header(header: &Header) -> Result<Jwk, DpopError> {
    if header.typ != TYP {
        return Err(DpopError::Type);
    }
    if header.alg != ALG {
        return Err(DpopError::Algorithm);
    }
    Jwk::parse(&header.jwk)
}

fn check_claims(claims: &Claims, expected: &Expected<'_>) -> Result<(), DpopError> {
    if claims.jti.is_empty() || claims.jti.len() > MAX_JTI {
        return Err(DpopError::Malformed);
    }
    if claims.htm != expected.method {
        return Err(DpopError::Method);
    }
    if normalised(&claims.htu).is_none() || normalised(&claims.htu) != normalised(expected.url) {
        return Err(DpopError::Url);
    }
    check_freshness(claims, expected.freshness)?;
    let ath = expected.token.map(|hash| hash.ath());
    match (&claims.ath, &ath) {
        (None, None) => Ok(()),
        (Some(given), Some(wanted)) if given.as_bytes().ct_eq(wanted.as_bytes()).into() => Ok(()),
        _ => Err(DpopError::Token),
    }
}

fn check_freshness(claims: &Claims, freshness: Freshness<'_>) -> Result<(), DpopError> {
    match freshness {
        _ if sabotage::off("R-4") => Ok(()),
        Freshness::Clock(now) => match claims.iat.abs_diff(now.0 / 1_000) {
            0..=MAX_SKEW_S => Ok(()),
            skew_s => Err(DpopError::Time { skew_s }),
        },
        Freshness::Nonce(nonces, now) => match &claims.nonce {
            Some(nonce) if nonces.accepts(nonce, now) => Ok(()),
            _ => Err(DpopError::Nonce),
        },
    }
}

fn hash_of(jti: &str) -> JtiHash {
    let hash = sha256(&[jti.as_bytes()]);
    let mut half = [0; 16];
    half.iter_mut()
        .zip(hash.as_bytes())
        .for_each(|(to, from)| *to = *from);
    JtiHash(half)
}

fn decode(part: &str) -> Result<Vec<u8>, DpopError> {
    BASE64URL_NOPAD
        .decode(part.as_bytes())
        .map_err(|_opaque| DpopError::Malformed)
}

fn json<T: serde::de::DeserializeOwned>(part: &str) -> Result<T, DpopError> {
    serde_json::from_slice(&decode(part)?).map_err(|_opaque| DpopError::Malformed)
}

/// Scheme, host, port and path in one form (RFC 9449 §4.3 with RFC 3986 §6.2.2 and §6.2.3): lower-case
/// scheme and host, the port always, no query or fragment. `None` for what is no `http(s)` address or holds user
/// information. Percent-encoded paths stay as they are: no path of the API needs any.
fn normalised(url: &str) -> Option<(String, String, u16, String)> {
    let url = url.split(['?', '#']).next()?;
    let (scheme, rest) = url.split_once("://")?;
    let scheme = scheme.to_ascii_lowercase();
    let default_port = match scheme.as_str() {
        "http" => 80,
        "https" => 443,
        _ => return None,
    };
    let (authority, path) = match rest.split_once('/') {
        Some((authority, path)) => (authority, format!("/{path}")),
        None => (rest, "/".to_owned()),
    };
    let (host, port) = split_port(authority, default_port)?;
    if host.is_empty() || host.contains('@') {
        return None;
    }
    Some((scheme, host.to_ascii_lowercase(), port, path))
}

/// Splits `host:port` (RFC 3986 §3.2), where the host may be an IPv6 address in brackets.
fn split_port(authority: &str, default: u16) -> Option<(&str, u16)> {
    match authority.rsplit_once(':') {
        Some((_, port)) if port.ends_with(']') => Some((authority, default)),
        Some((host, "")) => Some((host, default)),
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => {
            Some((host, port.parse().ok()?))
        }
        Some(_) => None,
        None => Some((authority, default)),
    }
}
