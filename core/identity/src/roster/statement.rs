//! One signed line of the roster and its canonical bytes (`docs/sealed-stream.md` §8). What it changes is in
//! `operation.rs`.

use bartizan_domain::wire::{Reader, WireError, Writer};
use bartizan_domain::{Hash, KeyId, SiteId, UtcMillis};

use super::operation::{Operation, decode_operation, encode_operation};
use crate::key::sha256;
use crate::{Signature, SigningKey, VerifyingKey};

/// Bytes of one statement.
pub const MAX_STATEMENT_BYTES: usize = 16_384;

const VERSION: u8 = 1;
const SIGNING_CONTEXT: &[u8] = b"bartizan/v1/roster";
const HASH_CONTEXT: &[u8] = b"bartizan/v1/statement";

/// Why bytes are not a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StatementError {
    /// Over the limit.
    #[error("a roster statement has at most {MAX_STATEMENT_BYTES} bytes; this has {len}")]
    TooLong {
        /// Bytes given.
        len: usize,
    },
    /// Not the canonical form.
    #[error("not a roster statement")]
    Malformed(#[from] WireError),
    /// A key that is none of its suite.
    #[error("the statement holds a malformed reader key")]
    BadReaderKey,
}

/// A signed line of the roster; its signature is checked when it is applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Whose roster.
    pub site: SiteId,
    /// Its place, from 0.
    pub sequence: u64,
    /// Hash of the statement before it; zero for the first.
    pub previous: Hash,
    /// When it was made, by the author's clock.
    pub time: UtcMillis,
    /// Key id of the identity that signed it.
    pub author: KeyId,
    /// What it changes.
    pub operation: Operation,
    bytes: Vec<u8>,
}

impl Statement {
    /// Makes and signs a statement.
    pub fn sign(
        key: &SigningKey,
        site: SiteId,
        (sequence, previous): (u64, Hash),
        time: UtcMillis,
        operation: Operation,
    ) -> Self {
        let author = key.public().id();
        let operation = operation.canonical();
        let mut out = Writer::new();
        out.u8(VERSION)
            .fixed(site.as_bytes())
            .u64(sequence)
            .fixed(previous.as_bytes());
        out.time(time).fixed(author.as_bytes());
        encode_operation(&mut out, &operation);
        let signature = key.sign(SIGNING_CONTEXT, out.as_slice());
        out.fixed(signature.as_bytes());
        Self {
            site,
            sequence,
            previous,
            time,
            author,
            operation,
            bytes: out.into_vec(),
        }
    }

    /// Reads a statement without believing it.
    pub fn decode(bytes: &[u8]) -> Result<Self, StatementError> {
        if bytes.len() > MAX_STATEMENT_BYTES {
            return Err(StatementError::TooLong { len: bytes.len() });
        }
        let mut input = Reader::new(bytes);
        input.exactly("statement version", VERSION)?;
        let site = SiteId::new(input.array("site")?);
        let sequence = input.u64("sequence")?;
        let previous = input.hash("previous")?;
        let time = input.time("time")?;
        let author = KeyId::new(input.array("author")?);
        let operation = decode_operation(&mut input)?;
        input.take("signature", Signature::LEN)?;
        input.finish()?;
        Ok(Self {
            site,
            sequence,
            previous,
            time,
            author,
            operation,
            bytes: bytes.to_vec(),
        })
    }

    /// The canonical bytes, signature last.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What the next statement names as its predecessor.
    pub fn hash(&self) -> Hash {
        sha256(&[HASH_CONTEXT, &self.bytes])
    }

    /// Checks the signature with `key`.
    pub(super) fn signed_by(&self, key: &VerifyingKey) -> bool {
        let Some((message, signature)) = self.bytes.split_last_chunk::<{ Signature::LEN }>() else {
            return false;
        };
        key.verify(SIGNING_CONTEXT, message, &Signature::new(*signature))
            .is_ok()
    }
}
