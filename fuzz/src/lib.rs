//! What several fuzzers share: a household whose keys are known, so that inputs get past signatures and
//! tags to what lies behind them. Nothing here parses.
#![forbid(unsafe_code)]

pub mod stream;
pub mod video;

use std::fs;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::{digest, hkdf};
use bartizan_domain::{
    CameraId, DeviceId, EpochId, Fingerprint, Hash, MemberId, Secret, SiteId, UtcMillis,
};
use bartizan_identity::roster::Genesis;
use bartizan_identity::{Operation, ReaderKey, Roster, SigningKey, Statement, Suite};
use bartizan_sealing::record::{Header, check_of, link};
use bartizan_sealing::{EpochSecret, Record, Scope, SegmentHeader};

/// When everything happens.
pub const START: UtcMillis = UtcMillis(1_700_000_000_000);

/// Where everything happens.
pub const SCOPE: Scope = Scope {
    site: SiteId::new([1; 16]),
    camera: CameraId::new([2; 16]),
    epoch: EpochId::new([3; 16]),
};

/// The epoch's secret.
pub const SECRET: [u8; 32] = [42; 32];

/// Owner 1, recovery 2, gateway 3, sealer 4; anyone else is a stranger.
pub fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&Secret::new([seed; 32]))
}

/// A reader key; X25519, because it is quick.
pub fn reader(seed: u8) -> ReaderKey {
    ReaderKey::from_seed(Suite::X25519, Secret::new([seed; 32]))
}

/// The epoch, open.
pub fn epoch() -> EpochSecret {
    EpochSecret::new(SCOPE, Secret::new(SECRET))
}

/// Genesis and camera.
pub fn statements() -> Vec<Statement> {
    let genesis = Genesis {
        owner: MemberId::new([1; 16]),
        identity: key(1).public(),
        reader: reader(1).public().clone(),
        device: (DeviceId::new([1; 16]), Fingerprint::new([1; 32])),
        recovery_identity: key(2).public(),
        recovery_reader: reader(2).public().clone(),
        gateway: key(3).public(),
        sealer: key(4).public(),
    };
    let genesis = Operation::Genesis(Box::new(genesis));
    let first = Statement::sign(&key(1), SCOPE.site, (0, Hash::ZERO), START, genesis);
    let sealer = key(4).public().id();
    let camera = SCOPE.camera;
    let add = Operation::AddCamera { camera, sealer };
    let second = Statement::sign(&key(1), SCOPE.site, (1, first.hash()), START, add);
    vec![first, second]
}

/// What they mean.
pub fn roster() -> Roster {
    Roster::replay(&statements()).expect("the statements are ours")
}

/// The key of a segment of the epoch (`docs/sealed-stream.md` §5).
pub fn segment_key(segment: &SegmentHeader) -> [u8; 32] {
    let Scope {
        site,
        camera,
        epoch,
    } = segment.scope;
    let label = [
        b"bartizan/v1/segment",
        site.as_bytes().as_slice(),
        camera.as_bytes(),
        epoch.as_bytes(),
        &[segment.rendition.code()],
        &segment.number.to_be_bytes(),
        &segment.salt,
    ]
    .concat();
    let mut key = [0; 32];
    hkdf::Prk::new_less_safe(hkdf::HKDF_SHA256, &SECRET)
        .expand(&[&label], hkdf::HKDF_SHA256)
        .and_then(|okm| okm.fill(&mut key))
        .expect("32 bytes are within HKDF's limit");
    key
}

/// `clear` as the body of a frame of a segment, sealed as the format says (`docs/sealed-stream.md` §5).
pub fn seal_frame(segment: &SegmentHeader, id: &Hash, header: &Header, clear: &[u8]) -> Vec<u8> {
    let key = UnboundKey::new(&AES_256_GCM, &segment_key(segment)).expect("32 bytes are a key");
    let key = LessSafeKey::new(key);
    let mut nonce = [0; 12];
    nonce[0] = header.kind as u8;
    nonce[8..].copy_from_slice(&header.index.to_be_bytes());
    let aad = [id.as_bytes().as_slice(), &header.covered()].concat();
    let mut body = clear.to_vec();
    key.seal_in_place_append_tag(
        Nonce::assume_unique_for_key(nonce),
        Aad::from(aad),
        &mut body,
    )
    .expect("fuzzers' inputs are short");
    body
}

/// The records of `bytes` with their check fields written anew, so that a walk goes on behind them.
pub fn rechained(mut bytes: &[u8]) -> Vec<u8> {
    let (mut out, mut chain) = (Vec::new(), Hash::ZERO);
    while let Ok(Some((record, rest))) = Record::split(bytes) {
        let covered = record.header.covered();
        let start = record.header.kind.starts_chain();
        let after = link(
            if start { &Hash::ZERO } else { &chain },
            &covered,
            record.body,
        );
        out.extend_from_slice(&covered);
        out.extend_from_slice(&check_of(&after));
        out.extend_from_slice(record.body);
        // Manifests stand inside segments without being part of their chain.
        if record.header.kind != bartizan_sealing::Kind::Manifest {
            chain = after;
        }
        bytes = rest;
    }
    out.extend_from_slice(bytes);
    out
}

/// `bytes` behind which stand the first eight bytes of their SHA-256, as in a recorder's own files.
pub fn checked(bytes: &[u8]) -> Vec<u8> {
    let check = digest::digest(&digest::SHA256, bytes);
    [bytes, &check.as_ref()[..8]].concat()
}

/// An empty folder in memory, where the machine has such, for targets that read files. One process of a
/// target at a time.
pub fn scratch(name: &str) -> PathBuf {
    let memory = Path::new("/dev/shm");
    let parent = if memory.is_dir() {
        memory.to_owned()
    } else {
        std::env::temp_dir()
    };
    let folder = parent.join(format!("bartizan-fuzz-{name}"));
    drop(fs::remove_dir_all(&folder));
    let mut builder = fs::DirBuilder::new();
    builder.mode(0o700).create(&folder).expect("room for files");
    folder
}

/// Writes a file as our programs do, readable for its owner only.
pub fn write_private(path: &Path, bytes: &[u8]) {
    let mut options = fs::OpenOptions::new();
    let file = options.write(true).create(true).truncate(true).mode(0o600);
    let written = file.open(path).and_then(|mut file| file.write_all(bytes));
    written.expect("room for files");
}

/// Keeps the optimiser from leaving out what made `value`.
pub fn used<T>(value: T) {
    drop(std::hint::black_box(value));
}
