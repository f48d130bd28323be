//! Invitations: a member lets a further device of their own in, by a link that the gateway never sees whole.

use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use bartizan_access::decide::Invite;
use bartizan_access::invitation::LIFETIME;
use bartizan_domain::Millis;
use bartizan_protocol::api;
use bartizan_protocol::blob::Blob;

use super::entry::bounded_keystore;
use crate::api::{Api, secret};
use crate::auth::Member;
use crate::backend::Backend;
use crate::extract::Doc;
use crate::origin::{MAX_TOLD, Origins};
use crate::problem::Answer;

/// Opens an invitation for a further device of the caller's: for ten minutes, once; at most four at a time.
#[utoipa::path(post, path = "/api/v1/invitations", tag = "devices", security(("dpop" = [])), request_body = api::InvitationRequest,
    responses((status = 200, body = api::Invitation), (status = 409)))]
pub(super) async fn invite<B: Backend>(
    State(api): State<Api<B>>,
    Member(caller): Member,
    Extension(origins): Extension<Arc<Origins>>,
    Doc(request): Doc<api::InvitationRequest>,
) -> Answer<Json<api::Invitation>> {
    let who = api.permit(caller, Invite)?;
    bounded_keystore(&request.keystore)?;
    let (id, keystore) = (request.id.0, request.keystore.0);
    api.invitations().open(&who, &id, keystore, api.now())?;
    let lifetime = Millis::try_from(LIFETIME.as_millis()).unwrap_or_default();
    let origins = origins.elsewhere().into_iter().take(MAX_TOLD);
    Ok(Json(api::Invitation {
        expires_ms: api.utc().saturating_add(lifetime),
        origins: origins.map(ToString::to_string).collect(),
    }))
}

/// Takes an invitation: what a further device of the inviting member needs.
#[utoipa::path(post, path = "/api/v1/sign-in/invitation", tag = "entry", request_body = api::InvitationProof,
    responses((status = 200, body = api::SignInAnswer), (status = 401), (status = 429)))]
pub(super) async fn redeem<B: Backend>(
    State(api): State<Api<B>>,
    Doc(request): Doc<api::InvitationProof>,
) -> Answer<Json<api::SignInAnswer>> {
    let since = api.sign_in().moment();
    let (roster, now) = (api.roster()?, (api.now(), api.utc()));
    let redeemed = api
        .invitations()
        .redeem(&roster, request.id.as_ref(), now)?;
    let entrant = redeemed.entrant(since);
    let statements = api.backend().log(entrant).await?;
    let device_names = api.backend().device_names(entrant).await?;
    let grant = secret()?;
    api.sign_in().grant(&grant, entrant, api.now())?;
    Ok(Json(api::SignInAnswer {
        statements: statements.into_iter().map(Blob).collect(),
        keystore: Some(Blob(redeemed.keystore)),
        member: redeemed.member,
        grant: Blob(grant.expose().to_vec()),
        device_names,
    }))
}
