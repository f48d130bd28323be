//! The way to trust: one page, in clear on the own network, that leads through installing the site's authority and
//! checks that it worked. It is reachable before trust exists and can do nothing else: two downloads, no API, no
//! cookie, no other path, no other host than its own.
//!
//! It has its own listener and shares no route with the API. Nothing that it says is secret, and nothing that it
//! says has to be believed: who can swap the certificate on its way can swap the page, so it shows no fingerprint. What
//! the device shows is compared with what the machine printed. Browsers that try TLS first get the page over TLS.

mod page;
mod profile;

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, header};
use tokio::net::TcpListener;

use crate::connections::Local;
use crate::listen::{Door, ListenError, bind_all};
use crate::origin::{Origin, Origins, Scheme, single};
use crate::problem::{ApiError, Kind};
use crate::tls::{TlsError, authority_der};

/// Where the authority's certificate is.
pub const CERTIFICATE: &str = "/bartizan-ca.crt";

/// Where the same is, as a profile for devices of Apple.
pub const PROFILE: &str = "/bartizan-ca.mobileconfig";

/// What one guide says.
pub struct Guide {
    english: Bytes,
    german: Bytes,
    policy: HeaderValue,
    certificate: Bytes,
    profile: Bytes,
}

impl fmt::Debug for Guide {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Guide({} bytes)", self.english.len())
    }
}

impl Guide {
    /// A guide to trusting `authority_pem`, which leads to the app at `app`.
    pub fn new(app: &Origin, authority_pem: &str) -> Result<Self, TlsError> {
        let certificate = authority_der(authority_pem)?;
        let app = app.to_string();
        Ok(Self {
            english: page::render(&page::ENGLISH, &app),
            german: page::render(&page::GERMAN, &app),
            policy: page::policy(&app),
            profile: profile::apple(&certificate),
            certificate: certificate.into(),
        })
    }

    fn answer(&self, request: &Parts) -> Result<Response, ApiError> {
        if !matches!(request.method, Method::GET | Method::HEAD) {
            let detail = "The guide can only be read.";
            return Err(ApiError::new(Kind::MethodNotAllowed, detail));
        }
        let (media_type, body) = match request.uri.path() {
            "/" if prefers_german(request) => ("text/html; charset=utf-8", &self.german),
            "/" => ("text/html; charset=utf-8", &self.english),
            CERTIFICATE => ("application/x-x509-ca-cert", &self.certificate),
            PROFILE => ("application/x-apple-aspen-config", &self.profile),
            _ => {
                return Err(ApiError::new(
                    Kind::NotFound,
                    "The guide has one page only.",
                ));
            }
        };
        let mut response = Response::new(Body::from(body.clone()));
        let media_type = HeaderValue::from_static(media_type);
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, media_type);
        Ok(response)
    }
}

/// The guide that is shown now; clones share it.
#[derive(Debug, Clone)]
pub struct Shown(Arc<Mutex<Arc<Guide>>>);

impl Shown {
    /// Shows another one from now on.
    pub fn set(&self, guide: Guide) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(guide);
    }

    fn now(&self) -> Arc<Guide> {
        Arc::clone(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The guide's own sockets.
pub struct GuideListener {
    pub(crate) sockets: Vec<TcpListener>,
    pub(crate) names: Door,
    pub(crate) certificate: Door,
    pub(crate) router: Router,
    address: SocketAddr,
    shown: Shown,
}

impl fmt::Debug for GuideListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GuideListener({})", self.address)
    }
}

impl GuideListener {
    /// Listens in clear; to who begins with TLS it shows the certificate of `app`, the app's own door. Answers to
    /// the hosts `names` and to the address that a client connected to, with its own port.
    pub async fn open(
        address: SocketAddr,
        names: &[String],
        guide: Guide,
        app: &Door,
    ) -> Result<Self, ListenError> {
        let (sockets, address) = bind_all(address).await?;
        let shown = Shown(Arc::new(Mutex::new(Arc::new(guide))));
        let listener = Self {
            sockets,
            names: Door::new((Scheme::Http, address), None, &[]),
            certificate: app.clone(),
            router: Router::new().fallback(answer).with_state(shown.clone()),
            address,
            shown,
        };
        listener.names.set_names(&hosts(names, address.port()));
        Ok(listener)
    }

    /// Where it listens; the port is the real one.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// To answer to other names later.
    pub fn door(&self) -> Door {
        self.names.clone()
    }

    /// To show another guide later.
    pub fn shown(&self) -> Shown {
        self.shown.clone()
    }
}

/// The origins of a guide on these hosts; what is no host is left out.
pub fn hosts(names: &[String], port: u16) -> Vec<Origin> {
    let origin = |name: &String| Origin::new(Scheme::Http, name, port).ok();
    names.iter().filter_map(origin).collect()
}

async fn answer(State(shown): State<Shown>, request: Request) -> Response {
    let (parts, _body) = request.into_parts();
    let guide = shown.now();
    let answer = admitted(&parts).and_then(|()| guide.answer(&parts));
    let mut response = answer.unwrap_or_else(IntoResponse::into_response);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, guide.policy.clone());
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::VARY, "accept-language"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("permissions-policy"),
            "camera=(), geolocation=(), microphone=()",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Only under its own names, or the address that the client connected to: a name of somebody else's that leads
/// here gets nothing.
fn admitted(request: &Parts) -> Result<(), ApiError> {
    let origins = request.extensions.get::<Arc<Origins>>();
    let origins = origins.ok_or_else(|| ApiError::internal("a request without a listener"))?;
    let local = request.extensions.get::<Local>().map(|local| local.0);
    match single(request, &header::HOST) {
        Some(host) if origins.answers_to(host, local) => Ok(()),
        _ => {
            let detail =
                "The guide is not known by this name. Use the link that the machine printed.";
            Err(ApiError::new(Kind::Misdirected, detail))
        }
    }
}

/// Whether German comes before English in what the reader likes; the order is what browsers send.
fn prefers_german(request: &Parts) -> bool {
    let list = single(request, &header::ACCEPT_LANGUAGE).unwrap_or_default();
    let mut languages = list.split(',').filter_map(|item| item.trim().get(..2));
    let known = languages.find(|language| {
        ["de", "en"]
            .iter()
            .any(|known| known.eq_ignore_ascii_case(language))
    });
    known.is_some_and(|language| language.eq_ignore_ascii_case("de"))
}
