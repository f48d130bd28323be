//! Problems into errors; whole requests are tried against the gateway's own HTTP layer in `crate::tests`.

use super::*;

fn problem(detail: &str) -> Vec<u8> {
    let problem = Problem {
        kind: "/problems/not-found".to_owned(),
        title: "There is no such thing".to_owned(),
        status: 404,
        detail: detail.to_owned(),
        reference: None,
        origins: Vec::new(),
    };
    serde_json::to_vec(&problem).unwrap()
}

#[test]
fn problems_are_read_and_cleaned() {
    let long = format!("a\u{1b}]0;b\u{7}\u{202e}{}", "c".repeat(1_000));
    let error = ApiError::new(StatusCode::NOT_FOUND, &HeaderMap::new(), &problem(&long));
    assert_eq!(error.kind, "not-found");
    assert!(error.detail.starts_with("a]0;bccc"));
    assert_eq!(error.detail.chars().count(), MAX_DETAIL);
}

#[test]
fn anything_else_is_told_by_its_status() {
    for body in [b"<html>".as_slice(), b"", b"{}", &problem("\n\n")] {
        let error = ApiError::new(StatusCode::BAD_GATEWAY, &HeaderMap::new(), body);
        assert_eq!(error.detail, "the gateway answers with status 502");
    }
}

#[test]
fn waiting_times_are_kept() {
    let mut headers = HeaderMap::new();
    headers.insert(header::RETRY_AFTER, HeaderValue::from_static("7"));
    let error = ApiError::new(StatusCode::TOO_MANY_REQUESTS, &headers, b"");
    assert_eq!((error.retry_after_s, error.is_transient()), (Some(7), true));
}

#[test]
fn secrets_in_headers_are_marked() {
    let value = secret("DPoP bzn_token").unwrap();
    assert!(value.is_sensitive());
    assert_eq!(format!("{value:?}"), "Sensitive");
    assert!(secret("line\nbreak").is_err());
}
