//! The profiles on the real kernel: each case starts a helper process that locks itself in and
//! attempts one thing.
#![forbid(unsafe_code)]
#![expect(
    clippy::disallowed_methods,
    reason = "each case is a process of its own, since a lock can't be undone"
)]

mod gateway;
#[cfg(test)]
mod house;
mod ingest;

use std::io::Write;

use house::House;

#[test]
fn this_kernel_enforces_everything_that_it_knows() {
    for profile in ["ingest", "gateway"] {
        let report = House::new(profile).attempt("report");
        assert!(report.contains("On {"), "{report}");
        let line = format!("{profile}: {report}");
        writeln!(std::io::stderr(), "{line}").unwrap();
    }
}

#[test]
fn a_second_thread_is_a_typed_error() {
    for profile in ["ingest", "gateway"] {
        assert_eq!(House::new(profile).attempt("second-thread"), "2 threads");
    }
}
