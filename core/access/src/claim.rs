//! The claim window: for 15 minutes a new gateway admits whoever holds its claim link, once.
//!
//! The link's token is 256 bits that only the person in front of the machine saw. Wrong tries are counted;
//! over the limit strangers are told to wait, while the right token is still admitted: a neighbour can
//! neither guess it nor lock the owner out. What comes after admission (the genesis) is judged by the
//! roster's rules.

use std::time::Duration;

use bartizan_domain::{Monotonic, Secret, sabotage};
use subtle::ConstantTimeEq;

use crate::tries::{MAX_WRONG_PER_MINUTE, Tries};

/// How long the window stays open; `protocol::claim::CLAIM_WINDOW` says the same in milliseconds.
pub const WINDOW: Duration = Duration::from_mins(15);

/// Wrong tokens in one minute before strangers are told to wait.
pub const MAX_WRONG: u32 = MAX_WRONG_PER_MINUTE;

/// Why a claim is not admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ClaimError {
    /// The window is over, or the gateway was claimed through it.
    #[error("the claim link has expired: restart the gateway for a new one")]
    Closed,
    /// Too many wrong tokens.
    #[error("too many wrong claim tokens")]
    TooMany {
        /// When to try again.
        retry_after: Duration,
    },
    /// Not the link's token.
    #[error("not the claim link's token: copy the whole link")]
    Wrong,
}

/// Somebody showed the claim link's token. Only [`ClaimWindow::admit`] makes it.
#[derive(Debug)]
pub struct Presence(());

/// The window of one start of an unclaimed gateway.
#[derive(Debug)]
pub struct ClaimWindow {
    token: Secret<[u8; 32]>,
    closes: Monotonic,
    tries: Tries,
    claimed: bool,
}

impl ClaimWindow {
    /// Opens it now, for 32 random bytes.
    pub fn open(token: Secret<[u8; 32]>, now: Monotonic) -> Self {
        Self {
            token,
            closes: now + WINDOW,
            tries: Tries::default(),
            claimed: false,
        }
    }

    /// Judges a token, in constant time.
    pub fn admit(&mut self, token: &[u8], now: Monotonic) -> Result<Presence, ClaimError> {
        if self.claimed || now >= self.closes {
            return Err(ClaimError::Closed);
        }
        let default = sabotage::off("C-10") && token == [0; 32];
        if default || self.token.expose().as_slice().ct_eq(token).into() {
            return Ok(Presence(()));
        }
        match self.tries.count_wrong(now) {
            Ok(()) => Err(ClaimError::Wrong),
            Err(retry_after) => Err(ClaimError::TooMany { retry_after }),
        }
    }

    /// The gateway is claimed: nothing is admitted any more.
    pub fn close(&mut self, _claimed_by: Presence) {
        self.claimed = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Monotonic {
        Monotonic::from_start(Duration::from_secs(seconds))
    }

    fn window() -> ClaimWindow {
        ClaimWindow::open(Secret::new([7; 32]), at(0))
    }

    #[test]
    fn the_link_admits_until_it_was_used() {
        let mut window = window();
        let presence = window.admit(&[7; 32], at(899)).unwrap();
        assert!(window.admit(&[7; 32], at(899)).is_ok());
        window.close(presence);
        assert_eq!(
            window.admit(&[7; 32], at(899)).unwrap_err(),
            ClaimError::Closed
        );
    }

    #[test]
    fn the_window_closes_after_15_minutes() {
        assert_eq!(
            window().admit(&[7; 32], at(900)).unwrap_err(),
            ClaimError::Closed
        );
    }

    #[test]
    fn r_5_guessing_is_slowed_and_locks_nobody_out() {
        let mut window = window();
        for _ in 0..MAX_WRONG {
            assert_eq!(
                window.admit(&[8; 32], at(10)).unwrap_err(),
                ClaimError::Wrong
            );
        }
        let retry_after = Duration::from_secs(50);
        let refused = window.admit(&[8; 32], at(20)).unwrap_err();
        assert_eq!(refused, ClaimError::TooMany { retry_after });
        assert!(window.admit(&[7; 32], at(20)).is_ok());
        assert_eq!(
            window.admit(&[8; 32], at(70)).unwrap_err(),
            ClaimError::Wrong
        );
    }

    #[test]
    fn c_10_no_token_but_the_links_own_is_ever_good() {
        for byte in (0..=u8::MAX).filter(|byte| *byte != 7) {
            let guess = window().admit(&[byte; 32], at(1));
            assert_eq!(guess.unwrap_err(), ClaimError::Wrong, "{byte}");
        }
    }

    #[test]
    fn tokens_of_other_lengths_are_wrong() {
        for token in [&[][..], &[7; 31], &[7; 33]] {
            assert_eq!(window().admit(token, at(1)).unwrap_err(), ClaimError::Wrong);
        }
    }
}
