//! The guide: a page and two downloads in clear, and nothing else to anybody; and its one question to the site.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bartizan_base::{Clock, SystemClock, Tasks, TestClock};
use bartizan_domain::UtcMillis;
use bartizan_http::guide::{self, Guide, GuideListener};
use bartizan_http::tls::{SiteCertificate, authority_der, fingerprint, site_certificate};
use bartizan_http::{Api, App, Listener, Settings, serve, serve_guide};
use bartizan_identity::key::sha256;
use bytes::Bytes;
use data_encoding::{BASE64, HEXUPPER};
use http::{HeaderMap, Request};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::house::identity;
use crate::memory::Memory;

const NAME: &str = "bartizan.local";

/// A site with TLS and its guide, both on loopback.
struct Site {
    app: SocketAddr,
    guide: SocketAddr,
    certificate: SiteCertificate,
    tasks: Tasks,
}

struct Reply {
    status: u16,
    headers: HeaderMap,
    body: Bytes,
}

impl Reply {
    fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().unwrap())
    }

    fn text(&self) -> String {
        String::from_utf8(self.body.to_vec()).unwrap()
    }
}

impl Site {
    async fn start() -> Self {
        let now = SystemClock.utc();
        let names = [NAME.to_owned(), "127.0.0.1".to_owned()];
        let certificate = site_certificate(None, &names, now).unwrap();
        let clock = TestClock::at(UtcMillis(1_800_000_000_000));
        let memory = Memory::new(clock.clone(), identity(3).public(), identity(4).public());
        let tasks = Tasks::new();
        let settings = Settings {
            clock: Arc::new(clock),
            tasks: tasks.clone(),
            claim: None,
        };
        let api = Api::new(Arc::new(memory), settings).unwrap();
        let any = "127.0.0.1:0".parse().unwrap();
        let config = certificate.server_config().unwrap();
        let listener = Listener::with_tls(any, config, &[]).await.unwrap();
        let (door, app) = (listener.door(), listener.address());
        let origin = format!("https://{NAME}:{}", app.port()).parse().unwrap();
        door.set_names(&[Clone::clone(&origin)]);
        let guide = Guide::new(&origin, certificate.authority_pem()).unwrap();
        let hosts = [NAME.to_owned()];
        let guides = GuideListener::open(any, &hosts, guide, &door)
            .await
            .unwrap();
        door.set_guide(guides.address().port());
        let guide = guides.address();
        tasks.spawn("serve", serve(api, listener.with_app(App::new([]))));
        tasks.spawn("guide", serve_guide(guides, tasks.clone()));
        Self {
            app,
            guide,
            certificate,
            tasks,
        }
    }

    async fn over(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        request: Request<Full<Bytes>>,
    ) -> Reply {
        let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream));
        let (mut sender, connection) = handshake.await.unwrap();
        self.tasks
            .spawn("client", async move { drop(connection.await) });
        let (parts, body) = sender.send_request(request).await.unwrap().into_parts();
        Reply {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body: body.collect().await.unwrap().to_bytes(),
        }
    }

    /// In clear, from the guide.
    async fn asks(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Reply {
        let own = format!("{NAME}:{}", self.guide.port());
        let mut request = Request::builder().method(method).uri(path);
        if headers.iter().all(|(name, _)| *name != "host") {
            request = request.header("host", own);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let stream = TcpStream::connect(self.guide).await.unwrap();
        self.over(stream, request.body(Full::default()).unwrap())
            .await
    }

    /// With TLS, as who trusts the site's authority.
    async fn sealed(&self, to: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Reply {
        let mut roots = rustls::RootCertStore::empty();
        let authority = self.certificate.authority_pem().as_bytes();
        roots
            .add(CertificateDer::from_pem_slice(authority).unwrap())
            .unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let stream = TcpStream::connect(to).await.unwrap();
        let name = ServerName::try_from(NAME).unwrap();
        let connector = TlsConnector::from(Arc::new(config));
        let stream = connector.connect(name, stream).await.unwrap();
        let host = format!("{NAME}:{}", to.port());
        let request = Request::builder().uri(path);
        let request = headers.iter().fold(request, |request, (name, value)| {
            request.header(*name, *value)
        });
        let request = request.header("host", host).body(Full::default()).unwrap();
        self.over(stream, request).await
    }
}

#[tokio::test]
async fn the_page_comes_in_the_readers_language() {
    let site = Site::start().await;
    for (language, expected) in [
        ("", "en"),
        ("de-AT,de;q=0.9,en;q=0.5", "de"),
        ("fr-FR,en-GB;q=0.8,de;q=0.5", "en"),
        ("fr,DE;q=0.3", "de"),
        ("ja", "en"),
        ("é", "en"),
    ] {
        let page = site
            .asks("GET", "/", &[("accept-language", language)])
            .await;
        let text = page.text();
        assert_eq!(page.status, 200);
        assert!(text.starts_with("<!doctype html>\n"), "{text}");
        assert!(
            text.contains(&format!("<html lang=\"{expected}\">")),
            "{language}"
        );
        assert!(!text.contains("{{"), "{text}");
        assert!(text.contains(&format!("https://{NAME}:{}/trust-check", site.app.port())));
    }
}

#[tokio::test]
async fn the_page_shows_no_fingerprint_and_the_downloads_are_the_authority() {
    let site = Site::start().await;
    let der = authority_der(site.certificate.authority_pem()).unwrap();
    let print = fingerprint(&der);
    assert_eq!(
        print.replace(' ', ""),
        HEXUPPER.encode(sha256(&[&der]).as_bytes())
    );
    let groups: Vec<_> = print.split(' ').collect();
    assert_eq!(groups.len(), 16);
    for language in ["en", "de"] {
        let page = site
            .asks("GET", "/", &[("accept-language", language)])
            .await;
        let text = page.text().to_uppercase();
        let shown = groups.iter().filter(|group| text.contains(**group));
        // A group may stand in the page's own words or hashes by chance, not more.
        assert!(shown.count() < 3, "{language}: {text}");
        assert_eq!(text.matches("<DETAILS").count(), 6);
        // Each list says what to compare, and with what.
        let lists: Vec<_> = text.split("<DETAILS").skip(1).collect();
        let screen = if language == "en" {
            "MACHINE’S SCREEN"
        } else {
            "BILDSCHIRM DER MASCHINE"
        };
        for list in lists {
            let list = list.split("</DETAILS>").next().unwrap();
            assert!(list.contains("SHA") && list.contains(screen), "{list}");
        }
    }
    let page = site.asks("GET", "/", &[]).await.text();
    let file = site.asks("GET", guide::CERTIFICATE, &[]).await;
    assert_eq!(file.header("content-type"), "application/x-x509-ca-cert");
    assert_eq!(file.body, der);
    let profile = site.asks("GET", guide::PROFILE, &[]).await;
    assert_eq!(
        profile.header("content-type"),
        "application/x-apple-aspen-config"
    );
    assert!(
        profile
            .text()
            .contains(&format!("<data>{}</data>", BASE64.encode(&der)))
    );
    assert!(!page.contains("PRIVATE") && !profile.text().contains("PRIVATE"));
}

#[tokio::test]
async fn the_guide_can_do_nothing_else() {
    let site = Site::start().await;
    for path in [
        "/api/v1/health",
        "/api/v1/claim",
        "/api",
        "/index.html",
        "/claim",
        "/trust-check",
        "/x",
        "//",
        "/bartizan-ca.crt/",
        "/bartizan-ca.key",
        "/%2e/",
    ] {
        let reply = site.asks("GET", path, &[("accept", "text/html")]).await;
        assert_eq!(reply.status, 404, "{path}");
    }
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "CONNECTED"] {
        assert_eq!(site.asks(method, "/", &[]).await.status, 405, "{method}");
    }
    let page = site.asks("GET", "/", &[("cookie", "a=b")]).await;
    let policy = page.header("content-security-policy");
    assert!(
        policy.starts_with("default-src 'none'; style-src 'sha256-"),
        "{policy}"
    );
    assert!(policy.contains(&format!("connect-src https://{NAME}:{};", site.app.port())));
    assert!(!policy.contains("unsafe"), "{policy}");
    for name in ["set-cookie", "access-control-allow-origin", "dpop-nonce"] {
        assert!(!page.headers.contains_key(name), "{name}");
    }
    assert_eq!(page.header("cache-control"), "no-store");
}

#[tokio::test]
async fn l_6_the_guide_answers_to_its_own_names_only() {
    let site = Site::start().await;
    let port = site.guide.port();
    for (host, expected) in [
        (format!("{NAME}:{port}"), 200),
        (format!("127.0.0.1:{port}"), 200),
        (format!("localhost:{port}"), 200),
        (format!("rebound.example:{port}"), 421),
        (format!("192.0.2.1:{port}"), 421),
        (NAME.to_owned(), 421),
        (format!("{NAME}:{}", site.app.port()), 421),
    ] {
        for path in ["/", guide::CERTIFICATE] {
            assert_eq!(
                site.asks("GET", path, &[("host", &host)]).await.status,
                expected,
                "{host}"
            );
        }
    }
}

/// A second address of this machine stands for one on its network.
#[tokio::test]
async fn an_address_is_answered_only_by_who_was_connected_to_by_it() {
    let site = Site::start().await;
    let guide = Guide::new(
        &format!("https://{NAME}").parse().unwrap(),
        site.certificate.authority_pem(),
    );
    let door = Listener::in_clear("127.0.0.1:0".parse().unwrap(), &[])
        .await
        .unwrap()
        .door();
    let any = "0.0.0.0:0".parse().unwrap();
    let everywhere = GuideListener::open(any, &[], guide.unwrap(), &door)
        .await
        .unwrap();
    let port = everywhere.address().port();
    site.tasks
        .spawn("guide", serve_guide(everywhere, site.tasks.clone()));
    for (host, expected) in [("127.0.0.2", 200), ("127.0.0.3", 421)] {
        let stream = TcpStream::connect(("127.0.0.2", port)).await.unwrap();
        let request = Request::builder()
            .uri("/")
            .header("host", format!("{host}:{port}"));
        let reply = site
            .over(stream, request.body(Full::default()).unwrap())
            .await;
        assert_eq!(reply.status, expected, "{host}");
    }
}

#[tokio::test]
async fn a_browser_that_trusts_already_reads_the_guide_over_tls() {
    let site = Site::start().await;
    let page = site.sealed(site.guide, "/", &[]).await;
    assert_eq!((page.status, page.text().contains("<main>")), (200, true));
    assert_eq!(
        site.sealed(site.guide, "/api/v1/health", &[]).await.status,
        404
    );
}

#[tokio::test]
async fn l_6_only_the_guide_may_ask_for_trust() {
    let site = Site::start().await;
    let (app, port) = (site.app.port(), site.guide.port());
    let cross = ("sec-fetch-site", "cross-site");
    for own in [
        format!("http://{NAME}:{port}"),
        format!("http://127.0.0.1:{port}"),
    ] {
        let reply = site
            .sealed(site.app, "/trust-check", &[("origin", &own), cross])
            .await;
        assert_eq!((reply.status, reply.body.len()), (204, 0), "{own}");
        assert_eq!(reply.header("access-control-allow-origin"), own);
        assert_eq!(reply.header("vary"), "origin");
    }
    for foreign in [
        "http://evil.example".to_owned(),
        format!("http://evil.example:{port}"),
        format!("http://192.0.2.1:{port}"),
        format!("http://{NAME}"),
        format!("http://{NAME}:{app}"),
        "null".to_owned(),
    ] {
        let reply = site
            .sealed(site.app, "/trust-check", &[("origin", &foreign)])
            .await;
        assert_eq!(reply.status, 403, "{foreign}");
        assert!(
            !reply.headers.contains_key("access-control-allow-origin"),
            "{foreign}"
        );
    }
    assert_eq!(site.sealed(site.app, "/trust-check", &[]).await.status, 403);
}

#[tokio::test]
async fn silent_readers_leave_places_to_others() {
    let site = Site::start().await;
    let mut silent = Vec::new();
    for _ in 0..64 {
        silent.push(TcpStream::connect(site.guide).await.unwrap());
    }
    // One address has 16 places, which are taken: more are closed at once.
    let last = silent.last().unwrap();
    let closed = tokio::time::timeout(Duration::from_secs(5), last.readable());
    assert!(closed.await.is_ok());
    drop(silent);
    let mut answered = false;
    for _ in 0..50 {
        let stream = TcpStream::connect(site.guide).await.unwrap();
        let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream));
        let Ok((mut sender, connection)) = handshake.await else {
            continue;
        };
        site.tasks
            .spawn("client", async move { drop(connection.await) });
        let host = format!("{NAME}:{}", site.guide.port());
        let request = Request::builder().uri("/").header("host", host);
        let reply = sender
            .send_request(request.body(Full::<Bytes>::default()).unwrap())
            .await;
        answered = reply.is_ok();
        if answered {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(answered);
}
