// A page that the browser keeps whole comes back locked; a vault that is closed holds no key.

import { afterEach, expect, test, vi } from "vitest";

import type { Channel } from "./environment.ts";
import { lockOnLeaving } from "./leaving.ts";
import { SoftAuthenticator } from "./testing/authenticator.ts";
import { browserAt, claim, reaches, sessionOf } from "./testing/browser.ts";
import { FakeGateway } from "./testing/gateway.ts";
import { MemoryStore } from "./testing/memory.ts";
import { Vault } from "./vault.ts";

afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

const moved = (type: string, persisted: boolean): Event =>
  Object.assign(new Event(type), { persisted });

async function page() {
  const [gateway, authenticator] = [new FakeGateway(), new SoftAuthenticator("at-creation")];
  const told: unknown[] = [];
  const channel = { postMessage: (data: unknown) => told.push(data), addEventListener: vi.fn() };
  const store = new MemoryStore();
  const browser = await browserAt(gateway, authenticator, store, channel as unknown as Channel);
  await claim(gateway, browser);
  await browser.account.addPasskey();
  const target = new EventTarget();
  lockOnLeaving(browser.account, target);
  return { ...browser, target, told };
}

test("m_7_a_page_in_the_back_forward_cache_is_locked", async () => {
  const { account, target, told, store } = await page();
  const session = sessionOf({ account, store });
  const before = told.length;
  target.dispatchEvent(moved("pagehide", true));
  expect(account.state).toEqual({ kind: "locked", locks: ["prf"] });
  expect(session.signal.aborted).toBe(true);
  expect(() => session.keystore).toThrow("locked");
  expect(told.slice(before)).not.toContain("locked");
  // Signed out in another tab meanwhile.
  await store.clear();
  target.dispatchEvent(moved("pageshow", true));
  await reaches({ account, store }, "new");
});

test("a page that is shown for the first time, or ends, changes nothing", async () => {
  const { account, target } = await page();
  target.dispatchEvent(moved("pageshow", false));
  target.dispatchEvent(moved("pagehide", false));
  expect(account.state.kind).toBe("open");
});

test("m_7_a_write_that_hangs_does_not_keep_the_store_key", async () => {
  const { account, store } = await page();
  const { storeKey } = sessionOf({ account, store }).vault;
  if (store.record === null) throw new Error("a record is kept");
  const hanging = new MemoryStore();
  hanging.replace = () => new Promise(() => undefined);
  const vault = new Vault(hanging, store.record, storeKey, true);
  vi.useFakeTimers();
  void vault.write(async (record) => ({ ...record }));
  vault.close();
  await vi.advanceTimersByTimeAsync(1_900);
  expect(vault.storeKey).toBe(storeKey);
  await vi.advanceTimersByTimeAsync(200);
  expect(() => vault.storeKey).toThrow("locked");
});
