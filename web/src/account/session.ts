// What the rest of the app gets from an unlocked account. Types only; how an account comes to be unlocked is in
// `account.ts`, and what is behind these types in `open-session.ts`.

import type { Client } from "../api/client.ts";
import type { Bytes } from "../domain/bytes.ts";
import type { CameraId, DeviceId, Hash, MemberId, SiteId } from "../domain/id.ts";
import type { Keystore } from "../identity/keystore.ts";
import type { Operation } from "../identity/roster/operation.ts";
import type { Rendition } from "../sealed/record.ts";
import type { RosterHistory } from "../sealed/roster.ts";

/** The highest manifest of a stream that this device has seen. */
export interface HighWater {
  readonly counter: bigint;
  /** When it was signed, in milliseconds since 1970. */
  readonly time: bigint;
  /** Its record's hash. */
  readonly hash: Hash;
}

/** What a worker needs to open streams by itself; it can be sent to one. It is worth as much as the keys. */
export interface VaultSeed {
  readonly sealedKeystore: Bytes;
  readonly storeKey: CryptoKey;
  /** Hash of the pinned genesis. */
  readonly genesis: Hash;
  /** The roster as it was verified last, the genesis first. */
  readonly statements: readonly Bytes[];
}

/** An account while it is unlocked. When it locks, `signal` is aborted: end workers and drop pictures then. */
export interface Unlocked {
  readonly site: SiteId;
  readonly member: MemberId;
  readonly device: DeviceId;
  readonly client: Client;
  readonly keystore: Keystore;
  /** With the roster of this moment. */
  readonly vault: VaultSeed;
  readonly signal: AbortSignal;

  /** The roster as it was verified last. */
  history(): RosterHistory;

  /** Fetches and verifies what the roster has gained; refuses one that goes back behind what was seen. */
  sync(): Promise<RosterHistory>;

  /** Signs `operation` as the roster's next statement and appends it; again when somebody else was faster. */
  append(operation: Operation): Promise<RosterHistory>;

  /** As `append`, with `send` bringing the signed statement to the gateway inside a request of its own. */
  submit<T>(operation: Operation, send: (statement: Bytes) => Promise<T>): Promise<T>;

  /** The signed bytes of `operation` as the next statement of the roster as it is known here. */
  sign(operation: Operation): Promise<Bytes>;

  /** The highest manifest of a stream that this device has seen. */
  floor(camera: CameraId, rendition: Rendition): HighWater | undefined;

  /** Keeps it; a lower one changes nothing. */
  noteHead(camera: CameraId, rendition: Rendition, high: HighWater): void;
}
