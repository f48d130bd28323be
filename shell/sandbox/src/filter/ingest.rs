//! The allow-list of `bartizan-ingest`: what reading, sealing and writing of streams needs, and nothing
//! that opens a new way out of the process. Every call that is not here gets `EPERM`.

use libc::{
    AF_UNIX, F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_GETFL, F_GETLK, F_OFD_GETLK, F_OFD_SETLK,
    F_SETFD, F_SETFL, F_SETLK, FIOCLEX, FIONBIO, FIONREAD, IPPROTO_TCP, PR_SET_NAME, PROT_EXEC,
    SOL_SOCKET, TCGETS, c_long,
};
use seccompiler::{BackendError, BpfProgram};

use super::{Calls, THREAD, THREAD_MASK, Test};
use crate::SandboxError;

/// `renameat` on `aarch64` (`asm-generic/unistd.h`), which the libc crate does not name.
#[cfg(target_arch = "aarch64")]
const SYS_RENAMEAT: c_long = 38;
#[cfg(target_arch = "x86_64")]
const SYS_RENAMEAT: c_long = libc::SYS_renameat;

/// Commands of `fcntl`: flags, copies and advisory locks.
const COMMANDS: [u64; 10] = [
    F_DUPFD as u64,
    F_DUPFD_CLOEXEC as u64,
    F_GETFD as u64,
    F_SETFD as u64,
    F_GETFL as u64,
    F_SETFL as u64,
    F_GETLK as u64,
    F_SETLK as u64,
    F_OFD_GETLK as u64,
    F_OFD_SETLK as u64,
];

/// Options of any socket: buffers, keep-alive, waiting. Not `SO_ATTACH_FILTER`, which loads a program.
const OPTIONS: [u64; 6] = [
    libc::SO_RCVBUF as u64,
    libc::SO_SNDBUF as u64,
    libc::SO_KEEPALIVE as u64,
    libc::SO_RCVTIMEO as u64,
    libc::SO_SNDTIMEO as u64,
    libc::SO_RCVLOWAT as u64,
];

/// Options of TCP: delays and keep-alive. Not `TCP_ULP` or `TCP_CONGESTION`, which load modules.
const TCP_OPTIONS: [u64; 7] = [
    libc::TCP_NODELAY as u64,
    libc::TCP_QUICKACK as u64,
    libc::TCP_KEEPIDLE as u64,
    libc::TCP_KEEPINTVL as u64,
    libc::TCP_KEEPCNT as u64,
    libc::TCP_USER_TIMEOUT as u64,
    libc::TCP_NOTSENT_LOWAT as u64,
];

/// The program. Built in the process that it will bind: it names its own process id.
pub(crate) fn ingest() -> Result<BpfProgram, SandboxError> {
    let mut calls = Calls::default();
    descriptors(&mut calls)?;
    sockets(&mut calls)?;
    files(&mut calls);
    memory(&mut calls)?;
    threads(&mut calls)?;
    time_and_ends(&mut calls);
    signals(&mut calls)?;
    Ok(calls.allow()?)
}

/// What can be done with a descriptor that is already there, whatever it is.
fn descriptors(calls: &mut Calls) -> Result<(), BackendError> {
    // Moving bytes, singly and in batches; offsets for files.
    calls.any(&[
        libc::SYS_read,
        libc::SYS_write,
        libc::SYS_readv,
        libc::SYS_writev,
        libc::SYS_pread64,
        libc::SYS_pwrite64,
        libc::SYS_preadv,
        libc::SYS_pwritev,
        libc::SYS_lseek,
    ]);
    // Letting go and copying: neither adds a right.
    calls.any(&[
        libc::SYS_close,
        libc::SYS_close_range,
        libc::SYS_dup,
        libc::SYS_dup3,
    ]);
    // Waiting: one epoll for all sockets, a wake-up between threads, timers; poll for single waits.
    calls.any(&[
        libc::SYS_epoll_create1,
        libc::SYS_epoll_ctl,
        libc::SYS_epoll_pwait,
        libc::SYS_epoll_pwait2,
        libc::SYS_ppoll,
        libc::SYS_eventfd2,
        libc::SYS_timerfd_create,
        libc::SYS_timerfd_settime,
    ]);
    #[cfg(target_arch = "x86_64")]
    calls.any(&[libc::SYS_epoll_wait, libc::SYS_poll, libc::SYS_dup2]);
    // Not F_SETOWN and F_SETSIG, which aim signals at others.
    calls.when_one_of(libc::SYS_fcntl, 1, &COMMANDS)?;
    // Blocking mode, bytes waiting, close-on-exec; TCGETS answers "is the log a terminal?".
    calls.when_one_of(libc::SYS_ioctl, 1, &[FIONBIO, FIONREAD, FIOCLEX, TCGETS])?;
    Ok(())
}

/// Sockets are handed in, connected; data goes where they lead. There is no `socket`, `connect`, `bind`, `listen`, `accept`, and no `sendmsg` (its address and descriptors lie in memory).
fn sockets(calls: &mut Calls) -> Result<(), BackendError> {
    // Receiving, descriptors included.
    calls.any(&[libc::SYS_recvfrom, libc::SYS_recvmsg, libc::SYS_recvmmsg]);
    // Sending only to the socket's own peer: without a destination address.
    calls.when(libc::SYS_sendto, &[Test::null(4)])?;
    // A pair that leads only back to this process: tokio's signal handling is made of one.
    calls.when(libc::SYS_socketpair, &[Test::is(0, AF_UNIX as u64)])?;
    // Who is at the other end, and ending it.
    calls.any(&[
        libc::SYS_getpeername,
        libc::SYS_getsockname,
        libc::SYS_getsockopt,
        libc::SYS_shutdown,
    ]);
    for (level, names) in [
        (SOL_SOCKET, OPTIONS.as_slice()),
        (IPPROTO_TCP, &TCP_OPTIONS),
    ] {
        for name in names {
            let level = Test::is(1, u64::from(level.cast_unsigned()));
            calls.when(libc::SYS_setsockopt, &[level, Test::is(2, *name)])?;
        }
    }
    Ok(())
}

/// Files: Landlock says which. `truncate` by path is left out, since Landlock knows it only from ABI 3.
fn files(calls: &mut Calls) {
    // Opening, making durable, sizing.
    calls.any(&[
        libc::SYS_openat,
        libc::SYS_fsync,
        libc::SYS_fdatasync,
        libc::SYS_ftruncate,
        libc::SYS_fallocate,
        libc::SYS_fadvise64,
        libc::SYS_flock,
        libc::SYS_fchmod,
        libc::SYS_umask,
    ]);
    // Looking.
    calls.any(&[
        libc::SYS_fstat,
        libc::SYS_newfstatat,
        libc::SYS_statx,
        libc::SYS_fstatfs,
        libc::SYS_faccessat,
        libc::SYS_faccessat2,
        libc::SYS_readlinkat,
        libc::SYS_getdents64,
        libc::SYS_getcwd,
    ]);
    // Naming and removing.
    calls.any(&[
        SYS_RENAMEAT,
        libc::SYS_renameat2,
        libc::SYS_unlinkat,
        libc::SYS_mkdirat,
    ]);
    // The same under their old names, which the C library still uses.
    #[cfg(target_arch = "x86_64")]
    calls.any(&[
        libc::SYS_open,
        libc::SYS_stat,
        libc::SYS_lstat,
        libc::SYS_access,
        libc::SYS_readlink,
        libc::SYS_rename,
        libc::SYS_unlink,
        libc::SYS_mkdir,
        libc::SYS_rmdir,
    ]);
}

/// Memory: never executable, so that injected code stays data.
fn memory(calls: &mut Calls) -> Result<(), BackendError> {
    // PROT_EXEC is bit 2 of argument 2 of both.
    let plain = [Test::masked(2, PROT_EXEC as u64, 0)];
    calls
        .when(libc::SYS_mmap, &plain)?
        .when(libc::SYS_mprotect, &plain)?;
    calls.any(&[
        libc::SYS_munmap,
        libc::SYS_mremap,
        libc::SYS_brk,
        libc::SYS_madvise,
    ]);
    // Secrets stay out of swap.
    calls.any(&[libc::SYS_mlock, libc::SYS_mlock2, libc::SYS_munlock]);
    Ok(())
}

/// Threads of this process, never another process and never a namespace.
fn threads(calls: &mut Calls) -> Result<(), BackendError> {
    calls.when(libc::SYS_clone, &[Test::masked(0, THREAD_MASK, THREAD)])?;
    // Passes here and gets ENOSYS from the preamble, so that the C library falls back to clone.
    calls.any(&[libc::SYS_clone3]);
    // Locks, thread-local set-up, scheduling, and who am I.
    calls.any(&[
        libc::SYS_futex,
        libc::SYS_set_robust_list,
        libc::SYS_rseq,
        libc::SYS_set_tid_address,
        libc::SYS_sched_yield,
        libc::SYS_sched_getaffinity,
        libc::SYS_getpid,
        libc::SYS_gettid,
        libc::SYS_getppid,
        libc::SYS_getuid,
        libc::SYS_geteuid,
        libc::SYS_getgid,
        libc::SYS_getegid,
        libc::SYS_getcpu,
        libc::SYS_getrusage,
    ]);
    // A thread's name; nothing else that prctl can switch.
    calls.when(libc::SYS_prctl, &[Test::is(0, PR_SET_NAME as u64)])?;
    // Reading a limit of its own (stack size); argument 2 would set one.
    calls.when(libc::SYS_prlimit64, &[Test::is(0, 0), Test::null(2)])?;
    Ok(())
}

/// Clocks, sleep, randomness, the end.
fn time_and_ends(calls: &mut Calls) {
    calls.any(&[
        libc::SYS_clock_gettime,
        libc::SYS_clock_getres,
        libc::SYS_clock_nanosleep,
        libc::SYS_nanosleep,
        libc::SYS_gettimeofday,
        libc::SYS_getrandom,
        libc::SYS_restart_syscall,
        libc::SYS_exit,
        libc::SYS_exit_group,
    ]);
    #[cfg(target_arch = "x86_64")]
    calls.any(&[libc::SYS_time]);
}

/// Its own signals: handlers, masks, and `abort`. Signalling another process is not possible.
fn signals(calls: &mut Calls) -> Result<(), BackendError> {
    calls.any(&[
        libc::SYS_rt_sigaction,
        libc::SYS_rt_sigprocmask,
        libc::SYS_rt_sigreturn,
        libc::SYS_sigaltstack,
    ]);
    calls.when(
        libc::SYS_tgkill,
        &[Test::is(0, u64::from(std::process::id()))],
    )?;
    Ok(())
}
