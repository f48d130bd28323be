//! The address of a synthetic camera: `synthetic:?width=1280&height=720&fps=15&gop=2s&bitrate=1500k`
//! `&audio=true&canary=TEXT&label=TEXT&seed=N`. Every part may be left out; an unknown or repeated one
//! is an error, so that a slip of the pen does not pass unnoticed.

use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use bartizan_domain::limits::MAX_URL_BYTES;
use url::Url;

/// Pixels across: even.
pub const WIDTH: RangeInclusive<u16> = 160..=1_920;
/// Pixels down: even.
pub const HEIGHT: RangeInclusive<u16> = 120..=1_080;
/// Pictures a second.
pub const FPS: RangeInclusive<u8> = 1..=30;
/// Milliseconds from keyframe to keyframe.
pub const GOP_MS: RangeInclusive<u32> = 200..=30_000;
/// Bits a second.
pub const BITRATE: RangeInclusive<u32> = 50_000..=20_000_000;
/// Longest canary in bytes.
pub const MAX_CANARY: usize = 64;
/// Shortest canary in bytes: less would be found by chance.
pub const MIN_CANARY: usize = 8;
/// Longest label in characters.
pub const MAX_LABEL: usize = 20;

/// What the camera shows and how it is encoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntheticOptions {
    pub(crate) width: u16,
    pub(crate) height: u16,
    pub(crate) fps: u8,
    pub(crate) gop_ms: u32,
    pub(crate) bitrate_bps: u32,
    pub(crate) audio: bool,
    pub(crate) canary: Option<String>,
    pub(crate) label: String,
    pub(crate) seed: u64,
}

/// Why a text is not the address of a synthetic camera.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OptionsError {
    /// Not `synthetic:` or `synthetic:?…`.
    #[error("a synthetic camera's address is \"synthetic:\", with options behind \"?\"")]
    Address,
    /// An option that does not exist.
    #[error("there is no such option; known are {known}")]
    Unknown {
        /// The options that exist.
        known: &'static str,
    },
    /// The same option twice.
    #[error("{option} is given twice")]
    Repeated {
        /// The option.
        option: &'static str,
    },
    /// A value that is not of the option's form or outside its limits.
    #[error("{option} must be {expected}")]
    Value {
        /// The option.
        option: &'static str,
        /// What it must be.
        expected: &'static str,
    },
}

const KNOWN: &str = "width, height, fps, gop, bitrate, audio, canary, label, seed";
const OPTIONS: [(&str, &str); 9] = [
    ("width", "an even number from 160 to 1920"),
    ("height", "an even number from 120 to 1080"),
    ("fps", "a whole number from 1 to 30"),
    ("gop", "a time from 200ms to 30s, such as 2s"),
    ("bitrate", "bits a second from 50k to 20M, such as 1500k"),
    ("audio", "true or false"),
    ("canary", "8 to 64 printable ASCII characters"),
    ("label", "1 to 20 printable ASCII characters"),
    ("seed", "a whole number from 0 to 2^64 - 1"),
];

impl Default for SyntheticOptions {
    /// 1280 × 720 at 15 pictures a second, a keyframe every 2 s, sound, no canary.
    fn default() -> Self {
        Self {
            width: 1_280,
            height: 720,
            fps: 15,
            gop_ms: 2_000,
            bitrate_bps: 0,
            audio: true,
            canary: None,
            label: "SYNTHETIC".to_owned(),
            seed: 0,
        }
        .with_default_bitrate()
    }
}

impl FromStr for SyntheticOptions {
    type Err = OptionsError;

    fn from_str(address: &str) -> Result<Self, Self::Err> {
        Self::parse(address)
    }
}

impl SyntheticOptions {
    /// Reads an address of at most 2,048 bytes. Values are percent-decoded, `+` is a space.
    pub fn parse(address: &str) -> Result<Self, OptionsError> {
        if address.len() > MAX_URL_BYTES {
            return Err(OptionsError::Address);
        }
        let url = Url::parse(address).map_err(|_unreadable| OptionsError::Address)?;
        let plain = url.path().is_empty() && url.fragment().is_none() && !url.has_authority();
        if url.scheme() != "synthetic" || !plain {
            return Err(OptionsError::Address);
        }
        let mut options = Self {
            bitrate_bps: 0,
            ..Self::default()
        };
        let mut seen = Vec::new();
        for (name, value) in url.query_pairs() {
            let (option, expected) = *OPTIONS
                .iter()
                .find(|(option, _)| *option == name)
                .ok_or(OptionsError::Unknown { known: KNOWN })?;
            if seen.contains(&option) {
                return Err(OptionsError::Repeated { option });
            }
            seen.push(option);
            let set = options.set(option, &value);
            set.ok_or(OptionsError::Value { option, expected })?;
        }
        Ok(options.with_default_bitrate())
    }

    /// Pixels across.
    pub const fn width(&self) -> u16 {
        self.width
    }

    /// Pixels down.
    pub const fn height(&self) -> u16 {
        self.height
    }

    /// Pictures a second.
    pub const fn fps(&self) -> u8 {
        self.fps
    }

    /// Time from keyframe to keyframe.
    pub const fn gop(&self) -> Duration {
        Duration::from_millis(self.gop_ms as u64)
    }

    /// Aimed-at bits a second of the picture.
    pub const fn bitrate_bps(&self) -> u32 {
        self.bitrate_bps
    }

    /// Whether there is sound.
    pub const fn audio(&self) -> bool {
        self.audio
    }

    /// The text that must not leak.
    pub fn canary(&self) -> Option<&str> {
        self.canary.as_deref()
    }

    /// The text in the picture.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// What makes cameras look different: colours, and where the disc starts.
    pub const fn seed(&self) -> u64 {
        self.seed
    }

    fn set(&mut self, option: &str, value: &str) -> Option<()> {
        match option {
            "width" => self.width = even(within(value, &WIDTH)?)?,
            "height" => self.height = even(within(value, &HEIGHT)?)?,
            "fps" => self.fps = within(value, &FPS)?,
            "gop" => self.gop_ms = millis(value).filter(|gop| GOP_MS.contains(gop))?,
            "bitrate" => self.bitrate_bps = bits(value).filter(|bps| BITRATE.contains(bps))?,
            "audio" => self.audio = value.parse().ok()?,
            "canary" => self.canary = Some(ascii(value, MIN_CANARY..=MAX_CANARY)?),
            "label" => self.label = ascii(value, 1..=MAX_LABEL)?,
            "seed" => self.seed = value.parse().ok()?,
            _ => return None,
        }
        Some(())
    }

    /// About 0.11 bits a pixel unless one was given: 1.5 Mbit/s at 1280 × 720 and 15 pictures a second.
    fn with_default_bitrate(mut self) -> Self {
        if self.bitrate_bps == 0 {
            let pixels = u32::from(self.width).saturating_mul(u32::from(self.height));
            let bps = pixels.saturating_mul(u32::from(self.fps)) / 9;
            self.bitrate_bps = bps.clamp(*BITRATE.start(), *BITRATE.end());
        }
        self
    }
}

fn within<T: FromStr + PartialOrd>(text: &str, range: &RangeInclusive<T>) -> Option<T> {
    text.parse().ok().filter(|value| range.contains(value))
}

fn even(value: u16) -> Option<u16> {
    value.is_multiple_of(2).then_some(value)
}

/// `2s`, `0.5s`, `500ms`; at most three decimals.
fn millis(text: &str) -> Option<u32> {
    if let Some(millis) = text.strip_suffix("ms") {
        return millis.parse().ok();
    }
    let seconds = text.strip_suffix('s').unwrap_or(text);
    let (whole, part) = seconds.split_once('.').unwrap_or((seconds, "0"));
    if part.is_empty() || part.len() > 3 || !part.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let part: u32 = format!("{part:0<3}").parse().ok()?;
    whole
        .parse::<u32>()
        .ok()?
        .checked_mul(1_000)?
        .checked_add(part)
}

/// `1500k`, `2M`, `800000`.
fn bits(text: &str) -> Option<u32> {
    let (number, unit) = match (text.strip_suffix(['k', 'K']), text.strip_suffix('M')) {
        (Some(number), _) => (number, 1_000),
        (None, Some(number)) => (number, 1_000_000),
        (None, None) => (text, 1),
    };
    number.parse::<u32>().ok()?.checked_mul(unit)
}

fn ascii(text: &str, len: RangeInclusive<usize>) -> Option<String> {
    let printable = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    (printable && len.contains(&text.len())).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fails(address: &str) -> Option<&'static str> {
        match SyntheticOptions::parse(address) {
            Err(OptionsError::Value { option, .. } | OptionsError::Repeated { option }) => {
                Some(option)
            }
            _ => None,
        }
    }

    #[test]
    fn nothing_given_means_the_default() {
        for address in ["synthetic:", "synthetic:?", "SYNTHETIC:"] {
            assert_eq!(
                SyntheticOptions::parse(address),
                Ok(SyntheticOptions::default())
            );
        }
        assert_eq!(SyntheticOptions::default().bitrate_bps(), 1_536_000);
    }

    #[test]
    fn everything_given_is_taken() {
        let options = SyntheticOptions::parse(
            "synthetic:?width=640&height=360&fps=10&gop=0.5s&bitrate=800k&audio=false\
             &canary=do+not%20leak&label=Porch&seed=7",
        )
        .unwrap();
        assert_eq!(
            (options.width(), options.height(), options.fps()),
            (640, 360, 10)
        );
        assert_eq!(options.gop(), Duration::from_millis(500));
        assert_eq!((options.bitrate_bps(), options.audio()), (800_000, false));
        assert_eq!(
            (options.canary(), options.label()),
            (Some("do not leak"), "Porch")
        );
        assert_eq!(options.seed(), 7);
    }

    #[test]
    fn values_outside_the_limits_are_named() {
        for (address, option) in [
            ("synthetic:?width=158", "width"),
            ("synthetic:?width=161", "width"),
            ("synthetic:?height=1082", "height"),
            ("synthetic:?fps=0", "fps"),
            ("synthetic:?fps=15.5", "fps"),
            ("synthetic:?gop=100ms", "gop"),
            ("synthetic:?gop=0.19s", "gop"),
            ("synthetic:?gop=1.s", "gop"),
            ("synthetic:?gop=4294967295s", "gop"),
            ("synthetic:?bitrate=21M", "bitrate"),
            ("synthetic:?bitrate=5000000k", "bitrate"),
            ("synthetic:?audio=yes", "audio"),
            ("synthetic:?canary=short", "canary"),
            ("synthetic:?canary=ten%00bytes%0A", "canary"),
            ("synthetic:?label=", "label"),
            ("synthetic:?seed=-1", "seed"),
            ("synthetic:?fps=5&fps=6", "fps"),
        ] {
            assert_eq!(fails(address), Some(option), "{address}");
        }
    }

    #[test]
    fn other_addresses_are_refused() {
        for address in [
            "",
            "rtsp://camera/",
            "synthetic:/x",
            "synthetic://host/",
            "synthetic:#x",
        ] {
            assert_eq!(
                SyntheticOptions::parse(address),
                Err(OptionsError::Address),
                "{address}"
            );
        }
        let long = format!("synthetic:?label={}", "x".repeat(3_000));
        assert_eq!(SyntheticOptions::parse(&long), Err(OptionsError::Address));
        let unknown = SyntheticOptions::parse("synthetic:?colour=red");
        assert_eq!(unknown, Err(OptionsError::Unknown { known: KNOWN }));
    }
}
