//! Cameras and devices of the site: a change is a signed statement of the roster, and what goes with it.
//!
//! Addresses with credentials go to the gateway and never come back.

use bartizan_base::random;
use bartizan_domain::text::Name;
use bartizan_domain::{CameraId, DeviceId, KeyId, Rendition};
use bartizan_identity::roster::{History, Statement};
use bartizan_identity::{Operation, RosterError};
use bartizan_protocol::api;
use http::Method;

use crate::error::ClientError;
use crate::routes;
use crate::session::Session;
use crate::transport::{Call, PROBE_TIMEOUT};

/// What a new camera is.
#[derive(Debug, Clone)]
pub struct NewCamera {
    /// Its name.
    pub name: Name,
    /// Where its main stream comes from.
    pub main: api::SourceSettings,
    /// Where its sub stream comes from.
    pub sub: Option<api::SourceSettings>,
    /// How long its recordings stay.
    pub retention: api::Retention,
}

impl Session {
    /// All cameras that the member may see.
    pub async fn cameras(&self) -> Result<Vec<api::Camera>, ClientError> {
        Ok(self.transport().json(Call::get(routes::CAMERAS)).await?)
    }

    /// The camera of this name or id.
    pub async fn camera(&self, name: &str) -> Result<api::Camera, ClientError> {
        find(self.cameras().await?, name)
    }

    /// Puts a camera on the roster, sealed by the gateway, and tells the gateway where it is.
    pub async fn add_camera(&self, new: &NewCamera) -> Result<api::Camera, ClientError> {
        let camera = CameraId::new(random::bytes()?);
        let sealer = gateway_sealer(&*self.history().await?)?;
        let send = async |statement: &Statement| {
            let request = api::CameraRequest {
                statement: statement.as_bytes().into(),
                name: new.name.clone(),
                main: new.main.clone(),
                sub: new.sub.clone(),
                retention: new.retention,
            };
            let call = Call::send(Method::POST, routes::CAMERAS, &request)?;
            Ok(self.transport().json(call).await?)
        };
        let operation = Operation::AddCamera { camera, sealer };
        let (added, _) = self.submit(&operation, send).await?;
        Ok(added)
    }

    /// Changes what is present in `patch`.
    pub async fn patch_camera(
        &self,
        camera: CameraId,
        patch: &api::CameraPatch,
    ) -> Result<api::Camera, ClientError> {
        let target = routes::camera(camera);
        let call = Call::send(Method::PATCH, &target, patch)?;
        Ok(self.transport().json(call).await?)
    }

    /// Takes a camera off the roster; its recordings go with it.
    pub async fn remove_camera(&self, camera: CameraId) -> Result<(), ClientError> {
        let target = routes::camera(camera);
        self.remove(&Operation::RemoveCamera { camera }, &target)
            .await
    }

    /// Lets the gateway try a camera's stored address.
    pub async fn probe_camera(
        &self,
        camera: CameraId,
        rendition: Rendition,
    ) -> Result<api::ProbeReport, ClientError> {
        let target = routes::probe(camera, rendition);
        let call = Call {
            method: Method::POST,
            ..Call::get(&target)
        };
        Ok(self.transport().json(call.patience(PROBE_TIMEOUT)).await?)
    }

    /// Lets the gateway try an address without keeping it.
    pub async fn probe(
        &self,
        source: api::SourceSettings,
    ) -> Result<api::ProbeReport, ClientError> {
        let request = api::ProbeRequest { source };
        let call = Call::send(Method::POST, routes::PROBE, &request)?;
        Ok(self.transport().json(call.patience(PROBE_TIMEOUT)).await?)
    }

    /// What the disk holds.
    pub async fn storage(&self) -> Result<api::Storage, ClientError> {
        Ok(self.transport().json(Call::get(routes::STORAGE)).await?)
    }

    /// The members' devices that the member may see. A device that was renamed is called what the roster says,
    /// whatever the gateway calls it.
    pub async fn devices(&self) -> Result<Vec<api::Device>, ClientError> {
        let answer: api::Devices = self.transport().json(Call::get(routes::DEVICES)).await?;
        let (mut devices, history) = (answer.devices, self.sync().await?);
        for device in &mut devices {
            let entry = history.current().device(device.id);
            if let Some(name) = entry.and_then(|entry| entry.name.as_ref()) {
                device.name = name.clone();
            }
        }
        Ok(devices)
    }

    /// Calls a device `name` from now on, by a statement: no gateway can call it otherwise.
    pub async fn rename_device(&self, device: DeviceId, name: Name) -> Result<(), ClientError> {
        let history = self.sync().await?;
        let known = history.current().device(device);
        if known.and_then(|device| device.name.as_ref()) == Some(&name) {
            return Ok(());
        }
        let rename = Operation::RenameDevice { device, name };
        self.append(rename).await.map(drop)
    }

    /// Takes a device off the roster: its token is good no more.
    pub async fn remove_device(&self, device: DeviceId) -> Result<(), ClientError> {
        let target = routes::device(device);
        self.remove(&Operation::RemoveDevice { device }, &target)
            .await
    }

    /// Counters since the gateway started.
    pub async fn counters(&self) -> Result<api::Counters, ClientError> {
        Ok(self.transport().json(Call::get(routes::COUNTERS)).await?)
    }

    async fn remove(&self, operation: &Operation, target: &str) -> Result<(), ClientError> {
        let send = async |statement: &Statement| {
            let request = api::StatementRequest {
                statement: statement.as_bytes().into(),
            };
            let call = Call::send(Method::DELETE, target, &request)?;
            Ok(self.transport().done(call).await?)
        };
        self.submit(operation, send).await.map(drop)
    }
}

/// Whoever seals foreign cameras: the sealer that the claim put on the roster.
fn gateway_sealer(history: &History) -> Result<KeyId, ClientError> {
    let genesis = history.statements().first();
    match genesis.map(|statement| &statement.operation) {
        Some(Operation::Genesis(genesis)) => Ok(genesis.sealer.id()),
        _ => Err(ClientError::Roster(RosterError::NoGenesis)),
    }
}

fn find(cameras: Vec<api::Camera>, name: &str) -> Result<api::Camera, ClientError> {
    let id = name.parse().ok();
    let wanted =
        |camera: &api::Camera| Some(camera.id) == id || camera.name.as_str() == name.trim();
    let mut found = cameras.into_iter().filter(wanted);
    let name = || name.chars().take(100).collect();
    match (found.next(), found.next()) {
        (Some(camera), None) => Ok(camera),
        (Some(_), Some(_)) => Err(ClientError::Ambiguous { name: name() }),
        (None, _) => Err(ClientError::NoSuchCamera { name: name() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{history, signing_key};

    fn camera(id: u8, name: &str) -> api::Camera {
        api::Camera {
            id: CameraId::new([id; 16]),
            name: Name::parse(name).unwrap(),
            source: "rtsp://cam/".to_owned(),
            streams: Vec::new(),
            retention: api::Retention::default(),
        }
    }

    #[test]
    fn cameras_are_found_by_name_or_id() {
        let cameras = || vec![camera(1, "Door"), camera(2, "Yard"), camera(3, "Yard")];
        assert_eq!(find(cameras(), "Door").unwrap().id, camera(1, "x").id);
        let id = CameraId::new([3; 16]).to_string();
        assert_eq!(find(cameras(), &id).unwrap().id, camera(3, "x").id);
        let refused = find(cameras(), "Yard");
        assert!(matches!(refused, Err(ClientError::Ambiguous { .. })));
        let refused = find(cameras(), "door");
        assert!(matches!(refused, Err(ClientError::NoSuchCamera { .. })));
    }

    #[test]
    fn the_gateways_sealer_is_the_one_of_the_claim() {
        let sealer = gateway_sealer(&history()).unwrap();
        assert_eq!(sealer, signing_key(22).public().id());
    }
}
