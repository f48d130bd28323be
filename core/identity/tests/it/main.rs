//! What this crate promises to the outside, checked from the outside.

mod hpke;
