// Two networks of their own with a wire between them: the home, where the gateway is, and a phone in it. Nothing of the
// machine's own network is reachable from there. It needs root, as continuous integration has it.

import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, chromium } from "playwright-core";
import { CHROMIUM, FLAGS } from "./chromium.ts";
import { repository } from "./place.ts";
import { headed } from "./visitor.ts";

const SCRIPT = join(repository, "tests/netns/home-and-phone.sh");

export class Home {
  /** The gateway's address at home. */
  readonly address = "10.87.0.1";
  readonly #id = `e${process.pid}`;
  readonly #folder = mkdtempSync(join(tmpdir(), "bartizan-e2e-home-"));

  private constructor() {}

  static open(): Home {
    const home = new Home();
    try {
      home.#script("up");
      return home;
    } catch (error) {
      home.close();
      throw error;
    }
  }

  #script(verb: "up" | "down"): void {
    execFileSync(SCRIPT, [verb, this.#id], { stdio: ["ignore", "pipe", "pipe"], timeout: 30_000 });
  }

  /** What stands in front of a command that runs at home. */
  get within(): readonly string[] {
    return ["ip", "netns", "exec", `bz-home-${this.#id}`];
  }

  /** What stands in front of a command that runs on the phone. */
  get onPhone(): readonly string[] {
    return ["ip", "netns", "exec", `bz-phone-${this.#id}`];
  }

  /** Runs a command on the phone to its end, and gives what it printed. */
  phoneSays(...words: readonly string[]): string {
    const [command = "ip", ...rest] = [...this.onPhone, ...words];
    return execFileSync(command, rest, { encoding: "utf8", timeout: 30_000 });
  }

  /** The phone's browser. `name` is the gateway's; the phone trusts the authority in the file `trusted`, if one is named. */
  async browse(name: string, trusted?: string): Promise<Browser> {
    const user = mkdtempSync(join(this.#folder, "user-"));
    const store = join(user, ".pki/nssdb");
    mkdirSync(store, { recursive: true });
    execFileSync("certutil", ["-d", `sql:${store}`, "-N", "--empty-password"]);
    if (trusted) {
      execFileSync("certutil", [
        "-d",
        `sql:${store}`,
        "-A",
        "-t",
        "C,,",
        "-n",
        "home",
        "-i",
        trusted,
      ]);
    }
    const start = join(user, "chromium");
    writeFileSync(start, `#!/bin/sh\nexec ${this.onPhone.join(" ")} ${CHROMIUM} "$@"\n`);
    chmodSync(start, 0o755);
    return chromium.launch({
      executablePath: start,
      headless: !headed,
      env: { ...process.env, HOME: user },
      // In place of a resolver that speaks multicast DNS, which a phone has and this machine may lack.
      args: [...FLAGS, `--host-resolver-rules=MAP ${name} ${this.address}`],
    });
  }

  /** Takes the networks down. What runs in them must have ended. */
  close(): void {
    this.#script("down");
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
