//! What a device shows with each request: an opaque random token, bound to the device's key.
//!
//! `bzn_` and 43 characters of base64url (256 bits). The gateway stores only its SHA-256, so the database
//! admits nobody; whoever steals the token itself still lacks the key (RFC 9449 §1). It says nothing about
//! rights: those are looked up in the roster with every request.

use bartizan_domain::{DeviceId, Fingerprint, MemberId, Millis, Secret, UtcMillis};
use bartizan_identity::key::sha256;
use data_encoding::BASE64URL_NOPAD;
use subtle::ConstantTimeEq;

/// What every token begins with, so that a leaked one can be recognised and searched for.
pub const PREFIX: &str = "bzn_";

/// Characters of a token.
pub const TEXT_LEN: usize = 47;

/// How long a token is good for: 90 days.
pub const LIFETIME: Millis = 90 * 24 * 60 * 60 * 1_000;

/// SHA-256 of a token's text: what is stored, and what a proof's `ath` says (RFC 9449 §4.2).
#[derive(Debug, Clone, Copy, PartialOrd, Ord)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// The hash of any text, as a proof is about any token.
    pub fn of(token: &str) -> Self {
        Self(*sha256(&[token.as_bytes()]).as_bytes())
    }

    /// Takes stored bytes.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// As a proof's `ath` claim.
    pub fn ath(&self) -> String {
        BASE64URL_NOPAD.encode(&self.0)
    }
}

/// In constant time.
impl PartialEq for TokenHash {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for TokenHash {}

/// What is stored of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenRecord {
    /// Whose.
    pub member: MemberId,
    /// On which device.
    pub device: DeviceId,
    /// RFC 7638 thumbprint of the device's key.
    pub thumbprint: Fingerprint,
    /// First moment at which it is good no more.
    pub expires: UtcMillis,
}

/// A new token: the text goes to the device and nowhere else.
#[derive(Debug)]
pub struct Issued {
    /// Shown once.
    pub text: Secret<String>,
    /// To be stored.
    pub hash: TokenHash,
    /// To be stored with it.
    pub record: TokenRecord,
}

/// Makes a token of 32 random bytes for a device that just proved its key.
pub fn issue(
    random: &Secret<[u8; 32]>,
    (member, device): (MemberId, DeviceId),
    thumbprint: Fingerprint,
    now: UtcMillis,
) -> Issued {
    let text = format!("{PREFIX}{}", BASE64URL_NOPAD.encode(random.expose()));
    Issued {
        hash: TokenHash::of(&text),
        text: Secret::new(text),
        record: TokenRecord {
            member,
            device,
            thumbprint,
            expires: now.saturating_add(LIFETIME),
        },
    }
}

/// The hash of what a request shows; `None` when it can't be a token, so that nothing is looked up.
pub fn parse(text: &str) -> Option<TokenHash> {
    let body = text.strip_prefix(PREFIX)?;
    if text.len() != TEXT_LEN || BASE64URL_NOPAD.decode(body.as_bytes()).is_err() {
        return None;
    }
    Some(TokenHash::of(text))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WHO: (MemberId, DeviceId) = (MemberId::new([1; 16]), DeviceId::new([2; 16]));

    #[test]
    fn a_token_is_found_by_its_hash() {
        let key = Fingerprint::new([3; 32]);
        let issued = issue(&Secret::new([7; 32]), WHO, key, UtcMillis(1_000));
        assert_eq!(issued.text.expose().len(), TEXT_LEN);
        assert_eq!(parse(issued.text.expose()), Some(issued.hash));
        assert_eq!(issued.record.expires, UtcMillis(7_776_001_000));
        assert!(!format!("{issued:?}").contains(issued.text.expose()));
    }

    #[test]
    fn other_texts_are_no_tokens() {
        let text = format!("bzn_{}", "A".repeat(43));
        assert!(parse(&text).is_some());
        let padded = format!("bzn_{}=", "A".repeat(42));
        let open_bits = format!("bzn_{}B", "A".repeat(42));
        for other in [
            "",
            "bzn_",
            text.split_at(1).1,
            &format!("{text}A"),
            &padded,
            &open_bits,
            text.split_at(4).1,
        ] {
            assert_eq!(parse(other), None, "{other}");
        }
    }

    /// RFC 9449 §7.1.
    #[test]
    fn the_hash_is_the_standards() {
        let hash = TokenHash::of("Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU");
        assert_eq!(hash.ath(), "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo");
    }

    proptest! {
        #[test]
        fn foreign_text_never_panics(text in ".{0,64}") {
            prop_assert!(parse(&text).is_none() || text.len() == TEXT_LEN);
        }
    }
}
