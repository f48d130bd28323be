//! A gateway in memory: everything that the API needs, nothing on disk.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bartizan_access::claim::Presence;
use bartizan_access::decide::{
    AddCamera, AppendStatement, Authorized, ListCameras, ListDevices, ManageCamera, OwnKeystore,
    OwnPasskeys, OwnUnlockShare, ProbeSource, ReadCounters, ReadEnvelope, ReadRoster, ReadSite,
    ReadStorage, RemoveDevice, RenewToken, ViewLive, ViewRecording,
};
use bartizan_access::passkey::{Asserted, MAX_PASSKEYS, Passkey};
use bartizan_access::signin::{Entrant, Recovered};
use bartizan_access::token::{LIFETIME, TokenHash, TokenRecord, issue};
use bartizan_base::{Clock, Error, ErrorKind, TestClock, random};
use bartizan_domain::text::Name;
use bartizan_domain::{CameraId, DeviceId, Hash, MemberId, Rendition, Secret, SiteId, UtcMillis};
use bartizan_http::Backend;
use bartizan_http::backend::{
    Claim, DataFeed, LiveFeed, MembersPasskeys, NewCamera, NewDevice, PasskeyMaterial, ProbeError,
    RecoveryMaterial, Share, TimeRange,
};
use bartizan_identity::roster::History;
use bartizan_identity::{Roster, RosterError, Statement, VerifyingKey};
use bartizan_protocol::api;
use bartizan_protocol::blob::Blob;
use bytes::Bytes;
use tokio::sync::broadcast;

use crate::gates::{Gates, Point};

/// What is recorded of every main stream; what was before offset 1,000 is gone. Sub streams hold a terabyte.
pub(crate) const SEALED_LEN: u64 = 3_000_000;
pub(crate) const FIRST_KEPT: u64 = 1_000;

pub(crate) fn sealed(range: Range<u64>) -> Vec<u8> {
    range.map(|at| u8::try_from(at % 251).unwrap()).collect()
}

#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) history: Option<History>,
    roster: Option<Arc<Roster>>,
    pub(crate) tokens: BTreeMap<TokenHash, TokenRecord>,
    pub(crate) cameras: BTreeMap<CameraId, api::Camera>,
    names: BTreeMap<DeviceId, Name>,
    keystores: BTreeMap<MemberId, Vec<u8>>,
    recovery_keystore: Vec<u8>,
    pub(crate) passkeys: BTreeMap<Hash, (Passkey, Option<Vec<u8>>)>,
    /// Passkeys that were asked for.
    pub(crate) looked_up: usize,
    shares: BTreeMap<DeviceId, Share>,
    /// Tokens cannot be looked up: the disk is gone.
    pub(crate) broken: bool,
    /// Reading fails after so many bytes.
    pub(crate) fails_after: Option<usize>,
    /// Claims and changes that reached the backend.
    pub(crate) changes: usize,
}

#[derive(Debug)]
pub(crate) struct Memory {
    state: Mutex<State>,
    pub(crate) clock: TestClock,
    pub(crate) live: broadcast::Sender<Bytes>,
    pub(crate) gateway: VerifyingKey,
    pub(crate) sealer: VerifyingKey,
    pub(crate) gates: Gates,
}

pub(crate) const SITE: SiteId = SiteId::new([1; 16]);

impl Memory {
    pub(crate) fn new(clock: TestClock, gateway: VerifyingKey, sealer: VerifyingKey) -> Self {
        let (live, _) = broadcast::channel(4);
        let state = Mutex::default();
        Self {
            state,
            clock,
            live,
            gateway,
            sealer,
            gates: Gates::default(),
        }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn begin(&self, genesis: Statement) {
        let mut state = self.state();
        let history = History::begin(genesis).unwrap();
        state.roster = Some(Arc::new(history.current().clone()));
        state.history = Some(history);
    }

    pub(crate) fn apply(&self, statement: Statement) -> Result<(), Error> {
        let mut state = self.state();
        let history = state
            .history
            .as_mut()
            .ok_or_else(|| Error::internal("no roster"))?;
        history.append(statement).map_err(refused)?;
        let roster = Arc::new(history.current().clone());
        state
            .tokens
            .retain(|_, record| roster.device(record.device).is_some());
        state
            .cameras
            .retain(|camera, _| roster.camera(*camera).is_some());
        state
            .passkeys
            .retain(|_, (passkey, _)| roster.member(passkey.member).is_some());
        state
            .shares
            .retain(|device, _| roster.device(*device).is_some());
        state.roster = Some(roster);
        state.changes += 1;
        Ok(())
    }

    pub(crate) fn session(
        &self,
        who: (MemberId, DeviceId),
        key: bartizan_domain::Fingerprint,
    ) -> api::Session {
        let issued = issue(
            &Secret::new(random::bytes().unwrap()),
            who,
            key,
            self.clock.utc(),
        );
        self.state().tokens.insert(issued.hash, issued.record);
        api::Session {
            site: SITE,
            member: who.0,
            device: who.1,
            token: issued.text.expose().clone(),
            expires_ms: issued.record.expires,
            pinned: None,
            suggested: Vec::new(),
        }
    }

    fn find(&self, camera: CameraId) -> Result<api::Camera, Error> {
        let found = self.state().cameras.get(&camera).cloned();
        found.ok_or_else(|| Error::new(ErrorKind::NotFound, "no such row"))
    }
}

fn logged(state: &State) -> Vec<Vec<u8>> {
    let statements = state.history.iter().flat_map(History::statements);
    statements.map(|one| one.as_bytes().to_vec()).collect()
}

fn refused(error: RosterError) -> Error {
    let kind = match error {
        RosterError::NotNext { .. } => ErrorKind::FailedPrecondition,
        RosterError::NotAllowed | RosterError::UnknownAuthor | RosterError::BadSignature => {
            ErrorKind::PermissionDenied
        }
        RosterError::Exists => ErrorKind::AlreadyExists,
        RosterError::Full { .. } => ErrorKind::ResourceExhausted,
        _ => ErrorKind::InvalidArgument,
    };
    Error::new(kind, error.to_string())
}

fn nowhere() -> Error {
    Error::new(ErrorKind::NotFound, "no such row")
}

#[derive(Debug)]
pub(crate) struct Feed(broadcast::Receiver<Bytes>);

impl LiveFeed for Feed {
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            match self.0.recv().await {
                Ok(batch) => return Some(batch),
                Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    }
}

#[derive(Debug)]
pub(crate) struct Disk {
    range: Range<u64>,
    fails_after: Option<usize>,
}

impl DataFeed for Disk {
    async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        if self.fails_after == Some(0) {
            return Err(Error::new(ErrorKind::DataLoss, "the disk is on fire"));
        }
        let end = self.range.end.min(self.range.start + 1_000);
        let piece = self.range.start..end;
        self.range.start = end;
        self.fails_after = self.fails_after.map(|left| left.saturating_sub(1_000));
        Ok((!piece.is_empty()).then(|| sealed(piece).into()))
    }
}

impl Backend for Memory {
    type Live = Feed;
    type Data = Disk;

    fn roster(&self) -> Option<Arc<Roster>> {
        self.state().roster.clone()
    }

    async fn token(&self, hash: TokenHash) -> Result<Option<TokenRecord>, Error> {
        let state = self.state();
        if state.broken {
            return Err(Error::internal("the disk is gone"));
        }
        Ok(state.tokens.get(&hash).copied())
    }

    async fn claim_offer(&self, _: &Presence) -> Result<api::ClaimOffer, Error> {
        Ok(api::ClaimOffer {
            site: SITE,
            gateway: Blob(self.gateway.as_bytes().to_vec()),
            sealer: Blob(self.sealer.as_bytes().to_vec()),
        })
    }

    async fn claim(&self, _: &Presence, claim: Claim) -> Result<api::Session, Error> {
        tokio::task::yield_now().await;
        if self.roster().is_some() {
            return Err(Error::new(ErrorKind::AlreadyExists, "claimed already"));
        }
        let roster = Roster::begin(&claim.genesis).map_err(refused)?;
        if roster.gateway() != self.gateway || roster.site() != SITE {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                "the genesis is for another gateway",
            ));
        }
        self.state().changes += 1;
        self.begin(claim.genesis);
        self.state().recovery_keystore = claim.recovery_keystore;
        self.state().names.insert(claim.device, claim.device_name);
        Ok(self.session((claim.owner, claim.device), claim.thumbprint))
    }

    async fn recovery_material(&self, _: &Recovered) -> Result<RecoveryMaterial, Error> {
        let state = self.state();
        let statements = state.history.iter().flat_map(History::statements);
        Ok(RecoveryMaterial {
            statements: statements
                .map(|statement| statement.as_bytes().to_vec())
                .collect(),
            recovery_keystore: state.recovery_keystore.clone(),
        })
    }

    async fn log(&self, _: Entrant) -> Result<Vec<Vec<u8>>, Error> {
        let log = logged(&self.state());
        self.gates.pass(Point::Judged).await;
        Ok(log)
    }

    async fn device_names(&self, entrant: Entrant) -> Result<Vec<Name>, Error> {
        let roster = self.roster().ok_or_else(nowhere)?;
        let now = self.clock.utc();
        let theirs = |device: &DeviceId| {
            let device = roster.device(*device);
            device.is_some_and(|device| entrant.joins(&roster, device.member, now))
        };
        let state = self.state();
        let named = state.names.iter().filter(|(id, _)| theirs(id));
        Ok(named.map(|(_, name)| name.clone()).collect())
    }

    async fn add_device(&self, _: Entrant, device: NewDevice) -> Result<api::Session, Error> {
        self.gates.pass(Point::Join).await;
        self.apply(device.statement)?;
        self.state().names.insert(device.device, device.name);
        Ok(self.session((device.member, device.device), device.thumbprint))
    }

    async fn renew_token(&self, who: Authorized<RenewToken>) -> Result<UtcMillis, Error> {
        let expires = self.clock.utc().saturating_add(LIFETIME);
        let mut state = self.state();
        let mut tokens = state.tokens.values_mut();
        let record = tokens.find(|record| record.device == who.caller().device());
        record.ok_or_else(|| Error::internal("no token"))?.expires = expires;
        Ok(expires)
    }

    async fn site(&self, who: Authorized<ReadSite>) -> Result<api::Site, Error> {
        let roster = self.roster().ok_or_else(|| Error::internal("no roster"))?;
        Ok(api::Site {
            site: SITE,
            member: who.caller().member(),
            version: "test".to_owned(),
            roster_len: roster.len(),
            roster_head: roster.head(),
            root_key: api::RootKeyKind::File,
            authority: None,
            now_ms: self.clock.utc(),
        })
    }

    async fn statements(
        &self,
        _: Authorized<ReadRoster>,
        from: u64,
    ) -> Result<api::Statements, Error> {
        let state = self.state();
        let all = state.history.iter().flat_map(History::statements);
        let rest = all.skip(usize::try_from(from).unwrap_or(usize::MAX));
        let statements = rest
            .map(|statement| Blob(statement.as_bytes().to_vec()))
            .collect();
        Ok(api::Statements { from, statements })
    }

    async fn append(
        &self,
        _: Authorized<AppendStatement>,
        statement: Statement,
    ) -> Result<(), Error> {
        self.apply(statement)
    }

    async fn keystore(&self, who: Authorized<OwnKeystore>) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.state().keystores.get(&who.caller().member()).cloned())
    }

    async fn put_keystore(
        &self,
        who: Authorized<OwnKeystore>,
        locked: Vec<u8>,
    ) -> Result<(), Error> {
        self.state().keystores.insert(who.caller().member(), locked);
        Ok(())
    }

    async fn passkeys(&self, who: Authorized<OwnPasskeys>) -> Result<MembersPasskeys, Error> {
        let state = self.state();
        let all = state.passkeys.values().map(|(passkey, _)| passkey);
        let own = all.filter(|passkey| passkey.member == who.caller().member());
        Ok(MembersPasskeys {
            name: None,
            passkeys: own.cloned().collect(),
        })
    }

    async fn passkey(&self, lookup: Hash) -> Result<Option<Passkey>, Error> {
        let mut state = self.state();
        state.looked_up += 1;
        Ok(state
            .passkeys
            .get(&lookup)
            .map(|(passkey, _)| passkey.clone()))
    }

    async fn add_passkey(
        &self,
        who: Authorized<OwnPasskeys>,
        passkey: Passkey,
        keystore: Option<Vec<u8>>,
    ) -> Result<(), Error> {
        if self.passkeys(who).await?.passkeys.len() >= MAX_PASSKEYS {
            return Err(Error::new(ErrorKind::ResourceExhausted, "so many already"));
        }
        let mut state = self.state();
        if state.passkeys.contains_key(&passkey.lookup()) {
            return Err(Error::new(ErrorKind::AlreadyExists, "somebody has it"));
        }
        state.passkeys.insert(passkey.lookup(), (passkey, keystore));
        Ok(())
    }

    async fn put_passkey_keystore(
        &self,
        who: Authorized<OwnPasskeys>,
        lookup: Hash,
        locked: Vec<u8>,
    ) -> Result<(), Error> {
        let mut state = self.state();
        let found = state.passkeys.get_mut(&lookup);
        let own = found.filter(|(passkey, _)| passkey.member == who.caller().member());
        let (passkey, keystore) = own.ok_or_else(nowhere)?;
        (passkey.opens, *keystore) = (true, Some(locked));
        Ok(())
    }

    async fn rename_passkey(
        &self,
        who: Authorized<OwnPasskeys>,
        lookup: Hash,
        name: Name,
    ) -> Result<(), Error> {
        let mut state = self.state();
        let found = state.passkeys.get_mut(&lookup);
        let own = found.filter(|(passkey, _)| passkey.member == who.caller().member());
        let (passkey, _) = own.ok_or_else(nowhere)?;
        passkey.name = name;
        Ok(())
    }

    async fn remove_passkey(
        &self,
        who: Authorized<OwnPasskeys>,
        lookup: Hash,
    ) -> Result<(), Error> {
        let mut state = self.state();
        let found = state.passkeys.get(&lookup);
        let own = found.filter(|(passkey, _)| passkey.member == who.caller().member());
        own.ok_or_else(nowhere)?;
        state.passkeys.remove(&lookup);
        Ok(())
    }

    async fn note_passkey(&self, used: &Asserted) -> Result<(), Error> {
        let mut state = self.state();
        let found = state.passkeys.get_mut(&used.credential());
        let (passkey, _) = found.ok_or_else(nowhere)?;
        let noted = passkey.note(used, self.clock.utc());
        noted.map_err(|error| Error::new(ErrorKind::Unauthenticated, error.to_string()))
    }

    async fn passkey_material(&self, used: &Asserted) -> Result<PasskeyMaterial, Error> {
        let material = {
            let state = self.state();
            let found = state.passkeys.get(&used.credential());
            let (_, keystore) = found.ok_or_else(nowhere)?;
            PasskeyMaterial {
                statements: logged(&state),
                keystore: keystore.clone(),
            }
        };
        self.gates.pass(Point::Judged).await;
        Ok(material)
    }

    async fn put_unlock_share(
        &self,
        who: Authorized<OwnUnlockShare>,
        share: Share,
    ) -> Result<(), Error> {
        self.state().shares.insert(who.caller().device(), share);
        Ok(())
    }

    async fn unlock_share(&self, _: &Asserted, device: DeviceId) -> Result<Option<Share>, Error> {
        Ok(self.state().shares.get(&device).cloned())
    }

    async fn cameras(&self, _: Authorized<ListCameras>) -> Result<Vec<api::Camera>, Error> {
        Ok(self.state().cameras.values().cloned().collect())
    }

    async fn camera(
        &self,
        _: Authorized<ListCameras>,
        camera: CameraId,
    ) -> Result<api::Camera, Error> {
        self.find(camera)
    }

    async fn add_camera(
        &self,
        _: Authorized<AddCamera>,
        camera: NewCamera,
    ) -> Result<api::Camera, Error> {
        self.apply(camera.statement)?;
        let added = api::Camera {
            id: camera.camera,
            name: camera.name,
            source: "rtsp://camera/".to_owned(),
            streams: Vec::new(),
            retention: camera.retention,
        };
        self.state().cameras.insert(added.id, added.clone());
        Ok(added)
    }

    async fn patch_camera(
        &self,
        who: Authorized<ManageCamera>,
        patch: api::CameraPatch,
    ) -> Result<api::Camera, Error> {
        let mut camera = self.find(who.act().0)?;
        camera.name = patch.name.unwrap_or(camera.name);
        camera.retention = patch.retention.unwrap_or(camera.retention);
        self.state().cameras.insert(camera.id, camera.clone());
        Ok(camera)
    }

    async fn remove_camera(
        &self,
        _: Authorized<ManageCamera>,
        statement: Statement,
    ) -> Result<(), Error> {
        self.apply(statement)
    }

    async fn probe(
        &self,
        _: Authorized<ProbeSource>,
        _: api::SourceSettings,
    ) -> Result<api::ProbeReport, ProbeError> {
        Err(ProbeError::Camera(api::CameraProblem {
            kind: api::CameraProblemKind::Unauthorized,
            message: "The camera wants another password.".to_owned(),
        }))
    }

    async fn probe_camera(
        &self,
        who: Authorized<ManageCamera>,
        _: Rendition,
    ) -> Result<api::ProbeReport, ProbeError> {
        self.find(who.act().0)?;
        Err(Error::internal("secret path /var/lib/bartizan").into())
    }

    async fn watch(&self, _: Authorized<ViewLive>) -> Result<Feed, Error> {
        Ok(Feed(self.live.subscribe()))
    }

    async fn recordings(
        &self,
        who: Authorized<ViewRecording>,
        range: TimeRange,
    ) -> Result<api::Recordings, Error> {
        let span = api::Span {
            start_ms: range.from,
            end_ms: range.to,
        };
        Ok(api::Recordings {
            rendition: who.act().0.rendition,
            spans: vec![span],
        })
    }

    async fn segments(
        &self,
        _: Authorized<ViewRecording>,
        range: TimeRange,
        limit: usize,
    ) -> Result<api::Segments, Error> {
        let segment = api::Segment {
            start_ms: range.from,
            duration_ms: 1_000,
            offset: FIRST_KEPT,
            len: 10,
            key_len: 5,
        };
        Ok(api::Segments {
            segments: vec![segment; limit.min(2)],
            next_ms: None,
        })
    }

    async fn extent(&self, who: &Authorized<ViewRecording>) -> Result<Range<u64>, Error> {
        self.find(who.act().0.camera)?;
        match who.act().0.rendition {
            Rendition::Main => Ok(FIRST_KEPT..SEALED_LEN),
            Rendition::Sub => Ok(FIRST_KEPT..1 << 40),
        }
    }

    async fn read(&self, _: Authorized<ViewRecording>, range: Range<u64>) -> Result<Disk, Error> {
        Ok(Disk {
            range,
            fails_after: self.state().fails_after,
        })
    }

    async fn envelope(&self, who: Authorized<ReadEnvelope>) -> Result<Bytes, Error> {
        Ok(Bytes::copy_from_slice(who.act().1.as_bytes()))
    }

    async fn storage(&self, _: Authorized<ReadStorage>) -> Result<api::Storage, Error> {
        let row = |camera: &CameraId| api::StreamStorage {
            camera: *camera,
            rendition: Rendition::Main,
            bytes: SEALED_LEN,
            oldest_ms: None,
            newest_ms: None,
        };
        Ok(api::Storage {
            used_bytes: 1,
            free_bytes: 2,
            floor_bytes: 3,
            index_bytes: 4,
            streams: self.state().cameras.keys().map(row).collect(),
            alert: None,
        })
    }

    async fn devices(&self, _: Authorized<ListDevices>) -> Result<api::Devices, Error> {
        let roster = self.roster().ok_or_else(|| Error::internal("no roster"))?;
        let row = |(id, device): (DeviceId, &bartizan_identity::roster::Device)| api::Device {
            id,
            member: device.member,
            name: Name::parse("phone").unwrap(),
            this: false,
            added_ms: UtcMillis(0),
            token_expires_ms: None,
        };
        Ok(api::Devices {
            devices: roster.devices().map(row).collect(),
        })
    }

    async fn remove_device(
        &self,
        _: Authorized<RemoveDevice>,
        statement: Statement,
    ) -> Result<(), Error> {
        self.apply(statement)
    }

    async fn counters(&self, _: Authorized<ReadCounters>) -> Result<api::Counters, Error> {
        Ok(api::Counters {
            streams: 1,
            frames: 0,
            lost_packets: 0,
            lost_frames: 0,
            bytes_in: 0,
            bytes_written: 0,
            index_bytes: 0,
            syncs: 0,
            viewers: 0,
        })
    }
}
