//! A stretch of sealed bytes, in order, taken up again where a connection broke.

use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_RANGE;
use http::{HeaderMap, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::time::{sleep, timeout};

use super::{ANSWER_TIMEOUT, Call, Transport, TransportError};

/// How often in a row a download is taken up again without a single byte coming.
pub const MAX_RESUMES: u32 = 4;

const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// Bytes `next..end` of a target, as they arrive.
#[derive(Debug)]
pub struct Download {
    transport: Transport,
    target: String,
    next: u64,
    end: u64,
    body: Option<Incoming>,
    failures: u32,
}

impl Download {
    /// Nothing is sent before the first [`chunk`](Self::chunk).
    pub(crate) const fn new(transport: Transport, target: String, (from, end): (u64, u64)) -> Self {
        Self {
            transport,
            target,
            next: from,
            end,
            body: None,
            failures: 0,
        }
    }

    /// Offset of the next byte.
    pub const fn position(&self) -> u64 {
        self.next
    }

    /// The next bytes; `None` when all have come.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, TransportError> {
        while self.next < self.end {
            match self.try_chunk().await {
                Ok(Some(bytes)) => {
                    self.failures = 0;
                    return Ok(Some(bytes));
                }
                Ok(None) => self.body = None,
                Err(error) if may_resume(&error) && self.failures < MAX_RESUMES => {
                    self.body = None;
                    sleep(FIRST_PAUSE.saturating_mul(1 << self.failures)).await;
                }
                Err(error) => return Err(error),
            }
            self.failures = self.failures.saturating_add(1);
            if self.failures > MAX_RESUMES {
                return Err(TransportError::Broken(
                    "the download stops before its end".into(),
                ));
            }
        }
        Ok(None)
    }

    async fn try_chunk(&mut self) -> Result<Option<Bytes>, TransportError> {
        let body = match &mut self.body {
            Some(body) => body,
            empty => empty.insert(open(&self.transport, &self.target, self.next, self.end).await?),
        };
        loop {
            let frame = timeout(ANSWER_TIMEOUT, body.frame())
                .await
                .map_err(|_elapsed| TransportError::Slow)?;
            let Some(frame) = frame else {
                return Ok(None);
            };
            let frame = frame.map_err(|error| TransportError::Broken(error.into()))?;
            let Ok(bytes) = frame.into_data() else {
                continue;
            };
            if bytes.is_empty() {
                continue;
            }
            let after = self.next.saturating_add(bytes.len() as u64);
            if after > self.end {
                return Err(TransportError::Answer("more bytes than asked for".into()));
            }
            self.next = after;
            return Ok(Some(bytes));
        }
    }
}

async fn open(
    transport: &Transport,
    target: &str,
    from: u64,
    end: u64,
) -> Result<Incoming, TransportError> {
    let call = Call {
        range: Some((from, end.saturating_sub(1))),
        ..Call::get(target)
    };
    let answer = transport.open(&call).await?;
    let fits =
        answer.status() == StatusCode::PARTIAL_CONTENT && starts_at(answer.headers()) == Some(from);
    if fits {
        Ok(answer.into_body())
    } else {
        Err(TransportError::Answer(
            "another range than asked for".into(),
        ))
    }
}

// RFC 9110 §14.4: `bytes 0-499/1234`.
pub(super) fn starts_at(headers: &HeaderMap) -> Option<u64> {
    let text = headers.get(CONTENT_RANGE)?.to_str().ok()?;
    let (first, _) = text.strip_prefix("bytes ")?.split_once('-')?;
    first.parse().ok()
}

fn may_resume(error: &TransportError) -> bool {
    match error {
        TransportError::Broken(_) | TransportError::Slow | TransportError::Dial(_) => true,
        TransportError::Api(error) => error.is_transient(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_ranges_are_read() {
        let mut headers = HeaderMap::new();
        assert_eq!(starts_at(&headers), None);
        for (text, start) in [
            ("bytes 5-9/100", Some(5)),
            ("bytes 5-9/*", Some(5)),
            ("items 5-9/100", None),
            ("bytes */100", None),
        ] {
            headers.insert(CONTENT_RANGE, text.parse().unwrap());
            assert_eq!(starts_at(&headers), start, "{text}");
        }
    }
}
