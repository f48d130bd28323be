//! A member's key store: the keys that make a device a member's device, locked for storage.
//!
//! The clear form holds the signing identity and every reader key that may still open something. It is
//! locked with AES-256-GCM under a 32-byte lock (from the recovery key, a passkey's PRF output, an
//! operating system's key store …); the gateway keeps locked copies and can open none.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use bartizan_domain::wire::{Reader, WireError, Writer};
use bartizan_domain::{MemberId, Secret, SiteId};
use zeroize::Zeroizing;

use crate::{ReaderKey, SigningKey, Suite};

/// Reader keys that one store holds at most: weekly rotation over five years.
pub const MAX_READER_KEYS: usize = 260;

const VERSION: u8 = 1;
const LOCKED_VERSION: u8 = 1;
const NONCE_LEN: usize = 12;

/// A member's keys in clear.
#[derive(Debug)]
pub struct Keystore {
    /// Whose site.
    pub site: SiteId,
    /// Whose keys.
    pub member: MemberId,
    identity: Secret<[u8; 32]>,
    readers: Vec<ReaderKey>,
}

/// Why a locked store did not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeystoreError {
    /// The lock is not the one it was locked with, or the bytes were changed.
    #[error("the key store does not open with this key")]
    DoesNotOpen,
    /// It opened, but its content is of another version.
    #[error("the key store has an unknown form")]
    Malformed(#[source] WireError),
}

impl Keystore {
    /// A store with one reader key.
    pub fn new(
        site: SiteId,
        member: MemberId,
        identity: Secret<[u8; 32]>,
        reader: ReaderKey,
    ) -> Self {
        Self {
            site,
            member,
            identity,
            readers: vec![reader],
        }
    }

    /// The signing identity.
    pub fn identity(&self) -> SigningKey {
        SigningKey::from_seed(&self.identity)
    }

    /// The reader keys, newest last.
    pub fn readers(&self) -> &[ReaderKey] {
        &self.readers
    }

    /// Adds a newer reader key; the oldest goes when there are too many.
    pub fn add_reader(&mut self, key: ReaderKey) {
        self.readers.push(key);
        if self.readers.len() > MAX_READER_KEYS {
            self.readers.remove(0);
        }
    }

    /// The clear bytes.
    pub fn encode(&self) -> Secret<Vec<u8>> {
        let mut out = Writer::new();
        out.u8(VERSION)
            .fixed(self.site.as_bytes())
            .fixed(self.member.as_bytes());
        out.fixed(self.identity.expose());
        out.u16(u16::try_from(self.readers.len()).unwrap_or(u16::MAX));
        for key in &self.readers {
            out.u16(key.public().suite().code())
                .fixed(key.seed().expose());
        }
        Secret::new(out.into_vec())
    }

    /// Reads what [`encode`](Self::encode) wrote.
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        let mut input = Reader::new(bytes);
        input.exactly("key store version", VERSION)?;
        let site = SiteId::new(input.array("site")?);
        let member = MemberId::new(input.array("member")?);
        let identity = Secret::new(input.array("identity")?);
        let count = input.count16("reader keys", MAX_READER_KEYS)?;
        let mut readers = Vec::with_capacity(count);
        for _ in 0..count {
            let code = input.u16("suite")?;
            let suite = Suite::from_code(code).ok_or(WireError::Unknown {
                field: "suite",
                value: code.into(),
            })?;
            readers.push(ReaderKey::from_seed(
                suite,
                Secret::new(input.array("reader key")?),
            ));
        }
        input.finish()?;
        Ok(Self {
            site,
            member,
            identity,
            readers,
        })
    }

    /// Locks the store: `version ‖ nonce ‖ ciphertext ‖ tag`. `nonce` must be random each time.
    pub fn lock(&self, lock: &Secret<[u8; 32]>, nonce: [u8; NONCE_LEN]) -> Vec<u8> {
        let mut sealed = self.encode().expose().clone();
        key(lock)
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(CONTEXT),
                &mut sealed,
            )
            .expect("a key store is far below AES-GCM's limit");
        [&[LOCKED_VERSION], nonce.as_slice(), &sealed].concat()
    }

    /// Opens what [`lock`](Self::lock) made.
    pub fn unlock(locked: &[u8], lock: &Secret<[u8; 32]>) -> Result<Self, KeystoreError> {
        let mut input = Reader::new(locked);
        input
            .exactly("locked version", LOCKED_VERSION)
            .map_err(KeystoreError::Malformed)?;
        let nonce = input.array("nonce").map_err(KeystoreError::Malformed)?;
        let mut clear = Zeroizing::new(input.rest().to_vec());
        let opened = key(lock)
            .open_in_place(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(CONTEXT),
                &mut clear,
            )
            .map_err(|_opaque| KeystoreError::DoesNotOpen)?;
        Self::decode(opened).map_err(KeystoreError::Malformed)
    }
}

const CONTEXT: &[u8] = b"bartizan/v1/keystore";

fn key(lock: &Secret<[u8; 32]>) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, lock.expose()).expect("32 bytes are a key"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> Keystore {
        let reader = ReaderKey::from_seed(Suite::XWing, Secret::new([3; 32]));
        Keystore::new(
            SiteId::new([1; 16]),
            MemberId::new([2; 16]),
            Secret::new([4; 32]),
            reader,
        )
    }

    #[test]
    fn opens_with_its_lock_only() {
        let lock = Secret::new([5; 32]);
        let locked = store().lock(&lock, [6; 12]);
        let opened = Keystore::unlock(&locked, &lock).unwrap();
        assert_eq!(opened.encode(), store().encode());
        let wrong = Keystore::unlock(&locked, &Secret::new([9; 32])).unwrap_err();
        assert_eq!(wrong, KeystoreError::DoesNotOpen);
    }

    #[test]
    fn every_changed_byte_is_noticed() {
        let lock = Secret::new([5; 32]);
        let locked = store().lock(&lock, [6; 12]);
        for at in 0..locked.len() {
            let mut changed = locked.clone();
            changed[at] ^= 1;
            assert!(Keystore::unlock(&changed, &lock).is_err(), "byte {at}");
        }
    }
}
