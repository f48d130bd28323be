//! The file from its first byte to its last: `ftyp`, `mdat` with a 64-bit size, `moov`.
//!
//! The caller owns the file; this only says what to append and the one place to patch.

use bartizan_domain::UtcMillis;

use super::boxes::Boxes;
use super::entry::Entry;
use super::index::Index;
use super::moov;
use super::{ConfigNo, MAX_CONFIGS, MAX_SAMPLES, MAX_TRACKS, Mp4Error, Sample, TrackNo};
use crate::TrackConfig;

/// Bytes of `mdat`'s header with its 64-bit size (14496-12 §4.2).
const MDAT_HEADER: u64 = 16;

/// Bytes of an `mdat` header before the 64-bit size.
const MDAT_SIZE_AT: u64 = 8;

/// Bytes to write over those that the file has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patch {
    /// Offset in the file.
    pub offset: u64,
    /// What belongs there.
    pub bytes: [u8; 8],
}

/// `moov` for in front of the media.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FastStart {
    /// Offset in the file, before anything is moved, that `moov` goes to.
    pub offset: u64,
    /// The box; what followed `offset` follows it.
    pub moov: Vec<u8>,
}

/// A file in the making. See [`super`] for its times.
#[derive(Debug)]
pub struct Mp4Writer {
    created: UtcMillis,
    tracks: Vec<Index>,
    samples: u32,
    /// Where `mdat` begins.
    media_at: u64,
    /// Bytes of the file so far, but for those in the caller's hands.
    written: u64,
}

impl Mp4Writer {
    /// Begins a file that was `created` then, usually the time of the first frame, and appends its first
    /// bytes to `out`.
    pub fn new(created: UtcMillis, out: &mut Vec<u8>) -> Self {
        let mut boxes = Boxes::default();
        boxes.boxed(*b"ftyp", |out| {
            // iso2: edit lists and sample groups; iso4: signed composition offsets.
            out.bytes(b"isom").u32(0x200).bytes(b"isomiso2iso4mp41");
        });
        let head = boxes.into_vec();
        let media_at = length(&head);
        out.extend_from_slice(&head);
        out.extend_from_slice(&[0, 0, 0, 1]);
        out.extend_from_slice(b"mdat");
        out.extend_from_slice(&[0; 8]);
        Self {
            created,
            tracks: Vec::new(),
            samples: 0,
            media_at,
            written: media_at.saturating_add(MDAT_HEADER),
        }
    }

    /// Adds a track, at any time; a track that never gets a sample is left out of the file.
    pub fn add_track(&mut self, config: &TrackConfig) -> Result<TrackNo, Mp4Error> {
        if self.tracks.len() >= MAX_TRACKS {
            return Err(Mp4Error::TooManyTracks);
        }
        self.tracks.push(Index::new(Entry::new(config)?));
        Ok(TrackNo(self.tracks.len().saturating_sub(1)))
    }

    /// Adds a configuration that `track` changes to, or finds it when the track has had it before. The
    /// codec and the timescale cannot change.
    pub fn add_config(
        &mut self,
        track: TrackNo,
        config: &TrackConfig,
    ) -> Result<ConfigNo, Mp4Error> {
        let index = self.tracks.get_mut(track.0).ok_or(Mp4Error::Unknown)?;
        let known = |entry: &Entry| entry.config() == config;
        if let Some(at) = index.entries.iter().position(known) {
            return Ok(ConfigNo(at));
        }
        let first = index.first_entry().config();
        if (first.codec, first.timescale) != (config.codec, config.timescale) {
            return Err(Mp4Error::TrackChanged);
        }
        if index.entries.len() >= MAX_CONFIGS {
            return Err(Mp4Error::TooManyConfigs);
        }
        index.entries.push(Entry::new(config)?);
        Ok(ConfigNo(index.entries.len().saturating_sub(1)))
    }

    /// Takes a sample and appends to `out` what the file grows by: nothing, or a chunk of about a
    /// second or a mebibyte. Feed the tracks in about the order of their times, so that they lie side by
    /// side in the file.
    pub fn sample(
        &mut self,
        track: TrackNo,
        sample: Sample<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), Mp4Error> {
        if self.samples >= MAX_SAMPLES {
            return Err(Mp4Error::TooManySamples);
        }
        let index = self.tracks.get_mut(track.0).ok_or(Mp4Error::Unknown)?;
        let before = length(out);
        index.push(sample, self.written, out)?;
        self.written = self
            .written
            .saturating_add(length(out).saturating_sub(before));
        self.samples = self.samples.saturating_add(1);
        Ok(())
    }

    /// Appends the last chunks to `out` and closes the tables. [`Mp4Error::Empty`] without samples.
    pub fn finish(mut self, out: &mut Vec<u8>) -> Result<Finished, Mp4Error> {
        for index in &mut self.tracks {
            let before = length(out);
            index.finish(self.written, out);
            self.written = self
                .written
                .saturating_add(length(out).saturating_sub(before));
        }
        self.tracks.retain(|index| !index.is_empty());
        if self.tracks.is_empty() {
            return Err(Mp4Error::Empty);
        }
        Ok(Finished { writer: self })
    }
}

/// A file whose media is complete.
#[derive(Debug)]
pub struct Finished {
    writer: Mp4Writer,
}

impl Finished {
    /// The `moov` box, to append.
    pub fn moov(&self) -> Result<Vec<u8>, Mp4Error> {
        moov::write(&self.writer.tracks, self.writer.created, 0)
    }

    /// The size of `mdat`, to write over its place. Without it the file cannot be read.
    pub fn mdat_size(&self) -> Patch {
        let size = self.writer.written.saturating_sub(self.writer.media_at);
        Patch {
            offset: self.writer.media_at.saturating_add(MDAT_SIZE_AT),
            bytes: size.to_be_bytes(),
        }
    }

    /// The `moov` box for a caller that copies the file and wants it to play before it has arrived
    /// whole: instead of [`moov`](Self::moov), and after [`mdat_size`](Self::mdat_size).
    pub fn fast_start(&self) -> Result<FastStart, Mp4Error> {
        let shift = length(&self.moov()?);
        Ok(FastStart {
            offset: self.writer.media_at,
            moov: moov::write(&self.writer.tracks, self.writer.created, shift)?,
        })
    }

    /// Bytes of the file before `moov`.
    pub const fn media_end(&self) -> u64 {
        self.writer.written
    }
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}
