// What no test may see, whatever it is about: a Content-Security-Policy report, an error on the console or out of a
// script, a request to anyone but the gateway, an answer that says the gateway itself failed.

import type { BrowserContext, ConsoleMessage, Page, Response } from "playwright-core";

/** Marks the reports that [`report`] prints. */
const MARK = "e2e-policy-violation ";

/**
 * What Firefox says of files that were on their way when their page was left: they have no address any more. A service worker
 * that fails a page that is there is told with the address.
 */
const CUT_OFF = /^Failed to load ‘’\. A ServiceWorker intercepted the request/;

/** Runs in each page before its own scripts. */
function report(mark: string): void {
  document.addEventListener("securitypolicyviolation", (event) => {
    const { violatedDirective, blockedURI, sourceFile, lineNumber, sample } = event;
    // biome-ignore lint/suspicious/noConsole: the console is how the page tells the test.
    console.error(
      mark + JSON.stringify({ violatedDirective, blockedURI, sourceFile, lineNumber, sample }),
    );
  });
}

export class Witness {
  readonly #origins: Set<string>;
  readonly #seen: string[] = [];
  readonly #expected: RegExp[] = [];
  readonly #challenged = new Set<string>();
  readonly #log: string[] = [];
  #closed = false;

  private constructor(origins: readonly string[]) {
    this.#origins = new Set(origins);
  }

  /** Watches everything in `context`; only `origins` may be asked. */
  static async watch(context: BrowserContext, origins: readonly string[]): Promise<Witness> {
    const witness = new Witness(origins);
    context.on("console", (message) => witness.#console(message));
    context.on("weberror", (error) => witness.#error(error.error().message));
    context.on("request", (request) => witness.#address(request.url()));
    context.on("response", (response) => {
      witness.#response(response);
    });
    context.on("page", (page) => witness.#page(page));
    await context.addInitScript(report, MARK);
    return witness;
  }

  #response(response: Response): void {
    this.#log.push(`${response.status()} ${response.request().method()} ${response.url()}`);
    if (response.status() >= 500) {
      this.#note(`answer ${response.status()}: ${response.url()}`);
    }
    // RFC 9449 §8: the gateway asks for a proof over its nonce, and gets one. Chromium calls that an error.
    if (response.headers()["www-authenticate"]?.includes("use_dpop_nonce")) {
      this.#challenged.add(response.url());
    }
  }

  #page(page: Page): void {
    page.on("websocket", (socket) => this.#address(socket.url().replace(/^ws/, "http")));
    page.on("crash", () => this.#note("the page crashed"));
  }

  #error(message: string): void {
    if (!CUT_OFF.test(message)) {
      this.#note(`error: ${message}`);
    }
  }

  #console(message: ConsoleMessage): void {
    if (message.type() === "error") {
      this.#note(`console: ${message.text()} (${message.location().url})`);
    }
  }

  #address(address: string): void {
    const url = new URL(address);
    const local = ["blob:", "data:", "about:"].includes(url.protocol);
    if (!local && !this.#origins.has(url.origin)) {
      this.#note(`request to another origin: ${address}`);
    }
  }

  #note(what: string): void {
    if (!this.#closed) {
      this.#seen.push(what);
    }
  }

  /** Looks away from now on. */
  close(): void {
    this.#closed = true;
  }

  /** The last requests with their answers' statuses, and what was seen: for whoever looks why a test failed. */
  get traces(): readonly string[] {
    return [...this.#log.slice(-30), ...this.#seen];
  }

  /** A test that provokes something says so; Chromium prints every refused request on the console. */
  expect(...patterns: RegExp[]): void {
    this.#expected.push(...patterns);
  }

  /** What was seen and not expected. */
  get faults(): readonly string[] {
    const asked = [...this.#challenged];
    return this.#seen.filter(
      (what) =>
        !this.#expected.some((pattern) => pattern.test(what)) &&
        !asked.some((address) => what.includes("status of 401") && what.endsWith(`(${address})`)),
    );
  }
}
