//! Addresses of gateways as people type them, and recovery files: an address has one form, goes to no other
//! host than it says, and is never in clear to another machine.
#![no_main]

use std::net::IpAddr;

use bartizan_client::account::parse_recovery;
use bartizan_client::transport::{MAX_ORIGIN, Origin};
use bartizan_fuzz::used;
use libfuzzer_sys::fuzz_target;

const TARGET: &str = "/api/v1/site?x=1";

fuzz_target!(|text: &str| {
    used(parse_recovery(text));
    let Ok(origin) = text.parse::<Origin>() else {
        return;
    };
    let written = origin.to_string();
    assert!(written.len() <= MAX_ORIGIN + "https://".len());
    assert_eq!(written.parse::<Origin>().expect("its own text"), origin);
    assert!(!written.contains('@') && !origin.host().is_empty());
    let url = origin.url(TARGET).expect("a path");
    assert_eq!(url.to_string(), format!("{written}{TARGET}"));
    assert_eq!(
        url.host().map(|host| host.trim_matches(['[', ']'])),
        Some(origin.host())
    );
    let loopback = |ip: IpAddr| ip.to_canonical().is_loopback();
    let named = origin.host() == "localhost" || origin.host().ends_with(".localhost");
    let here = named || origin.host().parse().is_ok_and(loopback);
    assert!(written.starts_with("https://") || here);
    assert_eq!(origin.is_loopback(), here);
});
