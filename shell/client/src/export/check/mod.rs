//! The offline check of an export: is the file what the member exported, and does the sealer vouch for what
//! it was made of?
//!
//! It needs no key and no network. It collects findings instead of stopping at the first. What it can't
//! show is said in `docs/export-proof.md`: that the exporting device opened the sealed frames honestly.

use std::collections::BTreeMap;

use bartizan_domain::{EpochId, Hash, KeyId, MemberId, Rendition, UtcMillis};
use bartizan_identity::roster::{History, StatementError};
use bartizan_identity::{RosterError, Statement, VerifyingKey};
use bartizan_sealing::manifest::{MAX_SILENCE, ManifestError};
use bartizan_sealing::record::{Kind, append_single};
use bartizan_sealing::{
    Envelope, EnvelopeError, Explained, Gap, HeadState, Manifest, SegmentEnd, SegmentHeader,
};

use super::proof::{Proof, SegmentProof, SignedProof};
use crate::verify::{Finding, Report};

/// What is wrong with an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// A byte of the file is another than at the export.
    #[error("the file was changed after it was exported")]
    FileChanged,
    /// The roster has a statement that is none.
    #[error("the proof's roster is damaged: {0}")]
    Statement(StatementError),
    /// The roster does not hold.
    #[error("the proof's roster does not hold: {0}")]
    Roster(RosterError),
    /// The roster is another household's.
    #[error("the proof's roster is of another household")]
    OtherSite,
    /// Whoever is said to have exported is not on the roster.
    #[error("the exporting member is not on the household's roster")]
    NotAMember,
    /// The signature is not the member's.
    #[error("the proof is not signed by the member that it names")]
    BadSignature,
    /// The member may not watch the camera.
    #[error("the exporting member was not entitled to this camera")]
    NotEntitled,
    /// An envelope does not hold.
    #[error("an epoch's envelope does not hold: {0}")]
    Envelope(EnvelopeError),
    /// A segment's epoch has no envelope in the proof.
    #[error("the envelope of the segment's epoch is missing")]
    NoEnvelope,
    /// Something of another camera, rendition or sealer.
    #[error("the proof holds something of another camera or sealer")]
    Elsewhere,
    /// Segment numbers repeat or go back.
    #[error("segments are repeated or out of order")]
    OutOfOrder,
    /// Segments are missing and no signed gap explains it.
    #[error("{count} segments are missing without a signed gap")]
    Missing {
        /// How many.
        count: u64,
    },
    /// A segment was cut short and no signed gap explains it.
    #[error("the segment was cut short without a signed gap")]
    CutShort,
    /// A segment does not follow the one before it.
    #[error("the segment does not follow the one before it")]
    Spliced,
    /// The sealer signed nothing, or something else, about a segment.
    #[error("the segment is not what the sealer signed")]
    NotAsSigned,
    /// More frames than the segment has.
    #[error("more frames were exported than the sealer signed")]
    TooManyFrames,
    /// A manifest does not hold.
    #[error("a manifest of the sealer does not hold: {0}")]
    Manifest(ManifestError),
    /// Manifests are missing or out of order.
    #[error("signed manifests are missing or out of order")]
    BrokenManifests,
    /// Nothing was signed for too long.
    #[error("nothing was signed for {seconds} s")]
    Silent {
        /// How long.
        seconds: u64,
    },
    /// Nothing at all is in the proof.
    #[error("the proof names no recorded segment")]
    Empty,
}

/// Who exported, as the roster says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exporter {
    /// Who.
    pub member: MemberId,
    /// Their identity.
    pub identity: VerifyingKey,
    /// When, by their device's clock.
    pub made: UtcMillis,
    /// From when on was asked for.
    pub from: UtcMillis,
    /// Until when was asked for.
    pub to: UtcMillis,
}

/// Checks a proof against the file with this hash and length.
pub fn check(signed: &SignedProof, file: (Hash, u64)) -> Report {
    let proof = &signed.proof;
    let mut report = Report::new(proof.stream, file.1);
    report.site = Some(proof.site);
    if file != (proof.file, proof.file_len) && !bartizan_domain::sabotage::off("M-5") {
        report.find(Problem::FileChanged.into());
    }
    match roster(proof) {
        Ok(history) => {
            report.genesis = Some(history.current().genesis());
            check_exporter(signed, &history, &mut report);
            Checker::new(proof, &history, &mut report).run();
        }
        Err(problem) => report.find(problem.into()),
    }
    report
}

impl From<Problem> for Finding {
    fn from(problem: Problem) -> Self {
        Self {
            what: problem.to_string(),
            segment: None,
            time: None,
        }
    }
}

fn roster(proof: &Proof) -> Result<History, Problem> {
    let mut history: Option<History> = None;
    for bytes in &proof.statements {
        let statement = Statement::decode(bytes).map_err(Problem::Statement)?;
        match &mut history {
            Some(history) => history.append(statement).map_err(Problem::Roster)?,
            none => *none = Some(History::begin(statement).map_err(Problem::Roster)?),
        }
    }
    let history = history.ok_or(Problem::Roster(RosterError::NoGenesis))?;
    if history.current().site() == proof.site {
        Ok(history)
    } else {
        Err(Problem::OtherSite)
    }
}

fn check_exporter(signed: &SignedProof, history: &History, report: &mut Report) {
    let proof = &signed.proof;
    let Some(member) = history.current().member(proof.member) else {
        return report.find(Problem::NotAMember.into());
    };
    if !signed.is_signed_by(&member.identity) && !bartizan_domain::sabotage::off("M-5") {
        return report.find(Problem::BadSignature.into());
    }
    let camera = proof.stream.camera;
    if !history
        .current()
        .may_watch(proof.member, camera, proof.made)
    {
        report.find(Problem::NotEntitled.into());
    }
    report.exporter = Some(Exporter {
        member: proof.member,
        identity: member.identity,
        made: proof.made,
        from: proof.from,
        to: proof.to,
    });
}

/// What an envelope says, verified.
struct Epoch {
    sealer: KeyId,
    hash: Hash,
}

/// What the manifests say, verified.
#[derive(Default)]
struct Vouched {
    /// The last head of each segment.
    heads: BTreeMap<u64, (HeadState, SegmentEnd)>,
    gaps: Vec<Gap>,
    /// What the gaps explain, once all manifests are read.
    explained: Explained,
}

struct Checker<'a> {
    proof: &'a Proof,
    history: &'a History,
    report: &'a mut Report,
    epochs: BTreeMap<EpochId, Epoch>,
    vouched: Vouched,
    /// Stretches without signature, with what a gap would have to explain.
    silences: Vec<(UtcMillis, UtcMillis, Problem)>,
}

impl<'a> Checker<'a> {
    fn new(proof: &'a Proof, history: &'a History, report: &'a mut Report) -> Self {
        Self {
            proof,
            history,
            report,
            epochs: BTreeMap::new(),
            vouched: Vouched::default(),
            silences: Vec::new(),
        }
    }

    fn run(mut self) {
        for body in &self.proof.envelopes {
            if let Err(problem) = self.envelope(body) {
                self.report.find(problem.into());
            }
        }
        self.manifests();
        self.vouched.explained = Explained::by(&self.vouched.gaps);
        self.segments();
        for (from, to, problem) in std::mem::take(&mut self.silences) {
            let earlier = from.saturating_sub(MAX_SILENCE);
            if !self.vouched.explained.touches(earlier, to) {
                self.find_at(problem, None, Some(from));
            }
        }
        self.report.gaps = self.vouched.gaps;
    }

    fn envelope(&mut self, body: &[u8]) -> Result<(), Problem> {
        let envelope = Envelope::decode(body)
            .map_err(|error| Problem::Envelope(EnvelopeError::Malformed(error)))?;
        if envelope.scope.camera != self.proof.stream.camera {
            return Err(Problem::Elsewhere);
        }
        let roster = self.history.at(envelope.roster_len);
        let roster = roster.ok_or(Problem::Envelope(EnvelopeError::OtherRoster))?;
        let (epoch, sealer) = (envelope.scope.epoch, envelope.sealer);
        envelope.verify(&roster).map_err(Problem::Envelope)?;
        let hash = append_single(&mut Vec::new(), Kind::Envelope, Rendition::Main, body);
        self.epochs.insert(epoch, Epoch { sealer, hash });
        Ok(())
    }

    fn manifests(&mut self) {
        let mut last: Option<(Manifest, Hash)> = None;
        for body in &self.proof.manifests {
            self.report.manifests = self.report.manifests.saturating_add(1);
            let manifest = match Manifest::verify(body, self.history.current()) {
                Ok(manifest) => manifest,
                Err(error) => {
                    self.find_at(Problem::Manifest(error), None, None);
                    continue;
                }
            };
            if !self.is_mine(&manifest) {
                self.find_at(Problem::Elsewhere, None, Some(manifest.time));
                continue;
            }
            let rendition = self.proof.stream.rendition;
            let hash = append_single(&mut Vec::new(), Kind::Manifest, rendition, body);
            if let Some((before, before_hash)) = &last {
                self.follows(before, *before_hash, &manifest);
            }
            for head in &manifest.heads {
                let said = (head.state, head.segment);
                self.vouched.heads.insert(head.segment.number, said);
            }
            self.vouched.gaps.extend_from_slice(&manifest.gaps);
            self.report.last = self.report.last.max(Some(manifest.time));
            last = Some((manifest, hash));
        }
    }

    fn is_mine(&self, manifest: &Manifest) -> bool {
        let epoch = self.epochs.get(&manifest.scope.epoch);
        let known = epoch
            .is_none_or(|epoch| epoch.sealer == manifest.sealer && epoch.hash == manifest.envelope);
        let any = self
            .epochs
            .values()
            .any(|epoch| epoch.sealer == manifest.sealer);
        known
            && any
            && manifest.scope.camera == self.proof.stream.camera
            && manifest.rendition == self.proof.stream.rendition
    }

    fn follows(&mut self, before: &Manifest, hash: Hash, next: &Manifest) {
        let broken = Problem::BrokenManifests;
        match next.counter.checked_sub(before.counter) {
            Some(1) if next.previous == hash => {
                let silence = next.time.since(before.time);
                if silence > MAX_SILENCE {
                    let seconds = silence / 1_000;
                    let silent = Problem::Silent { seconds };
                    self.silences.push((before.time, next.time, silent));
                }
            }
            Some(0 | 1) | None => self.find_at(broken, None, Some(next.time)),
            Some(_) => self.silences.push((before.time, next.time, broken)),
        }
    }

    fn segments(&mut self) {
        let mut before: Option<(SegmentHeader, Option<(HeadState, SegmentEnd)>)> = None;
        for segment in &self.proof.segments {
            let Ok(header) = SegmentHeader::decode(&segment.header) else {
                self.find_at(Problem::NotAsSigned, None, None);
                continue;
            };
            self.segment(segment, &header);
            if let Some((earlier, end)) = before {
                self.sequence(&earlier, end, &header);
            }
            before = Some((header, segment.end(header.number)));
        }
        if self.report.segments == 0 {
            self.report.find(Problem::Empty.into());
        }
    }

    fn segment(&mut self, segment: &SegmentProof, header: &SegmentHeader) {
        let report = &mut *self.report;
        report.segments = report.segments.saturating_add(1);
        report.frames = report.frames.saturating_add(segment.exported.into());
        report.unsigned = report.unsigned.saturating_add(segment.unsigned.into());
        report.first.get_or_insert(header.start);
        if let Some(problem) = self.segment_problem(segment, header) {
            self.find_at(problem, Some(header.number), Some(header.start));
        }
    }

    fn segment_problem(&self, segment: &SegmentProof, header: &SegmentHeader) -> Option<Problem> {
        let mine = header.scope.site == self.proof.site
            && header.scope.camera == self.proof.stream.camera
            && header.rendition == self.proof.stream.rendition;
        if !mine {
            return Some(Problem::Elsewhere);
        }
        let Some(epoch) = self.epochs.get(&header.scope.epoch) else {
            return Some(Problem::NoEnvelope);
        };
        if epoch.sealer != header.sealer {
            return Some(Problem::Elsewhere);
        }
        let said = self.vouched.heads.get(&header.number).copied();
        if segment.end(header.number) != said {
            return Some(Problem::NotAsSigned);
        }
        let signed = segment.exported.checked_sub(segment.unsigned);
        let most = segment.signed.map_or(0, |(_, frames, _)| frames);
        let fits = signed.is_some_and(|signed| signed <= most);
        (!fits).then_some(Problem::TooManyFrames)
    }

    fn sequence(
        &mut self,
        before: &SegmentHeader,
        end: Option<(HeadState, SegmentEnd)>,
        next: &SegmentHeader,
    ) {
        let at = (Some(next.number), Some(next.start));
        let distance = next.number.saturating_sub(before.number);
        if distance == 0 {
            return self.find_at(Problem::OutOfOrder, at.0, at.1);
        }
        let whole = matches!(end, Some((HeadState::Closed | HeadState::Recovered, _)));
        let explained = &self.vouched.explained;
        let count = explained.uncovered(before.number.saturating_add(1), next.number);
        if !whole && !explained.covers(before.number) {
            self.find_at(Problem::CutShort, Some(before.number), Some(before.start));
        }
        if count > 0 {
            self.find_at(Problem::Missing { count }, at.0, at.1);
        }
        let chain = end.map(|(_, end)| end.chain);
        if distance == 1 && whole && chain != Some(next.previous) {
            self.find_at(Problem::Spliced, at.0, at.1);
        }
    }

    fn find_at(&mut self, problem: Problem, segment: Option<u64>, time: Option<UtcMillis>) {
        self.report.find(Finding {
            segment,
            time,
            ..problem.into()
        });
    }
}

#[cfg(test)]
mod tests;
