//! Making lost parts of an index anew from the recordings, in the background: recording and looking at
//! what is indexed go on meanwhile.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use bartizan_domain::StreamId;

use crate::event::{Alert, Event};
use crate::extent::Place;
use crate::index::{Hole, StreamIndex};
use crate::read::{ReadError, locate};
use crate::shared::{Shared, lock};
use crate::stream::Cell;
use crate::track::Tracker;
use crate::volumes::Volumes;
use crate::walk::{Route, Source, walk};

/// Fills holes of indexes. Hand it to a thread, or step it in tests.
#[derive(Debug)]
pub struct Rebuilder {
    shared: Arc<Shared>,
    holes: Receiver<(StreamId, Hole)>,
}

impl Rebuilder {
    pub(crate) const fn new(shared: Arc<Shared>, holes: Receiver<(StreamId, Hole)>) -> Self {
        Self { shared, holes }
    }

    /// Fills every hole that is known now.
    pub fn step(&self) {
        while let Ok((stream, hole)) = self.holes.try_recv() {
            self.fill(stream, hole);
        }
    }

    /// Fills holes until the recorder is closed.
    pub fn run(self) {
        while let Ok((stream, hole)) = self.holes.recv()
            && !self.shared.is_stopping()
        {
            self.fill(stream, hole);
        }
    }

    fn fill(&self, stream: StreamId, hole: Hole) {
        let Some(cell) = self.shared.cell(stream) else {
            return;
        };
        match rebuild(&self.shared, &cell, hole) {
            Ok(segments) => {
                self.shared
                    .emit(Event::Alert(Alert::IndexRebuilt { stream, segments }));
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                tracing::warn!(%stream, err = %error, "an index could not be made anew");
            }
        }
    }
}

/// Reads what lies in the hole and puts runs into it; gives the number of segments found.
fn rebuild(shared: &Shared, cell: &Cell, hole: Hole) -> io::Result<u64> {
    let extents = find_extents(shared, cell, hole)?;
    let place = |number| match extents.get(&number) {
        Some(place) => Ok(Some(*place)),
        None => locate(shared, cell, number).or_else(|error| match error {
            ReadError::Io(error) => Err(error),
            _ => Ok(None),
        }),
    };
    let source = Source {
        disk: &*shared.disk,
        geometry: &shared.geometry,
        stream: cell.id,
        locate: &place,
        extents_end: shared
            .geometry
            .extent_from(hole.to.offset)
            .max(hole.to.extent),
        is_over: &|| shared.is_stopping(),
    };
    let mut tracker = Tracker::new(cell.id);
    let mut rows = Vec::new();
    let route = Route {
        from: hole.from.offset,
        to: hole.to.offset,
        skip_damage: true,
        within_segment: true,
    };
    let walked = walk(&source, route, &mut tracker, &mut |row| rows.push(row))?;
    rows.extend(tracker.cut(walked.end));
    let extents: Vec<(u64, Place)> = extents.into_iter().collect();
    let mut built = StreamIndex::new(cell.id);
    let first = rows
        .first()
        .map_or((hole.from.number, hole.from.time), |row| {
            (row.number, row.start)
        });
    built.skip_to(hole.from);
    built.append(&extents, &rows, Some(first));
    built.note_manifest(tracker.manifest);
    let drafts = built.finish_drafts(&*shared.disk, hole.to)?;
    let mut index = lock(&cell.index);
    for (path, run) in drafts {
        let sealed = format!("{}/{}", index.dir, run.name());
        if index.insert(run) {
            shared.disk.rename(&path, &sealed)?;
        } else {
            shared.disk.unlink(&path)?;
        }
    }
    Ok(u64::try_from(rows.len()).unwrap_or(u64::MAX))
}

/// The stream's extents in the hole, by their headers. Volumes fill in the order of time, so the
/// extents before and behind the hole say which volumes to look through.
fn find_extents(shared: &Shared, cell: &Cell, hole: Hole) -> io::Result<BTreeMap<u64, Place>> {
    let volume_of = |number: u64| {
        let place = locate(shared, cell, number).ok().flatten()?;
        shared.geometry.volume_of(place)
    };
    let before = hole.from.extent.checked_sub(1).and_then(volume_of);
    let behind = volume_of(hole.to.extent);
    let (from, to) = (before.unwrap_or(0), behind.unwrap_or(u32::MAX));
    // An index that puts what is behind before the rest is no guide: volumes were lost, and begun anew.
    let (from, to) = if from <= to {
        (from, to)
    } else {
        (0, u32::MAX)
    };
    let volumes = Volumes::open(Arc::clone(&shared.disk), shared.geometry, false)?;
    let found = volumes.scan(from, to)?;
    let wanted = hole.from.extent..hole.to.extent;
    Ok(found
        .into_iter()
        .filter(|(_, header)| header.stream == cell.id && wanted.contains(&header.number))
        .map(|(place, header)| (header.number, place))
        .collect())
}
