//! Envelopes in a stream, which the first reader opens with X-Wing, and the tools to break them.

use bartizan_identity::ReaderKey;
use bartizan_sealing::{Envelope, Kind, Record, Scope};

use crate::edit::{Bytes, Cases, flipped, resigned, single, with};
use crate::house::{SEALER_KEY, key};

pub(crate) fn cases(cases: &mut Cases<'_>, records: &[&[u8]], first: &ReaderKey) {
    let (record, _) = Record::split(records[0]).expect("ours").expect("whole");
    let body = record.body;
    let wrap = wrap_of(body, first);
    let sign = |body: &[u8]| resigned(b"bartizan/v1/envelope", body, &key(SEALER_KEY));
    let enc = wrap + 16 + 2 + 2;
    let envelope = |body: &[u8]| single(Kind::Envelope, body);
    cases.add("X-Wing: whole", envelope(body), "accepted");
    cases.add(
        "X-Wing: its ML-KEM part changed",
        envelope(&sign(&flipped(body, enc))),
        "does-not-open",
    );
    let x25519 = envelope(&sign(&flipped(body, enc + 1_119 - 31)));
    cases.add("X-Wing: its X25519 part changed", x25519, "does-not-open");
    let zero = envelope(&sign(&with(body, enc + 1_088, &[0; 32])));
    cases.add(
        "X-Wing: its X25519 part of low order",
        zero,
        "does-not-open",
    );
    let sealed = envelope(&sign(&flipped(body, enc + 1_120)));
    cases.add("X-Wing: its wrap changed", sealed, "does-not-open");
    let tag = envelope(&sign(&flipped(body, enc + 1_120 + 47)));
    cases.add("X-Wing: its wrap's tag changed", tag, "does-not-open");
    let secret = two_keys(body, wrap, first);
    cases.add(
        "X-Wing: a wrap of another secret",
        envelope(&sign(&secret)),
        "not-committed",
    );
    cases.add(
        "an envelope in the sub stream",
        with(records[0], 6, &[1]),
        "unknown",
    );
    cases.add(
        "the envelope's check field",
        flipped(records[0], 12),
        "wrong-check",
    );
    cases.add(
        "a flag on an envelope",
        with(records[0], 5, &[2]),
        "unknown",
    );
    cases.add(
        "an index on an envelope",
        with(records[0], 11, &[1]),
        "unknown",
    );
    let scope = |at| envelope(&sign(&flipped(body, at)));
    cases.add("an envelope for another site", scope(1), "other-site");
    cases.add("an envelope for another camera", scope(17), "other-scope");
    for (at, record) in records.iter().enumerate().skip(1) {
        cases.add(
            format!("the envelope of epoch {at}"),
            record.to_vec(),
            "accepted",
        );
    }
}

/// Where the wrap of `reader` begins in an envelope's body.
pub(crate) fn wrap_of(body: &[u8], reader: &ReaderKey) -> usize {
    let id = reader.public().id();
    let found = body.windows(16).position(|window| window == id.as_bytes());
    found.expect("the reader is a recipient")
}

/// The wrap at `wrap`, good in every way, of a secret that the sealer did not commit to.
pub(crate) fn two_keys(body: &[u8], wrap: usize, reader: &ReaderKey) -> Bytes {
    let envelope = Envelope::decode(body).expect("ours");
    let Scope {
        site,
        camera,
        epoch,
    } = envelope.scope;
    let (suite, id) = (reader.public().suite(), reader.public().id());
    let info = [
        b"bartizan/v1/epoch".as_slice(),
        site.as_bytes(),
        camera.as_bytes(),
        epoch.as_bytes(),
        envelope.roster_head.as_bytes(),
        id.as_bytes(),
        &suite.code().to_be_bytes(),
    ];
    let other = [43; 32];
    let wrapped = reader
        .public()
        .wrap(&info.concat(), envelope.commitment.as_bytes(), &other);
    let (enc, sealed) = wrapped.expect("a good key");
    with(body, wrap + 16 + 2 + 2, &[enc, sealed].concat())
}
