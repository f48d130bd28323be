// Ways into the app and out of it: claiming a gateway, locking, unlocking, signing in again.

import { describe, expect, onTestFinished, test } from "vitest";
import { Authenticator } from "./harness/authenticator.ts";
import { faultsOfAccess } from "./harness/axe.ts";
import { synthetic } from "./harness/camera.ts";
import { Gateway } from "./harness/gateway.ts";
import type { Means } from "./harness/hand.ts";
import { Person } from "./harness/person.ts";
import { moves } from "./harness/picture.ts";
import { everythingStored } from "./harness/stored.ts";
import { type Device, Visitor } from "./harness/visitor.ts";
import { text } from "./harness/words.ts";

async function gatewayWithCamera(): Promise<Gateway> {
  const gateway = await Gateway.start({ cameras: [synthetic({ width: 640, height: 360 })] });
  onTestFinished(() => gateway.end());
  return gateway;
}

async function person(gateway: Gateway, device: Device, means: Means = "pointer"): Promise<Person> {
  return new Person(await Visitor.enter(gateway.origin, device), means);
}

/** Claims a fresh gateway with a passkey; the account is open. */
async function owner(kind: "prf" | "plain", means: Means = "pointer"): Promise<Person> {
  const gateway = await gatewayWithCamera();
  const owner = await person(gateway, { passkeys: kind }, means);
  await owner.claim(await gateway.claimLink(), "passkey");
  await owner.addSuggested();
  return owner;
}

describe.each<Device & { means: Means }>([
  { engine: "chromium", means: "pointer" },
  { engine: "chromium", means: "keyboard" },
  { engine: "firefox", means: "pointer" },
  { engine: "firefox", means: "keyboard" },
])("without passkeys ($engine, $means)", ({ means, ...device }) => {
  test("a gateway is claimed, and the words sign in again when the tab was closed", async () => {
    const gateway = await gatewayWithCamera();
    const owner = await person(gateway, device, means);
    const words = await owner.claim(await gateway.claimLink(), "none");
    expect(words.filter((word) => /^[a-z]{3,8}$/.test(word))).toHaveLength(24);
    await owner.addSuggested();
    expect(owner.visitor.path).toBe("/");
    await moves(owner.live("Camera 1"));
    await owner.page.reload();
    await owner.signInWithWords(words.join(" "), "none");
  });
});

describe.each<["prf" | "plain", Means]>([
  ["prf", "pointer"],
  ["prf", "keyboard"],
  ["plain", "pointer"],
  ["plain", "keyboard"],
])("with a passkey (%s, %s)", (kind, means) => {
  test("a gateway is claimed, the app locked and unlocked, and locked by a reload", async () => {
    const someone = await owner(kind, means);
    await someone.lock();
    expect(await faultsOfAccess(someone.page)).toEqual([]);
    await someone.unlock();
    await someone.page.reload();
    await someone.heading("lock.title").waitFor();
    await someone.unlock();
  });
});

/** Tries to unlock with a finger that the authenticator does not know. */
async function tryAsStranger(someone: Person): Promise<void> {
  await someone.lock();
  someone.visitor.witness.expect(/status of 4\d\d/);
  await someone.visitor.authenticator.recognises(false);
  await someone.press("lock.unlock");
  await someone.page.getByRole("alert").waitFor();
  await someone.heading("lock.title").waitFor();
}

test("m_7_a_person_whom_the_authenticator_does_not_know_stays_outside_in_chromium", async () => {
  // The virtual authenticator stays blocked afterwards, as a real one that wants its PIN.
  await tryAsStranger(await owner("prf"));
});

test("m_7_without_prf_a_person_whom_the_authenticator_does_not_know_stays_outside_in_chromium", async () => {
  const someone = await owner("plain");
  await tryAsStranger(someone);
  await someone.visitor.authenticator.recognises(true);
  await someone.unlock();
});

/** What whoever finds the locked browser gets out of it. */
async function keepsNothingThatReads(kind: "prf" | "plain"): Promise<void> {
  const someone = await owner(kind);
  await someone.lock();
  const { texts, keys, cached, names } = await everythingStored(someone.page);
  expect(keys.filter((key) => /(private|secret) true/.test(key))).toEqual([]);
  expect(keys.some((key) => key.startsWith("ECDSA private"))).toBe(true);
  // The owner's name on the roster, the token's frame, names of cameras and devices.
  const spoken = /Olivia|Camera 1|synthetic|"token"|Chrome, Linux/i;
  expect([...texts, ...names].filter((text) => spoken.test(text))).toEqual([]);
  expect(cached.filter((address) => new URL(address).pathname.startsWith("/api"))).toEqual([]);
  expect(someone.page.workers()).toEqual([]);
}

test("m_6_a_locked_browser_keeps_nothing_that_reads_in_chromium", () =>
  keepsNothingThatReads("prf"));

test("m_6_a_locked_browser_without_prf_keeps_nothing_that_reads_in_chromium", () =>
  keepsNothingThatReads("plain"));

test("m_7_a_lock_in_one_tab_locks_the_other_in_chromium", async () => {
  const first = await owner("plain");
  const other = await first.visitor.context.newPage();
  await other.goto(first.visitor.origin);
  const locked = other.getByRole("heading", { name: text("lock.title") });
  await locked.waitFor();
  const authenticator = await Authenticator.plug(other, { prf: false });
  const [passkey] = await first.visitor.authenticator.passkeys();
  if (!passkey) {
    throw new Error("the owner has no passkey");
  }
  await authenticator.take(passkey);
  await other.getByRole("button", { name: text("lock.unlock") }).click();
  await other.getByRole("link", { name: text("nav.live") }).waitFor();
  await first.lock();
  await locked.waitFor({ timeout: 5_000 });
});

test("an authenticator that was used elsewhere signs a new browser in", async () => {
  const someone = await owner("prf");
  await someone.lock();
  // The same key at a browser that knows nothing.
  await someone.page.evaluate(async () => {
    for (const { name = "" } of await indexedDB.databases()) {
      indexedDB.deleteDatabase(name);
    }
  });
  await someone.page.reload();
  await someone.signInWithPasskey();
  await moves(someone.live("Camera 1"));
  // The browser was here before as another device: nobody chose a name, so this one has a number.
  await someone.settings("settings.devices");
  const other = someone.page.getByRole("heading", { name: /^Chrome, Linux 2/, level: 3 });
  await other.waitFor();
  await someone.renamePasskey("Chrome, Linux", "Key ring");
  const named = someone.page.getByRole("heading", { name: "Key ring", exact: true });
  await named.waitFor();
  expect(await faultsOfAccess(someone.page)).toEqual([]);
});
