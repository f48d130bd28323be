//! What this implementation says of a vector, in the words of `docs/sealed-stream.md` §9.
//!
//! [`Live`] walks one segment as a member's device does: place, configuration, tag, then the check field.
//! Everything else is asked of the rooms of this workspace as it is.

use bartizan_domain::wire::WireError;
use bartizan_domain::{CameraId, Hash, KeyId, Rendition, Track};
use bartizan_identity::keystore::{Keystore, KeystoreError};
use bartizan_identity::recovery::RecoveryError;
use bartizan_identity::roster::{History, Roster, RosterError, StatementError};
use bartizan_identity::{ReaderKey, Statement};
use bartizan_sealing::manifest::ManifestError;
use bartizan_sealing::verify::{Problem, Report, StreamVerifier};
use bartizan_sealing::{
    Envelope, EnvelopeError, EpochSecret, Kind, Manifest, OpenError, Record, SegmentHeader,
    SegmentOpener,
};

use crate::format;

pub(crate) type Verdict<T = ()> = Result<T, &'static str>;

pub(crate) const fn of_wire(error: &WireError) -> &'static str {
    match error {
        WireError::Short { .. } => "short",
        WireError::TooLong { .. } => "too-long",
        WireError::Unknown { .. } => "unknown",
        WireError::Trailing { .. } => "trailing",
    }
}

const fn of_envelope(error: EnvelopeError) -> &'static str {
    match error {
        EnvelopeError::Malformed(error) => of_wire(&error),
        EnvelopeError::OtherSite => "other-site",
        EnvelopeError::OtherRoster => "other-roster",
        EnvelopeError::NotTheSealer => "not-the-sealer",
        EnvelopeError::BadSignature => "bad-signature",
        EnvelopeError::WrongRecipients => "wrong-recipients",
        EnvelopeError::TooManyRecipients => "too-long",
        EnvelopeError::BadReaderKey => "bad-reader-key",
        EnvelopeError::NotForMe => "not-for-me",
        EnvelopeError::Downgraded => "downgraded",
        EnvelopeError::DoesNotOpen => "does-not-open",
        EnvelopeError::NotCommitted => "not-committed",
    }
}

const fn of_open(error: OpenError) -> &'static str {
    match error {
        OpenError::Malformed(error) => of_wire(&error),
        OpenError::OtherScope => "other-scope",
        OpenError::OutOfOrder { .. } => "out-of-order",
        OpenError::Forged => "forged",
        OpenError::AfterClose => "after-close",
        OpenError::NotOfSegment => "not-of-segment",
    }
}

const fn of_manifest(error: ManifestError) -> &'static str {
    match error {
        ManifestError::Malformed(error) => of_wire(&error),
        ManifestError::OtherSite => "other-site",
        ManifestError::NotTheSealer => "not-the-sealer",
        ManifestError::BadSignature => "bad-signature",
        ManifestError::OtherEnvelope => "broken-chain",
    }
}

const fn of_statement(error: StatementError) -> &'static str {
    match error {
        StatementError::TooLong { .. } => "too-long",
        StatementError::Malformed(error) => of_wire(&error),
        StatementError::BadReaderKey => "bad-reader-key",
    }
}

const fn of_roster(error: RosterError) -> &'static str {
    match error {
        RosterError::NoGenesis => "no-genesis",
        RosterError::SecondGenesis => "second-genesis",
        RosterError::OtherSite => "other-site",
        RosterError::NotNext { .. } => "not-next",
        RosterError::Backdated => "backdated",
        RosterError::UnknownAuthor => "unknown-author",
        RosterError::BadSignature => "bad-signature",
        RosterError::NotAllowed => "not-allowed",
        RosterError::NotFound => "not-found",
        RosterError::Exists => "exists",
        RosterError::LastOwner => "last-owner",
        RosterError::Full { .. } => "full",
    }
}

const fn of_problem(problem: Problem) -> &'static str {
    match problem {
        Problem::Malformed => "malformed",
        Problem::Changed => "changed",
        Problem::Elsewhere => "elsewhere",
        Problem::OutOfOrder => "out-of-order",
        Problem::Missing { .. } => "missing",
        Problem::Repeated => "repeated",
        Problem::CutShort => "cut-short",
        Problem::Spliced => "spliced",
        Problem::Unsigned => "unsigned",
        Problem::NotAsSigned => "not-as-signed",
        Problem::BrokenManifests => "broken-manifests",
        Problem::Silent { .. } => "silent",
        Problem::NoEnvelope => "no-envelope",
        Problem::BadEnvelope(_) => "bad-envelope",
        Problem::BadManifest(_) => "bad-manifest",
    }
}

pub(crate) const fn of_words(error: RecoveryError) -> &'static str {
    match error {
        RecoveryError::WordCount { .. } => "count",
        RecoveryError::UnknownWord { .. } => "unknown-word",
        RecoveryError::Checksum => "checksum",
    }
}

pub(crate) fn of_keystore(opened: &Result<Keystore, KeystoreError>) -> &'static str {
    match opened {
        Ok(_) => "accepted",
        Err(KeystoreError::DoesNotOpen) => "does-not-open",
        Err(KeystoreError::Malformed(error)) => of_wire(error),
    }
}

fn wire<T>(result: Result<T, WireError>) -> Verdict<T> {
    result.map_err(|error| of_wire(&error))
}

fn demand(condition: bool, code: &'static str) -> Verdict {
    if condition { Ok(()) } else { Err(code) }
}

/// All that a verdict depends on.
pub(crate) struct World {
    pub(crate) history: History,
    pub(crate) camera: CameraId,
    pub(crate) readers: Vec<ReaderKey>,
    /// The records of the envelopes.
    pub(crate) envelopes: Vec<Vec<u8>>,
}

impl World {
    pub(crate) fn judge(&self, kind: format::Kind, bytes: &[u8]) -> &'static str {
        let verdict = match kind {
            format::Kind::Segment => self.segment(bytes),
            format::Kind::Envelope => self.envelope(bytes),
            format::Kind::Statement => self.statement(bytes),
            format::Kind::Manifest => self.manifest(bytes),
        };
        verdict.err().unwrap_or("accepted")
    }

    fn segment(&self, bytes: &[u8]) -> Verdict {
        let mut live = Live {
            world: self,
            epochs: Vec::new(),
            open: None,
        };
        live.push(self.envelopes.first().ok_or("no-envelope")?)?;
        live.push(bytes)
    }

    /// The roster that the first envelope names.
    fn first_roster(&self) -> Verdict<Roster> {
        let first = self.envelopes.first().ok_or("no-envelope")?;
        let (record, _) = wire(Record::split(first))?.ok_or("short")?;
        let envelope = wire(Envelope::decode(record.body))?;
        self.history.at(envelope.roster_len).ok_or("other-roster")
    }

    fn envelope(&self, body: &[u8]) -> Verdict {
        let roster = self.first_roster()?;
        let envelope = wire(Envelope::decode(body))?;
        let verified = envelope.verify(&roster).map_err(of_envelope)?;
        let key = self.readers.get(1).ok_or("not-for-me")?;
        verified.open(key).map(drop).map_err(of_envelope)
    }

    fn statement(&self, bytes: &[u8]) -> Verdict {
        let statement = Statement::decode(bytes).map_err(of_statement)?;
        let mut roster = self.history.current().clone();
        roster.apply(&statement).map_err(of_roster)
    }

    fn manifest(&self, bytes: &[u8]) -> Verdict {
        let (record, _) = wire(Record::split(bytes))?.ok_or("short")?;
        demand(record.header.kind == Kind::Manifest, "not-of-segment")?;
        let manifest = wire(Manifest::decode(record.body))?;
        demand(manifest.rendition == record.header.rendition, "other-scope")?;
        record.chain_after(&Hash::ZERO).ok_or("wrong-check")?;
        let camera = self.history.current().camera(self.camera);
        let mine = camera.is_some_and(|camera| camera.sealer == manifest.sealer);
        demand(mine, "not-the-sealer")?;
        let verified = Manifest::verify(record.body, self.history.current());
        verified.map(drop).map_err(of_manifest)
    }

    /// What the offline check finds in a recording.
    pub(crate) fn check(&self, recording: &[u8]) -> Report {
        let lookup = |epoch| {
            self.envelopes.iter().find_map(|bytes| {
                let (record, _) = Record::split(bytes).ok()??;
                let found = Envelope::decode(record.body).ok()?;
                let hash = record.chain_after(&Hash::ZERO)?;
                (found.scope.epoch == epoch).then(|| (record.body.to_vec(), hash))
            })
        };
        let mut verifier = StreamVerifier::new(&self.history, lookup);
        let mut rest = recording;
        while let Ok(Some((record, tail))) = Record::split(rest) {
            verifier.push(&record);
            rest = tail;
        }
        if !rest.is_empty() {
            verifier.push_garbage();
        }
        verifier.finish()
    }
}

/// The kinds of a report's findings, each once, in the order of the alphabet.
pub(crate) fn kinds(report: &Report) -> Vec<String> {
    let findings = report.findings.iter();
    let mut kinds: Vec<_> = findings.map(|f| of_problem(f.problem).to_owned()).collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds
}

struct Epoch {
    secret: EpochSecret,
    sealer: KeyId,
}

struct Open {
    opener: SegmentOpener,
    chain: Hash,
    frames: u32,
    closed: bool,
    tracks: Vec<Track>,
}

/// One segment in a member's hands.
struct Live<'a> {
    world: &'a World,
    epochs: Vec<Epoch>,
    open: Option<Open>,
}

impl Live<'_> {
    fn push(&mut self, mut bytes: &[u8]) -> Verdict {
        while let Some((record, rest)) = wire(Record::split(bytes))? {
            self.record(&record)?;
            bytes = rest;
        }
        Ok(())
    }

    fn record(&mut self, record: &Record<'_>) -> Verdict {
        let main = record.header.rendition == Rendition::Main;
        if record.header.kind == Kind::Envelope {
            demand(main, "unknown")?;
            return self.envelope(record);
        }
        demand(main, "other-scope")?;
        match record.header.kind {
            Kind::SegmentHeader => self.begin(record),
            Kind::Frame => self.frame(record),
            Kind::SegmentClose => self.close(record),
            _ => self.world.manifest(record.bytes),
        }
    }

    fn envelope(&mut self, record: &Record<'_>) -> Verdict {
        let envelope = wire(Envelope::decode(record.body))?;
        record.chain_after(&Hash::ZERO).ok_or("wrong-check")?;
        let World {
            history,
            camera,
            readers,
            ..
        } = self.world;
        demand(envelope.scope.camera == *camera, "other-scope")?;
        demand(
            envelope.scope.site == history.current().site(),
            "other-site",
        )?;
        let roster = history.at(envelope.roster_len).ok_or("other-roster")?;
        let verified = envelope.verify(&roster).map_err(of_envelope)?;
        let wraps = &verified.envelope().wraps;
        let own = |id| readers.iter().find(|key| key.public().id() == id);
        let key = wraps
            .iter()
            .find_map(|wrap| own(wrap.key))
            .ok_or("not-for-me")?;
        let secret = verified.open(key).map_err(of_envelope)?;
        let sealer = verified.envelope().sealer;
        self.epochs.push(Epoch { secret, sealer });
        Ok(())
    }

    fn begin(&mut self, record: &Record<'_>) -> Verdict {
        let header = wire(SegmentHeader::decode(record.body))?;
        demand(header.rendition == record.header.rendition, "other-scope")?;
        let World {
            history, camera, ..
        } = self.world;
        let mine = header.scope.site == history.current().site() && header.scope.camera == *camera;
        demand(mine, "other-scope")?;
        let same = |epoch: &&Epoch| epoch.secret.scope.epoch == header.scope.epoch;
        let epoch = self.epochs.iter().rev().find(same).ok_or("no-envelope")?;
        let opener = SegmentOpener::begin(&epoch.secret, record).map_err(of_open)?;
        demand(header.sealer == epoch.sealer, "not-the-sealer")?;
        let chain = record.chain_after(&Hash::ZERO).ok_or("wrong-check")?;
        let tracks = Vec::new();
        self.open = Some(Open {
            opener,
            chain,
            frames: 0,
            closed: false,
            tracks,
        });
        Ok(())
    }

    fn frame(&mut self, record: &Record<'_>) -> Verdict {
        let open = self.open.as_mut().ok_or("not-of-segment")?;
        let track = record.header.track;
        if !open.closed && record.header.index == open.frames {
            let known = open.tracks.contains(&track);
            demand(known || record.header.flags.config, "out-of-order")?;
            demand(open.frames > 0 || track == Track::Video, "out-of-order")?;
        }
        open.opener.frame(record).map_err(of_open)?;
        open.chain = record.chain_after(&open.chain).ok_or("wrong-check")?;
        open.frames += 1;
        open.tracks.push(track);
        Ok(())
    }

    fn close(&mut self, record: &Record<'_>) -> Verdict {
        let open = self.open.as_mut().ok_or("not-of-segment")?;
        open.opener.close(record).map_err(of_open)?;
        open.chain = record.chain_after(&open.chain).ok_or("wrong-check")?;
        open.closed = true;
        Ok(())
    }
}
