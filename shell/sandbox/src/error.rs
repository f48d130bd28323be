//! Why a process could not be locked in. Says what failed; what to do about it is the service's choice.

use std::io;
use std::path::PathBuf;

/// The process is not, or not wholly, locked in.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// Landlock binds the calling thread only, so the others would stay free.
    #[error("the sandbox is entered before any other thread starts; {threads} threads run")]
    Threads {
        /// Threads of this process.
        threads: usize,
    },
    /// `/proc/self/task` can't be listed.
    #[error("the threads of this process can't be counted")]
    CountThreads(#[source] io::Error),
    /// A folder is not fit to be the process's own.
    #[error("{} can't be the process's own folder: {fault}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What is wrong with it.
        fault: FolderFault,
    },
    /// A path that the profile opens can't be looked up.
    #[error("{} can't be opened for the sandbox", path.display())]
    Path {
        /// The path.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// A path that must stay out of reach lies below one that the profile opens.
    #[error("{} must stay out of reach, but lies below {}", inner.display(), outer.display())]
    KeptOut {
        /// What must stay out of reach.
        inner: PathBuf,
        /// What would open it.
        outer: PathBuf,
    },
    /// One of the process-wide switches failed.
    #[error("{call} failed")]
    Process {
        /// The switch.
        call: &'static str,
        /// The operating system's reason.
        source: io::Error,
    },
    /// The kernel refused the Landlock rules.
    #[error("Landlock rules were refused")]
    Landlock(#[source] Box<landlock::RulesetError>),
    /// The system call filter can't be built.
    #[error("the system call filter can't be built")]
    Filter(#[from] seccompiler::BackendError),
    /// The kernel refused the system call filter.
    #[error("the system call filter was refused")]
    Seccomp(#[source] seccompiler::Error),
}

/// What is wrong with a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FolderFault {
    /// A file, a symbolic link or something else.
    #[error("it is not a folder")]
    NotFolder,
    /// The root of the file system, which would open everything.
    #[error("it is the root of the file system")]
    Root,
    /// Others may look in.
    #[error("its mode {mode:04o} lets others in; 0700 is expected")]
    Open {
        /// Permission bits.
        mode: u32,
    },
}

impl From<landlock::RulesetError> for SandboxError {
    fn from(error: landlock::RulesetError) -> Self {
        Self::Landlock(Box::new(error))
    }
}
