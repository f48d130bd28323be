//! What a camera says it can send: session descriptions (RFC 8866), read the forgiving way.
//!
//! Only media lines and the attributes that RTSP needs are read; every other line, well-formed or not,
//! is passed over, because cameras get origin, time and bandwidth lines wrong in many ways. Nothing is
//! judged here: `rtsp::offer` decides which of the media are wanted.

use std::fmt;

use bartizan_domain::sabotage;

/// Largest description that is read, in bytes; what is behind is ignored.
pub const MAX_SDP: usize = 64 * 1024;

/// Most media of a description; more are ignored.
pub const MAX_MEDIA: usize = 16;

/// Most payload formats of one medium; more are ignored.
pub const MAX_FORMATS: usize = 16;

/// Longest encoding name that is kept, in characters.
const MAX_ENCODING: usize = 32;

/// The name of an encoding, such as `H264`: at most 32 printable ASCII characters in upper case, so
/// that it may be shown and logged though a camera chose it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(from = "String")]
pub struct Encoding(String);

impl Encoding {
    /// Keeps what may be shown of `name`.
    pub fn new(name: &str) -> Self {
        let shown = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '+');
        let name: String = name.chars().filter(shown).take(MAX_ENCODING).collect();
        Self(name.to_ascii_uppercase())
    }

    /// The name, in upper case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for Encoding {
    fn from(name: String) -> Self {
        Self::new(&name)
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Kind of a medium.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Sound.
    Audio,
    /// Metadata and whatever else.
    Other,
    /// Picture.
    Video,
}

/// One payload format of a medium (`a=rtpmap`, `a=fmtp`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Format {
    /// RTP payload type, 0–127.
    pub payload_type: u8,
    /// Encoding name; empty when neither the camera nor RFC 3551 names one.
    pub encoding: Encoding,
    /// Ticks a second of its RTP timestamps; 0 when unknown.
    pub clock_rate: u32,
    /// Channels of sound; 1 when not said.
    pub channels: u8,
    /// Format parameters as given, without the payload type.
    parameters: String,
}

impl Format {
    /// The value of format parameter `name`, compared without case.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.split(';').find_map(|part| {
            let (key, value) = part.split_once('=')?;
            key.trim().eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

/// One `m=` section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Media {
    /// Picture, sound or something else.
    pub kind: Kind,
    /// Its payload formats, best first.
    pub formats: Vec<Format>,
    /// `a=control`, as given.
    pub control: Option<String>,
    /// `a=sendonly`: sound that the camera wants to be sent (ONVIF Streaming §5.3), not one it sends.
    pub backchannel: bool,
}

/// A whole description.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Description {
    /// `a=control` of the session, as given.
    pub control: Option<String>,
    /// Media in the camera's order.
    pub media: Vec<Media>,
}

fn max_media() -> usize {
    if sabotage::off("G-20") {
        usize::MAX
    } else {
        MAX_MEDIA
    }
}

impl Description {
    /// Reads whatever is readable; bytes that are no description give one without media.
    pub fn parse(bytes: &[u8]) -> Self {
        let bytes = bytes.get(..MAX_SDP).unwrap_or(bytes);
        let text = String::from_utf8_lossy(bytes);
        let mut description = Self::default();
        for line in text.split(['\n', '\r']).map(str::trim) {
            match line.split_once('=') {
                Some(("m", value)) => match parse_media(value) {
                    Some(media) if description.media.len() < max_media() => {
                        description.media.push(media);
                    }
                    _ => break,
                },
                Some(("a", value)) => description.attribute(value),
                _ => {}
            }
        }
        description
    }

    fn attribute(&mut self, line: &str) {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.trim();
        match (self.media.last_mut(), name.trim()) {
            (None, "control") => self.control = non_empty(value),
            (Some(media), "control") => media.control = non_empty(value),
            (Some(media), "rtpmap") => media.map(value),
            (Some(media), "fmtp") => media.format_parameters(value),
            (Some(media), "sendonly") => media.backchannel = true,
            _ => {}
        }
    }
}

impl Media {
    /// `<payload type> <encoding>/<clock rate>[/<channels>]` (RFC 8866 §6.6).
    fn map(&mut self, value: &str) {
        let Some((format, rest)) = self.format_mut(value) else {
            return;
        };
        let mut parts = rest.trim().split('/');
        format.encoding = Encoding::new(parts.next().unwrap_or_default());
        let number = |part: Option<&str>| part.and_then(|part| part.trim().parse::<u32>().ok());
        if let Some(rate) = number(parts.next()) {
            format.clock_rate = rate;
        }
        if let Some(channels) = number(parts.next()).and_then(|n| u8::try_from(n).ok()) {
            format.channels = channels.max(1);
        }
    }

    fn format_parameters(&mut self, value: &str) {
        if let Some((format, rest)) = self.format_mut(value) {
            rest.trim().clone_into(&mut format.parameters);
        }
    }

    /// The format that an attribute value starts with, and the rest of the value.
    fn format_mut<'v>(&mut self, value: &'v str) -> Option<(&mut Format, &'v str)> {
        let (number, rest) = value.split_once([' ', '\t'])?;
        let payload_type: u8 = number.parse().ok()?;
        let mut formats = self.formats.iter_mut();
        Some((formats.find(|f| f.payload_type == payload_type)?, rest))
    }
}

fn non_empty(value: &str) -> Option<String> {
    (!value.is_empty()).then(|| value.to_owned())
}

/// `<media> <port> <proto> <fmt>…` (RFC 8866 §5.14).
fn parse_media(value: &str) -> Option<Media> {
    let mut words = value.split_ascii_whitespace();
    let kind = match words.next()? {
        "video" => Kind::Video,
        "audio" => Kind::Audio,
        _ => Kind::Other,
    };
    let formats = words
        .skip(2)
        .filter_map(|word| word.parse().ok().filter(|number| *number < 128))
        .take(MAX_FORMATS)
        .map(static_format)
        .collect();
    Some(Media {
        kind,
        formats,
        control: None,
        backchannel: false,
    })
}

/// What RFC 3551 §6 says of a payload type, for cameras that leave `a=rtpmap` out.
fn static_format(payload_type: u8) -> Format {
    let (encoding, clock_rate) = match payload_type {
        0 => ("PCMU", 8_000),
        3 => ("GSM", 8_000),
        4 => ("G723", 8_000),
        8 => ("PCMA", 8_000),
        9 => ("G722", 8_000),
        10 | 11 => ("L16", 44_100),
        13 => ("CN", 8_000),
        14 => ("MPA", 90_000),
        18 => ("G729", 8_000),
        26 => ("JPEG", 90_000),
        32 => ("MPV", 90_000),
        33 => ("MP2T", 90_000),
        34 => ("H263", 90_000),
        _ => ("", 0),
    };
    Format {
        payload_type,
        encoding: Encoding::new(encoding),
        clock_rate,
        channels: if payload_type == 10 { 2 } else { 1 },
        parameters: String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DAHUA: &str = "v=0\r\no=- 2251938202 2251938202 IN IP4 0.0.0.0\r\ns=RTSP Session/2.0\r\n\
        c=IN IP4 0.0.0.0\r\nt=0 0\r\na=control:*\r\na=range:npt=now-\r\na=packetization-supported:DH\r\n\
        m=video 0 RTP/AVP 96\r\na=control:trackID=0\r\na=framerate:15.000000\r\n\
        a=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1;profile-level-id=64001E;\
        sprop-parameter-sets=Z2QAHqwsaoLA9puCgIKgAAADACAAAAMD0IAA,aO4xshsA\r\na=recvonly\r\n\
        m=audio 0 RTP/AVP 97\r\na=control:trackID=1\r\na=rtpmap:97 MPEG4-GENERIC/48000\r\n\
        a=fmtp:97 streamtype=5;profile-level-id=1;mode=AAC-hbr;sizelength=13;indexlength=3;\
        indexdeltalength=3;config=1188;\r\na=recvonly\r\n\
        m=application 0 RTP/AVP 107\r\na=control:trackID=4\r\na=rtpmap:107 vnd.onvif.metadata/90000\r\n";

    #[test]
    fn a_camera_with_three_media_is_read() {
        let description = Description::parse(DAHUA.as_bytes());
        assert_eq!(description.control.as_deref(), Some("*"));
        let [video, audio, other] = &description.media[..] else {
            panic!("{description:?}");
        };
        assert_eq!(
            (video.kind, audio.kind, other.kind),
            (Kind::Video, Kind::Audio, Kind::Other)
        );
        assert_eq!(video.control.as_deref(), Some("trackID=0"));
        assert_eq!(video.formats[0].encoding.as_str(), "H264");
        let sets = video.formats[0].parameter("sprop-parameter-sets").unwrap();
        assert!(sets.ends_with("0IAA,aO4xshsA"), "{sets}");
        assert_eq!(audio.formats[0].clock_rate, 48_000);
        assert_eq!(audio.formats[0].parameter("Config"), Some("1188"));
        assert_eq!(other.formats[0].encoding.as_str(), "VND.ONVIF.METADATA");
    }

    #[test]
    fn static_types_need_no_map() {
        let sdp = "v=0\nm=audio 0 RTP/AVP 8 0\nm=video 0 RTP/AVP 26\n";
        let description = Description::parse(sdp.as_bytes());
        let encodings: Vec<_> = description
            .media
            .iter()
            .flat_map(|media| &media.formats)
            .map(|format| format.encoding.as_str())
            .collect();
        assert_eq!(encodings, ["PCMA", "PCMU", "JPEG"]);
    }

    #[test]
    fn sloppy_lines_are_passed_over() {
        let sdp = b"o=\xff broken\r\nb=AS:1.5\r\nt=\r\nnonsense\r\n\r\nm=video 0/2 RTP/AVP 96 \r\n\
            a=rtpmap:96 h265/90000\r\na=rtpmap:97\r\na=fmtp:x\r\na=sendonly\r\na=control:\r\n\0\0";
        let description = Description::parse(sdp);
        let [video] = &description.media[..] else {
            panic!("{description:?}");
        };
        assert_eq!(video.formats[0].encoding.as_str(), "H265");
        assert!(video.backchannel);
        assert_eq!(video.control, None);
    }

    #[test]
    fn g_20_counts_and_names_are_bounded() {
        let many = "m=video 0 RTP/AVP 96\n".repeat(40);
        assert_eq!(Description::parse(many.as_bytes()).media.len(), MAX_MEDIA);
        let name = Encoding::new(&"<b>\u{202e}x\n".repeat(40));
        assert_eq!(name.as_str(), "BX".repeat(16));
    }

    proptest! {
        #[test]
        fn random_descriptions_never_panic(bytes: Vec<u8>, text in "([vmasot]=[ -~]{0,30}\r?\n){0,20}") {
            prop_assert!(Description::parse(&bytes).media.len() <= MAX_MEDIA);
            prop_assert!(Description::parse(text.as_bytes()).media.len() <= MAX_MEDIA);
        }
    }
}
