//! A member's device that opens sealed streams: what was recorded, what is live, and how soon. It decodes no
//! picture; [`crate::probe`] does that with files.

use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

use anyhow::{Result, anyhow};
use bartizan_client::live::Place;
use bartizan_client::recordings::Range;
use bartizan_client::stream::Step;
use bartizan_client::{Profile, Session};
use bartizan_domain::{GapReason, StreamId, Track, UtcMillis};
use bartizan_media::{TrackConfig, VideoInfo};
use bartizan_sealing::manifest::Gap;
use tokio::runtime::{Builder, Runtime};

use crate::wait::{self, Watch};

/// An opened frame, without its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// Picture or sound.
    pub track: Track,
    /// Whether decoding can start here.
    pub key: bool,
    /// When the camera captured it.
    pub captured: UtcMillis,
    /// Where it stands in its stream.
    pub place: Place,
    /// Bytes.
    pub len: usize,
    /// Size of the picture, where the frame tells a configuration.
    pub size: Option<VideoInfo>,
}

/// What a stretch of a recording holds.
#[derive(Debug, Clone, Default)]
pub struct Recorded {
    /// Its frames in order.
    pub frames: Vec<Seen>,
    /// Its signed gaps in order of signing.
    pub gaps: Vec<Gap>,
}

impl Recorded {
    /// Pictures only.
    pub fn pictures(&self) -> impl Iterator<Item = &Seen> {
        self.frames
            .iter()
            .filter(|frame| frame.track == Track::Video)
    }

    /// Reasons of gaps in order of signing.
    pub fn reasons(&self) -> Vec<GapReason> {
        self.gaps.iter().map(|gap| gap.reason).collect()
    }

    /// Capture time of the last picture before `time`.
    pub fn last_before(&self, time: UtcMillis) -> Option<UtcMillis> {
        let before = self.pictures().map(|frame| frame.captured);
        before.filter(|captured| *captured <= time).max()
    }

    /// Beginnings and ends of signed gaps, in order.
    fn gap_times(&self) -> Vec<(u64, u64)> {
        let mut times: Vec<_> = self.gaps.iter().map(|gap| (gap.from.0, gap.to.0)).collect();
        times.sort_unstable();
        times
    }

    /// Milliseconds of the longest time between two pictures, signed gaps left out.
    pub fn longest_unsigned_hole(&self) -> u64 {
        let gaps = self.gap_times();
        let mut times: Vec<u64> = self.pictures().map(|seen| seen.captured.0).collect();
        times.sort_unstable();
        let holes = times
            .windows(2)
            .map(|pair| uncovered((pair[0], pair[1]), &gaps));
        holes.max().unwrap_or(0)
    }

    /// Milliseconds between the pictures before and after `time`, signed gaps left out; `None` without those.
    pub fn unsigned_hole_at(&self, time: UtcMillis) -> Option<u64> {
        let hole = (self.last_before(time)?.0, self.first_after(time)?.0);
        Some(uncovered(hole, &self.gap_times()))
    }

    /// Capture time of the first picture after `time`.
    pub fn first_after(&self, time: UtcMillis) -> Option<UtcMillis> {
        let after = self.pictures().map(|frame| frame.captured);
        after.filter(|captured| *captured > time).min()
    }
}

/// How much of `hole` no gap covers; gaps are in order of their beginnings.
fn uncovered((mut from, to): (u64, u64), gaps: &[(u64, u64)]) -> u64 {
    let mut open = 0;
    for (begin, end) in gaps {
        open += begin.min(&to).saturating_sub(from);
        from = from.max(*end);
    }
    open + to.saturating_sub(from)
}

/// A device that is signed in.
#[derive(Debug)]
pub struct Viewer {
    session: Session,
    runtime: Runtime,
}

impl Viewer {
    /// Opens the account in `profile`.
    ///
    /// # Errors
    /// There is none.
    pub fn open(profile: &Path) -> Result<Self> {
        let session = Session::open(Profile::at(profile.to_owned()))?;
        let runtime = Builder::new_current_thread().enable_all().build()?;
        Ok(Self { session, runtime })
    }

    /// Opens everything that was recorded of `stream` so far.
    ///
    /// # Errors
    /// Something does not open.
    pub fn recorded(&self, stream: StreamId) -> Result<Recorded> {
        let range = Range {
            from: UtcMillis(0),
            to: UtcMillis(wait::now().0 + 86_400_000),
        };
        let mut all = Recorded::default();
        let mut place = Place {
            segment: 0,
            index: 0,
        };
        self.runtime.block_on(async {
            let mut playback = self.session.playback(stream, range).await?;
            playback
                .run(async |step, _| note(&step, &mut place, &mut all))
                .await
        })?;
        Ok(all)
    }

    /// Joins `stream` and measures how long it takes until the first picture that can be decoded.
    ///
    /// # Errors
    /// None comes.
    pub fn first_picture(&self, stream: StreamId) -> Result<(Duration, Seen)> {
        let watch = Watch::start();
        let mut first = None;
        self.watch(stream, |seen| {
            if seen.track == Track::Video && seen.key {
                first = Some((watch.elapsed(), *seen));
            }
            first.is_none()
        })?;
        first.ok_or_else(|| anyhow!("the stream ended without a picture"))
    }

    /// Watches `stream` live for as long as `more` says so.
    ///
    /// # Errors
    /// The stream fails.
    pub fn watch(&self, stream: StreamId, mut more: impl FnMut(&Seen) -> bool) -> Result<()> {
        let mut live = self.session.live(stream)?;
        self.runtime.block_on(live.run(async |step, place| {
            let go_on = match seen(&step, place)? {
                Some(seen) => more(&seen),
                None => true,
            };
            let flow = if go_on {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            };
            Ok::<_, anyhow::Error>(flow)
        }))
    }
}

fn seen(step: &Step<'_>, place: Place) -> Result<Option<Seen>> {
    let Step::Frame(frame) = step else {
        return Ok(None);
    };
    let config = frame.config.map(TrackConfig::decode).transpose()?;
    Ok(Some(Seen {
        track: frame.track,
        key: frame.key,
        captured: frame.captured,
        place,
        len: frame.data.len(),
        size: config.and_then(|config| config.video),
    }))
}

fn note(step: &Step<'_>, place: &mut Place, all: &mut Recorded) -> Result<()> {
    match step {
        Step::Segment(begun) => {
            *place = Place {
                segment: begun.header.number,
                index: 0,
            }
        }
        Step::Frame(_) => {
            all.frames.extend(seen(step, *place)?);
            place.index = place.index.saturating_add(1);
        }
        Step::Manifest(signed) => all.gaps.extend_from_slice(&signed.manifest.gaps),
        _ => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_gaps_cover_is_no_hole() {
        assert_eq!(uncovered((10, 20), &[]), 10);
        assert_eq!(uncovered((10, 20), &[(0, 12), (11, 13), (15, 30)]), 2);
        assert_eq!(uncovered((10, 20), &[(0, 5), (30, 40)]), 10);
        assert_eq!(uncovered((10, 20), &[(10, 20)]), 0);
    }
}
