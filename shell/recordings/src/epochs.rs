//! Envelopes: one small file per epoch, apart from the recordings so that they can be deleted first.
//!
//! Without its envelope an epoch's video cannot be opened by anybody. Files are numbered in the order of
//! arrival, because epoch ids sort by a clock that may jump.

use std::collections::BTreeMap;
use std::io;

use bartizan_domain::{CameraId, EpochId, UtcMillis};

use crate::disk::{Access, Disk, list_if_there, read_file, unlink_if_there};
use crate::shared::Envelope;

/// Largest envelope record: 256 wraps of 1,186 bytes and the fixed fields fit.
pub const MAX_ENVELOPE: usize = 512 * 1024;

/// From this many envelopes on, one sync of the file system is cheaper than one per file.
const SYNC_ALL_FROM: usize = 4;

/// Which epochs have an envelope here.
#[derive(Debug, Default)]
pub(crate) struct Epochs {
    cameras: BTreeMap<CameraId, Vec<(u64, EpochId)>>,
}

fn dir_of(camera: CameraId) -> String {
    format!("epochs/{camera}")
}

fn path_of(camera: CameraId, sequence: u64, epoch: EpochId) -> String {
    format!("epochs/{camera}/{sequence:016x}-{epoch}.env")
}

fn parse_name(name: &str) -> Option<(u64, EpochId)> {
    let (sequence, epoch) = name.strip_suffix(".env")?.split_once('-')?;
    if sequence.len() != 16 || !sequence.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    Some((u64::from_str_radix(sequence, 16).ok()?, epoch.parse().ok()?))
}

/// The time that an epoch's id begins with.
pub fn epoch_start(epoch: EpochId) -> UtcMillis {
    let mut time = [0; 8];
    time.iter_mut()
        .skip(2)
        .zip(epoch.as_bytes())
        .for_each(|(to, from)| *to = *from);
    UtcMillis(u64::from_be_bytes(time))
}

impl Epochs {
    /// Reads the catalogue from the names; removes what was not finished.
    pub(crate) fn load(disk: &dyn Disk) -> io::Result<Self> {
        let mut epochs = Self::default();
        for name in list_if_there(disk, "epochs")? {
            let Ok(camera) = name.parse::<CameraId>() else {
                continue;
            };
            let mut found = Vec::new();
            for name in disk.list(&dir_of(camera))? {
                match parse_name(&name) {
                    Some(entry) => found.push(entry),
                    None => unlink_if_there(disk, &format!("{}/{name}", dir_of(camera)))?,
                }
            }
            found.sort_unstable();
            epochs.cameras.insert(camera, found);
        }
        Ok(epochs)
    }

    pub(crate) fn cameras(&self) -> impl Iterator<Item = CameraId> {
        self.cameras.keys().copied()
    }

    /// Makes envelopes durable, all with few syncs, and gives the number of syncs. They are known
    /// only when that has worked.
    pub(crate) fn write(&mut self, disk: &dyn Disk, envelopes: &[Envelope]) -> io::Result<u64> {
        let mut drafts = Vec::new();
        let mut next = BTreeMap::new();
        for envelope in envelopes {
            let Envelope {
                camera,
                epoch,
                record,
            } = envelope;
            if self.sequence(*camera, *epoch).is_some() {
                continue;
            }
            let number = next
                .entry(*camera)
                .or_insert_with(|| self.next_sequence(*camera));
            let path = path_of(*camera, *number, *epoch);
            disk.make_dir(&dir_of(*camera))?;
            let file = disk.open(&format!("{path}.tmp"), Access::CREATE)?;
            file.set_len(0)?;
            file.write_at(record, 0)?;
            drafts.push((*camera, *number, *epoch, path, file));
            *number = number.saturating_add(1);
        }
        let together = drafts.len() >= SYNC_ALL_FROM;
        let mut syncs = 0;
        for (.., file) in drafts.iter().filter(|_| !together) {
            file.sync()?;
            syncs += 1;
        }
        if together {
            disk.sync_all()?;
            syncs += 1;
        }
        for (.., path, _) in &drafts {
            disk.rename(&format!("{path}.tmp"), path)?;
        }
        syncs += sync_names(disk, drafts.iter().map(|draft| draft.0), together)?;
        for (camera, number, epoch, ..) in drafts {
            self.cameras
                .entry(camera)
                .or_default()
                .push((number, epoch));
        }
        Ok(syncs)
    }

    fn next_sequence(&self, camera: CameraId) -> u64 {
        let last = self.cameras.get(&camera).and_then(|entries| entries.last());
        last.map_or(0, |(sequence, _)| sequence.saturating_add(1))
    }

    /// The place of an epoch in the order of arrival.
    pub(crate) fn sequence(&self, camera: CameraId, epoch: EpochId) -> Option<u64> {
        let entries = self.cameras.get(&camera)?;
        entries
            .iter()
            .find(|(_, id)| *id == epoch)
            .map(|(sequence, _)| *sequence)
    }

    pub(crate) fn path(&self, camera: CameraId, epoch: EpochId) -> Option<String> {
        Some(path_of(camera, self.sequence(camera, epoch)?, epoch))
    }

    /// Epochs that may hold something between `from` and `to`, in order of arrival.
    pub(crate) fn between(&self, camera: CameraId, from: UtcMillis, to: UtcMillis) -> Vec<EpochId> {
        let Some(entries) = self.cameras.get(&camera) else {
            return Vec::new();
        };
        let mut found = Vec::new();
        for (at, (_, epoch)) in entries.iter().enumerate() {
            let start = epoch_start(*epoch);
            let next = entries
                .get(at.saturating_add(1))
                .map(|(_, next)| epoch_start(*next));
            // An epoch lasts until the next begins; after a clock that went back nobody knows.
            let reaches = next.is_none_or(|next| next > from || next < start);
            if start < to && reaches {
                found.push(*epoch);
            }
        }
        found
    }

    /// Deletes a camera's envelopes that arrived before `sequence`, but never the newest; gives how
    /// many. They are gone for good when this returns.
    pub(crate) fn delete_before(
        &mut self,
        disk: &dyn Disk,
        camera: CameraId,
        sequence: u64,
    ) -> io::Result<usize> {
        let Some(entries) = self.cameras.get_mut(&camera) else {
            return Ok(0);
        };
        let old = entries
            .iter()
            .take_while(|(number, _)| *number < sequence)
            .count();
        let dead = old.min(entries.len().saturating_sub(1));
        for (number, epoch) in entries.iter().take(dead) {
            unlink_if_there(disk, &path_of(camera, *number, *epoch))?;
        }
        if dead > 0 {
            disk.sync_dir(&dir_of(camera))?;
            entries.drain(..dead);
        }
        Ok(dead)
    }

    /// Deletes all envelopes of a camera.
    pub(crate) fn delete_all(&mut self, disk: &dyn Disk, camera: CameraId) -> io::Result<()> {
        let dir = dir_of(camera);
        let names = list_if_there(disk, &dir)?;
        for name in &names {
            unlink_if_there(disk, &format!("{dir}/{name}"))?;
        }
        if !names.is_empty() {
            disk.sync_dir(&dir)?;
        }
        self.cameras.remove(&camera);
        match disk.remove_dir(&dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            done => done,
        }
    }
}

/// Makes new names durable: those of the cameras' folders and of the folder above, which may be new.
fn sync_names(
    disk: &dyn Disk,
    cameras: impl Iterator<Item = CameraId>,
    together: bool,
) -> io::Result<u64> {
    let mut dirs: Vec<String> = cameras.map(dir_of).collect();
    dirs.sort_unstable();
    dirs.dedup();
    if dirs.is_empty() {
        return Ok(0);
    }
    if together {
        disk.sync_all()?;
        return Ok(1);
    }
    dirs.push("epochs".to_owned());
    for dir in &dirs {
        disk.sync_dir(dir)?;
    }
    Ok(u64::try_from(dirs.len()).unwrap_or(u64::MAX))
}

/// Reads an envelope record.
pub(crate) fn read_envelope(disk: &dyn Disk, path: &str) -> io::Result<Vec<u8>> {
    read_file(disk, path, u64::try_from(MAX_ENVELOPE).unwrap_or(u64::MAX))
}
