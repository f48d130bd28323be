//! Which system calls a profile lets through, as seccomp filters. The tables are in `ingest` and
//! `gateway`; here they become programs and are handed to the kernel.
//!
//! Each profile is two filters, of whose verdicts the kernel takes the stricter: a small one that says
//! `ENOSYS` to `clone3`, whose flags lie in memory where no filter can see them (the C library then
//! falls back to `clone`), and closes the x32 door on `x86_64`; and the profile's own, which ends the
//! process on calls of a foreign architecture.

mod gateway;
mod ingest;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io;

use libc::c_long;
use seccompiler::{
    BackendError, BpfProgram, BpfProgramRef, SeccompAction, SeccompCmpArgLen, SeccompCmpOp,
    SeccompCondition, SeccompFilter, SeccompRule, TargetArch, apply_filter_all_threads,
    sock_filter,
};

use crate::{SandboxError, SeccompState};

pub(crate) use gateway::gateway;
pub(crate) use ingest::ingest;

/// Flags that make `clone` start a thread of this process; all others would start a process or leave a
/// namespace (clone(2)).
const THREAD_MASK: u64 = (libc::CLONE_THREAD
    | libc::CLONE_NEWNS
    | libc::CLONE_NEWCGROUP
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUSER
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNET) as u64;
const THREAD: u64 = libc::CLONE_THREAD as u64;

/// Bit that marks a call of the x32 ABI in an `x86_64` call number (`__X32_SYSCALL_BIT`).
#[cfg(target_arch = "x86_64")]
const X32: u32 = 0x4000_0000;

/// A comparison of one argument of a call.
#[derive(Debug, Clone, Copy)]
struct Test {
    arg: u8,
    op: Op,
    value: u64,
}

/// [`SeccompCmpOp`], as something that can be copied.
#[derive(Debug, Clone, Copy)]
enum Op {
    /// The lower 32 bits are the value.
    Is,
    /// The lower 32 bits are not the value.
    IsNot,
    /// Of the lower 32 bits, those of the mask are the value.
    Masked(u64),
    /// All 64 bits are the value.
    IsLong,
}

impl Test {
    /// The lower 32 bits of argument `arg` (from 0) are `value`: for `int` arguments.
    const fn is(arg: u8, value: u64) -> Self {
        Self {
            arg,
            op: Op::Is,
            value,
        }
    }

    /// The lower 32 bits of argument `arg` are not `value`.
    const fn is_not(arg: u8, value: u64) -> Self {
        Self {
            arg,
            op: Op::IsNot,
            value,
        }
    }

    /// Of the lower 32 bits of argument `arg`, those in `mask` are `value`.
    const fn masked(arg: u8, mask: u64, value: u64) -> Self {
        Self {
            arg,
            op: Op::Masked(mask),
            value,
        }
    }

    /// Argument `arg` is a null pointer.
    const fn null(arg: u8) -> Self {
        Self {
            arg,
            op: Op::IsLong,
            value: 0,
        }
    }

    fn condition(self) -> Result<SeccompCondition, BackendError> {
        let (len, op) = match self.op {
            Op::Is => (SeccompCmpArgLen::Dword, SeccompCmpOp::Eq),
            Op::IsNot => (SeccompCmpArgLen::Dword, SeccompCmpOp::Ne),
            Op::Masked(mask) => (SeccompCmpArgLen::Dword, SeccompCmpOp::MaskedEq(mask)),
            Op::IsLong => (SeccompCmpArgLen::Qword, SeccompCmpOp::Eq),
        };
        SeccompCondition::new(self.arg, len, op, self.value)
    }
}

/// The calls that a filter names, each always or under conditions.
#[derive(Debug, Default)]
struct Calls(BTreeMap<i64, Vec<SeccompRule>>);

impl Calls {
    /// These calls, whatever their arguments.
    fn any(&mut self, calls: &[c_long]) -> &mut Self {
        self.0.extend(calls.iter().map(|call| (*call, Vec::new())));
        self
    }

    /// This call when all of `tests` hold. Several such lines for a call are alternatives.
    fn when(&mut self, call: c_long, tests: &[Test]) -> Result<&mut Self, BackendError> {
        let conditions = tests
            .iter()
            .map(|test| test.condition())
            .collect::<Result<_, _>>()?;
        self.0
            .entry(call)
            .or_default()
            .push(SeccompRule::new(conditions)?);
        Ok(self)
    }

    /// This call when argument `arg` is one of `values`.
    fn when_one_of(
        &mut self,
        call: c_long,
        arg: u8,
        values: &[u64],
    ) -> Result<&mut Self, BackendError> {
        for value in values {
            self.when(call, &[Test::is(arg, *value)])?;
        }
        Ok(self)
    }

    /// A program that lets only these calls through, and answers `EPERM` to the rest.
    fn allow(self) -> Result<BpfProgram, BackendError> {
        self.compile(SeccompAction::Allow, eperm())
    }

    /// A program that answers `EPERM` to these calls, and lets the rest through.
    fn deny(self) -> Result<BpfProgram, BackendError> {
        self.compile(eperm(), SeccompAction::Allow)
    }

    fn compile(
        self,
        named: SeccompAction,
        others: SeccompAction,
    ) -> Result<BpfProgram, BackendError> {
        let arch = TargetArch::try_from(std::env::consts::ARCH)?;
        SeccompFilter::new(self.0, others, named, arch)?.try_into()
    }
}

const fn eperm() -> SeccompAction {
    SeccompAction::Errno(libc::EPERM as u32)
}

/// The first filter of every profile: `ENOSYS` to `clone3`, `EPERM` to x32, the rest passes.
#[expect(
    clippy::cast_possible_truncation,
    reason = "constants of the kernel's BPF and call numbers, all below 2^16"
)]
fn preamble() -> BpfProgram {
    const LOAD: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
    const EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
    const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;
    let statement = |code, k| sock_filter {
        code,
        jt: 0,
        jf: 0,
        k,
    };
    // `nr` is the first field of `struct seccomp_data` (seccomp(2)).
    let mut program = vec![statement(LOAD, 0)];
    #[cfg(target_arch = "x86_64")]
    program.extend([
        sock_filter {
            code: (libc::BPF_JMP | libc::BPF_JSET | libc::BPF_K) as u16,
            jt: 0,
            jf: 1,
            k: X32,
        },
        statement(RETURN, libc::SECCOMP_RET_ERRNO | libc::EPERM as u32),
    ]);
    program.extend([
        sock_filter {
            code: EQUAL,
            jt: 0,
            jf: 1,
            k: libc::SYS_clone3 as u32,
        },
        statement(RETURN, libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32),
        statement(RETURN, libc::SECCOMP_RET_ALLOW),
    ]);
    program
}

/// Puts the preamble and `profile` on every thread, for good.
pub(crate) fn install(profile: BpfProgramRef<'_>) -> Result<SeccompState, SandboxError> {
    let preamble = preamble();
    match apply_filter_all_threads(&preamble) {
        Ok(()) => {}
        Err(seccompiler::Error::Seccomp(error)) if is_missing(&error) => {
            return Ok(SeccompState::Missing);
        }
        Err(error) => return Err(SandboxError::Seccomp(error)),
    }
    apply_filter_all_threads(profile).map_err(SandboxError::Seccomp)?;
    let instructions = preamble.len().saturating_add(profile.len());
    Ok(SeccompState::On { instructions })
}

/// A kernel without `CONFIG_SECCOMP_FILTER` says one of these (seccomp(2)).
fn is_missing(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::ENOSYS | libc::EINVAL))
}
