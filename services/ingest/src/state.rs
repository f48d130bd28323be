//! The ingest's private folder: its sealer key, the roster that it pinned, and where each stream stands.
//!
//! No other process can read this folder (its own user, or the gateway's sandbox). What the gateway says
//! later is checked against what lies here, so the gateway cannot make this sealer wrap to a stranger.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use bartizan_base::{files, random};
use bartizan_domain::wire::{Reader, WireError, Writer};
use bartizan_domain::{CameraId, Hash, Secret, StreamId};
use bartizan_identity::key::sha256;
use bartizan_identity::roster::{History, MAX_STATEMENT_BYTES, MAX_STATEMENTS, Statement};
use bartizan_identity::{SigningKey, VerifyingKey};
use bartizan_sealing::stream::Position;

const KEY_FILE: &str = "sealer.key";
const ROSTER_FILE: &str = "roster.log";
const POSITIONS_FILE: &str = "positions";

/// Largest roster file: every statement at its limit would be 1 GiB; real ones are a few hundred bytes.
const MAX_ROSTER_FILE: u64 = 64 * 1024 * 1024;

/// Stream, counter, hash, segment number and a check.
const SLOT_LEN: usize = 17 + 8 + 32 + 8 + 7;

/// Streams that positions are kept of, removed ones included.
const MAX_SLOTS: usize = 4_096;

/// The private folder, opened.
#[derive(Debug)]
pub(crate) struct PrivateState {
    dir: PathBuf,
    signing: SigningKey,
    history: Option<History>,
    positions: Positions,
}

impl PrivateState {
    /// Opens the folder; makes it and a sealer key on the first start.
    pub(crate) fn open(dir: &Path) -> Result<Self> {
        files::create_private_dir(dir)?;
        let signing = SigningKey::from_seed(&load_seed(&dir.join(KEY_FILE))?);
        let history = load_roster(&dir.join(ROSTER_FILE), signing.public())?;
        let positions = Positions::open(&dir.join(POSITIONS_FILE))?;
        Ok(Self {
            dir: dir.to_owned(),
            signing,
            history,
            positions,
        })
    }

    /// The sealer's key.
    pub(crate) const fn signing(&self) -> &SigningKey {
        &self.signing
    }

    /// The pinned roster, once there is one.
    pub(crate) const fn history(&self) -> Option<&History> {
        self.history.as_ref()
    }

    /// Verifies statements and pins them durably. The first genesis that names this sealer is pinned for
    /// good; statements that are known already are passed over when they are the same.
    ///
    /// # Errors
    /// The statements contradict what is pinned, or do not verify: nothing is taken over.
    pub(crate) fn extend(&mut self, from: u64, statements: &[Vec<u8>]) -> Result<()> {
        let known = self
            .history
            .as_ref()
            .map_or(0, |history| history.current().len());
        ensure!(from <= known, "statements are missing before number {from}");
        let mut history = self.history.clone();
        for (number, bytes) in (from..).zip(statements) {
            let statement = Statement::decode(bytes)?;
            let pinned = history.as_ref().and_then(|history| {
                history
                    .statements()
                    .get(usize::try_from(number).unwrap_or(usize::MAX))
            });
            if let Some(pinned) = pinned {
                ensure!(
                    *pinned == statement,
                    "statement {number} is not the pinned one"
                );
                continue;
            }
            history = Some(follow(history, statement, self.signing.public())?);
        }
        let len = history
            .as_ref()
            .map_or(0, |history| history.current().len());
        if let Some(history) = history.filter(|_| len > known) {
            let log = log_of(&history);
            ensure!(
                log.len() as u64 <= MAX_ROSTER_FILE,
                "the roster is too long"
            );
            files::write_atomic(&self.dir.join(ROSTER_FILE), &log)?;
            self.history = Some(history);
        }
        Ok(())
    }

    /// Where `stream` stood, as far as this folder knows.
    pub(crate) fn position(&self, stream: StreamId) -> Option<Position> {
        self.positions
            .known
            .get(&stream)
            .map(|(_, position)| *position)
    }

    /// Notes where `stream` stands. Survives the process, not a power cut: then the recorder's own
    /// manifests, which this sealer signed, say more.
    pub(crate) fn note_position(&mut self, stream: StreamId, position: Position) -> Result<()> {
        self.positions.note(stream, position)
    }
}

fn load_seed(path: &Path) -> Result<Secret<[u8; 32]>> {
    if !path.exists() {
        let seed = random::bytes::<32>()?;
        files::write_new(path, &seed)?;
        return Ok(Secret::new(seed));
    }
    let bytes = files::read_private(path, 32, 0o077)?;
    let seed = bytes
        .try_into()
        .map_err(|_opaque: Vec<u8>| ())
        .map_err(|()| anyhow::anyhow!("the sealer key's file has a wrong length"))?;
    Ok(Secret::new(seed))
}

fn follow(history: Option<History>, next: Statement, sealer: VerifyingKey) -> Result<History> {
    let Some(mut history) = history else {
        let history = History::begin(next)?;
        // A genesis that is not about this sealer is none for it, whoever signed it.
        if history.current().sealer(sealer.id()).is_none() {
            bail!("the roster's genesis names another sealer");
        }
        return Ok(history);
    };
    history.append(next)?;
    Ok(history)
}

fn load_roster(path: &Path, sealer: VerifyingKey) -> Result<Option<History>> {
    if !path.exists() {
        return Ok(None);
    }
    let bytes = files::read_private(path, MAX_ROSTER_FILE, 0o077)?;
    let mut input = Reader::new(&bytes);
    let mut history = None;
    for _ in 0..MAX_STATEMENTS {
        if input.rest().is_empty() {
            break;
        }
        let statement = match input.vec16("statement", MAX_STATEMENT_BYTES) {
            Ok(statement) => statement,
            // A power cut tore the last statement; the gateway sends it again.
            Err(WireError::Short { .. }) => break,
            Err(error) => return Err(error).context("the pinned roster is damaged"),
        };
        history = Some(follow(history, Statement::decode(statement)?, sealer)?);
    }
    Ok(history)
}

/// The whole log, for a file that is always replaced: so a torn end of the old one is gone with it.
fn log_of(history: &History) -> Vec<u8> {
    let mut log = Writer::new();
    for statement in history.statements() {
        log.vec16(statement.as_bytes());
    }
    log.into_vec()
}

/// A file of fixed slots, one a stream, each written in place.
#[derive(Debug)]
struct Positions {
    file: File,
    known: BTreeMap<StreamId, (u64, Position)>,
}

impl Positions {
    fn open(path: &Path) -> Result<Self> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)
            .with_context(|| format!("can't open {}", path.display()))?;
        let mut known = BTreeMap::new();
        let mut slot = [0; SLOT_LEN];
        for index in 0..MAX_SLOTS as u64 {
            if file
                .read_exact_at(&mut slot, index * SLOT_LEN as u64)
                .is_err()
            {
                break;
            }
            // A torn slot is one that nobody can trust: the recorder's manifests speak instead.
            if let Some((stream, position)) = decode_slot(&slot) {
                known.insert(stream, (index, position));
            }
        }
        Ok(Self { file, known })
    }

    fn note(&mut self, stream: StreamId, position: Position) -> Result<()> {
        let next = self
            .known
            .values()
            .map(|(index, _)| index + 1)
            .max()
            .unwrap_or(0);
        let (index, _) = *self.known.entry(stream).or_insert((next, position));
        ensure!(index < MAX_SLOTS as u64, "the positions file is full");
        self.known.insert(stream, (index, position));
        self.file
            .write_all_at(&encode_slot(stream, &position), index * SLOT_LEN as u64)?;
        Ok(())
    }
}

fn encode_slot(stream: StreamId, position: &Position) -> Vec<u8> {
    let mut out = Writer::new();
    out.fixed(stream.camera.as_bytes())
        .u8(stream.rendition.code());
    out.u64(position.counter)
        .fixed(position.manifest.as_bytes())
        .u64(position.next_segment);
    let check = sha256(&[out.as_slice()]);
    out.fixed(check.as_bytes().get(..7).unwrap_or_default());
    out.into_vec()
}

fn decode_slot(slot: &[u8; SLOT_LEN]) -> Option<(StreamId, Position)> {
    let mut input = Reader::new(slot);
    let camera = CameraId::new(input.array("camera").ok()?);
    let rendition = input.rendition("rendition").ok()?;
    let counter = input.u64("counter").ok()?;
    let manifest: Hash = input.hash("manifest").ok()?;
    let next_segment = input.u64("segment").ok()?;
    let position = Position {
        counter,
        manifest,
        next_segment,
    };
    let stream = StreamId { camera, rendition };
    (encode_slot(stream, &position) == slot).then_some((stream, position))
}

#[cfg(test)]
mod tests {
    use bartizan_domain::{DeviceId, Fingerprint, MemberId, Rendition, SiteId, UtcMillis};
    use bartizan_identity::roster::Genesis;
    use bartizan_identity::{Operation, ReaderKey, Suite};

    use super::*;

    fn key(seed: u8) -> SigningKey {
        SigningKey::from_seed(&Secret::new([seed; 32]))
    }

    fn genesis(owner: u8, sealer: VerifyingKey) -> Statement {
        let reader = |seed| {
            ReaderKey::from_seed(Suite::X25519, Secret::new([seed; 32]))
                .public()
                .clone()
        };
        let genesis = Genesis {
            owner: MemberId::new([owner; 16]),
            identity: key(owner).public(),
            reader: reader(owner),
            device: (DeviceId::new([1; 16]), Fingerprint::new([1; 32])),
            recovery_identity: key(100).public(),
            recovery_reader: reader(100),
            gateway: key(101).public(),
            sealer,
        };
        let genesis = Operation::Genesis(Box::new(genesis));
        let site = SiteId::new([owner; 16]);
        Statement::sign(&key(owner), site, (0, Hash::ZERO), UtcMillis(1), genesis)
    }

    #[test]
    fn the_first_genesis_is_pinned_for_good() {
        let dir = tempfile::tempdir().unwrap();
        let mut state = PrivateState::open(&dir.path().join("state")).unwrap();
        let sealer = state.signing().public();
        let first = genesis(1, sealer);
        state.extend(0, &[first.as_bytes().to_vec()]).unwrap();
        let other = genesis(66, sealer);
        assert!(state.extend(0, &[other.as_bytes().to_vec()]).is_err());
        drop(state);
        let mut again = PrivateState::open(&dir.path().join("state")).unwrap();
        assert_eq!(again.history().unwrap().current().genesis(), first.hash());
        assert!(again.extend(0, &[other.as_bytes().to_vec()]).is_err());
        again.extend(0, &[first.as_bytes().to_vec()]).unwrap();
    }

    #[test]
    fn a_genesis_for_another_sealer_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let mut state = PrivateState::open(&dir.path().join("state")).unwrap();
        let other = genesis(1, key(50).public());
        assert!(state.extend(0, &[other.as_bytes().to_vec()]).is_err());
        assert!(state.history().is_none());
    }

    #[test]
    fn a_stranger_is_not_taken_over_even_when_the_gateway_says_so() {
        let dir = tempfile::tempdir().unwrap();
        let mut state = PrivateState::open(&dir.path().join("state")).unwrap();
        let first = genesis(1, state.signing().public());
        state.extend(0, &[first.as_bytes().to_vec()]).unwrap();
        let roster = state.history().unwrap().current().clone();
        let ghost = Operation::AddMember {
            member: MemberId::new([66; 16]),
            role: bartizan_identity::Role::Owner,
            identity: key(66).public(),
            expires: None,
            cameras: Vec::new(),
        };
        // The gateway's own key (101) and a stranger's (66) sign nothing that counts.
        for author in [66, 101] {
            let next = roster.next();
            let forged = Statement::sign(
                &key(author),
                roster.site(),
                next,
                UtcMillis(2),
                ghost.clone(),
            );
            assert!(state.extend(1, &[forged.as_bytes().to_vec()]).is_err());
        }
        assert_eq!(state.history().unwrap().current().len(), 1);
    }

    #[test]
    fn a_torn_statement_at_the_end_is_replaced_by_the_whole_one() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("state");
        let mut state = PrivateState::open(&folder).unwrap();
        let first = genesis(1, state.signing().public());
        state.extend(0, &[first.as_bytes().to_vec()]).unwrap();
        let roster = state.history().unwrap().current().clone();
        let add = Operation::AddCamera {
            camera: CameraId::new([7; 16]),
            sealer: state.signing().public().id(),
        };
        let second = Statement::sign(&key(1), roster.site(), roster.next(), UtcMillis(2), add);
        state.extend(1, &[second.as_bytes().to_vec()]).unwrap();
        let path = folder.join(ROSTER_FILE);
        let whole = std::fs::read(&path).unwrap();
        for lost in 1..second.as_bytes().len() + 2 {
            files::write_atomic(&path, &whole[..whole.len() - lost]).unwrap();
            let mut torn = PrivateState::open(&folder).unwrap();
            assert_eq!(torn.history().unwrap().current().len(), 1);
            torn.extend(1, &[second.as_bytes().to_vec()]).unwrap();
            let again = PrivateState::open(&folder).unwrap();
            assert_eq!(again.history().unwrap().current().head(), second.hash());
        }
    }

    #[test]
    fn positions_survive_and_torn_ones_are_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        let stream = |n| StreamId {
            camera: CameraId::new([n; 16]),
            rendition: Rendition::Main,
        };
        let position = |n| Position {
            counter: n,
            manifest: Hash::new([7; 32]),
            next_segment: n,
        };
        let mut state = PrivateState::open(&dir.path().join("state")).unwrap();
        for n in 1..4 {
            state.note_position(stream(n), position(n.into())).unwrap();
            state
                .note_position(stream(n), position(u64::from(n) + 10))
                .unwrap();
        }
        let path = dir.path().join("state").join(POSITIONS_FILE);
        let file = OpenOptions::new().write(true).open(path).unwrap();
        file.write_all_at(&[0xff], SLOT_LEN as u64 + 30).unwrap();
        let again = PrivateState::open(&dir.path().join("state")).unwrap();
        assert_eq!(again.position(stream(1)), Some(position(11)));
        assert_eq!(again.position(stream(2)), None);
        assert_eq!(again.position(stream(3)), Some(position(13)));
    }
}
