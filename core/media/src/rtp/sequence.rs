//! Which packets are missing: sequence numbers, loss, and the figures of a receiver report
//! (RFC 3550 §6.4.1, §A.1, §A.3, §A.8).
//!
//! Reordering is not done here; a packet that comes late is refused, so UDP passes
//! [`super::reorder`] first.

use super::{Arrival, Packet};

/// Largest step forward that still counts as loss (RFC 3550 §A.1 `MAX_DROPOUT`).
const MAX_DROPOUT: u16 = 3_000;

/// Largest step back that still counts as a late packet (RFC 3550 §A.1 `MAX_MISORDER`).
const MAX_MISORDER: u16 = 100;

/// What a packet's number says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It comes after `lost` missing packets.
    Next {
        /// How many are missing just before it.
        lost: u32,
    },
    /// It was had already, or its turn has passed.
    Old,
    /// The sender started anew: nothing is known of what is missing, and its timestamps may have
    /// changed too.
    Restart,
}

/// The figures of one report block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reception {
    /// About whom.
    pub ssrc: u32,
    /// Highest sequence number, extended by its wraps.
    pub highest: u32,
    /// Part lost since the last report, in 256ths.
    pub fraction_lost: u8,
    /// Packets lost in all, up to 2²³ − 1.
    pub lost: u32,
    /// Interarrival jitter in ticks.
    pub jitter: u32,
}

/// Follows the numbers of one source.
#[derive(Debug, Clone)]
pub struct Sequence {
    ssrc: u32,
    /// Highest number, extended.
    highest: u32,
    first: u32,
    received: u32,
    reported_expected: u32,
    reported_received: u32,
    /// Sixteenfold jitter (RFC 3550 §A.8).
    jitter: u64,
    transit: Option<u32>,
}

impl Sequence {
    /// Starts at `packet`.
    pub const fn new(packet: &Packet<'_>) -> Self {
        let number = packet.sequence as u32;
        Self {
            ssrc: packet.ssrc,
            highest: number,
            first: number,
            received: 1,
            reported_expected: 0,
            reported_received: 0,
            jitter: 0,
            transit: None,
        }
    }

    /// Who sends.
    pub const fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// Judges `packet` and counts it; the first one is judged by [`new`](Self::new).
    pub fn judge(&mut self, packet: &Packet<'_>) -> Verdict {
        if packet.ssrc != self.ssrc {
            *self = Self::new(packet);
            return Verdict::Restart;
        }
        let [_, _, h, l] = self.highest.to_be_bytes();
        let step = packet.sequence.wrapping_sub(u16::from_be_bytes([h, l]));
        if (1..=MAX_DROPOUT).contains(&step) {
            self.highest = self.highest.wrapping_add(step.into());
            self.received = self.received.wrapping_add(1);
            return Verdict::Next {
                lost: u32::from(step) - 1,
            };
        }
        if step == 0 || step.wrapping_neg() <= MAX_MISORDER {
            return Verdict::Old;
        }
        *self = Self::new(packet);
        Verdict::Restart
    }

    /// Takes the arrival of a packet of timestamp `timestamp` into the jitter (RFC 3550 §A.8).
    pub fn note_arrival(&mut self, timestamp: u32, at: Arrival, clock_rate: u32) {
        let micros = at.now.since_start().as_micros();
        let ticks = micros.wrapping_mul(clock_rate.into()) / 1_000_000;
        let transit = u32::try_from(ticks & 0xffff_ffff)
            .unwrap_or(0)
            .wrapping_sub(timestamp);
        if let Some(last) = self.transit.replace(transit) {
            let off = transit.wrapping_sub(last).cast_signed().unsigned_abs();
            let fading = self.jitter.saturating_add(8) >> 4;
            self.jitter = self
                .jitter
                .saturating_add(off.into())
                .saturating_sub(fading);
        }
    }

    /// The figures since the last call (RFC 3550 §A.3).
    pub fn reception(&mut self) -> Reception {
        let expected = self.highest.wrapping_sub(self.first).wrapping_add(1);
        let lost = expected.saturating_sub(self.received).min(0x7f_ffff);
        let expected_now = expected.wrapping_sub(self.reported_expected);
        let received_now = self.received.wrapping_sub(self.reported_received);
        (self.reported_expected, self.reported_received) = (expected, self.received);
        let lost_now = u64::from(expected_now.saturating_sub(received_now));
        let fraction = (lost_now * 256).checked_div(expected_now.into());
        Reception {
            ssrc: self.ssrc,
            highest: self.highest,
            fraction_lost: fraction.map_or(0, |part| u8::try_from(part).unwrap_or(u8::MAX)),
            lost,
            jitter: u32::try_from(self.jitter >> 4).unwrap_or(u32::MAX),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rtp::testing;

    fn judge(sequence: &mut Sequence, number: u16) -> Verdict {
        let bytes = testing::packet(false, number, 0, &[]);
        sequence.judge(&Packet::parse(&bytes).unwrap())
    }

    fn start(number: u16) -> Sequence {
        let bytes = testing::packet(false, number, 0, &[]);
        Sequence::new(&Packet::parse(&bytes).unwrap())
    }

    #[test]
    fn numbers_wrap_without_loss() {
        let mut sequence = start(0xffff);
        assert_eq!(judge(&mut sequence, 0), Verdict::Next { lost: 0 });
        assert_eq!(judge(&mut sequence, 3), Verdict::Next { lost: 2 });
        let reception = sequence.reception();
        assert_eq!((reception.highest, reception.lost), (0x1_0003, 2));
        assert_eq!(reception.fraction_lost, 102);
        assert_eq!(sequence.reception().fraction_lost, 0);
    }

    #[test]
    fn late_and_repeated_packets_are_old() {
        let mut sequence = start(100);
        for number in [100, 99, 0] {
            assert_eq!(judge(&mut sequence, number), Verdict::Old);
        }
    }

    #[test]
    fn far_steps_are_a_restart() {
        let mut sequence = start(100);
        assert_eq!(judge(&mut sequence, 30_000), Verdict::Restart);
        assert_eq!(judge(&mut sequence, 30_001), Verdict::Next { lost: 0 });
        let mut bytes = testing::packet(false, 30_002, 0, &[]);
        bytes[11] ^= 1;
        let other = sequence.judge(&Packet::parse(&bytes).unwrap());
        assert_eq!(other, Verdict::Restart);
    }

    #[test]
    fn jitter_settles_on_the_deviation() {
        let mut sequence = start(0);
        for n in 0..400_u32 {
            let late = if n % 2 == 0 { 0 } else { 10 };
            let now = std::time::Duration::from_millis(u64::from(n) * 40 + late);
            let at = Arrival {
                now: bartizan_domain::Monotonic::from_start(now),
                ..Arrival::default()
            };
            sequence.note_arrival(n.wrapping_mul(3_600), at, 90_000);
        }
        let jitter = sequence.reception().jitter;
        assert!((850..=900).contains(&jitter), "{jitter}");
    }
}
