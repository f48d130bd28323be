//! RTP packets (RFC 3550) into access units.
//!
//! Rooms: this one the packet header · [`rtcp`] reports · [`sequence`] loss accounting · [`reorder`]
//! late UDP packets · [`h26x`] and [`audio`] the payload formats · [`timeline`] and [`dts`] times ·
//! [`receiver`] all of it for one track. Nothing here knows RTSP, and nothing asks a clock.

pub mod audio;
pub mod dts;
pub mod h26x;
pub mod receiver;
pub mod reorder;
pub mod rtcp;
pub mod sequence;
pub mod timeline;

use bartizan_domain::{Monotonic, UtcMillis};

/// When something arrived, by both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Arrival {
    /// By the clock that never jumps.
    pub now: Monotonic,
    /// By the wall clock.
    pub utc: UtcMillis,
}

/// Why bytes are no RTP packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PacketError {
    /// Another version than 2.
    #[error("RTP version {0} is not 2")]
    Version(u8),
    /// The header, its extension or the padding is longer than the packet.
    #[error("an RTP packet is cut short")]
    Short,
}

/// An RTP packet within the buffer that it was read into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet<'a> {
    /// Marker bit: for video, the last packet of an access unit.
    pub marker: bool,
    /// Payload type, 0–127.
    pub payload_type: u8,
    /// Sequence number.
    pub sequence: u16,
    /// Timestamp in ticks of the payload format's clock.
    pub timestamp: u32,
    /// Synchronisation source.
    pub ssrc: u32,
    /// Payload without padding.
    pub payload: &'a [u8],
}

impl<'a> Packet<'a> {
    /// Reads a packet (RFC 3550 §5.1); CSRC list and header extension are passed over.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, PacketError> {
        let (header, rest) = bytes.split_first_chunk::<12>().ok_or(PacketError::Short)?;
        let [flags, kind, s0, s1, t0, t1, t2, t3, c0, c1, c2, c3] = *header;
        if flags >> 6 != 2 {
            return Err(PacketError::Version(flags >> 6));
        }
        let sources = usize::from(flags & 0x0f) * 4;
        let mut payload = rest.get(sources..).ok_or(PacketError::Short)?;
        if flags & 0x10 != 0 {
            let ([_, _, l0, l1], rest) = payload.split_first_chunk().ok_or(PacketError::Short)?;
            let words = usize::from(u16::from_be_bytes([*l0, *l1]));
            payload = rest.get(words * 4..).ok_or(PacketError::Short)?;
        }
        if flags & 0x20 != 0 {
            let padding = usize::from(*payload.last().ok_or(PacketError::Short)?);
            let len = payload.len().checked_sub(padding);
            payload = len
                .and_then(|len| payload.get(..len))
                .ok_or(PacketError::Short)?;
        }
        Ok(Self {
            marker: kind & 0x80 != 0,
            payload_type: kind & 0x7f,
            sequence: u16::from_be_bytes([s0, s1]),
            timestamp: u32::from_be_bytes([t0, t1, t2, t3]),
            ssrc: u32::from_be_bytes([c0, c1, c2, c3]),
            payload,
        })
    }
}

#[cfg(test)]
pub(crate) mod testing {
    //! Packets for the tests of this room.

    /// The bytes of an RTP packet.
    pub(crate) fn packet(marker: bool, sequence: u16, timestamp: u32, payload: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0x80, if marker { 0xe0 } else { 0x60 }];
        bytes.extend_from_slice(&sequence.to_be_bytes());
        bytes.extend_from_slice(&timestamp.to_be_bytes());
        bytes.extend_from_slice(&0x1234_5678_u32.to_be_bytes());
        bytes.extend_from_slice(payload);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn headers_are_read() {
        let bytes = testing::packet(true, 0xabcd, 0x0102_0304, b"payload");
        let packet = Packet::parse(&bytes).unwrap();
        assert!(packet.marker);
        assert_eq!((packet.payload_type, packet.sequence), (96, 0xabcd));
        assert_eq!((packet.timestamp, packet.ssrc), (0x0102_0304, 0x1234_5678));
        assert_eq!(packet.payload, b"payload");
    }

    #[test]
    fn sources_extension_and_padding_are_passed_over() {
        let mut bytes = testing::packet(false, 1, 2, &[]);
        bytes[0] = 0x80 | 0x30 | 2;
        bytes.extend_from_slice(&[0; 8]);
        bytes.extend_from_slice(&[0xbe, 0xde, 0, 1, 9, 9, 9, 9]);
        bytes.extend_from_slice(&[7, 7, 0, 2]);
        assert_eq!(Packet::parse(&bytes).unwrap().payload, [7, 7]);
    }

    #[test]
    fn lengths_past_the_packet_are_refused() {
        let whole = testing::packet(false, 1, 2, &[0xff]);
        assert_eq!(Packet::parse(&whole[..11]), Err(PacketError::Short));
        for flags in [0x81, 0x90, 0xa0] {
            let mut bytes = whole.clone();
            bytes[0] = flags;
            assert_eq!(Packet::parse(&bytes), Err(PacketError::Short), "{flags:x}");
        }
        let mut old = whole;
        old[0] = 0x40;
        assert_eq!(Packet::parse(&old), Err(PacketError::Version(1)));
    }

    proptest! {
        #[test]
        fn random_bytes_never_panic(bytes: Vec<u8>) {
            if let Ok(packet) = Packet::parse(&bytes) {
                prop_assert!(packet.payload.len() + 12 <= bytes.len());
            }
        }
    }
}
