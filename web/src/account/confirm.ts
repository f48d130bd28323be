// Before somebody new gets in, and before a passkey goes: is it the owner who asks? An open app is not enough of an answer,
// since anybody may sit down before it. The check is this app's own; the gateway does not ask for it.

import type { Environment } from "./environment.ts";
import { AccountError } from "./errors.ts";
import type { OpenSession } from "./open-session.ts";
import { sabotaged, TEST_BUILD } from "./sabotage.ts";
import { unlockRecord } from "./unlock.ts";

/**
 * One fresh use of a passkey that unlocks this browser: the very lock must open. A browser that has none yet has nothing to
 * ask with.
 *
 * # Errors
 * `not-confirmed` when nobody does it or with another passkey; an `ApiProblem` when a lock needs the gateway and it is away.
 */
export async function confirmOwner(environment: Environment, session: OpenSession): Promise<void> {
  const { kept, record } = session.store;
  if (!kept || record.locks.length === 0) return;
  if (TEST_BUILD && sabotaged("M-7")) return;
  try {
    await unlockRecord(environment, record);
  } catch (cause) {
    throw cause instanceof AccountError ? new AccountError("not-confirmed", { cause }) : cause;
  }
  // Locked meanwhile, by another tab or for want of a touch.
  session.signal.throwIfAborted();
}
