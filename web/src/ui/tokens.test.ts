// Every text colour can be read on every surface that it is used on, in both themes (WCAG 2.2 §1.4.3, §1.4.11).

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { contrast, readTokens } from "./testing/contrast.ts";

const tokens = readTokens(readFileSync(new URL("./tokens.css", import.meta.url), "utf8"));
const SURFACES = ["page", "card", "raised", "sunken", "hover"].map((name) => `surface-${name}`);

function least(front: string, backs: readonly string[]): number {
  return Math.min(
    ...backs.flatMap((back) => {
      const [f, b] = [tokens.get(front)!, tokens.get(back)!];
      return [contrast(f.light, b.light), contrast(f.dark, b.dark)];
    }),
  );
}

test("black on white has the known contrast", () => {
  expect(contrast("#000000", "#ffffff")).toBeCloseTo(21, 5);
});

test.each([
  ["ink", [...SURFACES, "accent-soft", "good-soft", "warn-soft", "bad-soft"]],
  ["ink-soft", SURFACES],
  ["accent", [...SURFACES, "accent-soft"]],
  ["accent-hover", SURFACES],
  ["accent-ink", ["accent", "accent-hover"]],
  ["good", [...SURFACES, "good-soft"]],
  ["warn", [...SURFACES, "warn-soft"]],
  ["bad", [...SURFACES, "bad-soft"]],
  ["bad-ink", ["bad-fill", "bad-fill-hover"]],
  ["live", SURFACES],
])("text in %s can be read", (front, backs) => {
  expect(least(front, backs)).toBeGreaterThanOrEqual(4.5);
});

test.each([
  ["line-strong", SURFACES],
  ["focus", [...SURFACES, "accent-soft"]],
])("%s can be seen", (front, backs) => {
  expect(least(front, backs)).toBeGreaterThanOrEqual(3);
});
