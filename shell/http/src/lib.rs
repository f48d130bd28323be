//! The gateway's API over HTTP: routes, authentication, problems, limits, TLS. It reaches the gateway only
//! through [`Backend`], decides rights only through `bartizan_access`, and stores nothing.
//!
//! Beside it, on the same listener, the app's files, and on a listener of its own the guide to trusting the site.
//!
//! Rooms: [`backend`] what the gateway provides · [`listen`] sockets, names, changes of the certificate ·
//! `connections` serving and shutdown · [`tls`] the certificate · [`origin`] names that are answered to · [`app`]
//! the app's files · [`guide`] the way to trust · `auth` token and proof to caller · `extract` parsing · `problem`
//! failures to answers · `routes` the API itself · `openapi` its description.
//!
//! Limits, each enforced where it is written down: 1 MiB of body, 64 header fields in 16 KiB, 30 s to an
//! answer (`routes`, `extract`, `connections`); 2,048 connections, 1,536 of one address, 64 and 16 for the guide, 30 s without progress
//! (`connections`); 1,000 viewers, 1 KiB of incoming message (`routes::live`).
#![forbid(unsafe_code)]

mod api;
pub mod app;
mod auth;
pub mod backend;
mod connections;
mod extract;
#[cfg(fuzzing)]
pub mod fuzzing;
pub mod guide;
pub mod listen;
mod openapi;
pub mod origin;
mod problem;
mod range;
mod routes;
mod stall;
pub mod tls;

pub use api::{Api, Settings};
pub use app::App;
pub use backend::Backend;
pub use guide::{Guide, GuideListener};
pub use listen::{Door, Listener, serve, serve_guide};
pub use openapi::openapi_json;
pub use origin::{Origin, Scheme};
pub use problem::MEDIA_TYPE as PROBLEM_MEDIA_TYPE;
pub use routes::PREFIX;
