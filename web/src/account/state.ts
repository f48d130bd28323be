// What the views see of the account.

import type { Unlocked } from "./session.ts";
import type { AccountRecord, Lock } from "./store.ts";

/** What the views show. */
export type AccountState =
  | { readonly kind: "loading" }
  /** No account in this browser. */
  | { readonly kind: "new" }
  | { readonly kind: "locked"; readonly locks: readonly Lock["kind"][] }
  | {
      readonly kind: "open";
      readonly session: Unlocked;
      /** Whether it is stored. It is once it has a passkey; until then it ends with this tab. */
      readonly kept: boolean;
    }
  /** There is an account, and the gateway does not know this device (any more): sign in again. */
  | { readonly kind: "signed-out" };

/** A link for a new device of the same member. */
export interface InvitationMade {
  readonly link: string;
  readonly expiresMs: number;
  /** No other machine can open it: the gateway serves its own only. */
  readonly onlyHere: boolean;
}

/** What a stored record is while nobody has opened it. */
export function lockedBy(record: AccountRecord): AccountState {
  return { kind: "locked", locks: record.locks.map(({ kind }) => kind) };
}
