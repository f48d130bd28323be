//! Names on the roster: who may give which, and what a name never changes.

use bartizan_domain::text::Name;
use bartizan_domain::wire::WireError;
use proptest::prelude::*;

use super::*;
use crate::Signature;

const ADMIN: MemberId = MemberId::new([9; 16]);
const OTHER_ADMIN: MemberId = MemberId::new([10; 16]);
const VIEWER: MemberId = MemberId::new([11; 16]);

// Seeds of the keys that sign; of the others it is the byte of their ids.
const OWNER_SEED: u8 = 1;
const WORDS_SEED: u8 = 2;

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

fn device_of(member: MemberId) -> DeviceId {
    DeviceId::new(*member.as_bytes())
}

fn call(member: MemberId, text: &str) -> Operation {
    let name = name(text);
    Operation::RenameMember { member, name }
}

fn call_device(device: DeviceId, text: &str) -> Operation {
    let name = name(text);
    Operation::RenameDevice { device, name }
}

/// An owner, two admins and a viewer, each with a device whose id is the member's.
fn house() -> Roster {
    let mut roster = roster();
    for (member, role) in [
        (ADMIN, Role::Admin),
        (OTHER_ADMIN, Role::Admin),
        (VIEWER, Role::Viewer),
    ] {
        let seed = member.as_bytes()[0];
        roster
            .apply(&by(&key(OWNER_SEED), &roster, join(seed, role)))
            .unwrap();
        let device = Operation::AddDevice {
            member,
            device: device_of(member),
            thumbprint: Fingerprint::new([seed; 32]),
        };
        roster.apply(&by(&key(seed), &roster, device)).unwrap();
    }
    roster
}

#[test]
fn names_are_given_by_their_bearer_and_by_whoever_could_remove_it() {
    let owners = DeviceId::new([1; 16]);
    for (author, member, device, expected) in [
        (OWNER_SEED, OWNER, owners, Ok(())),
        (OWNER_SEED, ADMIN, device_of(ADMIN), Ok(())),
        (WORDS_SEED, OWNER, owners, Ok(())),
        (9, ADMIN, device_of(ADMIN), Ok(())),
        (9, VIEWER, device_of(VIEWER), Ok(())),
        (9, OWNER, owners, Err(RosterError::NotAllowed)),
        (
            9,
            OTHER_ADMIN,
            device_of(OTHER_ADMIN),
            Err(RosterError::NotAllowed),
        ),
        (11, VIEWER, device_of(VIEWER), Ok(())),
        (11, ADMIN, device_of(ADMIN), Err(RosterError::NotAllowed)),
        (66, OWNER, owners, Err(RosterError::UnknownAuthor)),
    ] {
        for operation in [call(member, "Mum"), call_device(device, "Mum's phone")] {
            let mut roster = house();
            let statement = by(&key(author), &roster, operation);
            assert_eq!(
                roster.apply(&statement),
                expected,
                "{author} of {member:?}: {statement:?}"
            );
        }
    }
}

#[test]
fn a_name_stays_until_the_next_and_the_same_again_is_refused() {
    let mut roster = house();
    let device = device_of(VIEWER);
    assert_eq!(roster.device(device).unwrap().name, None);
    for text in ["Old phone", "Mum's phone"] {
        let rename = call_device(device, text);
        roster
            .apply(&by(&key(11), &roster, rename.clone()))
            .unwrap();
        let known = roster.device(device).unwrap().name.clone();
        assert_eq!(known, Some(name(text)));
        let again = by(&key(11), &roster, rename);
        assert_eq!(roster.apply(&again), Err(RosterError::Exists));
    }
    roster
        .apply(&by(&key(11), &roster, call(VIEWER, "Mum")))
        .unwrap();
    let raise = Operation::SetRole {
        member: VIEWER,
        role: Role::Member,
        expires: None,
        cameras: Vec::new(),
    };
    roster.apply(&by(&key(OWNER_SEED), &roster, raise)).unwrap();
    assert_eq!(roster.member(VIEWER).unwrap().name, Some(name("Mum")));
    let gone = Operation::RemoveDevice { device };
    roster.apply(&by(&key(11), &roster, gone)).unwrap();
    for missing in [
        call_device(device, "Ghost"),
        call(MemberId::new([77; 16]), "Ghost"),
    ] {
        let statement = by(&key(OWNER_SEED), &roster, missing);
        assert_eq!(roster.apply(&statement), Err(RosterError::NotFound));
    }
}

#[test]
fn a_name_changes_nobodys_rights() {
    let mut roster = house();
    let before = (
        roster.rights(),
        roster.recipients(CAMERA, NOW).len(),
        roster.head(),
    );
    roster
        .apply(&by(&key(9), &roster, call(VIEWER, "Mum")))
        .unwrap();
    let after = (
        roster.rights(),
        roster.recipients(CAMERA, NOW).len(),
        roster.head(),
    );
    assert_eq!((after.0, after.1), (before.0, before.1));
    assert_ne!(after.2, before.2);
    let leave = Operation::RemoveMember { member: VIEWER };
    roster.apply(&by(&key(9), &roster, leave)).unwrap();
    assert_eq!(roster.rights(), roster.head());
}

/// A statement that gives the owner's device a name of these bytes.
fn raw(length: u16, bytes: &[u8]) -> Result<Statement, StatementError> {
    let device = DeviceId::new([1; 16]);
    let good = by(&key(OWNER_SEED), &roster(), call_device(device, "a"));
    let operation = good.as_bytes().len() - Signature::LEN - 3;
    let head = good.as_bytes().get(..operation).unwrap();
    let whole = [head, &length.to_be_bytes(), bytes, &[0; Signature::LEN]];
    Statement::decode(&whole.concat())
}

fn raw_text(text: &str) -> Result<Statement, StatementError> {
    let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
    raw(length, text.as_bytes())
}

#[test]
fn a_name_has_one_form() {
    let unknown = |value| {
        let field = "name";
        Err(StatementError::Malformed(WireError::Unknown {
            field,
            value,
        }))
    };
    for text in ["", " ", " a", "a ", "a\u{3000}", "a\nb", "gate\u{202e}4pm"] {
        assert_eq!(raw_text(text), unknown(text.len() as u64), "{text:?}");
    }
    assert_eq!(raw(2, &[0xc3, 0x28]), unknown(2));
    assert_eq!(raw(3, &[0xed, 0xa0, 0x80]), unknown(3), "half a surrogate");
    let too_long = |len, max| {
        let field = "name";
        Err(StatementError::Malformed(WireError::TooLong {
            field,
            len,
            max,
        }))
    };
    assert_eq!(raw_text(&"a".repeat(65)), too_long(65, 64));
    assert_eq!(raw(257, &[b'a'; 257]), too_long(257, MAX_NAME_BYTES));
    // A byte order mark is a character like others.
    for text in ["\u{feff}a", "e\u{301}", &"🎥".repeat(64), "$(reboot)"] {
        assert!(raw_text(text).is_ok(), "{text:?}");
    }
}

proptest! {
    #[test]
    fn every_name_round_trips(text in ".{1,80}") {
        let Ok(name) = Name::parse(&text) else { return Ok(()) };
        for operation in [
            Operation::RenameMember { member: OWNER, name: name.clone() },
            Operation::RenameDevice { device: DeviceId::new([1; 16]), name: name.clone() },
        ] {
            let mut roster = roster();
            let statement = by(&key(OWNER_SEED), &roster, operation);
            prop_assert_eq!(&Statement::decode(statement.as_bytes()).unwrap(), &statement);
            roster.apply(&statement).unwrap();
        }
    }

    /// Whatever is renamed by whomever: a roster says the same of everything but the names, and each name is the last
    /// that was taken.
    #[test]
    fn renames_change_names_alone(courses in prop::collection::vec((0_u8..5, 0_u8..4, any::<bool>(), "[a-c]"), 1..24)) {
        let before = house();
        let mut roster = before.clone();
        let members = [OWNER, ADMIN, OTHER_ADMIN, VIEWER];
        let mut given = std::collections::BTreeMap::new();
        for (author, whom, of_device, text) in courses {
            let author = [OWNER_SEED, WORDS_SEED, 9, 10, 11][usize::from(author)];
            let member = members[usize::from(whom)];
            let device = if member == OWNER { DeviceId::new([1; 16]) } else { device_of(member) };
            let operation = if of_device { call_device(device, &text) } else { call(member, &text) };
            let taken = roster.apply(&by(&key(author), &roster, operation)).is_ok();
            let own = key(author).public() == roster.member(member).unwrap().identity;
            let manages = author == OWNER_SEED || author == WORDS_SEED || (author != 11 && member == VIEWER);
            let same = given.get(&(member, of_device)) == Some(&text);
            prop_assert_eq!(taken, (own || manages) && !same);
            if taken {
                given.insert((member, of_device), text);
            }
        }
        for member in members {
            let device = if member == OWNER { DeviceId::new([1; 16]) } else { device_of(member) };
            let text = |of_device| given.get(&(member, of_device)).map(|text| name(text));
            let (is, was) = (roster.member(member).unwrap(), before.member(member).unwrap());
            prop_assert_eq!(is, &Member { name: text(false), ..was.clone() });
            let (is, was) = (roster.device(device).unwrap(), before.device(device).unwrap());
            prop_assert_eq!(is, &Device { name: text(true), ..was.clone() });
        }
        prop_assert_eq!(roster.rights(), before.rights());
        prop_assert_eq!(roster.recipients(CAMERA, NOW), before.recipients(CAMERA, NOW));
    }
}
