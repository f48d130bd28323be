//! Which files a profile opens, as Landlock rules. Paths are looked up once, when the lock is entered:
//! a rule holds for the folder found then, wherever it is moved.

use std::fs::Metadata;
use std::io::{self, ErrorKind};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, PathBeneath, PathFd,
    Ruleset, RulesetAttr, RulesetCreatedAttr, Scope, make_bitflags,
};

use crate::{FolderFault, LandlockState, SandboxError};

/// The rules are written for, and tried with, this version; older kernels enforce what they know.
const RULES: ABI = ABI::V6;

/// Reading, without running programs.
const READ: BitFlags<AccessFs> = make_bitflags!(AccessFs::{ReadFile | ReadDir});

/// Ordinary files and folders, without devices, sockets, pipes and links to elsewhere.
const WRITE: BitFlags<AccessFs> = make_bitflags!(AccessFs::{
    ReadFile | ReadDir | WriteFile | Truncate | MakeReg | MakeDir | RemoveFile | RemoveDir | Refer
});

/// What the gateway's resolver, C library and runtime read; whatever is missing is left out.
const SYSTEM: [&str; 17] = [
    // Names: which sources, which servers, which order (nsswitch.conf(5), resolv.conf(5), gai.conf(5)).
    "/etc/nsswitch.conf",
    "/etc/host.conf",
    "/etc/hosts",
    "/etc/resolv.conf",
    "/etc/gai.conf",
    "/etc/services",
    // Name service modules are shared libraries, loaded at the first look-up.
    "/etc/ld.so.cache",
    "/lib",
    "/lib64",
    "/usr/lib",
    // Local time for schedules.
    "/etc/localtime",
    "/usr/share/zoneinfo",
    // Load, memory and CPU count, as posture and thread pools want them.
    "/proc/self",
    "/proc/meminfo",
    "/proc/stat",
    "/sys/devices/system/cpu",
    "/dev/urandom",
];

/// What the gateway's process may touch. Folders must exist when the lock is entered.
#[derive(Debug, Clone, Copy, Default)]
pub struct GatewayPaths<'a> {
    /// Folders to read and write: the data folder, and recordings kept elsewhere.
    pub writable: &'a [&'a Path],
    /// Files and folders to read: the service manager's credentials.
    pub readable: &'a [&'a Path],
    /// What must not be reachable through the others: the ingest's state folder.
    pub keep_out: &'a [&'a Path],
}

/// What one profile handles and opens.
#[derive(Debug)]
pub(crate) struct FileRules {
    opened: Vec<(PathFd, BitFlags<AccessFs>)>,
    bind_network: bool,
}

/// Only below `state_dir`, and no TCP port at all.
pub(crate) fn ingest(state_dir: &Path) -> Result<FileRules, SandboxError> {
    let state_dir = own_folder(state_dir, true)?;
    Ok(FileRules {
        opened: vec![(open(&state_dir)?, WRITE)],
        bind_network: true,
    })
}

/// The given paths and [`SYSTEM`]; the network is free.
pub(crate) fn gateway(paths: &GatewayPaths<'_>) -> Result<FileRules, SandboxError> {
    let mut opened = Vec::new();
    let mut roots = Vec::new();
    for path in paths.writable {
        let path = own_folder(path, false)?;
        opened.push((open(&path)?, WRITE));
        roots.push(path);
    }
    for path in paths.readable {
        let path = real(path)?;
        opened.push((open(&path)?, reading(&path)?));
        roots.push(path);
    }
    for path in system_paths() {
        opened.push((open(&path)?, reading(&path)?));
        roots.push(path);
    }
    if let Some(null) = existing(Path::new("/dev/null")) {
        opened.push((
            open(&null)?,
            make_bitflags!(AccessFs::{ReadFile | WriteFile}),
        ));
    }
    for inner in paths.keep_out {
        keep_out(&real(inner)?, &roots)?;
    }
    Ok(FileRules {
        opened,
        bind_network: false,
    })
}

/// Binds this thread and its children, as far as the kernel can.
pub(crate) fn enforce(rules: FileRules) -> Result<LandlockState, SandboxError> {
    let mut ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(RULES))?
        .scope(Scope::from_all(RULES))?;
    if rules.bind_network {
        ruleset = ruleset.handle_access(AccessNet::from_all(RULES))?;
    }
    let mut created = ruleset.create()?;
    for (path, access) in rules.opened {
        created = created.add_rule(PathBeneath::new(path, access))?;
    }
    Ok(created.restrict_self()?.into())
}

/// A folder that is the process's own: real, not the root, and private if `private`.
fn own_folder(path: &Path, private: bool) -> Result<PathBuf, SandboxError> {
    let found = path
        .symlink_metadata()
        .map_err(|source| failed(path, source))?;
    match folder_fault(&found, private) {
        Some(fault) => Err(SandboxError::Folder {
            path: path.to_owned(),
            fault,
        }),
        None => match real(path)? {
            root if root.parent().is_none() => Err(SandboxError::Folder {
                path: root,
                fault: FolderFault::Root,
            }),
            folder => Ok(folder),
        },
    }
}

fn folder_fault(found: &Metadata, private: bool) -> Option<FolderFault> {
    let mode = found.permissions().mode() & 0o777;
    if !found.is_dir() {
        Some(FolderFault::NotFolder)
    } else if private && mode & 0o077 != 0 {
        Some(FolderFault::Open { mode })
    } else {
        None
    }
}

/// Refuses when `inner` is one of `roots`, below one, or (so that nobody nests them the other way
/// round and believes in a wall) above one.
fn keep_out(inner: &Path, roots: &[PathBuf]) -> Result<(), SandboxError> {
    match roots
        .iter()
        .find(|root| inner.starts_with(root) || root.starts_with(inner))
    {
        None => Ok(()),
        Some(outer) => Err(SandboxError::KeptOut {
            inner: inner.to_owned(),
            outer: outer.clone(),
        }),
    }
}

fn system_paths() -> Vec<PathBuf> {
    let mut paths: Vec<_> = SYSTEM
        .iter()
        .filter_map(|path| existing(Path::new(path)))
        .collect();
    paths.extend(resolver_folder());
    paths
}

/// The folder that really holds `resolv.conf`. The file itself is not enough: network managers replace
/// it, often just after boot, and a rule would stay with the old one. Where it is a plain file, that
/// folder is `/etc`, of which the process then reads what its user may.
fn resolver_folder() -> Option<PathBuf> {
    existing(Path::new("/etc/resolv.conf"))?
        .parent()
        .map(Path::to_owned)
}

fn existing(path: &Path) -> Option<PathBuf> {
    path.canonicalize().ok()
}

fn real(path: &Path) -> Result<PathBuf, SandboxError> {
    path.canonicalize().map_err(|source| failed(path, source))
}

fn reading(path: &Path) -> Result<BitFlags<AccessFs>, SandboxError> {
    let found = path.metadata().map_err(|source| failed(path, source))?;
    Ok(if found.is_dir() {
        READ
    } else {
        AccessFs::ReadFile.into()
    })
}

fn open(path: &Path) -> Result<PathFd, SandboxError> {
    PathFd::new(path).map_err(|error| {
        let cause = std::error::Error::source(&error)
            .and_then(|source| source.downcast_ref::<io::Error>())
            .map_or(ErrorKind::Other, io::Error::kind);
        failed(path, cause.into())
    })
}

fn failed(path: &Path, source: io::Error) -> SandboxError {
    SandboxError::Path {
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(parent: &Path, name: &str, mode: u32) -> PathBuf {
        let path = parent.join(name);
        std::fs::create_dir(&path).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
        path
    }

    fn fault(path: &Path) -> Option<FolderFault> {
        match ingest(path) {
            Err(SandboxError::Folder { fault, .. }) => Some(fault),
            _ => None,
        }
    }

    #[test]
    fn the_state_folder_must_be_real_and_private() {
        let tmp = tempfile::tempdir().unwrap();
        let private = folder(tmp.path(), "private", 0o700);
        assert!(ingest(&private).is_ok());
        let open = folder(tmp.path(), "open", 0o750);
        assert_eq!(fault(&open), Some(FolderFault::Open { mode: 0o750 }));
        let link = tmp.path().join("link");
        std::os::unix::fs::symlink(&private, &link).unwrap();
        assert_eq!(fault(&link), Some(FolderFault::NotFolder));
        let missing = ingest(&tmp.path().join("missing"));
        assert!(matches!(missing, Err(SandboxError::Path { .. })));
        let root = own_folder(Path::new("/"), false);
        assert!(matches!(
            root,
            Err(SandboxError::Folder {
                fault: FolderFault::Root,
                ..
            })
        ));
    }

    #[test]
    fn a_folder_to_keep_out_may_not_be_nested() {
        let tmp = tempfile::tempdir().unwrap();
        let data = folder(tmp.path(), "data", 0o700);
        let inside = folder(&data, "ingest", 0o700);
        let beside = folder(tmp.path(), "ingest", 0o700);
        let with = |keep_out: &Path| {
            gateway(&GatewayPaths {
                writable: &[&data],
                readable: &[],
                keep_out: &[keep_out],
            })
        };
        assert!(with(&beside).is_ok());
        for nested in [inside.as_path(), &data, tmp.path()] {
            assert!(
                matches!(with(nested), Err(SandboxError::KeptOut { .. })),
                "{nested:?}"
            );
        }
    }
}
