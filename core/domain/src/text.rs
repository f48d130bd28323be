//! Text from people: bounded, printable, and inert. It is never a command, a path or a format.

use std::fmt;

use crate::limits::MAX_NAME_CHARS;

/// A name that a person gave to a camera, member or device.
///
/// 1 to 64 characters after trimming, none of them a control character or one that changes the
/// direction of the text around it (which could make a name look like another).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(transparent)]
pub struct Name(String);

/// Why a text is not a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing but white space.
    #[error("a name needs at least one character")]
    Empty,
    /// Over the limit.
    #[error("a name has at most {MAX_NAME_CHARS} characters; this has {chars}")]
    TooLong {
        /// Characters given.
        chars: usize,
    },
    /// A line break, another control character or a direction mark.
    #[error("a name can't hold line breaks, control characters or direction marks")]
    Control,
}

impl Name {
    /// Checks and trims `text`.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let text = text.trim();
        let chars = text.chars().count();
        if chars == 0 {
            return Err(NameError::Empty);
        }
        if chars > MAX_NAME_CHARS {
            return Err(NameError::TooLong { chars });
        }
        if text.chars().any(|c| c.is_control() || is_direction_mark(c)) {
            return Err(NameError::Control);
        }
        Ok(Self(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Bidirectional controls (UAX #9 §2) and the separators that break lines without being `Cc`.
const fn is_direction_mark(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("‹private›")
    }
}

impl<'de> serde::Deserialize<'de> for Name {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_is_kept_as_it_is() {
        for text in [
            "$(reboot)",
            "<script>alert(1)</script>",
            "'; DROP TABLE cameras; --",
            "../..",
        ] {
            assert_eq!(
                Name::parse(text).map(|name| name.as_str().to_owned()),
                Ok(text.to_owned())
            );
        }
    }

    #[test]
    fn limits_hold() {
        assert_eq!(Name::parse("  "), Err(NameError::Empty));
        assert!(Name::parse(&"🎥".repeat(64)).is_ok());
        let chars = 10_000;
        assert_eq!(
            Name::parse(&"🎥".repeat(chars)),
            Err(NameError::TooLong { chars })
        );
        assert_eq!(Name::parse("a\nb"), Err(NameError::Control));
        assert_eq!(Name::parse("gate\u{202e}4pm"), Err(NameError::Control));
    }
}
