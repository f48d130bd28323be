//! How a command ends: exit codes, and what is printed when it failed.

use bartizan_base::chain;
use bartizan_client::{Advice, ClientError};
use serde_json::{Value, json};

use crate::moment::NotATime;

/// Everything was done.
pub(crate) const DONE: u8 = 0;
/// Something else is wrong.
const OTHER: u8 = 1;
/// A recording is not whole.
pub(crate) const BROKEN: u8 = 2;
/// Wrong usage or set-up (`EX_USAGE` of sysexits).
pub(crate) const USAGE: u8 = 64;
/// Later it may work (`EX_TEMPFAIL`).
const TRY_AGAIN: u8 = 75;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// In the client.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// What was typed is wrong.
    #[error("{0}")]
    Usage(String),
    /// A time is none.
    #[error("{option} {source}")]
    Time {
        /// Which option.
        option: &'static str,
        /// What is expected.
        source: NotATime,
    },
    /// Something of the machine fails.
    #[error("{what}")]
    Machine {
        /// What.
        what: String,
        /// Why.
        source: std::io::Error,
    },
}

impl Failure {
    /// The process's exit code.
    pub(crate) const fn exit_code(&self) -> u8 {
        match self {
            Self::Client(error) => match error.advice() {
                Advice::Change => USAGE,
                Advice::TryAgain => TRY_AGAIN,
                Advice::LookInto => OTHER,
            },
            Self::Usage(_) | Self::Time { .. } => USAGE,
            Self::Machine { .. } => OTHER,
        }
    }

    /// For people: what happened and what to do, with its causes.
    pub(crate) fn message(&self) -> String {
        match self {
            // The source is part of the text already.
            Self::Time { .. } => self.to_string(),
            failure => {
                let mut text = chain(failure).to_string();
                if failure.is_signed_out() {
                    text.push_str(" First forget the account here: bartizan sign-out --local");
                }
                if let Self::Client(error) = failure
                    && let Some(reference) = error.api().and_then(|api| api.reference.as_deref())
                {
                    text.push_str(" (reference ");
                    text.push_str(reference);
                    text.push(')');
                }
                text
            }
        }
    }

    /// The gateway does not know this device's token (any more).
    fn is_signed_out(&self) -> bool {
        match self {
            Self::Client(error) => error.api().is_some_and(|api| api.signed_out),
            _ => false,
        }
    }

    /// For programs.
    pub(crate) fn value(&self) -> Value {
        let kind = match self.exit_code() {
            USAGE => "usage",
            TRY_AGAIN => "try-again",
            _ => "failed",
        };
        let api = match self {
            Self::Client(error) => error.api().map(|api| api.kind.as_str()),
            _ => None,
        };
        json!({ "error": {
            "kind": kind,
            "problem": api,
            "message": self.message(),
            "exitCode": self.exit_code(),
        }})
    }
}

impl From<bartizan_client::profile::ProfileError> for Failure {
    fn from(error: bartizan_client::profile::ProfileError) -> Self {
        Self::Client(error.into())
    }
}

#[cfg(test)]
mod tests {
    use bartizan_client::transport::{ApiError, DialError, TransportError};

    use super::*;

    fn api(status: u16) -> Failure {
        let error = ApiError {
            status,
            kind: "unavailable".to_owned(),
            detail: "Not now.".to_owned(),
            reference: Some("abc".to_owned()),
            retry_after_s: None,
            signed_out: false,
        };
        ClientError::from(TransportError::from(error)).into()
    }

    #[test]
    fn exit_codes_say_what_to_do() {
        let refused = DialError::Unreachable(std::io::ErrorKind::ConnectionRefused.into());
        let refused = ClientError::from(TransportError::Dial(refused));
        let changed = std::io::ErrorKind::InvalidData.into();
        let changed = TransportError::Dial(DialError::WrongGateway(changed));
        let no_camera = ClientError::NoSuchCamera { name: "x".into() };
        for (failure, code) in [
            (Failure::from(refused), TRY_AGAIN),
            (ClientError::from(changed).into(), OTHER),
            (api(503), TRY_AGAIN),
            (api(403), OTHER),
            (no_camera.into(), USAGE),
            (Failure::Usage("x".to_owned()), USAGE),
        ] {
            assert_eq!(failure.exit_code(), code, "{failure:?}");
        }
    }

    #[test]
    fn messages_tell_the_whole_story() {
        assert_eq!(api(503).message(), "Not now. (reference abc)");
        assert_eq!(api(503).value()["error"]["kind"], "try-again");
        let time = Failure::Time {
            option: "--from",
            source: NotATime,
        };
        assert!(time.message().starts_with("--from not a time: write"));
    }
}
