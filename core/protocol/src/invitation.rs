//! The invitation link: what a signed-in device shows to a new device of the same member.
//!
//! `ORIGIN/join#i=SECRET&g=GENESIS[&h=HEAD][&p=PIN]`: the secret opens the member's key store, the hash of the
//! roster's first statement lets the new device recognise the household, the hash of its last one keeps the
//! gateway from showing an older roster, and the pin names the certificate where TLS is served. All of it stands
//! behind `#`, which no browser sends.

use std::fmt;
use std::str::FromStr;

use bartizan_domain::{Fingerprint, Hash, Millis, Secret};
use bartizan_identity::invitation::Invitation;
use data_encoding::BASE64URL_NOPAD;

/// How long an invitation is good for.
pub const LIFETIME: Millis = 10 * 60 * 1_000;

/// An invitation link. Its `Debug` shows no secret; its `Display` is the link itself.
#[derive(Debug, Clone)]
pub struct InvitationLink {
    /// Scheme, host and port of the gateway, without a slash at the end.
    pub origin: String,
    /// What opens the key store.
    pub invitation: Invitation,
    /// Hash of the roster's first statement.
    pub genesis: Hash,
    /// Hash of the roster's last statement when the link was made: an older roster than that is refused.
    /// `None` in links of programs that did not write it.
    pub head: Option<Hash>,
    /// As in [`crate::claim::ClaimLink::pin`].
    pub pin: Option<Fingerprint>,
}

/// A text is not an invitation link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an invitation link: copy all of it, from http to its end")]
pub struct NotAnInvitationLink;

impl fmt::Display for InvitationLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let secret = BASE64URL_NOPAD.encode(self.invitation.secret().expose());
        write!(f, "{}/join#i={secret}&g={}", self.origin, self.genesis)?;
        self.head.map_or(Ok(()), |head| write!(f, "&h={head}"))?;
        self.pin.map_or(Ok(()), |pin| write!(f, "&p={pin}"))
    }
}

impl FromStr for InvitationLink {
    type Err = NotAnInvitationLink;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (origin, fields) = text
            .trim()
            .split_once("/join#")
            .ok_or(NotAnInvitationLink)?;
        if !(origin.starts_with("http://") || origin.starts_with("https://")) {
            return Err(NotAnInvitationLink);
        }
        let field = |name: &str| fields.split('&').find_map(|pair| pair.strip_prefix(name));
        let secret = field("i=").and_then(|text| BASE64URL_NOPAD.decode(text.as_bytes()).ok());
        let secret = secret.and_then(|bytes| bytes.try_into().ok());
        let genesis = field("g=").and_then(|text| text.parse().ok());
        Ok(Self {
            origin: origin.to_owned(),
            invitation: Invitation::new(Secret::new(secret.ok_or(NotAnInvitationLink)?)),
            genesis: genesis.ok_or(NotAnInvitationLink)?,
            head: optional(field("h="))?,
            pin: optional(field("p="))?,
        })
    }
}

/// A field that may be missing, but not damaged.
fn optional<T: FromStr>(field: Option<&str>) -> Result<Option<T>, NotAnInvitationLink> {
    let parsed = field.map(str::parse).transpose();
    parsed.map_err(|_opaque| NotAnInvitationLink)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_round_trip() {
        let (pin, head) = (Fingerprint::new([4; 32]), Hash::new([3; 32]));
        for (head, pin) in [
            (None, None),
            (Some(head), None),
            (None, Some(pin)),
            (Some(head), Some(pin)),
        ] {
            let link = InvitationLink {
                origin: "https://bartizan.local:8440".to_owned(),
                invitation: Invitation::new(Secret::new([1; 32])),
                genesis: Hash::new([2; 32]),
                head,
                pin,
            };
            let text = link.to_string();
            let again: InvitationLink = text.parse().unwrap();
            assert_eq!(
                (again.to_string(), again.head, again.pin),
                (text, head, pin)
            );
            assert!(!format!("{link:?}").contains("AQEB"));
        }
    }

    #[test]
    fn half_a_link_is_refused() {
        for text in [
            "",
            "http://x/join#",
            "http://x/join#i=AQ&g=a",
            "ftp://x/join#i=A",
        ] {
            assert_eq!(
                text.parse::<InvitationLink>().unwrap_err(),
                NotAnInvitationLink
            );
        }
    }

    #[test]
    fn a_damaged_head_or_pin_is_not_taken_for_a_missing_one() {
        let secret = BASE64URL_NOPAD.encode(&[1; 32]);
        let whole = format!("http://x/join#i={secret}&g={}", Hash::new([2; 32]));
        assert!(whole.parse::<InvitationLink>().is_ok());
        for more in ["&h=", "&h=abc", "&p=", "&p=abc"] {
            assert!(format!("{whole}{more}").parse::<InvitationLink>().is_err());
        }
    }
}
