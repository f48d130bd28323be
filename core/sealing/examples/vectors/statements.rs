//! Statements of the roster: every operation, who may sign it, and what is one.

use bartizan_domain::{CameraId, DeviceId, MemberId, UtcMillis};
use bartizan_identity::roster::Role;
use bartizan_identity::{Operation, Roster, Signature, Statement, Suite};

use crate::edit::{Bytes, Cases, Layout, flipped, resigned};
use crate::house::{
    ADMIN, ADMIN_KEY, AUDITOR, AUDITOR_KEY, CAMERA, GATEWAY_KEY, NAMED, OTHER, OTHER_SEALER_KEY,
    OWNER, OWNER_KEY, READERS, RECOVERY_KEY, SEALER_KEY, SITE, STRANGER_KEY, T0, VIEWER,
    VIEWER_KEY, call, call_device, genesis, join, key, own_device, own_reader, reader, words,
};

const CONTEXT: &[u8] = b"bartizan/v1/roster";

const HEAD: Layout = Layout(&[
    ("version", 1),
    ("site", 16),
    ("sequence", 8),
    ("previous", 32),
    ("time", 8),
    ("author", 16),
]);

/// Bytes before the operation.
const HEAD_LEN: usize = 81;

const NEW: MemberId = MemberId::new([20; 16]);
const NEW_KEY: u8 = 20;

/// Statements that come next.
struct Next<'a>(&'a Roster);

impl Next<'_> {
    fn at(&self, author: u8, time: UtcMillis, operation: Operation) -> Bytes {
        let next = self.0.next();
        Statement::sign(&key(author), SITE, next, time, operation)
            .as_bytes()
            .to_vec()
    }

    fn by(&self, author: u8, operation: Operation) -> Bytes {
        self.at(author, T0, operation)
    }

    /// Any bytes as an operation, well signed by the owner.
    fn raw(&self, operation: &[u8]) -> Bytes {
        let remove = Operation::RemoveMember { member: NEW };
        let head = self.by(OWNER_KEY, remove);
        let unsigned = [&head[..HEAD_LEN], operation, &[0; Signature::LEN]].concat();
        resigned(CONTEXT, &unsigned, &key(OWNER_KEY))
    }
}

pub(crate) fn cases(cases: &mut Cases<'_>, log: &[Statement]) {
    let roster = cases.world.history.current().clone();
    let next = Next(&roster);
    form(cases, &next);
    operations(cases, &next);
    members(cases, &next);
    owners(cases, &next);
    keys_and_devices(cases, &next);
    cameras(cases, &next);
    recovery(cases, &next);
    names(cases, &next);
    forms_of_names(cases, &next);
    for (at, statement) in log.iter().enumerate() {
        let bytes = statement.as_bytes().to_vec();
        cases.add(
            format!("statement {at} of the log again"),
            bytes,
            "not-next",
        );
    }
}

fn form(cases: &mut Cases<'_>, next: &Next<'_>) {
    let good = next.by(OWNER_KEY, join(NEW, NEW_KEY, Role::Member));
    let sign = |bytes: &[u8]| resigned(CONTEXT, bytes, &key(OWNER_KEY));
    cases.add("a member joins", good.clone(), "accepted");
    for (name, first, last) in HEAD.fields() {
        for at in [first, last] {
            let (plain, signed) = match name {
                "version" => ("unknown", "unknown"),
                "site" => ("other-site", "other-site"),
                "sequence" | "previous" => ("not-next", "not-next"),
                "author" => ("unknown-author", "unknown-author"),
                _ => ("bad-signature", "accepted"),
            };
            let changed = flipped(&good, at);
            cases.add(
                format!("another {name} (byte {at})"),
                changed.clone(),
                plain,
            );
            cases.add(
                format!("another {name} (byte {at}), signed"),
                sign(&changed),
                signed,
            );
            if first == last {
                break;
            }
        }
        cases.add(
            format!("cut within its {name}"),
            good[..last].to_vec(),
            "short",
        );
    }
    let end = good.len();
    for at in [
        HEAD_LEN + 1,
        end - Signature::LEN - 3,
        end - Signature::LEN,
        end - 1,
    ] {
        cases.add(
            format!("a changed byte {at}"),
            flipped(&good, at),
            "bad-signature",
        );
    }
    cases.add(
        "cut within its operation",
        good[..HEAD_LEN + 20].to_vec(),
        "short",
    );
    cases.add(
        "cut within its signature",
        good[..end - 1].to_vec(),
        "short",
    );
    cases.add("a byte more", [good.as_slice(), &[0]].concat(), "trailing");
    cases.add(
        "a byte more, signed",
        sign(&[good.as_slice(), &[0]].concat()),
        "trailing",
    );
    cases.add("empty", Vec::new(), "short");
    let long = [good.as_slice(), &vec![0; 16_385 - end]].concat();
    cases.add("over the limit", long, "too-long");
    let envelope = resigned(b"bartizan/v1/envelope", &good, &key(OWNER_KEY));
    cases.add("signed as an envelope", envelope, "bad-signature");
    authors(cases, next, &good);
}

fn authors(cases: &mut Cases<'_>, next: &Next<'_>, good: &[u8]) {
    for (name, seed) in [
        ("a stranger", STRANGER_KEY),
        ("the gateway", GATEWAY_KEY),
        ("the sealer", SEALER_KEY),
        ("a viewer who left", VIEWER_KEY),
    ] {
        let forged = resigned(CONTEXT, good, &key(seed));
        cases.add(
            format!("signed by {name} in the owner's name"),
            forged,
            "bad-signature",
        );
        let own = next.by(seed, join(NEW, NEW_KEY, Role::Member));
        cases.add(format!("signed by {name}"), own, "unknown-author");
    }
    let late = next.at(AUDITOR_KEY, UtcMillis(T0.0 + 1), own_device(AUDITOR, 30));
    cases.add("an author whose time is over", late, "unknown-author");
    let back = next.at(
        OWNER_KEY,
        UtcMillis(T0.0 - 1),
        join(NEW, NEW_KEY, Role::Member),
    );
    cases.add("older than the last statement", back, "backdated");
    let early = next.at(AUDITOR_KEY, T0, own_device(AUDITOR, 30));
    cases.add("an author just before that", early, "accepted");
}

/// Operations that no writer of ours would write.
fn operations(cases: &mut Cases<'_>, next: &Next<'_>) {
    let id = [20; 16];
    for code in [0, 15, 255] {
        cases.add(format!("operation {code}"), next.raw(&[code]), "unknown");
    }
    cases.add("no operation", next.raw(&[]), "unknown");
    let rights = |role: u8, cameras: &[u8]| {
        let count = u16::try_from(cameras.len()).expect("few").to_be_bytes();
        let ids: Vec<_> = cameras.iter().flat_map(|camera| [*camera; 16]).collect();
        let identity = key(NEW_KEY).public();
        let head = [&[2], id.as_slice(), identity.as_bytes(), &[role], &[0; 8]].concat();
        next.raw(&[head.as_slice(), &count, &ids].concat())
    };
    for role in [0, 6, 255] {
        cases.add(format!("role {role}"), rights(role, &[]), "unknown");
    }
    cases.add("a viewer of two cameras", rights(4, &[2, 3]), "accepted");
    cases.add("cameras in another order", rights(4, &[3, 2]), "unknown");
    cases.add("a camera twice", rights(4, &[2, 2]), "unknown");
    for role in [1, 2, 3, 5] {
        cases.add(
            format!("cameras for role {role}"),
            rights(role, &[2]),
            "unknown",
        );
    }
    let over = [
        &[2],
        [20; 16].as_slice(),
        &[7; 32],
        &[4],
        &[0; 8],
        &257_u16.to_be_bytes(),
    ];
    cases.add("257 cameras", next.raw(&over.concat()), "too-long");
    let keyed = |suite: u16, public: &[u8]| {
        let member = OWNER.as_bytes().as_slice();
        next.raw(&[&[5], member, &suite.to_be_bytes(), public].concat())
    };
    for suite in [0, 0x0010, 0x647b] {
        cases.add(
            format!("a reader key of suite {suite:#06x}"),
            keyed(suite, &[9; 32]),
            "unknown",
        );
    }
    let x_wing = keyed(Suite::XWing.code(), &[0xff; 1_216]);
    cases.add("an X-Wing key above the modulus", x_wing, "bad-reader-key");
    let short = keyed(Suite::XWing.code(), &[0; 32]);
    cases.add("an X-Wing key of 32 bytes", short, "short");
    let mut one = [0; 32];
    one[0] = 1;
    for (name, point) in [("zero", [0; 32]), ("one", one)] {
        let low = keyed(Suite::X25519.code(), &point);
        cases.add(
            format!("an X25519 key of low order ({name})"),
            low,
            "bad-reader-key",
        );
    }
    let long = keyed(Suite::X25519.code(), &[9; 33]);
    cases.add("an X25519 key of 33 bytes", long, "trailing");
}

fn members(cases: &mut Cases<'_>, next: &Next<'_>) {
    let set = |member, role| {
        let (expires, cameras) = (None, Vec::new());
        Operation::SetRole {
            member,
            role,
            expires,
            cameras,
        }
    };
    for (role, verdict) in [
        (Role::Owner, "not-allowed"),
        (Role::Admin, "not-allowed"),
        (Role::Member, "accepted"),
        (Role::Viewer, "accepted"),
        (Role::Auditor, "accepted"),
    ] {
        let owner = next.by(OWNER_KEY, join(NEW, NEW_KEY, role));
        cases.add(format!("the owner makes a new {role:?}"), owner, "accepted");
        let admin = next.by(ADMIN_KEY, join(NEW, NEW_KEY, role));
        cases.add(format!("an admin makes a new {role:?}"), admin, verdict);
        let auditor = next.by(AUDITOR_KEY, join(NEW, NEW_KEY, role));
        cases.add(
            format!("an auditor makes a new {role:?}"),
            auditor,
            "not-allowed",
        );
        let raise = next.by(ADMIN_KEY, set(AUDITOR, role));
        cases.add(
            format!("an admin makes the auditor {role:?}"),
            raise,
            verdict,
        );
        let own = next.by(AUDITOR_KEY, set(AUDITOR, role));
        cases.add(
            format!("an auditor makes themselves {role:?}"),
            own,
            "not-allowed",
        );
    }
    leaving(cases, next);
    taken(cases, next);
    cases.add(
        "nobody's role",
        next.by(OWNER_KEY, set(NEW, Role::Member)),
        "not-found",
    );
    let demote = next.by(ADMIN_KEY, set(OWNER, Role::Member));
    cases.add("an admin demotes the owner", demote, "not-allowed");
}

fn leaving(cases: &mut Cases<'_>, next: &Next<'_>) {
    let leave = |member| Operation::RemoveMember { member };
    for (name, author, member, verdict) in [
        (
            "an admin removes the owner",
            ADMIN_KEY,
            OWNER,
            "not-allowed",
        ),
        (
            "an admin removes themselves",
            ADMIN_KEY,
            ADMIN,
            "not-allowed",
        ),
        (
            "an admin removes the auditor",
            ADMIN_KEY,
            AUDITOR,
            "accepted",
        ),
        (
            "an auditor removes themselves",
            AUDITOR_KEY,
            AUDITOR,
            "not-allowed",
        ),
        ("the owner removes the admin", OWNER_KEY, ADMIN, "accepted"),
        ("the owner removes nobody", OWNER_KEY, NEW, "not-found"),
        (
            "someone who left is removed",
            OWNER_KEY,
            VIEWER,
            "not-found",
        ),
    ] {
        cases.add(name, next.by(author, leave(member)), verdict);
    }
}

/// Members and identities that are there already.
fn taken(cases: &mut Cases<'_>, next: &Next<'_>) {
    let again = next.by(OWNER_KEY, join(ADMIN, NEW_KEY, Role::Member));
    cases.add("the same member again", again, "exists");
    let identity = next.by(OWNER_KEY, join(NEW, ADMIN_KEY, Role::Member));
    cases.add("the same identity again", identity, "exists");
    let recovery = next.by(OWNER_KEY, join(NEW, RECOVERY_KEY, Role::Member));
    cases.add(
        "the recovery words' identity as a member",
        recovery,
        "exists",
    );
    let back = next.by(OWNER_KEY, join(VIEWER, VIEWER_KEY, Role::Member));
    cases.add("someone who left comes back", back, "accepted");
    let second = next.by(OWNER_KEY, genesis(SITE).operation);
    cases.add("a second genesis", second, "second-genesis");
}

fn owners(cases: &mut Cases<'_>, next: &Next<'_>) {
    let set = |role, expires| {
        let (member, cameras) = (OWNER, Vec::new());
        Operation::SetRole {
            member,
            role,
            expires,
            cameras,
        }
    };
    let soon = Some(UtcMillis(T0.0 + 5));
    for (name, operation) in [
        (
            "the last owner leaves",
            Operation::RemoveMember { member: OWNER },
        ),
        ("the last owner becomes an admin", set(Role::Admin, None)),
        ("the last owner gets an end", set(Role::Owner, soon)),
    ] {
        cases.add(name, next.by(OWNER_KEY, operation.clone()), "last-owner");
        let words = next.by(RECOVERY_KEY, operation);
        cases.add(format!("{name}, by recovery words"), words, "last-owner");
    }
    cases.add(
        "the last owner stays one",
        next.by(OWNER_KEY, set(Role::Owner, None)),
        "accepted",
    );
}

fn keys_and_devices(cases: &mut Cases<'_>, next: &Next<'_>) {
    let mut add = |name: &str, author: u8, operation, verdict: &str| {
        cases.add(name, next.by(author, operation), verdict);
    };
    own_keys(&mut add);
    others_keys(&mut add);
    devices(&mut add);
}

/// Takes a case: its name, author, operation and verdict.
type Add<'a> = &'a mut dyn FnMut(&str, u8, Operation, &str);

fn own_keys(add: Add<'_>) {
    let [(_, first), (_, viewers)] = READERS;
    let mut own = |name: &str, seed, verdict: &str| {
        add(name, ADMIN_KEY, own_reader(ADMIN, seed), verdict);
    };
    own("an own reader key", 16, "accepted");
    own("an own reader key with X-Wing", 17, "accepted");
    own("the same reader key again", 14, "exists");
    own("a reader key of someone else", first, "exists");
    own("the recovery words' reader key", RECOVERY_KEY, "exists");
    own("a reader key of someone who left", viewers, "accepted");
    own("a reader key that was retired", 12, "accepted");
    let ninth = own_reader(AUDITOR, 60);
    add("a ninth reader key", AUDITOR_KEY, ninth, "full");
}

fn others_keys(add: Add<'_>) {
    let [(_, first), _] = READERS;
    let retire = |seed| Operation::RetireReaderKey {
        key: reader(seed).public().id(),
    };
    for (author, operation, verdict) in [
        (OWNER_KEY, own_reader(ADMIN, 16), "not-allowed"),
        (ADMIN_KEY, own_reader(OWNER, 16), "not-allowed"),
        (RECOVERY_KEY, own_reader(OWNER, 16), "accepted"),
        (RECOVERY_KEY, own_reader(ADMIN, 16), "not-allowed"),
        (RECOVERY_KEY, own_reader(NEW, 16), "not-allowed"),
    ] {
        let name = format!("a reader key of someone else by {author}: {verdict}");
        add(&name, author, operation, verdict);
    }
    for (author, seed, verdict) in [
        (ADMIN_KEY, 14, "accepted"),
        (ADMIN_KEY, 12, "not-found"),
        (ADMIN_KEY, first, "not-allowed"),
        (OWNER_KEY, 14, "accepted"),
        (OWNER_KEY, 66, "not-found"),
        (AUDITOR_KEY, 66, "not-found"),
        (AUDITOR_KEY, 40, "accepted"),
        (AUDITOR_KEY, 14, "not-allowed"),
    ] {
        let name = format!("reader key {seed} retired by {author}");
        add(&name, author, retire(seed), verdict);
    }
}

fn devices(add: Add<'_>) {
    let remove = |seed| Operation::RemoveDevice {
        device: DeviceId::new([seed; 16]),
    };
    for (author, member, seed, verdict) in [
        (AUDITOR_KEY, AUDITOR, 30, "accepted"),
        (OWNER_KEY, ADMIN, 30, "not-allowed"),
        (RECOVERY_KEY, OWNER, 30, "accepted"),
        (RECOVERY_KEY, ADMIN, 30, "not-allowed"),
        (RECOVERY_KEY, NEW, 30, "not-allowed"),
        (OWNER_KEY, OWNER, 1, "exists"),
        (OWNER_KEY, OWNER, 9, "accepted"),
    ] {
        let name = format!("device {seed} of {member} by {author}");
        add(&name, author, own_device(member, seed), verdict);
    }
    for (author, seed, verdict) in [
        (OWNER_KEY, 1, "accepted"),
        (RECOVERY_KEY, 1, "accepted"),
        (ADMIN_KEY, 1, "not-allowed"),
        (AUDITOR_KEY, 1, "not-allowed"),
        (OWNER_KEY, 66, "not-found"),
        (OWNER_KEY, 9, "not-found"),
    ] {
        let name = format!("device {seed} removed by {author}");
        add(&name, author, remove(seed), verdict);
    }
}

fn cameras(cases: &mut Cases<'_>, next: &Next<'_>) {
    let add = |camera, seed: u8| {
        let sealer = key(seed).public().id();
        Operation::AddCamera { camera, sealer }
    };
    let new = CameraId::new([30; 16]);
    let sealer = |seed: u8| Operation::AddSealer {
        key: key(seed).public(),
    };
    let remove = |camera| Operation::RemoveCamera { camera };
    for (name, author, operation, verdict) in [
        ("a camera", ADMIN_KEY, add(new, SEALER_KEY), "accepted"),
        (
            "a camera by an auditor",
            AUDITOR_KEY,
            add(new, SEALER_KEY),
            "not-allowed",
        ),
        (
            "a camera without a sealer",
            OWNER_KEY,
            add(new, STRANGER_KEY),
            "not-found",
        ),
        (
            "a camera sealed by the gateway",
            OWNER_KEY,
            add(new, GATEWAY_KEY),
            "not-found",
        ),
        (
            "the same camera again",
            OWNER_KEY,
            add(CAMERA, SEALER_KEY),
            "exists",
        ),
        (
            "the camera with another sealer",
            OWNER_KEY,
            add(CAMERA, OTHER_SEALER_KEY),
            "exists",
        ),
        (
            "a camera that left comes back",
            OWNER_KEY,
            add(OTHER, SEALER_KEY),
            "accepted",
        ),
        ("a camera leaves", ADMIN_KEY, remove(CAMERA), "accepted"),
        (
            "a camera leaves by an auditor",
            AUDITOR_KEY,
            remove(CAMERA),
            "not-allowed",
        ),
        (
            "a camera that left leaves",
            OWNER_KEY,
            remove(OTHER),
            "not-found",
        ),
        ("a sealer", ADMIN_KEY, sealer(NEW_KEY), "accepted"),
        (
            "a sealer by an auditor",
            AUDITOR_KEY,
            sealer(NEW_KEY),
            "not-allowed",
        ),
        (
            "the same sealer again",
            OWNER_KEY,
            sealer(OTHER_SEALER_KEY),
            "exists",
        ),
    ] {
        cases.add(name, next.by(author, operation), verdict);
    }
}

fn recovery(cases: &mut Cases<'_>, next: &Next<'_>) {
    let replace = |identity, seed: u8| {
        let reader = reader(seed).public().clone();
        Operation::ReplaceRecovery { identity, reader }
    };
    let new = key(NEW_KEY).public();
    cases.add(
        "new recovery words",
        next.by(OWNER_KEY, replace(new, 70)),
        "accepted",
    );
    let own = next.by(RECOVERY_KEY, replace(new, 70));
    cases.add("new recovery words by the old ones", own, "accepted");
    let admin = next.by(ADMIN_KEY, replace(new, 70));
    cases.add("new recovery words by an admin", admin, "not-allowed");
    let taken = next.by(OWNER_KEY, replace(key(ADMIN_KEY).public(), 70));
    cases.add("recovery words with the admin's identity", taken, "exists");
    let shared = next.by(OWNER_KEY, replace(new, READERS[0].1));
    cases.add(
        "recovery words with the owner's reader key",
        shared,
        "exists",
    );
    let place = next.0.next();
    let old = Statement::sign(
        &words().identity(),
        SITE,
        place,
        T0,
        join(NEW, NEW_KEY, Role::Owner),
    );
    let old = old.as_bytes().to_vec();
    cases.add(
        "signed by recovery words that were replaced",
        old,
        "unknown-author",
    );
}

/// Who calls whom what.
fn names(cases: &mut Cases<'_>, next: &Next<'_>) {
    for (author, member, verdict) in [
        (OWNER_KEY, OWNER, "accepted"),
        (OWNER_KEY, ADMIN, "accepted"),
        (OWNER_KEY, NEW, "not-found"),
        (OWNER_KEY, VIEWER, "not-found"),
        (RECOVERY_KEY, OWNER, "accepted"),
        (RECOVERY_KEY, ADMIN, "accepted"),
        (ADMIN_KEY, ADMIN, "accepted"),
        (ADMIN_KEY, AUDITOR, "accepted"),
        (ADMIN_KEY, OWNER, "not-allowed"),
        (ADMIN_KEY, NEW, "not-allowed"),
        (AUDITOR_KEY, AUDITOR, "accepted"),
        (AUDITOR_KEY, ADMIN, "not-allowed"),
        (STRANGER_KEY, OWNER, "unknown-author"),
    ] {
        let operation = call(member, "Mum");
        cases.add(
            format!("{member} renamed by {author}"),
            next.by(author, operation),
            verdict,
        );
    }
    for (author, seed, verdict) in [
        (OWNER_KEY, 1, "accepted"),
        (OWNER_KEY, 2, "accepted"),
        (OWNER_KEY, 9, "not-found"),
        (RECOVERY_KEY, 1, "accepted"),
        (ADMIN_KEY, 1, "not-allowed"),
        (ADMIN_KEY, 66, "not-found"),
        (AUDITOR_KEY, 1, "not-allowed"),
    ] {
        let operation = call_device(seed, "Mum's phone");
        cases.add(
            format!("device {seed} renamed by {author}"),
            next.by(author, operation),
            verdict,
        );
    }
    let same = next.by(OWNER_KEY, call(OWNER, NAMED));
    cases.add("the same name again", same, "exists");
    let unmarked = next.by(OWNER_KEY, call(OWNER, "Zoe\u{308}"));
    cases.add("the name without its byte order mark", unmarked, "accepted");
    let composed = next.by(OWNER_KEY, call(OWNER, "\u{feff}Zo\u{eb}"));
    cases.add("the name in composed characters", composed, "accepted");
}

/// What is a name, byte by byte.
fn forms_of_names(cases: &mut Cases<'_>, next: &Next<'_>) {
    let raw = |length: usize, name: &[u8]| {
        let length = u16::try_from(length).expect("short").to_be_bytes();
        next.raw(&[&[14], OWNER.as_bytes().as_slice(), &length, name].concat())
    };
    for (what, name, verdict) in [
        ("no character", "", "unknown"),
        ("white space", "\u{3000}", "unknown"),
        ("a space in front", " Mum", "unknown"),
        ("a space behind", "Mum\u{a0}", "unknown"),
        ("a space within", "Mum and Dad", "accepted"),
        ("a byte order mark in front", "\u{feff}Mum", "accepted"),
        ("a next-line control behind", "Mum\u{85}", "unknown"),
        ("a line break within", "Mum\nDad", "unknown"),
        ("a control within", "Mum\u{7f}", "unknown"),
        ("a direction mark within", "gate\u{202e}4pm", "unknown"),
        ("the first isolate within", "a\u{2066}b", "unknown"),
        ("a line separator within", "a\u{2028}b", "unknown"),
        (
            "a zero-width joiner within",
            "\u{1f469}\u{200d}\u{1f467}",
            "accepted",
        ),
        ("a private character", "\u{e000}", "accepted"),
        ("an unassigned character", "\u{e0080}", "accepted"),
    ] {
        let bytes = raw(name.len(), name.as_bytes());
        cases.add(format!("a name with {what}"), bytes, verdict);
    }
    for (what, name, verdict) in [
        ("64 characters", "\u{1f4f7}".repeat(64), "accepted"),
        ("65 characters", "a".repeat(65), "too-long"),
        (
            "65 characters and a space behind",
            format!("{} ", "a".repeat(65)),
            "too-long",
        ),
        (
            "64 characters and a space behind",
            format!("{} ", "a".repeat(64)),
            "unknown",
        ),
        (
            "65 characters, one a control",
            format!("{}\n.", "a".repeat(63)),
            "too-long",
        ),
        ("256 characters", "a".repeat(256), "too-long"),
        ("257 bytes", "a".repeat(257), "too-long"),
    ] {
        cases.add(
            format!("a name of {what}"),
            raw(name.len(), name.as_bytes()),
            verdict,
        );
    }
    for (what, bytes, verdict) in [
        ("a lone continuation", [b'M', 0x80, b'm'], "unknown"),
        ("half a surrogate", [0xed, 0xa0, 0x80], "unknown"),
        ("an overlong slash", [0xe0, 0x80, 0xaf], "unknown"),
        ("a character cut short", [b'M', 0xe2, 0x82], "unknown"),
    ] {
        cases.add(format!("a name with {what}"), raw(3, &bytes), verdict);
    }
    cases.add("a name longer than the statement", raw(80, b"Mum"), "short");
    cases.add("a name shorter than its bytes", raw(2, b"Mum"), "trailing");
}
