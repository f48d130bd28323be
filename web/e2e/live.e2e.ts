// Live pictures: the grid and the large picture by keyboard, sound, snapshots, lost links, tiles that nobody sees, codecs that
// a browser lacks, and the browser's own player where nothing else is there.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { faultsOfAccess } from "./harness/axe.ts";
import { Footage, synthetic } from "./harness/camera.ts";
import { Household } from "./harness/household.ts";
import { Person } from "./harness/person.ts";
import { moves } from "./harness/picture.ts";
import { savedBy } from "./harness/saved.ts";
import { stampOf } from "./harness/stamp.ts";
import { type Device, type Engine, Visitor } from "./harness/visitor.ts";
import { until } from "./harness/wait.ts";
import { startOf, text } from "./harness/words.ts";

const SMALL = { width: 320, height: 180, fps: 5, gop: "4s" };
const LARGE = { width: 640, height: 360, fps: 10, gop: "10s" };
const NAMES = ["Attic", "Back gate", "Cellar", "Door"] as const;

let household: Household;

beforeAll(async () => {
  const cameras = NAMES.map((name, seed) => ({
    name,
    main: synthetic({ ...LARGE, seed, audio: name === "Attic" }),
    sub: synthetic({ ...SMALL, seed }),
  }));
  household = await Household.open(cameras);
});

afterAll(() => household.end());

/** Signed in at the live page. */
async function watching(device: Device = {}, of = household): Promise<Person> {
  const visitor = await Visitor.enter(of.gateway.origin, device);
  // Firefox reports each WebSocket that a page leaves behind when it goes.
  if (device.engine === "firefox") visitor.witness.expect(/was interrupted while the page was/);
  const person = new Person(visitor);
  await person.signInWithWords(of.words, "none", "/");
  return person;
}

const phaseOf = (person: Person, name: string) => {
  const picture = person.page.locator("[data-phase]", { has: person.live(name) });
  return picture.getAttribute("data-phase");
};

const becomes = (person: Person, name: string, phase: string) =>
  until(`${name} to be ${phase}`, async () => (await phaseOf(person, name)) === phase);

/** Waits until the picture of `name` is so many pixels wide, and of now. */
const isWide = (person: Person, name: string, width: number) =>
  until("a picture of that size", async () => {
    const stamp = await stampOf(person.live(name));
    return stamp?.width === width && stamp.ageMs < 2_000;
  });

describe.each<Engine>(["chromium", "firefox"])("in %s", (engine) => {
  test("the grid shows all cameras from their sub streams, and keys work it", async () => {
    const person = await watching({ engine });
    const { page } = person;
    for (const name of NAMES) await becomes(person, name, "live");
    await moves(person.live("Door"));
    await isWide(person, "Door", 320);
    expect(await faultsOfAccess(page)).toEqual([]);
    const tile = (name: string) => page.getByRole("link", { name: text("live.open", { name }) });
    await tile("Attic").focus();
    await page.keyboard.press("ArrowRight");
    expect(await tile("Back gate").evaluate((link) => link === document.activeElement)).toBe(true);
    await page.keyboard.press("ArrowDown");
    expect(await tile("Door").evaluate((link) => link === document.activeElement)).toBe(true);
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Door", level: 1 }).waitFor();
    await isWide(person, "Door", 640);
    await page.keyboard.press("d");
    await page.getByText(text("live.latency"), { exact: true }).waitFor();
    expect(await faultsOfAccess(page)).toEqual([]);
    await page.keyboard.press("ArrowRight");
    await page.getByRole("heading", { name: "Attic", level: 1 }).waitFor();
    await page.keyboard.press("Escape");
    await tile("Attic").waitFor();
  });

  test("sound is off until somebody turns it on", async () => {
    const person = await watching({ engine });
    await person.openLarge("Attic");
    await person.button("live.sound-on").click();
    await person.button("live.sound-off").waitFor();
    await moves(person.live("Attic"), 10);
    await person.page.keyboard.press("m");
    await person.button("live.sound-on").waitFor();
  });

  test("a snapshot has all pixels, and its name says what and when", async () => {
    const folder = mkdtempSync(join(tmpdir(), "bartizan-e2e-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const person = await watching({ engine });
    await person.openLarge("Cellar");
    await isWide(person, "Cellar", 640);
    const press = () => person.page.keyboard.press("s");
    const file = await savedBy(person.page, folder, press);
    expect(file).toMatch(/Cellar \d{4}-\d\d-\d\d \d\d\.\d\d\.\d\d\.png$/);
    const png = readFileSync(file);
    expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([640, 360]);
  });

  test("a large picture is whole on the screen, and can be enlarged", async () => {
    const own = await Household.open([
      { name: "Porch", main: synthetic({ width: 480, height: 640, fps: 10, gop: "2s" }) },
    ]);
    onTestFinished(() => own.end());
    const person = await watching({ engine }, own);
    const { page } = person;
    await person.openLarge("Porch");
    await becomes(person, "Porch", "live");
    const picture = person.live("Porch");
    const whole = await until("a tall picture", async () => {
      const box = await picture.boundingBox();
      return box && box.height > box.width && box;
    });
    expect(whole.width / whole.height).toBeCloseTo(3 / 4, 1);
    // Its controls are on the screen, too.
    const controls = await page.getByRole("toolbar").boundingBox();
    expect((controls?.y ?? 900) + (controls?.height ?? 0)).toBeLessThanOrEqual(900);
    await picture.dblclick({ position: { x: 5, y: 5 } });
    const close = await picture.boundingBox();
    expect((close?.width ?? 0) / whole.width).toBeCloseTo(2.5, 1);
    await page.keyboard.press("Shift+ArrowRight");
    expect((close?.x ?? 0) - ((await picture.boundingBox())?.x ?? 0)).toBeGreaterThan(20);
    expect(await faultsOfAccess(page)).toEqual([]);
    await page.keyboard.press("z");
    expect(await picture.boundingBox()).toEqual(whole);
  });

  test("the browser's own player shows pictures where nothing else can", async () => {
    const person = await watching({ engine });
    await person.page.evaluate(() => sessionStorage.setItem("bartizan-player", "mse"));
    await person.page.reload();
    await person.signInWithWords(household.words, "none", "/");
    const video = person.page.getByRole("img", { name: text("live.picture", { name: "Door" }) });
    await until("a video", () => video.evaluate((element) => element instanceof HTMLVideoElement));
    await moves(video, 10);
  });

  test("a device that is removed while it watches is outside within a moment", async () => {
    const person = await watching({ engine });
    const { page, visitor } = person;
    await person.openLarge("Cellar");
    await becomes(person, "Cellar", "live");
    visitor.witness.expect(/status of 401/, /WebSocket/);
    // What the page asks by itself now and then is held up: its worker is the first to hear of it.
    await page.route(/\/api\/v1\/(cameras|site)$/, () => undefined);
    await household.removeNewest();
    const way = page.getByText(text("fault.signed-out.do"));
    await until("the way in", () => way.isVisible(), 3_000);
    expect(await page.locator("canvas").count()).toBe(0);
  });

  test("a lost gateway leaves the last picture with its age, and comes back by itself", async () => {
    const own = await Household.open([{ name: "Yard", main: synthetic(LARGE) }]);
    onTestFinished(() => own.end());
    const person = await watching({ engine }, own);
    await person.openLarge("Yard");
    await becomes(person, "Yard", "live");
    person.visitor.witness.expect(/ERR_|NetworkError|Failed to load|can’t establish|WebSocket/);
    // The browser looks for a newer service worker whenever it likes.
    person.visitor.witness.expect(/fetching the script/);
    await own.gateway.stop();
    await becomes(person, "Yard", "lost");
    await person.page.getByText(startOf("live.lost-age")).waitFor();
    // Firefox gives no program what a worker's canvas showed last.
    if (engine === "chromium") expect(await stampOf(person.live("Yard"))).not.toBeNull();
    await own.gateway.restart();
    await becomes(person, "Yard", "live");
    await moves(person.live("Yard"));
  });
});

test("tiles that nobody sees let go, and are back within a moment", async () => {
  const person = await watching({ width: 390, height: 600 });
  await becomes(person, "Attic", "live");
  await becomes(person, "Door", "paused");
  await person.live("Door").scrollIntoViewIfNeeded();
  await becomes(person, "Door", "live");
  await becomes(person, "Attic", "paused");
});

test("a browser without H.265 says so, and shows the smaller stream if there is one", async () => {
  const footage = await Footage.start("street265");
  onTestFinished(() => footage.end());
  const own = await Household.open([
    { name: "Both", main: footage.url, sub: synthetic(SMALL) },
    { name: "Only", main: footage.url },
  ]);
  onTestFinished(() => own.end());
  const person = await watching({}, own);
  const said = person.page.getByText(text("live.unsupported", { codec: "H.265" })).first();
  await said.waitFor();
  await person.openLarge("Both");
  await moves(person.live("Both"));
  await person.page.getByText(text("live.instead", { codec: "H.265" })).waitFor();
});
