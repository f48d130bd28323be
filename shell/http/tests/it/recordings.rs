//! Recordings: ranges, times, and what happens when the disk fails in the middle.

use bartizan_domain::EpochId;
use bartizan_identity::{Operation, Role};
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;

use crate::house::{House, MEMBER, OWNER, Phone, Reply, SHARED, member, with_body};
use crate::memory::{FIRST_KEPT, SEALED_LEN, sealed};

fn data() -> String {
    format!("/api/v1/cameras/{SHARED}/data?rendition=main")
}

async fn range(house: &House, phone: &Phone, range: &str) -> Reply {
    house.send(ranged(house, phone, range).await).await
}

async fn ranged(house: &House, phone: &Phone, range: &str) -> Request<Full<bytes::Bytes>> {
    let path = data();
    let proof = house.proof(phone, "GET", &path).await;
    let request = house
        .signed(phone, &proof, "GET", &path)
        .header("range", range);
    with_body(request, None)
}

#[tokio::test]
async fn ranges_give_exactly_their_bytes() {
    let (house, owner) = House::claimed().await;
    for (asked, given) in [
        ("bytes=1000-1000", 1_000..1_001),
        ("bytes=5000-12344", 5_000..12_345),
        ("bytes=2999990-", 2_999_990..SEALED_LEN),
        ("bytes=-5", SEALED_LEN - 5..SEALED_LEN),
        ("bytes=1000-99999999999", FIRST_KEPT..SEALED_LEN),
    ] {
        let reply = range(&house, &owner, asked).await;
        assert_eq!(reply.status, 206, "{asked}");
        let content_range = format!("bytes {}-{}/{SEALED_LEN}", given.start, given.end - 1);
        assert_eq!(reply.header("content-range"), content_range);
        assert_eq!(reply.header("content-type"), "application/octet-stream");
        assert!(reply.body == sealed(given), "{asked}");
    }
}

#[tokio::test]
async fn bytes_that_are_not_kept_are_not_satisfiable() {
    let (house, owner) = House::claimed().await;
    for asked in ["bytes=0-10", "bytes=999-2000", "bytes=3000000-", "bytes=-0"] {
        let reply = range(&house, &owner, asked).await;
        assert_eq!(
            (reply.status, reply.problem().as_str()),
            (416, "/problems/range"),
            "{asked}"
        );
        assert_eq!(reply.header("content-range"), "bytes */3000000");
    }
}

#[tokio::test]
async fn several_ranges_none_and_nonsense_are_refused() {
    let (house, owner) = House::claimed().await;
    for asked in ["bytes=1000-1001,2000-2001", "lines=1-2", "bytes=b-a", ""] {
        assert_eq!(range(&house, &owner, asked).await.status, 400, "{asked}");
    }
    let whole = house.call(&owner, "GET", &data(), None).await;
    assert_eq!(whole.status, 400);
}

#[tokio::test]
async fn a_disk_that_fails_in_the_middle_ends_the_connection() {
    let (house, owner) = House::claimed().await;
    house.memory.state().fails_after = Some(50_000);
    let request = ranged(&house, &owner, "bytes=1000-").await;
    let stream = tokio::net::TcpStream::connect(house.address).await.unwrap();
    let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream));
    let (mut sender, connection) = handshake.await.unwrap();
    house
        .tasks
        .spawn("client", async move { drop(connection.await) });
    let reply = sender.send_request(request).await.unwrap();
    assert_eq!(reply.status(), 206);
    assert!(reply.into_body().collect().await.is_err());
}

#[tokio::test]
async fn a_long_download_ends_with_the_right_to_it() {
    let (house, _) = House::claimed().await;
    let phone = house.joins(MEMBER, Role::Member);
    let path = format!("/api/v1/cameras/{SHARED}/data?rendition=sub");
    let proof = house.proof(&phone, "GET", &path).await;
    let request = house.signed(&phone, &proof, "GET", &path);
    let request = with_body(request.header("range", "bytes=1000-"), None);
    let stream = tokio::net::TcpStream::connect(house.address).await.unwrap();
    let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream));
    let (mut sender, connection) = handshake.await.unwrap();
    house
        .tasks
        .spawn("client", async move { drop(connection.await) });
    let mut body = sender.send_request(request).await.unwrap().into_body();
    assert!(body.frame().await.unwrap().is_ok());
    house.add(
        OWNER,
        Operation::RemoveMember {
            member: member(MEMBER),
        },
    );
    house.clock.advance(std::time::Duration::from_secs(1));
    assert!(body.collect().await.is_err());
}

#[tokio::test]
async fn times_are_checked() {
    let (house, owner) = House::claimed().await;
    let path = |query: &str| format!("/api/v1/cameras/{SHARED}/recordings?rendition=main{query}");
    for (query, status) in [
        ("", 200),
        ("&from=1000&to=2000", 200),
        (
            "&from=2026-11-22T10:55:00Z&to=2026-11-22T11:55:00%2B00:00",
            200,
        ),
        ("&from=2000&to=1000", 400),
        ("&from=yesterday", 400),
        ("&to=", 400),
        ("&from=1&from=2", 400),
    ] {
        let reply = house.call(&owner, "GET", &path(query), None).await;
        assert_eq!(reply.status, status, "{query}: {:?}", reply.body);
    }
    let named = house
        .call(&owner, "GET", &path("&from=yesterday"), None)
        .await;
    assert!(
        named.json()["detail"]
            .as_str()
            .unwrap()
            .starts_with("`from` is not a time")
    );
}

#[tokio::test]
async fn segments_are_limited() {
    let (house, owner) = House::claimed().await;
    for (limit, status) in [
        ("1", 200),
        ("1000", 200),
        ("0", 400),
        ("1001", 400),
        ("-1", 400),
        ("x", 400),
    ] {
        let path = format!("/api/v1/cameras/{SHARED}/segments?rendition=sub&limit={limit}");
        assert_eq!(
            house.call(&owner, "GET", &path, None).await.status,
            status,
            "{limit}"
        );
    }
}

#[tokio::test]
async fn envelopes_are_given_as_they_are() {
    let (house, owner) = House::claimed().await;
    let epoch = EpochId::new([7; 16]);
    let path = format!("/api/v1/cameras/{SHARED}/epochs/{epoch}");
    let reply = house.call(&owner, "GET", &path, None).await;
    assert_eq!((reply.status, &reply.body[..]), (200, [7; 16].as_slice()));
    assert_eq!(reply.header("content-type"), "application/octet-stream");
    let path = format!("/api/v1/cameras/{SHARED}/epochs/latest");
    assert_eq!(house.call(&owner, "GET", &path, None).await.status, 404);
}
