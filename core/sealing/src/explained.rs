//! What signed gaps explain, asked often: a hostile recording can name as many gaps and holes as it has bytes,
//! so that comparing each with each would never end.

use bartizan_domain::UtcMillis;

use crate::manifest::Gap;

/// Segments without a hole between them, all covered.
#[derive(Debug, Clone, Copy)]
struct Run {
    first: u64,
    last: u64,
    /// Covered segments before `first`.
    before: u64,
}

/// A gap's time, and the latest end of it and those that begin earlier.
#[derive(Debug, Clone, Copy)]
struct Span {
    from: UtcMillis,
    latest: UtcMillis,
}

/// The segments and times that a recording's gaps explain. Made in `n log n`, asked in `log n`.
#[derive(Debug, Clone, Default)]
pub struct Explained {
    /// Ascending, none touching the next.
    runs: Vec<Run>,
    /// Ascending by begin.
    spans: Vec<Span>,
}

impl Explained {
    /// What `gaps` explain together, in whatever order they were signed.
    pub fn by(gaps: &[Gap]) -> Self {
        let runs = runs(gaps);
        let spans = spans(gaps);
        Self { runs, spans }
    }

    /// Whether segment `number` is missing or cut short by a gap.
    pub fn covers(&self, number: u64) -> bool {
        self.below(number.saturating_add(1)) > self.below(number)
    }

    /// How many of the segments `first..end` no gap covers.
    pub fn uncovered(&self, first: u64, end: u64) -> u64 {
        let covered = self.below(end).saturating_sub(self.below(first));
        end.saturating_sub(first).saturating_sub(covered)
    }

    /// Whether a gap lies, in part, between two moments, both included.
    pub fn touches(&self, from: UtcMillis, to: UtcMillis) -> bool {
        let begun = self.spans.partition_point(|span| span.from <= to);
        let latest = begun.checked_sub(1).and_then(|at| self.spans.get(at));
        latest.is_some_and(|span| span.latest >= from)
    }

    /// Covered segments with numbers below `number`.
    fn below(&self, number: u64) -> u64 {
        let begun = self.runs.partition_point(|run| run.first < number);
        let Some(run) = begun.checked_sub(1).and_then(|at| self.runs.get(at)) else {
            return 0;
        };
        let end = run.last.saturating_add(1).min(number);
        run.before.saturating_add(end.saturating_sub(run.first))
    }
}

fn runs(gaps: &[Gap]) -> Vec<Run> {
    let mut covered: Vec<(u64, u64)> = gaps
        .iter()
        .filter_map(|gap| {
            let more = gap.segments.checked_sub(1)?;
            Some((gap.first_segment, gap.first_segment.saturating_add(more)))
        })
        .collect();
    covered.sort_unstable();
    let (mut runs, mut before) = (Vec::<Run>::new(), 0_u64);
    for (first, last) in covered {
        match runs.last_mut() {
            Some(run) if first <= run.last.saturating_add(1) => run.last = run.last.max(last),
            previous => {
                let len = previous.map_or(0, |run| {
                    run.last.saturating_sub(run.first).saturating_add(1)
                });
                before = before.saturating_add(len);
                runs.push(Run {
                    first,
                    last,
                    before,
                });
            }
        }
    }
    runs
}

fn spans(gaps: &[Gap]) -> Vec<Span> {
    let mut times: Vec<_> = gaps.iter().map(|gap| (gap.from, gap.to)).collect();
    times.sort_unstable();
    let mut latest = UtcMillis::default();
    let span = |(from, to): (UtcMillis, UtcMillis)| {
        latest = latest.max(to);
        Span { from, latest }
    };
    times.into_iter().map(span).collect()
}

#[cfg(test)]
mod tests {
    use bartizan_domain::GapReason;
    use proptest::prelude::*;

    use super::*;

    fn gap(first_segment: u64, segments: u64, from: u64, to: u64) -> Gap {
        Gap {
            reason: GapReason::DiskFull,
            from: UtcMillis(from),
            to: UtcMillis(to),
            first_segment,
            segments,
        }
    }

    #[test]
    fn nothing_explains_nothing() {
        let none = Explained::by(&[]);
        assert!(!none.covers(0) && !none.covers(u64::MAX));
        assert_eq!(none.uncovered(3, 7), 4);
        assert!(!none.touches(UtcMillis(0), UtcMillis(u64::MAX)));
    }

    #[test]
    fn gaps_that_overlap_are_counted_once() {
        let explained = Explained::by(&[gap(5, 4, 0, 0), gap(1, 2, 0, 0), gap(6, 1, 0, 0)]);
        assert_eq!(explained.uncovered(0, 12), 6);
        assert_eq!(explained.uncovered(5, 9), 0);
        assert_eq!(
            [0, 1, 2, 3, 8, 9].map(|n| explained.covers(n)),
            [false, true, true, false, true, false]
        );
    }

    #[test]
    fn numbers_as_high_as_there_are_do_not_overflow() {
        let explained = Explained::by(&[gap(u64::MAX, u64::MAX, 0, 0), gap(0, 1, 0, 0)]);
        assert_eq!(explained.uncovered(0, u64::MAX), u64::MAX - 1);
        let all = Explained::by(&[gap(0, u64::MAX, 0, 0)]);
        assert_eq!(all.uncovered(0, u64::MAX), 0);
    }

    #[test]
    fn a_long_gap_is_seen_behind_short_ones() {
        let explained = Explained::by(&[gap(0, 0, 10, 500), gap(0, 0, 20, 30)]);
        assert!(explained.touches(UtcMillis(400), UtcMillis(450)));
        assert!(!explained.touches(UtcMillis(501), UtcMillis(600)));
        assert!(!explained.touches(UtcMillis(0), UtcMillis(9)));
    }

    proptest! {
        #[test]
        fn it_says_what_comparing_each_with_each_says(
            gaps in prop::collection::vec((0_u64..40, 0_u64..8, 0_u64..40, 0_u64..10), 0..12),
            first in 0_u64..50,
            count in 0_u64..20,
        ) {
            let gaps: Vec<_> = gaps
                .into_iter()
                .map(|(segment, segments, from, len)| gap(segment, segments, from, from + len))
                .collect();
            let explained = Explained::by(&gaps);
            let covered = |number: u64| gaps.iter().any(|gap| gap.covers(number));
            prop_assert_eq!(explained.covers(first), covered(first));
            let uncovered = (first..first + count).filter(|number| !covered(*number)).count() as u64;
            prop_assert_eq!(explained.uncovered(first, first + count), uncovered);
            let (from, to) = (UtcMillis(first), UtcMillis(first + count));
            let touched = gaps.iter().any(|gap| gap.from <= to && gap.to >= from);
            prop_assert_eq!(explained.touches(from, to), touched);
        }
    }
}
