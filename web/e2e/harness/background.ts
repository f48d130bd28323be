// A program that runs beside the tests: what it prints is kept, and it is ended by its own process id.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { pause, until } from "./wait.ts";

const STOP_MS = 25_000;

/** What runs: a test that is cut short leaves nothing behind. */
const running = new Set<ChildProcess>();

process.once("exit", () => {
  for (const child of running) {
    child.kill("SIGTERM");
  }
});

export class Background {
  readonly #child: ChildProcess;
  readonly #lines: string[] = [];
  readonly #complaints: string[] = [];
  #problem: Error | undefined;

  constructor(command: string, words: readonly string[], env: Record<string, string> = {}) {
    this.#child = spawn(command, words, {
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    running.add(this.#child);
    this.#child.once("exit", () => running.delete(this.#child));
    this.#child.on("error", (error) => {
      this.#problem = error;
    });
    this.#keep(this.#child.stdout, this.#lines);
    this.#keep(this.#child.stderr, this.#complaints);
  }

  #keep(stream: NodeJS.ReadableStream | null, lines: string[]): void {
    if (stream) {
      createInterface({ input: stream }).on("line", (line) => lines.push(line));
    }
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Everything that it printed and logged. */
  get said(): readonly string[] {
    return [...this.#lines, ...this.#complaints];
  }

  /** What stands behind `prefix` in the first line of standard output that begins so. */
  found(prefix: string): string | undefined {
    const line = this.#lines.find((line) => line.startsWith(prefix));
    return line?.slice(prefix.length);
  }

  /** Waits for such a line. */
  async line(prefix: string, limitMs: number): Promise<string> {
    const probe = (): { rest: string } | undefined => {
      const rest = this.found(prefix);
      return rest === undefined ? this.#ended(prefix) : { rest };
    };
    try {
      return (await until(`a line that begins with "${prefix}"`, probe, limitMs)).rest;
    } catch (error) {
      throw new Error(`${this.#child.spawnfile}:\n${this.said.slice(-40).join("\n")}`, {
        cause: this.#problem ?? error,
      });
    }
  }

  #ended(prefix: string): { rest: string } | undefined {
    if (this.#problem || this.#child.exitCode !== null) {
      // One that ended prints nothing more: an empty rest lets the caller's own checks fail at once.
      throw new Error(`it ended before it printed "${prefix}"`);
    }
    return undefined;
  }

  /** Asks it to end and waits; after a while it is killed. */
  async stop(): Promise<void> {
    const child = this.#child;
    if (child.exitCode !== null || child.signalCode !== null || this.#problem) {
      return;
    }
    const ended = once(child, "exit");
    child.kill("SIGTERM");
    const late = Symbol("late");
    const first = await Promise.race([ended, pause(STOP_MS, late, { ref: false })]);
    if (first === late) {
      child.kill("SIGKILL");
      await ended;
    }
  }
}
