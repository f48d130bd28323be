//! Cameras over the network: drives an RTSP session over sockets that somebody else has opened.
//!
//! Rooms: [`connection`] one camera · [`tls`] trust in its certificate · [`mod@probe`] a first look at it.
//! Nothing here resolves, dials, listens or waits: the caller's loop owns the poll and one tick for all
//! cameras, and a process without the right to make sockets can run it. What bytes mean is decided in
//! `core/media`.
#![forbid(unsafe_code)]

pub mod connection;
pub mod error;
pub mod probe;
pub mod tls;

pub use connection::{Connection, Progress, Settings, UdpSockets};
pub use error::ConnectionError;
pub use probe::{Dial, ProbeError, probe};
