//! The API's operations on the running gateway.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bartizan_access::claim::Presence;
use bartizan_access::decide::{
    AddCamera, AppendStatement, Authorized, ListCameras, ListDevices, ManageCamera, OwnKeystore,
    OwnPasskeys, OwnUnlockShare, ProbeSource, ReadCounters, ReadEnvelope, ReadRoster, ReadSite,
    ReadStorage, RemoveDevice, RenewToken, ViewLive, ViewRecording,
};
use bartizan_access::passkey::{Asserted, Passkey};
use bartizan_access::signin::{Entrant, Recovered};
use bartizan_access::token::{self, Issued, TokenHash, TokenRecord, issue};
use bartizan_base::{Error, ErrorKind, RootKeySource, random};
use bartizan_domain::limits::MAX_CAMERAS;
use bartizan_domain::text::Name;
use bartizan_domain::{
    CameraId, DeviceId, Fingerprint, Hash, MemberId, Rendition, Secret, StreamId, UtcMillis,
};
use bartizan_http::backend::{
    Backend, Claim, MembersPasskeys, NewCamera, NewDevice, PasskeyMaterial, ProbeError,
    RecoveryMaterial, Share, TimeRange,
};
use bartizan_identity::roster::{History, Role};
use bartizan_identity::{Operation, Roster, Statement};
use bartizan_protocol::api;
use bartizan_protocol::blob::Blob;
use bartizan_recordings::ReadError;
use bartizan_store::{Claimed, Gone, Slot};
use bytes::Bytes;

use super::cameras::{Entry, Settings, check};
use super::feeds::{Data, Live};
use super::state::{Gateway, lock, roster_error, store_error};

/// Statements in one answer, in bytes.
const MAX_STATEMENTS_ANSWER: usize = 512 * 1_024;

/// How long a stream that was taken away may take to close its last segment, and how often that is looked at.
const CLOSE_WAIT: Duration = Duration::from_secs(2);
const CLOSE_LOOK: Duration = Duration::from_millis(10);

type Answer<T> = Result<T, Error>;

/// What the owner chose, as the recorder takes it.
pub(crate) fn retention(retention: api::Retention) -> bartizan_recordings::Retention {
    let hours = |hours: u32| Duration::from_secs(u64::from(hours) * 3_600);
    bartizan_recordings::Retention {
        max_bytes: retention.max_bytes,
        max_age: retention.max_hours.map(hours),
    }
}

fn not_found() -> Error {
    Error::new(ErrorKind::NotFound, "there is no such thing")
}

fn removed() -> Error {
    let msg = "the device was removed meanwhile";
    Error::new(ErrorKind::Unauthenticated, msg)
}

/// The recorder's refusals for the API.
pub(crate) fn read_error(error: ReadError) -> Error {
    let kind = match error {
        ReadError::UnknownStream | ReadError::Deleted { .. } | ReadError::Absent { .. } => {
            ErrorKind::NotFound
        }
        ReadError::Damaged { .. } => ErrorKind::DataLoss,
        ReadError::Io(_) => ErrorKind::Unavailable,
    };
    Error::new(kind, error.to_string()).caused_by(error)
}

/// Disk reads happen on threads of their own.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Answer<T> + Send + 'static,
) -> Answer<T> {
    let ended = || Error::internal("a disk read was abandoned");
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| ended().caused_by(error))?
}

impl Gateway {
    fn issue(&self, who: (MemberId, DeviceId), thumbprint: Fingerprint) -> Answer<Issued> {
        let bytes = random::bytes().map_err(Error::wrap(ErrorKind::Internal, "no randomness"))?;
        Ok(issue(&Secret::new(bytes), who, thumbprint, self.now()))
    }

    fn session(&self, issued: &Issued) -> api::Session {
        api::Session {
            site: self.site,
            member: issued.record.member,
            device: issued.record.device,
            token: issued.text.expose().clone(),
            expires_ms: issued.record.expires,
            pinned: None,
            suggested: Vec::new(),
        }
    }

    /// Appends a statement that needs nothing else stored.
    async fn append_plain(&self, statement: &Statement, gone: Gone<'_>) -> Answer<()> {
        let _changing = self.changing.lock().await;
        let history = self.judge(statement)?;
        let entry = (statement.sequence, statement.as_bytes());
        self.store.append(entry, gone).await.map_err(store_error)?;
        self.adopt(history);
        Ok(())
    }

    async fn drop_camera(&self, camera: CameraId, statement: &Statement) -> Answer<()> {
        let changing = self.changing.lock().await;
        let history = self.judge(statement)?;
        let entry = (statement.sequence, statement.as_bytes());
        self.store
            .remove_camera(entry, camera)
            .await
            .map_err(store_error)?;
        lock(&self.cameras).remove(camera);
        self.send_cameras(&[]);
        self.adopt(history);
        drop(changing);
        self.supervisor.forget(camera);
        self.hub.end(camera);
        self.recorder.remove_camera(camera);
        Ok(())
    }

    /// Ends the viewing of a stream that the ingest was told to let go, and waits until its last segment is closed: who
    /// brings it back at once finds it whole.
    async fn end_stream(&self, stream: StreamId) {
        self.hub.end_stream(stream);
        let closed = async {
            while self.recorder.running_segment(stream).is_some() {
                tokio::time::sleep(CLOSE_LOOK).await;
            }
        };
        // Without an ingest nobody closes it; the next one signs how it ended when the stream comes back.
        if tokio::time::timeout(CLOSE_WAIT, closed).await.is_err() {
            tracing::warn!(%stream, "the stream's last segment stays open: no ingest closed it");
        }
    }

    /// Removes a device: its token, name and unlock share go with it.
    async fn drop_device(&self, device: DeviceId, statement: &Statement) -> Answer<()> {
        let gone = Gone {
            devices: &[device],
            member: None,
        };
        self.append_plain(statement, gone).await
    }

    /// Removes a member: their devices and passkeys go with them.
    async fn drop_member(&self, member: MemberId, statement: &Statement) -> Answer<()> {
        let history = self.claimed()?;
        let devices = history.current().devices();
        let theirs = devices.filter(|(_, device)| device.member == member);
        let theirs: Vec<_> = theirs.map(|(id, _)| id).collect();
        let gone = Gone {
            devices: &theirs,
            member: Some(member),
        };
        self.append_plain(statement, gone).await
    }

    /// The caller holds `changing`.
    fn still_member(&self, member: MemberId) -> Answer<()> {
        let roster = self.roster().ok_or_else(not_found)?;
        roster.member(member).map(drop).ok_or_else(removed)
    }

    /// The caller holds `changing`.
    fn still_device(&self, device: DeviceId) -> Answer<()> {
        let roster = self.roster().ok_or_else(not_found)?;
        roster.device(device).map(drop).ok_or_else(removed)
    }

    /// All statements of the roster's log.
    fn all_statements(&self) -> Answer<Vec<Vec<u8>>> {
        let history = self.claimed()?;
        let statements = history.statements().iter();
        Ok(statements.map(|s| s.as_bytes().to_vec()).collect())
    }

    fn stream_exists(&self, stream: StreamId) -> Answer<()> {
        let cameras = lock(&self.cameras);
        let entry = cameras.entry(stream.camera).ok_or_else(not_found)?;
        entry
            .source(stream.rendition)
            .map(drop)
            .ok_or_else(not_found)
    }

    /// Whether recordings of a stream can be asked for: it is recorded, or was until it was taken away.
    fn is_recorded(&self, stream: StreamId) -> Answer<()> {
        let is_there = lock(&self.cameras).entry(stream.camera).is_some();
        if is_there && self.recorder.extent(stream).is_ok() {
            return Ok(());
        }
        self.stream_exists(stream)
    }
}

impl Backend for Gateway {
    type Live = Live;
    type Data = Data;

    fn roster(&self) -> Option<Arc<Roster>> {
        Self::roster(self)
    }

    async fn token(&self, hash: TokenHash) -> Answer<Option<TokenRecord>> {
        self.store.token(hash).await.map_err(store_error)
    }

    async fn claim_offer(&self, _: &Presence) -> Answer<api::ClaimOffer> {
        let key = |key: bartizan_identity::VerifyingKey| Blob::from(key.as_bytes().as_slice());
        Ok(api::ClaimOffer {
            site: self.site,
            gateway: key(self.identity.public()),
            sealer: key(self.sealer()?),
        })
    }

    async fn claim(&self, _: &Presence, claim: Claim) -> Answer<api::Session> {
        let _changing = self.changing.lock().await;
        let history = History::begin(claim.genesis.clone()).map_err(roster_error)?;
        let (roster, sealer) = (history.current(), self.sealer()?);
        let fits = roster.site() == self.site
            && roster.gateway() == self.identity.public()
            && roster.sealer(sealer.id()).is_some();
        if !fits {
            let msg = "the claim is about another gateway: ask for the offer again";
            return Err(Error::new(ErrorKind::InvalidArgument, msg));
        }
        let pinned = self.pin(&claim.genesis).await?;
        let issued = self.issue((claim.owner, claim.device), claim.thumbprint)?;
        let claimed = Claimed {
            genesis: claim.genesis.as_bytes(),
            owner: (claim.owner, &claim.name),
            device: (claim.device, &claim.device_name),
            token: (issued.hash, issued.record),
            recovery_keystore: &claim.recovery_keystore,
            now: self.now(),
        };
        self.store.claim(&claimed).await.map_err(store_error)?;
        self.adopt(history);
        tracing::info!("claimed");
        let suggested = self.suggested.iter().map(|url| api::SourceSettings {
            url: Secret::new(url.clone()),
            transport: api::Transport::Tcp,
            certificate: None,
        });
        let session = self.session(&issued);
        Ok(api::Session {
            pinned: Some(pinned),
            suggested: suggested.collect(),
            ..session
        })
    }

    async fn recovery_material(&self, _: &Recovered) -> Answer<RecoveryMaterial> {
        let history = self.claimed()?;
        let roster = history.current();
        for (member, entry) in roster.members() {
            if entry.role != Role::Owner {
                continue;
            }
            let stored = self
                .store
                .keystore(member, Slot::Recovery)
                .await
                .map_err(store_error)?;
            if let Some(recovery_keystore) = stored {
                return Ok(RecoveryMaterial {
                    statements: self.all_statements()?,
                    recovery_keystore,
                });
            }
        }
        Err(Error::new(
            ErrorKind::DataLoss,
            "the owner's locked key store is missing",
        ))
    }

    async fn log(&self, _: Entrant) -> Answer<Vec<Vec<u8>>> {
        self.all_statements()
    }

    async fn device_names(&self, entrant: Entrant) -> Answer<Vec<Name>> {
        let (roster, now) = (self.roster().ok_or_else(not_found)?, self.now());
        let stored = self.store.devices().await.map_err(store_error)?;
        let theirs = stored.into_iter().filter_map(|(id, name, ..)| {
            let device = roster.device(id)?;
            let joins = entrant.joins(&roster, device.member, now);
            joins.then(|| device.name.clone().unwrap_or(name))
        });
        Ok(theirs.collect())
    }

    async fn add_device(&self, _: Entrant, device: NewDevice) -> Answer<api::Session> {
        let _changing = self.changing.lock().await;
        let history = self.judge(&device.statement)?;
        let issued = self.issue((device.member, device.device), device.thumbprint)?;
        let entry = (device.statement.sequence, device.statement.as_bytes());
        let token = (issued.hash, issued.record);
        self.store
            .add_device(entry, (device.device, &device.name), token, self.now())
            .await
            .map_err(store_error)?;
        self.adopt(history);
        Ok(self.session(&issued))
    }

    async fn renew_token(&self, who: Authorized<RenewToken>) -> Answer<UtcMillis> {
        let expires = self.now().saturating_add(token::LIFETIME);
        let renewed = self.store.renew_token(who.caller().device(), expires).await;
        renewed.map_err(store_error)?.ok_or_else(removed)
    }

    async fn site(&self, who: Authorized<ReadSite>) -> Answer<api::Site> {
        let history = self.claimed()?;
        let roster = history.current();
        Ok(api::Site {
            site: self.site,
            member: who.caller().member(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            roster_len: roster.len(),
            roster_head: roster.head(),
            root_key: match self.root_key {
                RootKeySource::Credential => api::RootKeyKind::Credential,
                RootKeySource::File => api::RootKeyKind::File,
            },
            authority: lock(&self.authority).clone(),
            now_ms: self.now(),
        })
    }

    async fn statements(&self, _: Authorized<ReadRoster>, from: u64) -> Answer<api::Statements> {
        let history = self.claimed()?;
        let start = usize::try_from(from).unwrap_or(usize::MAX);
        let (mut statements, mut bytes) = (Vec::new(), 0);
        for statement in history.statements().iter().skip(start) {
            bytes += statement.as_bytes().len();
            if bytes > MAX_STATEMENTS_ANSWER && !statements.is_empty() {
                break;
            }
            statements.push(Blob::from(statement.as_bytes()));
        }
        Ok(api::Statements { from, statements })
    }

    async fn append(&self, _: Authorized<AppendStatement>, statement: Statement) -> Answer<()> {
        match statement.operation {
            Operation::RemoveCamera { camera } => self.drop_camera(camera, &statement).await,
            Operation::RemoveDevice { device } => self.drop_device(device, &statement).await,
            Operation::RemoveMember { member } => self.drop_member(member, &statement).await,
            Operation::AddCamera { .. } | Operation::AddDevice { .. } => {
                let msg = "cameras and devices are added with their settings";
                Err(Error::new(ErrorKind::InvalidArgument, msg))
            }
            _ => self.append_plain(&statement, Gone::default()).await,
        }
    }

    async fn keystore(&self, who: Authorized<OwnKeystore>) -> Answer<Option<Vec<u8>>> {
        let member = who.caller().member();
        self.store
            .keystore(member, Slot::Own)
            .await
            .map_err(store_error)
    }

    async fn put_keystore(&self, who: Authorized<OwnKeystore>, locked: Vec<u8>) -> Answer<()> {
        let member = who.caller().member();
        self.store
            .put_keystore(member, Slot::Own, &locked)
            .await
            .map_err(store_error)
    }

    async fn passkeys(&self, who: Authorized<OwnPasskeys>) -> Answer<MembersPasskeys> {
        let member = who.caller().member();
        let names = self.store.members().await.map_err(store_error)?;
        let own = names.into_iter().find(|(id, _)| *id == member);
        let roster = self.roster().ok_or_else(not_found)?;
        let renamed = roster.member(member).and_then(|entry| entry.name.clone());
        Ok(MembersPasskeys {
            name: renamed.or(own.map(|(_, name)| name)),
            passkeys: self.store.passkeys(member).await.map_err(store_error)?,
        })
    }

    async fn passkey(&self, lookup: Hash) -> Answer<Option<Passkey>> {
        self.store.passkey(lookup).await.map_err(store_error)
    }

    async fn add_passkey(
        &self,
        _: Authorized<OwnPasskeys>,
        passkey: Passkey,
        keystore: Option<Vec<u8>>,
    ) -> Answer<()> {
        // Not while the member may be going: nothing of theirs may stay behind.
        let _changing = self.changing.lock().await;
        self.still_member(passkey.member)?;
        let added = self.store.add_passkey(&passkey, keystore.as_deref());
        added.await.map_err(store_error)
    }

    async fn put_passkey_keystore(
        &self,
        who: Authorized<OwnPasskeys>,
        lookup: Hash,
        locked: Vec<u8>,
    ) -> Answer<()> {
        let own = (who.caller().member(), lookup);
        let put = self.store.put_passkey_keystore(own, &locked).await;
        put.map_err(store_error)?
            .then_some(())
            .ok_or_else(not_found)
    }

    async fn rename_passkey(
        &self,
        who: Authorized<OwnPasskeys>,
        lookup: Hash,
        name: Name,
    ) -> Answer<()> {
        let own = (who.caller().member(), lookup);
        let renamed = self.store.rename_passkey(own, name).await;
        renamed
            .map_err(store_error)?
            .then_some(())
            .ok_or_else(not_found)
    }

    async fn remove_passkey(&self, who: Authorized<OwnPasskeys>, lookup: Hash) -> Answer<()> {
        let own = (who.caller().member(), lookup);
        let removed = self.store.remove_passkey(own).await.map_err(store_error)?;
        removed.then_some(()).ok_or_else(not_found)
    }

    async fn note_passkey(&self, used: &Asserted) -> Answer<()> {
        let noted = self.store.note_passkey(used, self.now()).await;
        let msg = "the passkey was removed or used elsewhere meanwhile: try again";
        let changed = || Error::new(ErrorKind::Unauthenticated, msg);
        noted
            .map_err(store_error)?
            .then_some(())
            .ok_or_else(changed)
    }

    async fn passkey_material(&self, used: &Asserted) -> Answer<PasskeyMaterial> {
        let keystore = self.store.passkey_keystore(used.credential()).await;
        Ok(PasskeyMaterial {
            statements: self.all_statements()?,
            keystore: keystore.map_err(store_error)?,
        })
    }

    async fn put_unlock_share(&self, who: Authorized<OwnUnlockShare>, share: Share) -> Answer<()> {
        // Not while the device may be going.
        let _changing = self.changing.lock().await;
        let device = who.caller().device();
        self.still_device(device)?;
        let put = self.store.put_unlock_share(device, &share).await;
        put.map_err(store_error)
    }

    async fn unlock_share(&self, _: &Asserted, device: DeviceId) -> Answer<Option<Share>> {
        self.store.unlock_share(device).await.map_err(store_error)
    }

    async fn cameras(&self, _: Authorized<ListCameras>) -> Answer<Vec<api::Camera>> {
        let cameras = lock(&self.cameras);
        Ok(cameras
            .iter()
            .filter_map(|(camera, _)| cameras.document(camera))
            .collect())
    }

    async fn camera(&self, _: Authorized<ListCameras>, camera: CameraId) -> Answer<api::Camera> {
        lock(&self.cameras).document(camera).ok_or_else(not_found)
    }

    async fn add_camera(&self, _: Authorized<AddCamera>, camera: NewCamera) -> Answer<api::Camera> {
        check(&camera.main)?;
        camera.sub.as_ref().map_or(Ok(()), check)?;
        let _changing = self.changing.lock().await;
        if lock(&self.cameras).iter().count() >= MAX_CAMERAS {
            let msg = format!("a gateway has at most {MAX_CAMERAS} cameras");
            return Err(Error::new(ErrorKind::ResourceExhausted, msg));
        }
        let history = self.judge(&camera.statement)?;
        let settings = Settings {
            main: camera.main,
            sub: camera.sub,
            retention: camera.retention,
        };
        let entry = Entry {
            name: camera.name,
            settings,
        };
        let statement = (camera.statement.sequence, camera.statement.as_bytes());
        let row = entry.row(camera.camera)?;
        self.store
            .add_camera(statement, &row, self.now())
            .await
            .map_err(store_error)?;
        self.recorder
            .set_retention(camera.camera, retention(entry.settings.retention));
        let streams = entry.streams(camera.camera);
        lock(&self.cameras).insert(camera.camera, entry);
        self.adopt(history);
        self.send_cameras(&streams);
        lock(&self.cameras)
            .document(camera.camera)
            .ok_or_else(not_found)
    }

    async fn patch_camera(
        &self,
        who: Authorized<ManageCamera>,
        patch: api::CameraPatch,
    ) -> Answer<api::Camera> {
        for source in [patch.main.as_ref(), patch.sub.as_set()]
            .into_iter()
            .flatten()
        {
            check(source)?;
        }
        let camera = who.act().0;
        let _changing = self.changing.lock().await;
        let (before, entry) = lock(&self.cameras)
            .entry(camera)
            .map(|entry| (entry.streams(camera), entry.patched(patch)))
            .ok_or_else(not_found)?;
        self.store
            .put_camera(&entry.row(camera)?)
            .await
            .map_err(store_error)?;
        self.recorder
            .set_retention(camera, retention(entry.settings.retention));
        // A sub stream that comes back goes on where its recording ended.
        let after = entry.streams(camera);
        let without = |all: &[StreamId], those: &[StreamId]| -> Vec<StreamId> {
            let all = all.iter().copied();
            all.filter(|stream| !those.contains(stream)).collect()
        };
        let (fresh, ended) = (without(&after, &before), without(&before, &after));
        lock(&self.cameras).insert(camera, entry);
        self.send_cameras(&fresh);
        for stream in ended {
            self.end_stream(stream).await;
        }
        lock(&self.cameras).document(camera).ok_or_else(not_found)
    }

    async fn remove_camera(
        &self,
        who: Authorized<ManageCamera>,
        statement: Statement,
    ) -> Answer<()> {
        self.drop_camera(who.act().0, &statement).await
    }

    async fn probe(
        &self,
        _: Authorized<ProbeSource>,
        source: api::SourceSettings,
    ) -> Result<api::ProbeReport, ProbeError> {
        check(&source)?;
        self.try_source(source).await?.map_err(ProbeError::Camera)
    }

    async fn probe_camera(
        &self,
        who: Authorized<ManageCamera>,
        rendition: Rendition,
    ) -> Result<api::ProbeReport, ProbeError> {
        let source = {
            let cameras = lock(&self.cameras);
            let entry = cameras.entry(who.act().0).ok_or_else(not_found)?;
            entry.source(rendition).cloned().ok_or_else(not_found)?
        };
        self.try_source(source).await?.map_err(ProbeError::Camera)
    }

    async fn watch(&self, who: Authorized<ViewLive>) -> Answer<Live> {
        let stream = who.act().0;
        self.stream_exists(stream)?;
        Live::join(self, stream).await
    }

    async fn recordings(
        &self,
        who: Authorized<ViewRecording>,
        range: TimeRange,
    ) -> Answer<api::Recordings> {
        let (stream, recorder) = (who.act().0, self.recorder.clone());
        self.is_recorded(stream)?;
        let spans = blocking(move || match recorder.spans(stream, range.from, range.to) {
            Err(ReadError::UnknownStream) => Ok(Vec::new()),
            other => other.map_err(read_error),
        });
        let span = |span: &bartizan_recordings::Span| api::Span {
            start_ms: span.start,
            end_ms: span.end,
        };
        let spans = spans.await?.iter().map(span).collect();
        Ok(api::Recordings {
            rendition: stream.rendition,
            spans,
        })
    }

    async fn segments(
        &self,
        who: Authorized<ViewRecording>,
        range: TimeRange,
        limit: usize,
    ) -> Answer<api::Segments> {
        let (stream, recorder) = (who.act().0, self.recorder.clone());
        self.is_recorded(stream)?;
        let rows =
            blocking(
                move || match recorder.segments(stream, range.from, range.to, limit + 1) {
                    Err(ReadError::UnknownStream) => Ok(Vec::new()),
                    other => other.map_err(read_error),
                },
            );
        let rows = rows.await?;
        let next_ms = rows.get(limit).map(|row| row.start);
        let segment = |row: &bartizan_recordings::SegmentRow| api::Segment {
            start_ms: row.start,
            duration_ms: u32::try_from(row.duration).unwrap_or(u32::MAX),
            offset: row.offset,
            len: row.len,
            key_len: row.key_len,
        };
        Ok(api::Segments {
            segments: rows.iter().take(limit).map(segment).collect(),
            next_ms,
        })
    }

    async fn extent(&self, who: &Authorized<ViewRecording>) -> Answer<Range<u64>> {
        let (stream, recorder) = (who.act().0, self.recorder.clone());
        self.is_recorded(stream)?;
        blocking(move || match recorder.extent(stream) {
            Err(ReadError::UnknownStream) => Ok(0..0),
            other => other.map_err(read_error),
        })
        .await
    }

    async fn read(&self, who: Authorized<ViewRecording>, range: Range<u64>) -> Answer<Data> {
        let (stream, recorder) = (who.act().0, self.recorder.clone());
        let len = range.end.saturating_sub(range.start);
        blocking(move || {
            recorder
                .read(stream, range.start, len)
                .map(Data::new)
                .map_err(read_error)
        })
        .await
    }

    async fn envelope(&self, who: Authorized<ReadEnvelope>) -> Answer<Bytes> {
        let (camera, epoch, recorder) = (who.act().0, who.act().1, self.recorder.clone());
        blocking(move || {
            let found = recorder.envelope(camera, epoch);
            let found = found.map_err(Error::wrap(ErrorKind::Unavailable, "the disk fails"))?;
            found.map(Bytes::from).ok_or_else(not_found)
        })
        .await
    }

    async fn storage(&self, _: Authorized<ReadStorage>) -> Answer<api::Storage> {
        let recorder = self.recorder.clone();
        let usage = blocking(move || {
            recorder
                .usage()
                .map_err(Error::wrap(ErrorKind::Unavailable, "the disk fails"))
        });
        let usage = usage.await?;
        let stream = |stream: &bartizan_recordings::StreamUsage| api::StreamStorage {
            camera: stream.stream.camera,
            rendition: stream.stream.rendition,
            bytes: stream.bytes,
            oldest_ms: stream.oldest,
            newest_ms: stream.newest,
        };
        Ok(api::Storage {
            used_bytes: usage.bytes,
            free_bytes: usage.space.free,
            floor_bytes: self.free_space_floor,
            index_bytes: usage.streams.iter().map(|stream| stream.index_bytes).sum(),
            streams: usage.streams.iter().map(stream).collect(),
            alert: *lock(&self.disk_alert),
        })
    }

    async fn devices(&self, _: Authorized<ListDevices>) -> Answer<api::Devices> {
        let roster = self.roster().ok_or_else(not_found)?;
        let stored = self.store.devices().await.map_err(store_error)?;
        let device = |(id, name, added_ms, token_expires_ms)| {
            let device = roster.device(id)?;
            Some(api::Device {
                id,
                member: device.member,
                name: device.name.clone().unwrap_or(name),
                this: false,
                added_ms,
                token_expires_ms,
            })
        };
        Ok(api::Devices {
            devices: stored.into_iter().filter_map(device).collect(),
        })
    }

    async fn remove_device(
        &self,
        who: Authorized<RemoveDevice>,
        statement: Statement,
    ) -> Answer<()> {
        self.drop_device(who.act().0, &statement).await
    }

    async fn counters(&self, _: Authorized<ReadCounters>) -> Answer<api::Counters> {
        let recorder = self.recorder.clone();
        let usage = blocking(move || {
            recorder
                .usage()
                .map_err(Error::wrap(ErrorKind::Unavailable, "the disk fails"))
        });
        let usage = usage.await?;
        let counts = usage.counts;
        let streams = lock(&self.cameras).streaming();
        Ok(api::Counters {
            streams: u32::try_from(streams).unwrap_or(u32::MAX),
            frames: self.frames.load(Ordering::Relaxed),
            lost_packets: self.lost_packets.load(Ordering::Relaxed),
            lost_frames: counts.records_lost,
            bytes_in: counts.bytes_in,
            bytes_written: counts.bytes_written,
            index_bytes: usage.streams.iter().map(|stream| stream.index_bytes).sum(),
            syncs: counts.syncs,
            viewers: u32::try_from(self.hub.count()).unwrap_or(u32::MAX),
        })
    }
}
