//! Sign-in: the door for the recovery words, with a challenge and a signature of the recovery identity; and, for
//! all doors, the grants that admit one new device each.
//!
//! Challenges are not stored: each is a MAC over its time and 16 random bytes, so strangers who ask for
//! thousands fill nothing. What is stored is bounded and only whoever came in can add to it: spent
//! challenges, and open grants, which are counted for each member. A grant remembers for whom it was given, and when
//! they were judged: what was earned before a member's grants were taken back is good for nothing afterwards. The
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

mod withdrawals;

pub use withdrawals::Moment;

use withdrawals::Withdrawals;

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
    /// A passkey or an invitation: this very member, judged after this moment.
    Member(MemberId, Moment),
}

impl Entrant {
    pub(crate) const fn member(member: MemberId, since: Moment) -> Self {
        Self(Door::Member(member, since))
    }

    /// Whether a device of `member` may be added, by the roster now.
    pub fn joins(self, roster: &Roster, member: MemberId, now: UtcMillis) -> bool {
        self.admits(roster, member, now).is_ok()
    }

    /// Came in as whom this one came in as.
    fn is_same(self, other: Self) -> bool {
        match (self.0, other.0) {
            (Door::Words(one), Door::Words(other)) => one == other,
            (Door::Member(one, _), Door::Member(other, _)) => one == other,
            _ => false,
        }
    }

    fn admits(self, roster: &Roster, member: MemberId, now: UtcMillis) -> Result<(), SignInError> {
        let entry = roster.member(member).ok_or(SignInError::OtherMember)?;
        let theirs = match self.0 {
            Door::Words(identity) if roster.recovery().0.id() != identity => {
                return Err(SignInError::BadGrant);
            }
            Door::Words(_) => entry.role == Role::Owner,
            Door::Member(own, _) => own == member,
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
    withdrawals: Withdrawals,
    tries: Tries,
}

impl SignIn {
    /// Takes 32 random bytes, new at each start.
    pub fn new(random: &Secret<[u8; 32]>) -> Self {
        Self {
            key: MacKey::new(random),
            spent: BTreeMap::new(),
            grants: BTreeMap::new(),
            withdrawals: Withdrawals::default(),
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

    /// Now, among the withdrawals. To be taken before whatever a passkey or an invitation is judged by is looked up.
    pub const fn moment(&self) -> Moment {
        self.withdrawals.moment()
    }

    /// Writes 32 random bytes down as a grant for one device. Whose grants were taken back since they were judged
    /// gets none: perhaps it was what they came in with that was removed.
    pub fn grant(
        &mut self,
        random: &Secret<[u8; 32]>,
        entrant: Entrant,
        now: Monotonic,
    ) -> Result<(), SignInError> {
        self.forget(now);
        if !self.holds(entrant) {
            return Err(SignInError::BadGrant);
        }
        let open = self.grants.values();
        let open = open.filter(|(other, _)| other.is_same(entrant));
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
        if !self.holds(entrant) {
            return Err(SignInError::BadGrant);
        }
        entrant.admits(roster, member, utc)?;
        self.grants.remove(&name);
        Ok(entrant)
    }

    /// Takes back all grants that a member's passkeys and invitations gave, and those that they are about to give:
    /// one of them, or the member, was removed.
    pub fn withdraw(&mut self, member: MemberId) {
        self.withdrawals.note(member);
        let withdrawals = &self.withdrawals;
        self.grants
            .retain(|_, (entrant, _)| holds(withdrawals, *entrant));
    }

    fn holds(&self, entrant: Entrant) -> bool {
        holds(&self.withdrawals, entrant)
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

/// Whether nothing was taken back since somebody was judged. (Words are withdrawn by the roster.)
fn holds(withdrawals: &Withdrawals, entrant: Entrant) -> bool {
    match entrant.0 {
        Door::Words(_) => true,
        Door::Member(member, since) => !withdrawals.hit(member, since) || sabotage::off("R-8"),
    }
}

fn name(grant: &[u8]) -> Hash {
    sha256(&[b"bartizan/v1/grant", grant])
}

#[cfg(test)]
mod tests;
