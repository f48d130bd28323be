// A person at a browser: a profile of its own, one page, perhaps an authenticator, and a witness who reports what no test may
// see. It leaves when the test ends, which fails the test if the witness saw anything.

import { join } from "node:path";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, onTestFinished } from "vitest";
import { Authenticator } from "./authenticator.ts";
import { launchChromium } from "./chromium.ts";
import { launchFirefox } from "./firefox.ts";
import { otherApp, serveOtherApp } from "./other-app.ts";
import { leftovers } from "./place.ts";
import { keepSaved } from "./saved.ts";
import { Witness } from "./witness.ts";

export type Engine = "chromium" | "firefox";

export interface Device {
  readonly engine?: Engine;
  /** What the device's authenticator can do; without it there is none. Firefox never has one. */
  readonly passkeys?: "prf" | "plain";
  readonly width?: number;
  readonly height?: number;
  readonly dark?: boolean;
  readonly reducedMotion?: boolean;
  readonly locale?: string;
  readonly zone?: string;
  /** Pixels of the screen for one of the page. */
  readonly density?: number;
}

const browsers = new Map<Engine, Promise<Browser>>();

const { BARTIZAN_HEADED } = process.env;

export const headed = BARTIZAN_HEADED === "1";

/** The running browser of this engine; one for all tests of a file. */
export function browser(engine: Engine): Promise<Browser> {
  const launch = engine === "firefox" ? launchFirefox : launchChromium;
  const found = browsers.get(engine) ?? launch(!headed);
  browsers.set(engine, found);
  return found;
}

/** Ends all browsers that this process started. */
export async function endBrowsers(): Promise<void> {
  const started = [...browsers.values()];
  browsers.clear();
  for (const launch of started) {
    await (await launch).close();
  }
}

afterAll(endBrowsers);

export class Visitor {
  readonly context: BrowserContext;
  readonly page: Page;
  readonly witness: Witness;
  readonly origin: string;
  readonly #authenticator: Authenticator | undefined;

  private constructor(
    page: Page,
    witness: Witness,
    origin: string,
    authenticator: Authenticator | undefined,
  ) {
    this.context = page.context();
    this.page = page;
    this.witness = witness;
    this.origin = origin;
    this.#authenticator = authenticator;
  }

  /** Sits down at a fresh device that knows nothing yet. */
  static async enter(origin: string, device: Device = {}): Promise<Visitor> {
    const context = await newContext(await browser(device.engine ?? "chromium"), device);
    const visitor = await Visitor.in(context, origin, device);
    onTestFinished(async ({ task }) => {
      if (task.result?.state === "fail") {
        await visitor.#leaveTraces();
      }
      await visitor.leave();
    });
    return visitor;
  }

  /** As [`enter`], in a profile that exists. The caller ends it. */
  static async in(context: BrowserContext, origin: string, device: Device = {}): Promise<Visitor> {
    context.setDefaultTimeout(15_000);
    const witness = await Witness.watch(context, [origin]);
    await serveOtherApp(context, origin);
    await keepSaved(context);
    const page = await context.newPage();
    const kind = device.engine === "firefox" ? undefined : device.passkeys;
    const authenticator = kind && (await Authenticator.plug(page, { prf: kind === "prf" }));
    return new Visitor(page, witness, origin, authenticator);
  }

  get authenticator(): Authenticator {
    if (!this.#authenticator) {
      throw new Error("this device has no authenticator");
    }
    return this.#authenticator;
  }

  /** Goes to a place of the app. */
  async go(path: string): Promise<void> {
    await this.page.goto(new URL(path, this.origin).href);
  }

  /** The path of the address. */
  get path(): string {
    return new URL(this.page.url()).pathname;
  }

  /** Gets up. Everything that the witness saw becomes an error. */
  async leave(): Promise<void> {
    await this.context.close();
    const { faults } = this.witness;
    if (faults.length > 0) {
      throw new Error(`the witness saw:\n${faults.join("\n")}`);
    }
  }

  async #leaveTraces(): Promise<void> {
    // Taking a picture puts styles into the page, which its policy refuses.
    this.witness.close();
    const name = `failed-${Date.now()}`;
    const path = join(leftovers(), `${name}.png`);
    await this.page.screenshot({ path, caret: "initial" }).catch(() => undefined);
    const text = await this.page
      .locator("body")
      .ariaSnapshot()
      .catch(() => "");
    const traces = this.witness.traces.join("\n");
    process.stderr.write(`${this.page.url()} (${name}.png)\n${text}\n${traces}\n`);
  }
}

/** A fresh profile on such a device. */
export async function newContext(browser: Browser, device: Device): Promise<BrowserContext> {
  const { engine = "chromium", width = 1440, height = 900, density = 1 } = device;
  return browser.newContext({
    viewport: { width, height },
    deviceScaleFactor: density,
    locale: device.locale ?? "en-GB",
    timezoneId: device.zone ?? "Europe/Berlin",
    acceptDownloads: true,
    ignoreHTTPSErrors: false,
    ...(otherApp && { serviceWorkers: "block" }),
    ...(engine === "chromium" && {
      permissions: ["clipboard-read", "clipboard-write"],
      colorScheme: device.dark ? "dark" : "light",
      reducedMotion: device.reducedMotion ? "reduce" : "no-preference",
      isMobile: width < 600,
      hasTouch: width < 600,
    }),
  });
}
