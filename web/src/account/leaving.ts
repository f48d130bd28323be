// A page that is left may be kept whole by the browser, to come back at once (back/forward cache). What comes back is
// locked: whoever presses "back" is not asked for a finger by the browser.

import { sabotaged, TEST_BUILD } from "./sabotage.ts";

/** What is locked: the account of the page. */
interface Leaving {
  /** Lets go of all keys in this tab; others go on. */
  leave(): void;
  /** Looks what is stored. */
  start(): Promise<void>;
}

/** Locks `account` when its page is put away, and has it look anew at what is stored when the page comes back. */
export function lockOnLeaving(account: Leaving, target: EventTarget): void {
  if (TEST_BUILD && sabotaged("M-7")) return;
  target.addEventListener("pagehide", (event) => {
    if (isKept(event)) account.leave();
  });
  target.addEventListener("pageshow", (event) => {
    if (isKept(event)) account.start().catch(() => undefined);
  });
}

/** HTML §7.4.6.1: whether the page is, or was, in the cache. */
const isKept = (event: Event): boolean => "persisted" in event && event.persisted === true;
