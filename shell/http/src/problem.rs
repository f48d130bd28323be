//! The one place where failures become answers: kind to status and problem document (RFC 9457).
//!
//! What a caller may know is in the detail. Internal errors say only a reference, under which the log has
//! the whole chain of causes. "Not there" and "not yours" are the same bytes. Nothing else in this crate
//! writes a status of 400 or above.

use std::borrow::Cow;
use std::time::Duration;

use axum::response::{IntoResponse, Response};
use bartizan_access::decide::{Denial, NotAuthentic};
use bartizan_access::invitation::InvitationError;
use bartizan_access::passkey::{NeedsName, PasskeyError};
use bartizan_access::replay::ReplayError;
use bartizan_access::signin::SignInError;
use bartizan_access::ticket::{BadTicket, TooManyTickets};
use bartizan_access::{DpopError, claim::ClaimError};
use bartizan_base::{Error, ErrorKind, chain, random};
use bartizan_domain::sabotage;
use bartizan_protocol::api::{CameraProblem, CameraProblemKind, Problem};
use data_encoding::BASE32_NOPAD;
use http::header::{CONTENT_RANGE, CONTENT_TYPE, RETRY_AFTER, UPGRADE, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, StatusCode};

/// The media type of problem documents.
pub const MEDIA_TYPE: &str = "application/problem+json";

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident => $status:ident, $name:literal, $title:literal;)*) => {
        /// Every kind of problem.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Kind {
            $($(#[$doc])* $kind,)*
        }

        impl Kind {
            /// Every one.
            #[cfg(test)]
            pub(crate) const ALL: &[Self] = &[$(Self::$kind,)*];

            /// What callers see: status, name behind `/problems/`, title.
            pub(crate) const fn face(self) -> (StatusCode, &'static str, &'static str) {
                match self {
                    $(Self::$kind => (StatusCode::$status, $name, $title),)*
                }
            }
        }
    };
}

kinds! {
    /// There is such a thing already.
    AlreadyExists => CONFLICT, "already-exists", "It exists already";
    /// The request is not what it has to be, whatever the state.
    BadRequest => BAD_REQUEST, "bad-request", "The request is malformed";
    /// The camera gives no picture.
    Camera => BAD_GATEWAY, "camera", "The camera gives no picture";
    /// From another site's page.
    CrossOrigin => FORBIDDEN, "cross-origin", "Other sites may not call this API";
    /// Stored data is damaged.
    DataLoss => INTERNAL_SERVER_ERROR, "data-loss", "Stored data is damaged";
    /// The caller may know of it and may not do this.
    Forbidden => FORBIDDEN, "forbidden", "Not allowed";
    /// A bug.
    Internal => INTERNAL_SERVER_ERROR, "internal", "Something went wrong inside the gateway";
    /// A secret came that nobody else may have.
    KeepToYourself => UNPROCESSABLE_ENTITY, "keep-to-yourself", "Keep this to yourself";
    /// A limit of the site is reached.
    LimitReached => CONFLICT, "limit-reached", "A limit is reached";
    /// The path exists, not with this method.
    MethodNotAllowed => METHOD_NOT_ALLOWED, "method-not-allowed", "No such method here";
    /// For another host.
    Misdirected => MISDIRECTED_REQUEST, "misdirected", "This is not the host that you ask for";
    /// Not there, or not theirs.
    NotFound => NOT_FOUND, "not-found", "There is no such thing";
    /// An address is no name.
    PasskeyNeedsName => CONFLICT, "passkey-needs-name", "Passkeys need a name";
    /// The state is another than the request needs.
    Precondition => CONFLICT, "precondition", "Not in this state";
    /// No byte of the range exists.
    RangeNotSatisfiable => RANGE_NOT_SATISFIABLE, "range", "No such bytes";
    /// The client is too slow.
    RequestTimeout => REQUEST_TIMEOUT, "request-timeout", "The request took too long to arrive";
    /// Over the limit of a body.
    TooLarge => PAYLOAD_TOO_LARGE, "too-large", "The request is too large";
    /// Too many tries.
    TooManyRequests => TOO_MANY_REQUESTS, "too-many-requests", "Too many requests";
    /// Nobody is recognised.
    Unauthenticated => UNAUTHORIZED, "unauthenticated", "Sign in";
    /// Not now.
    Unavailable => SERVICE_UNAVAILABLE, "unavailable", "Not now";
    /// JSON, but not this document.
    Unprocessable => UNPROCESSABLE_ENTITY, "unprocessable", "The document is not what is expected";
    /// Not JSON.
    UnsupportedMediaType => UNSUPPORTED_MEDIA_TYPE, "media-type", "Only JSON is understood here";
    /// Not a WebSocket.
    UpgradeRequired => UPGRADE_REQUIRED, "upgrade-required", "Only WebSockets are served here";
}

/// A failure on its way out.
#[derive(Debug)]
pub(crate) struct ApiError(Box<Failure>);

#[derive(Debug)]
struct Failure {
    kind: Kind,
    detail: Cow<'static, str>,
    header: Option<(HeaderName, HeaderValue)>,
    camera: Option<CameraProblemKind>,
    origins: Vec<String>,
    cause: Option<Error>,
}

/// What handlers end with.
pub(crate) type Answer<T> = Result<T, ApiError>;

impl ApiError {
    /// `detail` is for the caller: what happened and what to do.
    pub(crate) fn new(kind: Kind, detail: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Failure {
            kind,
            detail: detail.into(),
            header: None,
            camera: None,
            origins: Vec::new(),
            cause: None,
        }))
    }

    /// Always the same bytes.
    pub(crate) fn not_found() -> Self {
        Self::new(Kind::NotFound, "There is nothing here that you may see.")
    }

    /// A broken invariant; `msg` is for the log.
    pub(crate) fn internal(msg: &'static str) -> Self {
        Error::internal(msg).into()
    }

    /// Nobody is recognised; `error` is the challenge's code (RFC 9449 §7.1).
    pub(crate) fn unauthenticated(
        error: Option<&'static str>,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        let value = match error {
            Some(error) => format!(r#"DPoP algs="ES256", error="{error}""#),
            None => r#"DPoP algs="ES256""#.to_owned(),
        };
        let value = HeaderValue::try_from(value);
        Self::new(Kind::Unauthenticated, detail).with(WWW_AUTHENTICATE, value.ok())
    }

    /// No byte of the range is kept (RFC 9110 §15.5.17); `end` is the length so far.
    pub(crate) fn range(end: u64, detail: String) -> Self {
        let value = HeaderValue::try_from(format!("bytes */{end}"));
        Self::new(Kind::RangeNotSatisfiable, detail).with(CONTENT_RANGE, value.ok())
    }

    /// A `WebSocket` is expected (RFC 9110 §15.5.22).
    pub(crate) fn upgrade_required() -> Self {
        let detail = "Open a WebSocket (RFC 6455, version 13) at this address.";
        let value = HeaderValue::from_static("websocket");
        Self::new(Kind::UpgradeRequired, detail).with(UPGRADE, Some(value))
    }

    /// Where else the caller may ask.
    pub(crate) fn with_origins(mut self, origins: Vec<String>) -> Self {
        self.0.origins = origins;
        self
    }

    fn retry_after(self, wait: Duration) -> Self {
        // RFC 9110 §10.2.3: whole seconds, rounded up so that the wait is long enough.
        let seconds = wait.as_secs().saturating_add(1);
        self.with(RETRY_AFTER, Some(HeaderValue::from(seconds)))
    }

    fn with(mut self, name: HeaderName, value: Option<HeaderValue>) -> Self {
        self.0.header = value.map(|value| (name, value));
        self
    }
}

/// By kind, once for the whole API.
impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        let kind = match error.kind() {
            ErrorKind::AlreadyExists => Kind::AlreadyExists,
            ErrorKind::DataLoss => Kind::DataLoss,
            ErrorKind::FailedPrecondition => Kind::Precondition,
            ErrorKind::Internal => Kind::Internal,
            ErrorKind::InvalidArgument => Kind::Unprocessable,
            ErrorKind::NotFound => return Self::not_found(),
            ErrorKind::PermissionDenied => Kind::Forbidden,
            ErrorKind::ResourceExhausted => Kind::LimitReached,
            ErrorKind::Unauthenticated => {
                return Self::unauthenticated(Some("invalid_token"), error.msg().to_owned());
            }
            ErrorKind::Unavailable => Kind::Unavailable,
        };
        let mut answer = Self::new(kind, error.msg().to_owned());
        answer.0.cause = Some(error);
        answer
    }
}

impl From<random::NoRandomness> for ApiError {
    fn from(error: random::NoRandomness) -> Self {
        Error::internal("no randomness").caused_by(error).into()
    }
}

impl From<CameraProblem> for ApiError {
    fn from(problem: CameraProblem) -> Self {
        let mut answer = Self::new(Kind::Camera, problem.message);
        answer.0.camera = Some(problem.kind);
        answer
    }
}

impl From<Denial> for ApiError {
    fn from(denial: Denial) -> Self {
        match denial {
            Denial::Hidden => Self::not_found(),
            Denial::Forbidden => Self::new(Kind::Forbidden, "Your role does not allow this."),
            Denial::Stranger => NotAuthentic::NotOnRoster.into(),
        }
    }
}

impl From<NotAuthentic> for ApiError {
    fn from(error: NotAuthentic) -> Self {
        let code = match error {
            NotAuthentic::OtherKey => "invalid_dpop_proof",
            NotAuthentic::Expired | NotAuthentic::NotOnRoster => "invalid_token",
        };
        Self::unauthenticated(Some(code), error.to_string())
    }
}

impl From<DpopError> for ApiError {
    fn from(error: DpopError) -> Self {
        let code = match error {
            DpopError::Nonce => "use_dpop_nonce",
            _ => "invalid_dpop_proof",
        };
        Self::unauthenticated(Some(code), error.to_string())
    }
}

impl From<ReplayError> for ApiError {
    fn from(error: ReplayError) -> Self {
        match error {
            ReplayError::Replayed => {
                Self::unauthenticated(Some("invalid_dpop_proof"), error.to_string())
            }
            ReplayError::Full { retry_after } => {
                Self::new(Kind::Unavailable, error.to_string()).retry_after(retry_after)
            }
        }
    }
}

impl From<BadTicket> for ApiError {
    fn from(error: BadTicket) -> Self {
        Self::unauthenticated(None, error.to_string())
    }
}

impl From<TooManyTickets> for ApiError {
    fn from(error: TooManyTickets) -> Self {
        Self::new(Kind::Unavailable, error.to_string())
            .retry_after(bartizan_access::ticket::LIFETIME)
    }
}

impl From<ClaimError> for ApiError {
    fn from(error: ClaimError) -> Self {
        match error {
            ClaimError::Closed => Self::new(Kind::Forbidden, error.to_string()),
            ClaimError::Wrong => Self::unauthenticated(None, error.to_string()),
            ClaimError::TooMany { retry_after } => {
                Self::new(Kind::TooManyRequests, error.to_string()).retry_after(retry_after)
            }
        }
    }
}

impl From<SignInError> for ApiError {
    fn from(error: SignInError) -> Self {
        let kind = match error {
            SignInError::BadChallenge | SignInError::BadGrant | SignInError::WrongWords => {
                return Self::unauthenticated(None, error.to_string());
            }
            SignInError::OtherMember => return Self::new(Kind::Unprocessable, error.to_string()),
            SignInError::Busy => Kind::Unavailable,
            SignInError::TooMany { .. } => Kind::TooManyRequests,
        };
        let wait = match error {
            SignInError::TooMany { retry_after } => retry_after,
            _ => bartizan_access::signin::LIFETIME,
        };
        Self::new(kind, error.to_string()).retry_after(wait)
    }
}

/// For the doors: a passkey that is not taken signs nobody in.
impl From<PasskeyError> for ApiError {
    fn from(error: PasskeyError) -> Self {
        let detail = error.to_string();
        match error {
            PasskeyError::Malformed(_) | PasskeyError::UnsupportedKey => {
                Self::new(Kind::Unprocessable, detail)
            }
            PasskeyError::SecretSent => Self::new(Kind::KeepToYourself, detail),
            PasskeyError::Busy => Self::new(Kind::Unavailable, detail)
                .retry_after(bartizan_access::passkey::CEREMONY_LIFETIME),
            PasskeyError::TooMany { retry_after } => {
                Self::new(Kind::TooManyRequests, detail).retry_after(retry_after)
            }
            PasskeyError::BadCeremony
            | PasskeyError::OtherPage
            | PasskeyError::NotVerified
            | PasskeyError::Unknown
            | PasskeyError::BadSignature
            | PasskeyError::CounterWentBack => Self::unauthenticated(None, detail),
        }
    }
}

/// For members who add a passkey: they are signed in, whatever is wrong with it.
pub(crate) fn not_added(error: PasskeyError) -> ApiError {
    let detail = error.to_string();
    match error {
        PasskeyError::BadCeremony => ApiError::new(Kind::Precondition, detail),
        PasskeyError::OtherPage
        | PasskeyError::NotVerified
        | PasskeyError::Unknown
        | PasskeyError::BadSignature
        | PasskeyError::CounterWentBack => ApiError::new(Kind::Unprocessable, detail),
        error => error.into(),
    }
}

impl From<NeedsName> for ApiError {
    fn from(error: NeedsName) -> Self {
        let detail = match error.instead {
            Some(origin) => {
                format!("Passkeys belong to a name, and this is an address: open {origin} instead.")
            }
            None => {
                "Passkeys belong to a name, and this is an address: open the gateway by its name."
                    .to_owned()
            }
        };
        Self::new(Kind::PasskeyNeedsName, detail)
    }
}

impl From<InvitationError> for ApiError {
    fn from(error: InvitationError) -> Self {
        let detail = error.to_string();
        match error {
            InvitationError::Unknown => Self::unauthenticated(None, detail),
            InvitationError::BadId => Self::new(Kind::Unprocessable, detail),
            InvitationError::Full => Self::new(Kind::LimitReached, detail),
            InvitationError::TooMany { retry_after } => {
                Self::new(Kind::TooManyRequests, detail).retry_after(retry_after)
            }
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let failure = *self.0;
        let (status, name, title) = failure.kind.face();
        let camera = failure.camera.map(camera_name);
        let mut problem = Problem {
            kind: format!("/problems/{}", camera.as_deref().unwrap_or(name)),
            title: title.to_owned(),
            status: status.as_u16(),
            detail: failure.detail.into_owned(),
            reference: None,
            origins: failure.origins,
        };
        if matches!(failure.kind, Kind::Internal | Kind::DataLoss) {
            hide(&mut problem, failure.cause.as_ref());
        }
        let body = serde_json::to_vec(&problem).expect("a problem has string keys only");
        let mut response = (status, [(CONTENT_TYPE, MEDIA_TYPE)], body).into_response();
        response.headers_mut().extend(failure.header);
        response
    }
}

/// Puts the causes into the log, and only a reference to that line into the answer.
fn hide(problem: &mut Problem, cause: Option<&Error>) {
    let random = random::bytes::<10>().unwrap_or_default();
    let reference = BASE32_NOPAD.encode(&random).to_ascii_lowercase();
    let cause = cause.map(|cause| chain(cause).to_string());
    tracing::error!(%reference, err = cause.unwrap_or_default(), "request failed");
    if !sabotage::off("G-21") {
        "The gateway's log says more under this reference.".clone_into(&mut problem.detail);
    }
    problem.reference = Some(reference);
}

/// `camera-` and the kind as it stands in documents.
fn camera_name(kind: CameraProblemKind) -> String {
    let name = serde_json::to_value(kind).ok();
    let name = name.as_ref().and_then(serde_json::Value::as_str);
    format!("camera-{}", name.unwrap_or("problem"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use http::HeaderMap;
    use http_body_util::BodyExt;

    use super::*;

    fn answered(error: ApiError) -> (StatusCode, HeaderMap, Problem) {
        let (parts, body) = error.into_response().into_parts();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let bytes = runtime.block_on(body.collect()).unwrap().to_bytes();
        (
            parts.status,
            parts.headers,
            serde_json::from_slice(&bytes).unwrap(),
        )
    }

    #[test]
    fn every_kind_is_a_problem_with_a_name_of_its_own() {
        let mut names = BTreeSet::new();
        for kind in Kind::ALL {
            let (status, headers, problem) = answered(ApiError::new(*kind, "why"));
            assert_eq!(headers.get(CONTENT_TYPE).unwrap(), MEDIA_TYPE);
            assert_eq!(problem.status, status.as_u16());
            assert!(status.is_client_error() || status.is_server_error());
            assert!(
                !problem.title.is_empty() && names.insert(problem.kind.clone()),
                "{problem:?}"
            );
        }
    }

    #[test]
    fn g_21_internal_errors_say_only_a_reference() {
        for kind in [ErrorKind::Internal, ErrorKind::DataLoss] {
            let cause = std::io::Error::other("/var/lib/secret: SELECT * FROM tokens");
            let error = Error::new(kind, "row 7 of tokens is broken").caused_by(cause);
            let (status, _, problem) = answered(error.into());
            assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
            assert_eq!(
                problem.detail,
                "The gateway's log says more under this reference."
            );
            assert_eq!(problem.reference.unwrap().len(), 16);
        }
    }

    #[test]
    fn every_error_kind_has_its_status() {
        for (kind, status) in [
            (ErrorKind::AlreadyExists, 409),
            (ErrorKind::DataLoss, 500),
            (ErrorKind::FailedPrecondition, 409),
            (ErrorKind::Internal, 500),
            (ErrorKind::InvalidArgument, 422),
            (ErrorKind::NotFound, 404),
            (ErrorKind::PermissionDenied, 403),
            (ErrorKind::ResourceExhausted, 409),
            (ErrorKind::Unauthenticated, 401),
            (ErrorKind::Unavailable, 503),
        ] {
            let (found, headers, problem) = answered(Error::new(kind, "told").into());
            assert_eq!(found.as_u16(), status, "{kind}");
            assert_eq!(headers.contains_key(WWW_AUTHENTICATE), status == 401);
            let told = problem.detail == "told";
            assert_eq!(told, ![404, 500].contains(&status), "{kind}: {problem:?}");
        }
    }

    #[test]
    fn not_there_and_not_yours_are_the_same() {
        let hidden = answered(Denial::Hidden.into());
        let absent =
            answered(Error::new(ErrorKind::NotFound, "camera 7 is not in the table").into());
        assert_eq!(hidden, absent);
        assert_eq!(hidden, answered(ApiError::not_found()));
    }

    #[test]
    fn waits_are_told_in_seconds() {
        let retry_after = Duration::from_millis(1_500);
        let (status, headers, _) = answered(ClaimError::TooMany { retry_after }.into());
        assert_eq!(
            (status.as_u16(), headers[RETRY_AFTER].as_bytes()),
            (429, b"2".as_slice())
        );
        let (status, headers, _) = answered(ReplayError::Full { retry_after }.into());
        assert_eq!(
            (status.as_u16(), headers[RETRY_AFTER].as_bytes()),
            (503, b"2".as_slice())
        );
    }

    #[test]
    fn camera_problems_keep_their_kind() {
        let kind = CameraProblemKind::UntrustedCertificate;
        let problem = CameraProblem {
            kind,
            message: "pin it".to_owned(),
        };
        let (status, _, problem) = answered(problem.into());
        assert_eq!(status, StatusCode::BAD_GATEWAY);
        assert_eq!(problem.kind, "/problems/camera-untrusted-certificate");
        assert_eq!(problem.detail, "pin it");
    }
}
