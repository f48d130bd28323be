//! Each proof counts once: the `jti`s of the last minutes, per device (RFC 9449 §11.1).
//!
//! A live entry is never forgotten, so at a limit new proofs are refused ([`ReplayError::Full`], "try again
//! later") and old ones stay refused. Every device has a place for [`GUARANTEED`] proofs that nobody else
//! can take; beyond that, devices share [`SHARED`] places, each at most [`MAX_PER_DEVICE`] in all. A device
//! that floods fills its own part and slows nobody else. Only proofs of devices whose token was checked get
//! here, so strangers can't fill anything.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use bartizan_domain::{Fingerprint, Monotonic};

use crate::dpop::{JtiHash, VerifiedProof};

/// Places that every device has for itself.
pub const GUARANTEED: usize = 64;

/// Places that all devices share: 256 devices with 64 each, once more.
pub const SHARED: usize = 16_384;

/// Places that one device can have in all: 17 requests a second over four minutes.
pub const MAX_PER_DEVICE: usize = 4_096;

/// Devices with live entries: twice what a roster holds, for those that were just removed.
pub const MAX_TRACKED: usize = 512;

/// Why a proof is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// It was taken before.
    #[error("the proof was used before")]
    Replayed,
    /// There is no place for it: try again later.
    #[error("too many requests of this device in the last minutes")]
    Full {
        /// When a place becomes free at the latest.
        retry_after: Duration,
    },
}

#[derive(Debug, Default)]
struct Seen {
    jtis: BTreeSet<JtiHash>,
    /// In order of arrival, which is the order of expiry.
    order: VecDeque<(Monotonic, JtiHash)>,
}

impl Seen {
    fn forget_until(&mut self, now: Monotonic) {
        while let Some((expiry, jti)) = self.order.front().copied() {
            if expiry > now {
                break;
            }
            self.order.pop_front();
            self.jtis.remove(&jti);
        }
    }

    fn borrowed(&self) -> usize {
        self.order.len().saturating_sub(GUARANTEED)
    }
}

/// What was seen.
#[derive(Debug)]
pub struct ReplayCache {
    lifetime: Duration,
    devices: BTreeMap<Fingerprint, Seen>,
    borrowed: usize,
}

impl ReplayCache {
    /// Remembers for `lifetime`, which must be at least as long as a proof stays fresh
    /// ([`crate::nonce::MAX_AGE`], or twice [`crate::dpop::MAX_SKEW_S`]).
    pub const fn new(lifetime: Duration) -> Self {
        Self {
            lifetime,
            devices: BTreeMap::new(),
            borrowed: 0,
        }
    }

    /// Takes a proof, once.
    pub fn take(&mut self, proof: &VerifiedProof, now: Monotonic) -> Result<(), ReplayError> {
        if bartizan_domain::sabotage::off("R-4") {
            return Ok(());
        }
        self.forget(proof.thumbprint(), now);
        let seen = self.devices.get(&proof.thumbprint());
        if seen.is_some_and(|seen| seen.jtis.contains(&proof.jti())) {
            return Err(ReplayError::Replayed);
        }
        let held = seen.map_or(0, |seen| seen.order.len());
        if !self.has_place(held) {
            // Others' entries may have expired unnoticed.
            self.forget_all(now);
            if !self.has_place(held) {
                return Err(self.full(proof.thumbprint(), now));
            }
        }
        self.remember(proof, now);
        Ok(())
    }

    /// Proofs that are remembered now.
    pub fn len(&self) -> usize {
        self.devices.values().map(|seen| seen.order.len()).sum()
    }

    /// Whether nothing is remembered.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn has_place(&self, held: usize) -> bool {
        match held {
            0 => self.devices.len() < MAX_TRACKED,
            held if held < GUARANTEED => true,
            held => held < MAX_PER_DEVICE && self.borrowed < SHARED,
        }
    }

    fn remember(&mut self, proof: &VerifiedProof, now: Monotonic) {
        let seen = self.devices.entry(proof.thumbprint()).or_default();
        let before = seen.borrowed();
        seen.jtis.insert(proof.jti());
        seen.order.push_back((now + self.lifetime, proof.jti()));
        self.borrowed = self
            .borrowed
            .saturating_add(seen.borrowed().saturating_sub(before));
    }

    fn forget(&mut self, device: Fingerprint, now: Monotonic) {
        let Some(seen) = self.devices.get_mut(&device) else {
            return;
        };
        let before = seen.borrowed();
        seen.forget_until(now);
        self.borrowed = self
            .borrowed
            .saturating_sub(before.saturating_sub(seen.borrowed()));
        if seen.order.is_empty() {
            self.devices.remove(&device);
        }
    }

    fn forget_all(&mut self, now: Monotonic) {
        self.devices.retain(|_, seen| {
            seen.forget_until(now);
            !seen.order.is_empty()
        });
        self.borrowed = self.devices.values().map(Seen::borrowed).sum();
    }

    fn full(&self, device: Fingerprint, now: Monotonic) -> ReplayError {
        let oldest = |seen: &Seen| seen.order.front().map(|(expiry, _)| expiry.since(now));
        let own = self.devices.get(&device).and_then(oldest);
        ReplayError::Full {
            retry_after: own.unwrap_or(self.lifetime),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::dpop::VerifiedProof;

    const LIFETIME: Duration = Duration::from_mins(4);

    fn at(seconds: u64) -> Monotonic {
        Monotonic::from_start(Duration::from_secs(seconds))
    }

    fn proof(device: u16, number: u64) -> VerifiedProof {
        let mut key = [0; 32];
        key[..2].copy_from_slice(&device.to_be_bytes());
        let mut jti = [0; 16];
        jti[..8].copy_from_slice(&number.to_be_bytes());
        VerifiedProof::for_tests(Fingerprint::new(key), JtiHash(jti))
    }

    #[test]
    fn r_4_a_proof_counts_once_while_it_is_fresh() {
        let mut cache = ReplayCache::new(LIFETIME);
        assert_eq!(cache.take(&proof(1, 1), at(0)), Ok(()));
        assert_eq!(
            cache.take(&proof(1, 1), at(239)),
            Err(ReplayError::Replayed)
        );
        assert_eq!(cache.take(&proof(2, 1), at(239)), Ok(()));
        assert_eq!(cache.take(&proof(1, 1), at(240)), Ok(()));
    }

    #[test]
    fn r_4_a_flooding_device_slows_nobody_else_and_frees_nothing() {
        let mut cache = ReplayCache::new(LIFETIME);
        for device in 0..5 {
            for number in 0..MAX_PER_DEVICE as u64 + 10 {
                let taken = cache.take(&proof(device, number), at(1));
                assert_ne!(taken, Err(ReplayError::Replayed));
            }
        }
        assert!(cache.len() <= SHARED + 5 * GUARANTEED);
        let full = cache.take(&proof(0, u64::MAX), at(2));
        assert!(
            matches!(full, Err(ReplayError::Full { retry_after }) if retry_after == Duration::from_secs(239))
        );
        assert_eq!(cache.take(&proof(0, 0), at(2)), Err(ReplayError::Replayed));
        for number in 0..GUARANTEED as u64 {
            assert_eq!(cache.take(&proof(9, number), at(2)), Ok(()));
        }
        assert!(matches!(
            cache.take(&proof(9, 64), at(2)),
            Err(ReplayError::Full { .. })
        ));
        // What expired makes room, without anybody of theirs asking again.
        assert_eq!(cache.take(&proof(9, 64), at(241)), Ok(()));
        assert_eq!(cache.len(), GUARANTEED + 1);
    }

    proptest! {
        #[test]
        fn no_live_proof_is_ever_taken_twice(takes in prop::collection::vec((0..3_u16, 0..6_u64, 0..100_u64), 0..200)) {
            let mut cache = ReplayCache::new(LIFETIME);
            let mut taken: Vec<(u16, u64, u64)> = Vec::new();
            let mut now = 0;
            for (device, number, step) in takes {
                now += step;
                let live = taken.iter().any(|t| (t.0, t.1) == (device, number) && t.2 + 240 > now);
                let result = cache.take(&proof(device, number), at(now));
                prop_assert_eq!(result.is_err(), live);
                if result.is_ok() {
                    taken.push((device, number, now));
                }
                let borrowed: usize = cache.devices.values().map(Seen::borrowed).sum();
                prop_assert_eq!(cache.borrowed, borrowed);
            }
        }
    }
}
