//! Too large, too many, too deep, too slow: a bounded answer, and the next caller is served.

use std::time::Duration;

use bartizan_domain::limits::MAX_API_BODY;
use bytes::Bytes;
use http_body_util::Full;
use serde_json::json;

use crate::house::{House, Reply, blob};

const OFFER: &str = "/api/v1/claim/offer";

async fn posts(house: &House, body: Vec<u8>) -> Reply {
    let request = house
        .request("POST", OFFER)
        .header("content-type", "application/json");
    house
        .send(request.body(Full::new(Bytes::from(body))).unwrap())
        .await
}

#[tokio::test]
async fn g_20_a_body_over_the_limit_is_refused() {
    let house = House::unclaimed().await;
    let reply = posts(&house, vec![b' '; MAX_API_BODY + 1]).await;
    assert_eq!(
        (reply.status, reply.problem().as_str()),
        (413, "/problems/too-large")
    );
}

#[tokio::test]
async fn a_body_at_the_limit_is_read() {
    let house = House::unclaimed().await;
    let mut body = json!({ "token": blob(&crate::house::CLAIM_TOKEN) })
        .to_string()
        .into_bytes();
    body.resize(MAX_API_BODY, b' ');
    assert_eq!(posts(&house, body).await.status, 200);
}

#[tokio::test]
async fn g_20_a_body_without_an_announced_length_is_cut_at_the_limit() {
    let house = House::unclaimed().await;
    let head = format!(
        "POST {OFFER} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\nconnection: close\r\n\
         transfer-encoding: chunked\r\n\r\n100001\r\n",
        house.address
    );
    let mut request = head.into_bytes();
    request.resize(request.len() + 0x10_0001, b' ');
    request.extend_from_slice(b"\r\n0\r\n\r\n");
    let answer = house.raw(&request, Duration::from_secs(10)).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
}

#[tokio::test]
async fn g_20_ten_thousand_headers_are_refused() {
    let house = House::unclaimed().await;
    let mut request = format!("GET /api/v1/health HTTP/1.1\r\nhost: {}\r\n", house.address);
    request.extend((0..10_000).map(|number| format!("a{number}:\r\n")));
    request.push_str("connection: close\r\n\r\n");
    let answer = house.raw(request.as_bytes(), Duration::from_secs(10)).await;
    // The system may drop the answer along with what it did not read.
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 431 "),
        "{answer}"
    );
    assert_eq!(house.plain("GET", "/api/v1/health", None).await.status, 200);
}

#[tokio::test]
async fn g_20_sixty_five_headers_are_too_many() {
    let house = House::unclaimed().await;
    for (extra, expected) in [(62, "200"), (63, "431")] {
        let mut request = format!("GET /api/v1/health HTTP/1.1\r\nhost: {}\r\n", house.address);
        request.push_str(&"a: b\r\n".repeat(extra));
        request.push_str("connection: close\r\n\r\n");
        let answer = house.raw(request.as_bytes(), Duration::from_secs(10)).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {expected} ")),
            "{extra}: {answer}"
        );
    }
}

#[tokio::test]
async fn deep_nesting_and_broken_json_are_refused() {
    let house = House::unclaimed().await;
    let deep = ["[".repeat(100_000), "]".repeat(100_000)].concat();
    let nested = format!(r#"{{"token":{deep}}}"#);
    for (body, expected) in [
        (deep.as_str(), 422),
        (nested.as_str(), 422),
        ("{", 400),
        ("", 400),
        ("{\"token\":\"AA\"} x", 400),
        ("\u{feff}{}", 400),
        ("null", 422),
        (r#"{"token":"AA","token":"AA"}"#, 422),
    ] {
        let status = posts(&house, body.as_bytes().to_vec()).await.status;
        assert_eq!(
            status,
            expected,
            "{}",
            body.chars().take(40).collect::<String>()
        );
    }
    assert_eq!(posts(&house, vec![0xff, 0xfe]).await.status, 400);
}

#[tokio::test]
async fn only_json_is_understood() {
    let house = House::unclaimed().await;
    for media in [
        None,
        Some("text/plain"),
        Some("application/x-www-form-urlencoded"),
        Some("multipart/form-data"),
    ] {
        let mut request = house.request("POST", OFFER);
        if let Some(media) = media {
            request = request.header("content-type", media);
        }
        let reply = house.send(request.body(Full::from("{}")).unwrap()).await;
        assert_eq!(reply.status, 415, "{media:?}");
    }
}

#[tokio::test]
async fn other_methods_and_paths_have_problems_too() {
    let (house, _) = House::claimed().await;
    let reply = house.plain("PUT", "/api/v1/site", None).await;
    assert_eq!(
        (reply.status, reply.problem().as_str()),
        (405, "/problems/method-not-allowed")
    );
    assert!(reply.header("allow").contains("GET"));
    for path in [
        "/",
        "/api",
        "/api/v1",
        "/api/v1/nothing",
        "/api/v1/cameras/../site",
        "/api/v1/%00",
    ] {
        let reply = house.plain("GET", path, None).await;
        assert_eq!(
            (reply.status, reply.problem().as_str()),
            (404, "/problems/not-found"),
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_peer_that_never_finishes_its_head_delays_nobody() {
    let house = House::unclaimed().await;
    let mut slow = Vec::new();
    for _ in 0..100 {
        let mut stream = tokio::net::TcpStream::connect(house.address).await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut stream, b"GET / HTTP/1.1\r\nx")
            .await
            .unwrap();
        slow.push(stream);
    }
    let served = house.plain("GET", "/api/v1/health", None);
    let served = tokio::time::timeout(Duration::from_secs(5), served)
        .await
        .unwrap();
    assert_eq!(served.status, 200);
    drop(slow);
}

#[tokio::test]
async fn serving_ends_with_the_program() {
    let (house, phone) = House::claimed().await;
    assert_eq!(
        house.call(&phone, "GET", "/api/v1/site", None).await.status,
        200
    );
    let ended = house.tasks.shutdown(Duration::from_secs(10)).await;
    assert_eq!(ended.aborted, 0);
    assert!(tokio::net::TcpStream::connect(house.address).await.is_err());
}
