//! Envelopes: who may open an epoch, signed by the sealer (`docs/sealed-stream.md` §3).
//!
//! [`seal`] makes one from a verified roster and nothing else, so there is no way to wrap to a key that
//! the household did not sign for. [`Envelope::verify`] gives a [`VerifiedEnvelope`], and only that
//! opens. The order of checks matters: signature, recipients, suite, unwrap, commitment, and only then
//! may the secret decrypt anything.

use bartizan_domain::limits::MAX_RECIPIENTS;
use bartizan_domain::wire::{Reader, WireError, Writer};
use bartizan_domain::{CameraId, EpochId, Hash, KeyId, Rendition, Secret, SiteId, UtcMillis};
use bartizan_identity::roster::Recipient;
use bartizan_identity::{ReaderKey, Roster, Signature, SigningKey, Suite};

use crate::record::{Kind, append_single};
use crate::segment::{EpochSecret, Scope};

const VERSION: u8 = 1;
const SIGNING_CONTEXT: &[u8] = b"bartizan/v1/envelope";
const WRAP_CONTEXT: &[u8] = b"bartizan/v1/epoch";
const WRAPPED_LEN: usize = 32 + 16;

/// What an epoch starts with.
#[derive(Debug, Clone, Copy)]
pub struct EpochStart {
    /// Where it belongs.
    pub scope: Scope,
    /// When it starts.
    pub start: UtcMillis,
    /// Hash of the last manifest of main and of sub; zero when there is none.
    pub previous: [Hash; 2],
}

/// One epoch secret, wrapped to one reader key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrap {
    /// Whose key.
    pub key: KeyId,
    /// How.
    pub suite: Suite,
    enc: Vec<u8>,
    sealed: [u8; WRAPPED_LEN],
}

/// An envelope as it came, not believed yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// Where its epoch belongs.
    pub scope: Scope,
    /// Who says to have sealed it.
    pub sealer: KeyId,
    /// When the epoch starts.
    pub start: UtcMillis,
    /// Statements of the roster that the sealer knew.
    pub roster_len: u64,
    /// Hash of the last of them.
    pub roster_head: Hash,
    /// The key commitment.
    pub commitment: Hash,
    /// Hash of the last manifest of main and of sub; zero when there is none.
    pub previous: [Hash; 2],
    /// The wraps, ascending by key id.
    pub wraps: Vec<Wrap>,
    bytes: Vec<u8>,
}

/// Why an envelope is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// Not the canonical form.
    #[error("not an envelope")]
    Malformed(#[from] WireError),
    /// It is another household's.
    #[error("the envelope is for another site")]
    OtherSite,
    /// It was made under a roster that the reader does not have.
    #[error("the envelope was made under another roster")]
    OtherRoster,
    /// Its sealer is not the camera's on the roster.
    #[error("the envelope's sealer does not seal this camera")]
    NotTheSealer,
    /// Its signature does not verify.
    #[error("the envelope's signature does not verify")]
    BadSignature,
    /// It is wrapped to a key that is not entitled, or lacks one that is.
    #[error("the envelope's recipients are not those of the roster")]
    WrongRecipients,
    /// There are more recipients than one envelope takes.
    #[error("an epoch has at most {MAX_RECIPIENTS} recipients")]
    TooManyRecipients,
    /// A reader key of the roster can't be wrapped to.
    #[error("a reader key on the roster is malformed")]
    BadReaderKey,
    /// There is no wrap for the reader's key.
    #[error("the envelope is not for this reader key")]
    NotForMe,
    /// The wrap's suite is not the key's.
    #[error("the envelope offers another suite than the reader key's")]
    Downgraded,
    /// The wrap does not open.
    #[error("the epoch secret does not unwrap")]
    DoesNotOpen,
    /// The unwrapped secret is not the one that the sealer committed to.
    #[error("the epoch secret is not the committed one")]
    NotCommitted,
}

/// Makes an epoch's envelope record and appends it to `out`; gives its hash.
///
/// `secret` is wrapped to every reader key that `roster` entitles to the camera at the start.
pub fn seal(
    sealer: &SigningKey,
    roster: &Roster,
    start: &EpochStart,
    secret: &EpochSecret,
    out: &mut Vec<u8>,
) -> Result<Hash, EnvelopeError> {
    check_sealer(roster, start.scope.camera, sealer.public().id())?;
    let recipients = roster.recipients(start.scope.camera, start.start);
    if recipients.len() > MAX_RECIPIENTS {
        return Err(EnvelopeError::TooManyRecipients);
    }
    let commitment = secret.commitment();
    let mut body = Writer::new();
    body.u8(VERSION);
    write_scope(&mut body, &start.scope);
    body.fixed(sealer.public().id().as_bytes())
        .time(start.start);
    body.u64(roster.len())
        .fixed(roster.head().as_bytes())
        .fixed(commitment.as_bytes());
    for hash in start.previous {
        body.fixed(hash.as_bytes());
    }
    body.u16(u16::try_from(recipients.len()).unwrap_or(u16::MAX));
    for recipient in &recipients {
        write_wrap(&mut body, recipient, &start.scope, roster.head(), secret)?;
    }
    let signature = sealer.sign(SIGNING_CONTEXT, body.as_slice());
    body.fixed(signature.as_bytes());
    Ok(append_single(
        out,
        Kind::Envelope,
        Rendition::Main,
        body.as_slice(),
    ))
}

fn write_wrap(
    body: &mut Writer,
    recipient: &Recipient<'_>,
    scope: &Scope,
    head: Hash,
    secret: &EpochSecret,
) -> Result<(), EnvelopeError> {
    let (key, suite) = (recipient.key.id(), recipient.key.suite());
    let info = wrap_info(scope, head, key, suite);
    let (enc, sealed) = recipient
        .key
        .wrap(&info, secret.commitment().as_bytes(), secret.expose())
        .map_err(|_opaque| EnvelopeError::BadReaderKey)?;
    body.fixed(key.as_bytes())
        .u16(suite.code())
        .vec16(&enc)
        .fixed(&sealed);
    Ok(())
}

impl Envelope {
    /// Reads an envelope record's body.
    pub fn decode(body: &[u8]) -> Result<Self, WireError> {
        let mut input = Reader::new(body);
        input.exactly("envelope version", VERSION)?;
        let scope = Scope {
            site: SiteId::new(input.array("site")?),
            camera: CameraId::new(input.array("camera")?),
            epoch: EpochId::new(input.array("epoch")?),
        };
        let sealer = KeyId::new(input.array("sealer")?);
        let start = input.time("start")?;
        let roster_len = input.u64("roster length")?;
        let roster_head = input.hash("roster head")?;
        let commitment = input.hash("commitment")?;
        let previous = [input.hash("previous main")?, input.hash("previous sub")?];
        let wraps = read_wraps(&mut input)?;
        input.take("signature", Signature::LEN)?;
        input.finish()?;
        let bytes = body.to_vec();
        Ok(Self {
            scope,
            sealer,
            start,
            roster_len,
            roster_head,
            commitment,
            previous,
            wraps,
            bytes,
        })
    }

    /// Checks the envelope against the roster as it was after [`roster_len`](Self::roster_len)
    /// statements.
    pub fn verify(self, roster: &Roster) -> Result<VerifiedEnvelope, EnvelopeError> {
        if self.scope.site != roster.site() {
            return Err(EnvelopeError::OtherSite);
        }
        if self.roster_len != roster.len() || self.roster_head != roster.head() {
            return Err(EnvelopeError::OtherRoster);
        }
        check_sealer(roster, self.scope.camera, self.sealer)?;
        self.check_signature(roster)?;
        let entitled = roster.recipients(self.scope.camera, self.start);
        let any_suite = bartizan_domain::sabotage::off("G-22");
        let same = entitled.len() == self.wraps.len()
            && entitled.iter().zip(&self.wraps).all(|(recipient, wrap)| {
                let same_suite = recipient.key.suite() == wrap.suite || any_suite;
                recipient.key.id() == wrap.key && same_suite
            });
        if !same && !bartizan_domain::sabotage::off("G-10") {
            return Err(EnvelopeError::WrongRecipients);
        }
        Ok(VerifiedEnvelope(self))
    }

    fn check_signature(&self, roster: &Roster) -> Result<(), EnvelopeError> {
        if bartizan_domain::sabotage::off("N-4") {
            return Ok(());
        }
        let key = roster
            .sealer(self.sealer)
            .ok_or(EnvelopeError::NotTheSealer)?;
        let (message, signature) = self
            .bytes
            .split_last_chunk::<{ Signature::LEN }>()
            .ok_or(EnvelopeError::BadSignature)?;
        key.verify(SIGNING_CONTEXT, message, &Signature::new(*signature))
            .map_err(|_opaque| EnvelopeError::BadSignature)
    }
}

/// An envelope whose sealer, signature and recipients were checked.
#[derive(Debug, Clone)]
pub struct VerifiedEnvelope(Envelope);

impl VerifiedEnvelope {
    /// What it says.
    pub const fn envelope(&self) -> &Envelope {
        &self.0
    }

    /// Opens the epoch with a reader key.
    pub fn open(&self, key: &ReaderKey) -> Result<EpochSecret, EnvelopeError> {
        let envelope = &self.0;
        let id = key.public().id();
        let wrap = envelope
            .wraps
            .iter()
            .find(|wrap| wrap.key == id)
            .ok_or(EnvelopeError::NotForMe)?;
        if wrap.suite != key.public().suite() {
            return Err(EnvelopeError::Downgraded);
        }
        let info = wrap_info(&envelope.scope, envelope.roster_head, id, wrap.suite);
        let secret = key
            .unwrap(
                &wrap.enc,
                &info,
                envelope.commitment.as_bytes(),
                &wrap.sealed,
            )
            .map_err(|_opaque| EnvelopeError::DoesNotOpen)?;
        let bytes = secret.expose().as_slice().try_into();
        let secret: [u8; 32] = bytes.map_err(|_opaque| EnvelopeError::DoesNotOpen)?;
        let secret = EpochSecret::new(envelope.scope, Secret::new(secret));
        let committed = secret.commitment() == envelope.commitment;
        if committed || bartizan_domain::sabotage::off("G-22") {
            return Ok(secret);
        }
        Err(EnvelopeError::NotCommitted)
    }
}

fn check_sealer(roster: &Roster, camera: CameraId, sealer: KeyId) -> Result<(), EnvelopeError> {
    match roster.camera(camera) {
        Some(entry) if entry.sealer == sealer => Ok(()),
        _ => Err(EnvelopeError::NotTheSealer),
    }
}

fn write_scope(out: &mut Writer, scope: &Scope) {
    out.fixed(scope.site.as_bytes())
        .fixed(scope.camera.as_bytes())
        .fixed(scope.epoch.as_bytes());
}

fn wrap_info(scope: &Scope, head: Hash, key: KeyId, suite: Suite) -> Vec<u8> {
    let mut info = Writer::new();
    info.fixed(WRAP_CONTEXT);
    write_scope(&mut info, scope);
    info.fixed(head.as_bytes())
        .fixed(key.as_bytes())
        .u16(suite.code());
    info.into_vec()
}

fn read_wraps(input: &mut Reader<'_>) -> Result<Vec<Wrap>, WireError> {
    let count = input.count16("wraps", MAX_RECIPIENTS)?;
    let mut wraps: Vec<Wrap> = Vec::with_capacity(count);
    for _ in 0..count {
        let key = KeyId::new(input.array("wrap key")?);
        if wraps.last().is_some_and(|last| last.key >= key) {
            return Err(WireError::Unknown {
                field: "order of wraps",
                value: wraps.len() as u64,
            });
        }
        let code = input.u16("suite")?;
        let suite = Suite::from_code(code).ok_or(WireError::Unknown {
            field: "suite",
            value: code.into(),
        })?;
        let enc = input.vec16("enc", suite.enc_len())?.to_vec();
        if enc.len() != suite.enc_len() {
            return Err(WireError::Short { field: "enc" });
        }
        wraps.push(Wrap {
            key,
            suite,
            enc,
            sealed: input.array("wrap")?,
        });
    }
    if wraps.is_empty() {
        return Err(WireError::Short { field: "wraps" });
    }
    Ok(wraps)
}

#[cfg(test)]
mod tests;
