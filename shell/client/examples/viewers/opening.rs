//! Opens the sealed bytes of one live connection.

use std::sync::Arc;

use bartizan_client::Session;
use bartizan_client::live::Place;
use bartizan_client::stream::{Step, StreamReader};
use bartizan_domain::StreamId;
use bytes::Bytes;

use crate::stamp::{self, Stamp};
use crate::{Failure, walk};

/// Bytes that are given to the reader at a time: less than it holds.
const PIECE: usize = 1_024 * 1_024;

/// A picture that was opened.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Opened {
    /// Where it stands in the stream.
    pub(crate) place: Place,
    /// What its camera wrote into it.
    pub(crate) stamp: Stamp,
    /// When, in microseconds since 1970.
    pub(crate) at_us: u64,
}

/// The reader of one connection.
pub(crate) struct Opening {
    session: Arc<Session>,
    stream: StreamId,
    reader: StreamReader,
    place: Place,
}

impl Opening {
    pub(crate) async fn new(session: &Arc<Session>, stream: StreamId) -> Result<Self, Failure> {
        let (history, keys) = (session.history().await?, session.keys());
        Ok(Self {
            session: Arc::clone(session),
            stream,
            reader: StreamReader::live(stream, history, keys, None),
            place: walk::START,
        })
    }

    /// Opens what `bytes` complete.
    pub(crate) async fn take(
        &mut self,
        mut bytes: Bytes,
        opened: &mut Vec<Opened>,
    ) -> Result<(), Failure> {
        while !bytes.is_empty() {
            let piece = bytes.split_to(bytes.len().min(PIECE));
            self.reader.push(&piece)?;
            while let Some(epoch) = self.open_all(opened)? {
                let record = self.session.envelope(self.stream, epoch).await?;
                self.reader.envelope(epoch, &record)?;
            }
        }
        Ok(())
    }

    /// Opens until more bytes are needed, or the envelope of the epoch that is given back.
    fn open_all(
        &mut self,
        opened: &mut Vec<Opened>,
    ) -> Result<Option<bartizan_domain::EpochId>, Failure> {
        loop {
            let step = self.reader.next()?;
            let stamp = stamp::of(&step)?;
            match step {
                Step::More => return Ok(None),
                Step::NeedEnvelope(epoch) => return Ok(Some(epoch)),
                Step::NeedRoster(_) => return Err("the roster changes under a measurement".into()),
                Step::Segment(begun) => {
                    let segment = begun.header.number;
                    self.place = Place { segment, index: 0 };
                }
                Step::Frame(_) => {
                    let (place, at_us) = (self.place, stamp::now_us());
                    opened.extend(stamp.map(|stamp| Opened {
                        place,
                        stamp,
                        at_us,
                    }));
                    self.place.index = self.place.index.saturating_add(1);
                }
                Step::Envelope(_) | Step::Closed(_) | Step::Manifest(_) => {}
            }
        }
    }
}
