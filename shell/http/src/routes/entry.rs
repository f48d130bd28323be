//! The doors for devices without a token: the claim of a new gateway, the recovery words, and the last step of
//! every sign-in. (Passkeys and invitations have rooms of their own.)
//!
//! All end with a token bound to the key that the request's DPoP proof proved, and with a statement that
//! names exactly that key. Wrong tries are counted in `bartizan_access`.

use axum::Json;
use axum::extract::State;
use bartizan_domain::Fingerprint;
use bartizan_domain::text::Name;
use bartizan_identity::Operation;
use bartizan_identity::roster::Genesis;
use bartizan_protocol::api::{self, MAX_KEYSTORE, SIGN_IN_CONTEXT};
use bartizan_protocol::blob::Blob;

use crate::api::{Api, secret};
use crate::auth::Prover;
use crate::backend::{Backend, Claim, NewDevice};
use crate::extract::{Doc, statement, unprocessable};
use crate::problem::{Answer, ApiError};

/// Asks who is to be claimed.
#[utoipa::path(post, path = "/api/v1/claim/offer", tag = "entry", request_body = api::ClaimOfferRequest,
    responses((status = 200, body = api::ClaimOffer), (status = 401), (status = 403), (status = 429)))]
pub(super) async fn claim_offer<B: Backend>(
    State(api): State<Api<B>>,
    Doc(request): Doc<api::ClaimOfferRequest>,
) -> Answer<Json<api::ClaimOffer>> {
    let mut window = api.claim().lock().await;
    let window = window.as_mut().ok_or_else(ApiError::not_found)?;
    let presence = window.admit(&request.token.0, api.now())?;
    Ok(Json(api.backend().claim_offer(&presence).await?))
}

/// Claims the gateway. The DPoP proof is of the claiming device's key and has no token.
#[utoipa::path(post, path = "/api/v1/claim", tag = "entry", request_body = api::ClaimRequest,
    params(("DPoP" = String, Header, description = "RFC 9449 proof without `ath`")),
    responses((status = 200, body = api::Session), (status = 401), (status = 403), (status = 409), (status = 429)))]
pub(super) async fn claim<B: Backend>(
    State(api): State<Api<B>>,
    Prover(proof): Prover,
    Doc(request): Doc<api::ClaimRequest>,
) -> Answer<Json<api::Session>> {
    let this = api.clone();
    let session = api.to_the_end(|backend| async move {
        let mut window = this.claim().lock().await;
        let window = window.as_mut().ok_or_else(ApiError::not_found)?;
        let presence = window.admit(&request.token.0, this.now())?;
        let claim = parsed_claim(request, proof.thumbprint())?;
        this.take(&proof)?;
        let session = backend.claim(&presence, claim).await?;
        window.close(presence);
        Ok::<_, ApiError>(session)
    });
    Ok(Json(session.await??))
}

fn parsed_claim(request: api::ClaimRequest, proved: Fingerprint) -> Answer<Claim> {
    bounded_keystore(&request.recovery_keystore)?;
    let genesis = statement(&request.genesis)?;
    let Operation::Genesis(content) = &genesis.operation else {
        return Err(unprocessable("A claim comes with a genesis statement."));
    };
    let Genesis { owner, device, .. } = **content;
    let (device, thumbprint) = device;
    if thumbprint != proved {
        return Err(unprocessable(
            "The genesis names another device key than the one that proved itself.",
        ));
    }
    Ok(Claim {
        device,
        thumbprint,
        owner,
        genesis,
        recovery_keystore: request.recovery_keystore.0,
        name: request.name,
        device_name: request.device_name,
    })
}

pub(super) fn bounded_keystore(keystore: &Blob) -> Answer<()> {
    if keystore.0.len() > MAX_KEYSTORE {
        let detail = format!("A locked key store has at most {MAX_KEYSTORE} bytes.");
        return Err(unprocessable(detail));
    }
    Ok(())
}

/// Gives a text to sign.
#[utoipa::path(post, path = "/api/v1/sign-in/challenge", tag = "entry",
    responses((status = 200, body = api::Challenge)))]
pub(super) async fn challenge<B: Backend>(
    State(api): State<Api<B>>,
) -> Answer<Json<api::Challenge>> {
    let random = bartizan_base::random::bytes()?;
    let challenge = api.sign_in().challenge(random, api.now());
    Ok(Json(api::Challenge {
        challenge: Blob(challenge),
    }))
}

/// Proves possession of the recovery words, and opens what a new device needs.
#[utoipa::path(post, path = "/api/v1/sign-in/recovery", tag = "entry", request_body = api::RecoveryRequest,
    responses((status = 200, body = api::RecoveryAnswer), (status = 401), (status = 429)))]
pub(super) async fn recover<B: Backend>(
    State(api): State<Api<B>>,
    Doc(request): Doc<api::RecoveryRequest>,
) -> Answer<Json<api::RecoveryAnswer>> {
    let (roster, now) = (api.roster()?, api.now());
    let proof = (request.challenge.as_ref(), request.signature.as_ref());
    let recovered = api
        .sign_in()
        .recover(&roster, SIGN_IN_CONTEXT, proof, now)?;
    let material = api.backend().recovery_material(&recovered).await?;
    let device_names = api.backend().device_names(recovered.entrant()).await?;
    let grant = secret()?;
    api.sign_in().grant(&grant, recovered.entrant(), now)?;
    Ok(Json(api::RecoveryAnswer {
        statements: material.statements.into_iter().map(Blob).collect(),
        recovery_keystore: Blob(material.recovery_keystore),
        grant: Blob(grant.expose().to_vec()),
        device_names,
    }))
}

/// Adds the device that the recovery words, a passkey or an invitation let in. The DPoP proof is of its key and
/// has no token; the statement's member is the one that the grant was given for.
#[utoipa::path(post, path = "/api/v1/sign-in/device", tag = "entry", request_body = api::DeviceRequest,
    params(("DPoP" = String, Header, description = "RFC 9449 proof without `ath`")),
    responses((status = 200, body = api::Session), (status = 401), (status = 409)))]
pub(super) async fn add_device<B: Backend>(
    State(api): State<Api<B>>,
    Prover(proof): Prover,
    Doc(request): Doc<api::DeviceRequest>,
) -> Answer<Json<api::Session>> {
    let device = parsed_device(&request.statement, proof.thumbprint(), request.device_name)?;
    let this = api.clone();
    let added = api.to_the_end(|backend| async move {
        let _joining = this.joining().lock().await;
        let (roster, grant) = (this.roster()?, (request.grant.as_ref(), device.member));
        let now = (this.now(), this.utc());
        let entrant = this.sign_in().spend(&roster, grant, now)?;
        this.take(&proof)?;
        Ok::<_, ApiError>(backend.add_device(entrant, device).await?)
    });
    Ok(Json(added.await??))
}

fn parsed_device(bytes: &Blob, proved: Fingerprint, name: Name) -> Answer<NewDevice> {
    let statement = statement(bytes)?;
    let Operation::AddDevice {
        member,
        device,
        thumbprint,
    } = statement.operation
    else {
        return Err(unprocessable(
            "A sign-in comes with a statement that adds a device.",
        ));
    };
    if thumbprint != proved {
        let detail = "The statement names another device key than the one that proved itself.";
        return Err(unprocessable(detail));
    }
    Ok(NewDevice {
        statement,
        member,
        device,
        thumbprint,
        name,
    })
}
