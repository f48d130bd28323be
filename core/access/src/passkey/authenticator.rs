//! What an authenticator says and signs: authenticator data (`WebAuthn` L3 §6.1), the public key in it (RFC
//! 9052 §7, RFC 9053 §7.1) and the signatures of that key.
//!
//! Attestation statements are passed over: which make an authenticator is of decides nothing here.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
    RsaPublicKeyComponents, UnparsedPublicKey,
};

use super::PasskeyError;
use super::cbor::{Item, Reader};

/// Bytes of a credential id at most (`WebAuthn` L3 §5.8.3).
pub const MAX_CREDENTIAL_ID: usize = 1_023;

/// Bytes of an RSA modulus, 2,048 to 4,096 bits: more would only cost time.
const RSA_MODULUS: std::ops::RangeInclusive<usize> = 256..=512;

/// COSE algorithms that are asked for, in order of preference: ES256, `EdDSA`, RS256 (Windows Hello with a TPM).
pub(super) const ALGORITHMS: [i64; 3] = [ES256, EDDSA, RS256];

const ES256: i64 = -7;
const EDDSA: i64 = -8;
const RS256: i64 = -257;

const MALFORMED: PasskeyError = PasskeyError::Malformed("the authenticator's data is cut or wrong");

/// The bits of `WebAuthn` L3 §6.1.
#[derive(Clone, Copy)]
pub(super) struct Flags(u8);

impl Flags {
    const fn has(self, bit: u8) -> bool {
        self.0 & (1 << bit) != 0
    }

    /// Somebody was there (UP).
    pub(super) const fn present(self) -> bool {
        self.has(0)
    }

    /// It was the right person: by finger, face or PIN (UV).
    pub(super) const fn verified(self) -> bool {
        self.has(2)
    }

    /// The passkey may be copied to other authenticators (BE).
    pub(super) const fn backup_eligible(self) -> bool {
        self.has(3)
    }

    /// `WebAuthn` L3 §6.1.3: a passkey that can't be copied was not copied (BS).
    const fn consistent(self) -> bool {
        self.backup_eligible() || !self.has(4)
    }

    const fn attested(self) -> bool {
        self.has(6)
    }

    const fn extended(self) -> bool {
        self.has(7)
    }
}

/// Authenticator data, parsed.
pub(super) struct AuthenticatorData<'a> {
    /// SHA-256 of the RP id.
    pub(super) rp_id_hash: &'a [u8; 32],
    pub(super) flags: Flags,
    pub(super) counter: u32,
    /// The new credential's id and key, at a registration.
    pub(super) attested: Option<(&'a [u8], PublicKey)>,
}

impl<'a> AuthenticatorData<'a> {
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, PasskeyError> {
        let (rp_id_hash, rest) = bytes.split_first_chunk::<32>().ok_or(MALFORMED)?;
        let (flags, rest) = rest.split_first().ok_or(MALFORMED)?;
        let (counter, mut rest) = rest.split_first_chunk::<4>().ok_or(MALFORMED)?;
        let flags = Flags(*flags);
        let mut attested = None;
        if flags.attested() {
            let (id, key, left) = attested_credential(rest)?;
            (attested, rest) = (Some((id, key)), left);
        }
        if flags.extended() {
            let mut reader = Reader::new(rest);
            reader.skip()?;
            rest = reader.rest();
        }
        if !rest.is_empty() || !flags.consistent() {
            return Err(MALFORMED);
        }
        Ok(Self {
            rp_id_hash,
            flags,
            counter: u32::from_be_bytes(*counter),
            attested,
        })
    }
}

/// `WebAuthn` L3 §6.5.2: model, length of the id, id, key.
fn attested_credential(bytes: &[u8]) -> Result<(&[u8], PublicKey, &[u8]), PasskeyError> {
    let (_model, rest) = bytes.split_first_chunk::<16>().ok_or(MALFORMED)?;
    let (len, rest) = rest.split_first_chunk::<2>().ok_or(MALFORMED)?;
    let len = usize::from(u16::from_be_bytes(*len));
    let (id, rest) = rest.split_at_checked(len).ok_or(MALFORMED)?;
    if id.is_empty() || id.len() > MAX_CREDENTIAL_ID {
        return Err(MALFORMED);
    }
    let mut reader = Reader::new(rest);
    reader.skip()?;
    let used = rest.len().saturating_sub(reader.rest().len());
    let key = PublicKey::decode(rest.get(..used).ok_or(MALFORMED)?)?;
    Ok((id, key, reader.rest()))
}

/// The authenticator data in an attestation object (`WebAuthn` L3 §6.5.4).
pub(super) fn attestation_object(bytes: &[u8]) -> Result<&[u8], PasskeyError> {
    let mut reader = Reader::new(bytes);
    let mut found = None;
    for _ in 0..reader.map()? {
        match reader.item()? {
            Item::Text("authData") if found.is_none() => found = Some(reader.bytes()?),
            Item::Text("fmt" | "attStmt") => reader.skip()?,
            _ => return Err(MALFORMED),
        }
    }
    found.filter(|_| reader.rest().is_empty()).ok_or(MALFORMED)
}

/// A passkey's public key, as its authenticator wrote it (COSE, RFC 9052 §7).
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey(Vec<u8>);

impl std::fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PublicKey({} bytes)", self.0.len())
    }
}

enum Parts<'a> {
    Es256([u8; 65]),
    EdDsa(&'a [u8]),
    Rs256 { n: &'a [u8], e: &'a [u8] },
}

impl PublicKey {
    /// Takes COSE bytes: ES256 on P-256, `EdDSA` on Ed25519, or RS256 with 2,048 to 4,096 bits.
    pub fn decode(bytes: &[u8]) -> Result<Self, PasskeyError> {
        let point = match parts(bytes)? {
            Parts::Es256(point) => ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point).is_ok(),
            Parts::EdDsa(point) => ParsedPublicKey::new(&ED25519, point).is_ok(),
            Parts::Rs256 { .. } => true,
        };
        if !point {
            return Err(PasskeyError::UnsupportedKey);
        }
        Ok(Self(bytes.to_vec()))
    }

    /// The COSE bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether the signature over `message` is this key's.
    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let done = match parts(&self.0) {
            Ok(Parts::Es256(point)) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point).verify(message, signature)
            }
            Ok(Parts::EdDsa(point)) => {
                UnparsedPublicKey::new(&ED25519, point).verify(message, signature)
            }
            Ok(Parts::Rs256 { n, e }) => RsaPublicKeyComponents { n, e }.verify(
                &RSA_PKCS1_2048_8192_SHA256,
                message,
                signature,
            ),
            Err(_) => return false,
        };
        done.is_ok()
    }
}

/// The labels of RFC 9052 §7.1 and RFC 9053 §7 that matter: `kty`, `alg`, and -1 to -3 by key type.
#[derive(Default)]
struct Labels<'a> {
    kty: Option<i64>,
    alg: Option<i64>,
    curve: Option<i64>,
    first: Option<&'a [u8]>,
    second: Option<&'a [u8]>,
    third: Option<&'a [u8]>,
}

fn parts(bytes: &[u8]) -> Result<Parts<'_>, PasskeyError> {
    let labels = labels(bytes)?;
    match labels {
        Labels {
            kty: Some(2),
            alg: Some(ES256),
            curve: Some(1),
            first: None,
            second: Some(x),
            third: Some(y),
        } => Ok(Parts::Es256(
            point(x, y).ok_or(PasskeyError::UnsupportedKey)?,
        )),
        Labels {
            kty: Some(1),
            alg: Some(EDDSA),
            curve: Some(6),
            first: None,
            second: Some(x),
            third: None,
        } if x.len() == 32 => Ok(Parts::EdDsa(x)),
        Labels {
            kty: Some(3),
            alg: Some(RS256),
            curve: None,
            first: Some(n),
            second: Some(e),
            third: None,
        } if RSA_MODULUS.contains(&n.len()) && (1..=4).contains(&e.len()) => {
            Ok(Parts::Rs256 { n, e })
        }
        _ => Err(PasskeyError::UnsupportedKey),
    }
}

fn labels(bytes: &[u8]) -> Result<Labels<'_>, PasskeyError> {
    let mut reader = Reader::new(bytes);
    let mut found = Labels::default();
    for _ in 0..reader.map()? {
        let Item::Int(label) = reader.item()? else {
            return Err(MALFORMED);
        };
        let repeated = match (label, reader.item()?) {
            (1, Item::Int(value)) => found.kty.replace(value).is_some(),
            (3, Item::Int(value)) => found.alg.replace(value).is_some(),
            (-1, Item::Int(value)) => found.curve.replace(value).is_some(),
            (-1, Item::Bytes(value)) => found.first.replace(value).is_some(),
            (-2, Item::Bytes(value)) => found.second.replace(value).is_some(),
            (-3, Item::Bytes(value)) => found.third.replace(value).is_some(),
            _ => return Err(PasskeyError::UnsupportedKey),
        };
        if repeated {
            return Err(MALFORMED);
        }
    }
    if reader.rest().is_empty() {
        Ok(found)
    } else {
        Err(MALFORMED)
    }
}

/// Uncompressed (SEC 1 §2.3.3).
fn point(x: &[u8], y: &[u8]) -> Option<[u8; 65]> {
    let (x, y): ([u8; 32], [u8; 32]) = (x.try_into().ok()?, y.try_into().ok()?);
    [&[4], x.as_slice(), &y].concat().try_into().ok()
}
