//! The two sockets of a link: members of the group, bound to the link and to the port of multicast DNS, which
//! they share with whoever else on this machine answers for other names.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use bartizan_naming::responder::{GROUP_V4, GROUP_V6, PORT};
use bartizan_naming::{Packet, Target};
use socket2::{Domain, InterfaceIndexOrAddress, Protocol, Socket, Type};

use crate::links::Named;

/// Packets of the own link arrive with this (RFC 6762 §11).
const HOPS: u32 = 255;

/// The sockets of one link; at least one family is there.
#[derive(Debug)]
pub(crate) struct Sockets {
    pub(crate) index: u32,
    pub(crate) v4: Option<UdpSocket>,
    pub(crate) v6: Option<UdpSocket>,
}

impl Sockets {
    /// Opens them for the families that the link has addresses of.
    ///
    /// # Errors
    /// None could be opened.
    pub(crate) fn open(named: &Named) -> io::Result<Self> {
        let has = |v4: bool| {
            named
                .link
                .addresses
                .iter()
                .any(|(ip, _)| ip.is_ipv4() == v4)
        };
        let v4 = has(true).then(|| open_v4(named)).transpose();
        let v6 = has(false).then(|| open_v6(named)).transpose();
        let index = named.link.index;
        match (v4, v6) {
            (Err(error), Ok(None) | Err(_)) | (Ok(None), Err(error)) => Err(error),
            (v4, v6) => Ok(Self {
                index,
                v4: v4.unwrap_or_default(),
                v6: v6.unwrap_or_default(),
            }),
        }
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &UdpSocket> {
        self.v4.iter().chain(&self.v6)
    }

    /// Sends a packet; what is lost is asked for again.
    pub(crate) fn send(&self, packet: &Packet) {
        let group_v6 = SocketAddr::V6(std::net::SocketAddrV6::new(GROUP_V6, PORT, 0, self.index));
        let (v4, v6) = match packet.to {
            Target::All => (Some((GROUP_V4, PORT).into()), Some(group_v6)),
            Target::One(to) if to.is_ipv4() => (Some(to), None),
            Target::One(to) => (None, Some(to)),
        };
        for (socket, to) in [(&self.v4, v4), (&self.v6, v6)] {
            let (Some(socket), Some(to)) = (socket, to) else {
                continue;
            };
            if let Err(error) = socket.send_to(&packet.bytes, to) {
                tracing::debug!(%error, "a message about the gateway's name was not sent");
            }
        }
    }
}

fn open_v4(named: &Named) -> io::Result<UdpSocket> {
    let socket = shared(Domain::IPV4, &named.name)?;
    socket.bind(&SocketAddr::from((Ipv4Addr::UNSPECIFIED, PORT)).into())?;
    let link = InterfaceIndexOrAddress::Index(named.link.index);
    socket.join_multicast_v4_n(&GROUP_V4, &link)?;
    socket.set_multicast_ttl_v4(HOPS)?;
    socket.set_ttl_v4(HOPS)?;
    Ok(socket.into())
}

fn open_v6(named: &Named) -> io::Result<UdpSocket> {
    let socket = shared(Domain::IPV6, &named.name)?;
    socket.set_only_v6(true)?;
    socket.bind(&SocketAddr::from((Ipv6Addr::UNSPECIFIED, PORT)).into())?;
    socket.join_multicast_v6(&GROUP_V6, named.link.index)?;
    socket.set_multicast_if_v6(named.link.index)?;
    socket.set_multicast_hops_v6(HOPS)?;
    socket.set_unicast_hops_v6(HOPS)?;
    Ok(socket.into())
}

fn shared(family: Domain, link: &str) -> io::Result<Socket> {
    let socket = Socket::new(family, Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    socket.set_nonblocking(true)?;
    socket.bind_device(Some(link.as_bytes()))?;
    Ok(socket)
}
