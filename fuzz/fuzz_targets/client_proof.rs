//! The proof beside an exported file: what is read has one form; a stranger's proof never passes; and what a
//! broken or hostile household signs is judged in time, with a bounded list of findings.
#![no_main]

use std::sync::LazyLock;

use bartizan_client::export::check::check;
use bartizan_client::export::proof::{Proof, SignedProof};
use bartizan_client::verify::MAX_FINDINGS;
use bartizan_domain::Hash;
use bartizan_fuzz::stream::{FILLED_IN, our_envelope};
use bartizan_fuzz::{SCOPE, key, statements};
use bartizan_identity::Signature;
use bartizan_sealing::record::append_single;
use bartizan_sealing::{Kind, Manifest, Record};
use libfuzzer_sys::fuzz_target;

static STATEMENTS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let statements = statements();
    let bytes = statements.iter().map(|one| one.as_bytes().to_vec());
    bytes.collect()
});

/// The body of the household's envelope, and the record's hash.
static ENVELOPE: LazyLock<(Vec<u8>, Hash)> = LazyLock::new(|| {
    let (record, hash) = our_envelope(SCOPE.epoch);
    let (parsed, _) = Record::split(&record).expect("ours").expect("whole");
    (parsed.body.to_vec(), hash)
});

/// The manifest with hashes filled in and a good signature; `before` is the hash of the one before it.
fn signed(body: &[u8], before: &mut Hash) -> Vec<u8> {
    let marked = Hash::new(FILLED_IN);
    let mut out = Vec::new();
    if let Ok(mut manifest) = Manifest::decode(body) {
        if manifest.previous == marked {
            manifest.previous = *before;
        }
        if manifest.envelope == marked {
            manifest.envelope = ENVELOPE.1;
        }
        *before = manifest.sign(&key(4), &mut out);
        let (record, _) = Record::split(&out).expect("ours").expect("whole");
        return record.body.to_vec();
    }
    let message = &body[..body.len().saturating_sub(Signature::LEN)];
    let signature = key(4).sign(b"bartizan/v1/manifest", message);
    let body = [message, signature.as_bytes()].concat();
    let rendition = bartizan_domain::Rendition::Main;
    *before = append_single(&mut out, Kind::Manifest, rendition, &body);
    body
}

/// As if the household itself had made it: its log where there is none, its envelope where one is empty, its
/// sealer's signatures, its owner's name.
fn adopted(mut proof: Proof) -> SignedProof {
    if proof.statements.is_empty() {
        proof.statements.clone_from(&STATEMENTS);
    }
    for envelope in &mut proof.envelopes {
        if envelope.is_empty() {
            envelope.clone_from(&ENVELOPE.0);
        }
    }
    let mut before = Hash::ZERO;
    for manifest in &mut proof.manifests {
        *manifest = signed(manifest, &mut before);
    }
    SignedProof::sign(proof, &key(1))
}

fuzz_target!(|bytes: &[u8]| {
    let Ok(given) = SignedProof::decode(bytes) else {
        return;
    };
    assert_eq!(given.encode(), bytes);
    let file = (given.proof.file, given.proof.file_len);
    let report = check(&given, file);
    assert!(report.findings.len() <= MAX_FINDINGS);
    assert!(!report.is_whole(), "nobody signed this");

    let signed = adopted(given.proof);
    assert!(signed.is_signed_by(&key(1).public()));
    let again = SignedProof::decode(&signed.encode()).expect("its own bytes");
    assert_eq!(again, signed);
    let report = check(&signed, file);
    assert!(report.findings.len() <= MAX_FINDINGS);
    assert!(report.findings.len() as u64 <= report.finding_count);
    assert!(report.segments <= signed.proof.segments.len() as u64);
    // One byte of the file less is always noticed.
    let other = check(&signed, (file.0, file.1.wrapping_sub(1)));
    assert_eq!(other.finding_count, report.finding_count + 1);
});
