// What fingers, wheel and keys do to the moment: while it is held it scrubs, let go of it coasts and then jumps. No
// drawing, no elements; `Timeline.svelte` owns those.

import { Gestures } from "./gestures.ts";
import type { Bounds, Viewport } from "./timeline.ts";
import {
  clampTime,
  coasted,
  isCoasting,
  keyAct,
  panned,
  timeAt,
  wheelFactor,
  zoomed,
} from "./timeline.ts";

/** Keys and wheel scrub; this long after the last one the moment jumps, in milliseconds. */
const SETTLE_MS = 180;

/** A drag that is slower when it ends does not coast, in pixels a millisecond. */
const LEAST_SPEED = 0.05;

/** What it works with and tells. */
export interface ScrubberParts {
  view(): Viewport;
  bounds(): Bounds;
  /** The moment that is shown. */
  clock(): number;
  /** Whether nothing is to move by itself. */
  calm(): boolean;
  scrub(timeMs: number): void;
  seek(timeMs: number): void;
  zoom(spanMs: number): void;
  /** A drag begins. */
  begin(): void;
  /** Something is to be drawn. */
  wake(): void;
}

/** The moment under the fingers. */
export class Scrubber {
  readonly gestures: Gestures;
  readonly #parts: ScrubberParts;
  #held: number | null = null;
  #coast: { velocity: number; since: number; fromMs: number } | null = null;
  #settling: ReturnType<typeof setTimeout> | undefined;

  constructor(parts: ScrubberParts) {
    this.#parts = parts;
    this.gestures = new Gestures({
      begin: () => this.#begin(),
      drag: (dx) => this.#pan(dx),
      pinch: (factor) => this.#zoom(factor),
      end: (velocity) => this.#end(velocity),
      tap: (x) => this.#tap(x),
    });
  }

  /** The moment that is to be drawn in the middle. */
  get timeMs(): number {
    return this.#held ?? this.#parts.clock();
  }

  get isCoasting(): boolean {
    return this.#coast !== null;
  }

  /** One display refresh at `time`. */
  glide(time: number): void {
    const coast = this.#coast;
    if (coast === null) return;
    const since = Math.max(0, time - coast.since);
    const view = { ...this.#parts.view(), centreMs: coast.fromMs };
    const bounds = this.#parts.bounds();
    const timeMs = panned(view, coasted(coast.velocity, since), bounds);
    this.#hold(timeMs);
    const inside = timeMs > bounds.fromMs && timeMs < bounds.toMs;
    if (!isCoasting(coast.velocity, since) || !inside) this.#settle();
  }

  /** A key; gives whether it meant something. */
  key(key: string): boolean {
    const act = keyAct(key, this.#view(), this.#parts.bounds());
    if (act === null) return false;
    if (act.kind === "zoom") {
      this.#parts.zoom(act.spanMs);
      return true;
    }
    this.#hold(act.timeMs);
    this.#settleSoon();
    return true;
  }

  /** A turn of the wheel, in pixels: up and down zooms, sideways moves. */
  wheel(dx: number, dy: number): void {
    if (Math.abs(dx) <= Math.abs(dy)) return this.#zoom(wheelFactor(dy));
    this.#pan(-dx);
    this.#settleSoon();
  }

  close(): void {
    clearTimeout(this.#settling);
  }

  #view(): Viewport {
    return { ...this.#parts.view(), centreMs: this.timeMs };
  }

  #begin(): void {
    this.#coast = null;
    clearTimeout(this.#settling);
    this.#parts.begin();
  }

  #pan(dx: number): void {
    this.#hold(panned(this.#view(), dx, this.#parts.bounds()));
  }

  #zoom(factor: number): void {
    this.#parts.zoom(zoomed(this.#parts.view().spanMs, factor));
  }

  #end(velocity: number): void {
    if (this.#parts.calm() || Math.abs(velocity) < LEAST_SPEED) return this.#settle();
    this.#coast = { velocity, since: performance.now(), fromMs: this.timeMs };
    this.#parts.wake();
  }

  #tap(x: number): void {
    // A touch stops what coasts.
    if (this.#coast === null) {
      this.#held = clampTime(timeAt(this.#parts.view(), x), this.#parts.bounds());
    }
    this.#settle();
  }

  #hold(timeMs: number): void {
    this.#held = timeMs;
    this.#parts.scrub(timeMs);
    this.#parts.wake();
  }

  #settleSoon(): void {
    clearTimeout(this.#settling);
    this.#settling = setTimeout(() => this.#settle(), SETTLE_MS);
  }

  #settle(): void {
    const timeMs = this.timeMs;
    this.#coast = null;
    this.#held = null;
    this.#parts.seek(timeMs);
    this.#parts.wake();
  }
}
