//! Why a connection ended.

use std::io;

use bartizan_domain::{Fingerprint, GapReason};
use bartizan_media::rtsp::SessionError;

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
pub enum ConnectionError {
    /// The conversation with the camera failed, or the camera ended it.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// A socket failed.
    #[error("the connection to the camera failed while {doing}")]
    Io {
        /// What was being done.
        doing: &'static str,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// The camera's certificate is not the one that is set, or none is set.
    #[error(
        "the camera shows a certificate that is not trusted; \
         if it is the camera's, set its SHA-256 fingerprint {sha256}"
    )]
    UntrustedCertificate {
        /// SHA-256 of the certificate that it shows.
        sha256: Fingerprint,
    },
    /// TLS failed otherwise.
    #[error("the encrypted connection to the camera failed")]
    Tls(#[source] rustls::Error),
    /// The camera takes nothing off our hands.
    #[error("the camera does not read what it is sent")]
    Unread,
}

impl ConnectionError {
    /// What a gap in the recording is called after it.
    pub const fn gap_reason(&self) -> GapReason {
        match self {
            Self::Session(error) => error.gap_reason(),
            Self::Io { .. } | Self::Unread => GapReason::CameraOffline,
            Self::UntrustedCertificate { .. } | Self::Tls(_) => GapReason::CameraRefused,
        }
    }

    /// Whether trying again soon is of no use: somebody has to change a setting first.
    pub const fn needs_person(&self) -> bool {
        match self {
            Self::Session(error) => error.needs_person(),
            Self::UntrustedCertificate { .. } => true,
            Self::Io { .. } | Self::Tls(_) | Self::Unread => false,
        }
    }
}
