//! AAC packets (RFC 3640) and whole-packet sound into access units: those that come out are bounded.
#![no_main]

use bartizan_fuzz::video::packets;
use bartizan_media::rtp::Packet;
use bartizan_media::rtp::audio::{AacLayout, MAX_AUDIO_UNIT, SoundReader};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, u8, u8, &[u8])| {
    let (size, index, delta, bytes) = input;
    let layout = AacLayout::new(size % 17, index % 9, delta % 9, 1_024);
    let layout = layout
        .or_else(|| AacLayout::new(13, 3, 3, 1_024))
        .expect("AAC-hbr");
    let mut readers = [SoundReader::aac(layout), SoundReader::whole_packets()];
    for packet in packets(bytes) {
        let packet = Packet::parse(&packet).expect("ours");
        for reader in &mut readers {
            let lost = u32::from(packet.sequence & 3 == 0);
            reader.push(&packet, lost, &mut |sound| {
                assert!(!sound.data.is_empty() && sound.data.len() <= MAX_AUDIO_UNIT);
            });
        }
    }
});
