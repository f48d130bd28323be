//! Runs a camera through virtual time, and looks at its pictures with openh264's decoder.

use std::time::Duration;

use bartizan_domain::{Monotonic, UtcMillis};
use bartizan_media::codec::h264::ParameterSets;
use bartizan_media::codec::nal;
use bartizan_media::{AccessUnit, TrackConfig};
use bartizan_synthetic::barcode::{CanaryPart, Luma, Stamp, read_canary, read_stamp};
use bartizan_synthetic::{SyntheticCamera, SyntheticOptions};
use openh264::decoder::Decoder;
use openh264::formats::YUVSource;

/// Where virtual time begins, and what the wall clock shows then.
pub(crate) const START: Monotonic = Monotonic::from_start(Duration::from_secs(1_000));
const START_UTC: UtcMillis = UtcMillis(1_790_000_000_000);

/// The camera at `address`.
pub(crate) fn camera(address: &str) -> SyntheticCamera {
    SyntheticCamera::new(SyntheticOptions::parse(address).unwrap()).unwrap()
}

/// All units that are due in the first `span` of a camera's life, its end excluded. The caller looks
/// every 5 ms.
pub(crate) fn run(camera: &mut SyntheticCamera, span: Duration) -> Vec<AccessUnit> {
    let mut units = Vec::new();
    let steps = u64::try_from(span.as_millis()).unwrap() / 5;
    for step in 0..steps {
        let passed = step * 5;
        let now = START + Duration::from_millis(passed);
        while let Some(unit) = camera.next(now, START_UTC.saturating_add(passed)).unwrap() {
            units.push(unit);
        }
    }
    units
}

/// A decoder that has the parameter sets.
pub(crate) struct Viewer {
    decoder: Decoder,
    size: (u16, u16),
}

impl Viewer {
    pub(crate) fn new(config: &TrackConfig) -> Self {
        let mut decoder = Decoder::new().unwrap();
        let sets = ParameterSets::from_avcc(&config.extra).unwrap();
        for set in sets.nals() {
            let annex_b = [&[0, 0, 0, 1], set].concat();
            assert!(decoder.decode(&annex_b).unwrap().is_none());
        }
        let video = config.video.unwrap();
        let size = (video.width, video.height);
        Self { decoder, size }
    }

    pub(crate) fn stamp(&mut self, unit: &AccessUnit) -> Option<Stamp> {
        self.look(unit, read_stamp)
    }

    pub(crate) fn canary(&mut self, unit: &AccessUnit) -> Option<CanaryPart> {
        self.look(unit, read_canary)
    }

    fn look<T>(
        &mut self,
        unit: &AccessUnit,
        read: impl FnOnce(&Luma<'_>) -> Option<T>,
    ) -> Option<T> {
        let annex_b = nal::to_annex_b(&unit.data).unwrap();
        let picture = self.decoder.decode(&annex_b).unwrap()?;
        let (width, height) = self.size;
        let stride = picture.strides().0;
        read(&Luma {
            width,
            height,
            stride,
            bytes: picture.y(),
        })
    }
}
