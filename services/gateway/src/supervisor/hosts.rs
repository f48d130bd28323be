//! Which hosts the ingest may reach, as the gateway says.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bartizan_domain::CameraId;

/// Hosts of one camera: main and sub stream.
const MAX_HOSTS: usize = 4;

/// Host and RTSP port of each camera.
#[derive(Debug, Default)]
pub(crate) struct Hosts(Mutex<BTreeMap<CameraId, Vec<(String, u16)>>>);

impl Hosts {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<CameraId, Vec<(String, u16)>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Allows a camera one more host.
    pub(crate) fn allow(&self, camera: CameraId, host: String, port: u16) {
        let mut hosts = self.lock();
        let known = hosts.entry(camera).or_default();
        if known.len() < MAX_HOSTS && !known.contains(&(host.clone(), port)) {
            known.push((host, port));
        }
    }

    /// Allows a camera nothing any more.
    pub(crate) fn forget(&self, camera: CameraId) {
        self.lock().remove(&camera);
    }

    /// Allows nothing any more.
    pub(crate) fn clear(&self) {
        self.lock().clear();
    }

    /// The host of `camera` that speaks RTSP on `port`.
    pub(crate) fn find(&self, camera: CameraId, port: u16) -> Option<String> {
        let hosts = self.lock();
        let known = hosts.get(&camera)?;
        known
            .iter()
            .find(|(_, other)| *other == port)
            .map(|(host, _)| host.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_allowed_is_found() {
        let hosts = Hosts::default();
        let camera = CameraId::new([1; 16]);
        hosts.allow(camera, "10.0.0.9".to_owned(), 554);
        assert_eq!(hosts.find(camera, 554).as_deref(), Some("10.0.0.9"));
        assert_eq!(hosts.find(camera, 22), None);
        assert_eq!(hosts.find(CameraId::new([2; 16]), 554), None);
        hosts.forget(camera);
        assert_eq!(hosts.find(camera, 554), None);
    }
}
