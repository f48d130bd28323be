//! The camera: says when the next access unit is due, and makes it.

use std::time::Duration;

use bartizan_domain::{Monotonic, Track, UtcMillis};
use bartizan_media::{AccessUnit, AudioInfo, Codec, TrackConfig};

use crate::audio;
use crate::encoder::H264;
use crate::picture::Scene;
use crate::{SyntheticError, SyntheticOptions, sei};

/// Ticks a second of the picture's times.
const VIDEO_TICKS: u64 = 90_000;
/// A caller that comes later than this gets no backlog: the pictures between are left out, as a camera
/// leaves them out that can't send.
const MAX_BACKLOG: Duration = Duration::from_secs(1);

/// A synthetic camera. Time comes with each call; it begins at the first.
#[derive(Debug)]
pub struct SyntheticCamera {
    options: SyntheticOptions,
    scene: Scene,
    encoder: H264,
    video: TrackConfig,
    canary: Option<Vec<u8>>,
    began: Option<(Monotonic, UtcMillis)>,
    next_picture: u64,
    next_sound: u64,
    /// Number of the last group of pictures that got its keyframe.
    last_group: Option<u64>,
}

impl SyntheticCamera {
    /// Draws the picture and starts the encoder, which takes some tens of milliseconds.
    ///
    /// # Errors
    /// [`SyntheticError`] when the encoder does not start.
    pub fn new(options: SyntheticOptions) -> Result<Self, SyntheticError> {
        let mut scene = Scene::new(&options);
        let (encoder, video) = H264::new(&options, scene.draw(0, UtcMillis(0)))?;
        let canary = options.canary().map(|text| sei::user_data(text.as_bytes()));
        Ok(Self {
            options,
            scene,
            encoder,
            video,
            canary,
            began: None,
            next_picture: 0,
            next_sound: 0,
            last_group: None,
        })
    }

    /// What it was made from.
    pub const fn options(&self) -> &SyntheticOptions {
        &self.options
    }

    /// The picture's configuration, which never changes.
    pub const fn video_config(&self) -> &TrackConfig {
        &self.video
    }

    /// The sound's configuration, if there is sound.
    pub fn audio_config(&self) -> Option<TrackConfig> {
        let audio = AudioInfo {
            sample_rate: audio::RATE,
            channels: 1,
        };
        self.options.audio().then(|| TrackConfig {
            codec: Codec::Pcmu,
            timescale: audio::RATE,
            video: None,
            audio: Some(audio),
            extra: Vec::new(),
        })
    }

    /// When the next access unit is due; at once before the first call of [`next`](Self::next).
    pub fn next_due(&self) -> Monotonic {
        let Some((began, _)) = self.began else {
            return Monotonic::default();
        };
        let picture = began + self.picture_time(self.next_picture);
        let sound = began + sound_time(self.next_sound);
        if self.options.audio() {
            picture.min(sound)
        } else {
            picture
        }
    }

    /// The next access unit that is due at `now`, which is `utc` on the wall clock; `None` when none is.
    /// Call it until then. Capture times follow the wall clock, presentation times never jump except by
    /// whole pictures that were left out.
    ///
    /// # Errors
    /// [`SyntheticError`]; the camera is of no use afterwards.
    pub fn next(
        &mut self,
        now: Monotonic,
        utc: UtcMillis,
    ) -> Result<Option<AccessUnit>, SyntheticError> {
        let (began, began_utc) = *self.began.get_or_insert((now, utc));
        self.skip_backlog(now.since(began));
        while self.next_due() <= now {
            let due = self.next_due();
            let captured = utc.saturating_sub(millis(now.since(due)));
            let sound_due = began + sound_time(self.next_sound) == due;
            if self.options.audio() && sound_due {
                return Ok(Some(self.sound(began_utc, captured)));
            }
            if let Some(unit) = self.picture(captured)? {
                return Ok(Some(unit));
            }
        }
        Ok(None)
    }

    /// Makes the next picture a keyframe, besides the regular ones.
    pub const fn force_keyframe(&mut self) {
        self.last_group = None;
    }

    fn picture(&mut self, captured: UtcMillis) -> Result<Option<AccessUnit>, SyntheticError> {
        let number = self.next_picture;
        self.next_picture = number.saturating_add(1);
        let group = self.group(number);
        let frame = self.scene.draw(number, captured);
        let key = self.last_group != Some(group);
        let encoded = self.encoder.encode(frame, key, self.canary.as_deref())?;
        let Some(encoded) = encoded else {
            return Ok(None);
        };
        if encoded.key {
            self.last_group = Some(group);
        }
        let ticks = scaled(number, VIDEO_TICKS, self.options.fps().into());
        Ok(Some(access_unit(
            Track::Video,
            captured,
            ticks,
            encoded.key,
            encoded.data,
        )))
    }

    fn sound(&mut self, began: UtcMillis, captured: UtcMillis) -> AccessUnit {
        let index = self.next_sound;
        self.next_sound = index.saturating_add(1);
        let canary = self.options.canary().map(str::as_bytes);
        let data = audio::unit(began, index, canary);
        let ticks = index.saturating_mul(audio::UNIT.into());
        access_unit(Track::Audio, captured, ticks, true, data)
    }

    /// Which group of pictures picture `number` belongs to; the first of each is a keyframe.
    fn group(&self, number: u64) -> u64 {
        let gop = u64::from(self.options.gop_ms).saturating_mul(self.options.fps().into());
        scaled(number, 1_000, gop)
    }

    fn picture_time(&self, number: u64) -> Duration {
        Duration::from_nanos(scaled(number, 1_000_000_000, self.options.fps().into()))
    }

    fn skip_backlog(&mut self, elapsed: Duration) {
        if elapsed.saturating_sub(self.picture_time(self.next_picture)) > MAX_BACKLOG {
            let nanos = u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX);
            self.next_picture = scaled(nanos, self.options.fps().into(), 1_000_000_000);
        }
        if elapsed.saturating_sub(sound_time(self.next_sound)) > MAX_BACKLOG {
            self.next_sound = millis(elapsed) / audio::UNIT_MS;
        }
    }
}

fn access_unit(
    track: Track,
    captured: UtcMillis,
    ticks: u64,
    key: bool,
    data: Vec<u8>,
) -> AccessUnit {
    let pts = i64::try_from(ticks).unwrap_or(i64::MAX);
    AccessUnit {
        track,
        captured,
        pts,
        dts: pts,
        key,
        lost_packets: 0,
        data,
    }
}

fn sound_time(index: u64) -> Duration {
    Duration::from_millis(index.saturating_mul(audio::UNIT_MS))
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// `count · times / per`, rounded down, without overflow on the way.
fn scaled(count: u64, times: u64, per: u64) -> u64 {
    let product = u128::from(count).saturating_mul(times.into());
    u64::try_from(product / u128::from(per.max(1))).unwrap_or(u64::MAX)
}
