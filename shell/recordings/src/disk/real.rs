//! The machine's own disk, through rustix. Nothing is decided here.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::fs::{FallocateFlags, FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use super::{Access, Device, Disk, DiskFile, Space};

/// A folder of the machine's file systems.
#[derive(Debug)]
pub struct RealDisk {
    root: PathBuf,
    lock: Mutex<Option<File>>,
}

impl RealDisk {
    /// The folder `root`, made (mode 0700) when missing, except for its parents.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self {
            root: root.into(),
            lock: Mutex::new(None),
        }
    }

    fn at(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }
}

fn open(path: &Path, access: Access) -> rustix::io::Result<File> {
    let mut flags = OFlags::CLOEXEC | OFlags::NOFOLLOW;
    flags |= if access.write {
        OFlags::RDWR
    } else {
        OFlags::RDONLY
    };
    if access.create {
        flags |= OFlags::CREATE;
    }
    if access.direct {
        flags |= OFlags::DIRECT;
    }
    rustix::fs::open(path, flags, Mode::RUSR | Mode::WUSR).map(File::from)
}

impl Disk for RealDisk {
    fn open(&self, path: &str, access: Access) -> io::Result<Arc<dyn DiskFile>> {
        let path = self.at(path);
        let (file, direct) = match open(&path, access) {
            // Some file systems have no direct writes (tmpfs, some FUSE).
            Err(Errno::INVAL) if access.direct => (
                open(
                    &path,
                    Access {
                        direct: false,
                        ..access
                    },
                )?,
                false,
            ),
            opened => (opened?, access.direct),
        };
        Ok(Arc::new(RealFile {
            file,
            direct: AtomicBool::new(direct),
        }))
    }

    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(self.at(dir))? {
            // A name that is not text is not ours.
            if let Ok(name) = entry?.file_name().into_string() {
                names.push(name);
            }
        }
        Ok(names)
    }

    fn make_dir(&self, dir: &str) -> io::Result<()> {
        let wanted = self.at(dir);
        // The root's parent is the mount point's business: it is never made here.
        match DirBuilder::new().mode(0o700).create(&self.root) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => made?,
        }
        DirBuilder::new().recursive(true).mode(0o700).create(wanted)
    }

    fn remove_dir(&self, dir: &str) -> io::Result<()> {
        fs::remove_dir(self.at(dir))
    }

    fn unlink(&self, path: &str) -> io::Result<()> {
        fs::remove_file(self.at(path))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.at(from), self.at(to))
    }

    fn sync_dir(&self, dir: &str) -> io::Result<()> {
        File::open(self.at(dir))?.sync_all()
    }

    fn sync_all(&self) -> io::Result<()> {
        Ok(rustix::fs::syncfs(File::open(&self.root)?)?)
    }

    fn space(&self) -> io::Result<Space> {
        let found = rustix::fs::statvfs(&self.root)?;
        Ok(Space {
            free: found.f_bavail.saturating_mul(found.f_frsize),
            total: found.f_blocks.saturating_mul(found.f_frsize),
        })
    }

    fn device(&self) -> io::Result<Device> {
        let number = fs::metadata(&self.root)?.dev();
        let is_root = fs::metadata("/")?.dev() == number;
        Ok(Device { number, is_root })
    }

    fn lock(&self) -> io::Result<()> {
        let mut held = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        // The old one first: after a remount it may be the same file.
        *held = None;
        let file = open(&self.at("lock"), Access::CREATE)?;
        rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive)?;
        *held = Some(file);
        Ok(())
    }
}

#[derive(Debug)]
struct RealFile {
    file: File,
    direct: AtomicBool,
}

impl RealFile {
    /// Goes back to the page cache: some file systems take the flag and refuse the write.
    fn leave_direct(&self) -> rustix::io::Result<()> {
        let flags = rustix::fs::fcntl_getfl(&self.file)? - OFlags::DIRECT;
        rustix::fs::fcntl_setfl(&self.file, flags)?;
        self.direct.store(false, Ordering::Relaxed);
        Ok(())
    }
}

impl DiskFile for RealFile {
    fn read_at(&self, mut buffer: &mut [u8], mut offset: u64) -> io::Result<usize> {
        let mut done: usize = 0;
        while !buffer.is_empty() {
            let read = match rustix::io::pread(&self.file, &mut *buffer, offset) {
                Err(Errno::INTR) => continue,
                read => read?,
            };
            if read == 0 {
                break;
            }
            done = done.saturating_add(read);
            offset = offset.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
            buffer = buffer.get_mut(read..).unwrap_or_default();
        }
        Ok(done)
    }

    fn write_at(&self, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
        while !bytes.is_empty() {
            let written = match rustix::io::pwrite(&self.file, bytes, offset) {
                Err(Errno::INTR) => continue,
                Err(Errno::INVAL) if self.is_direct() => {
                    self.leave_direct()?;
                    continue;
                }
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                written => written?,
            };
            offset = offset.saturating_add(u64::try_from(written).unwrap_or(u64::MAX));
            bytes = bytes.get(written..).unwrap_or_default();
        }
        Ok(())
    }

    fn allocate(&self, offset: u64, len: u64) -> io::Result<bool> {
        supported(rustix::fs::fallocate(
            &self.file,
            FallocateFlags::empty(),
            offset,
            len,
        ))
    }

    fn punch(&self, offset: u64, len: u64) -> io::Result<bool> {
        let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
        supported(rustix::fs::fallocate(&self.file, flags, offset, len))
    }

    fn sync(&self) -> io::Result<()> {
        Ok(rustix::fs::fdatasync(&self.file)?)
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }

    fn allocated(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.blocks().saturating_mul(512))
    }

    fn is_direct(&self) -> bool {
        self.direct.load(Ordering::Relaxed)
    }
}

fn supported(result: rustix::io::Result<()>) -> io::Result<bool> {
    match result {
        Ok(()) => Ok(true),
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
