//! TLS as strangers try it: with versions and groups of our choice, trusting what we say, and one request in it.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::crypto::{CryptoProvider, SupportedKxGroup};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{
    ClientConfig, ClientConnection, NamedGroup, ProtocolVersion, RootCertStore, StreamOwned,
    SupportedProtocolVersion,
};

/// How long a handshake or an answer may take.
const LIMIT: Duration = Duration::from_secs(20);

/// A client.
#[derive(Debug, Clone)]
pub struct Client {
    /// Authorities that it trusts.
    pub trusts: Vec<CertificateDer<'static>>,
    /// Versions that it speaks.
    pub versions: Vec<&'static SupportedProtocolVersion>,
    /// Groups that it offers.
    pub groups: Vec<&'static dyn SupportedKxGroup>,
}

/// What was agreed on.
#[derive(Debug)]
pub struct Agreed {
    /// The version.
    pub version: ProtocolVersion,
    /// The key exchange.
    pub group: NamedGroup,
    /// The server's own certificate.
    pub certificate: CertificateDer<'static>,
    stream: StreamOwned<ClientConnection, TcpStream>,
}

impl Client {
    /// TLS 1.3 with what our own programs offer.
    pub fn trusting(trusts: impl IntoIterator<Item = CertificateDer<'static>>) -> Self {
        Self {
            trusts: trusts.into_iter().collect(),
            versions: vec![&rustls::version::TLS13],
            groups: default_provider().kx_groups,
        }
    }

    /// Shakes hands with `address`, which has to be `name`.
    ///
    /// # Errors
    /// Either side refuses.
    pub fn greet(&self, address: SocketAddr, name: &str) -> Result<Agreed> {
        let mut roots = RootCertStore::empty();
        for certificate in &self.trusts {
            roots.add(certificate.clone())?;
        }
        let provider = CryptoProvider {
            kx_groups: self.groups.clone(),
            ..default_provider()
        };
        let config = ClientConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(&self.versions)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from(name.to_owned())?;
        let connection = ClientConnection::new(Arc::new(config), name)?;
        let socket = TcpStream::connect_timeout(&address, LIMIT)?;
        socket.set_read_timeout(Some(LIMIT))?;
        let mut stream = StreamOwned::new(connection, socket);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock)?;
        }
        let group = stream.conn.negotiated_key_exchange_group();
        let certificates = stream.conn.peer_certificates();
        Ok(Agreed {
            version: stream
                .conn
                .protocol_version()
                .context("a version is agreed on")?,
            group: group.context("a group is agreed on")?.name(),
            certificate: certificates
                .and_then(|all| all.first().cloned())
                .context("a server has a certificate")?
                .into_owned(),
            stream,
        })
    }
}

impl Agreed {
    /// Sends one request, and gives status line, headers and body as they come.
    ///
    /// # Errors
    /// The connection breaks.
    pub fn ask(&mut self, path: &str, headers: &[(&str, &str)]) -> Result<String> {
        ask(&mut self.stream, path, headers)
    }
}

/// As [`Agreed::ask`], in clear.
///
/// # Errors
/// Nobody listens, or the connection breaks.
pub fn ask_in_clear(address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Result<String> {
    let mut socket = TcpStream::connect_timeout(&address, LIMIT)?;
    socket.set_read_timeout(Some(LIMIT))?;
    ask(&mut socket, path, headers)
}

fn ask(stream: &mut (impl Read + Write), path: &str, headers: &[(&str, &str)]) -> Result<String> {
    let mut request = format!("GET {path} HTTP/1.1\r\nconnection: close\r\n");
    for (name, value) in headers {
        request += &format!("{name}: {value}\r\n");
    }
    stream.write_all(format!("{request}\r\n").as_bytes())?;
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer);
    if answer.is_empty() {
        read?;
        return Err(anyhow!("no answer"));
    }
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
