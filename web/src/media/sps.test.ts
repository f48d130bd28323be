// Parameter sets: what is rewritten, and what is left alone. The rewritten bytes were read back with FFmpeg's
// `trace_headers`.

import { expect, test } from "vitest";

import type { Bytes } from "../domain/bytes.ts";
import { concat } from "../domain/bytes.ts";
import { BitReader, BitWriter, withEscapes, withoutEscapes } from "./bits.ts";
import { avccWithoutReordering, unitWithoutReordering, withoutReordering } from "./sps.ts";

const hex = (text: string): Bytes => Uint8Array.from(Buffer.from(text, "hex"));
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

/** A camera's set: VUI parameters without a restriction. */
const PLAIN = "674d001f95a814016e9b80808081";
const PLAIN_TOLD = "674d001f95a814016e9b80808083682211a8";
/** A set without VUI parameters. */
const BARE = "674d001ff405017fca80";
const BARE_TOLD = "674d001ff405017fcb00da08846a";
/** x264, which tells it: in order, and with HRD parameters out of order. */
const TOLD = [
  "67640016acb201405ff2e0220000030002000003003c1e2c5c90",
  "67640028acd940780227e5c044000003000400000300c9920003d090007a13930c01e30632c0",
];

const avcc = (...sets: string[]): Bytes => {
  const parts = sets.map(hex).flatMap((set) => [Uint8Array.of(0, set.length), set]);
  return concat(hex("014d001fff"), Uint8Array.of(0xe0 | sets.length), ...parts, hex("01000268ee"));
};

test("a set that does not tell the order is told that there is none to keep", () => {
  expect(text(withoutReordering(hex(PLAIN)))).toBe(PLAIN_TOLD);
  expect(text(withoutReordering(hex(BARE)))).toBe(BARE_TOLD);
});

test("a set that tells the order stays as it is", () => {
  for (const set of [...TOLD, PLAIN_TOLD, BARE_TOLD]) {
    expect(text(withoutReordering(hex(set)))).toBe(set);
  }
});

test("other NAL units, cut ones and noise stay as they are", () => {
  expect(text(withoutReordering(hex("68ee3c80")))).toBe("68ee3c80");
  for (let length = 0; length < 9; length += 1) {
    const cut = hex(BARE).subarray(0, length);
    expect(withoutReordering(cut)).toBe(cut);
  }
  for (let round = 0; round < 500; round += 1) {
    const noise = crypto.getRandomValues(new Uint8Array(1 + (round % 60)));
    noise[0] = 0x67;
    expect(withoutReordering(noise).length).toBeGreaterThan(0);
  }
});

test("sets are rewritten inside a configuration and inside an access unit", () => {
  expect(text(avccWithoutReordering(avcc(PLAIN, TOLD[0]!)))).toBe(text(avcc(PLAIN_TOLD, TOLD[0]!)));
  const cut = avcc(PLAIN).subarray(0, 12);
  expect(avccWithoutReordering(cut)).toBe(cut);
  const nal = (unit: string) => concat(Uint8Array.of(0, 0, 0, unit.length / 2), hex(unit));
  const slice = nal("6588840a");
  const unit = concat(nal(PLAIN), nal("68ee"), slice);
  expect(text(unitWithoutReordering(unit))).toBe(text(concat(nal(PLAIN_TOLD), nal("68ee"), slice)));
  expect(unitWithoutReordering(slice)).toBe(slice);
  const torn = concat(nal(PLAIN), Uint8Array.of(0, 0, 9, 9, 1));
  expect(unitWithoutReordering(torn)).toBe(torn);
});

test("codes of all lengths round trip", () => {
  const values = [0, 1, 2, 3, 7, 8, 254, 255, 256, 65_534, 65_535, 2 ** 31 - 2];
  const writer = new BitWriter().bits(3, 5);
  for (const value of values) writer.ue(value);
  const reader = new BitReader(writer.bytes());
  expect(reader.bits(3)).toBe(5);
  expect(values.map(() => reader.ue())).toEqual(values);
  expect(() => new BitReader(new Uint8Array(9)).ue()).toThrow(RangeError);
});

test("signed codes", () => {
  const reader = new BitReader(new BitWriter().ue(0).ue(1).ue(2).ue(3).ue(4).bytes());
  expect([0, 0, 0, 0, 0].map(() => reader.se())).toEqual([-0, 1, -1, 2, -2]);
});

test("start codes are kept out, and come back", () => {
  const rbsp = hex("00000001000002000003000000");
  const nal = withEscapes(rbsp);
  expect(text(nal)).toBe("00000300010000030200000303000003" + "00");
  expect(text(withoutEscapes(nal))).toBe(text(rbsp));
});
