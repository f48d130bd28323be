//! Writes `fixtures/sealed-stream/`: a household, its keys, a camera's recording in both renditions, and
//! hundreds of changes to all of that, each with the verdict that every reader must reach. The verdicts are
//! written down by hand, or made sure not to be acceptance, and checked against this implementation.
//!
//! Run `cargo run -p bartizan-sealing --example vectors` after the format has changed, and never else:
//! encapsulations draw randomness, so two runs differ.
#![forbid(unsafe_code)]
#![expect(
    clippy::indexing_slicing,
    reason = "it handles its own bytes and may stop at a mistake"
)]

mod edit;
mod envelopes;
mod film;
mod format;
mod house;
mod judge;
mod keys;
mod manifests;
mod open;
mod recordings;
mod segments;
mod statements;
mod wrapped;

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use bartizan_domain::{CameraId, Hash, Rendition};
use bartizan_sealing::record::HEADER_LEN;
use bartizan_sealing::{Envelope, Kind};

use crate::edit::Cases;
use crate::film::{Film, split};
use crate::format::{Epoch, Hex, Household, Reader};
use crate::house::{CAMERA, Log, READERS, entitled, reader, words};
use crate::judge::World;
use crate::open::Open;

fn main() -> Result<(), Box<dyn Error>> {
    let mut log = house::settle();
    let film = film::shoot(&mut log);
    let [main, sub] = Rendition::ALL.map(|rendition| film.shelf.streams[&rendition].clone());
    let world = World {
        history: log.history.clone(),
        camera: CAMERA,
        readers: READERS.iter().map(|(_, seed)| reader(*seed)).collect(),
        envelopes: film
            .shelf
            .envelopes
            .iter()
            .map(|(_, record)| record.clone())
            .collect(),
    };
    assert!(world.check(&main).is_whole() && world.check(&sub).is_whole());
    let ids: Vec<_> = world
        .readers
        .iter()
        .map(|reader| reader.public().id())
        .collect();
    assert!(ids.is_sorted(), "the X-Wing wrap must come first");
    let open = Open {
        scope: Envelope::decode(&world.envelopes[0][HEADER_LEN..])?.scope,
        secret: film.secrets[0],
    };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/sealed-stream");
    fs::create_dir_all(&folder)?;
    write(&folder, "household.json", &household(&log, &film))?;
    write(
        &folder,
        "cases.json",
        &cases(&world, &film, &log, &open, (&main, &sub)),
    )?;
    let recordings = recordings::cases(&world, &main, &sub, &open);
    write(&folder, "recordings.json", &recordings)?;
    write(&folder, "keys.json", &keys::cases())?;
    fs::write(folder.join("main.bin"), main)?;
    fs::write(folder.join("sub.bin"), sub)?;
    Ok(())
}

fn cases(
    world: &World,
    film: &Film,
    log: &Log,
    open: &Open,
    (main, sub): (&[u8], &[u8]),
) -> Vec<format::Case> {
    let mut cases = Cases {
        world,
        list: Vec::new(),
        kind: format::Kind::Segment,
    };
    let later = Open {
        scope: Envelope::decode(&world.envelopes[3][HEADER_LEN..])
            .expect("ours")
            .scope,
        secret: film.secrets[3],
    };
    segments::cases(&mut cases, open, &later, sub);
    let records: Vec<_> = world.envelopes.iter().map(Vec::as_slice).collect();
    wrapped::cases(&mut cases, &records, &world.readers[0]);
    cases.kind = format::Kind::Envelope;
    let bodies: Vec<_> = records.iter().map(|record| &record[HEADER_LEN..]).collect();
    envelopes::cases(&mut cases, bodies[0], open, &bodies[1..]);
    cases.kind = format::Kind::Statement;
    statements::cases(&mut cases, log.history.statements());
    cases.kind = format::Kind::Manifest;
    let records = split(main);
    let manifest = records
        .iter()
        .find(|record| record.header.kind == Kind::Manifest);
    manifests::cases(&mut cases, manifest.expect("the recording has some"));
    cases.list
}

fn household(log: &Log, film: &Film) -> Household {
    let words = words();
    let readers = READERS.map(|(suite, seed)| Reader {
        suite: suite.code(),
        seed,
        id: reader(seed).public().id().to_string(),
    });
    let epochs = film.shelf.envelopes.iter().zip(&film.secrets);
    let envelopes = epochs.map(|((epoch, record), secret)| {
        let envelope = Envelope::decode(&record[HEADER_LEN..]).expect("ours");
        let (id, commitment) = (epoch.to_string(), envelope.commitment.to_string());
        let (record, secret) = (Hex(record.clone()), Hex(secret.to_vec()));
        Epoch {
            id,
            record,
            commitment,
            secret,
        }
    });
    let statements = log.history.statements().iter();
    Household {
        words: words.words().expose().clone(),
        lock: Hex(words.lock().expose().to_vec()),
        keystore: Hex(keys::owners_store().lock(&words.lock(), [6; 12])),
        recovery_identity: words.identity().public().id().to_string(),
        recovery_reader: words.reader().public().id().to_string(),
        camera: CameraId::to_string(&CAMERA),
        genesis: log.history.current().genesis().to_string(),
        heads: log.heads.iter().map(Hash::to_string).collect(),
        statements: statements.map(|one| Hex(one.as_bytes().to_vec())).collect(),
        authors: log.authors.clone(),
        entitled: entitled(&log.history),
        readers: readers.into(),
        envelopes: envelopes.collect(),
        frames: film.frames.clone(),
    }
}

/// One line for each entry, so that changes can be read.
fn write<T: serde::Serialize>(folder: &Path, name: &str, value: &T) -> Result<(), Box<dyn Error>> {
    let path: PathBuf = folder.join(name);
    let text = match serde_json::to_value(value)? {
        serde_json::Value::Array(entries) => {
            let lines: Result<Vec<_>, _> = entries.iter().map(serde_json::to_string).collect();
            format!("[\n{}\n]\n", lines?.join(",\n"))
        }
        serde_json::Value::Object(fields) => {
            let line =
                |(name, value): (&String, &serde_json::Value)| -> Result<String, Box<dyn Error>> {
                    let text = match value {
                        serde_json::Value::Array(entries) => {
                            let lines: Result<Vec<_>, _> =
                                entries.iter().map(serde_json::to_string).collect();
                            format!("[\n{}\n]", lines?.join(",\n"))
                        }
                        other => serde_json::to_string(other)?,
                    };
                    Ok(format!("{}:{text}", serde_json::to_string(name)?))
                };
            let lines: Result<Vec<_>, _> = fields.iter().map(line).collect();
            format!("{{\n{}\n}}\n", lines?.join(",\n"))
        }
        other => serde_json::to_string(&other)?,
    };
    fs::write(path, text)?;
    Ok(())
}
