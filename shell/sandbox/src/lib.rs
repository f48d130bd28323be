//! Locks a process in, for good: no new privileges, no core dump, only its own files (Landlock), only
//! the system calls that its work needs (seccomp).
//!
//! Two profiles: [`lock_ingest`] for the process that parses hostile media and holds plaintext, and
//! [`lock_gateway`] for the one that serves the API and records ciphertext. Both are entered first in
//! `main`, before any thread starts, and return a [`Report`] of what the kernel really enforces:
//! Landlock may be missing or old (Debian 12's own kernel knows ABI 2), and then the owner is told.
//!
//! A refused call fails softly, with `EPERM` from seccomp or `EACCES` from Landlock, so that the
//! process can log it and go on. What this crate does not do: switch users, make namespaces, limit
//! memory or CPU (the service manager does), or filter addresses (a process without `socket` needs no
//! such filter; the gateway's peers are the firewall's business).
//!
//! Landlock's older gaps are closed by seccomp instead, so that ABI 1 suffices for both profiles:
//! `truncate` by path (ABI 3), ports (ABI 4: the ingest has no `socket`, `bind`, `connect`), device
//! `ioctl` (ABI 5), signals and abstract sockets (ABI 6). Neither hides that a path exists: `stat` is
//! beyond Landlock.
#![forbid(unsafe_code)]

mod error;
mod files;
mod filter;
mod process;
mod report;

use std::path::Path;

use bartizan_domain::sabotage;

pub use error::{FolderFault, SandboxError};
pub use files::GatewayPaths;
pub use report::{Hole, LandlockState, Report, SeccompState};

/// Whether the process ends when the thread that started it ends.
///
/// The kernel watches the starting *thread* (`PR_SET_PDEATHSIG`, prctl(2)), so a supervisor that asks
/// for [`Follows`](Self::Follows) starts the process from a thread that lives as long as it does itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ParentDeath {
    /// It lives on, and notices by the end of its sockets.
    #[default]
    Survives,
    /// It gets `SIGKILL`.
    Follows,
}

/// Locks in the process that parses foreign media and holds plaintext and epoch secrets.
///
/// Afterwards it can use the descriptors that it has and those handed to it by `recvmsg`, and read,
/// write, rename and remove files below `state_dir`: nothing else. It can't open a socket, connect,
/// bind, listen, accept, send to an address of its choice or pass a descriptor on; start or trace a
/// process; signal another one; map executable memory; or open any other file.
///
/// # Errors
/// [`SandboxError::Threads`] when a second thread runs; [`SandboxError::Folder`] unless `state_dir` is
/// a real folder of mode 0700 or tighter; and what the kernel refuses. After an error the process may
/// be partly locked and should end.
pub fn lock_ingest(state_dir: &Path, parent: ParentDeath) -> Result<Report, SandboxError> {
    if sabotage::off("C-2") || sabotage::off("G-8") {
        return Ok(Report::NOTHING);
    }
    process::require_single_thread()?;
    let files = files::ingest(state_dir)?;
    process::harden(parent)?;
    Ok(Report {
        landlock: files::enforce(files)?,
        seccomp: filter::install(&filter::ingest()?)?,
    })
}

/// Locks in the process that serves the API and records sealed streams.
///
/// Afterwards it can read and write below `paths.writable`, and read below `paths.readable`, the name
/// resolver's files, shared libraries and a few kernel files. It can use TCP and UDP, but not raw
/// packet, Unix or other sockets; start, trace or signal a process; mount; load code into the kernel
/// or itself; or use the kernel's less worn doors (`bpf`, `io_uring`, `userfaultfd`, key rings).
///
/// # Errors
/// As for [`lock_ingest`], and [`SandboxError::KeptOut`] when a path of `paths.keep_out` (the ingest's
/// state folder) would be reachable through one of the others.
pub fn lock_gateway(paths: &GatewayPaths<'_>, parent: ParentDeath) -> Result<Report, SandboxError> {
    if sabotage::off("G-8") {
        return Ok(Report::NOTHING);
    }
    process::require_single_thread()?;
    let files = files::gateway(paths)?;
    process::harden(parent)?;
    Ok(Report {
        landlock: files::enforce(files)?,
        seccomp: filter::install(&filter::gateway()?)?,
    })
}
