//! What Bartizan's parts say to each other: the API's documents and the messages between the gateway
//! and its ingest.
//!
//! Rooms: [`api`] requests and answers of the HTTP API · [`ipc`] messages over the socket between
//! gateway and ingest · [`broker`] requests for connections · [`claim`] the claim link ·
//! [`invitation`] the invitation link · [`blob`] bytes in JSON · [`change`] what a patch changes.
//! Who may say what is decided elsewhere.
#![forbid(unsafe_code)]

pub mod api;
pub mod blob;
pub mod broker;
pub mod change;
pub mod claim;
#[cfg(feature = "openapi")]
pub mod described;
pub mod invitation;
pub mod ipc;
