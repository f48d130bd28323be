//! Cameras: list, add, change, test, remove.

use axum::Json;
use axum::extract::State;
use bartizan_access::decide::{
    AddCamera, AppendStatement, ListCameras, ManageCamera, ProbeSource, ViewLive,
};
use bartizan_domain::{CameraId, Rendition, StreamId};
use bartizan_identity::Operation;
use bartizan_protocol::api;
use http::StatusCode;
use serde::Deserialize;

use crate::api::Api;
use crate::auth::Member;
use crate::backend::{Backend, NewCamera, ProbeError};
use crate::extract::{Doc, Id, Query, statement, unprocessable};
use crate::problem::{Answer, ApiError};

/// The cameras that the caller may watch.
#[utoipa::path(get, path = "/api/v1/cameras", tag = "cameras", security(("dpop" = [])),
    responses((status = 200, body = Vec<api::Camera>)))]
pub(super) async fn cameras<B: Backend>(
    State(api): State<Api<B>>,
    Member(caller): Member,
) -> Answer<Json<Vec<api::Camera>>> {
    let who = api.permit(caller, ListCameras)?;
    let mut cameras = api.backend().cameras(who).await?;
    let roster = api.roster()?;
    cameras.retain(|camera| api.sees_camera(&roster, &caller, camera.id));
    Ok(Json(cameras))
}

/// Adds a camera. At most 256.
#[utoipa::path(post, path = "/api/v1/cameras", tag = "cameras", security(("dpop" = [])), request_body = api::CameraRequest,
    responses((status = 201, body = api::Camera), (status = 409)))]
pub(super) async fn add_camera<B: Backend>(
    State(api): State<Api<B>>,
    Member(caller): Member,
    Doc(request): Doc<api::CameraRequest>,
) -> Answer<(StatusCode, Json<api::Camera>)> {
    let who = api.permit(caller, AddCamera)?;
    let statement = statement(&request.statement)?;
    api.permit(caller, AppendStatement(statement.author))?;
    let Operation::AddCamera { camera, .. } = statement.operation else {
        return Err(unprocessable("The statement does not add a camera."));
    };
    let camera = NewCamera {
        camera,
        statement,
        name: request.name,
        main: request.main,
        sub: request.sub,
        retention: request.retention,
    };
    let added = api.to_the_end(|backend| async move { backend.add_camera(who, camera).await });
    Ok((StatusCode::CREATED, Json(added.await??)))
}

/// Tries an address without adding a camera. 502 says what the camera did.
#[utoipa::path(post, path = "/api/v1/cameras/test", tag = "cameras", security(("dpop" = [])), request_body = api::ProbeRequest,
    responses((status = 200, body = api::ProbeReport), (status = 502)))]
pub(super) async fn probe<B: Backend>(
    State(api): State<Api<B>>,
    Member(caller): Member,
    Doc(request): Doc<api::ProbeRequest>,
) -> Answer<Json<api::ProbeReport>> {
    let who = api.permit(caller, ProbeSource)?;
    let report = api.backend().probe(who, request.source).await;
    Ok(Json(report.map_err(probe_failed)?))
}

fn probe_failed(error: ProbeError) -> ApiError {
    match error {
        ProbeError::Camera(problem) => problem.into(),
        ProbeError::Gateway(error) => error.into(),
    }
}

/// One camera.
#[utoipa::path(get, path = "/api/v1/cameras/{id}", tag = "cameras", security(("dpop" = [])),
    params(("id" = String, Path, description = "Camera id")),
    responses((status = 200, body = api::Camera)))]
pub(super) async fn camera<B: Backend>(
    State(api): State<Api<B>>,
    Member(caller): Member,
    Id(camera): Id<CameraId>,
) -> Answer<Json<api::Camera>> {
    // Whoever may watch a camera may know of it, and nobody else.
    let rendition = Rendition::Main;
    api.permit(caller, ViewLive(StreamId { camera, rendition }))?;
    let who = api.permit(caller, ListCameras)?;
    Ok(Json(api.backend().camera(who, camera).await?))
}

/// Changes what is present in the document.
#[utoipa::path(patch, path = "/api/v1/cameras/{id}", tag = "cameras", security(("dpop" = [])), request_body = api::CameraPatch,
    params(("id" = String, Path, description = "Camera id")),
    responses((status = 200, body = api::Camera)))]
pub(super) async fn patch_camera<B: Backend>(
    State(api): State<Api<B>>,
    Member(caller): Member,
    Id(camera): Id<CameraId>,
    Doc(patch): Doc<api::CameraPatch>,
) -> Answer<Json<api::Camera>> {
    let who = api.permit(caller, ManageCamera(camera))?;
    let patched = api.to_the_end(|backend| async move { backend.patch_camera(who, patch).await });
    Ok(Json(patched.await??))
}

/// Removes a camera; the statement removes exactly this one.
#[utoipa::path(delete, path = "/api/v1/cameras/{id}", tag = "cameras", security(("dpop" = [])), request_body = api::StatementRequest,
    params(("id" = String, Path, description = "Camera id")),
    responses((status = 204), (status = 409)))]
pub(super) async fn remove_camera<B: Backend>(
    State(api): State<Api<B>>,
    Member(caller): Member,
    Id(camera): Id<CameraId>,
    Doc(request): Doc<api::StatementRequest>,
) -> Answer<StatusCode> {
    let who = api.permit(caller, ManageCamera(camera))?;
    let statement = statement(&request.statement)?;
    api.permit(caller, AppendStatement(statement.author))?;
    if statement.operation != (Operation::RemoveCamera { camera }) {
        return Err(unprocessable("The statement does not remove this camera."));
    }
    let removed =
        api.to_the_end(|backend| async move { backend.remove_camera(who, statement).await });
    removed.await??;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct RenditionParam {
    /// `main` or `sub`.
    #[serde(default = "main")]
    #[param(value_type = Option<String>)]
    rendition: Rendition,
}

const fn main() -> Rendition {
    Rendition::Main
}

/// Tries the stored address of a camera. 502 says what the camera did.
#[utoipa::path(post, path = "/api/v1/cameras/{id}/test", tag = "cameras", security(("dpop" = [])),
    params(("id" = String, Path, description = "Camera id"), RenditionParam),
    responses((status = 200, body = api::ProbeReport), (status = 502)))]
pub(super) async fn probe_camera<B: Backend>(
    State(api): State<Api<B>>,
    Member(caller): Member,
    Id(camera): Id<CameraId>,
    Query(query): Query<RenditionParam>,
) -> Answer<Json<api::ProbeReport>> {
    let who = api.permit(caller, ManageCamera(camera))?;
    let report = api.backend().probe_camera(who, query.rendition).await;
    Ok(Json(report.map_err(probe_failed)?))
}
