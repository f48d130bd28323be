//! Hosts and ports as they stand in addresses: what is a host is one name or address and nothing around it, and what
//! counts as this machine's own can be nobody else's.
#![no_main]

use std::net::{IpAddr, Ipv6Addr};

use bartizan_domain::host::{MAX_HOST, bare, is_host, is_loopback, split_port};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let (host, port) = split_port(text);
    let again = port.map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    assert_eq!(again, text);
    if !is_host(host) {
        return;
    }
    assert!((1..=MAX_HOST).contains(&host.len()) && host.is_ascii());
    assert!(!host.contains(['/', '@', '?', '#', '%', ' ', '\\']));
    assert_eq!(host.contains(':'), host.starts_with('['));
    assert_eq!(split_port(&format!("{host}:80")), (host, Some("80")));
    if host.starts_with('[') {
        assert!(bare(host).parse::<Ipv6Addr>().is_ok());
    }
    let upper = host.to_ascii_uppercase();
    assert_eq!(
        (is_host(&upper), is_loopback(&upper)),
        (true, is_loopback(host))
    );
    if is_loopback(host) {
        let own = bare(host)
            .parse()
            .is_ok_and(|ip: IpAddr| ip.to_canonical().is_loopback());
        assert!(own || upper == "LOCALHOST" || upper.ends_with(".LOCALHOST"));
    }
});
