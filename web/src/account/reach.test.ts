// Whose address a link for another device has.

import { expect, test } from "vitest";
import { forOthers, isOnlyHere } from "./reach.ts";
import { SoftAuthenticator } from "./testing/authenticator.ts";
import { browserAt, claim } from "./testing/browser.ts";
import { FakeGateway } from "./testing/gateway.ts";

const HERE = "https://localhost:8440";
const GATE = "https://bartizan.local:8440";

test("loopback names and addresses are of one machine only", () => {
  for (const host of [
    "localhost:8440",
    "gate.localhost",
    "127.0.0.1:8440",
    "[::1]:8440",
    "[::ffff:127.0.0.1]",
  ]) {
    expect(isOnlyHere(`http://${host}`), host).toBe(true);
  }
  for (const host of [
    "bartizan.local",
    "localhost.evil.example",
    "192.168.1.7",
    "127.0.0.1.nip.io",
  ]) {
    expect(isOnlyHere(`https://${host}`), host).toBe(false);
  }
  expect(isOnlyHere("rubbish")).toBe(false);
});

test("a link is for an address that other devices can open", () => {
  expect(forOthers(HERE, [GATE, "https://192.168.1.7:8440"])).toBe(GATE);
  expect(forOthers("https://192.168.1.7:8440", [GATE])).toBe("https://192.168.1.7:8440");
  expect(forOthers(HERE)).toBe(HERE);
  const useless = ["", "rubbish", "http://gate.local", "https://127.0.0.1", `${GATE}/x`];
  expect(forOthers(HERE, useless)).toBe(HERE);
});

test("an invitation is for the gateway's name on the network, if it has one", async () => {
  const gateway = new FakeGateway();
  const browser = await browserAt(gateway, new SoftAuthenticator("at-creation"));
  const { account } = browser;
  await claim(gateway, browser);
  await account.addPasskey();
  const here = await account.invite();
  expect(here.onlyHere).toBe(true);
  expect(here.link).toContain(`${gateway.origin}/join#i=`);
  gateway.elsewhere = [GATE];
  const there = await account.invite();
  expect(there.onlyHere).toBe(false);
  expect(there.link).toContain(`${GATE}/join#i=`);
});
