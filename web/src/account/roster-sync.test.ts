import { afterEach, expect, test, vi } from "vitest";

import { toBase64Url } from "../api/base64.ts";
import type { CameraId, DeviceId, Fingerprint, Hash } from "../domain/id.ts";
import { idOf } from "../domain/id.ts";
import { nextPlace } from "../identity/roster/rules.ts";
import { decodeStatement, signStatement } from "../identity/roster/statement.ts";
import { SoftAuthenticator } from "./testing/authenticator.ts";
import { browserAt, claim, codeOf, sessionOf } from "./testing/browser.ts";
import { FakeGateway, Refusal } from "./testing/gateway.ts";
import { openVault } from "./vault.ts";

afterEach(() => {
  vi.unstubAllGlobals();
});

async function home() {
  const [gateway, authenticator] = [new FakeGateway(), new SoftAuthenticator("at-creation")];
  const browser = await browserAt(gateway, authenticator);
  await claim(gateway, browser);
  await browser.account.addPasskey();
  return { gateway, ...browser, session: sessionOf(browser) };
}

const someDevice = () => ({
  kind: "add-device" as const,
  device: idOf<DeviceId>(crypto.getRandomValues(new Uint8Array(16))),
  thumbprint: idOf<Fingerprint>(crypto.getRandomValues(new Uint8Array(32))),
});

test("a roster that grows is followed, over many answers, and kept", async () => {
  const { gateway, account, session } = await home();
  const { member, keystore } = session;
  for (let count = 0; count < 9; count += 1) {
    const roster = gateway.history!.current;
    const operation = { ...someDevice(), member };
    const place = nextPlace(roster);
    const made = await signStatement(keystore.identity, place, roster.time, operation);
    await gateway.append(made.bytes);
  }
  expect((await session.sync()).current.length).toBe(10n);
  account.lock();
  await account.unlock();
  const state = account.state;
  expect(state.kind === "open" && state.session.history().current.length).toBe(10n);
});

test("n_4_a_roster_behind_what_was_seen_is_refused", async () => {
  const { gateway, session } = await home();
  const { member } = session;
  await session.append({ ...someDevice(), member });
  await session.append({ ...someDevice(), member });
  const all = gateway.statements;
  gateway.statements = all.slice(0, -1);
  expect(await codeOf(() => session.sync())).toBe("roster-rolled-back");
  const other = await session.sign({ ...someDevice(), member });
  gateway.statements = [...all.slice(0, -1), other];
  expect(await codeOf(() => session.sync())).toBe("roster-rolled-back");
  gateway.statements = all;
  expect((await session.sync()).current.length).toBe(3n);
});

test("n_4_a_roster_is_not_rolled_back_by_a_restart", async () => {
  const { gateway, account, session } = await home();
  const { member } = session;
  await session.append({ ...someDevice(), member });
  account.lock();
  gateway.statements = gateway.statements.slice(0, 1);
  await account.unlock();
  const { state } = account;
  if (state.kind !== "open") throw new Error("open");
  expect(state.session.history().current.length).toBe(2n);
  expect(await codeOf(() => state.session.sync())).toBe("roster-rolled-back");
});

test("statements that do not verify are refused", async () => {
  const { gateway, session } = await home();
  const { member } = session;
  const good = await session.sign({ ...someDevice(), member });
  const forged = good.slice();
  forged[forged.length - 1]! ^= 1;
  gateway.statements.push(forged);
  expect(await codeOf(() => session.sync())).toBe("roster-refused");
  expect(session.history().current.length).toBe(1n);
});

test("an append is made anew when somebody else was faster", async () => {
  const { gateway, session } = await home();
  const { member } = session;
  const faster = await session.sign({ ...someDevice(), member });
  let overtaken = false;
  const answer = await session.submit({ ...someDevice(), member }, async (statement) => {
    if (!overtaken) await gateway.append(faster);
    overtaken = true;
    await session.client.send("POST", "/roster", { statement: toBase64Url(statement) });
    return (await decodeStatement(statement)).sequence;
  });
  expect(answer).toBe(2n);
  expect(session.history().current.length).toBe(3n);
});

test("many appends at once take their turns", async () => {
  const { session } = await home();
  const { member } = session;
  await Promise.all([1, 2, 3, 4].map(() => session.append({ ...someDevice(), member })));
  expect(session.history().current.length).toBe(5n);
});

test("a conflict for another reason is told, and what rules forbid is not sent", async () => {
  const { gateway, session } = await home();
  const { member } = session;
  const before = gateway.heard.length;
  await expect(session.append({ kind: "remove-member", member })).rejects.toMatchObject({
    code: "last-owner",
  });
  expect(gateway.heard.slice(before).join("")).toBe("");
  gateway.guard = (path) => {
    if (path === "POST /roster") throw new Refusal(409, "limit-reached");
  };
  await expect(session.append({ ...someDevice(), member })).rejects.toMatchObject({ status: 409 });
});

test("a worker opens the same vault", async () => {
  const { session } = await home();
  const { keystore, rosters } = await openVault(structuredClone(session.vault));
  expect(keystore.identity.public.id).toBe(session.keystore.identity.public.id);
  expect(rosters.current.head).toBe(session.history().current.head);
});

test("what was seen of streams survives a lock, and goes up only", async () => {
  const { account, session } = await home();
  const camera = idOf<CameraId>(new Uint8Array(16).fill(5));
  const high = (counter: bigint) => ({
    ...{ counter, time: counter * 10n, hash: idOf<Hash>(new Uint8Array(32).fill(1)) },
  });
  for (const counter of [5n, 7n, 6n]) session.noteHead(camera, "sub", high(counter));
  expect(session.floor(camera, "sub")).toEqual(high(7n));
  expect(session.floor(camera, "main")).toBeUndefined();
  account.lock();
  await vi.waitFor(async () => {
    await account.unlock();
    const { state } = account;
    const floor = state.kind === "open" ? state.session.floor(camera, "sub") : undefined;
    account.lock();
    expect(floor).toEqual(high(7n));
  });
});

test("a token is renewed once half of its time is gone", async () => {
  const { gateway, account, session } = await home();
  const renewals = () => gateway.heard.filter((body) => body === "").length;
  const before = renewals();
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 60 * 86_400_000 });
  account.lock();
  const paths: string[] = [];
  gateway.bend = (path, answer) => {
    paths.push(path);
    return answer;
  };
  await account.unlock();
  await vi.waitFor(() => expect(paths).toContain("POST /token"));
  vi.useRealTimers();
  expect(renewals()).toBeGreaterThan(before);
  expect(session.signal.aborted).toBe(true);
});
