// A phone at home, on a network of its own with the gateway: what it gets before it trusts the site's authority, and the whole
// way through the app afterwards, under the gateway's name and over TLS.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { faultsOfAccess } from "./harness/axe.ts";
import { synthetic } from "./harness/camera.ts";
import { Eavesdropper, leaked } from "./harness/eavesdropper.ts";
import { Gateway } from "./harness/gateway.ts";
import { Home } from "./harness/home.ts";
import { CAMERA, exportAndJudge, Owner } from "./harness/owner.ts";
import { moves } from "./harness/picture.ts";
import { type Device, newContext, Visitor } from "./harness/visitor.ts";

const NAME = "bartizan.local";
const CANARY = "Kellertreppe-Nord-4711";

let home: Home;
let folder: string;

/** Networks are made by root alone. */
const able = process.getuid?.() === 0;

beforeAll(() => {
  if (!able) {
    return;
  }
  home = Home.open();
  folder = mkdtempSync(join(tmpdir(), "bartizan-e2e-phone-"));
});

afterAll(() => {
  if (!able) {
    return;
  }
  home.close();
  rmSync(folder, { recursive: true, force: true });
});

async function gatewayAtHome(): Promise<Gateway> {
  const camera = synthetic({ width: 640, height: 360, fps: 10, canary: CANARY });
  const gateway = await Gateway.start({
    within: home.within,
    listen: "0.0.0.0:8440",
    words: ["--name", NAME],
    cameras: [camera],
  });
  onTestFinished(() => gateway.end());
  return gateway;
}

const guide = `http://${NAME}:8441`;

/** The authority's certificate as the guide gives it, in a file. */
function authority(): string {
  const file = join(folder, "authority.crt");
  const host = `${NAME}:8441:${home.address}`;
  home.phoneSays(
    "curl",
    "-sS",
    "--fail",
    "--resolve",
    host,
    "-o",
    file,
    `${guide}/bartizan-ca.crt`,
  );
  return file;
}

/** Somebody with the phone. */
async function visitor(gateway: Gateway, device: Device, trusted?: string): Promise<Visitor> {
  const browser = await home.browse(NAME, trusted);
  onTestFinished(() => browser.close());
  const visitor = await Visitor.in(await newContext(browser, device), gateway.origin, device);
  onTestFinished(() => visitor.leave());
  return visitor;
}

const phone: Device = { passkeys: "prf", width: 390, height: 844 };

describe.skipIf(!able)("at home", () => {
  test("a phone that does not trust the gateway gets the guide, and nothing else", async () => {
    const gateway = await gatewayAtHome();
    expect(gateway.origin).toBe(`https://${NAME}:8440`);
    const { page, witness } = await visitor(gateway, phone);
    witness.expect(/./);
    const answer = await page.goto(guide);
    expect(answer?.status()).toBe(200);
    expect(await faultsOfAccess(page)).toEqual([]);
    await page.locator("#state.bad").waitFor();
    for (const path of [
      "/api/v1/health",
      "/api/v1/claim/offer",
      "/claim",
      "/index.html",
      "/sw.js",
    ]) {
      expect((await page.goto(guide + path))?.status(), path).toBe(404);
    }
    await expect(page.goto(gateway.origin)).rejects.toThrow(/ERR_CERT_AUTHORITY_INVALID/);
  });

  test("a phone that trusts the gateway goes the whole way", async () => {
    const gateway = await gatewayAtHome();
    const someone = await visitor(gateway, phone, authority());
    someone.witness.expect(new RegExp(`another origin: ${guide}/`));
    await someone.page.goto(guide);
    await someone.page.locator("#state.good").waitFor();
    const owner = new Owner(someone);
    await owner.claim(await gateway.claimLink(), "passkey");
    await owner.addSuggested();
    await owner.watchLive();
    await exportAndJudge(await owner.watchRecorded(), owner);
    await owner.lock();
    await owner.unlock();
    const link = await owner.invite();
    expect(new URL(link).origin).toBe(gateway.origin);
    const second = new Owner(await visitor(gateway, phone, authority()));
    await second.join(link, "Tablet", "passkey");
    await moves(second.live(CAMERA));
  });

  test("m_8_the_home_network_hears_nothing_of_a_session_in_chromium", async () => {
    const gateway = await gatewayAtHome();
    expect(gateway.origin).toMatch(/^https:/);
    const eavesdropper = await Eavesdropper.listen(home.within, folder);
    const owner = new Owner(await visitor(gateway, phone, authority()));
    const words = await owner.claim(await gateway.claimLink(), "passkey");
    await owner.addSuggested();
    await moves(owner.live(CAMERA), 20);
    const heard = await eavesdropper.heard();
    expect(heard.length).toBeGreaterThan(200_000);
    const secrets = [CANARY, CAMERA, "Olivia", "synthetic:", words.slice(0, 3).join(" ")];
    // What the phone asks for in the clear before it trusts the gateway is heard, so the rest could be.
    const clear = "bartizan-ca.crt";
    expect(leaked(heard, [clear, ...secrets])).toEqual([clear]);
  });
});
