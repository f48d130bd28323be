//! Sealed records into opened frames, in order.
//!
//! [`StreamReader`] does no I/O: bytes go in as they arrive, [`Step`]s come out. When it meets an epoch
//! whose envelope it has not seen, or an envelope made under a roster that it does not have, it says so
//! and waits. A frame is given out only after the envelope's signature and recipients, the epoch's
//! commitment, the frame's tag, its place in the segment and its place in the chain were checked. It
//! decodes no picture, and it does not decide whether a gap is acceptable: signed gaps are passed on.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use bartizan_domain::limits::MAX_RECORD_BODY;
use bartizan_domain::wire::WireError;
use bartizan_domain::{EpochId, Hash, KeyId, Rendition, StreamId, Track, sabotage};
use bartizan_identity::keystore::Keystore;
use bartizan_identity::roster::History;
use bartizan_sealing::manifest::ManifestError;
use bartizan_sealing::record::HEADER_LEN;
use bartizan_sealing::segment::SegmentClose;
use bartizan_sealing::{
    Envelope, EnvelopeError, EpochSecret, Frame, HeadState, Kind, Manifest, OpenError, Record,
    SegmentEnd, SegmentHeader, SegmentOpener,
};
use bytes::{Bytes, BytesMut};

/// Epochs whose secrets are kept at one time; the oldest goes first.
pub const MAX_EPOCHS: usize = 16;

/// Most bytes that wait for the rest of a record.
pub const MAX_BUFFER: usize = 2 * (MAX_RECORD_BODY + HEADER_LEN);

/// Why a stream is not read further. What came before it stays good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StreamError {
    /// Bytes that are no record.
    #[error("the gateway sent bytes that are no sealed records")]
    Malformed(#[from] WireError),
    /// More than [`MAX_BUFFER`] bytes were given without being taken.
    #[error("more sealed bytes wait than a record can have")]
    Overfull,
    /// A record's bytes were changed on the way or on the disk.
    #[error("a sealed record was changed or torn")]
    Changed,
    /// A record of another site, camera, rendition or sealer.
    #[error("the gateway sent records of another camera or sealer")]
    Elsewhere,
    /// The envelope is refused.
    #[error("the epoch's envelope is refused")]
    Envelope(#[source] EnvelopeError),
    /// The member was not entitled to this epoch.
    #[error("this stretch was recorded before you were entitled to the camera, or after")]
    NotForMe,
    /// The envelope given is not that of the epoch asked for.
    #[error("the gateway gave another epoch's envelope")]
    OtherEpoch,
    /// A record does not open.
    #[error("a sealed record does not open")]
    Open(#[source] OpenError),
    /// Frames, closes or manifests where none belong.
    #[error("sealed records are missing, repeated or out of order")]
    OutOfOrder,
    /// The segment does not follow the one before it.
    #[error("segment {segment} does not follow the one before it")]
    Spliced {
        /// Which.
        segment: u64,
    },
    /// A track begins without its configuration.
    #[error("a track begins without its configuration")]
    NotConfigured,
    /// A manifest is refused.
    #[error("a manifest is refused")]
    Manifest(#[source] ManifestError),
    /// A manifest says something else about the segment than what came.
    #[error("segment {segment} is not what the sealer signed")]
    NotAsSigned {
        /// Which.
        segment: u64,
    },
    /// Manifests go back or do not follow each other.
    #[error("signed manifests go back or are out of order")]
    BrokenManifests,
    /// The gateway shows an older or another state than this device has seen before.
    #[error(
        "the stream goes back behind what this device has already seen (manifest {seen}, now \
         {given}): the recording was rolled back or replaced"
    )]
    RolledBack {
        /// Counter seen earlier.
        seen: u64,
        /// Counter given now.
        given: u64,
    },
}

/// The highest manifest of a stream that was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HighWater {
    /// Its counter.
    pub counter: u64,
    /// When it was signed.
    pub time: bartizan_domain::UtcMillis,
    /// Its record's hash.
    pub hash: Hash,
}

/// What the reader has for its caller.
#[derive(Debug)]
pub enum Step<'a> {
    /// Nothing until more bytes are [pushed](StreamReader::push).
    More,
    /// Nothing until the envelope of this epoch is [given](StreamReader::envelope).
    NeedEnvelope(EpochId),
    /// Nothing until a roster of at least this many statements is [given](StreamReader::roster).
    NeedRoster(u64),
    /// A verified envelope that came in the stream itself.
    Envelope(Bytes),
    /// A segment begins.
    Segment(Begun),
    /// An opened frame.
    Frame(Frame<'a>),
    /// The segment is complete.
    Closed(Closed),
    /// What the sealer signed.
    Manifest(Box<Signed>),
}

/// The start of a segment. Believed once its first frame has opened.
#[derive(Debug, Clone, Copy)]
pub struct Begun {
    /// Its header.
    pub header: SegmentHeader,
    /// Whether the segment before it was left without its close.
    pub cut_short: bool,
}

/// The end of a segment.
#[derive(Debug, Clone, Copy)]
pub struct Closed {
    /// What the sealer wrote.
    pub close: SegmentClose,
    /// Where the chain ended.
    pub end: SegmentEnd,
}

/// A verified manifest.
#[derive(Debug, Clone)]
pub struct Signed {
    /// What it says.
    pub manifest: Manifest,
    /// Its record's hash.
    pub hash: Hash,
    /// Its record's body, signature included.
    pub body: Bytes,
    /// What it says of the current segment, when it speaks of it.
    pub head: Option<(HeadState, SegmentEnd)>,
}

struct Epoch {
    secret: EpochSecret,
    sealer: KeyId,
}

struct Current {
    opener: SegmentOpener,
    chain: Hash,
    frames: u32,
    closed: bool,
    configured: [bool; 4],
}

impl Current {
    const fn end(&self) -> SegmentEnd {
        SegmentEnd {
            number: self.opener.header().number,
            frames: self.frames,
            chain: self.chain,
        }
    }
}

/// Opens the records of one stream for one member.
pub struct StreamReader {
    stream: StreamId,
    history: Arc<History>,
    keys: Arc<Keystore>,
    floor: Option<HighWater>,
    live: bool,
    buffer: BytesMut,
    /// The record that a frame given out was opened from.
    record: Bytes,
    epochs: BTreeMap<EpochId, Epoch>,
    current: Option<Current>,
    high: Option<HighWater>,
    /// An envelope that waits for its roster.
    waiting: Option<Bytes>,
}

impl StreamReader {
    /// For a recording: counters start anywhere and count up.
    pub fn recorded(stream: StreamId, history: Arc<History>, keys: Arc<Keystore>) -> Self {
        Self {
            stream,
            history,
            keys,
            floor: None,
            live: false,
            buffer: BytesMut::new(),
            record: Bytes::new(),
            epochs: BTreeMap::new(),
            current: None,
            high: None,
            waiting: None,
        }
    }

    /// For live: a stream whose counters are below `floor` although its time is later is refused, and
    /// a viewer that is moved on misses the end of a segment.
    pub fn live(
        stream: StreamId,
        history: Arc<History>,
        keys: Arc<Keystore>,
        floor: Option<HighWater>,
    ) -> Self {
        Self {
            floor,
            live: true,
            ..Self::recorded(stream, history, keys)
        }
    }

    /// The highest manifest that came.
    pub const fn high_water(&self) -> Option<HighWater> {
        self.high
    }

    /// Whether the stream has come as far as this device had seen it before.
    pub fn has_caught_up(&self) -> bool {
        match (self.floor, self.high) {
            (None, _) => true,
            (Some(floor), high) => high.is_some_and(|high| high.counter >= floor.counter),
        }
    }

    /// Adds bytes. Call [`next`](Self::next) until it says [`Step::More`] before the next ones.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), StreamError> {
        if self.buffer.len().saturating_add(bytes.len()) > MAX_BUFFER {
            return Err(StreamError::Overfull);
        }
        self.buffer.extend_from_slice(bytes);
        Ok(())
    }

    /// Whether every byte was used: a recording that ends in the middle of a record was cut short.
    pub fn is_drained(&self) -> bool {
        self.buffer.is_empty()
    }

    /// Gives a longer roster.
    pub fn roster(&mut self, history: Arc<History>) {
        self.history = history;
    }

    /// Gives the envelope record that [`Step::NeedEnvelope`] asked for.
    pub fn envelope(&mut self, epoch: EpochId, record: &[u8]) -> Result<(), StreamError> {
        let (parsed, rest) = Record::split(record)?.ok_or(StreamError::Changed)?;
        if parsed.header.kind != Kind::Envelope || !rest.is_empty() {
            return Err(StreamError::OtherEpoch);
        }
        let decoded = Envelope::decode(parsed.body)?;
        if decoded.scope.epoch != epoch {
            return Err(StreamError::OtherEpoch);
        }
        self.waiting = Some(Bytes::copy_from_slice(record));
        Ok(())
    }

    /// The next step.
    #[expect(
        clippy::should_implement_trait,
        reason = "a step borrows the reader, which no iterator can"
    )]
    pub fn next(&mut self) -> Result<Step<'_>, StreamError> {
        if let Some(record) = self.waiting.take()
            && let Some(len) = self.take_envelope(&record)?
        {
            self.waiting = Some(record);
            return Ok(Step::NeedRoster(len));
        }
        let Some((header, len)) = self.peek()? else {
            return Ok(Step::More);
        };
        if header.kind == Kind::SegmentHeader {
            let header = self.peek_segment()?;
            if !self.epochs.contains_key(&header.scope.epoch) {
                return Ok(Step::NeedEnvelope(header.scope.epoch));
            }
        }
        if header.rendition != self.stream.rendition && header.kind != Kind::Envelope {
            return Err(StreamError::Elsewhere);
        }
        self.record = self.buffer.split_to(len).freeze();
        match header.kind {
            Kind::Envelope => self.on_envelope(),
            Kind::SegmentHeader => self.on_segment().map(Step::Segment),
            Kind::Frame => self.on_frame().map(Step::Frame),
            Kind::SegmentClose => self.on_close().map(Step::Closed),
            Kind::Manifest => self.on_manifest().map(Step::Manifest),
        }
    }

    /// Kind and length of the record in front, when it is there as a whole.
    fn peek(&self) -> Result<Option<(bartizan_sealing::record::Header, usize)>, StreamError> {
        let found = Record::split(&self.buffer)?;
        Ok(found.map(|(record, _)| (record.header, record.bytes.len())))
    }

    fn peek_segment(&self) -> Result<SegmentHeader, StreamError> {
        let (record, _) = Record::split(&self.buffer)?.ok_or(StreamError::Changed)?;
        let header = SegmentHeader::decode(record.body)?;
        let mine = header.scope.site == self.history.current().site()
            && header.scope.camera == self.stream.camera
            && header.rendition == self.stream.rendition;
        if mine {
            Ok(header)
        } else {
            Err(StreamError::Elsewhere)
        }
    }

    fn on_envelope(&mut self) -> Result<Step<'_>, StreamError> {
        let record = self.record.clone();
        if let Some(len) = self.take_envelope(&record)? {
            self.waiting = Some(record);
            return Ok(Step::NeedRoster(len));
        }
        Ok(Step::Envelope(record))
    }

    /// Verifies and opens an envelope; gives the roster length that is missing for it.
    fn take_envelope(&mut self, bytes: &Bytes) -> Result<Option<u64>, StreamError> {
        let (record, _) = Record::split(bytes)?.ok_or(StreamError::Changed)?;
        // An epoch is of both renditions: its envelope is written in one way only.
        if record.header.rendition != Rendition::Main {
            return Err(StreamError::Elsewhere);
        }
        record
            .chain_after(&Hash::ZERO)
            .ok_or(StreamError::Changed)?;
        let envelope = Envelope::decode(record.body)?;
        if envelope.scope.camera != self.stream.camera {
            return Err(StreamError::Elsewhere);
        }
        let Some(roster) = self.history.at(envelope.roster_len) else {
            return Ok(Some(envelope.roster_len));
        };
        let envelope = envelope.verify(&roster).map_err(StreamError::Envelope)?;
        let id = envelope.envelope().scope.epoch;
        let readers = self.keys.readers();
        let mine = readers
            .iter()
            .rev()
            .find(|key| {
                let id = key.public().id();
                envelope.envelope().wraps.iter().any(|wrap| wrap.key == id)
            })
            .ok_or(StreamError::NotForMe)?;
        let secret = envelope.open(mine).map_err(StreamError::Envelope)?;
        let sealer = envelope.envelope().sealer;
        self.epochs.insert(id, Epoch { secret, sealer });
        if self.epochs.len() > MAX_EPOCHS {
            // By their times this one may be the oldest: a clock was set back. It is wanted now.
            let oldest = self.epochs.keys().find(|other| **other != id).copied();
            oldest.map(|oldest| self.epochs.remove(&oldest));
        }
        Ok(None)
    }

    fn on_segment(&mut self) -> Result<Begun, StreamError> {
        let (record, _) = Record::split(&self.record)?.ok_or(StreamError::Changed)?;
        let chain = record
            .chain_after(&Hash::ZERO)
            .ok_or(StreamError::Changed)?;
        let header = SegmentHeader::decode(record.body)?;
        let epoch = self
            .epochs
            .get(&header.scope.epoch)
            .ok_or(StreamError::OutOfOrder)?;
        if header.sealer != epoch.sealer {
            return Err(StreamError::Elsewhere);
        }
        let before = self.current.as_ref();
        if let Some(before) = before {
            check_follows(before, &header)?;
        }
        let cut_short = before.is_some_and(|before| !before.closed);
        let opener = SegmentOpener::begin(&epoch.secret, &record).map_err(StreamError::Open)?;
        self.current = Some(Current {
            opener,
            chain,
            frames: 0,
            closed: false,
            configured: [false; 4],
        });
        Ok(Begun { header, cut_short })
    }

    fn on_frame(&mut self) -> Result<Frame<'_>, StreamError> {
        let (record, _) = Record::split(&self.record)?.ok_or(StreamError::Changed)?;
        let current = self.current.as_mut().ok_or(StreamError::OutOfOrder)?;
        if current.closed {
            return Err(StreamError::OutOfOrder);
        }
        let chain = record
            .chain_after(&current.chain)
            .ok_or(StreamError::Changed)?;
        let flags = record.header.flags;
        let track = record.header.track;
        // Without a keyframe the segment continues the one before it (an epoch was rolled at once).
        if current.frames == 0 && track != Track::Video {
            return Err(StreamError::OutOfOrder);
        }
        let configured = current
            .configured
            .get_mut(usize::from(track.code()))
            .ok_or(StreamError::OutOfOrder)?;
        *configured |= flags.config;
        if !*configured {
            return Err(StreamError::NotConfigured);
        }
        let frame = current.opener.frame(&record).map_err(StreamError::Open)?;
        current.chain = chain;
        current.frames = current.frames.saturating_add(1);
        Ok(frame)
    }

    fn on_close(&mut self) -> Result<Closed, StreamError> {
        let (record, _) = Record::split(&self.record)?.ok_or(StreamError::Changed)?;
        let current = self.current.as_mut().ok_or(StreamError::OutOfOrder)?;
        let chain = record
            .chain_after(&current.chain)
            .ok_or(StreamError::Changed)?;
        let close = current.opener.close(&record).map_err(StreamError::Open)?;
        current.chain = chain;
        current.closed = true;
        let end = current.end();
        Ok(Closed { close, end })
    }

    fn on_manifest(&mut self) -> Result<Box<Signed>, StreamError> {
        let (record, _) = Record::split(&self.record)?.ok_or(StreamError::Changed)?;
        let hash = record
            .chain_after(&Hash::ZERO)
            .ok_or(StreamError::Changed)?;
        let manifest =
            Manifest::verify(record.body, self.history.current()).map_err(StreamError::Manifest)?;
        let body = self.record.slice_ref(record.body);
        self.check_origin(&manifest)?;
        self.check_counter(&manifest, hash)?;
        let head = self.check_heads(&manifest)?;
        Ok(Box::new(Signed {
            manifest,
            hash,
            body,
            head,
        }))
    }

    /// Any sealer of the roster can sign; only this camera's speaks for this stream.
    fn check_origin(&self, manifest: &Manifest) -> Result<(), StreamError> {
        let of_epoch = self.epochs.get(&manifest.scope.epoch);
        let current = self.current.as_ref().map(|c| c.opener.header().sealer);
        let sealer = of_epoch.map(|epoch| epoch.sealer).or(current);
        let mine = manifest.scope.camera == self.stream.camera
            && manifest.rendition == self.stream.rendition
            && sealer.is_none_or(|sealer| sealer == manifest.sealer);
        if mine {
            Ok(())
        } else {
            Err(StreamError::Elsewhere)
        }
    }

    fn check_counter(&mut self, manifest: &Manifest, hash: Hash) -> Result<(), StreamError> {
        let given = manifest.counter;
        if let Some(high) = self.high {
            let next = high.counter.checked_add(1) == Some(given);
            let unchained = next && manifest.previous != high.hash;
            if given <= high.counter || unchained && !sabotage::off("N-4") {
                return Err(StreamError::BrokenManifests);
            }
        }
        if let Some(floor) = self.floor {
            let older = given < floor.counter && manifest.time > floor.time;
            let other = given == floor.counter && hash != floor.hash;
            if (older || other) && !sabotage::off("N-4") {
                let seen = floor.counter;
                return Err(StreamError::RolledBack { seen, given });
            }
        }
        self.high = Some(HighWater {
            counter: given,
            time: manifest.time,
            hash,
        });
        Ok(())
    }

    fn check_heads(
        &self,
        manifest: &Manifest,
    ) -> Result<Option<(HeadState, SegmentEnd)>, StreamError> {
        let Some(current) = self.current.as_ref() else {
            return Ok(None);
        };
        let end = current.end();
        let speaks = |head: &&bartizan_sealing::Head| head.segment.number == end.number;
        let Some(head) = manifest.heads.iter().find(speaks) else {
            return Ok(None);
        };
        // A live viewer that was moved on has not got the end of this segment, and the recorder may have lost
        // it: a gap says so, or `verify` does.
        if head.segment.frames > end.frames && (self.live || !current.closed) {
            return Ok(None);
        }
        // The next process of a sealer calls a segment recovered whether it finds a close or not.
        let state_fits = match head.state {
            HeadState::Running => !current.closed,
            HeadState::Closed => current.closed,
            HeadState::Recovered => true,
        };
        if head.segment == end && state_fits {
            return Ok(Some((head.state, head.segment)));
        }
        let segment = end.number;
        Err(StreamError::NotAsSigned { segment })
    }
}

fn check_follows(before: &Current, next: &SegmentHeader) -> Result<(), StreamError> {
    let segment = next.number;
    let Some(distance) = segment.checked_sub(before.opener.header().number) else {
        return Err(StreamError::Spliced { segment });
    };
    let spliced = distance == 1 && before.closed && next.previous != before.chain;
    if distance == 0 || spliced && !sabotage::off("N-4") {
        return Err(StreamError::Spliced { segment });
    }
    Ok(())
}

impl fmt::Debug for StreamReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamReader")
            .field("stream", &self.stream)
            .field("waiting_bytes", &self.buffer.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
