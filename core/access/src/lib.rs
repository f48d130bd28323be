//! Who may do what, decided without I/O: proofs of possession, tokens, tickets, the claim window, sign-in,
//! and the one place where rights are decided.
//!
//! Rooms: [`dpop`] proofs that a request comes from a device's key (RFC 9449) · [`nonce`] the server's
//! freshness · [`replay`] each proof counts once · [`token`] what a device shows with each request ·
//! [`mod@decide`] rights from the roster · [`ticket`] admission to one live stream · [`claim`] the window in
//! which a new gateway can be claimed · [`signin`] the door for the recovery words, and grants ·
//! [`passkey`] the door for passkeys · [`invitation`] the door for a member's own further devices.
//!
//! Time and randomness are arguments. Nothing here stores, sends or logs anything. Rights follow from five
//! roles, so they are plain matches in [`decide()`]; a policy language (Cedar) replaces the inside of that one
//! function when owners get policies of their own to write.
#![forbid(unsafe_code)]

pub mod claim;
pub mod decide;
pub mod dpop;
pub mod invitation;
pub mod nonce;
pub mod passkey;
pub mod replay;
pub mod signin;
pub mod ticket;
pub mod token;

mod mac;
mod tries;

pub use decide::{Action, Authorized, Caller, Decision, Denial, decide};
pub use dpop::{DeviceKey, DpopError, VerifiedProof};
pub use nonce::Nonces;
pub use token::{TokenHash, TokenRecord};
