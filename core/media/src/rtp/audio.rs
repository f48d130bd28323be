//! Sound packets into access units: AAC (RFC 3640, modes AAC-hbr and AAC-lbr), G.711 (RFC 3551 §4.5.14)
//! and Opus (RFC 7587).
//!
//! Interleaved AAC access units are dropped: no camera sends them. Nothing is decoded.

use super::Packet;
use crate::codec::bits::BitReader;

/// Largest access unit of sound in bytes; larger ones are dropped.
pub const MAX_AUDIO_UNIT: usize = 64 * 1024;

/// Most access units of one packet.
const MAX_UNITS: usize = 64;

/// A whole access unit of sound without times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sound {
    /// RTP timestamp.
    pub timestamp: u32,
    /// Packets lost, and access units dropped, before it.
    pub lost: u32,
    /// The access unit.
    pub data: Vec<u8>,
}

/// The `a=fmtp` fields that lay AAC packets out (RFC 3640 §4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AacLayout {
    /// Bits of a size; 1–16.
    pub size_length: u8,
    /// Bits of the first index; 0–8.
    pub index_length: u8,
    /// Bits of a later index; 0–8.
    pub index_delta_length: u8,
    /// Ticks of an access unit.
    pub frame_ticks: u32,
}

impl AacLayout {
    /// AAC-hbr (RFC 3640 §3.3.6) or another layout within the limits of the fields; nothing else.
    pub fn new(size: u8, index: u8, delta: u8, frame_ticks: u32) -> Option<Self> {
        let fits = (1..=16).contains(&size) && index <= 8 && delta <= 8;
        fits.then_some(Self {
            size_length: size,
            index_length: index,
            index_delta_length: delta,
            frame_ticks,
        })
    }
}

#[derive(Debug)]
struct Fragment {
    timestamp: u32,
    size: usize,
    data: Vec<u8>,
}

/// Reads one sound track's packets.
#[derive(Debug)]
pub struct SoundReader {
    /// Nothing for codecs whose packets are access units.
    aac: Option<AacLayout>,
    fragment: Option<Fragment>,
    lost: u32,
}

impl SoundReader {
    /// For G.711 and Opus: a packet is an access unit.
    pub const fn whole_packets() -> Self {
        Self {
            aac: None,
            fragment: None,
            lost: 0,
        }
    }

    /// For AAC.
    pub const fn aac(layout: AacLayout) -> Self {
        Self {
            aac: Some(layout),
            fragment: None,
            lost: 0,
        }
    }

    /// Takes the next packet, before which `lost` are missing.
    pub fn push(&mut self, packet: &Packet<'_>, lost: u32, out: &mut dyn FnMut(Sound)) {
        self.lost = self.lost.saturating_add(lost);
        if lost > 0 {
            self.fragment = None;
        }
        match self.aac {
            None => self.give(packet.timestamp, packet.payload.to_vec(), out),
            Some(layout) => {
                if self.push_aac(layout, packet, out).is_none() {
                    self.fragment = None;
                    self.lost = self.lost.saturating_add(1);
                }
            }
        }
    }

    /// Forgets what is unfinished.
    pub fn restart(&mut self) {
        self.fragment = None;
    }

    fn give(&mut self, timestamp: u32, data: Vec<u8>, out: &mut dyn FnMut(Sound)) {
        if !data.is_empty() {
            let lost = std::mem::take(&mut self.lost);
            out(Sound {
                timestamp,
                lost,
                data,
            });
        }
    }

    /// RFC 3640 §3.2; nothing when the packet is malformed or interleaved.
    fn push_aac(
        &mut self,
        layout: AacLayout,
        packet: &Packet<'_>,
        out: &mut dyn FnMut(Sound),
    ) -> Option<()> {
        let (len, rest) = packet.payload.split_first_chunk()?;
        let header_bits = usize::from(u16::from_be_bytes(*len));
        let (headers, mut data) = rest.split_at_checked(header_bits.div_ceil(8))?;
        let sizes = layout.sizes(headers, header_bits)?;
        if let ([size], true) = (&sizes[..], sizes.first().is_some_and(|s| *s > data.len())) {
            return self.push_fragment(packet, *size, data, out);
        }
        self.fragment = None;
        let mut timestamp = packet.timestamp;
        for size in sizes {
            let (unit, after) = data.split_at_checked(size)?;
            self.give(timestamp, unit.to_vec(), out);
            timestamp = timestamp.wrapping_add(layout.frame_ticks);
            data = after;
        }
        Some(())
    }

    /// RFC 3640 §3.2.3: each fragment tells the size of the whole.
    fn push_fragment(
        &mut self,
        packet: &Packet<'_>,
        size: usize,
        data: &[u8],
        out: &mut dyn FnMut(Sound),
    ) -> Option<()> {
        if size > MAX_AUDIO_UNIT {
            return None;
        }
        let same = |f: &Fragment| f.timestamp == packet.timestamp && f.size == size;
        let mut fragment = self.fragment.take().filter(same).unwrap_or(Fragment {
            timestamp: packet.timestamp,
            size,
            data: Vec::new(),
        });
        fragment.data.extend_from_slice(data);
        if fragment.data.len() < size {
            self.fragment = Some(fragment);
            return Some(());
        }
        if fragment.data.len() > size {
            return None;
        }
        self.give(fragment.timestamp, fragment.data, out);
        Some(())
    }
}

impl AacLayout {
    /// The sizes of AU headers; nothing for a packet with an interleaved access unit.
    fn sizes(self, headers: &[u8], header_bits: usize) -> Option<Vec<usize>> {
        let mut bits = BitReader::of_bytes(headers);
        let mut left = header_bits;
        let mut sizes = Vec::new();
        while left > 0 {
            let index_length = if sizes.is_empty() {
                self.index_length
            } else {
                self.index_delta_length
            };
            let header = usize::from(self.size_length) + usize::from(index_length);
            left = left.checked_sub(header)?;
            let size = bits.bits("AU-size", self.size_length).ok()?;
            let index = bits.bits("AU-Index", index_length).ok()?;
            if index != 0 || sizes.len() >= MAX_UNITS {
                return None;
            }
            sizes.push(usize::try_from(size).ok()?);
        }
        (!sizes.is_empty()).then_some(sizes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn hbr() -> SoundReader {
        SoundReader::aac(AacLayout::new(13, 3, 3, 1_024).unwrap())
    }

    fn packet(marker: bool, timestamp: u32, payload: &[u8]) -> Packet<'_> {
        Packet {
            marker,
            payload_type: 97,
            sequence: 0,
            timestamp,
            ssrc: 1,
            payload,
        }
    }

    /// AU headers of AAC-hbr and then the data.
    fn aac(sizes: &[usize], data: &[u8]) -> Vec<u8> {
        let mut out = u16::try_from(sizes.len() * 16)
            .unwrap()
            .to_be_bytes()
            .to_vec();
        for size in sizes {
            out.extend_from_slice(&u16::try_from(size << 3).unwrap().to_be_bytes());
        }
        out.extend_from_slice(data);
        out
    }

    fn run(reader: &mut SoundReader, packets: &[Packet<'_>]) -> Vec<(u32, Vec<u8>)> {
        let mut out = Vec::new();
        for packet in packets {
            reader.push(packet, 0, &mut |sound| {
                out.push((sound.timestamp, sound.data));
            });
        }
        out
    }

    #[test]
    fn several_access_units_share_a_packet() {
        let payload = aac(&[3, 2], b"abcde");
        let out = run(&mut hbr(), &[packet(true, 5_000, &payload)]);
        assert_eq!(out, [(5_000, b"abc".to_vec()), (6_024, b"de".to_vec())]);
    }

    #[test]
    fn a_fragmented_access_unit_is_joined() {
        let (first, second) = (aac(&[5], b"abc"), aac(&[5], b"de"));
        let packets = [packet(false, 1, &first), packet(true, 1, &second)];
        assert_eq!(run(&mut hbr(), &packets), [(1, b"abcde".to_vec())]);
    }

    #[test]
    fn loss_within_a_fragment_drops_it_and_is_told() {
        let mut reader = hbr();
        let (first, whole) = (aac(&[5], b"abc"), aac(&[2], b"xy"));
        let mut sounds = Vec::new();
        reader.push(&packet(false, 1, &first), 0, &mut |s| sounds.push(s));
        reader.push(&packet(true, 2, &whole), 1, &mut |s| sounds.push(s));
        let [sound] = &sounds[..] else { panic!() };
        assert_eq!((sound.lost, &sound.data[..]), (1, &b"xy"[..]));
    }

    #[test]
    fn malformed_packets_are_dropped_and_counted() {
        let interleaved = [0, 16, 0, 0b0001_0001, 1, 2];
        for bad in [
            &b""[..],
            &[0],
            &[0, 16],
            &[0, 0, 1],
            &[0, 15, 0, 0],
            &interleaved,
        ] {
            let mut reader = hbr();
            assert_eq!(run(&mut reader, &[packet(true, 1, bad)]), [], "{bad:?}");
            assert_eq!(reader.lost, 1);
        }
    }

    #[test]
    fn other_codecs_pass_whole() {
        let mut reader = SoundReader::whole_packets();
        let out = run(
            &mut reader,
            &[packet(false, 7, b"pcm"), packet(false, 8, b"")],
        );
        assert_eq!(out, [(7, b"pcm".to_vec())]);
    }

    proptest! {
        #[test]
        fn random_packets_never_panic(payloads: Vec<(bool, u32, Vec<u8>)>) {
            let mut reader = hbr();
            for (marker, timestamp, payload) in &payloads {
                reader.push(&packet(*marker, *timestamp, payload), 0, &mut |sound| {
                    assert!(sound.data.len() <= MAX_AUDIO_UNIT);
                });
            }
        }

        #[test]
        fn access_units_survive_packetizing(units in proptest::collection::vec(
            proptest::collection::vec(any::<u8>(), 1..200), 1..8), split in 1..100_usize) {
            let sizes: Vec<usize> = units.iter().map(Vec::len).collect();
            let together = aac(&sizes, &units.concat());
            let out = run(&mut hbr(), &[packet(true, 0, &together)]);
            let data: Vec<_> = out.into_iter().map(|(_, data)| data).collect();
            prop_assert_eq!(&data, &units);
            for unit in units {
                let parts: Vec<_> = unit.chunks(split).map(|part| aac(&[unit.len()], part)).collect();
                let packets: Vec<_> = parts.iter().map(|part| packet(false, 3, part)).collect();
                prop_assert_eq!(run(&mut hbr(), &packets), [(3, unit)]);
            }
        }
    }
}
