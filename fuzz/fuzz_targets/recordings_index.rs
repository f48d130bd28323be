//! Index blocks, with a good check behind them: rows ascend and lie behind each other.
#![no_main]

use bartizan_fuzz::{checked, used};
use bartizan_recordings::{PAGE, RunName, parse_block};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    used(std::str::from_utf8(bytes).ok().and_then(RunName::parse));
    let mut page = bytes.to_vec();
    page.resize(PAGE - 8, 0);
    let Ok(block) = parse_block(&checked(&page)) else {
        return;
    };
    assert!(block.rows.is_sorted_by(|a, b| a.number < b.number));
    assert!(
        block
            .rows
            .is_sorted_by(|a, b| a.end_offset() <= b.offset && a.start <= b.start)
    );
    assert!(block.extents.is_sorted_by(|a, b| a.0 < b.0));
    assert!(block.rows.len() + block.extents.len() <= PAGE);
    for row in &block.rows {
        used((row.end(), row.end_offset()));
    }
});
