//! The recovery key: 24 words (BIP 39, English) that are the household's last way in.
//!
//! The words are 32 random bytes with a checksum. From them come a signing identity and a reader key,
//! both on the roster from its first statement, and the key that locks a copy of the owner's key store.
//! Who holds the words can do all that the owner can; nobody else is ever given them.

use std::fmt;

use aws_lc_rs::hkdf;
use bartizan_domain::Secret;
use bip39::{Language, Mnemonic};
use zeroize::Zeroize;

use crate::{ReaderKey, SigningKey, Suite};

/// Words of a recovery key.
pub const WORDS: usize = 24;

/// The recovery key.
pub struct RecoveryKey {
    entropy: Secret<[u8; 32]>,
}

/// Why a text is not a recovery key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RecoveryError {
    /// Not 24 words.
    #[error("a recovery key has {WORDS} words; this has {words}")]
    WordCount {
        /// Words given.
        words: usize,
    },
    /// A word that is not on the list; which one is said by its place, never by its text.
    #[error("word {place} is not on the word list: check its spelling")]
    UnknownWord {
        /// Its place, from 1.
        place: usize,
    },
    /// All words exist, but not together.
    #[error("these words do not belong together: one of them is wrong or in the wrong place")]
    Checksum,
}

impl RecoveryKey {
    /// The key of 32 secret random bytes.
    pub const fn from_entropy(entropy: Secret<[u8; 32]>) -> Self {
        Self { entropy }
    }

    /// Reads the words, in any case and with any white space between.
    pub fn parse(text: &str) -> Result<Self, RecoveryError> {
        let mut words = text
            .split_whitespace()
            .map(str::to_lowercase)
            .collect::<Vec<_>>();
        if words.len() != WORDS {
            return Err(RecoveryError::WordCount { words: words.len() });
        }
        let list = Language::English.word_list();
        if let Some(place) = words.iter().position(|word| !list.contains(&word.as_str())) {
            return Err(RecoveryError::UnknownWord { place: place + 1 });
        }
        let mut phrase = words.join(" ");
        words.zeroize();
        let parsed = Mnemonic::parse_in_normalized(Language::English, &phrase);
        phrase.zeroize();
        let (entropy, _) = parsed
            .map_err(|_opaque| RecoveryError::Checksum)?
            .to_entropy_array();
        let entropy = entropy
            .first_chunk()
            .copied()
            .ok_or(RecoveryError::Checksum)?;
        Ok(Self {
            entropy: Secret::new(entropy),
        })
    }

    /// The 24 words, one space between.
    pub fn words(&self) -> Secret<String> {
        let mnemonic = Mnemonic::from_entropy_in(Language::English, self.entropy.expose())
            .expect("32 bytes make 24 words");
        Secret::new(mnemonic.to_string())
    }

    /// Signs roster statements when no device is left.
    pub fn identity(&self) -> SigningKey {
        SigningKey::from_seed(&self.derive("bartizan/v1/recovery/identity"))
    }

    /// Opens epochs.
    pub fn reader(&self) -> ReaderKey {
        ReaderKey::from_seed(Suite::XWing, self.derive("bartizan/v1/recovery/reader"))
    }

    /// Locks a copy of the owner's key store.
    pub fn lock(&self) -> Secret<[u8; 32]> {
        self.derive("bartizan/v1/recovery/lock")
    }

    fn derive(&self, label: &str) -> Secret<[u8; 32]> {
        let prk = hkdf::Prk::new_less_safe(hkdf::HKDF_SHA256, self.entropy.expose());
        let mut out = [0; 32];
        prk.expand(&[label.as_bytes()], hkdf::HKDF_SHA256)
            .and_then(|okm| okm.fill(&mut out))
            .expect("32 bytes are within HKDF's limit");
        Secret::new(out)
    }
}

impl fmt::Debug for RecoveryKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecoveryKey(‹secret›)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// BIP 39 test vector of 32 bytes 0x7f.
    const VECTOR: &str = "legal winner thank year wave sausage worth useful legal winner thank year \
        wave sausage worth useful legal winner thank year wave sausage worth title";

    #[test]
    fn words_round_trip() {
        let key = RecoveryKey::from_entropy(Secret::new([0x7f; 32]));
        assert_eq!(key.words().expose(), VECTOR);
        let again = RecoveryKey::parse(&format!("  {}\n", VECTOR.to_uppercase())).unwrap();
        assert_eq!(again.identity().public(), key.identity().public());
        assert_eq!(again.reader().public(), key.reader().public());
    }

    #[test]
    fn mistakes_are_told_apart() {
        let error = |text: &str| RecoveryKey::parse(text).unwrap_err();
        assert_eq!(error("legal winner"), RecoveryError::WordCount { words: 2 });
        let misspelt = VECTOR.replacen("thank", "thnak", 1);
        assert_eq!(error(&misspelt), RecoveryError::UnknownWord { place: 3 });
        let swapped = VECTOR.replacen("legal winner", "winner legal", 1);
        assert_eq!(error(&swapped), RecoveryError::Checksum);
    }

    #[test]
    fn derived_keys_differ() {
        let key = RecoveryKey::from_entropy(Secret::new([1; 32]));
        assert_ne!(key.lock(), *key.reader().seed());
    }
}
