// How long the disk lasts: from what each camera has recorded so far, its rate; from rates, limits and free space, when the
// disk is full and how far back recordings will reach then. Plain arithmetic on the gateway's figures.

import type { Retention, Storage } from "../api/documents.ts";
import type { CameraId } from "../domain/id.ts";

const DAY_MS = 86_400_000;

/** Less recorded time than this gives no rate, in milliseconds. */
const LEAST_MS = 10 * 60_000;

/** A stream that ended longer ago than this is not growing, in milliseconds. */
const STALE_MS = 60 * 60_000;

/** What one camera holds. */
export interface CameraUse {
  readonly camera: CameraId;
  readonly bytes: number;
  readonly oldestMs: number | null;
  /** Bytes a day; `null` while too little is recorded to tell. */
  readonly perDay: number | null;
}

/** How long the disk lasts. */
export interface Forecast {
  readonly perDay: number;
  /** Days until the disk is full; `null`: the cameras' limits come first. */
  readonly fullInDays: number | null;
  /** How many days the disk holds at this rate, when it is full or all limits are reached. */
  readonly reachDays: number;
}

/** Each camera's use, largest first. */
export function usesOf(storage: Storage, nowMs: number): CameraUse[] {
  const byCamera = new Map<CameraId, CameraUse>();
  for (const { camera, bytes, oldestMs, newestMs } of storage.streams) {
    const before = byCamera.get(camera);
    const rate = rateOf(bytes, oldestMs, newestMs, nowMs);
    byCamera.set(camera, {
      camera,
      bytes: bytes + (before?.bytes ?? 0),
      oldestMs: earlier(before?.oldestMs ?? null, oldestMs ?? null),
      perDay: rate === null ? (before?.perDay ?? null) : rate + (before?.perDay ?? 0),
    });
  }
  return [...byCamera.values()].sort((a, b) => b.bytes - a.bytes);
}

function rateOf(
  bytes: number,
  oldest: number | undefined,
  newest: number | undefined,
  now: number,
) {
  if (oldest === undefined || newest === undefined || newest - oldest < LEAST_MS) return null;
  return now - newest > STALE_MS ? 0 : (bytes / (newest - oldest)) * DAY_MS;
}

function earlier(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.min(a, b);
}

/** `null` while no camera's rate is known. */
export function forecast(
  storage: Storage,
  uses: readonly CameraUse[],
  limits: ReadonlyMap<CameraId, Retention>,
): Forecast | null {
  const growing = uses.flatMap(({ camera, bytes, perDay }) =>
    perDay === null || perDay <= 0
      ? []
      : [{ perDay, most: mostBytes(limits.get(camera) ?? {}, perDay), bytes }],
  );
  const perDay = growing.reduce((sum, each) => sum + each.perDay, 0);
  if (perDay <= 0) return null;
  const room = Math.max(0, storage.freeBytes - storage.floorBytes);
  const fullInDays = daysUntilFull(room, growing);
  const used = uses.reduce((sum, { bytes }) => sum + bytes, 0);
  const held = growing.reduce((sum, { most }) => sum + most, 0);
  return { perDay, fullInDays, reachDays: Math.min(held, used + room) / perDay };
}

/** What a camera's limits let it grow to. */
function mostBytes({ maxBytes, maxHours }: Retention, perDay: number): number {
  const byAge = maxHours === undefined ? Number.POSITIVE_INFINITY : (perDay * maxHours) / 24;
  return Math.min(byAge, maxBytes ?? Number.POSITIVE_INFINITY);
}

interface Growing {
  readonly perDay: number;
  readonly most: number;
  readonly bytes: number;
}

/** Cameras stop growing one after the other as they reach their limits; the rest fill what room is left. */
function daysUntilFull(room: number, growing: readonly Growing[]): number | null {
  const stops = growing
    .map(({ perDay, most, bytes }) => ({ perDay, days: Math.max(0, most - bytes) / perDay }))
    .sort((a, b) => a.days - b.days);
  let [left, at] = [room, 0];
  let rate = stops.reduce((sum, { perDay }) => sum + perDay, 0);
  for (const { perDay, days } of stops) {
    const needed = (days - at) * rate;
    if (needed > left) return at + left / rate;
    left -= needed;
    at = days;
    rate -= perDay;
  }
  return null;
}
