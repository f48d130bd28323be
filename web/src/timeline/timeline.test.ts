// The timeline's model: where moments lie, what keys and fingers do, and lines on days of 23 and 25 hours.

import { describe, expect, test } from "vitest";

import { merged } from "./draw.ts";
import { Gestures } from "./gestures.ts";
import type { Offset } from "./ticks.ts";
import { stepFor, ticksOf } from "./ticks.ts";
import {
  clampSpan,
  coasted,
  dragged,
  isCoasting,
  keyAct,
  MAX_SPAN_MS,
  MIN_SPAN_MS,
  panned,
  stepOf,
  timeAt,
  visible,
  wheelFactor,
  xOf,
} from "./timeline.ts";

const HOUR = 3_600_000;
const bounds = { fromMs: 0, toMs: 1_000_000 };
const view = { centreMs: 500_000, spanMs: 100_000, width: 1_000 };

describe("the view", () => {
  test("moments and pixels are two names of one place", () => {
    expect(xOf(view, 500_000)).toBe(500);
    expect(timeAt(view, 0)).toBe(450_000);
    for (const x of [0, 123, 999]) expect(xOf(view, timeAt(view, x))).toBeCloseTo(x, 6);
  });

  test("dragging to the right goes back in time, and not beyond what there is", () => {
    expect(panned(view, 100, bounds)).toBe(490_000);
    expect(panned(view, 1e6, bounds)).toBe(0);
    expect(panned(view, -1e6, bounds)).toBe(1_000_000);
  });

  test("zoom stays between seconds and a month", () => {
    expect(clampSpan(1)).toBe(MIN_SPAN_MS);
    expect(clampSpan(1e15)).toBe(MAX_SPAN_MS);
    expect(wheelFactor(100)).toBeGreaterThan(1);
    expect(wheelFactor(-100) * wheelFactor(100)).toBeCloseTo(1, 9);
  });

  test("keys move by what can be seen", () => {
    expect(keyAct("ArrowRight", view, bounds)).toEqual({ kind: "move", timeMs: 501_000 });
    expect(keyAct("ArrowLeft", view, bounds)).toEqual({ kind: "move", timeMs: 499_000 });
    expect(keyAct("PageUp", view, bounds)).toEqual({ kind: "move", timeMs: 550_000 });
    expect(keyAct("Home", view, bounds)).toEqual({ kind: "move", timeMs: 0 });
    expect(keyAct("End", view, bounds)).toEqual({ kind: "move", timeMs: 1_000_000 });
    expect(keyAct("+", view, bounds)).toEqual({ kind: "zoom", spanMs: 62_500 });
    expect(keyAct("x", view, bounds)).toBeNull();
    expect([stepOf(10_000), stepOf(30 * 86_400_000)]).toEqual([100, 86_400_000]);
  });

  test("what coasts slows down and stops", () => {
    expect(coasted(1, 0)).toBe(0);
    expect(coasted(1, 100)).toBeGreaterThan(coasted(1, 50));
    expect(coasted(1, 1e9)).toBeLessThan(300);
    expect([isCoasting(1, 10), isCoasting(1, 5_000)]).toEqual([true, false]);
  });

  test("only what can be seen is found, however long the list", () => {
    const list = Array.from({ length: 100_000 }, (_, at) => ({
      startMs: at * 10,
      endMs: at * 10 + 5,
    }));
    expect(visible(list, 504, 526)).toEqual(list.slice(50, 53));
    expect(visible(list, 505, 506)).toEqual([]);
    expect(visible(list, -10, 1e9)).toBe(list);
  });

  test("a month of many short recordings is drawn with as many bars as there are pixels", () => {
    const month = { centreMs: 15 * 86_400_000, spanMs: 30 * 86_400_000, width: 1_000 };
    const list = Array.from({ length: 43_200 }, (_, at) => ({
      startMs: at * 60_000,
      endMs: at * 60_000 + 50_000,
    }));
    expect(merged(list, month).length).toBe(1);
    const days = Array.from({ length: 30 }, (_, at) => ({
      startMs: at * 86_400_000,
      endMs: at * 86_400_000 + 1_000,
    }));
    const bars = merged(days, month);
    expect(bars.length).toBe(30);
    expect(bars.every(([left, right]) => right - left >= 1)).toBe(true);
  });

  test("the ends of a selection never cross", () => {
    const selection = { fromMs: 10_000, toMs: 20_000 };
    expect(dragged(selection, "from", 30_000, bounds)).toEqual({ fromMs: 19_000, toMs: 20_000 });
    expect(dragged(selection, "to", 0, bounds)).toEqual({ fromMs: 10_000, toMs: 11_000 });
    expect(dragged(selection, "to", 1e9, bounds).toMs).toBe(1_000_000);
  });
});

describe("lines of time", () => {
  /** Berlin in 2026: summer from 29 March 01:00 UTC to 25 October 01:00 UTC. */
  const berlin: Offset = (timeMs) => {
    const summer = timeMs >= Date.UTC(2026, 2, 29, 1) && timeMs < Date.UTC(2026, 9, 25, 1);
    return summer ? 120 : 60;
  };
  const kathmandu: Offset = () => 345;
  const clock = (timeMs: number, offset: Offset) =>
    new Date(timeMs + offset(timeMs) * 60_000).toISOString().slice(11, 16);

  test("labels have room", () => {
    expect(stepFor(60_000, 600, 84)).toBe(10_000);
    expect(stepFor(30 * 86_400_000, 400, 84)).toBe(10 * 86_400_000);
  });

  test("a day of 25 hours has the hour twice, a day of 23 leaves one out", () => {
    const [from, to] = [Date.UTC(2026, 9, 24, 22), Date.UTC(2026, 9, 25, 23)];
    const hours = ticksOf(from, to, HOUR, berlin).map(({ timeMs }) => clock(timeMs, berlin));
    expect(hours.length).toBe(25);
    expect(hours.filter((each) => each === "02:00").length).toBe(2);
    const spring = ticksOf(Date.UTC(2026, 2, 28, 23), Date.UTC(2026, 2, 29, 22), HOUR, berlin);
    expect(spring.length).toBe(23);
    expect(spring.map(({ timeMs }) => clock(timeMs, berlin))).not.toContain("02:00");
  });

  test("several hours stand on their hours on both sides of a change", () => {
    const ticks = ticksOf(Date.UTC(2026, 9, 23), Date.UTC(2026, 9, 28), 6 * HOUR, berlin);
    const times = new Set(ticks.map(({ timeMs }) => clock(timeMs, berlin)));
    expect([...times].sort()).toEqual(["00:00", "06:00", "12:00", "18:00"]);
    expect(ticks.length).toBe(20);
    const two = ticksOf(Date.UTC(2026, 9, 24, 22), Date.UTC(2026, 9, 25, 4), 2 * HOUR, berlin);
    expect(two.map(({ timeMs }) => clock(timeMs, berlin))).toEqual(["00:00", "02:00", "04:00"]);
  });

  test("days begin at local midnight, whatever the change", () => {
    const days = ticksOf(Date.UTC(2026, 9, 20), Date.UTC(2026, 9, 30), 86_400_000, berlin);
    expect(days.map(({ timeMs }) => clock(timeMs, berlin))).toEqual(days.map(() => "00:00"));
    expect(days.every(({ isDay }) => isDay)).toBe(true);
    const change = days.findIndex(({ timeMs }) => timeMs === Date.UTC(2026, 9, 24, 22));
    expect((days[change + 1]?.timeMs ?? 0) - (days[change]?.timeMs ?? 0)).toBe(25 * HOUR);
  });

  test("zones with odd minutes have their lines on the hour", () => {
    const ticks = ticksOf(0, 6 * HOUR, HOUR, kathmandu);
    expect(ticks.map(({ timeMs }) => clock(timeMs, kathmandu).slice(3))).toEqual(
      ticks.map(() => "00"),
    );
  });

  test("never more lines than a screen can hold", () => {
    expect(ticksOf(0, 1e12, 1_000, berlin).length).toBe(200);
    expect(ticksOf(0, 1e13, 86_400_000, berlin).length).toBe(200);
  });
});

describe("gestures", () => {
  function follow() {
    const said: [string, number?][] = [];
    const gestures = new Gestures({
      begin: () => said.push(["begin"]),
      drag: (dx) => said.push(["drag", dx]),
      pinch: (factor) => said.push(["pinch", factor]),
      end: (velocity) => said.push(["end", velocity]),
      tap: (x) => said.push(["tap", x]),
    });
    return { said, gestures };
  }

  test("a short touch points, also with a trembling finger", () => {
    const { said, gestures } = follow();
    gestures.down(1, 100, 0);
    gestures.move(1, 103, 10);
    gestures.up(1, 103, 20);
    expect(said).toEqual([["tap", 103]]);
  });

  test("a drag moves, and is let go of with its speed", () => {
    const { said, gestures } = follow();
    gestures.down(1, 100, 0);
    for (let at = 1; at <= 10; at += 1) gestures.move(1, 100 + at * 10, at * 10);
    gestures.up(1, 200, 100);
    expect(said[0]).toEqual(["begin"]);
    expect(said.filter(([kind]) => kind === "drag").length).toBe(10);
    expect(said.at(-1)).toEqual(["end", 1]);
  });

  test("a drag that had stopped does not coast", () => {
    const { said, gestures } = follow();
    gestures.down(1, 0, 0);
    gestures.move(1, 50, 10);
    gestures.up(1, 50, 500);
    expect(said.at(-1)).toEqual(["end", 0]);
  });

  test("two fingers zoom, and move nothing", () => {
    const { said, gestures } = follow();
    gestures.down(1, 100, 0);
    gestures.down(2, 200, 0);
    gestures.move(2, 300, 10);
    gestures.up(1, 100, 20);
    gestures.move(2, 350, 30);
    gestures.up(2, 350, 40);
    expect(said).toEqual([["pinch", 0.5]]);
    expect(gestures.isActive).toBe(false);
  });

  test("a second finger ends a drag where it is", () => {
    const { said, gestures } = follow();
    gestures.down(1, 100, 0);
    gestures.move(1, 150, 10);
    gestures.down(2, 200, 10);
    gestures.move(1, 100, 20);
    gestures.up(1, 100, 20);
    gestures.cancel(2);
    expect(said).toEqual([["begin"], ["drag", 50], ["pinch", 0.5], ["end", 0]]);
  });
});
