//! The files of an account on the disk: what is read is written the same way again, and nothing else is read.
#![no_main]

use std::path::PathBuf;
use std::sync::LazyLock;

use bartizan_client::Profile;
use bartizan_client::profile::MAX_SEEN;
use bartizan_client::stream::HighWater;
use bartizan_domain::{Hash, Rendition, StreamId, UtcMillis};
use bartizan_fuzz::{SCOPE, scratch, write_private};
use libfuzzer_sys::fuzz_target;

static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| scratch("client-profile"));

const STREAM: StreamId = StreamId {
    camera: SCOPE.camera,
    rendition: Rendition::Sub,
};

fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(FOLDER.join(name)).expect("it was written")
}

fuzz_target!(|input: (u8, &[u8])| {
    let (which, given) = input;
    let profile = Profile::at(FOLDER.clone());
    match which % 3 {
        0 => {
            write_private(&FOLDER.join("account"), given);
            if let Ok(account) = profile.load() {
                assert!(profile.require_empty().is_err());
                profile.save(&account).expect("there is room");
                assert_eq!(bytes("account"), given);
            }
        }
        1 => {
            write_private(&FOLDER.join("roster"), given);
            if let Ok(statements) = profile.roster() {
                profile.save_roster(&statements).expect("there is room");
                assert_eq!(bytes("roster"), given);
            }
        }
        _ => {
            write_private(&FOLDER.join("seen"), given);
            let Ok(before) = profile.seen() else { return };
            assert!(before.streams.len() <= MAX_SEEN);
            let high = HighWater {
                counter: 7,
                time: UtcMillis(8),
                hash: Hash::new([9; 32]),
            };
            profile
                .note(|seen| seen.note(STREAM, high))
                .expect("it was read");
            let after = profile.seen().expect("it was written by us");
            assert_eq!(after.roster, before.roster);
            let noted = after.streams.get(&STREAM).expect("it was noted");
            assert!(noted.counter >= 7);
        }
    }
});
