//! The matrix of roles, actions and objects, and the roster that this crate's tests share.

use bartizan_domain::{Fingerprint, Hash, Rendition, Secret, SiteId};
use bartizan_identity::roster::Genesis;
use bartizan_identity::{Operation, ReaderKey, ReaderPublic, SigningKey, Statement, Suite};
use proptest::prelude::*;

use super::*;
use crate::dpop::JtiHash;

const SITE: SiteId = SiteId::new([1; 16]);
const NOW: UtcMillis = UtcMillis(1_000_000);
const EXPIRY: UtcMillis = UtcMillis(2_000_000);

/// Members' first bytes; a device of theirs has the same.
const OWNER: u8 = 1;
const ADMIN: u8 = 10;
const MEMBER: u8 = 11;
const VIEWER: u8 = 12;
const AUDITOR: u8 = 13;
const EVERYONE: [u8; 5] = [OWNER, ADMIN, MEMBER, VIEWER, AUDITOR];

const SHARED: CameraId = CameraId::new([1; 16]);
const OTHER: CameraId = CameraId::new([2; 16]);
const ABSENT: CameraId = CameraId::new([3; 16]);

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&Secret::new([seed; 32]))
}

pub(crate) fn recovery_key() -> SigningKey {
    key(2)
}

pub(crate) fn stranger_key() -> SigningKey {
    key(99)
}

fn reader(seed: u8) -> ReaderPublic {
    ReaderKey::from_seed(Suite::X25519, Secret::new([seed; 32]))
        .public()
        .clone()
}

const fn member(of: u8) -> MemberId {
    MemberId::new([of; 16])
}

const fn device(of: u8) -> DeviceId {
    DeviceId::new([of; 16])
}

const fn thumbprint(of: u8) -> Fingerprint {
    Fingerprint::new([of; 32])
}

/// One member of each role with one device, and two cameras; the viewer sees the first.
pub(crate) fn roster() -> Roster {
    let genesis = Genesis {
        owner: member(OWNER),
        identity: key(OWNER).public(),
        reader: reader(1),
        device: (device(OWNER), thumbprint(OWNER)),
        recovery_identity: recovery_key().public(),
        recovery_reader: reader(2),
        gateway: key(3).public(),
        sealer: key(4).public(),
    };
    let operation = Operation::Genesis(Box::new(genesis));
    let genesis = Statement::sign(&key(OWNER), SITE, (0, Hash::ZERO), NOW, operation);
    let mut roster = Roster::begin(&genesis).unwrap();
    let sealer = key(4).public().id();
    for camera in [SHARED, OTHER] {
        add(&mut roster, OWNER, Operation::AddCamera { camera, sealer });
    }
    for (of, role) in [
        (ADMIN, Role::Admin),
        (MEMBER, Role::Member),
        (VIEWER, Role::Viewer),
        (AUDITOR, Role::Auditor),
    ] {
        let viewer = role == Role::Viewer;
        let joins = Operation::AddMember {
            member: member(of),
            role,
            identity: key(of).public(),
            expires: viewer.then_some(EXPIRY),
            cameras: if viewer { vec![SHARED] } else { Vec::new() },
        };
        add(&mut roster, OWNER, joins);
        let with = Operation::AddDevice {
            member: member(of),
            device: device(of),
            thumbprint: thumbprint(of),
        };
        add(&mut roster, of, with);
    }
    roster
}

fn add(roster: &mut Roster, author: u8, operation: Operation) {
    let statement = Statement::sign(&key(author), SITE, roster.next(), NOW, operation);
    roster.apply(&statement).unwrap();
}

pub(crate) const fn stream() -> StreamId {
    stream_of(SHARED)
}

const fn stream_of(camera: CameraId) -> StreamId {
    StreamId {
        camera,
        rendition: Rendition::Main,
    }
}

/// For tests of what comes after a decision.
pub(crate) const fn authorized(device_of: u8) -> Authorized<ViewLive> {
    Authorized {
        caller: caller(device_of),
        act: ViewLive(stream()),
    }
}

/// For tests of invitations.
pub(crate) const fn inviting(device_of: u8) -> Authorized<Invite> {
    Authorized {
        caller: caller(device_of),
        act: Invite,
    }
}

/// The roster with another device of that member's in the place of the first.
pub(crate) fn without_device(of: u8) -> Roster {
    let mut roster = roster();
    let other = Operation::AddDevice {
        member: member(of),
        device: device(77),
        thumbprint: thumbprint(77),
    };
    add(&mut roster, of, other);
    add(
        &mut roster,
        of,
        Operation::RemoveDevice { device: device(of) },
    );
    roster
}

const fn caller(of: u8) -> Caller {
    Caller {
        member: member(of),
        device: device(of),
    }
}

fn outcome(of: u8, action: Action) -> Decision {
    decide(&roster(), &caller(of), action, NOW)
}

/// Who of owner, admin, member, viewer, auditor may: A allowed, F forbidden, H hidden.
fn row(action: Action) -> String {
    let letter = |of: &u8| match outcome(*of, action) {
        Decision::Allow => 'A',
        Decision::Deny(Denial::Forbidden) => 'F',
        Decision::Deny(Denial::Hidden) => 'H',
        Decision::Deny(Denial::Stranger) => 'S',
    };
    EVERYONE.iter().map(letter).collect()
}

#[test]
fn r_8_roles_allow_what_they_are_for() {
    assert_eq!(row(Action::AddCamera), "AAFFF");
    assert_eq!(row(Action::ProbeSource), "AAFFF");
    assert_eq!(row(Action::ReadCounters), "AAFFA");
    assert_eq!(row(Action::ReadStorage), "AAAFA");
    assert_eq!(row(Action::ManageCamera(SHARED)), "AAFFH");
    for everyone in [
        Action::Invite,
        Action::ListCameras,
        Action::ListDevices,
        Action::OwnKeystore,
        Action::OwnPasskeys,
        Action::OwnUnlockShare,
        Action::ReadRoster,
        Action::ReadSite,
        Action::RenewToken,
    ] {
        assert_eq!(row(everyone), "AAAAA");
    }
}

#[test]
fn r_7_cameras_are_seen_by_those_who_may_watch_them() {
    let epoch = EpochId::new([9; 16]);
    for (camera, expected) in [(SHARED, "AAAAH"), (OTHER, "AAAHH"), (ABSENT, "HHHHH")] {
        assert_eq!(row(Action::ViewLive(stream_of(camera))), expected);
        assert_eq!(row(Action::ViewRecording(stream_of(camera))), expected);
        assert_eq!(row(Action::ReadEnvelope(camera, epoch)), expected);
    }
    assert_eq!(row(Action::ManageCamera(OTHER)), "AAFHH");
    assert_eq!(row(Action::ManageCamera(ABSENT)), "HHHHH");
}

#[test]
fn devices_are_removed_by_their_owner_and_those_above() {
    assert_eq!(row(Action::RemoveDevice(device(OWNER))), "AFHHH");
    assert_eq!(row(Action::RemoveDevice(device(ADMIN))), "AAHHH");
    assert_eq!(row(Action::RemoveDevice(device(MEMBER))), "AAAHH");
    assert_eq!(row(Action::RemoveDevice(device(AUDITOR))), "AAHHA");
    assert_eq!(row(Action::RemoveDevice(device(77))), "HHHHH");
}

#[test]
fn nobody_hands_in_statements_of_others() {
    for (place, author) in EVERYONE.into_iter().enumerate() {
        let mut expected = ['F'; 5];
        expected[place] = 'A';
        let row = row(Action::AppendStatement(key(author).public().id()));
        assert_eq!(row, expected.iter().collect::<String>());
    }
    let recovery = Action::AppendStatement(recovery_key().public().id());
    assert_eq!(row(recovery), "FFFFF");
}

#[test]
fn g_4_rights_end_with_the_expiry_the_device_and_the_member() {
    let (mut roster, action) = (roster(), Action::ViewLive(stream()));
    let stranger = Decision::Deny(Denial::Stranger);
    assert_eq!(decide(&roster, &caller(VIEWER), action, EXPIRY), stranger);
    let proof = authorize(&roster, caller(MEMBER), ViewLive(stream()), NOW).unwrap();
    assert!(proof.still_holds(&roster, NOW));
    add(
        &mut roster,
        MEMBER,
        Operation::RemoveDevice {
            device: device(MEMBER),
        },
    );
    assert!(!proof.still_holds(&roster, NOW));
    add(
        &mut roster,
        OWNER,
        Operation::RemoveMember {
            member: member(ADMIN),
        },
    );
    assert_eq!(
        decide(&roster, &caller(ADMIN), Action::ReadSite, NOW),
        stranger
    );
    let mixed = Caller {
        member: member(OWNER),
        device: device(AUDITOR),
    };
    assert_eq!(decide(&roster, &mixed, Action::ReadSite, NOW), stranger);
}

fn record(of: u8) -> TokenRecord {
    TokenRecord {
        member: member(of),
        device: device(of),
        thumbprint: thumbprint(of),
        expires: EXPIRY,
    }
}

fn proof(of: u8) -> VerifiedProof {
    VerifiedProof::for_tests(thumbprint(of), JtiHash([0; 16]))
}

#[test]
fn r_9_a_token_is_nothing_without_its_key() {
    let roster = roster();
    let own = Caller::authenticate(&roster, &record(MEMBER), &proof(MEMBER), NOW);
    assert_eq!(own, Ok(caller(MEMBER)));
    let stolen = Caller::authenticate(&roster, &record(MEMBER), &proof(VIEWER), NOW);
    assert_eq!(stolen, Err(NotAuthentic::OtherKey));
}

#[test]
fn tokens_end_with_their_time_and_with_the_roster() {
    let roster = roster();
    let late = Caller::authenticate(&roster, &record(MEMBER), &proof(MEMBER), EXPIRY);
    assert_eq!(late, Err(NotAuthentic::Expired));
    let rekeyed = TokenRecord {
        thumbprint: thumbprint(77),
        ..record(MEMBER)
    };
    let (moved, gone) = (
        TokenRecord {
            member: member(OWNER),
            ..record(MEMBER)
        },
        record(77),
    );
    for (record, proof) in [
        (rekeyed, proof(77)),
        (moved, proof(MEMBER)),
        (gone, proof(77)),
    ] {
        let refused = Caller::authenticate(&roster, &record, &proof, NOW);
        assert_eq!(refused, Err(NotAuthentic::NotOnRoster));
    }
}

fn any_action() -> impl Strategy<Value = Action> {
    let camera = (0..5_u8).prop_map(|n| CameraId::new([n; 16]));
    let id = (0..20_u8).prop_map(device);
    prop_oneof![
        camera.clone().prop_map(Action::ManageCamera),
        camera.clone().prop_map(|c| Action::ViewLive(stream_of(c))),
        camera.prop_map(|c| Action::ReadEnvelope(c, EpochId::new([0; 16]))),
        id.prop_map(Action::RemoveDevice),
        Just(Action::AddCamera),
        Just(Action::ReadSite),
        Just(Action::RenewToken),
        Just(Action::ReadStorage),
    ]
}

proptest! {
    #[test]
    fn g_4_whoever_is_not_on_the_roster_may_nothing(member in 14..99_u8, dev in any::<u8>(), action in any_action()) {
        let caller = Caller { member: self::member(member), device: device(dev) };
        let decision = decide(&roster(), &caller, action, NOW);
        prop_assert_eq!(decision, Decision::Deny(Denial::Stranger));
    }

    #[test]
    fn owners_may_whatever_anybody_may(of in prop::sample::select(&EVERYONE[..]), action in any_action()) {
        let allowed = outcome(of, action) == Decision::Allow;
        prop_assert!(!allowed || outcome(OWNER, action) == Decision::Allow);
    }
}
