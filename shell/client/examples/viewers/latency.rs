//! How long pictures take from the camera's socket to a viewer, and until they are opened.

use std::sync::Arc;
use std::time::Duration;

use bartizan_client::live::SILENCE;
use bartizan_client::{Profile, Session};
use bartizan_domain::StreamId;
use serde_json::json;

use crate::opening::{Opened, Opening};
use crate::{Failure, stamp, tell};

/// How long the viewer watches before it counts: it begins with what was recorded before.
const SETTLE: Duration = Duration::from_secs(3);

/// How long it watches on, for what was sent before the end.
const GRACE: Duration = Duration::from_secs(1);

/// A picture that came in the measured time.
#[derive(Debug)]
struct Came {
    opened: Opened,
    arrived_us: u64,
}

/// Watches `stream` for `seconds`.
pub(crate) async fn run(profile: &Profile, stream: StreamId, seconds: u64) -> Result<(), Failure> {
    let session = Arc::new(Session::open(profile.clone())?);
    let mut sealed = session.live_sealed(stream).await?;
    let mut opening = Opening::new(&session, stream).await?;
    let begin = stamp::now_us().saturating_add(micros(SETTLE));
    let end = begin.saturating_add(micros(Duration::from_secs(seconds)));
    let (mut came, mut opened) = (Vec::new(), Vec::new());
    while stamp::now_us() < end.saturating_add(micros(GRACE)) {
        let bytes = sealed.next(SILENCE).await?;
        let arrived_us = stamp::now_us();
        opening.take(bytes, &mut opened).await?;
        came.extend(
            opened
                .drain(..)
                .map(|opened| Came { opened, arrived_us })
                .filter(|came| (begin..end).contains(&came.opened.stamp.sent_us)),
        );
    }
    let since = |came: &Came, then: u64| then.saturating_sub(came.opened.stamp.sent_us);
    let arrived: Vec<_> = came.iter().map(|one| since(one, one.arrived_us)).collect();
    let opened: Vec<_> = came
        .iter()
        .map(|one| since(one, one.opened.at_us))
        .collect();
    let numbers = || came.iter().map(|one| one.opened.stamp.number);
    let expected = match (numbers().min(), numbers().max()) {
        (Some(first), Some(last)) => last - first + 1,
        _ => return Err("no picture came".into()),
    };
    tell(&json!({ "expected": expected, "arrived_us": arrived, "opened_us": opened }));
    Ok(())
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}
