//! A small household and its sealed stream for the tests of this crate.

use std::collections::BTreeMap;
use std::sync::Arc;

use bartizan_domain::{
    CameraId, DeviceId, EpochId, Fingerprint, GapReason, Hash, MemberId, Rendition, Secret, SiteId,
    StreamId, Track, UtcMillis,
};
use bartizan_identity::keystore::Keystore;
use bartizan_identity::recovery::RecoveryKey;
use bartizan_identity::roster::{Genesis, History};
use bartizan_identity::{Operation, ReaderKey, SigningKey, Statement, Suite};
use bartizan_media::TrackConfig;
use bartizan_media::codec::{aac, h264};
use bartizan_sealing::envelope;
use bartizan_sealing::{
    EpochSecret, EpochStart, Frame, Gap, Head, HeadState, Manifest, Scope, SegmentEnd,
    SegmentHeader, SegmentSealer,
};

pub(crate) const START: UtcMillis = UtcMillis(1_790_000_000_000);
pub(crate) const OWNER: MemberId = MemberId::new([2; 16]);
pub(crate) const DEVICE: DeviceId = DeviceId::new([3; 16]);
pub(crate) const SITE: SiteId = SiteId::new([1; 16]);
pub(crate) const STREAM: StreamId = StreamId {
    camera: CameraId::new([4; 16]),
    rendition: Rendition::Main,
};

pub(crate) fn signing_key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&Secret::new([seed; 32]))
}

pub(crate) fn recovery() -> RecoveryKey {
    RecoveryKey::from_entropy(Secret::new([9; 32]))
}

pub(crate) fn keystore() -> Keystore {
    let reader = ReaderKey::from_seed(Suite::X25519, Secret::new([5; 32]));
    Keystore::new(SITE, OWNER, Secret::new([1; 32]), reader)
}

/// The genesis that the owner of [`keystore`] signed.
pub(crate) fn genesis() -> Statement {
    let (keys, recovery) = (keystore(), recovery());
    let genesis = Genesis {
        owner: OWNER,
        identity: keys.identity().public(),
        reader: keys.readers()[0].public().clone(),
        device: (DEVICE, Fingerprint::new([7; 32])),
        recovery_identity: recovery.identity().public(),
        recovery_reader: recovery.reader().public().clone(),
        gateway: signing_key(21).public(),
        sealer: signing_key(22).public(),
    };
    let operation = Operation::Genesis(Box::new(genesis));
    Statement::sign(&keys.identity(), SITE, (0, Hash::ZERO), START, operation)
}

/// Genesis and one camera, sealed by the ingest.
pub(crate) fn history() -> History {
    let mut history = History::begin(genesis()).unwrap();
    let add = Operation::AddCamera {
        camera: STREAM.camera,
        sealer: signing_key(22).public().id(),
    };
    let next = history.current().next();
    let statement = Statement::sign(&keystore().identity(), SITE, next, START, add);
    history.append(statement).unwrap();
    history
}

pub(crate) fn video() -> TrackConfig {
    let sps = [
        0x67, 0x42, 0xc0, 0x28, 0xd9, 0, 0x78, 2, 0x27, 0xe5, 0xc0, 0x44, 0, 0, 3, 0, 4, 0, 0, 3,
        0, 0xc8, 0x3c, 0x60, 0xc9, 0x20,
    ];
    let pps = [0x68, 0xcb, 0x83, 0xcb, 0x20];
    let sets = h264::ParameterSets::parse(&sps, &pps).unwrap();
    sets.track_config()
}

pub(crate) fn sound() -> TrackConfig {
    let config = aac::AudioSpecificConfig::low_complexity(48_000, 1).unwrap();
    config.track_config(48_000)
}

/// Seals a stream record by record.
pub(crate) struct Sealer {
    history: Arc<History>,
    key: SigningKey,
    scope: Scope,
    secret: EpochSecret,
    envelope: Hash,
    pub(crate) envelopes: BTreeMap<EpochId, Vec<u8>>,
    pub(crate) out: Vec<u8>,
    /// Where each segment begins, with its start time, and whether it begins with a keyframe.
    pub(crate) places: Vec<(usize, UtcMillis, bool)>,
    pub(crate) now: UtcMillis,
    next_segment: u64,
    counter: u64,
    previous_manifest: Hash,
    previous_segment: Hash,
    pub(crate) session: u32,
    pub(crate) pts: i64,
    /// Segments go on without a keyframe.
    pub(crate) keyless: bool,
}

/// Frames of one test segment: two seconds at 25 a second.
pub(crate) const FRAMES: u32 = 50;

impl Sealer {
    pub(crate) fn new(history: Arc<History>) -> Self {
        Self::for_camera(history, STREAM.camera)
    }

    pub(crate) fn for_camera(history: Arc<History>, camera: CameraId) -> Self {
        let scope = Scope {
            site: SITE,
            camera,
            epoch: EpochId::new([0; 16]),
        };
        let secret = EpochSecret::new(scope, Secret::new([0; 32]));
        let mut sealer = Self {
            history,
            key: signing_key(22),
            scope,
            secret,
            envelope: Hash::ZERO,
            envelopes: BTreeMap::new(),
            out: Vec::new(),
            places: Vec::new(),
            now: START,
            next_segment: 0,
            counter: 0,
            previous_manifest: Hash::ZERO,
            previous_segment: Hash::ZERO,
            session: 1,
            pts: 0,
            keyless: false,
        };
        sealer.roll(1);
        sealer
    }

    /// Starts epoch `n`.
    pub(crate) fn roll(&mut self, n: u8) {
        self.scope.epoch = EpochId::new([n; 16]);
        self.secret = EpochSecret::new(self.scope, Secret::new([n; 32]));
        let start = EpochStart {
            scope: self.scope,
            start: self.now,
            previous: [self.previous_manifest, Hash::ZERO],
        };
        let mut record = Vec::new();
        let roster = self.history.current();
        self.envelope =
            envelope::seal(&self.key, roster, &start, &self.secret, &mut record).unwrap();
        self.envelopes.insert(self.scope.epoch, record);
    }

    pub(crate) fn epoch(&self) -> EpochId {
        self.scope.epoch
    }

    /// A closed segment of [`FRAMES`] frames of picture with a manifest behind it.
    pub(crate) fn segment(&mut self) {
        let sealer = self.begin();
        let sealer = self.frames(sealer, 0..FRAMES);
        let end = sealer.close(self.now, &mut self.out);
        self.previous_segment = end.chain;
        self.sign(HeadState::Closed, Some(end), Vec::new());
    }

    pub(crate) fn begin(&mut self) -> SegmentSealer {
        let header = SegmentHeader {
            scope: self.scope,
            rendition: STREAM.rendition,
            number: self.next_segment,
            salt: [self.next_segment.to_be_bytes()[7]; 16],
            start: self.now,
            session: self.session,
            previous: self.previous_segment,
            sealer: self.key.public().id(),
        };
        self.next_segment += 1;
        self.places.push((self.out.len(), self.now, !self.keyless));
        SegmentSealer::begin(&self.secret, &header, &mut self.out)
    }

    pub(crate) fn frames(
        &mut self,
        mut sealer: SegmentSealer,
        which: std::ops::Range<u32>,
    ) -> SegmentSealer {
        let (picture, sound) = (video().encode(), sound().encode());
        for index in which {
            let first = index == 0;
            let data = [0, 0, 0, 5, if first { 0x65 } else { 0x41 }, 1, 2, 3];
            let data = [data.as_slice(), &self.pts.to_be_bytes()].concat();
            let frame = Frame {
                track: Track::Video,
                key: first && !self.keyless,
                captured: self.now,
                pts: self.pts,
                decode_offset: 0,
                config: first.then_some(picture.as_slice()),
                data: &data,
            };
            sealer.frame(&frame, &mut self.out).unwrap();
            let frame = Frame {
                track: Track::Audio,
                key: true,
                captured: self.now,
                pts: self.pts * 48 / 90,
                config: first.then_some(sound.as_slice()),
                ..frame
            };
            sealer.frame(&frame, &mut self.out).unwrap();
            self.pts += 3_600;
            self.now = self.now.saturating_add(40);
        }
        sealer
    }

    pub(crate) fn sign(&mut self, state: HeadState, end: Option<SegmentEnd>, gaps: Vec<Gap>) {
        let manifest = Manifest {
            scope: self.scope,
            rendition: STREAM.rendition,
            sealer: self.key.public().id(),
            envelope: self.envelope,
            counter: self.counter,
            time: self.now,
            previous: self.previous_manifest,
            heads: end
                .map(|segment| Head { state, segment })
                .into_iter()
                .collect(),
            gaps,
        };
        self.counter += 1;
        self.previous_manifest = manifest.sign(&self.key, &mut self.out);
    }

    /// Nothing is recorded for `millis`; the camera's clock starts anew.
    pub(crate) fn gap(&mut self, millis: u64) {
        let from = self.now;
        self.now = self.now.saturating_add(millis);
        let gap = Gap {
            reason: GapReason::CameraOffline,
            from,
            to: self.now,
            first_segment: self.next_segment,
            segments: 0,
        };
        self.sign(HeadState::Closed, None, vec![gap]);
        self.session += 1;
        self.pts = 777;
    }
}
