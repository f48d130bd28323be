//! Integration tests of `bartizan-media`: what other people's programs think of our files.
//!
//! They need `ffmpeg` and `ffprobe` with libx264, libx265 and libopus, and fail when those are missing.

#[cfg(test)]
mod clip;
#[cfg(test)]
mod export;
#[cfg(test)]
mod large;
#[cfg(test)]
mod tools;
