//! What the measurements' camera puts into each picture: an H.264 SEI message of user data (14496-10
//! §D.1.7) that holds, as text, the picture's number and when it was given to the socket.

use std::time::{SystemTime, UNIX_EPOCH};

use bartizan_client::stream::Step;
use bartizan_domain::Track;

/// The UUID of the message; the camera of `cargo xtask bench` writes the same.
const NAME: &[u8; 16] = b"bartizan-bench-1";

/// Only parameter sets come before it.
const SEARCHED: usize = 4_096;

/// Hexadecimal digits of the number and of the time.
const DIGITS: usize = 16;

/// A picture's stamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Stamp {
    /// Pictures of the camera before this one.
    pub(crate) number: u64,
    /// Microseconds since 1970, by the clock of this machine.
    pub(crate) sent_us: u64,
}

/// The stamp of an opened picture; nothing for other steps.
pub(crate) fn of(step: &Step<'_>) -> Result<Option<Stamp>, super::Failure> {
    match step {
        Step::Frame(frame) if frame.track == Track::Video => match find(frame.data) {
            None => Err("a picture has no stamp".into()),
            found => Ok(found),
        },
        _ => Ok(None),
    }
}

fn find(picture: &[u8]) -> Option<Stamp> {
    let start = picture.get(..SEARCHED).unwrap_or(picture);
    let at = start.windows(NAME.len()).position(|found| found == NAME)?;
    let text = picture.get(at.checked_add(NAME.len())?..)?;
    let (number, rest) = text.split_at_checked(DIGITS)?;
    Some(Stamp {
        number: hexadecimal(number)?,
        sent_us: hexadecimal(rest.get(..DIGITS)?)?,
    })
}

fn hexadecimal(digits: &[u8]) -> Option<u64> {
    u64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// The time of this machine's clock.
#[expect(
    clippy::disallowed_methods,
    reason = "the product's clock tells milliseconds, which are too coarse here"
)]
pub(crate) fn now_us() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    u64::try_from(since.unwrap_or_default().as_micros()).unwrap_or(u64::MAX)
}
