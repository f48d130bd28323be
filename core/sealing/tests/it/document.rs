//! `docs/sealed-stream.md` says what the code does: its tables are read as layouts and limits and compared.

use std::collections::BTreeSet;
use std::path::Path;

use bartizan_domain::limits::{MAX_ACCESS_UNIT, MAX_RECIPIENTS, MAX_RECORD_BODY};
use bartizan_sealing::manifest::{MAX_GAPS, MAX_HEADS};
use bartizan_sealing::record::{COVERED_LEN, HEADER_LEN};
use bartizan_sealing::segment::{MAX_CONFIG, SEGMENT_HEADER_LEN};

use crate::format::{Case, Recording};

fn document() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/sealed-stream.md");
    std::fs::read_to_string(path).unwrap()
}

/// The section with this number, up to the next.
fn section(number: u32) -> String {
    let document = document();
    let (_, rest) = document.split_once(&format!("\n## {number}. ")).unwrap();
    rest.split("\n## ").next().unwrap().to_owned()
}

/// The cells of a section's table rows, without heads and rulers.
fn rows(number: u32) -> Vec<Vec<String>> {
    let text = section(number);
    let lines = text.lines().filter_map(|line| line.strip_prefix("| "));
    let cells = lines.map(|line| {
        let line = line.trim_end_matches('|');
        line.split(" | ")
            .map(|cell| cell.trim().trim_end_matches('|').trim().to_owned())
            .collect()
    });
    let heads = ["field", "offset", "verdict", "finding"];
    cells
        .filter(|cells: &Vec<String>| !heads.contains(&cells[0].as_str()))
        .collect()
}

/// Bytes of a field of fixed length, by its type as the document writes it.
fn len(kind: &str) -> Option<usize> {
    let one = |kind: &str| match kind {
        "u8" | "u8 count" => Some(1),
        "u16" | "u16 count" => Some(2),
        "u32" | "i32" => Some(4),
        "u64" | "i64" | "time" => Some(8),
        _ => kind
            .strip_prefix("opaque[")?
            .strip_suffix(']')?
            .parse()
            .ok(),
    };
    if let Some((kind, times)) = kind.split_once(" ×") {
        return Some(one(kind)? * times.parse::<usize>().ok()?);
    }
    kind.split(", ").map(one).sum()
}

/// Bytes up to and including the field called `last`.
fn len_up_to(section: u32, last: &str) -> usize {
    let mut sum = 0;
    for row in rows(section) {
        let (name, kind) = (&row[0], &row[1]);
        let (each, kind) = match kind.strip_suffix(" each") {
            Some(kind) => (name.split(", ").count(), kind),
            None => (1, kind.as_str()),
        };
        sum += each * len(kind).unwrap_or_else(|| panic!("{name}: {kind}"));
        if name == last {
            return sum;
        }
    }
    panic!("no field {last}");
}

/// A number as the document writes it.
fn written(number: usize) -> String {
    let digits = number.to_string();
    let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().collect();
    String::from_utf8(groups.join(&b',')).unwrap()
}

fn cell(section: u32, name: &str) -> String {
    let row = rows(section)
        .into_iter()
        .find(|row| row[0] == name || row[1] == name);
    row.unwrap().join(" ")
}

#[test]
fn the_record_header_is_laid_out_as_written() {
    let mut at = 0;
    for row in rows(2) {
        assert_eq!(row[0].parse::<usize>().unwrap(), at, "{row:?}");
        if row[1] == "check" {
            assert_eq!(at, COVERED_LEN);
        }
        at += len(&row[2]).unwrap();
    }
    assert_eq!(at, HEADER_LEN);
    assert!(cell(2, "body length").contains(&written(MAX_RECORD_BODY)));
}

#[test]
fn bodies_are_laid_out_as_written() {
    assert_eq!(len_up_to(3, "wraps"), 211);
    assert_eq!(len_up_to(4, "sealer key id"), SEGMENT_HEADER_LEN);
    assert_eq!(len_up_to(5, "decode offset"), 20);
    assert_eq!(len_up_to(7, "heads"), 147);
}

#[test]
fn limits_are_those_that_are_written() {
    assert!(cell(3, "wraps").contains(&format!("1 … {MAX_RECIPIENTS}")));
    assert!(cell(5, "configuration").contains(&format!("vec16<{}>", written(MAX_CONFIG))));
    assert!(cell(5, "data").contains(&written(MAX_ACCESS_UNIT)));
    assert!(cell(7, "heads").contains(&format!("0 … {MAX_HEADS}:")));
    assert!(cell(7, "gaps").contains(&format!("0 … {MAX_GAPS}:")));
}

/// The words of §9 are those of the vectors, and of nothing else.
#[test]
fn every_verdict_of_the_vectors_is_on_the_list() {
    let words: BTreeSet<_> = rows(9).iter().map(|row| row[0].replace('`', "")).collect();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/sealed-stream");
    let read = |name| std::fs::read(folder.join(name)).unwrap();
    let cases: Vec<Case> = serde_json::from_slice(&read("cases.json")).unwrap();
    let recordings: Vec<Recording> = serde_json::from_slice(&read("recordings.json")).unwrap();
    let mut used: BTreeSet<_> = cases.into_iter().map(|case| case.verdict).collect();
    assert!(used.remove("accepted"));
    used.extend(
        recordings
            .into_iter()
            .flat_map(|recording| recording.findings),
    );
    assert_eq!(
        used.difference(&words).collect::<Vec<_>>(),
        Vec::<&String>::new()
    );
    // What only a reader with a whole stream, or a roster's beginning, can say; and second walls.
    let unused: Vec<_> = words.difference(&used).map(String::as_str).collect();
    let elsewhere = [
        "bad-envelope",
        "broken-chain",
        "downgraded",
        "no-genesis",
        "overrun",
        "wrong-counter",
    ];
    assert_eq!(unused, elsewhere);
}
