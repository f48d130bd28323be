//! Parses what comes in: bodies, paths and queries, each bounded, each fault with a precise problem.

use std::time::Duration;

use axum::extract::{FromRequest, FromRequestParts, RawPathParams, Request};
use bartizan_domain::limits::MAX_API_BODY;
use bartizan_domain::{UtcMillis, sabotage};
use bartizan_identity::Statement;
use bartizan_protocol::blob::Blob;
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::request::Parts;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use crate::backend::TimeRange;
use crate::problem::{Answer, ApiError, Kind};

/// How long a body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(20);

/// Bytes of a query string.
const MAX_QUERY: usize = 1_024;

/// Characters of a parser's complaint that are passed on.
const MAX_COMPLAINT: usize = 200;

/// A JSON document of at most 1 MiB in the body.
#[derive(Debug)]
pub(crate) struct Doc<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Doc<T> {
    type Rejection = ApiError;

    async fn from_request(req: Request, _: &S) -> Answer<Self> {
        let (parts, body) = req.into_parts();
        if !is_json(&parts) {
            let detail = "Send JSON, with `Content-Type: application/json`.";
            return Err(ApiError::new(Kind::UnsupportedMediaType, detail));
        }
        let max = max_body();
        let announced = parts.headers.get(CONTENT_LENGTH).map(|len| len.to_str());
        if let Some(Ok(len)) = announced
            && len.parse::<usize>().is_ok_and(|len| len > max)
        {
            return Err(too_large());
        }
        let read = Limited::new(body, max).collect();
        let body = tokio::time::timeout(BODY_TIMEOUT, read).await;
        let body = body.map_err(|_elapsed| {
            ApiError::new(Kind::RequestTimeout, "The body did not arrive in time.")
        })?;
        document(&body.map_err(|error| cut(&*error))?.to_bytes()).map(Self)
    }
}

/// RFC 9110 §8.3; parameters such as a charset are ignored, as RFC 8259 §11 has none.
fn is_json(parts: &Parts) -> bool {
    let value = parts.headers.get(CONTENT_TYPE).map(|value| value.to_str());
    let Some(Ok(value)) = value else {
        return false;
    };
    let essence = value.split(';').next().unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("application/json")
}

fn max_body() -> usize {
    if sabotage::off("G-20") {
        usize::MAX
    } else {
        MAX_API_BODY
    }
}

fn too_large() -> ApiError {
    let detail = format!("A request body has at most {MAX_API_BODY} bytes.");
    ApiError::new(Kind::TooLarge, detail)
}

fn cut(error: &(dyn std::error::Error + Send + Sync + 'static)) -> ApiError {
    if error.is::<LengthLimitError>() {
        too_large()
    } else {
        ApiError::new(Kind::BadRequest, "The body ended before its time.")
    }
}

/// Nesting is bounded by the parser (128). An array of the fields' values is not taken for an object.
fn document<T: DeserializeOwned>(body: &Bytes) -> Answer<T> {
    if body.trim_ascii_start().starts_with(b"[") && !sabotage::off("G-20") {
        return Err(unprocessable("The document is an object, not an array."));
    }
    let read = match serde_json::from_slice(body) {
        Err(_) if sabotage::off("G-2") => serde_json::from_slice(b"{}"),
        read => read,
    };
    read.map_err(|error| {
        let complaint: String = error.to_string().chars().take(MAX_COMPLAINT).collect();
        let kind = match error.classify() {
            Category::Data => Kind::Unprocessable,
            Category::Eof | Category::Io | Category::Syntax => Kind::BadRequest,
        };
        ApiError::new(kind, complaint)
    })
}

/// A roster statement out of a document; its signature is checked by the roster.
pub(crate) fn statement(blob: &Blob) -> Answer<Statement> {
    Statement::decode(&blob.0).map_err(|error| unprocessable(error.to_string()))
}

/// The document is JSON, and wrong.
pub(crate) fn unprocessable(detail: impl Into<std::borrow::Cow<'static, str>>) -> ApiError {
    ApiError::new(Kind::Unprocessable, detail)
}

/// One path parameter that is an id. Text that is none names nothing: 404.
pub(crate) fn id<T: std::str::FromStr>(params: &RawPathParams, name: &str) -> Answer<T> {
    let found = params.iter().find(|(key, _)| *key == name);
    let parsed = found.and_then(|(_, text)| text.parse().ok());
    parsed.ok_or_else(ApiError::not_found)
}

/// An id, `{id}` in the path.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Id<T>(pub(crate) T);

impl<T: std::str::FromStr, S: Send + Sync> FromRequestParts<S> for Id<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Answer<Self> {
        let params = RawPathParams::from_request_parts(parts, state).await;
        id(&params.map_err(|_undecodable| ApiError::not_found())?, "id").map(Self)
    }
}

/// A query string whose every field is known.
#[derive(Debug, Clone)]
pub(crate) struct Query<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Answer<Self> {
        if parts
            .uri
            .query()
            .is_some_and(|query| query.len() > MAX_QUERY)
        {
            let detail = format!("A query has at most {MAX_QUERY} bytes.");
            return Err(ApiError::new(Kind::BadRequest, detail));
        }
        match axum::extract::Query::try_from_uri(&parts.uri) {
            Ok(axum::extract::Query(query)) => Ok(Self(query)),
            Err(error) => {
                let complaint: String = error.body_text().chars().take(MAX_COMPLAINT).collect();
                Err(ApiError::new(Kind::BadRequest, complaint))
            }
        }
    }
}

/// A moment as people or programs write it: RFC 3339, or milliseconds since 1970.
pub(crate) fn moment(field: &'static str, text: &str) -> Answer<UtcMillis> {
    if let Ok(millis) = text.parse::<u64>() {
        return Ok(UtcMillis(millis));
    }
    let time = text.parse::<Timestamp>().ok();
    let millis = time.and_then(|time| u64::try_from(time.as_millisecond()).ok());
    millis.map(UtcMillis).ok_or_else(|| {
        let detail = format!(
            "`{field}` is not a time: give it like 2026-11-22T10:55:00Z, or as milliseconds since 1970."
        );
        ApiError::new(Kind::BadRequest, detail)
    })
}

/// `from` and `to`, each of which may be absent.
pub(crate) fn time_range(from: Option<&str>, to: Option<&str>) -> Answer<TimeRange> {
    let from = from.map(|text| moment("from", text)).transpose()?;
    let to = to.map(|text| moment("to", text)).transpose()?;
    let range = TimeRange {
        from: from.unwrap_or_default(),
        to: to.unwrap_or(UtcMillis(u64::MAX)),
    };
    if range.from < range.to {
        Ok(range)
    } else {
        Err(ApiError::new(
            Kind::BadRequest,
            "`from` must be earlier than `to`.",
        ))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn times_are_read_in_both_forms() {
        for (text, millis) in [
            ("0", 0),
            ("1700000000123", 1_700_000_000_123),
            ("1970-01-01T00:00:01Z", 1_000),
            ("1970-01-01T01:00:01.5+01:00", 1_500),
        ] {
            assert_eq!(moment("from", text).unwrap(), UtcMillis(millis), "{text}");
        }
        for text in [
            "",
            "yesterday",
            "-1",
            "1969-12-31T23:59:59Z",
            "2026-13-01T00:00:00Z",
            "1e3",
        ] {
            assert!(moment("from", text).is_err(), "{text}");
        }
    }

    #[test]
    fn ranges_run_forward() {
        assert!(time_range(None, None).is_ok());
        assert!(time_range(Some("5"), Some("6")).is_ok());
        assert!(time_range(Some("5"), Some("5")).is_err());
        assert!(time_range(Some("6"), Some("1970-01-01T00:00:00.005Z")).is_err());
    }

    proptest! {
        #[test]
        fn foreign_text_never_panics(text in ".{0,64}") {
            prop_assert!(moment("to", &text).is_err() || !text.is_empty());
        }
    }
}
