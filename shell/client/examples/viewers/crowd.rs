//! Many viewers of one stream at a time, each with its own ticket and connection. The first one opens what
//! it gets, and so knows when each picture was sent; the others only look where records begin.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bartizan_client::live::{FIRST_PICTURE, Place, SILENCE};
use bartizan_client::{Profile, Session};
use bartizan_domain::StreamId;
use serde_json::json;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::opening::Opening;
use crate::walk::Walk;
use crate::{Failure, stamp, tell};

/// From viewer to viewer, when they come.
const APART: Duration = Duration::from_millis(20);

/// Between the last one's first picture and the measured time.
const SETTLE: Duration = Duration::from_secs(3);

/// After the measured time, for what was sent within it.
const GRACE: Duration = Duration::from_secs(2);

/// What one viewer saw.
#[derive(Debug, Default)]
struct Report {
    /// When each picture came.
    seen: Vec<(Place, u64)>,
    /// When each picture was sent; only the first viewer knows.
    sent: BTreeMap<Place, (u64, u64)>,
    /// Why the connection ended before its time.
    broken: Option<String>,
}

/// Lets `viewers` watch `stream` for `seconds`, and tells when that begins and ends.
pub(crate) async fn run(
    profile: &Profile,
    stream: StreamId,
    viewers: usize,
    seconds: u64,
) -> Result<(), Failure> {
    let session = Arc::new(Session::open(profile.clone())?);
    let (stop, stopped) = watch::channel(false);
    let (joined, mut joins) = mpsc::unbounded_channel();
    let mut crowd = JoinSet::new();
    for number in 0..viewers {
        let (session, joined) = (Arc::clone(&session), joined.clone());
        let viewer = Viewer {
            session,
            stream,
            joined,
            opens: number == 0,
        };
        crowd.spawn(viewer.watch(stopped.clone()));
        sleep(APART).await;
    }
    drop(joined);
    let mut join_us: Vec<u64> = Vec::new();
    while join_us.len() < viewers {
        let next = timeout(FIRST_PICTURE, joins.recv()).await;
        join_us.push(next.ok().flatten().ok_or("a viewer got no picture")??);
    }
    sleep(SETTLE).await;
    let begin = stamp::now_us();
    tell(&json!({ "event": "begin" }));
    sleep(Duration::from_secs(seconds)).await;
    let end = stamp::now_us();
    tell(&json!({ "event": "end" }));
    sleep(GRACE).await;
    stop.send(true)?;
    let reports = crowd.join_all().await;
    sum_up(&reports, &join_us, begin..end)
}

/// Somebody who watches.
struct Viewer {
    session: Arc<Session>,
    stream: StreamId,
    /// Gets the microseconds until the first picture, or why there is none.
    joined: mpsc::UnboundedSender<Result<u64, String>>,
    opens: bool,
}

impl Viewer {
    async fn watch(self, mut stopped: watch::Receiver<bool>) -> Report {
        let mut report = Report::default();
        tokio::select! {
            watched = self.see(&mut report) => {
                let error = watched.err().map(|error| error.to_string());
                if let Some(error) = &error {
                    // Heard only while viewers come.
                    drop(self.joined.send(Err(error.clone())));
                }
                report.broken = error;
            }
            _ = stopped.changed() => {}
        }
        report
    }

    async fn see(&self, report: &mut Report) -> Result<(), Failure> {
        let began = stamp::now_us();
        let mut sealed = self.session.live_sealed(self.stream).await?;
        let mut opening = None;
        if self.opens {
            opening = Some(Opening::new(&self.session, self.stream).await?);
        }
        let (mut walk, mut opened, mut has_picture) = (Walk::new(), Vec::new(), false);
        loop {
            let bytes = sealed.next(SILENCE).await?;
            let now = stamp::now_us();
            walk.take(&bytes, |place, key| {
                if key && !has_picture {
                    has_picture = true;
                    // Nobody waits for it any more when the measurement is given up.
                    drop(self.joined.send(Ok(now.saturating_sub(began))));
                }
                report.seen.push((place, now));
            })?;
            if let Some(opening) = &mut opening {
                opening.take(bytes, &mut opened).await?;
            }
            let sent = opened.drain(..).map(|one| {
                let stamp = one.stamp;
                (one.place, (stamp.number, stamp.sent_us))
            });
            report.sent.extend(sent);
        }
    }
}

/// Tells how many of the pictures that were sent in `span` came to whom, and when.
fn sum_up(reports: &[Report], join_us: &[u64], span: std::ops::Range<u64>) -> Result<(), Failure> {
    let mut sent: BTreeMap<Place, (u64, u64)> = BTreeMap::new();
    for report in reports {
        sent.extend(&report.sent);
    }
    sent.retain(|_, (_, sent_us)| span.contains(sent_us));
    let numbers = || sent.values().map(|(number, _)| *number);
    let expected = match (numbers().min(), numbers().max()) {
        (Some(first), Some(last)) => last - first + 1,
        _ => return Err("no picture came".into()),
    };
    let (mut received, mut latency_us) = (Vec::new(), Vec::new());
    for report in reports {
        let before = latency_us.len();
        latency_us.extend(report.seen.iter().filter_map(|(place, arrived)| {
            let (_, sent_us) = sent.get(place)?;
            Some(arrived.saturating_sub(*sent_us))
        }));
        received.push(latency_us.len() - before);
    }
    let broken: Vec<_> = reports
        .iter()
        .filter_map(|one| one.broken.as_ref())
        .collect();
    tell(&json!({
        "expected": expected,
        "received": received,
        "join_us": join_us,
        "latency_us": latency_us,
        "broken": broken,
    }));
    Ok(())
}
