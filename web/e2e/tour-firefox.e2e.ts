// The way of `tour` in Firefox, which has no passkeys here.

import { describe, test } from "vitest";
import { goThrough, type Tour } from "./harness/tour.ts";

describe.each<[string, Tour]>([
  [
    "Firefox, by pointer, drawn camera",
    { device: { engine: "firefox" }, means: "pointer", source: "drawn" },
  ],
  [
    "Firefox, by keyboard, real footage",
    { device: { engine: "firefox" }, means: "keyboard", source: "footage" },
  ],
])("%s", (_name, tour) => {
  test("an owner claims, watches, exports, locks, invites and removes", () => goThrough(tour));
});
