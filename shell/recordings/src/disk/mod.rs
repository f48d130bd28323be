//! The disk as this crate sees it: few calls, each of which may fail, all behind one trait so that tests
//! can cut the power, fill the disk and pull its plug.
//!
//! Paths are relative to the store's folder, with `/` between names. A call that a file system does not
//! have answers `false`, which is not an error.

mod real;

use std::fmt;
use std::io;
use std::sync::Arc;

pub use real::RealDisk;

/// How a file is opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Access {
    /// For writing too, not only for reading.
    pub write: bool,
    /// Made when missing.
    pub create: bool,
    /// Past the page cache where the file system can; then offset and length of each write are multiples
    /// of a page.
    pub direct: bool,
}

impl Access {
    /// An existing file, to read.
    pub const READ: Self = Self {
        write: false,
        create: false,
        direct: false,
    };
    /// To read and write, made when missing.
    pub const CREATE: Self = Self {
        write: true,
        create: true,
        direct: false,
    };
    /// An existing file, to read and write.
    pub const WRITE: Self = Self {
        write: true,
        create: false,
        direct: false,
    };
}

/// Room on the file system, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Space {
    /// What this process may still use.
    pub free: u64,
    /// All of it.
    pub total: u64,
}

/// Which file system the store's folder is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Device {
    /// The device number.
    pub number: u64,
    /// Whether `/` is on it too: a disk that was unplugged leaves its bare mount point there.
    pub is_root: bool,
}

/// A folder on some file system.
pub trait Disk: fmt::Debug + Send + Sync {
    /// Opens a file.
    fn open(&self, path: &str, access: Access) -> io::Result<Arc<dyn DiskFile>>;
    /// The names in a folder, in any order.
    fn list(&self, dir: &str) -> io::Result<Vec<String>>;
    /// Makes a folder and its missing parents, mode 0700; an existing one is fine.
    fn make_dir(&self, dir: &str) -> io::Result<()>;
    /// Removes an empty folder.
    fn remove_dir(&self, dir: &str) -> io::Result<()>;
    /// Removes a file.
    fn unlink(&self, path: &str) -> io::Result<()>;
    /// Renames a file, replacing what is there.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// Makes names in a folder durable.
    fn sync_dir(&self, dir: &str) -> io::Result<()>;
    /// Makes everything on the file system durable.
    fn sync_all(&self) -> io::Result<()>;
    /// How much room there is.
    fn space(&self) -> io::Result<Space>;
    /// Where the folder lies.
    fn device(&self) -> io::Result<Device>;
    /// Keeps other processes out for as long as this value lives; again after a disk came back.
    fn lock(&self) -> io::Result<()>;
}

/// An open file.
pub trait DiskFile: fmt::Debug + Send + Sync {
    /// Reads at most `buffer`; less only at the end of the file.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;
    /// Writes all of `bytes`.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;
    /// Reserves room; `false` when the file system cannot.
    fn allocate(&self, offset: u64, len: u64) -> io::Result<bool>;
    /// Gives room back, so that the range reads as zeroes; `false` when the file system cannot.
    fn punch(&self, offset: u64, len: u64) -> io::Result<bool>;
    /// Makes data, and the size needed to read it, durable.
    fn sync(&self) -> io::Result<()>;
    /// Length in bytes.
    fn len(&self) -> io::Result<u64>;
    /// Whether nothing is in it.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }
    /// Cuts or extends the file.
    fn set_len(&self, len: u64) -> io::Result<()>;
    /// Bytes that the file takes on the disk.
    fn allocated(&self) -> io::Result<u64>;
    /// Whether writes go past the page cache.
    fn is_direct(&self) -> bool;
}

/// Reads exactly `buffer`, or says that the file ends before.
pub(crate) fn read_exact_at(file: &dyn DiskFile, buffer: &mut [u8], at: u64) -> io::Result<()> {
    match file.read_at(buffer, at)? {
        read if read == buffer.len() => Ok(()),
        _ => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

/// Reads a whole file of at most `max` bytes.
pub(crate) fn read_file(disk: &dyn Disk, path: &str, max: u64) -> io::Result<Vec<u8>> {
    let file = disk.open(path, Access::READ)?;
    let len = file.len()?;
    if len > max {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut bytes = vec![0; usize::try_from(len).unwrap_or_default()];
    read_exact_at(&*file, &mut bytes, 0)?;
    Ok(bytes)
}

/// Unlinks a file that may be gone already.
pub(crate) fn unlink_if_there(disk: &dyn Disk, path: &str) -> io::Result<()> {
    match disk.unlink(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

/// The names in a folder that may not exist.
pub(crate) fn list_if_there(disk: &dyn Disk, dir: &str) -> io::Result<Vec<String>> {
    match disk.list(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        names => names,
    }
}
