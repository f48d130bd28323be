//! Sign-in: the door for the recovery words, with a challenge and a signature of the recovery identity; and, for
//! all doors, the grants that admit one new device each.
//!
//! Challenges are not stored: each is a MAC over its time and 16 random bytes, so strangers who ask for
//! thousands fill nothing. What is stored is bounded and only whoever came in can add to it: spent
//! challenges, and open grants, which are counted for each member. A grant remembers for whom it was given. The
//! statement that adds the device is judged by the roster.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use bartizan_domain::{Hash, KeyId, MemberId, Monotonic, Secret, UtcMillis, sabotage};
use bartizan_identity::key::sha256;
use bartizan_identity::{Role, Roster, Signature};
use subtle::ConstantTimeEq;

use crate::mac::{MacKey, TAG_LEN};
use crate::tries::Tries;

/// How long a challenge and a grant are good for.
pub const LIFETIME: Duration = Duration::from_mins(2);

/// Spent challenges that are remembered, and open grants of the words or of one member. At the limit whoever
/// has so many waits.
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
    #[error("the grant is not good (any more): sign in again")]
    BadGrant,
    /// The grant was given for somebody else.
    #[error("this sign-in adds devices of another member")]
    OtherMember,
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

impl Recovered {
    /// Admits one device of an owner.
    pub const fn entrant(&self) -> Entrant {
        Entrant(Door::Words(self.identity))
    }
}

/// Somebody who came in, by whichever door, and may add one device. Only this crate makes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entrant(Door);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Door {
    /// The recovery words of this identity: any owner.
    Words(KeyId),
    /// A passkey or an invitation: this very member.
    Member(MemberId),
}

impl Entrant {
    pub(crate) const fn member(member: MemberId) -> Self {
        Self(Door::Member(member))
    }

    /// Whether a device of `member` may be added, by the roster now.
    fn admits(self, roster: &Roster, member: MemberId, now: UtcMillis) -> Result<(), SignInError> {
        let entry = roster.member(member).ok_or(SignInError::OtherMember)?;
        let theirs = match self.0 {
            Door::Words(identity) if roster.recovery().0.id() != identity => {
                return Err(SignInError::BadGrant);
            }
            Door::Words(_) => entry.role == Role::Owner,
            Door::Member(own) => own == member,
        };
        if !theirs && !sabotage::off("R-8") {
            return Err(SignInError::OtherMember);
        }
        if entry.expires.is_some_and(|end| end <= now) {
            return Err(SignInError::BadGrant);
        }
        Ok(())
    }
}

/// The door for the recovery words, and the grants of all doors.
pub struct SignIn {
    key: MacKey,
    spent: BTreeMap<[u8; RANDOM_LEN], Monotonic>,
    grants: BTreeMap<Hash, (Entrant, Monotonic)>,
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
        entrant: Entrant,
        now: Monotonic,
    ) -> Result<(), SignInError> {
        self.forget(now);
        let open = self.grants.values().filter(|(other, _)| *other == entrant);
        if open.count() >= MAX_OPEN {
            return Err(SignInError::Busy);
        }
        let open = (entrant, now + LIFETIME);
        self.grants.insert(name(random.expose()), open);
        Ok(())
    }

    /// Takes a grant back for a device of `member`; it counts once, and only while what it was given for holds.
    /// A grant for somebody else stays open.
    pub fn spend(
        &mut self,
        roster: &Roster,
        (grant, member): (&[u8], MemberId),
        (now, utc): (Monotonic, UtcMillis),
    ) -> Result<Entrant, SignInError> {
        self.forget(now);
        let name = name(grant);
        let (entrant, _) = *self.grants.get(&name).ok_or(SignInError::BadGrant)?;
        entrant.admits(roster, member, utc)?;
        self.grants.remove(&name);
        Ok(entrant)
    }

    /// Takes back all grants that a member's passkeys and invitations gave: one of them was removed.
    pub fn withdraw(&mut self, member: MemberId) {
        let theirs = Entrant::member(member);
        self.grants.retain(|_, (entrant, _)| *entrant != theirs);
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
    const OWNER: MemberId = MemberId::new([1; 16]);
    const MEMBER: MemberId = MemberId::new([11; 16]);
    const VIEWER: MemberId = MemberId::new([12; 16]);
    const NOW: UtcMillis = UtcMillis(1_000_000);

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
        door.grant(&grant, recovered.entrant(), at(119)).unwrap();
        let spent = (at(120), NOW);
        assert!(door.spend(&roster, (&[5; 32], OWNER), spent).is_ok());
        assert_eq!(
            door.spend(&roster, (&[5; 32], OWNER), spent).unwrap_err(),
            SignInError::BadGrant
        );
    }

    #[test]
    fn r_8_a_grant_admits_devices_of_its_member_and_of_nobody_else() {
        let (mut door, roster) = (door(), roster());
        let words = Recovered {
            identity: roster.recovery().0.id(),
        };
        let mut refused = |entrant, member| {
            door.grant(&Secret::new([5; 32]), entrant, at(1)).unwrap();
            door.spend(&roster, (&[5; 32], member), (at(1), NOW)).err()
        };
        for other in [OWNER, VIEWER, MemberId::new([77; 16])] {
            let entrant = Entrant::member(MEMBER);
            assert_eq!(refused(entrant, other), Some(SignInError::OtherMember));
        }
        assert_eq!(refused(Entrant::member(MEMBER), MEMBER), None);
        assert_eq!(
            refused(words.entrant(), MEMBER),
            Some(SignInError::OtherMember)
        );
        assert_eq!(refused(words.entrant(), OWNER), None);
    }

    #[test]
    fn a_grant_ends_with_its_members_time_and_when_it_is_withdrawn() {
        let (mut door, roster) = (door(), roster());
        let grant = Secret::new([5; 32]);
        door.grant(&grant, Entrant::member(VIEWER), at(1)).unwrap();
        let late = door.spend(&roster, (&[5; 32], VIEWER), (at(1), UtcMillis(2_000_000)));
        assert_eq!(late.unwrap_err(), SignInError::BadGrant);
        door.withdraw(VIEWER);
        let gone = door.spend(&roster, (&[5; 32], VIEWER), (at(1), NOW));
        assert_eq!(gone.unwrap_err(), SignInError::BadGrant);
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
            let result = door.grant(&Secret::new([number; 32]), recovered.entrant(), at(1));
            assert_eq!(result.is_err(), usize::from(number) == MAX_OPEN, "{number}");
        }
        let other = Entrant::member(MEMBER);
        assert!(door.grant(&Secret::new([99; 32]), other, at(1)).is_ok());
    }

    #[test]
    fn a_grant_ends_with_the_words_that_gave_it() {
        let (mut door, roster) = (door(), roster());
        let identity = stranger_key().public().id();
        let others = Recovered { identity }.entrant();
        door.grant(&Secret::new([5; 32]), others, at(0)).unwrap();
        let refused = door.spend(&roster, (&[5; 32], OWNER), (at(1), NOW));
        assert_eq!(refused.unwrap_err(), SignInError::BadGrant);
    }
}
