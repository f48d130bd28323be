//! Hosts as they stand in addresses (RFC 3986 §3.2.2): a name, an IPv4 address, or an IPv6 address in brackets.
//!
//! Nothing is resolved, and no name is refused because nobody has it: what is told apart here is what may stand in an
//! address at all, where its port begins, and what leads to the very machine that asks. Ports are read by who uses
//! them, because some take an empty one.

use std::net::{IpAddr, Ipv6Addr};

/// Longest host in bytes: a name's limit (RFC 1035 §2.3.4, without the lengths and the root), and more than an
/// address has.
pub const MAX_HOST: usize = 253;

/// Whether `host` may be asked for: 1 to 253 letters, digits, hyphens and dots (RFC 1123 §2.1), and underscores,
/// which DNS takes (RFC 2181 §11) and some home networks use; or an IPv6 address in brackets, without a zone.
pub fn is_host(host: &str) -> bool {
    if let Some(literal) = host.strip_prefix('[') {
        let address = literal.strip_suffix(']').map(str::parse::<Ipv6Addr>);
        return matches!(address, Some(Ok(_)));
    }
    let in_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    (1..=MAX_HOST).contains(&host.len()) && host.bytes().all(in_name)
}

/// Host, and what follows the colon behind it, of `host` or `host:port`. The host is as it stands there: nothing is
/// checked but that the colons of a bracketed address are its own.
pub fn split_port(authority: &str) -> (&str, Option<&str>) {
    let end = authority.find(']').unwrap_or_default();
    let colon = authority.get(end..).and_then(|rest| rest.find(':'));
    let split = colon.and_then(|at| authority.split_at_checked(end.saturating_add(at)));
    match split {
        Some((host, port)) => (host, port.strip_prefix(':')),
        None => (authority, None),
    }
}

/// A host without the brackets around an IPv6 address, as sockets take it.
pub fn bare(host: &str) -> &str {
    host.strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host)
}

/// Whether a host, with or without brackets and in any case, leads to the very machine that asks: `localhost` and
/// what ends in it (RFC 6761 §6.3), and loopback addresses.
pub fn is_loopback(host: &str) -> bool {
    let name = host.to_ascii_lowercase();
    let named = name == "localhost" || name.ends_with(".localhost");
    named || bare(host).parse().is_ok_and(is_loopback_address)
}

/// Whether an address is the machine's own (RFC 1122 §3.2.1.3, RFC 4291 §2.5.3), also one of IPv4 written in IPv6
/// (RFC 4291 §2.5.5.2), which the system sends to the same place.
pub const fn is_loopback_address(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn names_and_addresses_are_hosts() {
        for host in [
            "a",
            "gate",
            "Gate-2.local",
            "nursery_cam.lan",
            "192.168.1.7",
            "[::1]",
            "[fd00::7]",
            "gate.local.",
            &"a".repeat(MAX_HOST),
        ] {
            assert!(is_host(host), "{host}");
        }
    }

    #[test]
    fn what_no_name_or_address_is_made_of_is_no_host() {
        for host in [
            "",
            "ga te",
            "gate\n",
            "gäte",
            "a/b",
            "a:b",
            "u@a",
            "a%41",
            "::1",
            "[::1",
            "::1]",
            "[]",
            "[gate]",
            "[127.0.0.1]",
            "[fe80::1%eth0]",
            "[[::1]]",
            "[::1]a",
            ")[",
            &"a".repeat(MAX_HOST + 1),
        ] {
            assert!(!is_host(host), "{host}");
        }
    }

    #[test]
    fn a_port_stands_behind_the_host_and_its_brackets() {
        for (authority, host, port) in [
            ("gate", "gate", None),
            ("gate:80", "gate", Some("80")),
            ("gate:", "gate", Some("")),
            ("[::1]", "[::1]", None),
            ("[::1]:80", "[::1]", Some("80")),
            ("[::1", "[", Some(":1")),
            ("a:b:80", "a", Some("b:80")),
            (")[:z2]", ")[:z2]", None),
            ("", "", None),
        ] {
            assert_eq!(split_port(authority), (host, port), "{authority}");
        }
    }

    #[test]
    fn only_what_stays_on_this_machine_is_loopback() {
        for host in [
            "localhost",
            "LocalHost",
            "gate.localhost",
            "127.0.0.1",
            "127.3.2.1",
            "::1",
            "[::1]",
            "[::ffff:127.0.0.1]",
        ] {
            assert!(is_loopback(host), "{host}");
        }
        for host in [
            "",
            "localhost.",
            "localhost.evil.example",
            "notlocalhost",
            "127.0.0.1.evil.example",
            "127.1",
            "192.168.1.7",
            "0.0.0.0",
            "[::]",
            "[::127.0.0.1]",
            "[fe80::1]",
            "[[::1]]",
        ] {
            assert!(!is_loopback(host), "{host}");
        }
        assert!(is_loopback_address(
            Ipv4Addr::LOCALHOST.to_ipv6_mapped().into()
        ));
    }
}
