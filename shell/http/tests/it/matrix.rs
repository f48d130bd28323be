//! Every route of the router, from the OpenAPI document: what a neighbour without any credentials gets.

use bartizan_http::openapi_json;
use bartizan_identity::Role;
use serde_json::{Value, json};

use crate::house::{House, VIEWER};

/// Answers to anybody, since they are the doors (design, L-5).
const OPEN: [(&str, &str); 8] = [
    ("GET", "/api/v1/health"),
    ("POST", "/api/v1/sign-in/challenge"),
    ("POST", "/api/v1/sign-in/device"),
    ("POST", "/api/v1/sign-in/invitation"),
    ("POST", "/api/v1/sign-in/passkey"),
    ("POST", "/api/v1/sign-in/passkey/options"),
    ("POST", "/api/v1/sign-in/recovery"),
    ("POST", "/api/v1/unlock-share"),
];

/// Method, path with ids put in, whether the document says that a token is wanted.
fn routes() -> Vec<(String, String, bool)> {
    let document: Value = serde_json::from_str(&openapi_json()).unwrap();
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let id = "a".repeat(26);
            let path = path.replace("{id}", &id).replace("{epoch}", &id);
            let guarded = operation["security"].is_array();
            found.push((method.to_ascii_uppercase(), path, guarded));
        }
    }
    assert_eq!(found.len(), 41);
    found
}

#[tokio::test]
async fn l_5_every_route_wants_a_token_from_a_neighbour() {
    let (house, _) = House::claimed().await;
    for (method, path, guarded) in routes() {
        let open = OPEN.contains(&(method.as_str(), path.as_str()));
        for body in [None, Some(json!({}))] {
            let reply = house.plain(&method, &path, body.as_ref()).await;
            let refused = [401, 404].contains(&reply.status);
            assert!(open || refused, "{method} {path}: {}", reply.status);
            assert!(
                !guarded || reply.status == 401,
                "{method} {path}: {}",
                reply.status
            );
        }
        let door =
            ["/api/v1/claim", "/api/v1/claim/offer", "/api/v1/live"].contains(&path.as_str());
        assert_eq!(guarded, !open && !door, "{method} {path}");
    }
}

#[tokio::test]
async fn open_doors_give_nothing_away() {
    let (mut house, _) = House::claimed().await;
    house.host = format!("localhost:{}", house.address.port());
    let empty = json!({});
    for (path, body, expected) in [
        ("/api/v1/sign-in/challenge", None, 200),
        ("/api/v1/sign-in/recovery", Some(&empty), 422),
        ("/api/v1/sign-in/device", Some(&empty), 401),
        ("/api/v1/sign-in/passkey/options", None, 200),
        ("/api/v1/sign-in/passkey", Some(&empty), 422),
        ("/api/v1/sign-in/invitation", Some(&empty), 422),
        ("/api/v1/unlock-share", Some(&empty), 401),
    ] {
        let reply = house.plain("POST", path, body).await;
        assert_eq!(reply.status, expected, "{path}");
    }
}

#[tokio::test]
async fn every_object_that_is_not_there_is_404_for_everyone() {
    let (house, owner) = House::claimed().await;
    let viewer = house.joins(VIEWER, Role::Viewer);
    for (method, path, _) in routes() {
        let Some((_, below)) = path.split_once("/aaaa") else {
            continue;
        };
        let query = match below.trim_start_matches('a') {
            "/recordings" | "/segments" | "/data" => "?rendition=main",
            _ => "",
        };
        let body = match (method.as_str(), below.ends_with("/live")) {
            ("DELETE", _) => Some(json!({ "statement": "AA" })),
            ("PUT", _) => Some(json!({ "keystore": "AA" })),
            ("PATCH", _) => Some(json!({})),
            (_, true) => Some(json!({ "rendition": "main" })),
            _ => None,
        };
        let target = format!("{path}{query}");
        for phone in [&owner, &viewer] {
            let reply = house.call(phone, &method, &target, body.as_ref()).await;
            assert_eq!(reply.status, 404, "{method} {target}: {:?}", reply.body);
            assert_eq!(reply.problem(), "/problems/not-found");
        }
    }
}
