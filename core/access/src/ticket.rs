//! Live tickets: what lets one WebSocket in, since a browser cannot put headers on it.
//!
//! 256 random bits, good once and for 30 seconds, for one member, device and stream. Only SHA-256s are
//! kept, so looking one up says nothing about others by its timing. Whether the holder may still watch is
//! decided again when it is spent.

use std::collections::BTreeMap;
use std::time::Duration;

use bartizan_domain::limits::MAX_VIEWERS;
use bartizan_domain::{DeviceId, Hash, MemberId, Monotonic, Secret, StreamId};
use bartizan_identity::key::sha256;
use data_encoding::BASE64URL_NOPAD;

use crate::decide::{Authorized, ViewLive};

/// How long a ticket is good for.
pub const LIFETIME: Duration = Duration::from_secs(30);

/// Tickets at the same time. At the limit no more are given out, and none is taken away.
pub const MAX_TICKETS: usize = 2 * MAX_VIEWERS;

/// Tickets of one device at the same time: a wall of 64 cameras, twice. More are refused.
pub const MAX_PER_DEVICE: usize = 128;

/// Too many tickets wait to be spent: try again in [`LIFETIME`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many live tickets are open; they expire in 30 seconds")]
pub struct TooManyTickets;

/// The ticket is none, was spent, or its time is over: which, nobody learns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the ticket is not good (any more): ask for a new one")]
pub struct BadTicket;

/// A ticket that was good, once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spent {
    pub(crate) member: MemberId,
    pub(crate) device: DeviceId,
    stream: StreamId,
}

impl Spent {
    /// The stream that it admits to.
    pub const fn stream(&self) -> StreamId {
        self.stream
    }
}

#[derive(Debug, Clone, Copy)]
struct Open {
    admits: Spent,
    expires: Monotonic,
}

/// The tickets that wait to be spent.
#[derive(Debug, Default)]
pub struct Tickets(BTreeMap<Hash, Open>);

impl Tickets {
    /// None.
    pub const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// Makes a ticket of 32 random bytes for someone who may watch.
    pub fn issue(
        &mut self,
        random: &Secret<[u8; 32]>,
        who: &Authorized<ViewLive>,
        now: Monotonic,
    ) -> Result<String, TooManyTickets> {
        self.0.retain(|_, open| now < open.expires);
        let device = who.caller().device();
        let own = self.0.values().filter(|open| open.admits.device == device);
        if self.0.len() >= MAX_TICKETS || own.count() >= MAX_PER_DEVICE {
            return Err(TooManyTickets);
        }
        let text = BASE64URL_NOPAD.encode(random.expose());
        let admits = Spent {
            member: who.caller().member(),
            device,
            stream: who.act().0,
        };
        let expires = now + LIFETIME;
        self.0.insert(name(&text), Open { admits, expires });
        Ok(text)
    }

    /// Takes a ticket back; the second time it is not good any more.
    pub fn spend(&mut self, text: &str, now: Monotonic) -> Result<Spent, BadTicket> {
        let name = name(text);
        let open = self.0.get(&name).copied().ok_or(BadTicket)?;
        if !bartizan_domain::sabotage::off("L-5") {
            self.0.remove(&name);
        }
        (now < open.expires).then_some(open.admits).ok_or(BadTicket)
    }

    /// Tickets that wait, expired ones included until the next is issued.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn name(text: &str) -> Hash {
    sha256(&[b"bartizan/v1/ticket", text.as_bytes()])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::tests::{authorized, stream};

    fn at(millis: u64) -> Monotonic {
        Monotonic::from_start(Duration::from_millis(millis))
    }

    fn random(number: usize) -> Secret<[u8; 32]> {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&number.to_be_bytes());
        Secret::new(bytes)
    }

    #[test]
    fn l_5_a_ticket_is_good_once() {
        let mut tickets = Tickets::new();
        let text = tickets.issue(&random(1), &authorized(1), at(0)).unwrap();
        assert_eq!(text.len(), 43);
        assert_eq!(tickets.spend("forged", at(1)), Err(BadTicket));
        assert_eq!(tickets.spend(&text, at(29_999)).unwrap().stream(), stream());
        assert_eq!(tickets.spend(&text, at(29_999)), Err(BadTicket));
    }

    #[test]
    fn a_ticket_ends_after_30_seconds() {
        let mut tickets = Tickets::new();
        let text = tickets.issue(&random(1), &authorized(1), at(0)).unwrap();
        assert_eq!(tickets.spend(&text, at(30_000)), Err(BadTicket));
        assert!(tickets.is_empty());
    }

    #[test]
    fn at_the_limit_old_tickets_stay_good_and_new_ones_wait() {
        let mut tickets = Tickets::new();
        let first = tickets.issue(&random(0), &authorized(0), at(0)).unwrap();
        for number in 1..MAX_PER_DEVICE {
            tickets
                .issue(&random(number), &authorized(0), at(0))
                .unwrap();
        }
        assert_eq!(
            tickets.issue(&random(9_999), &authorized(0), at(1)),
            Err(TooManyTickets)
        );
        for number in MAX_PER_DEVICE..MAX_TICKETS {
            let device = u8::try_from(number / MAX_PER_DEVICE).unwrap();
            tickets
                .issue(&random(number), &authorized(device), at(1))
                .unwrap();
        }
        assert_eq!(
            tickets.issue(&random(9_999), &authorized(99), at(1)),
            Err(TooManyTickets)
        );
        assert!(tickets.spend(&first, at(29_999)).is_ok());
        assert!(
            tickets
                .issue(&random(9_999), &authorized(99), at(30_000))
                .is_ok()
        );
        assert!(tickets.len() <= MAX_TICKETS);
    }
}
