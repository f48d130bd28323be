//! Sealed bytes on their way to one client: live, or from the disk.

use std::collections::VecDeque;

use bartizan_base::Error;
use bartizan_domain::StreamId;
use bartizan_http::backend::{DataFeed, LiveFeed};
use bartizan_recordings::{RangeReader, ReadError};
use bytes::Bytes;
use tokio::task::JoinHandle;

use super::backend::read_error;
use super::live::Seat;
use super::state::Gateway;

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
    /// Joins `stream`: the envelope, the running segment so far, then what comes.
    pub(crate) fn join(gateway: &Gateway, stream: StreamId) -> Self {
        let (seat, envelope, running) = gateway
            .hub
            .join(stream, || gateway.recorder.running_segment(stream));
        let stored = running.map(|running| {
            let record = gateway.recorder.envelope(stream.camera, running.epoch);
            record.ok().flatten().map(Bytes::from)
        });
        let first = stored.flatten().or(envelope).into_iter().collect();
        let backlog = running.and_then(|running| {
            let len = running.end.saturating_sub(running.offset);
            gateway.recorder.read(stream, running.offset, len).ok()
        });
        Self {
            first,
            backlog: Pieces::new(backlog),
            seat,
        }
    }
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
