//! Connections: how many there may be, TLS, the limits of a request's head, and their orderly end.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::middleware::from_fn_with_state;
use bartizan_base::{Shutdown, Tasks, chain};
use bartizan_domain::sabotage;
use futures_util::future::join_all;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;

use crate::api::Api;
use crate::app;
use crate::backend::Backend;
use crate::guide::GuideListener;
use crate::listen::{Door, Listener};
use crate::origin::Origins;
use crate::routes::router;
use crate::stall::Progress;

/// Connections of one listener at the same time, viewers apart. Further ones wait in the system's queue.
pub const MAX_CONNECTIONS: usize = 2_048;

/// Connections of one address (of one /64 in IPv6). Further ones are closed at once, so that one address
/// leaves a quarter of the places to others.
pub const MAX_PER_PEER: usize = 1_536;

/// Connections of the guide, and of one address to it.
const GUIDE_CONNECTIONS: usize = 64;
const GUIDE_PER_PEER: usize = 16;

/// Header fields of one request; with more the answer is 431.
pub const MAX_HEADERS: usize = 64;

/// Bytes of a request's head; with more the answer is 431.
pub const MAX_HEAD: usize = 16 * 1_024;

/// How long a head may take to arrive, and a connection may be idle.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a TLS handshake may take.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long requests may go on after the shutdown began.
const GRACE: Duration = Duration::from_secs(5);

/// Pause after the system refused a connection (no file descriptors …).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Where a connection arrived: this machine's own address for it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Local(pub(crate) SocketAddr);

/// Serves the API on a listener until the program ends; then finishes what is under way, for at most five
/// seconds. Viewers are told to come back.
pub async fn serve<B: Backend>(api: Api<B>, listener: Listener) {
    api.watch_rights();
    let mut router = router(&api);
    if let Some(app) = &listener.app {
        router = router.layer(from_fn_with_state(Arc::clone(app), app::in_front));
    }
    let server = Server {
        router,
        names: listener.door.clone(),
        certificate: listener.door,
        either: false,
        tasks: api.tasks().clone(),
        places: Arc::new(Semaphore::new(MAX_CONNECTIONS)),
        peers: Peers::up_to(MAX_PER_PEER),
    };
    server.run(listener.sockets, MAX_CONNECTIONS).await;
}

/// Serves the guide on its listener until the program ends.
pub async fn serve_guide(listener: GuideListener, tasks: Tasks) {
    let server = Server {
        router: listener.router,
        names: listener.names,
        certificate: listener.certificate,
        either: true,
        tasks,
        places: Arc::new(Semaphore::new(GUIDE_CONNECTIONS)),
        peers: Peers::up_to(GUIDE_PER_PEER),
    };
    server.run(listener.sockets, GUIDE_CONNECTIONS).await;
}

struct Server {
    router: Router,
    names: Door,
    certificate: Door,
    /// In clear or with TLS, as the client begins; else as the certificate's door says.
    either: bool,
    tasks: Tasks,
    places: Arc<Semaphore>,
    peers: Peers,
}

impl Server {
    async fn run(&self, sockets: Vec<TcpListener>, places: usize) {
        let mut shutdown = self.tasks.shutdown_signal();
        tokio::select! {
            () = shutdown.begun() => {}
            _ = join_all(sockets.iter().map(|socket| self.accept(socket))) => {}
        }
        drop(sockets);
        let all = u32::try_from(places).unwrap_or(u32::MAX);
        // Whoever is left after the grace is cut off with the task group.
        drop(timeout(GRACE, self.places.acquire_many(all)).await);
    }

    async fn accept(&self, socket: &TcpListener) {
        loop {
            let Ok(place) = Arc::clone(&self.places).acquire_owned().await else {
                return;
            };
            match socket.accept().await {
                Ok((stream, peer)) => self.admit(stream, peer.ip(), place),
                Err(error) => {
                    tracing::warn!(err = %chain(&error), "a connection was not accepted");
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    fn admit(&self, stream: TcpStream, peer: IpAddr, place: OwnedSemaphorePermit) {
        let Some(peer) = self.peers.enter(peer) else {
            tracing::debug!("a connection was closed: its address has too many");
            return;
        };
        let connection = Connection {
            router: self.router.clone(),
            origins: self.names.now().origins,
            local: stream.local_addr().ok().map(Local),
            shutdown: self.tasks.shutdown_signal(),
        };
        let (tls, either) = (self.certificate.now().tls, self.either);
        self.tasks.spawn("connection", async move {
            connection.run(stream, tls, either).await;
            drop((peer, place));
        });
    }
}

struct Connection {
    router: Router,
    origins: Arc<Origins>,
    local: Option<Local>,
    shutdown: Shutdown,
}

impl Connection {
    async fn run(self, stream: TcpStream, tls: Option<TlsAcceptor>, either: bool) {
        // Frames leave as soon as they are sealed.
        if stream.set_nodelay(true).is_err() {
            return;
        }
        let clear = either && !begins_with_tls(&stream).await;
        let stream = Progress::new(stream);
        let Some(tls) = tls.filter(|_| !clear) else {
            return self.speak(stream).await;
        };
        match timeout(HANDSHAKE_TIMEOUT, tls.accept(stream)).await {
            Ok(Ok(stream)) => self.speak(stream).await,
            Ok(Err(error)) => tracing::debug!(err = %chain(&error), "a TLS handshake failed"),
            Err(_elapsed) => tracing::debug!("a TLS handshake took too long"),
        }
    }

    async fn speak(mut self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let (origins, local) = (self.origins, self.local);
        let service = self
            .router
            .map_request(move |mut request: Request<Incoming>| {
                request.extensions_mut().insert(Arc::clone(&origins));
                if let Some(local) = local {
                    request.extensions_mut().insert(local);
                }
                request.map(Body::new)
            });
        let connection = parser()
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service))
            .with_upgrades();
        let mut connection = std::pin::pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = self.shutdown.begun() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(err = %chain(&error), "a connection ended badly");
        }
    }
}

/// Whether the client opens with a TLS handshake (RFC 8446 §5.1), which no HTTP request begins like. The byte
/// stays in the stream.
async fn begins_with_tls(stream: &TcpStream) -> bool {
    const HANDSHAKE: u8 = 22;
    let mut first = [0];
    let seen = timeout(HANDSHAKE_TIMEOUT, stream.peek(&mut first)).await;
    matches!(seen, Ok(Ok(1))) && first == [HANDSHAKE]
}

/// One connection over anything, for fuzzers.
#[cfg(fuzzing)]
pub(crate) async fn speak_over<B: Backend>(
    api: &Api<B>,
    origins: Arc<Origins>,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
) {
    let connection = Connection {
        router: router(api),
        origins,
        local: None,
        shutdown: api.tasks().shutdown_signal(),
    };
    connection.speak(stream).await;
}

fn parser() -> http1::Builder {
    let mut parser = http1::Builder::new();
    parser
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT);
    if sabotage::off("G-20") {
        parser.max_headers(100_000);
    } else {
        parser.max_headers(MAX_HEADERS).max_header_size(MAX_HEAD);
    }
    parser.max_buf_size(4 * MAX_HEAD);
    parser
}

/// How many connections each address has, and may have.
#[derive(Debug, Clone)]
struct Peers {
    counts: Arc<Mutex<BTreeMap<IpAddr, usize>>>,
    most: usize,
}

/// One connection of an address, counted until it is dropped.
struct Counted(Peers, IpAddr);

impl Peers {
    fn up_to(most: usize) -> Self {
        let counts = Arc::default();
        Self { counts, most }
    }

    fn enter(&self, address: IpAddr) -> Option<Counted> {
        let place = place_of(address);
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(place).or_default();
        if *count >= self.most {
            return None;
        }
        *count = count.saturating_add(1);
        Some(Counted(self.clone(), place))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let counts = &self.0.counts;
        let mut counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.1) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                counts.remove(&self.1);
            }
        }
    }
}

/// One household's or host's place: an IPv4 address, or the /64 around an IPv6 address (RFC 6177).
fn place_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(ip) => IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() & (u128::MAX << 64))),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_leaves_places_to_others() {
        let peers = Peers::up_to(MAX_PER_PEER);
        let near = |last: u16| IpAddr::from([0x2001, 0xdb8, 0, 1, 0, 0, 0, last]);
        let mut held: Vec<_> = (0..MAX_PER_PEER)
            .map(|number| peers.enter(near(u16::try_from(number).unwrap())).unwrap())
            .collect();
        assert!(peers.enter(near(9_999)).is_none());
        assert!(peers.enter([192, 0, 2, 1].into()).is_some());
        held.pop();
        assert!(peers.enter(near(9_999)).is_some());
        drop(held);
        assert!(peers.counts.lock().unwrap().is_empty());
    }
}
