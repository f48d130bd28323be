//! Segments: frames sealed one by one under a key that belongs to one segment only
//! (`docs/sealed-stream.md` §4 and §5).
//!
//! [`SegmentSealer`] appends records to a buffer of the caller's; [`SegmentOpener`] gives frames back
//! after their tag and place were checked, never before. Who may have the epoch secret is not decided
//! here.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hkdf;
use bartizan_domain::limits::MAX_ACCESS_UNIT;
use bartizan_domain::wire::{Reader, WireError, Writer};
use bartizan_domain::{
    CameraId, EpochId, Hash, KeyId, Rendition, Secret, SiteId, Track, UtcMillis,
};

use crate::record::{COVERED_LEN, Flags, HEADER_LEN, Header, Kind, Record, link};

/// AES-GCM tag bytes.
pub const TAG_LEN: usize = 16;

/// Largest track configuration inside a frame.
pub const MAX_CONFIG: usize = 4_200;

/// Bytes of a segment header's body.
pub const SEGMENT_HEADER_LEN: usize = 136;

const VERSION: u8 = 1;
const AEAD_AES_256_GCM: u16 = 0x0002;
const CLOSE_CLEAR_LEN: usize = 24;
/// Captured time, presentation time, decode offset.
const FRAME_FIXED_LEN: usize = 8 + 8 + 4;

/// The secret of an epoch, and what it belongs to. Made by `envelope`.
#[derive(Debug, Clone)]
pub struct EpochSecret {
    /// Site, camera and epoch that every derived key is bound to.
    pub scope: Scope,
    secret: Secret<[u8; 32]>,
}

/// Where an epoch belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scope {
    /// Whose household.
    pub site: SiteId,
    /// Which camera.
    pub camera: CameraId,
    /// Which period.
    pub epoch: EpochId,
}

impl Scope {
    fn write(&self, out: &mut Writer) {
        out.fixed(self.site.as_bytes())
            .fixed(self.camera.as_bytes())
            .fixed(self.epoch.as_bytes());
    }
}

impl EpochSecret {
    /// Takes 32 fresh random bytes, or those that an envelope's wrap held.
    pub const fn new(scope: Scope, secret: Secret<[u8; 32]>) -> Self {
        Self { scope, secret }
    }

    pub(crate) const fn expose(&self) -> &[u8; 32] {
        self.secret.expose()
    }

    /// The key commitment: AES-GCM alone would let one ciphertext open under two keys.
    pub fn commitment(&self) -> Hash {
        let mut label = Writer::new();
        label.fixed(b"bartizan/v1/commit");
        self.scope.write(&mut label);
        Hash::new(*self.expand(label.as_slice()).expose())
    }

    fn segment_key(&self, header: &SegmentHeader) -> LessSafeKey {
        let mut label = Writer::new();
        label.fixed(b"bartizan/v1/segment");
        self.scope.write(&mut label);
        label
            .u8(header.rendition.code())
            .u64(header.number)
            .fixed(&header.salt);
        let key = self.expand(label.as_slice());
        LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key.expose()).expect("32 bytes are a key"))
    }

    /// HKDF-Expand with SHA-256 (RFC 5869 §2.3): the secret is uniform, so it is a PRK already.
    fn expand(&self, label: &[u8]) -> Secret<[u8; 32]> {
        let prk = hkdf::Prk::new_less_safe(hkdf::HKDF_SHA256, self.secret.expose());
        let mut out = [0; 32];
        prk.expand(&[label], hkdf::HKDF_SHA256)
            .and_then(|okm| okm.fill(&mut out))
            .expect("32 bytes are within HKDF's limit");
        Secret::new(out)
    }
}

/// The clear start of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentHeader {
    /// Where it belongs.
    pub scope: Scope,
    /// Main or sub.
    pub rendition: Rendition,
    /// Counts up per stream.
    pub number: u64,
    /// Random; makes the key unique.
    pub salt: [u8; 16],
    /// Capture time of the first frame.
    pub start: UtcMillis,
    /// Times of segments with one session number are on one line.
    pub session: u32,
    /// Chain at the end of the segment before; zero for the first.
    pub previous: Hash,
    /// Who sealed it.
    pub sealer: KeyId,
}

impl SegmentHeader {
    /// The body's canonical bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::new();
        out.u8(VERSION).u16(AEAD_AES_256_GCM);
        out.fixed(self.scope.site.as_bytes())
            .fixed(self.scope.camera.as_bytes());
        out.u8(self.rendition.code())
            .fixed(self.scope.epoch.as_bytes())
            .u64(self.number);
        out.fixed(&self.salt).time(self.start).u32(self.session);
        out.fixed(self.previous.as_bytes())
            .fixed(self.sealer.as_bytes());
        out.into_vec()
    }

    /// Reads a body. The header is believed only once a frame opened or a manifest named its chain.
    pub fn decode(body: &[u8]) -> Result<Self, WireError> {
        let mut input = Reader::new(body);
        input.exactly("segment version", VERSION)?;
        let aead = input.u16("aead")?;
        if aead != AEAD_AES_256_GCM {
            return Err(WireError::Unknown {
                field: "aead",
                value: aead.into(),
            });
        }
        let site = SiteId::new(input.array("site")?);
        let camera = CameraId::new(input.array("camera")?);
        let rendition = input.rendition("rendition")?;
        let epoch = EpochId::new(input.array("epoch")?);
        let header = Self {
            scope: Scope {
                site,
                camera,
                epoch,
            },
            rendition,
            number: input.u64("segment number")?,
            salt: input.array("salt")?,
            start: input.time("start")?,
            session: input.u32("session")?,
            previous: input.hash("previous")?,
            sealer: KeyId::new(input.array("sealer")?),
        };
        input.finish()?;
        Ok(header)
    }
}

/// What a frame record holds, in clear.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Video, audio, event or thumbnail.
    pub track: Track,
    /// Decoding can start here.
    pub key: bool,
    /// Capture time.
    pub captured: UtcMillis,
    /// Presentation time in ticks of the track, on the session's line.
    pub pts: i64,
    /// Decode time minus presentation time, never above zero.
    pub decode_offset: i32,
    /// The track's configuration, where it starts or changes.
    pub config: Option<&'a [u8]>,
    /// The access unit, event or picture.
    pub data: &'a [u8],
}

impl fmt::Debug for Frame<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Frame({:?}, {} bytes)", self.track, self.data.len())
    }
}

/// Why a frame was not sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// Over the record limit.
    #[error("an access unit has at most {MAX_ACCESS_UNIT} bytes; this has {len}")]
    TooLarge {
        /// Bytes given.
        len: usize,
    },
    /// Over the configuration limit.
    #[error("a track configuration has at most {MAX_CONFIG} bytes; this has {len}")]
    ConfigTooLarge {
        /// Bytes given.
        len: usize,
    },
    /// The frame counter is used up; the segment must be closed.
    #[error("the segment is full")]
    Full,
}

/// Seals one segment. There is no way to get a second one for the same key: the salt is random.
pub struct SegmentSealer {
    key: LessSafeKey,
    id: Hash,
    chain: Hash,
    rendition: Rendition,
    number: u64,
    frames: u32,
    bytes: u64,
}

impl SegmentSealer {
    /// Starts a segment: appends its header record to `out`.
    pub fn begin(secret: &EpochSecret, header: &SegmentHeader, out: &mut Vec<u8>) -> Self {
        let body = header.encode();
        let record = plain_header(Kind::SegmentHeader, header.rendition, body.len(), 0);
        let id = link(&Hash::ZERO, &record.covered(), &body);
        out.extend_from_slice(&record.encode(&id));
        out.extend_from_slice(&body);
        Self {
            key: secret.segment_key(header),
            id,
            chain: id,
            rendition: header.rendition,
            number: header.number,
            frames: 0,
            bytes: record.record_len() as u64,
        }
    }

    /// Appends a frame record to `out`; on an error nothing is appended.
    pub fn frame(&mut self, frame: &Frame<'_>, out: &mut Vec<u8>) -> Result<(), SealError> {
        let config_len = frame.config.map_or(0, |config| 2 + config.len());
        if config_len > 2 + MAX_CONFIG {
            return Err(SealError::ConfigTooLarge {
                len: config_len - 2,
            });
        }
        if frame.data.len() > MAX_ACCESS_UNIT {
            return Err(SealError::TooLarge {
                len: frame.data.len(),
            });
        }
        if self.frames == u32::MAX {
            return Err(SealError::Full);
        }
        let body_len = FRAME_FIXED_LEN + config_len + frame.data.len() + TAG_LEN;
        let header = Header {
            body_len: u32::try_from(body_len).unwrap_or(u32::MAX),
            kind: Kind::Frame,
            flags: Flags {
                key: frame.key,
                config: frame.config.is_some(),
            },
            rendition: self.rendition,
            track: frame.track,
            index: self.frames,
        };
        let start = out.len();
        out.reserve(HEADER_LEN + body_len);
        out.extend_from_slice(&[0; HEADER_LEN]);
        write_clear(frame, out);
        self.seal_tail(&header, start, out);
        self.frames += 1;
        Ok(())
    }

    /// Ends the segment: appends its close record to `out`.
    pub fn close(mut self, end: UtcMillis, out: &mut Vec<u8>) -> SegmentEnd {
        let body_len = CLOSE_CLEAR_LEN + TAG_LEN;
        let header = plain_header(Kind::SegmentClose, self.rendition, body_len, self.frames);
        let mut clear = Writer::new();
        clear.u64(self.number).time(end).u64(self.bytes);
        let mut aad = aad(&self.id, &header.covered()).to_vec();
        aad.extend_from_slice(clear.as_slice());
        let tag = self
            .key
            .seal_in_place_separate_tag(nonce(&header), Aad::from(aad), &mut [])
            .expect("an empty text is within AES-GCM's limit");
        clear.fixed(tag.as_ref());
        self.chain = link(&self.chain, &header.covered(), clear.as_slice());
        out.extend_from_slice(&header.encode(&self.chain));
        out.extend_from_slice(clear.as_slice());
        SegmentEnd {
            number: self.number,
            frames: self.frames,
            chain: self.chain,
        }
    }

    /// Encrypts `out[start + 16..]` in place, appends the tag and fills in the header.
    fn seal_tail(&mut self, header: &Header, start: usize, out: &mut Vec<u8>) {
        let covered = header.covered();
        let clear = out.get_mut(start + HEADER_LEN..).unwrap_or_default();
        if bartizan_domain::sabotage::off("C-2") {
            out.extend_from_slice(&[0; TAG_LEN]);
        } else {
            let aad = Aad::from(aad(&self.id, &covered));
            let tag = self
                .key
                .seal_in_place_separate_tag(nonce(header), aad, clear)
                .expect("a record is within AES-GCM's limit");
            out.extend_from_slice(tag.as_ref());
        }
        let body = out.get(start + HEADER_LEN..).unwrap_or_default();
        self.bytes += (HEADER_LEN + body.len()) as u64;
        self.chain = link(&self.chain, &covered, body);
        if let Some(place) = out.get_mut(start..start + HEADER_LEN) {
            place.copy_from_slice(&header.encode(&self.chain));
        }
    }

    /// Where the chain stands: for a manifest in the middle of a segment.
    pub const fn head(&self) -> SegmentEnd {
        SegmentEnd {
            number: self.number,
            frames: self.frames,
            chain: self.chain,
        }
    }
}

impl fmt::Debug for SegmentSealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "SegmentSealer({} with {} frames)",
            self.number, self.frames
        )
    }
}

/// Where a segment's chain stands or ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentEnd {
    /// Which segment.
    pub number: u64,
    /// Frames so far.
    pub frames: u32,
    /// The chain after its last record.
    pub chain: Hash,
}

/// Why a record did not open. Nothing of its content is released.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The bytes are not a record of the format.
    #[error("not a record of a sealed stream")]
    Malformed(#[from] WireError),
    /// The segment is of another site, camera or epoch than the key.
    #[error("the segment belongs elsewhere")]
    OtherScope,
    /// A frame is missing, repeated or out of order.
    #[error("frame {expected} is next, but frame {found} came")]
    OutOfOrder {
        /// The index that fits.
        expected: u32,
        /// The index given.
        found: u32,
    },
    /// The tag does not fit: changed, spliced, or sealed with another key.
    #[error("the record was changed or is not of this segment")]
    Forged,
    /// The segment is closed; nothing may follow.
    #[error("records follow the segment's end")]
    AfterClose,
    /// This kind of record is not part of a segment.
    #[error("not a segment's record")]
    NotOfSegment,
}

/// Opens one segment's frames in order.
pub struct SegmentOpener {
    key: LessSafeKey,
    header: SegmentHeader,
    id: Hash,
    next: u32,
    /// Bytes of the records so far, which the close names.
    bytes: u64,
    closed: bool,
    clear: Vec<u8>,
}

impl SegmentOpener {
    /// Starts with the segment's header record. `secret` must come from a verified envelope.
    pub fn begin(secret: &EpochSecret, record: &Record<'_>) -> Result<Self, OpenError> {
        if record.header.kind != Kind::SegmentHeader {
            return Err(OpenError::NotOfSegment);
        }
        let header = SegmentHeader::decode(record.body)?;
        if header.scope != secret.scope || header.rendition != record.header.rendition {
            return Err(OpenError::OtherScope);
        }
        let id = link(&Hash::ZERO, &record.header.covered(), record.body);
        let key = secret.segment_key(&header);
        Ok(Self {
            key,
            header,
            id,
            next: 0,
            bytes: record.bytes.len() as u64,
            closed: false,
            clear: Vec::new(),
        })
    }

    /// The segment's header.
    pub const fn header(&self) -> &SegmentHeader {
        &self.header
    }

    /// Opens the next frame. The result borrows a buffer that the next call overwrites.
    pub fn frame(&mut self, record: &Record<'_>) -> Result<Frame<'_>, OpenError> {
        self.expect_place(record, Kind::Frame)?;
        self.clear.clear();
        self.clear.extend_from_slice(record.body);
        let aad = Aad::from(aad(&self.id, &record.header.covered()));
        let opened = if bartizan_domain::sabotage::off("C-2") {
            let len = self.clear.len().saturating_sub(TAG_LEN);
            self.clear.get_mut(..len).unwrap_or_default()
        } else {
            self.key
                .open_in_place(nonce(&record.header), aad, &mut self.clear)
                .map_err(|_opaque| OpenError::Forged)?
        };
        let frame = read_clear(&record.header, opened)?;
        self.next = self.next.saturating_add(1);
        self.bytes = self.bytes.saturating_add(record.bytes.len() as u64);
        Ok(frame)
    }

    /// Checks the segment's close: afterwards it is known that no frame is missing at its end.
    pub fn close(&mut self, record: &Record<'_>) -> Result<SegmentClose, OpenError> {
        self.expect_place(record, Kind::SegmentClose)?;
        let close = SegmentClose::decode(record)?;
        let (clear, tag) = record
            .body
            .split_at_checked(CLOSE_CLEAR_LEN)
            .ok_or(WireError::Short { field: "close" })?;
        let mut aad = aad(&self.id, &record.header.covered()).to_vec();
        aad.extend_from_slice(clear);
        let mut tag = tag.to_vec();
        self.key
            .open_in_place(nonce(&record.header), Aad::from(aad), &mut tag)
            .map_err(|_opaque| OpenError::Forged)?;
        if close.number != self.header.number || close.bytes != self.bytes {
            return Err(OpenError::Forged);
        }
        self.closed = true;
        Ok(close)
    }

    fn expect_place(&self, record: &Record<'_>, kind: Kind) -> Result<(), OpenError> {
        if record.header.kind != kind || record.header.rendition != self.header.rendition {
            return Err(OpenError::NotOfSegment);
        }
        if self.closed {
            return Err(OpenError::AfterClose);
        }
        let (expected, found) = (self.next, record.header.index);
        if expected == found {
            Ok(())
        } else {
            Err(OpenError::OutOfOrder { expected, found })
        }
    }
}

impl fmt::Debug for SegmentOpener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SegmentOpener({} at {})", self.header.number, self.next)
    }
}

/// What a close record says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentClose {
    /// Which segment.
    pub number: u64,
    /// Capture time of the end.
    pub end: UtcMillis,
    /// Bytes of the segment's records before this one.
    pub bytes: u64,
    /// Frames in the segment.
    pub frames: u32,
}

impl SegmentClose {
    /// Reads a close record without checking its tag, which needs the key.
    pub fn decode(record: &Record<'_>) -> Result<Self, WireError> {
        let mut input = Reader::new(record.body);
        let number = input.u64("segment number")?;
        let end = input.time("end")?;
        let bytes = input.u64("bytes")?;
        input.take("tag", TAG_LEN)?;
        input.finish()?;
        Ok(Self {
            number,
            end,
            bytes,
            frames: record.header.index,
        })
    }
}

fn plain_header(kind: Kind, rendition: Rendition, body_len: usize, index: u32) -> Header {
    Header {
        body_len: u32::try_from(body_len).unwrap_or(u32::MAX),
        kind,
        flags: Flags::default(),
        rendition,
        track: Track::Video,
        index,
    }
}

fn write_clear(frame: &Frame<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(&frame.captured.0.to_be_bytes());
    out.extend_from_slice(&frame.pts.to_be_bytes());
    out.extend_from_slice(&frame.decode_offset.min(0).to_be_bytes());
    if let Some(config) = frame.config {
        let len = u16::try_from(config.len()).expect("the limit was checked");
        out.extend_from_slice(&len.to_be_bytes());
        out.extend_from_slice(config);
    }
    out.extend_from_slice(frame.data);
}

fn read_clear<'a>(header: &Header, clear: &'a [u8]) -> Result<Frame<'a>, WireError> {
    let mut input = Reader::new(clear);
    let captured = input.time("captured")?;
    let pts = input.i64("pts")?;
    let decode_offset = input.i32("decode offset")?;
    if decode_offset > 0 {
        return Err(WireError::Unknown {
            field: "decode offset",
            value: u64::MAX,
        });
    }
    let config = if header.flags.config {
        Some(input.vec16("configuration", MAX_CONFIG)?)
    } else {
        None
    };
    let data = input.rest();
    if data.len() > MAX_ACCESS_UNIT {
        return Err(WireError::TooLong {
            field: "data",
            len: data.len(),
            max: MAX_ACCESS_UNIT,
        });
    }
    let (track, key) = (header.track, header.flags.key);
    Ok(Frame {
        track,
        key,
        captured,
        pts,
        decode_offset,
        config,
        data,
    })
}

fn aad(id: &Hash, covered: &[u8; COVERED_LEN]) -> [u8; 32 + COVERED_LEN] {
    let mut out = [0; 32 + COVERED_LEN];
    let (head, tail) = out.split_at_mut(32);
    head.copy_from_slice(id.as_bytes());
    tail.copy_from_slice(covered);
    out
}

/// `kind ‖ 0[7] ‖ index`: unique within a segment, because frames count up and there is one close.
fn nonce(header: &Header) -> Nonce {
    let [a, b, c, d] = header.index.to_be_bytes();
    Nonce::assume_unique_for_key([header.kind as u8, 0, 0, 0, 0, 0, 0, 0, a, b, c, d])
}

#[cfg(test)]
mod tests;
