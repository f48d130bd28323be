//! TLS 1.3 and the certificate: a given one, or one of the site's own making.
//!
//! The site's own certificate comes from a small certificate authority that lives with the gateway. An owner
//! who installs that authority on a phone trusts it for this site's names and private addresses and for nothing
//! else: its certificate says so (RFC 5280 §4.2.1.10), so a stolen gateway can't pose as a bank. Private
//! keys are `Secret`; whoever stores them seals them. Apps of ours pin the gateway's identity besides.

use std::net::IpAddr;
use std::sync::Arc;

use bartizan_domain::{Fingerprint, Millis, Secret, UtcMillis, sabotage};
use bartizan_identity::key::sha256;
use data_encoding::HEXUPPER;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DnType, ExtendedKeyUsagePurpose,
    GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose, NameConstraints,
};
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::{default_provider, kx_group};
use rustls::server::ParsedCertificate;
use rustls::version::{TLS12, TLS13};
use rustls::{ServerConfig, SupportedProtocolVersion};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use serde::{Deserialize, Serialize};

/// Names of one certificate.
pub const MAX_NAMES: usize = 32;

/// Bytes of a stored certificate.
pub const MAX_STORED: usize = 64 * 1_024;

/// Certificates of a given chain.
const MAX_CHAIN: usize = 8;

const DAY: Millis = 24 * 60 * 60 * 1_000;

/// How long a site's certificate is good for: what browsers accept (CA/Browser Forum BR §6.3.2).
const LEAF_DAYS: i64 = 199;

/// Days before its end at which a new one is made.
const RENEW_DAYS: u64 = 60;

/// How long the site's authority is good for.
const AUTHORITY_YEARS: i64 = 20;

/// Domains that are nobody's on the Internet: RFC 6762 §3, RFC 8375, and what routers use.
const LOCAL_DOMAINS: [&str; 6] = ["local", "home.arpa", "internal", "lan", "home", "localhost"];

/// Addresses that are nobody's on the Internet (RFC 1918, 3927, 4193, 4291, 1122).
const LOCAL_V4: [([u8; 4], u8); 5] = [
    ([10, 0, 0, 0], 8),
    ([127, 0, 0, 0], 8),
    ([169, 254, 0, 0], 16),
    ([172, 16, 0, 0], 12),
    ([192, 168, 0, 0], 16),
];

/// As above: unique local, link local, loopback.
const LOCAL_V6: [(u16, u8); 2] = [(0xfc00, 7), (0xfe80, 10)];

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The PEM text holds no certificate, too many, or broken ones.
    #[error(
        "the certificate can't be read: one to {MAX_CHAIN} PEM certificates are expected, the server's first"
    )]
    Certificate,
    /// The PEM text holds no private key.
    #[error("the private key can't be read: one PEM key in PKCS#8, SEC1 or PKCS#1 is expected")]
    PrivateKey,
    /// They do not fit each other, or rustls cannot use them.
    #[error("certificate and private key can't be used")]
    Unusable(#[source] rustls::Error),
    /// A name can't stand in a certificate.
    #[error(
        "a certificate can't be made for these names: 1 to {MAX_NAMES} host names or addresses are expected"
    )]
    Names,
    /// The cryptography provider gave up.
    #[error("a certificate can't be made")]
    Make(#[source] rcgen::Error),
    /// What was stored is no certificate of ours.
    #[error("the stored certificate is damaged")]
    Stored,
}

/// The site's own certificate and the authority behind it.
#[derive(Debug, Clone)]
pub struct SiteCertificate {
    authority: Authority,
    leaf: Leaf,
}

#[derive(Debug, Clone)]
struct Authority {
    certificate: String,
    key: Secret<String>,
    /// Names beyond the local ones that it may vouch for.
    public_names: Vec<String>,
    since: UtcMillis,
    until: UtcMillis,
}

#[derive(Debug, Clone)]
struct Leaf {
    certificate: String,
    key: Secret<String>,
    names: Vec<String>,
    until: UtcMillis,
}

/// As it is stored: JSON, so that a later version can add to it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    version: u8,
    authority: (String, String, Vec<String>, UtcMillis, UtcMillis),
    leaf: (String, String, Vec<String>, UtcMillis),
}

const STORED_VERSION: u8 = 1;

impl SiteCertificate {
    /// The authority's certificate in PEM: what an owner may install on a device.
    pub fn authority_pem(&self) -> &str {
        &self.authority.certificate
    }

    /// The server's certificate in PEM.
    pub fn certificate_pem(&self) -> &str {
        &self.leaf.certificate
    }

    /// The server's private key in PEM.
    pub const fn key_pem(&self) -> &Secret<String> {
        &self.leaf.key
    }

    /// First moment at which the server's certificate is good no more.
    pub const fn until(&self) -> UtcMillis {
        self.leaf.until
    }

    /// For the store, which seals it: it holds both private keys.
    pub fn to_bytes(&self) -> Secret<Vec<u8>> {
        let (ca, leaf) = (self.authority.clone(), self.leaf.clone());
        let stored = Stored {
            version: STORED_VERSION,
            authority: (
                ca.certificate,
                ca.key.expose().clone(),
                ca.public_names,
                ca.since,
                ca.until,
            ),
            leaf: (
                leaf.certificate,
                leaf.key.expose().clone(),
                leaf.names,
                leaf.until,
            ),
        };
        Secret::new(serde_json::to_vec(&stored).expect("the form has no maps"))
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, TlsError> {
        let stored = bytes.get(..bytes.len().min(MAX_STORED)).unwrap_or_default();
        let stored: Stored = serde_json::from_slice(stored).map_err(|_opaque| TlsError::Stored)?;
        if stored.version != STORED_VERSION {
            return Err(TlsError::Stored);
        }
        let (certificate, key, public_names, since, until) = stored.authority;
        let key = Secret::new(key);
        let authority = Authority {
            certificate,
            key,
            public_names,
            since,
            until,
        };
        let (certificate, key, names, until) = stored.leaf;
        let key = Secret::new(key);
        let leaf = Leaf {
            certificate,
            key,
            names,
            until,
        };
        Ok(Self { authority, leaf })
    }

    /// For [`Listener::with_tls`](crate::Listener::with_tls). The authority's certificate is sent along, so
    /// that who pins its key needs no copy of it.
    pub fn server_config(&self) -> Result<Arc<ServerConfig>, TlsError> {
        let chain = format!("{}\n{}", self.leaf.certificate, self.authority.certificate);
        server_config(&chain, &self.leaf.key)
    }
}

/// The site's certificate for `names` (host names and addresses): the existing one while it fits and has
/// more than 60 days left, else a new one. The authority stays, unless it may not vouch for one of the names
/// or ends before the new certificate would.
pub fn site_certificate(
    existing: Option<SiteCertificate>,
    names: &[String],
    now: UtcMillis,
) -> Result<SiteCertificate, TlsError> {
    let names = sorted(names)?;
    let (authority, leaf) = existing.map(|old| (old.authority, old.leaf)).unzip();
    let Some(authority) = authority.filter(|authority| authority.can_vouch(&names, now)) else {
        return made(Authority::make(&names, now)?, names, now);
    };
    let fits =
        |leaf: &Leaf| leaf.names == names && leaf.until.since(now) > RENEW_DAYS.saturating_mul(DAY);
    match leaf.filter(fits) {
        Some(leaf) => Ok(SiteCertificate { authority, leaf }),
        None => made(authority, names, now),
    }
}

fn made(
    authority: Authority,
    names: Vec<String>,
    now: UtcMillis,
) -> Result<SiteCertificate, TlsError> {
    let leaf = authority.issue(names, now)?;
    Ok(SiteCertificate { authority, leaf })
}

/// In one order and lower case, each once.
fn sorted(names: &[String]) -> Result<Vec<String>, TlsError> {
    let mut names: Vec<_> = names
        .iter()
        .map(|name| name.trim().to_ascii_lowercase())
        .collect();
    names.sort_unstable();
    names.dedup();
    let plain = |name: &String| {
        let dns = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.';
        name.parse::<IpAddr>().is_ok()
            || !name.is_empty() && name.len() < 254 && name.bytes().all(dns)
    };
    if names.is_empty() || names.len() > MAX_NAMES || !names.iter().all(plain) {
        return Err(TlsError::Names);
    }
    Ok(names)
}

impl Authority {
    fn make(names: &[String], now: UtcMillis) -> Result<Self, TlsError> {
        let key = KeyPair::generate().map_err(TlsError::Make)?;
        let mut authority = Self {
            certificate: String::new(),
            key: Secret::new(key.serialize_pem()),
            public_names: names
                .iter()
                .filter(|name| !is_local(name))
                .cloned()
                .collect(),
            since: now,
            until: end(now, AUTHORITY_YEARS.years()),
        };
        let certificate = authority
            .params()?
            .self_signed(&key)
            .map_err(TlsError::Make)?;
        authority.certificate = certificate.pem();
        Ok(authority)
    }

    fn can_vouch(&self, names: &[String], now: UtcMillis) -> bool {
        let known = |name: &String| is_local(name) || self.public_names.contains(name);
        let leaf_end = end(now, LEAF_DAYS.days());
        names.iter().all(known) && leaf_end < self.until && now >= self.since.saturating_sub(DAY)
    }

    /// The same each time, so that the authority can be rebuilt from what is stored.
    fn params(&self) -> Result<CertificateParams, TlsError> {
        let mut params = CertificateParams::new(Vec::new()).map_err(TlsError::Make)?;
        params
            .distinguished_name
            .push(DnType::CommonName, "Bartizan site authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![
            KeyUsagePurpose::KeyCertSign,
            KeyUsagePurpose::DigitalSignature,
        ];
        set_days(&mut params, self.since, self.until);
        params.name_constraints = Some(NameConstraints {
            permitted_subtrees: permitted(&self.public_names),
            excluded_subtrees: Vec::new(),
        });
        Ok(params)
    }

    fn issue(&self, names: Vec<String>, now: UtcMillis) -> Result<Leaf, TlsError> {
        let authority_key = KeyPair::from_pem(self.key.expose()).map_err(TlsError::Make)?;
        let issuer = Issuer::new(self.params()?, authority_key);
        let mut params = CertificateParams::new(names.clone()).map_err(TlsError::Make)?;
        params
            .distinguished_name
            .push(DnType::CommonName, "Bartizan gateway");
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let until = end(now, LEAF_DAYS.days());
        set_days(&mut params, now, until);
        let key = KeyPair::generate().map_err(TlsError::Make)?;
        let certificate = params.signed_by(&key, &issuer).map_err(TlsError::Make)?;
        Ok(Leaf {
            certificate: certificate.pem(),
            key: Secret::new(key.serialize_pem()),
            names,
            until,
        })
    }
}

fn permitted(public_names: &[String]) -> Vec<GeneralSubtree> {
    let domains = LOCAL_DOMAINS
        .iter()
        .map(|name| GeneralSubtree::DnsName((*name).to_owned()));
    let v4 = LOCAL_V4
        .iter()
        .map(|(ip, bits)| CidrSubnet::from_v4_prefix(*ip, *bits));
    let v6 = LOCAL_V6.iter().map(|(head, bits)| {
        let mut ip = [0; 16];
        ip.iter_mut()
            .zip(head.to_be_bytes())
            .for_each(|(to, from)| *to = from);
        CidrSubnet::from_v6_prefix(ip, *bits)
    });
    let loopback = CidrSubnet::from_v6_prefix(std::net::Ipv6Addr::LOCALHOST.octets(), 128);
    let public = public_names
        .iter()
        .map(|name| match name.parse::<IpAddr>() {
            Ok(ip) => GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(ip, 128)),
            Err(_) => GeneralSubtree::DnsName(name.clone()),
        });
    let addresses = v4
        .chain(v6)
        .chain([loopback])
        .map(GeneralSubtree::IpAddress);
    domains.chain(addresses).chain(public).collect()
}

/// Whether a name or address can only mean something on the own network.
fn is_local(name: &str) -> bool {
    match name.parse::<IpAddr>() {
        Ok(IpAddr::V4(ip)) => ip.is_private() || ip.is_loopback() || ip.is_link_local(),
        Ok(IpAddr::V6(ip)) => {
            ip.is_unique_local() || ip.is_unicast_link_local() || ip.is_loopback()
        }
        Err(_) => {
            let last = name.rsplit_once('.').map_or(name, |(_, last)| last);
            LOCAL_DOMAINS.contains(&last) || name.ends_with(".home.arpa")
        }
    }
}

fn end(now: UtcMillis, span: jiff::Span) -> UtcMillis {
    let later = utc_date(now).checked_add(span).unwrap_or(Date::MAX);
    let later = later.to_zoned(TimeZone::UTC).ok();
    let millis = later.and_then(|time| u64::try_from(time.timestamp().as_millisecond()).ok());
    UtcMillis(millis.unwrap_or(u64::MAX))
}

fn utc_date(time: UtcMillis) -> Date {
    let millis = i64::try_from(time.0).unwrap_or(i64::MAX);
    let time = Timestamp::from_millisecond(millis).unwrap_or(Timestamp::MAX);
    time.to_zoned(TimeZone::UTC).date()
}

/// From midnight a day before `from`, for devices whose clock is slow, to midnight of the day of `until`.
fn set_days(params: &mut CertificateParams, from: UtcMillis, until: UtcMillis) {
    let unsigned = |value: i8| u8::try_from(value).unwrap_or(1);
    let midnight = |time| {
        let date = utc_date(time);
        rcgen::date_time_ymd(
            date.year().into(),
            unsigned(date.month()),
            unsigned(date.day()),
        )
    };
    params.not_before = midnight(from.saturating_sub(DAY));
    params.not_after = midnight(until);
}

/// What a claim link carries to recognise a certificate: SHA-256 of the `SubjectPublicKeyInfo` (as in RFC 7469
/// §2.4) of the last certificate in `chain_pem`, the authority's or the only one.
pub fn pin(chain_pem: &str) -> Result<Fingerprint, TlsError> {
    let last = CertificateDer::pem_slice_iter(chain_pem.as_bytes())
        .take(MAX_CHAIN)
        .last();
    let last = last.and_then(Result::ok).ok_or(TlsError::Certificate)?;
    let parsed = ParsedCertificate::try_from(&last).map_err(|_opaque| TlsError::Certificate)?;
    let key = parsed.subject_public_key_info();
    Ok(Fingerprint::new(*sha256(&[key.as_ref()]).as_bytes()))
}

/// The first certificate of a PEM text, in DER.
pub fn authority_der(pem: &str) -> Result<Vec<u8>, TlsError> {
    let der =
        CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|_opaque| TlsError::Certificate)?;
    Ok(der.to_vec())
}

/// What people compare: SHA-256 of a certificate in DER, as sixteen groups of four digits.
pub fn fingerprint(der: &[u8]) -> String {
    let digits = HEXUPPER.encode(sha256(&[der]).as_bytes());
    let digits: Vec<_> = digits.chars().collect();
    let groups: Vec<String> = digits
        .chunks(4)
        .map(|group| group.iter().collect())
        .collect();
    groups.join(" ")
}

/// TLS 1.3 with AES-256-GCM, AES-128-GCM or ChaCha20-Poly1305; X25519MLKEM768 before X25519; nothing else.
/// HTTP/1.1 only. No client certificates, no early data.
pub fn server_config(
    chain_pem: &str,
    key_pem: &Secret<String>,
) -> Result<Arc<ServerConfig>, TlsError> {
    let chain: Vec<_> = CertificateDer::pem_slice_iter(chain_pem.as_bytes())
        .take(MAX_CHAIN + 1)
        .collect::<Result<_, _>>()
        .map_err(|_opaque| TlsError::Certificate)?;
    if chain.is_empty() || chain.len() > MAX_CHAIN {
        return Err(TlsError::Certificate);
    }
    let key = PrivateKeyDer::from_pem_slice(key_pem.expose().as_bytes())
        .map_err(|_opaque| TlsError::PrivateKey)?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(provider()))
        .with_protocol_versions(versions())
        .map_err(TlsError::Unusable)?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(TlsError::Unusable)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn provider() -> CryptoProvider {
    if sabotage::off("R-11") {
        return default_provider();
    }
    CryptoProvider {
        kx_groups: vec![kx_group::X25519MLKEM768, kx_group::X25519],
        ..default_provider()
    }
}

fn versions() -> &'static [&'static SupportedProtocolVersion] {
    const WITH_OLD: &[&SupportedProtocolVersion] = &[&TLS12, &TLS13];
    const ONLY: &[&SupportedProtocolVersion] = &[&TLS13];
    if sabotage::off("R-11") {
        WITH_OLD
    } else {
        ONLY
    }
}
