//! A name on the own network: multicast DNS (RFC 6762) and what little of DNS-SD (RFC 6763) lets an app find its
//! gateway. Bytes and a time in, bytes out; the sockets are in `bartizan_lan`.
//!
//! It answers for one host name and one service and asks for nothing, so it keeps nothing that a peer said: there
//! is no cache to fill. What it says is the name, the addresses and the port, and nothing about the household.
//!
//! Rooms: `message` reading and writing of messages · `name` which names there are · [`responder`] winning the name, defending and answering.
#![forbid(unsafe_code)]

mod message;
mod name;
pub mod responder;

pub use message::{BadMessage, MAX_MESSAGE, Message};
pub use name::{Label, NotAName, Own};
pub use responder::{Link, Packet, Responder, Target};
