//! RTCP (RFC 3550 §6): reads sender reports and BYE, writes receiver reports.
//!
//! Receiver reports are what keeps many cameras sending at all; feedback for congestion control is not
//! attempted. Private extensions and other packet types are passed over.

use bartizan_domain::UtcMillis;

use super::sequence::Reception;

/// How often receiver reports are sent (RFC 3550 §6.2: 5 seconds at least).
pub const REPORT_INTERVAL: std::time::Duration = std::time::Duration::from_secs(5);

const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
const SOURCE_DESCRIPTION: u8 = 202;
const BYE: u8 = 203;

/// Seconds from 1900 (NTP) to 1970 (RFC 868).
const NTP_TO_UNIX: u64 = 2_208_988_800;

/// The part of a sender report that ties RTP time to the wall clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SenderReport {
    /// Who sends.
    pub ssrc: u32,
    /// 64-bit NTP time.
    pub ntp: u64,
    /// The same moment in RTP ticks.
    pub timestamp: u32,
}

impl SenderReport {
    /// The NTP time as wall-clock time; the era of 2036 is taken for what lies before 1970.
    pub const fn utc(&self) -> UtcMillis {
        let (seconds, fraction) = (self.ntp >> 32, self.ntp & 0xffff_ffff);
        let era = if seconds < NTP_TO_UNIX { 1 << 32 } else { 0 };
        let unix = seconds + era - NTP_TO_UNIX;
        UtcMillis(unix * 1_000 + ((fraction * 1_000) >> 32))
    }

    /// The middle 32 bits, as a receiver report echoes them (RFC 3550 §6.4.1 LSR).
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the middle 32 bits of 64 are wanted"
    )]
    pub const fn short_ntp(&self) -> u32 {
        (self.ntp >> 16) as u32
    }
}

/// What is of use in a compound packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Report {
    /// A source has ended.
    Bye {
        /// Which.
        ssrc: u32,
    },
    /// RTP and wall-clock time of one moment.
    Sender(SenderReport),
}

/// Iterates over the useful packets of a compound packet; malformed ones end it.
pub const fn parse(bytes: &[u8]) -> Reports<'_> {
    Reports { rest: bytes }
}

/// See [`parse`].
#[derive(Debug, Clone)]
pub struct Reports<'a> {
    rest: &'a [u8],
}

impl Iterator for Reports<'_> {
    type Item = Report;

    fn next(&mut self) -> Option<Report> {
        loop {
            let (kind, body) = self.split()?;
            let mut words = body.chunks_exact(4).map(word);
            match kind {
                SENDER_REPORT => {
                    if let (Some(ssrc), Some(high), Some(low), Some(timestamp)) =
                        (words.next(), words.next(), words.next(), words.next())
                    {
                        let ntp = (u64::from(high) << 32) | u64::from(low);
                        return Some(Report::Sender(SenderReport {
                            ssrc,
                            ntp,
                            timestamp,
                        }));
                    }
                }
                BYE => {
                    if let Some(ssrc) = words.next() {
                        return Some(Report::Bye { ssrc });
                    }
                }
                _ => {}
            }
        }
    }
}

impl<'a> Reports<'a> {
    fn split(&mut self) -> Option<(u8, &'a [u8])> {
        let ([flags, kind, l0, l1], rest) = self.rest.split_first_chunk()?;
        let len = usize::from(u16::from_be_bytes([*l0, *l1])) * 4;
        let (body, rest) = rest.split_at_checked(len)?;
        self.rest = rest;
        (flags >> 6 == 2).then_some((*kind, body))
    }
}

fn word(bytes: &[u8]) -> u32 {
    bytes
        .first_chunk()
        .map_or(0, |bytes| u32::from_be_bytes(*bytes))
}

/// A compound packet of a receiver report about `reception` and a constant name (RFC 3550 §6.1 wants
/// one; ours tells nothing). `last` is the last sender report and its age in units of 1/65,536 s.
pub fn receiver_report(reception: &Reception, last: Option<(SenderReport, u32)>) -> Vec<u8> {
    let ours = !reception.ssrc;
    let mut out = Vec::with_capacity(48);
    out.extend_from_slice(&[0x81, RECEIVER_REPORT, 0, 7]);
    let (short_ntp, delay) = last.map_or((0, 0), |(report, age)| (report.short_ntp(), age));
    let [_, lost @ ..] = reception.lost.to_be_bytes();
    out.extend_from_slice(&ours.to_be_bytes());
    out.extend_from_slice(&reception.ssrc.to_be_bytes());
    out.push(reception.fraction_lost);
    out.extend_from_slice(&lost);
    for word in [reception.highest, reception.jitter, short_ntp, delay] {
        out.extend_from_slice(&word.to_be_bytes());
    }
    out.extend_from_slice(&[0x81, SOURCE_DESCRIPTION, 0, 4]);
    out.extend_from_slice(&ours.to_be_bytes());
    out.extend_from_slice(b"\x01\x08bartizan\0\0");
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sender_report(ntp: u64, timestamp: u32) -> Vec<u8> {
        let mut bytes = vec![0x80, SENDER_REPORT, 0, 6, 0, 0, 0, 7];
        bytes.extend_from_slice(&ntp.to_be_bytes());
        bytes.extend_from_slice(&timestamp.to_be_bytes());
        bytes.extend_from_slice(&[0; 8]);
        bytes
    }

    #[test]
    fn sender_reports_and_goodbyes_are_found() {
        let ntp = ((NTP_TO_UNIX + 1_000) << 32) | (1 << 31);
        let mut compound = sender_report(ntp, 90_000);
        compound.extend_from_slice(&[0x81, SOURCE_DESCRIPTION, 0, 1, 9, 9, 9, 9]);
        compound.extend_from_slice(&[0x81, BYE, 0, 1, 0, 0, 0, 7]);
        let reports: Vec<_> = parse(&compound).collect();
        let [Report::Sender(sender), Report::Bye { ssrc: 7 }] = reports[..] else {
            panic!("{reports:?}");
        };
        assert_eq!((sender.ssrc, sender.timestamp), (7, 90_000));
        assert_eq!(sender.utc(), UtcMillis(1_000_500));
    }

    #[test]
    fn the_second_era_of_ntp_follows_the_first() {
        let report = |seconds: u64| SenderReport {
            ssrc: 0,
            ntp: seconds << 32,
            timestamp: 0,
        };
        let last = report(0xffff_ffff).utc();
        assert_eq!(report(0).utc(), last.saturating_add(1_000));
    }

    #[test]
    fn reports_have_the_shape_of_the_standard() {
        let reception = Reception {
            ssrc: 5,
            highest: 0x1_0002,
            fraction_lost: 64,
            lost: 3,
            jitter: 9,
        };
        let sender = SenderReport {
            ssrc: 5,
            ntp: 0x1122_3344_5566_7788,
            timestamp: 1,
        };
        let bytes = receiver_report(&reception, Some((sender, 65_536)));
        assert_eq!(bytes.len(), 52);
        assert_eq!(bytes[..4], [0x81, 201, 0, 7]);
        assert_eq!(bytes[12..16], [64, 0, 0, 3]);
        assert_eq!(bytes[24..28], [0x33, 0x44, 0x55, 0x66]);
        assert_eq!(parse(&bytes).count(), 0);
    }

    proptest! {
        #[test]
        fn random_bytes_never_panic(bytes: Vec<u8>) {
            for report in parse(&bytes) {
                if let Report::Sender(sender) = report {
                    let _ = sender.utc();
                }
            }
        }
    }
}
