//! The household of the vectors: who joins, leaves and changes keys, statement by statement.

use bartizan_domain::text::Name;
use bartizan_domain::{CameraId, DeviceId, Fingerprint, Hash, MemberId, Secret, SiteId, UtcMillis};
use bartizan_identity::recovery::RecoveryKey;
use bartizan_identity::roster::{Genesis, History, Role};
use bartizan_identity::{Operation, ReaderKey, SigningKey, Statement, Suite};

use crate::format::Entitled;

pub(crate) const T0: UtcMillis = UtcMillis(1_700_000_000_000);
/// When the viewer's time is over.
pub(crate) const EXPIRY: UtcMillis = UtcMillis(1_700_000_010_000);
pub(crate) const SITE: SiteId = SiteId::new([1; 16]);
/// The camera of the recordings, sealed by the gateway's ingest.
pub(crate) const CAMERA: CameraId = CameraId::new([2; 16]);
/// A camera that seals itself.
pub(crate) const OTHER: CameraId = CameraId::new([3; 16]);
pub(crate) const OWNER: MemberId = MemberId::new([2; 16]);
pub(crate) const VIEWER: MemberId = MemberId::new([9; 16]);
pub(crate) const ADMIN: MemberId = MemberId::new([11; 16]);
pub(crate) const AUDITOR: MemberId = MemberId::new([13; 16]);

/// What the owner is called in the end: a byte order mark is a character like others.
pub(crate) const NAMED: &str = "\u{feff}Zoe\u{308}";

// Seeds of signing keys: one byte, 32 times.
pub(crate) const OWNER_KEY: u8 = 1;
pub(crate) const GATEWAY_KEY: u8 = 3;
pub(crate) const SEALER_KEY: u8 = 4;
pub(crate) const OTHER_SEALER_KEY: u8 = 5;
pub(crate) const VIEWER_KEY: u8 = 9;
pub(crate) const ADMIN_KEY: u8 = 11;
pub(crate) const AUDITOR_KEY: u8 = 13;
/// Of the second recovery words.
pub(crate) const RECOVERY_KEY: u8 = 22;
/// On no roster.
pub(crate) const STRANGER_KEY: u8 = 66;

/// Seeds of the readers whose keys the vectors hold: the owner's, X-Wing; the viewer's, X25519.
pub(crate) const READERS: [(Suite, u8); 2] = [(Suite::XWing, 31), (Suite::X25519, 80)];

pub(crate) fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&Secret::new([seed; 32]))
}

/// Odd seeds read with X-Wing, even ones with X25519.
pub(crate) fn reader(seed: u8) -> ReaderKey {
    let suite = if seed % 2 == 1 {
        Suite::XWing
    } else {
        Suite::X25519
    };
    ReaderKey::from_seed(suite, Secret::new([seed; 32]))
}

pub(crate) fn words() -> RecoveryKey {
    RecoveryKey::from_entropy(Secret::new([0x7f; 32]))
}

pub(crate) fn genesis(site: SiteId) -> Statement {
    let genesis = Genesis {
        owner: OWNER,
        identity: key(OWNER_KEY).public(),
        reader: reader(READERS[0].1).public().clone(),
        device: (DeviceId::new([1; 16]), Fingerprint::new([1; 32])),
        recovery_identity: words().identity().public(),
        recovery_reader: words().reader().public().clone(),
        gateway: key(GATEWAY_KEY).public(),
        sealer: key(SEALER_KEY).public(),
    };
    let genesis = Operation::Genesis(Box::new(genesis));
    Statement::sign(&key(OWNER_KEY), site, (0, Hash::ZERO), T0, genesis)
}

/// A member who joins as `role`; viewers until [`EXPIRY`], with the one camera.
pub(crate) fn join(member: MemberId, seed: u8, role: Role) -> Operation {
    let viewer = role == Role::Viewer;
    Operation::AddMember {
        member,
        role,
        identity: key(seed).public(),
        expires: viewer.then_some(EXPIRY),
        cameras: if viewer { vec![CAMERA] } else { Vec::new() },
    }
}

pub(crate) fn own_reader(member: MemberId, seed: u8) -> Operation {
    Operation::AddReaderKey {
        member,
        key: reader(seed).public().clone(),
    }
}

pub(crate) fn own_device(member: MemberId, seed: u8) -> Operation {
    let (device, thumbprint) = (DeviceId::new([seed; 16]), Fingerprint::new([seed; 32]));
    Operation::AddDevice {
        member,
        device,
        thumbprint,
    }
}

pub(crate) fn name(text: &str) -> Name {
    Name::parse(text).expect("a name")
}

pub(crate) fn call(member: MemberId, text: &str) -> Operation {
    let name = name(text);
    Operation::RenameMember { member, name }
}

pub(crate) fn call_device(seed: u8, text: &str) -> Operation {
    let (device, name) = (DeviceId::new([seed; 16]), name(text));
    Operation::RenameDevice { device, name }
}

/// The roster's log under construction.
pub(crate) struct Log {
    pub(crate) history: History,
    pub(crate) authors: Vec<u8>,
    pub(crate) heads: Vec<Hash>,
}

impl Log {
    fn begin() -> Self {
        let history = History::begin(genesis(SITE)).expect("a genesis");
        let heads = vec![history.current().head()];
        Self {
            history,
            authors: vec![OWNER_KEY],
            heads,
        }
    }

    fn add(&mut self, author: u8, operation: Operation) {
        let next = self.history.current().next();
        let statement = Statement::sign(&key(author), SITE, next, T0, operation);
        self.history
            .append(statement)
            .expect("a statement that fits");
        self.authors.push(author);
        self.heads.push(self.history.current().head());
    }
}

/// Everything up to the first epoch.
pub(crate) fn settle() -> Log {
    let mut log = Log::begin();
    let sealer = |seed| key(seed).public().id();
    log.add(
        OWNER_KEY,
        Operation::AddCamera {
            camera: CAMERA,
            sealer: sealer(SEALER_KEY),
        },
    );
    log.add(
        OWNER_KEY,
        Operation::AddSealer {
            key: key(OTHER_SEALER_KEY).public(),
        },
    );
    let other = Operation::AddCamera {
        camera: OTHER,
        sealer: sealer(OTHER_SEALER_KEY),
    };
    log.add(OWNER_KEY, other);
    log.add(OWNER_KEY, join(ADMIN, ADMIN_KEY, Role::Admin));
    log.add(ADMIN_KEY, own_reader(ADMIN, 12));
    log.add(ADMIN_KEY, join(VIEWER, VIEWER_KEY, Role::Viewer));
    log.add(VIEWER_KEY, own_reader(VIEWER, READERS[1].1));
    log.add(VIEWER_KEY, own_device(VIEWER, 9));
    let (identity, recovery) = (key(RECOVERY_KEY).public(), reader(RECOVERY_KEY));
    let reader = recovery.public().clone();
    log.add(OWNER_KEY, Operation::ReplaceRecovery { identity, reader });
    log.add(RECOVERY_KEY, own_device(OWNER, 2));
    log.add(ADMIN_KEY, join(AUDITOR, AUDITOR_KEY, Role::Auditor));
    for seed in (40..56).step_by(2) {
        log.add(AUDITOR_KEY, own_reader(AUDITOR, seed));
    }
    log
}

/// What changes while the camera records: the admin's reader key is replaced, a device is lost.
pub(crate) fn rotate(log: &mut Log) {
    log.add(ADMIN_KEY, own_reader(ADMIN, 14));
    let key = reader(12).public().id();
    log.add(ADMIN_KEY, Operation::RetireReaderKey { key });
    let device = DeviceId::new([9; 16]);
    log.add(ADMIN_KEY, Operation::RemoveDevice { device });
}

/// What changes later: the owner's second reader key, the auditor becomes a member, the viewer leaves, the
/// other camera goes, the owner and their device are called otherwise.
pub(crate) fn change(log: &mut Log) {
    log.add(OWNER_KEY, own_reader(OWNER, 33));
    let (role, expires, cameras) = (Role::Auditor, Some(UtcMillis(T0.0 + 1)), Vec::new());
    let member = AUDITOR;
    log.add(
        OWNER_KEY,
        Operation::SetRole {
            member,
            role,
            expires,
            cameras,
        },
    );
    log.add(OWNER_KEY, Operation::RemoveMember { member: VIEWER });
    log.add(OWNER_KEY, Operation::RemoveCamera { camera: OTHER });
    log.add(OWNER_KEY, call_device(2, "Zoë’s phone 📱"));
    log.add(RECOVERY_KEY, call(OWNER, NAMED));
}

/// Who is entitled after each statement: to both cameras, before and after the viewer's time.
pub(crate) fn entitled(history: &History) -> Vec<Entitled> {
    let mut out = Vec::new();
    for statements in 1..=history.current().len() {
        let roster = history.at(statements).expect("it had this length");
        for (camera, time) in [(CAMERA, T0), (CAMERA, EXPIRY), (OTHER, T0)] {
            let found = roster.recipients(camera, time);
            let keys = found.iter().map(|one| one.key.id().to_string()).collect();
            let (camera, time) = (camera.to_string(), time.0.to_string());
            out.push(Entitled {
                statements,
                camera,
                time,
                keys,
            });
        }
    }
    out
}
