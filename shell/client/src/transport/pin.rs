//! Which certificate is the gateway's: the pinned one, whatever certificate authorities say.
//!
//! A pin is the SHA-256 of a `SubjectPublicKeyInfo` (as in RFC 7469 §2.4): of the site's own CA, whose
//! certificate the gateway sends along, or of the gateway's certificate. Handshake signatures are always
//! verified by rustls. On first use, at a claim or sign-in without a given pin, the pin is learned; what
//! protects those is the claim link's fingerprints and the recovery key, not TLS.

use std::sync::{Arc, Mutex, PoisonError};

use bartizan_domain::{Fingerprint, sabotage};
use bartizan_identity::key::sha256;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, DigitallySignedStruct, Error, PeerIncompatible, RootCertStore,
    SignatureScheme,
};

/// Most certificates that a gateway may send.
const MAX_CHAIN: usize = 8;

/// How the gateway is recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// By nothing yet: its first certificate is learned.
    FirstUse,
    /// By this public key.
    Pinned(Fingerprint),
}

/// Judges the gateway's certificate.
#[derive(Debug)]
pub(super) struct PinVerifier {
    provider: Arc<CryptoProvider>,
    pin: Mutex<Option<Fingerprint>>,
}

impl PinVerifier {
    pub(super) const fn new(provider: Arc<CryptoProvider>, trust: Trust) -> Self {
        let pin = match trust {
            Trust::FirstUse => None,
            Trust::Pinned(pin) => Some(pin),
        };
        Self {
            provider,
            pin: Mutex::new(pin),
        }
    }

    /// The pin, given or learned.
    pub(super) fn pin(&self) -> Option<Fingerprint> {
        *self.pin.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn learn(&self, pin: Fingerprint) {
        *self.pin.lock().unwrap_or_else(PoisonError::into_inner) = Some(pin);
    }

    /// Whether `leaf` is a certificate of `ca` for `name`, now.
    fn is_signed_by(
        &self,
        ca: &CertificateDer<'_>,
        (leaf, chain): (&CertificateDer<'_>, &[CertificateDer<'_>]),
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<(), Error> {
        let mut roots = RootCertStore::empty();
        roots.add(ca.clone().into_owned())?;
        let provider = Arc::clone(&self.provider);
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
            .build()
            .map_err(|_opaque| refused())?;
        verifier
            .verify_server_cert(leaf, chain, name, &[], now)
            .map(drop)
    }
}

impl ServerCertVerifier for PinVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let (leaf, chain, name) = (end_entity, intermediates, server_name);
        if chain.len() > MAX_CHAIN {
            return Err(refused());
        }
        let own = fingerprint(leaf)?;
        let Some(pin) = self.pin() else {
            let signed = |ca| self.is_signed_by(ca, (leaf, chain), name, now).is_ok();
            let ca = chain.last().filter(|ca| signed(ca));
            self.learn(ca.map_or(Ok(own), fingerprint)?);
            return Ok(ServerCertVerified::assertion());
        };
        if own == pin || sabotage::off("R-10") {
            return Ok(ServerCertVerified::assertion());
        }
        let mut refusal = refused();
        for ca in chain {
            // What can't be read is not the authority; and that may have been certified anew with its key.
            if fingerprint(ca).is_ok_and(|key| key == pin) {
                match self.is_signed_by(ca, (leaf, chain), name, now) {
                    Ok(()) => return Ok(ServerCertVerified::assertion()),
                    Err(error) => refusal = error,
                }
            }
        }
        Err(refusal)
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig.into())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

fn fingerprint(certificate: &CertificateDer<'_>) -> Result<Fingerprint, Error> {
    let parsed = ParsedCertificate::try_from(certificate)?;
    let key = parsed.subject_public_key_info();
    Ok(Fingerprint::new(*sha256(&[key.as_ref()]).as_bytes()))
}

fn refused() -> Error {
    Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bartizan_domain::UtcMillis;
    use bartizan_http::tls::{SiteCertificate, site_certificate};
    use rustls::pki_types::pem::PemObject;

    use super::*;

    const NOW: UtcMillis = UtcMillis(1_790_000_000_000);

    fn site() -> SiteCertificate {
        site_certificate(None, &["gate.local".to_owned()], NOW).unwrap()
    }

    fn certificate(pem: &str) -> CertificateDer<'static> {
        CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()
    }

    fn verify(verifier: &PinVerifier, chain: &[CertificateDer<'_>]) -> Result<(), Error> {
        let (leaf, others) = chain.split_first().ok_or_else(refused)?;
        let name = ServerName::try_from("gate.local").map_err(|_opaque| refused())?;
        let now = UnixTime::since_unix_epoch(Duration::from_millis(NOW.0));
        let verified = verifier.verify_server_cert(leaf, others, &name, &[], now);
        verified.map(drop)
    }

    fn verifier(trust: Trust) -> PinVerifier {
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        PinVerifier::new(Arc::new(provider), trust)
    }

    #[test]
    fn the_pinned_authority_is_found_behind_what_can_t_be_read() {
        let site = site();
        let (leaf, authority) = (
            certificate(site.certificate_pem()),
            certificate(site.authority_pem()),
        );
        let chain = [leaf, CertificateDer::from(vec![0x30, 0]), authority];
        let first = verifier(Trust::FirstUse);
        verify(&first, &chain).unwrap();
        let pinned = verifier(Trust::Pinned(first.pin().unwrap()));
        verify(&pinned, &chain).unwrap();
    }

    #[test]
    fn r_10_a_certificate_beside_the_pinned_authority_s_is_refused() {
        let (site, stranger) = (site(), site());
        let authority = certificate(site.authority_pem());
        let first = verifier(Trust::FirstUse);
        let good = [certificate(site.certificate_pem()), authority.clone()];
        verify(&first, &good).unwrap();
        let pinned = verifier(Trust::Pinned(first.pin().unwrap()));
        let theirs = certificate(stranger.certificate_pem());
        assert!(verify(&pinned, &[theirs.clone(), authority]).is_err());
        assert!(verify(&pinned, &[theirs, certificate(stranger.authority_pem())]).is_err());
    }
}
