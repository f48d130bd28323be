//! RTP packets: the payload lies within the packet.
#![no_main]

use bartizan_media::rtp::Packet;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(packet) = Packet::parse(bytes) {
        assert!(packet.payload.len() + 12 <= bytes.len());
        assert!(packet.payload_type <= 127);
        assert_eq!(packet.sequence.to_be_bytes(), bytes[2..4]);
    }
});
