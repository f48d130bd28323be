// The small parts of playback: clock, plans, marks, shelf, channel, wall times.

import { describe, expect, test } from "vitest";

import { Channel } from "./channel.ts";
import { Clock } from "./clock.ts";
import { Line, Lines } from "./line.ts";
import { fromLocal, toLocal } from "./local.ts";
import { Marks } from "./marks.ts";
import { planFor } from "./plan.ts";
import { micros, Shelf } from "./shelf.ts";

describe("the clock", () => {
  test("runs at its speed, and not while it is held or stopped", () => {
    const clock = new Clock(1_000, 0);
    expect(clock.at(500)).toBe(1_000);
    clock.play(true, 500);
    expect(clock.at(600)).toBe(1_100);
    clock.setSpeed(4, 600);
    expect(clock.at(700)).toBe(1_500);
    clock.hold(true, 700);
    expect(clock.at(5_000)).toBe(1_500);
    clock.hold(false, 5_000);
    expect(clock.at(5_100)).toBe(1_900);
    clock.set(9_000, 5_100);
    expect(clock.at(5_200)).toBe(9_400);
    clock.play(false, 5_200);
    expect(clock.at(9_999)).toBe(9_400);
  });
});

describe("the plan", () => {
  const main = { playable: true, pixels: 1920 * 1080, framesPerSecond: 25, keyMs: 2_000 };
  const sub = { playable: true, pixels: 640 * 360, framesPerSecond: 15, keyMs: 2_000 };
  const all = (rendition: "main" | "sub") => ({ rendition, frames: "all" });
  const keys = (rendition: "main" | "sub") => ({ rendition, frames: "keys" });

  test("ordinary speed shows every frame of the main stream", () => {
    expect(planFor(1, { main, sub }, 3.5)).toEqual(all("main"));
    expect(planFor(0.5, { main, sub: null }, 100)).toEqual(all("main"));
  });

  test("fast playback takes what this machine can do", () => {
    expect(planFor(2, { main, sub }, 3.5)).toEqual(all("main"));
    expect(planFor(8, { main, sub }, 3.5)).toEqual(all("sub"));
    expect(planFor(16, { main, sub: null }, 3.5)).toEqual(keys("main"));
    expect(planFor(16, { main, sub }, 60)).toEqual(keys("main"));
    expect(planFor(2, { main, sub }, 3.5, 4)).toEqual(all("sub"));
  });

  test("keyframes far apart give way to the stream that has more of them", () => {
    const slow = { ...main, keyMs: 10_000 };
    expect(planFor(16, { main: slow, sub }, 60)).toEqual(keys("sub"));
    expect(planFor(16, { main: slow, sub: null }, 60)).toEqual(keys("main"));
  });

  test("a codec that the browser does not decode is not planned", () => {
    const foreign = { ...main, playable: false };
    expect(planFor(1, { main: foreign, sub }, 3.5)).toEqual(all("sub"));
    expect(planFor(16, { main: foreign, sub }, 90)).toEqual(keys("sub"));
  });
});

describe("marks", () => {
  test("verified stretches join; faults stay on top", () => {
    const marks = new Marks();
    marks.verify(0, 2_000);
    marks.verify(2_500, 4_000);
    marks.verify(60_000, 62_000);
    marks.blame(3_000, 3_100, "changed");
    expect(marks.all).toEqual([
      { from: 0, to: 4_000, fault: null },
      { from: 60_000, to: 62_000, fault: null },
      { from: 3_000, to: 4_000, fault: "changed" },
    ]);
    expect(marks.at(1_000)?.fault).toBeNull();
    expect(marks.at(3_500)?.fault).toBe("changed");
    expect(marks.at(30_000)).toBeNull();
    marks.blame(3_000, 4_000, "unsigned");
    marks.blame(3_000, 4_000, "not-as-signed");
    expect(marks.at(3_500)?.fault).toBe("changed");
    expect(marks.faultWithin(0, 3_000)).toBeNull();
    expect(marks.faultWithin(0, 3_001)).toBe("changed");
    marks.verify(10, 10);
    expect(marks.all.length).toBe(5);
  });
});

describe("the shelf", () => {
  const closed: number[] = [];
  const frame = (timestamp: number) => ({ timestamp, close: () => closed.push(timestamp) });

  test("a picture's moment comes back exactly by way of milliseconds", () => {
    for (let at = 0; at < 1_000; at += 1) {
      const timestamp = 1_795_372_737_390_667 + at * 33_333;
      expect(micros(timestamp / 1_000)).toBe(timestamp);
    }
  });

  test("shows the newest picture, keeps some behind, and closes the rest", () => {
    const shelf = new Shelf<ReturnType<typeof frame>>();
    for (const time of [10, 30, 20, 40]) shelf.put(frame(time));
    expect(shelf.current(5)).toBeNull();
    expect(shelf.current(25)?.timestamp).toBe(20);
    expect(closed).toEqual([10]);
    expect([shelf.ahead(25), shelf.next(25)?.timestamp]).toEqual([2, 30]);
    shelf.behind = 1;
    expect(shelf.current(45)?.timestamp).toBe(40);
    expect(shelf.previous(40)?.timestamp).toBe(30);
    expect(closed).toEqual([10, 20]);
    shelf.clear();
    expect(closed).toEqual([10, 20, 30, 40]);
  });
});

describe("the channel", () => {
  test("the sender waits when it is full, and one item always fits", async () => {
    const channel = new Channel<string>(10);
    await channel.send("large", 100);
    let sent = false;
    const second = channel.send("b", 1).then((taken) => {
      sent = taken;
    });
    await Promise.resolve();
    expect([sent, channel.weight]).toEqual([false, 100]);
    expect(await channel.receive()).toBe("large");
    await second;
    expect(sent).toBe(true);
    channel.close();
    expect([await channel.receive(), await channel.receive()]).toEqual(["b", null]);
    expect(await channel.send("late", 1)).toBe(false);
  });

  test("a failure comes after what waits", async () => {
    const channel = new Channel<string>(10);
    await channel.send("a", 1);
    channel.fail(new Error("gone"));
    expect(await channel.receive()).toBe("a");
    await expect(channel.receive()).rejects.toThrow("gone");
  });

  test("a higher limit lets in who waits", async () => {
    const channel = new Channel<number>(1);
    await channel.send(1, 1);
    let sent = false;
    const second = channel.send(2, 1).then(() => {
      sent = true;
    });
    await Promise.resolve();
    expect(sent).toBe(false);
    channel.limit = 2;
    await second;
    expect(channel.weight).toBe(2);
  });
});

describe("the line", () => {
  const frame = (track: "video" | "audio", pts: bigint, captured: bigint, timescale?: number) => ({
    ...{ track, key: true, index: 0, captured, pts, decodeOffset: 0, data: new Uint8Array() },
    config: timescale === undefined ? null : ({ track, timescale } as never),
  });

  test("sound and picture of a session share one line; a drift lays it anew", () => {
    const line = new Line(new Lines());
    line.begin(1);
    expect(line.place(frame("audio", 0n, 1_000n, 8_000))).toBeNull();
    expect(line.place(frame("video", 90_000n, 5_000n, 90_000))).toBe(5_000_000);
    expect(line.place(frame("video", 93_600n, 5_047n))).toBe(5_040_000);
    expect(line.place(frame("audio", 8_160n, 1n))).toBe(5_020_000);
    expect(line.place(frame("video", 180_000n, 9_000n))).toBe(9_000_000);
    line.begin(2);
    expect(line.place(frame("audio", 0n, 1n))).toBeNull();
  });

  test("a picture has one place, whichever run shows it and wherever that began", () => {
    const lines = new Lines();
    // Captured every 100 ms, more or less.
    const tremble = [0n, 1n, -2n, 3n, -1n, 2n];
    const picture = (at: number) =>
      frame("video", BigInt(at) * 9_000n, 5_000n + BigInt(at) * 100n + (tremble[at] ?? 0n), 90_000);
    const placesFrom = (begin: number) => {
      const line = new Line(lines);
      line.begin(7);
      return tremble.map((_, at) => (at < begin ? null : line.place(picture(at)))).slice(3);
    };
    const first = placesFrom(1);
    expect(first).toEqual([5_301_000, 5_401_000, 5_501_000]);
    expect([placesFrom(3), placesFrom(0), placesFrom(2)]).toEqual([first, first, first]);
  });

  test("the lines of the last sessions are remembered, and no more", () => {
    const lines = new Lines();
    for (let session = 0; session < 300; session += 1) lines.lay(session, session);
    expect([lines.zero(43), lines.zero(44), lines.zero(299)]).toEqual([null, 44, 299]);
  });
});

test("wall times come back, and no other text is one", () => {
  const time = new Date(2026, 9, 25, 14, 3, 7).getTime();
  expect(toLocal(time)).toBe("2026-10-25T14:03:07");
  expect(fromLocal(toLocal(time))).toBe(time);
  expect(fromLocal("2026-10-25T14:03")).toBe(time - 7_000);
  for (const text of ["", "now", "2026-13-41T99:00", "2026-10-25"])
    expect(fromLocal(text)).toBeNull();
});
