//! Sockets: which addresses are listened on, under which names, and with which certificate; names and
//! certificate may change while connections go on.
//!
//! In clear only on loopback addresses; anything else must be TLS 1.3. How connections are served is the
//! business of `connections`, what they carry of `routes` and [`app`](crate::app).

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use bartizan_base::chain;
use bartizan_domain::sabotage;
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpSocket};
use tokio_rustls::TlsAcceptor;

use crate::app::App;
use crate::origin::{Origin, Origins, Scheme};

pub use crate::connections::{
    MAX_CONNECTIONS, MAX_HEAD, MAX_HEADERS, MAX_PER_PEER, serve, serve_guide,
};

/// Connections that the system holds for us until they are accepted, as `TcpListener::bind` has it.
const BACKLOG: u32 = 1_024;

/// Free ports that are tried until one is free in both families.
const PORT_TRIES: u32 = 8;

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

/// One or two sockets that are being listened on: on loopback and on all addresses, IPv6 comes along.
pub struct Listener {
    pub(crate) sockets: Vec<TcpListener>,
    address: SocketAddr,
    pub(crate) door: Door,
    pub(crate) app: Option<Arc<App>>,
}

/// What a listener is called and which certificate it shows; new connections get what was set last.
#[derive(Clone)]
pub struct Door {
    scheme: Scheme,
    port: u16,
    own: Arc<Vec<Origin>>,
    now: Arc<Mutex<Now>>,
}

#[derive(Clone)]
pub(crate) struct Now {
    pub(crate) tls: Option<TlsAcceptor>,
    pub(crate) origins: Arc<Origins>,
}

impl Listener {
    /// Listens in clear, for programs on this machine and a reverse proxy in front. Answers to
    /// `127.0.0.1`, `[::1]` and `localhost` with its port, and to `names`.
    pub async fn in_clear(address: SocketAddr, names: &[Origin]) -> Result<Self, ListenError> {
        let open = ["R-11", "G-2", "M-8"].iter().any(|row| sabotage::off(row));
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
        let (sockets, address) = bind_all(address).await?;
        let scheme = if tls.is_some() {
            Scheme::Https
        } else {
            Scheme::Http
        };
        let door = Door::new((scheme, address), tls, names);
        Ok(Self {
            sockets,
            address,
            door,
            app: None,
        })
    }

    /// Serves the app beside the API, on every path that is not the API's.
    #[must_use]
    pub fn with_app(mut self, app: App) -> Self {
        self.app = Some(Arc::new(app));
        self
    }

    /// The certificate is a given one, which browsers trust without the site's own authority: they are told to come
    /// with TLS only from now on (RFC 6797).
    #[must_use]
    pub fn with_given_certificate(self) -> Self {
        let mut now = self.door.now.lock().unwrap_or_else(PoisonError::into_inner);
        let origins = Origins::clone(&now.origins);
        now.origins = Arc::new(origins.with_given_certificate(true));
        drop(now);
        self
    }

    /// Where it listens; the port is the real one.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// To change names and certificate later.
    pub fn door(&self) -> Door {
        self.door.clone()
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Listener({})", self.address)
    }
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Door({})", self.port)
    }
}

impl Door {
    pub(crate) fn new(
        (scheme, address): (Scheme, SocketAddr),
        tls: Option<TlsAcceptor>,
        names: &[Origin],
    ) -> Self {
        let own = own_names(scheme, address);
        let origins = Arc::new(Origins::new(scheme, own.iter().chain(names).cloned()));
        Self {
            scheme,
            port: address.port(),
            own: Arc::new(own),
            now: Arc::new(Mutex::new(Now { tls, origins })),
        }
    }

    /// Lets the guide on `port` of the same hosts ask whether the site is trusted.
    pub fn set_guide(&self, port: u16) {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        now.origins = Arc::new(Origins::clone(&now.origins).with_guide(Some(port)));
    }

    /// The port behind it.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Shows another certificate from now on. Connections that stand go on; a door in clear stays so.
    pub fn set_certificate(&self, config: Arc<ServerConfig>) {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        if now.tls.is_some() {
            now.tls = Some(config.into());
        }
    }

    /// Answers to other names from now on, besides its own addresses.
    pub fn set_names(&self, names: &[Origin]) {
        let origins = Origins::new(self.scheme, self.own.iter().chain(names).cloned());
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        let (guide, given) = (now.origins.guide(), now.origins.has_given_certificate());
        now.origins = Arc::new(origins.with_guide(guide).with_given_certificate(given));
    }

    pub(crate) fn now(&self) -> Now {
        let now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        now.clone()
    }
}

/// Opens `address`, and what belongs to it: a browser that is told `localhost` asks `[::1]` first, so nobody else
/// may answer there.
pub(crate) async fn bind_all(
    address: SocketAddr,
) -> Result<(Vec<TcpListener>, SocketAddr), ListenError> {
    let mut tries = if address.port() == 0 { PORT_TRIES } else { 1 };
    loop {
        tries = tries.saturating_sub(1);
        let failed = |source| ListenError::Bind { address, source };
        let first = TcpListener::bind(address).await.map_err(failed)?;
        let bound = first.local_addr().map_err(failed)?;
        let Some(second) = companion(address.ip()) else {
            return Ok((vec![first], bound));
        };
        let second = SocketAddr::new(second, bound.port());
        match bind_alone(second) {
            Ok(second) => return Ok((vec![first, second], bound)),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && tries > 0 => {}
            Err(source) if source.kind() == io::ErrorKind::AddrInUse => {
                let address = second;
                return Err(ListenError::Bind { address, source });
            }
            Err(error) => {
                tracing::debug!(err = %chain(&error), "only one of IPv4 and IPv6 is there");
                return Ok((vec![first], bound));
            }
        }
    }
}

/// The same place in the other family. An IPv6 socket on all addresses takes IPv4 along by itself.
const fn companion(address: IpAddr) -> Option<IpAddr> {
    match address {
        IpAddr::V4(Ipv4Addr::LOCALHOST) => Some(IpAddr::V6(Ipv6Addr::LOCALHOST)),
        IpAddr::V6(Ipv6Addr::LOCALHOST) => Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Some(IpAddr::V6(Ipv6Addr::UNSPECIFIED)),
        _ => None,
    }
}

/// Opens exactly this address: IPv6 without IPv4.
fn bind_alone(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => {
            let socket = TcpSocket::new_v6()?;
            rustix::net::sockopt::set_ipv6_v6only(&socket, true)?;
            socket
        }
    };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
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

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn local() -> SocketAddr {
        "127.0.0.1:0".parse().unwrap()
    }

    #[tokio::test]
    async fn g_2_r_11_in_clear_only_this_machine_is_served() {
        let address = "0.0.0.0:0".parse().unwrap();
        let error = Listener::in_clear(address, &[]).await.unwrap_err();
        assert!(matches!(error, ListenError::InClear { .. }), "{error}");
    }

    #[tokio::test]
    async fn a_taken_address_is_told() {
        let first = Listener::in_clear(local(), &[]).await.unwrap();
        let error = Listener::in_clear(first.address(), &[]).await.unwrap_err();
        assert!(matches!(error, ListenError::Bind { .. }), "{error}");
    }

    #[tokio::test]
    async fn nobody_else_may_answer_for_localhost() {
        let Ok(other) = std::net::TcpListener::bind("[::1]:0") else {
            drop(writeln!(io::stderr(), "SKIPPED(no IPv6 on this machine)"));
            return;
        };
        let port = other.local_addr().unwrap().port();
        let address = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port);
        let error = Listener::in_clear(address, &[]).await.unwrap_err();
        let ListenError::Bind { address, .. } = error else {
            panic!("{error}")
        };
        assert_eq!(address, other.local_addr().unwrap());
    }

    #[tokio::test]
    async fn names_can_change_and_a_door_in_clear_stays_in_clear() {
        let listener = Listener::in_clear(local(), &[]).await.unwrap();
        let door = listener.door();
        let before = door.now().origins;
        door.set_names(&["https://gateway.home".parse().unwrap()]);
        let after = door.now().origins;
        assert!(before.find("gateway.home").is_none());
        assert!(after.find("gateway.home").is_some());
        assert!(after.find(&format!("localhost:{}", door.port())).is_some());
        let names = ["gateway.home".to_owned()];
        let certificate =
            crate::tls::site_certificate(None, &names, bartizan_domain::UtcMillis(1)).unwrap();
        door.set_certificate(certificate.server_config().unwrap());
        assert!(door.now().tls.is_none());
    }
}
