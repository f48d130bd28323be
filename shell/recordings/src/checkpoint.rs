//! The checkpoint: before which volume every extent is in a durable index. It bounds what has to be
//! looked through when the recorder is opened, and shows when an index has lost something.

use std::io;

use bartizan_domain::wire::{Reader, WireError, Writer};
use bartizan_domain::{CameraId, StreamId};

use crate::config::MAX_STREAMS;
use crate::digest;
use crate::disk::{Access, Disk, read_file};

const MAGIC: [u8; 8] = *b"BZCHECK1";
const PATH: &str = "index/checkpoint";
const MAX_LEN: u64 = 64 * 1024;

/// What was durable when the checkpoint was written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checkpoint {
    /// Extents in volumes before this one are all in an index.
    pub volume: u32,
    /// Every stream, and how many extents its index had.
    pub streams: Vec<(StreamId, u64)>,
}

impl Checkpoint {
    /// Reads a checkpoint file.
    pub fn parse(bytes: &[u8]) -> Result<Self, WireError> {
        let field = "checkpoint";
        let body = digest::open(bytes).ok_or(WireError::Unknown { field, value: 0 })?;
        let mut input = Reader::new(body);
        if input.array(field)? != MAGIC {
            return Err(WireError::Unknown { field, value: 0 });
        }
        let volume = input.u32("checkpoint volume")?;
        let count = input.count16("checkpoint streams", MAX_STREAMS)?;
        let mut streams = Vec::with_capacity(count);
        for _ in 0..count {
            let camera = CameraId::new(input.array("camera")?);
            let rendition = input.rendition("rendition")?;
            streams.push((StreamId { camera, rendition }, input.u64("extents")?));
        }
        input.finish()?;
        Ok(Self { volume, streams })
    }

    /// The bytes of a checkpoint file.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::new();
        let count = u16::try_from(self.streams.len()).unwrap_or(u16::MAX);
        out.fixed(&MAGIC).u32(self.volume).u16(count);
        for (stream, extents) in self.streams.iter().take(usize::from(count)) {
            out.fixed(stream.camera.as_bytes())
                .u8(stream.rendition.code())
                .u64(*extents);
        }
        digest::seal(out.into_vec())
    }

    /// The checkpoint; `None` when there is none that can be read.
    pub(crate) fn load(disk: &dyn Disk) -> io::Result<Option<Self>> {
        match read_file(disk, PATH, MAX_LEN) {
            Ok(bytes) => Ok(Self::parse(&bytes).ok()),
            Err(error) => match error.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::InvalidData => Ok(None),
                _ => Err(error),
            },
        }
    }

    /// Replaces the checkpoint. A power cut leaves the old one, the new one, or none: all are safe.
    pub(crate) fn save(&self, disk: &dyn Disk) -> io::Result<()> {
        let draft = format!("{PATH}.tmp");
        let file = disk.open(&draft, Access::CREATE)?;
        file.set_len(0)?;
        file.write_at(&self.encode(), 0)?;
        file.sync()?;
        disk.rename(&draft, PATH)
    }
}

#[cfg(test)]
mod tests {
    use bartizan_domain::Rendition;

    use super::*;

    #[test]
    fn checkpoints_round_trip() {
        let camera = CameraId::new([1; 16]);
        let stream = StreamId {
            camera,
            rendition: Rendition::Sub,
        };
        let checkpoint = Checkpoint {
            volume: 9,
            streams: vec![(stream, 77)],
        };
        assert_eq!(Checkpoint::parse(&checkpoint.encode()), Ok(checkpoint));
        assert!(Checkpoint::parse(&[0; 30]).is_err());
    }
}
