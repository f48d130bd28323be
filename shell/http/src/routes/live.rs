//! Live: a ticket for a member, then one WebSocket for the ticket, carrying sealed records.
//!
//! Only the gateway speaks: a viewer's messages end the connection. What is in flight for one viewer is one
//! frame of 64 KiB and whatever the feed holds; a viewer that takes nothing for [`STALL`] is dropped. Rights
//! are watched for all viewers at once, twice a second: a revoked viewer is cut within a second, even in the
//! middle of a message.

use std::future::Future;
use std::pin::{Pin, pin};
use std::time::Duration;

use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use bartizan_access::Caller;
use bartizan_access::decide::{Authorized, ViewLive};
use bartizan_access::ticket;
use bartizan_base::Shutdown;
use bartizan_domain::{CameraId, Millis, StreamId};
use bartizan_protocol::api as doc;
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::server::create_response_with_body;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{CloseCode, Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error as WsError, Message};

use crate::api::{Api, RECHECK};
use crate::auth::Member;
use crate::backend::{Backend, LiveFeed};
use crate::extract::{Doc, Id, Query};
use crate::problem::{Answer, ApiError, Kind};

/// Largest frame to a viewer in bytes; longer messages are fragmented (RFC 6455 §5.4).
const MAX_FRAME: usize = 64 * 1_024;

/// Largest frame and message from a viewer in bytes: nothing but control frames is expected.
const MAX_INCOMING: usize = 1_024;

/// How long a viewer may take for one frame.
const STALL: Duration = Duration::from_secs(10);

/// How often a viewer is asked whether it is still there; after two without a sign it is dropped.
const PING: Duration = Duration::from_secs(20);

/// Asks for a ticket, good once and for 30 seconds, that opens `/api/v1/live?ticket=…`.
#[utoipa::path(post, path = "/api/v1/cameras/{id}/live", tag = "live", security(("dpop" = [])), request_body = doc::LiveRequest,
    params(("id" = String, Path, description = "Camera id")),
    responses((status = 200, body = doc::LiveTicket)))]
pub(super) async fn ticket<B: Backend>(
    State(api): State<Api<B>>,
    Member(caller): Member,
    Id(camera): Id<CameraId>,
    Doc(request): Doc<doc::LiveRequest>,
) -> Answer<Json<doc::LiveTicket>> {
    let rendition = request.rendition;
    let who = api.permit(caller, ViewLive(StreamId { camera, rendition }))?;
    let random = crate::api::secret()?;
    let ticket = api.tickets().issue(&random, &who, api.now())?;
    let lifetime = Millis::try_from(ticket::LIFETIME.as_millis()).unwrap_or(Millis::MAX);
    let expires_ms = api.utc().saturating_add(lifetime);
    Ok(Json(doc::LiveTicket { ticket, expires_ms }))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct TicketParam {
    /// From the ticket's document.
    #[serde(default)]
    ticket: String,
}

/// A WebSocket (RFC 6455) of binary messages: sealed records, whole. The ticket stands for token and proof.
#[utoipa::path(get, path = "/api/v1/live", tag = "live", params(TicketParam),
    responses((status = 101), (status = 401), (status = 426), (status = 503)))]
pub(super) async fn watch<B: Backend>(
    State(api): State<Api<B>>,
    Query(query): Query<TicketParam>,
    mut request: Request,
) -> Answer<Response> {
    if query.ticket.is_empty() {
        return Err(ticket::BadTicket.into());
    }
    let upgrade = request.extensions_mut().remove::<OnUpgrade>();
    let answer = create_response_with_body(&request, axum::body::Body::empty).ok();
    let (Some(upgrade), Some(answer)) = (upgrade, answer) else {
        return Err(ApiError::upgrade_required());
    };
    let spent = api.tickets().spend(&query.ticket, api.now())?;
    let who = api.permit(Caller::of_ticket(&spent), ViewLive(spent.stream()))?;
    let place = std::sync::Arc::clone(api.viewers()).try_acquire_owned();
    let place = place.map_err(|_full| {
        ApiError::new(
            Kind::Unavailable,
            "As many viewers watch as the gateway can serve.",
        )
    })?;
    let feed = api.backend().watch(who).await?;
    let viewer = Viewer {
        api: api.clone(),
        who,
        place,
    };
    api.tasks().spawn("viewer", viewer.serve(upgrade, feed));
    Ok(answer.into_response())
}

/// Somebody who watches. The place is free again when this is dropped.
struct Viewer<B: Backend> {
    api: Api<B>,
    who: Authorized<ViewLive>,
    place: OwnedSemaphorePermit,
}

/// Why a viewer's connection ends.
enum End {
    /// Tell them (RFC 6455 §7.4.1).
    Close(CloseCode),
    /// Nobody is there to be told.
    Gone,
}

type Socket = WebSocketStream<TokioIo<Upgraded>>;

impl<B: Backend> Viewer<B> {
    async fn serve(self, upgrade: OnUpgrade, feed: B::Live) {
        let Ok(Ok(upgraded)) = timeout(STALL, upgrade).await else {
            return;
        };
        let mut config = WebSocketConfig::default();
        config.read_buffer_size = MAX_INCOMING;
        config.write_buffer_size = 0;
        config.max_write_buffer_size = 2 * MAX_FRAME;
        config.max_message_size = Some(MAX_INCOMING);
        config.max_frame_size = Some(MAX_INCOMING);
        let io = TokioIo::new(upgraded);
        let mut socket = WebSocketStream::from_raw_socket(io, Role::Server, Some(config)).await;
        if let End::Close(code) = self.pump(&mut socket, feed).await {
            let frame = CloseFrame {
                code,
                reason: "".into(),
            };
            // A viewer that does not read its farewell misses nothing.
            drop(timeout(RECHECK, socket.close(Some(frame))).await);
        }
        drop(self.place);
    }

    async fn pump(&self, socket: &mut Socket, mut feed: B::Live) -> End {
        let mut ended = pin!(self.ended());
        let mut pings = interval(PING);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut unanswered = 0_u8;
        loop {
            let message = tokio::select! {
                biased;
                code = &mut ended => return End::Close(code),
                heard = socket.next() => {
                    if let Some(end) = heard_from(heard.as_ref()) {
                        return end;
                    }
                    unanswered = 0;
                    continue;
                },
                batch = feed.next() => match batch {
                    Some(batch) => batch,
                    None => return End::Close(CloseCode::Away),
                },
                _ = pings.tick() => {
                    if unanswered >= 2 {
                        return End::Gone;
                    }
                    unanswered = unanswered.saturating_add(1);
                    Bytes::new()
                }
            };
            let sent = tokio::select! {
                biased;
                // In the middle of a message there is no room for a farewell.
                _ = &mut ended => return End::Gone,
                sent = send(socket, message) => sent,
            };
            if sent.is_err() {
                return End::Gone;
            }
        }
    }

    /// Waits until the viewer's rights or the program end.
    async fn ended(&self) -> CloseCode {
        let mut shutdown = self.api.tasks().shutdown_signal();
        let revoked = pin!(self.revoked());
        select_end(&mut shutdown, revoked).await
    }

    async fn revoked(&self) {
        let mut rights = self.api.rights();
        while self.holds() && rights.changed().await.is_ok() {}
    }

    fn holds(&self) -> bool {
        let (roster, now) = (self.api.backend().roster(), self.api.utc());
        roster.is_some_and(|roster| self.who.still_holds(&roster, now))
    }
}

async fn select_end(
    shutdown: &mut Shutdown,
    revoked: Pin<&mut impl Future<Output = ()>>,
) -> CloseCode {
    tokio::select! {
        () = shutdown.begun() => CloseCode::Restart,
        () = revoked => CloseCode::Policy,
    }
}

/// What a viewer's message means; `None` is a sign of life.
fn heard_from(heard: Option<&Result<Message, WsError>>) -> Option<End> {
    match heard {
        Some(Ok(Message::Ping(_) | Message::Pong(_))) => None,
        Some(Ok(Message::Text(_) | Message::Binary(_) | Message::Frame(_))) => {
            Some(End::Close(CloseCode::Unsupported))
        }
        Some(Err(WsError::Capacity(_))) => Some(End::Close(CloseCode::Size)),
        Some(Err(WsError::Protocol(_))) => Some(End::Close(CloseCode::Protocol)),
        Some(Ok(Message::Close(_)) | Err(_)) | None => Some(End::Gone),
    }
}

/// The viewer is gone, or too slow.
struct Lost;

/// Sends one message in frames of at most [`MAX_FRAME`]; an empty one is a ping.
async fn send(socket: &mut Socket, message: Bytes) -> Result<(), Lost> {
    if message.is_empty() {
        return send_frame(socket, Message::Ping(Bytes::new())).await;
    }
    let mut rest = message;
    let mut data = Data::Binary;
    while !rest.is_empty() {
        let piece = rest.split_to(rest.len().min(MAX_FRAME));
        let frame = Frame::message(piece, OpCode::Data(data), rest.is_empty());
        send_frame(socket, Message::Frame(frame)).await?;
        data = Data::Continue;
    }
    Ok(())
}

async fn send_frame(socket: &mut Socket, frame: Message) -> Result<(), Lost> {
    match timeout(STALL, socket.send(frame)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) | Err(_) => Err(Lost),
    }
}
