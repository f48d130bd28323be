//! The paths of the gateway's API, in one place.

use bartizan_domain::{CameraId, DeviceId, EpochId, Rendition, StreamId, UtcMillis};

pub(crate) const CLAIM_OFFER: &str = "/api/v1/claim/offer";
pub(crate) const CLAIM: &str = "/api/v1/claim";
pub(crate) const CHALLENGE: &str = "/api/v1/sign-in/challenge";
pub(crate) const RECOVERY: &str = "/api/v1/sign-in/recovery";
pub(crate) const INVITATIONS: &str = "/api/v1/invitations";
pub(crate) const INVITED: &str = "/api/v1/sign-in/invitation";
pub(crate) const DEVICE: &str = "/api/v1/sign-in/device";
pub(crate) const SITE: &str = "/api/v1/site";
pub(crate) const ROSTER: &str = "/api/v1/roster";
pub(crate) const CAMERAS: &str = "/api/v1/cameras";
pub(crate) const PROBE: &str = "/api/v1/cameras/test";
pub(crate) const STORAGE: &str = "/api/v1/storage";
pub(crate) const DEVICES: &str = "/api/v1/devices";
pub(crate) const TOKEN: &str = "/api/v1/token";
pub(crate) const COUNTERS: &str = "/api/v1/counters";

pub(crate) fn roster(from: u64) -> String {
    format!("{ROSTER}?from={from}")
}

pub(crate) fn camera(camera: CameraId) -> String {
    format!("{CAMERAS}/{camera}")
}

pub(crate) fn probe(camera: CameraId, rendition: Rendition) -> String {
    format!("{CAMERAS}/{camera}/test?rendition={rendition}")
}

pub(crate) fn envelope(camera: CameraId, epoch: EpochId) -> String {
    format!("{CAMERAS}/{camera}/epochs/{epoch}")
}

pub(crate) fn live_ticket(camera: CameraId) -> String {
    format!("{CAMERAS}/{camera}/live")
}

/// Ticket texts are base64url: they need no escaping.
pub(crate) fn live(ticket: &str) -> String {
    format!("/api/v1/live?ticket={ticket}")
}

pub(crate) fn recordings(stream: StreamId, (from, to): (UtcMillis, UtcMillis)) -> String {
    let StreamId { camera, rendition } = stream;
    format!(
        "{CAMERAS}/{camera}/recordings?rendition={rendition}&from={}&to={}",
        from.0, to.0
    )
}

pub(crate) fn segments(stream: StreamId, (from, to): (UtcMillis, UtcMillis)) -> String {
    let StreamId { camera, rendition } = stream;
    format!(
        "{CAMERAS}/{camera}/segments?rendition={rendition}&from={}&to={}",
        from.0, to.0
    )
}

pub(crate) fn data(stream: StreamId) -> String {
    let StreamId { camera, rendition } = stream;
    format!("{CAMERAS}/{camera}/data?rendition={rendition}")
}

pub(crate) fn device(device: DeviceId) -> String {
    format!("{DEVICES}/{device}")
}
