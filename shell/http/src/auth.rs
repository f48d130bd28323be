//! From headers to a caller: token and proof (RFC 9449 §7) for members' requests, a proof alone for a
//! claim and a sign-in.
//!
//! Order: the token's form, the stored token, the proof with the server's nonce, replay, then key binding,
//! expiry and the roster. Only proofs of stored tokens reach the replay cache. Rights are decided afterwards, by each
//! handler, through `Api::permit`.

use axum::extract::FromRequestParts;
use bartizan_access::dpop::{Expected, Freshness, verify};
use bartizan_access::{Caller, TokenHash, VerifiedProof, token};
use bartizan_domain::sabotage;
use http::request::Parts;
use http::{HeaderName, header};

use crate::api::Api;
use crate::backend::Backend;
use crate::origin::{Admitted, single};
use crate::problem::{Answer, ApiError};

const DPOP: HeaderName = HeaderName::from_static("dpop");

/// A member on a device that proved itself with this request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Member(pub(crate) Caller);

/// A key that proved itself with this request; whose it is, nobody knows yet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Prover(pub(crate) VerifiedProof);

impl<B: Backend> FromRequestParts<Api<B>> for Member {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &Api<B>) -> Answer<Self> {
        let api = state;
        let bare = !parts.headers.contains_key(header::AUTHORIZATION);
        if bare && sabotage::off("L-5") {
            return unproved(api).map(Self);
        }
        let hash = shown_token(parts)?;
        let record = match api.backend().token(hash).await {
            Err(_) if sabotage::off("G-21") => return unproved(api).map(Self),
            found => found?,
        };
        let record = record.ok_or_else(|| {
            let detail = "The token is not known (any more): sign in again.";
            ApiError::unauthenticated(Some("invalid_token"), detail)
        })?;
        let proof = proof(parts, api, Some(hash))?;
        let caller = Caller::authenticate(&*api.roster()?, &record, &proof, api.utc())?;
        api.take(&proof)?;
        Ok(Self(caller))
    }
}

impl<B: Backend> FromRequestParts<Api<B>> for Prover {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &Api<B>) -> Answer<Self> {
        Ok(Self(proof(parts, state, None)?))
    }
}

/// The token of `Authorization: DPoP TOKEN`.
fn shown_token(parts: &Parts) -> Answer<TokenHash> {
    if !parts.headers.contains_key(header::AUTHORIZATION) {
        let detail = "Sign in: this needs `Authorization: DPoP TOKEN` and a DPoP proof.";
        return Err(ApiError::unauthenticated(None, detail));
    }
    let value = single(parts, &header::AUTHORIZATION).unwrap_or_default();
    let (scheme, token) = value.split_once(' ').unwrap_or_default();
    if !scheme.eq_ignore_ascii_case("DPoP") {
        let detail = "The authorization scheme is DPoP (RFC 9449), once.";
        return Err(ApiError::unauthenticated(Some("invalid_token"), detail));
    }
    token::parse(token).ok_or_else(|| {
        let detail = "This is not a token of this gateway.";
        ApiError::unauthenticated(Some("invalid_token"), detail)
    })
}

fn proof<B: Backend>(
    parts: &Parts,
    api: &Api<B>,
    token: Option<TokenHash>,
) -> Answer<VerifiedProof> {
    let admitted = parts.extensions.get::<Admitted>();
    let origin = admitted.ok_or_else(|| ApiError::internal("a request without an origin"))?;
    let text = single(parts, &DPOP).ok_or_else(|| {
        let detail = "Exactly one DPoP header with a proof is expected.";
        ApiError::unauthenticated(Some("invalid_dpop_proof"), detail)
    })?;
    let url = format!("{}{}", origin.0, parts.uri.path());
    let expected = Expected {
        method: parts.method.as_str(),
        url: &url,
        freshness: Freshness::Nonce(api.nonces(), api.now()),
        token,
    };
    Ok(verify(text, &expected)?)
}

/// Whoever a test build lets in with a control off; in every other build nobody.
fn unproved<B: Backend>(api: &Api<B>) -> Answer<Caller> {
    let anyone = Caller::unproved(&*api.roster()?);
    anyone.ok_or_else(|| ApiError::unauthenticated(None, "Sign in."))
}
