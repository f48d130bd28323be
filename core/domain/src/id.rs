//! One id type per thing, so that a camera's id can never be passed where a site's is wanted.
//!
//! Ids are opaque bytes. Their text form is unpadded base32 (lower case, RFC 4648 §6) without a
//! prefix; it is safe in URLs, file names and logs.

use std::fmt;
use std::str::FromStr;

use data_encoding::{Encoding, Specification};

/// Lower-case base32 without padding: 26 characters for 16 bytes, 52 for 32.
fn base32() -> Encoding {
    let mut spec = Specification::new();
    spec.symbols.push_str("abcdefghijklmnopqrstuvwxyz234567");
    spec.encoding()
        .expect("the alphabet has 32 distinct symbols")
}

/// Why a text is not an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an id of this kind: {expected} characters of a-z and 2-7 are expected")]
pub struct ParseIdError {
    expected: usize,
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $len:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; $len]);

        impl $name {
            /// Length in bytes.
            pub const LEN: usize = $len;

            /// Takes the bytes as they are.
            pub const fn new(bytes: [u8; $len]) -> Self {
                Self(bytes)
            }

            /// The raw bytes.
            pub const fn as_bytes(&self) -> &[u8; $len] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&base32().encode(&self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let wrong = ParseIdError { expected: ($len * 8_usize).div_ceil(5) };
                let bytes = base32().decode(text.as_bytes()).map_err(|_opaque| wrong)?;
                Ok(Self(bytes.try_into().map_err(|_opaque: Vec<u8>| wrong)?))
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

id!(/// One household, shop or school.
    SiteId, 16);
id!(/// One camera of a site, whatever renditions it has.
    CameraId, 16);
id!(/// A person on the roster.
    MemberId, 16);
id!(/// One of a member's phones, browsers or computers.
    DeviceId, 16);
id!(/// One gateway of a site.
    GatewayId, 16);
id!(/// The period under one epoch secret: six bytes of start time in milliseconds, ten random ones,
    /// so that ids sort by time and never repeat.
    EpochId, 16);
id!(/// Names a public key: the first half of a SHA-256 over its kind and bytes.
    KeyId, 16);
id!(/// A SHA-256 digest.
    Hash, 32);
id!(/// A SHA-256 digest that people or links carry to recognise a key.
    Fingerprint, 32);

impl Hash {
    /// Stands where a chain has no predecessor.
    pub const ZERO: Self = Self([0; 32]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_form_round_trips() {
        let id = CameraId::new(*b"0123456789abcdef");
        assert_eq!(id.to_string().len(), 26);
        assert_eq!(id.to_string().parse(), Ok(id));
    }

    #[test]
    fn foreign_text_is_refused() {
        for text in [
            "",
            "short",
            "../../../../etc/passwd0000",
            &"a".repeat(27),
            "ABCDEFGH",
        ] {
            assert!(text.parse::<CameraId>().is_err(), "{text}");
        }
    }
}
