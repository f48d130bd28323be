// For tests: a browser with an account, over a fake gateway and a software authenticator. What the browser stores
// can be looked into.

import { vi } from "vitest";
import { WORD_COUNT } from "../../identity/recovery.ts";
import { Account } from "../account.ts";
import type { Environment } from "../environment.ts";
import { AccountError } from "../errors.ts";
import type { AccountState } from "../state.ts";
import type { SoftAuthenticator } from "./authenticator.ts";
import type { FakeGateway } from "./gateway.ts";
import { MemoryStore } from "./memory.ts";

/** A browser: an account and what it stores. */
export interface Browser {
  readonly account: Account;
  readonly store: MemoryStore;
}

/** Opens a browser at `gateway` with the authenticator in reach. */
export async function browserAt(
  gateway: FakeGateway,
  authenticator: SoftAuthenticator | null,
  store = new MemoryStore(),
  channel: Environment["channel"] = null,
): Promise<Browser> {
  vi.stubGlobal("fetch", gateway.fetch);
  const { origin } = gateway;
  const account = new Account({
    ...{ store, origin, channel, deviceName: "Test, Node" },
    authenticators: authenticator?.at(origin) ?? null,
    persist: async () => true,
  });
  await account.start();
  return { account, store };
}

/** Claims the gateway for a new owner; gives the words. */
export async function claim(gateway: FakeGateway, { account }: Browser): Promise<string> {
  const prepared = await account.prepareClaim(await gateway.claimLink());
  const words = prepared.places.map((place) => prepared.words[place - 1] ?? "");
  await account.finishClaim(prepared, { words, name: "Ada", deviceName: "Desk" });
  if (prepared.words.length !== WORD_COUNT) throw new Error("24 words are expected");
  return prepared.words.join(" ");
}

/** The session of an open account. */
export function sessionOf({ account }: Browser) {
  const { state } = account;
  if (state.kind !== "open") throw new Error(`open is expected, not ${state.kind}`);
  return state.session;
}

/** Waits for a state. */
export async function reaches(
  { account }: Browser,
  kind: AccountState["kind"],
): Promise<AccountState> {
  await vi.waitFor(() => {
    if (account.state.kind !== kind) throw new Error(`${account.state.kind}, not ${kind}`);
  });
  return account.state;
}

/** The code with which an account's work is refused, or "done". */
export async function codeOf(run: () => Promise<unknown>): Promise<string> {
  try {
    await run();
  } catch (error) {
    if (error instanceof AccountError) return error.code;
    throw error;
  }
  return "done";
}
