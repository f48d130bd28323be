//! Where a gateway is: scheme, host and port, in one canonical form.
//!
//! Nothing but an origin is taken: no user name, path or query. Plain HTTP is for this machine only.

use std::fmt;
use std::str::FromStr;

use bartizan_domain::host::{bare, is_host, is_loopback};
use bartizan_domain::sabotage;
use http::Uri;
use http::uri::{Authority, PathAndQuery, Scheme};

/// Longest origin in bytes.
pub const MAX_ORIGIN: usize = 300;

/// Scheme, host and port of a gateway.
#[derive(Clone, PartialEq, Eq)]
pub struct Origin {
    secure: bool,
    authority: Authority,
    port: u16,
}

/// Why a text is not a gateway's address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OriginError {
    /// Not `scheme://host:port`.
    #[error("a gateway's address looks like https://192.168.1.10:8443")]
    Malformed,
    /// A user name or password in front of the host.
    #[error("a gateway's address holds no user name or password")]
    Credentials,
    /// Plain HTTP over a network.
    #[error(
        "plain http:// is only for a gateway on this machine (127.0.0.1, ::1 or localhost): use https://"
    )]
    Unencrypted,
}

impl Origin {
    /// Whether it is `https://`.
    pub const fn is_secure(&self) -> bool {
        self.secure
    }

    /// Host name or address; an IPv6 address without its brackets.
    pub fn host(&self) -> &str {
        bare(self.authority.host())
    }

    /// Whether it leads to the very machine that asks: nobody else can use it.
    pub fn is_loopback(&self) -> bool {
        is_loopback(self.host())
    }

    /// The port, or the scheme's own.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The URL of `target`, a path with or without a query, that starts with `/`.
    pub fn url(&self, target: &str) -> Result<Uri, OriginError> {
        let target = PathAndQuery::from_str(target).map_err(|_opaque| OriginError::Malformed)?;
        let scheme = if self.secure {
            Scheme::HTTPS
        } else {
            Scheme::HTTP
        };
        Uri::builder()
            .scheme(scheme)
            .authority(self.authority.clone())
            .path_and_query(target)
            .build()
            .map_err(|_opaque| OriginError::Malformed)
    }
}

impl FromStr for Origin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        let text = text.trim().trim_end_matches('/');
        if text.len() > MAX_ORIGIN {
            return Err(OriginError::Malformed);
        }
        let parts = text
            .to_ascii_lowercase()
            .parse::<Uri>()
            .map_err(|_opaque| OriginError::Malformed)?
            .into_parts();
        let secure = match parts.scheme {
            Some(scheme) if scheme == Scheme::HTTPS => true,
            Some(scheme) if scheme == Scheme::HTTP => false,
            _ => return Err(OriginError::Malformed),
        };
        let given = parts.authority.ok_or(OriginError::Malformed)?;
        let bare_path = |target: PathAndQuery| target == PathAndQuery::from_static("/");
        if !parts.path_and_query.is_none_or(bare_path) {
            return Err(OriginError::Malformed);
        }
        if given.as_str().contains('@') {
            return Err(OriginError::Credentials);
        }
        // `http` lets more pass (RFC 3986 §3.2.2).
        if !is_host(given.host()) {
            return Err(OriginError::Malformed);
        }
        let kept = secure || is_loopback(given.host());
        if !kept && !sabotage::off("R-11") {
            return Err(OriginError::Unencrypted);
        }
        let default = if secure { 443 } else { 80 };
        let port = match given.as_str().strip_prefix(given.host()) {
            Some("") => default,
            Some(port) => parse_port(port)?,
            None => return Err(OriginError::Malformed),
        };
        // The default port is left out, so that both sides of a proof write the same URL.
        let authority = if port == default {
            given.host().to_owned()
        } else {
            format!("{}:{port}", given.host())
        };
        Ok(Self {
            secure,
            authority: authority
                .parse()
                .map_err(|_opaque| OriginError::Malformed)?,
            port,
        })
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.secure { "https" } else { "http" };
        write!(f, "{scheme}://{}", self.authority)
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Origin(‹private›)")
    }
}

/// `:` and a number from 1 to 65,535.
fn parse_port(text: &str) -> Result<u16, OriginError> {
    let digits = text.strip_prefix(':').ok_or(OriginError::Malformed)?;
    let port = digits.parse().map_err(|_opaque| OriginError::Malformed)?;
    if port == 0 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(OriginError::Malformed);
    }
    Ok(port)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(text: &str) -> Result<String, OriginError> {
        Origin::from_str(text).map(|origin| origin.to_string())
    }

    #[test]
    fn one_form_of_every_origin() {
        for (given, canonical) in [
            ("http://127.0.0.1:8440", "http://127.0.0.1:8440"),
            (" https://Gate.Lan/ ", "https://gate.lan"),
            ("https://gate.lan:443", "https://gate.lan"),
            ("http://[::1]:80", "http://[::1]"),
            ("http://localhost:1", "http://localhost:1"),
            ("http://gate.localhost", "http://gate.localhost"),
            ("http://[::ffff:127.0.0.1]:1", "http://[::ffff:127.0.0.1]:1"),
        ] {
            assert_eq!(origin(given).as_deref(), Ok(canonical));
        }
    }

    #[test]
    fn r_11_clear_text_stays_on_this_machine() {
        for text in [
            "http://192.168.1.10:8440",
            "http://gate.lan",
            "http://127.0.0.1.evil.example",
            "http://localhost.evil.example",
        ] {
            assert_eq!(origin(text), Err(OriginError::Unencrypted), "{text}");
        }
    }

    #[test]
    fn anything_but_an_origin_is_refused() {
        let credentials = origin("https://me:secret@gate.lan");
        assert_eq!(credentials, Err(OriginError::Credentials));
        for text in [
            "",
            "gate.lan",
            "ftp://gate.lan",
            "https://",
            "https://gate.lan/path",
            "https://gate.lan?x",
            "https://gate.lan:",
            "https://gate.lan:99999",
            "https://[]",
            "https://[gate.lan]",
            "https://[::1]lan",
            "https://)[:z2]",
        ] {
            assert_eq!(origin(text), Err(OriginError::Malformed), "{text}");
        }
    }

    #[test]
    fn urls_are_made_of_targets() {
        let origin: Origin = "http://[::1]:8440".parse().unwrap();
        let url = origin.url("/api/v1/live?ticket=a").unwrap();
        assert_eq!(url, "http://[::1]:8440/api/v1/live?ticket=a");
        assert_eq!((origin.host(), origin.port()), ("::1", 8440));
        assert!(origin.url("no slash\n").is_err());
    }
}
