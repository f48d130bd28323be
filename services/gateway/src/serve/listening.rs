//! Where the API listens: in clear on loopback addresses only, else with TLS 1.3 by a given certificate or
//! the site's own.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context, Result};
use bartizan_base::files;
use bartizan_domain::{Fingerprint, Secret};
use bartizan_http::tls::{SiteCertificate, pin, server_config, site_certificate};
use bartizan_http::{Listener, Origin, Scheme};

use super::state::Gateway;

const CERTIFICATE: &str = "site-certificate";

/// Largest certificate or key file in bytes.
const MAX_PEM: u64 = 64 * 1_024;

/// How the API is served.
#[derive(Debug, Clone)]
pub(crate) struct Listening {
    /// Where.
    pub(crate) address: SocketAddr,
    /// With TLS on loopback, too.
    pub(crate) tls: bool,
    /// Host names that are answered to besides the address.
    pub(crate) names: Vec<String>,
    /// A given certificate chain and its key, in PEM.
    pub(crate) given: Option<(PathBuf, PathBuf)>,
}

/// An open listener, the origin to call it by, and what its certificate is recognised by.
pub(crate) struct Open {
    pub(crate) listener: Listener,
    pub(crate) origin: String,
    pub(crate) pin: Option<Fingerprint>,
}

impl Listening {
    /// Opens the socket.
    pub(crate) async fn open(&self, gateway: &Gateway) -> Result<Open> {
        if !self.tls && self.given.is_none() && self.address.ip().is_loopback() {
            let listener = Listener::in_clear(self.address, &[]).await?;
            let origin = format!("http://{}", listener.address());
            return Ok(Open {
                listener,
                origin,
                pin: None,
            });
        }
        let (config, pin) = if let Some((chain, key)) = &self.given {
            let chain = String::from_utf8(files::read_bounded(chain, MAX_PEM)?)
                .context("the certificate is no PEM file")?;
            let key = String::from_utf8(files::read_private(key, MAX_PEM, 0o007)?)
                .context("the key is no PEM file")?;
            (server_config(&chain, &Secret::new(key))?, pin(&chain)?)
        } else {
            let own = self.own_certificate(gateway).await?;
            (own.server_config()?, pin(own.authority_pem())?)
        };
        let named = |name: &String| Origin::new(Scheme::Https, name, self.address.port());
        let names = self
            .names
            .iter()
            .map(named)
            .collect::<Result<Vec<_>, _>>()?;
        let listener = Listener::with_tls(self.address, config, &names).await?;
        let port = listener.address().port();
        let origin = match self.names.first() {
            Some(name) => format!("https://{name}:{port}"),
            None => format!("https://{}", listener.address()),
        };
        Ok(Open {
            listener,
            origin,
            pin: Some(pin),
        })
    }

    /// The site's certificate: kept, and renewed at a start when its time or its names ask for it.
    async fn own_certificate(&self, gateway: &Gateway) -> Result<SiteCertificate> {
        let stored = gateway.store.secret(CERTIFICATE).await?;
        let stored = stored
            .map(|bytes| SiteCertificate::from_bytes(&bytes))
            .transpose()?;
        let mut names = self.names.clone();
        names.extend(["localhost", "127.0.0.1", "::1"].map(str::to_owned));
        if !self.address.ip().is_unspecified() {
            names.push(self.address.ip().to_string());
        }
        let certificate = site_certificate(stored, &names, gateway.now())?;
        gateway
            .store
            .put_secret(CERTIFICATE, &certificate.to_bytes())
            .await?;
        Ok(certificate)
    }
}
