//! Server nonces (RFC 9449 §8): a proof that holds one was made in the last minutes, whatever the
//! device's clock says.
//!
//! Nothing is stored: a nonce is a MAC over a two-minute slot under a key that this process drew at its
//! start. The current and the previous slot count, so a nonce is good for two to four minutes and dies
//! with the process. It is the same for everyone; what makes a proof single is [`crate::replay`].

use std::fmt;
use std::time::Duration;

use bartizan_domain::{Monotonic, Secret};
use data_encoding::BASE64URL_NOPAD;
use subtle::ConstantTimeEq;

use crate::mac::MacKey;

/// Length of a slot.
pub const SLOT: Duration = Duration::from_mins(2);

/// The longest that a nonce is good for.
pub const MAX_AGE: Duration = Duration::from_mins(4);

/// Makes and recognises nonces.
pub struct Nonces(MacKey);

impl Nonces {
    /// Takes 32 random bytes, new at each start.
    pub fn new(random: &Secret<[u8; 32]>) -> Self {
        Self(MacKey::new(random))
    }

    /// The nonce to give out: 43 characters of base64url.
    pub fn current(&self, now: Monotonic) -> String {
        self.of_slot(slot(now))
    }

    /// Whether `nonce` was given out in this slot or the one before.
    pub fn accepts(&self, nonce: &str, now: Monotonic) -> bool {
        let current = slot(now);
        let mut slots = [Some(current), current.checked_sub(1)]
            .into_iter()
            .flatten();
        slots.any(|slot| {
            let expected = self.of_slot(slot);
            expected.as_bytes().ct_eq(nonce.as_bytes()).into()
        })
    }

    fn of_slot(&self, slot: u64) -> String {
        let tag = self.0.tag(b"bartizan/v1/dpop-nonce", &slot.to_be_bytes());
        BASE64URL_NOPAD.encode(&tag)
    }
}

impl fmt::Debug for Nonces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Nonces")
    }
}

fn slot(now: Monotonic) -> u64 {
    now.since_start().as_secs() / SLOT.as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Monotonic {
        Monotonic::from_start(Duration::from_secs(seconds))
    }

    fn nonces(byte: u8) -> Nonces {
        Nonces::new(&Secret::new([byte; 32]))
    }

    #[test]
    fn a_nonce_is_good_for_its_slot_and_the_next() {
        let nonces = nonces(1);
        let nonce = nonces.current(at(130));
        assert_eq!(nonce.len(), 43);
        assert!(nonces.accepts(&nonce, at(130)));
        assert!(nonces.accepts(&nonce, at(359)));
        assert!(!nonces.accepts(&nonce, at(360)));
        assert!(!nonces.accepts(&nonce, at(119)));
    }

    #[test]
    fn no_other_text_and_no_other_start_fits() {
        let nonce = nonces(1).current(at(0));
        assert!(!nonces(2).accepts(&nonce, at(0)));
        for other in [
            "",
            "x",
            nonce.split_at(1).1,
            &format!("{nonce}A"),
            &"A".repeat(4_096),
        ] {
            assert!(!nonces(1).accepts(other, at(0)), "{other}");
        }
    }
}
