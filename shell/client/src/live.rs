//! Live: a ticket, one WebSocket, opened frames; taken up again where a connection broke.
//!
//! A rejoined stream starts with the current segment from its keyframe; frames that were given out already
//! are checked once more and passed over. A stream that does not reach what this device has seen before is a
//! replay, and ends with an error. Nothing is decoded. [`Sealed`] is one such connection without the opening.

use std::ops::ControlFlow;
use std::time::Duration;

use bartizan_base::{Clock, SystemClock};
use bartizan_domain::{Monotonic, StreamId, sabotage};
use bartizan_protocol::api;
use bytes::Bytes;
use futures_util::StreamExt;
use http::Method;
use tokio::time::{sleep, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use crate::error::ClientError;
use crate::recordings::lengthen;
use crate::routes;
use crate::session::Session;
use crate::stream::{HighWater, Step, StreamReader};
use crate::transport::{Call, TransportError, Wire};

/// How long to wait for the first picture.
pub const FIRST_PICTURE: Duration = Duration::from_secs(25);

/// How long a connection may be silent: the gateway asks for a sign of life every 20 seconds.
pub const SILENCE: Duration = Duration::from_secs(45);

/// How long a stream may take to reach what this device has seen before. A sealer signs every two seconds.
pub const CATCH_UP: Duration = Duration::from_secs(15);

/// How often in a row a stream is joined again without a frame coming.
pub const MAX_REJOINS: u32 = 6;

const FIRST_PAUSE: Duration = Duration::from_millis(300);

/// Bytes that are given to the reader at a time.
const PIECE: usize = 1024 * 1024;

type Socket = WebSocketStream<Wire>;

/// Where a frame stands in its stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Number of the segment.
    pub segment: u64,
    /// Place in the segment.
    pub index: u32,
}

/// One viewer of one stream.
#[derive(Debug)]
pub struct Live<'s> {
    session: &'s Session,
    stream: StreamId,
    floor: Option<HighWater>,
    reader: Option<StreamReader>,
    sealed: Option<Sealed>,
    chunk: Bytes,
    /// The newest frame that was given out.
    given: Option<Place>,
    segment: u64,
    next_index: u32,
    began: Monotonic,
    joined: Monotonic,
    failures: u32,
    rejoins: u32,
}

impl Session {
    /// Joins a live stream. Nothing is sent before [`Live::run`].
    pub fn live(&self, stream: StreamId) -> Result<Live<'_>, ClientError> {
        let now = SystemClock.monotonic();
        Ok(Live {
            session: self,
            stream,
            floor: self.floor(stream)?,
            reader: None,
            sealed: None,
            chunk: Bytes::new(),
            given: None,
            segment: 0,
            next_index: 0,
            began: now,
            joined: now,
            failures: 0,
            rejoins: 0,
        })
    }

    /// Gets a ticket for a live stream and spends it on a connection, for whoever passes the stream on or
    /// counts it. A connection that breaks stays broken.
    ///
    /// # Errors
    /// The gateway gives no ticket, or can't be reached.
    pub async fn live_sealed(&self, stream: StreamId) -> Result<Sealed, ClientError> {
        let request = api::LiveRequest {
            rendition: stream.rendition,
        };
        let target = routes::live_ticket(stream.camera);
        let call = Call::send(Method::POST, &target, &request)?;
        let ticket: api::LiveTicket = self.transport().json(call).await?;
        let target = routes::live(&ticket.ticket);
        let socket = self.transport().websocket(&target).await?;
        Ok(Sealed { socket })
    }
}

/// One connection of a live stream, whose records stay sealed: nothing is opened or checked.
#[derive(Debug)]
pub struct Sealed {
    socket: Socket,
}

impl Sealed {
    /// The next bytes: the records of one message; none when it was a mere sign of life.
    ///
    /// # Errors
    /// Nothing comes within `patience`, the member's rights ended, or the connection broke.
    pub async fn next(&mut self, patience: Duration) -> Result<Bytes, ClientError> {
        let message = timeout(patience, self.socket.next()).await;
        match message.map_err(|_elapsed| TransportError::Slow)? {
            Some(Ok(Message::Binary(bytes))) => Ok(bytes),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(Bytes::new()),
            Some(Ok(Message::Close(Some(close)))) if close.code == CloseCode::Policy => {
                Err(ClientError::RightsEnded)
            }
            Some(Ok(_)) | None => Err(broken()),
            Some(Err(error)) => Err(TransportError::Broken(error.into()).into()),
        }
    }
}

impl Live<'_> {
    /// How often the stream was joined again.
    pub const fn rejoins(&self) -> u32 {
        self.rejoins
    }

    /// Lets `take` have every opened step, until it breaks off. Frames come with their place.
    pub async fn run<E: From<ClientError>>(
        &mut self,
        mut take: impl AsyncFnMut(Step<'_>, Place) -> Result<ControlFlow<()>, E>,
    ) -> Result<(), E> {
        self.began = SystemClock.monotonic();
        loop {
            match self.join_and_run(&mut take).await {
                Ok(()) => break,
                Err(Ended::Taker(error)) => {
                    self.leave()?;
                    return Err(error);
                }
                Err(Ended::Stream(error)) => {
                    self.leave()?;
                    self.pause(error).await?;
                }
            }
        }
        Ok(self.leave()?)
    }

    async fn join_and_run<E: From<ClientError>>(
        &mut self,
        take: &mut impl AsyncFnMut(Step<'_>, Place) -> Result<ControlFlow<()>, E>,
    ) -> Result<(), Ended<E>> {
        self.join().await?;
        loop {
            let Some(reader) = self.reader.as_mut() else {
                return Ok(());
            };
            let need = match reader.next().map_err(ClientError::from)? {
                Step::More => Need::Bytes,
                Step::NeedEnvelope(epoch) => Need::Envelope(epoch),
                Step::NeedRoster(len) => Need::Roster(len),
                step => {
                    let place = placed(&step, &mut self.segment, &mut self.next_index);
                    if let Step::Frame(_) = step {
                        self.failures = 0;
                        if self.given.is_some_and(|given| place <= given) {
                            continue;
                        }
                        self.given = Some(place);
                    }
                    match take(step, place).await.map_err(Ended::Taker)? {
                        ControlFlow::Continue(()) => continue,
                        ControlFlow::Break(()) => return Ok(()),
                    }
                }
            };
            match need {
                Need::Bytes => self.pull().await?,
                Need::Envelope(epoch) => {
                    let record = self.session.envelope(self.stream, epoch).await?;
                    if let Some(reader) = self.reader.as_mut() {
                        reader.envelope(epoch, &record).map_err(ClientError::from)?;
                    }
                }
                Need::Roster(len) => {
                    if let Some(reader) = self.reader.as_mut() {
                        lengthen(self.session, reader, len).await?;
                    }
                }
            }
            self.check_fresh()?;
        }
    }

    async fn join(&mut self) -> Result<(), ClientError> {
        let sealed = self.session.live_sealed(self.stream).await?;
        let (history, keys) = (self.session.history().await?, self.session.keys());
        self.reader = Some(StreamReader::live(self.stream, history, keys, self.floor));
        self.sealed = Some(sealed);
        self.joined = SystemClock.monotonic();
        Ok(())
    }

    /// Gives the reader the next bytes.
    async fn pull(&mut self) -> Result<(), ClientError> {
        while self.chunk.is_empty() {
            let patience = match self.given {
                Some(_) => SILENCE,
                None => FIRST_PICTURE.saturating_sub(SystemClock.monotonic().since(self.began)),
            };
            let sealed = self.sealed.as_mut().ok_or_else(broken)?;
            self.chunk = match sealed.next(patience).await {
                Err(ClientError::Transport(TransportError::Slow)) if self.given.is_none() => {
                    let seconds = FIRST_PICTURE.as_secs();
                    return Err(ClientError::NoPicture { seconds });
                }
                next => next?,
            };
        }
        let piece = self.chunk.split_to(self.chunk.len().min(PIECE));
        if let Some(reader) = self.reader.as_mut() {
            reader.push(&piece)?;
        }
        Ok(())
    }

    /// A stream that runs for a while and still is behind what was seen is not live.
    fn check_fresh(&self) -> Result<(), ClientError> {
        let behind = self
            .reader
            .as_ref()
            .is_some_and(|reader| !reader.has_caught_up());
        let long = SystemClock.monotonic().since(self.joined) > CATCH_UP;
        if behind && long && !sabotage::off("N-4") {
            return Err(ClientError::Replayed);
        }
        Ok(())
    }

    /// Ends the connection and keeps what was seen.
    fn leave(&mut self) -> Result<(), ClientError> {
        self.sealed = None;
        self.chunk = Bytes::new();
        let high = self.reader.take().and_then(|reader| reader.high_water());
        if let Some(high) = high {
            let higher = self.floor.is_none_or(|floor| floor.counter < high.counter);
            if higher {
                self.floor = Some(high);
                self.session.note(self.stream, Some(high))?;
            }
        }
        Ok(())
    }

    /// Waits before the stream is joined again, or gives the error when that is of no use.
    async fn pause(&mut self, error: ClientError) -> Result<(), ClientError> {
        let waited = SystemClock.monotonic().since(self.began);
        let may_help = match &error {
            // A gateway ends a stream when the household's roster changes, to go on under a new epoch.
            ClientError::Transport(TransportError::Broken(_)) => {
                self.given.is_some() || waited < FIRST_PICTURE
            }
            // What fails at first is the person's to hear.
            ClientError::Transport(TransportError::Dial(_) | TransportError::Slow) => {
                self.given.is_some()
            }
            ClientError::Transport(TransportError::Api(error)) => {
                self.given.is_some() && error.is_transient()
            }
            _ => false,
        };
        if !may_help || self.failures >= MAX_REJOINS {
            return Err(error);
        }
        sleep(FIRST_PAUSE.saturating_mul(1 << self.failures)).await;
        self.failures = self.failures.saturating_add(1);
        self.rejoins = self.rejoins.saturating_add(1);
        Ok(())
    }
}

enum Need {
    Bytes,
    Envelope(bartizan_domain::EpochId),
    Roster(u64),
}

/// Why a connection is left.
enum Ended<E> {
    Stream(ClientError),
    Taker(E),
}

impl<E> From<ClientError> for Ended<E> {
    fn from(error: ClientError) -> Self {
        Self::Stream(error)
    }
}

fn broken() -> ClientError {
    TransportError::Broken("the gateway ended the live stream".into()).into()
}

/// Counts segments and frames along.
const fn placed(step: &Step<'_>, segment: &mut u64, next_index: &mut u32) -> Place {
    if let Step::Segment(begun) = step {
        *segment = begun.header.number;
        *next_index = 0;
    }
    let place = Place {
        segment: *segment,
        index: *next_index,
    };
    if let Step::Frame(_) = step {
        *next_index = next_index.saturating_add(1);
    }
    place
}
