//! What this crate promises to the outside, checked from the outside.

#[path = "../../examples/vectors/format.rs"]
mod format;
#[path = "../../examples/vectors/judge.rs"]
mod judge;
mod primitives;
mod vectors;
