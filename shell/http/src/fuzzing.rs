//! For the fuzzers of `fuzz/` only, which are built with `--cfg fuzzing`: what this crate parses by itself, and
//! a connection without a socket. Nothing of it is in an ordinary build.

use std::ops::Range;
use std::sync::Arc;

use http::request::Parts;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::api::Api;
use crate::backend::Backend;
use crate::connections;
use crate::origin::{Origin, Origins, Scheme};
use crate::range::ByteRange;

/// The bytes of `kept` that a `Range` header asks for.
pub fn range(value: &str, kept: &Range<u64>) -> Option<Range<u64>> {
    ByteRange::parse(value).ok()?.within(kept)
}

/// The origin for which a listener called `names` takes a request; `None` when it refuses it.
pub fn admitted(scheme: Scheme, names: &[Origin], request: &Parts) -> Option<String> {
    let origins = Origins::new(scheme, names.iter().cloned());
    origins.admit(request).ok().map(|admitted| admitted.0)
}

/// Serves one connection in clear over `stream`, as a listener called `names` does.
pub async fn connection<B: Backend>(
    api: &Api<B>,
    names: &[Origin],
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
) {
    let origins = Origins::new(Scheme::Http, names.iter().cloned());
    connections::speak_over(api, Arc::new(origins), stream).await;
}
