//! Documents through the whole API: hostile names stay inert, unknown fields are errors, rights decide.

use std::collections::BTreeSet;

use bartizan_domain::CameraId;
use bartizan_identity::{Operation, Role};
use bartizan_protocol::api;
use serde_json::{Value, json};

use crate::house::{
    House, MEMBER, OTHER, OWNER, Phone, Reply, SHARED, VIEWER, blob, device, identity,
};

const NEW: CameraId = CameraId::new([5; 16]);

fn camera_request(house: &House, author: u8, name: &str) -> Value {
    let sealer = identity(4).public().id();
    let statement = house.statement(
        author,
        Operation::AddCamera {
            camera: NEW,
            sealer,
        },
    );
    json!({
        "statement": blob(statement.as_bytes()),
        "name": name,
        "main": { "url": "rtsp://user:hunter2@camera.lan/main" },
    })
}

async fn adds(house: &House, phone: &Phone, body: &Value) -> Reply {
    house
        .call(phone, "POST", "/api/v1/cameras", Some(body))
        .await
}

#[tokio::test]
async fn hostile_names_are_kept_as_text() {
    let (house, owner) = House::claimed().await;
    for name in [
        "$(reboot)",
        "<script>alert(1)</script>",
        "'; DROP TABLE cameras; --",
        "../../etc/passwd",
    ] {
        let reply = adds(&house, &owner, &camera_request(&house, OWNER, name)).await;
        assert_eq!(reply.status, 201, "{:?}", reply.body);
        assert_eq!(reply.json()["name"], name);
        assert!(!String::from_utf8_lossy(&reply.body).contains("hunter2"));
        let removal = house.statement(OWNER, Operation::RemoveCamera { camera: NEW });
        let body = json!({ "statement": blob(removal.as_bytes()) });
        let path = format!("/api/v1/cameras/{NEW}");
        assert_eq!(
            house
                .call(&owner, "DELETE", &path, Some(&body))
                .await
                .status,
            204
        );
    }
}

#[tokio::test]
async fn names_that_are_none_are_refused() {
    let (house, owner) = House::claimed().await;
    for name in [
        String::new(),
        "📷".repeat(10_000),
        "a\nb".to_owned(),
        "gate\u{202e}4pm".to_owned(),
    ] {
        let reply = adds(&house, &owner, &camera_request(&house, OWNER, &name)).await;
        assert_eq!(
            (reply.status, reply.problem().as_str()),
            (422, "/problems/unprocessable")
        );
    }
    assert!(!house.memory.state().cameras.contains_key(&NEW));
}

#[tokio::test]
async fn unknown_fields_are_errors() {
    let (house, owner) = House::claimed().await;
    let mut body = camera_request(&house, OWNER, "Yard");
    body["role"] = json!("owner");
    let reply = adds(&house, &owner, &body).await;
    assert_eq!(
        (reply.status, reply.problem().as_str()),
        (422, "/problems/unprocessable")
    );
    let query = house
        .call(&owner, "GET", "/api/v1/roster?from=0&as=owner", None)
        .await;
    assert_eq!(query.status, 400);
}

#[tokio::test]
async fn statements_must_fit_the_request_and_the_caller() {
    let (house, owner) = House::claimed().await;
    let member = house.joins(MEMBER, Role::Admin);
    let foreign = camera_request(&house, OWNER, "Yard");
    assert_eq!(adds(&house, &member, &foreign).await.status, 403);
    let removal = house.statement(OWNER, Operation::RemoveCamera { camera: OTHER });
    let body = json!({ "statement": blob(removal.as_bytes()) });
    let path = format!("/api/v1/cameras/{SHARED}");
    assert_eq!(
        house
            .call(&owner, "DELETE", &path, Some(&body))
            .await
            .status,
        422
    );
    let path = format!("/api/v1/devices/{}", device(MEMBER));
    assert_eq!(
        house
            .call(&owner, "DELETE", &path, Some(&body))
            .await
            .status,
        422
    );
    let reply = house
        .call(&owner, "POST", "/api/v1/roster", Some(&body))
        .await;
    assert_eq!(reply.status, 204, "{:?}", reply.body);
    let late = house
        .call(&owner, "POST", "/api/v1/roster", Some(&body))
        .await;
    assert_eq!(
        (late.status, late.problem().as_str()),
        (409, "/problems/precondition")
    );
}

#[tokio::test]
async fn r_7_a_viewer_sees_the_cameras_of_the_list_and_nothing_of_others() {
    let (house, _) = House::claimed().await;
    let viewer = house.joins(VIEWER, Role::Viewer);
    let reply = house.call(&viewer, "GET", "/api/v1/cameras", None).await;
    let cameras: Vec<api::Camera> = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!(
        cameras.iter().map(|camera| camera.id).collect::<Vec<_>>(),
        [SHARED]
    );
    let absent = CameraId::new([99; 16]);
    for below in [
        "",
        "/recordings?rendition=main",
        "/data?rendition=main",
        "/segments?rendition=sub",
    ] {
        let hidden = house
            .call(
                &viewer,
                "GET",
                &format!("/api/v1/cameras/{OTHER}{below}"),
                None,
            )
            .await;
        let gone = house
            .call(
                &viewer,
                "GET",
                &format!("/api/v1/cameras/{absent}{below}"),
                None,
            )
            .await;
        assert_eq!((hidden.status, &hidden.body), (404, &gone.body), "{below}");
    }
    let live = format!("/api/v1/cameras/{OTHER}/live");
    let body = json!({ "rendition": "main" });
    assert_eq!(
        house.call(&viewer, "POST", &live, Some(&body)).await.status,
        404
    );
    let own = house.call(&viewer, "GET", "/api/v1/devices", None).await;
    let own: api::Devices = serde_json::from_slice(&own.body).unwrap();
    assert_eq!(
        own.devices
            .iter()
            .map(|one| (one.id, one.this))
            .collect::<Vec<_>>(),
        [(device(VIEWER), true)]
    );
}

#[tokio::test]
async fn g_2_r_8_watching_is_not_managing() {
    let (house, _) = House::claimed().await;
    let member = house.joins(MEMBER, Role::Member);
    let path = format!("/api/v1/cameras/{SHARED}");
    let patch = json!({ "name": "Mine" });
    assert_eq!(
        house
            .call(&member, "PATCH", &path, Some(&patch))
            .await
            .status,
        403
    );
    assert_eq!(
        house
            .call(&member, "POST", &format!("{path}/test"), None)
            .await
            .status,
        403
    );
    let probe = json!({ "source": { "url": "rtsp://192.168.1.1/" } });
    assert_eq!(
        house
            .call(&member, "POST", "/api/v1/cameras/test", Some(&probe))
            .await
            .status,
        403
    );
    assert_eq!(
        adds(&house, &member, &camera_request(&house, MEMBER, "Yard"))
            .await
            .status,
        403
    );
    assert_eq!(
        house
            .call(&member, "GET", "/api/v1/counters", None)
            .await
            .status,
        403
    );
}

/// Every setting of a camera with values that are none of its kind.
const BAD_SETTINGS: [(&str, &[&str]); 4] = [
    (
        "name",
        &["1", "[]", "\"\"", "\"a\\nb\"", "{}", "\"\\ud800\""],
    ),
    ("main", BAD_SOURCES),
    ("sub", BAD_SOURCES),
    (
        "retention",
        &[
            "1",
            "\"24\"",
            r#"{"maxHours":-1}"#,
            r#"{"maxHours":4294967296}"#,
            r#"{"maxHours":"24"}"#,
            r#"{"maxBytes":-1}"#,
            r#"{"maxBytes":1e99}"#,
            r#"{"maxBytes":18446744073709551616}"#,
            r#"{"maxDays":1}"#,
        ],
    ),
];

const BAD_SOURCES: &[&str] = &[
    "1",
    "[]",
    "{}",
    r#"{"url":1}"#,
    r#"{"url":"rtsp://a/","transport":"carrier-pigeon"}"#,
    r#"{"url":"rtsp://a/","transport":1}"#,
    r#"{"url":"rtsp://a/","certificate":"zz"}"#,
    r#"{"url":"rtsp://a/","certificate":[]}"#,
    r#"{"url":"rtsp://a/","verify":false}"#,
];

#[tokio::test]
async fn g_2_bad_settings_are_refused_and_change_nothing() {
    let document: Value = serde_json::from_str(&bartizan_http::openapi_json()).unwrap();
    let settings = &document["components"]["schemas"]["CameraPatch"]["properties"];
    let settings: BTreeSet<_> = settings.as_object().unwrap().keys().collect();
    let tried: BTreeSet<_> = BAD_SETTINGS.map(|(name, _)| name.to_owned()).into();
    assert_eq!(settings, tried.iter().collect(), "a setting is not tried");

    let (house, owner) = House::claimed().await;
    let path = format!("/api/v1/cameras/{SHARED}");
    let before = house.call(&owner, "GET", &path, None).await.json();
    let mut documents = vec![
        String::new(),
        "{".to_owned(),
        r#"{"admin":true}"#.to_owned(),
    ];
    for (name, values) in BAD_SETTINGS {
        for value in values {
            documents.push(format!("{{\"{name}\":{value}}}"));
            // Beside a good setting, which must not be taken alone.
            documents.push(format!(
                "{{\"retention\":{{\"maxHours\":1}},\"{name}\":{value}}}"
            ));
        }
    }
    for document in documents {
        let reply = house.sends(&owner, "PATCH", &path, &document).await;
        assert!(
            [400, 422].contains(&reply.status),
            "{document}: {}",
            reply.status
        );
        let after = house.call(&owner, "GET", &path, None).await.json();
        assert_eq!(after, before, "{document}");
    }
}

#[tokio::test]
async fn owners_manage() {
    let (house, owner) = House::claimed().await;
    let path = format!("/api/v1/cameras/{SHARED}");
    let patch = json!({ "name": "Gate", "retention": { "maxHours": 24 } });
    let reply = house.call(&owner, "PATCH", &path, Some(&patch)).await;
    assert_eq!((reply.status, &reply.json()["name"]), (200, &json!("Gate")));
    for path in [
        "/api/v1/storage",
        "/api/v1/counters",
        "/api/v1/devices",
        "/api/v1/roster?from=1",
    ] {
        assert_eq!(
            house.call(&owner, "GET", path, None).await.status,
            200,
            "{path}"
        );
    }
    assert_eq!(
        house
            .call(&owner, "GET", "/api/v1/keystore", None)
            .await
            .status,
        404
    );
    let locked = json!({ "keystore": blob(b"locked") });
    assert_eq!(
        house
            .call(&owner, "PUT", "/api/v1/keystore", Some(&locked))
            .await
            .status,
        204
    );
    assert_eq!(
        house
            .call(&owner, "GET", "/api/v1/keystore", None)
            .await
            .json(),
        locked
    );
    let large = json!({ "keystore": blob(&vec![0; 65_537]) });
    assert_eq!(
        house
            .call(&owner, "PUT", "/api/v1/keystore", Some(&large))
            .await
            .status,
        422
    );
}

#[tokio::test]
async fn what_cameras_do_is_told_and_what_breaks_inside_is_not() {
    let (house, owner) = House::claimed().await;
    let probe = json!({ "source": { "url": "rtsp://192.168.1.1/" } });
    let told = house
        .call(&owner, "POST", "/api/v1/cameras/test", Some(&probe))
        .await;
    assert_eq!(
        (told.status, told.problem().as_str()),
        (502, "/problems/camera-unauthorized")
    );
    assert_eq!(told.json()["detail"], "The camera wants another password.");
    let path = format!("/api/v1/cameras/{SHARED}/test?rendition=sub");
    let broken = house.call(&owner, "POST", &path, None).await;
    assert_eq!(
        (broken.status, broken.problem().as_str()),
        (500, "/problems/internal")
    );
    assert_eq!(broken.json()["reference"].as_str().unwrap().len(), 16);
}

#[tokio::test]
async fn g_21_causes_stay_inside() {
    let (house, owner) = House::claimed().await;
    let path = format!("/api/v1/cameras/{SHARED}/test");
    let broken = house.call(&owner, "POST", &path, None).await;
    assert!(!String::from_utf8_lossy(&broken.body).contains("/var/lib"));
}
