//! The small files of a recorder, with a good check behind them: floor and checkpoint.
#![no_main]

use bartizan_fuzz::{checked, used};
use bartizan_recordings::{Checkpoint, Floor};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    for bytes in [bytes, &checked(bytes)] {
        used(Floor::parse(bytes));
        used(Checkpoint::parse(bytes));
    }
});
