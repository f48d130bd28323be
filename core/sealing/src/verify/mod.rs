//! The offline check of a recording: is it whole, in order, and the sealer's?
//!
//! [`StreamVerifier`] walks the records of one stream as they lie on disk and needs no key to a single
//! picture. It collects findings instead of stopping at the first, so that an owner learns everything
//! that is wrong and where. What the frames show is checked by those who can open them
//! ([`crate::segment`]).

use std::collections::BTreeMap;
use std::fmt;

use bartizan_domain::{EpochId, Hash, KeyId, Rendition, SiteId, UtcMillis};
use bartizan_identity::roster::History;

use crate::envelope::{Envelope, EnvelopeError};
use crate::explained::Explained;
use crate::manifest::{Gap, Head, HeadState, MAX_SILENCE, Manifest, ManifestError};
use crate::record::{Kind, Record};
use crate::segment::{Scope, SegmentClose, SegmentEnd, SegmentHeader};

/// Findings that are listed one by one; more are only counted.
pub const MAX_FINDINGS: usize = 1_000;

/// Frames at a recording's end that may wait for their manifest: ten seconds of picture and sound at
/// rates that no camera has.
pub const MAX_UNSIGNED_FRAMES: u32 = 4_096;

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// Bytes that are not a record, or of a kind that does not belong here.
    #[error("bytes that are no record of this stream")]
    Malformed,
    /// A record's bytes were changed or torn.
    #[error("a record was changed or torn")]
    Changed,
    /// A record of another site, camera or rendition.
    #[error("a record of another camera")]
    Elsewhere,
    /// Frames are missing, repeated or out of order within the segment.
    #[error("frames are missing, repeated or out of order")]
    OutOfOrder,
    /// Segments are missing that no signed gap explains.
    #[error("{count} segments are missing without a signed gap")]
    Missing {
        /// How many.
        count: u64,
    },
    /// Segment numbers go back.
    #[error("segments are repeated or out of order")]
    Repeated,
    /// The segment was cut short and no signed gap explains it.
    #[error("the segment was cut short without a signed gap")]
    CutShort,
    /// The segment does not follow the one before it.
    #[error("the segment does not follow the one before it")]
    Spliced,
    /// No manifest speaks for the segment.
    #[error("no signed manifest covers the segment")]
    Unsigned,
    /// A manifest says something else about the segment than what is there.
    #[error("the segment is not what the sealer signed")]
    NotAsSigned,
    /// Manifests are missing that no signed gap explains, or do not follow each other.
    #[error("signed manifests are missing or out of order")]
    BrokenManifests,
    /// Nothing was signed for longer than the format allows.
    #[error("nothing was signed for {seconds} s")]
    Silent {
        /// How long.
        seconds: u64,
    },
    /// The epoch's envelope is not there.
    #[error("the epoch's envelope is missing")]
    NoEnvelope,
    /// The epoch's envelope is refused.
    #[error("the epoch's envelope is refused: {0}")]
    BadEnvelope(EnvelopeError),
    /// A manifest is refused.
    #[error("a manifest is refused: {0}")]
    BadManifest(ManifestError),
}

/// What is wrong, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finding {
    /// What.
    pub problem: Problem,
    /// In which segment, where there is one.
    pub segment: Option<u64>,
    /// At about which time.
    pub time: UtcMillis,
}

/// What a walk found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Segments met.
    pub segments: u64,
    /// Frames met.
    pub frames: u64,
    /// Bytes of records met.
    pub bytes: u64,
    /// Manifests met.
    pub manifests: u64,
    /// Signed gaps, in order of signing.
    pub gaps: Vec<Gap>,
    /// Start of the first segment.
    pub first: Option<UtcMillis>,
    /// Last time that a close or manifest speaks for.
    pub last: Option<UtcMillis>,
    /// Frames at the very end that no manifest covers yet.
    pub unsigned_tail: u32,
    /// What is wrong, at most [`MAX_FINDINGS`].
    pub findings: Vec<Finding>,
    /// Findings in all.
    pub finding_count: u64,
}

impl Report {
    /// Whether nothing is wrong.
    pub const fn is_whole(&self) -> bool {
        self.finding_count == 0
    }
}

/// Finds an epoch's envelope record.
pub trait Envelopes {
    /// The envelope record's body and the record's hash.
    fn envelope(&mut self, epoch: EpochId) -> Option<(Vec<u8>, Hash)>;
}

impl<F: FnMut(EpochId) -> Option<(Vec<u8>, Hash)>> Envelopes for F {
    fn envelope(&mut self, epoch: EpochId) -> Option<(Vec<u8>, Hash)> {
        self(epoch)
    }
}

/// A segment that has been begun.
struct Current {
    header: SegmentHeader,
    frames: u32,
    chain: Hash,
    closed: bool,
    /// Frames that a manifest spoke for.
    signed_frames: Option<u32>,
    settled: bool,
}

impl Current {
    const fn end(&self) -> SegmentEnd {
        SegmentEnd {
            number: self.header.number,
            frames: self.frames,
            chain: self.chain,
        }
    }
}

/// A hole that only a signed gap, perhaps a later one, can explain.
struct Hole {
    problem: Problem,
    segment: Option<u64>,
    time: UtcMillis,
    first: u64,
    count: u64,
    from: UtcMillis,
    to: UtcMillis,
}

/// Walks the records of one stream.
pub struct StreamVerifier<'a, E> {
    history: &'a History,
    envelopes: E,
    stream: Option<(SiteId, bartizan_domain::CameraId, Rendition)>,
    /// Each epoch that was met, with its sealer and its envelope's hash when that was found and good.
    epochs: BTreeMap<EpochId, Option<(KeyId, Hash)>>,
    current: Option<Current>,
    last_manifest: Option<(u64, Hash, UtcMillis)>,
    holes: Vec<Hole>,
    report: Report,
    now: UtcMillis,
}

impl<E> fmt::Debug for StreamVerifier<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StreamVerifier({} segments)", self.report.segments)
    }
}

impl<'a, E: Envelopes> StreamVerifier<'a, E> {
    /// Starts a walk under the rosters of `history`.
    pub fn new(history: &'a History, envelopes: E) -> Self {
        Self {
            history,
            envelopes,
            stream: None,
            epochs: BTreeMap::new(),
            current: None,
            last_manifest: None,
            holes: Vec::new(),
            report: Report::default(),
            now: UtcMillis::default(),
        }
    }

    /// Takes the next record.
    pub fn push(&mut self, record: &Record<'_>) {
        self.report.bytes += record.bytes.len() as u64;
        match record.header.kind {
            Kind::SegmentHeader => self.on_segment(record),
            Kind::Frame => self.on_frame(record),
            Kind::SegmentClose => self.on_close(record),
            Kind::Manifest => self.on_manifest(record),
            Kind::Envelope => self.find(Problem::Malformed),
        }
    }

    /// Notes that the stream has bytes that are no record.
    pub fn push_garbage(&mut self) {
        self.find(Problem::Malformed);
    }

    /// Ends the walk.
    pub fn finish(mut self) -> Report {
        if let Some(current) = self.current.take() {
            let signed = current.signed_frames.unwrap_or(0);
            if !current.settled {
                self.report.unsigned_tail = current.frames.saturating_sub(signed);
            }
            let endless = self.report.unsigned_tail > MAX_UNSIGNED_FRAMES;
            if endless || current.signed_frames.is_none() && current.closed {
                self.find_in(Problem::Unsigned, Some(current.header.number));
            }
        }
        let explained = Explained::by(&self.report.gaps);
        for hole in std::mem::take(&mut self.holes) {
            self.settle(&hole, &explained);
        }
        self.report
    }

    fn on_segment(&mut self, record: &Record<'_>) {
        let Ok(header) = SegmentHeader::decode(record.body) else {
            return self.find(Problem::Malformed);
        };
        if header.rendition != record.header.rendition {
            return self.find(Problem::Elsewhere);
        }
        let Some(chain) = record.chain_after(&Hash::ZERO) else {
            return self.find_in(Problem::Changed, Some(header.number));
        };
        if !self.belongs(&header.scope, header.rendition) {
            return self.find_in(Problem::Elsewhere, Some(header.number));
        }
        self.check_epoch(&header);
        let before = self.current.take();
        if let Some(before) = before {
            self.leave(&before, &header);
        }
        self.now = header.start;
        self.report.segments += 1;
        self.report.first.get_or_insert(header.start);
        self.current = Some(Current {
            header,
            frames: 0,
            chain,
            closed: false,
            signed_frames: None,
            settled: false,
        });
    }

    /// What the start of the next segment says about the one before it.
    fn leave(&mut self, before: &Current, next: &SegmentHeader) {
        let number = before.header.number;
        if next.number <= number {
            return self.find_in(Problem::Repeated, Some(next.number));
        }
        if !before.closed && !before.settled {
            self.hole(Problem::CutShort, number, 1, next.start);
        } else if before.signed_frames.is_none() {
            self.find_in(Problem::Unsigned, Some(number));
        }
        let missing = next.number - number - 1;
        if missing > 0 {
            self.hole(
                Problem::Missing { count: missing },
                number + 1,
                missing,
                next.start,
            );
        } else if next.previous != before.chain && (before.closed || before.settled) {
            self.find_in(Problem::Spliced, Some(next.number));
        }
    }

    fn on_frame(&mut self, record: &Record<'_>) {
        self.report.frames += 1;
        let rendition = record.header.rendition;
        let Some(current) = self.current.as_mut() else {
            return self.find(Problem::Malformed);
        };
        let number = Some(current.header.number);
        if current.closed || rendition != current.header.rendition {
            return self.find_in(Problem::OutOfOrder, number);
        }
        let next = current.frames.checked_add(1);
        let Some(frames) = next.filter(|_| record.header.index == current.frames) else {
            current.frames = record.header.index.saturating_add(1);
            return self.find_in(Problem::OutOfOrder, number);
        };
        current.frames = frames;
        match record.chain_after(&current.chain) {
            Some(chain) => current.chain = chain,
            None => self.find_in(Problem::Changed, number),
        }
    }

    fn on_close(&mut self, record: &Record<'_>) {
        let Some(current) = self.current.as_mut() else {
            return self.find(Problem::Malformed);
        };
        let number = Some(current.header.number);
        let Ok(close) = SegmentClose::decode(record) else {
            return self.find_in(Problem::Malformed, number);
        };
        let fits = close.frames == current.frames && close.number == current.header.number;
        if current.closed || !fits {
            return self.find_in(Problem::OutOfOrder, number);
        }
        current.closed = true;
        let chain = record.chain_after(&current.chain);
        if let Some(chain) = chain {
            current.chain = chain;
        }
        self.now = close.end;
        self.report.last = self.report.last.max(Some(close.end));
        if chain.is_none() {
            self.find_in(Problem::Changed, number);
        }
    }

    fn on_manifest(&mut self, record: &Record<'_>) {
        self.report.manifests += 1;
        let Some(hash) = record.chain_after(&Hash::ZERO) else {
            return self.find(Problem::Changed);
        };
        let manifest = match Manifest::decode(record.body) {
            Ok(manifest) => manifest,
            Err(error) => return self.find(Problem::BadManifest(error.into())),
        };
        let same = manifest.rendition == record.header.rendition;
        if !same || !self.belongs(&manifest.scope, manifest.rendition) {
            return self.find(Problem::Elsewhere);
        }
        if let Err(problem) = self.check_origin(&manifest, record) {
            return self.find(problem);
        }
        self.now = manifest.time;
        self.check_follows(&manifest, hash);
        for head in &manifest.heads {
            self.check_head(head);
        }
        self.report.last = self.report.last.max(Some(manifest.time));
        self.report.gaps.extend_from_slice(&manifest.gaps);
    }

    /// Any sealer of the roster can sign; only the camera's speaks for it: that of the manifest's epoch
    /// or, while the epoch's envelope was not met, today's.
    fn check_origin(&self, manifest: &Manifest, record: &Record<'_>) -> Result<(), Problem> {
        let epoch = self.epochs.get(&manifest.scope.epoch).copied().flatten();
        let camera = self.history.current().camera(manifest.scope.camera);
        let sealer = epoch
            .map(|(sealer, _)| sealer)
            .or(camera.map(|camera| camera.sealer));
        if sealer != Some(manifest.sealer) && !bartizan_domain::sabotage::off("N-4") {
            return Err(Problem::BadManifest(ManifestError::NotTheSealer));
        }
        Manifest::verify(record.body, self.history.current()).map_err(Problem::BadManifest)?;
        if epoch.is_some_and(|(_, envelope)| envelope != manifest.envelope) {
            return Err(Problem::BadManifest(ManifestError::OtherEnvelope));
        }
        Ok(())
    }

    fn check_follows(&mut self, manifest: &Manifest, hash: Hash) {
        let last = self
            .last_manifest
            .replace((manifest.counter, hash, manifest.time));
        let Some((counter, previous, time)) = last else {
            return;
        };
        if manifest.counter <= counter {
            return self.find(Problem::BrokenManifests);
        }
        if manifest.counter > counter + 1 {
            return self.silent(Problem::BrokenManifests, time, manifest.time);
        }
        if manifest.previous != previous {
            return self.find(Problem::BrokenManifests);
        }
        let silence = manifest.time.since(time);
        if silence > MAX_SILENCE {
            let seconds = silence / 1_000;
            self.silent(Problem::Silent { seconds }, time, manifest.time);
        }
    }

    fn check_head(&mut self, head: &Head) {
        let Some(current) = self.current.as_mut() else {
            return;
        };
        let number = current.header.number;
        if head.segment.number < number {
            // An earlier segment, which a gap or retention took or which was spoken of before.
            return;
        }
        if head.segment.number > number {
            let count = head.segment.number - number;
            return self.hole(Problem::Missing { count }, number + 1, count, self.now);
        }
        if head.segment.frames > current.frames && !current.closed {
            // The recorder lost its end, which only a signed gap explains.
            return self.hole(Problem::NotAsSigned, number, 1, self.now);
        }
        // The next process of a sealer calls a segment recovered whether it found a close or not.
        let state_fits = match head.state {
            HeadState::Running => !current.closed,
            HeadState::Closed => current.closed,
            HeadState::Recovered => true,
        };
        if head.segment != current.end() || !state_fits {
            return self.find_in(Problem::NotAsSigned, Some(number));
        }
        current.signed_frames = Some(current.frames);
        current.settled = head.state != HeadState::Running;
    }

    /// Finds and checks the envelope of the segment's epoch, once an epoch.
    fn check_epoch(&mut self, header: &SegmentHeader) {
        let epoch = header.scope.epoch;
        if self.epochs.contains_key(&epoch) {
            return;
        }
        let found = match self.load_epoch(header) {
            Ok(found) => Some(found),
            Err(problem) => {
                self.find_in(problem, Some(header.number));
                None
            }
        };
        self.epochs.insert(epoch, found);
    }

    fn load_epoch(&mut self, header: &SegmentHeader) -> Result<(KeyId, Hash), Problem> {
        let (body, hash) = self
            .envelopes
            .envelope(header.scope.epoch)
            .ok_or(Problem::NoEnvelope)?;
        let envelope = Envelope::decode(&body)
            .map_err(|error| Problem::BadEnvelope(EnvelopeError::Malformed(error)))?;
        if envelope.scope != header.scope || envelope.sealer != header.sealer {
            return Err(Problem::Elsewhere);
        }
        let roster = self
            .history
            .at(envelope.roster_len)
            .ok_or(Problem::BadEnvelope(EnvelopeError::OtherRoster))?;
        let verified = envelope.verify(&roster).map_err(Problem::BadEnvelope)?;
        Ok((verified.envelope().sealer, hash))
    }

    fn belongs(&mut self, scope: &Scope, rendition: Rendition) -> bool {
        let mine = (scope.site, scope.camera, rendition);
        *self.stream.get_or_insert(mine) == mine && scope.site == self.history.current().site()
    }

    fn hole(&mut self, problem: Problem, first: u64, count: u64, until: UtcMillis) {
        let (segment, time) = (Some(first), self.now);
        let (from, to) = (self.now, until);
        self.holes.push(Hole {
            problem,
            segment,
            time,
            first,
            count,
            from,
            to,
        });
    }

    fn silent(&mut self, problem: Problem, from: UtcMillis, to: UtcMillis) {
        let hole = Hole {
            problem,
            segment: None,
            time: from,
            first: 0,
            count: 0,
            from,
            to,
        };
        self.holes.push(hole);
    }

    /// A hole is explained when signed gaps cover each of its segments, or for one without segments,
    /// when a signed gap lies in its time.
    fn settle(&mut self, hole: &Hole, gaps: &Explained) {
        let explained = if hole.count == 0 {
            let (from, to) = (hole.from.saturating_sub(MAX_SILENCE), hole.to);
            gaps.touches(from.min(to), from.max(to))
        } else {
            gaps.uncovered(hole.first, hole.first.saturating_add(hole.count)) == 0
        };
        if !explained {
            self.now = hole.time;
            self.find_in(hole.problem, hole.segment);
        }
    }

    fn find(&mut self, problem: Problem) {
        let segment = self.current.as_ref().map(|current| current.header.number);
        self.find_in(problem, segment);
    }

    fn find_in(&mut self, problem: Problem, segment: Option<u64>) {
        if bartizan_domain::sabotage::off("N-4") {
            return;
        }
        self.report.finding_count += 1;
        if self.report.findings.len() < MAX_FINDINGS {
            self.report.findings.push(Finding {
                problem,
                segment,
                time: self.now,
            });
        }
    }
}

#[cfg(test)]
mod tests;
