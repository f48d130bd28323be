//! Decode times: cameras send presentation times only, files and players want both.
//!
//! The smallest presentation time among the last *depth* + 1 pictures is the decode time of the latest
//! one, where depth is how far the encoder reorders. It comes from the parameter sets; when they do not
//! tell, it starts at zero and grows when a picture goes back.

/// Deepest reordering of any level of H.264 and H.265 (14496-10 §A.3.1, 23008-2 §A.4.2).
pub const MAX_DEPTH: u8 = 16;

/// Gives decode times to one track.
#[derive(Debug, Clone)]
pub struct DecodeTimes {
    depth: usize,
    /// Ticks of a frame, to reach back before the first one.
    frame: i64,
    /// Sorted; at most depth + 1.
    held: Vec<i64>,
    last: Option<i64>,
    /// Whether going back means reordering (video) or a fault (audio).
    reorders: bool,
}

impl DecodeTimes {
    /// For sound: nothing is ever reordered.
    pub const fn audio() -> Self {
        Self {
            depth: 0,
            frame: 0,
            held: Vec::new(),
            last: None,
            reorders: false,
        }
    }

    /// For video; `frame_ticks` is the length of a frame as far as it is known.
    pub fn video(frame_ticks: u32) -> Self {
        Self {
            frame: i64::from(frame_ticks),
            reorders: true,
            ..Self::audio()
        }
    }

    /// What the parameter sets tell: `depth` pictures may precede one in decoding order and follow it
    /// in output order, each `frame_ticks` long. A depth that was learnt stays when they tell nothing.
    pub fn configure(&mut self, depth: Option<u8>, frame_ticks: Option<u32>) {
        if let Some(ticks) = frame_ticks {
            self.frame = i64::from(ticks);
        }
        if let Some(depth) = depth {
            self.depth = usize::from(depth.min(MAX_DEPTH));
        }
    }

    /// The (presentation, decode) times of the next access unit in decoding order. Decode times grow
    /// strictly; a presentation time that would lie before is moved up to it, which happens only
    /// while the depth is being learnt or the camera's clock stands still.
    pub fn place(&mut self, pts: i64) -> (i64, i64) {
        let dts = self.next(pts);
        let dts = self
            .last
            .map_or(dts, |last| dts.max(last.saturating_add(1)));
        self.last = Some(dts);
        if pts < dts && self.reorders {
            self.depth = self.depth.saturating_add(1).min(MAX_DEPTH.into());
        }
        (pts.max(dts), dts)
    }

    fn next(&mut self, pts: i64) -> i64 {
        if self.last.is_none() {
            let frames = (1..=self.depth).rev();
            let back = |n: usize| self.frame.saturating_mul(i64::try_from(n).unwrap_or(0));
            self.held = frames.map(|n| pts.saturating_sub(back(n))).collect();
        }
        let at = self.held.partition_point(|held| *held <= pts);
        self.held.insert(at, pts);
        let mut smallest = i64::MIN;
        while self.held.len() > self.depth {
            smallest = self.held.remove(0);
        }
        smallest
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn run(times: &mut DecodeTimes, pts: &[i64]) -> Vec<(i64, i64)> {
        pts.iter().map(|pts| times.place(*pts)).collect()
    }

    fn assert_legal(placed: &[(i64, i64)]) {
        assert!(placed.iter().all(|(pts, dts)| dts <= pts), "{placed:?}");
        assert!(placed.windows(2).all(|p| p[0].1 < p[1].1), "{placed:?}");
    }

    #[test]
    fn without_reordering_both_are_equal() {
        let placed = run(&mut DecodeTimes::video(10), &[0, 10, 20, 35]);
        assert_eq!(placed, [(0, 0), (10, 10), (20, 20), (35, 35)]);
    }

    #[test]
    fn a_known_depth_reaches_back_before_the_first() {
        let mut times = DecodeTimes::video(10);
        times.configure(Some(2), None);
        let placed = run(&mut times, &[0, 40, 20, 10, 30, 80, 60]);
        let dts: Vec<i64> = placed.iter().map(|(_, dts)| *dts).collect();
        assert_eq!(dts, [-20, -10, 0, 10, 20, 30, 40]);
        assert_eq!(placed[3].0, 10);
        assert_legal(&placed);
    }

    #[test]
    fn an_unknown_depth_is_learnt() {
        let gop = |start: i64| [0, 3, 1, 2, 6, 4, 5].map(|n| start + n * 10);
        let pts: Vec<i64> = (0..10).flat_map(|n| gop(n * 70)).collect();
        let placed = run(&mut DecodeTimes::video(10), &pts);
        assert_legal(&placed);
        let kept = placed
            .iter()
            .zip(&pts)
            .skip(4)
            .all(|((p, _), pts)| p == pts);
        assert!(kept, "{placed:?}");
    }

    #[test]
    fn sound_never_lags() {
        let placed = run(&mut DecodeTimes::audio(), &[0, 160, 150, 320]);
        assert_eq!(placed, [(0, 0), (160, 160), (161, 161), (320, 320)]);
    }

    #[test]
    fn a_depth_that_changes_midway_stays_legal() {
        let mut times = DecodeTimes::video(10);
        let mut placed = run(&mut times, &[0, 10, 20]);
        times.configure(Some(2), Some(10));
        placed.extend(run(&mut times, &[30, 70, 50, 40, 60]));
        times.configure(Some(0), Some(10));
        placed.extend(run(&mut times, &[80, 90]));
        assert_legal(&placed);
    }

    proptest! {
        #[test]
        fn any_order_gives_legal_times(pts in proptest::collection::vec(-1_000..1_000_i64, 1..200), depth in 0..20_u8) {
            let mut times = DecodeTimes::video(10);
            times.configure(Some(depth), None);
            assert_legal(&run(&mut times, &pts));
            prop_assert!(times.held.len() <= 17);
        }
    }
}
