//! What the media process can and can't do.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsFd;
use std::os::unix::process::ExitStatusExt;
use std::thread;

use rustix::net::{AddressFamily, SocketType};

use crate::house::{House, landlock_works, refused};

fn house() -> House {
    House::new("ingest")
}

#[test]
fn its_own_files_threads_clocks_and_randomness_work() {
    for case in [
        "file-own",
        "process-threads",
        "net-pair",
        "clocks",
        "random",
    ] {
        assert_eq!(house().attempt(case), "ok", "{case}");
    }
}

#[test]
fn it_can_still_abort() {
    let status = house().run("process-abort").status;
    assert_eq!(status.signal(), Some(libc::SIGABRT));
    assert!(!status.core_dumped());
}

#[test]
fn c_2_g_8_other_files_are_out_of_reach() {
    let house = house();
    if landlock_works() {
        let cases = [
            "file-read-other",
            "file-write-other",
            "file-append-other",
            "file-list-other",
            "file-remove-other",
            "file-move-out",
            "file-passwd",
            "file-tmp",
            "file-dev",
            "file-environ",
            "file-own-memory",
        ];
        refused(&cases, &house);
        assert_eq!(
            std::fs::read(house.path("other/secret")).unwrap(),
            b"plaintext"
        );
    }
}

#[test]
fn no_link_pipe_or_memory_file_can_be_made() {
    refused(
        &["file-link-in", "file-symlink", "file-fifo", "memfd"],
        &house(),
    );
}

#[test]
fn c_2_g_8_no_socket_can_be_opened() {
    refused(
        &["net-tcp", "net-udp", "net-unix", "net-packet", "net-raw"],
        &house(),
    );
}

#[test]
fn c_2_g_8_no_process_can_be_started_read_or_signalled() {
    let cases = [
        "process-exec",
        "process-kill",
        "process-pidfd",
        "process-signal-by-pidfd",
        "process-chroot",
    ];
    refused(&cases, &house());
}

#[test]
fn no_switch_can_be_turned_back() {
    refused(&["process-core", "process-dumpable"], &house());
}

#[test]
fn a_passed_tcp_connection_works() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let out = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let camera = thread::spawn(move || {
        let (mut peer, _) = listener.accept().unwrap();
        let mut got = [0; 4];
        peer.read_exact(&mut got).unwrap();
        peer.write_all(b"pong").unwrap();
        got
    });
    assert_eq!(house().attempt_with("passed-tcp", out.as_fd()), "ok");
    assert_eq!(&camera.join().unwrap(), b"ping");
    assert_eq!(house().attempt_with("passed-epoll", out.as_fd()), "ok");
}

#[test]
fn a_passed_udp_socket_reaches_its_peer_only() {
    let camera = UdpSocket::bind("127.0.0.1:0").unwrap();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(camera.local_addr().unwrap()).unwrap();
    camera
        .send_to(b"pong", socket.local_addr().unwrap())
        .unwrap();
    assert_eq!(house().attempt_with("passed-udp", socket.as_fd()), "ok");
    let mut got = [0; 4];
    assert_eq!(camera.recv(&mut got).unwrap(), 4);
    assert_eq!(
        house().attempt_with("passed-send-to", socket.as_fd()),
        "EPERM"
    );
    assert_eq!(
        house().attempt_with("passed-connect", socket.as_fd()),
        "EPERM"
    );
}

#[test]
fn c_2_g_8_a_passed_socket_can_t_become_another_way_out() {
    let fresh = rustix::net::socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    for case in ["passed-connect", "passed-bind", "passed-listen"] {
        assert_eq!(house().attempt_with(case, fresh.as_fd()), "EPERM", "{case}");
    }
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    assert_eq!(
        house().attempt_with("passed-accept", listener.as_fd()),
        "EPERM"
    );
}

#[test]
fn c_2_g_8_a_descriptor_can_t_be_passed_on() {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    assert_eq!(house().attempt_with("passed-on", socket.as_fd()), "EPERM");
}
