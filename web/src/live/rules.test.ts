// The rules of live: when to try again, what a tile says, what to join, what to do when all is too much.

import { expect, test } from "vitest";

import { GatewayClock } from "./clock.ts";
import { Line } from "./line.ts";
import { HICCUP_MS, MAX_QUEUE, remedy } from "./overload.ts";
import { Pace } from "./pace.ts";
import { phaseOf, STALLED_MS } from "./phase.ts";
import { plan } from "./plan.ts";
import { pauseMs, verdictOf } from "./reconnect.ts";
import { Stats } from "./stats.ts";

test("pauses grow, have an end, and differ", () => {
  const longest = Array.from({ length: 12 }, (_, failures) => pauseMs(failures, 1));
  expect(longest.slice(0, 4)).toEqual([250, 500, 1_000, 2_000]);
  expect(longest.at(-1)).toBe(15_000);
  expect(pauseMs(3, 0)).toBe(1_000);
  expect(pauseMs(0, 0, 9_000)).toBe(9_000);
});

test("what follows from the end of a connection", () => {
  expect(verdictOf({ kind: "closed" })).toBe("again");
  expect(verdictOf({ kind: "silent" })).toBe("again");
  const problem = (status: number) => verdictOf({ kind: "problem", status });
  expect([0, 401, 403, 404, 429, 503].map(problem)).toEqual([
    ...["again", "signed-out", "revoked", "gone", "again", "again"],
  ]);
});

const KNOWN = {
  ...{ visible: true, stop: null, connected: true, lost: false, now: 100_000 },
  ...{ paintedAt: 99_900, current: true, since: 0 },
};

test("a tile says what it is doing", () => {
  expect(phaseOf(KNOWN)).toBe("live");
  expect(phaseOf({ ...KNOWN, visible: false })).toBe("paused");
  expect(phaseOf({ ...KNOWN, visible: false, stop: { kind: "revoked" } })).toBe("stopped");
  expect(phaseOf({ ...KNOWN, paintedAt: null })).toBe("connecting");
  expect(phaseOf({ ...KNOWN, paintedAt: null, lost: true })).toBe("lost");
  expect(phaseOf({ ...KNOWN, current: false })).toBe("joining");
  expect(phaseOf({ ...KNOWN, since: 99_950 })).toBe("joining");
  expect(phaseOf({ ...KNOWN, since: 99_950, paintedAt: 1 })).toBe("joining");
  const old = { ...KNOWN, paintedAt: KNOWN.now - STALLED_MS };
  expect(phaseOf(old)).toBe("stalled");
  expect(phaseOf({ ...old, lost: true, connected: false })).toBe("lost");
  expect(phaseOf({ ...old, connected: false })).toBe("joining");
});

test("a large picture joins the small rendition too, until its own has caught up", () => {
  const base = {
    ...{ renditions: ["main", "sub"] as const, wanted: "main" as const, failed: new Set<never>() },
    ...{ mainCaughtUp: false, overloaded: false, single: false },
  };
  expect(plan(base)).toEqual(["main", "sub"]);
  expect(plan({ ...base, mainCaughtUp: true })).toEqual(["main"]);
  expect(plan({ ...base, single: true })).toEqual(["main"]);
  expect(plan({ ...base, overloaded: true })).toEqual(["sub"]);
  expect(plan({ ...base, wanted: "sub" })).toEqual(["sub"]);
  expect(plan({ ...base, wanted: "sub", renditions: ["main"] })).toEqual(["main"]);
  expect(plan({ ...base, failed: new Set(["main"] as const) })).toEqual(["sub"]);
  expect(plan({ ...base, wanted: "sub", failed: new Set(["sub"] as const) })).toEqual(["main"]);
  expect(plan({ ...base, failed: new Set(["main", "sub"] as const) })).toEqual([]);
});

test("a device that is too slow skips drawing, then drops to a key, or takes the small rendition", () => {
  const fine = { queued: 3, lateMs: 90, toKeyMs: 9_000, behindMs: 0, hasSmaller: true };
  const late = { ...fine, queued: MAX_QUEUE + 1, lateMs: 900 };
  const long = { ...late, behindMs: HICCUP_MS };
  expect(remedy(fine)).toBe("draw");
  expect(remedy(late)).toBe("catch-up");
  expect(remedy(long)).toBe("smaller");
  expect(remedy({ ...long, toKeyMs: 1_000 })).toBe("drop");
  expect(remedy({ ...long, hasSmaller: false })).toBe("catch-up");
  expect(remedy({ ...late, queued: 200 })).toBe("drop");
  expect(remedy({ ...long, queued: 1 })).toBe("draw");
});

test("a network that is too slow gets the small rendition, or a new start", () => {
  const far = { queued: 0, lateMs: 3_500, toKeyMs: 9_000, behindMs: 0, hasSmaller: true };
  expect(remedy(far)).toBe("smaller");
  expect(remedy({ ...far, hasSmaller: false })).toBe("rejoin");
  expect(remedy({ ...far, lateMs: 2_500 })).toBe("draw");
});

test("a burst is of the past, and what follows it is of now", () => {
  const pace = new Pace();
  for (let at = 0; at < 100; at += 1) {
    pace.note(at * 40, 4_000 + at * 0.2);
    expect(pace.isLive, `${at}`).toBe(4_000 + at * 0.2 - at * 40 < 300);
  }
  expect(pace.isLive).toBe(true);
});

test("with a camera whose clock is wrong, the pace tells", () => {
  const pace = new Pace();
  const wrong = 60_000;
  for (let at = 0; at < 100; at += 1) pace.note(at * 40 - wrong, 4_000 + at * 0.2);
  expect(pace.isLive).toBe(false);
  for (let at = 0; at < 20; at += 1) pace.note(4_000 + at * 40 - wrong, 4_020 + at * 40);
  expect(pace.isLive).toBe(true);
  expect(pace.lateness(4_760 - wrong, 4_780 + 300)).toBeCloseTo(300, -1);
});

test("lateness is told by the fastest picture, and hardly forgets it", () => {
  const pace = new Pace();
  pace.note(0, 10);
  pace.note(1_000, 1_100);
  expect(pace.lateness(1_000, 1_200)).toBeCloseTo(190, -1);
  for (let at = 2; at < 30; at += 1) pace.note(at * 1_000, at * 1_000 + 5_000);
  expect(pace.lateness(29_000, 34_000)).toBeGreaterThan(4_900);
});

test("sessions stand one after the other on the line", () => {
  const line = new Line();
  expect(line.at(1, 90_000n, 90_000) - line.at(1, 0n, 90_000)).toBe(1_000_000);
  const sound = line.at(1, 48_000n, 48_000);
  expect(sound).toBe(line.at(1, 90_000n, 90_000));
  const next = line.at(2, -900_000n, 90_000);
  expect(next).toBe(sound + 1_000_000);
  expect(line.at(2, -891_000n, 90_000)).toBe(next + 100_000);
});

test("the fastest answer sets the clock", () => {
  const clock = new GatewayClock();
  clock.sample({ gateway: 5_000, asked: 900, got: 1_100 });
  expect([clock.at(0), clock.error]).toEqual([4_000, 100]);
  clock.sample({ gateway: 9_000, asked: 1_000, got: 2_000 });
  expect(clock.offset).toBe(4_000);
  clock.sample({ gateway: 5_100, asked: 1_090, got: 1_100 });
  expect(clock.offset).toBe(4_005);
  clock.sample({ gateway: 800_000, asked: 700_000, got: 700_400 });
  expect(clock.offset).toBe(99_800);
});

test("figures of what is shown", () => {
  const stats = new Stats();
  expect([stats.age(0.5), stats.picturesPerS, stats.bitsPerS]).toEqual([null, 0, 0]);
  for (let at = 0; at <= 50; at += 1) stats.picture(at, at * 40);
  for (let at = 0; at <= 4; at += 1) stats.bytes(at * 125_000, at * 1_000);
  expect([stats.age(0.5), stats.picturesPerS, stats.bitsPerS]).toEqual([25, 25, 1_000_000]);
});
