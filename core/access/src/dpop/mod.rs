//! Proofs that a request comes from the device whose key it names (DPoP, RFC 9449), ES256 only.
//!
//! [`DeviceKey`] makes proofs, [`verify`] judges them; both sides of the API and the tests use the same
//! code. A proof says: this key, this method, this address, this token, about now. Whether the key belongs
//! to anybody is decided with the roster, and whether the proof was seen before by [`crate::replay`].

mod jwk;
mod key;
mod verify;

pub use jwk::Jwk;
pub use key::{DeviceKey, KeyError, ProofRequest};
pub use verify::{DpopError, Expected, Freshness, JtiHash, VerifiedProof, verify};

/// Longest proof in bytes; an honest one has about 500.
pub const MAX_PROOF: usize = 4_096;

/// Longest `jti` in bytes.
pub const MAX_JTI: usize = 128;

/// How far a proof's `iat` may be from now, in seconds, where no nonce proves freshness.
pub const MAX_SKEW_S: u64 = 60;

/// `typ` of a proof (RFC 9449 §4.2).
const TYP: &str = "dpop+jwt";

/// `alg` of a proof: ECDSA on P-256 with SHA-256 (RFC 7518 §3.4).
const ALG: &str = "ES256";

#[cfg(test)]
mod tests;
