//! Recovery words as people type them, and key stores.

use bartizan_domain::Secret;
use bartizan_identity::keystore::Keystore as Store;
use bartizan_identity::recovery::RecoveryKey;

use crate::edit::{flipped, with};
use crate::format::{Hex, Keys, Keystore, Words};
use crate::house::{OWNER, OWNER_KEY, READERS, SITE, reader, words};
use crate::judge::{of_keystore, of_words};

pub(crate) fn owners_store() -> Store {
    let mut store = Store::new(
        SITE,
        OWNER,
        Secret::new([OWNER_KEY; 32]),
        reader(READERS[0].1),
    );
    store.add_reader(reader(33));
    store
}

pub(crate) fn cases() -> Keys {
    let store = owners_store();
    let locked = store.lock(&words().lock(), [6; 12]);
    Keys {
        words: typed(),
        keystores: stores(&locked, &store),
    }
}

fn typed() -> Vec<Words> {
    let good = words().words().expose().clone();
    let zero = RecoveryKey::from_entropy(Secret::new([0; 32]))
        .words()
        .expose()
        .clone();
    let mut list = Vec::new();
    let mut add = |name: &str, text: String| {
        let parsed = RecoveryKey::parse(&text);
        let verdict = parsed
            .as_ref()
            .map_or_else(|error| of_words(*error), |_| "accepted");
        let gives = parsed.ok().map(|key| {
            let identity = Hex(key.identity().public().as_bytes().to_vec());
            (
                identity,
                key.reader().public().id().to_string(),
                Hex(key.lock().expose().to_vec()),
            )
        });
        let (name, verdict) = (name.to_owned(), verdict.to_owned());
        list.push(Words {
            name,
            text,
            verdict,
            gives,
        });
    };
    add("the household's first words", good.clone());
    add("the words of zero", zero);
    add(
        "in capitals, with odd white space",
        format!(" \t{}\n", good.to_uppercase().replace(' ', "\r\n  ")),
    );
    add("nothing", String::new());
    add(
        "one word too few",
        good.rsplit_once(' ')
            .map_or_else(String::new, |(head, _)| head.to_owned()),
    );
    add("one word too many", format!("{good} title"));
    add("a misspelt word", good.replacen("thank", "thnak", 1));
    add(
        "two words swapped",
        good.replacen("legal winner", "winner legal", 1),
    );
    add("another last word", good.replace("title", "zoo"));
    list
}

fn stores(locked: &[u8], store: &Store) -> Vec<Keystore> {
    let lock = words().lock();
    let mut list = Vec::new();
    let mut add = |name: &str, locked: Vec<u8>, lock: &Secret<[u8; 32]>| {
        let opened = Store::unlock(&locked, lock);
        let verdict = of_keystore(&opened).to_owned();
        let clear = opened
            .ok()
            .map(|store| Hex(store.encode().expose().clone()));
        let (name, locked, lock) = (name.to_owned(), Hex(locked), Hex(lock.expose().to_vec()));
        list.push(Keystore {
            name,
            locked,
            lock,
            verdict,
            clear,
        });
    };
    add("whole", locked.to_vec(), &lock);
    add("another lock", locked.to_vec(), &Secret::new([9; 32]));
    add("another version", with(locked, 0, &[2]), &lock);
    add("another nonce", flipped(locked, 1), &lock);
    add("another text", flipped(locked, 13), &lock);
    add("another tag", flipped(locked, locked.len() - 1), &lock);
    add("cut", locked[..locked.len() - 1].to_vec(), &lock);
    add("cut within the nonce", locked[..12].to_vec(), &lock);
    add("empty", Vec::new(), &lock);
    add("a byte more", [locked, &[0]].concat(), &lock);
    assert_eq!(store.readers().len(), 2);
    list
}
