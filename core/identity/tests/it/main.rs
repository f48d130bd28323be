//! What this crate promises to the outside, checked from the outside.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod hpke;
