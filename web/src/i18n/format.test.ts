// Sizes, lengths of time and numbers as text (English; Intl does the rest).

import { expect, test } from "vitest";
import { formatBitrate, formatBytes, formatDuration, formatSpan } from "./format.ts";
import { preferred } from "./language.svelte.ts";

test.each([
  [0, "0 byte"],
  [999, "999 byte"],
  [1_500, "1.5 kB"],
  [25_900_000_000, "25.9 GB"],
  [512_000_000_000, "512 GB"],
  [3_000_000_000_000_000_000, "3,000 PB"],
])("%d bytes are %s", (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});

test.each([
  [0, "0:00"],
  [59_999, "0:59"],
  [125_000, "2:05"],
  [3_725_000, "1:02:05"],
  [-5, "0:00"],
])("%d ms last %s", (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});

test("lengths of time are told by their largest unit", () => {
  expect(formatSpan(2_000)).toBe("2 seconds");
  expect(formatSpan(60_000)).toBe("1 minute");
  expect(formatSpan(5_400_000)).toBe("1.5 hours");
  expect(formatSpan(14 * 86_400_000)).toBe("14 days");
});

test("rates", () => {
  expect(formatBitrate(423_400)).toBe("423 kbit/s");
  expect(formatBitrate(4_120_000)).toBe("4.1 Mbit/s");
});

test("the first language that we have is taken", () => {
  expect(preferred(["fr-FR", "de-AT", "en"])).toBe("de");
  expect(preferred(["fr"])).toBe("en");
  expect(preferred([])).toBe("en");
});
