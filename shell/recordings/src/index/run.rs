//! Runs: index files in which time only goes forward, so that a moment is found by halving.
//!
//! A run is a file of blocks. While it grows it is called `….run`; once it is complete and durable it
//! gets its final name `….idx`, which also says where it ends. So the catalogue of all runs is read
//! from the names alone, and a missing file shows as a hole between its neighbours.

use std::io;
use std::sync::Arc;

use bartizan_domain::{StreamId, UtcMillis};

use super::block::{Block, Builder, Cursor, parse_block};
use crate::disk::{Access, Disk, DiskFile, read_exact_at};
use crate::extent::Place;
use crate::page::{PAGE, PAGE_U64};
use crate::track::SegmentRow;

/// A point of a stream, where a run begins or ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Mark {
    /// Logical offset.
    pub offset: u64,
    /// Number of the next extent.
    pub extent: u64,
    /// Number of the next segment.
    pub number: u64,
    /// Begin: start of the first segment. End: latest end of a segment.
    pub time: UtcMillis,
}

/// Where a run begins and, when its name says it, ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunName {
    /// Its begin; the end of the run before.
    pub first: Mark,
    /// Its end; `None` while it grows.
    pub end: Option<Mark>,
}

impl RunName {
    /// The file name.
    pub fn file_name(&self) -> String {
        match &self.end {
            Some(end) => format!("{}-{}.idx", mark_text(&self.first), mark_text(end)),
            None => format!("{}.run", mark_text(&self.first)),
        }
    }

    /// Reads a file name; `None` when it is not a run's.
    pub fn parse(name: &str) -> Option<Self> {
        let (stem, sealed) = match (name.strip_suffix(".idx"), name.strip_suffix(".run")) {
            (Some(stem), _) => (stem, true),
            (None, Some(stem)) => (stem, false),
            (None, None) => return None,
        };
        let mut fields = stem.split('-').map(hex);
        let first = read_mark(&mut fields)?;
        let end = if sealed {
            Some(read_mark(&mut fields)?)
        } else {
            None
        };
        fields.next().is_none().then_some(Self { first, end })
    }
}

fn hex(text: &str) -> Option<u64> {
    let fits = text.len() == 16 && text.bytes().all(|b| b.is_ascii_hexdigit());
    fits.then(|| u64::from_str_radix(text, 16).ok()).flatten()
}

fn read_mark(fields: &mut impl Iterator<Item = Option<u64>>) -> Option<Mark> {
    let mut field = || fields.next().flatten();
    let (offset, extent, number) = (field()?, field()?, field()?);
    Some(Mark {
        offset,
        extent,
        number,
        time: UtcMillis(field()?),
    })
}

fn mark_text(mark: &Mark) -> String {
    let Mark {
        offset,
        extent,
        number,
        time,
    } = mark;
    format!("{offset:016x}-{extent:016x}-{number:016x}-{:016x}", time.0)
}

/// Why the index has no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IndexError {
    /// The file system failed.
    #[error("the index can't be read")]
    Io(#[from] io::Error),
    /// A block is torn or does not belong: the run that starts at this offset must be made anew.
    #[error("the index from {} on is damaged", run.offset)]
    Damaged {
        /// The run's begin.
        run: Mark,
    },
}

/// One run in the catalogue.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) first: Mark,
    pub(crate) end: Mark,
    /// Present while the run is not sealed.
    pub(crate) writer: Option<RunWriter>,
}

/// The growing end of a run. Entries are kept in memory until they are in the file.
#[derive(Debug)]
pub(crate) struct RunWriter {
    file: Option<Arc<dyn DiskFile>>,
    /// Complete blocks that are not in the file yet; their index follows `full`.
    waiting: Vec<[u8; PAGE]>,
    /// Complete blocks in the file.
    full: u64,
    pub(crate) builder: Builder,
    /// The builder has entries that the file has not.
    unwritten: bool,
    /// The file has blocks that may not be durable.
    unsynced: bool,
    /// Number behind the last extent that is durably in the file.
    synced_extent: u64,
}

impl Run {
    pub(crate) const fn new(stream: StreamId, first: Mark, place: u64) -> Self {
        let cursor = Cursor {
            extent: first.extent,
            place,
            number: first.number,
            time: first.time.0,
            offset: first.offset,
        };
        let writer = RunWriter {
            file: None,
            waiting: Vec::new(),
            full: 0,
            builder: Builder::new(stream, cursor),
            unwritten: false,
            unsynced: false,
            synced_extent: first.extent,
        };
        Self {
            first,
            end: first,
            writer: Some(writer),
        }
    }

    /// A growing run found on disk, cut after its last block that is whole and follows; `None` when no
    /// block is.
    pub(crate) fn resume(
        disk: &dyn Disk,
        stream: StreamId,
        path: &str,
        first: Mark,
    ) -> io::Result<Option<Self>> {
        let file = disk.open(path, Access::WRITE)?;
        let len = file.len()?;
        let (mut blocks, mut last) = (0_u64, None::<Block>);
        let mut end = first;
        while blocks.saturating_add(1).saturating_mul(PAGE_U64) <= len {
            let mut page = [0; PAGE];
            read_exact_at(&*file, &mut page, blocks.saturating_mul(PAGE_U64))?;
            let follows = |block: &Block| match &last {
                Some(last) => block.first == last.next,
                None => block.first.offset == first.offset && block.first.extent == first.extent,
            };
            match parse_block(&page) {
                Ok(block) if block.stream == stream && follows(&block) => {
                    end = end_of(end, &block);
                    last = Some(block);
                    blocks = blocks.saturating_add(1);
                }
                _ => break,
            }
        }
        if blocks.saturating_mul(PAGE_U64) != len {
            file.set_len(blocks.saturating_mul(PAGE_U64))?;
        }
        Ok(last.map(|last| {
            let writer = RunWriter {
                file: Some(file),
                waiting: Vec::new(),
                full: blocks.saturating_sub(1),
                builder: Builder::resume(&last),
                unwritten: false,
                unsynced: true,
                synced_extent: first.extent,
            };
            Self {
                first,
                end,
                writer: Some(writer),
            }
        }))
    }

    pub(crate) fn growing_name(&self) -> String {
        RunName {
            first: self.first,
            end: None,
        }
        .file_name()
    }

    pub(crate) fn sealed_name(&self) -> String {
        RunName {
            first: self.first,
            end: Some(self.end),
        }
        .file_name()
    }

    pub(crate) fn name(&self) -> String {
        if self.writer.is_some() {
            self.growing_name()
        } else {
            self.sealed_name()
        }
    }

    /// What runs are ordered by.
    pub(crate) const fn place(&self) -> (u64, u64) {
        (self.first.offset, self.first.extent)
    }

    /// Whether the run begins where `other` ends, or behind.
    pub(crate) const fn follows(&self, other: &Self) -> bool {
        self.first.offset >= other.end.offset && self.first.extent >= other.end.extent
    }

    /// Adds an extent. A sealed run stays as it is.
    pub(crate) fn push_extent(&mut self, number: u64, place: Place) {
        let Some(writer) = &mut self.writer else {
            return;
        };
        writer.push(|builder| builder.push_extent(number, place));
        self.end.extent = writer.builder.next.extent;
    }

    /// Adds a segment that starts no earlier than the one before.
    pub(crate) fn push_row(&mut self, row: &SegmentRow) {
        let Some(writer) = &mut self.writer else {
            return;
        };
        writer.push(|builder| builder.push_row(row));
        self.end.number = writer.builder.next.number;
        self.end.offset = writer.builder.next.offset;
        self.end.time = self.end.time.max(row.end());
    }

    /// Puts what is only in memory into the file, made at `path` when there is none.
    pub(crate) fn write(&mut self, disk: &dyn Disk, path: &str) -> io::Result<()> {
        let Some(writer) = &mut self.writer else {
            return Ok(());
        };
        if !writer.unwritten && writer.waiting.is_empty() {
            return Ok(());
        }
        let file = match &writer.file {
            Some(file) => Arc::clone(file),
            None => Arc::clone(writer.file.insert(disk.open(path, Access::CREATE)?)),
        };
        writer.unsynced = true;
        while let Some(page) = writer.waiting.first() {
            file.write_at(page, writer.full.saturating_mul(PAGE_U64))?;
            writer.waiting.remove(0);
            writer.full = writer.full.saturating_add(1);
        }
        file.write_at(
            &writer.builder.encode(),
            writer.full.saturating_mul(PAGE_U64),
        )?;
        writer.unwritten = false;
        Ok(())
    }

    /// Makes the file durable, when it is not.
    pub(crate) fn sync(&mut self) -> io::Result<bool> {
        match &mut self.writer {
            Some(writer) if writer.unsynced => {
                let Some(file) = &writer.file else {
                    return Ok(false);
                };
                file.sync()?;
                writer.unsynced = false;
                if !writer.unwritten {
                    writer.synced_extent = writer.builder.next.extent;
                }
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// The run as a reader needs it, to use without a lock.
    pub(crate) fn view(&self, dir: &str) -> RunView {
        let (memory, total) = match &self.writer {
            None => (Vec::new(), None),
            Some(writer) => {
                let mut pages = writer.waiting.clone();
                pages.push(writer.builder.encode());
                let waiting = u64::try_from(pages.len()).unwrap_or(u64::MAX);
                (pages, Some(writer.full.saturating_add(waiting)))
            }
        };
        RunView {
            path: format!("{dir}/{}", self.name()),
            first: self.first,
            end: self.end,
            memory,
            total,
        }
    }

    /// The file is written even if there is nothing to say.
    pub(crate) const fn touch(&mut self) {
        if let Some(writer) = &mut self.writer {
            writer.unwritten = true;
        }
    }

    /// Whether nothing was ever added.
    pub(crate) fn is_blank(&self) -> bool {
        self.writer.as_ref().is_some_and(|writer| {
            writer.file.is_none() && !writer.unwritten && writer.waiting.is_empty()
        })
    }

    /// Whether every entry is in the file and durable.
    pub(crate) fn is_settled(&self) -> bool {
        self.writer
            .as_ref()
            .is_none_or(|writer| !writer.unsynced && !writer.unwritten)
    }

    /// Number behind the last extent that is durably indexed.
    pub(crate) fn settled_extent(&self) -> u64 {
        self.writer
            .as_ref()
            .map_or(self.end.extent, |writer| writer.synced_extent)
    }

    pub(crate) fn has_file(&self) -> bool {
        self.writer
            .as_ref()
            .is_some_and(|writer| writer.file.is_some())
    }

    /// Complete blocks so far.
    pub(crate) fn blocks(&self) -> u64 {
        self.writer.as_ref().map_or(0, |writer| writer.full)
    }
}

impl RunWriter {
    fn push(&mut self, entry: impl Fn(&mut Builder) -> bool) {
        self.unwritten = true;
        if entry(&mut self.builder) {
            return;
        }
        self.waiting.push(self.builder.encode());
        self.builder = self.builder.follow();
        let fits = entry(&mut self.builder);
        debug_assert!(fits, "an entry is smaller than a block");
    }
}

fn end_of(before: Mark, block: &Block) -> Mark {
    let latest = block
        .rows
        .iter()
        .map(SegmentRow::end)
        .max()
        .unwrap_or_default();
    Mark {
        offset: block.next.offset,
        extent: block.next.extent,
        number: block.next.number,
        time: before.time.max(latest),
    }
}

/// A run to search in.
#[derive(Debug, Clone)]
pub(crate) struct RunView {
    path: String,
    pub(crate) first: Mark,
    end: Mark,
    /// The last blocks, as far as they are in memory.
    memory: Vec<[u8; PAGE]>,
    /// Number of blocks; that of the file when `None`.
    total: Option<u64>,
}

/// What blocks are ordered by.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Key {
    Extent,
    Number,
    Offset,
    Time,
}

impl Key {
    const fn of(self, cursor: &Cursor) -> u64 {
        match self {
            Self::Extent => cursor.extent,
            Self::Number => cursor.number,
            Self::Offset => cursor.offset,
            Self::Time => cursor.time,
        }
    }

    const fn of_mark(self, mark: &Mark) -> u64 {
        match self {
            Self::Extent => mark.extent,
            Self::Number => mark.number,
            Self::Offset => mark.offset,
            Self::Time => mark.time.0,
        }
    }
}

/// A block in `low .. high` for `target`, if keys went up evenly between the two given.
fn interpolate((low, high): (u64, u64), (from, to): (u64, u64), target: u64) -> u64 {
    let span = u128::from(to.saturating_sub(from)).max(1);
    let way = u128::from(target.saturating_sub(from)) * u128::from(high.saturating_sub(low)) / span;
    let last = high.saturating_sub(1);
    u64::try_from(way).map_or(last, |way| low.saturating_add(way).min(last))
}

/// A run being searched.
pub(crate) struct RunReader {
    file: Option<Arc<dyn DiskFile>>,
    view: RunView,
    total: u64,
}

impl RunView {
    pub(crate) fn open(self, disk: &dyn Disk) -> Result<RunReader, IndexError> {
        let in_memory = u64::try_from(self.memory.len()).unwrap_or(u64::MAX);
        let file = match self.total {
            Some(total) if total == in_memory => None,
            _ => Some(disk.open(&self.path, Access::READ)?),
        };
        let total = match (self.total, &file) {
            (Some(total), _) => total,
            (None, Some(file)) => file.len()? / PAGE_U64,
            (None, None) => 0,
        };
        Ok(RunReader {
            file,
            view: self,
            total,
        })
    }
}

impl RunReader {
    /// Block `index`, from memory or from the file.
    pub(crate) fn block(&self, index: u64) -> Result<Block, IndexError> {
        let in_memory = u64::try_from(self.view.memory.len()).unwrap_or(u64::MAX);
        let from = self.total.saturating_sub(in_memory);
        let damaged = IndexError::Damaged {
            run: self.view.first,
        };
        if index >= from {
            let at = usize::try_from(index.saturating_sub(from)).unwrap_or(usize::MAX);
            return match self.view.memory.get(at).map(|page| parse_block(page)) {
                Some(Ok(block)) => Ok(block),
                _ => Err(damaged),
            };
        }
        let mut page = [0; PAGE];
        let file = self.file.as_ref().ok_or(IndexError::Damaged {
            run: self.view.first,
        })?;
        read_exact_at(&**file, &mut page, index.saturating_mul(PAGE_U64))?;
        parse_block(&page).map_err(|_opaque| damaged)
    }

    /// The last block whose key is at most `target`, counted from 0; 0 when none is.
    ///
    /// Guesses and halves in turn: blocks are about equally far apart, so two or three are read.
    pub(crate) fn last_up_to(&self, key: Key, target: u64) -> Result<u64, IndexError> {
        let (mut low, mut high) = (0, self.total);
        let mut from = key.of_mark(&self.view.first);
        let mut to = key.of_mark(&self.view.end);
        let mut guess = true;
        while low < high {
            let middle = if guess {
                interpolate((low, high), (from, to), target)
            } else {
                low.midpoint(high)
            };
            guess = !guess;
            let found = key.of(&self.block(middle)?.first);
            if found <= target {
                (low, from) = (middle.saturating_add(1), found);
            } else {
                (high, to) = (middle, found);
            }
        }
        Ok(low.saturating_sub(1))
    }

    /// Where extent `number` lies.
    pub(crate) fn place(&self, number: u64) -> Result<Option<Place>, IndexError> {
        if self.total == 0 {
            return Ok(None);
        }
        let at = self.last_up_to(Key::Extent, number)?;
        let block = self.block(at)?;
        let found = block
            .extents
            .binary_search_by_key(&number, |(number, _)| *number);
        Ok(found
            .ok()
            .and_then(|at| block.extents.get(at))
            .map(|(_, place)| *place))
    }

    /// Gives rows from block `from` on to `visit`, until it says `false`.
    pub(crate) fn visit(
        &self,
        from: u64,
        visit: &mut dyn FnMut(&SegmentRow) -> bool,
    ) -> Result<bool, IndexError> {
        for at in from..self.total {
            if !self.block(at)?.rows.iter().all(&mut *visit) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The block from which on every segment that has not ended at `time` is found.
    pub(crate) fn block_of_time(&self, time: UtcMillis) -> Result<u64, IndexError> {
        // A block's cursor has the start of the segment before it, which may reach into the block.
        Ok(self.last_up_to(Key::Time, time.0)?.saturating_sub(1))
    }

    pub(crate) const fn total(&self) -> u64 {
        self.total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_where_runs_begin_and_end() {
        let mark = |n| Mark {
            offset: n,
            extent: n + 1,
            number: n + 2,
            time: UtcMillis(n + 3),
        };
        let camera = bartizan_domain::CameraId::new([1; 16]);
        let stream = StreamId {
            camera,
            rendition: bartizan_domain::Rendition::Main,
        };
        let mut run = Run::new(stream, mark(5), 0);
        let name = RunName {
            first: mark(5),
            end: None,
        };
        assert_eq!(RunName::parse(&run.name()), Some(name));
        run.writer = None;
        run.end = mark(u64::MAX - 3);
        assert_eq!(RunName::parse(&run.name()).unwrap().end, Some(run.end));
        assert!(run.name().len() < 255);
    }

    #[test]
    fn other_names_are_no_runs() {
        for name in [
            "",
            "floor",
            "1-2-3-4.run",
            "x.idx",
            &format!("{}.idx", "0".repeat(16)),
        ] {
            assert_eq!(RunName::parse(name), None, "{name}");
        }
    }
}
