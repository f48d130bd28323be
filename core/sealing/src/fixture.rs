//! A small household for the tests of this crate.

use bartizan_domain::{
    CameraId, DeviceId, EpochId, Fingerprint, Hash, MemberId, Secret, SiteId, UtcMillis,
};
use bartizan_identity::roster::Genesis;
use bartizan_identity::{Operation, ReaderKey, Roster, SigningKey, Statement, Suite};

use crate::segment::Scope;

pub(crate) const OWNER_SEED: u8 = 1;
pub(crate) const RECOVERY_SEED: u8 = 2;
pub(crate) const SEALER_SEED: u8 = 4;
pub(crate) const START: UtcMillis = UtcMillis(1_000_000);

pub(crate) struct Household {
    pub(crate) scope: Scope,
    pub(crate) roster: Roster,
    pub(crate) statements: Vec<Statement>,
}

pub(crate) fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&Secret::new([seed; 32]))
}

/// The owner reads with X-Wing, the recovery key with X25519, so that both suites are met.
pub(crate) fn reader(seed: u8) -> ReaderKey {
    let suite = if seed == OWNER_SEED {
        Suite::XWing
    } else {
        Suite::X25519
    };
    ReaderKey::from_seed(suite, Secret::new([seed; 32]))
}

pub(crate) fn household() -> Household {
    let scope = Scope {
        site: SiteId::new([1; 16]),
        camera: CameraId::new([2; 16]),
        epoch: EpochId::new([3; 16]),
    };
    let genesis = Genesis {
        owner: MemberId::new([2; 16]),
        identity: key(OWNER_SEED).public(),
        reader: reader(OWNER_SEED).public().clone(),
        device: (DeviceId::new([1; 16]), Fingerprint::new([1; 32])),
        recovery_identity: key(RECOVERY_SEED).public(),
        recovery_reader: reader(RECOVERY_SEED).public().clone(),
        gateway: key(3).public(),
        sealer: key(SEALER_SEED).public(),
    };
    let owner = key(OWNER_SEED);
    let genesis = Operation::Genesis(Box::new(genesis));
    let first = Statement::sign(&owner, scope.site, (0, Hash::ZERO), START, genesis);
    let mut roster = Roster::begin(&first).unwrap();
    let sealer = key(SEALER_SEED).public().id();
    let add = Operation::AddCamera {
        camera: scope.camera,
        sealer,
    };
    let second = Statement::sign(&owner, scope.site, roster.next(), START, add);
    roster.apply(&second).unwrap();
    Household {
        scope,
        roster,
        statements: vec![first, second],
    }
}
