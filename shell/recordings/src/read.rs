//! Reading a stream's bytes back, from files or from what still waits for the disk.
//!
//! Bytes that were deleted are an error, never zeroes and never another stream's: an extent's header is
//! checked before its first byte is read, and the floor of what is kept is looked at again after the
//! bytes were read, because it is raised before they are freed.

use std::io;
use std::sync::Arc;

use bartizan_domain::StreamId;
use bytes::Bytes;

use crate::disk::{Access, Disk, DiskFile, read_exact_at};
use crate::extent::{ExtentHeader, Geometry, Place};
use crate::index::IndexError;
use crate::page::PAGE;
use crate::shared::{Command, Shared, lock};
use crate::stream::{Cell, inner};

/// Largest piece that a reader gives at once.
pub const MAX_PIECE: usize = 256 * 1024;

/// Why bytes cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// No such stream is recorded here.
    #[error("no recording of this stream")]
    UnknownStream,
    /// Retention took them, or the camera was removed.
    #[error("the recording from byte {offset} on has been deleted")]
    Deleted {
        /// First logical byte that is missing.
        offset: u64,
    },
    /// They were never written, or are beyond the end.
    #[error("nothing is recorded at byte {offset}")]
    Absent {
        /// First logical byte that is missing.
        offset: u64,
    },
    /// What is on disk is not what belongs there. An index that is damaged is being made anew.
    #[error("the recording at byte {offset} is damaged")]
    Damaged {
        /// First logical byte that cannot be read.
        offset: u64,
    },
    /// The file system failed.
    #[error("the recording can't be read")]
    Io(#[from] io::Error),
}

/// An extent that was found where it should be.
#[derive(Debug)]
pub(crate) struct ExtentFile {
    number: u64,
    file: Arc<dyn DiskFile>,
    at: u64,
    pub(crate) header: ExtentHeader,
}

impl ExtentFile {
    /// Opens the extent at `place`; `None` when another one, or none, lies there.
    pub(crate) fn open(
        disk: &dyn Disk,
        geometry: &Geometry,
        stream: StreamId,
        number: u64,
        place: Place,
    ) -> io::Result<Option<Self>> {
        let Some(volume) = geometry.volume_of(place) else {
            return Ok(None);
        };
        let file = match disk.open(&volume_path(volume), Access::READ) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        let at = geometry.offset_of(place);
        let mut page = [0; PAGE];
        match read_exact_at(&*file, &mut page, at) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            read => read?,
        }
        let header = ExtentHeader::parse(&page).ok();
        let header = header.filter(|header| header.stream == stream && header.number == number);
        Ok(header.map(|header| Self {
            number,
            file,
            at,
            header,
        }))
    }

    /// Appends at most `max` bytes from logical `offset` on; fewer at the extent's end.
    pub(crate) fn read(
        &self,
        geometry: &Geometry,
        offset: u64,
        max: usize,
        out: &mut Vec<u8>,
    ) -> io::Result<()> {
        let left = usize::try_from(geometry.left(offset)).unwrap_or(usize::MAX);
        let before = out.len();
        out.resize(before.saturating_add(left.min(max)), 0);
        let space = out.get_mut(before..).unwrap_or_default();
        let at = self.at.saturating_add(geometry.within(offset));
        let read = self.file.read_at(space, at)?;
        out.truncate(before.saturating_add(read));
        Ok(())
    }
}

/// Where a volume lies.
pub(crate) fn volume_path(volume: u32) -> String {
    format!("volumes/{volume:08x}.vol")
}

/// Reads a stretch of one stream, piece by piece. It blocks on the disk: use it on a thread that may.
#[derive(Debug)]
pub struct RangeReader {
    shared: Arc<Shared>,
    cell: Arc<Cell>,
    offset: u64,
    end: u64,
    extent: Option<ExtentFile>,
}

impl RangeReader {
    pub(crate) fn new(shared: Arc<Shared>, cell: Arc<Cell>, offset: u64, len: u64) -> Self {
        let end = offset.saturating_add(len);
        Self {
            shared,
            cell,
            offset,
            end,
            extent: None,
        }
    }

    /// Bytes that have not been given yet.
    pub const fn remaining(&self) -> u64 {
        self.end.saturating_sub(self.offset)
    }

    /// Logical offset of the next byte.
    pub const fn position(&self) -> u64 {
        self.offset
    }

    /// The next piece, at most [`MAX_PIECE`] bytes; `None` at the end.
    ///
    /// # Errors
    /// The byte at [`Self::position`] cannot be read. Asking again tries again.
    pub fn next_piece(&mut self) -> Result<Option<Bytes>, ReadError> {
        if self.remaining() == 0 {
            return Ok(None);
        }
        let max = usize::try_from(self.remaining())
            .unwrap_or(usize::MAX)
            .min(MAX_PIECE);
        let mut piece = Vec::with_capacity(max);
        self.fill(max, &mut piece)?;
        if piece.is_empty() {
            return Err(ReadError::Absent {
                offset: self.offset,
            });
        }
        self.offset = self
            .offset
            .saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
        Ok(Some(piece.into()))
    }

    /// Everything that is left; for ranges that fit in memory.
    pub fn read_to_end(&mut self) -> Result<Vec<u8>, ReadError> {
        let mut all = Vec::new();
        while let Some(piece) = self.next_piece()? {
            all.extend_from_slice(&piece);
        }
        Ok(all)
    }

    fn fill(&mut self, max: usize, piece: &mut Vec<u8>) -> Result<(), ReadError> {
        self.check_floor()?;
        let number = self.shared.geometry.extent_of(self.offset);
        let (memory_start, place) = {
            let inner = inner(&self.cell);
            let end = inner.readable_end(&self.shared);
            if self.offset >= end {
                return Err(ReadError::Absent {
                    offset: self.offset,
                });
            }
            let max = max.min(usize::try_from(end.saturating_sub(self.offset)).unwrap_or(max));
            if inner.copy(&self.shared, self.offset, max, piece) {
                return Ok(());
            }
            let place = inner.extents.iter().find(|(extent, _)| *extent == number);
            (
                inner.memory_start(&self.shared),
                place.map(|(_, place)| *place),
            )
        };
        // The last page on disk is repeated by the next write: it is read from memory only.
        let whole = usize::try_from(memory_start.saturating_sub(self.offset)).unwrap_or(usize::MAX);
        let done = self.fill_from_file(number, place, max.min(whole), piece);
        self.check_floor()?;
        done
    }

    fn fill_from_file(
        &mut self,
        number: u64,
        place: Option<Place>,
        max: usize,
        piece: &mut Vec<u8>,
    ) -> Result<(), ReadError> {
        let extent = match self.extent.take().filter(|extent| extent.number == number) {
            Some(extent) => extent,
            None => self.open(number, place)?,
        };
        extent.read(&self.shared.geometry, self.offset, max, piece)?;
        self.extent = Some(extent);
        Ok(())
    }

    fn open(&self, number: u64, place: Option<Place>) -> Result<ExtentFile, ReadError> {
        let place = match place {
            Some(place) => place,
            None => locate(&self.shared, &self.cell, number)?.ok_or(ReadError::Absent {
                offset: self.offset,
            })?,
        };
        let Shared { disk, geometry, .. } = &*self.shared;
        ExtentFile::open(&**disk, geometry, self.cell.id, number, place)?.ok_or(
            ReadError::Damaged {
                offset: self.offset,
            },
        )
    }

    fn check_floor(&self) -> Result<(), ReadError> {
        if self.offset < self.cell.floor_offset() {
            return Err(ReadError::Deleted {
                offset: self.offset,
            });
        }
        Ok(())
    }
}

/// Where an extent of a stream lies, by its index.
pub(crate) fn locate(
    shared: &Shared,
    cell: &Cell,
    number: u64,
) -> Result<Option<Place>, ReadError> {
    let view = lock(&cell.index).view_of_extent(number);
    let Some(view) = view else { return Ok(None) };
    let found = view.open(&*shared.disk).and_then(|run| run.place(number));
    found.map_err(|error| index_failed(shared, cell, error))
}

/// What a reader is told when the index fails; a damaged run is handed to the writer.
pub(crate) fn index_failed(shared: &Shared, cell: &Cell, error: IndexError) -> ReadError {
    match error {
        IndexError::Io(error) => ReadError::Io(error),
        IndexError::Damaged { run } => {
            shared.command(Command::Damaged(cell.id, run));
            ReadError::Damaged { offset: run.offset }
        }
    }
}
