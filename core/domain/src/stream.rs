//! What a camera delivers: renditions, tracks, and the reasons why nothing was recorded.

use std::fmt;
use std::str::FromStr;

use crate::CameraId;

/// Main (full size) or sub (small) stream of one camera.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum Rendition {
    /// The camera's best picture; what is recorded first.
    Main = 0,
    /// A small picture for grids and motion.
    Sub = 1,
}

impl Rendition {
    /// Both, main first.
    pub const ALL: [Self; 2] = [Self::Main, Self::Sub];

    /// The rendition of wire code `code`.
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Main),
            1 => Some(Self::Sub),
            _ => None,
        }
    }

    /// The wire code.
    pub const fn code(self) -> u8 {
        self as u8
    }
}

impl fmt::Display for Rendition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Main => "main",
            Self::Sub => "sub",
        })
    }
}

impl FromStr for Rendition {
    type Err = UnknownRendition;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "main" => Ok(Self::Main),
            "sub" => Ok(Self::Sub),
            _ => Err(UnknownRendition),
        }
    }
}

/// A rendition is `main` or `sub`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a rendition is \"main\" or \"sub\"")]
pub struct UnknownRendition;

/// One rendition of one camera: the unit that is sealed, chained and recorded.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub struct StreamId {
    /// Whose.
    pub camera: CameraId,
    /// Which.
    pub rendition: Rendition,
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.camera, self.rendition)
    }
}

/// What kind of thing a frame record holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Track {
    /// One access unit of picture.
    Video = 0,
    /// One access unit of sound.
    Audio = 1,
    /// Something that happened (motion, doorbell), as JSON.
    Event = 2,
    /// A small still picture, as JPEG or one keyframe.
    Thumbnail = 3,
}

impl Track {
    /// The track of wire code `code`.
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Video),
            1 => Some(Self::Audio),
            2 => Some(Self::Event),
            3 => Some(Self::Thumbnail),
            _ => None,
        }
    }

    /// The wire code.
    pub const fn code(self) -> u8 {
        self as u8
    }
}

/// Why a stretch of time has no recording. Part of signed manifests; codes never change meaning.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "kebab-case")]
#[repr(u8)]
pub enum GapReason {
    /// The sealer was not running: start, crash, upgrade or power cut.
    Restart = 1,
    /// The camera could not be reached or ended the connection.
    CameraOffline = 2,
    /// The camera was connected but sent nothing usable.
    CameraStalled = 3,
    /// The camera refused: wrong password, unsupported codec, rubbish.
    CameraRefused = 4,
    /// The recorder's disk was full, down to its free-space floor.
    DiskFull = 5,
    /// The recorder's disk failed, was read-only or had vanished.
    DiskFailed = 6,
    /// The recorder could not keep up.
    Overload = 7,
    /// The machine's clock was set; times before and after do not compare.
    ClockJump = 8,
    /// A member switched the camera off.
    Paused = 9,
    /// The recorder was not running while the sealer was.
    RecorderAway = 10,
}

impl GapReason {
    /// Every reason.
    pub const ALL: [Self; 10] = [
        Self::Restart,
        Self::CameraOffline,
        Self::CameraStalled,
        Self::CameraRefused,
        Self::DiskFull,
        Self::DiskFailed,
        Self::Overload,
        Self::ClockJump,
        Self::Paused,
        Self::RecorderAway,
    ];

    /// The reason of wire code `code`.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.code() == code)
    }

    /// The wire code.
    pub const fn code(self) -> u8 {
        self as u8
    }
}
