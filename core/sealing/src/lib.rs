//! The sealed stream: what a sealer emits is what lies on disk, what a live viewer receives, what the
//! relay forwards and what the cloud stores (`docs/sealed-stream.md`).
//!
//! Rooms: [`record`] framing and chain · [`segment`] frames under segment keys · [`envelope`] who may
//! open an epoch · [`manifest`] what was recorded, signed · [`stream`] and [`camera`] the sealer's side ·
//! [`verify`] the offline check of a recording.
#![forbid(unsafe_code)]

pub mod camera;
pub mod envelope;
mod explained;
#[cfg(test)]
mod fixture;
pub mod manifest;
pub mod record;
pub mod segment;
pub mod stream;
pub mod verify;

pub use envelope::{Envelope, EnvelopeError, EpochStart, VerifiedEnvelope};
pub use explained::Explained;
pub use manifest::{Gap, Head, HeadState, Manifest};
pub use record::{Kind, Record};
pub use segment::{
    EpochSecret, Frame, OpenError, Scope, SegmentEnd, SegmentHeader, SegmentOpener, SegmentSealer,
};
