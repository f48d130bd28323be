//! What the ingest asks of the supervisor, which alone opens connections: one JSON document a line.
//!
//! The ingest can neither make nor connect a socket. It names a camera and a port; the supervisor knows
//! the camera's host from the gateway and passes back the connected socket. Host names never come from the
//! ingest, so a hijacked ingest reaches its cameras and nothing else.

use bartizan_domain::CameraId;
use serde::{Deserialize, Serialize};

/// Connections that one ingest may ask for at the same time.
pub const MAX_PENDING: usize = 512;

/// A request of the ingest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Chosen by the ingest; comes back in the answer.
    pub id: u64,
    /// Whose host. For a connection test, the id that the gateway gave to it.
    pub camera: CameraId,
    /// What is wanted.
    pub want: Want,
}

/// What the ingest wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Want {
    /// A TCP connection to `port` of the camera's host.
    Tcp {
        /// Port of the camera.
        port: u16,
    },
    /// Two UDP sockets on an even port and the next one (RFC 3550 §11), not connected yet, for the host
    /// that speaks RTSP on `port`.
    UdpPair {
        /// RTSP port of the camera.
        port: u16,
    },
    /// Connects the pair of an earlier request to two ports of the camera's host.
    UdpConnect {
        /// Id of the [`Want::UdpPair`] request.
        pair: u64,
        /// The camera's RTP port.
        rtp: u16,
        /// The camera's RTCP port.
        rtcp: u16,
    },
}

/// The supervisor's answer; for [`Outcome::Tcp`] and [`Outcome::UdpPair`] the sockets come with its first
/// byte (`SCM_RIGHTS`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// As in the request.
    pub id: u64,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// One connected socket is attached.
    Tcp,
    /// Two sockets are attached: RTP on `port`, RTCP on the next.
    UdpPair {
        /// Local port of the first.
        port: u16,
    },
    /// The pair is connected.
    UdpConnected,
    /// Unasked for, with id 0: a new socket to the gateway, which was restarted, is attached.
    Link,
    /// It could not be done.
    Failed(Failure),
}

/// Why a connection was not made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
pub enum Failure {
    /// The gateway has no such camera, or not with this port.
    #[error("the camera is not known to the supervisor")]
    UnknownCamera,
    /// The host name has no address.
    #[error("the camera's host name has no address: check the name, or give its IP address")]
    NoSuchHost,
    /// Nobody listens there.
    #[error("the camera's host refuses connections on this port: check the port")]
    Refused,
    /// No answer in time.
    #[error("the camera's host does not answer: check that it is switched on and its address")]
    TimedOut,
    /// There is no way there.
    #[error("there is no network route to the camera's host")]
    Unreachable,
    /// This machine lacks sockets, ports or memory.
    #[error("this machine has no free sockets")]
    OutOfSockets,
}

/// What the gateway tells the supervisor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ToSupervisor {
    /// A camera may be reached at this host and port, or a connection test may.
    Allow {
        /// The camera or test.
        camera: CameraId,
        /// Host name or address.
        host: String,
        /// RTSP port.
        port: u16,
    },
    /// It may no longer be reached.
    Forget {
        /// The camera or test.
        camera: CameraId,
    },
}

/// What the supervisor tells the gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FromSupervisor {
    /// First: cameras that the owner is offered at the claim. Their URLs may hold passwords, so they do
    /// not travel as arguments, which every user of the machine can list.
    Suggest {
        /// Their URLs.
        cameras: Vec<String>,
    },
    /// A socket to a new ingest process is attached.
    Link,
    /// The files of a given certificate are attached, open for reading: its chain, then its key, both PEM. Comes
    /// again whenever one of them changed.
    Certificate,
}
