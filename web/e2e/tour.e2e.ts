// The whole way of an owner through the app, as it is meant to be gone: claim, live, recordings, export, lock, a second device,
// and its removal. By pointer and by keyboard alone, with and without PRF, with a drawn camera and with real footage.

import { describe, expect, onTestFinished, test } from "vitest";
import { Footage, synthetic } from "./harness/camera.ts";
import { Gateway } from "./harness/gateway.ts";
import type { Means } from "./harness/hand.ts";
import { CAMERA, exportAndJudge, Owner } from "./harness/owner.ts";
import { Person } from "./harness/person.ts";
import { moves } from "./harness/picture.ts";
import { type Device, Visitor } from "./harness/visitor.ts";
import { text } from "./harness/words.ts";

interface Tour {
  readonly device: Device;
  readonly means: Means;
  readonly source: "drawn" | "footage";
}

async function cameraOf(source: Tour["source"]): Promise<string> {
  if (source === "drawn") {
    return synthetic({ width: 640, height: 360, fps: 10, audio: true });
  }
  const footage = await Footage.start("street264", ["--audio", "aac"]);
  onTestFinished(() => footage.end());
  return footage.url;
}

/** A second device joins, watches, and is removed; from then on it is outside. */
async function secondDevice(owner: Owner, { device, means }: Tour): Promise<void> {
  const link = await owner.invite();
  await owner.screen("devices");
  const second = new Person(await Visitor.enter(owner.visitor.origin, device), means);
  await second.join(link, "Phone", device.passkeys ? "passkey" : "none");
  await moves(second.live(CAMERA));
  second.visitor.witness.expect(/status of 40[13]/, /WebSocket/);
  await owner.removeDevice("Phone");
  // Pictures end at once; whatever is asked for next shows the way in.
  const way = second.page.getByText(text("fault.signed-out.do"));
  await second.page.getByText(text("live.signed-out")).or(way).first().waitFor();
  if (!(await way.isVisible())) {
    await second.visit("nav.cameras").catch(() => undefined);
  }
  await way.waitFor();
  expect(await second.page.locator("canvas").count()).toBe(0);
}

const prf: Device = { engine: "chromium", passkeys: "prf" };
const plain: Device = { engine: "chromium", passkeys: "plain" };
const firefox: Device = { engine: "firefox" };

describe.each<[string, Tour]>([
  [
    "Chromium with PRF, by pointer, drawn camera",
    { device: prf, means: "pointer", source: "drawn" },
  ],
  [
    "Chromium without PRF, by keyboard, drawn camera",
    { device: plain, means: "keyboard", source: "drawn" },
  ],
  [
    "Chromium with PRF, by keyboard, real footage",
    { device: prf, means: "keyboard", source: "footage" },
  ],
  [
    "Chromium without PRF, by pointer, real footage",
    { device: plain, means: "pointer", source: "footage" },
  ],
  ["Firefox, by pointer, drawn camera", { device: firefox, means: "pointer", source: "drawn" }],
  ["Firefox, by keyboard, real footage", { device: firefox, means: "keyboard", source: "footage" }],
])("%s", (_name, tour) => {
  test("an owner claims, watches, exports, locks, invites and removes", async () => {
    const gateway = await Gateway.start({ cameras: [await cameraOf(tour.source)] });
    onTestFinished(() => gateway.end());
    const owner = new Owner(await Visitor.enter(gateway.origin, tour.device), tour.means);
    await owner.claim(await gateway.claimLink(), tour.device.passkeys ? "passkey" : "none");
    await owner.addSuggested();
    await owner.watchLive();
    const watcher = await owner.watchRecorded();
    await exportAndJudge(watcher, owner);
    if (tour.device.passkeys) {
      await owner.lock();
      await owner.unlock();
    }
    await secondDevice(owner, tour);
  });
});
