//! A household with a gateway on a loopback port, its members with their devices, and plain HTTP calls.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bartizan_access::DeviceKey;
use bartizan_access::claim::ClaimWindow;
use bartizan_access::dpop::ProofRequest;
use bartizan_base::{Clock, Tasks, TestClock, random};
use bartizan_domain::text::Name;
use bartizan_domain::{CameraId, DeviceId, Hash, MemberId, Secret, UtcMillis};
use bartizan_http::{Api, App, Listener, Origin, Settings, serve};
use bartizan_identity::roster::Genesis;
use bartizan_identity::{
    Operation, ReaderKey, ReaderPublic, Role, Roster, SigningKey, Statement, Suite,
};
use bartizan_protocol::api;
use bytes::Bytes;
use data_encoding::BASE64URL_NOPAD;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::memory::{Memory, SITE};

pub(crate) const NOW: UtcMillis = UtcMillis(1_800_000_000_000);

pub(crate) const SHARED: CameraId = CameraId::new([1; 16]);
pub(crate) const OTHER: CameraId = CameraId::new([2; 16]);

/// Members; their ids, devices and identities are made of this number.
pub(crate) const OWNER: u8 = 1;
pub(crate) const MEMBER: u8 = 11;
pub(crate) const VIEWER: u8 = 12;
pub(crate) const RECOVERY: u8 = 2;
const GATEWAY: u8 = 3;
const SEALER: u8 = 4;

pub(crate) const CLAIM_TOKEN: [u8; 32] = [9; 32];

pub(crate) struct House {
    pub(crate) address: SocketAddr,
    /// What requests call it: its address, until a test gives it another of its names.
    pub(crate) host: String,
    pub(crate) memory: Arc<Memory>,
    pub(crate) clock: TestClock,
    pub(crate) tasks: Tasks,
}

/// A phone with its key, and the token that it may have.
pub(crate) struct Phone {
    pub(crate) key: DeviceKey,
    pub(crate) token: String,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn problem(&self) -> String {
        let json = self.json();
        assert_eq!(
            self.headers["content-type"], "application/problem+json",
            "{json}"
        );
        assert_eq!(json["status"], self.status);
        json["type"].as_str().unwrap().to_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
}

pub(crate) fn identity(of: u8) -> SigningKey {
    SigningKey::from_seed(&Secret::new([of; 32]))
}

fn reader(of: u8) -> ReaderPublic {
    ReaderKey::from_seed(Suite::X25519, Secret::new([of; 32]))
        .public()
        .clone()
}

pub(crate) const fn member(of: u8) -> MemberId {
    MemberId::new([of; 16])
}

pub(crate) const fn device(of: u8) -> DeviceId {
    DeviceId::new([of; 16])
}

pub(crate) fn genesis(key: &DeviceKey) -> Statement {
    let genesis = Genesis {
        owner: member(OWNER),
        identity: identity(OWNER).public(),
        reader: reader(OWNER),
        device: (device(OWNER), key.thumbprint()),
        recovery_identity: identity(RECOVERY).public(),
        recovery_reader: reader(RECOVERY),
        gateway: identity(GATEWAY).public(),
        sealer: identity(SEALER).public(),
    };
    let operation = Operation::Genesis(Box::new(genesis));
    Statement::sign(&identity(OWNER), SITE, (0, Hash::ZERO), NOW, operation)
}

impl House {
    /// Not claimed yet.
    pub(crate) async fn unclaimed() -> Self {
        Self::serving(None, &[]).await
    }

    /// As [`unclaimed`](Self::unclaimed), with these origins besides its own.
    pub(crate) async fn unclaimed_called(origins: &[String]) -> Self {
        let origins = origins.iter().map(|origin| origin.parse().unwrap());
        Self::serving(None, &origins.collect::<Vec<_>>()).await
    }

    /// As [`unclaimed`](Self::unclaimed), with the app beside the API.
    pub(crate) async fn unclaimed_with(app: App) -> Self {
        Self::serving(Some(app), &[]).await
    }

    async fn serving(app: Option<App>, names: &[Origin]) -> Self {
        let clock = TestClock::at(NOW);
        let memory = Memory::new(
            clock.clone(),
            identity(GATEWAY).public(),
            identity(SEALER).public(),
        );
        let memory = Arc::new(memory);
        let tasks = Tasks::new();
        let settings = Settings {
            clock: Arc::new(clock.clone()),
            tasks: tasks.clone(),
            claim: Some(ClaimWindow::open(
                Secret::new(CLAIM_TOKEN),
                clock.monotonic(),
            )),
        };
        let api = Api::new(Arc::clone(&memory), settings).unwrap();
        let listener = Listener::in_clear("127.0.0.1:0".parse().unwrap(), names)
            .await
            .unwrap();
        let listener = match app {
            Some(app) => listener.with_app(app),
            None => listener,
        };
        let address = listener.address();
        tasks.spawn("serve", serve(api, listener));
        Self {
            address,
            host: address.to_string(),
            memory,
            clock,
            tasks,
        }
    }

    /// Claimed, with two cameras.
    pub(crate) async fn claimed() -> (Self, Phone) {
        let house = Self::unclaimed().await;
        let phone = house.takes_over();
        (house, phone)
    }

    /// Its owner, with two cameras.
    pub(crate) fn takes_over(&self) -> Phone {
        let key = DeviceKey::generate().unwrap();
        self.memory.begin(genesis(&key));
        for camera in [SHARED, OTHER] {
            let sealer = identity(SEALER).public().id();
            self.add(OWNER, Operation::AddCamera { camera, sealer });
            let row = api::Camera {
                id: camera,
                name: Name::parse("Door").unwrap(),
                source: "rtsp://camera/".to_owned(),
                streams: Vec::new(),
                retention: api::Retention::default(),
            };
            self.memory.state().cameras.insert(camera, row);
        }
        self.signed_in(OWNER, key)
    }

    fn signed_in(&self, of: u8, key: DeviceKey) -> Phone {
        let token = self
            .memory
            .session((member(of), device(of)), key.thumbprint())
            .token;
        Phone { key, token }
    }

    /// Somebody joins with a phone; viewers see the first camera.
    pub(crate) fn joins(&self, of: u8, role: Role) -> Phone {
        let cameras = if role == Role::Viewer {
            vec![SHARED]
        } else {
            Vec::new()
        };
        let identity = identity(of).public();
        let member = member(of);
        self.add(
            OWNER,
            Operation::AddMember {
                member,
                role,
                identity,
                expires: None,
                cameras,
            },
        );
        let key = DeviceKey::generate().unwrap();
        let thumbprint = key.thumbprint();
        self.add(
            of,
            Operation::AddDevice {
                member,
                device: device(of),
                thumbprint,
            },
        );
        self.signed_in(of, key)
    }

    pub(crate) fn roster(&self) -> Roster {
        let state = self.memory.state();
        state.history.as_ref().unwrap().current().clone()
    }

    pub(crate) fn statement(&self, author: u8, operation: Operation) -> Statement {
        Statement::sign(
            &identity(author),
            SITE,
            self.roster().next(),
            NOW,
            operation,
        )
    }

    pub(crate) fn add(&self, author: u8, operation: Operation) {
        let statement = self.statement(author, operation);
        self.memory.apply(statement).unwrap();
    }

    /// One request on a connection of its own, exactly as given.
    pub(crate) async fn send(&self, request: Request<Full<Bytes>>) -> Reply {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream));
        let (mut sender, connection) = handshake.await.unwrap();
        self.tasks
            .spawn("client", async move { drop(connection.await) });
        let (parts, body) = sender.send_request(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Reply {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body,
        }
    }

    /// A request with the right `Host`.
    pub(crate) fn request(&self, method: &str, path: &str) -> http::request::Builder {
        Request::builder()
            .method(method)
            .uri(path)
            .header("host", &self.host)
    }

    pub(crate) async fn plain(&self, method: &str, path: &str, body: Option<&Value>) -> Reply {
        self.send(with_body(self.request(method, path), body)).await
    }

    pub(crate) async fn nonce(&self) -> String {
        let reply = self.plain("GET", "/api/v1/health", None).await;
        reply.header("dpop-nonce").to_owned()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.host)
    }

    /// As an honest app does it.
    pub(crate) async fn call(
        &self,
        phone: &Phone,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Reply {
        let proof = self.proof(phone, method, path).await;
        self.send(with_body(self.signed(phone, &proof, method, path), body))
            .await
    }

    /// As a signed-in app that sends whatever it likes as JSON.
    pub(crate) async fn sends(&self, phone: &Phone, method: &str, path: &str, body: &str) -> Reply {
        let proof = self.proof(phone, method, path).await;
        let request = self
            .signed(phone, &proof, method, path)
            .header("content-type", "application/json");
        let body = Full::new(Bytes::copy_from_slice(body.as_bytes()));
        self.send(request.body(body).unwrap()).await
    }

    pub(crate) fn signed(
        &self,
        phone: &Phone,
        proof: &str,
        method: &str,
        path: &str,
    ) -> http::request::Builder {
        self.request(method, path)
            .header("authorization", format!("DPoP {}", phone.token))
            .header("dpop", proof)
    }

    pub(crate) async fn proof(&self, phone: &Phone, method: &str, path: &str) -> String {
        let (nonce, jti, url) = (self.nonce().await, jti(), self.url(path));
        let request = ProofRequest {
            method,
            url: &url,
            iat_s: 0,
            jti: &jti,
            nonce: Some(&nonce),
            token: Some(&phone.token),
        };
        phone.key.proof(&request).unwrap()
    }

    /// A proof without a token, for the claim and the sign-in.
    pub(crate) async fn bare_proof(&self, key: &DeviceKey, path: &str) -> String {
        let (nonce, jti, url) = (self.nonce().await, jti(), self.url(path));
        let request = ProofRequest {
            method: "POST",
            url: &url,
            iat_s: 0,
            jti: &jti,
            nonce: Some(&nonce),
            token: None,
        };
        key.proof(&request).unwrap()
    }

    /// Bytes as they are, and whatever comes back until the end of the connection, within `patience`.
    pub(crate) async fn raw(&self, bytes: &[u8], patience: Duration) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        // The server may hang up on too much before all of it is sent.
        let sent = stream.write_all(bytes).await;
        let mut answer = Vec::new();
        let read = tokio::time::timeout(patience, stream.read_to_end(&mut answer)).await;
        let text = String::from_utf8_lossy(&answer).into_owned();
        assert!(sent.is_ok() || read.is_ok(), "{text}");
        text
    }
}

pub(crate) fn jti() -> String {
    BASE64URL_NOPAD.encode(&random::bytes::<16>().unwrap())
}

pub(crate) fn with_body(
    request: http::request::Builder,
    body: Option<&Value>,
) -> Request<Full<Bytes>> {
    match body {
        Some(body) => {
            let body = Bytes::from(body.to_string());
            request
                .header("content-type", "application/json")
                .body(Full::new(body))
                .unwrap()
        }
        None => request.body(Full::default()).unwrap(),
    }
}

pub(crate) fn blob(bytes: &[u8]) -> Value {
    Value::String(BASE64URL_NOPAD.encode(bytes))
}
