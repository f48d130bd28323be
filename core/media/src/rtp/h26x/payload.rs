//! What is in a video packet: one NAL unit, several, or a fragment (RFC 6184 §5.6–5.8, RFC 7798 §4.4).

use super::Flavor;
use crate::codec::nal;

/// RFC 6184 §5.7.1.
const STAP_A: u8 = 24;
/// RFC 6184 §5.8.
const FU_A: u8 = 28;
/// RFC 7798 §4.4.2.
const AGGREGATION: u8 = 48;
/// RFC 7798 §4.4.3.
const FRAGMENTATION: u8 = 49;

/// A payload that breaks its format, or a form that is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Malformed;

/// The one or two bytes that a NAL unit starts with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Header {
    H264([u8; 1]),
    H265([u8; 2]),
}

impl Header {
    pub(super) const fn as_bytes(&self) -> &[u8] {
        match self {
            Self::H264(bytes) => bytes,
            Self::H265(bytes) => bytes,
        }
    }
}

/// A NAL unit or a part of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    Fragment {
        /// Of the whole NAL unit.
        header: Header,
        start: bool,
        end: bool,
        data: &'a [u8],
    },
    Whole(&'a [u8]),
}

/// What a packet starts with, as far as access units are concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    /// Something that stands before the slices of an access unit.
    Before,
    /// A fragment that is not the first.
    Continuation,
    /// The first slice of a picture.
    FirstSlice,
    /// A slice that is not the first.
    LaterSlice,
    /// None of these.
    Other,
}

/// What `payload` starts with.
pub(super) fn peek(flavor: Flavor, payload: &[u8]) -> Start {
    let mut start = None;
    let whole = unpack(flavor, payload, &mut |piece| {
        start.get_or_insert_with(|| match piece {
            Piece::Fragment { start: false, .. } => Start::Continuation,
            Piece::Fragment { header, data, .. } => flavor.start_of(header, data.first().copied()),
            Piece::Whole(unit) => header_of(flavor, unit).map_or(Start::Other, |header| {
                flavor.start_of(header, unit.get(flavor.header_len()).copied())
            }),
        });
    });
    match (start, whole) {
        // A malformed rest is found again when the packet is taken.
        (Some(start), Ok(()) | Err(Malformed)) => start,
        (None, _) => Start::Other,
    }
}

/// Gives the pieces of `payload` away in order.
pub(super) fn unpack<'a>(
    flavor: Flavor,
    payload: &'a [u8],
    out: &mut dyn FnMut(Piece<'a>),
) -> Result<(), Malformed> {
    match flavor {
        Flavor::H264 => unpack_h264(payload, out),
        Flavor::H265 => unpack_h265(payload, out),
    }
}

fn header_of(flavor: Flavor, unit: &[u8]) -> Option<Header> {
    match flavor {
        Flavor::H264 => unit.first_chunk().copied().map(Header::H264),
        Flavor::H265 => unit.first_chunk().copied().map(Header::H265),
    }
}

fn unpack_h264<'a>(payload: &'a [u8], out: &mut dyn FnMut(Piece<'a>)) -> Result<(), Malformed> {
    let (first, rest) = payload.split_first().ok_or(Malformed)?;
    match first & 0x1f {
        1..=5 => out(Piece::Whole(payload)),
        0 | 6..=23 => split_start_codes(payload, out),
        STAP_A => return aggregated(rest, out),
        FU_A => {
            let (fu, data) = rest.split_first().ok_or(Malformed)?;
            out(Piece::Fragment {
                header: Header::H264([(first & 0xe0) | (fu & 0x1f)]),
                start: fu & 0x80 != 0,
                end: fu & 0x40 != 0,
                data,
            });
        }
        _ => return Err(Malformed),
    }
    Ok(())
}

fn unpack_h265<'a>(payload: &'a [u8], out: &mut dyn FnMut(Piece<'a>)) -> Result<(), Malformed> {
    let ([first, second], rest) = payload.split_first_chunk().ok_or(Malformed)?;
    match (first >> 1) & 0x3f {
        1..=31 => out(Piece::Whole(payload)),
        0 | 32..=47 => split_start_codes(payload, out),
        AGGREGATION => return aggregated(rest, out),
        FRAGMENTATION => {
            let (fu, data) = rest.split_first().ok_or(Malformed)?;
            out(Piece::Fragment {
                header: Header::H265([(first & 0x81) | ((fu & 0x3f) << 1), *second]),
                start: fu & 0x80 != 0,
                end: fu & 0x40 != 0,
                data,
            });
        }
        _ => return Err(Malformed),
    }
    Ok(())
}

/// NAL units, each behind a 16-bit length.
fn aggregated<'a>(mut rest: &'a [u8], out: &mut dyn FnMut(Piece<'a>)) -> Result<(), Malformed> {
    while let Some((len, after)) = rest.split_first_chunk() {
        let len = usize::from(u16::from_be_bytes(*len));
        let (unit, after) = after.split_at_checked(len).ok_or(Malformed)?;
        if !unit.is_empty() {
            out(Piece::Whole(unit));
        }
        rest = after;
    }
    // A left-over byte is padding that some cameras add.
    Ok(())
}

/// Some cameras put several NAL units with start codes into one packet, parameter sets first; no
/// legal NAL unit holds a start code, so nothing else is cut.
fn split_start_codes<'a>(payload: &'a [u8], out: &mut dyn FnMut(Piece<'a>)) {
    let code = payload.windows(3).position(|window| window == [0, 0, 1]);
    let Some((before, rest)) = code.and_then(|at| payload.split_at_checked(at)) else {
        out(Piece::Whole(payload));
        return;
    };
    let end = before.iter().rposition(|byte| *byte != 0);
    if let Some(unit) = end.and_then(|last| before.get(..=last)) {
        out(Piece::Whole(unit));
    }
    for unit in nal::annex_b(rest) {
        out(Piece::Whole(unit));
    }
}
