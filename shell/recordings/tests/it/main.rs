//! The recorder against a disk that misbehaves.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_in_result,
    clippy::case_sensitive_file_extension_comparisons,
    clippy::needless_for_each,
    clippy::match_same_arms,
    clippy::semicolon_if_nothing_returned,
    unreachable_pub,
    reason = "a test that meets what it does not expect ends there, and says where"
)]

mod crashes;
mod disks;
mod fault;
mod finding;
mod lab;
mod live;
mod real;
mod retention;
mod sealer;
mod storms;
