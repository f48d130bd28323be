//! The error of services: what kind of failure, what to tell the caller, and what caused it.
//!
//! Rooms below have their own precise errors; a service sorts them into these few kinds, from which the
//! HTTP layer makes a status and the command line an exit code. Nothing here logs.

use std::error::Error as StdError;
use std::fmt;

/// The kinds of failure that callers can act on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ErrorKind {
    /// What is asked for exists already.
    AlreadyExists,
    /// Stored data is damaged or can't be opened.
    DataLoss,
    /// Not now: the system is in another state than the request needs.
    FailedPrecondition,
    /// A bug or broken invariant; the caller learns only that.
    Internal,
    /// The request can't be right, whatever the state.
    InvalidArgument,
    /// There is no such thing, or the caller may not know of it.
    NotFound,
    /// The caller is known and may not.
    PermissionDenied,
    /// A limit is reached: quota, rate, disk.
    ResourceExhausted,
    /// The caller is not known.
    Unauthenticated,
    /// Try again later.
    Unavailable,
}

impl ErrorKind {
    /// The kind in `snake_case`, as it appears in logs and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AlreadyExists => "already_exists",
            Self::DataLoss => "data_loss",
            Self::FailedPrecondition => "failed_precondition",
            Self::Internal => "internal",
            Self::InvalidArgument => "invalid_argument",
            Self::NotFound => "not_found",
            Self::PermissionDenied => "permission_denied",
            Self::ResourceExhausted => "resource_exhausted",
            Self::Unauthenticated => "unauthenticated",
            Self::Unavailable => "unavailable",
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A failure of a service.
#[derive(Debug)]
#[expect(
    clippy::error_impl_error,
    reason = "the one error type of services, used as base::Error"
)]
pub struct Error {
    kind: ErrorKind,
    msg: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// `msg` is for the caller: what went wrong in words that reveal nothing private.
    pub fn new(kind: ErrorKind, msg: impl Into<String>) -> Self {
        Self {
            kind,
            msg: msg.into(),
            source: None,
        }
    }

    /// A broken invariant; `msg` is for the log.
    pub fn internal(msg: impl Into<String>) -> Self {
        Self::new(ErrorKind::Internal, msg)
    }

    /// Adds the cause, which goes to logs and never to callers.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// For `map_err`: this kind and message, with the error at hand as the cause.
    pub fn wrap<E: Into<Box<dyn StdError + Send + Sync>>>(
        kind: ErrorKind,
        msg: &'static str,
    ) -> impl FnOnce(E) -> Self {
        move |source| Self::new(kind, msg).caused_by(source)
    }

    /// What kind.
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// What to tell the caller, without the cause.
    pub fn msg(&self) -> &str {
        &self.msg
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.msg)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

/// Prints an error with all its causes, `outer: cause: root cause`, for one log line.
///
/// At most 16 levels. A cause that the level above has already printed at its end is left out.
pub fn chain<'a>(error: &'a (dyn StdError + 'static)) -> impl fmt::Display + 'a {
    Chain(error)
}

const MAX_LEVELS: usize = 16;

struct Chain<'a>(&'a (dyn StdError + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut printed = self.0.to_string();
        f.write_str(&printed)?;
        let causes = std::iter::successors(self.0.source(), |error| StdError::source(*error));
        for cause in causes.take(MAX_LEVELS) {
            let text = cause.to_string();
            if !printed.ends_with(&text) {
                write!(f, ": {text}")?;
            }
            printed = text;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_tells_the_whole_story_once() {
        let root = std::io::Error::other("disk on fire");
        let middle = Error::internal("segment can't be written").caused_by(root);
        let top = Error::wrap(ErrorKind::Unavailable, "recording stopped")(middle);
        assert_eq!(
            chain(&top).to_string(),
            "recording stopped: segment can't be written: disk on fire"
        );
        assert_eq!(top.to_string(), "recording stopped");
        assert_eq!(top.kind(), ErrorKind::Unavailable);
    }

    #[test]
    fn a_cause_that_is_already_printed_is_left_out() {
        let root = std::io::Error::other("no route");
        let top =
            Error::new(ErrorKind::Unavailable, format!("can't connect: {root}")).caused_by(root);
        assert_eq!(chain(&top).to_string(), "can't connect: no route");
    }
}
