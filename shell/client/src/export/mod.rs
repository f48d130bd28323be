//! An ordinary MP4 file out of a recording, with a signed proof beside it.
//!
//! Exported are the frames from the keyframe at or before `from` up to the last one that was captured before
//! `to`. What one file can't hold (another codec, more than 6 hours without a picture) continues in a next
//! one, each with its own proof. A file appears under its name only when it is whole; nothing is
//! overwritten. Nothing is decoded or encoded.

pub mod check;
pub mod mux;
pub(crate) mod part;
pub mod proof;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bartizan_base::{Clock, SystemClock};
use bartizan_domain::{EpochId, Hash, StreamId, Track, UtcMillis};
use bartizan_sealing::{Frame, Gap, SegmentHeader};
use bytes::Bytes;

use crate::error::ClientError;
use crate::recordings::Range;
use crate::session::Session;
use crate::stream::Step;

use mux::Fit;
use part::Part;
pub(crate) use part::hash as hash_file;
use proof::{MAX_ENVELOPES, Proof, SignedProof};

/// What is to be exported.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Which stream.
    pub stream: StreamId,
    /// From when until when.
    pub range: Range,
    /// The file; further ones are numbered.
    pub file: &'a Path,
}

/// How far an export has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Sealed bytes that have arrived.
    pub arrived: u64,
    /// Sealed bytes in all.
    pub total: u64,
}

/// A file that was exported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exported {
    /// The file.
    pub file: PathBuf,
    /// Its proof.
    pub proof: PathBuf,
    /// Its SHA-256.
    pub sha256: Hash,
    /// Its bytes.
    pub bytes: u64,
    /// Capture time of its first frame.
    pub first: UtcMillis,
    /// Capture time of its last frame.
    pub last: UtcMillis,
    /// Frames of picture and sound.
    pub frames: u64,
    /// Segments that they are from.
    pub segments: usize,
    /// Frames that no manifest covers yet.
    pub unsigned: u64,
    /// Signed gaps in between.
    pub gaps: Vec<Gap>,
}

/// Where the proof of `file` lies: the same name with `.proof` behind.
pub fn proof_path(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".proof");
    name.into()
}

impl Session {
    /// Exports; `progress` is called as bytes arrive.
    pub async fn export(
        &self,
        request: Request<'_>,
        mut progress: impl FnMut(Progress),
    ) -> Result<Vec<Exported>, ClientError> {
        let mut exporter = Exporter::new(self, request);
        exporter.path()?;
        let mut playback = self
            .playback_from_key(request.stream, request.range)
            .await?;
        let total = playback.bytes();
        let played = playback
            .run::<ClientError>(async |step, arrived| {
                progress(Progress { arrived, total });
                exporter.take(step).await
            })
            .await;
        played?;
        exporter.finish_part().await?;
        self.note(request.stream, playback.reader().high_water())?;
        if exporter.done.is_empty() {
            return Err(ClientError::NothingRecorded);
        }
        Ok(exporter.done)
    }
}

struct Exporter<'a> {
    session: &'a Session,
    request: Request<'a>,
    part: Option<Part>,
    done: Vec<Exported>,
    /// Bodies of envelopes, of the newest epochs.
    envelopes: BTreeMap<EpochId, Bytes>,
    segment: Option<SegmentHeader>,
    /// Place of the next frame in its segment.
    index: u32,
    /// A picture at or after the end has come.
    ended: bool,
}

impl<'a> Exporter<'a> {
    const fn new(session: &'a Session, request: Request<'a>) -> Self {
        Self {
            session,
            request,
            part: None,
            done: Vec::new(),
            envelopes: BTreeMap::new(),
            segment: None,
            index: 0,
            ended: false,
        }
    }

    async fn take(&mut self, step: Step<'_>) -> Result<(), ClientError> {
        match step {
            Step::Envelope(record) => self.on_envelope(&record),
            Step::Segment(begun) => {
                self.segment = Some(begun.header);
                self.index = 0;
                let full = self.part.as_ref().is_some_and(Part::is_full);
                if full {
                    self.finish_part().await?;
                }
                if let Some(part) = &mut self.part {
                    part.leave_segment();
                }
            }
            Step::Frame(frame) => return self.on_frame(&frame).await,
            Step::Manifest(signed) => {
                if let Some(part) = &mut self.part {
                    part.manifest(&signed);
                }
            }
            Step::Closed(_) | Step::More | Step::NeedEnvelope(_) | Step::NeedRoster(_) => {}
        }
        Ok(())
    }

    fn on_envelope(&mut self, record: &Bytes) {
        let Ok(Some((parsed, _))) = bartizan_sealing::Record::split(record) else {
            return;
        };
        if let Ok(envelope) = bartizan_sealing::Envelope::decode(parsed.body) {
            let body = record.slice_ref(parsed.body);
            self.envelopes.insert(envelope.scope.epoch, body);
        }
        if self.envelopes.len() > MAX_ENVELOPES {
            self.envelopes.pop_first();
        }
    }

    async fn on_frame(&mut self, frame: &Frame<'_>) -> Result<(), ClientError> {
        let index = self.index;
        self.index = self.index.saturating_add(1);
        let late = frame.captured >= self.request.range.to;
        self.ended |= late && frame.track == Track::Video;
        if late || self.ended && frame.track == Track::Video {
            return Ok(());
        }
        let Some(segment) = self.segment else {
            return Ok(());
        };
        if self.put(&segment, index, frame).await? == Fit::NewFile {
            self.finish_part().await?;
            self.put(&segment, index, frame).await?;
        }
        Ok(())
    }

    async fn put(
        &mut self,
        segment: &SegmentHeader,
        index: u32,
        frame: &Frame<'_>,
    ) -> Result<Fit, ClientError> {
        let part = match &mut self.part {
            Some(part) => part,
            // A file begins with a keyframe.
            None if !is_key(frame) => return Ok(Fit::LeftOut),
            none => {
                let path = next_path(self.request.file, self.done.len())?;
                none.insert(Part::create(path, frame.captured).await?)
            }
        };
        part.frame(segment, index, frame).await
    }

    /// Ends the file in the making, if there is one with at least one frame.
    async fn finish_part(&mut self) -> Result<(), ClientError> {
        let Some(part) = self.part.take() else {
            return Ok(());
        };
        let Some(mut whole) = part.finish().await? else {
            return Ok(());
        };
        let history = self.session.history().await?;
        let epochs = std::mem::take(&mut whole.epochs);
        let envelopes = epochs.iter().filter_map(|epoch| self.envelopes.get(epoch));
        let statements = history.statements().iter();
        let range = self.request.range;
        let proof = Proof {
            site: self.session.identity().site,
            stream: self.request.stream,
            file: whole.sha256,
            file_len: whole.bytes,
            from: range.from,
            to: range.to,
            made: SystemClock.utc(),
            member: self.session.identity().member,
            statements: statements.map(|one| one.as_bytes().to_vec()).collect(),
            envelopes: envelopes.map(|body| body.to_vec()).collect(),
            segments: std::mem::take(&mut whole.segments),
            manifests: std::mem::take(&mut whole.manifests),
        };
        let segments = proof.segments.len();
        let signed = SignedProof::sign(proof, &self.session.keys().identity());
        let path = whole.place(Some(&signed.encode()))?;
        self.done.push(Exported {
            proof: proof_path(&path),
            file: path,
            sha256: whole.sha256,
            bytes: whole.bytes,
            first: whole.first,
            last: whole.last,
            frames: whole.frames,
            segments,
            unsigned: whole.unsigned,
            gaps: whole.gaps,
        });
        Ok(())
    }

    /// The file's name, when neither it nor its proof exists.
    fn path(&self) -> Result<PathBuf, ClientError> {
        next_path(self.request.file, self.done.len())
    }
}

/// Whether a picture can be decoded without any other.
pub(crate) fn is_key(frame: &Frame<'_>) -> bool {
    frame.key && frame.track == Track::Video
}

/// `FILE.mp4`, then `FILE-2.mp4` and so on; refused when it or its proof exists.
fn next_path(file: &Path, done: usize) -> Result<PathBuf, ClientError> {
    let path = match done {
        0 => file.to_owned(),
        done => {
            let mut name = file.file_stem().unwrap_or_default().to_owned();
            name.push(format!("-{}", done.saturating_add(1)));
            if let Some(extension) = file.extension() {
                name.push(".");
                name.push(extension);
            }
            file.with_file_name(name)
        }
    };
    for path in [path.clone(), proof_path(&path)] {
        if path.symlink_metadata().is_ok() {
            return Err(ClientError::Exists { path });
        }
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn further_files_are_numbered_and_nothing_is_overwritten() {
        let tmp = tempfile::tempdir().unwrap();
        let file = tmp.path().join("door.mp4");
        assert_eq!(next_path(&file, 0).unwrap(), file);
        assert_eq!(next_path(&file, 1).unwrap(), tmp.path().join("door-2.mp4"));
        std::fs::write(proof_path(&file), b"x").unwrap();
        let refused = next_path(&file, 0);
        assert!(matches!(refused, Err(ClientError::Exists { .. })));
    }
}
