//! What this crate promises to the outside, checked from the outside.
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod document;
#[path = "../../examples/vectors/format.rs"]
mod format;
#[path = "../../examples/vectors/judge.rs"]
mod judge;
mod primitives;
mod vectors;
