// The whole way of an owner through the app in Chromium, with a drawn camera: by pointer and by keyboard alone, with and
// without PRF. `tour-footage` and `tour-firefox` go it with real footage and in Firefox; each file has a browser of its own.

import { describe, test } from "vitest";
import { goThrough, type Tour } from "./harness/tour.ts";

describe.each<[string, Tour]>([
  [
    "Chromium with PRF, by pointer, drawn camera",
    { device: { passkeys: "prf" }, means: "pointer", source: "drawn" },
  ],
  [
    "Chromium without PRF, by keyboard, drawn camera",
    { device: { passkeys: "plain" }, means: "keyboard", source: "drawn" },
  ],
])("%s", (_name, tour) => {
  test("an owner claims, watches, exports, locks, invites and removes", () => goThrough(tour));
});
