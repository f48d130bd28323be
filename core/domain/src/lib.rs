//! The words of Bartizan as types: ids, time, renditions, hosts, limits, the byte codec and secrecy wrappers.
//!
//! Every other room speaks in these types. Nothing here does I/O, reads a clock or knows a file.
#![forbid(unsafe_code)]

pub mod host;
pub mod id;
pub mod limits;
pub mod sabotage;
pub mod secret;
pub mod stream;
pub mod text;
pub mod time;
pub mod wire;

pub use id::{CameraId, DeviceId, EpochId, Fingerprint, GatewayId, Hash, KeyId, MemberId, SiteId};
pub use secret::{Private, Secret};
pub use stream::{GapReason, Rendition, StreamId, Track};
pub use time::{Millis, Monotonic, UtcMillis};
