//! Retention: what is to go, and in which order it goes. Wraps first, then bytes, then their index.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;

use bartizan_domain::{CameraId, EpochId, UtcMillis};
use bartizan_sealing::SegmentHeader;
use bartizan_sealing::record::{HEADER_LEN, Record};
use bartizan_sealing::segment::SEGMENT_HEADER_LEN;

use crate::config::Retention;
use crate::disk::{Access, unlink_if_there};
use crate::event::{Event, add};
use crate::find::{Query, first};
use crate::floor::Floor;
use crate::read::{RangeReader, ReadError, locate};
use crate::recover::remove_index;
use crate::shared::lock;
use crate::stream::{Cell, inner};
use crate::track::SegmentRow;
use crate::writer::Writer;

/// Extents that are freed in one step when room is needed.
const STEP: u64 = 8;

/// A segment that starts later than this after now was recorded under a wrong clock. Milliseconds.
const FUTURE: u64 = 24 * 3_600_000;

impl Writer {
    /// Deletes what the cameras' limits and the free-space floor no longer allow.
    pub(crate) fn enforce(&mut self, now: UtcMillis) -> io::Result<()> {
        let mut cameras: BTreeMap<CameraId, Vec<Arc<Cell>>> = BTreeMap::new();
        for cell in self.shared.all_cells() {
            cameras.entry(cell.id.camera).or_default().push(cell);
        }
        for (camera, cells) in cameras {
            self.settle_floors(&cells)?;
            let limits = lock(&self.shared.retention)
                .get(&camera)
                .copied()
                .unwrap_or_default();
            self.enforce_age(&cells, limits, now)?;
            self.enforce_bytes(&cells, limits)?;
        }
        self.delete_behind()?;
        self.make_room(now, 0)?;
        self.volumes.reap()
    }

    /// A floor that does not know its segment yet looks it up.
    fn settle_floors(&self, cells: &[Arc<Cell>]) -> io::Result<()> {
        for cell in cells {
            let floor = inner(cell).floor;
            if floor.epoch.is_none() {
                self.raise(cell, floor.offset)?;
            }
        }
        Ok(())
    }

    fn enforce_age(
        &self,
        cells: &[Arc<Cell>],
        limits: Retention,
        now: UtcMillis,
    ) -> io::Result<()> {
        let Some(age) = limits.max_age else {
            return Ok(());
        };
        let cut = now.saturating_sub(u64::try_from(age.as_millis()).unwrap_or(u64::MAX));
        for cell in cells {
            match self.first_younger(cell, cut, now) {
                Ok(Some(row)) => self.raise(cell, row.offset)?,
                Ok(None) => self.retire(cell, cut),
                Err(error) => report(cell, error)?,
            }
        }
        Ok(())
    }

    /// The first segment that is not older than `cut`. One that claims to be from the future is as old
    /// as the first sane one behind it.
    fn first_younger(
        &self,
        cell: &Cell,
        cut: UtcMillis,
        now: UtcMillis,
    ) -> Result<Option<SegmentRow>, ReadError> {
        let sane = now.saturating_add(FUTURE);
        let views = lock(&cell.index).views(|_, _| true);
        let mut candidate = None;
        for view in views {
            let (starts, begins) = (view.first.time, view.first.offset);
            if starts > sane {
                candidate = candidate.or(Some(begins));
                continue;
            }
            let run = view.open(&*self.shared.disk);
            let run = run.map_err(|error| crate::read::index_failed(&self.shared, cell, error))?;
            let (mut found, mut old) = (None, false);
            let mut each = |row: &SegmentRow| {
                let young = row.end() > cut;
                found = found.or(young.then_some(row.offset));
                old |= !young;
                !young
            };
            let visited = run.block_of_time(cut).and_then(|block| {
                run.visit(block, &mut each)?;
                Ok(block)
            });
            let block = visited.map_err(|e| crate::read::index_failed(&self.shared, cell, e))?;
            if old || block > 0 {
                candidate = None;
            }
            if let Some(offset) = found {
                candidate = candidate.or(Some(offset));
                break;
            }
        }
        if let Some(offset) = candidate {
            return first(&self.shared, cell, Query::Offset(offset));
        }
        let end = lock(&cell.index).end().offset;
        let unindexed = first(&self.shared, cell, Query::Offset(end))?;
        Ok(unindexed.filter(|row| row.end() > cut))
    }

    /// Everything of a quiet stream is too old: even its last segment goes, and it goes on behind it.
    fn retire(&self, cell: &Cell, cut: UtcMillis) {
        let mut inner = inner(cell);
        if !inner.is_quiet() || inner.floor.offset >= inner.pos {
            return;
        }
        if inner
            .tracker
            .open
            .is_some_and(|open| open.ended_row(inner.pos).end() > cut)
        {
            return;
        }
        inner.tracker.open = None;
        inner.rows.clear();
        let offset = inner.pos;
        let extent = self.shared.geometry.extent_of(offset);
        let floor = Floor {
            offset,
            extent,
            time: cut,
            epoch: None,
            ..inner.floor
        };
        cell.raise_floor(&mut inner, floor);
    }

    fn enforce_bytes(&self, cells: &[Arc<Cell>], limits: Retention) -> io::Result<()> {
        let Some(max) = limits.max_bytes else {
            return Ok(());
        };
        loop {
            let used: u64 = cells.iter().map(|cell| self.used(cell)).sum();
            if used <= max || !self.raise_oldest(cells, None)? {
                return Ok(());
            }
        }
    }

    /// Bytes that a stream takes on disk.
    pub(crate) fn used(&self, cell: &Cell) -> u64 {
        let inner = inner(cell);
        let end = self.shared.geometry.extent_from(inner.pos);
        end.saturating_sub(inner.floor.extent)
            .saturating_mul(self.shared.geometry.extent_bytes)
    }

    /// Raises the floor of the stream whose oldest segment is the oldest of all; `false` when nothing may
    /// go. Segments that end after `keep` stay.
    fn raise_oldest(&self, cells: &[Arc<Cell>], keep: Option<UtcMillis>) -> io::Result<bool> {
        let mut by_age: Vec<(UtcMillis, &Arc<Cell>)> = cells
            .iter()
            .map(|cell| (inner(cell).floor.time, cell))
            .collect();
        by_age.sort_by_key(|(time, cell)| (*time, cell.id));
        for (_, cell) in by_age {
            if self.raise_by_step(cell, keep)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn raise_by_step(&self, cell: &Cell, keep: Option<UtcMillis>) -> io::Result<bool> {
        let geometry = &self.shared.geometry;
        let before = inner(cell).floor;
        let last = geometry.extent_of(lock(&cell.index).end().offset);
        let wanted = before.extent.saturating_add(STEP).min(last);
        for extent in [wanted, before.extent.saturating_add(1)] {
            if extent <= before.extent || extent > last {
                continue;
            }
            let row = match first(&self.shared, cell, Query::Offset(geometry.start_of(extent))) {
                Ok(Some(row)) => row,
                Ok(None) => continue,
                Err(error) => {
                    report(cell, error)?;
                    continue;
                }
            };
            if keep.is_none_or(|keep| row.start <= keep) {
                self.raise(cell, row.offset)?;
                return Ok(inner(cell).floor.extent > before.extent);
            }
        }
        Ok(false)
    }

    /// Raises a stream's floor to the segment at `offset`: in memory, then in its file.
    fn raise(&self, cell: &Cell, offset: u64) -> io::Result<()> {
        let before = inner(cell).floor;
        if offset <= before.offset && before.epoch.is_some() {
            return Ok(());
        }
        let Some((time, epoch)) = self.segment_at(cell, offset)? else {
            return Ok(());
        };
        let mut inner = inner(cell);
        let extent = self
            .shared
            .geometry
            .extent_of(offset)
            .max(inner.floor.extent);
        let offset = offset.max(inner.floor.offset);
        let floor = Floor {
            offset,
            extent,
            freed: inner.floor.freed,
            time,
            epoch,
        };
        cell.raise_floor(&mut inner, floor);
        Ok(())
    }

    /// Start and epoch of the segment at `offset`; the epoch is unknown when its header cannot be read.
    fn segment_at(
        &self,
        cell: &Cell,
        offset: u64,
    ) -> io::Result<Option<(UtcMillis, Option<EpochId>)>> {
        let row = match first(&self.shared, cell, Query::Offset(offset)) {
            Ok(row) => row,
            Err(error) => {
                report(cell, error)?;
                None
            }
        };
        Ok(row.map(|row| (row.start, self.epoch_at(cell, row.offset))))
    }

    fn epoch_at(&self, cell: &Cell, offset: u64) -> Option<EpochId> {
        let cell = self.shared.cell(cell.id)?;
        let len = u64::try_from(HEADER_LEN.saturating_add(SEGMENT_HEADER_LEN)).ok()?;
        let shared = Arc::clone(&self.shared);
        let bytes = RangeReader::new(shared, cell, offset, len)
            .read_to_end()
            .ok()?;
        let (record, _) = Record::split(&bytes).ok()??;
        Some(SegmentHeader::decode(record.body).ok()?.scope.epoch)
    }

    /// Deletes what lies below the floors: wraps, then bytes, then their index.
    fn delete_behind(&mut self) -> io::Result<()> {
        let cells = self.shared.all_cells();
        let is_raised = |cell: &&Arc<Cell>| {
            let floor = inner(cell).floor;
            floor.freed < floor.extent || self.is_unsaved(cell, floor)
        };
        let raised: Vec<Arc<Cell>> = cells.iter().filter(is_raised).map(Arc::clone).collect();
        for cell in &raised {
            let (floor, dir) = (inner(cell).floor, lock(&cell.index).dir.clone());
            floor.save(&*self.shared.disk, &dir)?;
            self.keep_manifest(cell, floor, &dir)?;
        }
        let cameras: BTreeSet<CameraId> = raised.iter().map(|cell| cell.id.camera).collect();
        for camera in cameras {
            let own = cells.iter().filter(|cell| cell.id.camera == camera);
            let own: Vec<Arc<Cell>> = own.map(Arc::clone).collect();
            self.settle_floors(&own)?;
            self.delete_envelopes(camera, &own)?;
        }
        for cell in &raised {
            let floor = inner(cell).floor;
            self.free_extents(cell, floor)?;
        }
        if raised.is_empty() {
            return Ok(());
        }
        let syncs = self.volumes.sync()?;
        add(&self.shared.counters.syncs, syncs);
        raised.iter().try_for_each(|cell| self.forget_freed(cell))
    }

    /// The bytes are gone for good: the floor file says so, and what indexed them goes.
    fn forget_freed(&mut self, cell: &Cell) -> io::Result<()> {
        let floor = {
            let mut inner = inner(cell);
            inner.floor.freed = inner.floor.extent;
            inner.floor
        };
        let (dead, dir) = {
            let mut index = lock(&cell.index);
            (
                index.take_below(floor.offset, floor.extent),
                index.dir.clone(),
            )
        };
        floor.save(&*self.shared.disk, &dir)?;
        for path in dead {
            unlink_if_there(&*self.shared.disk, &path)?;
        }
        self.saved_floors.insert(cell.id, floor.offset);
        Ok(())
    }

    /// The last manifest outlives even the last segment: the next one refers to it.
    fn keep_manifest(&self, cell: &Cell, floor: Floor, dir: &str) -> io::Result<()> {
        let manifest = {
            let inner = inner(cell);
            if floor.offset < inner.pos {
                return Ok(());
            }
            inner.manifest.clone()
        };
        let file = self
            .shared
            .disk
            .open(&format!("{dir}/manifest"), Access::CREATE)?;
        file.set_len(0)?;
        file.write_at(&manifest, 0)?;
        file.sync()
    }

    fn is_unsaved(&self, cell: &Cell, floor: Floor) -> bool {
        floor.offset > self.saved_floors.get(&cell.id).copied().unwrap_or_default()
    }

    /// An epoch's envelope goes when the last segments of both renditions that it could open are to go.
    fn delete_envelopes(&self, camera: CameraId, cells: &[Arc<Cell>]) -> io::Result<()> {
        let mut keep_from = u64::MAX;
        for cell in cells {
            let Floor { offset, epoch, .. } = inner(cell).floor;
            let kept = first(&self.shared, cell, Query::Offset(offset));
            if matches!(kept, Ok(None)) {
                continue;
            }
            // A stream whose oldest epoch is unknown keeps them all.
            let sequence =
                epoch.and_then(|epoch| lock(&self.shared.epochs).sequence(camera, epoch));
            keep_from = keep_from.min(sequence.unwrap_or(0));
        }
        lock(&self.shared.epochs).delete_before(&*self.shared.disk, camera, keep_from)?;
        Ok(())
    }

    fn free_extents(&mut self, cell: &Cell, floor: Floor) -> io::Result<()> {
        for number in floor.freed..floor.extent {
            let pending = inner(cell)
                .extents
                .iter()
                .find(|(n, _)| *n == number)
                .map(|(_, p)| *p);
            let place = match pending {
                Some(place) => Some(place),
                None => match locate(&self.shared, cell, number) {
                    Ok(place) => place,
                    Err(error) => {
                        report(cell, error)?;
                        None
                    }
                },
            };
            if let Some(place) = place {
                self.volumes.free(place)?;
            }
        }
        Ok(())
    }

    /// Deletes the oldest of all streams until `bytes` more than the free-space floor are free; `false`
    /// when that cannot be.
    pub(crate) fn make_room(&mut self, now: UtcMillis, bytes: u64) -> io::Result<bool> {
        let wanted = self.shared.config.free_space_floor.saturating_add(bytes);
        let kept = u64::try_from(self.shared.config.min_kept.as_millis()).unwrap_or(u64::MAX);
        let keep = now.saturating_sub(kept);
        let cells = self.shared.all_cells();
        self.settle_floors(&cells)?;
        loop {
            if self.shared.disk.space()?.free >= wanted {
                self.below_floor = false;
                return Ok(true);
            }
            if !self.raise_oldest(&cells, Some(keep))? {
                self.below_floor = true;
                return Ok(false);
            }
            self.delete_behind()?;
            self.volumes.reap()?;
        }
    }

    /// Deletes all of a camera: wraps, then bytes, then the index.
    pub(crate) fn remove_camera(&mut self, camera: CameraId) -> io::Result<()> {
        let cells = self.shared.all_cells();
        let cells: Vec<_> = cells
            .into_iter()
            .filter(|cell| cell.id.camera == camera)
            .collect();
        for cell in &cells {
            let mut inner = inner(cell);
            inner.removed = true;
            let extent = self.shared.geometry.extent_from(inner.pos);
            let offset = u64::MAX;
            let floor = Floor {
                offset,
                extent,
                epoch: None,
                ..inner.floor
            };
            cell.raise_floor(&mut inner, floor);
        }
        self.drop_jobs(|cell| cell.id.camera == camera);
        self.shared.with_queue(|queue| {
            queue.envelopes.retain(|envelope| envelope.camera != camera);
        });
        lock(&self.shared.epochs).delete_all(&*self.shared.disk, camera)?;
        for cell in &cells {
            let floor = inner(cell).floor;
            self.free_extents(cell, floor)?;
            self.forget(cell.id);
            remove_index(&*self.shared.disk, cell.id)?;
            self.shared.remove_cell(cell.id);
        }
        lock(&self.shared.retention).remove(&camera);
        self.save_checkpoint()?;
        self.volumes.sync()?;
        self.volumes.reap()?;
        self.shared.emit(Event::Removed(camera));
        Ok(())
    }
}

/// Damage is repaired elsewhere; a disk that fails is the writer's business.
fn report(cell: &Cell, error: ReadError) -> io::Result<()> {
    match error {
        ReadError::Io(error) => Err(error),
        other => {
            tracing::warn!(stream = %cell.id, err = %other, "retention left a stretch for later");
            Ok(())
        }
    }
}
