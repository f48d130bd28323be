//! What the records of a stream mean to the recorder: where segments begin and end, and where their
//! first keyframe is. The same code watches records as they arrive and as they are read back, so that
//! an index made anew equals the one that was lost.
//!
//! Nothing here is opened or believed: signatures and tags are the readers' business.

use bartizan_domain::wire::WireError;
use bartizan_domain::{EpochId, Millis, StreamId, Track, UtcMillis};
use bartizan_sealing::record::{HEADER_LEN, Kind, Record};
use bartizan_sealing::segment::SegmentClose;
use bartizan_sealing::{HeadState, Manifest, SegmentHeader};

/// How a segment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SegmentState {
    /// It has its close record.
    Closed,
    /// It ends without one.
    Cut,
    /// It is still being written.
    Running,
}

/// One segment of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentRow {
    /// As in its header.
    pub number: u64,
    /// Capture time of its first frame, as in its header.
    pub start: UtcMillis,
    /// Up to the end that its close gives; without one, up to the last manifest that saw it running.
    pub duration: Millis,
    /// Logical offset of its header record in the stream.
    pub offset: u64,
    /// Bytes from there to the next segment: its records and the manifests in and after it.
    pub len: u64,
    /// Bytes from `offset` up to and including its first keyframe record; 0 when it has none.
    pub key_len: u32,
    /// Whether it is whole.
    pub state: SegmentState,
}

impl SegmentRow {
    /// When it ends, exclusive.
    pub const fn end(&self) -> UtcMillis {
        self.start.saturating_add(self.duration)
    }

    /// Logical offset behind its last byte.
    pub const fn end_offset(&self) -> u64 {
        self.offset.saturating_add(self.len)
    }
}

/// Why a record is not one that may come next in a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Misplaced {
    /// Its header or body is not in the canonical form.
    #[error("not a record of a sealed stream")]
    Malformed(#[from] WireError),
    /// It belongs to another camera or rendition.
    #[error("the record belongs to another stream")]
    OtherStream,
    /// An envelope, which goes to `put_envelope`; or a frame or close without its segment.
    #[error("a record of kind {kind:?} has no place here")]
    Kind {
        /// What it is.
        kind: Kind,
    },
    /// A frame or close whose index does not follow.
    #[error("record index {found} where {expected} follows")]
    Index {
        /// What follows.
        expected: u32,
        /// What came.
        found: u32,
    },
    /// A segment number that does not go up.
    #[error("segment number {found} after {last}")]
    Number {
        /// The last one.
        last: u64,
        /// What came.
        found: u64,
    },
}

/// The segment whose records are passing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Open {
    pub(crate) number: u64,
    pub(crate) epoch: EpochId,
    pub(crate) start: UtcMillis,
    pub(crate) offset: u64,
    pub(crate) frames: u32,
    pub(crate) key_len: u32,
    /// The end that its close gave.
    pub(crate) closed: Option<UtcMillis>,
    /// Time of the last manifest that saw it running.
    pub(crate) signed: UtcMillis,
}

impl Open {
    pub(crate) fn row(&self, end_offset: u64, state: SegmentState) -> SegmentRow {
        let end = self.closed.unwrap_or(self.signed);
        SegmentRow {
            number: self.number,
            start: self.start,
            duration: end.since(self.start),
            offset: self.offset,
            len: end_offset.saturating_sub(self.offset),
            key_len: self.key_len,
            state,
        }
    }

    /// The row when nothing more is added.
    pub(crate) fn ended_row(&self, end_offset: u64) -> SegmentRow {
        let state = if self.closed.is_some() {
            SegmentState::Closed
        } else {
            SegmentState::Cut
        };
        self.row(end_offset, state)
    }
}

/// Follows the records of one stream.
#[derive(Debug, Clone)]
pub(crate) struct Tracker {
    stream: StreamId,
    pub(crate) open: Option<Open>,
    /// The highest segment number seen.
    pub(crate) last_number: Option<u64>,
    /// Where the last manifest lies: logical offset and length.
    pub(crate) manifest: Option<(u64, u32)>,
}

impl Tracker {
    pub(crate) const fn new(stream: StreamId) -> Self {
        Self {
            stream,
            open: None,
            last_number: None,
            manifest: None,
        }
    }

    pub(crate) const fn stream(&self) -> StreamId {
        self.stream
    }

    /// Takes the record at logical `offset`; gives the row of the segment that it ends, if it does.
    /// A refused record changes nothing.
    pub(crate) fn observe(
        &mut self,
        record: &Record<'_>,
        offset: u64,
    ) -> Result<Option<SegmentRow>, Misplaced> {
        if record.header.rendition != self.stream.rendition {
            return Err(Misplaced::OtherStream);
        }
        match record.header.kind {
            Kind::SegmentHeader => self.begin(record, offset),
            Kind::Frame => self.frame(record, offset).map(|()| None),
            Kind::SegmentClose => self.close(record).map(|()| None),
            Kind::Manifest => self.manifest(record, offset).map(|()| None),
            kind @ Kind::Envelope => Err(Misplaced::Kind { kind }),
        }
    }

    /// Ends the open segment where its bytes end.
    pub(crate) fn cut(&mut self, end_offset: u64) -> Option<SegmentRow> {
        self.open.take().map(|open| open.ended_row(end_offset))
    }

    fn begin(&mut self, record: &Record<'_>, offset: u64) -> Result<Option<SegmentRow>, Misplaced> {
        let header = SegmentHeader::decode(record.body)?;
        if header.scope.camera != self.stream.camera || header.rendition != self.stream.rendition {
            return Err(Misplaced::OtherStream);
        }
        if let Some(last) = self.last_number.filter(|last| header.number <= *last) {
            return Err(Misplaced::Number {
                last,
                found: header.number,
            });
        }
        let ended = self.cut(offset);
        self.last_number = Some(header.number);
        self.open = Some(Open {
            number: header.number,
            epoch: header.scope.epoch,
            start: header.start,
            offset,
            frames: 0,
            key_len: 0,
            closed: None,
            signed: header.start,
        });
        Ok(ended)
    }

    /// The running segment, when `record` is the one that follows in it.
    fn follows(&mut self, record: &Record<'_>) -> Result<&mut Open, Misplaced> {
        let kind = record.header.kind;
        let running = self.open.as_mut().filter(|open| open.closed.is_none());
        let open = running.ok_or(Misplaced::Kind { kind })?;
        let (expected, found) = (open.frames, record.header.index);
        if expected == found {
            Ok(open)
        } else {
            Err(Misplaced::Index { expected, found })
        }
    }

    fn frame(&mut self, record: &Record<'_>, offset: u64) -> Result<(), Misplaced> {
        let open = self.follows(record)?;
        open.frames = open.frames.saturating_add(1);
        let is_key = record.header.flags.key && record.header.track == Track::Video;
        if is_key && open.key_len == 0 {
            let end = offset.saturating_add(record_len(record));
            open.key_len = u32::try_from(end.saturating_sub(open.offset)).unwrap_or(u32::MAX);
        }
        Ok(())
    }

    fn close(&mut self, record: &Record<'_>) -> Result<(), Misplaced> {
        let close = SegmentClose::decode(record)?;
        let open = self.follows(record)?;
        if close.number != open.number {
            return Err(Misplaced::OtherStream);
        }
        open.closed = Some(close.end);
        Ok(())
    }

    fn manifest(&mut self, record: &Record<'_>, offset: u64) -> Result<(), Misplaced> {
        let manifest = Manifest::decode(record.body)?;
        if manifest.scope.camera != self.stream.camera
            || manifest.rendition != self.stream.rendition
        {
            return Err(Misplaced::OtherStream);
        }
        let len = u32::try_from(record.bytes.len()).unwrap_or(u32::MAX);
        self.manifest = Some((offset, len));
        if let Some(open) = self
            .open
            .as_mut()
            .filter(|open| runs(&manifest, open.number))
        {
            open.signed = open.signed.max(manifest.time);
        }
        Ok(())
    }
}

/// Whether the manifest says that segment `number` was running when it was signed.
fn runs(manifest: &Manifest, number: u64) -> bool {
    let mut heads = manifest.heads.iter();
    heads.any(|head| head.segment.number == number && head.state == HeadState::Running)
}

pub(crate) fn record_len(record: &Record<'_>) -> u64 {
    u64::from(record.header.body_len).saturating_add(HEADER_LEN as u64)
}
