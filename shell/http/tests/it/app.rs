//! The app beside the API: what a browser gets, what another site's page gets, and that neither opens the other.

use std::io::Write;

use bartizan_http::app::{App, File};

use crate::house::{House, Reply, with_body};

const PAGE: File = File {
    path: "/index.html",
    media_type: "text/html; charset=utf-8",
    bytes: b"<!doctype html><title>Bartizan</title>",
    brotli: Some(b"packed page"),
    immutable: false,
};

const SCRIPT: File = File {
    path: "/assets/main-abc.js",
    media_type: "text/javascript; charset=utf-8",
    bytes: b"void 0",
    brotli: None,
    immutable: true,
};

const HTML: (&str, &str) = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8");
const CROSS: (&str, &str) = ("sec-fetch-site", "cross-site");

async fn asks(house: &House, method: &str, path: &str, headers: &[(&str, &str)]) -> Reply {
    let request = headers
        .iter()
        .fold(house.request(method, path), |request, (name, value)| {
            request.header(*name, *value)
        });
    house.send(with_body(request, None)).await
}

async fn house() -> House {
    House::unclaimed_with(App::new([PAGE, SCRIPT])).await
}

#[tokio::test]
async fn routes_of_the_app_get_its_page_and_files_only_their_names() {
    let house = house().await;
    for path in [
        "/",
        "/claim",
        "/camera/abc",
        "/playback?t=1",
        "/index.html",
        "/apix",
    ] {
        let reply = asks(&house, "GET", path, &[HTML]).await;
        assert_eq!((reply.status, &reply.body[..]), (200, PAGE.bytes), "{path}");
        assert_eq!(reply.header("cache-control"), "no-cache");
        assert_eq!(reply.header("content-type"), PAGE.media_type);
    }
    let script = asks(&house, "GET", SCRIPT.path, &[]).await;
    assert_eq!((script.status, &script.body[..]), (200, SCRIPT.bytes));
    assert_eq!(
        script.header("cache-control"),
        "public, max-age=31536000, immutable"
    );
    for (path, headers) in [
        ("/assets/other.js", &[HTML][..]),
        ("/favicon.ico", &[HTML]),
        ("/assets/../index.html", &[HTML]),
        ("/%69ndex.html", &[HTML]),
        ("/settings", &[("accept", "application/json")]),
        ("/settings", &[]),
        ("/settings", &[("accept", "text/html;q=0")]),
    ] {
        let reply = asks(&house, "GET", path, headers).await;
        assert_eq!(
            (reply.status, reply.header("cache-control")),
            (404, "no-store"),
            "{path}"
        );
    }
}

#[tokio::test]
async fn the_api_never_falls_to_the_app() {
    let house = house().await;
    for path in [
        "/api",
        "/api/",
        "/api/v1",
        "/api/v1/nothing",
        "/api/v2/site",
    ] {
        let reply = asks(&house, "GET", path, &[HTML]).await;
        assert_eq!(reply.status, 404, "{path}");
        assert_eq!(reply.problem(), "/problems/not-found");
        assert!(!reply.header("content-security-policy").contains("'self'"));
    }
    assert_eq!(asks(&house, "GET", "/api/v1/health", &[]).await.status, 200);
}

#[tokio::test]
async fn what_the_browser_has_is_not_sent_again() {
    let house = house().await;
    let plain = asks(&house, "GET", "/", &[]).await;
    let packed = asks(&house, "GET", "/", &[("accept-encoding", "gzip, br")]).await;
    assert_eq!(
        (packed.header("content-encoding"), &packed.body[..]),
        ("br", &b"packed page"[..])
    );
    assert_eq!(packed.header("vary"), "accept-encoding");
    assert_ne!(plain.header("etag"), packed.header("etag"));
    let tag = plain.header("etag").to_owned();
    for known in [tag.clone(), format!("\"x\", W/{tag}"), "*".to_owned()] {
        let again = asks(&house, "GET", "/", &[("if-none-match", &known)]).await;
        assert_eq!((again.status, again.body.len()), (304, 0), "{known}");
        assert_eq!(again.header("etag"), tag);
    }
    let other = asks(
        &house,
        "GET",
        "/",
        &[("if-none-match", packed.header("etag"))],
    )
    .await;
    assert_eq!(other.status, 200);
    let refused = asks(&house, "GET", "/", &[("accept-encoding", "br;q=0")]).await;
    assert_eq!(&refused.body[..], PAGE.bytes);
}

#[tokio::test]
async fn files_can_only_be_fetched() {
    let house = house().await;
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"] {
        let reply = asks(&house, method, "/", &[HTML]).await;
        assert_eq!(
            (reply.status, reply.header("allow")),
            (405, "GET, HEAD"),
            "{method}"
        );
    }
    let head = asks(&house, "HEAD", "/", &[]).await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("content-length"), PAGE.bytes.len().to_string());
}

#[tokio::test]
async fn every_answer_of_the_app_is_fenced_in() {
    let house = house().await;
    for path in ["/", SCRIPT.path, "/missing.js"] {
        let reply = asks(&house, "GET", path, &[]).await;
        let policy = reply.header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self';"),
            "{policy}"
        );
        for word in [
            "require-trusted-types-for 'script'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
        ] {
            assert!(policy.contains(word), "{word}");
        }
        assert!(
            !policy.contains("unsafe") && !policy.contains("http"),
            "{policy}"
        );
        assert_eq!(reply.header("cross-origin-opener-policy"), "same-origin");
        assert_eq!(reply.header("cross-origin-resource-policy"), "same-origin");
        assert_eq!(reply.header("referrer-policy"), "no-referrer");
        assert_eq!(reply.header("x-content-type-options"), "nosniff");
        assert!(reply.header("permissions-policy").contains("camera=(), "));
        assert!(!reply.headers.contains_key("set-cookie"));
        assert!(!reply.headers.contains_key("access-control-allow-origin"));
    }
}

#[tokio::test]
async fn l_6_a_link_from_elsewhere_leads_to_a_page_and_nothing_else_crosses() {
    let house = house().await;
    let visit = [
        HTML,
        CROSS,
        ("sec-fetch-mode", "navigate"),
        ("sec-fetch-dest", "document"),
    ];
    for path in ["/", "/claim", "/join"] {
        assert_eq!(
            asks(&house, "GET", path, &visit).await.status,
            200,
            "{path}"
        );
    }
    let framed = [
        HTML,
        CROSS,
        ("sec-fetch-mode", "navigate"),
        ("sec-fetch-dest", "iframe"),
    ];
    let fetched = [
        HTML,
        CROSS,
        ("sec-fetch-mode", "no-cors"),
        ("sec-fetch-dest", "empty"),
    ];
    let form = [HTML, ("origin", "http://evil.example")];
    let posted = [visit[0], visit[1], visit[2], visit[3], form[1]];
    for (path, headers) in [
        ("/", &framed[..]),
        ("/", &fetched),
        ("/", &form),
        ("/", &posted),
        (SCRIPT.path, &visit),
        ("/api/v1/health", &visit),
    ] {
        let reply = asks(&house, "GET", path, headers).await;
        assert_eq!(
            (reply.status, reply.problem().as_str()),
            (403, "/problems/cross-origin"),
            "{path}"
        );
    }
}

#[tokio::test]
async fn l_6_the_app_answers_to_its_own_names_only() {
    let house = house().await;
    let port = house.address.port();
    for (host, expected) in [
        (format!("localhost:{port}"), 200),
        (format!("127.0.0.1:{port}"), 200),
        (format!("[::1]:{port}"), 200),
        (format!("rebound.example:{port}"), 421),
        ("localhost".to_owned(), 421),
    ] {
        let request = http::Request::builder().uri("/").header("host", &host);
        assert_eq!(
            house.send(with_body(request, None)).await.status,
            expected,
            "{host}"
        );
    }
}

#[tokio::test]
async fn a_program_without_the_app_says_how_to_build_it() {
    let house = House::unclaimed_with(App::new([])).await;
    let reply = asks(&house, "GET", "/", &[HTML]).await;
    let text = String::from_utf8(reply.body.to_vec()).unwrap();
    assert_eq!((reply.status, text.lines().count()), (200, 1), "{text}");
    assert!(text.contains("cargo xtask up"), "{text}");
    assert_eq!(asks(&house, "GET", "/x.js", &[]).await.status, 404);
}

#[tokio::test]
async fn localhost_is_answered_in_both_families() {
    let house = house().await;
    let port = house.address.port();
    for address in ["127.0.0.1", "::1"] {
        let address: std::net::IpAddr = address.parse().unwrap();
        if std::net::TcpListener::bind((address, 0)).is_err() {
            drop(writeln!(std::io::stderr(), "SKIPPED(no {address} here)"));
            continue;
        }
        assert!(
            tokio::net::TcpStream::connect((address, port))
                .await
                .is_ok(),
            "{address}"
        );
    }
}
