//! Live over a real WebSocket: tickets, records, rights that end, and viewers that misbehave.

use std::time::Duration;

use bartizan_identity::{Operation, Role};
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::house::{House, MEMBER, OWNER, Phone, SHARED, member};

type Socket = WebSocketStream<TcpStream>;

async fn ticket(house: &House, phone: &Phone) -> String {
    let path = format!("/api/v1/cameras/{SHARED}/live");
    let reply = house
        .call(phone, "POST", &path, Some(&json!({ "rendition": "main" })))
        .await;
    assert_eq!(reply.status, 200, "{:?}", reply.body);
    assert_eq!(reply.json()["expiresMs"], 1_800_000_030_000_u64);
    reply.json()["ticket"].as_str().unwrap().to_owned()
}

async fn open(
    house: &House,
    ticket: &str,
    headers: &[(&'static str, &'static str)],
) -> Result<Socket, u16> {
    let url = format!("ws://{}/api/v1/live?ticket={ticket}", house.address);
    let mut request = url.into_client_request().expect("a URL");
    for (name, value) in headers {
        request
            .headers_mut()
            .insert(*name, value.parse().expect("a header"));
    }
    let stream = TcpStream::connect(house.address).await.expect("a listener");
    match client_async(request, stream).await {
        Ok((socket, _)) => Ok(socket),
        Err(Error::Http(reply)) => Err(reply.status().as_u16()),
        Err(other) => panic!("{other}"),
    }
}

/// The next message that is no ping, within five seconds.
async fn next(socket: &mut Socket) -> Option<Message> {
    loop {
        let message = tokio::time::timeout(Duration::from_secs(5), socket.next()).await;
        match message.expect("a message in time") {
            Some(Ok(Message::Ping(_))) => {}
            Some(Ok(other)) => return Some(other),
            Some(Err(_)) | None => return None,
        }
    }
}

/// Sends until a viewer is there to hear it.
async fn broadcast(house: &House, batch: Bytes) {
    while house.memory.live.send(batch.clone()).is_err() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_ticket_opens_one_socket_with_records() {
    let (house, owner) = House::claimed().await;
    let ticket = ticket(&house, &owner).await;
    let mut socket = open(&house, &ticket, &[]).await.unwrap();
    let large = Bytes::from(vec![7; 300_000]);
    broadcast(&house, Bytes::from_static(b"record")).await;
    broadcast(&house, large.clone()).await;
    assert_eq!(
        next(&mut socket).await,
        Some(Message::Binary(Bytes::from_static(b"record")))
    );
    assert_eq!(next(&mut socket).await, Some(Message::Binary(large)));
}

#[tokio::test]
async fn l_5_a_spent_ticket_opens_nothing() {
    let (house, owner) = House::claimed().await;
    let ticket = ticket(&house, &owner).await;
    let first = open(&house, &ticket, &[]).await.unwrap();
    assert_eq!(open(&house, &ticket, &[]).await.unwrap_err(), 401);
    drop(first);
}

#[tokio::test]
async fn forged_expired_and_absent_tickets_open_nothing() {
    let (house, owner) = House::claimed().await;
    for forged in ["", "x", &"A".repeat(43), "%00", &owner.token] {
        assert_eq!(
            open(&house, forged, &[]).await.unwrap_err(),
            401,
            "{forged}"
        );
    }
    let old = ticket(&house, &owner).await;
    house.clock.advance(Duration::from_secs(30));
    assert_eq!(open(&house, &old, &[]).await.unwrap_err(), 401);
}

#[tokio::test]
async fn l_6_other_sites_open_no_socket() {
    let (house, owner) = House::claimed().await;
    let ticket = ticket(&house, &owner).await;
    let foreign = open(&house, &ticket, &[("origin", "https://evil.example")]).await;
    assert_eq!(foreign.unwrap_err(), 403);
    let rebound = open(&house, &ticket, &[("host", "evil.example")]).await;
    assert_eq!(rebound.unwrap_err(), 421);
}

#[tokio::test]
async fn without_an_upgrade_the_ticket_stays_good() {
    let (house, owner) = House::claimed().await;
    let ticket = ticket(&house, &owner).await;
    let reply = house
        .plain("GET", &format!("/api/v1/live?ticket={ticket}"), None)
        .await;
    assert_eq!((reply.status, reply.header("upgrade")), (426, "websocket"));
    assert!(open(&house, &ticket, &[]).await.is_ok());
}

#[tokio::test]
async fn g_4_a_revoked_viewer_is_cut_within_a_second() {
    let (house, _) = House::claimed().await;
    let phone = house.joins(MEMBER, Role::Member);
    let ticket = ticket(&house, &phone).await;
    let mut socket = open(&house, &ticket, &[]).await.unwrap();
    broadcast(&house, Bytes::from_static(b"record")).await;
    assert!(matches!(next(&mut socket).await, Some(Message::Binary(_))));
    house.add(
        OWNER,
        Operation::RemoveMember {
            member: member(MEMBER),
        },
    );
    let ended = tokio::time::timeout(Duration::from_secs(1), next(&mut socket))
        .await
        .unwrap();
    let Some(Message::Close(Some(frame))) = ended else {
        panic!("{ended:?}")
    };
    assert_eq!(u16::from(frame.code), 1008);
}

#[tokio::test]
async fn a_ticket_of_someone_removed_meanwhile_opens_nothing() {
    let (house, _) = House::claimed().await;
    let phone = house.joins(MEMBER, Role::Member);
    let ticket = ticket(&house, &phone).await;
    house.add(
        OWNER,
        Operation::RemoveMember {
            member: member(MEMBER),
        },
    );
    assert_eq!(open(&house, &ticket, &[]).await.unwrap_err(), 401);
}

#[tokio::test]
async fn viewers_only_listen() {
    let (house, owner) = House::claimed().await;
    for (message, code) in [
        (Message::Text("hello".into()), 1003),
        (Message::Binary(Bytes::from(vec![0; 2_000])), 1009),
    ] {
        let mut socket = open(&house, &ticket(&house, &owner).await, &[])
            .await
            .unwrap();
        socket.send(message).await.unwrap();
        let Some(Message::Close(Some(frame))) = next(&mut socket).await else {
            panic!("no farewell")
        };
        assert_eq!(u16::from(frame.code), code);
    }
}

#[tokio::test]
async fn viewers_are_told_when_the_gateway_ends() {
    let (house, owner) = House::claimed().await;
    let mut socket = open(&house, &ticket(&house, &owner).await, &[])
        .await
        .unwrap();
    let tasks = house.tasks.clone();
    let ending = tasks.shutdown(Duration::from_secs(10));
    let (ended, last) = tokio::join!(ending, next(&mut socket));
    assert_eq!(ended.aborted, 0);
    let Some(Message::Close(Some(frame))) = last else {
        panic!("{last:?}")
    };
    assert_eq!(u16::from(frame.code), 1012);
}
