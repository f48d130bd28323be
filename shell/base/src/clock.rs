//! The one place that reads clocks. Everything else takes time as an argument, or asks a [`Clock`] that
//! its `main` handed to it, so that tests decide what time it is.
//!
//! It does not wait: timers are tokio's or the poll loop's.

use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bartizan_domain::{Monotonic, UtcMillis};

/// Something that knows what time it is.
pub trait Clock: fmt::Debug + Send + Sync {
    /// Time that never jumps, counted from some moment of this process.
    fn monotonic(&self) -> Monotonic;

    /// Wall-clock time, which may jump in both directions.
    fn utc(&self) -> UtcMillis;
}

/// The machine's clocks. All values of this type count from the same zero.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SystemClock;

#[expect(
    clippy::disallowed_methods,
    reason = "the one place that reads the machine's clocks"
)]
impl Clock for SystemClock {
    fn monotonic(&self) -> Monotonic {
        static ZERO: OnceLock<Instant> = OnceLock::new();
        let zero = *ZERO.get_or_init(Instant::now);
        Monotonic::from_start(Instant::now().saturating_duration_since(zero))
    }

    /// A clock set before 1970 (a board without a battery may come up so) reads as 1970.
    fn utc(&self) -> UtcMillis {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        UtcMillis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }
}

/// A clock that a test turns by hand. Clones show the same time.
#[derive(Debug, Clone)]
pub struct TestClock(Arc<Mutex<(Monotonic, UtcMillis)>>);

impl TestClock {
    /// Stands at `utc`; its monotonic time starts at zero.
    pub fn at(utc: UtcMillis) -> Self {
        Self(Arc::new(Mutex::new((Monotonic::default(), utc))))
    }

    /// Lets time pass, on both clocks.
    pub fn advance(&self, span: Duration) {
        let millis = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
        self.turn(|(monotonic, utc)| (monotonic + span, utc.saturating_add(millis)));
    }

    /// Sets the wall clock, as an operator or a time server does; monotonic time does not notice.
    pub fn set_utc(&self, utc: UtcMillis) {
        self.turn(|(monotonic, _)| (monotonic, utc));
    }

    fn turn(&self, change: impl FnOnce((Monotonic, UtcMillis)) -> (Monotonic, UtcMillis)) {
        let mut hands = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *hands = change(*hands);
    }

    fn read(&self) -> (Monotonic, UtcMillis) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for TestClock {
    fn monotonic(&self) -> Monotonic {
        self.read().0
    }

    fn utc(&self) -> UtcMillis {
        self.read().1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn system_time_is_plausible_and_does_not_go_back() {
        let first = SystemClock.monotonic();
        assert!(SystemClock.utc() > UtcMillis(1_700_000_000_000));
        assert!(SystemClock.monotonic() >= first);
    }

    #[test]
    fn a_test_clock_moves_by_hand_only() {
        let clock = TestClock::at(UtcMillis(1_000));
        let same = clock.clone();
        clock.advance(Duration::from_millis(250));
        assert_eq!(same.utc(), UtcMillis(1_250));
        assert_eq!(same.monotonic().since_start(), Duration::from_millis(250));
        clock.set_utc(UtcMillis(7));
        assert_eq!(same.utc(), UtcMillis(7));
        assert_eq!(same.monotonic().since_start(), Duration::from_millis(250));
    }
}
