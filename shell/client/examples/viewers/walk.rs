//! Finds pictures among sealed records without opening them.

use bartizan_client::live::Place;
use bartizan_domain::Track;
use bartizan_sealing::{Kind, Record, SegmentHeader};
use bytes::{Buf, BytesMut};

use crate::Failure;

/// Before the first segment.
pub(crate) const START: Place = Place {
    segment: 0,
    index: 0,
};

/// One connection's place in its stream.
#[derive(Debug)]
pub(crate) struct Walk {
    buffer: BytesMut,
    segment: u64,
}

impl Walk {
    pub(crate) fn new() -> Self {
        Self {
            buffer: BytesMut::new(),
            segment: START.segment,
        }
    }

    /// Tells `picture` the place of each picture that `bytes` complete, and whether decoding can start there.
    pub(crate) fn take(
        &mut self,
        bytes: &[u8],
        mut picture: impl FnMut(Place, bool),
    ) -> Result<(), Failure> {
        self.buffer.extend_from_slice(bytes);
        while let Some((record, _)) = Record::split(&self.buffer)? {
            let header = record.header;
            match header.kind {
                Kind::SegmentHeader => self.segment = SegmentHeader::decode(record.body)?.number,
                Kind::Frame if header.track == Track::Video => {
                    let (segment, index) = (self.segment, header.index);
                    picture(Place { segment, index }, header.flags.key);
                }
                _ => {}
            }
            let len = record.bytes.len();
            self.buffer.advance(len);
        }
        Ok(())
    }
}
