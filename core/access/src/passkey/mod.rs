//! Passkeys (`WebAuthn` Level 3): ceremonies that are begun and ended here, and what of them is kept.
//!
//! Rooms: `client` what browsers hand over · `authenticator` what authenticators sign · `cbor` how they write it ·
//! [`options`] what is asked for.
//!
//! A ceremony is not stored: its token, which is also the challenge that the authenticator signs, is a MAC over
//! its time, 32 random bytes, what it is for, and the origin. So strangers who begin thousands fill nothing.
//! Spent ones are remembered, at most [`MAX_SPENT`] of one member, and only whoever holds a passkey of that
//! member can add to them. User verification is demanded always. Nothing is asked of attestation, and nothing
//! secret is taken: a PRF output that comes along is refused.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use bartizan_domain::host::{is_loopback, split_port};
use bartizan_domain::text::Name;
use bartizan_domain::{Hash, MemberId, Monotonic, Secret, UtcMillis, sabotage};
use bartizan_identity::key::sha256;
use serde_json::Value;
use subtle::ConstantTimeEq;

use crate::mac::{MacKey, TAG_LEN};
use crate::signin::{Entrant, Moment};
use crate::tries::Tries;

mod authenticator;
mod cbor;
mod client;
pub mod options;

pub use authenticator::{MAX_CREDENTIAL_ID, PublicKey};
pub use client::Answer;

use authenticator::{AuthenticatorData, attestation_object};
use client::{Kind, Registration, of_own_page};

/// How long a ceremony may take.
pub const CEREMONY_LIFETIME: Duration = Duration::from_mins(5);

/// Passkeys of one member. The store keeps to it.
pub const MAX_PASSKEYS: usize = 16;

/// Spent ceremonies of one member that are remembered. At the limit that member waits.
pub const MAX_SPENT: usize = 32;

const RANDOM_LEN: usize = 32;

/// Bytes of a ceremony: time, random bytes, tag.
pub const CEREMONY_LEN: usize = 8 + RANDOM_LEN + TAG_LEN;

/// Why a passkey is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasskeyError {
    /// Not a ceremony of this process, for this purpose and origin; too old, or used before.
    #[error("this passkey request is not good (any more): start again")]
    BadCeremony,
    /// Not a document that a browser gives.
    #[error("{0}")]
    Malformed(&'static str),
    /// A secret that must stay with the member came along.
    #[error("keep this to yourself: leave the outputs of `prf` out of what you send")]
    SecretSent,
    /// Made for another site, for another purpose, or inside another site's page.
    #[error("this passkey answers another page than the gateway's")]
    OtherPage,
    /// Nobody was there, or the authenticator did not check who.
    #[error("the authenticator did not verify you: a finger, face or PIN is needed")]
    NotVerified,
    /// No passkey of this site, or removed.
    #[error("this passkey is not known here (any more)")]
    Unknown,
    /// Not that passkey's signature.
    #[error("this is not the passkey's signature")]
    BadSignature,
    /// Its counter did not rise: there may be a copy (`WebAuthn` L3 §6.1.1).
    #[error(
        "the passkey's counter went back: it may have been copied, so remove it and add a new one"
    )]
    CounterWentBack,
    /// A key of a kind that is not asked for.
    #[error("the authenticator's key is of a kind that is not supported")]
    UnsupportedKey,
    /// Too many uses at the same time.
    #[error("this member's passkeys were used too often; try again in five minutes")]
    Busy,
    /// Too many wrong answers.
    #[error("too many wrong passkeys")]
    TooMany {
        /// When to try again.
        retry_after: Duration,
    },
}

/// An address is no name, and passkeys belong to names (`WebAuthn` L3 §5.1.3).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("passkeys need a name, and this is an address")]
pub struct NeedsName {
    /// The same place by a name, where this machine's own address is known to have one.
    pub instead: Option<String>,
}

/// The page that a ceremony belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelyingParty {
    origin: String,
    id: String,
}

impl RelyingParty {
    /// From the origin that a request was admitted under, in the one form that browsers send.
    pub fn of_origin(origin: &str) -> Result<Self, NeedsName> {
        let (scheme, authority) = origin.split_once("://").unwrap_or_default();
        let (host, port) = split_port(authority);
        // A host whose last label is a number is an IPv4 address to browsers (URL Standard, "ends in a number").
        let last = host.rsplit('.').find(|label| !label.is_empty());
        if host.starts_with('[') || last.is_none_or(is_number) {
            let port = port.map_or(String::new(), |port| format!(":{port}"));
            let instead = is_loopback(host).then(|| format!("{scheme}://localhost{port}"));
            return Err(NeedsName { instead });
        }
        Ok(Self {
            origin: origin.to_owned(),
            id: host.to_owned(),
        })
    }

    /// Scheme, host and port.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The host: passkeys are tied to it.
    pub fn id(&self) -> &str {
        &self.id
    }
}

fn is_number(label: &str) -> bool {
    let hex = label
        .strip_prefix("0x")
        .or_else(|| label.strip_prefix("0X"));
    match hex {
        Some(digits) => digits.bytes().all(|byte| byte.is_ascii_hexdigit()),
        None => label.bytes().all(|byte| byte.is_ascii_digit()),
    }
}

/// A passkey as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passkey {
    /// Its id, drawn by the authenticator.
    pub id: Vec<u8>,
    /// Whose.
    pub member: MemberId,
    /// What the member calls it.
    pub name: Name,
    /// The name of the gateway that it is tied to.
    pub rp_id: String,
    /// Its public key.
    pub key: PublicKey,
    /// Its counter as last seen; 0 with authenticators that do not count.
    pub counter: u32,
    /// Whether it may be copied to other authenticators of the member; never changes.
    pub backup_eligible: bool,
    /// When it was added.
    pub added: UtcMillis,
    /// When it was last used.
    pub last_used: Option<UtcMillis>,
    /// Whether a key store copy lies with it, locked with its PRF.
    pub opens: bool,
}

impl Passkey {
    /// Under what it is looked up.
    pub fn lookup(&self) -> Hash {
        lookup(&self.id)
    }

    /// Takes a use over, unless another one came in between and the counter does not rise any more.
    pub fn note(&mut self, used: &Asserted, now: UtcMillis) -> Result<(), PasskeyError> {
        rises(self.counter, used.counter)?;
        self.counter = used.counter;
        self.last_used = Some(now);
        Ok(())
    }
}

/// Under what a credential id is looked up.
pub fn lookup(credential: &[u8]) -> Hash {
    sha256(&[b"bartizan/v1/passkey-id", credential])
}

/// A credential that an authenticator just made for a member.
#[derive(Debug)]
pub struct Registered {
    member: MemberId,
    rp_id: String,
    id: Vec<u8>,
    key: PublicKey,
    counter: u32,
    backup_eligible: bool,
}

impl Registered {
    /// As it is to be stored.
    pub fn named(self, name: Name, now: UtcMillis, opens: bool) -> Passkey {
        Passkey {
            id: self.id,
            member: self.member,
            name,
            rp_id: self.rp_id,
            key: self.key,
            counter: self.counter,
            backup_eligible: self.backup_eligible,
            added: now,
            last_used: None,
            opens,
        }
    }
}

/// A member showed a passkey, and the authenticator verified the person. Only this room makes it.
#[derive(Debug)]
pub struct Asserted {
    member: MemberId,
    credential: Hash,
    counter: u32,
}

impl Asserted {
    /// Who.
    pub const fn member(&self) -> MemberId {
        self.member
    }

    /// With which passkey ([`lookup`]).
    pub const fn credential(&self) -> Hash {
        self.credential
    }

    /// Admits one device of this very member. `since`: from before the passkey was looked up.
    pub const fn entrant(&self, since: Moment) -> Entrant {
        Entrant::member(self.member, since)
    }
}

/// What a ceremony is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Adding a passkey of this member.
    Register(MemberId),
    /// Showing a passkey.
    Assert,
}

/// The door for passkeys.
pub struct Passkeys {
    key: MacKey,
    spent: BTreeMap<(MemberId, [u8; RANDOM_LEN]), Monotonic>,
    tries: Tries,
}

impl Passkeys {
    /// Takes 32 random bytes, new at each start.
    pub fn new(random: &Secret<[u8; 32]>) -> Self {
        Self {
            key: MacKey::new(random),
            spent: BTreeMap::new(),
            tries: Tries::default(),
        }
    }

    /// Begins a ceremony with 32 random bytes.
    pub fn begin(
        &self,
        party: &RelyingParty,
        purpose: Purpose,
        random: [u8; RANDOM_LEN],
        now: Monotonic,
    ) -> Vec<u8> {
        let millis = u64::try_from(now.since_start().as_millis()).unwrap_or(u64::MAX);
        let head = [millis.to_be_bytes().as_slice(), &random].concat();
        let tag = self.tag(&head, party, purpose);
        [head.as_slice(), &tag].concat()
    }

    /// Whether a ceremony for showing a passkey is one of ours and not too old, before anything is looked up for it.
    pub fn began(
        &self,
        party: &RelyingParty,
        ceremony: &[u8],
        now: Monotonic,
    ) -> Result<(), PasskeyError> {
        self.open(ceremony, party, Purpose::Assert, now).map(drop)
    }

    /// Ends a registration: `WebAuthn` L3 §7.1, without attestation.
    pub fn register(
        &mut self,
        (party, member): (&RelyingParty, MemberId),
        (ceremony, credential): (&[u8], &Value),
        now: Monotonic,
    ) -> Result<Registered, PasskeyError> {
        self.forget(now);
        let random = self.open(ceremony, party, Purpose::Register(member), now)?;
        let response = Registration::parse(credential)?;
        of_own_page(&response.client_data, Kind::Create, party, ceremony)?;
        let data = AuthenticatorData::parse(attestation_object(&response.object)?)?;
        verified(&data, party)?;
        let no_key = PasskeyError::Malformed("the authenticator made no key");
        let (id, key) = data.attested.ok_or(no_key)?;
        if id != response.id {
            let other = "the browser names another passkey than the authenticator";
            return Err(PasskeyError::Malformed(other));
        }
        self.spend(member, random, now)?;
        Ok(Registered {
            member,
            rp_id: party.id.clone(),
            id: id.to_vec(),
            key,
            counter: data.counter,
            backup_eligible: data.flags.backup_eligible(),
        })
    }

    /// Ends a sign-in or an unlock: `WebAuthn` L3 §7.2. `stored` is what is kept of the passkey that the answer names.
    pub fn assert(
        &mut self,
        party: &RelyingParty,
        (ceremony, answer): (&[u8], &Answer),
        stored: Option<&Passkey>,
        now: Monotonic,
    ) -> Result<Asserted, PasskeyError> {
        self.forget(now);
        let random = self.open(ceremony, party, Purpose::Assert, now)?;
        match judge(party, (ceremony, answer), stored) {
            Ok(asserted) => {
                self.spend(asserted.member, random, now)?;
                Ok(asserted)
            }
            Err(malformed @ PasskeyError::Malformed(_)) => Err(malformed),
            Err(wrong) => Err(match self.tries.count_wrong(now) {
                Ok(()) => wrong,
                Err(retry_after) => PasskeyError::TooMany { retry_after },
            }),
        }
    }

    fn open(
        &self,
        ceremony: &[u8],
        party: &RelyingParty,
        purpose: Purpose,
        now: Monotonic,
    ) -> Result<[u8; RANDOM_LEN], PasskeyError> {
        const BAD: PasskeyError = PasskeyError::BadCeremony;
        let bytes: &[u8; CEREMONY_LEN] = ceremony.try_into().map_err(|_length| BAD)?;
        let (head, tag) = bytes.split_at(8 + RANDOM_LEN);
        if !bool::from(self.tag(head, party, purpose).as_slice().ct_eq(tag)) {
            return Err(BAD);
        }
        let (millis, random) = head.split_first_chunk::<8>().ok_or(BAD)?;
        let begun = Monotonic::from_start(Duration::from_millis(u64::from_be_bytes(*millis)));
        if now.since(begun) >= CEREMONY_LIFETIME && !sabotage::off("R-4") {
            return Err(BAD);
        }
        random.try_into().map_err(|_length| BAD)
    }

    /// Remembers a ceremony that succeeded, so that it does so once.
    fn spend(
        &mut self,
        member: MemberId,
        random: [u8; RANDOM_LEN],
        now: Monotonic,
    ) -> Result<(), PasskeyError> {
        let theirs = (member, [0; RANDOM_LEN])..=(member, [u8::MAX; RANDOM_LEN]);
        let spent = self.spent.contains_key(&(member, random));
        if spent && !sabotage::off("R-4") {
            return Err(PasskeyError::BadCeremony);
        }
        if self.spent.range(theirs).count() >= MAX_SPENT {
            return Err(PasskeyError::Busy);
        }
        self.spent.insert((member, random), now + CEREMONY_LIFETIME);
        Ok(())
    }

    fn tag(&self, head: &[u8], party: &RelyingParty, purpose: Purpose) -> [u8; TAG_LEN] {
        let (kind, member) = match purpose {
            Purpose::Register(member) => (1, member),
            Purpose::Assert => (2, MemberId::new([0; 16])),
        };
        let origin = sha256(&[party.origin.as_bytes()]);
        let parts = [head, &[kind], member.as_bytes(), origin.as_bytes()];
        self.key
            .tag(b"bartizan/v1/passkey-ceremony", &parts.concat())
    }

    fn forget(&mut self, now: Monotonic) {
        self.spent.retain(|_, expires| now < *expires);
    }
}

impl fmt::Debug for Passkeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Passkeys")
            .field("spent", &self.spent.len())
            .finish_non_exhaustive()
    }
}

/// Whether an answer is the stored passkey's, given for this ceremony on this page.
fn judge(
    party: &RelyingParty,
    (ceremony, answer): (&[u8], &Answer),
    stored: Option<&Passkey>,
) -> Result<Asserted, PasskeyError> {
    let stored = stored.filter(|stored| stored.id == answer.id);
    let stored = stored.ok_or(PasskeyError::Unknown)?;
    of_own_page(&answer.client_data, Kind::Get, party, ceremony)?;
    let data = AuthenticatorData::parse(&answer.authenticator_data)?;
    verified(&data, party)?;
    let own = stored.key.verifies(&answer.signed(), &answer.signature);
    if !own && !sabotage::off("G-15") {
        return Err(PasskeyError::BadSignature);
    }
    // A discoverable passkey names its member; it is the one that it was made for (L3 §7.2, 6).
    let handle = answer.user_handle.as_deref();
    let theirs = handle.is_some_and(|handle| handle == stored.member.as_bytes());
    let tied = stored.rp_id == party.id && data.flags.backup_eligible() == stored.backup_eligible;
    if !theirs || !tied {
        return Err(PasskeyError::Unknown);
    }
    rises(stored.counter, data.counter)?;
    Ok(Asserted {
        member: stored.member,
        credential: stored.lookup(),
        counter: data.counter,
    })
}

/// Made for this RP id, with somebody there whom the authenticator verified (L3 §7.1, 14–16; §7.2, 15–17).
fn verified(data: &AuthenticatorData<'_>, party: &RelyingParty) -> Result<(), PasskeyError> {
    let own = sha256(&[party.id.as_bytes()]);
    if data.rp_id_hash != own.as_bytes() && !sabotage::off("R-4") {
        return Err(PasskeyError::OtherPage);
    }
    let verified = data.flags.present() && data.flags.verified();
    if !verified && !sabotage::off("R-6") {
        return Err(PasskeyError::NotVerified);
    }
    Ok(())
}

/// `WebAuthn` L3 §7.2, 22: authenticators that count, count up.
fn rises(stored: u32, shown: u32) -> Result<(), PasskeyError> {
    let counts = stored != 0 || shown != 0;
    if counts && shown <= stored && !sabotage::off("G-15") {
        return Err(PasskeyError::CounterWentBack);
    }
    Ok(())
}

#[cfg(test)]
pub(crate) mod soft;
#[cfg(test)]
mod tests;
