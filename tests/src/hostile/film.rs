//! What our own camera shows: a few seconds of the synthetic camera, encoded once and looped.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use bartizan_domain::{Monotonic, Track, UtcMillis};
use bartizan_synthetic::{SyntheticCamera, SyntheticOptions};

/// One picture.
#[derive(Debug, Clone)]
pub struct Picture {
    /// Its NAL units.
    pub nals: Vec<Vec<u8>>,
    /// Whether decoding can start here.
    pub key: bool,
}

/// A few seconds of pictures.
#[derive(Debug, Clone)]
pub struct Film {
    /// Sequence parameter set.
    pub sps: Vec<u8>,
    /// Picture parameter set.
    pub pps: Vec<u8>,
    /// In order; the first is a keyframe.
    pub pictures: Vec<Picture>,
    /// From picture to picture.
    pub every: Duration,
    /// Its sound: G.711 µ-law at 8 kHz in units of 20 ms; empty when it is silent.
    pub sound: Vec<Vec<u8>>,
}

impl Film {
    /// Films a synthetic camera of these options for `seconds`; silent unless they say `audio=true`.
    ///
    /// # Errors
    /// The options are wrong, or the encoder fails.
    pub fn shoot(options: &str, seconds: u64) -> Result<Self> {
        let silent = if options.contains("audio=") {
            ""
        } else {
            "&audio=false"
        };
        let address = format!("synthetic:?{options}{silent}");
        let options = SyntheticOptions::parse(&address)?;
        let every = Duration::from_secs(1) / u32::from(options.fps());
        let mut camera = SyntheticCamera::new(options)?;
        let (sps, pps) =
            parameter_sets(&camera.video_config().extra).context("an avcC holds both sets")?;
        let (mut pictures, mut sound) = (Vec::new(), Vec::new());
        let mut passed = Duration::ZERO;
        while passed < Duration::from_secs(seconds) {
            let utc = UtcMillis(1_700_000_000_000 + u64::try_from(passed.as_millis())?);
            while let Some(unit) = camera.next(Monotonic::from_start(passed), utc)? {
                match unit.track {
                    Track::Video => pictures.push(Picture {
                        nals: nals(&unit.data)?,
                        key: unit.key,
                    }),
                    _ => sound.push(unit.data),
                }
            }
            passed += every;
        }
        Ok(Self {
            sps,
            pps,
            pictures,
            every,
            sound,
        })
    }

    /// The same film with pictures of about `bytes` each: not for decoding, for filling queues.
    #[must_use]
    pub fn inflated(mut self, bytes: usize) -> Self {
        for picture in &mut self.pictures {
            if let Some(last) = picture.nals.last_mut() {
                // Never two zeros in a row: nothing looks like a start code (14496-10 §7.4.1).
                last.extend((0..bytes).map(|at| u8::try_from(at % 251).unwrap_or(1) | 1));
            }
        }
        self
    }

    /// After this film another one of another shape, as when somebody changes the camera's resolution: each
    /// keyframe brings its own parameter sets.
    #[must_use]
    pub fn then(self, other: Self) -> Self {
        let mut both = self.with_sets_in_band();
        both.pictures.extend(other.with_sets_in_band().pictures);
        both
    }

    fn with_sets_in_band(mut self) -> Self {
        let (sps, pps) = (self.sps.clone(), self.pps.clone());
        for picture in self.pictures.iter_mut().filter(|picture| picture.key) {
            // The encoder may have put them there already.
            picture.nals.retain(|nal| {
                !nal.first()
                    .is_some_and(|head| [7, 8].contains(&(head & 31)))
            });
            picture.nals.splice(0..0, [sps.clone(), pps.clone()]);
        }
        self
    }
}

/// The first parameter sets of an `avcC` (14496-15 §5.3.3.1).
fn parameter_sets(record: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let (sps, rest) = counted(record.get(6..)?)?;
    let (pps, _) = counted(rest.get(1..)?)?;
    Some((sps.to_vec(), pps.to_vec()))
}

fn counted(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (len, rest) = bytes.split_first_chunk::<2>()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*len)))
}

/// NAL units of an access unit with four-byte lengths.
fn nals(mut unit: &[u8]) -> Result<Vec<Vec<u8>>> {
    let mut found = Vec::new();
    while let Some((len, rest)) = unit.split_first_chunk::<4>() {
        let len = usize::try_from(u32::from_be_bytes(*len))?;
        let (nal, rest) = rest.split_at_checked(len).context("a NAL unit is whole")?;
        found.push(nal.to_vec());
        unit = rest;
    }
    match unit {
        [] => Ok(found),
        _ => bail!("bytes are left over"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_film_has_all_its_pictures_and_both_sets() {
        let film = Film::shoot("width=160&height=120&fps=10&gop=1s", 2).unwrap();
        assert_eq!(film.pictures.len(), 20);
        let keys: Vec<_> = film.pictures.iter().map(|picture| picture.key).collect();
        assert!(keys[0] && keys[10] && keys.iter().filter(|key| **key).count() == 2);
        assert_eq!((film.sps[0] & 31, film.pps[0] & 31), (7, 8));
    }

    #[test]
    fn a_film_that_changes_its_size_carries_both_kinds_of_sets() {
        let small = Film::shoot("width=160&height=120&fps=5&gop=1s", 1).unwrap();
        let large = Film::shoot("width=320&height=240&fps=5&gop=1s", 1).unwrap();
        let both = small.clone().then(large.clone());
        assert_eq!(both.pictures.len(), 10);
        assert_eq!(both.pictures[0].nals[0], small.sps);
        assert_eq!(both.pictures[5].nals[0], large.sps);
    }
}
