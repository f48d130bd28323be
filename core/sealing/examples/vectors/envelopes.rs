//! Envelopes: what a server, a stranger, another sealer and a broken sealer can write.

use bartizan_domain::{EpochId, Hash, SiteId};
use bartizan_identity::roster::History;
use bartizan_identity::{ReaderKey, Roster, Signature, Suite};
use bartizan_sealing::envelope::{self, EpochStart};
use bartizan_sealing::{EpochSecret, Scope};

use crate::edit::{Bytes, Cases, Layout, flipped, resigned, with};
use crate::film::split;
use crate::house::{
    CAMERA, EXPIRY, GATEWAY_KEY, OTHER, OTHER_SEALER_KEY, OWNER_KEY, RECOVERY_KEY, SEALER_KEY,
    STRANGER_KEY, T0, genesis, key, reader,
};
use crate::open::Open;
use crate::wrapped::{two_keys, wrap_of};

const CONTEXT: &[u8] = b"bartizan/v1/envelope";

const HEAD: Layout = Layout(&[
    ("version", 1),
    ("site", 16),
    ("camera", 16),
    ("epoch", 16),
    ("sealer", 16),
    ("start", 8),
    ("roster length", 8),
    ("roster head", 32),
    ("commitment", 32),
    ("previous main manifest", 32),
    ("previous sub manifest", 32),
]);

/// Bytes before the wraps, their count included.
const HEAD_LEN: usize = 211;

fn sign(body: &[u8]) -> Bytes {
    resigned(CONTEXT, body, &key(SEALER_KEY))
}

/// The wraps of an envelope's body, each whole.
fn wraps(body: &[u8]) -> Vec<Bytes> {
    let mut rest = &body[HEAD_LEN..body.len() - Signature::LEN];
    let mut out = Vec::new();
    while rest.len() > 20 {
        let len = 20 + usize::from(u16::from_be_bytes([rest[18], rest[19]])) + 48;
        out.push(rest[..len].to_vec());
        rest = &rest[len..];
    }
    out
}

/// The envelope with other wraps, signed by the sealer.
fn rewrapped(body: &[u8], wraps: &[Bytes]) -> Bytes {
    let count = u16::try_from(wraps.len()).expect("few").to_be_bytes();
    let unsigned = [
        &body[..HEAD_LEN - 2],
        &count,
        &wraps.concat(),
        &[0; Signature::LEN],
    ]
    .concat();
    sign(&unsigned)
}

/// A wrap by id, suite, encapsulated key and ciphertext of any length.
fn wrap(id: &[u8], suite: u16, enc: &[u8], sealed: &[u8]) -> Bytes {
    let len = u16::try_from(enc.len()).expect("short").to_be_bytes();
    [id, &suite.to_be_bytes(), &len, enc, sealed].concat()
}

pub(crate) fn cases(cases: &mut Cases<'_>, body: &[u8], open: &Open, others: &[&[u8]]) {
    let history = &cases.world.history;
    let len = bartizan_sealing::Envelope::decode(body)
        .expect("ours")
        .roster_len;
    let roster = history.at(len).expect("it had this length");
    let second = reader(cases.world.readers[1].seed().expose()[0]);
    fields(cases, body);
    lengths(cases, body);
    signers(cases, body);
    recipients(cases, body, &second);
    suites(cases, body, &second);
    unwraps(cases, body, &second);
    elsewhere(cases, open, &roster, others);
}

fn fields(cases: &mut Cases<'_>, body: &[u8]) {
    cases.add("whole", body.to_vec(), "accepted");
    cases.add("signed anew", sign(body), "accepted");
    for (name, first, last) in HEAD.fields() {
        for at in [first, last] {
            // What the signature would show is seen before it where a check stands before it.
            let (plain, signed) = match name {
                "version" => ("unknown", "unknown"),
                "site" => ("other-site", "other-site"),
                "camera" | "sealer" => ("not-the-sealer", "not-the-sealer"),
                "roster length" | "roster head" => ("other-roster", "other-roster"),
                "epoch" | "commitment" => ("bad-signature", "does-not-open"),
                "start" if at == first => ("bad-signature", "wrong-recipients"),
                _ => ("bad-signature", "accepted"),
            };
            let changed = flipped(body, at);
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
    }
    for version in [2, 255] {
        cases.add(
            format!("version {version}"),
            sign(&with(body, 0, &[version])),
            "unknown",
        );
    }
}

fn lengths(cases: &mut Cases<'_>, body: &[u8]) {
    for (name, _, last) in HEAD.fields() {
        cases.add(
            format!("cut within its {name}"),
            body[..last].to_vec(),
            "short",
        );
    }
    cases.add(
        "cut within its signature",
        body[..body.len() - 1].to_vec(),
        "short",
    );
    cases.add("a byte more", [body, &[0]].concat(), "trailing");
    cases.add(
        "a byte more, signed",
        sign(&[body, &[0]].concat()),
        "trailing",
    );
    let count = |count: u16| with(body, HEAD_LEN - 2, &count.to_be_bytes());
    cases.add("257 wraps", count(257), "too-long");
    cases.add("65,535 wraps", count(65_535), "too-long");
    let all = wraps(body);
    cases.add("no wraps", rewrapped(body, &[]), "short");
    cases.refused(
        "a wrap more than there are",
        count(u16::try_from(all.len() + 1).expect("few")),
    );
    cases.refused(
        "a wrap less than there are",
        count(u16::try_from(all.len() - 1).expect("few")),
    );
    let mut cut = all.clone();
    let last = cut.last_mut().expect("there are some");
    last.pop();
    cases.refused("a wrap without its last byte", rewrapped(body, &cut));
}

fn signers(cases: &mut Cases<'_>, body: &[u8]) {
    for (name, seed) in [
        ("a stranger", STRANGER_KEY),
        ("the gateway", GATEWAY_KEY),
        ("the owner", OWNER_KEY),
        ("the recovery words", RECOVERY_KEY),
        ("another camera's sealer", OTHER_SEALER_KEY),
    ] {
        let forged = resigned(CONTEXT, body, &key(seed));
        cases.add(format!("signed by {name}"), forged, "bad-signature");
        let id = key(seed).public().id();
        let named = resigned(CONTEXT, &with(body, 49, id.as_bytes()), &key(seed));
        cases.add(
            format!("signed by {name} with their own name"),
            named,
            "not-the-sealer",
        );
    }
    let message = &body[..body.len() - Signature::LEN];
    let zero = [message, &[0; Signature::LEN]].concat();
    cases.add("signed with zeros", zero, "bad-signature");
    let manifest = resigned(b"bartizan/v1/manifest", body, &key(SEALER_KEY));
    cases.add("signed as a manifest", manifest, "bad-signature");
    for at in [body.len() - Signature::LEN, body.len() - 1] {
        cases.add(
            format!("a changed signature (byte {at})"),
            flipped(body, at),
            "bad-signature",
        );
    }
}

fn recipients(cases: &mut Cases<'_>, body: &[u8], second: &ReaderKey) {
    let all = wraps(body);
    for (at, gone) in all.iter().enumerate() {
        let id = second.public().id();
        let whose = if gone.starts_with(id.as_bytes()) {
            "the reader"
        } else {
            "someone"
        };
        let rest: Vec<_> = all.iter().filter(|one| *one != gone).cloned().collect();
        let name = format!("wrap {at} missing, that of {whose}");
        cases.add(name, rewrapped(body, &rest), "wrong-recipients");
    }
    for (name, seed) in [("X25519", 66), ("X-Wing", 67)] {
        let ghost = reader(seed);
        let (enc, sealed) = ghost
            .public()
            .wrap(b"info", b"aad", &[0; 32])
            .expect("a good key");
        let id = ghost.public().id();
        let ghost = wrap(id.as_bytes(), ghost.public().suite().code(), &enc, &sealed);
        let mut more = all.clone();
        more.push(ghost.clone());
        more.sort();
        cases.add(
            format!("a ghost with {name}"),
            rewrapped(body, &more),
            "wrong-recipients",
        );
        let mut other = all.clone();
        other[0] = ghost;
        other.sort();
        let name = format!("a ghost with {name} in someone's place");
        cases.add(name, rewrapped(body, &other), "wrong-recipients");
    }
    let mut swapped = all.clone();
    swapped.swap(0, 1);
    cases.add(
        "wraps in another order",
        rewrapped(body, &swapped),
        "unknown",
    );
    let mut twice = all.clone();
    twice.insert(0, all[0].clone());
    cases.add("a wrap twice", rewrapped(body, &twice), "unknown");
}

fn suites(cases: &mut Cases<'_>, body: &[u8], second: &ReaderKey) {
    let all = wraps(body);
    let place = |id: &[u8]| {
        all.iter()
            .position(|wrap| wrap.starts_with(id))
            .expect("a recipient")
    };
    let mine = place(second.public().id().as_bytes());
    let replaced = |at: usize, new: Bytes| {
        let mut wraps = all.clone();
        wraps[at] = new;
        rewrapped(body, &wraps)
    };
    for suite in [0, 0x0010, 0x0021, 0x0042, 0x647b, 0xffff] {
        let other = with(&all[mine], 16, &u16::to_be_bytes(suite));
        cases.add(
            format!("suite {suite:#06x}"),
            replaced(mine, other),
            "unknown",
        );
    }
    let (x25519, x_wing) = (Suite::X25519.code(), Suite::XWing.code());
    let owner = place(reader(crate::house::READERS[0].1).public().id().as_bytes());
    let id = &all[owner][..16];
    let down = replaced(owner, wrap(id, x25519, &[9; 32], &[0; 48]));
    cases.add("X-Wing downgraded to X25519", down, "wrong-recipients");
    let id = &all[mine][..16];
    let up = replaced(mine, wrap(id, x_wing, &[9; 1_120], &[0; 48]));
    cases.add("X25519 as X-Wing", up, "wrong-recipients");
    for (suite, len, verdict) in [
        (x25519, 0, "short"),
        (x25519, 31, "short"),
        (x25519, 33, "too-long"),
        (x25519, 1_120, "too-long"),
        (x_wing, 32, "short"),
        (x_wing, 1_119, "short"),
        (x_wing, 1_121, "too-long"),
    ] {
        let other = replaced(mine, wrap(id, suite, &vec![9; len], &[0; 48]));
        cases.add(
            format!("{len} bytes of encapsulated key for {suite:#06x}"),
            other,
            verdict,
        );
    }
}

fn unwraps(cases: &mut Cases<'_>, body: &[u8], second: &ReaderKey) {
    let at = wrap_of(body, second);
    for (name, place) in [
        ("an encapsulated key that was changed", at + 20),
        (
            "an encapsulated key that was changed at its end",
            at + 51 - 1,
        ),
        ("a wrap that was changed", at + 52),
        ("a wrap whose tag was changed", at + 52 + 47),
    ] {
        cases.add(name, sign(&flipped(body, place)), "does-not-open");
    }
    for (name, point) in [("zero", 0), ("one", 1)] {
        let mut low = [0; 32];
        low[0] = point;
        let low = sign(&with(body, at + 20, &low));
        cases.add(
            format!("an encapsulated key of low order ({name})"),
            low,
            "does-not-open",
        );
    }
    let other = sign(&two_keys(body, at, second));
    cases.add(
        "a wrap of a secret other than the committed one",
        other,
        "not-committed",
    );
    let all = wraps(body);
    let short = all
        .iter()
        .find(|wrap| wrap.len() == 100 && !body[at..].starts_with(wrap));
    let moved = with(
        body,
        at + 20,
        &short.expect("there are two with X25519")[20..],
    );
    cases.add(
        "another reader's wrap in one's own",
        sign(&moved),
        "does-not-open",
    );
}

/// Envelopes that are good somewhere else.
fn elsewhere(cases: &mut Cases<'_>, open: &Open, roster: &Roster, others: &[&[u8]]) {
    let seal = |seed: u8, roster: &Roster, scope: Scope, at| {
        let secret = EpochSecret::new(scope, bartizan_domain::Secret::new(open.secret));
        let start = EpochStart {
            scope,
            start: at,
            previous: [Hash::ZERO; 2],
        };
        let mut out = Vec::new();
        envelope::seal(&key(seed), roster, &start, &secret, &mut out).expect("a good roster");
        split(&out)[0].body.to_vec()
    };
    let scope = Scope {
        camera: CAMERA,
        epoch: EpochId::new([5; 16]),
        ..open.scope
    };
    cases.add(
        "of another epoch of today",
        seal(SEALER_KEY, roster, scope, T0),
        "accepted",
    );
    let over = seal(SEALER_KEY, roster, scope, EXPIRY);
    cases.add("after the reader's time", over, "not-for-me");
    let camera = Scope {
        camera: OTHER,
        ..scope
    };
    let camera = seal(OTHER_SEALER_KEY, roster, camera, T0);
    cases.add(
        "of a camera that the reader may not watch",
        camera,
        "not-for-me",
    );
    let history = &cases.world.history;
    let old = history.at(roster.len() - 1).expect("it had this length");
    cases.add(
        "under an older roster",
        seal(SEALER_KEY, &old, scope, T0),
        "other-roster",
    );
    let new = seal(SEALER_KEY, history.current(), scope, T0);
    cases.add("under a newer roster", new, "other-roster");
    for (at, body) in others.iter().enumerate() {
        let length = bartizan_sealing::Envelope::decode(body)
            .expect("ours")
            .roster_len;
        let verdict = if length == roster.len() {
            "not-for-me"
        } else {
            "other-roster"
        };
        cases.add(
            format!("of the recording's epoch {}", at + 1),
            body.to_vec(),
            verdict,
        );
    }
    let neighbour = SiteId::new([8; 16]);
    let first = genesis(neighbour);
    let mut next = History::begin(first).expect("a genesis");
    let sealer = key(SEALER_KEY).public().id();
    let add = bartizan_identity::Operation::AddCamera {
        camera: CAMERA,
        sealer,
    };
    let place = next.current().next();
    let add = bartizan_identity::Statement::sign(&key(OWNER_KEY), neighbour, place, T0, add);
    next.append(add).expect("a camera");
    let scope = Scope {
        site: neighbour,
        ..scope
    };
    let other = seal(SEALER_KEY, next.current(), scope, T0);
    cases.add("of the household next door", other, "other-site");
}
