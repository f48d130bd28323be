//! Single HTTP requests to a gateway, well-formed or not, with or without a member's credentials. It speaks plain
//! HTTP/1.1 over one connection for each request, so that a test decides about every byte.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use bartizan_access::DeviceKey;
use bartizan_access::dpop::ProofRequest;
use bartizan_base::random;
use bartizan_client::Profile;
use bartizan_domain::{Fingerprint, Secret};
use serde_json::Value;

use crate::wait;

/// How long an answer may take.
pub const LIMIT: Duration = Duration::from_secs(40);

/// Bytes of an answer that are kept.
const MAX_ANSWER: u64 = 64 * 1024 * 1024;

/// An answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// Without transfer coding.
    pub body: Vec<u8>,
}

impl Answer {
    /// The header `name`, in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(other, _)| other == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// It is none.
    pub fn json(&self) -> Result<Value> {
        let text = || {
            String::from_utf8_lossy(&self.body)
                .chars()
                .take(300)
                .collect::<String>()
        };
        serde_json::from_slice(&self.body).with_context(|| format!("no JSON: {}", text()))
    }

    /// Whether it is an error document of the API.
    pub fn is_problem(&self) -> bool {
        self.header("content-type") == Some("application/problem+json")
            && self.json().is_ok_and(|body| body["status"] == self.status)
    }

    /// The body as text, for searching in it.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// Fetches a path as a stranger does.
///
/// # Errors
/// No answer.
pub fn get(port: u16, target: &str) -> Result<Answer> {
    send(port, "GET", target, &[], b"")
}

/// Sends a request as a stranger does.
///
/// # Errors
/// No answer.
pub fn send(
    port: u16,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Result<Answer> {
    let host = format!("127.0.0.1:{port}");
    send_to((port, &host), method, target, headers, body)
}

/// Sends a request as a stranger does who calls the gateway `host`.
///
/// # Errors
/// No answer.
pub fn send_to(
    (port, host): (u16, &str),
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Result<Answer> {
    let mut head = format!("{method} {target} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n");
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    if !body.is_empty() {
        head += &format!("content-length: {}\r\n", body.len());
    }
    head.push_str("\r\n");
    raw(port, &[head.as_bytes(), body].concat())
}

/// Sends bytes as they are and reads the answer.
///
/// # Errors
/// No answer.
pub fn raw(port: u16, bytes: &[u8]) -> Result<Answer> {
    let mut stream = connect(port)?;
    // Who is refused early may find the door closed while still talking.
    let sent = stream.write_all(bytes);
    read(&mut stream).map_err(|error| match sent {
        Ok(()) => error,
        Err(sent) => error.context(sent),
    })
}

/// A connection with time limits.
///
/// # Errors
/// Nobody listens.
pub fn connect(port: u16) -> Result<TcpStream> {
    let stream = TcpStream::connect(("127.0.0.1", port)).context("the gateway does not listen")?;
    stream.set_read_timeout(Some(LIMIT))?;
    stream.set_write_timeout(Some(LIMIT))?;
    Ok(stream)
}

/// Reads an answer to the end of the connection.
///
/// # Errors
/// It is no answer.
pub fn read(stream: &mut TcpStream) -> Result<Answer> {
    let mut bytes = Vec::new();
    let read = stream.take(MAX_ANSWER).read_to_end(&mut bytes);
    // A refusal may be followed by a reset, because not all was read of what we said.
    if let Err(error) = read
        && (bytes.is_empty() || error.kind() != ErrorKind::ConnectionReset)
    {
        return Err(error).context("no answer");
    }
    parse(&bytes)
}

fn parse(bytes: &[u8]) -> Result<Answer> {
    let split = bytes
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .context("an answer has a head")?;
    let (head, body) = bytes.split_at(split);
    let body = body.get(4..).unwrap_or_default();
    let head = std::str::from_utf8(head).context("a head is text")?;
    let mut lines = head.split("\r\n");
    let status = lines
        .next()
        .and_then(|line| line.split(' ').nth(1)?.parse().ok());
    let status = status.context("a head begins with a status")?;
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let answer = Answer {
        status,
        headers,
        body: Vec::new(),
    };
    let body = match answer.header("transfer-encoding") {
        Some("chunked") => unchunked(body)?,
        _ => body.to_vec(),
    };
    Ok(Answer { body, ..answer })
}

/// Joins chunks (RFC 9112 §7.1).
fn unchunked(mut rest: &[u8]) -> Result<Vec<u8>> {
    let mut joined = Vec::new();
    loop {
        let line = rest
            .windows(2)
            .position(|two| two == b"\r\n")
            .context("a chunk has a size")?;
        let (size, after) = rest.split_at(line);
        let size = std::str::from_utf8(size)?
            .split(';')
            .next()
            .unwrap_or_default()
            .trim();
        let size = usize::from_str_radix(size, 16).context("a chunk's size is hexadecimal")?;
        if size == 0 {
            return Ok(joined);
        }
        let chunk = after.get(2..2 + size).context("a chunk is whole")?;
        joined.extend_from_slice(chunk);
        rest = after
            .get(2 + size + 2..)
            .context("a chunk ends with a line break")?;
    }
}

/// A member's device, speaking for itself.
#[derive(Debug)]
pub struct Member {
    port: u16,
    host: String,
    key: DeviceKey,
    token: Secret<String>,
}

impl Member {
    /// The account that the command line keeps in `profile`.
    ///
    /// # Errors
    /// There is none.
    pub fn open(profile: &Path, port: u16) -> Result<Self> {
        let account = Profile::at(profile.to_owned()).load()?;
        let key = DeviceKey::from_pkcs8(account.device_key.expose())?;
        Ok(Self {
            port,
            host: format!("127.0.0.1:{port}"),
            key,
            token: account.token,
        })
    }

    /// The same, calling the gateway `host` (name and port).
    #[must_use]
    pub fn calling(self, host: String) -> Self {
        Self { host, ..self }
    }

    /// Sends a request with a fresh proof; once more when the gateway asks for its nonce.
    ///
    /// # Errors
    /// No answer.
    pub fn send(&self, method: &str, target: &str, body: &[u8]) -> Result<Answer> {
        self.send_with(Some(&self.token), (method, target), body)
    }

    /// Sends a request that proves the device's key and shows no token: as a locked browser does.
    ///
    /// # Errors
    /// No answer.
    pub fn send_bare(&self, method: &str, target: &str, body: &[u8]) -> Result<Answer> {
        self.send_with(None, (method, target), body)
    }

    fn send_with(
        &self,
        token: Option<&Secret<String>>,
        line: (&str, &str),
        body: &[u8],
    ) -> Result<Answer> {
        let first = self.try_send(token, line, body, None)?;
        let nonce = first.header("dpop-nonce").map(str::to_owned);
        let asked = first
            .header("www-authenticate")
            .is_some_and(|text| text.contains("use_dpop_nonce"));
        match nonce {
            Some(nonce) if first.status == 401 && asked => {
                self.try_send(token, line, body, Some(&nonce))
            }
            _ => Ok(first),
        }
    }

    /// Fetches and parses JSON.
    ///
    /// # Errors
    /// No answer, or not a good one.
    pub fn get(&self, target: &str) -> Result<Value> {
        let answer = self.send("GET", target, b"")?;
        if answer.status != 200 {
            bail!("{target} answers {}: {}", answer.status, answer.text());
        }
        answer.json()
    }

    fn try_send(
        &self,
        token: Option<&Secret<String>>,
        (method, target): (&str, &str),
        body: &[u8],
        nonce: Option<&str>,
    ) -> Result<Answer> {
        let path = target.split('?').next().unwrap_or_default();
        let request = ProofRequest {
            method,
            url: &format!("http://{}{path}", self.host),
            iat_s: wait::now().0 / 1_000,
            jti: &Fingerprint::new(random::bytes()?).to_string(),
            nonce,
            token: token.map(|token| token.expose().as_str()),
        };
        let proof = self.key.proof(&request)?;
        let authorization = token.map(|token| format!("DPoP {}", token.expose()));
        let mut headers = vec![("dpop", proof.as_str())];
        headers.extend(
            authorization
                .iter()
                .map(|shown| ("authorization", shown.as_str())),
        );
        if !body.is_empty() {
            headers.push(("content-type", "application/json"));
        }
        send_to((self.port, &self.host), method, target, &headers, body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_in_both_forms() {
        let plain = parse(b"HTTP/1.1 404 Not Found\r\nContent-Type: a/b\r\n\r\nbody").unwrap();
        assert_eq!(
            (plain.status, plain.header("content-type")),
            (404, Some("a/b"))
        );
        assert_eq!(plain.body, b"body");
        let chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
        assert_eq!(parse(chunked).unwrap().body, b"abcde");
        assert!(parse(b"nonsense").is_err());
    }
}
