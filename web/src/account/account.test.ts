import { afterEach, expect, test, vi } from "vitest";

import { ApiProblem } from "../api/client.ts";
import { SoftAuthenticator } from "./testing/authenticator.ts";
import { browserAt, claim, codeOf, sessionOf } from "./testing/browser.ts";
import { FakeGateway } from "./testing/gateway.ts";

afterEach(() => {
  vi.unstubAllGlobals();
});

for (const prf of ["at-creation", "at-use", "never"] as const) {
  test(`claim, passkey, lock, unlock, with PRF ${prf}`, async () => {
    const [gateway, authenticator] = [new FakeGateway(), new SoftAuthenticator(prf)];
    const browser = await browserAt(gateway, authenticator);
    expect(browser.account.state.kind).toBe("new");
    await claim(gateway, browser);
    expect(browser.account.state).toMatchObject({ kind: "open", kept: false });
    expect(browser.store.record).toBeNull();
    await browser.account.addPasskey("Key ring");
    expect(browser.account.state).toMatchObject({ kind: "open", kept: true });
    const kind = prf === "never" ? "share" : "prf";
    const session = sessionOf(browser);
    browser.account.lock();
    expect(browser.account.state).toEqual({ kind: "locked", locks: [kind] });
    expect(session.signal.aborted).toBe(true);
    await expect(session.client.get("/site")).rejects.toBeInstanceOf(ApiProblem);
    await browser.account.unlock();
    expect(await sessionOf(browser).client.get("/site")).toMatchObject({ site: gateway.site });
    expect(await browser.account.passkeys()).toMatchObject([
      { name: "Key ring", opens: kind === "prf" },
    ]);
    const again = await browserAt(gateway, authenticator, browser.store);
    expect(again.account.state).toEqual({ kind: "locked", locks: [kind] });
    await again.account.unlock();
    expect(sessionOf(again).device).toBe(session.device);
  });
}

test("a second device by passkey, by invitation, by words; and their removal", async () => {
  const [gateway, authenticator] = [new FakeGateway(), new SoftAuthenticator("at-creation")];
  const first = await browserAt(gateway, authenticator);
  const words = await claim(gateway, first);
  await first.account.addPasskey();
  const second = await browserAt(gateway, authenticator);
  await second.account.signInWithPasskey("Phone");
  expect(second.account.state).toMatchObject({ kind: "open", kept: true });
  const { link } = await first.account.invite();
  const third = await browserAt(gateway, null);
  await third.account.join(link, "Tablet");
  expect(third.account.state).toMatchObject({ kind: "open", kept: false });
  expect(await codeOf(() => third.account.join(link))).toBe("invitation-over");
  const fourth = await browserAt(gateway, null);
  await fourth.account.signInWithWords(words, "Laptop");
  const devices = await first.account.devices();
  expect(devices.map(({ name }) => name)).toEqual(["Desk", "Phone", "Tablet", "Laptop"]);
  const phone = sessionOf(second);
  await first.account.removeDevice(phone.device);
  await expect(phone.client.get("/site")).rejects.toMatchObject({ challenge: "invalid_token" });
  expect(second.account.state.kind).toBe("signed-out");
  expect(await first.account.devices()).toHaveLength(3);
});
