//! What a guest or neighbour on the network gets: nothing. And what whoever is let in can't do with bad input.

use std::io::{Read, Write};
use std::time::Duration;

use bartizan_tests::api::{self, Member};
use bartizan_tests::cli::Cli;
use bartizan_tests::gateway::{Gateway, Settings};
use bartizan_tests::house::House;
use bartizan_tests::{process, programs, wait};
use serde_json::{Value, json};

const CAMERA: &str = "synthetic:?width=160&height=120&fps=5&gop=1s";

/// Methods and paths of every route, from the program's own description.
fn routes() -> Vec<(String, String)> {
    let mut command = process::command(programs::find(programs::GATEWAY).unwrap());
    let said = process::must(command.arg("openapi"), Duration::from_secs(20)).unwrap();
    let document: Value = serde_json::from_slice(&said.stdout).unwrap();
    let mut routes = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in ["get", "put", "post", "delete", "patch"] {
            if item.get(method).is_some() {
                routes.push((method.to_uppercase(), path.clone()));
            }
        }
    }
    assert!(routes.len() >= 25, "{routes:?}");
    routes
}

/// The path with ids of things that exist, so that a refusal is not just "not found".
fn filled(path: &str, house: &House) -> String {
    let camera = house.stream(None).unwrap().camera.to_string();
    let device =
        house.member().unwrap().get("/api/v1/devices").unwrap()["devices"][0]["id"].clone();
    let id = if path.contains("/devices/") {
        device.as_str().unwrap()
    } else {
        camera.as_str()
    };
    path.replace("{id}", id)
        .replace("{camera}", id)
        .replace("{epoch}", "aaaaaaaaaaaaaaaaaaaaaaaaaa")
}

/// Doors that stand open to strangers of a claimed gateway, and what they say to an empty request.
fn is_open(method: &str, path: &str) -> bool {
    matches!(
        (method, path),
        ("GET", "/api/v1/health") | ("POST", "/api/v1/sign-in/challenge")
    )
}

#[test]
fn l_5_no_route_of_a_claimed_gateway_answers_a_neighbour() {
    let house = House::claimed(Settings::with_cameras([CAMERA])).unwrap();
    let port = house.gateway.port();
    let stranger = stranger_token(port);
    for (method, path) in routes() {
        let target = filled(&path, &house);
        for headers in [
            vec![],
            vec![("content-type", "application/json")],
            vec![("authorization", "Bearer 0123456789")],
            vec![
                ("authorization", "DPoP 0123456789"),
                ("dpop", "e30.e30.e30"),
            ],
            vec![
                ("authorization", stranger.0.as_str()),
                ("dpop", stranger.1.as_str()),
            ],
            vec![
                ("cookie", "session=admin"),
                ("x-forwarded-for", "127.0.0.1"),
                ("x-real-ip", "::1"),
            ],
        ] {
            let answer = api::send(port, &method, &target, &headers, b"{}").unwrap();
            if is_open(&method, &path) {
                assert!(answer.status < 500, "{method} {target}: {}", answer.status);
                continue;
            }
            assert!(
                answer.status >= 400,
                "{method} {target} {headers:?}: {} {}",
                answer.status,
                answer.text()
            );
            assert!(
                answer.status < 500,
                "{method} {target} {headers:?}: {} {}",
                answer.status,
                answer.text()
            );
            assert!(answer.is_problem(), "{method} {target}: {}", answer.text());
            // A refusal tells nothing of the house.
            let text = answer.text();
            assert!(
                !text.contains("Camera 1") && !text.contains("Ada") && !text.contains("synthetic"),
                "{text}"
            );
        }
    }
    // Only what was meant to be open is.
    let health = api::get(port, "/api/v1/health").unwrap();
    assert_eq!(health.json().unwrap(), json!({ "status": "ok" }));
}

/// A well-formed proof of a key that nobody knows, with a token that nobody gave.
fn stranger_token(port: u16) -> (String, String) {
    let key = bartizan_access::DeviceKey::generate().unwrap();
    let token = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let request = bartizan_access::dpop::ProofRequest {
        method: "GET",
        url: &format!("http://127.0.0.1:{port}/api/v1/site"),
        iat_s: wait::now().0 / 1_000,
        jti: "a-stranger-proves-something",
        nonce: None,
        token: Some(token),
    };
    (format!("DPoP {token}"), key.proof(&request).unwrap())
}

#[test]
fn c_10_r_5_before_the_claim_only_the_claim_answers_and_guessing_ends() {
    let gateway = Gateway::start(Settings::default()).unwrap();
    let port = gateway.port();
    for (method, path) in routes() {
        let target = path
            .replace("{id}", "aaaaaaaaaaaaaaaaaaaaaaaaaa")
            .replace("{epoch}", "aaaaaaaaaaaaaaaaaaaaaaaaaa");
        let answer = api::send(port, &method, &target, &[], b"").unwrap();
        let claim = ["/api/v1/claim", "/api/v1/claim/offer"].contains(&path.as_str());
        let expected = match path.as_str() {
            "/api/v1/health" => 200..=200,
            _ if claim => 400..=429,
            _ => 404..=404,
        };
        assert!(
            expected.contains(&answer.status),
            "{method} {target}: {} {}",
            answer.status,
            answer.text()
        );
    }
    // A neighbour guesses tokens: none fits, and soon nobody listens to guesses any more.
    let mut refused = false;
    for guess in 0..40_u8 {
        let token = data_encoding::BASE64URL_NOPAD.encode(&[guess; 32]);
        let body = json!({ "token": token }).to_string();
        let headers = [("content-type", "application/json")];
        let answer = api::send(
            port,
            "POST",
            "/api/v1/claim/offer",
            &headers,
            body.as_bytes(),
        )
        .unwrap();
        assert!(
            [401, 403, 429].contains(&answer.status),
            "{} {}",
            answer.status,
            answer.text()
        );
        refused |= answer.status != 401;
    }
    assert!(refused, "forty wrong tokens were looked at");
    // A link with a wrong fingerprint is noticed by the claimer: somebody else answers at this address.
    let link = gateway.claim_link().unwrap();
    let (front, sealer) = link.rsplit_once("&s=").unwrap();
    let other = sealer.chars().rev().collect::<String>();
    let cli = Cli::new().unwrap();
    assert!(cli.claim(&format!("{front}&s={other}")).is_err());
}

/// Resident memory of a process in MiB.
fn memory(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .unwrap();
    line.split_whitespace()
        .next()
        .unwrap()
        .parse::<u64>()
        .unwrap()
        / 1_024
}

#[test]
fn g_20_hostile_requests_are_refused_in_bounded_memory() {
    let house = House::claimed(Settings::with_cameras([CAMERA])).unwrap();
    let (port, pids) = (house.gateway.port(), house.gateway.pids().unwrap());
    let before = memory(pids.serve);
    // A million header lines, one header without end, a target without end.
    for (front, piece) in [
        (
            "GET /api/v1/health HTTP/1.1\r\nhost: 127.0.0.1\r\n",
            "x-a: b\r\n",
        ),
        (
            "GET /api/v1/health HTTP/1.1\r\nhost: 127.0.0.1\r\nx-a: ",
            "aaaaaaaa",
        ),
        ("GET /api/v1/health?", "aaaaaaaa"),
    ] {
        assert!(
            pours(port, front, piece, 8_000_000) < 2_000_000,
            "{front}: taken to the end"
        );
    }
    // A body of a gibibyte, announced and sent, in both ways.
    let member = house.member().unwrap();
    for length in ["content-length: 1073741824", "transfer-encoding: chunked"] {
        let head =
            format!("POST /api/v1/claim HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n{length}\r\n\r\n");
        pours(port, &head, "40000\r\n", 64_000_000);
    }
    // A hundred bytes more than fit, with the best credentials.
    let large = vec![b' '; 1024 * 1024 + 100];
    assert_eq!(
        member
            .send("POST", "/api/v1/cameras", &large)
            .unwrap()
            .status,
        413
    );
    // Two answers to one question, and other ways to talk past a proxy.
    for smuggled in [
        "content-length: 4\r\ncontent-length: 5\r\n",
        "content-length: 4\r\ntransfer-encoding: chunked\r\n",
        "content-length: -1\r\n",
        "content-length: 4 \r\n transfer-encoding: x\r\n",
    ] {
        let request =
            format!("POST /api/v1/claim HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n{smuggled}\r\nabcde");
        let status = api::raw(port, request.as_bytes()).map_or(400, |answer| answer.status);
        assert!((400..500).contains(&status), "{smuggled:?}: {status}");
    }
    let grown = memory(pids.serve).saturating_sub(before);
    assert!(grown < 100, "the gateway grew by {grown} MiB");
    assert_eq!(house.gateway.pids().unwrap(), pids, "a process died");
    assert_eq!(member.send("GET", "/api/v1/site", b"").unwrap().status, 200);
}

/// Sends `front` and then `piece` again and again; gives how many bytes were taken before it was cut off.
fn pours(port: u16, front: &str, piece: &str, limit: usize) -> usize {
    let mut stream = api::connect(port).unwrap();
    stream
        .set_write_timeout(Some(Duration::from_secs(2)))
        .unwrap();
    stream
        .set_read_timeout(Some(Duration::from_millis(10)))
        .unwrap();
    let chunk = piece.repeat(64 * 1024 / piece.len());
    let mut sent = front.len();
    if stream.write_all(front.as_bytes()).is_err() {
        return 0;
    }
    while sent < limit {
        if stream.write_all(chunk.as_bytes()).is_err() {
            break;
        }
        sent += chunk.len();
        // An answer is the end of it: the rest would be read by nobody.
        if stream.read(&mut [0; 16]).is_ok() {
            break;
        }
    }
    sent
}

#[test]
fn g_20_documents_that_are_not_as_described_are_refused() {
    let house = House::claimed(Settings::with_cameras([CAMERA])).unwrap();
    let member = house.member().unwrap();
    let camera = format!("/api/v1/cameras/{}", house.stream(None).unwrap().camera);
    let deep = format!(
        "{{\"name\":{}1{}}}",
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    let long = format!("{{\"name\":\"{}\"}}", "a".repeat(500_000));
    let patches: Vec<Vec<u8>> = vec![
        deep.into_bytes(),
        long.into_bytes(),
        b"".to_vec(),
        b"null".to_vec(),
        b"[]".to_vec(),
        b"{\"name\":1}".to_vec(),
        b"{\"name\":\"a\",\"name\":\"b\"}".to_vec(),
        b"{\"name\":\"a\",\"admin\":true}".to_vec(),
        b"{\"name\":\"a\"} {}".to_vec(),
        b"{\"name\":\"\xff\xfe\"}".to_vec(),
        b"{\"name\":\"\\ud800\"}".to_vec(),
        b"{\"name\":\"a\\u0000b\"}".to_vec(),
        b"{\"name\":\"a\\u202eb\"}".to_vec(),
        b"{\"retention\":{\"maxHours\":-1}}".to_vec(),
        b"{\"retention\":{\"maxHours\":1e99}}".to_vec(),
        b"{\"retention\":{\"maxHours\":4294967296}}".to_vec(),
        b"{\"main\":{\"url\":\"file:///etc/passwd\"}}".to_vec(),
        b"{\"main\":{\"url\":\"rtsp://a/\\r\\nHost: b\"}}".to_vec(),
        b"{\"main\":{\"url\":\"rtsp://a:99999/\"}}".to_vec(),
        b"{\"main\":{\"url\":\"rtsp://a/\",\"transport\":\"carrier-pigeon\"}}".to_vec(),
        b"{\"main\":{\"url\":\"rtsp://a/\",\"certificate\":\"zz\"}}".to_vec(),
    ];
    for patch in patches {
        let answer = member.send("PATCH", &camera, &patch).unwrap();
        let text: String = String::from_utf8_lossy(&patch).chars().take(80).collect();
        assert!(
            (400..500).contains(&answer.status),
            "{text}: {} {}",
            answer.status,
            answer.text()
        );
        assert!(
            answer.is_problem() && answer.text().len() < 1_000,
            "{text}: {}",
            answer.text()
        );
    }
    for target in [
        "/api/v1/cameras/../cameras",
        "/api/v1/cameras/%2e%2e%2f",
        "/api/v1/cameras/%00",
        "/api/v1/cameras/aaaa",
        "/api/v1/roster?from=-1",
        "/api/v1/roster?from=18446744073709551616",
        "/api/v1/roster?from=1&from=2",
        "/api/v1/roster?admin=true",
        "//api/v1/site",
        "/api/v1/site/",
        "/api/v1/site%20",
    ] {
        let answer = member.send("GET", target, b"").unwrap();
        assert!(
            (400..500).contains(&answer.status),
            "{target}: {} {}",
            answer.status,
            answer.text()
        );
    }
    let stream = format!("{camera}/data?rendition=main");
    let no_range = member.send("GET", &stream, b"").unwrap();
    assert!((400..500).contains(&no_range.status), "{}", no_range.status);
    // Nothing of all this stuck.
    let kept = house.camera(None).unwrap();
    assert_eq!(kept["name"], "Camera 1");
    unharmed(&member);
}

fn unharmed(member: &Member) {
    assert_eq!(member.send("GET", "/api/v1/site", b"").unwrap().status, 200);
}
