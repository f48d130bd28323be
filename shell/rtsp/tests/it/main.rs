//! Real sessions over loopback sockets with GStreamer's RTSP server, judged by ffprobe and ffmpeg.
//!
//! Missing tools are failures that say what to install: a skipped test proves nothing.
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_in_result,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod camera;
mod connect;
mod faults;
mod receive;
mod viewer;
