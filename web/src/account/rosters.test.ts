// A worker's roster follows the gateway's: fetched when it is needed, once for all who ask, and never without end.

import { afterEach, expect, test, vi } from "vitest";

import { toBase64Url } from "../api/base64.ts";
import type { DeviceId, Fingerprint, Hash } from "../domain/id.ts";
import { idOf } from "../domain/id.ts";
import type { Operation } from "../identity/roster/operation.ts";
import { nextPlace } from "../identity/roster/rules.ts";
import { signStatement } from "../identity/roster/statement.ts";
import type { RosterHistory } from "../sealed/roster.ts";
import { Rosters } from "./rosters.ts";
import { browserAt, claim, sessionOf } from "./testing/browser.ts";
import { FakeGateway } from "./testing/gateway.ts";
import { openVault } from "./vault.ts";

afterEach(() => {
  vi.unstubAllGlobals();
});

/** A worker that knows the genesis only, and a gateway whose roster grows. */
async function worker() {
  const gateway = new FakeGateway();
  const browser = await browserAt(gateway, null);
  await claim(gateway, browser);
  const { client, keystore, member, vault } = sessionOf(browser);
  const asked: string[] = [];
  const get = <T>(path: string): Promise<T> => {
    asked.push(path);
    return client.get(path);
  };
  const rosters = new Rosters((await openVault(vault)).rosters, get);
  const device = idOf<DeviceId>(new Uint8Array(16).fill(1));
  const thumbprint = idOf<Fingerprint>(new Uint8Array(32).fill(2));
  const adding: Operation = { kind: "add-device", member, device, thumbprint };
  const removing: Operation = { kind: "remove-device", device };
  const grow = async (statements: number): Promise<Hash> => {
    for (let count = 0; count < statements; count += 1) {
      const { current } = gateway.history!;
      const operation = current.devices.has(device) ? removing : adding;
      const { identity } = keystore;
      const place = nextPlace(current);
      await gateway.append((await signStatement(identity, place, current.time, operation)).bytes);
    }
    return gateway.history!.current.head;
  };
  return { asked, gateway, grow, rosters };
}

test("a roster that grew is fetched once for all who ask, over many answers", async () => {
  const { asked, grow, rosters } = await worker();
  const head = await grow(7);
  const found = await Promise.all([rosters.at(head), rosters.at(head), rosters.lengthen()]);
  expect(found[0]?.length).toBe(8n);
  expect(found[1]).toBe(found[0]);
  expect(asked).toEqual([1, 4, 7, 8].map((from) => `/roster?from=${from}`));
  await rosters.at(head);
  expect(asked).toHaveLength(4);
});

test("a head that is nobody's is asked for, and stays unknown", async () => {
  const { asked, rosters } = await worker();
  const head = idOf<Hash>(new Uint8Array(32).fill(9));
  expect(await rosters.at(head)).toBeUndefined();
  expect(await rosters.at(head)).toBeUndefined();
  expect(asked).toHaveLength(2);
});

test("statements that are not the next ones, or none at all, are refused; later answers are taken", async () => {
  const { gateway, grow, rosters } = await worker();
  const head = await grow(2);
  const honest = gateway.bend;
  const answers = (statements: unknown) => {
    gateway.bend = (path, answer) =>
      path === "GET /roster" ? { from: 1, statements } : honest(path, answer);
  };
  const { statements } = gateway;
  answers([toBase64Url(statements[2]!)]);
  await expect(rosters.lengthen()).rejects.toMatchObject({ code: "not-next" });
  answers(["?"]);
  await expect(rosters.lengthen()).rejects.toMatchObject({ code: "unknown" });
  expect(rosters.history.current.length).toBe(1n);
  gateway.bend = honest;
  expect((await rosters.at(head))?.length).toBe(3n);
});

test("a log that goes on and on is left after so many answers", async () => {
  const { gateway, grow } = await worker();
  await grow(1);
  // It takes whatever comes, and never grows.
  const history = { current: { length: 1n }, add: async () => undefined };
  const statements = [toBase64Url(gateway.statements[1]!)];
  const get = vi.fn(async () => ({ from: 1, statements }));
  await new Rosters(history as unknown as RosterHistory, get as never).lengthen();
  expect(get).toHaveBeenCalledTimes(256);
});
