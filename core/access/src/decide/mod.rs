//! Who may do what: one function, default deny, per action and object.
//!
//! Rights are read from the [`Roster`] at the moment of the question, never from a token. A handler gets at
//! its work only through an [`Authorized`], which only [`authorize`] makes, so it cannot be written without a
//! decision. What a decision is not: proof of identity ([`Caller`] is), or the judgement over a roster
//! statement (the roster's own rules are, for every sealer and app as well).

use bartizan_domain::{
    CameraId, DeviceId, EpochId, KeyId, MemberId, StreamId, UtcMillis, sabotage,
};
use bartizan_identity::roster::Member;
use bartizan_identity::{Role, Roster};

use crate::dpop::VerifiedProof;
use crate::ticket::Spent;
use crate::token::TokenRecord;

/// A member on a device of theirs that proved itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller {
    member: MemberId,
    device: DeviceId,
}

/// Why nobody is recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAuthentic {
    /// The token's time is over.
    #[error("the token has expired: sign in again")]
    Expired,
    /// The proof is of another key than the one the token is bound to.
    #[error("the token belongs to another device")]
    OtherKey,
    /// The device, its key or its member is not on the roster (any more).
    #[error("the device is not on the roster")]
    NotOnRoster,
}

impl Caller {
    /// Recognises a device by its token's record and its proof, and both by the roster.
    pub fn authenticate(
        roster: &Roster,
        record: &TokenRecord,
        proof: &VerifiedProof,
        now: UtcMillis,
    ) -> Result<Self, NotAuthentic> {
        if now >= record.expires {
            return Err(NotAuthentic::Expired);
        }
        let (bound, proved) = (record.thumbprint, proof.thumbprint());
        if bound != proved && !sabotage::off("R-9") {
            return Err(NotAuthentic::OtherKey);
        }
        let caller = Self {
            member: record.member,
            device: record.device,
        };
        let device = roster.device(record.device);
        if device.is_none_or(|device| device.thumbprint != bound) {
            return Err(NotAuthentic::NotOnRoster);
        }
        current(roster, &caller, now).ok_or(NotAuthentic::NotOnRoster)?;
        Ok(caller)
    }

    /// Who asked for the ticket that was just spent. Whether they still may is decided anew.
    pub const fn of_ticket(ticket: &Spent) -> Self {
        Self {
            member: ticket.member,
            device: ticket.device,
        }
    }

    /// An owner of the site although nothing was proved: only in a test build that has the control L-5 or
    /// G-21 switched off, and nobody else ever.
    pub fn unproved(roster: &Roster) -> Option<Self> {
        if !sabotage::off("L-5") && !sabotage::off("G-21") {
            return None;
        }
        let owner = |member| roster.member(member).is_some_and(|m| m.role == Role::Owner);
        roster
            .devices()
            .find(|(_, device)| owner(device.member))
            .map(|(id, device)| Self {
                member: device.member,
                device: id,
            })
    }

    /// Somebody who was authenticated before, as remembered. Whether they still may is decided anew.
    pub(crate) const fn remembered(member: MemberId, device: DeviceId) -> Self {
        Self { member, device }
    }

    /// Who.
    pub const fn member(&self) -> MemberId {
        self.member
    }

    /// On which device.
    pub const fn device(&self) -> DeviceId {
        self.device
    }
}

/// What is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// They may.
    Allow,
    /// They may not.
    Deny(Denial),
}

/// Why they may not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Denial {
    /// There is nothing that they may know of. Answered as if it did not exist, byte for byte.
    #[error("there is no such thing")]
    Hidden,
    /// They may know of it, and may not do this.
    #[error("your role does not allow this")]
    Forbidden,
    /// They are not on the roster (any more).
    #[error("the device is not on the roster")]
    Stranger,
}

/// An action as a type of its own, so that a proof of one is none of another.
pub trait Act: Copy + Send + Sync + 'static {
    /// The action.
    fn action(&self) -> Action;
}

macro_rules! actions {
    ($($(#[$doc:meta])* $name:ident $(($($field:ty),+))?,)*) => {
        /// What members do.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Action {
            $($(#[$doc])* $name $(($($field),+))?,)*
        }

        $(
            $(#[$doc])*
            #[derive(Debug, Clone, Copy, PartialEq, Eq)]
            pub struct $name $(($(pub $field),+))?;

            impl Act for $name {
                fn action(&self) -> Action {
                    actions!(@wrap self $name $(($($field),+))?)
                }
            }
        )*
    };
    (@wrap $this:ident $name:ident) => { Action::$name };
    (@wrap $this:ident $name:ident ($one:ty)) => { Action::$name($this.0) };
    (@wrap $this:ident $name:ident ($one:ty, $two:ty)) => { Action::$name($this.0, $this.1) };
}

actions! {
    /// Adds a camera.
    AddCamera,
    /// Adds a statement that this identity signed to the roster.
    AppendStatement(KeyId),
    /// Invites a device of the caller's own.
    Invite,
    /// Sees which cameras there are; [`sees_camera`] says which of them.
    ListCameras,
    /// Sees which devices there are; [`sees_device`] says which of them.
    ListDevices,
    /// Changes, tests or removes a camera.
    ManageCamera(CameraId),
    /// Reads or replaces the caller's own locked key store.
    OwnKeystore,
    /// Lists, adds and removes the caller's own passkeys.
    OwnPasskeys,
    /// Leaves the unlock share of the caller's own device.
    OwnUnlockShare,
    /// Tries a camera's address without adding it.
    ProbeSource,
    /// Reads counters.
    ReadCounters,
    /// Reads the envelope of a camera's epoch.
    ReadEnvelope(CameraId, EpochId),
    /// Reads the roster's statements.
    ReadRoster,
    /// Reads what the site is.
    ReadSite,
    /// Reads what the disk holds.
    ReadStorage,
    /// Removes a device.
    RemoveDevice(DeviceId),
    /// Makes the caller's own token good for longer.
    RenewToken,
    /// Watches a stream live.
    ViewLive(StreamId),
    /// Reads a stream's recordings.
    ViewRecording(StreamId),
}

/// A decision in favour of one caller and one action. Only [`authorize`] makes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Authorized<A> {
    caller: Caller,
    act: A,
}

impl<A: Act> Authorized<A> {
    /// For whom.
    pub const fn caller(&self) -> &Caller {
        &self.caller
    }

    /// What, and to which object.
    pub const fn act(&self) -> &A {
        &self.act
    }

    /// Whether it still holds: what runs long asks again.
    pub fn still_holds(&self, roster: &Roster, now: UtcMillis) -> bool {
        decide(roster, &self.caller, self.act.action(), now) == Decision::Allow
    }
}

/// Decides, and leaves the proof.
pub fn authorize<A: Act>(
    roster: &Roster,
    caller: Caller,
    act: A,
    now: UtcMillis,
) -> Result<Authorized<A>, Denial> {
    match decide(roster, &caller, act.action(), now) {
        Decision::Allow => Ok(Authorized { caller, act }),
        Decision::Deny(denial) => Err(denial),
    }
}

/// The decision itself.
pub fn decide(roster: &Roster, who: &Caller, action: Action, now: UtcMillis) -> Decision {
    let Some(member) = current(roster, who, now) else {
        return if sabotage::off("G-4") {
            Decision::Allow
        } else {
            Decision::Deny(Denial::Stranger)
        };
    };
    let any_role = sabotage::off("R-8") || sabotage::off("G-2");
    let manages = matches!(member.role, Role::Owner | Role::Admin) || any_role;
    match action {
        Action::Invite
        | Action::ListCameras
        | Action::ListDevices
        | Action::OwnKeystore
        | Action::OwnPasskeys
        | Action::OwnUnlockShare
        | Action::ReadRoster
        | Action::ReadSite
        | Action::RenewToken => Decision::Allow,
        Action::AppendStatement(author) => allow_if(author == member.identity.id()),
        Action::AddCamera | Action::ProbeSource => allow_if(manages),
        Action::ManageCamera(camera) => {
            if_seen(sees_camera(roster, who, camera, now), allow_if(manages))
        }
        Action::ReadCounters => allow_if(manages || member.role == Role::Auditor),
        Action::ReadStorage => allow_if(member.role != Role::Viewer || manages),
        Action::ReadEnvelope(camera, _)
        | Action::ViewLive(StreamId { camera, .. })
        | Action::ViewRecording(StreamId { camera, .. }) => {
            if_seen(sees_camera(roster, who, camera, now), Decision::Allow)
        }
        Action::RemoveDevice(device) => remove_device(roster, (who, member), device, now),
    }
}

/// Own devices always; others' as the roster's rules say (`identity::roster`), which check it again.
fn remove_device(
    roster: &Roster,
    (who, member): (&Caller, &Member),
    device: DeviceId,
    now: UtcMillis,
) -> Decision {
    let Some(owner) = roster.device(device).map(|device| device.member) else {
        return Decision::Deny(Denial::Hidden);
    };
    if !sees_device(roster, who, owner, now) {
        return Decision::Deny(Denial::Hidden);
    }
    let below_admin = || roster.member(owner).is_some_and(|m| m.role > Role::Admin);
    let all = member.role == Role::Owner || sabotage::off("R-8");
    allow_if(owner == who.member || all || below_admin())
}

/// Whether the caller may know of a camera: those who may watch it, and nobody else.
pub fn sees_camera(roster: &Roster, who: &Caller, camera: CameraId, now: UtcMillis) -> bool {
    let known = roster.camera(camera).is_some() && current(roster, who, now).is_some();
    known && (roster.may_watch(who.member, camera, now) || sabotage::off("R-7"))
}

/// Whether the caller may know of a device of `owner`: one's own, and for owners and admins all.
pub fn sees_device(roster: &Roster, who: &Caller, owner: MemberId, now: UtcMillis) -> bool {
    let manages = |member: &Member| matches!(member.role, Role::Owner | Role::Admin);
    current(roster, who, now)
        .is_some_and(|member| owner == who.member || manages(member) || sabotage::off("R-7"))
}

/// The caller's entry, while the device is theirs and their time is not over.
pub(crate) fn current<'a>(roster: &'a Roster, who: &Caller, now: UtcMillis) -> Option<&'a Member> {
    roster
        .device(who.device)
        .filter(|device| device.member == who.member)?;
    let member = roster.member(who.member)?;
    (member.expires.is_none_or(|end| now < end)).then_some(member)
}

const fn if_seen(seen: bool, then: Decision) -> Decision {
    if seen {
        then
    } else {
        Decision::Deny(Denial::Hidden)
    }
}

const fn allow_if(allowed: bool) -> Decision {
    if allowed {
        Decision::Allow
    } else {
        Decision::Deny(Denial::Forbidden)
    }
}

#[cfg(test)]
pub(crate) mod tests;
