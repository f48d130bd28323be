//! Packets as they pass this machine's interfaces, loopback included, from a packet socket (packet(7)). It needs
//! `CAP_NET_RAW`; without it a capture says so, and its test shows nothing.

use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Result, anyhow};
use rustix::net::{
    AddressFamily, RecvFlags, SocketFlags, SocketType, eth, recv, socket_with, sockopt,
};

/// Bytes that a capture keeps; what comes later is counted only.
pub const MAX_BYTES: usize = 512 * 1024 * 1024;

/// The socket's buffer: bursts of a whole keyframe to many viewers fit.
const BUFFER: usize = 32 * 1024 * 1024;

/// Largest packet, headers included: loopback carries 64 KiB and more with segmentation left to the "card".
const MAX_PACKET: usize = 256 * 1024;

#[derive(Debug, Default)]
struct Caught {
    packets: Vec<Vec<u8>>,
    bytes: usize,
    left_out: usize,
}

/// A running capture.
#[derive(Debug)]
pub struct Capture {
    caught: Arc<Mutex<Caught>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Capture {
    /// Starts one on all interfaces.
    ///
    /// # Errors
    /// This process may not.
    pub fn start() -> Result<Self> {
        let family = AddressFamily::PACKET;
        let socket = socket_with(
            family,
            SocketType::RAW,
            SocketFlags::CLOEXEC,
            Some(eth::ALL),
        )
        .map_err(|error| anyhow!("no packet socket: {error}"))?;
        // As much as may be had.
        if sockopt::set_socket_recv_buffer_size_force(&socket, BUFFER).is_err() {
            sockopt::set_socket_recv_buffer_size(&socket, BUFFER).unwrap_or_default();
        }
        sockopt::set_socket_timeout(
            &socket,
            sockopt::Timeout::Recv,
            Some(Duration::from_millis(100)),
        )?;
        let (caught, stop) = (
            Arc::<Mutex<Caught>>::default(),
            Arc::new(AtomicBool::new(false)),
        );
        let (theirs, told) = (Arc::clone(&caught), Arc::clone(&stop));
        let thread = thread::spawn(move || listen(&socket, &theirs, &told));
        Ok(Self {
            caught,
            stop,
            thread: Some(thread),
        })
    }

    /// Ends it and gives the packets, from the link layer's header on.
    ///
    /// # Errors
    /// It could not keep them all.
    pub fn finish(mut self) -> Result<Vec<Vec<u8>>> {
        self.end();
        let mut caught = self.caught.lock().unwrap_or_else(PoisonError::into_inner);
        match caught.left_out {
            0 => Ok(std::mem::take(&mut caught.packets)),
            count => Err(anyhow!("{count} packets did not fit")),
        }
    }

    fn end(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // It does nothing that could panic.
            drop(thread.join());
        }
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        self.end();
    }
}

fn listen(socket: &OwnedFd, caught: &Mutex<Caught>, stop: &AtomicBool) {
    let mut buffer = vec![0; MAX_PACKET];
    while !stop.load(Ordering::Relaxed) {
        let Ok((count, _)) = recv(socket, buffer.as_mut_slice(), RecvFlags::empty()) else {
            continue;
        };
        let mut caught = caught.lock().unwrap_or_else(PoisonError::into_inner);
        if caught.bytes + count > MAX_BYTES {
            caught.left_out += 1;
            continue;
        }
        caught.bytes += count;
        caught
            .packets
            .push(buffer.get(..count).unwrap_or_default().to_vec());
    }
}

/// TCP or UDP ports of a captured Ethernet packet, source first; `None` for anything else.
pub fn ports(packet: &[u8]) -> Option<(u16, u16)> {
    let (_, rest) = packet.split_at_checked(14)?;
    let (first, protocol) = (*rest.first()?, *rest.get(9)?);
    // IPv4 without fragments, TCP (6) or UDP (17).
    if first >> 4 != 4 || ![6, 17].contains(&protocol) {
        return None;
    }
    let segment = rest.get(usize::from(first & 15) * 4..)?;
    let (source, rest) = segment.split_first_chunk::<2>()?;
    Some((
        u16::from_be_bytes(*source),
        u16::from_be_bytes(*rest.first_chunk()?),
    ))
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use super::*;

    #[test]
    fn what_is_said_over_loopback_is_caught() {
        let capture = match Capture::start() {
            Ok(capture) => capture,
            Err(error) => return crate::skipped(&error.to_string()),
        };
        let (here, there) = (
            UdpSocket::bind("127.0.0.1:0").unwrap(),
            UdpSocket::bind("127.0.0.1:0").unwrap(),
        );
        here.send_to(b"a canary in a packet", there.local_addr().unwrap())
            .unwrap();
        crate::wait::pause(Duration::from_millis(300));
        let packets = capture.finish().unwrap();
        let found = packets
            .iter()
            .find(|packet| packet.ends_with(b"a canary in a packet"))
            .unwrap();
        let expected = (
            here.local_addr().unwrap().port(),
            there.local_addr().unwrap().port(),
        );
        assert_eq!(ports(found), Some(expected));
    }
}
