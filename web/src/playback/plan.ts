// What is decoded at which speed: every frame as long as this machine keeps up, else keyframes; the sub
// stream where the main one is too heavy or its codec unknown to the browser. Pure.

import type { Rendition } from "../sealed/record.ts";

/** Which frames of which rendition are decoded. */
export interface Plan {
  readonly rendition: Rendition;
  readonly frames: "all" | "keys";
}

/** What is known of a rendition. */
export interface Known {
  /** Whether the browser decodes it. */
  readonly playable: boolean;
  /** Pixels of a picture. */
  readonly pixels: number;
  readonly framesPerSecond: number;
  /** Milliseconds between keyframes. */
  readonly keyMs: number;
}

/** Milliseconds that decoding and painting take per megapixel, until it was measured. */
export const GUESS_MS_PER_MEGAPIXEL = 3.5;

/** The part of a second that one camera's pictures may take. */
const SHARE = 0.75;

/** Fewer keyframes a second than this are a slide show. */
const MIN_KEYS_PER_SECOND = 3;

/**
 * The plan for `speed`, where a megapixel takes `cost` milliseconds and `cameras` play at once. What is not
 * known yet (`null`) is taken for an ordinary stream.
 */
export function planFor(
  speed: number,
  known: { readonly main: Known; readonly sub: Known | null },
  cost: number,
  cameras = 1,
): Plan {
  const { main } = known;
  const sub = known.sub?.playable === true ? known.sub : null;
  const fits = (stream: Known) => load(stream, speed, cost) * cameras <= SHARE;
  if (main.playable && (speed <= 1 || fits(main))) return { rendition: "main", frames: "all" };
  if (sub !== null && (speed <= 1 || fits(sub))) return { rendition: "sub", frames: "all" };
  if (!main.playable && sub !== null) return { rendition: "sub", frames: "keys" };
  const keys = (stream: Known) => (1_000 / stream.keyMs) * speed;
  const slow = keys(main) < MIN_KEYS_PER_SECOND;
  if (slow && sub !== null && keys(sub) > keys(main)) return { rendition: "sub", frames: "keys" };
  return { rendition: "main", frames: "keys" };
}

/** The part of a second that decoding every frame at `speed` takes. */
export function load(stream: Known, speed: number, cost: number): number {
  return (stream.framesPerSecond * speed * (stream.pixels / 1e6) * cost) / 1_000;
}
