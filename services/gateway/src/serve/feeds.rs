//! Sealed bytes on their way to one client: live, or from the disk.

use std::collections::VecDeque;

use bartizan_base::Error;
use bartizan_domain::StreamId;
use bartizan_http::backend::{DataFeed, LiveFeed};
use bartizan_recordings::{RangeReader, Recorder};
use bytes::Bytes;

use super::backend::{blocking, read_error};
use super::live::Seat;
use super::state::Gateway;

/// One live viewer.
#[derive(Debug)]
pub(crate) struct Live {
    first: VecDeque<Bytes>,
    backlog: Option<RangeReader>,
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
        let read = |recorder: &Recorder| {
            let running = running?;
            let len = running.end.saturating_sub(running.offset);
            recorder.read(stream, running.offset, len).ok()
        };
        let backlog = read(&gateway.recorder);
        Self {
            first,
            backlog,
            seat,
        }
    }

    /// The next piece of the running segment; `None` when all was read.
    async fn next_of_backlog(&mut self) -> Option<Bytes> {
        // The reader is away while a thread reads; a call that is dropped then ends the backlog, and
        // with it this viewer, who was about to leave anyway.
        let mut reader = self.backlog.take()?;
        let read = blocking(move || {
            let piece = reader.next_piece().map_err(read_error)?;
            Ok((reader, piece))
        });
        match read.await {
            Ok((reader, Some(piece))) => {
                self.backlog = Some(reader);
                Some(piece)
            }
            Ok((_, None)) => None,
            Err(error) => {
                tracing::warn!(%error, "the running segment can't be read; waiting for the next");
                None
            }
        }
    }
}

impl LiveFeed for Live {
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(bytes) = self.first.pop_front() {
            return Some(bytes);
        }
        if let Some(piece) = self.next_of_backlog().await {
            return Some(piece);
        }
        self.seat.next().await
    }
}

/// A stretch of a recording.
#[derive(Debug)]
pub(crate) struct Data {
    reader: Option<RangeReader>,
}

impl Data {
    pub(crate) const fn new(reader: RangeReader) -> Self {
        Self {
            reader: Some(reader),
        }
    }
}

impl DataFeed for Data {
    async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        let Some(mut reader) = self.reader.take() else {
            return Ok(None);
        };
        let read = blocking(move || {
            let piece = reader.next_piece().map_err(read_error)?;
            Ok((reader, piece))
        });
        let (reader, piece) = read.await?;
        if piece.is_some() {
            self.reader = Some(reader);
        }
        Ok(piece)
    }
}
