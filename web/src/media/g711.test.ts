// G.711 by its table.

import { expect, test } from "vitest";

import { decodeG711 } from "./g711.ts";

test("both laws give the values of the standard", () => {
  const [mu] = decodeG711("pcmu", Uint8Array.of(0xff, 0x7f, 0x80, 0x00, 0xf0), 1);
  expect(Array.from(mu!, (value) => Math.round(value * 32_768))).toEqual([
    ...[0, 0, 32_124, -32_124, 120],
  ]);
  const [a] = decodeG711("pcma", Uint8Array.of(0xd5, 0x55, 0xaa, 0x2a), 1);
  expect(Array.from(a!, (value) => Math.round(value * 32_768))).toEqual([8, -8, 32_256, -32_256]);
});

test("channels are taken apart", () => {
  const [left, right] = decodeG711("pcmu", Uint8Array.of(0xff, 0x80, 0xff, 0x80), 2);
  expect(left).toHaveLength(2);
  expect(Math.abs(left![0]!)).toBe(0);
  expect(right![0]).toBeGreaterThan(0.9);
});
