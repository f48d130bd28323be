//! The socket to the ingest: sealed records in, orders out.
//!
//! One thread reads and hands every batch to the recorder and the viewers; it decodes nothing that is
//! sealed, because it holds no key. Another writes, so that an ingest that does not read delays nobody.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;

use bartizan_domain::{CameraId, EpochId, StreamId};
use bartizan_protocol::ipc::{FromIngest, Message, ToIngest, json_message};
use tokio::sync::mpsc;

/// Orders that may wait for the ingest.
const MAX_ORDERS: usize = 4_096;

/// Bytes read at once.
const CHUNK: usize = 256 * 1_024;

/// Where records and envelopes go, from the reading thread.
pub(crate) trait Receive: Send + Sync + 'static {
    /// Whole records of a stream, in order.
    fn records(&self, stream: StreamId, records: &[u8]);

    /// An envelope record, before anything that it opens.
    fn envelope(&self, camera: CameraId, epoch: EpochId, record: &[u8]);
}

/// What comes from an ingest besides records.
#[derive(Debug)]
pub(crate) enum Notice {
    /// It said something.
    Said(FromIngest),
    /// It is gone.
    Gone,
}

/// The sending side of a link.
#[derive(Debug, Clone)]
pub(crate) struct Orders {
    queue: SyncSender<Vec<u8>>,
    socket: Arc<UnixStream>,
}

impl Orders {
    /// Queues an order. An ingest that lets thousands wait is hung: its link is closed, so that the
    /// supervisor's next one starts afresh.
    pub(crate) fn send(&self, order: &ToIngest) {
        match self.queue.try_send(json_message(order)) {
            Ok(()) | Err(TrySendError::Disconnected(_)) => {}
            Err(TrySendError::Full(_)) => {
                tracing::warn!("the ingest does not read its orders");
                close(&self.socket);
            }
        }
    }
}

/// Starts both threads on a fresh socket. Notices carry `number`, so that those of an earlier ingest are
/// told apart.
pub(crate) fn start(
    socket: UnixStream,
    number: u64,
    receive: Arc<impl Receive>,
    notices: mpsc::Sender<(u64, Notice)>,
) -> io::Result<Orders> {
    let (queue, waiting) = sync_channel(MAX_ORDERS);
    let socket = Arc::new(socket);
    let (reading, writing) = (Arc::clone(&socket), Arc::clone(&socket));
    thread::Builder::new()
        .name("ingest-write".to_owned())
        .spawn(move || {
            write_orders(&writing, &waiting);
        })?;
    thread::Builder::new()
        .name("ingest-read".to_owned())
        .spawn(move || {
            let tell = |notice| notices.blocking_send((number, notice)).is_ok();
            if let Err(error) = read_messages(&reading, receive.as_ref(), &tell) {
                tracing::debug!(%error, "the link to the ingest ended");
            }
            close(&reading);
            tell(Notice::Gone);
        })?;
    Ok(Orders { queue, socket })
}

fn close(socket: &UnixStream) {
    // Closed already is what is wanted.
    if let Err(error) = socket.shutdown(Shutdown::Both) {
        tracing::trace!(%error, "link closed before");
    }
}

fn write_orders(socket: &UnixStream, waiting: &Receiver<Vec<u8>>) {
    let mut socket = socket;
    while let Ok(order) = waiting.recv() {
        if socket.write_all(&order).is_err() {
            break;
        }
    }
}

fn read_messages(
    socket: &UnixStream,
    receive: &impl Receive,
    tell: &impl Fn(Notice) -> bool,
) -> io::Result<()> {
    let mut socket = socket;
    let mut buffer = vec![0; CHUNK];
    let mut filled = 0;
    loop {
        if filled == buffer.len() {
            // A message longer than the buffer: grow towards the protocol's limit, which `split` holds.
            buffer.resize(buffer.len() * 2, 0);
        }
        let count = match socket.read(buffer.get_mut(filled..).unwrap_or_default()) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        filled += count;
        let used = dispatch(buffer.get(..filled).unwrap_or_default(), receive, tell)?;
        buffer.copy_within(used..filled, 0);
        filled -= used;
        if filled == 0 && buffer.len() > 4 * CHUNK {
            buffer = vec![0; CHUNK];
        }
    }
}

/// Handles all whole messages at the front of `bytes`; gives their length.
fn dispatch(
    bytes: &[u8],
    receive: &impl Receive,
    tell: &impl Fn(Notice) -> bool,
) -> io::Result<usize> {
    let mut rest = bytes;
    let invalid = || io::Error::from(io::ErrorKind::InvalidData);
    while let Some((message, tail)) = Message::split(rest).map_err(|_opaque| invalid())? {
        match message {
            Message::Records { stream, bytes } => receive.records(stream, bytes),
            Message::Envelope {
                camera,
                epoch,
                bytes,
            } => receive.envelope(camera, epoch, bytes),
            Message::Json(json) => {
                let said = serde_json::from_slice(json)?;
                if !tell(Notice::Said(said)) {
                    return Err(io::ErrorKind::BrokenPipe.into());
                }
            }
        }
        rest = tail;
    }
    Ok(bytes.len() - rest.len())
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use bartizan_domain::Rendition;
    use bartizan_protocol::ipc::{envelope_message, records_prefix};

    use super::*;

    #[derive(Default)]
    struct Collected(Mutex<Vec<Vec<u8>>>);

    impl Receive for Collected {
        fn records(&self, _: StreamId, records: &[u8]) {
            self.0.lock().unwrap().push(records.to_vec());
        }

        fn envelope(&self, _: CameraId, _: EpochId, record: &[u8]) {
            self.0.lock().unwrap().push(record.to_vec());
        }
    }

    #[tokio::test]
    async fn records_arrive_whole_and_in_order_however_they_are_cut() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let collected = Arc::new(Collected::default());
        let (notices, mut inbox) = mpsc::channel(8);
        let orders = start(ours, 1, Arc::clone(&collected), notices).unwrap();
        let stream = StreamId {
            camera: CameraId::new([7; 16]),
            rendition: Rendition::Main,
        };
        let big = vec![9; 3 * CHUNK];
        let mut bytes = records_prefix(stream, big.len()).to_vec();
        bytes.extend_from_slice(&big);
        bytes.extend(envelope_message(
            stream.camera,
            EpochId::new([1; 16]),
            b"envelope",
        ));
        bytes.extend(json_message(&FromIngest::RosterRefused {
            reason: "no".to_owned(),
        }));
        let writer = thread::spawn(move || {
            for piece in bytes.chunks(10_007) {
                theirs.write_all(piece).unwrap();
            }
            theirs
        });
        let (number, notice) = inbox.recv().await.unwrap();
        assert!(number == 1 && matches!(notice, Notice::Said(FromIngest::RosterRefused { .. })));
        assert_eq!(*collected.0.lock().unwrap(), [big, b"envelope".to_vec()]);
        orders.send(&ToIngest::Watched {
            stream,
            watched: true,
        });
        let mut theirs = writer.join().unwrap();
        let mut seen = [0; 64];
        assert!(theirs.read(&mut seen).unwrap() > 5);
        drop(theirs);
        assert!(matches!(inbox.recv().await, Some((1, Notice::Gone))));
    }

    #[tokio::test]
    async fn an_ingest_that_speaks_nonsense_is_cut_off() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let (notices, mut inbox) = mpsc::channel(8);
        let _orders = start(ours, 1, Arc::new(Collected::default()), notices).unwrap();
        theirs.write_all(&[0xff; 64]).unwrap();
        assert!(matches!(inbox.recv().await, Some((1, Notice::Gone))));
        assert_eq!(theirs.read(&mut [0; 8]).unwrap(), 0);
    }
}
