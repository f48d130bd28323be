//! For the fuzzers of whole streams: what a broken sealer could emit, out of records with clear bodies.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use bartizan_domain::{EpochId, Hash, Secret};
use bartizan_identity::Signature;
use bartizan_identity::keystore::Keystore;
use bartizan_identity::roster::History;
use bartizan_sealing::record::{Header, append_single, link};
use bartizan_sealing::{
    EpochSecret, EpochStart, Kind, Manifest, Record, Scope, SegmentHeader, envelope,
};

use crate::{SCOPE, SECRET, START, key, reader, roster, seal_frame, segment_key, statements};

/// In a clear body, a hash that is filled in where it belongs: chains can't be guessed.
pub const FILLED_IN: [u8; 32] = [0xaa; 32];

/// The household's log.
pub fn history() -> History {
    let statements = statements();
    History::replay(statements[0].hash(), statements).expect("the statements are ours")
}

/// The owner's keys.
pub fn keystore() -> Keystore {
    let owner = bartizan_domain::MemberId::new([1; 16]);
    Keystore::new(SCOPE.site, owner, Secret::new([1; 32]), reader(1))
}

/// The envelope record of any epoch with the one secret, and its hash.
pub fn our_envelope(epoch: EpochId) -> (Vec<u8>, Hash) {
    let mut record = Vec::new();
    let scope = Scope { epoch, ..SCOPE };
    let start = EpochStart {
        scope,
        start: START,
        previous: [Hash::ZERO; 2],
    };
    let secret = EpochSecret::new(scope, Secret::new(SECRET));
    let hash = envelope::seal(&key(4), &roster(), &start, &secret, &mut record);
    (record, hash.expect("the sealer is on the roster"))
}

/// Where a stream stands.
struct Sealer {
    out: Vec<u8>,
    segment: Option<(SegmentHeader, Hash)>,
    chain: Hash,
    bytes: u64,
    manifest: Hash,
    envelope: Hash,
}

/// `bytes`, whose records have clear bodies, as the household's sealer would have sealed and signed them:
/// frames and closes without their tags, manifests and envelopes without their signatures. Hashes that are
/// [`FILLED_IN`], and the length `u64::MAX` of a close, become the right ones. What is no record stays.
pub fn sealed(mut bytes: &[u8], envelope: Hash) -> Vec<u8> {
    let mut sealer = Sealer {
        out: Vec::new(),
        segment: None,
        chain: Hash::ZERO,
        bytes: 0,
        manifest: Hash::ZERO,
        envelope,
    };
    while let Ok(Some((record, rest))) = Record::split(bytes) {
        sealer.take(&record);
        bytes = rest;
    }
    sealer.out.extend_from_slice(bytes);
    sealer.out
}

impl Sealer {
    fn take(&mut self, record: &Record<'_>) {
        match record.header.kind {
            Kind::Envelope => {
                let signature = key(4).sign(b"bartizan/v1/envelope", record.body);
                let body = [record.body, signature.as_bytes()].concat();
                append_single(
                    &mut self.out,
                    Kind::Envelope,
                    record.header.rendition,
                    &body,
                );
            }
            Kind::SegmentHeader => self.begin(record),
            Kind::Frame => self.frame(record),
            Kind::SegmentClose => self.close(record),
            Kind::Manifest => self.manifest(record),
        }
    }

    fn begin(&mut self, record: &Record<'_>) {
        let mut body = record.body.to_vec();
        if let Ok(mut header) = SegmentHeader::decode(record.body) {
            if header.previous == Hash::new(FILLED_IN) {
                header.previous = self.chain;
            }
            body = header.encode();
        }
        let id = self.append(record.header, &body);
        self.bytes = record.bytes.len() as u64;
        self.segment = SegmentHeader::decode(&body).ok().map(|header| (header, id));
    }

    fn frame(&mut self, record: &Record<'_>) {
        let Some((segment, id)) = &self.segment else {
            return;
        };
        let mut header = record.header;
        header.body_len = header.body_len.saturating_add(16);
        let body = seal_frame(segment, id, &header, record.body);
        self.bytes += record.bytes.len() as u64 + 16;
        self.append(header, &body);
    }

    fn close(&mut self, record: &Record<'_>) {
        let Some((segment, id)) = &self.segment else {
            return;
        };
        let mut clear = record.body.to_vec();
        if let Some(bytes) = clear.last_chunk_mut::<8>()
            && *bytes == u64::MAX.to_be_bytes()
        {
            *bytes = self.bytes.to_be_bytes();
        }
        let mut header = record.header;
        header.body_len = header.body_len.saturating_add(16);
        let tag = close_tag(segment, id, &header, &clear);
        self.append(header, &[clear, tag].concat());
    }

    fn manifest(&mut self, record: &Record<'_>) {
        let unsigned = [record.body, &[0; Signature::LEN]].concat();
        self.manifest = match Manifest::decode(&unsigned) {
            Ok(mut manifest) => {
                let marked = Hash::new(FILLED_IN);
                let fill = |field: &mut Hash, with: Hash| {
                    if *field == marked {
                        *field = with;
                    }
                };
                fill(&mut manifest.previous, self.manifest);
                fill(&mut manifest.envelope, self.envelope);
                for head in &mut manifest.heads {
                    fill(&mut head.segment.chain, self.chain);
                }
                manifest.sign(&key(4), &mut self.out)
            }
            Err(_) => {
                let signature = key(4).sign(b"bartizan/v1/manifest", record.body);
                let body = [record.body, signature.as_bytes()].concat();
                append_single(
                    &mut self.out,
                    Kind::Manifest,
                    record.header.rendition,
                    &body,
                )
            }
        };
    }

    /// Appends a record of the segment's chain and gives that chain.
    fn append(&mut self, header: Header, body: &[u8]) -> Hash {
        let start = header.kind.starts_chain();
        let before = if start { Hash::ZERO } else { self.chain };
        self.chain = link(&before, &header.covered(), body);
        self.out.extend_from_slice(&header.encode(&self.chain));
        self.out.extend_from_slice(body);
        self.chain
    }
}

/// The tag of a close record (`docs/sealed-stream.md` §5).
fn close_tag(segment: &SegmentHeader, id: &Hash, header: &Header, clear: &[u8]) -> Vec<u8> {
    let key = UnboundKey::new(&AES_256_GCM, &segment_key(segment)).expect("32 bytes are a key");
    let mut nonce = [0; 12];
    nonce[0] = header.kind as u8;
    nonce[8..].copy_from_slice(&header.index.to_be_bytes());
    let aad = [id.as_bytes().as_slice(), &header.covered(), clear].concat();
    let mut tag = Vec::new();
    LessSafeKey::new(key)
        .seal_in_place_append_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(aad),
            &mut tag,
        )
        .expect("fuzzers' inputs are short");
    tag
}
