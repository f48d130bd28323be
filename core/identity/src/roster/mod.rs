//! The roster: an append-only, hash-chained log of signed statements about who belongs to a site.
//!
//! [`Statement`] is one signed line; [`Roster`] is what a verified log means. A roster can only be made
//! by [`Roster::replay`] and [`Roster::apply`], which check every signature and every right, so whoever
//! holds one holds a proof. Sealers wrap to the reader keys that it [entitles](Roster::recipients);
//! readers accept only footage of the sealers that it names.

mod history;
mod operation;
mod rules;
mod statement;

pub use history::History;
pub use operation::{Genesis, MAX_CAMERA_LIST, MAX_NAME_BYTES, Operation, Role};
pub use rules::{Camera, Device, Member, Recipient, Roster, RosterError};
pub use statement::{MAX_STATEMENT_BYTES, Statement, StatementError};

/// Statements of one roster.
pub const MAX_STATEMENTS: usize = 65_536;

/// Members of one site.
pub const MAX_MEMBERS: usize = 64;

/// Devices of one site.
pub const MAX_DEVICES: usize = 256;

/// Reader keys of one member that are not retired.
pub const MAX_READER_KEYS_PER_MEMBER: usize = 8;

#[cfg(test)]
mod tests;
