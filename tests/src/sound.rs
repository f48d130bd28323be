//! What the GStreamer camera sends as sound, byte for byte, and where in it a recorded stretch of sound begins.
//! It knows bytes and times only; nothing is decoded.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use data_encoding::HEXLOWER;

use crate::clips;
use crate::probe::place_in_loop;

/// Access units of one loop of a clip, in order.
#[derive(Debug, Clone)]
pub struct SoundLoop {
    /// Nanoseconds since the loop began, and content.
    units: Vec<(u64, Vec<u8>)>,
}

impl SoundLoop {
    /// Reads what the server wrote: a line for each unit with nanoseconds and hexadecimal content.
    ///
    /// # Errors
    /// The file is missing, or is no such list.
    pub fn read(file: &Path) -> Result<Self> {
        let text = fs::read_to_string(file).context("the camera writes no sound")?;
        let units = text.lines().map(unit).collect::<Result<Vec<_>>>()?;
        if units.is_empty() {
            bail!("the camera sends no sound");
        }
        Ok(Self { units })
    }

    /// How far in the loop `part` begins, if it is a stretch of the loop repeated without end.
    pub fn place(&self, part: &[u8]) -> Option<Duration> {
        let units = self.units.iter();
        let whole: Vec<u8> = units.flat_map(|(_, data)| data).copied().collect();
        let mut left = place_in_loop(part, &whole)?;
        let ends = self.units.iter().skip(1).map(|(time, _)| *time);
        let ends = ends.chain([u64::from(clips::SECONDS) * 1_000_000_000]);
        for ((time, data), end) in self.units.iter().zip(ends) {
            if left < data.len() {
                let share = (end - time) * left as u64 / data.len() as u64;
                return Some(Duration::from_nanos(time + share));
            }
            left -= data.len();
        }
        None
    }
}

fn unit(line: &str) -> Result<(u64, Vec<u8>)> {
    let (time, data) = line.split_once(' ').context("a unit has two fields")?;
    Ok((time.parse()?, HEXLOWER.decode(data.as_bytes())?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stretch_is_found_in_the_middle_of_a_unit_and_across_the_seam() {
        let units = vec![(0, b"abcd".to_vec()), (10_000_000_000, b"efgh".to_vec())];
        let sound = SoundLoop { units };
        let place = |part: &str| sound.place(part.as_bytes());
        assert_eq!(place("cdef"), Some(Duration::from_secs(5)));
        assert_eq!(place("ghabcdefgha"), Some(Duration::from_secs(15)));
        assert_eq!(place("cdeg"), None);
    }
}
