// An owner on the way through the app: live, recordings, export. Every screen on the way is judged for accessibility once.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished } from "vitest";
import { faultsOfAccess } from "./axe.ts";
import { CommandLine, probe } from "./command-line.ts";
import type { Means } from "./hand.ts";
import { Person } from "./person.ts";
import { moves, shown } from "./picture.ts";
import type { Visitor } from "./visitor.ts";
import { pause } from "./wait.ts";
import { Watcher } from "./watcher.ts";
import { text } from "./words.ts";

/** What the app proposes to call the first camera. */
export const CAMERA = "Camera 1";

/** How much is recorded before it is watched: ten seconds back, and room to go on from there. */
const RECORDED_MS = 18_000;

/** The way of one owner of one camera, in the order in which it is gone. */
export class Owner extends Person {
  readonly #seen = new Set<string>();
  readonly #camera: string;
  /** When the first picture was seen. */
  #since = Number.NaN;

  constructor(visitor: Visitor, means: Means = "pointer", camera = CAMERA) {
    super(visitor, means);
    this.#camera = camera;
  }

  /** What is seriously wrong with this screen; each is judged once. */
  async screen(name: string): Promise<void> {
    if (!this.#seen.has(name)) {
      this.#seen.add(name);
      expect(await faultsOfAccess(this.page), name).toEqual([]);
    }
  }

  async watchLive(): Promise<void> {
    await shown(this.live(this.#camera));
    this.#since = performance.now();
    await moves(this.live(this.#camera));
    await this.screen("live");
    await this.openLarge(this.#camera);
    await moves(this.live(this.#camera));
    await this.screen("camera");
    await this.hand.press(this.page.getByRole("button", { name: text("live.details") }));
    await this.page.getByText(text("live.player-canvas")).waitFor();
    await this.screen("details");
  }

  /** After [`watchLive`](Self.watchLive): ten seconds ago; back and on, at twice the speed. */
  async watchRecorded(): Promise<Watcher> {
    await pause(Math.max(0, this.#since + RECORDED_MS - performance.now()));
    await this.hand.press(this.link("live.back10"));
    const watcher = new Watcher(this);
    await this.button("playback.play").or(this.button("playback.pause")).waitFor();
    await shown(watcher.picture(this.#camera));
    if (await this.button("playback.pause").isVisible()) {
      await this.press("playback.pause");
    }
    await this.screen("playback");
    await watcher.zoomIn();
    const before = await watcher.moment();
    await (this.hand.means === "pointer" ? watcher.drag(500) : watcher.key("ArrowLeft", 30));
    await pause(800);
    expect(await watcher.moment()).toBeLessThan(before - 1_000);
    await watcher.speed(2);
    await this.press("playback.play");
    await moves(watcher.picture(this.#camera), 8);
    await this.press("playback.pause");
    return watcher;
  }
}

export async function exportAndJudge(watcher: Watcher, owner: Owner): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "bartizan-e2e-export-"));
  const judge = new CommandLine();
  onTestFinished(() => {
    judge.end();
    rmSync(folder, { recursive: true, force: true });
  });
  const file = await watcher.export(folder);
  await owner.screen("after export");
  const { codecs, pictures, seconds } = await probe(file);
  expect(codecs).toContain("h264");
  expect(pictures).toBeGreaterThan(20);
  expect(seconds).toBeGreaterThan(2);
  const verdict = await judge.must("verify", file);
  expect(verdict).toMatchObject({ whole: true });
}
