//! What the API needs from the gateway behind it: one method an operation, nothing about HTTP.
//!
//! Arguments arrive parsed, and where a member acts, with an [`Authorized`] that proves the decision. The
//! backend decides nothing about rights; it applies statements (the roster judges those) and answers with
//! documents. What it does not do: filter lists (the handlers do), check tokens, proofs, tickets, claim
//! tokens or challenges (those never reach it), or log requests.
//!
//! Errors: [`Error`] by kind; `crate::problem` turns kinds into answers. A message is shown to the caller
//! unless the kind is `Internal` or `DataLoss`.

use std::future::Future;
use std::ops::Range;
use std::sync::Arc;

use bartizan_access::claim::Presence;
use bartizan_access::decide::{
    AddCamera, AppendStatement, Authorized, ListCameras, ListDevices, ManageCamera, OwnKeystore,
    OwnPasskeys, OwnUnlockShare, ProbeSource, ReadCounters, ReadEnvelope, ReadRoster, ReadSite,
    ReadStorage, RemoveDevice, RenewToken, ViewLive, ViewRecording,
};
use bartizan_access::passkey::{Asserted, Passkey};
use bartizan_access::signin::{Entrant, Recovered};
use bartizan_access::token::{TokenHash, TokenRecord};
use bartizan_base::Error;
use bartizan_domain::text::Name;
use bartizan_domain::{
    CameraId, DeviceId, Fingerprint, Hash, MemberId, Rendition, Secret, UtcMillis,
};
use bartizan_identity::{Roster, Statement};
use bartizan_protocol::api;
use bytes::Bytes;

/// A claim whose presence is proved. The genesis is decoded, not yet verified.
#[derive(Debug)]
pub struct Claim {
    /// The roster's first statement; its device's thumbprint is that of the DPoP proof.
    pub genesis: Statement,
    /// The claiming device.
    pub device: DeviceId,
    /// RFC 7638 thumbprint of the key that proved itself.
    pub thumbprint: Fingerprint,
    /// The owner.
    pub owner: MemberId,
    /// The owner's key store, locked with the recovery key; at most 64 KiB.
    pub recovery_keystore: Vec<u8>,
    /// The owner's name.
    pub name: Name,
    /// The claiming device's name.
    pub device_name: Name,
}

/// A device that came in with a grant. The statement is an `AddDevice` of exactly this member,
/// device and thumbprint, decoded, not yet verified.
#[derive(Debug)]
pub struct NewDevice {
    /// To be added to the roster.
    pub statement: Statement,
    /// Whom the grant was given for.
    pub member: MemberId,
    /// The device.
    pub device: DeviceId,
    /// RFC 7638 thumbprint of the key that proved itself.
    pub thumbprint: Fingerprint,
    /// Its name.
    pub name: Name,
}

/// What the recovery words open: `RecoveryAnswer` without its grant.
#[derive(Debug)]
pub struct RecoveryMaterial {
    /// All statements of the roster.
    pub statements: Vec<Vec<u8>>,
    /// The owner's key store, locked with the recovery key.
    pub recovery_keystore: Vec<u8>,
}

/// A member's passkeys, with what new ones are to show.
#[derive(Debug)]
pub struct MembersPasskeys {
    /// The member's name, where the gateway knows it.
    pub name: Option<Name>,
    /// In order of adding.
    pub passkeys: Vec<Passkey>,
}

/// What a passkey opens: `SignInAnswer` without its grant.
#[derive(Debug)]
pub struct PasskeyMaterial {
    /// All statements of the roster.
    pub statements: Vec<Vec<u8>>,
    /// The key store that lies with the passkey, locked with its PRF.
    pub keystore: Option<Vec<u8>>,
}

/// A device's unlock share.
pub type Share = Secret<[u8; api::UNLOCK_SHARE_LEN]>;

/// A camera to be added. The statement is an `AddCamera` of exactly this camera, decoded, not yet verified.
#[derive(Debug)]
pub struct NewCamera {
    /// Which.
    pub camera: CameraId,
    /// To be added to the roster.
    pub statement: Statement,
    /// Its name.
    pub name: Name,
    /// Where its main stream comes from.
    pub main: api::SourceSettings,
    /// Where its sub stream comes from.
    pub sub: Option<api::SourceSettings>,
    /// How long its recordings stay.
    pub retention: api::Retention,
}

/// Why a source could not be tried, or what the camera did.
#[derive(Debug)]
pub enum ProbeError {
    /// The camera gives no picture: answered as `/problems/camera-KIND`.
    Camera(api::CameraProblem),
    /// The gateway could not try.
    Gateway(Error),
}

impl From<Error> for ProbeError {
    fn from(error: Error) -> Self {
        Self::Gateway(error)
    }
}

/// A half-open stretch of time, `from < to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeRange {
    /// First moment.
    pub from: UtcMillis,
    /// First moment after it; `u64::MAX` when the caller named no end.
    pub to: UtcMillis,
}

/// Sealed records of one stream for one live viewer.
///
/// It starts with the current epoch's envelope and the current segment from its keyframe. A viewer that
/// is too slow is moved on to the newest segment by the implementation; memory for one viewer is bounded.
pub trait LiveFeed: Send + 'static {
    /// The next records, whole, joined into one message; `None` when the stream ends for this viewer.
    /// Cancel-safe: a dropped call loses nothing.
    fn next(&mut self) -> impl Future<Output = Option<Bytes>> + Send;
}

/// Sealed bytes from the disk, in order.
pub trait DataFeed: Send + 'static {
    /// The next at most 256 KiB; `None` after the last. An error after the first bytes ends the connection.
    fn next(&mut self) -> impl Future<Output = Result<Option<Bytes>, Error>> + Send;
}

/// The gateway behind the API. Methods are called concurrently.
///
/// Methods that change something run to their end even when the caller goes away or the time limit of
/// 30 s passes; the others may be dropped at any await.
pub trait Backend: Send + Sync + 'static {
    /// What [`watch`](Self::watch) gives.
    type Live: LiveFeed;
    /// What [`read`](Self::read) gives.
    type Data: DataFeed;

    /// The roster now; `None` until the gateway is claimed. Called for every request, twice a
    /// second, and for every live viewer when rights change, so it must not block: keep the `Arc` ready.
    fn roster(&self) -> Option<Arc<Roster>>;

    /// What is stored of the token with this SHA-256.
    fn token(
        &self,
        hash: TokenHash,
    ) -> impl Future<Output = Result<Option<TokenRecord>, Error>> + Send;

    /// Who is to be claimed: the same answer until the claim.
    fn claim_offer(
        &self,
        presence: &Presence,
    ) -> impl Future<Output = Result<api::ClaimOffer, Error>> + Send;

    /// Claims: verifies the genesis against the offer (site, gateway, sealer), lets the sealer pin it, stores
    /// it with the key store and a token for the device (`bartizan_access::token::issue`), all or
    /// nothing. Never called twice at the same time. Afterwards [`roster`](Self::roster) is `Some`.
    fn claim(
        &self,
        presence: &Presence,
        claim: Claim,
    ) -> impl Future<Output = Result<api::Session, Error>> + Send;

    /// What the recovery words open.
    fn recovery_material(
        &self,
        recovered: &Recovered,
    ) -> impl Future<Output = Result<RecoveryMaterial, Error>> + Send;

    /// All statements of the roster, for whoever just came in.
    fn log(&self, entrant: Entrant) -> impl Future<Output = Result<Vec<Vec<u8>>, Error>> + Send;

    /// What the devices are called whose member the entrant came in as (with the recovery words: of all owners).
    fn device_names(
        &self,
        entrant: Entrant,
    ) -> impl Future<Output = Result<Vec<Name>, Error>> + Send;

    /// Appends the statement and stores a token for the device, all or nothing.
    fn add_device(
        &self,
        entrant: Entrant,
        device: NewDevice,
    ) -> impl Future<Output = Result<api::Session, Error>> + Send;

    /// The site for its members.
    fn site(
        &self,
        who: Authorized<ReadSite>,
    ) -> impl Future<Output = Result<api::Site, Error>> + Send;

    /// Makes the token of the caller's device good for [`bartizan_access::token::LIFETIME`] from now; gives its new
    /// end.
    fn renew_token(
        &self,
        who: Authorized<RenewToken>,
    ) -> impl Future<Output = Result<UtcMillis, Error>> + Send;

    /// Statements from `from` on, at most 512 KiB of them in one answer; empty past the end.
    fn statements(
        &self,
        who: Authorized<ReadRoster>,
        from: u64,
    ) -> impl Future<Output = Result<api::Statements, Error>> + Send;

    /// Verifies and appends a statement of the caller's own identity, with all that follows from it
    /// (a removed device loses its token, a removed camera is let go, epochs roll). A statement that does
    /// not follow the head is `FailedPrecondition`; one that the roster forbids `PermissionDenied`.
    fn append(
        &self,
        who: Authorized<AppendStatement>,
        statement: Statement,
    ) -> impl Future<Output = Result<(), Error>> + Send;

    /// The caller's own locked key store.
    fn keystore(
        &self,
        who: Authorized<OwnKeystore>,
    ) -> impl Future<Output = Result<Option<Vec<u8>>, Error>> + Send;

    /// Replaces the caller's own locked key store; at most 64 KiB.
    fn put_keystore(
        &self,
        who: Authorized<OwnKeystore>,
        locked: Vec<u8>,
    ) -> impl Future<Output = Result<(), Error>> + Send;

    /// The caller's own passkeys.
    fn passkeys(
        &self,
        who: Authorized<OwnPasskeys>,
    ) -> impl Future<Output = Result<MembersPasskeys, Error>> + Send;

    /// What is stored of the passkey with this lookup (`bartizan_access::passkey::lookup`). Asked by strangers.
    fn passkey(&self, lookup: Hash) -> impl Future<Output = Result<Option<Passkey>, Error>> + Send;

    /// Stores a passkey of the caller's, with the key store that its PRF opens. `ResourceExhausted` at
    /// `bartizan_access::passkey::MAX_PASSKEYS`; `AlreadyExists` when somebody has it already.
    fn add_passkey(
        &self,
        who: Authorized<OwnPasskeys>,
        passkey: Passkey,
        keystore: Option<Vec<u8>>,
    ) -> impl Future<Output = Result<(), Error>> + Send;

    /// Replaces the key store that lies with one of the caller's passkeys; `NotFound` for all others.
    fn put_passkey_keystore(
        &self,
        who: Authorized<OwnPasskeys>,
        lookup: Hash,
        locked: Vec<u8>,
    ) -> impl Future<Output = Result<(), Error>> + Send;

    /// Calls one of the caller's passkeys otherwise; `NotFound` for all others.
    fn rename_passkey(
        &self,
        who: Authorized<OwnPasskeys>,
        lookup: Hash,
        name: Name,
    ) -> impl Future<Output = Result<(), Error>> + Send;

    /// Forgets one of the caller's passkeys with its key store; `NotFound` for all others.
    fn remove_passkey(
        &self,
        who: Authorized<OwnPasskeys>,
        lookup: Hash,
    ) -> impl Future<Output = Result<(), Error>> + Send;

    /// Writes a use down (`Passkey::note`), in one step with reading what is stored. `Unauthenticated` when the
    /// passkey was removed or used meanwhile.
    fn note_passkey(&self, used: &Asserted) -> impl Future<Output = Result<(), Error>> + Send;

    /// What a passkey opens.
    fn passkey_material(
        &self,
        used: &Asserted,
    ) -> impl Future<Output = Result<PasskeyMaterial, Error>> + Send;

    /// Keeps the share of the caller's device.
    fn put_unlock_share(
        &self,
        who: Authorized<OwnUnlockShare>,
        share: Share,
    ) -> impl Future<Output = Result<(), Error>> + Send;

    /// The share of a device whose member just showed a passkey on it.
    fn unlock_share(
        &self,
        used: &Asserted,
        device: DeviceId,
    ) -> impl Future<Output = Result<Option<Share>, Error>> + Send;

    /// All cameras; the handler leaves out those that the caller may not see.
    fn cameras(
        &self,
        who: Authorized<ListCameras>,
    ) -> impl Future<Output = Result<Vec<api::Camera>, Error>> + Send;

    /// One camera.
    fn camera(
        &self,
        who: Authorized<ListCameras>,
        camera: CameraId,
    ) -> impl Future<Output = Result<api::Camera, Error>> + Send;

    /// Appends the statement and starts the camera, all or nothing. At most 256 cameras.
    fn add_camera(
        &self,
        who: Authorized<AddCamera>,
        camera: NewCamera,
    ) -> impl Future<Output = Result<api::Camera, Error>> + Send;

    /// Changes what is present.
    fn patch_camera(
        &self,
        who: Authorized<ManageCamera>,
        patch: api::CameraPatch,
    ) -> impl Future<Output = Result<api::Camera, Error>> + Send;

    /// Appends the statement (a `RemoveCamera` of exactly this camera) and lets the camera go.
    fn remove_camera(
        &self,
        who: Authorized<ManageCamera>,
        statement: Statement,
    ) -> impl Future<Output = Result<(), Error>> + Send;

    /// Tries a source without recording it; ends within 25 seconds.
    fn probe(
        &self,
        who: Authorized<ProbeSource>,
        source: api::SourceSettings,
    ) -> impl Future<Output = Result<api::ProbeReport, ProbeError>> + Send;

    /// Tries the stored source of a camera's rendition; ends within 25 seconds.
    fn probe_camera(
        &self,
        who: Authorized<ManageCamera>,
        rendition: Rendition,
    ) -> impl Future<Output = Result<api::ProbeReport, ProbeError>> + Send;

    /// Starts a live feed.
    fn watch(
        &self,
        who: Authorized<ViewLive>,
    ) -> impl Future<Output = Result<Self::Live, Error>> + Send;

    /// Recorded spans that touch `range`.
    fn recordings(
        &self,
        who: Authorized<ViewRecording>,
        range: TimeRange,
    ) -> impl Future<Output = Result<api::Recordings, Error>> + Send;

    /// Segments that touch `range`, at most `limit` (1 to 1,000).
    fn segments(
        &self,
        who: Authorized<ViewRecording>,
        range: TimeRange,
        limit: usize,
    ) -> impl Future<Output = Result<api::Segments, Error>> + Send;

    /// Which of the stream's sealed bytes are kept: the first that is, and the end. `NotFound` for a
    /// rendition that the camera does not have.
    fn extent(
        &self,
        who: &Authorized<ViewRecording>,
    ) -> impl Future<Output = Result<Range<u64>, Error>> + Send;

    /// Reads `range`, which lies within the extent just given.
    fn read(
        &self,
        who: Authorized<ViewRecording>,
        range: Range<u64>,
    ) -> impl Future<Output = Result<Self::Data, Error>> + Send;

    /// The envelope record of an epoch, at most 8 MiB.
    fn envelope(
        &self,
        who: Authorized<ReadEnvelope>,
    ) -> impl Future<Output = Result<Bytes, Error>> + Send;

    /// What the disk holds, all streams: viewers, who may not know of all cameras, never get here.
    fn storage(
        &self,
        who: Authorized<ReadStorage>,
    ) -> impl Future<Output = Result<api::Storage, Error>> + Send;

    /// All devices; the handler leaves out others' where the caller may not see them, and sets `this`.
    fn devices(
        &self,
        who: Authorized<ListDevices>,
    ) -> impl Future<Output = Result<api::Devices, Error>> + Send;

    /// Appends the statement (a `RemoveDevice` of exactly this device); its token is gone afterwards.
    fn remove_device(
        &self,
        who: Authorized<RemoveDevice>,
        statement: Statement,
    ) -> impl Future<Output = Result<(), Error>> + Send;

    /// Counters since the start.
    fn counters(
        &self,
        who: Authorized<ReadCounters>,
    ) -> impl Future<Output = Result<api::Counters, Error>> + Send;
}
