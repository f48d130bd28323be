//! The synthetic camera: a test card with a clock, drawn and encoded in this process, for trying
//! Bartizan without hardware and for tests that must know exactly what was in the picture.
//!
//! [`SyntheticOptions::parse`] reads its address (`synthetic:?width=1280&fps=15`), [`SyntheticCamera`]
//! yields its access units when they are due. It has no thread, socket or clock of its own, and it is
//! not a general encoder.
//!
//! # What the picture holds
//! A dark background; label, date, UTC clock with milliseconds; a disc that crosses the picture every
//! six seconds; the frame number; and one or two *blocks* that a program reads back.
//!
//! # Blocks
//! A block is 4 rows of 28 cells, 112 bits, row by row from the top left, most significant bit first. A
//! light cell (luma 208) is 1, a dark one (luma 48) is 0. With a picture of `W` × `H` pixels and
//! divisions rounded down:
//!
//! ```text
//! cell width   cw = W / 32           left edge  x0 = (W − 28·cw) / 2
//! cell height  ch = H / 30           top edge   y0 = H − 5·ch     (the stamp)
//!                                                y0 = H − 10·ch    (the canary, when there is one)
//! cell (row, column) covers x0 + column·cw .. + cw, y0 + row·ch .. + ch
//! ```
//!
//! To read one back, average each cell over the middle half of its width and height and compare with
//! 128; in a canvas use (R + G + B) / 3. At 1280 × 720: cw 40, ch 24, x0 80, y0 600 and 480.
//!
//! ```text
//! stamp:   frame number u32 ‖ capture time u64 (ms since 1970, UTC) ‖ check u16
//! canary:  part u8 ‖ parts u8 ‖ ten bytes of the text, zero-padded ‖ check u16
//! ```
//!
//! All big-endian. `check` is CRC-16/CCITT-FALSE (polynomial 0x1021, start 0xFFFF, not reflected) over
//! the twelve bytes before it. The canary's parts take turns, frame by frame: part = frame mod parts.
//!
//! # The canary
//! A text that must never be found outside the sealed stream. Besides its block it stands, byte for
//! byte, in a `user_data_unregistered` SEI message (14496-10 §D.1.7) of every video access unit, and as
//! sample bytes of the sound at the start of each second.
#![forbid(unsafe_code)]

mod audio;
pub mod barcode;
mod camera;
mod encoder;
mod error;
pub mod options;
mod picture;
mod sei;

pub use barcode::Stamp;
pub use camera::SyntheticCamera;
pub use error::SyntheticError;
pub use options::{OptionsError, SyntheticOptions};
