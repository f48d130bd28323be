//! Signing keys: Ed25519 (RFC 8032), always with a context in front of what is signed.

use std::fmt;

use aws_lc_rs::digest;
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use bartizan_domain::{Fingerprint, Hash, KeyId, Secret};

/// Ed25519 in key ids: its TLS signature scheme (RFC 8446 §4.2.3).
const ALGORITHM_ED25519: u16 = 0x0807;

/// SHA-256 over the parts, one after the other.
pub fn sha256(parts: &[&[u8]]) -> Hash {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in parts {
        context.update(part);
    }
    let mut out = [0; 32];
    out.copy_from_slice(context.finish().as_ref());
    Hash::new(out)
}

/// The id of a public key: the first 16 bytes of a SHA-256 over a label, the algorithm and the key.
pub fn key_id(algorithm: u16, public: &[u8]) -> KeyId {
    let hash = sha256(&[b"bartizan/v1/key", &algorithm.to_be_bytes(), public]);
    let mut id = [0; KeyId::LEN];
    id.iter_mut()
        .zip(hash.as_bytes())
        .for_each(|(to, from)| *to = *from);
    KeyId::new(id)
}

/// A private signing key.
pub struct SigningKey {
    pair: Ed25519KeyPair,
    public: VerifyingKey,
}

impl SigningKey {
    /// The key of 32 secret random bytes (RFC 8032 §5.1.5).
    pub fn from_seed(seed: &Secret<[u8; 32]>) -> Self {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed.expose())
            .expect("every 32 bytes are an Ed25519 seed");
        let mut public = [0; 32];
        public.copy_from_slice(pair.public_key().as_ref());
        Self {
            pair,
            public: VerifyingKey(public),
        }
    }

    /// The public half.
    pub const fn public(&self) -> VerifyingKey {
        self.public
    }

    /// Signs `context ‖ message`.
    pub fn sign(&self, context: &'static [u8], message: &[u8]) -> Signature {
        let mut out = [0; 64];
        out.copy_from_slice(self.pair.sign(&[context, message].concat()).as_ref());
        Signature(out)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.public.id())
    }
}

/// A public signing key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VerifyingKey([u8; 32]);

impl VerifyingKey {
    /// Takes the 32 bytes of RFC 8032 §5.1.5; a point that is none verifies nothing.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Its id.
    pub fn id(&self) -> KeyId {
        key_id(ALGORITHM_ED25519, &self.0)
    }

    /// What a link or a person carries to recognise it.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::new(*sha256(&[b"bartizan/v1/fingerprint", &self.0]).as_bytes())
    }

    /// Checks a signature over `context ‖ message`.
    pub fn verify(
        &self,
        context: &'static [u8],
        message: &[u8],
        signature: &Signature,
    ) -> Result<(), BadSignature> {
        UnparsedPublicKey::new(&ED25519, &self.0)
            .verify(&[context, message].concat(), &signature.0)
            .map_err(|_opaque| BadSignature)
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifyingKey({})", self.id())
    }
}

/// A signature does not fit its key, context and message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the signature does not verify")]
pub struct BadSignature;

/// 64 bytes of Ed25519 signature.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature([u8; 64]);

impl Signature {
    /// Length in bytes.
    pub const LEN: usize = 64;

    /// Takes the bytes.
    pub const fn new(bytes: [u8; 64]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; 64] {
        &self.0
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signature")
    }
}

#[cfg(test)]
mod tests {
    use data_encoding::HEXLOWER;

    use super::*;

    /// RFC 8032 §7.1, test 2, with the one-byte message split into context and nothing.
    #[test]
    fn ed25519_known_answer() {
        let seed = HEXLOWER
            .decode(b"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
            .unwrap();
        let key = SigningKey::from_seed(&Secret::new(seed.try_into().unwrap()));
        assert_eq!(
            HEXLOWER.encode(key.public().as_bytes()),
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
        );
        let signature = key.sign(b"\x72", b"");
        assert_eq!(
            HEXLOWER.encode(signature.as_bytes()),
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
             085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        );
    }

    #[test]
    fn context_message_and_key_all_count() {
        let key = SigningKey::from_seed(&Secret::new([1; 32]));
        let other = SigningKey::from_seed(&Secret::new([2; 32]));
        let signature = key.sign(b"a", b"message");
        assert_eq!(key.public().verify(b"a", b"message", &signature), Ok(()));
        assert_eq!(
            key.public().verify(b"b", b"message", &signature),
            Err(BadSignature)
        );
        assert_eq!(
            key.public().verify(b"a", b"massage", &signature),
            Err(BadSignature)
        );
        assert_eq!(
            other.public().verify(b"a", b"message", &signature),
            Err(BadSignature)
        );
    }
}
