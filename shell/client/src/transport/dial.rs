//! One connection to the gateway: TCP, and TLS 1.3 on it unless the gateway is on this machine.
//!
//! Requests and live streams use the same dialer, so there is one place where trust is decided.

use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bartizan_domain::Fingerprint;
use bartizan_domain::host::is_loopback_address;
use http::Uri;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use rustls::version::TLS13;
use rustls::{CertificateError, ClientConfig};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tower::Service;

use super::origin::Origin;
use super::pin::{PinVerifier, Trust};

/// How long name look-up, TCP and TLS may take, each.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(8);

/// Addresses of one name that are tried.
const MAX_ADDRESSES: usize = 8;

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// The name has no address.
    #[error("the gateway's name has no address: check its spelling and that this device is online")]
    NoSuchHost(#[source] io::Error),
    /// Nobody answers.
    #[error(
        "the gateway does not answer: check that it runs and that this device is on its network"
    )]
    Unreachable(#[source] io::Error),
    /// Nobody answers in time.
    #[error("the gateway does not answer within {} s", CONNECT_TIMEOUT.as_secs())]
    Slow,
    /// Its certificate is not the pinned one.
    #[error(
        "whoever answers is not this gateway: its certificate is not the pinned one. If the gateway was \
         set up anew, sign out and sign in again; otherwise somebody is in between"
    )]
    WrongGateway(#[source] io::Error),
    /// TLS failed otherwise.
    #[error("no secure connection to the gateway is possible")]
    Tls(#[source] io::Error),
    /// A name that must be on this machine leads elsewhere.
    #[error("the gateway's name leads away from this machine: plain http:// is not used there")]
    NotLocal,
    /// The host is no name that TLS knows.
    #[error("the gateway's host is neither a name nor an address")]
    BadHost,
}

/// Makes connections. Clones share what is known of the gateway's certificate.
#[derive(Debug, Clone)]
pub(super) struct Dialer {
    origin: Origin,
    tls: ClientConfigOf,
    verifier: Arc<PinVerifier>,
}

/// `ClientConfig` prints a page.
#[derive(Clone)]
struct ClientConfigOf(Arc<ClientConfig>);

impl std::fmt::Debug for ClientConfigOf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ClientConfig")
    }
}

impl DialError {
    /// The same once more: pooled connections only lend their errors.
    pub(super) fn again(&self) -> Self {
        let copy = |error: &io::Error| io::Error::new(error.kind(), error.to_string());
        match self {
            Self::NoSuchHost(error) => Self::NoSuchHost(copy(error)),
            Self::Unreachable(error) => Self::Unreachable(copy(error)),
            Self::Slow => Self::Slow,
            Self::WrongGateway(error) => Self::WrongGateway(copy(error)),
            Self::Tls(error) => Self::Tls(copy(error)),
            Self::NotLocal => Self::NotLocal,
            Self::BadHost => Self::BadHost,
        }
    }
}

impl Dialer {
    pub(super) fn new(origin: Origin, trust: Trust) -> Self {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier = Arc::new(PinVerifier::new(Arc::clone(&provider), trust));
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13])
            .expect("the provider has suites of TLS 1.3")
            .dangerous()
            .with_custom_certificate_verifier(Arc::clone(&verifier) as _)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Self {
            origin,
            tls: ClientConfigOf(Arc::new(config)),
            verifier,
        }
    }

    pub(super) const fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The pin, given or learned; `None` without TLS or before the first connection.
    pub(super) fn pin(&self) -> Option<Fingerprint> {
        self.verifier.pin()
    }

    pub(super) async fn dial(&self) -> Result<Wire, DialError> {
        let tcp = self.dial_tcp().await?;
        if !self.origin.is_secure() {
            return Ok(Wire::Clear(tcp));
        }
        let name = ServerName::try_from(self.origin.host().to_owned())
            .map_err(|_opaque| DialError::BadHost)?;
        let connector = TlsConnector::from(Arc::clone(&self.tls.0));
        let shake = timeout(CONNECT_TIMEOUT, connector.connect(name, tcp));
        let tls = shake.await.map_err(|_elapsed| DialError::Slow)?;
        tls.map(|tls| Wire::Sealed(Box::new(tls)))
            .map_err(tls_error)
    }

    async fn dial_tcp(&self) -> Result<TcpStream, DialError> {
        let mut failed = DialError::NoSuchHost(io::ErrorKind::NotFound.into());
        for address in self.addresses().await? {
            if !self.origin.is_secure() && !is_loopback_address(address.ip()) {
                return Err(DialError::NotLocal);
            }
            match timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => {
                    stream.set_nodelay(true).map_err(DialError::Unreachable)?;
                    return Ok(stream);
                }
                Ok(Err(error)) => failed = DialError::Unreachable(error),
                Err(_elapsed) => failed = DialError::Slow,
            }
        }
        Err(failed)
    }

    /// Where the gateway may be. `localhost` is this machine, whatever a resolver says (RFC 6761 §6.3).
    async fn addresses(&self) -> Result<Vec<SocketAddr>, DialError> {
        let (host, port) = (self.origin.host(), self.origin.port());
        if host == "localhost" {
            let own: [IpAddr; 2] = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
            return Ok(own.map(|ip| SocketAddr::new(ip, port)).into());
        }
        let found = timeout(CONNECT_TIMEOUT, lookup_host((host, port)))
            .await
            .map_err(|_elapsed| DialError::Slow)?
            .map_err(DialError::NoSuchHost)?;
        Ok(found.take(MAX_ADDRESSES).collect())
    }
}

fn tls_error(error: io::Error) -> DialError {
    let cause = error
        .get_ref()
        .and_then(|e| e.downcast_ref::<rustls::Error>());
    match cause {
        Some(rustls::Error::InvalidCertificate(
            CertificateError::ApplicationVerificationFailure
            | CertificateError::UnknownIssuer
            | CertificateError::BadSignature
            | CertificateError::NotValidForName
            | CertificateError::NotValidForNameContext { .. },
        )) => DialError::WrongGateway(error),
        _ => DialError::Tls(error),
    }
}

/// For hyper-util's pooled client, which asks for one origin only.
impl Service<Uri> for Dialer {
    type Response = TokioIo<Wire>;
    type Error = DialError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, DialError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), DialError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let dialer = self.clone();
        Box::pin(async move { dialer.dial().await.map(TokioIo::new) })
    }
}

/// A connection.
#[derive(Debug)]
pub(crate) enum Wire {
    Clear(TcpStream),
    Sealed(Box<TlsStream<TcpStream>>),
}

impl Connection for Wire {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Clear(tcp) => Pin::new(tcp).poll_read(cx, buf),
            Self::Sealed(tls) => Pin::new(tls).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Clear(tcp) => Pin::new(tcp).poll_write(cx, buf),
            Self::Sealed(tls) => Pin::new(tls).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Clear(tcp) => Pin::new(tcp).poll_flush(cx),
            Self::Sealed(tls) => Pin::new(tls).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Clear(tcp) => Pin::new(tcp).poll_shutdown(cx),
            Self::Sealed(tls) => Pin::new(tls).poll_shutdown(cx),
        }
    }
}
