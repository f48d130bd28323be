//! The networks that this machine is on, as far as its name is told there.

use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;

use bartizan_naming::Link;
use if_addrs::{IfAddr, Interface};

/// A link and the system's name for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) name: String,
    pub(crate) link: Link,
}

/// All links that are up and have neighbours, by number; of `only`, when the gateway listens on one address.
pub(crate) fn links(only: Option<IpAddr>) -> io::Result<Vec<Named>> {
    let mut found: BTreeMap<u32, Named> = BTreeMap::new();
    for interface in if_addrs::get_if_addrs()? {
        let wanted = only.is_none_or(|only| interface.ip() == only);
        let Some(index) = interface
            .index
            .filter(|_| wanted && has_neighbours(&interface))
        else {
            continue;
        };
        let address = match &interface.addr {
            IfAddr::V4(address) => (IpAddr::V4(address.ip), address.prefixlen),
            IfAddr::V6(address) => (IpAddr::V6(address.ip), address.prefixlen),
        };
        let named = found.entry(index).or_insert_with(|| Named {
            name: interface.name.clone(),
            link: Link {
                index,
                addresses: Vec::new(),
            },
        });
        named.link.addresses.push(address);
    }
    for named in found.values_mut() {
        named.link.addresses.sort();
    }
    Ok(found.into_values().collect())
}

fn has_neighbours(interface: &Interface) -> bool {
    !interface.is_loopback() && !interface.is_p2p() && interface.is_oper_up()
}
