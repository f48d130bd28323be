//! Finding segments: by time, by number, by logical offset; in what is indexed and in what is not yet.

use bartizan_domain::UtcMillis;

use crate::index::{IndexError, Key, RunReader};
use crate::read::{ReadError, index_failed};
use crate::shared::{Shared, lock};
use crate::stream::{Cell, Inner, inner};
use crate::track::{SegmentRow, SegmentState};

/// What to look for. Segments are visited in the order of the stream, which is that of time as long as
/// nobody sets the clock back.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Query {
    /// All that touch `from .. to`.
    Time(UtcMillis, UtcMillis),
    /// This number and the ones after it.
    Number(u64),
    /// All from this logical offset on.
    Offset(u64),
}

impl Query {
    fn wants(&self, row: &SegmentRow) -> bool {
        match *self {
            Self::Time(from, to) => row.start < to && (row.end() > from || row.start >= from),
            Self::Number(number) => row.number >= number,
            Self::Offset(offset) => row.offset >= offset,
        }
    }

    /// Whether no later row of the same run can be wanted.
    fn is_past(&self, row: &SegmentRow) -> bool {
        matches!(*self, Self::Time(_, to) if row.start >= to)
    }

    fn first_block(&self, run: &RunReader) -> Result<u64, IndexError> {
        match *self {
            Self::Time(from, _) => run.block_of_time(from),
            Self::Number(number) => run.last_up_to(Key::Number, number),
            Self::Offset(offset) => run.last_up_to(Key::Offset, offset),
        }
    }
}

/// The segments of a stream that no index has yet: ended ones, and the last.
pub(crate) fn unindexed(shared: &Shared, inner: &Inner) -> Vec<SegmentRow> {
    let mut rows = inner.rows.clone();
    let end = inner.readable_end(shared);
    if let Some(open) = inner.tracker.open.as_ref().filter(|open| open.offset < end) {
        let mut row = open.ended_row(end);
        if row.state == SegmentState::Cut && inner.is_storing() {
            row.state = SegmentState::Running;
            row.duration = row.duration.max(shared.clock.utc().since(row.start));
        }
        rows.push(row);
    }
    rows
}

/// Gives every row that the query wants to `visit`, until it says `false`.
pub(crate) fn visit(
    shared: &Shared,
    cell: &Cell,
    query: Query,
    visit: &mut dyn FnMut(&SegmentRow) -> bool,
) -> Result<(), ReadError> {
    // Unindexed rows first: a row moves from there to the index, never back.
    let recent = unindexed(shared, &inner(cell));
    let views = lock(&cell.index).views(|first, end| match query {
        Query::Time(from, to) => first.time < to && end.time >= from,
        Query::Number(number) => end.number > number,
        Query::Offset(offset) => end.offset > offset,
    });
    let floor = cell.floor_offset();
    let mut indexed_to = 0;
    for view in views {
        let run = match view.open(&*shared.disk) {
            // Retention may have taken the run in the meantime.
            Err(IndexError::Io(error)) if error.kind() == std::io::ErrorKind::NotFound => continue,
            run => run.map_err(|error| index_failed(shared, cell, error))?,
        };
        let mut more = true;
        let mut each = |row: &SegmentRow| {
            indexed_to = indexed_to.max(row.end_offset());
            more = row.offset < floor || !query.wants(row) || visit(row);
            more && !query.is_past(row)
        };
        let found = query
            .first_block(&run)
            .and_then(|block| run.visit(block, &mut each));
        found.map_err(|error| index_failed(shared, cell, error))?;
        if !more {
            return Ok(());
        }
    }
    for row in recent
        .iter()
        .filter(|row| row.offset >= indexed_to && row.offset >= floor)
    {
        if query.wants(row) && !visit(row) {
            break;
        }
    }
    Ok(())
}

/// The first row that the query wants.
pub(crate) fn first(
    shared: &Shared,
    cell: &Cell,
    query: Query,
) -> Result<Option<SegmentRow>, ReadError> {
    let mut found = None;
    visit(shared, cell, query, &mut |row| {
        found = Some(*row);
        false
    })?;
    Ok(found)
}

/// A stretch of time without a pause of two seconds or more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Start of its first segment.
    pub start: UtcMillis,
    /// End of its last.
    pub end: UtcMillis,
    /// Number of its first segment.
    pub first_segment: u64,
    /// Number of its last segment.
    pub last_segment: u64,
}

/// Pauses shorter than this do not end a span, in milliseconds.
pub const MAX_PAUSE: u64 = 2_000;

impl Span {
    pub(crate) const fn of(row: &SegmentRow) -> Self {
        let (first_segment, last_segment) = (row.number, row.number);
        Self {
            start: row.start,
            end: row.end(),
            first_segment,
            last_segment,
        }
    }

    /// Takes the row in when it follows closely enough.
    pub(crate) fn extend(&mut self, row: &SegmentRow) -> bool {
        let follows = row.start >= self.start && row.start.since(self.end) < MAX_PAUSE;
        if follows {
            self.end = self.end.max(row.end());
            self.last_segment = row.number;
        }
        follows
    }
}
