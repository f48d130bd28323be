//! The sealer of one stream: cuts access units into segments, signs manifests, and says what is missing.
//!
//! Bytes and times in, records out; nothing is sent, stored or read from a clock here. The caller owns
//! the epoch (shared by a camera's two streams), the randomness and the sockets.

mod resume;

use std::fmt;

use bartizan_domain::{GapReason, Hash, Millis, StreamId, Track, UtcMillis};
use bartizan_identity::SigningKey;

use crate::manifest::{Gap, Head, HeadState, MAX_GAPS, Manifest, SIGN_EVERY};
use crate::segment::{EpochSecret, Frame, SealError, SegmentEnd, SegmentHeader, SegmentSealer};
pub use resume::{Recorded, Resume};

/// A keyframe this soon after a segment's start does not begin another: cameras that send only keyframes
/// would make an index row of each picture.
pub const MIN_SEGMENT: Millis = 750;

/// While nothing is recorded, that is signed this often.
pub const GAP_EVERY: Millis = 60_000;

/// A running segment without a new frame for this long is closed; the silence becomes a gap.
pub const STALLED: Millis = 8_000;

/// Frames of one segment; a camera that sends no keyframe for this long is cut off and told so.
pub const MAX_FRAMES: u32 = 1_000_000;

/// What a sealer signs and seals with at the moment.
pub struct Keys<'a> {
    /// The sealer's identity.
    pub signing: &'a SigningKey,
    /// The epoch's secret.
    pub epoch: &'a EpochSecret,
    /// Hash of the epoch's envelope record.
    pub envelope: Hash,
    /// Fills a slice with fresh random bytes.
    pub random: &'a mut dyn FnMut(&mut [u8]),
}

impl fmt::Debug for Keys<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keys({:?})", self.epoch.scope.epoch)
    }
}

/// What a caller writes down so that a counter is never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Counter of the next manifest.
    pub counter: u64,
    /// Hash of the last one.
    pub manifest: Hash,
    /// Number of the next segment.
    pub next_segment: u64,
}

struct Open {
    sealer: SegmentSealer,
    start: UtcMillis,
    /// Tracks whose configuration this segment holds already.
    configured: Vec<Track>,
    signed_frames: u32,
}

struct Interruption {
    reason: GapReason,
    from: UtcMillis,
    lost: Option<(u64, u64)>,
}

/// Seals one stream.
pub struct StreamSealer {
    stream: StreamId,
    session: u32,
    next_segment: u64,
    previous: Hash,
    counter: u64,
    manifest: Hash,
    signed_at: UtcMillis,
    until: UtcMillis,
    open: Option<Open>,
    recovered: Option<SegmentEnd>,
    interruption: Option<Interruption>,
    gaps: Vec<Gap>,
    configs: Vec<(Track, Vec<u8>)>,
    config_changed: Vec<Track>,
    /// After an epoch was rolled in the middle of a segment, the rest of its pictures follow at once.
    continues: bool,
}

impl fmt::Debug for StreamSealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "StreamSealer({}, segment {})",
            self.stream, self.next_segment
        )
    }
}

impl StreamSealer {
    /// Goes on where the last sealer stopped; the time since then becomes a signed gap.
    pub fn resume(stream: StreamId, resume: &Resume, reason: GapReason, now: UtcMillis) -> Self {
        let (counter, manifest) = resume
            .manifest
            .map_or((0, Hash::ZERO), |(counter, hash, _)| (counter + 1, hash));
        let until = resume.until.unwrap_or(now);
        let lost = resume
            .lost_from
            .filter(|from| *from < resume.next_segment)
            .map(|from| (from, resume.next_segment - from));
        let interruption = Some(Interruption {
            reason,
            from: until,
            lost,
        });
        Self {
            stream,
            session: 0,
            next_segment: resume.next_segment,
            previous: resume.tail.map_or(Hash::ZERO, |tail| tail.chain),
            counter,
            manifest,
            signed_at: now,
            until,
            open: None,
            recovered: resume.tail,
            interruption,
            gaps: Vec::new(),
            configs: Vec::new(),
            config_changed: Vec::new(),
            continues: false,
        }
    }

    /// What the caller writes down before it lets go of records.
    pub const fn position(&self) -> Position {
        Position {
            counter: self.counter,
            manifest: self.manifest,
            next_segment: self.next_segment,
        }
    }

    /// Whether a segment is running.
    pub const fn is_recording(&self) -> bool {
        self.open.is_some()
    }

    /// A new connection to the camera: its times have nothing to do with those before.
    pub fn begin_session(&mut self, session: u32) {
        self.session = session;
        self.configs.clear();
        self.continues = false;
    }

    /// A track's configuration, before its first access unit and whenever it changes.
    pub fn configure(&mut self, track: Track, config: Vec<u8>) {
        self.configs.retain(|(other, _)| *other != track);
        self.configs.push((track, config));
        self.config_changed.push(track);
    }

    /// Seals one access unit and appends what comes of it to `out`. Units before the first keyframe are
    /// left out.
    ///
    /// # Errors
    /// The unit is over a limit and was left out; the stream goes on.
    pub fn seal(
        &mut self,
        keys: &mut Keys<'_>,
        frame: &Frame<'_>,
        now: UtcMillis,
        out: &mut Vec<u8>,
    ) -> Result<(), SealError> {
        let video_key = frame.track == Track::Video && frame.key;
        if self.must_cut(frame, video_key) {
            self.close(keys, frame.captured, now, out);
        }
        if self.open.is_none() {
            let starts = video_key || self.continues && frame.track == Track::Video;
            if !starts || !self.configs.iter().any(|(track, _)| *track == Track::Video) {
                return Ok(());
            }
            self.begin(keys, frame, now, out);
        }
        self.append(frame, out)?;
        self.until = self.until.max(frame.captured);
        if now.since(self.signed_at) >= SIGN_EVERY {
            self.sign(keys, now, None, out);
        }
        Ok(())
    }

    fn must_cut(&self, frame: &Frame<'_>, video_key: bool) -> bool {
        let Some(open) = &self.open else { return false };
        let old_enough = frame.captured.since(open.start) >= MIN_SEGMENT;
        let full = open.sealer.head().frames >= MAX_FRAMES;
        video_key && (old_enough || self.config_changed.contains(&Track::Video)) || full
    }

    fn begin(&mut self, keys: &mut Keys<'_>, frame: &Frame<'_>, now: UtcMillis, out: &mut Vec<u8>) {
        self.note_silence(frame.captured);
        self.end_interruption(frame.captured);
        if !self.gaps.is_empty() || self.recovered.is_some() {
            self.sign(keys, now, None, out);
        }
        let mut salt = [0; 16];
        if !bartizan_domain::sabotage::off("G-22") {
            (keys.random)(&mut salt);
        }
        let header = SegmentHeader {
            scope: keys.epoch.scope,
            rendition: self.stream.rendition,
            number: self.next_segment,
            salt,
            start: frame.captured,
            session: self.session,
            previous: self.previous,
            sealer: keys.signing.public().id(),
        };
        self.next_segment += 1;
        self.continues = false;
        self.config_changed.clear();
        let sealer = SegmentSealer::begin(keys.epoch, &header, out);
        let start = frame.captured;
        self.open = Some(Open {
            sealer,
            start,
            configured: Vec::new(),
            signed_frames: 0,
        });
    }

    /// Pictures stayed away between two segments and nobody called it an interruption.
    fn note_silence(&mut self, now: UtcMillis) {
        if self.interruption.is_none() && now.since(self.until) > SIGN_EVERY {
            let (reason, from) = (GapReason::CameraStalled, self.until);
            self.interruption = Some(Interruption {
                reason,
                from,
                lost: None,
            });
        }
    }

    fn append(&mut self, frame: &Frame<'_>, out: &mut Vec<u8>) -> Result<(), SealError> {
        let Some(open) = &mut self.open else {
            return Ok(());
        };
        let track = frame.track;
        let known = open.configured.contains(&track) && !self.config_changed.contains(&track);
        let stored = self.configs.iter().find(|(other, _)| *other == track);
        // Sound that comes before its configuration could not be decoded.
        if stored.is_none()
            && frame.config.is_none()
            && matches!(track, Track::Video | Track::Audio)
        {
            return Ok(());
        }
        let config = frame.config.or(stored.map(|(_, config)| config.as_slice()));
        let mut frame = *frame;
        frame.config = if known {
            None
        } else {
            Some(config.unwrap_or_default())
        };
        open.sealer.frame(&frame, out)?;
        if !known {
            open.configured.push(track);
            self.config_changed.retain(|other| *other != track);
        }
        Ok(())
    }

    /// Closes the running segment and signs it.
    fn close(&mut self, keys: &mut Keys<'_>, end: UtcMillis, now: UtcMillis, out: &mut Vec<u8>) {
        let Some(open) = self.open.take() else { return };
        let end = end.max(self.until);
        let segment = open.sealer.close(end, out);
        self.previous = segment.chain;
        self.until = end;
        self.sign(
            keys,
            now,
            Some(Head {
                state: HeadState::Closed,
                segment,
            }),
            out,
        );
    }

    /// Recording stops for `reason`: the segment is closed and a gap begins. Does nothing but note the
    /// newer reason when a gap lasts already; but what a member switched off is a gap of its own.
    pub fn interrupt(
        &mut self,
        keys: &mut Keys<'_>,
        reason: GapReason,
        now: UtcMillis,
        out: &mut Vec<u8>,
    ) {
        self.close(keys, self.until, now, out);
        self.continues = false;
        let is_own = |lasting: &Interruption| {
            lasting.reason != reason && [lasting.reason, reason].contains(&GapReason::Paused)
        };
        if self.interruption.as_ref().is_some_and(is_own) {
            self.end_interruption(now);
        }
        match &mut self.interruption {
            Some(interruption) if interruption.reason != GapReason::Restart => {
                interruption.reason = reason;
            }
            Some(_) => {}
            None => {
                let from = self.until;
                self.interruption = Some(Interruption {
                    reason,
                    from,
                    lost: None,
                });
            }
        }
    }

    /// The machine's clock was set. Times before and after do not compare, so the segment ends and the
    /// next one starts on the new clock.
    pub fn clock_jumped(&mut self, keys: &mut Keys<'_>, now: UtcMillis, out: &mut Vec<u8>) {
        self.close(keys, self.until, now, out);
        self.end_interruption(self.until);
        let (reason, from) = (GapReason::ClockJump, self.until.min(now));
        self.interruption = Some(Interruption {
            reason,
            from,
            lost: None,
        });
        (self.until, self.signed_at, self.continues) = (from, now, false);
    }

    /// The epoch is about to change: the segment ends here. With `at_once` the rest of its pictures
    /// follow under the next epoch without waiting for a keyframe.
    pub fn end_epoch(
        &mut self,
        keys: &mut Keys<'_>,
        at_once: bool,
        now: UtcMillis,
        out: &mut Vec<u8>,
    ) {
        let running = self.open.is_some();
        self.close(keys, self.until, now, out);
        // Rolled again before a picture came: it still goes on where it was.
        self.continues = at_once && (running || self.continues);
    }

    /// The recorder could not keep something: that is signed at once.
    pub fn lost(&mut self, keys: &mut Keys<'_>, gap: Gap, now: UtcMillis, out: &mut Vec<u8>) {
        if self.gaps.len() < MAX_GAPS {
            self.gaps.push(gap);
        }
        self.sign(keys, now, None, out);
    }

    /// Signs what is due: the running segment every 2 s, a lasting gap every 60 s.
    pub fn tick(&mut self, keys: &mut Keys<'_>, now: UtcMillis, out: &mut Vec<u8>) {
        if self.open.is_some() && now.since(self.until) >= STALLED {
            self.interrupt(keys, GapReason::CameraStalled, now, out);
            self.continues = true;
        }
        let since = now.since(self.signed_at);
        let unsigned = self
            .open
            .as_ref()
            .is_some_and(|open| open.sealer.head().frames != open.signed_frames);
        if unsigned && since >= SIGN_EVERY {
            self.sign(keys, now, None, out);
        } else if self.open.is_none() && since >= GAP_EVERY {
            let reason = self
                .interruption
                .as_ref()
                .map(|interruption| interruption.reason);
            self.end_interruption(now);
            self.sign(keys, now, None, out);
            if let Some(reason) = reason {
                self.interruption = Some(Interruption {
                    reason,
                    from: now,
                    lost: None,
                });
            }
        }
    }

    /// The end of the process: the segment is closed, the gap that follows is the next process's to sign.
    pub fn finish(&mut self, keys: &mut Keys<'_>, now: UtcMillis, out: &mut Vec<u8>) {
        self.close(keys, self.until, now, out);
        self.end_interruption(now);
        if !self.gaps.is_empty() || self.recovered.is_some() {
            self.sign(keys, now, None, out);
        }
    }

    fn end_interruption(&mut self, now: UtcMillis) {
        let Some(Interruption { reason, from, lost }) = self.interruption.take() else {
            return;
        };
        // A stream that never was has nothing to be missing.
        let is_mere_start = matches!(reason, GapReason::Restart | GapReason::Paused);
        if self.counter == 0 && is_mere_start && lost.is_none() {
            return;
        }
        let (first_segment, segments) = lost.unwrap_or((0, 0));
        self.gaps.truncate(MAX_GAPS - 1);
        self.gaps.push(Gap {
            reason,
            from,
            to: now.max(from),
            first_segment,
            segments,
        });
        self.until = self.until.max(now);
    }

    fn sign(
        &mut self,
        keys: &mut Keys<'_>,
        now: UtcMillis,
        closed: Option<Head>,
        out: &mut Vec<u8>,
    ) {
        let mut heads = Vec::with_capacity(2);
        if let Some(segment) = self.recovered.take() {
            heads.push(Head {
                state: HeadState::Recovered,
                segment,
            });
        }
        heads.extend(closed);
        if let Some(open) = &mut self.open {
            let segment = open.sealer.head();
            open.signed_frames = segment.frames;
            heads.push(Head {
                state: HeadState::Running,
                segment,
            });
        }
        if bartizan_domain::sabotage::off("K-1") {
            self.gaps.clear();
        }
        let manifest = Manifest {
            scope: keys.epoch.scope,
            rendition: self.stream.rendition,
            sealer: keys.signing.public().id(),
            envelope: keys.envelope,
            counter: self.counter,
            time: now,
            previous: self.manifest,
            heads,
            gaps: std::mem::take(&mut self.gaps),
        };
        self.manifest = manifest.sign(keys.signing, out);
        self.counter += 1;
        self.signed_at = now;
    }
}

#[cfg(test)]
mod tests;
