//! A log that grows by whatever members sign: refused statements change nothing, limits hold, and an
//! owner who does not expire is always there.
#![no_main]

use std::sync::LazyLock;

use bartizan_domain::UtcMillis;
use bartizan_fuzz::{SCOPE, START, key, roster};
use bartizan_identity::roster::{MAX_DEVICES, MAX_MEMBERS, MAX_READER_KEYS_PER_MEMBER};
use bartizan_identity::{Role, Roster, Statement};
use libfuzzer_sys::fuzz_target;

static ROSTER: LazyLock<Roster> = LazyLock::new(roster);

/// `operation` signed by `author` as the next statement of `roster`.
fn signed(roster: &Roster, author: u8, time: UtcMillis, operation: &[u8]) -> Vec<u8> {
    let key = key(author);
    let (sequence, previous) = roster.next();
    let message = [
        &[1],
        SCOPE.site.as_bytes().as_slice(),
        &sequence.to_be_bytes(),
        previous.as_bytes(),
        &time.0.to_be_bytes(),
        key.public().id().as_bytes(),
        operation,
    ]
    .concat();
    let signature = key.sign(b"bartizan/v1/roster", &message);
    [message.as_slice(), signature.as_bytes()].concat()
}

fn check(roster: &Roster) {
    let lasting = |role, expires: Option<UtcMillis>| role == Role::Owner && expires.is_none();
    assert!(
        roster
            .members()
            .any(|(_, member)| lasting(member.role, member.expires))
    );
    assert!(roster.members().count() <= MAX_MEMBERS);
    assert!(roster.devices().count() <= MAX_DEVICES);
    for (_, member) in roster.members() {
        assert!(member.readers.len() <= MAX_READER_KEYS_PER_MEMBER);
    }
    for (_, device) in roster.devices() {
        assert!(roster.member(device.member).is_some());
    }
    let recipients = roster.recipients(SCOPE.camera, START);
    assert!(recipients.is_sorted_by(|a, b| a.key.id() < b.key.id()));
}

fuzz_target!(|steps: Vec<(u8, u8, &[u8])>| {
    let mut roster = ROSTER.clone();
    for (author, later, operation) in steps {
        let time = START.saturating_add(u64::from(later));
        let bytes = signed(&roster, author, time, operation);
        let Ok(statement) = Statement::decode(&bytes) else {
            continue;
        };
        let before = roster.clone();
        match roster.apply(&statement) {
            Ok(()) => assert_eq!(
                (roster.head(), roster.len()),
                (statement.hash(), before.len() + 1)
            ),
            Err(_) => assert_eq!(roster, before),
        }
        check(&roster);
    }
});
