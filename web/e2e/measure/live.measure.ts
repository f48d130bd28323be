// From the click to the first picture and to a live one, with keyframes ten seconds apart; and how old pictures on the screen
// and sound at the ear are. Read back from the drawn camera's clock, which stands in every picture and begins its tones.

import type { Locator } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { synthetic } from "../harness/camera.ts";
import { mark, type Sighting, seen, watchPictures } from "../harness/clock.ts";
import { Household } from "../harness/household.ts";
import { Person } from "../harness/person.ts";
import { Visitor } from "../harness/visitor.ts";
import { pause, until } from "../harness/wait.ts";
import { text } from "../harness/words.ts";
import { type Heard, heard, listen, listenAnew } from "./ear.ts";
import { percentile, record, recordTimes } from "./figures.ts";

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

/** Watches and hears for half a minute; headphones may be `lateMs` late, as those without a wire are. */
async function watchAndHear(lateMs?: number): Promise<{ ages: number[]; heard: Heard }> {
  const visitor = await Visitor.enter(household.gateway.origin);
  await watchPictures(visitor.context);
  await listen(visitor.context, lateMs);
  const person = new Person(visitor);
  await person.signInWithWords(household.words, "none");
  await person.visit("nav.live");
  await person.openLarge("Yard");
  await pause(4_000);
  await person.button("live.sound-on").click();
  await person.button("live.sound-off").waitFor();
  // Sound that began late has caught up by then.
  await pause(6_000);
  await listenAnew(person.page);
  await mark(person.page, "click");
  await pause(30_000);
  const [{ sightings }, sounds] = [await seen(person.page), await heard(person.page)];
  const ages = sightings.map(({ ageMs }) => ageMs);
  expect(ages.length).toBeGreaterThan(200);
  return { ages, heard: sounds };
}

test("camera to screen with sound", async () => {
  const { ages, heard } = await watchAndHear();
  const { delays, clicks, outputMs } = heard;
  expect(delays.length).toBeGreaterThan(20);
  recordTimes("camera to screen with sound", ages, 150);
  recordTimes("camera to ear", delays, 250);
  const late = percentile(delays, 50) - percentile(ages, 50);
  const note = `noticed beyond 125 ms, or 45 ms before it (ITU-R BT.1359-1); the loudspeaker's own ${outputMs.toFixed(0)} ms included`;
  record({ name: "sound behind the picture", value: late, unit: "ms", limit: 125, note });
  expect(late).toBeGreaterThan(-45);
  record({ name: "clicks in 30 s of sound", value: clicks, unit: "clicks", limit: 0 });
});

test("camera to screen with sound in slow headphones", async () => {
  const { ages } = await watchAndHear(300);
  recordTimes("camera to screen, headphones 300 ms late", ages, 150);
});

test("sound that comes and goes", async () => {
  const visitor = await Visitor.enter(household.gateway.origin);
  await listen(visitor.context);
  const person = new Person(visitor);
  await person.signInWithWords(household.words, "none");
  await person.visit("nav.live");
  await person.openLarge("Yard");
  // The tone takes an eighth of the time, so that some of these cut it.
  for (let turn = 0; turn < 40; turn += 1) {
    await person.button("live.sound-on").click();
    await person.button("live.sound-off").waitFor();
    await pause(300 + Math.random() * 300);
    await person.button("live.sound-off").click();
    await pause(50 + Math.random() * 200);
  }
  const { clicks, loudest } = await heard(person.page);
  expect(loudest).toBeGreaterThan(0.1);
  const note = "forty times on and off";
  record({ name: "clicks as sound comes and goes", value: clicks, unit: "clicks", limit: 0, note });
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
