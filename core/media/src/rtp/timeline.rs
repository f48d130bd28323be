//! 32-bit RTP timestamps onto one 64-bit line that stays close to the wall clock.
//!
//! Cameras restart their clocks, jump, freeze and lie about the rate. A jump continues after the time
//! that really passed; a clock that stands still or runs several times too fast is given up for the
//! arrival times. Small drift is left alone: the wall-clock time of an access unit is told apart, from
//! sender reports. Decode order is the business of [`super::dts`].

/// Longest step forward that is believed, in seconds.
pub const MAX_FORWARD_S: i64 = 10;

/// Longest step back behind the latest access unit that is believed to be reordering, in seconds.
pub const MAX_BACKWARD_S: i64 = 1;

/// Equal timestamps in a row after which a clock counts as frozen.
const FROZEN_AFTER: u32 = 8;

/// Over how long a clock's rate is compared with the wall clock's, in seconds.
const WINDOW_S: i64 = 10;

/// Factor by which the rates may differ, apart from a burst of [`MAX_FORWARD_S`].
const MAX_RATE_RATIO: i64 = 4;

/// Slow windows in a row after which the clock is given up.
const BAD_WINDOWS: u32 = 2;

/// Share of the distance to the arrival time that is corrected at each access unit of a clock that was
/// given up.
const STEERING: i64 = 8;

#[derive(Debug, Clone, Copy)]
struct Last {
    timestamp: u32,
    pts: i64,
    arrival: i64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Window {
    pts: i64,
    arrival: i64,
    count: i64,
    bad: u32,
}

/// Places the timestamps of one track.
#[derive(Debug, Clone)]
pub struct Timeline {
    rate: i64,
    /// RTP time of the session's zero, when the camera told (`RTP-Info`).
    origin: Option<u32>,
    last: Option<Last>,
    highest: i64,
    frozen: u32,
    given_up: bool,
    /// How far the line was before the arrival times when the clock was given up.
    lead: i64,
    window: Window,
}

impl Timeline {
    /// For a clock of `clock_rate` ticks a second.
    pub fn new(clock_rate: u32) -> Self {
        Self {
            rate: i64::from(clock_rate.max(1)),
            origin: None,
            last: None,
            highest: 0,
            frozen: 0,
            given_up: false,
            lead: 0,
            window: Window::default(),
        }
    }

    /// The camera says that `timestamp` is the session's zero (RFC 2326 §12.33). Counts only before
    /// the first access unit.
    pub const fn set_origin(&mut self, timestamp: u32) {
        self.origin = Some(timestamp);
    }

    /// Whether the camera's clock was given up for arrival times.
    pub const fn is_given_up(&self) -> bool {
        self.given_up
    }

    /// The time that comes next is not to be compared with what came before.
    pub const fn restart(&mut self) {
        // A step of half the number range is beyond every limit, so it anchors anew.
        if let Some(last) = &mut self.last {
            last.timestamp = last.timestamp.wrapping_add(1 << 31);
        }
    }

    /// The place of an access unit stamped `timestamp` that came `arrival` ticks after the session's
    /// zero. Goes back by at most [`MAX_BACKWARD_S`].
    pub fn place(&mut self, timestamp: u32, arrival: i64) -> i64 {
        let pts = match self.last {
            None => self.start(timestamp, arrival),
            Some(last) if self.given_up => self.steer(last, arrival),
            Some(last) => self.follow(last, timestamp, arrival),
        };
        self.last = Some(Last {
            timestamp,
            pts,
            arrival,
        });
        self.highest = self.highest.max(pts);
        self.check_rate(arrival);
        pts
    }

    fn start(&mut self, timestamp: u32, arrival: i64) -> i64 {
        let told = self
            .origin
            .map(|origin| i64::from(timestamp.wrapping_sub(origin).cast_signed()));
        let sane = -MAX_BACKWARD_S * self.rate..=MAX_FORWARD_S * self.rate;
        let pts = told.filter(|pts| sane.contains(pts)).unwrap_or(arrival);
        self.highest = pts;
        self.open_window(pts, arrival);
        pts
    }

    fn follow(&mut self, last: Last, timestamp: u32, arrival: i64) -> i64 {
        let step = i64::from(timestamp.wrapping_sub(last.timestamp).cast_signed());
        let pts = last.pts.saturating_add(step);
        self.frozen = if step == 0 {
            self.frozen.saturating_add(1)
        } else {
            0
        };
        if self.frozen >= FROZEN_AFTER {
            self.give_up(arrival);
            return self.steer(last, arrival);
        }
        let too_late = step > MAX_FORWARD_S * self.rate;
        let too_early = pts < self.highest.saturating_sub(MAX_BACKWARD_S * self.rate);
        if too_late || too_early {
            let passed = arrival.saturating_sub(last.arrival).max(1);
            let pts = self.highest.saturating_add(passed);
            self.open_window(pts, arrival);
            return pts;
        }
        pts
    }

    /// Steps by the measured distance of access units and leans towards the arrival time.
    fn steer(&self, last: Last, arrival: i64) -> i64 {
        let passed = arrival.saturating_sub(self.window.arrival);
        let step = passed.checked_div(self.window.count).unwrap_or(0);
        let expected = self.highest.max(last.pts).saturating_add(step);
        let target = arrival.saturating_add(self.lead);
        let off = target.saturating_sub(expected) / STEERING;
        let earliest = self.highest.saturating_add(1);
        expected.saturating_add(off).max(earliest)
    }

    fn check_rate(&mut self, arrival: i64) {
        self.window.count = self.window.count.saturating_add(1);
        if self.given_up {
            return;
        }
        let wall = arrival.saturating_sub(self.window.arrival);
        let media = self.highest.saturating_sub(self.window.pts);
        let burst = MAX_FORWARD_S * self.rate;
        if media > wall.saturating_mul(MAX_RATE_RATIO).saturating_add(burst) {
            self.give_up(arrival);
        } else if wall >= WINDOW_S * self.rate {
            let slow = media.saturating_mul(MAX_RATE_RATIO) < wall;
            let bad = if slow {
                self.window.bad.saturating_add(1)
            } else {
                0
            };
            if bad >= BAD_WINDOWS {
                self.give_up(arrival);
            } else {
                self.open_window(self.highest, arrival);
                self.window.bad = bad;
            }
        }
    }

    fn give_up(&mut self, arrival: i64) {
        self.given_up = true;
        self.lead = self.highest.saturating_sub(arrival).max(0);
    }

    fn open_window(&mut self, pts: i64, arrival: i64) {
        self.window = Window {
            pts,
            arrival,
            ..Window::default()
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RATE: i64 = 90_000;
    const FRAME: u32 = 3_600;

    /// Places frames that arrive in time, stamped as `stamp` says; returns places and arrivals.
    fn run(count: u32, stamp: impl Fn(u32) -> u32) -> Vec<(i64, i64)> {
        let mut timeline = Timeline::new(90_000);
        let frames = (0..count).map(|n| (stamp(n), i64::from(n * FRAME)));
        frames
            .map(|(timestamp, arrival)| (timeline.place(timestamp, arrival), arrival))
            .collect()
    }

    fn assert_close(placed: &[(i64, i64)], within: i64) {
        for (pts, arrival) in placed {
            assert!((pts - arrival).abs() <= within, "{pts} {arrival}");
        }
        assert!(placed.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }

    #[test]
    fn a_wrap_is_no_jump() {
        let start = u32::MAX - 5 * FRAME;
        assert_close(&run(50, |n| start.wrapping_add(n * FRAME)), 0);
    }

    #[test]
    fn jumps_either_way_continue_after_the_time_that_passed() {
        for jump in [11 * 90_000, 3_000_000_000, 0_u32.wrapping_sub(20 * 90_000)] {
            let stamp = |n: u32| (n * FRAME).wrapping_add(if n < 25 { 0 } else { jump });
            assert_close(&run(60, stamp), 2 * i64::from(FRAME));
        }
    }

    #[test]
    fn a_frozen_clock_is_given_up() {
        let placed = run(200, |n| n.min(50) * FRAME);
        let later = &placed[80..];
        assert_close(later, RATE / 5);
    }

    #[test]
    fn a_clock_of_another_rate_is_given_up() {
        for (num, den) in [(1, 90), (90, 1)] {
            let placed = run(1_200, |n| n.wrapping_mul(FRAME) / den * num);
            let (pts, arrival) = placed[1_199];
            let gap = placed[1_199].0 - placed[1_174].0;
            assert!((RATE / 2..RATE * 2).contains(&gap), "{gap} {pts} {arrival}");
        }
    }

    #[test]
    fn reordered_pictures_keep_their_places() {
        let order = [0, 3, 1, 2, 6, 4, 5];
        let mut timeline = Timeline::new(90_000);
        for (n, display) in (0_u32..).zip(order) {
            let pts = timeline.place(display * FRAME, i64::from(n * FRAME));
            assert_eq!(pts, i64::from(display * FRAME));
        }
    }

    #[test]
    fn the_origin_counts_when_it_is_sane() {
        let mut timeline = Timeline::new(90_000);
        timeline.set_origin(1_000);
        assert_eq!(timeline.place(1_500, 77), 500);
        let mut timeline = Timeline::new(90_000);
        timeline.set_origin(0);
        assert_eq!(timeline.place(3_000_000_000, 77), 77);
    }

    #[test]
    fn a_restart_anchors_anew() {
        let mut timeline = Timeline::new(90_000);
        timeline.place(10_000, 0);
        timeline.restart();
        assert_eq!(timeline.place(12_000, 3_600), 3_600);
    }

    #[test]
    fn a_burst_at_the_start_is_no_wrong_rate() {
        let mut timeline = Timeline::new(90_000);
        for n in 0..750_i64 {
            let arrival = (n - 225).max(0) * i64::from(FRAME);
            timeline.place(u32::try_from(n).unwrap() * FRAME, arrival);
        }
        assert!(!timeline.is_given_up());
    }

    proptest! {
        #[test]
        fn any_clock_stays_in_reach(stamps: Vec<u32>, gaps in proptest::collection::vec(0..1_000_000_i64, 0..100)) {
            let mut timeline = Timeline::new(90_000);
            let mut arrival = 0;
            let mut highest = i64::MIN;
            for (stamp, gap) in stamps.into_iter().zip(gaps) {
                arrival += gap;
                let pts = timeline.place(stamp, arrival);
                prop_assert!(pts >= highest.saturating_sub(MAX_BACKWARD_S * RATE));
                highest = highest.max(pts);
            }
        }
    }
}
