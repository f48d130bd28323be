//! Passkeys and unlock shares at the real gateway, through a restart: what is kept, to whom it is given, and that it
//! is gone when it is removed.

use bartizan_tests::api::{self, Answer, Member};
use bartizan_tests::gateway::Settings;
use bartizan_tests::house::House;
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};

use crate::soft::{PRESENT, Soft, VERIFIED};

/// The gateway called by a name, and its owner's device.
struct Named {
    port: u16,
    host: String,
    owner: Member,
}

impl Named {
    fn of(house: &House) -> Self {
        let port = house.gateway.port();
        let host = format!("localhost:{port}");
        let owner = house.member().unwrap().calling(host.clone());
        Self { port, host, owner }
    }

    fn call(&self, method: &str, path: &str, body: &Value) -> Answer {
        let body = body.to_string();
        self.owner.send(method, path, body.as_bytes()).unwrap()
    }

    fn stranger(&self, path: &str, body: &Value) -> Answer {
        let json = [("content-type", "application/json")];
        let (to, body) = ((self.port, self.host.as_str()), body.to_string());
        api::send_to(to, "POST", path, &json, body.as_bytes()).unwrap()
    }

    /// What a browser with this passkey hands over.
    fn shows(&self, soft: &Soft) -> Value {
        let begun = self.stranger("/api/v1/sign-in/passkey/options", &json!({}));
        let begun = begun.json().unwrap();
        json!({ "ceremony": begun["ceremony"], "credential": soft.gets(&challenge(&begun)) })
    }
}

fn challenge(begun: &Value) -> Vec<u8> {
    let text = begun["options"]["challenge"].as_str().unwrap();
    BASE64URL_NOPAD.decode(text.as_bytes()).unwrap()
}

fn blob(bytes: &[u8]) -> String {
    BASE64URL_NOPAD.encode(bytes)
}

/// A passkey of the owner's, with a key store beside it.
fn added(gateway: &Named) -> Soft {
    let begun = gateway.call("POST", "/api/v1/passkeys/options", &json!({}));
    let begun = begun.json().unwrap();
    let user = begun["options"]["user"]["id"].as_str().unwrap();
    let user = BASE64URL_NOPAD.decode(user.as_bytes()).unwrap();
    let soft = Soft::new(&format!("http://{}", gateway.host), "localhost", &user);
    let made = json!({
        "ceremony": begun["ceremony"],
        "credential": soft.creates(&challenge(&begun)),
        "name": "Ada's phone",
        "keystore": blob(b"locked"),
    });
    let answer = gateway.call("POST", "/api/v1/passkeys", &made);
    assert_eq!(answer.status, 201, "{}", answer.text());
    soft
}

#[test]
fn r_6_a_passkey_opens_after_a_restart_what_its_finger_or_pin_guards_and_nothing_once_removed() {
    let mut house = House::claimed(Settings::default()).unwrap();
    let gateway = Named::of(&house);
    let mut soft = added(&gateway);
    let share = json!({ "share": blob(&[7; 32]) });
    let kept = gateway.call("PUT", "/api/v1/unlock-share", &share);
    assert_eq!(kept.status, 204, "{}", kept.text());
    house.gateway.stop().unwrap();
    house.gateway.begin().unwrap();
    let listed = gateway
        .call("GET", "/api/v1/passkeys", &json!({}))
        .json()
        .unwrap();
    assert_eq!(listed["passkeys"][0]["id"], blob(&soft.id), "{listed}");
    assert_eq!(listed["passkeys"][0]["opens"], true);
    let opened = gateway.stranger("/api/v1/sign-in/passkey", &gateway.shows(&soft));
    assert_eq!(opened.status, 200, "{}", opened.text());
    let opened = opened.json().unwrap();
    assert_eq!(opened["keystore"], blob(b"locked"));
    let site = gateway.owner.get("/api/v1/site").unwrap();
    assert_eq!(opened["member"], site["member"]);
    let locked = |proof: &Value| {
        let body = proof.to_string();
        let path = "/api/v1/unlock-share";
        gateway
            .owner
            .send_bare("POST", path, body.as_bytes())
            .unwrap()
    };
    let given = locked(&gateway.shows(&soft));
    assert_eq!((given.status, given.json().unwrap()), (200, share));
    soft.flags = PRESENT;
    assert_eq!(locked(&gateway.shows(&soft)).status, 401);
    let refused = gateway.stranger("/api/v1/sign-in/passkey", &gateway.shows(&soft));
    assert_eq!(refused.status, 401, "{}", refused.text());
    soft.flags = VERIFIED;
    let path = format!("/api/v1/passkeys/{}", blob(&soft.id));
    assert_eq!(gateway.call("DELETE", &path, &json!({})).status, 204);
    let gone = gateway.stranger("/api/v1/sign-in/passkey", &gateway.shows(&soft));
    assert_eq!(gone.status, 401, "{}", gone.text());
    assert_eq!(locked(&gateway.shows(&soft)).status, 401);
}
