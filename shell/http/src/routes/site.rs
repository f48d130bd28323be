//! The site, its roster, the caller's key store, devices, storage and counters.

use axum::Json;
use axum::extract::State;
use bartizan_access::decide::{
    AppendStatement, ListDevices, OwnKeystore, ReadCounters, ReadRoster, ReadSite, ReadStorage,
    RemoveDevice, RenewToken, sees_device,
};
use bartizan_domain::{DeviceId, MemberId, sabotage};
use bartizan_identity::{Operation, Roster};
use bartizan_protocol::api;
use bartizan_protocol::blob::Blob;
use http::StatusCode;
use serde::Deserialize;

use super::entry::bounded_keystore;
use crate::api::Api;
use crate::auth::Member;
use crate::backend::Backend;
use crate::extract::{Doc, Id, Query, statement, unprocessable};
use crate::problem::{Answer, ApiError};

/// The site as its members see it.
#[utoipa::path(get, path = "/api/v1/site", tag = "site", security(("dpop" = [])),
    responses((status = 200, body = api::Site)))]
pub(super) async fn site<B: Backend>(
    State(api): State<Api<B>>,
    Member(caller): Member,
) -> Answer<Json<api::Site>> {
    let who = api.permit(caller, ReadSite)?;
    Ok(Json(api.backend().site(who).await?))
}

/// Makes the caller's token good for another 90 days from now.
#[utoipa::path(post, path = "/api/v1/token", tag = "devices", security(("dpop" = [])),
    responses((status = 200, body = api::Renewed)))]
pub(super) async fn renew_token<B: Backend>(
    State(api): State<Api<B>>,
    Member(caller): Member,
) -> Answer<Json<api::Renewed>> {
    let who = api.permit(caller, RenewToken)?;
    let renewed = api.to_the_end(|backend| async move { backend.renew_token(who).await });
    let expires_ms = renewed.await??;
    Ok(Json(api::Renewed { expires_ms }))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct FromParam {
    /// Sequence number of the first statement.
    #[serde(default)]
    from: u64,
}

/// Statements of the roster, from a sequence number on. Ask again from where the answer ends.
#[utoipa::path(get, path = "/api/v1/roster", tag = "roster", security(("dpop" = [])), params(FromParam),
    responses((status = 200, body = api::Statements)))]
pub(super) async fn statements<B: Backend>(
    State(api): State<Api<B>>,
    Member(caller): Member,
    Query(query): Query<FromParam>,
) -> Answer<Json<api::Statements>> {
    let who = api.permit(caller, ReadRoster)?;
    Ok(Json(api.backend().statements(who, query.from).await?))
}

/// Adds a statement that the caller's own identity signed. 409 when it does not follow the head.
#[utoipa::path(post, path = "/api/v1/roster", tag = "roster", security(("dpop" = [])), request_body = api::StatementRequest,
    responses((status = 204), (status = 409)))]
pub(super) async fn append<B: Backend>(
    State(api): State<Api<B>>,
    Member(caller): Member,
    Doc(request): Doc<api::StatementRequest>,
) -> Answer<StatusCode> {
    let statement = statement(&request.statement)?;
    let who = api.permit(caller, AppendStatement(statement.author))?;
    let (this, leaving) = (api.clone(), Leaving::by(&api, &statement.operation)?);
    let appended = api.to_the_end(|backend| async move {
        let appended = backend.append(who, statement).await;
        withdraw(&this, leaving).await;
        appended
    });
    appended.await??;
    Ok(StatusCode::NO_CONTENT)
}

/// Who is to lose a device, or their place.
#[derive(Debug, Clone, Copy)]
struct Leaving {
    member: MemberId,
    device: Option<DeviceId>,
}

impl Leaving {
    /// By a statement; nobody whom the roster does not know.
    fn by<B: Backend>(api: &Api<B>, operation: &Operation) -> Answer<Option<Self>> {
        let roster = api.roster()?;
        let (member, device) = match operation {
            Operation::RemoveMember { member } => (Some(*member), None),
            Operation::RemoveDevice { device } => {
                let entry = roster.device(*device);
                (entry.map(|entry| entry.member), Some(*device))
            }
            _ => (None, None),
        };
        let member = member.filter(|member| roster.member(*member).is_some());
        Ok(member.map(|member| Self { member, device }))
    }

    /// Whether it came so: a statement may have been refused.
    fn left(&self, roster: &Roster) -> bool {
        let device = |device| roster.device(device).is_none();
        self.device
            .map_or_else(|| roster.member(self.member).is_none(), device)
    }
}

/// Takes back what somebody opened a moment ago, perhaps with the very device that was removed, for one that has not
/// joined yet.
async fn withdraw<B: Backend>(api: &Api<B>, leaving: Option<Leaving>) {
    let Some((leaving, roster)) = leaving.zip(api.backend().roster()) else {
        return;
    };
    if leaving.left(&roster) && !sabotage::off("R-8") {
        api.withdraw(leaving.member).await;
    }
}

/// The caller's own key store, locked.
#[utoipa::path(get, path = "/api/v1/keystore", tag = "roster", security(("dpop" = [])),
    responses((status = 200, body = api::LockedKeystore)))]
pub(super) async fn keystore<B: Backend>(
    State(api): State<Api<B>>,
    Member(caller): Member,
) -> Answer<Json<api::LockedKeystore>> {
    let who = api.permit(caller, OwnKeystore)?;
    let locked = api.backend().keystore(who).await?;
    let keystore = Blob(locked.ok_or_else(ApiError::not_found)?);
    Ok(Json(api::LockedKeystore { keystore }))
}

/// Replaces the caller's own key store.
#[utoipa::path(put, path = "/api/v1/keystore", tag = "roster", security(("dpop" = [])), request_body = api::LockedKeystore,
    responses((status = 204)))]
pub(super) async fn put_keystore<B: Backend>(
    State(api): State<Api<B>>,
    Member(caller): Member,
    Doc(request): Doc<api::LockedKeystore>,
) -> Answer<StatusCode> {
    let who = api.permit(caller, OwnKeystore)?;
    bounded_keystore(&request.keystore)?;
    let locked = request.keystore.0;
    let put = api.to_the_end(|backend| async move { backend.put_keystore(who, locked).await });
    put.await??;
    Ok(StatusCode::NO_CONTENT)
}

/// The devices that the caller may know of: their own; for owners and admins all.
#[utoipa::path(get, path = "/api/v1/devices", tag = "devices", security(("dpop" = [])),
    responses((status = 200, body = api::Devices)))]
pub(super) async fn devices<B: Backend>(
    State(api): State<Api<B>>,
    Member(caller): Member,
) -> Answer<Json<api::Devices>> {
    let who = api.permit(caller, ListDevices)?;
    let mut found = api.backend().devices(who).await?;
    let (roster, now) = (api.roster()?, api.utc());
    found
        .devices
        .retain(|device| sees_device(&roster, &caller, device.member, now));
    for device in &mut found.devices {
        device.this = device.id == caller.device();
    }
    Ok(Json(found))
}

/// Removes a device; the statement removes exactly this one. Its token is worth nothing at once.
#[utoipa::path(delete, path = "/api/v1/devices/{id}", tag = "devices", security(("dpop" = [])), request_body = api::StatementRequest,
    params(("id" = String, Path, description = "Device id")),
    responses((status = 204), (status = 409)))]
pub(super) async fn remove_device<B: Backend>(
    State(api): State<Api<B>>,
    Member(caller): Member,
    Id(device): Id<DeviceId>,
    Doc(request): Doc<api::StatementRequest>,
) -> Answer<StatusCode> {
    let who = api.permit(caller, RemoveDevice(device))?;
    let statement = statement(&request.statement)?;
    api.permit(caller, AppendStatement(statement.author))?;
    if statement.operation != (Operation::RemoveDevice { device }) {
        return Err(unprocessable("The statement does not remove this device."));
    }
    let (this, leaving) = (api.clone(), Leaving::by(&api, &statement.operation)?);
    let removed = api.to_the_end(|backend| async move {
        let removed = backend.remove_device(who, statement).await;
        withdraw(&this, leaving).await;
        removed
    });
    removed.await??;
    Ok(StatusCode::NO_CONTENT)
}

/// What the disk holds.
#[utoipa::path(get, path = "/api/v1/storage", tag = "site", security(("dpop" = [])),
    responses((status = 200, body = api::Storage)))]
pub(super) async fn storage<B: Backend>(
    State(api): State<Api<B>>,
    Member(caller): Member,
) -> Answer<Json<api::Storage>> {
    let who = api.permit(caller, ReadStorage)?;
    Ok(Json(api.backend().storage(who).await?))
}

/// Counters since the gateway started.
#[utoipa::path(get, path = "/api/v1/counters", tag = "site", security(("dpop" = [])),
    responses((status = 200, body = api::Counters)))]
pub(super) async fn counters<B: Backend>(
    State(api): State<Api<B>>,
    Member(caller): Member,
) -> Answer<Json<api::Counters>> {
    let who = api.permit(caller, ReadCounters)?;
    Ok(Json(api.backend().counters(who).await?))
}
