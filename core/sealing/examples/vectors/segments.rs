//! Segments, record by record: what a server, a thief of the epoch's secret and a torn disk can do.

use bartizan_domain::{CameraId, EpochId, Rendition, SiteId, Track, UtcMillis};
use bartizan_sealing::record::{Flags, HEADER_LEN};
use bartizan_sealing::{Kind, Scope, SegmentHeader};

use crate::edit::{Bytes, Cases, Layout, flipped, rechained, single, with};
use crate::film::{split, video_config};
use crate::house::{OTHER_SEALER_KEY, T0, key};
use crate::open::Open;

const HEADER: Layout = Layout(&[
    ("version", 1),
    ("cipher", 2),
    ("site", 16),
    ("camera", 16),
    ("rendition", 1),
    ("epoch", 16),
    ("segment number", 8),
    ("salt", 16),
    ("start", 8),
    ("session", 4),
    ("previous", 32),
    ("sealer", 16),
]);

const CLOSE: Layout = Layout(&[("segment number", 8), ("end", 8), ("bytes", 8), ("tag", 16)]);

/// The records at these places, chained anew.
fn pick(records: &[Bytes], places: &[usize]) -> Bytes {
    let picked: Vec<_> = places.iter().map(|at| records[*at].as_slice()).collect();
    rechained(&picked.concat())
}

pub(crate) fn cases(cases: &mut Cases<'_>, open: &Open, later: &Open, sub: &[u8]) {
    let header = open.header(200);
    let records = open.segment(&header);
    orders(cases, &records);
    splices(cases, open, later, &records, sub);
    record_headers(cases, &records);
    segment_headers(cases, open, &records);
    closes(cases, &records);
    clear_texts(cases, open);
}

fn orders(cases: &mut Cases<'_>, records: &[Bytes]) {
    let all: Vec<_> = (0..records.len()).collect();
    let (first, last) = (0, records.len() - 1);
    for len in 0..=records.len() {
        cases.add(
            format!("cut after {len} records"),
            pick(records, &all[..len]),
            "accepted",
        );
    }
    let whole = records.concat();
    for len in [1, 15, 16, 100, whole.len() - 1] {
        cases.add(
            format!("cut after {len} bytes"),
            whole[..len].to_vec(),
            "accepted",
        );
    }
    for at in first..last {
        let without: Vec<_> = all.iter().copied().filter(|place| *place != at).collect();
        let verdict = if at == first {
            "not-of-segment"
        } else {
            "out-of-order"
        };
        cases.add(
            format!("record {at} dropped"),
            pick(records, &without),
            verdict,
        );
    }
    for at in 1..=last {
        let mut repeated = all.clone();
        repeated.insert(at, at);
        let verdict = if at == last {
            "after-close"
        } else {
            "out-of-order"
        };
        cases.add(
            format!("record {at} repeated"),
            pick(records, &repeated),
            verdict,
        );
    }
    for at in first..last {
        let mut swapped = all.clone();
        swapped.swap(at, at + 1);
        let verdict = if at == first {
            "not-of-segment"
        } else {
            "out-of-order"
        };
        cases.add(
            format!("records {at} and {} swapped", at + 1),
            pick(records, &swapped),
            verdict,
        );
    }
    cases.add(
        "a frame after the close",
        pick(records, &[0, 1, 2, 3, 4, 5, 3]),
        "after-close",
    );
    cases.add("a close alone", pick(records, &[5]), "not-of-segment");
    cases.add(
        "the close as first record",
        pick(records, &[0, 5]),
        "out-of-order",
    );
    cases.add(
        "sound as first frame",
        pick(records, &[0, 2]),
        "out-of-order",
    );
}

fn splices(cases: &mut Cases<'_>, open: &Open, later: &Open, records: &[Bytes], sub: &[u8]) {
    let mut splice = |name: &str, records: &[Bytes], verdict: &str| {
        cases.add(name, rechained(&records.concat()), verdict);
    };
    let own = |at: usize| records[at].clone();
    let other = open.segment(&open.header(201));
    splice(
        "a frame of the next segment",
        &[own(0), other[1].clone()],
        "forged",
    );
    splice(
        "a later frame of the next segment",
        &[own(0), own(1), other[2].clone()],
        "forged",
    );
    let twin = SegmentHeader {
        salt: [77; 16],
        ..open.header(200)
    };
    let twin = open.segment(&twin);
    splice(
        "a frame of a segment with the same number",
        &[own(0), twin[1].clone()],
        "forged",
    );
    let close = [own(0), own(1), own(2), own(3), own(4), other[5].clone()];
    splice("the close of the next segment", &close, "forged");
    let elsewhere = |scope| Open { scope, ..*open };
    let camera = elsewhere(Scope {
        camera: CameraId::new([3; 16]),
        ..open.scope
    });
    let camera = camera.segment(&camera.header(200));
    splice(
        "a frame of another camera",
        &[own(0), camera[1].clone()],
        "forged",
    );
    splice("a segment of another camera", &camera, "other-scope");
    let site = elsewhere(Scope {
        site: SiteId::new([8; 16]),
        ..open.scope
    });
    let site = site.segment(&site.header(200));
    splice(
        "a frame of another site",
        &[own(0), site[1].clone()],
        "forged",
    );
    splice("a segment of another site", &site, "other-scope");
    let epoch = later.segment(&later.header(200));
    splice(
        "a frame of another epoch",
        &[own(0), epoch[1].clone()],
        "forged",
    );
    splice(
        "a segment of an epoch without envelope",
        &epoch,
        "no-envelope",
    );
    let renamed = elsewhere(Scope {
        epoch: EpochId::new([7; 16]),
        ..open.scope
    });
    let renamed = renamed.segment(&renamed.header(200));
    splice(
        "a segment of an epoch that never was",
        &renamed,
        "no-envelope",
    );
    splices_under_one_secret(cases, open, records, sub);
}

fn splices_under_one_secret(cases: &mut Cases<'_>, open: &Open, records: &[Bytes], sub: &[u8]) {
    let mut splice = |name: &str, records: &[Bytes], verdict: &str| {
        cases.add(name, rechained(&records.concat()), verdict);
    };
    let own = |at: usize| records[at].clone();
    let rendition = SegmentHeader {
        rendition: Rendition::Sub,
        ..open.header(200)
    };
    let rendition = open.segment(&rendition);
    splice(
        "a frame of the other rendition",
        &[own(0), rendition[1].clone()],
        "other-scope",
    );
    splice(
        "a segment of the other rendition",
        &rendition,
        "other-scope",
    );
    let first: Vec<_> = split(sub)
        .iter()
        .take(2)
        .map(|record| record.bytes.to_vec())
        .collect();
    splice("the sub stream's first records", &first, "other-scope");
    let stolen = Open {
        secret: [66; 32],
        ..*open
    };
    splice(
        "a segment under a stranger's secret",
        &stolen.segment(&open.header(200)),
        "forged",
    );
    let sealer = key(OTHER_SEALER_KEY).public().id();
    let foreign = SegmentHeader {
        sealer,
        ..open.header(200)
    };
    splice(
        "a segment of another camera's sealer",
        &open.segment(&foreign),
        "not-the-sealer",
    );
    // Frames prove themselves to those who hold the secret and could make them: only manifests tell.
    let member = SegmentHeader {
        start: UtcMillis(0),
        ..open.header(202)
    };
    splice(
        "a segment by a member who holds the secret",
        &open.segment(&member),
        "accepted",
    );
}

fn record_headers(cases: &mut Cases<'_>, records: &[Bytes]) {
    let at = records[0].len();
    let (one, three) = (pick(records, &[0, 1]), pick(records, &[0, 1, 2, 3]));
    let third = three.len() - records[3].len();
    cases.add(
        "the check field of a header",
        flipped(&one, 12),
        "wrong-check",
    );
    for byte in 12..16 {
        let name = format!("byte {byte} of a frame's header");
        cases.add(name, flipped(&one, at + byte), "wrong-check");
    }
    for kind in [0, 6, 255] {
        cases.add(
            format!("record kind {kind}"),
            with(&one, at + 4, &[kind]),
            "unknown",
        );
    }
    let as_close = rechained(&with(&three, third + 4, &[4]));
    cases.add("a frame as a close", as_close, "trailing");
    cases.add(
        "a frame as a manifest",
        with(&three, third + 4, &[5]),
        "unknown",
    );
    cases.add(
        "a frame as a segment header",
        with(&three, third + 4, &[2]),
        "unknown",
    );
    for flags in [4, 8, 128, 255] {
        cases.add(
            format!("record flags {flags}"),
            with(&one, at + 5, &[flags]),
            "unknown",
        );
    }
    cases.add(
        "the key flag cleared",
        rechained(&with(&one, at + 5, &[2])),
        "forged",
    );
    cases.add(
        "the config flag cleared",
        rechained(&with(&one, at + 5, &[1])),
        "out-of-order",
    );
    cases.add(
        "the key flag set",
        rechained(&with(&three, third + 5, &[1])),
        "forged",
    );
    cases.add(
        "the config flag set",
        rechained(&with(&three, third + 5, &[2])),
        "forged",
    );
    record_places(cases, records);
}

fn record_places(cases: &mut Cases<'_>, records: &[Bytes]) {
    let head = records[0].clone();
    let at = head.len();
    let (one, three) = (pick(records, &[0, 1]), pick(records, &[0, 1, 2, 3]));
    let third = three.len() - records[3].len();
    cases.add(
        "another rendition",
        rechained(&with(&one, at + 6, &[1])),
        "other-scope",
    );
    for code in [4, 255] {
        cases.add(
            format!("record rendition {code}"),
            with(&one, at + 6, &[code]),
            "unknown",
        );
        cases.add(
            format!("record track {code}"),
            with(&one, at + 7, &[code]),
            "unknown",
        );
    }
    cases.add(
        "another track, known",
        rechained(&with(&three, third + 7, &[1])),
        "forged",
    );
    cases.add(
        "another track, new",
        rechained(&with(&three, third + 7, &[2])),
        "out-of-order",
    );
    cases.add(
        "the first frame on another track",
        rechained(&with(&one, at + 7, &[1])),
        "out-of-order",
    );
    cases.add(
        "an index too high",
        rechained(&flipped(&one, at + 11)),
        "out-of-order",
    );
    cases.add(
        "an index far too high",
        rechained(&with(&one, at + 8, &[255; 4])),
        "out-of-order",
    );
    for (name, place) in [("a flag", 5), ("a track", 7), ("an index", 11)] {
        cases.add(
            format!("{name} on a segment header"),
            with(&head, place, &[1]),
            "unknown",
        );
    }
    let over = 8_388_609_u32.to_be_bytes();
    cases.add("a body over the limit", with(&one, at, &over), "too-long");
    cases.add("a body of 4 GiB", with(&one, at, &[255; 4]), "too-long");
    let largest = with(&one, at, &8_388_608_u32.to_be_bytes());
    cases.add(
        "a body at the limit that has not come yet",
        largest,
        "accepted",
    );
    bodies(cases, &one, at);
}

fn bodies(cases: &mut Cases<'_>, one: &[u8], at: usize) {
    let len = one.len() - at - HEADER_LEN;
    for byte in [0, len / 2, len - 17, len - 16, len - 1] {
        let changed = rechained(&flipped(one, at + HEADER_LEN + byte));
        cases.add(format!("byte {byte} of a frame's body"), changed, "forged");
    }
    let resized = |len: usize, bytes: &[u8]| {
        let len = u32::try_from(len).expect("short").to_be_bytes();
        rechained(&with(bytes, at, &len))
    };
    let shorter = resized(len - 1, &one[..one.len() - 1]);
    cases.add("a frame without its last byte", shorter, "forged");
    let longer = resized(len + 1, &[one, &[0]].concat());
    cases.add("a frame with a byte more", longer, "forged");
    let empty = resized(0, &one[..at + HEADER_LEN]);
    cases.add("an empty frame", empty, "forged");
    let tag = resized(15, &one[..at + HEADER_LEN + 15]);
    cases.add("a frame shorter than a tag", tag, "forged");
}

fn segment_headers(cases: &mut Cases<'_>, open: &Open, records: &[Bytes]) {
    let two = pick(records, &[0, 1]);
    for (name, first, last) in HEADER.fields() {
        let verdict = match name {
            "version" | "cipher" => "unknown",
            "site" | "camera" | "rendition" => "other-scope",
            "epoch" => "no-envelope",
            "sealer" => "not-the-sealer",
            _ => "forged",
        };
        for at in [first, last] {
            let changed = rechained(&flipped(&two, HEADER_LEN + at));
            cases.add(format!("another {name} (byte {at})"), changed, verdict);
            if first == last {
                break;
            }
        }
    }
    let code = |at: usize, new: &[u8]| rechained(&with(&two, HEADER_LEN + at, new));
    for version in [2, 255] {
        cases.add(
            format!("segment version {version}"),
            code(0, &[version]),
            "unknown",
        );
    }
    for (name, cipher) in [
        ("AES-128-GCM", [0, 1]),
        ("ChaCha20-Poly1305", [0, 3]),
        ("none", [255; 2]),
    ] {
        cases.add(format!("cipher {name}"), code(1, &cipher), "unknown");
    }
    cases.add("rendition 2 in the body", code(35, &[2]), "unknown");
    let body = open.header(200).encode();
    for (name, _, last) in HEADER.fields() {
        let cut = single(Kind::SegmentHeader, &body[..last]);
        cases.add(
            format!("a header that ends within its {name}"),
            cut,
            "short",
        );
    }
    let longer = single(Kind::SegmentHeader, &[body.as_slice(), &[0]].concat());
    cases.add("a header with a byte more", longer, "trailing");
    cases.add("an empty header", single(Kind::SegmentHeader, &[]), "short");
}

fn closes(cases: &mut Cases<'_>, records: &[Bytes]) {
    let whole = pick(records, &[0, 1, 2, 3, 4, 5]);
    let at = whole.len() - records[5].len();
    for (name, first, last) in CLOSE.fields() {
        for byte in [first, last] {
            let changed = rechained(&flipped(&whole, at + HEADER_LEN + byte));
            cases.add(
                format!("the close's {name} (byte {byte})"),
                changed,
                "forged",
            );
        }
    }
    cases.add(
        "the close's count",
        rechained(&flipped(&whole, at + 11)),
        "out-of-order",
    );
    cases.add(
        "the close's check field",
        flipped(&whole, at + 12),
        "wrong-check",
    );
    let resized = |len: u32, bytes: &[u8]| rechained(&with(bytes, at, &len.to_be_bytes()));
    let shorter = resized(39, &whole[..whole.len() - 1]);
    cases.add("a close without its last byte", shorter, "short");
    let longer = resized(41, &[whole.as_slice(), &[0]].concat());
    cases.add("a close with a byte more", longer, "trailing");
}

/// What only someone who holds the secret can do: any clear text under a good tag.
fn clear_texts(cases: &mut Cases<'_>, open: &Open) {
    let header = open.header(203);
    let fixed = |offset: i32| {
        let offset = offset.to_be_bytes();
        [
            T0.0.to_be_bytes().as_slice(),
            &9_000_i64.to_be_bytes(),
            &offset,
        ]
        .concat()
    };
    let vec16 = |bytes: &[u8]| {
        let len = u16::try_from(bytes.len()).expect("short").to_be_bytes();
        [len.as_slice(), bytes].concat()
    };
    let config = vec16(&video_config(64, 36));
    let first = Flags {
        key: true,
        config: true,
    };
    let mut add = |name: &str, clear: &[u8], verdict: &str| {
        cases.add(
            name,
            open.forge(&header, first, Track::Video, clear),
            verdict,
        );
    };
    add(
        "a good clear text",
        &[fixed(0), config.clone(), b"data".to_vec()].concat(),
        "accepted",
    );
    add("no data", &[fixed(0), config.clone()].concat(), "accepted");
    add(
        "the lowest decode offset",
        &[fixed(i32::MIN), config.clone()].concat(),
        "accepted",
    );
    add(
        "a decode offset above zero",
        &[fixed(1), config.clone()].concat(),
        "unknown",
    );
    add(
        "the highest decode offset",
        &[fixed(i32::MAX), config].concat(),
        "unknown",
    );
    add("an empty clear text", &[], "short");
    add(
        "a clear text that ends within its times",
        &fixed(0)[..19],
        "short",
    );
    add("a configuration without its length", &fixed(0), "short");
    add(
        "a configuration longer than the frame",
        &[fixed(0), vec![0, 1]].concat(),
        "short",
    );
    add(
        "a configuration over the limit",
        &[fixed(0), vec16(&[0; 4_201])].concat(),
        "too-long",
    );
}
