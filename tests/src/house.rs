//! A gateway with its owner: what most tests begin with, and what they do again and again.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use bartizan_domain::{CameraId, Rendition, StreamId, UtcMillis};
use serde_json::Value;

use crate::api::Member;
use crate::cli::{Cli, Said};
use crate::gateway::{Gateway, Settings};
use crate::viewer::Viewer;
use crate::wait;

/// How long a camera may take until it streams.
pub const STREAMS: Duration = Duration::from_secs(45);

/// A claimed gateway.
#[derive(Debug)]
pub struct House {
    /// The gateway.
    pub gateway: Gateway,
    /// The owner's device.
    pub owner: Cli,
}

impl House {
    /// Starts a gateway and claims it. The cameras that it offers are added by the claim.
    ///
    /// # Errors
    /// The gateway or the claim fails.
    pub fn claimed(settings: Settings) -> Result<Self> {
        let owner = Cli::new()?.with_env(&settings.env);
        let gateway = Gateway::start(settings)?;
        owner.claim(&gateway.claim_link()?)?;
        Ok(Self { gateway, owner })
    }

    /// The owner's device for single requests.
    ///
    /// # Errors
    /// It has no account.
    pub fn member(&self) -> Result<Member> {
        Member::open(&self.owner.profile(), self.gateway.port())
    }

    /// The owner's device as a viewer.
    ///
    /// # Errors
    /// It has no account.
    pub fn viewer(&self) -> Result<Viewer> {
        Viewer::open(&self.owner.profile())
    }

    /// Adds a camera by the command line. `more` are further options.
    ///
    /// # Errors
    /// It is refused.
    pub fn add(&self, name: &str, url: &str, more: &[&str]) -> Result<Value> {
        let mut arguments = vec!["camera", "add", name, url];
        arguments.extend(more);
        self.owner.must(arguments)
    }

    /// All cameras as the API shows them.
    ///
    /// # Errors
    /// No answer.
    pub fn cameras(&self) -> Result<Vec<Value>> {
        let cameras = self.member()?.get("/api/v1/cameras")?;
        Ok(cameras.as_array().context("cameras are a list")?.clone())
    }

    /// One camera as the API shows it; without a name, the only one.
    ///
    /// # Errors
    /// There is none of this name.
    pub fn camera(&self, name: Option<&str>) -> Result<Value> {
        let mut cameras = self.cameras()?.into_iter();
        let found = cameras.find(|camera| name.is_none_or(|name| camera["name"] == name));
        found.with_context(|| format!("no camera {name:?}"))
    }

    /// A camera's name; without one, the only camera's.
    ///
    /// # Errors
    /// There is no camera.
    pub fn name(&self) -> Result<String> {
        let camera = self.camera(None)?;
        Ok(camera["name"]
            .as_str()
            .context("a camera has a name")?
            .to_owned())
    }

    /// A camera's main stream.
    ///
    /// # Errors
    /// There is none of this name.
    pub fn stream(&self, name: Option<&str>) -> Result<StreamId> {
        let camera = self.camera(name)?;
        let id: CameraId = camera["id"]
            .as_str()
            .context("a camera has an id")?
            .parse()?;
        Ok(StreamId {
            camera: id,
            rendition: Rendition::Main,
        })
    }

    /// The state of a camera's stream: `streaming`, or what is wrong.
    ///
    /// # Errors
    /// There is none of this name.
    pub fn status(&self, name: Option<&str>, rendition: Rendition) -> Result<Value> {
        let camera = self.camera(name)?;
        let streams = camera["streams"]
            .as_array()
            .context("a camera has streams")?;
        let stream = streams
            .iter()
            .find(|stream| stream["rendition"] == rendition.to_string());
        Ok(stream.context("the camera has this rendition")?["status"].clone())
    }

    /// Waits until a camera's stream is in `state`, and gives its status.
    ///
    /// # Errors
    /// It does not come to that.
    pub fn wait_for(&self, name: Option<&str>, rendition: Rendition, state: &str) -> Result<Value> {
        let mut last = Value::Null;
        let found = wait::until(STREAMS, "the camera's state", || {
            last = self.status(name, rendition).ok()?;
            (last["state"] == state).then(|| last.clone())
        });
        found.with_context(|| format!("it is {last}, not {state}:\n{}", self.gateway.last_words()))
    }

    /// Waits until a camera streams.
    ///
    /// # Errors
    /// It does not.
    pub fn wait_streaming(&self, name: Option<&str>) -> Result<Value> {
        self.wait_for(name, Rendition::Main, "streaming")
    }

    /// Exports what a camera's main stream recorded from `from` to `to`.
    ///
    /// # Errors
    /// The command fails.
    pub fn export(
        &self,
        name: &str,
        (from, to): (UtcMillis, UtcMillis),
        file: &Path,
    ) -> Result<Value> {
        let output = file.to_str().context("our own folder's name is text")?;
        let (from, to) = (rfc3339(from)?, rfc3339(to)?);
        self.owner
            .must(["export", name, "--from", &from, "--to", &to, "-o", output])
    }

    /// Checks everything that the gateway recorded. It must be stopped, or at rest.
    ///
    /// # Errors
    /// The command can't be run.
    pub fn verify(&self) -> Result<Said> {
        self.owner
            .run(["verify".as_ref(), self.gateway.data().as_os_str()])
    }

    /// Checks everything, which must be whole.
    ///
    /// # Errors
    /// It is not.
    pub fn must_verify(&self) -> Result<Value> {
        let said = self.verify()?;
        match said.code {
            Some(0) => Ok(said.json),
            code => bail!("verify ended with {code:?}: {}\n{}", said.text, said.json),
        }
    }

    /// The files of the recordings' volumes, largest first.
    ///
    /// # Errors
    /// The folder can't be read.
    pub fn volumes(&self) -> Result<Vec<PathBuf>> {
        let mut files = crate::hunt::files_below(self.gateway.data())?;
        files.retain(|file| {
            file.components()
                .any(|part| part.as_os_str() == "recordings")
        });
        files.sort_by_key(|file| std::cmp::Reverse(file.metadata().map_or(0, |meta| meta.len())));
        Ok(files)
    }
}

/// A time as the command line takes it.
///
/// # Errors
/// It is after the year 9999.
pub fn rfc3339(time: UtcMillis) -> Result<String> {
    Ok(jiff::Timestamp::from_millisecond(i64::try_from(time.0)?)?.to_string())
}
