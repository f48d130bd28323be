//! Packets as they pass this machine's interfaces, loopback included, from a packet socket (packet(7)), hunted while
//! they pass: none is kept. It needs `CAP_NET_RAW`; without it a capture says so, and its test shows nothing.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use rustix::net::{
    AddressFamily, RecvFlags, SocketFlags, SocketType, eth, recv, socket_with, sockopt,
};

use crate::hunt::{Hunt, Trace};

/// The socket's buffer: bursts of a whole keyframe to many viewers fit.
const BUFFER: usize = 32 * 1024 * 1024;

/// Largest packet, headers included: loopback carries 64 KiB and more with segmentation left to the "card".
const MAX_PACKET: usize = 256 * 1024;

/// TCP or UDP ports, source first; zeros for what has none.
pub type Ports = (u16, u16);

/// What a capture saw.
#[derive(Debug, Default)]
pub struct Caught {
    /// How many packets there were.
    pub packets: BTreeMap<Ports, usize>,
    /// What was found in them.
    pub traces: Vec<(Ports, Trace)>,
}

/// A running capture.
#[derive(Debug)]
pub struct Capture {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<Caught>>,
}

impl Capture {
    /// Starts one on all interfaces, with `hunt` looking at each packet.
    ///
    /// # Errors
    /// This process may not.
    pub fn start(hunt: Hunt) -> Result<Self> {
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
        let stop = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stop);
        let thread = thread::spawn(move || listen(&socket, &hunt, &told));
        Ok(Self {
            stop,
            thread: Some(thread),
        })
    }

    /// Ends it and tells what it saw.
    ///
    /// # Errors
    /// Its thread panicked.
    pub fn finish(mut self) -> Result<Caught> {
        let caught = self.end().context("a capture ends once")?;
        caught.map_err(|_panic| anyhow!("the capture panicked"))
    }

    fn end(&mut self) -> Option<thread::Result<Caught>> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().map(JoinHandle::join)
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        // Nobody asks any more what it saw.
        drop(self.end());
    }
}

fn listen(socket: &OwnedFd, hunt: &Hunt, stop: &AtomicBool) -> Caught {
    let (mut buffer, mut caught) = (vec![0; MAX_PACKET], Caught::default());
    while !stop.load(Ordering::Relaxed) {
        let Ok((count, _)) = recv(socket, buffer.as_mut_slice(), RecvFlags::empty()) else {
            continue;
        };
        let packet = buffer.get(..count).unwrap_or_default();
        let ports = ports(packet).unwrap_or_default();
        *caught.packets.entry(ports).or_default() += 1;
        let traces = hunt.bytes("a packet", packet);
        caught
            .traces
            .extend(traces.into_iter().map(|trace| (ports, trace)));
    }
    caught
}

/// TCP or UDP ports of a captured Ethernet packet, source first; `None` for anything else.
fn ports(packet: &[u8]) -> Option<Ports> {
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
        let hunt = Hunt::new(&["canary-in-a-packet-e0b7"]).unwrap();
        let capture = match Capture::start(hunt) {
            Ok(capture) => capture,
            Err(error) => return crate::skipped(&error.to_string()),
        };
        let (here, there) = (
            UdpSocket::bind("127.0.0.1:0").unwrap(),
            UdpSocket::bind("127.0.0.1:0").unwrap(),
        );
        let to = there.local_addr().unwrap();
        for text in ["a canary-in-a-packet-e0b7", "nothing"] {
            here.send_to(text.as_bytes(), to).unwrap();
        }
        crate::wait::pause(Duration::from_millis(300));
        let caught = capture.finish().unwrap();
        let ports = (here.local_addr().unwrap().port(), to.port());
        // Loopback shows each packet twice: as it leaves and as it comes.
        assert!(caught.packets[&ports] >= 2, "{caught:?}");
        assert!(!caught.traces.is_empty(), "{caught:?}");
        assert!(
            caught.traces.iter().all(|(seen, _)| *seen == ports),
            "{caught:?}"
        );
    }
}
