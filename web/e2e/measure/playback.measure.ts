// What looking back costs: a preview after the pointer stops, a picture after a jump.

import { afterAll, beforeAll, expect, test } from "vitest";
import { synthetic } from "../harness/camera.ts";
import { mark, type Sighting, seen, watchPictures } from "../harness/clock.ts";
import { Household } from "../harness/household.ts";
import { Person } from "../harness/person.ts";
import { Visitor } from "../harness/visitor.ts";
import { pause } from "../harness/wait.ts";
import { Watcher } from "../harness/watcher.ts";
import { recordTimes } from "./figures.ts";

const TIMES = 20;

let household: Household;
let since: number;

beforeAll(async () => {
  const main = synthetic({ width: 1280, height: 720, fps: 15, gop: "2s" });
  const sub = synthetic({ width: 640, height: 360, fps: 15, gop: "2s" });
  household = await Household.open([{ name: "Door", main, sub }]);
  since = Date.now();
  await pause(120_000);
}, 300_000);

afterAll(() => household.end());

async function watching(): Promise<{ person: Person; at: Watcher }> {
  const visitor = await Visitor.enter(household.gateway.origin);
  await watchPictures(visitor.context);
  const person = new Person(visitor);
  await person.signInWithWords(household.words, "none", `/playback?t=${since + 60_000}`);
  const at = new Watcher(person);
  await at.still("Door");
  // About two minutes on the screen.
  for (let step = 0; step < 6; step += 1) {
    await person.press("timeline.zoom-in");
  }
  return { person, at };
}

/** From the marked event to the last new picture after it; 0 when the right one stood there already. */
function delay({
  sightings,
  marked = 0,
}: {
  sightings: Sighting[];
  marked: number | undefined;
}): number {
  return Math.max(0, (sightings.at(-1)?.at ?? marked) - marked);
}

test("scrubbing", async () => {
  const { person, at } = await watching();
  const times: number[] = [];
  for (let time = 0; time < TIMES; time += 1) {
    await mark(person.page, "pointermove");
    const dx = (time % 2 === 0 ? 1 : -1) * (150 + 13 * time);
    await at.drag(dx, async () => {
      await pause(900);
      times.push(delay(await seen(person.page)));
    });
    await at.still("Door");
  }
  expect(times.some((time) => time > 0)).toBe(true);
  recordTimes("preview after the pointer stops", times, 100);
});

test("seeking", async () => {
  const { person, at } = await watching();
  const box = await at.timeline.boundingBox();
  const times: number[] = [];
  for (let time = 0; time < TIMES && box; time += 1) {
    const dx = (time % 2 === 0 ? -1 : 1) * (90 + 11 * time);
    await mark(person.page, "pointerup");
    await person.page.mouse.click(box.x + box.width / 2 + dx, box.y + box.height / 2);
    await pause(1_500);
    const found = await seen(person.page);
    expect(found.sightings.length).toBeGreaterThan(0);
    times.push(delay(found));
  }
  recordTimes("jump to a picture", times, 500);
});
