//! When to dial a camera again: exponential delays with full jitter, so that a hundred cameras do not
//! come back at once after a power cut.
//!
//! Randomness and time are arguments.

use std::time::Duration;

use bartizan_domain::Monotonic;

/// Bound of the first delay.
pub const FIRST: Duration = Duration::from_millis(500);

/// Bound of every later delay.
pub const LONGEST: Duration = Duration::from_mins(1);

/// No delay is shorter.
pub const SHORTEST: Duration = Duration::from_millis(100);

/// A stream that was good for so long starts over with [`FIRST`].
pub const GOOD_AFTER: Duration = Duration::from_mins(1);

/// Doublings until [`LONGEST`] is passed.
const MAX_DOUBLINGS: u32 = 7;

/// The delays of one camera.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Backoff {
    failures: u32,
    good_since: Option<Monotonic>,
}

impl Backoff {
    /// Starts with no failures.
    pub const fn new() -> Self {
        Self {
            failures: 0,
            good_since: None,
        }
    }

    /// An access unit came.
    pub fn note_good(&mut self, now: Monotonic) {
        let since = *self.good_since.get_or_insert(now);
        if now.since(since) >= GOOD_AFTER {
            self.failures = 0;
        }
    }

    /// Dialling or the session failed: how long to wait. `random` is evenly spread over its whole range.
    /// `needs_person` says that trying soon is of no use, see
    /// [`SessionError::needs_person`](super::SessionError::needs_person): then it is half of
    /// [`LONGEST`] at least.
    pub fn fail(&mut self, random: u32, needs_person: bool) -> Duration {
        self.good_since = None;
        let doubled = FIRST.saturating_mul(1 << self.failures.min(MAX_DOUBLINGS));
        self.failures = self.failures.saturating_add(1);
        let (floor, bound) = if needs_person {
            (LONGEST / 2, LONGEST)
        } else {
            (SHORTEST, doubled.min(LONGEST))
        };
        let span = bound.saturating_sub(floor).as_millis();
        let part = span.saturating_mul(u128::from(random)) >> 32;
        floor.saturating_add(Duration::from_millis(u64::try_from(part).unwrap_or(0)))
    }

    /// Failures in a row.
    pub const fn failures(&self) -> u32 {
        self.failures
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(seconds: u64) -> Monotonic {
        Monotonic::from_start(Duration::from_secs(seconds))
    }

    #[test]
    fn bounds_double_up_to_the_longest() {
        let mut backoff = Backoff::new();
        let delays: Vec<_> = (0..9)
            .map(|_| backoff.fail(u32::MAX, false).as_millis())
            .collect();
        assert_eq!(delays[..4], [499, 999, 1_999, 3_999]);
        assert_eq!(delays[7..], [59_999, 59_999]);
        assert_eq!(Backoff::new().fail(0, false), SHORTEST);
    }

    #[test]
    fn a_good_minute_starts_over() {
        let mut backoff = Backoff::new();
        for _ in 0..5 {
            backoff.fail(0, false);
        }
        backoff.note_good(at(0));
        backoff.note_good(at(59));
        assert_eq!(backoff.failures(), 5);
        backoff.note_good(at(60));
        assert_eq!(backoff.failures(), 0);
        backoff.fail(0, false);
        backoff.note_good(at(100));
        assert_eq!(backoff.failures(), 1);
    }

    #[test]
    fn what_a_person_must_mend_is_tried_slowly() {
        assert_eq!(Backoff::new().fail(0, true), LONGEST / 2);
    }

    proptest! {
        #[test]
        fn delays_are_bounded(randoms: Vec<(u32, bool)>) {
            let mut backoff = Backoff::new();
            for (random, needs_person) in randoms {
                let delay = backoff.fail(random, needs_person);
                prop_assert!((SHORTEST..=LONGEST).contains(&delay));
            }
        }
    }
}
