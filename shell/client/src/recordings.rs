//! Recordings: which stretches exist, and their sealed bytes opened in order with bounded memory.

use bartizan_domain::{StreamId, UtcMillis};
use bartizan_protocol::api;

use crate::error::ClientError;
use crate::routes;
use crate::session::Session;
use crate::stream::{Step, StreamError, StreamReader};
use crate::transport::{Call, Download};

/// Most segments of one playback or export: a month of two-second segments.
pub const MAX_SEGMENTS: usize = 2_000_000;

/// Bytes that are given to the reader at a time.
const PIECE: usize = 1024 * 1024;

/// A half-open stretch of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// First moment.
    pub from: UtcMillis,
    /// First moment after it.
    pub to: UtcMillis,
}

/// Adjacent segments: one download.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stretch {
    offset: u64,
    end: u64,
}

impl Session {
    /// Recorded stretches that touch `range`, oldest first.
    pub async fn recordings(
        &self,
        stream: StreamId,
        range: Range,
    ) -> Result<Vec<api::Span>, ClientError> {
        let target = routes::recordings(stream, (range.from, range.to));
        let answer: api::Recordings = self.transport().json(Call::get(&target)).await?;
        Ok(answer.spans)
    }

    /// Segments that touch `range`, oldest first.
    pub async fn segments(
        &self,
        stream: StreamId,
        range: Range,
    ) -> Result<Vec<api::Segment>, ClientError> {
        let mut found: Vec<api::Segment> = Vec::new();
        let mut from = range.from;
        loop {
            let target = routes::segments(stream, (from, range.to));
            let page: api::Segments = self.transport().json(Call::get(&target)).await?;
            let past = found
                .last()
                .map_or(0, |last| last.offset.saturating_add(last.len));
            found.extend(
                page.segments
                    .iter()
                    .filter(|segment| segment.offset >= past),
            );
            match page.next_ms {
                Some(next) if next > from && next < range.to && found.len() < MAX_SEGMENTS => {
                    from = next;
                }
                _ => return Ok(found),
            }
        }
    }

    /// Opens the segments that touch `range`, in order.
    pub async fn playback(
        &self,
        stream: StreamId,
        range: Range,
    ) -> Result<Playback<'_>, ClientError> {
        let segments = self.segments(stream, range).await?;
        self.play(stream, &segments).await
    }

    /// As [`playback`](Self::playback), but from the last segment that begins with a keyframe before
    /// `range`: a segment goes on without one where an epoch was rolled in its middle.
    pub async fn playback_from_key(
        &self,
        stream: StreamId,
        range: Range,
    ) -> Result<Playback<'_>, ClientError> {
        let mut segments = self.segments(stream, range).await?;
        for back in [10_000, 60_000, 600_000] {
            let Some(first) = segments.first().filter(|first| first.key_len == 0).copied() else {
                break;
            };
            let before = Range {
                from: first.start_ms.saturating_sub(back),
                to: first.start_ms,
            };
            let mut earlier = self.segments(stream, before).await?;
            earlier.retain(|segment| segment.offset < first.offset);
            let key = earlier.iter().rposition(|segment| segment.key_len > 0);
            if let Some(key) = key {
                earlier.drain(..key);
                earlier.append(&mut segments);
                segments = earlier;
            }
        }
        self.play(stream, &segments).await
    }

    async fn play(
        &self,
        stream: StreamId,
        segments: &[api::Segment],
    ) -> Result<Playback<'_>, ClientError> {
        let bytes = segments.iter().map(|segment| segment.len).sum();
        let mut stretches = join(segments);
        stretches.reverse();
        let reader = StreamReader::recorded(stream, self.history().await?, self.keys());
        Ok(Playback {
            session: self,
            stream,
            reader,
            bytes,
            stretches,
            download: None,
            chunk: bytes::Bytes::new(),
        })
    }
}

/// Segments that lie side by side are fetched together.
fn join(segments: &[api::Segment]) -> Vec<Stretch> {
    let mut stretches: Vec<Stretch> = Vec::new();
    for segment in segments {
        let end = segment.offset.saturating_add(segment.len);
        match stretches.last_mut() {
            Some(last) if last.end == segment.offset => last.end = end,
            _ => stretches.push(Stretch {
                offset: segment.offset,
                end,
            }),
        }
    }
    stretches
}

/// Segments of a recording on their way.
#[derive(Debug)]
pub struct Playback<'s> {
    session: &'s Session,
    stream: StreamId,
    reader: StreamReader,
    bytes: u64,
    /// Those to come, the next one last.
    stretches: Vec<Stretch>,
    download: Option<Download>,
    chunk: bytes::Bytes,
}

impl Playback<'_> {
    /// Sealed bytes in all.
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The reader, for what it has seen.
    pub const fn reader(&self) -> &StreamReader {
        &self.reader
    }

    /// Lets `take` have every opened step in order, with the sealed bytes that have arrived so far. Envelopes
    /// that the recording needs are fetched, and given to `take` as [`Step::Envelope`].
    pub async fn run<E: From<ClientError>>(
        &mut self,
        mut take: impl AsyncFnMut(Step<'_>, u64) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut arrived = 0_u64;
        loop {
            let need = match self.reader.next().map_err(ClientError::from)? {
                Step::More => Need::Bytes,
                Step::NeedEnvelope(epoch) => Need::Envelope(epoch),
                Step::NeedRoster(len) => Need::Roster(len),
                step => {
                    take(step, arrived).await?;
                    continue;
                }
            };
            match need {
                Need::Bytes => match self.pull().await? {
                    Some(len) => arrived = arrived.saturating_add(len),
                    None => break,
                },
                Need::Envelope(epoch) => {
                    let record = self.session.envelope(self.stream, epoch).await?;
                    self.reader
                        .envelope(epoch, &record)
                        .map_err(ClientError::from)?;
                    take(Step::Envelope(record), arrived).await?;
                }
                Need::Roster(len) => lengthen(self.session, &mut self.reader, len).await?,
            }
        }
        if self.reader.is_drained() {
            return Ok(());
        }
        Err(ClientError::Stream(StreamError::Changed).into())
    }

    /// Gives the reader some bytes; `None` when there are no more.
    async fn pull(&mut self) -> Result<Option<u64>, ClientError> {
        while self.chunk.is_empty() {
            if self.download.is_none() {
                let Some(next) = self.stretches.pop() else {
                    return Ok(None);
                };
                let target = routes::data(self.stream);
                let range = (next.offset, next.end);
                let transport = self.session.transport().clone();
                self.download = Some(Download::new(transport, target, range));
            }
            let chunk = match &mut self.download {
                Some(download) => download.chunk().await?,
                None => None,
            };
            match chunk {
                Some(chunk) => self.chunk = chunk,
                None => self.download = None,
            }
        }
        let piece = self.chunk.split_to(self.chunk.len().min(PIECE));
        self.reader.push(&piece)?;
        Ok(Some(piece.len() as u64))
    }
}

enum Need {
    Bytes,
    Envelope(bartizan_domain::EpochId),
    Roster(u64),
}

/// Fetches the roster that an envelope was made under.
pub(crate) async fn lengthen(
    session: &Session,
    reader: &mut StreamReader,
    len: u64,
) -> Result<(), ClientError> {
    let history = session.sync().await?;
    if history.current().len() < len {
        let error = bartizan_sealing::EnvelopeError::OtherRoster;
        return Err(StreamError::Envelope(error).into());
    }
    reader.roster(history);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_side_by_side_are_one_download() {
        let segment = |offset, len| api::Segment {
            start_ms: UtcMillis(1),
            duration_ms: 1,
            offset,
            len,
            key_len: 1,
        };
        let joined = join(&[segment(10, 5), segment(15, 5), segment(30, 1)]);
        let expected = [(10, 20), (30, 31)].map(|(offset, end)| Stretch { offset, end });
        assert_eq!(joined, expected);
        assert!(join(&[]).is_empty());
    }
}
