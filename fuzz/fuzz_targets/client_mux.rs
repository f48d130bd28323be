//! Opened frames into an MP4 file: whatever a camera made of times, configurations and sizes, the file is
//! whole boxes and holds every frame that was taken.
#![no_main]

use bartizan_client::export::mux::{Fit, Mux};
use bartizan_domain::{Track, UtcMillis};
use bartizan_fuzz::START;
use bartizan_media::TrackConfig;
use bartizan_media::codec::{aac, h264};
use bartizan_sealing::Frame;
use libfuzzer_sys::fuzz_target;

/// Flags, presentation time, decode offset, capture time, configuration, data.
type Step<'a> = (u8, i64, i32, u64, &'a [u8], &'a [u8]);

fn canned(sound: bool) -> Vec<u8> {
    let config: TrackConfig = if sound {
        let config = aac::AudioSpecificConfig::low_complexity(48_000, 1);
        config.expect("a usual configuration").track_config(48_000)
    } else {
        let sps = [
            0x67, 0x42, 0xc0, 0x28, 0xd9, 0, 0x78, 2, 0x27, 0xe5, 0xc0, 0x44, 0, 0, 3, 0, 4, 0, 0,
            3, 0, 0xc8, 0x3c, 0x60, 0xc9, 0x20,
        ];
        let pps = [0x68, 0xcb, 0x83, 0xcb, 0x20];
        let sets = h264::ParameterSets::parse(&sps, &pps);
        sets.expect("sets that x264 wrote").track_config()
    };
    config.encode()
}

/// The lengths of the boxes in `bytes`; they fill it.
fn boxes(mut bytes: &[u8]) -> usize {
    let mut count = 0;
    while let Some((head, _)) = bytes.split_first_chunk::<16>() {
        let [a, b, c, d, _, _, _, _, large @ ..] = *head;
        let len = match u32::from_be_bytes([a, b, c, d]) {
            1 => u64::from_be_bytes(large),
            len => u64::from(len),
        };
        let len = usize::try_from(len).expect("a short file");
        assert!(len >= 8 && len <= bytes.len(), "a box passes its end");
        (bytes, count) = (&bytes[len..], count + 1);
    }
    assert!(bytes.is_empty(), "bytes outside boxes");
    count
}

fuzz_target!(|steps: Vec<Step<'_>>| {
    let mut out = Vec::new();
    let mut mux = Mux::new(START, &mut out);
    let mut taken = 0_usize;
    for (flags, pts, decode_offset, captured, config, data) in &steps {
        let track = Track::from_code(flags & 3).expect("two bits");
        let canned = canned(track == Track::Audio);
        // Times near each other, most of the time.
        let pts = if flags & 4 == 0 { *pts } else { pts % 100_000 };
        let config = match flags >> 3 & 3 {
            0 => Some(canned.as_slice()),
            1 => Some(*config),
            _ => None,
        };
        let captured = if flags & 4 == 0 {
            UtcMillis(*captured)
        } else {
            START.saturating_add(captured % 1_000_000)
        };
        let frame = Frame {
            track,
            key: flags & 32 != 0,
            captured,
            pts,
            decode_offset: decode_offset.saturating_abs().saturating_neg(),
            config,
            data,
        };
        let session = u32::from(flags >> 6);
        match mux.frame(session, &frame, &mut out) {
            Ok(Fit::Taken) => taken += data.len(),
            Ok(Fit::LeftOut) => {}
            Ok(Fit::NewFile) | Err(_) => break,
        }
    }
    let Ok(finished) = mux.finish(&mut out) else {
        assert_eq!(taken, 0);
        return;
    };
    let Ok(moov) = finished.moov() else { return };
    out.extend_from_slice(&moov);
    let patch = finished.mdat_size();
    let at = usize::try_from(patch.offset).expect("a short file");
    out[at..at + patch.bytes.len()].copy_from_slice(&patch.bytes);
    assert!(out.len() >= taken);
    assert_eq!(boxes(&out), 3, "ftyp, mdat, moov");
});
