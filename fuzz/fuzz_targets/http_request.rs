//! A connection to a gateway: any bytes, read by the parser that a listener has, through routes, origins,
//! credentials, queries and documents. Without credentials nobody learns anything; and nobody learns the insides.
//!
//! Some words become what bytes alone can't be: `$OWNER`, `$VIEWER` and `$STRANGER` the header lines with token
//! and proof for the request that they stand in, `$CLAIM` the claim token, `$TICKET` a ticket for live, `$LEN` the
//! bytes behind the next empty line. The first byte says whether the gateway is claimed.
#![no_main]

#[path = "../../shell/http/tests/it/gates.rs"]
mod gates;
#[path = "../../shell/http/tests/it/memory.rs"]
mod memory;

use std::cell::RefCell;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use bartizan_access::DeviceKey;
use bartizan_access::claim::ClaimWindow;
use bartizan_access::dpop::ProofRequest;
use bartizan_access::token::issue;
use bartizan_base::{Clock, Tasks, TestClock};
use bartizan_domain::text::Name;
use bartizan_domain::{CameraId, DeviceId, Fingerprint, Hash, MemberId, Secret};
use bartizan_fuzz::{START, key, reader};
use bartizan_http::fuzzing::connection;
use bartizan_http::{Api, Origin, Settings};
use bartizan_identity::roster::Genesis;
use bartizan_identity::{Operation, Role, Statement};
use bartizan_protocol::api;
use data_encoding::BASE64URL_NOPAD;
use libfuzzer_sys::fuzz_target;
use memory::{Memory, SITE};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::runtime::{Builder, Runtime};

const NAME: &str = "http://localhost:8440";
const CAMERA: CameraId = CameraId::new([1; 16]);
const CLAIM: [u8; 32] = [9; 32];

/// Bytes of an answer that are read; then the client hangs up.
const READ: usize = 64 * 1024;

struct Phone {
    key: DeviceKey,
    token: String,
}

static OWNER: LazyLock<Phone> = LazyLock::new(|| phone(1));
static VIEWER: LazyLock<Phone> = LazyLock::new(|| phone(12));

thread_local! {
    // Time passes at once where nothing else is to be done: no timer is waited for.
    static RUNTIME: Runtime = Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    static HOUSE: RefCell<Option<Arc<Memory>>> = const { RefCell::new(None) };
}

fn phone(seed: u8) -> Phone {
    let key = DeviceKey::generate().expect("a key");
    let issued = issue_for(seed, &key);
    Phone {
        token: issued.text.expose().clone(),
        key,
    }
}

fn issue_for(seed: u8, key: &DeviceKey) -> bartizan_access::token::Issued {
    let who = (MemberId::new([seed; 16]), DeviceId::new([seed; 16]));
    issue(&Secret::new([seed; 32]), who, key.thumbprint(), START)
}

fn add(memory: &Memory, author: u8, operation: Operation) {
    let next = {
        let state = memory.state();
        let history = state.history.as_ref().expect("it has begun");
        history.current().next()
    };
    let statement = Statement::sign(&key(author), SITE, next, START, operation);
    memory.apply(statement).expect("the statements are ours");
}

/// A household with an owner, a viewer and a camera.
fn claimed() -> Arc<Memory> {
    let memory = unclaimed();
    let genesis = Genesis {
        owner: MemberId::new([1; 16]),
        identity: key(1).public(),
        reader: reader(1).public().clone(),
        device: (DeviceId::new([1; 16]), OWNER.key.thumbprint()),
        recovery_identity: key(2).public(),
        recovery_reader: reader(2).public().clone(),
        gateway: key(3).public(),
        sealer: key(4).public(),
    };
    let genesis = Operation::Genesis(Box::new(genesis));
    memory.begin(Statement::sign(
        &key(1),
        SITE,
        (0, Hash::ZERO),
        START,
        genesis,
    ));
    let sealer = key(4).public().id();
    let camera = CAMERA;
    add(&memory, 1, Operation::AddCamera { camera, sealer });
    let (member, device) = (MemberId::new([12; 16]), DeviceId::new([12; 16]));
    let viewer = Operation::AddMember {
        member,
        role: Role::Viewer,
        identity: key(12).public(),
        expires: None,
        cameras: vec![CAMERA],
    };
    add(&memory, 1, viewer);
    let thumbprint: Fingerprint = VIEWER.key.thumbprint();
    let device = Operation::AddDevice {
        member,
        device,
        thumbprint,
    };
    add(&memory, 12, device);
    for (seed, phone) in [(1, &*OWNER), (12, &*VIEWER)] {
        let issued = issue_for(seed, &phone.key);
        memory.state().tokens.insert(issued.hash, issued.record);
    }
    let row = api::Camera {
        id: CAMERA,
        name: Name::parse("Door").expect("a name"),
        source: "rtsp://camera/".to_owned(),
        streams: Vec::new(),
        retention: api::Retention::default(),
    };
    memory.state().cameras.insert(CAMERA, row);
    memory
}

fn unclaimed() -> Arc<Memory> {
    let clock = TestClock::at(START);
    Arc::new(Memory::new(clock, key(3).public(), key(4).public()))
}

/// The claimed house, as long as nothing changed in it.
fn house() -> Arc<Memory> {
    HOUSE.with_borrow_mut(|house| {
        let untouched = house.take().filter(|memory| memory.state().changes == 3);
        Arc::clone(house.insert(untouched.unwrap_or_else(claimed)))
    })
}

/// What a connection answers.
async fn exchange(api: &Api<Memory>, bytes: &[u8]) -> Vec<u8> {
    let names: [Origin; 1] = [NAME.parse().expect("an origin")];
    let (mut ours, theirs) = tokio::io::duplex(256 * 1024);
    let talk = async {
        // The server may hang up before all of it is sent; in the end it does so because nothing more comes.
        drop(ours.write_all(bytes).await);
        let mut answer = Vec::new();
        drop(ours.take(READ as u64).read_to_end(&mut answer).await);
        answer
    };
    let (answer, ()) = tokio::join!(talk, connection(api, &names, theirs));
    answer
}

fn header<'a>(answer: &'a str, name: &str) -> Option<&'a str> {
    let (head, _) = answer.split_once("\r\n\r\n")?;
    let line = head.lines().find_map(|line| line.strip_prefix(name))?;
    line.strip_prefix(": ")
}

async fn nonce(api: &Api<Memory>) -> String {
    let request = b"GET /api/v1/health HTTP/1.1\r\nhost: localhost:8440\r\n\r\n";
    let answer = exchange(api, request).await;
    let answer = String::from_utf8(answer).expect("text");
    header(&answer, "dpop-nonce").expect("a nonce").to_owned()
}

/// Method and path of the request that ends in `text`.
fn request_of(text: &str) -> (&str, &str) {
    let start = text.rfind("\r\n\r\n").map_or(0, |at| at + 4);
    let line = text[start..].lines().next().unwrap_or_default();
    let mut words = line.split(' ');
    let (method, target) = (words.next(), words.next().unwrap_or_default());
    let path = target.split('?').next().unwrap_or_default();
    (method.unwrap_or_default(), path)
}

fn credentials(phone: &Phone, with_token: bool, nonce: &str, before: &str, count: usize) -> String {
    let (method, path) = request_of(before);
    let (url, jti) = (format!("{NAME}{path}"), format!("jti-{count}"));
    let request = ProofRequest {
        method,
        url: &url,
        iat_s: 0,
        jti: &jti,
        nonce: Some(nonce),
        token: with_token.then_some(phone.token.as_str()),
    };
    let Ok(proof) = phone.key.proof(&request) else {
        return String::new();
    };
    if with_token {
        format!("authorization: DPoP {}\r\ndpop: {proof}", phone.token)
    } else {
        format!("dpop: {proof}")
    }
}

async fn ticket(api: &Api<Memory>, nonce: &str, count: usize) -> String {
    let line = format!("POST /api/v1/cameras/{CAMERA}/live HTTP/1.1");
    let proof = credentials(&OWNER, true, nonce, &line, 100 + count);
    let body = r#"{"rendition":"main"}"#;
    let head = "host: localhost:8440\r\ncontent-type: application/json\r\nconnection: close";
    let len = body.len();
    let request = format!("{line}\r\n{head}\r\ncontent-length: {len}\r\n{proof}\r\n\r\n{body}");
    let answer = exchange(api, request.as_bytes()).await;
    let answer = String::from_utf8(answer).expect("text");
    let (_, document) = answer.split_once("\r\n\r\n").expect("a head");
    // There are so many tickets for a member at a time, and no more.
    let ticket = serde_json::from_str::<api::LiveTicket>(document);
    ticket.map(|ticket| ticket.ticket).unwrap_or_default()
}

/// The words become what they stand for.
async fn spelled(api: &Api<Memory>, text: &str, claimed: bool) -> String {
    let (mut out, mut rest, mut count) = (String::new(), text, 0);
    let nonce = if text.contains('$') {
        nonce(api).await
    } else {
        String::new()
    };
    while let Some(at) = rest.find('$').filter(|_| count < 8) {
        let (before, word) = rest.split_at(at);
        out.push_str(before);
        let len = word[1..].bytes().take_while(u8::is_ascii_uppercase).count();
        let (word, after) = word.split_at(1 + len);
        let spelled = match word {
            "$OWNER" => credentials(&OWNER, true, &nonce, &out, count),
            "$VIEWER" => credentials(&VIEWER, true, &nonce, &out, count),
            "$STRANGER" => credentials(&VIEWER, false, &nonce, &out, count),
            "$CLAIM" => BASE64URL_NOPAD.encode(&CLAIM),
            "$TICKET" if claimed => ticket(api, &nonce, count).await,
            other => other.to_owned(),
        };
        out.push_str(&spelled);
        (rest, count) = (after, count + 1);
    }
    out.push_str(rest);
    if let Some(at) = out.find("$LEN") {
        let body = out[at..]
            .split_once("\r\n\r\n")
            .map_or(0, |(_, body)| body.len());
        out = out.replacen("$LEN", &body.to_string(), 1);
    }
    out
}

/// What the first answer says: its status, and its document.
fn first(answer: &[u8]) -> Option<(u16, &[u8])> {
    let status = answer.strip_prefix(b"HTTP/1.")?.get(2..5)?;
    let status = std::str::from_utf8(status).ok()?.parse().ok()?;
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n")?;
    Some((status, &answer[end + 4..]))
}

/// What anybody may be told.
fn is_public(document: &[u8]) -> bool {
    let known = [br#"{"status":"ok"}"#.as_slice(), br#"{"challenge":""#];
    document.is_empty() || known.iter().any(|known| document.starts_with(known))
}

fn holds(answer: &[u8], text: &str) -> bool {
    let text = text.as_bytes();
    answer.windows(text.len()).any(|part| part == text)
}

fuzz_target!(|bytes: &[u8]| {
    let Some((choice, bytes)) = bytes.split_first() else {
        return;
    };
    let is_claimed = choice & 1 == 0;
    let memory = if is_claimed { house() } else { unclaimed() };
    let clock = memory.clock.clone();
    let window = ClaimWindow::open(Secret::new(CLAIM), clock.monotonic());
    let tasks = Tasks::new();
    let settings = Settings {
        clock: Arc::new(clock),
        tasks: tasks.clone(),
        claim: (!is_claimed).then_some(window),
    };
    let api = Api::new(memory, settings).expect("randomness");
    RUNTIME.with(|runtime| {
        runtime.block_on(async {
            let (answer, open) = match std::str::from_utf8(bytes) {
                Ok(text) if text.contains('$') => {
                    let request = spelled(&api, text, is_claimed).await;
                    (exchange(&api, request.as_bytes()).await, true)
                }
                _ => (exchange(&api, bytes).await, false),
            };
            assert!(answer.is_empty() || answer.starts_with(b"HTTP/1."));
            assert!(
                !holds(&answer, "secret path"),
                "an answer shows the insides"
            );
            if let Some((status, document)) = first(&answer) {
                assert!((100..600).contains(&status));
                assert!(open || status >= 400 || is_public(document), "{status}");
                assert!(open || status != 500);
            }
            tasks.shutdown(Duration::ZERO).await;
        });
    });
});
