//! Who is who: keys, the roster that an owner's devices sign, and the recovery key.
//!
//! Rooms: [`key`] signing keys · [`reader`] the HPKE keys that open epochs · [`roster`] the signed log
//! of members, devices, cameras and sealers · [`recovery`] 24 words into keys · [`keystore`] a member's
//! keys under a lock · [`invitation`] how a new device gets them. Nothing here stores or fetches anything.
#![forbid(unsafe_code)]

pub mod invitation;
pub mod key;
pub mod keystore;
pub mod reader;
pub mod recovery;
pub mod roster;

pub use key::{Signature, SigningKey, VerifyingKey};
pub use reader::{ReaderKey, ReaderPublic, Suite};
pub use roster::{Operation, Role, Roster, RosterError, Statement};
