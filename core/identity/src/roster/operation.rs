//! What a roster statement changes, and its canonical bytes (`docs/sealed-stream.md` §8). Who may sign which is in
//! `rules.rs`.

use bartizan_domain::limits::MAX_NAME_CHARS;
use bartizan_domain::text::{Name, NameError};
use bartizan_domain::wire::{Reader, WireError, Writer};
use bartizan_domain::{CameraId, DeviceId, Fingerprint, KeyId, MemberId, UtcMillis};

use super::statement::StatementError;
use crate::{ReaderPublic, Suite, VerifyingKey};

/// Cameras that a viewer can be limited to.
pub const MAX_CAMERA_LIST: usize = 256;

/// Bytes of a name: [`MAX_NAME_CHARS`] of UTF-8's longest.
pub const MAX_NAME_BYTES: usize = 4 * MAX_NAME_CHARS;

/// What a member may do. Codes are part of signed statements and never change meaning.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum Role {
    /// Everything; a site always has one.
    Owner = 1,
    /// Everything but owners and recovery.
    Admin = 2,
    /// Watches every camera, live and recorded.
    Member = 3,
    /// Watches the cameras listed, until the expiry.
    Viewer = 4,
    /// Reads journal and posture; no picture.
    Auditor = 5,
}

impl Role {
    const fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::Owner),
            2 => Some(Self::Admin),
            3 => Some(Self::Member),
            4 => Some(Self::Viewer),
            5 => Some(Self::Auditor),
            _ => None,
        }
    }
}

/// The first statement: made in the owner's presence when the gateway is claimed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Genesis {
    /// The owner.
    pub owner: MemberId,
    /// The owner's identity, which signs this statement.
    pub identity: VerifyingKey,
    /// The owner's reader key.
    pub reader: ReaderPublic,
    /// The device that claims, and the thumbprint (RFC 7638) of its DPoP key.
    pub device: (DeviceId, Fingerprint),
    /// The recovery key's identity.
    pub recovery_identity: VerifyingKey,
    /// The recovery key's reader key.
    pub recovery_reader: ReaderPublic,
    /// The gateway's identity.
    pub gateway: VerifyingKey,
    /// The sealer of foreign cameras.
    pub sealer: VerifyingKey,
}

/// What a statement changes. Codes never change meaning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// The beginning.
    Genesis(Box<Genesis>),
    /// Someone joins.
    AddMember {
        /// Who.
        member: MemberId,
        /// As what.
        role: Role,
        /// Their identity.
        identity: VerifyingKey,
        /// Until when; `None` is for ever.
        expires: Option<UtcMillis>,
        /// For viewers: which cameras. Empty for all other roles.
        cameras: Vec<CameraId>,
    },
    /// Someone leaves, with all devices and reader keys.
    RemoveMember {
        /// Who.
        member: MemberId,
    },
    /// Someone's rights change.
    SetRole {
        /// Whose.
        member: MemberId,
        /// To what.
        role: Role,
        /// Until when; `None` is for ever.
        expires: Option<UtcMillis>,
        /// For viewers: which cameras. Empty for all other roles.
        cameras: Vec<CameraId>,
    },
    /// A member certifies a new reader key.
    AddReaderKey {
        /// Whose.
        member: MemberId,
        /// Which.
        key: ReaderPublic,
    },
    /// A reader key gets no further epochs.
    RetireReaderKey {
        /// Which.
        key: KeyId,
    },
    /// A member gains a device.
    AddDevice {
        /// Whose.
        member: MemberId,
        /// Its id.
        device: DeviceId,
        /// Thumbprint (RFC 7638) of its DPoP key.
        thumbprint: Fingerprint,
    },
    /// A device is lost or retired.
    RemoveDevice {
        /// Which.
        device: DeviceId,
    },
    /// A camera joins, sealed by a sealer that is on the roster.
    AddCamera {
        /// Which.
        camera: CameraId,
        /// Who seals it.
        sealer: KeyId,
    },
    /// A camera leaves.
    RemoveCamera {
        /// Which.
        camera: CameraId,
    },
    /// A further sealer: a camera that seals itself, or a new gateway's ingest.
    AddSealer {
        /// Its key.
        key: VerifyingKey,
    },
    /// New recovery words.
    ReplaceRecovery {
        /// The new words' identity.
        identity: VerifyingKey,
        /// The new words' reader key.
        reader: ReaderPublic,
    },
    /// A device is called otherwise; it changes nobody's rights.
    RenameDevice {
        /// Which.
        device: DeviceId,
        /// What it is called from now on.
        name: Name,
    },
    /// Someone is called otherwise; it changes nobody's rights.
    RenameMember {
        /// Who.
        member: MemberId,
        /// What they are called from now on.
        name: Name,
    },
}

impl Operation {
    /// Whether it changes what somebody is called, and nothing else.
    pub const fn is_rename(&self) -> bool {
        matches!(self, Self::RenameDevice { .. } | Self::RenameMember { .. })
    }

    /// With the one encoding that there is: cameras ascending and each once, no expiry at time zero.
    pub(super) fn canonical(mut self) -> Self {
        if let Self::AddMember {
            expires, cameras, ..
        }
        | Self::SetRole {
            expires, cameras, ..
        } = &mut self
        {
            cameras.sort_unstable();
            cameras.dedup();
            *expires = expires.filter(|time| time.0 != 0);
        }
        self
    }
}

/// Writes `operation u8 ‖ fields`.
pub(super) fn encode_operation(out: &mut Writer, operation: &Operation) {
    match operation {
        Operation::Genesis(genesis) => {
            out.u8(1)
                .fixed(genesis.owner.as_bytes())
                .fixed(genesis.identity.as_bytes());
            encode_reader(out, &genesis.reader);
            out.fixed(genesis.device.0.as_bytes())
                .fixed(genesis.device.1.as_bytes());
            out.fixed(genesis.recovery_identity.as_bytes());
            encode_reader(out, &genesis.recovery_reader);
            out.fixed(genesis.gateway.as_bytes())
                .fixed(genesis.sealer.as_bytes());
        }
        Operation::AddMember {
            member,
            role,
            identity,
            expires,
            cameras,
        } => {
            out.u8(2)
                .fixed(member.as_bytes())
                .fixed(identity.as_bytes());
            encode_rights(out, *role, *expires, cameras);
        }
        Operation::RemoveMember { member } => {
            out.u8(3).fixed(member.as_bytes());
        }
        Operation::SetRole {
            member,
            role,
            expires,
            cameras,
        } => {
            out.u8(4).fixed(member.as_bytes());
            encode_rights(out, *role, *expires, cameras);
        }
        Operation::AddReaderKey { member, key } => {
            out.u8(5).fixed(member.as_bytes());
            encode_reader(out, key);
        }
        Operation::RetireReaderKey { key } => {
            out.u8(6).fixed(key.as_bytes());
        }
        Operation::AddDevice {
            member,
            device,
            thumbprint,
        } => {
            out.u8(7)
                .fixed(member.as_bytes())
                .fixed(device.as_bytes())
                .fixed(thumbprint.as_bytes());
        }
        Operation::RemoveDevice { device } => {
            out.u8(8).fixed(device.as_bytes());
        }
        Operation::AddCamera { camera, sealer } => {
            out.u8(9).fixed(camera.as_bytes()).fixed(sealer.as_bytes());
        }
        Operation::RemoveCamera { camera } => {
            out.u8(10).fixed(camera.as_bytes());
        }
        Operation::AddSealer { key } => {
            out.u8(11).fixed(key.as_bytes());
        }
        Operation::ReplaceRecovery { identity, reader } => {
            out.u8(12).fixed(identity.as_bytes());
            encode_reader(out, reader);
        }
        Operation::RenameDevice { device, name } => {
            out.u8(13).fixed(device.as_bytes());
            out.vec16(name.as_str().as_bytes());
        }
        Operation::RenameMember { member, name } => {
            out.u8(14).fixed(member.as_bytes());
            out.vec16(name.as_str().as_bytes());
        }
    }
}

/// Reads `operation u8 ‖ fields`.
pub(super) fn decode_operation(input: &mut Reader<'_>) -> Result<Operation, StatementError> {
    let code = input.u8("operation")?;
    Ok(match code {
        1 => Operation::Genesis(Box::new(decode_genesis(input)?)),
        2 => {
            let member = MemberId::new(input.array("member")?);
            let identity = VerifyingKey::new(input.array("identity")?);
            let (role, expires, cameras) = decode_rights(input)?;
            Operation::AddMember {
                member,
                role,
                identity,
                expires,
                cameras,
            }
        }
        3 => Operation::RemoveMember {
            member: MemberId::new(input.array("member")?),
        },
        4 => {
            let member = MemberId::new(input.array("member")?);
            let (role, expires, cameras) = decode_rights(input)?;
            Operation::SetRole {
                member,
                role,
                expires,
                cameras,
            }
        }
        5 => Operation::AddReaderKey {
            member: MemberId::new(input.array("member")?),
            key: decode_reader(input)?,
        },
        6 => Operation::RetireReaderKey {
            key: KeyId::new(input.array("reader key")?),
        },
        7 => Operation::AddDevice {
            member: MemberId::new(input.array("member")?),
            device: DeviceId::new(input.array("device")?),
            thumbprint: Fingerprint::new(input.array("thumbprint")?),
        },
        8 => Operation::RemoveDevice {
            device: DeviceId::new(input.array("device")?),
        },
        9 => Operation::AddCamera {
            camera: CameraId::new(input.array("camera")?),
            sealer: KeyId::new(input.array("sealer")?),
        },
        10 => Operation::RemoveCamera {
            camera: CameraId::new(input.array("camera")?),
        },
        11 => Operation::AddSealer {
            key: VerifyingKey::new(input.array("sealer")?),
        },
        12 => Operation::ReplaceRecovery {
            identity: VerifyingKey::new(input.array("identity")?),
            reader: decode_reader(input)?,
        },
        13 => Operation::RenameDevice {
            device: DeviceId::new(input.array("device")?),
            name: decode_name(input)?,
        },
        14 => Operation::RenameMember {
            member: MemberId::new(input.array("member")?),
            name: decode_name(input)?,
        },
        _ => {
            return Err(WireError::Unknown {
                field: "operation",
                value: code.into(),
            }
            .into());
        }
    })
}

fn decode_genesis(input: &mut Reader<'_>) -> Result<Genesis, StatementError> {
    Ok(Genesis {
        owner: MemberId::new(input.array("owner")?),
        identity: VerifyingKey::new(input.array("identity")?),
        reader: decode_reader(input)?,
        device: (
            DeviceId::new(input.array("device")?),
            Fingerprint::new(input.array("thumbprint")?),
        ),
        recovery_identity: VerifyingKey::new(input.array("recovery identity")?),
        recovery_reader: decode_reader(input)?,
        gateway: VerifyingKey::new(input.array("gateway")?),
        sealer: VerifyingKey::new(input.array("sealer")?),
    })
}

fn encode_reader(out: &mut Writer, key: &ReaderPublic) {
    out.u16(key.suite().code()).fixed(key.as_bytes());
}

fn decode_reader(input: &mut Reader<'_>) -> Result<ReaderPublic, StatementError> {
    let code = input.u16("suite")?;
    let suite = Suite::from_code(code).ok_or(WireError::Unknown {
        field: "suite",
        value: code.into(),
    })?;
    let bytes = input.take("reader key", suite.public_len())?;
    ReaderPublic::new(suite, bytes).map_err(|_opaque| StatementError::BadReaderKey)
}

fn encode_rights(out: &mut Writer, role: Role, expires: Option<UtcMillis>, cameras: &[CameraId]) {
    out.u8(role as u8).time(expires.unwrap_or_default());
    out.u16(u16::try_from(cameras.len()).unwrap_or(u16::MAX));
    for camera in cameras {
        out.fixed(camera.as_bytes());
    }
}

/// A name in its one form: UTF-8 without white space around it, and what [`Name`] demands.
fn decode_name(input: &mut Reader<'_>) -> Result<Name, WireError> {
    let field = "name";
    let bytes = input.vec16(field, MAX_NAME_BYTES)?;
    let unknown = WireError::Unknown {
        field,
        value: bytes.len() as u64,
    };
    let text = str::from_utf8(bytes).map_err(|_opaque| unknown)?;
    let name = Name::parse(text).map_err(|error| match error {
        NameError::TooLong { chars } => WireError::TooLong {
            field,
            len: chars,
            max: MAX_NAME_CHARS,
        },
        NameError::Empty | NameError::Control => unknown,
    })?;
    if name.as_str() == text {
        Ok(name)
    } else {
        Err(unknown)
    }
}

type Rights = (Role, Option<UtcMillis>, Vec<CameraId>);

fn decode_rights(input: &mut Reader<'_>) -> Result<Rights, WireError> {
    let code = input.u8("role")?;
    let role = Role::from_code(code).ok_or(WireError::Unknown {
        field: "role",
        value: code.into(),
    })?;
    let expires = Some(input.time("expiry")?).filter(|time| time.0 != 0);
    let count = input.count16("cameras", MAX_CAMERA_LIST)?;
    let mut cameras = Vec::with_capacity(count);
    for _ in 0..count {
        cameras.push(CameraId::new(input.array("camera")?));
    }
    if !cameras.is_sorted_by(|a, b| a < b) || (role != Role::Viewer && count != 0) {
        return Err(WireError::Unknown {
            field: "cameras",
            value: count as u64,
        });
    }
    Ok((role, expires, cameras))
}
