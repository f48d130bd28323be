//! Every route of the API, in the order of its description, and what stands in front of all of them.
//!
//! Routes stand in one list, from which both the router and the OpenAPI document are made. In front, outermost
//! first: headers of the answer, the time limit, the origin, and whether the gateway is claimed.

mod cameras;
mod entry;
mod invitations;
mod live;
mod passkeys;
mod recordings;
mod site;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::handler::Handler;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::on;
use bartizan_domain::sabotage;
use http::{HeaderName, HeaderValue, header};
use utoipa::openapi::path::Paths;
use utoipa_axum::PathItemExt;

use crate::api::Api;
use crate::backend::Backend;
use crate::origin::Origins;
use crate::problem::{ApiError, Kind};

/// What all paths begin with.
pub const PREFIX: &str = "/api/v1";

/// How long a request may take to its answer's head. Streams run on after it.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// Answers without a claim, and only then.
const BEFORE_CLAIM: [&str; 2] = ["/api/v1/claim", "/api/v1/claim/offer"];

/// Answers always.
const HEALTH: &str = "/api/v1/health";

/// RFC 9449 §8.
const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// No answer of the API is a page.
const CSP: &str = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// Writes the one list of routes down twice: as a router, and as the operations and schemas of the
/// OpenAPI document. A route that is not described can't exist.
macro_rules! routes {
    ($($module:ident::$handler:ident $path:ident,)*) => {
        fn routed<B: Backend>() -> Router<Api<B>> {
            let mut router = Router::new();
            $(router = add::<$module::$path, B, _, _>(router, &$module::$handler::<B>);)*
            router
        }

        /// The operations of all routes, and the schemas that they speak of.
        pub(crate) fn described() -> (Paths, Vec<Schema>) {
            let (mut paths, mut schemas) = (Paths::new(), Vec::new());
            $(
                describe::<$module::$path>(&mut paths);
                <$module::$path as utoipa::__dev::SchemaReferences>::schemas(&mut schemas);
            )*
            (paths, schemas)
        }
    };
}

routes! {
    health_route::health __path_health,
    entry::claim_offer __path_claim_offer,
    entry::claim __path_claim,
    entry::challenge __path_challenge,
    entry::recover __path_recover,
    entry::add_device __path_add_device,
    passkeys::options __path_options,
    passkeys::add __path_add,
    passkeys::list __path_list,
    passkeys::put_keystore __path_put_keystore,
    passkeys::rename __path_rename,
    passkeys::remove __path_remove,
    passkeys::sign_in_options __path_sign_in_options,
    passkeys::sign_in __path_sign_in,
    passkeys::put_unlock_share __path_put_unlock_share,
    passkeys::unlock_share __path_unlock_share,
    invitations::invite __path_invite,
    invitations::redeem __path_redeem,
    site::site __path_site,
    site::statements __path_statements,
    site::append __path_append,
    site::keystore __path_keystore,
    site::put_keystore __path_put_keystore,
    site::devices __path_devices,
    site::remove_device __path_remove_device,
    site::renew_token __path_renew_token,
    site::storage __path_storage,
    site::counters __path_counters,
    cameras::cameras __path_cameras,
    cameras::add_camera __path_add_camera,
    cameras::probe __path_probe,
    cameras::camera __path_camera,
    cameras::patch_camera __path_patch_camera,
    cameras::remove_camera __path_remove_camera,
    cameras::probe_camera __path_probe_camera,
    live::ticket __path_ticket,
    live::watch __path_watch,
    recordings::recordings __path_recordings,
    recordings::segments __path_segments,
    recordings::data __path_data,
    recordings::envelope __path_envelope,
}

type Schema = (
    String,
    utoipa::openapi::RefOr<utoipa::openapi::schema::Schema>,
);

fn describe<P: utoipa::Path>(paths: &mut Paths) {
    paths.add_path_operation(P::path(), P::methods(), P::operation());
}

fn add<P, B, H, T>(router: Router<Api<B>>, handler: &H) -> Router<Api<B>>
where
    P: utoipa::Path,
    B: Backend,
    H: Handler<T, Api<B>>,
    T: 'static,
{
    let methods = P::methods();
    let filters = methods.iter().map(PathItemExt::to_method_filter);
    filters.fold(router, |router, filter| {
        router.route(&P::path(), on(filter, handler.clone()))
    })
}

/// The whole API of one backend. It wants each request to carry the [`Origins`] of its listener.
pub(crate) fn router<B: Backend>(api: &Api<B>) -> Router {
    routed::<B>()
        .fallback(absent)
        .method_not_allowed_fallback(other_method)
        .layer(from_fn_with_state(api.clone(), claimed))
        .layer(axum::middleware::from_fn(admitted))
        .layer(axum::middleware::from_fn(in_time))
        .layer(from_fn_with_state(api.clone(), headers))
        .with_state(api.clone())
}

async fn absent() -> ApiError {
    ApiError::not_found()
}

async fn other_method() -> ApiError {
    let detail = "This address knows other methods; see the Allow header.";
    ApiError::new(Kind::MethodNotAllowed, detail)
}

/// Before the claim only the claim answers, after it anything else. What does not answer is not there.
async fn claimed<B: Backend>(State(api): State<Api<B>>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let for_claim = BEFORE_CLAIM.contains(&path);
    let answers = path == HEALTH || for_claim == api.backend().roster().is_none();
    if !answers && !sabotage::off("C-10") {
        return ApiError::not_found().into_response();
    }
    next.run(request).await
}

/// Refuses other hosts and other sites' pages (`crate::origin`).
async fn admitted(request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let admitted = match parts.extensions.get::<Arc<Origins>>() {
        Some(origins) => origins.admit(&parts),
        None => Err(ApiError::internal("a request without a listener")),
    };
    match admitted {
        Ok(origin) => {
            parts.extensions.insert(origin);
            next.run(Request::from_parts(parts, body)).await
        }
        Err(error) => error.into_response(),
    }
}

async fn in_time(request: Request, next: Next) -> Response {
    let answer = tokio::time::timeout(REQUEST_TIMEOUT, next.run(request)).await;
    answer.unwrap_or_else(|_elapsed| {
        let detail = "The gateway could not answer in time: try again.";
        ApiError::new(Kind::Unavailable, detail).into_response()
    })
}

/// What every answer carries: nothing of it is kept, guessed or framed, and the next proof's nonce.
async fn headers<B: Backend>(State(api): State<Api<B>>, request: Request, next: Next) -> Response {
    let origins = request.extensions().get::<Arc<Origins>>();
    let strict = origins.and_then(|origins| origins.strict_transport());
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, CSP),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if let Some(strict) = strict {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, strict);
    }
    let nonce = HeaderValue::try_from(api.nonces().current(api.now()));
    if let Ok(nonce) = nonce {
        headers.insert(DPOP_NONCE, nonce);
    }
    response
}

mod health_route {
    //! Whether the gateway is there, for service managers: nothing else about it.

    use axum::Json;
    use axum::extract::State;

    use crate::api::Api;
    use crate::backend::Backend;

    /// Whether the gateway answers.
    #[derive(Debug, serde::Serialize, utoipa::ToSchema)]
    pub(super) struct Health {
        /// Always `ok`.
        status: &'static str,
    }

    /// Says that the gateway answers, and nothing about it.
    #[utoipa::path(get, path = "/api/v1/health", tag = "site", responses((status = 200, body = Health)))]
    pub(super) async fn health<B: Backend>(_api: State<Api<B>>) -> Json<Health> {
        Json(Health { status: "ok" })
    }
}
