//! The harness of the tests of the whole system: it starts the real programs, real cameras and hostile ones,
//! breaks things, and asks independent judges (ffprobe, ffmpeg, the kernel) what came of it.
//!
//! One room per subject: [`programs`] where the built programs are · [`process`] starting others · [`wait`]
//! time · [`gateway`] the three processes of a gateway · [`cli`] the command line · [`house`] a claimed
//! gateway with its owner · [`api`] single requests, good and bad · [`viewer`] opened frames ·
//! [`rtsp`] a GStreamer camera, its [`clips`] and its [`sound`] · [`hostile`] our own camera, honest or not · [`probe`] judges
//! of MP4 files · [`hunt`] canaries · [`capture`] packets · [`netns`] a network of two · [`tls`] handshakes · [`clock`] and [`disk`] what a machine does to us.
//!
//! The harness knows no secret way into the product: what it does, an owner, a camera or a neighbour can do. It
//! never decides that something passed; a facility that a machine lacks is said out loud by [`skipped`].
#![forbid(unsafe_code)]
#![expect(
    clippy::indexing_slicing,
    clippy::format_push_string,
    reason = "the harness reads answers whose shape a test is about and ends where it is another; its speed is none"
)]

use std::io::Write;

pub mod api;
pub mod capture;
pub mod cli;
pub mod clips;
pub mod clock;
pub mod disk;
pub mod gateway;
pub mod hostile;
pub mod house;
pub mod hunt;
pub mod netns;
pub mod probe;
pub mod process;
pub mod programs;
pub mod rtsp;
pub mod sound;
pub mod tls;
pub mod viewer;
pub mod wait;

/// Says that a check was not made, and why. A test that calls this has shown nothing.
pub fn skipped(reason: &str) {
    // A test whose output nobody takes is no reason to fail.
    drop(writeln!(std::io::stderr(), "SKIPPED({reason})"));
}

/// Says a figure that a test measured, for whoever asks for the output of tests that pass.
pub fn figure(what: &str, value: &dyn std::fmt::Debug) {
    // As above.
    drop(writeln!(std::io::stderr(), "FIGURE({what}: {value:?})"));
}

/// How often the tests of faults repeat theirs: `BARTIZAN_STRETCHES` stretches of recording are spread over
/// the six kinds of fault, at least one each. The default, 6, is what a pull request waits for.
pub fn rounds() -> usize {
    #[expect(
        clippy::disallowed_methods,
        reason = "how long to test is said in the environment"
    )]
    let asked = std::env::var("BARTIZAN_STRETCHES").ok();
    asked
        .and_then(|text| text.parse::<usize>().ok())
        .unwrap_or(6)
        .div_ceil(6)
        .max(1)
}
