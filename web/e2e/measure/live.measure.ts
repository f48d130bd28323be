// From the click to the first picture and to a live one, with keyframes ten seconds apart; and how old pictures on the screen
// are. Read back from the drawn camera's clock, which stands in every picture.

import type { Locator } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { synthetic } from "../harness/camera.ts";
import { mark, type Sighting, seen, watchPictures } from "../harness/clock.ts";
import { Household } from "../harness/household.ts";
import { Person } from "../harness/person.ts";
import { Visitor } from "../harness/visitor.ts";
import { pause, until } from "../harness/wait.ts";
import { text } from "../harness/words.ts";
import { record, recordTimes } from "./figures.ts";

/** Clicks that are measured. */
const TIMES = 20;

/** A picture that is not older than this is live: what a camera, its encoder and the screen take, and two pictures more. */
const LIVE_MS = 250;

let household: Household;

beforeAll(async () => {
  const far = { fps: 15, gop: "10s" };
  household = await Household.open([
    {
      name: "Door",
      main: synthetic({ ...far, width: 1280, height: 720 }),
      sub: synthetic({ ...far, width: 640, height: 360 }),
    },
    // Sub streams only for the grid's own measure.
    { name: "Yard", main: synthetic({ width: 480, height: 270, fps: 15, gop: "2s" }) },
  ]);
  await pause(12_000);
});

afterAll(() => household.end());

async function viewer(): Promise<Person> {
  const visitor = await Visitor.enter(household.gateway.origin);
  await watchPictures(visitor.context);
  const person = new Person(visitor);
  await person.signInWithWords(household.words, "none");
  return person;
}

interface Start {
  readonly firstMs: number;
  readonly liveMs: number;
}

/** Clicks `target` at any moment between two keyframes, and waits for a live picture of this width or more. */
async function start(person: Person, target: Locator, width: number): Promise<Start> {
  await target.waitFor();
  await pause(500 + Math.random() * 4_000);
  await mark(person.page, "click");
  await target.click();
  const fits = (sighting: Sighting): boolean => sighting.width >= width;
  const isLive = (sighting: Sighting): boolean => fits(sighting) && sighting.ageMs < LIVE_MS;
  const found = async (): Promise<boolean> =>
    (await seen(person.page, true)).sightings.some(isLive);
  await until("a live picture", found, 20_000);
  const { sightings, marked = Number.NaN } = await seen(person.page, true);
  const at = (wanted: (sighting: Sighting) => boolean): number =>
    (sightings.find(wanted)?.at ?? Number.NaN) - marked;
  return { firstMs: at(fits), liveMs: at(isLive) };
}

/** Measures many clicks, each after `before` has brought the page back. */
async function starts(name: string, person: Person, before: () => Promise<Locator>): Promise<void> {
  const found: Start[] = [];
  for (let time = 0; time <= TIMES; time += 1) {
    const one = await start(person, await before(), 640);
    expect(one.firstMs).toBeGreaterThan(0);
    // The first click also fetches what later ones have.
    if (time > 0) {
      found.push(one);
    }
  }
  recordTimes(
    `${name} to first picture`,
    found.map(({ firstMs }) => firstMs),
    300,
  );
  recordTimes(
    `${name} to live picture`,
    found.map(({ liveMs }) => liveMs),
    1_000,
  );
}

test("click to picture in the grid", async () => {
  const person = await viewer();
  await starts("click on Live", person, async () => {
    await person.visit("nav.settings");
    return person.link("nav.live");
  });
});

test("click to picture of one camera", async () => {
  const person = await viewer();
  await starts("click on a tile", person, async () => {
    await person.visit("nav.live");
    return person.page.getByRole("link", {
      name: text("live.open", { name: "Door" }),
      exact: true,
    });
  });
});

test("camera to screen", async () => {
  const person = await viewer();
  await person.visit("nav.live");
  await person.openLarge("Yard");
  await pause(4_000);
  await mark(person.page, "click");
  await pause(30_000);
  const { sightings } = await seen(person.page);
  const ages = sightings.map(({ ageMs }) => ageMs);
  expect(ages.length).toBeGreaterThan(200);
  recordTimes("camera to screen (480×270)", ages, 150);
});

test("page start", async () => {
  const visitor = await Visitor.enter(household.gateway.origin);
  const { startUpOf, watchStartUp } = await import("../harness/start-up.ts");
  await watchStartUp(visitor.context);
  await visitor.go("/");
  await pause(3_000);
  const { shift, longestTaskMs, firstContentMs } = await startUpOf(visitor.page);
  record({ name: "layout shift on load", value: shift, unit: "score", limit: 0.01 });
  record({ name: "longest task at start", value: longestTaskMs, unit: "ms", limit: 200 });
  record({ name: "first content", value: firstContentMs, unit: "ms" });
});
