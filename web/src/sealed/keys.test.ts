// The vectors of recovery words, key stores and entitlement: what one implementation takes or refuses the other
// does, too, and both entitle the same reader keys after every statement.

import { expect, test } from "vitest";

import type { CameraId } from "../domain/id.ts";
import { parseId } from "../domain/id.ts";
import { unlockKeystore } from "../identity/keystore.ts";
import { lockFrom, parseWords } from "../identity/recovery.ts";
import { recipients } from "../identity/roster/state.ts";
import { decodeStatement } from "../identity/roster/statement.ts";
import { verdict } from "./testing/refusal.ts";
import { json, unhex, world } from "./testing/vectors.ts";

interface Keys {
  words: { name: string; text: string; verdict: string; gives: [string, string, string] | null }[];
  keystores: {
    name: string;
    lock: string;
    locked: string;
    clear: string | null;
    verdict: string;
  }[];
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

test("recovery words have the same verdicts and give the same keys", async () => {
  const { words } = json<Keys>("keys.json");
  expect(words.length).toBeGreaterThan(8);
  for (const { name, text, verdict: expected, gives } of words) {
    const parsed = await parseWords(text);
    expect([name, "kind" in parsed ? parsed.kind : "accepted"]).toEqual([name, expected]);
    if ("kind" in parsed || gives === null) continue;
    const identity = await parsed.identity();
    expect([hex(identity.public.bytes), (await parsed.reader()).public.id]).toEqual(
      gives.slice(0, 2),
    );
  }
});

test("the lock of the words opens the household's key store", async () => {
  const { words, keystores } = json<Keys>("keys.json");
  const parsed = await parseWords(words[0]!.text);
  if ("kind" in parsed) throw new Error(parsed.kind);
  const whole = keystores.find(({ name }) => name === "whole")!;
  expect(words[0]!.gives?.[2]).toBe(whole.lock);
  expect(await verdict(async () => unlockKeystore(unhex(whole.locked), await parsed.lock()))).toBe(
    "accepted",
  );
});

test("key stores have the same verdicts", async () => {
  const { keystores } = json<Keys>("keys.json");
  expect(keystores.length).toBeGreaterThan(9);
  for (const { name, lock, locked, verdict: expected } of keystores) {
    const key = await lockFrom(unhex(lock));
    expect([name, await verdict(() => unlockKeystore(unhex(locked), key))]).toEqual([
      name,
      expected,
    ]);
  }
});

test("the same reader keys are entitled after each statement", async () => {
  const { home, rosters } = await world();
  const statements = await Promise.all(home.statements.map((text) => decodeStatement(unhex(text))));
  expect(home.entitled.length).toBe(3 * home.statements.length);
  for (const { statements: count, camera, time, keys } of home.entitled) {
    const roster = rosters.at(statements[count - 1]!.hash)!;
    const found = recipients(roster, parseId<CameraId>(camera, 16), BigInt(time));
    expect([count, found.map(({ key }) => key.id)]).toEqual([count, keys]);
  }
});
