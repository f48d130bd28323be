//! What the files of `fixtures/sealed-stream/` hold; the writer and the test share it, and `web/` has the
//! same in TypeScript. Bytes are hexadecimal, ids are text, 64-bit numbers are decimal text.

use data_encoding::HEXLOWER;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Bytes.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Hex(pub(crate) Vec<u8>);

impl Serialize for Hex {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&HEXLOWER.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = HEXLOWER.decode(text.as_bytes());
        bytes.map(Self).map_err(serde::de::Error::custom)
    }
}

/// A reader key: its suite's code, and the byte that its seed holds 32 times.
#[derive(Serialize, Deserialize)]
pub(crate) struct Reader {
    pub(crate) suite: u16,
    pub(crate) seed: u8,
    pub(crate) id: String,
}

/// An epoch's envelope record, and what it wraps.
#[derive(Serialize, Deserialize)]
pub(crate) struct Epoch {
    #[serde(rename = "epoch")]
    pub(crate) id: String,
    pub(crate) record: Hex,
    pub(crate) commitment: String,
    pub(crate) secret: Hex,
}

/// A frame that opens.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FrameText {
    pub(crate) rendition: String,
    pub(crate) track: String,
    pub(crate) key: bool,
    pub(crate) captured: String,
    pub(crate) pts: String,
    pub(crate) decode_offset: i32,
    pub(crate) data: Hex,
}

/// Who is entitled to a camera's epochs after so many statements at a time.
#[derive(PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entitled {
    pub(crate) statements: u64,
    pub(crate) camera: String,
    pub(crate) time: String,
    /// Key ids, ascending.
    pub(crate) keys: Vec<String>,
}

/// `household.json`: the roster, keys, epochs, and the frames of `main.bin` and `sub.bin`.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Household {
    pub(crate) words: String,
    pub(crate) lock: Hex,
    pub(crate) keystore: Hex,
    pub(crate) recovery_identity: String,
    pub(crate) recovery_reader: String,
    pub(crate) camera: String,
    pub(crate) genesis: String,
    /// After each statement.
    pub(crate) heads: Vec<String>,
    pub(crate) statements: Vec<Hex>,
    /// The bytes that the seeds of the statements' authors hold 32 times.
    pub(crate) authors: Vec<u8>,
    pub(crate) entitled: Vec<Entitled>,
    pub(crate) readers: Vec<Reader>,
    pub(crate) envelopes: Vec<Epoch>,
    pub(crate) frames: Vec<FrameText>,
}

/// What a [`Case`] is judged as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// Records, after the first envelope, for someone who holds all readers' keys.
    Segment,
    /// An envelope's body, for the second reader, under the roster of the first envelope.
    Envelope,
    /// The next statement after the last.
    Statement,
    /// A manifest record, for the camera.
    Manifest,
}

/// `cases.json`: bytes and the one verdict about them.
#[derive(Serialize, Deserialize)]
pub(crate) struct Case {
    pub(crate) kind: Kind,
    pub(crate) name: String,
    pub(crate) verdict: String,
    pub(crate) bytes: Hex,
}

/// `recordings.json`: what is done to `main.bin`, and what the offline check then finds.
#[derive(Serialize, Deserialize)]
pub(crate) struct Recording {
    pub(crate) name: String,
    /// Byte ranges that are kept, in this order.
    pub(crate) keep: Vec<(usize, usize)>,
    /// The byte whose lowest bit is flipped first.
    pub(crate) flip: Option<usize>,
    /// Bytes behind all that.
    pub(crate) append: Hex,
    /// Kinds of findings, each once, in the order of the alphabet.
    pub(crate) findings: Vec<String>,
}

impl Recording {
    pub(crate) fn apply(&self, main: &[u8]) -> Vec<u8> {
        let mut all = main.to_vec();
        if let Some(byte) = self.flip.and_then(|at| all.get_mut(at)) {
            *byte ^= 1;
        }
        let kept = self
            .keep
            .iter()
            .filter_map(|(from, to)| all.get(*from..*to));
        kept.flatten().chain(&self.append.0).copied().collect()
    }
}

/// `keys.json`: recovery words as they are typed, and key stores.
#[derive(Serialize, Deserialize)]
pub(crate) struct Keys {
    pub(crate) words: Vec<Words>,
    pub(crate) keystores: Vec<Keystore>,
}

/// Words, and what comes of them.
#[derive(Serialize, Deserialize)]
pub(crate) struct Words {
    pub(crate) name: String,
    pub(crate) text: String,
    pub(crate) verdict: String,
    /// For good words: identity, reader key's id, lock.
    pub(crate) gives: Option<(Hex, String, Hex)>,
}

/// A locked key store, a lock, and what comes of them.
#[derive(Serialize, Deserialize)]
pub(crate) struct Keystore {
    pub(crate) name: String,
    pub(crate) locked: Hex,
    pub(crate) lock: Hex,
    pub(crate) verdict: String,
    /// For one that opens: its clear bytes.
    pub(crate) clear: Option<Hex>,
}
