//! Reader keys: the HPKE keys (RFC 9180) that epoch secrets are wrapped to.
//!
//! Two suites exist, both with HKDF-SHA256 and AES-256-GCM: X-Wing (MLKEM768-X25519, KEM 0x647A), which
//! also holds against an adversary with a quantum computer, and X25519 for readers that lack it. Base
//! mode does not authenticate the sender: whatever carries a wrap must be signed.

use std::fmt;

use bartizan_domain::{KeyId, Secret, sabotage};
use hpke::aead::AesGcm256;
use hpke::kdf::HkdfSha256;
use hpke::kem::{X25519HkdfSha256, XWing};
use hpke::{Deserializable, Kem, OpModeR, OpModeS, Serializable};

use crate::key::key_id;

/// How an epoch secret is wrapped. The code is the HPKE KEM id (RFC 9180 §7.1 and the IANA registry).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u16)]
pub enum Suite {
    /// DHKEM(X25519, HKDF-SHA256).
    X25519 = 0x0020,
    /// X-Wing: ML-KEM-768 and X25519 together.
    XWing = 0x647a,
}

impl Suite {
    /// The suite of wire code `code`.
    pub fn from_code(code: u16) -> Option<Self> {
        match code {
            0x0020 => Some(Self::X25519),
            0x647a => Some(Self::XWing),
            _ if sabotage::off("G-22") => Some(Self::X25519),
            _ => None,
        }
    }

    /// The wire code.
    pub const fn code(self) -> u16 {
        self as u16
    }

    /// Bytes of a public key.
    pub const fn public_len(self) -> usize {
        match self {
            Self::X25519 => 32,
            Self::XWing => 1216,
        }
    }

    /// Bytes of an encapsulated key.
    pub const fn enc_len(self) -> usize {
        match self {
            Self::X25519 => 32,
            Self::XWing => 1120,
        }
    }
}

/// Why wrapping or unwrapping failed. One word on purpose: the cause would help only an attacker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WrapError {
    /// The public key is not one of its suite.
    #[error("the reader key is malformed")]
    BadKey,
    /// The wrap was not made for this key and these circumstances.
    #[error("the wrap does not open with this key")]
    DoesNotOpen,
}

/// The public half of a reader key.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReaderPublic {
    suite: Suite,
    bytes: Vec<u8>,
}

impl ReaderPublic {
    /// Checks that `bytes` are a public key of `suite`.
    pub fn new(suite: Suite, bytes: &[u8]) -> Result<Self, WrapError> {
        let fits = match suite {
            Suite::X25519 => <X25519HkdfSha256 as Kem>::PublicKey::from_bytes(bytes).is_ok(),
            Suite::XWing => <XWing as Kem>::PublicKey::from_bytes(bytes).is_ok(),
        };
        if !fits {
            return Err(WrapError::BadKey);
        }
        let key = Self {
            suite,
            bytes: bytes.to_vec(),
        };
        // A point of small order is well-formed, but every wrap to it fails (RFC 9180 §7.1.4): one on the
        // roster would stop the recording for all.
        if suite == Suite::X25519 {
            key.wrap(b"", b"", b"")?;
        }
        Ok(key)
    }

    /// Its suite.
    pub const fn suite(&self) -> Suite {
        self.suite
    }

    /// Its bytes, [`Suite::public_len`] of them.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Its id.
    pub fn id(&self) -> KeyId {
        key_id(self.suite.code(), &self.bytes)
    }

    /// Wraps `plaintext` to this key: the encapsulated key and the ciphertext (16 bytes longer).
    pub fn wrap(
        &self,
        info: &[u8],
        aad: &[u8],
        plaintext: &[u8],
    ) -> Result<(Vec<u8>, Vec<u8>), WrapError> {
        match self.suite {
            Suite::X25519 => wrap_with::<X25519HkdfSha256>(&self.bytes, info, aad, plaintext),
            Suite::XWing => wrap_with::<XWing>(&self.bytes, info, aad, plaintext),
        }
    }
}

impl fmt::Debug for ReaderPublic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReaderPublic({:?}, {})", self.suite, self.id())
    }
}

/// A private reader key: 32 secret bytes from which both halves are derived.
pub struct ReaderKey {
    seed: Secret<[u8; 32]>,
    public: ReaderPublic,
}

impl ReaderKey {
    /// The key of 32 secret random bytes: the X-Wing seed, or the X25519 scalar.
    pub fn from_seed(suite: Suite, seed: Secret<[u8; 32]>) -> Self {
        let bytes = match suite {
            Suite::X25519 => public_of::<X25519HkdfSha256>(&seed),
            Suite::XWing => public_of::<XWing>(&seed),
        };
        Self {
            seed,
            public: ReaderPublic { suite, bytes },
        }
    }

    /// The public half.
    pub const fn public(&self) -> &ReaderPublic {
        &self.public
    }

    /// The 32 secret bytes, for a key store.
    pub const fn seed(&self) -> &Secret<[u8; 32]> {
        &self.seed
    }

    /// Opens what was wrapped to this key under the same `info` and `aad`.
    pub fn unwrap(
        &self,
        enc: &[u8],
        info: &[u8],
        aad: &[u8],
        wrapped: &[u8],
    ) -> Result<Secret<Vec<u8>>, WrapError> {
        match self.public.suite {
            Suite::X25519 => unwrap_with::<X25519HkdfSha256>(&self.seed, enc, info, aad, wrapped),
            Suite::XWing => unwrap_with::<XWing>(&self.seed, enc, info, aad, wrapped),
        }
    }
}

impl fmt::Debug for ReaderKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReaderKey({})", self.public.id())
    }
}

fn public_of<K: Kem>(seed: &Secret<[u8; 32]>) -> Vec<u8> {
    let key = K::PrivateKey::from_bytes(seed.expose())
        .expect("every 32 bytes are a private key of both suites");
    K::sk_to_pk(&key).to_bytes().to_vec()
}

fn wrap_with<K: Kem>(
    public: &[u8],
    info: &[u8],
    aad: &[u8],
    plaintext: &[u8],
) -> Result<(Vec<u8>, Vec<u8>), WrapError> {
    let public = K::PublicKey::from_bytes(public).map_err(|_opaque| WrapError::BadKey)?;
    let (enc, wrapped) = hpke::single_shot_seal::<AesGcm256, HkdfSha256, K>(
        &OpModeS::Base,
        &public,
        info,
        plaintext,
        aad,
    )
    .map_err(|_opaque| WrapError::BadKey)?;
    Ok((enc.to_bytes().to_vec(), wrapped))
}

fn unwrap_with<K: Kem>(
    seed: &Secret<[u8; 32]>,
    enc: &[u8],
    info: &[u8],
    aad: &[u8],
    wrapped: &[u8],
) -> Result<Secret<Vec<u8>>, WrapError> {
    let key = K::PrivateKey::from_bytes(seed.expose()).map_err(|_opaque| WrapError::DoesNotOpen)?;
    let enc = K::EncappedKey::from_bytes(enc).map_err(|_opaque| WrapError::DoesNotOpen)?;
    hpke::single_shot_open::<AesGcm256, HkdfSha256, K>(
        &OpModeR::Base,
        &key,
        &enc,
        info,
        wrapped,
        aad,
    )
    .map(Secret::new)
    .map_err(|_opaque| WrapError::DoesNotOpen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_suites_round_trip_and_bind_everything() {
        for suite in [Suite::X25519, Suite::XWing] {
            let key = ReaderKey::from_seed(suite, Secret::new([7; 32]));
            let other = ReaderKey::from_seed(suite, Secret::new([8; 32]));
            let (enc, wrapped) = key.public().wrap(b"info", b"aad", b"secret").unwrap();
            assert_eq!((enc.len(), wrapped.len()), (suite.enc_len(), 6 + 16));
            assert_eq!(key.public().as_bytes().len(), suite.public_len());
            let opened = key.unwrap(&enc, b"info", b"aad", &wrapped).unwrap();
            assert_eq!(opened.expose(), b"secret");
            let refused = WrapError::DoesNotOpen;
            assert_eq!(
                key.unwrap(&enc, b"other", b"aad", &wrapped).unwrap_err(),
                refused
            );
            assert_eq!(
                key.unwrap(&enc, b"info", b"other", &wrapped).unwrap_err(),
                refused
            );
            assert_eq!(
                other.unwrap(&enc, b"info", b"aad", &wrapped).unwrap_err(),
                refused
            );
            assert_eq!(
                key.unwrap(b"short", b"info", b"aad", &wrapped).unwrap_err(),
                refused
            );
        }
    }

    #[test]
    fn g_22_p12_no_suite_exists_but_the_named_ones() {
        let known: Vec<_> = (0..=u16::MAX).filter_map(Suite::from_code).collect();
        assert_eq!(known, [Suite::X25519, Suite::XWing]);
    }

    #[test]
    fn a_point_of_small_order_is_no_key() {
        let mut one = [0; 32];
        one[0] = 1;
        for point in [[0; 32], one] {
            assert_eq!(
                ReaderPublic::new(Suite::X25519, &point),
                Err(WrapError::BadKey)
            );
        }
    }

    #[test]
    fn malformed_public_keys_are_refused() {
        assert_eq!(
            ReaderPublic::new(Suite::XWing, &[0; 32]),
            Err(WrapError::BadKey)
        );
        assert_eq!(
            ReaderPublic::new(Suite::X25519, &[0; 1216]),
            Err(WrapError::BadKey)
        );
    }
}
