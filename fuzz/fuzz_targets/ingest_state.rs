//! The ingest's private folder as it is found at a start, and what the gateway says about the roster later: what
//! is pinned stays, and what is written down is there again after the next start.
#![no_main]

#[path = "../../services/ingest/src/state.rs"]
mod state;

use std::path::PathBuf;
use std::sync::LazyLock;

use bartizan_domain::{Hash, Rendition, StreamId};
use bartizan_fuzz::{SCOPE, key, scratch, statements, write_private};
use bartizan_identity::Roster;
use bartizan_sealing::stream::Position;
use libfuzzer_sys::fuzz_target;
use state::PrivateState;

static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| scratch("ingest-state"));

/// The household's log as a file.
static LOG: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut log = Vec::new();
    for statement in statements() {
        let bytes = statement.as_bytes();
        let len = u16::try_from(bytes.len()).expect("statements are short");
        log.extend_from_slice(&len.to_be_bytes());
        log.extend_from_slice(bytes);
    }
    log
});

const STREAM: StreamId = StreamId {
    camera: SCOPE.camera,
    rendition: Rendition::Main,
};

const POSITION: Position = Position {
    counter: 5,
    manifest: Hash::new([6; 32]),
    next_segment: 7,
};

fn head(state: &PrivateState) -> Option<(u64, Hash)> {
    let roster = state.history()?.current();
    Some((roster.len(), roster.head()))
}

fuzz_target!(|input: (u8, u8, &[u8], &[u8], &[u8])| {
    let (choice, cut, order, positions, roster) = input;
    let seed = if choice & 1 == 0 {
        vec![4; 32]
    } else {
        order.to_vec()
    };
    // The household's log, torn or not, and something behind it; or nothing that we know.
    let mut log = if choice & 2 == 0 {
        LOG.clone()
    } else {
        Vec::new()
    };
    log.truncate(log.len().saturating_sub(cut.into()));
    log.extend_from_slice(roster);
    write_private(&FOLDER.join("sealer.key"), &seed);
    write_private(&FOLDER.join("roster.log"), &log);
    write_private(&FOLDER.join("positions"), positions);
    let Ok(mut state) = PrivateState::open(&FOLDER) else {
        return;
    };
    let sealer = state.signing().public();
    assert!(seed != [4; 32] || sealer == key(4).public());
    if let Some(history) = state.history() {
        let begun = Roster::begin(&history.statements()[0]).expect("it was pinned");
        assert!(begun.sealer(sealer.id()).is_some());
    }
    let before = head(&state);
    let good: Vec<_> = statements().iter().map(|s| s.as_bytes().to_vec()).collect();
    let extended = if choice & 4 == 0 {
        state.extend(u64::from(choice >> 6), &good)
    } else {
        state.extend(u64::from(choice >> 6), &[order.to_vec()])
    };
    let after = head(&state);
    assert!(before.map(|(len, _)| len) <= after.map(|(len, _)| len));
    assert!(extended.is_ok() || before == after);
    let noted = state.note_position(STREAM, POSITION).is_ok();
    let again = PrivateState::open(&FOLDER).expect("what was opened opens again");
    assert_eq!(head(&again), after);
    assert!(!noted || again.position(STREAM) == Some(POSITION));
});
