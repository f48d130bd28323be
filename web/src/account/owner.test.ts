// What an open app asks its owner for anew: letting somebody in, and passkeys.

import { afterEach, expect, test, vi } from "vitest";

import type { PrfSupport } from "./testing/authenticator.ts";
import { SoftAuthenticator } from "./testing/authenticator.ts";
import { browserAt, claim, codeOf, sessionOf } from "./testing/browser.ts";
import { FakeGateway } from "./testing/gateway.ts";

afterEach(() => {
  vi.unstubAllGlobals();
});

/** An open account with a passkey. */
async function desk(prf: PrfSupport) {
  const [gateway, authenticator] = [new FakeGateway(), new SoftAuthenticator(prf)];
  const browser = await browserAt(gateway, authenticator);
  await claim(gateway, browser);
  await browser.account.addPasskey("Own");
  return { gateway, authenticator, ...browser };
}

/** Somebody else sits down at the open app, and has no finger for its passkey. */
async function sitsDown(prf: PrfSupport): Promise<void> {
  const { gateway, authenticator, account, store } = await desk(prf);
  const [own] = await account.passkeys();
  authenticator.refuses = true;
  const asked: string[] = [];
  gateway.guard = (path) => asked.push(path);
  expect(await codeOf(() => account.invite())).toBe("not-confirmed");
  expect(await codeOf(() => account.addPasskey("Foreign"))).toBe("not-confirmed");
  for (const change of ["POST /invitations", "POST /passkeys", "POST /passkeys/options"]) {
    expect(asked).not.toContain(change);
  }
  expect(await account.passkeys()).toEqual([own]);
  expect(store.record?.locks).toHaveLength(1);
  authenticator.refuses = false;
  expect((await account.invite()).link).toContain("/join#i=");
}

test("m_7_a_minute_at_an_unlocked_desk_lets_nobody_in", () => sitsDown("at-creation"));

test("m_7_a_minute_at_an_unlocked_desk_without_prf_lets_nobody_in", () => sitsDown("never"));

test("m_7_a_foreign_passkey_does_not_confirm_the_owner", async () => {
  const { gateway, authenticator, account } = await desk("at-creation");
  const stranger = new SoftAuthenticator("at-creation");
  await stranger.at(gateway.origin).create({
    publicKey: {
      challenge: new Uint8Array(32),
      rp: { id: new URL(gateway.origin).hostname, name: "x" },
      user: { id: new Uint8Array(16), name: "x", displayName: "x" },
      pubKeyCredParams: [],
    },
  });
  authenticator.held.splice(0, 1, ...stranger.held);
  expect(await codeOf(() => account.invite())).toBe("not-confirmed");
});

test("m_7_passkeys_are_not_removed_without_the_owner", async () => {
  const { gateway, authenticator, account } = await desk("at-creation");
  const second = await browserAt(gateway, new SoftAuthenticator("at-creation"));
  await second.account.join((await account.invite()).link);
  await second.account.addPasskey("Second");
  const extra = (await account.passkeys()).find(({ name }) => name === "Second");
  vi.stubGlobal("fetch", gateway.fetch);
  authenticator.refuses = true;
  expect(await codeOf(() => account.removePasskey(extra?.id ?? ""))).toBe("not-confirmed");
  expect(await account.passkeys()).toHaveLength(2);
  authenticator.refuses = false;
  expect(await codeOf(() => account.removePasskey(extra?.id ?? ""))).toBe("done");
  expect(await account.passkeys()).toHaveLength(1);
});

test("a browser without a lock has nothing to ask with", async () => {
  const gateway = new FakeGateway();
  const browser = await browserAt(gateway, null);
  await claim(gateway, browser);
  expect((await browser.account.invite()).link).toContain("/join#i=");
});

test("a removed device leaves a list of the passkeys that came after it", async () => {
  const { gateway, account } = await desk("at-creation");
  const phone = await browserAt(gateway, null);
  await phone.account.join((await account.invite()).link);
  const { device } = sessionOf(phone);
  const passkey = (name: string, addedMs: number) => ({ id: name, name, addedMs });
  gateway.bend = (path, answer) => {
    if (path === "GET /passkeys")
      return { passkeys: [passkey("before", 99), passkey("at", 100), passkey("after", 101)] };
    if (path !== "GET /devices") return answer;
    const { devices } = answer as { devices: { id: string }[] };
    return { devices: devices.map((each) => ({ ...each, addedMs: 100 })) };
  };
  const added = await account.removeDevice(device);
  expect(added.map(({ name }) => name)).toEqual(["at", "after"]);
  expect(gateway.history?.current.devices.has(device)).toBe(false);
});
