//! A small disk of its own, that can be filled up and can fail: an ext4 file system in a file, mounted over the
//! loop device. It needs the rights to mount; without them it says so, and its test shows nothing.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::process;

/// How long `mkfs` and `mount` may take.
const LIMIT: Duration = Duration::from_secs(30);

/// A mounted disk. It is unmounted and gone when this is dropped.
#[derive(Debug)]
pub struct SmallDisk {
    mounted: PathBuf,
    /// Holds the file system's file and the mount point.
    _folder: TempDir,
}

impl SmallDisk {
    /// Makes and mounts one of `mib` MiB.
    ///
    /// # Errors
    /// This process may not, or the machine can't.
    pub fn new(mib: u64) -> Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("bartizan-disk-")
            .tempdir()?;
        let (image, mounted) = (folder.path().join("image"), folder.path().join("mounted"));
        fs::File::create(&image)?.set_len(mib * 1024 * 1024)?;
        fs::create_dir(&mounted)?;
        // No journal of its own size's share, no blocks kept for root: what is free is free for us.
        let mut mkfs = process::command("mkfs.ext4");
        mkfs.args(["-q", "-F", "-m", "0", "-O", "^has_journal"])
            .arg(&image);
        process::must(&mut mkfs, LIMIT).context("no file system can be made")?;
        let mut mount = process::command("mount");
        mount
            .args(["-o", "loop,errors=remount-ro"])
            .arg(&image)
            .arg(&mounted);
        process::must(&mut mount, LIMIT).context("nothing can be mounted")?;
        Ok(Self {
            mounted,
            _folder: folder,
        })
    }

    /// Where it is mounted.
    pub fn path(&self) -> &Path {
        &self.mounted
    }

    /// Fills it until `left` KiB are free.
    ///
    /// # Errors
    /// The disk does not say how much is free.
    pub fn fill(&self, left: u64) -> Result<()> {
        let stat = rustix::fs::statvfs(&self.mounted)?;
        let free = stat.f_bavail.saturating_mul(stat.f_frsize);
        let fill = free.saturating_sub(left * 1024);
        let file = fs::File::create(self.filler())?;
        rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, fill.max(1))?;
        Ok(())
    }

    /// Makes room again.
    ///
    /// # Errors
    /// It was not filled.
    pub fn clear(&self) -> Result<()> {
        Ok(fs::remove_file(self.filler())?)
    }

    fn filler(&self) -> PathBuf {
        self.mounted.join("filler")
    }

    /// Lets it fail as a dying disk does: from now on every write is refused with `EROFS`.
    ///
    /// # Errors
    /// The kernel does not let it.
    pub fn fail(&self) -> Result<()> {
        let mut mount = process::command("mount");
        mount.args(["-o", "remount,abort"]).arg(&self.mounted);
        process::must(&mut mount, LIMIT).context("the disk can't be made to fail")?;
        Ok(())
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let mut umount = process::command("umount");
        // Lazily, in case a killed program lingers: nothing of it is wanted any more.
        drop(process::run(umount.arg("-l").arg(&self.mounted), LIMIT));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disk() -> Option<SmallDisk> {
        SmallDisk::new(32)
            .map_err(|error| crate::skipped(&format!("{error:#}")))
            .ok()
    }

    #[test]
    fn a_small_disk_fills_up_and_empties() {
        let Some(disk) = disk() else { return };
        disk.fill(100).unwrap();
        let full = fs::write(disk.path().join("more"), vec![7; 1_000_000]).unwrap_err();
        assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);
        disk.clear().unwrap();
        fs::write(disk.path().join("more"), vec![7; 1_000_000]).unwrap();
    }

    #[test]
    fn a_failed_disk_takes_nothing_any_more() {
        let Some(disk) = disk() else { return };
        fs::write(disk.path().join("before"), b"x").unwrap();
        disk.fail().unwrap();
        assert!(fs::write(disk.path().join("after"), b"x").is_err());
        assert_eq!(fs::read(disk.path().join("before")).unwrap(), b"x");
    }
}
