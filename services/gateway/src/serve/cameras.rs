//! The cameras of the gateway: names, sources and how their streams are doing.

use std::collections::BTreeMap;

use bartizan_base::{Error, ErrorKind};
use bartizan_domain::text::Name;
use bartizan_domain::{CameraId, Rendition, StreamId};
use bartizan_media::url::Source;
use bartizan_protocol::api::{
    Camera, CameraPatch, CameraStream, Retention, SourceSettings, StreamStatus,
};
use bartizan_protocol::ipc::CameraOrder;
use bartizan_store::CameraRow;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::supervisor::Supervisor;

/// What the sealed column of a camera holds besides its name.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    pub(crate) main: SourceSettings,
    pub(crate) sub: Option<SourceSettings>,
    pub(crate) retention: Retention,
}

/// One camera.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) name: Name,
    pub(crate) settings: Settings,
}

/// All cameras, and the latest word on each stream.
#[derive(Debug, Default)]
pub(crate) struct Cameras {
    entries: BTreeMap<CameraId, Entry>,
    statuses: BTreeMap<StreamId, StreamStatus>,
}

impl Cameras {
    /// Takes a stored camera over.
    pub(crate) fn load(&mut self, row: &CameraRow) -> Result<(), Error> {
        let settings = serde_json::from_str(&row.settings).map_err(|error| {
            Error::internal("a camera's settings are malformed").caused_by(error)
        })?;
        self.entries.insert(
            row.id,
            Entry {
                name: row.name.clone(),
                settings,
            },
        );
        Ok(())
    }

    /// Adds a camera or replaces it. Of streams that it does not have any more nothing is known.
    pub(crate) fn insert(&mut self, camera: CameraId, entry: Entry) {
        self.statuses
            .retain(|stream, _| stream.camera != camera || entry.wants(stream.rendition));
        self.entries.insert(camera, entry);
    }

    pub(crate) fn remove(&mut self, camera: CameraId) {
        self.entries.remove(&camera);
        self.statuses.retain(|stream, _| stream.camera != camera);
    }

    pub(crate) fn entry(&self, camera: CameraId) -> Option<&Entry> {
        self.entries.get(&camera)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (CameraId, &Entry)> {
        self.entries.iter().map(|(camera, entry)| (*camera, entry))
    }

    pub(crate) fn note(&mut self, stream: StreamId, status: StreamStatus) {
        let entry = self.entries.get(&stream.camera);
        // The last word on a stream that was taken away may come after that.
        if entry.is_some_and(|entry| entry.wants(stream.rendition)) {
            self.statuses.insert(stream, status);
        }
    }

    /// Nobody seals for the moment.
    pub(crate) fn forget_statuses(&mut self) {
        self.statuses.clear();
    }

    /// Streams that are being sealed.
    pub(crate) fn streaming(&self) -> usize {
        let streams = self.statuses.values();
        streams
            .filter(|status| matches!(status, StreamStatus::Streaming { .. }))
            .count()
    }

    /// What the ingest is to do.
    pub(crate) fn orders(&self) -> Vec<CameraOrder> {
        let order = |(camera, entry): (CameraId, &Entry)| CameraOrder {
            camera,
            main: entry.settings.main.clone(),
            sub: entry.settings.sub.clone(),
        };
        self.iter().map(order).collect()
    }

    /// Every stream that there should be.
    pub(crate) fn streams(&self) -> Vec<StreamId> {
        let of = |(camera, entry): (CameraId, &Entry)| entry.streams(camera);
        self.iter().flat_map(of).collect()
    }

    /// A camera as its viewers see it.
    pub(crate) fn document(&self, camera: CameraId) -> Option<Camera> {
        let entry = self.entries.get(&camera)?;
        let stream = |rendition| CameraStream {
            rendition,
            status: self
                .statuses
                .get(&StreamId { camera, rendition })
                .cloned()
                .unwrap_or(StreamStatus::Connecting { problem: None }),
        };
        Some(Camera {
            id: camera,
            name: entry.name.clone(),
            source: kind(&entry.settings.main).to_owned(),
            streams: entry.renditions().map(stream).collect(),
            retention: entry.settings.retention,
        })
    }
}

impl Entry {
    /// The streams that the entry, which is that of `camera`, wants.
    pub(crate) fn streams(&self, camera: CameraId) -> Vec<StreamId> {
        let of = |rendition| StreamId { camera, rendition };
        self.renditions().map(of).collect()
    }

    fn renditions(&self) -> impl Iterator<Item = Rendition> {
        let wanted = |rendition: &Rendition| self.wants(*rendition);
        Rendition::ALL.into_iter().filter(wanted)
    }

    fn wants(&self, rendition: Rendition) -> bool {
        self.source(rendition).is_some()
    }

    pub(crate) fn source(&self, rendition: Rendition) -> Option<&SourceSettings> {
        match rendition {
            Rendition::Main => Some(&self.settings.main),
            Rendition::Sub => self.settings.sub.as_ref(),
        }
    }

    /// As stored.
    pub(crate) fn row(&self, id: CameraId) -> Result<CameraRow, Error> {
        let settings = serde_json::to_string(&self.settings).map_err(|error| {
            Error::internal("a camera's settings can't be stored").caused_by(error)
        })?;
        Ok(CameraRow {
            id,
            name: self.name.clone(),
            settings: Zeroizing::new(settings),
        })
    }

    /// With what a patch changes.
    pub(crate) fn patched(&self, patch: CameraPatch) -> Self {
        let mut entry = self.clone();
        if let Some(name) = patch.name {
            entry.name = name;
        }
        if let Some(main) = patch.main {
            entry.settings.main = main;
        }
        patch.sub.apply(&mut entry.settings.sub);
        if let Some(retention) = patch.retention {
            entry.settings.retention = retention;
        }
        entry
    }

    /// Lets the ingest reach this camera's hosts and no others.
    pub(crate) fn allow(&self, camera: CameraId, supervisor: &Supervisor) {
        supervisor.forget(camera);
        for source in [Some(&self.settings.main), self.settings.sub.as_ref()]
            .into_iter()
            .flatten()
        {
            allow(camera, source, supervisor);
        }
    }
}

/// Lets the ingest reach a source's host.
pub(crate) fn allow(camera: CameraId, source: &SourceSettings, supervisor: &Supervisor) {
    if let Ok(Source::Rtsp(url)) = Source::parse(source.url.expose()) {
        supervisor.allow(camera, url.host(), url.port());
    }
}

/// Refuses a source whose URL is malformed.
pub(crate) fn check(source: &SourceSettings) -> Result<(), Error> {
    match Source::parse(source.url.expose()) {
        Ok(_) => Ok(()),
        Err(error) => Err(Error::new(ErrorKind::InvalidArgument, error.to_string())),
    }
}

/// What kind of source it is. Its address is the household's and stays here.
fn kind(source: &SourceSettings) -> &'static str {
    match Source::parse(source.url.expose()) {
        Ok(Source::Rtsp(url)) if url.is_secure() => "rtsps",
        Ok(Source::Rtsp(_)) => "rtsp",
        Ok(Source::Synthetic(_)) => "synthetic",
        Err(_) => "unknown",
    }
}
