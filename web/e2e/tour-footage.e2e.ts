// The way of `tour` in Chromium, with real footage.

import { describe, test } from "vitest";
import { goThrough, type Tour } from "./harness/tour.ts";

describe.each<[string, Tour]>([
  [
    "Chromium with PRF, by keyboard, real footage",
    { device: { passkeys: "prf" }, means: "keyboard", source: "footage" },
  ],
  [
    "Chromium without PRF, by pointer, real footage",
    { device: { passkeys: "plain" }, means: "pointer", source: "footage" },
  ],
])("%s", (_name, tour) => {
  test("an owner claims, watches, exports, locks, invites and removes", () => goThrough(tour));
});
