//! Manifests, one by one: who may sign, and what is one.

use bartizan_domain::Rendition;
use bartizan_identity::Signature;
use bartizan_sealing::record::append_single;
use bartizan_sealing::{Kind, Record};

use crate::edit::{Bytes, Cases, Layout, flipped, resigned, single, with};
use crate::house::{
    GATEWAY_KEY, OTHER_SEALER_KEY, OWNER_KEY, RECOVERY_KEY, SEALER_KEY, STRANGER_KEY, key,
};

const CONTEXT: &[u8] = b"bartizan/v1/manifest";

const HEAD: Layout = Layout(&[
    ("version", 1),
    ("site", 16),
    ("camera", 16),
    ("rendition", 1),
    ("epoch", 16),
    ("sealer", 16),
    ("envelope", 32),
    ("counter", 8),
    ("time", 8),
    ("previous", 32),
]);

/// Bytes before the heads.
const HEAD_LEN: usize = 146;

/// A head: number, frames, state, chain.
const ENTRY: usize = 8 + 4 + 1 + 32;

fn sign(body: &[u8]) -> Bytes {
    resigned(CONTEXT, body, &key(SEALER_KEY))
}

/// With other heads and gaps, signed by the sealer.
fn filled(body: &[u8], heads: &[Bytes], gaps: &[Bytes]) -> Bytes {
    let count = |list: &[Bytes]| [u8::try_from(list.len()).expect("few")];
    let parts = [
        &body[..HEAD_LEN],
        &count(heads),
        &heads.concat(),
        &count(gaps),
        &gaps.concat(),
        &[0; Signature::LEN],
    ];
    single(Kind::Manifest, &sign(&parts.concat()))
}

fn head(state: u8) -> Bytes {
    [[0; 12].as_slice(), &[state], &[7; 32]].concat()
}

fn gap(reason: u8) -> Bytes {
    [&[reason], [0; 32].as_slice()].concat()
}

pub(crate) fn cases(cases: &mut Cases<'_>, record: &Record<'_>) {
    let body = record.body;
    let single = |body: &[u8]| single(Kind::Manifest, body);
    cases.add("whole", record.bytes.to_vec(), "accepted");
    cases.add("signed anew", single(&sign(body)), "accepted");
    for (name, first, last) in HEAD.fields() {
        for at in [first, last] {
            let (plain, signed) = match name {
                "version" => ("unknown", Some("unknown")),
                "rendition" => ("other-scope", Some("other-scope")),
                "sealer" => ("not-the-sealer", Some("not-the-sealer")),
                // Whether it is this household's and camera's is asked by whoever has a stream.
                "site" => break,
                "camera" => ("bad-signature", None),
                _ => ("bad-signature", Some("accepted")),
            };
            let changed = flipped(body, at);
            cases.add(
                format!("another {name} (byte {at})"),
                single(&changed),
                plain,
            );
            if let Some(verdict) = signed {
                let changed = single(&sign(&changed));
                cases.add(
                    format!("another {name} (byte {at}), signed"),
                    changed,
                    verdict,
                );
            }
            if first == last {
                break;
            }
        }
        cases.add(
            format!("cut within its {name}"),
            single(&body[..last]),
            "short",
        );
    }
    for version in [2, 255] {
        let other = single(&sign(&with(body, 0, &[version])));
        cases.add(format!("version {version}"), other, "unknown");
    }
    lists(cases, body);
    signers(cases, body);
    records(cases, record);
}

fn lists(cases: &mut Cases<'_>, body: &[u8]) {
    let heads = |count: usize| vec![head(2); count];
    let gaps = |count: usize| vec![gap(1); count];
    cases.add("no heads, no gaps", filled(body, &[], &[]), "accepted");
    cases.add(
        "4 heads, 32 gaps",
        filled(body, &heads(4), &gaps(32)),
        "accepted",
    );
    cases.add("5 heads", filled(body, &heads(5), &[]), "too-long");
    cases.add("33 gaps", filled(body, &[], &gaps(33)), "too-long");
    for state in 0..=4 {
        let known = (1..=3).contains(&state);
        let verdict = if known { "accepted" } else { "unknown" };
        cases.add(
            format!("state {state}"),
            filled(body, &[head(state)], &[]),
            verdict,
        );
    }
    for reason in 0..=11 {
        let known = (1..=10).contains(&reason);
        let verdict = if known { "accepted" } else { "unknown" };
        cases.add(
            format!("reason {reason}"),
            filled(body, &[], &[gap(reason)]),
            verdict,
        );
    }
    let mut cut = head(2);
    cut.truncate(ENTRY - 1);
    cases.refused("a head without its last byte", filled(body, &[cut], &[]));
    let more = [body, &[0]].concat();
    cases.add("a byte more", single(Kind::Manifest, &more), "trailing");
    cases.add(
        "a byte more, signed",
        single(Kind::Manifest, &sign(&more)),
        "trailing",
    );
    let less = &body[..body.len() - 1];
    cases.add("a byte less", single(Kind::Manifest, less), "short");
    cases.add("empty", single(Kind::Manifest, &[]), "short");
}

fn signers(cases: &mut Cases<'_>, body: &[u8]) {
    for (name, seed) in [
        ("a stranger", STRANGER_KEY),
        ("the gateway", GATEWAY_KEY),
        ("the owner", OWNER_KEY),
        ("the recovery words", RECOVERY_KEY),
        ("another camera's sealer", OTHER_SEALER_KEY),
    ] {
        let forged = single(Kind::Manifest, &resigned(CONTEXT, body, &key(seed)));
        cases.add(format!("signed by {name}"), forged, "bad-signature");
        let id = key(seed).public().id();
        let named = resigned(CONTEXT, &with(body, 50, id.as_bytes()), &key(seed));
        let named = single(Kind::Manifest, &named);
        cases.add(
            format!("signed by {name} with their own name"),
            named,
            "not-the-sealer",
        );
    }
    let envelope = resigned(b"bartizan/v1/envelope", body, &key(SEALER_KEY));
    cases.add(
        "signed as an envelope",
        single(Kind::Manifest, &envelope),
        "bad-signature",
    );
    for at in [body.len() - Signature::LEN, body.len() - 1] {
        let changed = single(Kind::Manifest, &flipped(body, at));
        cases.add(
            format!("a changed signature (byte {at})"),
            changed,
            "bad-signature",
        );
    }
}

fn records(cases: &mut Cases<'_>, record: &Record<'_>) {
    let whole = record.bytes;
    for at in 12..16 {
        cases.add(
            format!("byte {at} of its header"),
            flipped(whole, at),
            "wrong-check",
        );
    }
    for (name, at, new) in [
        ("a flag", 5, 1),
        ("both flags", 5, 3),
        ("a track", 7, 1),
        ("an index", 11, 1),
        ("a kind that is none", 4, 6),
        ("a rendition that is none", 6, 2),
    ] {
        cases.add(name, with(whole, at, &[new]), "unknown");
    }
    let mut sub = Vec::new();
    append_single(&mut sub, Kind::Manifest, Rendition::Sub, record.body);
    cases.add("in the other rendition's record", sub, "other-scope");
    let frame = with(whole, 4, &[3]);
    cases.add("as a frame", frame, "not-of-segment");
    let envelope = with(whole, 4, &[1]);
    cases.add("as an envelope", envelope, "not-of-segment");
}
