// Days and gigabytes as typed, hours and bytes as sent.

import { expect, test } from "vitest";
import { draftOf, isShorter, retentionOf, retentionText } from "./retention.ts";

test("empty fields mean no limit", () => {
  expect(retentionOf({ days: "", gigabytes: " " })).toEqual({});
});

test("days and gigabytes are sent as hours and bytes", () => {
  expect(retentionOf({ days: "1.5", gigabytes: "200" })).toEqual({
    maxHours: 36,
    maxBytes: 200_000_000_000,
  });
  expect(retentionOf({ days: "0,5", gigabytes: "" })).toEqual({ maxHours: 12 });
});

test.each(["0", "-1", "x", "1e3", "99999", "0.001"])("%j days are refused", (days) => {
  expect(retentionOf({ days, gigabytes: "" })).toBeNull();
});

test.each(["0", "0.5", "GB", "10000000"])("%j gigabytes are refused", (gigabytes) => {
  expect(retentionOf({ days: "", gigabytes })).toBeNull();
});

test("what was sent is shown again", () => {
  const retention = { maxHours: 36, maxBytes: 1_250_000_000 };
  expect(draftOf(retention)).toEqual({ days: "1.5", gigabytes: "1.25" });
  expect(retentionOf(draftOf(retention))).toEqual(retention);
});

test("limits in words", () => {
  expect(retentionText({})).toBe("Kept as long as there is room");
  expect(retentionText({ maxHours: 336, maxBytes: 2e11 })).toBe("Kept at most 14 days, 200 GB");
});

test("a limit that is new or lower deletes; one that is gone, higher or only rounded does not", () => {
  const now = { maxHours: 336, maxBytes: 1_234_567_890 };
  const shown = draftOf(now);
  expect(isShorter(now, shown)).toBe(false);
  expect(isShorter(now, { ...shown, days: "13" })).toBe(true);
  expect(isShorter(now, { ...shown, gigabytes: "1.2" })).toBe(true);
  for (const days of ["", "15", "x"]) expect(isShorter(now, { ...shown, days })).toBe(false);
  expect(isShorter({}, { days: "", gigabytes: "500" })).toBe(true);
});
