//! Ways to change bytes as an adversary would, and to collect what must come of it.

use bartizan_domain::{Hash, Rendition};
use bartizan_identity::{Signature, SigningKey};
use bartizan_sealing::Kind;
use bartizan_sealing::record::{append_single, check_of, link};

use crate::film::split;
use crate::format::{self, Case, Hex};
use crate::judge::World;

pub(crate) type Bytes = Vec<u8>;

/// Writes the check fields anew, as anyone can.
pub(crate) fn rechained(bytes: &[u8]) -> Bytes {
    let (mut out, mut chain) = (Vec::new(), Hash::ZERO);
    let mut len = 0;
    for record in split(bytes) {
        len += record.bytes.len();
        let (covered, kind) = (record.header.covered(), record.header.kind);
        let before = if kind.starts_chain() {
            Hash::ZERO
        } else {
            chain
        };
        let after = link(&before, &covered, record.body);
        out.extend_from_slice(&covered);
        out.extend_from_slice(&check_of(&after));
        out.extend_from_slice(record.body);
        if kind != Kind::Manifest {
            chain = after;
        }
    }
    [out.as_slice(), &bytes[len..]].concat()
}

pub(crate) fn with(bytes: &[u8], at: usize, new: &[u8]) -> Bytes {
    let mut out = bytes.to_vec();
    out[at..at + new.len()].copy_from_slice(new);
    out
}

pub(crate) fn flipped(bytes: &[u8], at: usize) -> Bytes {
    with(bytes, at, &[bytes[at] ^ 1])
}

/// A record that stands outside segments.
pub(crate) fn single(kind: Kind, body: &[u8]) -> Bytes {
    let mut out = Vec::new();
    append_single(&mut out, kind, Rendition::Main, body);
    out
}

/// The same message under another signature.
pub(crate) fn resigned(context: &'static [u8], body: &[u8], key: &SigningKey) -> Bytes {
    let message = &body[..body.len() - Signature::LEN];
    [message, key.sign(context, message).as_bytes()].concat()
}

/// Fields of a fixed layout: name and length.
pub(crate) struct Layout(pub(crate) &'static [(&'static str, usize)]);

impl Layout {
    /// Name, first and last byte of each field.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (&'static str, usize, usize)> {
        let mut at = 0;
        self.0.iter().map(move |(name, len)| {
            let from = at;
            at += len;
            (*name, from, at - 1)
        })
    }
}

/// The cases so far. Verdicts are written down by hand; each is checked against this implementation when it
/// is added.
pub(crate) struct Cases<'a> {
    pub(crate) world: &'a World,
    pub(crate) list: Vec<Case>,
    /// What all of them are judged as.
    pub(crate) kind: format::Kind,
}

impl Cases<'_> {
    pub(crate) fn add(&mut self, name: impl Into<String>, bytes: Bytes, verdict: &str) {
        let (kind, name) = (self.kind, name.into());
        let found = self.world.judge(kind, &bytes);
        assert_eq!(found, verdict, "{kind:?}: {name}");
        let verdict = verdict.to_owned();
        self.list.push(Case {
            kind,
            name,
            verdict,
            bytes: Hex(bytes),
        });
    }

    /// For changes by which field the bytes stop making sense depends on the bytes: anything but acceptance.
    pub(crate) fn refused(&mut self, name: impl Into<String>, bytes: Bytes) {
        let (kind, name) = (self.kind, name.into());
        let verdict = self.world.judge(kind, &bytes).to_owned();
        assert_ne!(verdict, "accepted", "{kind:?}: {name}");
        self.list.push(Case {
            kind,
            name,
            verdict,
            bytes: Hex(bytes),
        });
    }
}
