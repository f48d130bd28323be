// Steps: from the picture that is seen to the very next one, whatever was decoded before.

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Group } from "./group.ts";
import type { Plan } from "./plan.ts";
import { micros, Shelf } from "./shelf.ts";
import type { View } from "./view.ts";

/** Pictures every 100 ms from here, keyframes every two seconds. */
const BEGIN = 1_795_000_000_000;
const PICTURE_MS = 100;
const KEY_MS = 2_000;

/** Decodes at once, or when told, what a plan asks for; the real shelf. */
class Camera {
  readonly shelf = new Shelf<{ timestamp: number; close(): void }>();
  plan: Plan = { rendition: "main", frames: "all" };
  starts = 0;

  planFor(speed: number): Plan {
    return { rendition: "main", frames: speed > 4 ? "keys" : "all" };
  }

  start(timeMs: number, plan: Plan, behind = 0): void {
    this.plan = plan;
    this.starts += 1;
    this.shelf.clear();
    this.shelf.behind = behind;
    const key = BEGIN + Math.floor((timeMs - BEGIN) / KEY_MS) * KEY_MS;
    const every = plan.frames === "keys" ? KEY_MS : PICTURE_MS;
    for (let at = key; at < timeMs + 6_000; at += every) this.arrives(at);
  }

  arrives(timeMs: number): void {
    this.shelf.put({ timestamp: micros(timeMs), close: () => undefined });
  }

  set behind(pictures: number) {
    this.shelf.behind = pictures;
  }

  seenMs(timeMs: number): number {
    return (this.shelf.current(micros(timeMs))?.timestamp ?? micros(timeMs)) / 1_000;
  }

  neighbour(seenMs: number, direction: 1 | -1): number | null {
    const at = micros(seenMs);
    const frame = direction === 1 ? this.shelf.next(at) : this.shelf.previous(at);
    return frame === null ? null : frame.timestamp / 1_000;
  }

  isReady(timeMs: number): boolean {
    return this.shelf.next(micros(timeMs)) !== null;
  }

  draw(timeMs: number): void {
    this.shelf.current(micros(timeMs));
  }

  gapAt(): null {
    return null;
  }

  state() {
    return {};
  }
}

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

/** A group at `timeMs` behind the beginning; `press` steps and gives where it then stands. */
function at(timeMs: number, cameras: readonly Camera[] = [new Camera()]) {
  const group = new Group(BEGIN + timeMs, () => undefined);
  for (const [id, camera] of cameras.entries()) group.add(id, camera as unknown as View);
  const press = async (direction: 1 | -1) => {
    const stepped = group.step(direction);
    await vi.advanceTimersByTimeAsync(100);
    await stepped;
    return group.now() - BEGIN;
  };
  return { group, press };
}

test("each step is one picture, wherever between two the moment stands", async () => {
  for (const timeMs of [12_000, 12_001, 12_050, 12_099]) {
    const { press } = at(timeMs);
    expect(await press(1)).toBe(12_100);
    expect(await press(-1)).toBe(12_000);
    // Back over a keyframe, and further than the shelf reaches.
    for (let back = 1; back <= 30; back += 1) expect(await press(-1)).toBe(12_000 - back * 100);
    expect(await press(1)).toBe(9_100);
  }
});

test("a picture that was late is not left out", async () => {
  const camera = new Camera();
  const { group } = at(12_000, [camera]);
  camera.shelf.clear();
  camera.arrives(BEGIN + 12_000);
  group.clock.set(BEGIN + 12_190, performance.now());
  const stepped = group.step(1);
  await vi.advanceTimersByTimeAsync(50);
  for (const timeMs of [12_100, 12_200, 12_300]) camera.arrives(BEGIN + timeMs);
  await vi.advanceTimersByTimeAsync(50);
  await stepped;
  expect(group.now() - BEGIN).toBe(12_100);
});

test("where only keyframes were shown, steps go through every picture, and playing goes on as before", async () => {
  const camera = new Camera();
  const { group, press } = at(12_700, [camera]);
  group.speed(16);
  expect(camera.plan.frames).toBe("keys");
  // The keyframe of 12.0 is on the screen.
  expect(await press(1)).toBe(12_100);
  expect(camera.plan.frames).toBe("all");
  expect(await press(-1)).toBe(12_000);
  expect(await press(-1)).toBe(11_900);
  group.play(true);
  expect(camera.plan.frames).toBe("keys");
});

test("playing on after steps at ordinary speed begins nothing anew", async () => {
  const camera = new Camera();
  const { group, press } = at(12_000, [camera]);
  await press(1);
  group.play(true);
  expect(camera.starts).toBe(1);
});

test("cameras step together: to the nearest picture of any of them", async () => {
  const other = new Camera();
  const { press } = at(12_000, [new Camera(), other]);
  other.arrives(BEGIN + 12_040);
  expect([await press(1), await press(1), await press(-1)]).toEqual([12_040, 12_100, 12_040]);
});
