//! One exported file in the making, and what its proof will say.
//!
//! It is written under a name of its own and gets the name that was asked for when it is whole.

use std::collections::BTreeSet;
use std::io::{self, SeekFrom};
use std::path::{Path, PathBuf};

use aws_lc_rs::digest;
use bartizan_base::{files, random};
use bartizan_domain::{EpochId, Hash, UtcMillis};
use bartizan_sealing::{Frame, Gap, HeadState, SegmentHeader};
use rustix::fs::{CWD, RenameFlags, renameat_with};
use tokio::fs::{File, OpenOptions};
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};

use super::mux::{Fit, Mux};
use super::proof::{FrameDigest, MAX_MANIFESTS, MAX_PROOF, MAX_SEGMENTS, SegmentProof};
use super::proof_path;
use crate::error::ClientError;
use crate::stream::Signed;

/// Bytes that wait before they are written.
const WRITE_AT: usize = 512 * 1024;

/// Room in a proof that is kept free for the roster and the last segments.
const PROOF_ROOM: usize = MAX_PROOF / 4;

/// A segment that is being exported.
#[derive(Debug)]
struct Draft {
    header: SegmentHeader,
    signed: Option<(HeadState, u32, Hash)>,
    exported: u32,
    unsigned: u32,
    digest: FrameDigest,
}

/// A file in the making.
pub(crate) struct Part {
    path: PathBuf,
    draft_file: DraftFile,
    file: File,
    mux: Mux,
    out: Vec<u8>,
    created: UtcMillis,
    last: UtcMillis,
    frames: u64,
    unsigned: u64,
    current: Option<Draft>,
    segments: Vec<SegmentProof>,
    manifests: Vec<Vec<u8>>,
    gaps: Vec<Gap>,
    epochs: BTreeSet<EpochId>,
    proof_bytes: usize,
}

/// A whole file that has no name yet.
pub(crate) struct Whole {
    path: PathBuf,
    draft_file: DraftFile,
    pub(crate) sha256: Hash,
    pub(crate) bytes: u64,
    pub(crate) first: UtcMillis,
    pub(crate) last: UtcMillis,
    pub(crate) frames: u64,
    pub(crate) unsigned: u64,
    pub(crate) segments: Vec<SegmentProof>,
    pub(crate) manifests: Vec<Vec<u8>>,
    pub(crate) gaps: Vec<Gap>,
    pub(crate) epochs: BTreeSet<EpochId>,
}

/// The file's first name; removed when it is dropped before it got the other one.
struct DraftFile(PathBuf);

impl Drop for DraftFile {
    fn drop(&mut self) {
        // It has been renamed, or the error at hand says more than this one would.
        drop(std::fs::remove_file(&self.0));
    }
}

impl Part {
    pub(crate) async fn create(path: PathBuf, created: UtcMillis) -> Result<Self, ClientError> {
        let draft = draft_name(&path)?;
        let mut options = OpenOptions::new();
        options.write(true).read(true).create_new(true).mode(0o600);
        let file = options.open(&draft).await.map_err(output(&path))?;
        let mut out = Vec::new();
        Ok(Self {
            draft_file: DraftFile(draft),
            path,
            file,
            mux: Mux::new(created, &mut out),
            out,
            created,
            last: created,
            frames: 0,
            unsigned: 0,
            current: None,
            segments: Vec::new(),
            manifests: Vec::new(),
            gaps: Vec::new(),
            epochs: BTreeSet::new(),
            proof_bytes: 0,
        })
    }

    /// Whether the next segment belongs into a new file.
    pub(crate) const fn is_full(&self) -> bool {
        self.mux.wants_new_file()
            || self.segments.len().saturating_add(2) > MAX_SEGMENTS
            || self.manifests.len().saturating_add(1_000) > MAX_MANIFESTS
            || self.proof_bytes > MAX_PROOF - PROOF_ROOM
    }

    pub(crate) async fn frame(
        &mut self,
        segment: &SegmentHeader,
        index: u32,
        frame: &Frame<'_>,
    ) -> Result<Fit, ClientError> {
        let fit = self.mux.frame(segment.session, frame, &mut self.out)?;
        if fit != Fit::Taken {
            return Ok(fit);
        }
        self.epochs.insert(segment.scope.epoch);
        let draft = self.current.get_or_insert_with(|| Draft {
            header: *segment,
            signed: None,
            exported: 0,
            unsigned: 0,
            digest: FrameDigest::default(),
        });
        draft.digest.frame(index, frame);
        draft.exported = draft.exported.saturating_add(1);
        draft.unsigned = draft.unsigned.saturating_add(1);
        self.frames = self.frames.saturating_add(1);
        self.last = self.last.max(frame.captured);
        self.write(WRITE_AT).await?;
        Ok(fit)
    }

    /// The segment is over: another one begins, or the export ends.
    pub(crate) fn leave_segment(&mut self) {
        let Some(draft) = self.current.take() else {
            return;
        };
        let header = draft.header.encode();
        let header = header
            .try_into()
            .expect("a segment header has one length only");
        let segment = SegmentProof {
            header,
            signed: draft.signed,
            exported: draft.exported,
            unsigned: draft.unsigned,
            digest: draft.digest.finish(),
        };
        self.unsigned = self.unsigned.saturating_add(draft.unsigned.into());
        self.proof_bytes = self.proof_bytes.saturating_add(256);
        self.segments.push(segment);
    }

    pub(crate) fn manifest(&mut self, signed: &Signed) {
        self.gaps.extend_from_slice(&signed.manifest.gaps);
        self.proof_bytes = self
            .proof_bytes
            .saturating_add(signed.body.len())
            .saturating_add(4);
        self.manifests.push(signed.body.to_vec());
        if let (Some(draft), Some((state, end))) = (&mut self.current, signed.head)
            && end.number == draft.header.number
        {
            draft.signed = Some((state, end.frames, end.chain));
            draft.unsigned = 0;
        }
    }

    /// Closes the file; `None` when nothing went into it.
    pub(crate) async fn finish(mut self) -> Result<Option<Whole>, ClientError> {
        self.leave_segment();
        if self.frames == 0 {
            return Ok(None);
        }
        self.write(0).await?;
        let mut tail = Vec::new();
        let finished = self.mux.finish(&mut tail)?;
        tail.extend_from_slice(&finished.moov().map_err(super::mux::MuxError::from)?);
        let patch = finished.mdat_size();
        let (file, path) = (&mut self.file, &self.path);
        let written = async {
            file.write_all(&tail).await?;
            file.seek(SeekFrom::Start(patch.offset)).await?;
            file.write_all(&patch.bytes).await?;
            file.sync_all().await?;
            hash(file).await
        };
        let (sha256, bytes) = written.await.map_err(output(path))?;
        Ok(Some(Whole {
            path: self.path,
            draft_file: self.draft_file,
            sha256,
            bytes,
            first: self.created,
            last: self.last,
            frames: self.frames,
            unsigned: self.unsigned,
            segments: self.segments,
            manifests: self.manifests,
            gaps: self.gaps,
            epochs: self.epochs,
        }))
    }

    async fn write(&mut self, at: usize) -> Result<(), ClientError> {
        if self.out.len() > at {
            let written = self.file.write_all(&self.out).await;
            written.map_err(output(&self.path))?;
            self.out.clear();
        }
        Ok(())
    }
}

impl Whole {
    /// Writes the proof, if there is one, and gives the file its name.
    pub(crate) fn place(&mut self, proof: Option<&[u8]>) -> Result<PathBuf, ClientError> {
        let beside = proof_path(&self.path);
        if let Some(proof) = proof {
            match files::write_new(&beside, proof) {
                Err(error) if error.is_already_exists() => {
                    return Err(ClientError::Exists { path: beside });
                }
                written => written?,
            }
        }
        let (draft, path) = (&self.draft_file.0, &self.path);
        let named = renameat_with(CWD, draft, CWD, path, RenameFlags::NOREPLACE);
        let Err(source) = named.map_err(io::Error::from) else {
            return Ok(path.clone());
        };
        if proof.is_some() {
            // A proof without its file proves nothing.
            drop(std::fs::remove_file(&beside));
        }
        let path = path.clone();
        Err(match source.kind() {
            io::ErrorKind::AlreadyExists => ClientError::Exists { path },
            _ => ClientError::Output { path, source },
        })
    }
}

/// A name beside `path` that nobody else uses.
fn draft_name(path: &Path) -> Result<PathBuf, ClientError> {
    let random = u64::from_be_bytes(random::bytes()?);
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{random:016x}.part"));
    Ok(path.with_file_name(name))
}

/// SHA-256 and length of the whole file.
pub(crate) async fn hash(file: &mut File) -> io::Result<(Hash, u64)> {
    file.seek(SeekFrom::Start(0)).await?;
    let mut context = digest::Context::new(&digest::SHA256);
    let mut buffer = vec![0; WRITE_AT];
    let mut bytes = 0_u64;
    loop {
        let read = file.read(&mut buffer).await?;
        let Some(piece) = buffer.get(..read).filter(|piece| !piece.is_empty()) else {
            break;
        };
        context.update(piece);
        bytes = bytes.saturating_add(piece.len() as u64);
    }
    let mut out = [0; 32];
    out.copy_from_slice(context.finish().as_ref());
    Ok((Hash::new(out), bytes))
}

fn output(path: &Path) -> impl FnOnce(io::Error) -> ClientError {
    let path = path.to_owned();
    move |source| ClientError::Output { path, source }
}
