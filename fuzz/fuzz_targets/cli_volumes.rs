//! A gateway's disk in the hands of `bartizan verify`: whatever lies in its volumes, the walk ends, and finds
//! no more records than there are bytes.
#![no_main]

#[path = "../../services/cli/src/volumes/mod.rs"]
mod volumes;

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::LazyLock;

use bartizan_domain::{Hash, Rendition, StreamId};
use bartizan_fuzz::stream::{history, our_envelope, sealed};
use bartizan_fuzz::{SCOPE, START, checked, rechained, scratch, write_private};
use bartizan_identity::roster::History;
use bartizan_recordings::{ExtentHeader, PAGE};
use bartizan_sealing::verify::{MAX_FINDINGS, StreamVerifier};
use libfuzzer_sys::fuzz_target;
use volumes::Store;

const EXTENT: usize = 2 * PAGE;
const EXTENTS: usize = 8;

static HISTORY: LazyLock<History> = LazyLock::new(history);
static ENVELOPE: LazyLock<(Vec<u8>, Hash)> = LazyLock::new(|| our_envelope(SCOPE.epoch));

/// A store with a layout, the epoch's envelope and one volume.
static STORE: LazyLock<(PathBuf, File)> = LazyLock::new(|| {
    let root = scratch("cli-volumes");
    let epochs = root.join("epochs").join(SCOPE.camera.to_string());
    for folder in [&epochs, &root.join("volumes")] {
        fs::create_dir_all(folder).expect("room for folders");
    }
    let sizes = [EXTENT, EXTENTS * EXTENT].map(|size| (size as u64).to_be_bytes());
    let layout = checked(&[b"BZLAYOUT\x01".as_slice(), &sizes.concat()].concat());
    write_private(&root.join("layout"), &layout);
    let name = format!("{:016x}-{}.env", 0, SCOPE.epoch);
    write_private(&epochs.join(name), &ENVELOPE.0);
    let volume = root.join("volumes/00000000.vol");
    write_private(&volume, &[]);
    let file = File::options().write(true).open(volume);
    (root, file.expect("it was made"))
});

/// One extent: flags, its number, where its first record begins, its bytes.
type Extent<'a> = (u8, u8, u16, &'a [u8]);

fn page(flags: u8, number: u8, skip: u16) -> [u8; PAGE] {
    let rendition = if flags & 1 == 0 {
        Rendition::Main
    } else {
        Rendition::Sub
    };
    let number = if flags & 2 == 0 {
        u64::from(number)
    } else {
        u64::MAX - u64::from(number)
    };
    let start = number.saturating_mul((EXTENT - PAGE) as u64);
    let camera = SCOPE.camera;
    let header = ExtentHeader {
        stream: StreamId { camera, rendition },
        fresh: flags & 4 != 0,
        number,
        next_record: start.saturating_add(skip.into()),
        segment: start,
        time: START,
    };
    header.encode()
}

fuzz_target!(|extents: Vec<Extent<'_>>| {
    let (root, volume) = &*STORE;
    // One long row of sealed records, cut where the extents say.
    let (mut image, mut carried) = (Vec::new(), Vec::new());
    for (flags, number, skip, bytes) in extents.into_iter().take(EXTENTS) {
        if flags & 8 == 0 {
            image.extend_from_slice(&page(flags, number, skip));
        } else {
            image.resize(image.len() + PAGE, flags);
        }
        carried.extend_from_slice(&match flags >> 4 & 3 {
            0 => bytes.to_vec(),
            1 => rechained(bytes),
            _ => sealed(bytes, ENVELOPE.1),
        });
        let rest = carried.split_off(carried.len().min(EXTENT - PAGE));
        image.extend_from_slice(&carried);
        image.resize(image.len().next_multiple_of(EXTENT), 0);
        carried = if flags & 64 == 0 { rest } else { Vec::new() };
    }
    volume.set_len(0).expect("a file");
    volume.write_all_at(&image, 0).expect("room for the volume");
    let store = Store::open(root).expect("a good layout").expect("a store");
    for stream in store.streams() {
        let envelope = |epoch| store.envelope(SCOPE.camera, epoch);
        let mut verifier = StreamVerifier::new(&HISTORY, envelope);
        let mut read = 0;
        let walked = store.walk(stream, &mut verifier, |more| read += more);
        walked.expect("the disk is good");
        assert!(read <= store.size(stream));
        let report = verifier.finish();
        assert!(report.bytes <= read);
        assert!(report.findings.len() <= MAX_FINDINGS);
        assert!(report.findings.len() as u64 <= report.finding_count);
    }
});
