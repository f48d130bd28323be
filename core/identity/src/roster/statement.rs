//! One signed line of the roster and its canonical bytes (`docs/sealed-stream.md` §8).

use bartizan_domain::wire::{Reader, WireError, Writer};
use bartizan_domain::{CameraId, DeviceId, Fingerprint, Hash, KeyId, MemberId, SiteId, UtcMillis};

use crate::key::sha256;
use crate::{ReaderPublic, Signature, SigningKey, Suite, VerifyingKey};

/// Bytes of one statement.
pub const MAX_STATEMENT_BYTES: usize = 16_384;

/// Cameras that a viewer can be limited to.
pub const MAX_CAMERA_LIST: usize = 256;

const VERSION: u8 = 1;
const SIGNING_CONTEXT: &[u8] = b"bartizan/v1/roster";
const HASH_CONTEXT: &[u8] = b"bartizan/v1/statement";

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
}

impl Operation {
    /// With the one encoding that there is: cameras ascending and each once, no expiry at time zero.
    fn canonical(mut self) -> Self {
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

/// Why bytes are not a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StatementError {
    /// Over the limit.
    #[error("a roster statement has at most {MAX_STATEMENT_BYTES} bytes; this has {len}")]
    TooLong {
        /// Bytes given.
        len: usize,
    },
    /// Not the canonical form.
    #[error("not a roster statement")]
    Malformed(#[from] WireError),
    /// A key that is none of its suite.
    #[error("the statement holds a malformed reader key")]
    BadReaderKey,
}

/// A signed line of the roster; its signature is checked when it is applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Whose roster.
    pub site: SiteId,
    /// Its place, from 0.
    pub sequence: u64,
    /// Hash of the statement before it; zero for the first.
    pub previous: Hash,
    /// When it was made, by the author's clock.
    pub time: UtcMillis,
    /// Key id of the identity that signed it.
    pub author: KeyId,
    /// What it changes.
    pub operation: Operation,
    bytes: Vec<u8>,
}

impl Statement {
    /// Makes and signs a statement.
    pub fn sign(
        key: &SigningKey,
        site: SiteId,
        (sequence, previous): (u64, Hash),
        time: UtcMillis,
        operation: Operation,
    ) -> Self {
        let author = key.public().id();
        let operation = operation.canonical();
        let mut out = Writer::new();
        out.u8(VERSION)
            .fixed(site.as_bytes())
            .u64(sequence)
            .fixed(previous.as_bytes());
        out.time(time).fixed(author.as_bytes());
        encode_operation(&mut out, &operation);
        let signature = key.sign(SIGNING_CONTEXT, out.as_slice());
        out.fixed(signature.as_bytes());
        Self {
            site,
            sequence,
            previous,
            time,
            author,
            operation,
            bytes: out.into_vec(),
        }
    }

    /// Reads a statement without believing it.
    pub fn decode(bytes: &[u8]) -> Result<Self, StatementError> {
        if bytes.len() > MAX_STATEMENT_BYTES {
            return Err(StatementError::TooLong { len: bytes.len() });
        }
        let mut input = Reader::new(bytes);
        input.exactly("statement version", VERSION)?;
        let site = SiteId::new(input.array("site")?);
        let sequence = input.u64("sequence")?;
        let previous = input.hash("previous")?;
        let time = input.time("time")?;
        let author = KeyId::new(input.array("author")?);
        let operation = decode_operation(&mut input)?;
        input.take("signature", Signature::LEN)?;
        input.finish()?;
        Ok(Self {
            site,
            sequence,
            previous,
            time,
            author,
            operation,
            bytes: bytes.to_vec(),
        })
    }

    /// The canonical bytes, signature last.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What the next statement names as its predecessor.
    pub fn hash(&self) -> Hash {
        sha256(&[HASH_CONTEXT, &self.bytes])
    }

    /// Checks the signature with `key`.
    pub(super) fn signed_by(&self, key: &VerifyingKey) -> bool {
        let Some((message, signature)) = self.bytes.split_last_chunk::<{ Signature::LEN }>() else {
            return false;
        };
        key.verify(SIGNING_CONTEXT, message, &Signature::new(*signature))
            .is_ok()
    }
}

fn encode_operation(out: &mut Writer, operation: &Operation) {
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
    }
}

fn decode_operation(input: &mut Reader<'_>) -> Result<Operation, StatementError> {
    let code = input.u8("operation")?;
    Ok(match code {
        1 => Operation::Genesis(Box::new(Genesis {
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
        })),
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
        _ => {
            return Err(WireError::Unknown {
                field: "operation",
                value: code.into(),
            }
            .into());
        }
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
