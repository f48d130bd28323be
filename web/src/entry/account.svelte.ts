// The one account of this page, for views: its state as a rune, so that every view follows it. What it does is in
// `account/account.ts`.

import type { Account } from "../account/account.ts";
import { browserAccount } from "../account/browser.ts";
import type { Unlocked } from "../account/session.ts";
import type { AccountState } from "../account/state.ts";
import { clearToasts } from "../ui/toasts.svelte.ts";

const account: Account = browserAccount();
let state: AccountState = $state.raw(account.state);

/** The account, for what views ask it to do. */
export const theAccount = (): Account => account;

/** What is shown. */
export const accountState = (): AccountState => state;

/** The open session, or `null`. */
export const openSession = (): Unlocked | null => (state.kind === "open" ? state.session : null);

/** At start: looks what this browser keeps. */
export async function startAccount(): Promise<void> {
  account.subscribe((next) => {
    // Messages name cameras and devices: they go with what they are about.
    if (state.kind === "open" && next.kind !== "open") clearToasts();
    state = next;
  });
  try {
    await account.start();
  } catch {
    // A browser that stores nothing has no account; what signs in will say so.
    state = { kind: "new" };
  }
}
