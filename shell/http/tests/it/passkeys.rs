//! Passkeys over the API: who comes in with one, as whom, and what it takes to unlock a browser.

use std::time::Duration;

use bartizan_access::DeviceKey;
use bartizan_access::passkey::{Passkey, lookup};
use bartizan_domain::text::Name;
use bartizan_identity::{Operation, Role};
use bartizan_protocol::api;
use serde_json::{Value, json};

use crate::gates::Point;
use crate::house::{
    House, MEMBER, OWNER, Phone, Reply, VIEWER, blob, device, genesis, identity, member, with_body,
};
use crate::soft::{PRESENT, Soft};

const OPTIONS: &str = "/api/v1/passkeys/options";
const PASSKEYS: &str = "/api/v1/passkeys";
const BEGIN: &str = "/api/v1/sign-in/passkey/options";
const SIGN_IN: &str = "/api/v1/sign-in/passkey";
const DEVICE: &str = "/api/v1/sign-in/device";
const SHARE: &str = "/api/v1/unlock-share";

/// A claimed house that is called by a name, and its owner's phone.
pub(crate) async fn named() -> (House, Phone) {
    let (mut house, owner) = House::claimed().await;
    house.host = format!("localhost:{}", house.address.port());
    (house, owner)
}

fn origin(house: &House) -> String {
    format!("http://{}", house.host)
}

fn authenticator(house: &House, of: u8) -> Soft {
    Soft::new(&origin(house), "localhost", member(of).as_bytes())
}

/// Ceremony and challenge of options.
fn begun(reply: &Reply) -> (Value, Vec<u8>) {
    assert_eq!(reply.status, 200, "{:?}", reply.body);
    let ceremony: api::Ceremony = serde_json::from_slice(&reply.body).unwrap();
    let challenge = ceremony.options["challenge"].clone();
    let challenge: bartizan_protocol::blob::Blob = serde_json::from_value(challenge).unwrap();
    (json!(ceremony.ceremony), challenge.0)
}

async fn adds(house: &House, phone: &Phone, soft: &Soft, keystore: Option<&[u8]>) -> Reply {
    let (ceremony, challenge) = begun(&house.call(phone, "POST", OPTIONS, None).await);
    let mut body = json!({
        "ceremony": ceremony,
        "credential": soft.creates(&challenge),
        "name": "Phone",
    });
    if let Some(keystore) = keystore {
        body["keystore"] = blob(keystore);
    }
    house.call(phone, "POST", PASSKEYS, Some(&body)).await
}

/// An authenticator whose passkey was added.
async fn added(house: &House, phone: &Phone, of: u8) -> Soft {
    let soft = authenticator(house, of);
    let reply = adds(house, phone, &soft, Some(b"locked")).await;
    assert_eq!(reply.status, 201, "{:?}", reply.body);
    soft
}

async fn proof(house: &House, soft: &Soft) -> Value {
    let (ceremony, challenge) = begun(&house.plain("POST", BEGIN, None).await);
    json!({ "ceremony": ceremony, "credential": soft.gets(&challenge) })
}

async fn signs_in(house: &House, soft: &Soft) -> Reply {
    let proof = proof(house, soft).await;
    house.plain("POST", SIGN_IN, Some(&proof)).await
}

async fn admitted(house: &House, soft: &Soft) -> api::SignInAnswer {
    let reply = signs_in(house, soft).await;
    assert_eq!(reply.status, 200, "{:?}", reply.body);
    serde_json::from_slice(&reply.body).unwrap()
}

/// A new device of `of`, by a statement of `of`'s own identity.
pub(crate) async fn joins(house: &House, grant: &[u8], of: u8, key: &DeviceKey) -> Reply {
    let operation = Operation::AddDevice {
        member: member(of),
        device: device(70),
        thumbprint: key.thumbprint(),
    };
    let statement = house.statement(of, operation);
    let body = json!({
        "grant": blob(grant),
        "statement": blob(statement.as_bytes()),
        "deviceName": "New browser",
    });
    proves(house, key, DEVICE, &body).await
}

async fn proves(house: &House, key: &DeviceKey, path: &str, body: &Value) -> Reply {
    let proof = house.bare_proof(key, path).await;
    let request = house.request("POST", path).header("dpop", proof);
    house.send(with_body(request, Some(body))).await
}

fn id_path(soft: &Soft, below: &str) -> String {
    let id = blob(&soft.id);
    let id = id.as_str().unwrap();
    format!("{PASSKEYS}/{id}{below}")
}

#[tokio::test]
async fn r_4_a_passkey_signs_its_member_in_on_a_new_device() {
    let (house, _) = named().await;
    let phone = house.joins(MEMBER, Role::Member);
    let soft = added(&house, &phone, MEMBER).await;
    let listed = house.call(&phone, "GET", PASSKEYS, None).await;
    let listed: api::Passkeys = serde_json::from_slice(&listed.body).unwrap();
    assert_eq!(listed.passkeys.len(), 1);
    let passkey = &listed.passkeys[0];
    assert_eq!((passkey.rp_id.as_str(), passkey.opens), ("localhost", true));
    assert_eq!((&passkey.id.0, passkey.last_used_ms), (&soft.id, None));
    let used = proof(&house, &soft).await;
    let reply = house.plain("POST", SIGN_IN, Some(&used)).await;
    let answer: api::SignInAnswer = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!(answer.member, member(MEMBER));
    assert_eq!(answer.keystore.unwrap().0, b"locked");
    assert_eq!(answer.statements.len(), 5);
    let key = DeviceKey::generate().unwrap();
    let joined = joins(&house, &answer.grant.0, MEMBER, &key).await;
    assert_eq!(joined.status, 200, "{:?}", joined.body);
    let session: api::Session = serde_json::from_slice(&joined.body).unwrap();
    assert_eq!(session.member, member(MEMBER));
    let token = session.token;
    let browser = Phone { key, token };
    let site = house.call(&browser, "GET", "/api/v1/site", None).await;
    assert_eq!(site.status, 200);
    // The same answer once more.
    let again = house.plain("POST", SIGN_IN, Some(&used)).await;
    assert_eq!(
        (again.status, again.problem().as_str()),
        (401, "/problems/unauthenticated")
    );
    let key = DeviceKey::generate().unwrap();
    assert_eq!(
        joins(&house, &answer.grant.0, MEMBER, &key).await.status,
        401
    );
}

#[tokio::test]
async fn r_8_a_passkey_lets_nobody_elses_device_in() {
    let (house, owner) = named().await;
    let phone = house.joins(MEMBER, Role::Member);
    house.joins(VIEWER, Role::Viewer);
    let soft = added(&house, &phone, MEMBER).await;
    added(&house, &owner, OWNER).await;
    let answer = admitted(&house, &soft).await;
    let key = DeviceKey::generate().unwrap();
    for other in [OWNER, VIEWER] {
        let refused = joins(&house, &answer.grant.0, other, &key).await;
        assert_eq!(refused.status, 422, "{:?}", refused.body);
    }
    assert_eq!(
        joins(&house, &answer.grant.0, MEMBER, &key).await.status,
        200
    );
}

#[tokio::test]
async fn r_8_a_passkey_that_is_removed_while_it_is_used_lets_nobody_in() {
    let (house, owner) = named().await;
    let soft = added(&house, &owner, OWNER).await;
    let path = id_path(&soft, "");
    let gate = house.memory.gates.shut(Point::Judged);
    let removal = async {
        gate.reached().await;
        let removed = house.call(&owner, "DELETE", &path, None).await;
        assert_eq!(removed.status, 204);
        gate.open();
    };
    let (used, ()) = tokio::join!(signs_in(&house, &soft), removal);
    assert_eq!(
        (used.status, used.problem().as_str()),
        (401, "/problems/unauthenticated")
    );
}

#[tokio::test]
async fn a_removal_waits_for_the_device_that_is_joining() {
    let (house, owner) = named().await;
    let soft = added(&house, &owner, OWNER).await;
    let answer = admitted(&house, &soft).await;
    let key = DeviceKey::generate().unwrap();
    let gate = house.memory.gates.shut(Point::Join);
    let on_roster = || house.roster().device(device(70)).is_some();
    let removal = async {
        gate.reached().await;
        let path = id_path(&soft, "");
        let removed = house.call(&owner, "DELETE", &path, None);
        let opens = async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            assert!(!on_roster());
            gate.open();
        };
        let (removed, ()) = tokio::join!(removed, opens);
        // Whoever sees that the passkey is gone sees the device, too.
        assert_eq!((removed.status, on_roster()), (204, true));
    };
    let (joined, ()) = tokio::join!(joins(&house, &answer.grant.0, OWNER, &key), removal);
    assert_eq!(joined.status, 200, "{:?}", joined.body);
}

#[tokio::test]
async fn whoever_comes_in_hears_the_names_of_their_own_devices() {
    let (house, owner) = named().await;
    let phone = house.joins(MEMBER, Role::Member);
    let own = added(&house, &owner, OWNER).await;
    let other = added(&house, &phone, MEMBER).await;
    let first = admitted(&house, &own).await;
    let none: [Name; 0] = [];
    assert_eq!(first.device_names, none);
    let key = DeviceKey::generate().unwrap();
    let joined = joins(&house, &first.grant.0, OWNER, &key).await;
    assert_eq!(joined.status, 200, "{:?}", joined.body);
    let called = [Name::parse("New browser").unwrap()];
    assert_eq!(admitted(&house, &own).await.device_names, called);
    assert_eq!(admitted(&house, &other).await.device_names, none);
}

#[tokio::test]
async fn a_passkey_is_called_otherwise_by_its_member_only() {
    let (house, owner) = named().await;
    let phone = house.joins(MEMBER, Role::Member);
    let soft = added(&house, &phone, MEMBER).await;
    let path = id_path(&soft, "");
    let called = json!({ "name": " Security key " });
    for (who, status) in [(&owner, 404), (&phone, 204)] {
        let reply = house.call(who, "PATCH", &path, Some(&called)).await;
        assert_eq!(reply.status, status, "{:?}", reply.body);
    }
    for bad in [
        json!({}),
        json!({ "name": "" }),
        json!({ "name": "a\u{202e}b" }),
        json!({ "name": "a", "opens": true }),
    ] {
        let reply = house.call(&phone, "PATCH", &path, Some(&bad)).await;
        assert_eq!(reply.status, 422, "{bad}");
    }
    let listed = house.call(&phone, "GET", PASSKEYS, None).await;
    let listed: api::Passkeys = serde_json::from_slice(&listed.body).unwrap();
    assert_eq!(listed.passkeys[0].name.as_str(), "Security key");
    let nobody = house.plain("PATCH", &path, Some(&called)).await;
    assert_eq!(nobody.status, 401);
    // It opens what it opened before.
    assert_eq!(admitted(&house, &soft).await.keystore.unwrap().0, b"locked");
}

#[tokio::test]
async fn r_6_a_stolen_authenticator_without_its_finger_or_pin_opens_nothing() {
    let (house, owner) = named().await;
    let mut soft = added(&house, &owner, OWNER).await;
    soft.flags = PRESENT;
    assert_eq!(signs_in(&house, &soft).await.status, 401);
    house
        .call(
            &owner,
            "PUT",
            SHARE,
            Some(&json!({ "share": blob(&[3; 32]) })),
        )
        .await;
    let proof = proof(&house, &soft).await;
    assert_eq!(proves(&house, &owner.key, SHARE, &proof).await.status, 401);
    let mut weak = authenticator(&house, OWNER);
    weak.flags = PRESENT;
    assert_eq!(adds(&house, &owner, &weak, None).await.status, 422);
}

#[tokio::test]
async fn r_4_other_pages_and_foreign_or_removed_passkeys_are_refused() {
    let (house, owner) = named().await;
    let mut soft = added(&house, &owner, OWNER).await;
    let stranger = authenticator(&house, OWNER);
    assert_eq!(signs_in(&house, &stranger).await.status, 401);
    let own = origin(&house);
    soft.origin = "http://localhost:1".to_owned();
    assert_eq!(signs_in(&house, &soft).await.status, 401);
    soft.origin = own;
    soft.rp_id = "evil.example".to_owned();
    assert_eq!(signs_in(&house, &soft).await.status, 401);
    soft.rp_id = "localhost".to_owned();
    let answer = admitted(&house, &soft).await;
    let path = id_path(&soft, "");
    assert_eq!(house.call(&owner, "DELETE", &path, None).await.status, 204);
    assert_eq!(house.call(&owner, "DELETE", &path, None).await.status, 404);
    assert_eq!(signs_in(&house, &soft).await.status, 401);
    // What it opened just before is shut as well.
    let key = DeviceKey::generate().unwrap();
    assert_eq!(
        joins(&house, &answer.grant.0, OWNER, &key).await.status,
        401
    );
}

#[tokio::test]
async fn a_removed_members_passkey_opens_nothing() {
    let (house, owner) = named().await;
    let phone = house.joins(MEMBER, Role::Member);
    let soft = added(&house, &phone, MEMBER).await;
    let answer = admitted(&house, &soft).await;
    // As if the store had kept it.
    let kept = house.memory.state().passkeys[&lookup(&soft.id)].clone();
    house.add(
        OWNER,
        Operation::RemoveMember {
            member: member(MEMBER),
        },
    );
    assert!(house.memory.state().passkeys.is_empty());
    house.memory.state().passkeys.insert(lookup(&soft.id), kept);
    assert_eq!(signs_in(&house, &soft).await.status, 401);
    let key = DeviceKey::generate().unwrap();
    assert_eq!(
        joins(&house, &answer.grant.0, MEMBER, &key).await.status,
        422
    );
    assert_eq!(house.call(&owner, "GET", PASSKEYS, None).await.status, 200);
}

#[tokio::test]
async fn members_see_and_change_only_their_own_passkeys() {
    let (house, owner) = named().await;
    let phone = house.joins(MEMBER, Role::Member);
    let soft = added(&house, &phone, MEMBER).await;
    let listed = house.call(&owner, "GET", PASSKEYS, None).await;
    assert_eq!(listed.json(), json!({ "passkeys": [] }));
    let other = json!({ "keystore": blob(b"other") });
    let keystore = id_path(&soft, "/keystore");
    assert_eq!(
        house
            .call(&owner, "PUT", &keystore, Some(&other))
            .await
            .status,
        404
    );
    assert_eq!(
        house
            .call(&owner, "DELETE", &id_path(&soft, ""), None)
            .await
            .status,
        404
    );
    assert_eq!(
        house
            .call(&phone, "PUT", &keystore, Some(&other))
            .await
            .status,
        204
    );
    assert_eq!(admitted(&house, &soft).await.keystore.unwrap().0, b"other");
    let large = json!({ "keystore": blob(&vec![0; 65_537]) });
    assert_eq!(
        house
            .call(&phone, "PUT", &keystore, Some(&large))
            .await
            .status,
        422
    );
    // An authenticator that has one already, and one of somebody else's.
    let options = house.call(&phone, "POST", OPTIONS, None).await.json();
    let present = &options["options"]["excludeCredentials"];
    assert_eq!(
        *present,
        json!([{ "type": "public-key", "id": blob(&soft.id) }])
    );
    let mut same = authenticator(&house, OWNER);
    same.id.clone_from(&soft.id);
    let taken = adds(&house, &owner, &same, None).await;
    assert_eq!(
        (taken.status, taken.problem().as_str()),
        (409, "/problems/already-exists")
    );
}

#[tokio::test]
async fn a_member_has_sixteen_passkeys_at_most() {
    let (house, owner) = named().await;
    let soft = added(&house, &owner, OWNER).await;
    let first = house.memory.state().passkeys[&lookup(&soft.id)].clone();
    // The sixteenth is begun twice before it is there.
    let others = [0, 1].map(|_| authenticator(&house, OWNER));
    let mut bodies = Vec::new();
    for other in &others {
        let (ceremony, challenge) = begun(&house.call(&owner, "POST", OPTIONS, None).await);
        let credential = other.creates(&challenge);
        bodies.push(json!({ "ceremony": ceremony, "credential": credential, "name": "Key" }));
    }
    for number in 2..16 {
        let mut more = first.clone();
        more.0 = Passkey {
            id: vec![number; 16],
            ..more.0
        };
        let lookup = more.0.lookup();
        house.memory.state().passkeys.insert(lookup, more);
    }
    let mut statuses = Vec::new();
    for body in &bodies {
        statuses.push(
            house
                .call(&owner, "POST", PASSKEYS, Some(body))
                .await
                .status,
        );
    }
    assert_eq!(statuses, [201, 409]);
    let refused = house.call(&owner, "POST", OPTIONS, None).await;
    assert_eq!(
        (refused.status, refused.problem().as_str()),
        (409, "/problems/limit-reached")
    );
}

#[tokio::test]
async fn strangers_learn_of_no_member_and_no_passkey() {
    let (house, owner) = named().await;
    let before = house.plain("POST", BEGIN, None).await.json();
    let soft = added(&house, &owner, OWNER).await;
    let after = house.plain("POST", BEGIN, None).await.json();
    let shape = |mut begun: Value| {
        begun["ceremony"] = Value::Null;
        begun["options"]["challenge"] = Value::Null;
        begun
    };
    assert_eq!(shape(before), shape(after.clone()));
    assert_eq!(after["options"]["allowCredentials"], json!([]));
    // An answer of nobody's passkey, and one that names the owner's: refused alike.
    let mut thief = authenticator(&house, OWNER);
    let unknown = signs_in(&house, &thief).await;
    thief.id.clone_from(&soft.id);
    let wrong = signs_in(&house, &thief).await;
    assert_eq!(
        (unknown.status, unknown.problem()),
        (wrong.status, wrong.problem())
    );
}

#[tokio::test]
async fn passkeys_need_a_name() {
    let (mut house, owner) = named().await;
    let soft = added(&house, &owner, OWNER).await;
    let named = house.host.clone();
    house.host = house.address.to_string();
    for path in [BEGIN, SIGN_IN] {
        let refused = house.plain("POST", path, Some(&json!({}))).await;
        assert_eq!(refused.status, 409, "{path}");
        assert_eq!(refused.problem(), "/problems/passkey-needs-name");
        let detail = refused.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(&format!("http://{named}")), "{detail}");
        assert_eq!(
            refused.json()["origins"],
            json!([format!("http://{named}")])
        );
    }
    let refused = house.call(&owner, "POST", OPTIONS, None).await;
    assert_eq!(refused.problem(), "/problems/passkey-needs-name");
    house.host = named;
    assert_eq!(signs_in(&house, &soft).await.status, 200);
}

#[tokio::test]
async fn secrets_and_strange_documents_are_sent_back() {
    let (house, owner) = named().await;
    let mut soft = added(&house, &owner, OWNER).await;
    soft.extensions = json!({ "prf": { "results": { "first": "c2VjcmV0" } } });
    let refused = signs_in(&house, &soft).await;
    assert_eq!(
        (refused.status, refused.problem().as_str()),
        (422, "/problems/keep-to-yourself")
    );
    let mut other = authenticator(&house, OWNER);
    other.extensions = soft.extensions.clone();
    let refused = adds(&house, &owner, &other, None).await;
    assert_eq!(
        (refused.status, refused.problem().as_str()),
        (422, "/problems/keep-to-yourself")
    );
    soft.extensions = json!({ "prf": {} });
    let good = proof(&house, &soft).await;
    for (path, value) in [
        ("/credential", json!(null)),
        ("/credential/id", json!("AAAA")),
        ("/credential/type", json!("password")),
        ("/credential/response", json!([])),
        ("/credential/response/signature", json!("A=")),
        ("/credential/response/clientDataJSON", json!("e30")),
        ("/credential/response/authenticatorData", json!("")),
    ] {
        let mut wrong = good.clone();
        *wrong.pointer_mut(path).unwrap() = value;
        let refused = house.plain("POST", SIGN_IN, Some(&wrong)).await;
        assert_eq!(refused.status, 422, "{path}: {:?}", refused.body);
    }
    assert_eq!(house.plain("POST", SIGN_IN, Some(&good)).await.status, 200);
}

#[tokio::test]
async fn r_5_wrong_passkeys_are_slowed() {
    let (house, owner) = named().await;
    let soft = added(&house, &owner, OWNER).await;
    let mut thief = authenticator(&house, OWNER);
    thief.id.clone_from(&soft.id);
    let mut last = 0;
    for _ in 0..21 {
        last = signs_in(&house, &thief).await.status;
    }
    assert_eq!(last, 429);
    assert_eq!(signs_in(&house, &soft).await.status, 200);
}

#[tokio::test]
async fn r_4_a_share_is_given_to_its_device_for_a_passkey_of_its_member_and_to_nobody_else() {
    let (house, owner) = named().await;
    let phone = house.joins(MEMBER, Role::Member);
    let (own, other) = (
        added(&house, &phone, MEMBER).await,
        added(&house, &owner, OWNER).await,
    );
    let none = proves(&house, &phone.key, SHARE, &proof(&house, &own).await).await;
    assert_eq!(none.status, 404);
    let share = json!({ "share": blob(&[5; 32]) });
    assert_eq!(
        house.call(&phone, "PUT", SHARE, Some(&share)).await.status,
        204
    );
    let short = json!({ "share": blob(&[5; 31]) });
    assert_eq!(
        house.call(&phone, "PUT", SHARE, Some(&short)).await.status,
        422
    );
    let given = proves(&house, &phone.key, SHARE, &proof(&house, &own).await).await;
    assert_eq!((given.status, given.json()), (200, share));
    let strangers = DeviceKey::generate().unwrap();
    for (key, soft) in [(&phone.key, &other), (&owner.key, &own), (&strangers, &own)] {
        let refused = proves(&house, key, SHARE, &proof(&house, soft).await).await;
        assert_eq!(refused.status, 401, "{:?}", refused.body);
    }
    let keyless = house
        .plain("POST", SHARE, Some(&proof(&house, &own).await))
        .await;
    assert_eq!(keyless.status, 401);
    house.add(
        MEMBER,
        Operation::RemoveDevice {
            device: device(MEMBER),
        },
    );
    let gone = proves(&house, &phone.key, SHARE, &proof(&house, &own).await).await;
    assert_eq!(gone.status, 401);
}

#[tokio::test]
async fn who_comes_by_an_address_is_led_to_the_gateways_real_names() {
    let mut house = House::unclaimed_called(&[
        "http://192.0.2.7:1".to_owned(),
        "http://gate.example.org:8440".to_owned(),
        "http://bartizan.local:8440".to_owned(),
        "http://x.localhost:8440".to_owned(),
    ])
    .await;
    house.memory.begin(genesis(&DeviceKey::generate().unwrap()));
    house.host = house.address.to_string();
    let refused = house.plain("POST", BEGIN, None).await;
    assert_eq!(refused.problem(), "/problems/passkey-needs-name");
    let problem = refused.json();
    let named = ["http://gate.example.org:8440", "http://bartizan.local:8440"];
    assert_eq!(problem["origins"], json!(named));
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains(named[0]), "{detail}");
}

#[tokio::test]
async fn nothing_is_looked_up_for_a_ceremony_that_is_none_of_ours() {
    let (house, owner) = named().await;
    let soft = added(&house, &owner, OWNER).await;
    let used = proof(&house, &soft).await;
    let mut forged = used.clone();
    forged["ceremony"] = blob(&[7; 72]);
    for path in [SIGN_IN, SHARE] {
        let refused = proves(&house, &owner.key, path, &forged).await;
        assert_eq!(refused.status, 401, "{:?}", refused.body);
    }
    assert_eq!(house.memory.state().looked_up, 0);
    assert_eq!(house.plain("POST", SIGN_IN, Some(&used)).await.status, 200);
    assert_eq!(house.memory.state().looked_up, 1);
}

#[tokio::test]
async fn a_ceremony_is_for_one_purpose_one_member_and_one_page() {
    let (house, owner) = named().await;
    let phone = house.joins(MEMBER, Role::Member);
    let soft = authenticator(&house, MEMBER);
    let (ceremony, challenge) = begun(&house.call(&owner, "POST", OPTIONS, None).await);
    let (signing, signed) = begun(&house.plain("POST", BEGIN, None).await);
    for (ceremony, challenge) in [(&ceremony, &challenge), (&signing, &signed)] {
        let credential = soft.creates(challenge);
        let body = json!({ "ceremony": ceremony, "credential": credential, "name": "Phone" });
        let refused = house.call(&phone, "POST", PASSKEYS, Some(&body)).await;
        assert_eq!(
            (refused.status, refused.problem().as_str()),
            (409, "/problems/precondition")
        );
    }
    let known = identity(MEMBER).public().id();
    assert_eq!(
        house.roster().member(member(MEMBER)).unwrap().identity.id(),
        known
    );
}
