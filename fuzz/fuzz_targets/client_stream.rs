//! A sealed stream as a gateway hands it out, through a member's eyes: foreign bytes never become a frame, and
//! however the bytes are cut and whatever a broken sealer signs, the reader says the same and goes on or stops.
#![no_main]

use std::sync::{Arc, LazyLock};

use bartizan_client::stream::{HighWater, Step, StreamError, StreamReader};
use bartizan_domain::{EpochId, Hash, Rendition, StreamId};
use bartizan_fuzz::stream::{history, keystore, our_envelope, sealed};
use bartizan_fuzz::{SCOPE, START, rechained, statements};
use bartizan_identity::keystore::Keystore;
use bartizan_identity::roster::History;
use libfuzzer_sys::fuzz_target;

static HISTORY: LazyLock<Arc<History>> = LazyLock::new(|| Arc::new(history()));
static KEYS: LazyLock<Arc<Keystore>> = LazyLock::new(|| Arc::new(keystore()));
static ENVELOPE: LazyLock<(Vec<u8>, Hash)> = LazyLock::new(|| our_envelope(SCOPE.epoch));

/// The log before the camera came.
static SHORT: LazyLock<Arc<History>> = LazyLock::new(|| {
    let genesis = statements().swap_remove(0);
    Arc::new(History::begin(genesis).expect("the statement is ours"))
});

const STREAM: StreamId = StreamId {
    camera: SCOPE.camera,
    rendition: Rendition::Main,
};

/// What came of a stream.
#[derive(Debug, Default, PartialEq, Eq)]
struct Seen {
    frames: u64,
    closed: u64,
    manifests: u64,
    high: Option<HighWater>,
    error: Option<StreamError>,
}

fn reader(choice: u8) -> StreamReader {
    let history = if choice & 8 == 0 { &HISTORY } else { &SHORT };
    let (history, keys) = (Arc::clone(history), Arc::clone(&KEYS));
    let floor = HighWater {
        counter: u64::from(choice >> 5),
        time: START,
        hash: Hash::ZERO,
    };
    match choice & 6 {
        0 => StreamReader::recorded(STREAM, history, keys),
        2 => StreamReader::live(STREAM, history, keys, None),
        _ => StreamReader::live(STREAM, history, keys, Some(floor)),
    }
}

/// Takes every step that there is.
fn drain(reader: &mut StreamReader, foreign: &[u8], seen: &mut Seen) -> Result<(), StreamError> {
    let mut asked: Option<EpochId> = None;
    let mut lengthened = false;
    loop {
        match reader.next()? {
            Step::More => return Ok(()),
            Step::NeedEnvelope(epoch) => {
                assert_ne!(asked, Some(epoch), "the same envelope is asked for again");
                asked = Some(epoch);
                if epoch == SCOPE.epoch {
                    reader.envelope(epoch, &ENVELOPE.0)?;
                } else if foreign.first().is_some_and(|byte| byte & 1 != 0) {
                    reader.envelope(epoch, foreign)?;
                } else {
                    reader.envelope(epoch, &our_envelope(epoch).0)?;
                }
                continue;
            }
            // A caller gives what it has, once.
            Step::NeedRoster(_) if lengthened => return Err(StreamError::NotForMe),
            Step::NeedRoster(_) => {
                reader.roster(Arc::clone(&HISTORY));
                lengthened = true;
                continue;
            }
            Step::Envelope(_) | Step::Segment(_) => {}
            Step::Frame(frame) => {
                assert!(frame.decode_offset <= 0);
                seen.frames += 1;
            }
            Step::Closed(closed) => {
                assert_eq!(closed.close.number, closed.end.number);
                assert_eq!(closed.close.frames, closed.end.frames);
                seen.closed += 1;
            }
            Step::Manifest(signed) => {
                assert!(
                    seen.high
                        .is_none_or(|high| high.counter < signed.manifest.counter)
                );
                seen.manifests += 1;
                seen.high = reader.high_water();
            }
        }
        (asked, lengthened) = (None, false);
    }
}

fn follow(stream: &[u8], piece: usize, choice: u8, foreign: &[u8]) -> Seen {
    let (mut reader, mut seen) = (reader(choice), Seen::default());
    for piece in stream.chunks(piece) {
        let step = reader
            .push(piece)
            .and_then(|()| drain(&mut reader, foreign, &mut seen));
        if let Err(error) = step {
            seen.error = Some(error);
            break;
        }
    }
    seen
}

fuzz_target!(|bytes: &[u8]| {
    let Some(([choice, piece], bytes)) = bytes.split_first_chunk() else {
        return;
    };
    let ours = choice & 1 != 0;
    let stream = if ours {
        sealed(bytes, ENVELOPE.1)
    } else {
        rechained(bytes)
    };
    let whole = follow(&stream, usize::MAX, *choice, bytes);
    let pieces = follow(&stream, usize::from(*piece) + 1, *choice, bytes);
    assert_eq!(whole, pieces);
    assert!(ours || whole.frames == 0 && whole.closed == 0 && whole.manifests == 0);
});
