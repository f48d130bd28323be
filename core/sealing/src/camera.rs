//! The sealer of one camera: its epoch, shared by main and sub stream, and when that is rolled.
//!
//! An epoch ends after an hour, and at once when the roster changes more than a name or a member's time is over. Its
//! secret lives here and nowhere else; it is never written down.

use std::fmt;

use bartizan_domain::{
    CameraId, EpochId, GapReason, Hash, Millis, Rendition, Secret, StreamId, UtcMillis,
};
use bartizan_identity::{Roster, SigningKey};

use crate::envelope::{self, EnvelopeError, EpochStart};
use crate::manifest::Gap;
use crate::segment::{EpochSecret, Frame, Scope, SealError};
use crate::stream::{Keys, Position, Resume, StreamSealer};

/// Longest epoch.
pub const EPOCH: Millis = 60 * 60 * 1_000;

/// Cameras that started together end their epochs spread over this time, earlier than [`EPOCH`].
const EPOCH_SPREAD: Millis = 5 * 60 * 1_000;

/// Where sealed bytes go, in order.
pub trait Sink {
    /// The buffer to which the next records of `stream` are appended.
    fn records(&mut self, stream: StreamId) -> &mut Vec<u8>;

    /// An epoch's envelope record. It must be durable before any later record of the camera.
    fn envelope(&mut self, camera: CameraId, epoch: EpochId, record: Vec<u8>);
}

/// What is the same for all cameras of a sealer at one moment.
pub struct Context<'a> {
    /// The sealer's identity.
    pub signing: &'a SigningKey,
    /// The roster that this sealer verified itself.
    pub roster: &'a Roster,
    /// Fills a slice with fresh random bytes.
    pub random: &'a mut dyn FnMut(&mut [u8]),
    /// Wall-clock time.
    pub now: UtcMillis,
}

impl fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Context({:?})", self.now)
    }
}

struct Epoch {
    secret: EpochSecret,
    envelope: Hash,
    /// Of the roster that it was wrapped under.
    rights: Hash,
    ends: UtcMillis,
    expiry: Option<UtcMillis>,
}

/// Seals one camera.
pub struct CameraSealer {
    camera: CameraId,
    epoch: Option<Epoch>,
    streams: Vec<(Rendition, StreamSealer)>,
}

impl fmt::Debug for CameraSealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CameraSealer({})", self.camera)
    }
}

impl CameraSealer {
    /// A camera without streams yet.
    pub const fn new(camera: CameraId) -> Self {
        Self {
            camera,
            epoch: None,
            streams: Vec::new(),
        }
    }

    /// Adds a stream, or starts it anew after its recorder came back.
    pub fn resume(
        &mut self,
        rendition: Rendition,
        resume: &Resume,
        reason: GapReason,
        now: UtcMillis,
    ) {
        self.streams.retain(|(other, _)| *other != rendition);
        let stream = StreamId {
            camera: self.camera,
            rendition,
        };
        self.streams
            .push((rendition, StreamSealer::resume(stream, resume, reason, now)));
    }

    /// Whether `rendition` has been added.
    pub fn has(&self, rendition: Rendition) -> bool {
        self.streams.iter().any(|(other, _)| *other == rendition)
    }

    /// Where `rendition` stands.
    pub fn position(&self, rendition: Rendition) -> Option<Position> {
        self.stream(rendition).map(StreamSealer::position)
    }

    fn stream(&self, rendition: Rendition) -> Option<&StreamSealer> {
        self.streams
            .iter()
            .find(|(other, _)| *other == rendition)
            .map(|(_, stream)| stream)
    }

    fn stream_mut(&mut self, rendition: Rendition) -> Option<&mut StreamSealer> {
        self.streams
            .iter_mut()
            .find(|(other, _)| *other == rendition)
            .map(|(_, stream)| stream)
    }

    /// Begins the first epoch, or rolls it when it is time.
    ///
    /// # Errors
    /// The roster does not let this sealer seal this camera; nothing is sealed then.
    pub fn keep_epoch(
        &mut self,
        context: &mut Context<'_>,
        sink: &mut impl Sink,
    ) -> Result<(), EnvelopeError> {
        let now = context.now;
        let good = self.epoch.as_ref().is_some_and(|epoch| {
            epoch.rights == context.roster.rights()
                && now < epoch.ends
                && epoch.expiry.is_none_or(|expiry| now < expiry)
        });
        if good {
            Ok(())
        } else {
            self.roll(context, sink)
        }
    }

    fn roll(
        &mut self,
        context: &mut Context<'_>,
        sink: &mut impl Sink,
    ) -> Result<(), EnvelopeError> {
        self.each(context, sink, |stream, keys, now, out| {
            stream.end_epoch(keys, true, now, out);
        });
        // From here on nothing can be sealed under the old secret, whatever becomes of the new one.
        self.epoch = None;
        let (now, roster) = (context.now, context.roster);
        let scope = Scope {
            site: roster.site(),
            camera: self.camera,
            epoch: epoch_id(now, context.random),
        };
        let mut secret = [0; 32];
        (context.random)(&mut secret);
        let secret = EpochSecret::new(scope, Secret::new(secret));
        let last = |rendition| {
            self.position(rendition)
                .map_or(Hash::ZERO, |position| position.manifest)
        };
        let previous = [last(Rendition::Main), last(Rendition::Sub)];
        let mut record = Vec::new();
        let start = EpochStart {
            scope,
            start: now,
            previous,
        };
        let envelope = envelope::seal(context.signing, roster, &start, &secret, &mut record)?;
        sink.envelope(self.camera, scope.epoch, record);
        let spread = u64::from(self.camera.as_bytes()[0]) * EPOCH_SPREAD / 256;
        self.epoch = Some(Epoch {
            secret,
            envelope,
            rights: roster.rights(),
            ends: now.saturating_add(EPOCH - spread),
            expiry: roster.next_expiry(self.camera, now),
        });
        Ok(())
    }

    fn each(
        &mut self,
        context: &mut Context<'_>,
        sink: &mut impl Sink,
        mut act: impl FnMut(&mut StreamSealer, &mut Keys<'_>, UtcMillis, &mut Vec<u8>),
    ) {
        let renditions: Vec<_> = self
            .streams
            .iter()
            .map(|(rendition, _)| *rendition)
            .collect();
        for rendition in renditions {
            self.with(rendition, context, sink, &mut act);
        }
    }

    fn with<R>(
        &mut self,
        rendition: Rendition,
        context: &mut Context<'_>,
        sink: &mut impl Sink,
        act: impl FnOnce(&mut StreamSealer, &mut Keys<'_>, UtcMillis, &mut Vec<u8>) -> R,
    ) -> Option<R> {
        let camera = self.camera;
        let epoch = self.epoch.as_ref()?;
        let (_, stream) = self
            .streams
            .iter_mut()
            .find(|(other, _)| *other == rendition)?;
        let mut keys = Keys {
            signing: context.signing,
            epoch: &epoch.secret,
            envelope: epoch.envelope,
            random: context.random,
        };
        let out = sink.records(StreamId { camera, rendition });
        Some(act(stream, &mut keys, context.now, out))
    }

    /// As [`StreamSealer::begin_session`].
    pub fn begin_session(&mut self, rendition: Rendition, session: u32) {
        if let Some(stream) = self.stream_mut(rendition) {
            stream.begin_session(session);
        }
    }

    /// As [`StreamSealer::configure`].
    pub fn configure(
        &mut self,
        rendition: Rendition,
        track: bartizan_domain::Track,
        config: Vec<u8>,
    ) {
        if let Some(stream) = self.stream_mut(rendition) {
            stream.configure(track, config);
        }
    }

    /// As [`StreamSealer::seal`]. Without an epoch nothing is sealed.
    pub fn seal(
        &mut self,
        rendition: Rendition,
        context: &mut Context<'_>,
        frame: &Frame<'_>,
        sink: &mut impl Sink,
    ) -> Result<(), SealError> {
        let act = |stream: &mut StreamSealer, keys: &mut Keys<'_>, now, out: &mut Vec<u8>| {
            stream.seal(keys, frame, now, out)
        };
        self.with(rendition, context, sink, act).unwrap_or(Ok(()))
    }

    /// As [`StreamSealer::interrupt`].
    pub fn interrupt(
        &mut self,
        rendition: Rendition,
        context: &mut Context<'_>,
        reason: GapReason,
        sink: &mut impl Sink,
    ) {
        self.with(rendition, context, sink, |stream, keys, now, out| {
            stream.interrupt(keys, reason, now, out);
        });
    }

    /// As [`StreamSealer::clock_jumped`], for both streams.
    pub fn clock_jumped(&mut self, context: &mut Context<'_>, sink: &mut impl Sink) {
        self.each(context, sink, StreamSealer::clock_jumped);
    }

    /// As [`StreamSealer::lost`].
    pub fn lost(
        &mut self,
        rendition: Rendition,
        context: &mut Context<'_>,
        gap: Gap,
        sink: &mut impl Sink,
    ) {
        self.with(rendition, context, sink, |stream, keys, now, out| {
            stream.lost(keys, gap, now, out);
        });
    }

    /// As [`StreamSealer::tick`], for both streams.
    pub fn tick(&mut self, context: &mut Context<'_>, sink: &mut impl Sink) {
        self.each(context, sink, StreamSealer::tick);
    }

    /// As [`StreamSealer::finish`], for both streams.
    pub fn finish(&mut self, context: &mut Context<'_>, sink: &mut impl Sink) {
        self.each(context, sink, StreamSealer::finish);
    }

    /// A member switched one stream off: its last segment is closed, that is signed, and the stream is forgotten. Gives
    /// where it ended, for the caller to write down; `None` when it has not been added.
    pub fn remove(
        &mut self,
        rendition: Rendition,
        context: &mut Context<'_>,
        sink: &mut impl Sink,
    ) -> Option<Position> {
        self.with(rendition, context, sink, |stream, keys, now, out| {
            stream.interrupt(keys, GapReason::Paused, now, out);
            stream.finish(keys, now, out);
        });
        let position = self.position(rendition);
        self.streams.retain(|(other, _)| *other != rendition);
        position
    }
}

/// Six bytes of start time, so that ids sort by time, and ten random ones.
fn epoch_id(now: UtcMillis, random: &mut dyn FnMut(&mut [u8])) -> EpochId {
    let mut id = [0; EpochId::LEN];
    random(&mut id);
    let time = now.0.to_be_bytes();
    id.iter_mut()
        .zip(time.iter().skip(2))
        .for_each(|(to, from)| *to = *from);
    EpochId::new(id)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use bartizan_domain::text::Name;
    use bartizan_domain::{MemberId, Track};
    use bartizan_identity::{Operation, Role, Statement};

    use super::*;
    use crate::Envelope;
    use crate::fixture::{Household, OWNER_SEED, SEALER_SEED, START, household, key, reader};
    use crate::record::{Kind, Record};
    use crate::segment::SegmentHeader;

    #[derive(Default)]
    struct Collected {
        records: BTreeMap<StreamId, Vec<u8>>,
        envelopes: Vec<(EpochId, Vec<u8>)>,
    }

    impl Sink for Collected {
        fn records(&mut self, stream: StreamId) -> &mut Vec<u8> {
            self.records.entry(stream).or_default()
        }

        fn envelope(&mut self, _: CameraId, epoch: EpochId, record: Vec<u8>) {
            self.envelopes.push((epoch, record));
        }
    }

    impl Collected {
        fn epochs_of_segments(&self) -> Vec<EpochId> {
            let mut epochs = Vec::new();
            for bytes in self.records.values() {
                let mut rest = bytes.as_slice();
                while let Some((record, tail)) = Record::split(rest).unwrap() {
                    if record.header.kind == Kind::SegmentHeader {
                        epochs.push(SegmentHeader::decode(record.body).unwrap().scope.epoch);
                    }
                    rest = tail;
                }
            }
            epochs
        }
    }

    /// Runs `act` with a context at `now`.
    fn at<R>(home: &Household, now: UtcMillis, act: impl FnOnce(&mut Context<'_>) -> R) -> R {
        let mut state = now.0;
        let mut random = |bytes: &mut [u8]| {
            for byte in bytes {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                *byte = state.to_be_bytes()[0];
            }
        };
        let signing = key(SEALER_SEED);
        let roster = &home.roster;
        act(&mut Context {
            signing: &signing,
            roster,
            random: &mut random,
            now,
        })
    }

    fn picture(now: UtcMillis, key: bool) -> Frame<'static> {
        let track = Track::Video;
        Frame {
            track,
            key,
            captured: now,
            pts: 0,
            decode_offset: 0,
            config: None,
            data: b"au",
        }
    }

    fn camera(home: &Household) -> CameraSealer {
        let mut camera = CameraSealer::new(home.scope.camera);
        for rendition in Rendition::ALL {
            camera.resume(rendition, &Resume::FRESH, GapReason::Restart, START);
            camera.begin_session(rendition, 1);
            camera.configure(rendition, Track::Video, b"avc".to_vec());
        }
        camera
    }

    fn shoot(home: &Household, camera: &mut CameraSealer, sink: &mut Collected, now: UtcMillis) {
        at(home, now, |context| {
            camera.keep_epoch(context, sink).unwrap();
            for rendition in Rendition::ALL {
                camera
                    .seal(rendition, context, &picture(now, true), sink)
                    .unwrap();
            }
        });
    }

    #[test]
    fn both_streams_share_an_epoch_that_lasts_less_than_an_hour() {
        let (home, mut sink) = (household(), Collected::default());
        let mut camera = camera(&home);
        for minute in 0..=60 {
            shoot(
                &home,
                &mut camera,
                &mut sink,
                START.saturating_add(minute * 60_000),
            );
        }
        assert_eq!(sink.envelopes.len(), 2);
        let used = sink.epochs_of_segments();
        assert!(
            used.iter()
                .all(|epoch| sink.envelopes.iter().any(|(id, _)| id == epoch))
        );
        assert!(
            sink.envelopes[0].0 < sink.envelopes[1].0,
            "ids sort by time"
        );
    }

    #[test]
    fn p3_a_roster_change_rolls_the_epoch_before_the_next_frame() {
        let (mut home, mut sink) = (household(), Collected::default());
        let mut camera = camera(&home);
        let member = MemberId::new([9; 16]);
        let identity = key(9).public();
        let join = Operation::AddMember {
            member,
            role: Role::Member,
            identity,
            expires: None,
            cameras: Vec::new(),
        };
        let own = Operation::AddReaderKey {
            member,
            key: reader(9).public().clone(),
        };
        for (author, operation) in [(OWNER_SEED, join), (9, own)] {
            let site = home.scope.site;
            let next = home.roster.next();
            let statement = Statement::sign(&key(author), site, next, START, operation);
            home.roster.apply(&statement).unwrap();
        }
        shoot(&home, &mut camera, &mut sink, START);
        let site = home.scope.site;
        let leave = Operation::RemoveMember { member };
        let leave = Statement::sign(&key(OWNER_SEED), site, home.roster.next(), START, leave);
        home.roster.apply(&leave).unwrap();
        shoot(&home, &mut camera, &mut sink, START.saturating_add(40));
        let opens = |index: usize| {
            let (record, _) = Record::split(&sink.envelopes[index].1).unwrap().unwrap();
            let envelope = Envelope::decode(record.body).unwrap();
            envelope
                .wraps
                .iter()
                .any(|wrap| wrap.key == reader(9).public().id())
        };
        assert_eq!((opens(0), opens(1)), (true, false));
        let last = sink.epochs_of_segments().into_iter().max();
        assert_eq!(last, Some(sink.envelopes[1].0));
    }

    #[test]
    fn a_new_name_rolls_no_epoch() {
        let (mut home, mut sink) = (household(), Collected::default());
        let mut camera = camera(&home);
        shoot(&home, &mut camera, &mut sink, START);
        let (site, next) = (home.scope.site, home.roster.next());
        let (member, _) = home.roster.members().next().unwrap();
        let name = Name::parse("Ada").unwrap();
        let rename = Operation::RenameMember { member, name };
        let rename = Statement::sign(&key(OWNER_SEED), site, next, START, rename);
        home.roster.apply(&rename).unwrap();
        shoot(&home, &mut camera, &mut sink, START.saturating_add(40));
        assert_eq!(sink.envelopes.len(), 1);
    }

    #[test]
    fn a_camera_that_the_roster_does_not_give_to_this_sealer_is_not_sealed() {
        let (home, mut sink) = (household(), Collected::default());
        let mut stranger = CameraSealer::new(CameraId::new([66; 16]));
        stranger.resume(Rendition::Main, &Resume::FRESH, GapReason::Restart, START);
        at(&home, START, |context| {
            let refused = stranger.keep_epoch(context, &mut sink);
            assert_eq!(refused, Err(EnvelopeError::NotTheSealer));
            let frame = picture(START, true);
            stranger
                .seal(Rendition::Main, context, &frame, &mut sink)
                .unwrap();
        });
        assert!(sink.records.values().all(Vec::is_empty) && sink.envelopes.is_empty());
    }
}
