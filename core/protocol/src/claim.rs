//! The claim link: what the machine shows to the person in front of it, and to nobody else.
//!
//! `ORIGIN/claim#t=TOKEN&g=FINGERPRINT&s=FINGERPRINT[&p=PIN]`: the token proves presence, the fingerprints
//! let the claimer recognise the gateway and its sealer, and the pin the certificate where TLS is served.
//! All of it stands behind `#`, which no browser sends.

use std::fmt;
use std::str::FromStr;

use bartizan_domain::{Fingerprint, Millis, Secret};
use data_encoding::BASE64URL_NOPAD;

/// How long a claim link is good for.
pub const CLAIM_WINDOW: Millis = 15 * 60 * 1_000;

/// Bytes of a claim token.
pub const TOKEN_LEN: usize = 32;

/// A claim link. Its `Debug` shows no token; its `Display` is the link itself.
#[derive(Debug, Clone)]
pub struct ClaimLink {
    /// Scheme, host and port of the gateway, without a slash at the end.
    pub origin: String,
    /// Proof of presence.
    pub token: Secret<[u8; TOKEN_LEN]>,
    /// Of the gateway's identity.
    pub gateway: Fingerprint,
    /// Of the sealer's key.
    pub sealer: Fingerprint,
    /// SHA-256 of the public key (`SubjectPublicKeyInfo`) of the site's authority or the gateway's own
    /// certificate; over TLS only.
    pub pin: Option<Fingerprint>,
}

/// A text is not a claim link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a claim link: copy the whole line that the gateway printed, from http to its end")]
pub struct NotAClaimLink;

impl fmt::Display for ClaimLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let token = BASE64URL_NOPAD.encode(self.token.expose());
        write!(
            f,
            "{}/claim#t={token}&g={}&s={}",
            self.origin, self.gateway, self.sealer
        )?;
        self.pin.map_or(Ok(()), |pin| write!(f, "&p={pin}"))
    }
}

impl FromStr for ClaimLink {
    type Err = NotAClaimLink;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (origin, fields) = text.trim().split_once("/claim#").ok_or(NotAClaimLink)?;
        if !(origin.starts_with("http://") || origin.starts_with("https://")) {
            return Err(NotAClaimLink);
        }
        let field = |name: &str| {
            let found = fields.split('&').find_map(|pair| pair.strip_prefix(name));
            found.ok_or(NotAClaimLink)
        };
        let token = BASE64URL_NOPAD
            .decode(field("t=")?.as_bytes())
            .map_err(|_opaque| NotAClaimLink)?;
        Ok(Self {
            origin: origin.to_owned(),
            token: Secret::new(token.try_into().map_err(|_opaque: Vec<u8>| NotAClaimLink)?),
            gateway: field("g=")?.parse().map_err(|_opaque| NotAClaimLink)?,
            sealer: field("s=")?.parse().map_err(|_opaque| NotAClaimLink)?,
            pin: match field("p=") {
                Ok(pin) => Some(pin.parse().map_err(|_opaque| NotAClaimLink)?),
                Err(NotAClaimLink) => None,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_round_trip() {
        let link = ClaimLink {
            origin: "http://127.0.0.1:8440".to_owned(),
            token: Secret::new([1; 32]),
            gateway: Fingerprint::new([2; 32]),
            sealer: Fingerprint::new([3; 32]),
            pin: None,
        };
        for pin in [None, Some(Fingerprint::new([4; 32]))] {
            let text = ClaimLink {
                pin,
                ..link.clone()
            }
            .to_string();
            let again: ClaimLink = text.parse().unwrap();
            assert_eq!((again.to_string(), again.pin), (text, pin));
        }
        assert!(!format!("{link:?}").contains("AQEB"));
    }

    #[test]
    fn half_a_link_is_refused() {
        for text in [
            "",
            "http://x/claim#",
            "http://x/claim#t=AQ&g=a&s=b",
            "ftp://x/claim#t=A",
        ] {
            assert_eq!(text.parse::<ClaimLink>().unwrap_err(), NotAClaimLink);
        }
    }
}
