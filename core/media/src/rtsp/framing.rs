//! Cuts the byte stream of a session into messages and interleaved packets (RFC 2326 §10.12).
//!
//! Whatever lies whole in the caller's buffer is handed out in place; only what is cut off at its end is
//! copied. Rubbish between the pieces is skipped up to a limit, for some cameras count their packets
//! wrong.

use bartizan_domain::sabotage;

use super::error::Fault;
use super::message::Head;

/// Longest header of a message in bytes.
pub const MAX_HEAD: usize = 64 * 1024;

/// Longest body of a message in bytes.
pub const MAX_BODY: usize = 64 * 1024;

/// Most bytes of rubbish that are skipped in a session.
pub const MAX_GARBAGE: usize = 1024 * 1024;

/// Above this capacity the buffer of left-overs is given back when it is empty.
const KEPT_CAPACITY: usize = 16 * 1024;

/// How many more bytes are looked at when a header has no end yet.
const HEAD_STEP: usize = 4 * 1024;

/// A whole piece of the stream.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// An interleaved packet.
    Data {
        /// Its channel.
        channel: u8,
        /// RTP or RTCP.
        payload: &'a [u8],
    },
    /// A request or an answer.
    Message {
        /// First line and fields.
        head: Head,
        /// Body, [`MAX_BODY`] at most.
        body: &'a [u8],
    },
}

/// What the front of a buffer is.
enum Front<'a> {
    /// Less than a piece; looking again is worth while with `needed` bytes, or with all there are.
    Incomplete { needed: usize },
    /// Bytes of no meaning.
    Skip { len: usize, garbage: bool },
    /// A piece of `len` bytes.
    Whole { piece: Piece<'a>, len: usize },
}

/// Cuts one stream.
#[derive(Debug, Default)]
pub struct Framer {
    /// The beginning of a piece whose end has not come yet.
    rest: Vec<u8>,
    garbage: usize,
}

impl Framer {
    /// Takes the next bytes of the stream and hands out every piece that they complete.
    pub fn feed(&mut self, mut data: &[u8], out: &mut dyn FnMut(Piece<'_>)) -> Result<(), Fault> {
        while !self.rest.is_empty() {
            if !self.feed_rest(&mut data, out)? {
                return Ok(());
            }
        }
        let mut buffer = data;
        while !buffer.is_empty() {
            match front(buffer)? {
                Front::Incomplete { .. } => break,
                Front::Skip { len, garbage } => {
                    self.count(len, garbage)?;
                    buffer = buffer.get(len..).unwrap_or_default();
                }
                Front::Whole { piece, len } => {
                    out(piece);
                    buffer = buffer.get(len..).unwrap_or_default();
                }
            }
        }
        self.rest.extend_from_slice(buffer);
        Ok(())
    }

    /// Completes what is left over with the beginning of `data`; false when that does not suffice.
    fn feed_rest(
        &mut self,
        data: &mut &[u8],
        out: &mut dyn FnMut(Piece<'_>),
    ) -> Result<bool, Fault> {
        let before = self.rest.len();
        let needed = match front(&self.rest)? {
            Front::Incomplete { needed } => needed,
            // Left over from a call that ended in rubbish.
            Front::Skip { .. } | Front::Whole { .. } => before,
        };
        let more = needed.saturating_sub(before).min(data.len());
        let (head, tail) = data.split_at_checked(more).unwrap_or((data, &[]));
        self.rest.extend_from_slice(head);
        *data = tail;
        let len = match front(&self.rest)? {
            Front::Incomplete { .. } if tail.is_empty() => return Ok(false),
            Front::Incomplete { .. } => return Ok(true),
            Front::Skip { len, garbage } => {
                self.count(len, garbage)?;
                len
            }
            Front::Whole { piece, len } => {
                out(piece);
                len
            }
        };
        self.rest.drain(..len.min(self.rest.len()));
        if self.rest.is_empty() && self.rest.capacity() > KEPT_CAPACITY {
            self.rest = Vec::new();
        }
        Ok(true)
    }

    fn count(&mut self, len: usize, garbage: bool) -> Result<(), Fault> {
        if garbage {
            self.garbage = self.garbage.saturating_add(len);
        }
        if self.garbage > MAX_GARBAGE && !sabotage::off("G-20") {
            return Err(Fault::Garbage);
        }
        Ok(())
    }
}

/// Looks at the front of `buffer`, which is not empty.
fn front(buffer: &[u8]) -> Result<Front<'_>, Fault> {
    match buffer {
        [b'$', channel, high, low, rest @ ..] => {
            let len = usize::from(u16::from_be_bytes([*high, *low]));
            let Some(payload) = rest.get(..len) else {
                return Ok(Front::Incomplete { needed: len + 4 });
            };
            let channel = *channel;
            let piece = Piece::Data { channel, payload };
            Ok(Front::Whole {
                piece,
                len: len + 4,
            })
        }
        [b'$', ..] => Ok(Front::Incomplete { needed: 4 }),
        [b'\r' | b'\n' | b' ' | 0, ..] => {
            let blank = |byte: &&u8| matches!(**byte, b'\r' | b'\n' | b' ' | 0);
            let len = buffer.iter().take_while(blank).count();
            Ok(Front::Skip {
                len,
                garbage: false,
            })
        }
        [first, ..] if first.is_ascii_alphabetic() => front_message(buffer),
        _ => Ok(skip_garbage(buffer)),
    }
}

fn front_message(buffer: &[u8]) -> Result<Front<'_>, Fault> {
    let window = buffer.get(..MAX_HEAD).unwrap_or(buffer);
    // Asked whether the header has come whole or not, so that it makes no difference how it is cut.
    let first_line = window.split(|byte| *byte == b'\n').next();
    let binary = |byte: &u8| byte.is_ascii_control() && !matches!(byte, b'\r' | b'\t');
    if first_line.is_some_and(|line| line.iter().any(binary)) {
        return Ok(skip_garbage(buffer));
    }
    let Some((head_len, body_at)) = end_of_head(window) else {
        if buffer.len() >= MAX_HEAD {
            return Err(Fault::HeadTooLong);
        }
        let needed = buffer.len().saturating_add(HEAD_STEP);
        return Ok(Front::Incomplete { needed });
    };
    let Some(head) = Head::parse(window.get(..head_len).unwrap_or_default()) else {
        return Ok(skip_garbage(buffer));
    };
    let body_len = head.fields().content_length();
    if body_len > MAX_BODY && !sabotage::off("G-20") {
        return Err(Fault::BodyTooLong);
    }
    let len = body_at.saturating_add(body_len);
    match buffer.get(body_at..len) {
        Some(body) => Ok(Front::Whole {
            piece: Piece::Message { head, body },
            len,
        }),
        None => Ok(Front::Incomplete { needed: len }),
    }
}

/// Where the header ends and where the body begins: an empty line, with or without carriage returns.
fn end_of_head(buffer: &[u8]) -> Option<(usize, usize)> {
    let mut line = 0;
    for (at, byte) in buffer.iter().enumerate() {
        if *byte == b'\n' {
            let empty = matches!(buffer.get(line..at), Some([] | [b'\r']));
            if empty {
                return Some((line, at.saturating_add(1)));
            }
            line = at.saturating_add(1);
        }
    }
    None
}

/// Up to where something may begin again: a packet of a low channel, or an answer.
fn skip_garbage(buffer: &[u8]) -> Front<'_> {
    let starts =
        |window: &[u8]| matches!(window, [b'$', 0..=15, ..]) || window.starts_with(b"RTSP/");
    let from_second = buffer.get(1..).unwrap_or_default();
    let mut at = 1_usize;
    let mut tail = from_second;
    while !tail.is_empty() && !starts(tail) && !matches!(tail, b"$" | b"R") {
        at = at.saturating_add(1);
        tail = tail.get(1..).unwrap_or_default();
    }
    Front::Skip {
        len: at,
        garbage: true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Pieces in a form that outlives the buffer.
    #[derive(Debug, Clone, PartialEq, Eq)]
    enum Got {
        Data(u8, Vec<u8>),
        Status(u16, Vec<u8>),
        Request(String),
    }

    fn feed(framer: &mut Framer, data: &[u8], out: &mut Vec<Got>) -> Result<(), Fault> {
        framer.feed(data, &mut |piece| {
            out.push(match piece {
                Piece::Data { channel, payload } => Got::Data(channel, payload.to_vec()),
                Piece::Message { head, body } => match head {
                    Head::Request { method, .. } => Got::Request(method),
                    Head::Response { status, .. } => Got::Status(status, body.to_vec()),
                },
            });
        })
    }

    fn all(data: &[u8]) -> Result<Vec<Got>, Fault> {
        let mut out = Vec::new();
        feed(&mut Framer::default(), data, &mut out)?;
        Ok(out)
    }

    const STREAM: &[u8] =
        b"\r\n$\x00\x00\x03abcRTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length: 4\r\n\r\nbody\
        $\x01\x00\x00\r\nOPTIONS * RTSP/1.0\nCSeq: 9\n\n$\x02\x00\x02\r\nRTSP/1.0 404 No\r\n\r\n";

    fn expected() -> Vec<Got> {
        vec![
            Got::Data(0, b"abc".to_vec()),
            Got::Status(200, b"body".to_vec()),
            Got::Data(1, Vec::new()),
            Got::Request("OPTIONS".to_owned()),
            Got::Data(2, b"\r\n".to_vec()),
            Got::Status(404, Vec::new()),
        ]
    }

    #[test]
    fn pieces_are_cut_however_they_arrive() {
        assert_eq!(all(STREAM), Ok(expected()));
        for step in 1..STREAM.len() {
            let (mut framer, mut out) = (Framer::default(), Vec::new());
            for chunk in STREAM.chunks(step) {
                feed(&mut framer, chunk, &mut out).unwrap();
            }
            assert_eq!(out, expected(), "{step}");
            assert!(framer.rest.is_empty());
        }
    }

    #[test]
    fn rubbish_is_skipped_to_the_next_piece() {
        let stream = [&b"\xff\xfe\x05Rub\x02bish"[..], STREAM].concat();
        assert_eq!(all(&stream), Ok(expected()));
        let miscounted = [&b"$\x00\x00\x01abc"[..], STREAM].concat();
        assert_eq!(all(&miscounted).unwrap().last(), expected().last());
    }

    #[test]
    fn g_20_endless_rubbish_and_endless_messages_end_the_session() {
        assert_eq!(all(&vec![0xff; MAX_GARBAGE + 1]), Err(Fault::Garbage));
        assert_eq!(all(&vec![b'A'; MAX_HEAD]), Err(Fault::HeadTooLong));
        let long = b"RTSP/1.0 200 OK\r\nContent-Length: 65537\r\n\r\n";
        assert_eq!(all(long), Err(Fault::BodyTooLong));
        let slow = [&b"RTSP/1.0 200 OK\r\n"[..], &vec![b'a'; MAX_HEAD]].concat();
        let (mut framer, mut out) = (Framer::default(), Vec::new());
        let fault = slow
            .chunks(1_000)
            .find_map(|c| feed(&mut framer, c, &mut out).err());
        assert_eq!(fault, Some(Fault::HeadTooLong));
    }

    #[test]
    fn a_control_character_in_the_first_line_is_rubbish_however_it_is_cut() {
        let stream = [&b"RTSP/1.0 200 OK\0\r\nCSeq: 1\r\n\r\n"[..], STREAM].concat();
        assert_eq!(all(&stream), Ok(expected()));
        for step in [1, 7, 16, 17, 40] {
            let (mut framer, mut out) = (Framer::default(), Vec::new());
            for piece in stream.chunks(step) {
                feed(&mut framer, piece, &mut out).unwrap();
            }
            assert_eq!(out, expected(), "{step}");
        }
    }

    #[test]
    fn another_protocol_is_no_rtsp() {
        assert_eq!(
            all(b"HTTP/1.1 400 Bad Request\r\nServer: x\r\n\r\n"),
            Ok(Vec::new())
        );
        assert_eq!(all(b"SSH-2.0-OpenSSH_9.2\r\n"), Ok(Vec::new()));
    }

    proptest! {
        #[test]
        fn random_streams_never_panic(chunks in proptest::collection::vec(
            proptest::collection::vec(any::<u8>(), 0..60), 0..20)) {
            let (mut framer, mut out) = (Framer::default(), Vec::new());
            for chunk in &chunks {
                if feed(&mut framer, chunk, &mut out).is_err() {
                    break;
                }
                prop_assert!(framer.rest.len() <= MAX_HEAD + MAX_BODY + 4);
            }
        }

        #[test]
        fn packets_survive_any_cut(packets in proptest::collection::vec(
            (0..4_u8, proptest::collection::vec(any::<u8>(), 0..200)), 0..20), step in 1..97_usize) {
            let mut stream = Vec::new();
            for (channel, payload) in &packets {
                stream.extend_from_slice(&[b'$', *channel, 0, u8::try_from(payload.len()).unwrap()]);
                stream.extend_from_slice(payload);
            }
            let (mut framer, mut out) = (Framer::default(), Vec::new());
            for chunk in stream.chunks(step) {
                feed(&mut framer, chunk, &mut out).unwrap();
            }
            let expected: Vec<_> = packets.into_iter().map(|(c, p)| Got::Data(c, p)).collect();
            prop_assert_eq!(out, expected);
        }
    }
}
