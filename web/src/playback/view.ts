// One camera on one canvas: which run feeds it, which picture it shows at which moment, and what it says of
// itself. The group (`group.ts`) owns the clock and tells it when to draw.

import type { CameraId } from "../domain/id.ts";
import type { DecodeProblem } from "../media/decoder.ts";
import type { Rendition } from "../sealed/record.ts";
import type { Codec } from "../sealed/track.ts";
import { Canvas } from "./canvas.ts";
import { Elsewhere } from "./elsewhere.ts";
import type { GapParts } from "./gaps.ts";
import type { Mark } from "./marks.ts";
import type { Plan } from "./plan.ts";
import { CameraPreviews, previewsOf } from "./preview.ts";
import type { Shows, ViewState } from "./protocol.ts";
import { Renditions } from "./renditions.ts";
import type { Stretch } from "./run.ts";
import { Run } from "./run.ts";
import { micros, Shelf } from "./shelf.ts";
import { Signatures } from "./signatures.ts";
import { SoundFeed } from "./sound.ts";
import type { Vault } from "./vault.ts";

/** A picture that is late by more than this after a jump gives way to one that is near, in milliseconds. */
const SHOW_EARLY_MS = 150;

/** Pictures that are kept behind the shown one while somebody steps. */
export const STEPS_BEHIND = 12;

/** What a view works with. */
export interface ViewParts {
  readonly vault: Vault;
  readonly camera: CameraId;
  readonly renditions: readonly Rendition[];
  readonly canvas: OffscreenCanvas;
  readonly clock: () => number;
  readonly wake: () => void;
  readonly marks: (marks: readonly Mark[]) => void;
}

/** One camera. */
export class View {
  readonly #parts: ViewParts;
  readonly #canvas: Canvas;
  readonly #shelf = new Shelf<VideoFrame>();
  readonly #renditions: Renditions;
  readonly #signatures: Signatures;
  readonly sound = new SoundFeed();
  readonly #elsewhere: Elsewhere;
  #previews: CameraPreviews | null = null;
  #run: Run | null = null;
  #plan: Plan = { rendition: "main", frames: "all" };
  #unplayable: { readonly codec: Codec | null } | null = null;
  #startedAt = 0;
  #preview: number | null = null;

  constructor(parts: ViewParts) {
    this.#parts = parts;
    this.#canvas = new Canvas(parts.canvas);
    this.#renditions = new Renditions(parts.vault, parts.camera, parts.renditions);
    this.#elsewhere = new Elsewhere(this.#renditions);
    this.#signatures = new Signatures(parts.vault, parts.camera, parts.marks);
  }

  get plan(): Plan {
    return this.#plan;
  }

  /** The plan that fits `speed`, where a megapixel takes `cost` milliseconds. */
  planFor(speed: number, cost: number | null, cameras: number): Plan {
    return this.#renditions.planFor(speed, cost, cameras);
  }

  /** Runs from `timeMs` on. */
  start(timeMs: number, plan: Plan, behind = 0): void {
    this.#end();
    this.#elsewhere.reset();
    this.#plan = plan;
    this.#shelf.behind = behind;
    this.#startedAt = performance.now();
    this.#preview = null;
    this.#unplayable = null;
    const { vault, camera, clock, wake } = this.#parts;
    const stream = { camera, rendition: plan.rendition };
    const index = this.#renditions.index(plan.rendition);
    if (index === undefined) return;
    const epochs = vault.epochs(camera);
    this.#run = new Run({
      ...{ stream, index, epochs, plan, clock, wake, site: vault.site, shelf: this.#shelf },
      lines: this.#renditions.lines(plan.rendition),
      ...{ witness: this.#signatures.watch(stream), fetch: vault.fetch, fetchAll: vault.fetchAll },
      problem: (problem) => this.#unsupported(plan.rendition, problem),
      segment: (header) => this.#signatures.segment(header),
      video: (config) => this.#renditions.learn(plan.rendition, config),
      sound: (frame, timeUs) => this.sound.push(frame, timeUs),
    });
    this.#run.play(timeMs);
  }

  /** Whether the picture of `timeMs` and what follows it are there, or are known not to come. */
  isReady(timeMs: number): boolean {
    const run = this.#run;
    if (run === null || run.failure !== null || this.#unplayable !== null) return true;
    if (this.#shelf.next(micros(timeMs)) !== null) return true;
    const hole = this.#holeAt(timeMs);
    const known = hole === null || this.#elsewhere.isKnown(this.#plan, hole, timeMs);
    return run.endMs !== null && run.isIdle && known;
  }

  /** The stretch without any recording in which `timeMs` lies; `toMs` is infinite at the end of all. */
  gapAt(timeMs: number): Stretch | null {
    const hole = this.#holeAt(timeMs);
    return hole !== null && this.#elsewhere.isKnown(this.#plan, hole, timeMs) ? hole : null;
  }

  /** The same of the rendition that plays. */
  #holeAt(timeMs: number): Stretch | null {
    const run = this.#run;
    const gap = run?.gaps.find(({ fromMs, toMs }) => fromMs <= timeMs + 20 && timeMs < toMs);
    if (gap !== undefined && this.#nextMs(timeMs) >= gap.toMs - 1_000) return gap;
    const ends = run?.endMs ?? null;
    const over = ends !== null && run?.isIdle === true && this.#shelf.next(micros(timeMs)) === null;
    return over && timeMs >= ends - 200 ? { fromMs: ends, toMs: Number.POSITIVE_INFINITY } : null;
  }

  /** Draws the picture of `timeMs`, when it is another than the drawn one. */
  draw(timeMs: number, heard: boolean): void {
    this.#run?.tick();
    this.#signatures.ask();
    if (this.#preview !== null) return;
    this.sound.play(micros(timeMs), heard);
    void this.#lookElsewhere(timeMs);
    const frame = this.#shelf.current(micros(timeMs));
    if (frame === null) {
      if (this.gapAt(timeMs) !== null) this.#canvas.clear();
      return;
    }
    // Whoever steps wants the very picture; whoever jumps is served by one that is near.
    const jumped = this.#shelf.behind === 0;
    const early = jumped && performance.now() - this.#startedAt > SHOW_EARLY_MS;
    if (!this.isReady(timeMs) && !early) return;
    this.#canvas.draw(frame);
    this.#warm(timeMs);
  }

  /** Goes on with the other rendition where this one has a hole and that one has none. */
  async #lookElsewhere(timeMs: number): Promise<void> {
    const hole = this.#holeAt(timeMs);
    if (hole === null || this.#elsewhere.isKnown(this.#plan, hole, timeMs)) return;
    const plan = await this.#elsewhere.ask(this.#plan, hole, timeMs);
    if (plan !== null) this.start(this.#parts.clock(), plan, this.#shelf.behind);
    else this.#parts.wake();
  }

  /** The moment of the picture that is seen at `timeMs`, as far as it is here: steps go from there. */
  seenMs(timeMs: number): number {
    const seen = this.#shelf.current(micros(timeMs));
    return seen === null ? timeMs : seen.timestamp / 1_000;
  }

  /** The moment of the first picture after `seenMs` (1), or of the last one before (-1); `null` when it is not here. */
  neighbour(seenMs: number, direction: 1 | -1): number | null {
    const frame =
      direction === 1 ? this.#shelf.next(micros(seenMs)) : this.#shelf.previous(micros(seenMs));
    return frame === null ? null : frame.timestamp / 1_000;
  }

  set behind(pictures: number) {
    this.#shelf.behind = pictures;
  }

  /** Makes the first preview before anybody scrubs: decoders take a while to begin. */
  #warm(timeMs: number): void {
    if (this.#previews !== null) return;
    this.#previews = this.#makePreviews();
    const first = this.#previews.at(timeMs);
    first.then((preview) => preview?.frame.close()).catch(() => undefined);
  }

  /** Shows the keyframe near `timeMs`; a later question overtakes this one. */
  async scrub(timeMs: number): Promise<void> {
    const run = this.#run;
    if (this.#preview === null) {
      run?.end();
      this.sound.clear();
    }
    this.#preview ??= timeMs;
    this.#previews ??= this.#makePreviews();
    const preview = await this.#previews.at(timeMs);
    if (preview === null) return;
    const wanted = this.#preview !== null && this.#run === run;
    if (wanted) {
      this.#preview = preview.timeMs;
      this.#canvas.drawPreview(preview);
    }
    preview.frame.close();
    this.#parts.wake();
  }

  snapshot(): Promise<Blob | null> {
    return this.#canvas.snapshot();
  }

  state(timeMs: number): ViewState {
    const { width, height, pictureMs } = this.#canvas;
    return {
      ...{ shows: this.#shows(timeMs), pictureMs, plan: this.#plan, width, height },
      ...{ ...this.#signatures.state(pictureMs), hasSound: this.sound.isHeard },
    };
  }

  /** What it takes to ask why nothing was recorded. */
  gapParts({ site, rosters, fetchAll }: Vault): GapParts | undefined {
    const rendition = this.#renditions.largest;
    const index = this.#renditions.index(rendition);
    if (index === undefined) return undefined;
    const stream = { camera: this.#parts.camera, rendition };
    return { stream, site, index, rosters: rosters.history, fetch: fetchAll };
  }

  close(): void {
    this.#end();
    this.#previews?.close();
    this.sound.close();
  }

  #end(): void {
    this.#signatures.ask();
    this.#run?.end();
    this.#run = null;
    this.#shelf.clear();
    this.sound.clear();
  }

  #shows(timeMs: number): Shows {
    if (this.#preview !== null) return { kind: "preview", timeMs: this.#preview };
    if (this.#unplayable !== null) return { kind: "unplayable", ...this.#unplayable };
    const failure = this.#run?.failure ?? null;
    if (failure !== null) return { kind: "failed", problem: nameOf(failure) };
    const gap = this.gapAt(timeMs);
    if (gap !== null) {
      const toMs = Number.isFinite(gap.toMs) ? gap.toMs : null;
      return { kind: "gap", fromMs: gap.fromMs, toMs };
    }
    return this.isReady(timeMs) ? { kind: "picture" } : { kind: "loading" };
  }

  #nextMs(timeMs: number): number {
    const next = this.#shelf.next(micros(timeMs))?.timestamp;
    return next === undefined ? Number.POSITIVE_INFINITY : next / 1_000;
  }

  #unsupported(rendition: Rendition, problem: DecodeProblem): void {
    const plan = this.#renditions.without(rendition);
    if (plan !== null) return this.start(this.#parts.clock(), plan, this.#shelf.behind);
    this.#unplayable = { codec: problem.kind === "unsupported" ? problem.config.codec : null };
    this.#parts.wake();
  }

  #makePreviews(): CameraPreviews {
    const { vault, camera } = this.#parts;
    const { forPreviews } = this.#renditions;
    const streams = forPreviews.map((rendition) => previewsOf(vault, { camera, rendition }));
    return new CameraPreviews(streams);
  }
}

function nameOf(failure: unknown): string {
  return failure instanceof Error && "type" in failure ? String(failure.type) : "/problems/unknown";
}
