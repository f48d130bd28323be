//! Passkeys: adding, listing and removing one's own; signing in with one; and unlocking a browser with one.
//!
//! A passkey is tied to the name that the gateway was called by. An answer of a passkey is judged in
//! `bartizan_access`, written down, and only then opens anything. It adds no device by itself: that takes a
//! statement of the member's own identity.

use std::sync::Arc;

use axum::Json;
use axum::extract::{FromRequestParts, State};
use bartizan_access::decide::{OwnPasskeys, OwnUnlockShare};
use bartizan_access::passkey::{
    self, Answer as PasskeyAnswer, Asserted, MAX_CREDENTIAL_ID, MAX_PASSKEYS, NeedsName, Purpose,
    RelyingParty, options,
};
use bartizan_base::random;
use bartizan_domain::{Fingerprint, Hash, Secret};
use bartizan_protocol::api;
use bartizan_protocol::blob::Blob;
use data_encoding::BASE64URL_NOPAD;
use http::StatusCode;
use http::request::Parts;

use super::entry::bounded_keystore;
use crate::api::{Api, secret};
use crate::auth::{Member, Prover};
use crate::backend::Backend;
use crate::extract::{Doc, Id, unprocessable};
use crate::origin::{Admitted, MAX_TOLD, Origins};
use crate::problem::{Answer, ApiError, Kind, not_added};

/// What authenticators show for a member whose name the gateway does not know.
const NAMELESS: &str = "Bartizan";

/// The name that the gateway was called by. 409 under an address.
#[derive(Debug, Clone)]
pub(super) struct Party(RelyingParty);

impl<S: Send + Sync> FromRequestParts<S> for Party {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Answer<Self> {
        let admitted = parts.extensions.get::<Admitted>();
        let origin = admitted.ok_or_else(|| ApiError::internal("a request without an origin"))?;
        let party = RelyingParty::of_origin(&origin.0);
        let origins = parts.extensions.get::<Arc<Origins>>();
        party
            .map(Self)
            .map_err(|needs| by_name(needs, origins.map(Arc::as_ref)))
    }
}

/// Leads to the names that the gateway has: `localhost` only who asks on the machine itself.
fn by_name(needs: NeedsName, origins: Option<&Origins>) -> ApiError {
    let elsewhere = origins.map(Origins::elsewhere).unwrap_or_default();
    let mut named: Vec<_> = elsewhere
        .into_iter()
        .map(ToString::to_string)
        .filter(|origin| RelyingParty::of_origin(origin).is_ok())
        .take(MAX_TOLD)
        .collect();
    if named.is_empty() {
        named.extend(needs.instead);
    }
    let instead = named.first().cloned();
    ApiError::from(NeedsName { instead }).with_origins(named)
}

/// A credential id in a path, as it is looked up.
#[derive(Debug, Clone, Copy)]
pub(super) struct Credential(Hash);

impl std::str::FromStr for Credential {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let id = BASE64URL_NOPAD.decode(text.as_bytes());
        let id = id.map_err(|_opaque| ())?;
        let bounded = (1..=MAX_CREDENTIAL_ID).contains(&id.len());
        bounded.then(|| Self(passkey::lookup(&id))).ok_or(())
    }
}

/// Begins to add a passkey of the caller's, tied to the name that the gateway is called by.
#[utoipa::path(post, path = "/api/v1/passkeys/options", tag = "passkeys", security(("dpop" = [])),
    responses((status = 200, body = api::Ceremony), (status = 409)))]
pub(super) async fn options<B: Backend>(
    State(api): State<Api<B>>,
    Member(caller): Member,
    Party(party): Party,
) -> Answer<Json<api::Ceremony>> {
    let who = api.permit(caller, OwnPasskeys)?;
    let own = api.backend().passkeys(who).await?;
    // Told before the authenticator makes one that would open nothing; the store says so again.
    if own.passkeys.len() >= MAX_PASSKEYS {
        let detail =
            format!("You have {MAX_PASSKEYS} passkeys, the most there can be: remove one.");
        return Err(ApiError::new(Kind::LimitReached, detail));
    }
    let here = own.passkeys.iter().filter(|key| key.rp_id == party.id());
    let here: Vec<&[u8]> = here.map(|key| key.id.as_slice()).collect();
    let member = caller.member();
    let name = own.name.as_ref().map_or(NAMELESS, |name| name.as_str());
    let purpose = Purpose::Register(member);
    let ceremony = api
        .passkeys()
        .begin(&party, purpose, random::bytes()?, api.now());
    Ok(Json(api::Ceremony {
        options: options::creation(&party, (member, name), &here, &ceremony),
        ceremony: Blob(ceremony),
    }))
}

/// Adds a passkey of the caller's: at most 16.
#[utoipa::path(post, path = "/api/v1/passkeys", tag = "passkeys", security(("dpop" = [])), request_body = api::PasskeyRequest,
    responses((status = 201, body = api::Passkey), (status = 409), (status = 503)))]
pub(super) async fn add<B: Backend>(
    State(api): State<Api<B>>,
    Member(caller): Member,
    Party(party): Party,
    Doc(request): Doc<api::PasskeyRequest>,
) -> Answer<(StatusCode, Json<api::Passkey>)> {
    let who = api.permit(caller, OwnPasskeys)?;
    request.keystore.as_ref().map_or(Ok(()), bounded_keystore)?;
    let made = (request.ceremony.as_ref(), &request.credential);
    let registered = api
        .passkeys()
        .register((&party, caller.member()), made, api.now())
        .map_err(not_added)?;
    let keystore = request.keystore.map(|blob| blob.0);
    let added = registered.named(request.name, api.utc(), keystore.is_some());
    let shown = document(&added);
    let kept =
        api.to_the_end(|backend| async move { backend.add_passkey(who, added, keystore).await });
    kept.await??;
    Ok((StatusCode::CREATED, Json(shown)))
}

/// The caller's own passkeys.
#[utoipa::path(get, path = "/api/v1/passkeys", tag = "passkeys", security(("dpop" = [])),
    responses((status = 200, body = api::Passkeys)))]
pub(super) async fn list<B: Backend>(
    State(api): State<Api<B>>,
    Member(caller): Member,
) -> Answer<Json<api::Passkeys>> {
    let who = api.permit(caller, OwnPasskeys)?;
    let own = api.backend().passkeys(who).await?;
    Ok(Json(api::Passkeys {
        passkeys: own.passkeys.iter().map(document).collect(),
    }))
}

fn document(passkey: &passkey::Passkey) -> api::Passkey {
    api::Passkey {
        id: Blob(passkey.id.clone()),
        name: passkey.name.clone(),
        rp_id: passkey.rp_id.clone(),
        added_ms: passkey.added,
        last_used_ms: passkey.last_used,
        opens: passkey.opens,
    }
}

/// Leaves a key store with a passkey of the caller's, locked with its PRF.
#[utoipa::path(put, path = "/api/v1/passkeys/{id}/keystore", tag = "passkeys", security(("dpop" = [])), request_body = api::LockedKeystore,
    params(("id" = String, Path, description = "Credential id, base64url")),
    responses((status = 204)))]
pub(super) async fn put_keystore<B: Backend>(
    State(api): State<Api<B>>,
    Member(caller): Member,
    Id(Credential(lookup)): Id<Credential>,
    Doc(request): Doc<api::LockedKeystore>,
) -> Answer<StatusCode> {
    let who = api.permit(caller, OwnPasskeys)?;
    bounded_keystore(&request.keystore)?;
    let locked = request.keystore.0;
    let put =
        api.to_the_end(
            |backend| async move { backend.put_passkey_keystore(who, lookup, locked).await },
        );
    put.await??;
    Ok(StatusCode::NO_CONTENT)
}

/// Calls a passkey of the caller's otherwise.
#[utoipa::path(patch, path = "/api/v1/passkeys/{id}", tag = "passkeys", security(("dpop" = [])), request_body = api::PasskeyPatch,
    params(("id" = String, Path, description = "Credential id, base64url")),
    responses((status = 204)))]
pub(super) async fn rename<B: Backend>(
    State(api): State<Api<B>>,
    Member(caller): Member,
    Id(Credential(lookup)): Id<Credential>,
    Doc(request): Doc<api::PasskeyPatch>,
) -> Answer<StatusCode> {
    let who = api.permit(caller, OwnPasskeys)?;
    let renamed =
        api.to_the_end(
            |backend| async move { backend.rename_passkey(who, lookup, request.name).await },
        );
    renamed.await??;
    Ok(StatusCode::NO_CONTENT)
}

/// Removes a passkey of the caller's. It opens nothing any more, at once.
#[utoipa::path(delete, path = "/api/v1/passkeys/{id}", tag = "passkeys", security(("dpop" = [])),
    params(("id" = String, Path, description = "Credential id, base64url")),
    responses((status = 204)))]
pub(super) async fn remove<B: Backend>(
    State(api): State<Api<B>>,
    Member(caller): Member,
    Id(Credential(lookup)): Id<Credential>,
) -> Answer<StatusCode> {
    let who = api.permit(caller, OwnPasskeys)?;
    let this = api.clone();
    let removed = api.to_the_end(|backend| async move {
        let removed = backend.remove_passkey(who, lookup).await;
        // What it opened a moment ago, for a device that has not joined yet.
        this.withdraw(caller.member()).await;
        removed
    });
    removed.await??;
    Ok(StatusCode::NO_CONTENT)
}

/// Begins a sign-in or an unlock with any passkey of the name that the gateway is called by.
#[utoipa::path(post, path = "/api/v1/sign-in/passkey/options", tag = "entry",
    responses((status = 200, body = api::Ceremony), (status = 409)))]
pub(super) async fn sign_in_options<B: Backend>(
    State(api): State<Api<B>>,
    Party(party): Party,
) -> Answer<Json<api::Ceremony>> {
    let ceremony = api
        .passkeys()
        .begin(&party, Purpose::Assert, random::bytes()?, api.now());
    Ok(Json(api::Ceremony {
        options: options::request(&party, &ceremony),
        ceremony: Blob(ceremony),
    }))
}

/// Signs in with a passkey, and opens what a new device of its member needs.
#[utoipa::path(post, path = "/api/v1/sign-in/passkey", tag = "entry", request_body = api::PasskeyProof,
    responses((status = 200, body = api::SignInAnswer), (status = 401), (status = 409), (status = 429)))]
pub(super) async fn sign_in<B: Backend>(
    State(api): State<Api<B>>,
    Party(party): Party,
    Doc(request): Doc<api::PasskeyProof>,
) -> Answer<Json<api::SignInAnswer>> {
    let since = api.sign_in().moment();
    let used = shown(&api, &party, &request).await?;
    current(&api, &used)?;
    let used = noted(&api, used).await?;
    let entrant = used.entrant(since);
    let material = api.backend().passkey_material(&used).await?;
    let device_names = api.backend().device_names(entrant).await?;
    let grant = secret()?;
    api.sign_in().grant(&grant, entrant, api.now())?;
    Ok(Json(api::SignInAnswer {
        statements: material.statements.into_iter().map(Blob).collect(),
        keystore: material.keystore.map(Blob),
        member: used.member(),
        grant: Blob(grant.expose().to_vec()),
        device_names,
    }))
}

/// Leaves the share without which the caller's own device, once locked, stays locked.
#[utoipa::path(put, path = "/api/v1/unlock-share", tag = "passkeys", security(("dpop" = [])), request_body = api::UnlockShare,
    responses((status = 204)))]
pub(super) async fn put_unlock_share<B: Backend>(
    State(api): State<Api<B>>,
    Member(caller): Member,
    Doc(request): Doc<api::UnlockShare>,
) -> Answer<StatusCode> {
    let who = api.permit(caller, OwnUnlockShare)?;
    let share = request.share.0.try_into().map_err(|_length: Vec<u8>| {
        let len = api::UNLOCK_SHARE_LEN;
        unprocessable(format!("An unlock share has {len} bytes."))
    })?;
    let share = Secret::new(share);
    let put = api.to_the_end(|backend| async move { backend.put_unlock_share(who, share).await });
    put.await??;
    Ok(StatusCode::NO_CONTENT)
}

/// Gives a locked device its share, for a passkey of its member. The DPoP proof is of the device's key and has no
/// token: that is locked away.
#[utoipa::path(post, path = "/api/v1/unlock-share", tag = "entry", request_body = api::PasskeyProof,
    params(("DPoP" = String, Header, description = "RFC 9449 proof without `ath`")),
    responses((status = 200, body = api::UnlockShare), (status = 401), (status = 409), (status = 429)))]
pub(super) async fn unlock_share<B: Backend>(
    State(api): State<Api<B>>,
    Party(party): Party,
    Prover(proof): Prover,
    Doc(request): Doc<api::PasskeyProof>,
) -> Answer<Json<api::UnlockShare>> {
    let used = shown(&api, &party, &request).await?;
    current(&api, &used)?;
    let device = own_device(&api, &used, proof.thumbprint())?;
    api.take(&proof)?;
    let used = noted(&api, used).await?;
    let share = api.backend().unlock_share(&used, device).await?;
    let share = share.ok_or_else(ApiError::not_found)?;
    Ok(Json(api::UnlockShare {
        share: Blob(share.expose().to_vec()),
    }))
}

/// Judges an answer by what is stored of the passkey that it names.
async fn shown<B: Backend>(
    api: &Api<B>,
    party: &RelyingParty,
    request: &api::PasskeyProof,
) -> Answer<Asserted> {
    let answer = PasskeyAnswer::parse(&request.credential)?;
    // Strangers without a ceremony of ours reach no store.
    api.passkeys()
        .began(party, request.ceremony.as_ref(), api.now())?;
    let stored = api
        .backend()
        .passkey(passkey::lookup(answer.credential()))
        .await?;
    let proof = (request.ceremony.as_ref(), &answer);
    Ok(api
        .passkeys()
        .assert(party, proof, stored.as_ref(), api.now())?)
}

/// The passkey's member is on the roster, and their time is not over.
fn current<B: Backend>(api: &Api<B>, used: &Asserted) -> Answer<()> {
    let (roster, now) = (api.roster()?, api.utc());
    let member = roster.member(used.member());
    let current = member.is_some_and(|entry| entry.expires.is_none_or(|end| now < end));
    if current {
        Ok(())
    } else {
        Err(passkey::PasskeyError::Unknown.into())
    }
}

async fn noted<B: Backend>(api: &Api<B>, used: Asserted) -> Answer<Asserted> {
    let noted = api.to_the_end(|backend| async move {
        let done = backend.note_passkey(&used).await;
        done.map(|()| used)
    });
    Ok(noted.await??)
}

/// The device that proved its key is on the roster and of the passkey's member.
fn own_device<B: Backend>(
    api: &Api<B>,
    used: &Asserted,
    thumbprint: Fingerprint,
) -> Answer<bartizan_domain::DeviceId> {
    let roster = api.roster()?;
    let mut devices = roster.devices();
    let own = devices.find(|(_, device)| {
        let theirs = device.member == used.member() || bartizan_domain::sabotage::off("R-4");
        device.thumbprint == thumbprint && theirs
    });
    let detail = "This device is none of the passkey's member (any more): sign in anew.";
    own.map(|(id, _)| id)
        .ok_or_else(|| ApiError::unauthenticated(None, detail))
}
