// Two networks of their own with a wire between them: the home, where the gateway is, and a phone in it. Nothing of the
// machine's own network is reachable from there. It needs root, as continuous integration has it.

import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, chromium } from "playwright-core";
import { CHROMIUM, FLAGS } from "./chromium.ts";
import { headed } from "./visitor.ts";

function ip(...words: readonly string[]): void {
  execFileSync("ip", words, { stdio: ["ignore", "pipe", "pipe"] });
}

export class Home {
  /** The gateway's address at home. */
  readonly address = "10.77.9.1";
  readonly #home = `bz${process.pid}h`;
  readonly #phone = `bz${process.pid}p`;
  readonly #folder = mkdtempSync(join(tmpdir(), "bartizan-e2e-home-"));

  private constructor() {
    const [home, phone] = [this.#home, this.#phone];
    for (const name of [home, phone]) {
      ip("netns", "add", name);
      ip("-n", name, "link", "set", "lo", "up");
    }
    ip("-n", home, "link", "add", "wire", "type", "veth", "peer", "name", "wire", "netns", phone);
    this.#raise(home, this.address);
    this.#raise(phone, "10.77.9.2");
  }

  static open(): Home {
    return new Home();
  }

  #raise(name: string, address: string): void {
    ip("-n", name, "addr", "add", `${address}/24`, "dev", "wire");
    ip("-n", name, "link", "set", "wire", "up");
    ip("-n", name, "route", "add", "224.0.0.0/4", "dev", "wire");
  }

  /** What stands in front of a command that runs at home. */
  get within(): readonly string[] {
    return ["ip", "netns", "exec", this.#home];
  }

  /** What stands in front of a command that runs on the phone. */
  get onPhone(): readonly string[] {
    return ["ip", "netns", "exec", this.#phone];
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
    for (const name of [this.#home, this.#phone]) {
      ip("netns", "del", name);
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
