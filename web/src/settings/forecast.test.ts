// How long the disk lasts, by hand-made figures.

import { expect, test } from "vitest";
import type { Retention, Storage, StreamStorage } from "../api/documents.ts";
import type { CameraId } from "../domain/id.ts";
import { forecast, usesOf } from "./forecast.ts";

const DAY = 86_400_000;
const GB = 1e9;
const NOW = 100 * DAY;
const [a, b] = ["a" as CameraId, "b" as CameraId];

function stream(camera: CameraId, bytes: number, days: number, endedAgo = 0): StreamStorage {
  const newestMs = NOW - endedAgo;
  return { camera, rendition: "main", bytes, oldestMs: newestMs - days * DAY, newestMs };
}

function storage(streams: StreamStorage[], free: number): Storage {
  const usedBytes = streams.reduce((sum, { bytes }) => sum + bytes, 0);
  return { usedBytes, freeBytes: free + 2 * GB, floorBytes: 2 * GB, indexBytes: 0, streams };
}

function look(given: Storage, limits: [CameraId, Retention][] = []) {
  return forecast(given, usesOf(given, NOW), new Map(limits));
}

test("without limits the disk fills up, and holds what fits", () => {
  expect(look(storage([stream(a, 20 * GB, 2)], 100 * GB))).toEqual({
    perDay: 10 * GB,
    fullInDays: 10,
    reachDays: 12,
  });
});

test("both streams of a camera count together", () => {
  const [use] = usesOf(
    storage([stream(a, 20 * GB, 2), { ...stream(a, 2 * GB, 1), rendition: "sub" }], 0),
    NOW,
  );
  expect(use).toEqual({ camera: a, bytes: 22 * GB, oldestMs: NOW - 2 * DAY, perDay: 12 * GB });
});

test("a limit that comes before the disk's end keeps it from filling", () => {
  const given = storage([stream(a, 20 * GB, 2)], 100 * GB);
  expect(look(given, [[a, { maxHours: 24 * 7 }]])).toEqual({
    perDay: 10 * GB,
    fullInDays: null,
    reachDays: 7,
  });
});

test("when one camera stops growing, the other fills the rest", () => {
  // 20 GB a day for one day (a stops at 30 GB), then 10 GB a day: 20 + 80 / 10.
  const given = storage([stream(a, 20 * GB, 2), stream(b, 20 * GB, 2)], 100 * GB);
  expect(look(given, [[a, { maxBytes: 30 * GB }]])?.fullInDays).toBe(9);
});

test("a disk that is full already is full in no days", () => {
  expect(look(storage([stream(a, 20 * GB, 2)], -GB))?.fullInDays).toBe(0);
});

test("too little recorded tells nothing, and a camera that is off does not grow", () => {
  expect(look(storage([stream(a, GB, 0.001)], 10 * GB))).toBeNull();
  expect(look(storage([stream(a, GB, 2, 2 * DAY)], 10 * GB))).toBeNull();
  expect(look(storage([], 10 * GB))).toBeNull();
});
