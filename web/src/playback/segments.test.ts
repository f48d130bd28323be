// Finding segments, and how little is asked for it.

import { beforeEach, expect, test } from "vitest";

import type { CameraId } from "../domain/id.ts";
import type { Get, Segment } from "./segments.ts";
import { BLOCK_MS, endOf, MAX_BLOCKS, SegmentIndex } from "./segments.ts";

const STREAM = { camera: "camera" as CameraId, rendition: "main" } as const;
const START = 1_000 * BLOCK_MS;

let recorded: Segment[];
let asked: string[];
let now: number;

/** What the gateway answers: all that touches `from … to`, a thousand at a time. */
const get: Get = async <T>(path: string) => {
  asked.push(path);
  const query = new URLSearchParams(path.split("?")[1]);
  const [from, to] = [Number(query.get("from")), Number(query.get("to") ?? Infinity)];
  const limit = Number(query.get("limit") ?? 1_000);
  const found = recorded.filter((each) => {
    return each.startMs < to && (endOf(each) > from || each.startMs >= from);
  });
  const next = found[limit];
  const nextMs = next === undefined ? {} : { nextMs: next.startMs };
  return { segments: found.slice(0, limit), ...nextMs } as T;
};

const segmentAt = (startMs: number, durationMs: number, more: Partial<Segment> = {}): Segment => {
  const offset = recorded.reduce((end, each) => Math.max(end, each.offset + each.len), 0);
  return { startMs, durationMs, offset, len: 1_000, keyLen: 100, ...more };
};

const record = (startMs: number, durationMs: number, more: Partial<Segment> = {}): Segment => {
  const segment = segmentAt(startMs, durationMs, more);
  recorded.push(segment);
  return segment;
};

const index = () => new SegmentIndex(get, STREAM, () => now);

beforeEach(() => {
  [recorded, asked, now] = [[], [], START + 100 * BLOCK_MS];
});

test("the segment of a moment, and the first one after a gap", async () => {
  const first = record(START, 2_000);
  const second = record(START + 2_000, 2_000);
  const far = record(START + 50 * BLOCK_MS, 2_000);
  const found = index();
  expect(await found.at(START + 1)).toEqual(first);
  expect(await found.at(START + 2_000)).toEqual(second);
  expect(await found.at(START + 5_000)).toEqual(far);
  expect(await found.at(START - 5_000)).toEqual(first);
  expect(await found.at(START + 60 * BLOCK_MS)).toBeNull();
});

test("a glance asks for one segment, a second into the same block for all of it", async () => {
  for (let at = 0; at < 600; at += 1) record(START + at * 2_000, 2_000);
  const found = index();
  const { signal } = new AbortController();
  expect(await found.glance(START + 300_500, signal)).toEqual(recorded[150]);
  expect(asked).toEqual([expect.stringContaining("limit=1")]);
  expect(await found.glance(START + BLOCK_MS + 1, signal)).toEqual(recorded[300]);
  expect(await found.glance(START + BLOCK_MS + 9_000, signal)).toEqual(recorded[304]);
  const before = asked.length;
  expect(await found.glance(START + 2 * BLOCK_MS - 1, signal)).toEqual(recorded[599]);
  expect([before, asked.length]).toEqual([3, 3]);
  expect(await found.glance(START + 3 * BLOCK_MS, signal)).toBeNull();
});

test("what is known to follow a segment ends with its block, and is no question", async () => {
  for (let at = 0; at < 600; at += 1) record(START + at * 2_000, 2_000);
  const found = index();
  const first = await found.at(START + 590_000);
  const before = asked.length;
  expect(await found.rest(first!)).toEqual(recorded.slice(296, 300));
  expect(asked.length).toBe(before);
});

test("a segment that is longer than a block is found in its middle", async () => {
  const long = record(START + 10, 3 * BLOCK_MS);
  expect(await index().at(START + 2 * BLOCK_MS)).toEqual(long);
});

test("walking on asks once for a block, and leaps over what is empty", async () => {
  for (let at = 0; at < 1_500; at += 1) record(START + at * 400, 400);
  const last = record(START + 20 * BLOCK_MS, 2_000);
  const found = index();
  let here = await found.at(START);
  let count = 0;
  for (; here !== null; here = await found.next(here)) count += 1;
  expect(count).toBe(1_501);
  expect(await found.next(last)).toBeNull();
  // Two pages of the first block, the empty one behind it, the leap, and what is around the last one.
  expect(asked.length).toBeLessThan(10);
});

test("a segment without a keyframe leads to the one that it continues", async () => {
  const key = record(START + BLOCK_MS - 1_000, 900);
  const second = record(START + BLOCK_MS - 100, 200, { keyLen: 0 });
  const third = record(START + BLOCK_MS + 100, 200, { keyLen: 0 });
  const found = index();
  expect(await found.keyBefore(third)).toEqual(key);
  expect(await found.keyBefore(second)).toEqual(key);
  expect(await found.keyBefore(key)).toEqual(key);
});

test("the live end is asked for anew, what is settled is not", async () => {
  now = START + 5_000;
  record(START, 2_000);
  const found = index();
  const [first] = [await found.at(START)];
  expect(await found.next(first!)).toBeNull();
  const before = asked.length;
  record(START + 2_000, 2_000);
  recorded[0] = { ...recorded[0]!, len: 1_500 };
  now += 1_000;
  expect((await found.again(first!)).len).toBe(1_500);
  expect((await found.next(first!))?.startMs).toBe(START + 2_000);
  expect(asked.length).toBeGreaterThan(before);
  now = START + 10 * BLOCK_MS;
  await found.at(START);
  const settled = asked.length;
  for (let at = 0; at < 100; at += 1) await found.at(START + at);
  expect(asked.length).toBe(settled);
});

test("thirty days keep no more blocks than the limit", async () => {
  const days = 30;
  now = START + days * 86_400_000;
  for (let at = 0; at < days * 24; at += 1) record(START + at * 3_600_000, 3_599_000);
  const found = index();
  for (let round = 0; round < 300; round += 1) {
    const time = START + Math.floor(Math.random() * days * 86_400_000);
    const segment = await found.at(time);
    expect(endOf(segment!)).toBeGreaterThan(time - 1_001);
  }
  expect(asked.length).toBeLessThan(300 * 4);
  expect(MAX_BLOCKS).toBe(32);
});

test("a failed question is asked again", async () => {
  record(START, 2_000);
  let fails = true;
  const found = new SegmentIndex(
    (path) => (fails ? Promise.reject(new Error()) : get(path)),
    STREAM,
  );
  await expect(found.at(START)).rejects.toThrow();
  fails = false;
  expect(await found.at(START)).toEqual(recorded[0]);
});
