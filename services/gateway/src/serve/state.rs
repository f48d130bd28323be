//! What the gateway knows while it runs, and the changes to it: roster, cameras, the ingest.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use bartizan_base::{Clock, Error, ErrorKind, RootKeySource, random};
use bartizan_domain::{CameraId, Hash, Secret, SiteId, StreamId, UtcMillis};
use bartizan_identity::roster::{History, RosterError, Statement};
use bartizan_identity::{Roster, Signature, SigningKey, VerifyingKey};
use bartizan_protocol::api::{
    CameraProblem, DiskAlert, PINNED_CONTEXT, ProbeReport, SourceSettings,
};
use bartizan_protocol::blob::Blob;
use bartizan_protocol::ipc::ToIngest;
use bartizan_recordings::Recorder;
use bartizan_store::{Store, StoreError};
use tokio::sync::{oneshot, watch};

use super::cameras::{Cameras, allow};
use super::link::Orders;
use super::live::Hub;
use super::supervisor::Supervisor;

const SITE: &str = "site";
const IDENTITY: &str = "gateway-identity";

/// How long the sealer may take to pin a roster.
const PIN_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a connection test may take, the camera's slowness included.
const PROBE_TIMEOUT: Duration = Duration::from_secs(24);

/// A statement's time may differ from the gateway's clock by this much: clocks of phones do.
const STATEMENT_SKEW_MS: u64 = 10 * 60 * 1_000;

/// An ingest that said hello.
#[derive(Debug, Clone)]
pub(crate) struct Ingest {
    pub(crate) orders: Orders,
    pub(crate) sealer: Option<VerifyingKey>,
}

/// The sealer's word on what it pinned.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pinned {
    pub(crate) head: Option<Hash>,
    pub(crate) signature: Option<Blob>,
    pub(crate) refused: Option<String>,
}

type ProbeOutcome = Result<ProbeReport, CameraProblem>;

/// The running gateway.
pub(crate) struct Gateway {
    pub(crate) store: Store,
    pub(crate) recorder: Recorder,
    pub(crate) hub: Arc<Hub>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) root_key: RootKeySource,
    pub(crate) site: SiteId,
    pub(crate) identity: SigningKey,
    pub(crate) supervisor: Supervisor,
    pub(crate) suggested: Vec<String>,
    pub(crate) free_space_floor: u64,
    pub(crate) cameras: Mutex<Cameras>,
    pub(crate) ingest: Mutex<Option<Ingest>>,
    pub(crate) pinned: watch::Sender<Pinned>,
    pub(crate) greeted: watch::Sender<Option<VerifyingKey>>,
    pub(crate) disk_alert: Mutex<Option<DiskAlert>>,
    /// What devices recognise the site's own authority by, while it is served with one.
    pub(crate) authority: Mutex<Option<String>>,
    pub(crate) lost_packets: AtomicU64,
    /// Frame records that came from sealers.
    pub(crate) frames: AtomicU64,
    history: RwLock<Option<Arc<History>>>,
    roster: RwLock<Option<Arc<Roster>>>,
    probes: Mutex<BTreeMap<CameraId, oneshot::Sender<ProbeOutcome>>>,
    /// Held across every change of the roster, so that statements are judged one after the other.
    pub(crate) changing: tokio::sync::Mutex<()>,
}

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Gateway({})", self.site)
    }
}

/// Locks what no panic can leave half-changed.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the gateway is made of.
pub(crate) struct Parts {
    pub(crate) store: Store,
    pub(crate) recorder: Recorder,
    pub(crate) hub: Arc<Hub>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) root_key: RootKeySource,
    pub(crate) supervisor: Supervisor,
    pub(crate) suggested: Vec<String>,
    pub(crate) free_space_floor: u64,
}

impl Gateway {
    /// Loads or makes the gateway's own keys, and loads roster and cameras.
    pub(crate) async fn load(parts: Parts) -> Result<Arc<Self>, Error> {
        let Parts {
            store,
            recorder,
            hub,
            clock,
            root_key,
            supervisor,
            suggested,
            free_space_floor,
        } = parts;
        let site = SiteId::new(own_secret(&store, SITE).await?);
        let seed = own_secret::<32>(&store, IDENTITY).await?;
        let identity = SigningKey::from_seed(&Secret::new(seed));
        let history = load_history(&store).await?;
        let mut cameras = Cameras::default();
        for row in store.cameras().await.map_err(store_error)? {
            cameras.load(&row)?;
        }
        let roster = history
            .as_ref()
            .map(|history| Arc::new(history.current().clone()));
        let gateway = Self {
            store,
            recorder,
            hub,
            clock,
            root_key,
            site,
            identity,
            supervisor,
            suggested,
            free_space_floor,
            cameras: Mutex::new(cameras),
            ingest: Mutex::new(None),
            pinned: watch::Sender::new(Pinned::default()),
            greeted: watch::Sender::new(None),
            disk_alert: Mutex::new(None),
            authority: Mutex::new(None),
            lost_packets: AtomicU64::new(0),
            frames: AtomicU64::new(0),
            history: RwLock::new(history.map(Arc::new)),
            roster: RwLock::new(roster),
            probes: Mutex::new(BTreeMap::new()),
            changing: tokio::sync::Mutex::new(()),
        };
        gateway.apply_retention();
        Ok(Arc::new(gateway))
    }

    /// Wall-clock time.
    pub(crate) fn now(&self) -> UtcMillis {
        self.clock.utc()
    }

    /// The roster now.
    pub(crate) fn roster(&self) -> Option<Arc<Roster>> {
        self.roster
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The roster's log now.
    pub(crate) fn history(&self) -> Option<Arc<History>> {
        self.history
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The log, or an error before the claim.
    pub(crate) fn claimed(&self) -> Result<Arc<History>, Error> {
        self.history()
            .ok_or_else(|| Error::new(ErrorKind::FailedPrecondition, "the gateway is not claimed"))
    }

    /// Judges the next statement against the log as it is; the caller holds `changing`.
    pub(crate) fn judge(&self, statement: &Statement) -> Result<History, Error> {
        let skew = self.now().0.abs_diff(statement.time.0);
        if skew > STATEMENT_SKEW_MS {
            let msg = "the statement's time is too far from the gateway's: check both clocks";
            return Err(Error::new(ErrorKind::InvalidArgument, msg));
        }
        let mut history = (*self.claimed()?).clone();
        history.append(statement.clone()).map_err(roster_error)?;
        Ok(history)
    }

    /// Takes over a log whose last statements are stored, and tells the ingest.
    pub(crate) fn adopt(&self, history: History) {
        let roster = Arc::new(history.current().clone());
        *self.history.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(history));
        *self.roster.write().unwrap_or_else(PoisonError::into_inner) = Some(roster);
        self.send_roster();
    }

    /// Sends the whole log: the ingest passes over what it has pinned already.
    pub(crate) fn send_roster(&self) {
        let Some(history) = self.history() else {
            return;
        };
        let statements = history.statements().iter();
        let statements = statements
            .map(|statement| Blob::from(statement.as_bytes()))
            .collect();
        self.order(&ToIngest::Roster {
            from: 0,
            statements,
        });
    }

    /// Lets the sealer pin a log that starts with `genesis`, before anything is stored.
    ///
    /// # Errors
    /// The sealer refuses, or does not answer.
    pub(crate) async fn pin(&self, genesis: &Statement) -> Result<Blob, Error> {
        let mut pinned = self.pinned.subscribe();
        pinned.mark_unchanged();
        let statements = vec![Blob::from(genesis.as_bytes())];
        self.order(&ToIngest::Roster {
            from: 0,
            statements,
        });
        let (hash, sealer) = (genesis.hash(), self.sealer()?);
        let answered = async {
            loop {
                if pinned.changed().await.is_err() {
                    return Err(Error::internal("the sealer's channel ended"));
                }
                let word = pinned.borrow_and_update().clone();
                if let Some(reason) = word.refused {
                    return Err(Error::new(ErrorKind::FailedPrecondition, reason));
                }
                if let (Some(head), Some(signature)) = (word.head, word.signature)
                    && head == hash
                {
                    return Ok(signature);
                }
            }
        };
        let late = || {
            Error::new(
                ErrorKind::Unavailable,
                "the sealer does not answer: try again",
            )
        };
        let signature = tokio::time::timeout(PIN_TIMEOUT, answered)
            .await
            .map_err(|_late| late())??;
        let message = [hash.as_bytes().as_slice(), hash.as_bytes()].concat();
        let bytes = signature.0.as_slice().try_into();
        let bytes: [u8; 64] = bytes.map_err(|_opaque| Error::internal("a malformed signature"))?;
        let verified = sealer.verify(PINNED_CONTEXT, &message, &Signature::new(bytes));
        verified
            .map_err(|error| Error::internal("the sealer's signature is wrong").caused_by(error))?;
        Ok(signature)
    }

    /// The sealer's key, once an ingest said hello.
    pub(crate) fn sealer(&self) -> Result<VerifyingKey, Error> {
        let ingest = lock(&self.ingest);
        ingest
            .as_ref()
            .and_then(|ingest| ingest.sealer)
            .ok_or_else(|| {
                Error::new(
                    ErrorKind::Unavailable,
                    "the sealer is starting: try again in a moment",
                )
            })
    }

    /// Sends an order, if there is an ingest; a new one is told everything anyway.
    pub(crate) fn order(&self, order: &ToIngest) {
        if let Some(ingest) = lock(&self.ingest).as_ref() {
            ingest.orders.send(order);
        }
    }

    /// Tells the ingest about all cameras, and the supervisor about their hosts. Streams in `fresh` are
    /// new to this ingest: it is told first where they stand.
    pub(crate) fn send_cameras(&self, fresh: &[StreamId]) {
        for stream in fresh {
            self.send_state(*stream);
        }
        let cameras = lock(&self.cameras);
        for (camera, entry) in cameras.iter() {
            entry.allow(camera, &self.supervisor);
        }
        self.order(&ToIngest::Cameras {
            cameras: cameras.orders(),
        });
    }

    /// Tries a source through the ingest.
    pub(crate) async fn try_source(&self, source: SourceSettings) -> Result<ProbeOutcome, Error> {
        self.sealer()?;
        let id = CameraId::new(
            random::bytes().map_err(|error| Error::internal("no randomness").caused_by(error))?,
        );
        let (answer, answered) = oneshot::channel();
        lock(&self.probes).insert(id, answer);
        allow(id, &source, &self.supervisor);
        self.order(&ToIngest::Probe { camera: id, source });
        let outcome = tokio::time::timeout(PROBE_TIMEOUT, answered).await;
        self.supervisor.forget(id);
        lock(&self.probes).remove(&id);
        match outcome {
            Ok(Ok(outcome)) => Ok(outcome),
            Ok(Err(_)) => Err(Error::new(
                ErrorKind::Unavailable,
                "the sealer was restarted: try again",
            )),
            Err(_) => Err(Error::new(
                ErrorKind::Unavailable,
                "the test took too long: try again",
            )),
        }
    }

    /// Hands a connection test's outcome to who waits for it.
    pub(crate) fn probed(&self, camera: CameraId, outcome: ProbeOutcome) {
        if let Some(waiting) = lock(&self.probes).remove(&camera) {
            // Whoever asked has left.
            drop(waiting.send(outcome));
        }
    }

    /// Ends all tests that are under way: their ingest is gone.
    pub(crate) fn abandon_probes(&self) {
        lock(&self.probes).clear();
    }
}

async fn own_secret<const N: usize>(store: &Store, name: &'static str) -> Result<[u8; N], Error> {
    let malformed = || Error::internal("one of the gateway's own keys is malformed");
    if let Some(secret) = store.secret(name).await.map_err(store_error)? {
        return secret.as_slice().try_into().map_err(|_opaque| malformed());
    }
    let fresh = random::bytes::<N>().map_err(|error| malformed().caused_by(error))?;
    store
        .put_secret(name, &Secret::new(fresh.to_vec()))
        .await
        .map_err(store_error)?;
    Ok(fresh)
}

async fn load_history(store: &Store) -> Result<Option<History>, Error> {
    let broken = || Error::new(ErrorKind::DataLoss, "the stored roster does not verify");
    let mut history: Option<History> = None;
    for bytes in store.statements().await.map_err(store_error)? {
        let statement = Statement::decode(&bytes).map_err(|error| broken().caused_by(error))?;
        match &mut history {
            None => {
                let begun = History::begin(statement);
                history = Some(begun.map_err(|error| broken().caused_by(error))?);
            }
            Some(history) => {
                history
                    .append(statement)
                    .map_err(|error| broken().caused_by(error))?;
            }
        }
    }
    Ok(history)
}

/// The database's failures for the API.
pub(crate) fn store_error(error: StoreError) -> Error {
    match error {
        StoreError::Exists => Error::new(ErrorKind::AlreadyExists, "it exists already"),
        full @ StoreError::Full(..) => Error::new(ErrorKind::ResourceExhausted, full.to_string()),
        error => Error::internal("the database failed").caused_by(error),
    }
}

/// The roster's refusals for the API.
pub(crate) fn roster_error(error: RosterError) -> Error {
    let kind = match error {
        RosterError::NotNext { .. } => ErrorKind::FailedPrecondition,
        RosterError::NotFound => ErrorKind::NotFound,
        RosterError::Exists => ErrorKind::AlreadyExists,
        RosterError::Full { .. } => ErrorKind::ResourceExhausted,
        RosterError::NoGenesis
        | RosterError::SecondGenesis
        | RosterError::OtherSite
        | RosterError::Backdated => ErrorKind::InvalidArgument,
        RosterError::UnknownAuthor
        | RosterError::BadSignature
        | RosterError::NotAllowed
        | RosterError::LastOwner => ErrorKind::PermissionDenied,
    };
    Error::new(kind, error.to_string())
}
