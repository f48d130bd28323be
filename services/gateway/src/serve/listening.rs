//! Where the API and the app are served: in clear on loopback addresses only, else with TLS 1.3 by a given
//! certificate or the site's own, under a name that the own network knows, with a guide to trusting it.
//!
//! What is opened here is kept by [`Keeper`] afterwards.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result};
use bartizan_domain::{Fingerprint, Secret, sabotage};
use bartizan_http::app::{App, File};
use bartizan_http::tls::{SiteCertificate, pin, server_config, site_certificate};
use bartizan_http::{Door, Guide, GuideListener, Listener, Origin, Scheme};
use bartizan_lan::Label;

use super::keeper::{self, Keeper};
use super::state::Gateway;
use super::supervisor::Pairs;

const CERTIFICATE: &str = "site-certificate";

/// What a gateway on the own network is called, if it is not told.
const DEFAULT_NAME: &str = "bartizan.local";

/// Where the guide is, if it is not told.
const GUIDE_PORT: u16 = 8_441;

/// How the API is served.
#[derive(Debug, Clone)]
pub(crate) struct Listening {
    /// Where.
    pub(crate) address: SocketAddr,
    /// With TLS on loopback, too.
    pub(crate) tls: bool,
    /// Host names that are answered to besides the address.
    pub(crate) names: Vec<String>,
    /// The supervisor hands in a certificate chain and its key, in PEM.
    pub(crate) given: bool,
    /// The guide's port. Without it, 8441, and none on loopback.
    pub(crate) guide: Option<u16>,
    /// Names that end in `.local` are told on the own network.
    pub(crate) announced: bool,
}

/// What is open, and what its certificate is recognised by.
pub(crate) struct Open {
    pub(crate) listener: Listener,
    pub(crate) guide: Option<GuideListener>,
    pub(crate) pin: Option<Fingerprint>,
    /// Keeps names and certificate; absent in clear, where neither changes.
    pub(crate) keeper: Option<Keeper>,
    clear_origin: String,
}

impl Open {
    /// What the app is called by now.
    pub(crate) fn origin(&self) -> String {
        let kept = self
            .keeper
            .as_ref()
            .map(|keeper| keeper.origin().to_string());
        kept.unwrap_or_else(|| self.clear_origin.clone())
    }

    /// Where the guide is, and the fingerprint of the authority that it leads to.
    pub(crate) fn guide_link(&self) -> Option<(String, String)> {
        let keeper = self.keeper.as_ref()?;
        let port = self.guide.as_ref()?.address().port();
        let link = Origin::new(Scheme::Http, &keeper.host(), port).ok()?;
        Some((link.to_string(), keeper.fingerprint()?))
    }
}

/// The app that this program was built with.
fn app() -> App {
    App::new(bartizan_app::FILES.iter().map(|file| File {
        path: file.path,
        media_type: file.media_type,
        bytes: file.bytes,
        brotli: file.brotli,
        immutable: file.immutable,
    }))
}

impl Listening {
    fn is_clear(&self) -> bool {
        let local = self.address.ip().is_loopback() || sabotage::off("M-8");
        !self.tls && !self.given && local
    }

    /// Configured names; on a network the gateway always has one.
    fn wanted_names(&self) -> Vec<String> {
        if self.names.is_empty() && !self.address.ip().is_loopback() {
            return vec![DEFAULT_NAME.to_owned()];
        }
        self.names.clone()
    }

    /// The name to win on the own network: the first that is one.
    fn label(&self, names: &[String]) -> Option<Label> {
        let told = self.announced && !self.address.ip().is_loopback();
        names
            .iter()
            .filter(|_| told)
            .find_map(|name| Label::of_local(name))
    }

    fn guide_port(&self) -> Option<u16> {
        let default = (!self.address.ip().is_loopback()).then_some(GUIDE_PORT);
        self.guide.or(default).filter(|_| !self.given)
    }

    /// Opens the sockets and wins the name. A given certificate is waited for: recording does not wait with it.
    pub(crate) async fn open(&self, gateway: &Arc<Gateway>, mut pairs: Pairs) -> Result<Open> {
        if self.is_clear() {
            let listener = Listener::in_clear(self.address, &[]).await?.with_app(app());
            // By name: passkeys know no addresses.
            let clear_origin = format!("http://localhost:{}", listener.address().port());
            return Ok(Open {
                listener,
                guide: None,
                pin: None,
                keeper: None,
                clear_origin,
            });
        }
        let names = self.wanted_names();
        let label = self.label(&names);
        let own_name = match &label {
            Some(label) => keeper::own_name(gateway, label).await?,
            None => None,
        };
        let (config, pin, own) = if self.given {
            let (chain, key) = pairs.next().await.context("the supervisor is gone")??;
            (server_config(&chain, &key)?, pin(&chain)?, None)
        } else {
            let all = keeper::all(&names, own_name.as_ref(), None);
            let own = self.own_certificate(gateway, &all).await?;
            (own.server_config()?, pin(own.authority_pem())?, Some(own))
        };
        let listener = Listener::with_tls(self.address, config, &[])
            .await?
            .with_app(app());
        let listener = if self.given {
            listener.with_given_certificate()
        } else {
            listener
        };
        let guide = self.open_guide(own.as_ref(), &names, &listener).await?;
        let mut keeper = Keeper::new(
            (self.clone(), names, own_name),
            Arc::clone(gateway),
            (listener.door(), guide.as_ref()),
            (own, pairs),
        )?;
        if let Some(label) = label {
            keeper.win(label).await?;
        }
        Ok(Open {
            listener,
            guide,
            pin: Some(pin),
            keeper: Some(keeper),
            clear_origin: String::new(),
        })
    }

    async fn open_guide(
        &self,
        own: Option<&SiteCertificate>,
        names: &[String],
        listener: &Listener,
    ) -> Result<Option<GuideListener>> {
        let (Some(own), Some(port)) = (own, self.guide_port()) else {
            return Ok(None);
        };
        let door = listener.door();
        let first = names.first().map(String::as_str);
        let guide = Guide::new(&origin(first, &door)?, own.authority_pem())?;
        let address = SocketAddr::new(self.address.ip(), port);
        let listener = GuideListener::open(address, names, guide, &door).await?;
        door.set_guide(listener.address().port());
        Ok(Some(listener))
    }

    /// The site's certificate: kept, and renewed when its time or its names ask for it.
    pub(crate) async fn own_certificate(
        &self,
        gateway: &Gateway,
        names: &[String],
    ) -> Result<SiteCertificate> {
        let stored = gateway.store.secret(CERTIFICATE).await?;
        let stored = stored
            .map(|bytes| SiteCertificate::from_bytes(&bytes))
            .transpose()?;
        let mut names = names.to_vec();
        names.extend(["localhost", "127.0.0.1", "::1"].map(str::to_owned));
        if !self.address.ip().is_unspecified() {
            names.push(self.address.ip().to_string());
        }
        let before = stored
            .as_ref()
            .map(|stored| stored.certificate_pem().to_owned());
        let certificate = site_certificate(stored, &names, gateway.now())?;
        if before.as_deref() != Some(certificate.certificate_pem()) {
            gateway
                .store
                .put_secret(CERTIFICATE, &certificate.to_bytes())
                .await?;
        }
        Ok(certificate)
    }
}

/// What the app is called by under `name`.
pub(crate) fn origin(name: Option<&str>, door: &Door) -> Result<Origin> {
    let host = name.unwrap_or("localhost");
    Ok(Origin::new(Scheme::Https, host, door.port())?)
}

/// A certificate chain and its key, in PEM.
pub(crate) type Pair = (String, Secret<String>);
