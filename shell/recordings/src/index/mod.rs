//! The index of one stream: which segments there are, when, and where their bytes lie.
//!
//! On disk it is a folder of runs; in memory only a line per run. It is never the truth: every row can be
//! read again from the extents, and is when an index is lost.

mod block;
mod run;

use std::io;

use bartizan_domain::{StreamId, UtcMillis};

pub use block::{Block, Builder, Cursor, parse_block};
pub(crate) use run::{IndexError, Key, Run, RunReader, RunView};
pub use run::{Mark, RunName};

use crate::disk::{Disk, list_if_there, unlink_if_there};
use crate::extent::Place;
use crate::track::SegmentRow;

/// A run is ended after this many complete blocks, about a day of two-second segments.
const MAX_BLOCKS: u64 = 256;

/// A run is ended at a pause or jump forward of more than this, so that times far from the others (a
/// clock that was wrong) stay in runs of their own. Milliseconds.
const MAX_LEAP: u64 = 6 * 3_600_000;

/// The catalogue of a stream's runs, in the order of the stream.
#[derive(Debug)]
pub(crate) struct StreamIndex {
    stream: StreamId,
    pub(crate) dir: String,
    runs: Vec<Run>,
    /// Place of the last extent, for the next run's first difference.
    place: u64,
    /// Files were made whose names are not durable yet.
    new_names: bool,
}

/// Makes the names on the way to a folder durable.
fn sync_path(disk: &dyn Disk, dir: &str) -> io::Result<()> {
    let mut path = dir;
    loop {
        disk.sync_dir(path)?;
        match path.rsplit_once('/') {
            Some((parent, _)) => path = parent,
            None => return Ok(()),
        }
    }
}

/// Where a stream's index lies.
pub(crate) fn index_dir(stream: StreamId) -> String {
    format!("index/{}/{}", stream.camera, stream.rendition)
}

/// A stretch that no run covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hole {
    pub(crate) from: Mark,
    pub(crate) to: Mark,
}

impl StreamIndex {
    pub(crate) fn new(stream: StreamId) -> Self {
        Self {
            stream,
            dir: index_dir(stream),
            runs: Vec::new(),
            place: 0,
            new_names: true,
        }
    }

    /// Reads the catalogue from the names, and growing runs as far as they are whole.
    pub(crate) fn load(disk: &dyn Disk, stream: StreamId) -> io::Result<Self> {
        let mut index = Self::new(stream);
        let mut runs = Vec::new();
        for name in list_if_there(disk, &index.dir)? {
            let path = format!("{}/{name}", index.dir);
            match RunName::parse(&name) {
                Some(RunName {
                    first,
                    end: Some(end),
                }) => {
                    runs.push(Run {
                        first,
                        end,
                        writer: None,
                    });
                }
                Some(RunName { first, end: None }) => {
                    match Run::resume(disk, stream, &path, first)? {
                        Some(run) => runs.push(run),
                        None => unlink_if_there(disk, &path)?,
                    }
                }
                None if name.strip_suffix(".tmp").is_some() => unlink_if_there(disk, &path)?,
                None => {}
            }
        }
        runs.sort_by_key(|run| (run.place(), run.end.offset, run.end.extent));
        for run in runs {
            // What overlaps can only be a run that was made anew and not finished.
            if index.runs.last().is_none_or(|last| run.follows(last)) {
                index.runs.push(run);
            }
        }
        Ok(index)
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// Where the next run or row begins.
    pub(crate) fn end(&self) -> Mark {
        self.runs.last().map_or_else(Mark::default, |run| run.end)
    }

    /// Goes on at `mark`, and leaves a hole between the end so far and there.
    pub(crate) fn skip_to(&mut self, mark: Mark) {
        self.runs.push(Run::new(self.stream, mark, self.place));
    }

    /// The last row, if the index has any.
    pub(crate) fn last_row(&self, disk: &dyn Disk) -> Result<Option<SegmentRow>, IndexError> {
        for run in self.runs.iter().rev() {
            let reader = run.view(&self.dir).open(disk)?;
            for block in (0..reader.total()).rev() {
                if let Some(row) = reader.block(block)?.rows.last() {
                    return Ok(Some(*row));
                }
            }
        }
        Ok(None)
    }

    /// Adds extents and rows that are on disk. `hint` is the number and start of the segment that
    /// comes after `rows`; without rows and hint extents cannot be placed in time and are refused.
    pub(crate) fn append(
        &mut self,
        extents: &[(u64, Place)],
        rows: &[SegmentRow],
        hint: Option<(u64, UtcMillis)>,
    ) -> bool {
        let Some((number, time)) = rows.first().map(|row| (row.number, row.start)).or(hint) else {
            return extents.is_empty();
        };
        for (extent, place) in extents {
            self.growing(number, time).push_extent(*extent, *place);
            self.place = place.0;
        }
        for row in rows {
            self.growing_for(row).push_row(row);
        }
        true
    }

    /// Remembers where the last manifest lies.
    pub(crate) fn note_manifest(&mut self, manifest: Option<(u64, u32)>) {
        // In every run that is still written: the last one may not survive.
        for writer in self.runs.iter_mut().filter_map(|run| run.writer.as_mut()) {
            writer.builder.manifest = manifest.or(writer.builder.manifest);
        }
    }

    fn growing(&mut self, number: u64, time: UtcMillis) -> &mut Run {
        if self
            .runs
            .last()
            .is_none_or(|run| run.writer.is_none() || run.is_blank())
        {
            self.start_run(number, time);
        }
        self.runs.last_mut().expect("a run was just begun")
    }

    fn growing_for(&mut self, row: &SegmentRow) -> &mut Run {
        let fits = self.runs.last().is_some_and(|run| {
            let last = run.writer.as_ref().map(|writer| writer.builder.next.time);
            last.is_some_and(|last| row.start.0 >= last && row.start.0 - last <= MAX_LEAP)
                && run.blocks() < MAX_BLOCKS
        });
        if !fits {
            self.start_run(row.number, row.start);
        }
        self.growing(row.number, row.start)
    }

    fn start_run(&mut self, number: u64, time: UtcMillis) {
        let end = self.end();
        // A run without any row never needs a file.
        if self
            .runs
            .last()
            .is_some_and(|run| run.first.offset == run.end.offset && run.is_blank())
        {
            self.runs.pop();
        }
        let first = Mark {
            number: number.max(end.number),
            time,
            ..end
        };
        self.runs.push(Run::new(self.stream, first, self.place));
    }

    /// Puts what is only in memory into the files.
    pub(crate) fn write(&mut self, disk: &dyn Disk) -> io::Result<()> {
        for run in &mut self.runs {
            if run.writer.is_some() {
                let path = format!("{}/{}", self.dir, run.name());
                self.new_names |= !run.has_file();
                match run.write(disk, &path) {
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {
                        disk.make_dir(&self.dir)?;
                        run.write(disk, &path)?;
                    }
                    done => done?,
                }
            }
        }
        Ok(())
    }

    /// Makes one growing run durable and seals it when another follows it. Gives the number of syncs.
    pub(crate) fn settle(&mut self, disk: &dyn Disk) -> io::Result<u64> {
        let last = self.runs.len().saturating_sub(1);
        let mut syncs = 0;
        for (at, run) in self.runs.iter_mut().enumerate() {
            if run.writer.is_none() {
                continue;
            }
            let path = format!("{}/{}", self.dir, run.name());
            run.write(disk, &path)?;
            if run.sync()? {
                syncs += 1;
                if std::mem::take(&mut self.new_names) {
                    sync_path(disk, &self.dir)?;
                    syncs += 1;
                }
            }
            if at < last && run.has_file() {
                disk.rename(&path, &format!("{}/{}", self.dir, run.sealed_name()))?;
                run.writer = None;
            }
        }
        Ok(syncs)
    }

    /// Whether every entry is in a file and durable.
    pub(crate) fn is_settled(&self) -> bool {
        self.runs.iter().all(Run::is_settled)
    }

    /// Number behind the last extent that is durably indexed.
    pub(crate) fn settled_extents(&self) -> u64 {
        self.runs
            .iter()
            .map(Run::settled_extent)
            .max()
            .unwrap_or_default()
    }

    fn run_of_extent(&self, extent: u64) -> Option<&Run> {
        let after = self.runs.partition_point(|run| run.first.extent <= extent);
        after.checked_sub(1).and_then(|at| self.runs.get(at))
    }

    /// The run that knows where `extent` lies.
    pub(crate) fn view_of_extent(&self, extent: u64) -> Option<RunView> {
        let run = self.run_of_extent(extent)?;
        (extent < run.end.extent).then(|| run.view(&self.dir))
    }

    /// Every run, in the order of the stream, of which `wanted` holds for its begin and end.
    pub(crate) fn views(&self, wanted: impl Fn(&Mark, &Mark) -> bool) -> Vec<RunView> {
        let chosen = self.runs.iter().filter(|run| wanted(&run.first, &run.end));
        chosen.map(|run| run.view(&self.dir)).collect()
    }

    /// Where the first run begins and the last ends.
    pub(crate) fn ends(&self) -> Option<(Mark, Mark)> {
        Some((self.runs.first()?.first, self.runs.last()?.end))
    }

    /// The last manifest that the index knows of.
    pub(crate) fn manifest(&self, disk: &dyn Disk) -> Option<(u64, u32)> {
        self.runs.iter().rev().take(4).find_map(|run| {
            let reader = run.view(&self.dir).open(disk).ok()?;
            reader.block(reader.total().checked_sub(1)?).ok()?.manifest
        })
    }

    /// Stretches between `from` and the last run that no run covers.
    pub(crate) fn holes(&self, from: Mark) -> Vec<Hole> {
        let mut holes = Vec::new();
        let mut at = from;
        for run in &self.runs {
            if run.first.extent > at.extent || run.first.offset > at.offset {
                holes.push(Hole {
                    from: at,
                    to: run.first,
                });
            }
            at = run.end;
        }
        holes
    }

    /// Takes out the run that begins at `first`, because it cannot be read; gives its path and the hole.
    pub(crate) fn take_damaged(&mut self, first: Mark) -> Option<(String, Hole)> {
        let at = self.runs.iter().position(|run| run.first == first)?;
        let run = self.runs.remove(at);
        let hole = Hole {
            from: run.first,
            to: run.end,
        };
        Some((format!("{}/{}", self.dir, run.name()), hole))
    }

    /// Ends the last run at `end`, which may lie behind its last entry, and makes it durable as a draft;
    /// gives all runs with the drafts' paths.
    pub(crate) fn finish_drafts(
        mut self,
        disk: &dyn Disk,
        end: Mark,
    ) -> io::Result<Vec<(String, Run)>> {
        if let Some(run) = self.runs.last_mut() {
            run.end = Mark {
                time: run.end.time,
                ..end
            };
        }
        disk.make_dir(&self.dir)?;
        let mut drafts = Vec::new();
        for (at, mut run) in self.runs.into_iter().enumerate() {
            let path = format!("{}/draft-{at}.tmp", self.dir);
            run.touch();
            run.write(disk, &path)?;
            run.sync()?;
            run.writer = None;
            drafts.push((path, run));
        }
        Ok(drafts)
    }

    /// Puts a run that was made anew into its hole; `false` when it no longer fits.
    pub(crate) fn insert(&mut self, run: Run) -> bool {
        let at = self
            .runs
            .partition_point(|other| other.place() <= run.place());
        let fits_before = at
            .checked_sub(1)
            .and_then(|at| self.runs.get(at))
            .is_none_or(|other| run.follows(other));
        let fits_behind = self.runs.get(at).is_none_or(|other| other.follows(&run));
        if fits_before && fits_behind {
            self.runs.insert(at, run);
        }
        fits_before && fits_behind
    }

    /// Takes out the runs, but the last, that lie wholly before a floor; gives their paths.
    pub(crate) fn take_below(&mut self, offset: u64, extent: u64) -> Vec<String> {
        let dead = self.runs.iter().take_while(|run| {
            run.writer.is_none() && run.end.offset <= offset && run.end.extent <= extent
        });
        let dead = dead.count().min(self.runs.len().saturating_sub(1));
        self.runs
            .drain(..dead)
            .map(|run| format!("{}/{}", self.dir, run.name()))
            .collect()
    }
}
