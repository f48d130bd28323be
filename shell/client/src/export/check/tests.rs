//! Exports that hold, and every way in which one can be tampered with.

use std::sync::Arc;

use bartizan_domain::GapReason;
use bartizan_sealing::Record;

use super::*;
use crate::export::proof::FrameDigest;
use crate::fixture::{FRAMES, OWNER, SITE, STREAM, Sealer, history, keystore, signing_key};
use crate::stream::{Step, StreamReader};

const FILE: (Hash, u64) = (Hash::new([5; 32]), 5);

/// What an export of all that `sealer` made would prove.
fn proof(sealer: &Sealer) -> Proof {
    let mut reader = StreamReader::recorded(STREAM, Arc::new(history()), Arc::new(keystore()));
    reader.push(&sealer.out).unwrap();
    let mut segments: Vec<SegmentProof> = Vec::new();
    let mut manifests = Vec::new();
    loop {
        match reader.next().unwrap() {
            Step::More => break,
            Step::NeedEnvelope(epoch) => {
                reader.envelope(epoch, &sealer.envelopes[&epoch]).unwrap();
            }
            Step::Segment(begun) => segments.push(SegmentProof {
                header: begun.header.encode().try_into().unwrap(),
                signed: None,
                exported: 0,
                unsigned: 0,
                digest: FrameDigest::default().finish(),
            }),
            Step::Frame(_) => {
                let last = segments.last_mut().unwrap();
                last.exported += 1;
                last.unsigned += 1;
            }
            Step::Manifest(signed) => {
                manifests.push(signed.body.to_vec());
                if let (Some(last), Some((state, end))) = (segments.last_mut(), signed.head) {
                    last.signed = Some((state, end.frames, end.chain));
                    last.unsigned = 0;
                }
            }
            _ => {}
        }
    }
    let history = history();
    let bodies = sealer.envelopes.values().map(|record| {
        let (record, _) = Record::split(record).unwrap().unwrap();
        record.body.to_vec()
    });
    let statements = history.statements().iter();
    Proof {
        site: SITE,
        stream: STREAM,
        file: FILE.0,
        file_len: FILE.1,
        from: UtcMillis(1),
        to: UtcMillis(u64::MAX),
        made: sealer.now,
        member: OWNER,
        statements: statements.map(|s| s.as_bytes().to_vec()).collect(),
        envelopes: bodies.collect(),
        segments,
        manifests,
    }
}

fn recording(segments: u32) -> Sealer {
    let mut sealer = Sealer::new(Arc::new(history()));
    for _ in 0..segments {
        sealer.segment();
    }
    sealer
}

fn checked(proof: Proof) -> Report {
    let signed = SignedProof::sign(proof, &keystore().identity());
    check(&SignedProof::decode(&signed.encode()).unwrap(), FILE)
}

fn found(report: &Report, problem: Problem) -> bool {
    let text = problem.to_string();
    report.findings.iter().any(|finding| finding.what == text)
}

#[test]
fn an_honest_export_holds() {
    let mut sealer = recording(2);
    sealer.roll(2);
    sealer.segment();
    let report = checked(proof(&sealer));
    assert_eq!(report.findings, []);
    assert_eq!((report.segments, report.manifests), (3, 3));
    assert_eq!(report.frames, u64::from(3 * 2 * FRAMES));
    assert_eq!(report.exporter.unwrap().member, OWNER);
    assert_eq!(report.genesis, Some(history().current().genesis()));
}

#[test]
fn m_5_a_changed_file_is_found() {
    let signed = SignedProof::sign(proof(&recording(1)), &keystore().identity());
    let report = check(&signed, (Hash::new([6; 32]), FILE.1));
    assert!(found(&report, Problem::FileChanged));
}

#[test]
fn m_5_a_proof_of_a_stranger_is_found() {
    let proof = proof(&recording(1));
    let signed = SignedProof::sign(proof, &signing_key(66));
    assert!(found(&check(&signed, FILE), Problem::BadSignature));
}

#[test]
fn somebody_who_is_not_on_the_roster_exports_nothing() {
    let stranger = Proof {
        member: MemberId::new([66; 16]),
        ..proof(&recording(1))
    };
    assert!(found(&checked(stranger), Problem::NotAMember));
}

#[test]
fn a_signed_gap_is_told_and_is_no_finding() {
    let mut sealer = recording(1);
    sealer.gap(60_000);
    sealer.segment();
    let report = checked(proof(&sealer));
    assert_eq!(report.findings, []);
    assert_eq!(report.gaps.len(), 1);
    assert_eq!(report.gaps[0].reason, GapReason::CameraOffline);
}

#[test]
fn left_out_segments_are_missed() {
    let mut without = proof(&recording(4));
    without.segments.drain(1..3);
    let report = checked(without);
    assert!(found(&report, Problem::Missing { count: 2 }));
}

#[test]
fn segments_in_another_order_are_found() {
    let mut swapped = proof(&recording(3));
    swapped.segments.swap(1, 2);
    assert!(found(&checked(swapped), Problem::OutOfOrder));
}

#[test]
fn left_out_manifests_are_missed() {
    let mut without = proof(&recording(4));
    without.manifests.remove(2);
    let report = checked(without);
    assert!(found(&report, Problem::NotAsSigned));
    assert!(found(&report, Problem::BrokenManifests));
}

#[test]
fn what_the_sealer_did_not_sign_is_found() {
    let mut changed = proof(&recording(2));
    changed.segments[1].signed = Some((HeadState::Closed, 2 * FRAMES, Hash::new([1; 32])));
    assert!(found(&checked(changed), Problem::NotAsSigned));
    let mut more = proof(&recording(2));
    more.segments[1].exported = 2 * FRAMES + 1;
    assert!(found(&checked(more), Problem::TooManyFrames));
    let mut none = proof(&recording(2));
    none.segments[0].signed = None;
    assert!(found(&checked(none), Problem::NotAsSigned));
}

#[test]
fn another_cameras_sealer_vouches_for_nothing() {
    let mut forged = proof(&recording(1));
    let mut manifest = Manifest::decode(&forged.manifests[0]).unwrap();
    manifest.sealer = signing_key(66).public().id();
    let mut out = Vec::new();
    manifest.sign(&signing_key(66), &mut out);
    let (record, _) = Record::split(&out).unwrap().unwrap();
    forged.manifests[0] = record.body.to_vec();
    let report = checked(forged);
    assert!(found(
        &report,
        Problem::Manifest(ManifestError::NotTheSealer)
    ));
}

#[test]
fn an_envelope_that_is_missing_is_told() {
    let mut without = proof(&recording(1));
    without.envelopes.clear();
    assert!(found(&checked(without), Problem::NoEnvelope));
}

#[test]
fn a_changed_roster_is_found() {
    let mut changed = proof(&recording(1));
    let last = changed.statements[1].last_mut().unwrap();
    *last ^= 1;
    let report = checked(changed);
    assert!(found(&report, Problem::Roster(RosterError::BadSignature)));
    let mut none = proof(&recording(1));
    none.statements.clear();
    assert!(found(
        &checked(none),
        Problem::Roster(RosterError::NoGenesis)
    ));
}

#[test]
fn frames_that_are_not_signed_yet_are_counted() {
    let mut sealer = recording(1);
    let open = sealer.begin();
    drop(sealer.frames(open, 0..10));
    let report = checked(proof(&sealer));
    assert_eq!(report.findings, []);
    assert_eq!(report.unsigned, 20);
}

#[test]
fn an_empty_proof_is_told() {
    let mut empty = proof(&recording(1));
    empty.segments.clear();
    assert!(found(&checked(empty), Problem::Empty));
}
