//! What all handlers share: the backend, the keys and stores of this start, and how a request becomes a
//! caller with rights.

use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError};
use std::time::Duration;

use bartizan_access::claim::ClaimWindow;
use bartizan_access::decide::{Act, Authorized, Caller, authorize};
use bartizan_access::invitation::Invitations;
use bartizan_access::nonce::{self, Nonces};
use bartizan_access::passkey::Passkeys;
use bartizan_access::replay::ReplayCache;
use bartizan_access::signin::SignIn;
use bartizan_access::ticket::Tickets;
use bartizan_access::{VerifiedProof, decide};
use bartizan_base::random::{self, NoRandomness};
use bartizan_base::{Clock, Tasks};
use bartizan_domain::limits::MAX_VIEWERS;
use bartizan_domain::{CameraId, MemberId, Monotonic, Secret, UtcMillis};
use bartizan_identity::Roster;
use tokio::sync::{Semaphore, oneshot, watch};
use tokio::time::sleep;

use crate::backend::Backend;
use crate::problem::{Answer, ApiError, Kind};

/// What the API needs besides its backend.
#[derive(Debug)]
pub struct Settings {
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Where tasks are started; serving ends with this group.
    pub tasks: Tasks,
    /// Open while the gateway is not claimed. Without one an unclaimed gateway answers only its health.
    pub claim: Option<ClaimWindow>,
}

/// The API over one backend. Clones are the same.
pub struct Api<B: Backend>(Arc<Inner<B>>);

struct Inner<B: Backend> {
    backend: Arc<B>,
    clock: Arc<dyn Clock>,
    tasks: Tasks,
    nonces: Nonces,
    replay: Mutex<ReplayCache>,
    tickets: Mutex<Tickets>,
    sign_in: Mutex<SignIn>,
    passkeys: Mutex<Passkeys>,
    invitations: Mutex<Invitations>,
    /// Held while a device joins and while grants are taken back: once a removal is answered, nobody is on the way in by
    /// what was removed.
    joining: tokio::sync::Mutex<()>,
    /// Held over a whole claim, so that there is never a second one at the same time.
    claim: tokio::sync::Mutex<Option<ClaimWindow>>,
    viewers: Arc<Semaphore>,
    /// Changes when anybody's rights may have changed.
    rights: watch::Sender<()>,
    rights_watched: Once,
}

impl<B: Backend> Clone for Api<B> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<B: Backend> fmt::Debug for Api<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Api").finish_non_exhaustive()
    }
}

impl<B: Backend> Api<B> {
    /// Draws the keys of this start.
    pub fn new(backend: Arc<B>, settings: Settings) -> Result<Self, NoRandomness> {
        Ok(Self(Arc::new(Inner {
            backend,
            clock: settings.clock,
            tasks: settings.tasks,
            nonces: Nonces::new(&secret()?),
            replay: Mutex::new(ReplayCache::new(nonce::MAX_AGE)),
            tickets: Mutex::new(Tickets::new()),
            sign_in: Mutex::new(SignIn::new(&secret()?)),
            passkeys: Mutex::new(Passkeys::new(&secret()?)),
            invitations: Mutex::default(),
            joining: tokio::sync::Mutex::default(),
            claim: tokio::sync::Mutex::new(settings.claim),
            viewers: Arc::new(Semaphore::new(MAX_VIEWERS)),
            rights: watch::Sender::new(()),
            rights_watched: Once::new(),
        })))
    }

    pub(crate) fn backend(&self) -> &B {
        &self.0.backend
    }

    pub(crate) fn tasks(&self) -> &Tasks {
        &self.0.tasks
    }

    pub(crate) fn now(&self) -> Monotonic {
        self.0.clock.monotonic()
    }

    pub(crate) fn utc(&self) -> UtcMillis {
        self.0.clock.utc()
    }

    pub(crate) fn nonces(&self) -> &Nonces {
        &self.0.nonces
    }

    pub(crate) fn tickets(&self) -> MutexGuard<'_, Tickets> {
        locked(&self.0.tickets)
    }

    pub(crate) fn sign_in(&self) -> MutexGuard<'_, SignIn> {
        locked(&self.0.sign_in)
    }

    pub(crate) fn passkeys(&self) -> MutexGuard<'_, Passkeys> {
        locked(&self.0.passkeys)
    }

    pub(crate) fn invitations(&self) -> MutexGuard<'_, Invitations> {
        locked(&self.0.invitations)
    }

    pub(crate) fn joining(&self) -> &tokio::sync::Mutex<()> {
        &self.0.joining
    }

    /// Takes back what a member's passkeys and invitations gave, and waits for the device that is just joining.
    pub(crate) async fn withdraw(&self, member: MemberId) {
        let _joining = self.joining().lock().await;
        self.sign_in().withdraw(member);
    }

    pub(crate) fn claim(&self) -> &tokio::sync::Mutex<Option<ClaimWindow>> {
        &self.0.claim
    }

    pub(crate) fn viewers(&self) -> &Arc<Semaphore> {
        &self.0.viewers
    }

    /// The roster; handlers run only once there is one.
    pub(crate) fn roster(&self) -> Answer<Arc<Roster>> {
        self.backend().roster().ok_or_else(ApiError::not_found)
    }

    /// Takes a proof, once; those of strangers must not get here.
    pub(crate) fn take(&self, proof: &VerifiedProof) -> Answer<()> {
        Ok(locked(&self.0.replay).take(proof, self.now())?)
    }

    /// Decides. The only way to an [`Authorized`] in this crate.
    pub(crate) fn permit<A: Act>(&self, caller: Caller, act: A) -> Answer<Authorized<A>> {
        Ok(authorize(&*self.roster()?, caller, act, self.utc())?)
    }

    /// Whether the caller may know of a camera, for lists.
    pub(crate) fn sees_camera(&self, roster: &Roster, who: &Caller, id: CameraId) -> bool {
        decide::sees_camera(roster, who, id, self.utc())
    }

    /// For what runs long: changes when rights may have changed, at most [`RECHECK`] later.
    pub(crate) fn rights(&self) -> watch::Receiver<()> {
        self.0.rights.subscribe()
    }

    /// Starts the one task that notices changes of rights for all who watch.
    pub(crate) fn watch_rights(&self) {
        self.0.rights_watched.call_once(|| {
            let (this, mut shutdown) = (self.clone(), self.tasks().shutdown_signal());
            self.tasks().spawn("rights", async move {
                tokio::select! {
                    () = shutdown.begun() => {}
                    () = this.notice_changes() => {}
                }
            });
        });
    }

    #[expect(clippy::infinite_loop, reason = "its caller ends it with the program")]
    async fn notice_changes(&self) {
        let mut last = self.rights_stamp();
        loop {
            sleep(RECHECK).await;
            let stamp = self.rights_stamp();
            if stamp != last {
                last = stamp;
                self.0.rights.send_replace(());
            }
        }
    }

    /// Differs when a statement was added or somebody's time ended.
    fn rights_stamp(&self) -> Option<(u64, usize)> {
        let (roster, now) = (self.backend().roster()?, self.utc());
        let ended = |end: UtcMillis| end <= now;
        let over = roster
            .members()
            .filter(|(_, member)| member.expires.is_some_and(ended));
        Some((roster.len(), over.count()))
    }

    /// Runs `work` to its end even when the caller goes away: a change is made whole or not at all.
    pub(crate) async fn to_the_end<T, F>(&self, work: impl FnOnce(Arc<B>) -> F) -> Answer<T>
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        let (done, result) = oneshot::channel();
        let work = work(Arc::clone(&self.0.backend));
        self.tasks().spawn("change", async move {
            // Nobody waits any more: the change is made all the same.
            drop(done.send(work.await));
        });
        result
            .await
            .map_err(|_ended| ApiError::new(Kind::Unavailable, "The gateway is shutting down."))
    }
}

/// How often what runs long asks whether its rights still hold: live is cut within a second.
pub(crate) const RECHECK: Duration = Duration::from_millis(500);

/// 32 random bytes.
pub(crate) fn secret() -> Result<Secret<[u8; 32]>, NoRandomness> {
    Ok(Secret::new(random::bytes()?))
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
