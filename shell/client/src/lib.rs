//! The one client of a gateway, for the command line, the tests and native apps.
//!
//! Rooms: [`account`] claiming and signing in · [`invitation`] letting a further device in · [`session`] a device that is signed in, and its verified
//! roster · [`cameras`] cameras and devices · [`live`] and [`recordings`] opened frames · [`live_file`] and
//! [`export`] MP4 files and their proofs · [`verify`] offline checks · [`stream`] sealed records into opened frames · [`profile`] the account on the
//! disk · [`transport`] requests and connections. Nothing here prints, asks or decodes a picture.
#![forbid(unsafe_code)]

pub mod account;
pub mod cameras;
pub mod error;
pub mod export;
#[cfg(test)]
mod fixture;
pub mod invitation;
mod joining;
pub mod live;
pub mod live_file;
mod naming;
pub mod profile;
pub mod recordings;
mod routes;
pub mod session;
pub mod stream;
#[cfg(test)]
mod tests;
pub mod transport;
pub mod verify;

pub use account::{Claimed, NewDevice, claim, sign_in};
pub use error::{Advice, ClientError};
pub use profile::Profile;
pub use session::Session;
