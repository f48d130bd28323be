// The whole way of an owner through the app, as it is meant to be gone: claim, live, recordings, export, lock, a second device,
// its name and its removal.

import { expect, onTestFinished } from "vitest";
import { Footage, synthetic } from "./camera.ts";
import { Gateway } from "./gateway.ts";
import type { Means } from "./hand.ts";
import { CAMERA, exportAndJudge, Owner } from "./owner.ts";
import { Person } from "./person.ts";
import { moves } from "./picture.ts";
import { type Device, Visitor } from "./visitor.ts";
import { text } from "./words.ts";

export interface Tour {
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

/** A second device joins, watches, is renamed and removed; from then on it is outside. */
async function secondDevice(owner: Owner, { device, means }: Tour): Promise<void> {
  const link = await owner.invite();
  await owner.screen("devices");
  const second = new Person(await Visitor.enter(owner.visitor.origin, device), means);
  await second.join(link, "Phone", device.passkeys ? "passkey" : "none");
  await moves(second.live(CAMERA));
  second.visitor.witness.expect(/status of 40[13]/, /WebSocket/);
  await owner.renameDevice("Phone", "Old phone");
  await owner.removeDevice("Old phone");
  // Pictures end at once, and the way in is shown without being asked for.
  await second.page.getByText(text("fault.signed-out.do")).waitFor({ timeout: 10_000 });
  expect(await second.page.locator("canvas").count()).toBe(0);
}

/** The way from the claim to the removal of the second device, each with a gateway of its own. */
export async function goThrough(tour: Tour): Promise<void> {
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
}
