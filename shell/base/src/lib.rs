//! What every program needs from the machine: clocks, tasks, logs, errors, files, randomness and the
//! root key, and codes to scan off a terminal. Each in its own file, each the only place that does it.
//!
//! Nothing here knows cameras, people or the network.
#![forbid(unsafe_code)]

pub mod clock;
pub mod error;
pub mod files;
pub mod log;
pub mod passing;
pub mod random;
pub mod rootkey;
pub mod seal_at_rest;
pub mod tasks;
pub mod terminal;

pub use clock::{Clock, SystemClock, TestClock};
pub use error::{Error, ErrorKind, chain};
pub use rootkey::{RootKey, RootKeySource};
pub use seal_at_rest::AtRest;
pub use tasks::{Shutdown, Tasks};
