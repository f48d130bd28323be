//! Time for tests: measuring it, letting it pass, and waiting for something with a limit. Nothing waits forever.

use std::time::Duration;

use anyhow::{Result, bail};
use bartizan_base::{Clock, SystemClock};
use bartizan_domain::{Monotonic, UtcMillis};

/// How often [`until`] looks.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Measures time that passes.
#[derive(Debug, Clone, Copy)]
pub struct Watch(Monotonic);

impl Watch {
    /// Starts now.
    pub fn start() -> Self {
        Self(SystemClock.monotonic())
    }

    /// Since the start.
    pub fn elapsed(self) -> Duration {
        SystemClock.monotonic().since(self.0)
    }
}

/// Wall-clock time of this machine.
pub fn now() -> UtcMillis {
    SystemClock.utc()
}

/// Lets time pass.
#[expect(
    clippy::disallowed_methods,
    reason = "tests watch real programs in real time"
)]
pub fn pause(span: Duration) {
    std::thread::sleep(span);
}

/// Looks until there is something, for at most `limit`.
///
/// # Errors
/// It did not come; the message names `what`.
pub fn until<T>(limit: Duration, what: &str, mut look: impl FnMut() -> Option<T>) -> Result<T> {
    let watch = Watch::start();
    loop {
        if let Some(found) = look() {
            return Ok(found);
        }
        if watch.elapsed() > limit {
            bail!("{what}: not within {limit:?}");
        }
        pause(LOOK_EVERY);
    }
}
