//! The folders, the helper process and the socket that every case needs.

use std::io::{IoSlice, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use landlock::{ABI, Access, AccessFs, Ruleset, RulesetAttr};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags};

/// Two folders, one of them the helper's own, and the helper's end of a socket.
pub(crate) struct House {
    tmp: tempfile::TempDir,
    profile: &'static str,
}

impl House {
    pub(crate) fn new(profile: &'static str) -> Self {
        let tmp = tempfile::tempdir().unwrap();
        for name in ["own", "other"] {
            let path = tmp.path().join(name);
            std::fs::create_dir(&path).unwrap();
            std::fs::set_permissions(&path, PermissionsExt::from_mode(0o700)).unwrap();
        }
        std::fs::write(tmp.path().join("other/secret"), "plaintext").unwrap();
        Self { tmp, profile }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.tmp.path().join(name)
    }

    fn start(&self, case: &str, stdin: OwnedFd) -> Child {
        Command::new(env!("CARGO_BIN_EXE_sandbox-probe"))
            .args([self.profile, case])
            .args([self.path("own"), self.path("other")])
            .stdin(stdin)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// The outcome of a case that needs nothing from the test.
    pub(crate) fn attempt(&self, case: &str) -> String {
        outcome(&self.run(case))
    }

    pub(crate) fn run(&self, case: &str) -> Output {
        let (_here, there) = UnixStream::pair().unwrap();
        self.start(case, there.into()).wait_with_output().unwrap()
    }

    /// The outcome of a case on a descriptor that is handed over.
    pub(crate) fn attempt_with(&self, case: &str, fd: BorrowedFd<'_>) -> String {
        let (here, there) = UnixStream::pair().unwrap();
        let child = self.start(case, there.into());
        pass(here.as_fd(), fd);
        outcome(&child.wait_with_output().unwrap())
    }
}

fn outcome(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// Hands `fd` over a Unix socket (unix(7), `SCM_RIGHTS`).
fn pass(over: BorrowedFd<'_>, fd: BorrowedFd<'_>) {
    let fds = [fd];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    assert!(control.push(SendAncillaryMessage::ScmRights(&fds)));
    rustix::net::sendmsg(
        over,
        &[IoSlice::new(b"x")],
        &mut control,
        SendFlags::empty(),
    )
    .unwrap();
}

/// Whether this kernel has Landlock at all; says so when it has not.
pub(crate) fn landlock_works() -> bool {
    let ruleset = Ruleset::default()
        .handle_access(AccessFs::from_all(ABI::V1))
        .and_then(Ruleset::create)
        .unwrap();
    let works = Option::<OwnedFd>::from(ruleset).is_some();
    if !works {
        let line = "SKIPPED(this kernel has no Landlock, or does not start it)";
        writeln!(std::io::stderr(), "{line}").unwrap();
    }
    works
}

/// Every one of `cases` is refused. `EXDEV` is Landlock's word for a link or move that would change
/// rights (landlock(7), `LANDLOCK_ACCESS_FS_REFER`).
pub(crate) fn refused(cases: &[&str], house: &House) {
    for case in cases {
        let outcome = house.attempt(case);
        let refused = ["EPERM", "EACCES"].contains(&outcome.as_str());
        assert!(
            refused || outcome.contains("CrossesDevices"),
            "{case}: {outcome}"
        );
    }
}
