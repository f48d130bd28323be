//! The vectors of `fixtures/sealed-stream/`: what was written once must still be read the same way, and what
//! was refused must still be refused with the same word. `web/` is held to the same files.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use bartizan_domain::{Hash, Rendition, Secret, UtcMillis};
use bartizan_identity::keystore::Keystore;
use bartizan_identity::recovery::RecoveryKey;
use bartizan_identity::roster::History;
use bartizan_identity::{ReaderKey, SigningKey, Statement, Suite};
use bartizan_sealing::{
    Envelope, EpochSecret, HeadState, Kind, Manifest, Record, SegmentHeader, SegmentOpener,
};
use serde::de::DeserializeOwned;

use crate::format::{Case, Entitled, FrameText, Hex, Household, Keys, Recording};
use crate::judge::{World, kinds, of_keystore, of_words};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/sealed-stream")
}

fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(folder().join(name)).unwrap()
}

fn json<T: DeserializeOwned>(name: &str) -> T {
    serde_json::from_slice(&bytes(name)).unwrap()
}

static HOME: LazyLock<Household> = LazyLock::new(|| json("household.json"));

fn statements() -> Vec<Statement> {
    let read = |bytes: &Hex| Statement::decode(&bytes.0).unwrap();
    HOME.statements.iter().map(read).collect()
}

fn world() -> World {
    let genesis = HOME.genesis.parse().unwrap();
    let reader = |reader: &crate::format::Reader| {
        let suite = Suite::from_code(reader.suite).unwrap();
        ReaderKey::from_seed(suite, Secret::new([reader.seed; 32]))
    };
    World {
        history: History::replay(genesis, statements()).unwrap(),
        camera: HOME.camera.parse().unwrap(),
        readers: HOME.readers.iter().map(reader).collect(),
        envelopes: HOME
            .envelopes
            .iter()
            .map(|one| one.record.0.clone())
            .collect(),
    }
}

fn split(mut bytes: &[u8]) -> Vec<Record<'_>> {
    let mut out = Vec::new();
    while let Some((record, rest)) = Record::split(bytes).unwrap() {
        out.push(record);
        bytes = rest;
    }
    assert!(bytes.is_empty());
    out
}

#[test]
fn statements_are_signed_to_the_same_bytes_and_heads() {
    let statements = statements();
    for (at, statement) in statements.iter().enumerate() {
        let key = SigningKey::from_seed(&Secret::new([HOME.authors[at]; 32]));
        let next = (statement.sequence, statement.previous);
        let operation = statement.operation.clone();
        let again = Statement::sign(&key, statement.site, next, statement.time, operation);
        assert_eq!(again.as_bytes(), statement.as_bytes());
        assert_eq!(statement.hash().to_string(), HOME.heads[at]);
    }
    assert_eq!(HOME.heads.len(), statements.len());
}

#[test]
fn the_same_keys_are_entitled_after_each_statement() {
    let history = world().history;
    for Entitled {
        statements,
        camera,
        time,
        keys,
    } in &HOME.entitled
    {
        let roster = history.at(*statements).unwrap();
        let time = UtcMillis(time.parse().unwrap());
        let found = roster.recipients(camera.parse().unwrap(), time);
        let found: Vec<_> = found.iter().map(|one| one.key.id().to_string()).collect();
        assert_eq!(&found, keys, "{statements} statements");
    }
    assert_eq!(HOME.entitled.len(), 3 * HOME.statements.len());
}

#[test]
fn recovery_words_and_key_stores_give_the_same() {
    let Keys { words, keystores } = json("keys.json");
    for case in &words {
        let parsed = RecoveryKey::parse(&case.text);
        let verdict = parsed
            .as_ref()
            .map_or_else(|error| of_words(*error), |_| "accepted");
        assert_eq!(verdict, case.verdict, "{}", case.name);
        let gives = parsed.ok().map(|key| {
            let identity = Hex(key.identity().public().as_bytes().to_vec());
            let reader = key.reader().public().id().to_string();
            (identity, reader, Hex(key.lock().expose().to_vec()))
        });
        assert!(gives == case.gives, "{}", case.name);
    }
    for case in &keystores {
        let lock = Secret::new(<[u8; 32]>::try_from(case.lock.0.as_slice()).unwrap());
        let opened = Keystore::unlock(&case.locked.0, &lock);
        assert_eq!(of_keystore(&opened), case.verdict, "{}", case.name);
        let clear = opened
            .ok()
            .map(|store| Hex(store.encode().expose().clone()));
        assert!(clear == case.clear, "{}", case.name);
    }
}

#[test]
fn every_epoch_opens_to_its_secret_for_its_readers_alone() {
    let World {
        history, readers, ..
    } = world();
    let mut opened = [0; 2];
    for epoch in &HOME.envelopes {
        let records = split(&epoch.record.0);
        let envelope = Envelope::decode(records[0].body).unwrap();
        assert_eq!(envelope.scope.epoch.to_string(), epoch.id);
        assert_eq!(envelope.commitment.to_string(), epoch.commitment);
        let roster = history.at(envelope.roster_len).unwrap();
        let verified = envelope.verify(&roster).unwrap();
        let scope = verified.envelope().scope;
        let secret = Secret::new(<[u8; 32]>::try_from(epoch.secret.0.as_slice()).unwrap());
        let secret = EpochSecret::new(scope, secret);
        for (count, reader) in opened.iter_mut().zip(&readers) {
            if let Ok(found) = verified.open(reader) {
                assert_eq!(found.commitment(), secret.commitment());
                *count += 1;
            }
        }
    }
    assert_eq!(opened, [HOME.envelopes.len(), 1]);
}

/// Every frame that opens with the first reader's key.
fn frames(rendition: Rendition, file: &str) -> Vec<FrameText> {
    let World {
        history,
        readers,
        envelopes,
        ..
    } = world();
    let open = |record: &Record<'_>| {
        let header = SegmentHeader::decode(record.body).unwrap();
        let envelope = envelopes
            .iter()
            .map(|bytes| Envelope::decode(&bytes[16..]).unwrap());
        let mut mine = envelope.filter(|one| one.scope == header.scope);
        let envelope = mine.next().unwrap();
        let roster = history.at(envelope.roster_len).unwrap();
        let secret = envelope.verify(&roster).unwrap().open(&readers[0]).unwrap();
        SegmentOpener::begin(&secret, record).unwrap()
    };
    let (bytes, mut out) = (bytes(file), Vec::new());
    let mut opener: Option<SegmentOpener> = None;
    for record in split(&bytes) {
        match (record.header.kind, &mut opener) {
            (Kind::SegmentHeader, _) => opener = Some(open(&record)),
            (Kind::SegmentClose, Some(opener)) => drop(opener.close(&record).unwrap()),
            (Kind::Frame, Some(opener)) => {
                let frame = opener.frame(&record).unwrap();
                out.push(FrameText {
                    rendition: rendition.to_string(),
                    track: format!("{:?}", frame.track).to_lowercase(),
                    key: frame.key,
                    captured: frame.captured.0.to_string(),
                    pts: frame.pts.to_string(),
                    decode_offset: frame.decode_offset,
                    data: Hex(frame.data.to_vec()),
                });
            }
            _ => {}
        }
    }
    out
}

#[test]
fn both_recordings_are_whole_and_open_to_the_same_frames() {
    for (rendition, file) in [(Rendition::Main, "main.bin"), (Rendition::Sub, "sub.bin")] {
        let report = world().check(&bytes(file));
        assert!(report.is_whole(), "{:?}", report.findings);
        let name = rendition.to_string();
        let expected = HOME.frames.iter().filter(|frame| frame.rendition == name);
        assert!(frames(rendition, file).iter().eq(expected), "{file}");
    }
}

#[test]
fn the_recordings_hold_what_they_are_there_for() {
    let main = bytes("main.bin");
    let (mut continued, mut tracks) = (0, BTreeSet::new());
    let (mut states, mut reasons) = (BTreeSet::new(), BTreeSet::new());
    let (mut configs, mut after_header, mut inside) = (0, false, 0);
    for record in split(&main).iter().chain(&split(&bytes("sub.bin"))) {
        match record.header.kind {
            Kind::Manifest => {
                let manifest = Manifest::decode(record.body).unwrap();
                inside += manifest
                    .heads
                    .iter()
                    .filter(|h| h.state == HeadState::Running)
                    .count();
                states.extend(manifest.heads.iter().map(|head| head.state as u8));
                reasons.extend(manifest.gaps.iter().map(|gap| gap.reason));
            }
            Kind::Frame => {
                let flags = record.header.flags;
                continued += u32::from(after_header && !flags.key);
                configs += u32::from(flags.config);
                tracks.insert(record.header.track);
            }
            _ => {}
        }
        after_header = record.header.kind == Kind::SegmentHeader;
    }
    assert_eq!((states.len(), tracks.len()), (3, 4));
    assert!(reasons.len() >= 3 && continued >= 3 && inside >= 3 && configs > 50);
}

#[test]
fn g_22_n_4_p12_every_case_has_its_verdict() {
    let (world, cases) = (world(), json::<Vec<Case>>("cases.json"));
    assert!(cases.len() > 500);
    for Case {
        kind,
        name,
        verdict,
        bytes,
    } in &cases
    {
        assert_eq!(world.judge(*kind, &bytes.0), verdict, "{kind:?}: {name}");
    }
}

#[test]
fn n_4_p10_every_changed_recording_has_its_findings() {
    let (world, main) = (world(), bytes("main.bin"));
    let recordings = json::<Vec<Recording>>("recordings.json");
    assert!(recordings.len() > 400);
    for recording in &recordings {
        let found = kinds(&world.check(&recording.apply(&main)));
        assert_eq!(found, recording.findings, "{}", recording.name);
    }
}

/// A nonce is `kind ‖ index` under a key of the segment's own: neither may come twice.
#[test]
fn no_nonce_and_no_segment_key_is_used_twice() {
    let mut keys = BTreeSet::new();
    for file in ["main.bin", "sub.bin"] {
        let bytes = bytes(file);
        let mut nonces = BTreeSet::new();
        for record in split(&bytes) {
            match record.header.kind {
                Kind::SegmentHeader => {
                    let header = SegmentHeader::decode(record.body).unwrap();
                    let epoch = header.scope.epoch;
                    let place = (epoch, header.rendition, header.number, header.salt);
                    assert!(keys.insert(place), "a segment's key came twice");
                    nonces.clear();
                }
                Kind::Frame | Kind::SegmentClose => {
                    let nonce = (record.header.kind, record.header.index);
                    assert!(nonces.insert(nonce), "a nonce came twice");
                }
                _ => {}
            }
        }
    }
    let salts: BTreeSet<_> = keys.iter().map(|(.., salt)| *salt).collect();
    assert_eq!(salts.len(), keys.len());
}

/// Manifests follow each other without a hole, and each names its epoch's envelope.
#[test]
fn manifests_are_chained_to_each_other_and_to_their_envelopes() {
    let envelopes: Vec<_> = HOME
        .envelopes
        .iter()
        .map(|one| split(&one.record.0)[0].chain_after(&Hash::ZERO))
        .collect();
    for file in ["main.bin", "sub.bin"] {
        let bytes = bytes(file);
        let (mut counter, mut previous) = (0, Hash::ZERO);
        for record in split(&bytes) {
            if record.header.kind != Kind::Manifest {
                continue;
            }
            let manifest = Manifest::decode(record.body).unwrap();
            assert_eq!((manifest.counter, manifest.previous), (counter, previous));
            assert!(envelopes.contains(&Some(manifest.envelope)));
            counter += 1;
            previous = record.chain_after(&Hash::ZERO).unwrap();
        }
        assert!(counter > 10);
    }
}
