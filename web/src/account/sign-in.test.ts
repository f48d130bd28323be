import { afterEach, expect, test, vi } from "vitest";

import { toBase64Url } from "../api/base64.ts";
import type { MemberId } from "../domain/id.ts";
import { idOf } from "../domain/id.ts";
import { signingKeyFromSeed } from "../identity/key.ts";
import { decodeStatement, signStatement } from "../identity/roster/statement.ts";
import { invitationKey } from "./locks.ts";
import { SoftAuthenticator } from "./testing/authenticator.ts";
import type { Browser } from "./testing/browser.ts";
import { browserAt, claim, codeOf, sessionOf } from "./testing/browser.ts";
import { FakeGateway, Refusal } from "./testing/gateway.ts";

afterEach(() => {
  vi.unstubAllGlobals();
});

async function home() {
  const [gateway, authenticator] = [new FakeGateway(), new SoftAuthenticator("at-creation")];
  const first = await browserAt(gateway, authenticator);
  const words = await claim(gateway, first);
  await first.account.addPasskey();
  return { gateway, authenticator, first, words };
}

test("words that are none are told by what is wrong with them", async () => {
  const { gateway, words } = await home();
  const { account } = await browserAt(gateway, null);
  const list = words.split(" ");
  const refused = async (text: string) => {
    return await account.signInWithWords(text).catch((error: unknown) => error);
  };
  expect(await refused(list.slice(1).join(" "))).toMatchObject({ code: "words-count", words: 23 });
  const typo = list.with(4, "zzzz").join(" ");
  expect(await refused(typo)).toMatchObject({ code: "words-unknown", place: 5 });
  const swapped = list.with(0, list[0] === "zoo" ? "abandon" : "zoo").join(" ");
  expect(await refused(swapped)).toMatchObject({ code: expect.stringMatching(/checksum|other/) });
  const others = `${"abandon ".repeat(23)}art`;
  expect(await refused(others)).toMatchObject({ code: "other-words" });
});

test("words are the way into a locked browser, and its old entry leaves the roster", async () => {
  const { gateway, first, words } = await home();
  const before = sessionOf(first).device;
  first.account.lock();
  await first.account.signInWithWords(words);
  const session = sessionOf(first);
  expect([...session.history().current.devices.keys()]).toEqual([session.device]);
  expect(gateway.history?.current.devices.has(before)).toBe(false);
  expect(first.account.state).toMatchObject({ kind: "open", kept: false });
  await first.account.addPasskey();
  expect(first.store.record?.device).toBe(session.device);
  expect(first.store.kept).toEqual([]);
});

test("a device that was never kept is taken off the roster at the next sign-in", async () => {
  const { gateway, words } = await home();
  const lost = await browserAt(gateway, null);
  await lost.account.signInWithWords(words);
  const stray = sessionOf(lost).device;
  const again = await browserAt(gateway, null, lost.store);
  expect(again.account.state.kind).toBe("new");
  await again.account.signInWithWords(words);
  expect(gateway.history?.current.devices.has(stray)).toBe(false);
});

test("a name that nobody chose is numbered where another device has it, by every way in", async () => {
  const { gateway, authenticator, first, words } = await home();
  const named = async (browser: Browser) => {
    const { device } = sessionOf(browser);
    return (await browser.account.devices()).find(({ id }) => id === device)?.name;
  };
  const browsers = await Promise.all([1, 2, 3, 4].map(() => browserAt(gateway, authenticator)));
  const [second, third, fourth, fifth] = browsers as [Browser, Browser, Browser, Browser];
  await second.account.signInWithWords(words);
  expect(await named(second)).toBe("Test, Node");
  await third.account.signInWithPasskey();
  expect(await named(third)).toBe("Test, Node 2");
  await fourth.account.join((await first.account.invite()).link, " Test, Node ");
  expect(await named(fourth)).toBe("Test, Node 3");
  // What somebody chose stays, though another device has it.
  await fifth.account.signInWithWords(words, "Desk");
  expect(await named(fifth)).toBe("Desk");
  expect((await first.account.devices()).map(({ name }) => name)).toContain("Desk");
});

test("passkeys are called otherwise, and one that nobody named is numbered", async () => {
  const { gateway, first } = await home();
  const second = await browserAt(gateway, new SoftAuthenticator("at-creation"));
  await second.account.join((await first.account.invite()).link);
  await second.account.addPasskey();
  const names = async () => (await first.account.passkeys()).map(({ name }) => name);
  expect(await names()).toEqual(["Test, Node", "Test, Node 2"]);
  const [, passkey] = await first.account.passkeys();
  expect(await codeOf(() => first.account.renamePasskey(passkey!.id, "a\u202eb"))).toBe("bad-name");
  await first.account.renamePasskey(passkey!.id, "  Security key ");
  expect(await names()).toEqual(["Test, Node", "Security key"]);
  second.account.lock();
  await second.account.unlock();
});

test("a passkey without keys at the gateway signs nobody in", async () => {
  const { gateway, authenticator } = await home();
  for (const [id, passkey] of gateway.passkeys)
    gateway.passkeys.set(id, { ...passkey, keystore: null });
  const { account } = await browserAt(gateway, authenticator);
  expect(await codeOf(() => account.signInWithPasskey())).toBe("passkey-brings-no-keys");
  gateway.passkeys.clear();
  expect(await codeOf(() => account.signInWithPasskey())).toBe("passkey-unknown");
  const nobody = await browserAt(gateway, null);
  expect(await codeOf(() => nobody.account.signInWithPasskey())).toBe("passkeys-missing");
});

test("under an address passkeys are refused, with the names to use instead", async () => {
  const { gateway, authenticator } = await home();
  const { account } = await browserAt(gateway, authenticator);
  gateway.bend = () => {
    throw new Refusal(409, "passkey-needs-name");
  };
  expect(await codeOf(() => account.signInWithPasskey())).toBe("needs-name");
});

test("a passkey that the authenticator already has becomes a lock here too", async () => {
  for (const prf of ["at-creation", "never"] as const) {
    const [gateway, authenticator] = [new FakeGateway(), new SoftAuthenticator(prf)];
    const first = await browserAt(gateway, authenticator);
    await claim(gateway, first);
    await first.account.addPasskey();
    const second = await browserAt(gateway, authenticator);
    await second.account.join((await first.account.invite()).link);
    await second.account.addPasskey();
    expect(authenticator.held).toHaveLength(1);
    second.account.lock();
    await second.account.unlock();
    expect(sessionOf(second).site).toBe(gateway.site);
  }
});

test("the last lock stays", async () => {
  const { first } = await home();
  const [passkey] = await first.account.passkeys();
  expect(await codeOf(() => first.account.removePasskey(passkey!.id))).toBe("last-lock");
  expect(await first.account.passkeys()).toHaveLength(1);
});

test("l_6_a_made_up_household_around_the_words_is_refused", async () => {
  const { gateway, words } = await home();
  const genesis = await decodeStatement(gateway.statements[0]!);
  const stranger = await signingKeyFromSeed(new Uint8Array(32).fill(66));
  const { operation, site, sequence, previous, time } = genesis;
  if (operation.kind !== "genesis") throw new Error("a genesis");
  const place = { site, sequence, previous };
  const owner = idOf<MemberId>(new Uint8Array(16).fill(66));
  const forged = { ...operation, owner, identity: stranger.public };
  const first = await signStatement(stranger, place, time, forged);
  const second = await signStatement(stranger, { site, sequence: 1n, previous: first.hash }, time, {
    ...{ kind: "add-member", member: operation.owner, identity: operation.identity },
    ...{ role: "owner", expires: null, cameras: [] },
  });
  gateway.bend = (path, answer) => {
    if (path !== "POST /sign-in/recovery") return answer;
    const statements = [first, second].map(({ bytes }) => toBase64Url(bytes));
    return { ...(answer as object), statements };
  };
  const { account } = await browserAt(gateway, null);
  expect(await codeOf(() => account.signInWithWords(words))).toBe("not-anchored");
});

test("l_6_an_invitation_leads_to_its_own_household_only", async () => {
  const { gateway, first } = await home();
  const { link } = await first.account.invite();
  const { account } = await browserAt(gateway, null);
  const other = link.replace(/g=.*/, `g=${"a".repeat(51)}a`);
  expect(await codeOf(() => account.join(other))).toBe("not-anchored");
  expect(await codeOf(() => account.join(link.replace("localhost", "evil.example")))).toBe(
    "other-origin",
  );
  expect(await codeOf(() => account.join("http://localhost:8440/join#i=AQ"))).toBe(
    "not-an-invitation",
  );
});

test("n_4_a_roster_from_before_the_invitation_is_refused", async () => {
  const { gateway, first } = await home();
  const older = [...gateway.statements].map((statement) => toBase64Url(statement));
  const second = await browserAt(gateway, null);
  await second.account.join((await first.account.invite()).link);
  const { link } = await first.account.invite();
  expect(link).toContain(`&h=${gateway.history?.current.head}`);
  gateway.bend = (path, answer) =>
    path === "POST /sign-in/invitation" ? { ...(answer as object), statements: older } : answer;
  const { account } = await browserAt(gateway, null);
  expect(await codeOf(() => account.join(link))).toBe("roster-rolled-back");
});

test("an invitation's lock and id are those of core/identity", async () => {
  const secret = new Uint8Array(32).fill(7);
  const key = await invitationKey(secret);
  const raw = Buffer.from(
    "8e484b4d671fc48219972c61142cb60f8df57de9eb7e75300ff72a2f9f7d2e32",
    "hex",
  );
  const expected = await crypto.subtle.importKey("raw", raw, "AES-GCM", false, ["encrypt"]);
  const iv = new Uint8Array(12);
  const sealed = async (by: CryptoKey) => {
    const out = await crypto.subtle.encrypt({ name: "AES-GCM", iv }, by, new Uint8Array(4));
    return Buffer.from(out).toString("hex");
  };
  expect(await sealed(key)).toBe(await sealed(expected));
});

test("a device that forgets itself leaves roster and browser", async () => {
  const { gateway, first } = await home();
  const { device } = sessionOf(first);
  await first.account.forget();
  expect(gateway.history?.current.devices.has(device)).toBe(false);
  expect(first.store.record).toBeNull();
  await vi.waitFor(() => expect(first.account.state.kind).toBe("new"));
});
