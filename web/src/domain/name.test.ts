// What a name is, character by character (core/domain/src/text.rs has the same).

import { expect, test } from "vitest";

import { nameFrom } from "./name.ts";

test("hostile text is kept as it is", () => {
  for (const name of [
    "$(reboot)",
    "<script>alert(1)</script>",
    "'; DROP TABLE cameras; --",
    "..",
  ]) {
    expect(nameFrom(name)).toEqual({ name });
  }
});

test("limits hold", () => {
  expect(nameFrom("  ")).toEqual({ fault: "empty" });
  expect(nameFrom("🎥".repeat(64))).toEqual({ name: "🎥".repeat(64) });
  expect(nameFrom("🎥".repeat(65))).toEqual({ fault: "too-long" });
  expect(nameFrom("a\nb")).toEqual({ fault: "control" });
  expect(nameFrom("gate\u202e4pm")).toEqual({ fault: "control" });
});

test("white space around a name is Unicode's, not that of a program", () => {
  expect(nameFrom("\t Mum\u0085\u3000")).toEqual({ name: "Mum" });
  expect(nameFrom("\ufeffMum\ufeff")).toEqual({ name: "\ufeffMum\ufeff" });
});
