//! Sockets: binding, TLS, how many connections there may be, and their orderly end.
//!
//! In clear only on loopback addresses; anything else must be TLS 1.3. What a connection carries is the
//! routes' business.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use bartizan_base::{Shutdown, Tasks, chain};
use bartizan_domain::sabotage;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;

use crate::api::Api;
use crate::backend::Backend;
use crate::origin::{Origin, Origins, Scheme};
use crate::routes::router;
use crate::stall::Progress;

/// Connections of one listener at the same time, viewers apart. Further ones wait in the system's queue.
pub const MAX_CONNECTIONS: usize = 2_048;

/// Connections of one address (of one /64 in IPv6). Further ones are closed at once, so that one address
/// leaves a quarter of the places to others.
pub const MAX_PER_PEER: usize = 1_536;

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

/// Why nobody can be listened to.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The address is taken, not ours, or not allowed.
    #[error("{address} can't be listened on")]
    Bind {
        /// Which.
        address: SocketAddr,
        /// The operating system's reason.
        source: io::Error,
    },
    /// Others could read along.
    #[error(
        "{address} is not a loopback address: in clear the API is served to this machine only. \
             Configure TLS, or listen on 127.0.0.1"
    )]
    InClear {
        /// Which.
        address: SocketAddr,
    },
}

/// A socket that is being listened on.
pub struct Listener {
    socket: TcpListener,
    address: SocketAddr,
    tls: Option<TlsAcceptor>,
    origins: Arc<Origins>,
}

impl Listener {
    /// Listens in clear, for programs on this machine and a reverse proxy in front. Answers to
    /// `127.0.0.1`, `[::1]` and `localhost` with its port, and to `names`.
    pub async fn in_clear(address: SocketAddr, names: &[Origin]) -> Result<Self, ListenError> {
        let open = sabotage::off("R-11") || sabotage::off("G-2");
        if !address.ip().is_loopback() && !open {
            return Err(ListenError::InClear { address });
        }
        Self::bind(address, None, names).await
    }

    /// Listens with TLS (`crate::tls::server_config`). Answers to `names`, and to its own address and the
    /// loopback names with its port.
    pub async fn with_tls(
        address: SocketAddr,
        config: Arc<ServerConfig>,
        names: &[Origin],
    ) -> Result<Self, ListenError> {
        Self::bind(address, Some(config.into()), names).await
    }

    async fn bind(
        address: SocketAddr,
        tls: Option<TlsAcceptor>,
        names: &[Origin],
    ) -> Result<Self, ListenError> {
        let failed = |source| ListenError::Bind { address, source };
        let socket = TcpListener::bind(address).await.map_err(failed)?;
        let address = socket.local_addr().map_err(failed)?;
        let scheme = if tls.is_some() {
            Scheme::Https
        } else {
            Scheme::Http
        };
        let own = own_names(scheme, address);
        let origins = Arc::new(Origins::new(
            scheme,
            own.into_iter().chain(names.iter().cloned()),
        ));
        Ok(Self {
            socket,
            address,
            tls,
            origins,
        })
    }

    /// Where it listens; the port is the real one.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Listener({})", self.address)
    }
}

fn own_names(scheme: Scheme, address: SocketAddr) -> Vec<Origin> {
    let mut names: Vec<_> = ["127.0.0.1", "[::1]", "localhost"]
        .into_iter()
        .filter_map(|host| Origin::new(scheme, host, address.port()).ok())
        .collect();
    if !address.ip().is_unspecified() {
        names.push(Origin::of_address(scheme, address));
    }
    names
}

/// Serves the API on a listener until the program ends; then finishes what is under way, for at most five
/// seconds. Viewers are told to come back.
pub async fn serve<B: Backend>(api: Api<B>, listener: Listener) {
    api.watch_rights();
    let server = Server {
        router: router(&api),
        tasks: api.tasks().clone(),
        places: Arc::new(Semaphore::new(MAX_CONNECTIONS)),
        peers: Peers::default(),
    };
    let mut shutdown = server.tasks.shutdown_signal();
    tokio::select! {
        () = shutdown.begun() => {}
        () = server.accept(&listener) => {}
    }
    drop(listener);
    let all = u32::try_from(MAX_CONNECTIONS).unwrap_or(u32::MAX);
    // Whoever is left after the grace is cut off with the task group.
    drop(timeout(GRACE, server.places.acquire_many(all)).await);
}

struct Server {
    router: Router,
    tasks: Tasks,
    places: Arc<Semaphore>,
    peers: Peers,
}

impl Server {
    async fn accept(&self, listener: &Listener) {
        loop {
            let Ok(place) = Arc::clone(&self.places).acquire_owned().await else {
                return;
            };
            match listener.socket.accept().await {
                Ok((stream, peer)) => self.admit(listener, stream, peer.ip(), place),
                Err(error) => {
                    tracing::warn!(err = %chain(&error), "a connection was not accepted");
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    fn admit(
        &self,
        listener: &Listener,
        stream: TcpStream,
        peer: IpAddr,
        place: OwnedSemaphorePermit,
    ) {
        let Some(peer) = self.peers.enter(peer) else {
            tracing::debug!("a connection was closed: its address has too many");
            return;
        };
        let connection = Connection {
            router: self.router.clone(),
            origins: Arc::clone(&listener.origins),
            shutdown: self.tasks.shutdown_signal(),
        };
        let tls = listener.tls.clone();
        self.tasks.spawn("connection", async move {
            connection.run(stream, tls).await;
            drop((peer, place));
        });
    }
}

struct Connection {
    router: Router,
    origins: Arc<Origins>,
    shutdown: Shutdown,
}

impl Connection {
    async fn run(self, stream: TcpStream, tls: Option<TlsAcceptor>) {
        // Frames leave as soon as they are sealed.
        if stream.set_nodelay(true).is_err() {
            return;
        }
        let stream = Progress::new(stream);
        let Some(tls) = tls else {
            return self.speak(stream).await;
        };
        match timeout(HANDSHAKE_TIMEOUT, tls.accept(stream)).await {
            Ok(Ok(stream)) => self.speak(stream).await,
            Ok(Err(error)) => tracing::debug!(err = %chain(&error), "a TLS handshake failed"),
            Err(_elapsed) => tracing::debug!("a TLS handshake took too long"),
        }
    }

    async fn speak(mut self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let origins = self.origins;
        let service = self
            .router
            .map_request(move |mut request: Request<Incoming>| {
                request.extensions_mut().insert(Arc::clone(&origins));
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

/// How many connections each address has.
#[derive(Debug, Clone, Default)]
struct Peers(Arc<Mutex<BTreeMap<IpAddr, usize>>>);

/// One connection of an address, counted until it is dropped.
struct Counted(Peers, IpAddr);

impl Peers {
    fn enter(&self, address: IpAddr) -> Option<Counted> {
        let place = place_of(address);
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(place).or_default();
        if *count >= MAX_PER_PEER {
            return None;
        }
        *count = count.saturating_add(1);
        Some(Counted(self.clone(), place))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut counts = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
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

    #[tokio::test]
    async fn g_2_r_11_in_clear_only_this_machine_is_served() {
        let address = "0.0.0.0:0".parse().unwrap();
        let error = Listener::in_clear(address, &[]).await.unwrap_err();
        assert!(matches!(error, ListenError::InClear { .. }), "{error}");
    }

    #[tokio::test]
    async fn a_taken_address_is_told() {
        let first = Listener::in_clear("127.0.0.1:0".parse().unwrap(), &[])
            .await
            .unwrap();
        let error = Listener::in_clear(first.address(), &[]).await.unwrap_err();
        assert!(matches!(error, ListenError::Bind { .. }), "{error}");
    }

    #[test]
    fn one_address_leaves_places_to_others() {
        let peers = Peers::default();
        let near = |last: u16| IpAddr::from([0x2001, 0xdb8, 0, 1, 0, 0, 0, last]);
        let mut held: Vec<_> = (0..MAX_PER_PEER)
            .map(|number| peers.enter(near(u16::try_from(number).unwrap())).unwrap())
            .collect();
        assert!(peers.enter(near(9_999)).is_none());
        assert!(peers.enter([192, 0, 2, 1].into()).is_some());
        held.pop();
        assert!(peers.enter(near(9_999)).is_some());
        drop(held);
        assert!(peers.0.lock().unwrap().is_empty());
    }
}
