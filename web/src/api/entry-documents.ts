// Documents of the claim, the ways in and passkeys; the rest is `documents.ts`, which gives these out too.

import type { DeviceId, MemberId, SiteId } from "../domain/id.ts";
import type { Blob64, SourceSettings } from "./documents.ts";

export interface ClaimOffer {
  readonly site: SiteId;
  /** Ed25519 keys of the gateway's identity and of its sealer. */
  readonly gateway: Blob64;
  readonly sealer: Blob64;
}

export interface ClaimRequest {
  readonly token: Blob64;
  readonly genesis: Blob64;
  readonly recoveryKeystore: Blob64;
  readonly name: string;
  readonly deviceName: string;
}

/** A device that may call the API from now on. */
export interface SessionDocument {
  readonly site: SiteId;
  readonly member: MemberId;
  readonly device: DeviceId;
  readonly token: string;
  readonly expiresMs: number;
  /** The sealer's signature over the roster that it pinned (at a claim). */
  readonly pinned?: Blob64;
  /** Cameras that were named when the gateway was started (at a claim). */
  readonly suggested?: readonly SourceSettings[];
}

export interface Renewed {
  readonly expiresMs: number;
}

export interface Challenge {
  readonly challenge: Blob64;
}

export interface RecoveryAnswer {
  readonly statements: readonly Blob64[];
  readonly recoveryKeystore: Blob64;
  readonly grant: Blob64;
}

/** Answer to a sign-in by passkey or invitation. */
export interface MemberAnswer {
  readonly statements: readonly Blob64[];
  /** Locked with this very passkey's PRF output, or with the invitation's secret. */
  readonly keystore?: Blob64;
  readonly member: MemberId;
  readonly grant: Blob64;
}

export interface DeviceRequest {
  readonly grant: Blob64;
  readonly statement: Blob64;
  readonly deviceName: string;
}

/** A passkey ceremony that the gateway began. */
export interface Ceremony<Options> {
  readonly ceremony: Blob64;
  readonly options: Options;
}

export interface Passkey {
  /** Credential id. */
  readonly id: Blob64;
  readonly name: string;
  /** Host name for which it was made. */
  readonly rpId: string;
  readonly addedMs: number;
  readonly lastUsedMs?: number;
  /** Whether it brings the account to a new device by itself. */
  readonly opens: boolean;
}

export interface Passkeys {
  readonly passkeys: readonly Passkey[];
}

export interface UnlockShare {
  readonly share: Blob64;
}

export interface Invited {
  readonly expiresMs: number;
}
