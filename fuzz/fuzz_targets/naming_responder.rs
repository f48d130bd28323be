//! Messages of strangers to the responder for the gateway's name: whatever they say, its answers are few, bounded
//! and for its own link, and its name stays one of its own.
#![no_main]

use std::net::SocketAddr;
use std::time::Duration;

use bartizan_domain::Monotonic;
use bartizan_naming::{Label, Link, MAX_MESSAGE, Responder, Target};
use libfuzzer_sys::fuzz_target;

const LAN: u32 = 2;

/// A query for the name, which mutations make interesting ones of.
const QUERY: &[u8] = b"\0\0\0\0\0\x01\0\0\0\0\0\0\x04gate\x05local\0\0\xff\0\x01";

fuzz_target!(|said: Vec<(u8, u16, Vec<u8>)>| {
    let label = Label::of_local("gate.local").expect("a plain name");
    let mut now = Monotonic::default();
    let mut gate = Responder::new(label, None, 8440, 0, now);
    let own = ([192, 168, 1, 7].into(), 24);
    let link = Link {
        index: LAN,
        addresses: vec![own],
    };
    gate.set_links(vec![link], now);
    let (mut second, mut answers) = (now, 0);
    for (flags, wait, mut bytes) in said.into_iter().take(200) {
        now = now + Duration::from_millis(wait.into());
        if now.since(second) >= Duration::from_secs(1) {
            (second, answers) = (now, 0);
        }
        for packet in gate.poll(now) {
            assert!(packet.link == LAN && packet.to == Target::All);
        }
        if flags & 1 != 0 {
            bytes = [QUERY, &bytes].concat();
        }
        let host = if flags & 2 == 0 {
            [192, 168, 1, 9]
        } else {
            [203, 0, 113, 9]
        };
        let port = if flags & 4 == 0 { 5353 } else { 40_000 };
        let from = SocketAddr::from((host, port));
        if let Some(packet) = gate.receive(LAN, from, &bytes, now) {
            answers += 1;
            assert!(packet.bytes.len() <= MAX_MESSAGE && flags & 2 == 0);
            assert!(packet.to == Target::All || packet.to == Target::One(from));
        }
        // A second of the responder's may begin within one of ours.
        assert!(answers <= 40);
        let name = gate.name();
        assert!(name.is_none_or(|name| name.starts_with("gate") && name.ends_with(".local")));
    }
});
