//! The last steps of every way in: how the gateway is recognised, the statement that puts a new device on the roster,
//! and the account that it then keeps. Whether the household is the right one each door checks before.

use bartizan_access::DeviceKey;
use bartizan_base::random;
use bartizan_domain::text::Name;
use bartizan_domain::{DeviceId, Fingerprint, Secret};
use bartizan_identity::keystore::Keystore;
use bartizan_identity::roster::History;
use bartizan_identity::{Operation, RosterError, Statement};
use bartizan_protocol::api;
use bartizan_protocol::blob::Blob;
use http::Method;

use crate::error::ClientError;
use crate::naming::numbered;
use crate::profile::{Account, Profile};
use crate::routes;
use crate::session::{Session, not_before};
use crate::transport::{Call, Origin, Proof, Transport, TransportError, Trust};

/// What a new device is told.
#[derive(Debug, Clone)]
pub struct NewDevice {
    /// Where its account goes.
    pub profile: Profile,
    /// What it is called.
    pub name: Name,
    /// Nobody chose the name: where another device of the member has it already, it gets a number.
    pub suggested: bool,
    /// How the gateway is recognised, when that is known beforehand.
    pub pin: Option<Fingerprint>,
}

impl NewDevice {
    /// The way to the gateway at `origin`, for a profile that has no account yet. The own pin counts before the
    /// `link`'s.
    pub(crate) fn transport(
        &self,
        origin: Origin,
        link: Option<Fingerprint>,
    ) -> Result<Transport, ClientError> {
        let pin = self.pin.or(link);
        let trust = pin.map_or(Trust::FirstUse, Trust::Pinned);
        self.profile.require_empty()?;
        Ok(Transport::new(origin, trust))
    }

    /// What it is called beside the member's other devices.
    fn name_among(&self, others: &[Name]) -> Name {
        if self.suggested {
            numbered(&self.name, others)
        } else {
            self.name.clone()
        }
    }
}

/// What a door gave, believed.
pub(crate) struct Welcome {
    pub(crate) history: History,
    pub(crate) keystore: Keystore,
    /// Lets one device in.
    pub(crate) grant: Blob,
    /// Of the member's other devices.
    pub(crate) device_names: Vec<Name>,
}

/// Puts the device on the roster and keeps its account.
///
/// # Errors
/// A conflict when the roster has grown meanwhile: what was welcomed is too old.
pub(crate) async fn admit(
    transport: &Transport,
    device: &NewDevice,
    welcome: Welcome,
) -> Result<Session, ClientError> {
    let (mut history, keystore) = (welcome.history, welcome.keystore);
    let joining = Joining::new(&keystore, &history)?;
    let name = device.name_among(&welcome.device_names);
    let session = send(transport, welcome.grant, name, &joining).await?;
    let mine = session.site == keystore.site
        && session.member == keystore.member
        && session.device == joining.device.0;
    if !mine {
        return Err(ClientError::NotMe);
    }
    history
        .append(joining.statement)
        .map_err(ClientError::Roster)?;
    let answered = (session, joining.device);
    keep(
        transport,
        device.profile.clone(),
        answered,
        keystore,
        history,
    )
}

/// A device on its way to the roster.
struct Joining {
    device: (DeviceId, DeviceKey),
    statement: Statement,
}

impl Joining {
    fn new(keystore: &Keystore, history: &History) -> Result<Self, ClientError> {
        let device = (DeviceId::new(random::bytes()?), DeviceKey::generate()?);
        let operation = Operation::AddDevice {
            member: keystore.member,
            device: device.0,
            thumbprint: device.1.thumbprint(),
        };
        let statement = Statement::sign(
            &keystore.identity(),
            keystore.site,
            history.current().next(),
            not_before(history),
            operation,
        );
        Ok(Self { device, statement })
    }
}

async fn send(
    transport: &Transport,
    grant: Blob,
    device_name: Name,
    joining: &Joining,
) -> Result<api::Session, ClientError> {
    let request = api::DeviceRequest {
        grant,
        statement: joining.statement.as_bytes().into(),
        device_name,
    };
    let call = Call::send(Method::POST, routes::DEVICE, &request)?;
    Ok(transport
        .json(call.proof(Proof::Key(&joining.device.1)))
        .await?)
}

/// Writes the account of a device that the gateway has taken, and opens it.
pub(crate) fn keep(
    transport: &Transport,
    profile: Profile,
    (session, (device, key)): (api::Session, (DeviceId, DeviceKey)),
    keystore: Keystore,
    history: History,
) -> Result<Session, ClientError> {
    let account = Account {
        origin: transport.origin().to_string(),
        pin: transport.pin(),
        site: session.site,
        member: session.member,
        device,
        device_key: key.to_pkcs8()?,
        token: Secret::new(session.token),
        expires: session.expires_ms,
        keystore,
        genesis: history.current().genesis(),
    };
    let (len, head) = history.current().next();
    profile.save(&account)?;
    profile.save_roster(history.statements())?;
    profile.note(|seen| seen.note_roster(len, head))?;
    Session::assemble(profile, account, Some(history))
}

/// The roster that these statements make, by its own rules.
pub(crate) fn replayed(statements: &[Blob]) -> Result<History, ClientError> {
    let mut statements = statements
        .iter()
        .map(|bytes| Statement::decode(bytes.as_ref()));
    let genesis = statements
        .next()
        .ok_or(ClientError::Roster(RosterError::NoGenesis))??;
    let mut history = History::begin(genesis).map_err(ClientError::Roster)?;
    for statement in statements {
        history.append(statement?).map_err(ClientError::Roster)?;
    }
    Ok(history)
}

/// Doors of the other state than the gateway's are not there.
pub(crate) fn absent(error: TransportError, meaning: ClientError) -> ClientError {
    match error {
        TransportError::Api(error) if error.status == 404 => meaning,
        error => error.into(),
    }
}
