//! Passkeys come back as they were, go with their member, and say nothing to a thief of the file.

use std::path::Path;
use std::time::Duration;

use bartizan_access::passkey::{Answer, Passkeys, Purpose, RelyingParty};
use bartizan_base::{AtRest, RootKey};
use bartizan_domain::Monotonic;

use super::*;
use crate::Gone;
use crate::soft::Soft;

const ORIGIN: &str = "https://marker-name.home";
const MEMBER: MemberId = MemberId::new([11; 16]);
const OTHER: MemberId = MemberId::new([12; 16]);
const NOW: UtcMillis = UtcMillis(7);

async fn store(dir: &Path) -> Store {
    let root = RootKey::load(None, dir).unwrap();
    Store::open(&dir.join("gateway.db"), AtRest::new(&root))
        .await
        .unwrap()
}

fn at(seconds: u64) -> Monotonic {
    Monotonic::from_start(Duration::from_secs(seconds))
}

fn party() -> RelyingParty {
    RelyingParty::of_origin(ORIGIN).unwrap()
}

fn made(of: MemberId) -> (Soft, Passkey) {
    let soft = Soft::new(ORIGIN, "marker-name.home", of.as_bytes());
    let mut door = Passkeys::new(&Secret::new([1; 32]));
    let ceremony = door.begin(&party(), Purpose::Register(of), [1; 32], at(0));
    let credential = soft.creates(&ceremony);
    let registered = door.register((&party(), of), (&ceremony, &credential), at(1));
    let name = Name::parse("Marker key").unwrap();
    (soft, registered.unwrap().named(name, NOW, true))
}

fn used(soft: &Soft, stored: &Passkey) -> Asserted {
    let mut door = Passkeys::new(&Secret::new([1; 32]));
    let ceremony = door.begin(&party(), Purpose::Assert, [2; 32], at(0));
    let answer = Answer::parse(&soft.gets(&ceremony)).unwrap();
    let asserted = door.assert(&party(), (&ceremony, &answer), Some(stored), at(1));
    asserted.unwrap()
}

#[tokio::test]
async fn a_passkey_comes_back_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let (_, passkey) = made(MEMBER);
    let first = store(dir.path()).await;
    first.add_passkey(&passkey, Some(b"locked")).await.unwrap();
    let twice = first.add_passkey(&passkey, None).await;
    assert!(matches!(twice, Err(StoreError::Exists)), "{twice:?}");
    first.close().await;
    let store = store(dir.path()).await;
    let found = store.passkey(passkey.lookup()).await.unwrap();
    assert_eq!(found.as_ref(), Some(&passkey));
    let own = store.passkeys(MEMBER).await.unwrap();
    assert_eq!(own.as_slice(), std::slice::from_ref(&passkey));
    assert!(store.passkeys(OTHER).await.unwrap().is_empty());
    let locked = store.passkey_keystore(passkey.lookup()).await.unwrap();
    assert_eq!(locked.as_deref(), Some(b"locked".as_slice()));
}

#[tokio::test]
async fn only_its_member_changes_or_removes_a_passkey() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path()).await;
    let (_, passkey) = made(MEMBER);
    store.add_passkey(&passkey, None).await.unwrap();
    let lookup = passkey.lookup();
    assert!(!store.passkeys(MEMBER).await.unwrap()[0].opens);
    for (member, done) in [(OTHER, false), (MEMBER, true)] {
        let put = store.put_passkey_keystore((member, lookup), b"new").await;
        assert_eq!(put.unwrap(), done);
    }
    let (opens, new) = (true, Name::parse("New name").unwrap());
    for (member, done) in [(OTHER, false), (MEMBER, true)] {
        let renamed = store.rename_passkey((member, lookup), new.clone()).await;
        assert_eq!(renamed.unwrap(), done);
        let name = if done {
            new.clone()
        } else {
            passkey.name.clone()
        };
        let known = passkey.clone();
        let expected = Passkey {
            name,
            opens,
            ..known
        };
        assert_eq!(store.passkeys(MEMBER).await.unwrap(), [expected]);
    }
    let locked = store.passkey_keystore(lookup).await.unwrap();
    assert_eq!(locked.as_deref(), Some(b"new".as_slice()));
    for (member, done) in [(OTHER, false), (MEMBER, true), (MEMBER, false)] {
        let removed = store.remove_passkey((member, lookup)).await;
        assert_eq!(removed.unwrap(), done);
    }
    assert_eq!(store.passkey_keystore(lookup).await.unwrap(), None);
    assert!(!store.rename_passkey((MEMBER, lookup), new).await.unwrap());
}

#[tokio::test]
async fn g_15_of_two_uses_with_one_count_the_second_is_not_written_down() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path()).await;
    let (mut soft, passkey) = made(MEMBER);
    store.add_passkey(&passkey, None).await.unwrap();
    soft.counter = 4;
    // Both were judged by what was stored before either.
    let uses = [used(&soft, &passkey), used(&soft, &passkey)];
    for (used, noted) in uses.iter().zip([true, false]) {
        let done = store.note_passkey(used, UtcMillis(9)).await.unwrap();
        assert_eq!(done, noted);
    }
    let stored = store.passkey(passkey.lookup()).await.unwrap().unwrap();
    assert_eq!((stored.counter, stored.last_used), (4, Some(UtcMillis(9))));
    store
        .remove_passkey((MEMBER, passkey.lookup()))
        .await
        .unwrap();
    assert!(!store.note_passkey(&uses[0], NOW).await.unwrap());
}

#[tokio::test]
async fn a_member_has_sixteen_passkeys_at_most() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path()).await;
    for number in 0..=MAX_PASSKEYS {
        let added = store.add_passkey(&made(MEMBER).1, None).await;
        let full = matches!(added, Err(StoreError::Full(_, MAX_PASSKEYS)));
        assert_eq!(full, number == MAX_PASSKEYS, "{number}");
    }
    assert!(store.add_passkey(&made(OTHER).1, None).await.is_ok());
}

#[tokio::test]
async fn passkeys_go_with_their_member_and_shares_with_their_device() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path()).await;
    let (kept, gone) = (made(OTHER).1, made(MEMBER).1);
    for passkey in [&kept, &gone] {
        store.add_passkey(passkey, Some(b"locked")).await.unwrap();
    }
    let [here, there] = [1, 2].map(|of| DeviceId::new([of; 16]));
    for device in [here, there] {
        for share in [[1; 32], [2; 32]] {
            let put = store.put_unlock_share(device, &Secret::new(share)).await;
            put.unwrap();
        }
    }
    let removed = Gone {
        devices: &[here],
        member: Some(MEMBER),
    };
    store.append((0, b"remove"), removed).await.unwrap();
    assert!(store.passkeys(MEMBER).await.unwrap().is_empty());
    assert_eq!(store.passkeys(OTHER).await.unwrap(), [kept]);
    assert!(store.unlock_share(here).await.unwrap().is_none());
    let share = store.unlock_share(there).await.unwrap().unwrap();
    assert_eq!(share.expose(), &[2; 32]);
}

#[tokio::test]
async fn g_23_a_thief_of_the_file_learns_no_passkey_and_no_share() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path()).await;
    let (soft, passkey) = made(MEMBER);
    store.add_passkey(&passkey, None).await.unwrap();
    let share = Secret::new([0x5a; 32]);
    let device = DeviceId::new([1; 16]);
    store.put_unlock_share(device, &share).await.unwrap();
    store.close().await;
    let key = passkey.key.as_bytes();
    let secrets = [&soft.id, &key[10..42], share.expose()].map(<[u8]>::to_vec);
    // As bytes, and as a document would list them.
    let listed = secrets.each_ref().map(|secret| {
        let numbers = serde_json::to_string(secret).unwrap();
        numbers.trim_matches(['[', ']']).as_bytes().to_vec()
    });
    let names = [b"Marker key".to_vec(), b"marker-name".to_vec()];
    let markers = [&secrets[..], &listed, &names].concat();
    for entry in std::fs::read_dir(dir.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        for marker in &markers {
            let found = bytes.windows(marker.len()).any(|window| window == marker);
            assert!(!found, "{marker:02x?}");
        }
    }
}
