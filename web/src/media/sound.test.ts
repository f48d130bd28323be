// G.711 by its table, and the ring between decoder and speaker.

import { expect, test } from "vitest";

import { decodeG711 } from "./g711.ts";
import { SoundRing, TARGET_MS } from "./ring.ts";

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

const packet = (ms: number, timestamp: number, value = 0.5, rate = 8_000) => ({
  ...{ rate, timestamp, channels: [new Float32Array((rate * ms) / 1_000).fill(value)] },
});

const read = (ring: SoundRing, ms: number, rate = 48_000): Float32Array => {
  const out = new Float32Array((rate * ms) / 1_000);
  ring.read([out], rate);
  return out;
};

test("nothing plays before the target is held, then it plays at the speaker's rate", () => {
  const ring = new SoundRing();
  ring.push(packet(20, 0));
  expect(read(ring, 10)[0]).toBe(0);
  expect(ring.position).toBeNull();
  ring.push(packet(20, 20_000));
  ring.push(packet(20, 40_000));
  const out = read(ring, 10);
  expect(out.at(-1)).toBe(0.5);
  expect(ring.position).toBeCloseTo(10_000, -2);
  expect(ring.depthMs).toBeCloseTo(50, 0);
});

test("much more than the target is cut back to it", () => {
  const ring = new SoundRing();
  for (let at = 0; at < 6; at += 1) ring.push(packet(20, at * 20_000));
  expect(ring.depthMs).toBeLessThanOrEqual(2 * TARGET_MS);
  expect(ring.counts.trimmed).toBe(4);
});

test("a ring that ran dry waits for more than before", () => {
  const ring = new SoundRing();
  for (let at = 0; at < 3; at += 1) ring.push(packet(20, at * 20_000));
  read(ring, 80);
  expect(ring.counts.underruns).toBe(1);
  for (let at = 0; at < 3; at += 1) ring.push(packet(20, at * 20_000));
  expect(read(ring, 5)[0]).toBe(0);
  ring.push(packet(20, 60_000));
  expect(read(ring, 5)[0]).toBe(0.5);
});

test("after a while without running dry it waits for less again", () => {
  const ring = new SoundRing();
  for (let at = 0; at < 3; at += 1) ring.push(packet(20, at * 20_000));
  read(ring, 80);
  for (let at = 0; at < 600; at += 1) {
    ring.push(packet(20, at * 20_000));
    read(ring, 20);
  }
  ring.clear();
  for (let at = 0; at < 3; at += 1) ring.push(packet(20, at * 20_000));
  expect(read(ring, 5)[0]).toBe(0.5);
});

test("mono goes to both speakers, and empty packets nowhere", () => {
  const ring = new SoundRing();
  ring.push({ channels: [new Float32Array()], rate: 8_000, timestamp: 0 });
  ring.push({ channels: [], rate: 8_000, timestamp: 0 });
  ring.push(packet(60, 0));
  const both = [new Float32Array(128), new Float32Array(128)];
  ring.read(both, 48_000);
  expect([both[0]![64], both[1]![64]]).toEqual([0.5, 0.5]);
});
