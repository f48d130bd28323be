//! For the fuzzers of video payload formats: packets out of an input, and what must hold for what comes
//! of them.

use bartizan_domain::limits::MAX_ACCESS_UNIT;
use bartizan_media::AccessUnit;
use bartizan_media::codec::nal;

/// Packets with RTP headers out of `bytes`: a byte of length, a byte of header, the payload.
///
/// Header: bit 0 marker, bit 1 the next access unit's time, bit 2 one packet is lost before it, bit 3
/// another source, bit 4 sixteen times the length, bits 5–7 so much later.
pub fn packets(mut bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let (mut sequence, mut timestamp) = (65_530_u16, u32::MAX - 9_000);
    std::iter::from_fn(move || {
        let ([len, header], rest) = bytes.split_first_chunk()?;
        let len = usize::from(*len) * if header & 16 == 0 { 1 } else { 16 };
        let (payload, rest) = rest.split_at(len.min(rest.len()));
        bytes = rest;
        sequence = sequence.wrapping_add(if header & 4 == 0 { 1 } else { 2 });
        if header & 2 != 0 {
            timestamp = timestamp.wrapping_add(3_600 << (header >> 5));
        }
        let source = if header & 8 == 0 { 7_u32 } else { 8 };
        let mut packet = vec![0x80, (header & 1) << 7 | 96];
        packet.extend_from_slice(&sequence.to_be_bytes());
        packet.extend_from_slice(&timestamp.to_be_bytes());
        packet.extend_from_slice(&source.to_be_bytes());
        packet.extend_from_slice(payload);
        Some(packet)
    })
}

/// What has come out so far.
#[derive(Debug)]
pub struct Check {
    /// Whether the track's configuration came.
    pub configured: bool,
    last: Option<i64>,
}

impl Check {
    /// Nothing yet.
    pub const fn new(configured: bool) -> Self {
        let last = None;
        Self { configured, last }
    }

    /// # Panics
    /// The access unit breaks a promise.
    pub fn unit(&mut self, unit: &AccessUnit) {
        assert!(self.configured, "a unit came before its configuration");
        assert!(!unit.data.is_empty() && unit.data.len() <= MAX_ACCESS_UNIT);
        assert!(
            nal::units(&unit.data).all(|nal| nal.is_ok()),
            "not a whole access unit"
        );
        assert!(unit.dts <= unit.pts);
        assert!(
            self.last.is_none_or(|last| last <= unit.dts),
            "time goes back"
        );
        self.last = Some(unit.dts);
    }
}
