//! What the owner is told about a camera that does not work: precisely what, and never a word of the password.

use std::fs;

use bartizan_domain::text::Name;
use bartizan_tests::api::{Answer, Member};
use bartizan_tests::clips::Clip;
use bartizan_tests::gateway::{Settings, free_port};
use bartizan_tests::hostile::film::Film;
use bartizan_tests::hostile::{Manner, Peer};
use bartizan_tests::house::House;
use bartizan_tests::hunt::Hunt;
use bartizan_tests::rtsp::{Camera, Options};
use serde_json::{Value, json};

const RIGHT: &str = "right-password-0123456789";
const WRONG: &str = "wrong-password-9876543210";

fn test(member: &Member, url: &str) -> Answer {
    let body = json!({ "source": { "url": url } }).to_string();
    member
        .send("POST", "/api/v1/cameras/test", body.as_bytes())
        .unwrap()
}

/// The kind of a refused test, such as `camera-unauthorized`, and its words.
fn problem(answer: &Answer) -> (String, String) {
    assert!(answer.is_problem(), "{} {}", answer.status, answer.text());
    let body = answer.json().unwrap();
    let kind = body["type"]
        .as_str()
        .unwrap()
        .trim_start_matches("/problems/");
    (kind.to_owned(), body["detail"].as_str().unwrap().to_owned())
}

#[test]
fn a_working_camera_is_described() {
    let camera = Camera::start(
        Clip::H264,
        Options {
            audio: Some("aac"),
            ..Options::default()
        },
    )
    .unwrap();
    let house = House::claimed(Settings::default()).unwrap();
    let answer = test(&house.member().unwrap(), camera.url());
    assert_eq!(answer.status, 200, "{}", answer.text());
    let report = answer.json().unwrap();
    let video = &report["video"];
    assert_eq!(
        (&video["codec"], &video["width"], &video["height"]),
        (&json!("h264"), &json!(768), &json!(576))
    );
    let rate = video["framesPer1000S"].as_u64().unwrap();
    assert!((9_000..=11_000).contains(&rate), "{report}");
    let interval = video["keyframeIntervalMs"].as_u64();
    assert!(
        interval.is_none_or(|ms| (1_900..=2_100).contains(&ms)),
        "{report}"
    );
    assert_eq!(
        (&report["audio"]["codec"], &report["audio"]["sampleRate"]),
        (&json!("aac"), &json!(48_000))
    );
    assert_eq!(video["reordered"], false);
}

#[test]
#[expect(
    clippy::too_many_lines,
    reason = "one fault after the other, with one camera"
)]
fn each_fault_of_a_camera_has_its_name_and_no_answer_holds_the_password() {
    let options = Options {
        user: Some(("ada", RIGHT)),
        ..Options::default()
    };
    let camera = Camera::start(Clip::H264, options).unwrap();
    let film = Film::shoot("width=160&height=120&fps=5&gop=1s", 1).unwrap();
    let peer = |manner| Peer::start(film.clone(), manner).unwrap();
    let with_password = |peer: &Peer| peer.url().replacen("://", &format!("://ada:{WRONG}@"), 1);
    let unsupported = peer(Manner::Unsupported);
    let (banner, redirect) = (
        peer(Manner::Banner),
        peer(Manner::Redirect("rtsp://127.0.0.1:9/x".to_owned())),
    );
    let (closed, missing) = (peer(Manner::Reset), peer(Manner::NotFound));
    let house = House::claimed(Settings::default()).unwrap();
    let member = house.member().unwrap();

    let cases = [
        (camera.url_with("ada", WRONG), vec!["camera-unauthorized"]),
        (camera.url_with("bob", RIGHT), vec!["camera-unauthorized"]),
        (camera.url().to_owned(), vec!["camera-unauthorized"]),
        (
            camera
                .url_with("ada", RIGHT)
                .replace("street264", "nothing"),
            vec!["camera-not-found"],
        ),
        (
            format!("rtsp://ada:{WRONG}@127.0.0.1:{}/x", free_port().unwrap()),
            vec!["camera-unreachable"],
        ),
        (
            format!("rtsp://ada:{WRONG}@no-such-host.invalid/x"),
            vec!["camera-no-such-host"],
        ),
        (
            with_password(&unsupported),
            vec!["camera-unsupported-video"],
        ),
        (
            with_password(&banner),
            vec!["camera-protocol", "camera-closed"],
        ),
        (with_password(&redirect), vec!["camera-redirected"]),
        (with_password(&missing), vec!["camera-not-found"]),
        (
            with_password(&closed),
            vec!["camera-closed", "camera-stalled", "camera-protocol"],
        ),
        // Nothing that could be tried; the request itself is refused.
        (
            format!("http://ada:{WRONG}@127.0.0.1/x"),
            vec!["unprocessable", "invalid", "camera-bad-url"],
        ),
    ];
    let mut said = String::new();
    for (url, kinds) in cases {
        let answer = test(&member, &url);
        said.push_str(&answer.text());
        let (kind, detail) = problem(&answer);
        assert!(kinds.contains(&kind.as_str()), "{url}: {kind}: {detail}");
        assert!(
            detail.len() > 20 && !detail.contains("127.0.0.1"),
            "{kind}: {detail}"
        );
    }

    // Kept cameras, too: one that works and one whose password is wrong.
    house
        .add("Right", &camera.url_with("ada", RIGHT), &[])
        .unwrap();
    house.wait_streaming(Some("Right")).unwrap();
    house
        .add("Wrong", &camera.url_with("ada", WRONG), &[])
        .unwrap();
    let status = bartizan_tests::wait::until(bartizan_tests::house::STREAMS, "a problem", || {
        let status = house
            .status(Some("Wrong"), bartizan_domain::Rendition::Main)
            .ok()?;
        (status["problem"]["kind"] == "unauthorized").then_some(status)
    });
    said.push_str(&status.unwrap().to_string());
    said.push_str(&Value::from(house.cameras().unwrap()).to_string());
    for path in [
        "/api/v1/site",
        "/api/v1/devices",
        "/api/v1/storage",
        "/api/v1/counters",
    ] {
        said.push_str(&member.get(path).unwrap().to_string());
    }

    nowhere(&house, &said);
}

/// Neither password is in an answer, a log, a file, or what any user of the machine sees of our processes.
fn nowhere(house: &House, said: &str) {
    let hunt = Hunt::new(&[RIGHT, WRONG]).unwrap();
    let mut traces = hunt.bytes("the API's answers", said.as_bytes());
    traces.extend(hunt.bytes("the log", house.gateway.log().join("\n").as_bytes()));
    traces.extend(hunt.folder(house.gateway.data(), |_| false).unwrap());
    traces.extend(hunt.folder(house.owner.folder(), |_| false).unwrap());
    let pids = house.gateway.pids().unwrap();
    for pid in [pids.supervisor, pids.serve, pids.ingest] {
        for file in ["cmdline", "environ"] {
            let path = format!("/proc/{pid}/{file}");
            traces.extend(hunt.bytes(&path, &fs::read(&path).unwrap()));
        }
    }
    assert!(traces.is_empty(), "{traces:#?}");
}

#[test]
fn a_hostile_name_of_a_camera_is_a_name_and_nothing_else() {
    let house = House::claimed(Settings::default()).unwrap();
    let marker = std::env::temp_dir().join(format!("bartizan-rebooted-{}", std::process::id()));
    let hostile = [
        format!("$(touch {})", marker.display()),
        format!("`touch {}`", marker.display()),
        "'; DROP TABLE cameras; --".to_owned(),
        "<script>alert(1)</script>".to_owned(),
        "../../../etc/passwd".to_owned(),
        "%s%s%s%n {0} {{7*7}}".to_owned(),
        "Ω≈ç√∫ 👁 カメラ".to_owned(),
        "-rf".to_owned(),
    ];
    let hostile: Vec<String> = hostile
        .into_iter()
        .filter(|name| Name::parse(name).is_ok())
        .collect();
    assert!(hostile.len() >= 6);
    for (number, name) in hostile.iter().enumerate() {
        let url = format!("synthetic:?width=160&height=120&fps=1&seed={number}");
        let said = house
            .owner
            .must(["camera", "add", "--", name, &url])
            .unwrap();
        assert_eq!(said["name"], **name);
    }
    let names: Vec<String> = house
        .cameras()
        .unwrap()
        .iter()
        .map(|camera| camera["name"].as_str().unwrap().to_owned())
        .collect();
    assert!(hostile.iter().all(|name| names.contains(name)), "{names:?}");
    assert!(!marker.exists());
    for refused in [
        "",
        " ",
        "two\nlines",
        "bell\u{7}",
        "\u{202e}evil",
        &"x".repeat(65),
    ] {
        let said = house
            .owner
            .run(["camera", "add", refused, "synthetic:"])
            .unwrap();
        assert_eq!(said.code, Some(64), "{refused:?}: {}", said.text);
    }
}
