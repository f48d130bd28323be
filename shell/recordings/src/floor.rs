//! The floor of a stream: what of it is kept. It is raised before anything is deleted, in memory for
//! readers and in a small file for the next process.

use std::io;

use bartizan_domain::wire::{Reader, WireError, Writer};
use bartizan_domain::{EpochId, UtcMillis};

use crate::digest;
use crate::disk::{Access, Disk, read_file};

/// Where a stream begins.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Floor {
    /// Logical offset of the first segment that is kept.
    pub offset: u64,
    /// First extent that is kept.
    pub extent: u64,
    /// Extents before this one have been freed.
    pub freed: u64,
    /// Start of the first segment that is kept.
    pub time: UtcMillis,
    /// Its epoch, when it is known.
    pub epoch: Option<EpochId>,
}

const MAGIC: [u8; 8] = *b"BZFLOOR1";
const MAX_LEN: u64 = 256;

impl Floor {
    /// Reads a floor file.
    pub fn parse(bytes: &[u8]) -> Result<Self, WireError> {
        let field = "floor";
        let body = digest::open(bytes).ok_or(WireError::Unknown { field, value: 0 })?;
        let mut input = Reader::new(body);
        if input.array(field)? != MAGIC {
            return Err(WireError::Unknown { field, value: 0 });
        }
        let (offset, extent) = (input.u64("floor offset")?, input.u64("floor extent")?);
        let (freed, time) = (input.u64("floor freed")?, input.time("floor time")?);
        let known = input.u8("floor epoch known")?;
        let epoch = EpochId::new(input.array("floor epoch")?);
        input.finish()?;
        let epoch = match known {
            0 => None,
            1 => Some(epoch),
            value => {
                return Err(WireError::Unknown {
                    field,
                    value: value.into(),
                });
            }
        };
        Ok(Self {
            offset,
            extent,
            freed,
            time,
            epoch,
        })
    }

    fn encode(&self) -> Vec<u8> {
        let mut out = Writer::new();
        out.fixed(&MAGIC)
            .u64(self.offset)
            .u64(self.extent)
            .u64(self.freed)
            .time(self.time);
        out.u8(u8::from(self.epoch.is_some()));
        out.fixed(&self.epoch.map_or([0; 16], |epoch| *epoch.as_bytes()));
        digest::seal(out.into_vec())
    }

    /// The floor in a stream's index folder; the very beginning when there is none that can be read.
    pub(crate) fn load(disk: &dyn Disk, dir: &str) -> io::Result<Self> {
        match read_file(disk, &format!("{dir}/floor"), MAX_LEN) {
            Ok(bytes) => Ok(Self::parse(&bytes).unwrap_or_default()),
            Err(error) => match error.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::InvalidData => Ok(Self::default()),
                _ => Err(error),
            },
        }
    }

    /// Writes the floor file over the old one, which is as long.
    pub(crate) fn save(&self, disk: &dyn Disk, dir: &str) -> io::Result<()> {
        let path = format!("{dir}/floor");
        let file = match disk.open(&path, Access::CREATE) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                disk.make_dir(dir)?;
                disk.open(&path, Access::CREATE)?
            }
            file => file?,
        };
        file.write_at(&self.encode(), 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floors_round_trip() {
        let epoch = Some(EpochId::new([7; 16]));
        let time = UtcMillis(4);
        for epoch in [epoch, None] {
            let floor = Floor {
                offset: 1,
                extent: 2,
                freed: 3,
                time,
                epoch,
            };
            assert_eq!(Floor::parse(&floor.encode()), Ok(floor));
        }
        assert!(Floor::parse(b"short").is_err());
    }
}
