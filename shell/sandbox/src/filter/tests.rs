//! Runs the compiled filters on calls, in a small interpreter of classic BPF, so that every system call
//! is judged, including those that no safe code can attempt.

use libc::{EPERM, c_long};
use seccompiler::{BpfProgramRef, sock_filter};

use super::{gateway, ingest, preamble};

const ALLOW: u32 = libc::SECCOMP_RET_ALLOW;
const REFUSE: u32 = libc::SECCOMP_RET_ERRNO | EPERM as u32;
/// One past the highest call number that kernels know, with room for new ones.
const CALLS: i64 = 1_024;

#[cfg(target_arch = "x86_64")]
const ARCH: u32 = 0xc000_003e;
#[cfg(target_arch = "aarch64")]
const ARCH: u32 = 0xc000_00b7;

/// `struct seccomp_data` (seccomp(2)) as the 32-bit words that the filter loads.
fn words(arch: u32, call: i64, args: &[u64]) -> Vec<u32> {
    let mut words = vec![u32::try_from(call).unwrap(), arch, 0, 0];
    for index in 0..6 {
        let arg = args.get(index).copied().unwrap_or_default();
        let half = |bits: u64| u32::try_from(bits & u64::from(u32::MAX)).unwrap();
        words.extend([half(arg), half(arg >> 32)]);
    }
    words
}

fn run(program: BpfProgramRef<'_>, data: &[u32]) -> u32 {
    let (mut at, mut accumulator) = (0, 0);
    loop {
        let sock_filter { code, jt, jf, k } = program[at];
        at += 1;
        let branch = |taken: bool| usize::from(if taken { jt } else { jf });
        match u32::from(code) {
            0x20 => accumulator = data[k as usize / 4],
            0x54 => accumulator &= k,
            0x05 => at += k as usize,
            0x15 => at += branch(accumulator == k),
            0x25 => at += branch(accumulator > k),
            0x35 => at += branch(accumulator >= k),
            0x45 => at += branch(accumulator & k != 0),
            0x06 => return k,
            _ => panic!("instruction {code:#x} is not interpreted"),
        }
    }
}

/// The verdict of both filters: of two, the kernel takes the one with the smaller action, and on a tie
/// that of the filter installed last (seccomp(2)).
fn verdict(profile: BpfProgramRef<'_>, arch: u32, call: i64, args: &[u64]) -> u32 {
    let data = words(arch, call, args);
    let (first, last) = (run(&preamble(), &data), run(profile, &data));
    let action = |verdict: u32| (verdict & 0xffff_0000).cast_signed();
    if action(first) < action(last) {
        first
    } else {
        last
    }
}

fn in_ingest(call: c_long, args: &[u64]) -> bool {
    verdict(&ingest().unwrap(), ARCH, call, args) == ALLOW
}

fn in_gateway(call: c_long, args: &[u64]) -> bool {
    verdict(&gateway().unwrap(), ARCH, call, args) == ALLOW
}

#[test]
fn ingest_refuses_every_call_that_it_does_not_list() {
    let profile = ingest().unwrap();
    let allowed = (0..CALLS)
        .filter(|call| verdict(&profile, ARCH, *call, &[]) == ALLOW)
        .count();
    assert!(allowed < 110, "{allowed} calls are open");
    for call in 0..CALLS {
        let verdict = verdict(&profile, ARCH, call, &[u64::MAX; 6]);
        assert!(
            [ALLOW, REFUSE].contains(&verdict) || call == libc::SYS_clone3,
            "call {call}: {verdict:#x}"
        );
    }
}

#[test]
fn ingest_has_no_way_out() {
    for call in [
        libc::SYS_socket,
        libc::SYS_connect,
        libc::SYS_bind,
        libc::SYS_listen,
        libc::SYS_accept,
        libc::SYS_accept4,
        libc::SYS_sendmsg,
        libc::SYS_sendmmsg,
        libc::SYS_execve,
        libc::SYS_execveat,
        libc::SYS_clone,
        libc::SYS_unshare,
        libc::SYS_setns,
        libc::SYS_ptrace,
        libc::SYS_process_vm_readv,
        libc::SYS_process_vm_writev,
        libc::SYS_process_madvise,
        libc::SYS_pidfd_open,
        libc::SYS_pidfd_getfd,
        libc::SYS_pidfd_send_signal,
        libc::SYS_kill,
        libc::SYS_tkill,
        libc::SYS_mount,
        libc::SYS_bpf,
        libc::SYS_keyctl,
        libc::SYS_add_key,
        libc::SYS_io_uring_setup,
        libc::SYS_io_uring_enter,
        libc::SYS_io_uring_register,
        libc::SYS_userfaultfd,
        libc::SYS_perf_event_open,
        libc::SYS_memfd_create,
        libc::SYS_truncate,
        libc::SYS_linkat,
        libc::SYS_symlinkat,
        libc::SYS_mknodat,
        libc::SYS_fchmodat,
        libc::SYS_fchownat,
        libc::SYS_shmget,
        libc::SYS_msgget,
        libc::SYS_mq_open,
        libc::SYS_vmsplice,
        libc::SYS_splice,
        libc::SYS_tee,
        libc::SYS_seccomp,
        libc::SYS_chroot,
        libc::SYS_pivot_root,
        libc::SYS_open_by_handle_at,
    ] {
        assert!(!in_ingest(call, &[]), "call {call}");
    }
}

#[test]
fn ingest_sends_only_to_the_peer_of_the_socket() {
    assert!(in_ingest(libc::SYS_sendto, &[3, 0x1000, 10, 0, 0, 0]));
    assert!(!in_ingest(
        libc::SYS_sendto,
        &[3, 0x1000, 10, 0, 0x7fff_0000, 16]
    ));
    // A pointer whose lower half is zero.
    assert!(!in_ingest(
        libc::SYS_sendto,
        &[3, 0x1000, 10, 0, 0x7fff_0000_0000, 16]
    ));
}

#[test]
fn ingest_makes_pairs_of_its_own_only() {
    assert!(in_ingest(libc::SYS_socketpair, &[libc::AF_UNIX as u64]));
    assert!(!in_ingest(libc::SYS_socketpair, &[libc::AF_INET as u64]));
    assert!(!in_ingest(libc::SYS_socketpair, &[libc::AF_TIPC as u64]));
}

#[test]
fn ingest_starts_threads_only() {
    // What glibc passes for a thread (clone(2)): VM, FS, FILES, SIGHAND, THREAD, SYSVSEM, SETTLS …
    let thread = 0x003d_0f00;
    assert!(in_ingest(libc::SYS_clone, &[thread]));
    assert!(in_gateway(libc::SYS_clone, &[thread]));
    let forks = [
        17,                                  // fork: SIGCHLD
        0x4111,                              // posix_spawn: VM, VFORK, SIGCHLD
        thread | libc::CLONE_NEWUSER as u64, // a thread in a new user namespace
        thread | libc::CLONE_NEWNET as u64,
    ];
    for flags in forks {
        assert!(!in_ingest(libc::SYS_clone, &[flags]), "{flags:#x}");
        assert!(!in_gateway(libc::SYS_clone, &[flags]), "{flags:#x}");
    }
    let no_such_call = libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32;
    for profile in [ingest().unwrap(), gateway().unwrap()] {
        assert_eq!(verdict(&profile, ARCH, libc::SYS_clone3, &[]), no_such_call);
    }
}

#[test]
fn ingest_signals_only_itself() {
    let own = u64::from(std::process::id());
    assert!(in_ingest(libc::SYS_tgkill, &[own, own, 6]));
    assert!(!in_ingest(libc::SYS_tgkill, &[own + 1, own + 1, 6]));
    assert!(!in_ingest(libc::SYS_kill, &[own, 9]));
    // Descriptors can't be told to signal somebody.
    assert!(!in_ingest(libc::SYS_fcntl, &[3, libc::F_SETOWN as u64, 1]));
    assert!(in_ingest(
        libc::SYS_fcntl,
        &[3, libc::F_DUPFD_CLOEXEC as u64, 0]
    ));
}

#[test]
fn ingest_maps_no_code() {
    for call in [libc::SYS_mmap, libc::SYS_mprotect] {
        assert!(in_ingest(call, &[0, 4_096, 3]));
        assert!(!in_ingest(call, &[0, 4_096, 4]));
        assert!(!in_ingest(call, &[0, 4_096, 7]));
    }
    assert!(!in_ingest(libc::SYS_pkey_mprotect, &[0, 4_096, 1]));
}

#[test]
fn ingest_can_switch_nothing_back() {
    assert!(in_ingest(libc::SYS_prctl, &[libc::PR_SET_NAME as u64]));
    assert!(!in_ingest(
        libc::SYS_prctl,
        &[libc::PR_SET_DUMPABLE as u64, 1]
    ));
    assert!(!in_ingest(
        libc::SYS_prctl,
        &[libc::PR_SET_PDEATHSIG as u64, 0]
    ));
    assert!(in_ingest(libc::SYS_prlimit64, &[0, 3, 0, 0x1000]));
    assert!(!in_ingest(libc::SYS_prlimit64, &[0, 4, 0x1000, 0]));
    assert!(!in_ingest(libc::SYS_setrlimit, &[4, 0x1000]));
}

#[test]
fn ingest_controls_its_descriptors_in_few_ways() {
    assert!(in_ingest(libc::SYS_ioctl, &[0, libc::FIONBIO]));
    assert!(!in_ingest(libc::SYS_ioctl, &[0, libc::TIOCSTI]));
    assert!(!in_ingest(libc::SYS_ioctl, &[0, libc::SIOCGIFCONF]));
    assert!(in_ingest(
        libc::SYS_setsockopt,
        &[3, libc::IPPROTO_TCP as u64, 1]
    ));
    let [any, tcp] = [libc::SOL_SOCKET as u64, libc::IPPROTO_TCP as u64];
    assert!(in_ingest(
        libc::SYS_setsockopt,
        &[3, any, libc::SO_RCVBUF as u64]
    ));
    for (level, name) in [
        (any, libc::SO_ATTACH_FILTER),
        (any, libc::SO_BINDTODEVICE),
        (tcp, libc::TCP_ULP),
        (tcp, libc::TCP_CONGESTION),
        (libc::IPPROTO_IP as u64, 1),
    ] {
        assert!(
            !in_ingest(
                libc::SYS_setsockopt,
                &[3, level, u64::from(name.cast_unsigned())]
            ),
            "{name}"
        );
    }
}

#[test]
fn gateway_refuses_what_an_intruder_wants() {
    for call in [
        libc::SYS_execve,
        libc::SYS_execveat,
        libc::SYS_ptrace,
        libc::SYS_process_vm_readv,
        libc::SYS_process_vm_writev,
        libc::SYS_pidfd_getfd,
        libc::SYS_mount,
        libc::SYS_bpf,
        libc::SYS_keyctl,
        libc::SYS_kexec_load,
        libc::SYS_kexec_file_load,
        libc::SYS_init_module,
        libc::SYS_finit_module,
        libc::SYS_delete_module,
        libc::SYS_io_uring_setup,
        libc::SYS_perf_event_open,
        libc::SYS_userfaultfd,
        libc::SYS_unshare,
        libc::SYS_setns,
        libc::SYS_reboot,
    ] {
        assert!(!in_gateway(call, &[]), "call {call}");
    }
    #[cfg(target_arch = "x86_64")]
    assert!(!in_gateway(libc::SYS_fork, &[]));
}

#[test]
fn gateway_leaves_ordinary_work_alone() {
    for call in [
        libc::SYS_openat,
        libc::SYS_connect,
        libc::SYS_bind,
        libc::SYS_listen,
        libc::SYS_accept4,
        libc::SYS_sendmsg,
        libc::SYS_recvmsg,
        libc::SYS_fsync,
        libc::SYS_futex,
        libc::SYS_socketpair,
    ] {
        assert!(in_gateway(call, &[]), "call {call}");
    }
    let own = u64::from(std::process::id());
    assert!(in_gateway(libc::SYS_tgkill, &[own, own, 6]));
    assert!(!in_gateway(libc::SYS_tgkill, &[own + 1, own, 6]));
    assert!(!in_gateway(libc::SYS_kill, &[own + 1, 9]));
}

#[test]
fn gateway_opens_internet_sockets_only() {
    let socket = |family: i32, kind: i32, protocol: i32| {
        let args = [family, kind, protocol].map(|arg| u64::from(arg.cast_unsigned()));
        in_gateway(libc::SYS_socket, &args)
    };
    let flags = libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
    for family in [libc::AF_INET, libc::AF_INET6] {
        assert!(socket(family, libc::SOCK_STREAM | flags, 0));
        assert!(socket(family, libc::SOCK_DGRAM | flags, 17));
        assert!(!socket(family, libc::SOCK_RAW | flags, 1));
    }
    assert!(socket(
        libc::AF_NETLINK,
        libc::SOCK_RAW,
        libc::NETLINK_ROUTE
    ));
    assert!(!socket(
        libc::AF_NETLINK,
        libc::SOCK_RAW,
        libc::NETLINK_NETFILTER
    ));
    for family in [
        libc::AF_PACKET,
        libc::AF_UNIX,
        libc::AF_VSOCK,
        libc::AF_ALG,
        libc::AF_BLUETOOTH,
    ] {
        assert!(!socket(family, libc::SOCK_DGRAM, 0), "family {family}");
    }
}

#[test]
fn gateway_maps_code_from_files_only() {
    let (private, anonymous) = (libc::MAP_PRIVATE as u64, libc::MAP_ANONYMOUS as u64);
    assert!(in_gateway(libc::SYS_mmap, &[0, 4_096, 5, private]));
    assert!(in_gateway(
        libc::SYS_mmap,
        &[0, 4_096, 3, private | anonymous]
    ));
    assert!(!in_gateway(
        libc::SYS_mmap,
        &[0, 4_096, 5, private | anonymous]
    ));
    assert!(!in_gateway(libc::SYS_mmap, &[0, 4_096, 7, private]));
    assert!(in_gateway(libc::SYS_mprotect, &[0, 4_096, 1]));
    assert!(!in_gateway(libc::SYS_mprotect, &[0, 4_096, 5]));
}

#[test]
fn foreign_architectures_get_nothing() {
    const I386: u32 = 0x4000_0003;
    for profile in [ingest().unwrap(), gateway().unwrap()] {
        for call in 0..CALLS {
            assert_ne!(verdict(&profile, I386, call, &[]), ALLOW, "call {call}");
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[test]
fn the_x32_door_is_shut() {
    for profile in [ingest().unwrap(), gateway().unwrap()] {
        for call in 0..CALLS {
            let call = call | i64::from(super::X32);
            assert_eq!(verdict(&profile, ARCH, call, &[]), REFUSE, "call {call}");
        }
    }
}
