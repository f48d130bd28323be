//! A gateway's backend in memory, for the tests: a roster, one camera's sealed stream, tokens.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use bartizan_access::claim::Presence;
use bartizan_access::decide::{
    AddCamera, AppendStatement, Authorized, ListCameras, ListDevices, ManageCamera, OwnKeystore,
    OwnPasskeys, OwnUnlockShare, ProbeSource, ReadCounters, ReadEnvelope, ReadRoster, ReadSite,
    ReadStorage, RemoveDevice, RenewToken, ViewLive, ViewRecording,
};
use bartizan_access::passkey::{Asserted, Passkey};
use bartizan_access::signin::{Entrant, Recovered};
use bartizan_access::token::{self, TokenHash, TokenRecord};
use bartizan_base::{Clock, Error, ErrorKind, SystemClock, random};
use bartizan_domain::{DeviceId, Fingerprint, Hash, MemberId, Rendition, Secret, UtcMillis};
use bartizan_http::Backend;
use bartizan_http::backend::{
    Claim, DataFeed, LiveFeed, MembersPasskeys, NewCamera, NewDevice, PasskeyMaterial, ProbeError,
    RecoveryMaterial, Share, TimeRange,
};
use bartizan_identity::roster::History;
use bartizan_identity::{Operation, Roster, Statement};
use bartizan_protocol::api;
use bytes::Bytes;

use crate::fixture::{SITE, Sealer, signing_key};

/// What the house knows.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) history: Option<History>,
    recovery_keystore: Vec<u8>,
    tokens: BTreeMap<[u8; 32], TokenRecord>,
    names: BTreeMap<DeviceId, bartizan_domain::text::Name>,
    cameras: Vec<api::Camera>,
    pub(crate) sealer: Option<Sealer>,
    /// A statement that somebody else adds just before the next one arrives.
    pub(crate) overtake: Option<Operation>,
    /// Statements at the end that are hidden.
    pub(crate) hidden: usize,
    /// Another sealer's signature at the claim.
    pub(crate) not_pinned: bool,
}

/// The backend.
#[derive(Default)]
pub(crate) struct House {
    state: Mutex<State>,
    /// Reads and live streams that break off.
    pub(crate) breaks: AtomicU32,
}

impl House {
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

impl State {
    fn history(&mut self) -> Result<&mut History, Error> {
        let none = || Error::new(ErrorKind::FailedPrecondition, "not claimed");
        self.history.as_mut().ok_or_else(none)
    }

    fn append(&mut self, statement: Statement) -> Result<(), Error> {
        if let Some(operation) = self.overtake.take() {
            let key = signing_key(31);
            let history = self.history()?;
            let next = history.current().next();
            let faster = Statement::sign(&key, SITE, next, SystemClock.utc(), operation);
            let refused = Error::wrap(ErrorKind::Internal, "the faster one is refused");
            history.append(faster).map_err(refused)?;
        }
        let refused = Error::wrap(ErrorKind::FailedPrecondition, "the roster refuses it");
        self.history()?.append(statement).map_err(refused)
    }

    fn session(&mut self, who: (MemberId, DeviceId), key: Fingerprint) -> api::Session {
        let secret = Secret::new(random::bytes().unwrap());
        let issued = token::issue(&secret, who, key, SystemClock.utc());
        self.tokens.insert(*issued.hash.as_bytes(), issued.record);
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

    fn segments(&self) -> Vec<api::Segment> {
        let Some(sealer) = &self.sealer else {
            return Vec::new();
        };
        let ends = sealer.places.iter().skip(1).map(|(offset, ..)| *offset);
        let ends = ends.chain([sealer.out.len()]);
        let segment =
            |((offset, start, key), end): (&(usize, UtcMillis, bool), usize)| api::Segment {
                start_ms: *start,
                duration_ms: 2_000,
                offset: *offset as u64,
                len: (end - offset) as u64,
                key_len: u32::from(*key),
            };
        sealer.places.iter().zip(ends).map(segment).collect()
    }
}

/// The whole stream so far, in pieces, and then nothing, or the end.
pub(crate) struct Watching(Vec<Bytes>, bool);

impl LiveFeed for Watching {
    async fn next(&mut self) -> Option<Bytes> {
        match self.0.pop() {
            Some(bytes) => Some(bytes),
            None if self.1 => None,
            None => std::future::pending().await,
        }
    }
}

/// A stretch of it.
pub(crate) struct Reading {
    bytes: Bytes,
    breaks: bool,
}

impl DataFeed for Reading {
    async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        if self.bytes.is_empty() {
            return if self.breaks {
                Err(Error::internal("the disk is gone"))
            } else {
                Ok(None)
            };
        }
        Ok(Some(self.bytes.split_to(self.bytes.len().min(1_000))))
    }
}

/// This client has no passkeys: it never asks.
fn browsers_only() -> Error {
    Error::internal("the client asked for what only browsers need")
}

impl Backend for House {
    type Live = Watching;
    type Data = Reading;

    fn roster(&self) -> Option<Arc<Roster>> {
        let state = self.state();
        let history = state.history.as_ref()?;
        Some(Arc::new(history.current().clone()))
    }

    async fn token(&self, hash: TokenHash) -> Result<Option<TokenRecord>, Error> {
        Ok(self.state().tokens.get(hash.as_bytes()).copied())
    }

    async fn claim_offer(&self, _: &Presence) -> Result<api::ClaimOffer, Error> {
        Ok(api::ClaimOffer {
            site: SITE,
            gateway: signing_key(21).public().as_bytes().as_slice().into(),
            sealer: signing_key(22).public().as_bytes().as_slice().into(),
        })
    }

    async fn claim(&self, _: &Presence, claim: Claim) -> Result<api::Session, Error> {
        let mut state = self.state();
        let genesis = claim.genesis.hash();
        state.history = Some(History::begin(claim.genesis).unwrap());
        state.recovery_keystore = claim.recovery_keystore;
        state.names.insert(claim.device, claim.device_name);
        let seed = if state.not_pinned { 23 } else { 22 };
        let pinned = [genesis.as_bytes().as_slice(), genesis.as_bytes()].concat();
        let signature = signing_key(seed).sign(api::PINNED_CONTEXT, &pinned);
        let mut session = state.session((claim.owner, claim.device), claim.thumbprint);
        session.pinned = Some(signature.as_bytes().as_slice().into());
        Ok(session)
    }

    async fn recovery_material(&self, _: &Recovered) -> Result<RecoveryMaterial, Error> {
        let mut state = self.state();
        let statements = state.history()?.statements().iter();
        Ok(RecoveryMaterial {
            statements: statements.map(|one| one.as_bytes().to_vec()).collect(),
            recovery_keystore: state.recovery_keystore.clone(),
        })
    }

    async fn log(&self, _: Entrant) -> Result<Vec<Vec<u8>>, Error> {
        Err(browsers_only())
    }

    async fn device_names(&self, _: Entrant) -> Result<Vec<bartizan_domain::text::Name>, Error> {
        Ok(self.state().names.values().cloned().collect())
    }

    async fn add_device(&self, _: Entrant, device: NewDevice) -> Result<api::Session, Error> {
        let mut state = self.state();
        state.append(device.statement)?;
        state.names.insert(device.device, device.name);
        Ok(state.session((device.member, device.device), device.thumbprint))
    }

    async fn renew_token(&self, who: Authorized<RenewToken>) -> Result<UtcMillis, Error> {
        let expires = SystemClock.utc().saturating_add(token::LIFETIME);
        let mut state = self.state();
        let mut tokens = state.tokens.values_mut();
        let record = tokens.find(|record| record.device == who.caller().device());
        record.ok_or_else(|| Error::internal("no token"))?.expires = expires;
        Ok(expires)
    }

    async fn site(&self, who: Authorized<ReadSite>) -> Result<api::Site, Error> {
        let mut state = self.state();
        let roster = state.history()?.current();
        Ok(api::Site {
            site: SITE,
            member: who.caller().member(),
            version: "test".to_owned(),
            roster_len: roster.len(),
            roster_head: roster.head(),
            root_key: api::RootKeyKind::File,
            authority: None,
            now_ms: SystemClock.utc(),
        })
    }

    async fn statements(
        &self,
        _: Authorized<ReadRoster>,
        from: u64,
    ) -> Result<api::Statements, Error> {
        let mut state = self.state();
        let hidden = state.hidden;
        let statements = state.history()?.statements();
        let shown = &statements[..statements.len() - hidden];
        let skip = usize::try_from(from).unwrap();
        // Two at a time, so that asking again is seen.
        let some = shown.iter().skip(skip).take(2);
        let statements = some.map(|one| one.as_bytes().into()).collect();
        Ok(api::Statements { from, statements })
    }

    async fn append(
        &self,
        _: Authorized<AppendStatement>,
        statement: Statement,
    ) -> Result<(), Error> {
        self.state().append(statement)
    }

    async fn keystore(&self, _: Authorized<OwnKeystore>) -> Result<Option<Vec<u8>>, Error> {
        Ok(None)
    }

    async fn put_keystore(&self, _: Authorized<OwnKeystore>, _: Vec<u8>) -> Result<(), Error> {
        Ok(())
    }

    async fn passkeys(&self, _: Authorized<OwnPasskeys>) -> Result<MembersPasskeys, Error> {
        Err(browsers_only())
    }

    async fn passkey(&self, _: Hash) -> Result<Option<Passkey>, Error> {
        Err(browsers_only())
    }

    async fn add_passkey(
        &self,
        _: Authorized<OwnPasskeys>,
        _: Passkey,
        _: Option<Vec<u8>>,
    ) -> Result<(), Error> {
        Err(browsers_only())
    }

    async fn put_passkey_keystore(
        &self,
        _: Authorized<OwnPasskeys>,
        _: Hash,
        _: Vec<u8>,
    ) -> Result<(), Error> {
        Err(browsers_only())
    }

    async fn rename_passkey(
        &self,
        _: Authorized<OwnPasskeys>,
        _: Hash,
        _: bartizan_domain::text::Name,
    ) -> Result<(), Error> {
        Err(browsers_only())
    }

    async fn remove_passkey(&self, _: Authorized<OwnPasskeys>, _: Hash) -> Result<(), Error> {
        Err(browsers_only())
    }

    async fn note_passkey(&self, _: &Asserted) -> Result<(), Error> {
        Err(browsers_only())
    }

    async fn passkey_material(&self, _: &Asserted) -> Result<PasskeyMaterial, Error> {
        Err(browsers_only())
    }

    async fn put_unlock_share(&self, _: Authorized<OwnUnlockShare>, _: Share) -> Result<(), Error> {
        Err(browsers_only())
    }

    async fn unlock_share(&self, _: &Asserted, _: DeviceId) -> Result<Option<Share>, Error> {
        Err(browsers_only())
    }

    async fn cameras(&self, _: Authorized<ListCameras>) -> Result<Vec<api::Camera>, Error> {
        Ok(self.state().cameras.clone())
    }

    async fn camera(
        &self,
        _: Authorized<ListCameras>,
        camera: bartizan_domain::CameraId,
    ) -> Result<api::Camera, Error> {
        let state = self.state();
        let found = state.cameras.iter().find(|one| one.id == camera);
        found
            .cloned()
            .ok_or_else(|| Error::new(ErrorKind::NotFound, "no camera"))
    }

    async fn add_camera(
        &self,
        _: Authorized<AddCamera>,
        camera: NewCamera,
    ) -> Result<api::Camera, Error> {
        let new = camera;
        let mut state = self.state();
        state.append(new.statement)?;
        let status = api::StreamStatus::Connecting { problem: None };
        let camera = api::Camera {
            id: new.camera,
            name: new.name,
            source: "rtsp://cam/".to_owned(),
            streams: vec![api::CameraStream {
                rendition: Rendition::Main,
                status,
            }],
            retention: new.retention,
        };
        state.cameras.push(camera.clone());
        Ok(camera)
    }

    async fn patch_camera(
        &self,
        who: Authorized<ManageCamera>,
        patch: api::CameraPatch,
    ) -> Result<api::Camera, Error> {
        let mut state = self.state();
        let id = who.act().0;
        let found = state.cameras.iter_mut().find(|camera| camera.id == id);
        let camera = found.ok_or_else(|| Error::new(ErrorKind::NotFound, "no camera"))?;
        if let Some(name) = patch.name {
            camera.name = name;
        }
        Ok(camera.clone())
    }

    async fn remove_camera(
        &self,
        who: Authorized<ManageCamera>,
        statement: Statement,
    ) -> Result<(), Error> {
        let mut state = self.state();
        state.append(statement)?;
        state.cameras.retain(|camera| camera.id != who.act().0);
        Ok(())
    }

    async fn probe(
        &self,
        _: Authorized<ProbeSource>,
        _: api::SourceSettings,
    ) -> Result<api::ProbeReport, ProbeError> {
        Err(ProbeError::Camera(api::CameraProblem {
            kind: api::CameraProblemKind::Unauthorized,
            message: "The camera\u{1b}[2J wants another password.".to_owned(),
        }))
    }

    async fn probe_camera(
        &self,
        _: Authorized<ManageCamera>,
        _: Rendition,
    ) -> Result<api::ProbeReport, ProbeError> {
        Err(Error::new(ErrorKind::Unavailable, "Not now.").into())
    }

    async fn watch(&self, _: Authorized<ViewLive>) -> Result<Watching, Error> {
        let state = self.state();
        let sealer = state.sealer.as_ref().unwrap();
        let envelope = sealer
            .envelopes
            .values()
            .map(Vec::as_slice)
            .collect::<Vec<_>>();
        let bytes = [envelope.concat(), sealer.out.clone()].concat();
        let mut pieces: Vec<_> = bytes.chunks(700).map(Bytes::copy_from_slice).collect();
        let left = self.breaks.load(Ordering::SeqCst);
        if left > 0 {
            self.breaks.store(left - 1, Ordering::SeqCst);
            pieces.truncate(pieces.len() / 3);
        }
        pieces.reverse();
        Ok(Watching(pieces, left > 0))
    }

    async fn recordings(
        &self,
        who: Authorized<ViewRecording>,
        _: TimeRange,
    ) -> Result<api::Recordings, Error> {
        let segments = self.state().segments();
        let first = segments.first().map(|one| one.start_ms);
        let spans = first.map(|start_ms| api::Span {
            start_ms,
            end_ms: segments.last().unwrap().start_ms.saturating_add(2_000),
        });
        Ok(api::Recordings {
            rendition: who.act().0.rendition,
            spans: spans.into_iter().collect(),
        })
    }

    async fn segments(
        &self,
        _: Authorized<ViewRecording>,
        range: TimeRange,
        _: usize,
    ) -> Result<api::Segments, Error> {
        let all = self.state().segments().into_iter().filter(|one| {
            one.start_ms < range.to && one.start_ms.saturating_add(2_000) > range.from
        });
        let mut segments: Vec<_> = all.collect();
        // Three at a time, so that asking again is seen.
        let next_ms = segments.get(3).map(|next| next.start_ms);
        segments.truncate(3);
        Ok(api::Segments { segments, next_ms })
    }

    async fn extent(&self, _: &Authorized<ViewRecording>) -> Result<Range<u64>, Error> {
        let state = self.state();
        Ok(0..state
            .sealer
            .as_ref()
            .map_or(0, |sealer| sealer.out.len() as u64))
    }

    async fn read(
        &self,
        _: Authorized<ViewRecording>,
        range: Range<u64>,
    ) -> Result<Reading, Error> {
        let state = self.state();
        let range = usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap();
        let mut bytes = Bytes::copy_from_slice(&state.sealer.as_ref().unwrap().out[range]);
        let left = self.breaks.load(Ordering::SeqCst);
        let breaks = left > 0 && bytes.len() > 3_000;
        if breaks {
            self.breaks.store(left - 1, Ordering::SeqCst);
            bytes.truncate(2_500);
        }
        Ok(Reading { bytes, breaks })
    }

    async fn envelope(&self, who: Authorized<ReadEnvelope>) -> Result<Bytes, Error> {
        let state = self.state();
        let sealer = state.sealer.as_ref().unwrap();
        let found = sealer.envelopes.get(&who.act().1).cloned();
        found
            .map(Bytes::from)
            .ok_or_else(|| Error::new(ErrorKind::NotFound, "no envelope"))
    }

    async fn storage(&self, _: Authorized<ReadStorage>) -> Result<api::Storage, Error> {
        Ok(api::Storage {
            used_bytes: 1,
            free_bytes: 2,
            floor_bytes: 3,
            index_bytes: 4,
            streams: Vec::new(),
            alert: None,
        })
    }

    async fn devices(&self, _: Authorized<ListDevices>) -> Result<api::Devices, Error> {
        let mut state = self.state();
        let names = state.names.clone();
        let devices = state.history()?.current().devices();
        let devices = devices.map(|(id, device)| api::Device {
            id,
            member: device.member,
            name: names[&id].clone(),
            this: false,
            added_ms: UtcMillis(1),
            token_expires_ms: None,
        });
        Ok(api::Devices {
            devices: devices.collect(),
        })
    }

    async fn remove_device(
        &self,
        who: Authorized<RemoveDevice>,
        statement: Statement,
    ) -> Result<(), Error> {
        let mut state = self.state();
        state.append(statement)?;
        state
            .tokens
            .retain(|_, record| record.device != who.act().0);
        Ok(())
    }

    async fn counters(&self, _: Authorized<ReadCounters>) -> Result<api::Counters, Error> {
        Err(Error::new(ErrorKind::NotFound, "no counters"))
    }
}
