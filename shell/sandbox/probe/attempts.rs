//! The attempts themselves, one function each, in safe code.

use std::fs::{self, File, OpenOptions};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, ErrorKind, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;
use std::sync::mpsc;
use std::time::Duration;

use rustix::event::{EventfdFlags, PollFd, PollFlags, epoll};
use rustix::fs::MemfdFlags;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType,
};
use rustix::process::{PidfdFlags, PidfdGetfdFlags, Resource, Rlimit, Signal};

use crate::Env;

/// Attempts `case`.
pub(crate) fn run(case: &str, env: &Env) -> io::Result<()> {
    match case.split_once('-').map_or(case, |(group, _)| group) {
        "file" => file(case, env),
        "net" => net(case),
        "passed" => passed(case),
        "process" => process(case),
        _ => other(case),
    }
}

fn unknown() -> io::Result<()> {
    Err(io::Error::new(ErrorKind::InvalidInput, "no such case"))
}

fn file(case: &str, env: &Env) -> io::Result<()> {
    match case {
        "file-own" => own_files(&env.own),
        "file-read-other" => fs::read(env.other.join("secret")).map(drop),
        "file-write-other" => fs::write(env.other.join("new"), "x"),
        "file-append-other" => OpenOptions::new()
            .append(true)
            .open(env.other.join("secret"))
            .map(drop),
        "file-list-other" => fs::read_dir(&env.other).map(drop),
        "file-remove-other" => fs::remove_file(env.other.join("secret")),
        "file-move-out" => {
            fs::write(env.own.join("a"), "x")?;
            fs::rename(env.own.join("a"), env.other.join("a"))
        }
        "file-link-in" => fs::hard_link(env.other.join("secret"), env.own.join("stolen")),
        "file-symlink" => {
            std::os::unix::fs::symlink(env.other.join("secret"), env.own.join("link"))
        }
        "file-passwd" => fs::read("/etc/passwd").map(drop),
        "file-tmp" => fs::write("/tmp/bartizan-sandbox-probe", "x"),
        "file-dev" => File::open("/dev/zero").map(drop),
        "file-environ" => fs::read("/proc/1/environ").map(drop),
        "file-own-memory" => OpenOptions::new()
            .write(true)
            .open("/proc/self/mem")
            .map(drop),
        "file-fifo" => Ok(rustix::fs::mknodat(
            rustix::fs::CWD,
            env.own.join("pipe"),
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RUSR,
            0,
        )?),
        _ => unknown(),
    }
}

/// The life of a file: written, made durable, renamed, read, locked, listed, removed.
fn own_files(own: &Path) -> io::Result<()> {
    let (fresh, kept, folder) = (own.join("fresh"), own.join("kept"), own.join("folder"));
    let mut file = File::create(&fresh)?;
    file.write_all(b"state")?;
    file.set_len(3)?;
    file.sync_all()?;
    fs::rename(&fresh, &kept)?;
    File::open(own)?.sync_all()?;
    let mut text = String::new();
    File::open(&kept)?.read_to_string(&mut text)?;
    fs::create_dir(&folder)?;
    fs::rename(&kept, folder.join("kept"))?;
    let listed = fs::read_dir(&folder)?.count();
    fs::remove_dir_all(&folder)?;
    check(text == "sta" && listed == 1)
}

fn net(case: &str) -> io::Result<()> {
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    match case {
        "net-tcp" => TcpListener::bind(any).map(drop),
        "net-udp" => UdpSocket::bind(any).map(drop),
        "net-unix" => UnixStream::connect("/run/nothing").map(drop),
        "net-pair" => UnixStream::pair().map(drop),
        "net-packet" => socket(AddressFamily::PACKET, SocketType::DGRAM),
        "net-raw" => socket(AddressFamily::INET, SocketType::RAW),
        "net-resolve" => ("localhost", 80).to_socket_addrs().map(drop),
        "net-loopback" => {
            let listener = TcpListener::bind(any)?;
            let mut out = TcpStream::connect(listener.local_addr()?)?;
            let (mut accepted, _) = listener.accept()?;
            echo(&mut out, &mut accepted)
        }
        _ => unknown(),
    }
}

fn socket(family: AddressFamily, kind: SocketType) -> io::Result<()> {
    let made = rustix::net::socket_with(family, kind, SocketFlags::CLOEXEC, None)?;
    drop(made);
    Ok(())
}

fn echo(one: &mut TcpStream, two: &mut TcpStream) -> io::Result<()> {
    one.write_all(b"ping")?;
    let mut got = [0; 4];
    two.read_exact(&mut got)?;
    check(&got == b"ping")
}

/// Cases on descriptors that the test hands over on standard input.
fn passed(case: &str) -> io::Result<()> {
    let stdin = io::stdin();
    let fd = receive(stdin.as_fd())?;
    match case {
        "passed-tcp" => {
            let mut peer = TcpStream::from(fd);
            peer.set_nodelay(true)?;
            peer.write_all(b"ping")?;
            let mut got = [0; 4];
            peer.read_exact(&mut got)?;
            check(&got == b"pong" && peer.peer_addr().is_ok())
        }
        "passed-udp" => {
            let peer = UdpSocket::from(fd);
            peer.send(b"ping")?;
            let mut got = [0; 4];
            check(peer.recv(&mut got)? == 4 && &got == b"pong")
        }
        "passed-epoll" => wait_with_epoll(&fd),
        "passed-send-to" => UdpSocket::from(fd)
            .send_to(b"ping", ("127.0.0.1", 9))
            .map(drop),
        "passed-connect" => {
            let target = SocketAddr::from(([127, 0, 0, 1], 9));
            Ok(rustix::net::connect(&fd, &target)?)
        }
        "passed-bind" => {
            let any = SocketAddr::from(([127, 0, 0, 1], 0));
            Ok(rustix::net::bind(&fd, &any)?)
        }
        "passed-listen" => Ok(rustix::net::listen(&fd, 1)?),
        "passed-accept" => TcpListener::from(fd).accept().map(drop),
        "passed-on" => {
            let fds = [fd.as_fd()];
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
            let mut control = SendAncillaryBuffer::new(&mut space);
            control.push(SendAncillaryMessage::ScmRights(&fds));
            let data = [io::IoSlice::new(b"x")];
            rustix::net::sendmsg(stdin.as_fd(), &data, &mut control, SendFlags::empty())?;
            Ok(())
        }
        _ => unknown(),
    }
}

fn receive(from: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    let mut data = [IoSliceMut::new(&mut byte)];
    rustix::net::recvmsg(from, &mut data, &mut control, RecvFlags::CMSG_CLOEXEC)?;
    control
        .drain()
        .find_map(|message| match message {
            RecvAncillaryMessage::ScmRights(mut fds) => fds.next(),
            _ => None,
        })
        .ok_or_else(|| io::Error::other("no descriptor came"))
}

fn wait_with_epoll(fd: &OwnedFd) -> io::Result<()> {
    let set = epoll::create(epoll::CreateFlags::CLOEXEC)?;
    let data = epoll::EventData::new_u64(7);
    epoll::add(&set, fd, data, epoll::EventFlags::OUT)?;
    let mut events = Vec::with_capacity(4);
    epoll::wait(&set, rustix::buffer::spare_capacity(&mut events), None)?;
    let mut polled = [PollFd::new(fd, PollFlags::OUT)];
    let ready = rustix::event::poll(&mut polled, None)?;
    let wake = rustix::event::eventfd(1, EventfdFlags::CLOEXEC)?;
    let read = rustix::io::read(&wake, &mut [0; 8])?;
    check(events.len() == 1 && ready == 1 && read == 8)
}

fn process(case: &str) -> io::Result<()> {
    let parent = rustix::process::getppid().ok_or_else(|| io::Error::other("no parent"))?;
    match case {
        "process-exec" => Command::new("/bin/true").status().map(drop),
        "process-kill" => Ok(rustix::process::kill_process(parent, Signal::CONT)?),
        "process-pidfd" => {
            let pidfd = rustix::process::pidfd_open(parent, PidfdFlags::empty())?;
            rustix::process::pidfd_getfd(pidfd, 2, PidfdGetfdFlags::empty())?;
            Ok(())
        }
        "process-signal-by-pidfd" => {
            let pidfd = rustix::process::pidfd_open(parent, PidfdFlags::empty())?;
            Ok(rustix::process::pidfd_send_signal(pidfd, Signal::CONT)?)
        }
        "process-core" => {
            let limit = Rlimit {
                current: Some(1),
                maximum: Some(1),
            };
            Ok(rustix::process::setrlimit(Resource::Core, limit)?)
        }
        "process-dumpable" => {
            let yes = rustix::process::DumpableBehavior::Dumpable;
            Ok(rustix::process::set_dumpable_behavior(yes)?)
        }
        "process-chroot" => Ok(rustix::process::chroot("/")?),
        "process-abort" => std::process::abort(),
        "process-threads" => threads(),
        _ => unknown(),
    }
}

fn threads() -> io::Result<()> {
    let (sender, receiver) = mpsc::channel();
    let workers: Vec<_> = (0..4_u64)
        .map(|number| {
            let sender = sender.clone();
            std::thread::Builder::new()
                .name(format!("worker-{number}"))
                .spawn(move || {
                    std::thread::sleep(Duration::from_millis(2));
                    sender.send(vec![number; 1 << 20])
                })
        })
        .collect::<io::Result<_>>()?;
    drop(sender);
    let sum: u64 = receiver
        .iter()
        .filter_map(|part| part.last().copied())
        .sum();
    let joined = workers
        .into_iter()
        .all(|worker| matches!(worker.join(), Ok(Ok(()))));
    check(sum == 6 && joined)
}

fn other(case: &str) -> io::Result<()> {
    match case {
        "clocks" => {
            let before = std::time::Instant::now();
            std::thread::sleep(Duration::from_millis(1));
            check(before.elapsed() >= Duration::from_millis(1))
        }
        "random" => check(RandomState::new().hash_one(1) != RandomState::new().hash_one(1)),
        "memfd" => {
            rustix::fs::memfd_create("probe", MemfdFlags::CLOEXEC)?;
            Ok(())
        }
        "second-thread" => Ok(()),
        _ => unknown(),
    }
}

fn check(holds: bool) -> io::Result<()> {
    if holds {
        Ok(())
    } else {
        Err(io::Error::other("it worked, but wrongly"))
    }
}
