//! A count of wrong tries per minute: for doors that strangers can knock at.
//!
//! It slows guessing and bounds the work that guessing makes; it never locks the right key out, because
//! the doors ask it only after a try was wrong.

use std::time::Duration;

use bartizan_domain::Monotonic;

/// Wrong tries of one door in one minute.
pub(crate) const MAX_WRONG_PER_MINUTE: u32 = 20;

const MINUTE: Duration = Duration::from_mins(1);

/// Counts wrong tries in windows of one minute, each beginning with a wrong try.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Tries {
    since: Monotonic,
    wrong: u32,
}

impl Tries {
    /// Counts one more; the error is the time after which counting starts anew.
    pub(crate) fn count_wrong(&mut self, now: Monotonic) -> Result<(), Duration> {
        if self.wrong == 0 || now.since(self.since) >= MINUTE {
            *self = Self {
                since: now,
                wrong: 0,
            };
        }
        self.wrong = self.wrong.saturating_add(1);
        if self.wrong > MAX_WRONG_PER_MINUTE && !bartizan_domain::sabotage::off("R-5") {
            return Err(MINUTE.saturating_sub(now.since(self.since)));
        }
        Ok(())
    }
}
