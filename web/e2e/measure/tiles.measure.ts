// Nine cameras at once, and the page's memory while they play.

import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { synthetic } from "../harness/camera.ts";
import { mark, type Sighting, seen, watchPictures } from "../harness/clock.ts";
import { Household } from "../harness/household.ts";
import { Person } from "../harness/person.ts";
import { browser, Visitor } from "../harness/visitor.ts";
import { pause } from "../harness/wait.ts";
import { record, recordTimes } from "./figures.ts";

const { BARTIZAN_MINUTES = "5" } = process.env;

const TILES = 9;

let household: Household;

beforeAll(async () => {
  const cameras = Array.from({ length: TILES }, (_, at) => ({
    name: `Camera ${at + 1}`,
    main: synthetic({ width: 640, height: 360, fps: 10, gop: "2s", bitrate: "400k", seed: at }),
  }));
  household = await Household.open(cameras);
}, 300_000);

afterAll(() => household.end());

async function viewer(watching: boolean): Promise<Person> {
  const visitor = await Visitor.enter(household.gateway.origin);
  if (watching) {
    await watchPictures(visitor.context);
  }
  const person = new Person(visitor);
  await person.signInWithWords(household.words, "none");
  await person.visit("nav.live");
  await person.live("Camera 9").waitFor();
  return person;
}

/** Frames that a canvas never showed, of those that it could have shown. */
function lost(sightings: readonly Sighting[]): { lost: number; all: number } {
  const frames = sightings.map(({ frame }) => frame);
  const all = Math.max(...frames) - Math.min(...frames) + 1;
  return { lost: all - new Set(frames).size, all };
}

test("nine tiles", async () => {
  const person = await viewer(true);
  await pause(8_000);
  await mark(person.page, "click");
  await pause(60_000);
  const { sightings } = await seen(person.page);
  const canvases = [...new Set(sightings.map(({ canvas }) => canvas))];
  expect(canvases).toHaveLength(TILES);
  const each = canvases.map((canvas) => lost(sightings.filter((one) => one.canvas === canvas)));
  const sum = (values: number[]): number => values.reduce((total, value) => total + value, 0);
  const share = (100 * sum(each.map(({ lost }) => lost))) / sum(each.map(({ all }) => all));
  const worst = Math.max(...each.map(({ lost, all }) => (100 * lost) / all)).toFixed(2);
  const note = `worst tile ${worst} %; read back each display frame, which costs the page time`;
  record({ name: "nine tiles: pictures not shown", value: share, unit: "%", limit: 1, note });
  recordTimes(
    "nine tiles: camera to screen",
    sightings.map(({ ageMs }) => ageMs),
    250,
  );
});

interface Process {
  readonly type: string;
  readonly id: number;
}

/** Memory of the browser's page processes that is theirs alone or their part of what is shared, in MiB. */
async function memory(): Promise<number> {
  const session = await (await browser("chromium")).newBrowserCDPSession();
  const { processInfo } = await session.send("SystemInfo.getProcessInfo");
  await session.detach();
  const pages = (processInfo as Process[]).filter(({ type }) => type === "renderer");
  const kilobytes = pages.map(({ id }) => {
    const text = readFileSync(`/proc/${id}/smaps_rollup`, "utf8");
    return Number(/^Pss:\s+(\d+)/m.exec(text)?.[1] ?? 0);
  });
  return kilobytes.reduce((sum, value) => sum + value, 0) / 1024;
}

test("memory", async () => {
  const person = await viewer(false);
  await pause(30_000);
  const figures: number[] = [await memory()];
  for (let minute = 0; minute < Number(BARTIZAN_MINUTES); minute += 1) {
    await pause(60_000);
    // Somebody is there: else the app locks itself, and holds nothing.
    await person.page.keyboard.press("Shift");
    expect(await person.live("Camera 1").isVisible()).toBe(true);
    figures.push(await memory());
  }
  const [first = 0] = figures;
  const last = figures.at(-1) ?? 0;
  const note = figures.map((figure) => figure.toFixed(0)).join(" ");
  record({
    name: "memory of the page, nine tiles",
    value: last,
    unit: "MiB",
    note: `minute by minute: ${note}`,
  });
  const growth = (100 * (last - first)) / first;
  record({
    name: "growth of that memory",
    value: growth,
    unit: "%",
    limit: 10,
    note: `over ${BARTIZAN_MINUTES} minutes`,
  });
});
