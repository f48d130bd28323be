//! The own network: its links, and the name that this machine is called by there (multicast DNS).
//!
//! One thread with its own sockets, one for each link and family, each bound to its link, so that what comes in
//! over one is answered with the addresses of that one. What is said and when is decided in `bartizan_naming`.
//! Nothing is ever asked for on behalf of others.
#![forbid(unsafe_code)]

mod links;
mod sockets;
mod speaker;

pub use bartizan_naming::{Label, Own};
pub use speaker::{LanError, News, Speaker};
