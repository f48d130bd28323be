//! Sealed bytes on their way to one client: live, or from the disk.

use std::collections::VecDeque;

use bartizan_base::{Error, ErrorKind};
use bartizan_domain::StreamId;
use bartizan_http::backend::{DataFeed, LiveFeed};
use bartizan_recordings::{RangeReader, ReadError, Recorder, Running};
use bartizan_sealing::SegmentHeader;
use bartizan_sealing::record::HEADER_LEN;
use bartizan_sealing::segment::SEGMENT_HEADER_LEN;
use bytes::Bytes;
use tokio::task::JoinHandle;

use super::backend::{blocking, read_error};
use super::live::Seat;
use super::state::Gateway;

/// Segments that are looked back for a keyframe.
const MAX_CONTINUED: u64 = 16;

/// Bytes of a segment's header record.
const SEGMENT_START: u64 = (HEADER_LEN + SEGMENT_HEADER_LEN) as u64;

type Reading = JoinHandle<Result<(RangeReader, Option<Bytes>), ReadError>>;

/// Bytes from the disk, read by threads of their own, one piece at a time.
#[derive(Debug)]
struct Pieces {
    reader: Option<RangeReader>,
    /// A read that is under way. It is kept here, so that a caller who stops waiting loses nothing.
    reading: Option<Reading>,
}

impl Pieces {
    const fn new(reader: Option<RangeReader>) -> Self {
        Self {
            reader,
            reading: None,
        }
    }

    /// The next piece; `None` after the last. Cancel-safe.
    async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        if self.reading.is_none() {
            let Some(mut reader) = self.reader.take() else {
                return Ok(None);
            };
            self.reading = Some(tokio::task::spawn_blocking(move || {
                let piece = reader.next_piece()?;
                Ok((reader, piece))
            }));
        }
        let Some(reading) = &mut self.reading else {
            return Ok(None);
        };
        let read = reading.await;
        self.reading = None;
        let abandoned = |error| Error::internal("a disk read was abandoned").caused_by(error);
        let (reader, piece) = read.map_err(abandoned)?.map_err(read_error)?;
        if piece.is_some() {
            self.reader = Some(reader);
        }
        Ok(piece)
    }
}

/// One live viewer.
#[derive(Debug)]
pub(crate) struct Live {
    first: VecDeque<Bytes>,
    backlog: Pieces,
    seat: Seat,
}

impl Live {
    /// Joins `stream`: the envelopes, the pictures since the last keyframe, then what comes.
    pub(crate) async fn join(gateway: &Gateway, stream: StreamId) -> Result<Self, Error> {
        let (seat, envelope, running) = gateway
            .hub
            .join(stream, || gateway.recorder.running_segment(stream));
        let Some(running) = running else {
            let first = envelope.into_iter().collect();
            return Ok(Self {
                first,
                backlog: Pieces::new(None),
                seat,
            });
        };
        let recorder = gateway.recorder.clone();
        let (first, reader) = blocking(move || since_keyframe(&recorder, stream, &running)).await?;
        Ok(Self {
            first,
            backlog: Pieces::new(Some(reader)),
            seat,
        })
    }
}

/// The envelopes and records from the last segment with a keyframe to the end of the running one. A
/// segment has none when it continues the one before it, after an epoch was rolled at once.
fn since_keyframe(
    recorder: &Recorder,
    stream: StreamId,
    running: &Running,
) -> Result<(VecDeque<Bytes>, RangeReader), Error> {
    let (mut offset, mut epochs) = (running.offset, vec![running.epoch]);
    for back in 0..MAX_CONTINUED {
        let Some(number) = running.number.checked_sub(back) else {
            break;
        };
        let Some(row) = recorder.segment(stream, number).map_err(read_error)? else {
            break;
        };
        let header = recorder.read(stream, row.offset, SEGMENT_START);
        let header = header
            .and_then(|mut reader| reader.read_to_end())
            .map_err(read_error)?;
        let epoch = header
            .get(HEADER_LEN..)
            .and_then(|body| SegmentHeader::decode(body).ok())
            .map(|header| header.scope.epoch);
        offset = row.offset;
        epochs.extend(epoch.filter(|epoch| !epochs.contains(epoch)));
        if row.key_len > 0 {
            break;
        }
    }
    let mut first = VecDeque::new();
    for epoch in epochs.into_iter().rev() {
        let record = recorder.envelope(stream.camera, epoch);
        let record = record.map_err(Error::wrap(ErrorKind::Unavailable, "the disk fails"))?;
        first.extend(record.map(Bytes::from));
    }
    let len = running.end.saturating_sub(offset);
    let reader = recorder.read(stream, offset, len).map_err(read_error)?;
    Ok((first, reader))
}

impl LiveFeed for Live {
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(bytes) = self.first.pop_front() {
            return Some(bytes);
        }
        match self.backlog.next().await {
            Ok(Some(piece)) => Some(piece),
            Ok(None) => self.seat.next().await,
            Err(error) => {
                // Without the segment's start the rest is of no use: the viewer comes back.
                tracing::warn!(%error, "the running segment can't be read");
                None
            }
        }
    }
}

/// A stretch of a recording.
#[derive(Debug)]
pub(crate) struct Data(Pieces);

impl Data {
    pub(crate) const fn new(reader: RangeReader) -> Self {
        Self(Pieces::new(Some(reader)))
    }
}

impl DataFeed for Data {
    async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        self.0.next().await
    }
}
