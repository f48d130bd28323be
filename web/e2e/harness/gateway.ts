// A gateway of its own for a test: a fresh data folder, a free port, ended when the test is over.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Background } from "./background.ts";
import { program } from "./place.ts";

/** Debug builds on a busy machine are slow. */
const START_MS = 60_000;

export interface Settings {
  /** Cameras that are offered to the owner at the claim. */
  readonly cameras?: readonly string[];
  /** Further words of the command line. */
  readonly words?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** `ADDRESS:PORT`; a free port on loopback when absent. */
  readonly listen?: string;
  /** An existing data folder, which stays; a fresh one, which does not, when absent. */
  readonly data?: string;
  /** A command in front of the gateway's own, such as one that enters a namespace. */
  readonly within?: readonly string[];
  /** Another gateway program. */
  readonly program?: string;
}

export class Gateway {
  readonly data: string;
  readonly #folder: string | undefined;
  readonly #settings: Settings;
  #process: Background;
  #ready = "";

  private constructor(settings: Settings) {
    this.#settings = settings;
    this.#folder = settings.data ? undefined : mkdtempSync(join(tmpdir(), "bartizan-e2e-"));
    this.data = settings.data ?? join(this.#folder ?? tmpdir(), "data");
    this.#process = this.#begin(settings.listen ?? "127.0.0.1:0");
  }

  static async start(settings: Settings = {}): Promise<Gateway> {
    const gateway = new Gateway(settings);
    await gateway.#wait();
    return gateway;
  }

  #begin(listen: string): Background {
    const { cameras = [], words = [], env = {}, within = [] } = this.#settings;
    const name = this.#settings.program ?? program("bartizan-gateway");
    const own = ["run", "--data", this.data, "--listen", listen, "--keep-free", "512"];
    const offered = cameras.flatMap((camera) => ["--camera", camera]);
    const [command = name, ...rest] = [...within, name, ...own, ...offered, ...words];
    return new Background(command, rest, { ...env });
  }

  async #wait(): Promise<void> {
    try {
      this.#ready = (await this.#process.line("ready: ", START_MS)).trim();
    } catch (error) {
      await this.end();
      throw error;
    }
  }

  /** The port that it serves. */
  get port(): number {
    return Number(new URL(this.#ready).port);
  }

  /** Its address as it prints it. */
  get ready(): string {
    return this.#ready;
  }

  /** Where a browser on this machine goes: a passkey wants a name, and an address of numbers is none. */
  get origin(): string {
    const url = new URL(this.#ready);
    if (["127.0.0.1", "[::1]"].includes(url.hostname)) {
      url.hostname = "localhost";
    }
    return url.origin;
  }

  /** The claim link below [`origin`](Self.origin), while it has no owner. */
  async claimLink(): Promise<string> {
    const url = new URL((await this.#process.line("claim: ", START_MS)).trim());
    return new URL(`${url.pathname}${url.search}${url.hash}`, this.origin).href;
  }

  /** What it printed and logged. */
  get said(): readonly string[] {
    return this.#process.said;
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** Switches it off, as a power cut for its clients; the data stays. */
  async stop(): Promise<void> {
    await this.#process.stop();
  }

  /** Switches it on again at the same port. */
  async restart(): Promise<void> {
    const address = this.#settings.listen ?? `127.0.0.1:${this.port}`;
    await this.#process.stop();
    this.#process = this.#begin(address);
    await this.#wait();
  }

  /** Ends it and removes its folder. */
  async end(): Promise<void> {
    await this.#process.stop();
    if (this.#folder) {
      rmSync(this.#folder, { recursive: true, force: true });
    }
  }
}
