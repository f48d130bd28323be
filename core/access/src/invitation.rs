//! Invitations: a member's device leaves a locked key store for a further device of the same member, under an id
//! that only a secret gives. Whoever knows the secret takes it, once, within ten minutes.
//!
//! The secret never gets here: the id is its hash, and the key store is locked under another one. Invitations are
//! kept in memory only and end with the process. One is good only while the device that made it is on the
//! roster and its member's time is not over. What is kept is bounded by member: strangers add nothing.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use bartizan_domain::{Hash, MemberId, Monotonic, UtcMillis, sabotage};
use bartizan_identity::Roster;
use bartizan_identity::key::sha256;

use crate::decide::{Authorized, Caller, Invite, current};
use crate::signin::{Entrant, Moment};
use crate::tries::Tries;

/// How long an invitation is good for.
pub const LIFETIME: Duration = Duration::from_mins(10);

/// Open invitations of one member.
pub const MAX_OPEN: usize = 4;

/// Bytes of an invitation's id.
pub const ID_LEN: usize = 32;

/// Why there is no invitation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvitationError {
    /// No such invitation: never made, taken already, too old, or its maker is gone.
    #[error("the invitation is not good (any more): ask for a new one")]
    Unknown,
    /// The id has another length, or is in use.
    #[error("this is not a new invitation's id: {ID_LEN} bytes are expected")]
    BadId,
    /// The member has so many already.
    #[error("{MAX_OPEN} invitations are open already; they end within ten minutes")]
    Full,
    /// Too many wrong ids.
    #[error("too many wrong invitations")]
    TooMany {
        /// When to try again.
        retry_after: Duration,
    },
}

struct Open {
    by: Caller,
    keystore: Vec<u8>,
    expires: Monotonic,
}

/// An invitation that was taken.
#[derive(Debug)]
pub struct Redeemed {
    /// Whose.
    pub member: MemberId,
    /// The member's key store, locked under the invitation's secret.
    pub keystore: Vec<u8>,
}

impl Redeemed {
    /// Admits one device of this very member. `since`: from before the roster was looked at.
    pub const fn entrant(&self, since: Moment) -> Entrant {
        Entrant::member(self.member, since)
    }
}

/// All open invitations.
#[derive(Default)]
pub struct Invitations {
    open: BTreeMap<Hash, Open>,
    tries: Tries,
}

impl Invitations {
    /// Opens one. The caller bounds the key store.
    pub fn open(
        &mut self,
        who: &Authorized<Invite>,
        id: &[u8],
        keystore: Vec<u8>,
        now: Monotonic,
    ) -> Result<(), InvitationError> {
        self.forget(now);
        let by = *who.caller();
        let theirs = self
            .open
            .values()
            .filter(|open| open.by.member() == by.member());
        if theirs.count() >= MAX_OPEN {
            return Err(InvitationError::Full);
        }
        let name = name(id);
        if id.len() != ID_LEN || self.open.contains_key(&name) {
            return Err(InvitationError::BadId);
        }
        let expires = now + LIFETIME;
        self.open.insert(
            name,
            Open {
                by,
                keystore,
                expires,
            },
        );
        Ok(())
    }

    /// Takes one; it is gone afterwards.
    pub fn redeem(
        &mut self,
        roster: &Roster,
        id: &[u8],
        (now, utc): (Monotonic, UtcMillis),
    ) -> Result<Redeemed, InvitationError> {
        self.forget(now);
        let found = self.open.remove(&name(id));
        let good = |open: &Open| {
            let maker = Caller::remembered(open.by.member(), open.by.device());
            current(roster, &maker, utc).is_some() || sabotage::off("R-8")
        };
        match found.filter(good) {
            Some(open) => Ok(Redeemed {
                member: open.by.member(),
                keystore: open.keystore,
            }),
            None => Err(match self.tries.count_wrong(now) {
                Ok(()) => InvitationError::Unknown,
                Err(retry_after) => InvitationError::TooMany { retry_after },
            }),
        }
    }

    fn forget(&mut self, now: Monotonic) {
        self.open.retain(|_, open| now < open.expires);
    }
}

impl fmt::Debug for Invitations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Invitations")
            .field("open", &self.open.len())
            .finish_non_exhaustive()
    }
}

/// Looked up by its hash, so that the time that it takes says nothing about ids.
fn name(id: &[u8]) -> Hash {
    sha256(&[b"bartizan/v1/invitation", id])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::tests::{inviting, roster, without_device};

    const NOW: UtcMillis = UtcMillis(1_000_000);
    const OWNER: u8 = 1;
    const VIEWER: u8 = 12;

    fn at(seconds: u64) -> (Monotonic, UtcMillis) {
        (Monotonic::from_start(Duration::from_secs(seconds)), NOW)
    }

    fn with_one(of: u8) -> Invitations {
        let mut all = Invitations::default();
        all.open(&inviting(of), &[7; 32], b"locked".to_vec(), at(0).0)
            .unwrap();
        all
    }

    #[test]
    fn an_invitation_is_taken_once_and_for_its_member() {
        let mut all = with_one(VIEWER);
        let taken = all.redeem(&roster(), &[7; 32], at(599)).unwrap();
        assert_eq!(taken.member, MemberId::new([VIEWER; 16]));
        assert_eq!(taken.keystore, b"locked");
        let again = all.redeem(&roster(), &[7; 32], at(599)).unwrap_err();
        assert_eq!(again, InvitationError::Unknown);
        let late = with_one(VIEWER).redeem(&roster(), &[7; 32], at(600));
        assert_eq!(late.unwrap_err(), InvitationError::Unknown);
    }

    #[test]
    fn r_8_an_invitation_ends_with_its_maker() {
        let gone = with_one(OWNER).redeem(&without_device(OWNER), &[7; 32], at(1));
        assert_eq!(gone.unwrap_err(), InvitationError::Unknown);
        let expired = (at(1).0, UtcMillis(2_000_000));
        let over = with_one(VIEWER).redeem(&roster(), &[7; 32], expired);
        assert_eq!(over.unwrap_err(), InvitationError::Unknown);
    }

    #[test]
    fn a_member_has_four_and_leaves_places_to_others() {
        let mut all = Invitations::default();
        let id = |number: usize| [u8::try_from(number).unwrap(); 32];
        for number in 0..=MAX_OPEN {
            let opened = all.open(&inviting(OWNER), &id(number), Vec::new(), at(0).0);
            assert_eq!(opened.is_err(), number == MAX_OPEN, "{number}");
        }
        let taken = all.open(&inviting(VIEWER), &id(1), Vec::new(), at(0).0);
        assert_eq!(taken.unwrap_err(), InvitationError::BadId);
        let short = all.open(&inviting(VIEWER), &[9; 31], Vec::new(), at(0).0);
        assert_eq!(short.unwrap_err(), InvitationError::BadId);
        let other = all.open(&inviting(VIEWER), &id(9), Vec::new(), at(0).0);
        assert!(other.is_ok());
        let later = all.open(&inviting(OWNER), &id(8), Vec::new(), at(600).0);
        assert!(later.is_ok());
    }

    #[test]
    fn r_5_wrong_invitations_are_slowed_and_lock_nobody_out() {
        let mut all = with_one(OWNER);
        for number in 0..=20 {
            let refused = all.redeem(&roster(), &[number; 31], at(1)).unwrap_err();
            let slowed = matches!(refused, InvitationError::TooMany { .. });
            assert_eq!(slowed, number == 20, "{number}");
        }
        assert!(all.redeem(&roster(), &[7; 32], at(1)).is_ok());
    }
}
