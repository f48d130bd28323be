//! Sign-in with the recovery words: a challenge, a signature of the recovery identity, and a grant that
//! admits one new device.
//!
//! Challenges are not stored: each is a MAC over its time and 16 random bytes, so strangers who ask for
//! thousands fill nothing. What is stored is bounded and only whoever holds the words can add to it: spent
//! challenges, and open grants. The statement that adds the device is judged by the roster.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use bartizan_domain::{Hash, KeyId, Monotonic, Secret};
use bartizan_identity::key::sha256;
use bartizan_identity::{Roster, Signature};
use subtle::ConstantTimeEq;

use crate::mac::{MacKey, TAG_LEN};
use crate::tries::Tries;

/// How long a challenge and a grant are good for.
pub const LIFETIME: Duration = Duration::from_mins(2);

/// Spent challenges that are remembered, and open grants. At the limit sign-in waits.
pub const MAX_OPEN: usize = 16;

const RANDOM_LEN: usize = 16;

/// Bytes of a challenge: time, random bytes, tag.
pub const CHALLENGE_LEN: usize = 8 + RANDOM_LEN + TAG_LEN;

/// Why nobody is signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignInError {
    /// Not a challenge of this process, too old, or used before.
    #[error("the challenge is not good (any more): ask for a new one")]
    BadChallenge,
    /// Not a grant, too old, or used before.
    #[error("the grant is not good (any more): sign in with the recovery words again")]
    BadGrant,
    /// Too many sign-ins at the same time.
    #[error("too many sign-ins are open; they end within two minutes")]
    Busy,
    /// Too many wrong signatures.
    #[error("too many wrong recovery words")]
    TooMany {
        /// When to try again.
        retry_after: Duration,
    },
    /// Not the recovery identity's signature.
    #[error("these are not the site's recovery words")]
    WrongWords,
}

/// Somebody showed that they hold the recovery words. Only this room makes it.
#[derive(Debug)]
pub struct Recovered {
    identity: KeyId,
}

impl Recovered {
    /// Key id of the recovery identity that signed.
    pub const fn identity(&self) -> KeyId {
        self.identity
    }
}

/// The door for the recovery words.
pub struct SignIn {
    key: MacKey,
    spent: BTreeMap<[u8; RANDOM_LEN], Monotonic>,
    grants: BTreeMap<Hash, (KeyId, Monotonic)>,
    tries: Tries,
}

impl SignIn {
    /// Takes 32 random bytes, new at each start.
    pub fn new(random: &Secret<[u8; 32]>) -> Self {
        Self {
            key: MacKey::new(random),
            spent: BTreeMap::new(),
            grants: BTreeMap::new(),
            tries: Tries::default(),
        }
    }

    /// A challenge from 16 random bytes.
    pub fn challenge(&self, random: [u8; RANDOM_LEN], now: Monotonic) -> Vec<u8> {
        let millis = u64::try_from(now.since_start().as_millis()).unwrap_or(u64::MAX);
        let head = [millis.to_be_bytes().as_slice(), &random].concat();
        let tag = self.tag(&head);
        [head.as_slice(), &tag].concat()
    }

    /// Judges the signature over `context ‖ challenge`; a challenge counts once.
    pub fn recover(
        &mut self,
        roster: &Roster,
        context: &'static [u8],
        (challenge, signature): (&[u8], &[u8]),
        now: Monotonic,
    ) -> Result<Recovered, SignInError> {
        self.forget(now);
        let random = self.open_challenge(challenge, now)?;
        let identity = roster.recovery().0;
        let fits = <[u8; Signature::LEN]>::try_from(signature).is_ok_and(|bytes| {
            let signature = Signature::new(bytes);
            identity.verify(context, challenge, &signature).is_ok()
        });
        if !fits {
            return Err(match self.tries.count_wrong(now) {
                Ok(()) => SignInError::WrongWords,
                Err(retry_after) => SignInError::TooMany { retry_after },
            });
        }
        if self.spent.len() >= MAX_OPEN {
            return Err(SignInError::Busy);
        }
        self.spent.insert(random, now + LIFETIME);
        let identity = identity.id();
        Ok(Recovered { identity })
    }

    /// Writes 32 random bytes down as a grant for one device.
    pub fn grant(
        &mut self,
        random: &Secret<[u8; 32]>,
        recovered: &Recovered,
        now: Monotonic,
    ) -> Result<(), SignInError> {
        self.forget(now);
        if self.grants.len() >= MAX_OPEN {
            return Err(SignInError::Busy);
        }
        let open = (recovered.identity, now + LIFETIME);
        self.grants.insert(name(random.expose()), open);
        Ok(())
    }

    /// Takes a grant back; it counts once, and only while the recovery words are the same.
    pub fn spend(
        &mut self,
        roster: &Roster,
        grant: &[u8],
        now: Monotonic,
    ) -> Result<Recovered, SignInError> {
        self.forget(now);
        let found = self.grants.remove(&name(grant));
        let (identity, _) = found.ok_or(SignInError::BadGrant)?;
        if roster.recovery().0.id() != identity {
            return Err(SignInError::BadGrant);
        }
        Ok(Recovered { identity })
    }

    fn open_challenge(
        &self,
        challenge: &[u8],
        now: Monotonic,
    ) -> Result<[u8; RANDOM_LEN], SignInError> {
        let bytes: &[u8; CHALLENGE_LEN] = challenge
            .try_into()
            .map_err(|_length| SignInError::BadChallenge)?;
        let (head, tag) = bytes.split_at(8 + RANDOM_LEN);
        if !bool::from(self.tag(head).as_slice().ct_eq(tag)) {
            return Err(SignInError::BadChallenge);
        }
        let (millis, random) = head
            .split_first_chunk::<8>()
            .ok_or(SignInError::BadChallenge)?;
        let made = Monotonic::from_start(Duration::from_millis(u64::from_be_bytes(*millis)));
        let random = random
            .try_into()
            .map_err(|_length| SignInError::BadChallenge)?;
        if now.since(made) >= LIFETIME || self.spent.contains_key(&random) {
            return Err(SignInError::BadChallenge);
        }
        Ok(random)
    }

    fn tag(&self, head: &[u8]) -> [u8; TAG_LEN] {
        self.key.tag(b"bartizan/v1/sign-in-challenge", head)
    }

    fn forget(&mut self, now: Monotonic) {
        self.spent.retain(|_, expires| now < *expires);
        self.grants.retain(|_, (_, expires)| now < *expires);
    }
}

impl fmt::Debug for SignIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignIn")
            .field("grants", &self.grants.len())
            .finish_non_exhaustive()
    }
}

fn name(grant: &[u8]) -> Hash {
    sha256(&[b"bartizan/v1/grant", grant])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::tests::{recovery_key, roster, stranger_key};

    const CONTEXT: &[u8] = b"test";

    fn at(seconds: u64) -> Monotonic {
        Monotonic::from_start(Duration::from_secs(seconds))
    }

    fn door() -> SignIn {
        SignIn::new(&Secret::new([1; 32]))
    }

    fn signed(challenge: &[u8]) -> [u8; 64] {
        *recovery_key().sign(CONTEXT, challenge).as_bytes()
    }

    #[test]
    fn the_words_admit_one_device() {
        let (mut door, roster) = (door(), roster());
        let challenge = door.challenge([1; 16], at(0));
        let proof = (challenge.as_slice(), signed(&challenge));
        let recovered = door
            .recover(&roster, CONTEXT, (proof.0, &proof.1), at(119))
            .unwrap();
        let grant = Secret::new([5; 32]);
        door.grant(&grant, &recovered, at(119)).unwrap();
        assert!(door.spend(&roster, &[5; 32], at(120)).is_ok());
        assert_eq!(
            door.spend(&roster, &[5; 32], at(120)).unwrap_err(),
            SignInError::BadGrant
        );
    }

    #[test]
    fn a_challenge_counts_once_and_for_two_minutes() {
        let (mut door, roster) = (door(), roster());
        let challenge = door.challenge([1; 16], at(0));
        let proof = signed(&challenge);
        assert!(
            door.recover(&roster, CONTEXT, (&challenge, &proof), at(1))
                .is_ok()
        );
        for (challenge, now) in [(challenge, 2), (door.challenge([2; 16], at(0)), 120)] {
            let late = door.recover(&roster, CONTEXT, (&challenge, &signed(&challenge)), at(now));
            assert_eq!(late.unwrap_err(), SignInError::BadChallenge);
        }
    }

    #[test]
    fn a_challenge_of_another_process_or_with_a_changed_byte_is_none() {
        let (mut door, roster) = (door(), roster());
        let foreign = SignIn::new(&Secret::new([2; 32])).challenge([1; 16], at(0));
        let own = door.challenge([1; 16], at(0));
        let changed = (0..own.len()).map(|at| {
            let mut bytes = own.clone();
            bytes[at] ^= 1;
            bytes
        });
        let cut = vec![Vec::new(), own[1..].to_vec()];
        for challenge in changed.chain([foreign]).chain(cut) {
            let proof = signed(&challenge);
            let refused = door.recover(&roster, CONTEXT, (&challenge, &proof), at(1));
            assert_eq!(refused.unwrap_err(), SignInError::BadChallenge);
        }
    }

    #[test]
    fn r_5_wrong_words_are_slowed_and_lock_nobody_out() {
        let (mut door, roster) = (door(), roster());
        let challenge = door.challenge([1; 16], at(0));
        let wrong = *stranger_key().sign(CONTEXT, &challenge).as_bytes();
        for _ in 0..20 {
            let refused = door.recover(&roster, CONTEXT, (&challenge, &wrong), at(1));
            assert_eq!(refused.unwrap_err(), SignInError::WrongWords);
        }
        let refused = door.recover(&roster, CONTEXT, (&challenge, &wrong), at(2));
        assert!(matches!(refused, Err(SignInError::TooMany { .. })));
        assert!(
            door.recover(&roster, CONTEXT, (&challenge, &signed(&challenge)), at(2))
                .is_ok()
        );
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let (mut door, roster) = (door(), roster());
        for number in 0..=u8::try_from(MAX_OPEN).unwrap() {
            let challenge = door.challenge([number; 16], at(0));
            let result = door.recover(&roster, CONTEXT, (&challenge, &signed(&challenge)), at(1));
            assert_eq!(result.is_err(), usize::from(number) == MAX_OPEN, "{number}");
        }
        let recovered = Recovered {
            identity: roster.recovery().0.id(),
        };
        for number in 0..=u8::try_from(MAX_OPEN).unwrap() {
            let result = door.grant(&Secret::new([number; 32]), &recovered, at(1));
            assert_eq!(result.is_err(), usize::from(number) == MAX_OPEN, "{number}");
        }
    }

    #[test]
    fn a_grant_ends_with_the_words_that_gave_it() {
        let (mut door, roster) = (door(), roster());
        let identity = stranger_key().public().id();
        door.grant(&Secret::new([5; 32]), &Recovered { identity }, at(0))
            .unwrap();
        let refused = door.spend(&roster, &[5; 32], at(1));
        assert_eq!(refused.unwrap_err(), SignInError::BadGrant);
    }
}
