// The ring between decoder and speaker: it starts soon, never clicks, never lags for long, and says truly what it plays.

import { describe, expect, test } from "vitest";

import { RESERVE_MS } from "./patience.ts";
import type { Packet } from "./ring.ts";
import { CUT_MS, SoundRing, START_MS } from "./ring.ts";

const OUT = 48_000;
const QUANTUM = 128;
const QUANTUM_MS = (QUANTUM * 1_000) / OUT;

/** The same numbers for the same seed (mulberry32). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const PITCH = 300;
const LOUD = 0.5;
const tone = (seconds: number): number => LOUD * Math.sin(2 * Math.PI * PITCH * seconds);

/** Sound of a tone that never stops, from `ms` on. */
function packet(ms: number, length: number, rate = 8_000): Packet {
  const first = Math.round((ms * rate) / 1_000);
  const count = Math.round((length * rate) / 1_000);
  const samples = Float32Array.from({ length: count }, (_, at) => tone((first + at) / rate));
  return { channels: [samples], rate, timestamp: (first / rate) * 1e6 };
}

function read(ring: SoundRing, ms: number): Float32Array {
  const out = new Float32Array(Math.round((ms * OUT) / 1_000 / QUANTUM) * QUANTUM);
  for (let at = 0; at < out.length; at += QUANTUM) {
    ring.read([out.subarray(at, at + QUANTUM)], OUT);
  }
  return out;
}

/** The longest way between two samples. */
const steepest = (samples: Float32Array): number =>
  samples.reduce((most, value, at) => Math.max(most, Math.abs(value - (samples[at - 1] ?? 0))), 0);

/** The tone itself, and what a leap of twice its height adds while it fades: smoothstep rises by 1.5 in its length. */
const TONE_STEP = (2 * Math.PI * PITCH * LOUD * 1.05) / OUT;
const SMOOTH = TONE_STEP + (1.5 * 2 * LOUD) / (0.006 * OUT);

test("nothing plays before enough is held", () => {
  const ring = new SoundRing();
  ring.push(packet(0, 20));
  expect(Math.max(...read(ring, 10))).toBe(0);
  expect(ring.position).toBeNull();
  ring.push(packet(20, 20));
  expect(ring.depthMs).toBe(START_MS);
  expect(Math.max(...read(ring, 10))).toBeGreaterThan(0.4);
  expect(ring.position).toBeCloseTo(10_667, -2);
});

test("a tone in packets comes out as one tone, at the speaker's rate", () => {
  for (const rate of [8_000, 16_000, 44_100, 48_000]) {
    const ring = new SoundRing();
    for (let ms = 0; ms < 200; ms += 20) ring.push(packet(ms, 20, rate));
    const out = read(ring, 160).subarray(OUT / 100);
    for (const [at, value] of out.entries()) {
      expect(Math.abs(value - tone((at + OUT / 100) / OUT))).toBeLessThan(0.01);
    }
  }
});

test("sound that is far too much is cut, without a click", () => {
  const ring = new SoundRing();
  for (let ms = 0; ms < 100; ms += 20) ring.push(packet(ms, 20));
  const before = read(ring, 30);
  for (let ms = 100; ms < 1_100; ms += 20) ring.push(packet(ms, 20));
  const after = read(ring, 30);
  expect(ring.counts.cuts).toBe(1);
  expect(ring.depthMs).toBeLessThanOrEqual(START_MS);
  expect(steepest(Float32Array.of(...before, ...after))).toBeLessThan(SMOOTH);
});

test("what is cleared is not heard any more, and fades", () => {
  const ring = new SoundRing();
  for (let ms = 0; ms < 200; ms += 20) ring.push(packet(ms, 20));
  const before = read(ring, 51);
  ring.clear();
  const after = read(ring, 20);
  expect(steepest(Float32Array.of(...before, ...after))).toBeLessThan(SMOOTH);
  expect(Math.max(...after.subarray((OUT * 7) / 1_000))).toBe(0);
  expect(ring.position).toBeNull();
});

test("a hole in the times counts as a leap", () => {
  const ring = new SoundRing();
  for (const ms of [0, 20, 60, 80, 100]) ring.push(packet(ms, 20));
  const { leaps } = ring.counts;
  const out = read(ring, 60);
  expect(ring.counts.leaps).toBe(leaps + 2); // It began, and there is the hole.
  expect(steepest(out)).toBeLessThan(SMOOTH);
});

test("a ring that ran dry waits for more than before, and after a while for less again", () => {
  const ring = new SoundRing();
  for (let ms = 0; ms < 60; ms += 20) ring.push(packet(ms, 20));
  read(ring, 80);
  expect(ring.counts.underruns).toBe(1);
  for (let ms = 60; ms < 100; ms += 20) ring.push(packet(ms, 20));
  read(ring, 5);
  expect(ring.position).toBeNull();
  ring.push(packet(100, 20));
  read(ring, 5);
  expect(ring.position).not.toBeNull();
  // Sixteen milliseconds are whole quanta.
  for (let ms = 120; ms < 35_000; ms += 16) {
    ring.push(packet(ms, 16));
    read(ring, 16);
  }
  expect(ring.counts.underruns).toBe(1);
  ring.clear();
  for (const ms of [0, 20]) ring.push(packet(ms, 20));
  read(ring, 5);
  expect(ring.position).not.toBeNull();
});

test("mono goes to both speakers, and empty packets nowhere", () => {
  const ring = new SoundRing();
  ring.push({ channels: [new Float32Array()], rate: 8_000, timestamp: 0 });
  ring.push({ channels: [], rate: 8_000, timestamp: 0 });
  ring.push(packet(0, 60));
  const both = [new Float32Array(512), new Float32Array(512)];
  ring.read(both, OUT);
  expect(Math.max(...(both[0] ?? []))).toBeGreaterThan(0.1);
  expect(both[1]).toEqual(both[0]);
});

/** A stream over an uneasy network: packets come in order, each late by up to `unrest` ms, with stalls. */
function journey(seed: number) {
  const draw = random(seed);
  const [unrest, length] = [draw() * 60, [20, 21, 40, 64][Math.floor(draw() * 4)] ?? 20];
  const drift = 1 + (draw() - 0.5) * 0.002;
  const stall = draw() < 0.5 ? 3_000 + draw() * 3_000 : Number.POSITIVE_INFINITY;
  let last = 0;
  const arrivals = Array.from({ length: Math.floor(30_000 / length) }, (_, index) => {
    const sent = (index + 1) * length * drift;
    const stalled = sent > stall && sent < stall + 600 ? stall + 600 : sent;
    last = Math.max(last, stalled + draw() * unrest);
    return { at: last, packet: packet(index * length, length) };
  });
  return { arrivals, unrest, length };
}

describe("on any network", () => {
  test.each(Array.from({ length: 12 }, (_, seed) => seed))("journey %i", (seed) => {
    const { arrivals, unrest, length } = journey(seed);
    const ring = new SoundRing();
    const [pieces, depths]: [Float32Array[], number[]] = [[], []];
    const speeds: number[] = [];
    let position: number | null = null;
    let leaps = 0;
    let deepest = 0;
    for (let now = 0; now < 29_000; now += QUANTUM_MS) {
      for (let first = arrivals[0]; first !== undefined && first.at <= now; first = arrivals[0]) {
        ring.push(first.packet);
        arrivals.shift();
      }
      pieces.push(read(ring, QUANTUM_MS));
      // The position goes on as time does, 4 % faster or slower, unless it says that it leapt.
      const next = ring.position;
      if (position !== null && next !== null && ring.counts.leaps === leaps) {
        speeds.push((next - position) / 1_000 / QUANTUM_MS);
      }
      [position, leaps] = [next, ring.counts.leaps];
      deepest = Math.max(deepest, ring.depthMs);
      if (now > 20_000) depths.push(ring.depthMs);
    }
    expect(Math.min(...speeds)).toBeGreaterThan(0.95);
    expect(Math.max(...speeds)).toBeLessThan(1.05);
    expect(deepest).toBeLessThan(START_MS + CUT_MS + 135 + length);
    const all = new Float32Array(pieces.length * QUANTUM);
    for (const [at, piece] of pieces.entries()) all.set(piece, at * QUANTUM);
    expect(steepest(all)).toBeLessThan(SMOOTH * 1.1);
    // No more is held than what the network's unrest takes, a packet, and the reserve with two steps more.
    const mean = depths.reduce((sum, depth) => sum + depth, 0) / depths.length;
    expect(mean).toBeLessThan(unrest + length + RESERVE_MS + 40);
    expect(ring.counts.underruns).toBeLessThan(8);
  });
});
