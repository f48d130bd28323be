//! The loop: one thread, one tick for all cameras.
//!
//! Waking up costs more than parsing: so the loop sleeps a whole tick (100 ms; 20 ms while somebody
//! watches or a camera shakes hands), and then drains every socket, seals what came and hands it over in
//! one go. Only the gateway and the broker wake it earlier.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::time::Duration;

use anyhow::{Context as _, Result};
use bartizan_base::{Clock, SystemClock, random};
use bartizan_domain::{CameraId, GapReason, Hash, Monotonic, StreamId};
use bartizan_media::rtp::Arrival;
use bartizan_media::rtsp::probe::{PROBE_TIMEOUT, Probe};
use bartizan_protocol::api::{CameraProblem, PINNED_CONTEXT, ProbeReport, SourceSettings};
use bartizan_protocol::blob::Blob;
use bartizan_protocol::ipc::{FromIngest, Tail, ToIngest};
use bartizan_rtsp::connection::SCRATCH_BYTES;
use bartizan_sealing::camera::Context;
use bartizan_sealing::manifest::{Gap, Manifest};
use bartizan_sealing::record::Record;
use bartizan_sealing::segment::SegmentEnd;
use bartizan_sealing::stream::{Position, Recorded, Resume};
use mio::net::UnixStream;
use mio::{Events, Interest, Poll, Token};

use crate::camera::Camera;
use crate::dialer::{Dialed, Dialer};
use crate::feed::{Feed, FeedEvent, Turn};
use crate::link::Link;
use crate::probe;
use crate::state::PrivateState;

/// A tick while nobody watches.
const SLOW_TICK: Duration = Duration::from_millis(100);

/// A tick while somebody does.
const FAST_TICK: Duration = Duration::from_millis(20);

/// Wall and monotonic clock may drift apart by this much within a tick before the clock counts as set.
const CLOCK_JUMP_MS: u64 = 2_000;

/// Positions are written down this often.
const POSITIONS_EVERY: Duration = Duration::from_secs(1);

/// Connection tests that run at the same time.
const MAX_PROBES: usize = 8;

const LINK: Token = Token(0);
const BROKER: Token = Token(1);
const STOP: Token = Token(2);
const FIRST_FEED: usize = 16;

/// A connection test.
struct Test {
    feed: Feed,
    probe: Probe,
    began: Monotonic,
    first_picture: Option<Monotonic>,
    /// What ended it between two turns.
    failed: Option<CameraProblem>,
}

/// The ingest at work.
pub(crate) struct Ingest {
    state: PrivateState,
    link: Option<Link>,
    /// Whether this gateway process has told what it has: before that nothing may be sealed for it, because
    /// what is signed must be what is there.
    told: bool,
    dialer: Dialer,
    control: Poll,
    media: Poll,
    /// Kept open; the poll tells when it becomes readable.
    _stop: UnixStream,
    cameras: BTreeMap<CameraId, Camera>,
    tests: BTreeMap<CameraId, Test>,
    next_token: usize,
    scratch: Vec<u8>,
    clock_offset: u64,
    slow_due: Monotonic,
    positions_due: Monotonic,
    written: BTreeMap<StreamId, Position>,
}

impl Ingest {
    /// Takes over the sockets. `stop` becomes readable when the process is to end.
    pub(crate) fn new(
        state: PrivateState,
        broker: StdUnixStream,
        stop: StdUnixStream,
    ) -> Result<Self> {
        let (control, media) = (Poll::new()?, Poll::new()?);
        broker.set_nonblocking(true)?;
        stop.set_nonblocking(true)?;
        let mut dialer = Dialer::new(UnixStream::from_std(broker));
        let mut stop = UnixStream::from_std(stop);
        control
            .registry()
            .register(dialer.socket(), BROKER, Interest::READABLE)?;
        control
            .registry()
            .register(&mut stop, STOP, Interest::READABLE)?;
        let mut ingest = Self {
            state,
            link: None,
            told: false,
            dialer,
            control,
            media,
            _stop: stop,
            cameras: BTreeMap::new(),
            tests: BTreeMap::new(),
            next_token: FIRST_FEED,
            scratch: vec![0; SCRATCH_BYTES],
            clock_offset: 0,
            slow_due: Monotonic::default(),
            positions_due: Monotonic::default(),
            written: BTreeMap::new(),
        };
        ingest.clock_offset = offset(arrival());
        Ok(ingest)
    }

    /// Runs until told to stop, or until the broker is gone.
    pub(crate) fn run(mut self) -> Result<()> {
        let mut events = Events::with_capacity(1_024);
        let mut due = Monotonic::default();
        loop {
            let wait = due.since(SystemClock.monotonic());
            match self.control.poll(&mut events, Some(wait)) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => other.context("can't wait for orders")?,
            }
            // The gateway has read: what waits for it goes out, and nobody else is bothered before the tick.
            if events.iter().any(is_only_room) && SystemClock.monotonic() < due {
                self.flush_link();
                if events.iter().all(is_only_room) {
                    continue;
                }
            }
            let woken: Vec<Token> = events.iter().map(mio::event::Event::token).collect();
            if woken.contains(&STOP) {
                return self.finish();
            }
            if woken.contains(&BROKER) {
                self.hear_broker().context("the supervisor is gone")?;
            }
            if woken.contains(&LINK) {
                self.hear_gateway();
            }
            self.tick(&mut events)?;
            due = SystemClock.monotonic() + self.period();
        }
    }

    fn is_hasty(&self) -> bool {
        self.cameras.values().any(Camera::is_hasty) || !self.tests.is_empty()
    }

    fn period(&self) -> Duration {
        if self.is_hasty() {
            FAST_TICK
        } else {
            SLOW_TICK
        }
    }

    fn tick(&mut self, events: &mut Events) -> Result<()> {
        let at = arrival();
        match self.media.poll(events, Some(Duration::ZERO)) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => other.context("can't look at the cameras")?,
        }
        let mut ready = BTreeMap::new();
        for event in events.iter() {
            let closed = event.is_read_closed() || event.is_error();
            *ready.entry(event.token()).or_insert(false) |= closed;
        }
        self.watch_clock(at);
        let all = at.now >= self.slow_due;
        if all {
            self.slow_due = at.now + SLOW_TICK.saturating_sub(FAST_TICK / 2);
        }
        self.with_cameras(at, |camera, turn, context, link| {
            camera.keep_epoch(context, link);
            let readable = |token| ready.get(&token).copied();
            camera.turn(&readable, all, turn, context, link);
        });
        self.turn_tests(at, &ready);
        self.note_positions(at.now);
        self.flush_link();
        Ok(())
    }

    fn flush_link(&mut self) {
        if let Some(link) = &mut self.link
            && let Err(error) = link.flush()
        {
            tracing::warn!(%error, "the gateway is away");
            self.lose_link();
        }
    }

    /// Runs `act` for every camera; without a gateway or a roster nothing can be sealed.
    fn with_cameras(
        &mut self,
        at: Arrival,
        mut act: impl FnMut(&mut Camera, &mut Turn<'_>, &mut Context<'_>, &mut Link),
    ) {
        let Some(link) = self.link.as_mut().filter(|_| self.told) else {
            return;
        };
        let Some(history) = self.state.history() else {
            return;
        };
        let mut turn = Turn {
            at,
            dialer: &mut self.dialer,
            registry: self.media.registry(),
            scratch: &mut self.scratch,
            random: random_u32(),
        };
        let mut random = fill;
        let mut context = Context {
            signing: self.state.signing(),
            roster: history.current(),
            random: &mut random,
            now: at.utc,
        };
        for camera in self.cameras.values_mut() {
            turn.random = random_u32();
            act(camera, &mut turn, &mut context, link);
            link.relieve();
        }
    }

    fn watch_clock(&mut self, at: Arrival) {
        let now = offset(at);
        if now.abs_diff(self.clock_offset) > CLOCK_JUMP_MS {
            tracing::warn!(
                ms = now.abs_diff(self.clock_offset),
                "the wall clock was set"
            );
            self.with_cameras(at, |camera, _, context, link| {
                camera.clock_jumped(context, link);
            });
        }
        // Slow drift is what time servers do all day.
        self.clock_offset = now;
    }

    fn hear_broker(&mut self) -> io::Result<()> {
        let mut answers = Vec::new();
        self.dialer
            .receive(|id, dialed| answers.push((id, dialed)))?;
        for (id, dialed) in answers {
            match dialed {
                Dialed::Link(socket) => self.begin_link(socket)?,
                dialed => self.hand_out(id, dialed),
            }
        }
        Ok(())
    }

    fn hand_out(&mut self, id: u64, dialed: Dialed) {
        let at = arrival();
        let mut left = Some(dialed);
        self.with_cameras(at, |camera, turn, context, link| {
            if let Some(dialed) = left.take() {
                left = camera.dialed(id, dialed, turn, context, link);
            }
        });
        self.with_tests(at, |test, turn| {
            if let Some(dialed) = left.take() {
                left = test.dialed(id, dialed, turn);
            }
        });
    }

    /// A new gateway process: it is told who we are, and tells us everything else.
    fn begin_link(&mut self, socket: StdUnixStream) -> io::Result<()> {
        socket.set_nonblocking(true)?;
        let mut link = Link::new(UnixStream::from_std(socket));
        self.control.registry().register(
            link.socket(),
            LINK,
            Interest::READABLE | Interest::WRITABLE,
        )?;
        let pinned = self
            .state
            .history()
            .map(|history| (history.current().genesis(), history.current().head()));
        let sealer = Blob::from(self.state.signing().public().as_bytes().as_slice());
        link.send(&FromIngest::Hello { sealer, pinned });
        self.link = Some(link);
        self.told = false;
        self.hear_gateway();
        Ok(())
    }

    fn lose_link(&mut self) {
        self.link = None;
        self.told = false;
        self.tests.clear();
    }

    fn hear_gateway(&mut self) {
        let Some(link) = &mut self.link else { return };
        let mut orders = Vec::new();
        let heard = link.receive(|order| orders.push(order));
        for order in orders {
            self.obey(order);
        }
        if let Err(error) = heard {
            tracing::info!(%error, "waiting for a gateway");
            self.lose_link();
        }
    }

    fn obey(&mut self, order: ToIngest) {
        let at = arrival();
        match order {
            ToIngest::Roster { from, statements } => self.extend_roster(from, statements),
            ToIngest::State {
                stream,
                last_manifest,
                tail,
                next_segment,
            } => {
                self.resume(stream, last_manifest, tail, next_segment, at);
            }
            ToIngest::Cameras { cameras } => {
                self.told = true;
                let mut orders: BTreeMap<_, _> = cameras
                    .into_iter()
                    .map(|order| (order.camera, order))
                    .collect();
                self.retire(|camera| orders.contains_key(&camera), at);
                for camera in orders.keys() {
                    self.cameras
                        .entry(*camera)
                        .or_insert_with(|| Camera::new(*camera));
                }
                let mut next = self.next_token;
                self.with_cameras(at, |camera, turn, context, link| {
                    let Some(order) = orders.remove(&camera.id()) else {
                        return;
                    };
                    let mut tokens = || {
                        next += 1;
                        Token(next)
                    };
                    camera.keep_epoch(context, link);
                    camera.order(order, &mut tokens, turn, context, link);
                });
                self.next_token = next;
            }
            ToIngest::Watched { stream, watched } => {
                if let Some(camera) = self.cameras.get_mut(&stream.camera) {
                    camera.watch(stream.rendition, watched);
                }
            }
            ToIngest::Lost {
                stream,
                first_segment,
                segments,
                from,
                to,
                reason,
            } => {
                let gap = Gap {
                    reason,
                    from,
                    to,
                    first_segment,
                    segments,
                };
                self.with_cameras(at, |camera, _, context, link| {
                    if camera.id() == stream.camera {
                        camera.lost(stream.rendition, gap, context, link);
                    }
                });
            }
            ToIngest::Probe { camera, source } => self.begin_test(camera, source, at.now),
        }
    }

    fn extend_roster(&mut self, from: u64, statements: Vec<Blob>) {
        let statements: Vec<Vec<u8>> = statements.into_iter().map(|blob| blob.0).collect();
        let answer = match self.state.extend(from, &statements) {
            Ok(()) => self.pinned(),
            Err(error) => {
                tracing::warn!(%error, "the gateway's roster is refused");
                FromIngest::RosterRefused {
                    reason: format!("the sealer refuses: {error}"),
                }
            }
        };
        if let Some(link) = &mut self.link {
            link.send(&answer);
        }
    }

    fn pinned(&self) -> FromIngest {
        let roster = self
            .state
            .history()
            .map(bartizan_identity::roster::History::current);
        let (genesis, head) = roster.map_or((Hash::ZERO, Hash::ZERO), |r| (r.genesis(), r.head()));
        let message = [genesis.as_bytes().as_slice(), head.as_bytes()].concat();
        let signature = self.state.signing().sign(PINNED_CONTEXT, &message);
        FromIngest::RosterPinned {
            genesis,
            head,
            signature: Blob::from(signature.as_bytes().as_slice()),
        }
    }

    /// Joins what the recorder has with what this sealer knows, and goes on from there.
    fn resume(
        &mut self,
        stream: StreamId,
        last_manifest: Option<Blob>,
        tail: Option<Tail>,
        next_segment: u64,
        at: Arrival,
    ) {
        let own = self
            .cameras
            .get(&stream.camera)
            .and_then(|camera| {
                camera
                    .positions()
                    .find(|(other, _)| *other == stream)
                    .map(|(_, p)| p)
            })
            .or_else(|| self.state.position(stream));
        let signed = last_manifest.and_then(|blob| self.own_manifest(stream, &blob.0));
        let is_off = signed
            .as_ref()
            .is_some_and(|(manifest, _)| is_switched_off(manifest, own, tail));
        let recorded = Recorded {
            manifest: signed.map(|(manifest, hash)| (manifest.counter, hash, manifest.time)),
            tail: tail.map(|tail| (end_of(tail), tail.end)),
            next_segment,
        };
        let resume = Resume::join(own, &recorded);
        let known = self.cameras.get(&stream.camera);
        let reason = if known.is_some_and(|camera| camera.has(stream.rendition)) {
            GapReason::RecorderAway
        } else if is_off {
            GapReason::Paused
        } else {
            GapReason::Restart
        };
        let camera = self
            .cameras
            .entry(stream.camera)
            .or_insert_with(|| Camera::new(stream.camera));
        let Some(history) = self.state.history() else {
            return;
        };
        let mut random = fill;
        let context = Context {
            signing: self.state.signing(),
            roster: history.current(),
            random: &mut random,
            now: at.utc,
        };
        camera.resume(stream.rendition, &resume, reason, &context);
    }

    /// A manifest that the gateway shows counts only when this sealer signed it, about this stream.
    fn own_manifest(&self, stream: StreamId, bytes: &[u8]) -> Option<(Manifest, Hash)> {
        let (record, _) = Record::split(bytes).ok()??;
        let history = self.state.history()?;
        let manifest = Manifest::verify(record.body, history.current()).ok()?;
        let mine = manifest.sealer == self.state.signing().public().id()
            && manifest.scope.camera == stream.camera
            && manifest.rendition == stream.rendition;
        let hash = record.chain_after(&Hash::ZERO)?;
        mine.then_some((manifest, hash))
    }

    /// Ends the cameras that are not kept.
    fn retire(&mut self, keep: impl Fn(CameraId) -> bool, at: Arrival) {
        let gone: Vec<CameraId> = self
            .cameras
            .keys()
            .copied()
            .filter(|camera| !keep(*camera))
            .collect();
        for id in gone {
            let Some(camera) = self.cameras.remove(&id) else {
                continue;
            };
            let Some(link) = self.link.as_mut().filter(|_| self.told) else {
                continue;
            };
            let Some(history) = self.state.history() else {
                continue;
            };
            let turn = Turn {
                at,
                dialer: &mut self.dialer,
                registry: self.media.registry(),
                scratch: &mut self.scratch,
                random: 0,
            };
            let mut random = fill;
            let mut context = Context {
                signing: self.state.signing(),
                roster: history.current(),
                random: &mut random,
                now: at.utc,
            };
            camera.finish(&turn, &mut context, link);
        }
    }

    fn note_positions(&mut self, now: Monotonic) {
        if now < self.positions_due {
            return;
        }
        self.positions_due = now + POSITIONS_EVERY;
        self.tell_losses();
        for (stream, position) in self.cameras.values().flat_map(Camera::positions) {
            if self.written.get(&stream) == Some(&position) {
                continue;
            }
            match self.state.note_position(stream, position) {
                Ok(()) => {
                    self.written.insert(stream, position);
                }
                Err(error) => tracing::warn!(%error, "a position can't be written down"),
            }
        }
    }

    /// Tells the gateway how many packets did not arrive, when there are more.
    fn tell_losses(&mut self) {
        let lost = self
            .cameras
            .values_mut()
            .map(Camera::take_lost_packets)
            .sum();
        if lost > 0
            && let Some(link) = &mut self.link
        {
            link.send(&FromIngest::LostPackets { count: lost });
        }
    }

    fn begin_test(&mut self, camera: CameraId, source: SourceSettings, now: Monotonic) {
        if self.tests.len() >= MAX_PROBES {
            let outcome = Err(probe::busy());
            if let Some(link) = &mut self.link {
                link.send(&FromIngest::Probed { camera, outcome });
            }
            return;
        }
        self.next_token += 1;
        let feed = Feed::new(camera, Token(self.next_token), source);
        let probe = Probe::default();
        self.tests.insert(
            camera,
            Test {
                feed,
                probe,
                began: now,
                first_picture: None,
                failed: None,
            },
        );
    }

    fn with_tests(&mut self, at: Arrival, mut act: impl FnMut(&mut Test, &mut Turn<'_>)) {
        let mut turn = Turn {
            at,
            dialer: &mut self.dialer,
            registry: self.media.registry(),
            scratch: &mut self.scratch,
            random: random_u32(),
        };
        for test in self.tests.values_mut() {
            act(test, &mut turn);
        }
    }

    fn turn_tests(&mut self, at: Arrival, ready: &BTreeMap<Token, bool>) {
        let mut failed = BTreeMap::new();
        let mut turn = Turn {
            at,
            dialer: &mut self.dialer,
            registry: self.media.registry(),
            scratch: &mut self.scratch,
            random: random_u32(),
        };
        for (id, test) in &mut self.tests {
            if let Some(problem) = test.turn(&mut turn, ready) {
                failed.insert(*id, problem);
            }
        }
        let done = |id: &CameraId, test: &Test| {
            if let Some(problem) = failed.get(id) {
                return Some(Err(problem.clone()));
            }
            let over = at.now.since(test.began) >= PROBE_TIMEOUT;
            let complete = test
                .first_picture
                .is_some_and(|first| test.probe.is_complete(first, at.now));
            (over || complete).then(|| test.outcome())
        };
        let finished: Vec<_> = self
            .tests
            .iter()
            .filter_map(|(id, test)| Some((*id, done(id, test)?)))
            .collect();
        for (camera, outcome) in finished {
            if let Some(test) = self.tests.remove(&camera) {
                test.feed.close(at.now);
            }
            if let Some(link) = &mut self.link {
                link.send(&FromIngest::Probed { camera, outcome });
            }
        }
    }

    /// The end of the process: everything is closed, signed and handed over.
    fn finish(mut self) -> Result<()> {
        let at = arrival();
        self.retire(|_| false, at);
        let deadline = at.now + Duration::from_secs(2);
        let mut events = Events::with_capacity(16);
        while let Some(link) = &mut self.link {
            if link.flush().is_err() || !link.has_output() || SystemClock.monotonic() > deadline {
                break;
            }
            self.control
                .poll(&mut events, Some(Duration::from_millis(5)))?;
        }
        Ok(())
    }
}

impl Test {
    fn turn(
        &mut self,
        turn: &mut Turn<'_>,
        ready: &BTreeMap<Token, bool>,
    ) -> Option<CameraProblem> {
        let readable = ready.get(&self.feed.token()).copied();
        let (probe, first) = (&mut self.probe, &mut self.first_picture);
        let (failed, now) = (&mut self.failed, turn.at.now);
        self.feed.turn(turn, readable, &mut |event| {
            take(event, probe, first, now, failed);
        });
        self.failed.take()
    }

    fn dialed(&mut self, id: u64, dialed: Dialed, turn: &mut Turn<'_>) -> Option<Dialed> {
        let (probe, first, now) = (&mut self.probe, &mut self.first_picture, turn.at.now);
        let failed = &mut self.failed;
        self.feed.dialed(id, dialed, turn, &mut |event| {
            take(event, probe, first, now, failed);
        })
    }

    fn outcome(&self) -> Result<ProbeReport, CameraProblem> {
        let first = self.first_picture.map(|first| first.since(self.began));
        probe::report(&self.probe, first)
    }
}

fn take(
    event: FeedEvent,
    probe: &mut Probe,
    first: &mut Option<Monotonic>,
    now: Monotonic,
    failed: &mut Option<CameraProblem>,
) {
    match event {
        FeedEvent::Began => {}
        FeedEvent::Session(event) => {
            if matches!(&event, bartizan_media::rtsp::Event::Unit(unit) if unit.key) {
                first.get_or_insert(now);
            }
            probe.watch(&event);
        }
        FeedEvent::Failed(problem) => *failed = Some(problem),
    }
}

/// Whether the last that this sealer signed of a stream is that a member switched it off.
fn is_switched_off(manifest: &Manifest, own: Option<Position>, tail: Option<Tail>) -> bool {
    let paused = manifest.gaps.last();
    let is_last = own.is_none_or(|own| own.counter <= manifest.counter.saturating_add(1));
    // A segment that runs began after that gap was signed.
    let is_closed = tail.is_none_or(|tail| tail.closed);
    paused.is_some_and(|gap| gap.reason == GapReason::Paused) && is_last && is_closed
}

/// How far the recorder has a stream's last segment.
const fn end_of(tail: Tail) -> SegmentEnd {
    SegmentEnd {
        number: tail.number,
        frames: tail.frames,
        chain: tail.chain,
    }
}

/// Whether the event says no more than that the gateway's socket takes bytes again.
fn is_only_room(event: &mio::event::Event) -> bool {
    let read = event.is_readable() || event.is_read_closed() || event.is_error();
    event.token() == LINK && event.is_writable() && !read
}

fn arrival() -> Arrival {
    Arrival {
        now: SystemClock.monotonic(),
        utc: SystemClock.utc(),
    }
}

fn offset(at: Arrival) -> u64 {
    let monotonic = u64::try_from(at.now.since_start().as_millis()).unwrap_or(0);
    at.utc.0.wrapping_sub(monotonic)
}

fn fill(bytes: &mut [u8]) {
    // Sealing without randomness would be sealing without secrecy: the process ends instead.
    random::fill(bytes).expect("the kernel gives randomness");
}

fn random_u32() -> u32 {
    random::bytes().map_or(0, u32::from_be_bytes)
}
