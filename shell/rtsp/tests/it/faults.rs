//! Cameras that misbehave at the socket.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener};
use std::thread;
use std::time::Duration;

use bartizan_media::rtsp::{Fault, SessionError, Step, Transport};
use bartizan_rtsp::ConnectionError;

use crate::camera::{Camera, Clip};
use crate::viewer;

const TICK: Duration = Duration::from_millis(20);

/// What becomes of a connection to a peer that accepts, sends `bytes` and closes.
fn error_after(scheme: &str, bytes: Vec<u8>) -> ConnectionError {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let peer = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        // The other side may hang up first.
        stream.write_all(&bytes).unwrap_or_default();
        let mut rest = Vec::new();
        stream.shutdown(Shutdown::Write).unwrap_or_default();
        stream.read_to_end(&mut rest).unwrap_or_default();
    });
    let settings = viewer::settings(
        &format!("{scheme}://127.0.0.1:{port}/"),
        Transport::Tcp,
        None,
    );
    let (_, error) = viewer::watch(settings, TICK, |_| false);
    peer.join().unwrap();
    error.unwrap()
}

#[test]
fn a_peer_that_hangs_up_is_told() {
    let error = error_after("rtsp", Vec::new());
    let during = Step::Options;
    let closed = SessionError::Closed { during };
    assert!(
        matches!(&error, ConnectionError::Session(e) if *e == closed),
        "{error:?}"
    );
}

#[test]
fn a_peer_that_speaks_rubbish_is_told() {
    let error = error_after("rtsp", vec![0xff; 3 * 1024 * 1024]);
    let garbage = SessionError::Protocol(Fault::Garbage);
    assert!(
        matches!(&error, ConnectionError::Session(e) if *e == garbage),
        "{error:?}"
    );
}

#[test]
fn a_peer_without_tls_is_told() {
    let error = error_after("rtsps", b"RTSP/1.0 400 Bad Request\r\n\r\n".to_vec());
    assert!(matches!(error, ConnectionError::Tls(_)), "{error:?}");
}

#[test]
fn a_camera_that_dies_is_told() {
    let mut camera = Some(Camera::serve(&[Clip::H264], &[]));
    let url = camera.as_ref().unwrap().url().to_owned();
    let killer = thread::spawn(move || {
        thread::park_timeout(Duration::from_secs(2));
        drop(camera.take());
    });
    let settings = viewer::settings(&url, Transport::Tcp, None);
    let (seen, error) = viewer::watch(settings, TICK, |_| false);
    killer.join().unwrap();
    assert!(seen.events.len() > 10);
    let closed = matches!(
        error,
        Some(ConnectionError::Session(SessionError::Closed { .. }))
    );
    assert!(closed, "{error:?}");
}
