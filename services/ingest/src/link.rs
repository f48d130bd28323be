//! The socket to the gateway: sealed records out, orders in.
//!
//! Sealers write straight into this queue, so an access unit is copied once, encrypted where it lies and
//! handed to the kernel from there. The queue is bounded: when the gateway does not read, sealing stops
//! and says so.

use std::collections::VecDeque;
use std::io::{self, IoSlice, Read, Write};

use bartizan_domain::{CameraId, EpochId, StreamId};
use bartizan_protocol::ipc::{
    FromIngest, Message, RECORDS_PREFIX, ToIngest, envelope_message, json_message, records_prefix,
};
use bartizan_sealing::camera::Sink;
use mio::net::UnixStream;

/// A message of records is closed at this size and the next one begun.
const BATCH: usize = 128 * 1_024;

/// Bytes that may wait for the gateway: with 50 cameras of 4 Mbit/s about two and a half seconds.
pub(crate) const MAX_QUEUED: usize = 64 * 1_024 * 1_024;

/// Bytes that wait before they are handed over within a tick.
const RELIEVE_AT: usize = 256 * 1_024;

/// Buffers handed to the kernel at once.
const MAX_SLICES: usize = 64;

/// Bytes of one order from the gateway: the roster of a large site fits.
const MAX_INCOMING: usize = 16 * 1_024 * 1_024;

/// The connection is over, or the gateway does not speak our protocol.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LinkError {
    /// The gateway closed it.
    #[error("the gateway closed the connection")]
    Closed,
    /// The socket failed.
    #[error("the socket to the gateway failed")]
    Socket(#[source] io::Error),
    /// Bytes that are no message.
    #[error("the gateway sent something that is no message")]
    Malformed,
}

/// The socket to the gateway.
#[derive(Debug)]
pub(crate) struct Link {
    socket: UnixStream,
    incoming: Vec<u8>,
    queue: VecDeque<Vec<u8>>,
    queued: usize,
    /// Bytes of the front buffer that are written already.
    written: usize,
    open: Option<StreamId>,
    batch: Vec<u8>,
}

impl Link {
    /// Speaks over a connected, non-blocking socket.
    pub(crate) fn new(socket: UnixStream) -> Self {
        let (queue, open) = (VecDeque::new(), None);
        Self {
            socket,
            incoming: Vec::new(),
            queue,
            queued: 0,
            written: 0,
            open,
            batch: Vec::new(),
        }
    }

    /// For registering with a poll.
    pub(crate) const fn socket(&mut self) -> &mut UnixStream {
        &mut self.socket
    }

    /// Queues a document.
    pub(crate) fn send(&mut self, document: &FromIngest) {
        self.close_batch();
        self.push(json_message(document));
    }

    /// Whether the gateway has fallen behind so far that sealing must stop.
    pub(crate) const fn is_full(&self) -> bool {
        self.queued >= MAX_QUEUED
    }

    /// Whether something waits to be written.
    pub(crate) const fn has_output(&self) -> bool {
        self.queued > 0
    }

    /// Hands what is queued to the kernel, as far as it takes it.
    pub(crate) fn flush(&mut self) -> Result<(), LinkError> {
        self.close_batch();
        while !self.queue.is_empty() {
            let mut skip = self.written;
            let slices: Vec<IoSlice<'_>> = self
                .queue
                .iter()
                .take(MAX_SLICES)
                .map(|buffer| {
                    let rest = buffer.get(std::mem::take(&mut skip)..).unwrap_or_default();
                    IoSlice::new(rest)
                })
                .collect();
            match self.socket.write_vectored(&slices) {
                Ok(0) => return Err(LinkError::Closed),
                Ok(count) => self.drop_written(count),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(LinkError::Socket(error)),
            }
        }
        Ok(())
    }

    /// Flushes when much waits, so that the gateway reads while the next camera is sealed. A socket that
    /// fails does so again at the next [`flush`](Self::flush), which tells.
    pub(crate) fn relieve(&mut self) {
        if self.queued >= RELIEVE_AT
            && let Err(error) = self.flush()
        {
            tracing::debug!(%error, "the link can't be flushed");
        }
    }

    fn drop_written(&mut self, mut count: usize) {
        self.queued = self.queued.saturating_sub(count);
        while let Some(front) = self.queue.front() {
            let rest = front.len() - self.written;
            if count < rest {
                self.written += count;
                return;
            }
            count -= rest;
            self.written = 0;
            if let Some(buffer) = self.queue.pop_front() {
                self.reuse(buffer);
            }
        }
    }

    /// Keeps one emptied buffer for the next batch.
    fn reuse(&mut self, mut buffer: Vec<u8>) {
        let fits = buffer.capacity() <= 4 * BATCH && buffer.capacity() > self.batch.capacity();
        if self.open.is_none() && fits {
            buffer.clear();
            self.batch = buffer;
        }
    }

    /// Reads what the gateway sent and gives each order to `act`.
    pub(crate) fn receive(&mut self, mut act: impl FnMut(ToIngest)) -> Result<(), LinkError> {
        let mut chunk = [0; 16 * 1_024];
        let closed = loop {
            match self.socket.read(&mut chunk) {
                Ok(0) => break true,
                Ok(count) => {
                    self.incoming
                        .extend_from_slice(chunk.get(..count).unwrap_or_default());
                    if self.incoming.len() > MAX_INCOMING {
                        return Err(LinkError::Malformed);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break false,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(LinkError::Socket(error)),
            }
        };
        let mut rest = self.incoming.as_slice();
        loop {
            match Message::split(rest) {
                Ok(Some((Message::Json(json), tail))) => {
                    let order = serde_json::from_slice(json);
                    act(order.map_err(|_opaque| LinkError::Malformed)?);
                    rest = tail;
                }
                Ok(None) => break,
                Ok(Some(_)) | Err(_) => return Err(LinkError::Malformed),
            }
        }
        let left = rest.len();
        self.incoming.drain(..self.incoming.len() - left);
        if closed {
            Err(LinkError::Closed)
        } else {
            Ok(())
        }
    }

    fn push(&mut self, message: Vec<u8>) {
        self.queued += message.len();
        self.queue.push_back(message);
    }

    /// Ends the running records message: fills in its length and queues it.
    fn close_batch(&mut self) {
        let Some(stream) = self.open.take() else {
            return;
        };
        let len = self.batch.len().saturating_sub(RECORDS_PREFIX);
        let mut batch = std::mem::take(&mut self.batch);
        if len == 0 {
            batch.clear();
            self.batch = batch;
            return;
        }
        if let Some(prefix) = batch.first_chunk_mut::<RECORDS_PREFIX>() {
            *prefix = records_prefix(stream, len);
        }
        self.push(batch);
    }
}

impl Sink for Link {
    fn records(&mut self, stream: StreamId) -> &mut Vec<u8> {
        if self.open != Some(stream) || self.batch.len() >= BATCH {
            self.close_batch();
            self.open = Some(stream);
            self.batch.extend_from_slice(&records_prefix(stream, 0));
        }
        &mut self.batch
    }

    fn envelope(&mut self, camera: CameraId, epoch: EpochId, record: Vec<u8>) {
        self.close_batch();
        self.push(envelope_message(camera, epoch, &record));
    }
}

#[cfg(test)]
mod tests {
    use bartizan_domain::Rendition;

    use super::*;

    fn stream(n: u8) -> StreamId {
        StreamId {
            camera: CameraId::new([n; 16]),
            rendition: Rendition::Main,
        }
    }

    #[test]
    fn records_envelopes_and_documents_arrive_in_order() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let mut link = Link::new(ours);
        link.records(stream(1)).extend_from_slice(b"one");
        link.records(stream(1)).extend_from_slice(b"two");
        link.records(stream(2));
        link.envelope(
            CameraId::new([2; 16]),
            EpochId::new([3; 16]),
            b"env".to_vec(),
        );
        link.records(stream(2)).extend_from_slice(b"three");
        link.flush().unwrap();
        assert!(!link.has_output());
        let mut bytes = vec![0; 4_096];
        let count = theirs.read(&mut bytes).unwrap();
        let mut rest = &bytes[..count];
        let mut seen = Vec::new();
        while let Some((message, tail)) = Message::split(rest).unwrap() {
            seen.push(match message {
                Message::Records { bytes, .. }
                | Message::Envelope { bytes, .. }
                | Message::Json(bytes) => bytes,
            });
            rest = tail;
        }
        assert_eq!(seen, [b"onetwo".as_slice(), b"env", b"three"]);
    }

    #[test]
    fn a_gateway_that_does_not_read_fills_the_queue_and_nothing_else() {
        let (ours, _theirs) = UnixStream::pair().unwrap();
        let mut link = Link::new(ours);
        while !link.is_full() {
            link.records(stream(1)).extend_from_slice(&vec![7; 100_000]);
            link.flush().unwrap();
        }
        assert!(link.queued < MAX_QUEUED + 2 * BATCH + 100_000);
    }

    #[test]
    fn orders_may_come_in_pieces() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let mut link = Link::new(ours);
        let order = ToIngest::Watched {
            stream: stream(1),
            watched: true,
        };
        let bytes = json_message(&order);
        let mut seen = Vec::new();
        for byte in bytes {
            theirs.write_all(&[byte]).unwrap();
            link.receive(|order| seen.push(order)).unwrap();
        }
        assert_eq!(seen, [order]);
        drop(theirs);
        assert!(matches!(link.receive(|_| ()), Err(LinkError::Closed)));
    }
}
