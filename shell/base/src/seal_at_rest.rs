//! Seals private columns of the database: names, addresses, camera passwords. AES-256-GCM under keys
//! derived from the root key, one for each purpose, bound to the row they belong to.
//!
//! Not for video, which is sealed under epoch secrets that the gateway never has.
//!
//! Form: `1 ‖ nonce(12) ‖ ciphertext ‖ tag(16)`; AAD: `1 ‖ purpose<vec8> ‖ row id`. Nonces are random, so
//! a purpose may seal 2³² times (NIST SP 800-38D §8.3); settings of a household stay far below.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use bartizan_domain::sabotage;
use bartizan_domain::wire::Writer;
use zeroize::Zeroizing;

use crate::random;
use crate::rootkey::{self, RootKey};

const VERSION: u8 = 1;
const NONCE_LEN: usize = 12;
const TAG_LEN: usize = 16;

/// Bytes that sealing adds.
pub const OVERHEAD: usize = 1 + NONCE_LEN + TAG_LEN;

/// Longest plaintext in bytes.
pub const MAX_PLAINTEXT: usize = 1024 * 1024;

/// Seals and opens under the root key. Cheap to clone by reference; derives a key for each call, which
/// costs a few microseconds.
#[derive(Debug)]
pub struct AtRest {
    prk: aws_lc_rs::hkdf::Prk,
}

/// What a sealed value is for: `table.column`. At most 64 bytes, fixed in the code and never reused for
/// something else, since whoever can write the database could swap values of the same purpose and row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Purpose(&'static str);

impl Purpose {
    /// Names a purpose. In a `const`, so that a wrong name does not compile.
    ///
    /// # Panics
    /// When the name is empty or longer than 64 bytes.
    pub const fn new(name: &'static str) -> Self {
        assert!(!name.is_empty() && name.len() <= 64, "1 to 64 bytes");
        Self(name)
    }
}

/// Why a value is not sealed or opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AtRestError {
    /// Not made by this code, or cut short.
    #[error("this is not a sealed value")]
    Malformed,
    /// Another root key, purpose or row, or damage: they can't be told apart.
    #[error("the sealed value does not open: another key or row, or damage")]
    Refused,
    /// More than [`MAX_PLAINTEXT`].
    #[error("{len} bytes are too many to seal; the limit is {MAX_PLAINTEXT}")]
    TooLong {
        /// Length given.
        len: usize,
    },
    /// No nonce could be drawn.
    #[error("a nonce can't be drawn")]
    Random(#[from] random::NoRandomness),
}

impl AtRest {
    /// Seals under `root`.
    pub fn new(root: &RootKey) -> Self {
        Self {
            prk: root.pseudo_random_key(),
        }
    }

    /// Seals `plaintext` for the row `id` (its primary key, as bytes).
    ///
    /// # Errors
    /// [`AtRestError::TooLong`], or no randomness.
    pub fn seal(
        &self,
        purpose: Purpose,
        id: &[u8],
        plaintext: &[u8],
    ) -> Result<Vec<u8>, AtRestError> {
        let len = plaintext.len();
        if len > MAX_PLAINTEXT {
            return Err(AtRestError::TooLong { len });
        }
        let nonce = random::bytes::<NONCE_LEN>()?;
        let mut out = Vec::with_capacity(len.saturating_add(OVERHEAD));
        out.push(VERSION);
        out.extend_from_slice(&nonce);
        let mut body = plaintext.to_vec();
        if sabotage::off("G-23") {
            out.extend_from_slice(&body);
            out.extend_from_slice(&[0; TAG_LEN]);
            return Ok(out);
        }
        self.key(purpose)
            .seal_in_place_append_tag(Nonce::from(&nonce), aad(purpose, id), &mut body)
            .map_err(|_unspecified| AtRestError::TooLong { len })?;
        out.append(&mut body);
        Ok(out)
    }

    /// Opens what [`seal`](Self::seal) made for the same purpose and row.
    ///
    /// # Errors
    /// [`AtRestError::Malformed`] or [`AtRestError::Refused`].
    pub fn open(&self, purpose: Purpose, id: &[u8], sealed: &[u8]) -> Result<Vec<u8>, AtRestError> {
        let Some((&VERSION, rest)) = sealed.split_first() else {
            return Err(AtRestError::Malformed);
        };
        let Some((nonce, body)) = rest.split_first_chunk::<NONCE_LEN>() else {
            return Err(AtRestError::Malformed);
        };
        if body.len() < TAG_LEN {
            return Err(AtRestError::Malformed);
        }
        let mut body = body.to_vec();
        if sabotage::off("G-23") {
            body.truncate(body.len().saturating_sub(TAG_LEN));
            return Ok(body);
        }
        let opened =
            self.key(purpose)
                .open_in_place(Nonce::from(nonce), aad(purpose, id), &mut body);
        let len = opened.map_err(|_unspecified| AtRestError::Refused)?.len();
        body.truncate(len);
        Ok(body)
    }

    fn key(&self, purpose: Purpose) -> LessSafeKey {
        let mut key = Zeroizing::new([0; rootkey::LEN]);
        expand_for(&self.prk, purpose, key.as_mut());
        let key = UnboundKey::new(&AES_256_GCM, key.as_ref());
        LessSafeKey::new(key.expect("the key has AES-256's length"))
    }
}

fn expand_for(prk: &aws_lc_rs::hkdf::Prk, purpose: Purpose, out: &mut [u8]) {
    rootkey::expand(prk, &[b"at rest v1 ", purpose.0.as_bytes()], out);
}

fn aad(purpose: Purpose, id: &[u8]) -> Aad<Vec<u8>> {
    let mut aad = Writer::new();
    aad.u8(VERSION).vec8(purpose.0.as_bytes()).fixed(id);
    Aad::from(aad.into_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rootkey::RootKeySource;

    const URL: Purpose = Purpose::new("camera.url");
    const NAME: Purpose = Purpose::new("camera.name");

    fn at_rest(byte: u8) -> AtRest {
        AtRest::new(&RootKey::from_bytes([byte; 32], RootKeySource::File))
    }

    #[test]
    fn a_value_opens_for_its_own_row_only() {
        let (stranger, at_rest) = (at_rest(2), at_rest(1));
        let sealed = at_rest
            .seal(URL, b"row 1", b"rtsp://user:secret@camera/")
            .unwrap();
        assert_eq!(sealed.len(), 26 + OVERHEAD);
        assert_eq!(
            at_rest.open(URL, b"row 1", &sealed).unwrap(),
            b"rtsp://user:secret@camera/"
        );
        assert_eq!(
            at_rest.open(URL, b"row 2", &sealed),
            Err(AtRestError::Refused)
        );
        assert_eq!(
            at_rest.open(NAME, b"row 1", &sealed),
            Err(AtRestError::Refused)
        );
        assert_eq!(
            stranger.open(URL, b"row 1", &sealed),
            Err(AtRestError::Refused)
        );
    }

    #[test]
    fn every_changed_byte_is_noticed() {
        let at_rest = at_rest(1);
        let sealed = at_rest.seal(URL, b"1", b"x").unwrap();
        for index in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[index] ^= 1;
            assert!(at_rest.open(URL, b"1", &changed).is_err(), "byte {index}");
            assert!(
                at_rest.open(URL, b"1", &sealed[..index]).is_err(),
                "cut at {index}"
            );
        }
    }

    #[test]
    fn the_same_value_never_looks_the_same() {
        let at_rest = at_rest(1);
        assert_ne!(at_rest.seal(URL, b"1", b"x"), at_rest.seal(URL, b"1", b"x"));
    }

    #[test]
    fn purpose_and_row_can_t_be_shifted_against_each_other() {
        let at_rest = at_rest(1);
        let sealed = at_rest.seal(Purpose::new("a.b"), b"c", b"x").unwrap();
        assert!(at_rest.open(Purpose::new("a."), b"bc", &sealed).is_err());
    }

    #[test]
    fn limits_hold() {
        let at_rest = at_rest(1);
        let long = vec![0; MAX_PLAINTEXT + 1];
        let len = long.len();
        assert_eq!(
            at_rest.seal(URL, b"1", &long),
            Err(AtRestError::TooLong { len })
        );
        let sealed = at_rest.seal(URL, b"", b"").unwrap();
        assert_eq!(at_rest.open(URL, b"", &sealed), Ok(Vec::new()));
    }
}
