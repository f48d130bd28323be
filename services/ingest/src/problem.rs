//! What is wrong with a camera, in the API's words. No address, no credentials, no text of the camera's.

use bartizan_media::rtsp::SessionError;
use bartizan_protocol::api::{CameraProblem, CameraProblemKind};
use bartizan_protocol::broker::Failure;
use bartizan_rtsp::ConnectionError;
use bartizan_synthetic::SyntheticError;

/// The supervisor made no connection.
pub(crate) fn of_failure(failure: Failure) -> CameraProblem {
    let kind = match failure {
        Failure::NoSuchHost => CameraProblemKind::NoSuchHost,
        _ => CameraProblemKind::Unreachable,
    };
    CameraProblem {
        kind,
        message: failure.to_string(),
    }
}

/// The synthetic camera failed.
pub(crate) fn of_synthetic(error: &SyntheticError) -> CameraProblem {
    CameraProblem {
        kind: CameraProblemKind::Protocol,
        message: error.to_string(),
    }
}

/// The connection ended.
pub(crate) fn of_connection(error: &ConnectionError) -> CameraProblem {
    let kind = match error {
        ConnectionError::Session(error) => kind_of(error),
        ConnectionError::Io { .. } => CameraProblemKind::Closed,
        ConnectionError::UntrustedCertificate { .. } => CameraProblemKind::UntrustedCertificate,
        ConnectionError::Tls(_) | ConnectionError::Unread => CameraProblemKind::Protocol,
    };
    CameraProblem {
        kind,
        message: error.to_string(),
    }
}

const fn kind_of(error: &SessionError) -> CameraProblemKind {
    match error {
        SessionError::Unauthorized(_) => CameraProblemKind::Unauthorized,
        SessionError::Forbidden => CameraProblemKind::Forbidden,
        SessionError::NotFound => CameraProblemKind::NotFound,
        SessionError::Redirected { .. } => CameraProblemKind::Redirected,
        SessionError::UnsupportedVideo { .. } | SessionError::NoVideo => {
            CameraProblemKind::UnsupportedVideo
        }
        SessionError::NoParameterSets | SessionError::Protocol(_) => CameraProblemKind::Protocol,
        SessionError::Timeout { .. } | SessionError::Stalled => CameraProblemKind::Stalled,
        SessionError::Closed { .. } => CameraProblemKind::Closed,
    }
}

/// Whether trying again soon is of no use, because only a person can mend it.
pub(crate) const fn needs_person(kind: CameraProblemKind) -> bool {
    matches!(
        kind,
        CameraProblemKind::BadUrl
            | CameraProblemKind::Unauthorized
            | CameraProblemKind::Forbidden
            | CameraProblemKind::NotFound
            | CameraProblemKind::Redirected
            | CameraProblemKind::UnsupportedVideo
            | CameraProblemKind::UntrustedCertificate
    )
}
