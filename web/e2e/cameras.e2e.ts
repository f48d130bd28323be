// Managing cameras: adding one step by step, with what may be wrong; renaming; removing.

import { afterAll, beforeAll, expect, test } from "vitest";
import { faultsOfAccess } from "./harness/axe.ts";
import { Footage, synthetic } from "./harness/camera.ts";
import type { Means } from "./harness/hand.ts";
import { Household } from "./harness/household.ts";
import { Person } from "./harness/person.ts";
import { moves } from "./harness/picture.ts";
import { Visitor } from "./harness/visitor.ts";
import { pause } from "./harness/wait.ts";
import { Watcher } from "./harness/watcher.ts";
import { text } from "./harness/words.ts";

const PASSWORD = "correct-horse-7";

let footage: Footage;
let household: Household;

beforeAll(async () => {
  footage = await Footage.start("street264", ["--user", `viewer:${PASSWORD}`]);
  household = await Household.open([]);
});

afterAll(async () => {
  await household.end();
  await footage.end();
});

async function manager(means: Means): Promise<Person> {
  const person = new Person(await Visitor.enter(household.gateway.origin), means);
  await person.signInWithWords(household.words, "none");
  await person.visit("nav.cameras");
  return person;
}

/** Up to the result of the connection test. */
async function testConnection(person: Person, password: string): Promise<void> {
  await person.hand.write(person.field("cameras.address"), footage.url);
  await person.hand.write(person.field("cameras.user"), "viewer");
  await person.hand.write(
    person.page.getByLabel(text("cameras.password"), { exact: true }),
    password,
  );
  await person.press("cameras.test");
}

test.each<Means>(["pointer", "keyboard"])(
  "a camera is added, renamed and removed (%s)",
  async (means) => {
    const person = await manager(means);
    await person.hand.press(person.link("cameras.add").first());
    await person.heading("cameras.step-source").waitFor();
    expect(await faultsOfAccess(person.page)).toEqual([]);
    await testConnection(person, PASSWORD);
    await person.heading("cameras.step-test").waitFor({ timeout: 60_000 });
    await person.page.getByText("768×576").waitFor();
    await person.press("ui.continue");
    await person.hand.write(person.field("cameras.name"), "Street");
    await person.press("cameras.add");
    const done = text("cameras.step-done", { name: "Street" });
    await person.page.getByRole("heading", { name: done }).waitFor();
    await moves(person.page.locator("canvas"), 5, 30_000);
    expect(await faultsOfAccess(person.page)).toEqual([]);

    await person.hand.press(person.link("ui.done"));
    await person.hand.press(person.page.getByRole("link", { name: "Street", exact: true }));
    await person.hand.write(person.field("cameras.name"), "High street");
    await person.press("ui.save");
    await person.page.getByRole("heading", { name: "High street", level: 1 }).waitFor();
    expect(await faultsOfAccess(person.page)).toEqual([]);

    await person.press("cameras.remove");
    await person.page.getByRole("dialog").waitFor();
    await person.press("cameras.remove-now");
    await person.heading("cameras.none").waitFor();
  },
);

test("a wrong password is said in plain words, and nothing is lost of what was typed", async () => {
  const person = await manager("pointer");
  // The camera refused, which is none of the gateway's own failures.
  person.visitor.witness.expect(/status of 502/, /^answer 502/);
  await person.link("cameras.add").first().click();
  await testConnection(person, "wrong");
  await person.page.getByRole("alert").getByText(text("problem.camera-unauthorized")).waitFor();
  expect(await person.field("cameras.address").inputValue()).toBe(footage.url);
});

test("a small stream is taken away, and added again", async () => {
  const person = await manager("pointer");
  const small = synthetic({ width: 640, height: 360, fps: 5 });
  await household.owner.must("camera", "add", "Door", synthetic(), "--sub", small);
  await person.hand.press(person.page.getByRole("link", { name: "Door", exact: true }));
  await person.heading("cameras.sub").waitFor();

  await person.press("cameras.sub-remove");
  await person.page.getByRole("dialog").waitFor();
  expect(await faultsOfAccess(person.page)).toEqual([]);
  await person.press("cameras.sub-remove-now");
  await person.button("cameras.sub-add").waitFor();
  // The picture goes on from the main stream.
  await person.page.locator("[data-rendition=main]").waitFor({ timeout: 30_000 });
  await moves(person.page.locator("canvas"), 3, 30_000);
  const alone = Date.now();
  await pause(10_000);

  await person.press("cameras.sub-add");
  await person.page.getByLabel(text("cameras.kind")).selectOption("synthetic");
  expect(await faultsOfAccess(person.page)).toEqual([]);
  await person.press("cameras.test-and-save");
  await person.button("cameras.sub-remove").waitFor({ timeout: 60_000 });
  await person.page.locator("[data-rendition=sub]").waitFor({ timeout: 30_000 });

  // The time without it is looked through, too.
  await person.signInWithWords(household.words, "none", `/playback?t=${alone + 8_000}`);
  const at = new Watcher(person);
  const before = await at.still("Door");
  await at.zoomIn();
  await at.drag(160, async () => {
    await at.stamp("Door", ({ captured }) => captured < before.captured - 1_500);
  });
  await household.owner.must("camera", "remove", "Door", "--yes");
});
