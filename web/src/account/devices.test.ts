// What devices are called: what the roster says where it says something, whatever the gateway says.

import { expect, test } from "vitest";

import { SoftAuthenticator } from "./testing/authenticator.ts";
import type { Browser } from "./testing/browser.ts";
import { browserAt, claim, codeOf, sessionOf } from "./testing/browser.ts";
import { FakeGateway } from "./testing/gateway.ts";

async function owner(): Promise<{ gateway: FakeGateway; browser: Browser }> {
  const gateway = new FakeGateway();
  const browser = await browserAt(gateway, new SoftAuthenticator("at-creation"));
  await claim(gateway, browser);
  return { gateway, browser };
}

const namesIn = async ({ account }: Browser) => (await account.devices()).map(({ name }) => name);

test("a device is renamed by a statement that all devices see", async () => {
  const { gateway, browser } = await owner();
  const { link } = await browser.account.invite();
  const other = await browserAt(gateway, null);
  await other.account.join(link, "Galaxy S24");
  await browser.account.renameDevice(sessionOf(other).device, " Mum's phone ");
  expect(await namesIn(browser)).toEqual(["Desk", "Mum's phone"]);
  expect(await namesIn(other)).toEqual(["Desk", "Mum's phone"]);
});

test("the gateway cannot call a renamed device otherwise", async () => {
  const { gateway, browser } = await owner();
  await browser.account.renameDevice(sessionOf(browser).device, "Hall");
  gateway.bend = (path, answer) => {
    if (path !== "GET /devices") return answer;
    const { devices } = answer as { devices: { name: string }[] };
    return { devices: devices.map((device) => ({ ...device, name: "Mum's phone" })) };
  };
  expect(await namesIn(browser)).toEqual(["Hall"]);
});

test("the name that it has is no statement, and what is no name is not sent", async () => {
  const { gateway, browser } = await owner();
  const { device } = sessionOf(browser);
  await browser.account.renameDevice(device, "Hall");
  const length = gateway.statements.length;
  await browser.account.renameDevice(device, "Hall ");
  for (const name of ["", "a\u202eb", "a".repeat(65)]) {
    expect(await codeOf(() => browser.account.renameDevice(device, name))).toBe("bad-name");
  }
  expect(gateway.statements).toHaveLength(length);
});
