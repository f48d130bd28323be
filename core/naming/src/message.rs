//! DNS messages as multicast DNS uses them (RFC 1035 §4, RFC 6762 §18): bounded reading, and writing without
//! compression. Additional records are not read: nothing here needs them.

use std::fmt;

/// Bytes of a message (RFC 6762 §17).
pub const MAX_MESSAGE: usize = 9_000;

/// Questions, and records, of one message that are read.
const MAX_QUESTIONS: usize = 64;
const MAX_RECORDS: usize = 256;

/// Bytes of a name, and of one of its labels (RFC 1035 §2.3.4).
const MAX_NAME: usize = 255;
const MAX_LABEL: usize = 63;

/// Pointers that are followed for one name: names of one message share their ends, not long chains.
const MAX_POINTERS: u8 = 16;

/// Bytes before the questions.
const HEADER: usize = 12;

/// Types of records (RFC 1035 §3.2.2, RFC 3596, RFC 2782, RFC 4034).
pub(crate) const A: u16 = 1;
pub(crate) const PTR: u16 = 12;
pub(crate) const TXT: u16 = 16;
pub(crate) const AAAA: u16 = 28;
pub(crate) const SRV: u16 = 33;
pub(crate) const NSEC: u16 = 47;
pub(crate) const ANY: u16 = 255;

const CLASS_IN: u16 = 1;
const CLASS_ANY: u16 = 255;

/// In a question: a unicast answer will do; in a record: it replaces all others (RFC 6762 §18.12, §18.13).
const TOP_BIT: u16 = 0x8000;

/// A message can't be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a message of multicast DNS")]
pub struct BadMessage;

/// A name in wire form, lower case, without compression.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Name(Vec<u8>);

impl Name {
    /// Of labels that are known to be short enough.
    pub(crate) fn of(labels: &[&str]) -> Self {
        let mut wire = Vec::new();
        for label in labels {
            let bytes = label.as_bytes();
            let bytes = bytes.get(..MAX_LABEL).unwrap_or(bytes);
            wire.push(u8::try_from(bytes.len()).unwrap_or_default());
            wire.extend(bytes.iter().map(u8::to_ascii_lowercase));
        }
        wire.push(0);
        Self(wire)
    }

    pub(crate) fn wire(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.0))
    }
}

/// What somebody asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Question {
    pub(crate) name: Name,
    pub(crate) kind: u16,
    /// An answer to the asker alone will do.
    pub(crate) unicast: bool,
}

/// What somebody says, or we do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) name: Name,
    pub(crate) kind: u16,
    /// It replaces all others of its name and type.
    pub(crate) flush: bool,
    pub(crate) ttl: u32,
    /// Names within are without compression.
    pub(crate) data: Vec<u8>,
}

impl Record {
    /// The same statement, whatever its time to live.
    pub(crate) fn says_the_same(&self, other: &Self) -> bool {
        self.kind == other.kind && self.name == other.name && self.data == other.data
    }
}

/// A message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Message {
    pub(crate) id: u16,
    pub(crate) is_response: bool,
    pub(crate) questions: Vec<Question>,
    pub(crate) answers: Vec<Record>,
    pub(crate) authorities: Vec<Record>,
    /// Only written.
    pub(crate) additionals: Vec<Record>,
}

/// A place in a message.
struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn take(&mut self, count: usize) -> Result<&[u8], BadMessage> {
        let end = self.at.checked_add(count).ok_or(BadMessage)?;
        let taken = self.bytes.get(self.at..end).ok_or(BadMessage)?;
        self.at = end;
        Ok(taken)
    }

    fn u16(&mut self) -> Result<u16, BadMessage> {
        let bytes = self.take(2)?.first_chunk().ok_or(BadMessage)?;
        Ok(u16::from_be_bytes(*bytes))
    }

    fn u32(&mut self) -> Result<u32, BadMessage> {
        let bytes = self.take(4)?.first_chunk().ok_or(BadMessage)?;
        Ok(u32::from_be_bytes(*bytes))
    }

    /// A name, following pointers (RFC 1035 §4.1.4), which only ever point further to the front.
    fn name(&mut self) -> Result<Name, BadMessage> {
        let mut wire = Vec::new();
        let (mut at, mut start, mut after) = (self.at, self.at, None);
        let mut pointers = MAX_POINTERS;
        loop {
            let length = *self.bytes.get(at).ok_or(BadMessage)?;
            let next = at.checked_add(1).ok_or(BadMessage)?;
            match length {
                0 => {
                    wire.push(0);
                    self.at = after.unwrap_or(next);
                    return Ok(Name(wire));
                }
                1..=63 => {
                    let end = next.checked_add(length.into()).ok_or(BadMessage)?;
                    let label = self.bytes.get(next..end).ok_or(BadMessage)?;
                    wire.push(length);
                    wire.extend(label.iter().map(u8::to_ascii_lowercase));
                    at = end;
                }
                0xc0.. => {
                    let low = *self.bytes.get(next).ok_or(BadMessage)?;
                    let target = usize::from(u16::from_be_bytes([length & 0x3f, low]));
                    if target >= start {
                        return Err(BadMessage);
                    }
                    pointers = pointers.checked_sub(1).ok_or(BadMessage)?;
                    after = after.or(next.checked_add(1));
                    (at, start) = (target, target);
                }
                _ => return Err(BadMessage),
            }
            if wire.len() >= MAX_NAME {
                return Err(BadMessage);
            }
        }
    }

    fn question(&mut self) -> Result<Option<Question>, BadMessage> {
        let (name, kind, class) = (self.name()?, self.u16()?, self.u16()?);
        let unicast = class & TOP_BIT != 0;
        let known = matches!(class & !TOP_BIT, CLASS_IN | CLASS_ANY);
        let question = Question {
            name,
            kind,
            unicast,
        };
        Ok(known.then_some(question))
    }

    fn record(&mut self) -> Result<Option<Record>, BadMessage> {
        let (name, kind, class, ttl) = (self.name()?, self.u16()?, self.u16()?, self.u32()?);
        let length = usize::from(self.u16()?);
        let end = self.at.checked_add(length).ok_or(BadMessage)?;
        let data = self.data(kind, length)?;
        if self.at != end {
            return Err(BadMessage);
        }
        let record = Record {
            name,
            kind,
            flush: class & TOP_BIT != 0,
            ttl,
            data,
        };
        Ok((class & !TOP_BIT == CLASS_IN).then_some(record))
    }

    /// A record's data; of the types that hold a name, with the name in full.
    fn data(&mut self, kind: u16, length: usize) -> Result<Vec<u8>, BadMessage> {
        match kind {
            PTR => Ok(self.name()?.0),
            SRV => {
                let mut data = self.take(6)?.to_vec();
                data.extend(self.name()?.0);
                Ok(data)
            }
            _ => Ok(self.take(length)?.to_vec()),
        }
    }

    fn records(&mut self, count: u16) -> Result<Vec<Record>, BadMessage> {
        if usize::from(count) > MAX_RECORDS {
            return Err(BadMessage);
        }
        let mut records = Vec::new();
        for _ in 0..count {
            records.extend(self.record()?);
        }
        Ok(records)
    }
}

impl Message {
    /// Reads a message. Questions and records of other classes than the Internet's are left out.
    ///
    /// # Errors
    /// It is cut, contradicts itself, is longer than 9,000 bytes, has more than 64 questions or 256 records, or is
    /// neither a query nor a response (RFC 6762 §18.3, §18.11).
    pub fn read(bytes: &[u8]) -> Result<Self, BadMessage> {
        let mut reader = Reader { bytes, at: 0 };
        let (id, flags) = (reader.u16()?, reader.u16()?);
        let counts = [reader.u16()?, reader.u16()?, reader.u16()?, reader.u16()?];
        let [questions, answers, authorities, _additionals] = counts;
        let (opcode, code) = (flags & 0x7800, flags & 0x000f);
        let fits = bytes.len() <= MAX_MESSAGE && usize::from(questions) <= MAX_QUESTIONS;
        if opcode != 0 || code != 0 || !fits {
            return Err(BadMessage);
        }
        let mut message = Self {
            id,
            is_response: flags & 0x8000 != 0,
            ..Self::default()
        };
        for _ in 0..questions {
            message.questions.extend(reader.question()?);
        }
        message.answers = reader.records(answers)?;
        message.authorities = reader.records(authorities)?;
        Ok(message)
    }

    /// Writes it; responses are authoritative (RFC 6762 §18.4).
    pub(crate) fn write(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(512);
        let flags: u16 = if self.is_response { 0x8400 } else { 0 };
        let count = |length: usize| u16::try_from(length).unwrap_or_default();
        for number in [
            self.id,
            flags,
            count(self.questions.len()),
            count(self.answers.len()),
            count(self.authorities.len()),
            count(self.additionals.len()),
        ] {
            bytes.extend(number.to_be_bytes());
        }
        debug_assert_eq!(bytes.len(), HEADER);
        for question in &self.questions {
            let top = if question.unicast { TOP_BIT } else { 0 };
            bytes.extend(question.name.wire());
            bytes.extend(question.kind.to_be_bytes());
            bytes.extend((CLASS_IN | top).to_be_bytes());
        }
        for record in [&self.answers, &self.authorities, &self.additionals]
            .into_iter()
            .flatten()
        {
            let top = if record.flush { TOP_BIT } else { 0 };
            bytes.extend(record.name.wire());
            bytes.extend(record.kind.to_be_bytes());
            bytes.extend((CLASS_IN | top).to_be_bytes());
            bytes.extend(record.ttl.to_be_bytes());
            bytes.extend(count(record.data.len()).to_be_bytes());
            bytes.extend(&record.data);
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A query for `gate.local` with a compressed second question.
    const QUERY: &[u8] = b"\x12\x34\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\
        \x04GATE\x05local\x00\x00\x01\x80\x01\
        \x01a\xc0\x11\x00\xff\x00\x01";

    #[test]
    fn names_are_lowered_and_pointers_followed() {
        let message = Message::read(QUERY).unwrap();
        assert_eq!(message.id, 0x1234);
        assert!(!message.is_response);
        let [first, second] = &message.questions[..] else {
            panic!("{message:?}")
        };
        assert_eq!(first.name, Name::of(&["gate", "local"]));
        assert_eq!((first.kind, first.unicast), (A, true));
        assert_eq!(second.name, Name::of(&["a", "local"]));
        assert_eq!((second.kind, second.unicast), (ANY, false));
    }

    #[test]
    fn what_is_written_is_read() {
        let record = |kind, data: &[u8]| Record {
            name: Name::of(&["gate", "local"]),
            kind,
            flush: true,
            ttl: 120,
            data: data.to_vec(),
        };
        let target = Name::of(&["b", "local"]);
        let service = [&[0, 0, 0, 0, 0x20, 0xf8], target.wire()].concat();
        let message = Message {
            id: 0,
            is_response: true,
            questions: Vec::new(),
            answers: vec![record(A, &[192, 0, 2, 1]), record(PTR, target.wire())],
            authorities: vec![record(SRV, &service)],
            additionals: Vec::new(),
        };
        assert_eq!(Message::read(&message.write()), Ok(message));
    }

    #[test]
    fn hostile_messages_are_refused() {
        let with_name = |name: &[u8]| {
            let mut bytes = b"\0\0\0\0\0\x01\0\0\0\0\0\0".to_vec();
            bytes.extend(name);
            bytes.extend(b"\0\x01\0\x01");
            Message::read(&bytes)
        };
        assert!(with_name(b"\x01a\0").is_ok());
        let long = [[63; 64]; 4].concat();
        for name in [
            &b"\xc0\x0c"[..],    // to itself
            b"\xc0\x0e\xc0\x0c", // ahead
            b"\x01a\xc0\x0c",    // round and round
            b"\xc0\xff",         // beyond the end
            b"\x40a\0",          // reserved kind of label
            b"\x3fa\0",          // cut label
            &[&long[..], b"\0"].concat(),
        ] {
            assert_eq!(with_name(name), Err(BadMessage), "{name:?}");
        }
        for header in [
            &b""[..],
            b"\0\0\0\0\0\x01\0\0\0\0\0",
            b"\0\0\0\0\0\x41\0\0\0\0\0\0",
            b"\0\0\0\0\0\0\xff\xff\0\0\0\0",
            b"\0\0\x08\0\0\0\0\0\0\0\0\0",
            b"\0\0\0\x03\0\0\0\0\0\0\0\0",
        ] {
            assert_eq!(Message::read(header), Err(BadMessage), "{header:?}");
        }
        let mut lying =
            b"\0\0\x84\0\0\0\0\x01\0\0\0\0\x01a\0\0\x0c\0\x01\0\0\0\0\0\x09\x01b\0".to_vec();
        assert_eq!(Message::read(&lying), Err(BadMessage));
        lying.splice(23..25, [0, 3]);
        assert!(Message::read(&lying).is_ok());
        assert_eq!(Message::read(&[0; MAX_MESSAGE + 1]), Err(BadMessage));
    }

    #[test]
    fn a_name_follows_sixteen_pointers_and_no_chain_of_them() {
        // A chain in a record's data, each pointer to the one before, and a question at its end.
        let with_chain = |links: usize| {
            let mut bytes = b"\0\0\x84\0\0\0\0\x02\0\0\0\0\0\0\x10\0\x01\0\0\0\0".to_vec();
            bytes.extend(u16::try_from(2 + 2 * links).unwrap().to_be_bytes());
            bytes.extend(b"\x00\x00");
            let mut last = bytes.len() - 1;
            for _ in 0..links {
                let next = bytes.len();
                bytes.extend((0xc000 | u16::try_from(last).unwrap()).to_be_bytes());
                last = next;
            }
            bytes.extend((0xc000 | u16::try_from(last).unwrap()).to_be_bytes());
            bytes.extend(b"\0\x01\0\x01\0\0\0\0\0\0");
            Message::read(&bytes)
        };
        assert!(with_chain(15).is_ok());
        assert_eq!(with_chain(16), Err(BadMessage));
    }

    proptest! {
        #[test]
        fn foreign_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let whole = [&QUERY[..12], &bytes].concat();
            if let Ok(message) = Message::read(&whole) {
                prop_assert!(message.questions.len() <= 2);
            }
            drop(Message::read(&bytes));
        }

        #[test]
        fn changed_messages_never_panic(at in 0..QUERY.len(), to in any::<u8>()) {
            let mut bytes = QUERY.to_vec();
            bytes[at] = to;
            drop(Message::read(&bytes));
        }
    }
}
