//! Every rule of the roster, each with the statement that breaks it.

use bartizan_domain::{CameraId, DeviceId, Fingerprint, Hash, MemberId, Secret, SiteId, UtcMillis};

use super::*;
use crate::{ReaderKey, ReaderPublic, SigningKey, Suite};

mod names;

const SITE: SiteId = SiteId::new([1; 16]);
const OWNER: MemberId = MemberId::new([2; 16]);
const CAMERA: CameraId = CameraId::new([3; 16]);
const NOW: UtcMillis = UtcMillis(1_000_000);

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&Secret::new([seed; 32]))
}

fn reader(seed: u8) -> ReaderPublic {
    ReaderKey::from_seed(Suite::X25519, Secret::new([seed; 32]))
        .public()
        .clone()
}

fn genesis() -> Statement {
    let genesis = Genesis {
        owner: OWNER,
        identity: key(1).public(),
        reader: reader(1),
        device: (DeviceId::new([1; 16]), Fingerprint::new([1; 32])),
        recovery_identity: key(2).public(),
        recovery_reader: reader(2),
        gateway: key(3).public(),
        sealer: key(4).public(),
    };
    Statement::sign(
        &key(1),
        SITE,
        (0, Hash::ZERO),
        NOW,
        Operation::Genesis(Box::new(genesis)),
    )
}

fn roster() -> Roster {
    Roster::begin(&genesis()).unwrap()
}

fn by(author: &SigningKey, roster: &Roster, operation: Operation) -> Statement {
    Statement::sign(author, SITE, roster.next(), NOW, operation)
}

fn join(member: u8, role: Role) -> Operation {
    Operation::AddMember {
        member: MemberId::new([member; 16]),
        role,
        identity: key(member).public(),
        expires: None,
        cameras: if role == Role::Viewer {
            vec![CAMERA]
        } else {
            Vec::new()
        },
    }
}

#[test]
fn statements_round_trip() {
    let mut operations = vec![genesis().operation];
    operations.extend([join(9, Role::Viewer), join(9, Role::Admin)]);
    operations.push(Operation::RemoveMember { member: OWNER });
    operations.push(Operation::AddReaderKey {
        member: OWNER,
        key: reader(5),
    });
    operations.push(Operation::RetireReaderKey {
        key: reader(5).id(),
    });
    operations.push(Operation::RemoveDevice {
        device: DeviceId::new([4; 16]),
    });
    operations.push(Operation::AddCamera {
        camera: CAMERA,
        sealer: key(4).public().id(),
    });
    operations.push(Operation::RemoveCamera { camera: CAMERA });
    operations.push(Operation::AddSealer {
        key: key(7).public(),
    });
    let identity = key(8).public();
    operations.push(Operation::ReplaceRecovery {
        identity,
        reader: reader(8),
    });
    for operation in operations {
        let statement = by(&key(1), &roster(), operation);
        assert_eq!(Statement::decode(statement.as_bytes()), Ok(statement));
    }
}

#[test]
fn every_changed_byte_is_refused() {
    let bytes = genesis().as_bytes().to_vec();
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        let accepted = Statement::decode(&changed).is_ok_and(|s| Roster::begin(&s).is_ok());
        assert!(!accepted, "byte {at}");
    }
}

#[test]
fn g_10_a_stranger_adds_nobody() {
    let mut roster = roster();
    let statement = by(&key(66), &roster, join(66, Role::Member));
    assert_eq!(roster.apply(&statement), Err(RosterError::UnknownAuthor));
    assert_eq!(roster.len(), 1);
}

#[test]
fn a_replayed_or_forked_statement_is_refused() {
    let mut roster = roster();
    let first = by(&key(1), &roster, join(9, Role::Member));
    let fork = by(&key(1), &roster, join(10, Role::Member));
    roster.apply(&first).unwrap();
    let expected = 2;
    assert_eq!(roster.apply(&first), Err(RosterError::NotNext { expected }));
    assert_eq!(roster.apply(&fork), Err(RosterError::NotNext { expected }));
}

#[test]
fn admins_reach_neither_owners_nor_recovery() {
    let mut roster = roster();
    roster
        .apply(&by(&key(1), &roster, join(9, Role::Admin)))
        .unwrap();
    let identity = key(8).public();
    for operation in [
        join(10, Role::Owner),
        join(10, Role::Admin),
        Operation::RemoveMember { member: OWNER },
        Operation::RemoveDevice {
            device: DeviceId::new([1; 16]),
        },
        Operation::AddReaderKey {
            member: OWNER,
            key: reader(66),
        },
        Operation::ReplaceRecovery {
            identity,
            reader: reader(8),
        },
        Operation::SetRole {
            member: MemberId::new([9; 16]),
            role: Role::Owner,
            expires: None,
            cameras: Vec::new(),
        },
    ] {
        let statement = by(&key(9), &roster, operation);
        assert_eq!(roster.apply(&statement), Err(RosterError::NotAllowed));
    }
    roster
        .apply(&by(&key(9), &roster, join(11, Role::Viewer)))
        .unwrap();
}

#[test]
fn the_last_owner_stays() {
    let mut roster = roster();
    let leave = Operation::RemoveMember { member: OWNER };
    let statement = by(&key(1), &roster, leave.clone());
    assert_eq!(roster.apply(&statement), Err(RosterError::LastOwner));
    roster
        .apply(&by(&key(1), &roster, join(9, Role::Owner)))
        .unwrap();
    roster.apply(&by(&key(9), &roster, leave)).unwrap();
    let gone = by(&key(1), &roster, join(10, Role::Member));
    assert_eq!(roster.apply(&gone), Err(RosterError::UnknownAuthor));
}

#[test]
fn recipients_are_those_who_may_watch() {
    let mut roster = roster();
    roster
        .apply(&by(&key(1), &roster, join(9, Role::Viewer)))
        .unwrap();
    roster
        .apply(&by(&key(1), &roster, join(10, Role::Auditor)))
        .unwrap();
    for member in [9, 10] {
        let id = MemberId::new([member; 16]);
        let own = Operation::AddReaderKey {
            member: id,
            key: reader(member),
        };
        roster.apply(&by(&key(member), &roster, own)).unwrap();
    }
    let keys = |camera| {
        let mut keys: Vec<_> = roster
            .recipients(camera, NOW)
            .iter()
            .map(|r| r.member.map(|m| m.as_bytes()[0]))
            .collect();
        keys.sort_unstable();
        keys
    };
    assert_eq!(keys(CAMERA), [None, Some(2), Some(9)]);
    assert_eq!(keys(CameraId::new([99; 16])), [None, Some(2)]);
}

#[test]
fn an_expired_viewer_gets_nothing_and_says_nothing() {
    let mut roster = roster();
    let expires = Some(UtcMillis(NOW.0 + 10));
    let cameras = vec![CAMERA];
    let (member, identity) = (MemberId::new([9; 16]), key(9).public());
    let add = Operation::AddMember {
        member,
        role: Role::Viewer,
        identity,
        expires,
        cameras,
    };
    roster.apply(&by(&key(1), &roster, add)).unwrap();
    roster
        .apply(&by(
            &key(9),
            &roster,
            Operation::AddReaderKey {
                member,
                key: reader(9),
            },
        ))
        .unwrap();
    assert_eq!(roster.recipients(CAMERA, NOW).len(), 3);
    assert_eq!(roster.next_expiry(CAMERA, NOW), expires);
    assert_eq!(roster.recipients(CAMERA, UtcMillis(NOW.0 + 10)).len(), 2);
    let late = Operation::AddReaderKey {
        member,
        key: reader(10),
    };
    let late = Statement::sign(&key(9), SITE, roster.next(), UtcMillis(NOW.0 + 11), late);
    assert_eq!(roster.apply(&late), Err(RosterError::UnknownAuthor));
}

#[test]
fn recovery_words_add_a_device_for_an_owner_only() {
    let mut roster = roster();
    roster
        .apply(&by(&key(1), &roster, join(9, Role::Member)))
        .unwrap();
    let thumbprint = Fingerprint::new([7; 32]);
    let device = DeviceId::new([7; 16]);
    let for_member = Operation::AddDevice {
        member: MemberId::new([9; 16]),
        device,
        thumbprint,
    };
    let statement = by(&key(2), &roster, for_member);
    assert_eq!(roster.apply(&statement), Err(RosterError::NotAllowed));
    let for_owner = Operation::AddDevice {
        member: OWNER,
        device,
        thumbprint,
    };
    roster.apply(&by(&key(2), &roster, for_owner)).unwrap();
}

#[test]
fn cameras_need_a_known_sealer() {
    let mut roster = roster();
    let stranger = Operation::AddCamera {
        camera: CAMERA,
        sealer: key(66).public().id(),
    };
    let statement = by(&key(1), &roster, stranger);
    assert_eq!(roster.apply(&statement), Err(RosterError::NotFound));
    let known = Operation::AddCamera {
        camera: CAMERA,
        sealer: key(4).public().id(),
    };
    roster.apply(&by(&key(1), &roster, known.clone())).unwrap();
    let again = by(&key(1), &roster, known);
    assert_eq!(roster.apply(&again), Err(RosterError::Exists));
}

#[test]
fn a_statement_older_than_the_last_is_refused() {
    let mut roster = roster();
    let early = UtcMillis(NOW.0 - 1);
    let back = Statement::sign(&key(1), SITE, roster.next(), early, join(9, Role::Member));
    assert_eq!(roster.apply(&back), Err(RosterError::Backdated));
}

#[test]
fn one_reader_key_stands_for_one_reader() {
    let mut roster = roster();
    let recovery = Operation::AddReaderKey {
        member: OWNER,
        key: reader(2),
    };
    assert_eq!(
        roster.apply(&by(&key(1), &roster, recovery)),
        Err(RosterError::Exists)
    );
    let identity = key(8).public();
    let owners = Operation::ReplaceRecovery {
        identity,
        reader: reader(1),
    };
    assert_eq!(
        roster.apply(&by(&key(1), &roster, owners)),
        Err(RosterError::Exists)
    );
}

#[test]
fn recipients_fit_an_envelope_whatever_joins() {
    let mut roster = roster();
    let mut seed = 100;
    for member in 3..63 {
        let joined = roster.apply(&by(&key(1), &roster, join(member, Role::Member)));
        joined.unwrap();
        for _ in 0..8 {
            seed += 1;
            let secret = Secret::new([u8::try_from(seed % 256).unwrap(); 32]);
            let mut bytes = *secret.expose();
            (bytes[1], bytes[2]) = (u8::try_from(seed / 256).unwrap(), 0xaa);
            let key_of = ReaderKey::from_seed(Suite::X25519, Secret::new(bytes));
            let id = MemberId::new([member; 16]);
            let own = Operation::AddReaderKey {
                member: id,
                key: key_of.public().clone(),
            };
            let added = roster.apply(&by(&key(member), &roster, own));
            if roster.recipients(CAMERA, NOW).len() == 256 {
                assert!(
                    added.is_ok()
                        || added
                            == Err(RosterError::Full {
                                what: "reader keys"
                            })
                );
            } else {
                added.unwrap();
            }
        }
    }
    assert_eq!(roster.recipients(CAMERA, NOW).len(), 256);
}

#[test]
fn every_earlier_state_can_be_had() {
    let mut history = History::begin(genesis()).unwrap();
    let mut states = vec![history.current().clone()];
    for number in 0..200 {
        let camera = CameraId::new([number; 16]);
        let sealer = key(4).public().id();
        let add = Operation::AddCamera { camera, sealer };
        let statement = by(&key(1), history.current(), add);
        history.append(statement).unwrap();
        states.push(history.current().clone());
    }
    for (before, state) in states.iter().enumerate() {
        assert_eq!(history.at(before as u64 + 1).as_ref(), Some(state));
    }
    assert_eq!(history.at(0), None);
    assert_eq!(history.at(999), None);
}
