//! The client's side of RTSP 1.0 (RFC 2326) without a socket: bytes and time in, bytes and access units
//! out.
//!
//! Rooms: [`session`] the conversation · [`framing`] the byte stream · [`message`] requests and answers ·
//! [`auth`] challenges · [`offer`] which media are wanted · [`transport`] how packets travel · [`error`]
//! what goes wrong · [`backoff`] when to try again · [`probe`] what a camera turns out to send. Talking
//! to cameras (backchannel), pausing and recording on the camera are not done.

pub mod auth;
pub mod backoff;
pub mod error;
pub mod framing;
pub mod message;
pub mod offer;
pub mod probe;
pub mod session;
pub mod transport;

pub use backoff::Backoff;
pub use error::{AuthFailure, Fault, SessionError, Step};
pub use session::{Event, Session, SessionConfig, Transmit};
pub use transport::{Transport, UdpChannel};
