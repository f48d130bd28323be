// Which pictures are drawn while sound is late, on a surface that only notes them.

import { afterEach, beforeEach, expect, test, vi } from "vitest";

import type { Surface } from "./painter.ts";
import { FrameLoop, Painter } from "./painter.ts";
import { MAX_AGE_MS } from "./sync.ts";

let now = 0;
/** What waits for the next display refresh. */
let waiting: (() => void)[] = [];

beforeEach(() => {
  now = 1_000;
  vi.spyOn(performance, "now").mockImplementation(() => now);
  vi.stubGlobal("requestAnimationFrame", (run: () => void) => {
    waiting.push(run);
  });
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

/** A second of pictures, `agedMs` old when they come; sound is `soundMs` late, or there is none. */
function second(rate: number, agedMs: number, soundMs: number | null) {
  now = 1_000;
  waiting = [];
  const drawn: { timestamp: number; ageMs: number }[] = [];
  let open = 0;
  const surface = { width: 2, height: 2, getContext: () => ({ drawImage: () => undefined }) };
  const painter = new Painter(surface as unknown as Surface, new FrameLoop(), {
    painted: ({ timestamp, captured }) =>
      drawn.push({ timestamp, ageMs: performance.timeOrigin + now - captured }),
    shown: () => undefined,
  });
  const start = now;
  if (soundMs !== null) {
    // Sound of a picture is heard so much later than the picture comes.
    const dueMs = (timestamp: number) => timestamp / 1_000 + soundMs - (now - start);
    painter.sound = { dueMs, seen: () => undefined };
  }
  let next = 0;
  for (; now < start + 1_000; now += 1) {
    if (now >= start + (next * 1_000) / rate) {
      open += 1;
      const frame = { displayWidth: 2, displayHeight: 2, close: () => (open -= 1) };
      painter.show({
        frame: frame as unknown as VideoFrame,
        captured: performance.timeOrigin + now - agedMs,
        current: true,
        timestamp: Math.round((next * 1e6) / rate),
      });
      next += 1;
    }
    if (now % 16 !== 0) continue;
    const runs = waiting;
    waiting = [];
    for (const run of runs) run();
  }
  painter.close();
  return { drawn, came: next, open };
}

test.each([15, 25, 30, 60])(
  "at %i pictures a second sound that is not late delays none",
  (rate) => {
    const plain = second(rate, 30, null);
    expect(second(rate, 30, 60)).toEqual(plain);
    expect(plain.drawn.length).toBeGreaterThan(plain.came - 3);
    expect(Math.max(...plain.drawn.map(({ ageMs }) => ageMs))).toBeLessThanOrEqual(30 + 17);
  },
);

test.each([15, 25, 30, 60])(
  "at %i pictures a second late sound delays them a little, and none is lost",
  (rate) => {
    for (const soundMs of [150, 250, 5_000]) {
      const { drawn, came, open } = second(rate, 30, soundMs);
      expect(drawn.length).toBeGreaterThan(came - 1 - rate / 8);
      expect(Math.max(...drawn.map(({ ageMs }) => ageMs))).toBeLessThanOrEqual(MAX_AGE_MS + 17);
      const times = drawn.map(({ timestamp }) => timestamp);
      expect(times).toEqual(times.toSorted((a, b) => a - b));
      expect(open).toBe(0);
    }
  },
);

test("pictures that come old wait for nothing", () => {
  expect(second(25, 200, 5_000).drawn).toEqual(second(25, 200, null).drawn);
});
