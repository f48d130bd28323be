//! Pictures of a clip as a camera has them: NAL units, and a stamp that tells which picture it is and when
//! it was sent.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Result, ensure};

/// UUID of the stamp's message; `shell/client/examples/viewers` looks for the same.
const STAMP: &[u8; 16] = b"bartizan-bench-1";

/// The kinds of NAL units that matter here (14496-10 table 7-1).
const DELIMITER: u8 = 9;
const PARAMETER_SETS: [u8; 2] = [7, 8];

/// The NAL units of one picture.
pub(super) type Picture = Vec<Vec<u8>>;

/// A clip.
#[derive(Debug)]
pub(super) struct Film {
    pictures: Vec<Picture>,
}

impl Film {
    /// Takes an H.264 byte stream (14496-10 annex B) apart. Every picture must open with a delimiter.
    pub(super) fn parse(stream: &[u8]) -> Result<Self> {
        let mut pictures: Vec<Picture> = Vec::new();
        for unit in units(stream) {
            match (kind(unit), pictures.last_mut()) {
                (DELIMITER, _) => pictures.push(Picture::new()),
                (_, Some(picture)) => picture.push(unit.to_vec()),
                (_, None) => {}
            }
        }
        ensure!(
            pictures.iter().all(|picture| !picture.is_empty()) && !pictures.is_empty(),
            "the clip has no pictures, or empty ones"
        );
        Ok(Self { pictures })
    }

    /// The pictures in a loop without end.
    pub(super) fn looped(&self) -> impl Iterator<Item = &Picture> {
        self.pictures.iter().cycle()
    }
}

/// `picture` with its stamp, which comes behind the parameter sets.
pub(super) fn stamped(picture: &Picture, number: u64, sent_us: u64) -> Picture {
    let sets = |unit: &&Vec<u8>| PARAMETER_SETS.contains(&kind(unit));
    let (before, after) = picture.split_at(picture.iter().take_while(sets).count());
    [before, &[stamp(number, sent_us)], after].concat()
}

/// SEI of type 5, unregistered user data (14496-10 §D.1.7): text, so that no byte needs to be escaped.
fn stamp(number: u64, sent_us: u64) -> Vec<u8> {
    let text = format!("{number:016x}{sent_us:016x}");
    let len = u8::try_from(STAMP.len() + text.len()).unwrap_or(u8::MAX);
    [&[0x06, 5, len], STAMP.as_slice(), text.as_bytes(), &[0x80]].concat()
}

/// Microseconds since 1970, by the clock of this machine.
#[expect(
    clippy::disallowed_methods,
    reason = "camera and viewer share a machine and its clock"
)]
pub(super) fn now_us() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    u64::try_from(since.unwrap_or_default().as_micros()).unwrap_or(u64::MAX)
}

fn kind(unit: &[u8]) -> u8 {
    unit.first().map_or(0, |head| head & 0x1f)
}

/// What stands between start codes. Zeros before a start code belong to it.
fn units(stream: &[u8]) -> Vec<&[u8]> {
    let mut starts: Vec<usize> = Vec::new();
    let mut zeros = 0_u32;
    for (at, byte) in stream.iter().enumerate() {
        match byte {
            0 => zeros += 1,
            1 if zeros >= 2 => {
                starts.push(at + 1);
                zeros = 0;
            }
            _ => zeros = 0,
        }
    }
    let ends = starts
        .iter()
        .skip(1)
        .map(|next| next - 3)
        .chain([stream.len()]);
    let between = starts.iter().zip(ends);
    let units = between.filter_map(|(start, end)| stream.get(*start..end));
    units
        .map(without_zeros)
        .filter(|unit| !unit.is_empty())
        .collect()
}

/// A NAL unit never ends with a zero (14496-10 §7.4.1).
fn without_zeros(mut unit: &[u8]) -> &[u8] {
    while let Some((0, rest)) = unit.split_last() {
        unit = rest;
    }
    unit
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A keyframe with its parameter sets, and one of two slices.
    const STREAM: &[u8] = b"\0\0\0\x01\x09\x10\0\0\0\x01\x67s\0\0\x01\x68p\0\0\x01\x65k\x03\
        \0\0\0\x01\x09\x30\0\0\x01\x41a\0\0\x01\x41b";

    #[test]
    fn a_byte_stream_falls_into_pictures() {
        let film = Film::parse(STREAM).unwrap();
        let pictures: Vec<_> = film.looped().take(3).collect();
        assert_eq!(
            pictures[0],
            &[b"\x67s".to_vec(), b"\x68p".to_vec(), b"\x65k\x03".to_vec()]
        );
        assert_eq!(pictures[1], &[b"\x41a".to_vec(), b"\x41b".to_vec()]);
        assert_eq!(pictures[2], pictures[0]);
        assert!(Film::parse(b"").is_err() && Film::parse(b"\0\0\x01\x65k").is_err());
    }

    #[test]
    fn the_stamp_stands_before_the_slices_and_needs_no_escaping() {
        let film = Film::parse(STREAM).unwrap();
        let pictures: Vec<_> = film.looped().take(2).collect();
        let key = stamped(pictures[0], 10, u64::MAX);
        assert_eq!(
            key.iter().map(|unit| kind(unit)).collect::<Vec<_>>(),
            [7, 8, 6, 5]
        );
        assert_eq!(
            key[2],
            b"\x06\x05\x30bartizan-bench-1000000000000000affffffffffffffff\x80"
        );
        let other = stamped(pictures[1], 11, 0);
        assert!(kind(&other[0]) == 6 && !other[0].contains(&0));
    }
}
