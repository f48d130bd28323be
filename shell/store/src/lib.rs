//! The gateway's database: one SQLite file. It keeps what must survive a restart and is not footage:
//! the roster's statements, token hashes, names, addresses and the gateway's own keys.
//!
//! Everything private is sealed under the root key before it gets here ([`bartizan_base::AtRest`]), so a
//! stolen file names no camera and opens no session. Rights are not decided here.
#![forbid(unsafe_code)]

mod database;
mod rows;

pub use database::{Claimed, Slot, Store, StoreError};
pub use rows::CameraRow;
