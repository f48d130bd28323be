//! Roster statements: the bytes are kept as they are, and a statement that is read has one meaning.
#![no_main]

use bartizan_identity::Statement;
use bartizan_identity::roster::{MAX_STATEMENT_BYTES, Roster};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(statement) = Statement::decode(bytes) {
        assert!(bytes.len() <= MAX_STATEMENT_BYTES);
        assert_eq!(statement.as_bytes(), bytes);
        assert_eq!(
            Statement::decode(statement.as_bytes()),
            Ok(statement.clone())
        );
        // Only a genesis that signs for itself begins a roster.
        if let Ok(roster) = Roster::begin(&statement) {
            assert_eq!((roster.head(), roster.len()), (statement.hash(), 1));
        }
    }
});
