//! Reader keys against other people's vectors (`fixtures/hpke/`, `fixtures/README.md` says whose).
//!
//! There is no public vector of X-Wing with HKDF-SHA256 and AES-256-GCM. So the key schedule of RFC 9180
//! §5.1 is written down here a second time, is itself held to the published vector of X-Wing with
//! HKDF-SHA256, and then seals under AES-256-GCM what the reader key must open.

use std::path::Path;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Prk, Salt};
use bartizan_domain::Secret;
use bartizan_identity::reader::WrapError;
use bartizan_identity::{ReaderKey, ReaderPublic, Suite};
use data_encoding::HEXLOWER_PERMISSIVE;
use serde::de::{Deserialize, DeserializeOwned, Deserializer};

/// Bytes that a file writes as hexadecimal.
#[derive(Default, PartialEq)]
struct Hex(Vec<u8>);

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = HEXLOWER_PERMISSIVE.decode(text.as_bytes());
        bytes.map(Self).map_err(serde::de::Error::custom)
    }
}

#[derive(serde::Deserialize)]
struct SuiteIds {
    kem: u16,
    kdf: u16,
    aead: u16,
}

#[derive(serde::Deserialize)]
struct Sealed {
    aad: Hex,
    ct: Hex,
    pt: Hex,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Vector {
    suite: SuiteIds,
    info: Hex,
    sk_rm: Hex,
    #[serde(default)]
    pk_rm: Hex,
    enc: Hex,
    #[serde(default, rename = "shared_secret")]
    shared_secret: Hex,
    #[serde(default)]
    key: Hex,
    #[serde(default, rename = "base_nonce")]
    base_nonce: Hex,
    #[serde(default, rename = "exporter_secret")]
    exporter_secret: Hex,
    encryptions: Vec<Sealed>,
}

#[derive(serde::Deserialize)]
struct KemVector {
    seed: Hex,
    pk: Hex,
    ct: Hex,
    ss: Hex,
}

fn read<T: DeserializeOwned>(name: &str) -> T {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/hpke");
    let text = std::fs::read(folder.join(name)).unwrap();
    serde_json::from_slice(&text).unwrap()
}

fn reader(suite: Suite, seed: &Hex) -> ReaderKey {
    ReaderKey::from_seed(suite, Secret::new(seed.0.clone().try_into().unwrap()))
}

/// RFC 9180 §4 and §5.1 in base mode, for suites with HKDF-SHA256.
struct KeySchedule {
    suite_id: Vec<u8>,
}

struct Len(usize);

impl KeyType for Len {
    fn len(&self) -> usize {
        self.0
    }
}

impl KeySchedule {
    fn new(SuiteIds { kem, kdf, aead }: &SuiteIds) -> Self {
        let ids = [kem, kdf, aead].map(|id| id.to_be_bytes());
        let suite_id = [b"HPKE", ids.as_flattened()].concat();
        Self { suite_id }
    }

    fn extract(&self, salt: &Extracted, label: &str, ikm: &[u8]) -> Extracted {
        let ikm = [b"HPKE-v1", self.suite_id.as_slice(), label.as_bytes(), ikm].concat();
        Extracted(hmac(&salt.0, &ikm))
    }

    fn expand(&self, prk: &Extracted, label: &str, info: &[u8], len: usize) -> Vec<u8> {
        let short = u16::try_from(len).unwrap().to_be_bytes();
        let label = label.as_bytes();
        let info = [short.as_slice(), b"HPKE-v1", &self.suite_id, label, info].concat();
        let prk = Prk::new_less_safe(HKDF_SHA256, &prk.0);
        let mut out = vec![0; len];
        prk.expand(&[&info], Len(len))
            .unwrap()
            .fill(&mut out)
            .unwrap();
        out
    }

    /// Key, base nonce and exporter secret.
    fn run(&self, shared_secret: &[u8], info: &[u8]) -> [Vec<u8>; 3] {
        let none = || Extracted(Vec::new());
        let psk_id = self.extract(&none(), "psk_id_hash", b"");
        let info = self.extract(&none(), "info_hash", info);
        let context = [&[0], psk_id.0.as_slice(), &info.0].concat();
        let secret = self.extract(&Extracted(shared_secret.to_vec()), "secret", b"");
        [("key", 32), ("base_nonce", 12), ("exp", 32)]
            .map(|(label, len)| self.expand(&secret, label, &context, len))
    }
}

/// A pseudorandom key whose bytes can be joined to others, which the provider's can't.
struct Extracted(Vec<u8>);

/// HKDF-Extract (RFC 5869 §2.2).
fn hmac(salt: &[u8], ikm: &[u8]) -> Vec<u8> {
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, salt);
    let tag = aws_lc_rs::hmac::sign(&key, ikm).as_ref().to_vec();
    // The provider's own extraction agrees; its output can't be read, only expanded.
    let own = Salt::new(HKDF_SHA256, salt).extract(ikm);
    let again = Prk::new_less_safe(HKDF_SHA256, &tag);
    assert_eq!(expanded(&own), expanded(&again));
    tag
}

fn expanded(prk: &Prk) -> [u8; 32] {
    let mut out = [0; 32];
    prk.expand(&[b"x"], HKDF_SHA256)
        .unwrap()
        .fill(&mut out)
        .unwrap();
    out
}

/// What a sender of the same suite with AES-256-GCM makes of `shared_secret`.
fn seal(kem: u16, shared_secret: &[u8], info: &[u8], aad: &[u8], clear: &[u8]) -> Vec<u8> {
    let ids = SuiteIds {
        kem,
        kdf: 1,
        aead: 2,
    };
    let [key, nonce, _] = KeySchedule::new(&ids).run(shared_secret, info);
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &key).unwrap());
    let nonce = Nonce::try_assume_unique_for_key(&nonce).unwrap();
    let mut sealed = clear.to_vec();
    key.seal_in_place_append_tag(nonce, Aad::from(aad), &mut sealed)
        .unwrap();
    sealed
}

#[test]
fn hpke_x25519_opens_the_vector_of_rfc_9180() {
    let vectors: Vec<Vector> = read("x25519-aes-256-gcm.json");
    for vector in &vectors {
        let SuiteIds { kem, kdf, aead } = vector.suite;
        assert_eq!((kem, kdf, aead), (Suite::X25519.code(), 1, 2));
        let key = reader(Suite::X25519, &vector.sk_rm);
        assert_eq!(key.public().as_bytes(), vector.pk_rm.0);
        for Sealed { aad, ct, pt } in &vector.encryptions {
            let unwrap = |info: &[u8], aad: &[u8], ct: &[u8]| {
                let opened = key.unwrap(&vector.enc.0, info, aad, ct);
                opened.map(|clear| clear.expose().clone())
            };
            assert_eq!(unwrap(&vector.info.0, &aad.0, &ct.0).as_ref(), Ok(&pt.0));
            let refused = Err(WrapError::DoesNotOpen);
            assert_eq!(unwrap(b"other", &aad.0, &ct.0), refused);
            assert_eq!(unwrap(&vector.info.0, b"other", &ct.0), refused);
            assert_eq!(unwrap(&vector.info.0, &aad.0, &ct.0[1..]), refused);
        }
    }
}

#[test]
fn hpke_the_key_schedule_is_that_of_the_published_x_wing_vector() {
    let vectors: Vec<Vector> = read("x-wing-hkdf-sha256.json");
    for vector in &vectors {
        assert_eq!(
            (vector.suite.kem, vector.suite.kdf),
            (Suite::XWing.code(), 1)
        );
        let found = KeySchedule::new(&vector.suite).run(&vector.shared_secret.0, &vector.info.0);
        let published = [&vector.key, &vector.base_nonce, &vector.exporter_secret];
        assert_eq!(found, published.map(|hex| hex.0.clone()));
    }
}

#[test]
fn hpke_x_wing_opens_what_the_published_encapsulation_carries() {
    let vectors: Vec<Vector> = read("x-wing-hkdf-sha256.json");
    for vector in &vectors {
        let key = reader(Suite::XWing, &vector.sk_rm);
        let kem = vector.suite.kem;
        let sealed = seal(
            kem,
            &vector.shared_secret.0,
            &vector.info.0,
            b"aad",
            b"secret",
        );
        let opened = key.unwrap(&vector.enc.0, &vector.info.0, b"aad", &sealed);
        assert_eq!(opened.unwrap().expose(), b"secret");
    }
}

#[test]
fn hpke_x_wing_keys_and_shared_secrets_are_those_of_the_draft() {
    let vectors: Vec<KemVector> = read("x-wing-kem.json");
    assert_eq!(vectors.len(), 3);
    for KemVector { seed, pk, ct, ss } in &vectors {
        let key = reader(Suite::XWing, seed);
        assert_eq!(
            key.public(),
            &ReaderPublic::new(Suite::XWing, &pk.0).unwrap()
        );
        let sealed = seal(Suite::XWing.code(), &ss.0, b"info", b"aad", b"secret");
        let opened = key.unwrap(&ct.0, b"info", b"aad", &sealed);
        assert_eq!(opened.unwrap().expose(), b"secret");
        // Implicit rejection: a changed encapsulation gives another secret, and no error that tells.
        let mut changed = ct.0.clone();
        changed[7] ^= 1;
        let refused = key.unwrap(&changed, b"info", b"aad", &sealed);
        assert_eq!(refused.unwrap_err(), WrapError::DoesNotOpen);
    }
}

#[test]
fn hpke_no_two_wraps_are_alike() {
    for suite in [Suite::X25519, Suite::XWing] {
        let key = reader(suite, &Hex(vec![7; 32]));
        let wraps: Vec<_> = (0..16)
            .map(|_| key.public().wrap(b"info", b"aad", b"secret").unwrap())
            .collect();
        for (at, (enc, sealed)) in wraps.iter().enumerate() {
            let others = wraps.iter().skip(at + 1);
            assert!(others.clone().all(|(other, _)| other != enc));
            assert!(others.clone().all(|(_, other)| other != sealed));
        }
    }
}
