//! How long a viewer that comes at any moment waits for its first picture.

use std::ops::ControlFlow;
use std::time::Duration;

use bartizan_base::{Clock, SystemClock, random};
use bartizan_client::{Profile, Session};
use bartizan_domain::StreamId;
use serde_json::json;

use crate::{Failure, stamp, tell};

/// Joins `runs` times, each at a random moment between two keyframes, which come every `gop_ms`.
pub(crate) async fn run(
    profile: &Profile,
    stream: StreamId,
    runs: u32,
    gop_ms: u64,
) -> Result<(), Failure> {
    for _ in 0..runs {
        let moment = u64::from_be_bytes(random::bytes()?);
        tokio::time::sleep(Duration::from_millis(moment % gop_ms.max(1))).await;
        join(profile, stream).await?;
    }
    Ok(())
}

/// One viewer, whose account is read but who has no connection yet: ticket, WebSocket, records, keys.
async fn join(profile: &Profile, stream: StreamId) -> Result<(), Failure> {
    let session = Session::open(profile.clone())?;
    let (began, began_us) = (SystemClock.monotonic(), stamp::now_us());
    let mut first = None;
    let mut live = session.live(stream)?;
    live.run::<Failure>(async |step, _| {
        let Some(stamp) = stamp::of(&step)? else {
            return Ok(ControlFlow::Continue(()));
        };
        first = Some((SystemClock.monotonic().since(began), stamp));
        Ok(ControlFlow::Break(()))
    })
    .await?;
    let (waited, stamp) = first.ok_or("the stream ended without a picture")?;
    tell(&json!({
        "join_us": u64::try_from(waited.as_micros())?,
        "key_age_us": began_us.saturating_sub(stamp.sent_us),
    }));
    Ok(())
}
