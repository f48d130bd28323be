//! Many measured times as a few figures.

use anyhow::{Result, ensure};
use serde::Serialize;

/// Median and worse of measured times, in milliseconds: each is one of them (nearest rank).
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(super) struct Spread {
    /// Half of them are not longer.
    pub(super) median: f64,
    /// 95 of 100 are not longer.
    pub(super) p95: f64,
    /// 99 of 100 are not longer.
    pub(super) p99: f64,
    /// None is longer.
    pub(super) max: f64,
}

impl Spread {
    /// Sums up times in microseconds, at least one.
    pub(super) fn of_micros(mut times: Vec<u64>) -> Result<Self> {
        ensure!(!times.is_empty(), "nothing was measured");
        times.sort_unstable();
        let rank = |percent: usize| (times.len() * percent).div_ceil(100).max(1) - 1;
        let at = |percent| times.get(rank(percent)).copied().unwrap_or_default();
        Ok(Self {
            median: ratio(at(50), 1_000.0),
            p95: ratio(at(95), 1_000.0),
            p99: ratio(at(99), 1_000.0),
            max: ratio(at(100), 1_000.0),
        })
    }
}

/// A figure for people.
#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
pub(super) fn ratio(value: u64, unit: f64) -> f64 {
    value as f64 / unit
}

/// Bytes of a mebibyte.
pub(super) const MIB: f64 = 1_048_576.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_measured_times() {
        let spread = Spread::of_micros((1..=200).rev().map(|ms| ms * 1_000).collect());
        let expected = Spread {
            median: 100.0,
            p95: 190.0,
            p99: 198.0,
            max: 200.0,
        };
        assert_eq!(spread.unwrap(), expected);
        let one = Spread::of_micros(vec![1_500]).unwrap();
        assert_eq!((one.median, one.max), (1.5, 1.5));
        assert!(Spread::of_micros(Vec::new()).is_err());
    }
}
