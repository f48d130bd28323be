//! The tail of a stream that this process records: the last segment, read back and chained.

use bartizan_domain::{Hash, StreamId};
use bartizan_sealing::record::{Kind, Record};

use crate::read::{RangeReader, ReadError};
use crate::recover::Tail;
use crate::track::{SegmentRow, SegmentState};

/// Chains the records of the segment `row`; `None` when it has no intact header.
pub(crate) fn read_tail(
    stream: StreamId,
    mut reader: RangeReader,
    row: &SegmentRow,
) -> Result<Option<Tail>, ReadError> {
    let mut bytes = Vec::new();
    let mut chain = None::<Hash>;
    let mut frames = 0_u32;
    while let Some(piece) = reader.next_piece()? {
        bytes.extend_from_slice(&piece);
        let mut rest = bytes.as_slice();
        while let Ok(Some((record, after))) = Record::split(rest) {
            rest = after;
            if record.header.kind == Kind::Manifest {
                continue;
            }
            let Some(next) = record.chain_after(&chain.unwrap_or(Hash::ZERO)) else {
                tracing::warn!(%stream, "the running segment does not chain");
                return Err(ReadError::Damaged { offset: row.offset });
            };
            chain = Some(next);
            frames = frames.saturating_add(u32::from(record.header.kind == Kind::Frame));
        }
        let left = rest.len();
        bytes.drain(..bytes.len().saturating_sub(left));
    }
    Ok(chain.map(|chain| Tail {
        number: row.number,
        frames,
        chain,
        closed: row.state == SegmentState::Closed,
        end: row.end(),
    }))
}
