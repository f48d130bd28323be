// Every screen of the app, on a phone and on a desktop, in light and in dark, for the owner's guide; and axe's judgement of each.

import { mkdirSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { faultsOfAccess } from "../harness/axe.ts";
import { Footage, synthetic } from "../harness/camera.ts";
import { Gateway } from "../harness/gateway.ts";
import { Household } from "../harness/household.ts";
import { Person } from "../harness/person.ts";
import { moves, shown } from "../harness/picture.ts";
import { repository } from "../harness/place.ts";
import { type Device, Visitor } from "../harness/visitor.ts";
import { pause } from "../harness/wait.ts";
import { Watcher } from "../harness/watcher.ts";
import { startOf, text } from "../harness/words.ts";
import { shoot } from "./shot.ts";

const FOLDER = join(repository, "docs/guide");

/** So that there is something to look back at. */
const RECORDED_MS = 100_000;

let footage: Footage;
let household: Household;
let unclaimed: Gateway;
let guide: string;

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address ? address.port : 0;
}

beforeAll(async () => {
  mkdirSync(FOLDER, { recursive: true });
  footage = await Footage.start("street264", ["--audio", "aac"]);
  const drawn = (label: string, seed: number): string =>
    synthetic({ width: 960, height: 540, fps: 10, label, seed });
  household = await Household.open([
    { name: "Street", main: footage.url },
    { name: "Front door", main: drawn("FRONT DOOR", 1) },
    { name: "Yard", main: drawn("YARD", 2) },
    { name: "Garage", main: drawn("GARAGE", 3) },
  ]);
  const port = await freePort();
  unclaimed = await Gateway.start();
  guide = `http://127.0.0.1:${port}/`;
  trusted = await Gateway.start({ words: ["--tls", "--no-mdns", "--guide", String(port)] });
  await pause(RECORDED_MS);
}, 300_000);

let trusted: Gateway;

afterAll(async () => {
  await Promise.all([household.end(), footage.end(), unclaimed.end(), trusted.end()]);
});

/** Takes pictures of one device. */
class Photographer extends Person {
  readonly #suffix: string;

  constructor(visitor: Visitor, suffix: string) {
    super(visitor);
    this.#suffix = suffix;
  }

  async take(screen: string): Promise<void> {
    // Toasts go, pictures come, and nothing is still on its way in.
    await pause(700);
    await shoot(this.page, join(FOLDER, `${screen}-${this.#suffix}.png`));
    expect(await faultsOfAccess(this.page), screen).toEqual([]);
  }

  /** Before anybody owns the gateway. */
  async claiming(): Promise<void> {
    await this.page.goto(await unclaimed.claimLink());
    await this.button("entry.begin").waitFor();
    await this.take("claim");
    await this.press("entry.begin");
    await this.field("entry.your-name").fill("Olivia");
    await this.take("claim-names");
    await this.press("ui.continue");
    await this.button("entry.words-written").waitFor();
    await this.take("claim-words");
    await this.press("entry.words-written");
    await this.heading("entry.confirm").waitFor();
    await this.take("claim-confirm");
  }

  /** The ways in. */
  async entering(): Promise<void> {
    await this.visitor.go("/sign-in");
    await this.button("entry.sign-in-passkey").waitFor();
    await this.take("sign-in");
    await this.openDetails("entry.by-words");
    await this.field("entry.the-words").fill(household.words);
    await this.press("entry.sign-in-words");
    await this.heading("entry.passkey").waitFor();
    await this.take("passkey");
    await this.press("entry.passkey-make");
    await this.link("nav.live").waitFor();
  }

  async watching(): Promise<void> {
    for (const name of ["Street", "Front door"]) {
      await moves(this.live(name), 3);
    }
    await pause(6_000);
    await this.take("live");
    await this.openLarge("Street");
    await moves(this.live("Street"), 3);
    await pause(5_000);
    await this.take("camera");
    await this.page.getByRole("button", { name: text("live.details") }).click();
    await pause(1_500);
    await this.take("camera-details");
    await this.link("live.back10").click();
    await shown(new Watcher(this).picture("Street"));
    for (let step = 0; step < 5; step += 1) {
      await this.press("timeline.zoom-in");
    }
    await pause(2_000);
    await this.take("playback");
    await this.press("playback.select");
    await this.press("playback.export");
    await this.page.getByRole("dialog").waitFor();
    await this.take("export");
    await this.page
      .getByRole("dialog")
      .getByRole("button", { name: text("ui.cancel") })
      .click();
  }

  async managing(): Promise<void> {
    await this.visit("nav.cameras");
    await this.page.getByRole("link", { name: "Street", exact: true }).waitFor();
    await this.take("cameras");
    await this.page.getByRole("link", { name: "Street", exact: true }).click();
    await shown(this.page.locator("canvas").first());
    await this.take("camera-settings");
    await this.visit("nav.cameras");
    await this.link("cameras.add").first().click();
    await this.field("cameras.address").fill(footage.url);
    await this.take("camera-add");
    await this.press("cameras.test");
    await this.heading("cameras.step-test").waitFor({ timeout: 60_000 });
    await this.take("camera-add-test");
  }

  async settled(): Promise<void> {
    const parts = ["storage", "devices", "appearance", "security", "about"] as const;
    for (const part of parts) {
      await this.visit("nav.settings");
      await this.page.getByRole("link", { name: startOf(`settings.${part}`) }).click();
      await this.page.getByRole("heading", { name: text(`settings.${part}`), level: 1 }).waitFor();
      await this.take(`settings-${part}`);
    }
    await this.visit("nav.settings");
    await this.page.getByRole("link", { name: startOf("settings.devices") }).click();
    await this.press("settings.device-add");
    await this.page.getByRole("img", { name: text("settings.invite-qr") }).waitFor();
    await this.take("invite");
    await this.press("ui.done");
    await this.lock();
    await this.take("lock");
  }
}

const PHONE = { width: 390, height: 844, density: 1.5 };
const DESKTOP = { width: 1440, height: 900, density: 1 };

test.each<[string, Device]>([
  ["390-light", { ...PHONE }],
  ["390-dark", { ...PHONE, dark: true }],
  ["1440-light", { ...DESKTOP }],
  ["1440-dark", { ...DESKTOP, dark: true }],
])("%s", async (suffix, device) => {
  const fresh = await Visitor.enter(unclaimed.origin, device);
  await new Photographer(fresh, suffix).claiming();
  const asked = await Visitor.enter(new URL(guide).origin, device);
  asked.witness.expect(/./);
  await asked.page.goto(guide);
  await new Photographer(asked, suffix).take("trust");
  const owner = await Visitor.enter(household.gateway.origin, { ...device, passkeys: "prf" });
  const person = new Photographer(owner, suffix);
  await person.entering();
  await person.watching();
  await person.managing();
  await person.settled();
});
