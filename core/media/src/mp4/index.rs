//! What the writer remembers of a track's samples: tables that grow with what changes, not with time.

use std::mem;

use super::entry::Entry;
use super::{ConfigNo, MAX_DELTA, MAX_SAMPLE, MAX_TIME, Mp4Error, Sample};

/// A chunk is closed when it would pass this many bytes …
const CHUNK_BYTES: usize = 1024 * 1024;

/// … or spans this many seconds.
const CHUNK_SECONDS: i64 = 1;

/// A longer time between two pictures is a gap, and no guide to how long the last picture lasts.
const MAX_GUIDE_SECONDS: u32 = 2;

/// Length of a lone picture whose stream names no frame rate, as a part of a second.
const FALLBACK_RATE: u32 = 25;

/// A table of values with how often each repeats.
#[derive(Debug)]
pub(super) struct Runs<T> {
    runs: Vec<(u32, T)>,
}

impl<T> Default for Runs<T> {
    fn default() -> Self {
        Self { runs: Vec::new() }
    }
}

impl<T: Copy + PartialEq> Runs<T> {
    fn push(&mut self, value: T) {
        match self.runs.last_mut() {
            Some((count, last)) if *last == value => *count = count.saturating_add(1),
            Some(_) | None => self.runs.push((1, value)),
        }
    }

    pub(super) fn as_slice(&self) -> &[(u32, T)] {
        &self.runs
    }
}

/// A run of chunks with equally many samples of one configuration (14496-12 §8.7.4).
#[derive(Debug)]
pub(super) struct ChunkRun {
    pub(super) first_chunk: u32,
    pub(super) samples: u32,
    pub(super) description: u32,
}

/// Samples that wait until their chunk is full.
#[derive(Debug, Default)]
struct Pending {
    data: Vec<u8>,
    samples: u32,
    config: usize,
    first_dts: i64,
}

/// Times of the first and the last sample.
#[derive(Debug, Clone, Copy)]
struct Span {
    first_pts: i64,
    first_dts: i64,
    last_pts: i64,
    last_dts: i64,
    /// As the caller gave it, before an equal one was moved on.
    last_given_dts: i64,
    last_delta: Option<u32>,
    /// Latest end of a sample whose length is known.
    end_pts: i64,
}

/// One track's index.
#[derive(Debug)]
pub(super) struct Index {
    /// The configurations, each a sample entry.
    pub(super) entries: Vec<Entry>,
    /// Bytes of each sample.
    pub(super) sizes: Vec<u32>,
    /// Ticks from each sample's decode time to the next.
    pub(super) deltas: Runs<u32>,
    /// Presentation less decode time.
    pub(super) offsets: Runs<i32>,
    /// Numbers of the keyframes, from 1.
    pub(super) keys: Vec<u32>,
    /// Where each chunk begins in the file.
    pub(super) chunks: Vec<u64>,
    /// How many samples each chunk has.
    pub(super) chunk_runs: Vec<ChunkRun>,
    /// Sum of `deltas`.
    pub(super) media_ticks: u64,
    pending: Pending,
    span: Option<Span>,
    last_config: usize,
    last_ticks: Option<u32>,
}

impl Index {
    pub(super) fn new(entry: Entry) -> Self {
        Self {
            entries: vec![entry],
            sizes: Vec::new(),
            deltas: Runs::default(),
            offsets: Runs::default(),
            keys: Vec::new(),
            chunks: Vec::new(),
            chunk_runs: Vec::new(),
            media_ticks: 0,
            pending: Pending::default(),
            span: None,
            last_config: 0,
            last_ticks: None,
        }
    }

    /// The entry that the track was added with.
    pub(super) fn first_entry(&self) -> &Entry {
        self.entries.first().expect("made with one entry")
    }

    pub(super) fn is_empty(&self) -> bool {
        self.sizes.is_empty()
    }

    /// Takes a sample, and appends the chunk that it does not fit into to `out`; those bytes go to file
    /// offset `at`.
    pub(super) fn push(
        &mut self,
        sample: Sample<'_>,
        at: u64,
        out: &mut Vec<u8>,
    ) -> Result<(), Mp4Error> {
        let (size, dts, delta, offset) = self.check(sample)?;
        if self.ends_chunk(sample.config, dts, sample.data.len()) {
            self.flush(at, out);
        }
        if let Some(delta) = delta {
            self.close_sample(delta);
        }
        if self.pending.samples == 0 {
            self.pending.config = sample.config.0;
            self.pending.first_dts = dts;
        }
        self.pending.samples = self.pending.samples.saturating_add(1);
        self.pending.data.extend_from_slice(sample.data);
        self.sizes.push(size);
        self.offsets.push(offset);
        if sample.key {
            self.keys.push(self.sample_count());
        }
        self.last_config = sample.config.0;
        self.last_ticks = self
            .entry(sample.config)
            .and_then(|entry| entry.ticks(sample.data));
        self.move_on(sample, dts, delta);
        Ok(())
    }

    pub(super) fn sample_count(&self) -> u32 {
        u32::try_from(self.sizes.len()).expect("MAX_SAMPLES fits 32 bits")
    }

    /// Presentation time of the first sample, and decode time of the first sample.
    pub(super) fn start(&self) -> Option<(i64, i64)> {
        self.span.map(|span| (span.first_pts, span.first_dts))
    }

    /// Presentation time at which the last sample to be seen or heard ends; known after `finish`.
    pub(super) fn end(&self) -> Option<i64> {
        self.span.map(|span| span.end_pts)
    }

    /// Closes the last chunk and gives the last sample its length.
    pub(super) fn finish(&mut self, at: u64, out: &mut Vec<u8>) {
        self.flush(at, out);
        if self.span.is_some() {
            self.close_sample(self.last_sample_ticks());
        }
    }

    fn entry(&self, config: ConfigNo) -> Option<&Entry> {
        self.entries.get(config.0)
    }

    /// Size, decode time, ticks since the sample before, and composition offset of a good sample.
    fn check(&self, sample: Sample<'_>) -> Result<(u32, i64, Option<u32>, i32), Mp4Error> {
        let len = sample.data.len();
        if len == 0 || len > MAX_SAMPLE {
            return Err(Mp4Error::SampleSize { len });
        }
        let size = u32::try_from(len)
            .ok()
            .ok_or(Mp4Error::SampleSize { len })?;
        let entry = self.entry(sample.config).ok_or(Mp4Error::Unknown)?;
        let begins = self.is_empty() || self.last_config != sample.config.0;
        if begins && entry.is_video() && !sample.key {
            return Err(Mp4Error::NotKey);
        }
        let range = -MAX_TIME..=MAX_TIME;
        if !range.contains(&sample.pts) || !range.contains(&sample.dts) || sample.dts > sample.pts {
            return Err(Mp4Error::Time);
        }
        let (dts, delta) = self.decode_time(sample.dts)?;
        let offset = i32::try_from(sample.pts.saturating_sub(dts)).ok();
        Ok((size, dts, delta, offset.ok_or(Mp4Error::Time)?))
    }

    /// The decode time that is written, and its distance from the one before.
    fn decode_time(&self, dts: i64) -> Result<(i64, Option<u32>), Mp4Error> {
        let Some(span) = self.span else {
            return Ok((dts, None));
        };
        if dts < span.last_given_dts {
            let ticks = dts.abs_diff(span.last_given_dts);
            return Err(Mp4Error::Backwards { ticks });
        }
        // Of equal times each is written one tick after the other.
        let dts = dts.max(span.last_dts.saturating_add(1));
        let delta = dts.saturating_sub(span.last_dts);
        let ticks = delta.unsigned_abs();
        match u32::try_from(delta) {
            Ok(short) if delta <= MAX_DELTA => Ok((dts, Some(short))),
            Ok(_) | Err(_) => Err(Mp4Error::GapTooLong { ticks }),
        }
    }

    fn ends_chunk(&self, config: ConfigNo, dts: i64, len: usize) -> bool {
        let pending = &self.pending;
        let seconds = CHUNK_SECONDS.saturating_mul(self.timescale().into());
        pending.samples > 0
            && (pending.config != config.0
                || pending.data.len().saturating_add(len) > CHUNK_BYTES
                || dts.saturating_sub(pending.first_dts) >= seconds)
    }

    fn flush(&mut self, at: u64, out: &mut Vec<u8>) {
        let pending = mem::take(&mut self.pending);
        if pending.samples == 0 {
            return;
        }
        out.extend_from_slice(&pending.data);
        self.chunks.push(at);
        let description = u32::try_from(pending.config)
            .unwrap_or(u32::MAX)
            .saturating_add(1);
        let samples = pending.samples;
        let same = |run: &ChunkRun| run.samples == samples && run.description == description;
        if !self.chunk_runs.last().is_some_and(same) {
            self.chunk_runs.push(ChunkRun {
                first_chunk: u32::try_from(self.chunks.len()).unwrap_or(u32::MAX),
                samples,
                description,
            });
        }
        // Its memory serves the next chunk.
        self.pending.data = pending.data;
        self.pending.data.clear();
    }

    /// The sample before lasts `delta` ticks.
    fn close_sample(&mut self, delta: u32) {
        self.deltas.push(delta);
        self.media_ticks = self.media_ticks.saturating_add(delta.into());
        if let Some(span) = &mut self.span {
            let end = span.last_pts.saturating_add(delta.into());
            span.end_pts = span.end_pts.max(end);
        }
    }

    fn move_on(&mut self, sample: Sample<'_>, dts: i64, delta: Option<u32>) {
        let pts = sample.pts;
        let before = self.span.unwrap_or(Span {
            first_pts: pts,
            first_dts: dts,
            last_pts: pts,
            last_dts: dts,
            last_given_dts: sample.dts,
            last_delta: None,
            end_pts: pts,
        });
        self.span = Some(Span {
            last_pts: pts,
            last_dts: dts,
            last_given_dts: sample.dts,
            last_delta: delta,
            ..before
        });
    }

    /// Sound knows its length; a picture lasts as long as the one before it, or as the stream says.
    fn last_sample_ticks(&self) -> u32 {
        let timescale = self.timescale();
        let guide = timescale.saturating_mul(MAX_GUIDE_SECONDS);
        let before = self.span.and_then(|span| span.last_delta);
        let before = before.filter(|delta| (2..=guide).contains(delta));
        let ticks = if self.first_entry().is_video() {
            before.or(self.last_ticks)
        } else {
            self.last_ticks.or(before)
        };
        let ticks = ticks.unwrap_or(timescale / FALLBACK_RATE);
        ticks.clamp(1, u32::try_from(MAX_DELTA).unwrap_or(u32::MAX))
    }

    fn timescale(&self) -> u32 {
        self.first_entry().timescale()
    }
}
