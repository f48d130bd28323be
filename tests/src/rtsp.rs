//! A camera that is not ours: GStreamer's RTSP server looping a clip without encoding it again.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use data_encoding::HEXLOWER;
use rcgen::{CertificateParams, KeyPair};
use tempfile::TempDir;

use crate::clips::Clip;
use crate::gateway::free_port;
use crate::process::{self, Background};
use crate::sound::SoundLoop;
use crate::wait;

/// How long the server may take: it reads its clips first.
const START: Duration = Duration::from_secs(40);

/// Debian's own interpreter: others lack the bindings.
const PYTHON: &str = "/usr/bin/python3";

/// The file with what the server sends as sound.
const SOUND: &str = "sound";

const NEEDED: &str = "these tests need GStreamer's RTSP server for Python: apt-get install python3-gi \
    gir1.2-gst-rtsp-server-1.0 gstreamer1.0-rtsp gstreamer1.0-plugins-base gstreamer1.0-plugins-good \
    gstreamer1.0-plugins-bad gstreamer1.0-libav";

/// What the camera does besides sending its clip.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options<'a> {
    /// It asks for this name and password, by Digest.
    pub user: Option<(&'a str, &'a str)>,
    /// `tcp` or `udp` only.
    pub transport: Option<&'a str>,
    /// Sound as `aac`, `pcmu`, `pcma` or `opus`; none when absent.
    pub audio: Option<&'a str>,
    /// It speaks RTSP over TLS.
    pub tls: bool,
}

/// A running camera. It ends when this is dropped.
#[derive(Debug)]
pub struct Camera {
    process: Option<Background>,
    arguments: Vec<String>,
    address: String,
    certificate: Option<Certificate>,
    /// Where the server writes what it sends as sound.
    folder: TempDir,
}

impl Camera {
    /// Serves `clip`.
    ///
    /// # Errors
    /// The server does not start; the message says what to install.
    pub fn start(clip: Clip, options: Options<'_>) -> Result<Self> {
        let certificate = options.tls.then(Certificate::new).transpose()?;
        let mut arguments = vec!["--port".to_owned(), free_port()?.to_string()];
        if let Some((user, password)) = options.user {
            arguments.extend(["--user".to_owned(), format!("{user}:{password}")]);
        }
        if let Some(transport) = options.transport {
            arguments.extend(["--transport".to_owned(), transport.to_owned()]);
        }
        let folder = TempDir::new()?;
        if let Some(audio) = options.audio {
            let sound = folder.path().join(SOUND).display().to_string();
            let pairs = ["--audio", audio, "--sound-out", sound.as_str()];
            arguments.extend(pairs.map(str::to_owned));
        } else {
            arguments.push("--noaudio".to_owned());
        }
        if let Some(certificate) = &certificate {
            arguments.extend(["--tls".to_owned(), certificate.pem().display().to_string()]);
        }
        arguments.push(clip.file()?.display().to_string());
        let mut camera = Self {
            process: None,
            arguments,
            address: String::new(),
            certificate,
            folder,
        };
        camera.begin()?;
        Ok(camera)
    }

    /// Switches it on again, at the same address.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn begin(&mut self) -> Result<()> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("rtsp_server.py");
        let mut command = process::command(PYTHON);
        let mut process =
            Background::start(command.arg(script).args(&self.arguments)).context(NEEDED)?;
        let ready = wait::until(START, "the camera serves", || {
            let gone = process.ended().is_ok_and(|ended| ended.is_some());
            (gone || process.stdout().find(0, "ready").is_some()).then_some(!gone)
        });
        if !matches!(ready, Ok(true)) {
            bail!(
                "the camera does not start:\n{}\n{NEEDED}",
                process.stderr().all().join("\n")
            );
        }
        self.address = process
            .stdout()
            .find(0, "")
            .context("the camera says where it is")?;
        self.process = Some(process);
        Ok(())
    }

    /// Switches it off.
    pub fn cut(&mut self) {
        self.process = None;
    }

    /// Its address, without credentials.
    pub fn url(&self) -> &str {
        &self.address
    }

    /// Its address with credentials.
    pub fn url_with(&self, user: &str, password: &str) -> String {
        self.address
            .replacen("://", &format!("://{user}:{password}@"), 1)
    }

    /// What it sends as sound, again and again.
    ///
    /// # Errors
    /// It has no sound.
    pub fn sound(&self) -> Result<SoundLoop> {
        SoundLoop::read(&self.folder.path().join(SOUND))
    }

    /// SHA-256 of its certificate, in hexadecimal.
    pub fn fingerprint(&self) -> Option<&str> {
        self.certificate
            .as_ref()
            .map(|certificate| certificate.sha256.as_str())
    }
}

/// A self-signed certificate with its key, as cameras have them.
#[derive(Debug)]
struct Certificate {
    folder: TempDir,
    sha256: String,
}

impl Certificate {
    fn new() -> Result<Self> {
        let key = KeyPair::generate()?;
        let params = CertificateParams::new(vec!["camera.local".to_owned()])?;
        let certificate = params.self_signed(&key)?;
        let folder = TempDir::new()?;
        let pem = format!("{}{}", certificate.pem(), key.serialize_pem());
        std::fs::write(folder.path().join("camera.pem"), pem)?;
        let digest = bartizan_identity::key::sha256(&[certificate.der()]);
        let sha256 = HEXLOWER.encode(digest.as_bytes());
        Ok(Self { folder, sha256 })
    }

    fn pem(&self) -> PathBuf {
        self.folder.path().join("camera.pem")
    }
}
