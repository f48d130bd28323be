// What was recorded, by days.

import { expect, test } from "vitest";

import type { CameraId } from "../domain/id.ts";
import type { Get } from "./segments.ts";
import type { Span } from "./spans.ts";
import { DAY_MS, holeIn, holes, join, MAX_ASKED_DAYS, REFRESH_MS, SpanIndex } from "./spans.ts";

const STREAM = { camera: "camera" as CameraId, rendition: "main" } as const;
const START = 20_000 * DAY_MS;

function gateway(spans: Span[], answer = 10_000): { get: Get; asked: string[] } {
  const asked: string[] = [];
  const get: Get = async <T>(path: string) => {
    asked.push(path);
    const query = new URLSearchParams(path.split("?")[1]);
    const [from, to] = [Number(query.get("from")), Number(query.get("to"))];
    const found = spans.filter(({ startMs, endMs }) => startMs < to && endMs > from);
    return { spans: found.slice(0, answer) } as T;
  };
  return { get, asked };
}

const nothing = () => undefined;

test("thirty days are a few questions, newest first, and join over midnight", async () => {
  const spans = [{ startMs: START, endMs: START + 29.5 * DAY_MS }];
  const { get, asked } = gateway(spans);
  const index = new SpanIndex(get, STREAM, () => START + 30 * DAY_MS + DAY_MS);
  expect(index.within(START, START + 30 * DAY_MS).complete).toBe(false);
  let told = 0;
  await index.load(START, START + 30 * DAY_MS, () => {
    told += 1;
  });
  expect([asked.length, told]).toEqual([4, 4]);
  const newest = START + (30 - MAX_ASKED_DAYS) * DAY_MS;
  expect(asked[0]).toContain(`from=${newest}&to=${START + 30 * DAY_MS}`);
  const known = index.within(START, START + 30 * DAY_MS);
  expect(known).toEqual({ spans, complete: true });
  expect(index.within(START, START + 30 * DAY_MS).spans).toBe(known.spans);
  await index.load(START, START + 30 * DAY_MS, nothing);
  expect(asked.length).toBe(4);
});

test("only days that are not known are asked for, those in a row together", async () => {
  const spans = [
    { startMs: START + 0.5 * DAY_MS, endMs: START + 2.25 * DAY_MS },
    { startMs: START + 3 * DAY_MS, endMs: START + 3.5 * DAY_MS },
  ];
  const { get, asked } = gateway(spans);
  const index = new SpanIndex(get, STREAM, () => START + 6 * DAY_MS);
  await index.load(START + 2 * DAY_MS, START + 3 * DAY_MS, nothing);
  expect(index.within(START + 2 * DAY_MS, START + 3 * DAY_MS)).toEqual({
    spans: [{ startMs: START + 2 * DAY_MS, endMs: START + 2.25 * DAY_MS }],
    complete: true,
  });
  await index.load(START, START + 5 * DAY_MS, nothing);
  const stretches = asked.map((path) => path.split("&").slice(1).join("&"));
  expect(stretches.slice(1)).toEqual([
    `from=${START + 3 * DAY_MS}&to=${START + 5 * DAY_MS}`,
    `from=${START}&to=${START + 2 * DAY_MS}`,
  ]);
  expect(index.within(START, START + 5 * DAY_MS)).toEqual({ spans, complete: true });
});

test("the live end grows by small questions", async () => {
  const spans = [{ startMs: START, endMs: START + 3_600_000 }];
  let now = START + 3_600_000;
  const { get, asked } = gateway(spans);
  const index = new SpanIndex(get, STREAM, () => now);
  await index.load(START, now, nothing);
  spans[0] = { startMs: START, endMs: START + 3_610_000 };
  await index.load(START, now, nothing);
  expect(asked.length).toBe(1);
  now += REFRESH_MS + 5_000;
  await index.load(START, now, nothing);
  expect(asked[1]).toContain(`from=${START + 3_600_000 - 10_000}`);
  expect(index.within(START, now).spans).toEqual(spans);
});

test("more spans than one answer holds come in several", async () => {
  const spans = Array.from({ length: 25_000 }, (_, at) => ({
    startMs: START + at * 3_000,
    endMs: START + at * 3_000 + 500,
  }));
  const { get, asked } = gateway(spans);
  const index = new SpanIndex(get, STREAM, () => START + 2 * DAY_MS);
  await index.load(START, START + DAY_MS, nothing);
  expect(index.within(START, START + DAY_MS).spans.length).toBe(25_000);
  expect(asked.length).toBeLessThan(5);
});

test("a refused question leaves the day open, and is not repeated at once", async () => {
  let [now, asked] = [START + DAY_MS, 0];
  const get = () => {
    asked += 1;
    return Promise.reject(new Error());
  };
  const index = new SpanIndex(get, STREAM, () => now);
  await expect(index.load(START, START + 1, nothing)).rejects.toThrow();
  expect(index.within(START, START + 1).complete).toBe(false);
  await index.load(START, START + 1, nothing);
  expect(asked).toBe(1);
  now += 5_000;
  await expect(index.load(START, START + 1, nothing)).rejects.toThrow();
  expect(asked).toBe(2);
});

test("whoever asks with every picture has three questions on their way", async () => {
  let asked = 0;
  const get = () => {
    asked += 1;
    return new Promise<never>(() => undefined);
  };
  const index = new SpanIndex(get, STREAM, () => START + 40 * DAY_MS);
  for (let frame = 0; frame < 60; frame += 1) {
    void index.load(START, START + 30 * DAY_MS, nothing);
  }
  expect(asked).toBe(3);
});

test("spans join, and holes lie between them", () => {
  const joined = join([
    { startMs: 50_000, endMs: 60_000 },
    { startMs: 0, endMs: 10_000 },
    { startMs: 11_000, endMs: 20_000 },
    { startMs: 5_000, endMs: 8_000 },
  ]);
  expect(joined).toEqual([
    { startMs: 0, endMs: 20_000 },
    { startMs: 50_000, endMs: 60_000 },
  ]);
  expect(holes(joined, -5_000, 70_000)).toEqual([
    { startMs: -5_000, endMs: 0 },
    { startMs: 20_000, endMs: 50_000 },
  ]);
  expect(holeIn(joined, 30_000, 60_000)).toEqual({ startMs: 20_000, endMs: 50_000 });
  for (const time of [-1, 5_000, 61_000]) expect(holeIn(joined, time, 60_000)).toBeNull();
});
