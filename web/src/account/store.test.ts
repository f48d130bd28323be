import { afterEach, expect, test, vi } from "vitest";

import type { Bytes } from "../domain/bytes.ts";
import { ascii } from "../domain/bytes.ts";
import { newHalf } from "./locks.ts";
import type { AccountRecord } from "./store.ts";
import type { PrfSupport } from "./testing/authenticator.ts";
import { SoftAuthenticator } from "./testing/authenticator.ts";
import type { Browser } from "./testing/browser.ts";
import { browserAt, claim, codeOf, sessionOf } from "./testing/browser.ts";
import { FakeGateway } from "./testing/gateway.ts";
import type { Secrets } from "./testing/look.ts";
import { findings, openings } from "./testing/look.ts";
import { MemoryStore } from "./testing/memory.ts";

afterEach(() => {
  vi.unstubAllGlobals();
});

interface Home extends Browser {
  readonly gateway: FakeGateway;
  readonly authenticator: SoftAuthenticator;
  readonly record: AccountRecord;
  readonly secrets: Secrets;
}

/** A browser with a kept account, locked. */
async function locked(prf: PrfSupport): Promise<Home> {
  const [gateway, authenticator] = [new FakeGateway(), new SoftAuthenticator(prf)];
  const browser = await browserAt(gateway, authenticator);
  await claim(gateway, browser);
  await browser.account.addPasskey();
  const session = sessionOf(browser);
  const { sealedKeystore, storeKey, statements } = session.vault;
  const iv = sealedKeystore.slice(1, 13);
  const additionalData = ascii("bartizan/v1/keystore");
  const algorithm = { name: "AES-GCM", iv, additionalData };
  const clear = await crypto.subtle.decrypt(algorithm, storeKey, sealedKeystore.slice(13));
  const seeds = new Uint8Array(clear).slice(33);
  const secrets = {
    token: ascii(session.client.seed.token),
    statement: statements[0]!.slice(60, 92),
    identity: seeds.slice(0, 32),
    reader: seeds.slice(36, 68),
  };
  browser.account.lock();
  return { ...browser, gateway, authenticator, record: browser.store.record!, secrets };
}

test("m_6_a_locked_store_holds_nothing_that_opens_it", async () => {
  const { record, secrets } = await locked("at-creation");
  expect(findings(record, secrets)).toEqual([]);
  expect(await openings(record)).toBe(0);
});

test("m_6_a_locked_store_without_prf_holds_nothing_that_opens_it", async () => {
  const { record, secrets } = await locked("never");
  expect(findings(record, secrets)).toEqual([]);
  expect(await openings(record)).toBe(0);
});

test("the search finds what a careless store would keep", async () => {
  const { record, secrets } = await locked("at-creation");
  const plain = (more: object) => findings({ ...record, ...more }, secrets);
  expect(plain({ token: new TextDecoder().decode(secrets.token) })).toEqual(["token in clear"]);
  expect(plain({ statements: [secrets.statement] })).toEqual(["statement in clear"]);
  expect(plain({ identity: secrets.identity })).toEqual(["identity in clear"]);
  const aes = { name: "AES-GCM", length: 256 };
  const storeKey = await crypto.subtle.generateKey(aes, false, ["decrypt"]);
  expect(plain({ storeKey })).toEqual(["a key for decrypt"]);
  const ecdsa = { name: "ECDSA", namedCurve: "P-256" };
  const deviceKey = await crypto.subtle.generateKey(ecdsa, true, ["sign", "verify"]);
  expect(plain({ deviceKey })).toEqual(["a key that can be carried away"]);
});

test("the search finds a PRF output that was kept", async () => {
  const { account, store, authenticator, record } = await locked("at-creation");
  const kept: Bytes[] = [];
  const { importKey } = crypto.subtle;
  vi.spyOn(crypto.subtle, "importKey").mockImplementation((...input: unknown[]) => {
    const [, data] = input as [string, unknown];
    if (data instanceof Uint8Array && data.length === 32) kept.push(data.slice());
    return Reflect.apply(importKey, crypto.subtle, input);
  });
  await account.unlock();
  vi.restoreAllMocks();
  account.lock();
  expect(authenticator.held).toHaveLength(1);
  expect(store.record?.device).toBe(record.device);
  expect(await openings({ ...record, ...{ kept: kept.slice(0, 2) } })).toBeGreaterThan(0);
});

test("m_7_nothing_is_open_after_a_restart_or_a_lock", async () => {
  const home = await locked("at-creation");
  const again = await browserAt(home.gateway, home.authenticator, home.store);
  expect(again.account.state).toEqual({ kind: "locked", locks: ["prf"] });
  home.authenticator.refuses = true;
  expect(await codeOf(() => again.account.unlock())).toBe("passkey-cancelled");
  home.authenticator.refuses = false;
  await again.account.unlock();
  const session = sessionOf(again);
  const [reader] = session.keystore.readers;
  again.account.lock();
  expect(() => session.vault).toThrow("locked");
  expect(() => session.keystore).toThrow("locked");
  expect(() => session.client.seed).toThrow();
  const seed = (reader!.pair.privateKey as unknown as { key: Uint8Array }).key;
  expect(seed.every((byte) => byte === 0)).toBe(true);
  expect(await codeOf(() => session.sync())).toBe("locked");
});

/** Every value in a record that somebody could change, as a list of ways to change it. */
function tampered(record: AccountRecord, other: AccountRecord): [string, AccountRecord][] {
  const out: [string, AccountRecord][] = [];
  const flags = { locked: false, unlocked: true, isUnlocked: true, kind: "open", locks: [] };
  for (const [name, value] of Object.entries(flags)) {
    out.push([`${name} = ${value}`, { ...record, [name]: value }]);
  }
  for (const name of Object.keys(record) as (keyof AccountRecord)[]) {
    out.push([`${name} of another`, { ...record, [name]: other[name] }]);
    const value = record[name];
    if (value instanceof Uint8Array) {
      const flipped = value.slice();
      flipped[flipped.length >> 1]! ^= 1;
      out.push([`${name} flipped`, { ...record, [name]: flipped }]);
      if (name !== "sealedToken") out.push([`${name} as token`, { ...record, sealedToken: value }]);
    }
  }
  return out;
}

test("m_7_no_change_of_the_store_unlocks_it", async () => {
  const [home, other] = [await locked("at-creation"), await locked("at-creation")];
  const nobody = new SoftAuthenticator("at-creation");
  nobody.refuses = true;
  for (const [how, record] of tampered(home.record, other.record)) {
    const store = new MemoryStore();
    store.record = record;
    const browser = await browserAt(home.gateway, nobody, store);
    expect(browser.account.state.kind, how).toBe("locked");
    expect(await codeOf(() => browser.account.unlock()), how).not.toBe("done");
    expect(browser.account.state.kind, how).toBe("locked");
  }
});

test("m_7_a_changed_store_is_refused_even_with_the_right_passkey", async () => {
  const [home, other] = [await locked("at-creation"), await locked("at-creation")];
  const harmless = /^(locked|unlocked|isUnlocked|kind) =|^(version|revision|deviceKey) of/;
  for (const [how, record] of tampered(home.record, other.record)) {
    if (harmless.test(how)) continue;
    const store = new MemoryStore();
    store.record = record;
    const browser = await browserAt(home.gateway, home.authenticator, store);
    const code = await codeOf(() => browser.account.unlock());
    expect(["store-damaged", "passkey-opens-nothing", "passkey-cancelled"], how).toContain(code);
  }
});

test("m_7_a_copied_store_opens_with_no_other_passkey", async () => {
  for (const prf of ["at-creation", "never"] as const) {
    const home = await locked(prf);
    const thief = new SoftAuthenticator(prf);
    const copy = new MemoryStore();
    copy.record = structuredClone(home.record);
    const browser = await browserAt(home.gateway, thief, copy);
    expect(await codeOf(() => browser.account.unlock())).toBe("passkey-cancelled");
  }
});

test("m_7_without_prf_a_removed_device_gets_no_share", async () => {
  const home = await locked("never");
  await home.account.unlock();
  const phone = await browserAt(home.gateway, null);
  await phone.account.join((await home.account.invite()).link);
  const { device } = sessionOf(home);
  home.account.lock();
  await phone.account.removeDevice(device);
  await expect(home.account.unlock()).rejects.toMatchObject({ status: 401 });
  expect(home.account.state.kind).toBe("locked");
});

test("m_7_a_share_opens_nothing_without_this_browsers_half", async () => {
  const home = await locked("never");
  const half = await newHalf();
  const locks = home.record.locks.map((lock) => (lock.kind === "share" ? { ...lock, half } : lock));
  home.store.record = { ...home.record, locks };
  expect(await codeOf(() => home.account.unlock())).toBe("store-damaged");
});

test("neither PRF outputs nor secrets are sent", async () => {
  const home = await locked("at-creation");
  await home.account.unlock();
  const { link } = await home.account.invite();
  const secret = /#i=([^&]+)/.exec(link)?.[1] ?? "?";
  const heard = home.gateway.heard.join("\n");
  expect(heard).not.toContain('"prf"');
  expect(heard).not.toContain(secret);
  const identity = Buffer.from(home.secrets.identity).toString("base64url");
  expect(heard).not.toContain(identity);
});
