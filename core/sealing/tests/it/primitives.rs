//! The provider's AES-256-GCM and HKDF-Expand, as segments use them, against other people's vectors
//! (`fixtures/primitives/`, `fixtures/README.md` says whose).

use std::path::Path;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Prk};
use data_encoding::HEXLOWER;
use serde::de::{Deserialize, DeserializeOwned, Deserializer};

struct Hex(Vec<u8>);

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = HEXLOWER.decode(text.as_bytes());
        bytes.map(Self).map_err(serde::de::Error::custom)
    }
}

#[derive(serde::Deserialize)]
struct Gcm {
    key: Hex,
    nonce: Hex,
    aad: Hex,
    clear: Option<Hex>,
    sealed: Hex,
}

#[derive(serde::Deserialize)]
struct GcmFile {
    opens: Vec<Gcm>,
    refused: Vec<Gcm>,
}

#[derive(serde::Deserialize)]
struct Expand {
    prk: Hex,
    info: Hex,
    okm: Hex,
}

fn read<T: DeserializeOwned>(name: &str) -> T {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/primitives");
    let text = std::fs::read(folder.join(name)).unwrap();
    serde_json::from_slice(&text).unwrap()
}

impl Gcm {
    fn key(&self) -> LessSafeKey {
        LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &self.key.0).unwrap())
    }

    fn nonce(&self) -> Nonce {
        Nonce::try_assume_unique_for_key(&self.nonce.0).unwrap()
    }

    fn open(&self) -> Option<Vec<u8>> {
        let mut text = self.sealed.0.clone();
        let aad = Aad::from(&self.aad.0);
        let opened = self.key().open_in_place(self.nonce(), aad, &mut text);
        opened.ok().map(|clear| clear.to_vec())
    }
}

#[test]
fn aes_256_gcm_known_answers() {
    let file: GcmFile = read("aes-256-gcm.json");
    assert!(file.opens.len() > 20 && file.refused.len() > 10);
    for vector in &file.opens {
        let clear = vector.clear.as_ref().unwrap();
        let mut text = clear.0.clone();
        let aad = Aad::from(&vector.aad.0);
        vector
            .key()
            .seal_in_place_append_tag(vector.nonce(), aad, &mut text)
            .unwrap();
        assert_eq!(text, vector.sealed.0);
        assert_eq!(vector.open().as_ref(), Some(&clear.0));
    }
    for vector in &file.refused {
        assert_eq!(vector.open(), None);
    }
}

struct Len(usize);

impl KeyType for Len {
    fn len(&self) -> usize {
        self.0
    }
}

#[test]
fn hkdf_expand_known_answers() {
    let vectors: Vec<Expand> = read("hkdf-expand-sha256.json");
    assert_eq!(vectors.len(), 3);
    for Expand { prk, info, okm } in &vectors {
        let prk = Prk::new_less_safe(HKDF_SHA256, &prk.0);
        let mut out = vec![0; okm.0.len()];
        prk.expand(&[&info.0], Len(out.len()))
            .unwrap()
            .fill(&mut out)
            .unwrap();
        assert_eq!(out, okm.0);
    }
}
