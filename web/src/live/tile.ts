// One tile inside the worker: joins what it needs, shows the newest picture, and tells how it is doing. A tile that
// nobody sees holds neither a connection nor a decoder; its last picture stays.

import type { Picture } from "../media/painter.ts";
import type { Rendition } from "../sealed/record.ts";
import type { Codec } from "../sealed/track.ts";
import { localNow } from "./clock.ts";
import { Floors } from "./floors.ts";
import { Relief } from "./overload.ts";
import type { LiveState, Stop } from "./phase.ts";
import { FIRST_STATE } from "./phase.ts";
import { draws, plan } from "./plan.ts";
import type { FromWorker, Quality, TileRequest } from "./protocol.ts";
import type { Painted, Parts } from "./report.ts";
import { detailsOf, sameState, stateOf } from "./report.ts";
import type { RunSound, RunUnit } from "./run.ts";
import { Run } from "./run.ts";
import type { Screen } from "./screen.ts";
import { TileSound } from "./sound.ts";
import { Stats } from "./stats.ts";
import type { LiveVault } from "./vault.ts";

export class Tile {
  readonly #request: TileRequest;
  readonly #vault: LiveVault;
  readonly #screen: Screen;
  readonly #tell: (message: FromWorker, transfer?: Transferable[]) => void;
  readonly #runs = new Map<Rendition, Run>();
  readonly #failed = new Map<Rendition, Stop>();
  readonly #stats = new Stats();
  readonly #sound = new TileSound(() => this.#update());
  readonly #floors: Floors;
  readonly #relief = new Relief();
  #quality: Quality;
  #visible: boolean;
  #since = 0;
  #shown: Rendition | null = null;
  #painted: Painted | null = null;
  #size = { width: 0, height: 0 };
  #state: LiveState = FIRST_STATE;

  constructor(
    request: TileRequest,
    vault: LiveVault,
    screen: Screen,
    tell: (message: FromWorker, transfer?: Transferable[]) => void,
  ) {
    this.#request = request;
    this.#vault = vault;
    this.#screen = screen;
    this.#tell = tell;
    this.#floors = new Floors(request.camera, request.floors, tell);
    [this.#quality, this.#visible] = [request.quality, request.visible];
    screen.painted = (captured, current, size) => this.#note(captured, current, size);
    screen.shown = (captured, at) => this.#stats.picture(at - captured, at);
    this.#replan();
  }

  setVisible(visible: boolean): void {
    this.#visible = visible;
    this.#since = localNow();
    this.#replan();
  }

  setQuality(quality: Quality): void {
    this.#quality = quality;
    this.#relief.end();
    this.#replan();
  }

  setSound(port: MessagePort | null): void {
    this.#screen.follow(this.#sound.set(port));
    this.#update();
  }

  /** The page's player does not take this codec. */
  refuseCodec(codec: Codec): void {
    for (const [rendition, run] of this.#runs) {
      if (run.video?.codec === codec) this.#fail(rendition, { kind: "unsupported", codec });
    }
  }

  /** A person asks for another try. */
  retry(): void {
    this.#failed.clear();
    this.hurry();
    this.#replan();
  }

  /** The network is back. */
  hurry(): void {
    for (const run of this.#runs.values()) run.hurry();
  }

  snapshot(): Promise<Blob | null> {
    return this.#painted === null ? Promise.resolve(null) : this.#screen.snapshot();
  }

  close(): void {
    for (const rendition of [...this.#runs.keys()]) this.#leave(rendition);
    this.#sound.close();
    this.#screen.close();
  }

  /** Four times a second: time alone changes what a tile says. */
  tick(withDetails: boolean): void {
    const now = localNow();
    this.#replan(); // An overload may be over.
    const parts = this.#parts();
    if (parts.run === undefined) return;
    this.#stats.bytes(parts.run.bytes, now);
    if (!withDetails) return;
    for (const run of parts.runs) this.#floors.note(run.rendition, run.highWater);
    this.#tell({ kind: "details", id: this.#request.id, details: detailsOf(parts, parts.run) });
  }

  #replan(): void {
    const wanted = this.#visible ? this.#wanted() : [];
    for (const rendition of [...this.#runs.keys()]) {
      // The one on the screen stays until the one that replaces it has caught up.
      const shown = rendition === this.#shown && wanted.length > 0;
      const replaced = wanted.some((other) => this.#runs.get(other)?.caughtUp === true);
      if (!wanted.includes(rendition) && !(shown && !replaced)) this.#leave(rendition);
    }
    for (const rendition of wanted) {
      if (!this.#runs.has(rendition)) this.#runs.set(rendition, this.#join(rendition));
    }
    this.#update();
  }

  #wanted(): readonly Rendition[] {
    return plan({
      renditions: this.#request.renditions,
      wanted: this.#quality,
      failed: new Set(this.#failed.keys()),
      mainCaughtUp: this.#runs.get("main")?.caughtUp === true,
      overloaded: this.#relief.isOn(localNow()),
      single: !this.#screen.decodes,
    });
  }

  #join(rendition: Rendition): Run {
    const { camera, renditions } = this.#request;
    const smaller = () => rendition === "main" && renditions.includes("sub");
    const hasSmaller = () => smaller() && !this.#failed.has("sub");
    const floor = this.#floors.of(rendition);
    const { decodes } = this.#screen;
    return new Run(
      { vault: this.#vault, camera, rendition, floor, decodes, hasSmaller },
      {
        picture: (picture) => this.#picture(rendition, picture),
        unit: (unit) => this.#unit(rendition, unit),
        sound: (sound) => this.#hear(rendition, sound),
        changed: () => this.#update(),
        stopped: (stop) => this.#fail(rendition, stop),
        overloaded: () => {
          if (!this.#relief.isOn(localNow())) this.#relief.begin(localNow());
          this.#replan();
        },
      },
    );
  }

  #leave(rendition: Rendition): void {
    const run = this.#runs.get(rendition);
    this.#runs.delete(rendition);
    run?.close();
    this.#floors.note(rendition, run?.highWater);
  }

  #fail(rendition: Rendition, stop: Stop): void {
    this.#failed.set(rendition, stop);
    this.#leave(rendition);
    // What ends one rendition for good ends the other, but for codecs and decoders.
    if (stop.kind !== "unsupported" && stop.kind !== "failed") {
      for (const other of this.#request.renditions) this.#failed.set(other, stop);
    }
    this.#replan();
  }

  #picture(rendition: Rendition, picture: Picture): void {
    const { current, captured } = picture;
    const mainCaughtUp = this.#runs.get("main")?.caughtUp === true;
    const shown = { wanted: this.#quality, painted: this.#painted, mainCaughtUp };
    if (!draws({ rendition, current, captured, ...shown })) return picture.frame.close();
    this.#switchTo(rendition, current);
    this.#screen.picture(picture);
  }

  #unit(rendition: Rendition, unit: RunUnit): void {
    if (this.#screen.decodes) return;
    if (this.#shown !== null && this.#shown !== rendition && !unit.current) return;
    this.#switchTo(rendition, unit.current);
    this.#screen.unit(unit);
  }

  #switchTo(rendition: Rendition, current: boolean): void {
    if (this.#shown !== rendition) {
      this.#shown = rendition;
      this.#stats.reset();
      this.#sound.clear(); // The other one's times are others.
    }
    if (current && this.#runs.size > 1) this.#replan();
  }

  #hear(rendition: Rendition, sound: RunSound): void {
    if (rendition !== this.#shown) return;
    this.#screen.sound(sound);
    this.#sound.push(sound);
  }

  #note(captured: number, current: boolean, size: { width: number; height: number }): void {
    const first = this.#painted === null || this.#painted.current !== current;
    this.#painted = { at: localNow(), captured, current };
    const resized = size.width !== this.#size.width || size.height !== this.#size.height;
    this.#size = size;
    if (first || resized) this.#update();
  }

  #stop(): Stop | null {
    if (this.#failed.size === 0 || this.#wanted().length > 0) return null;
    return this.#failed.get(this.#quality) ?? [...this.#failed.values()][0] ?? null;
  }

  #parts(): Parts {
    const runs = [...this.#runs.values()];
    return {
      vault: this.#vault,
      screen: this.#screen,
      stats: this.#stats,
      size: this.#size,
      visible: this.#visible,
      since: this.#since,
      painted: this.#painted,
      runs,
      run: (this.#shown && this.#runs.get(this.#shown)) ?? runs[0],
      stop: this.#stop(),
      instead: this.#failed.get(this.#quality),
      sound: this.#sound.state,
    };
  }

  /** Tells the page when something changed. */
  #update(): void {
    const next = stateOf(this.#parts(), this.#state);
    if (sameState(next, this.#state)) return;
    this.#state = next;
    this.#tell({ kind: "state", id: this.#request.id, state: next });
  }
}
