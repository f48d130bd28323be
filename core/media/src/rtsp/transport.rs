//! How packets travel: the `Transport` field (RFC 2326 §12.39).
//!
//! Multicast, destinations and keys are not asked for. A `source` that the camera names is not believed:
//! packets are taken from the host that was dialled, and from nobody else.

/// How packets travel from camera to gateway.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// Within the RTSP connection: nothing is lost, firewalls agree, TLS covers it.
    #[default]
    Tcp,
    /// Beside it. Never within `rtsps`.
    Udp,
}

/// One of a track's two UDP sockets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum UdpChannel {
    /// Media.
    Rtp,
    /// Reports.
    Rtcp,
}

/// What the camera agreed to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Agreed {
    /// Channels of media and reports, when packets are interleaved.
    pub interleaved: Option<(u8, u8)>,
    /// The camera's UDP ports for media and reports.
    pub server_ports: Option<(u16, u16)>,
    /// It said TCP.
    pub tcp: bool,
}

impl Agreed {
    /// Reads the first transport of the field.
    pub fn parse(field: &str) -> Self {
        let mut agreed = Self::default();
        let first = field.split(',').next().unwrap_or_default();
        for part in first.split(';').map(str::trim) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            match name.trim() {
                "interleaved" => agreed.interleaved = channels(value),
                "server_port" => agreed.server_ports = ports(value),
                name if name.to_ascii_uppercase().ends_with("/TCP") => agreed.tcp = true,
                _ => {}
            }
        }
        agreed
    }
}

/// The field of a request for interleaved packets.
pub fn ask_tcp(channel: u8) -> String {
    let next = channel.saturating_add(1);
    format!("RTP/AVP/TCP;unicast;interleaved={channel}-{next}")
}

/// The field of a request for packets to UDP ports.
pub fn ask_udp(rtp: u16, rtcp: u16) -> String {
    format!("RTP/AVP;unicast;client_port={rtp}-{rtcp}")
}

fn channels(range: &str) -> Option<(u8, u8)> {
    let (first, second) = pair(range)?;
    Some((u8::try_from(first).ok()?, u8::try_from(second).ok()?))
}

fn ports(range: &str) -> Option<(u16, u16)> {
    pair(range).filter(|(first, second)| *first != 0 && *second != 0)
}

/// `a-b`, or `a` for a and the one after it.
fn pair(range: &str) -> Option<(u16, u16)> {
    let (first, second) = match range.split_once('-') {
        Some((first, second)) => (first.trim().parse().ok()?, second.trim().parse().ok()),
        None => (range.trim().parse().ok()?, None),
    };
    let second: Option<u16> = second.or_else(|| u16::checked_add(first, 1));
    Some((first, second?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read() {
        let tcp = Agreed::parse("RTP/AVP/TCP;unicast;interleaved=4-5;ssrc=30A98EE7;mode=\"PLAY\"");
        assert_eq!((tcp.interleaved, tcp.tcp), (Some((4, 5)), true));
        let udp = Agreed::parse(
            "RTP/AVP;unicast;source=1.2.3.4;client_port=5000-5001; server_port=6970-6971",
        );
        assert_eq!((udp.server_ports, udp.tcp), (Some((6970, 6971)), false));
        assert_eq!(
            Agreed::parse("RTP/AVP;server_port=6970").server_ports,
            Some((6970, 6971))
        );
        assert_eq!(
            Agreed::parse("RTP/AVP/TCP;interleaved=2").interleaved,
            Some((2, 3))
        );
    }

    #[test]
    fn nonsense_agrees_to_nothing() {
        for text in [
            "",
            ";;=,",
            "interleaved=a-b",
            "interleaved=300-301",
            "server_port=0-1",
            "server_port=65535",
        ] {
            assert_eq!(Agreed::parse(text), Agreed::default(), "{text}");
        }
    }

    #[test]
    fn requests_name_both_channels() {
        assert_eq!(ask_tcp(2), "RTP/AVP/TCP;unicast;interleaved=2-3");
        assert_eq!(ask_udp(5000, 5001), "RTP/AVP;unicast;client_port=5000-5001");
    }
}
