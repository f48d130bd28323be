//! Live viewers: each gets the running segment from its keyframe, then everything as it comes.
//!
//! A batch of records is copied once, whoever watches. A viewer that reads too slowly loses what waits
//! for it and goes on with the next segment; it slows neither the others nor the recorder.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bartizan_domain::{CameraId, Rendition, StreamId};
use bartizan_sealing::record::{HEADER_LEN, Header, Kind};
use bytes::Bytes;
use tokio::sync::Notify;

/// Bytes that may wait for one viewer: two seconds of 16 Mbit/s. They are shared among viewers.
pub(crate) const MAX_WAITING: usize = 4 * 1_024 * 1_024;

/// What happens when a stream gains its first viewer or loses its last.
pub(crate) type OnWatched = Box<dyn Fn(StreamId, bool) + Send + Sync>;

/// All viewers of the gateway.
pub(crate) struct Hub {
    inner: Mutex<Inner>,
    on_watched: OnWatched,
}

#[derive(Default)]
struct Inner {
    viewers: BTreeMap<StreamId, Vec<Arc<Viewer>>>,
    envelopes: BTreeMap<CameraId, Bytes>,
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hub({} viewers)", self.count())
    }
}

/// One viewer's queue.
#[derive(Debug, Default)]
pub(crate) struct Viewer {
    state: Mutex<Waiting>,
    arrived: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    batches: VecDeque<Bytes>,
    bytes: usize,
    lagging: bool,
    over: bool,
}

impl Viewer {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next batch; `None` when the stream is over for this viewer. Cancel-safe.
    pub(crate) async fn next(&self) -> Option<Bytes> {
        loop {
            let arrived = self.arrived.notified();
            {
                let mut waiting = self.lock();
                if let Some(batch) = waiting.batches.pop_front() {
                    waiting.bytes -= batch.len();
                    return Some(batch);
                }
                if waiting.over {
                    return None;
                }
            }
            arrived.await;
        }
    }

    /// Queues a batch, or for a slow viewer what of it starts a new segment.
    fn push(&self, batch: &Bytes, envelope: Option<&Bytes>) {
        let mut waiting = self.lock();
        if !waiting.lagging && waiting.bytes + batch.len() > MAX_WAITING {
            waiting.lagging = true;
        }
        if waiting.lagging {
            let Some(start) = segment_start(batch) else {
                return;
            };
            waiting.batches.clear();
            waiting.bytes = 0;
            waiting.lagging = false;
            // What waited may have held the envelope of the epoch that goes on.
            if let Some(envelope) = envelope {
                waiting.put(envelope.clone());
            }
            waiting.put(batch.slice(start..));
        } else {
            waiting.put(batch.clone());
        }
        drop(waiting);
        self.arrived.notify_one();
    }

    fn end(&self) {
        self.lock().over = true;
        self.arrived.notify_one();
    }
}

impl Waiting {
    fn put(&mut self, batch: Bytes) {
        self.bytes += batch.len();
        self.batches.push_back(batch);
    }
}

/// Where the last segment that starts with a keyframe begins in `batch`.
fn segment_start(batch: &[u8]) -> Option<usize> {
    let (mut at, mut start, mut candidate) = (0, None, None);
    while let Some(head) = batch.get(at..).and_then(<[u8]>::first_chunk::<HEADER_LEN>) {
        let Ok((header, _)) = Header::decode(head) else {
            break;
        };
        match header.kind {
            Kind::SegmentHeader => candidate = Some(at),
            Kind::Frame if header.index == 0 && header.flags.key => start = candidate,
            _ => {}
        }
        at += header.record_len();
    }
    start
}

/// A place among the viewers of a stream; leaving is dropping it.
#[derive(Debug)]
pub(crate) struct Seat {
    hub: Arc<Hub>,
    stream: StreamId,
    viewer: Arc<Viewer>,
}

impl Seat {
    /// The next batch; `None` when the stream is over for this viewer. Cancel-safe.
    pub(crate) async fn next(&self) -> Option<Bytes> {
        self.viewer.next().await
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.hub.leave(self.stream, &self.viewer);
    }
}

impl Hub {
    /// A hub without viewers.
    pub(crate) fn new(on_watched: OnWatched) -> Self {
        Self {
            inner: Mutex::default(),
            on_watched,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Viewers now.
    pub(crate) fn count(&self) -> usize {
        self.lock().viewers.values().map(Vec::len).sum()
    }

    /// Streams that somebody watches.
    pub(crate) fn watched(&self) -> Vec<StreamId> {
        self.lock().viewers.keys().copied().collect()
    }

    /// Records `record`ed and passed on as one step, so that a joining viewer misses none and gets none
    /// twice.
    pub(crate) fn publish(&self, stream: StreamId, records: &[u8], record: impl FnOnce()) {
        let inner = self.lock();
        record();
        let Some(viewers) = inner.viewers.get(&stream) else {
            return;
        };
        let batch = Bytes::copy_from_slice(records);
        let envelope = inner.envelopes.get(&stream.camera);
        for viewer in viewers {
            viewer.push(&batch, envelope);
        }
    }

    /// A new epoch's envelope record: every viewer of the camera gets it before what it opens.
    pub(crate) fn publish_envelope(&self, camera: CameraId, record: &[u8]) {
        let mut inner = self.lock();
        let envelope = Bytes::copy_from_slice(record);
        inner.envelopes.insert(camera, envelope.clone());
        for rendition in Rendition::ALL {
            let viewers = inner.viewers.get(&StreamId { camera, rendition });
            for viewer in viewers.into_iter().flatten() {
                let mut waiting = viewer.lock();
                waiting.put(envelope.clone());
                drop(waiting);
                viewer.arrived.notify_one();
            }
        }
    }

    /// Joins the viewers of `stream`. `snapshot` is taken at the very moment from which on batches come;
    /// without one (between segments, or while nothing is stored) they come from the next segment on.
    pub(crate) fn join<T>(
        self: &Arc<Self>,
        stream: StreamId,
        snapshot: impl FnOnce() -> Option<T>,
    ) -> (Seat, Option<Bytes>, Option<T>) {
        let viewer = Arc::new(Viewer::default());
        let mut inner = self.lock();
        let taken = snapshot();
        viewer.lock().lagging = taken.is_none();
        let envelope = inner.envelopes.get(&stream.camera).cloned();
        let viewers = inner.viewers.entry(stream).or_default();
        viewers.push(Arc::clone(&viewer));
        let first = viewers.len() == 1;
        drop(inner);
        if first {
            (self.on_watched)(stream, true);
        }
        (
            Seat {
                hub: Arc::clone(self),
                stream,
                viewer,
            },
            envelope,
            taken,
        )
    }

    fn leave(&self, stream: StreamId, viewer: &Arc<Viewer>) {
        let mut inner = self.lock();
        let Some(viewers) = inner.viewers.get_mut(&stream) else {
            return;
        };
        viewers.retain(|other| !Arc::ptr_eq(other, viewer));
        if viewers.is_empty() {
            inner.viewers.remove(&stream);
            drop(inner);
            (self.on_watched)(stream, false);
        }
    }

    /// Ends every viewing of `camera`: it is gone, or its rights changed.
    pub(crate) fn end(&self, camera: CameraId) {
        for rendition in Rendition::ALL {
            self.end_stream(StreamId { camera, rendition });
        }
    }

    /// Ends every viewing of `stream`: the camera goes on without it.
    pub(crate) fn end_stream(&self, stream: StreamId) {
        let inner = self.lock();
        let viewers = inner.viewers.get(&stream);
        viewers
            .into_iter()
            .flatten()
            .for_each(|viewer| viewer.end());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use bartizan_domain::{Hash, Track};
    use bartizan_sealing::record::Flags;

    use super::*;

    const STREAM: StreamId = StreamId {
        camera: CameraId::new([1; 16]),
        rendition: Rendition::Main,
    };

    fn record(kind: Kind, index: u32, key: bool, len: usize) -> Vec<u8> {
        let flags = Flags { key, config: false };
        let body_len = u32::try_from(len).unwrap();
        let rendition = Rendition::Main;
        let header = Header {
            body_len,
            kind,
            flags,
            rendition,
            track: Track::Video,
            index,
        };
        let mut out = header.encode(&Hash::ZERO).to_vec();
        out.resize(out.len() + len, 7);
        out
    }

    fn segment(number: u8) -> Vec<u8> {
        let mut out = record(Kind::SegmentHeader, 0, false, 1);
        *out.last_mut().unwrap() = number;
        out.extend(record(Kind::Frame, 0, true, 1_000));
        out
    }

    fn hub() -> (Arc<Hub>, Arc<AtomicUsize>) {
        let changes = Arc::new(AtomicUsize::new(0));
        let seen = Arc::clone(&changes);
        let on_watched = Box::new(move |_, _| {
            seen.fetch_add(1, Ordering::Relaxed);
        });
        (Arc::new(Hub::new(on_watched)), changes)
    }

    #[tokio::test]
    async fn viewers_get_what_comes_after_their_snapshot() {
        let (hub, changes) = hub();
        hub.publish(STREAM, b"before", || ());
        let (seat, _, snapshot) = hub.join(STREAM, || Some("snapshot"));
        hub.publish(STREAM, b"after", || ());
        assert_eq!(snapshot, Some("snapshot"));
        assert_eq!(seat.next().await.as_deref(), Some(b"after".as_slice()));
        drop(seat);
        assert_eq!((hub.count(), changes.load(Ordering::Relaxed)), (0, 2));
    }

    #[tokio::test]
    async fn a_slow_viewer_goes_on_with_the_newest_keyframe() {
        let (hub, _) = hub();
        hub.publish_envelope(STREAM.camera, b"envelope");
        let (slow, envelope, _) = hub.join(STREAM, || Some(()));
        assert_eq!(envelope.as_deref(), Some(b"envelope".as_slice()));
        let frame = record(Kind::Frame, 1, false, 100_000);
        for _ in 0..60 {
            hub.publish(STREAM, &frame, || ());
        }
        let waiting = slow.viewer.lock().bytes;
        assert!(waiting <= MAX_WAITING, "{waiting}");
        // Frames of the segment whose start it missed are not for it.
        hub.publish(STREAM, &frame, || ());
        let mut batch = frame.clone();
        batch.extend(segment(9));
        hub.publish(STREAM, &batch, || ());
        assert_eq!(slow.next().await.as_deref(), Some(b"envelope".as_slice()));
        assert_eq!(slow.next().await.as_deref(), Some(segment(9).as_slice()));
        assert_eq!(slow.viewer.lock().bytes, 0);
    }

    #[tokio::test]
    async fn a_fast_viewer_does_not_notice_a_slow_one() {
        let (hub, _) = hub();
        let (_slow, ..) = hub.join(STREAM, || Some(()));
        let (fast, ..) = hub.join(STREAM, || Some(()));
        for _ in 0..100 {
            hub.publish(STREAM, &record(Kind::Frame, 1, false, 100_000), || ());
            assert!(fast.next().await.is_some());
        }
    }

    #[tokio::test]
    async fn an_ended_camera_ends_its_viewers() {
        let (hub, _) = hub();
        let (seat, ..) = hub.join(STREAM, || Some(()));
        hub.end(STREAM.camera);
        assert_eq!(seat.next().await, None);
    }

    #[tokio::test]
    async fn an_ended_stream_ends_its_own_viewers_only() {
        let (hub, _) = hub();
        let (main, ..) = hub.join(STREAM, || Some(()));
        let sub = StreamId {
            rendition: Rendition::Sub,
            ..STREAM
        };
        let (small, ..) = hub.join(sub, || Some(()));
        hub.end_stream(sub);
        assert_eq!(small.next().await, None);
        hub.publish(STREAM, b"more", || ());
        assert_eq!(main.next().await.as_deref(), Some(b"more".as_slice()));
    }

    #[test]
    fn a_continued_segment_is_no_place_to_start() {
        let mut batch = record(Kind::SegmentHeader, 0, false, 1);
        batch.extend(record(Kind::Frame, 0, false, 10));
        assert_eq!(segment_start(&batch), None);
        let at = batch.len();
        batch.extend(segment(3));
        assert_eq!(segment_start(&batch), Some(at));
    }
}
