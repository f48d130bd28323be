//! Which of the media that a camera offers are taken, and how their packets are read.
//!
//! The first supported video and the first supported sound are; everything else is listed, so that a
//! person sees why something is missing.

use bartizan_domain::Track;
use data_encoding::{BASE64, Encoding as BaseEncoding, HEXLOWER_PERMISSIVE, Specification};

use super::error::SessionError;
use crate::Codec;
use crate::codec::{aac, g711, opus};
use crate::rtp::audio::{AacLayout, SoundReader};
use crate::rtp::h26x::{Assembler, Flavor};
use crate::rtp::receiver::Receiver;
use crate::sdp::{Description, Encoding, Format, Kind, Media};

/// Longest encoded parameter set or configuration that is read.
const MAX_ENCODED: usize = 8 * 1024;

/// What becomes of an offered medium.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// It is received.
    Chosen,
    /// It could be, but another one is, or sound is not wanted.
    Spare,
    /// It cannot be recorded.
    Unsupported,
}

/// One medium that the camera offers.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct TrackOffer {
    /// Whether it is picture; else it is sound or metadata.
    pub video: bool,
    /// What it is encoded with.
    pub encoding: Encoding,
    /// What becomes of it.
    pub fate: Fate,
}

/// A medium that is taken.
#[derive(Debug)]
pub(super) struct Chosen {
    pub(super) control: Option<String>,
    pub(super) receiver: Receiver,
}

/// What is taken of a description.
#[derive(Debug)]
pub(super) struct Choice {
    pub(super) offers: Vec<TrackOffer>,
    /// Video first.
    pub(super) chosen: Vec<Chosen>,
}

/// Chooses; errors are `NoVideo` and `UnsupportedVideo`.
pub(super) fn choose(description: &Description, sound: bool) -> Result<Choice, SessionError> {
    let mut offers = Vec::new();
    let (mut video, mut audio) = (None, None);
    for media in &description.media {
        let wanted = match media.kind {
            Kind::Video => video.is_none(),
            Kind::Audio => sound && audio.is_none() && !media.backchannel,
            Kind::Other => false,
        };
        let receiver = receiver_of(media);
        let fate = match (receiver.is_some(), wanted) {
            (false, _) => Fate::Unsupported,
            (true, false) => Fate::Spare,
            (true, true) => Fate::Chosen,
        };
        offers.push(TrackOffer {
            video: media.kind == Kind::Video,
            encoding: encoding_of(media),
            fate,
        });
        let chosen = receiver.filter(|_| wanted).map(|receiver| Chosen {
            control: media.control.clone(),
            receiver,
        });
        match media.kind {
            Kind::Video => video = video.or(chosen),
            Kind::Audio => audio = audio.or(chosen),
            Kind::Other => {}
        }
    }
    let Some(video) = video else {
        let refused = offers.into_iter().find(|offer| offer.video);
        return Err(refused.map_or(SessionError::NoVideo, |offer| {
            let encoding = offer.encoding;
            SessionError::UnsupportedVideo { encoding }
        }));
    };
    let chosen = std::iter::once(video).chain(audio).collect();
    Ok(Choice { offers, chosen })
}

/// The name of the format that counts: the first one with a receiver, else the first one.
fn encoding_of(media: &Media) -> Encoding {
    let mut formats = media.formats.iter();
    let best = formats.find(|format| reader_of(media.kind, format).is_some());
    best.or(media.formats.first()).map_or_else(
        || Encoding::new("UNKNOWN"),
        |format| format.encoding.clone(),
    )
}

fn receiver_of(media: &Media) -> Option<Receiver> {
    let mut formats = media.formats.iter();
    let (format, receiver) =
        formats.find_map(|format| Some((format, reader_of(media.kind, format)?)))?;
    // A payload type that the description does not name at all is taken: some cameras mix it up.
    let others = media.formats.iter().map(|other| other.payload_type);
    let foreign = others.filter(|other| *other != format.payload_type);
    Some(receiver.without(foreign.collect()))
}

fn reader_of(kind: Kind, format: &Format) -> Option<Receiver> {
    match (kind, format.encoding.as_str()) {
        (Kind::Video, "H264") => Some(video(Flavor::H264, format, &["sprop-parameter-sets"])),
        (Kind::Video, "H265" | "HEVC") => {
            let names = ["sprop-vps", "sprop-sps", "sprop-pps"];
            Some(video(Flavor::H265, format, &names))
        }
        (Kind::Audio, "MPEG4-GENERIC") => aac(format),
        (Kind::Audio, "PCMU") => pcm(Codec::Pcmu, format),
        (Kind::Audio, "PCMA") => pcm(Codec::Pcma, format),
        (Kind::Audio, "OPUS") => {
            // RFC 7587 §7: the description always says two channels.
            let config = opus::OpusConfig::live(2).ok()?.track_config();
            Some(Receiver::audio(SoundReader::whole_packets(), config))
        }
        _ => None,
    }
}

/// Parameter sets that are missing or unreadable here come within the stream.
fn video(flavor: Flavor, format: &Format, names: &[&str]) -> Receiver {
    let values = names.iter().filter_map(|name| format.parameter(name));
    let sets: Vec<Vec<u8>> = values
        .flat_map(|value| value.split(','))
        .filter_map(decode_base64)
        .collect();
    Receiver::video(Assembler::new(flavor, &sets))
}

/// RFC 3640 §4.1; what is missing is taken as AAC-hbr, and the configuration as low complexity.
fn aac(format: &Format) -> Option<Receiver> {
    let number = |name, usual| match format.parameter(name) {
        None => Some(usual),
        Some(text) => text.parse().ok(),
    };
    let config = match format.parameter("config") {
        Some(text) => aac::AudioSpecificConfig::parse(&decode_hex(text)?),
        None => aac::AudioSpecificConfig::low_complexity(format.clock_rate, format.channels),
    };
    let config = config.ok().filter(|_| format.clock_rate > 0)?;
    let layout = AacLayout::new(
        number("sizelength", 13)?,
        number("indexlength", 3)?,
        number("indexdeltalength", 3)?,
        config.frame_ticks(format.clock_rate),
    )?;
    let track = config.track_config(format.clock_rate);
    Some(Receiver::audio(SoundReader::aac(layout), track))
}

fn pcm(codec: Codec, format: &Format) -> Option<Receiver> {
    let rate = match format.clock_rate {
        0 => g711::SAMPLE_RATE,
        rate => rate,
    };
    let config = g711::track_config(codec, rate, format.channels).ok()?;
    Some(Receiver::audio(SoundReader::whole_packets(), config))
}

/// Base64 with or without padding and with any trailing bits.
fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let text = text.trim().trim_end_matches('=');
    if text.is_empty() || text.len() > MAX_ENCODED {
        return None;
    }
    forgiving_base64().decode(text.as_bytes()).ok()
}

fn forgiving_base64() -> BaseEncoding {
    let mut specification: Specification = BASE64.specification();
    specification.padding = None;
    specification.check_trailing_bits = false;
    specification
        .encoding()
        .expect("base64 without padding is an encoding")
}

fn decode_hex(text: &str) -> Option<Vec<u8>> {
    let text = text.trim_matches(['"', ' ']);
    let fits = text.len() <= MAX_ENCODED;
    fits.then(|| HEXLOWER_PERMISSIVE.decode(text.as_bytes()).ok())?
}

/// The track that a receiver is for is its name within a session.
pub(super) const fn is_video(track: Track) -> bool {
    matches!(track, Track::Video)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choose_of(sdp: &str) -> Result<Choice, SessionError> {
        choose(&Description::parse(sdp.as_bytes()), true)
    }

    const H264: &str = "m=video 0 RTP/AVP 96\na=rtpmap:96 H264/90000\na=control:v\n\
        a=fmtp:96 sprop-parameter-sets=Z0LAKNkAeAIn5cBEAAADAAQAAAMAyDxgySA,aMuDyyA=\n";
    const AAC: &str = "m=audio 0 RTP/AVP 97\na=rtpmap:97 MPEG4-GENERIC/48000/1\n\
        a=fmtp:97 mode=AAC-hbr;sizelength=13;indexlength=3;indexdeltalength=3;config=1188\n";

    #[test]
    fn video_and_sound_are_chosen_and_configured() {
        let sdp = format!("{AAC}{H264}m=application 0 RTP/AVP 107\n");
        let mut choice = choose_of(&sdp).unwrap();
        let fates: Vec<_> = choice.offers.iter().map(|offer| offer.fate).collect();
        assert_eq!(fates, [Fate::Chosen, Fate::Chosen, Fate::Unsupported]);
        let [video, audio] = &mut choice.chosen[..] else {
            panic!()
        };
        let config = video.receiver.take_initial_config().unwrap();
        assert_eq!(config.video.unwrap().width, 1_920);
        let config = audio.receiver.take_initial_config().unwrap();
        assert_eq!((config.codec, config.timescale), (Codec::Aac, 48_000));
    }

    #[test]
    fn unsupported_sound_is_listed_and_skipped() {
        let sdp = format!("{H264}m=audio 0 RTP/AVP 98\na=rtpmap:98 MP4A-LATM/48000\n");
        let choice = choose_of(&sdp).unwrap();
        assert_eq!(choice.chosen.len(), 1);
        assert_eq!(choice.offers[1].fate, Fate::Unsupported);
        assert_eq!(choice.offers[1].encoding.as_str(), "MP4A-LATM");
    }

    #[test]
    fn unsupported_video_is_named() {
        let error = choose_of("m=video 0 RTP/AVP 26\n").unwrap_err();
        let encoding = Encoding::new("JPEG");
        assert_eq!(error, SessionError::UnsupportedVideo { encoding });
        assert_eq!(choose_of(AAC).unwrap_err(), SessionError::NoVideo);
        assert_eq!(choose_of("").unwrap_err(), SessionError::NoVideo);
    }

    #[test]
    fn a_backchannel_is_no_sound_of_the_camera() {
        let back = "m=audio 0 RTP/AVP 0\na=sendonly\n";
        let choice = choose_of(&format!("{H264}{back}m=audio 0 RTP/AVP 8\n")).unwrap();
        let fates: Vec<_> = choice.offers.iter().map(|offer| offer.fate).collect();
        assert_eq!(fates, [Fate::Chosen, Fate::Spare, Fate::Chosen]);
    }

    #[test]
    fn sound_can_be_left_out() {
        let description = Description::parse(format!("{H264}{AAC}").as_bytes());
        assert_eq!(choose(&description, false).unwrap().chosen.len(), 1);
    }

    #[test]
    fn missing_or_broken_parameters_are_no_hindrance() {
        for fmtp in [
            "",
            "a=fmtp:96 sprop-parameter-sets=!!!,,\n",
            "a=fmtp:96 packetization-mode\n",
        ] {
            let sdp = format!("m=video 0 RTP/AVP 96\na=rtpmap:96 h264/90000\n{fmtp}");
            let mut choice = choose_of(&sdp).unwrap();
            assert_eq!(choice.chosen[0].receiver.take_initial_config(), None);
        }
    }

    #[test]
    fn aac_without_configuration_is_low_complexity() {
        let sdp = format!("{H264}m=audio 0 RTP/AVP 97\na=rtpmap:97 mpeg4-generic/16000/1\n");
        assert_eq!(choose_of(&sdp).unwrap().chosen.len(), 2);
        let bad = format!("{H264}{}", AAC.replace("config=1188", "config=zz"));
        assert_eq!(choose_of(&bad).unwrap().chosen.len(), 1);
    }
}
