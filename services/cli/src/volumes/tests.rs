//! A store that the recorder wrote, whole and damaged.

use std::os::unix::fs::FileExt;
use std::sync::Arc;

use bartizan_base::SystemClock;
use bartizan_domain::{
    DeviceId, Fingerprint, MemberId, Rendition, Secret, SiteId, Track, UtcMillis,
};
use bartizan_identity::roster::{Genesis, History};
use bartizan_identity::{Operation, ReaderKey, SigningKey, Statement, Suite};
use bartizan_recordings::{Config, RealDisk, Recorder};
use bartizan_sealing::verify::{Problem, Report};
use bartizan_sealing::{
    EpochSecret, EpochStart, Frame, Head, HeadState, Scope, SegmentHeader, SegmentSealer, envelope,
};

use super::*;

const START: UtcMillis = UtcMillis(1_790_000_000_000);
const SEGMENTS: u64 = 12;

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&Secret::new([seed; 32]))
}

fn scope() -> Scope {
    Scope {
        site: SiteId::new([1; 16]),
        camera: CameraId::new([2; 16]),
        epoch: EpochId::new([3; 16]),
    }
}

const fn stream() -> StreamId {
    StreamId {
        camera: CameraId::new([2; 16]),
        rendition: Rendition::Main,
    }
}

fn history() -> History {
    let reader = |seed| ReaderKey::from_seed(Suite::X25519, Secret::new([seed; 32]));
    let genesis = Operation::Genesis(Box::new(Genesis {
        owner: MemberId::new([1; 16]),
        identity: key(1).public(),
        reader: reader(1).public().clone(),
        device: (DeviceId::new([1; 16]), Fingerprint::new([1; 32])),
        recovery_identity: key(2).public(),
        recovery_reader: reader(2).public().clone(),
        gateway: key(3).public(),
        sealer: key(4).public(),
    }));
    let site = scope().site;
    let first = Statement::sign(&key(1), site, (0, Hash::ZERO), START, genesis);
    let mut history = History::begin(first).unwrap();
    let add = Operation::AddCamera {
        camera: scope().camera,
        sealer: key(4).public().id(),
    };
    let next = history.current().next();
    let add = Statement::sign(&key(1), site, next, START, add);
    history.append(add).unwrap();
    history
}

/// An envelope record, and [`SEGMENTS`] segments of two seconds with their manifests.
fn sealed(history: &History) -> (Vec<u8>, Vec<u8>) {
    let (scope, sealer) = (scope(), key(4));
    let secret = EpochSecret::new(scope, Secret::new([5; 32]));
    let start = EpochStart {
        scope,
        start: START,
        previous: [Hash::ZERO; 2],
    };
    let mut envelope = Vec::new();
    let roster = history.current();
    let hash = envelope::seal(&sealer, roster, &start, &secret, &mut envelope).unwrap();
    let (mut out, mut chain, mut manifest) = (Vec::new(), Hash::ZERO, Hash::ZERO);
    for number in 0..SEGMENTS {
        let start = START.saturating_add(number * 2_000);
        let header = SegmentHeader {
            scope,
            rendition: Rendition::Main,
            number,
            salt: [u8::try_from(number).unwrap(); 16],
            start,
            session: 1,
            previous: chain,
            sealer: sealer.public().id(),
        };
        let mut segment = SegmentSealer::begin(&secret, &header, &mut out);
        for index in 0..5_u64 {
            let frame = Frame {
                track: Track::Video,
                key: index == 0,
                captured: start.saturating_add(index * 400),
                pts: 0,
                decode_offset: 0,
                config: (index == 0).then_some(&[1, 2, 3]),
                data: &[7; 900],
            };
            segment.frame(&frame, &mut out).unwrap();
        }
        let segment = segment.close(start.saturating_add(2_000), &mut out);
        chain = segment.chain;
        let head = Head {
            state: HeadState::Closed,
            segment,
        };
        let signed = Manifest {
            scope,
            rendition: Rendition::Main,
            sealer: sealer.public().id(),
            envelope: hash,
            counter: number,
            time: start.saturating_add(2_000),
            previous: manifest,
            heads: vec![head],
            gaps: Vec::new(),
        };
        manifest = signed.sign(&sealer, &mut out);
    }
    (envelope, out)
}

fn record(root: &Path) {
    let config = Config {
        extent_bytes: 16 * 1024,
        volume_bytes: 32 * 1024,
        chunk_bytes: 8 * 1024,
        free_space_floor: 0,
        direct: false,
        ..Config::default()
    };
    let disk = Arc::new(RealDisk::new(root));
    let (recorder, _) = Recorder::open(disk, config, Arc::new(SystemClock)).unwrap();
    let (envelope, records) = sealed(&history());
    let Scope { camera, epoch, .. } = scope();
    recorder.put_envelope(camera, epoch, &envelope).unwrap();
    recorder.append(stream(), &records).unwrap();
    recorder.close();
}

fn checked(path: &Path) -> (Report, Walked) {
    let store = Store::open(path).unwrap().unwrap();
    assert_eq!(store.streams().collect::<Vec<_>>(), [stream()]);
    let history = history();
    let find = |epoch| store.envelope(stream().camera, epoch);
    let mut verifier = StreamVerifier::new(&history, find);
    let mut bytes = 0;
    let walked = store.walk(stream(), &mut verifier, |read| bytes += read);
    assert!(bytes <= store.size(stream()));
    (verifier.finish(), walked.unwrap())
}

#[test]
fn a_store_is_found_and_whole() {
    let tmp = tempfile::tempdir().unwrap();
    let root = tmp.path().join("recordings");
    record(&root);
    for path in [tmp.path(), &root] {
        let (report, walked) = checked(path);
        assert_eq!(report.findings, []);
        assert_eq!((report.segments, report.frames), (SEGMENTS, SEGMENTS * 5));
        assert_eq!(walked.last_counter, Some(SEGMENTS - 1));
    }
    assert!(Store::open(Path::new("/dev")).unwrap().is_none());
}

#[test]
fn a_changed_byte_is_found() {
    let tmp = tempfile::tempdir().unwrap();
    record(tmp.path());
    let volume = tmp.path().join("volumes/00000000.vol");
    let file = fs::OpenOptions::new()
        .write(true)
        .read(true)
        .open(volume)
        .unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, 9_000).unwrap();
    file.write_all_at(&[byte[0] ^ 1], 9_000).unwrap();
    let (report, _) = checked(tmp.path());
    assert!(!report.is_whole());
}

/// In the last extent, too, where a torn end would be nothing to worry about.
#[test]
fn n_4_no_changed_byte_passes_for_a_torn_end() {
    let tmp = tempfile::tempdir().unwrap();
    record(tmp.path());
    let volume = fs::read_dir(tmp.path().join("volumes")).unwrap();
    let volume = volume.map(|entry| entry.unwrap().path()).max().unwrap();
    let bytes = fs::read(&volume).unwrap();
    let headers = |at: &usize| at % (16 * 1024) < PAGE || bytes[*at] == 0;
    for at in (0..bytes.len()).step_by(97).filter(|at| !headers(at)) {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        fs::write(&volume, changed).unwrap();
        let (report, walked) = checked(tmp.path());
        // Only what is signed can be missed; behind the last signature there is nothing here.
        let cut = walked.last_counter != Some(SEGMENTS - 1);
        assert!(!report.is_whole() || cut, "byte {at}: {report:?}");
    }
    fs::write(&volume, bytes).unwrap();
    assert!(checked(tmp.path()).0.is_whole());
}

/// What a power cut leaves: the beginning of a record, and nothing behind it.
#[test]
fn a_torn_end_is_not_held_against_anybody() {
    let tmp = tempfile::tempdir().unwrap();
    record(tmp.path());
    let volume = fs::read_dir(tmp.path().join("volumes")).unwrap();
    let volume = volume.map(|entry| entry.unwrap().path()).max().unwrap();
    let mut bytes = fs::read(&volume).unwrap();
    let end = bytes.iter().rposition(|byte| *byte != 0).unwrap();
    bytes[end - 500..].fill(0);
    fs::write(&volume, bytes).unwrap();
    let (report, _) = checked(tmp.path());
    assert!(report.is_whole(), "{report:?}");
}

#[test]
fn a_missing_volume_is_found() {
    let tmp = tempfile::tempdir().unwrap();
    record(tmp.path());
    fs::remove_file(tmp.path().join("volumes/00000001.vol")).unwrap();
    let (report, _) = checked(tmp.path());
    let missing = |problem| matches!(problem, Problem::Missing { .. } | Problem::BrokenManifests);
    assert!(
        report
            .findings
            .iter()
            .any(|finding| missing(finding.problem))
    );
}

#[test]
fn a_missing_envelope_is_found() {
    let tmp = tempfile::tempdir().unwrap();
    record(tmp.path());
    fs::remove_dir_all(tmp.path().join("epochs")).unwrap();
    let (report, _) = checked(tmp.path());
    let missing =
        |finding: &bartizan_sealing::verify::Finding| finding.problem == Problem::NoEnvelope;
    assert!(report.findings.iter().any(missing));
}
