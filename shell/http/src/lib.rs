//! The gateway's API over HTTP: routes, authentication, problems, limits, TLS. It reaches the gateway only
//! through [`Backend`], decides rights only through `bartizan_access`, and stores nothing.
//!
//! Rooms: [`backend`] what the gateway provides · [`listen`] sockets, connections, shutdown · [`tls`] the
//! certificate · [`origin`] names that are answered to · `auth` token and proof to caller · `extract` parsing ·
//! `problem` failures to answers · `routes` the API itself · `openapi` its description.
//!
//! Limits, each enforced where it is written down: 1 MiB of body, 64 header fields in 16 KiB, 30 s to an
//! answer (`routes`, `extract`, [`listen`]); 2,048 connections, 1,536 of one address, 30 s without progress
//! ([`listen`]); 1,000 viewers, 1 KiB of incoming message (`routes::live`).
#![forbid(unsafe_code)]

mod api;
mod auth;
pub mod backend;
mod extract;
#[cfg(fuzzing)]
pub mod fuzzing;
pub mod listen;
mod openapi;
pub mod origin;
mod problem;
mod range;
mod routes;
mod stall;
pub mod tls;

pub use api::{Api, Settings};
pub use backend::Backend;
pub use listen::{Listener, serve};
pub use openapi::openapi_json;
pub use origin::{Origin, Scheme};
pub use problem::MEDIA_TYPE as PROBLEM_MEDIA_TYPE;
pub use routes::PREFIX;
