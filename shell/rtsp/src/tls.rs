//! TLS to cameras, trusted by the fingerprint of their certificate.
//!
//! Cameras sign their certificates themselves and let them expire, so names, dates and authorities say
//! nothing; a person compares the fingerprint once. The handshake's signature is verified always, so a
//! copied certificate is worth nothing. TLS 1.2 is spoken too, for cameras are old.

use std::io::{self, BufRead, Read, Write};
use std::sync::{Arc, OnceLock};

use aws_lc_rs::digest;
use bartizan_domain::Fingerprint;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ClientConnection, Resumption};
use rustls::crypto::{CryptoProvider, aws_lc_rs as provider};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, SignatureScheme};

use crate::error::ConnectionError;

/// Takes the certificate with the pinned fingerprint, and remembers what was shown.
#[derive(Debug)]
struct PinVerifier {
    pin: Option<Fingerprint>,
    shown: Arc<OnceLock<Fingerprint>>,
    provider: Arc<CryptoProvider>,
}

/// The SHA-256 fingerprint of a certificate in DER.
pub fn fingerprint(certificate: &[u8]) -> Fingerprint {
    let digest = digest::digest(&digest::SHA256, certificate);
    let bytes = digest.as_ref().first_chunk();
    Fingerprint::new(*bytes.expect("a SHA-256 digest has 32 bytes"))
}

impl ServerCertVerifier for PinVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let shown = *self.shown.get_or_init(|| fingerprint(end_entity));
        if self.pin == Some(shown) {
            return Ok(ServerCertVerified::assertion());
        }
        let reason = CertificateError::ApplicationVerificationFailure;
        Err(Error::InvalidCertificate(reason))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let algorithms = &self.provider.signature_verification_algorithms;
        algorithms.supported_schemes()
    }
}

/// The TLS side of one connection; it touches no socket.
#[derive(Debug)]
pub(crate) struct Tls {
    connection: ClientConnection,
    pin: Option<Fingerprint>,
    shown: Arc<OnceLock<Fingerprint>>,
}

impl Tls {
    /// To the camera at `host`, whose certificate must have the fingerprint `pin`.
    pub(crate) fn new(host: &str, pin: Option<Fingerprint>) -> Result<Self, ConnectionError> {
        let shown = Arc::new(OnceLock::new());
        let provider = Arc::new(provider::default_provider());
        let verifier = PinVerifier {
            pin,
            shown: Arc::clone(&shown),
            provider: Arc::clone(&provider),
        };
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(ConnectionError::Tls)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth();
        // A resumed handshake shows no certificate.
        config.resumption = Resumption::disabled();
        let name = ServerName::try_from(host.to_owned())
            .unwrap_or_else(|_not_a_name| ServerName::from(std::net::Ipv4Addr::UNSPECIFIED));
        let connection = ClientConnection::new(Arc::new(config), name);
        Ok(Self {
            connection: connection.map_err(ConnectionError::Tls)?,
            pin,
            shown,
        })
    }

    /// Takes bytes of the socket and hands out the plain bytes in them; true when the camera closed.
    pub(crate) fn read(
        &mut self,
        mut cipher: &[u8],
        out: &mut dyn FnMut(&[u8]),
    ) -> Result<bool, ConnectionError> {
        while !cipher.is_empty() {
            let read = self.connection.read_tls(&mut cipher as &mut dyn Read);
            let processed = read.map(|_| self.connection.process_new_packets());
            let state = processed
                .map_err(|source| ConnectionError::Io {
                    doing: "reading TLS records",
                    source,
                })?
                .map_err(|error| self.fault(error))?;
            self.drain(out);
            if state.peer_has_closed() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn drain(&mut self, out: &mut dyn FnMut(&[u8])) {
        loop {
            let mut reader = self.connection.reader();
            // An error means that there is nothing more to read now.
            let Ok(plain @ [_, ..]) = reader.fill_buf() else {
                return;
            };
            out(plain);
            let len = plain.len();
            reader.consume(len);
        }
    }

    /// Encrypts `plain`, or keeps it until the handshake is over.
    pub(crate) fn write(&mut self, plain: &[u8]) -> Result<(), ConnectionError> {
        self.connection.writer().write_all(plain).map_err(io_fault)
    }

    /// Moves what must go to the socket into `out`.
    pub(crate) fn take_output(&mut self, out: &mut Vec<u8>) -> Result<(), ConnectionError> {
        while self.connection.wants_write() {
            self.connection.write_tls(out).map_err(io_fault)?;
        }
        Ok(())
    }

    /// Queues the closing alert.
    pub(crate) fn close(&mut self) {
        self.connection.send_close_notify();
    }

    fn fault(&self, error: Error) -> ConnectionError {
        match self.shown.get() {
            Some(shown) if self.pin != Some(*shown) => {
                ConnectionError::UntrustedCertificate { sha256: *shown }
            }
            _ => ConnectionError::Tls(error),
        }
    }
}

fn io_fault(source: io::Error) -> ConnectionError {
    ConnectionError::Io {
        doing: "writing TLS records",
        source,
    }
}
