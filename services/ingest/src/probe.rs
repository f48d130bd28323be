//! The outcome of a connection test, in the API's words.

use std::time::Duration;

use bartizan_media::rtsp::offer::Fate;
use bartizan_media::rtsp::probe::Probe;
use bartizan_protocol::api::{
    CameraProblem, CameraProblemKind, ProbeReport, ProbedAudio, ProbedVideo,
};

/// What a test found after `first` to the first keyframe.
pub(crate) fn report(probe: &Probe, first: Option<Duration>) -> Result<ProbeReport, CameraProblem> {
    let (Some(found), Some(first)) = (probe.report(), first) else {
        return Err(CameraProblem {
            kind: CameraProblemKind::Stalled,
            message: "the camera is connected but sends no picture that can be decoded".to_owned(),
        });
    };
    let video = found.video;
    let unsupported = found
        .tracks
        .iter()
        .filter(|track| track.fate == Fate::Unsupported);
    Ok(ProbeReport {
        video: ProbedVideo {
            codec: video.codec,
            codec_string: video.codec_string,
            width: video.width,
            height: video.height,
            frames_per_1000_s: per_1000_s(video.frame_rate.unwrap_or(0.0)),
            keyframe_interval_ms: video
                .keyframe_interval_ms
                .and_then(|interval| u32::try_from(interval).ok()),
            bits_per_s: video.bitrate_bps.unwrap_or(0),
            reordered: video.reordered,
        },
        audio: found.audio.map(|audio| ProbedAudio {
            codec: audio.codec,
            sample_rate: audio.sample_rate,
            channels: audio.channels,
        }),
        unsupported: unsupported
            .map(|track| track.encoding.to_string())
            .collect(),
        first_picture_ms: u32::try_from(first.as_millis()).unwrap_or(u32::MAX),
    })
}

/// Too many tests at once.
pub(crate) fn busy() -> CameraProblem {
    CameraProblem {
        kind: CameraProblemKind::Unreachable,
        message: "other connection tests are still running: try again in a moment".to_owned(),
    }
}

/// A frame rate is a small number; a measured one fits in any case.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to the range just before"
)]
fn per_1000_s(rate: f64) -> u32 {
    (rate * 1_000.0).clamp(0.0, 1_000_000.0) as u32
}
