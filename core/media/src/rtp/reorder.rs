//! Puts UDP packets that overtook each other back into order, within a small window.
//!
//! Packets in order pass without a copy; only those that come early are held, at most
//! [`MAX_HELD`] and at most [`MAX_WAIT`]. After that what is missing counts as lost. TCP does not need
//! this.

use std::collections::BTreeMap;
use std::time::Duration;

use bartizan_domain::Monotonic;

/// Most packets that are held back.
pub const MAX_HELD: usize = 64;

/// Longest that a packet is held back.
pub const MAX_WAIT: Duration = Duration::from_millis(100);

/// Largest distance from the awaited number, either way, that is taken for disorder.
const WINDOW: u16 = 100;

/// Takes packets in any order and gives them away in order.
#[derive(Debug, Default)]
pub struct Reorder {
    next: Option<u16>,
    /// By distance from the first number that was ever awaited, so that the map's order survives a
    /// wrap of the 16-bit numbers.
    held: BTreeMap<u64, (Monotonic, Vec<u8>)>,
    /// Distance of `next`.
    position: u64,
}

impl Reorder {
    /// Takes the packet `bytes` numbered `sequence`; gives it and held ones away as far as they are in
    /// order. One whose turn has passed is dropped.
    pub fn push(
        &mut self,
        now: Monotonic,
        sequence: u16,
        bytes: &[u8],
        out: &mut dyn FnMut(&[u8]),
    ) {
        let ahead = self.next.map_or(0, |next| sequence.wrapping_sub(next));
        match ahead {
            0 => {
                self.advance(sequence);
                out(bytes);
                self.release(out);
            }
            1..=WINDOW => self.hold(now, ahead, bytes, out),
            _ if ahead.wrapping_neg() <= WINDOW => {}
            _ => {
                self.flush(out);
                self.advance(sequence);
                out(bytes);
            }
        }
    }

    /// Gives away what has waited long enough.
    pub fn handle_timeout(&mut self, now: Monotonic, out: &mut dyn FnMut(&[u8])) {
        while self.poll_timeout().is_some_and(|due| due <= now) {
            self.skip(out);
        }
    }

    /// When the oldest held packet has waited long enough.
    pub fn poll_timeout(&self) -> Option<Monotonic> {
        let since = self.held.values().map(|(since, _)| *since).min()?;
        Some(since + MAX_WAIT)
    }

    fn hold(&mut self, now: Monotonic, ahead: u16, bytes: &[u8], out: &mut dyn FnMut(&[u8])) {
        let at = self.position.saturating_add(ahead.into());
        self.held.entry(at).or_insert_with(|| (now, bytes.to_vec()));
        if self.held.len() > MAX_HELD {
            self.skip(out);
        }
    }

    /// Gives up on what is missing before the first held packet.
    fn skip(&mut self, out: &mut dyn FnMut(&[u8])) {
        let Some(first) = self.held.keys().next().copied() else {
            return;
        };
        let missing = first.saturating_sub(self.position);
        let missing = u16::try_from(missing).unwrap_or(WINDOW);
        self.position = first;
        self.next = self.next.map(|next| next.wrapping_add(missing));
        self.release(out);
    }

    fn release(&mut self, out: &mut dyn FnMut(&[u8])) {
        while let Some((_, bytes)) = self.held.remove(&self.position) {
            out(&bytes);
            self.position = self.position.saturating_add(1);
            self.next = self.next.map(|next| next.wrapping_add(1));
        }
    }

    fn flush(&mut self, out: &mut dyn FnMut(&[u8])) {
        for (_, bytes) in std::mem::take(&mut self.held).into_values() {
            out(&bytes);
        }
    }

    const fn advance(&mut self, sequence: u16) {
        self.next = Some(sequence.wrapping_add(1));
        self.position = self.position.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(millis: u64) -> Monotonic {
        Monotonic::from_start(Duration::from_millis(millis))
    }

    /// Pushes `numbers` at time zero and returns what came out.
    fn run(reorder: &mut Reorder, numbers: &[u16]) -> Vec<u16> {
        let mut out = Vec::new();
        for number in numbers {
            reorder.push(at(0), *number, &number.to_be_bytes(), &mut |bytes| {
                out.push(u16::from_be_bytes(bytes.try_into().unwrap()));
            });
        }
        out
    }

    #[test]
    fn order_is_restored_across_the_wrap() {
        let mut reorder = Reorder::default();
        let out = run(&mut reorder, &[0xfffe, 1, 0, 0xffff, 3, 2]);
        assert_eq!(out, [0xfffe, 0xffff, 0, 1, 2, 3]);
        assert_eq!(reorder.poll_timeout(), None);
    }

    #[test]
    fn a_lost_packet_is_waited_for_and_then_given_up() {
        let mut reorder = Reorder::default();
        assert_eq!(run(&mut reorder, &[1, 3, 4]), [1]);
        let mut out = 0;
        reorder.handle_timeout(at(99), &mut |_| out += 1);
        assert_eq!(out, 0);
        reorder.handle_timeout(at(100), &mut |_| out += 1);
        assert_eq!(out, 2);
        assert_eq!(run(&mut reorder, &[2, 5]), [5]);
    }

    #[test]
    fn no_more_than_the_window_is_held() {
        let mut reorder = Reorder::default();
        let numbers: Vec<u16> = std::iter::once(0).chain(2..100).collect();
        let out = run(&mut reorder, &numbers);
        assert_eq!(out, numbers);
    }

    #[test]
    fn a_restart_is_followed_at_once() {
        let mut reorder = Reorder::default();
        let out = run(&mut reorder, &[10, 12, 40_000, 40_001]);
        assert_eq!(out, [10, 12, 40_000, 40_001]);
    }

    proptest! {
        #[test]
        fn shuffled_neighbours_come_out_sorted(start: u16, swaps in proptest::collection::vec(0..50_usize, 0..30)) {
            let mut numbers: Vec<u16> = (0..60).map(|n| start.wrapping_add(n)).collect();
            for at in swaps {
                numbers.swap(at + 1, at + 2);
            }
            let mut sorted: Vec<u16> = (0..60).map(|n| start.wrapping_add(n)).collect();
            sorted.truncate(60);
            prop_assert_eq!(run(&mut Reorder::default(), &numbers), sorted);
        }

        #[test]
        fn any_order_is_bounded(numbers: Vec<u16>) {
            let mut reorder = Reorder::default();
            let out = run(&mut reorder, &numbers);
            prop_assert!(out.len() <= numbers.len());
            prop_assert!(reorder.held.len() <= MAX_HELD);
        }
    }
}
