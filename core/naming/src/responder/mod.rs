//! One host name on the own network: it is won by asking whether somebody has it (RFC 6762 §8.1), announced
//! (§8.3), answered for (§6) and defended (§9). Who loses it takes the next: `gate`, `gate-2`, `gate-3`, …
//!
//! One of them is the gateway's [own](Own): the first that it won, kept by who calls over restarts. It is asked for
//! before all others, because passkeys and installed apps hang on it. No loss of it is for good, because anybody on the
//! network can say that a name is theirs: who has another one asks for it every ten minutes, and who has none rests and
//! begins anew with it, as on every new address. Who had another one for a day while that was somebody else's goes by
//! that one from then on.
//!
//! Sent are the name, this machine's addresses on the very link, and the port of the service `_bartizan._tcp` with
//! an empty TXT record (RFC 6763 §6.1): nothing of the household, its members or cameras. What peers say is
//! compared and forgotten. Answered is only who is on the link (§11), at most 20 messages a second on each.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use bartizan_domain::{Monotonic, sabotage};

use crate::message::{
    A, AAAA, ANY, MAX_MESSAGE, Message, NSEC, Name, PTR, Question, Record, SRV, TXT,
};
use crate::name::{Label, MAX_NAMES, Own};

/// The port of multicast DNS (RFC 6762 §3).
pub const PORT: u16 = 5_353;

/// The group in IPv4 and IPv6 (RFC 6762 §3).
pub const GROUP_V4: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 251);
/// As above.
pub const GROUP_V6: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0xfb);

/// The service that an app may look for.
const SERVICE: [&str; 3] = ["_bartizan", "_tcp", "local"];

/// Where services are listed (RFC 6763 §9).
const SERVICES: [&str; 4] = ["_services", "_dns-sd", "_udp", "local"];

/// Seconds that others may keep what names a host, and anything else (RFC 6762 §10), and what who asks from another
/// port may (§6.7).
const HOST_TTL: u32 = 120;
const OTHER_TTL: u32 = 4_500;
const LEGACY_TTL: u32 = 10;

/// Probes, their distance, and the longest wait before the first (RFC 6762 §8.1).
const PROBES: u8 = 3;
const PROBE_PAUSE: Duration = Duration::from_millis(250);

/// Announcements and their distance (RFC 6762 §8.3).
const ANNOUNCEMENTS: u8 = 2;
const ANNOUNCE_PAUSE: Duration = Duration::from_secs(1);

/// Pause after another one asked for the same name at the same time and goes first (RFC 6762 §8.2).
const YIELD_PAUSE: Duration = Duration::from_secs(1);

/// A record is sent to all of a link again after this time at the earliest (RFC 6762 §6).
const REPEAT_PAUSE: Duration = Duration::from_secs(1);

/// Messages that are answered on one link within a second.
const MAX_ANSWERS: u32 = 20;

/// With so many conflicts in this time, or without a name left, the search rests (RFC 6762 §8.1).
const MAX_CONFLICTS: usize = 15;
const CONFLICT_SPAN: Duration = Duration::from_secs(10);

/// The first rest. Each is twice as long as the one before, up to the longest; after so long without a conflict
/// the first one comes again.
const FIRST_REST: Duration = Duration::from_secs(5);
const LONGEST_REST: Duration = Duration::from_mins(10);

/// How often who has another name than its own asks for that.
const RETURN_PAUSE: Duration = Duration::from_mins(10);

/// After so long another name is the own one: people have got used to it.
const ADOPTION: Duration = Duration::from_hours(24);

/// Links and their addresses that are used.
const MAX_LINKS: usize = 16;
const MAX_ADDRESSES: usize = 8;

/// One network that this machine is on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The system's number for it.
    pub index: u32,
    /// This machine's addresses there, with the length of the network's prefix in bits.
    pub addresses: Vec<(IpAddr, u8)>,
}

/// To whom a packet goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// All of the link, in both families.
    All,
    /// One asker.
    One(SocketAddr),
}

/// Something to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    /// On which link.
    pub link: u32,
    /// To whom.
    pub to: Target,
    /// The message.
    pub bytes: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// So many probes are sent.
    Probing(u8),
    /// So many announcements are sent.
    Announcing(u8),
    Settled,
    /// All names are somebody else's for now: asked for anew when the rest is over.
    Resting,
}

/// A name that was won.
struct Won {
    number: u32,
    name: String,
    /// Since when without a rest.
    since: Monotonic,
}

/// The responder.
pub struct Responder {
    label: Label,
    /// Which of the names: 1 is the label itself.
    number: u32,
    /// Which of them is asked for first.
    own: Option<u32>,
    port: u16,
    links: Vec<Link>,
    phase: Phase,
    due: Option<Monotonic>,
    /// The name that was won last.
    won: Option<Won>,
    /// When others said last that our names are theirs: the newest of them.
    conflicts: VecDeque<Monotonic>,
    /// How long the next rest is, and since when there was neither a conflict nor a rest.
    rest: Duration,
    calm: Monotonic,
    /// When each record was sent to all of a link: of our own few records only.
    sent: BTreeMap<(u32, Vec<u8>, u16), Monotonic>,
    /// The second that answers are counted in, and how many there were, for each link.
    answered: BTreeMap<u32, (Monotonic, u32)>,
}

impl fmt::Debug for Responder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Responder({:?}, {:?})", self.host_label(), self.phase)
    }
}

impl Responder {
    /// Begins to win `label`, after a wait between 0 and 250 ms that `random` chooses: first the name that the gateway
    /// had before as its own, if that was of the same label.
    pub fn new(label: Label, own: Option<&Own>, port: u16, random: u8, now: Monotonic) -> Self {
        let own = own.filter(|own| own.is_of(&label)).map(Own::number);
        Self {
            label,
            number: own.unwrap_or(1),
            own,
            port,
            links: Vec::new(),
            phase: Phase::Probing(0),
            due: Some(now + Duration::from_millis(random.into()).min(PROBE_PAUSE)),
            won: None,
            conflicts: VecDeque::new(),
            rest: FIRST_REST,
            calm: now,
            sent: BTreeMap::new(),
            answered: BTreeMap::new(),
        }
    }

    /// The host name that was won, as `gate.local`; `None` before, and while all names are somebody else's.
    pub fn name(&self) -> Option<&str> {
        self.won.as_ref().map(|won| won.name.as_str())
    }

    /// The name that is asked for first, also after a restart; `None` until one was won.
    pub fn own(&self) -> Option<Own> {
        let number = self.own?;
        Some(Own::new(self.label.clone(), number))
    }

    /// Whether every name that may be tried is somebody else's for now; they are asked for again when
    /// [`due`](Self::due).
    pub fn has_given_up(&self) -> bool {
        self.phase == Phase::Resting
    }

    /// When [`poll`](Self::poll) has something to do.
    pub const fn due(&self) -> Option<Monotonic> {
        self.due
    }

    /// The links that the machine is on now. On new ones everything begins anew, with the own name.
    pub fn set_links(&mut self, mut links: Vec<Link>, now: Monotonic) {
        links.truncate(MAX_LINKS);
        for link in &mut links {
            link.addresses.truncate(MAX_ADDRESSES);
        }
        if links == self.links {
            return;
        }
        self.links = links;
        self.sent.clear();
        self.answered.clear();
        self.number = self.first();
        self.begin(now);
    }

    /// What has to be sent by now.
    pub fn poll(&mut self, now: Monotonic) -> Vec<Packet> {
        if self.due.is_none_or(|due| due > now) || self.links.is_empty() {
            return Vec::new();
        }
        match self.phase {
            Phase::Probing(sent) if sent < PROBES => {
                self.phase = Phase::Probing(sent.saturating_add(1));
                self.due = Some(now + PROBE_PAUSE);
                self.to_all(|link| self.probe(link))
            }
            Phase::Probing(_) => {
                let mut packets = self.win(now);
                packets.extend(self.poll(now));
                packets
            }
            Phase::Announcing(sent) if sent < ANNOUNCEMENTS => {
                self.phase = Phase::Announcing(sent.saturating_add(1));
                self.due = Some(now + ANNOUNCE_PAUSE);
                self.to_all(|link| response(self.records(link)))
            }
            Phase::Announcing(_) => {
                self.phase = Phase::Settled;
                self.due = (self.number != self.first()).then(|| now + RETURN_PAUSE);
                Vec::new()
            }
            Phase::Settled if self.is_used_to(now) => {
                self.own = Some(self.number);
                self.due = None;
                Vec::new()
            }
            Phase::Settled | Phase::Resting => {
                self.number = self.first();
                (self.phase, self.due) = (Phase::Probing(0), Some(now));
                self.poll(now)
            }
        }
    }

    /// Takes a packet that came in on a link, and says what to answer.
    pub fn receive(
        &mut self,
        link: u32,
        from: SocketAddr,
        bytes: &[u8],
        now: Monotonic,
    ) -> Option<Packet> {
        let link = self.links.iter().find(|known| known.index == link)?.clone();
        if !is_on(&link, from.ip()) {
            return None;
        }
        let message = Message::read(bytes).ok()?;
        if message.is_response {
            // Of another port is what nobody of the network said (RFC 6762 §6).
            if from.port() == PORT && self.is_contested(&message.answers) {
                self.contested(now);
            }
            return None;
        }
        if matches!(self.phase, Phase::Probing(_)) && self.is_behind(&message) {
            self.phase = Phase::Probing(0);
            self.due = Some(now + YIELD_PAUSE);
        }
        self.answer(&link, from, &message, now)
    }

    /// What takes everything back (RFC 6762 §10.1).
    pub fn goodbye(&self) -> Vec<Packet> {
        if !matches!(self.phase, Phase::Announcing(_) | Phase::Settled) {
            return Vec::new();
        }
        self.taken_back()
    }

    /// Has the name that was asked for; what has to be said about the one before.
    fn win(&mut self, now: Monotonic) -> Vec<Packet> {
        let (number, name) = (self.number, format!("{}.local", self.host_label()));
        self.phase = Phase::Announcing(0);
        self.own.get_or_insert(number);
        let before = self.won.take();
        let same = before.as_ref().filter(|before| before.number == number);
        let since = same.map_or(now, |same| same.since);
        self.won = Some(Won {
            number,
            name,
            since,
        });
        before.map_or_else(Vec::new, |before| self.leave(before.number))
    }

    /// Whether the name that the gateway has was its for so long that it stays.
    fn is_used_to(&self, now: Monotonic) -> bool {
        let since = self.won.as_ref().map(|won| won.since);
        since.is_some_and(|since| now.since(since) >= ADOPTION)
    }

    /// Takes back what was said under another number, which others forget then instead of asking for it.
    fn leave(&mut self, number: u32) -> Vec<Packet> {
        if number == self.number {
            return Vec::new();
        }
        let kept = std::mem::replace(&mut self.number, number);
        let packets = self.taken_back();
        self.number = kept;
        packets
    }

    fn taken_back(&self) -> Vec<Packet> {
        self.to_all(|link| {
            let mut records = self.records(link);
            // The list of services is others' too.
            records.retain(|record| record.name != Name::of(&SERVICES));
            for record in &mut records {
                // Without the flush: what somebody else says under the same name stays.
                (record.ttl, record.flush) = (0, false);
            }
            response(records)
        })
    }

    fn begin(&mut self, now: Monotonic) {
        self.phase = Phase::Probing(0);
        self.due = Some(now + PROBE_PAUSE);
    }

    /// Somebody else says something else about our name.
    fn contested(&mut self, now: Monotonic) {
        if self.phase == Phase::Resting {
            return;
        }
        let crowded = self.note_conflict(now);
        // Perhaps a slip: a name that was won is asked for once more, and only then given up (RFC 6762 §9).
        let next = match self.phase {
            Phase::Probing(_) => self.next(),
            _ => Some(self.number),
        };
        match next.filter(|_| !crowded) {
            Some(number) => {
                self.number = number;
                self.begin(now);
            }
            None => self.rest(now),
        }
    }

    /// The number that is asked for first.
    fn first(&self) -> u32 {
        self.own.unwrap_or(1)
    }

    /// The number that is asked for after this one: the own, the one that the gateway has, and the others.
    fn next(&self) -> Option<u32> {
        let had = self.won.as_ref().map(|won| won.number);
        let mut order = Vec::new();
        for number in self.own.into_iter().chain(had).chain(1..=MAX_NAMES) {
            if !order.contains(&number) {
                order.push(number);
            }
        }
        let mut order = order.into_iter();
        order.find(|number| *number == self.number)?;
        order.next()
    }

    /// Whether there are too many conflicts now.
    fn note_conflict(&mut self, now: Monotonic) -> bool {
        if now.since(self.calm) >= LONGEST_REST {
            self.rest = FIRST_REST;
        }
        self.calm = now;
        self.conflicts.push_back(now);
        if self.conflicts.len() < MAX_CONFLICTS {
            return false;
        }
        let first = self.conflicts.pop_front();
        first.is_some_and(|first| now.since(first) < CONFLICT_SPAN)
    }

    /// Has no name for a while, and then begins anew with the own one.
    fn rest(&mut self, now: Monotonic) {
        let end = now + self.rest;
        self.rest = self.rest.saturating_mul(2).min(LONGEST_REST);
        self.calm = end;
        self.conflicts.clear();
        self.number = self.first();
        self.won = None;
        (self.phase, self.due) = (Phase::Resting, Some(end));
    }

    fn host_label(&self) -> String {
        self.label.numbered(self.number)
    }

    fn host(&self) -> Name {
        Name::of(&[&self.host_label(), "local"])
    }

    fn instance(&self) -> Name {
        let [service, transport, domain] = SERVICE;
        Name::of(&[&self.host_label(), service, transport, domain])
    }

    fn addresses(&self, link: &Link) -> Vec<Record> {
        let host = self.host();
        let addresses = link
            .addresses
            .iter()
            .filter(|(ip, _)| is_worth_telling(*ip));
        let records = addresses.map(|(ip, _)| match ip {
            IpAddr::V4(ip) => unique(&host, A, ip.octets().to_vec()),
            IpAddr::V6(ip) => unique(&host, AAAA, ip.octets().to_vec()),
        });
        records.collect()
    }

    /// Everything that we say on a link.
    fn records(&self, link: &Link) -> Vec<Record> {
        let mut records = self.addresses(link);
        let (service, instance) = (Name::of(&SERVICE), self.instance());
        let mut target = [0_u16, 0, self.port].map(u16::to_be_bytes).concat();
        target.extend(self.host().wire());
        records.push(unique(&instance, SRV, target));
        let text = if sabotage::off("M-8") {
            b"\x08cameras=".to_vec()
        } else {
            vec![0]
        };
        records.push(Record {
            ttl: OTHER_TTL,
            ..unique(&instance, TXT, text)
        });
        records.push(shared(&service, &instance));
        records.push(shared(&Name::of(&SERVICES), &service));
        records
    }

    fn to_all(&self, message: impl Fn(&Link) -> Message) -> Vec<Packet> {
        let packet = |link: &Link| Packet {
            link: link.index,
            to: Target::All,
            bytes: message(link).write(),
        };
        self.links.iter().map(packet).collect()
    }

    /// Who has these names? We are about to say this (RFC 6762 §8.1).
    fn probe(&self, link: &Link) -> Message {
        let question = |name| Question {
            name,
            kind: ANY,
            unicast: true,
        };
        let mut authorities = self.records(link);
        authorities.retain(|record| record.flush && record.kind != TXT);
        Message {
            questions: vec![question(self.host()), question(self.instance())],
            authorities,
            ..Message::default()
        }
    }

    /// Whether a record is about one of our names, and what it says is none of our own words on any link.
    fn is_foreign(&self, record: &Record) -> bool {
        let ours = (record.name == self.host() && matches!(record.kind, A | AAAA))
            || (record.name == self.instance() && record.kind == SRV);
        let mut own = self.links.iter().flat_map(|link| self.records(link));
        ours && !own.any(|own| own.says_the_same(record))
    }

    fn is_contested(&self, answers: &[Record]) -> bool {
        let mut told = answers.iter().filter(|record| record.ttl > 0);
        told.any(|record| self.is_foreign(record))
    }

    /// Whether another one is about to say something about our names that goes before what we are about to say: of
    /// two lists the one that is later in order wins (RFC 6762 §8.2).
    fn is_behind(&self, probe: &Message) -> bool {
        if !probe
            .authorities
            .iter()
            .any(|record| self.is_foreign(record))
        {
            return false;
        }
        [self.host(), self.instance()].iter().any(|name| {
            let listed = |records: &[Record]| {
                let of_name = records
                    .iter()
                    .filter(|record| record.name == *name && record.kind != TXT);
                let mut list: Vec<_> = of_name
                    .map(|record| (record.kind, record.data.clone()))
                    .collect();
                list.sort();
                list
            };
            let theirs = listed(&probe.authorities);
            let own = self
                .links
                .iter()
                .map(|link| listed(&self.records(link)))
                .max();
            !theirs.is_empty() && own.is_some_and(|own| theirs > own)
        })
    }

    fn answer(
        &mut self,
        link: &Link,
        from: SocketAddr,
        query: &Message,
        now: Monotonic,
    ) -> Option<Packet> {
        if !matches!(self.phase, Phase::Announcing(_) | Phase::Settled) {
            return None;
        }
        let asked: Vec<_> = query
            .questions
            .iter()
            .filter(|asked| self.is_ours(&asked.name))
            .collect();
        let mut answers: Vec<Record> = Vec::new();
        for question in &asked {
            for record in self.to_question(link, question) {
                if !answers.contains(&record) && !is_known(query, &record) {
                    answers.push(record);
                }
            }
        }
        let legacy = from.port() != PORT;
        let private = legacy || asked.iter().all(|asked| asked.unicast);
        if !private && query.authorities.is_empty() {
            answers.retain(|record| self.may_repeat(link.index, record, now));
        }
        if answers.is_empty() || !self.may_answer(link.index, now) {
            return None;
        }
        let mut message = response(answers);
        message.additionals = self.along(link, &message.answers);
        if legacy {
            message.id = query.id;
            message.questions = asked.into_iter().cloned().map(plain).collect();
            for record in message.answers.iter_mut().chain(&mut message.additionals) {
                record.flush = false;
                record.ttl = record.ttl.min(LEGACY_TTL);
            }
        }
        let bytes = message.write();
        let to = if private {
            Target::One(from)
        } else {
            Target::All
        };
        (bytes.len() <= MAX_MESSAGE).then_some(Packet {
            link: link.index,
            to,
            bytes,
        })
    }

    fn is_ours(&self, name: &Name) -> bool {
        [
            self.host(),
            self.instance(),
            Name::of(&SERVICE),
            Name::of(&SERVICES),
        ]
        .contains(name)
    }

    fn to_question(&self, link: &Link, question: &Question) -> Vec<Record> {
        let mut records = self.records(link);
        records.retain(|record| {
            record.name == question.name && (question.kind == ANY || question.kind == record.kind)
        });
        let host = self.host();
        if records.is_empty() && question.name == host && matches!(question.kind, A | AAAA) {
            records.push(self.nothing_else(link, &host));
        }
        records
    }

    /// That the host has no other addresses, so that nobody waits for them (RFC 6762 §6.1).
    fn nothing_else(&self, link: &Link, host: &Name) -> Record {
        let has = |kind| {
            self.addresses(link)
                .iter()
                .any(|record| record.kind == kind)
        };
        // RFC 4034 §4.1.2: window 0, bits counted from the top: A is bit 1, AAAA bit 28.
        let bitmap = [
            if has(A) { 0x40 } else { 0 },
            0,
            0,
            if has(AAAA) { 0x08 } else { 0 },
        ];
        unique(host, NSEC, [host.wire(), &[0, 4], &bitmap].concat())
    }

    /// What who asked this asks next (RFC 6763 §12).
    fn along(&self, link: &Link, answers: &[Record]) -> Vec<Record> {
        let instance = self.instance();
        let listed = answers
            .iter()
            .any(|record| record.kind == PTR && record.data == instance.wire());
        let mut records = self.records(link);
        records.retain(|record| {
            let wanted = matches!(record.kind, A | AAAA) || (listed && record.name == instance);
            wanted && !answers.contains(record)
        });
        records
    }

    fn may_repeat(&mut self, link: u32, record: &Record, now: Monotonic) -> bool {
        let key = (link, record.name.wire().to_vec(), record.kind);
        let last = self.sent.get(&key).copied();
        // Several records of a name and type go out together, at the same time.
        if last.is_some_and(|last| last != now && now.since(last) < REPEAT_PAUSE) {
            return false;
        }
        self.sent.insert(key, now);
        true
    }

    fn may_answer(&mut self, link: u32, now: Monotonic) -> bool {
        let (since, count) = self.answered.entry(link).or_insert((now, 0));
        if now.since(*since) >= Duration::from_secs(1) {
            (*since, *count) = (now, 0);
        }
        *count = count.saturating_add(1);
        *count <= MAX_ANSWERS
    }
}

fn response(answers: Vec<Record>) -> Message {
    Message {
        is_response: true,
        answers,
        ..Message::default()
    }
}

fn unique(name: &Name, kind: u16, data: Vec<u8>) -> Record {
    Record {
        name: name.clone(),
        kind,
        flush: true,
        ttl: HOST_TTL,
        data,
    }
}

fn shared(name: &Name, target: &Name) -> Record {
    Record {
        name: name.clone(),
        kind: PTR,
        flush: false,
        ttl: OTHER_TTL,
        data: target.wire().to_vec(),
    }
}

/// A question as it is repeated to who asked from another port.
const fn plain(mut question: Question) -> Question {
    question.unicast = false;
    question
}

/// Whether the asker has the answer already, for at least half of its time (RFC 6762 §7.1).
fn is_known(query: &Message, record: &Record) -> bool {
    let half = record.ttl / 2;
    query
        .answers
        .iter()
        .any(|known| known.says_the_same(record) && known.ttl >= half)
}

/// Addresses that others can use without knowing the link's number on their side.
const fn is_worth_telling(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(_) => true,
        IpAddr::V6(ip) => !ip.is_unicast_link_local(),
    }
}

/// Whether a sender is on the link itself (RFC 6762 §11).
fn is_on(link: &Link, from: IpAddr) -> bool {
    let from = from.to_canonical();
    link.addresses
        .iter()
        .any(|(own, prefix)| match (own, from) {
            (IpAddr::V4(own), IpAddr::V4(from)) => {
                let host = 32_u32.saturating_sub(u32::from(*prefix));
                (own.to_bits() ^ from.to_bits())
                    .checked_shr(host)
                    .unwrap_or(0)
                    == 0
            }
            (IpAddr::V6(own), IpAddr::V6(from)) => {
                let host = 128_u32.saturating_sub(u32::from(*prefix));
                let same = (own.to_bits() ^ from.to_bits())
                    .checked_shr(host)
                    .unwrap_or(0)
                    == 0;
                same || from.is_unicast_link_local()
            }
            _ => false,
        })
}

#[cfg(test)]
mod tests;
