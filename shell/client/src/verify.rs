//! What an offline check found, for exports and for recordings alike, and the check of an export on disk.

use std::path::Path;

use bartizan_base::files;
use bartizan_domain::{Hash, SiteId, StreamId, UtcMillis};
use bartizan_sealing::{Gap, verify as sealed};
use tokio::fs::File;

use crate::error::ClientError;
use crate::export::check::{Exporter, check};
use crate::export::proof::{MAX_PROOF, SignedProof};
use crate::export::{hash_file, proof_path};

/// Findings that are listed one by one; more are only counted.
pub const MAX_FINDINGS: usize = 1_000;

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What.
    pub what: String,
    /// In which segment, when it is about one.
    pub segment: Option<u64>,
    /// At about which time, when that is known.
    pub time: Option<UtcMillis>,
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Which stream.
    pub stream: StreamId,
    /// Whose household, if it could be read.
    pub site: Option<SiteId>,
    /// Hash of the roster's genesis, when the roster holds: what tells one household from another.
    pub genesis: Option<Hash>,
    /// Who exported, when the signature holds; `None` for recordings.
    pub exporter: Option<Exporter>,
    /// Bytes checked.
    pub bytes: u64,
    /// Segments met.
    pub segments: u64,
    /// Frames met, or exported.
    pub frames: u64,
    /// Manifests met.
    pub manifests: u64,
    /// Frames at the end that no manifest covers yet.
    pub unsigned: u64,
    /// Start of the first segment.
    pub first: Option<UtcMillis>,
    /// Last time that the sealer vouches for.
    pub last: Option<UtcMillis>,
    /// Signed gaps.
    pub gaps: Vec<Gap>,
    /// What is wrong, at most [`MAX_FINDINGS`].
    pub findings: Vec<Finding>,
    /// Findings in all.
    pub finding_count: u64,
}

impl Report {
    /// Nothing met, nothing wrong.
    pub const fn new(stream: StreamId, bytes: u64) -> Self {
        Self {
            stream,
            site: None,
            genesis: None,
            exporter: None,
            bytes,
            segments: 0,
            frames: 0,
            manifests: 0,
            unsigned: 0,
            first: None,
            last: None,
            gaps: Vec::new(),
            findings: Vec::new(),
            finding_count: 0,
        }
    }

    /// The report of a walk over a recorded stream.
    pub fn of_recording(
        stream: StreamId,
        (site, genesis): (SiteId, Hash),
        walked: sealed::Report,
    ) -> Self {
        let findings = walked.findings.iter().map(|finding| Finding {
            what: finding.problem.to_string(),
            segment: finding.segment,
            time: (finding.time != UtcMillis::default()).then_some(finding.time),
        });
        Self {
            site: Some(site),
            genesis: Some(genesis),
            segments: walked.segments,
            frames: walked.frames,
            manifests: walked.manifests,
            unsigned: walked.unsigned_tail.into(),
            first: walked.first,
            last: walked.last,
            findings: findings.take(MAX_FINDINGS).collect(),
            finding_count: walked.finding_count,
            gaps: walked.gaps,
            ..Self::new(stream, walked.bytes)
        }
    }

    /// Whether nothing is wrong.
    pub const fn is_whole(&self) -> bool {
        self.finding_count == 0
    }

    /// Notes something that is wrong.
    pub fn find(&mut self, finding: Finding) {
        self.finding_count = self.finding_count.saturating_add(1);
        if self.findings.len() < MAX_FINDINGS {
            self.findings.push(finding);
        }
    }
}

/// Checks the exported file at `path` against the proof beside it.
pub async fn verify_export(path: &Path) -> Result<Report, ClientError> {
    let beside = proof_path(path);
    let bytes = files::read_bounded(&beside, MAX_PROOF as u64)?;
    let proof = SignedProof::decode(&bytes).map_err(|source| ClientError::Proof {
        path: beside,
        source,
    })?;
    let unreadable = |source| {
        let (act, path) = (files::Act::Read, path.to_owned());
        ClientError::File(files::FileError::Io { act, path, source })
    };
    let mut file = File::open(path).await.map_err(unreadable)?;
    let found = hash_file(&mut file).await.map_err(unreadable)?;
    Ok(check(&proof, found))
}
