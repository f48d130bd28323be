//! Volumes: the big files that extents are taken from, one after the other.
//!
//! New extents come from one current volume, so that a commit syncs few files whatever the number of
//! streams. A freed extent gives its room back to the file system at once and is not taken again; a volume
//! whose extents are all free is unlinked. Only the writer uses this.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;

use crate::disk::{Access, Disk, DiskFile};
use crate::extent::{ExtentHeader, Geometry, Place};
use crate::page::{PAGE, PAGE_U64};
use crate::read::volume_path;

/// What the file system was found to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facilities {
    /// Writes go past the page cache.
    pub direct: bool,
    /// Room is reserved before it is written.
    pub reserve: bool,
    /// Deleted ranges give their room back at once.
    pub punch: bool,
}

/// The volumes of a store.
#[derive(Debug)]
pub(crate) struct Volumes {
    disk: Arc<dyn Disk>,
    geometry: Geometry,
    direct: bool,
    ids: BTreeSet<u32>,
    /// The volume that extents are taken from, and the next free one in it.
    current: Option<(u32, u64)>,
    files: BTreeMap<u32, Arc<dyn DiskFile>>,
    dirty: BTreeSet<u32>,
    /// Extents were freed in these.
    thinned: BTreeSet<u32>,
    /// Names were made that are not durable yet.
    new_names: bool,
    pub(crate) facilities: Facilities,
}

/// An extent found by looking through volumes.
pub(crate) type Found = (Place, ExtentHeader);

impl Volumes {
    /// Looks at the names. Nothing is taken until [`Self::scan`] has seen the newest volume.
    pub(crate) fn open(disk: Arc<dyn Disk>, geometry: Geometry, direct: bool) -> io::Result<Self> {
        disk.make_dir("volumes")?;
        let mut ids = BTreeSet::new();
        for name in disk.list("volumes")? {
            let stem = name.strip_suffix(".vol").filter(|stem| stem.len() == 8);
            if let Some(id) = stem.and_then(|stem| u32::from_str_radix(stem, 16).ok()) {
                ids.insert(id);
            }
        }
        let facilities = Facilities {
            direct,
            reserve: true,
            punch: true,
        };
        let mut volumes = Self {
            disk,
            geometry,
            direct,
            ids,
            current: None,
            files: BTreeMap::new(),
            dirty: BTreeSet::new(),
            thinned: BTreeSet::new(),
            // The last process may have made some and been killed.
            new_names: true,
            facilities,
        };
        volumes.find_current()?;
        Ok(volumes)
    }

    /// The newest volume goes on behind its last used extent.
    fn find_current(&mut self) -> io::Result<()> {
        let Some(newest) = self.ids.last().copied() else {
            return Ok(());
        };
        let used = scan_volume(&*self.disk, &self.geometry, newest)?;
        let next = used.last().map_or(0, |(place, _)| {
            (place.0 % self.geometry.extents_per_volume()).saturating_add(1)
        });
        self.current = Some((newest, next));
        Ok(())
    }

    /// Ends the newest volume behind its last used extent: pages behind it belong to extents whose headers a
    /// power cut took, and must never be found behind the header of a new one. Only for who is about to write;
    /// what another writes meanwhile would be lost.
    pub(crate) fn cut_unused(&mut self) -> io::Result<()> {
        let Some((newest, next)) = self.current else {
            return Ok(());
        };
        let end = next.saturating_mul(self.geometry.extent_bytes);
        let file = self.disk.open(&volume_path(newest), Access::READ)?;
        if file.len()? > end {
            self.file(newest)?.set_len(end)?;
            self.dirty.insert(newest);
        }
        Ok(())
    }

    /// Takes no extent that `before` has handed out, whatever became of it.
    pub(crate) fn skip_past(&mut self, before: &Self) {
        self.current = self.current.max(before.current);
    }

    /// Every extent of the volumes `from ..= to`.
    pub(crate) fn scan(&self, from: u32, to: u32) -> io::Result<Vec<Found>> {
        let mut found = Vec::new();
        for id in self.ids.range(from..=to) {
            found.extend(scan_volume(&*self.disk, &self.geometry, *id)?);
        }
        Ok(found)
    }

    /// The volume that extents are taken from.
    pub(crate) fn newest(&self) -> u32 {
        self.current.map_or(0, |(id, _)| id)
    }

    /// Takes an extent and reserves its room.
    pub(crate) fn allocate(&mut self) -> io::Result<Place> {
        let per_volume = self.geometry.extents_per_volume();
        let (volume, slot) = match self.current {
            Some((volume, slot)) if slot < per_volume => (volume, slot),
            Some((volume, _)) => (
                volume.checked_add(1).ok_or(io::ErrorKind::QuotaExceeded)?,
                0,
            ),
            None => (0, 0),
        };
        let place = self.geometry.place(volume, slot);
        if self.ids.insert(volume) {
            self.new_names = true;
        }
        let at = self.geometry.offset_of(place);
        let reserved = self
            .file(volume)?
            .allocate(at, self.geometry.extent_bytes)?;
        self.facilities.reserve &= reserved;
        self.current = Some((volume, slot.saturating_add(1)));
        Ok(place)
    }

    fn file(&mut self, volume: u32) -> io::Result<Arc<dyn DiskFile>> {
        if let Some(file) = self.files.get(&volume) {
            return Ok(Arc::clone(file));
        }
        let access = Access {
            direct: self.direct,
            ..Access::CREATE
        };
        let file = self.disk.open(&volume_path(volume), access)?;
        self.facilities.direct &= file.is_direct();
        self.files.insert(volume, Arc::clone(&file));
        Ok(file)
    }

    fn volume_of(&self, place: Place) -> io::Result<u32> {
        self.geometry
            .volume_of(place)
            .ok_or_else(|| io::ErrorKind::InvalidInput.into())
    }

    /// Writes whole pages of an extent, from its page `page` on.
    pub(crate) fn write(&mut self, place: Place, page: u64, bytes: &[u8]) -> io::Result<()> {
        let volume = self.volume_of(place)?;
        let at = self
            .geometry
            .offset_of(place)
            .saturating_add(page.saturating_mul(PAGE_U64));
        let file = self.file(volume)?;
        self.dirty.insert(volume);
        let done = file.write_at(bytes, at);
        self.facilities.direct &= file.is_direct();
        done
    }

    /// Frees an extent: its room goes back, its bytes are gone. Freeing a free one is fine.
    pub(crate) fn free(&mut self, place: Place) -> io::Result<()> {
        let volume = self.volume_of(place)?;
        if !self.ids.contains(&volume) {
            return Ok(());
        }
        let at = self.geometry.offset_of(place);
        let file = self.file(volume)?;
        let punched = self.facilities.punch && file.punch(at, self.geometry.extent_bytes)?;
        if !punched {
            self.facilities.punch = false;
            file.write_at(bytemuck::bytes_of(&crate::page::Page::ZERO), at)?;
        }
        self.dirty.insert(volume);
        self.thinned.insert(volume);
        Ok(())
    }

    /// Makes an extent read as zeroes from page `page` on, with its room reserved.
    pub(crate) fn clear_from(&mut self, place: Place, page: u64) -> io::Result<()> {
        let volume = self.volume_of(place)?;
        let start = page.saturating_mul(PAGE_U64);
        let len = self.geometry.extent_bytes.saturating_sub(start);
        if len == 0 {
            return Ok(());
        }
        let at = self.geometry.offset_of(place).saturating_add(start);
        let file = self.file(volume)?;
        self.dirty.insert(volume);
        let cleared = if self.facilities.punch && file.punch(at, len)? {
            file.allocate(at, len).map(drop)
        } else {
            self.facilities.punch = false;
            let pages = usize::try_from(len / PAGE_U64).unwrap_or_default();
            file.write_at(bytemuck::cast_slice(&crate::page::fresh_pages(pages)), at)
        };
        match cleared {
            // Nothing is there, then; the room is found or missed when it is written to.
            Err(error) if is_full(&error) => Ok(()),
            cleared => cleared,
        }
    }

    /// The next sync covers this extent, whoever wrote it.
    pub(crate) fn touch(&mut self, place: Place) -> io::Result<()> {
        let volume = self.volume_of(place)?;
        self.file(volume)?;
        self.dirty.insert(volume);
        Ok(())
    }

    /// Makes everything written so far durable; gives the number of syncs.
    pub(crate) fn sync(&mut self) -> io::Result<u64> {
        let mut syncs = 0;
        while let Some(volume) = self.dirty.first().copied() {
            if let Some(file) = self.files.get(&volume) {
                file.sync()?;
                syncs += 1;
            }
            self.dirty.remove(&volume);
        }
        if self.new_names {
            self.disk.sync_dir("volumes")?;
            self.new_names = false;
            syncs += 1;
        }
        Ok(syncs)
    }

    /// Closes the files of volumes without active extents.
    pub(crate) fn close_idle(&mut self, active: &BTreeSet<u32>) {
        let (newest, dirty) = (self.newest(), &self.dirty);
        self.files
            .retain(|id, _| *id == newest || active.contains(id) || dirty.contains(id));
    }

    /// Unlinks volumes in which nothing is left.
    pub(crate) fn reap(&mut self) -> io::Result<()> {
        let newest = self.newest();
        let mut thinned = std::mem::take(&mut self.thinned);
        if thinned.remove(&newest) {
            self.thinned.insert(newest);
        }
        for volume in thinned {
            let is_thin = self.file(volume)?.allocated()? < self.geometry.extent_bytes;
            if self.facilities.punch && !is_thin {
                continue;
            }
            // The headers decide: what a file system says of its own use is not always true.
            if scan_volume(&*self.disk, &self.geometry, volume)?.is_empty() {
                self.files.remove(&volume);
                self.dirty.remove(&volume);
                self.disk.unlink(&volume_path(volume))?;
                self.ids.remove(&volume);
            }
        }
        Ok(())
    }
}

/// Whether the disk has no room, rather than a fault.
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}

fn scan_volume(disk: &dyn Disk, geometry: &Geometry, volume: u32) -> io::Result<Vec<Found>> {
    let file = match disk.open(&volume_path(volume), Access::READ) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        file => file?,
    };
    let mut found = Vec::new();
    let mut page = [0; PAGE];
    for slot in 0..geometry.extents_per_volume() {
        let place = geometry.place(volume, slot);
        if file.read_at(&mut page, geometry.offset_of(place))? < PAGE {
            break;
        }
        if let Ok(header) = ExtentHeader::parse(&page) {
            found.push((place, header));
        }
    }
    Ok(found)
}
