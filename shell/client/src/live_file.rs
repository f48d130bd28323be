//! A few seconds of live into an MP4 file, with what a viewer notices: how long the first picture took, and
//! how far behind the camera it is.
//!
//! No proof is written: a live file is for looking at, an export is for keeping.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bartizan_base::{Clock, SystemClock};
use bartizan_domain::{Millis, Monotonic, StreamId, Track, UtcMillis};
use bartizan_sealing::{Frame, SegmentHeader};

use crate::error::ClientError;
use crate::export::is_key;
use crate::export::mux::Fit;
use crate::export::part::{Part, Whole};
use crate::live::Place;
use crate::session::Session;
use crate::stream::Step;

/// Frames whose delay is kept for the median.
const MAX_DELAYS: usize = 100_000;

/// What is to be watched.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Which stream.
    pub stream: StreamId,
    /// Seconds of footage, from the keyframe that the viewer joins at.
    pub seconds: u32,
    /// The file; `None` to watch without keeping anything.
    pub file: Option<&'a Path>,
}

/// What was watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watched {
    /// The file, when one was written.
    pub file: Option<PathBuf>,
    /// Its bytes.
    pub bytes: u64,
    /// Frames of picture.
    pub pictures: u64,
    /// Frames of picture and sound.
    pub frames: u64,
    /// Capture time of the first picture.
    pub first: UtcMillis,
    /// Capture time of the last frame.
    pub last: UtcMillis,
    /// From the request to the first opened picture.
    pub first_picture: Duration,
    /// Milliseconds from capture to opened frame, median of the pictures that came after joining; both
    /// clocks count.
    pub delay_ms: Option<Millis>,
    /// How often the connection was made anew.
    pub rejoins: u32,
}

impl Session {
    /// Watches; `progress` is called with the milliseconds of footage that have come.
    pub async fn watch(
        &self,
        request: Request<'_>,
        mut progress: impl FnMut(Millis),
    ) -> Result<Watched, ClientError> {
        refuse_existing(request.file)?;
        let mut viewer = Viewer::new(request);
        let mut live = self.live(request.stream)?;
        live.run::<ClientError>(async |step, place| {
            let flow = viewer.take(step, place).await?;
            progress(viewer.footage());
            Ok(flow)
        })
        .await?;
        viewer.finish(live.rejoins()).await
    }
}

fn refuse_existing(file: Option<&Path>) -> Result<(), ClientError> {
    match file.filter(|path| path.symlink_metadata().is_ok()) {
        Some(path) => Err(ClientError::Exists {
            path: path.to_owned(),
        }),
        None => Ok(()),
    }
}

struct Viewer<'a> {
    request: Request<'a>,
    began: Monotonic,
    part: Option<Part>,
    segment: Option<SegmentHeader>,
    first: Option<(UtcMillis, Duration, UtcMillis)>,
    last: UtcMillis,
    pictures: u64,
    frames: u64,
    delays: Vec<Millis>,
}

impl<'a> Viewer<'a> {
    fn new(request: Request<'a>) -> Self {
        Self {
            request,
            began: SystemClock.monotonic(),
            part: None,
            segment: None,
            first: None,
            last: UtcMillis::default(),
            pictures: 0,
            frames: 0,
            delays: Vec::new(),
        }
    }

    fn footage(&self) -> Millis {
        self.first.map_or(0, |(first, ..)| self.last.since(first))
    }

    async fn take(&mut self, step: Step<'_>, place: Place) -> Result<ControlFlow<()>, ClientError> {
        match step {
            Step::Segment(begun) => {
                self.segment = Some(begun.header);
                if let Some(part) = &mut self.part {
                    part.leave_segment();
                }
            }
            Step::Frame(frame) => return self.on_frame(&frame, place).await,
            _ => {}
        }
        Ok(ControlFlow::Continue(()))
    }

    async fn on_frame(
        &mut self,
        frame: &Frame<'_>,
        place: Place,
    ) -> Result<ControlFlow<()>, ClientError> {
        let Some(segment) = self.segment else {
            return Ok(ControlFlow::Continue(()));
        };
        if self.first.is_none() && !is_key(frame) {
            return Ok(ControlFlow::Continue(()));
        }
        let now = SystemClock.utc();
        let (first, _, joined) = *self.first.get_or_insert_with(|| {
            let took = SystemClock.monotonic().since(self.began);
            (frame.captured, took, now)
        });
        let wanted = u64::from(self.request.seconds).saturating_mul(1_000);
        if frame.captured.since(first) >= wanted && frame.track == Track::Video {
            return Ok(ControlFlow::Break(()));
        }
        if let Some(path) = self.request.file {
            let part = match &mut self.part {
                Some(part) => part,
                none => none.insert(Part::create(path.to_owned(), frame.captured).await?),
            };
            if part.frame(&segment, place.index, frame).await? == Fit::NewFile {
                return Ok(ControlFlow::Break(()));
            }
        }
        self.frames = self.frames.saturating_add(1);
        if frame.track == Track::Video {
            self.pictures = self.pictures.saturating_add(1);
            // What was captured before joining waited for the viewer, not on the way.
            if frame.captured > joined && self.delays.len() < MAX_DELAYS {
                self.delays.push(now.since(frame.captured));
            }
        }
        self.last = self.last.max(frame.captured);
        Ok(ControlFlow::Continue(()))
    }

    async fn finish(mut self, rejoins: u32) -> Result<Watched, ClientError> {
        let Some((first, first_picture, _)) = self.first else {
            return Err(ClientError::NothingRecorded);
        };
        let mut whole: Option<Whole> = match self.part.take() {
            Some(part) => part.finish().await?,
            None => None,
        };
        let file = whole.as_mut().map(|whole| whole.place(None)).transpose()?;
        self.delays.sort_unstable();
        Ok(Watched {
            file,
            bytes: whole.map_or(0, |whole| whole.bytes),
            pictures: self.pictures,
            frames: self.frames,
            first,
            last: self.last,
            first_picture,
            delay_ms: self.delays.get(self.delays.len() / 2).copied(),
            rejoins,
        })
    }
}
