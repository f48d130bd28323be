// A gateway that has an owner already, for what is not about the claim: the command line claims it, keeps the words, and
// adds the cameras.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { CommandLine } from "./command-line.ts";
import { Gateway, type Settings } from "./gateway.ts";
import { until } from "./wait.ts";

export interface Camera {
  readonly name: string;
  readonly main: string;
  readonly sub?: string;
}

/** How the API shows a camera, as far as it matters here. */
interface Listed {
  readonly name: string;
  readonly streams: readonly { readonly status: { readonly state: string } }[];
}

/** A device as the command line lists it. */
interface Entry {
  readonly id: string;
  readonly addedMs: number;
}

export class Household {
  readonly gateway: Gateway;
  readonly owner: CommandLine;

  private constructor(gateway: Gateway, owner: CommandLine) {
    this.gateway = gateway;
    this.owner = owner;
  }

  /** Starts and claims one, and waits until every camera streams. */
  static async open(cameras: readonly Camera[], settings: Settings = {}): Promise<Household> {
    const gateway = await Gateway.start(settings);
    const household = new Household(gateway, new CommandLine());
    try {
      await household.#furnish(cameras);
      return household;
    } catch (error) {
      await household.end();
      throw new Error(gateway.said.slice(-30).join("\n"), { cause: error });
    }
  }

  async #furnish(cameras: readonly Camera[]): Promise<void> {
    const link = await this.gateway.claimLink();
    const recovery = this.#recovery;
    await this.owner.must("claim", link, "--name", "Olivia", "--recovery-out", recovery);
    for (const { name, main, sub } of cameras) {
      await this.owner.must("camera", "add", name, main, ...(sub ? ["--sub", sub] : []));
    }
    await until("every camera streams", () => this.#allStream(cameras.length), 60_000, 250);
  }

  async #allStream(count: number): Promise<boolean> {
    const { cameras } = (await this.owner.must("camera", "list")) as { cameras?: Listed[] };
    const streams = (cameras ?? []).flatMap((camera) => camera.streams);
    return cameras?.length === count && streams.every(({ status }) => status.state === "streaming");
  }

  /** Takes the device that came last off the household. */
  async removeNewest(): Promise<void> {
    const { devices } = (await this.owner.must("device", "list")) as { devices: Entry[] };
    const [newest] = devices.sort((one, other) => other.addedMs - one.addedMs);
    await this.owner.must("device", "remove", newest?.id ?? "");
  }

  get #recovery(): string {
    return join(this.owner.folder, "recovery.txt");
  }

  /** The 24 words. */
  get words(): string {
    const lines = readFileSync(this.#recovery, "utf8").split("\n");
    const words = lines
      .filter((line) => !line.startsWith("#"))
      .flatMap((line) => line.match(/\S+/g) ?? []);
    if (words.length !== 24) {
      throw new Error("the recovery file holds no words");
    }
    return words.join(" ");
  }

  async end(): Promise<void> {
    await this.gateway.end();
    this.owner.end();
  }
}
