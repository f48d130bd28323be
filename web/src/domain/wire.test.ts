// The byte codec: one encoding, limits before bytes.

import { expect, test } from "vitest";

import { ascii, concat } from "./bytes.ts";
import { SealedError } from "./errors.ts";
import { Reader, Writer } from "./wire.ts";

const code = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    if (error instanceof SealedError) return error.code;
    throw error;
  }
  return "accepted";
};

test("values round trip", () => {
  const bytes = new Writer()
    .u8(1)
    .u16(2)
    .u32(0xffff_fffe)
    .u64(2n ** 64n - 1n)
    .i64(-5n)
    .i32(-6)
    .vec8(ascii("six"))
    .vec16(ascii("seven"))
    .fixed(ascii("8"))
    .bytes();
  const input = new Reader(bytes);
  expect(input.u8("a")).toBe(1);
  expect(input.u16("b")).toBe(2);
  expect(input.u32("c")).toBe(0xffff_fffe);
  expect(input.u64("d")).toBe(2n ** 64n - 1n);
  expect(input.i64("e")).toBe(-5n);
  expect(input.i32("f")).toBe(-6);
  expect(input.vec8("g", 3)).toEqual(ascii("six"));
  expect(input.vec16("h", 5)).toEqual(ascii("seven"));
  expect(input.fixed("i", 1)).toEqual(ascii("8"));
  input.finish("end");
});

test("every limit is checked before the bytes", () => {
  expect(code(() => new Reader(Uint8Array.of(0)).u16("x"))).toBe("short");
  expect(code(() => new Reader(Uint8Array.of(9)).vec8("x", 8))).toBe("too-long");
  expect(code(() => new Reader(Uint8Array.of(2, 0)).vec8("x", 8))).toBe("short");
  expect(code(() => new Reader(Uint8Array.of(0)).finish("x"))).toBe("trailing");
  expect(code(() => new Reader(Uint8Array.of(7)).exactly("x", 1))).toBe("unknown");
});

test("a view into a larger buffer reads its own bytes only", () => {
  const large = concat(ascii("before"), Uint8Array.of(1, 2), ascii("after"));
  const input = new Reader(large.subarray(6, 8));
  expect(input.u16("x")).toBe(0x0102);
  input.finish("x");
});

test("values out of range are not written", () => {
  expect(() => new Writer().u8(256)).toThrow(RangeError);
  expect(() => new Writer().u16(-1)).toThrow(RangeError);
  expect(() => new Writer().u64(2n ** 64n)).toThrow(RangeError);
  expect(() => new Writer().i64(2n ** 63n)).toThrow(RangeError);
  expect(() => new Writer().vec8(new Uint8Array(256))).toThrow(RangeError);
});
