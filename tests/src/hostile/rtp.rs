//! Pictures as RTP packets, interleaved in an RTSP connection, and packets that lie about themselves.

/// Largest payload of a packet.
const PAYLOAD: usize = 1_400;

/// Ticks a second (RFC 6184 §8.2.1).
pub const CLOCK: u32 = 90_000;

/// Payload type of pictures.
const VIDEO: u8 = 0x60;

/// Payload type of sound (RFC 3551 §6).
const PCMU: u8 = 0;

/// Bits of a NAL unit's first byte that say of what kind it is (14496-10 §7.3.1).
pub const KIND: u8 = 0x1f;

/// Fragment of a NAL unit (RFC 6184 §5.8).
const FU_A: u8 = 0x1c;

/// Numbers packets of one connection.
#[derive(Debug, Default)]
pub struct Packer {
    /// Interleaved channels of picture and sound.
    pub channels: (u8, u8),
    sequence: u16,
    sound: u16,
    lie: usize,
}

impl Packer {
    /// All packets of one picture.
    pub fn picture(&mut self, nals: &[Vec<u8>], timestamp: u32, out: &mut Vec<u8>) {
        for (at, nal) in nals.iter().enumerate() {
            let last = at + 1 == nals.len();
            match nal.split_first() {
                Some(_) if nal.len() <= PAYLOAD => self.packet(nal, timestamp, last, out),
                Some((head, body)) => self.fragments(*head, body, (timestamp, last), out),
                None => {}
            }
        }
    }

    /// FU-A (RFC 6184 §5.8).
    fn fragments(
        &mut self,
        head: u8,
        body: &[u8],
        (timestamp, last): (u32, bool),
        out: &mut Vec<u8>,
    ) {
        let count = body.len().div_ceil(PAYLOAD);
        for (at, part) in body.chunks(PAYLOAD).enumerate() {
            let start = u8::from(at == 0) << 7;
            let end = u8::from(at + 1 == count) << 6;
            let mut payload = vec![(head & !KIND) | FU_A, start | end | (head & KIND)];
            payload.extend_from_slice(part);
            self.packet(&payload, timestamp, last && end != 0, out);
        }
    }

    /// One packet of the picture (RFC 3550 §5.1), framed (RFC 2326 §10.12).
    fn packet(&mut self, payload: &[u8], timestamp: u32, marker: bool, out: &mut Vec<u8>) {
        let kind = VIDEO | (u8::from(marker) << 7);
        frame(
            self.channels.0,
            &packet((kind, self.sequence), timestamp, *b"cam1", payload),
            out,
        );
        self.sequence = self.sequence.wrapping_add(1);
    }

    /// One packet of sound.
    pub fn sound(&mut self, samples: &[u8], timestamp: u32, out: &mut Vec<u8>) {
        frame(
            self.channels.1,
            &packet((PCMU, self.sound), timestamp, *b"cam2", samples),
            out,
        );
        self.sound = self.sound.wrapping_add(1);
    }

    /// The next of the lies.
    pub fn lie(&mut self, out: &mut Vec<u8>) {
        let lies: [&[u8]; 14] = [
            // Nothing at all, and less than a header.
            b"",
            b"\x80",
            b"\x80\x60\0\x01",
            // Version 0 and 3.
            b"\0\x60\0\x01\0\0\0\x01cam1\x65abc",
            b"\xc0\x60\0\x01\0\0\0\x01cam1\x65abc",
            // Fifteen sources and an extension that are not there; more padding than packet.
            b"\x8f\x60\0\x01\0\0\0\x01cam1\x65abc",
            b"\x90\x60\0\x01\0\0\0\x01cam1\xbe\xde\xff\xff",
            b"\xa0\x60\0\x01\0\0\0\x01cam1\x65ab\xff",
            // Fragments without a start, with both ends, of nothing.
            b"\x80\x60\0\x01\0\0\0\x01cam1\x7c\x05abc",
            b"\x80\x60\0\x01\0\0\0\x01cam1\x7c\xc5abc",
            b"\x80\x60\0\x01\0\0\0\x01cam1\x7c",
            // Aggregates whose parts are longer than they, or empty.
            b"\x80\x60\0\x01\0\0\0\x01cam1\x78\xff\xffabc",
            b"\x80\x60\0\x01\0\0\0\x01cam1\x78\0\0\0\0",
            // Another payload type.
            b"\x80\x7f\0\x01\0\0\0\x01cam1\x65abc",
        ];
        if let Some(lie) = lies.get(self.lie % lies.len()) {
            // On channels that were agreed on and on others; RTCP is lied about, too.
            let channel = [0, 1, 7].get(self.lie % 3).copied().unwrap_or_default();
            frame(channel, lie, out);
        }
        self.lie += 1;
        // Parameter sets and pictures that are none, as whole packets.
        let rubbish: Vec<u8> = (0..200_u8)
            .map(|byte| byte.wrapping_mul(37).wrapping_add(7))
            .collect();
        let kind = [0x67, 0x68, 0x65, 0x41, 0x06].get(self.lie % 5).copied();
        if let Some(kind) = kind.filter(|_| self.lie.is_multiple_of(4)) {
            self.packet(&[&[kind], rubbish.as_slice()].concat(), 1, true, out);
        }
    }
}

fn packet((kind, sequence): (u8, u16), timestamp: u32, source: [u8; 4], payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x80, kind];
    packet.extend_from_slice(&sequence.to_be_bytes());
    packet.extend_from_slice(&timestamp.to_be_bytes());
    packet.extend_from_slice(&source);
    packet.extend_from_slice(payload);
    packet
}

/// Frames `packet` on `channel`; its length is told as it is.
pub fn frame(channel: u8, packet: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&[b'$', channel]);
    out.extend_from_slice(
        &u16::try_from(packet.len())
            .unwrap_or(u16::MAX)
            .to_be_bytes(),
    );
    out.extend_from_slice(packet);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_units_are_cut_and_small_ones_are_not() {
        let (mut packer, mut out) = (Packer::default(), Vec::new());
        packer.picture(&[vec![0x67, 1], vec![0x65; 3_000]], 5, &mut out);
        let starts: Vec<_> = out.iter().filter(|byte| **byte == b'$').collect();
        assert_eq!((packer.sequence, starts.len()), (4, 4));
        assert_eq!(&out[..4], &[b'$', 0, 0, 14]);
    }
}
