//! Opened frames into one MP4 file: which track, which configuration, and one line of time for sessions
//! that each have their own.
//!
//! Presentation times of one session lie on one line. Where a new session begins (the camera was away,
//! the gateway restarted), its times are moved so that the distance in the file is the distance between the
//! capture times, and never runs backwards. No bytes are written here, and pictures are copied as they are.

use std::collections::BTreeMap;

use bartizan_domain::wire::WireError;
use bartizan_domain::{Track, UtcMillis};
use bartizan_media::TrackConfig;
use bartizan_media::mp4::{ConfigNo, Finished, Mp4Error, Mp4Writer, Sample, TrackNo};
use bartizan_sealing::Frame;

const NANOS_PER_S: i128 = 1_000_000_000;
const NANOS_PER_MS: i128 = 1_000_000;

/// Why a frame can't be put into any file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MuxError {
    /// The sealed configuration is none.
    #[error("the recording names a configuration of picture or sound that does not exist")]
    Config(#[from] WireError),
    /// The configuration is of sound on the track of pictures, or the other way round.
    #[error("the recording mixes picture and sound up")]
    WrongTrack,
    /// The writer refuses it.
    #[error("the recording does not fit into an MP4 file")]
    Writer(#[from] Mp4Error),
}

/// Whether a frame went into the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// It did.
    Taken,
    /// It is of a track that is left out.
    LeftOut,
    /// It does not go together with what is there: finish this file and put it into a new one.
    NewFile,
}

#[derive(Debug, Clone, Copy)]
struct Lane {
    track: TrackNo,
    config: ConfigNo,
    timescale: u32,
    last_dts: i64,
}

/// Where a session's times lie in the file.
#[derive(Debug, Clone, Copy)]
struct Line {
    session: u32,
    /// The instant of tick 0 in the first session, in nanoseconds since 1970.
    zero_ns: i128,
    /// What is added to this session's times.
    shift_ns: i128,
}

/// One MP4 file in the making.
#[derive(Debug)]
pub struct Mux {
    writer: Mp4Writer,
    lanes: BTreeMap<Track, Lane>,
    line: Option<Line>,
    wants_new: bool,
}

impl Mux {
    /// Begins a file whose first frame was captured at `created`; appends its first bytes to `out`.
    pub fn new(created: UtcMillis, out: &mut Vec<u8>) -> Self {
        Self {
            writer: Mp4Writer::new(created, out),
            lanes: BTreeMap::new(),
            line: None,
            wants_new: false,
        }
    }

    /// Whether sound had to be left out that a new file could take. Start one with the next segment.
    pub const fn wants_new_file(&self) -> bool {
        self.wants_new
    }

    /// Takes a frame of `session` and appends to `out` what the file grows by.
    pub fn frame(
        &mut self,
        session: u32,
        frame: &Frame<'_>,
        out: &mut Vec<u8>,
    ) -> Result<Fit, MuxError> {
        if !matches!(frame.track, Track::Video | Track::Audio) {
            return Ok(Fit::LeftOut);
        }
        match self.put(session, frame, out) {
            Ok(fit) => Ok(fit),
            // A file can't begin in the middle of a group of pictures: the next keyframe begins it.
            Err(MuxError::Writer(Mp4Error::NotKey)) if self.is_empty() => Ok(Fit::LeftOut),
            Err(MuxError::Writer(error)) if needs_new_file(error) => {
                if frame.track == Track::Video {
                    return Ok(Fit::NewFile);
                }
                self.wants_new = true;
                Ok(Fit::LeftOut)
            }
            Err(error) => Err(error),
        }
    }

    fn is_empty(&self) -> bool {
        self.lanes.values().all(|lane| lane.last_dts == i64::MIN)
    }

    /// Appends the last bytes to `out` and closes the tables.
    pub fn finish(self, out: &mut Vec<u8>) -> Result<Finished, MuxError> {
        Ok(self.writer.finish(out)?)
    }

    fn put(&mut self, session: u32, frame: &Frame<'_>, out: &mut Vec<u8>) -> Result<Fit, MuxError> {
        if let Some(config) = frame.config {
            self.configure(frame.track, config)?;
        }
        let Some(lane) = self.lanes.get(&frame.track).copied() else {
            return Ok(Fit::LeftOut);
        };
        let Some(shift_ns) = self.shift(session, frame, lane) else {
            return Ok(Fit::LeftOut);
        };
        let shift = ticks(shift_ns, lane.timescale);
        let dts = frame.pts.saturating_add(i64::from(frame.decode_offset));
        let dts = dts.saturating_add(shift).max(lane.last_dts);
        let pts = frame.pts.saturating_add(shift).max(dts);
        let sample = Sample {
            pts,
            dts,
            key: frame.key,
            config: lane.config,
            data: frame.data,
        };
        self.writer.sample(lane.track, sample, out)?;
        if let Some(lane) = self.lanes.get_mut(&frame.track) {
            lane.last_dts = dts;
        }
        Ok(Fit::Taken)
    }

    fn configure(&mut self, track: Track, config: &[u8]) -> Result<(), MuxError> {
        let config = TrackConfig::decode(config)?;
        if config.codec.is_video() != (track == Track::Video) {
            return Err(MuxError::WrongTrack);
        }
        if let Some(lane) = self.lanes.get_mut(&track) {
            match self.writer.add_config(lane.track, &config) {
                Ok(config) => lane.config = config,
                // Sound of another codec goes on a track of its own.
                Err(Mp4Error::TrackChanged) if track == Track::Audio => {
                    lane.track = self.writer.add_track(&config)?;
                    lane.config = ConfigNo::FIRST;
                    lane.last_dts = i64::MIN;
                    lane.timescale = config.timescale;
                }
                Err(error) => return Err(error.into()),
            }
            return Ok(());
        }
        let lane = Lane {
            track: self.writer.add_track(&config)?,
            config: ConfigNo::FIRST,
            timescale: config.timescale,
            last_dts: i64::MIN,
        };
        self.lanes.insert(track, lane);
        Ok(())
    }

    /// What is added to times of `session`, in nanoseconds. A session begins with a picture; sound before
    /// it has no place.
    fn shift(&mut self, session: u32, frame: &Frame<'_>, lane: Lane) -> Option<i128> {
        if let Some(line) = self.line
            && line.session == session
        {
            return Some(line.shift_ns);
        }
        if frame.track != Track::Video {
            return None;
        }
        let zero = zero_ns(frame.captured, frame.pts, lane.timescale);
        let line = match self.line {
            None => Line {
                session,
                zero_ns: zero,
                shift_ns: 0,
            },
            Some(line) => {
                let dts = frame.pts.saturating_add(i64::from(frame.decode_offset));
                let earliest = lane.last_dts.saturating_add(1).saturating_sub(dts);
                let earliest = nanos(earliest, lane.timescale);
                Line {
                    session,
                    shift_ns: zero.saturating_sub(line.zero_ns).max(earliest),
                    ..line
                }
            }
        };
        self.line = Some(line);
        Some(line.shift_ns)
    }
}

/// Whether the frame would fit into an empty file.
const fn needs_new_file(error: Mp4Error) -> bool {
    matches!(
        error,
        Mp4Error::TooManyTracks
            | Mp4Error::TooManyConfigs
            | Mp4Error::TooManySamples
            | Mp4Error::TrackChanged
            | Mp4Error::GapTooLong { .. }
            | Mp4Error::NotKey
    )
}

/// The instant of tick 0.
fn zero_ns(captured: UtcMillis, pts: i64, timescale: u32) -> i128 {
    i128::from(captured.0)
        .saturating_mul(NANOS_PER_MS)
        .saturating_sub(nanos(pts, timescale))
}

fn nanos(ticks: i64, timescale: u32) -> i128 {
    let product = i128::from(ticks).saturating_mul(NANOS_PER_S);
    // A timescale of 0 is refused with the configuration.
    product.checked_div(i128::from(timescale)).unwrap_or(0)
}

fn ticks(nanos: i128, timescale: u32) -> i64 {
    let product = nanos.saturating_mul(i128::from(timescale));
    let rounded = product
        .saturating_add(NANOS_PER_S / 2)
        .div_euclid(NANOS_PER_S);
    i64::try_from(rounded).unwrap_or(if rounded < 0 { i64::MIN } else { i64::MAX })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{START, sound, video};

    fn frame(track: Track, pts: i64, at: u64, config: Option<&[u8]>) -> Frame<'_> {
        Frame {
            track,
            key: config.is_some() || track == Track::Audio,
            captured: START.saturating_add(at),
            pts,
            decode_offset: 0,
            config,
            data: &[0, 0, 0, 1, 0x65],
        }
    }

    fn mux() -> (Mux, Vec<u8>) {
        let mut out = Vec::new();
        (Mux::new(START, &mut out), out)
    }

    fn shift(mux: &Mux) -> i128 {
        mux.line.unwrap().shift_ns
    }

    #[test]
    fn a_new_session_keeps_its_distance() {
        let (mut mux, mut out) = mux();
        let config = video().encode();
        let first = frame(Track::Video, 1_000, 0, Some(&config));
        assert_eq!(mux.frame(1, &first, &mut out), Ok(Fit::Taken));
        // Ten seconds later, on a line that starts at 0.
        let second = frame(Track::Video, 0, 10_000, Some(&config));
        assert_eq!(mux.frame(2, &second, &mut out), Ok(Fit::Taken));
        let lane = mux.lanes[&Track::Video];
        assert_eq!(lane.last_dts, 1_000 + 900_000);
        // Its sound follows the same line.
        let sound = sound().encode();
        let with_sound = frame(Track::Audio, 480, 10_010, Some(&sound));
        assert_eq!(mux.frame(2, &with_sound, &mut out), Ok(Fit::Taken));
        assert_eq!(mux.lanes[&Track::Audio].last_dts, 480 + 533 + 480_000);
        assert!(mux.finish(&mut out).is_ok());
    }

    #[test]
    fn a_clock_that_was_set_back_does_not_run_the_file_backwards() {
        let (mut mux, mut out) = mux();
        let config = video().encode();
        mux.frame(
            1,
            &frame(Track::Video, 0, 3_600_000, Some(&config)),
            &mut out,
        )
        .unwrap();
        mux.frame(1, &frame(Track::Video, 3_600, 3_600_040, None), &mut out)
            .unwrap();
        mux.frame(2, &frame(Track::Video, 0, 0, Some(&config)), &mut out)
            .unwrap();
        assert!(shift(&mux) > 0);
        assert_eq!(mux.lanes[&Track::Video].last_dts, 3_601);
    }

    #[test]
    fn sound_without_picture_and_events_are_left_out() {
        let (mut mux, mut out) = mux();
        let config = sound().encode();
        let audio = frame(Track::Audio, 0, 0, Some(&config));
        assert_eq!(mux.frame(1, &audio, &mut out), Ok(Fit::LeftOut));
        let event = frame(Track::Event, 0, 0, Some(&[]));
        assert_eq!(mux.frame(1, &event, &mut out), Ok(Fit::LeftOut));
    }

    #[test]
    fn a_gap_of_half_a_day_needs_a_new_file() {
        let (mut mux, mut out) = mux();
        let config = video().encode();
        mux.frame(1, &frame(Track::Video, 0, 0, Some(&config)), &mut out)
            .unwrap();
        let late = frame(Track::Video, 0, 12 * 3_600_000, Some(&config));
        assert_eq!(mux.frame(2, &late, &mut out), Ok(Fit::NewFile));
    }

    #[test]
    fn picture_and_sound_are_not_mixed_up() {
        let (mut mux, mut out) = mux();
        let config = sound().encode();
        let wrong = frame(Track::Video, 0, 0, Some(&config));
        assert_eq!(mux.frame(1, &wrong, &mut out), Err(MuxError::WrongTrack));
    }
}
