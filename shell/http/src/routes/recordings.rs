//! Recordings: spans, segments, sealed bytes and the envelopes that open them.
//!
//! A stream's sealed bytes are one long virtual file that grows at its end and loses its beginning to
//! retention. Its offsets never change. It is never read whole: a `Range` is obligatory, and bytes are passed
//! on as the disk gives them. A failure after the head ends the connection, since a length was promised.

use std::ops::Range;

use axum::Json;
use axum::body::Body;
use axum::extract::{RawPathParams, State};
use axum::response::{IntoResponse, Response};
use bartizan_access::decide::{Authorized, ReadEnvelope, ViewRecording};
use bartizan_base::{Error, ErrorKind};
use bartizan_domain::{CameraId, Monotonic, Rendition, StreamId};
use bartizan_protocol::api::{self, MAX_SEGMENTS};
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, StatusCode, header};
use serde::Deserialize;

use crate::api::{Api, RECHECK};
use crate::auth::Member;
use crate::backend::{Backend, DataFeed};
use crate::extract::{Id, Query, id, time_range};
use crate::problem::{Answer, ApiError, Kind};
use crate::range::ByteRange;

/// Sealed bytes are of no type that a browser would show.
const SEALED: &str = "application/octet-stream";

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct SpanParams {
    /// `main` or `sub`.
    #[param(value_type = String)]
    rendition: Rendition,
    /// RFC 3339, or milliseconds since 1970; absent: from the beginning.
    from: Option<String>,
    /// RFC 3339, or milliseconds since 1970; absent: to the end.
    to: Option<String>,
}

/// Recorded spans that touch a stretch of time.
#[utoipa::path(get, path = "/api/v1/cameras/{id}/recordings", tag = "recordings", security(("dpop" = [])),
    params(("id" = String, Path, description = "Camera id"), SpanParams),
    responses((status = 200, body = api::Recordings)))]
pub(super) async fn recordings<B: Backend>(
    State(api): State<Api<B>>,
    Member(caller): Member,
    Id(camera): Id<CameraId>,
    Query(query): Query<SpanParams>,
) -> Answer<Json<api::Recordings>> {
    let rendition = query.rendition;
    let who = api.permit(caller, ViewRecording(StreamId { camera, rendition }))?;
    let range = time_range(query.from.as_deref(), query.to.as_deref())?;
    Ok(Json(api.backend().recordings(who, range).await?))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct SegmentParams {
    /// `main` or `sub`.
    #[param(value_type = String)]
    rendition: Rendition,
    /// RFC 3339, or milliseconds since 1970; absent: from the beginning.
    from: Option<String>,
    /// RFC 3339, or milliseconds since 1970; absent: to the end.
    to: Option<String>,
    /// 1 to 1,000; absent: 1,000.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
}

/// Where the segments that touch a stretch of time lie in the stream's sealed bytes.
#[utoipa::path(get, path = "/api/v1/cameras/{id}/segments", tag = "recordings", security(("dpop" = [])),
    params(("id" = String, Path, description = "Camera id"), SegmentParams),
    responses((status = 200, body = api::Segments)))]
pub(super) async fn segments<B: Backend>(
    State(api): State<Api<B>>,
    Member(caller): Member,
    Id(camera): Id<CameraId>,
    Query(query): Query<SegmentParams>,
) -> Answer<Json<api::Segments>> {
    let rendition = query.rendition;
    let who = api.permit(caller, ViewRecording(StreamId { camera, rendition }))?;
    let range = time_range(query.from.as_deref(), query.to.as_deref())?;
    let limit = query.limit.unwrap_or(MAX_SEGMENTS);
    if limit == 0 || limit > MAX_SEGMENTS {
        let detail = format!("`limit` is between 1 and {MAX_SEGMENTS}.");
        return Err(ApiError::new(Kind::BadRequest, detail));
    }
    Ok(Json(api.backend().segments(who, range, limit).await?))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct DataParams {
    /// `main` or `sub`.
    #[param(value_type = String)]
    rendition: Rendition,
}

/// Sealed bytes of a stream: one range of them.
#[utoipa::path(get, path = "/api/v1/cameras/{id}/data", tag = "recordings", security(("dpop" = [])),
    params(("id" = String, Path, description = "Camera id"), DataParams,
        ("Range" = String, Header, description = "One byte range (RFC 9110 §14.1.2)")),
    responses((status = 206, content_type = "application/octet-stream", body = Vec<u8>), (status = 416)))]
pub(super) async fn data<B: Backend>(
    State(api): State<Api<B>>,
    Member(caller): Member,
    Id(camera): Id<CameraId>,
    Query(query): Query<DataParams>,
    headers: HeaderMap,
) -> Answer<Response> {
    let rendition = query.rendition;
    let who = api.permit(caller, ViewRecording(StreamId { camera, rendition }))?;
    let asked = asked_range(&headers)?;
    let kept = api.backend().extent(&who).await?;
    let range = asked.within(&kept).ok_or_else(|| {
        let detail = format!("Bytes {} to {} are kept.", kept.start, kept.end);
        ApiError::range(kept.end, detail)
    })?;
    let feed = api.backend().read(who, range.clone()).await?;
    let content_range = format!(
        "bytes {}-{}/{}",
        range.start,
        range.end.saturating_sub(1),
        kept.end
    );
    let head = [
        (header::CONTENT_TYPE, SEALED.to_owned()),
        (header::CONTENT_RANGE, content_range),
        (
            header::CONTENT_LENGTH,
            range.end.saturating_sub(range.start).to_string(),
        ),
        (header::ACCEPT_RANGES, "bytes".to_owned()),
    ];
    let body = Sending::new(api, who, feed, &range).into_body();
    Ok((StatusCode::PARTIAL_CONTENT, head, body).into_response())
}

fn asked_range(headers: &HeaderMap) -> Answer<ByteRange> {
    let mut values = headers.get_all(header::RANGE).iter();
    let value = match (values.next().map(|value| value.to_str()), values.next()) {
        (Some(Ok(value)), None) => value,
        _ => "",
    };
    ByteRange::parse(value).map_err(|error| ApiError::new(Kind::BadRequest, error.to_string()))
}

/// Sealed bytes on their way out.
struct Sending<B: Backend> {
    api: Api<B>,
    who: Authorized<ViewRecording>,
    feed: B::Data,
    remaining: u64,
    checked: Monotonic,
}

impl<B: Backend> Sending<B> {
    fn new(api: Api<B>, who: Authorized<ViewRecording>, feed: B::Data, range: &Range<u64>) -> Self {
        Self {
            checked: api.now(),
            api,
            who,
            feed,
            remaining: range.end.saturating_sub(range.start),
        }
    }

    fn into_body(self) -> Body {
        Body::from_stream(stream::try_unfold(self, |mut this| async move {
            let next = this.next().await.inspect_err(|error| {
                tracing::debug!(err = %bartizan_base::chain(error), "recording cut short");
            });
            Ok::<_, Error>(next?.map(|bytes| (bytes, this)))
        }))
    }

    /// Exactly as many bytes as were promised, or an error.
    async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        if self.remaining == 0 {
            return Ok(None);
        }
        self.recheck()?;
        let bytes = self.feed.next().await?;
        let bytes =
            bytes.ok_or_else(|| Error::new(ErrorKind::DataLoss, "a recording ended early"))?;
        let len = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let left = self.remaining.checked_sub(len);
        self.remaining =
            left.ok_or_else(|| Error::internal("a recording is longer than asked for"))?;
        Ok(Some(bytes))
    }

    /// Long downloads end with the rights that began them.
    fn recheck(&mut self) -> Result<(), Error> {
        let now = self.api.now();
        if now.since(self.checked) < RECHECK {
            return Ok(());
        }
        self.checked = now;
        let roster = self.api.backend().roster();
        let holds = roster.is_some_and(|roster| self.who.still_holds(&roster, self.api.utc()));
        holds
            .then_some(())
            .ok_or_else(|| Error::new(ErrorKind::PermissionDenied, "the right to watch ended"))
    }
}

/// The envelope of an epoch: who may open it, and their wraps.
#[utoipa::path(get, path = "/api/v1/cameras/{id}/epochs/{epoch}", tag = "recordings", security(("dpop" = [])),
    params(("id" = String, Path, description = "Camera id"), ("epoch" = String, Path, description = "Epoch id")),
    responses((status = 200, content_type = "application/octet-stream", body = Vec<u8>)))]
pub(super) async fn envelope<B: Backend>(
    State(api): State<Api<B>>,
    Member(caller): Member,
    params: RawPathParams,
) -> Answer<Response> {
    let (camera, epoch) = (id(&params, "id")?, id(&params, "epoch")?);
    let who = api.permit(caller, ReadEnvelope(camera, epoch))?;
    let envelope = api.backend().envelope(who).await?;
    Ok(([(header::CONTENT_TYPE, SEALED)], envelope).into_response())
}
