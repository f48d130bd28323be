//! Files that survive a power cut and stay private: atomic writes, bounded reads, 0600 and 0700.
//!
//! For small files (keys, heads, configuration). Recordings and databases have their own crates.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};

use crate::random;

/// Why a file could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The operating system refused.
    #[error("{} can't be {}", path.display(), act.done())]
    Io {
        /// What was tried.
        act: Act,
        /// The file or folder.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// The file is larger than what is expected there.
    #[error("{} is larger than {max} bytes", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The limit in bytes.
        max: u64,
    },
    /// Others than the owner may use it.
    #[error("{} has mode {mode:04o}, which lets others in", path.display())]
    Exposed {
        /// The file or folder.
        path: PathBuf,
        /// Permission bits.
        mode: u32,
    },
}

/// What was tried with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Creating a folder.
    Create,
    /// Opening or reading.
    Read,
    /// Giving it its name.
    Rename,
    /// Writing it, or making it durable.
    Write,
}

impl Act {
    const fn done(self) -> &'static str {
        match self {
            Self::Create => "created",
            Self::Read => "read",
            Self::Rename => "put in place",
            Self::Write => "written",
        }
    }
}

impl FileError {
    /// Whether the cause is that there is no such file.
    pub fn is_not_found(&self) -> bool {
        self.io_kind() == Some(ErrorKind::NotFound)
    }

    /// Whether the cause is that there is such a file already.
    pub fn is_already_exists(&self) -> bool {
        self.io_kind() == Some(ErrorKind::AlreadyExists)
    }

    fn io_kind(&self) -> Option<ErrorKind> {
        match self {
            Self::Io { source, .. } => Some(source.kind()),
            Self::TooLarge { .. } | Self::Exposed { .. } => None,
        }
    }
}

/// Makes `path` and its missing parents as folders of mode 0700. An existing folder stays as it is, but
/// must be private.
pub fn create_private_dir(path: &Path) -> Result<(), FileError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(failed(Act::Create, path))?;
    let found = fs::metadata(path).map_err(failed(Act::Read, path))?;
    refuse_mode(path, found.mode(), 0o077)
}

/// Reads at most `max` bytes; a longer file is an error, before its rest is read.
pub fn read_bounded(path: &Path, max: u64) -> Result<Vec<u8>, FileError> {
    let file = File::open(path).map_err(failed(Act::Read, path))?;
    read_rest(file, path, max)
}

/// Reads like [`read_bounded`], but refuses a file that any of the permission bits in `forbidden`
/// exposes (0o077: group and others). Mode and bytes are those of the same open file.
pub fn read_private(path: &Path, max: u64, forbidden: u32) -> Result<Vec<u8>, FileError> {
    let file = File::open(path).map_err(failed(Act::Read, path))?;
    read_open(file, path, max, forbidden)
}

/// Reads like [`read_private`] a file that somebody else opened; `name` stands for its path in errors.
pub fn read_open(file: File, name: &Path, max: u64, forbidden: u32) -> Result<Vec<u8>, FileError> {
    let found = file.metadata().map_err(failed(Act::Read, name))?;
    refuse_mode(name, found.mode(), forbidden)?;
    read_rest(file, name, max)
}

/// Puts `bytes` at `path`, with mode 0600, replacing what is there. After a power cut the old file or
/// the new one is there, whole.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    place(path, bytes, RenameFlags::empty())
}

/// Like [`write_atomic`], but never replaces: of two writers one fails, see
/// [`FileError::is_already_exists`].
pub fn write_new(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    place(path, bytes, RenameFlags::NOREPLACE)
}

fn place(path: &Path, bytes: &[u8], flags: RenameFlags) -> Result<(), FileError> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let draft = draft_name(path)?;
    let placed = write_draft(&draft, bytes).and_then(|()| {
        let renamed = renameat_with(CWD, &draft, CWD, path, flags);
        renamed.map_err(|errno| failed(Act::Rename, path)(errno.into()))
    });
    if placed.is_err() {
        // The error at hand says more than a failure to clean up would.
        drop(fs::remove_file(&draft));
    }
    placed?;
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(failed(Act::Write, folder))
}

/// A name beside `path` that nobody else uses.
fn draft_name(path: &Path) -> Result<PathBuf, FileError> {
    let random =
        random::bytes::<8>().map_err(|error| failed(Act::Write, path)(io::Error::other(error)))?;
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{:016x}.tmp", u64::from_be_bytes(random)));
    Ok(path.with_file_name(name))
}

fn write_draft(draft: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    let written = options.open(draft).and_then(|mut file| {
        file.write_all(bytes)?;
        // Whatever the umask left.
        file.set_permissions(PermissionsExt::from_mode(0o600))?;
        file.sync_all()
    });
    written.map_err(failed(Act::Write, draft))
}

fn read_rest(file: File, path: &Path, max: u64) -> Result<Vec<u8>, FileError> {
    let mut bytes = Vec::new();
    let mut bounded = file.take(max.saturating_add(1));
    let read = bounded.read_to_end(&mut bytes);
    read.map_err(failed(Act::Read, path))?;
    if u64::try_from(bytes.len()).is_ok_and(|len| len <= max) {
        Ok(bytes)
    } else {
        let path = path.to_owned();
        Err(FileError::TooLarge { path, max })
    }
}

fn refuse_mode(path: &Path, mode: u32, forbidden: u32) -> Result<(), FileError> {
    let mode = mode & 0o777;
    if mode & forbidden == 0 {
        return Ok(());
    }
    let path = path.to_owned();
    Err(FileError::Exposed { path, mode })
}

fn failed(act: Act, path: &Path) -> impl FnOnce(io::Error) -> FileError {
    let path = path.to_owned();
    move |source| FileError::Io { act, path, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o777
    }

    #[test]
    fn a_written_file_is_private_whole_and_alone() {
        let tmp = tempfile::tempdir().unwrap();
        let path = tmp.path().join("head");
        write_atomic(&path, b"one").unwrap();
        write_atomic(&path, b"two").unwrap();
        assert_eq!(read_bounded(&path, 3).unwrap(), b"two");
        assert_eq!(mode(&path), 0o600);
        assert_eq!(fs::read_dir(tmp.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_new_file_never_replaces_one() {
        let tmp = tempfile::tempdir().unwrap();
        let path = tmp.path().join("root.key");
        write_new(&path, b"one").unwrap();
        assert!(write_new(&path, b"two").unwrap_err().is_already_exists());
        assert_eq!(fs::read(&path).unwrap(), b"one");
        assert_eq!(fs::read_dir(tmp.path()).unwrap().count(), 1);
    }

    #[test]
    fn reading_stops_at_the_limit() {
        let tmp = tempfile::tempdir().unwrap();
        let path = tmp.path().join("long");
        fs::write(&path, [0; 100]).unwrap();
        assert_eq!(read_bounded(&path, 100).unwrap().len(), 100);
        let refused = read_bounded(&path, 99);
        assert!(matches!(refused, Err(FileError::TooLarge { max: 99, .. })));
        assert!(matches!(
            read_bounded(Path::new("/dev/zero"), 10),
            Err(FileError::TooLarge { .. })
        ));
        assert!(
            read_bounded(&tmp.path().join("none"), 1)
                .unwrap_err()
                .is_not_found()
        );
    }

    #[test]
    fn folders_are_private_or_refused() {
        let tmp = tempfile::tempdir().unwrap();
        let deep = tmp.path().join("a/b");
        create_private_dir(&deep).unwrap();
        create_private_dir(&deep).unwrap();
        assert_eq!([mode(&deep), mode(&tmp.path().join("a"))], [0o700; 2]);
        fs::set_permissions(&deep, PermissionsExt::from_mode(0o755)).unwrap();
        let refused = create_private_dir(&deep);
        assert!(matches!(
            refused,
            Err(FileError::Exposed { mode: 0o755, .. })
        ));
    }

    #[test]
    fn an_exposed_file_is_refused() {
        let tmp = tempfile::tempdir().unwrap();
        let path = tmp.path().join("secret");
        fs::write(&path, "x").unwrap();
        fs::set_permissions(&path, PermissionsExt::from_mode(0o640)).unwrap();
        assert!(matches!(
            read_private(&path, 9, 0o077),
            Err(FileError::Exposed { .. })
        ));
        assert_eq!(read_private(&path, 9, 0o007).unwrap(), b"x");
    }
}
