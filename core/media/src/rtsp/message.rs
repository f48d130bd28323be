//! RTSP requests and answers (RFC 2326 §4–7), read the forgiving way.
//!
//! Header lines that are none are passed over, names are compared without case, bytes that are no UTF-8
//! are replaced. Which requests make sense is known to [`super::session`].

/// Most header fields of a message; more are ignored.
pub const MAX_FIELDS: usize = 64;

/// The header fields of a message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fields(Vec<(String, String)>);

impl Fields {
    fn parse<'a>(lines: impl Iterator<Item = &'a str>) -> Self {
        let mut fields: Vec<(String, String)> = Vec::new();
        for line in lines {
            // RFC 2326 §4.2: a line that starts with space continues the one before.
            if line.starts_with([' ', '\t']) {
                if let Some((_, value)) = fields.last_mut() {
                    value.push(' ');
                    value.push_str(line.trim());
                }
            } else if let Some((name, value)) = line.split_once(':')
                && fields.len() < MAX_FIELDS
            {
                fields.push((name.trim().to_owned(), value.trim().to_owned()));
            }
        }
        Self(fields)
    }

    /// The first value of field `name`, compared without case.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// Every value of field `name`.
    pub fn all<'f>(&'f self, name: &str) -> impl Iterator<Item = &'f str> {
        let named = move |field: &&(String, String)| field.0.eq_ignore_ascii_case(name);
        self.0.iter().filter(named).map(|(_, value)| value.as_str())
    }

    /// `Content-Length`, 0 when it is missing or no number.
    pub fn content_length(&self) -> usize {
        let value = self.get("Content-Length").unwrap_or_default();
        let digits = value.bytes().take_while(u8::is_ascii_digit).count();
        match value.get(..digits).unwrap_or_default() {
            "" => 0,
            digits => digits.parse().unwrap_or(usize::MAX),
        }
    }
}

/// The first line of a message and its fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Head {
    /// The camera asks something.
    Request {
        /// Method in upper case.
        method: String,
        /// Header fields.
        fields: Fields,
    },
    /// The camera answers.
    Response {
        /// Status code.
        status: u16,
        /// Header fields.
        fields: Fields,
    },
}

impl Head {
    /// Reads everything before the empty line; nothing when the first line is neither a status nor a
    /// request line.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(bytes);
        let mut lines = text.split('\n').map(|line| line.trim_end_matches('\r'));
        let first = lines.next()?;
        let mut words = first.split_ascii_whitespace();
        let word = words.next()?;
        if is_version(word) {
            let status = words.next()?.parse().ok()?;
            let fields = Fields::parse(lines);
            return Some(Self::Response { status, fields });
        }
        if !words.last().is_some_and(is_version) {
            return None;
        }
        Some(Self::Request {
            method: word.to_ascii_uppercase(),
            fields: Fields::parse(lines),
        })
    }

    /// Header fields.
    pub const fn fields(&self) -> &Fields {
        match self {
            Self::Request { fields, .. } | Self::Response { fields, .. } => fields,
        }
    }
}

fn is_version(word: &str) -> bool {
    word.get(..5)
        .is_some_and(|start| start.eq_ignore_ascii_case("RTSP/"))
}

/// The bytes of a request. Control characters in values are left out, so that no value becomes a
/// field of its own.
pub fn write_request(method: &str, uri: &str, fields: &[(&str, &str)]) -> Vec<u8> {
    let clean = |text: &str| text.chars().filter(|c| !c.is_control()).collect::<String>();
    let mut out = format!("{method} {} RTSP/1.0\r\n", clean(uri));
    for (name, value) in fields {
        out.push_str(name);
        out.push_str(": ");
        out.push_str(&clean(value));
        out.push_str("\r\n");
    }
    out.push_str("\r\n");
    out.into_bytes()
}

/// The bytes of an empty answer to a request that was numbered `cseq`.
pub fn write_response(status: u16, reason: &str, cseq: Option<&str>) -> Vec<u8> {
    let number = cseq.and_then(|cseq| cseq.parse::<u32>().ok()).unwrap_or(0);
    format!("RTSP/1.0 {status} {reason}\r\nCSeq: {number}\r\n\r\n").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn response(text: &str) -> (u16, Fields) {
        match Head::parse(text.as_bytes()) {
            Some(Head::Response { status, fields }) => (status, fields),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn answers_are_read_however_they_are_spelled() {
        let (status, fields) = response(
            "RTSP/1.0 200\r\ncseq:1\r\nno colon here\r\nWWW-Authenticate: Digest realm=\"x\",\r\n \
             nonce=\"y\"\r\nwww-authenticate: Basic\r\nContent-length: 12 \r\n",
        );
        assert_eq!(status, 200);
        assert_eq!(fields.get("CSeq"), Some("1"));
        assert_eq!(fields.content_length(), 12);
        let challenges: Vec<_> = fields.all("WWW-Authenticate").collect();
        assert_eq!(challenges, ["Digest realm=\"x\", nonce=\"y\"", "Basic"]);
        assert_eq!(response("RTSP/2.0 454 Session\nCSeq: 2").0, 454);
    }

    #[test]
    fn the_camera_may_ask_too() {
        let head = Head::parse(b"options rtsp://x/ RTSP/1.0\r\nCSeq: 3").unwrap();
        let Head::Request { method, fields } = head else {
            panic!()
        };
        assert_eq!(
            (method.as_str(), fields.get("cseq")),
            ("OPTIONS", Some("3"))
        );
    }

    #[test]
    fn other_text_is_no_head() {
        for text in [
            "",
            "HTTP/1.1 200 OK",
            "RTSP/1.0 ok",
            "GET / HTTP/1.1",
            "\r\n",
        ] {
            assert_eq!(Head::parse(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn absurd_lengths_stay_absurd() {
        let (_, fields) =
            response("RTSP/1.0 200 OK\r\nContent-Length: 99999999999999999999999\r\n");
        assert_eq!(fields.content_length(), usize::MAX);
        let (_, fields) = response("RTSP/1.0 200 OK\r\nContent-Length: -5\r\n");
        assert_eq!(fields.content_length(), 0);
    }

    #[test]
    fn values_cannot_smuggle_fields() {
        let bytes = write_request("PLAY", "rtsp://x/\r\nA: b", &[("Session", "1\r\nB: c")]);
        let text = String::from_utf8(bytes).unwrap();
        assert_eq!(
            text,
            "PLAY rtsp://x/A: b RTSP/1.0\r\nSession: 1B: c\r\n\r\n"
        );
        assert_eq!(
            write_response(200, "OK", Some("7\r\nX: y")),
            b"RTSP/1.0 200 OK\r\nCSeq: 0\r\n\r\n"
        );
    }

    proptest! {
        #[test]
        fn random_bytes_never_panic(bytes: Vec<u8>) {
            if let Some(head) = Head::parse(&bytes) {
                let _: usize = head.fields().content_length();
            }
        }

        #[test]
        fn requests_round_trip(value in "[ -~]{0,40}") {
            let bytes = write_request("SETUP", "rtsp://x/", &[("Transport", &value)]);
            let Some(Head::Request { method, fields }) = Head::parse(&bytes) else { panic!() };
            prop_assert_eq!(method, "SETUP");
            prop_assert_eq!(fields.get("transport"), Some(value.trim()));
        }
    }
}
