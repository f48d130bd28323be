//! What goes wrong with a camera, in words that a person understands.
//!
//! Nothing that a camera sent is repeated, except encoding names cut down to printable ASCII.

use std::fmt;

use bartizan_domain::GapReason;

use crate::sdp::Encoding;
use crate::url::RtspUrl;

/// A step of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Asking what the camera can do.
    Options,
    /// Asking what it sends.
    Describe,
    /// Waiting for UDP sockets.
    Sockets,
    /// Agreeing on a transport.
    Setup,
    /// Asking it to send.
    Play,
    /// Receiving.
    Playing,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Options => "being greeted",
            Self::Describe => "describing its streams",
            Self::Sockets => "waiting for sockets",
            Self::Setup => "agreeing on a transport",
            Self::Play => "starting to send",
            Self::Playing => "sending",
        })
    }
}

/// Why signing in failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthFailure {
    /// The camera asks for a user name and password; none are set.
    NoCredentials,
    /// The camera refuses the ones that are set.
    Refused,
    /// The camera asks for a scheme that is neither Digest (MD5, SHA-256) nor Basic.
    UnknownScheme,
}

impl fmt::Display for AuthFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoCredentials => "the camera asks for a user name and password, and none are set",
            Self::Refused => "the camera refuses this user name or password",
            Self::UnknownScheme => "the camera asks to be signed in to in an unknown way",
        })
    }
}

/// How a camera breaks the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The header of a message is longer than [`super::framing::MAX_HEAD`].
    #[error("a message header is too long")]
    HeadTooLong,
    /// The body of a message is longer than [`super::framing::MAX_BODY`].
    #[error("a message body is too long")]
    BodyTooLong,
    /// More than [`super::framing::MAX_GARBAGE`] bytes were neither message nor packet.
    #[error("what it sends is neither RTSP nor RTP; is this its RTSP port?")]
    Garbage,
    /// An answer that ends the session.
    #[error("it answers {code} while {step}")]
    Status {
        /// The status code.
        code: u16,
        /// When.
        step: Step,
    },
    /// It does not send the way that was asked for.
    #[error("it refuses this transport; try the other one of TCP and UDP")]
    TransportRefused,
    /// It does not say from which UDP ports it sends.
    #[error("it does not name its UDP ports; use TCP")]
    NoServerPorts,
    /// It sends us elsewhere, and where is unreadable.
    #[error("it redirects to an address that cannot be read")]
    BadLocation,
    /// It sends us round in circles.
    #[error("it redirects too often")]
    TooManyRedirects,
}

/// Why a session ended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    /// Signing in failed.
    #[error("{0}")]
    Unauthorized(AuthFailure),
    /// The user may not see this stream (403).
    #[error("the camera does not let this user see this stream")]
    Forbidden,
    /// The camera has no such stream (404).
    #[error("the camera has no stream at this path")]
    NotFound,
    /// The camera sends us to another server. The address has no credentials.
    #[error("the camera redirects to another address")]
    Redirected {
        /// Where to.
        to: Box<RtspUrl>,
    },
    /// None of the video can be recorded; this is the first one's encoding.
    #[error("the camera sends {encoding} video; set it to H.264 or H.265")]
    UnsupportedVideo {
        /// What it sends.
        encoding: Encoding,
    },
    /// There is no video at all.
    #[error("the camera offers no video at this path")]
    NoVideo,
    /// Video comes, but nothing that says how to decode it.
    #[error("the camera sends video without the parameters to decode it")]
    NoParameterSets,
    /// The camera breaks the protocol.
    #[error("the camera does not speak proper RTSP: {0}")]
    Protocol(Fault),
    /// The camera did not answer in time.
    #[error("the camera did not answer in time while {during}")]
    Timeout {
        /// To what.
        during: Step,
    },
    /// No video came for [`super::session::STALL_TIMEOUT`].
    #[error("the camera stopped sending video")]
    Stalled,
    /// The camera closed the connection or said goodbye.
    #[error("the camera ended the connection while {during}")]
    Closed {
        /// When.
        during: Step,
    },
}

impl SessionError {
    /// What a gap in the recording is called after it.
    pub const fn gap_reason(&self) -> GapReason {
        match self {
            Self::Closed { .. } | Self::Timeout { .. } => GapReason::CameraOffline,
            Self::Stalled | Self::NoParameterSets => GapReason::CameraStalled,
            Self::Unauthorized(_)
            | Self::Forbidden
            | Self::NotFound
            | Self::Redirected { .. }
            | Self::UnsupportedVideo { .. }
            | Self::NoVideo
            | Self::Protocol(_) => GapReason::CameraRefused,
        }
    }

    /// Whether trying again soon is of no use: somebody has to change a setting first. Many cameras lock
    /// an account that is tried too often.
    pub const fn needs_person(&self) -> bool {
        matches!(
            self,
            Self::Unauthorized(_)
                | Self::Forbidden
                | Self::NotFound
                | Self::Redirected { .. }
                | Self::UnsupportedVideo { .. }
                | Self::NoVideo
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_understand_what_happened() {
        let error = SessionError::UnsupportedVideo {
            encoding: Encoding::new("jpeg"),
        };
        assert_eq!(
            error.to_string(),
            "the camera sends JPEG video; set it to H.264 or H.265"
        );
        assert!(error.needs_person());
        assert_eq!(error.gap_reason(), GapReason::CameraRefused);
        let during = Step::Describe;
        let timeout = SessionError::Timeout { during };
        assert_eq!(timeout.gap_reason(), GapReason::CameraOffline);
        assert!(!timeout.needs_person());
    }
}
