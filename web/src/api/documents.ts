// Documents of the HTTP API as they stand in JSON: the TypeScript side of `core/protocol/src/api.rs`. Times are
// milliseconds since 1970. Types only: answers are foreign, and whatever protects privacy is checked where it is used.

import type { CameraId, DeviceId, Fingerprint, Hash, MemberId, SiteId } from "../domain/id.ts";

/** Bytes as unpadded base64url. */
export type Blob64 = string;
export type Rendition = "main" | "sub";
export type Codec = "h264" | "h265" | "aac" | "pcmu" | "pcma" | "opus";

export type * from "./entry-documents.ts";

// -- The site.

export interface Site {
  readonly site: SiteId;
  readonly member: MemberId;
  /** The gateway's software version. */
  readonly version: string;
  readonly rosterLen: number;
  readonly rosterHead: Hash;
  /** How the gateway's secrets are kept at rest. */
  readonly rootKey: "credential" | "file";
  /** The gateway's time. */
  readonly nowMs: number;
}

export interface Statements {
  readonly from: number;
  readonly statements: readonly Blob64[];
}

export interface StatementRequest {
  readonly statement: Blob64;
}

export interface LockedKeystore {
  readonly keystore: Blob64;
}

export interface Device {
  readonly id: DeviceId;
  readonly member: MemberId;
  readonly name: string;
  /** Whether it is the one that asks. */
  readonly this: boolean;
  readonly addedMs: number;
  readonly tokenExpiresMs?: number;
}

export interface Devices {
  readonly devices: readonly Device[];
}

// -- Cameras.

/** The URL may hold credentials: it goes in and never out. */
export interface SourceSettings {
  /** `rtsp://`, `rtsps://` or `synthetic:`. */
  readonly url: string;
  readonly transport?: "tcp" | "udp";
  /** SHA-256 of the camera's certificate, for `rtsps://`. */
  readonly certificate?: Fingerprint;
}

/** How long recordings stay: whichever limit is reached first; absent: as the disk allows. */
export interface Retention {
  readonly maxBytes?: number;
  readonly maxHours?: number;
}

export interface CameraRequest {
  /** The signed roster statement that adds it. */
  readonly statement: Blob64;
  readonly name: string;
  readonly main: SourceSettings;
  readonly sub?: SourceSettings;
  readonly retention?: Retention;
}

/** Changes of a camera; what is absent stays. */
export interface CameraPatch {
  readonly name?: string;
  readonly main?: SourceSettings;
  readonly sub?: SourceSettings;
  readonly retention?: Retention;
}

export interface Camera {
  readonly id: CameraId;
  readonly name: string;
  /** `rtsp`, `rtsps` or `synthetic`. */
  readonly source: string;
  /** Main first. */
  readonly streams: readonly CameraStream[];
  readonly retention: Retention;
}

export interface CameraStream {
  readonly rendition: Rendition;
  readonly status: StreamStatus;
}

export type StreamStatus =
  | { readonly state: "connecting"; readonly problem?: CameraProblem }
  | { readonly state: "streaming"; readonly tracks: readonly TrackSummary[] }
  | { readonly state: "paused" };

export interface TrackSummary {
  readonly codec: Codec;
  /** For example `1920×1080` or `48 kHz stereo`. */
  readonly shape: string;
}

export interface CameraProblem {
  readonly kind: CameraProblemKind;
  /** For people: what happened and what to do. */
  readonly message: string;
}

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

export interface ProbeRequest {
  readonly source: SourceSettings;
}

export interface ProbeReport {
  readonly video: ProbedVideo;
  readonly audio?: ProbedAudio;
  /** Tracks that are left out, by encoding name. */
  readonly unsupported: readonly string[];
  readonly firstPictureMs: number;
}

export interface ProbedVideo {
  readonly codec: Codec;
  /** RFC 6381 name. */
  readonly codecString: string;
  readonly width: number;
  readonly height: number;
  readonly framesPer1000S: number;
  readonly keyframeIntervalMs?: number;
  readonly bitsPerS: number;
  /** Whether pictures are reordered (B-frames). */
  readonly reordered: boolean;
}

export interface ProbedAudio {
  readonly codec: Codec;
  readonly sampleRate: number;
  readonly channels: number;
}

// -- Live, recordings, storage.

export interface LiveTicket {
  readonly ticket: string;
  readonly expiresMs: number;
}

export interface Recordings {
  readonly rendition: Rendition;
  /** Oldest first. */
  readonly spans: readonly Span[];
}

export interface Span {
  readonly startMs: number;
  readonly endMs: number;
}

export interface Segments {
  /** At most 1,000, oldest first. */
  readonly segments: readonly Segment[];
  /** Ask again from this time for more. */
  readonly nextMs?: number;
}

/** Where a segment lies in its stream's sealed bytes. */
export interface Segment {
  readonly startMs: number;
  readonly durationMs: number;
  readonly offset: number;
  /** Bytes, manifests that follow it included. */
  readonly len: number;
  /** Bytes of its header and first keyframe: enough for a still picture. */
  readonly keyLen: number;
}

export interface Storage {
  readonly usedBytes: number;
  readonly freeBytes: number;
  /** Bytes that are always left free. */
  readonly floorBytes: number;
  readonly indexBytes: number;
  readonly streams: readonly StreamStorage[];
  /** What is wrong with the disk, if anything. */
  readonly alert?: string;
}

export interface StreamStorage {
  readonly camera: CameraId;
  readonly rendition: Rendition;
  readonly bytes: number;
  readonly oldestMs?: number;
  readonly newestMs?: number;
}

export interface Counters {
  readonly streams: number;
  readonly frames: number;
  readonly lostPackets: number;
  readonly lostFrames: number;
  readonly bytesIn: number;
  readonly bytesWritten: number;
  readonly indexBytes: number;
  readonly syncs: number;
  readonly viewers: number;
}
