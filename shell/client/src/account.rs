//! Becoming a member's device: claiming a new gateway, or signing in with the recovery words.
//!
//! Nothing that the gateway says is believed without a check that it can't pass on its own: at a claim, the
//! link's two fingerprints and the sealer's signature over the very roster that was made here; at a sign-in,
//! the key store that only the words open, and the genesis that its identity signed.

use std::path::Path;

use bartizan_access::DeviceKey;
use bartizan_base::files::{self, FileError};
use bartizan_base::random;
use bartizan_base::{Clock, SystemClock};
use bartizan_domain::text::Name;
use bartizan_domain::{DeviceId, Hash, MemberId, Secret};
use bartizan_identity::keystore::Keystore;
use bartizan_identity::recovery::RecoveryKey;
use bartizan_identity::roster::{Genesis, History};
use bartizan_identity::{
    Operation, ReaderKey, Role, RosterError, Signature, Statement, Suite, VerifyingKey,
};
use bartizan_protocol::api;
use bartizan_protocol::blob::Blob;
use bartizan_protocol::claim::ClaimLink;
use bytes::Bytes;
use http::Method;
use zeroize::Zeroizing;

use crate::error::ClientError;
pub use crate::joining::NewDevice;
use crate::joining::{Welcome, absent, admit, keep, replayed};
use crate::routes;
use crate::session::Session;
use crate::transport::{ApiError, Call, Origin, Proof, Transport, TransportError};

/// Largest recovery file in bytes.
pub const MAX_RECOVERY_FILE: u64 = 4_096;

/// Longest challenge in bytes that is signed.
const MAX_CHALLENGE: usize = 256;

/// Words on a line of a recovery file.
const WORDS_PER_LINE: usize = 6;

/// How often a sign-in starts again because the roster has grown meanwhile.
const MAX_SIGN_INS: u32 = 3;

/// A gateway that was claimed.
#[derive(Debug)]
pub struct Claimed {
    /// The owner's first device.
    pub session: Session,
    /// Cameras that were named when the gateway was started, for the owner to add.
    pub suggested: Vec<api::SourceSettings>,
}

/// Claims the gateway of `link` for an owner called `name`.
///
/// The recovery words are written to `recovery_file` (0600, never over an existing file) before the claim is
/// sent: there is no moment at which the household exists without them. When the claim fails the
/// file is taken away again, unless it can't be known whether the gateway took the claim.
pub async fn claim(
    link: &ClaimLink,
    name: &Name,
    recovery_file: &Path,
    device: NewDevice,
) -> Result<Claimed, ClientError> {
    let transport = device.transport(link.origin.parse()?, link.pin)?;
    let offer = offer(&transport, link).await?;
    let made = Made::new(&offer)?;
    write_recovery(recovery_file, &made.recovery, &offer)?;
    let sent = send_claim(&transport, link, name, &device, &made).await;
    let mut session = match sent {
        Ok(session) => session,
        Err(error) if was_not_taken(&error) => {
            // These words belong to nothing.
            drop(std::fs::remove_file(recovery_file));
            return Err(error);
        }
        Err(error) => {
            let (recovery, source) = (recovery_file.to_owned(), Box::new(error));
            return Err(ClientError::MaybeClaimed { recovery, source });
        }
    };
    check_claimed(&session, &offer, &made)?;
    let suggested = std::mem::take(&mut session.suggested);
    let history = History::begin(made.genesis).map_err(ClientError::Roster)?;
    let answered = (session, made.device);
    let session = keep(&transport, device.profile, answered, made.keystore, history)?;
    Ok(Claimed { session, suggested })
}

/// Who is to be claimed, when it is whom the link names.
struct Offer {
    site: bartizan_domain::SiteId,
    gateway: VerifyingKey,
    sealer: VerifyingKey,
}

async fn offer(transport: &Transport, link: &ClaimLink) -> Result<Offer, ClientError> {
    let ask = api::ClaimOfferRequest {
        token: Blob::from(link.token.expose().as_slice()),
    };
    let call = Call::send(Method::POST, routes::CLAIM_OFFER, &ask)?.proof(Proof::None);
    let offer = transport.json::<api::ClaimOffer>(call).await;
    let offer = offer.map_err(|error| absent(error, ClientError::NotClaimable))?;
    let gateway = public_key(&offer.gateway, "its identity")?;
    let sealer = public_key(&offer.sealer, "its sealer's key")?;
    let checked = bartizan_domain::sabotage::off("L-6");
    if gateway.fingerprint() != link.gateway && !checked {
        return Err(ClientError::OtherGateway {
            what: "its identity",
        });
    }
    if sealer.fingerprint() != link.sealer && !checked {
        return Err(ClientError::OtherGateway {
            what: "its sealer's key",
        });
    }
    Ok(Offer {
        site: offer.site,
        gateway,
        sealer,
    })
}

fn public_key(bytes: &Blob, what: &'static str) -> Result<VerifyingKey, ClientError> {
    let bytes = bytes.as_ref().try_into();
    let bytes: [u8; 32] = bytes.map_err(|_length| ClientError::OtherGateway { what })?;
    Ok(VerifyingKey::new(bytes))
}

/// The keys of a new household.
struct Made {
    recovery: RecoveryKey,
    keystore: Keystore,
    device: (DeviceId, DeviceKey),
    member: MemberId,
    genesis: Statement,
}

impl Made {
    fn new(offer: &Offer) -> Result<Self, ClientError> {
        let recovery = RecoveryKey::from_entropy(Secret::new(random::bytes()?));
        let member = MemberId::new(random::bytes()?);
        let reader = ReaderKey::from_seed(Suite::XWing, Secret::new(random::bytes()?));
        let seed = Secret::new(random::bytes()?);
        let keystore = Keystore::new(offer.site, member, seed, reader);
        let device = (DeviceId::new(random::bytes()?), DeviceKey::generate()?);
        let reader = keystore.readers().first().map(ReaderKey::public).cloned();
        let genesis = Genesis {
            owner: member,
            identity: keystore.identity().public(),
            reader: reader.expect("the store was made with one reader key"),
            device: (device.0, device.1.thumbprint()),
            recovery_identity: recovery.identity().public(),
            recovery_reader: recovery.reader().public().clone(),
            gateway: offer.gateway,
            sealer: offer.sealer,
        };
        let genesis = Statement::sign(
            &keystore.identity(),
            offer.site,
            (0, Hash::ZERO),
            SystemClock.utc(),
            Operation::Genesis(Box::new(genesis)),
        );
        Ok(Self {
            recovery,
            keystore,
            device,
            member,
            genesis,
        })
    }
}

async fn send_claim(
    transport: &Transport,
    link: &ClaimLink,
    name: &Name,
    device: &NewDevice,
    made: &Made,
) -> Result<api::Session, ClientError> {
    let locked = made.keystore.lock(&made.recovery.lock(), random::bytes()?);
    let claim = api::ClaimRequest {
        token: Blob::from(link.token.expose().as_slice()),
        genesis: made.genesis.as_bytes().into(),
        recovery_keystore: Blob(locked),
        name: name.clone(),
        device_name: device.name.clone(),
    };
    let call = Call::send(Method::POST, routes::CLAIM, &claim)?;
    Ok(transport
        .json(call.proof(Proof::Key(&made.device.1)))
        .await?)
}

/// Whether the gateway surely did not take what was sent.
fn was_not_taken(error: &ClientError) -> bool {
    match error {
        ClientError::Transport(TransportError::Api(error)) => error.status < 500,
        ClientError::Transport(TransportError::Dial(_)) => true,
        _ => false,
    }
}

/// The answer is for us, and the sealer has pinned the roster that we made.
fn check_claimed(session: &api::Session, offer: &Offer, made: &Made) -> Result<(), ClientError> {
    let mine = session.site == offer.site
        && session.member == made.member
        && session.device == made.device.0;
    if !mine {
        return Err(ClientError::NotMe);
    }
    let genesis = made.genesis.hash();
    let pinned = [genesis.as_bytes().as_slice(), genesis.as_bytes()].concat();
    let signature = session.pinned.as_ref().map(AsRef::as_ref);
    let signature: [u8; Signature::LEN] = signature
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or(ClientError::NotPinned)?;
    let signature = Signature::new(signature);
    let verified = offer
        .sealer
        .verify(api::PINNED_CONTEXT, &pinned, &signature);
    if verified.is_err() && !bartizan_domain::sabotage::off("L-6") {
        return Err(ClientError::NotPinned);
    }
    Ok(())
}

/// Signs in at `origin` with the recovery words, as a new device of the owner.
pub async fn sign_in(
    origin: Origin,
    words: &RecoveryKey,
    device: NewDevice,
) -> Result<Session, ClientError> {
    let transport = device.transport(origin, None)?;
    for _ in 0..MAX_SIGN_INS {
        let answer = recover(&transport, words).await?;
        let (history, keystore) = check_recovered(&answer, words)?;
        let welcome = Welcome {
            history,
            keystore,
            grant: answer.grant,
            device_names: answer.device_names,
        };
        match admit(&transport, &device, welcome).await {
            Err(error) if error.api().is_some_and(ApiError::is_conflict) => {}
            admitted => return admitted,
        }
    }
    Err(ClientError::Busy)
}

async fn recover(
    transport: &Transport,
    words: &RecoveryKey,
) -> Result<api::RecoveryAnswer, ClientError> {
    let call = Call {
        method: Method::POST,
        body: Bytes::new(),
        ..Call::get(routes::CHALLENGE)
    };
    let challenge = transport
        .json::<api::Challenge>(call.proof(Proof::None))
        .await;
    let challenge = challenge.map_err(|error| absent(error, ClientError::NotClaimed))?;
    let challenge = challenge.challenge;
    if challenge.as_ref().is_empty() || challenge.as_ref().len() > MAX_CHALLENGE {
        return Err(ClientError::NotMe);
    }
    let identity = words.identity();
    let signature = identity.sign(api::SIGN_IN_CONTEXT, challenge.as_ref());
    let request = api::RecoveryRequest {
        challenge,
        signature: signature.as_bytes().as_slice().into(),
    };
    let call = Call::send(Method::POST, routes::RECOVERY, &request)?;
    Ok(transport.json(call.proof(Proof::None)).await?)
}

/// The roster and keys that these words are for.
///
/// A gateway can make up a roster that names the words' public half, which every roster shows. It can't
/// make up the key store, and so neither a genesis that the store's identity signed.
fn check_recovered(
    answer: &api::RecoveryAnswer,
    words: &RecoveryKey,
) -> Result<(History, Keystore), ClientError> {
    let history = replayed(&answer.statements)?;
    let roster = history.current();
    if roster.recovery().0 != words.identity().public() {
        return Err(ClientError::OtherWords);
    }
    let keystore = Keystore::unlock(answer.recovery_keystore.as_ref(), &words.lock())
        .map_err(ClientError::Keystore)?;
    let identity = keystore.identity().public();
    let owner = roster
        .member(keystore.member)
        .filter(|member| member.identity == identity && member.role == Role::Owner);
    let first = history.statements().first();
    let mine = first.is_some_and(|genesis| genesis.author == identity.id());
    let anchored = mine && roster.site() == keystore.site;
    if owner.is_none() || !anchored && !bartizan_domain::sabotage::off("L-6") {
        return Err(ClientError::Roster(RosterError::UnknownAuthor));
    }
    Ok((history, keystore))
}

/// The words with a line that says whose they are; lines that begin with `#` are passed over when read.
fn write_recovery(path: &Path, recovery: &RecoveryKey, offer: &Offer) -> Result<(), ClientError> {
    let words = recovery.words();
    let words: Vec<&str> = words.expose().split(' ').collect();
    let mut text = Zeroizing::new(format!(
        "# Recovery key of the Bartizan household {}.\n\
         # Whoever has these 24 words can do all that its owner can. Keep them on paper, away from the\n\
         # gateway; nobody can give you them again.\n",
        offer.site
    ));
    for line in words.chunks(WORDS_PER_LINE) {
        text.push_str(&line.join(" "));
        text.push('\n');
    }
    match files::write_new(path, text.as_bytes()) {
        Err(error) if error.is_already_exists() => Err(ClientError::Exists {
            path: path.to_owned(),
        }),
        written => Ok(written?),
    }
}

/// Reads a recovery file.
pub fn read_recovery(path: &Path) -> Result<RecoveryKey, ClientError> {
    let bytes = Zeroizing::new(files::read_bounded(path, MAX_RECOVERY_FILE)?);
    let text = std::str::from_utf8(&bytes).map_err(|error| {
        let source = std::io::Error::new(std::io::ErrorKind::InvalidData, error.to_string());
        let (act, path) = (files::Act::Read, path.to_owned());
        FileError::Io { act, path, source }
    })?;
    Ok(parse_recovery(text)?)
}

/// Reads the words of a recovery file, or words as they were typed.
pub fn parse_recovery(
    text: &str,
) -> Result<RecoveryKey, bartizan_identity::recovery::RecoveryError> {
    let lines = text
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'));
    let mut words = Zeroizing::new(String::with_capacity(text.len()));
    for line in lines {
        words.push_str(line);
        words.push(' ');
    }
    RecoveryKey::parse(&words)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::fixture::{SITE, genesis, history, keystore, recovery, signing_key};

    fn offered() -> Offer {
        Offer {
            site: SITE,
            gateway: signing_key(21).public(),
            sealer: signing_key(22).public(),
        }
    }

    fn answer(history: &History) -> api::RecoveryAnswer {
        let statements = history.statements().iter();
        api::RecoveryAnswer {
            statements: statements.map(|s| s.as_bytes().into()).collect(),
            recovery_keystore: Blob(keystore().lock(&recovery().lock(), [1; 12])),
            grant: Blob(vec![1; 32]),
            device_names: Vec::new(),
        }
    }

    fn session(made: &Made, pinned: Option<Vec<u8>>) -> api::Session {
        api::Session {
            site: SITE,
            member: made.member,
            device: made.device.0,
            token: "bzn_x".to_owned(),
            expires_ms: bartizan_domain::UtcMillis(1),
            pinned: pinned.map(Blob),
            suggested: Vec::new(),
        }
    }

    fn pinned_by(seed: u8, genesis: &Hash) -> Vec<u8> {
        let message = [genesis.as_bytes().as_slice(), genesis.as_bytes()].concat();
        let signature = signing_key(seed).sign(api::PINNED_CONTEXT, &message);
        signature.as_bytes().to_vec()
    }

    #[test]
    fn a_new_household_is_its_sealers() {
        let made = Made::new(&offered()).unwrap();
        let genesis = made.genesis.hash();
        let good = session(&made, Some(pinned_by(22, &genesis)));
        assert!(check_claimed(&good, &offered(), &made).is_ok());
        let recovered = made.recovery.words();
        assert_eq!(recovered.expose().split(' ').count(), 24);
    }

    #[test]
    fn l_6_a_sealer_that_did_not_pin_this_household_is_noticed() {
        let made = Made::new(&offered()).unwrap();
        let genesis = made.genesis.hash();
        for pinned in [
            None,
            Some(vec![1; 10]),
            Some(pinned_by(21, &genesis)),
            Some(pinned_by(22, &Hash::new([1; 32]))),
        ] {
            let bad = session(&made, pinned);
            let refused = check_claimed(&bad, &offered(), &made);
            assert!(matches!(refused, Err(ClientError::NotPinned)));
        }
    }

    #[test]
    fn an_answer_for_somebody_else_is_refused() {
        let made = Made::new(&offered()).unwrap();
        let pinned = pinned_by(22, &made.genesis.hash());
        let mut other = session(&made, Some(pinned));
        other.member = MemberId::new([9; 16]);
        let refused = check_claimed(&other, &offered(), &made);
        assert!(matches!(refused, Err(ClientError::NotMe)));
    }

    #[test]
    fn the_words_find_their_household() {
        let (found, keys) = check_recovered(&answer(&history()), &recovery()).unwrap();
        assert_eq!(found.current().head(), history().current().head());
        assert_eq!(keys.encode(), keystore().encode());
    }

    #[test]
    fn other_words_find_nothing() {
        let other = RecoveryKey::from_entropy(Secret::new([8; 32]));
        let refused = check_recovered(&answer(&history()), &other);
        assert!(matches!(refused, Err(ClientError::OtherWords)));
    }

    #[test]
    fn l_6_a_made_up_household_around_the_words_is_refused() {
        // A stranger's genesis that names the words, and the owner's identity as a second owner.
        let stranger = signing_key(66);
        let Operation::Genesis(mut forged) = genesis().operation else {
            panic!("a genesis");
        };
        let owner = (forged.owner, forged.identity);
        forged.owner = MemberId::new([66; 16]);
        forged.identity = stranger.public();
        let forged = Operation::Genesis(forged);
        let now = crate::fixture::START;
        let first = Statement::sign(&stranger, SITE, (0, Hash::ZERO), now, forged);
        let mut history = History::begin(first).unwrap();
        let add = Operation::AddMember {
            member: owner.0,
            role: Role::Owner,
            identity: owner.1,
            expires: None,
            cameras: Vec::new(),
        };
        let next = history.current().next();
        history
            .append(Statement::sign(&stranger, SITE, next, now, add))
            .unwrap();
        let refused = check_recovered(&answer(&history), &recovery());
        assert!(matches!(
            refused,
            Err(ClientError::Roster(RosterError::UnknownAuthor))
        ));
    }

    #[test]
    fn recovery_files_are_private_and_never_overwritten() {
        let tmp = tempfile::tempdir().unwrap();
        let path = tmp.path().join("recovery.txt");
        write_recovery(&path, &recovery(), &offered()).unwrap();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let again = read_recovery(&path).unwrap();
        assert_eq!(again.identity().public(), recovery().identity().public());
        let refused = write_recovery(&path, &recovery(), &offered());
        assert!(matches!(refused, Err(ClientError::Exists { .. })));
        assert!(parse_recovery("# nothing\nlegal winner").is_err());
    }
}
