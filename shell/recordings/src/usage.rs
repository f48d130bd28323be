//! What is stored and what it takes.

use std::io;

use bartizan_domain::{StreamId, UtcMillis};

use crate::disk::{Access, Space, list_if_there};
use crate::event::Counts;
use crate::find::unindexed;
use crate::index::index_dir;
use crate::shared::{Shared, lock};
use crate::stream::{Cell, inner};

/// What one stream takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamUsage {
    /// Whose.
    pub stream: StreamId,
    /// Bytes of its extents.
    pub bytes: u64,
    /// Bytes of its index files.
    pub index_bytes: u64,
    /// Start of its oldest segment, when it has any.
    pub oldest: Option<UtcMillis>,
    /// End of its newest segment, when it has any.
    pub newest: Option<UtcMillis>,
}

/// What is stored, and how the work went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Usage {
    /// Per stream.
    pub streams: Vec<StreamUsage>,
    /// Bytes of all extents.
    pub bytes: u64,
    /// Room on the file system.
    pub space: Space,
    /// Bytes that wait for the disk.
    pub pending_bytes: u64,
    /// Counts since the recorder was opened.
    pub counts: Counts,
}

pub(crate) fn usage(shared: &Shared) -> io::Result<Usage> {
    let mut streams = Vec::new();
    for cell in shared.all_cells() {
        streams.push(stream_usage(shared, &cell)?);
    }
    Ok(Usage {
        bytes: streams.iter().map(|stream| stream.bytes).sum(),
        streams,
        space: shared.disk.space()?,
        pending_bytes: u64::try_from(shared.pending()).unwrap_or(u64::MAX),
        counts: shared.counters.read(),
    })
}

fn stream_usage(shared: &Shared, cell: &Cell) -> io::Result<StreamUsage> {
    let (extents, floor, last) = {
        let inner = inner(cell);
        let end = shared.geometry.extent_from(inner.pos);
        let last = unindexed(shared, &inner).last().copied();
        (end.saturating_sub(inner.floor.extent), inner.floor, last)
    };
    let marks = lock(&cell.index).ends();
    let has_index = marks.is_some_and(|(_, end)| end.offset > floor.offset);
    let oldest = marks
        .filter(|_| has_index)
        .map(|(first, _)| first.time.max(floor.time));
    let newest = marks.filter(|_| has_index).map(|(_, end)| end.time);
    Ok(StreamUsage {
        stream: cell.id,
        bytes: extents.saturating_mul(shared.geometry.extent_bytes),
        index_bytes: index_bytes(shared, cell.id)?,
        oldest: oldest.or(last.map(|row| row.start)),
        newest: last.map(|row| row.end()).max(newest),
    })
}

fn index_bytes(shared: &Shared, stream: StreamId) -> io::Result<u64> {
    let dir = index_dir(stream);
    let mut bytes: u64 = 0;
    for name in list_if_there(&*shared.disk, &dir)? {
        match shared.disk.open(&format!("{dir}/{name}"), Access::READ) {
            Ok(file) => bytes = bytes.saturating_add(file.len()?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(bytes)
}
