import { afterEach, expect, test, vi } from "vitest";

import { toBase64Url } from "../api/base64.ts";
import { SoftAuthenticator } from "./testing/authenticator.ts";
import type { Browser } from "./testing/browser.ts";
import { browserAt, claim, codeOf, sessionOf } from "./testing/browser.ts";
import { FakeGateway, Refusal } from "./testing/gateway.ts";

afterEach(() => {
  vi.unstubAllGlobals();
});

async function unclaimed(): Promise<Browser & { gateway: FakeGateway }> {
  const gateway = new FakeGateway();
  return { gateway, ...(await browserAt(gateway, new SoftAuthenticator("at-creation"))) };
}

const ANSWERS = { name: "Ada", deviceName: "Desk" };

async function finish({ account, gateway }: Awaited<ReturnType<typeof unclaimed>>) {
  const prepared = await account.prepareClaim(await gateway.claimLink());
  const words = prepared.places.map((place) => ` ${prepared.words[place - 1]?.toUpperCase()} `);
  return await account.finishClaim(prepared, { ...ANSWERS, words });
}

test("the words are confirmed before anything is sent", async () => {
  const { account, gateway } = await unclaimed();
  const prepared = await account.prepareClaim(await gateway.claimLink());
  expect(prepared.words).toHaveLength(24);
  expect(prepared.places).toHaveLength(3);
  for (const words of [[], ["abandon", "abandon", "abandon"]]) {
    const refused = await codeOf(() => account.finishClaim(prepared, { ...ANSWERS, words }));
    expect(refused).toBe("words-not-confirmed");
  }
  expect(gateway.history).toBeNull();
});

test("a claim gives the cameras that the gateway was started with, and says who is there", async () => {
  const home = await unclaimed();
  const suggested = [{ url: "synthetic:" }];
  home.gateway.bend = (path, answer) =>
    path === "POST /claim" ? { ...(answer as object), suggested } : answer;
  expect(await finish(home)).toEqual(suggested);
  const session = sessionOf(home);
  expect(session.site).toBe(home.gateway.site);
  expect(session.member).toBe(home.gateway.owner);
  expect(session.history().current.devices.has(session.device)).toBe(true);
});

test("l_6_a_gateway_with_other_keys_is_refused", async () => {
  const { account, gateway } = await unclaimed();
  for (const key of ["gateway", "sealer"]) {
    gateway.bend = (_path, answer) => ({
      ...(answer as object),
      [key]: toBase64Url(new Uint8Array(32).fill(7)),
    });
    const link = await gateway.claimLink();
    expect(await codeOf(() => account.prepareClaim(link)), key).toBe("other-gateway");
  }
});

test("l_6_a_claim_that_the_sealer_did_not_pin_is_refused", async () => {
  for (const pinned of [undefined, "", toBase64Url(new Uint8Array(64))]) {
    const home = await unclaimed();
    home.gateway.bend = (path, answer) =>
      path === "POST /claim" ? { ...(answer as object), pinned } : answer;
    expect(await codeOf(() => finish(home))).toBe("not-pinned");
    expect(home.account.state.kind).toBe("new");
  }
});

test("what nobody knows is told as such", async () => {
  const home = await unclaimed();
  home.gateway.bend = (path, answer) => {
    if (path === "POST /claim") throw new TypeError("connection reset");
    return answer;
  };
  expect(await codeOf(() => finish(home))).toBe("maybe-claimed");
});

test("links to other addresses, half links and bad names are refused", async () => {
  const { account, gateway } = await unclaimed();
  const link = await gateway.claimLink();
  const elsewhere = link.replace("localhost", "evil.example");
  expect(await codeOf(() => account.prepareClaim(elsewhere))).toBe("other-origin");
  expect(await codeOf(() => account.prepareClaim(link.slice(0, -3)))).toBe("not-a-claim-link");
  const wrong = link.replace(/t=[^&]+/, `t=${toBase64Url(new Uint8Array(32))}`);
  expect(await codeOf(() => account.prepareClaim(wrong))).toBe("claim-refused");
  const prepared = await account.prepareClaim(link);
  const words = prepared.places.map((place) => prepared.words[place - 1] ?? "");
  const bad = { words, name: "A\u202eb", deviceName: "Desk" };
  expect(await codeOf(() => account.finishClaim(prepared, bad))).toBe("bad-name");
});

test("a gateway that has an owner cannot be claimed", async () => {
  const home = await unclaimed();
  await claim(home.gateway, home);
  const other = await browserAt(home.gateway, null);
  const link = await home.gateway.claimLink();
  expect(await codeOf(() => other.account.prepareClaim(link))).toBe("not-claimable");
});

test("too many tries are told as the gateway says it", async () => {
  const { account, gateway } = await unclaimed();
  gateway.bend = () => {
    throw new Refusal(429, "too-many-requests");
  };
  const link = await gateway.claimLink();
  await expect(account.prepareClaim(link)).rejects.toMatchObject({ status: 429 });
});
