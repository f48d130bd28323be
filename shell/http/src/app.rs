//! The app: files that anybody may fetch, answered beside the API on the same listener.
//!
//! It gets the files from whoever assembles the gateway and knows nothing of their meaning, except that
//! `/index.html` answers every path that the app's own router may know. It holds no secret, asks for no token,
//! sets no cookie, and never answers for `/api`.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bartizan_identity::key::sha256;
use bytes::Bytes;
use data_encoding::BASE64URL_NOPAD;
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, StatusCode, header};

use crate::connections::Local;
use crate::origin::{Origins, single};
use crate::problem::{ApiError, Kind};

/// Where the guide asks whether a browser trusts this site: that an answer comes is the answer.
const TRUST_CHECK: &str = "/trust-check";

/// What answers for every page of the app.
const PAGE: &str = "/index.html";

/// Only what the app itself brings may run, and it may talk to its own gateway only.
const CSP: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; \
     media-src 'self' blob:; connect-src 'self'; worker-src 'self'; manifest-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
     require-trusted-types-for 'script'; trusted-types svelte-trusted-html bartizan-worker",
);

/// What a page of ours may ask the browser for: nothing but what watching and signing in need.
const PERMISSIONS: HeaderValue = HeaderValue::from_static(
    "accelerometer=(), autoplay=(self), camera=(), display-capture=(), fullscreen=(self), \
     geolocation=(), gyroscope=(), hid=(), idle-detection=(), magnetometer=(), microphone=(), midi=(), \
     payment=(), picture-in-picture=(self), publickey-credentials-create=(self), \
     publickey-credentials-get=(self), screen-wake-lock=(self), serial=(), usb=(), \
     xr-spatial-tracking=()",
);

/// What is named by its content stays as it is; everything else is asked for again each time, and mostly
/// answered with 304.
const FOREVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const ASK: HeaderValue = HeaderValue::from_static("no-cache");

/// What `/` answers in a program without the app.
const MISSING: &str = "The app is not part of this program. `cargo xtask up` builds both; by hand: \
                       `npm ci --ignore-scripts && npm run build` in `web/`, then build the gateway again.\n";

/// One file of the app.
#[derive(Clone, Copy)]
pub struct File {
    /// Path in a URL, from the root: `/index.html`.
    pub path: &'static str,
    /// Value of `Content-Type`.
    pub media_type: &'static str,
    /// The file as it is.
    pub bytes: &'static [u8],
    /// The file as brotli (RFC 7932), where that is smaller.
    pub brotli: Option<&'static [u8]>,
    /// The name changes with the content.
    pub immutable: bool,
}

impl fmt::Debug for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "File({}, {} bytes)", self.path, self.bytes.len())
    }
}

/// All files of the app.
pub struct App {
    files: BTreeMap<&'static str, Entry>,
}

struct Entry {
    media_type: HeaderValue,
    immutable: bool,
    plain: Form,
    brotli: Option<Form>,
}

/// One form of a file, with the tag that names exactly these bytes (RFC 9110 §8.8.3).
#[derive(Clone)]
struct Form {
    bytes: Bytes,
    tag: HeaderValue,
}

impl Form {
    fn new(bytes: &'static [u8]) -> Self {
        let digest = sha256(&[bytes]);
        let short = digest.as_bytes().split_at(16).0;
        let tag = format!("\"{}\"", BASE64URL_NOPAD.encode(short));
        Self {
            bytes: Bytes::from_static(bytes),
            tag: HeaderValue::try_from(tag).expect("base64url in quotes is a header's value"),
        }
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "App({} files)", self.files.len())
    }
}

impl App {
    /// An app of these files; without any, `/` says how to build it.
    pub fn new(files: impl IntoIterator<Item = File>) -> Self {
        let entry = |file: File| Entry {
            media_type: HeaderValue::from_static(file.media_type),
            immutable: file.immutable,
            plain: Form::new(file.bytes),
            brotli: file.brotli.map(Form::new),
        };
        let files = files.into_iter().map(|file| (file.path, entry(file)));
        Self {
            files: files.collect(),
        }
    }

    /// The file that answers for a path, and whether that is a page of the app.
    fn find(&self, request: &Parts) -> Option<(&Entry, bool)> {
        let path = request.uri.path();
        if let Some(file) = self.files.get(path) {
            return Some((file, path == PAGE));
        }
        let is_route =
            !path.contains('.') && (path == "/" || accepts(request, &header::ACCEPT, "text/html"));
        self.files
            .get(PAGE)
            .filter(|_| is_route)
            .map(|page| (page, true))
    }

    fn answer(&self, request: &Parts, origins: &Origins) -> Result<Response, ApiError> {
        let found = self.find(request);
        let is_page = found.is_some_and(|(_, is_page)| is_page) || request.uri.path() == "/";
        origins.admit_to_app(request, is_page)?;
        if !matches!(request.method, Method::GET | Method::HEAD) {
            return Ok(other_method());
        }
        match found {
            Some((file, _)) => Ok(file.answer(request)),
            None if self.files.is_empty() && is_page => Ok(missing()),
            None => Err(ApiError::new(Kind::NotFound, "The app has no such file.")),
        }
    }
}

impl Entry {
    fn answer(&self, request: &Parts) -> Response {
        let packed = self
            .brotli
            .as_ref()
            .filter(|_| accepts(request, &header::ACCEPT_ENCODING, "br"));
        let form = packed.unwrap_or(&self.plain);
        let mut response = if is_known(request, &form.tag) {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            let mut response = Response::new(Body::from(form.bytes.clone()));
            response
                .headers_mut()
                .insert(header::CONTENT_TYPE, self.media_type.clone());
            if packed.is_some() {
                let brotli = HeaderValue::from_static("br");
                response
                    .headers_mut()
                    .insert(header::CONTENT_ENCODING, brotli);
            }
            response
        };
        let headers = response.headers_mut();
        headers.insert(header::ETAG, form.tag.clone());
        headers.insert(
            header::CACHE_CONTROL,
            if self.immutable { FOREVER } else { ASK },
        );
        if self.brotli.is_some() {
            headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        }
        response
    }
}

fn other_method() -> Response {
    let detail = "The app's files can only be fetched.";
    let mut response = ApiError::new(Kind::MethodNotAllowed, detail).into_response();
    let allowed = HeaderValue::from_static("GET, HEAD");
    response.headers_mut().insert(header::ALLOW, allowed);
    response
}

fn missing() -> Response {
    ([(header::CACHE_CONTROL, ASK)], MISSING).into_response()
}

/// Stands in front of the API and answers for every path that is not the API's. It wants each request to carry
/// the [`Origins`] of its listener.
pub(crate) async fn in_front(
    State(app): State<Arc<App>>,
    request: Request,
    next: Next,
) -> Response {
    if is_api(request.uri().path()) {
        return next.run(request).await;
    }
    let (parts, _body) = request.into_parts();
    let origins = parts.extensions.get::<Arc<Origins>>();
    let answer = match origins {
        Some(origins) if parts.uri.path() == TRUST_CHECK => trust_check(&parts, origins),
        Some(origins) => app.answer(&parts, origins),
        None => Err(ApiError::internal("a request without a listener")),
    };
    let strict = origins.and_then(|origins| origins.strict_transport());
    guarded(answer.unwrap_or_else(IntoResponse::into_response), strict)
}

/// 204 for the guide's page, which may read it across origins; nothing for any other.
fn trust_check(request: &Parts, origins: &Origins) -> Result<Response, ApiError> {
    let local = request.extensions.get::<Local>().map(|local| local.0);
    let guide = origins.admit_guide(request, local)?;
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, guide);
    headers.insert(header::VARY, HeaderValue::from_static("origin"));
    Ok(response)
}

fn is_api(path: &str) -> bool {
    path.strip_prefix("/api")
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The headers of every answer that is not the API's.
fn guarded(mut response: Response, strict: Option<HeaderValue>) -> Response {
    let headers = response.headers_mut();
    let same = HeaderValue::from_static("same-origin");
    headers.insert(header::CONTENT_SECURITY_POLICY, CSP);
    headers.insert(
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    );
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    headers.insert(HeaderName::from_static("permissions-policy"), PERMISSIONS);
    headers.insert(
        HeaderName::from_static("cross-origin-opener-policy"),
        same.clone(),
    );
    headers.insert(
        HeaderName::from_static("cross-origin-resource-policy"),
        same,
    );
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    if let Some(strict) = strict {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, strict);
    }
    response
}

/// Whether a list of choices names `choice` and does not rule it out (RFC 9110 §12.4.2).
fn accepts(request: &Parts, name: &HeaderName, choice: &str) -> bool {
    let lists = request.headers.get_all(name).iter();
    let mut choices = lists
        .filter_map(|list| list.to_str().ok())
        .flat_map(|list| list.split(','));
    choices.any(|offered| {
        let mut parts = offered.split(';').map(str::trim);
        let named = parts
            .next()
            .is_some_and(|named| named.eq_ignore_ascii_case(choice));
        named && !parts.any(|part| matches!(part, "q=0" | "q=0." | "q=0.0" | "q=0.00" | "q=0.000"))
    })
}

/// Whether the client has these very bytes already (RFC 9110 §13.1.2).
fn is_known(request: &Parts, tag: &HeaderValue) -> bool {
    let Some(list) = single(request, &header::IF_NONE_MATCH) else {
        return false;
    };
    let same = |known: &str| known.strip_prefix("W/").unwrap_or(known).as_bytes() == tag.as_bytes();
    list.split(',')
        .map(str::trim)
        .any(|known| known == "*" || same(known))
}
