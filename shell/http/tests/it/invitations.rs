//! Invitations over the API: a member's further device comes in by one, once, as that member.

use std::time::Duration;

use bartizan_access::DeviceKey;
use bartizan_identity::{Operation, Role};
use bartizan_protocol::api;
use serde_json::json;

use crate::gates::Point;
use crate::house::{House, MEMBER, NOW, OWNER, Phone, Reply, VIEWER, blob, device, member};
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

/// The answer to an invitation in a house that has these names besides its loopback ones.
async fn told(names: &[&str]) -> Vec<String> {
    let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
    let house = House::unclaimed_called(&names).await;
    let owner = house.takes_over();
    let open: api::Invitation =
        serde_json::from_slice(&invites(&house, &owner, &[7; 32]).await.body).unwrap();
    open.origins
}

#[tokio::test]
async fn who_invites_is_told_where_other_devices_find_the_gateway() {
    let named = [
        "https://192.0.2.7:8440",
        "https://bartizan-2.local:8440",
        "https://x.localhost:8440",
        "https://bartizan.local:8440",
    ];
    let (address, second, first) = (named[0], named[1], named[3]);
    assert_eq!(told(&named).await, [second, first, address]);
    assert_eq!(told(&[]).await, [] as [&str; 0]);
    let many: Vec<_> = (0..20).map(|n| format!("https://gate-{n}.local")).collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    assert_eq!(told(&many).await, many[..8]);
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
async fn r_8_a_device_that_is_removed_while_its_invitation_is_taken_lets_nobody_in() {
    let (house, owner) = House::claimed().await;
    let phone = house.joins(MEMBER, Role::Member);
    assert_eq!(invites(&house, &phone, &[7; 32]).await.status, 200);
    let gate = house.memory.gates.shut(Point::Judged);
    let removal = async {
        gate.reached().await;
        let device = device(MEMBER);
        let statement = house.statement(OWNER, Operation::RemoveDevice { device });
        let body = json!({ "statement": blob(statement.as_bytes()) });
        let path = format!("/api/v1/devices/{device}");
        let removed = house.call(&owner, "DELETE", &path, Some(&body)).await;
        assert_eq!(removed.status, 204, "{:?}", removed.body);
        gate.open();
    };
    let (taken, ()) = tokio::join!(redeems(&house, &[7; 32]), removal);
    assert_eq!(taken.status, 401, "{:?}", taken.body);
}

#[tokio::test]
async fn a_removal_that_the_roster_refuses_takes_no_grant_back() {
    let (house, owner) = House::claimed().await;
    let viewer = house.joins(VIEWER, Role::Viewer);
    assert_eq!(invites(&house, &owner, &[7; 32]).await.status, 200);
    let taken = redeems(&house, &[7; 32]).await;
    let answer: api::SignInAnswer = serde_json::from_slice(&taken.body).unwrap();
    let (whole, device) = (member(OWNER), device(OWNER));
    for operation in [
        Operation::RemoveMember { member: whole },
        Operation::RemoveDevice { device },
    ] {
        let statement = house.statement(VIEWER, operation);
        let body = json!({ "statement": blob(statement.as_bytes()) });
        let refused = house.call(&viewer, "POST", "/api/v1/roster", Some(&body));
        assert_eq!(refused.await.status, 403);
    }
    let key = DeviceKey::generate().unwrap();
    let joined = joins(&house, &answer.grant.0, OWNER, &key).await;
    assert_eq!(joined.status, 200, "{:?}", joined.body);
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
