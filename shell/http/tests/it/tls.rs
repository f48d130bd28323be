//! TLS as the gateway serves it: version, key exchange, the site's own certificate.

use std::sync::Arc;
use std::time::Duration;

use bartizan_base::{Tasks, TestClock};
use bartizan_domain::UtcMillis;
use bartizan_http::tls::{SiteCertificate, TlsError, server_config, site_certificate};
use bartizan_http::{Api, App, Listener, Origin, Settings, serve};
use http::Request;
use http_body_util::Empty;
use hyper_util::rt::TokioIo;
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::{default_provider, kx_group};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, NamedGroup, RootCertStore, SupportedProtocolVersion};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::house::identity;
use crate::memory::Memory;

const YEAR: u64 = 365 * 24 * 60 * 60 * 1_000;

/// The machine's time, since the client checks the certificate against it.
fn now() -> UtcMillis {
    bartizan_base::Clock::utc(&bartizan_base::SystemClock)
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

async fn serving(certificate: &SiteCertificate) -> (std::net::SocketAddr, Tasks) {
    let own: Origin = "https://gateway.local:1".parse().unwrap();
    let config = certificate.server_config().unwrap();
    let listener = Listener::with_tls("127.0.0.1:0".parse().unwrap(), config, &[own])
        .await
        .unwrap();
    let address = listener.address();
    (address, served(listener))
}

fn served(listener: Listener) -> Tasks {
    let clock = TestClock::at(now());
    let memory = Memory::new(clock.clone(), identity(3).public(), identity(4).public());
    let tasks = Tasks::new();
    let settings = Settings {
        clock: Arc::new(clock),
        tasks: tasks.clone(),
        claim: None,
    };
    let api = Api::new(Arc::new(memory), settings).unwrap();
    tasks.spawn("serve", serve(api, listener));
    tasks
}

fn trusting(
    certificate: &SiteCertificate,
    versions: &[&'static SupportedProtocolVersion],
) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    let authority = CertificateDer::from_pem_slice(certificate.authority_pem().as_bytes()).unwrap();
    roots.add(authority).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(config).into()
}

#[tokio::test]
async fn the_sites_certificate_serves_tls_13_with_a_hybrid_exchange() {
    let certificate =
        site_certificate(None, &names(&["gateway.local", "127.0.0.1"]), now()).unwrap();
    let (address, tasks) = serving(&certificate).await;
    let stream = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from("127.0.0.1").unwrap();
    let stream = trusting(&certificate, &[&TLS13])
        .connect(name, stream)
        .await
        .unwrap();
    let group = stream.get_ref().1.negotiated_key_exchange_group().unwrap();
    assert_eq!(group.name(), NamedGroup::X25519MLKEM768);
    let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream));
    let (mut sender, connection) = handshake.await.unwrap();
    tasks.spawn("client", async move { drop(connection.await) });
    let request = Request::builder()
        .uri("/api/v1/health")
        .header("host", address.to_string());
    let request = request.body(Empty::<bytes::Bytes>::new()).unwrap();
    let reply = sender.send_request(request).await.unwrap();
    assert_eq!(reply.status(), 200);
    drop(sender);
    tasks.shutdown(Duration::from_secs(10)).await;
}

/// What app and API say about coming with TLS only.
async fn strict(
    certificate: &SiteCertificate,
    listener: Listener,
    names: &[Origin],
) -> Vec<Option<String>> {
    let address = listener.address();
    // Names that change later change nothing about it.
    listener.door().set_names(names);
    let tasks = served(listener.with_app(App::new([])));
    let mut said = Vec::new();
    for path in ["/api/v1/health", "/", "/x"] {
        let stream = TcpStream::connect(address).await.unwrap();
        let name = ServerName::try_from("127.0.0.1").unwrap();
        let connector = trusting(certificate, &[&TLS13]);
        let stream = connector.connect(name, stream).await.unwrap();
        let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream));
        let (mut sender, connection) = handshake.await.unwrap();
        tasks.spawn("client", async move { drop(connection.await) });
        let request = Request::builder()
            .uri(path)
            .header("host", address.to_string());
        let request = request.body(Empty::<bytes::Bytes>::new()).unwrap();
        let reply = sender.send_request(request).await.unwrap();
        let value = reply.headers().get("strict-transport-security");
        said.push(value.map(|value| value.to_str().unwrap().to_owned()));
    }
    said
}

#[tokio::test]
async fn browsers_are_held_to_tls_by_a_given_certificate_and_never_by_the_sites_own() {
    let certificate = site_certificate(None, &names(&["127.0.0.1"]), now()).unwrap();
    let any = "127.0.0.1:0".parse().unwrap();
    let config = || certificate.server_config().unwrap();
    let own = Listener::with_tls(any, config(), &[]).await.unwrap();
    let name = ["https://gateway.local:1".parse().unwrap()];
    assert_eq!(strict(&certificate, own, &name).await, [None, None, None]);
    let given = Listener::with_tls(any, config(), &[]).await.unwrap();
    let given = strict(&certificate, given.with_given_certificate(), &name).await;
    let years = Some("max-age=63072000".to_owned());
    assert_eq!(given, [years.clone(), years.clone(), years]);
}

#[tokio::test]
async fn r_11_older_tls_is_refused() {
    let certificate = site_certificate(None, &names(&["127.0.0.1"]), now()).unwrap();
    let (address, _tasks) = serving(&certificate).await;
    let stream = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from("127.0.0.1").unwrap();
    let old = trusting(&certificate, &[&TLS12])
        .connect(name, stream)
        .await;
    assert!(old.is_err());
}

#[tokio::test]
async fn r_11_only_the_two_groups_are_taken() {
    let certificate = site_certificate(None, &names(&["127.0.0.1"]), now()).unwrap();
    let (address, _tasks) = serving(&certificate).await;
    for (group, good) in [
        (kx_group::X25519MLKEM768, true),
        (kx_group::X25519, true),
        (kx_group::SECP256R1, false),
        (kx_group::SECP384R1, false),
        (kx_group::SECP256R1MLKEM768, false),
        (kx_group::MLKEM768, false),
    ] {
        let mut roots = RootCertStore::empty();
        let authority = certificate.authority_pem().as_bytes();
        roots
            .add(CertificateDer::from_pem_slice(authority).unwrap())
            .unwrap();
        let provider = CryptoProvider {
            kx_groups: vec![group],
            ..default_provider()
        };
        let config = ClientConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(&[&TLS13])
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let stream = TcpStream::connect(address).await.unwrap();
        let name = ServerName::try_from("127.0.0.1").unwrap();
        let connected = TlsConnector::from(Arc::new(config))
            .connect(name, stream)
            .await;
        assert_eq!(connected.is_ok(), good, "{group:?}");
    }
}

#[tokio::test]
async fn a_new_certificate_is_shown_to_who_comes_next_and_ends_no_connection() {
    let wanted = names(&["127.0.0.1"]);
    let [first, second] = [(); 2].map(|()| site_certificate(None, &wanted, now()).unwrap());
    let listener = Listener::with_tls(
        "127.0.0.1:0".parse().unwrap(),
        first.server_config().unwrap(),
        &[],
    );
    let listener = listener.await.unwrap();
    let (address, door) = (listener.address(), listener.door());
    let tasks = served(listener);
    let greet = async |certificate: &SiteCertificate| {
        let stream = TcpStream::connect(address).await.unwrap();
        let name = ServerName::try_from("127.0.0.1").unwrap();
        trusting(certificate, &[&TLS13]).connect(name, stream).await
    };
    let standing = greet(&first).await.unwrap();
    door.set_certificate(second.server_config().unwrap());
    assert!(greet(&first).await.is_err());
    assert!(greet(&second).await.is_ok());
    let handshake = hyper::client::conn::http1::handshake(TokioIo::new(standing));
    let (mut sender, connection) = handshake.await.unwrap();
    tasks.spawn("client", async move { drop(connection.await) });
    let request = Request::builder()
        .uri("/api/v1/health")
        .header("host", address.to_string());
    let request = request.body(Empty::<bytes::Bytes>::new()).unwrap();
    assert_eq!(sender.send_request(request).await.unwrap().status(), 200);
}

#[tokio::test]
async fn the_authority_vouches_for_this_site_only() {
    let certificate =
        site_certificate(None, &names(&["gateway.local", "cam.example.org"]), now()).unwrap();
    let (address, _tasks) = serving(&certificate).await;
    for (name, good) in [
        ("gateway.local", true),
        ("cam.example.org", true),
        ("other.local", false),
        ("127.0.0.1", false),
    ] {
        let stream = TcpStream::connect(address).await.unwrap();
        let name = ServerName::try_from(name).unwrap();
        let connected = trusting(&certificate, &[&TLS13])
            .connect(name.clone(), stream)
            .await;
        assert_eq!(connected.is_ok(), good, "{name:?}");
    }
}

#[test]
fn a_certificate_is_kept_while_it_fits() {
    let wanted = names(&["Gateway.local", "192.168.1.5"]);
    let first = site_certificate(None, &wanted, now()).unwrap();
    let stored = first.to_bytes();
    let read = || Some(SiteCertificate::from_bytes(stored.expose()).unwrap());
    let kept = site_certificate(read(), &wanted, now()).unwrap();
    assert_eq!(kept.certificate_pem(), first.certificate_pem());
    let later = now().saturating_add(YEAR / 2);
    let renewed = site_certificate(read(), &wanted, later).unwrap();
    assert_ne!(renewed.certificate_pem(), first.certificate_pem());
    assert_eq!(renewed.authority_pem(), first.authority_pem());
    let moved = site_certificate(read(), &names(&["192.168.1.6"]), now()).unwrap();
    assert_eq!(moved.authority_pem(), first.authority_pem());
    let public = site_certificate(read(), &names(&["cam.example.org"]), now()).unwrap();
    assert_ne!(public.authority_pem(), first.authority_pem());
    let ancient = site_certificate(read(), &wanted, now().saturating_add(20 * YEAR)).unwrap();
    assert_ne!(ancient.authority_pem(), first.authority_pem());
}

#[test]
fn names_and_stored_bytes_are_checked() {
    for bad in [&[][..], &["a b"], &["*"], &["exa_mple"], &[""]] {
        let refused = site_certificate(None, &names(bad), now());
        assert!(matches!(refused, Err(TlsError::Names)), "{bad:?}");
    }
    let first = site_certificate(None, &names(&["gateway.local"]), now()).unwrap();
    assert!(matches!(
        SiteCertificate::from_bytes(b"{}"),
        Err(TlsError::Stored)
    ));
    assert!(!format!("{first:?}").contains("PRIVATE KEY"));
}

#[test]
fn given_certificates_are_checked() {
    let one = site_certificate(None, &names(&["gateway.local"]), now()).unwrap();
    let other = site_certificate(None, &names(&["gateway.local"]), now()).unwrap();
    assert!(server_config(one.certificate_pem(), one.key_pem()).is_ok());
    let mixed = server_config(one.certificate_pem(), other.key_pem());
    assert!(matches!(mixed, Err(TlsError::Unusable(_))));
    assert!(matches!(
        server_config("", one.key_pem()),
        Err(TlsError::Certificate)
    ));
    let no_key = server_config(
        one.certificate_pem(),
        &one.authority_pem().to_owned().into(),
    );
    assert!(matches!(no_key, Err(TlsError::PrivateKey)));
}
