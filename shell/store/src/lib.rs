//! The gateway's database: one SQLite file. It keeps what must survive a restart and is not footage:
//! the roster's statements, token hashes, passkeys, names, addresses and the gateway's own keys.
//!
//! Everything private is sealed under the root key before it gets here ([`bartizan_base::AtRest`]), so a
//! stolen file names no camera and opens no session. Rights are not decided here.
#![forbid(unsafe_code)]

mod database;
mod passkeys;
mod rows;
#[cfg(test)]
#[path = "../../../core/access/src/passkey/soft.rs"]
mod soft;

pub use database::{Claimed, Gone, Slot, Store, StoreError};
pub use rows::CameraRow;
