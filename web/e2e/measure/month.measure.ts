// Looking back on thirty days of one camera: the whole month on the timeline, zooming into it, jumping and scrubbing over
// all of it. Each picture's stamp is held against the moment that was asked for.

import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { MAX_SPAN_MS } from "../../src/timeline/timeline.ts";
import { mark, type Sighting, seen, watchPictures } from "../harness/clock.ts";
import { Person } from "../harness/person.ts";
import { leftovers } from "../harness/place.ts";
import { Visitor } from "../harness/visitor.ts";
import { pause } from "../harness/wait.ts";
import { Watcher } from "../harness/watcher.ts";
import { record, recordTimes } from "./figures.ts";
import { Past } from "./past.ts";

const TIMES = 20;

/** Presses of a key that show the whole month, or ten seconds of it. */
const ALL_THE_WAY = 32;

/** How long before the moment a picture may have been captured. The slider tells the moment to a second. */
const NEAR = { least: -600, most: 1_300 };

/** A preview is the keyframe of its segment. */
const NEAR_KEY = { least: -600, most: 2_600 };

/** What is this near a gap, and a pixel more, is left out, in milliseconds. */
const ROOM_MS = 10_000;

let past: Past;

beforeAll(async () => {
  past = await Past.make();
}, 1_200_000);

afterAll(() => past?.end());

interface Looking {
  readonly person: Person;
  readonly at: Watcher;
}

/** Somebody at the playback page, at a moment in the middle of the month. */
async function looking(): Promise<Looking> {
  const visitor = await Visitor.enter(past.household.gateway.origin);
  await watchPictures(visitor.context);
  const person = new Person(visitor);
  const { fromMs, toMs } = past.written;
  const middle = Math.round((fromMs + toMs) / 2);
  await person.signInWithWords(past.household.words, "none", `/playback?t=${middle}`);
  const at = new Watcher(person);
  await at.still("Door");
  return { person, at };
}

/** The same, with the whole month on the timeline. */
async function lookingAtAll(): Promise<Looking> {
  const looks = await looking();
  await looks.at.key("-", ALL_THE_WAY);
  await pause(3_000);
  return looks;
}

/** When the page's questions about recorded stretches were answered since `since`, on its own clock. */
function answered(page: Page, since: number): Promise<number[]> {
  return page.evaluate((since) => {
    const all = performance.getEntriesByType("resource") as PerformanceResourceTiming[];
    const ours = all.filter(({ name, startTime }) => {
      return name.includes("/recordings?") && startTime >= since;
    });
    return ours.map(({ responseEnd }) => responseEnd);
  }, since);
}

interface Drawn {
  drawn: number[];
}

/** From now on notes how long after each key the page had drawn what it changed. */
async function watchKeys(page: Page): Promise<void> {
  await page.evaluate(() => {
    const drawn: number[] = [];
    (globalThis as unknown as Drawn).drawn = drawn;
    const note = ({ timeStamp, key }: KeyboardEvent): void => {
      if (key !== "+" && key !== "-") {
        return;
      }
      // A timer that a display refresh starts runs after what that refresh draws.
      const after = (): void => void drawn.push(performance.now() - timeStamp);
      requestAnimationFrame(() => setTimeout(after));
    };
    addEventListener("keydown", note, { capture: true });
  });
}

test("month on the timeline", async () => {
  const { person, at } = await looking();
  await watchKeys(person.page);
  const since = await person.page.evaluate(() => performance.now());
  await mark(person.page, "keydown");
  await at.key("-", ALL_THE_WAY);
  await pause(3_000);
  const answers = await answered(person.page, since);
  await person.page.screenshot({ path: `${leftovers()}/month.png` });
  expect(answers.length).toBeGreaterThan(0);
  const { marked = Number.NaN } = await seen(person.page);
  const value = Math.max(0, ...answers.map((time) => time - marked));
  const way = `${ALL_THE_WAY} presses of a key in ${(marked - since).toFixed(0)} ms`;
  const note = `after the last of ${way}; ${answers.length} questions. ${past.note}`;
  record({ name: "month: all of it on the timeline", value, unit: "ms", limit: 500, note });
  await at.key("+", ALL_THE_WAY);
  await pause(1_000);
  await person.page.screenshot({ path: `${leftovers()}/month-seconds.png` });
  const drawn = await person.page.evaluate(() => (globalThis as unknown as Drawn).drawn);
  expect(drawn).toHaveLength(2 * ALL_THE_WAY);
  recordTimes("month to seconds: one step of zooming drawn", drawn, 50);
});

interface Place {
  readonly x: number;
  readonly timeMs: number;
}

/**
 * A place of the timeline, which shows `shownMs` in its middle, at which something was recorded. Pointers come to a place by
 * whole pixels, which are half an hour each, so a pixel beside it is as good.
 */
function anywhere(shownMs: number, width: number): Place {
  const roomMs = ROOM_MS + MAX_SPAN_MS / width;
  for (;;) {
    const x = Math.round(Math.random() * (width - 20)) + 10;
    const timeMs = shownMs + (x / width - 0.5) * MAX_SPAN_MS;
    if (past.holds(timeMs, roomMs)) {
      return { x, timeMs };
    }
  }
}

/** From the marked event to the last new picture after it, which is the one that was asked for. */
function delayOf(
  { sightings, marked = Number.NaN }: { sightings: Sighting[]; marked: number | undefined },
  timeMs: number,
  near: { least: number; most: number },
): number {
  const last = sightings.at(-1);
  const before = past.before(timeMs, last?.captured ?? Number.NaN);
  expect(before).toBeGreaterThan(near.least);
  expect(before).toBeLessThan(near.most);
  return (last?.at ?? Number.NaN) - marked;
}

test("jumps over the month", async () => {
  const { person, at } = await lookingAtAll();
  const box = await at.timeline.boundingBox();
  const times: number[] = [];
  for (let time = 0; time < TIMES && box; time += 1) {
    const place = anywhere(await at.moment(), box.width);
    await mark(person.page, "pointerup");
    await person.page.mouse.click(box.x + place.x, box.y + box.height / 2);
    await pause(2_000);
    times.push(delayOf(await seen(person.page), await at.moment(), NEAR));
  }
  expect(times).toHaveLength(TIMES);
  recordTimes("month: jump to a picture", times, 500, past.note);
});

test("scrubbing over the month", async () => {
  const { person, at } = await lookingAtAll();
  const box = await at.timeline.boundingBox();
  const times: number[] = [];
  for (let time = 0; time < TIMES && box; time += 1) {
    const { x } = anywhere(await at.moment(), box.width);
    await mark(person.page, "pointermove");
    await at.drag(box.width / 2 - x, async () => {
      await pause(1_000);
      times.push(delayOf(await seen(person.page), await at.moment(), NEAR_KEY));
    });
    await at.still("Door");
  }
  expect(times).toHaveLength(TIMES);
  recordTimes("month: preview after the pointer stops", times, 100, past.note);
});
