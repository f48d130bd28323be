//! Where a camera's video comes from: an RTSP address, or the synthetic camera.
//!
//! A password typed into the address is taken out at once and never printed again. Nothing is
//! resolved or dialled here, and a query is the camera's own: it is passed on as it is.

use std::fmt;

use bartizan_domain::host::{self, is_host};
use bartizan_domain::limits::MAX_URL_BYTES;
use bartizan_domain::{Private, Secret};

/// Port of `rtsp://` when none is given (RFC 2326 §3.2).
pub const RTSP_PORT: u16 = 554;

/// Port of `rtsps://` when none is given (RFC 7826 §4.2).
pub const RTSPS_PORT: u16 = 322;

/// Most bytes of a user name and of a password.
pub const MAX_CREDENTIAL_BYTES: usize = 256;

/// Why a text is not a camera's address, and what to do about it. Holds nothing of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// Another scheme, or none.
    #[error("a camera's address starts with rtsp://, rtsps:// or synthetic:")]
    Scheme,
    /// Longer than [`MAX_URL_BYTES`].
    #[error("the address has {len} bytes; at most {MAX_URL_BYTES} are taken")]
    TooLong {
        /// Bytes given.
        len: usize,
    },
    /// Line breaks or other control characters.
    #[error("the address holds a line break or another control character: type it in again")]
    Control,
    /// No host, or one with characters that no host has.
    #[error(
        "the camera's host is missing or is not a name or an IP address; \
         write characters such as / or @ of a password as %2F or %40"
    )]
    Host,
    /// Not a number from 1 to 65,535.
    #[error("the port after the host is not a number from 1 to 65535")]
    Port,
    /// A user name or password that is too long, or whose `%` escapes are broken.
    #[error(
        "the user name or password before the @ is longer than {MAX_CREDENTIAL_BYTES} bytes or \
         has a broken % escape; write a % as %25"
    )]
    Credentials,
}

/// What to sign in to a camera with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// User name; without control characters.
    pub username: Private<String>,
    /// Password.
    pub password: Secret<String>,
}

impl Credentials {
    /// Both are at most [`MAX_CREDENTIAL_BYTES`] long and the user name has no control characters,
    /// else [`UrlError::Credentials`].
    pub fn new(username: String, password: Secret<String>) -> Result<Self, UrlError> {
        let fits = |text: &str| text.len() <= MAX_CREDENTIAL_BYTES;
        if !fits(&username) || !fits(password.expose()) || username.chars().any(char::is_control) {
            return Err(UrlError::Credentials);
        }
        Ok(Self {
            username: Private::new(username),
            password,
        })
    }
}

/// Where video comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A camera that speaks RTSP.
    Rtsp(RtspUrl),
    /// The synthetic camera; the text after `synthetic:`, read elsewhere.
    Synthetic(String),
}

impl Source {
    /// Reads an address as a person types it. Errors name what to change.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        let text = text.trim();
        check_text(text)?;
        match text.split_once(':') {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("synthetic") => {
                Ok(Self::Synthetic(rest.to_owned()))
            }
            _ => RtspUrl::parse(text).map(Self::Rtsp),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rtsp(url) => url.fmt(f),
            Self::Synthetic(_) => f.write_str("synthetic:"),
        }
    }
}

/// The address of an RTSP camera.
#[derive(Clone, PartialEq, Eq)]
pub struct RtspUrl {
    secure: bool,
    host: Private<String>,
    port: Option<u16>,
    /// Path and query as given, starting with `/` or `?`, or nothing.
    target: Private<String>,
    credentials: Option<Credentials>,
}

impl RtspUrl {
    /// Reads `rtsp[s]://[user[:password]@]host[:port][/path][?query]`. Characters that no URI has are
    /// percent-encoded in path and query and refused in the host.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        let text = text.trim();
        check_text(text)?;
        let (scheme, rest) = text.split_once("://").ok_or(UrlError::Scheme)?;
        let secure = match scheme {
            _ if scheme.eq_ignore_ascii_case("rtsp") => false,
            _ if scheme.eq_ignore_ascii_case("rtsps") => true,
            _ => return Err(UrlError::Scheme),
        };
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at_checked(end).ok_or(UrlError::Host)?;
        let (user_info, host_port) = match authority.rsplit_once('@') {
            Some((user_info, host_port)) => (Some(user_info), host_port),
            None => (None, authority),
        };
        let (host, port) = split_host(host_port)?;
        Ok(Self {
            secure,
            host: Private::new(host.to_owned()),
            port,
            target: Private::new(encode_target(target)),
            credentials: user_info.map(parse_user_info).transpose()?.flatten(),
        })
    }

    /// Whether it is `rtsps://`: RTSP within TLS.
    pub const fn is_secure(&self) -> bool {
        self.secure
    }

    /// Name or address of the camera; an IPv6 address without its brackets.
    pub fn host(&self) -> &str {
        host::bare(self.host.reveal())
    }

    /// The port, or the scheme's own.
    pub const fn port(&self) -> u16 {
        match (self.port, self.secure) {
            (Some(port), _) => port,
            (None, false) => RTSP_PORT,
            (None, true) => RTSPS_PORT,
        }
    }

    /// What was typed before the `@`.
    pub const fn credentials(&self) -> Option<&Credentials> {
        self.credentials.as_ref()
    }

    /// The same address with other credentials, or none.
    #[must_use]
    pub fn with_credentials(self, credentials: Option<Credentials>) -> Self {
        Self {
            credentials,
            ..self
        }
    }

    /// The address without credentials, as it goes into requests and as a member may see it; at most
    /// three times [`MAX_URL_BYTES`] of printable ASCII. It names the household's network: keep it out
    /// of logs.
    pub fn request_uri(&self) -> String {
        let scheme = if self.secure { "rtsps" } else { "rtsp" };
        let (host, target) = (self.host.reveal(), self.target.reveal());
        match self.port {
            Some(port) => format!("{scheme}://{host}:{port}{target}"),
            None => format!("{scheme}://{host}{target}"),
        }
    }

    /// Whether both lead to the same port of the same host, in the same kind of connection.
    pub fn same_server(&self, other: &Self) -> bool {
        self.secure == other.secure
            && self.port() == other.port()
            && self.host().eq_ignore_ascii_case(other.host())
    }
}

impl fmt::Display for RtspUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.secure { "rtsps" } else { "rtsp" };
        write!(f, "{scheme}://‹private›")
    }
}

impl fmt::Debug for RtspUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn check_text(text: &str) -> Result<(), UrlError> {
    if text.len() > MAX_URL_BYTES {
        return Err(UrlError::TooLong { len: text.len() });
    }
    if text.chars().any(char::is_control) {
        return Err(UrlError::Control);
    }
    Ok(())
}

/// Splits `host[:port]`; an IPv6 host keeps its brackets.
fn split_host(text: &str) -> Result<(&str, Option<u16>), UrlError> {
    let (host, port) = host::split_port(text);
    if !is_host(host) {
        return Err(UrlError::Host);
    }
    match port.unwrap_or_default() {
        "" => Ok((host, None)),
        port if !port.bytes().all(|b| b.is_ascii_digit()) => Err(UrlError::Port),
        port => match port.parse::<u16>() {
            Ok(1..) => Ok((host, port.parse().ok())),
            Ok(0) | Err(_) => Err(UrlError::Port),
        },
    }
}

/// Nothing for an empty user name and password.
fn parse_user_info(text: &str) -> Result<Option<Credentials>, UrlError> {
    let (username, password) = text.split_once(':').unwrap_or((text, ""));
    let password = Secret::new(percent_decode(password)?);
    let username = percent_decode(username)?;
    if username.is_empty() && password.expose().is_empty() {
        return Ok(None);
    }
    Credentials::new(username, password).map(Some)
}

/// RFC 3986 §2.1; a `%` that starts no escape stands for itself, as people type passwords.
fn percent_decode(text: &str) -> Result<String, UrlError> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        let escape = after.split_first_chunk().filter(|_| *byte == b'%');
        let escaped = escape.and_then(|(hex, after)| Some((hex_byte(*hex)?, after)));
        let (value, after) = escaped.unwrap_or((*byte, after));
        out.push(value);
        rest = after;
    }
    String::from_utf8(out).ok().ok_or(UrlError::Credentials)
}

fn hex_byte([high, low]: [u8; 2]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
}

fn encode_target(target: &str) -> String {
    let mut out = String::with_capacity(target.len());
    for byte in target.bytes() {
        if byte.is_ascii_graphic() && byte != b'"' {
            out.push(char::from(byte));
        } else {
            let digit = |value: u8| char::from_digit(value.into(), 16).unwrap_or('0');
            out.push('%');
            out.push(digit(byte >> 4).to_ascii_uppercase());
            out.push(digit(byte & 15).to_ascii_uppercase());
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(text: &str) -> RtspUrl {
        RtspUrl::parse(text).unwrap()
    }

    #[test]
    fn all_parts_are_found() {
        let url = parse("rtsp://admin:s3cret@192.168.1.20:8554/cam/real?channel=1&transport=udp");
        assert_eq!((url.host(), url.port()), ("192.168.1.20", 8554));
        assert!(!url.is_secure());
        assert_eq!(
            url.request_uri(),
            "rtsp://192.168.1.20:8554/cam/real?channel=1&transport=udp"
        );
        let credentials = url.credentials().unwrap();
        assert_eq!(credentials.username.reveal(), "admin");
        assert_eq!(credentials.password.expose(), "s3cret");
    }

    #[test]
    fn defaults_fill_what_is_missing() {
        assert_eq!(parse("RTSP://cam").port(), 554);
        assert_eq!(parse("rtsps://cam/").port(), 322);
        assert_eq!(parse("rtsp://cam?x=1").request_uri(), "rtsp://cam?x=1");
        assert_eq!(parse("rtsp://@cam/").credentials(), None);
        let six = parse("rtsp://[fe80::1]:5554/a");
        assert_eq!((six.host(), six.port()), ("fe80::1", 5554));
    }

    #[test]
    fn awkward_passwords_survive() {
        let password = |text: &str| parse(text).credentials().unwrap().password.expose().clone();
        assert_eq!(password("rtsp://a:p@ss@cam/"), "p@ss");
        assert_eq!(password("rtsp://a:p%40s%2fs%25@cam/"), "p@s/s%");
        assert_eq!(password("rtsp://a:100%@cam/"), "100%");
        assert_eq!(password("rtsp://a:b:c#d@cam/"), "b:c#d");
    }

    #[test]
    fn nothing_private_is_printed() {
        let url = Source::parse("rtsp://admin:hunter2@nursery.lan/token=abc").unwrap();
        let printed = format!("{url} {url:?}");
        for secret in ["admin", "hunter2", "nursery", "abc"] {
            assert!(!printed.contains(secret), "{printed}");
        }
    }

    #[test]
    fn spaces_and_foreign_letters_of_a_path_are_encoded() {
        assert_eq!(
            parse("rtsp://cam/a b/ü").request_uri(),
            "rtsp://cam/a%20b/%C3%BC"
        );
    }

    #[test]
    fn bad_addresses_say_what_to_do() {
        for (text, error) in [
            ("http://cam/", UrlError::Scheme),
            ("cam.lan/stream", UrlError::Scheme),
            ("rtsp://", UrlError::Host),
            ("rtsp://user:pa/ss@cam/", UrlError::Port),
            ("rtsp://ca m/", UrlError::Host),
            ("rtsp://cam:0/", UrlError::Port),
            ("rtsp://cam:99999/", UrlError::Port),
            ("rtsp://cam/\r\nX: y", UrlError::Control),
            ("rtsp://[::zz]/", UrlError::Host),
            ("rtsp://a:%ff@cam/", UrlError::Credentials),
        ] {
            assert_eq!(Source::parse(text), Err(error), "{text}");
        }
        let long = format!("rtsp://cam/{}", "a".repeat(2_048));
        assert_eq!(Source::parse(&long), Err(UrlError::TooLong { len: 2_059 }));
    }

    #[test]
    fn the_synthetic_camera_keeps_its_options() {
        let source = Source::parse("synthetic:?width=1280&fps=15").unwrap();
        assert_eq!(source, Source::Synthetic("?width=1280&fps=15".to_owned()));
    }

    #[test]
    fn servers_compare_by_what_is_dialled() {
        let url = parse("rtsp://a:b@Cam/x");
        assert!(url.same_server(&parse("rtsp://cam:554/y")));
        assert!(!url.same_server(&parse("rtsp://cam:555/x")));
        assert!(!url.same_server(&parse("rtsps://cam:554/x")));
    }

    proptest! {
        #[test]
        fn any_text_is_taken_or_refused(text in "\\PC{0,80}") {
            if let Ok(Source::Rtsp(url)) = Source::parse(&format!("rtsp://{text}")) {
                prop_assert!(url.request_uri().bytes().all(|b| b.is_ascii_graphic()));
                let again = RtspUrl::parse(&url.request_uri()).unwrap();
                prop_assert_eq!(again.request_uri(), url.request_uri());
            }
        }
    }
}
