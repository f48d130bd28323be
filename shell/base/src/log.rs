//! Sets the log up: to standard error, readable on a terminal, compact elsewhere.
//!
//! [`start`] is called first in `main`, before the configuration is read, so that its faults are logged
//! too; [`set_level`] afterwards, with what the configuration says. What may be logged is
//! `docs/adr/0010`'s business, not this file's.

use std::fmt;
use std::io::{self, IsTerminal};
use std::sync::OnceLock;

use jiff::Timestamp;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::reload::{self, Handle};
use tracing_subscriber::{EnvFilter, Layer, Registry};

use crate::clock::{Clock, SystemClock};

/// The level before a configuration says otherwise.
pub const DEFAULT_LEVEL: &str = "info";

/// Longest level text in bytes.
const MAX_LEVEL: usize = 512;

static FILTER: OnceLock<Handle<EnvFilter, Registry>> = OnceLock::new();

/// Why the log is not as asked.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The level can't be read.
    #[error("{text:?} is not a log level; try \"info\" or \"info,bartizan_rtsp=debug\"")]
    Level {
        /// What was given, cut to 64 characters.
        text: String,
    },
    /// Another logger was installed before.
    #[error("a log is already set up")]
    AlreadySet,
    /// [`set_level`] before [`start`].
    #[error("the log is not set up")]
    NotSet,
}

/// Sends the log of the whole process to standard error at `level`: one of `error`, `warn`, `info`,
/// `debug`, `trace`, or several for different crates (`info,bartizan_rtsp=debug`).
///
/// # Errors
/// [`LogError::Level`], or [`LogError::AlreadySet`] on the second call.
pub fn start(level: &str) -> Result<(), LogError> {
    let (filter, handle) = reload::Layer::new(parse(level)?);
    let subscriber = tracing_subscriber::registry().with(filter).with(format());
    tracing::subscriber::set_global_default(subscriber)
        .map_err(|_already_set| LogError::AlreadySet)?;
    FILTER.set(handle).map_err(|_handle| LogError::AlreadySet)
}

/// Changes the level while running.
///
/// # Errors
/// [`LogError::Level`], which leaves the old level, or [`LogError::NotSet`].
pub fn set_level(level: &str) -> Result<(), LogError> {
    let filter = parse(level)?;
    let handle = FILTER.get().ok_or(LogError::NotSet)?;
    handle.reload(filter).map_err(|_gone| LogError::NotSet)
}

fn parse(level: &str) -> Result<EnvFilter, LogError> {
    let wrong = || LogError::Level {
        text: level.chars().take(64).collect(),
    };
    if level.is_empty() || level.len() > MAX_LEVEL {
        return Err(wrong());
    }
    EnvFilter::try_new(level).map_err(|_unreadable| wrong())
}

fn format<S>() -> Box<dyn Layer<S> + Send + Sync>
where
    S: tracing::Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>,
{
    let layer = tracing_subscriber::fmt::layer()
        .with_writer(io::stderr)
        .with_timer(Utc);
    if io::stderr().is_terminal() {
        layer.with_ansi(true).with_target(false).boxed()
    } else {
        layer.with_ansi(false).compact().boxed()
    }
}

/// Times as `2026-11-22T10:55:00.123Z`.
struct Utc;

impl FormatTime for Utc {
    fn format_time(&self, w: &mut Writer<'_>) -> fmt::Result {
        let millis = i64::try_from(SystemClock.utc().0).unwrap_or(i64::MAX);
        match Timestamp::from_millisecond(millis) {
            Ok(time) => write!(w, "{time:.3}"),
            Err(_) => w.write_str("(year 10000 or later)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_checked() {
        for level in ["info", "warn,bartizan_rtsp=trace", "off"] {
            assert!(parse(level).is_ok(), "{level}");
        }
        for level in ["", "a=b=c", "info,bartizan_rtsp=loud", &"x".repeat(600)] {
            assert!(
                matches!(parse(level), Err(LogError::Level { .. })),
                "{level}"
            );
        }
    }

    #[test]
    fn it_starts_once_and_can_be_changed() {
        assert!(matches!(set_level("info"), Err(LogError::NotSet)));
        start(DEFAULT_LEVEL).unwrap();
        assert!(matches!(start("info"), Err(LogError::AlreadySet)));
        assert!(!tracing::enabled!(tracing::Level::DEBUG));
        set_level("debug").unwrap();
        assert!(tracing::enabled!(tracing::Level::DEBUG));
        assert!(set_level("no=such=level").is_err());
        assert!(tracing::enabled!(tracing::Level::DEBUG));
    }

    #[test]
    fn times_are_utc_with_milliseconds() {
        let mut text = String::new();
        Utc.format_time(&mut Writer::new(&mut text)).unwrap();
        assert_eq!(text.len(), "2026-11-22T10:55:00.123Z".len(), "{text}");
        assert!(text.ends_with('Z'));
    }
}
