//! Documents of the HTTP API (`/api/v1`), in the order in which a client meets them.
//!
//! Field names are camelCase on the wire; times are milliseconds since 1970 (`…Ms`) because they are
//! computed with, not read; ids are base32 text. Unknown fields in requests are errors.

use bartizan_domain::text::Name;
use bartizan_domain::{
    CameraId, DeviceId, EpochId, Fingerprint, GapReason, Hash, MemberId, Rendition, Secret, SiteId,
    UtcMillis,
};
use bartizan_media::Codec;
use serde::{Deserialize, Serialize};

use crate::blob::Blob;
pub use crate::change::Change;
#[cfg(feature = "openapi")]
use crate::described::{CodecName, RenditionName, SourceOrNone};

/// An error answer (RFC 9457, `application/problem+json`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Problem {
    /// `/problems/NAME`.
    #[serde(rename = "type")]
    pub kind: String,
    /// One line, always the same for one type.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// What happened this time and what to do.
    pub detail: String,
    /// Where the owner finds more in the log; only for internal errors.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reference: Option<String>,
    /// Where else to ask: the gateway's origins with a name, best first; only where passkeys need one.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub origins: Vec<String>,
}

macro_rules! documents {
    ($($(#[$meta:meta])* $vis:vis struct $name:ident { $($body:tt)* })*) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "camelCase", deny_unknown_fields)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        $vis struct $name { $($body)* }
    )*};
}

documents! {
    /// Before the claim: proves presence and asks who is there.
    pub struct ClaimOfferRequest {
        /// The claim link's token.
        pub token: Blob,
    }

    /// Who is to be claimed.
    pub struct ClaimOffer {
        /// A fresh site id.
        #[cfg_attr(feature = "openapi", schema(value_type = String, format = "site-id"))]
        pub site: SiteId,
        /// The gateway's identity (Ed25519); its fingerprint must be the link's.
        pub gateway: Blob,
        /// The sealer's key (Ed25519); its fingerprint must be the link's.
        pub sealer: Blob,
    }

    /// Claims the gateway. Comes with a DPoP proof of the claiming device's key.
    pub struct ClaimRequest {
        /// The claim link's token.
        pub token: Blob,
        /// The roster's first statement.
        pub genesis: Blob,
        /// The owner's key store, locked with the recovery key.
        pub recovery_keystore: Blob,
        /// The owner's name.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        pub name: Name,
        /// The claiming device's name.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        pub device_name: Name,
    }

    /// A device that may call the API from now on.
    pub struct Session {
        /// Whose household.
        #[cfg_attr(feature = "openapi", schema(value_type = String, format = "site-id"))]
        pub site: SiteId,
        /// Who.
        #[cfg_attr(feature = "openapi", schema(value_type = String, format = "member-id"))]
        pub member: MemberId,
        /// With which device.
        #[cfg_attr(feature = "openapi", schema(value_type = String, format = "device-id"))]
        pub device: DeviceId,
        /// The token for `Authorization: DPoP …`. Shown once.
        pub token: String,
        /// When it ends.
        #[cfg_attr(feature = "openapi", schema(value_type = u64))]
        pub expires_ms: UtcMillis,
        /// The sealer's signature over the roster that it pinned (at a claim).
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub pinned: Option<Blob>,
        /// Cameras that were named when the gateway was started, for the owner to add (at a claim).
        #[serde(skip_serializing_if = "Vec::is_empty", default)]
        pub suggested: Vec<SourceSettings>,
    }

    /// A token that is good for longer.
    pub struct Renewed {
        /// When it ends now.
        #[cfg_attr(feature = "openapi", schema(value_type = u64))]
        pub expires_ms: UtcMillis,
    }

    /// A fresh text to sign.
    pub struct Challenge {
        /// To be signed as it is; good for two minutes and one use.
        pub challenge: Blob,
    }

    /// Sign-in with the recovery key, first half: proves possession of the words.
    pub struct RecoveryRequest {
        /// From the challenge.
        pub challenge: Blob,
        /// Signature of the recovery identity over `"bartizan/v1/sign-in" ‖ challenge`.
        pub signature: Blob,
    }

    /// What a new device needs to become one of the owner's.
    pub struct RecoveryAnswer {
        /// The roster's statements.
        pub statements: Vec<Blob>,
        /// The owner's key store, locked with the recovery key.
        pub recovery_keystore: Blob,
        /// Admits one device within two minutes.
        pub grant: Blob,
        /// What the owner's devices are called, so that a new one gets a name of its own.
        #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
        pub device_names: Vec<Name>,
    }

    /// A ceremony with a passkey, begun. For `navigator.credentials`, `options` are parsed by
    /// `parseCreationOptionsFromJSON` or `parseRequestOptionsFromJSON`; the client adds `prf` itself.
    pub struct Ceremony {
        /// To be handed back as it is, within five minutes, once.
        pub ceremony: Blob,
        /// `PublicKeyCredentialCreationOptionsJSON` or `PublicKeyCredentialRequestOptionsJSON` (`WebAuthn` L3 §5.4, §5.5).
        #[cfg_attr(feature = "openapi", schema(value_type = Object))]
        pub options: serde_json::Value,
    }

    /// A passkey that was just made.
    pub struct PasskeyRequest {
        /// From the options.
        pub ceremony: Blob,
        /// `RegistrationResponseJSON` (`WebAuthn` L3 §5.1), without outputs of `prf`.
        #[cfg_attr(feature = "openapi", schema(value_type = Object))]
        pub credential: serde_json::Value,
        /// What the member calls it.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        pub name: Name,
        /// The member's key store, locked with its PRF; at most 64 KiB.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub keystore: Option<Blob>,
    }

    /// The caller's own passkeys.
    pub struct Passkeys {
        /// In order of adding, at most 16.
        pub passkeys: Vec<Passkey>,
    }

    /// A passkey.
    pub struct Passkey {
        /// Its credential id.
        pub id: Blob,
        /// What the member calls it.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        pub name: Name,
        /// The name of the gateway that it is tied to.
        pub rp_id: String,
        /// When it was added.
        #[cfg_attr(feature = "openapi", schema(value_type = u64))]
        pub added_ms: UtcMillis,
        /// When it was last used.
        #[cfg_attr(feature = "openapi", schema(value_type = Option<u64>))]
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub last_used_ms: Option<UtcMillis>,
        /// Whether a key store that its PRF opens lies at the gateway.
        pub opens: bool,
    }

    /// A passkey is to be called otherwise.
    pub struct PasskeyPatch {
        /// What the member calls it from now on.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        pub name: Name,
    }

    /// A passkey's answer.
    pub struct PasskeyProof {
        /// From the options.
        pub ceremony: Blob,
        /// `AuthenticationResponseJSON` (`WebAuthn` L3 §5.1), without outputs of `prf`.
        #[cfg_attr(feature = "openapi", schema(value_type = Object))]
        pub credential: serde_json::Value,
    }

    /// What a new device needs to become one of its member's.
    pub struct SignInAnswer {
        /// The roster's statements.
        pub statements: Vec<Blob>,
        /// The member's key store, locked with the PRF of this very passkey, or under the invitation's secret.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub keystore: Option<Blob>,
        /// Who.
        #[cfg_attr(feature = "openapi", schema(value_type = String, format = "member-id"))]
        pub member: MemberId,
        /// Admits one device of this member within two minutes.
        pub grant: Blob,
        /// What the member's devices are called, so that a new one gets a name of its own.
        #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
        pub device_names: Vec<Name>,
    }

    /// What a locked browser's key store needs besides the browser's own key.
    pub struct UnlockShare {
        /// 32 random bytes, drawn by the device.
        pub share: Blob,
    }

    /// A further device of the caller's is to join.
    pub struct InvitationRequest {
        /// 32 bytes, the hash of a secret that never gets here.
        pub id: Blob,
        /// The caller's key store, locked under another hash of the secret; at most 64 KiB.
        pub keystore: Blob,
    }

    /// An open invitation.
    pub struct Invitation {
        /// When it ends.
        #[cfg_attr(feature = "openapi", schema(value_type = u64))]
        pub expires_ms: UtcMillis,
        /// Where another machine finds the gateway, best first, at most 8; none while only its own is served. A link that
        /// was asked for on the gateway's own machine is made for the first of them.
        #[serde(skip_serializing_if = "Vec::is_empty", default)]
        pub origins: Vec<String>,
    }

    /// Takes an invitation.
    pub struct InvitationProof {
        /// Its id.
        pub id: Blob,
    }

    /// The last step of every sign-in: the device's statement. Comes with a DPoP proof.
    pub struct DeviceRequest {
        /// From the step before. It is good for a device of its member: an owner, with the recovery key.
        pub grant: Blob,
        /// The roster statement that adds the device.
        pub statement: Blob,
        /// The device's name.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        pub device_name: Name,
    }

    /// The site as its members see it.
    pub struct Site {
        /// Its id.
        #[cfg_attr(feature = "openapi", schema(value_type = String, format = "site-id"))]
        pub site: SiteId,
        /// Who asks.
        #[cfg_attr(feature = "openapi", schema(value_type = String, format = "member-id"))]
        pub member: MemberId,
        /// The gateway's software version.
        pub version: String,
        /// Statements of the roster.
        pub roster_len: u64,
        /// Hash of the last of them.
        #[cfg_attr(feature = "openapi", schema(value_type = String, format = "hash"))]
        pub roster_head: Hash,
        /// How the gateway's secrets are kept at rest.
        pub root_key: RootKeyKind,
        /// SHA-256 of the certificate of the site's own authority, 64 hexadecimal digits in upper case: what a device
        /// that is to trust it has to show. Absent with a given certificate, and in clear.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub authority: Option<String>,
        /// The gateway's time.
        #[cfg_attr(feature = "openapi", schema(value_type = u64))]
        pub now_ms: UtcMillis,
    }

    /// A stretch of the roster's log.
    pub struct Statements {
        /// Sequence number of the first.
        pub from: u64,
        /// The statements' bytes.
        pub statements: Vec<Blob>,
    }

    /// One more statement.
    pub struct StatementRequest {
        /// The signed statement.
        pub statement: Blob,
    }

    /// A locked copy of the member's own key store.
    pub struct LockedKeystore {
        /// The locked bytes, at most 64 KiB.
        pub keystore: Blob,
    }

    /// A new camera.
    pub struct CameraRequest {
        /// The roster statement that adds it.
        pub statement: Blob,
        /// Its name.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        pub name: Name,
        /// Where its main stream comes from.
        pub main: SourceSettings,
        /// Where its sub stream comes from.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub sub: Option<SourceSettings>,
        /// How long its recordings stay.
        #[serde(default)]
        pub retention: Retention,
    }

    /// Changes of a camera; what is absent stays.
    #[derive(Default)]
    pub struct CameraPatch {
        /// Its name.
        #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub name: Option<Name>,
        /// Where its main stream comes from.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub main: Option<SourceSettings>,
        /// Where its sub stream comes from; `null` ends it. What was recorded of it stays for as long as the retention says.
        #[serde(skip_serializing_if = "Change::is_keep", default)]
        #[cfg_attr(feature = "openapi", schema(value_type = SourceOrNone))]
        pub sub: Change<SourceSettings>,
        /// How long its recordings stay.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub retention: Option<Retention>,
    }

    /// How long recordings stay: whichever limit is reached first.
    #[derive(Copy, Default)]
    pub struct Retention {
        /// At most this many bytes; absent: as the disk allows.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub max_bytes: Option<u64>,
        /// At most this many hours; absent: as the disk allows.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub max_hours: Option<u32>,
    }

    /// A camera as its viewers see it: no address, no credentials.
    pub struct Camera {
        /// Its id.
        #[cfg_attr(feature = "openapi", schema(value_type = String, format = "camera-id"))]
        pub id: CameraId,
        /// Its name.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        pub name: Name,
        /// What kind of source it has: `rtsp`, `rtsps` or `synthetic`. Addresses are not given out.
        pub source: String,
        /// Its streams, main first.
        pub streams: Vec<CameraStream>,
        /// How long its recordings stay.
        pub retention: Retention,
    }

    /// One rendition of a camera.
    pub struct CameraStream {
        /// Which.
        #[cfg_attr(feature = "openapi", schema(value_type = RenditionName))]
        pub rendition: Rendition,
        /// How it is doing.
        pub status: StreamStatus,
    }

    /// A source to try.
    pub struct ProbeRequest {
        /// What to try.
        pub source: SourceSettings,
    }

    /// What a connection test found.
    pub struct ProbeReport {
        /// The picture.
        pub video: ProbedVideo,
        /// The sound, if there is any that can be recorded.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub audio: Option<ProbedAudio>,
        /// Tracks that are left out, by encoding name.
        pub unsupported: Vec<String>,
        /// Milliseconds to the first picture.
        pub first_picture_ms: u32,
    }

    /// The picture as measured.
    pub struct ProbedVideo {
        /// Codec.
        #[cfg_attr(feature = "openapi", schema(value_type = CodecName))]
        pub codec: Codec,
        /// Its RFC 6381 name.
        pub codec_string: String,
        /// Pixels across.
        pub width: u16,
        /// Pixels down.
        pub height: u16,
        /// Pictures per 1,000 seconds.
        pub frames_per_1000_s: u32,
        /// Milliseconds between keyframes, when two were seen.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub keyframe_interval_ms: Option<u32>,
        /// Bits a second.
        pub bits_per_s: u64,
        /// Whether pictures are reordered (B-frames).
        pub reordered: bool,
    }

    /// The sound as announced.
    pub struct ProbedAudio {
        /// Codec.
        #[cfg_attr(feature = "openapi", schema(value_type = CodecName))]
        pub codec: Codec,
        /// Samples a second.
        pub sample_rate: u32,
        /// Channels.
        pub channels: u8,
    }

    /// Asks for a live ticket.
    #[derive(Copy)]
    pub struct LiveRequest {
        /// Which stream.
        #[cfg_attr(feature = "openapi", schema(value_type = RenditionName))]
        pub rendition: Rendition,
    }

    /// Opens one WebSocket at `/api/v1/live?ticket=…`.
    pub struct LiveTicket {
        /// Good once.
        pub ticket: String,
        /// Until when.
        #[cfg_attr(feature = "openapi", schema(value_type = u64))]
        pub expires_ms: UtcMillis,
    }

    /// Recorded stretches of a stream.
    pub struct Recordings {
        /// Which stream.
        #[cfg_attr(feature = "openapi", schema(value_type = RenditionName))]
        pub rendition: Rendition,
        /// Oldest first.
        pub spans: Vec<Span>,
    }

    /// Recorded without a break of two seconds or more.
    #[derive(Copy)]
    pub struct Span {
        /// Capture time of its first frame.
        #[cfg_attr(feature = "openapi", schema(value_type = u64))]
        pub start_ms: UtcMillis,
        /// Its end.
        #[cfg_attr(feature = "openapi", schema(value_type = u64))]
        pub end_ms: UtcMillis,
    }

    /// Segments of a stream, oldest first.
    pub struct Segments {
        /// At most 1,000.
        pub segments: Vec<Segment>,
        /// Ask again from this time for more.
        #[cfg_attr(feature = "openapi", schema(value_type = Option<u64>))]
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub next_ms: Option<UtcMillis>,
    }

    /// Where a segment lies in its stream's sealed bytes.
    #[derive(Copy)]
    pub struct Segment {
        /// Capture time of its first frame.
        #[cfg_attr(feature = "openapi", schema(value_type = u64))]
        pub start_ms: UtcMillis,
        /// Milliseconds.
        pub duration_ms: u32,
        /// First byte.
        pub offset: u64,
        /// Bytes, manifests that follow it included.
        pub len: u64,
        /// Bytes of its header and first keyframe: enough for a still picture.
        pub key_len: u32,
    }

    /// What the disk holds.
    pub struct Storage {
        /// Bytes of all recordings.
        pub used_bytes: u64,
        /// Bytes that the file system has left.
        pub free_bytes: u64,
        /// Bytes that are always left free.
        pub floor_bytes: u64,
        /// Bytes of indexes.
        pub index_bytes: u64,
        /// Each stream.
        pub streams: Vec<StreamStorage>,
        /// What is wrong with the disk, if anything.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub alert: Option<DiskAlert>,
    }

    /// What the disk holds of one stream.
    pub struct StreamStorage {
        /// Whose.
        #[cfg_attr(feature = "openapi", schema(value_type = String, format = "camera-id"))]
        pub camera: CameraId,
        /// Which.
        #[cfg_attr(feature = "openapi", schema(value_type = RenditionName))]
        pub rendition: Rendition,
        /// Bytes.
        pub bytes: u64,
        /// Its oldest moment.
        #[cfg_attr(feature = "openapi", schema(value_type = Option<u64>))]
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub oldest_ms: Option<UtcMillis>,
        /// Its newest moment.
        #[cfg_attr(feature = "openapi", schema(value_type = Option<u64>))]
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub newest_ms: Option<UtcMillis>,
    }

    /// The members' devices.
    pub struct Devices {
        /// In order of joining.
        pub devices: Vec<Device>,
    }

    /// A device and its token.
    pub struct Device {
        /// Its id.
        #[cfg_attr(feature = "openapi", schema(value_type = String, format = "device-id"))]
        pub id: DeviceId,
        /// Whose.
        #[cfg_attr(feature = "openapi", schema(value_type = String, format = "member-id"))]
        pub member: MemberId,
        /// Its name.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        pub name: Name,
        /// Whether it is the one that asks.
        pub this: bool,
        /// When it was added.
        #[cfg_attr(feature = "openapi", schema(value_type = u64))]
        pub added_ms: UtcMillis,
        /// When its token ends; absent when it has none.
        #[cfg_attr(feature = "openapi", schema(value_type = Option<u64>))]
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub token_expires_ms: Option<UtcMillis>,
    }

    /// Counters since the gateway started, for monitoring and benchmarks.
    pub struct Counters {
        /// Streams that are being recorded.
        pub streams: u32,
        /// Frames recorded.
        pub frames: u64,
        /// Packets that cameras sent and that did not arrive.
        pub lost_packets: u64,
        /// Frames that were sealed and not recorded.
        pub lost_frames: u64,
        /// Sealed bytes received from sealers.
        pub bytes_in: u64,
        /// Bytes written to the disk, indexes included.
        pub bytes_written: u64,
        /// Bytes of indexes written.
        pub index_bytes: u64,
        /// Disk syncs.
        pub syncs: u64,
        /// Live viewers now.
        pub viewers: u32,
    }
}

/// What is wrong with the disk that recordings are on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum DiskAlert {
    /// It is full, although all that may be deleted was: nothing is recorded until there is room.
    Full,
    /// It can be read only, as systems do it to a disk that has failed: nothing is recorded until it can be written again.
    ReadOnly,
    /// It fails or is gone: nothing is recorded until it works. The gateway's log has the system's reason.
    Failing,
    /// It does not keep up: some recordings are lost.
    Slow,
}

/// How the gateway's secrets are kept at rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum RootKeyKind {
    /// A systemd credential, bound to a TPM where the machine has one.
    Credential,
    /// A file beside the data: whoever has the whole disk has the key.
    File,
}

/// A camera's address and how to speak to it. The URL may hold credentials: it goes in and never out.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SourceSettings {
    /// `rtsp://`, `rtsps://` or `synthetic:`; with user name and password where the camera wants them.
    #[serde(with = "secret_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub url: Secret<String>,
    /// How RTP travels.
    #[serde(default)]
    pub transport: Transport,
    /// SHA-256 of the camera's certificate, for `rtsps://`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = "fingerprint"))]
    pub certificate: Option<Fingerprint>,
}

impl PartialEq for SourceSettings {
    fn eq(&self, other: &Self) -> bool {
        self.url == other.url
            && self.transport == other.transport
            && self.certificate == other.certificate
    }
}

impl Eq for SourceSettings {}

impl std::fmt::Debug for SourceSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SourceSettings({:?})", self.transport)
    }
}

mod secret_text {
    use bartizan_domain::Secret;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(
        text: &Secret<String>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(text.expose())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Secret<String>, D::Error> {
        String::deserialize(deserializer).map(Secret::new)
    }
}

/// How RTP travels.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Transport {
    /// Interleaved in the RTSP connection (RFC 2326 §10.12).
    #[default]
    Tcp,
    /// UDP, for cameras that cannot do otherwise.
    Udp,
}

/// How a stream is doing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "state")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum StreamStatus {
    /// Connecting for the first time, or again.
    Connecting {
        /// Why the last attempt failed.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        problem: Option<CameraProblem>,
    },
    /// Sealing.
    Streaming {
        /// Picture and sound.
        tracks: Vec<TrackSummary>,
    },
    /// Switched off.
    Paused,
}

/// A track in a word or two.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TrackSummary {
    /// Codec.
    #[cfg_attr(feature = "openapi", schema(value_type = CodecName))]
    pub codec: Codec,
    /// For example `1920×1080` or `48 kHz stereo`.
    pub shape: String,
}

/// Why a camera gives no picture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CameraProblem {
    /// For programs.
    pub kind: CameraProblemKind,
    /// For people: what happened and what to do. Holds no address and no credentials.
    pub message: String,
}

/// Why a camera gives no picture, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum CameraProblemKind {
    /// The URL is malformed.
    BadUrl,
    /// The host name has no address.
    NoSuchHost,
    /// The host does not answer, or nobody listens there.
    Unreachable,
    /// User name or password are wrong or missing.
    Unauthorized,
    /// The camera says that this user may not.
    Forbidden,
    /// The camera knows no such path.
    NotFound,
    /// The camera points to another host.
    Redirected,
    /// There is no video that can be recorded.
    UnsupportedVideo,
    /// The certificate is not the pinned one, or none is pinned.
    UntrustedCertificate,
    /// The camera stopped sending.
    Stalled,
    /// The camera closed the connection.
    Closed,
    /// The camera does not keep to the protocol.
    Protocol,
}

impl CameraProblemKind {
    /// How this is written down in a signed gap.
    pub const fn gap_reason(self) -> GapReason {
        match self {
            Self::NoSuchHost | Self::Unreachable | Self::Closed => GapReason::CameraOffline,
            Self::Stalled => GapReason::CameraStalled,
            _ => GapReason::CameraRefused,
        }
    }
}

/// The epoch that an envelope is asked for, in the path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct EpochPath {
    /// Whose.
    pub camera: CameraId,
    /// Which.
    pub epoch: EpochId,
}

/// The sealer's statement that it pinned a roster: `"bartizan/v1/pinned" ‖ genesis ‖ head`.
pub const PINNED_CONTEXT: &[u8] = b"bartizan/v1/pinned";

/// What a recovery identity signs at sign-in.
pub const SIGN_IN_CONTEXT: &[u8] = b"bartizan/v1/sign-in";

/// Bytes of an unlock share.
pub const UNLOCK_SHARE_LEN: usize = 32;

/// Largest locked key store in bytes.
pub const MAX_KEYSTORE: usize = 64 * 1_024;

/// Segments in one answer.
pub const MAX_SEGMENTS: usize = 1_000;
