//! Messages between gateway and ingest: `length u32 ‖ type u8 ‖ body` over one stream socket.
//!
//! Records, the bulk, are raw bytes behind a stream id; everything else is rare and JSON. Both sides bound
//! what they read: a length over [`MAX_MESSAGE`] ends the connection.

use bartizan_domain::limits::MAX_RECORD_BODY;
use bartizan_domain::wire::{Reader, WireError};
use bartizan_domain::{CameraId, EpochId, GapReason, Hash, Rendition, StreamId, UtcMillis};
use serde::{Deserialize, Serialize};

use crate::api::{CameraProblem, ProbeReport, SourceSettings, StreamStatus};
use crate::blob::Blob;

/// Longest message in bytes: one record of the largest kind and change.
pub const MAX_MESSAGE: usize = MAX_RECORD_BODY + 4 * 1_024;

/// Bytes before the body.
pub const PREFIX_LEN: usize = 5;

const TYPE_RECORDS: u8 = 1;
const TYPE_ENVELOPE: u8 = 2;
const TYPE_JSON: u8 = 3;

/// What the ingest tells the gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FromIngest {
    /// First message: the sealer's public key, signed over the gateway's challenge by itself.
    Hello {
        /// Ed25519 public key.
        sealer: Blob,
        /// What this ingest pinned: hash of the genesis and of the roster's head, if any.
        pinned: Option<(Hash, Hash)>,
    },
    /// The roster was verified and taken over as far as here.
    RosterPinned {
        /// Hash of the genesis.
        genesis: Hash,
        /// Hash of the last statement.
        head: Hash,
        /// By the sealer, over `"bartizan/v1/pinned" ‖ genesis ‖ head`.
        signature: Blob,
    },
    /// Statements were refused: the pinned genesis or the log contradicts them.
    RosterRefused {
        /// Why, in plain words.
        reason: String,
    },
    /// How a stream is doing; sent when it changes.
    Status {
        /// Which.
        stream: StreamId,
        /// How.
        status: StreamStatus,
    },
    /// So many packets of cameras did not arrive since the last such message.
    LostPackets {
        /// How many.
        count: u64,
    },
    /// Answer to [`ToIngest::Probe`].
    Probed {
        /// As in the request.
        camera: CameraId,
        /// What was found, or why not.
        outcome: Result<ProbeReport, CameraProblem>,
    },
}

/// What the gateway tells the ingest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ToIngest {
    /// Statements of the roster from place `from` on.
    Roster {
        /// Sequence number of the first.
        from: u64,
        /// The statements' bytes.
        statements: Vec<Blob>,
    },
    /// All cameras that are to be sealed: others are let go.
    Cameras {
        /// Each with its sources.
        cameras: Vec<CameraOrder>,
    },
    /// Where a stream stands in the recorder; sent before its first order, and again after the recorder
    /// came back.
    State {
        /// Which.
        stream: StreamId,
        /// Its last manifest record, whole.
        last_manifest: Option<Blob>,
        /// Its last segment, if that is not closed by a manifest.
        tail: Option<Tail>,
        /// No segment of this stream has a number as high as this.
        next_segment: u64,
    },
    /// Somebody watches the stream, or nobody does any more.
    Watched {
        /// Which.
        stream: StreamId,
        /// Whether.
        watched: bool,
    },
    /// The recorder could not keep segments; the sealer signs the gap.
    Lost {
        /// Which stream.
        stream: StreamId,
        /// First segment that is missing or cut short.
        first_segment: u64,
        /// How many.
        segments: u64,
        /// Last moment that was kept.
        from: UtcMillis,
        /// First moment that is kept again.
        to: UtcMillis,
        /// Why.
        reason: GapReason,
    },
    /// Try a source without recording it.
    Probe {
        /// An id for the broker and the answer; of a camera on the roster or a fresh one.
        camera: CameraId,
        /// What to try.
        source: SourceSettings,
    },
}

/// A segment as the recorder found it after a crash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tail {
    /// Which segment.
    pub number: u64,
    /// Intact frames.
    pub frames: u32,
    /// Chain after the last of them.
    pub chain: Hash,
    /// Whether its close record is there.
    pub closed: bool,
    /// The last time that it speaks of.
    pub end: UtcMillis,
}

/// A camera that the ingest is to seal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CameraOrder {
    /// Which.
    pub camera: CameraId,
    /// Where its main stream comes from.
    pub main: SourceSettings,
    /// Where its sub stream comes from, if it has one.
    pub sub: Option<SourceSettings>,
}

/// A message as it lies in the receive buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Message<'a> {
    /// Whole records of one stream, in order.
    Records {
        /// Which.
        stream: StreamId,
        /// The records.
        bytes: &'a [u8],
    },
    /// An envelope record; durable before any later record of the camera.
    Envelope {
        /// Whose.
        camera: CameraId,
        /// Which epoch.
        epoch: EpochId,
        /// The record.
        bytes: &'a [u8],
    },
    /// A [`FromIngest`] or [`ToIngest`] document.
    Json(&'a [u8]),
}

impl<'a> Message<'a> {
    /// Takes the first message off `input`: `None` when it is not complete yet.
    ///
    /// # Errors
    /// The other side does not speak this protocol; the connection must end.
    pub fn split(input: &'a [u8]) -> Result<Option<(Self, &'a [u8])>, WireError> {
        let Some((len, rest)) = input.split_first_chunk::<4>() else {
            return Ok(None);
        };
        let len = u32::from_be_bytes(*len) as usize;
        if len > MAX_MESSAGE {
            return Err(WireError::TooLong {
                field: "message",
                len,
                max: MAX_MESSAGE,
            });
        }
        let Some((message, rest)) = rest.split_at_checked(len) else {
            return Ok(None);
        };
        Ok(Some((Self::decode(message)?, rest)))
    }

    fn decode(message: &'a [u8]) -> Result<Self, WireError> {
        let mut input = Reader::new(message);
        match input.u8("message type")? {
            TYPE_RECORDS => {
                let camera = CameraId::new(input.array("camera")?);
                let rendition = input.rendition("rendition")?;
                Ok(Self::Records {
                    stream: StreamId { camera, rendition },
                    bytes: input.rest(),
                })
            }
            TYPE_ENVELOPE => Ok(Self::Envelope {
                camera: CameraId::new(input.array("camera")?),
                epoch: EpochId::new(input.array("epoch")?),
                bytes: input.rest(),
            }),
            TYPE_JSON => Ok(Self::Json(input.rest())),
            code => Err(WireError::Unknown {
                field: "message type",
                value: code.into(),
            }),
        }
    }
}

/// Bytes before the records of a records message.
pub const RECORDS_PREFIX: usize = PREFIX_LEN + 16 + 1;

/// The bytes before `len` bytes of records of `stream`.
pub fn records_prefix(stream: StreamId, len: usize) -> [u8; RECORDS_PREFIX] {
    let mut out = [0; RECORDS_PREFIX];
    let total = u32::try_from(len + RECORDS_PREFIX - 4).unwrap_or(u32::MAX);
    let (head, rest) = out.split_at_mut(4);
    head.copy_from_slice(&total.to_be_bytes());
    let bytes = [TYPE_RECORDS]
        .into_iter()
        .chain(*stream.camera.as_bytes())
        .chain([Rendition::code(stream.rendition)]);
    rest.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
    out
}

/// An envelope message.
pub fn envelope_message(camera: CameraId, epoch: EpochId, record: &[u8]) -> Vec<u8> {
    let body = [
        &[TYPE_ENVELOPE],
        camera.as_bytes().as_slice(),
        epoch.as_bytes(),
        record,
    ]
    .concat();
    framed(&body)
}

/// A JSON message.
pub fn json_message<T: Serialize>(document: &T) -> Vec<u8> {
    let mut body = vec![TYPE_JSON];
    serde_json::to_writer(&mut body, document).expect("these documents have string keys only");
    framed(&body)
}

fn framed(body: &[u8]) -> Vec<u8> {
    let len = u32::try_from(body.len()).unwrap_or(u32::MAX);
    [&len.to_be_bytes(), body].concat()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn messages_round_trip() {
        let stream = StreamId {
            camera: CameraId::new([7; 16]),
            rendition: Rendition::Sub,
        };
        let mut bytes = records_prefix(stream, 3).to_vec();
        bytes.extend_from_slice(b"abc");
        bytes.extend(envelope_message(
            stream.camera,
            EpochId::new([8; 16]),
            b"env",
        ));
        bytes.extend(json_message(&ToIngest::Watched {
            stream,
            watched: true,
        }));
        let (first, rest) = Message::split(&bytes).unwrap().unwrap();
        assert_eq!(
            first,
            Message::Records {
                stream,
                bytes: b"abc"
            }
        );
        let (second, rest) = Message::split(rest).unwrap().unwrap();
        let (camera, epoch) = (stream.camera, EpochId::new([8; 16]));
        assert_eq!(
            second,
            Message::Envelope {
                camera,
                epoch,
                bytes: b"env"
            }
        );
        let (third, rest) = Message::split(rest).unwrap().unwrap();
        let Message::Json(json) = third else {
            panic!("{third:?}")
        };
        let document: ToIngest = serde_json::from_slice(json).unwrap();
        assert_eq!(
            document,
            ToIngest::Watched {
                stream,
                watched: true
            }
        );
        assert!(rest.is_empty());
    }

    #[test]
    fn a_length_over_the_limit_ends_the_connection() {
        let error = Message::split(&u32::MAX.to_be_bytes()).unwrap_err();
        assert!(matches!(error, WireError::TooLong { .. }));
    }

    proptest! {
        #[test]
        fn foreign_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            if let Ok(Some((_, rest))) = Message::split(&bytes) {
                prop_assert!(rest.len() < bytes.len());
            }
        }
    }
}
