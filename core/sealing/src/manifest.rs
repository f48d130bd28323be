//! Manifests: what a sealer recorded and what it did not, signed and chained
//! (`docs/sealed-stream.md` §7).
//!
//! Frames prove themselves only to those who hold the epoch's key, and each of those could make more of
//! them. A manifest is what the sealer alone can say: so far reaches the recording, here is a gap.

use bartizan_domain::wire::{Reader, WireError, Writer};
use bartizan_domain::{
    CameraId, EpochId, GapReason, Hash, KeyId, Millis, Rendition, SiteId, UtcMillis,
};
use bartizan_identity::{Roster, Signature, SigningKey};

use crate::record::{Kind, append_single};
use crate::segment::{Scope, SegmentEnd};

/// A sealer signs at least this often while it records.
pub const SIGN_EVERY: Millis = 2_000;

/// A reader accepts no longer silence than this within a recording.
pub const MAX_SILENCE: Millis = 10_000;

/// Heads in one manifest.
pub const MAX_HEADS: usize = 4;

/// Gaps in one manifest.
pub const MAX_GAPS: usize = 32;

const VERSION: u8 = 1;
const SIGNING_CONTEXT: &[u8] = b"bartizan/v1/manifest";

/// How a segment stood when a manifest was signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum HeadState {
    /// More records follow.
    Running = 1,
    /// Its close record was the last.
    Closed = 2,
    /// The sealer did not see its end; its next process found it like this.
    Recovered = 3,
}

/// Where a segment's chain stood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// How it stood.
    pub state: HeadState,
    /// Which segment, how many frames, and the chain.
    pub segment: SegmentEnd,
}

/// A stretch of time without recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// Why.
    pub reason: GapReason,
    /// Last moment that was recorded.
    pub from: UtcMillis,
    /// First moment that is recorded again, or the time of signing while it lasts.
    pub to: UtcMillis,
    /// First segment that is missing or cut short.
    pub first_segment: u64,
    /// How many are; 0 when none was begun.
    pub segments: u64,
}

impl Gap {
    /// Whether segment `number` is missing or cut short by this gap.
    pub const fn covers(&self, number: u64) -> bool {
        number >= self.first_segment && number - self.first_segment < self.segments
    }
}

/// What a manifest says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// Site, camera and epoch.
    pub scope: Scope,
    /// Main or sub.
    pub rendition: Rendition,
    /// Who signed it.
    pub sealer: KeyId,
    /// Hash of the epoch's envelope record.
    pub envelope: Hash,
    /// One more than the previous manifest's of this stream.
    pub counter: u64,
    /// When it was signed.
    pub time: UtcMillis,
    /// Hash of the previous manifest record of this stream; zero for counter 0.
    pub previous: Hash,
    /// Segments and how they stand.
    pub heads: Vec<Head>,
    /// What was not recorded.
    pub gaps: Vec<Gap>,
}

/// Why a manifest is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// Not the canonical form.
    #[error("not a manifest")]
    Malformed(#[from] WireError),
    /// It is another household's.
    #[error("the manifest is for another site")]
    OtherSite,
    /// Its sealer is not on the roster, or is not the camera's.
    #[error("the manifest's sealer does not seal this camera")]
    NotTheSealer,
    /// Its signature does not verify.
    #[error("the manifest's signature does not verify")]
    BadSignature,
    /// It names another envelope than the epoch's.
    #[error("the manifest is for another envelope of its epoch")]
    OtherEnvelope,
}

impl Manifest {
    /// Signs the manifest, appends its record to `out` and gives its hash.
    ///
    /// # Panics
    /// Never: heads and gaps over their limits are cut, which callers avoid.
    pub fn sign(&self, key: &SigningKey, out: &mut Vec<u8>) -> Hash {
        let mut body = self.encode_unsigned();
        let signature = key.sign(SIGNING_CONTEXT, body.as_slice());
        body.fixed(signature.as_bytes());
        append_single(out, Kind::Manifest, self.rendition, body.as_slice())
    }

    fn encode_unsigned(&self) -> Writer {
        let mut body = Writer::new();
        body.u8(VERSION);
        body.fixed(self.scope.site.as_bytes())
            .fixed(self.scope.camera.as_bytes());
        body.u8(self.rendition.code())
            .fixed(self.scope.epoch.as_bytes());
        body.fixed(self.sealer.as_bytes())
            .fixed(self.envelope.as_bytes());
        body.u64(self.counter)
            .time(self.time)
            .fixed(self.previous.as_bytes());
        body.u8(u8::try_from(self.heads.len().min(MAX_HEADS)).unwrap_or(u8::MAX));
        for head in self.heads.iter().take(MAX_HEADS) {
            body.u64(head.segment.number)
                .u32(head.segment.frames)
                .u8(head.state as u8);
            body.fixed(head.segment.chain.as_bytes());
        }
        body.u8(u8::try_from(self.gaps.len().min(MAX_GAPS)).unwrap_or(u8::MAX));
        for gap in self.gaps.iter().take(MAX_GAPS) {
            body.u8(gap.reason.code()).time(gap.from).time(gap.to);
            body.u64(gap.first_segment).u64(gap.segments);
        }
        body
    }

    /// Reads a manifest record's body without believing it.
    pub fn decode(body: &[u8]) -> Result<Self, WireError> {
        let mut input = Reader::new(body);
        input.exactly("manifest version", VERSION)?;
        let site = SiteId::new(input.array("site")?);
        let camera = CameraId::new(input.array("camera")?);
        let rendition = input.rendition("rendition")?;
        let epoch = EpochId::new(input.array("epoch")?);
        let manifest = Self {
            scope: Scope {
                site,
                camera,
                epoch,
            },
            rendition,
            sealer: KeyId::new(input.array("sealer")?),
            envelope: input.hash("envelope")?,
            counter: input.u64("counter")?,
            time: input.time("time")?,
            previous: input.hash("previous")?,
            heads: read_heads(&mut input)?,
            gaps: read_gaps(&mut input)?,
        };
        input.take("signature", Signature::LEN)?;
        input.finish()?;
        Ok(manifest)
    }

    /// Reads a manifest record's body and checks its signature with a sealer of `roster`.
    pub fn verify(body: &[u8], roster: &Roster) -> Result<Self, ManifestError> {
        let manifest = Self::decode(body)?;
        if manifest.scope.site != roster.site() {
            return Err(ManifestError::OtherSite);
        }
        let key = roster
            .sealer(manifest.sealer)
            .ok_or(ManifestError::NotTheSealer)?;
        if bartizan_domain::sabotage::off("N-4") {
            return Ok(manifest);
        }
        let (message, signature) = body
            .split_last_chunk::<{ Signature::LEN }>()
            .ok_or(ManifestError::BadSignature)?;
        key.verify(SIGNING_CONTEXT, message, &Signature::new(*signature))
            .map_err(|_opaque| ManifestError::BadSignature)?;
        Ok(manifest)
    }
}

fn read_heads(input: &mut Reader<'_>) -> Result<Vec<Head>, WireError> {
    let count = bounded(input, "heads", MAX_HEADS)?;
    let mut heads = Vec::with_capacity(count);
    for _ in 0..count {
        let number = input.u64("segment number")?;
        let frames = input.u32("frames")?;
        let state = match input.u8("head state")? {
            1 => HeadState::Running,
            2 => HeadState::Closed,
            3 => HeadState::Recovered,
            code => {
                return Err(WireError::Unknown {
                    field: "head state",
                    value: code.into(),
                });
            }
        };
        let chain = input.hash("chain")?;
        heads.push(Head {
            state,
            segment: SegmentEnd {
                number,
                frames,
                chain,
            },
        });
    }
    Ok(heads)
}

fn read_gaps(input: &mut Reader<'_>) -> Result<Vec<Gap>, WireError> {
    let count = bounded(input, "gaps", MAX_GAPS)?;
    let mut gaps = Vec::with_capacity(count);
    for _ in 0..count {
        let code = input.u8("gap reason")?;
        let reason = GapReason::from_code(code).ok_or(WireError::Unknown {
            field: "gap reason",
            value: code.into(),
        })?;
        gaps.push(Gap {
            reason,
            from: input.time("gap start")?,
            to: input.time("gap end")?,
            first_segment: input.u64("first segment")?,
            segments: input.u64("segments")?,
        });
    }
    Ok(gaps)
}

fn bounded(input: &mut Reader<'_>, field: &'static str, max: usize) -> Result<usize, WireError> {
    let len = usize::from(input.u8(field)?);
    if len > max {
        Err(WireError::TooLong { field, len, max })
    } else {
        Ok(len)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fixture::{SEALER_SEED, household, key};
    use crate::record::Record;

    fn manifest() -> Manifest {
        let segment = SegmentEnd {
            number: 4,
            frames: 50,
            chain: Hash::new([5; 32]),
        };
        let gap = Gap {
            reason: GapReason::DiskFull,
            from: UtcMillis(1),
            to: UtcMillis(2),
            first_segment: 2,
            segments: 2,
        };
        Manifest {
            scope: household().scope,
            rendition: Rendition::Sub,
            sealer: key(SEALER_SEED).public().id(),
            envelope: Hash::new([6; 32]),
            counter: 7,
            time: UtcMillis(8),
            previous: Hash::new([9; 32]),
            heads: vec![Head {
                state: HeadState::Closed,
                segment,
            }],
            gaps: vec![gap],
        }
    }

    #[test]
    fn manifests_round_trip() {
        let mut out = Vec::new();
        manifest().sign(&key(SEALER_SEED), &mut out);
        let (record, _) = Record::split(&out).unwrap().unwrap();
        assert_eq!(
            Manifest::verify(record.body, &household().roster),
            Ok(manifest())
        );
    }

    #[test]
    fn n_4_every_changed_byte_of_a_manifest_is_refused() {
        let mut out = Vec::new();
        manifest().sign(&key(SEALER_SEED), &mut out);
        let (record, _) = Record::split(&out).unwrap().unwrap();
        for at in 0..record.body.len() {
            let mut changed = record.body.to_vec();
            changed[at] ^= 1;
            assert!(
                Manifest::verify(&changed, &household().roster).is_err(),
                "byte {at}"
            );
        }
    }

    #[test]
    fn p1_a_stranger_signs_no_manifest() {
        let mut out = Vec::new();
        manifest().sign(&key(66), &mut out);
        let (record, _) = Record::split(&out).unwrap().unwrap();
        let refused = Manifest::verify(record.body, &household().roster);
        assert_eq!(refused, Err(ManifestError::BadSignature));
    }

    #[test]
    fn a_gap_covers_its_segments() {
        let gap = manifest().gaps[0];
        assert_eq!(
            [1, 2, 3, 4].map(|n| gap.covers(n)),
            [false, true, true, false]
        );
    }

    proptest! {
        #[test]
        fn foreign_bytes_never_panic(body in prop::collection::vec(any::<u8>(), 0..400)) {
            if let Ok(manifest) = Manifest::decode(&body) {
                let encoded = manifest.encode_unsigned();
                prop_assert_eq!(encoded.as_slice(), &body[..body.len() - Signature::LEN]);
            }
        }
    }
}
