//! H.264 packets into access units: those that come out are whole, bounded and configured, and
//! decode times do not go back. The input is packets without RTP headers, each behind a byte of length
//! and one of what happens to its header.
#![no_main]

use bartizan_domain::{Monotonic, UtcMillis};
use bartizan_fuzz::{used, video};
use bartizan_media::rtp::Arrival;
use bartizan_media::rtp::h26x::{Assembler, Flavor};
use bartizan_media::rtp::receiver::{Output, Receiver};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut receiver = Receiver::video(Assembler::new(Flavor::H264, &[]));
    let mut check = video::Check::new(receiver.take_initial_config().is_some());
    for (index, packet) in video::packets(bytes).enumerate() {
        let millis = 10 * index as u64;
        let now = Monotonic::from_start(std::time::Duration::from_millis(millis));
        let at = Arrival {
            now,
            utc: UtcMillis(1_700_000_000_000 + millis),
        };
        receiver.handle_rtp(
            at,
            Monotonic::default(),
            &packet,
            &mut |output| match output {
                Output::Config(_) => check.configured = true,
                Output::Unit(unit) => check.unit(&unit),
            },
        );
    }
    used(receiver.report(Monotonic::default()));
});
