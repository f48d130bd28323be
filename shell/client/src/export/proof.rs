//! The proof beside an exported MP4 file (`docs/export-proof.md`): its bytes, and its signature.
//!
//! It binds the file to what the sealer signed. This room writes and reads the form; whether what it says
//! holds is checked in [`super::check`].

use bartizan_domain::wire::{Reader, WireError, Writer};
use bartizan_domain::{CameraId, Hash, MemberId, SiteId, StreamId, UtcMillis};
use bartizan_identity::roster::{MAX_STATEMENT_BYTES, MAX_STATEMENTS};
use bartizan_identity::{Signature, SigningKey, VerifyingKey};
use bartizan_sealing::segment::SEGMENT_HEADER_LEN;
use bartizan_sealing::{HeadState, SegmentEnd};

/// What an exporting member signs begins with this.
pub const EXPORT_CONTEXT: &[u8] = b"bartizan/v1/export";

/// Largest proof in bytes.
pub const MAX_PROOF: usize = 64 * 1024 * 1024;

/// Segments of one proof.
pub const MAX_SEGMENTS: usize = 100_000;

/// Manifests of one proof.
pub const MAX_MANIFESTS: usize = 200_000;

/// Epochs of one proof: 40 days at one an hour.
pub const MAX_ENVELOPES: usize = 1_000;

/// Largest envelope body in bytes: 256 wraps of the larger suite.
pub const MAX_ENVELOPE_BODY: usize = 320 * 1024;

/// Largest manifest body in bytes.
pub const MAX_MANIFEST_BODY: usize = 2 * 1024;

const MAGIC: &[u8; 8] = b"BARTPRF1";
const VERSION: u8 = 1;

/// What a proof says. Believed by nobody before [`super::check`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// Whose household.
    pub site: SiteId,
    /// Which stream.
    pub stream: StreamId,
    /// SHA-256 of the file.
    pub file: Hash,
    /// Bytes of the file.
    pub file_len: u64,
    /// From when on was asked for.
    pub from: UtcMillis,
    /// Until when was asked for.
    pub to: UtcMillis,
    /// When the export was made, by the exporting device's clock.
    pub made: UtcMillis,
    /// Who exported.
    pub member: MemberId,
    /// The roster's statements.
    pub statements: Vec<Vec<u8>>,
    /// Bodies of the envelopes of the segments' epochs.
    pub envelopes: Vec<Vec<u8>>,
    /// The segments, in order.
    pub segments: Vec<SegmentProof>,
    /// Bodies of the sealer's manifests that came with the segments, in order.
    pub manifests: Vec<Vec<u8>>,
}

/// What went into the file from one segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentProof {
    /// Body of its header record.
    pub header: [u8; SEGMENT_HEADER_LEN],
    /// How the sealer last spoke of it; `None` when it did not.
    pub signed: Option<(HeadState, u32, Hash)>,
    /// Frames that are in the file.
    pub exported: u32,
    /// Of those, how many lie behind what the sealer spoke of.
    pub unsigned: u32,
    /// Over the exported frames; see [`FrameDigest`].
    pub digest: Hash,
}

/// A proof and who signed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedProof {
    /// What it says.
    pub proof: Proof,
    body: Vec<u8>,
    signature: Signature,
}

impl SignedProof {
    /// Signs with the exporting member's identity. Counts over their limits are cut, which callers avoid.
    pub fn sign(proof: Proof, key: &SigningKey) -> Self {
        let body = proof.encode();
        let signature = key.sign(EXPORT_CONTEXT, &body);
        Self {
            proof,
            body,
            signature,
        }
    }

    /// The file's bytes.
    pub fn encode(&self) -> Vec<u8> {
        [self.body.as_slice(), self.signature.as_bytes()].concat()
    }

    /// Reads the form without believing it.
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        let len = bytes.len();
        if len > MAX_PROOF {
            let (field, max) = ("proof", MAX_PROOF);
            return Err(WireError::TooLong { field, len, max });
        }
        let (body, signature) = bytes
            .split_last_chunk::<{ Signature::LEN }>()
            .ok_or(WireError::Short { field: "signature" })?;
        Ok(Self {
            proof: Proof::decode(body)?,
            body: body.to_vec(),
            signature: Signature::new(*signature),
        })
    }

    /// Whether `key` signed it.
    pub fn is_signed_by(&self, key: &VerifyingKey) -> bool {
        key.verify(EXPORT_CONTEXT, &self.body, &self.signature)
            .is_ok()
    }
}

impl Proof {
    fn encode(&self) -> Vec<u8> {
        let mut out = Writer::new();
        out.fixed(MAGIC).u8(VERSION);
        out.fixed(self.site.as_bytes())
            .fixed(self.stream.camera.as_bytes())
            .u8(self.stream.rendition.code());
        out.fixed(self.file.as_bytes()).u64(self.file_len);
        out.time(self.from).time(self.to).time(self.made);
        out.fixed(self.member.as_bytes());
        list(&mut out, &self.statements, MAX_STATEMENTS);
        list(&mut out, &self.envelopes, MAX_ENVELOPES);
        out.u32(count(self.segments.len(), MAX_SEGMENTS));
        for segment in self.segments.iter().take(MAX_SEGMENTS) {
            segment.encode(&mut out);
        }
        list(&mut out, &self.manifests, MAX_MANIFESTS);
        out.into_vec()
    }

    fn decode(body: &[u8]) -> Result<Self, WireError> {
        let mut input = Reader::new(body);
        let magic = input.array::<8>("proof")?;
        if magic != *MAGIC {
            let (field, value) = ("proof", u64::from_be_bytes(magic));
            return Err(WireError::Unknown { field, value });
        }
        input.exactly("proof version", VERSION)?;
        let proof = Self {
            site: SiteId::new(input.array("site")?),
            stream: StreamId {
                camera: CameraId::new(input.array("camera")?),
                rendition: input.rendition("rendition")?,
            },
            file: input.hash("file")?,
            file_len: input.u64("file length")?,
            from: input.time("from")?,
            to: input.time("to")?,
            made: input.time("made")?,
            member: MemberId::new(input.array("member")?),
            statements: read_list(
                &mut input,
                "statements",
                MAX_STATEMENTS,
                MAX_STATEMENT_BYTES,
            )?,
            envelopes: read_list(&mut input, "envelopes", MAX_ENVELOPES, MAX_ENVELOPE_BODY)?,
            segments: read_segments(&mut input)?,
            manifests: read_list(&mut input, "manifests", MAX_MANIFESTS, MAX_MANIFEST_BODY)?,
        };
        input.finish()?;
        Ok(proof)
    }
}

impl SegmentProof {
    fn encode(&self, out: &mut Writer) {
        let (state, frames, chain) = match self.signed {
            Some((state, frames, chain)) => (state as u8, frames, chain),
            None => (0, 0, Hash::ZERO),
        };
        out.fixed(&self.header)
            .u8(state)
            .u32(frames)
            .fixed(chain.as_bytes());
        out.u32(self.exported)
            .u32(self.unsigned)
            .fixed(self.digest.as_bytes());
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, WireError> {
        let header = input.array("segment header")?;
        let code = input.u8("segment state")?;
        let (frames, chain) = (input.u32("segment frames")?, input.hash("segment chain")?);
        let signed = match code {
            0 if frames == 0 && chain == Hash::ZERO => None,
            1 => Some((HeadState::Running, frames, chain)),
            2 => Some((HeadState::Closed, frames, chain)),
            3 => Some((HeadState::Recovered, frames, chain)),
            _ => {
                return Err(WireError::Unknown {
                    field: "segment state",
                    value: code.into(),
                });
            }
        };
        Ok(Self {
            header,
            signed,
            exported: input.u32("exported")?,
            unsigned: input.u32("unsigned")?,
            digest: input.hash("digest")?,
        })
    }

    /// The segment's end as the sealer signed it.
    pub fn end(&self, number: u64) -> Option<(HeadState, SegmentEnd)> {
        self.signed.map(|(state, frames, chain)| {
            let end = SegmentEnd {
                number,
                frames,
                chain,
            };
            (state, end)
        })
    }
}

/// Digest over the frames of a segment that went into the file: SHA-256 over, for each,
/// `index u32 ‖ track u8 ‖ captured time ‖ pts i64 ‖ decode offset i32 ‖ SHA-256 of the access unit`.
///
/// Whoever can open the sealed segment can compute it again and so compare the file with the recording.
#[derive(Clone)]
pub struct FrameDigest {
    context: aws_lc_rs::digest::Context,
}

impl Default for FrameDigest {
    fn default() -> Self {
        let context = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
        Self { context }
    }
}

impl std::fmt::Debug for FrameDigest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FrameDigest")
    }
}

impl FrameDigest {
    /// Adds the frame at place `index` of its segment.
    pub fn frame(&mut self, index: u32, frame: &bartizan_sealing::Frame<'_>) {
        let mut out = Writer::new();
        out.u32(index)
            .u8(frame.track.code())
            .time(frame.captured)
            .i64(frame.pts)
            .i32(frame.decode_offset);
        out.fixed(bartizan_identity::key::sha256(&[frame.data]).as_bytes());
        self.context.update(out.as_slice());
    }

    /// The digest.
    pub fn finish(self) -> Hash {
        let mut out = [0; 32];
        out.copy_from_slice(self.context.finish().as_ref());
        Hash::new(out)
    }
}

fn count(len: usize, max: usize) -> u32 {
    u32::try_from(len.min(max)).unwrap_or(u32::MAX)
}

/// `count u32`, then each as `length u32 ‖ bytes`.
fn list(out: &mut Writer, items: &[Vec<u8>], max: usize) {
    out.u32(count(items.len(), max));
    for item in items.iter().take(max) {
        out.u32(count(item.len(), MAX_PROOF)).fixed(item);
    }
}

fn bounded(input: &mut Reader<'_>, field: &'static str, max: usize) -> Result<usize, WireError> {
    let len = input.u32(field)? as usize;
    if len > max {
        return Err(WireError::TooLong { field, len, max });
    }
    Ok(len)
}

fn read_list(
    input: &mut Reader<'_>,
    field: &'static str,
    max: usize,
    max_len: usize,
) -> Result<Vec<Vec<u8>>, WireError> {
    let mut items = Vec::new();
    for _ in 0..bounded(input, field, max)? {
        let len = bounded(input, field, max_len)?;
        items.push(input.take(field, len)?.to_vec());
    }
    Ok(items)
}

fn read_segments(input: &mut Reader<'_>) -> Result<Vec<SegmentProof>, WireError> {
    let mut segments = Vec::new();
    for _ in 0..bounded(input, "segments", MAX_SEGMENTS)? {
        segments.push(SegmentProof::decode(input)?);
    }
    Ok(segments)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fixture::{OWNER, SITE, STREAM, signing_key};

    fn proof() -> Proof {
        let segment = SegmentProof {
            header: [1; SEGMENT_HEADER_LEN],
            signed: Some((HeadState::Closed, 9, Hash::new([2; 32]))),
            exported: 7,
            unsigned: 0,
            digest: Hash::new([3; 32]),
        };
        let open = SegmentProof {
            signed: None,
            ..segment.clone()
        };
        Proof {
            site: SITE,
            stream: STREAM,
            file: Hash::new([4; 32]),
            file_len: 5,
            from: UtcMillis(6),
            to: UtcMillis(7),
            made: UtcMillis(8),
            member: OWNER,
            statements: vec![vec![1; 10], vec![]],
            envelopes: vec![vec![2; 20]],
            segments: vec![segment, open],
            manifests: vec![vec![3; 30]],
        }
    }

    #[test]
    fn a_proof_comes_back_and_is_signed() {
        let signed = SignedProof::sign(proof(), &signing_key(1));
        let again = SignedProof::decode(&signed.encode()).unwrap();
        assert_eq!(again, signed);
        assert!(again.is_signed_by(&signing_key(1).public()));
        assert!(!again.is_signed_by(&signing_key(2).public()));
    }

    #[test]
    fn every_changed_byte_is_noticed() {
        let bytes = SignedProof::sign(proof(), &signing_key(1)).encode();
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            let good = SignedProof::decode(&changed)
                .is_ok_and(|proof| proof.is_signed_by(&signing_key(1).public()));
            assert!(!good, "byte {at}");
        }
    }

    proptest! {
        #[test]
        fn foreign_bytes_never_panic(tail in prop::collection::vec(any::<u8>(), 0..600)) {
            let bytes = [MAGIC.as_slice(), &[VERSION], &tail].concat();
            if let Ok(proof) = SignedProof::decode(&bytes) {
                prop_assert_eq!(proof.encode(), bytes);
            }
        }
    }
}
