//! Pages: memory that is aligned and sized as direct writes want it, and the chunks of a stream that
//! are cut from it.
//!
//! A chunk never crosses an extent. It knows its place in the extent, not the extent's place on disk:
//! the writer alone knows that.

use bytemuck::{Pod, Zeroable};

use crate::extent::Geometry;

/// Bytes of a page: the unit of direct writes and of padding.
pub const PAGE: usize = 4096;

/// [`PAGE`] as a file offset.
pub(crate) const PAGE_U64: u64 = 4096;

#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C, align(4096))]
pub(crate) struct Page([u8; PAGE]);

impl Page {
    pub(crate) const ZERO: Self = Self([0; PAGE]);
}

/// Pages of one chunk, given from hand to hand and reused.
pub(crate) type Pages = Vec<Page>;

pub(crate) fn fresh_pages(count: usize) -> Pages {
    vec![Page::ZERO; count]
}

/// A piece of a stream's logical bytes, laid out as it will lie in its extent.
pub(crate) struct Chunk {
    /// Number of the extent in the stream.
    pub(crate) extent: u64,
    /// First page in the extent; page 0 is the extent's header.
    pub(crate) page: u64,
    pages: Pages,
    /// Filled bytes, header page included.
    len: usize,
    /// How many of them are on their way to disk, or there.
    clean: usize,
    /// Most bytes that this chunk may hold: its pages, cut at the extent's end.
    room: usize,
}

impl Chunk {
    /// An empty chunk at `page` of `extent`.
    pub(crate) fn new(geometry: &Geometry, extent: u64, page: u64, pages: Pages) -> Self {
        let left = geometry
            .extent_bytes
            .saturating_sub(page.saturating_mul(PAGE_U64));
        let left = usize::try_from(left).unwrap_or(usize::MAX);
        let room = left.min(pages.len().saturating_mul(PAGE));
        Self {
            extent,
            page,
            pages,
            len: 0,
            clean: 0,
            room,
        }
    }

    /// A chunk that goes on behind `tail`, the bytes of its first page that are on disk already.
    pub(crate) fn resume(
        geometry: &Geometry,
        extent: u64,
        page: u64,
        pages: Pages,
        tail: &[u8],
    ) -> Self {
        let mut chunk = Self::new(geometry, extent, page, pages);
        chunk.fill(tail);
        chunk.clean = chunk.len;
        chunk
    }

    /// Fills as much of `bytes` as there is room for; gives the rest.
    pub(crate) fn fill<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let take = bytes.len().min(self.room.saturating_sub(self.len));
        let (head, rest) = bytes.split_at_checked(take).unwrap_or((bytes, &[]));
        let all: &mut [u8] = bytemuck::cast_slice_mut(&mut self.pages);
        if let Some(space) = all.get_mut(self.len..self.len.saturating_add(take)) {
            space.copy_from_slice(head);
            self.len = self.len.saturating_add(take);
        }
        rest
    }

    pub(crate) const fn is_full(&self) -> bool {
        self.len >= self.room
    }

    pub(crate) const fn is_dirty(&self) -> bool {
        self.len > self.clean
    }

    /// Bytes filled, header page included.
    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// Zeroes the rest of the last page, so that nothing of an older chunk reaches the disk.
    pub(crate) fn pad(&mut self) {
        let end = self.padded_len();
        let len = self.len;
        let all: &mut [u8] = bytemuck::cast_slice_mut(&mut self.pages);
        if let Some(tail) = all.get_mut(len..end) {
            tail.fill(0);
        }
    }

    /// The next chunk after this one was sent to disk in part: it starts with the last, partly filled
    /// page, which the next write repeats.
    pub(crate) fn follow(&self, geometry: &Geometry, pages: Pages) -> Self {
        let whole = self.len / PAGE;
        let page = self
            .page
            .saturating_add(u64::try_from(whole).unwrap_or(u64::MAX));
        let all: &[u8] = bytemuck::cast_slice(&self.pages);
        let tail = all
            .get(whole.saturating_mul(PAGE)..self.len)
            .unwrap_or_default();
        Self::resume(geometry, self.extent, page, pages, tail)
    }

    fn padded_len(&self) -> usize {
        self.len.next_multiple_of(PAGE)
    }

    /// The bytes to write: whole pages.
    pub(crate) fn padded(&self) -> &[u8] {
        let all: &[u8] = bytemuck::cast_slice(&self.pages);
        all.get(..self.padded_len()).unwrap_or(all)
    }

    /// Logical offset of the first data byte.
    pub(crate) fn start(&self, geometry: &Geometry) -> u64 {
        let in_extent = self.page.saturating_sub(1).saturating_mul(PAGE_U64);
        geometry.start_of(self.extent).saturating_add(in_extent)
    }

    /// The data without the header page.
    pub(crate) fn data(&self) -> &[u8] {
        let all: &[u8] = bytemuck::cast_slice(&self.pages);
        let from = if self.page == 0 { PAGE } else { 0 };
        all.get(from..self.len).unwrap_or_default()
    }

    pub(crate) fn into_pages(self) -> Pages {
        self.pages
    }
}

impl std::fmt::Debug for Chunk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Chunk({}/{}, {} bytes)",
            self.extent, self.page, self.len
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn geometry() -> Geometry {
        Geometry::new(4 * PAGE_U64, 16 * PAGE_U64).unwrap()
    }

    #[test]
    fn a_chunk_ends_with_its_extent() {
        let mut chunk = Chunk::new(&geometry(), 0, 3, fresh_pages(4));
        let bytes = vec![7; PAGE + 1];
        assert_eq!(chunk.fill(&bytes), [7]);
        assert!(chunk.is_full());
    }

    #[test]
    fn what_follows_a_partial_write_repeats_the_last_page() {
        let geometry = geometry();
        let mut chunk = Chunk::new(&geometry, 1, 1, fresh_pages(3));
        chunk.fill(&vec![1; PAGE]);
        chunk.fill(&[2, 3]);
        chunk.pad();
        assert_eq!(chunk.padded().len(), 2 * PAGE);
        let next = chunk.follow(&geometry, fresh_pages(3));
        assert_eq!((next.page, next.data()), (2, [2, 3].as_slice()));
        assert!(!next.is_dirty());
        assert_eq!(next.start(&geometry), geometry.start_of(1) + PAGE_U64);
    }

    #[test]
    fn reused_pages_do_not_leak_into_the_padding() {
        let geometry = geometry();
        let mut used = Chunk::new(&geometry, 0, 1, fresh_pages(1));
        used.fill(&[9; PAGE]);
        let mut chunk = Chunk::new(&geometry, 0, 2, used.into_pages());
        chunk.fill(&[1]);
        chunk.pad();
        assert!(chunk.padded()[1..].iter().all(|byte| *byte == 0));
    }
}
