// Both languages say the same: same keys, same values; every problem and fault has words, and nothing is there that nobody says.

import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { ACCOUNT_CODES } from "../account/errors.ts";
import { SETTINGS } from "../routes.ts";
import { de } from "./de/index.ts";
import { en } from "./en/index.ts";
import { fill, type Message } from "./messages.ts";

const entries = (messages: { readonly [key: string]: Message }) => Object.entries(messages);
const names = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort();

test("German has the keys of English, and no others", () => {
  expect(Object.keys(de).sort()).toEqual(Object.keys(en).sort());
});

test("no message is empty, and translations take the same values", () => {
  const german = new Map(entries(de));
  for (const [key, message] of entries(en)) {
    const other = german.get(key);
    expect(typeof other, key).toBe(typeof message);
    if (typeof message !== "string" || typeof other !== "string") continue;
    expect(message.trim(), key).not.toBe("");
    expect(other.trim(), key).not.toBe("");
    // A phrase may repeat a value, so sets are compared.
    expect(new Set(names(other)), key).toEqual(new Set(names(message)));
  }
});

/** Keys that are put together of more than one part of a name: who says them is named here. */
const SPOKEN: readonly string[] = [
  ...SETTINGS.flatMap((part) => [`settings.${part}`, `settings.${part}-lead`]),
  ...["revoked", "gone", "signed-out", "failed"].flatMap((stop) => [
    `live.${stop}`,
    `live.${stop}-do`,
  ]),
];

/** The keys that stand in a source: whole ones, and patterns for those with a part that is filled in. */
function keysIn(source: string): { whole: string[]; open: RegExp[] } {
  const whole = [...source.matchAll(/["'`]([a-z0-9]+(?:\.[a-z0-9-]+)+)["'`]/g)];
  const open = [...source.matchAll(/`((?:fault|problem)\.|[a-z]+\.[a-z]+-)\$\{[^`]*`/g)];
  return {
    whole: whole.map(([, key = ""]) => key),
    open: open.map(([, start = ""]) => new RegExp(`^${start.replaceAll(".", "\\.")}`)),
  };
}

test("every message is said somewhere", () => {
  const folder = new URL("..", import.meta.url);
  const sources = readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((path) => /\.(ts|svelte)$/.test(path) && !/^i18n\/(de|en)\/|\.test\./.test(path))
    .map((path) => keysIn(readFileSync(new URL(path, folder), "utf8")));
  const whole = new Set([...SPOKEN, ...sources.flatMap((each) => each.whole)]);
  const open = sources.flatMap((each) => each.open);
  const silent = Object.keys(en).filter(
    (key) => !whole.has(key) && !open.some((pattern) => pattern.test(key)),
  );
  expect(silent).toEqual([]);
});

test.each(ACCOUNT_CODES.map((code) => [code]))("the fault %s has words", (code) => {
  expect(Object.hasOwn(en, `fault.${code}`)).toBe(true);
  expect(Object.hasOwn(en, `fault.${code}.do`)).toBe(true);
});

test("every kind of camera problem has words and advice", () => {
  const api = readFileSync(new URL("../../../core/protocol/src/api.rs", import.meta.url), "utf8");
  const body = /pub enum CameraProblemKind \{([\s\S]*?)\n\}/.exec(api)?.[1] ?? "";
  const kinds = [...body.matchAll(/^ {4}([A-Z]\w+),$/gm)].map(([, name]) =>
    (name ?? "").replace(/(?!^)([A-Z])/g, "-$1").toLowerCase(),
  );
  expect(kinds.length).toBeGreaterThan(10);
  for (const kind of kinds) expect(Object.hasOwn(en, `problem.camera-${kind}.do`), kind).toBe(true);
});

test("values are put in, also when they look like a pattern; unknown names stay", () => {
  expect(fill("{a} and {b} and {c}", { a: "$&", b: 2 })).toBe("$& and 2 and {c}");
});
