//! Whole recordings: what a disk, a recorder, a thief and a member can do to them, and what the offline
//! check finds. Findings are this implementation's; the writer makes sure that every change that is not on
//! the short list of harmless ones is found.

use bartizan_domain::{GapReason, Hash, Secret, Track};
use bartizan_sealing::record::check_of;
use bartizan_sealing::{
    EpochSecret, Frame, Gap, Head, HeadState, Kind, Manifest, Record, Scope, SegmentHeader,
    SegmentSealer,
};

use crate::edit::{Bytes, rechained};
use crate::film::{Noise, split, video_config};
use crate::format::{Hex, Recording};
use crate::house::{GATEWAY_KEY, OTHER, OTHER_SEALER_KEY, SEALER_KEY, SITE, STRANGER_KEY, key};
use crate::judge::{World, kinds};
use crate::open::Open;

/// The main recording, seen as records.
struct Film<'a> {
    world: &'a World,
    main: &'a [u8],
    records: Vec<Record<'a>>,
    /// Where each record begins, and the end.
    ends: Vec<usize>,
    list: Vec<Recording>,
}

impl<'a> Film<'a> {
    fn new(world: &'a World, main: &'a [u8]) -> Self {
        let records = split(main);
        let mut ends = vec![0];
        for record in &records {
            ends.push(ends[ends.len() - 1] + record.bytes.len());
        }
        Self {
            world,
            main,
            records,
            ends,
            list: Vec::new(),
        }
    }

    fn places(&self, kind: Kind) -> Vec<usize> {
        let all = 0..self.records.len();
        all.filter(|at| self.records[*at].header.kind == kind)
            .collect()
    }

    /// Byte ranges of these records, joined where they touch.
    fn keep(&self, places: &[usize]) -> Vec<(usize, usize)> {
        let mut out: Vec<(usize, usize)> = Vec::new();
        for at in places {
            let (from, to) = (self.ends[*at], self.ends[at + 1]);
            match out.last_mut() {
                Some(last) if last.1 == from => last.1 = to,
                _ => out.push((from, to)),
            }
        }
        out
    }

    fn add(
        &mut self,
        name: &str,
        keep: Vec<(usize, usize)>,
        flip: Option<usize>,
        append: Bytes,
    ) -> bool {
        let (name, append, findings) = (name.to_owned(), Hex(append), Vec::new());
        let mut recording = Recording {
            name,
            keep,
            flip,
            append,
            findings,
        };
        recording.findings = kinds(&self.world.check(&recording.apply(self.main)));
        let whole = recording.findings.is_empty();
        self.list.push(recording);
        whole
    }

    /// Something that nobody can object to.
    fn harmless(&mut self, name: &str, places: &[usize]) {
        let keep = self.keep(places);
        assert!(
            self.add(name, keep, None, Vec::new()),
            "{name}: {:?}",
            self.list.last().map(|r| &r.findings)
        );
    }

    fn found(&mut self, name: &str, places: &[usize]) {
        let keep = self.keep(places);
        assert!(!self.add(name, keep, None, Vec::new()), "{name}");
    }

    /// Other bytes than the film's.
    fn foreign(&mut self, name: &str, bytes: Bytes, findings: &[&str]) {
        self.add(name, Vec::new(), None, bytes);
        let found = &self.list.last().expect("just added").findings;
        assert_eq!(found, findings, "{name}");
    }

    fn number(&self, at: usize) -> u64 {
        SegmentHeader::decode(self.records[at].body)
            .expect("ours")
            .number
    }
}

pub(crate) fn cases(world: &World, main: &[u8], sub: &[u8], open: &Open) -> Vec<Recording> {
    let mut film = Film::new(world, main);
    whole(&mut film);
    window(&mut film);
    gaps(&mut film);
    appended(&mut film, sub);
    forged(&mut film, open);
    film.list
}

fn whole(film: &mut Film<'_>) {
    let all: Vec<_> = (0..film.records.len()).collect();
    film.harmless("whole", &all);
    let headers = film.places(Kind::SegmentHeader);
    for at in headers.iter().copied().skip(1).step_by(3) {
        film.harmless(&format!("from segment {} on", film.number(at)), &all[at..]);
    }
    let manifests = film.places(Kind::Manifest);
    for at in manifests.iter().copied().step_by(4) {
        film.harmless(&format!("up to the manifest at record {at}"), &all[..=at]);
    }
    film.found("nothing but its end", &all[all.len() - 2..all.len() - 1]);
    film.add("no records", Vec::new(), None, Vec::new());
    let without: Vec<_> = all
        .iter()
        .copied()
        .filter(|at| !manifests.contains(at))
        .collect();
    film.found("without any manifest", &without);
    film.found("without its frames", &{
        let frames = film.places(Kind::Frame);
        all.iter()
            .copied()
            .filter(|at| !frames.contains(at))
            .collect::<Vec<_>>()
    });
}

/// Every single record of three segments dropped, repeated, swapped and changed.
fn window(film: &mut Film<'_>) {
    let headers = film.places(Kind::SegmentHeader);
    let (from, to) = (headers[2], headers[5]);
    let places: Vec<_> = (from..to).collect();
    film.harmless("three segments", &places);
    let last_header = headers[4];
    for at in from..to {
        let kind = film.records[at].header.kind;
        let without: Vec<_> = places
            .iter()
            .copied()
            .filter(|place| *place != at)
            .collect();
        let name = format!("record {at} dropped");
        // A recording may end before its last manifest, and may begin after its first header only with one.
        if at == to - 1 {
            let keep = film.keep(&without);
            film.add(&name, keep, None, Vec::new());
        } else {
            film.found(&name, &without);
        }
        let mut repeated = places.clone();
        repeated.insert(at - from, at);
        film.found(&format!("record {at} repeated"), &repeated);
        if at + 1 < to {
            let mut swapped = places.clone();
            swapped.swap(at - from, at - from + 1);
            film.found(&format!("records {at} and {} swapped", at + 1), &swapped);
        }
        let cut: Vec<_> = (from..=at).collect();
        let keep = film.keep(&cut);
        film.add(&format!("cut after record {at}"), keep, None, Vec::new());
        let whole = film.keep(&places);
        for byte in flips(kind, film.ends[at + 1] - film.ends[at]) {
            let flip = Some(film.ends[at] + byte);
            let found = !film.add(
                &format!("byte {byte} of record {at} changed"),
                whole.clone(),
                flip,
                Vec::new(),
            );
            assert!(found, "byte {byte} of record {at}");
        }
        if at == last_header {
            let inside = vec![(film.ends[from], film.ends[at] + 40)];
            film.add("cut inside a segment header", inside, None, Vec::new());
        }
    }
    let segment = |at: usize| (headers[at]..headers[at + 1]).collect::<Vec<_>>();
    film.found(
        "the second of three segments dropped",
        &[segment(2), segment(4)].concat(),
    );
    film.found(
        "a segment twice",
        &[segment(2), segment(3), segment(3), segment(4)].concat(),
    );
    film.found(
        "two segments swapped",
        &[segment(3), segment(2), segment(4)].concat(),
    );
    film.found("backwards", &[segment(4), segment(3), segment(2)].concat());
}

/// Which bytes of a record are changed: the header's, then some of the body's.
fn flips(kind: Kind, len: usize) -> Vec<usize> {
    let body = match kind {
        Kind::Frame => vec![16, len - 1],
        Kind::SegmentHeader => vec![16, 18, 34, 51, 52, 75, 76, 92, 104, 136, len - 1],
        Kind::SegmentClose => vec![16, 31, 32, 40, len - 1],
        _ => vec![
            16,
            17,
            33,
            49,
            50,
            66,
            82,
            121,
            129,
            130,
            162,
            163,
            171,
            len - 64,
            len - 1,
        ],
    };
    if kind == Kind::Frame {
        body
    } else {
        [vec![3, 4, 5, 6, 7, 11, 12, 15], body].concat()
    }
}

/// Where the film has signed gaps: each gap's manifest dropped, and the segments beside it.
fn gaps(film: &mut Film<'_>) {
    let all: Vec<_> = (0..film.records.len()).collect();
    let headers = film.places(Kind::SegmentHeader);
    let mut seen = Vec::new();
    for at in film.places(Kind::Manifest) {
        let manifest = Manifest::decode(film.records[at].body).expect("ours");
        let Some(gap) = manifest.gaps.first() else {
            continue;
        };
        seen.push(gap.reason);
        let mut earlier = headers.iter().rev().filter(|header| **header < at);
        let before = earlier.nth(2).copied().unwrap_or(0);
        let next = headers.iter().find(|header| **header > at).copied();
        let end = next.and_then(|next| headers.iter().find(|header| **header > next).copied());
        let near: Vec<_> = all[before..end.unwrap_or(all.len())].to_vec();
        film.harmless(&format!("around the gap {:?}", gap.reason), &near);
        let without: Vec<_> = near.iter().copied().filter(|place| *place != at).collect();
        film.found(
            &format!("without the manifest of the gap {:?}", gap.reason),
            &without,
        );
    }
    assert!(seen.contains(&GapReason::Restart) && seen.contains(&GapReason::CameraOffline));
    assert!(seen.contains(&GapReason::DiskFull));
}

fn appended(film: &mut Film<'_>, sub: &[u8]) {
    let headers = film.places(Kind::SegmentHeader);
    let (from, to) = (headers[2], headers[4]);
    let places: Vec<_> = (from..to).collect();
    let keep = film.keep(&places);
    let sub = split(sub);
    let of_sub = |kind| {
        sub.iter()
            .find(|r| r.header.kind == kind)
            .expect("it has one")
            .bytes
            .to_vec()
    };
    let next = film.records[to].bytes.to_vec();
    let torn = next[..next.len() - 1].to_vec();
    for (name, bytes, finding) in [
        ("a byte behind", vec![0], "malformed"),
        ("a torn record behind", torn, "malformed"),
        (
            "an envelope behind",
            film.world.envelopes[0].clone(),
            "malformed",
        ),
        (
            "a record of an unknown kind behind",
            [0, 0, 0, 0, 9].repeat(4)[..16].to_vec(),
            "malformed",
        ),
        (
            "the sub stream's header behind",
            of_sub(Kind::SegmentHeader),
            "elsewhere",
        ),
        (
            "the sub stream's manifest behind",
            of_sub(Kind::Manifest),
            "elsewhere",
        ),
        (
            "the sub stream's frame behind",
            of_sub(Kind::Frame),
            "out-of-order",
        ),
        (
            "a frame behind the close",
            film.records[from + 1].bytes.to_vec(),
            "out-of-order",
        ),
    ] {
        film.add(name, keep.clone(), None, bytes);
        let found = &film.list.last().expect("just added").findings;
        assert!(
            found.iter().any(|kind| kind == finding),
            "{name}: {found:?}"
        );
    }
}

/// Segments and manifests by those who hold a secret or a signing key.
fn forged(film: &mut Film<'_>, open: &Open) {
    let headers = film.places(Kind::SegmentHeader);
    let (from, to) = (headers[2], headers[4]);
    let genuine = film.main[film.ends[from]..film.ends[to]].to_vec();
    let record = |at: usize| film.records[at].bytes.to_vec();
    let last = to - 1;
    let manifest = Manifest::decode(film.records[last].body).expect("ours");
    let second = SegmentHeader::decode(film.records[headers[3]].body).expect("ours");
    let own = segment(&open.epoch(), &second);
    let before = film.main[film.ends[from]..film.ends[headers[3]]].to_vec();
    let closing = record(last);
    let member = [before.clone(), own.clone(), closing].concat();
    film.foreign(
        "a member's segment under the sealer's manifest",
        member,
        &["not-as-signed", "unsigned"],
    );
    let alone = [before.clone(), own.clone()].concat();
    film.foreign(
        "a member's segment without a manifest",
        alone,
        &["unsigned"],
    );
    let head = head_of(&own);
    let signed = |manifest: &Manifest, seed: u8| {
        let mut out = Vec::new();
        let sealer = if seed == 0 {
            manifest.sealer
        } else {
            key(seed).public().id()
        };
        let manifest = Manifest {
            sealer,
            heads: vec![head],
            ..manifest.clone()
        };
        manifest.sign(&key(if seed == 0 { STRANGER_KEY } else { seed }), &mut out);
        [before.clone(), own.clone(), out].concat()
    };
    for (name, seed) in [
        ("a stranger's manifest in the sealer's name", 0),
        ("a stranger's manifest", STRANGER_KEY),
        ("the gateway's manifest", GATEWAY_KEY),
        ("another camera's sealer's manifest", OTHER_SEALER_KEY),
    ] {
        film.foreign(name, signed(&manifest, seed), &["bad-manifest", "unsigned"]);
    }
    film.foreign("the sealer's manifest", signed(&manifest, SEALER_KEY), &[]);
    edited(film, &manifest, &signed);
    ahead(
        film,
        &manifest,
        [before.clone(), own.clone()].concat(),
        head,
    );
    strangers(film, &genuine, &second);
    unsealed(film, open, &second, &before);
    recovered(film, &before, &manifest);
}

/// The sealer's manifest speaks of segments that are not in the recording.
fn ahead(film: &mut Film<'_>, manifest: &Manifest, recording: Bytes, head: Head) {
    let number = head.segment.number + 2;
    let segment = bartizan_sealing::SegmentEnd {
        number,
        ..head.segment
    };
    let heads = vec![Head { segment, ..head }];
    let mut out = recording;
    Manifest {
        heads,
        ..manifest.clone()
    }
    .sign(&key(SEALER_KEY), &mut out);
    let name = "a manifest of segments that are not there";
    film.foreign(name, out, &["missing", "unsigned"]);
}

/// Segments of other cameras and sites behind genuine ones.
fn strangers(film: &mut Film<'_>, genuine: &[u8], second: &SegmentHeader) {
    let epoch = |scope: Scope| {
        let secret = EpochSecret::new(scope, Secret::new([9; 32]));
        let header = SegmentHeader { scope, ..*second };
        [genuine, segment(&secret, &header).as_slice()].concat()
    };
    let camera = epoch(Scope {
        camera: OTHER,
        ..second.scope
    });
    let findings = ["elsewhere", "out-of-order"];
    film.foreign("a segment of another camera", camera, &findings);
    let site = bartizan_domain::SiteId::new([8; 16]);
    let site = epoch(Scope {
        site,
        ..second.scope
    });
    film.foreign("a segment of another site", site, &findings);
}

/// What is done to a manifest, and what is found then.
type Edit = (&'static str, fn(&mut Manifest), &'static [&'static str]);

/// Manifests that the sealer signs and that do not fit.
fn edited(film: &mut Film<'_>, manifest: &Manifest, signed: &dyn Fn(&Manifest, u8) -> Bytes) {
    let edits: [Edit; 8] = [
        (
            "another envelope's manifest",
            |m| m.envelope = Hash::new([9; 32]),
            &["bad-manifest", "unsigned"],
        ),
        (
            "a manifest of another camera",
            |m| m.scope.camera = OTHER,
            &["elsewhere", "unsigned"],
        ),
        (
            "a manifest of another site",
            |m| m.scope.site = bartizan_domain::SiteId::new([8; 16]),
            &["elsewhere", "unsigned"],
        ),
        (
            "a manifest that skips a counter",
            |m| m.counter += 1,
            &["broken-manifests"],
        ),
        (
            "a manifest that goes back",
            |m| m.counter -= 1,
            &["broken-manifests"],
        ),
        (
            "a manifest with another predecessor",
            |m| m.previous = Hash::ZERO,
            &["broken-manifests"],
        ),
        (
            "a manifest 11 s later",
            |m| m.time = m.time.saturating_add(11_000),
            &["silent"],
        ),
        (
            "a manifest with a gap over it",
            |m| m.gaps = vec![over(m)],
            &[],
        ),
    ];
    for (name, edit, findings) in edits {
        let mut edited = manifest.clone();
        edit(&mut edited);
        film.foreign(name, signed(&edited, SEALER_KEY), findings);
    }
}

/// The sealer's next process speaks of the last segment whether it found its close or not.
fn recovered(film: &mut Film<'_>, before: &[u8], manifest: &Manifest) {
    let records = split(before);
    let closed: Vec<_> = records
        .iter()
        .filter(|record| record.header.kind != Kind::Manifest)
        .flat_map(|record| record.bytes)
        .copied()
        .collect();
    let cut = &closed[..closed.len() - 56];
    for (name, bytes) in [("cut short", cut), ("closed", closed.as_slice())] {
        let mut head = head_of(bytes);
        head.state = HeadState::Recovered;
        let mut out = bytes.to_vec();
        Manifest {
            heads: vec![head],
            ..manifest.clone()
        }
        .sign(&key(SEALER_KEY), &mut out);
        film.foreign(&format!("a segment that was found {name}"), out, &[]);
    }
}

fn over(manifest: &Manifest) -> Gap {
    let time = manifest.time;
    let (reason, first_segment, segments) = (GapReason::Overload, 0, 0);
    Gap {
        reason,
        from: time,
        to: time,
        first_segment,
        segments,
    }
}

/// Segments of epochs whose envelope is missing or is another's.
fn unsealed(film: &mut Film<'_>, open: &Open, second: &SegmentHeader, before: &[u8]) {
    let mut noise = Noise(7);
    let mut unknown = [0; 16];
    noise.fill(&mut unknown);
    let scope = Scope {
        epoch: bartizan_domain::EpochId::new(unknown),
        ..second.scope
    };
    let header = SegmentHeader { scope, ..*second };
    let without = segment(&EpochSecret::new(scope, Secret::new([9; 32])), &header);
    film.foreign(
        "a segment without an envelope",
        [before, &without].concat(),
        &["no-envelope", "unsigned"],
    );
    let sealer = key(OTHER_SEALER_KEY).public().id();
    let stolen = segment(&open.epoch(), &SegmentHeader { sealer, ..*second });
    film.foreign(
        "a segment of another sealer",
        [before, &stolen].concat(),
        &["unsigned"],
    );
    let twisted = SegmentHeader {
        previous: Hash::new([7; 32]),
        ..*second
    };
    let twisted = segment(&open.epoch(), &twisted);
    film.foreign(
        "a segment that follows another",
        [before, &twisted].concat(),
        &["spliced", "unsigned"],
    );
    assert_eq!(second.scope.site, SITE);
}

/// Two frames and a close, by someone who holds the secret.
fn segment(secret: &EpochSecret, header: &SegmentHeader) -> Bytes {
    let config = video_config(64, 36);
    let mut out = Vec::new();
    let mut sealer = SegmentSealer::begin(secret, header, &mut out);
    for key in [true, false] {
        let frame = Frame {
            track: Track::Video,
            key,
            captured: header.start,
            pts: 0,
            decode_offset: 0,
            config: key.then_some(config.as_slice()),
            data: b"forged",
        };
        sealer.frame(&frame, &mut out).expect("a small frame");
    }
    sealer.close(header.start.saturating_add(800), &mut out);
    rechained(&out)
}

/// What an honest manifest would say of `bytes`.
fn head_of(bytes: &[u8]) -> Head {
    let mut chain = Hash::ZERO;
    let records = split(bytes);
    for record in &records {
        chain = record.chain_after(&chain).expect("ours");
    }
    let number = SegmentHeader::decode(records[0].body).expect("ours").number;
    let frames = records
        .iter()
        .filter(|record| record.header.kind == Kind::Frame)
        .count();
    let frames = u32::try_from(frames).expect("few");
    let last = records[records.len() - 1];
    assert_eq!(check_of(&chain), last.check);
    let segment = bartizan_sealing::SegmentEnd {
        number,
        frames,
        chain,
    };
    Head {
        state: HeadState::Closed,
        segment,
    }
}
