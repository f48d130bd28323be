//! The addresses under which the API may be called, against DNS rebinding and other sites' pages.
//!
//! A page of another site can make a browser send requests to a gateway: by a name of its own that resolves
//! to the gateway (the `Host` is then wrong), or across origins (the `Origin` is then wrong). Both are
//! refused before anything else is looked at. No CORS header is sent, but to this site's own guide for
//! its one question. Only a person's own way to a page of the app, by a link from anywhere, may begin elsewhere.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use bartizan_domain::{host, sabotage};
use http::request::Parts;
use http::uri::Authority;
use http::{HeaderName, HeaderValue, Method, header};

use crate::problem::{ApiError, Kind};

/// Names that one listener answers to at most.
pub const MAX_ORIGINS: usize = 64;

/// Origins that one answer names.
pub(crate) const MAX_TOLD: usize = 8;

/// Two years, as browsers' preload lists ask for (RFC 6797 §6.1).
const HSTS: HeaderValue = HeaderValue::from_static("max-age=63072000");

/// `http` or `https`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scheme {
    /// In clear: on the machine itself only.
    Http,
    /// TLS.
    Https,
}

impl Scheme {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    const fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

/// Scheme, host and port (RFC 6454 §4), in the one form that browsers send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    scheme: Scheme,
    host: String,
    port: u16,
}

/// A text is not an origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an origin: scheme, host and port are expected, as in https://gateway.local:8443")]
pub struct NotAnOrigin;

impl Origin {
    /// An address of this machine, or one of its names.
    pub fn new(scheme: Scheme, host: &str, port: u16) -> Result<Self, NotAnOrigin> {
        format!("{}://{host}:{port}", scheme.as_str()).parse()
    }

    /// The origin of an address.
    pub fn of_address(scheme: Scheme, address: SocketAddr) -> Self {
        let host = match address.ip() {
            IpAddr::V4(ip) => ip.to_string(),
            IpAddr::V6(ip) => format!("[{ip}]"),
        };
        let port = address.port();
        Self { scheme, host, port }
    }

    /// Whether it leads to the very machine that asks.
    fn is_loopback(&self) -> bool {
        host::is_loopback(&self.host)
    }

    /// `host` or `host:port` as in a `Host` header, without a default port.
    fn authority(&self) -> String {
        if self.port == self.scheme.default_port() {
            self.host.clone()
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme.as_str(), self.authority())
    }
}

impl FromStr for Origin {
    type Err = NotAnOrigin;

    fn from_str(text: &str) -> Result<Self, NotAnOrigin> {
        let (scheme, authority) = text.split_once("://").ok_or(NotAnOrigin)?;
        let scheme = match scheme.to_ascii_lowercase().as_str() {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            _ => return Err(NotAnOrigin),
        };
        let (host, port) = split(authority).ok_or(NotAnOrigin)?;
        let port = port.unwrap_or(scheme.default_port());
        Ok(Self { scheme, host, port })
    }
}

/// Host in lower case, and port (RFC 3986 §3.2). `None` for user information, and for hosts that no browser
/// asks for.
fn split(authority: &str) -> Option<(String, Option<u16>)> {
    let (name, port) = host::split_port(authority);
    let port = match port {
        Some(digits) => Some(number(digits)?),
        None => None,
    };
    host::is_host(name).then(|| (name.to_ascii_lowercase(), port))
}

fn number(digits: &str) -> Option<u16> {
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| plain)
}

/// What one listener is called.
#[derive(Debug, Clone)]
pub(crate) struct Origins {
    by_authority: BTreeMap<String, Origin>,
    /// As given, without the ones over the limit.
    listed: Vec<Origin>,
    /// What a listener's own scheme makes of an authority without a port.
    scheme: Scheme,
    /// Where the guide is, in clear under the same hosts.
    guide: Option<u16>,
    /// The certificate is a given one.
    given: bool,
}

/// A request for one of this listener's origins.
#[derive(Debug, Clone)]
pub(crate) struct Admitted(pub(crate) String);

impl Origins {
    pub(crate) fn new(scheme: Scheme, origins: impl IntoIterator<Item = Origin>) -> Self {
        let listed: Vec<_> = origins.into_iter().take(MAX_ORIGINS).collect();
        let named = listed
            .iter()
            .map(|origin| (origin.authority(), origin.clone()));
        Self {
            by_authority: named.collect(),
            listed,
            scheme,
            guide: None,
            given: false,
        }
    }

    /// Those that lead here from another machine, too: the names first, in the order in which they were given.
    pub(crate) fn elsewhere(&self) -> Vec<&Origin> {
        let mut found: Vec<_> = self
            .listed
            .iter()
            .filter(|own| !own.is_loopback())
            .collect();
        found.sort_by_key(|own| host::bare(&own.host).parse::<IpAddr>().is_ok());
        found
    }

    pub(crate) const fn with_guide(mut self, port: Option<u16>) -> Self {
        self.guide = port;
        self
    }

    pub(crate) const fn guide(&self) -> Option<u16> {
        self.guide
    }

    pub(crate) const fn with_given_certificate(mut self, given: bool) -> Self {
        self.given = given;
        self
    }

    pub(crate) const fn has_given_certificate(&self) -> bool {
        self.given
    }

    /// What tells browsers to come with TLS only (RFC 6797), where the certificate is a given one. With the site's own
    /// authority nothing does: browsers hold that promise against every port of the host, and a device that has
    /// yet to trust a new authority would be kept from the guide.
    pub(crate) fn strict_transport(&self) -> Option<HeaderValue> {
        (self.scheme == Scheme::Https && self.given).then_some(HSTS)
    }

    /// The origin that a request is for.
    ///
    /// # Errors
    /// 421 (RFC 9110 §15.5.20) for a host that is none of this listener's; 403 for another site's page.
    pub(crate) fn admit(&self, request: &Parts) -> Result<Admitted, ApiError> {
        self.check(request, false)
    }

    /// The same for a file of the app. A page may be come to by a link from another site, as from a mail or a
    /// code that was scanned; whatever the page then does is under the same rule as all else.
    ///
    /// # Errors
    /// As [`admit`](Self::admit).
    pub(crate) fn admit_to_app(&self, request: &Parts, page: bool) -> Result<Admitted, ApiError> {
        self.check(request, page && is_visit(request))
    }

    /// The guide's question whether this site is trusted: for one of its names, from the guide's own page under
    /// one of them, or under the address that the client connected to.
    ///
    /// # Errors
    /// As [`admit`](Self::admit).
    pub(crate) fn admit_guide(
        &self,
        request: &Parts,
        local: Option<SocketAddr>,
    ) -> Result<HeaderValue, ApiError> {
        if single(request, &header::HOST)
            .and_then(|host| self.named(host))
            .is_none()
        {
            return self
                .unlisted(request)
                .map(|_| HeaderValue::from_static("null"));
        }
        let origin = single(request, &header::ORIGIN).and_then(|text| Origin::from_str(text).ok());
        let is_own = |origin: &Origin| {
            let address = local.map(|local| {
                Origin::of_address(Scheme::Http, SocketAddr::new(local.ip().to_canonical(), 0)).host
            });
            let named = self
                .by_authority
                .values()
                .any(|own| own.host == origin.host);
            let known = named || address.as_ref() == Some(&origin.host);
            known && Some(origin.port) == self.guide || sabotage::off("L-6")
        };
        let value = origin
            .filter(is_own)
            .map(|origin| HeaderValue::try_from(origin.to_string()));
        let refused = || {
            let detail = "Only this site's own guide may ask this.";
            ApiError::new(Kind::CrossOrigin, detail)
        };
        value.and_then(Result::ok).ok_or_else(refused)
    }

    fn check(&self, request: &Parts, visit: bool) -> Result<Admitted, ApiError> {
        let host = single(request, &header::HOST).and_then(|host| self.named(host));
        let target = request.uri.authority().map(Authority::as_str);
        let same = target.is_none_or(|target| self.named(target) == host);
        let Some(origin) = host.filter(|_| same) else {
            return self.unlisted(request);
        };
        if !visit && crosses(request, &origin.to_string()) && !sabotage::off("L-6") {
            let detail = "This request comes from a page of another site, and is not answered.";
            return Err(ApiError::new(Kind::CrossOrigin, detail));
        }
        Ok(Admitted(origin.to_string()))
    }

    /// Whether `host`, as in a `Host` header, is one of the names, or the very address that the client connected
    /// to: no name of somebody else's is.
    pub(crate) fn answers_to(&self, host: &str, local: Option<SocketAddr>) -> bool {
        let own = local.and_then(|local| {
            let local = SocketAddr::new(local.ip().to_canonical(), local.port());
            let origin = Origin::of_address(self.scheme, local);
            let (host, port) = split(host)?;
            Some(origin.host == host && origin.port == port.unwrap_or(self.scheme.default_port()))
        });
        own == Some(true) || self.named(host).is_some() || sabotage::off("L-6")
    }

    fn named(&self, authority: &str) -> Option<&Origin> {
        let (host, port) = split(authority)?;
        let bare = self.by_authority.get(&host);
        match port {
            None => bare,
            Some(port) => bare
                .filter(|origin| origin.port == port)
                .or_else(|| self.by_authority.get(&format!("{host}:{port}"))),
        }
    }

    #[cfg(test)]
    pub(crate) fn find(&self, authority: &str) -> Option<&Origin> {
        self.named(authority)
    }

    fn unlisted(&self, request: &Parts) -> Result<Admitted, ApiError> {
        if sabotage::off("L-6") {
            let host = single(request, &header::HOST).unwrap_or_default();
            return Ok(Admitted(format!("{}://{host}", self.scheme.as_str())));
        }
        let detail = "The gateway is not known by this name. Use one of its own names or its address, \
                      or add the name to its configuration.";
        Err(ApiError::new(Kind::Misdirected, detail))
    }
}

/// Whether a browser says that another site's page is behind the request. Programs say nothing.
fn crosses(request: &Parts, own: &str) -> bool {
    const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
    let foreign = |name: &HeaderName, known: &[&str]| {
        let mut values = request.headers.get_all(name).iter();
        values.any(|value| {
            !known
                .iter()
                .any(|known| value.as_bytes() == known.as_bytes())
        })
    };
    foreign(&header::ORIGIN, &[own]) || foreign(&SEC_FETCH_SITE, &["same-origin", "none"])
}

/// Whether a browser says that somebody goes to this address in a tab of its own (Fetch Metadata §2.1, §2.2): it
/// is no frame, no picture, no script, and carries no form.
fn is_visit(request: &Parts) -> bool {
    const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
    const SEC_FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");
    matches!(request.method, Method::GET | Method::HEAD)
        && !request.headers.contains_key(header::ORIGIN)
        && single(request, &SEC_FETCH_MODE) == Some("navigate")
        && single(request, &SEC_FETCH_DEST) == Some("document")
}

/// A header's value, when there is exactly one and it is text.
pub(crate) fn single<'a>(request: &'a Parts, name: &HeaderName) -> Option<&'a str> {
    let mut values = request.headers.get_all(name).iter();
    match (values.next().map(HeaderValue::to_str), values.next()) {
        (Some(Ok(value)), None) => Some(value),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use http::Request;
    use proptest::prelude::*;

    use super::*;

    fn origins() -> Origins {
        let origins = [
            "http://127.0.0.1:8440",
            "http://localhost:8440",
            "https://gateway.home",
        ];
        Origins::new(Scheme::Http, origins.map(|text| text.parse().unwrap()))
    }

    fn status(headers: &[(&str, &str)]) -> u16 {
        let mut request = Request::builder().uri("/api/v1/site");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        match origins().admit(&parts) {
            Ok(_) => 200,
            Err(error) => axum::response::IntoResponse::into_response(error)
                .status()
                .as_u16(),
        }
    }

    #[test]
    fn own_names_are_admitted() {
        for host in [
            "127.0.0.1:8440",
            "LOCALHOST:8440",
            "gateway.home",
            "gateway.home:443",
        ] {
            assert_eq!(status(&[("host", host)]), 200, "{host}");
        }
        let same = [
            ("host", "localhost:8440"),
            ("origin", "http://localhost:8440"),
        ];
        assert_eq!(status(&same), 200);
        assert_eq!(
            status(&[
                ("host", "localhost:8440"),
                ("sec-fetch-site", "same-origin")
            ]),
            200
        );
    }

    #[test]
    fn l_6_other_names_are_misdirected() {
        for host in [
            "evil.example",
            "127.0.0.1",
            "127.0.0.1:80",
            "127.0.0.1:8441",
            "localhost.evil.example:8440",
            "gateway.home:8440",
            "x@127.0.0.1:8440",
            "127.0.0.1:8440:8440",
            "127.0.0.1:",
            "127.0.0.1:+8440",
            "127.0.0.1[:8440",
            "[127.0.0.1]:8440",
            "[::1]:8440",
            "",
        ] {
            assert_eq!(status(&[("host", host)]), 421, "{host}");
        }
        assert_eq!(status(&[]), 421);
        assert_eq!(
            status(&[("host", "localhost:8440"), ("host", "localhost:8440")]),
            421
        );
    }

    #[test]
    fn l_6_other_sites_pages_are_refused() {
        for origin in [
            "http://evil.example",
            "null",
            "http://localhost",
            "https://localhost:8440",
            "http://127.0.0.1:8440",
        ] {
            assert_eq!(
                status(&[("host", "localhost:8440"), ("origin", origin)]),
                403,
                "{origin}"
            );
        }
        for site in ["cross-site", "same-site", "rubbish"] {
            assert_eq!(
                status(&[("host", "localhost:8440"), ("sec-fetch-site", site)]),
                403,
                "{site}"
            );
        }
    }

    #[test]
    fn origins_have_one_form() {
        for (text, form) in [
            ("HTTPS://Gateway.Home:443", "https://gateway.home"),
            ("http://[::1]:8440", "http://[::1]:8440"),
        ] {
            assert_eq!(text.parse::<Origin>().unwrap().to_string(), form);
        }
        for text in [
            "",
            "gateway.home",
            "ftp://x",
            "http://",
            "http://a/b",
            "http://u@a",
            "http://a:",
            "http://a:+80",
            "http://a:99999",
            "http://)[:z2]",
            "http://[::1]a:80",
            "http://[a]",
        ] {
            assert_eq!(text.parse::<Origin>(), Err(NotAnOrigin), "{text}");
        }
        let address = "[::1]:80".parse().unwrap();
        assert_eq!(
            Origin::of_address(Scheme::Http, address).to_string(),
            "http://[::1]"
        );
    }

    proptest! {
        #[test]
        fn foreign_text_never_panics(text in ".{0,80}") {
            let origin = text.parse::<Origin>();
            prop_assert!(origin.is_err() || text.contains("://"));
        }
    }
}
