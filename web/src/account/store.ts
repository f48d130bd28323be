// Where the one account of a browser is kept: the record, and an interface over its place (`database.ts`) so that tests
// can look into it. A record holds nothing in clear that opens anything; what its sealed parts are is `vault.ts`.

import type { Bytes } from "../domain/bytes.ts";
import type { DeviceId, MemberId, SiteId } from "../domain/id.ts";

/** A way to the store key. */
export type Lock =
  | {
      /** Opens with the passkey's PRF output, without the gateway. */
      readonly kind: "prf";
      /** Credential id as base64url. */
      readonly credential: string;
      readonly rpId: string;
      readonly wrapped: Bytes;
    }
  | {
      /** Opens with the gateway's share and a key that never leaves this browser. */
      readonly kind: "share";
      /** Non-extractable HMAC key. */
      readonly half: CryptoKey;
      readonly wrapped: Bytes;
    };

/** What a browser keeps of its account. */
export interface AccountRecord {
  readonly version: 1;
  /** Grows with each change: two tabs never write over each other. */
  readonly revision: number;
  readonly site: SiteId;
  readonly member: MemberId;
  readonly device: DeviceId;
  /** Non-extractable P-256 pair; of no use without the token. */
  readonly deviceKey: CryptoKeyPair;
  /** Sealed under the store key, each for its own purpose. */
  readonly sealedKeystore: Bytes;
  readonly sealedStoreKey: Bytes;
  readonly sealedToken: Bytes;
  readonly sealedRoster: Bytes;
  readonly sealedSeen: Bytes;
  readonly locks: readonly Lock[];
}

/** A device of this browser that may still stand on a roster, to be taken off at the next sign-in. */
export interface Stray {
  readonly site: SiteId;
  readonly device: DeviceId;
}

/** Strays that are remembered. */
export const MAX_STRAYS = 8;

/** A place for one account. */
export interface AccountStore {
  load(): Promise<AccountRecord | null>;

  /** Writes `next` when the stored revision is the one before it (or nothing is stored); says whether it did. */
  replace(next: AccountRecord): Promise<boolean>;

  /** Writes over whatever is there. */
  put(next: AccountRecord): Promise<void>;

  strays(): Promise<readonly Stray[]>;

  /** Keeps the last few. */
  setStrays(strays: readonly Stray[]): Promise<void>;

  /** Removes account and strays. */
  clear(): Promise<void>;
}

/** Whether `next` was made from what is stored. */
export function follows(stored: AccountRecord | null, next: AccountRecord): boolean {
  if (stored === null) return false;
  return stored.device === next.device && stored.revision + 1 === next.revision;
}
