//! Requests to one gateway: proofs of possession, problems as typed errors, bounded answers, time limits.
//!
//! [`Transport`] speaks HTTP/1.1 over [`dial`]'s connections. It knows no route and no document; those are
//! next door. It retries once when the gateway asks for its nonce (RFC 9449 §9), and nothing else:
//! whether a request may be repeated only its caller knows.

mod dial;
mod download;
#[cfg(fuzzing)]
pub mod fuzzing;
mod origin;
mod pin;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bartizan_access::DeviceKey;
use bartizan_access::dpop::{KeyError, ProofRequest};
use bartizan_base::random::{self, NoRandomness};
use bartizan_base::{Clock, SystemClock};
use bartizan_domain::{Fingerprint, Secret};
use bartizan_protocol::api::Problem;
use bytes::{Bytes, BytesMut};
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

pub use dial::{CONNECT_TIMEOUT, DialError};
pub use download::{Download, MAX_RESUMES};
pub use origin::{MAX_ORIGIN, Origin, OriginError};
pub use pin::Trust;

pub(crate) use dial::Wire;

use crate::error::Advice;
use dial::Dialer;

/// How long an answer may take, a body included.
pub const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a connection test of a camera may take: the gateway gives up after 25 seconds.
pub const PROBE_TIMEOUT: Duration = Duration::from_secs(40);

/// Largest JSON answer in bytes.
pub const MAX_ANSWER: usize = 4 * 1024 * 1024;

/// Largest envelope record in bytes: a record's limit and its header.
pub const MAX_ENVELOPE: usize = 8 * 1024 * 1024 + 16;

/// Largest message of a live stream in bytes.
pub const MAX_MESSAGE: usize = 64 * 1024 * 1024;

/// Characters of the gateway's own words that are shown.
const MAX_DETAIL: usize = 500;

/// Longest nonce in bytes.
const MAX_NONCE: usize = 256;

const DPOP: HeaderName = HeaderName::from_static("dpop");
const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// Why a request has no good answer.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// There is no connection.
    #[error("the gateway can't be reached")]
    Dial(#[source] DialError),
    /// The connection broke.
    #[error("the connection to the gateway broke")]
    Broken(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// No answer in time.
    #[error("the gateway did not answer in time: try again")]
    Slow,
    /// The gateway says no.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// The answer is not what the API promises.
    #[error(
        "the gateway's answer can't be understood: it may be another version of Bartizan, or no gateway"
    )]
    Answer(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The answer is larger than any good one.
    #[error("the gateway's answer is larger than {max} bytes")]
    TooLarge {
        /// The limit.
        max: usize,
    },
    /// The request can't be made.
    #[error("the request can't be made")]
    Request(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// No proof can be made.
    #[error("the device key can't be used")]
    Key(#[from] KeyError),
    /// No fresh number for a proof.
    #[error("no proof can be made")]
    NoRandomness(#[from] NoRandomness),
}

impl TransportError {
    pub(crate) const fn advice(&self) -> Advice {
        match self {
            Self::Dial(DialError::WrongGateway(_)) => Advice::LookInto,
            Self::Dial(DialError::NotLocal | DialError::BadHost) => Advice::Change,
            Self::Dial(_) | Self::Broken(_) | Self::Slow => Advice::TryAgain,
            Self::Api(error) if error.is_transient() => Advice::TryAgain,
            _ => Advice::LookInto,
        }
    }
}

/// The gateway says no (RFC 9457). Its words are cut and cleaned for a terminal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct ApiError {
    /// HTTP status.
    pub status: u16,
    /// The last part of the problem's type, such as `not-found`; empty when there is none.
    pub kind: String,
    /// What happened and what to do.
    pub detail: String,
    /// Where the owner finds more in the gateway's log.
    pub reference: Option<String>,
    /// Seconds to wait, if the gateway says so.
    pub retry_after_s: Option<u64>,
    /// The device's own token was shown and is good no more.
    pub signed_out: bool,
}

impl ApiError {
    /// Whether the same request may succeed later without anything being changed.
    pub const fn is_transient(&self) -> bool {
        matches!(self.status, 408 | 429 | 503 | 504)
    }

    /// Whether the state was another than the request needs, as when the roster has grown meanwhile.
    pub fn is_conflict(&self) -> bool {
        self.status == 409 && self.kind == "precondition"
    }

    fn new(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Self {
        let problem = serde_json::from_slice::<Problem>(body).ok();
        let retry_after_s = headers
            .get(header::RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.parse().ok());
        let nothing = || format!("the gateway answers with status {}", status.as_u16());
        let detail = problem.as_ref().map(|problem| printable(&problem.detail));
        let kind = problem.as_ref().and_then(|p| p.kind.rsplit('/').next());
        Self {
            status: status.as_u16(),
            kind: kind.map(printable).unwrap_or_default(),
            detail: detail
                .filter(|text| !text.is_empty())
                .unwrap_or_else(nothing),
            reference: problem.and_then(|p| p.reference).as_deref().map(printable),
            retry_after_s,
            signed_out: false,
        }
    }
}

/// Without control characters and direction marks, which could rewrite what a terminal shows.
fn printable(text: &str) -> String {
    let bad = |c: &char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().filter(|c| !bad(c)).take(MAX_DETAIL).collect()
}

/// With what a request proves who sends it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Proof<'a> {
    /// Nothing: before the claim, and for challenges.
    None,
    /// A key that the gateway does not know yet.
    Key(&'a DeviceKey),
    /// This device's key and token.
    Token,
}

#[derive(Debug)]
struct Credentials {
    key: DeviceKey,
    token: Secret<String>,
}

/// The way to one gateway. Clones share connections and the nonce.
#[derive(Clone)]
pub struct Transport {
    dialer: Dialer,
    client: Client<Dialer, Full<Bytes>>,
    credentials: Option<Arc<Credentials>>,
    nonce: Arc<Mutex<Option<String>>>,
}

/// A request of the API.
#[derive(Debug, Clone)]
pub(crate) struct Call<'a> {
    pub(crate) method: Method,
    /// Path and query.
    pub(crate) target: &'a str,
    pub(crate) body: Bytes,
    pub(crate) proof: Proof<'a>,
    pub(crate) range: Option<(u64, u64)>,
    pub(crate) patience: Duration,
}

impl<'a> Call<'a> {
    pub(crate) const fn get(target: &'a str) -> Self {
        Self {
            method: Method::GET,
            target,
            body: Bytes::new(),
            proof: Proof::Token,
            range: None,
            patience: ANSWER_TIMEOUT,
        }
    }

    pub(crate) fn send(
        method: Method,
        target: &'a str,
        document: &impl Serialize,
    ) -> Result<Self, TransportError> {
        let body = serde_json::to_vec(document).map_err(|e| TransportError::Request(e.into()))?;
        Ok(Self {
            method,
            body: body.into(),
            ..Self::get(target)
        })
    }

    pub(crate) fn proof(self, proof: Proof<'a>) -> Self {
        Self { proof, ..self }
    }

    pub(crate) fn patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }
}

impl Transport {
    /// For the gateway at `origin`, recognised by `trust` when that is `https://`.
    pub fn new(origin: Origin, trust: Trust) -> Self {
        let dialer = Dialer::new(origin, trust);
        let client = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(Duration::from_secs(20))
            .pool_max_idle_per_host(4)
            .build(dialer.clone());
        Self {
            dialer,
            client,
            credentials: None,
            nonce: Arc::default(),
        }
    }

    /// The same way, for a device that is signed in.
    #[must_use]
    pub fn signed_in(self, key: DeviceKey, token: Secret<String>) -> Self {
        let credentials = Some(Arc::new(Credentials { key, token }));
        Self {
            credentials,
            ..self
        }
    }

    /// Where the gateway is.
    pub const fn origin(&self) -> &Origin {
        self.dialer.origin()
    }

    /// The pin that was given, or learned from the first connection; `None` without TLS.
    pub fn pin(&self) -> Option<Fingerprint> {
        self.dialer.pin()
    }

    /// Sends and reads a JSON document.
    pub(crate) async fn json<T: DeserializeOwned>(
        &self,
        call: Call<'_>,
    ) -> Result<T, TransportError> {
        let bytes = self.bytes(call, MAX_ANSWER).await?;
        serde_json::from_slice(&bytes).map_err(|error| TransportError::Answer(error.into()))
    }

    /// Sends, and does not care for the answer's body.
    pub(crate) async fn done(&self, call: Call<'_>) -> Result<(), TransportError> {
        self.bytes(call, MAX_ANSWER).await.map(drop)
    }

    /// Sends and reads at most `max` bytes.
    pub(crate) async fn bytes(&self, call: Call<'_>, max: usize) -> Result<Bytes, TransportError> {
        let patience = call.patience;
        let whole = async {
            let answer = self.open(&call).await?;
            read_body(answer.into_body(), max).await
        };
        timeout(patience, whole)
            .await
            .map_err(|_elapsed| TransportError::Slow)?
    }

    /// Sends and gives the answer when its head is there and good; its body is the caller's to read.
    pub(crate) async fn open(&self, call: &Call<'_>) -> Result<Response<Incoming>, TransportError> {
        let mut asked = false;
        loop {
            let answer = timeout(call.patience, self.client.request(self.request(call)?));
            let answer = answer.await.map_err(|_elapsed| TransportError::Slow)?;
            let answer = answer.map_err(client_error)?;
            let renewed = self.take_nonce(answer.headers());
            if answer.status().is_success() {
                return Ok(answer);
            }
            let wants_nonce = renewed && wants_nonce(&answer);
            let (head, body) = answer.into_parts();
            let body = timeout(call.patience, read_body(body, MAX_ANSWER));
            let body = body.await.map_err(|_elapsed| TransportError::Slow)??;
            if asked || !wants_nonce {
                let error = ApiError::new(head.status, &head.headers, &body);
                let refused = head.status == StatusCode::UNAUTHORIZED;
                let signed_out = refused && matches!(call.proof, Proof::Token);
                return Err(ApiError {
                    signed_out,
                    ..error
                }
                .into());
            }
            asked = true;
        }
    }

    /// Opens a WebSocket. Its ticket stands in the target; no token travels.
    pub(crate) async fn websocket(
        &self,
        target: &str,
    ) -> Result<WebSocketStream<Wire>, TransportError> {
        let url = self
            .origin()
            .url(target)
            .map_err(|e| TransportError::Request(e.into()))?;
        let scheme = if self.origin().is_secure() {
            "wss"
        } else {
            "ws"
        };
        let url = url.to_string();
        let rest = url.split_once(':').map_or("", |(_, rest)| rest);
        let wire = self.dialer.dial().await.map_err(TransportError::Dial)?;
        let config = WebSocketConfig::default()
            .max_message_size(Some(MAX_MESSAGE))
            .max_frame_size(Some(MAX_MESSAGE));
        let opened = client_async_with_config(format!("{scheme}:{rest}"), wire, Some(config));
        let opened = timeout(ANSWER_TIMEOUT, opened)
            .await
            .map_err(|_elapsed| TransportError::Slow)?;
        opened.map(|(socket, _)| socket).map_err(websocket_error)
    }

    fn request(&self, call: &Call<'_>) -> Result<Request<Full<Bytes>>, TransportError> {
        let url = self
            .origin()
            .url(call.target)
            .map_err(|e| TransportError::Request(e.into()))?;
        let text = url.to_string();
        let mut request = Request::builder()
            .method(call.method.clone())
            .uri(url)
            .header(
                header::USER_AGENT,
                concat!("bartizan/", env!("CARGO_PKG_VERSION")),
            )
            .header(
                header::ACCEPT,
                "application/json, application/problem+json, */*",
            );
        if !call.body.is_empty() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        if let Some((first, last)) = call.range {
            request = request.header(header::RANGE, format!("bytes={first}-{last}"));
        }
        match (call.proof, self.credentials.as_deref()) {
            (Proof::Key(key), _) => {
                let proof = self.prove(key, &call.method, &text, None)?;
                request = request.header(DPOP, secret(&proof)?);
            }
            (Proof::Token, Some(Credentials { key, token })) => {
                let token = token.expose();
                let proof = self.prove(key, &call.method, &text, Some(token))?;
                request = request
                    .header(header::AUTHORIZATION, secret(&format!("DPoP {token}"))?)
                    .header(DPOP, secret(&proof)?);
            }
            (Proof::None, _) | (Proof::Token, None) => {}
        }
        request
            .body(Full::new(call.body.clone()))
            .map_err(|e| TransportError::Request(e.into()))
    }

    fn prove(
        &self,
        key: &DeviceKey,
        method: &Method,
        url: &str,
        token: Option<&str>,
    ) -> Result<String, TransportError> {
        let jti = Fingerprint::new(random::bytes()?).to_string();
        let nonce = self
            .nonce
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let request = ProofRequest {
            method: method.as_str(),
            url,
            iat_s: SystemClock.utc().0 / 1_000,
            jti: &jti,
            nonce: nonce.as_deref(),
            token,
        };
        Ok(key.proof(&request)?)
    }

    /// Keeps the gateway's newest nonce; says whether one came.
    fn take_nonce(&self, headers: &HeaderMap) -> bool {
        let given = headers
            .get(DPOP_NONCE)
            .and_then(|value| value.to_str().ok());
        let Some(nonce) = given.filter(|nonce| nonce.len() <= MAX_NONCE) else {
            return false;
        };
        let mut kept = self.nonce.lock().unwrap_or_else(PoisonError::into_inner);
        *kept = Some(nonce.to_owned());
        true
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport")
            .field("signed_in", &self.credentials.is_some())
            .finish_non_exhaustive()
    }
}

/// A header value that no log shows.
fn secret(text: &str) -> Result<HeaderValue, TransportError> {
    let mut value = HeaderValue::from_str(text).map_err(|e| TransportError::Request(e.into()))?;
    value.set_sensitive(true);
    Ok(value)
}

// RFC 9449 §9: 401 with `error="use_dpop_nonce"`.
fn wants_nonce(answer: &Response<Incoming>) -> bool {
    let challenges = answer.headers().get_all(header::WWW_AUTHENTICATE);
    let says = |value: &HeaderValue| {
        value
            .to_str()
            .is_ok_and(|text| text.contains("use_dpop_nonce"))
    };
    answer.status() == StatusCode::UNAUTHORIZED && challenges.iter().any(says)
}

async fn read_body(mut body: Incoming, max: usize) -> Result<Bytes, TransportError> {
    let mut bytes = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| TransportError::Broken(error.into()))?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if bytes.len().saturating_add(data.len()) > max {
            return Err(TransportError::TooLarge { max });
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes.freeze())
}

/// A failed connection keeps its own error; the rest is a broken one.
fn client_error(error: hyper_util::client::legacy::Error) -> TransportError {
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        if let Some(dial) = cause.downcast_ref::<DialError>() {
            return TransportError::Dial(dial.again());
        }
        source = cause.source();
    }
    TransportError::Broken(error.into())
}

fn websocket_error(error: tungstenite::Error) -> TransportError {
    match error {
        tungstenite::Error::Http(answer) => {
            let (head, body) = answer.into_parts();
            ApiError::new(head.status, &head.headers, &body.unwrap_or_default()).into()
        }
        error => TransportError::Broken(error.into()),
    }
}

#[cfg(test)]
mod tests;
