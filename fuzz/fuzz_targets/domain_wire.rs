//! The byte codec under any sequence of reads: no read passes the end, and none goes back.
#![no_main]

use bartizan_domain::wire::Reader;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&[u8], &[u8])| {
    let (script, bytes) = input;
    let mut reader = Reader::new(bytes);
    for step in script {
        let before = reader.rest().len();
        let limit = usize::from(*step);
        let taken = match step % 8 {
            0 => reader.u8("u8").map(|_| 1),
            1 => reader.u16("u16").map(|_| 2),
            2 => reader.i32("i32").map(|_| 4),
            3 => reader.u64("u64").map(|_| 8),
            4 => reader.vec8("vec8", limit).map(|taken| taken.len() + 1),
            5 => reader.vec16("vec16", limit).map(|taken| taken.len() + 2),
            6 => reader.rendition("rendition").map(|_| 1),
            _ => reader.take("take", limit).map(<[u8]>::len),
        };
        let after = reader.rest().len();
        match taken {
            Ok(taken) => assert_eq!(before - after, taken),
            Err(_) => assert!(after <= before),
        }
    }
});
