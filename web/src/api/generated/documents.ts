// Documents of the HTTP API, written by `cargo xtask gen` from the schemas of `api/gateway.json`: change
// `core/protocol/src/api.rs` instead. Types only; what answers hold is checked where it is used.

import type { CameraId, DeviceId, Fingerprint, Hash, MemberId, SiteId } from "../../domain/id.ts";

/** Bytes as unpadded base64url (RFC 4648 §5). */
export type Blob64 = string;

/** A camera as its viewers see it: no address, no credentials. */
export interface Camera {
  /** Its id. */
  readonly id: CameraId;
  /** Its name. */
  readonly name: string;
  /** How long its recordings stay. */
  readonly retention: Retention;
  /** What kind of source it has: `rtsp`, `rtsps` or `synthetic`. Addresses are not given out. */
  readonly source: string;
  /** Its streams, main first. */
  readonly streams: readonly CameraStream[];
}

/** Changes of a camera; what is absent stays. */
export interface CameraPatch {
  /** Where its main stream comes from. */
  readonly main?: SourceSettings;
  /** Its name. */
  readonly name?: string;
  /** How long its recordings stay. */
  readonly retention?: Retention;
  /** Where its sub stream comes from; `null` ends it. What was recorded of it stays for as long as the retention says. */
  readonly sub?: SourceOrNone;
}

/** Why a camera gives no picture. */
export interface CameraProblem {
  /** For programs. */
  readonly kind: CameraProblemKind;
  /** For people: what happened and what to do. Holds no address and no credentials. */
  readonly message: string;
}

/** Why a camera gives no picture, in one word. */
export type CameraProblemKind =
  | "bad-url"
  | "no-such-host"
  | "unreachable"
  | "unauthorized"
  | "forbidden"
  | "not-found"
  | "redirected"
  | "unsupported-video"
  | "untrusted-certificate"
  | "stalled"
  | "closed"
  | "protocol";

/** A new camera. */
export interface CameraRequest {
  /** Where its main stream comes from. */
  readonly main: SourceSettings;
  /** Its name. */
  readonly name: string;
  /** How long its recordings stay. */
  readonly retention?: Retention;
  /** The roster statement that adds it. */
  readonly statement: Blob64;
  /** Where its sub stream comes from. */
  readonly sub?: SourceSettings;
}

/** One rendition of a camera. */
export interface CameraStream {
  /** Which. */
  readonly rendition: Rendition;
  /** How it is doing. */
  readonly status: StreamStatus;
}

/**
 * A ceremony with a passkey, begun. For `navigator.credentials`, `options` are parsed by
 * `parseCreationOptionsFromJSON` or `parseRequestOptionsFromJSON`; the client adds `prf` itself.
 */
export interface Ceremony {
  /** To be handed back as it is, within five minutes, once. */
  readonly ceremony: Blob64;
  /** `PublicKeyCredentialCreationOptionsJSON` or `PublicKeyCredentialRequestOptionsJSON` (`WebAuthn` L3 §5.4, §5.5). */
  readonly options: Readonly<Record<string, unknown>>;
}

/** A fresh text to sign. */
export interface Challenge {
  /** To be signed as it is; good for two minutes and one use. */
  readonly challenge: Blob64;
}

/** Who is to be claimed. */
export interface ClaimOffer {
  /** The gateway's identity (Ed25519); its fingerprint must be the link's. */
  readonly gateway: Blob64;
  /** The sealer's key (Ed25519); its fingerprint must be the link's. */
  readonly sealer: Blob64;
  /** A fresh site id. */
  readonly site: SiteId;
}

/** Before the claim: proves presence and asks who is there. */
export interface ClaimOfferRequest {
  /** The claim link's token. */
  readonly token: Blob64;
}

/** Claims the gateway. Comes with a DPoP proof of the claiming device's key. */
export interface ClaimRequest {
  /** The claiming device's name. */
  readonly deviceName: string;
  /** The roster's first statement. */
  readonly genesis: Blob64;
  /** The owner's name. */
  readonly name: string;
  /** The owner's key store, locked with the recovery key. */
  readonly recoveryKeystore: Blob64;
  /** The claim link's token. */
  readonly token: Blob64;
}

/** A codec that is recorded as it comes. */
export type Codec = "h264" | "h265" | "aac" | "pcmu" | "pcma" | "opus";

/** Counters since the gateway started, for monitoring and benchmarks. */
export interface Counters {
  /** Sealed bytes received from sealers. */
  readonly bytesIn: number;
  /** Bytes written to the disk, indexes included. */
  readonly bytesWritten: number;
  /** Frames recorded. */
  readonly frames: number;
  /** Bytes of indexes written. */
  readonly indexBytes: number;
  /** Frames that were sealed and not recorded. */
  readonly lostFrames: number;
  /** Packets that cameras sent and that did not arrive. */
  readonly lostPackets: number;
  /** Streams that are being recorded. */
  readonly streams: number;
  /** Disk syncs. */
  readonly syncs: number;
  /** Live viewers now. */
  readonly viewers: number;
}

/** A device and its token. */
export interface Device {
  /** When it was added. */
  readonly addedMs: number;
  /** Its id. */
  readonly id: DeviceId;
  /** Whose. */
  readonly member: MemberId;
  /** Its name. */
  readonly name: string;
  /** Whether it is the one that asks. */
  readonly this: boolean;
  /** When its token ends; absent when it has none. */
  readonly tokenExpiresMs?: number;
}

/** The last step of every sign-in: the device's statement. Comes with a DPoP proof. */
export interface DeviceRequest {
  /** The device's name. */
  readonly deviceName: string;
  /** From the step before. It is good for a device of its member: an owner, with the recovery key. */
  readonly grant: Blob64;
  /** The roster statement that adds the device. */
  readonly statement: Blob64;
}

/** The members' devices. */
export interface Devices {
  /** In order of joining. */
  readonly devices: readonly Device[];
}

/** What is wrong with the disk that recordings are on. */
export type DiskAlert = "full" | "read-only" | "failing" | "slow";

/** Whether the gateway answers. */
export interface Health {
  /** Always `ok`. */
  readonly status: string;
}

/** An open invitation. */
export interface Invitation {
  /** When it ends. */
  readonly expiresMs: number;
  /**
   * Where another machine finds the gateway, best first, at most 8; none while only its own is served. A link that
   * was asked for on the gateway's own machine is made for the first of them.
   */
  readonly origins?: readonly string[];
}

/** Takes an invitation. */
export interface InvitationProof {
  /** Its id. */
  readonly id: Blob64;
}

/** A further device of the caller's is to join. */
export interface InvitationRequest {
  /** 32 bytes, the hash of a secret that never gets here. */
  readonly id: Blob64;
  /** The caller's key store, locked under another hash of the secret; at most 64 KiB. */
  readonly keystore: Blob64;
}

/** Asks for a live ticket. */
export interface LiveRequest {
  /** Which stream. */
  readonly rendition: Rendition;
}

/** Opens one WebSocket at `/api/v1/live?ticket=…`. */
export interface LiveTicket {
  /** Until when. */
  readonly expiresMs: number;
  /** Good once. */
  readonly ticket: string;
}

/** A locked copy of the member's own key store. */
export interface LockedKeystore {
  /** The locked bytes, at most 64 KiB. */
  readonly keystore: Blob64;
}

/** A passkey. */
export interface Passkey {
  /** When it was added. */
  readonly addedMs: number;
  /** Its credential id. */
  readonly id: Blob64;
  /** When it was last used. */
  readonly lastUsedMs?: number;
  /** What the member calls it. */
  readonly name: string;
  /** Whether a key store that its PRF opens lies at the gateway. */
  readonly opens: boolean;
  /** The name of the gateway that it is tied to. */
  readonly rpId: string;
}

/** A passkey is to be called otherwise. */
export interface PasskeyPatch {
  /** What the member calls it from now on. */
  readonly name: string;
}

/** A passkey's answer. */
export interface PasskeyProof {
  /** From the options. */
  readonly ceremony: Blob64;
  /** `AuthenticationResponseJSON` (`WebAuthn` L3 §5.1), without outputs of `prf`. */
  readonly credential: Readonly<Record<string, unknown>>;
}

/** A passkey that was just made. */
export interface PasskeyRequest {
  /** From the options. */
  readonly ceremony: Blob64;
  /** `RegistrationResponseJSON` (`WebAuthn` L3 §5.1), without outputs of `prf`. */
  readonly credential: Readonly<Record<string, unknown>>;
  /** The member's key store, locked with its PRF; at most 64 KiB. */
  readonly keystore?: Blob64;
  /** What the member calls it. */
  readonly name: string;
}

/** The caller's own passkeys. */
export interface Passkeys {
  /** In order of adding, at most 16. */
  readonly passkeys: readonly Passkey[];
}

/** What a connection test found. */
export interface ProbeReport {
  /** The sound, if there is any that can be recorded. */
  readonly audio?: ProbedAudio;
  /** Milliseconds to the first picture. */
  readonly firstPictureMs: number;
  /** Tracks that are left out, by encoding name. */
  readonly unsupported: readonly string[];
  /** The picture. */
  readonly video: ProbedVideo;
}

/** A source to try. */
export interface ProbeRequest {
  /** What to try. */
  readonly source: SourceSettings;
}

/** The sound as announced. */
export interface ProbedAudio {
  /** Channels. */
  readonly channels: number;
  /** Codec. */
  readonly codec: Codec;
  /** Samples a second. */
  readonly sampleRate: number;
}

/** The picture as measured. */
export interface ProbedVideo {
  /** Bits a second. */
  readonly bitsPerS: number;
  /** Codec. */
  readonly codec: Codec;
  /** Its RFC 6381 name. */
  readonly codecString: string;
  /** Pictures per 1,000 seconds. */
  readonly framesPer1000S: number;
  /** Pixels down. */
  readonly height: number;
  /** Milliseconds between keyframes, when two were seen. */
  readonly keyframeIntervalMs?: number;
  /** Whether pictures are reordered (B-frames). */
  readonly reordered: boolean;
  /** Pixels across. */
  readonly width: number;
}

/** An error answer (RFC 9457, `application/problem+json`). */
export interface Problem {
  /** What happened this time and what to do. */
  readonly detail: string;
  /** Where else to ask: the gateway's origins with a name, best first; only where passkeys need one. */
  readonly origins?: readonly string[];
  /** Where the owner finds more in the log; only for internal errors. */
  readonly reference?: string;
  /** HTTP status. */
  readonly status: number;
  /** One line, always the same for one type. */
  readonly title: string;
  /** `/problems/NAME`. */
  readonly type: string;
}

/** Recorded stretches of a stream. */
export interface Recordings {
  /** Which stream. */
  readonly rendition: Rendition;
  /** Oldest first. */
  readonly spans: readonly Span[];
}

/** What a new device needs to become one of the owner's. */
export interface RecoveryAnswer {
  /** What the owner's devices are called, so that a new one gets a name of its own. */
  readonly deviceNames: readonly string[];
  /** Admits one device within two minutes. */
  readonly grant: Blob64;
  /** The owner's key store, locked with the recovery key. */
  readonly recoveryKeystore: Blob64;
  /** The roster's statements. */
  readonly statements: readonly Blob64[];
}

/** Sign-in with the recovery key, first half: proves possession of the words. */
export interface RecoveryRequest {
  /** From the challenge. */
  readonly challenge: Blob64;
  /** Signature of the recovery identity over `"bartizan/v1/sign-in" ‖ challenge`. */
  readonly signature: Blob64;
}

/** One rendition of a camera. */
export type Rendition = "main" | "sub";

/** A token that is good for longer. */
export interface Renewed {
  /** When it ends now. */
  readonly expiresMs: number;
}

/** How long recordings stay: whichever limit is reached first. */
export interface Retention {
  /** At most this many bytes; absent: as the disk allows. */
  readonly maxBytes?: number;
  /** At most this many hours; absent: as the disk allows. */
  readonly maxHours?: number;
}

/** How the gateway's secrets are kept at rest. */
export type RootKeyKind = "credential" | "file";

/** Where a segment lies in its stream's sealed bytes. */
export interface Segment {
  /** Milliseconds. */
  readonly durationMs: number;
  /** Bytes of its header and first keyframe: enough for a still picture. */
  readonly keyLen: number;
  /** Bytes, manifests that follow it included. */
  readonly len: number;
  /** First byte. */
  readonly offset: number;
  /** Capture time of its first frame. */
  readonly startMs: number;
}

/** Segments of a stream, oldest first. */
export interface Segments {
  /** Ask again from this time for more. */
  readonly nextMs?: number;
  /** At most 1,000. */
  readonly segments: readonly Segment[];
}

/** A device that may call the API from now on. */
export interface Session {
  /** With which device. */
  readonly device: DeviceId;
  /** When it ends. */
  readonly expiresMs: number;
  /** Who. */
  readonly member: MemberId;
  /** The sealer's signature over the roster that it pinned (at a claim). */
  readonly pinned?: Blob64;
  /** Whose household. */
  readonly site: SiteId;
  /** Cameras that were named when the gateway was started, for the owner to add (at a claim). */
  readonly suggested?: readonly SourceSettings[];
  /** The token for `Authorization: DPoP …`. Shown once. */
  readonly token: string;
}

/** What a new device needs to become one of its member's. */
export interface SignInAnswer {
  /** What the member's devices are called, so that a new one gets a name of its own. */
  readonly deviceNames: readonly string[];
  /** Admits one device of this member within two minutes. */
  readonly grant: Blob64;
  /** The member's key store, locked with the PRF of this very passkey, or under the invitation's secret. */
  readonly keystore?: Blob64;
  /** Who. */
  readonly member: MemberId;
  /** The roster's statements. */
  readonly statements: readonly Blob64[];
}

/** The site as its members see it. */
export interface Site {
  /**
   * SHA-256 of the certificate of the site's own authority, 64 hexadecimal digits in upper case: what a device
   * that is to trust it has to show. Absent with a given certificate, and in clear.
   */
  readonly authority?: string;
  /** Who asks. */
  readonly member: MemberId;
  /** The gateway's time. */
  readonly nowMs: number;
  /** How the gateway's secrets are kept at rest. */
  readonly rootKey: RootKeyKind;
  /** Hash of the last of them. */
  readonly rosterHead: Hash;
  /** Statements of the roster. */
  readonly rosterLen: number;
  /** Its id. */
  readonly site: SiteId;
  /** The gateway's software version. */
  readonly version: string;
}

/** A source, or `null` for none. */
export type SourceOrNone = SourceSettings | null;

/** A camera's address and how to speak to it. The URL may hold credentials: it goes in and never out. */
export interface SourceSettings {
  /** SHA-256 of the camera's certificate, for `rtsps://`. */
  readonly certificate?: Fingerprint;
  /** How RTP travels. */
  readonly transport?: Transport;
  /** `rtsp://`, `rtsps://` or `synthetic:`; with user name and password where the camera wants them. */
  readonly url: string;
}

/** Recorded without a break of two seconds or more. */
export interface Span {
  /** Its end. */
  readonly endMs: number;
  /** Capture time of its first frame. */
  readonly startMs: number;
}

/** One more statement. */
export interface StatementRequest {
  /** The signed statement. */
  readonly statement: Blob64;
}

/** A stretch of the roster's log. */
export interface Statements {
  /** Sequence number of the first. */
  readonly from: number;
  /** The statements' bytes. */
  readonly statements: readonly Blob64[];
}

/** What the disk holds. */
export interface Storage {
  /** What is wrong with the disk, if anything. */
  readonly alert?: DiskAlert;
  /** Bytes that are always left free. */
  readonly floorBytes: number;
  /** Bytes that the file system has left. */
  readonly freeBytes: number;
  /** Bytes of indexes. */
  readonly indexBytes: number;
  /** Each stream. */
  readonly streams: readonly StreamStorage[];
  /** Bytes of all recordings. */
  readonly usedBytes: number;
}

/** Connecting for the first time, or again. */
export interface StreamStatusConnecting {
  /** Why the last attempt failed. */
  readonly problem?: CameraProblem;
  readonly state: "connecting";
}

/** Sealing. */
export interface StreamStatusStreaming {
  readonly state: "streaming";
  /** Picture and sound. */
  readonly tracks: readonly TrackSummary[];
}

/** Switched off. */
export interface StreamStatusPaused {
  readonly state: "paused";
}

/** How a stream is doing. */
export type StreamStatus = StreamStatusConnecting | StreamStatusStreaming | StreamStatusPaused;

/** What the disk holds of one stream. */
export interface StreamStorage {
  /** Bytes. */
  readonly bytes: number;
  /** Whose. */
  readonly camera: CameraId;
  /** Its newest moment. */
  readonly newestMs?: number;
  /** Its oldest moment. */
  readonly oldestMs?: number;
  /** Which. */
  readonly rendition: Rendition;
}

/** A track in a word or two. */
export interface TrackSummary {
  /** Codec. */
  readonly codec: Codec;
  /** For example `1920×1080` or `48 kHz stereo`. */
  readonly shape: string;
}

/** How RTP travels. */
export type Transport = "tcp" | "udp";

/** What a locked browser's key store needs besides the browser's own key. */
export interface UnlockShare {
  /** 32 random bytes, drawn by the device. */
  readonly share: Blob64;
}
