//! Passkeys: any bytes as what a browser and an authenticator say, in a ceremony that is good. What is taken has
//! an id within its bounds and a key in one form; no answer is good that the stored key did not sign.
#![no_main]

use std::sync::LazyLock;
use std::time::Duration;

use bartizan_access::passkey::{
    Answer, MAX_CREDENTIAL_ID, Passkey, Passkeys, PublicKey, Purpose, RelyingParty,
};
use bartizan_domain::text::Name;
use bartizan_domain::{MemberId, Monotonic, Secret, UtcMillis};
use data_encoding::BASE64URL_NOPAD;
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};

const MEMBER: MemberId = MemberId::new([0x0b; 16]);

static RECORDED: LazyLock<Value> = LazyLock::new(|| {
    let text = include_str!("../../fixtures/passkey/chromium-156-virtual-authenticator.json");
    serde_json::from_str(text).expect("the recording")
});

fn at(seconds: u64) -> Monotonic {
    Monotonic::from_start(Duration::from_secs(seconds))
}

/// The recording with one of its parts replaced.
fn with(document: &str, field: &str, bytes: &[u8]) -> Value {
    let mut changed = RECORDED[document].clone();
    changed["response"][field] = json!(BASE64URL_NOPAD.encode(bytes));
    changed
}

fn registered(party: &RelyingParty, credential: &Value) -> Option<Passkey> {
    let mut door = Passkeys::new(&Secret::new([1; 32]));
    let begun = door.begin(party, Purpose::Register(MEMBER), [7; 32], at(0));
    let registered = door.register((party, MEMBER), (&begun, credential), at(1));
    let name = Name::parse("Phone").expect("a name");
    Some(registered.ok()?.named(name, UtcMillis(5), false))
}

fuzz_target!(|bytes: &[u8]| {
    let party = RelyingParty::of_origin("http://localhost:8440").expect("a name");
    if let Some(passkey) = registered(&party, &with("registration", "attestationObject", bytes)) {
        assert!((1..=MAX_CREDENTIAL_ID).contains(&passkey.id.len()));
        let again = PublicKey::decode(passkey.key.as_bytes());
        assert!(again.is_ok_and(|again| again == passkey.key));
    }
    if let Ok(key) = PublicKey::decode(bytes) {
        assert_eq!(key.as_bytes(), bytes);
    }
    let stored = registered(&party, &RECORDED["registration"]).expect("the recording is good");
    let mut door = Passkeys::new(&Secret::new([1; 32]));
    let begun = door.begin(&party, Purpose::Assert, [8; 32], at(0));
    for field in ["authenticatorData", "clientDataJSON", "signature"] {
        let changed = with("authentication", field, bytes);
        let same = changed == RECORDED["authentication"];
        if let Ok(answer) = Answer::parse(&changed) {
            let judged = door.assert(&party, (&begun, &answer), Some(&stored), at(1));
            assert!(judged.is_err() || same || field == "signature");
        }
    }
    if let Ok(credential) = serde_json::from_slice(bytes) {
        let answer = Answer::parse(&credential);
        assert!(answer.is_err() || credential["type"] == "public-key");
        assert!(registered(&party, &credential).is_none() || credential["type"] == "public-key");
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        let named = RelyingParty::of_origin(text);
        assert!(named.is_err() || named.is_ok_and(|party| !party.id().is_empty()));
    }
});
