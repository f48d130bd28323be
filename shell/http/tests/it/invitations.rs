//! Invitations over the API: a member's further device comes in by one, once, as that member.

use std::time::Duration;

use bartizan_access::DeviceKey;
use bartizan_identity::{Operation, Role};
use bartizan_protocol::api;
use serde_json::json;

use crate::house::{House, MEMBER, NOW, OWNER, Phone, Reply, blob, device, member};
use crate::passkeys::joins;

const INVITE: &str = "/api/v1/invitations";
const REDEEM: &str = "/api/v1/sign-in/invitation";

async fn invites(house: &House, phone: &Phone, id: &[u8]) -> Reply {
    let body = json!({ "id": blob(id), "keystore": blob(b"locked") });
    house.call(phone, "POST", INVITE, Some(&body)).await
}

async fn redeems(house: &House, id: &[u8]) -> Reply {
    let body = json!({ "id": blob(id) });
    house.plain("POST", REDEEM, Some(&body)).await
}

#[tokio::test]
async fn r_8_an_invitation_lets_one_device_of_its_member_in() {
    let (house, _) = House::claimed().await;
    let phone = house.joins(MEMBER, Role::Member);
    let open = invites(&house, &phone, &[7; 32]).await;
    assert_eq!(open.status, 200, "{:?}", open.body);
    let open: api::Invitation = serde_json::from_slice(&open.body).unwrap();
    assert_eq!(open.expires_ms, NOW.saturating_add(600_000));
    let taken = redeems(&house, &[7; 32]).await;
    assert_eq!(taken.status, 200, "{:?}", taken.body);
    let answer: api::SignInAnswer = serde_json::from_slice(&taken.body).unwrap();
    assert_eq!(answer.member, member(MEMBER));
    assert_eq!(answer.keystore.unwrap().0, b"locked");
    assert_eq!(redeems(&house, &[7; 32]).await.status, 401);
    let key = DeviceKey::generate().unwrap();
    assert_eq!(
        joins(&house, &answer.grant.0, OWNER, &key).await.status,
        422
    );
    let joined = joins(&house, &answer.grant.0, MEMBER, &key).await;
    assert_eq!(joined.status, 200, "{:?}", joined.body);
}

#[tokio::test]
async fn an_invitation_ends_with_its_time_its_device_and_its_member() {
    let (house, owner) = House::claimed().await;
    let phone = house.joins(MEMBER, Role::Member);
    assert_eq!(invites(&house, &phone, &[7; 32]).await.status, 200);
    house.add(
        MEMBER,
        Operation::RemoveDevice {
            device: device(MEMBER),
        },
    );
    assert_eq!(redeems(&house, &[7; 32]).await.status, 401);
    assert_eq!(invites(&house, &owner, &[8; 32]).await.status, 200);
    house.clock.advance(Duration::from_mins(10));
    assert_eq!(redeems(&house, &[8; 32]).await.status, 401);
}

#[tokio::test]
async fn r_8_what_a_removed_device_opened_lets_no_device_in() {
    let (gone, whose) = (device(MEMBER), member(MEMBER));
    let roster = "/api/v1/roster".to_owned();
    let devices = format!("/api/v1/devices/{gone}");
    let device = Operation::RemoveDevice { device: gone };
    let whole = Operation::RemoveMember { member: whose };
    for (method, path, operation) in [
        ("DELETE", devices, device.clone()),
        ("POST", roster.clone(), device),
        ("POST", roster, whole),
    ] {
        let (house, owner) = House::claimed().await;
        let phone = house.joins(MEMBER, Role::Member);
        assert_eq!(invites(&house, &phone, &[7; 32]).await.status, 200);
        let taken = redeems(&house, &[7; 32]).await;
        let answer: api::SignInAnswer = serde_json::from_slice(&taken.body).unwrap();
        let statement = house.statement(OWNER, operation);
        let body = json!({ "statement": blob(statement.as_bytes()) });
        let removed = house.call(&owner, method, &path, Some(&body)).await;
        assert_eq!(removed.status, 204, "{:?}", removed.body);
        let key = DeviceKey::generate().unwrap();
        let refused = joins(&house, &answer.grant.0, MEMBER, &key).await;
        assert_eq!(refused.status, 401, "{path}: {:?}", refused.body);
    }
}

#[tokio::test]
async fn invitations_are_few_and_small() {
    let (house, owner) = House::claimed().await;
    for number in 0..4 {
        assert_eq!(invites(&house, &owner, &[number; 32]).await.status, 200);
    }
    let fifth = invites(&house, &owner, &[4; 32]).await;
    assert_eq!(
        (fifth.status, fifth.problem().as_str()),
        (409, "/problems/limit-reached")
    );
    let phone = house.joins(MEMBER, Role::Member);
    assert_eq!(invites(&house, &phone, &[0; 32]).await.status, 422);
    assert_eq!(invites(&house, &phone, &[9; 16]).await.status, 422);
    let large = json!({ "id": blob(&[9; 32]), "keystore": blob(&vec![0; 65_537]) });
    let refused = house.call(&phone, "POST", INVITE, Some(&large)).await;
    assert_eq!(refused.status, 422);
}

#[tokio::test]
async fn r_5_wrong_invitations_are_slowed() {
    let (house, owner) = House::claimed().await;
    invites(&house, &owner, &[7; 32]).await;
    let mut last = 0;
    for number in 0..21 {
        last = redeems(&house, &[number; 31]).await.status;
    }
    assert_eq!(last, 429);
    assert_eq!(redeems(&house, &[7; 32]).await.status, 200);
}
