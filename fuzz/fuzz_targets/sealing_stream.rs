//! Whole streams through the offline check and through a member's eyes. Check fields are written anew
//! when the first byte says so, because nobody needs a key for those.
#![no_main]

use std::sync::LazyLock;

use bartizan_domain::Hash;
use bartizan_fuzz::{epoch, rechained, statements, used};
use bartizan_identity::roster::History;
use bartizan_sealing::verify::{MAX_FINDINGS, StreamVerifier};
use bartizan_sealing::{Kind, Record, SegmentOpener};
use libfuzzer_sys::fuzz_target;

static HISTORY: LazyLock<History> = LazyLock::new(|| {
    let statements = statements();
    History::replay(statements[0].hash(), statements).expect("the statements are ours")
});

/// What a stranger might hand out as an envelope.
fn envelope(bytes: &[u8]) -> Option<(Vec<u8>, Hash)> {
    bytes
        .first()
        .filter(|byte| **byte & 2 != 0)
        .map(|_| (bytes.to_vec(), Hash::ZERO))
}

fuzz_target!(|bytes: &[u8]| {
    let Some((choice, bytes)) = bytes.split_first() else {
        return;
    };
    let stream = if choice & 1 == 0 {
        bytes.to_vec()
    } else {
        rechained(bytes)
    };
    let mut verifier = StreamVerifier::new(&HISTORY, |_| envelope(bytes));
    let mut opener: Option<SegmentOpener> = None;
    let (mut rest, mut records) = (stream.as_slice(), 0_u64);
    while let Ok(Some((record, tail))) = Record::split(rest) {
        verifier.push(&record);
        match (record.header.kind, &mut opener) {
            (Kind::SegmentHeader, _) => opener = SegmentOpener::begin(&epoch(), &record).ok(),
            (Kind::Frame, Some(opener)) => {
                used(opener.frame(&record));
            }
            (Kind::SegmentClose, Some(opener)) => {
                used(opener.close(&record));
            }
            _ => {}
        }
        (rest, records) = (tail, records + 1);
    }
    let report = verifier.finish();
    assert!(report.segments + report.frames + report.manifests <= records);
    assert!(report.findings.len() <= MAX_FINDINGS);
    assert!(report.findings.len() as u64 <= report.finding_count);
});
