// Recordings: scrubbing, seeking, speeds, single pictures, zoom; by pointer and by keyboard.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { faultsOfAccess } from "./harness/axe.ts";
import { synthetic } from "./harness/camera.ts";
import { Fingers } from "./harness/fingers.ts";
import type { Means } from "./harness/hand.ts";
import { Household } from "./harness/household.ts";
import { Person } from "./harness/person.ts";
import { type Engine, Visitor } from "./harness/visitor.ts";
import { pause } from "./harness/wait.ts";
import { Watcher } from "./harness/watcher.ts";
import { startOf } from "./harness/words.ts";

const FPS = 10;

let household: Household;
let since: number;

beforeAll(async () => {
  const camera = { width: 640, height: 360, fps: FPS, gop: "2s" };
  household = await Household.open([{ name: "Door", main: synthetic(camera) }]);
  since = Date.now();
  await pause(25_000);
});

afterAll(() => household.end());

/** Signs in at a moment of the recordings. */
async function watching(engine: Engine, means: Means): Promise<{ person: Person; at: Watcher }> {
  const person = new Person(await Visitor.enter(household.gateway.origin, { engine }), means);
  await person.signInWithWords(household.words, "none", `/playback?t=${since + 12_000}`);
  return { person, at: new Watcher(person) };
}

describe.each<[Engine, Means]>([
  ["chromium", "pointer"],
  ["chromium", "keyboard"],
  ["firefox", "pointer"],
  ["firefox", "keyboard"],
])("in %s by %s", (engine, means) => {
  test("scrubbing shows the moment that was asked for", async () => {
    const { person, at } = await watching(engine, means);
    const before = await at.still("Door");
    expect(Math.abs(before.captured - (since + 12_000))).toBeLessThan(1_000);
    expect(await faultsOfAccess(person.page)).toEqual([]);
    await at.zoomIn();
    if (means === "pointer") {
      await at.drag(400, async () => {
        // The preview is a key picture, at most two seconds from where the hand is.
        const preview = await at.still("Door");
        expect(preview.captured).toBeLessThan(before.captured - 500);
      });
    } else {
      await at.key("ArrowLeft", 25);
    }
    const after = await at.still("Door");
    expect(after.captured).toBeLessThan(before.captured - 1_500);
    expect(Math.abs(after.captured - (await at.moment()))).toBeLessThan(1_100);
    await at.key("End");
    const end = await at.still("Door");
    expect(end.captured).toBeGreaterThan(before.captured + 5_000);
  });

  test("it plays at the speed that was chosen, and goes picture by picture", async () => {
    const { person, at } = await watching(engine, means);
    const start = await at.still("Door");
    await at.speed(2);
    await person.press("playback.play");
    const moving = await at.stamp("Door", ({ frame }) => frame > start.frame + 3);
    const began = performance.now();
    await pause(2_500);
    const later = await at.stamp("Door");
    const speed = (later.captured - moving.captured) / (performance.now() - began);
    expect(speed).toBeGreaterThan(1.4);
    expect(speed).toBeLessThan(2.6);
    await person.press("playback.pause");
    const still = await at.still("Door");
    await person.press("playback.step-forward");
    await at.stamp("Door", ({ frame }) => frame === still.frame + 1);
    await person.press("playback.step-back");
    await at.stamp("Door", ({ frame }) => frame === still.frame);
    await person.press("playback.step-back");
    await at.stamp("Door", ({ frame }) => frame === still.frame - 1);
  });
});

test("on a phone one finger drags through the recordings, and two zoom", async () => {
  const visitor = await Visitor.enter(household.gateway.origin, { width: 390, height: 844 });
  const person = new Person(visitor);
  await person.signInWithWords(household.words, "none", `/playback?t=${since + 12_000}`);
  const at = new Watcher(person);
  const fingers = new Fingers(person.page);
  const before = await at.still("Door");
  /** Seconds that a finger goes back by 120 pixels. */
  const dragged = async (): Promise<number> => {
    const from = await at.moment();
    await fingers.drag(at.timeline, 120);
    await at.still("Door");
    return (from - (await at.moment())) / 1_000;
  };
  // From hours on the screen to the ten seconds that are the least; the moment in the middle stays.
  for (let time = 0; time < 4; time += 1) {
    await fingers.pinch(at.timeline, 60, 300);
  }
  expect(Math.abs((await at.moment()) - before.captured)).toBeLessThan(2_000);
  const near = await dragged();
  expect(near).toBeGreaterThan(1);
  await fingers.pinch(at.timeline, 240, 80);
  await at.key("End");
  await at.still("Door");
  expect(await dragged()).toBeGreaterThan(near * 1.8);

  // On the picture they enlarge it, and one finger moves what is enlarged.
  const picture = at.picture("Door");
  const whole = await picture.boundingBox();
  await fingers.pinch(picture, 60, 180);
  const close = await picture.boundingBox();
  expect((close?.width ?? 0) / (whole?.width ?? 1)).toBeCloseTo(3, 1);
  await fingers.drag(picture.locator(".."), 40);
  expect(((await picture.boundingBox())?.x ?? 0) - (close?.x ?? 0)).toBeCloseTo(40, 0);
  await person.page.getByRole("button", { name: startOf("lens.whole-of") }).click();
  expect(await picture.boundingBox()).toEqual(whole);
});
