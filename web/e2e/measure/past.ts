// A household that looks back on thirty days: one camera, recorded for a few seconds to begin with, then the whole month,
// sealed by the camera's own key (`tests/examples/sealed_month.rs`), in place of that.

import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { synthetic } from "../harness/camera.ts";
import { Household } from "../harness/household.ts";
import { leftovers, program } from "../harness/place.ts";
import { pause } from "../harness/wait.ts";

const run = promisify(execFile);

/** Longest time that the month may take to be written, in milliseconds. */
const WRITE_MS = 900_000;

interface Written {
  readonly segments: number;
  readonly bytes: number;
  readonly indexBytes: number;
  readonly fromMs: number;
  readonly toMs: number;
  /** Pictures come round again after this. */
  readonly cycleMs: number;
  /** When nothing was recorded. */
  readonly gaps: readonly (readonly [number, number])[];
}

export class Past {
  readonly household: Household;
  readonly written: Written;
  readonly #folder: string;

  private constructor(household: Household, written: Written, folder: string) {
    this.household = household;
    this.written = written;
    this.#folder = folder;
  }

  static async make(): Promise<Past> {
    // Some gigabytes: beside what is built, not where the machine keeps small things.
    const folder = mkdtempSync(join(leftovers(), "month-"));
    const small = { fps: 15, gop: "2s", audio: false };
    const main = synthetic({ ...small, width: 320, height: 180 });
    const sub = synthetic({ ...small, width: 160, height: 120 });
    const settings = { data: join(folder, "data") };
    const household = await Household.open([{ name: "Door", main, sub }], settings);
    await pause(4_000);
    await household.gateway.stop();
    const { stdout } = await run(writer(), [settings.data], { timeout: WRITE_MS });
    await household.gateway.restart();
    return new Past(household, JSON.parse(stdout) as Written, folder);
  }

  /** Whether something was recorded all the time from `roomMs` before `timeMs` to as much after it. */
  holds(timeMs: number, roomMs: number): boolean {
    const { fromMs, toMs, gaps } = this.written;
    const [before, after] = [timeMs - roomMs, timeMs + roomMs];
    return (
      before > fromMs && after < toMs && gaps.every(([from, to]) => after < from || before > to)
    );
  }

  /** How long before `timeMs` the picture with this stamp was captured, whichever time it came round. */
  before(timeMs: number, stamp: number): number {
    const { cycleMs } = this.written;
    const half = cycleMs / 2;
    return ((((timeMs - stamp + half) % cycleMs) + cycleMs) % cycleMs) - half;
  }

  /** What the figures are about. */
  get note(): string {
    const { segments, bytes, indexBytes, cycleMs } = this.written;
    const size = `${(segments / 1e6).toFixed(2)} million sealed segments in two renditions, ${(bytes / 1e9).toFixed(1)} GB, index ${(indexBytes / 1e6).toFixed(0)} MB`;
    return `${size}; pictures 320×180, three to a segment, alike every ${Math.round(cycleMs / 60_000)} minutes`;
  }

  async end(): Promise<void> {
    await this.household.end();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** The program that writes a month; `cargo xtask bench app` builds it. */
function writer(): string {
  const path = join(dirname(program("bartizan-gateway")), "examples/sealed_month");
  if (!existsSync(path)) {
    throw new Error(`${path} is not built: run \`cargo xtask bench app\``);
  }
  return path;
}
