// The tools of these tests, seen noticing what they are for.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { faultsOfAccess } from "./harness/axe.ts";
import { Footage, synthetic } from "./harness/camera.ts";
import { leaked } from "./harness/eavesdropper.ts";
import { Gateway } from "./harness/gateway.ts";
import { Stage } from "./harness/stage.ts";
import { stampOf } from "./harness/stamp.ts";
import { type Engine, Visitor } from "./harness/visitor.ts";
import { until } from "./harness/wait.ts";

const ICON = '<link rel="icon" href="/icon.js">';
const HEAD = `<!doctype html><html lang="en"><head><title>x</title>${ICON}`;

/** Draws a stamp as the synthetic camera does, with a check that fits. */
const DRAW = `
const canvas = document.querySelector("canvas");
const bytes = new DataView(new ArrayBuffer(14));
bytes.setUint32(0, 7);
bytes.setBigUint64(4, BigInt(Date.now() - 100));
let check = 0xffff;
for (let at = 0; at < 12; at += 1) {
  check ^= bytes.getUint8(at) << 8;
  for (let bit = 0; bit < 8; bit += 1) check = (check & 0x8000 ? (check << 1) ^ 0x1021 : check << 1) & 0xffff;
}
bytes.setUint16(12, check);
const context = canvas.getContext("2d");
for (let bit = 0; bit < 112; bit += 1) {
  const light = (bytes.getUint8(bit >> 3) >> (7 - (bit & 7))) & 1;
  context.fillStyle = light ? "rgb(208 208 208)" : "rgb(48 48 48)";
  context.fillRect(40 + (bit % 28) * 20, 300 + Math.floor(bit / 28) * 12, 20, 12);
}`;

const PAGES = {
  "/": `${HEAD}</head><body><main><h1>Fine</h1></main></body></html>`,
  "/icon.js": "",
  "/inline": `${HEAD}</head><body><h1 style="color:red">Inline</h1></body></html>`,
  "/abroad": `${HEAD}<script src="/abroad.js"></script></head><body><main><h1>x</h1></main></body></html>`,
  "/abroad.js": 'fetch("http://127.0.0.1:9/x").catch(() => undefined);',
  "/throws": `${HEAD}<script src="/throws.js"></script></head><body><main><h1>x</h1></main></body></html>`,
  "/throws.js": 'throw new Error("thrown on purpose");',
  "/unlabelled": `${HEAD}</head><body><main><h1>x</h1><button></button></main></body></html>`,
  "/stamp": `${HEAD}</head><body><main><h1>x</h1><canvas width="640" height="360"></canvas></main><script src="/stamp.js"></script></body></html>`,
  "/stamp.js": DRAW,
};

let stage: Stage;

beforeAll(async () => {
  stage = await Stage.open(PAGES);
});

afterAll(() => stage.close());

describe.each<Engine>(["chromium", "firefox"])("in %s", (engine) => {
  const enter = (): Promise<Visitor> => Visitor.enter(stage.origin, { engine });

  test("a page without faults is fine", async () => {
    const visitor = await enter();
    await visitor.go("/");
    expect(await faultsOfAccess(visitor.page)).toEqual([]);
    expect(visitor.witness.faults).toEqual([]);
  });

  test.each([
    ["/inline", /policy/i],
    ["/abroad", /policy.*connect-src/],
    ["/throws", /thrown on purpose/],
  ])("the witness sees %s", async (path, pattern) => {
    const visitor = await enter();
    await visitor.go(path);
    await until("a report", () => visitor.witness.faults.some((fault) => pattern.test(fault)));
    visitor.witness.expect(/./);
  });

  test("the witness sees a request to another origin", async () => {
    const visitor = await enter();
    await visitor.page.goto(stage.origin.replace("localhost", "127.0.0.1"));
    expect(visitor.witness.faults.join()).toContain("request to another origin");
    visitor.witness.expect(/another origin/);
  });

  test("a fault of access is found", async () => {
    const visitor = await enter();
    await visitor.go("/unlabelled");
    expect((await faultsOfAccess(visitor.page)).join()).toContain("button-name");
  });

  test("a stamp is read from a canvas", async () => {
    const visitor = await enter();
    await visitor.go("/stamp");
    const stamp = await stampOf(visitor.page.locator("canvas"));
    expect(stamp).toMatchObject({ frame: 7, width: 640, height: 360 });
    expect(stamp?.ageMs).toBeGreaterThanOrEqual(99);
    expect(stamp?.ageMs).toBeLessThan(5_000);
  });
});

test.each(["prf", "plain"] as const)("an authenticator (%s) makes a passkey", async (kind) => {
  const visitor = await Visitor.enter(stage.origin, { passkeys: kind });
  await visitor.go("/");
  const prf = await visitor.page.evaluate(async () => {
    const made = (await navigator.credentials.create({
      publicKey: {
        challenge: new Uint8Array(32),
        rp: { id: "localhost", name: "x" },
        user: { id: new Uint8Array(16), name: "x", displayName: "x" },
        pubKeyCredParams: [{ type: "public-key", alg: -7 }],
        authenticatorSelection: { residentKey: "required", userVerification: "required" },
        extensions: { prf: { eval: { first: new Uint8Array(32) } } },
      },
    })) as PublicKeyCredential;
    return made.getClientExtensionResults().prf?.enabled;
  });
  expect(prf ?? false).toBe(kind === "prf");
  expect(await visitor.authenticator.passkeys()).toHaveLength(1);
});

describe("an eavesdropper", () => {
  const SECRET = "Olivia?>ÿ";

  test.each(["", "x", "xy"])("hears a secret after %j in every disguise", (before) => {
    const said = Buffer.from(`${before}${SECRET} and more`);
    const disguises = (["utf8", "hex", "base64", "base64url"] as const).map((as) =>
      said.toString(as),
    );
    for (const disguise of [...disguises, said.toString("hex").toUpperCase()]) {
      expect(leaked(Buffer.from(disguise), [SECRET, "someone else"]), disguise).toEqual([SECRET]);
    }
  });

  test("does not take three characters, which noise has too, for a secret", () => {
    const whole = Buffer.from("Olivia").toString("base64");
    const parts = [...whole].map((_, at) => whole.slice(at, at + 3));
    expect(leaked(Buffer.from(parts.join(".")), ["Olivia"])).toEqual([]);
    expect(() => leaked(Buffer.from("noise"), ["Livia"])).toThrow("Livia is too short");
  });
});

test("a gateway starts, shows its claim link, and starts again at its port", async () => {
  const footage = await Footage.start("street264");
  const gateway = await Gateway.start({ cameras: [synthetic({ fps: 10 }), footage.url] });
  try {
    const link = new URL(await gateway.claimLink());
    expect(link.origin).toBe(gateway.origin);
    expect(link.pathname).toBe("/claim");
    const { port } = gateway;
    await gateway.restart();
    expect(gateway.port).toBe(port);
  } finally {
    await gateway.end();
    await footage.end();
  }
});
