//! Tokens and proofs: what a thief, a replayer and an old phone get.

use std::time::Duration;

use bartizan_access::dpop::ProofRequest;
use bartizan_access::{DeviceKey, token};
use bartizan_identity::{Operation, Role};
use bartizan_protocol::api;

use crate::house::{House, MEMBER, OWNER, Phone, device, jti, member, with_body};

const SITE: &str = "/api/v1/site";

fn error_of(challenge: &str) -> &str {
    challenge
        .split("error=\"")
        .nth(1)
        .map_or("", |rest| rest.trim_end_matches('"'))
}

#[tokio::test]
async fn an_honest_phone_is_served() {
    let (house, phone) = House::claimed().await;
    let reply = house.call(&phone, "GET", SITE, None).await;
    assert_eq!(reply.status, 200, "{:?}", reply.body);
    let site: api::Site = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!(site.member, member(OWNER));
    for (name, value) in [
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-resource-policy", "same-origin"),
    ] {
        assert_eq!(reply.header(name), value);
    }
    assert!(
        reply
            .header("content-security-policy")
            .starts_with("default-src 'none'")
    );
    assert!(!reply.headers.contains_key("access-control-allow-origin"));
    assert!(!reply.headers.contains_key("strict-transport-security"));
    assert_eq!(reply.header("dpop-nonce").len(), 43);
}

#[tokio::test]
async fn r_9_a_stolen_token_is_worth_nothing_with_another_key() {
    let (house, phone) = House::claimed().await;
    let thief = Phone {
        key: DeviceKey::generate().unwrap(),
        token: phone.token.clone(),
    };
    let reply = house.call(&thief, "GET", SITE, None).await;
    assert_eq!(
        (reply.status, reply.problem().as_str()),
        (401, "/problems/unauthenticated")
    );
    assert_eq!(
        error_of(reply.header("www-authenticate")),
        "invalid_dpop_proof"
    );
}

#[tokio::test]
async fn a_token_without_a_proof_and_as_a_bearer_is_refused() {
    let (house, phone) = House::claimed().await;
    let bearer = house
        .request("GET", SITE)
        .header("authorization", format!("Bearer {}", phone.token));
    let bare = house
        .request("GET", SITE)
        .header("authorization", format!("DPoP {}", phone.token));
    let basic = house
        .request("GET", SITE)
        .header("authorization", "Basic YWRtaW46YWRtaW4=");
    for (request, error) in [
        (bearer, "invalid_token"),
        (bare, "invalid_dpop_proof"),
        (basic, "invalid_token"),
    ] {
        let reply = house.send(with_body(request, None)).await;
        assert_eq!(reply.status, 401);
        assert_eq!(error_of(reply.header("www-authenticate")), error);
    }
    let nothing = house.plain("GET", SITE, None).await;
    assert_eq!(nothing.header("www-authenticate"), r#"DPoP algs="ES256""#);
}

#[tokio::test]
async fn r_4_a_proof_counts_once() {
    let (house, phone) = House::claimed().await;
    let proof = house.proof(&phone, "GET", SITE).await;
    for expected in [200, 401, 401] {
        let request = house.signed(&phone, &proof, "GET", SITE);
        let reply = house.send(with_body(request, None)).await;
        assert_eq!(reply.status, expected);
    }
}

#[tokio::test]
async fn r_4_a_proof_without_the_current_nonce_is_sent_back_for_it() {
    let (house, phone) = House::claimed().await;
    let url = house.url(SITE);
    let old = house.nonce().await;
    house.clock.advance(Duration::from_mins(4));
    for nonce in [None, Some("made up"), Some(old.as_str())] {
        let jti = jti();
        let request = ProofRequest {
            method: "GET",
            url: &url,
            iat_s: 1_800_000_000,
            jti: &jti,
            nonce,
            token: Some(&phone.token),
        };
        let proof = phone.key.proof(&request).unwrap();
        let request = house.signed(&phone, &proof, "GET", SITE);
        let reply = house.send(with_body(request, None)).await;
        assert_eq!(reply.status, 401);
        assert_eq!(error_of(reply.header("www-authenticate")), "use_dpop_nonce");
        assert_ne!(reply.header("dpop-nonce"), old);
    }
    assert_eq!(house.call(&phone, "GET", SITE, None).await.status, 200);
}

#[tokio::test]
async fn a_proof_for_another_method_or_address_is_refused() {
    let (house, phone) = House::claimed().await;
    for (method, path) in [
        ("POST", SITE),
        ("GET", "/api/v1/roster"),
        ("GET", "/api/v1/site/"),
        ("HEAD", SITE),
    ] {
        let proof = house.proof(&phone, method, path).await;
        let request = house.signed(&phone, &proof, "GET", SITE);
        let reply = house.send(with_body(request, None)).await;
        assert_eq!(reply.status, 401, "{method} {path}");
        assert_eq!(
            error_of(reply.header("www-authenticate")),
            "invalid_dpop_proof"
        );
    }
}

#[tokio::test]
async fn two_proofs_or_two_tokens_are_none() {
    let (house, phone) = House::claimed().await;
    let proof = house.proof(&phone, "GET", SITE).await;
    let twice = house
        .signed(&phone, &proof, "GET", SITE)
        .header("dpop", &proof);
    assert_eq!(house.send(with_body(twice, None)).await.status, 401);
    let token = format!("DPoP {}", phone.token);
    let twice = house
        .signed(&phone, &proof, "GET", SITE)
        .header("authorization", token);
    assert_eq!(house.send(with_body(twice, None)).await.status, 401);
}

#[tokio::test]
async fn tokens_expire() {
    let (house, phone) = House::claimed().await;
    house
        .clock
        .advance(Duration::from_millis(token::LIFETIME - 1));
    assert_eq!(house.call(&phone, "GET", SITE, None).await.status, 200);
    house.clock.advance(Duration::from_millis(1));
    let reply = house.call(&phone, "GET", SITE, None).await;
    assert_eq!(reply.status, 401);
    assert_eq!(error_of(reply.header("www-authenticate")), "invalid_token");
}

#[tokio::test]
async fn a_removed_device_is_a_stranger_at_once() {
    let (house, owner) = House::claimed().await;
    let phone = house.joins(MEMBER, Role::Member);
    assert_eq!(house.call(&phone, "GET", SITE, None).await.status, 200);
    let removal = house.statement(
        OWNER,
        Operation::RemoveDevice {
            device: device(MEMBER),
        },
    );
    let body = serde_json::json!({ "statement": crate::house::blob(removal.as_bytes()) });
    let path = format!("/api/v1/devices/{}", device(MEMBER));
    let reply = house.call(&owner, "DELETE", &path, Some(&body)).await;
    assert_eq!(reply.status, 204, "{:?}", reply.body);
    assert_eq!(house.call(&phone, "GET", SITE, None).await.status, 401);
    assert_eq!(house.call(&owner, "GET", SITE, None).await.status, 200);
}

#[tokio::test]
async fn g_21_who_cannot_be_looked_up_is_not_let_in() {
    let (house, owner) = House::claimed().await;
    house.memory.state().broken = true;
    for path in [SITE, "/api/v1/cameras", "/api/v1/roster?from=0"] {
        let reply = house.call(&owner, "GET", path, None).await;
        assert_eq!(reply.status, 500, "{path}: {reply:?}");
        assert!(!String::from_utf8_lossy(&reply.body).contains("disk"));
    }
    house.memory.state().broken = false;
    assert_eq!(house.call(&owner, "GET", SITE, None).await.status, 200);
}

#[tokio::test]
async fn made_up_tokens_are_refused_alike() {
    let (house, phone) = House::claimed().await;
    for token in [
        "bzn_",
        "x",
        &format!("bzn_{}", "A".repeat(43)),
        &"x".repeat(5_000),
    ] {
        let guess = Phone {
            key: DeviceKey::generate().unwrap(),
            token: token.to_owned(),
        };
        let reply = house.call(&guess, "GET", SITE, None).await;
        assert_eq!(reply.status, 401, "{token}");
    }
    assert_eq!(house.call(&phone, "GET", SITE, None).await.status, 200);
}

#[tokio::test]
async fn l_6_other_hosts_and_other_sites_are_refused_before_anything_else() {
    let (house, phone) = House::claimed().await;
    let proof = house.proof(&phone, "GET", SITE).await;
    let own = house.address.to_string();
    for (host, header, expected) in [
        ("evil.example", None, 421),
        ("evil.example", Some(("origin", "http://evil.example")), 421),
        (own.as_str(), Some(("origin", "http://evil.example")), 403),
        (own.as_str(), Some(("origin", "null")), 403),
        (own.as_str(), Some(("sec-fetch-site", "cross-site")), 403),
    ] {
        let mut request = http::Request::builder()
            .uri(SITE)
            .header("host", host)
            .header("authorization", format!("DPoP {}", phone.token))
            .header("dpop", &proof);
        if let Some((name, value)) = header {
            request = request.header(name, value);
        }
        let reply = house.send(with_body(request, None)).await;
        assert_eq!(reply.status, expected, "{host} {header:?}");
        assert!(!reply.headers.contains_key("access-control-allow-origin"));
    }
    let request = house
        .signed(&phone, &proof, "GET", SITE)
        .header("origin", format!("http://{own}"));
    assert_eq!(house.send(with_body(request, None)).await.status, 200);
}
