// Pages of strangers in the owner's own browser: they reach the gateway's port, and nothing behind it.

import type { BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { launchChromium } from "./harness/chromium.ts";
import { Gateway } from "./harness/gateway.ts";
import { Stage } from "./harness/stage.ts";
import { browser, type Engine, headed } from "./harness/visitor.ts";
import { until } from "./harness/wait.ts";

let gateway: Gateway;
let stage: Stage;

beforeAll(async () => {
  const page = "<!doctype html><title>A stranger</title><body></body>";
  stage = await Stage.open({ "/": page, "/icon.js": "" }, null);
  gateway = await Gateway.start();
});

afterAll(async () => {
  await gateway.end();
  await stage.close();
});

/** How the gateway answered, by address; browsers hide from the page, and often from the driver, what a stranger gets. */
type Answers = Map<string, number>;

async function answersTo(page: Page, engine: Engine): Promise<Answers> {
  const answers: Answers = new Map();
  if (engine === "firefox") {
    page.on("response", (response) => answers.set(response.url(), response.status()));
    return answers;
  }
  const session = await page.context().newCDPSession(page);
  const addresses = new Map<string, string>();
  const statuses = new Map<string, number>();
  // Request and answer are told by two processes, in either order.
  const join = (id: string): void => {
    const [address, status] = [addresses.get(id), statuses.get(id)];
    if (address !== undefined && status !== undefined) {
      answers.set(address, status);
    }
  };
  const asked = (requestId: string, url: string): void => {
    addresses.set(requestId, url);
    join(requestId);
  };
  session.on("Network.requestWillBeSent", ({ requestId, request }) =>
    asked(requestId, request.url),
  );
  session.on("Network.webSocketFrameError", ({ requestId, errorMessage }) => {
    statuses.set(requestId, Number(/Unexpected response code: (\d+)/.exec(errorMessage)?.[1]));
    join(requestId);
  });
  session.on("Network.webSocketCreated", ({ requestId, url }) => asked(requestId, url));
  session.on("Network.responseReceivedExtraInfo", ({ requestId, statusCode }) => {
    statuses.set(requestId, statusCode);
    join(requestId);
  });
  await session.send("Network.enable");
  return answers;
}

/** Opens a page of another site: the same machine under another name, which is all that tells origins apart. */
async function stranger(context: BrowserContext): Promise<Page> {
  const page = await context.newPage();
  await page.goto(stage.origin.replace("localhost", "127.0.0.1"));
  return page;
}

/** Lets the page ask, and tells whether it could read an answer. */
function reads(page: Page, address: string, options: RequestInit): Promise<boolean> {
  return page.evaluate(
    async ([address, options]) => {
      try {
        return (await fetch(address, options)).type !== "opaque";
      } catch {
        return false;
      }
    },
    [address, options] as const,
  );
}

async function strangersAreRefused(engine: Engine): Promise<void> {
  const context = await (await browser(engine)).newContext();
  const page = await stranger(context);
  const answers = await answersTo(page, engine);
  const blind: RequestInit = { mode: "no-cors", credentials: "include" };
  const claim: RequestInit = { ...blind, method: "POST", body: JSON.stringify({ token: "AAAA" }) };
  const asked: readonly [string, RequestInit][] = [
    ["/api/v1/health", { mode: "cors" }],
    ["/api/v1/site", blind],
    ["/api/v1/claim", claim],
    ["/api/v1/claim/offer", claim],
    ["/api/v1/sign-in/challenge", claim],
  ];
  for (const [path, options] of asked) {
    expect(await reads(page, gateway.origin + path, options)).toBe(false);
  }
  await until("an answer to each", () =>
    asked.every(([path]) => answers.has(gateway.origin + path)),
  );
  const refused = asked.map(([path]) => [path, answers.get(gateway.origin + path)]);
  expect(refused).toEqual(asked.map(([path]) => [path, 403]));
  await context.close();
}

test("l_6_no_request_of_another_sites_page_is_admitted_in_chromium", () =>
  strangersAreRefused("chromium"));

test("l_6_no_request_of_another_sites_page_is_admitted_in_firefox", () =>
  strangersAreRefused("firefox"));

test("l_6_another_sites_page_opens_no_socket_in_chromium", async () => {
  const context = await (await browser("chromium")).newContext();
  const page = await stranger(context);
  const answers = await answersTo(page, "chromium");
  const address = `${gateway.origin.replace("http", "ws")}/api/v1/live?ticket=${"A".repeat(43)}`;
  const opened = await page.evaluate(
    (address) =>
      new Promise((resolve) => {
        const socket = new WebSocket(address);
        socket.addEventListener("open", () => resolve(true));
        socket.addEventListener("error", () => resolve(false));
      }),
    address,
  );
  expect(opened).toBe(false);
  await until("an answer", () => answers.has(address));
  expect(answers.get(address)).toBe(403);
  await context.close();
});

test("l_6_a_name_that_was_rebound_to_the_gateway_is_misdirected_in_chromium", async () => {
  const rules = "--host-resolver-rules=MAP rebound.example 127.0.0.1";
  const rebound = await launchChromium(!headed, [rules]);
  try {
    const page = await rebound.newPage();
    const answer = await page.goto(`http://rebound.example:${gateway.port}/`);
    expect(answer?.status()).toBe(421);
    // What the page then asks is its own origin's business for the browser, and still none of the gateway's.
    const status = await page.evaluate(async () => (await fetch("/api/v1/health")).status);
    expect(status).toBe(421);
  } finally {
    await rebound.close();
  }
});

test("no other site shows the app in a frame", async () => {
  const context = await (await browser("chromium")).newContext();
  const page = await stranger(context);
  await page.evaluate((address) => {
    const frame = document.createElement("iframe");
    frame.src = address;
    document.body.append(frame);
  }, `${gateway.origin}/`);
  const frame = await until("the frame", () => page.frames()[1]);
  await until("an end of loading", () => frame.url() !== "" && frame.url() !== "about:blank");
  expect(await frame.locator("#app").count()).toBe(0);
  expect(new URL(frame.url()).protocol).toBe("chrome-error:");
  await context.close();
});
