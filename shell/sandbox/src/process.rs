//! Process-wide switches that need no rules: no second thread yet, no core dump, no new privileges.

use std::io;

use rustix::process::{
    DumpableBehavior, Resource, Rlimit, Signal, set_dumpable_behavior,
    set_parent_process_death_signal, setrlimit,
};
use rustix::thread::set_no_new_privs;

use crate::{ParentDeath, SandboxError};

/// Refuses when another thread than the caller's runs.
pub(crate) fn require_single_thread() -> Result<(), SandboxError> {
    match thread_count().map_err(SandboxError::CountThreads)? {
        1 => Ok(()),
        threads => Err(SandboxError::Threads { threads }),
    }
}

fn thread_count() -> io::Result<usize> {
    std::fs::read_dir("/proc/self/task")?.try_fold(0_usize, |count, entry| {
        entry.map(|_| count.saturating_add(1))
    })
}

/// Plaintext and keys never reach a core file or a debugger of the same user, and `execve` never gains
/// privileges.
pub(crate) fn harden(parent: ParentDeath) -> Result<(), SandboxError> {
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    step("setrlimit(RLIMIT_CORE)", setrlimit(Resource::Core, none))?;
    // Also hands /proc/self/mem and its kind to root (proc_pid_mem(5)).
    step(
        "prctl(PR_SET_DUMPABLE)",
        set_dumpable_behavior(DumpableBehavior::NotDumpable),
    )?;
    if parent == ParentDeath::Follows {
        let set = set_parent_process_death_signal(Some(Signal::KILL));
        step("prctl(PR_SET_PDEATHSIG)", set)?;
    }
    step("prctl(PR_SET_NO_NEW_PRIVS)", set_no_new_privs(true))
}

fn step(call: &'static str, result: rustix::io::Result<()>) -> Result<(), SandboxError> {
    result.map_err(|errno| SandboxError::Process {
        call,
        source: errno.into(),
    })
}
