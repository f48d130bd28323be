//! One camera: its feeds and its sealer joined.

use std::collections::BTreeMap;

use bartizan_base::random;
use bartizan_domain::{CameraId, GapReason, Rendition, StreamId, Track};
use bartizan_media::rtsp::Event;
use bartizan_media::{AccessUnit, TrackConfig};
use bartizan_protocol::api::{CameraProblem, SourceSettings, StreamStatus, TrackSummary};
use bartizan_protocol::ipc::{CameraOrder, FromIngest};
use bartizan_sealing::camera::{CameraSealer, Context};
use bartizan_sealing::manifest::Gap;
use bartizan_sealing::segment::Frame;
use bartizan_sealing::stream::{Position, Resume};
use mio::Token;

use crate::dialer::Dialed;
use crate::feed::{Feed, FeedEvent, Turn};
use crate::link::Link;

/// One rendition's feed and what its sealer must be told.
#[derive(Debug)]
struct Stream {
    rendition: Rendition,
    feed: Feed,
    configs: Vec<(Track, TrackConfig)>,
    status: Option<StreamStatus>,
    overloaded: bool,
    watched: bool,
    /// Lost packets of this connection that were told already.
    lost_told: u64,
}

/// One camera.
#[derive(Debug)]
pub(crate) struct Camera {
    id: CameraId,
    sealer: CameraSealer,
    streams: Vec<Stream>,
    /// Where streams ended that were taken away, so that their counters are never used twice.
    ended: BTreeMap<Rendition, Position>,
}

impl Camera {
    /// A camera without streams.
    pub(crate) const fn new(id: CameraId) -> Self {
        Self {
            id,
            sealer: CameraSealer::new(id),
            streams: Vec::new(),
            ended: BTreeMap::new(),
        }
    }

    /// Which.
    pub(crate) const fn id(&self) -> CameraId {
        self.id
    }

    /// Where its streams go on; before the first order, and when the recorder came back.
    pub(crate) fn resume(
        &mut self,
        rendition: Rendition,
        resume: &Resume,
        reason: GapReason,
        context: &Context<'_>,
    ) {
        self.sealer.resume(rendition, resume, reason, context.now);
        self.ended.remove(&rendition);
        if let Some(stream) = self.streams.iter_mut().find(|s| s.rendition == rendition) {
            self.sealer.begin_session(rendition, session_number());
            for (track, config) in &stream.configs {
                self.sealer.configure(rendition, *track, config.encode());
            }
            // The recorder's new process knows no status yet.
            stream.status = None;
        }
    }

    /// Whether a stream was begun or resumed in this process.
    pub(crate) fn has(&self, rendition: Rendition) -> bool {
        self.sealer.has(rendition)
    }

    /// Takes over what the gateway wants: new sources begin, changed ones begin anew, others end.
    pub(crate) fn order(
        &mut self,
        order: CameraOrder,
        tokens: &mut impl FnMut() -> Token,
        turn: &mut Turn<'_>,
        context: &mut Context<'_>,
        link: &mut Link,
    ) {
        let wanted = [
            (Rendition::Main, Some(order.main)),
            (Rendition::Sub, order.sub),
        ];
        for (rendition, settings) in wanted {
            let place = self
                .streams
                .iter()
                .position(|stream| stream.rendition == rendition);
            let same = |settings: &SourceSettings| {
                place
                    .and_then(|place| self.streams.get(place))
                    .is_some_and(|s| s.feed.is_of(settings))
            };
            if settings.as_ref().is_some_and(same) {
                continue;
            }
            let before = place.map(|place| self.streams.remove(place));
            let watched = before.as_ref().is_some_and(|stream| stream.watched);
            let is_other = before.is_some();
            if let Some(before) = before {
                before.feed.close(turn.at.now);
            }
            let Some(settings) = settings else {
                self.end(rendition, context, link);
                continue;
            };
            if is_other {
                self.sealer
                    .interrupt(rendition, context, GapReason::CameraOffline, link);
            }
            if !self.sealer.has(rendition) {
                self.sealer
                    .resume(rendition, &Resume::FRESH, GapReason::Restart, context.now);
            }
            let feed = Feed::new(self.id, tokens(), settings);
            self.streams.push(Stream {
                rendition,
                feed,
                configs: Vec::new(),
                status: None,
                overloaded: false,
                watched,
                lost_told: 0,
            });
        }
    }

    /// A stream was taken away: its last segment is closed, and that it was switched off is signed.
    fn end(&mut self, rendition: Rendition, context: &mut Context<'_>, link: &mut Link) {
        if let Some(position) = self.sealer.remove(rendition, context, link) {
            self.ended.insert(rendition, position);
        }
    }

    /// Begins or rolls the epoch where it is due.
    pub(crate) fn keep_epoch(&mut self, context: &mut Context<'_>, link: &mut Link) {
        if let Err(error) = self.sealer.keep_epoch(context, link) {
            tracing::warn!(camera = %self.id, %error, "camera is not sealed");
        }
    }

    /// Visits the feeds that are due. `readable` tells which tokens the poll named, and whether closed.
    pub(crate) fn turn(
        &mut self,
        readable: &dyn Fn(Token) -> Option<bool>,
        all: bool,
        turn: &mut Turn<'_>,
        context: &mut Context<'_>,
        link: &mut Link,
    ) {
        for index in 0..self.streams.len() {
            let Some(stream) = self.streams.get_mut(index) else {
                break;
            };
            if !(all || stream.watched || stream.feed.is_hasty()) {
                continue;
            }
            let event = readable(stream.feed.token());
            let mut sealing = Sealing::of(self.id, &mut self.sealer, stream, context, link);
            let (feed, mut out) = sealing.split();
            feed.turn(turn, event, &mut out);
        }
        self.sealer.tick(context, link);
    }

    /// Hands an answer of the broker to the feed that asked.
    pub(crate) fn dialed(
        &mut self,
        request: u64,
        mut dialed: Dialed,
        turn: &mut Turn<'_>,
        context: &mut Context<'_>,
        link: &mut Link,
    ) -> Option<Dialed> {
        for stream in &mut self.streams {
            let mut sealing = Sealing::of(self.id, &mut self.sealer, stream, context, link);
            let (feed, mut out) = sealing.split();
            dialed = feed.dialed(request, dialed, turn, &mut out)?;
        }
        Some(dialed)
    }

    /// Whether somebody watches, or a feed must be visited often.
    pub(crate) fn is_hasty(&self) -> bool {
        self.streams
            .iter()
            .any(|stream| stream.watched || stream.feed.is_hasty())
    }

    /// Packets that did not arrive and were not told yet.
    pub(crate) fn take_lost_packets(&mut self) -> u64 {
        let take = |stream: &mut Stream| {
            let lost = stream.feed.lost_packets();
            // A new connection counts from zero.
            let told = if lost < stream.lost_told {
                0
            } else {
                stream.lost_told
            };
            stream.lost_told = lost;
            lost - told
        };
        self.streams.iter_mut().map(take).sum()
    }

    /// Somebody watches a stream, or nobody does any more.
    pub(crate) fn watch(&mut self, rendition: Rendition, watched: bool) {
        if let Some(stream) = self.streams.iter_mut().find(|s| s.rendition == rendition) {
            stream.watched = watched;
        }
    }

    /// The recorder lost something.
    pub(crate) fn lost(
        &mut self,
        rendition: Rendition,
        gap: Gap,
        context: &mut Context<'_>,
        link: &mut Link,
    ) {
        self.sealer.lost(rendition, context, gap, link);
    }

    /// The wall clock was set.
    pub(crate) fn clock_jumped(&mut self, context: &mut Context<'_>, link: &mut Link) {
        self.sealer.clock_jumped(context, link);
        for stream in &self.streams {
            self.sealer
                .begin_session(stream.rendition, session_number());
            for (track, config) in &stream.configs {
                self.sealer
                    .configure(stream.rendition, *track, config.encode());
            }
        }
    }

    /// Where each stream stands, or ended.
    pub(crate) fn positions(&self) -> impl Iterator<Item = (StreamId, Position)> {
        let camera = self.id;
        Rendition::ALL.into_iter().filter_map(move |rendition| {
            let running = self.sealer.position(rendition);
            let position = running.or_else(|| self.ended.get(&rendition).copied())?;
            Some((StreamId { camera, rendition }, position))
        })
    }

    /// Ends it: the last segments are closed and signed.
    pub(crate) fn finish(mut self, turn: &Turn<'_>, context: &mut Context<'_>, link: &mut Link) {
        self.sealer.finish(context, link);
        for stream in self.streams {
            stream.feed.close(turn.at.now);
        }
    }
}

/// What a feed's events are turned into.
struct Sealing<'a, 'c> {
    camera: CameraId,
    sealer: &'a mut CameraSealer,
    stream: &'a mut Stream,
    context: &'a mut Context<'c>,
    link: &'a mut Link,
}

impl<'a, 'c> Sealing<'a, 'c> {
    const fn of(
        camera: CameraId,
        sealer: &'a mut CameraSealer,
        stream: &'a mut Stream,
        context: &'a mut Context<'c>,
        link: &'a mut Link,
    ) -> Self {
        Self {
            camera,
            sealer,
            stream,
            context,
            link,
        }
    }

    /// The feed, and what takes its events.
    fn split(&mut self) -> (&mut Feed, impl FnMut(FeedEvent) + use<'_, 'a, 'c>) {
        let Self {
            camera,
            sealer,
            stream,
            context,
            link,
        } = self;
        let Stream {
            rendition,
            feed,
            configs,
            status,
            overloaded,
            ..
        } = &mut **stream;
        let mut taker = Taker {
            camera: *camera,
            rendition: *rendition,
            sealer,
            context,
            link,
            configs,
            status,
            overloaded,
        };
        (feed, move |event| taker.take(event))
    }
}

struct Taker<'a, 'c> {
    camera: CameraId,
    rendition: Rendition,
    sealer: &'a mut CameraSealer,
    context: &'a mut Context<'c>,
    link: &'a mut Link,
    configs: &'a mut Vec<(Track, TrackConfig)>,
    status: &'a mut Option<StreamStatus>,
    overloaded: &'a mut bool,
}

impl Taker<'_, '_> {
    fn take(&mut self, event: FeedEvent) {
        match event {
            FeedEvent::Began => {
                self.configs.clear();
                self.sealer.begin_session(self.rendition, session_number());
            }
            FeedEvent::Session(Event::Config { track, config }) => self.configure(track, config),
            FeedEvent::Session(Event::Unit(unit)) => self.seal(&unit),
            FeedEvent::Session(_) => {}
            FeedEvent::Failed(problem) => self.fail(problem),
        }
    }

    fn configure(&mut self, track: Track, config: TrackConfig) {
        self.sealer
            .configure(self.rendition, track, config.encode());
        self.configs.retain(|(other, _)| *other != track);
        self.configs.push((track, config));
        let tracks = self
            .configs
            .iter()
            .map(|(_, config)| summary(config))
            .collect();
        self.tell(StreamStatus::Streaming { tracks });
    }

    fn seal(&mut self, unit: &AccessUnit) {
        if self.link.is_full() {
            if !std::mem::replace(self.overloaded, true) {
                self.sealer.interrupt(
                    self.rendition,
                    self.context,
                    GapReason::RecorderAway,
                    self.link,
                );
            }
            return;
        }
        *self.overloaded = false;
        let frame = Frame {
            track: unit.track,
            key: unit.key,
            captured: unit.captured,
            pts: unit.pts,
            decode_offset: i32::try_from(unit.dts.saturating_sub(unit.pts)).unwrap_or(0),
            config: None,
            data: &unit.data,
        };
        let sealed = self
            .sealer
            .seal(self.rendition, self.context, &frame, self.link);
        if let Err(error) = sealed {
            tracing::warn!(camera = %self.camera, %error, "access unit left out");
        }
    }

    fn fail(&mut self, problem: CameraProblem) {
        let reason = problem.kind.gap_reason();
        self.sealer
            .interrupt(self.rendition, self.context, reason, self.link);
        self.tell(StreamStatus::Connecting {
            problem: Some(problem),
        });
    }

    /// Tells the gateway when the status is another one.
    fn tell(&mut self, status: StreamStatus) {
        if self.status.as_ref() == Some(&status) {
            return;
        }
        let stream = StreamId {
            camera: self.camera,
            rendition: self.rendition,
        };
        *self.status = Some(status.clone());
        self.link.send(&FromIngest::Status { stream, status });
    }
}

/// A track in a word or two.
fn summary(config: &TrackConfig) -> TrackSummary {
    let shape = match (config.video, config.audio) {
        (Some(video), _) => format!("{}×{}", video.width, video.height),
        (None, Some(audio)) => {
            let channels = match audio.channels {
                1 => "mono".to_owned(),
                2 => "stereo".to_owned(),
                count => format!("{count} channels"),
            };
            format!("{} Hz {channels}", audio.sample_rate)
        }
        (None, None) => String::new(),
    };
    TrackSummary {
        codec: config.codec,
        shape,
    }
}

/// Segments of one connection share a number; zero only if the machine has no randomness.
fn session_number() -> u32 {
    random::bytes().map_or(0, u32::from_be_bytes)
}
