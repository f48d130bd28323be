//! The deny-list of the gateway's API and recorder: a large program (database, HTTP, TLS, resolver) on
//! which an allow-list would break with every library update. What an intruder wants and the gateway
//! never needs gets `EPERM`.

use libc::{
    AF_INET, AF_INET6, AF_NETLINK, MAP_ANONYMOUS, NETLINK_ROUTE, PROT_EXEC, PROT_WRITE, SOCK_RAW,
    TIOCSTI,
};
use seccompiler::{BackendError, BpfProgram};

use super::{Calls, THREAD, THREAD_MASK, Test};
use crate::SandboxError;

const INET: u64 = AF_INET as u64;
const INET6: u64 = AF_INET6 as u64;
const NETLINK: u64 = AF_NETLINK as u64;
/// `SOCK_*` types lie in the lower four bits; above them are flags (socket(2)).
const SOCK_TYPE: u64 = 0xf;
/// `TIOCLINUX` (`asm-generic/ioctls.h`): pastes into the console.
const TIOCLINUX: u64 = 0x541c;

/// The program. Built in the process that it will bind: it names its own process id.
pub(crate) fn gateway() -> Result<BpfProgram, SandboxError> {
    let mut calls = Calls::default();
    programs(&mut calls)?;
    other_processes(&mut calls)?;
    kernel(&mut calls);
    machine(&mut calls);
    sockets(&mut calls)?;
    code(&mut calls)?;
    Ok(calls.deny()?)
}

/// Starting programs or processes. Threads stay possible; `clone3` gets `ENOSYS` from the preamble.
fn programs(calls: &mut Calls) -> Result<(), BackendError> {
    calls.any(&[libc::SYS_execve, libc::SYS_execveat]);
    #[cfg(target_arch = "x86_64")]
    calls.any(&[libc::SYS_fork, libc::SYS_vfork, libc::SYS_uselib]);
    // CLONE_THREAD missing, or one of the namespace flags present.
    calls.when(libc::SYS_clone, &[Test::masked(0, THREAD, 0)])?;
    for bit in bits(THREAD_MASK ^ THREAD) {
        calls.when(libc::SYS_clone, &[Test::masked(0, bit, bit)])?;
    }
    Ok(())
}

/// Reading, changing or signalling other processes.
fn other_processes(calls: &mut Calls) -> Result<(), BackendError> {
    calls.any(&[
        libc::SYS_ptrace,
        libc::SYS_process_vm_readv,
        libc::SYS_process_vm_writev,
        libc::SYS_process_madvise,
        libc::SYS_pidfd_getfd,
        libc::SYS_pidfd_send_signal,
        libc::SYS_kcmp,
        libc::SYS_tkill,
        libc::SYS_rt_sigqueueinfo,
        libc::SYS_rt_tgsigqueueinfo,
    ]);
    let others = [Test::is_not(0, u64::from(std::process::id()))];
    calls
        .when(libc::SYS_kill, &others)?
        .when(libc::SYS_tgkill, &others)?;
    // Typing into the terminal that the log may be on.
    calls.when_one_of(libc::SYS_ioctl, 1, &[TIOCSTI, TIOCLINUX])?;
    Ok(())
}

/// Code in the kernel, and its young or rarely used doors.
fn kernel(calls: &mut Calls) {
    calls.any(&[
        libc::SYS_bpf,
        libc::SYS_perf_event_open,
        libc::SYS_userfaultfd,
        libc::SYS_io_uring_setup,
        libc::SYS_io_uring_enter,
        libc::SYS_io_uring_register,
        libc::SYS_init_module,
        libc::SYS_finit_module,
        libc::SYS_delete_module,
        libc::SYS_kexec_load,
        libc::SYS_kexec_file_load,
        libc::SYS_add_key,
        libc::SYS_request_key,
        libc::SYS_keyctl,
        libc::SYS_lookup_dcookie,
        libc::SYS_syslog,
        libc::SYS_fanotify_init,
        libc::SYS_memfd_create,
    ]);
    #[cfg(target_arch = "x86_64")]
    calls.any(&[libc::SYS_modify_ldt, libc::SYS_iopl, libc::SYS_ioperm]);
}

/// The machine: mounts, namespaces, clock, name, power; and `truncate` by path, which Landlock knows
/// only from ABI 3 (the gateway sizes files through descriptors).
fn machine(calls: &mut Calls) {
    calls.any(&[
        libc::SYS_mount,
        libc::SYS_umount2,
        libc::SYS_move_mount,
        libc::SYS_open_tree,
        libc::SYS_fsopen,
        libc::SYS_fsconfig,
        libc::SYS_fsmount,
        libc::SYS_fspick,
        libc::SYS_mount_setattr,
        libc::SYS_pivot_root,
        libc::SYS_chroot,
        libc::SYS_unshare,
        libc::SYS_setns,
    ]);
    calls.any(&[
        libc::SYS_settimeofday,
        libc::SYS_clock_settime,
        libc::SYS_clock_adjtime,
        libc::SYS_adjtimex,
        libc::SYS_sethostname,
        libc::SYS_setdomainname,
        libc::SYS_reboot,
        libc::SYS_swapon,
        libc::SYS_swapoff,
        libc::SYS_acct,
        libc::SYS_quotactl,
        libc::SYS_quotactl_fd,
        libc::SYS_vhangup,
        libc::SYS_personality,
        libc::SYS_name_to_handle_at,
        libc::SYS_open_by_handle_at,
        libc::SYS_truncate,
    ]);
}

/// Only TCP and UDP over IP, and asking the kernel for addresses and routes. Packet sockets sniff, raw
/// ones forge; Unix ones reach D-Bus, containers and whatever else trusts local users (a socket handed
/// in by the supervisor still works, and so does `socketpair`).
fn sockets(calls: &mut Calls) -> Result<(), BackendError> {
    let foreign = [
        Test::is_not(0, INET),
        Test::is_not(0, INET6),
        Test::is_not(0, NETLINK),
    ];
    calls.when(libc::SYS_socket, &foreign)?;
    for family in [INET, INET6] {
        let raw = Test::masked(1, SOCK_TYPE, SOCK_RAW as u64);
        calls.when(libc::SYS_socket, &[Test::is(0, family), raw])?;
    }
    let not_routes = Test::is_not(2, NETLINK_ROUTE as u64);
    calls.when(libc::SYS_socket, &[Test::is(0, NETLINK), not_routes])?;
    Ok(())
}

/// New machine code: memory that is both writable and executable, executable without a file, or made
/// executable later. Shared libraries of the resolver still load.
fn code(calls: &mut Calls) -> Result<(), BackendError> {
    let (exec, both) = (PROT_EXEC as u64, (PROT_EXEC | PROT_WRITE) as u64);
    let anonymous = MAP_ANONYMOUS as u64;
    calls.when(libc::SYS_mmap, &[Test::masked(2, both, both)])?;
    let nameless = [
        Test::masked(2, exec, exec),
        Test::masked(3, anonymous, anonymous),
    ];
    calls.when(libc::SYS_mmap, &nameless)?;
    calls.when(libc::SYS_mprotect, &[Test::masked(2, exec, exec)])?;
    calls.when(libc::SYS_pkey_mprotect, &[Test::masked(2, exec, exec)])?;
    Ok(())
}

fn bits(mask: u64) -> impl Iterator<Item = u64> {
    (0..u64::BITS)
        .map(|bit| 1 << bit)
        .filter(move |bit| mask & bit != 0)
}
