//! Answers to `WWW-Authenticate` (RFC 7616 Digest with MD5 and SHA-256, RFC 7617 Basic).
//!
//! Digest is taken whenever the camera offers it. Basic hands the password over in clear, so the
//! caller is told which of them is in use.

use std::fmt;

use http_auth::{PasswordClient, PasswordParams};

use super::error::AuthFailure;
use crate::url::Credentials;

/// How a camera wants to be signed in to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scheme {
    /// The password travels in clear, unless within TLS.
    Basic,
    /// Only a digest of the password travels.
    Digest,
}

/// The challenge that was answered last; it serves for later requests too.
pub struct Answerer {
    client: PasswordClient,
}

impl fmt::Debug for Answerer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Answerer({:?})", self.scheme())
    }
}

impl Answerer {
    /// Picks the best of the challenges of one answer.
    pub fn new<'c>(challenges: impl Iterator<Item = &'c str>) -> Result<Self, AuthFailure> {
        let mut builder = PasswordClient::builder();
        for challenge in challenges {
            builder = builder.challenges(challenge);
        }
        // The error is text made of what the camera sent.
        let client = builder.build().ok().ok_or(AuthFailure::UnknownScheme)?;
        Ok(Self { client })
    }

    /// How the camera wants to be signed in to.
    pub const fn scheme(&self) -> Scheme {
        match self.client {
            PasswordClient::Digest(_) => Scheme::Digest,
            _ => Scheme::Basic,
        }
    }

    /// Whether the camera says that only the nonce was too old.
    pub fn is_stale(&self) -> bool {
        matches!(&self.client, PasswordClient::Digest(digest) if digest.stale())
    }

    /// The `Authorization` field of a request.
    pub fn answer(
        &mut self,
        credentials: &Credentials,
        method: &str,
        uri: &str,
    ) -> Result<String, AuthFailure> {
        let params = PasswordParams {
            username: credentials.username.reveal(),
            password: credentials.password.expose(),
            uri,
            method,
            body: None,
        };
        // Integrity of the (empty) body only for cameras that insist on it: some get it wrong.
        let answer = self.client.respond(&params).or_else(|_| {
            let body = Some(&[][..]);
            self.client.respond(&PasswordParams { body, ..params })
        });
        answer.ok().ok_or(AuthFailure::UnknownScheme)
    }
}

#[cfg(test)]
mod tests {
    use bartizan_domain::Secret;

    use super::*;

    fn credentials() -> Credentials {
        Credentials::new(
            "Mufasa".to_owned(),
            Secret::new("Circle of Life".to_owned()),
        )
        .unwrap()
    }

    fn answer(challenges: &[&str]) -> (Scheme, String) {
        let mut answerer = Answerer::new(challenges.iter().copied()).unwrap();
        let answer = answerer.answer(&credentials(), "DESCRIBE", "rtsp://x/");
        (answerer.scheme(), answer.unwrap())
    }

    #[test]
    fn digest_goes_before_basic() {
        let digest = "Digest realm=\"cam\", nonce=\"abc\", stale=\"FALSE\"";
        for challenges in [
            ["Basic realm=\"cam\"", digest],
            [digest, "Basic realm=\"cam\""],
        ] {
            let (scheme, text) = answer(&challenges);
            assert_eq!(scheme, Scheme::Digest);
            assert!(
                text.contains("response=\"") && !text.contains("Circle"),
                "{text}"
            );
        }
    }

    #[test]
    fn digest_without_qop_is_the_old_one() {
        let (_, text) = answer(&["Digest realm=\"r\", nonce=\"n\""]);
        // RFC 2069: MD5(MD5(Mufasa:r:Circle of Life):n:MD5(DESCRIBE:rtsp://x/)).
        assert!(
            text.contains("response=\"cc98da0d5663b20a52dadbd1bdafff66\""),
            "{text}"
        );
        assert!(!text.contains("qop"), "{text}");
    }

    #[test]
    fn sha_256_and_basic_are_spoken() {
        let challenge = "Digest realm=\"r\", nonce=\"n\", algorithm=SHA-256, qop=\"auth\"";
        let (_, text) = answer(&[challenge]);
        assert!(
            text.contains("algorithm=SHA-256") && text.contains("qop=auth"),
            "{text}"
        );
        assert_eq!(
            answer(&["Basic realm=\"r\""]),
            (
                Scheme::Basic,
                "Basic TXVmYXNhOkNpcmNsZSBvZiBMaWZl".to_owned()
            )
        );
    }

    #[test]
    fn unknown_schemes_are_told() {
        for challenges in [&["Negotiate"][..], &["Digest"], &["\u{7f}"], &[]] {
            let failure = Answerer::new(challenges.iter().copied()).unwrap_err();
            assert_eq!(failure, AuthFailure::UnknownScheme);
        }
    }
}
