//! What a verified log of statements means, and who may add which statement to it.

use std::collections::BTreeMap;

use bartizan_domain::limits::{MAX_CAMERAS, MAX_RECIPIENTS};
use bartizan_domain::text::Name;
use bartizan_domain::{
    CameraId, DeviceId, Fingerprint, Hash, KeyId, MemberId, SiteId, UtcMillis, sabotage,
};

use super::operation::{Genesis, Operation, Role};
use super::statement::Statement;
use super::{MAX_DEVICES, MAX_MEMBERS, MAX_READER_KEYS_PER_MEMBER, MAX_STATEMENTS};
use crate::{ReaderPublic, VerifyingKey};

/// A person on the roster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// What they may do.
    pub role: Role,
    /// Their signing identity.
    pub identity: VerifyingKey,
    /// Until when.
    pub expires: Option<UtcMillis>,
    /// For viewers: which cameras.
    pub cameras: Vec<CameraId>,
    /// Reader keys that get epochs, oldest first.
    pub readers: Vec<ReaderPublic>,
    /// What a statement calls them; `None` as long as none does.
    pub name: Option<Name>,
}

impl Member {
    fn is_current(&self, now: UtcMillis) -> bool {
        self.expires.is_none_or(|end| now < end)
    }

    fn may_watch(&self, camera: CameraId) -> bool {
        match self.role {
            Role::Owner | Role::Admin | Role::Member => true,
            Role::Viewer => self.cameras.contains(&camera),
            Role::Auditor => false,
        }
    }
}

/// A member's device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// Whose.
    pub member: MemberId,
    /// Thumbprint (RFC 7638) of its DPoP key.
    pub thumbprint: Fingerprint,
    /// What a statement calls it; `None` as long as none does.
    pub name: Option<Name>,
}

/// A camera on the roster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Camera {
    /// Who seals it.
    pub sealer: KeyId,
}

/// A reader key that is entitled to a camera's epochs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recipient<'a> {
    /// Whose; `None` is the recovery key.
    pub member: Option<MemberId>,
    /// The key.
    pub key: &'a ReaderPublic,
}

/// Why a statement does not belong on a roster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RosterError {
    /// The log is empty or does not start with a genesis.
    #[error("a roster starts with its genesis")]
    NoGenesis,
    /// A second genesis.
    #[error("a roster has only one genesis")]
    SecondGenesis,
    /// It is another site's.
    #[error("the statement is for another site")]
    OtherSite,
    /// It does not follow the last one: something was added meanwhile, dropped or forked.
    #[error("the statement does not follow the roster's head (sequence {expected} is next)")]
    NotNext {
        /// The sequence number that fits.
        expected: u64,
    },
    /// The author is unknown, expired or removed.
    #[error("the statement's author is not on the roster")]
    UnknownAuthor,
    /// The signature does not verify.
    #[error("the statement's signature does not verify")]
    BadSignature,
    /// The author's role does not allow it.
    #[error("the author may not do this")]
    NotAllowed,
    /// It names something that is not on the roster.
    #[error("the statement names something that is not on the roster")]
    NotFound,
    /// It adds something that is there already, or gives a name that is the present one.
    #[error("the statement adds something that is on the roster already")]
    Exists,
    /// A site must keep an owner.
    #[error("the last owner can't be removed or demoted")]
    LastOwner,
    /// It is older than the statement before it: an expired author could date it back otherwise.
    #[error("the statement is older than the one before it: check this device's clock")]
    Backdated,
    /// A limit of the roster is reached.
    #[error("the roster is full: {what}")]
    Full {
        /// Which limit.
        what: &'static str,
    },
}

/// Who belongs to a site, as a verified log says. There is no other way to make one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roster {
    site: SiteId,
    len: u64,
    time: UtcMillis,
    head: Hash,
    rights: Hash,
    genesis: Hash,
    gateway: VerifyingKey,
    recovery: (VerifyingKey, ReaderPublic),
    members: BTreeMap<MemberId, Member>,
    devices: BTreeMap<DeviceId, Device>,
    cameras: BTreeMap<CameraId, Camera>,
    sealers: BTreeMap<KeyId, VerifyingKey>,
}

impl Roster {
    /// Verifies a whole log, the genesis first.
    pub fn replay<'a>(
        statements: impl IntoIterator<Item = &'a Statement>,
    ) -> Result<Self, RosterError> {
        let mut statements = statements.into_iter();
        let mut roster = Self::begin(statements.next().ok_or(RosterError::NoGenesis)?)?;
        for statement in statements {
            roster.apply(statement)?;
        }
        Ok(roster)
    }

    /// Verifies a genesis. Whether it is the right one only its hash or its keys can tell: pin it.
    pub fn begin(statement: &Statement) -> Result<Self, RosterError> {
        let Operation::Genesis(genesis) = &statement.operation else {
            return Err(RosterError::NoGenesis);
        };
        if statement.sequence != 0 || statement.previous != Hash::ZERO {
            return Err(RosterError::NotNext { expected: 0 });
        }
        let shared = genesis.reader == genesis.recovery_reader
            || genesis.identity == genesis.recovery_identity;
        vacant(shared)?;
        if statement.author != genesis.identity.id() || !statement.signed_by(&genesis.identity) {
            return Err(RosterError::BadSignature);
        }
        Ok(Self::from_genesis(statement, genesis))
    }

    fn from_genesis(statement: &Statement, genesis: &Genesis) -> Self {
        let owner = Member {
            role: Role::Owner,
            identity: genesis.identity,
            expires: None,
            cameras: Vec::new(),
            readers: vec![genesis.reader.clone()],
            name: None,
        };
        let (device, thumbprint) = genesis.device;
        Self {
            site: statement.site,
            len: 1,
            time: statement.time,
            head: statement.hash(),
            rights: statement.hash(),
            genesis: statement.hash(),
            gateway: genesis.gateway,
            recovery: (genesis.recovery_identity, genesis.recovery_reader.clone()),
            members: BTreeMap::from([(genesis.owner, owner)]),
            devices: BTreeMap::from([(
                device,
                Device {
                    member: genesis.owner,
                    thumbprint,
                    name: None,
                },
            )]),
            cameras: BTreeMap::new(),
            sealers: BTreeMap::from([(genesis.sealer.id(), genesis.sealer)]),
        }
    }

    /// Verifies the next statement and takes it over; on an error nothing changes.
    pub fn apply(&mut self, statement: &Statement) -> Result<(), RosterError> {
        if statement.site != self.site {
            return Err(RosterError::OtherSite);
        }
        if statement.sequence != self.len || statement.previous != self.head {
            return Err(RosterError::NotNext { expected: self.len });
        }
        if statement.time < self.time {
            return Err(RosterError::Backdated);
        }
        if self.len >= MAX_STATEMENTS as u64 {
            return Err(RosterError::Full { what: "statements" });
        }
        let author = self.author(statement.author, statement.time)?;
        if !statement.signed_by(&author.key) && !sabotage::off("G-10") {
            return Err(RosterError::BadSignature);
        }
        self.permit(&author, &statement.operation)?;
        self.perform(&statement.operation)?;
        self.len += 1;
        self.time = statement.time;
        self.head = statement.hash();
        if !statement.operation.is_rename() {
            self.rights = self.head;
        }
        Ok(())
    }

    fn author(&self, id: KeyId, now: UtcMillis) -> Result<Author, RosterError> {
        if self.recovery.0.id() == id || sabotage::off("G-10") {
            return Ok(Author {
                member: None,
                role: Role::Owner,
                key: self.recovery.0,
            });
        }
        self.members
            .iter()
            .find(|(_, member)| member.identity.id() == id && member.is_current(now))
            .map(|(id, member)| Author {
                member: Some(*id),
                role: member.role,
                key: member.identity,
            })
            .ok_or(RosterError::UnknownAuthor)
    }

    /// Who may do what: owners everything, admins what touches neither owners nor recovery, everyone
    /// their own reader keys, devices and name. Whoever may remove something may rename it.
    fn permit(&self, author: &Author, operation: &Operation) -> Result<(), RosterError> {
        let owner = author.role == Role::Owner;
        let manages = matches!(author.role, Role::Owner | Role::Admin);
        let own = |member: &MemberId| author.member == Some(*member);
        let below = |member: &MemberId| manages && self.is_below_admin(*member);
        let may_remove = |member: &MemberId| owner || below(member);
        let allowed = match operation {
            Operation::Genesis(_) => return Err(RosterError::SecondGenesis),
            Operation::AddMember { role, .. } => owner || manages && *role > Role::Admin,
            Operation::RemoveMember { member } => may_remove(member),
            Operation::RenameMember { member, .. } => own(member) || may_remove(member),
            Operation::SetRole { member, role, .. } => {
                owner || *role > Role::Admin && below(member)
            }
            Operation::AddReaderKey { member, .. } | Operation::AddDevice { member, .. } => {
                own(member) || author.member.is_none() && self.is_owner(*member)
            }
            Operation::RetireReaderKey { key } => {
                let holder = self.holder(*key).ok_or(RosterError::NotFound)?;
                owner || own(&holder)
            }
            Operation::RemoveDevice { device } | Operation::RenameDevice { device, .. } => {
                let device = self.devices.get(device).ok_or(RosterError::NotFound)?;
                own(&device.member) || may_remove(&device.member)
            }
            Operation::AddCamera { .. }
            | Operation::RemoveCamera { .. }
            | Operation::AddSealer { .. } => manages,
            Operation::ReplaceRecovery { .. } => owner,
        };
        if allowed {
            Ok(())
        } else {
            Err(RosterError::NotAllowed)
        }
    }

    fn perform(&mut self, operation: &Operation) -> Result<(), RosterError> {
        match operation {
            Operation::Genesis(_) => Err(RosterError::SecondGenesis),
            Operation::AddMember {
                member,
                role,
                identity,
                expires,
                cameras,
            } => self.add_member(
                *member,
                Member {
                    role: *role,
                    identity: *identity,
                    expires: *expires,
                    cameras: cameras.clone(),
                    readers: Vec::new(),
                    name: None,
                },
            ),
            Operation::RemoveMember { member } => self.remove_member(*member),
            Operation::SetRole {
                member,
                role,
                expires,
                cameras,
            } => {
                if *role != Role::Owner || expires.is_some() {
                    self.keep_an_owner(*member)?;
                }
                let entry = self.members.get_mut(member).ok_or(RosterError::NotFound)?;
                (entry.role, entry.expires, entry.cameras) = (*role, *expires, cameras.clone());
                Ok(())
            }
            Operation::AddReaderKey { member, key } => self.add_reader(*member, key),
            Operation::RetireReaderKey { key } => {
                let holder = self.holder(*key).ok_or(RosterError::NotFound)?;
                let member = self.members.get_mut(&holder).ok_or(RosterError::NotFound)?;
                member.readers.retain(|reader| reader.id() != *key);
                Ok(())
            }
            Operation::AddDevice {
                member,
                device,
                thumbprint,
            } => self.add_device(
                *device,
                Device {
                    member: *member,
                    thumbprint: *thumbprint,
                    name: None,
                },
            ),
            Operation::RemoveDevice { device } => self
                .devices
                .remove(device)
                .map(drop)
                .ok_or(RosterError::NotFound),
            Operation::AddCamera { camera, sealer } => self.add_camera(*camera, *sealer),
            Operation::RemoveCamera { camera } => self
                .cameras
                .remove(camera)
                .map(drop)
                .ok_or(RosterError::NotFound),
            Operation::AddSealer { key } => self.add_sealer(*key),
            Operation::ReplaceRecovery { identity, reader } => {
                self.replace_recovery(*identity, reader)
            }
            Operation::RenameDevice { device, name } => {
                let entry = self.devices.get_mut(device).ok_or(RosterError::NotFound)?;
                rename(&mut entry.name, name)
            }
            Operation::RenameMember { member, name } => {
                let entry = self.members.get_mut(member).ok_or(RosterError::NotFound)?;
                rename(&mut entry.name, name)
            }
        }
    }

    fn add_member(&mut self, id: MemberId, member: Member) -> Result<(), RosterError> {
        let taken = self.recovery.0 == member.identity || self.is_identity(member.identity);
        vacant(taken || self.members.contains_key(&id))?;
        full(self.members.len() >= MAX_MEMBERS, "members")?;
        self.members.insert(id, member);
        Ok(())
    }

    fn remove_member(&mut self, id: MemberId) -> Result<(), RosterError> {
        self.keep_an_owner(id)?;
        self.members.remove(&id).ok_or(RosterError::NotFound)?;
        self.devices.retain(|_, device| device.member != id);
        Ok(())
    }

    fn replace_recovery(
        &mut self,
        identity: VerifyingKey,
        reader: &ReaderPublic,
    ) -> Result<(), RosterError> {
        vacant(self.is_identity(identity) || self.holder(reader.id()).is_some())?;
        self.recovery = (identity, reader.clone());
        Ok(())
    }

    fn add_reader(&mut self, member: MemberId, key: &ReaderPublic) -> Result<(), RosterError> {
        // The recovery key is a recipient too.
        let keys: usize = self
            .members
            .values()
            .map(|member| member.readers.len())
            .sum();
        full(keys + 1 >= MAX_RECIPIENTS, "reader keys")?;
        vacant(self.holder(key.id()).is_some() || self.recovery.1 == *key)?;
        let entry = self.members.get_mut(&member).ok_or(RosterError::NotFound)?;
        full(
            entry.readers.len() >= MAX_READER_KEYS_PER_MEMBER,
            "reader keys of this member",
        )?;
        entry.readers.push(key.clone());
        Ok(())
    }

    fn add_device(&mut self, id: DeviceId, device: Device) -> Result<(), RosterError> {
        if !self.members.contains_key(&device.member) {
            return Err(RosterError::NotFound);
        }
        vacant(self.devices.contains_key(&id))?;
        full(self.devices.len() >= MAX_DEVICES, "devices")?;
        self.devices.insert(id, device);
        Ok(())
    }

    fn add_camera(&mut self, id: CameraId, sealer: KeyId) -> Result<(), RosterError> {
        if !self.sealers.contains_key(&sealer) {
            return Err(RosterError::NotFound);
        }
        vacant(self.cameras.contains_key(&id))?;
        full(self.cameras.len() >= MAX_CAMERAS, "cameras")?;
        self.cameras.insert(id, Camera { sealer });
        Ok(())
    }

    fn add_sealer(&mut self, key: VerifyingKey) -> Result<(), RosterError> {
        vacant(self.sealers.contains_key(&key.id()))?;
        full(self.sealers.len() > MAX_CAMERAS, "sealers")?;
        self.sealers.insert(key.id(), key);
        Ok(())
    }

    /// Refuses when `member` is the only owner without an expiry.
    fn keep_an_owner(&self, member: MemberId) -> Result<(), RosterError> {
        let lasting = |(_, entry): &(&MemberId, &Member)| {
            entry.role == Role::Owner && entry.expires.is_none()
        };
        let mut owners = self.members.iter().filter(lasting).map(|(id, _)| *id);
        match (owners.next(), owners.next()) {
            (Some(only), None) if only == member => Err(RosterError::LastOwner),
            _ => Ok(()),
        }
    }

    fn is_identity(&self, key: VerifyingKey) -> bool {
        self.members.values().any(|member| member.identity == key)
    }

    fn is_owner(&self, member: MemberId) -> bool {
        self.members
            .get(&member)
            .is_some_and(|member| member.role == Role::Owner)
    }

    fn is_below_admin(&self, member: MemberId) -> bool {
        self.members
            .get(&member)
            .is_some_and(|member| member.role > Role::Admin)
    }

    fn holder(&self, key: KeyId) -> Option<MemberId> {
        let holds = |member: &Member| member.readers.iter().any(|reader| reader.id() == key);
        self.members
            .iter()
            .find(|(_, member)| holds(member))
            .map(|(id, _)| *id)
    }

    /// Whose roster.
    pub const fn site(&self) -> SiteId {
        self.site
    }

    /// Statements so far; the next one's sequence number.
    pub const fn len(&self) -> u64 {
        self.len
    }

    /// Never: a roster has at least its genesis.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Hash of the last statement.
    pub const fn head(&self) -> Hash {
        self.head
    }

    /// Hash of the last statement that changed more than a name: as long as it stays, so do everybody's rights.
    pub const fn rights(&self) -> Hash {
        self.rights
    }

    /// Hash of the first statement: what a sealer and an app pin.
    pub const fn genesis(&self) -> Hash {
        self.genesis
    }

    /// What [`Statement::sign`] needs for the next statement.
    pub const fn next(&self) -> (u64, Hash) {
        (self.len, self.head)
    }

    /// The gateway's identity.
    pub const fn gateway(&self) -> VerifyingKey {
        self.gateway
    }

    /// The recovery key's identity and reader key.
    pub const fn recovery(&self) -> &(VerifyingKey, ReaderPublic) {
        &self.recovery
    }

    /// A member.
    pub fn member(&self, id: MemberId) -> Option<&Member> {
        self.members.get(&id)
    }

    /// All members.
    pub fn members(&self) -> impl Iterator<Item = (MemberId, &Member)> {
        self.members.iter().map(|(id, member)| (*id, member))
    }

    /// A device.
    pub fn device(&self, id: DeviceId) -> Option<&Device> {
        self.devices.get(&id)
    }

    /// All devices.
    pub fn devices(&self) -> impl Iterator<Item = (DeviceId, &Device)> {
        self.devices.iter().map(|(id, device)| (*id, device))
    }

    /// A camera.
    pub fn camera(&self, id: CameraId) -> Option<&Camera> {
        self.cameras.get(&id)
    }

    /// All cameras.
    pub fn cameras(&self) -> impl Iterator<Item = (CameraId, &Camera)> {
        self.cameras.iter().map(|(id, camera)| (*id, camera))
    }

    /// A sealer's key.
    pub fn sealer(&self, id: KeyId) -> Option<&VerifyingKey> {
        self.sealers.get(&id)
    }

    /// The reader keys that `camera`'s epochs are wrapped to at `now`, ascending by key id. The recovery
    /// key is one of them.
    pub fn recipients(&self, camera: CameraId, now: UtcMillis) -> Vec<Recipient<'_>> {
        let mut out = vec![Recipient {
            member: None,
            key: &self.recovery.1,
        }];
        for (id, member) in &self.members {
            if member.is_current(now) && member.may_watch(camera) {
                out.extend(member.readers.iter().map(|key| Recipient {
                    member: Some(*id),
                    key,
                }));
            }
        }
        out.sort_by_key(|recipient| recipient.key.id());
        out
    }

    /// Whether `member` may watch `camera` at `now`.
    pub fn may_watch(&self, member: MemberId, camera: CameraId, now: UtcMillis) -> bool {
        self.members
            .get(&member)
            .is_some_and(|m| m.is_current(now) && m.may_watch(camera))
    }

    /// When the rights of `camera`'s recipients change next by an expiry, after `now`.
    pub fn next_expiry(&self, camera: CameraId, now: UtcMillis) -> Option<UtcMillis> {
        self.members
            .values()
            .filter(|member| member.may_watch(camera))
            .filter_map(|member| member.expires)
            .filter(|end| *end > now)
            .min()
    }
}

struct Author {
    /// `None` is the recovery key.
    member: Option<MemberId>,
    role: Role,
    key: VerifyingKey,
}

/// A name that is the present one is refused: a roster does not grow by statements that say nothing.
fn rename(present: &mut Option<Name>, name: &Name) -> Result<(), RosterError> {
    vacant(present.as_ref() == Some(name))?;
    *present = Some(name.clone());
    Ok(())
}

const fn vacant(taken: bool) -> Result<(), RosterError> {
    if taken {
        Err(RosterError::Exists)
    } else {
        Ok(())
    }
}

const fn full(full: bool, what: &'static str) -> Result<(), RosterError> {
    if full {
        Err(RosterError::Full { what })
    } else {
        Ok(())
    }
}
