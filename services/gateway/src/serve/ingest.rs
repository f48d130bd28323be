//! What the ingest says, and what the gateway does about it.

use std::io;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bartizan_base::{Error, Shutdown};
use bartizan_domain::{CameraId, EpochId, StreamId};
use bartizan_identity::VerifyingKey;
use bartizan_protocol::api::DiskAlert;
use bartizan_protocol::blob::Blob;
use bartizan_protocol::ipc::{FromIngest, Tail, ToIngest};
use bartizan_recordings::{Alert, Event, StreamState};
use bartizan_sealing::record::{Kind, Record};
use tokio::sync::mpsc;

use super::link::{Notice, Receive, start};
use super::state::{Gateway, Ingest, Pinned, lock};

/// Notices that may wait for the gateway.
const MAX_NOTICES: usize = 1_024;

impl Receive for Gateway {
    fn records(&self, stream: StreamId, records: &[u8]) {
        self.frames
            .fetch_add(count_frames(records), Ordering::Relaxed);
        let record = || {
            if let Err(error) = self.recorder.append(stream, records) {
                tracing::error!(%stream, %error, "the sealer's records are refused");
            }
        };
        self.hub.publish(stream, records, record);
    }

    fn envelope(&self, camera: CameraId, epoch: EpochId, record: &[u8]) {
        if let Err(error) = self.recorder.put_envelope(camera, epoch, record) {
            tracing::error!(%camera, %error, "the sealer's envelope is refused");
        }
        self.hub.publish_envelope(camera, record);
    }
}

/// Frame records among whole records; their bodies are not looked at.
fn count_frames(mut records: &[u8]) -> u64 {
    let mut count = 0;
    while let Ok(Some((record, rest))) = Record::split(records) {
        count += u64::from(record.header.kind == Kind::Frame);
        records = rest;
    }
    count
}

/// Serves one ingest after the other, as the supervisor starts them. At the end of the program the last one
/// is heard out: what it signs on its way out is recorded.
pub(crate) async fn serve(
    gateway: Arc<Gateway>,
    mut links: mpsc::Receiver<UnixStream>,
    mut shutdown: Shutdown,
) {
    let (notices, mut inbox) = mpsc::channel(MAX_NOTICES);
    let (mut number, mut is_linked) = (0, false);
    while is_linked || !shutdown.is_begun() {
        tokio::select! {
            () = shutdown.begun(), if !is_linked => return,
            link = links.recv() => {
                // Without a supervisor this process is being ended.
                let Some(socket) = link else { return };
                number += 1;
                match start(socket, number, Arc::clone(&gateway), notices.clone()) {
                    Ok(orders) => {
                        let fresh = Ingest { orders, sealer: None };
                        *lock(&gateway.ingest) = Some(fresh);
                        is_linked = true;
                    }
                    Err(error) => tracing::error!(%error, "no thread for the ingest"),
                }
            }
            notice = inbox.recv() => {
                let Some((from, notice)) = notice else { return };
                if from == number {
                    is_linked &= !matches!(notice, Notice::Gone);
                    gateway.heed(notice);
                }
            }
        }
    }
}

impl Gateway {
    fn heed(&self, notice: Notice) {
        match notice {
            Notice::Gone => {
                *lock(&self.ingest) = None;
                lock(&self.cameras).forget_statuses();
                self.abandon_probes();
            }
            Notice::Said(FromIngest::Hello { sealer, pinned }) => {
                self.greet(&sealer, pinned.is_some());
            }
            Notice::Said(FromIngest::RosterPinned {
                head, signature, ..
            }) => {
                let word = Pinned {
                    head: Some(head),
                    signature: Some(signature),
                    refused: None,
                };
                self.pinned.send_replace(word);
            }
            Notice::Said(FromIngest::RosterRefused { reason }) => {
                tracing::error!(%reason, "the sealer refuses the roster");
                self.pinned.send_replace(Pinned {
                    refused: Some(reason),
                    ..Pinned::default()
                });
            }
            Notice::Said(FromIngest::Status { stream, status }) => {
                lock(&self.cameras).note(stream, status);
            }
            Notice::Said(FromIngest::LostPackets { count }) => {
                self.lost_packets.fetch_add(count, Ordering::Relaxed);
            }
            Notice::Said(FromIngest::Probed { camera, outcome }) => self.probed(camera, outcome),
        }
    }

    /// Tells a new ingest everything, in the order in which it needs it.
    fn greet(&self, sealer: &Blob, has_pinned: bool) {
        let Ok(key) = <[u8; 32]>::try_from(sealer.0.as_slice()) else {
            return tracing::error!("the ingest's key is malformed");
        };
        let key = VerifyingKey::new(key);
        if let Some(ingest) = lock(&self.ingest).as_mut() {
            ingest.sealer = Some(key);
        }
        self.greeted.send_replace(Some(key));
        let Some(history) = self.history() else {
            if has_pinned {
                tracing::error!(
                    "the sealer's folder belongs to an earlier claim: restore the gateway's data, or \
                     remove both folders to start afresh"
                );
            }
            return;
        };
        if history.current().sealer(key.id()).is_none() {
            tracing::error!(
                "the sealer is not on the roster: its private folder was lost or changed"
            );
        }
        self.send_roster();
        let streams = lock(&self.cameras).streams();
        self.send_cameras(&streams);
        for stream in self.hub.watched() {
            self.order(&ToIngest::Watched {
                stream,
                watched: true,
            });
        }
    }

    /// Tells the ingest where a stream stands in the recorder.
    pub(crate) fn send_state(&self, stream: StreamId) {
        let state = self.recorder.stream_state(stream).unwrap_or_else(|error| {
            tracing::error!(%stream, %error, "the stream's end can't be read");
            StreamState::default()
        });
        let order = ToIngest::State {
            stream,
            last_manifest: state.last_manifest.map(Blob),
            tail: state.tail.map(|tail| Tail {
                number: tail.number,
                frames: tail.frames,
                chain: tail.chain,
                closed: tail.closed,
                end: tail.end,
            }),
            next_segment: state.next_segment,
        };
        self.order(&order);
    }

    /// What the recorder has to say.
    pub(crate) fn heed_recorder(&self, event: Event) {
        match event {
            Event::Lost(loss) => self.order(&ToIngest::Lost {
                stream: loss.stream,
                first_segment: loss.first_segment,
                segments: loss.segments,
                from: loss.from,
                to: loss.to,
                reason: loss.reason,
            }),
            Event::Alert(alert) => self.alert(&alert),
            Event::Removed(camera) => tracing::info!(%camera, "recordings removed"),
        }
    }

    fn alert(&self, alert: &Alert) {
        let state = match alert {
            Alert::DiskFull { free } => {
                tracing::warn!(free, "disk full: recording stops until there is room");
                Some(DiskAlert::Full)
            }
            Alert::DiskFailed { error } => {
                tracing::warn!(%error, "disk failed: recording stops until it works");
                let read_only = error.kind() == io::ErrorKind::ReadOnlyFilesystem;
                Some(if read_only {
                    DiskAlert::ReadOnly
                } else {
                    DiskAlert::Failing
                })
            }
            Alert::Slow { commit_ms } => {
                tracing::warn!(commit_ms, "the disk does not keep up");
                Some(DiskAlert::Slow)
            }
            Alert::Recovered => {
                tracing::info!("the disk works again");
                None
            }
            Alert::IndexDamaged { stream } => {
                return tracing::warn!(%stream, "index damaged; it is made anew");
            }
            Alert::IndexRebuilt { stream, segments } => {
                return tracing::info!(%stream, segments, "index made anew");
            }
        };
        *lock(&self.disk_alert) = state;
    }

    /// Cameras' retention as the recorder knows it.
    pub(crate) fn apply_retention(&self) {
        for (camera, entry) in lock(&self.cameras).iter() {
            let retention = entry.settings.retention;
            self.recorder
                .set_retention(camera, super::backend::retention(retention));
        }
    }

    /// Waits a little for the first ingest to say hello.
    pub(crate) async fn greeted(&self) -> Result<VerifyingKey, Error> {
        let mut greeted = self.greeted.subscribe();
        let hello = tokio::time::timeout(
            std::time::Duration::from_secs(10),
            greeted.wait_for(Option::is_some),
        );
        match hello.await {
            Ok(Ok(key)) => key.ok_or_else(|| Error::internal("the sealer's key is missing")),
            _ => Err(Error::internal(
                "the sealer did not start: see the log above",
            )),
        }
    }
}
