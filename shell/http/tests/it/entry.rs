//! The claim and the recovery words: who gets in, once, and with which key.

use std::time::Duration;

use bartizan_access::DeviceKey;
use bartizan_identity::Operation;
use bartizan_protocol::api::{self, SIGN_IN_CONTEXT};
use serde_json::{Value, json};

use crate::house::{
    CLAIM_TOKEN, House, MEMBER, OWNER, Phone, RECOVERY, Reply, blob, device, genesis, identity,
    member, with_body,
};

const CLAIM: &str = "/api/v1/claim";
const OFFER: &str = "/api/v1/claim/offer";
const DEVICE: &str = "/api/v1/sign-in/device";

async fn claims(house: &House, key: &DeviceKey, body: &Value) -> Reply {
    let proof = house.bare_proof(key, CLAIM).await;
    let request = house.request("POST", CLAIM).header("dpop", proof);
    house.send(with_body(request, Some(body))).await
}

fn claim_of(key: &DeviceKey) -> Value {
    json!({
        "token": blob(&CLAIM_TOKEN),
        "genesis": blob(genesis(key).as_bytes()),
        "recoveryKeystore": blob(b"locked"),
        "name": "Ann",
        "deviceName": "Ann's phone",
    })
}

#[tokio::test]
async fn whoever_holds_the_link_claims_once() {
    let house = House::unclaimed().await;
    let offer = house
        .plain("POST", OFFER, Some(&json!({ "token": blob(&CLAIM_TOKEN) })))
        .await;
    assert_eq!(offer.status, 200, "{:?}", offer.body);
    let key = DeviceKey::generate().unwrap();
    let reply = claims(&house, &key, &claim_of(&key)).await;
    assert_eq!(reply.status, 200, "{:?}", reply.body);
    let session: api::Session = serde_json::from_slice(&reply.body).unwrap();
    let phone = Phone {
        key,
        token: session.token,
    };
    assert_eq!(
        house.call(&phone, "GET", "/api/v1/site", None).await.status,
        200
    );
    for path in [CLAIM, OFFER] {
        let reply = house
            .plain("POST", path, Some(&json!({ "token": blob(&CLAIM_TOKEN) })))
            .await;
        assert_eq!(reply.status, 404, "{path}");
    }
}

#[tokio::test]
async fn of_many_claims_at_the_same_time_one_wins() {
    let house = House::unclaimed().await;
    let keys: Vec<_> = (0..8).map(|_| DeviceKey::generate().unwrap()).collect();
    let all = keys.iter().map(|key| async {
        let body = claim_of(key);
        claims(&house, key, &body).await.status
    });
    let statuses = futures_util::future::join_all(all).await;
    assert_eq!(
        statuses.iter().filter(|status| **status == 200).count(),
        1,
        "{statuses:?}"
    );
    assert_eq!(house.memory.state().changes, 1);
}

#[tokio::test]
async fn c_10_before_the_claim_nothing_else_answers() {
    let house = House::unclaimed().await;
    let health = house.plain("GET", "/api/v1/health", None).await;
    assert_eq!(
        (health.status, &health.body[..]),
        (200, br#"{"status":"ok"}"#.as_slice())
    );
    for path in [
        "/api/v1/site",
        "/api/v1/sign-in/challenge",
        "/api/v1/live",
        "/",
        "/api/v1/claim/x",
    ] {
        for method in ["GET", "POST"] {
            let reply = house.plain(method, path, None).await;
            assert_eq!(
                (reply.status, reply.problem().as_str()),
                (404, "/problems/not-found")
            );
        }
    }
}

#[tokio::test]
async fn r_5_guessing_the_claim_token_is_slowed_and_locks_nobody_out() {
    let house = House::unclaimed().await;
    let wrong = json!({ "token": blob(&[8; 32]) });
    for _ in 0..20 {
        assert_eq!(house.plain("POST", OFFER, Some(&wrong)).await.status, 401);
    }
    let slowed = house.plain("POST", OFFER, Some(&wrong)).await;
    assert_eq!((slowed.status, slowed.header("retry-after")), (429, "61"));
    let right = json!({ "token": blob(&CLAIM_TOKEN) });
    assert_eq!(house.plain("POST", OFFER, Some(&right)).await.status, 200);
    house.clock.advance(Duration::from_mins(15));
    assert_eq!(house.plain("POST", OFFER, Some(&right)).await.status, 403);
}

#[tokio::test]
async fn a_claim_names_the_key_that_proves_itself() {
    let house = House::unclaimed().await;
    let (key, other) = (
        DeviceKey::generate().unwrap(),
        DeviceKey::generate().unwrap(),
    );
    assert_eq!(claims(&house, &other, &claim_of(&key)).await.status, 422);
    let without = house.plain("POST", CLAIM, Some(&claim_of(&key))).await;
    assert_eq!(without.status, 401);
    let mut large = claim_of(&key);
    large["recoveryKeystore"] = blob(&vec![0; 65_537]);
    assert_eq!(claims(&house, &key, &large).await.status, 422);
    let mut no_genesis = claim_of(&key);
    no_genesis["genesis"] = blob(b"rubbish");
    assert_eq!(claims(&house, &key, &no_genesis).await.status, 422);
    assert_eq!(house.memory.state().changes, 0);
    assert_eq!(claims(&house, &key, &claim_of(&key)).await.status, 200);
}

async fn challenge(house: &House) -> Vec<u8> {
    let reply = house.plain("POST", "/api/v1/sign-in/challenge", None).await;
    let challenge: api::Challenge = serde_json::from_slice(&reply.body).unwrap();
    challenge.challenge.0
}

async fn recovers(house: &House, key_of: u8, challenge: &[u8]) -> Reply {
    let signature = identity(key_of).sign(SIGN_IN_CONTEXT, challenge);
    let body = json!({ "challenge": blob(challenge), "signature": blob(signature.as_bytes()) });
    house
        .plain("POST", "/api/v1/sign-in/recovery", Some(&body))
        .await
}

async fn adds(house: &House, key: &DeviceKey, grant: &[u8], for_member: u8) -> Reply {
    let operation = Operation::AddDevice {
        member: member(for_member),
        device: device(50),
        thumbprint: key.thumbprint(),
    };
    let statement = house.statement(OWNER, operation);
    let body = json!({
        "grant": blob(grant),
        "statement": blob(statement.as_bytes()),
        "deviceName": "New phone",
    });
    let proof = house.bare_proof(key, DEVICE).await;
    let request = house.request("POST", DEVICE).header("dpop", proof);
    house.send(with_body(request, Some(&body))).await
}

#[tokio::test]
async fn the_recovery_words_let_one_device_of_an_owner_in() {
    let (house, _) = House::claimed().await;
    house.joins(MEMBER, bartizan_identity::Role::Member);
    let reply = recovers(&house, RECOVERY, &challenge(&house).await).await;
    assert_eq!(reply.status, 200, "{:?}", reply.body);
    let answer: api::RecoveryAnswer = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!(answer.statements.len(), 5);
    let key = DeviceKey::generate().unwrap();
    assert_eq!(
        adds(&house, &key, &answer.grant.0, MEMBER).await.status,
        422
    );
    let reply = adds(&house, &key, &answer.grant.0, OWNER).await;
    assert_eq!(reply.status, 200, "{:?}", reply.body);
    let session: api::Session = serde_json::from_slice(&reply.body).unwrap();
    let again = adds(&house, &key, &answer.grant.0, OWNER).await;
    assert_eq!(again.status, 401);
    let phone = Phone {
        key,
        token: session.token,
    };
    assert_eq!(
        house.call(&phone, "GET", "/api/v1/site", None).await.status,
        200
    );
}

#[tokio::test]
async fn wrong_words_used_challenges_and_made_up_grants_are_refused() {
    let (house, _) = House::claimed().await;
    let fresh = challenge(&house).await;
    assert_eq!(recovers(&house, OWNER, &fresh).await.status, 401);
    assert_eq!(recovers(&house, RECOVERY, &fresh).await.status, 200);
    assert_eq!(recovers(&house, RECOVERY, &fresh).await.status, 401);
    assert_eq!(recovers(&house, RECOVERY, &[0; 56]).await.status, 401);
    let old = challenge(&house).await;
    house.clock.advance(Duration::from_mins(2));
    assert_eq!(recovers(&house, RECOVERY, &old).await.status, 401);
    let key = DeviceKey::generate().unwrap();
    assert_eq!(adds(&house, &key, &[0; 32], OWNER).await.status, 401);
}

#[tokio::test]
async fn r_5_wrong_words_are_slowed() {
    let (house, _) = House::claimed().await;
    let fresh = challenge(&house).await;
    let mut last = 0;
    for _ in 0..21 {
        last = recovers(&house, OWNER, &fresh).await.status;
    }
    assert_eq!(last, 429);
    assert_eq!(recovers(&house, RECOVERY, &fresh).await.status, 200);
}
