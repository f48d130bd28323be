//! What cameras say and what it means: RTSP, RTP, codecs and MP4, as pure functions of bytes and time.
//!
//! Rooms: [`track`] the shared types · [`codec`] parameter sets and their MP4 forms · [`url`] addresses ·
//! [`sdp`] session descriptions · [`rtp`] packets into access units · [`rtsp`] the client's side of a
//! session · [`mp4`] the file writer. No socket is opened and no picture is decoded here.
#![forbid(unsafe_code)]

pub mod codec;
pub mod mp4;
pub mod rtp;
pub mod rtsp;
pub mod sdp;
pub mod track;
pub mod url;

pub use track::{AccessUnit, AudioInfo, Codec, TrackConfig, VideoInfo};
