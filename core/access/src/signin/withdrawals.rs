//! When members' grants were taken back, in order.
//!
//! Judging somebody and giving them a grant are two steps, and the removal of what they came in with may lie between
//! them. So whoever is judged bears the moment from before it, and one withdrawal later that counts as old. No
//! clock is asked: what happens within one tick has an order, too. What is remembered is bounded; at the
//! limit everybody who is being judged starts again.

use std::collections::BTreeMap;

use bartizan_domain::MemberId;

/// Members whose last withdrawal is remembered.
pub(super) const MAX_MEMBERS: usize = 64;

/// How many withdrawals there were. Given out by [`SignIn::moment`](super::SignIn::moment).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(u64);

/// The last withdrawal of each member.
#[derive(Default)]
pub(super) struct Withdrawals {
    now: Moment,
    pub(super) last: BTreeMap<MemberId, Moment>,
    /// Counts for everybody.
    floor: Moment,
}

impl Withdrawals {
    pub(super) const fn moment(&self) -> Moment {
        self.now
    }

    /// A member's grants are taken back now.
    pub(super) fn note(&mut self, member: MemberId) {
        self.now = Moment(self.now.0.saturating_add(1));
        if self.last.len() >= MAX_MEMBERS && !self.last.contains_key(&member) {
            self.last.clear();
            self.floor = self.now;
        }
        self.last.insert(member, self.now);
    }

    /// Whether a member's grants were taken back after `since`.
    pub(super) fn hit(&self, member: MemberId, since: Moment) -> bool {
        let last = self.last.get(&member).copied();
        since < last.unwrap_or(self.floor).max(self.floor)
    }
}
