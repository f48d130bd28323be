//! The `moov` box (14496-12 §8.2): headers and tables of every track, with 64-bit times throughout.

use bartizan_domain::UtcMillis;

use super::boxes::Boxes;
use super::index::Index;
use super::{MOVIE_TIMESCALE, Mp4Error};
use crate::Codec;
use crate::codec::opus;

/// Seconds from 1904-01-01 (14496-12 §8.2.2) to 1970-01-01.
const EPOCH_1904: u64 = 2_082_844_800;

/// Language "und", three letters of five bits (14496-12 §8.4.2).
const UNDETERMINED: u16 = 0x55c4;

/// `tkhd` flags: enabled, in movie, in preview.
const SHOWN: u32 = 7;

/// Where a track lies on the movie's time line, in movie ticks but for `media_time`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Edit {
    /// Nothing of this track is presented before.
    delay: u64,
    /// How long it is presented.
    duration: u64,
    /// Where presentation starts, in ticks of the track since its first decode time.
    media_time: i64,
}

impl Edit {
    const fn end(self) -> u64 {
        self.delay.saturating_add(self.duration)
    }
}

/// Writes `moov` for `tracks`, each with samples, where the chunks lie `shift` bytes further on.
pub(super) fn write(tracks: &[Index], created: UtcMillis, shift: u64) -> Result<Vec<u8>, Mp4Error> {
    let edits = edits(tracks)?;
    let seconds = (created.0 / 1_000).saturating_add(EPOCH_1904);
    let longest = edits.iter().map(|edit| edit.end()).max().unwrap_or(0);
    let mut out = Boxes::default();
    out.boxed(*b"moov", |out| {
        out.full(*b"mvhd", 1, 0, |out| {
            out.u64(seconds)
                .u64(seconds)
                .u32(MOVIE_TIMESCALE)
                .u64(longest);
            out.u32(0x1_0000).u16(0x100).zeros(10); // rate and volume: 1
            out.matrix().zeros(24).count(tracks.len().saturating_add(1));
        });
        for (at, (index, edit)) in tracks.iter().zip(&edits).enumerate() {
            let number = u32::try_from(at).unwrap_or(0).saturating_add(1);
            out.boxed(*b"trak", |out| {
                track_header(out, index, *edit, number, seconds);
                edit_list(out, *edit);
                media(out, index, seconds, shift);
            });
        }
    });
    Ok(out.into_vec())
}

/// Puts all tracks on one line that begins with the earliest.
fn edits(tracks: &[Index]) -> Result<Vec<Edit>, Mp4Error> {
    let mut spans = Vec::new();
    for index in tracks {
        let (first_pts, first_dts) = index.start().ok_or(Mp4Error::Empty)?;
        let end = index.end().ok_or(Mp4Error::Empty)?;
        let entry = index.first_entry();
        let timescale = entry.timescale();
        let skipped = first_pts.saturating_add(entry.pre_skip_ticks());
        let start = if skipped < end { skipped } else { first_pts };
        let duration = end.saturating_sub(start).unsigned_abs();
        let begin = movie_ticks(start.into(), timescale);
        spans.push((
            begin,
            movie_ticks_up(duration, timescale),
            start.saturating_sub(first_dts),
        ));
    }
    let earliest = spans.iter().map(|(begin, ..)| *begin).min().unwrap_or(0);
    let edit = |(begin, duration, media_time): (i128, u64, i64)| Edit {
        delay: u64::try_from(begin.saturating_sub(earliest)).unwrap_or(u64::MAX),
        duration,
        media_time,
    };
    Ok(spans.into_iter().map(edit).collect())
}

fn movie_ticks(ticks: i128, timescale: u32) -> i128 {
    ticks
        .saturating_mul(MOVIE_TIMESCALE.into())
        .div_euclid(i128::from(timescale).max(1))
}

/// Rounded up, so that no player cuts the last sample.
fn movie_ticks_up(ticks: u64, timescale: u32) -> u64 {
    let whole = u128::from(ticks) * u128::from(MOVIE_TIMESCALE);
    u64::try_from(whole.div_ceil(u128::from(timescale).max(1))).unwrap_or(u64::MAX)
}

/// 14496-12 §8.3.2.
fn track_header(out: &mut Boxes, index: &Index, edit: Edit, number: u32, seconds: u64) {
    let video = index.first_entry().video();
    out.full(*b"tkhd", 1, SHOWN, |out| {
        out.u64(seconds)
            .u64(seconds)
            .u32(number)
            .zeros(4)
            .u64(edit.end());
        out.zeros(12); // reserved, layer, alternate group
        out.u16(if video.is_none() { 0x100 } else { 0 })
            .zeros(2)
            .matrix();
        let (width, height) = video.map_or((0, 0), |video| (video.width, video.height));
        out.u16(width).u16(0).u16(height).u16(0);
    });
}

/// 14496-12 §8.6.6: an empty edit for a late start, then the media.
fn edit_list(out: &mut Boxes, edit: Edit) {
    out.boxed(*b"edts", |out| {
        out.full(*b"elst", 1, 0, |out| {
            let late = edit.delay > 0;
            out.count(1 + usize::from(late));
            if late {
                out.u64(edit.delay).i64(-1).u32(0x1_0000);
            }
            out.u64(edit.duration).i64(edit.media_time).u32(0x1_0000);
        });
    });
}

/// 14496-12 §8.4.
fn media(out: &mut Boxes, index: &Index, seconds: u64, shift: u64) {
    let entry = index.first_entry();
    out.boxed(*b"mdia", |out| {
        out.full(*b"mdhd", 1, 0, |out| {
            out.u64(seconds).u64(seconds);
            out.u32(entry.timescale()).u64(index.media_ticks);
            out.u16(UNDETERMINED).zeros(2);
        });
        let (handler, name): (_, &[u8]) = if entry.is_video() {
            (b"vide", b"Bartizan video\0")
        } else {
            (b"soun", b"Bartizan audio\0")
        };
        out.full(*b"hdlr", 0, 0, |out| {
            out.zeros(4).bytes(handler).zeros(12).bytes(name);
        });
        out.boxed(*b"minf", |out| {
            if entry.is_video() {
                out.full(*b"vmhd", 0, 1, |out| {
                    out.zeros(8);
                });
            } else {
                out.full(*b"smhd", 0, 0, |out| {
                    out.zeros(4);
                });
            }
            out.boxed(*b"dinf", |out| {
                out.full(*b"dref", 0, 0, |out| {
                    out.count(1).full(*b"url ", 0, 1, |_| {}); // the same file
                });
            });
            out.boxed(*b"stbl", |out| tables(out, index, shift));
        });
    });
}

/// 14496-12 §8.5–8.7, §8.9.
fn tables(out: &mut Boxes, index: &Index, shift: u64) {
    out.full(*b"stsd", 0, 0, |out| {
        out.count(index.entries.len());
        for entry in &index.entries {
            entry.write(out);
        }
    });
    time_tables(out, index);
    if index.keys.len() < index.sizes.len() {
        out.full(*b"stss", 0, 0, |out| {
            out.count(index.keys.len());
            for number in &index.keys {
                out.u32(*number);
            }
        });
    }
    out.full(*b"stsc", 0, 0, |out| {
        out.count(index.chunk_runs.len());
        for run in &index.chunk_runs {
            out.u32(run.first_chunk)
                .u32(run.samples)
                .u32(run.description);
        }
    });
    out.full(*b"stsz", 0, 0, |out| {
        out.u32(0).count(index.sizes.len());
        for size in &index.sizes {
            out.u32(*size);
        }
    });
    out.full(*b"co64", 0, 0, |out| {
        out.count(index.chunks.len());
        for offset in &index.chunks {
            out.u64(offset.saturating_add(shift));
        }
    });
    if index.first_entry().config().codec == Codec::Opus {
        roll_group(out, index);
    }
}

fn time_tables(out: &mut Boxes, index: &Index) {
    out.full(*b"stts", 0, 0, |out| {
        out.count(index.deltas.as_slice().len());
        for (count, delta) in index.deltas.as_slice() {
            out.u32(*count).u32(*delta);
        }
    });
    let offsets = index.offsets.as_slice();
    if offsets.iter().any(|(_, offset)| *offset != 0) {
        // Version 0 is what every player reads; version 1 only for the rare negative offset.
        let negative = offsets.iter().any(|(_, offset)| *offset < 0);
        out.full(*b"ctts", u8::from(negative), 0, |out| {
            out.count(offsets.len());
            for (count, offset) in offsets {
                out.u32(*count).i32(*offset);
            }
        });
    }
}

/// Opus in ISOBMFF §4.3.6.2: decoding needs 80 ms of run-up wherever it starts.
fn roll_group(out: &mut Boxes, index: &Index) {
    let ticks = index
        .deltas
        .as_slice()
        .first()
        .map_or(1, |(_, delta)| *delta);
    let run_up = u32::from(opus::PRE_SKIP).div_ceil(ticks.max(1));
    out.full(*b"sgpd", 1, 0, |out| {
        let distance = i16::try_from(run_up).unwrap_or(i16::MAX);
        out.bytes(b"roll")
            .u32(2)
            .count(1)
            .i16(distance.saturating_neg());
    });
    out.full(*b"sbgp", 0, 0, |out| {
        out.bytes(b"roll").count(1).u32(index.sample_count()).u32(1);
    });
}
