//! For the fuzzers of `fuzz/` only, which are built with `--cfg fuzzing`: what this room parses of a gateway's
//! answers by itself. Nothing of it is in an ordinary build.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, StatusCode};
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};

use bartizan_domain::{Fingerprint, UtcMillis};

use super::pin::PinVerifier;
use super::{ApiError, Trust, download};

/// What a refusal says.
pub fn refusal(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> ApiError {
    ApiError::new(status, headers, body)
}

/// Where the bytes of a partial answer begin.
pub fn first_byte(headers: &HeaderMap) -> Option<u64> {
    download::starts_at(headers)
}

/// The pin of a gateway that shows `chain`, its own certificate first; `None` when it is refused.
pub fn recognised(
    trust: Trust,
    chain: &[CertificateDer<'_>],
    name: &ServerName<'_>,
    now: UtcMillis,
) -> Option<Fingerprint> {
    let verifier = PinVerifier::new(Arc::new(aws_lc_rs::default_provider()), trust);
    let (leaf, others) = chain.split_first()?;
    let now = UnixTime::since_unix_epoch(Duration::from_millis(now.0));
    let verified = verifier.verify_server_cert(leaf, others, name, &[], now);
    verified.ok().and_then(|_| verifier.pin())
}
